package amazonpaytest

import (
	"cmp"
	"slices"
	"strings"

	"github.com/amazonpay-go/amazonpay"
)

// fieldNames splits a list in one text.
func fieldNames(text string) []string { return strings.Fields(text) }

const checkoutFields = "seller buyer address payment currency digital addressMissing paymentMissing buyerIsSeller"

// deeds are all acts. Those that need an id say in their text of what.
var deeds = []deed{
	{name: "NewBillingAgreement", doc: "A buyer signs in and picks an address and a payment method in the widgets: a Draft without consent.", takes: fieldNames(checkoutFields), do: (*Fake).newBillingAgreement},
	{name: "OpenBillingAgreement", doc: "The same, with consent and confirmed: Open.", takes: fieldNames(checkoutFields), do: (*Fake).openBillingAgreement},
	{name: "NewOrderReference", doc: "A buyer signs in for a one-time payment: a Draft without an amount.", takes: fieldNames(checkoutFields), do: (*Fake).newOrderReference},
	{name: "OpenOrderReference", doc: "The same, with a total and confirmed: Open.", needs: fieldNames("amount"), takes: fieldNames(checkoutFields), do: (*Fake).openOrderReference},

	{name: "Consent", doc: "The buyer ticks the Consent widget of a billing agreement.", needs: fieldNames("id"), do: onAgreement(func(_ *Fake, a *agreement) { a.consent = true })},
	{name: "WithdrawConsent", doc: "The buyer takes the tick away; after the confirmation the widget is gone, and nothing happens.", needs: fieldNames("id"),
		do: onAgreement(func(_ *Fake, a *agreement) { a.consent = !a.status.is(amazonpay.StateDraft) && a.consent })},
	{name: "ChoosePaymentMethod", doc: "The buyer picks a payment method in your Wallet widget, for a billing agreement or an order reference. After the confirmation it counts from the next one on. The currency is the Wallet's presentment currency.", needs: fieldNames("id"), takes: fieldNames("payment currency"), do: (*Fake).choosePaymentMethod},
	{name: "UpdatePaymentMethod", doc: "The buyer changes the payment method of a billing agreement or an order reference on Amazon's site. It counts at once, and what is Suspended opens.", needs: fieldNames("id"), takes: fieldNames("payment"), do: (*Fake).updatePaymentMethod},
	{name: "DeletePaymentMethod", doc: "The buyer removes the payment method: an Open billing agreement is Suspended.", needs: fieldNames("id"), do: onAgreement((*Fake).deletePaymentMethod)},
	{name: "ChangeAddress", doc: "The buyer picks another address in your AddressBook widget, for a billing agreement or an order reference. After the confirmation it counts from the next one on.", needs: fieldNames("id address"), do: (*Fake).changeAddress},
	{name: "Cancel", doc: "The buyer ends a billing agreement on Amazon's site: Closed, BuyerClosed. A draft is not shown there, and nothing happens to it.", needs: fieldNames("id"), do: onAgreement((*Fake).buyerCancel)},
	{name: "Authenticate", doc: "The buyer passes (Success), fails (Failure) or leaves (Abandoned) the confirmation page of UK and EU, for a billing agreement or an order reference. The outcome's url is where the browser goes.", needs: fieldNames("id status"), do: (*Fake).authenticateBuyer},

	{name: "AmazonClose", doc: "Amazon closes a confirmed billing agreement or order reference, or a Pending or Open authorization: Closed, AmazonClosed.", needs: fieldNames("id"), do: (*Fake).amazonClose},
	{name: "AmazonCancel", doc: "Amazon cancels a billing agreement or an order reference, and what hangs on it: Canceled, AmazonCanceled.", needs: fieldNames("id"), do: (*Fake).amazonCancel},
	{name: "ApproveAuthorization", doc: "Amazon approves a Pending authorization now: Open, or captured with CaptureNow.", needs: fieldNames("id"), do: (*Fake).approveAuthorization},
	{name: "DeclineAuthorization", doc: "Amazon declines a Pending authorization now, for the reason InvalidPaymentMethod (soft or not), AmazonRejected, ProcessingFailure or TransactionTimedOut.", needs: fieldNames("id reason"), takes: fieldNames("soft"), do: (*Fake).declineAuthorization},
	{name: "CompleteCapture", doc: "A Pending capture takes the money now.", needs: fieldNames("id"), do: (*Fake).completeCapture},
	{name: "DeclineCapture", doc: "A Pending capture is Declined now, AmazonRejected or ProcessingFailure.", needs: fieldNames("id reason"), do: (*Fake).completeCapture},
	{name: "CompleteRefund", doc: "A Pending refund gives the money back now.", needs: fieldNames("id"), do: (*Fake).completeRefund},
	{name: "DeclineRefund", doc: "A Pending refund is Declined now, AmazonRejected or ProcessingFailure.", needs: fieldNames("id reason"), do: (*Fake).completeRefund},

	{name: "Chargeback", doc: "The buyer's bank asks the money of a capture back, or a part of it: a notification says RECEIVED, no money moves yet. The outcome's id is the chargeback's.", needs: fieldNames("id"), takes: fieldNames("amount reason"), do: (*Fake).receiveChargeback},
	{name: "LoseChargeback", doc: "A chargeback is decided for the buyer: the money goes back as a refund of type Chargeback.", needs: fieldNames("id"), do: (*Fake).decideChargeback},
	{name: "WinChargeback", doc: "A chargeback is decided for the seller: nothing moves, nobody is told.", needs: fieldNames("id"), do: (*Fake).decideChargeback},
	{name: "GrantClaim", doc: "Amazon grants the buyer's A-to-z claim on a capture, or a part of it: the money goes back as a refund of type AmazonA-ZGuarantee.", needs: fieldNames("id"), takes: fieldNames("amount"), do: (*Fake).grantClaim},

	{name: "Advance", doc: "The business clock moves on by the duration, and what falls due happens.", needs: fieldNames("duration"), outside: (*Fake).advanceAct},
	{name: "AdvanceTo", doc: "The business clock moves on to a time; to one that has passed it does not.", needs: fieldNames("to"), outside: (*Fake).advanceToAct},
	{name: "Deliver", doc: "Notifications that are due are handed over.", outside: func(f *Fake, _ Act) error { f.Deliver(); return nil }},
	{name: "Inject", doc: "A fault strikes the next requests of an action, or of any.", needs: fieldNames("kind"), takes: fieldNames("action duration times probability"), do: (*Fake).injectAct},
	{name: "Heal", doc: "All faults that have not struck yet are taken back.", do: func(f *Fake, _ Act) (Outcome, error) { f.faults = nil; return Outcome{}, nil }},
	{name: "SetQuota", doc: "The factor by which Amazon's quotas are restored faster than documented; 0 is no quotas.", takes: fieldNames("quota"), do: (*Fake).setQuotaAct},
	{name: "SetServiceStatus", doc: "What GetServiceStatus answers: GREEN, GREEN_I, YELLOW or RED, and a text.", needs: fieldNames("status"), takes: fieldNames("text"), do: (*Fake).setServiceStatus},
	{name: "SetAccountActive", doc: "A seller's account is suspended, or active again.", takes: fieldNames("seller active"), do: (*Fake).setAccountActive},
	{name: "RegisterMerchant", doc: "A merchant signs up with you, a solution provider: a notification brings the seller and the options.", needs: fieldNames("seller"), takes: fieldNames("options"), do: (*Fake).registerMerchant},

	{name: "SetDelivery", doc: "How notifications travel from now on: late by the duration, doubled, reversed, overtaken, lost.", takes: fieldNames("duration duplicates reversed duplicateRate reorderRate lossRate signature"), do: (*Fake).setDeliveryAct},
	{name: "Send", doc: "A notification of your own making goes out.", needs: fieldNames("message"), do: (*Fake).sendAct},
	{name: "SendDraft", doc: "The notification about an object as it stands goes out.", needs: fieldNames("id"), do: (*Fake).sendDraft},
	{name: "Resend", doc: "A notification goes to its receiver once more, by its number in the snapshot.", takes: fieldNames("number"), do: (*Fake).resend},

	{name: "SignIn", doc: "A buyer signs in with Amazon. The outcome's id is the user_id.", takes: fieldNames("buyer"), do: (*Fake).signIn},
	{name: "AuthorizeLogin", doc: "A buyer who has signed in opens your consent address, and allows or denies what it asks for. The outcome's url is where the browser goes.", needs: fieldNames("id url"), takes: fieldNames("allow"), do: (*Fake).authorizeLogin},
	{name: "RevokeLogin", doc: "A buyer removes a client on Amazon's account page: its codes and tokens end.", needs: fieldNames("id client"), do: (*Fake).revokeLogin},
	{name: "AccessToken", doc: "The token that the widgets of a billing agreement or an order reference work with.", needs: fieldNames("id"), do: (*Fake).accessTokenAct},
}

