package amazonpaytest

import (
	"strconv"
	"time"

	"github.com/amazonpay-go/amazonpay"
)

const (
	authorizationLife = 30 * 24 * time.Hour
	captureWindow     = 7 * 24 * time.Hour
	defaultTimeout    = 1440 // minutes
)

// authorization is an authorization in the books.
type authorization struct {
	id         string
	order      *order
	status     status
	created    time.Time
	reference  string
	note       string
	amount     money
	captured   money
	captureNow bool
	descriptor string
	categories []string
	soft       bool
	timeout    int // minutes; 0 is synchronous
	simulation *simulation
	credits    []share
	counted    int64  // of the agreement's monthly limit, in the ledger's minor units
	month      string // the month it counts in
	captures   []*capture
}

func (f *Fake) findAuthorization(r *request) (*authorization, *refusal) {
	a := f.authorizations[r.get("AmazonAuthorizationId")]
	if a == nil || a.order.seller != r.seller {
		return nil, unknownTransaction(r.get("AmazonAuthorizationId"))
	}
	return a, f.foreign(r)
}

func unknownTransaction(id string) *refusal {
	return refuse("InvalidTransactionId", "The TransactionId %s is invalid.", id)
}

func (f *Fake) authorize(r *request, o *order) ([]node, *refusal) {
	if !o.status.is(amazonpay.StateOpen) {
		return nil, wrongOrderState(o)
	}
	if refused := o.orphaned(); refused != nil {
		return nil, refused
	}
	a, refused := f.newAuthorization(r, o)
	if refused != nil {
		return nil, refused
	}
	f.authorizeNow(a)
	return []node{el("AuthorizeResult", f.authorizationNode(a, true))}, nil
}

// newAuthorization checks amounts and counts, and makes an authorization that
// is not in the books yet.
func (f *Fake) newAuthorization(r *request, o *order) (*authorization, *refusal) {
	amount := r.money("AuthorizationAmount")
	most := amount.most()
	if amount.currency == "JPY" {
		most += money{minor: most, currency: "JPY"}.surplus() // as the Japanese page says
	}
	if amount.minor > most {
		return nil, tooMuch(amount)
	}
	if amount.currency != o.total.currency {
		return nil, refuse("CurrencyMismatch", "The currency %s differs from that of the order total.", amount.currency)
	}
	if len(o.authorizations) >= authorizationsOnMost {
		return nil, refuse("TransactionCountExceeded", "The OrderReference %s has %d authorizations already.", o.id, authorizationsOnMost)
	}
	if o.bound()+amount.minor > o.total.minor+o.total.surplus() {
		return nil, tooMuch(amount)
	}
	shares, refused := f.shares(r, "ProviderCreditList.member", "CreditAmount", amount)
	if refused != nil {
		return nil, refused
	}
	a := &authorization{
		order: o, created: f.now, amount: amount, captured: money{currency: amount.currency, text: "0"},
		reference: r.get("AuthorizationReferenceId"), note: r.get("SellerAuthorizationNote"),
		captureNow: r.flag("CaptureNow", false), descriptor: r.get("SoftDescriptor"),
		categories: r.list("OrderItemCategories.OrderItemCategory"),
		timeout:    defaultTimeout, credits: shares,
	}
	if n, err := strconv.Atoi(r.get("TransactionTimeout")); err == nil {
		a.timeout = n
	}
	if s, ok := r.simulated("SellerAuthorizationNote"); ok {
		a.simulation = &s
	}
	return a, f.checkMonth(a)
}

// checkMonth counts the authorization against the agreement's limit of the
// calendar month.
func (f *Fake) checkMonth(a *authorization) *refusal {
	parent := a.order.parent
	if parent == nil {
		return nil
	}
	a.month, a.counted = monthKey(f.now), a.amount.converted(f.ledgerIn).minor
	limit, spent := moneyOf(f.settings.MonthlyLimit), parent.spent[a.month]
	if spent+a.counted > limit.minor {
		start, end := month(f.now)
		return refuse("PeriodicAmountExceeded", "BillingAgreement %s has already been authorized for amount %s in time period %s - %s. "+
			"A new authorization with amount %s cannot be accepted as the total authorization amount cannot exceed %s.",
			parent.id, money{minor: spent, currency: limit.currency}.amount(), start.Format(time.RFC3339), end.Format(time.RFC3339),
			a.amount.amount(), limit.amount())
	}
	return nil
}

