package amazonpay_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// sentBy are the requests of a call, each as its action and its sorted
// parameters without those that differ each time.
func sentBy(fake *amazonpaytest.Fake, do func()) []string {
	before := len(fake.Calls())
	do()
	var texts []string
	for _, call := range fake.Calls()[before:] {
		lines := []string{}
		for name, values := range call.Params {
			switch name {
			case "AWSAccessKeyId", "Action", "SellerId", "Signature", "SignatureMethod", "SignatureVersion", "Timestamp", "Version":
			default:
				lines = append(lines, name+"="+strings.Join(values, " | "))
			}
		}
		slices.Sort(lines)
		texts = append(texts, strings.Join(append([]string{call.Action}, lines...), "\n  "))
	}
	return texts
}

func actionsOf(requests []string) []string {
	actions := []string{}
	for _, r := range requests {
		action, _, _ := strings.Cut(r, "\n")
		actions = append(actions, action)
	}
	return actions
}

// TestChargeGoldens pins what Charge sends. A change here turns the repeat of
// every charge of an older version into a DuplicateRequest.
func TestChargeGoldens(t *testing.T) {
	full := amazonpay.ChargeRequest{
		SellerAuthorizationNote: "January", SellerNote: "Tea of the month", SoftDescriptor: "Tea", SellerOrderID: "order-42-2026-01",
		StoreName: "Tea House", CustomInformation: "cohort 7", InheritShippingAddress: new(false),
	}
	tests := map[string]struct {
		chargeCase
		request amazonpay.ChargeRequest
	}{
		"agreement":              {chargeCase{method: amazonpaytest.SlowBank}, amazonpay.ChargeRequest{}},
		"agreement full":         {chargeCase{method: amazonpaytest.SlowBank}, full},
		"agreement asynchronous": {chargeCase{method: amazonpaytest.GoodCard, mode: amazonpay.ModeAsynchronous}, amazonpay.ChargeRequest{}},
		"agreement reserve":      {chargeCase{method: amazonpaytest.GoodCard, reserve: true}, amazonpay.ChargeRequest{}},
		"agreement left open":    {chargeCase{method: amazonpaytest.GoodCard, left: true}, amazonpay.ChargeRequest{}},
		"order left open":        {chargeCase{method: amazonpaytest.GoodCard, order: true, left: true}, amazonpay.ChargeRequest{}},
		"order":                  {chargeCase{method: amazonpaytest.SlowBank, order: true}, amazonpay.ChargeRequest{}},
		"order full":             {chargeCase{method: amazonpaytest.SlowBank, order: true}, full},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			fake, base := tt.begin(t)
			request := tt.request
			request.AmazonBillingAgreementID, request.AmazonOrderReferenceID = base.AmazonBillingAgreementID, base.AmazonOrderReferenceID
			request.ReferenceID, request.Amount, request.Mode, request.AuthorizeOnly = base.ReferenceID, base.Amount, base.Mode, base.AuthorizeOnly
			sent := sentBy(fake, func() {
				_, err := fake.Client().Charge(t.Context(), request)
				require.NoError(t, err)
			})
			got := strings.Join(sent, "\n") + "\n"
			file := filepath.Join("testdata", "charge", strings.ReplaceAll(name, " ", "-")+".txt")
			if *updateGoldens {
				require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
				require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, string(want), got)
			again := sentBy(fake, func() {
				_, err := fake.Client().Charge(t.Context(), request)
				require.NoError(t, err)
			})
			for _, r := range sent {
				if action, _, _ := strings.Cut(r, "\n"); strings.HasPrefix(action, "Authorize") {
					assert.Contains(t, again, r, "a repeat sends the same")
				}
			}
		})
	}
}

