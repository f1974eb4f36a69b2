package shop_test

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"

	"github.com/amazonpay-go/amazonpay/e2e/browser"
)

// confirmTwice is a double click.
func (v *visitor) confirmTwice() {
	v.t.Helper()
	v.Do(chromedp.DoubleClick(chromedp.CSS("#amazonpay-confirm")))
}

func TestDoubleClick(t *testing.T) {
	t.Parallel()
	s := openShop(t, "NA")
	v := s.visit(t, desk)
	v.order()
	v.confirmTwice()
	v.thanked("paid")
	s.charged("Captured 24.00 USD")
	assert.Equal(t, []string{"Open"}, s.states())
}

// TestAgain is a buyer who does everything once more.
func TestAgain(t *testing.T) {
	t.Parallel()
	s := openShop(t, "NA")
	v := s.visit(t, desk)
	v.order()
	v.confirm()
	v.thanked("paid")
	v.reload()
	v.thanked("paid")
	v.back() // to the page with the button Subscribe, which is asked for anew
	v.thanked("paid")
	v.Visit(s.url + browser.Eval[string](v.Tab, "location.pathname.replace('orders', 'checkout')") + "/confirmed")
	v.thanked("paid")
	v.Visit(s.url)
	v.at("/", "#to-account") // there is nothing to buy
	v.Click("#to-account")
	v.account("active", "1 1 paid $24.00")
	s.charged("Captured 24.00 USD")
	assert.Equal(t, []string{"Open"}, s.states())
}

// TestTwoTabs has the same order in two tabs.
func TestTwoTabs(t *testing.T) {
	t.Run("one after the other", func(t *testing.T) {
		t.Parallel()
		s := openShop(t, "NA")
		v := s.visit(t, desk)
		v.order()
		w := v.second()
		v.confirm()
		v.thanked("paid")
		w.confirm()
		w.thanked("paid")
		s.charged("Captured 24.00 USD")
		assert.Equal(t, []string{"Open"}, s.states())
	})
	t.Run("at the same time", func(t *testing.T) {
		t.Parallel()
		s := openShop(t, "NA")
		v := s.visit(t, desk)
		v.order()
		w := v.second()
		const click = "(document.querySelector('#amazonpay-confirm').click(), true)"
		done := make(chan error)
		for _, tab := range []*visitor{v, w} {
			go func() { done <- tab.Try(click) }()
		}
		assert.NoError(t, <-done)
		assert.NoError(t, <-done)
		v.thanked("paid")
		w.thanked("paid")
		s.charged("Captured 24.00 USD")
		assert.Equal(t, []string{"Open"}, s.states())
	})
	t.Run("at the bank in both", func(t *testing.T) {
		t.Parallel()
		s := openShop(t, "UK")
		v := s.visit(t, desk)
		v.order()
		w := v.second()
		v.confirm()
		v.at("/widgets/confirm/*", "button")
		w.confirm()
		w.bank("Success")
		w.thanked("paid")
		v.Expect("404 (Not Found) " + s.mock + "/widgets/confirm/")
		v.Click("button[value=Success]") // Amazon waits for nobody any more
		v.at("/widgets/confirm/*", "h1")
		v.Sees("h1", "Nothing to confirm")
		s.charged("Captured 19.50 GBP")
		assert.Equal(t, []string{"Open"}, s.states())
	})
}

// second is another tab of the same buyer with the same page.
func (v *visitor) second() *visitor {
	v.t.Helper()
	w := &visitor{v.Another(), v.t, v.s}
	w.Visit(browser.Eval[string](v.Tab, "location.href"))
	w.reviewed()
	return w
}
