package amazonpay_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

var modelSeeds = flag.Int("seeds", 100, "of TestChargeByModel")

// debt is what a buyer owes, and the tries to collect it.
type debt struct {
	method  amazonpaytest.PaymentMethod
	tries   []*try
	number  int
	byHand  bool // somebody else has captured or closed what it reserved
	request amazonpay.ChargeRequest

	agreement *amazonpaytest.BillingAgreement
	order     *amazonpaytest.OrderReference
}

// try is one charge, repeated at will.
type try struct {
	request amazonpay.ChargeRequest
	charge  *amazonpay.Charge // the last answer
	ended   amazonpay.Outcome // as soon as it cannot change
}

// model is a shop in a bad world. What it is told is held against the ledger.
type model struct {
	*testing.T
	fake  *amazonpaytest.Fake
	dice  *rand.Rand
	debts []*debt
	log   []string

	region    amazonpay.Region
	sellerID  string // empty is the fake's own
	forgetful bool   // Amazon looks at the state of things before it looks at reference ids
}

func (m *model) fail(d *debt, format string, args ...any) {
	m.Helper()
	for _, l := range m.log {
		m.Log(l)
	}
	m.Fatalf("%s %s: %s\nledger %+v", d.method, d.request.ReferenceID[:6], fmt.Sprintf(format, args...), m.taken(d))
}

func (m *model) chance(percent int) bool { return m.dice.IntN(100) < percent }

// pick is one of several.
func pick[T any](dice *rand.Rand, from ...T) T { return from[dice.IntN(len(from))] }

// client acts for the seller.
func (m *model) client(config amazonpay.Config) *amazonpay.Client {
	client, err := amazonpay.New(config)
	require.NoError(m, err)
	if m.sellerID != "" {
		client, err = client.OnBehalfOf(m.sellerID, childToken)
		require.NoError(m, err)
	}
	return client
}

// price is so many cents, or yen.
func (m *model) price(minor int64) amazonpay.Price {
	text := fmt.Sprintf("%d.%02d", minor/100, minor%100)
	if m.region == amazonpay.RegionJP {
		text = fmt.Sprint(minor)
	}
	return amazonpay.MustPrice(text, amazonpay.Currency(m.region.LedgerCurrency()))
}

// owe makes a debt.
func (m *model) owe() {
	method := pick(m.dice, amazonpaytest.GoodCard, amazonpaytest.GoodCard, amazonpaytest.SlowBank, amazonpaytest.SilentBank, amazonpaytest.ShortOnce,
		amazonpaytest.AlwaysShort, amazonpaytest.BadCard, amazonpaytest.RejectedCard, amazonpaytest.FailingCard, amazonpaytest.CaptureRejected, amazonpaytest.CaptureFailing)
	d := &debt{number: len(m.debts), method: method, request: amazonpay.ChargeRequest{Amount: m.price(int64(1090 + m.dice.IntN(80)*100)),
		Mode:          pick(m.dice, amazonpay.ModeFallback, amazonpay.ModeFallback, amazonpay.ModeSynchronous, amazonpay.ModeAsynchronous),
		AuthorizeOnly: m.chance(25)}}
	if m.chance(20) {
		d.request.SellerOrderID = "one-for-all"
	}
	if m.chance(40) {
		d.order = m.fake.NewOrderReferenceWith(amazonpaytest.Checkout{Payment: method, SellerID: m.sellerID})
		d.request.AmazonOrderReferenceID = d.order.ID()
	} else if others := len(m.debts); others > 0 && m.chance(30) && m.debts[others-1].agreement != nil {
		d.agreement, d.method = m.debts[others-1].agreement, m.debts[others-1].method
		d.request.AmazonBillingAgreementID = d.agreement.ID()
	} else {
		d.agreement = m.fake.NewBillingAgreementWith(amazonpaytest.Checkout{Payment: method, SellerID: m.sellerID}).Consent()
		require.NoError(m, m.client(m.fake.Config()).ConfirmBillingAgreement(m.Context(), amazonpay.ConfirmBillingAgreementRequest{AmazonBillingAgreementID: d.agreement.ID()}))
		d.request.AmazonBillingAgreementID = d.agreement.ID()
	}
	m.debts = append(m.debts, d)
	m.next(d)
}

// next is another try.
func (m *model) next(d *debt) {
	d.request.ReferenceID = amazonpay.NewReferenceID("tea.example", fmt.Sprint("debt ", d.number), fmt.Sprint("try ", len(d.tries)+1))
	d.tries = append(d.tries, &try{request: d.request})
}

