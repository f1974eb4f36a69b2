package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/amazonpay-go/amazonpay/lwa"
	"github.com/amazonpay-go/amazonpay/widgets"
)

// notes are what a visitor without a session can be told, by name: the address
// brings a name, and never a text.
var notes = map[string]string{
	"denied":  "You left Amazon before signing in. Nothing has happened: you can start again whenever you like.",
	"state":   "That took a while, or was begun in another browser. Please sign in once more.",
	"token":   "Amazon did not confirm the sign-in. Please try once more.",
	"session": "Your sign-in with Amazon has ended; it lasts 55 minutes. Sign in again to go on where you were.",
}

// button is one that signs the buyer in. It sends the whole page to Amazon:
// pop-ups do badly on telephones, and everything works without one.
func (s *shop) button(r *http.Request, w http.ResponseWriter, returnURL string) (*widgets.Button, error) {
	state, err := lwa.IssueState(s.key, lwa.StateCookie(r, returnURL), s.now())
	if err != nil {
		return nil, err
	}
	lwa.SetCookie(w, state, returnURL)
	b := &widgets.Button{
		ReturnURL: returnURL, State: state.Value, Redirect: true, Color: widgets.ColorGold, Size: widgets.SizeLarge,
		Scopes: []string{string(lwa.ScopeProfile), string(lwa.ScopeWidget), string(lwa.ScopeShippingAddress)},
	}
	if s.banked() {
		b.Language = widgets.LanguageEnglish
	}
	return b, nil
}

type productPage struct {
	Region     string
	Subscribed bool // has one already
	Ready      bool // is signed in to Amazon, too: may go on
	Note       string
}

func (s *shop) product(r *http.Request, v visitor) (*reply, error) {
	d := productPage{Region: string(s.region), Note: notes[r.URL.Query().Get("note")]}
	if v.session != nil {
		d.Subscribed, d.Ready = v.customer.running() != nil, v.left(s.now()) > 0
	}
	answer := &reply{template: "product", title: "A tin of tea, every month", data: struct {
		productPage
		Price any
	}{d, s.price}}
	if d.Subscribed || d.Ready {
		return answer, nil
	}
	button, err := s.button(r, v.w, s.returnToCheckout())
	if err != nil {
		return nil, err
	}
	answer.view, err = s.widgets.Render(widgets.Page{Pay: button})
	return answer, err
}

func (s *shop) signInPage(r *http.Request, v visitor) (*reply, error) {
	button, err := s.button(r, v.w, s.returnToAccount())
	if err != nil {
		return nil, err
	}
	answer := &reply{template: "signin", title: "Sign in", data: notes[r.URL.Query().Get("note")]}
	answer.view, err = s.widgets.Render(widgets.Page{Login: button})
	return answer, err
}

// signIn takes what the browser brought from Amazon. Nothing of it is believed:
// the state must be ours and this browser's, and Amazon must say whose the token
// is and that it was issued to this shop.
func (s *shop) signIn(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	returnURL, start := s.returnToCheckout(), "/"
	if strings.HasSuffix(r.URL.Path, "/account") {
		returnURL, start = s.returnToAccount(), "/signin"
	}
	delivered, err := widgets.ParseReturn(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	token, profile, err := s.login.SignIn(ctx, s.key, delivered, lwa.StateCookie(r, returnURL), s.now())
	var code lwa.ErrorCode
	failed, ok := errors.AsType[*lwa.Error](err)
	_, impossible := errors.AsType[*lwa.InvalidError](err)
	if ok {
		code = failed.Code
		s.log.LogAttrs(ctx, slog.LevelWarn, "sign-in refused", slog.String("step", failed.Op), slog.String("code", string(code)))
	}
	switch {
	case err == nil:
	case code == lwa.ErrAccessDenied:
		http.Redirect(w, r, start+"?note=denied", http.StatusSeeOther)
		return
	case code == lwa.ErrStateInvalid || code == lwa.ErrStateExpired:
		http.Redirect(w, r, start+"?note=state", http.StatusSeeOther)
		return
	case impossible || ok && failed.StatusCode/100 != 5 && failed.Unwrap() == nil:
		http.Redirect(w, r, start+"?note=token", http.StatusSeeOther)
		return
	default:
		s.fail(w, r, err)
		return
	}
	c := s.store.customer(profile.UserID)
	if c.lock(ctx) != nil {
		s.fail(w, r, errBusy)
		return
	}
	defer c.unlock()
	c.name = profile.Name
	// The widgets do not use the last minutes of the token's hour.
	s.begin(w, r, c, token.AccessToken, token.Expiry.Add(lwa.WorkingLife-lwa.TokenLife))
	http.SetCookie(w, widgets.TokenCookie(token.AccessToken, returnURL))
	next := "/account"
	if start == "/" && c.running() == nil {
		next = path("checkout", c.openOrder(s.price, s.now()).id)
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}

func (s *shop) signOut(_ *http.Request, v visitor) (*reply, error) {
	s.end(v.w, v.session)
	return to("/"), nil
}
