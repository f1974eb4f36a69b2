package amazonpaytest

import (
	"strings"
	"time"

	"github.com/amazonpay-go/amazonpay"
)

// draftLife is how long an agreement or an order reference waits for its
// confirmation.
const draftLife = 3 * time.Hour

// agreement is a billing agreement in the books.
type agreement struct {
	id      string
	status  status
	created time.Time
	consent bool
	visit

	platform     string
	note         string
	sellerID     string // the seller's own id of the agreement
	store        string
	custom       string
	kind         string // BillingAgreementType
	subscription money

	orders []*order
	spent  map[string]int64 // by month, in minor units of the ledger's currency
}

// BillingAgreement is the buyer's side of a billing agreement, and Amazon's: it
// does what no call of the API can.
type BillingAgreement struct {
	fake *Fake
	a    *agreement
}

// NewBillingAgreement is a buyer who signed in and picked an address and a
// payment method in the widgets: the agreement is a Draft without consent.
func (f *Fake) NewBillingAgreement() *BillingAgreement { return f.NewBillingAgreementWith(Checkout{}) }

// NewBillingAgreementWith is [Fake.NewBillingAgreement] for a certain buyer. It
// panics on a seller that the settings do not know.
func (f *Fake) NewBillingAgreementWith(checkout Checkout) *BillingAgreement {
	return f.BillingAgreement(amazonpay.BillingAgreementID(f.must(checkout.act("NewBillingAgreement")).ID))
}

func (f *Fake) newAgreement(v visit) *agreement {
	a := &agreement{
		visit: v, id: f.newID("B", "C"), created: f.now,
		status: status{state: amazonpay.StateDraft}, spent: make(map[string]int64),
	}
	a.status.of = a
	f.agreements[a.id] = a
	f.made.agreements = append(f.made.agreements, a)
	f.after(draftLife, "draft is canceled: Stale", a.id, func() bool { return a.status.is(amazonpay.StateDraft) },
		func() { f.cancelAgreement(a, amazonpay.ReasonStale) })
	return a
}

// cancelAgreement cancels what hangs on the agreement, too.
func (f *Fake) cancelAgreement(a *agreement, reason amazonpay.Reason) {
	f.move(&a.status, amazonpay.StateCanceled, reason)
	for _, o := range a.orders {
		if o.status.is(amazonpay.StateDraft, amazonpay.StateOpen, amazonpay.StateSuspended) {
			f.move(&o.status, amazonpay.StateCanceled, reason)
		}
		f.closeAuthorizations(o)
	}
}

// OpenBillingAgreement is a billing agreement that the buyer consented to and
// your server confirmed: it is Open, and may be charged.
func (f *Fake) OpenBillingAgreement() *BillingAgreement {
	return f.BillingAgreement(amazonpay.BillingAgreementID(f.must(Act{Do: "OpenBillingAgreement"}).ID))
}

// BillingAgreement is a handle on an agreement that the fake has made; nil if
// there is none of that id.
func (f *Fake) BillingAgreement(id amazonpay.BillingAgreementID) *BillingAgreement {
	f.mu.Lock()
	defer f.mu.Unlock()
	if a := f.agreements[string(id)]; a != nil {
		return &BillingAgreement{f, a}
	}
	return nil
}

// ID is the agreement's id, as the widget hands it to the seller.
func (b *BillingAgreement) ID() amazonpay.BillingAgreementID {
	return amazonpay.BillingAgreementID(b.a.id)
}

// AccessToken is the buyer's token, which shows the full address before
// confirmation. It lives for an hour of the business clock; after that, the
// buyer has signed in again and it is another.
func (b *BillingAgreement) AccessToken() string {
	return b.fake.must(Act{Do: "AccessToken", ID: b.a.id}).Token
}

// State is where the agreement stands, and why.
func (b *BillingAgreement) State() (amazonpay.State, amazonpay.Reason) {
	b.fake.mu.Lock()
	defer b.fake.mu.Unlock()
	return b.a.status.state, b.a.status.reason
}

// act does something to the agreement; to one that has come to its end, nothing.
func (b *BillingAgreement) act(a Act) *BillingAgreement {
	a.ID = b.a.id
	b.fake.try(a)
	return b
}

// Consent ticks the Consent widget. Like all that follows, it does nothing to
// an agreement that is Canceled or Closed, and returns the agreement.
func (b *BillingAgreement) Consent() *BillingAgreement {
	return b.act(Act{Do: "Consent"})
}

