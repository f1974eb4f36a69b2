// Command widgets is a shop with sessions and an error page, to which
// amazonpay.go adds a subscription with Amazon Pay in forty lines:
//
//	go run ./cmd/amazonpay-mock -region UK &
//	AMAZONPAY_MOCK=http://127.0.0.1:8620 go run ./examples/widgets
//
// Without a mock it runs against Amazon's sandbox, with AMAZONPAY_SELLER_ID,
// AMAZONPAY_ACCESS_KEY, AMAZONPAY_SECRET_KEY, AMAZONPAY_LOGIN_CLIENT_ID and
// AMAZONPAY_REGION in the environment. examples/checkout is a whole shop.
package main

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"html/template"
	"log"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
	"github.com/amazonpay-go/amazonpay/lwa"
)

func main() {
	log.SetFlags(0)
	listener, err := net.Listen("tcp", cmp.Or(os.Getenv("ADDRESS"), "localhost:8710"))
	if err != nil {
		log.Fatal("widgets: ", err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	shop, err := newShop("http://localhost:"+port, os.Getenv)
	if err != nil {
		log.Fatal("widgets: ", err)
	}
	fmt.Println("The shop is open:", shop.url+"/basket")
	server := &http.Server{Handler: shop.handler, ReadHeaderTimeout: 5 * time.Second}
	log.Fatal("widgets: ", server.Serve(listener))
}

// site is the shop as it was before.
type site struct {
	url     string // its own
	handler http.Handler
	pay     *amazonpay.Client // which charges
	key     lwa.SecretKey     // 32 random bytes, the same on all machines

	sellerID, clientID string
	region             amazonpay.Region
	amazon             string // what is in Amazon's place, empty for Amazon

	mu       sync.Mutex
	sessions map[string]*session // by the cookie
}

func newShop(url string, getenv func(string) string) (*site, error) {
	region, err := amazonpay.ParseRegion(cmp.Or(getenv("AMAZONPAY_REGION"), "UK"))
	if err != nil {
		return nil, err
	}
	account := amazonpay.Config{
		SellerID: getenv("AMAZONPAY_SELLER_ID"), AccessKey: getenv("AMAZONPAY_ACCESS_KEY"), SecretKey: amazonpay.NewSecretKey(getenv("AMAZONPAY_SECRET_KEY")),
		Region: region, Environment: amazonpay.Sandbox, LoginClientID: getenv("AMAZONPAY_LOGIN_CLIENT_ID"),
	}
	if mock := getenv("AMAZONPAY_MOCK"); mock != "" { // whose account all fakes have
		fake := amazonpaytest.New(amazonpaytest.Settings{Region: region})
		account = fake.ConfigAt(mock)
		account.LoginClientID = fake.LoginClient().ID
	}
	s := &site{url: url, region: region, sellerID: account.SellerID, clientID: account.LoginClientID, amazon: account.BaseURL,
		key: lwa.NewSecretKey(rand.Text() + rand.Text()), sessions: map[string]*session{}}
	if s.pay, err = amazonpay.New(account); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	if err := s.addAmazonPay(mux); err != nil {
		return nil, err
	}
	s.handler = http.NewCrossOriginProtection().Handler(mux)
	return s, nil
}

// session is what the shop remembers of a browser that has signed in.
type session struct {
	mu     sync.Mutex
	values map[string]string
}

func (s *session) get(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.values[name]
}

func (s *session) set(name, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values[name] = value
}

func (s *session) csrf() string { return s.get("csrf") }

// session is that of the browser, or an empty one.
func (s *site) session(r *http.Request) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cookie, err := r.Cookie("session"); err == nil && s.sessions[cookie.Value] != nil {
		return s.sessions[cookie.Value]
	}
	return &session{values: map[string]string{}}
}

// begin makes a session with a new id, and goes on to a page.
func (s *site) begin(w http.ResponseWriter, r *http.Request, values map[string]string, next string) error {
	id := rand.Text()
	values["csrf"] = rand.Text()
	s.mu.Lock()
	s.sessions[id] = &session{values: values}
	s.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: "session", Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, next, http.StatusSeeOther)
	return nil
}

// layout is the frame of all pages.
func layout(head, main string) *template.Template {
	return template.Must(template.New("").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Tea, every month</title>` + head + `</head>
<body><h1>Tea, every month</h1>` + main + `</body></html>`))
}

var (
	sorry  = layout("", `<p id="sorry">That did not work. <a href="/basket">Back to the basket</a></p>`)
	thanks = layout("", `<p id="thanks">{{.}}</p>`)
)

// page shows an error page for an error.
func (s *site) page(show func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := show(w, r); err != nil {
			log.Print(r.Pattern, ": ", err)
			w.WriteHeader(http.StatusInternalServerError)
			_ = sorry.Execute(w, nil)
		}
	})
}

// charge takes the money of the first month. Each month is charged like this,
// and as often as one likes: see Charge.
func (s *site) charge(w http.ResponseWriter, r *http.Request) error {
	agreement := s.session(r).get("agreement")
	if agreement == "" {
		return errors.New("there is nothing to charge")
	}
	charge, err := s.pay.Charge(r.Context(), amazonpay.ChargeRequest{
		AmazonBillingAgreementID: amazonpay.BillingAgreementID(agreement),
		ReferenceID:              amazonpay.NewReferenceID("tea.example", agreement, "month 1", "try 1"),
		Amount:                   s.price(),
	})
	if err != nil {
		return err
	}
	return thanks.Execute(w, fmt.Sprint(charge.Outcome))
}

// price is that of a month.
func (s *site) price() amazonpay.Price {
	return map[amazonpay.Region]amazonpay.Price{
		amazonpay.RegionNA: amazonpay.MustPrice("24.00", amazonpay.CurrencyUSD),
		amazonpay.RegionUK: amazonpay.MustPrice("19.50", amazonpay.CurrencyGBP),
		amazonpay.RegionEU: amazonpay.MustPrice("22.50", amazonpay.CurrencyEUR),
		amazonpay.RegionJP: amazonpay.MustPrice("2900", amazonpay.CurrencyJPY),
	}[s.region]
}