var paymentMethods = []PaymentMethod{
	GoodCard, BadCard, ShortOnce, AlwaysShort, RejectedCard, FailingCard, SlowBank, SilentBank, NotAllowed,
	CaptureRejected, CaptureFailing, RefundRejected, RefundFailing,
}

// PaymentMethods are all payment methods that a buyer may have.
func PaymentMethods() []PaymentMethod { return slices.Clone(paymentMethods) }

func (a Act) checkPayment() error {
	if a.Payment != "" && !slices.Contains(paymentMethods, a.Payment) {
		return a.wrong("payment", "is %q; there are %v", a.Payment, paymentMethods)
	}
	return nil
}

func (a Act) checkCurrency() error {
	if _, known := currencyDigits[string(a.Currency)]; !known && a.Currency != "" {
		return a.wrong("currency", "is %q; there are %q", a.Currency, sortedNames(currencyDigits))
	}
	return nil
}

// act is a checkout as an act.
func (c Checkout) act(do string) Act {
	a := Act{Do: do, SellerID: c.SellerID, Payment: c.Payment, Currency: c.Currency, Digital: c.Digital,
		AddressMissing: c.AddressMissing, PaymentMissing: c.PaymentMissing, BuyerIsSeller: c.BuyerIsSeller}
	if c.Buyer != (amazonpay.Buyer{}) {
		a.Buyer = &c.Buyer
	}
	if c.Address != (amazonpay.Address{}) {
		a.Address = &c.Address
	}
	return a
}

