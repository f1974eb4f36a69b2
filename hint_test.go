package amazonpay_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
)

// failedWith is the *Error of an operation that is refused with a code.
func failedWith(t *testing.T, environment amazonpay.Environment, s scene, call func(context.Context, *amazonpay.Client) error) *amazonpay.Error {
	t.Helper()
	client := once(t, s, func(c *amazonpay.Config) { c.Environment = environment })
	failure, ok := errors.AsType[*amazonpay.Error](call(t.Context(), client))
	require.True(t, ok)
	return failure
}

func captureOf(id amazonpay.AuthorizationID) func(context.Context, *amazonpay.Client) error {
	return func(ctx context.Context, c *amazonpay.Client) error {
		req := stageCapture
		req.AmazonAuthorizationID = id
		_, err := c.Capture(ctx, req)
		return err
	}
}

// TestHintOfTheClock: the Date header tells whose clock is wrong.
func TestHintOfTheClock(t *testing.T) {
	dated := func(ahead time.Duration) []string {
		return []string{"Date", time.Now().Add(-ahead).UTC().Format(http.TimeFormat)}
	}
	expired := func(header ...string) scene {
		return answerScene(400, "<ErrorResponse><Error><Code>InvalidParameterValue</Code><Message>Request has expired. Timestamp date is 2015-01-01</Message></Error></ErrorResponse>", header...)
	}
	for _, test := range []struct {
		name  string
		scene func() scene
		has   []string
		not   []string
	}{
		{"ahead", func() scene { return refusalScene(403, "RequestExpired", dated(20*time.Minute)...) }, []string{"clock", "20m0s ahead", "15 minutes"}, []string{"behind"}},
		{"behind", func() scene { return refusalScene(403, "RequestExpired", dated(-3*time.Hour)...) }, []string{"clock", "3h0m0s behind", "15 minutes"}, []string{"ahead"}},
		{"expired in other words", func() scene { return expired(dated(-16 * time.Minute)...) }, []string{"clock", "16m0s behind"}, nil},
		{"signature with a wrong clock", func() scene { return refusalScene(403, "SignatureDoesNotMatch", dated(time.Hour)...) }, []string{"clock", "1h0m0s ahead"}, nil},
		{"signature with a right clock", func() scene { return refusalScene(403, "SignatureDoesNotMatch", dated(0)...) }, []string{"SecretKey", "AccessKey"}, []string{"clock"}},
		{"signature without a date", func() scene { return refusalScene(403, "SignatureDoesNotMatch") }, []string{"SecretKey"}, []string{"clock"}},
		{"signature with a date of nonsense", func() scene { return refusalScene(403, "SignatureDoesNotMatch", "Date", "today") }, []string{"SecretKey"}, []string{"clock"}},
		{"expired without a date", func() scene { return expired() }, []string{"clock", "15 minutes"}, []string{"ahead", "behind"}},
		{"expired with a right clock", func() scene { return expired(dated(time.Second)...) }, []string{"clock"}, []string{"ahead", "behind"}},
		{"another fault with a wrong clock", func() scene { return refusalScene(400, "InvalidParameterValue", dated(time.Hour)...) }, nil, []string{"clock"}},
		{"throttled with a wrong clock", func() scene { return refusalScene(503, "RequestThrottled", dated(time.Hour)...) }, nil, []string{"clock"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := failedWith(t, amazonpay.Sandbox, test.scene(), captureOf("S01-1234567-1234567-A000001"))
				for _, s := range test.has {
					assert.Contains(t, got.Hint, s)
					assert.Contains(t, got.Error(), s)
				}
				for _, s := range test.not {
					assert.NotContains(t, got.Hint, s)
				}
			})
		})
	}
}

