package widgets_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/amazonpay-go/amazonpay/e2e/browser"
)

// tab is the browser with a shop's page.
type tab struct {
	*browser.Tab
	t *testing.T
}

// openTab is a tab without a past; width is that of the window.
func openTab(t *testing.T, width int64) *tab {
	t.Helper()
	return &tab{browser.Open(t, browser.Screen{Width: width, Height: 900}), t}
}

// complains lets the mock tell the console of errors, as it does of all that a
// widget has.
func (b *tab) complains() *tab {
	b.Expect("amazonpay-mock:")
	b.Expect("400 (Bad Request)") // the mock's own answer to its frame
	return b
}

// value evaluates an expression in the shop's page.
func value[T any](b *tab, expression string) T {
	b.t.Helper()
	return browser.Eval[T](b.Tab, expression)
}

// click waits until one can.
func (b *tab) click(selector string) {
	b.t.Helper()
	b.Eventually(fmt.Sprintf("document.querySelector(%q).matches(':enabled')", selector))
	b.Click(selector)
}

// happened waits for an event of the page.
func (b *tab) happened(event string) {
	b.t.Helper()
	b.Eventually(fmt.Sprintf("(window.events || []).includes(%q)", event))
}

// result waits for what the shop says.
func (b *tab) result(text string) {
	b.t.Helper()
	b.Eventually(fmt.Sprintf("(document.getElementById('result') || {}).textContent.includes(%q)", text))
}

// decide signs in in the window, or cancels. It closes itself, and takes its
// answer with it.
func (b *tab) decide(decision string) {
	b.t.Helper()
	window := b.Window("/ap/oa?")
	window.Do(chromedp.WaitVisible(chromedp.CSS("#ap_email")))
	_ = window.Try("setTimeout(() => document.querySelector('button[value=" + decision + "]').click(), 0) > 0")
}
