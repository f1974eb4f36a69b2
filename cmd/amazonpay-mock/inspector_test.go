package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// visitor is a browser without a script.
type visitor struct {
	*process
	client *http.Client
}

// answer is a page as it came.
type answer struct {
	status int
	text   string
	header http.Header
	path   string // where redirects have led
}

func visit(p *process) visitor {
	jar, err := cookiejar.New(nil)
	require.NoError(p.t, err)
	return visitor{p, &http.Client{Jar: jar}}
}

func (v visitor) do(req *http.Request) answer {
	v.t.Helper()
	resp, err := v.client.Do(req)
	require.NoError(v.t, err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(v.t, err)
	return answer{resp.StatusCode, string(text), resp.Header, resp.Request.URL.Path}
}

func (v visitor) see(path string) answer {
	v.t.Helper()
	req, err := http.NewRequest(http.MethodGet, v.HTTP[0]+path, nil)
	require.NoError(v.t, err)
	return v.do(req)
}

var tokenField = regexp.MustCompile(`name="csrf" value="([A-Z0-9]+)"`)

// send posts a form as a page has it.
func (v visitor) send(path string, pairs ...string) answer {
	v.t.Helper()
	token := tokenField.FindStringSubmatch(v.see("/").text)
	require.NotNil(v.t, token)
	return v.post(path, form(append([]string{"csrf", token[1]}, pairs...)...), nil)
}

func (v visitor) post(path, body string, header map[string]string) answer {
	v.t.Helper()
	req, err := http.NewRequest(http.MethodPost, v.HTTP[0]+path, strings.NewReader(body))
	require.NoError(v.t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", v.HTTP[0])
	for name, value := range header {
		req.Header.Set(name, value)
	}
	return v.do(req)
}

var offered = regexp.MustCompile(`name="do" value="([A-Za-z]+)"><input type="hidden" name="id" value="([^"]+)"`)

// offers are the acts on an object that a page offers.
func (a answer) offers(id string) []string {
	acts := []string{}
	for _, m := range offered.FindAllStringSubmatch(a.text, -1) {
		if m[2] == id && !slices.Contains(acts, m[1]) {
			acts = append(acts, m[1])
		}
	}
	slices.Sort(acts)
	return acts
}

func objectPath(id string) string { return "/inspector/objects/" + id }

// subject is an object in a state, and what its page offers.
type subject struct {
	name string
	make func() string
	want string
}

// subjects are objects of all kinds, in all states that are easily had.
func subjects(t *testing.T, p *process) []subject {
	client := p.client(amazonpay.RegionNA)
	authorize := func(payment string, timeout int) (agreement, id string) {
		agreement = p.act("", `{"do":"OpenBillingAgreement","payment":"`+payment+`"}`).ID
		a, err := client.AuthorizeOnBillingAgreement(t.Context(), amazonpay.AuthorizeOnBillingAgreementRequest{
			AmazonBillingAgreementID: amazonpay.BillingAgreementID(agreement), AuthorizationReferenceID: amazonpay.ReferenceID("r" + agreement[4:]),
			AuthorizationAmount: amazonpay.MustPrice("10", "USD"), TransactionTimeout: &timeout, CaptureNow: timeout == 0})
		require.NoError(t, err)
		return agreement, string(a.AmazonAuthorizationID)
	}
	capture := func() string {
		agreement, _ := authorize("GoodCard", 0)
		return get[amazonpaytest.Snapshot](p, "/mock/state?id="+agreement).Captures[0].ID
	}
	agreement := func(do, then string) func() string {
		return func() string {
			id := p.act("", `{"do":"`+do+`"}`).ID
			if then != "" {
				p.act("", `{"do":"`+then+`","id":"`+id+`"}`)
			}
			return id
		}
	}
	return []subject{
		{"agreement without consent", agreement("NewBillingAgreement", ""), "AmazonCancel ChangeAddress ChoosePaymentMethod Consent DeletePaymentMethod SendDraft"},
		{"agreement with consent", agreement("NewBillingAgreement", "Consent"), "AmazonCancel ChangeAddress ChoosePaymentMethod DeletePaymentMethod SendDraft WithdrawConsent"},
		{"open agreement", agreement("OpenBillingAgreement", ""), "AmazonCancel AmazonClose Cancel ChangeAddress ChoosePaymentMethod DeletePaymentMethod SendDraft UpdatePaymentMethod"},
		{"suspended agreement", agreement("OpenBillingAgreement", "DeletePaymentMethod"), "AmazonCancel AmazonClose Cancel ChangeAddress ChoosePaymentMethod SendDraft UpdatePaymentMethod"},
		{"closed agreement", agreement("OpenBillingAgreement", "Cancel"), "SendDraft"},
		{"draft order", agreement("NewOrderReference", ""), "AmazonCancel ChangeAddress ChoosePaymentMethod SendDraft"},
		{"open order", func() string { return p.act("", `{"do":"OpenOrderReference","amount":"10 USD"}`).ID }, "AmazonCancel AmazonClose ChangeAddress ChoosePaymentMethod SendDraft UpdatePaymentMethod"},
		{"pending authorization", func() string { _, id := authorize("GoodCard", 60); return id }, "AmazonClose ApproveAuthorization DeclineAuthorization SendDraft"},
		{"completed capture", capture, "Chargeback GrantClaim SendDraft"},
		{"chargeback", func() string { return p.act("", `{"do":"Chargeback","id":"`+capture()+`"}`).ID }, "LoseChargeback WinChargeback"},
		{"pending refund", func() string {
			id := capture()
			r, err := client.Refund(t.Context(), amazonpay.RefundRequest{AmazonCaptureID: amazonpay.CaptureID(id), RefundReferenceID: amazonpay.ReferenceID("b" + id[4:]), RefundAmount: amazonpay.MustPrice("1", "USD")})
			require.NoError(t, err)
			return string(r.AmazonRefundID)
		}, "CompleteRefund DeclineRefund SendDraft"},
	}
}

// What is offered is what can be done: each offer is taken, on an object of its
// own, and none is refused.
func TestOffers(t *testing.T) {
	p := begin(t)
	v := visit(p)
	taken := make(map[string]bool)
	for _, c := range subjects(t, p) {
		t.Run(c.name, func(t *testing.T) {
			for _, do := range strings.Fields(c.want) {
				id := c.make()
				page := v.see(objectPath(id))
				require.Equal(t, strings.Fields(c.want), page.offers(id))
				done := v.send("/inspector/act", "do", do, "id", id, "form", "f", "back", objectPath(id), "payment", "", "reason", map[bool]string{true: "AmazonRejected"}[strings.HasPrefix(do, "Decline")],
					map[bool]string{true: "CountryCode"}[do == "ChangeAddress"], "US")
				assert.Equal(t, http.StatusOK, done.status, "%s: %s", do, refusalIn(done))
				assert.True(t, strings.Contains(done.text, do+": "), "the page tells what has happened: %s", do)
				taken[do] = true
			}
		})
	}
	for _, a := range amazonpaytest.Acts() {
		elsewhere := []string{"Authenticate", "CompleteCapture", "DeclineCapture", "AuthorizeLogin", "RevokeLogin", "AccessToken"}
		if slices.Contains(a.Needs, "id") && !slices.Contains(elsewhere, a.Do) {
			assert.True(t, taken[a.Do], "%s is offered in no state", a.Do)
		}
	}
}

var refusal = regexp.MustCompile(`class="refused"[^>]*>([^<]+)<`)

func refusalIn(a answer) string { return strings.Join(refusal.FindAllString(a.text, -1), " ") }

// Offers that need a world of their own.
func TestRareOffers(t *testing.T) {
	capture := amazonpaytest.TransactionRecord{Record: amazonpaytest.Record{State: amazonpay.StatePending}}
	assert.Equal(t, []string{"CompleteCapture", "DeclineCapture", "SendDraft"}, namesOf(captureOffers(capture)))
	capture.State = amazonpay.StateDeclined
	assert.Equal(t, []string{"SendDraft"}, namesOf(captureOffers(capture)))
	assert.Equal(t, []string{"SendDraft"}, namesOf(refundOffers(capture)))
	awaits := amazonpaytest.AgreementRecord{Record: amazonpaytest.Record{State: amazonpay.StateOpen}, Awaits: true}
	assert.Contains(t, namesOf(agreementOffers(awaits)), "Authenticate")
	assert.Contains(t, namesOf(orderOffers(amazonpaytest.OrderRecord{Record: awaits.Record, Awaits: true})), "Authenticate")
	assert.Empty(t, disputeOffers(amazonpaytest.DisputeRecord{State: amazonpaytest.ChargebackLost}))
	for _, o := range slices.Concat(agreementOffers(awaits), captureOffers(capture)) {
		assert.NotEmpty(t, docs[o.do], "%s is an act", o.do)
	}
}

func namesOf(offers []offer) (names []string) {
	for _, o := range offers {
		names = append(names, o.do)
	}
	return names
}

// No other site's page can act, embed or read.
func TestInspectorAgainstStrangers(t *testing.T) {
	p := begin(t)
	v := visit(p)
	id := string(p.agree(amazonpay.RegionNA))
	token := tokenField.FindStringSubmatch(v.see("/").text)[1]
	good := form("csrf", token, "do", "Cancel", "id", id)
	cases := []struct {
		name, body string
		header     map[string]string
		status     int
	}{
		{"without a token", form("do", "Cancel", "id", id), nil, 403},
		{"with an empty token", form("csrf", "", "do", "Cancel", "id", id), nil, 403},
		{"with another token", form("csrf", strings.Repeat("A", len(token)), "do", "Cancel", "id", id), nil, 403},
		{"the token in the address only", form("do", "Cancel", "id", id), nil, 403},
		{"another site's origin", good, map[string]string{"Origin": "https://evil.example"}, 403},
		{"no origin", good, map[string]string{"Origin": "null"}, 403},
		{"another port's origin", good, map[string]string{"Origin": "http://127.0.0.1:1"}, 403},
		{"another site", good, map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, 403},
		{"a form that cannot be read", "%zz", nil, 400},
		{"a form that is too long", good + "&x=" + strings.Repeat("x", maxForm), nil, 400},
		{"a region that is none", good + "&region=XX", nil, 400},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := "/inspector/act"
			if strings.Contains(c.name, "address") {
				path += "?csrf=" + token
			}
			assert.Equal(t, c.status, v.post(path, c.body, c.header).status)
			assert.Contains(t, v.see(objectPath(id)).offers(id), "Cancel", "nothing has happened")
		})
	}
	assert.Equal(t, http.StatusOK, v.post("/inspector/act", good, nil).status, "our own page can")
	assert.NotContains(t, v.see(objectPath(id)).offers(id), "Cancel")
}

