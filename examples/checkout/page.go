package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/lwa"
	"github.com/amazonpay-go/amazonpay/widgets"
)

// visitor is who is at the other end: a browser that has signed in, or one that
// has not, which has neither session nor customer.
type visitor struct {
	*session
	w http.ResponseWriter // for cookies
}

// page answers a request. It does not write: what it returns is written when the
// customer's lock is free again.
type page func(r *http.Request, v visitor) (*reply, error)

// reply is a page, or the way to another one.
type reply struct {
	redirect string // a path of the shop's own: after a POST always, so that a reload posts nothing
	template string
	title    string
	status   int // 0 is 200
	data     any
	view     *widgets.View // nil on a page without widgets
}

func to(path string) *reply { return &reply{redirect: path} }

// refusal is an error that the buyer reads.
type refusal struct {
	status      int
	title, text string
}

func (e *refusal) Error() string { return e.title }

var (
	errForged = &refusal{http.StatusForbidden, "This page was out of date",
		"The form was made for another visit, so we did nothing. Open the page again and repeat what you wanted to do."}
	errMissing = &refusal{http.StatusNotFound, "There is nothing here",
		"The page does not exist, or it belongs to somebody else’s order."}
	errBusy = &refusal{http.StatusServiceUnavailable, "One moment, please",
		"We are still working on what you asked for before. Nothing is done twice: wait a few seconds and reload the page."}
	errAmazon = &refusal{http.StatusBadGateway, "Amazon Pay did not answer",
		"We could not reach Amazon Pay just now. Nothing is charged twice: wait a minute and reload the page."}
	errOurs = &refusal{http.StatusInternalServerError, "Something broke on our side",
		"We have written it down and will look at it. Nothing is charged twice: you can go back and try again."}
)

// public is a page for everybody.
func (s *shop) public(p page) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.serve(w, r, visitor{s.session(r), w}, p)
	})
}

// private is a page for customers; others are asked to sign in.
func (s *shop) private(p page) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		found := s.session(r)
		if found == nil {
			http.Redirect(w, r, "/signin", http.StatusSeeOther)
			return
		}
		s.serve(w, r, visitor{found, w}, p)
	})
}

// form is private, and does something: only what comes from our own page may.
func (s *shop) form(p page) http.Handler {
	return s.private(func(r *http.Request, v visitor) (*reply, error) {
		if err := r.ParseForm(); err != nil || len(r.PostForm["csrf"]) != 1 || !v.trusts(r.PostForm.Get("csrf")) {
			return nil, errForged
		}
		return p(r, v)
	})
}

// patience bounds what a page waits for Amazon. A charge that is not decided by
// then goes on behind the page; Amazon takes 8 seconds for a decision.
const patience = 25 * time.Second

// serve runs a page behind the customer's lock. Closing the browser does not
// stop what has begun.
func (s *shop) serve(w http.ResponseWriter, r *http.Request, v visitor, p page) {
	body, answer, err := s.run(r, v, p)
	switch {
	case err != nil:
		s.fail(w, r, err)
	case answer.redirect != "":
		http.Redirect(w, r, answer.redirect, http.StatusSeeOther)
	default:
		if answer.view != nil {
			answer.view.Protect(w.Header())
		}
		s.write(w, cmp.Or(answer.status, http.StatusOK), body)
	}
}

func (s *shop) run(r *http.Request, v visitor, p page) ([]byte, *reply, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), patience)
	defer cancel()
	if v.session != nil {
		if v.customer.lock(waiting(r.Context(), ctx)) != nil {
			return nil, nil, errBusy
		}
		defer v.customer.unlock()
	}
	answer, err := p(r.WithContext(ctx), v)
	if err != nil || answer.redirect != "" {
		return nil, answer, err
	}
	body, err := s.render(v.session, answer)
	return body, answer, err
}

// waiting ends with the time of the page, or when the browser has gone.
func waiting(browser, page context.Context) context.Context {
	ctx, cancel := context.WithCancel(page)
	context.AfterFunc(browser, cancel)
	return ctx
}

//go:embed templates
var files embed.FS

var templates = func() map[string]*template.Template {
	base := template.Must(template.New("").Funcs(template.FuncMap{
		"money": money, "day": day, "asset": assetPath,
	}).ParseFS(files, "templates/base.html"))
	all := make(map[string]*template.Template)
	for _, name := range []string{"product", "signin", "checkout", "review", "thanks", "account", "payment", "error"} {
		all[name] = template.Must(template.Must(base.Clone()).ParseFS(files, "templates/"+name+".html"))
	}
	return all
}()

