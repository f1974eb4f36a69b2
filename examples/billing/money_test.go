package main

import (
	"bytes"
	"log/slog"
	"testing"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// owing is a service that does not run, with an obligation of each agreement
// that is due.
func owing(t *testing.T, p place, agreements int) (*service, *world, []*amazonpaytest.BillingAgreement) {
	s, w := desk(t, p, quick())
	var made []*amazonpaytest.BillingAgreement
	var ids []amazonpay.BillingAgreementID
	for range agreements {
		a := w.fake.OpenBillingAgreement()
		made, ids = append(made, a), append(ids, a.ID())
	}
	_, err := enroll(t.Context(), s.db, subs(w.calendar.business, ids...))
	require.NoError(t, err)
	s.calendar.horizon = w.calendar.business
	_, err = s.plan(t.Context())
	require.NoError(t, err)
	return s, w, made
}

// today sets the business time, in days as long as they are.
func (s *service) today(now time.Time) {
	s.calendar.speed, s.calendar.business, s.calendar.wall, s.calendar.horizon = 1, now, time.Now(), now
}

// texts reads a column of a query.
func texts(t *testing.T, s *service, query string) (list []string) {
	require.NoError(t, s.db.within(t.Context(), func(x tx) error {
		return each(t.Context(), x, query, nil, func(scan func(...any) error) error {
			list = append(list, "")
			return scan(&list[len(list)-1])
		})
	}))
	return list
}

// workAll works on all notifications that have come.
func workAll(t *testing.T, s *service) {
	for _, id := range texts(t, s, "SELECT id FROM notifications ORDER BY id") {
		require.NoError(t, s.work(t.Context(), id))
	}
}

func apply(t *testing.T, s *service, attempt int, news event) {
	require.NoError(t, s.db.within(t.Context(), func(x tx) error {
		e, err := s.load(t.Context(), x, "id", attempt)
		if err != nil {
			return err
		}
		return s.happened(t.Context(), x, e, news)
	}))
}

// TestAnotherAmount has Amazon hold a reference id with another amount than the
// ledger: it was restored from a backup, or the price was changed. What is
// recorded is what was taken, and somebody must look.
func TestAnotherAmount(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		s, w, made := owing(t, p, 1)
		log := new(bytes.Buffer)
		s.log = slog.New(slog.NewTextHandler(log, nil))
		_, err := s.client.Charge(t.Context(), amazonpay.ChargeRequest{AmazonBillingAgreementID: made[0].ID(),
			ReferenceID: referenceID("billing", "sub-0", "2026-01", 0), Amount: amazonpay.MustPrice("5.00", "USD"), Mode: amazonpay.ModeAsynchronous})
		require.NoError(t, err)
		decide(t, s, w, 1)
		r, err := s.report(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 1, r.Paid)
		assert.Equal(t, []amazonpay.Price{amazonpay.MustPrice("5.00", "USD")}, r.Taken)
		assert.Equal(t, 1, r.Conflicts)
		assert.Contains(t, log.String(), "somebody must look")
		differences, err := s.compare(t.Context(), w.books(t.Context()))
		require.NoError(t, err)
		assert.Empty(t, differences, "the ledger has what the books have")
	})
}

// TestAnotherAmountIsTold has a notification speak of another amount.
func TestAnotherAmountIsTold(t *testing.T) {
	s, _, _ := owing(t, sqlitePlace(t), 1)
	reference := entryOf(t, s, 1).Reference
	for i, amount := range []string{"9.99", "9.98", "9.98"} {
		n := &amazonpay.Notification{ID: string(rune('a' + i)), Type: amazonpay.NotificationCapture, Timestamp: time.Now(), Object: &amazonpay.Capture{
			AmazonCaptureID: "C1", CaptureReferenceID: reference, CaptureAmount: amazonpay.MustPrice(amount, "USD"),
			CaptureStatus: amazonpay.Status{State: amazonpay.StateCompleted, LastUpdateTimestamp: time.Now()}}}
		require.NoError(t, s.receive(t.Context(), n))
		require.NoError(t, s.work(t.Context(), n.ID))
		assert.Equal(t, i > 0, entryOf(t, s, 1).Conflict)
		assert.Equal(t, amazonpay.MustPrice(amount, "USD"), entryOf(t, s, 1).Taken)
	}
	assert.Equal(t, []string{"998"}, texts(t, s, "SELECT CAST(amount AS TEXT) FROM payments"))
}

