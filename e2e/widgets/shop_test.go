package widgets_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/e2e/browser"
)

var programs string // the folder of the mock and of examples/widgets, built once

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if browser.Path() == "" {
		return m.Run() // all are skipped
	}
	dir, err := os.MkdirTemp("", "amazonpay-e2e-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	programs = dir
	if out, err := exec.Command("go", "build", "-o", dir, "github.com/amazonpay-go/amazonpay/cmd/amazonpay-mock",
		"github.com/amazonpay-go/amazonpay/examples/widgets").CombinedOutput(); err != nil {
		panic(fmt.Sprintf("the programs cannot be built: %v\n%s", err, out))
	}
	return browser.Run(m)
}

// mock is a process of its own.
type mock struct {
	t           *testing.T
	HTTP, HTTPS []string
	AccessKey   string
}

const secretKey = "not-a-secret-key-of-anybody/0123456789+="

func startMock(t *testing.T, args ...string) *mock {
	t.Helper()
	if browser.Path() == "" {
		browser.Open(t, browser.Screen{}) // skips, and says why
	}
	ready := filepath.Join(t.TempDir(), "ready.json")
	cmd := exec.Command(filepath.Join(programs, "amazonpay-mock"), append([]string{"-http", "127.0.0.1:0", "-https", "127.0.0.1:0", "-quiet", "-ready-file", ready}, args...)...)
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		require.NoError(t, cmd.Wait())
	})
	m := &mock{t: t}
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(ready)
		return err == nil && json.Unmarshal(text, m) == nil
	}, 20*time.Second, 5*time.Millisecond)
	return m
}

// steer posts to the control API and reads the answer.
func (m *mock) steer(path, body string) map[string]any {
	m.t.Helper()
	resp, err := http.Post(m.HTTP[0]+"/mock/"+path, "application/json", strings.NewReader(body))
	require.NoError(m.t, err)
	defer func() { _ = resp.Body.Close() }()
	var answer map[string]any
	require.NoError(m.t, json.NewDecoder(resp.Body).Decode(&answer))
	require.Equal(m.t, http.StatusOK, resp.StatusCode, answer)
	return answer
}

// place is what a shop is told of a region.
type place struct {
	region         amazonpay.Region
	script         string // path of Widgets.js
	seller, client string
	amount         string
}

const client = "amzn1.application-oa2-client.fa4e00000000000000000000000000a1"

var (
	us = place{amazonpay.RegionNA, "/OffAmazonPayments/us/sandbox/js/Widgets.js", "AFAKESELLER01", client, "19.90 USD"}
	uk = place{amazonpay.RegionUK, "/OffAmazonPayments/gbp/sandbox/lpa/js/Widgets.js", "AFAKESELLER01UK", client + ".uk", "19.90 GBP"}
	eu = place{amazonpay.RegionEU, "/OffAmazonPayments/eur/sandbox/lpa/js/Widgets.js", "AFAKESELLER01EU", client + ".eu", "19.90 EUR"}
	jp = place{amazonpay.RegionJP, "/OffAmazonPayments/jp/sandbox/lpa/js/Widgets.js", "AFAKESELLER01JP", client + ".jp", "1990 JPY"}
)

// shop is a merchant's site, on an origin of its own, that allows its pages
// nothing but the mock's scripts and frames.
type shop struct {
	place
	t      *testing.T
	mock   *mock
	client *amazonpay.Client
	url    string

	// What the page is told.
	Mode, Agreement, Display, Design, Scope, Query string
	Login                                          string // client id; empty is the region's
	Base                                           string // where the scripts are; empty is the mock's address
}

const scopes = "profile postal_code payments:widget payments:shipping_address"

func openShop(t *testing.T, m *mock, p place) *shop {
	t.Helper()
	s := &shop{place: p, t: t, mock: m, Scope: scopes}
	var err error
	s.client, err = amazonpay.New(amazonpay.Config{
		SellerID: p.seller, AccessKey: m.AccessKey, SecretKey: amazonpay.NewSecretKey(secretKey),
		Region: p.region, Environment: amazonpay.Sandbox, BaseURL: m.HTTP[0],
	})
	require.NoError(t, err)
	mux := http.NewServeMux()
	for path, page := range map[string]string{"/{$}": "button", "/checkout": "checkout", "/landing": "landing"} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) { s.page(w, page) })
	}
	for _, name := range []string{"shop.js", "shop.css"} {
		mux.HandleFunc("GET /"+name, func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "testdata/"+name) })
	}
	mux.HandleFunc("POST /details", s.details)
	mux.HandleFunc("POST /confirm", s.confirm)
	mux.HandleFunc("GET /done", s.done)
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s.url = strings.Replace(server.URL, "127.0.0.1", "localhost", 1) // another site than the mock's
	return s
}

