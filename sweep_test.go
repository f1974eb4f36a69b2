package amazonpay_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

func TestDue(t *testing.T) {
	since := utc("2026-01-01T00:00:00Z")
	inState := func(s amazonpay.State) amazonpay.NotificationObject {
		return &amazonpay.Authorization{AuthorizationStatus: amazonpay.Status{State: s}}
	}
	tests := map[string]struct {
		watched amazonpay.Watched
		want    time.Duration // after Since; 0 is never
	}{
		"never read":         {amazonpay.Watched{Object: inState("")}, time.Minute},
		"read at once":       {amazonpay.Watched{Object: inState("Pending"), Read: since}, time.Minute},
		"read before":        {amazonpay.Watched{Object: inState("Pending"), Read: since.Add(-time.Hour)}, time.Minute},
		"read after an hour": {amazonpay.Watched{Object: inState("Pending"), Read: since.Add(time.Hour)}, 75 * time.Minute},
		"read after a month": {amazonpay.Watched{Object: inState("Open"), Read: since.Add(30 * 24 * time.Hour)}, 31 * 24 * time.Hour},
		"decided":            {amazonpay.Watched{Object: inState("Declined")}, 0},
		"closed":             {amazonpay.Watched{Object: inState("Closed")}, 0},
		"unknown state":      {amazonpay.Watched{Object: inState("Pausing")}, time.Minute},
		"nothing":            {amazonpay.Watched{}, 0},
		"a chargeback":       {amazonpay.Watched{Object: &amazonpay.Chargeback{}}, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.watched.Since = since
			var want time.Time
			if tt.want > 0 {
				want = since.Add(tt.want)
			}
			assert.Equal(t, want, tt.watched.Due())
		})
	}
}

// watch sweeps every half hour, as a merchant's job would, and stores what the
// sweep says, until nothing is watched any more or the time is over.
func watch(t testing.TB, client *amazonpay.Client, most time.Duration, open ...amazonpay.Watched) (changes []amazonpay.Sighting, gaveUp []amazonpay.Sighting) {
	t.Helper()
	for end := time.Now().Add(most); len(open) > 0 && time.Now().Before(end); time.Sleep(30 * time.Minute) {
		var left []amazonpay.Watched
		for _, w := range open {
			kept := w
			for s := range client.Sweep(t.Context(), w) {
				kept = s.Watched
				if s.Changed {
					changes = append(changes, s)
				}
				if s.Done && s.Err != nil {
					gaveUp = append(gaveUp, s)
				}
				if s.Done {
					kept = amazonpay.Watched{}
				}
			}
			if kept.Object != nil {
				left = append(left, kept)
			}
		}
		open = left
	}
	return changes, gaveUp
}

