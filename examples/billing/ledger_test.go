package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// desk is a service that does not run: the test does its jobs.
func desk(t *testing.T, p place, set settings) (*service, *world) {
	db := p.open(t)
	t.Cleanup(db.close)
	require.NoError(t, migrate(t.Context(), db))
	c := fastDays()
	c.horizon = c.horizon.AddDate(1, 0, 0)
	w := newWorld(c, 0, 0, 1)
	config := w.config(1)
	config.Limiter = amazonpay.NoLimit
	client, err := amazonpay.New(config)
	require.NoError(t, err)
	s, err := newService(db, client, c, set, quiet)
	require.NoError(t, err)
	return s, w
}

// column reads one number.
func column(t *testing.T, s *service, query string, args ...any) (n int) {
	require.NoError(t, s.db.within(t.Context(), func(x tx) error {
		_, err := one(t.Context(), x, query, args, &n)
		return err
	}))
	return n
}

func TestMigration(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		var wait sync.WaitGroup
		for range 3 { // processes that start at the same time
			wait.Go(func() {
				db, err := openDatabase(context.Background(), p.where, p.schema, 2, false)
				if assert.NoError(t, err) {
					assert.NoError(t, migrate(context.Background(), db))
					db.close()
				}
			})
			if p.schema == "" {
				wait.Wait() // a file is for one process
			}
		}
		wait.Wait()
		s, _ := desk(t, p, quick())
		files, err := schemas.ReadDir("schema")
		require.NoError(t, err)
		assert.Equal(t, len(files), column(t, s, "SELECT COUNT(*) FROM billing_migrations"))
	})
}

func TestPlanIsIdempotent(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		s, w := desk(t, p, quick())
		const n = page + 7 // more than a page
		ids := make([]amazonpay.BillingAgreementID, n)
		for i := range ids {
			ids[i] = amazonpay.BillingAgreementID(fmt.Sprintf("C01-%07d", i))
		}
		for range 2 { // the same file twice
			_, err := enroll(t.Context(), s.db, subs(w.calendar.business, ids...))
			require.NoError(t, err)
		}
		var wait sync.WaitGroup
		for range 3 {
			wait.Go(func() {
				_, err := s.plan(context.Background())
				assert.NoError(t, err)
			})
		}
		wait.Wait()
		_, err := s.plan(t.Context())
		require.NoError(t, err)
		obligations := column(t, s, "SELECT COUNT(*) FROM obligations WHERE period = '2026-01'")
		assert.Equal(t, n, obligations)
		assert.Equal(t, column(t, s, "SELECT COUNT(*) FROM obligations"), column(t, s, "SELECT COUNT(*) FROM attempts"))
		assert.Equal(t, column(t, s, "SELECT COUNT(*) FROM attempts"), column(t, s, "SELECT COUNT(*) FROM river_job WHERE kind = 'charge'"))

		// A subscription whose date is set back by hand does not pay twice.
		require.NoError(t, s.db.within(t.Context(), func(x tx) error {
			_, err := x.exec(t.Context(), "UPDATE subscriptions SET next_due = $1", w.calendar.business.UnixMilli())
			return err
		}))
		_, err = s.plan(t.Context())
		require.NoError(t, err)
		assert.Equal(t, n, column(t, s, "SELECT COUNT(*) FROM obligations WHERE period = '2026-01'"))
	})
}

func TestNextMonth(t *testing.T) {
	due := time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC)
	var days []string
	for range 4 {
		days = append(days, due.Format(time.DateOnly))
		due = nextMonth(due, 31)
	}
	assert.Equal(t, []string{"2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"}, days)
}

// attemptOf charges an obligation of an agreement until its attempt is decided.
func decide(t *testing.T, s *service, w *world, attempt int) {
	_, err := s.charge(t.Context(), int64(attempt))
	require.NoError(t, err)
	w.fake.Advance(25 * time.Hour) // also for the bank that is silent
	require.NoError(t, s.look(t.Context(), int64(attempt)))
}

