package main

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/lwa"
	"github.com/amazonpay-go/amazonpay/widgets"
)

// shopName is part of every reference id: it must never change.
const shopName = "secondflush.example"

// brand is how buyers know the shop.
const brand = "Second Flush"

// prices are what a month costs, by region.
var prices = map[amazonpay.Region]amazonpay.Price{
	amazonpay.RegionNA: amazonpay.MustPrice("24.00", amazonpay.CurrencyUSD),
	amazonpay.RegionUK: amazonpay.MustPrice("19.50", amazonpay.CurrencyGBP),
	amazonpay.RegionEU: amazonpay.MustPrice("22.50", amazonpay.CurrencyEUR),
	amazonpay.RegionJP: amazonpay.MustPrice("2900", amazonpay.CurrencyJPY),
}

// config is what a shop is made of.
type config struct {
	Amazon      amazonpay.Config // with a LoginClientID
	ScriptURL   string           // where Widgets.js comes from, if not from Amazon
	URL         string           // of the shop, as buyers and Amazon see it
	Key         []byte           // signs cookies and sign-ins, at least 32 random bytes
	Demo        bool             // with a button that renews at once
	Logger      *slog.Logger
	Now         func() time.Time
	LoginServer string // in place of Login with Amazon's servers, for a fake
}

// shop sells one thing: a tin of tea, every month.
type shop struct {
	url     string
	price   amazonpay.Price
	region  amazonpay.Region
	demo    bool
	pay     *amazonpay.Client
	login   *lwa.Client
	widgets *widgets.Shop
	inbox   amazonpay.MemoryInbox
	dunning amazonpay.Dunning
	store   *store
	key     lwa.SecretKey // of the state of a sign-in
	sealKey []byte        // of the session's cookie
	log     *slog.Logger
	now     func() time.Time
}

func newShop(c config) (*shop, error) {
	c.Amazon.Logger = c.Logger
	pay, err := amazonpay.New(c.Amazon)
	if err != nil {
		return nil, err
	}
	login, err := lwa.New(lwa.Config{
		ClientID: c.Amazon.LoginClientID, Region: c.Amazon.Region, Environment: c.Amazon.Environment,
		BaseURL: c.LoginServer, HTTPClient: c.Amazon.HTTPClient,
	})
	if err != nil {
		return nil, err
	}
	parts, err := widgets.New(widgets.Config{
		SellerID: c.Amazon.SellerID, ClientID: c.Amazon.LoginClientID, Region: c.Amazon.Region,
		Environment: c.Amazon.Environment, BaseURL: c.ScriptURL,
	})
	if err != nil {
		return nil, err
	}
	return &shop{
		url: strings.TrimSuffix(c.URL, "/"), price: prices[pay.Region()], region: pay.Region(), demo: c.Demo,
		pay: pay, login: login, widgets: parts, dunning: amazonpay.DefaultDunning(), store: newStore(),
		key: lwa.NewSecretKey("sign-in " + string(c.Key)), sealKey: append([]byte("session "), c.Key...),
		log: c.Logger, now: c.Now,
	}, nil
}

func (s *shop) https() bool { return strings.HasPrefix(s.url, "https:") }

// banked reports whether the buyer's bank may want to see the buyer: UK and EU.
func (s *shop) banked() bool { return s.region.ConfirmationFlow() }

// The pages that Amazon sends the buyer back to after the sign-in: Allowed
// Return URLs of the login client, both of them.
func (s *shop) returnToCheckout() string { return s.url + "/return/checkout" }
func (s *shop) returnToAccount() string  { return s.url + "/return/account" }

// handler is all of the shop.
func (s *shop) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", s.public(s.product))
	mux.Handle("GET /signin", s.public(s.signInPage))
	for _, way := range []string{"/return/checkout", "/return/account"} {
		mux.Handle("GET "+way, s.widgets.ReturnPage())
		mux.HandleFunc("POST "+way, s.signIn)
	}
	mux.Handle("POST /signout", s.form(s.signOut))

	mux.Handle("POST /orders", s.form(s.makeOrder))
	mux.Handle("GET /checkout/{order}", s.private(s.checkout))
	mux.Handle("POST /checkout/{order}/events", s.events(s.checkoutEvent))
	mux.Handle("POST /checkout/{order}/review", s.form(s.toReview))
	mux.Handle("GET /checkout/{order}/review", s.private(s.review))
	mux.Handle("GET /checkout/{order}/confirmed", s.private(s.confirmed))
	mux.Handle("GET /checkout/{order}/unconfirmed", s.private(s.confirmed))
	mux.Handle("GET /orders/{order}", s.private(s.thanks))

	mux.Handle("GET /account", s.private(s.account))
	mux.Handle("GET /account/payment", s.private(s.payment))
	mux.Handle("POST /account/payment/events", s.events(s.paymentEvent))
	mux.Handle("GET /account/payment/confirmed", s.private(s.paymentConfirmed))
	mux.Handle("GET /account/payment/unconfirmed", s.private(s.paymentConfirmed))
	mux.Handle("POST /account/renew", s.form(s.renew))
	mux.Handle("POST /account/retry", s.form(s.retry))
	mux.Handle("POST /account/check", s.form(s.check))
	mux.Handle("POST /account/cancel", s.form(s.cancel))

	mux.HandleFunc("GET /assets/{name}", s.asset)
	mux.HandleFunc("/", s.notFound)

	// Amazon's notifications come from a server and prove themselves. Everything
	// else that changes something must come from the shop's own pages.
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, errForged)
	}))
	all := http.NewServeMux()
	all.Handle("POST /amazonpay/notifications", s.pay.Notifications().Handler(s.notified))
	all.Handle("/", protection.Handler(mux))
	return s.logged(s.guarded(all))
}

// guarded sets the headers that every answer has. Pages with widgets need more
// and set a policy of their own.
func (s *shop) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("Cache-Control", "no-store") // what the back button shows is asked for again
		h.Set("Referrer-Policy", "strict-origin-when-cross-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin-allow-popups") // Amazon's window needs its opener
		if s.https() {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		r.Body = http.MaxBytesReader(w, r.Body, 1<<18)
		next.ServeHTTP(w, r)
	})
}

// logged writes a record per request: the route and never the address, which may
// have a token in it.
func (s *shop) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		status := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(status, r) // which tells the route in r
		s.log.LogAttrs(r.Context(), slog.LevelInfo, "request", slog.String("route", r.Pattern),
			slog.Int("status", status.status), slog.Duration("duration", time.Since(began)))
	})
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// path makes an address of the shop's own, with what is safe in it.
func path(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString("/" + url.PathEscape(p))
	}
	return b.String()
}
