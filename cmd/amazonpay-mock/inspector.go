package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

//go:embed inspector
var inspectorFiles embed.FS

// inspector is the pages on which people see the books, and act as the buyer
// and as Amazon. They work without a script; the script keeps them up to date.
type inspector struct {
	*server
	pages map[string]*template.Template
	token string // that forms of ours bring along; no other site can read it

	mu   sync.Mutex
	told []note // the latest successes
}

// note is what a page says once after a form was sent: the address has its key
// only, so that nobody can send an address with words of his own.
type note struct{ key, text string }

// inspector makes the pages.
func (s *server) inspector() http.Handler {
	in := &inspector{server: s, pages: make(map[string]*template.Template), token: rand.Text()}
	for _, name := range []string{"overview", "list", "object", "problem"} {
		in.pages[name] = template.Must(template.New(name).Funcs(pageFuncs).
			ParseFS(inspectorFiles, "inspector/base.html", "inspector/part.html", "inspector/"+name+".html"))
	}
	files, err := fs.Sub(inspectorFiles, "inspector")
	if err != nil { // cannot be: the name is a good one
		panic(err)
	}
	assets := http.StripPrefix("/inspector/asset/", http.FileServerFS(files))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", in.overview)
	mux.HandleFunc("GET /inspector/{$}", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusSeeOther) })
	mux.HandleFunc("GET /inspector/list/{kind}", in.list)
	mux.HandleFunc("GET /inspector/objects/{id}", in.object)
	mux.HandleFunc("GET /inspector/find", in.find)
	for _, name := range []string{"inspector.css", "inspector.js", "icon.svg"} {
		mux.Handle("GET /inspector/asset/"+name, assets)
	}
	for path, do := range map[string]func(*http.Request, *books) (formResult, error){
		"act": in.doAct, "clock": in.doClock, "fault": in.doFault, "reset": in.doReset,
	} {
		mux.HandleFunc("POST /inspector/"+path, func(w http.ResponseWriter, r *http.Request) { in.post(w, r, do, mux) })
		mux.HandleFunc("GET /inspector/"+path, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusSeeOther) })
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		in.fail(w, r, &problem{http.StatusNotFound, "", "There is no such page."})
	})
	return in.guardedPages(mux)
}

