package shop_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay/e2e/browser"
)

var (
	desk  = browser.Screen{Width: 1280, Height: 900}
	phone = browser.Screen{Width: 390, Height: 844}
)

// visitor is a buyer at a browser.
type visitor struct {
	*browser.Tab
	t *testing.T
	s *shop
}

func (s *shop) visit(t *testing.T, screen browser.Screen) *visitor {
	t.Helper()
	v := &visitor{browser.Open(t, screen), t, s}
	v.Visit(s.url)
	v.at("/", "#product")
	return v
}

// at waits for the page with the path, which has "*" in the place of what is
// not known, and for an element of it.
func (v *visitor) at(path, selector string) {
	v.t.Helper()
	before, after, _ := strings.Cut(path, "*")
	v.Eventually("location.pathname.startsWith('" + before + "') && location.pathname.endsWith('" + after + "') && " +
		"document.readyState === 'complete' && document.querySelector('" + selector + "')")
}

// allow signs in on Amazon's page.
func (v *visitor) allow() {
	v.t.Helper()
	v.at("/ap/oa", "#ap_email")
	v.Fill("#ap_email", buyer)
	v.Click("button[value=allow]")
}

// signIn goes from the product to the widgets.
func (v *visitor) signIn() {
	v.t.Helper()
	v.Click("#amazonpay-pay button")
	v.allow()
	v.at("/checkout/*", "#checkout")
	v.shown()
}

// What the frames of the widgets are called.
const (
	addresses = "address book"
	cards     = "payment methods"
	consent   = "consent"
)

// shown waits until all widgets of the checkout are there, and a card is chosen.
func (v *visitor) shown() {
	v.t.Helper()
	v.InFrame(addresses, "document.querySelector('input:checked')")
	v.InFrame(cards, "document.querySelector('input:checked') && !document.querySelector('input:disabled')")
	if v.has("#amazonpay-consent") {
		v.InFrame(consent, "document.querySelector('#consent:enabled')")
	}
}

func (v *visitor) has(selector string) bool {
	v.t.Helper()
	return browser.Eval[bool](v.Tab, "document.querySelector('"+selector+"') !== null")
}

// card chooses a payment method by its name at the mock.
func (v *visitor) card(name string) {
	v.t.Helper()
	v.Pick(cards, "input[value="+name+"]:not(:checked)")
	v.InFrame(cards, "document.querySelector('input[value="+name+"]:checked:enabled')")
}

// tick consents.
func (v *visitor) tick() {
	v.t.Helper()
	v.Pick(consent, "#consent:not(:checked)")
	v.InFrame(consent, "document.querySelector('#consent:checked:enabled')")
}

// review goes on, and waits for what was chosen.
func (v *visitor) review() {
	v.t.Helper()
	v.Click("#to-review")
	v.reviewed()
}

func (v *visitor) reviewed() {
	v.t.Helper()
	v.at("/checkout/*/review", "#amazonpay-confirm:enabled")
	v.InFrame(addresses, "document.querySelector('.item')")
	v.InFrame(cards, "document.querySelector('.item')")
}

// order goes from the product to the page before the last click.
func (v *visitor) order() {
	v.t.Helper()
	v.signIn()
	v.tick()
	v.review()
}

// confirm is the last click: Subscribe, or another payment method.
func (v *visitor) confirm() {
	v.t.Helper()
	v.Eventually("document.querySelector('#amazonpay-confirm:enabled')")
	v.Click("#amazonpay-confirm")
}

// bank answers for the bank.
func (v *visitor) bank(status string) {
	v.t.Helper()
	v.at("/widgets/confirm/*", "button[value="+status+"]")
	v.Click("button[value=" + status + "]")
}

// thanked waits for the page after the checkout, with the state of the charge.
func (v *visitor) thanked(state string) {
	v.t.Helper()
	v.at("/orders/*", "#thanks[data-state="+state+"]")
}