func TestDunningSteps(t *testing.T) {
	for name, c := range map[string]struct {
		card   amazonpaytest.PaymentMethod
		states []standing // of the attempts
		end    string     // of the obligation
	}{
		"a good card":                          {amazonpaytest.GoodCard, []standing{paid}, "paid"},
		"a card that is short once":            {amazonpaytest.ShortOnce, []standing{declined, paid}, "paid"},
		"a card that is always short":          {amazonpaytest.AlwaysShort, []standing{declined, declined, declined, declined, declined}, "failed"},
		"a card that Amazon rejects":           {amazonpaytest.RejectedCard, []standing{declined, declined}, "failed"},
		"a bad card, which the buyer must see": {amazonpaytest.BadCard, []standing{declined}, "waiting"},
		"a capture that fails":                 {amazonpaytest.CaptureFailing, []standing{declined, declined, declined, declined, declined}, "failed"},
		"a bank that is slow":                  {amazonpaytest.SlowBank, []standing{paid}, "paid"},
	} {
		t.Run(name, func(t *testing.T) {
			s, w := desk(t, sqlitePlace(t), quick())
			s.calendar.speed = 1000 * 86400 // so that every attempt is due at once
			agreement := w.fake.OpenBillingAgreement().UpdatePaymentMethod(c.card)
			_, err := enroll(t.Context(), s.db, subs(w.calendar.business, agreement.ID()))
			require.NoError(t, err)
			s.calendar.horizon = w.calendar.business
			_, err = s.plan(t.Context())
			require.NoError(t, err)
			for i, want := range c.states {
				require.Equal(t, i+1, column(t, s, "SELECT COUNT(*) FROM attempts"))
				var e *entry
				require.Eventually(t, func() bool {
					decide(t, s, w, i+1)
					require.NoError(t, s.db.within(t.Context(), func(x tx) (err error) {
						e, err = s.load(t.Context(), x, "id", i+1)
						return err
					}))
					return e.State == want
				}, 5*time.Second, time.Millisecond, "attempt %d is to be %s", i+1, want)
				assert.Equal(t, referenceID("billing", "sub-0", "2026-01", i), e.Reference)
			}
			assert.Equal(t, len(c.states), column(t, s, "SELECT COUNT(*) FROM attempts"))
			assert.Equal(t, 1, column(t, s, "SELECT COUNT(*) FROM obligations WHERE state = $1", c.end))
		})
	}
}

func TestBuyerRepairs(t *testing.T) {
	s, w := desk(t, sqlitePlace(t), quick())
	agreement := w.fake.OpenBillingAgreement().UpdatePaymentMethod(amazonpaytest.BadCard)
	_, err := enroll(t.Context(), s.db, subs(w.calendar.business, agreement.ID()))
	require.NoError(t, err)
	s.calendar.horizon = w.calendar.business
	_, err = s.plan(t.Context())
	require.NoError(t, err)
	decide(t, s, w, 1)
	require.NoError(t, s.readAgreement(t.Context(), agreement.ID()))
	assert.Equal(t, 1, column(t, s, "SELECT COUNT(*) FROM subscriptions WHERE state = 'suspended'"))
	assert.Equal(t, 1, column(t, s, "SELECT COUNT(*) FROM attempts"), "nothing before the buyer acts")

	agreement.UpdatePaymentMethod(amazonpaytest.GoodCard)
	require.NoError(t, s.readAgreement(t.Context(), agreement.ID()))
	decide(t, s, w, 2)
	assert.Equal(t, 1, column(t, s, "SELECT COUNT(*) FROM obligations WHERE state = 'paid' AND step = 1"))

	// A late notification of the suspension undoes nothing.
	require.NoError(t, s.db.within(t.Context(), func(x tx) error {
		return s.agreementIs(t.Context(), x, agreement.ID(), amazonpay.StateSuspended, w.calendar.business)
	}))
	assert.Equal(t, 1, column(t, s, "SELECT COUNT(*) FROM subscriptions WHERE state = 'active'"))
}

