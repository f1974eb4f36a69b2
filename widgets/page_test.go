package widgets_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"html/template"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay/widgets"
)

var update = flag.Bool("update", false, "write the goldens of the widgets anew")

// fixed is a nonce for goldens.
const fixed = "bm9uY2Utb2YtYS10ZXN0IQ=="

// epoch is when the tests happen.
var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

var regions = []widgets.Region{widgets.RegionNA, widgets.RegionUK, widgets.RegionEU, widgets.RegionJP}

// all is a view as one text, in the order of a page.
func all(v *widgets.View) string {
	parts := []template.HTML{v.Head, v.Messages, v.Login, v.Pay, v.AddressBook, v.Wallet, v.Consent, v.Confirm, v.Logout}
	text := new(strings.Builder)
	for _, part := range parts {
		if part != "" {
			text.WriteString(string(part) + "\n")
		}
	}
	return text.String()
}

// Each widget in each region, as it goes over the wire. The script of this
// package, which is the same everywhere, stands as its name.
func TestGoldens(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]widgets.Page{
		"login":       {Login: &widgets.Button{ReturnURL: "https://shop.example/return", State: "state", Redirect: true}},
		"pay":         {Pay: &widgets.Button{ReturnURL: "/return", State: "state", CreatesAgreement: true, Color: widgets.ColorGold, Size: widgets.SizeMedium}, EventsURL: "/events", CSRFToken: "csrf"},
		"addressbook": {AddressBook: &widgets.AddressBook{}, EventsURL: "/events", CSRFToken: "csrf", SignInURL: "/basket"},
		"wallet":      {Wallet: &widgets.Wallet{Design: widgets.Design{Width: 400, Height: 260}}, EventsURL: "/events", CSRFToken: "csrf", SignInURL: "/basket", AmazonBillingAgreementID: "C01-1234567-1234567"},
		"consent":     {Consent: &widgets.Consent{}, EventsURL: "/events", CSRFToken: "csrf", SignInURL: "/basket", AmazonBillingAgreementID: "C01-1234567-1234567"},
		"confirm":     {Confirm: &widgets.Confirm{SuccessURL: "/thanks"}, EventsURL: "/events", CSRFToken: "csrf", AmazonBillingAgreementID: "C01-1234567-1234567"},
		"logout":      {Logout: &widgets.Logout{}, EventsURL: "/events", CSRFToken: "csrf", SignInURL: "/basket"},
	} {
		for _, region := range regions {
			t.Run(name+" "+string(region), func(t *testing.T) {
				t.Parallel()
				p := p
				p.Nonce = fixed
				view := render(t, region, p)
				script, err := os.ReadFile("checkout.js")
				require.NoError(t, err)
				require.Contains(t, all(view), string(script))
				got := view.Policy.String() + "\n\n" + strings.Replace(all(view), string(script), "checkout.js", 1)
				file := filepath.Join("testdata", string(region), name+".html")
				if *update {
					require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
					require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
				}
				want, err := os.ReadFile(file)
				require.NoError(t, err)
				assert.Equal(t, string(want), got)
			})
		}
	}
}

// What is not on the page has no part of it.
func TestRenderEmpty(t *testing.T) {
	t.Parallel()
	view := render(t, widgets.RegionUK, widgets.Page{})
	for name, part := range map[string]template.HTML{
		"Login": view.Login, "Pay": view.Pay, "AddressBook": view.AddressBook, "Wallet": view.Wallet,
		"Consent": view.Consent, "Confirm": view.Confirm, "Logout": view.Logout,
	} {
		assert.Empty(t, part, name)
	}
	assert.NotContains(t, view.Messages, "amazonpay-signin")
	assert.NotContains(t, view.Head, "<style")
	other := render(t, widgets.RegionUK, widgets.Page{})
	assert.NotEqual(t, view.Nonce, other.Nonce)
	assert.GreaterOrEqual(t, len(view.Nonce), 22)
}

// pageData is what of the page's data the tests look at.
type pageData struct {
	SessionLeft int64             `json:"sessionLeft"`
	Messages    map[string]string `json:"messages"`
	Confirm     struct {
		Flow  bool     `json:"flow"`
		Needs []string `json:"needs"`
	} `json:"confirm"`
}