func TestChargeOutcomes(t *testing.T) {
	const (
		syn  = amazonpay.ModeSynchronous
		asyn = amazonpay.ModeAsynchronous
	)
	on := "AuthorizeOnBillingAgreement "
	tests := map[string]struct {
		chargeCase
		first   string // outcome and reason of the first call
		later   string // and of a repeat two days later
		actions string // of the first call
	}{
		"good":                 {chargeCase{method: amazonpaytest.GoodCard}, "Paid ", "Paid ", on},
		"good, asynchronously": {chargeCase{method: amazonpaytest.GoodCard, mode: asyn}, "Pending ", "Paid ", on + "GetAuthorizationDetails "},
		"good, reserved":       {chargeCase{method: amazonpaytest.GoodCard, reserve: true}, "Open ", "Open ", on + "GetAuthorizationDetails "},
		"good, one-time": {chargeCase{method: amazonpaytest.GoodCard, order: true}, "Paid ", "Paid ",
			"GetOrderReferenceDetails SetOrderReferenceDetails ConfirmOrderReference Authorize "},
		"slow": {chargeCase{method: amazonpaytest.SlowBank}, "Pending ", "Paid ", on + on + "GetAuthorizationDetails "},
		"slow, synchronously": {chargeCase{method: amazonpaytest.SlowBank, mode: syn}, "Declined TransactionTimedOut", "Declined TransactionTimedOut",
			on + "ListOrderReference GetOrderReferenceDetails GetAuthorizationDetails "},
		"silent":   {chargeCase{method: amazonpaytest.SilentBank}, "Pending ", "Declined TransactionTimedOut", on + on + "GetAuthorizationDetails "},
		"soft":     {chargeCase{method: amazonpaytest.ShortOnce}, "Declined InvalidPaymentMethod", "Declined InvalidPaymentMethod", on},
		"hard":     {chargeCase{method: amazonpaytest.BadCard}, "Declined InvalidPaymentMethod", "Declined InvalidPaymentMethod", on},
		"rejected": {chargeCase{method: amazonpaytest.RejectedCard}, "Declined AmazonRejected", "Declined AmazonRejected", on},
		"rejected, one-time": {chargeCase{method: amazonpaytest.RejectedCard, order: true}, "Declined AmazonRejected", "Declined AmazonRejected",
			"GetOrderReferenceDetails SetOrderReferenceDetails ConfirmOrderReference Authorize "},
		"capture rejected": {chargeCase{method: amazonpaytest.CaptureRejected}, "Declined AmazonRejected", "Declined AmazonRejected",
			on + "GetAuthorizationDetails GetCaptureDetails "},
		"capture failing": {chargeCase{method: amazonpaytest.CaptureFailing}, "Declined ProcessingFailure", "Declined ProcessingFailure",
			on + "GetAuthorizationDetails GetCaptureDetails "},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			fake, request := tt.begin(t)
			client := fake.Client()
			var first *amazonpay.Charge
			sent := sentBy(fake, func() {
				var err error
				first, err = client.Charge(t.Context(), request)
				require.NoError(t, err)
			})
			assert.Equal(t, tt.first, fmt.Sprint(first.Outcome, " ", first.Reason))
			assert.Equal(t, strings.Fields(tt.actions), actionsOf(sent))
			assert.Equal(t, first.Outcome == amazonpay.OutcomePaid || first.Outcome == amazonpay.OutcomeOpen, first.Advice == amazonpay.Advice{})
			assert.Equal(t, request.Amount, first.Amount)
			assert.NotEmpty(t, first.AmazonOrderReferenceID)
			assert.Equal(t, first.Authorization.AuthorizationReferenceID, first.ReferenceID)
			assert.Equal(t, strings.Count(tt.actions, on) < 2, first.ReferenceID == request.ReferenceID)
			fake.Advance(48 * time.Hour)
			later, err := client.Charge(t.Context(), request)
			require.NoError(t, err)
			assert.Equal(t, tt.later, fmt.Sprint(later.Outcome, " ", later.Reason))
			assert.Equal(t, first.Authorization.AmazonAuthorizationID, later.Authorization.AmazonAuthorizationID)
			paid := usd("0.00")
			if later.Outcome == amazonpay.OutcomePaid {
				paid = request.Amount
				assert.Len(t, later.CaptureIDs, 1)
				assert.Equal(t, paid, later.Amount)
			}
			assert.Equal(t, paid, fake.TotalCaptured("USD"))
			assert.Contains(t, later.LogValue().String(), string(later.ReferenceID))
		})
	}
}

// TestChargeAMonthLater is still the same payment, even if the agreement is no
// more.
func TestChargeAMonthLater(t *testing.T) {
	fake, request := chargeCase{method: amazonpaytest.GoodCard}.begin(t)
	client := fake.Client()
	first, err := client.Charge(t.Context(), request)
	require.NoError(t, err)
	fake.Advance(31 * 24 * time.Hour)
	require.NoError(t, client.CloseBillingAgreement(t.Context(), amazonpay.CloseBillingAgreementRequest{AmazonBillingAgreementID: request.AmazonBillingAgreementID}))
	again, err := client.Charge(t.Context(), request)
	require.NoError(t, err)
	assert.Equal(t, first, again)
	assert.Len(t, fake.Ledger(), 1)
}

