package amazonpaytest_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

const (
	consentURL   = "https://www.amazon.com/ap/oa"
	tokenURL     = "https://api.amazon.com/auth/o2/token"
	tokenInfoURL = "https://api.sandbox.amazon.com/auth/o2/tokeninfo"
	profileURL   = "https://api.sandbox.amazon.com/user/profile"
	returnURL    = "https://shop.example/return?lang=en"
	allScopes    = "profile postal_code payments:widget payments:shipping_address"
	verifier     = "a-verifier-of-letters-0123456789_~.ABCDEFGHIJKLMN"
)

// One application is the shop's; the others try what they should not.
var (
	ownClient   = amazonpaytest.LoginClient{ID: "client-own", Secret: "secret-own", RedirectURLs: []string{returnURL, "http://localhost:8080/return"}}
	otherClient = amazonpaytest.LoginClient{ID: "client-other", Secret: "secret-other", Scopes: []string{"profile", "profile:user_id"}}
	pageClient  = amazonpaytest.LoginClient{ID: "client-page"}
)

// site is a shop's side of Login with Amazon, spoken by hand.
type site struct {
	*shop
	client *http.Client
}

func newSite(t testing.TB) *site {
	s := newShop(t, amazonpaytest.Settings{LoginClients: []amazonpaytest.LoginClient{ownClient, otherClient, pageClient}})
	return &site{s, &http.Client{Transport: s.fake, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// reply is an answer, read.
type reply struct {
	t      testing.TB
	status int
	header http.Header
	body   string
}

func (s *site) request(method, address string, form url.Values, header ...string) reply {
	s.t.Helper()
	req, err := http.NewRequest(method, address, strings.NewReader(form.Encode()))
	require.NoError(s.t, err)
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded;charset=UTF-8")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := s.client.Do(req)
	require.NoError(s.t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(s.t, err)
	require.NoError(s.t, resp.Body.Close())
	require.Regexp(s.t, "^[0-9a-f]{8}-", resp.Header.Get("x-amzn-RequestId"))
	require.Equal(s.t, "no-store", resp.Header.Get("Cache-Control"))
	return reply{s.t, resp.StatusCode, resp.Header, string(body)}
}

func (s *site) get(address string, header ...string) reply {
	s.t.Helper()
	return s.request(http.MethodGet, address, nil, header...)
}

func (r reply) json() map[string]any {
	r.t.Helper()
	require.Equal(r.t, "application/json;charset=UTF-8", r.header.Get("Content-Type"))
	var value map[string]any
	require.NoError(r.t, json.Unmarshal([]byte(r.body), &value))
	return value
}

func (r reply) ok() map[string]any {
	r.t.Helper()
	require.Equal(r.t, 200, r.status, "%s", r.body)
	return r.json()
}

// refused checks an error answer, and that it repeats no value of the request.
func (r reply) refused(status int, code, description string) {
	r.t.Helper()
	got := r.json()
	require.Equal(r.t, []any{status, code, description}, []any{r.status, got["error"], got["error_description"]})
}

// values are parameters, name and value in turns; "-" takes one out.
func values(base url.Values, changes ...string) url.Values {
	out := url.Values{}
	for name := range base {
		out.Set(name, base.Get(name))
	}
	for i := 0; i < len(changes); i += 2 {
		out.Set(changes[i], changes[i+1])
		if changes[i+1] == "-" {
			out.Del(changes[i])
		}
	}
	return out
}

func wish(changes ...string) string {
	return consentURL + "?" + values(url.Values{"client_id": {"client-own"}, "scope": {allScopes}, "response_type": {"code"},
		"redirect_uri": {returnURL}, "state": {"s+1 &=é%"}}, changes...).Encode()
}

// allow lets a buyer allow what is wished, and hands back the parameters.
func (s *site) allow(buyer amazonpay.Buyer, changes ...string) url.Values {
	s.t.Helper()
	u, err := s.fake.SignIn(buyer).Authorize(wish(changes...), true)
	require.NoError(s.t, err)
	if u.Fragment != "" {
		got, err := url.ParseQuery(u.EscapedFragment())
		require.NoError(s.t, err)
		return got
	}
	return u.Query()
}

func (s *site) code(changes ...string) string {
	s.t.Helper()
	code := s.allow(amazonpay.Buyer{}, changes...).Get("code")
	require.Len(s.t, code, 20)
	return code
}

func (s *site) exchange(code string, changes ...string) reply {
	s.t.Helper()
	return s.request(http.MethodPost, tokenURL, values(url.Values{"grant_type": {"authorization_code"}, "code": {code},
		"redirect_uri": {returnURL}, "client_id": {"client-own"}, "client_secret": {"secret-own"}}, changes...))
}

func (s *site) refresh(token any, changes ...string) reply {
	s.t.Helper()
	return s.request(http.MethodPost, tokenURL, values(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token.(string)},
		"client_id": {"client-own"}, "client_secret": {"secret-own"}}, changes...))
}

func s256(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

const (
	badCode     = "The request has an invalid grant parameter : code"
	badVerifier = "The request has an invalid grant parameter : code_verifier"
	badRefresh  = "The request has an invalid grant parameter : refresh_token. User may have revoked or didn't grant the permission."
	badToken    = "The request has an invalid parameter : access_token"
	lacks       = "The request is missing a required parameter : "
	badClient   = "Client authentication failed"
)

// All the way, as a browser and a shop go it.
func TestLoginFromThePageToTheAddress(t *testing.T) {
	s := newSite(t)
	page := s.get(wish("code_challenge", s256(verifier), "code_challenge_method", "S256"))
	require.Equal(t, 200, page.status)
	require.Equal(t, "text/html;charset=UTF-8", page.header.Get("Content-Type"))
	style := sha256.Sum256([]byte(regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(page.body)[1]))
	require.Equal(t, "default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(style[:])+"'; base-uri 'none'; frame-ancestors 'none'",
		page.header.Get("Content-Security-Policy"))
	require.Contains(t, page.body, "your shipping addresses")
	require.Contains(t, page.body, `value="buyer@example.com"`)
	csrf := regexp.MustCompile(`name="csrf" value="([0-9a-f]{32})"`).FindStringSubmatch(page.body)[1]
	answer := s.request(http.MethodPost, wish("code_challenge", s256(verifier), "code_challenge_method", "S256"),
		url.Values{"csrf": {csrf}, "ap_email": {"Buyer@Example.com"}, "decision": {"allow"}})
	require.Equal(t, 302, answer.status)
	location := answer.header.Get("Location")
	require.True(t, strings.HasPrefix(location, returnURL+"&code="), location)
	back, err := url.Parse(location)
	require.NoError(t, err)
	require.Equal(t, "s+1 &=é%", back.Query().Get("state"))
	require.Equal(t, allScopes, back.Query().Get("scope"))
	require.Equal(t, "en", back.Query().Get("lang"))

	s.fake.Advance(5*time.Minute - time.Second)
	tokens := s.exchange(back.Query().Get("code"), "code_verifier", verifier).ok()
	access := tokens["access_token"].(string)
	require.Equal(t, []any{"bearer", 3600.0}, []any{tokens["token_type"], tokens["expires_in"]})
	require.Regexp(t, `^Atza\|.{345,999}$`, access)
	require.Regexp(t, `^Atzr\|.{345,999}$`, tokens["refresh_token"])
	require.Subset(t, strings.Split(access, ""), []string{"+", "/", "=", "-", "|"})

	login := s.fake.SignIn(amazonpay.Buyer{})
	profile := map[string]any{"user_id": login.UserID(), "name": "Susan Example", "email": "buyer@example.com", "postal_code": "60602"}
	require.Regexp(t, `^amzn1\.account\.[A-Z0-9]{28}$`, login.UserID())
	require.Equal(t, profile, s.get(profileURL, "Authorization", "bearer "+access).ok())
	s.fake.Advance(30*time.Minute + time.Millisecond)
	require.Equal(t, map[string]any{"aud": "client-own", "iss": "https://www.amazon.com", "user_id": login.UserID(), "exp": 1800.0,
		"iat": float64(start.Add(299 * time.Second).Unix()), "app_id": s.get(tokenInfoURL, "x-amz-access-token", access).ok()["app_id"],
	}, s.get(tokenInfoURL+"?access_token="+url.QueryEscape(access)).ok())

	s.fake.Advance(30 * time.Minute)
	s.get(profileURL, "x-amz-access-token", access).refused(400, "invalid_token", badToken)
	agreement := s.fake.NewBillingAgreement()
	details := []string{"AmazonBillingAgreementId", string(agreement.ID()), "AddressConsentToken"}
	s.do("GetBillingAgreementDetails", append(details, access)...).refused(404, "InvalidAddressConsentToken")
	access = s.refresh(tokens["refresh_token"]).ok()["access_token"].(string)
	require.Equal(t, profile, s.get(profileURL+"?access_token="+url.QueryEscape(access)).ok())
	s.do("GetBillingAgreementDetails", details[:2]...).ok().has("PhysicalDestination/City", "Chicago", "PhysicalDestination/AddressLine1", "")
	s.do("GetBillingAgreementDetails", append(details, access)...).ok().
		has("PhysicalDestination/AddressLine1", "10 Ditka Ave", "Buyer/Email", "buyer@example.com", "BillingAddress/AddressType", "")
	s.do("GetBillingAgreementDetails", append(details, url.QueryEscape(access))...).refused(404, "InvalidAddressConsentToken")
}

func TestTokensShowWhatTheirScopesAllow(t *testing.T) {
	s := newSite(t)
	ann := amazonpay.Buyer{Name: "Ann", Email: "ann@example.com"}
	login := s.fake.SignIn(ann)
	require.Equal(t, ann, login.Buyer())
	require.Equal(t, login.UserID(), s.fake.SignIn(amazonpay.Buyer{Email: "ANN@example.com"}).UserID())
	agreement := s.fake.NewBillingAgreementWith(amazonpaytest.Checkout{Buyer: login.Buyer()})
	order := s.fake.NewOrderReferenceWith(amazonpaytest.Checkout{Buyer: ann})
	stranger := s.fake.NewBillingAgreement()
	for scope, want := range map[string]struct {
		profile       map[string]any
		line, billing string
	}{
		"profile":                                  {map[string]any{"name": "Ann", "email": "ann@example.com"}, "", ""},
		"profile:user_id":                          {map[string]any{}, "", ""},
		"postal_code":                              {map[string]any{"postal_code": "60602"}, "", ""},
		"payments:widget":                          {nil, "", ""},
		"payments:autopay_consent":                 {nil, "", ""},
		"profile payments:shipping_address":        {map[string]any{"name": "Ann", "email": "ann@example.com"}, "10 Ditka Ave", ""},
		"payments:billing_address payments:widget": {nil, "", "Physical"},
		"payments:billing_address payments:shipping_address profile": {map[string]any{"name": "Ann", "email": "ann@example.com"}, "10 Ditka Ave", "Physical"},
	} {
		t.Run(scope, func(t *testing.T) {
			access := s.allow(ann, "response_type", "token", "scope", scope).Get("access_token")
			got := s.get(profileURL, "X-Amz-Access-Token", access)
			if want.profile == nil {
				got.refused(400, "insufficient_scope", "The access token does not have the required scope")
				require.NotEmpty(t, got.json()["request_id"])
			} else {
				want.profile["user_id"] = login.UserID()
				require.Equal(t, want.profile, got.ok())
			}
			s.do("GetBillingAgreementDetails", "AmazonBillingAgreementId", string(agreement.ID()), "AccessToken", access).ok().
				has("PhysicalDestination/AddressLine1", want.line, "BillingAddress/AddressType", want.billing)
			s.do("GetOrderReferenceDetails", "AmazonOrderReferenceId", string(order.ID()), "AccessToken", access).ok().
				has("PhysicalDestination/AddressLine1", want.line, "BillingAddress/AddressType", want.billing)
			s.do("GetBillingAgreementDetails", "AmazonBillingAgreementId", string(stranger.ID()), "AccessToken", access).refused(404, "InvalidAddressConsentToken")
		})
	}
}

// The tokens of the widgets are tokens like any other.
func TestWidgetTokens(t *testing.T) {
	s := newSite(t)
	order := s.fake.NewOrderReferenceWith(amazonpaytest.Checkout{Buyer: amazonpay.Buyer{Name: "Nameless Mail"}})
	first := order.AccessToken()
	require.Equal(t, first, order.AccessToken())
	require.Equal(t, "client-own", s.get(tokenInfoURL, "x-amz-access-token", first).ok()["aud"])
	got := s.get(profileURL, "x-amz-access-token", first).ok()
	require.Equal(t, "Nameless Mail", got["name"])
	require.NotContains(t, got, "email")
	s.fake.Advance(time.Hour)
	s.get(tokenInfoURL, "x-amz-access-token", first).refused(400, "invalid_token", badToken)
	details := []string{"AmazonOrderReferenceId", string(order.ID()), "AccessToken"}
	s.do("GetOrderReferenceDetails", append(details, first)...).refused(404, "InvalidAddressConsentToken")
	require.NotEqual(t, first, order.AccessToken())
	s.do("GetOrderReferenceDetails", append(details, order.AccessToken())...).ok().has("PhysicalDestination/Name", "Susan Example")
}

func TestImplicitGrant(t *testing.T) {
	s := newSite(t)
	u, err := s.fake.SignIn(amazonpay.Buyer{}).Authorize(wish("response_type", "token"), true)
	require.NoError(t, err)
	require.Equal(t, "lang=en", u.RawQuery)
	require.Regexp(t, `^https://shop\.example/return\?lang=en#access_token=Atza%7C[^+|]*&token_type=bearer&expires_in=3600&scope=profile\+[^#]*&state=s%2B1\+%26%3D%C3%A9%25$`, u.String())
	got, err := url.ParseQuery(u.EscapedFragment())
	require.NoError(t, err)
	s.get(tokenInfoURL, "x-amz-access-token", got.Get("access_token")).ok()
	s.get(tokenInfoURL, "x-amz-access-token", strings.ReplaceAll(got.Get("access_token"), "+", " ")).refused(400, "invalid_token", badToken)

	u, err = s.fake.SignIn(amazonpay.Buyer{}).Authorize(wish("response_type", "token", "popup", "true", "state", "-"), true)
	require.NoError(t, err)
	require.Empty(t, u.Fragment)
	require.False(t, u.Query().Has("state"))
	s.get(tokenInfoURL, "x-amz-access-token", u.Query().Get("access_token")).ok()
}

func TestConsentPageErrors(t *testing.T) {
	s := newSite(t)
	login := s.fake.SignIn(amazonpay.Buyer{})
	const hostile = `"><script>alert(1)</script>`
	for name, tt := range map[string]struct {
		changes []string
		problem string
	}{
		"no client":           {[]string{"client_id", "-"}, lacks + "client_id"},
		"unknown client":      {[]string{"client_id", hostile, "state", hostile, "scope", hostile}, "An unknown client was requested"},
		"no return URL":       {[]string{"redirect_uri", ""}, lacks + "redirect_uri"},
		"other return URL":    {[]string{"redirect_uri", "https://shop.example/return"}, "has not been whitelisted"},
		"hostile return URL":  {[]string{"redirect_uri", "javascript:alert(1)//" + hostile, "client_id", "client-other"}, "has not been whitelisted"},
		"plain http":          {[]string{"redirect_uri", "http://shop.example/", "client_id", "client-other"}, "has not been whitelisted"},
		"another port":        {[]string{"redirect_uri", "http://localhost:8081/return"}, "has not been whitelisted"},
		"fragment":            {[]string{"redirect_uri", "https://shop.example/#a", "client_id", "client-other"}, "has not been whitelisted"},
		"not even a wish URL": {nil, "Malformed request"},
	} {
		t.Run(name, func(t *testing.T) {
			address := wish(tt.changes...)
			if tt.changes == nil {
				address += "&state=twice"
			}
			page := s.get(address)
			require.Equal(t, 400, page.status)
			require.Contains(t, page.body, tt.problem)
			require.NotContains(t, page.body, "<script")
			require.Contains(t, page.body, "response_type: code")
			_, err := login.Authorize(address, true)
			require.ErrorContains(t, err, tt.problem)
			require.NotContains(t, err.Error(), "alert")
		})
	}
	for _, address := range []string{"https://www.amazon.com/", "%", tokenURL} {
		_, err := login.Authorize(address, true)
		require.Error(t, err)
	}
}

func TestErrorsToldToTheClient(t *testing.T) {
	s := newSite(t)
	login := s.fake.SignIn(amazonpay.Buyer{})
	for name, tt := range map[string]struct {
		changes     []string
		error, text string
	}{
		"no response type":       {[]string{"response_type", "-"}, "invalid_request", lacks + "response_type"},
		"no scope":               {[]string{"scope", ""}, "invalid_request", lacks + "scope"},
		"response type":          {[]string{"response_type", "code token"}, "unsupported_response_type", "The response type is not supported by the authorization server"},
		"unknown scope":          {[]string{"scope", "profile payments"}, "invalid_scope", "An unknown scope was requested"},
		"scopes with commas":     {[]string{"scope", "profile,postal_code"}, "invalid_scope", "An unknown scope was requested"},
		"scope not permitted":    {[]string{"scope", "postal_code", "client_id", "client-other"}, "invalid_scope", "An unknown scope was requested"},
		"method alone":           {[]string{"code_challenge_method", "S256"}, "invalid_request", lacks + "code_challenge"},
		"unknown method":         {[]string{"code_challenge", s256(verifier), "code_challenge_method", "s256"}, "invalid_request", "The request has an invalid parameter : code_challenge_method"},
		"padded challenge":       {[]string{"code_challenge", s256(verifier) + "=", "code_challenge_method", "S256"}, "invalid_request", "The request has an invalid parameter : code_challenge"},
		"verifier as challenge":  {[]string{"code_challenge", verifier, "code_challenge_method", "S256"}, "invalid_request", "The request has an invalid parameter : code_challenge"},
		"short plain challenge":  {[]string{"code_challenge", "short"}, "invalid_request", "The request has an invalid parameter : code_challenge"},
		"scope data not in JSON": {[]string{"scope_data", "{"}, "invalid_request", "The request has an invalid parameter : scope_data"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := s.get(wish(tt.changes...))
			require.Equal(t, 302, answer.status)
			u, err := login.Authorize(wish(tt.changes...), true)
			require.NoError(t, err)
			require.Equal(t, answer.header.Get("Location"), u.String())
			require.Equal(t, []string{tt.error, tt.text, "s+1 &=é%"}, []string{u.Query().Get("error"), u.Query().Get("error_description"), u.Query().Get("state")})
		})
	}
	u, err := login.Authorize(wish("response_type", "token"), false)
	require.NoError(t, err)
	require.Equal(t, returnURL+"&error_description=Access+not+permitted.&state=s%2B1+%26%3D%C3%A9%25&error=access_denied", u.String())
}

func TestConsentForm(t *testing.T) {
	s := newSite(t)
	address := wish("client_id", "client-other", "scope", "profile:user_id", "state", `"><b>`)
	page := s.get(address)
	require.Contains(t, page.body, "Sign in</button>") // there is nothing to consent to
	require.NotContains(t, page.body, "asks for")
	csrf := regexp.MustCompile(`name="csrf" value="(\w+)"`).FindStringSubmatch(page.body)[1]
	form := url.Values{"csrf": {csrf}, "ap_email": {"new@example.com"}, "decision": {"allow"}}
	for name, status := range map[string]int{"csrf": 403, "decision": 400} {
		require.Equal(t, status, s.request(http.MethodPost, address, values(form, name, "-")).status, name)
	}
	require.Equal(t, 403, s.request(http.MethodPost, wish(), form).status, "the value belongs to one request")
	require.Equal(t, 403, s.request(http.MethodPost, address, form, "Content-Type", "text/plain").status)
	require.Equal(t, 403, s.request(http.MethodPut, address, form).status)
	denied := s.request(http.MethodPost, address, values(form, "decision", "deny"))
	require.Contains(t, denied.header.Get("Location"), "error=access_denied")
	calls := s.fake.Calls()
	require.Equal(t, []any{"authorize", 302, "access_denied"}, []any{calls[len(calls)-1].Action, calls[len(calls)-1].Status, calls[len(calls)-1].Code})

	u, err := url.Parse(s.request(http.MethodPost, address, form).header.Get("Location"))
	require.NoError(t, err)
	access := s.exchange(u.Query().Get("code"), "client_id", "client-other", "client_secret", "secret-other").ok()["access_token"].(string)
	require.Equal(t, map[string]any{"user_id": s.fake.SignIn(amazonpay.Buyer{Email: "new@example.com"}).UserID()}, s.get(profileURL, "x-amz-access-token", access).ok())
	require.Equal(t, "Susan Example", s.fake.SignIn(amazonpay.Buyer{Email: "new@example.com"}).Buyer().Name)
}

func TestTokenEndpointErrors(t *testing.T) {
	s := newSite(t)
	for name, tt := range map[string]struct {
		changes            []string
		status             int
		error, description string
	}{
		"no grant type":      {[]string{"grant_type", "-"}, 400, "invalid_request", lacks + "grant_type"},
		"grant type":         {[]string{"grant_type", "password"}, 400, "unsupported_grant_type", "The authorization grant type is not supported by the authorization server"},
		"no code":            {[]string{"code", ""}, 400, "invalid_request", lacks + "code"},
		"no return URL":      {[]string{"redirect_uri", "-"}, 400, "invalid_request", lacks + "redirect_uri"},
		"no client":          {[]string{"client_id", "-"}, 400, "invalid_request", lacks + "client_id"},
		"no secret":          {[]string{"client_secret", "-"}, 400, "invalid_request", lacks + "client_secret"},
		"wrong secret":       {[]string{"client_secret", "secret-other"}, 401, "invalid_client", badClient},
		"unknown client":     {[]string{"client_id", "nobody"}, 401, "invalid_client", badClient},
		"unknown code":       {[]string{"code", "nothing"}, 400, "invalid_grant", badCode},
		"other return URL":   {[]string{"redirect_uri", "https://shop.example/return"}, 400, "invalid_grant", "The request has an invalid grant parameter : redirect_uri"},
		"verifier too many":  {[]string{"code_verifier", verifier}, 400, "invalid_grant", badVerifier},
		"verifier no secret": {[]string{"code_verifier", verifier, "client_secret", "-"}, 400, "invalid_grant", badVerifier},
		"other's code":       {[]string{"client_id", "client-other", "client_secret", "secret-other"}, 400, "invalid_grant", badCode},
		"no refresh token":   {[]string{"grant_type", "refresh_token"}, 400, "invalid_request", lacks + "refresh_token"},
		"code as refresh":    {[]string{"grant_type", "refresh_token", "refresh_token", "CODE"}, 400, "invalid_grant", badRefresh},
	} {
		t.Run(name, func(t *testing.T) {
			code := s.code()
			for i := range tt.changes {
				tt.changes[i] = strings.ReplaceAll(tt.changes[i], "CODE", code)
			}
			got := s.exchange(code, tt.changes...)
			got.refused(tt.status, tt.error, tt.description)
			require.NotEmpty(t, got.json()["request_id"])
			require.NotContains(t, got.body, code)
		})
	}
	form := url.Values{"grant_type": {"authorization_code"}, "code": {s.code()}, "redirect_uri": {returnURL}, "client_id": {"client-own"}, "client_secret": {"secret-own"}}
	for name, r := range map[string]reply{
		"GET":   s.get(tokenURL + "?" + form.Encode()),
		"query": s.request(http.MethodPost, tokenURL+"?client_id=client-own", form),
		"JSON":  s.request(http.MethodPost, tokenURL, form, "Content-Type", "application/json"),
		"none":  s.request(http.MethodPost, tokenURL, form, "Content-Type", ""),
		"twice": s.request(http.MethodPost, tokenURL, url.Values{"code": {"1", "2"}}),
		"both":  s.request(http.MethodPost, tokenURL, form, "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("client-own:secret-own"))),
		"long":  s.request(http.MethodPost, tokenURL, values(form, "more", strings.Repeat("x", 1<<20))),
	} {
		t.Run(name, func(t *testing.T) { r.t = t; r.refused(400, "invalid_request", "Malformed request") })
	}
	s.request(http.MethodPost, tokenURL, form).ok() // none of them used it up
}

func TestClientAuthenticationByHeader(t *testing.T) {
	s := newSite(t)
	basic := func(text string) []string {
		return []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(text))}
	}
	form := func(changes ...string) url.Values {
		return values(url.Values{"grant_type": {"authorization_code"}, "code": {s.code()}, "redirect_uri": {returnURL}}, changes...)
	}
	s.request(http.MethodPost, tokenURL, form("client_id", "client-other"), basic("client-own:secret-own")...).refused(400, "invalid_request", "Malformed request")
	s.request(http.MethodPost, tokenURL, form(), basic("client-own:wrong")...).refused(401, "invalid_client", badClient)
	tokens := s.request(http.MethodPost, tokenURL, form("client_id", "client-own"), basic("client-own:secret-own")...).ok()
	s.request(http.MethodPost, tokenURL, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens["refresh_token"].(string)}},
		basic("client-own:secret-own")...).ok()
}

