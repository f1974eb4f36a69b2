package shop_test

import (
	"strings"
	"testing"

	"github.com/amazonpay-go/amazonpay/e2e/browser"
)

// TestPages looks at every page, on a desk, on a phone and in the dark.
func TestPages(t *testing.T) {
	for name, screen := range map[string]browser.Screen{
		"1280": desk, "390": phone, "dark": {Width: 1280, Height: 900, Dark: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openShop(t, "UK")
			v := s.visit(t, screen)
			v.Expect("404") // a page that is not there
			look := func(page string) {
				t.Helper()
				v.look(page + "-" + name)
			}
			look("product")
			v.Click("#nav-signin")
			v.at("/signin", "#amazonpay-login button")
			look("signin")
			v.Visit(s.url + "/nowhere")
			v.at("/nowhere", "#error")
			look("error")
			v.Click("#to-product")
			v.at("/", "#product")
			checkout(v, look)
			account(v, look)
			v.strict()
		})
	}
}

func checkout(v *visitor, look func(string)) {
	v.t.Helper()
	v.Click("#amazonpay-pay button")
	v.at("/ap/oa", "#ap_email")
	look("login")
	v.allow()
	v.at("/checkout/*", "#checkout")
	v.shown()
	look("checkout")
	v.Click("#to-review")
	v.at("/checkout/*", "#missing")
	v.shown()
	v.Eventually("document.activeElement.id === 'missing'") // read aloud, and on the screen
	look("missing")
	v.card("BadCard")
	v.tick()
	v.Eventually("!document.querySelector('#missing')")
	v.review()
	look("review")
	v.confirm()
	v.at("/widgets/confirm/*", "button")
	look("bank")
	v.Click("button[value=Failure]")
	v.at("/checkout/*", "#bank-refused")
	v.shown()
	look("refused")
	v.review()
	v.confirm()
	v.bank("Abandoned")
	v.at("/checkout/*/review", "#bank-abandoned")
	v.reviewed()
	look("abandoned")
	v.confirm()
	v.bank("Success")
	v.thanked("declined")
	look("thanks-declined")
}

func account(v *visitor, look func(string)) {
	v.t.Helper()
	v.Click("#to-account")
	v.account("payment", "1 1 declined £19.50")
	look("account-declined")
	v.Click("#repair")
	v.at("/account/payment", "#payment")
	v.card("GoodCard")
	look("payment")
	v.confirm()
	v.bank("Success")
	v.account("active", "1 2 paid £19.50", "1 1 declined £19.50")
	look("account-notice")
	v.Click("#renew")
	v.account("active", "2 1 paid £19.50", "1 2 paid £19.50", "1 1 declined £19.50")
	look("account")
	v.Click("#home")
	v.at("/", "#product")
	look("product-subscribed")
	v.Click("#to-account")
	v.account("active", "2 1 paid £19.50", "1 2 paid £19.50", "1 1 declined £19.50")
	v.Click("#cancel-ask")
	v.Eventually("document.querySelector('#cancel').offsetWidth > 0")
	look("cancel")
	v.Click("#cancel")
	v.account("canceled", "2 1 paid £19.50", "1 2 paid £19.50", "1 1 declined £19.50")
	look("canceled")
	v.Click("#again")
	v.at("/", "#continue")
	look("product-again")
	v.Click("#continue")
	v.at("/checkout/*", "#checkout")
	v.shown()
	v.tick()
	v.review()
	v.confirm()
	v.bank("Success")
	v.thanked("paid")
	look("thanks")
}

// TestLoginRefused is the page that the mock shows where Amazon cannot go back to
// the shop.
func TestLoginRefused(t *testing.T) {
	t.Parallel()
	s := openShop(t, "UK")
	v := s.visit(t, phone)
	v.Expect("400 (Bad Request)")
	v.Visit(s.mock + "/ap/oa?client_id=nobody&redirect_uri=https%3A%2F%2Fshop.example%2Freturn&scope=profile&response_type=token&state=" + strings.Repeat("s", 200))
	v.Sees("h1", "We're sorry!")
	v.look("login-refused")
}

// TestNoScript is a browser without JavaScript, which Amazon's button needs: the
// pages say so where the button would be.
func TestNoScript(t *testing.T) {
	t.Parallel()
	s := openShop(t, "UK")
	v := s.visit(t, browser.Screen{Width: 390, Height: 844, NoScript: true})
	for _, path := range []string{"/", "/signin"} {
		v.Visit(s.url + path)
		v.Sees("noscript p", "Amazon Pay needs JavaScript.")
		v.Eventually("document.querySelector('noscript p').offsetHeight > 0")
		v.look("noscript-" + strings.Trim(path, "/"))
	}
	v.Visit(s.url + "/return/checkout?error=access_denied&state=x")
	v.Sees("noscript p", "Amazon Pay needs JavaScript.")
	v.FitsWidth()
}