// TestChargeRepeated tells a repeat by Amazon's dates, as far as clocks can be
// believed.
func TestChargeRepeated(t *testing.T) {
	tests := map[string]struct {
		created time.Duration // before the call
		want    bool
	}{
		"new": {0, false}, "within the skew": {14 * time.Minute, false}, "older": {16 * time.Minute, true}, "in the future": {-time.Hour, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			fake := amazonpaytest.New(amazonpaytest.Settings{Start: time.Now().Add(-tt.created)})
			agreement := open(fake, fake.Client())
			charge, err := fake.Client().Charge(t.Context(), amazonpay.ChargeRequest{
				AmazonBillingAgreementID: agreement.ID(), ReferenceID: "r", Amount: usd("1.00")})
			require.NoError(t, err)
			assert.Equal(t, tt.want, charge.Repeated)
		})
	}
}

// TestChargeLooksUp what an earlier call did, where Amazon refuses the repeat.
func TestChargeLooksUp(t *testing.T) {
	tests := map[string]struct {
		change func(*amazonpay.ChargeRequest, *amazonpaytest.Fake)
		want   amazonpay.Outcome
		code   amazonpay.ErrorCode
	}{
		"another note":       {func(r *amazonpay.ChargeRequest, _ *amazonpaytest.Fake) { r.SellerAuthorizationNote = "new" }, amazonpay.OutcomePaid, ""},
		"another descriptor": {func(r *amazonpay.ChargeRequest, _ *amazonpaytest.Fake) { r.SoftDescriptor = "new" }, amazonpay.OutcomePaid, ""},
		"another amount":     {func(r *amazonpay.ChargeRequest, _ *amazonpaytest.Fake) { r.Amount = usd("29.90") }, amazonpay.OutcomePaid, ""},
		"another mode":       {func(r *amazonpay.ChargeRequest, _ *amazonpaytest.Fake) { r.Mode = amazonpay.ModeAsynchronous }, amazonpay.OutcomePaid, ""},
		"reserved":           {func(r *amazonpay.ChargeRequest, _ *amazonpaytest.Fake) { r.AuthorizeOnly = true }, amazonpay.OutcomePaid, ""},
		"another order number": {func(r *amazonpay.ChargeRequest, _ *amazonpaytest.Fake) { r.SellerOrderID = "new" }, "",
			amazonpay.ErrDuplicateRequest},
		"another agreement": {func(r *amazonpay.ChargeRequest, fake *amazonpaytest.Fake) {
			r.AmazonBillingAgreementID = open(fake, fake.Client()).ID()
		}, "", amazonpay.ErrDuplicateRequest},
		"an order instead": {func(r *amazonpay.ChargeRequest, fake *amazonpaytest.Fake) {
			r.AmazonBillingAgreementID, r.AmazonOrderReferenceID = "", fake.NewOrderReference().ID()
		}, "", amazonpay.ErrDuplicateReferenceID},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			fake, request := chargeCase{method: amazonpaytest.GoodCard, start: time.Now()}.begin(t)
			first, err := fake.Client().Charge(t.Context(), request)
			require.NoError(t, err)
			assert.False(t, first.Repeated)
			tt.change(&request, fake)
			var again *amazonpay.Charge
			sent := sentBy(fake, func() { again, err = fake.Client().Charge(t.Context(), request) })
			assert.Len(t, fake.Ledger(), 1)
			if tt.code != "" {
				require.ErrorIs(t, err, tt.code)
				assert.Nil(t, again)
				assert.Contains(t, err.Error(), "charge with a new id only if you know that nothing was paid")
				advice := amazonpay.AdviceFor(err)
				assert.True(t, advice.Seller && advice.Retry == amazonpay.RetryNot)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tt.want, again.Outcome)
			assert.Equal(t, []string{"AuthorizeOnBillingAgreement", "ListOrderReference", "GetOrderReferenceDetails", "GetAuthorizationDetails"}, actionsOf(sent))
			assert.Contains(t, sent[1], "SortOrder=Descending", "the newest first")
			assert.Equal(t, usd("19.90"), again.Amount, "what was charged, not what is asked for now")
			assert.Equal(t, first.Authorization.AmazonAuthorizationID, again.Authorization.AmazonAuthorizationID)
			assert.Equal(t, first.AmazonOrderReferenceID, again.AmazonOrderReferenceID)
			assert.Equal(t, first.CaptureIDs, again.CaptureIDs)
			assert.True(t, again.Repeated)
		})
	}
}