func TestCodesWorkOnceAndInTime(t *testing.T) {
	s := newSite(t)
	code := s.code()
	s.exchange(code).ok()
	s.exchange(code).refused(400, "invalid_grant", badCode)
	code = s.code()
	s.fake.Advance(5 * time.Minute)
	s.exchange(code).refused(400, "invalid_grant", badCode)
	code = s.code()
	s.exchange(code, "client_id", "client-other", "client_secret", "secret-other").refused(400, "invalid_grant", badCode)
	s.exchange(code).ok() // a stranger does not use it up
}

func TestPKCE(t *testing.T) {
	s := newSite(t)
	plain := []string{"code_challenge", verifier}
	hashed := []string{"code_challenge", s256(verifier), "code_challenge_method", "S256"}
	short := []string{"code_challenge", s256("short"), "code_challenge_method", "S256"}
	for _, challenge := range [][]string{plain, append(plain, "code_challenge_method", "plain"), hashed} {
		s.exchange(s.code(challenge...), "code_verifier", verifier).ok()
		code := s.code(challenge...)
		s.exchange(code, "code_verifier", verifier+"x").refused(400, "invalid_grant", badVerifier)
		s.exchange(code, "code_verifier", verifier).refused(400, "invalid_grant", badCode) // the code is gone
		s.exchange(s.code(challenge...)).refused(400, "invalid_request", lacks+"code_verifier")
		public := append([]string{"client_id", "client-page"}, challenge...)
		tokens := s.exchange(s.code(public...), "client_id", "client-page", "client_secret", "-", "code_verifier", verifier).ok()
		require.NotContains(t, tokens, "refresh_token")
	}
	s.exchange(s.code(short...), "code_verifier", "short").refused(400, "invalid_grant", badVerifier)
	s.exchange(s.code(hashed...), "code_verifier", s256(verifier)).refused(400, "invalid_grant", badVerifier)
	s.exchange(s.code("client_id", "client-page"), "client_id", "client-page", "client_secret", "").refused(400, "invalid_request", lacks+"client_secret")
	s.refresh("x", "client_id", "client-page").refused(400, "unauthorized_client", "The client is not authorized to use this grant type")
	s.exchange(s.code("client_id", "client-page"), "client_id", "client-page").refused(401, "invalid_client", badClient) // it has none
}

