package widgets_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/e2e/browser"
)

// signIn clicks the button and allows what is asked for.
func signIn(b *tab, s *shop) {
	b.t.Helper()
	b.Visit(s.url)
	b.click("#AmazonPayButton button")
	b.decide("allow")
}

// rendered waits until all three widgets are there.
func rendered(b *tab) {
	b.t.Helper()
	b.happened("Consent.onReady string false")
}

func TestCheckout(t *testing.T) {
	m := startMock(t)
	for _, p := range []place{us, uk, eu, jp} {
		t.Run(string(p.region), func(t *testing.T) {
			s, b := openShop(t, m, p), openTab(t, 1280)
			signIn(b, s)
			rendered(b)
			assert.Equal(t, []string{
				"onAmazonLoginReady", "onAmazonPaymentsReady", "authorized complete bearer state-1", "bind true",
				"AddressBook.onBillingAgreementCreate", "AddressBook.onReady", "AddressBook.onAddressSelect true",
				"Wallet.onReady", "Wallet.onPaymentSelect", "Consent.onReady string false",
			}, withoutDetails(value[[]string](b, "events")))
			b.Screenshot("checkout-" + string(p.region))
			b.Pick("consent", "#consent")
			b.happened("Consent.onConsent true")
			b.click("#confirm")
			b.result("charged " + p.amount + ": Closed MaxCapturesProcessed")
		})
	}
}

func withoutDetails(events []string) (kept []string) {
	for _, e := range events {
		if len(e) < 8 || e[:8] != "details " {
			kept = append(kept, e)
		}
	}
	return kept
}

func TestEveryScript(t *testing.T) {
	m := startMock(t)
	b := openTab(t, 1280)
	for _, p := range []place{us, uk, eu, jp} {
		scripts := []string{p.script}
		switch p.region {
		case amazonpay.RegionUK:
			scripts = append(scripts, "/OffAmazonPayments/uk/sandbox/lpa/js/Widgets.js")
		case amazonpay.RegionEU:
			scripts = append(scripts, "/OffAmazonPayments/de/sandbox/lpa/js/Widgets.js")
		case amazonpay.RegionJP:
			scripts = append(scripts, "/images/G/09/EP/offAmazonPayments/sandbox/prod/lpa/js/Widgets.js")
		}
		for _, script := range scripts {
			s := openShop(t, m, p)
			s.script = script
			b.Visit(s.url)
			b.Eventually("document.querySelector('#AmazonPayButton .amazonpay-button-inner-image') !== null")
		}
	}
}

// TestAmazonsNames is a page that is not changed at all: the machine's names are.
func TestAmazonsNames(t *testing.T) {
	m := startMock(t)
	s := openShop(t, m, uk)
	s.Base = "https://static-eu.payments-amazon.com"
	here := strings.TrimPrefix(m.HTTPS[0], "https://")
	b := &tab{browser.Open(t, browser.Screen{Host: "static-eu.payments-amazon.com", At: here}), t}
	signIn(b, s)
	rendered(b)
	b.Pick("consent", "#consent")
	b.click("#confirm")
	b.result("charged 19.90 GBP")
}