// TestLateSurprise has Amazon say that a declined attempt was paid after all,
// when the next attempt is written already: that one must not be sent.
func TestLateSurprise(t *testing.T) {
	for name, c := range map[string]struct {
		state standing // of the next attempt, at that time
		want  standing
	}{"not sent": {intent, refused}, "sent, and no answer": {unknown, unknown}} {
		t.Run(name, func(t *testing.T) {
			set := quick()
			set.dunning = amazonpay.Dunning{0, 0}
			s, w := desk(t, sqlitePlace(t), set)
			agreement := w.fake.OpenBillingAgreement().UpdatePaymentMethod(amazonpaytest.FailingCard)
			_, err := enroll(t.Context(), s.db, subs(w.calendar.business, agreement.ID()))
			require.NoError(t, err)
			s.calendar.horizon = w.calendar.business
			_, err = s.plan(t.Context())
			require.NoError(t, err)
			decide(t, s, w, 1)
			require.Equal(t, 2, column(t, s, "SELECT COUNT(*) FROM attempts"))
			require.NoError(t, s.db.within(t.Context(), func(x tx) error {
				if _, err := x.exec(t.Context(), "UPDATE attempts SET state = $1 WHERE id = 2", string(c.state)); err != nil {
					return err
				}
				e, err := s.load(t.Context(), x, "id", 1)
				if err != nil {
					return err
				}
				return s.happened(t.Context(), x, e, event{Kind: evNews, News: paid})
			}))
			calls := len(w.fake.Calls())
			_, err = s.charge(t.Context(), 2)
			require.NoError(t, err)
			assert.Len(t, w.fake.Calls(), calls, "nothing is sent")
			assert.Equal(t, 1, column(t, s, "SELECT COUNT(*) FROM attempts WHERE id = 2 AND state = $1", string(c.want)))
			assert.Equal(t, 1, column(t, s, "SELECT COUNT(*) FROM obligations WHERE state = 'paid'"))
			r, err := s.report(t.Context())
			require.NoError(t, err)
			assert.Equal(t, 1, r.Conflicts, "and somebody is told")
		})
	}
}

func TestAgreementEnds(t *testing.T) {
	s, w := desk(t, sqlitePlace(t), quick())
	agreement := w.fake.OpenBillingAgreement()
	_, err := enroll(t.Context(), s.db, subs(w.calendar.business, agreement.ID()))
	require.NoError(t, err)
	s.calendar.horizon = w.calendar.business
	_, err = s.plan(t.Context())
	require.NoError(t, err)
	agreement.Cancel()
	_, err = s.charge(t.Context(), 1) // refused
	require.NoError(t, err)
	assert.Equal(t, 1, column(t, s, "SELECT COUNT(*) FROM obligations WHERE state = 'waiting'"))
	require.NoError(t, s.readAgreement(t.Context(), agreement.ID()))
	assert.Equal(t, 1, column(t, s, "SELECT COUNT(*) FROM obligations WHERE state = 'failed'"))
	assert.Equal(t, 1, column(t, s, "SELECT COUNT(*) FROM subscriptions WHERE state = 'ended'"))
	assert.Empty(t, w.fake.Ledger())
}

// TestDeadWorker leaves an attempt where a killed worker leaves it.
func TestDeadWorker(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		set := quick()
		set.call, set.lease = 100*time.Millisecond, 200*time.Millisecond
		s, w := desk(t, p, set)
		agreement := w.fake.OpenBillingAgreement()
		_, err := enroll(t.Context(), s.db, subs(w.calendar.business, agreement.ID()))
		require.NoError(t, err)
		s.calendar.horizon = w.calendar.business
		_, err = s.plan(t.Context())
		require.NoError(t, err)
		e, _, err := s.claim(t.Context(), 1)
		require.NoError(t, err)
		s.send(t.Context(), e) // and dies before it can write what came of it

		other, _, err := s.claim(t.Context(), 1)
		require.NoError(t, err)
		assert.Nil(t, other, "the lease is not over")
		require.Eventually(t, func() bool { other, _, err = s.claim(t.Context(), 1); return other != nil || err != nil }, 5*time.Second, 10*time.Millisecond)
		require.NoError(t, err)
		assert.True(t, other.Doubt)
		assert.Equal(t, e.Reference, other.Reference)
		require.NoError(t, s.db.within(t.Context(), func(x tx) error {
			return s.happened(t.Context(), x, other, s.send(t.Context(), other))
		}))
		w.fake.Advance(time.Hour)
		require.NoError(t, s.look(t.Context(), 1))
		assert.Len(t, w.fake.Ledger(), 1)
		assert.Equal(t, 1, column(t, s, "SELECT COUNT(*) FROM payments"))
	})
}

