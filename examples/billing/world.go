package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// wire counts the requests of a client.
type wire struct {
	http.RoundTripper
	requests, throttled atomic.Int64
}

func (w *wire) RoundTrip(request *http.Request) (*http.Response, error) {
	w.requests.Add(1)
	response, err := w.RoundTripper.RoundTrip(request)
	if err == nil && response.StatusCode == http.StatusServiceUnavailable {
		body, _ := io.ReadAll(io.LimitReader(response.Body, 1<<20))
		_ = response.Body.Close()
		if strings.Contains(string(body), "RequestThrottled") {
			w.throttled.Add(1)
		}
		response.Body = io.NopCloser(strings.NewReader(string(body)))
	}
	return response, err
}

// world is an embedded Amazon Pay with its buyers, whose days pass with the
// service's calendar.
type world struct {
	fake     *amazonpaytest.Fake
	calendar calendar
	wire     *wire
	repairs  []*amazonpaytest.BillingAgreement // buyers who will enter another card
}

// share is a part of the buyers with the same payment method.
type share struct {
	weight  float64
	method  amazonpaytest.PaymentMethod
	repairs bool // the buyer enters a good card two days later
}

// badCards is how the declines are mixed.
var badCards = []share{
	{4, amazonpaytest.ShortOnce, false},
	{2, amazonpaytest.BadCard, true},
	{2, amazonpaytest.BadCard, false},
	{2, amazonpaytest.RejectedCard, false},
	{1, amazonpaytest.AlwaysShort, false},
	{1, amazonpaytest.FailingCard, false},
	{1, amazonpaytest.CaptureFailing, false},
	{1, amazonpaytest.SlowBank, false}, // works, as charges are asynchronous
	{1, amazonpaytest.SilentBank, false},
}

// newWorld makes an Amazon Pay with real money's quotas, restored that many
// times as fast; faults of 1 are the usual bad day, 0 is none.
func newWorld(c calendar, factor, faults float64, seed uint64) *world {
	fake := amazonpaytest.New(amazonpaytest.Settings{
		Manual: true, Start: c.business, Environment: amazonpay.Production, Quota: factor, Seed: seed, KeepCalls: 1000,
	})
	w := &world{fake: fake, calendar: c}
	badDay(fake, faults)
	return w
}

// badFaults are the probabilities on a bad day: 2 % of answers are lost after
// the work, 1 % of requests before it, 2 % fail with a 5xx, half of them after
// the work, and 1 % of connections are reset.
var badFaults = map[amazonpaytest.FaultKind]float64{
	amazonpaytest.AnswerLost: 0.02, amazonpaytest.RequestLost: 0.01, amazonpaytest.ServerError500: 0.01,
	amazonpaytest.WorkDone500: 0.01, amazonpaytest.ConnectionReset: 0.005, amazonpaytest.WorkDoneReset: 0.005,
}

// badDay lets things go wrong; of notifications, 5 % come twice, 5 % late and
// 2 % never.
func badDay(fake *amazonpaytest.Fake, faults float64) {
	if faults <= 0 {
		return
	}
	for kind, probability := range badFaults {
		fake.Inject(amazonpaytest.Fault{Kind: kind, Probability: min(1, probability*faults), Times: -1})
	}
	fake.SetDelivery(amazonpaytest.Delivery{
		DuplicateRate: min(1, 0.05*faults), ReorderRate: min(1, 0.05*faults), LossRate: min(1, 0.02*faults),
	})
}

// config is that of a client of this world, paced like the world's quotas.
func (w *world) config(factor float64) amazonpay.Config {
	config := w.fake.Config()
	w.wire = &wire{RoundTripper: config.HTTPClient.Transport}
	config.HTTPClient = &http.Client{Transport: w.wire}
	config.Limiter = amazonpay.NewLimiter(factor)
	return config
}

// verifier is what client.Notifications() is for real, but for the fake's
// authority: about real money, only certificates from SNS's own host count.
func (w *world) verifier() (*amazonpay.Verifier, error) {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(w.fake.CertificateAuthority())
	return amazonpay.NewVerifier(amazonpay.VerifierConfig{
		SellerIDs:   []string{w.fake.Config().SellerID},
		Environment: amazonpay.Production,
		HTTPClient:  &http.Client{Transport: w.fake},
		Roots:       roots,
	})
}

// subscribers sign up: so many open agreements, a part of them with a payment
// method that does not work.
func (w *world) subscribers(n int, declines float64, seed uint64) iter.Seq2[subscription, error] {
	return func(yield func(subscription, error) bool) {
		dice := rand.New(rand.NewPCG(seed, 3))
		for i := range n {
			agreement := w.fake.OpenBillingAgreement()
			if dice.Float64() < declines {
				card := draw(dice)
				agreement.UpdatePaymentMethod(card.method)
				if card.repairs {
					w.repairs = append(w.repairs, agreement)
				}
			}
			amount, err := amazonpay.NewPrice(499+int64(dice.IntN(4))*500, amazonpay.CurrencyUSD)
			if !yield(subscription{
				name: fmt.Sprintf("subscriber-%06d", i+1), agreement: agreement.ID(), amount: amount,
				anchor: w.calendar.business.Day(), due: w.calendar.business,
			}, err) {
				return
			}
		}
	}
}

func draw(dice *rand.Rand) share {
	var sum float64
	for _, s := range badCards {
		sum += s.weight
	}
	at := dice.Float64() * sum
	for _, s := range badCards {
		if at -= s.weight; at < 0 {
			return s
		}
	}
	return badCards[0]
}

// repairTime is when buyers have read the mail about their card.
const repairTime = 2 * 24 * time.Hour

// turn lets the world's days pass until the context ends.
func (w *world) turn(ctx context.Context) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := w.calendar.now()
		w.fake.AdvanceTo(now)
		for len(w.repairs) > 0 && now.Sub(w.calendar.business) > repairTime {
			if state, _ := w.repairs[0].State(); state != amazonpay.StateSuspended && now.Sub(w.calendar.business) < 2*repairTime {
				break // the decline is still on its way
			}
			w.repairs[0].UpdatePaymentMethod(amazonpaytest.GoodCard)
			w.repairs = w.repairs[1:]
		}
	}
}

// books are what was really taken, and given back.
func (w *world) books(context.Context) iter.Seq2[movement, error] {
	return func(yield func(movement, error) bool) {
		for _, m := range w.fake.Ledger() {
			if !yield(movement{m.ReferenceID, m.RefundID, m.Amount}, nil) {
				return
			}
		}
	}
}
