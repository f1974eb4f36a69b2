package amazonpay_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// death is how a process ends in a test.
type death struct{}

// mortal is a transport that ends the process at its nth request: before it is
// sent, after it was sent, or after so many bytes of the answer.
type mortal struct {
	fake  *amazonpaytest.Fake
	nth   int // counted down
	after int // bytes of the answer; -1 is before the request is sent
	dead  bool
}

func (m *mortal) RoundTrip(r *http.Request) (*http.Response, error) {
	if m.nth--; m.nth != 0 {
		return m.fake.RoundTrip(r)
	}
	m.dead = true
	if m.after < 0 {
		panic(death{})
	}
	answer, err := m.fake.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	answer.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body[:min(m.after, len(body))]), dying{}))
	return answer, nil
}

type dying struct{}

func (dying) Read([]byte) (int, error) { panic(death{}) }

// chargeCase is a way to charge.
type chargeCase struct {
	method  amazonpaytest.PaymentMethod
	order   bool // a one-time order reference, in Draft
	mode    amazonpay.ChargeMode
	reserve bool // AuthorizeOnly
	left    bool // an earlier call with AuthorizeOnly has left the authorization open

	start time.Time // of the fake's clock
}

func (c chargeCase) name() string {
	name := string(c.method)
	if c.order {
		name += "/order"
	} else {
		name += "/agreement"
	}
	if c.mode == amazonpay.ModeFallback {
		name += "/Fallback"
	} else {
		name += "/" + string(c.mode)
	}
	if c.reserve {
		name += "/reserve"
	}
	if c.left {
		name += "/left open"
	}
	return name
}

// chargeCases is every method, on both objects, in every mode.
func chargeCases() []chargeCase {
	var cases []chargeCase
	for _, method := range []amazonpaytest.PaymentMethod{
		amazonpaytest.GoodCard, amazonpaytest.SlowBank, amazonpaytest.SilentBank, amazonpaytest.ShortOnce, amazonpaytest.BadCard,
		amazonpaytest.RejectedCard, amazonpaytest.FailingCard, amazonpaytest.CaptureRejected, amazonpaytest.CaptureFailing,
	} {
		for _, order := range []bool{false, true} {
			for _, mode := range []amazonpay.ChargeMode{amazonpay.ModeFallback, amazonpay.ModeSynchronous, amazonpay.ModeAsynchronous} {
				cases = append(cases, chargeCase{method: method, order: order, mode: mode})
			}
		}
	}
	for _, order := range []bool{false, true} {
		cases = append(cases, chargeCase{method: amazonpaytest.GoodCard, order: order, reserve: true},
			chargeCase{method: amazonpaytest.GoodCard, order: order, left: true},
			chargeCase{method: amazonpaytest.CaptureFailing, order: order, left: true})
	}
	return cases
}

// begin is a fake with something to charge by this case.
func (c chargeCase) begin(t testing.TB) (*amazonpaytest.Fake, amazonpay.ChargeRequest) {
	t.Helper()
	fake := amazonpaytest.New(amazonpaytest.Settings{Start: c.start, Manual: true})
	request := amazonpay.ChargeRequest{
		ReferenceID: amazonpay.NewReferenceID("tea.example", "subscription 42", "2026-01", "try 1"),
		Amount:      amazonpay.MustPrice("19.90", amazonpay.CurrencyUSD), Mode: c.mode, AuthorizeOnly: c.reserve,
	}
	if c.order {
		request.AmazonOrderReferenceID = fake.NewOrderReferenceWith(amazonpaytest.Checkout{Payment: c.method}).ID()
	} else {
		agreement := fake.NewBillingAgreementWith(amazonpaytest.Checkout{Payment: c.method}).Consent()
		require.NoError(t, fake.Client().ConfirmBillingAgreement(t.Context(),
			amazonpay.ConfirmBillingAgreementRequest{AmazonBillingAgreementID: agreement.ID()}))
		request.AmazonBillingAgreementID = agreement.ID()
	}
	if c.left {
		request.AuthorizeOnly = true
		_, err := fake.Client().Charge(t.Context(), request)
		require.NoError(t, err)
		request.AuthorizeOnly = false
	}
	return fake, request
}

// clientOver talks to a fake over a transport, and never repeats by itself.
func clientOver(t testing.TB, fake *amazonpaytest.Fake, transport http.RoundTripper) *amazonpay.Client {
	t.Helper()
	config := fake.Config()
	config.HTTPClient = &http.Client{Transport: transport}
	config.Backoff = amazonpay.Spacing()
	client, err := amazonpay.New(config)
	require.NoError(t, err)
	return client
}

