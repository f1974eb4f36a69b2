package main

import (
	"context"
	"errors"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/riverqueue/river"
)

// inbox is an [amazonpay.Inbox] in the database: the work is done in the
// transaction that records the id, under a unique key. Another call with the
// same id waits for that transaction.
type inbox struct{ db database }

var _ amazonpay.Inbox = inbox{}

// inboxKey finds the transaction in the context that the work is given.
type inboxKey struct{}

var errNoID = errors.New("a notification without an id")

// Once is that of [amazonpay.Inbox].
func (b inbox) Once(ctx context.Context, id string, work func(context.Context) error) error {
	if id == "" {
		return errNoID
	}
	return b.db.within(ctx, func(t tx) error {
		n, err := t.exec(ctx, "INSERT INTO inbox (id, at) VALUES ($1, $2) ON CONFLICT DO NOTHING", id, time.Now().UnixMilli())
		if err != nil || n == 0 {
			return err
		}
		return work(context.WithValue(ctx, inboxKey{}, t))
	})
}

// receive takes a notification in and answers at once; a job works on it. What
// is kept are ids, states and amounts: nothing of the buyer.
func (s *service) receive(ctx context.Context, n *amazonpay.Notification) error {
	switch n.Type {
	case amazonpay.NotificationAuthorize, amazonpay.NotificationCapture, amazonpay.NotificationRefund,
		amazonpay.NotificationBillingAgreement, amazonpay.NotificationChargeback:
	default: // nothing here is done about order references and the like
		return nil
	}
	if n.IsSample {
		return nil
	}
	if n.Object == nil {
		s.log.ErrorContext(ctx, "a chargeback that cannot be read: look into Seller Central", "notification", n.ID)
		return nil
	}
	return inbox{s.db}.Once(ctx, n.ID, func(ctx context.Context) error {
		t, _ := ctx.Value(inboxKey{}).(tx)
		row := noteOf(n)
		var reference any
		if n.ReferenceID != "" {
			reference = n.ReferenceID
		}
		isNew, err := t.exec(ctx, `INSERT INTO notifications (id, notification_reference, type, event_type, object, reference,
			news, reason, soft, capture_id, amount, currency, at, detail) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
			ON CONFLICT DO NOTHING`,
			n.ID, reference, string(n.Type), string(n.EventType), row.object, string(row.reference), row.news, string(row.reason),
			bit(row.soft), string(row.capture), row.amount.Minor(), string(row.amount.Currency()), row.at.UnixMilli(), row.detail)
		if err != nil || isNew == 0 {
			return err
		}
		return t.enqueue(ctx, river.InsertManyParams{Args: noteArgs{n.ID}})
	})
}

// note is a notification as the ledger keeps it.
type note struct {
	kind      amazonpay.NotificationType
	object    string
	reference amazonpay.ReferenceID
	news      string
	reason    amazonpay.Reason
	soft      bool
	capture   amazonpay.CaptureID
	amount    amazonpay.Price
	at        time.Time
	detail    string // of a refund its type, of a chargeback its order
}

func noteOf(n *amazonpay.Notification) note {
	status := n.Status()
	row := note{kind: n.Type, object: n.ObjectID(), news: string(status.State), reason: status.ReasonCode, at: status.LastUpdateTimestamp}
	if row.at.IsZero() {
		row.at = n.Timestamp
	}
	switch o := n.Object.(type) {
	case *amazonpay.Authorization:
		e := newsOfAuthorization(o)
		row.reference, row.news, row.soft, row.capture, row.amount = o.AuthorizationReferenceID, string(e.News), e.Soft, e.CaptureID, e.Amount
	case *amazonpay.Capture:
		e := newsOfCapture(o, nil)
		row.reference, row.news, row.capture, row.amount = o.CaptureReferenceID, string(e.News), e.CaptureID, e.Amount
	case *amazonpay.Refund:
		row.reference, row.amount, row.detail = o.RefundReferenceID, o.RefundAmount, string(o.RefundType)
	case *amazonpay.Chargeback:
		row.reference, row.amount, row.detail = o.CaptureReferenceID, o.ChargebackAmount, string(o.AmazonOrderReferenceID)
		row.news, row.reason = string(o.ChargebackState), amazonpay.Reason(o.ChargebackReason)
	}
	return row
}

// work applies a notification to the ledger, once: by the same transitions as
// the answers of calls.
func (s *service) work(ctx context.Context, id string) error {
	return s.db.within(ctx, func(t tx) error {
		var row note
		var soft, worked, at, minor int64
		var currency amazonpay.Currency
		found, err := one(ctx, t, `SELECT type, object, reference, news, reason, soft, capture_id, amount, currency, at, detail, worked
			FROM notifications WHERE id = $1`+s.db.forUpdate(), []any{id},
			&row.kind, &row.object, &row.reference, &row.news, &row.reason, &soft, &row.capture, &minor, &currency, &at, &row.detail, &worked)
		if err != nil || !found || worked == 1 {
			return err
		}
		row.soft, row.at = soft == 1, time.UnixMilli(at)
		if row.amount, err = priceOf(minor, currency); err != nil {
			return err
		}
		if err := s.apply(ctx, t, id, row); err != nil {
			return err
		}
		_, err = t.exec(ctx, "UPDATE notifications SET worked = 1 WHERE id = $1", id)
		return err
	})
}

func (s *service) apply(ctx context.Context, t tx, id string, row note) error {
	switch row.kind {
	case amazonpay.NotificationAuthorize, amazonpay.NotificationCapture:
		e, err := s.load(ctx, t, "reference", string(row.reference))
		if err != nil || e == nil { // another shop's, on the same seller account
			return err
		}
		news := event{Kind: evNews, News: standing(row.news), Amount: row.amount, Reason: row.reason, Soft: row.soft, CaptureID: row.capture}
		if row.kind == amazonpay.NotificationAuthorize {
			news.AuthorizationID = amazonpay.AuthorizationID(row.object)
		}
		return s.happened(ctx, t, e, news)
	case amazonpay.NotificationRefund: // also one that was not asked for: a chargeback that was lost, or a claim
		_, err := t.exec(ctx, `INSERT INTO refunds (refund_id, reference, type, amount, currency, state, reason) VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (refund_id) DO UPDATE SET state = excluded.state, reason = excluded.reason WHERE refunds.state = 'Pending'`,
			row.object, string(row.reference), row.detail, row.amount.Minor(), string(row.amount.Currency()), row.news, string(row.reason))
		return err
	case amazonpay.NotificationChargeback: // no money has moved yet
		s.log.WarnContext(ctx, "a chargeback", "reference", row.reference, "order", row.detail, "amount", row.amount, "state", row.news, "reason", row.reason)
		_, err := t.exec(ctx, `INSERT INTO chargebacks (notification, chargeback_id, reference, order_id, amount, currency, state, reason)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`,
			id, row.object, string(row.reference), row.detail, row.amount.Minor(), string(row.amount.Currency()), row.news, string(row.reason))
		return err
	case amazonpay.NotificationBillingAgreement:
		return s.agreementIs(ctx, t, amazonpay.BillingAgreementID(row.object), amazonpay.State(row.news), row.at)
	}
	return nil
}
