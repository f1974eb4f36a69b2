-- Times are Unix milliseconds, flags 0 or 1, amounts minor units. "due" and
-- "at" are of the business calendar, "lease" and "look" of the clock on the wall.

CREATE TABLE calendar (
  id       INTEGER PRIMARY KEY CHECK (id = 1),
  business BIGINT NOT NULL, -- the moment that the two clocks have in common,
  wall     BIGINT NOT NULL, -- on both
  speed    BIGINT NOT NULL, -- 1, but for demonstrations
  horizon  BIGINT NOT NULL  -- nothing that falls due later is planned
);

CREATE TABLE subscriptions (
  id        {identity},
  name      TEXT NOT NULL UNIQUE, -- the shop's own
  agreement TEXT NOT NULL,        -- AmazonBillingAgreementId
  amount    BIGINT NOT NULL,
  currency  TEXT NOT NULL,
  anchor    INTEGER NOT NULL,     -- day of the month
  next_due  BIGINT NOT NULL,
  state     TEXT NOT NULL,        -- active, suspended (the buyer must act), ended
  changed   BIGINT NOT NULL DEFAULT 0, -- Amazon's time of the agreement's state, so that late news undo nothing
  look      BIGINT NOT NULL DEFAULT 0  -- when the reconciler reads a suspended agreement
);
CREATE INDEX subscriptions_look ON subscriptions (look) WHERE state = 'suspended';
CREATE INDEX subscriptions_due ON subscriptions (next_due, id) WHERE state <> 'ended';
CREATE INDEX subscriptions_agreement ON subscriptions (agreement);

-- What a subscriber owes for a period: one row, whatever happens.
CREATE TABLE obligations (
  id           {identity},
  subscription BIGINT NOT NULL REFERENCES subscriptions (id),
  period       TEXT NOT NULL,  -- "2026-01"
  amount       BIGINT NOT NULL,
  currency     TEXT NOT NULL,
  due          BIGINT NOT NULL,
  state        TEXT NOT NULL,  -- open, waiting (for the buyer), paid, failed
  step         INTEGER NOT NULL, -- the latest attempt
  UNIQUE (subscription, period)
);
CREATE INDEX obligations_open ON obligations (subscription) WHERE state IN ('open', 'waiting');

-- Each attempt to charge an obligation, with its own reference id. Written
-- before the call; its parameters never change, so that a repeat is a repeat.
CREATE TABLE attempts (
  id            {identity},
  obligation    BIGINT NOT NULL REFERENCES obligations (id),
  step          INTEGER NOT NULL,
  reference     TEXT NOT NULL UNIQUE,
  agreement     TEXT NOT NULL,
  amount        BIGINT NOT NULL,
  currency      TEXT NOT NULL,
  due           BIGINT NOT NULL,
  confirm       INTEGER NOT NULL, -- the agreement is to be confirmed again first
  state         TEXT NOT NULL,
  doubt         INTEGER NOT NULL DEFAULT 0,
  doubt_since   BIGINT NOT NULL DEFAULT 0, -- of the latest request without an answer
  conflict      INTEGER NOT NULL DEFAULT 0,
  reason        TEXT NOT NULL DEFAULT '',
  soft          INTEGER NOT NULL DEFAULT 0,
  authorization_id TEXT NOT NULL DEFAULT '',
  order_id      TEXT NOT NULL DEFAULT '',
  capture_id    TEXT NOT NULL DEFAULT '',
  requests      INTEGER NOT NULL DEFAULT 0, -- times that it was sent
  lease         BIGINT NOT NULL DEFAULT 0,  -- until then a worker is on it
  look          BIGINT NOT NULL,            -- when the reconciler looks after it
  UNIQUE (obligation, step)
);
CREATE INDEX attempts_look ON attempts (look) WHERE state IN ('intent', 'sending', 'unknown', 'pending');

CREATE TABLE payments (
  attempt    BIGINT PRIMARY KEY REFERENCES attempts (id),
  obligation BIGINT NOT NULL REFERENCES obligations (id),
  reference  TEXT NOT NULL UNIQUE,
  amount     BIGINT NOT NULL,
  currency   TEXT NOT NULL,
  capture_id TEXT NOT NULL,
  at         BIGINT NOT NULL
);
CREATE INDEX payments_obligation ON payments (obligation);

CREATE TABLE refunds (
  reference TEXT PRIMARY KEY,
  refund_id TEXT NOT NULL,
  amount    BIGINT NOT NULL,
  currency  TEXT NOT NULL,
  state     TEXT NOT NULL,
  reason    TEXT NOT NULL
);

-- Which notifications have been taken in. Amazon repeats them for two weeks.
CREATE TABLE inbox (
  id TEXT PRIMARY KEY, -- of SNS
  at BIGINT NOT NULL
);
CREATE INDEX inbox_at ON inbox (at);

-- What they said, as far as it is needed: nothing of the buyer.
CREATE TABLE notifications (
  id            TEXT PRIMARY KEY,
  notification_reference TEXT UNIQUE, -- Amazon Pay's id of it
  type          TEXT NOT NULL,
  event_type    TEXT NOT NULL,
  object        TEXT NOT NULL, -- Amazon's id
  reference     TEXT NOT NULL, -- ours
  news          TEXT NOT NULL, -- pending, paid, declined; or the state
  reason        TEXT NOT NULL,
  soft          INTEGER NOT NULL,
  capture_id    TEXT NOT NULL,
  amount        BIGINT NOT NULL,
  currency      TEXT NOT NULL,
  at            BIGINT NOT NULL,
  worked        INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX notifications_at ON notifications (at);
CREATE INDEX notifications_open ON notifications (at) WHERE worked = 0;