func TestSweep(t *testing.T) {
	const d = 24 * time.Hour
	type found struct {
		action string
		watch  amazonpay.NotificationObject
	}
	tests := map[string]struct {
		settings amazonpaytest.Settings
		begin    func(*testing.T, *amazonpaytest.Fake, *amazonpay.Client) found
		want     []amazonpay.State // the changes
		gaveUp   bool
		days     int // until it is watched no longer, at most
		reads    int // at most
	}{
		"an authorization": {begin: func(t *testing.T, fake *amazonpaytest.Fake, client *amazonpay.Client) found {
			return found{"GetAuthorizationDetails", pending(t, fake, client, amazonpaytest.GoodCard)}
		}, want: []amazonpay.State{amazonpay.StateClosed}, reads: 3},
		"an authorization that is never captured": {begin: func(t *testing.T, fake *amazonpaytest.Fake, client *amazonpay.Client) found {
			return found{"GetAuthorizationDetails", pending(t, fake, client, amazonpaytest.CaptureRejected)}
		}, want: []amazonpay.State{amazonpay.StateOpen, amazonpay.StateClosed}, days: 30, reads: 60},
		"an authorization for ever open": {settings: amazonpaytest.Settings{AuthorizationLife: 99 * d},
			begin: func(t *testing.T, fake *amazonpaytest.Fake, client *amazonpay.Client) found {
				return found{"GetAuthorizationDetails", pending(t, fake, client, amazonpaytest.CaptureRejected)}
			}, want: []amazonpay.State{amazonpay.StateOpen}, gaveUp: true, days: 32, reads: 60},
		"a capture": {begin: func(t *testing.T, fake *amazonpaytest.Fake, client *amazonpay.Client) found {
			return found{"GetCaptureDetails", lateCapture(t, fake, client)}
		}, want: []amazonpay.State{amazonpay.StateCompleted}, reads: 5},
		"a capture for ever pending": {settings: amazonpaytest.Settings{CaptureDelay: 99 * d},
			begin: func(t *testing.T, fake *amazonpaytest.Fake, client *amazonpay.Client) found {
				return found{"GetCaptureDetails", lateCapture(t, fake, client)}
			}, gaveUp: true, days: 31, reads: 60},
		"a refund": {begin: func(t *testing.T, fake *amazonpaytest.Fake, client *amazonpay.Client) found {
			p, err := client.AwaitCapture(t.Context(), lateCapture(t, fake, client).AmazonCaptureID)
			require.NoError(t, err)
			back, err := client.Refund(t.Context(), amazonpay.RefundRequest{AmazonCaptureID: p.AmazonCaptureID, RefundReferenceID: "b", RefundAmount: usd("1.00")})
			require.NoError(t, err)
			return found{"GetRefundDetails", back}
		}, want: []amazonpay.State{amazonpay.StateCompleted}, reads: 5},
		"a suspended agreement": {begin: func(t *testing.T, fake *amazonpaytest.Fake, client *amazonpay.Client) found {
			a := pending(t, fake, client, amazonpaytest.BadCard)
			_, err := client.AwaitAuthorization(t.Context(), a.AmazonAuthorizationID)
			require.NoError(t, err)
			id := amazonpay.BillingAgreementID(fake.Calls()[0].Params.Get("AmazonBillingAgreementId"))
			go func() {
				time.Sleep(200 * d)
				fake.BillingAgreement(id).Cancel()
			}()
			return found{"GetBillingAgreementDetails", &amazonpay.BillingAgreement{AmazonBillingAgreementID: id}}
		}, want: []amazonpay.State{amazonpay.StateSuspended, amazonpay.StateClosed}, days: 202, reads: 240},
		"a draft": {begin: func(_ *testing.T, fake *amazonpaytest.Fake, _ *amazonpay.Client) found {
			return found{"GetOrderReferenceDetails", &amazonpay.OrderReference{AmazonOrderReferenceID: fake.NewOrderReference().ID()}}
		}, want: []amazonpay.State{amazonpay.StateDraft, amazonpay.StateCanceled}, reads: 10},
		"a draft agreement": {begin: func(_ *testing.T, fake *amazonpaytest.Fake, _ *amazonpay.Client) found {
			return found{"GetBillingAgreementDetails", &amazonpay.BillingAgreement{AmazonBillingAgreementID: fake.NewBillingAgreement().ID()}}
		}, want: []amazonpay.State{amazonpay.StateDraft, amazonpay.StateCanceled}, reads: 10},
		"an open order": {begin: func(_ *testing.T, fake *amazonpaytest.Fake, _ *amazonpay.Client) found {
			return found{"GetOrderReferenceDetails", &amazonpay.OrderReference{AmazonOrderReferenceID: fake.OpenOrderReference(usd("5.00")).ID()}}
		}, want: []amazonpay.State{amazonpay.StateOpen, amazonpay.StateClosed}, days: 181, reads: 220},
		"an unknown id": {begin: func(*testing.T, *amazonpaytest.Fake, *amazonpay.Client) found {
			return found{"GetRefundDetails", &amazonpay.Refund{AmazonRefundID: "S01-0000000-0000000-R000000"}}
		}, gaveUp: true, reads: 1},
		"no id": {begin: func(*testing.T, *amazonpaytest.Fake, *amazonpay.Client) found {
			return found{"GetRefundDetails", &amazonpay.Refund{}}
		}, gaveUp: true},
		"a credit of nobody": {begin: func(*testing.T, *amazonpaytest.Fake, *amazonpay.Client) found {
			return found{"GetProviderCreditDetails", &amazonpay.ProviderCreditDetails{AmazonProviderCreditID: "S01-0000000-0000000-P000000"}}
		}, gaveUp: true, reads: 1},
		"a reversal of nobody": {begin: func(*testing.T, *amazonpaytest.Fake, *amazonpay.Client) found {
			return found{"GetProviderCreditReversalDetails", &amazonpay.ProviderCreditReversalDetails{AmazonProviderCreditReversalID: "S01-0000000-0000000-Q000000"}}
		}, gaveUp: true, reads: 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake, client := world(t, tt.settings)
				f := tt.begin(t, fake, client)
				start, before := time.Now(), reads(fake, f.action)
				changes, gaveUp := watch(t, client, 400*d, amazonpay.Watched{Object: f.watch, Since: time.Now()})
				states := []amazonpay.State(nil)
				for _, s := range changes {
					states = append(states, (&amazonpay.Notification{Object: s.Object}).Status().State)
				}
				assert.Equal(t, tt.want, states)
				assert.Equal(t, tt.gaveUp, len(gaveUp) == 1)
				for _, s := range gaveUp {
					var unsettled *amazonpay.UnsettledError
					require.ErrorAs(t, s.Err, &unsettled)
				}
				assert.LessOrEqual(t, int(time.Since(start)/d), tt.days)
				assert.LessOrEqual(t, reads(fake, f.action)-before, tt.reads)
			})
		})
	}
}

