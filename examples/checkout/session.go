package main

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"strings"
	"time"
)

// sessionLife is how long a buyer stays signed in to the shop. The sign-in to
// Amazon, which the widgets need, is over much earlier.
const sessionLife = 12 * time.Hour

// session is a browser that has signed in. Visitors who have not signed in have
// none, so that robots fill no memory. All of it but the owner is behind the
// customer's lock.
type session struct {
	id       string
	customer *customer
	ends     time.Time
	csrf     string

	token      string    // Amazon's; empty when it is over. Never logged
	tokenUntil time.Time // as Amazon said, less what the widgets do not use
	notice     string    // shown once, on the next page
}

// left is what is left of the sign-in to Amazon; negative if nothing is.
func (s *session) left(now time.Time) time.Duration {
	if left := s.tokenUntil.Sub(now); s.token != "" && left > 0 {
		return left
	}
	return -1
}

func (s *session) forgetToken() { s.token, s.tokenUntil = "", time.Time{} }

// trusts reports whether a form was made for this session.
func (s *session) trusts(token string) bool {
	return s.csrf != "" && subtle.ConstantTimeCompare([]byte(token), []byte(s.csrf)) == 1
}

// cookieName has the prefix that keeps other hosts of the domain from setting
// the cookie; it needs https.
func (s *shop) cookieName() string {
	if s.https() {
		return "__Host-shop"
	}
	return "shop"
}

func (s *shop) sessionCookie(value string, life time.Duration) *http.Cookie {
	// Lax and not Strict: the buyer comes back from Amazon by a link.
	return &http.Cookie{
		Name: s.cookieName(), Value: value, Path: "/", MaxAge: int(life.Seconds()),
		Secure: s.https(), HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

// seal signs a session's id, so that nobody can try ids out at the store.
func (s *shop) seal(id string) string {
	mac := hmac.New(sha256.New, s.sealKey)
	mac.Write([]byte(id))
	return id + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// session is the one of the browser, or nil.
func (s *shop) session(r *http.Request) *session {
	cookie, err := r.Cookie(s.cookieName())
	if err != nil {
		return nil
	}
	id, _, _ := strings.Cut(cookie.Value, ".")
	if !hmac.Equal([]byte(cookie.Value), []byte(s.seal(id))) {
		return nil
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	found := s.store.sessions[id]
	if found == nil || !s.now().Before(found.ends) {
		return nil
	}
	return found
}

// begin makes a session with a new id: whoever knew the old one is out. If the
// same buyer had one, the forms in other tabs go on working. The customer is
// locked.
func (s *shop) begin(w http.ResponseWriter, r *http.Request, c *customer, token string, until time.Time) {
	now := s.now()
	fresh := &session{id: rand.Text(), customer: c, ends: now.Add(sessionLife), csrf: rand.Text(), token: token, tokenUntil: until}
	old := s.session(r)
	if old != nil && old.customer == c {
		fresh.csrf = old.csrf
	}
	s.store.mu.Lock()
	if old != nil {
		delete(s.store.sessions, old.id)
	}
	for id, other := range s.store.sessions {
		if !now.Before(other.ends) {
			delete(s.store.sessions, id)
		}
	}
	s.store.sessions[fresh.id] = fresh
	s.store.mu.Unlock()
	http.SetCookie(w, s.sessionCookie(s.seal(fresh.id), sessionLife))
}

// end signs the browser out, here and of the widgets.
func (s *shop) end(w http.ResponseWriter, old *session) {
	s.store.mu.Lock()
	delete(s.store.sessions, old.id)
	s.store.mu.Unlock()
	http.SetCookie(w, s.sessionCookie("", -time.Second))
	for _, name := range []string{"amazon_Login_accessToken", "amazon_Login_state_cache", "aws-session-id"} { // all that Amazon's script keeps
		http.SetCookie(w, &http.Cookie{Name: name, Path: "/", MaxAge: -1, Secure: s.https(), SameSite: http.SameSiteLaxMode})
	}
}
