package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// buffer is a log that may be written to by many.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// road leads from the shop to Amazon. It may refuse charges in Amazon's name, with
// a code that is not to be had of the fake just then.
type road struct{ code atomic.Value }

func (r *road) RoundTrip(request *http.Request) (*http.Response, error) {
	code, _ := r.code.Load().(amazonpay.ErrorCode)
	if code == "" || request.Body == nil {
		return http.DefaultTransport.RoundTrip(request)
	}
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	if form, _ := url.ParseQuery(string(body)); form.Get("Action") == "AuthorizeOnBillingAgreement" {
		w := httptest.NewRecorder()
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.WriteString(`<ErrorResponse xmlns="http://mws.amazonservices.com/schema/OffAmazonPayments/2013-01-01"><Error><Type>Sender</Type><Code>` +
			string(code) + `</Code><Message>no</Message></Error><RequestId>x</RequestId></ErrorResponse>`)
		return w.Result(), nil
	}
	again := request.Clone(request.Context())
	again.Body = io.NopCloser(bytes.NewReader(body))
	return http.DefaultTransport.RoundTrip(again)
}

// market is a shop, and an Amazon Pay behind it. Their clock is the fake's.
type market struct {
	t    *testing.T
	fake *amazonpaytest.Fake
	shop *shop
	url  string
	log  *buffer
	road *road
}

