package lwa_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay/lwa"
)

var key = lwa.NewSecretKey("0123456789abcdef0123456789abcdef")

func config() lwa.Config {
	return lwa.Config{
		ClientID: clientID, ClientSecret: lwa.NewSecretKey(clientSecret),
		Region: lwa.RegionUK, Environment: lwa.Sandbox,
		RedirectURL: "https://shop.example/return?lang=de", Scopes: []lwa.Scope{lwa.ScopeProfile, lwa.ScopeWidget},
	}
}

// transport answers requests without a socket, under Amazon's real host names.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// client has a handler in Amazon's place.
func client(t *testing.T, handler http.HandlerFunc) *lwa.Client {
	t.Helper()
	return wired(t, func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		handler(w, r)
		return w.Result(), nil
	})
}

// wired has a transport in the network's place.
func wired(t *testing.T, f transport) *lwa.Client {
	t.Helper()
	c := config()
	c.HTTPClient = &http.Client{Transport: f}
	made, err := lwa.New(c)
	require.NoError(t, err)
	return made
}

func issue(t *testing.T) lwa.State {
	t.Helper()
	state, err := lwa.IssueState(key, "", time.Now())
	require.NoError(t, err)
	return state
}

func TestNewNamesEveryFault(t *testing.T) {
	_, err := lwa.New(lwa.Config{})
	assert.EqualError(t, err, "lwa: Config: ClientID is required; Region is required: NA, UK, EU or JP; Environment is required: production or sandbox")

	_, err = lwa.New(lwa.Config{
		ClientID: "has space", ClientSecret: lwa.NewSecretKey("hunter\n2"), Region: "mars", Environment: "play",
		RedirectURL: "http://shop.example/#here", Scopes: []lwa.Scope{"profile", "two words", ""},
		BaseURL: "ftp://x", Timeout: -1,
		Endpoints: lwa.Endpoints{Authorize: "://", Token: "https://u:p@x/", TokenInfo: "https://x/?q", Profile: "http://x.example/"},
	})
	var invalid *lwa.InvalidError
	require.ErrorAs(t, err, &invalid)
	var fields []string
	for _, f := range invalid.Faults {
		fields = append(fields, f.Field)
	}
	assert.Equal(t, []string{"ClientID", "ClientSecret", "Region", "Environment", "RedirectURL", "Scopes[1]", "Scopes[2]", "BaseURL",
		"Endpoints.Authorize", "Endpoints.Token", "Endpoints.TokenInfo", "Endpoints.Profile", "Timeout"}, fields)
	assert.NotContains(t, err.Error(), "hunter")
}

func TestConfigRules(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*lwa.Config)
		want   string
	}{
		"only tokens":               {func(c *lwa.Config) { c.RedirectURL, c.Scopes = "", nil }, ""},
		"scopes alone":              {func(c *lwa.Config) { c.RedirectURL = "" }, "lwa: Config: RedirectURL is required with Scopes"},
		"redirect alone":            {func(c *lwa.Config) { c.Scopes = nil }, "lwa: Config: Scopes is required with RedirectURL"},
		"long client id":            {func(c *lwa.Config) { c.ClientID = strings.Repeat("x", 101) }, "lwa: Config: ClientID is longer than 100 bytes"},
		"aliases":                   {func(c *lwa.Config) { c.Region, c.Environment = "gb", "LIVE" }, ""},
		"http on this machine":      {func(c *lwa.Config) { c.Environment, c.RedirectURL = "live", "http://localhost:8080/r" }, ""},
		"http by number":            {func(c *lwa.Config) { c.Environment, c.RedirectURL = "live", "http://127.0.0.1/r" }, ""},
		"http in production":        {func(c *lwa.Config) { c.Environment, c.RedirectURL = "live", "http://shop.example/r" }, "lwa: Config: RedirectURL is plain http, which production takes for this machine only"},
		"http in the sandbox":       {func(c *lwa.Config) { c.BaseURL = "http://mock:8080/amazon/" }, ""},
		"authorize may have query":  {func(c *lwa.Config) { c.Endpoints.Authorize = "https://www.amazon.com/ap/oa?sandbox=true" }, ""},
		"redirect with a fragment":  {func(c *lwa.Config) { c.RedirectURL = "https://shop.example/#" }, "lwa: Config: RedirectURL takes no user or fragment"},
		"base without a host":       {func(c *lwa.Config) { c.BaseURL = "https:///x" }, `lwa: Config: BaseURL wants the form "https://host[:port]"`},
		"base with a control":       {func(c *lwa.Config) { c.BaseURL = "https://a\x7fb" }, "lwa: Config: BaseURL is not a URL"},
		"token endpoint with query": {func(c *lwa.Config) { c.Endpoints.Token = "https://x/?a=b" }, "lwa: Config: Endpoints.Token takes no query"},
	} {
		t.Run(name, func(t *testing.T) {
			c := config()
			tc.change(&c)
			_, err := lwa.New(c)
			if tc.want == "" {
				assert.NoError(t, err)
			} else {
				assert.EqualError(t, err, tc.want)
			}
		})
	}
}

