package main

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// What the browser brings from the sign-in is not believed.
func TestSignInRefused(t *testing.T) {
	m := open(t, amazonpay.RegionUK)
	mine, others := m.fake.LoginClient().ID, "amzn1.application-oa2-client.somebodyelse"
	token := func(delivered string) string {
		return regexp.MustCompile(`access_token=[^&]*`).FindString(delivered)
	}
	tests := map[string]struct {
		delivered func(b *browser) string
		note      string
	}{
		"the buyer says no": {func(b *browser) string { _, d := b.atAmazon(b.get("/"), mine, false); return d }, "denied"},
		"no state":          {func(b *browser) string { _, d := b.atAmazon(b.get("/"), mine, true); return "#" + token(d) }, "state"},
		"another browser's state": {func(b *browser) string {
			stranger := m.browser("eve@example.com")
			_, theirs := stranger.atAmazon(stranger.get("/"), mine, true)
			b.get("/") // has a state of its own
			return theirs
		}, "state"},
		"a token of another shop": {func(b *browser) string { _, d := b.atAmazon(b.get("/"), others, true); return d }, "token"},
		"a made-up token": {func(b *browser) string {
			_, d := b.atAmazon(b.get("/"), mine, true)
			return strings.Replace(d, token(d), "access_token=Atza%7Cmadeup", 1)
		}, "token"},
		"a token that cannot be one": {func(b *browser) string {
			_, d := b.atAmazon(b.get("/"), mine, true)
			return strings.Replace(d, token(d), "access_token=%0d%0aSet-Cookie", 1)
		}, ""},
		"a code": {func(b *browser) string {
			return "?code=abc&state=" + url.QueryEscape(b.data(b.get("/")).Buttons[0].Login.State)
		}, "token"},
		"too late": {func(b *browser) string {
			_, d := b.atAmazon(b.get("/"), mine, true)
			m.fake.Advance(16 * time.Minute)
			return d
		}, "state"},
		"nonsense": {func(*browser) string { return "<script>alert(1)</script>" }, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := m.browser(nora)
			b.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			got := b.post("/return/checkout", url.Values{"delivered": {test.delivered(b)}})
			if test.note != "" {
				assert.Equal(t, "/?note="+test.note, got.header.Get("Location"))
			}
			assert.NotContains(t, got.body, "<script>alert")
			assert.Equal(t, "/signin", b.get("/account").header.Get("Location"), "nobody is signed in")
		})
	}
	t.Run("the notes are texts", func(t *testing.T) {
		b := m.browser(nora)
		for note := range notes {
			assert.True(t, b.get("/?note="+note).has("note"), note)
			assert.True(t, b.get("/signin?note="+note).has("note"), note)
		}
		assert.False(t, b.get("/?note=%3Cb%3Eyou+have+won").has("note"))
	})
}

// The session is not the one from before the sign-in, and ends.
func TestSession(t *testing.T) {
	m := open(t, amazonpay.RegionUK)
	b := m.browser(nora)
	page := b.signIn("/")
	agreement := b.choose(page, amazonpaytest.Checkout{})
	home, err := url.Parse(m.url)
	require.NoError(t, err)
	first := b.cookie("shop")
	require.NotNil(t, first)

	// The sign-in with Amazon ends before that of the shop: the buyer signs in
	// again and goes on where they were.
	m.fake.Advance(56 * time.Minute)
	assert.Equal(t, "/", b.get(page.path).path)
	assert.Equal(t, "/", b.press(page, "to-review").path)
	again := b.signIn("/")
	assert.Equal(t, page.path, again.path)
	assert.Equal(t, string(agreement.ID()), b.data(again).BillingAgreementID)
	assert.NotEqual(t, first.Value, b.cookie("shop").Value)
	assert.Equal(t, http.StatusOK, b.tell(b.data(page), "address", agreement.ID()).status, "the other tab goes on working")
	require.Equal(t, http.StatusOK, b.tell(b.data(again), "sessionEnded", agreement.ID()).status)
	assert.Equal(t, "/", b.get(page.path).path, "the token is forgotten")

	for name, value := range map[string]string{
		"the old one": first.Value, "changed": "X" + b.cookie("shop").Value, "empty": "", "unsigned": strings.Split(b.cookie("shop").Value, ".")[0],
		"signed otherwise": strings.Split(b.cookie("shop").Value, ".")[0] + "." + strings.Split(first.Value, ".")[1],
	} {
		thief := m.browser(nora)
		thief.http.Jar.SetCookies(home, []*http.Cookie{{Name: "shop", Value: value}})
		assert.Equal(t, "/signin", thief.get("/account").path, name)
	}
	m.fake.Advance(13 * time.Hour)
	assert.Equal(t, "/signin", b.get("/account").path)
	assert.Equal(t, http.StatusUnauthorized, b.tell(b.data(page), "confirm", agreement.ID()).status)
	assert.EqualValues(t, 0, m.captured())

	b.signIn("/signin")
	kept := b.cookie("shop")
	assert.Equal(t, "/", b.press(b.get("/account"), "sign-out").path)
	b.http.Jar.SetCookies(home, []*http.Cookie{{Name: "shop", Value: kept.Value}})
	assert.Equal(t, "/signin", b.get("/account").path, "signed out on the server, too")
}

