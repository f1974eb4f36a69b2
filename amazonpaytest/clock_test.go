package amazonpaytest_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// clocks are the two business clocks in a bubble, and how hours pass on them.
func clocks(t *testing.T, test func(t *testing.T, s *shop, pass func(time.Duration))) {
	t.Run("running", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newRunningShop(t, amazonpaytest.Settings{})
			test(t, s, func(d time.Duration) {
				time.Sleep(d)
				synctest.Wait()
			})
		})
	})
	t.Run("running and advanced", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newRunningShop(t, amazonpaytest.Settings{Start: start})
			test(t, s, func(d time.Duration) {
				s.fake.Advance(d)
				synctest.Wait()
			})
		})
	})
	t.Run("manual", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newShop(t, amazonpaytest.Settings{})
			test(t, s, func(d time.Duration) {
				time.Sleep(time.Minute) // means nothing
				s.fake.Advance(d)
			})
		})
	})
}

func TestDraftGoesStale(t *testing.T) {
	clocks(t, func(t *testing.T, s *shop, pass func(time.Duration)) {
		agreement := s.fake.NewBillingAgreement()
		pass(3*time.Hour - time.Millisecond)
		stateOf(t, agreement, "Draft", "")
		pass(time.Millisecond)
		stateOf(t, agreement, "Canceled", "Stale")
	})
}

func TestAsynchronousDecision(t *testing.T) {
	clocks(t, func(t *testing.T, s *shop, pass func(time.Duration)) {
		agreement := s.subscription(amazonpaytest.Checkout{})
		in := s.listen()
		asked := s.fake.Now()
		id := s.charge(agreement, "r1", "10", "CaptureNow", "true", "TransactionTimeout", "1440").ok().
			has("AuthorizationStatus/State", "Pending").get("AmazonAuthorizationId")
		pass(time.Minute - time.Millisecond)
		s.do("GetAuthorizationDetails", "AmazonAuthorizationId", id).ok().has("AuthorizationStatus/State", "Pending")
		pass(time.Millisecond)
		in.mu.Lock()
		var told []string
		for _, n := range in.notes {
			told = append(told, n.summary())
		}
		in.mu.Unlock()
		require.Equal(t, []string{"OrderReferenceNotification Closed SellerClosed", "PaymentAuthorize Closed MaxCapturesProcessed",
			"PaymentCapture Completed"}, told, "nobody asked for them")
		s.do("GetAuthorizationDetails", "AmazonAuthorizationId", id).ok().has("AuthorizationStatus/State", "Closed",
			"AuthorizationStatus/LastUpdateTimestamp", asked.Add(time.Minute).Format("2006-01-02T15:04:05.000Z"))
		require.Equal(t, asked.Add(time.Minute), s.fake.Ledger()[0].Time)
	})
}

// Nobody uses the fake: what falls due is told all the same, at its time.
func TestDeliveredByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newRunningShop(t, amazonpaytest.Settings{})
		type arrival struct {
			at    time.Duration
			state string
		}
		began := time.Now()
		var mu sync.Mutex // the handler runs on the fake's timer
		var arrivals []arrival
		soFar := func() []arrival {
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(arrivals)
		}
		s.fake.Notify(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			status := s.fake.Notifications()[len(arrivals)]
			arrivals = append(arrivals, arrival{time.Since(began), string(status.State)})
		}))
		s.fake.OpenOrderReference(amazonpay.MustPrice("10", "USD"))
		s.fake.NewBillingAgreement()
		require.Equal(t, []arrival{{0, "Open"}}, soFar())
		time.Sleep(4 * time.Hour)
		require.Equal(t, arrival{3 * time.Hour, "Canceled"}, soFar()[1])

		s.fake.SetDelivery(amazonpaytest.Delivery{Delay: 20 * time.Second})
		s.fake.NewBillingAgreement().AmazonCancel()
		time.Sleep(time.Minute)
		require.Equal(t, arrival{4*time.Hour + 20*time.Second, "Canceled"}, soFar()[2])
		require.Len(t, soFar(), 3)
	})
}