// A link may lead to a page, and nothing else of another site sees one.
func TestInspectorLinks(t *testing.T) {
	p := begin(t)
	v := visit(p)
	for _, c := range []struct {
		name   string
		host   string
		header map[string]string
		status int
	}{
		{"a link on another site", "", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, 200},
		{"a frame on another site", "", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, 403},
		{"a script on another site", "", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"}, 403},
		{"a name that a stranger points here", "evil.example", nil, 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			req, err := http.NewRequest(http.MethodGet, p.HTTP[0]+"/", nil)
			require.NoError(t, err)
			req.Host = c.host
			for name, value := range c.header {
				req.Header.Set(name, value)
			}
			a := v.do(req)
			assert.Equal(t, c.status, a.status)
			assert.Equal(t, pagePolicy, a.header.Get("Content-Security-Policy"))
			assert.Equal(t, "no-store", a.header.Get("Cache-Control"))
			assert.Equal(t, "nosniff", a.header.Get("X-Content-Type-Options"))
			assert.Equal(t, c.status == 200, strings.Contains(a.text, "csrf"))
		})
	}
	assert.NotContains(t, pagePolicy, "unsafe")
}

// A form never leads to another site, and says nothing in an address's words.
func TestInspectorRedirects(t *testing.T) {
	v := visit(begin(t))
	for _, back := range []string{"https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "/mock/reset", "\x00", "http:evil"} {
		a := v.send("/inspector/clock", "by", "hour", "back", back)
		assert.Equal(t, "/", a.path, back)
	}
	assert.NotContains(t, v.see("/?told=You+have+been+hacked").text, "hacked")
}

