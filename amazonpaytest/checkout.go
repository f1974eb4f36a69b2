package amazonpaytest

import (
	"fmt"

	"github.com/amazonpay-go/amazonpay"
)

// Checkout is what a buyer did in the widgets before your server learns the id.
// The zero Checkout is a buyer who picked a good card and an address.
type Checkout struct {
	SellerID string             // the seller whose button it was; empty is the fake's own
	Buyer    amazonpay.Buyer    // empty is a made-up one
	Address  amazonpay.Address  // picked in the AddressBook; empty is a made-up one
	Payment  PaymentMethod      // picked in the Wallet; empty is GoodCard
	Currency amazonpay.Currency // presentment currency that the Wallet was given; empty is any

	Digital        bool // no AddressBook was shown: there is no address, and none is missed
	AddressMissing bool // no address was picked: constraint ShippingAddressNotSet
	PaymentMissing bool // no payment method was picked: constraint PaymentPlanNotSet
	BuyerIsSeller  bool // constraint BuyerEqualsSeller
}

// visit is a checkout inside the books.
type visit struct {
	seller  *seller
	buyer   amazonpay.Buyer
	address amazonpay.Address // in force
	widget  amazonpay.Address // in the AddressBook; in force from the next confirmation on
	wallet
	currency   string
	physical   bool // there is an address, or one is missed
	noAddress  bool
	selfDealer bool
	account    *account
	token      *pass // of the widgets; nil until somebody asks
	confirmed  bool  // once and for all: the address may be shown in full
	flow       flow  // of the last confirmation
}

var homes = map[amazonpay.Region]amazonpay.Address{
	amazonpay.RegionNA: {Name: "Susan Example", AddressLine1: "10 Ditka Ave", AddressLine2: "Suite 2500", City: "Chicago", StateOrRegion: "IL", PostalCode: "60602", CountryCode: "US", Phone: "800-000-0000"},
	amazonpay.RegionUK: {Name: "Élodie O'Brien & Söhne", AddressLine1: "44-46 Morningside Road", City: "Edinburgh", County: "Midlothian", PostalCode: "EH10 4BF", CountryCode: "GB", Phone: "0131 496 0000"},
	amazonpay.RegionEU: {Name: "Jörg Müßig", AddressLine2: "Marcel-Breuer-Straße 12", City: "München", StateOrRegion: "Bayern", PostalCode: "80807", CountryCode: "DE", Phone: "089 000000"},
	amazonpay.RegionJP: {Name: "山田 太郎", AddressLine1: "上大崎３丁目１−１", AddressLine2: "目黒セントラルスクエア", City: "品川区", StateOrRegion: "東京都", PostalCode: "141-0021", CountryCode: "JP", Phone: "03-0000-0000"},
}

var languages = map[amazonpay.Region]string{
	amazonpay.RegionNA: "en-US", amazonpay.RegionUK: "en-GB", amazonpay.RegionEU: "de-DE", amazonpay.RegionJP: "ja-JP",
}

func (f *Fake) newVisit(c Checkout) visit {
	fill(&c.SellerID, f.settings.SellerID)
	s := f.sellers[c.SellerID]
	if s == nil {
		panic(fmt.Sprintf("amazonpaytest: checkout at a seller %q that the settings do not know", c.SellerID))
	}
	fill(&c.Payment, GoodCard)
	home := homes[f.settings.Region]
	fill(&c.Address, home)
	buyer := f.account(c.Buyer)
	fill(&c.Buyer, buyer.buyer)
	if c.Digital || c.AddressMissing {
		c.Address = amazonpay.Address{}
	}
	return visit{
		seller: s, buyer: c.Buyer, address: c.Address, widget: c.Address,
		wallet:   wallet{method: c.Payment, picked: c.Payment, missing: c.PaymentMissing},
		currency: string(c.Currency), physical: !c.Digital, noAddress: c.AddressMissing,
		selfDealer: c.BuyerIsSeller, account: buyer,
	}
}

// pickAddress is a choice in the seller's AddressBook widget.
func (v *visit) pickAddress(a amazonpay.Address, draft bool) {
	v.widget, v.noAddress, v.physical = a, false, true
	if draft {
		v.address = a
	}
}

// updated is what the next confirmation changes, if it is not the first.
func (v *visit) updated() string {
	switch moved := v.address != v.widget; {
	case !v.confirmed:
		return ""
	case moved && v.fresh:
		return "AddressAndPaymentMethodUpdated"
	case moved:
		return "AddressUpdated"
	case v.fresh:
		return "PaymentMethodUpdated"
	}
	return ""
}

