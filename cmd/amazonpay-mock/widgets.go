package main

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

//go:embed widgets
var widgetFiles embed.FS

// widgetFile reads one of the files that are part of the program.
func widgetFile(name string) []byte {
	text, err := widgetFiles.ReadFile("widgets/" + name)
	if err != nil {
		panic("amazonpay-mock: " + err.Error())
	}
	return text
}

// script joins parts into one function, so that none of their names gets into
// the page.
func script(parts ...string) []byte {
	var b bytes.Buffer
	b.WriteString("// amazonpay-mock: an imitation of Amazon's script, no real payment.\n(() => {\n'use strict';\n\n")
	for _, name := range parts {
		b.Write(widgetFile(name))
		b.WriteByte('\n')
	}
	b.WriteString("})();\n")
	return b.Bytes()
}

// widgetRoutes are where Amazon has its scripts, for every host.
func widgetRoutes(mux *http.ServeMux, s *server) {
	widgets, login := static("Widgets.js", script("login.js", "payments.js"), true), static("login1.js", script("login.js"), true)
	for _, country := range []string{"us", "uk", "gbp", "de", "eur", "jp"} {
		for _, below := range []string{"", "sandbox/", "lpa/", "sandbox/lpa/"} {
			mux.Handle("/OffAmazonPayments/"+country+"/"+below+"js/Widgets.js", widgets)
		}
	}
	// As it was once written down for Japan.
	mux.Handle("/images/G/09/EP/offAmazonPayments/sandbox/prod/lpa/js/Widgets.js", widgets)
	mux.Handle("/sdk/na/login1.js", login)
	mux.Handle("/sdk/login1.js", login)

	mux.Handle("/widgets/frame", framed(static("frame.html", widgetFile("frame.html"), true)))
	for _, name := range []string{"frame.js", "popup.js", "widgets.css"} {
		mux.Handle("/widgets/"+name, static(name, widgetFile(name), false))
	}
	mux.HandleFunc("POST /widgets/act", s.widgetAct)
	mux.HandleFunc("GET /widgets/confirm/{key}", s.confirmation)
	mux.HandleFunc("POST /widgets/confirm/{key}", s.authenticate)
}

// static serves a file of the program. A browser keeps it, but asks each time
// whether it is still the same: the program may be a newer one. Other sites may
// load what is for their pages.
func static(name string, text []byte, everywhere bool) http.Handler {
	sum := sha256.Sum256(text)
	tag := `"` + hex.EncodeToString(sum[:12]) + `"`
	kind := map[string]string{
		".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".html": "text/html; charset=utf-8",
	}[path.Ext(name)]
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "takes GET", http.StatusMethodNotAllowed)
			return
		}
		h := w.Header()
		h.Set("Content-Type", kind)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-cache")
		h.Set("ETag", tag)
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if everywhere {
			h.Set("Cross-Origin-Resource-Policy", "cross-origin")
			h.Set("Access-Control-Allow-Origin", "*")
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(text))
	})
}

