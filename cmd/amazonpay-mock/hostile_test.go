package main

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

func readmeText(t *testing.T) string {
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	return string(text)
}

const (
	sandboxPath = "/OffAmazonPayments_Sandbox/2013-01-01"
	formType    = "application/x-www-form-urlencoded"
)

// Requests that no client of Amazon's sends.
func TestHostileRequests(t *testing.T) {
	p := begin(t)
	huge := strings.Repeat("a", maxBody+1)
	cases := []struct {
		name, method, path, body string
		status                   int
		code                     string
	}{
		{"a huge body", "POST", sandboxPath, huge, 413, ""},
		{"a huge body to the token endpoint", "POST", "/auth/o2/token", huge, 413, ""},
		{"a huge body to the control API", "POST", "/mock/acts", huge, 415, "Content-Type"},
		{"GET of the payment API", "GET", sandboxPath, "", 404, "InvalidAddress"},
		{"PUT of the payment API", "PUT", sandboxPath, "Action=Capture", 404, "InvalidAddress"},
		{"two slashes", "POST", "/" + sandboxPath, "Action=Capture", 404, "InvalidAddress"},
		{"a path with dots", "POST", "/x/.." + sandboxPath, "Action=Capture", 404, "InvalidAddress"},
		{"another version", "POST", "/OffAmazonPayments/2010-10-01", "Action=Capture", 404, "InvalidAddress"},
		{"no action", "POST", sandboxPath, "", 400, "InvalidParameterValue"},
		{"an action with a line break", "POST", sandboxPath, "Action=Capture%0a%0dX", 400, "InvalidParameterValue"},
		{"broken escapes", "POST", sandboxPath, "Action=%zz&%=%", 400, "InvalidParameterValue"},
		{"not UTF-8", "POST", sandboxPath, "Action=%ff%fe", 400, "InvalidParameterValue"},
		{"many parameters", "POST", sandboxPath, strings.Repeat("a=&", 100000), 400, "InvalidParameterValue"},
		{"a seller twice", "POST", sandboxPath, "SellerId=AFAKESELLER01&SellerId=AFAKESELLER01UK", 400, "InvalidParameterValue"},
		{"GET of the token endpoint", "GET", "/auth/o2/token", "", 400, "invalid_request"},
		{"tokeninfo without a token", "GET", "/auth/o2/tokeninfo", "", 400, "invalid_request"},
		{"an unknown token", "GET", "/user/profile?access_token=Atza%7Cx", "", 400, "invalid_token"},
		{"a made-up certificate", "GET", "/SimpleNotificationService-0000.pem", "", 404, ""},
		{"a path that climbs", "GET", "/mock/..%2f..%2fetc/passwd", "", 404, ""},
		{"the root", "GET", "/", "", 200, ""},
		{"a path that nothing is at", "GET", "/elsewhere", "", 404, ""},
		{"POST of health", "POST", "/healthz", "", 404, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			req, err := http.NewRequest(c.method, p.HTTP[0]+c.path, strings.NewReader(c.body))
			require.NoError(t, err)
			req.Header.Set("Content-Type", formType)
			resp, err := http.DefaultClient.Do(req)
			require.NoError(t, err)
			defer func() { _ = resp.Body.Close() }()
			text, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			assert.Equal(t, c.status, resp.StatusCode, string(text))
			assert.Contains(t, string(text), c.code)
		})
	}
	require.NoError(t, ping(p.client(amazonpay.RegionNA)), "it is well all the same")
}

// A client that sends a byte now and then is not waited for.
func TestSlowClients(t *testing.T) {
	p := begin(t, "-read-timeout", "150ms")
	for name, start := range map[string]string{
		"header": "POST " + sandboxPath + " HTTP/1.1\r\nHost: localhost\r\nX-",
		"body":   "POST " + sandboxPath + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: " + formType + "\r\nContent-Length: 1000\r\n\r\nAction=",
		"silent": "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", strings.TrimPrefix(p.HTTP[0], "http://"))
			require.NoError(t, err)
			defer func() { _ = conn.Close() }()
			_, err = io.WriteString(conn, start)
			require.NoError(t, err)
			require.NoError(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
			began := time.Now()
			_, err = io.Copy(io.Discard, bufio.NewReader(conn)) // up to the end of the connection
			assert.NotErrorIs(t, err, os.ErrDeadlineExceeded)
			assert.Less(t, time.Since(began), 5*time.Second)
		})
	}
}

