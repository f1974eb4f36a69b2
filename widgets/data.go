package widgets

import (
	"strconv"
	"strings"
)

// data is what the script in the page reads, as JSON. Its names are those of
// checkout.js.
type data struct {
	ClientID           string        `json:"clientId"`
	SellerID           string        `json:"sellerId"`
	BillingAgreementID string        `json:"billingAgreementId"`
	OrderReferenceID   string        `json:"orderReferenceId"`
	OneTime            bool          `json:"oneTime"`
	Events             string        `json:"events"`
	CSRFToken          string        `json:"csrfToken"`
	SignIn             string        `json:"signIn"`
	SessionLeft        int64         `json:"sessionLeft"` // milliseconds; 0 = no widget that needs a session
	Buttons            []buttonData  `json:"buttons"`
	AddressBook        *widgetData   `json:"addressBook"`
	Wallet             *widgetData   `json:"wallet"`
	Consent            *widgetData   `json:"consent"`
	Confirm            *confirmation `json:"confirm"`
	Messages           Messages      `json:"messages"`
}

// buttonData goes to OffAmazonPayments.Button and amazon.Login.authorize.
type buttonData struct {
	ID       string         `json:"id"`
	Options  map[string]any `json:"options"`
	Login    map[string]any `json:"login"`
	Next     string         `json:"next"`
	Creates  bool           `json:"creates"`
	Shipping bool           `json:"shipping"`
}

// widgetData goes to a constructor of OffAmazonPayments.Widgets.
type widgetData struct {
	Options  map[string]any `json:"options"`
	Read     bool           `json:"read"`
	Currency string         `json:"currency,omitempty"`
}

// confirmation is what the Confirm button waits for and does.
type confirmation struct {
	Flow  bool     `json:"flow"`
	Next  string   `json:"next"`
	Needs []string `json:"needs"`
}

func (s *Shop) data(p *Page) *data {
	d := &data{
		ClientID: s.config.ClientID, SellerID: s.config.SellerID,
		BillingAgreementID: p.AmazonBillingAgreementID, OrderReferenceID: p.AmazonOrderReferenceID, OneTime: p.oneTime(),
		Events: p.EventsURL, CSRFToken: p.CSRFToken, SignIn: p.SignInURL, Messages: p.messages(), Buttons: []buttonData{},
	}
	if p.Login != nil {
		d.Buttons = append(d.Buttons, p.Login.data("amazonpay-login", ButtonLwA, "profile"))
	}
	if p.Pay != nil {
		d.Buttons = append(d.Buttons, p.Pay.data("amazonpay-pay", ButtonPwA, "profile payments:widget payments:shipping_address"))
	}
	needs := []string{}
	if w := p.AddressBook; w != nil {
		d.AddressBook = widget(w.Design, w.DisplayMode, w.Scopes)
		if !d.AddressBook.Read {
			needs = append(needs, "address")
		}
	}
	if w := p.Wallet; w != nil {
		d.Wallet = widget(w.Design, w.DisplayMode, w.Scopes)
		d.Wallet.Currency = w.PresentmentCurrency
		if !d.Wallet.Read {
			needs = append(needs, "payment")
		}
	}
	if w := p.Consent; w != nil {
		d.Consent = widget(w.Design, "", nil)
		needs = append(needs, "consent")
	}
	if w := p.Confirm; w != nil {
		d.Confirm = &confirmation{s.config.Region.ConfirmationFlow(), w.SuccessURL, needs}
	}
	if p.AddressBook != nil || p.Wallet != nil || p.Consent != nil {
		switch {
		case p.SessionLeft == 0:
			d.SessionLeft = SessionLife.Milliseconds()
		case p.SessionLeft < 0:
			d.SessionLeft = 1
		default:
			d.SessionLeft = max(min(p.SessionLeft, SessionLife).Milliseconds(), 1)
		}
	}
	return d
}

func (b *Button) data(id string, kind ButtonType, scope string) buttonData {
	options := map[string]any{"type": or(string(b.Type), string(kind))}
	for name, value := range map[string]string{"color": string(b.Color), "size": string(b.Size), "language": string(b.Language)} {
		if value != "" {
			options[name] = value
		}
	}
	if b.Scopes != nil {
		scope = strings.Join(b.Scopes, " ")
	}
	// popup is a boolean: the text "false" would count as true.
	login := map[string]any{"scope": scope, "popup": !b.Redirect, "state": b.State}
	return buttonData{id, options, login, b.ReturnURL, b.CreatesAgreement, b.UseAmazonAddressBook}
}

func widget(d Design, mode DisplayMode, scopes []string) *widgetData {
	options := map[string]any{}
	if d.Width != 0 {
		options["design"] = map[string]any{"size": map[string]string{"width": pixels(d.Width), "height": pixels(d.Height)}}
	} else {
		options["design"] = map[string]any{"designMode": or(string(d.Mode), string(DesignResponsive))}
	}
	if mode != "" {
		options["displayMode"] = string(mode)
	}
	if scopes != nil {
		options["scope"] = strings.Join(scopes, " ")
	}
	return &widgetData{Options: options, Read: mode == DisplayRead}
}

func pixels(n int) string { return strconv.Itoa(n) + "px" }