func TestRefresh(t *testing.T) {
	s := newSite(t)
	first := s.exchange(s.code()).ok()
	s.refresh(first["refresh_token"], "client_id", "client-other", "client_secret", "secret-other").refused(400, "invalid_grant", badRefresh)
	s.refresh(first["refresh_token"], "client_secret", "wrong").refused(401, "invalid_client", badClient)
	s.refresh(first["refresh_token"], "client_secret", "-").refused(400, "invalid_request", lacks+"client_secret")
	s.refresh(first["access_token"]).refused(400, "invalid_grant", badRefresh)
	s.fake.Advance(400 * 24 * time.Hour)
	second := s.refresh(first["refresh_token"]).ok()
	require.NotEqual(t, first["refresh_token"], second["refresh_token"])
	s.refresh(first["refresh_token"]).refused(400, "invalid_grant", badRefresh)
	third := s.refresh(second["refresh_token"]).ok()
	for _, access := range []any{second["access_token"], third["access_token"]} { // a refresh ends no access token
		s.get(tokenInfoURL, "x-amz-access-token", access.(string)).ok()
	}
	s.fake.SignIn(amazonpay.Buyer{}).Revoke("client-other")
	third = s.refresh(third["refresh_token"]).ok()
	code := s.code()
	s.fake.SignIn(amazonpay.Buyer{}).Revoke("client-own")
	s.refresh(third["refresh_token"]).refused(400, "invalid_grant", badRefresh)
	s.exchange(code).refused(400, "invalid_grant", badCode)
	s.get(profileURL, "x-amz-access-token", third["access_token"].(string)).refused(400, "invalid_token", badToken)
	s.exchange(s.code()).ok() // signing in again heals it
}