// taken are the captures of a debt.
func (m *model) taken(d *debt) (captures []amazonpaytest.Movement) {
	for _, move := range m.fake.Ledger() {
		if move.Kind == amazonpaytest.Captured && move.BillingAgreementID == d.request.AmazonBillingAgreementID &&
			(d.agreement != nil || move.OrderReferenceID == d.order.ID()) && (d.agreement == nil || m.isOf(d, move.OrderReferenceID)) {
			captures = append(captures, move)
		}
	}
	return captures
}

// isOf tells whether a charge on an agreement is of a debt, by what Charge says
// of it to people.
func (m *model) isOf(d *debt, order amazonpay.OrderReferenceID) bool {
	o, err := m.client(m.fake.Config()).GetOrderReferenceDetails(context.Background(), amazonpay.GetOrderReferenceDetailsRequest{AmazonOrderReferenceID: order})
	require.NoError(m, err)
	return slices.ContainsFunc(d.tries, func(t *try) bool {
		return strings.Contains(o.SellerOrderAttributes.CustomInformation, string(t.request.ReferenceID))
	})
}

// of are those of one try.
func (t *try) of(captures []amazonpaytest.Movement) (own []amazonpaytest.Movement) {
	for _, c := range captures {
		if t.charge != nil && t.charge.Authorization.AmazonAuthorizationID == c.AuthorizationID {
			own = append(own, c)
		}
	}
	return own
}

// trouble is the road of one call: it ends the context before or after a
// request, and lets Amazon forget.
type trouble struct {
	m      *model
	nth    int
	before bool
	cancel context.CancelFunc
	d      *debt
}

func (x *trouble) RoundTrip(r *http.Request) (*http.Response, error) {
	x.nth--
	if x.nth == 0 && x.before {
		x.cancel()
		return nil, context.Canceled
	}
	if x.m.forgetful {
		body, err := io.ReadAll(r.Body)
		require.NoError(x.m, err)
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		form, err := url.ParseQuery(string(body))
		require.NoError(x.m, err)
		code := ""
		if form.Get("Action") == "AuthorizeOnBillingAgreement" {
			if s, _ := x.d.agreement.State(); s != amazonpay.StateOpen {
				code = "InvalidBillingAgreementStatus"
			}
		}
		if form.Get("Action") == "Authorize" {
			if s, _ := x.d.order.State(); s != amazonpay.StateOpen {
				code = "InvalidOrderReferenceStatus"
			}
		}
		if code != "" {
			answer := "<ErrorResponse><Error><Type>Sender</Type><Code>" + code + "</Code><Message>no</Message></Error><RequestId>r</RequestId></ErrorResponse>"
			return &http.Response{StatusCode: 400, Body: io.NopCloser(strings.NewReader(answer)), Request: r, Header: http.Header{}}, nil
		}
	}
	answer, err := x.m.fake.RoundTrip(r)
	if x.nth == 0 {
		x.cancel()
		return nil, context.Canceled
	}
	return answer, err
}

// charge makes a charge in some trouble, and checks what it is told.
func (m *model) charge(d *debt, t *try, inTrouble bool) {
	m.Helper()
	request := t.request
	if m.chance(10) && !t.request.AuthorizeOnly {
		request.SellerAuthorizationNote = "another"
	}
	if t.charge != nil && m.chance(15) { // a newer version of the shop
		request.Mode = pick(m.dice, request.Mode, amazonpay.ModeSynchronous, amazonpay.ModeAsynchronous)
	}
	before := len(m.taken(d))
	charge, err, troubled := m.send(d, request, inTrouble)
	m.fake.Heal()
	captures := m.taken(d)
	m.log = append(m.log, fmt.Sprintf("%v charge %s try %.6s of %s %s only %v: %+v, %v", m.fake.Now(), d.method, t.request.ReferenceID, d.request.AmazonBillingAgreementID+amazonpay.BillingAgreementID(d.request.AmazonOrderReferenceID), request.Mode, request.AuthorizeOnly, told(charge), err))
	if len(captures) > 1 && !d.byHand {
		m.fail(d, "charged twice")
	}
	if err != nil {
		m.refused(d, t, err, len(captures) > before)
		return
	}
	t.charge = charge
	own := t.of(captures)
	unread := troubled && charge.Outcome == amazonpay.OutcomePending // the answer to a repeat, which could not be read again
	if t.ended != "" && t.ended != charge.Outcome && !d.byHand && !unread {
		m.fail(d, "it was %s and is %s", t.ended, charge.Outcome)
	}
	switch charge.Outcome {
	case amazonpay.OutcomePaid:
		if len(own) != 1 || own[0].Amount != charge.Amount || len(charge.CaptureIDs) != 1 || charge.CaptureIDs[0] != own[0].CaptureID {
			m.fail(d, "told Paid %+v", charge)
		}
		t.ended = charge.Outcome
	case amazonpay.OutcomeDeclined:
		if len(own) != 0 {
			m.fail(d, "told Declined %+v", charge)
		}
		t.ended = charge.Outcome
	case amazonpay.OutcomeOpen, amazonpay.OutcomePending:
		if len(own) != 0 && !troubled {
			m.fail(d, "told %s", charge.Outcome)
		}
	default:
		m.fail(d, "told %s", charge.Outcome)
	}
}

