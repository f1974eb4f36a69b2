package widgets_test

import (
	"cmp"
	"fmt"
	"html/template"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/lwa"
	"github.com/amazonpay-go/amazonpay/widgets"
)

// pages is a shop whose pages the package widgets makes.
type pages struct {
	*shop
	button widgets.Button // of /basket
	page   widgets.Page   // of /subscribe
	base   string         // where Amazon's script is; empty is the mock's address

	mu       sync.Mutex
	events   []string
	returned http.Header // of the return page's POST
}

var layout = template.Must(template.New("").Parse(`<!doctype html>
<html lang="en"><head><meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,"><title>Shop</title>{{.Head}}</head>
<body><h1>Shop</h1>{{.Messages}}{{.Pay}}{{.AddressBook}}{{.Wallet}}{{.Consent}}{{.Confirm}}{{.Logout}}</body></html>`))

func openPages(t *testing.T, m *mock, p place, button widgets.Button, page widgets.Page) *pages {
	t.Helper()
	s := &pages{shop: openShop(t, m, p), button: button, page: page}
	s.button.ReturnURL, s.button.State = "/return", "state"
	s.page.EventsURL, s.page.CSRFToken, s.page.SignInURL = "/events", "csrf", "/basket"
	mux := http.NewServeMux()
	mux.HandleFunc("GET /basket", func(w http.ResponseWriter, _ *http.Request) {
		page := widgets.Page{Pay: &s.button}
		if s.button.CreatesAgreement {
			page.EventsURL, page.CSRFToken = "/events", "csrf"
		}
		s.show(w, page)
	})
	mux.HandleFunc("GET /subscribe", func(w http.ResponseWriter, _ *http.Request) { s.show(w, s.page) })
	mux.HandleFunc("GET /return", func(w http.ResponseWriter, r *http.Request) { s.widgets().ReturnPage().ServeHTTP(w, r) })
	mux.HandleFunc("POST /return", s.back)
	mux.HandleFunc("POST /events", s.happened)
	mux.HandleFunc("GET /done", s.ended)
	// An old browser, which says nothing but the Origin.
	strict := http.NewCrossOriginProtection().Handler(mux)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Sec-Fetch-Site")
		strict.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	s.url = strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	return s
}

func (s *pages) widgets() *widgets.Shop {
	made, err := widgets.New(widgets.Config{SellerID: s.seller, ClientID: s.place.client, Region: s.region, Environment: widgets.Sandbox,
		BaseURL: cmp.Or(s.base, s.mock.HTTP[0])})
	if err != nil {
		panic(err)
	}
	return made
}

func (s *pages) show(w http.ResponseWriter, page widgets.Page) {
	if err := s.widgets().Execute(w, layout, page); err != nil {
		s.t.Error(err)
	}
}

// back takes what the browser brings from the sign-in. Tests believe it.
func (s *pages) back(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.returned = r.Header.Clone()
	s.mu.Unlock()
	delivered, err := widgets.ParseReturn(r)
	if err != nil {
		s.t.Error(err)
		return
	}
	grant, err := lwa.ParseGrant(delivered, time.Now())
	if err != nil {
		http.Redirect(w, r, "/done?why="+url.QueryEscape(err.Error()), http.StatusSeeOther)
		return
	}
	http.SetCookie(w, widgets.TokenCookie(grant.Token.AccessToken, s.url))
	http.Redirect(w, r, "/subscribe", http.StatusSeeOther)
}

func (s *pages) happened(w http.ResponseWriter, r *http.Request) {
	event, err := widgets.ParseEvent(r, "csrf")
	if err != nil {
		s.t.Error(err)
		return
	}
	s.mu.Lock()
	s.events = append(s.events, strings.TrimSpace(string(event.Kind)+" "+string(event.ErrorCode)))
	s.mu.Unlock()
	if event.Kind != widgets.KindConfirm {
		return
	}
	if id := amazonpay.OrderReferenceID(event.OrderReferenceID); id != "" {
		set := amazonpay.SetOrderReferenceDetailsRequest{AmazonOrderReferenceID: id}
		set.OrderReferenceAttributes.OrderTotal = amazonpay.MustPrice("10", amazonpay.CurrencyGBP)
		if _, err = s.client.SetOrderReferenceDetails(r.Context(), set); err == nil {
			err = s.client.ConfirmOrderReference(r.Context(), amazonpay.ConfirmOrderReferenceRequest{
				AmazonOrderReferenceID: id, SuccessURL: s.url + "/done", FailureURL: s.url + "/done"})
		}
	} else {
		err = s.client.ConfirmBillingAgreement(r.Context(), amazonpay.ConfirmBillingAgreementRequest{
			AmazonBillingAgreementID: amazonpay.BillingAgreementID(event.BillingAgreementID), SuccessURL: s.url + "/done", FailureURL: s.url + "/done"})
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
	}
}