// confirm puts what was picked in force.
func (v *visit) confirm() {
	v.confirmed = true
	v.address = v.widget
	v.wallet.confirm()
}

// constraints that agreements and order references share.
func (v *visit) constraints() []string {
	var ids []string
	if v.selfDealer {
		ids = append(ids, "BuyerEqualsSeller")
	}
	if v.missing {
		ids = append(ids, "PaymentPlanNotSet")
	}
	if v.deleted {
		ids = append(ids, "PaymentMethodDeleted")
	}
	if v.wallet.picked == NotAllowed {
		ids = append(ids, "PaymentMethodNotAllowed")
	}
	if v.noAddress {
		ids = append(ids, "ShippingAddressNotSet")
	}
	return ids
}

var constraintTexts = map[string]string{
	"AmountNotSet":            "The seller has not set the amount for the Order Reference.",
	"BuyerConsentNotSet":      "Buyer has not given consent for this Billing Agreement.",
	"BuyerEqualsSeller":       "The buyer is the seller.",
	"CurrencyMismatch":        "The currency differs from the one that the buyer was shown.",
	"PaymentMethodDeleted":    "The buyer has deleted the payment method.",
	"PaymentMethodNotAllowed": "The payment method is not allowed.",
	"PaymentPlanNotSet":       "The buyer has not been able to select the payment method.",
	"ShippingAddressNotSet":   "The buyer has not selected a shipping address.",
}

func constraintNodes(ids []string) node {
	if len(ids) == 0 {
		return node{}
	}
	n := el("Constraints")
	for _, id := range ids {
		n.kids = append(n.kids, el("Constraint", tx("ConstraintID", id), tx("Description", constraintTexts[id])))
	}
	return n
}

// shown is what a token shows of a buyer who has not confirmed yet.
type shown struct{ address, billing bool }

// tokenOf checks the buyer's token of a request. Whose login made it does not
// matter, if it is the same buyer's.
func (f *Fake) tokenOf(v *visit, r *request) (shown, *refusal) {
	access, consent := r.get("AccessToken"), r.get("AddressConsentToken")
	switch {
	case access != "" && consent != "":
		return shown{}, refuse("AmbiguousToken", "Both an AccessToken and an AddressConsentToken were sent.")
	case access == "" && consent == "":
		return shown{}, nil
	}
	token := f.accessToken(access + consent)
	if token == nil || token.account != v.account {
		return shown{}, refuse("InvalidAddressConsentToken", "The token is invalid, expired or of another buyer.")
	}
	return shown{token.allows("payments:shipping_address"), token.allows("payments:billing_address")}, nil
}

// destination shows the address: in full after confirmation or with a token,
// town and country before.
func (v *visit) destination(full bool) node {
	if v.address == (amazonpay.Address{}) {
		return node{}
	}
	address := v.address
	if !full {
		address = amazonpay.Address{City: address.City, StateOrRegion: address.StateOrRegion,
			PostalCode: address.PostalCode, CountryCode: address.CountryCode}
	}
	return el("Destination", tx("DestinationType", "Physical"), addressNode("PhysicalDestination", address))
}

func (v *visit) buyerNode(shown bool) node {
	return when(shown, el("Buyer", opt("Name", v.buyer.Name), opt("Email", v.buyer.Email), opt("Phone", v.buyer.Phone)))
}

// billingAddress is shown to sellers on the allow-list, and for a token.
func (f *Fake) billingAddress(full, token bool) node {
	return when(token || full && f.settings.AllowListed,
		el("BillingAddress", tx("AddressType", "Physical"), addressNode("PhysicalAddress", homes[f.settings.Region])))
}

func addressNode(name string, a amazonpay.Address) node {
	first := opt("AddressLine1", a.AddressLine1)
	if a.AddressLine1 == "" && a.AddressLine2 != "" {
		first = el("AddressLine1") // as German addresses have been seen
	}
	return el(name, opt("Name", a.Name), first, opt("AddressLine2", a.AddressLine2), opt("AddressLine3", a.AddressLine3),
		opt("City", a.City), opt("County", a.County), opt("District", a.District), opt("StateOrRegion", a.StateOrRegion),
		opt("PostalCode", a.PostalCode), opt("CountryCode", a.CountryCode), opt("Phone", a.Phone))
}
