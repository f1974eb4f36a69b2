package amazonpaytest

import (
	"strings"
	"time"

	"github.com/amazonpay-go/amazonpay"
)

const (
	orderLife            = 180 * 24 * time.Hour
	authorizationsOnMost = 10 // one page says 25; a fake takes the tighter limit
	immediateWindow      = 60 * time.Minute
)

// attributes are the seller's description of an order.
type attributes struct {
	sellerOrderID string
	store         string
	custom        string
	supplementary string
	categories    []string
}

// order is an order reference in the books.
type order struct {
	id      string
	serial  int    // in the order of making
	filed   string // the seller's id under which it is filed
	status  status
	created time.Time
	parent  *agreement // nil for a one-time order
	charge  bool       // made, and closed again, by AuthorizeOnBillingAgreement
	visit
	attributes

	total      money
	note       string
	platform   string
	pspID      string
	pspOrderID string
	challenge  bool // RequestPaymentAuthorization
	simulated  bool // the constraint of a simulation string

	authorizations []*authorization
}

// OrderReference is the buyer's side of an order reference, and Amazon's.
type OrderReference struct {
	fake *Fake
	o    *order
}

// NewOrderReference is a buyer who signed in for a one-time payment and picked
// an address and a payment method in the widgets: the order reference is a
// Draft without an amount.
func (f *Fake) NewOrderReference() *OrderReference { return f.NewOrderReferenceWith(Checkout{}) }

// NewOrderReferenceWith is [Fake.NewOrderReference] for a certain buyer. It
// panics on a seller that the settings do not know.
func (f *Fake) NewOrderReferenceWith(checkout Checkout) *OrderReference {
	return f.OrderReference(amazonpay.OrderReferenceID(f.must(checkout.act("NewOrderReference")).ID))
}

// OpenOrderReference is an order reference of that total that your server
// confirmed: it is Open, and may be authorized. It panics on a total that the
// fake would not take.
func (f *Fake) OpenOrderReference(total amazonpay.Price) *OrderReference {
	return f.OrderReference(amazonpay.OrderReferenceID(f.must(Act{Do: "OpenOrderReference", Amount: total}).ID))
}

func (f *Fake) newOrder(v visit, parent *agreement) *order {
	o := &order{id: f.newID("P", "S"), serial: f.serial, created: f.now, visit: v, parent: parent}
	o.status = status{state: amazonpay.StateDraft, of: o}
	return o
}

// enter puts an order reference into the books and lets its time run.
func (f *Fake) enter(o *order) {
	f.orders[o.id] = o
	f.made.orders = append(f.made.orders, o)
	f.file(o)
	if o.parent != nil {
		o.parent.orders = append(o.parent.orders, o)
	}
	if o.status.is(amazonpay.StateDraft) {
		f.after(draftLife, "draft is canceled: Stale", o.id, func() bool { return o.status.is(amazonpay.StateDraft) },
			func() { f.move(&o.status, amazonpay.StateCanceled, amazonpay.ReasonStale) })
	}
	if o.charge {
		return // it is closed in a moment
	}
	f.after(orderLife, "order reference is closed: Expired", o.id,
		func() bool { return o.status.is(amazonpay.StateOpen, amazonpay.StateSuspended) },
		func() { f.move(&o.status, amazonpay.StateClosed, amazonpay.ReasonExpired) })
}

// childOrder is an order reference of an agreement: buyer, address and payment
// method are copied.
func (f *Fake) childOrder(a *agreement, inherit bool) *order {
	v := a.visit
	v.confirmed = false
	if !inherit {
		v.address, v.widget, v.physical = amazonpay.Address{}, amazonpay.Address{}, false
	}
	return f.newOrder(v, a)
}

// OrderReference is a handle on an order reference that the fake has made, for
// example by AuthorizeOnBillingAgreement; nil if there is none of that id.
func (f *Fake) OrderReference(id amazonpay.OrderReferenceID) *OrderReference {
	f.mu.Lock()
	defer f.mu.Unlock()
	if o := f.orders[string(id)]; o != nil {
		return &OrderReference{f, o}
	}
	return nil
}