func dataOf(t testing.TB, v *widgets.View) (data pageData) {
	t.Helper()
	for _, e := range tokenize(t, string(v.Head)) {
		if e.attributes["id"] == "amazonpay-data" {
			require.NoError(t, json.Unmarshal([]byte(e.text), &data))
		}
	}
	return data
}

func TestRenderSessionLeft(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		left   time.Duration
		wallet bool
		want   int64
	}{
		{"all of it", 0, true, 55 * 60 * 1000},
		{"some of it", 90 * time.Second, true, 90000},
		{"more than there is", 2 * time.Hour, true, 55 * 60 * 1000},
		{"less than a millisecond", 1, true, 1},
		{"nothing", -time.Second, true, 1},
		{"no widget that needs it", time.Minute, false, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := subscription()
			p.SessionLeft = test.left
			if !test.wallet {
				p = widgets.Page{Logout: p.Logout, EventsURL: p.EventsURL, CSRFToken: p.CSRFToken, SignInURL: p.SignInURL, SessionLeft: test.left}
			}
			assert.Equal(t, test.want, dataOf(t, render(t, widgets.RegionUK, p)).SessionLeft)
		})
	}
}

func TestRenderMessages(t *testing.T) {
	t.Parallel()
	p := subscription()
	p.Messages = widgets.Messages{
		widgets.ErrITP: "", widgets.ErrStaleOrderReference: "Zu spät.", widgets.ErrUnknownError: "", widgets.ErrNoScript: "Bitte JavaScript.", "New": "Neu.",
	}
	view := render(t, widgets.RegionUK, p)
	got := dataOf(t, view).Messages
	want := map[string]string{"StaleOrderReference": "Zu spät.", "noScript": "Bitte JavaScript.", "New": "Neu."}
	for code, text := range widgets.English() {
		if want[string(code)] == "" {
			want[string(code)] = text
		}
	}
	assert.Equal(t, want, got)
	assert.Contains(t, view.Messages, "Bitte JavaScript.")
	assert.Contains(t, view.Messages, `aria-live="polite"`)

	// English is a copy.
	widgets.English()[widgets.ErrNoScript] = "changed"
	assert.NotEqual(t, "changed", widgets.English()[widgets.ErrNoScript])

	// All codes of the reference have a text, but Safari's.
	for _, code := range []widgets.ErrorCode{
		"AddressNotModifiable", "BuyerNotAssociated", "BuyerSessionExpired", "InvalidAccountStatus", "InvalidOrderReferenceId", "InvalidBillingAgreementStatus",
		"InvalidParameterValue", "InvalidSellerId", "MissingParameter", "PaymentMethodNotModifiable", "ReleaseEnvironmentMismatch", "StaleOrderReference", "UnknownError",
	} {
		assert.NotEmpty(t, widgets.English()[code], code)
	}
	assert.NotContains(t, widgets.English(), widgets.ErrITP)
}

func TestRenderConfirm(t *testing.T) {
	t.Parallel()
	for _, region := range regions {
		t.Run(string(region), func(t *testing.T) {
			t.Parallel()
			data := dataOf(t, render(t, region, subscription()))
			assert.Equal(t, region == widgets.RegionUK || region == widgets.RegionEU, data.Confirm.Flow)
			assert.Equal(t, []string{"address", "payment", "consent"}, data.Confirm.Needs)
		})
	}
}