// Amazon's script keeps the token in its cookies. Whoever sits down next finds
// none.
func TestSignOutForgetsTheToken(t *testing.T) {
	m := open(t, amazonpay.RegionUK)
	b := m.browser(nora)
	b.signIn("/signin")
	account := b.get("/account")
	b.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	lines := strings.Join(b.press(account, "sign-out").header.Values("Set-Cookie"), "\n")
	for _, name := range []string{"shop", "amazon_Login_accessToken", "amazon_Login_state_cache", "aws-session-id"} {
		assert.Regexp(t, name+"=; Path=/; Max-Age=0", lines)
	}
}

// cookie is one that the browser has.
func (b *browser) cookie(name string) *http.Cookie {
	at, err := url.Parse(b.m.url)
	require.NoError(b.m.t, err)
	for _, c := range b.http.Jar.Cookies(at) {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// Events are a hint, and only from our own pages.
func TestForgedEvents(t *testing.T) {
	m := open(t, amazonpay.RegionUK)
	b := m.browser(nora)
	page := b.signIn("/")
	d := b.data(page)
	victim := m.browser("otto@example.com")
	their := victim.choose(victim.signIn("/"), amazonpaytest.Checkout{})
	stray := m.fake.NewBillingAgreementWith(amazonpaytest.Checkout{Buyer: victim.login.Buyer()}).Consent()
	running := m.fake.OpenBillingAgreement()

	for name, id := range map[string]amazonpay.BillingAgreementID{
		"another customer's": their.ID(), "another buyer's": stray.ID(), "a running one": running.ID(), "nobody's": "C02-9999999-9999999",
	} {
		assert.Equal(t, http.StatusNotFound, b.tell(d, "created", id).status, name)
		assert.Equal(t, http.StatusConflict, b.tell(d, "confirm", id).status, name)
	}
	own := m.fake.NewBillingAgreementWith(amazonpaytest.Checkout{Buyer: b.login.Buyer()})
	assert.Equal(t, http.StatusConflict, b.tell(d, "confirm", own.ID()).status, "before it was created")
	require.Equal(t, http.StatusOK, b.tell(d, "created", own.ID()).status)
	assert.Equal(t, http.StatusOK, b.tell(d, "consent", own.ID(), "consent", "true").status)
	assert.Equal(t, http.StatusUnprocessableEntity, b.tell(d, "confirm", own.ID()).status, "the browser says there is consent, Amazon does not")

	good := `{"kind":"confirm","billingAgreementId":"` + string(own.ID()) + `"}`
	tests := map[string]struct {
		body   string
		change func(r *http.Request)
		status int
	}{
		"no token":         {good, func(r *http.Request) { r.Header.Del("X-CSRF-Token") }, http.StatusForbidden},
		"a wrong token":    {good, func(r *http.Request) { r.Header.Set("X-CSRF-Token", "guess") }, http.StatusForbidden},
		"another site":     {good, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, http.StatusForbidden},
		"a form":           {good, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, http.StatusUnsupportedMediaType},
		"not JSON":         {"{", nil, http.StatusBadRequest},
		"another kind":     {`{"kind":"paid","billingAgreementId":"C02-1"}`, nil, http.StatusBadRequest},
		"a hostile id":     {`{"kind":"confirm","billingAgreementId":"<script>"}`, nil, http.StatusBadRequest},
		"an order":         {`{"kind":"confirm","orderReferenceId":"S02-1234567-1234567"}`, nil, http.StatusConflict},
		"large":            {`{"kind":"` + strings.Repeat("x", 10<<10) + `"}`, nil, http.StatusRequestEntityTooLarge},
		"without an order": {good, func(r *http.Request) { r.URL.Path = "/checkout/SF-OTHER/events" }, http.StatusNotFound},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := b.request(http.MethodPost, d.Events, "application/json", test.body)
			r.Header.Set("X-CSRF-Token", d.CSRFToken)
			if test.change != nil {
				test.change(r)
			}
			got := b.do(r)
			assert.Equal(t, test.status, got.status, got.body)
			assert.NotContains(t, got.body, "<script>")
		})
	}
	state, _ := own.State()
	assert.Equal(t, amazonpay.StateDraft, state)
	theirs, _ := their.State()
	assert.Equal(t, amazonpay.StateDraft, theirs)
	assert.EqualValues(t, 0, m.captured())
}