// ID is the order reference's id, as the widget hands it to the seller.
func (o *OrderReference) ID() amazonpay.OrderReferenceID { return amazonpay.OrderReferenceID(o.o.id) }

// AccessToken is the buyer's token, which shows the full address before
// confirmation. It lives for an hour of the business clock; after that, the
// buyer has signed in again and it is another.
func (o *OrderReference) AccessToken() string {
	return o.fake.must(Act{Do: "AccessToken", ID: o.o.id}).Token
}

// State is where the order reference stands, and why.
func (o *OrderReference) State() (amazonpay.State, amazonpay.Reason) {
	o.fake.mu.Lock()
	defer o.fake.mu.Unlock()
	return o.o.status.state, o.o.status.reason
}

// act does something to the order reference; to one that has come to its end,
// nothing.
func (o *OrderReference) act(a Act) *OrderReference {
	a.ID = o.o.id
	o.fake.try(a)
	return o
}

// ChoosePaymentMethod picks a payment method in your Wallet widget. Once the
// order reference is confirmed, the choice counts from the next
// ConfirmOrderReference on. Like all that follows, it does nothing to an order
// reference that is Canceled or Closed, and returns the order reference.
func (o *OrderReference) ChoosePaymentMethod(m PaymentMethod) *OrderReference {
	return o.act(Act{Do: "ChoosePaymentMethod", Payment: m})
}

// UpdatePaymentMethod changes the payment method on Amazon's own site: a
// suspended order reference returns to Open by itself.
func (o *OrderReference) UpdatePaymentMethod(m PaymentMethod) *OrderReference {
	return o.act(Act{Do: "UpdatePaymentMethod", Payment: m})
}

// ChangeAddress picks another address in your AddressBook widget. Once the
// order reference is confirmed, it counts from the next ConfirmOrderReference
// on.
func (o *OrderReference) ChangeAddress(address amazonpay.Address) *OrderReference {
	return o.act(Act{Do: "ChangeAddress", Address: &address})
}

// AmazonClose lets Amazon stop the order: Closed, AmazonClosed. Nothing happens
// to a draft, which is canceled or goes stale.
func (o *OrderReference) AmazonClose() *OrderReference {
	return o.act(Act{Do: "AmazonClose"})
}

// AmazonCancel lets Amazon cancel the order: Canceled, AmazonCanceled, and its
// authorizations are closed.
func (o *OrderReference) AmazonCancel() *OrderReference {
	return o.act(Act{Do: "AmazonCancel"})
}

func (f *Fake) reopenOrder(o *order) {
	o.stale = false
	if o.method == NotAllowed {
		f.suspend(&o.status)
		return
	}
	if o.status.is(amazonpay.StateSuspended) {
		f.move(&o.status, amazonpay.StateOpen, "")
	}
}

func (f *Fake) findOrder(r *request) (*order, *refusal) {
	id := r.get("AmazonOrderReferenceId")
	o := f.orders[id]
	if o == nil || o.seller != r.seller {
		return nil, refuse("InvalidOrderReferenceId", "The OrderReferenceId %s is invalid.", id)
	}
	return o, f.foreign(r)
}

func (o *order) constraints() []string {
	ids := o.visit.constraints()
	if o.total.minor == 0 {
		ids = append(ids, "AmountNotSet")
	} else if o.currency != "" && o.currency != o.total.currency {
		ids = append(ids, "CurrencyMismatch")
	}
	if o.simulated {
		ids = append(ids, "PaymentMethodNotAllowed")
	}
	return ids
}

// describe takes an order's description over from the parameters.
func (r *request) describe(a *attributes, prefix string) {
	prefix += "SellerOrderAttributes."
	r.keep(&a.sellerOrderID, prefix+"SellerOrderId")
	r.keep(&a.store, prefix+"StoreName")
	r.keep(&a.custom, prefix+"CustomInformation")
	r.keep(&a.supplementary, prefix+"SupplementaryData")
	if categories := r.list(prefix + "OrderItemCategories.OrderItemCategory"); len(categories) > 0 {
		a.categories = categories
	}
}

