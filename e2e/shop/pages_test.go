package shop_test

import (
	"testing"

	"github.com/amazonpay-go/amazonpay/e2e/browser"
)

// TestPages looks at every page, on a desk and on a phone.
func TestPages(t *testing.T) {
	for name, screen := range map[string]browser.Screen{
		"1280": desk, "390": phone,
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
	v.signIn()
	look("checkout")
	v.Click("#to-review")
	v.at("/checkout/*", "#missing")
	v.shown()
	look("missing")
	v.card("BadCard")
	v.tick()
	v.Eventually("!document.querySelector('#missing')")
	v.review()
	look("review")
	v.confirm()
	v.at("/widgets/confirm/*", "button")
	v.FitsWidth()
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