func TestTokenInfoAndProfileErrors(t *testing.T) {
	s := newSite(t)
	access := s.allow(amazonpay.Buyer{}, "response_type", "token", "client_id", "client-other", "scope", "profile").Get("access_token")
	require.Equal(t, "client-other", s.get(tokenInfoURL, "x-amz-access-token", access).ok()["aud"], "it is for the client to refuse it")
	for _, address := range []string{tokenInfoURL, profileURL} {
		named := address == profileURL
		for name, r := range map[string]reply{
			lacks + "access_token": s.get(address),
			badToken:               s.get(address, "x-amz-access-token", "Atza|forged"),
			"Malformed request":    s.get(address+"?access_token=a", "x-amz-access-token", access),
		} {
			code := "invalid_request"
			if name == badToken {
				code = "invalid_token"
			}
			r.refused(400, code, name)
			require.Equal(t, named, r.json()["request_id"] != nil)
			require.NotContains(t, r.body, "forged")
		}
		s.get(address+"?access_token="+access+"&access_token=b").refused(400, "invalid_request", "Malformed request")
		s.request(http.MethodPost, address, url.Values{"access_token": {access}}).refused(400, "invalid_request", "Malformed request")
		s.get(address, "x-amz-access-token", s.exchange(s.code()).ok()["refresh_token"].(string)).refused(400, "invalid_token", badToken)
		s.get(address, "x-amz-access-token", url.QueryEscape(access)).refused(400, "invalid_token", badToken)
		s.get(address + "?access_token=" + url.QueryEscape(access)).ok()
	}
	s.get(profileURL, "Authorization", "Bearer "+access).ok()
	s.get(profileURL, "Authorization", "Basic "+access).refused(400, "invalid_request", lacks+"access_token")
	s.get(tokenInfoURL, "Authorization", "Bearer "+access).refused(400, "invalid_request", lacks+"access_token")
}