// TestHintOfTheClockIsOfTheAttempt: a wait before it is no skew.
func TestHintOfTheClockIsOfTheAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := func(r *http.Request, action string) (*http.Response, error) {
			return refusalScene(403, "SignatureDoesNotMatch", "Date", time.Now().UTC().Format(http.TimeFormat))(r, action)
		}
		client := stageClient(t, &stage{scenes: []scene{throttledScene, late}}, func(c *amazonpay.Config) {
			c.Backoff = amazonpay.Spacing(time.Hour)
		})
		_, err := client.Capture(t.Context(), stageCapture)
		failure, ok := errors.AsType[*amazonpay.Error](err)
		require.True(t, ok)
		assert.NotContains(t, failure.Hint, "clock")
	})
}

// TestHintOfTheEnvironment: ids of the sandbox and of production differ in
// their first letter.
func TestHintOfTheEnvironment(t *testing.T) {
	get := func(call func(context.Context, *amazonpay.Client) error) func(context.Context, *amazonpay.Client) error {
		return call
	}
	agreement := get(func(ctx context.Context, c *amazonpay.Client) error {
		_, err := c.GetBillingAgreementDetails(ctx, amazonpay.GetBillingAgreementDetailsRequest{AmazonBillingAgreementID: "B01-1234567-1234567"})
		return err
	})
	create := get(func(ctx context.Context, c *amazonpay.Client) error {
		_, err := c.CreateOrderReferenceForId(ctx, amazonpay.CreateOrderReferenceForIdRequest{ID: "B01-1234567-1234567"})
		return err
	})
	for _, test := range []struct {
		name        string
		environment amazonpay.Environment
		code        string
		call        func(context.Context, *amazonpay.Client) error
		parameter   string // empty if there is no mix-up
	}{
		{"production authorization in the sandbox", amazonpay.Sandbox, "InvalidTransactionId", captureOf("P01-1234567-1234567-A000001"), "AmazonAuthorizationId"},
		{"sandbox authorization in production", amazonpay.Production, "InvalidTransactionId", captureOf("S01-1234567-1234567-A000001"), "AmazonAuthorizationId"},
		{"authorization of a production agreement in the sandbox", amazonpay.Sandbox, "InternalServerError", captureOf("B01-1234567-1234567-A000001"), "AmazonAuthorizationId"},
		{"authorization of a sandbox agreement in production", amazonpay.Production, "InternalServerError", captureOf("C01-1234567-1234567-A000001"), "AmazonAuthorizationId"},
		{"production agreement in the sandbox", amazonpay.Sandbox, "InvalidBillingAgreementId", agreement, "AmazonBillingAgreementId"},
		{"new order on a production agreement", amazonpay.Sandbox, "InvalidOrderReferenceId", create, "Id"},
		{"production agreement in production", amazonpay.Production, "InvalidBillingAgreementId", agreement, ""},
		{"sandbox in the sandbox", amazonpay.Sandbox, "InternalServerError", captureOf("S01-1234567-1234567-A000001"), ""},
		{"another code", amazonpay.Sandbox, "InvalidAuthorizationStatus", captureOf("P01-1234567-1234567-A000001"), ""},
		{"something else", amazonpay.Sandbox, "InvalidTransactionId", captureOf("PAYMENT"), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := failedWith(t, test.environment, refusalScene(400, test.code), test.call)
			if test.parameter == "" {
				assert.NotContains(t, got.Hint, "the id in")
				return
			}
			other := amazonpay.Production
			if test.environment == amazonpay.Production {
				other = amazonpay.Sandbox
			}
			assert.Equal(t, "the id in "+test.parameter+" is one of the "+string(other)+", and this client talks to the "+string(test.environment), got.Hint)
			assert.NotContains(t, got.Hint, "1234567")
		})
	}
}