// TestChargeLooksUpAcrossKinds: an id stands for one intent, however it was
// paid. An order that belongs to no agreement is not another agreement's.
func TestChargeLooksUpAcrossKinds(t *testing.T) {
	fake, request := chargeCase{method: amazonpaytest.GoodCard, order: true}.begin(t)
	client := fake.Client()
	first, err := client.Charge(t.Context(), request)
	require.NoError(t, err)
	request.AmazonBillingAgreementID, request.AmazonOrderReferenceID = open(fake, client).ID(), ""
	again, err := client.Charge(t.Context(), request)
	require.NoError(t, err)
	assert.Equal(t, amazonpay.OutcomePaid, again.Outcome)
	assert.Equal(t, first.AmazonOrderReferenceID, again.AmazonOrderReferenceID)
	assert.Len(t, fake.Ledger(), 1)
}

// refusing answers the actions with an error, as an Amazon that looks at the
// state of things before it looks at reference ids; the rest goes through.
type refusing struct {
	next    http.RoundTripper
	actions []string
	code    amazonpay.ErrorCode
	work    bool // the work is done first
	lose    int  // so many answers are lost before
}

func (x *refusing) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	if !slices.Contains(x.actions, form.Get("Action")) {
		return x.next.RoundTrip(r)
	}
	if x.work {
		if _, err := x.next.RoundTrip(r); err != nil {
			return nil, err
		}
	}
	if x.lose--; x.lose >= 0 {
		return nil, io.ErrUnexpectedEOF
	}
	answer := "<ErrorResponse><Error><Type>Sender</Type><Code>" + string(x.code) + "</Code><Message>no</Message></Error><RequestId>r</RequestId></ErrorResponse>"
	return &http.Response{StatusCode: 400, Body: io.NopCloser(strings.NewReader(answer)), Request: r, Header: http.Header{}}, nil
}

// TestChargeRefused is an error, unless the refusal comes after the payment.
func TestChargeRefused(t *testing.T) {
	authorize := []string{"Authorize", "AuthorizeOnBillingAgreement"}
	for _, order := range []bool{false, true} {
		for _, code := range []amazonpay.ErrorCode{
			amazonpay.ErrInvalidBillingAgreementStatus, amazonpay.ErrInvalidOrderReferenceStatus, amazonpay.ErrPeriodicAmountExceeded,
			amazonpay.ErrTransactionAmountExceeded, amazonpay.ErrTransactionCountExceeded, amazonpay.ErrPaymentMethodNotUpdated,
		} {
			name := chargeCase{method: amazonpaytest.GoodCard, order: order}.name() + "/" + string(code)
			t.Run(name, func(t *testing.T) {
				fake, request := chargeCase{method: amazonpaytest.GoodCard, order: order, start: time.Now()}.begin(t)
				x := &refusing{next: fake, actions: authorize, code: code}
				client := clientOver(t, fake, x)
				_, err := client.Charge(t.Context(), request)
				require.ErrorIs(t, err, code)
				_, unknown := errors.AsType[*amazonpay.OutcomeUnknownError](err)
				assert.False(t, unknown, "nothing is in doubt")
				assert.Empty(t, fake.Ledger())
				x.lose = 1
				_, err = client.Charge(t.Context(), request)
				require.ErrorIs(t, err, code)
				_, unknown = errors.AsType[*amazonpay.OutcomeUnknownError](err)
				assert.True(t, unknown, "the lost request is in doubt, and a look-up that finds nothing proves nothing: %v", err)

				x.work, x.lose = true, 1
				charge, err := client.Charge(t.Context(), request)
				require.NoError(t, err)
				assert.Equal(t, amazonpay.OutcomePaid, charge.Outcome)
				assert.False(t, charge.Repeated, "this call made it")
				charge, err = client.Charge(t.Context(), request)
				require.NoError(t, err)
				assert.Equal(t, amazonpay.OutcomePaid, charge.Outcome)
				assert.True(t, charge.Repeated)
				assert.Len(t, fake.Ledger(), 1)

				fake.Inject(amazonpaytest.Fault{Action: "GetAuthorizationDetails", Kind: amazonpaytest.Unavailable503})
				_, err = client.Charge(t.Context(), request)
				_, unknown = errors.AsType[*amazonpay.OutcomeUnknownError](err)
				assert.True(t, unknown, "it cannot be looked up: %v", err)
				require.ErrorIs(t, err, code)
			})
		}
	}
}

