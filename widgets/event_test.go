package widgets_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay/lwa"
	"github.com/amazonpay-go/amazonpay/widgets"
)

// posted is an event as the page's script posts it.
func posted(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/events", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set(widgets.CSRFHeader, "csrf")
	return r
}

func TestParseEvent(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, body string
		want       widgets.Event
	}{
		{"created", `{"kind":"created","billingAgreementId":"C02-1234567-1234567","orderReferenceId":""}`,
			widgets.Event{Kind: widgets.KindCreated, BillingAgreementID: "C02-1234567-1234567"}},
		{"address of an order", `{"kind":"address","billingAgreementId":"","orderReferenceId":"S02-1234567-1234567"}`,
			widgets.Event{Kind: widgets.KindAddress, OrderReferenceID: "S02-1234567-1234567"}},
		{"payment", `{"kind":"payment","billingAgreementId":"B01-1"}`, widgets.Event{Kind: widgets.KindPayment, BillingAgreementID: "B01-1"}},
		{"consent given", `{"kind":"consent","billingAgreementId":"B01-1","consent":"true"}`,
			widgets.Event{Kind: widgets.KindConsent, BillingAgreementID: "B01-1", Consent: widgets.ConsentGiven}},
		{"consent taken back", `{"kind":"consent","billingAgreementId":"B01-1","consent":"false"}`,
			widgets.Event{Kind: widgets.KindConsent, BillingAgreementID: "B01-1", Consent: widgets.ConsentNotGiven}},
		{"nothing to consent to", `{"kind":"consent","billingAgreementId":"B01-1","consent":"undefined"}`,
			widgets.Event{Kind: widgets.KindConsent, BillingAgreementID: "B01-1", Consent: widgets.ConsentNotAsked}},
		{"confirm, and blanks", " {\"kind\":\"confirm\",\"billingAgreementId\":\"B01-1\"}\r\n", widgets.Event{Kind: widgets.KindConfirm, BillingAgreementID: "B01-1"}},
		{"error before there is an id", `{"kind":"error","billingAgreementId":"","orderReferenceId":"","errorCode":"InvalidSellerId","widget":"Button"}`,
			widgets.Event{Kind: widgets.KindError, ErrorCode: widgets.ErrInvalidSellerID, Widget: "Button"}},
		{"error of the future", `{"kind":"error","billingAgreementId":"B01-1","errorCode":"Brand_New-1.0","widget":"Consent"}`,
			widgets.Event{Kind: widgets.KindError, BillingAgreementID: "B01-1", ErrorCode: "Brand_New-1.0", Widget: "Consent"}},
		{"session ended", `{"kind":"sessionEnded"}`, widgets.Event{Kind: widgets.KindSessionEnded}},
		{"logout", `{"kind":"logout","orderReferenceId":"S02-1"}`, widgets.Event{Kind: widgets.KindLogout, OrderReferenceID: "S02-1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := widgets.ParseEvent(posted(test.body), "csrf")
			require.NoError(t, err)
			assert.Equal(t, &test.want, got)
		})
	}
}