func TestSignIn(t *testing.T) {
	m := startMock(t)
	t.Run("denied", func(t *testing.T) {
		s, b := openShop(t, m, us), openTab(t, 1280)
		b.Visit(s.url)
		b.click("#AmazonPayButton button")
		b.decide("deny")
		b.happened("authorized complete access_denied state-1")
		assert.Zero(t, value[int](b, "document.querySelectorAll('#addressBookWidgetDiv iframe').length"))
	})
	t.Run("window closed", func(t *testing.T) {
		s, b := openShop(t, m, us), openTab(t, 1280)
		b.Visit(s.url)
		b.click("#AmazonPayButton button")
		_ = b.Window("/ap/oa?").Try("window.close() === undefined")
		b.happened("authorized complete access_denied state-1")
	})
	t.Run("pop-up with an address", func(t *testing.T) {
		s, b := openShop(t, m, us), openTab(t, 1280)
		s.Mode = "url"
		signIn(b, s)
		rendered(b)
		q, err := url.ParseQuery(value[string](b, "location.search.slice(1)"))
		require.NoError(t, err)
		assert.Regexp(t, `^Atza\|`, q.Get("access_token"))
		assert.Equal(t, []string{"bearer", "3600", scopes, "state-1"}, []string{q.Get("token_type"), q.Get("expires_in"), q.Get("scope"), q.Get("state")})
	})
	t.Run("redirect", func(t *testing.T) {
		s, b := openShop(t, m, eu), openTab(t, 1280)
		s.Mode = "redirect"
		b.Visit(s.url)
		b.click("#AmazonPayButton button")
		b.Eventually("document.querySelector('#ap_email') !== null")
		b.click("button[value=allow]")
		rendered(b)
	})
	t.Run("redirect denied", func(t *testing.T) {
		s, b := openShop(t, m, eu), openTab(t, 1280)
		s.Mode = "redirect"
		b.Visit(s.url)
		b.click("#AmazonPayButton button")
		b.Eventually("document.querySelector('#ap_email') !== null")
		b.click("button[value=deny]")
		b.Eventually("location.search.includes('error=access_denied') && location.search.includes('state=state-1') && window.events.includes('onAmazonPaymentsReady')")
	})
	t.Run("by the button", func(t *testing.T) {
		s, b := openShop(t, m, us), openTab(t, 1280)
		s.Mode = "onsignin"
		signIn(b, s)
		b.happened("onSignIn agreement")
	})
	t.Run("with consent", func(t *testing.T) {
		s, b := openShop(t, m, us), openTab(t, 1280)
		s.Scope += " payments:autopay_consent"
		signIn(b, s)
		b.happened("Consent.onReady none")
		b.click("#confirm")
		b.result("charged 19.90 USD")
	})
}

func TestLogin(t *testing.T) {
	m := startMock(t)
	s, b := openShop(t, m, us), openTab(t, 1280)
	signIn(b, s)
	rendered(b)
	assert.Equal(t, client, value[string](b, "amazon.Login.getClientId()"))
	assert.Regexp(t, `(^|; )amazon_Login_accessToken=Atza%7C`, value[string](b, "document.cookie"))
	state := value[map[string]any](b, "JSON.parse(decodeURIComponent(document.cookie.match(/amazon_Login_state_cache=([^;]*)/)[1]))")
	assert.Equal(t, 3300.0, state["max_age"])
	assert.Equal(t, client, state["client_id"])
	value[bool](b, "amazon.Login.retrieveProfile((r) => { window.profile = JSON.stringify(r); }) === undefined")
	b.Eventually("window.profile !== undefined")
	assert.JSONEq(t, `{"success":true,"profile":{"CustomerId":"`+value[string](b, "JSON.parse(window.profile).profile.CustomerId")+
		`","Name":"Susan Example","PostalCode":"60602","PrimaryEmail":"buyer@example.com"}}`, value[string](b, "window.profile"))
	value[bool](b, "amazon.Login.retrieveProfile('Atza|no', (r) => { window.other = JSON.stringify(r); }) === undefined")
	b.Eventually(`window.other === '{"success":false,"error":"invalid_token"}'`)
	value[bool](b, "amazon.Login.authorize({scope: 'profile', interactive: 'never'}, (r) => { window.never = r.access_token.slice(0, 5); }) !== undefined")
	b.Eventually("window.never === 'Atza|'")
	b.click("#logout")
	assert.NotContains(t, value[string](b, "document.cookie"), "amazon_Login")
	value[bool](b, "amazon.Login.authorize({scope: 'profile', interactive: 'never'}, (r) => { window.never = r.error; }) !== undefined")
	b.Eventually("window.never === 'access_denied'")
}

// TestChoices follows the buyer's clicks to the API.
func TestChoices(t *testing.T) {
	m := startMock(t)
	s, b := openShop(t, m, us), openTab(t, 1280)
	b.Expect("409 (Conflict)") // the shop's answer
	signIn(b, s)
	rendered(b)
	b.Eventually("events.some((e) => e.startsWith('details Chicago [BuyerConsentNotSet'))") // the Wallet chooses meanwhile
	b.Pick("address", "input[value='1']")
	b.happened("details Portland [BuyerConsentNotSet]")
	b.Eventually("events.filter((e) => e === 'Wallet.onPaymentSelect').length === 2")
	b.Pick("payment methods", "input[value=RejectedCard]")
	b.Eventually("events.filter((e) => e === 'Wallet.onPaymentSelect').length === 3")
	b.Pick("consent", "#consent")
	b.happened("Consent.onConsent true")
	b.InFrame("consent", "document.querySelector('#consent').checked && !document.querySelector('#consent').disabled")
	b.Pick("consent", "#consent")
	b.happened("Consent.onConsent false")
	assert.True(t, value[bool](b, "document.getElementById('confirm').disabled"))
	value[bool](b, "(document.getElementById('confirm').disabled = false) === false")
	b.click("#confirm")
	b.result("BillingAgreementConstraintsExist")
	b.InFrame("consent", "!document.querySelector('#consent').disabled")
	b.Pick("consent", "#consent")
	b.Eventually("events.filter((e) => e === 'Consent.onConsent true').length === 2")
	b.click("#confirm")
	b.result("charged 19.90 USD: Declined AmazonRejected")
}

