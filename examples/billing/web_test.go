package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/amazonpay-go/amazonpay"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// asked is a request. To the address of notifications it brings a genuine one, or
// what the query says has become of it.
func asked(method, target, host, origin, password string, header http.Header, text string) *http.Request {
	r := httptest.NewRequest(method, target, nil)
	if strings.HasPrefix(target, "/amazonpay") && method == http.MethodPost {
		switch r.URL.RawQuery {
		case "huge":
			text += strings.Repeat(" ", 2<<20)
		case "forged":
			text = strings.Replace(text, "BillingAgreement", "billingAgreement", 1)
		}
		r = httptest.NewRequest(method, target, strings.NewReader(text))
		r.Header = header.Clone()
	}
	r.Host = host
	r.Header.Set("Origin", origin)
	r.SetBasicAuth("", password)
	if r.URL.RawQuery == "name" {
		r.SetBasicAuth("open sesame", "")
	}
	return r
}

func TestPages(t *testing.T) {
	s, w := desk(t, sqlitePlace(t), quick())
	verifier, err := w.verifier()
	require.NoError(t, err)
	header, body := w.fake.Sign(w.fake.Draft(string(w.fake.OpenBillingAgreement().ID())))
	local, err := s.web(t.Context(), options{}, verifier, true)
	require.NoError(t, err)
	public, err := s.web(t.Context(), options{password: "open sesame"}, verifier, false)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		handler              http.Handler
		method, target, host string
		origin, password     string
		status               int
		contains             string
	}{
		"the page":                         {local, "GET", "/", "127.0.0.1:80", "", "", 200, "<table>"},
		"the report":                       {local, "GET", "/report", "localhost", "", "", 200, "Obligations"},
		"the script":                       {local, "GET", "/assets/live.js", "[::1]:80", "", "", 200, "fetch("},
		"River's pages":                    {local, "GET", "/jobs/", "127.0.0.1:80", "", "", 200, "<script"},
		"River's jobs":                     {local, "GET", "/jobs/api/states", "127.0.0.1:80", "", "", 200, "available"},
		"no other files":                   {local, "GET", "/assets/live.html", "127.0.0.1", "", "", 404, ""},
		"a stranger's name":                {local, "GET", "/", "stranger.example", "", "", 421, ""},
		"a stranger's name for River":      {local, "GET", "/jobs/", "stranger.example:80", "", "", 421, ""},
		"a stranger's page":                {local, "POST", "/jobs/api/jobs/cancel", "127.0.0.1", "https://stranger.example", "", 403, ""},
		"no password":                      {public, "GET", "/", "shop.example", "", "", 401, ""},
		"no password for River":            {public, "GET", "/jobs/", "shop.example", "", "", 401, ""},
		"a wrong password":                 {public, "GET", "/", "shop.example", "", "open barley", 401, ""},
		"the password":                     {public, "GET", "/", "shop.example", "", "open sesame", 200, "<table>"},
		"a notification needs no password": {public, "POST", "/amazonpay", "shop.example", "", "", 200, ""},
		"the password as a name":           {public, "GET", "/?name", "shop.example", "", "", 401, ""},
		"a path around the password":       {public, "GET", "//jobs/../jobs/api/states", "shop.example", "", "", 307, ""},
		"a notification's path for pages":  {public, "GET", "/amazonpay/../report", "shop.example", "", "", 307, ""},
		"a huge notification":              {public, "POST", "/amazonpay?huge", "shop.example", "", "", 413, ""},
		"a forgery":                        {public, "POST", "/amazonpay?forged", "shop.example", "", "", 403, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := asked(c.method, c.target, c.host, c.origin, c.password, header, string(body))
			answer := httptest.NewRecorder()
			c.handler.ServeHTTP(answer, r)
			assert.Equal(t, c.status, answer.Code)
			assert.Contains(t, answer.Body.String(), c.contains)
			if c.status == 200 && c.method == "GET" {
				// Also River's: a page around them would have its visitors click Cancel.
				assert.Equal(t, "DENY", answer.Header().Get("X-Frame-Options"))
				assert.Equal(t, "nosniff", answer.Header().Get("X-Content-Type-Options"))
				assert.Contains(t, answer.Header().Get("Content-Security-Policy"), "frame-ancestors 'none'")
			}
			if c.status == 200 && c.target == "/" {
				policy := answer.Header().Get("Content-Security-Policy")
				assert.Contains(t, policy, "default-src 'none'")
				assert.NotContains(t, policy, "unsafe")
				assert.NotContains(t, answer.Body.String(), "<style")
			}
		})
	}
}

func TestWebAddress(t *testing.T) {
	for given, want := range map[string]struct {
		address string
		local   bool
	}{
		"8080":           {"127.0.0.1:8080", true},
		":8080":          {"127.0.0.1:8080", true},
		"localhost:1":    {"localhost:1", true},
		"[::1]:1":        {"[::1]:1", true},
		"0.0.0.0:80":     {"0.0.0.0:80", false},
		"192.0.2.1:8080": {"192.0.2.1:8080", false},
	} {
		address, local, err := webAddress(given)
		require.NoError(t, err)
		assert.Equal(t, want.address, address)
		assert.Equal(t, want.local, local, given)
	}
	s := &service{settings: settings{}}
	_, err := s.startWeb(t.Context(), options{http: "0.0.0.0:0"}, &amazonpay.Verifier{}, nil)
	assert.ErrorContains(t, err, "BILLING_PASSWORD")
}