// TestMoneyBack has buyers' banks take money back, Amazon grant a claim and the
// shop refund: the ledger knows all of it, and says so.
func TestMoneyBack(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		s, w, _ := owing(t, p, 4)
		verifier, err := w.verifier()
		require.NoError(t, err)
		w.fake.Notify(verifier.Handler(s.receive))
		for i := range 4 {
			decide(t, s, w, i+1)
		}
		books := w.fake.Ledger()
		require.Len(t, books, 4)
		w.fake.Chargeback(books[0].CaptureID, amazonpay.Price{}, "Unauthorized Transaction Chargeback").Lose()
		w.fake.Chargeback(books[1].CaptureID, amazonpay.MustPrice("2.00", "USD"), "").Win()
		w.fake.Capture(books[2].CaptureID).GrantClaim(amazonpay.MustPrice("3.00", "USD"))
		_, err = s.client.Refund(t.Context(), amazonpay.RefundRequest{AmazonCaptureID: books[3].CaptureID, RefundReferenceID: "R1", RefundAmount: amazonpay.MustPrice("1.50", "USD")})
		require.NoError(t, err)
		w.fake.Advance(48 * time.Hour)
		differences, err := s.compare(t.Context(), w.books(t.Context()))
		require.NoError(t, err)
		assert.Len(t, differences, 3, "before the notifications are worked on")
		for range 2 {
			workAll(t, s)
		}
		r, err := s.report(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 4, r.Paid)
		assert.Equal(t, 2, r.Chargebacks)
		assert.Equal(t, []amazonpay.Price{amazonpay.MustPrice("1.50", "USD")}, r.Refunded)
		assert.Equal(t, []amazonpay.Price{amazonpay.MustPrice("12.99", "USD")}, r.TakenBack)
		assert.Zero(t, r.Conflicts)
		differences, err = s.compare(t.Context(), w.books(t.Context()))
		require.NoError(t, err)
		assert.Empty(t, differences)
		var table bytes.Buffer
		r.table(&table, traffic{})
		assert.Regexp(t, `taken back +12.99 USD`, table.String())
		assert.Equal(t, []string{string(books[0].ReferenceID), string(books[1].ReferenceID)},
			texts(t, s, "SELECT reference FROM chargebacks ORDER BY chargeback_id"), "the charge that it is about")
	})
}

// TestUnreadableChargeback: it is told at least.
func TestUnreadableChargeback(t *testing.T) {
	s, _ := desk(t, sqlitePlace(t), quick())
	log := new(bytes.Buffer)
	s.log = slog.New(slog.NewTextHandler(log, nil))
	require.NoError(t, s.receive(t.Context(), &amazonpay.Notification{ID: "n1", Type: amazonpay.NotificationChargeback, Raw: "Wilhelmina"}))
	assert.Contains(t, log.String(), "n1")
	assert.NotContains(t, log.String(), "Wilhelmina")
}

// TestRepairAfterAYear has a buyer repair the card after twelve months: the
// buyer pays for the last one.
func TestRepairAfterAYear(t *testing.T) {
	s, w, made := owing(t, sqlitePlace(t), 1)
	made[0].UpdatePaymentMethod(amazonpaytest.BadCard)
	for m := range 12 {
		s.today(w.calendar.business.AddDate(0, m, 0))
		w.fake.AdvanceTo(s.calendar.business)
		_, err := s.plan(t.Context())
		require.NoError(t, err)
		_, err = s.charge(t.Context(), int64(m+1))
		require.NoError(t, err)
		if m == 0 {
			w.fake.Advance(time.Hour)
			require.NoError(t, s.look(t.Context(), 1))
			require.NoError(t, s.readAgreement(t.Context(), made[0].ID()))
		}
	}
	require.Equal(t, 12, column(t, s, "SELECT COUNT(*) FROM obligations WHERE state = 'waiting'"))
	made[0].UpdatePaymentMethod(amazonpaytest.GoodCard)
	require.NoError(t, s.readAgreement(t.Context(), made[0].ID()))
	for id := range column(t, s, "SELECT COUNT(*) FROM attempts") {
		_, err := s.charge(t.Context(), int64(id+1))
		require.NoError(t, err)
	}
	w.fake.Advance(time.Hour)
	assert.Len(t, w.fake.Ledger(), 1)
	assert.Equal(t, []string{"2026-12"}, texts(t, s, "SELECT period FROM obligations WHERE state = 'open'"))
	assert.Equal(t, 11, column(t, s, "SELECT COUNT(*) FROM obligations WHERE state = 'failed'"))
}