// Every fault is named, in the order of the fields, and no value is repeated.
func TestRenderInvalid(t *testing.T) {
	t.Parallel()
	button := func(change func(*widgets.Button)) *widgets.Button {
		b := &widgets.Button{ReturnURL: "/return", State: "state"}
		change(b)
		return b
	}
	for _, test := range []struct {
		name   string
		region widgets.Region
		change func(*widgets.Page)
		want   string
	}{
		{"bare buttons", widgets.RegionUK, func(p *widgets.Page) { p.Login, p.Pay = &widgets.Button{}, &widgets.Button{} },
			"Login.ReturnURL is required; Login.State is required; Pay.ReturnURL is required; Pay.State is required"},
		{"another site's path", widgets.RegionUK, func(p *widgets.Page) { p.Pay = button(func(b *widgets.Button) { b.ReturnURL = "//evil.example/" }) },
			`Pay.ReturnURL wants the form "/path" or "https://host[:port]/path"`},
		{"a script for a page", widgets.RegionUK, func(p *widgets.Page) { p.SignInURL = "javascript:alert(1)" },
			`SignInURL wants the form "/path" or "https://host[:port]/path"`},
		{"a page with a fragment", widgets.RegionUK, func(p *widgets.Page) { p.SignInURL = "/basket#top" }, "SignInURL takes no fragment"},
		{"no URL", widgets.RegionUK, func(p *widgets.Page) { p.SignInURL = "/bas ket" }, "SignInURL is not a URL"},
		{"a ReturnURL with a query", widgets.RegionUK, func(p *widgets.Page) { p.Pay = button(func(b *widgets.Button) { b.ReturnURL = "/return?a=b" }) },
			"Pay.ReturnURL takes no query: Amazon's answer is the query"},
		{"events elsewhere", widgets.RegionUK, func(p *widgets.Page) { p.EventsURL = "https://evil.example/events" }, `EventsURL wants the form "/path"`},
		{"no events", widgets.RegionUK, func(p *widgets.Page) { p.EventsURL, p.CSRFToken, p.SignInURL = "", "", "" },
			"EventsURL is required; CSRFToken is required; SignInURL is required"},
		{"a CSRF token with a line end", widgets.RegionUK, func(p *widgets.Page) { p.CSRFToken = "a\r\nX: y" }, "CSRFToken has a space or a character outside printable ASCII"},
		{"an endless CSRF token", widgets.RegionUK, func(p *widgets.Page) { p.CSRFToken = strings.Repeat("a", 1025) }, "CSRFToken is longer than 1024 bytes"},
		{"Japan's buttons", widgets.RegionJP, func(p *widgets.Page) { p.Pay = button(func(b *widgets.Button) { b.Type = widgets.ButtonA }) },
			"Pay.Type is not to be had in Japan: LwA or PwA"},
		{"scopes", widgets.RegionUK, func(p *widgets.Page) {
			p.Pay = button(func(b *widgets.Button) { b.Scopes = []string{"profile", ""} })
			p.AddressBook.Scopes, p.Wallet.Scopes = []string{"a b"}, []string{"ä"}
		}, "Pay.Scopes[1] is required; AddressBook.Scopes[0] has a space or a character outside printable ASCII; Wallet.Scopes[0] has a space or a character outside printable ASCII"},
		{"an agreement twice", widgets.RegionUK, func(p *widgets.Page) {
			p.AmazonBillingAgreementID = "C01-1"
			p.Pay = button(func(b *widgets.Button) { b.CreatesAgreement, b.Redirect = true, true })
		}, "Pay.CreatesAgreement needs the window: Redirect excludes it; Pay.CreatesAgreement excludes the page's ids"},
		{"an address book for nothing", widgets.RegionUK, func(p *widgets.Page) { p.Pay = button(func(b *widgets.Button) { b.UseAmazonAddressBook = true }) },
			"Pay.UseAmazonAddressBook goes with CreatesAgreement only"},
		{"two ids", widgets.RegionUK, func(p *widgets.Page) {
			p.AmazonBillingAgreementID, p.AmazonOrderReferenceID, p.Consent = "C01-1", "S01-1", nil
		}, "AmazonBillingAgreementID excludes AmazonOrderReferenceID and OneTime"},
		{"ids of another form", widgets.RegionUK, func(p *widgets.Page) { p.AmazonBillingAgreementID = "C01 1" }, "AmazonBillingAgreementID is none of Amazon's"},
		{"an order of another form", widgets.RegionUK, func(p *widgets.Page) { p.AmazonOrderReferenceID, p.Consent = strings.Repeat("1", 65), nil }, "AmazonOrderReferenceID is none of Amazon's"},
		{"read what does not exist", widgets.RegionUK, func(p *widgets.Page) {
			p.AddressBook.DisplayMode, p.Wallet.DisplayMode = widgets.DisplayRead, widgets.DisplayRead
		}, "AddressBook.DisplayMode Read needs an id of the page; Wallet.DisplayMode Read needs an id of the page"},
		{"modes", widgets.RegionUK, func(p *widgets.Page) {
			p.AddressBook.DisplayMode, p.Wallet.Design.Mode = "Write", "wide"
			p.AddressBook.Design = widgets.Design{Width: 400}
			p.Consent.Design = widgets.Design{Mode: widgets.DesignResponsive, Width: 400, Height: 140}
		}, "AddressBook.DisplayMode is unknown: Edit or Read; AddressBook.Design wants Width and Height, or neither; Wallet.Design.Mode is unknown: responsive or smartphoneCollapsible; Consent.Design.Mode excludes Width and Height"},
		{"sizes", widgets.RegionUK, func(p *widgets.Page) { p.Wallet.Design = widgets.Design{Width: -1, Height: 4001} }, "Wallet.Design is not of 1 to 4000 pixels"},
		{"a currency of a subscription", widgets.RegionUK, func(p *widgets.Page) { p.Wallet.PresentmentCurrency = "EUR" },
			"Wallet.PresentmentCurrency is for OneTime pages in UK and EU"},
		{"a currency in Japan", widgets.RegionJP, func(p *widgets.Page) { p.OneTime, p.Consent, p.Wallet.PresentmentCurrency = true, nil, "USD" },
			"Wallet.PresentmentCurrency is for OneTime pages in UK and EU"},
		{"a currency that is none", widgets.RegionEU, func(p *widgets.Page) { p.OneTime, p.Consent, p.Wallet.PresentmentCurrency = true, nil, "EURO" },
			"Wallet.PresentmentCurrency is longer than 3 bytes"},
		{"consent to one charge", widgets.RegionUK, func(p *widgets.Page) { p.OneTime = true }, "Consent is for billing agreements"},
		{"nothing to consent to or confirm", widgets.RegionUK, func(p *widgets.Page) { p.AddressBook, p.Wallet = nil, nil },
			"Consent needs an AddressBook, a Wallet or AmazonBillingAgreementID; Confirm needs an AddressBook, a Wallet or an id of the page"},
		{"no page after the confirmation", widgets.RegionNA, func(p *widgets.Page) { p.Confirm = &widgets.Confirm{} }, "Confirm.SuccessURL is required"},
		{"a nonce that ends the policy", widgets.RegionUK, func(p *widgets.Page) { p.Nonce = "aaaaaaaaaaaaaaaaaaaaaaaa'; script-src *" }, "Nonce has a character outside base64"},
		{"a nonce to guess", widgets.RegionUK, func(p *widgets.Page) { p.Nonce = "1234" }, "Nonce is shorter than 16 bytes in base64"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := subscription()
			test.change(&p)
			view, err := newShop(t, config(test.region)).Render(p)
			require.Error(t, err)
			assert.Nil(t, view)
			invalid := new(widgets.InvalidError)
			require.ErrorAs(t, err, &invalid)
			assert.Equal(t, "Page", invalid.Subject)
			assert.Equal(t, "widgets: Page: "+test.want, err.Error())
		})
	}
	t.Run("plain http in production", func(t *testing.T) {
		t.Parallel()
		c := config(widgets.RegionUK)
		c.Environment = widgets.Production
		p := subscription()
		p.SignInURL = "http://shop.example/basket"
		_, err := newShop(t, c).Render(p)
		require.EqualError(t, err, "widgets: Page: SignInURL is plain http, which production takes for this machine only")
		p.SignInURL = "http://localhost:8080/basket"
		_, err = newShop(t, c).Render(p)
		require.NoError(t, err)
	})
}

