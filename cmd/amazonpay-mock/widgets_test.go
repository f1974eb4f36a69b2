package main

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// scriptPaths are Amazon's, by the host's region.
var scriptPaths = map[string][]string{
	"https://static-na.payments-amazon.com/OffAmazonPayments/": {"us/sandbox/js/", "us/js/"},
	"https://static-eu.payments-amazon.com/OffAmazonPayments/": {
		"gbp/sandbox/lpa/js/", "gbp/lpa/js/", "uk/sandbox/lpa/js/", "uk/lpa/js/", "eur/sandbox/lpa/js/", "eur/lpa/js/", "de/sandbox/lpa/js/", "de/lpa/js/"},
	"https://static-fe.payments-amazon.com/OffAmazonPayments/": {"jp/sandbox/lpa/js/", "jp/lpa/js/"},
}

func TestScripts(t *testing.T) {
	p := begin(t)
	browser := &http.Client{Transport: p.asAmazon()}
	var addresses []string
	for host, paths := range scriptPaths {
		for _, path := range paths {
			addresses = append(addresses, host+path+"Widgets.js?sellerId=A1&nomin")
		}
	}
	for _, address := range append(addresses, p.HTTP[0]+"/sdk/na/login1.js", p.HTTP[0]+"/sdk/login1.js") {
		t.Run(address, func(t *testing.T) {
			resp, err := browser.Get(address)
			require.NoError(t, err)
			text, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			assert.Equal(t, http.StatusOK, resp.StatusCode)
			assert.Contains(t, string(text), "onAmazonLoginReady")
			assert.Equal(t, strings.Contains(address, "Widgets.js"), strings.Contains(string(text), "onAmazonPaymentsReady"))
			for name, value := range map[string]string{
				"Content-Type": "text/javascript; charset=utf-8", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache",
				"Cross-Origin-Resource-Policy": "cross-origin", "Access-Control-Allow-Origin": "*",
			} {
				assert.Equal(t, value, resp.Header.Get(name), name)
			}
			again, err := http.NewRequest(http.MethodGet, address, nil)
			require.NoError(t, err)
			again.Header.Set("If-None-Match", resp.Header.Get("ETag"))
			resp, err = browser.Do(again)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			assert.Equal(t, http.StatusNotModified, resp.StatusCode)
			resp, err = browser.Post(address, "text/plain", nil)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			assert.Equal(t, http.StatusMethodNotAllowed, resp.StatusCode)
		})
	}
}

func TestScriptSyntax(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		missing(t, "there is no node to check the scripts with")
	}
	for name, text := range map[string][]byte{
		"Widgets.js": script("login.js", "payments.js"), "login1.js": script("login.js"),
		"frame.js": widgetFile("frame.js"), "popup.js": widgetFile("popup.js"),
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), name)
			require.NoError(t, os.WriteFile(file, text, 0o600))
			out, err := exec.Command(node, "--check", file).CombinedOutput()
			require.NoError(t, err, string(out))
			assert.NotRegexp(t, `\beval\(|new Function|innerHTML|document\.write`, string(text))
		})
	}
}

