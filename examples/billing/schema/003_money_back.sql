-- Money that goes back, as far as notifications tell: also of other shops on the
-- same seller account.

ALTER TABLE refunds RENAME TO refunds_before;
CREATE TABLE refunds (
  refund_id TEXT PRIMARY KEY, -- Amazon's. The reference of what the shop did not ask for is Amazon's, too
  reference TEXT NOT NULL,
  type      TEXT NOT NULL,    -- SellerInitiated, or taken back over the shop's head, such as Chargeback
  amount    BIGINT NOT NULL,
  currency  TEXT NOT NULL,
  state     TEXT NOT NULL,    -- Pending, Completed or Declined
  reason    TEXT NOT NULL
);
INSERT INTO refunds SELECT refund_id, reference, '', amount, currency, state, reason FROM refunds_before;
DROP TABLE refunds_before;

-- Of a refund its type, of a chargeback its order.
ALTER TABLE notifications ADD COLUMN detail TEXT NOT NULL DEFAULT '';

-- What a buyer's bank asks back. The money goes with a refund, if it is lost.
CREATE TABLE chargebacks (
  notification  TEXT PRIMARY KEY, -- of SNS: several may share a chargeback's id
  chargeback_id TEXT NOT NULL,
  reference     TEXT NOT NULL, -- ours, of the charge
  order_id      TEXT NOT NULL,
  amount        BIGINT NOT NULL,
  currency      TEXT NOT NULL,
  state         TEXT NOT NULL,
  reason        TEXT NOT NULL
);
