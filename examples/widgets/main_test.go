package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// Everything below the imports of amazonpay.go, but blank lines and comments.
func TestForty(t *testing.T) {
	text, err := os.ReadFile("amazonpay.go")
	require.NoError(t, err)
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "amazonpay.go", text, 0)
	require.NoError(t, err)
	first := 0
	for _, d := range file.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.IMPORT {
			first = files.Position(g.End()).Line
		}
	}
	lines := 0
	for _, line := range strings.Split(string(text), "\n")[first:] {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			lines++
		}
	}
	assert.Positive(t, lines)
	assert.LessOrEqual(t, lines, 40)
}

// visitor is a browser at the shop.
type visitor struct {
	t     *testing.T
	http  *http.Client
	shop  *site
	login *amazonpaytest.Login
}

func open(t *testing.T, region amazonpay.Region) (*amazonpaytest.Fake, func(email string) *visitor) {
	t.Helper()
	fake := amazonpaytest.New(amazonpaytest.Settings{Region: region})
	amazon := httptest.NewServer(fake)
	t.Cleanup(amazon.Close)
	var s *site
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	var err error
	s, err = newShop(server.URL, func(name string) string {
		return map[string]string{"AMAZONPAY_MOCK": amazon.URL, "AMAZONPAY_REGION": string(region)}[name]
	})
	require.NoError(t, err)
	return fake, func(email string) *visitor {
		jar, err := cookiejar.New(nil)
		require.NoError(t, err)
		return &visitor{t, &http.Client{Jar: jar}, s, fake.SignIn(amazonpay.Buyer{Email: email})}
	}
}

