package main

import (
	"bytes"
	"crypto/rand"
	"html/template"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"

	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// flows are the ways to the bank's page that buyers have been given. The key in
// the address is all that opens it: the buyer's browser has been asked for the
// token before.
type flows struct {
	mu    sync.Mutex
	byKey map[string]flow
	keys  []string // in order of making
}

// flow is whose confirmation it is.
type flow struct {
	books *books
	id    string
}

// flowsKept is far more than there are buyers at a mock.
const flowsKept = 1000

// begin makes a key.
func (f *flows) begin(b *books, id string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.byKey == nil {
		f.byKey = make(map[string]flow)
	}
	key := rand.Text()
	f.byKey[key] = flow{b, id}
	if f.keys = append(f.keys, key); len(f.keys) > flowsKept {
		delete(f.byKey, f.keys[0])
		f.keys = f.keys[1:]
	}
	return key
}

func (f *flows) find(key string) (flow, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	found, ok := f.byKey[key]
	return found, ok
}

// awaits tells whether the buyer is still expected.
func (f flow) awaits() bool {
	snap := f.books.now().SnapshotOf(amazonpaytest.View{ID: f.id})
	return slices.ContainsFunc(snap.Agreements, func(a amazonpaytest.AgreementRecord) bool { return a.ID == f.id && a.Awaits }) ||
		slices.ContainsFunc(snap.Orders, func(o amazonpaytest.OrderRecord) bool { return o.ID == f.id && o.Awaits })
}

// confirmation is the bank's page, which asks always: a tester decides.
func (s *server) confirmation(w http.ResponseWriter, r *http.Request) {
	f, known := s.flows.find(r.PathValue("key"))
	if !known || !f.awaits() {
		servePage(w, http.StatusNotFound, "gone", nil)
		return
	}
	servePage(w, http.StatusOK, "bank", map[string]string{"ID": f.id})
}

// authenticate ends it, and sends the browser to the shop.
func (s *server) authenticate(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<12)
	f, known := s.flows.find(r.PathValue("key"))
	if !ownPage(r) {
		servePage(w, http.StatusForbidden, "gone", nil)
		return
	}
	if !known {
		servePage(w, http.StatusNotFound, "gone", nil)
		return
	}
	outcome, err := s.amazon.act(f.books, amazonpaytest.Act{Do: "Authenticate", ID: f.id, Status: r.PostFormValue("status")})
	if err != nil {
		servePage(w, http.StatusNotFound, "gone", nil)
		return
	}
	s.log.Info("confirmation", "reference", f.id, "status", r.PostFormValue("status"))
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, outcome.URL, http.StatusSeeOther)
}

// pages are those that stand alone in a window. No form-action is set: it would
// keep the browser from following the form's answer to the shop.
var pages = template.Must(template.New("pages").Parse(`{{define "head"}}<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/widgets/widgets.css">{{end}}
{{define "popup"}}{{template "head"}}<title>Signed in (a mock)</title>
<meta name="answer" content="{{.Answer}}" data-origin="{{.Origin}}"><script src="/widgets/popup.js" defer></script></head>
<body class="page"><main><h1>Amazon Pay mock</h1><p>This window may be closed.</p></main></body></html>
{{end}}
{{define "bank"}}{{template "head"}}<title>Your bank (a mock)</title></head>
<body class="page"><main><h1>Your bank asks: is it you?</h1>
<p>Confirmation of <b>{{.ID}}</b>. You decide how it ends.</p>
<form method="post">
<button class="main" name="status" value="Success">Succeed: it is me</button>
<button name="status" value="Failure">Fail: the bank refuses</button>
<button name="status" value="Abandoned">Abandon: go back to the shop</button>
</form><p class="quiet">Amazon Pay mock, no real payment. No bank is asked.</p></main></body></html>
{{end}}
{{define "strange"}}{{template "head"}}<title>Not signed in (a mock)</title></head>
<body class="page"><main><h1>Not signed in</h1><p>Another site has sent this form. Begin at the shop.</p>
<p class="quiet">Amazon Pay mock, no real payment.</p></main></body></html>
{{end}}
{{define "gone"}}{{template "head"}}<title>Nothing to confirm (a mock)</title></head>
<body class="page"><main><h1>Nothing to confirm</h1>
<p>Nothing awaits the buyer here: it has been answered, or it was not confirmed with SuccessUrl and FailureUrl in UK or EU.</p>
<p class="quiet">Amazon Pay mock, no real payment.</p></main></body></html>
{{end}}`))

// servePage sends one of the pages.
func servePage(w http.ResponseWriter, status int, name string, data any) {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name, data); err != nil { // cannot be: the data fit
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // who went away sees no page
}

func copyAnswer(w http.ResponseWriter, answer *httptest.ResponseRecorder) {
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes()) // who went away has asked again or not
}