func TestInbox(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		s, _ := desk(t, p, quick())
		box := inbox{s.db}
		ctx := t.Context()
		assert.ErrorIs(t, box.Once(ctx, "m1", func(context.Context) error { return errTest }), errTest)
		works := 0
		for range 2 {
			require.NoError(t, box.Once(ctx, "m1", func(context.Context) error { works++; return nil }))
		}
		assert.Equal(t, 1, works, "again after a failure, and not after a success")
		assert.Error(t, box.Once(ctx, "", func(context.Context) error { return nil }))

		var wait sync.WaitGroup
		var mu sync.Mutex
		together := 0
		for range 8 {
			wait.Go(func() {
				assert.NoError(t, box.Once(ctx, "m2", func(context.Context) error {
					mu.Lock()
					defer mu.Unlock()
					together++
					return nil
				}))
			})
		}
		wait.Wait()
		assert.Equal(t, 1, together)
	})
}

// TestNotifications brings each notification of a charge twice, the latest
// first: they have the ledger in the same state as their order has.
func TestNotifications(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		s, w := desk(t, p, quick())
		verifier, err := w.verifier()
		require.NoError(t, err)
		w.fake.SetDelivery(amazonpaytest.Delivery{Duplicates: 1, Reversed: true})
		w.fake.Notify(verifier.Handler(s.receive))
		agreement := w.fake.OpenBillingAgreement()
		_, err = enroll(t.Context(), s.db, subs(w.calendar.business, agreement.ID()))
		require.NoError(t, err)
		s.calendar.horizon = w.calendar.business
		_, err = s.plan(t.Context())
		require.NoError(t, err)
		_, err = s.charge(t.Context(), 1)
		require.NoError(t, err)
		w.fake.Advance(2 * time.Hour)
		for _, sent := range w.fake.Notifications() {
			require.Equal(t, 200, sent.Status, sent.NotificationType)
		}
		var ids []string
		require.NoError(t, s.db.within(t.Context(), func(x tx) error {
			return each(t.Context(), x, "SELECT id FROM notifications ORDER BY id", nil, func(scan func(...any) error) error {
				ids = append(ids, "")
				return scan(&ids[len(ids)-1])
			})
		}))
		require.Len(t, ids, column(t, s, "SELECT COUNT(*) FROM river_job WHERE kind = 'notification'"))
		require.GreaterOrEqual(t, len(ids), 2, "an authorization and a capture at least")
		for range 2 {
			for _, id := range ids {
				require.NoError(t, s.work(t.Context(), id))
			}
		}
		r, err := s.report(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 1, r.Paid)
		differences, err := s.compare(t.Context(), w.books(t.Context()))
		require.NoError(t, err)
		assert.Empty(t, differences)
	})
}