// TestChargeRefusedForGood reaches Amazon once, and is no payment.
func TestChargeRefusedForGood(t *testing.T) {
	fake, request := chargeCase{method: amazonpaytest.GoodCard}.begin(t)
	request.Amount = usd("1000.01")
	_, err := fake.Client().Charge(t.Context(), request)
	require.ErrorIs(t, err, amazonpay.ErrPeriodicAmountExceeded)
	at, again := amazonpay.DefaultDunning().Next(1, amazonpay.AdviceFor(err), fake.Now())
	require.True(t, again)
	assert.Equal(t, utc("2026-02-01T01:00:00Z"), at)

	request.Amount = usd("900.00")
	charge, err := fake.Client().Charge(t.Context(), request)
	require.NoError(t, err)
	assert.Equal(t, amazonpay.OutcomePaid, charge.Outcome)
	request.ReferenceID = "next"
	_, err = fake.Client().Charge(t.Context(), request)
	require.ErrorIs(t, err, amazonpay.ErrPeriodicAmountExceeded)
	fake.AdvanceTo(at)
	charge, err = fake.Client().Charge(t.Context(), request)
	require.NoError(t, err)
	assert.Equal(t, amazonpay.OutcomePaid, charge.Outcome)
}

// TestChargeUnknown is told when every repeat is lost, and ends well when the
// road is good again.
func TestChargeUnknown(t *testing.T) {
	fake, request := chargeCase{method: amazonpaytest.SlowBank}.begin(t)
	client := fake.Client()
	fake.Inject(amazonpaytest.Fault{Kind: amazonpaytest.AnswerLost, Times: -1})
	var err error
	sent := sentBy(fake, func() { _, err = client.Charge(t.Context(), request) })
	unknown, ok := errors.AsType[*amazonpay.OutcomeUnknownError](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, "Charge", unknown.Action)
	assert.Equal(t, request.ReferenceID, unknown.ReferenceID)
	assert.Len(t, sent, 10, "five attempts, and a replay with as many")
	assert.Regexp(t, `^amazonpay: Charge: the outcome of \w{32} is unknown: `, err.Error())
	fake.Heal()
	charge, err := client.Charge(t.Context(), request)
	require.NoError(t, err)
	assert.Equal(t, amazonpay.OutcomePending, charge.Outcome)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = client.Charge(ctx, request)
	require.ErrorIs(t, err, context.Canceled)
}

// TestChargeCaptures what CaptureNow has left: an authorization that was only
// reserved, by an earlier call.
func TestChargeCaptures(t *testing.T) {
	for _, method := range []amazonpaytest.PaymentMethod{amazonpaytest.GoodCard, amazonpaytest.CaptureRejected} {
		t.Run(string(method), func(t *testing.T) {
			fake, request := chargeCase{method: method, reserve: true}.begin(t)
			client := fake.Client()
			reserved, err := client.Charge(t.Context(), request)
			require.NoError(t, err)
			assert.Equal(t, amazonpay.OutcomeOpen, reserved.Outcome)
			assert.Empty(t, reserved.CaptureIDs)
			request.AuthorizeOnly = false
			for range 2 {
				charge, err := client.Charge(t.Context(), request)
				require.NoError(t, err)
				assert.Len(t, charge.CaptureIDs, 1)
				assert.Equal(t, reserved.Authorization.AmazonAuthorizationID, charge.Authorization.AmazonAuthorizationID)
				if method == amazonpaytest.GoodCard {
					assert.Equal(t, amazonpay.OutcomePaid, charge.Outcome)
					assert.Len(t, fake.Ledger(), 1)
				} else {
					assert.Equal(t, amazonpay.OutcomeDeclined, charge.Outcome)
					assert.Equal(t, amazonpay.RetryNewID, charge.Advice.Retry)
				}
			}
		})
	}
}

// meddling does something before each request of an action.
type meddling struct {
	next   http.RoundTripper
	action string
	do     func()
}

func (x *meddling) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	if strings.Contains(string(body), "Action="+x.action+"&") {
		x.do()
	}
	return x.next.RoundTrip(r)
}