// WithdrawConsent takes the tick away again. After confirmation the widget is
// gone, and nothing happens.
func (b *BillingAgreement) WithdrawConsent() *BillingAgreement {
	return b.act(Act{Do: "WithdrawConsent"})
}

// ChoosePaymentMethod picks a payment method in your Wallet widget. Once the
// agreement is confirmed, the choice counts from the next
// ConfirmBillingAgreement on, which also reopens a suspended agreement.
func (b *BillingAgreement) ChoosePaymentMethod(m PaymentMethod) *BillingAgreement {
	return b.act(Act{Do: "ChoosePaymentMethod", Payment: m})
}

// UpdatePaymentMethod changes the payment method on Amazon's own site. It
// counts at once, and a suspended agreement returns to Open by itself.
func (b *BillingAgreement) UpdatePaymentMethod(m PaymentMethod) *BillingAgreement {
	return b.act(Act{Do: "UpdatePaymentMethod", Payment: m})
}

// DeletePaymentMethod removes the payment method from the buyer's account: an
// open agreement is suspended with the constraint PaymentMethodDeleted.
func (b *BillingAgreement) DeletePaymentMethod() *BillingAgreement {
	return b.act(Act{Do: "DeletePaymentMethod"})
}

// ChangeAddress picks another address in your AddressBook widget. Once the
// agreement is confirmed, it counts from the next ConfirmBillingAgreement on.
func (b *BillingAgreement) ChangeAddress(address amazonpay.Address) *BillingAgreement {
	return b.act(Act{Do: "ChangeAddress", Address: &address})
}

// Cancel ends the agreement on Amazon's site: Closed, BuyerClosed. A draft is
// not shown there, and nothing happens to it.
func (b *BillingAgreement) Cancel() *BillingAgreement {
	return b.act(Act{Do: "Cancel"})
}

// AmazonClose lets Amazon end the agreement: Closed, AmazonClosed. A draft has
// nothing to end, and nothing happens to it: it is canceled or goes stale.
func (b *BillingAgreement) AmazonClose() *BillingAgreement {
	return b.act(Act{Do: "AmazonClose"})
}

// AmazonCancel lets Amazon cancel the agreement: Canceled, AmazonCanceled, and
// with it the order references and authorizations that are not through.
func (b *BillingAgreement) AmazonCancel() *BillingAgreement {
	return b.act(Act{Do: "AmazonCancel"})
}

// reopen is what a repaired payment method does.
func (f *Fake) reopen(a *agreement) {
	a.stale, a.deleted = false, false
	if a.method == NotAllowed {
		f.suspend(&a.status)
		return
	}
	if a.status.is(amazonpay.StateSuspended) {
		f.move(&a.status, amazonpay.StateOpen, "")
	}
	if a.status.is(amazonpay.StateOpen) {
		f.changed(a, "PaymentMethodUpdated")
	}
	for _, o := range a.orders {
		if o.status.is(amazonpay.StateSuspended) {
			o.update(a.method)
			f.move(&o.status, amazonpay.StateOpen, "")
		}
	}
}

// suspend is what a payment method does that is no good any more.
func (f *Fake) suspend(s *status) {
	if s.is(amazonpay.StateOpen) {
		f.move(s, amazonpay.StateSuspended, amazonpay.ReasonInvalidPaymentMethod)
	}
}

func (a *agreement) constraints() []string {
	ids := a.visit.constraints()
	if !a.consent {
		ids = append([]string{"BuyerConsentNotSet"}, ids...)
	}
	return ids
}

// findAgreement is the seller's agreement that the request names.
func (f *Fake) findAgreement(r *request) (*agreement, *refusal) {
	id := r.get("AmazonBillingAgreementId") + r.get("Id") // only one of them is a parameter of the operation
	a := f.agreements[id]
	if a == nil || a.seller != r.seller {
		return nil, refuse("InvalidBillingAgreementId", "The BillingAgreementId %s is invalid.", id)
	}
	return a, f.foreign(r)
}

// foreign refuses an object that was found: all of them live in one
// environment.
func (f *Fake) foreign(r *request) *refusal {
	if r.environment != f.settings.Environment {
		return refuse("InternalServerError", "There was an unknown error in the service.")
	}
	return nil
}

func (f *Fake) getBillingAgreementDetails(r *request, a *agreement) ([]node, *refusal) {
	token, refused := f.tokenOf(&a.visit, r)
	if refused != nil {
		return nil, refused
	}
	details := f.agreementNode(a, a.status.untimed(), token)
	details.kids = append(details.kids, a.buyerNode(a.confirmed || token.address))
	return []node{el("GetBillingAgreementDetailsResult", details)}, nil
}