// A refusal is told where it happened, names the field, and keeps what was
// filled in.
func TestInspectorErrors(t *testing.T) {
	p := begin(t)
	v := visit(p)
	id := string(p.agree(amazonpay.RegionNA))
	closed := string(p.agree(amazonpay.RegionNA))
	p.act("", `{"do":"Cancel","id":"`+closed+`"}`)
	cases := []struct {
		name, path string
		pairs      []string
		where      string // the form that tells it; empty is the top of the page
		text       string
	}{
		{"price", "act", []string{"form", "new-order", "do", "OpenOrderReference", "amount", "a lot"}, "new-order-amount-error", "amount"},
		{"currency", "act", []string{"form", "new-order", "do", "OpenOrderReference", "amount", "10 EUR"}, "new-order-amount-error", "amount is 10.00 EUR"},
		{"no amount", "act", []string{"form", "new-order", "do", "OpenOrderReference"}, "new-order-amount-error", "amount is missing"},
		{"payment method", "act", []string{"form", "new-agreement", "do", "OpenBillingAgreement", "payment", "Gold"}, "new-agreement-payment-error", "payment is"},
		{"unknown act", "act", []string{"form", "new-agreement", "do", "Dance"}, "new-agreement", "no act"},
		{"hidden act", "act", []string{"form", "new-agreement", "do", "AccessToken", "id", id}, "new-agreement", "no form"},
		{"quota", "act", []string{"form", "f-SetQuota-", "do", "SetQuota", "quota", "fast"}, "f-SetQuota--quota-error", "quota must be"},
		{"loss", "act", []string{"form", "f-SetDelivery-", "do", "SetDelivery", "lossRate", "7"}, "f-SetDelivery--lossRate-error", "lossRate is 7"},
		{"too late", "act", []string{"form", "f-Cancel-" + closed, "do", "Cancel", "id", closed, "back", objectPath(closed)}, "", "id names what is Closed"},
		{"clock", "clock", []string{"form", "clock-by", "duration", "soon"}, "clock-by-duration-error", "duration is &#34;soon&#34;"},
		{"clock back", "clock", []string{"form", "clock-by", "duration", "-1h"}, "clock-by-duration-error", "duration is negative"},
		{"clock far", "clock", []string{"form", "clock-by", "duration", "9999d"}, "clock-by-duration-error", "20 years"},
		{"fault kind", "fault", []string{"form", "inject", "kind", "Gremlin"}, "inject-kind-error", "kind is"},
		{"fault times", "fault", []string{"form", "inject", "kind", "Slow", "times", "often"}, "inject-times-error", "times must be a whole number"},
		{"fault probability", "fault", []string{"form", "inject", "kind", "Slow", "probability", "2"}, "inject-probability-error", "between 0 and 1"},
		{"fault delay", "fault", []string{"form", "inject", "kind", "Slow", "delay", "9000h"}, "inject-delay-error", "delay is 9000h"},
		{"reset", "reset", []string{"form", "reset"}, "reset-sure-error", "sure must be ticked"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a := v.send("/inspector/"+c.path, c.pairs...)
			require.Equal(t, http.StatusUnprocessableEntity, a.status)
			place := `class="refused" role="alert">`
			switch {
			case strings.HasSuffix(c.where, "-error"):
				place = `id="` + c.where + `" role="alert">`
				assert.Contains(t, a.text, `aria-invalid="true"`)
			case c.where != "":
				require.Contains(t, a.text, `id="`+c.where+`" data-failed`)
				a.text = a.text[strings.Index(a.text, `id="`+c.where+`" data-failed`):]
			}
			_, text, found := strings.Cut(a.text, place)
			require.True(t, found, "it is told there: %s", refusalIn(a))
			text, _, _ = strings.Cut(text, "<")
			assert.Contains(t, text, c.text)
		})
	}
	a := v.send("/inspector/fault", "form", "inject", "kind", "Slow", "delay", `9"h`, "times", "3")
	assert.Contains(t, a.text, `value="9&#34;h"`, "what was filled in is still there")
	assert.Contains(t, a.text, `value="3"`)
	assert.Contains(t, a.text, `<option value="Slow" selected>`)
}

