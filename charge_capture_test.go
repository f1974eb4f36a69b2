package amazonpay_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// TestChargeCapturesLate: more than a week after the authorization a capture is
// Pending, and its authorization is Closed as if it were captured. It is paid
// when the capture says so.
func TestChargeCapturesLate(t *testing.T) {
	for name, byHand := range map[string]bool{"by Charge": false, "by hand": true} {
		for _, tt := range []struct {
			method amazonpaytest.PaymentMethod
			want   amazonpay.Outcome
		}{
			{amazonpaytest.GoodCard, amazonpay.OutcomePaid},
			{amazonpaytest.CaptureRejected, amazonpay.OutcomeDeclined},
		} {
			t.Run(name+"/"+string(tt.method), func(t *testing.T) {
				fake, request := chargeCase{method: tt.method, reserve: true}.begin(t)
				client := fake.Client()
				held, err := client.Charge(t.Context(), request)
				require.NoError(t, err)
				fake.Advance(8 * 24 * time.Hour)
				amount := request.Amount
				if byHand {
					amount = usd("5.00")
					_, err := client.Capture(t.Context(), amazonpay.CaptureRequest{AmazonAuthorizationID: held.Authorization.AmazonAuthorizationID,
						CaptureReferenceID: request.ReferenceID.Derive("capture"), CaptureAmount: amount})
					require.NoError(t, err)
				} else {
					request.AuthorizeOnly = false
				}
				for range 2 {
					charge, err := client.Charge(t.Context(), request)
					require.NoError(t, err)
					assert.Equal(t, amazonpay.OutcomePending, charge.Outcome, "nothing is taken yet")
					assert.Equal(t, amazonpay.RetrySameID, charge.Advice.Retry)
					assert.Equal(t, amount, charge.Amount)
					assert.Len(t, charge.CaptureIDs, 1)
				}
				fake.Advance(2 * time.Hour)
				charge, err := client.Charge(t.Context(), request)
				require.NoError(t, err)
				assert.Equal(t, tt.want, charge.Outcome)
				assert.Equal(t, tt.want == amazonpay.OutcomePaid, len(fake.Ledger()) == 1)
				assert.Equal(t, amount, charge.Amount)

				fake.Inject(amazonpaytest.Fault{Action: "GetCaptureDetails", Kind: amazonpaytest.Unavailable503, Times: 10})
				_, err = client.Charge(t.Context(), request)
				_, unknown := errors.AsType[*amazonpay.OutcomeUnknownError](err)
				assert.True(t, unknown, "%v", err)
			})
		}
	}
}

// TestChargeCapturedAtLast by hand, after the capture of CaptureNow was
// declined: the capture to refund is the one that took the money.
func TestChargeCapturedAtLast(t *testing.T) {
	fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	order := fake.NewOrderReferenceWith(amazonpaytest.Checkout{Payment: amazonpaytest.CaptureFailing})
	client := fake.Client()
	request := amazonpay.ChargeRequest{AmazonOrderReferenceID: order.ID(), ReferenceID: "r", Amount: usd("19.90")}
	charge, err := client.Charge(t.Context(), request)
	require.NoError(t, err)
	require.Equal(t, amazonpay.OutcomeDeclined, charge.Outcome)
	order.UpdatePaymentMethod(amazonpaytest.GoodCard)
	capture, err := client.Capture(t.Context(), amazonpay.CaptureRequest{AmazonAuthorizationID: charge.Authorization.AmazonAuthorizationID,
		CaptureReferenceID: request.ReferenceID.Derive("capture", "2"), CaptureAmount: usd("9.90")})
	require.NoError(t, err)
	require.Equal(t, amazonpay.StateCompleted, capture.CaptureStatus.State)
	charge, err = client.Charge(t.Context(), request)
	require.NoError(t, err)
	assert.Equal(t, amazonpay.OutcomePaid, charge.Outcome)
	assert.Equal(t, []amazonpay.CaptureID{capture.AmazonCaptureID}, charge.CaptureIDs)
	assert.Equal(t, usd("9.90"), charge.Amount)
}