// pagePolicy lets a page load what this server serves, and nothing else.
const pagePolicy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// guardedPages is guarded for people: a link on another site may lead to a page,
// but nothing of another site can post, embed or read one.
func (in *inspector) guardedPages(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", pagePolicy)
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Referrer-Policy", "same-origin")
		p := in.suspicion(r)
		link := (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
		if p != nil && !(p.field == "Sec-Fetch-Site" && link) {
			http.Error(w, p.Error(), p.status)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// formResult is what a form that succeeded leads to.
type formResult struct {
	told string // what has happened
	page string // where to go on; empty is back where the form was
}

// failure is a form that was refused. The page shows it again, with what was
// filled in.
type failure struct {
	Form           string
	Field, Message string
	Values         url.Values
}

type failureKey struct{}

const maxForm = 1 << 16

// post does what a form asks for, and leads back: by a redirect if it was done,
// so that a reload does not do it again; otherwise by the same page, which tells
// at the form what is wrong with it.
func (in *inspector) post(w http.ResponseWriter, r *http.Request, do func(*http.Request, *books) (formResult, error), pages http.Handler) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		in.fail(w, r, &problem{http.StatusBadRequest, "", "The form cannot be read."})
		return
	}
	if subtle.ConstantTimeCompare([]byte(r.PostForm.Get("csrf")), []byte(in.token)) != 1 {
		in.fail(w, r, &problem{http.StatusForbidden, "csrf", "The form is not one of this process: the page is older than its last start. Open it again."})
		return
	}
	back := localPage(r.PostForm.Get("back"))
	b, p := in.amazon.find(r.PostForm.Get("region"), r.PostForm.Get("environment"))
	if p != nil {
		in.fail(w, r, p)
		return
	}
	result, err := do(r, b)
	if err == nil {
		to := back
		if result.page != "" {
			to = localPage(result.page)
		}
		query := to.Query()
		query.Set("told", in.tell(result.told))
		to.RawQuery = query.Encode()
		http.Redirect(w, r, to.String(), http.StatusSeeOther)
		return
	}
	f := &failure{Form: r.PostForm.Get("form"), Message: err.Error(), Values: r.PostForm}
	if p, ok := errors.AsType[*problem](err); ok {
		f.Field, f.Message = p.field, p.message
	}
	again := r.Clone(context.WithValue(r.Context(), failureKey{}, f))
	again.Method, again.URL, again.RequestURI = http.MethodGet, back, back.RequestURI()
	pages.ServeHTTP(w, again)
}

// localPage is an address that leads to a page of ours; any other is the first
// page.
func localPage(address string) *url.URL {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Path != "/" && !strings.HasPrefix(u.Path, "/inspector/") {
		return &url.URL{Path: "/"}
	}
	query := u.Query()
	query.Del("told")
	return &url.URL{Path: u.Path, RawQuery: query.Encode(), Fragment: u.Fragment}
}

// tell remembers a note for the next page, and is its key.
func (in *inspector) tell(text string) string {
	in.mu.Lock()
	defer in.mu.Unlock()
	key := rand.Text()
	if len(in.told) >= 100 {
		in.told = in.told[1:]
	}
	in.told = append(in.told, note{key, text})
	return key
}

func (in *inspector) noteOf(key string) string {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, n := range in.told {
		if n.key == key {
			return n.text
		}
	}
	return ""
}

// render writes a page. One that shows a refused form is no success.
func (in *inspector) render(w http.ResponseWriter, name string, status int, p *sheet, data any) {
	var b bytes.Buffer
	if err := in.pages[name].ExecuteTemplate(&b, "base", map[string]any{"Page": p, "Data": data}); err != nil {
		in.log.Error("a page cannot be made", "page", name, "error", err)
		http.Error(w, "The page cannot be made.", http.StatusInternalServerError)
		return
	}
	if p.failed != nil && status == http.StatusOK {
		status = http.StatusUnprocessableEntity
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // who went away does not read it
}

func (in *inspector) fail(w http.ResponseWriter, r *http.Request, problem *problem) {
	p := in.page(r, in.amazon.home, "Not possible")
	in.render(w, "problem", problem.status, p, problem)
}

// sheet is what all pages have.
type sheet struct {
	Title        string
	Region       string
	Regions      []tab
	Environment  string
	Environments []tab
	Here         string // the address of the page
	Home         string // the address of the overview of these books
	Token        string
	Now          time.Time
	Manual       bool
	Told         string
	Lost         string // a refusal whose form is not on the page any more
	Unkept       bool   // what changes cannot be written any more

	query  string // that keeps region and environment
	failed *failure
	shown  bool // the failure's form is on the page
}

// tab leads to a region or an environment.
type tab struct {
	Name, Link string
	Current    bool
}

func (in *inspector) page(r *http.Request, b *books, title string) *sheet {
	p := &sheet{Title: title, Region: string(b.region), Environment: string(b.environment), Token: in.token, query: in.queryOf(b),
		Now: b.now().Now(), Manual: in.config.manual, Told: in.noteOf(r.URL.Query().Get("told")), Unkept: in.amazon.lost() != nil}
	p.Home = "/" + p.query
	for _, other := range in.amazon.all {
		if other.environment == b.environment {
			p.Regions = append(p.Regions, tab{string(other.region), "/" + in.queryOf(other), other == b})
		}
		if other.region == b.region {
			p.Environments = append(p.Environments, tab{string(other.environment), "/" + in.queryOf(other), other == b})
		}
	}
	p.Here = localPage(r.URL.RequestURI()).String()
	p.failed, _ = r.Context().Value(failureKey{}).(*failure)
	return p
}

// queryOf is the query of the pages about books; home's have none.
func (in *inspector) queryOf(b *books) string {
	query := make(url.Values)
	if b.region != in.amazon.home.region {
		query.Set("region", string(b.region))
	}
	if b.environment != in.amazon.home.environment {
		query.Set("environment", string(b.environment))
	}
	return strings.TrimSuffix("?"+query.Encode(), "?")
}

// Link is the address of an object's page, whatever the id consists of.
func (p *sheet) Link(id string) string { return "/inspector/objects/" + url.PathEscape(id) + p.query }

// List is the address of all objects of a kind.
func (p *sheet) List(kind string) string { return "/inspector/list/" + kind + p.query }

// finish tells a refusal whose form has gone, because the object has moved on.
func (p *sheet) finish() {
	if p.failed != nil && !p.shown {
		p.Lost = p.failed.Message
	}
}

// booksOfPage are those that the address names; if there are none, the answer
// has been given.
func (in *inspector) booksOfPage(w http.ResponseWriter, r *http.Request) *books {
	b, p := in.amazon.find(r.URL.Query().Get("region"), r.URL.Query().Get("environment"))
	if p != nil {
		in.fail(w, r, p)
		return nil
	}
	return b
}

// pager leads through a long list.
type pager struct {
	Page, Pages, Total int
	Prev, Next         string // addresses; empty if there is no such page
}

// pageOf reads which page of a list is wanted, and is its offset. A page behind
// the last is the last.
func pageOf(r *http.Request, total, size int) (pager, int) {
	p := pager{Page: 1, Pages: max(1, (total+size-1)/size), Total: total}
	if n, err := strconv.Atoi(r.URL.Query().Get("page")); err == nil && n > 1 {
		p.Page = min(n, p.Pages)
	}
	at := func(n int) string {
		u := localPage(r.URL.RequestURI())
		query := u.Query()
		query.Set("page", strconv.Itoa(n))
		return u.Path + "?" + query.Encode()
	}
	if p.Page > 1 {
		p.Prev = at(p.Page - 1)
	}
	if p.Page < p.Pages {
		p.Next = at(p.Page + 1)
	}
	return p, (p.Page - 1) * size
}

// find leads to the object with an id.
func (in *inspector) find(w http.ResponseWriter, r *http.Request) {
	b := in.booksOfPage(w, r)
	if b == nil {
		return
	}
	id := strings.TrimSpace(r.URL.Query().Get("id"))
	for _, other := range first(b, in.amazon.all...) {
		if id != "" && other.opened() != nil && rootOf(other.now().SnapshotOf(amazonpaytest.View{ID: id}), id) != "" {
			p := in.page(r, other, "")
			http.Redirect(w, r, p.Link(id), http.StatusSeeOther)
			return
		}
	}
	in.fail(w, r, &problem{http.StatusNotFound, "id", "Nothing has the id “" + id + "”."})
}

var pageFuncs = template.FuncMap{
	"when":  func(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04:05") },
	"day":   func(t time.Time) string { return t.UTC().Format("Mon 2 Jan 2006") },
	"hour":  func(t time.Time) string { return t.UTC().Format("15:04:05") },
	"stamp": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"tone":  tone,
	"state": func(s amazonpay.State) string { return string(s) },
	"words": words,
	"until": until,
	"args":  func(p *sheet, data any) map[string]any { return map[string]any{"Page": p, "Data": data} },
}

// tone is how a state looks. Its name is always written, too.
func tone(state any) string {
	text := ""
	switch s := state.(type) {
	case amazonpay.State:
		text = string(s)
	case string:
		text = s
	}
	switch text {
	case "Open", "Completed", amazonpaytest.ChargebackWon:
		return "good"
	case "Draft", "Pending", amazonpaytest.ChargebackReceived:
		return "wait"
	case "Suspended":
		return "warn"
	case "Declined", "Canceled", amazonpaytest.ChargebackLost:
		return "bad"
	}
	return "quiet"
}

// words breaks a name such as InvalidPaymentMethod where it may be read.
func words(name any) template.HTML {
	text, _ := name.(string)
	switch n := name.(type) {
	case amazonpay.Reason:
		text = string(n)
	case amazonpaytest.PaymentMethod:
		text = string(n)
	case amazonpaytest.FaultKind:
		text = string(n)
	}
	var b strings.Builder
	start := 0
	for i := 1; i < len(text); i++ {
		if text[i] >= 'A' && text[i] <= 'Z' && text[i-1] >= 'a' && text[i-1] <= 'z' {
			b.WriteString(template.HTMLEscapeString(text[start:i]) + "<wbr>")
			start = i
		}
	}
	b.WriteString(template.HTMLEscapeString(text[start:]))
	return template.HTML(b.String())
}

// until is how far a time is ahead, in words.
func until(now, at time.Time) string {
	d := at.Sub(now)
	switch {
	case d <= 0:
		return "now"
	case d < 2*time.Minute:
		return "in " + strconv.Itoa(int(d/time.Second)) + " s"
	case d < 2*time.Hour:
		return "in " + strconv.Itoa(int(d/time.Minute)) + " min"
	case d < 48*time.Hour:
		return "in " + strconv.Itoa(int(d/time.Hour)) + " h"
	}
	return "in " + strconv.Itoa(int(d/(24*time.Hour))) + " days"
}