// TestPageLearnsNothing looks at all that the frames tell the page.
func TestPageLearnsNothing(t *testing.T) {
	m := startMock(t)
	s, b := openShop(t, m, us), openTab(t, 1280)
	b.Visit(s.url)
	value[bool](b, "window.addEventListener('message', (e) => { window.heard = (window.heard || '') + JSON.stringify(e.data); }) === undefined")
	b.click("#AmazonPayButton button")
	b.decide("allow")
	rendered(b)
	heard := value[string](b, "window.heard")
	assert.Contains(t, heard, `"ready"`)
	for _, secret := range []string{"Ditka", "Chicago", "Visa", "GoodCard", "Susan"} {
		assert.NotContains(t, heard, secret)
	}
	assert.Equal(t, "blocked", value[string](b, "(() => { try { return frames[0].document ? 'open' : 'blocked'; } catch (e) { return 'blocked'; } })()"))
}

func TestKeyboard(t *testing.T) {
	m := startMock(t)
	s, b := openShop(t, m, us), openTab(t, 1280)
	b.Visit(s.url)
	b.Eventually("document.querySelector('#AmazonPayButton button') !== null")
	b.Press(kb.Tab)
	assert.Equal(t, "Amazon Pay", value[string](b, "document.activeElement.textContent"))
	b.Press(kb.Enter)
	b.decide("allow")
	rendered(b)
	value[bool](b, "document.querySelector('#AmazonPayButton button').focus() === undefined")
	b.Press(kb.Tab)
	b.InFrame("address", "document.hasFocus() && document.activeElement.value === '0' && document.activeElement.matches(':focus-visible')")
	b.Press(kb.ArrowDown)
	b.happened("details Portland [BuyerConsentNotSet]")
	b.Eventually("events.filter((e) => e === 'Wallet.onPaymentSelect').length === 2")
	b.InFrame("address", "document.activeElement.value === '1'")
	b.Press(kb.Tab)
	b.InFrame("payment methods", "document.hasFocus() && document.activeElement.value === 'GoodCard'")
	b.Press(kb.ArrowDown)
	b.InFrame("payment methods", "document.activeElement.value === 'BadCard' && document.activeElement.checked && !document.activeElement.disabled")
	b.Press(kb.Tab)
	b.InFrame("consent", "document.hasFocus() && document.activeElement.id === 'consent'")
	b.Press(" ")
	b.happened("Consent.onConsent true")
	b.InFrame("consent", "document.activeElement.id === 'consent'")
	b.Press(kb.Tab, kb.Enter)
	b.result("charged 19.90 USD: Declined InvalidPaymentMethod")
}

func TestReadOnly(t *testing.T) {
	m := startMock(t)
	s, b := openShop(t, m, us), openTab(t, 1280)
	signIn(b, s)
	rendered(b)
	s.Agreement, s.Display = value[string](b, "window.agreement"), "Read"
	b.Visit(s.url + "/checkout")
	b.happened("Wallet.onReady")
	b.happened("AddressBook.onReady")
	b.InFrame("payment methods", "document.body.textContent.includes('Visa') && document.querySelector('input') === null")
	b.InFrame("address", "document.body.textContent.includes('Chicago') && document.querySelector('input') === null")
	assert.NotContains(t, strings.Join(value[[]string](b, "events"), " "), "Select")
	b.Screenshot("read-only")
}