// An answer may take longer than a request: it is the fault that was asked for.
func TestSlowAnswers(t *testing.T) {
	p := begin(t, "-read-timeout", "100ms")
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			config := p.config(amazonpay.RegionNA)
			if scheme == "http" {
				config.BaseURL = p.HTTP[0]
			}
			client, err := amazonpay.New(config)
			require.NoError(t, err)
			require.NoError(t, inject(p, `{"kind":"Slow","delay":"300ms"}`))
			before := len(get[[]callRecord](p, "/mock/calls"))
			require.NoError(t, ping(client))
			assert.Len(t, get[[]callRecord](p, "/mock/calls"), before+1, "at the first attempt")
			require.NoError(t, ping(client), "the connection is good for more")
		})
	}
}

// Nothing secret and nobody's name is in the log, wherever it is put.
func TestLog(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			p := begin(t, "-log", format, "-secret-key", "a-secret-key-of-the-test", "-login-secret", "a-login-secret-of-the-test")
			own := p.config(amazonpay.RegionNA)
			own.SecretKey = amazonpay.NewSecretKey("a-secret-key-of-the-test")
			client, err := amazonpay.New(own)
			require.NoError(t, err)
			outcome := p.act("", `{"do":"OpenBillingAgreement","buyer":{"Name":"Ada Example","Email":"ada@example.com"}}`)
			id := amazonpay.BillingAgreementID(outcome.ID)
			token := p.act("", `{"do":"AccessToken","id":"`+outcome.ID+`"}`).Token
			require.NotEmpty(t, token)
			require.NoError(t, p.charge(client, amazonpay.RegionNA, id, "period-7"))
			require.NoError(t, inject(p, `{"kind":"RequestLost","action":"GetServiceStatus"}`))
			require.NoError(t, ping(client), "the client asks again")
			for _, path := range []string{"/auth/o2/tokeninfo", "/user/profile?access_token=" + url.QueryEscape(token), "/ap/oa?client_id=a-secret-key-of-the-test"} {
				resp, err := http.Get(p.HTTP[0] + path)
				require.NoError(t, err)
				_ = resp.Body.Close()
			}
			body := form("Action", "a-secret-key-of-the-test", "SellerId", "AFAKESELLER01", "CaptureReferenceId", "a secret", "AccessToken", token)
			resp, err := http.Post(p.HTTP[0]+sandboxPath, formType, strings.NewReader(body))
			require.NoError(t, err)
			_ = resp.Body.Close()
			require.NoError(t, p.stop())

			text := p.stderr.String()
			for _, want := range []string{"AuthorizeOnBillingAgreement", "period-7", "profile", "InvalidParameterValue", "invalid_request"} {
				assert.Contains(t, text, want)
			}
			lost := map[string]string{"text": "action=GetServiceStatus status=0", "json": `"action":"GetServiceStatus","status":0`}[format]
			assert.Contains(t, text, lost, "a broken connection is a call, too")
			for _, secret := range []string{"a-secret-key", "a-login-secret", "Atza", "Ada", "ada@", "Signature", "a secret"} {
				assert.NotContains(t, text, secret)
				assert.NotContains(t, p.stdout.String(), secret)
			}
		})
	}
}

func inject(p *process, body string) error {
	if status, text := p.request("POST", "/mock/faults", body); status != http.StatusOK {
		return fmt.Errorf("%d %s", status, text)
	}
	return nil
}