// Every call goes where the table says, in every region and environment.
func TestHosts(t *testing.T) {
	for _, tc := range []struct {
		region               lwa.Region
		environment          lwa.Environment
		token, info, profile string
	}{
		{lwa.RegionNA, lwa.Production, "api.amazon.com", "api.amazon.com", "api.amazon.com"},
		{lwa.RegionNA, lwa.Sandbox, "api.amazon.com", "api.sandbox.amazon.com", "api.sandbox.amazon.com"},
		{lwa.RegionUK, lwa.Production, "api.amazon.co.uk", "api.amazon.co.uk", "api.amazon.co.uk"},
		{lwa.RegionUK, lwa.Sandbox, "api.amazon.co.uk", "api.sandbox.amazon.co.uk", "api.sandbox.amazon.co.uk"},
		{lwa.RegionEU, lwa.Production, "api.amazon.co.uk", "api.amazon.de", "api.amazon.de"},
		{lwa.RegionEU, lwa.Sandbox, "api.amazon.co.uk", "api.sandbox.amazon.de", "api.sandbox.amazon.de"},
		{lwa.RegionJP, lwa.Production, "api.amazon.co.jp", "api.amazon.co.jp", "api.amazon.co.jp"},
		{lwa.RegionJP, lwa.Sandbox, "api.amazon.co.jp", "api.sandbox.amazon.co.jp", "api.sandbox.amazon.co.jp"},
	} {
		t.Run(fmt.Sprint(tc.region, " ", tc.environment), func(t *testing.T) {
			seen := seenBy(t, func(c *lwa.Config) { c.Region, c.Environment = tc.region, tc.environment })
			assert.Equal(t, []string{
				"https://" + tc.token + "/auth/o2/token", "https://" + tc.token + "/auth/o2/token",
				"https://" + tc.info + "/auth/o2/tokeninfo", "https://" + tc.profile + "/user/profile",
				"https://www.amazon.com/ap/oa",
			}, seen)
		})
	}
}

func TestOverriddenHosts(t *testing.T) {
	assert.Equal(t, []string{
		"http://mock:1/a/auth/o2/token", "http://mock:1/a/auth/o2/token", "http://mock:1/a/auth/o2/tokeninfo",
		"http://mock:1/a/user/profile", "http://mock:1/a/ap/oa",
	}, seenBy(t, func(c *lwa.Config) { c.BaseURL = "http://mock:1/a/" }))
	assert.Equal(t, []string{
		"https://t/1", "https://t/1", "https://api.amazon.co.uk/auth/o2/tokeninfo", "https://p/3", "https://eu.account.amazon.com/ap/oa",
	}, seenBy(t, func(c *lwa.Config) {
		c.Endpoints = lwa.Endpoints{Authorize: "https://eu.account.amazon.com/ap/oa", Token: "https://t/1",
			TokenInfo: "https://api.amazon.co.uk/auth/o2/tokeninfo", Profile: "https://p/3"}
	}))
}