func (s *pages) ended(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	_, _ = fmt.Fprintf(w, `<!doctype html><link rel="icon" href="data:,"><title>Done</title><p id="result">Done. %s %s</p>`,
		template.HTMLEscapeString(r.FormValue("why")), widgets.ClaimedAuthentication(r))
}

// heard are the events so far, without those that came again.
func (s *pages) heard() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.events, ",")
}

// signIn goes from the button to the page with the widgets, by the window or the
// redirect.
func (s *pages) signIn(b *tab, decision string) {
	b.t.Helper()
	b.Visit(s.url + "/basket")
	b.click("#amazonpay-pay button")
	if s.button.Redirect {
		b.click("button[value=" + decision + "]")
	} else {
		b.decide(decision)
	}
	if decision == "allow" {
		b.Eventually("location.pathname === '/subscribe' && location.search + location.hash === '' && document.readyState === 'complete'")
	}
}

// TestPackageButton is the button that makes the agreement, in a window.
func TestPackageButton(t *testing.T) {
	m := startMock(t)
	creates := widgets.Button{CreatesAgreement: true, UseAmazonAddressBook: true}
	t.Run("allowed", func(t *testing.T) {
		s, b := openPages(t, m, us, creates, widgets.Page{Wallet: &widgets.Wallet{}}), openTab(t, 1280)
		s.signIn(b, "allow")
		assert.True(t, strings.HasPrefix(s.heard(), "created"), s.heard())
	})
	t.Run("denied", func(t *testing.T) {
		s, b := openPages(t, m, us, creates, widgets.Page{Wallet: &widgets.Wallet{}}), openTab(t, 1280)
		s.signIn(b, "deny")
		b.result("Access not permitted (access_denied)")
		assert.Empty(t, s.heard())
	})
}

// TestPackageDigital is a subscription to what is not sent anywhere: the Wallet
// makes the agreement.
func TestPackageDigital(t *testing.T) {
	s := openPages(t, startMock(t), us, widgets.Button{Redirect: true, Scopes: []string{"profile", "payments:widget"}},
		widgets.Page{Wallet: &widgets.Wallet{}, Consent: &widgets.Consent{}, Confirm: &widgets.Confirm{SuccessURL: "/done"}})
	b := openTab(t, 390)
	s.signIn(b, "allow")
	b.InFrame("payment methods", "document.querySelector('input:checked')")
	b.Pick("consent", "#consent:not(:checked)")
	b.FitsWidth()
	b.click("#amazonpay-confirm")
	b.result("Done.")
	assert.Equal(t, "created,payment,consent,consent,confirm", s.heard())
}

// TestPackageOneTime is an order in another currency than the seller's.
func TestPackageOneTime(t *testing.T) {
	s := openPages(t, startMock(t), uk, widgets.Button{}, widgets.Page{OneTime: true, AddressBook: &widgets.AddressBook{},
		Wallet: &widgets.Wallet{PresentmentCurrency: "GBP"}, Confirm: &widgets.Confirm{}})
	b := openTab(t, 1280)
	s.signIn(b, "allow")
	b.InFrame("payment methods", "document.querySelector('input:checked')")
	b.click("#amazonpay-confirm")
	b.Eventually("location.pathname.startsWith('/widgets/confirm/') && document.querySelector('button')")
	b.click("button[value=Success]")
	b.result("Done.  Success")
	assert.Equal(t, "created,address,payment,confirm", s.heard())
}

func TestPackageLogout(t *testing.T) {
	s := openPages(t, startMock(t), us, widgets.Button{}, widgets.Page{AddressBook: &widgets.AddressBook{}, Wallet: &widgets.Wallet{}, Logout: &widgets.Logout{}})
	b := openTab(t, 1280)
	s.signIn(b, "allow")
	b.InFrame("payment methods", "document.querySelector('input:checked')")
	assert.Contains(t, value[string](b, "document.cookie"), "amazon_Login_accessToken=Atza")
	b.click("#amazonpay-logout")
	b.Eventually("location.pathname === '/basket'")
	assert.NotContains(t, value[string](b, "document.cookie"), "amazon_Login")
	assert.True(t, strings.HasSuffix(s.heard(), ",logout"), s.heard())
}

