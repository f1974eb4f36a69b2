package amazonpaytest

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/amazonpay-go/amazonpay"
)

// WidgetKind is what Widgets.js shows the buyer.
type WidgetKind string

// The kinds.
const (
	ButtonWidget       WidgetKind = "Button"       // with an AccessToken, after the sign-in
	AddressBookWidget  WidgetKind = "AddressBook"  // shipping addresses
	WalletWidget       WidgetKind = "Wallet"       // payment methods
	ConsentWidget      WidgetKind = "Consent"      // permission for recurring payments
	ConfirmationWidget WidgetKind = "Confirmation" // the way to the bank's page in UK and EU
)

// Widget is a widget in your page, with what the page gave it. It acts for the
// buyer of the AccessToken, on that buyer's objects.
type Widget struct {
	Kind        WidgetKind            // which one
	SellerID    string                // that the page names; required
	AccessToken string                // of a login with the scope payments:widget
	Environment amazonpay.Environment // that the page is for

	BillingAgreementID amazonpay.BillingAgreementID // the object; with none of the two ids it is a new one
	OrderReferenceID   amazonpay.OrderReferenceID   // likewise, of a one-time payment
	Recurring          bool                         // a new object is a billing agreement
	Digital            bool                         // a new object of a Button needs no address; one of a Wallet never does
	ReadOnly           bool                         // displayMode Read: nothing is picked, and nothing can be
	Currency           amazonpay.Currency           // presentment currency of a Wallet; empty is any
}

// String is what the widget is, without the token.
func (w Widget) String() string { return fmt.Sprintf("amazonpaytest.Widget(%s, %s)", w.Kind, w.id()) }

// GoString is String.
func (w Widget) GoString() string { return w.String() }

func (w Widget) id() string { return string(w.BillingAgreementID) + string(w.OrderReferenceID) }

// WidgetChoice is what the buyer does in a widget: one of the fields.
type WidgetChoice struct {
	Address *amazonpay.Address // AddressBook
	Payment PaymentMethod      // Wallet
	Consent *bool              // Consent: the tick is set or taken away
}

// WidgetView is what a widget shows. It is for the buyer's eyes: a shop's page
// learns the ID and Consent only.
type WidgetView struct {
	BillingAgreementID amazonpay.BillingAgreementID // the object; one of the two ids is empty
	OrderReferenceID   amazonpay.OrderReferenceID   // likewise
	Created            bool                         // the object is a new one
	State              amazonpay.State              // of the object

	Addresses []amazonpay.Address // of the buyer's address book
	Address   int                 // the one that is picked; -1 is none
	Payment   PaymentMethod       // that is picked; empty is none, or one that must be replaced
	Consent   bool                // to recurring payments, as ticked
	ByLogin   bool                // consent was given at login: payments:autopay_consent
	Awaits    bool                // the bank's page waits for the buyer
}

// WidgetError is what a widget shows and tells the page in place of itself, in
// the words of Amazon's onError.
type WidgetError struct {
	Code    string // such as "BuyerSessionExpired"
	Message string // for the page's author
}

// Error is code and message.
func (e *WidgetError) Error() string { return "amazonpaytest: widget: " + e.Code + ": " + e.Message }

func widgetRefuse(code, format string, args ...any) *WidgetError {
	return &WidgetError{code, fmt.Sprintf(format, args...)}
}

// widgetSession is how long the widgets take a token: less than it lives.
const widgetSession = 55 * time.Minute

// OpenWidget renders a widget: it makes the Draft that it belongs to, if it has
// no id, and picks the buyer's first address or a good card where nothing is
// picked yet, as Amazon's do. The error is a *WidgetError.
func (f *Fake) OpenWidget(w Widget) (*WidgetView, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p, problem := f.widgetBuyer(w)
	if problem != nil {
		return nil, problem
	}
	created := false
	if w.Kind != ConfirmationWidget && w.id() == "" {
		if w, problem = f.widgetDraft(w, p); problem != nil {
			return nil, problem
		}
		created = true
	}
	v, problem := f.widgetVisit(w, p)
	if problem != nil {
		return nil, problem
	}
	if problem := f.preselect(w, v); problem != nil {
		return nil, problem
	}
	view := f.widgetView(w, v)
	view.Created = created
	return view, nil
}