// visit is the checkout of an act, which may have to be free of constraints.
func (f *Fake) visit(a Act, free bool) (visit, error) {
	if a.SellerID != "" && f.sellers[a.SellerID] == nil {
		return visit{}, a.wrong("seller", "is %q; there are %q", a.SellerID, sortedNames(f.sellers))
	}
	if err := cmp.Or(a.checkPayment(), a.checkCurrency()); err != nil {
		return visit{}, err
	}
	picked := visit{wallet: wallet{picked: a.Payment, missing: a.PaymentMissing}, noAddress: a.AddressMissing, selfDealer: a.BuyerIsSeller}
	ids := picked.constraints()
	if !a.Amount.IsZero() && a.Currency != "" && a.Currency != a.Amount.Currency() {
		ids = append(ids, "CurrencyMismatch")
	}
	if free && len(ids) > 0 {
		return visit{}, a.wrong("do", "makes what cannot be confirmed: it has the constraints %v", ids)
	}
	c := Checkout{SellerID: a.SellerID, Payment: a.Payment, Currency: a.Currency, Digital: a.Digital,
		AddressMissing: a.AddressMissing, PaymentMissing: a.PaymentMissing, BuyerIsSeller: a.BuyerIsSeller}
	if a.Buyer != nil {
		c.Buyer = *a.Buyer
	}
	if a.Address != nil {
		c.Address = *a.Address
	}
	return f.newVisit(c), nil
}

func (f *Fake) newBillingAgreement(a Act) (Outcome, error) {
	v, err := f.visit(a, false)
	if err != nil {
		return Outcome{}, err
	}
	return outcomeOf(f.newAgreement(v)), nil
}

// outcomeOf tells where an object stands.
func outcomeOf(s subject) Outcome {
	switch s := s.(type) {
	case *agreement:
		return Outcome{ID: s.id, State: s.status.state, Reason: s.status.reason}
	case *order:
		return Outcome{ID: s.id, State: s.status.state, Reason: s.status.reason}
	case *authorization:
		return Outcome{ID: s.id, State: s.status.state, Reason: s.status.reason}
	case *capture:
		return Outcome{ID: s.id, State: s.status.state, Reason: s.status.reason}
	case *refund:
		return Outcome{ID: s.id, State: s.status.state, Reason: s.status.reason}
	}
	return Outcome{}
}

func (f *Fake) openBillingAgreement(a Act) (Outcome, error) {
	v, err := f.visit(a, true)
	if err != nil {
		return Outcome{}, err
	}
	b := f.newAgreement(v)
	b.consent = true
	b.confirm()
	f.move(&b.status, amazonpay.StateOpen, "")
	return outcomeOf(b), nil
}

