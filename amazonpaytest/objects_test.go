package amazonpaytest_test

import (
	"context"
	"maps"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// object is what all objects have, as it was last seen.
type object struct {
	kind, id string
	seller   int
	state    amazonpay.State
	reason   amazonpay.Reason
	born     time.Time
}

func (o *object) label() string {
	if o.reason == "" {
		return string(o.state)
	}
	return string(o.state) + "/" + string(o.reason)
}

// methods are all that the buyer ever picked for an object.
type methods map[amazonpaytest.PaymentMethod]bool

// good tells that nothing but a good card was ever picked.
func (m methods) good() bool { return len(m) == 1 && m[amazonpaytest.GoodCard] }

func (m methods) decline(label string) bool {
	for method := range m {
		if declines[method] == label {
			return true
		}
	}
	return false
}

type agreement struct {
	object
	handle  *amazonpaytest.BillingAgreement
	methods methods
	consent bool
	orders  int       // made of it while it was a draft
	repair  time.Time // when a simulation repairs it
	soft    bool      // it was suspended by nothing but a simulated soft decline
}

type order struct {
	object
	handle     *amazonpaytest.OrderReference
	agreement  *agreement // nil for a one-time purchase
	methods    methods
	total      amazonpay.Price
	constraint bool // simulated
	store      bool // has a store name
	charge     bool // made by AuthorizeOnBillingAgreement
	all        []*authorization
	repair     time.Time
	soft       bool
}

type authorization struct {
	object
	order   *order
	ref     amazonpay.ReferenceID
	amount  amazonpay.Price
	now     bool
	sim     string
	timeout time.Duration
	opened  bool       // it was seen to be open, or captured
	capture *capture   // the latest
	tries   []*capture // all: those before the latest were declined
}

type capture struct {
	object
	authorization *authorization
	ref           amazonpay.ReferenceID
	amount        amazonpay.Price
	sim           string
	refunds       []*refund
	bank          int64 // what chargebacks and claims have taken back,
	banks         int   // in so many refunds
}

// paid tells that the capture has taken money.
func (c *capture) paid() bool {
	return c.state == "Completed" || c.state == "Closed" && c.reason != "AmazonClosed"
}

type refund struct {
	object
	capture *capture
	ref     amazonpay.ReferenceID
	amount  amazonpay.Price
	sim     string
}

type credit struct {
	id       amazonpay.ProviderCreditID
	seller   int
	amount   amazonpay.Price
	reversed int64
}

// saw notes a state, and whether there was a way to it.
func (w *world) saw(o *object, state amazonpay.State, reason amazonpay.Reason) {
	now := object{state: state, reason: reason}
	if from, to := o.label(), now.label(); from != to && !w.ways(o.kind, from, to, w.act) {
		w.fail("transition", "%s %s went from %s to %s by %s", o.kind, o.id, from, to, w.act)
	}
	if w.tally != nil && o.label() != now.label() {
		w.tally[o.kind+" "+o.label()+" "+now.label()]++
	}
	o.state, o.reason = state, reason
}

// must is a rule about an object that was seen.
func (w *world) must(ok bool, o *object, rule string) {
	if !ok {
		w.fail(rule, "%s %s, %s, is %v old", o.kind, o.id, o.label(), w.now().Sub(o.born))
	}
}

func (w *world) seeAgreement(a *agreement) {
	before := a.state
	state, reason := a.handle.State()
	w.saw(&a.object, state, reason)
	age := w.now().Sub(a.born)
	w.must(state != "Draft" || age < w.rules.draft, &a.object, "a draft lives three hours")
	w.must(reason != "Stale" || age >= w.rules.draft, &a.object, "a draft lives three hours")
	if w.act == "Advance" && before == "Suspended" && state == "Open" {
		w.must(!a.repair.IsZero() && !a.repair.After(w.now()), &a.object, "nothing repairs itself")
	}
	if state == "Open" {
		a.repair, a.soft = time.Time{}, false
	}
	if state != "Open" && state != "Suspended" {
		return
	}
	d, err := w.clients[a.seller].GetBillingAgreementDetails(context.Background(), amazonpay.GetBillingAgreementDetailsRequest{AmazonBillingAgreementID: a.handle.ID()})
	if err != nil {
		w.fail("answer", "GetBillingAgreementDetails: %v", err)
	}
	w.must(d.BillingAgreementStatus.State == state && d.BillingAgreementStatus.ReasonCode == reason, &a.object, "the API tells the state")
	limits := d.BillingAgreementLimits
	start := w.rules.byMonth(w.now())
	if !limits.TimePeriodStartDate.Equal(start) || !limits.TimePeriodEndDate.Equal(start.AddDate(0, 1, 0)) {
		w.fail("month", "%v is in the period from %v to %v", w.now(), limits.TimePeriodStartDate, limits.TimePeriodEndDate)
	}
	if limits.AmountLimitPerTimePeriod.Minor() != w.rules.monthly || limits.CurrentRemainingBalance.Minor() != w.left(a) {
		w.fail("month", "agreement %s has %v of %v left, by the machine's account %d", a.id, limits.CurrentRemainingBalance, limits.AmountLimitPerTimePeriod, w.left(a))
	}
}

// left is what the agreement may still be charged in the month.
func (w *world) left(a *agreement) int64 {
	left, month := w.rules.monthly, w.rules.byMonth(w.now())
	for _, o := range w.orders {
		if o.agreement != a {
			continue
		}
		for _, auth := range o.all {
			if !auth.born.Before(month) && auth.state != "Declined" && (auth.opened || auth.reason != "AmazonClosed") {
				left -= w.convert(auth.amount)
			}
		}
	}
	return left
}

// taken is what was captured on an order, and held is what is authorized.
func (o *order) taken() (taken, held int64) {
	for _, a := range o.all {
		switch {
		case a.capture != nil && in(a.capture.state, "Completed", "Pending"), a.capture != nil && a.capture.reason != "AmazonClosed" && a.capture.state == "Closed":
			taken += a.capture.amount.Minor()
		case in(a.state, "Pending", "Open"):
			held += a.amount.Minor()
		}
	}
	return taken, held
}

// completed is what was captured for good.
func (o *order) completed() (sum int64, count int) {
	for _, a := range o.all {
		if c := a.capture; c != nil && (c.state == "Completed" || c.state == "Closed" && c.reason != "AmazonClosed") {
			sum += c.amount.Minor()
			count++
		}
	}
	return sum, count
}

// stale tells it of an order's agreement, if it has one.
func (a *agreement) stale() bool {
	if a == nil {
		return false
	}
	_, reason := a.handle.State()
	return reason == "Stale"
}

func (w *world) seeOrder(o *order) {
	before := o.state
	state, reason := o.handle.State()
	w.saw(&o.object, state, reason)
	age := w.now().Sub(o.born)
	w.must(state != "Draft" || age < w.rules.draft, &o.object, "a draft lives three hours")
	w.must(reason != "Stale" || age >= w.rules.draft || o.agreement.stale(), &o.object, "a draft lives three hours")
	if o.agreement != nil && !in(state, "Canceled", "Closed") {
		parent, _ := o.agreement.handle.State()
		w.must(parent != "Canceled", &o.object, "what hangs on a canceled agreement is canceled")
	}
	w.must(!in(state, "Open", "Suspended") || age < w.rules.order, &o.object, "an order lives 180 days")
	w.must(reason != "Expired" || age >= w.rules.order, &o.object, "an order lives 180 days")
	if w.act == "Advance" && before == "Suspended" && state == "Open" {
		w.must(!o.repair.IsZero() && !o.repair.After(w.now()), &o.object, "nothing repairs itself")
	}
	if state == "Open" {
		o.repair, o.soft = time.Time{}, false
	}
	if o.total.IsZero() {
		return
	}
	sum, count := o.completed()
	w.must(sum <= w.rules.most(o.total), &o.object, "no more is captured than the total and its surplus")
	w.must(reason != "MaxAmountCharged" || sum >= w.rules.most(o.total), &o.object, "MaxAmountCharged")
	w.must(reason != "MaxAuthorizationsCaptured" || count >= w.rules.authorizations, &o.object, "MaxAuthorizationsCaptured")
	w.must(len(o.all) <= w.rules.authorizations, &o.object, "ten authorizations")
}

func (w *world) seeAuthorization(a *authorization) {
	d, err := w.clients[a.seller].GetAuthorizationDetails(context.Background(), amazonpay.GetAuthorizationDetailsRequest{AmazonAuthorizationID: amazonpay.AuthorizationID(a.id)})
	if err != nil {
		w.fail("answer", "GetAuthorizationDetails: %v", err)
	}
	status := d.AuthorizationStatus
	before := a.state
	w.saw(&a.object, status.State, status.ReasonCode)
	if d.AuthorizationAmount != a.amount || d.AuthorizationReferenceID != a.ref || d.CaptureNow != a.now || !d.CreationTimestamp.Equal(a.born) ||
		!d.ExpirationTimestamp.Equal(a.born.Add(30*24*time.Hour)) || len(d.IDList) < len(a.tries) {
		w.fail("answer", "authorization %s has changed: %+v", a.id, d)
	}
	a.opened = a.opened || status.State == "Open" || len(d.IDList) > 0 || in(status.ReasonCode, "MaxCapturesProcessed", "ExpiredUnused")
	age := w.now().Sub(a.born)
	w.must(status.State != "Pending" || age < a.timeout, &a.object, "decided within its timeout")
	w.must(status.State != "Open" || age < w.rules.authorization, &a.object, "an authorization lives 30 days")
	w.must(status.ReasonCode != "ExpiredUnused" || age >= w.rules.authorization || a.sim == "expired", &a.object, "an authorization lives 30 days")
	if status.State == "Declined" && before != "Declined" {
		w.declined(a, d.SoftDecline)
	}
	var taken int64
	for i, id := range d.IDList {
		switch {
		case i >= len(a.tries):
			w.found(a, id)
		case string(id) != a.tries[i].id:
			w.fail("answer", "capture %d of authorization %s was %s and is %s", i+1, a.id, a.tries[i].id, id)
		}
	}
	if c := a.capture; c != nil {
		w.seeCapture(c)
		if c.state == "Completed" || c.state == "Closed" && c.reason != "AmazonClosed" {
			taken = c.amount.Minor()
		}
		if c.state == "Pending" || c.reason == "AmazonClosed" {
			taken = d.CapturedAmount.Minor()
		}
	}
	took := a.capture != nil && a.capture.state != "Declined" && a.capture.reason != "AmazonClosed"
	w.must(status.ReasonCode != "MaxCapturesProcessed" || a.capture != nil, &a.object, "MaxCapturesProcessed")
	w.must(status.ReasonCode == "MaxCapturesProcessed" || !took, &a.object, "MaxCapturesProcessed")
	w.must(d.CapturedAmount.Minor() == taken, &a.object, "CapturedAmount is what was captured")
}

// declined is a decline as it is noticed, and what it does to others.
func (w *world) declined(a *authorization, soft bool) {
	simulated := w.sandbox() && a.sim != ""
	if simulated {
		w.must(simulations[a.sim].end == a.label() || a.order.methods.decline(a.label()), &a.object, "declined as simulated")
	} else {
		w.must(a.order.methods.decline(a.label()), &a.object, "declined without a cause")
	}
	if a.reason != "InvalidPaymentMethod" {
		return
	}
	w.must(!simulated || !in(a.sim, "hard", "soft") || soft == (a.sim == "soft"), &a.object, "SoftDecline as simulated")
	if in(a.sim, "hard", "soft") && simulated {
		repair := w.from.Add(5 * time.Minute) // at the earliest
		a.order.repair = repair
		a.order.soft = a.sim == "soft" && a.order.state == "Open" && a.order.methods.good()
		if b := a.order.agreement; b != nil {
			b.repair = repair
			b.soft = a.sim == "soft" && b.state == "Open" && b.methods.good()
		}
	}
}

// found is a capture that CaptureNow made.
func (w *world) found(a *authorization, id amazonpay.CaptureID) {
	d, err := w.clients[a.seller].GetCaptureDetails(context.Background(), amazonpay.GetCaptureDetailsRequest{AmazonCaptureID: id})
	if err != nil {
		w.fail("answer", "GetCaptureDetails: %v", err)
	}
	if !a.now || d.CaptureReferenceID != a.ref || d.CaptureAmount != a.amount {
		w.fail("answer", "authorization %s of %v has a capture that nobody asked for: %+v", a.id, a.amount, d)
	}
	w.newCapture(a, d, "")
}

func (w *world) newCapture(a *authorization, d *amazonpay.Capture, sim string) *capture {
	if !w.sandbox() {
		sim = ""
	}
	c := &capture{object: object{"capture", string(d.AmazonCaptureID), a.seller, d.CaptureStatus.State, d.CaptureStatus.ReasonCode, d.CreationTimestamp},
		authorization: a, ref: d.CaptureReferenceID, amount: d.CaptureAmount, sim: sim}
	m, late := a.order.methods, c.born.Sub(a.born) > w.rules.window
	label := c.label()
	allowed := label == "Completed" && !late && sim == "" || label == "Pending" && (late || sim == "pending") ||
		sim != "" && label == simulations[sim].end ||
		label == "Declined/AmazonRejected" && m[amazonpaytest.CaptureRejected] || label == "Declined/ProcessingFailure" && m[amazonpaytest.CaptureFailing]
	w.must(allowed || !a.born.Equal(c.born) && a.now, &c.object, "how a capture begins")
	if w.byID[c.id] != nil {
		w.fail("answer", "%s is no new id", c.id)
	}
	w.byID[c.id] = c
	w.captures = append(w.captures, c)
	w.must(a.capture == nil || a.capture.state == "Declined", &c.object, "one capture per authorization")
	a.capture, a.tries = c, append(a.tries, c)
	for _, s := range d.ProviderCreditSummaryList {
		w.newCredit(a.seller, s.ProviderCreditID)
	}
	return c
}

func (w *world) newCredit(seller int, id amazonpay.ProviderCreditID) {
	if w.byID[string(id)] != nil {
		return
	}
	d, err := w.clients[seller].GetProviderCreditDetails(context.Background(), amazonpay.GetProviderCreditDetailsRequest{AmazonProviderCreditID: id})
	if err != nil {
		w.fail("answer", "GetProviderCreditDetails: %v", err)
	}
	c := &credit{id: id, seller: seller, amount: d.CreditAmount}
	w.byID[string(id)] = c
	w.credits = append(w.credits, c)
}

func clone(m methods) methods { return maps.Clone(m) }
