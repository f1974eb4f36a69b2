-- Whose ledger this is. A process of somebody else's must not touch it.
CREATE TABLE identity (
  id          INTEGER PRIMARY KEY CHECK (id = 1),
  service     TEXT NOT NULL, -- who takes the money: Amazon, a mock, an embedded fake
  seller      TEXT NOT NULL,
  region      TEXT NOT NULL,
  environment TEXT NOT NULL,
  shop        TEXT NOT NULL  -- goes into every reference id
);
