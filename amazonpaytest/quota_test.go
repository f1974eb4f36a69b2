package amazonpaytest_test

import (
	"fmt"
	"math"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// The table of the reference, once more.
func TestQuotas(t *testing.T) {
	type quota struct {
		burst int
		every time.Duration // until one is restored
	}
	reading := [2]quota{{20, time.Second / 2}, {5, time.Second}}
	moving := [2]quota{{10, time.Second}, {2, 2 * time.Second}}
	health := [2]quota{{2, 5 * time.Minute}, {2, 5 * time.Minute}}
	for action, quotas := range map[string][2]quota{
		"GetServiceStatus":         health,
		"GetOrderReferenceDetails": reading, "GetAuthorizationDetails": reading, "GetCaptureDetails": reading,
		"GetRefundDetails": reading, "GetBillingAgreementDetails": reading,
		"Authorize": moving, "AuthorizeOnBillingAgreement": moving, "Capture": moving, "Refund": moving, "CloseAuthorization": moving,
		"SetOrderReferenceDetails": moving, "ConfirmOrderReference": moving, "CancelOrderReference": moving, "CloseOrderReference": moving,
		"CreateOrderReferenceForId": moving, "SetBillingAgreementDetails": moving, "ConfirmBillingAgreement": moving,
		"ValidateBillingAgreement": moving, "CloseBillingAgreement": moving,
		"SetOrderAttributes": moving, "ListOrderReference": moving, "GetMerchantAccountStatus": moving, // stated nowhere
	} {
		for i, environment := range []amazonpay.Environment{amazonpay.Production, amazonpay.Sandbox} {
			t.Run(fmt.Sprint(action, " ", environment), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newShop(t, amazonpaytest.Settings{Environment: environment, Quota: 1})
					taken := func() (n int) {
						for ; s.do(action).code != "RequestThrottled"; n++ {
							require.Less(t, n, 100)
						}
						return n
					}
					require.Equal(t, quotas[i].burst, taken())
					s.fake.Advance(24 * time.Hour) // another clock
					require.Zero(t, taken())
					time.Sleep(quotas[i].every - time.Millisecond)
					require.Zero(t, taken())
					time.Sleep(time.Millisecond)
					require.Equal(t, 1, taken())
					time.Sleep(3 * quotas[i].every)
					require.Equal(t, min(3, quotas[i].burst), taken())
					time.Sleep(24 * time.Hour)
					require.Equal(t, quotas[i].burst, taken())
				})
			})
		}
	}
}

func TestThrottledAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, amazonpaytest.Settings{Quota: 1, Delegated: map[string]string{"OTHER": "TOKEN"}})
		agreement := s.fake.OpenBillingAgreement()
		s.charge(agreement, "r1", "10", "CaptureNow", "true").ok()
		s.charge(agreement, "r2", "10", "CaptureNow", "true").ok()
		answer := s.charge(agreement, "r3", "10", "CaptureNow", "true").refused(503, "RequestThrottled")
		require.Contains(t, answer.raw, "<Type/>")
		require.NotEmpty(t, answer.get("RequestID"))
		require.Empty(t, answer.get("RequestId"))
		require.Len(t, s.fake.Ledger(), 2)
		s.charge(agreement, "r1", "10", "CaptureNow", "true").refused(503, "RequestThrottled")      // the first answer is not to be had either
		s.do("GetBillingAgreementDetails", "AmazonBillingAgreementId", string(agreement.ID())).ok() // of its own

		// Another seller has another bucket; who is not believed takes from none.
		s.seller, s.token = "OTHER", "TOKEN"
		s.do("Capture").refused(400, "InvalidParameterValue")
		s.token = "WRONG"
		s.do("Capture").refused(401, "AccessDenied")
		s.secret = "wrong"
		s.do("Capture").refused(403, "SignatureDoesNotMatch")
		s.token, s.secret = "TOKEN", testSecret
		s.do("Capture").refused(400, "InvalidParameterValue")
		s.do("Capture").refused(503, "RequestThrottled")
		s.seller, s.token = testSeller, ""

		time.Sleep(2 * time.Second)
		s.charge(agreement, "r3", "10", "CaptureNow", "true").ok() // the reference id was not used up
		require.Len(t, s.fake.Ledger(), 3)
		require.False(t, s.fake.Calls()[len(s.fake.Calls())-1].Replay)
	})
}

func TestSetQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, amazonpaytest.Settings{})
		taken := func() (n int) {
			for ; n < 30 && s.do("Capture").code != "RequestThrottled"; n++ {
			}
			return n
		}
		require.Equal(t, 30, taken())
		s.fake.SetQuota(1)
		require.Equal(t, 2, taken())
		time.Sleep(2 * time.Second)
		s.fake.SetQuota(60) // what was restored before was restored slowly
		require.Equal(t, 1, taken())
		time.Sleep(2 * time.Second / 60 * 2)
		require.Equal(t, 1, taken(), "a nanosecond is missing to the second")
		time.Sleep(time.Millisecond)
		require.Equal(t, 1, taken())
		s.fake.SetQuota(0)
		require.Equal(t, 30, taken())
		s.fake.SetQuota(1)
		require.Equal(t, 2, taken())
		for _, factor := range []float64{-1, math.NaN(), math.Inf(1)} {
			require.Panics(t, func() { s.fake.SetQuota(factor) })
			require.Panics(t, func() { amazonpaytest.New(amazonpaytest.Settings{Quota: factor}) })
		}
	})
}

// The client waits as it was told to, and gets through.
func TestClientUnderQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := amazonpaytest.New(amazonpaytest.Settings{Quota: 1})
		config := fake.Config()
		config.Backoff = amazonpay.DefaultBackoff
		client, err := amazonpay.New(config)
		require.NoError(t, err)
		agreement := fake.OpenBillingAgreement()
		for i := range 10 {
			_, err := renew(client, agreement.ID(), fmt.Sprintf("2026-%02d", i+1))
			require.NoError(t, err)
		}
		require.Len(t, fake.Ledger(), 10)
	})
}

func TestKeepCalls(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{KeepCalls: 10})
	s.fake.Notify(http.NotFoundHandler())
	for i := range 57 {
		s.do("GetServiceStatus").ok()
		s.fake.Send(amazonpaytest.Message{Text: fmt.Sprint("m", i)})
		s.fake.Deliver()
		require.Len(t, s.fake.Calls(), min(10, i+1))
		require.Len(t, s.fake.Notifications(), min(10, i+1))
		require.Equal(t, fmt.Sprint("m", i), s.fake.Notifications()[min(9, i)].Text)
	}
	require.Equal(t, "m47", s.fake.Notifications()[0].Text)
	require.Panics(t, func() { amazonpaytest.New(amazonpaytest.Settings{KeepCalls: -1}) })
}
