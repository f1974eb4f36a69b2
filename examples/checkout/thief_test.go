package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// A customer who knows all addresses and ids of another one gets nothing by them.
func TestThief(t *testing.T) {
	m := open(t, amazonpay.RegionUK)
	b := m.browser(nora)
	page := b.signIn("/")
	agreement := b.choose(page, amazonpaytest.Checkout{})
	eve := m.browser("eve@example.com")
	own := eve.signIn("/")
	require.NotEqual(t, page.path, own.path)

	for _, path := range []string{page.path, page.path + "/review", page.path + "/confirmed?AuthenticationStatus=Success", page.path + "/unconfirmed",
		strings.Replace(page.path, "/checkout/", "/orders/", 1)} {
		assert.Equal(t, http.StatusNotFound, eve.get(path).status, path)
	}
	csrf := url.Values{"csrf": {eve.data(own).CSRFToken}}
	assert.Equal(t, http.StatusNotFound, eve.post(page.path+"/review", csrf).status)
	theirs := eve.data(own)
	theirs.Events = b.data(page).Events
	for _, kind := range []string{"created", "address", "confirm"} {
		assert.Equal(t, http.StatusNotFound, eve.tell(theirs, kind, agreement.ID()).status, kind)
		assert.NotEqual(t, http.StatusOK, eve.tell(eve.data(own), kind, agreement.ID()).status, kind)
	}
	assert.Equal(t, http.StatusForbidden, b.post("/signout", csrf).status, "a form of hers in her victim's browser")
	state, _ := agreement.State()
	assert.Equal(t, amazonpay.StateDraft, state)

	b.confirm(b.press(page, "to-review"), agreement, amazonpaytest.AuthenticationSuccess)
	require.EqualValues(t, 1, m.captured())
	for _, path := range []string{"/account/cancel", "/account/retry", "/account/check", "/account/renew"} {
		form := url.Values{"csrf": csrf["csrf"], "period": {"2"}, "charge": {"x"}, "agreement": {string(agreement.ID())}}
		assert.Equal(t, "/account", eve.post(path, form).path, path)
	}
	state, _ = agreement.State()
	assert.Equal(t, amazonpay.StateOpen, state)
	assert.EqualValues(t, 1, m.captured())
}

// What a browser says of prices and of where the shop is, nobody asks.
func TestTamperedRequests(t *testing.T) {
	m := open(t, amazonpay.RegionUK)
	b := m.browser(nora)
	page := b.signIn("/")
	csrf := b.data(page).CSRFToken
	b.post("/orders?price=0.01", url.Values{"csrf": {csrf}, "price": {"0.01"}, "amount": {"0.01"}, "currency": {"JPY"}})
	agreement := b.choose(page, amazonpaytest.Checkout{})
	review := b.post(page.path+"/review?price=0.01", url.Values{"csrf": {csrf}, "price": {"0.01"}})
	b.confirm(review, agreement, amazonpaytest.AuthenticationSuccess)
	assert.Equal(t, m.shop.price, m.fake.TotalCaptured(m.shop.price.Currency()))

	for name, change := range map[string]func(*http.Request){
		"another host":      func(r *http.Request) { r.Host = "evil.example" },
		"a forwarded host":  func(r *http.Request) { r.Header.Set("X-Forwarded-Host", "evil.example") },
		"a path to a host":  func(r *http.Request) { r.URL.Path = "//evil.example/.." },
		"a page to go on":   func(r *http.Request) { r.URL.RawQuery = "next=https://evil.example&return=//evil.example" },
		"an override":       func(r *http.Request) { r.Header.Set("X-HTTP-Method-Override", "DELETE") },
		"a rewritten path":  func(r *http.Request) { r.Header.Set("X-Original-URL", "//evil.example") },
		"slashes backwards": func(r *http.Request) { r.URL.Opaque = `/\evil.example` },
	} {
		t.Run(name, func(t *testing.T) {
			thief := m.browser("eve@example.com")
			thief.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			for _, path := range []string{"/", "/signin", "/account", "/checkout/x", "/return/checkout"} {
				r := thief.request(http.MethodGet, path, "", "")
				change(r)
				got := thief.do(r)
				assert.NotContains(t, got.body, "evil.example", path)
				where := got.header.Get("Location")
				assert.False(t, strings.Contains(where, "//") || strings.Contains(where, `\`), where)
			}
		})
	}
}