func (f *Fake) releaseNode() node {
	if f.settings.Environment == amazonpay.Sandbox {
		return tx("ReleaseEnvironment", "Sandbox")
	}
	return tx("ReleaseEnvironment", "Live")
}

// month is the calendar month of the monthly limit.
func month(at time.Time) (start, end time.Time) {
	start = time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC)
	return start, start.AddDate(0, 1, 0)
}

func monthKey(at time.Time) string { return at.UTC().Format("2006-01") }

func (f *Fake) agreementNode(a *agreement, s status, token shown) node {
	full := a.confirmed || token.address
	start, end := month(f.now)
	limit := moneyOf(f.settings.MonthlyLimit)
	left := money{minor: limit.minor - a.spent[monthKey(f.now)], currency: limit.currency}
	return el("BillingAgreementDetails",
		tx("AmazonBillingAgreementId", a.id),
		el("BillingAgreementLimits",
			priced("AmountLimitPerTimePeriod", limit),
			stamp("TimePeriodStartDate", start), stamp("TimePeriodEndDate", end),
			priced("CurrentRemainingBalance", left)),
		opt("SellerNote", a.note), opt("PlatformId", a.platform),
		a.destination(full), f.billingAddress(full, token.billing),
		f.releaseNode(),
		when(a.sellerID+a.store+a.custom != "", el("SellerBillingAgreementAttributes",
			opt("SellerBillingAgreementId", a.sellerID), opt("StoreName", a.store), opt("CustomInformation", a.custom))),
		s.node("BillingAgreementStatus"),
		constraintNodes(a.constraints()),
		stamp("CreationTimestamp", a.created),
		flag("BillingAgreementConsent", a.consent),
		tx("OrderLanguage", languages[f.settings.Region]),
		opt("BillingAgreementType", a.kind),
		when(a.subscription.minor > 0, priced("SubscriptionAmount", a.subscription)))
}

func (f *Fake) setBillingAgreementDetails(r *request, a *agreement) ([]node, *refusal) {
	const prefix = "BillingAgreementAttributes."
	only := true // nothing but what the European upgrade of old agreements sends
	given := false
	for name := range r.form {
		if strings.HasPrefix(name, prefix) {
			given = true
			only = only && (name == prefix+"BillingAgreementType" || strings.HasPrefix(name, prefix+"SubscriptionAmount."))
		}
	}
	if !given {
		return nil, refuse("InvalidParameterValue", "BillingAgreementAttributes needs at least one attribute.")
	}
	upgrade := only && a.status.is(amazonpay.StateOpen)
	if !a.status.is(amazonpay.StateDraft) && !upgrade {
		return nil, refuse("BillingAgreementNotModifiable", "The BillingAgreement %s is %s and cannot be modified.", a.id, a.status.state)
	}
	kind := r.get(prefix + "BillingAgreementType")
	amount := r.money(prefix + "SubscriptionAmount")
	if refused := f.checkKind(a, kind, amount); refused != nil {
		return nil, refused
	}
	r.keep(&a.platform, prefix+"PlatformId")
	r.keep(&a.note, prefix+"SellerNote")
	r.keep(&a.sellerID, prefix+"SellerBillingAgreementAttributes.SellerBillingAgreementId")
	r.keep(&a.store, prefix+"SellerBillingAgreementAttributes.StoreName")
	r.keep(&a.custom, prefix+"SellerBillingAgreementAttributes.CustomInformation")
	if kind != "" {
		a.kind = kind
	}
	if kind == "CustomerInitiatedTransaction" {
		a.subscription = money{} // which does not go with it
	}
	if amount.minor > 0 {
		a.subscription = amount
	}
	return []node{el("SetBillingAgreementDetailsResult", f.agreementNode(a, a.status.untimed(), shown{}))}, nil
}

// keep takes a parameter over, if it was sent.
func (r *request) keep(field *string, name string) {
	if r.has(name) {
		*field = r.get(name)
	}
}

// checkKind checks the attributes of strong customer authentication, which
// only the United Kingdom and Europe know.
func (f *Fake) checkKind(a *agreement, kind string, amount money) *refusal {
	if kind == "" && amount.minor == 0 {
		return nil
	}
	if !f.strong() {
		return refuse("InvalidParameterValue", "BillingAgreementType and SubscriptionAmount are not known in this region.")
	}
	if kind != "" && kind != "CustomerInitiatedTransaction" && kind != "MerchantInitiatedTransaction" {
		return refuse("InvalidBillingAgreementType", "The BillingAgreementType %s is invalid.", kind)
	}
	if kind == "" {
		kind = a.kind
	}
	if amount.minor > 0 && kind != "MerchantInitiatedTransaction" {
		return refuse("InvalidSubscriptionAmount", "A SubscriptionAmount goes with MerchantInitiatedTransaction only.")
	}
	return nil
}

