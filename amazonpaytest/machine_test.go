package amazonpaytest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// step is one operation as data, so that any part of a script can be run again.
// Objects are named by their place among those that exist then, the newest
// first and around the corner; so every script can be run.
type step struct {
	Do       string                      `json:"do"`                 // an action of the API, or an act of buyer, Amazon or time
	On       int                         `json:"on,omitempty"`       // which object
	Ref      int                         `json:"ref,omitempty"`      // number of the reference id
	Amount   int64                       `json:"amount,omitempty"`   // minor units; see the names below zero
	Currency amazonpay.Currency          `json:"currency,omitempty"` // empty is the ledger's
	Method   amazonpaytest.PaymentMethod `json:"method,omitempty"`   // what the buyer picks
	Note     string                      `json:"note,omitempty"`     // a simulation by name
	Fault    amazonpaytest.FaultKind     `json:"fault,omitempty"`    // strikes the call, which is then repeated
	Sync     bool                        `json:"sync,omitempty"`     // TransactionTimeout 0
	Now      bool                        `json:"now,omitempty"`      // CaptureNow, ConfirmNow, consent at once
	Stranger bool                        `json:"stranger,omitempty"` // the call is another seller's
	Fee      bool                        `json:"fee,omitempty"`      // a tenth for the solution provider
	Minutes  int64                       `json:"minutes,omitempty"`  // of Advance
}

// Amounts that depend on where things stand.
const (
	theMost      = -1 // as much as the limits leave
	overTheMost  = -2
	single       = -3 // the most of one call
	overTheLimit = -4
)

// script is a world and what happens in it.
type script struct {
	Region      amazonpay.Region      `json:"region"`
	Environment amazonpay.Environment `json:"environment"`
	Steps       []step                `json:"steps"`
}

// violation is a rule that was broken.
type violation struct {
	step       int
	rule, text string
}

func (v *violation) String() string { return fmt.Sprintf("step %d: %s: %s", v.step+1, v.rule, v.text) }

// payment is a request that moved or reserved money, and its first answer.
type payment struct {
	seller  int
	request any
	answer  any
}

// world is a fake, and what the machine believes of it.
type world struct {
	script  *script
	rules   *rules
	ways    func(kind, from, to, act string) bool
	fake    *amazonpaytest.Fake
	clients [2]*amazonpay.Client
	at      int
	act     string // of the step, that causes transitions
	active  [2]bool

	agreements     []*agreement
	orders         []*order
	authorizations []*authorization
	captures       []*capture
	refunds        []*refund
	credits        []*credit
	byID           map[string]any
	used           map[string]*payment // by seller and reference id
	sent           []*payment          // accepted or not, to be repeated

	books    []amazonpaytest.Movement
	captured map[amazonpay.CaptureID]int64
	refunded map[amazonpay.CaptureID]int64
	bank     map[amazonpay.CaptureID]int64 // taken back by chargebacks and claims
	moved    map[string]bool
	until    time.Time // up to where the books are known
	from     time.Time // when the step began
	tally    map[string]int
}

const otherSeller, otherToken, provider = "OTHERSELLER01", "amzn.mws.other", "PROVIDER01"

// lens lets a test of the machine show it another world than the true one.
type lens struct {
	transport func(http.RoundTripper) http.RoundTripper
	ledger    func([]amazonpaytest.Movement) []amazonpaytest.Movement
	tally     map[string]int // counts transitions, accepted actions and refusals
}

// run runs a script and returns the first rule that was broken, if any.
func run(s *script, r *rules, l lens) (broken *violation) {
	w := &world{script: s, rules: r, ways: r.ways(), active: [2]bool{true, true}, byID: map[string]any{}, used: map[string]*payment{},
		captured: map[amazonpay.CaptureID]int64{}, refunded: map[amazonpay.CaptureID]int64{}, bank: map[amazonpay.CaptureID]int64{}, moved: map[string]bool{}, tally: l.tally}
	w.fake = amazonpaytest.New(amazonpaytest.Settings{Manual: true, Region: s.Region, Environment: s.Environment, SellerID: testSeller, AccessKey: testKey,
		SecretKey: testSecret, Delegated: map[string]string{otherSeller: otherToken}, Providers: []string{provider}})
	config := w.fake.Config()
	config.Backoff = amazonpay.Spacing()
	if l.transport != nil {
		config.HTTPClient = &http.Client{Transport: l.transport(w.fake)}
	}
	client, err := amazonpay.New(config)
	if err != nil {
		return &violation{rule: "client", text: err.Error()}
	}
	other, err := client.OnBehalfOf(otherSeller, otherToken)
	if err != nil {
		return &violation{rule: "client", text: err.Error()}
	}
	w.clients, w.until = [2]*amazonpay.Client{client, other}, w.fake.Now()
	defer func() {
		if r := recover(); r != nil {
			v, ok := r.(*violation)
			if !ok {
				panic(fmt.Sprint(r, "\n", s))
			}
			broken = v
		}
	}()
	for i := range s.Steps {
		w.at, w.act = i, s.Steps[i].Do
		w.step(s.Steps[i], l)
	}
	w.final()
	return nil
}