func (f *Fake) setOrderReferenceDetails(r *request, o *order) ([]node, *refusal) {
	if !o.status.is(amazonpay.StateDraft) {
		return nil, notModifiable(o)
	}
	const prefix = "OrderReferenceAttributes."
	total := r.money(prefix + "OrderTotal")
	if total.minor > total.most() {
		return nil, tooMuch(total)
	}
	o.total = total
	f.describeOrder(r, o, prefix)
	return []node{el("SetOrderReferenceDetailsResult", f.orderNode(o, shown{}))}, nil
}

func (f *Fake) describeOrder(r *request, o *order, prefix string) {
	if r.has(prefix + "SellerNote") { // a simulated constraint goes with the note that carried it
		o.note = r.get(prefix + "SellerNote")
		_, o.simulated = r.simulated(prefix + "SellerNote")
	}
	r.keep(&o.platform, prefix+"PlatformId")
	o.challenge = r.flag(prefix+"RequestPaymentAuthorization", o.challenge)
	r.describe(&o.attributes, prefix)
	f.file(o)
}

// file lets an order reference in the books be found by the seller's id.
func (f *Fake) file(o *order) {
	if f.orders[o.id] == o && o.filed != o.sellerOrderID {
		o.filed = o.sellerOrderID
		f.filed[o.filed] = append(f.filed[o.filed], o)
	}
}

func notModifiable(o *order) *refusal {
	return refuse("OrderReferenceNotModifiable", "OrderReference %s is not in draft state and cannot be modified with the request submitted by you.", o.id)
}

func tooMuch(m money) *refusal {
	return refuse("TransactionAmountExceeded", "The amount %s %s is above the allowed total.", m.amount(), m.currency)
}

func (f *Fake) setOrderAttributes(r *request, o *order) ([]node, *refusal) {
	const prefix = "OrderAttributes."
	draft := o.status.is(amazonpay.StateDraft)
	if !draft && (!o.status.is(amazonpay.StateOpen, amazonpay.StateSuspended) || !r.onlyAdds(o, prefix)) {
		return nil, notModifiable(o)
	}
	total := r.money(prefix + "OrderTotal")
	if total.minor > total.most() {
		return nil, tooMuch(total)
	}
	if draft && total.minor > 0 {
		o.total = total
	}
	f.describeOrder(r, o, prefix)
	r.keep(&o.pspID, prefix+"PaymentServiceProviderAttributes.PaymentServiceProviderId")
	r.keep(&o.pspOrderID, prefix+"PaymentServiceProviderAttributes.PaymentServiceProviderOrderId")
	details := f.orderNode(o, shown{})
	details.kids = append(details.kids, o.buyerNode(o.confirmed), f.authenticationNode(o))
	return []node{el("SetOrderAttributesResult", details)}, nil
}

// onlyAdds tells whether a request leaves alone what is set: after the
// confirmation, attributes may be added but not changed.
func (r *request) onlyAdds(o *order, prefix string) bool {
	if r.has(prefix+"OrderTotal.Amount") || r.has(prefix+"RequestPaymentAuthorization") {
		return false
	}
	for name, present := range map[string]string{
		"SellerNote":                                                     o.note,
		"PlatformId":                                                     o.platform,
		"SellerOrderAttributes.SellerOrderId":                            o.sellerOrderID,
		"SellerOrderAttributes.StoreName":                                o.store,
		"SellerOrderAttributes.CustomInformation":                        o.custom,
		"SellerOrderAttributes.SupplementaryData":                        o.supplementary,
		"PaymentServiceProviderAttributes.PaymentServiceProviderId":      o.pspID,
		"PaymentServiceProviderAttributes.PaymentServiceProviderOrderId": o.pspOrderID,
	} {
		if r.has(prefix+name) && present != "" && present != r.get(prefix+name) {
			return false
		}
	}
	categories := r.list(prefix + "SellerOrderAttributes.OrderItemCategories.OrderItemCategory")
	return len(categories) == 0 || len(o.categories) == 0
}

func (f *Fake) getOrderReferenceDetails(r *request, o *order) ([]node, *refusal) {
	token, refused := f.tokenOf(&o.visit, r)
	if refused != nil {
		return nil, refused
	}
	details := f.orderNode(o, token)
	full := o.confirmed || token.address
	details.kids = append(details.kids, o.buyerNode(full), f.authenticationNode(o),
		when(full && f.strong(), el("PaymentReference", tx("StaticToken", "fake-token-"+o.id))),
		when(full && f.settings.AllowListed, el("PaymentDescriptor",
			tx("Name", "Visa"), tx("AccountNumberTail", "11"),
			tx("FullDescriptor", "Amazon Pay (Visa **11)"), flag("UseAmazonBalanceFirst", false))))
	return []node{el("GetOrderReferenceDetailsResult", details)}, nil
}