func TestParseEventHostile(t *testing.T) {
	t.Parallel()
	const good = `{"kind":"confirm","billingAgreementId":"C02-1"}`
	_, err := widgets.ParseEvent(posted(good), "csrf")
	require.NoError(t, err)

	request := func(change func(*http.Request)) *http.Request {
		r := posted(good)
		change(r)
		return r
	}
	header := func(name string, values ...string) *http.Request {
		return request(func(r *http.Request) { r.Header[http.CanonicalHeaderKey(name)] = values })
	}
	tests := []struct {
		name    string
		request *http.Request
		status  int
	}{
		{"GET", request(func(r *http.Request) { r.Method = http.MethodGet }), 405},
		{"PUT", request(func(r *http.Request) { r.Method = http.MethodPut }), 405},
		{"a method of lower case", request(func(r *http.Request) { r.Method = "post" }), 405},
		{"another site", header("Sec-Fetch-Site", "cross-site"), 403},
		{"a sister site", header("Sec-Fetch-Site", "same-site"), 403},
		{"typed into the address", header("Sec-Fetch-Site", "none"), 403},
		{"no content type", header("Content-Type"), 415},
		{"a form's content type", header("Content-Type", "text/plain"), 415},
		{"a content type with JSON as a parameter", header("Content-Type", "text/plain; application/json"), 415},
		{"half a content type", header("Content-Type", "application/json; charset"), 415},
		{"no CSRF token", header(widgets.CSRFHeader), 403},
		{"an empty CSRF token", header(widgets.CSRFHeader, ""), 403},
		{"another CSRF token", header(widgets.CSRFHeader, "csrg"), 403},
		{"a prefix of the CSRF token", header(widgets.CSRFHeader, "csr"), 403},
		{"a longer CSRF token", header(widgets.CSRFHeader, "csrfcsrf"), 403},
		{"two CSRF tokens", header(widgets.CSRFHeader, "csrf", "csrf"), 403},
		{"a body that breaks off", request(func(r *http.Request) { r.Body = io.NopCloser(iotest.ErrReader(errors.New("reset"))) }), 400},
		{"a body over the shop's own limit", request(func(r *http.Request) { r.Body = http.MaxBytesReader(nil, r.Body, 10) }), 413},
		{"too large", posted(good + strings.Repeat(" ", 4097-len(good))), 413},
		{"too large, endless", request(func(r *http.Request) { r.Body = io.NopCloser(endless{}) }), 413},
	}
	for name, body := range map[string]string{
		"nothing": "", "null": "null", "a text": `"confirm"`, "a list": "[" + good + "]", "half": good[:20], "XML": "<kind>confirm</kind>",
		"an event and another": good + good, "an event and a brace": good + "}", "an event and a bracket far away": good + strings.Repeat(" ", 2000) + "]",
		"an event and a word": good + " x", "an event and NUL": good + "\x00",
		"an unknown field":          `{"kind":"confirm","billingAgreementId":"C02-1","amount":"0.01"}`,
		"a field of another kind":   `{"kind":"confirm","billingAgreementId":1}`,
		"no kind":                   `{"billingAgreementId":"C02-1"}`,
		"an unknown kind":           `{"kind":"refund","billingAgreementId":"C02-1"}`,
		"a kind in capitals":        `{"kind":"CONFIRM","billingAgreementId":"C02-1"}`,
		"no id":                     `{"kind":"confirm"}`,
		"two ids":                   `{"kind":"confirm","billingAgreementId":"C02-1","orderReferenceId":"S02-1"}`,
		"an id with a blank":        `{"kind":"confirm","billingAgreementId":"C02 1"}`,
		"an id with a line end":     `{"kind":"confirm","billingAgreementId":"C02-1\n"}`,
		"an id with a quote":        `{"kind":"confirm","billingAgreementId":"C02-1'--"}`,
		"an id with a tag":          `{"kind":"confirm","orderReferenceId":"<b>"}`,
		"an id with a path":         `{"kind":"confirm","orderReferenceId":"../S02-1"}`,
		"an id in another alphabet": `{"kind":"confirm","orderReferenceId":"Ｓ02-1"}`,
		"an id that is too long":    `{"kind":"confirm","orderReferenceId":"` + strings.Repeat("1", 65) + `"}`,
		"an id of invalid UTF-8":    "{\"kind\":\"confirm\",\"orderReferenceId\":\"\xff\"}",
		"consent without a status":  `{"kind":"consent","billingAgreementId":"C02-1"}`,
		"an unknown consent":        `{"kind":"consent","billingAgreementId":"C02-1","consent":"yes"}`,
		"consent of another kind":   `{"kind":"consent","billingAgreementId":"C02-1","consent":true}`,
		"a status without consent":  `{"kind":"confirm","billingAgreementId":"C02-1","consent":"true"}`,
		"an error without a code":   `{"kind":"error","widget":"Wallet"}`,
		"an error without a widget": `{"kind":"error","errorCode":"UnknownError"}`,
		"an unknown widget":         `{"kind":"error","errorCode":"UnknownError","widget":"Casino"}`,
		"a hostile code":            `{"kind":"error","errorCode":"a\nlevel=ERROR","widget":"Wallet"}`,
		"a code without an error":   `{"kind":"confirm","billingAgreementId":"C02-1","errorCode":"UnknownError"}`,
		"a widget without an error": `{"kind":"confirm","billingAgreementId":"C02-1","widget":"Wallet"}`,
	} {
		tests = append(tests, struct {
			name    string
			request *http.Request
			status  int
		}{name, posted(body), 400})
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			event, err := widgets.ParseEvent(test.request, "csrf")
			assert.Nil(t, event)
			refused := new(widgets.RequestError)
			require.ErrorAs(t, err, &refused)
			assert.Equal(t, test.status, refused.StatusCode, err.Error())
			assert.Regexp(t, `^widgets: [a-zA-Z /'-]+$`, err.Error()) // fixed texts: nothing of the request
			assert.NotContains(t, err.Error(), "C02")
		})
	}
	t.Run("a session without a token", func(t *testing.T) {
		t.Parallel()
		_, err := widgets.ParseEvent(header(widgets.CSRFHeader, ""), "")
		require.EqualError(t, err, "widgets: the CSRF token is missing or wrong")
	})
	t.Run("a browser that does not say where it is", func(t *testing.T) {
		t.Parallel()
		_, err := widgets.ParseEvent(header("Sec-Fetch-Site"), "csrf")
		require.NoError(t, err)
	})
	t.Run("a content type with a charset", func(t *testing.T) {
		t.Parallel()
		_, err := widgets.ParseEvent(header("Content-Type", "application/json; charset=utf-8"), "csrf")
		require.NoError(t, err)
	})
	t.Run("just not too large", func(t *testing.T) {
		t.Parallel()
		_, err := widgets.ParseEvent(posted(good+strings.Repeat(" ", 4096-len(good))), "csrf")
		require.NoError(t, err)
	})
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func FuzzParseEvent(f *testing.F) {
	f.Add(`{"kind":"confirm","billingAgreementId":"C02-1"}`, "application/json", "csrf")
	f.Add(`{"kind":"error","errorCode":"UnknownError","widget":"Wallet"}{}`, "application/json; charset=utf-8", "csrf")
	f.Add(`[null]`, "text/plain", "")
	f.Fuzz(func(t *testing.T, body, contentType, csrf string) {
		r := posted(body)
		r.Header.Set("Content-Type", contentType)
		r.Header.Set(widgets.CSRFHeader, csrf)
		event, err := widgets.ParseEvent(r, "csrf")
		if err != nil {
			refused := new(widgets.RequestError)
			require.ErrorAs(t, err, &refused)
			require.Contains(t, []int{400, 403, 405, 413, 415}, refused.StatusCode)
			require.Nil(t, event)
			return
		}
		require.Equal(t, "csrf", csrf)
		require.LessOrEqual(t, len(body), 4096)
		require.Regexp(t, `^[a-zA-Z0-9._-]*$`, string(event.Kind)+event.BillingAgreementID+event.OrderReferenceID+string(event.Consent)+string(event.ErrorCode)+event.Widget)
		require.False(t, event.BillingAgreementID != "" && event.OrderReferenceID != "")
	})
}