// Everything else that the forms do.
func TestInspectorForms(t *testing.T) {
	p := begin(t, "-manual-clock", "-start", "2026-01-31T12:00:00Z", "-notify", "http://127.0.0.1:1/ipn-with-a-secret")
	v := visit(p)
	a := v.send("/inspector/act", "do", "NewBillingAgreement", "payment", "BadCard", "region", "EU")
	assert.True(t, strings.HasPrefix(a.path, "/inspector/objects/C02-"), "it leads to what was made")
	assert.Contains(t, a.text, "not given")
	assert.Len(t, get[amazonpaytest.Snapshot](p, "/mock/state?region=eu").Agreements, 1)
	assert.Equal(t, http.StatusNotFound, v.see(a.path).status, "in another region it is not")

	for _, step := range [][3]string{
		{"by", "hour", "2026-01-31T13:00:00Z"}, {"by", "day", "2026-02-01T13:00:00Z"}, {"by", "month", "2026-03-01T13:00:00Z"},
		{"duration", "30d", "2026-03-31T13:00:00Z"}, {"by", "month", "2026-04-30T13:00:00Z"}, {"duration", "90m", "2026-04-30T14:30:00Z"},
	} {
		v.send("/inspector/clock", step[0], step[1])
		_, text := p.request("GET", "/mock/clock", "")
		assert.Contains(t, text, step[2])
	}
	id := v.send("/inspector/act", "do", "NewOrderReference", "amount", "10 USD").path
	v.send("/inspector/clock", "by", "next")
	assert.Contains(t, v.see(id).text, "Stale", "the next event has happened")
	v.send("/inspector/clock", "by", "next")
	a = v.send("/inspector/clock", "by", "next", "form", "clock")
	assert.Equal(t, http.StatusUnprocessableEntity, a.status)
	assert.Contains(t, a.text, "nothing is due")

	v.send("/inspector/fault", "kind", "AnswerLost", "action", "Capture", "times", "2")
	assert.Equal(t, []faultBody{{Action: "Capture", Kind: "AnswerLost", Times: 2}}, get[stateBody](p, "/mock/state").Faults)
	v.send("/inspector/fault", "do", "Heal")
	assert.Empty(t, get[amazonpaytest.Snapshot](p, "/mock/state").Faults)

	agreement := p.agree(amazonpay.RegionNA)
	before := get[amazonpaytest.Snapshot](p, "/mock/state").Notifications
	a = v.send("/inspector/act", "do", "Resend", "number", fmt.Sprint(before[0].Number), "back", "/")
	assert.Contains(t, a.text, "Resend: done.")
	assert.NotContains(t, a.text, "ipn-with-a-secret", "an address may have a secret in its path")
	assert.Contains(t, v.see("/inspector/find?id="+string(agreement)).text, "Billing agreement")

	a = v.send("/inspector/reset", "sure", "on")
	assert.Contains(t, a.text, "Everything is forgotten.")
	assert.Empty(t, get[amazonpaytest.Snapshot](p, "/mock/state").Agreements)
}