// TestHintOfTheConstraints names what removes each of them.
func TestHintOfTheConstraints(t *testing.T) {
	refusal := func(code, message string) scene {
		return answerScene(400, "<ErrorResponse><Error><Code>"+code+"</Code><Message>"+message+"</Message></Error></ErrorResponse>")
	}
	for id, remedy := range map[amazonpay.ConstraintID]string{
		amazonpay.ConstraintAmountNotSet:            "SetOrderReferenceDetails",
		amazonpay.ConstraintBuyerConsentNotSet:      "Consent widget",
		amazonpay.ConstraintBuyerEqualsSeller:       "himself",
		amazonpay.ConstraintCurrencyMismatch:        "currency",
		amazonpay.ConstraintPaymentMethodNotAllowed: "Wallet widget",
		amazonpay.ConstraintPaymentPlanNotSet:       "Wallet widget",
		amazonpay.ConstraintShippingAddressNotSet:   "AddressBook widget",
		amazonpay.ConstraintBillingAddressDeleted:   "Wallet widget",
		amazonpay.ConstraintInvalidPaymentPlan:      "Wallet widget",
		amazonpay.ConstraintPaymentMethodDeleted:    "Wallet widget",
		amazonpay.ConstraintPaymentMethodExpired:    "Wallet widget",
	} {
		t.Run(string(id), func(t *testing.T) {
			got := failedWith(t, amazonpay.Sandbox, refusal("ConstraintsExist", "The OrderReferenceId S01-1234567-1234567 has constraints "+string(id)+" and cannot be confirmed."),
				func(ctx context.Context, c *amazonpay.Client) error {
					return c.ConfirmOrderReference(ctx, amazonpay.ConfirmOrderReferenceRequest{AmazonOrderReferenceID: "S01-1234567-1234567"})
				})
			assert.Contains(t, got.Hint, string(id))
			assert.Contains(t, got.Hint, remedy)
		})
	}
	confirm := func(ctx context.Context, c *amazonpay.Client) error {
		return c.ConfirmBillingAgreement(ctx, amazonpay.ConfirmBillingAgreementRequest{AmazonBillingAgreementID: "C01-1234567-1234567"})
	}
	t.Run("two", func(t *testing.T) {
		got := failedWith(t, amazonpay.Sandbox, refusal("BillingAgreementConstraintsExist", "The BillingAgreementId C01-1234567-1234567 has constraints PaymentPlanNotSet, BuyerConsentNotSet and cannot be confirmed."), confirm)
		assert.Contains(t, got.Hint, "Wallet widget")
		assert.Contains(t, got.Hint, "Consent widget")
		assert.ErrorIs(t, got, amazonpay.ErrBillingAgreementConstraintsExist)
	})
	t.Run("a new one", func(t *testing.T) {
		assert.Empty(t, failedWith(t, amazonpay.Sandbox, refusal("BillingAgreementConstraintsExist", "has constraints MoonNotFull"), confirm).Hint)
	})
	t.Run("none", func(t *testing.T) {
		assert.Empty(t, failedWith(t, amazonpay.Sandbox, refusal("InvalidParameterValue", "PaymentPlanNotSet"), confirm).Hint)
	})
}

// TestHints of the other codes.
func TestHints(t *testing.T) {
	for _, test := range []struct {
		code string
		has  []string
	}{
		{"SignatureDoesNotMatch", []string{"SecretKey", "AccessKey", "proxy"}},
		{"MissingAuthenticationToken", []string{"SecretKey", "AccessKey"}},
		{"InvalidAccessKeyId", []string{"AccessKey", "region NA"}},
		{"InvalidClientTokenId", []string{"AccessKey", "region NA"}},
		{"AccessDenied", []string{"SellerID", "sandbox", "region NA"}},
		{"UnauthorizedAccess", []string{"SellerID", "sandbox", "region NA"}},
		{"DuplicateRequest", []string{"reference id", "look it up"}},
		{"DuplicateReferenceId", []string{"reference id", "look it up"}},
		{"TransactionAmountExceeded", nil},
		{"", nil},
	} {
		t.Run(test.code, func(t *testing.T) {
			got := failedWith(t, amazonpay.Sandbox, refusalScene(403, test.code), captureOf("S01-1234567-1234567-A000001"))
			assert.Equal(t, test.has == nil, got.Hint == "", got.Hint)
			for _, s := range test.has {
				assert.Contains(t, got.Hint, s)
			}
			assert.NotContains(t, got.Hint, stageKey)
			assert.NotContains(t, got.Hint, stageSeller)
		})
	}
}
