package widgets

import (
	"net/http"
	"net/url"
	"strings"
)

// ReturnPage answers a GET of a [Button]'s ReturnURL. Amazon's window brings the
// token in the query, its redirect in the fragment, which no server sees, and a
// refusal in the query: the page's script takes either out of the address and
// posts it to the same path, where [ParseReturn] reads it. So there is one way
// in, and it needs a handler for each method:
//
//	mux.Handle("GET /return", shop.ReturnPage())
//	mux.HandleFunc("POST /return", signIn)
//
// The POST comes with the shop's own Origin and without a CSRF token: the state
// in it is one. Exempt the path from middleware that wants another.
func (s *Shop) ReturnPage() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "the page is for GET", http.StatusMethodNotAllowed)
			return
		}
		once := nonce()
		view := View{Policy: Policy{
			"default-src": {"'none'"}, "script-src": {"'nonce-" + once + "'"}, "form-action": {"'self'"},
			"base-uri": {"'none'"}, "frame-ancestors": {"'none'"},
		}}
		view.Protect(w.Header())
		// The address may have a token in it. With no-referrer it would stay here,
		// too, but browsers would send the POST with "Origin: null", as from a stranger.
		w.Header().Set("Referrer-Policy", "same-origin")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = parts.ExecuteTemplate(w, "return", map[string]any{
			"Nonce": once, "Glue": returnScript, "NoScript": english[ErrNoScript],
		})
	})
}

// maxDelivered bounds what the return page may post, in bytes: a token of 2 KiB,
// encoded three times, and its company.
const maxDelivered = 32 << 10

// ParseReturn reads what [Shop.ReturnPage] has posted: the query or the fragment
// that Amazon sent the buyer back with, undecoded, as SignIn of an lwa.Client takes it.
// The error is a [*RequestError] with the status to answer with.
//
// What it returns is no proof of anything: anybody can write an address. SignIn
// of an lwa.Client checks the state, and asks Amazon whose the token is and that
// it was issued to your client id. A buyer who pressed Cancel is its error
// lwa.ErrAccessDenied. Answer with a redirect, so that a reload posts nothing.
func ParseReturn(r *http.Request) (string, error) {
	if err := ours(r, "application/x-www-form-urlencoded"); err != nil {
		return "", err
	}
	body, err := whole(r, maxDelivered)
	if err != nil {
		return "", err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || len(form) != 1 || len(form["delivered"]) != 1 || form.Get("delivered") == "" {
		return "", &RequestError{http.StatusBadRequest, "nothing came back from Amazon"}
	}
	return form.Get("delivered"), nil
}

// TokenCookie is the cookie in which the widgets look for the buyer's access
// token. Set it when the token has been checked, and before the page with the
// widgets: after the redirect it is not there, and after the window it is
// Amazon's own. The widgets' script reads it, so it cannot be HttpOnly. It lives
// for [SessionLife]. ReturnURL tells whether the shop has https.
func TokenCookie(accessToken, returnURL string) *http.Cookie {
	return &http.Cookie{
		Name: "amazon_Login_accessToken", Value: accessToken, Path: "/", MaxAge: int(SessionLife.Seconds()),
		Secure: !strings.HasPrefix(strings.ToLower(returnURL), "http:"), SameSite: http.SameSiteLaxMode,
	}
}

// AuthenticationStatus is what the browser says about the buyer's authentication
// at the bank, after Amazon's confirmation flow. It is no proof: nobody signs
// it, and a buyer can type it. It tells which page to show; whether anything is
// confirmed, tells the API alone: GetBillingAgreementDetails or
// GetOrderReferenceDetails, whose state must be Open.
//
// Open is no proof that the bank was asked. The confirmation makes the object
// Open, and no source says that it is anything else while the bank's page waits:
// a buyer who types Success instead of going there is charged without strong
// authentication. It is the buyer's own money, and the bank may decline the charge.
type AuthenticationStatus string

// The statuses, and what to do after asking the API.
const (
	AuthenticationSuccess   AuthenticationStatus = "Success"   // or so the buyer says. If the object is Open: charge
	AuthenticationFailure   AuthenticationStatus = "Failure"   // the bank refused: cancel, and back to the basket
	AuthenticationAbandoned AuthenticationStatus = "Abandoned" // not finished: let the buyer confirm the same object again
	AuthenticationMissing   AuthenticationStatus = ""          // none, several or an unknown one came back: treat it like Abandoned
)

// ClaimedAuthentication reads the AuthenticationStatus that Amazon has added to
// the SuccessURL or FailureURL of ConfirmBillingAgreement or
// ConfirmOrderReference. A claim is no proof, not even with the state Open: see
// [AuthenticationStatus].
func ClaimedAuthentication(r *http.Request) AuthenticationStatus {
	values := r.URL.Query()["AuthenticationStatus"]
	if len(values) != 1 {
		return AuthenticationMissing
	}
	switch status := AuthenticationStatus(values[0]); status {
	case AuthenticationSuccess, AuthenticationFailure, AuthenticationAbandoned:
		return status
	}
	return AuthenticationMissing
}