// TestPackageOrigin is a shop that judges by the Origin, and reads its logs.
func TestPackageOrigin(t *testing.T) {
	m := startMock(t)
	for name, button := range map[string]widgets.Button{"window": {}, "redirect": {Redirect: true}} {
		t.Run(name, func(t *testing.T) {
			s, b := openPages(t, m, us, button, widgets.Page{Wallet: &widgets.Wallet{}}), openTab(t, 1280)
			s.signIn(b, "allow")
			s.mu.Lock()
			defer s.mu.Unlock()
			assert.Equal(t, s.url, s.returned.Get("Origin"))
			assert.Equal(t, s.url+"/return", s.returned.Get("Referer"), "without the token")
		})
	}
}

// TestPackageFlowFails is a bank whose page never comes: the buyer gets the
// button back, and confirms once more.
func TestPackageFlowFails(t *testing.T) {
	m := startMock(t)
	s := openPages(t, m, uk, widgets.Button{}, widgets.Page{Wallet: &widgets.Wallet{}, Consent: &widgets.Consent{}, Confirm: &widgets.Confirm{}})
	b := openTab(t, 390).complains()
	s.signIn(b, "allow")
	b.InFrame("payment methods", "document.querySelector('input:checked')")
	b.Pick("consent", "#consent:not(:checked)")
	m.steer("widgets", `{"widget":"Confirmation","code":"UnknownError"}`)
	value[bool](b, "(() => { const real = setTimeout; window.setTimeout = (f, ms) => real(f, ms / 10); return true; })()") // nobody waits for 30 seconds
	b.click("#amazonpay-confirm")
	b.Sees("#amazonpay-messages", "We do not know yet whether your confirmation got through.")
	assert.True(t, b.seen("#amazonpay-messages"))
	b.click("#amazonpay-confirm")
	b.Eventually("location.pathname.startsWith('/widgets/confirm/') && document.querySelector('button')")
	b.click("button[value=Success]")
	b.result("Done.  Success")
}

// seen reports whether an element is on the screen.
func (b *tab) seen(selector string) bool {
	b.t.Helper()
	return value[bool](b, "(r => r.height > 0 && r.top >= 0 && r.bottom <= innerHeight)(document.querySelector('"+selector+"').getBoundingClientRect())")
}

// TestPackageNotLoaded is Amazon's script behind a blocker.
func TestPackageNotLoaded(t *testing.T) {
	s, b := openPages(t, startMock(t), us, widgets.Button{}, widgets.Page{Wallet: &widgets.Wallet{}}), openTab(t, 1280)
	s.base = "http://127.0.0.1:9" // nobody listens
	b.Expect("127.0.0.1:9")
	b.Visit(s.url + "/subscribe")
	b.Sees("#amazonpay-messages", "Amazon Pay could not be loaded.")
}

// TestPackageHostile has markup in every text of a page that is shown.
func TestPackageHostile(t *testing.T) {
	const evil = `</script></style></noscript><img src=x onerror="document.title='owned'">"'><svg/onload=document.title='owned'>`
	page := widgets.Page{
		AddressBook: &widgets.AddressBook{}, Wallet: &widgets.Wallet{}, Consent: &widgets.Consent{}, Confirm: &widgets.Confirm{SuccessURL: "/done", Label: evil},
		Logout: &widgets.Logout{Label: evil}, SignInLabel: evil,
		Messages: widgets.Messages{widgets.ErrNoScript: evil, widgets.ErrBuyerNotAssociated: evil, widgets.ErrorCode(evil): evil},
	}
	s, b := openPages(t, startMock(t), us, widgets.Button{}, page), openTab(t, 390).complains()
	b.Visit(s.url + "/subscribe") // nobody is signed in, and the message says so
	b.Sees("#amazonpay-messages", "onerror")
	b.Sees("#amazonpay-confirm", "onerror")
	b.Sees("#amazonpay-logout", "onerror")
	b.Sees("#amazonpay-signin", "onerror")
	assert.Equal(t, "Shop", value[string](b, "document.title"))
	assert.Zero(t, value[int](b, "document.querySelectorAll('img, svg').length"))
	require.True(t, b.seen("#amazonpay-signin"))
}

// TestPackageJapan has two types of buttons.
func TestPackageJapan(t *testing.T) {
	s, b := openShop(t, startMock(t), jp), openTab(t, 1280).complains()
	b.Visit(s.url)
	b.Eventually("document.querySelector('#AmazonPayButton button')")
	value[bool](b, "OffAmazonPayments.Button('AmazonPayButton', shop.seller, { type: 'Pay', authorization() {}, onError: failed('Button') }) === undefined")
	b.happened("Button.onError InvalidParameterValue")
}
