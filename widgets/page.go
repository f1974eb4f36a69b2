package widgets

import (
	"bytes"
	"crypto/rand"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/amazonpay-go/amazonpay/internal/endpoint"
	"github.com/amazonpay-go/amazonpay/internal/fault"
)

// SessionLife is how long the widgets work after the buyer's sign-in: the
// browser forgets Amazon's token after 55 minutes of its hour.
const SessionLife = 55 * time.Minute

// Page is one page with widgets. Those that are nil are not on it.
type Page struct {
	Login       *Button      // Login with Amazon
	Pay         *Button      // Amazon Pay
	AddressBook *AddressBook // where to ship to
	Wallet      *Wallet      // what to pay with
	Consent     *Consent     // Authorize Recurring Payments
	Confirm     *Confirm     // the button that ends the checkout
	Logout      *Logout      // signs the buyer out of Amazon

	// AmazonBillingAgreementID is an agreement that exists: for a review, for a
	// new payment method, or because the button made it. Empty, the AddressBook
	// (or the Wallet, if there is none) makes one, and an event of the kind
	// [KindCreated] brings its id.
	AmazonBillingAgreementID string

	// AmazonOrderReferenceID is the same for an order reference, and makes it a
	// OneTime page: for a charge that the buyer confirms, or a declined order.
	AmazonOrderReferenceID string

	OneTime bool // an order reference instead of a billing agreement

	// EventsURL is the path on your own host that the events are posted to; see
	// [ParseEvent]. Required, with CSRFToken, for everything but a button that
	// creates no agreement.
	EventsURL string
	CSRFToken string // comes back in the header X-CSRF-Token; at most 1024 bytes

	// SignInURL is the page with the button, for a buyer whose session has ended.
	// Required with an AddressBook, Wallet, Consent or Logout.
	SignInURL   string
	SignInLabel string // text of the link to SignInURL; empty means "Sign in again"

	// SessionLeft is what is left of [SessionLife]. Zero means all of it;
	// negative, that the buyer must sign in again.
	SessionLeft time.Duration

	// Messages is what the buyer reads about errors, in the language of the page.
	// It is laid over [English], code by code.
	Messages Messages

	// Nonce is the nonce of the page's policy, at least 16 random bytes in
	// base64, new for every answer. Empty, Render makes one.
	Nonce string
}

// View is a rendered [Page]: its parts, for your template. The part of a widget
// that is not on the page is empty. An html/template takes the parts as they are.
type View struct {
	Head        template.HTML // for the head: styles, data and scripts
	Messages    template.HTML // what went wrong: scrolled to, and read aloud by screen readers. Always place it, near the buttons
	Login       template.HTML // <div id="amazonpay-login">
	Pay         template.HTML // <div id="amazonpay-pay">
	AddressBook template.HTML // <div id="amazonpay-addressbook">
	Wallet      template.HTML // <div id="amazonpay-wallet">
	Consent     template.HTML // <div id="amazonpay-consent">
	Confirm     template.HTML // <button id="amazonpay-confirm">
	Logout      template.HTML // <button id="amazonpay-logout">

	Nonce  string // for scripts and styles of your own on the page
	Policy Policy // what the page needs of a Content-Security-Policy
}

// Protect sets the headers that the page needs: its policy, no caching (the
// nonce and the CSRF token are for this answer), and a referrer that tells
// others no more than the shop's name. Add sources of your own to the Policy
// before. Amazon's window needs its opener: no Cross-Origin-Opener-Policy, or
// same-origin-allow-popups.
func (v *View) Protect(h http.Header) {
	h.Set("Content-Security-Policy", v.Policy.String())
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "strict-origin-when-cross-origin")
	h.Set("X-Content-Type-Options", "nosniff")
}

// Render makes the page's parts. The error is an [*InvalidError] that names
// every fault.
func (s *Shop) Render(p Page) (*View, error) {
	if err := p.check(&s.config); err != nil {
		return nil, err
	}
	if p.Nonce == "" {
		p.Nonce = nonce()
	}
	return s.render(&p)
}