// A policy that lets nothing run that is not Amazon's or this package's.
func TestPolicy(t *testing.T) {
	t.Parallel()
	for _, region := range regions {
		t.Run(string(region), func(t *testing.T) {
			t.Parallel()
			view := render(t, region, subscription())
			policy := view.Policy.String()
			for _, never := range []string{"unsafe-inline", "unsafe-eval", "strict-dynamic", "unsafe-hashes", " * ", " *;", "http:"} {
				assert.NotContains(t, policy, never)
			}
			assert.NotContains(t, strings.Join(view.Policy["script-src"], " "), "*")
			assert.Equal(t, "'nonce-"+view.Nonce+"'", view.Policy["script-src"][0])
			assert.Equal(t, []string{"'none'"}, view.Policy["object-src"])
			assert.Equal(t, []string{"'none'"}, view.Policy["base-uri"])
			assert.Equal(t, []string{"'none'"}, view.Policy["frame-ancestors"])

			names := []string{}
			for directive := range strings.SplitSeq(policy, "; ") {
				name, sources, found := strings.Cut(directive, " ")
				require.True(t, found)
				names = append(names, name)
				assert.Equal(t, view.Policy[name], strings.Fields(sources))
			}
			assert.Equal(t, slices.Sorted(maps.Keys(view.Policy)), names)
		})
	}
}