func (w *world) step(s step, l lens) {
	w.from = w.fake.Now()
	touched := acts[s.Do](w, s)
	ledger := w.fake.Ledger()
	if l.ledger != nil {
		ledger = l.ledger(ledger)
	}
	w.balance(ledger)
	switch t := touched.(type) {
	case *agreement:
		w.lookAgreement(t)
	case *order:
		w.lookOrder(t)
	case string:
		w.lookAll()
	}
}

func (w *world) fail(rule, format string, args ...any) {
	panic(&violation{step: w.at, rule: rule, text: fmt.Sprintf(format, args...)})
}

func (w *world) now() time.Time { return w.fake.Now() }

func (w *world) ledgerCurrency() amazonpay.Currency {
	return map[amazonpay.Region]amazonpay.Currency{amazonpay.RegionNA: "USD", amazonpay.RegionUK: "GBP",
		amazonpay.RegionEU: "EUR", amazonpay.RegionJP: "JPY"}[w.script.Region]
}

func (w *world) sandbox() bool { return w.script.Environment == amazonpay.Sandbox }

// note is the simulation's text, and whether it must be refused there.
func (w *world) note(name, action string, v *verdict) string {
	if name == "" {
		return ""
	}
	v.no(w.sandbox() && !listed(name, action), "no such simulation here", amazonpay.ErrInvalidSandboxSimulationSpecified)
	return simulations[name].note
}

// convert is an amount in the ledger's currency: at the fake's fixed rate.
func (w *world) convert(p amazonpay.Price) int64 {
	if p.Currency() == w.ledgerCurrency() {
		return p.Minor()
	}
	return p.Minor() * 4 / 5
}

// price resolves a step's amount; most is what the limits leave, in the
// ledger's currency if ledger is set, in that of the price otherwise.
func (w *world) price(s step, currency amazonpay.Currency, most int64, ledger bool) amazonpay.Price {
	unit := int64(1)
	if ledger && currency != w.ledgerCurrency() {
		unit, most = 5, most*5/4/5*5
	}
	amount := map[int64]int64{theMost: most, overTheMost: most + unit, single: w.rules.single[currency], overTheLimit: w.rules.single[currency] + unit}[s.Amount]
	if s.Amount > 0 {
		amount = s.Amount * unit
	}
	p, err := amazonpay.NewPrice(max(amount, unit), currency)
	if err != nil {
		w.fail("price", "%v", err)
	}
	return p
}

func (w *world) currency(s step) amazonpay.Currency {
	if s.Currency == "" {
		return w.ledgerCurrency()
	}
	return s.Currency
}

// done are the faults that strike after the work.
var done = map[amazonpaytest.FaultKind]bool{amazonpaytest.AnswerLost: true, amazonpaytest.WorkDone500: true, amazonpaytest.GatewayTimeout504: true,
	amazonpaytest.Truncated: true, amazonpaytest.EmptyAnswer: true, amazonpaytest.WorkDoneReset: true}

// call makes a call as a careful merchant does: when a fault strikes, it is made
// again. The verdict is on the answer that comes in the end.
func (w *world) call(s step, v verdict, replay bool, do func() (any, error)) (any, bool) {
	before := len(w.fake.Ledger())
	if s.Fault != "" {
		w.fake.Inject(amazonpaytest.Fault{Kind: s.Fault})
		_, err := do()
		w.fake.Heal()
		if err == nil && s.Fault != amazonpaytest.EmptyAnswer {
			w.fail("fault", "%s struck %s, and the client was told nothing", s.Fault, s.Do)
		}
		if after := len(w.fake.Ledger()); after != before && !done[s.Fault] {
			w.fail("fault", "%s struck %s before the work, and money moved", s.Fault, s.Do)
		}
	}
	middle := len(w.fake.Ledger())
	answer, err := do()
	var refusal *amazonpay.Error
	var invalid *amazonpay.InvalidError
	after := len(w.fake.Ledger())
	switch {
	case err == nil && v.reason != "" && !replay:
		w.fail("refusal", "%s was accepted, but %s: %v", s.Do, v.reason, v.codes)
	case err == nil:
		if after != middle && (replay || done[s.Fault]) {
			w.fail("repetition", "the repeated %s moved money", s.Do)
		}
		if w.tally != nil {
			w.tally[s.Do]++
		}
		return answer, true
	case errors.As(err, &invalid) && v.reason != "" && !replay: // the client did not even send it
	case !errors.As(err, &refusal):
		w.fail("answer", "%s: %v", s.Do, err)
	case replay && refusal.Code == amazonpay.ErrInvalidAccountStatus && in(refusal.Code, v.codes...): // the documents leave open what comes first
	case replay:
		w.fail("repetition", "the repeated %s was refused: %v", s.Do, refusal.Code)
	case !in(refusal.Code, v.codes...):
		w.fail("refusal", "%s was refused with %q; allowed are %q (%s)", s.Do, refusal.Code, v.codes, v.reason)
	case after != before:
		w.fail("refusal", "%s was refused with %q, and money moved", s.Do, refusal.Code)
	case w.tally != nil:
		w.tally["refused "+string(refusal.Code)]++
	}
	return nil, false
}