// TestChargeCapturedMeanwhile by somebody else, who cannot be seen: that is no
// refusal.
func TestChargeCapturedMeanwhile(t *testing.T) {
	fake, request := chargeCase{method: amazonpaytest.GoodCard, left: true}.begin(t)
	reserved := request
	reserved.AuthorizeOnly = true
	held, err := fake.Client().Charge(t.Context(), reserved)
	require.NoError(t, err)
	_, err = clientOver(t, fake, &meddling{fake, "Capture", func() {
		_, err := fake.Client().Capture(context.Background(), amazonpay.CaptureRequest{AmazonAuthorizationID: held.Authorization.AmazonAuthorizationID,
			CaptureReferenceID: "by-hand", CaptureAmount: request.Amount})
		require.NoError(t, err)
		fake.Inject(amazonpaytest.Fault{Action: "GetAuthorizationDetails", Kind: amazonpaytest.Unavailable503, Times: 10})
	}}).Charge(t.Context(), request)
	_, unknown := errors.AsType[*amazonpay.OutcomeUnknownError](err)
	assert.True(t, unknown, "%v", err)
	require.ErrorIs(t, err, amazonpay.ErrInvalidAuthorizationStatus)
	fake.Heal()
	charge, err := fake.Client().Charge(t.Context(), request)
	require.NoError(t, err)
	assert.Equal(t, amazonpay.OutcomePaid, charge.Outcome)
}

// TestChargeConfirmedMeanwhile: an Amazon that refuses to confirm what is
// confirmed already has not refused the charge.
func TestChargeConfirmedMeanwhile(t *testing.T) {
	fake, request := chargeCase{method: amazonpaytest.GoodCard, order: true}.begin(t)
	x := &refusing{next: fake, actions: []string{"ConfirmOrderReference"}, code: amazonpay.ErrInvalidOrderReferenceStatus, work: true}
	charge, err := clientOver(t, fake, x).Charge(t.Context(), request)
	require.NoError(t, err)
	assert.Equal(t, amazonpay.OutcomePaid, charge.Outcome)
}

// TestChargeLeavesErrorsAlone that middleware has seen, and may still log.
func TestChargeLeavesErrorsAlone(t *testing.T) {
	for name, code := range map[string]amazonpay.ErrorCode{"unknown": amazonpay.ErrInternalServerError, "refused": amazonpay.ErrDuplicateRequest} {
		t.Run(name, func(t *testing.T) {
			fake, request := chargeCase{method: amazonpaytest.GoodCard}.begin(t)
			config := fake.Config()
			status, seen, texts := 400, []error{}, []string{}
			if name == "unknown" {
				status = 500
			}
			config.HTTPClient = &http.Client{Transport: answering{fake, "AuthorizeOnBillingAgreement", refusalScene(status, string(code))}}
			config.Middleware = []amazonpay.Middleware{func(ctx context.Context, _ *amazonpay.Operation, next func(context.Context) error) error {
				err := next(ctx)
				if err != nil {
					seen, texts = append(seen, err), append(texts, err.Error())
				}
				return err
			}}
			client, err := amazonpay.New(config)
			require.NoError(t, err)
			_, err = client.Charge(t.Context(), request)
			require.ErrorIs(t, err, code)
			require.NotEmpty(t, seen)
			for i, e := range seen {
				assert.Equal(t, texts[i], e.Error())
			}
		})
	}
}

// answering answers an action; the rest goes through.
type answering struct {
	next   http.RoundTripper
	action string
	answer scene
}

func (x answering) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	if !strings.Contains(string(body), "Action="+x.action+"&") {
		return x.next.RoundTrip(r)
	}
	return x.answer(r, x.action)
}

// TestChargeInAnotherMode: what has fallen back is not declined, although the
// first authorization is.
func TestChargeInAnotherMode(t *testing.T) {
	for _, order := range []bool{false, true} {
		for _, mode := range []amazonpay.ChargeMode{amazonpay.ModeSynchronous, amazonpay.ModeAsynchronous} {
			c := chargeCase{method: amazonpaytest.SlowBank, order: order, mode: mode}
			t.Run(c.name(), func(t *testing.T) {
				c.mode = amazonpay.ModeFallback
				fake, request := c.begin(t)
				client := fake.Client()
				fallen, err := client.Charge(t.Context(), request)
				require.NoError(t, err)
				require.Equal(t, amazonpay.OutcomePending, fallen.Outcome)
				request.Mode = mode
				charge, err := client.Charge(t.Context(), request)
				require.NoError(t, err)
				assert.Equal(t, amazonpay.OutcomePending, charge.Outcome)
				assert.Equal(t, fallen.ReferenceID, charge.ReferenceID)
				assert.Equal(t, fallen.AmazonOrderReferenceID, charge.AmazonOrderReferenceID)

				fake.Inject(amazonpaytest.Fault{Action: "GetOrderReferenceDetails", Kind: amazonpaytest.Unavailable503, Times: 10})
				_, err = client.Charge(t.Context(), request)
				require.ErrorIs(t, err, amazonpay.ErrServiceUnavailable)
				fake.Heal()
				fake.Advance(time.Hour)
				charge, err = client.Charge(t.Context(), request)
				require.NoError(t, err)
				assert.Equal(t, amazonpay.OutcomePaid, charge.Outcome)
				assert.Len(t, fake.Ledger(), 1)
			})
		}
	}
}