// authenticationNode is empty where there is nothing to say.
func (f *Fake) authenticationNode(o *order) node {
	return el("PaymentAuthenticationStatus", when(o.challenge && f.strong(), tx("State", "REQUIRED")))
}

// strong tells the European host: its regions have strong customer
// authentication and several currencies.
func (f *Fake) strong() bool {
	return f.settings.Region == amazonpay.RegionUK || f.settings.Region == amazonpay.RegionEU
}

func (f *Fake) orderNode(o *order, token shown) node {
	full := o.confirmed || token.address
	ids := make([]string, len(o.authorizations))
	for i, a := range o.authorizations {
		ids[i] = a.id
	}
	parent := node{}
	if o.parent != nil {
		parent = el("ParentDetails", tx("Type", "BillingAgreement"), tx("Id", o.parent.id))
	}
	constraints := o.constraints()
	if o.status.is(amazonpay.StateSuspended) && o.stale {
		// Real suspended orders carry this one.
		constraints = append(constraints, "PaymentPlanNotSet")
	}
	if o.status.is(amazonpay.StateCanceled, amazonpay.StateClosed) {
		constraints = nil
	}
	return el("OrderReferenceDetails",
		tx("AmazonOrderReferenceId", o.id),
		when(o.total.minor > 0, priced("OrderTotal", o.total)),
		opt("SellerNote", o.note), opt("PlatformId", o.platform),
		o.destination(full), f.billingAddress(full, token.billing),
		f.releaseNode(),
		o.attributes.node(),
		when(o.pspID+o.pspOrderID != "", el("PaymentServiceProviderAttributes",
			opt("PaymentServiceProviderId", o.pspID), opt("PaymentServiceProviderOrderId", o.pspOrderID))),
		o.status.node("OrderReferenceStatus"),
		constraintNodes(constraints),
		stamp("CreationTimestamp", o.created), stamp("ExpirationTimestamp", o.created.Add(orderLife)),
		parent, list("IdList", "member", ids),
		tx("OrderLanguage", languages[f.settings.Region]),
		flag("RequestPaymentAuthorization", o.challenge))
}

func (a attributes) node() node {
	return el("SellerOrderAttributes",
		opt("SellerOrderId", a.sellerOrderID), opt("StoreName", a.store), opt("CustomInformation", a.custom),
		when(len(a.categories) > 0, list("OrderItemCategories", "OrderItemCategory", a.categories)),
		opt("SupplementaryData", a.supplementary))
}

func (f *Fake) confirmOrderReference(r *request, o *order) ([]node, *refusal) {
	if refused := f.confirmOrder(o); refused != nil {
		return nil, refused
	}
	f.await(&o.visit, r)
	if r.flag("ExpectImmediateAuthorization", false) {
		f.after(immediateWindow, "order reference is closed: Expired, no authorization was made", o.id,
			func() bool { return o.status.is(amazonpay.StateOpen) && len(o.authorizations) == 0 },
			func() { f.move(&o.status, amazonpay.StateClosed, amazonpay.ReasonExpired) })
	}
	return nil, nil // this answer has no result element
}

func (f *Fake) confirmOrder(o *order) *refusal {
	if !o.status.is(amazonpay.StateDraft, amazonpay.StateOpen, amazonpay.StateSuspended) {
		return wrongOrderState(o)
	}
	if refused := o.orphaned(); refused != nil {
		return refused
	}
	if ids := o.constraints(); len(ids) > 0 {
		return refuse("ConstraintsExist", "The OrderReferenceId %s has constraints %s and cannot be confirmed.", o.id, strings.Join(ids, ", "))
	}
	if o.status.is(amazonpay.StateSuspended) && o.stale {
		return refuse("PaymentMethodNotUpdated", "The payment method of the OrderReference %s has not been updated.", o.id)
	}
	o.confirm()
	if !o.status.is(amazonpay.StateOpen) {
		f.move(&o.status, amazonpay.StateOpen, "")
	}
	return nil
}