func open(t *testing.T, region amazonpay.Region) *market {
	t.Helper()
	fake := amazonpaytest.New(amazonpaytest.Settings{Region: region, Manual: true, LoginClients: []amazonpaytest.LoginClient{
		{ID: "amzn1.application-oa2-client.shop"}, {ID: "amzn1.application-oa2-client.somebodyelse"},
	}})
	m := &market{t: t, fake: fake, log: new(buffer), road: new(road)}
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	m.url = server.URL
	amazonServer := httptest.NewServer(fake)
	t.Cleanup(amazonServer.Close)
	amazon := fake.ConfigAt(amazonServer.URL)
	amazon.LoginClientID, amazon.HTTPClient = fake.LoginClient().ID, &http.Client{Transport: m.road}
	var err error
	m.shop, err = newShop(config{
		Amazon: amazon, ScriptURL: amazonServer.URL, LoginServer: amazonServer.URL, URL: m.url, Demo: true,
		Key: []byte(strings.Repeat("k", 32)), Now: fake.Now,
		Logger: slog.New(slog.NewTextHandler(m.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	require.NoError(t, err)
	handler = m.shop.handler()
	fake.NotifyAt(m.url+"/amazonpay/notifications", handler)
	return m
}

// captured is the money that has moved, in months.
func (m *market) captured() int64 {
	return m.fake.TotalCaptured(m.shop.price.Currency()).Minor() / m.shop.price.Minor()
}

// browser is a buyer at a browser.
type browser struct {
	m     *market
	login *amazonpaytest.Login
	http  *http.Client
}

func (m *market) browser(email string) *browser {
	jar, err := cookiejar.New(nil)
	require.NoError(m.t, err)
	return &browser{m, m.fake.SignIn(amazonpay.Buyer{Name: "Nora Nobody", Email: email}), &http.Client{Jar: jar}}
}

// seen is a page as the browser has it after all redirects.
type seen struct {
	status int
	path   string
	body   string
	header http.Header
}

func (b *browser) do(r *http.Request) seen {
	b.m.t.Helper()
	response, err := b.http.Do(r)
	require.NoError(b.m.t, err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.NoError(b.m.t, err)
	return seen{response.StatusCode, response.Request.URL.Path, string(body), response.Header}
}

func (b *browser) request(method, path, kind, body string) *http.Request {
	if !strings.HasPrefix(path, "http") {
		path = b.m.url + path
	}
	r, err := http.NewRequest(method, path, strings.NewReader(body))
	require.NoError(b.m.t, err)
	if kind != "" {
		r.Header.Set("Content-Type", kind)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	return r
}

func (b *browser) get(path string) seen {
	b.m.t.Helper()
	return b.do(b.request(http.MethodGet, path, "", ""))
}

func (b *browser) post(path string, form url.Values) seen {
	b.m.t.Helper()
	return b.do(b.request(http.MethodPost, path, "application/x-www-form-urlencoded", form.Encode()))
}

// has reports whether an element with the id is on the page.
func (p seen) has(id string) bool { return strings.Contains(p.body, ` id="`+id+`"`) }

// text is what stands between an element's tags.
func (p seen) text(id string) string {
	found := regexp.MustCompile(` id="` + id + `"[^>]*>([^<]*)<`).FindStringSubmatch(p.body)
	if found == nil {
		return ""
	}
	return found[1]
}

// state is the data-state of an element.
func (p seen) state(id string) string {
	found := regexp.MustCompile(` id="` + id + `" data-state="([^"]*)"`).FindStringSubmatch(p.body)
	if found == nil {
		return ""
	}
	return found[1]
}

// form is what the form around the button with the id would send, and where.
func (p seen) form(button string) (action string, values url.Values) {
	for _, f := range regexp.MustCompile(`(?s)<form method="post" action="([^"]*)">(.*?)</form>`).FindAllStringSubmatch(p.body, -1) {
		if !strings.Contains(f[2], `id="`+button+`"`) {
			continue
		}
		values = url.Values{}
		for _, in := range regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`).FindAllStringSubmatch(f[2], -1) {
			values.Add(in[1], in[2])
		}
		return f[1], values
	}
	return "", nil
}

// press is the button with the id.
func (b *browser) press(p seen, button string) seen {
	b.m.t.Helper()
	action, values := p.form(button)
	require.NotEmpty(b.m.t, action, "no button %s on %s", button, p.path)
	return b.post(action, values)
}

// data is what the widgets on a page are told.
type data struct {
	BillingAgreementID string `json:"billingAgreementId"`
	Events             string `json:"events"`
	CSRFToken          string `json:"csrfToken"`
	SignIn             string `json:"signIn"`
	Buttons            []struct {
		Login struct{ Scope, State string }
		Next  string
	}
	Consent *struct{} `json:"consent"`
	Confirm *struct {
		Flow bool
		Next string
	}
}

func (b *browser) data(p seen) (d data) {
	b.m.t.Helper()
	found := regexp.MustCompile(`(?s)<script type="application/json" id="amazonpay-data">(.*?)</script>`).FindStringSubmatch(p.body)
	require.NotNil(b.m.t, found, "no widgets on %s", p.path)
	require.NoError(b.m.t, json.Unmarshal([]byte(found[1]), &d))
	return d
}

// atAmazon is the button of a page and Amazon's answer to it, as the browser
// brings it.
func (b *browser) atAmazon(p seen, clientID string, allow bool) (next, delivered string) {
	b.m.t.Helper()
	d := b.data(p)
	require.Len(b.m.t, d.Buttons, 1)
	query := url.Values{"client_id": {clientID}, "scope": {d.Buttons[0].Login.Scope}, "response_type": {"token"},
		"redirect_uri": {d.Buttons[0].Next}, "state": {d.Buttons[0].Login.State}}
	back, err := b.login.Authorize("https://www.amazon.com/ap/oa?"+query.Encode(), allow)
	require.NoError(b.m.t, err)
	if back.Fragment == "" {
		return d.Buttons[0].Next, "?" + back.RawQuery
	}
	return d.Buttons[0].Next, "#" + back.EscapedFragment()
}

// signIn comes from a page with a button.
func (b *browser) signIn(from string) seen {
	b.m.t.Helper()
	next, delivered := b.atAmazon(b.get(from), b.m.fake.LoginClient().ID, true)
	return b.post(next, url.Values{"delivered": {delivered}})
}

// tell posts an event as the widgets do.
func (b *browser) tell(d data, kind string, id amazonpay.BillingAgreementID, more ...string) seen {
	b.m.t.Helper()
	event := map[string]string{"kind": kind, "billingAgreementId": string(id)}
	for i := 0; i < len(more); i += 2 {
		event[more[i]] = more[i+1]
	}
	body, err := json.Marshal(event)
	require.NoError(b.m.t, err)
	r := b.request(http.MethodPost, d.Events, "application/json", string(body))
	r.Header.Set("X-CSRF-Token", d.CSRFToken)
	return b.do(r)
}

// choose is the buyer in the widgets of the checkout page.
func (b *browser) choose(p seen, checkout amazonpaytest.Checkout) *amazonpaytest.BillingAgreement {
	b.m.t.Helper()
	checkout.Buyer = b.login.Buyer()
	agreement, d := b.m.fake.NewBillingAgreementWith(checkout), b.data(p)
	for _, kind := range []string{"created", "address", "payment"} {
		require.Equal(b.m.t, http.StatusOK, b.tell(d, kind, agreement.ID()).status, kind)
	}
	agreement.Consent()
	require.Equal(b.m.t, http.StatusOK, b.tell(d, "consent", agreement.ID(), "consent", "true").status)
	return agreement
}

// toReview goes from the sign-in to the review.
func (b *browser) toReview(method amazonpaytest.PaymentMethod) (seen, *amazonpaytest.BillingAgreement) {
	b.m.t.Helper()
	page := b.signIn("/")
	agreement := b.choose(page, amazonpaytest.Checkout{Payment: method})
	review := b.press(page, "to-review")
	require.True(b.m.t, strings.HasSuffix(review.path, "/review"), review.path)
	return review, agreement
}

// confirm is the button of the widgets, and the bank if there is one.
func (b *browser) confirm(p seen, agreement *amazonpaytest.BillingAgreement, bank amazonpaytest.AuthenticationStatus) seen {
	b.m.t.Helper()
	d := b.data(p)
	answered := b.tell(d, "confirm", agreement.ID())
	require.Equal(b.m.t, http.StatusOK, answered.status, answered.body)
	if d.Confirm.Flow {
		return b.get(agreement.Authenticate(bank))
	}
	return b.get(d.Confirm.Next)
}

// subscribe does all of it.
func (b *browser) subscribe(method amazonpaytest.PaymentMethod) (seen, *amazonpaytest.BillingAgreement) {
	b.m.t.Helper()
	review, agreement := b.toReview(method)
	return b.confirm(review, agreement, amazonpaytest.AuthenticationSuccess), agreement
}

const nora = "nora@example.com"