func (f *Fake) newOrderReference(a Act) (Outcome, error) {
	v, err := f.visit(a, false)
	if err != nil {
		return Outcome{}, err
	}
	o := f.newOrder(v, nil)
	f.enter(o)
	return outcomeOf(o), nil
}

func (f *Fake) openOrderReference(a Act) (Outcome, error) {
	m := moneyOf(a.Amount)
	if _, known := currencyDigits[m.currency]; !known || m.currency != f.ledgerIn && !f.strong() || m.minor <= 0 || m.minor > m.most() {
		return Outcome{}, a.wrong("amount", "is %s; no order reference takes that as its total: it is above zero, in %s, "+
			"in UK and EU also in another presentment currency, and at most 150000.00 (yen: 10000000)", a.Amount, f.ledgerIn)
	}
	v, err := f.visit(a, true)
	if err != nil {
		return Outcome{}, err
	}
	o := f.newOrder(v, nil)
	f.enter(o)
	o.total = m
	o.confirm()
	f.move(&o.status, amazonpay.StateOpen, "")
	return outcomeOf(o), nil
}

// parents finds the agreement or the order reference of an act that is alive;
// the other is nil.
func (f *Fake) parents(a Act) (*agreement, *order, error) {
	b, o := f.agreements[a.ID], f.orders[a.ID]
	var s status
	switch {
	case b != nil:
		s = b.status
	case o != nil:
		s = o.status
	default:
		return nil, nil, a.wrong("id", "is %q; there is no such billing agreement or order reference", a.ID)
	}
	if s.is(amazonpay.StateCanceled, amazonpay.StateClosed) {
		return nil, nil, a.untimely(s, amazonpay.StateDraft, amazonpay.StateOpen, amazonpay.StateSuspended)
	}
	return b, o, nil
}

// either is the one of parents that is there.
func either(b *agreement, o *order) subject {
	if b != nil {
		return b
	}
	return o
}

// onAgreement is an act on a billing agreement that is alive.
func onAgreement(do func(*Fake, *agreement)) func(*Fake, Act) (Outcome, error) {
	return func(f *Fake, a Act) (Outcome, error) {
		if f.agreements[a.ID] == nil {
			return Outcome{}, a.wrong("id", "is %q; there is no such billing agreement", a.ID)
		}
		b, _, err := f.parents(a)
		if err != nil {
			return Outcome{}, err
		}
		do(f, b)
		return outcomeOf(b), nil
	}
}

func (f *Fake) choosePaymentMethod(a Act) (Outcome, error) {
	b, o, err := f.parents(a)
	if err = cmp.Or(err, a.checkPayment(), a.checkCurrency()); err != nil {
		return Outcome{}, err
	}
	if b != nil {
		b.pick(a.Payment, b.status.is(amazonpay.StateDraft))
		b.currency = cmp.Or(string(a.Currency), b.currency)
	} else {
		o.pick(a.Payment, o.status.is(amazonpay.StateDraft))
		o.currency = cmp.Or(string(a.Currency), o.currency)
	}
	return outcomeOf(either(b, o)), nil
}

func (f *Fake) updatePaymentMethod(a Act) (Outcome, error) {
	b, o, err := f.parents(a)
	if err = cmp.Or(err, a.checkPayment()); err != nil {
		return Outcome{}, err
	}
	if b != nil {
		b.update(a.Payment)
		f.reopen(b)
	} else {
		o.update(a.Payment)
		f.reopenOrder(o)
	}
	return outcomeOf(either(b, o)), nil
}

func (f *Fake) deletePaymentMethod(a *agreement) {
	if a.status.is(amazonpay.StateDraft) {
		a.missing = true
		return
	}
	a.deleted, a.stale = true, true
	f.suspend(&a.status)
}

func (f *Fake) changeAddress(a Act) (Outcome, error) {
	b, o, err := f.parents(a)
	if err != nil {
		return Outcome{}, err
	}
	if b != nil {
		b.pickAddress(*a.Address, b.status.is(amazonpay.StateDraft))
	} else {
		o.pickAddress(*a.Address, o.status.is(amazonpay.StateDraft))
	}
	return outcomeOf(either(b, o)), nil
}