func (f *Fake) confirmBillingAgreement(r *request, a *agreement) ([]node, *refusal) {
	if !a.status.is(amazonpay.StateDraft, amazonpay.StateOpen, amazonpay.StateSuspended) {
		return nil, wrongAgreementState(a)
	}
	if ids := a.constraints(); len(ids) > 0 {
		return nil, refuse("BillingAgreementConstraintsExist", "The BillingAgreementId %s has constraints %s and cannot be confirmed.",
			a.id, strings.Join(ids, ", "))
	}
	if a.status.is(amazonpay.StateSuspended) && a.stale {
		return nil, refuse("PaymentMethodNotUpdated", "The payment method of the BillingAgreement %s has not been updated.", a.id)
	}
	if event := a.updated(); event != "" {
		f.changed(a, event)
	}
	a.confirm()
	f.await(&a.visit, r)
	if !a.status.is(amazonpay.StateOpen) {
		f.move(&a.status, amazonpay.StateOpen, "")
	}
	return []node{el("ConfirmBillingAgreementResult")}, nil
}

func wrongAgreementState(a *agreement) *refusal {
	return refuse("InvalidBillingAgreementStatus", "The BillingAgreement %s is %s; the operation is not allowed.", a.id, a.status.state)
}

func (f *Fake) validateBillingAgreement(r *request, a *agreement) ([]node, *refusal) {
	if !a.status.is(amazonpay.StateOpen, amazonpay.StateSuspended) {
		return nil, wrongAgreementState(a)
	}
	result, reason := "Success", ""
	switch {
	case a.status.is(amazonpay.StateSuspended):
		result, reason = "Failure", "InvalidPaymentMethod"
	case a.method == BadCard:
		result, reason = "Failure", "InvalidPaymentMethod"
		a.stale = true
		f.move(&a.status, amazonpay.StateSuspended, amazonpay.ReasonInvalidPaymentMethod)
	case a.method == SlowBank, a.method == SilentBank:
		result, reason = "Failure", "ValidationTimedOut"
	}
	return []node{el("ValidateBillingAgreementResult",
		tx("ValidationResult", result), opt("FailureReasonCode", reason), a.status.node("BillingAgreementStatus"))}, nil
}

func (f *Fake) closeBillingAgreement(r *request, a *agreement) ([]node, *refusal) {
	reason := r.get("ClosureReason")
	if done(a.status, amazonpay.StateClosed, amazonpay.ReasonSellerClosed, reason) {
		r.replay = true
		return []node{el("CloseBillingAgreementResult")}, nil
	}
	if !a.status.is(amazonpay.StateOpen, amazonpay.StateSuspended) {
		return nil, refuse("InvalidCloseAttempt", "The BillingAgreement %s is %s and cannot be closed.", a.id, a.status.state)
	}
	f.move(&a.status, amazonpay.StateClosed, amazonpay.ReasonSellerClosed, reason)
	return []node{el("CloseBillingAgreementResult")}, nil
}

// done tells the repetition of a request that ended an object: it is answered
// like the first.
func done(s status, state amazonpay.State, reason amazonpay.Reason, description string) bool {
	return s.state == state && s.reason == reason && s.description == description
}

func (f *Fake) authorizeOnBillingAgreement(r *request, a *agreement) ([]node, *refusal) {
	if !a.status.is(amazonpay.StateOpen) {
		return nil, wrongAgreementState(a)
	}
	order := f.childOrder(a, r.flag("InheritShippingAddress", true))
	order.charge, order.total = true, r.money("AuthorizationAmount")
	order.note, order.platform = r.get("SellerNote"), r.get("PlatformId")
	r.describe(&order.attributes, "")
	order.confirm()
	f.move(&order.status, amazonpay.StateOpen, "")
	auth, refused := f.newAuthorization(r, order)
	if refused != nil {
		return nil, refused // the order is not entered into the books
	}
	f.enter(order)
	f.authorizeNow(auth)
	f.move(&order.status, amazonpay.StateClosed, amazonpay.ReasonSellerClosed)
	return []node{el("AuthorizeOnBillingAgreementResult",
		f.authorizationNode(auth, true), tx("AmazonOrderReferenceId", order.id))}, nil
}