// orphaned refuses what needs the order reference's agreement to be Open:
// nothing new is confirmed or authorized on one that is not.
func (o *order) orphaned() *refusal {
	if o.parent == nil || o.parent.status.is(amazonpay.StateOpen) {
		return nil
	}
	return refuse("InvalidOrderReferenceStatus", "The BillingAgreement %s of the OrderReference %s is %s; the operation is not allowed.",
		o.parent.id, o.id, o.parent.status.state)
}

func wrongOrderState(o *order) *refusal {
	return refuse("InvalidOrderReferenceStatus", "The OrderReference %s is %s; the operation is not allowed.", o.id, o.status.state)
}

func (f *Fake) cancelOrderReference(r *request, o *order) ([]node, *refusal) {
	answer := []node{el("CancelOrderReferenceResult")}
	reason := r.get("CancelationReason")
	if done(o.status, amazonpay.StateCanceled, amazonpay.ReasonSellerCanceled, reason) {
		r.replay = true
		return answer, nil
	}
	if !o.status.is(amazonpay.StateOpen, amazonpay.StateSuspended) {
		return nil, wrongOrderState(o)
	}
	for _, a := range o.authorizations {
		for _, c := range a.captures {
			if c.status.is(amazonpay.StateCompleted, amazonpay.StateClosed, amazonpay.StatePending) {
				return nil, refuse("InvalidCancelAttempt", "The OrderReference %s has captures and cannot be canceled.", o.id)
			}
		}
	}
	f.move(&o.status, amazonpay.StateCanceled, amazonpay.ReasonSellerCanceled, reason)
	f.closeAuthorizations(o)
	return answer, nil
}

func (f *Fake) closeOrderReference(r *request, o *order) ([]node, *refusal) {
	reason, text := amazonpay.ReasonSellerClosed, r.get("ClosureReason")
	if _, simulated := r.simulated("ClosureReason"); simulated {
		reason = amazonpay.ReasonAmazonClosed
	}
	if done(o.status, amazonpay.StateClosed, reason, text) {
		r.replay = true
		return nil, nil
	}
	if !o.status.is(amazonpay.StateOpen, amazonpay.StateSuspended) {
		return nil, refuse("InvalidCloseAttempt", "The OrderReference %s is %s and cannot be closed.", o.id, o.status.state)
	}
	f.move(&o.status, amazonpay.StateClosed, reason, text)
	return nil, nil // this answer has been recorded without a result element
}

func (f *Fake) createOrderReferenceForID(r *request, a *agreement) ([]node, *refusal) {
	switch {
	case a.status.is(amazonpay.StateDraft) && len(a.orders) > 0:
		return nil, refuse("OrderReferenceCountExceeded", "The BillingAgreement %s is a draft and has its order reference already.", a.id)
	case !a.status.is(amazonpay.StateDraft, amazonpay.StateOpen), a.status.is(amazonpay.StateDraft) && r.flag("ConfirmNow", false):
		return nil, wrongAgreementState(a)
	}
	const prefix = "OrderReferenceAttributes."
	total := r.money(prefix + "OrderTotal")
	if total.minor > total.most() {
		return nil, tooMuch(total)
	}
	if r.flag("ConfirmNow", false) && total.minor == 0 {
		return nil, refuse("InvalidParameterValue", "Missing required parameter: %sOrderTotal.Amount.", prefix)
	}
	// The sources differ on what leaving InheritShippingAddress out means; the
	// newest page and the sandbox say false.
	o := f.childOrder(a, r.flag("InheritShippingAddress", false))
	o.total = total
	f.describeOrder(r, o, prefix)
	r.keep(&o.supplementary, prefix+"SupplementaryData")
	if r.flag("ConfirmNow", false) {
		if refused := f.confirmOrder(o); refused != nil {
			return nil, refused
		}
	}
	f.enter(o)
	details := f.orderNode(o, shown{})
	details.kids = append(details.kids, o.buyerNode(a.confirmed))
	return []node{el("CreateOrderReferenceForIdResult", details)}, nil
}