func TestLoginHosts(t *testing.T) {
	s := newSite(t)
	for _, domain := range []string{"com", "co.uk", "de", "co.jp"} {
		require.Equal(t, 400, s.get("https://www.amazon."+domain+"/ap/oa").status)
		for _, host := range []string{"api.amazon.", "api.sandbox.amazon."} {
			s.get("https://"+host+domain+"/user/profile").refused(400, "invalid_request", lacks+"access_token")
		}
	}
	require.Equal(t, 400, s.get("https://eu.account.amazon.com:443/ap/oa").status)
	for _, address := range []string{"https://api.amazon.fr/user/profile", "https://api.amazon.com/ap/oa", "https://www.amazon.com/auth/o2/token", "https://localhost/auth/o2/tokeninfo"} {
		_, err := s.client.Get(address)
		require.ErrorContains(t, err, "Amazon has no ")
	}
	server := httptest.NewServer(s.fake)
	defer server.Close()
	s.client.Transport = nil
	s.get(server.URL+"/auth/o2/tokeninfo").refused(400, "invalid_request", lacks+"access_token")
	require.Equal(t, 200, s.get(strings.Replace(wish(), "https://www.amazon.com", server.URL, 1)).status)
}

func TestLoginFaultsAndCalls(t *testing.T) {
	s := newSite(t)
	s.fake.Inject(
		amazonpaytest.Fault{Action: "token", Kind: amazonpaytest.AnswerLost},
		amazonpaytest.Fault{Action: "token", Kind: amazonpaytest.ServerError500},
		amazonpaytest.Fault{Action: "profile", Kind: amazonpaytest.Throttled},
		amazonpaytest.Fault{Action: "tokeninfo", Kind: amazonpaytest.BadGateway502HTML})
	code := s.code()
	_, err := s.client.PostForm(tokenURL, url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {returnURL},
		"client_id": {"client-own"}, "client_secret": {"secret-own"}})
	require.Error(t, err)
	s.exchange(code).refused(500, "ServerError", "The server encountered an unexpected condition")
	s.exchange(code).refused(400, "invalid_grant", badCode) // the lost answer had the tokens
	s.get(profileURL).refused(503, "ServerError", "The server encountered an unexpected condition")
	resp, err := s.client.Get(tokenInfoURL)
	require.NoError(t, err)
	require.Equal(t, 502, resp.StatusCode)

	var seen []string
	for _, call := range s.fake.Calls() {
		seen = append(seen, strings.TrimSpace(fmt.Sprint(call.Action, " ", call.Status, " ", call.Code)))
	}
	require.Equal(t, []string{"token 0", "token 500 ServerError", "token 400 invalid_grant", "profile 503 ServerError", "tokeninfo 502"}, seen)
	require.Equal(t, code, s.fake.Calls()[2].Params.Get("code"))
	require.NotContains(t, fmt.Sprint(s.fake.Calls()), "secret-own")
}