// framed is for the page of the widgets' frames: shops' pages, and they only,
// have it inside themselves.
func framed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors http: https:")
		h.Set("Referrer-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// widgetBody is what a frame asks.
type widgetBody struct {
	Widget      amazonpaytest.WidgetKind     `json:"widget"`
	Region      string                       `json:"region"`
	Environment amazonpay.Environment        `json:"environment"`
	SellerID    string                       `json:"seller"`
	Agreement   amazonpay.BillingAgreementID `json:"agreement"`
	Order       amazonpay.OrderReferenceID   `json:"order"`
	Recurring   bool                         `json:"recurring"`
	Digital     bool                         `json:"digital"`
	ReadOnly    bool                         `json:"readOnly"`
	Currency    amazonpay.Currency           `json:"currency"`
	Choice      *widgetChoice                `json:"choice"`
}

// widgetChoice is one of its fields.
type widgetChoice struct {
	Address *int                        `json:"address"` // its place in the address book
	Payment amazonpaytest.PaymentMethod `json:"payment"`
	Consent *bool                       `json:"consent"`
}

// widgetView is what a frame shows, and tells the page a part of.
type widgetView struct {
	Agreement amazonpay.BillingAgreementID `json:"agreement,omitempty"`
	Order     amazonpay.OrderReferenceID   `json:"order,omitempty"`
	Created   bool                         `json:"created,omitempty"`
	State     amazonpay.State              `json:"state,omitempty"`
	Addresses []amazonpay.Address          `json:"addresses"`
	Address   int                          `json:"address"`
	Payments  []paymentChoice              `json:"payments"`
	Payment   amazonpaytest.PaymentMethod  `json:"payment"`
	Consent   bool                         `json:"consent"`
	ByLogin   bool                         `json:"byLogin,omitempty"`
	Confirm   string                       `json:"confirm,omitempty"` // path of the bank's page
	Warning   *widgetProblem               `json:"warning,omitempty"`
}

// paymentChoice is a line of the Wallet.
type paymentChoice struct {
	ID    amazonpaytest.PaymentMethod `json:"id"`
	Label string                      `json:"label"`
}

// widgetProblem is an error of a widget, as the page hears of it.
type widgetProblem struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// paymentLabels tell the buyer, who is a tester, what a card is good for.
var paymentLabels = map[amazonpaytest.PaymentMethod]string{
	amazonpaytest.GoodCard:        "Visa …1111 (good)",
	amazonpaytest.BadCard:         "Mastercard …0002 (declined: InvalidPaymentMethod)",
	amazonpaytest.ShortOnce:       "Visa …0010 (the first charge declined: InvalidPaymentMethod, soft)",
	amazonpaytest.AlwaysShort:     "Visa …0028 (declined: InvalidPaymentMethod, soft)",
	amazonpaytest.RejectedCard:    "Mastercard …0036 (declined: AmazonRejected)",
	amazonpaytest.FailingCard:     "Visa …0044 (declined: ProcessingFailure)",
	amazonpaytest.SlowBank:        "Amex …0051 (slow bank: synchronous charges time out)",
	amazonpaytest.SilentBank:      "Amex …0069 (silent bank: every charge times out)",
	amazonpaytest.NotAllowed:      "Gift card …0077 (constraint: PaymentMethodNotAllowed)",
	amazonpaytest.CaptureRejected: "Visa …0085 (captures declined: AmazonRejected)",
	amazonpaytest.CaptureFailing:  "Visa …0093 (captures declined: ProcessingFailure)",
	amazonpaytest.RefundRejected:  "Visa …0101 (refunds declined: AmazonRejected)",
	amazonpaytest.RefundFailing:   "Visa …0119 (refunds declined: ProcessingFailure)",
}

func paymentChoices() []paymentChoice {
	var choices []paymentChoice
	for _, m := range amazonpaytest.PaymentMethods() {
		label := paymentLabels[m]
		if label == "" {
			label = string(m)
		}
		choices = append(choices, paymentChoice{m, label})
	}
	return choices
}

// ownPage tells a request that a page of this server sent, or no page at all.
// The widgets' own token would do; this keeps the page around a frame, which
// knows the token, from doing what only the buyer may.
func ownPage(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" {
		return false
	}
	origins, sent := r.Header["Origin"]
	u, err := url.Parse(strings.Join(origins, ","))
	return !sent || err == nil && strings.EqualFold(u.Host, r.Host)
}

// widgetAct shows a widget, or does what the buyer chose in it.
func (s *server) widgetAct(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	status, kind, answer := http.StatusOK, amazonpaytest.WidgetKind(""), any(nil)
	defer func() {
		code := ""
		if p, bad := answer.(*widgetProblem); bad {
			status, code = http.StatusBadRequest, p.Code
			answer = map[string]*widgetProblem{"error": p}
		}
		s.log.Info("widget", "kind", kind, "status", status, "code", code)
		writeJSON(w, status, answer)
	}()
	if !ownPage(r) || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		answer = &widgetProblem{"InvalidParameterValue", "The request is not that of a widget."}
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	body, err := readBody[widgetBody](r)
	if err != nil {
		answer = &widgetProblem{"InvalidParameterValue", err.Error()}
		return
	}
	if slices.Contains(widgetKinds, body.Widget) {
		kind = body.Widget // anything else may be a secret in the wrong field
	}
	if answer, err = s.widget(body, bearer(r)); err != nil {
		answer = problemOf(err)
	}
}

func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "bearer") {
		return ""
	}
	return token
}

