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
	case amazonpay.NotificationAuthorize, amazonpay.NotificationCapture, amazonpay.NotificationRefund, amazonpay.NotificationBillingAgreement:
	default: // nothing here is done about order references and the like
		return nil
	}
	if n.IsSample || n.Object == nil {
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
			news, reason, soft, capture_id, amount, currency, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
			ON CONFLICT DO NOTHING`,
			n.ID, reference, string(n.Type), string(n.EventType), row.object, string(row.reference), row.news, string(row.reason),
			bit(row.soft), string(row.capture), row.amount.Minor(), string(row.amount.Currency()), row.at.UnixMilli())
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
		row.reference, row.news, row.soft, row.capture, row.amount = o.AuthorizationReferenceID, string(e.News), e.Soft, e.CaptureID, o.AuthorizationAmount
	case *amazonpay.Capture:
		e := newsOfCapture(o)
		row.reference, row.news, row.capture, row.amount = o.CaptureReferenceID, string(e.News), e.CaptureID, o.CaptureAmount
	case *amazonpay.Refund:
		row.reference, row.amount = o.RefundReferenceID, o.RefundAmount
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
		found, err := one(ctx, t, `SELECT type, object, reference, news, reason, soft, capture_id, amount, currency, at, worked
			FROM notifications WHERE id = $1`+s.db.forUpdate(), []any{id},
			&row.kind, &row.object, &row.reference, &row.news, &row.reason, &soft, &row.capture, &minor, &currency, &at, &worked)
		if err != nil || !found || worked == 1 {
			return err
		}
		row.soft, row.at = soft == 1, time.UnixMilli(at)
		if err := s.apply(ctx, t, row, minor, currency); err != nil {
			return err
		}
		_, err = t.exec(ctx, "UPDATE notifications SET worked = 1 WHERE id = $1", id)
		return err
	})
}

func (s *service) apply(ctx context.Context, t tx, row note, minor int64, currency amazonpay.Currency) error {
	switch row.kind {
	case amazonpay.NotificationAuthorize, amazonpay.NotificationCapture:
		e, err := s.load(ctx, t, "reference", string(row.reference))
		if err != nil || e == nil { // another shop's, on the same seller account
			return err
		}
		news := event{Kind: evNews, News: standing(row.news), Reason: row.reason, Soft: row.soft, CaptureID: row.capture}
		if row.kind == amazonpay.NotificationAuthorize {
			news.AuthorizationID = amazonpay.AuthorizationID(row.object)
		}
		return s.happened(ctx, t, e, news)
	case amazonpay.NotificationRefund:
		_, err := t.exec(ctx, `INSERT INTO refunds (reference, refund_id, amount, currency, state, reason) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (reference) DO UPDATE SET state = excluded.state, reason = excluded.reason WHERE refunds.state = 'Pending'`,
			string(row.reference), row.object, minor, string(currency), row.news, string(row.reason))
		return err
	case amazonpay.NotificationBillingAgreement:
		return s.agreementIs(ctx, t, amazonpay.BillingAgreementID(row.object), amazonpay.State(row.news), row.at)
	}
	return nil
}