// bound is what the order's money is bound by: what has been captured and what
// still may be.
func (o *order) bound() int64 {
	var sum int64
	for _, a := range o.authorizations {
		if a.status.is(amazonpay.StatePending, amazonpay.StateOpen) {
			sum += a.amount.minor
			continue
		}
		sum += a.taken()
	}
	return sum
}

// taken is what has been captured of an authorization, or is about to be.
func (a *authorization) taken() int64 {
	var sum int64
	for _, c := range a.captures {
		if c.took() {
			sum += c.amount.minor
		}
	}
	return sum
}

// authorizeNow enters an authorization into the books and decides it, or lets
// it wait for its decision.
func (f *Fake) authorizeNow(a *authorization) {
	a.id, a.status.of = f.newPart(a.order.id, "A"), a
	f.authorizations[a.id] = a
	f.made.authorizations = append(f.made.authorizations, a)
	a.order.authorizations = append(a.order.authorizations, a)
	if parent := a.order.parent; parent != nil {
		parent.spent[a.month] += a.counted
	}
	f.move(&a.status, amazonpay.StatePending, "")
	v := f.verdictOn(a)
	if a.timeout == 0 {
		f.decide(a, v)
		return
	}
	wait, limit := f.settings.AuthorizationDelay, time.Duration(a.timeout)*time.Minute
	if v.never || wait > limit {
		v, wait = verdict{state: amazonpay.StateDeclined, reason: amazonpay.ReasonTransactionTimedOut}, limit
	}
	f.after(wait, "authorization is decided", a.id, func() bool { return a.status.is(amazonpay.StatePending) }, func() { f.decide(a, v) })
}

// verdictOn decides by the simulation or else by the payment method as it is
// at the request: a later change does not help an earlier authorization.
func (f *Fake) verdictOn(a *authorization) verdict {
	if a.simulation != nil {
		return a.simulation.verdict()
	}
	wallet := &a.order.wallet
	if a.order.charge {
		wallet = &a.order.parent.wallet // which remembers the soft declines
	}
	return wallet.judge(a.timeout == 0)
}

// decide ends the wait of an authorization, unless it was closed meanwhile.
func (f *Fake) decide(a *authorization, v verdict) {
	if !a.status.is(amazonpay.StatePending) {
		return
	}
	f.move(&a.status, v.state, v.reason)
	switch v.state {
	case amazonpay.StateOpen:
		if a.captureNow {
			f.captureAtOnce(a)
		}
		if !a.status.is(amazonpay.StateOpen) {
			return
		}
		// It lives from the request on, whenever it was decided.
		life := a.created.Add(f.settings.AuthorizationLife).Sub(f.now)
		if v.expire > 0 {
			life = time.Duration(v.expire) * time.Minute
		}
		f.after(max(0, life), "authorization is closed: ExpiredUnused", a.id, func() bool { return a.status.is(amazonpay.StateOpen) },
			func() { f.move(&a.status, amazonpay.StateClosed, amazonpay.ReasonExpiredUnused) })
	case amazonpay.StateDeclined:
		a.soft = v.soft
		if parent := a.order.parent; parent != nil {
			parent.spent[a.month] -= a.counted
		}
		f.decline(a, v)
	case amazonpay.StateClosed:
		// By Amazon, before it was ever open: nothing is reserved.
		if parent := a.order.parent; parent != nil {
			parent.spent[a.month] -= a.counted
		}
	}
}