func (f *Fake) buyerCancel(a *agreement) {
	if !a.status.is(amazonpay.StateDraft) {
		f.move(&a.status, amazonpay.StateClosed, amazonpay.ReasonBuyerClosed)
	}
}

func (f *Fake) amazonClose(a Act) (Outcome, error) {
	if x := f.authorizations[a.ID]; x != nil {
		if !x.status.is(amazonpay.StatePending, amazonpay.StateOpen) {
			return Outcome{}, a.untimely(x.status, amazonpay.StatePending, amazonpay.StateOpen)
		}
		if x.status.is(amazonpay.StatePending) {
			f.decide(x, verdict{state: amazonpay.StateClosed, reason: amazonpay.ReasonAmazonClosed})
		} else {
			f.move(&x.status, amazonpay.StateClosed, amazonpay.ReasonAmazonClosed)
		}
		return outcomeOf(x), nil
	}
	b, o, err := f.parents(a)
	if err != nil {
		return Outcome{}, err
	}
	var ends *status
	if b != nil {
		ends = &b.status
	} else {
		ends = &o.status
	}
	if ends.is(amazonpay.StateDraft) {
		return Outcome{}, a.untimely(*ends, amazonpay.StateOpen, amazonpay.StateSuspended)
	}
	f.move(ends, amazonpay.StateClosed, amazonpay.ReasonAmazonClosed)
	return outcomeOf(either(b, o)), nil
}

func (f *Fake) amazonCancel(a Act) (Outcome, error) {
	b, o, err := f.parents(a)
	if err != nil {
		return Outcome{}, err
	}
	if o != nil {
		f.move(&o.status, amazonpay.StateCanceled, amazonpay.ReasonAmazonCanceled)
		f.closeAuthorizations(o)
		return outcomeOf(o), nil
	}
	f.cancelAgreement(b, amazonpay.ReasonAmazonCanceled)
	return outcomeOf(b), nil
}

func (f *Fake) setServiceStatus(a Act) (Outcome, error) {
	if known := []string{"GREEN", "GREEN_I", "YELLOW", "RED"}; !slices.Contains(known, a.Status) {
		return Outcome{}, a.wrong("status", "is %q; there are %v", a.Status, known)
	}
	f.health = health{a.Status, a.Text}
	return Outcome{}, nil
}

func (f *Fake) setAccountActive(a Act) (Outcome, error) {
	id := cmp.Or(a.SellerID, f.settings.SellerID)
	s := f.sellers[id]
	if s == nil {
		return Outcome{}, a.wrong("seller", "is %q; there are %q", id, sortedNames(f.sellers))
	}
	s.inactive = !a.Active
	return Outcome{ID: id}, nil
}

func (f *Fake) signIn(a Act) (Outcome, error) {
	var buyer amazonpay.Buyer
	if a.Buyer != nil {
		buyer = *a.Buyer
	}
	return Outcome{ID: f.account(buyer).id}, nil
}

func (f *Fake) signedIn(a Act) (*account, error) {
	if who := f.users[a.ID]; who != nil {
		return who, nil
	}
	return nil, a.wrong("id", "is %q; no buyer with that user_id has signed in: the act SignIn tells it", a.ID)
}

func (f *Fake) authorizeLogin(a Act) (Outcome, error) {
	who, err := f.signedIn(a)
	if err != nil {
		return Outcome{}, err
	}
	c, err := f.openConsent(a.URL)
	if err != nil {
		return Outcome{}, err
	}
	return Outcome{ID: who.id, URL: f.conclude(c, who, a.Allow).String()}, nil
}

func (f *Fake) revokeLogin(a Act) (Outcome, error) {
	who, err := f.signedIn(a)
	if err != nil {
		return Outcome{}, err
	}
	for _, p := range who.permissions {
		p.revoked = p.revoked || p.client.ID == a.Client
	}
	return Outcome{ID: who.id}, nil
}

func (f *Fake) accessTokenAct(a Act) (Outcome, error) {
	var v *visit
	if b := f.agreements[a.ID]; b != nil {
		v = &b.visit
	} else if o := f.orders[a.ID]; o != nil {
		v = &o.visit
	} else {
		return Outcome{}, a.wrong("id", "is %q; there is no such billing agreement or order reference", a.ID)
	}
	token, fresh := f.widgetToken(v)
	return Outcome{ID: a.ID, Token: token, idle: !fresh}, nil
}