// seenBy lists the addresses of exchange, refresh, profile (two) and consent.
func seenBy(t *testing.T, change func(*lwa.Config)) (seen []string) {
	t.Helper()
	c := config()
	change(&c)
	c.HTTPClient = &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
		assert.Empty(t, r.URL.RawQuery)
		seen = append(seen, r.URL.String())
		w := httptest.NewRecorder()
		reply(w, 200, map[string]any{"access_token": "Atza|x", "aud": clientID, "exp": 1, "user_id": "u"})
		return w.Result(), nil
	})}
	made, err := lwa.New(c)
	require.NoError(t, err)
	state := issue(t)
	_, err = made.Exchange(t.Context(), "code", state)
	require.NoError(t, err)
	_, err = made.Refresh(t.Context(), "Atzr|x")
	require.NoError(t, err)
	_, err = made.Profile(t.Context(), "Atza|x")
	require.NoError(t, err)
	consent, err := made.ConsentURL(state)
	require.NoError(t, err)
	consent, _, _ = strings.Cut(consent, "?")
	return append(seen, consent)
}

func TestConsentURL(t *testing.T) {
	c := config()
	c.Endpoints.Authorize = "https://www.amazon.com/ap/oa?sandbox=true"
	c.Scopes = append(c.Scopes, "a+b")
	made, err := lwa.New(c)
	require.NoError(t, err)
	state := issue(t)

	code, err := made.ConsentURL(state)
	require.NoError(t, err)
	assert.Contains(t, code, "scope=profile%20payments%3Awidget%20a%2Bb")
	u, err := url.Parse(code)
	require.NoError(t, err)
	query := u.Query()
	challenge := query.Get("code_challenge")
	assert.Len(t, challenge, 43)
	assert.Equal(t, url.Values{
		"client_id": {clientID}, "scope": {"profile payments:widget a+b"}, "response_type": {"code"},
		"redirect_uri": {c.RedirectURL}, "state": {state.Value}, "sandbox": {"true"},
		"code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}, query)
	assert.NotContains(t, code, clientSecret)

	implicit, err := made.ImplicitURL(state)
	require.NoError(t, err)
	u, err = url.Parse(implicit)
	require.NoError(t, err)
	assert.Equal(t, "token", u.Query().Get("response_type"))
	assert.False(t, u.Query().Has("code_challenge"))

	_, err = made.ConsentURL(lwa.State{})
	assert.EqualError(t, err, "lwa: ConsentURL: state is required: IssueState makes one")
	c.RedirectURL, c.Scopes = "", nil
	made, err = lwa.New(c)
	require.NoError(t, err)
	_, err = made.ImplicitURL(lwa.State{})
	assert.EqualError(t, err, "lwa: ImplicitURL: Config.RedirectURL is required; state is required: IssueState makes one")
}

// The client does not see what the caller does to the Config afterwards, nor
// changes the caller's HTTP client.
func TestConfigIsCopied(t *testing.T) {
	c := config()
	c.HTTPClient = &http.Client{}
	made, err := lwa.New(c)
	require.NoError(t, err)
	c.Scopes[0] = "changed"
	consent, err := made.ConsentURL(issue(t))
	require.NoError(t, err)
	assert.NotContains(t, consent, "changed")
	assert.Nil(t, c.HTTPClient.CheckRedirect)
}

func TestNothingPrintsASecret(t *testing.T) {
	made, err := lwa.New(config())
	require.NoError(t, err)
	state := issue(t)
	var log bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(handler).Info("all", "config", config(), "client", made, "state", state,
			"profile", &lwa.Profile{UserID: "amzn1.account.A1", Name: "Ana", Email: "ana@example.com", PostalCode: "98052"},
			"info", lwa.TokenInfo{ClientID: clientID, UserID: "amzn1.account.A1"}, "grant", lwa.Grant{Code: "ANcode", State: state.Value})
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		_, _ = fmt.Fprintf(&log, verb+verb, made, config())
	}
	text, err := json.Marshal(config())
	require.NoError(t, err)
	log.Write(text)
	for _, secret := range []string{clientSecret, "Ana", "ana@", "98052", "amzn1.account", "ANcode", state.Value, state.Cookie} {
		assert.NotContains(t, log.String(), secret)
	}
	assert.Contains(t, log.String(), clientID)
}