func TestPhone(t *testing.T) {
	m := startMock(t)
	for _, design := range []string{"responsive", "smartphoneCollapsible"} {
		t.Run(design, func(t *testing.T) {
			s, b := openShop(t, m, jp), openTab(t, 390)
			s.Design = design
			signIn(b, s)
			rendered(b)
			b.Screenshot("phone-" + design)
			assert.LessOrEqual(t, value[int](b, "document.documentElement.scrollWidth"), 390)
			if design == "smartphoneCollapsible" {
				b.InFrame("payment methods", "document.querySelectorAll('input').length === 1")
				before := value[int](b, "document.querySelector('#walletWidgetDiv iframe').clientHeight")
				b.Pick("payment methods", "button.more")
				b.InFrame("payment methods", "document.querySelectorAll('input').length > 10")
				b.Eventually(fmt.Sprintf("document.querySelector('#walletWidgetDiv iframe').clientHeight > %d", before))
				b.Screenshot("phone-open")
				b.Pick("payment methods", "input[value=SlowBank]")
				b.InFrame("payment methods", "document.querySelectorAll('input').length === 1")
			}
			b.Pick("consent", "#consent")
			b.happened("Consent.onConsent true")
		})
	}
}

func TestBank(t *testing.T) {
	m := startMock(t)
	for status, want := range map[string]string{
		"Success":   " Success: charged 19.90 GBP: Closed MaxCapturesProcessed",
		"Failure":   "yes Failure: Suspended",
		"Abandoned": "yes Abandoned: Suspended",
	} {
		t.Run(status, func(t *testing.T) {
			s, b := openShop(t, m, uk), openTab(t, 390)
			s.Mode = "sca"
			signIn(b, s)
			rendered(b)
			b.Pick("consent", "#consent")
			b.happened("Consent.onConsent true")
			b.click("#confirm")
			b.Eventually("location.pathname.startsWith('/widgets/confirm/') && document.querySelector('button')")
			b.Screenshot("bank")
			back := value[string](b, "location.href")
			b.click("button[value=" + status + "]")
			b.result(want)
			b.Expect("404 (Not Found) " + back)
			b.Visit(back)
			assert.Equal(t, "Nothing to confirm", value[string](b, "document.querySelector('h1').textContent"))
			b.Visit("about:blank")
		})
	}
	t.Run("confirmation refused", func(t *testing.T) {
		s, b := openShop(t, m, uk), openTab(t, 1280)
		b.Expect("409 (Conflict)") // the shop's answer
		s.Mode = "sca"
		signIn(b, s)
		rendered(b)
		value[bool](b, "(document.getElementById('confirm').disabled = false) === false")
		b.click("#confirm")
		b.result("BillingAgreementConstraintsExist")
		assert.Equal(t, "/", value[string](b, "location.pathname"))
	})
}

func withError(b *tab, title, code string) {
	b.t.Helper()
	b.InFrame(title, fmt.Sprintf("(document.querySelector('[role=alert] strong') || {}).textContent === %q", code))
}

func TestCauses(t *testing.T) {
	m := startMock(t)
	t.Run("not signed in", func(t *testing.T) {
		s, b := openShop(t, m, us), openTab(t, 1280).complains()
		b.Visit(s.url + "/checkout")
		b.happened("AddressBook.onError BuyerNotAssociated")
		withError(b, "address", "BuyerNotAssociated")
		b.Screenshot("error")
	})
	t.Run("wrong seller", func(t *testing.T) {
		s, b := openShop(t, m, us), openTab(t, 1280).complains()
		s.seller = "A1NOBODY"
		b.Visit(s.url)
		b.happened("Button.onError InvalidSellerId")
	})
	t.Run("live script", func(t *testing.T) {
		s, b := openShop(t, m, us), openTab(t, 1280).complains()
		sandbox := s.script
		s.script = "/OffAmazonPayments/us/js/Widgets.js"
		signIn(b, s)
		rendered(b)
		s.Agreement = value[string](b, "window.agreement")
		require.Regexp(t, "^B01-", s.Agreement, "production is served as well")
		s.script = sandbox
		signIn(b, s)
		b.happened("AddressBook.onError ReleaseEnvironmentMismatch")
	})
	t.Run("session of 55 minutes", func(t *testing.T) {
		s, b := openShop(t, m, us), openTab(t, 1280).complains()
		signIn(b, s)
		rendered(b)
		m.steer("clock", `{"advance":"56m"}`)
		b.Pick("payment methods", "input[value=BadCard]")
		b.happened("Wallet.onError BuyerSessionExpired")
		withError(b, "payment methods", "BuyerSessionExpired")
	})
	t.Run("draft of 3 hours", func(t *testing.T) {
		s, b := openShop(t, m, us), openTab(t, 1280).complains()
		signIn(b, s)
		rendered(b)
		s.Agreement = value[string](b, "window.agreement")
		m.steer("clock", `{"advance":"3h1m"}`)
		signIn(b, s)
		b.happened("AddressBook.onError StaleOrderReference")
	})
	t.Run("another buyer's", func(t *testing.T) {
		s, b := openShop(t, m, us), openTab(t, 1280).complains()
		s.Agreement = m.steer("acts", `{"do":"NewBillingAgreement","buyer":{"Email":"other@example.com"}}`)["id"].(string)
		signIn(b, s)
		b.happened("AddressBook.onError BuyerNotAssociated")
	})
	t.Run("consent after the confirmation", func(t *testing.T) {
		s, b := openShop(t, m, us), openTab(t, 1280).complains()
		s.Agreement = m.steer("acts", `{"do":"OpenBillingAgreement"}`)["id"].(string)
		signIn(b, s)
		b.happened("Consent.onError InvalidBillingAgreementStatus")
		b.happened("Wallet.onPaymentSelect")
	})
}