// TestChargeCapturesTogether with somebody else, who is quicker.
func TestChargeCapturesTogether(t *testing.T) {
	tests := map[string]struct {
		do   func(*amazonpay.Client, amazonpay.AuthorizationID) error
		want amazonpay.Outcome
	}{
		"captured": {func(c *amazonpay.Client, id amazonpay.AuthorizationID) error {
			_, err := c.Capture(context.Background(), amazonpay.CaptureRequest{AmazonAuthorizationID: id, CaptureReferenceID: "by-hand", CaptureAmount: usd("19.90")})
			return err
		}, amazonpay.OutcomePaid},
		"closed": {func(c *amazonpay.Client, id amazonpay.AuthorizationID) error {
			return c.CloseAuthorization(context.Background(), amazonpay.CloseAuthorizationRequest{AmazonAuthorizationID: id})
		}, amazonpay.OutcomeDeclined},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			fake, request := chargeCase{method: amazonpaytest.GoodCard, order: true, left: true}.begin(t)
			reserved := request
			reserved.AuthorizeOnly = true
			held, err := fake.Client().Charge(t.Context(), reserved)
			require.NoError(t, err)
			charge, err := clientOver(t, fake, &meddling{fake, "Capture", func() {
				require.NoError(t, tt.do(fake.Client(), held.Authorization.AmazonAuthorizationID))
			}}).Charge(t.Context(), request)
			require.NoError(t, err)
			assert.Equal(t, tt.want, charge.Outcome)
			assert.LessOrEqual(t, len(fake.Ledger()), 1)
		})
	}
}

// TestChargeOfOrderReferences does what their state needs and no more.
func TestChargeOfOrderReferences(t *testing.T) {
	charge := func(t *testing.T, fake *amazonpaytest.Fake, order *amazonpaytest.OrderReference, id amazonpay.ReferenceID) (*amazonpay.Charge, []string, error) {
		t.Helper()
		var charge *amazonpay.Charge
		var err error
		sent := sentBy(fake, func() {
			charge, err = fake.Client().Charge(t.Context(), amazonpay.ChargeRequest{AmazonOrderReferenceID: order.ID(), ReferenceID: id, Amount: usd("5.00")})
		})
		return charge, actionsOf(sent), err
	}
	t.Run("open", func(t *testing.T) {
		fake := amazonpaytest.New(amazonpaytest.Settings{})
		paid, actions, err := charge(t, fake, fake.OpenOrderReference(usd("5.00")), "a")
		require.NoError(t, err)
		assert.Equal(t, amazonpay.OutcomePaid, paid.Outcome)
		assert.Equal(t, []string{"GetOrderReferenceDetails", "Authorize"}, actions)
	})
	t.Run("described by the merchant", func(t *testing.T) {
		fake := amazonpaytest.New(amazonpaytest.Settings{})
		order := fake.NewOrderReference()
		_, err := fake.Client().SetOrderReferenceDetails(t.Context(), amazonpay.SetOrderReferenceDetailsRequest{AmazonOrderReferenceID: order.ID(),
			OrderReferenceAttributes: amazonpay.OrderReferenceAttributes{OrderTotal: usd("10.00")}})
		require.NoError(t, err)
		_, actions, err := charge(t, fake, order, "a")
		require.NoError(t, err)
		assert.Equal(t, []string{"GetOrderReferenceDetails", "ConfirmOrderReference", "Authorize"}, actions)
		_, _, err = charge(t, fake, order, "b")
		require.NoError(t, err)
		assert.Equal(t, usd("10.00"), fake.TotalCaptured("USD"), "two charges of one order")
	})
	t.Run("suspended by another charge", func(t *testing.T) {
		fake := amazonpaytest.New(amazonpaytest.Settings{})
		order := fake.NewOrderReferenceWith(amazonpaytest.Checkout{Payment: amazonpaytest.BadCard})
		declined, _, err := charge(t, fake, order, "a")
		require.NoError(t, err)
		assert.True(t, declined.Advice.Buyer)
		_, actions, err := charge(t, fake, order, "a")
		require.NoError(t, err)
		assert.NotContains(t, actions, "ConfirmOrderReference", "it is declined already")
		_, _, err = charge(t, fake, order, "b")
		require.ErrorIs(t, err, amazonpay.ErrPaymentMethodNotUpdated)
		assert.True(t, amazonpay.AdviceFor(err).Buyer)
		order.ChoosePaymentMethod(amazonpaytest.GoodCard)
		paid, actions, err := charge(t, fake, order, "b")
		require.NoError(t, err)
		assert.Equal(t, amazonpay.OutcomePaid, paid.Outcome)
		assert.Contains(t, actions, "ConfirmOrderReference")
		again, _, err := charge(t, fake, order, "a")
		require.NoError(t, err)
		assert.Equal(t, amazonpay.OutcomeDeclined, again.Outcome, "the first try stays declined")
	})
	t.Run("canceled", func(t *testing.T) {
		fake := amazonpaytest.New(amazonpaytest.Settings{})
		_, _, err := charge(t, fake, fake.OpenOrderReference(usd("5.00")).AmazonCancel(), "a")
		require.ErrorIs(t, err, amazonpay.ErrInvalidOrderReferenceStatus)
	})
}