// The pages of the other environment show and change its books only, and lead to
// each other.
func TestInspectorEnvironments(t *testing.T) {
	p := begin(t, "-manual-clock", "-notify", "http://127.0.0.1:1/ipn")
	v := visit(p)
	assert.Contains(t, v.see("/?region=UK").text, `<a href="/?environment=production&amp;region=UK">production</a>`)
	page := v.see("/?region=UK&environment=production").text
	assert.Contains(t, page, `<a href="/?environment=production&amp;region=UK" aria-current="page">production</a>`)
	assert.Contains(t, page, `<a href="/?environment=production&amp;region=JP">JP</a>`)
	assert.Contains(t, page, `<input type="hidden" name="environment" value="production">`)
	a := v.send("/inspector/act", "do", "OpenBillingAgreement", "region", "UK", "environment", "production")
	require.True(t, strings.HasPrefix(a.path, "/inspector/objects/B02-"), a.path)
	assert.Contains(t, a.text, "What happens now")
	assert.Contains(t, a.text, `name="CountryCode" value="GB"`)
	assert.Equal(t, http.StatusNotFound, v.see(a.path+"?region=UK").status, "the sandbox has none")
	id := strings.TrimPrefix(a.path, "/inspector/objects/")
	assert.Contains(t, v.see("/inspector/find?id="+id).text, "What happens now", "it is found from everywhere")
	assert.Contains(t, v.see("/inspector/list/agreements?region=UK&environment=production").text, id)
	assert.Equal(t, http.StatusBadRequest, v.see("/?environment=moon").status)
	require.Eventually(t, func() bool {
		return strings.Contains(v.see("/inspector/list/notifications?region=UK&environment=production").text, "connection refused")
	}, 10*time.Second, 10*time.Millisecond, "why a notification has failed")
}