// Every kind of fault reaches a client over a real connection, as what it is; and
// whatever it has left, the repeat charges once.
func TestFaultsOverTheWire(t *testing.T) {
	type outcome struct {
		delay  string
		status int    // that arrives; 0 is none
		err    string // of the connection
		moved  int
	}
	cases := map[amazonpaytest.FaultKind]outcome{
		amazonpaytest.RequestLost:       {"", 0, "EOF", 0},
		amazonpaytest.AnswerLost:        {"", 0, "EOF", 1},
		amazonpaytest.ServerError500:    {"", 500, "", 0},
		amazonpaytest.WorkDone500:       {"", 500, "", 1},
		amazonpaytest.BadGateway502HTML: {"", 502, "", 0},
		amazonpaytest.Unavailable503:    {"", 503, "", 0},
		amazonpaytest.GatewayTimeout504: {"", 504, "", 1},
		amazonpaytest.Throttled:         {"", 503, "", 0},
		amazonpaytest.Truncated:         {"", 200, "unexpected EOF", 1},
		amazonpaytest.EmptyAnswer:       {"", 200, "", 1},
		amazonpaytest.Redirected:        {"", 307, "", 0},
		amazonpaytest.ConnectionReset:   {"", 0, "connection reset by peer", 0},
		amazonpaytest.WorkDoneReset:     {"", 0, "connection reset by peer", 1},
		amazonpaytest.ClockSkew:         {"20m", 400, "", 0},
		amazonpaytest.Slow:              {"100ms", 200, "", 1},
	}
	p := begin(t, "-manual-clock", "-monthly-limit", "100000 USD")
	id := p.agree(amazonpay.RegionNA)
	for _, scheme := range []string{"http", "https"} {
		road := &eavesdropper{RoundTripper: p.asAmazon()}
		config := p.config(amazonpay.RegionNA)
		config.HTTPClient, config.Backoff = &http.Client{Transport: road}, amazonpay.Spacing()
		if scheme == "http" {
			config.BaseURL = "http://mws.amazonservices.com"
		}
		client, err := amazonpay.New(config)
		require.NoError(t, err)
		for _, kind := range amazonpaytest.FaultKinds() {
			t.Run(scheme+" "+string(kind), func(t *testing.T) {
				want, known := cases[kind]
				require.True(t, known)
				require.NoError(t, inject(p, fmt.Sprintf(`{"kind":%q,"action":"AuthorizeOnBillingAgreement","delay":%q}`, kind, want.delay)))
				before, began := len(get[[]movement](p, "/mock/ledger")), time.Now()
				reference := scheme + "-" + string(kind)
				err := p.charge(client, amazonpay.RegionNA, id, reference)
				assert.Equal(t, kind != amazonpaytest.Slow, err != nil)
				assert.Equal(t, want.status, road.status)
				if want.err == "" {
					assert.NoError(t, road.err)
				} else {
					assert.ErrorContains(t, road.err, want.err)
				}
				if kind == amazonpaytest.Slow {
					assert.GreaterOrEqual(t, time.Since(began), 100*time.Millisecond)
				}
				assert.Equal(t, "HTTP/1.1", cmp.Or(road.proto, "HTTP/1.1"), "a broken connection is not a broken stream")
				assert.Len(t, get[[]movement](p, "/mock/ledger"), before+want.moved)
				calls := get[[]callRecord](p, "/mock/calls?limit=1")
				assert.Equal(t, []any{kind, want.status}, []any{calls[0].Fault, calls[0].Status})
				require.NoError(t, p.charge(client, amazonpay.RegionNA, id, reference))
				assert.Len(t, get[[]movement](p, "/mock/ledger"), before+1, "charged once")
			})
		}
	}
}

// eavesdropper tells what came over the road.
type eavesdropper struct {
	http.RoundTripper
	status int
	proto  string
	err    error // also of reading the answer
}

// RoundTrip reads the answer ahead.
func (e *eavesdropper) RoundTrip(r *http.Request) (*http.Response, error) {
	e.status, e.proto = 0, ""
	resp, err := e.RoundTripper.RoundTrip(r)
	if e.err = err; err != nil {
		return nil, err
	}
	e.status, e.proto = resp.StatusCode, resp.Proto
	text, err := io.ReadAll(resp.Body)
	e.err = errors.Join(err, resp.Body.Close())
	resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(text), tail{err}))
	return resp, nil
}

// tail is the end of a body.
type tail struct{ err error }

// Read is the end.
func (f tail) Read([]byte) (int, error) { return 0, cmp.Or(f.err, io.EOF) }