// TestChargeTriedAgainOnOrderReference is about a charge that has fallen back
// and was never decided, on an order that another one has suspended.
func TestChargeTriedAgainOnOrderReference(t *testing.T) {
	fake, request := chargeCase{method: amazonpaytest.SilentBank, order: true}.begin(t)
	client := fake.Client()
	settle(t, fake, request)
	fake.OrderReference(request.AmazonOrderReferenceID).ChoosePaymentMethod(amazonpaytest.BadCard)
	require.NoError(t, client.ConfirmOrderReference(t.Context(), amazonpay.ConfirmOrderReferenceRequest{AmazonOrderReferenceID: request.AmazonOrderReferenceID}))
	other := request
	other.ReferenceID = "other"
	_, err := client.Charge(t.Context(), other)
	require.NoError(t, err)
	sent := sentBy(fake, func() {
		charge, err := client.Charge(t.Context(), request)
		require.NoError(t, err)
		assert.Equal(t, amazonpay.ReasonTransactionTimedOut, charge.Reason)
	})
	assert.NotContains(t, actionsOf(sent), "ConfirmOrderReference")
}

// TestChargeClosedByAmazon has taken nothing.
func TestChargeClosedByAmazon(t *testing.T) {
	fake, request := chargeCase{method: amazonpaytest.GoodCard}.begin(t)
	request.SellerAuthorizationNote = `{"SandboxSimulation": {"State":"Closed","ReasonCode":"AmazonClosed"}}`
	charge, err := fake.Client().Charge(t.Context(), request)
	require.NoError(t, err)
	assert.Equal(t, amazonpay.OutcomeDeclined, charge.Outcome)
	assert.Equal(t, amazonpay.ReasonAmazonClosed, charge.Reason)
	assert.True(t, charge.Advice.Seller)
}

// TestChargePartlyCaptured tells what was taken, by another hand.
func TestChargePartlyCaptured(t *testing.T) {
	fake, request := chargeCase{method: amazonpaytest.GoodCard, reserve: true}.begin(t)
	client := fake.Client()
	reserved, err := client.Charge(t.Context(), request)
	require.NoError(t, err)
	_, err = client.Capture(t.Context(), amazonpay.CaptureRequest{AmazonAuthorizationID: reserved.Authorization.AmazonAuthorizationID,
		CaptureReferenceID: request.ReferenceID.Derive("capture"), CaptureAmount: usd("5.00")})
	require.NoError(t, err)
	charge, err := client.Charge(t.Context(), request)
	require.NoError(t, err)
	assert.Equal(t, amazonpay.OutcomePaid, charge.Outcome)
	assert.Equal(t, usd("5.00"), charge.Amount)
}