func TestFaultActions(t *testing.T) {
	for _, action := range faultActions {
		require.NoError(t, amazonpaytest.Fault{Action: action, Kind: amazonpaytest.AnswerLost}.Check())
	}
}

// Whatever is written into an object, a page shows it and nothing more.
func TestInspectorEscapes(t *testing.T) {
	p := begin(t)
	v, client := visit(p), p.client(amazonpay.RegionNA)
	const hostile = `"><script>alert(1)</script><img src=x onerror=alert(2)>'{{7}}</textarea>`
	id := p.agree(amazonpay.RegionNA)
	_, err := client.SetBillingAgreementDetails(t.Context(), amazonpay.SetBillingAgreementDetailsRequest{
		AmazonBillingAgreementID: id,
		BillingAgreementAttributes: amazonpay.BillingAgreementAttributes{SellerNote: hostile,
			SellerBillingAgreementAttributes: amazonpay.SellerBillingAgreementAttributes{SellerBillingAgreementID: "<b>mine</b>", StoreName: hostile, CustomInformation: hostile}}})
	_ = err // after the confirmation it is refused: then the call is shown
	draft := p.act("", `{"do":"NewBillingAgreement","buyer":{"Name":"<script>alert(3)</script>","Email":"\"><script>alert(4)</script>@example.com"},"address":{"Name":"<script>alert(5)</script>","AddressLine1":"<script>alert(6)</script>","City":"<i>x","CountryCode":"US"}}`).ID
	_, err = client.SetBillingAgreementDetails(t.Context(), amazonpay.SetBillingAgreementDetailsRequest{
		AmazonBillingAgreementID: amazonpay.BillingAgreementID(draft),
		BillingAgreementAttributes: amazonpay.BillingAgreementAttributes{SellerNote: hostile,
			SellerBillingAgreementAttributes: amazonpay.SellerBillingAgreementAttributes{StoreName: hostile}}})
	require.NoError(t, err)
	_, err = client.AuthorizeOnBillingAgreement(t.Context(), amazonpay.AuthorizeOnBillingAgreementRequest{
		AmazonBillingAgreementID: id, AuthorizationReferenceID: "r1", AuthorizationAmount: amazonpay.MustPrice("10", "USD"),
		SellerAuthorizationNote: hostile, TransactionTimeout: new(0), CaptureNow: true})
	require.NoError(t, err)
	capture := get[amazonpaytest.Snapshot](p, "/mock/state").Captures[0].ID
	p.act("", `{"do":"Chargeback","id":"`+capture+`","reason":"<script>alert(7)</script>"}`)
	p.request("POST", "/mock/acts", `{"do":"Send","message":{"NotificationType":"<script>alert(8)</script>","ObjectID":"<script>alert(9)</script>"}}`)
	_, _ = http.PostForm(p.HTTP[0]+"/OffAmazonPayments_Sandbox/2013-01-01", url.Values{"Action": {"<script>alert(10)</script>"}, "Id": {"<b>"}})

	pages := []string{"/", objectPath(string(id)), objectPath(draft), objectPath(url.PathEscape("<script>alert(11)</script>")),
		"/inspector/find?id=" + url.QueryEscape("<script>alert(12)</script>"), "/?region=" + url.QueryEscape("<script>alert(13)</script>"),
		"/?told=" + url.QueryEscape("<script>"), `/?x="><script>alert(14)</script>`}
	for _, kind := range []string{"agreements", "orders", "payments", "notifications", "calls", "due"} {
		pages = append(pages, "/inspector/list/"+kind)
	}
	for _, path := range pages {
		text := v.see(path).text
		require.Contains(t, text, "</html>", path)
		assert.NotContains(t, text, "<script>", path)
		assert.NotContains(t, text, "<img", path)
		assert.NotContains(t, text, "<b>mine", path)
		assert.NotContains(t, text, "<i>x", path)
		assert.Equal(t, 1, strings.Count(text, "<script"), "our own: %s", path)
		for _, secret := range []string{"Signature=", "amzn.mws"} {
			assert.NotContains(t, text, secret)
		}
	}
	assert.Contains(t, v.see(objectPath(draft)).text, "&lt;script&gt;alert(1)&lt;/script&gt;", "the note is shown")
	a := v.send("/inspector/fault", "form", "inject", "kind", "<script>alert(15)</script>", "delay", hostile)
	assert.NotContains(t, a.text, "<script>")
}