// UseWidget is the buyer's choice in a widget. The error is a *WidgetError.
func (f *Fake) UseWidget(w Widget, choice WidgetChoice) (*WidgetView, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p, problem := f.widgetBuyer(w)
	if problem != nil {
		return nil, problem
	}
	if w.id() == "" || w.ReadOnly {
		return nil, widgetRefuse("InvalidParameterValue", "The widget has no object, or shows it only.")
	}
	v, problem := f.widgetVisit(w, p)
	if problem != nil {
		return nil, problem
	}
	var a Act
	switch {
	case w.Kind == AddressBookWidget && choice.Address != nil:
		a = Act{Do: "ChangeAddress", Address: choice.Address}
	case w.Kind == WalletWidget && choice.Payment != "":
		a = Act{Do: "ChoosePaymentMethod", Payment: choice.Payment}
	case w.Kind == ConsentWidget && choice.Consent != nil && *choice.Consent:
		a = Act{Do: "Consent"}
	case w.Kind == ConsentWidget && choice.Consent != nil:
		a = Act{Do: "WithdrawConsent"}
	default:
		return nil, widgetRefuse("InvalidParameterValue", "That is no choice of the widget %s.", w.Kind)
	}
	if problem := f.widgetAct(w, a); problem != nil {
		return nil, problem
	}
	return f.widgetView(w, v), nil
}

// widgetAct does an act on the widget's object.
func (f *Fake) widgetAct(w Widget, a Act) *WidgetError {
	a.ID = w.id()
	if _, err := f.enact(deedsByName[a.Do], a); err != nil {
		code := "InvalidParameterValue"
		if f.journal.failure() != nil {
			code = "UnknownError"
		}
		return widgetRefuse(code, "%v", err)
	}
	return nil
}

// widgetBuyer checks the page's parameters, and finds the token of the buyer.
func (f *Fake) widgetBuyer(w Widget) (*pass, *WidgetError) {
	s, p := f.sellers[w.SellerID], f.passes[w.AccessToken]
	kinds := []WidgetKind{ButtonWidget, AddressBookWidget, WalletWidget, ConsentWidget, ConfirmationWidget}
	_, currency := currencyDigits[string(w.Currency)]
	switch {
	case w.SellerID == "":
		return nil, widgetRefuse("MissingParameter", "The parameter sellerId is missing.")
	case w.id() == "" && (w.Kind == ConsentWidget || w.Kind == ConfirmationWidget):
		return nil, widgetRefuse("MissingParameter", "The id of the billing agreement or order reference is missing.")
	case !slices.Contains(kinds, w.Kind):
		return nil, widgetRefuse("InvalidParameterValue", "There is no widget %q.", w.Kind)
	case w.BillingAgreementID != "" && w.OrderReferenceID != "":
		return nil, widgetRefuse("InvalidParameterValue", "There is a billing agreement and an order reference.")
	case w.Currency != "" && !currency:
		return nil, widgetRefuse("InvalidParameterValue", "The presentment currency is unknown.")
	case s == nil:
		return nil, widgetRefuse("InvalidSellerId", "The sellerId is none of this region's.")
	case s.inactive:
		return nil, widgetRefuse("InvalidAccountStatus", "The seller's account is not active.")
	case w.Environment != f.settings.Environment:
		return nil, widgetRefuse("ReleaseEnvironmentMismatch", "The script is that of the environment %s, the objects live in %s.", w.Environment, f.settings.Environment)
	case p == nil || p.kind != "access_token" || !p.allows("payments:widget"):
		return nil, widgetRefuse("BuyerNotAssociated", "The buyer has not signed in with the scope payments:widget.")
	case f.left(p) <= passLives["access_token"]-widgetSession:
		return nil, widgetRefuse("BuyerSessionExpired", "The buyer's session has expired. Sign in again.")
	}
	return p, nil
}

