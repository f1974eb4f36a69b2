package shop_test

import (
	"testing"

	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay/e2e/browser"
)

// tabTo presses the Tab key until an element has the focus, and looks whether
// one can see it.
func (v *visitor) tabTo(selector string) {
	v.t.Helper()
	for range 40 {
		v.Press(kb.Tab)
		if browser.Eval[bool](v.Tab, "document.activeElement.matches('"+selector+"')") {
			if !browser.Eval[bool](v.Tab, "document.activeElement.tagName === 'IFRAME'") {
				require.True(v.t, browser.Eval[bool](v.Tab, "document.activeElement.matches(':focus-visible') && getComputedStyle(document.activeElement).outlineStyle !== 'none'"),
					"one sees where one is: %s", selector)
			}
			return
		}
	}
	require.FailNow(v.t, "the Tab key does not come there", selector)
}

// hop presses the Tab key once: the next stop, in a frame or behind one, is the
// element. Frames are processes of their own, so it takes a moment.
func (v *visitor) hop(selector string) {
	v.t.Helper()
	v.Press(kb.Tab)
	v.Eventually("document.activeElement.matches('" + selector + "')")
}

// press is tabTo, and a key.
func (v *visitor) press(selector, key string) {
	v.t.Helper()
	v.Eventually("document.querySelector('" + selector + "')")
	v.tabTo(selector)
	v.Press(key)
}

// TestKeyboard subscribes and cancels without a mouse.
func TestKeyboard(t *testing.T) {
	s := openShop(t, "UK") // not at the same time as others: one window has the focus
	v := s.visit(t, desk)
	v.press(".skip", kb.Enter)
	v.Eventually("document.activeElement.id === 'main'")
	v.press("#amazonpay-pay button", kb.Enter)
	v.at("/ap/oa", "#ap_email")
	v.press("button[value=allow]", kb.Enter)
	v.at("/checkout/*", "#checkout")
	v.shown()

	v.tabTo("#amazonpay-addressbook iframe")
	v.InFrame(addresses, "document.hasFocus() && document.activeElement.checked")
	v.hop("#amazonpay-wallet iframe")
	v.InFrame(cards, "document.hasFocus() && document.activeElement.value === 'GoodCard'")
	v.Press(kb.ArrowDown)
	v.InFrame(cards, "document.activeElement.value === 'BadCard' && document.activeElement.matches(':checked:enabled')")
	v.Press(kb.ArrowUp)
	v.InFrame(cards, "document.activeElement.value === 'GoodCard' && document.activeElement.matches(':checked:enabled')")
	v.hop("#amazonpay-consent iframe")
	v.InFrame(consent, "document.hasFocus() && document.activeElement.id === 'consent'")
	v.Press(" ")
	v.InFrame(consent, "document.querySelector('#consent:checked:enabled')")
	v.hop("#to-review")
	v.Press(kb.Enter)
	v.reviewed()
	v.press("#amazonpay-confirm", kb.Enter)
	v.at("/widgets/confirm/*", "button")
	v.press("button[value=Success]", kb.Enter)
	v.thanked("paid")
	v.press("#to-account", kb.Enter)
	v.account("active", "1 1 paid £19.50")
	v.press("#cancel-ask", kb.Enter)
	v.Eventually("document.querySelector('#cancel-details').open")
	v.press("#cancel", kb.Enter)
	v.account("canceled", "1 1 paid £19.50")
	s.charged("Captured 19.50 GBP")
}