// asWidget asks what a frame asks. The headers are in pairs.
func (p *process) asWidget(token, body string, headers ...string) (status int, answer string) {
	p.t.Helper()
	req, err := http.NewRequest(http.MethodPost, p.HTTP[0]+"/widgets/act", strings.NewReader(body))
	require.NoError(p.t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(p.t, err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(p.t, err)
	assert.Equal(p.t, "no-store", resp.Header.Get("Cache-Control"))
	assert.Empty(p.t, resp.Header.Get("Access-Control-Allow-Origin"))
	return resp.StatusCode, string(text)
}

// popupAnswer signs in in the widgets' window, and reads what it would tell
// the page.
func popupAnswer(t testing.TB, address, decision string) (origin string, fields map[string]string) {
	t.Helper()
	resp, err := http.Get(address)
	require.NoError(t, err)
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	csrf := regexp.MustCompile(`name="csrf" value="([0-9a-f]+)"`).FindSubmatch(text)
	require.NotNil(t, csrf, string(text))
	resp, err = http.PostForm(address, url.Values{"csrf": {string(csrf[1])}, "ap_email": {"buyer@example.com"}, "decision": {decision}})
	require.NoError(t, err)
	text, err = io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
	meta := regexp.MustCompile(`<meta name="answer" content="([^"]*)" data-origin="([^"]*)">`).FindStringSubmatch(string(text))
	require.NotNil(t, meta, string(text))
	require.NoError(t, json.Unmarshal([]byte(html.UnescapeString(meta[1])), &fields))
	return html.UnescapeString(meta[2]), fields
}

func (p *process) popupURL(client, redirect string) string {
	return p.HTTP[0] + "/ap/oa?" + url.Values{"client_id": {client}, "scope": {"profile payments:widget"}, "response_type": {"token"},
		"redirect_uri": {redirect}, "state": {`a"<b>`}, "popup": {"true"}}.Encode()
}

func TestPopup(t *testing.T) {
	p := begin(t)
	origin, fields := popupAnswer(t, p.popupURL(defaultLoginClient, "https://shop.example/checkout"), "allow")
	assert.Equal(t, "https://shop.example", origin)
	assert.Regexp(t, `^Atza\|`, fields["access_token"])
	delete(fields, "access_token")
	assert.Equal(t, map[string]string{"token_type": "bearer", "expires_in": "3600", "scope": "profile payments:widget", "state": `a"<b>`}, fields)
	_, fields = popupAnswer(t, p.popupURL(defaultLoginClient, "https://shop.example/checkout"), "deny")
	assert.Equal(t, "access_denied", fields["error"])
	assert.Equal(t, "Access not permitted.", fields["error_description"])
}

// TestPopupOrigins has the return URLs of the client stand for its origins.
func TestPopupOrigins(t *testing.T) {
	p := begin(t, "-redirect-url", "https://shop.example/return")
	_, fields := popupAnswer(t, p.popupURL(defaultLoginClient, "https://shop.example/checkout"), "allow")
	assert.NotEmpty(t, fields["access_token"])
	for name, address := range map[string]string{
		"another origin": p.popupURL(defaultLoginClient, "https://evil.example/return"),
		"another scheme": p.popupURL(defaultLoginClient, "http://localhost/return"),
		"no pop-up":      strings.Replace(p.popupURL(defaultLoginClient, "https://shop.example/checkout"), "popup=true", "popup=no", 1),
	} {
		t.Run(name, func(t *testing.T) {
			resp, err := http.Get(address)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			assert.Equal(t, http.StatusBadRequest, resp.StatusCode)
		})
	}
}

func (p *process) widgetToken(r amazonpay.Region) string {
	p.t.Helper()
	c := &config{region: amazonpay.Region(p.Region)}
	_, fields := popupAnswer(p.t, p.popupURL(c.loginClient(r), "https://shop.example/"), "allow")
	return fields["access_token"]
}

// TestOnlyFramesAct keeps the pages around the frames, and everybody else, from
// acting for the buyer.
func TestOnlyFramesAct(t *testing.T) {
	p := begin(t)
	token := p.widgetToken(amazonpay.RegionNA)
	const body = `{"widget":"AddressBook","region":"NA","environment":"sandbox","seller":"AFAKESELLER01","recurring":true}`
	cases := []struct {
		name, token string
		headers     []string
		status      int
		code        string
	}{
		{"a frame", token, []string{"Origin", p.HTTP[0], "Sec-Fetch-Site", "same-origin"}, 200, ""},
		{"a program", token, nil, 200, ""},
		{"the shop's page", token, []string{"Origin", "https://shop.example"}, 400, "InvalidParameterValue"},
		{"a page that hides", token, []string{"Origin", "null"}, 400, "InvalidParameterValue"},
		{"another site", token, []string{"Sec-Fetch-Site", "cross-site"}, 400, "InvalidParameterValue"},
		{"a form", token, []string{"Content-Type", "text/plain"}, 400, "InvalidParameterValue"},
		{"nobody", "", nil, 400, "BuyerNotAssociated"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			status, answer := p.asWidget(c.token, body, c.headers...)
			assert.Equal(t, c.status, status, answer)
			assert.Contains(t, answer, c.code)
		})
	}
	assert.NotContains(t, p.stderr.String(), "Atza")
	assert.NotContains(t, p.stderr.String(), "Ditka")
}

func TestWidgetBodies(t *testing.T) {
	p := begin(t)
	token := p.widgetToken(amazonpay.RegionUK)
	with := func(more string) string {
		return `{"region":"uk","environment":"sandbox","seller":"AFAKESELLER01UK",` + more + `}`
	}
	for name, c := range map[string]struct{ body, code string }{
		"no JSON":         {`{`, "InvalidParameterValue"},
		"unknown field":   {with(`"buyer":"x"`), "InvalidParameterValue"},
		"unknown region":  {`{"region":"moon"}`, "InvalidParameterValue"},
		"other region":    {strings.Replace(with(`"widget":"Wallet"`), "uk", "de", 1), "InvalidSellerId"},
		"no such address": {with(`"widget":"AddressBook","agreement":"C02-0000000-0000000","choice":{"address":7}`), "InvalidParameterValue"},
		"nothing awaits":  {with(`"widget":"Confirmation","agreement":"` + p.act("uk", `{"do":"OpenBillingAgreement"}`).ID + `"`), "InvalidParameterValue"},
	} {
		t.Run(name, func(t *testing.T) {
			status, answer := p.asWidget(token, c.body)
			assert.Equal(t, http.StatusBadRequest, status)
			assert.Contains(t, answer, c.code)
		})
	}
	status, answer := p.asWidget("", with(`"widget":"Button"`))
	assert.Equal(t, http.StatusOK, status, "a button needs nobody who has signed in: %s", answer)
}

func TestPaymentLabels(t *testing.T) {
	choices := paymentChoices()
	require.Len(t, choices, len(amazonpaytest.PaymentMethods()))
	seen := make(map[string]bool)
	for _, c := range choices {
		assert.Contains(t, c.Label, "…", c.ID)
		assert.False(t, seen[c.Label], c.Label)
		seen[c.Label] = true
	}
}

func TestWidgetErrorsOnDemand(t *testing.T) {
	p := begin(t)
	const body = `{"widget":"Button","region":"NA","environment":"sandbox","seller":"AFAKESELLER01"}`
	status, text := p.request(http.MethodPost, "/mock/widgets", `{"widget":"Wallet","code":"StaleOrderReference","times":-1}`)
	require.Equal(t, http.StatusOK, status, text)
	status, _ = p.request(http.MethodPost, "/mock/widgets", `{"code":"UnknownError","times":2}`)
	require.Equal(t, http.StatusOK, status)
	for _, want := range []int{400, 400, 200} {
		status, _ = p.asWidget("", body)
		assert.Equal(t, want, status)
	}
	for name, wrong := range map[string]string{"no code": `{}`, "unknown code": `{"code":"Nonsense"}`, "unknown widget": `{"code":"ITP","widget":"Map"}`} {
		t.Run(name, func(t *testing.T) {
			status, _ := p.request(http.MethodPost, "/mock/widgets", wrong)
			assert.Equal(t, http.StatusBadRequest, status)
		})
	}
	type list struct{ Errors []wantedError }
	assert.Equal(t, list{[]wantedError{{"Wallet", "StaleOrderReference", -1}}}, get[list](p, "/mock/widgets"))
	status, _ = p.request(http.MethodDelete, "/mock/widgets", "")
	assert.Equal(t, http.StatusOK, status)
	assert.Empty(t, get[list](p, "/mock/widgets").Errors)
}

func TestConfirmationPage(t *testing.T) {
	p := begin(t)
	client := p.client(amazonpay.RegionUK)
	token := p.widgetToken(amazonpay.RegionUK)
	id := p.act("uk", `{"do":"OpenBillingAgreement","buyer":{"Email":"buyer@example.com"}}`).ID
	require.NoError(t, client.ConfirmBillingAgreement(t.Context(), amazonpay.ConfirmBillingAgreementRequest{
		AmazonBillingAgreementID: amazonpay.BillingAgreementID(id), SuccessURL: "https://shop.example/ok?a=1", FailureURL: "https://shop.example/no"}))
	status, answer := p.asWidget(token, `{"widget":"Confirmation","region":"UK","environment":"sandbox","seller":"AFAKESELLER01UK","agreement":"`+id+`"}`)
	require.Equal(t, http.StatusOK, status, answer)
	var view widgetView
	require.NoError(t, json.Unmarshal([]byte(answer), &view))
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	post := func(path, status, origin string) *http.Response {
		req, err := http.NewRequest(http.MethodPost, p.HTTP[0]+path, strings.NewReader("status="+status))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", origin)
		resp, err := browser.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return resp
	}
	resp, err := browser.Get(p.HTTP[0] + view.Confirm)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assert.Contains(t, resp.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'")
	assert.Equal(t, http.StatusForbidden, post(view.Confirm, "Success", "https://shop.example").StatusCode, "the shop cannot answer for the buyer")
	assert.Equal(t, http.StatusNotFound, post("/widgets/confirm/GUESSED", "Success", p.HTTP[0]).StatusCode)
	assert.Equal(t, http.StatusNotFound, post(view.Confirm, "Perhaps", p.HTTP[0]).StatusCode)
	resp = post(view.Confirm, "Success", p.HTTP[0])
	assert.Equal(t, http.StatusSeeOther, resp.StatusCode)
	assert.Equal(t, "https://shop.example/ok?a=1&AuthenticationStatus=Success", resp.Header.Get("Location"))
	assert.Equal(t, http.StatusNotFound, post(view.Confirm, "Failure", p.HTTP[0]).StatusCode, "once only")
}

func TestFlowsAreForgotten(t *testing.T) {
	var f flows
	first := f.begin(nil, "C02-0000001-0000001")
	for range flowsKept {
		f.begin(nil, "C02-0000001-0000002")
	}
	_, known := f.find(first)
	assert.False(t, known)
	assert.Len(t, f.byKey, flowsKept)
}

func TestLiveWidgets(t *testing.T) {
	p := begin(t, "-environment", "production", "-region", "JP")
	token := p.widgetToken(amazonpay.RegionJP)
	const body = `{"widget":"AddressBook","region":"jp","environment":"production","seller":"AFAKESELLER01","recurring":true}`
	status, answer := p.asWidget(token, body)
	require.Equal(t, http.StatusOK, status, answer)
	assert.Contains(t, answer, `"agreement": "B03-`)
	status, answer = p.asWidget(token, strings.Replace(body, "production", "sandbox", 1))
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Contains(t, answer, "BuyerNotAssociated", "the sandbox does not know who signed in")
}

// The script's path says the environment, of the sign-in, too: a page with the
// live script works beside one with the sandbox's.
func TestScriptsOfBothEnvironments(t *testing.T) {
	p := begin(t)
	for sandbox, id := range map[string]string{"true": "C01-", "false": "B01-", "": "C01-"} {
		_, fields := popupAnswer(t, p.popupURL(defaultLoginClient, "https://shop.example/")+"&sandbox="+sandbox, "allow")
		environment := map[string]string{"C01-": "sandbox", "B01-": "production"}[id]
		body := `{"widget":"AddressBook","region":"NA","environment":"` + environment + `","seller":"AFAKESELLER01","recurring":true`
		status, answer := p.asWidget(fields["access_token"], body+`}`)
		require.Equal(t, http.StatusOK, status, answer)
		assert.Contains(t, answer, `"agreement": "`+id)
		var view widgetView
		require.NoError(t, json.Unmarshal([]byte(answer), &view))
		other := map[string]string{"sandbox": "production", "production": "sandbox"}[environment]
		status, answer = p.asWidget(fields["access_token"], strings.Replace(body, environment, other, 1)+`,"agreement":"`+string(view.Agreement)+`"}`)
		assert.Equal(t, http.StatusBadRequest, status, answer)
		for _, host := range []string{"", "api.amazon.com", "api.sandbox.amazon.com"} { // a token is good at both
			req, err := http.NewRequest(http.MethodGet, p.HTTP[0]+"/user/profile", nil)
			require.NoError(t, err)
			req.Host = host
			req.Header.Set("x-amz-access-token", fields["access_token"])
			resp, err := http.DefaultClient.Do(req)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			assert.Equal(t, http.StatusOK, resp.StatusCode, host)
		}
	}
	status, answer := p.asWidget("", `{"widget":"Button","region":"NA","environment":"moon","seller":"AFAKESELLER01"}`)
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Contains(t, answer, "InvalidParameterValue")
}

// What the script of a path asks the consent page for.
func TestScriptSaysTheEnvironment(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		missing(t, "there is no node to run the scripts with")
	}
	const stage = `
const opened = [];
const nothing = new Proxy(function () {}, { get: (t, name) => name === Symbol.toPrimitive ? () => '' : nothing, apply: () => nothing, set: () => true });
globalThis.window = { open: (address) => { opened.push(address); return { closed: true, close() {} }; }, addEventListener() {}, removeEventListener() {} };
globalThis.document = new Proxy({ currentScript: { src: 'http://127.0.0.1:8620%s' } }, { get: (t, name) => t[name] || nothing });
globalThis.location = { origin: 'https://shop.example', pathname: '/', href: 'https://shop.example/', search: '', protocol: 'https:' };
`
	const sign = `
window.amazon.Login.setClientId('c');
window.amazon.Login.authorize({ scope: 'profile' }, () => { console.log(opened.join('\n')); process.exit(0); });
`
	for path, c := range map[string]struct {
		script []byte
		want   string
	}{
		"/OffAmazonPayments/us/sandbox/js/Widgets.js":                      {script("login.js", "payments.js"), "&sandbox=true"},
		"/OffAmazonPayments/us/js/Widgets.js?sellerId=/sandbox/":           {script("login.js", "payments.js"), "&sandbox=false"},
		"/images/G/09/EP/offAmazonPayments/sandbox/prod/lpa/js/Widgets.js": {script("login.js", "payments.js"), "&sandbox=true"},
		"/OffAmazonPayments/gbp/lpa/js/Widgets.js":                         {script("login.js", "payments.js"), "&sandbox=false"},
		"/sdk/na/login1.js": {script("login.js"), ""},
	} {
		t.Run(path, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "page.js")
			require.NoError(t, os.WriteFile(file, []byte(fmt.Sprintf(stage, path)+string(c.script)+sign), 0o600))
			out, err := exec.Command(node, file).CombinedOutput()
			require.NoError(t, err, string(out))
			require.Contains(t, string(out), "http://127.0.0.1:8620/ap/oa?client_id=c")
			if c.want == "" {
				assert.NotContains(t, string(out), "&sandbox=")
			} else {
				assert.Contains(t, string(out), c.want)
			}
		})
	}
}