// The confirmation page of UK and EU is finished here, and it is told where the
// browser goes.
func TestInspectorAuthenticates(t *testing.T) {
	p := begin(t, "-region", "EU")
	v, client := visit(p), p.client(amazonpay.RegionEU)
	id := p.act("", `{"do":"NewBillingAgreement"}`).ID
	p.act("", `{"do":"Consent","id":"`+id+`"}`)
	require.NotContains(t, v.see(objectPath(id)).offers(id), "Authenticate")
	require.NoError(t, client.ConfirmBillingAgreement(t.Context(), amazonpay.ConfirmBillingAgreementRequest{
		AmazonBillingAgreementID: amazonpay.BillingAgreementID(id), SuccessURL: "https://shop.example/thanks", FailureURL: "https://shop.example/sorry"}))
	require.Contains(t, v.see(objectPath(id)).offers(id), "Authenticate")
	a := v.send("/inspector/act", "do", "Authenticate", "id", id, "status", "Success", "back", objectPath(id))
	assert.Contains(t, a.text, "The browser goes to https://shop.example/thanks")
	assert.NotContains(t, a.offers(id), "Authenticate")
	assert.Contains(t, v.see("/?region=JP").text, "such as 1990 JPY", "yen have no decimals")
}

// The latest is told first, also where everything happens in one moment.
func TestInspectorHistory(t *testing.T) {
	p := begin(t, "-manual-clock", "-notify", "http://127.0.0.1:1/")
	v, client := visit(p), p.client(amazonpay.RegionNA)
	id := p.agree(amazonpay.RegionNA)
	require.NoError(t, p.charge(client, amazonpay.RegionNA, id, "first"))
	require.NoError(t, p.charge(client, amazonpay.RegionNA, id, "second"))
	p.act("", `{"do":"Cancel","id":"`+string(id)+`"}`)
	_, history, _ := strings.Cut(v.see(objectPath(string(id))).text, `<ol class="history">`)
	var told []string
	for _, m := range regexp.MustCompile(`<li class="(\w+)">(?s:.*?)<span class="id">([^<]*)`).FindAllStringSubmatch(history, -1) {
		if m[1] != "notification" || strings.HasPrefix(m[2], "C01-") {
			told = append(told, m[1]+" "+regexp.MustCompile(`^.*-`).ReplaceAllString(m[2], ""))
		}
	}
	assert.Equal(t, []string{
		"notification 0000001", "notification 0000001", "money C000005", "money C000003",
		"made C000005", "made A000005", "made 0000004", "made C000003", "made A000003", "made 0000002",
		"call second", "call first", "made 0000001",
	}, told)
}

