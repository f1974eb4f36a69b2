package amazonpaytest

import (
	"strings"
	"time"

	"github.com/amazonpay-go/amazonpay"
)

const refundsOnMost = 10

// capture is a capture in the books.
type capture struct {
	id            string
	authorization *authorization
	status        status
	created       time.Time
	reference     string
	note          string
	amount        money
	refunded      money
	descriptor    string
	credits       []share   // wanted
	credited      []*credit // made
	refunds       []*refund
	paid          bool // the money has moved
}

// took tells whether the capture has taken money or will yet.
func (c *capture) took() bool { return c.paid || c.status.is(amazonpay.StatePending) }

// refundable is what may be refunded in all: the capture and the surplus.
func (c *capture) refundable() int64 { return c.amount.minor + c.amount.surplus() }

func (f *Fake) findCapture(r *request) (*capture, *refusal) {
	c := f.captures[r.get("AmazonCaptureId")]
	if c == nil || c.authorization.order.seller != r.seller {
		return nil, unknownTransaction(r.get("AmazonCaptureId"))
	}
	return c, f.foreign(r)
}

func (f *Fake) capture(r *request, a *authorization) ([]node, *refusal) {
	if !a.status.is(amazonpay.StateOpen) {
		return nil, wrongAuthorizationState(a)
	}
	amount := r.money("CaptureAmount")
	if amount.currency != a.amount.currency {
		return nil, refuse("CurrencyMismatch", "The currency %s differs from that of the authorization.", amount.currency)
	}
	if amount.minor > a.amount.minor { // which is within the limit of a call
		return nil, tooMuch(amount)
	}
	shares, refused := f.shares(r, "ProviderCreditList.member", "CreditAmount", amount)
	if refused != nil {
		return nil, refused
	}
	c := &capture{
		id: f.newPart(a.order.id, "C"), authorization: a, created: f.now, amount: amount,
		reference: r.get("CaptureReferenceId"), note: r.get("SellerCaptureNote"),
		descriptor: r.get("SoftDescriptor"), credits: shares,
	}
	state, reason := a.order.captureEnd()
	late := f.now.Sub(a.created) > captureWindow
	if s, ok := r.simulated("SellerCaptureNote"); ok {
		if s.State == string(amazonpay.StatePending) {
			late = true
		} else {
			state, reason = amazonpay.State(s.State), amazonpay.Reason(s.ReasonCode)
		}
	}
	f.take(c, state, reason, late)
	return []node{el("CaptureResult", f.captureNode(c))}, nil
}

// captureAtOnce is CaptureNow: the capture has the authorization's reference
// id, and its id with a C for the A.
func (f *Fake) captureAtOnce(a *authorization) {
	at := strings.LastIndex(a.id, "-A")
	c := &capture{
		id: a.id[:at] + "-C" + a.id[at+2:], authorization: a, created: f.now, amount: a.amount,
		reference: a.reference, note: a.note, descriptor: a.descriptor, credits: a.credits,
	}
	state, reason := a.order.captureEnd()
	f.take(c, state, reason, false)
}

// take enters a capture into the books. A late one is Pending first; its
// authorization is used up all the same.
func (f *Fake) take(c *capture, state amazonpay.State, reason amazonpay.Reason, late bool) {
	a := c.authorization
	c.status.of, c.refunded = c, money{currency: c.amount.currency, text: "0"}
	f.captures[c.id] = c
	f.made.captures = append(f.made.captures, c)
	a.captures = append(a.captures, c)
	if late {
		f.move(&c.status, amazonpay.StatePending, "")
		f.move(&a.status, amazonpay.StateClosed, amazonpay.ReasonMaxCapturesProcessed)
		f.after(f.settings.CaptureDelay, "capture is completed or declined", c.id, func() bool { return c.status.is(amazonpay.StatePending) },
			func() { f.settle(c, state, reason) })
		return
	}
	switch state {
	case amazonpay.StateCompleted:
		f.move(&a.status, amazonpay.StateClosed, amazonpay.ReasonMaxCapturesProcessed)
	case amazonpay.StateClosed:
		// Amazon closed it before any money moved: nothing can be captured any
		// more, but nobody must take the authorization for captured.
		f.move(&a.status, amazonpay.StateClosed, amazonpay.ReasonAmazonClosed)
	}
	f.settle(c, state, reason)
}

// settle ends a capture. After a decline the authorization stays as it is.
func (f *Fake) settle(c *capture, state amazonpay.State, reason amazonpay.Reason) {
	f.move(&c.status, state, reason)
	if state != amazonpay.StateCompleted {
		return
	}
	a := c.authorization
	o := a.order
	c.paid = true
	a.captured = c.amount
	f.record(Movement{Kind: Captured, CaptureID: amazonpay.CaptureID(c.id), ReferenceID: amazonpay.ReferenceID(c.reference),
		Amount: c.amount.price()}, a)
	f.giveCredits(c)
	if !o.status.is(amazonpay.StateOpen, amazonpay.StateSuspended) {
		return
	}
	var sum int64
	all := len(o.authorizations) == authorizationsOnMost
	for _, other := range o.authorizations {
		sum += other.captured.minor
		all = all && other.captured.minor > 0
	}
	switch {
	case sum >= o.total.minor+o.total.surplus():
		f.move(&o.status, amazonpay.StateClosed, amazonpay.ReasonMaxAmountCharged)
	case all:
		f.move(&o.status, amazonpay.StateClosed, amazonpay.ReasonMaxAuthorizationsCaptured)
	}
}

func (f *Fake) getCaptureDetails(r *request, c *capture) ([]node, *refusal) {
	details := f.captureNode(c)
	details.kids = append(details.kids, f.conversion(c.amount, c.paid)...)
	return []node{el("GetCaptureDetailsResult", details)}, nil
}

// conversion says what a movement in another currency was worth in the
// ledger's.
func (f *Fake) conversion(m money, moved bool) []node {
	if !moved || m.currency == f.ledgerIn {
		return nil
	}
	return []node{priced("ConvertedAmount", m.converted(f.ledgerIn)), tx("ConversionRate", conversionRate(m.currency))}
}

func (f *Fake) captureNode(c *capture) node {
	ids := make([]string, len(c.refunds))
	for i, refund := range c.refunds {
		ids[i] = refund.id
	}
	summary := el("ProviderCreditSummaryList")
	for _, credit := range c.credited {
		summary.kids = append(summary.kids, el("member", tx("ProviderId", credit.provider), tx("ProviderCreditId", credit.id)))
	}
	return el("CaptureDetails",
		tx("AmazonCaptureId", c.id), tx("CaptureReferenceId", c.reference), tx("SellerCaptureNote", c.note),
		priced("CaptureAmount", c.amount), priced("RefundedAmount", c.refunded),
		when(c.paid, priced("CaptureFee", money{currency: c.amount.currency})),
		list("IdList", "member", ids), stamp("CreationTimestamp", c.created),
		c.status.node("CaptureStatus"), f.descriptorNode(c.descriptor),
		when(len(summary.kids) > 0, summary))
}
