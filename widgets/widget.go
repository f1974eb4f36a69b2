package widgets

import "github.com/amazonpay-go/amazonpay/internal/fault"

// AddressBook lets the buyer choose a shipping address. Without an id of the
// page it makes the Draft agreement, which Amazon cancels if it is not
// confirmed within 3 hours.
type AddressBook struct {
	DisplayMode DisplayMode // empty means DisplayEdit
	Design      Design      // zero means responsive
	Scopes      []string    // those of the sign-in, if it was not by a button of this package; see lwa.Scope
}

// Wallet lets the buyer choose a payment method. On a page with an AddressBook
// it appears once an address is chosen. On one without, and without an id of
// the page, it makes the Draft agreement.
type Wallet struct {
	DisplayMode         DisplayMode // empty means DisplayEdit
	Design              Design      // zero means responsive
	Scopes              []string    // as in AddressBook
	PresentmentCurrency string      // ISO 4217, for a OneTime page of a seller who charges in several currencies; UK and EU. Empty means the ledger's
}

// Consent is Authorize Recurring Payments: the box that the buyer ticks to let
// you charge again. It appears once the agreement exists. Leave it out when the
// buyer of a confirmed agreement only changes the payment method.
type Consent struct {
	Design Design // zero means responsive
}

// Confirm is a button that confirms what the buyer has chosen. It can be pressed
// once all editable widgets of the page have their choice, and then posts an
// event of the kind [KindConfirm]: do what the API asks for then
// (SetBillingAgreementDetails, ConfirmBillingAgreement), and answer with a 2xx
// status if it worked, a 4xx if it was refused.
//
// In UK and EU this happens inside Amazon's confirmation flow
// (OffAmazonPayments.initConfirmationFlow): give ConfirmBillingAgreement a
// SuccessURL and a FailureURL, where [AuthenticationStatus] reads what came back.
// Elsewhere the buyer goes to SuccessURL when you have answered.
type Confirm struct {
	SuccessURL string // a path or a URL; required in NA and JP, and not used in UK and EU, where Amazon sends the buyer to the SuccessURL of the API call
	Label      string // text of the button; empty means "Confirm"
}

// Logout is a button that signs the buyer out of Amazon. It posts an event of
// the kind [KindLogout], so that you forget the access token too, and goes to
// the page's SignInURL.
type Logout struct {
	Label string // text of the button; empty means "Sign out"
}

// DisplayMode tells whether the buyer may change anything in a widget.
type DisplayMode string

// The modes.
const (
	DisplayEdit DisplayMode = "Edit"
	DisplayRead DisplayMode = "Read" // for a review; brings no events of selection
)

// Design is how a widget fills its place. The zero Design is responsive.
type Design struct {
	Mode   DesignMode // empty means responsive, or fixed with Width and Height
	Width  int        // CSS pixels, at most 4000; with Height only
	Height int        // likewise
}

// DesignMode is Amazon's designMode.
type DesignMode string

// The modes of a design without a fixed size.
const (
	DesignResponsive            DesignMode = "responsive"            // fills its place
	DesignSmartphoneCollapsible DesignMode = "smartphoneCollapsible" // folded, for telephones
)

// maxPixels bounds a fixed size.
const maxPixels = 4000

func (d Design) check(field string, wrong *fault.List) {
	switch {
	case d.Mode != "" && d.Mode != DesignResponsive && d.Mode != DesignSmartphoneCollapsible:
		wrong.Add(field+".Mode", "is unknown: responsive or smartphoneCollapsible")
	case d.Mode != "" && (d.Width != 0 || d.Height != 0):
		wrong.Add(field+".Mode", "excludes Width and Height")
	case (d.Width == 0) != (d.Height == 0):
		wrong.Add(field, "wants Width and Height, or neither")
	case d.Width < 0 || d.Height < 0 || d.Width > maxPixels || d.Height > maxPixels:
		wrong.Add(field, "is not of 1 to 4000 pixels")
	}
}

func (m DisplayMode) check(field string, wrong *fault.List) {
	if m != "" && m != DisplayEdit && m != DisplayRead {
		wrong.Add(field, "is unknown: Edit or Read")
	}
}
