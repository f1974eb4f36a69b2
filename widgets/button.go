package widgets

import (
	"fmt"
	"strings"

	"github.com/amazonpay-go/amazonpay/internal/fault"
)

// Button signs a buyer in: the Login with Amazon button and the Amazon Pay
// button. They differ in their picture and in the scopes that they ask for.
type Button struct {
	ReturnURL string     // page of yours that the buyer comes back to, a path or a URL without a query; required. One of the client's Allowed Return URLs; see ReturnPage
	State     string     // comes back with the buyer, who must be checked by it; required. lwa.IssueState makes one
	Scopes    []string   // what to ask for, see lwa.Scope. Nil means profile; for Page.Pay profile, payments:widget and payments:shipping_address
	Type      ButtonType // empty means ButtonLwA; for Page.Pay ButtonPwA
	Color     Color      // empty means Amazon's choice
	Size      Size       // empty means Amazon's choice
	Language  Language   // empty means Amazon's choice; documented for UK and EU

	// Redirect sends the whole page to Amazon. False opens a window over it.
	// Touch screens and pages without https want the redirect.
	Redirect bool

	// CreatesAgreement makes the agreement (or the order reference of a OneTime
	// page) at sign-in: an event of the kind KindCreated brings its id before the
	// buyer goes to ReturnURL. It needs the window, and EventsURL. False leaves
	// it to the AddressBook or the Wallet of a later page.
	CreatesAgreement bool

	// UseAmazonAddressBook, with CreatesAgreement, is false for goods that are
	// not shipped.
	UseAmazonAddressBook bool
}

// ButtonType is the picture of a [Button]. It says nothing about what the button
// does. The type is open.
type ButtonType string

// The types. In Japan there are ButtonLwA and ButtonPwA only.
const (
	ButtonPwA   ButtonType = "PwA"   // "Amazon Pay"
	ButtonPay   ButtonType = "Pay"   // "Pay"
	ButtonA     ButtonType = "A"     // the logo only
	ButtonLwA   ButtonType = "LwA"   // "Login with Amazon"
	ButtonLogin ButtonType = "Login" // "Login"
)

// Color is the color of a [Button]. The type is open.
type Color string

// The colors.
const (
	ColorGold      Color = "Gold"
	ColorLightGray Color = "LightGray"
	ColorDarkGray  Color = "DarkGray"
)

// Size is the size of a [Button]. The type is open.
type Size string

// The sizes.
const (
	SizeSmall  Size = "small"
	SizeMedium Size = "medium"
	SizeLarge  Size = "large"
	SizeXLarge Size = "x-large"
)

// Language is the language of a [Button]'s picture. The type is open.
type Language string

// The languages of UK and EU.
const (
	LanguageEnglish Language = "en-GB"
	LanguageGerman  Language = "de-DE"
	LanguageFrench  Language = "fr-FR"
	LanguageItalian Language = "it-IT"
	LanguageSpanish Language = "es-ES"
)

// check notes what is wrong with the button.
func (b *Button) check(field string, p *Page, c *Config, wrong *fault.List) {
	if problem := c.pageProblem(b.ReturnURL); problem != "" {
		wrong.Add(field+".ReturnURL", problem)
	} else if strings.Contains(b.ReturnURL, "?") {
		wrong.Add(field+".ReturnURL", "takes no query: Amazon's answer is the query")
	}
	wrong.Add(field+".State", fault.Word(b.State, 1024))
	for i, s := range b.Scopes {
		wrong.Add(fmt.Sprintf("%s.Scopes[%d]", field, i), fault.Word(s, 100))
	}
	wrong.Add(field+".Type", fault.Optional(string(b.Type), 20))
	wrong.Add(field+".Color", fault.Optional(string(b.Color), 20))
	wrong.Add(field+".Size", fault.Optional(string(b.Size), 20))
	wrong.Add(field+".Language", fault.Optional(string(b.Language), 20))
	if b.Type != "" && b.Type != ButtonLwA && b.Type != ButtonPwA && c.Region == RegionJP {
		wrong.Add(field+".Type", "is not to be had in Japan: LwA or PwA")
	}
	if b.CreatesAgreement && b.Redirect {
		wrong.Add(field+".CreatesAgreement", "needs the window: Redirect excludes it")
	}
	if b.CreatesAgreement && (p.AmazonBillingAgreementID != "" || p.AmazonOrderReferenceID != "") {
		wrong.Add(field+".CreatesAgreement", "excludes the page's ids")
	}
	if b.UseAmazonAddressBook && !b.CreatesAgreement {
		wrong.Add(field+".UseAmazonAddressBook", "goes with CreatesAgreement only")
	}
}