// With a fake in Amazon's place nothing goes to Amazon.
func TestPolicyOfFake(t *testing.T) {
	t.Parallel()
	c := config(widgets.RegionEU)
	c.BaseURL = "http://127.0.0.1:8080/"
	shop := newShop(t, c)
	assert.Equal(t, "http://127.0.0.1:8080/OffAmazonPayments/eur/sandbox/lpa/js/Widgets.js?sellerId=A2SELLEREXAMPLE", shop.ScriptURL())
	p := subscription()
	p.Nonce = fixed
	view, err := shop.Render(p)
	require.NoError(t, err)
	const fake, nonce = "http://127.0.0.1:8080", "'nonce-" + fixed + "'"
	assert.Equal(t, widgets.Policy{
		"default-src": {"'self'"}, "script-src": {nonce, fake}, "style-src": {nonce, "'self'", fake}, "frame-src": {fake},
		"connect-src": {"'self'", fake}, "form-action": {"'self'", fake}, "img-src": {"'self'", "data:", fake},
		"base-uri": {"'none'"}, "object-src": {"'none'"}, "frame-ancestors": {"'none'"},
	}, view.Policy)
	assert.NotRegexp(t, `amazon\.(com|co|de)`, string(view.Head)+view.Policy.String())
}

func TestExecute(t *testing.T) {
	t.Parallel()
	shop := newShop(t, config(widgets.RegionUK))
	layout := template.Must(template.New("").Parse(`<!doctype html><title>Shop</title>{{.Head}}{{.Messages}}{{.Wallet}}`))
	w := httptest.NewRecorder()
	require.NoError(t, shop.Execute(w, layout, subscription()))
	assert.Contains(t, w.Body.String(), `<div id="amazonpay-wallet"></div>`)
	assert.Contains(t, w.Header().Get("Content-Security-Policy"), "script-src 'nonce-")
	assert.Equal(t, "text/html; charset=utf-8", w.Header().Get("Content-Type"))

	for name, broken := range map[string]struct {
		layout *template.Template
		page   widgets.Page
	}{
		"the page":     {layout, widgets.Page{Confirm: &widgets.Confirm{}}},
		"the template": {template.Must(template.New("").Parse(`<!doctype html>{{.Head}}{{.Total}}`)), subscription()},
	} {
		w := httptest.NewRecorder()
		require.Error(t, shop.Execute(w, broken.layout, broken.page), name)
		assert.Empty(t, w.Body.String(), name)
		assert.Empty(t, w.Header(), name)
	}
}

// A shop adds to one page's policy without changing the next's.
func TestProtect(t *testing.T) {
	t.Parallel()
	shop := newShop(t, config(widgets.RegionUK))
	view, err := shop.Render(widgets.Page{})
	require.NoError(t, err)
	for name := range view.Policy {
		view.Policy[name] = append(view.Policy[name], "https://cdn.shop.example")
	}
	w := httptest.NewRecorder()
	view.Protect(w.Header())
	assert.Equal(t, view.Policy.String(), w.Header().Get("Content-Security-Policy"))
	assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	assert.Equal(t, "strict-origin-when-cross-origin", w.Header().Get("Referrer-Policy"))
	assert.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
	next, err := shop.Render(widgets.Page{})
	require.NoError(t, err)
	assert.NotContains(t, next.Policy.String(), "cdn.shop.example")
	for _, directive := range []string{"connect-src", "form-action", "frame-src"} {
		assert.Equal(t, 1, strings.Count(strings.Join(view.Policy[directive], " "), "cdn.shop.example"), fmt.Sprint(view.Policy[directive]))
	}
}