// frame is what all pages have.
type frame struct {
	Title, Brand, CSRF, Notice string
	SignedIn, Demo             bool
	View                       *widgets.View
	Data                       any
}

func (s *shop) render(found *session, answer *reply) ([]byte, error) {
	f := frame{Title: answer.title, Brand: brand, Demo: s.demo, View: answer.view, Data: answer.data}
	if found != nil {
		f.SignedIn, f.CSRF, f.Notice = true, found.csrf, found.notice
		found.notice = ""
	}
	var body bytes.Buffer
	err := templates[answer.template].ExecuteTemplate(&body, "base.html", f)
	return body.Bytes(), err
}

func (s *shop) write(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// plain is the error in the buyer's words. The rest of it is for the log.
func (s *shop) plain(ctx context.Context, err error) *refusal {
	if told, ok := errors.AsType[*refusal](err); ok {
		return told
	}
	if wrong, ok := errors.AsType[*widgets.RequestError](err); ok {
		return &refusal{wrong.StatusCode, errForged.title, errForged.text}
	}
	s.log.LogAttrs(ctx, slog.LevelError, "request failed", slog.Any("error", err))
	_, amazon := errors.AsType[*amazonpay.Error](err)
	_, unknown := errors.AsType[*amazonpay.OutcomeUnknownError](err)
	_, login := errors.AsType[*lwa.Error](err)
	if amazon || unknown || login || errors.Is(err, context.DeadlineExceeded) {
		return errAmazon
	}
	return errOurs
}

// fail shows an error page.
func (s *shop) fail(w http.ResponseWriter, r *http.Request, err error) {
	told := s.plain(r.Context(), err)
	f := frame{Title: told.title, Brand: brand, Demo: s.demo, Data: told.text}
	if found := s.session(r); found != nil { // whose lock we do not have: no more than what never changes
		f.SignedIn, f.CSRF = true, found.csrf
	}
	var page bytes.Buffer
	err = templates["error"].ExecuteTemplate(&page, "base.html", f)
	if err != nil {
		http.Error(w, told.text, told.status)
		return
	}
	s.write(w, told.status, page.Bytes())
}

func (s *shop) notFound(w http.ResponseWriter, r *http.Request) {
	s.fail(w, r, errMissing)
}

// answer is what an event gets back, for the script of the page.
type answer struct {
	Missing []string `json:"missing"` // "address", "payment", "consent"
	Error   string   `json:"error,omitempty"`
}

// events is private, and reads what the widgets post.
func (s *shop) events(work func(ctx context.Context, r *http.Request, v visitor, e *widgets.Event) (*answer, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		found := s.session(r)
		if found == nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), patience)
		defer cancel()
		if found.customer.lock(waiting(r.Context(), ctx)) != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		result, err := func() (*answer, error) {
			defer found.customer.unlock()
			e, err := widgets.ParseEvent(r, found.csrf)
			if err != nil {
				return nil, err
			}
			return work(ctx, r, visitor{found, w}, e)
		}()
		if err != nil {
			told := s.plain(ctx, err)
			w.WriteHeader(told.status)
			result = &answer{Error: told.title}
		}
		_ = json.NewEncoder(w).Encode(result)
	})
}

// assets are the style sheet and the script, under names that change with them,
// so that browsers may keep them for ever.
var assets, assetNames = func() (map[string][]byte, map[string]string) {
	texts, names := make(map[string][]byte), make(map[string]string)
	for _, name := range []string{"shop.css", "shop.js", "icon.svg"} {
		text, err := files.ReadFile("templates/" + name)
		if err != nil {
			panic(err) // embedded
		}
		sum := sha256.Sum256(text)
		stem, kind, _ := strings.Cut(name, ".")
		names[name] = stem + "-" + hex.EncodeToString(sum[:6]) + "." + kind
		texts[names[name]] = text
	}
	return texts, names
}()

func assetPath(name string) string { return "/assets/" + assetNames[name] }

func (s *shop) asset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	text, known := assets[name]
	if !known {
		s.fail(w, r, errMissing)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(text))
}

var symbols = map[amazonpay.Currency]string{
	amazonpay.CurrencyUSD: "$", amazonpay.CurrencyGBP: "£", amazonpay.CurrencyEUR: "€", amazonpay.CurrencyJPY: "¥",
}

func money(p amazonpay.Price) string { return symbols[p.Currency()] + p.Amount() }

func day(t time.Time) string { return t.Format("2 January 2006") }