// TestArrears has a subscription whose first charge was due two years ago.
func TestArrears(t *testing.T) {
	for arrears, want := range map[int][]string{1: {"2026-01"}, 3: {"2025-11", "2025-12", "2026-01"}} {
		s, w := desk(t, sqlitePlace(t), quick())
		s.settings.arrears = arrears
		s.today(w.calendar.business)
		_, err := enroll(t.Context(), s.db, subs(w.calendar.business.AddDate(-2, 0, 0), w.fake.OpenBillingAgreement().ID()))
		require.NoError(t, err)
		for range 40 {
			_, err = s.plan(t.Context())
			require.NoError(t, err)
		}
		for id := range column(t, s, "SELECT COUNT(*) FROM attempts") {
			_, err := s.charge(t.Context(), int64(id+1))
			require.NoError(t, err)
		}
		w.fake.Advance(time.Hour)
		assert.Len(t, w.fake.Ledger(), arrears)
		assert.Equal(t, want, texts(t, s, "SELECT period FROM obligations WHERE state = 'open' ORDER BY period"))
		r, err := s.report(t.Context())
		require.NoError(t, err)
		assert.Equal(t, map[string]int{"Lapsed": 25 - arrears}, r.Failed)
	}
}

// TestCap has the agreement's cap refuse a charge, just after midnight by our
// clock, when Amazon's is still in the old month.
func TestCap(t *testing.T) {
	s, _, _ := owing(t, sqlitePlace(t), 1)
	s.today(time.Date(2026, 2, 1, 0, 0, 0, 5e8, time.UTC))
	e, _, err := s.claim(t.Context(), 1)
	require.NoError(t, err)
	require.NotNil(t, e)
	exceeded := event{Kind: evRejected, Reason: amazonpay.Reason(amazonpay.ErrPeriodicAmountExceeded)}
	apply(t, s, 1, exceeded)
	after := entryOf(t, s, 1)
	assert.Equal(t, time.Date(2026, 2, 1, 1, 0, 0, 0, time.UTC), after.Due, "an hour later, not a month")
	assert.Equal(t, intent, after.State)
	assert.Equal(t, e.Reference, after.Reference)
	e, again, err := s.claim(t.Context(), 1)
	require.NoError(t, err)
	assert.Nil(t, e)
	assert.InDelta(t, time.Hour, again, float64(time.Minute))
	r, err := s.report(t.Context())
	require.NoError(t, err)
	assert.Equal(t, map[string]int{"PeriodicAmountExceeded": 1}, r.Held, "the report tells, however long it goes on")

	// What the cap has put off is not late for it.
	s.today(time.Date(2026, 2, 14, 0, 0, 0, 0, time.UTC))
	e, _, err = s.claim(t.Context(), 1)
	require.NoError(t, err)
	assert.NotNil(t, e)
}

// TestPendingWithoutAnID has an answer be lost, and then a notification say that
// the capture is pending. Nothing else comes: the reconciler asks.
func TestPendingWithoutAnID(t *testing.T) {
	s, w, _ := owing(t, sqlitePlace(t), 1)
	e, _, err := s.claim(t.Context(), 1)
	require.NoError(t, err)
	s.send(t.Context(), e) // the answer is lost
	w.fake.Advance(time.Hour)
	apply(t, s, 1, newsOfCapture(&amazonpay.Capture{AmazonCaptureID: "S01-1-C1", CaptureStatus: amazonpay.Status{State: amazonpay.StatePending}}, nil))
	require.Equal(t, pending, entryOf(t, s, 1).State)
	require.NoError(t, s.look(t.Context(), 1))
	assert.Equal(t, paid, entryOf(t, s, 1).State)
	assert.Len(t, w.fake.Ledger(), 1)
}