// do sends a request, and returns the path it ended at and the page.
func (v *visitor) do(r *http.Request) (path, body string) {
	v.t.Helper()
	response, err := v.http.Do(r)
	require.NoError(v.t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(v.t, err)
	return response.Request.URL.Path, fmt.Sprint(response.StatusCode, " ", string(text))
}

func (v *visitor) get(path string) (string, string) {
	v.t.Helper()
	r, err := http.NewRequest(http.MethodGet, v.shop.url+path, nil)
	require.NoError(v.t, err)
	return v.do(r)
}

// state is that of the button.
func (v *visitor) state() string {
	v.t.Helper()
	_, basket := v.get("/basket")
	found := regexp.MustCompile(`"state":"([^"]+)"`).FindStringSubmatch(basket)
	require.NotNil(v.t, found, basket)
	return found[1]
}

// returns posts what the return page's script does.
func (v *visitor) returns(delivered string) (string, string) {
	v.t.Helper()
	r, err := http.NewRequest(http.MethodPost, v.shop.url+"/return", strings.NewReader(url.Values{"delivered": {delivered}}.Encode()))
	require.NoError(v.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return v.do(r)
}

// signIn presses the button and returns the CSRF token of the page with the widgets.
func (v *visitor) signIn() (csrf string) {
	v.t.Helper()
	query := url.Values{"client_id": {v.shop.clientID}, "scope": {"profile payments:widget"}, "response_type": {"token"},
		"redirect_uri": {v.shop.url + "/return"}, "state": {v.state()}}
	back, err := v.login.Authorize("https://www.amazon.com/ap/oa?"+query.Encode(), true)
	require.NoError(v.t, err)
	path, page := v.returns("#" + back.EscapedFragment())
	require.Equal(v.t, "/subscribe", path)
	assert.Contains(v.t, page, `<div id="amazonpay-consent">`)
	return regexp.MustCompile(`"csrfToken":"([^"]+)"`).FindStringSubmatch(page)[1]
}

// confirm posts the event of the button below the widgets.
func (v *visitor) confirm(csrf string, id amazonpay.BillingAgreementID) string {
	v.t.Helper()
	r, err := http.NewRequest(http.MethodPost, v.shop.url+"/events", strings.NewReader(fmt.Sprintf(`{"kind":"confirm","billingAgreementId":%q}`, id)))
	require.NoError(v.t, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-CSRF-Token", csrf)
	_, answer := v.do(r)
	return answer[:3]
}

func TestSubscription(t *testing.T) {
	for region, currency := range map[amazonpay.Region]amazonpay.Currency{
		amazonpay.RegionNA: amazonpay.CurrencyUSD, amazonpay.RegionUK: amazonpay.CurrencyGBP,
		amazonpay.RegionEU: amazonpay.CurrencyEUR, amazonpay.RegionJP: amazonpay.CurrencyJPY,
	} {
		t.Run(string(region), func(t *testing.T) {
			fake, visit := open(t, region)
			v := visit("nora@example.com")
			csrf := v.signIn()
			_, page := v.get("/done")
			assert.Contains(t, page, "did not work", "nothing was confirmed")
			agreement := fake.NewBillingAgreementWith(amazonpaytest.Checkout{Buyer: v.login.Buyer()})
			assert.Equal(t, "500", v.confirm(csrf, agreement.ID()), "without consent")
			_, page = v.get("/done")
			assert.Contains(t, page, "did not work", "it is a draft")
			agreement.Consent()
			require.Equal(t, "200", v.confirm(csrf, agreement.ID()))
			back := "/done"
			if region == amazonpay.RegionUK || region == amazonpay.RegionEU {
				back = strings.TrimPrefix(agreement.Authenticate(amazonpaytest.AuthenticationSuccess), v.shop.url)
			}
			for range 2 { // the buyer reloads it
				_, page = v.get(back)
				assert.Contains(t, page, `<p id="thanks">Paid`)
			}
			assert.Equal(t, int64(1), fake.TotalCaptured(currency).Minor()/v.shop.price().Minor())
		})
	}
}

func TestBankRefuses(t *testing.T) {
	fake, visit := open(t, amazonpay.RegionUK)
	v := visit("nora@example.com")
	csrf := v.signIn()
	agreement := fake.NewBillingAgreementWith(amazonpaytest.Checkout{Buyer: v.login.Buyer()}).Consent()
	require.Equal(t, "200", v.confirm(csrf, agreement.ID()))
	path, page := v.get(strings.TrimPrefix(agreement.Authenticate(amazonpaytest.AuthenticationFailure), v.shop.url))
	assert.Equal(t, "/subscribe", path)
	assert.Contains(t, page, `<div id="amazonpay-wallet">`)
	_, page = v.get("/done?AuthenticationStatus=Success")
	assert.Contains(t, page, "did not work", "Amazon says Suspended")
	assert.Zero(t, fake.TotalCaptured(amazonpay.CurrencyGBP).Minor())
}

// What a browser says is not believed.
func TestForged(t *testing.T) {
	fake, visit := open(t, amazonpay.RegionUK)
	victim, thief := visit("nora@example.com"), visit("eve@example.com")
	csrf := thief.signIn()
	running := fake.OpenBillingAgreement()
	their := fake.NewBillingAgreementWith(amazonpaytest.Checkout{Buyer: victim.login.Buyer()}).Consent()
	for name, id := range map[string]amazonpay.BillingAgreementID{"running": running.ID(), "another buyer's": their.ID(), "nobody's": "C02-9999999-9999999"} {
		assert.Equal(t, "500", thief.confirm(csrf, id), name)
		_, page := thief.get("/done?AuthenticationStatus=Success")
		assert.Contains(t, page, "did not work", name)
	}
	own := fake.NewBillingAgreementWith(amazonpaytest.Checkout{Buyer: thief.login.Buyer()}).Consent()
	assert.Equal(t, "500", thief.confirm("guess", own.ID()))
	assert.Equal(t, "500", visit("otto@example.com").confirm("", own.ID()), "nobody is signed in")
	assert.Zero(t, fake.TotalCaptured(amazonpay.CurrencyGBP).Minor())

	state := url.QueryEscape(victim.state())
	for name, delivered := range map[string]string{
		"the buyer says no": "?error=access_denied&state=" + state, "a code": "?code=abc&state=" + state, "a made-up token": "#access_token=Atza%7Cmade&state=" + state,
		"no state": "#access_token=Atza%7Cmade", "nothing": "",
	} {
		_, page := victim.returns(delivered)
		assert.Regexp(t, `^500 .*did not work`, strings.ReplaceAll(page, "\n", ""), name)
		_, page = victim.get("/subscribe")
		assert.Contains(t, page, "did not work", "nobody is signed in")
	}
}