// TestSweepMeetsErrors says which are due again at once, and which wait.
func TestSweepMeetsErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, client := world(t, amazonpaytest.Settings{AuthorizationDelay: time.Hour})
		w := amazonpay.Watched{Object: pending(t, fake, client, amazonpaytest.GoodCard), Since: time.Now()}
		assert.Empty(t, slices.Collect(client.Sweep(t.Context(), w)), "not due yet")
		time.Sleep(time.Minute)

		fake.Inject(amazonpaytest.Fault{Kind: amazonpaytest.Unavailable503})
		s := slices.Collect(client.Sweep(t.Context(), w))
		require.Len(t, s, 1)
		require.ErrorIs(t, s[0].Err, amazonpay.ErrServiceUnavailable)
		assert.Equal(t, w, s[0].Watched, "due at once")
		assert.False(t, s[0].Done || s[0].Changed)

		config := fake.Config()
		config.SecretKey = amazonpay.NewSecretKey("wrong")
		stranger, err := amazonpay.New(config)
		require.NoError(t, err)
		s = slices.Collect(stranger.Sweep(t.Context(), w))
		require.Len(t, s, 1)
		require.ErrorIs(t, s[0].Err, amazonpay.ErrSignatureDoesNotMatch)
		assert.False(t, s[0].Done)
		assert.True(t, s[0].Due().After(time.Now()), "it waits")

		s = slices.Collect(client.Sweep(t.Context(), w))
		require.Len(t, s, 1)
		require.NoError(t, s[0].Err)
		assert.False(t, s[0].Done || s[0].Changed)
		assert.Equal(t, time.Now(), s[0].Read)

		time.Sleep(2 * time.Hour)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		assert.Empty(t, slices.Collect(client.Sweep(ctx, w, w)))
		n := 0
		for s := range client.Sweep(t.Context(), w, w) {
			assert.True(t, s.Changed && s.Done)
			n++
			break
		}
		assert.Equal(t, 1, n)

		old := func(age time.Duration) amazonpay.Sighting {
			late, client := world(t, amazonpaytest.Settings{AuthorizationDelay: time.Hour})
			s := slices.Collect(client.Sweep(t.Context(), amazonpay.Watched{Object: pending(t, late, client, amazonpaytest.GoodCard), Since: time.Now().Add(-age)}))
			require.Len(t, s, 1)
			return s[0]
		}
		assert.False(t, old(47*time.Hour).Done)
		assert.True(t, old(49*time.Hour).Done, "a day after the longest timeout")

		// A notification was quicker than the sweep.
		newer := *s[0].Object.(*amazonpay.Authorization)
		newer.AuthorizationStatus = amazonpay.Status{State: amazonpay.StateOpen, LastUpdateTimestamp: time.Now()}
		fake2, client2 := world(t, amazonpaytest.Settings{AuthorizationDelay: time.Hour})
		newer.AmazonAuthorizationID = pending(t, fake2, client2, amazonpaytest.GoodCard).AmazonAuthorizationID
		s = slices.Collect(client2.Sweep(t.Context(), amazonpay.Watched{Object: &newer, Since: w.Since}))
		require.Len(t, s, 1)
		assert.False(t, s[0].Changed, "a Pending never undoes an Open")
		assert.Equal(t, &newer, s[0].Object)

		s = slices.Collect(client.Sweep(t.Context(), amazonpay.Watched{Object: &amazonpay.Capture{CaptureStatus: amazonpay.Status{State: amazonpay.StateCompleted}}}))
		require.Len(t, s, 1)
		assert.True(t, s[0].Done && s[0].Err == nil, "nothing to wait for")
	})
}
