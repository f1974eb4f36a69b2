package shop_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/amazonpay-go/amazonpay/e2e/browser"
)

func TestSubscribe(t *testing.T) {
	t.Parallel()
	s := openShop(t, "NA")
	v := s.visit(t, desk)
	v.signIn()
	v.tick()
	v.Screenshot("readme-checkout")
	v.review()
	s.charged() // nothing before the last click
	v.Sees("#amazonpay-confirm", "Subscribe and pay $24.00")
	v.confirm()
	v.thanked("paid")
	v.Sees("#amount", "$24.00")
	v.Click("#to-account")
	v.account("active", "1 1 paid $24.00")
	s.charged("Captured 24.00 USD")
	assert.Equal(t, []string{"Open"}, s.states())
	v.strict()
}

func TestBank(t *testing.T) {
	t.Run("agrees, to an impatient buyer", func(t *testing.T) {
		t.Parallel()
		s := openShop(t, "UK")
		v := s.visit(t, desk)
		v.order()
		v.confirmTwice()
		v.bank("Success")
		v.thanked("paid")
		v.Click("#to-account")
		v.account("active", "1 1 paid £19.50")
		s.charged("Captured 19.50 GBP")
	})
	t.Run("refuses, and agrees to another payment method", func(t *testing.T) {
		t.Parallel()
		s := openShop(t, "UK")
		v := s.visit(t, desk)
		v.order()
		v.confirm()
		v.bank("Failure")
		v.at("/checkout/*", "#bank-refused")
		s.charged()
		v.shown()
		assert.False(t, v.has("#amazonpay-consent"), "it was given")
		v.card("ShortOnce")
		v.card("GoodCard")
		v.review()
		v.confirm()
		v.bank("Success")
		v.thanked("paid")
		s.charged("Captured 19.50 GBP")
		assert.Equal(t, []string{"Open"}, s.states(), "it is the same agreement")
	})
	t.Run("is left, and asked again", func(t *testing.T) {
		t.Parallel()
		s := openShop(t, "UK")
		v := s.visit(t, desk)
		v.order()
		v.confirm()
		v.bank("Abandoned")
		v.at("/checkout/*/review", "#bank-abandoned")
		s.charged()
		v.reviewed()
		v.confirm()
		v.bank("Success")
		v.thanked("paid")
		s.charged("Captured 19.50 GBP")
		assert.Equal(t, []string{"Open"}, s.states(), "it is the same agreement")
	})
}

func TestDenied(t *testing.T) {
	t.Parallel()
	s := openShop(t, "NA")
	v := s.visit(t, desk)
	v.Click("#amazonpay-pay button")
	v.at("/ap/oa", "#ap_email")
	v.Click("button[value=deny]")
	v.at("/", "#note")
	v.Sees("#note", "You left Amazon before signing in.")
	assert.False(t, v.has("#sign-out"), "nobody is signed in")
	v.look("denied")
	v.signIn() // the way is open
	s.charged()
}

func TestMissing(t *testing.T) {
	t.Parallel()
	s := openShop(t, "NA")
	v := s.visit(t, desk)
	v.signIn()
	t.Run("consent", func(t *testing.T) {
		v.Click("#to-review")
		v.at("/checkout/*", "#missing-consent")
		v.Sees("#missing-consent", "Tick the box below that allows the monthly charges.")
		assert.False(t, v.has("#missing-address, #missing-payment"), "only that")
		v.shown()
		v.tick()
		v.Eventually("!document.querySelector('#missing')") // as soon as it is there
	})
	t.Run("payment method", func(t *testing.T) {
		v.card("NotAllowed")
		v.Click("#to-review")
		v.at("/checkout/*", "#missing-payment")
		v.Sees("#missing-payment", "Choose a payment method that we can charge every month.")
		assert.False(t, v.has("#missing-address, #missing-consent"), "only that")
		v.shown()
		v.card("GoodCard")
		v.Eventually("!document.querySelector('#missing')")
		v.review()
	})
	s.charged()
}

// TestMissingAddress is an AddressBook that Amazon cannot show.
func TestMissingAddress(t *testing.T) {
	t.Parallel()
	s := openShop(t, "NA")
	v := s.visit(t, desk)
	v.Expect("UnknownError")
	s.steer("widgets", `{"widget":"AddressBook","code":"UnknownError","times":1}`)
	v.Click("#amazonpay-pay button")
	v.allow()
	v.at("/checkout/*", "#checkout")
	v.Sees("#amazonpay-messages", "Amazon Pay is not available right now.")
	s.steer("widgets", `{"widget":"AddressBook","code":"UnknownError","times":1}`)
	v.Click("#to-review")
	v.at("/checkout/*", "#missing-address")
	v.Sees("#missing-address", "Choose the address that the tea goes to.")
	v.Sees("#amazonpay-messages", "Amazon Pay is not available right now.")
	v.reload()
	v.shown()
	v.Eventually("!document.querySelector('#missing-address, #missing-payment') && document.querySelector('#missing-consent')")
	v.tick()
	v.Eventually("!document.querySelector('#missing')")
	v.review()
	v.confirm()
	v.thanked("paid")
	s.charged("Captured 24.00 USD")
}

// TestSessionEnds is an hour later, at the lower end of a long page.
func TestSessionEnds(t *testing.T) {
	t.Parallel()
	s := openShop(t, "NA")
	v := s.visit(t, phone)
	v.Expect("BuyerSessionExpired") // of the mock's script, and of its answer
	v.Expect("400 (Bad Request) " + s.mock + "/widgets/act")
	v.signIn()
	order := browser.Eval[string](v.Tab, "location.pathname")
	s.steer("clock", `{"advance":"56m"}`)
	browser.Eval[bool](v.Tab, "(document.querySelector('#amazonpay-consent').scrollIntoView({block: 'center'}), scrollY > innerHeight / 2)")
	v.Pick(consent, "#consent")
	v.Sees("#amazonpay-messages", "Your session with Amazon has ended. Please sign in again.")
	v.onScreen("#amazonpay-messages")
	v.onScreen("#amazonpay-signin")
	v.look("session-ended")
	v.reload() // by then the shop knows
	v.at("/", "#note")
	v.Sees("#note", "Your sign-in with Amazon has ended")
	v.Click("#amazonpay-pay button")
	v.allow()
	v.at("/checkout/*", "#checkout")
	assert.Equal(t, order, browser.Eval[string](v.Tab, "location.pathname"), "the order goes on where it was")
	v.shown()
	v.tick()
	v.review()
	v.confirm()
	v.thanked("paid")
	s.charged("Captured 24.00 USD")
}
