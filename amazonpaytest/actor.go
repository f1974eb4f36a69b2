package amazonpaytest

import (
	"net/url"
	"slices"

	"github.com/amazonpay-go/amazonpay"
)

// AuthenticationStatus is how the confirmation page of UK and EU ended for the
// buyer.
type AuthenticationStatus string

// The ends of the confirmation page, as the parameter AuthenticationStatus of
// the address on your site has them.
const (
	AuthenticationSuccess   AuthenticationStatus = "Success"   // the buyer passed
	AuthenticationFailure   AuthenticationStatus = "Failure"   // the bank refused
	AuthenticationAbandoned AuthenticationStatus = "Abandoned" // the buyer left before the end
)

// flow is the confirmation flow of a confirmation that named two addresses.
type flow struct{ success, failure string }

// await remembers where the buyer goes after the confirmation page, which only
// UK and EU have.
func (f *Fake) await(v *visit, r *request) {
	v.flow = flow{}
	if f.strong() && r.has("SuccessUrl") && r.has("FailureUrl") {
		v.flow = flow{r.get("SuccessUrl"), r.get("FailureUrl")}
	}
}

// authenticateBuyer ends the confirmation flow. While it waits the object is
// Open already: shops charge without the flow, and after a failure they cancel,
// which an order reference takes only when Open or Suspended.
func (f *Fake) authenticateBuyer(a Act) (Outcome, error) {
	ends := []AuthenticationStatus{AuthenticationSuccess, AuthenticationFailure, AuthenticationAbandoned}
	if !slices.Contains(ends, AuthenticationStatus(a.Status)) {
		return Outcome{}, a.wrong("status", "is %q; there are %v", a.Status, ends)
	}
	b, o, err := f.parents(a)
	if err != nil {
		return Outcome{}, err
	}
	var v *visit
	var s *status
	if b != nil {
		v, s = &b.visit, &b.status
	} else {
		v, s = &o.visit, &o.status
	}
	waiting := v.flow
	if waiting == (flow{}) {
		return Outcome{}, &actError{do: a.Do, field: "id", untimely: true,
			text: "names what awaits no buyer: it was not confirmed with SuccessUrl and FailureUrl in UK or EU, or the buyer is through"}
	}
	v.flow = flow{}
	target := waiting.success
	if a.Status != string(AuthenticationSuccess) {
		target = waiting.failure
		if s.is(amazonpay.StateOpen) {
			f.move(s, amazonpay.StateSuspended, amazonpay.ReasonPaymentAuthorizationRequired)
		}
	}
	outcome := outcomeOf(either(b, o))
	outcome.URL = withParameter(target, "AuthenticationStatus", a.Status)
	return outcome, nil
}

// withParameter adds a parameter to what is already in an address.
func withParameter(address, name, value string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address // of the seller's making: a browser would go there, too
	}
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += name + "=" + url.QueryEscape(value)
	return u.String()
}

// Authenticate ends the confirmation page for an agreement that was confirmed
// with SuccessUrl and FailureUrl in UK or EU. Failure and Abandoned suspend it:
// PaymentAuthorizationRequired, and it may be confirmed again. The result is the
// address on your site that the browser is sent to; empty if nothing waits. It
// panics on any other status.
func (b *BillingAgreement) Authenticate(s AuthenticationStatus) string {
	return b.fake.tryURL(Act{Do: "Authenticate", ID: b.a.id, Status: string(s)})
}

// Authenticate is [BillingAgreement.Authenticate] for an order reference.
func (o *OrderReference) Authenticate(s AuthenticationStatus) string {
	return o.fake.tryURL(Act{Do: "Authenticate", ID: o.o.id, Status: string(s)})
}

func (f *Fake) tryURL(a Act) string {
	outcome, err := f.play(a)
	if e, ok := err.(*actError); err != nil && !(ok && e.untimely) {
		panic(err.Error())
	}
	return outcome.URL
}