// Keys that were given stay with the giver.
func TestInspectorKeepsSecrets(t *testing.T) {
	text := visit(begin(t)).see("/").text
	assert.Contains(t, text, defaultSellerShown)
	text = visit(begin(t, "-secret-key", "a-key-of-my-own", "-login-secret", "a-secret-of-my-own", "-delegate", "AMERCHANT=amzn.mws.token")).see("/").text
	for _, secret := range []string{"a-key-of-my-own", "a-secret-of-my-own", "amzn.mws.token"} {
		assert.NotContains(t, text, secret)
	}
}

const defaultSellerShown = defaultSeller + "</dd>"

// A list of thousands is read page by page, and each object is on one page.
func TestInspectorPages(t *testing.T) {
	p := begin(t)
	v, client := visit(p), p.client(amazonpay.RegionNA)
	agreement := p.agree(amazonpay.RegionNA)
	for i := range 45 {
		require.NoError(t, p.charge(client, amazonpay.RegionNA, agreement, fmt.Sprintf("r%d", i)))
	}
	links := regexp.MustCompile(`id="(S01-[0-9]+-[0-9]+-[AC][0-9]+)"`)
	for _, list := range []string{"/inspector/list/payments", objectPath(string(agreement))} {
		seen := make(map[string]bool)
		path, pages := list, 0
		for path != "" {
			pages++
			a := v.see(path)
			require.Equal(t, http.StatusOK, a.status)
			for _, m := range links.FindAllStringSubmatch(a.text, -1) {
				assert.False(t, seen[m[1]], "%s is shown twice", m[1])
				seen[m[1]] = true
			}
			path = ""
			if m := regexp.MustCompile(`<a href="([^"]+)" rel="next">`).FindStringSubmatch(a.text); m != nil {
				path = strings.ReplaceAll(m[1], "&amp;", "&")
			}
		}
		assert.Equal(t, 3, pages)
		assert.Len(t, seen, 90, "45 authorizations and their captures")
	}
	for _, kind := range []string{"agreements", "orders", "payments", "notifications", "calls", "due"} {
		for _, page := range []string{"", "?page=2", "?page=99999", "?page=-1", "?page=x", "?region=JP"} {
			assert.Equal(t, http.StatusOK, v.see("/inspector/list/"+kind+page).status)
		}
	}
	assert.Equal(t, http.StatusNotFound, v.see("/inspector/list/secrets").status)
	assert.Equal(t, http.StatusNotFound, v.see("/inspector/asset/base.html").status)
	assert.Contains(t, v.see("/inspector/asset/inspector.js").header.Get("Content-Type"), "javascript")

	capture := get[amazonpaytest.Snapshot](p, "/mock/state?limit=1").Captures[0]
	a := v.see(objectPath(capture.ID))
	assert.Equal(t, objectPath(capture.ID[:19]), a.path, "what hangs on an order is on its page")
	assert.NotContains(t, a.text, string(agreement)+`" class="id">`, "and nothing else")
}