// settle repeats a charge, as days pass, until it is decided. It is what must
// be the same whatever happened before.
func settle(t testing.TB, fake *amazonpaytest.Fake, request amazonpay.ChargeRequest) string {
	t.Helper()
	client := fake.Client()
	for range 4 {
		charge, err := client.Charge(t.Context(), request)
		require.NoError(t, err)
		if charge.Outcome != amazonpay.OutcomePending {
			return fmt.Sprint(charge.Outcome, " ", charge.Reason, " ", charge.Amount, " ", charge.ReferenceID, " captures ", len(charge.CaptureIDs),
				" of ", fake.TotalCaptured("USD"), " ", charge.Advice)
		}
		fake.Advance(25 * time.Hour)
	}
	t.Fatal("never decided")
	return ""
}

// count is how many requests a charge makes if nothing goes wrong.
func count(fake *amazonpaytest.Fake, do func()) int {
	before := len(fake.Calls())
	do()
	return len(fake.Calls()) - before
}

// TestChargeSurvives ends the process, or breaks the road, at every request of
// a charge, and repeats the charge: it always ends as if nothing had happened.
func TestChargeSurvives(t *testing.T) {
	for _, c := range chargeCases() {
		t.Run(c.name(), func(t *testing.T) {
			fake, request := c.begin(t)
			requests := count(fake, func() {
				_, err := fake.Client().Charge(t.Context(), request)
				require.NoError(t, err)
			})
			want := settle(t, fake, request)
			calls := make(map[int]bool)
			for nth := 1; nth <= requests; nth++ {
				for _, after := range []int{-1, 0, 1, 300, 1 << 20} {
					fake, request := c.begin(t)
					m := &mortal{fake: fake, nth: nth, after: after}
					func() {
						defer func() { assert.Equal(t, death{}, recover()) }()
						_, _ = clientOver(t, fake, m).Charge(t.Context(), request)
					}()
					require.True(t, m.dead, "request %d was never made", nth)
					assert.Equal(t, want, settle(t, fake, request), "killed at request %d after byte %d", nth, after)
					assert.LessOrEqual(t, len(fake.Ledger()), 1)
					calls[nth] = true
				}
				for _, kind := range []amazonpaytest.FaultKind{
					amazonpaytest.RequestLost, amazonpaytest.AnswerLost, amazonpaytest.WorkDone500, amazonpaytest.Truncated, amazonpaytest.GatewayTimeout504,
				} {
					for _, times := range []int{1, 2, 50} { // the second strikes what Charge repeats
						fake, request := c.begin(t)
						_, err := clientOver(t, fake, &faulty{fake: fake, skip: nth - 1, kind: kind, times: times}).Charge(t.Context(), request)
						if unknown, ok := err.(*amazonpay.OutcomeUnknownError); ok {
							assert.Equal(t, request.ReferenceID, unknown.ReferenceID)
							assert.Equal(t, "Charge", unknown.Action)
						}
						fake.Heal()
						assert.Equal(t, want, settle(t, fake, request), "%s at request %d, %d times", kind, nth, times)
						assert.LessOrEqual(t, len(fake.Ledger()), 1)
					}
				}
			}
			assert.Len(t, calls, requests)
		})
	}
}

// faulty injects a fault after so many requests.
type faulty struct {
	fake  *amazonpaytest.Fake
	skip  int
	kind  amazonpaytest.FaultKind
	times int
}

func (f *faulty) RoundTrip(r *http.Request) (*http.Response, error) {
	if f.skip == 0 {
		f.fake.Inject(amazonpaytest.Fault{Kind: f.kind, Times: f.times})
	}
	f.skip--
	return f.fake.RoundTrip(r)
}

// TestChargeConcurrently is one payment, however many make it at once.
func TestChargeConcurrently(t *testing.T) {
	for _, c := range []chargeCase{
		{method: amazonpaytest.GoodCard}, {method: amazonpaytest.GoodCard, order: true},
		{method: amazonpaytest.SlowBank}, {method: amazonpaytest.SlowBank, order: true},
		{method: amazonpaytest.RejectedCard, order: true}, {method: amazonpaytest.BadCard, order: true}, {method: amazonpaytest.ShortOnce, order: true},
	} {
		t.Run(c.name(), func(t *testing.T) {
			fake, request := c.begin(t)
			client := fake.Client()
			var wg sync.WaitGroup
			outcomes := make(chan string, 100)
			for range 100 {
				wg.Go(func() {
					charge, err := client.Charge(t.Context(), request)
					if assert.NoError(t, err) {
						outcomes <- fmt.Sprint(charge.Outcome, charge.Reason, charge.ReferenceID, charge.AmazonOrderReferenceID, charge.CaptureIDs)
					}
				})
			}
			wg.Wait()
			close(outcomes)
			different := make(map[string]bool)
			for o := range outcomes {
				different[o] = true
			}
			assert.Len(t, different, 1)
			settle(t, fake, request)
			assert.LessOrEqual(t, len(fake.Ledger()), 1)
		})
	}
}