// widgetDraft makes the object of a widget that has none.
func (f *Fake) widgetDraft(w Widget, p *pass) (Widget, *WidgetError) {
	a := Act{Do: "NewOrderReference", SellerID: w.SellerID, Buyer: &p.account.buyer, Currency: w.Currency, PaymentMissing: true}
	if w.Recurring {
		a.Do = "NewBillingAgreement"
	}
	a.Digital = w.Kind == WalletWidget || w.Kind == ButtonWidget && w.Digital
	a.AddressMissing = !a.Digital
	made, err := f.enact(deedsByName[a.Do], a)
	if err != nil {
		return w, widgetRefuse("UnknownError", "%v", err)
	}
	if !w.Recurring {
		w.OrderReferenceID = amazonpay.OrderReferenceID(made.ID)
		return w, nil
	}
	w.BillingAgreementID = amazonpay.BillingAgreementID(made.ID)
	if p.allows("payments:autopay_consent") {
		return w, f.widgetAct(w, Act{Do: "Consent"})
	}
	return w, nil
}

// widgetIDs are ids as they look, by the letter of the environment.
var widgetIDs = regexp.MustCompile(`^[BCPS]0[1-9]-[0-9]{7}-[0-9]{7}$`)

// widgetVisit finds the object, and checks whether the widget fits it.
func (f *Fake) widgetVisit(w Widget, p *pass) (*visit, *WidgetError) {
	id, invalid, letters := string(w.OrderReferenceID), "InvalidOrderReferenceId", "PS"
	if w.BillingAgreementID != "" {
		id, invalid, letters = string(w.BillingAgreementID), "InvalidParameterValue", "BC"
	}
	environment := 0
	if f.settings.Environment == amazonpay.Sandbox {
		environment = 1
	}
	b, o := f.agreements[string(w.BillingAgreementID)], f.orders[string(w.OrderReferenceID)]
	var v *visit
	var s status
	switch {
	case !widgetIDs.MatchString(id) || id[0] != letters[0] && id[0] != letters[1]:
		return nil, widgetRefuse(invalid, "The id is none of Amazon's.")
	case id[0] != letters[environment]:
		return nil, widgetRefuse("ReleaseEnvironmentMismatch", "The id %s is not of the environment %s.", id, w.Environment)
	case b != nil:
		v, s = &b.visit, b.status
	case o != nil:
		v, s = &o.visit, o.status
	}
	switch {
	case v == nil || v.seller.id != w.SellerID:
		return nil, widgetRefuse(invalid, "The seller has no object of the id %s.", id)
	case v.account != p.account:
		return nil, widgetRefuse("BuyerNotAssociated", "The object %s is another buyer's.", id)
	case s.is(amazonpay.StateCanceled) && s.reason == amazonpay.ReasonStale:
		return nil, widgetRefuse("StaleOrderReference", "%s was not confirmed in time and has been canceled.", id)
	}
	return v, w.fits(b != nil, id, s)
}

// fits tells whether the widget can be used with an object that is in a state.
func (w Widget) fits(agreement bool, id string, s status) *WidgetError {
	open := s.is(amazonpay.StateDraft, amazonpay.StateSuspended) || agreement && s.is(amazonpay.StateOpen)
	switch {
	case w.Kind == ConsentWidget && (!agreement || !s.is(amazonpay.StateDraft)):
		return widgetRefuse("InvalidBillingAgreementStatus", "The BillingAgreementId %s is in an invalid state", id)
	case w.ReadOnly:
		return nil
	case w.Kind == AddressBookWidget && (!open || !agreement && !s.is(amazonpay.StateDraft)):
		return widgetRefuse("AddressNotModifiable", "%s is %s: the address cannot be changed.", id, s.state)
	case w.Kind == WalletWidget && !open:
		return widgetRefuse("PaymentMethodNotModifiable", "%s is %s: the payment method cannot be changed.", id, s.state)
	}
	return nil
}

