package amazonpay_test

import (
	"context"
	"crypto/x509"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// fakeVerifier accepts the notifications of a fake.
func fakeVerifier(t *testing.T, fake *amazonpaytest.Fake, change func(*amazonpay.VerifierConfig)) *amazonpay.Verifier {
	t.Helper()
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(fake.CertificateAuthority()))
	config := amazonpay.VerifierConfig{
		SellerIDs: []string{fake.Config().SellerID}, Environment: amazonpay.Sandbox,
		HTTPClient: &http.Client{Transport: fake}, Roots: roots, Clock: fake.Now,
	}
	if change != nil {
		change(&config)
	}
	verifier, err := amazonpay.NewVerifier(config)
	require.NoError(t, err)
	return verifier
}

// TestVerifierAndFake holds the verifier against a signer of another hand, over
// the life of a subscription and in both signature versions.
func TestVerifierAndFake(t *testing.T) {
	for _, version := range []string{"1", "2"} {
		t.Run("version "+version, func(t *testing.T) {
			fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
			fake.SetDelivery(amazonpaytest.Delivery{SignatureVersion: version, Duplicates: 1})
			var seen []string
			inbox := new(amazonpay.MemoryInbox)
			fake.Notify(fakeVerifier(t, fake, nil).Handler(func(ctx context.Context, n *amazonpay.Notification) error {
				return inbox.Once(ctx, n.ID, func(context.Context) error {
					seen = append(seen, string(n.Type)+" "+string(n.Status().State))
					return nil
				})
			}))
			client := fake.Client()
			agreement := open(fake, client)
			charge, err := client.AuthorizeOnBillingAgreement(t.Context(), amazonpay.AuthorizeOnBillingAgreementRequest{
				AmazonBillingAgreementID: agreement.ID(), AuthorizationReferenceID: "sub-42-2026-01", CaptureNow: true,
				AuthorizationAmount: amazonpay.MustPrice("19.90", amazonpay.CurrencyUSD), TransactionTimeout: new(0),
			})
			require.NoError(t, err)
			_, err = client.Refund(t.Context(), amazonpay.RefundRequest{
				AmazonCaptureID: charge.IDList[0], RefundReferenceID: "refund-42-2026-01",
				RefundAmount: amazonpay.MustPrice("5", amazonpay.CurrencyUSD),
			})
			require.NoError(t, err)
			fake.Advance(24 * time.Hour)
			require.NoError(t, client.CloseBillingAgreement(t.Context(), amazonpay.CloseBillingAgreementRequest{
				AmazonBillingAgreementID: agreement.ID(),
			}))
			fake.Deliver()

			assert.Subset(t, seen, []string{
				"BillingAgreementNotification Open", "PaymentAuthorize Closed", "PaymentCapture Completed",
				"PaymentRefund Completed", "BillingAgreementNotification Closed",
			})
			for i, one := range seen {
				assert.NotContains(t, seen[i+1:], one, "each once, for all the duplicates")
			}
			for _, sent := range fake.Notifications() {
				assert.Equal(t, http.StatusOK, sent.Status, "%+v", sent.Message.Type)
			}
		})
	}
}

// TestVerifierRefusesTheFake: genuine signatures that are not for us.
func TestVerifierRefusesTheFake(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*amazonpay.VerifierConfig)
		want   amazonpay.Refusal
	}{
		{"another seller's topic", func(c *amazonpay.VerifierConfig) { c.SellerIDs = []string{"A1SOMEBODYELSE"} }, "topic"},
		{"another environment", func(c *amazonpay.VerifierConfig) { c.Environment = amazonpay.Production }, "environment"},
		{"another authority", func(c *amazonpay.VerifierConfig) { c.Roots = x509.NewCertPool() }, "certificate"},
		{"too old", func(c *amazonpay.VerifierConfig) {
			c.MaxAge, c.Clock = time.Hour, func() time.Time { return time.Now().AddDate(100, 0, 0) }
		}, "age"},
	} {
		t.Run(test.name, func(t *testing.T) {
			fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
			var got error
			verifier := fakeVerifier(t, fake, test.change)
			fake.Notify(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, got = verifier.Parse(r)
				w.WriteHeader(http.StatusForbidden)
			}))
			open(fake, fake.Client())
			fake.Deliver()
			assert.ErrorIs(t, got, test.want)
		})
	}
}