// Execute renders the page, and answers with the template, whose data is the
// [View], and the headers of [View.Protect]. After an error nothing has been
// written. A template that has other data, too, wants [Shop.Render].
func (s *Shop) Execute(w http.ResponseWriter, t *template.Template, p Page) error {
	view, err := s.Render(p)
	if err != nil {
		return err
	}
	var page bytes.Buffer
	if err := t.Execute(&page, view); err != nil {
		return fmt.Errorf("widgets: Page: %w", err)
	}
	view.Protect(w.Header())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = page.WriteTo(w) // who went away sees no page
	return nil
}

func nonce() string {
	var fresh [24]byte
	_, _ = rand.Read(fresh[:]) // never fails
	return base64.StdEncoding.EncodeToString(fresh[:])
}

//go:embed parts.html checkout.js return.js
var files embed.FS

var parts = template.Must(template.New("").ParseFS(files, "parts.html"))

// source is a script of this package's own. It has no data in it.
func source(name string) template.JS {
	text, err := files.ReadFile(name)
	if err != nil {
		panic(err) // embedded
	}
	return template.JS(text)
}

var checkoutScript, returnScript = source("checkout.js"), source("return.js")

// render fills the templates. They escape all of a page, so that no field can
// end an attribute, an element or a script; what check refuses is refused for
// being wrong, not for safety alone.
func (s *Shop) render(p *Page) (*View, error) {
	v := &View{Nonce: p.Nonce, Policy: s.policy(p.Nonce)}
	fill := map[string]any{
		"Nonce": p.Nonce, "Script": s.ScriptURL(), "Glue": checkoutScript, "Data": s.data(p), "Boxes": p.boxes(),
		"SignInURL": p.SignInURL, "SignInLabel": or(p.SignInLabel, "Sign in again"), "NoScript": p.messages()[ErrNoScript],
	}
	if p.Confirm != nil {
		fill["Confirm"] = or(p.Confirm.Label, "Confirm")
	}
	if p.Logout != nil {
		fill["Logout"] = or(p.Logout.Label, "Sign out")
	}
	for _, part := range [...]struct {
		name string
		show bool
		into *template.HTML
	}{
		{"head", true, &v.Head}, {"messages", true, &v.Messages},
		{"login", p.Login != nil, &v.Login}, {"pay", p.Pay != nil, &v.Pay},
		{"addressbook", p.AddressBook != nil, &v.AddressBook}, {"wallet", p.Wallet != nil, &v.Wallet},
		{"consent", p.Consent != nil, &v.Consent}, {"confirm", p.Confirm != nil, &v.Confirm}, {"logout", p.Logout != nil, &v.Logout},
	} {
		if !part.show {
			continue
		}
		var text strings.Builder
		if err := parts.ExecuteTemplate(&text, part.name, fill); err != nil {
			return nil, fmt.Errorf("widgets: Page: %w", err)
		}
		*part.into = template.HTML(text.String())
	}
	return v, nil
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// messages is the page's own over the English ones.
func (p *Page) messages() Messages {
	m := English()
	for code, text := range p.Messages {
		if text != "" {
			m[code] = text
		}
	}
	return m
}

// box is the size of a widget's element, in a style sheet and not in a style
// attribute, which the policy forbids.
type box struct {
	ID                 string
	Width, Height, Min int
}

func (p *Page) boxes() (boxes []box) {
	if w := p.AddressBook; w != nil {
		boxes = append(boxes, box{"amazonpay-addressbook", w.Design.Width, w.Design.Height, 228})
	}
	if w := p.Wallet; w != nil {
		boxes = append(boxes, box{"amazonpay-wallet", w.Design.Width, w.Design.Height, 228})
	}
	if w := p.Consent; w != nil {
		boxes = append(boxes, box{"amazonpay-consent", w.Design.Width, w.Design.Height, 140})
	}
	return boxes
}

// check reports everything that is wrong with the page.
func (p *Page) check(c *Config) error {
	var wrong fault.List
	create := false
	if b := p.Login; b != nil {
		b.check("Login", p, c, &wrong)
		create = b.CreatesAgreement
	}
	if b := p.Pay; b != nil {
		b.check("Pay", p, c, &wrong)
		create = create || b.CreatesAgreement
	}
	p.checkWidgets(c, &wrong)
	if !plain(p.AmazonBillingAgreementID) {
		wrong.Add("AmazonBillingAgreementID", "is none of Amazon's")
	}
	if !plain(p.AmazonOrderReferenceID) {
		wrong.Add("AmazonOrderReferenceID", "is none of Amazon's")
	}
	if p.AmazonBillingAgreementID != "" && (p.AmazonOrderReferenceID != "" || p.OneTime) {
		wrong.Add("AmazonBillingAgreementID", "excludes AmazonOrderReferenceID and OneTime")
	}
	widget := p.AddressBook != nil || p.Wallet != nil || p.Consent != nil
	if widget || create || p.Confirm != nil || p.Logout != nil || p.EventsURL != "" {
		wrong.Add("EventsURL", pathProblem(p.EventsURL))
		wrong.Add("CSRFToken", fault.Word(p.CSRFToken, 1024))
	}
	if widget || p.Logout != nil || p.SignInURL != "" {
		wrong.Add("SignInURL", c.pageProblem(p.SignInURL))
	}
	if strings.ContainsFunc(p.Nonce, func(r rune) bool { return r > '~' || !strings.ContainsRune(nonceBytes, r) }) {
		wrong.Add("Nonce", "has a character outside base64")
	} else if p.Nonce != "" && len(p.Nonce) < 22 {
		wrong.Add("Nonce", "is shorter than 16 bytes in base64")
	}
	return wrong.Of("widgets", "Page")
}

const nonceBytes = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_="

func (p *Page) checkWidgets(c *Config, wrong *fault.List) {
	exists := p.AmazonBillingAgreementID != "" || p.AmazonOrderReferenceID != ""
	if w := p.AddressBook; w != nil {
		w.DisplayMode.check("AddressBook.DisplayMode", wrong)
		w.Design.check("AddressBook.Design", wrong)
		for i, s := range w.Scopes {
			wrong.Add(fmt.Sprintf("AddressBook.Scopes[%d]", i), fault.Word(s, 100))
		}
		if w.DisplayMode == DisplayRead && !exists {
			wrong.Add("AddressBook.DisplayMode", "Read needs an id of the page")
		}
	}
	if w := p.Wallet; w != nil {
		w.DisplayMode.check("Wallet.DisplayMode", wrong)
		w.Design.check("Wallet.Design", wrong)
		for i, s := range w.Scopes {
			wrong.Add(fmt.Sprintf("Wallet.Scopes[%d]", i), fault.Word(s, 100))
		}
		if w.DisplayMode == DisplayRead && !exists {
			wrong.Add("Wallet.DisplayMode", "Read needs an id of the page")
		}
		if w.PresentmentCurrency != "" && (!p.oneTime() || !endpoint.MultiCurrency(c.Region)) {
			wrong.Add("Wallet.PresentmentCurrency", "is for OneTime pages in UK and EU")
		}
		wrong.Add("Wallet.PresentmentCurrency", fault.Optional(w.PresentmentCurrency, 3))
	}
	source := exists || p.AddressBook != nil || p.Wallet != nil
	if w := p.Consent; w != nil {
		w.Design.check("Consent.Design", wrong)
		if p.oneTime() {
			wrong.Add("Consent", "is for billing agreements")
		} else if !source {
			wrong.Add("Consent", "needs an AddressBook, a Wallet or AmazonBillingAgreementID")
		}
	}
	if w := p.Confirm; w != nil {
		if !source {
			wrong.Add("Confirm", "needs an AddressBook, a Wallet or an id of the page")
		}
		if w.SuccessURL != "" || !c.Region.ConfirmationFlow() {
			wrong.Add("Confirm.SuccessURL", c.pageProblem(w.SuccessURL))
		}
	}
}

// oneTime reports whether the page is about an order reference.
func (p *Page) oneTime() bool { return p.OneTime || p.AmazonOrderReferenceID != "" }