// Authorization is Amazon's side of an authorization: it decides what is
// Pending before its time has come. What is not possible in the state it is in
// does nothing.
type Authorization struct {
	fake *Fake
	a    *authorization
}

// Authorization is a handle on an authorization; nil if there is none of that
// id.
func (f *Fake) Authorization(id amazonpay.AuthorizationID) *Authorization {
	f.mu.Lock()
	defer f.mu.Unlock()
	if a := f.authorizations[string(id)]; a != nil {
		return &Authorization{f, a}
	}
	return nil
}

// ID is the authorization's id.
func (a *Authorization) ID() amazonpay.AuthorizationID { return amazonpay.AuthorizationID(a.a.id) }

// State is where the authorization stands, and why.
func (a *Authorization) State() (amazonpay.State, amazonpay.Reason) {
	return a.fake.stateOf(&a.a.status)
}

func (f *Fake) stateOf(s *status) (amazonpay.State, amazonpay.Reason) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return s.state, s.reason
}

func (a *Authorization) act(do Act) *Authorization {
	do.ID = a.a.id
	a.fake.try(do)
	return a
}

// Approve decides a Pending authorization now, whatever the payment method says:
// Open, or captured with CaptureNow.
func (a *Authorization) Approve() *Authorization { return a.act(Act{Do: "ApproveAuthorization"}) }

// Decline decides a Pending authorization now: InvalidPaymentMethod without
// SoftDecline, AmazonRejected, ProcessingFailure or TransactionTimedOut. It
// panics on any other reason.
func (a *Authorization) Decline(reason amazonpay.Reason) *Authorization {
	return a.act(Act{Do: "DeclineAuthorization", Reason: string(reason)})
}

// SoftDecline is Decline for InvalidPaymentMethod with SoftDecline.
func (a *Authorization) SoftDecline() *Authorization {
	return a.act(Act{Do: "DeclineAuthorization", Reason: string(amazonpay.ReasonInvalidPaymentMethod), Soft: true})
}

// AmazonClose lets Amazon close a Pending or Open authorization: Closed,
// AmazonClosed.
func (a *Authorization) AmazonClose() *Authorization { return a.act(Act{Do: "AmazonClose"}) }

// pending finds the Pending authorization of an act.
func (f *Fake) pending(a Act) (*authorization, error) {
	x := f.authorizations[a.ID]
	if x == nil {
		return nil, a.wrong("id", "is %q; there is no such authorization", a.ID)
	}
	if !x.status.is(amazonpay.StatePending) {
		return nil, a.untimely(x.status, amazonpay.StatePending)
	}
	return x, nil
}

func (f *Fake) approveAuthorization(a Act) (Outcome, error) {
	x, err := f.pending(a)
	if err != nil {
		return Outcome{}, err
	}
	f.decide(x, verdict{state: amazonpay.StateOpen})
	return outcomeOf(x), nil
}

// reason checks a reason against those that are possible.
func (a Act) reason(possible ...amazonpay.Reason) (amazonpay.Reason, error) {
	if !slices.Contains(possible, amazonpay.Reason(a.Reason)) {
		return "", a.wrong("reason", "is %q; there are %v", a.Reason, possible)
	}
	return amazonpay.Reason(a.Reason), nil
}

func (f *Fake) declineAuthorization(a Act) (Outcome, error) {
	reason, err := a.reason(amazonpay.ReasonInvalidPaymentMethod, amazonpay.ReasonAmazonRejected,
		amazonpay.ReasonProcessingFailure, amazonpay.ReasonTransactionTimedOut)
	if err != nil {
		return Outcome{}, err
	}
	if a.Soft && reason != amazonpay.ReasonInvalidPaymentMethod {
		return Outcome{}, a.wrong("soft", "goes with the reason %s only", amazonpay.ReasonInvalidPaymentMethod)
	}
	x, err := f.pending(a)
	if err != nil {
		return Outcome{}, err
	}
	f.decide(x, verdict{state: amazonpay.StateDeclined, reason: reason, soft: a.Soft})
	return outcomeOf(x), nil
}