func TestLoginSecretsStayHidden(t *testing.T) {
	s := newSite(t)
	login := s.fake.SignIn(amazonpay.Buyer{Name: "Ann", Email: "ann@example.com"})
	clients := []amazonpaytest.LoginClient{ownClient}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		require.NotContains(t, fmt.Sprintf(verb, clients), "secret-own")
		require.NotContains(t, fmt.Sprintf(verb, login), "ann@")
		require.NotContains(t, fmt.Sprintf(verb, s.fake), "secret-own")
	}
	require.Contains(t, login.String(), login.UserID())
	for name, client := range map[string]amazonpaytest.LoginClient{
		"no id":      {Secret: "hush"},
		"long id":    {ID: strings.Repeat("x", 101), Secret: "hush"},
		"twice":      {ID: "client-own", Secret: "hush"},
		"return URL": {ID: "x", Secret: "hush", RedirectURLs: []string{"http://shop.example/hush"}},
		"scope":      {ID: "x", Secret: "hush", Scopes: []string{"hush"}},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() { require.NotContains(t, fmt.Sprint(recover()), "hush") }()
			amazonpaytest.New(amazonpaytest.Settings{LoginClients: []amazonpaytest.LoginClient{ownClient, client}})
			t.Error("no panic")
		})
	}
	require.NotEmpty(t, amazonpaytest.New(amazonpaytest.Settings{}).LoginClient().Secret)
	require.Equal(t, ownClient.ID, s.fake.LoginClient().ID)
}