// problemOf is an error as the page hears of it.
func problemOf(err error) *widgetProblem {
	if e, ok := err.(*amazonpaytest.WidgetError); ok {
		return &widgetProblem{e.Code, e.Message}
	}
	return &widgetProblem{"UnknownError", err.Error()}
}

// widget finds the books, and whether a test wants an error instead.
func (s *server) widget(body widgetBody, token string) (any, error) {
	b, p := s.amazon.find(body.Region, string(body.Environment))
	if p != nil || body.Region == "" || body.Environment == "" {
		return nil, &amazonpaytest.WidgetError{Code: "InvalidParameterValue", Message: "The region or the environment is unknown."}
	}
	var warning *widgetProblem
	if code := s.wanted.take(body.Widget); code == "ITP" {
		warning = &widgetProblem{code, "The browser prevents tracking."}
	} else if code != "" {
		return nil, &amazonpaytest.WidgetError{Code: code, Message: "A test wants this error."}
	}
	shop := amazonpaytest.Widget{
		Kind: body.Widget, SellerID: body.SellerID, AccessToken: token, Environment: b.environment,
		BillingAgreementID: body.Agreement, OrderReferenceID: body.Order,
		Recurring: body.Recurring, Digital: body.Digital, ReadOnly: body.ReadOnly, Currency: body.Currency,
	}
	defer s.amazon.deliver(b)
	view, err := show(b.now(), shop, body.Choice)
	if err != nil {
		if p := problemOf(err); p.Code == "BuyerNotAssociated" && body.Widget == amazonpaytest.ButtonWidget && token == "" {
			return &widgetView{Warning: warning}, nil // it is there to sign in
		}
		return nil, err
	}
	answer := &widgetView{
		Agreement: view.BillingAgreementID, Order: view.OrderReferenceID, Created: view.Created, State: view.State,
		Addresses: view.Addresses, Address: view.Address, Payments: paymentChoices(), Payment: view.Payment,
		Consent: view.Consent, ByLogin: view.ByLogin, Warning: warning,
	}
	if body.Widget == amazonpaytest.ConfirmationWidget {
		if !view.Awaits {
			return nil, &amazonpaytest.WidgetError{Code: "InvalidParameterValue", Message: "Nothing awaits the buyer: it was not confirmed with SuccessUrl and FailureUrl in UK or EU."}
		}
		answer.Confirm = "/widgets/confirm/" + s.flows.begin(b, string(body.Agreement)+string(body.Order))
	}
	return answer, nil
}

// show renders the widget, or does the choice.
func show(f *amazonpaytest.Fake, w amazonpaytest.Widget, c *widgetChoice) (*amazonpaytest.WidgetView, error) {
	if c == nil {
		return f.OpenWidget(w)
	}
	choice := amazonpaytest.WidgetChoice{Payment: c.Payment, Consent: c.Consent}
	if c.Address != nil {
		book := f.AddressBook()
		if *c.Address < 0 || *c.Address >= len(book) {
			return nil, &amazonpaytest.WidgetError{Code: "InvalidParameterValue", Message: fmt.Sprintf("The address book has %d addresses.", len(book))}
		}
		choice.Address = &book[*c.Address]
	}
	return f.UseWidget(w, choice)
}

// signIn is the consent page. In a pop-up of the widgets, where it would lead
// back to the shop, it tells the page that opened it instead.
func (s *server) signIn(w http.ResponseWriter, r *amazonRequest) {
	if r.Method == http.MethodPost && strange(r.Request) { // the form's own token is made of keys that are no secret
		servePage(w, http.StatusForbidden, "strange", nil)
		return
	}
	if r.URL.Query().Get("popup") != "true" {
		s.clients(w, r)
		return
	}
	answer := httptest.NewRecorder()
	s.clients(answer, r)
	target, err := url.Parse(answer.Header().Get("Location"))
	if answer.Code != http.StatusFound || err != nil {
		copyAnswer(w, answer)
		return
	}
	fields := make(map[string]string)
	for name, values := range target.Query() {
		fields[name] = values[0]
	}
	text, _ := json.Marshal(fields) // of texts
	servePage(w, http.StatusOK, "popup", map[string]string{
		"Origin": target.Scheme + "://" + target.Host, "Answer": string(text),
	})
}