// TestChargeReadsTheCapture where CaptureNow has left the authorization open.
func TestChargeReadsTheCapture(t *testing.T) {
	tests := map[string]struct {
		state  amazonpay.State
		reason amazonpay.Reason
		want   amazonpay.Outcome
	}{
		"pending":           {amazonpay.StatePending, "", amazonpay.OutcomePending},
		"completed":         {amazonpay.StateCompleted, "", amazonpay.OutcomePaid},
		"declined":          {amazonpay.StateDeclined, amazonpay.ReasonProcessingFailure, amazonpay.OutcomeDeclined},
		"closed by Amazon":  {amazonpay.StateClosed, amazonpay.ReasonAmazonClosed, amazonpay.OutcomeDeclined},
		"refunded":          {amazonpay.StateClosed, amazonpay.ReasonMaxAmountRefunded, amazonpay.OutcomePaid},
		"refunded in steps": {amazonpay.StateClosed, amazonpay.ReasonMaxRefundsProcessed, amazonpay.OutcomePaid},
		"a new state":       {"Pausing", "", amazonpay.OutcomePending},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			const open = "<AuthorizationDetails><AmazonAuthorizationId>S01-1-A1</AmazonAuthorizationId><AuthorizationStatus><State>Open</State></AuthorizationStatus>" +
				"<IdList><member>S01-1-C1</member></IdList></AuthorizationDetails>"
			answers := map[string]string{
				"AuthorizeOnBillingAgreement": open, "GetAuthorizationDetails": open,
				"GetCaptureDetails": fmt.Sprintf("<CaptureDetails><AmazonCaptureId>S01-1-C1</AmazonCaptureId><CaptureStatus><State>%s</State><ReasonCode>%s</ReasonCode></CaptureStatus></CaptureDetails>",
					tt.state, tt.reason),
			}
			x := &exchange{answer: func(form url.Values) (int, string) {
				action := form.Get("Action")
				return http.StatusOK, fmt.Sprintf("<%[1]sResponse><%[1]sResult>%[2]s</%[1]sResult></%[1]sResponse>", action, answers[action])
			}}
			request := amazonpay.ChargeRequest{AmazonBillingAgreementID: "C01-1", ReferenceID: "r", Amount: amazonpay.MustPrice("5.00", "EUR")}
			charge, err := x.client(t).Charge(t.Context(), request)
			require.NoError(t, err)
			assert.Equal(t, tt.want, charge.Outcome)
			assert.Equal(t, []amazonpay.CaptureID{"S01-1-C1"}, charge.CaptureIDs)
			assert.NotContains(t, x.actions(), "Capture", "one was tried already")

			answers["GetCaptureDetails"] = "?"
			_, err = x.client(t).Charge(t.Context(), request)
			unknown, ok := errors.AsType[*amazonpay.OutcomeUnknownError](err)
			require.True(t, ok, "whether it was captured: %v", err)
			assert.Equal(t, amazonpay.ReferenceID("r"), unknown.ReferenceID)
		})
	}
}

func TestChargeFaults(t *testing.T) {
	client := amazonpaytest.New(amazonpaytest.Settings{}).Client()
	_, err := client.Charge(t.Context(), amazonpay.ChargeRequest{})
	assert.Equal(t, []string{"AmazonBillingAgreementID or AmazonOrderReferenceID is required", "ReferenceID is required", "Amount is required"}, faultsOf(t, err))
	_, err = client.Charge(t.Context(), amazonpay.ChargeRequest{
		AmazonBillingAgreementID: "C01-1-1", AmazonOrderReferenceID: "S01-1-1", ReferenceID: "a b", Amount: amazonpay.MustPrice("1.00", "EUR"), Mode: "Whenever",
		SoftDescriptor: strings.Repeat("x", 17), SellerNote: strings.Repeat("x", 1025), SellerAuthorizationNote: strings.Repeat("x", 256),
		ProviderCreditList: []amazonpay.ProviderCredit{{ProviderID: "A"}},
	})
	faults := strings.Join(faultsOf(t, err), "\n")
	for _, field := range []string{
		"AmazonBillingAgreementID and", "ReferenceID", "Amount", "Mode", "SoftDescriptor", "SellerNote", "SellerAuthorizationNote", "ProviderCreditList[0].CreditAmount",
	} {
		assert.Contains(t, faults, field)
	}
	assert.True(t, amazonpay.AdviceFor(err).Seller)
}

// TestChargeInWords prints what a program prints first.
func TestChargeInWords(t *testing.T) {
	paid := &amazonpay.Charge{Outcome: amazonpay.OutcomePaid, Amount: usd("19.90"), AmazonOrderReferenceID: "S01-1-1", ReferenceID: "r"}
	assert.Equal(t, "Paid 19.90 USD S01-1-1, reference id r", fmt.Sprint(paid))
	declined := &amazonpay.Charge{Outcome: amazonpay.OutcomeDeclined, Reason: amazonpay.ReasonAmazonRejected, Amount: usd("19.90"),
		AmazonOrderReferenceID: "S01-1-1", ReferenceID: "r", Advice: amazonpay.Advice{Text: "try again"}}
	assert.Equal(t, "Declined AmazonRejected 19.90 USD S01-1-1, reference id r: try again", fmt.Sprintf("%v: %v", declined, declined.Advice))
}