// Of many that exchange one code or one refresh token, one gets through.
func TestManyLoginsAtOnce(t *testing.T) {
	s := newSite(t)
	once := func(do func() reply) (tokens map[string]any) {
		var mu sync.Mutex
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				r := do()
				mu.Lock()
				defer mu.Unlock()
				if r.status == 200 {
					if tokens != nil {
						t.Error("twice")
					}
					tokens = r.json()
				}
			})
			wg.Go(func() {
				login := s.fake.SignIn(amazonpay.Buyer{})
				_, _ = login.Authorize(wish(), true)
				_ = login.Buyer()
				_ = s.fake.NewBillingAgreement().AccessToken()
				s.get(wish())
			})
		}
		wg.Wait()
		require.NotNil(t, tokens)
		return tokens
	}
	code := s.code()
	tokens := once(func() reply { return s.exchange(code) })
	once(func() reply { return s.refresh(tokens["refresh_token"]) })
}

// A buyer signs in without a browser. Your code makes the address and takes the
// answer; here, both are spelt out.
func ExampleLogin_Authorize() {
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	login := fake.SignIn(amazonpay.Buyer{Name: "Ann", Email: "ann@example.com"})

	back, err := login.Authorize("https://www.amazon.com/ap/oa?"+url.Values{
		"client_id":     {fake.LoginClient().ID},
		"scope":         {"profile payments:widget payments:shipping_address"},
		"response_type": {"code"},
		"redirect_uri":  {"https://shop.example/signed-in"},
		"state":         {"a-random-state"},
	}.Encode(), true)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(back.Host, back.Query().Get("state"), back.Query().Has("code"))

	agreement := fake.NewBillingAgreementWith(amazonpaytest.Checkout{Buyer: login.Buyer()})
	fmt.Println(agreement.State())
	// Output:
	// shop.example a-random-state true
	// Draft
}