func TestHooks(t *testing.T) {
	m := startMock(t)
	codes := m.steer("widgets", `{"code":"UnknownError","widget":"Confirmation"}`)["codes"].([]any)
	require.Len(t, codes, 14)
	s, b := openShop(t, m, us), openTab(t, 1280).complains()
	signIn(b, s)
	rendered(b)
	s.Agreement = value[string](b, "window.agreement")
	for _, code := range codes {
		t.Run("control API "+code.(string), func(t *testing.T) {
			m.steer("widgets", fmt.Sprintf(`{"code":%q,"widget":"AddressBook"}`, code))
			b.Visit(s.url + "/checkout")
			b.happened("AddressBook.onError " + code.(string))
			if code == "ITP" {
				b.happened("AddressBook.onAddressSelect true")
			}
		})
	}
	t.Run("query of the script", func(t *testing.T) {
		s.Query = "&mockError=Wallet:PaymentMethodNotModifiable"
		b.Visit(s.url + "/checkout")
		b.happened("Wallet.onError PaymentMethodNotModifiable")
		s.Query = ""
	})
	t.Run("function", func(t *testing.T) {
		b.Visit(s.url + "/checkout")
		rendered(b)
		value[bool](b, "OffAmazonPayments.mock.force('Wallet', 'UnknownError') === undefined && wallet() === undefined")
		b.happened("Wallet.onError UnknownError")
	})
}

// TestOneTime is a payment without an agreement, in another currency.
func TestOneTime(t *testing.T) {
	m := startMock(t)
	s, b := openShop(t, m, uk), openTab(t, 1280)
	signIn(b, s)
	rendered(b)
	value[bool](b, `(() => {
		new OffAmazonPayments.Widgets.Wallet({ sellerId: shop.seller,
			onOrderReferenceCreate() { note('created'); },
			onReady(object) { note('order', object.getAmazonBillingAgreementId() === undefined); window.order = object.getAmazonOrderReferenceId(); },
			onPaymentSelect() { note('selected', window.order.slice(0, 3)); },
		}).setPresentmentCurrency('EUR').bind('walletWidgetDiv');
		return true;
	})()`)
	b.happened("selected S02")
	events := strings.Join(value[[]string](b, "events"), ",")
	assert.Contains(t, events, "created,order true,selected S02")
	id := amazonpay.OrderReferenceID(value[string](b, "order"))
	set := amazonpay.SetOrderReferenceDetailsRequest{AmazonOrderReferenceID: id}
	set.OrderReferenceAttributes.OrderTotal = amazonpay.MustPrice("5", amazonpay.CurrencyGBP)
	o, err := s.client.SetOrderReferenceDetails(t.Context(), set)
	require.NoError(t, err)
	require.Len(t, o.Constraints, 1)
	assert.Equal(t, amazonpay.ConstraintID("CurrencyMismatch"), o.Constraints[0].ConstraintID)
}

// TestMovedFrame is a page that moves a widget: the browser loads it anew.
func TestMovedFrame(t *testing.T) {
	m := startMock(t)
	s, b := openShop(t, m, us), openTab(t, 1280)
	signIn(b, s)
	rendered(b)
	value[bool](b, "document.body.appendChild(document.querySelector('#addressBookWidgetDiv')) !== null")
	b.Eventually("events.filter((e) => e === 'AddressBook.onReady').length === 2")
	assert.Equal(t, 1, value[int](b, "events.filter((e) => e === 'AddressBook.onBillingAgreementCreate').length"))
}