// One Advance over many events: each happens at its own time, and the handler
// sees that time.
func TestAdvanceKeepsTheOrder(t *testing.T) {
	for name, settings := range map[string]amazonpaytest.Settings{"manual": {Manual: true}, "running": {}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newRunningShop(t, settings)
				agreement := s.subscription(amazonpaytest.Checkout{})
				charge := s.charge(agreement, "r1", "10", "CaptureNow", "true").ok()
				began := s.fake.Now()
				var seen []string
				s.fake.Notify(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
					all := s.fake.Notifications()
					for _, n := range all {
						if n.MessageID == req.Header.Get("x-amz-sns-message-id") {
							seen = append(seen, strings.Join([]string{s.fake.Now().Sub(began).String(), n.NotificationType, string(n.State)}, " "))
						}
					}
				}))
				s.refund(charge.get("IdList/member"), "b1", "5").ok()
				s.charge(agreement, "r2", "10", "TransactionTimeout", "5").ok()
				s.fake.NewBillingAgreement()
				s.fake.Advance(31 * 24 * time.Hour)
				synctest.Wait()
				require.Equal(t, []string{
					"0s OrderReferenceNotification Closed",
					"1m0s PaymentAuthorize Open",
					"1h0m0s PaymentRefund Completed",
					"3h0m0s BillingAgreementNotification Canceled",
					"720h0m0s PaymentAuthorize Closed",
				}, seen)
				require.Equal(t, began.Add(31*24*time.Hour), s.fake.Now())
			})
		})
	}
}

// Now is the start, the time since, and all that was advanced.
func TestClocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wall := time.Now()
		for name, tt := range map[string]struct {
			settings amazonpaytest.Settings
			start    time.Time
			runs     bool
		}{
			"running":           {amazonpaytest.Settings{}, wall, true},
			"running from then": {amazonpaytest.Settings{Start: start.AddDate(5, 0, 0)}, start.AddDate(5, 0, 0), true},
			"manual":            {amazonpaytest.Settings{Manual: true}, start, false},
			"manual from then":  {amazonpaytest.Settings{Manual: true, Start: wall}, wall, false},
		} {
			began, fake := time.Now(), amazonpaytest.New(tt.settings)
			if name == "running" {
				tt.start = began
			}
			require.WithinDuration(t, tt.start, fake.Now(), 0, name)
			time.Sleep(90 * time.Minute)
			fake.Advance(-time.Hour)
			fake.Advance(24 * time.Hour)
			fake.AdvanceTo(tt.start)
			want := tt.start.Add(24 * time.Hour)
			if tt.runs {
				want = want.Add(90 * time.Minute)
			}
			require.WithinDuration(t, want, fake.Now(), 0, name)
			fake.AdvanceTo(want.AddDate(0, 1, 0))
			require.WithinDuration(t, want.AddDate(0, 1, 0), fake.Now(), 0, name)
			require.Equal(t, time.UTC, fake.Now().Location(), name)
		}
	})
}

// Deliver waits for what the clock has put on its way, but not for ever for the
// handler that called it.
func TestDeliverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newRunningShop(t, amazonpaytest.Settings{})
		var arrived atomic.Int32
		s.fake.Notify(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			time.Sleep(5 * time.Second)
			arrived.Add(1)
		}))
		s.fake.OpenBillingAgreement()
		s.fake.OpenBillingAgreement()
		time.Sleep(time.Second) // the first is on its way
		s.fake.Deliver()
		require.EqualValues(t, 2, arrived.Load())

		nested := newRunningShop(t, amazonpaytest.Settings{})
		began, took := time.Now(), time.Duration(0)
		nested.fake.Notify(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			nested.fake.Deliver()
			took = time.Since(began)
		}))
		nested.fake.OpenBillingAgreement()
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, 15*time.Second, took)
	})
}

// A request is not held up by somebody's handler, and handlers are called one
// after the other.
func TestHandlersDoNotHoldRequestsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newRunningShop(t, amazonpaytest.Settings{})
		var now, most, all atomic.Int32
		s.fake.Notify(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			all.Add(1)
			time.Sleep(10 * time.Second)
			now.Add(-1)
		}))
		began := time.Now()
		for range 5 {
			s.subscription(amazonpaytest.Checkout{})
		}
		require.Zero(t, time.Since(began))
		time.Sleep(time.Minute)
		require.EqualValues(t, 1, most.Load())
		require.EqualValues(t, 5, all.Load())
	})
}

// The books keep their order whatever is pushed in which order.
func TestManyEventsInOneAdvance(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{MonthlyLimit: amazonpay.MustPrice("100000", "USD")})
	agreement := s.subscription(amazonpaytest.Checkout{})
	for i := range 200 {
		s.charge(agreement, "r"+string(rune('a'+i%26))+time.Duration(i).String(), "10", "CaptureNow", "true", "TransactionTimeout", "1440").ok()
		s.fake.Advance(time.Duration(i*37%11) * time.Millisecond)
	}
	s.fake.Advance(time.Hour)
	ledger := s.fake.Ledger()
	require.Len(t, ledger, 200)
	for i, m := range ledger[1:] {
		require.False(t, m.Time.Before(ledger[i].Time), "movement %d", i)
		require.Less(t, ledger[i].AuthorizationID[20:], m.AuthorizationID[20:], "movement %d", i)
	}
}