// decline does to the order reference and the agreement what a declined
// authorization does to them.
func (f *Fake) decline(a *authorization, v verdict) {
	o, parent := a.order, a.order.parent
	switch v.reason {
	case amazonpay.ReasonAmazonRejected:
		if o.status.is(amazonpay.StateOpen) && !o.charge {
			f.move(&o.status, amazonpay.StateClosed, amazonpay.ReasonAmazonClosed)
		}
	case amazonpay.ReasonInvalidPaymentMethod:
		if o.status.is(amazonpay.StateOpen) && !o.charge {
			f.move(&o.status, amazonpay.StateSuspended, amazonpay.ReasonInvalidPaymentMethod)
			o.stale = o.stale || !v.soft
		}
		if parent != nil && parent.status.is(amazonpay.StateOpen) {
			f.move(&parent.status, amazonpay.StateSuspended, amazonpay.ReasonInvalidPaymentMethod)
			parent.stale = parent.stale || !v.soft
		}
		if v.repair > 0 {
			f.after(time.Duration(v.repair)*time.Minute, "payment method is good again", o.id, nil, func() {
				f.reopenOrder(o)
				if parent != nil && !parent.deleted {
					f.reopen(parent)
				}
			})
		}
	}
}

// closeAuthorizations is what canceling an order reference does.
func (f *Fake) closeAuthorizations(o *order) {
	for _, a := range o.authorizations {
		if a.status.is(amazonpay.StatePending, amazonpay.StateOpen) {
			f.move(&a.status, amazonpay.StateClosed, amazonpay.ReasonOrderReferenceCanceled)
		}
	}
}

func (f *Fake) getAuthorizationDetails(r *request, a *authorization) ([]node, *refusal) {
	return []node{el("GetAuthorizationDetailsResult", f.authorizationNode(a, false))}, nil
}

// authorizationNode renders an authorization. In the answer to the request
// itself the captured amount is 0, even if CaptureNow has captured it all: so
// it has been recorded.
func (f *Fake) authorizationNode(a *authorization, fresh bool) node {
	captured := a.captured
	if fresh {
		captured = money{currency: a.amount.currency, text: "0"}
	}
	ids := make([]string, len(a.captures))
	for i, c := range a.captures {
		ids[i] = c.id
	}
	good := a.status.is(amazonpay.StateOpen) || a.status.reason == amazonpay.ReasonMaxCapturesProcessed
	return el("AuthorizationDetails",
		tx("AmazonAuthorizationId", a.id), tx("AuthorizationReferenceId", a.reference),
		when(good && f.strong(), addressNode("AuthorizationBillingAddress", homes[f.settings.Region])),
		tx("SellerAuthorizationNote", a.note),
		priced("AuthorizationAmount", a.amount), priced("CapturedAmount", captured),
		priced("AuthorizationFee", money{currency: a.amount.currency}),
		list("IdList", "member", ids),
		stamp("CreationTimestamp", a.created), stamp("ExpirationTimestamp", a.created.Add(authorizationLife)),
		a.status.node("AuthorizationStatus"),
		when(a.status.reason == amazonpay.ReasonInvalidPaymentMethod, flag("SoftDecline", a.soft)),
		flag("CaptureNow", a.captureNow), f.descriptorNode(a.descriptor),
		when(good && f.settings.AllowListed, tx("AddressVerificationCode", "AddressAndPostalCodeMatch")),
		when(len(a.categories) > 0, list("OrderItemCategories", "OrderItemCategory", a.categories)))
}

// descriptorNode is the text on the buyer's statement.
func (f *Fake) descriptorNode(text string) node {
	if text == "" {
		text = "Fake Seller amzn.com/pmts WA"
	}
	return tx("SoftDescriptor", "AMZ*"+text)
}

func (f *Fake) closeAuthorization(r *request, a *authorization) ([]node, *refusal) {
	reason := r.get("ClosureReason")
	if done(a.status, amazonpay.StateClosed, amazonpay.ReasonSellerClosed, reason) {
		r.replay = true
		return []node{el("CloseAuthorizationResult")}, nil
	}
	if !a.status.is(amazonpay.StatePending, amazonpay.StateOpen) {
		return nil, wrongAuthorizationState(a)
	}
	f.move(&a.status, amazonpay.StateClosed, amazonpay.ReasonSellerClosed, reason)
	return []node{el("CloseAuthorizationResult")}, nil
}

func wrongAuthorizationState(a *authorization) *refusal {
	return refuse("InvalidAuthorizationStatus", "The Authorization %s is %s; the operation is not allowed.", a.id, a.status.state)
}
