package amazonpay_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// world is a fake that goes with the bubble's clock.
func world(t testing.TB, settings amazonpaytest.Settings) (*amazonpaytest.Fake, *amazonpay.Client) {
	t.Helper()
	fake := amazonpaytest.New(settings)
	return fake, clientOver(t, fake, fake)
}

// pending is an asynchronous charge of an agreement.
func pending(t testing.TB, fake *amazonpaytest.Fake, client *amazonpay.Client, method amazonpaytest.PaymentMethod) *amazonpay.Authorization {
	t.Helper()
	agreement := fake.NewBillingAgreementWith(amazonpaytest.Checkout{Payment: method}).Consent()
	require.NoError(t, client.ConfirmBillingAgreement(t.Context(), amazonpay.ConfirmBillingAgreementRequest{AmazonBillingAgreementID: agreement.ID()}))
	charge, err := client.Charge(t.Context(), amazonpay.ChargeRequest{
		AmazonBillingAgreementID: agreement.ID(), ReferenceID: "r", Amount: usd("5.00"), Mode: amazonpay.ModeAsynchronous,
	})
	require.NoError(t, err)
	require.Equal(t, amazonpay.OutcomePending, charge.Outcome)
	return charge.Authorization
}

func reads(fake *amazonpaytest.Fake, action string) int {
	n := 0
	for _, call := range fake.Calls() {
		if call.Action == action {
			n++
		}
	}
	return n
}

func TestAwaitAuthorization(t *testing.T) {
	tests := map[string]struct {
		method  amazonpaytest.PaymentMethod
		delay   time.Duration
		faults  int // that pass
		want    amazonpay.Outcome
		atMost  time.Duration
		reading int // how often it is read, at most
	}{
		"soon":            {amazonpaytest.GoodCard, 10 * time.Second, 0, amazonpay.OutcomePaid, 20 * time.Second, 3},
		"after an hour":   {amazonpaytest.GoodCard, time.Hour, 0, amazonpay.OutcomePaid, 70 * time.Minute, 14},
		"declined":        {amazonpaytest.BadCard, time.Minute, 0, amazonpay.OutcomeDeclined, 2 * time.Minute, 6},
		"never":           {amazonpaytest.SilentBank, time.Minute, 0, amazonpay.OutcomeDeclined, 24 * time.Hour, 160},
		"over a bad road": {amazonpaytest.GoodCard, time.Minute, 20, amazonpay.OutcomePaid, 3 * time.Hour, 30},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake, client := world(t, amazonpaytest.Settings{AuthorizationDelay: tt.delay})
				a := pending(t, fake, client, tt.method)
				if tt.faults > 0 {
					fake.Inject(amazonpaytest.Fault{Kind: amazonpaytest.Unavailable503, Times: tt.faults})
				}
				start, before := time.Now(), reads(fake, "GetAuthorizationDetails")
				decided, err := client.AwaitAuthorization(t.Context(), a.AmazonAuthorizationID)
				require.NoError(t, err)
				assert.Equal(t, tt.want, decided.Outcome())
				assert.LessOrEqual(t, time.Since(start), tt.atMost)
				assert.LessOrEqual(t, reads(fake, "GetAuthorizationDetails")-before, tt.reading)
			})
		})
	}
}

// lateCapture is one that stays Pending for a while.
func lateCapture(t testing.TB, fake *amazonpaytest.Fake, client *amazonpay.Client) *amazonpay.Capture {
	t.Helper()
	a, err := client.Authorize(t.Context(), amazonpay.AuthorizeRequest{AmazonOrderReferenceID: fake.OpenOrderReference(usd("5.00")).ID(),
		AuthorizationReferenceID: "a", AuthorizationAmount: usd("5.00"), TransactionTimeout: new(0)})
	require.NoError(t, err)
	time.Sleep(8 * 24 * time.Hour)
	p, err := client.Capture(t.Context(), amazonpay.CaptureRequest{AmazonAuthorizationID: a.AmazonAuthorizationID, CaptureReferenceID: "c", CaptureAmount: usd("5.00")})
	require.NoError(t, err)
	require.Equal(t, amazonpay.StatePending, p.CaptureStatus.State)
	return p
}

func TestAwaitCaptureAndRefund(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, client := world(t, amazonpaytest.Settings{})
		p := lateCapture(t, fake, client)
		done, err := client.AwaitCapture(t.Context(), p.AmazonCaptureID)
		require.NoError(t, err)
		assert.Equal(t, amazonpay.StateCompleted, done.CaptureStatus.State)
		back, err := client.Refund(t.Context(), amazonpay.RefundRequest{AmazonCaptureID: p.AmazonCaptureID, RefundReferenceID: "b", RefundAmount: usd("1.00")})
		require.NoError(t, err)
		refunded, err := client.AwaitRefund(t.Context(), back.AmazonRefundID)
		require.NoError(t, err)
		assert.Equal(t, amazonpay.StateCompleted, refunded.RefundStatus.State)
	})
}

func TestAwaitGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, client := world(t, amazonpaytest.Settings{CaptureDelay: 60 * 24 * time.Hour})
		p := lateCapture(t, fake, client)
		start := time.Now()
		last, err := client.AwaitCapture(t.Context(), p.AmazonCaptureID)
		var unsettled *amazonpay.UnsettledError
		require.ErrorAs(t, err, &unsettled)
		assert.Equal(t, string(p.AmazonCaptureID), unsettled.ID)
		assert.Equal(t, amazonpay.StatePending, unsettled.Status.State)
		assert.Equal(t, p.AmazonCaptureID, last.AmazonCaptureID, "as last seen")
		assert.Equal(t, 30*24*time.Hour, time.Since(start))
		assert.EqualError(t, err, "amazonpay: "+unsettled.ID+" is still Pending: its time is over; ask Amazon")

		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		last, err = client.AwaitCapture(ctx, p.AmazonCaptureID)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorAs(t, err, &unsettled)
		assert.NotNil(t, last)

		start = time.Now()
		none, err := client.AwaitRefund(t.Context(), "S01-0000000-0000000-R000000")
		require.ErrorIs(t, err, amazonpay.ErrInvalidTransactionID)
		require.ErrorAs(t, err, &unsettled)
		assert.Nil(t, none)
		assert.Contains(t, err.Error(), "is still unknown: GetRefundDetails: ")
		_, err = client.AwaitAuthorization(t.Context(), "")
		var invalid *amazonpay.InvalidError
		require.ErrorAs(t, err, &invalid)
		assert.Zero(t, time.Since(start), "at once")
	})
}