// Capture is Amazon's side of a capture. What is not possible in the state it is
// in does nothing.
type Capture struct {
	fake *Fake
	c    *capture
}

// Capture is a handle on a capture; nil if there is none of that id.
func (f *Fake) Capture(id amazonpay.CaptureID) *Capture {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c := f.captures[string(id)]; c != nil {
		return &Capture{f, c}
	}
	return nil
}

// ID is the capture's id.
func (c *Capture) ID() amazonpay.CaptureID { return amazonpay.CaptureID(c.c.id) }

// State is where the capture stands, and why.
func (c *Capture) State() (amazonpay.State, amazonpay.Reason) { return c.fake.stateOf(&c.c.status) }

// Complete lets a Pending capture take the money now.
func (c *Capture) Complete() *Capture {
	c.fake.try(Act{Do: "CompleteCapture", ID: c.c.id})
	return c
}

// Decline ends a Pending capture: AmazonRejected or ProcessingFailure. It panics
// on any other reason.
func (c *Capture) Decline(reason amazonpay.Reason) *Capture {
	c.fake.try(Act{Do: "DeclineCapture", ID: c.c.id, Reason: string(reason)})
	return c
}

// end reads how an act ends a capture or a refund.
func (a Act) end() (amazonpay.State, amazonpay.Reason, error) {
	if a.Do == "CompleteCapture" || a.Do == "CompleteRefund" {
		return amazonpay.StateCompleted, "", nil
	}
	reason, err := a.reason(amazonpay.ReasonAmazonRejected, amazonpay.ReasonProcessingFailure)
	return amazonpay.StateDeclined, reason, err
}

func (f *Fake) completeCapture(a Act) (Outcome, error) {
	c := f.captures[a.ID]
	if c == nil {
		return Outcome{}, a.wrong("id", "is %q; there is no such capture", a.ID)
	}
	state, reason, err := a.end()
	if err != nil {
		return Outcome{}, err
	}
	if !c.status.is(amazonpay.StatePending) {
		return Outcome{}, a.untimely(c.status, amazonpay.StatePending)
	}
	f.settle(c, state, reason)
	return outcomeOf(c), nil
}

// Refund is Amazon's side of a refund. What is not possible in the state it is in
// does nothing.
type Refund struct {
	fake *Fake
	b    *refund
}

// Refund is a handle on a refund; nil if there is none of that id.
func (f *Fake) Refund(id amazonpay.RefundID) *Refund {
	f.mu.Lock()
	defer f.mu.Unlock()
	if b := f.refunds[string(id)]; b != nil {
		return &Refund{f, b}
	}
	return nil
}

// ID is the refund's id.
func (b *Refund) ID() amazonpay.RefundID { return amazonpay.RefundID(b.b.id) }

// State is where the refund stands, and why.
func (b *Refund) State() (amazonpay.State, amazonpay.Reason) { return b.fake.stateOf(&b.b.status) }

// Complete lets a Pending refund give the money back now. What the buyer has got
// back by a chargeback or a claim is not given twice: then it is Declined,
// ProcessingFailure.
func (b *Refund) Complete() *Refund {
	b.fake.try(Act{Do: "CompleteRefund", ID: b.b.id})
	return b
}

// Decline ends a Pending refund: AmazonRejected or ProcessingFailure. It panics
// on any other reason.
func (b *Refund) Decline(reason amazonpay.Reason) *Refund {
	b.fake.try(Act{Do: "DeclineRefund", ID: b.b.id, Reason: string(reason)})
	return b
}

func (f *Fake) completeRefund(a Act) (Outcome, error) {
	b := f.refunds[a.ID]
	if b == nil {
		return Outcome{}, a.wrong("id", "is %q; there is no such refund", a.ID)
	}
	state, reason, err := a.end()
	if err != nil {
		return Outcome{}, err
	}
	if !b.status.is(amazonpay.StatePending) {
		return Outcome{}, a.untimely(b.status, amazonpay.StatePending)
	}
	f.giveBack(b, state, reason)
	return outcomeOf(b), nil
}