// returned is what the return page's script posts.
func returned(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/return", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return r
}

func TestParseReturn(t *testing.T) {
	t.Parallel()
	for _, want := range []string{"?access_token=Atza%7Ca%2Bb&state=s", "#access_token=Atza%7Ca&token_type=bearer", "?error=access_denied&error_description=Access+not+permitted.&state=s#"} {
		got, err := widgets.ParseReturn(returned(url.Values{"delivered": {want}}.Encode()))
		require.NoError(t, err)
		assert.Equal(t, want, got, "not decoded")
	}
	const good = "delivered=%3Faccess_token%3DAtza"
	request := func(change func(*http.Request)) *http.Request {
		r := returned(good)
		change(r)
		return r
	}
	for _, test := range []struct {
		name    string
		request *http.Request
		status  int
	}{
		{"GET", request(func(r *http.Request) { r.Method = http.MethodGet }), 405},
		{"another site", request(func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }), 403},
		{"JSON", request(func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }), 415},
		{"a body that breaks off", request(func(r *http.Request) { r.Body = io.NopCloser(iotest.ErrReader(errors.New("reset"))) }), 400},
		{"over the shop's own limit", request(func(r *http.Request) { r.Body = http.MaxBytesReader(nil, r.Body, 5) }), 413},
		{"too large", returned("delivered=" + strings.Repeat("a", 32<<10)), 413},
		{"nothing", returned(""), 400},
		{"nothing delivered", returned("delivered="), 400},
		{"delivered twice", returned(good + "&" + good), 400},
		{"more than delivered", returned(good + "&admin=1"), 400},
		{"a form of another kind", returned("delivered=%zz"), 400},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := widgets.ParseReturn(test.request)
			assert.Empty(t, got)
			refused := new(widgets.RequestError)
			require.ErrorAs(t, err, &refused)
			assert.Equal(t, test.status, refused.StatusCode, err.Error())
			assert.NotContains(t, err.Error(), "Atza")
		})
	}
}

func FuzzParseReturn(f *testing.F) {
	f.Add("delivered=%3Faccess_token%3DAtza", "/done?AuthenticationStatus=Success")
	f.Add("delivered=%23&delivered=", "/done?AuthenticationStatus=Success&AuthenticationStatus=Failure")
	f.Fuzz(func(t *testing.T, body, query string) {
		r := returned(body)
		r.URL.RawQuery = query
		delivered, err := widgets.ParseReturn(r)
		if err != nil {
			refused := new(widgets.RequestError)
			require.ErrorAs(t, err, &refused)
			require.Empty(t, delivered)
		} else {
			require.NotEmpty(t, delivered)
			require.LessOrEqual(t, len(delivered), 32<<10)
		}
		require.Contains(t, []widgets.AuthenticationStatus{"", "Success", "Failure", "Abandoned"}, widgets.ClaimedAuthentication(r))
	})
}

