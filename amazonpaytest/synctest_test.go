package amazonpaytest_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// Within testing/synctest the waits between attempts take no time, and can be
// measured: the fake starts no goroutine and opens no socket.
func TestInsideSynctest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := amazonpaytest.New(amazonpaytest.Settings{})
		config := fake.Config()
		config.Backoff = amazonpay.DefaultBackoff // waits, unlike the fake's own
		client, err := amazonpay.New(config)
		require.NoError(t, err)
		agreement := subscribed(fake, client)

		fake.Inject(amazonpaytest.Fault{Kind: amazonpaytest.Throttled, Times: 4})
		start := time.Now()
		charge, err := renew(client, agreement.ID(), "2026-01")
		require.NoError(t, err)
		require.Equal(t, amazonpay.OutcomePaid, charge.Outcome())
		require.InDelta(t, 17*time.Second, time.Since(start), float64(17*time.Second/4))
	})
}

// Amazon is silent for longer than the caller has time. The charge is made all
// the same, and the repeat says so.
func TestSilenceInsideSynctest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := amazonpaytest.New(amazonpaytest.Settings{})
		client := fake.Client()
		agreement := subscribed(fake, client)
		request := amazonpay.AuthorizeOnBillingAgreementRequest{
			AmazonBillingAgreementID: agreement.ID(),
			AuthorizationReferenceID: "sub-42-2026-01",
			AuthorizationAmount:      amazonpay.MustPrice("19.90", amazonpay.CurrencyUSD),
			TransactionTimeout:       new(0),
			CaptureNow:               true,
		}

		fake.Inject(amazonpaytest.Fault{Kind: amazonpaytest.Slow, Delay: time.Minute})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := client.AuthorizeOnBillingAgreement(ctx, request)
		var unknown *amazonpay.OutcomeUnknownError
		require.ErrorAs(t, err, &unknown)
		require.ErrorIs(t, err, context.DeadlineExceeded)

		charge, err := client.AuthorizeOnBillingAgreement(t.Context(), request)
		require.NoError(t, err)
		require.Equal(t, amazonpay.OutcomePaid, charge.Outcome())
		require.Len(t, fake.Ledger(), 1)
	})
}