func told(c *amazonpay.Charge) string {
	if c == nil {
		return "nil"
	}
	return fmt.Sprint(c.Outcome, " ", c.Reason, " ", c.Amount, " ", c.Authorization.AmazonAuthorizationID, c.CaptureIDs)
}

// refused checks an error: it must not tell anybody to stop who has paid.
func (m *model) refused(d *debt, t *try, err error, moved bool) {
	m.Helper()
	_, unknown := errors.AsType[*amazonpay.OutcomeUnknownError](err)
	advice := amazonpay.AdviceFor(err)
	if unknown && advice.Retry != amazonpay.RetrySameID || advice.Retry == amazonpay.RetryNewID {
		m.fail(d, "advice %+v", advice)
	}
	if moved && !unknown {
		m.fail(d, "money has moved, and that is not in doubt: %v", err)
	}
	if t.ended == amazonpay.OutcomePaid && !unknown && advice.Retry != amazonpay.RetrySameID {
		m.fail(d, "paid, and told %v", err)
	}
	for _, secret := range []string{"not-a-secret", "@", "Susan", "Ditka"} {
		if strings.Contains(err.Error(), secret) {
			m.fail(d, "the error tells %q: %v", secret, err)
		}
	}
}

// send makes the call.
func (m *model) send(d *debt, request amazonpay.ChargeRequest, troubled bool) (*amazonpay.Charge, error, bool) {
	ctx, cancel := context.WithCancel(m.Context())
	defer cancel()
	config := m.fake.Config()
	road := &trouble{m: m, cancel: cancel, d: d}
	config.HTTPClient = &http.Client{Transport: road}
	if !troubled {
		charge, err := m.client(config).Charge(ctx, request)
		return charge, err, false
	}
	if m.chance(50) {
		config.Backoff = amazonpay.Spacing()
	}
	switch m.dice.IntN(6) {
	case 0:
		road.nth, road.before = 1+m.dice.IntN(8), m.chance(50)
	case 1:
		m.fake.Inject(amazonpaytest.Fault{Kind: pick(m.dice, kinds...), Times: 1 + m.dice.IntN(6), Probability: 0.5})
	case 2:
		m.fake.Inject(amazonpaytest.Fault{Kind: pick(m.dice, kinds...), Times: 1 + m.dice.IntN(20)})
	case 3:
		left := m.dice.IntN(5)
		config.Limiter = limiterFunc(func(context.Context, amazonpay.Bucket, int) error {
			if left--; left < 0 {
				return errors.New("the limiter is broken")
			}
			return nil
		})
	case 4:
		before, at := m.chance(50), m.dice.IntN(6)
		config.Middleware = []amazonpay.Middleware{func(ctx context.Context, _ *amazonpay.Operation, next func(context.Context) error) error {
			at--
			if at == 0 && before {
				return errors.New("the middleware refuses")
			}
			err := next(ctx)
			if at == 0 {
				return errors.New("the middleware fails")
			}
			return err
		}}
	default:
		m.fake.Inject(amazonpaytest.Fault{Kind: pick(m.dice, kinds...), Action: pick(m.dice, "Authorize", "AuthorizeOnBillingAgreement", "GetAuthorizationDetails", "GetOrderReferenceDetails", "GetCaptureDetails", "ListOrderReference", "Capture"), Times: 1 + m.dice.IntN(8)})
	}
	charge, err := m.client(config).Charge(ctx, request)
	return charge, err, true
}

var kinds = []amazonpaytest.FaultKind{
	amazonpaytest.RequestLost, amazonpaytest.AnswerLost, amazonpaytest.ServerError500, amazonpaytest.WorkDone500, amazonpaytest.BadGateway502HTML,
	amazonpaytest.Unavailable503, amazonpaytest.GatewayTimeout504, amazonpaytest.Throttled, amazonpaytest.Truncated, amazonpaytest.EmptyAnswer,
	amazonpaytest.ConnectionReset, amazonpaytest.WorkDoneReset, amazonpaytest.Redirected,
}