var pageTemplate = template.Must(template.ParseFiles("testdata/page.html"))

func (s *shop) page(w http.ResponseWriter, page string) {
	base := cmp.Or(s.Base, s.mock.HTTP[0])
	w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self' "+base+"; style-src 'self'; frame-src "+base+
		"; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	login := cmp.Or(s.Login, s.place.client)
	data := map[string]string{"Page": page, "Seller": s.seller, "Client": login, "Mode": s.Mode, "Agreement": s.Agreement,
		"Display": s.Display, "Design": s.Design, "Scope": s.Scope, "Script": base + s.script + "?sellerId=" + s.seller + s.Query}
	if err := pageTemplate.Execute(w, data); err != nil {
		s.t.Error(err)
	}
}

// details are the constraints, and the address as far as it may be seen.
func (s *shop) details(w http.ResponseWriter, r *http.Request) {
	b, err := s.client.GetBillingAgreementDetails(r.Context(), amazonpay.GetBillingAgreementDetailsRequest{
		AmazonBillingAgreementID: amazonpay.BillingAgreementID(r.FormValue("id"))})
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	var ids []string
	for _, c := range b.Constraints {
		ids = append(ids, string(c.ConstraintID))
	}
	_, _ = fmt.Fprint(w, b.Destination.PhysicalDestination.City, " ", ids)
}

func (s *shop) confirm(w http.ResponseWriter, r *http.Request) {
	id := amazonpay.BillingAgreementID(r.FormValue("id"))
	req := amazonpay.ConfirmBillingAgreementRequest{AmazonBillingAgreementID: id}
	if r.FormValue("sca") != "" {
		req.SuccessURL = s.url + "/done?agreement=" + string(id)
		req.FailureURL = s.url + "/done?failed=yes&agreement=" + string(id)
	}
	if err := s.client.ConfirmBillingAgreement(r.Context(), req); err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	if r.FormValue("sca") != "" {
		return
	}
	_, _ = fmt.Fprint(w, s.charge(r.Context(), id))
}

// done is where the bank's page leads.
func (s *shop) done(w http.ResponseWriter, r *http.Request) {
	q, text := r.URL.Query(), ""
	if q.Get("AuthenticationStatus") == "Success" {
		text = s.charge(r.Context(), amazonpay.BillingAgreementID(q.Get("agreement")))
	} else {
		b, err := s.client.GetBillingAgreementDetails(r.Context(), amazonpay.GetBillingAgreementDetailsRequest{
			AmazonBillingAgreementID: amazonpay.BillingAgreementID(q.Get("agreement"))})
		if err != nil {
			text = err.Error()
		} else {
			text = string(b.BillingAgreementStatus.State)
		}
	}
	w.Header().Set("Content-Type", "text/html")
	_, _ = fmt.Fprintf(w, `<!DOCTYPE html><title>Done</title><p id="result">%s %s: %s</p>`,
		template.HTMLEscapeString(q.Get("failed")), template.HTMLEscapeString(q.Get("AuthenticationStatus")), template.HTMLEscapeString(text))
}

func (s *shop) charge(ctx context.Context, id amazonpay.BillingAgreementID) string {
	var amount amazonpay.Price
	if err := amount.UnmarshalText([]byte(s.amount)); err != nil {
		return err.Error()
	}
	result, err := s.client.AuthorizeOnBillingAgreement(ctx, amazonpay.AuthorizeOnBillingAgreementRequest{
		AmazonBillingAgreementID: id, AuthorizationReferenceID: "first", AuthorizationAmount: amount,
		TransactionTimeout: new(0), CaptureNow: true})
	if err != nil {
		return err.Error()
	}
	status := result.AuthorizationStatus
	return fmt.Sprintf("charged %s: %s %s", amount, status.State, status.ReasonCode)
}
