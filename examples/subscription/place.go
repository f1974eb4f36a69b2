package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// place is where the story happens: on the fake, or in Amazon's sandbox.
type place interface {
	name() string
	client() *amazonpay.Client
	agreement() amazonpay.BillingAgreementID // the buyer has signed in, picked and consented
	now() time.Time
	pass(ctx context.Context, until time.Time) error // time, as far as it can be made to
	settle(ctx context.Context) error                // the moment in which Amazon decides
	cardExpires() (note string)                      // the next charge is declined; the note has it simulated
	buyerRepairs(ctx context.Context) error          // the buyer enters another card on Amazon's site
	losing(bool)                                     // whether answers get lost on their way back
	books(ctx context.Context, orders []amazonpay.OrderReferenceID) (captured, refunded amazonpay.Price, err error)
}

// newPlace is the sandbox if the environment holds its keys, else the fake.
func newPlace(getenv func(string) string) (place, error) {
	names := []string{"SELLER_ID", "ACCESS_KEY", "SECRET_KEY", "REGION", "BILLING_AGREEMENT_ID"}
	values, missing := map[string]string{}, []string{}
	for _, name := range names {
		if values[name] = getenv("AMAZONPAY_" + name); values[name] == "" {
			missing = append(missing, "AMAZONPAY_"+name)
		}
	}
	switch len(missing) {
	case len(names):
		return newFake()
	case 0:
		return newSandbox(values)
	}
	return nil, fmt.Errorf("the sandbox needs %s as well", strings.Join(missing, ", "))
}

// network loses answers: the request arrives and is carried out, and nothing
// comes back.
type network struct {
	http.RoundTripper
	lossy atomic.Bool
}

var errLost = errors.New("the connection broke before the answer came")

func (n *network) losing(on bool) { n.lossy.Store(on) }

func (n *network) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := n.RoundTripper.RoundTrip(request)
	if err == nil && n.lossy.Load() {
		_ = response.Body.Close()
		return nil, errLost
	}
	return response, err
}

// onFake is the embedded fake, whose clock the story moves.
type onFake struct {
	*network
	fake  *amazonpaytest.Fake
	buyer *amazonpaytest.BillingAgreement
	api   *amazonpay.Client
}

func newFake() (*onFake, error) {
	fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	config := fake.Config()
	wire := &network{RoundTripper: config.HTTPClient.Transport}
	config.HTTPClient = &http.Client{Transport: wire}
	api, err := amazonpay.New(config)
	if err != nil {
		return nil, err
	}
	return &onFake{network: wire, fake: fake, buyer: fake.NewBillingAgreement().Consent(), api: api}, nil
}

func (f *onFake) name() string                            { return "an embedded fake Amazon Pay" }
func (f *onFake) client() *amazonpay.Client               { return f.api }
func (f *onFake) agreement() amazonpay.BillingAgreementID { return f.buyer.ID() }
func (f *onFake) now() time.Time                          { return f.fake.Now() }

func (f *onFake) pass(_ context.Context, until time.Time) error {
	f.fake.AdvanceTo(until)
	return nil
}

func (f *onFake) settle(context.Context) error {
	f.fake.Advance(10 * time.Minute)
	return nil
}

func (f *onFake) cardExpires() string {
	f.buyer.UpdatePaymentMethod(amazonpaytest.BadCard)
	return ""
}

func (f *onFake) buyerRepairs(context.Context) error {
	f.buyer.UpdatePaymentMethod(amazonpaytest.GoodCard)
	return nil
}

func (f *onFake) books(context.Context, []amazonpay.OrderReferenceID) (captured, refunded amazonpay.Price, err error) {
	for _, m := range f.fake.Ledger() {
		total := &captured
		if m.Kind == amazonpaytest.Refunded {
			total = &refunded
		}
		if *total, err = total.Add(m.Amount); err != nil {
			return captured, refunded, err
		}
	}
	return captured, refunded, nil
}

// onSandbox is Amazon's sandbox, where time passes as it does.
type onSandbox struct {
	*network
	api *amazonpay.Client
	id  amazonpay.BillingAgreementID
}

func newSandbox(values map[string]string) (*onSandbox, error) {
	wire := &network{RoundTripper: http.DefaultTransport}
	api, err := amazonpay.New(amazonpay.Config{
		SellerID:        values["SELLER_ID"],
		AccessKey:       values["ACCESS_KEY"],
		SecretKey:       amazonpay.NewSecretKey(values["SECRET_KEY"]),
		Region:          amazonpay.Region(values["REGION"]),
		Environment:     amazonpay.Sandbox,
		ApplicationName: "subscription example",
		HTTPClient:      &http.Client{Transport: wire},
	})
	if err != nil {
		return nil, err
	}
	return &onSandbox{network: wire, api: api, id: amazonpay.BillingAgreementID(values["BILLING_AGREEMENT_ID"])}, nil
}

func (s *onSandbox) name() string                                { return "Amazon's sandbox" }
func (s *onSandbox) client() *amazonpay.Client                   { return s.api }
func (s *onSandbox) agreement() amazonpay.BillingAgreementID     { return s.id }
func (s *onSandbox) now() time.Time                              { return time.Now().UTC() }
func (s *onSandbox) pass(ctx context.Context, _ time.Time) error { return sleep(ctx, 2*time.Second) }
func (s *onSandbox) settle(ctx context.Context) error            { return sleep(ctx, 30*time.Second) }
func (s *onSandbox) buyerRepairs(ctx context.Context) error      { return sleep(ctx, 90*time.Second) }

func (s *onSandbox) cardExpires() string {
	return `{"SandboxSimulation": {"State":"Declined","ReasonCode":"InvalidPaymentMethod","PaymentMethodUpdateTimeInMins":1}}`
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// books asks Amazon for everything that was paid on the orders.
func (s *onSandbox) books(ctx context.Context, orders []amazonpay.OrderReferenceID) (captured, refunded amazonpay.Price, err error) {
	for _, id := range orders {
		order, err := s.api.PaymentDetails(ctx, id)
		if err != nil {
			return captured, refunded, err
		}
		for _, a := range order.Authorizations {
			for _, c := range a.Captures {
				if c.Capture.CaptureStatus.State == amazonpay.StateDeclined {
					continue
				}
				if captured, err = captured.Add(c.Capture.CaptureAmount); err != nil {
					return captured, refunded, err
				}
				for _, r := range c.Refunds {
					if r.RefundStatus.State != amazonpay.StateCompleted {
						continue
					}
					if refunded, err = refunded.Add(r.RefundAmount); err != nil {
						return captured, refunded, err
					}
				}
			}
		}
	}
	return captured, refunded, nil
}