// live lets something happen.
func (m *model) live() {
	m.fake.Advance(pick(m.dice, time.Second, time.Minute, 10*time.Minute, 3*time.Hour, 25*time.Hour, 8*24*time.Hour, 31*24*time.Hour))
	d := pick(m.dice, m.debts...)
	client := m.client(m.fake.Config())
	ctx := m.Context()
	what := m.dice.IntN(12)
	switch what {
	case 0:
		if d.agreement != nil {
			_ = client.CloseBillingAgreement(ctx, amazonpay.CloseBillingAgreementRequest{AmazonBillingAgreementID: d.agreement.ID()})
		} else {
			_ = client.CloseOrderReference(ctx, amazonpay.CloseOrderReferenceRequest{AmazonOrderReferenceID: d.order.ID()})
		}
	case 1:
		if d.agreement != nil {
			d.agreement.UpdatePaymentMethod(amazonpaytest.GoodCard)
		} else {
			d.order.UpdatePaymentMethod(amazonpaytest.GoodCard)
		}
	case 2, 3:
		if d.agreement != nil {
			_ = client.ConfirmBillingAgreement(ctx, amazonpay.ConfirmBillingAgreementRequest{AmazonBillingAgreementID: d.agreement.ID()})
		}
	case 4:
		if d.agreement != nil {
			d.agreement.AmazonCancel()
		} else {
			d.order.AmazonCancel()
		}
	case 5, 6, 7:
		last := d.tries[len(d.tries)-1]
		if last.charge != nil && last.request.AuthorizeOnly {
			d.byHand = d.byHand || last.ended == amazonpay.OutcomeDeclined
			_, _ = client.Capture(ctx, amazonpay.CaptureRequest{AmazonAuthorizationID: last.charge.Authorization.AmazonAuthorizationID,
				CaptureReferenceID: last.request.ReferenceID.Derive("capture"), CaptureAmount: pick(m.dice, last.charge.Amount, m.price(100))})
		}
	case 8:
		for _, c := range m.taken(d) {
			_, err := client.Refund(ctx, amazonpay.RefundRequest{AmazonCaptureID: c.CaptureID, RefundReferenceID: d.request.ReferenceID.Derive("refund", "1"), RefundAmount: c.Amount})
			_ = err
		}
	case 9:
		for _, c := range m.taken(d) {
			m.fake.Chargeback(c.CaptureID, c.Amount, "Unauthorized Transaction Chargeback").Lose()
		}
	case 10:
		last := d.tries[len(d.tries)-1]
		if last.charge != nil && last.charge.Outcome != amazonpay.OutcomePaid {
			_ = client.CloseAuthorization(ctx, amazonpay.CloseAuthorizationRequest{AmazonAuthorizationID: last.charge.Authorization.AmazonAuthorizationID})
		}
	default:
		last := d.tries[len(d.tries)-1]
		if last.charge != nil && last.charge.Outcome == amazonpay.OutcomePending {
			m.fake.Authorization(last.charge.Authorization.AmazonAuthorizationID).AmazonClose()
		}
	}
	m.log = append(m.log, fmt.Sprintf("%v live %d on %s", m.fake.Now(), what, d.request.AmazonBillingAgreementID+amazonpay.BillingAgreementID(d.request.AmazonOrderReferenceID)))
}

// TestChargeByModel lives through random years: whatever goes wrong, no debt is
// paid twice, and what Charge tells is what the ledger says.
func TestChargeByModel(t *testing.T) {
	for seed := range *modelSeeds {
		m := &model{T: t, dice: rand.New(rand.NewPCG(uint64(seed), 7)), forgetful: seed%3 == 0}
		m.region = pick(m.dice, amazonpay.RegionNA, amazonpay.RegionNA, amazonpay.RegionEU, amazonpay.RegionUK, amazonpay.RegionJP)
		if m.chance(25) {
			m.sellerID = childSeller
		}
		m.fake = amazonpaytest.New(amazonpaytest.Settings{Manual: true, Seed: uint64(seed), Region: m.region, MonthlyLimit: m.price(30000),
			Environment: pick(m.dice, amazonpay.Sandbox, amazonpay.Production), Delegated: map[string]string{childSeller: childToken}})
		m.log = append(m.log, fmt.Sprint("seed ", seed))
		for range 3 {
			m.owe()
		}
		for range 25 {
			if m.chance(5) {
				m.owe()
			}
			if m.chance(30) {
				m.live()
			}
			d := pick(m.dice, m.debts...)
			one := d.tries[len(d.tries)-1]
			if m.chance(25) {
				one = pick(m.dice, d.tries...) // a worker that slept
			}
			m.charge(d, one, m.chance(70))
			last := d.tries[len(d.tries)-1]
			if last.charge != nil && last.ended == amazonpay.OutcomeDeclined && last.charge.Advice.Retry == amazonpay.RetryNewID && m.chance(60) {
				m.next(d)
			}
		}
		for _, d := range m.debts {
			for _, one := range d.tries {
				m.charge(d, one, false)
			}
		}
	}
}