// account waits for the account, with the state of the subscription and its
// charges, the latest first: period, try, state and amount.
func (v *visitor) account(state string, charges ...string) {
	v.t.Helper()
	v.at("/account", "#subscription[data-state="+state+"]")
	v.Eventually("[...document.querySelectorAll('#charges tbody tr')].map(r => [r.dataset.period, r.dataset.try, r.dataset.state, " +
		"r.querySelector('[data-label=Amount]').textContent].join(' ')).join() === '" + strings.Join(charges, ",") + "'")
}

func (v *visitor) reload() {
	v.t.Helper()
	v.Do(chromedp.Reload())
}

func (v *visitor) back() {
	v.t.Helper()
	v.Do(chromedp.NavigateBack())
}

// look is at everything that all pages have in common.
func (v *visitor) look(name string) {
	v.t.Helper()
	v.FitsWidth()
	v.Screenshot(name)
	assert.Empty(v.t, browser.Eval[[]string](v.Tab, faults), "%s", name)
	assert.Empty(v.t, browser.Eval[[]string](v.Tab, faint), "%s", name)
}

// onScreen waits until nobody has to scroll to see it.
func (v *visitor) onScreen(selector string) {
	v.t.Helper()
	v.Eventually("(r => r.height > 0 && r.top >= 0 && r.bottom <= innerHeight)(document.querySelector('" + selector + "').getBoundingClientRect())")
}

// faults are those of a page for who cannot see it, or has a strict browser.
const faults = `(() => {
	const found = [], say = (what, e) => found.push(what + ": " + e.outerHTML.slice(0, 120));
	for (const e of document.querySelectorAll("input:not([type=hidden]), select, textarea"))
		if (!e.labels.length && !e.getAttribute("aria-label")) say("no label", e);
	for (const e of document.querySelectorAll("iframe")) if (!e.title) say("no title", e);
	for (const e of document.querySelectorAll("a, button, summary"))
		if (!e.textContent.trim() && !e.getAttribute("aria-label")) say("no text", e);
	for (const e of document.querySelectorAll("img:not([alt]), [role=img]:not([aria-label])")) say("no text", e);
	for (const e of document.querySelectorAll("[aria-labelledby]"))
		if (!document.getElementById(e.getAttribute("aria-labelledby"))) say("label is missing", e);
	for (const e of document.querySelectorAll("[style]")) if (!e.closest("iframe, [id^=amazonpay-]")) say("inline style", e);
	for (const e of document.querySelectorAll("*"))
		for (const a of e.attributes) if (a.name.startsWith("on")) say("inline script", e);
	const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
	for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) found.push("twice: " + id);
	if (document.querySelectorAll("h1").length !== 1) found.push("not one heading");
	if (!document.documentElement.lang || !document.title) found.push("no language or title");
	return found;
})()`

// faint are texts whose contrast with what is behind them is below 4.5 to 1.
const faint = `(() => {
	const color = (text) => text.match(/[\d.]+/g).map(Number);
	const light = (c) => {
		const [r, g, b] = c.map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
		return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
	};
	const behind = (e) => {
		for (; e; e = e.parentElement) {
			const c = color(getComputedStyle(e).backgroundColor);
			if (c.length < 4 || c[3] > 0.99) return c;
		}
		return [255, 255, 255];
	};
	const found = [], texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (texts.nextNode()) {
		const text = texts.currentNode.textContent.trim(), e = texts.currentNode.parentElement;
		if (!text || !e.checkVisibility() || e.closest("svg, :disabled")) continue;
		const a = light(color(getComputedStyle(e).color)), b = light(behind(e));
		if (Math.max(a, b) / Math.min(a, b) < 4.5) found.push(text.slice(0, 60));
	}
	return found;
})()`

// strict looks at the policies of all pages of the shop that were shown.
func (v *visitor) strict() {
	v.t.Helper()
	pages := 0
	for address, policy := range v.Policies() {
		if path, ours := strings.CutPrefix(address, v.s.url); ours {
			pages++
			assert.Contains(v.t, policy, "default-src", path)
			assert.NotContains(v.t, policy, "unsafe", path)
			assert.Contains(v.t, policy, "frame-ancestors 'none'", path)
			assert.Contains(v.t, policy, "base-uri 'none'", path)
		}
	}
	require.NotZero(v.t, pages)
}