// preselect picks where nothing is picked yet.
func (f *Fake) preselect(w Widget, v *visit) *WidgetError {
	switch {
	case w.ReadOnly:
		return nil
	case w.Kind == AddressBookWidget && v.widget == (amazonpay.Address{}):
		first := f.AddressBook()[0]
		return f.widgetAct(w, Act{Do: "ChangeAddress", Address: &first})
	case w.Kind == WalletWidget && (v.missing || w.Currency != "" && v.currency != string(w.Currency)):
		a := Act{Do: "ChoosePaymentMethod", Payment: v.picked, Currency: w.Currency}
		return f.widgetAct(w, a)
	}
	return nil
}

// widgetView is what there is to see.
func (f *Fake) widgetView(w Widget, v *visit) *WidgetView {
	view := &WidgetView{
		BillingAgreementID: w.BillingAgreementID, OrderReferenceID: w.OrderReferenceID,
		Addresses: f.AddressBook(), Awaits: v.flow != (flow{}),
	}
	if b := f.agreements[string(w.BillingAgreementID)]; b != nil {
		view.State, view.Consent = b.status.state, b.consent
		token := f.passes[w.AccessToken]
		view.ByLogin = b.consent && token.allows("payments:autopay_consent")
	} else if o := f.orders[string(w.OrderReferenceID)]; o != nil {
		view.State = o.status.state
	}
	if v.widget != (amazonpay.Address{}) && !slices.Contains(view.Addresses, v.widget) {
		view.Addresses = append(view.Addresses, v.widget)
	}
	view.Address = slices.Index(view.Addresses, v.widget)
	if !v.missing && !v.deleted && !v.stale {
		view.Payment = v.picked
	}
	return view
}

// AddressBook are the made-up addresses that every buyer of the region has. The
// first is that of the zero [Checkout].
func (f *Fake) AddressBook() []amazonpay.Address {
	return append([]amazonpay.Address{homes[f.settings.Region]}, otherAddresses[f.settings.Region]...)
}

var otherAddresses = map[amazonpay.Region][]amazonpay.Address{
	amazonpay.RegionNA: {
		{Name: "Susan Example", AddressLine1: "1 Office Plaza", City: "Portland", StateOrRegion: "OR", PostalCode: "97201", CountryCode: "US", Phone: "800-000-0001"},
		{Name: "Robert Sample", AddressLine1: "PO Box 12", City: "Anchorage", StateOrRegion: "AK", PostalCode: "99501", CountryCode: "US"},
	},
	amazonpay.RegionUK: {
		{Name: "Élodie O'Brien & Söhne", AddressLine1: "Unit 3", AddressLine2: "12 Quay Street", City: "Bristol", PostalCode: "BS1 4DA", CountryCode: "GB"},
		{Name: "Sam Sample", AddressLine1: "1 Strand Road", City: "Belfast", County: "Antrim", PostalCode: "BT1 1AA", CountryCode: "GB", Phone: "028 9649 0000"},
	},
	amazonpay.RegionEU: {
		{Name: "Jörg Müßig", AddressLine1: "Muster GmbH", AddressLine2: "Hauptstraße 1", City: "Köln", PostalCode: "50667", CountryCode: "DE"},
		{Name: "Anna Beispiel", AddressLine2: "Ringstraße 7", City: "Wien", PostalCode: "1010", CountryCode: "AT", Phone: "01 0000000"},
	},
	amazonpay.RegionJP: {
		{Name: "山田 太郎", AddressLine1: "梅田１丁目１−１", City: "大阪市北区", StateOrRegion: "大阪府", PostalCode: "530-0001", CountryCode: "JP", Phone: "06-0000-0000"},
		{Name: "佐藤 花子", AddressLine1: "北一条西２丁目", City: "札幌市中央区", StateOrRegion: "北海道", PostalCode: "060-0001", CountryCode: "JP"},
	},
}