// The page has nothing of the request in it: the token stays in the browser.
func TestReturnPage(t *testing.T) {
	t.Parallel()
	w := returnPage(t, "/return?access_token=Atza%7Csecret&state=<script>")
	assert.Equal(t, http.StatusOK, w.Code)
	assert.NotContains(t, w.Body.String(), "secret")
	assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	assert.Equal(t, "same-origin", w.Header().Get("Referrer-Policy"))
	assert.Equal(t, "text/html; charset=utf-8", w.Header().Get("Content-Type"))
	scripts := 0
	for _, e := range tokenize(t, w.Body.String()) {
		if e.name == "script" {
			scripts++
			nonce := e.attributes["nonce"]
			assert.GreaterOrEqual(t, len(nonce), 22)
			assert.Equal(t, "base-uri 'none'; default-src 'none'; form-action 'self'; frame-ancestors 'none'; script-src 'nonce-"+nonce+"'", w.Header().Get("Content-Security-Policy"))
		}
	}
	assert.Equal(t, 1, scripts)
	assert.NotEqual(t, w.Header().Get("Content-Security-Policy"), returnPage(t, "/return").Header().Get("Content-Security-Policy"))

	refused := httptest.NewRecorder()
	newShop(t, config(widgets.RegionUK)).ReturnPage().ServeHTTP(refused, httptest.NewRequest(http.MethodPost, "/return", nil))
	assert.Equal(t, http.StatusMethodNotAllowed, refused.Code)
	assert.Equal(t, "GET, HEAD", refused.Header().Get("Allow"))
}

// What comes back fits lwa.ParseGrant, whichever way it came.
func TestReturnIsGrant(t *testing.T) {
	t.Parallel()
	for _, delivered := range []string{"?access_token=Atza%7Ca&token_type=bearer&expires_in=3600&state=s", "#access_token=Atza%7Ca&token_type=bearer&expires_in=3600&state=s"} {
		got, err := widgets.ParseReturn(returned(url.Values{"delivered": {delivered}}.Encode()))
		require.NoError(t, err)
		grant, err := lwa.ParseGrant(got, epoch)
		require.NoError(t, err)
		assert.Equal(t, "Atza|a", grant.Token.AccessToken)
	}
	got, err := widgets.ParseReturn(returned(url.Values{"delivered": {"?error=access_denied&state=s"}}.Encode()))
	require.NoError(t, err)
	_, err = lwa.ParseGrant(got, epoch)
	require.ErrorIs(t, err, lwa.ErrAccessDenied)
}

func TestClaimedAuthentication(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]widgets.AuthenticationStatus{
		"?AuthenticationStatus=Success": widgets.AuthenticationSuccess, "?AuthenticationStatus=Failure": widgets.AuthenticationFailure,
		"?order=1&AuthenticationStatus=Abandoned": widgets.AuthenticationAbandoned, "": widgets.AuthenticationMissing,
		"?AuthenticationStatus=success": widgets.AuthenticationMissing, "?AuthenticationStatus=": widgets.AuthenticationMissing,
		"?authenticationstatus=Success": widgets.AuthenticationMissing, "?AuthenticationStatus=Success%00": widgets.AuthenticationMissing,
		"?AuthenticationStatus=Failure&AuthenticationStatus=Success": widgets.AuthenticationMissing, "?AuthenticationStatus=%zz": widgets.AuthenticationMissing,
	} {
		t.Run(query, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodGet, "/done", nil)
			r.URL.RawQuery = strings.TrimPrefix(query, "?")
			assert.Equal(t, want, widgets.ClaimedAuthentication(r))
		})
	}
}

func TestTokenCookie(t *testing.T) {
	t.Parallel()
	for returnURL, secure := range map[string]bool{
		"https://shop.example/return": true, "/return": true, "http://localhost:8080/return": false, "HTTP://localhost/return": false,
	} {
		t.Run(fmt.Sprint(returnURL), func(t *testing.T) {
			t.Parallel()
			c := widgets.TokenCookie("Atza|a", returnURL)
			require.NoError(t, c.Valid())
			assert.Equal(t, &http.Cookie{
				Name: "amazon_Login_accessToken", Value: "Atza|a", Path: "/", MaxAge: 3300, Secure: secure, SameSite: http.SameSiteLaxMode,
			}, c)
		})
	}
}