// client is the seller's, or another one's.
func (w *world) client(s step, seller int) (*amazonpay.Client, int) {
	if s.Stranger {
		seller = 1 - seller
	}
	return w.clients[seller], seller
}

// submit sends a payment request and holds the answer against the first one.
func (w *world) submit(s step, seller int, request any, v verdict) (any, bool) {
	action, ref := describe(request)
	key := fmt.Sprint(seller, " ", ref)
	first := w.used[key]
	replay := false
	if first != nil {
		other, _ := describe(first.request)
		replay = w.rules.replayed && reflect.DeepEqual(first.request, request)
		codes := []amazonpay.ErrorCode{amazonpay.ErrDuplicateReferenceID}
		if namespace[other] == namespace[action] {
			codes = append(codes, amazonpay.ErrDuplicateRequest)
		}
		v.no(true, "the reference id is used", codes...)
	}
	s.Do = action
	p := &payment{seller: seller, request: request}
	answer, ok := w.call(s, v, replay, func() (any, error) { return send(w.clients[seller], request) })
	w.sent = append(w.sent, p)
	if !ok {
		return nil, false
	}
	if first != nil {
		if !reflect.DeepEqual(first.answer, answer) {
			w.fail("repetition", "%s %s was answered\n%+v\nand is now\n%+v", action, ref, first.answer, answer)
		}
		return nil, false
	}
	p.answer = answer
	w.used[key] = p
	return answer, true
}

var namespace = map[string]string{"Authorize": "authorization", "AuthorizeOnBillingAgreement": "authorization", "Capture": "capture",
	"Refund": "refund", "ReverseProviderCredit": "reversal"}

func describe(request any) (action string, ref amazonpay.ReferenceID) {
	switch r := request.(type) {
	case amazonpay.AuthorizeRequest:
		return "Authorize", r.AuthorizationReferenceID
	case amazonpay.AuthorizeOnBillingAgreementRequest:
		return "AuthorizeOnBillingAgreement", r.AuthorizationReferenceID
	case amazonpay.CaptureRequest:
		return "Capture", r.CaptureReferenceID
	case amazonpay.RefundRequest:
		return "Refund", r.RefundReferenceID
	case amazonpay.ReverseProviderCreditRequest:
		return "ReverseProviderCredit", r.CreditReversalReferenceID
	}
	panic(fmt.Sprintf("%T is no payment", request))
}

func send(c *amazonpay.Client, request any) (any, error) {
	ctx := context.Background()
	switch r := request.(type) {
	case amazonpay.AuthorizeRequest:
		return c.Authorize(ctx, r)
	case amazonpay.AuthorizeOnBillingAgreementRequest:
		return c.AuthorizeOnBillingAgreement(ctx, r)
	case amazonpay.CaptureRequest:
		return c.Capture(ctx, r)
	case amazonpay.RefundRequest:
		return c.Refund(ctx, r)
	case amazonpay.ReverseProviderCreditRequest:
		return c.ReverseProviderCredit(ctx, r)
	}
	panic(fmt.Sprintf("%T is no payment", request))
}

// pick is an object of a list, the newest first.
func pick[T any](list []T, on int) (x T, ok bool) {
	if len(list) == 0 {
		return x, false
	}
	return list[len(list)-1-on%len(list)], true
}

// likely picks mostly among those objects of which something can be expected.
func likely[T any](list []T, on int, hopeful func(T) bool) (x T, ok bool) {
	var some []T
	for _, x := range list {
		if hopeful(x) {
			some = append(some, x)
		}
	}
	if len(some) == 0 || on%4 == 3 {
		return pick(list, on)
	}
	return pick(some, on)
}

func (w *world) pickOrder(s step) (*order, bool) {
	return likely(w.orders, s.On, func(o *order) bool { return !o.charge })
}

func (w *world) pickAuthorization(s step) (*authorization, bool) {
	return likely(w.authorizations, s.On, func(a *authorization) bool { return a.state == "Open" })
}

func (w *world) pickCapture(s step) (*capture, bool) {
	return likely(w.captures, s.On, func(c *capture) bool { return c.state == "Completed" })
}