// TestHostileFields has what Amazon might one day send, and what a shop might
// call its subscribers: the ledger keeps it as text, and the page shows it as such.
func TestHostileFields(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		s, w := desk(t, p, quick())
		agreement := w.fake.OpenBillingAgreement()
		const hostile = `'; DROP TABLE inbox; --<script>alert(1)</script>`
		sub := subscription{name: hostile, agreement: agreement.ID(), amount: amazonpay.MustPrice("10", amazonpay.CurrencyUSD), anchor: 1, due: w.calendar.business}
		_, err := enroll(t.Context(), s.db, func(yield func(subscription, error) bool) { yield(sub, nil) })
		require.NoError(t, err)
		s.calendar.horizon = w.calendar.business
		_, err = s.plan(t.Context())
		require.NoError(t, err)
		e, err := func() (e *entry, err error) {
			err = s.db.within(t.Context(), func(x tx) error { e, err = s.load(t.Context(), x, "id", 1); return err })
			return e, err
		}()
		require.NoError(t, err)
		require.NotNil(t, e)
		for i, reference := range []amazonpay.ReferenceID{hostile, e.Reference} {
			n := &amazonpay.Notification{ID: fmt.Sprint(hostile, i), Type: amazonpay.NotificationAuthorize, ReferenceID: hostile, Timestamp: time.Now(), Object: &amazonpay.Authorization{
				AmazonAuthorizationID: hostile, AuthorizationReferenceID: reference, AuthorizationAmount: sub.amount,
				AuthorizationStatus: amazonpay.Status{State: amazonpay.StateDeclined, ReasonCode: hostile, LastUpdateTimestamp: time.Now()}}}
			require.NoError(t, s.receive(t.Context(), n))
			require.NoError(t, s.work(t.Context(), n.ID))
		}
		assert.GreaterOrEqual(t, column(t, s, "SELECT COUNT(*) FROM inbox"), 1)
		assert.Equal(t, 1, column(t, s, "SELECT COUNT(*) FROM subscriptions WHERE name = $1", hostile))
		require.NoError(t, s.db.within(t.Context(), func(x tx) error {
			_, err := x.exec(t.Context(), "UPDATE attempts SET state = 'declined', reason = $1", hostile)
			return err
		}), "a reason that got through")
		verifier, err := w.verifier()
		require.NoError(t, err)
		pages, err := s.web(t.Context(), options{}, verifier, true)
		require.NoError(t, err)
		answer := httptest.NewRecorder()
		pages.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "http://localhost/report", nil))
		assert.Contains(t, answer.Body.String(), "DROP TABLE", "the reason is shown")
		assert.NotContains(t, answer.Body.String(), "<script")
	})
}

// TestNothingOfTheBuyer looks for the buyer in the whole database.
func TestNothingOfTheBuyer(t *testing.T) {
	s, w := desk(t, sqlitePlace(t), quick())
	verifier, err := w.verifier()
	require.NoError(t, err)
	w.fake.Notify(verifier.Handler(s.receive))
	agreement := w.fake.NewBillingAgreementWith(amazonpaytest.Checkout{Buyer: amazonpay.Buyer{Name: "Wilhelmina Unmistakable", Email: "wilhelmina@unmistakable.example"}})
	require.NoError(t, s.client.ConfirmBillingAgreement(t.Context(), amazonpay.ConfirmBillingAgreementRequest{AmazonBillingAgreementID: agreement.Consent().ID()}))
	_, err = enroll(t.Context(), s.db, subs(w.calendar.business, agreement.ID()))
	require.NoError(t, err)
	_, err = s.plan(t.Context())
	require.NoError(t, err)
	decide(t, s, w, 1)
	var all strings.Builder
	require.NoError(t, s.db.within(t.Context(), func(x tx) error {
		for _, table := range []string{"subscriptions", "obligations", "attempts", "payments", "refunds", "chargebacks", "notifications", "inbox", "river_job"} {
			rows, err := x.(sqliteTx).QueryContext(t.Context(), "SELECT * FROM "+table)
			if err != nil {
				return err
			}
			columns, err := rows.Columns()
			if err != nil {
				return err
			}
			values := make([]any, len(columns))
			for i := range values {
				values[i] = new(any)
			}
			for rows.Next() {
				if err := rows.Scan(values...); err != nil {
					return err
				}
				for _, v := range values {
					fmt.Fprintf(&all, "%v %s\n", *v.(*any), *v.(*any))
				}
			}
			if err := rows.Close(); err != nil {
				return err
			}
		}
		return nil
	}))
	assert.Contains(t, all.String(), agreement.ID())
	assert.NotContains(t, strings.ToLower(all.String()), "unmistakable")
}