// hostile are values that have hurt somebody.
var hostile = []string{
	"", "0", "-1", "1", "999999999999999999999", "2.0", "0x2", "２", `"><script>alert(1)</script>`, "{{.}}", "../../account",
	"%00", "\x00", "a\r\nSet-Cookie: x=y", strings.Repeat("A", 5000), "'; DROP TABLE orders; --", "\xff\xfe",
}

func TestHostileForms(t *testing.T) {
	m := open(t, amazonpay.RegionUK)
	b := m.browser(nora)
	thanks, agreement := b.subscribe(amazonpaytest.GoodCard)
	account := b.get("/account")
	_, form := account.form("renew")
	csrf := form.Get("csrf")
	require.NotEmpty(t, csrf)
	try := func(path string, form url.Values) {
		t.Helper()
		got := b.post(path, form)
		assert.NotEqual(t, http.StatusInternalServerError, got.status, path)
		assert.NotContains(t, got.body, "<script>alert")
		assert.NotContains(t, got.header, "X")
	}
	order := strings.TrimPrefix(thanks.path, "/orders/")
	for _, value := range hostile {
		for _, path := range []string{"/account/renew", "/account/retry", "/account/check", "/account/cancel", "/orders", "/signout", "/checkout/" + order + "/review"} {
			got := b.post(path, url.Values{"csrf": {value}, "period": {"2"}, "charge": {"x"}})
			assert.Equal(t, http.StatusForbidden, got.status, "%s with the token %.20q", path, value)
		}
		try("/account/renew", url.Values{"csrf": {csrf}, "period": {value}})
		try("/account/retry", url.Values{"csrf": {csrf}, "charge": {value}})
		try("/account/check", url.Values{"csrf": {csrf}, "charge": {value}})
		try("/checkout/"+url.PathEscape(value)+"/review", url.Values{"csrf": {csrf}})
		got := b.get("/orders/" + url.PathEscape("x"+value))
		assert.Contains(t, []int{http.StatusNotFound, http.StatusBadRequest}, got.status)
	}
	assert.Equal(t, http.StatusForbidden, b.post("/account/renew", url.Values{"csrf": {csrf, csrf}, "period": {"2"}}).status)
	cross := b.request(http.MethodPost, "/account/cancel", "application/x-www-form-urlencoded", url.Values{"csrf": {csrf}}.Encode())
	cross.Header.Set("Sec-Fetch-Site", "cross-site")
	assert.Equal(t, http.StatusForbidden, b.do(cross).status)
	assert.Equal(t, http.StatusForbidden, b.post("/account/renew", url.Values{"csrf": {csrf}, "period": {"3"}}).status, "a period is not left out")
	state, _ := agreement.State()
	assert.Equal(t, amazonpay.StateOpen, state)
	assert.EqualValues(t, 1, m.captured())
}

// Every answer has a strict policy; every form a token; every page is one that a
// screen reader finds its way in.
func TestPages(t *testing.T) {
	m := open(t, amazonpay.RegionUK)
	anonymous, b := m.browser("otto@example.com"), m.browser(nora)
	pages := map[string]seen{
		"product": anonymous.get("/"), "sign-in": anonymous.get("/signin"), "nothing": anonymous.get("/nothing"), "return": anonymous.get("/return/checkout"),
		"forged": anonymous.post("/account/cancel", nil),
	}
	page := b.signIn("/")
	pages["checkout"] = page
	pages["missing"] = b.press(page, "to-review")
	agreement := b.choose(page, amazonpaytest.Checkout{})
	pages["product, signed in"] = b.get("/")
	review := b.press(page, "to-review")
	pages["review"] = review
	pages["thanks"] = b.confirm(review, agreement, amazonpaytest.AuthenticationSuccess)
	pages["account"] = b.get("/account")
	pages["payment"] = b.get("/account/payment")
	pages["product, subscribed"] = b.get("/")
	pages["error"] = b.get("/checkout/SF-NOBODY")
	b.change(agreement, amazonpaytest.RejectedCard)
	pages["retry"] = b.press(b.get("/account"), "renew")
	pages["canceled"] = b.press(b.get("/account"), "cancel")
	b.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	pages["redirect"] = b.get("/account/payment/confirmed")
	for name, p := range pages {
		t.Run(name, func(t *testing.T) {
			policy := p.header.Get("Content-Security-Policy")
			assert.Contains(t, policy, "default-src ")
			assert.Contains(t, policy, "frame-ancestors 'none'")
			assert.Contains(t, policy, "base-uri 'none'")
			assert.NotContains(t, policy, "unsafe")
			assert.NotContains(t, policy, "*")
			assert.Equal(t, "no-store", p.header.Get("Cache-Control"))
			assert.Equal(t, "nosniff", p.header.Get("X-Content-Type-Options"))
			assert.Equal(t, "DENY", p.header.Get("X-Frame-Options"))
			assert.NotRegexp(t, `(?i)<[a-z][^>]* (on[a-z]+|style)=`, p.body, "inline handlers and styles do not work")
			for _, form := range regexp.MustCompile(`(?s)<form method="post" action.*?</form>`).FindAllString(p.body, -1) {
				assert.Contains(t, form, `name="csrf" value="`)
			}
			if name == "return" || name == "redirect" {
				return
			}
			assert.Equal(t, 1, strings.Count(p.body, "<h1"))
			assert.Equal(t, 1, strings.Count(p.body, "<main"))
			assert.Contains(t, p.body, `<html lang="en">`)
			assert.Contains(t, p.body, `class="skip" href="#main"`)
			ids := map[string]bool{}
			for _, id := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(p.body, -1) {
				assert.False(t, ids[id[1]], "the id %s twice", id[1])
				ids[id[1]] = true
			}
			for _, label := range regexp.MustCompile(` aria-labelledby="([^"]+)"`).FindAllStringSubmatch(p.body, -1) {
				assert.True(t, ids[label[1]], label[1])
			}
			outside := regexp.MustCompile(`(?:src|href)="(?:https?:)?//([^"]*)"`).FindAllStringSubmatch(p.body, -1)
			for _, address := range outside {
				assert.Contains(t, address[1], "Widgets.js", "nothing else comes from elsewhere")
			}
		})
	}
}

func TestCookies(t *testing.T) {
	m := open(t, amazonpay.RegionUK)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	b := m.browser(nora)
	b.http = &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	check := func(secure bool, got seen) {
		t.Helper()
		lines := got.header.Values("Set-Cookie")
		assert.NotEmpty(t, lines)
		for _, line := range lines {
			assert.Contains(t, line, "SameSite=Lax")
			assert.Equal(t, secure, strings.Contains(line, "; Secure"), "%.30s", line)
			if !strings.HasPrefix(line, "amazon_Login_accessToken=") { // the widgets read that one
				assert.Contains(t, line, "HttpOnly")
			}
		}
	}
	check(false, b.get("/"))
	check(false, b.signIn("/"))
	m.shop.url = "https://shop.example"
	assert.Equal(t, "__Host-shop", m.shop.cookieName())
	assert.True(t, m.shop.sessionCookie("x", time.Hour).Secure)
	check(true, b.get("/"))
	assert.NotEmpty(t, b.get("/").header.Get("Strict-Transport-Security"))
}

// The log has ids, and neither buyers nor keys nor tokens.
func TestLog(t *testing.T) {
	m := open(t, amazonpay.RegionUK)
	b := m.browser(nora)
	page := b.signIn("/")
	address := amazonpay.Address{Name: "Nora Nobody", AddressLine1: "7 Secret Lane", City: "Hiddenham", PostalCode: "ZZ9 9ZZ", CountryCode: "GB"}
	agreement := b.choose(page, amazonpaytest.Checkout{Address: address})
	token := b.cookie("amazon_Login_accessToken").Value
	session := b.cookie("shop").Value
	b.get("/return/checkout?access_token=" + url.QueryEscape(token))
	b.confirm(b.press(page, "to-review"), agreement, amazonpaytest.AuthenticationSuccess)
	b.change(agreement, amazonpaytest.BadCard)
	m.fake.Inject(amazonpaytest.Fault{Action: "AuthorizeOnBillingAgreement", Kind: amazonpaytest.WorkDone500, Times: -1})
	b.press(b.get("/account"), "renew")
	m.fake.Deliver()
	b.press(b.get("/account"), "cancel")
	m.fake.Deliver()
	log := m.log.String()
	assert.Contains(t, log, "charge")
	assert.Contains(t, log, "notification")
	assert.Contains(t, log, `route="POST /checkout/{order}/events"`)
	raw, err := url.QueryUnescape(token)
	require.NoError(t, err)
	for name, secret := range map[string]string{
		"name": "Nora", "e-mail": "nora@", "street": "Secret Lane", "town": "Hiddenham", "code": "ZZ9", "token": raw[:20], "token, encoded": token[:20],
		"session": session[:10], "CSRF token": b.data(page).CSRFToken, "key": "not-a-secret-key", "signature key": strings.Repeat("k", 32),
		"user": b.login.UserID(),
	} {
		assert.NotContains(t, log, secret, name)
	}
}
