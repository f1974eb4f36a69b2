package widgets_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay/widgets"
)

// node is a command, or the test is skipped.
func node(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	path, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed: the pages' scripts are not run")
	}
	return exec.CommandContext(t.Context(), path, args...)
}

// What is rendered is what a browser can read.
func TestScriptSyntax(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"checkout.js", "return.js", "testdata/browser.js"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			out, err := node(t, "--check", file).CombinedOutput()
			require.NoError(t, err, string(out))
		})
	}
}

var identifier = regexp.MustCompile(` id="([^"]+)"`)

// scene is a page and what happens on it, in JavaScript.
type scene struct {
	region   widgets.Region
	page     widgets.Page
	scenario string
	before   string
}

// play runs the scripts of pages in a small browser with a small Widgets.js, both
// of testdata/browser.js, and returns what happened. Messages are the codes of
// their errors.
func play(t *testing.T, scenes ...scene) (happened [][]string) {
	t.Helper()
	plays := []any{}
	for _, s := range scenes {
		s.page.Messages = widgets.Messages{}
		for code := range widgets.English() {
			s.page.Messages[code] = string(code)
		}
		view := render(t, s.region, s.page)
		var data, glue string
		for _, e := range tokenize(t, string(view.Head)) {
			switch {
			case e.attributes["type"] == "application/json":
				data = e.text
			case e.name == "script" && e.attributes["src"] == "":
				glue = e.text
			}
		}
		require.NotEmpty(t, glue)
		parts := []string{}
		for _, part := range []template.HTML{view.Messages, view.Login, view.Pay, view.AddressBook, view.Wallet, view.Consent, view.Confirm, view.Logout} {
			for _, found := range identifier.FindAllStringSubmatch(string(part), -1) {
				parts = append(parts, found[1])
			}
		}
		plays = append(plays, map[string]any{"glue": glue, "data": json.RawMessage(data), "parts": parts, "scenario": s.scenario, "before": s.before})
	}
	input, err := json.Marshal(plays)
	require.NoError(t, err)
	command := node(t, "testdata/browser.js")
	command.Stdin = bytes.NewReader(input)
	out, err := command.CombinedOutput()
	require.NoError(t, err, string(out))
	require.NoError(t, json.Unmarshal(out, &happened), string(out))
	require.Len(t, happened, len(scenes))
	return happened
}

// subscription is a page with everything, as a shop would make it.
func subscription() widgets.Page {
	return widgets.Page{
		EventsURL: "/events", CSRFToken: "csrf", SignInURL: "/basket",
		AddressBook: &widgets.AddressBook{}, Wallet: &widgets.Wallet{}, Consent: &widgets.Consent{},
		Confirm: &widgets.Confirm{SuccessURL: "/thanks"}, Logout: &widgets.Logout{},
	}
}

// chosen is a buyer who has chosen everything, on a page of subscription.
const chosen = `
	await load();
	widget.AddressBook.onReady(created("C02-1")); await settle();
	widget.AddressBook.onAddressSelect(created("C02-1")); await settle();
	widget.Wallet.onPaymentSelect(); await settle();
	widget.Consent.onReady(consent("false")); await settle();
	widget.Consent.onConsent(consent("true")); await settle();
	log("---");
`

// afterwards is what happens after the mark that chosen leaves.
func afterwards(lines []string) []string { return lines[slices.Index(lines, "---")+1:] }

const id = "billingAgreementId=C02-1"

func TestScriptOrder(t *testing.T) {
	t.Parallel()
	got := play(t, scene{region: widgets.RegionUK, page: subscription(), scenario: `
		await load(); state();
		widget.AddressBook.onReady(created("C02-1"));
		widget.AddressBook.onBillingAgreementCreate(created("C02-1")); await settle(); state();
		widget.AddressBook.onAddressSelect(created("C02-1")); await settle(); state();
		widget.Wallet.onReady(created("C02-1"));
		widget.Wallet.onPaymentSelect(); await settle(); state();
		widget.Consent.onReady(consent("false")); await settle(); state();
		widget.Consent.onConsent(consent(true)); await settle(); state();
		widget.Consent.onConsent(consent(false)); await settle(); state();
		widget.Consent.onConsent(consent("true")); await settle(); state();
		widget.AddressBook.onAddressSelect(); await settle();
		await click("confirm");
		flow(); await settle(); state();`})[0]
	responsive := `"design":{"designMode":"responsive"}`
	assert.Equal(t, []string{
		"setClientId " + clientID, "setUseCookie true",
		`bind AddressBook amazonpay-addressbook {"sellerId":"A2SELLEREXAMPLE",` + responsive + `,"agreementType":"BillingAgreement"}`,
		"Confirm disabled",
		`bind Consent amazonpay-consent {"sellerId":"A2SELLEREXAMPLE",` + responsive + `,"amazonBillingAgreementId":"C02-1"}`,
		"post created " + id, "answered created null", "Confirm disabled",
		`bind Wallet amazonpay-wallet {"sellerId":"A2SELLEREXAMPLE",` + responsive + `,"amazonBillingAgreementId":"C02-1"}`,
		"post address " + id, "answered address null", "Confirm disabled",
		"post payment " + id, "answered payment null", "Confirm disabled",
		"post consent " + id + " consent=false", "answered consent null", "Confirm disabled",
		"post consent " + id + " consent=true", "answered consent null", "Confirm enabled",
		"post consent " + id + " consent=false", "answered consent null", "Confirm disabled",
		"post consent " + id + " consent=true", "answered consent null", "Confirm enabled",
		"post address " + id, "answered address null",
		"initConfirmationFlow A2SELLEREXAMPLE C02-1",
		"post confirm " + id, "answered confirm null", "flow.success", "Confirm disabled",
	}, got)
}

func TestScriptConfirm(t *testing.T) {
	t.Parallel()
	begun := "initConfirmationFlow A2SELLEREXAMPLE C02-1"
	posted := "post confirm " + id
	tests := []struct {
		name     string
		region   widgets.Region
		scenario string
		want     []string
	}{
		{"a double click", widgets.RegionUK, `at("confirm").dispatchEvent(new Event("click")); at("confirm").dispatchEvent(new Event("click"));
			await click("confirm"); flow(); flow(); await settle(); flow(); await click("confirm");`,
			[]string{begun, "disabled confirm", posted, "answered confirm null", "flow.success", "disabled confirm"}},
		{"a double click without the flow", widgets.RegionNA, `at("confirm").dispatchEvent(new Event("click")); at("confirm").dispatchEvent(new Event("click"));
			await click("confirm"); await settle(); await click("confirm");`,
			[]string{"disabled confirm", posted, "answered confirm null", "goes to /thanks", "disabled confirm"}},
		{"Japan has no flow", widgets.RegionJP, `await click("confirm");`, []string{posted, "answered confirm null", "goes to /thanks"}},
		{"the shop's answer", widgets.RegionEU, `answers.push({ status: 200, text: '{"total":"9.99"}' }); await click("confirm"); flow(); await settle();`,
			[]string{begun, posted, `answered confirm {"total":"9.99"}`, "flow.success"}},
		{"refused, and again", widgets.RegionUK, `answers.push({ status: 409 }); await click("confirm"); flow(); await settle(); state();
			await click("confirm"); flow(); await settle();`,
			[]string{begun, posted, "flow.error", "says notConfirmed", "Confirm enabled", begun, posted, "answered confirm null", "flow.success"}},
		{"refused without the flow", widgets.RegionNA, `answers.push({ status: 422 }); await click("confirm"); state();`,
			[]string{posted, "says notConfirmed", "Confirm enabled"}},
		{"nobody knows: 502", widgets.RegionUK, `answers.push({ status: 502 }); await click("confirm"); flow(); await settle();`,
			[]string{begun, posted, "flow.error", "says confirmUnknown"}},
		{"nobody knows: 408", widgets.RegionNA, `answers.push({ status: 408 }); await click("confirm");`, []string{posted, "says confirmUnknown"}},
		{"nobody knows: 429", widgets.RegionNA, `answers.push({ status: 429 }); await click("confirm");`, []string{posted, "says confirmUnknown"}},
		{"no connection", widgets.RegionNA, `answers.push("down"); await click("confirm");`, []string{posted, "says confirmUnknown"}},
		{"no answer in 30 seconds", widgets.RegionUK, `answers.push("never"); await click("confirm"); flow(); await settle(); await pass(29000); state(); await pass(1000); state();`,
			[]string{begun, posted, "Confirm disabled", "flow.error", "says confirmUnknown", "Confirm enabled"}},
		{"the bank's page never comes", widgets.RegionUK, `await click("confirm"); flow(); await settle(); await pass(29999); state(); await pass(1); state();
			await click("confirm"); flow(); await settle();`,
			[]string{begun, posted, "answered confirm null", "flow.success", "Confirm disabled", "says confirmUnknown", "Confirm enabled",
				begun, posted, "answered confirm null", "flow.success"}},
		{"the next page never comes", widgets.RegionNA, `await click("confirm"); await pass(30000); state();`,
			[]string{posted, "answered confirm null", "goes to /thanks", "says confirmUnknown", "Confirm enabled"}},
		{"Amazon never calls, and then late", widgets.RegionUK, `await click("confirm"); await pass(29999); state(); await pass(1); state(); flow(); await settle(); state();
			await click("confirm"); flow(); await settle();`,
			[]string{begun, "Confirm disabled", "says UnknownError", "Confirm enabled", "Confirm enabled", begun, posted, "answered confirm null", "flow.success"}},
		{"the flow throws", widgets.RegionUK, `OffAmazonPayments.initConfirmationFlow = () => { throw new Error("no"); }; await click("confirm"); state();`,
			[]string{"console error", "says UnknownError", "Confirm enabled"}},
		{"after an event that waits", widgets.RegionNA, `let go; answers.push({ status: 204, wait: new Promise((done) => { go = done; }) });
			widget.Wallet.onPaymentSelect(); await click("confirm"); log("waits"); go(); await settle();`,
			[]string{"post payment " + id, "waits", "answered payment null", posted, "answered confirm null", "goes to /thanks"}},
		{"the session is over", widgets.RegionUK, `await pass(55 * 60000); await click("confirm");
			at("confirm").dispatchEvent(new Event("click")); await settle();`,
			slices.Concat([]string{"says BuyerSessionExpired"}, forgotten, []string{"post sessionEnded " + id, "answered sessionEnded null", "disabled confirm"})},
		{"the computer has slept", widgets.RegionUK, `sleep(55 * 60000); await click("confirm"); log(at("signin").hidden);`,
			slices.Concat([]string{"says BuyerSessionExpired"}, forgotten, []string{"post sessionEnded " + id, "answered sessionEnded null", "false"})},
	}
	scenes := []scene{}
	for _, test := range tests {
		scenes = append(scenes, scene{region: test.region, page: subscription(), scenario: chosen + test.scenario})
	}
	happened := play(t, scenes...)
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, afterwards(happened[i]))
		})
	}
}

var forgotten = func() []string {
	lines := []string{"logout"}
	for _, name := range []string{"amazon_Login_accessToken", "amazon_Login_state_cache", "aws-session-id"} {
		lines = append(lines, "cookie "+name+"=;expires=Thu, 01 Jan 1970 00:00:00 GMT", "cookie "+name+"=;path=/;expires=Thu, 01 Jan 1970 00:00:00 GMT")
	}
	return lines
}()

func TestScriptErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, scenario string
		want           []string
	}{
		{"each code has its message", `widget.Wallet.onError(error("PaymentMethodNotModifiable")); await settle();`,
			[]string{"says PaymentMethodNotModifiable", "post error " + id + " errorCode=PaymentMethodNotModifiable widget=Wallet", "answered error null"}},
		{"a new code", `widget.Consent.onError(error("Brand-New.1")); await settle();`,
			[]string{"says UnknownError", "post error " + id + " errorCode=Brand-New.1 widget=Consent", "answered error null"}},
		{"a code that is a property of all objects", `widget.Consent.onError(error("constructor")); await settle();`,
			[]string{"says UnknownError", "post error " + id + " errorCode=constructor widget=Consent", "answered error null"}},
		{"a hostile code", `widget.AddressBook.onError(error("<img src=x onerror=alert(1)>")); await settle();`,
			[]string{"says UnknownError", "post error " + id + " errorCode=UnknownError widget=AddressBook", "answered error null"}},
		{"no code", `widget.AddressBook.onError(); await settle();`,
			[]string{"says UnknownError", "post error " + id + " errorCode=UnknownError widget=AddressBook", "answered error null"}},
		{"Safari's", `widget.AddressBook.onError(error("ITP")); await settle(); state();`, []string{"Confirm enabled"}},
		{"not signed in", `widget.AddressBook.onError(error("BuyerNotAssociated")); await settle(); log(at("signin").hidden);`,
			[]string{"says BuyerNotAssociated", "post error " + id + " errorCode=BuyerNotAssociated widget=AddressBook", "answered error null", "false"}},
		{"the session is over, said twice", `widget.AddressBook.onError(error("BuyerSessionExpired")); widget.Wallet.onError(error("BuyerSessionExpired")); await settle(); state();
			log(at("signin").hidden);`,
			slices.Concat([]string{"says BuyerSessionExpired"}, forgotten, []string{"post sessionEnded " + id, "answered sessionEnded null", "Confirm disabled", "false"})},
		{"an event is refused", `answers.push({ status: 403 }); widget.Wallet.onPaymentSelect(); await settle();`,
			[]string{"post payment " + id, "says notSaved"}},
		{"an event never arrives, the next does", `answers.push("never"); widget.Wallet.onPaymentSelect(); widget.Consent.onConsent(consent("true"));
			await settle(); log("waits"); await pass(30000);`,
			[]string{"post payment " + id, "waits", "says notSaved", "post consent " + id + " consent=true", "answered consent null"}},
		{"an error cannot be posted", `answers.push("down"); widget.Wallet.onError(error("MissingParameter")); await settle();`,
			[]string{"says MissingParameter", "post error " + id + " errorCode=MissingParameter widget=Wallet"}},
		{"the script is blocked", `const e = new Event("error"); Object.defineProperty(e, "target", { value: { id: "amazonpay-script" } }); document.dispatchEvent(e);`,
			[]string{"says notLoaded"}},
		{"another script is blocked", `const e = new Event("error"); Object.defineProperty(e, "target", { value: { id: "advertisement" } }); document.dispatchEvent(e); state();`,
			[]string{"Confirm enabled"}},
		{"consent was given before", `widget.Consent.onConsent({}); await settle(); state(); log(at("consent").hidden);`,
			[]string{"post consent " + id + " consent=undefined", "answered consent null", "Confirm enabled", "false"}},
		{"nothing to consent to", `widget.Consent.onReady(consent("undefined")); await settle(); state(); log(at("consent").hidden);`,
			[]string{"post consent " + id + " consent=undefined", "answered consent null", "Confirm enabled", "true"}},
		{"an unknown consent is none", `widget.Consent.onReady(consent("maybe")); await settle(); state();`,
			[]string{"post consent " + id + " consent=false", "answered consent null", "Confirm disabled"}},
		{"payments twice", `window.onAmazonPaymentsReady(); await settle(); state();`, []string{"Confirm enabled"}},
		{"out of the browser's memory", `window.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true })); window.dispatchEvent(new Event("pageshow"));`,
			[]string{"reloads"}},
		{"signed out", `await click("logout");`, slices.Concat(forgotten, []string{"post logout " + id, "answered logout null", "goes to /basket"})},
		{"signed out, but the shop is deaf", `answers.push({ status: 500 }); await click("logout");`, slices.Concat(forgotten, []string{"post logout " + id, "says notSaved"})},
	}
	scenes := []scene{}
	for _, test := range tests {
		scenes = append(scenes, scene{region: widgets.RegionUK, page: subscription(), scenario: chosen + test.scenario})
	}
	happened := play(t, scenes...)
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, afterwards(happened[i]))
		})
	}
}

// All of Amazon's codes that a buyer can do something about, or nothing.
func TestScriptSaysEveryCode(t *testing.T) {
	t.Parallel()
	scenario := new(strings.Builder)
	var want []string
	for code := range widgets.English() {
		if code != widgets.ErrBuyerSessionExpired { // the end of the page: see TestScriptErrors
			fmt.Fprintf(scenario, "widget.AddressBook.onError(error(%q)); await settle();\n", code)
			want = append(want, "says "+string(code), fmt.Sprintf("post error errorCode=%s widget=AddressBook", code), "answered error null")
		}
	}
	got := play(t, scene{region: widgets.RegionNA, page: subscription(), scenario: `await load(); log("---");` + scenario.String()})[0]
	assert.Equal(t, want, afterwards(got))
}

func TestScriptPages(t *testing.T) {
	t.Parallel()
	events := widgets.Page{EventsURL: "/events", CSRFToken: "csrf", SignInURL: "/basket"}
	with := func(change func(*widgets.Page)) widgets.Page {
		p := events
		change(&p)
		return p
	}
	ready := []string{"setClientId " + clientID, "setUseCookie true"}
	const seller = `{"sellerId":"A2SELLEREXAMPLE","design":{"designMode":"responsive"}`
	tests := []struct {
		name     string
		page     widgets.Page
		scenario string
		want     []string
	}{
		{"both buttons", widgets.Page{
			Login: &widgets.Button{ReturnURL: "/return", State: "s1", Redirect: true, Language: widgets.LanguageGerman, Size: widgets.SizeXLarge, Color: widgets.ColorDarkGray, Type: widgets.ButtonLogin},
			Pay:   &widgets.Button{ReturnURL: "https://shop.example/return", State: "s2", Scopes: []string{"profile", "payments:widget", "payments:autopay_consent"}},
		}, `await load(); buttons["amazonpay-login"].authorization(); buttons["amazonpay-pay"].authorization();
			buttons["amazonpay-pay"].onError(error("InvalidSellerId")); buttons["amazonpay-pay"].onError(error("BuyerSessionExpired")); await settle();`,
			slices.Concat([]string{
				`button amazonpay-login A2SELLEREXAMPLE {"color":"DarkGray","language":"de-DE","size":"x-large","type":"Login"}`,
				`button amazonpay-pay A2SELLEREXAMPLE {"type":"PwA"}`,
				`authorize {"popup":false,"scope":"profile","state":"s1"} /return`,
				`authorize {"popup":true,"scope":"profile payments:widget payments:autopay_consent","state":"s2"} https://shop.example/return`,
				"says InvalidSellerId", "says BuyerSessionExpired",
			}, forgotten)},
		{"a button that makes the agreement", with(func(p *widgets.Page) {
			p.Pay = &widgets.Button{ReturnURL: "/return", State: "s", CreatesAgreement: true, UseAmazonAddressBook: true}
		}), `await load(); const pay = buttons["amazonpay-pay"]; pay.authorization(); pay.onSignIn(created("C02-1")); log("not yet"); await settle();
			pay.onSignIn(created("C02-1")); await settle();`,
			[]string{`button amazonpay-pay A2SELLEREXAMPLE {"type":"PwA","agreementType":"BillingAgreement","useAmazonAddressBook":true}`,
				`authorize {"popup":true,"scope":"profile payments:widget payments:shipping_address","state":"s"} `, "not yet",
				"post created " + id, "answered created null", "onComplete /return"}},
		{"a button that makes an agreement nobody saves", with(func(p *widgets.Page) {
			p.Pay = &widgets.Button{ReturnURL: "/return", State: "s", CreatesAgreement: true}
			p.OneTime = true
		}), `await load(); const pay = buttons["amazonpay-pay"]; pay.authorization(); answers.push({ status: 500 }); pay.onSignIn(created("S02-1")); await settle();
			pay.onSignIn(created("S02-2")); await settle();`,
			[]string{`button amazonpay-pay A2SELLEREXAMPLE {"type":"PwA","useAmazonAddressBook":false}`,
				`authorize {"popup":true,"scope":"profile payments:widget payments:shipping_address","state":"s"} `,
				"post created orderReferenceId=S02-1", "says notSaved",
				"post created orderReferenceId=S02-2", "answered created null", "onComplete /return"}},
		{"a button that makes the agreement, and no sign-in", with(func(p *widgets.Page) {
			p.Pay = &widgets.Button{ReturnURL: "/return", State: "s", CreatesAgreement: true}
		}), `await load(); buttons["amazonpay-pay"].authorization(); authorized({ access_token: "Atza|a" }); log("allowed"); authorized({ error: "access_denied" });`,
			[]string{`button amazonpay-pay A2SELLEREXAMPLE {"type":"PwA","agreementType":"BillingAgreement","useAmazonAddressBook":false}`,
				`authorize {"popup":true,"scope":"profile payments:widget payments:shipping_address","state":"s"} `, "allowed", "onComplete /return"}},
		{"digital goods: the Wallet makes the agreement", with(func(p *widgets.Page) {
			p.Wallet, p.Consent, p.Confirm = &widgets.Wallet{Scopes: []string{"profile", "payments:widget"}}, &widgets.Consent{}, &widgets.Confirm{}
		}), `await load(); widget.Wallet.onReady(created("C02-1")); await settle(); widget.Wallet.onPaymentSelect(created("C02-1")); await settle(); state();`,
			[]string{`bind Wallet amazonpay-wallet ` + seller + `,"scope":"profile payments:widget","agreementType":"BillingAgreement"}`,
				`bind Consent amazonpay-consent ` + seller + `,"amazonBillingAgreementId":"C02-1"}`,
				"post created " + id, "answered created null", "post payment " + id, "answered payment null", "Confirm disabled"}},
		{"one-time, in another currency", with(func(p *widgets.Page) {
			p.OneTime, p.Wallet = true, &widgets.Wallet{PresentmentCurrency: "USD", Design: widgets.Design{Mode: widgets.DesignSmartphoneCollapsible}}
			p.AddressBook = &widgets.AddressBook{Design: widgets.Design{Width: 400, Height: 260}}
		}), `await load(); widget.AddressBook.onOrderReferenceCreate(created("S02-1")); widget.AddressBook.onReady(created("S02-1")); await settle(); widget.AddressBook.onAddressSelect(created("S02-1")); await settle();`,
			[]string{`bind AddressBook amazonpay-addressbook {"sellerId":"A2SELLEREXAMPLE","design":{"size":{"height":"260px","width":"400px"}}}`,
				"post created orderReferenceId=S02-1", "answered created null", "currency USD",
				`bind Wallet amazonpay-wallet {"sellerId":"A2SELLEREXAMPLE","design":{"designMode":"smartphoneCollapsible"},"amazonOrderReferenceId":"S02-1"}`,
				"post address orderReferenceId=S02-1", "answered address null"}},
		{"a review", with(func(p *widgets.Page) {
			p.AmazonBillingAgreementID, p.Confirm = "C02-1", &widgets.Confirm{}
			p.AddressBook, p.Wallet = &widgets.AddressBook{DisplayMode: widgets.DisplayRead}, &widgets.Wallet{DisplayMode: widgets.DisplayRead}
		}), `await load(); widget.AddressBook.onReady(created("C02-1")); await settle(); state();`,
			[]string{`bind AddressBook amazonpay-addressbook ` + seller + `,"displayMode":"Read","amazonBillingAgreementId":"C02-1"}`,
				`bind Wallet amazonpay-wallet ` + seller + `,"displayMode":"Read","amazonBillingAgreementId":"C02-1"}`, "Confirm enabled"}},
		{"a new payment method after a decline", with(func(p *widgets.Page) {
			p.AmazonOrderReferenceID, p.Confirm = "S02-1", &widgets.Confirm{}
			p.AddressBook, p.Wallet = &widgets.AddressBook{DisplayMode: widgets.DisplayRead}, &widgets.Wallet{}
		}), `await load(); state(); widget.Wallet.onPaymentSelect(); await settle(); await click("confirm");`,
			[]string{`bind AddressBook amazonpay-addressbook ` + seller + `,"displayMode":"Read","amazonOrderReferenceId":"S02-1"}`,
				`bind Wallet amazonpay-wallet ` + seller + `,"amazonOrderReferenceId":"S02-1"}`, "Confirm disabled",
				"post payment orderReferenceId=S02-1", "answered payment null", "initConfirmationFlow A2SELLEREXAMPLE S02-1"}},
		{"the later page of a button that made the agreement", with(func(p *widgets.Page) {
			p.AmazonBillingAgreementID, p.AddressBook, p.Wallet, p.Consent = "C02-1", &widgets.AddressBook{}, &widgets.Wallet{}, &widgets.Consent{}
		}), `await load(); log("address"); widget.AddressBook.onAddressSelect(created("C02-1")); await settle();`,
			[]string{`bind AddressBook amazonpay-addressbook ` + seller + `,"amazonBillingAgreementId":"C02-1"}`,
				`bind Consent amazonpay-consent ` + seller + `,"amazonBillingAgreementId":"C02-1"}`, "address",
				`bind Wallet amazonpay-wallet ` + seller + `,"amazonBillingAgreementId":"C02-1"}`, "post address " + id, "answered address null"}},
		{"a widget throws", with(func(p *widgets.Page) { p.Wallet = &widgets.Wallet{} }),
			`OffAmazonPayments.Widgets.Wallet = class { constructor() { throw new Error("no"); } }; await load();`, []string{"console error", "says UnknownError"}},
		{"the page is slower than Amazon", with(func(p *widgets.Page) { p.Wallet = &widgets.Wallet{} }),
			`document.readyState = "loading"; await load(); log("parsed"); document.dispatchEvent(new Event("DOMContentLoaded"));`,
			[]string{"parsed", `bind Wallet amazonpay-wallet ` + seller + `,"agreementType":"BillingAgreement"}`}},
		{"the session ends by itself", with(func(p *widgets.Page) { p.Wallet, p.SessionLeft = &widgets.Wallet{}, 10*time.Minute }),
			`await load(); await pass(10 * 60000 - 1); log("soon"); await pass(1);`,
			slices.Concat([]string{`bind Wallet amazonpay-wallet ` + seller + `,"agreementType":"BillingAgreement"}`, "soon", "says BuyerSessionExpired"}, forgotten,
				[]string{"post sessionEnded", "answered sessionEnded null"})},
	}
	scenes := []scene{}
	for _, test := range tests {
		scenes = append(scenes, scene{region: widgets.RegionUK, page: test.page, scenario: test.scenario})
	}
	happened := play(t, scenes...)
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, slices.Concat(ready, test.want), happened[i])
		})
	}
}

// A page may have used Amazon's names before, and loads Amazon's script when and
// if it likes.
func TestScriptLoading(t *testing.T) {
	t.Parallel()
	page := widgets.Page{EventsURL: "/events", CSRFToken: "csrf", SignInURL: "/basket", Wallet: &widgets.Wallet{}}
	ready := []string{"setClientId " + clientID, "setUseCookie true"}
	bound := `bind Wallet amazonpay-wallet {"sellerId":"A2SELLEREXAMPLE","design":{"designMode":"responsive"},"agreementType":"BillingAgreement"}`
	tests := []struct {
		name, before, scenario string
		want                   []string
	}{
		{"functions of the page's own", `window.onAmazonLoginReady = () => log("own login"); window.onAmazonPaymentsReady = () => log("own payments");`, `await load();`,
			slices.Concat(ready, []string{"own login", bound, "own payments"})},
		{"Amazon's script is there already", `window.amazon = amazon; window.OffAmazonPayments = OffAmazonPayments;`, `log("---");`,
			slices.Concat(ready, []string{bound, "---"})},
		{"it never says that it is ready", "", `await pass(29999); log("soon"); await pass(1);`, []string{"soon", "says notLoaded"}},
		{"it is late", "", `await pass(30000); await load(); log("left:" + at("messages").textContent);`,
			slices.Concat([]string{"says notLoaded"}, ready, []string{bound, "left:"})},
	}
	scenes := []scene{}
	for _, test := range tests {
		scenes = append(scenes, scene{region: widgets.RegionNA, page: page, before: test.before, scenario: test.scenario})
	}
	happened := play(t, scenes...)
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, happened[i])
		})
	}
}

// returnHarness is the window that return.js runs in.
const returnHarness = `
"use strict";
const { glue, search, hash } = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const form = { elements: { delivered: {} }, submit() { console.log(this.action + " " + this.elements.delivered.value); } };
const window = {
	location: { hash, search, pathname: "/return" }, document: { getElementById: () => form },
	history: { replaceState: (a, b, url) => console.log("address " + url) },
};
require("node:vm").runInNewContext(glue, window);`

func TestScriptReturn(t *testing.T) {
	t.Parallel()
	page := returnPage(t, "/return?access_token=Atza%7Csecret")
	var glue string
	for _, e := range tokenize(t, page.Body.String()) {
		if e.name == "script" {
			glue = e.text
		}
	}
	for _, test := range []struct{ name, search, hash, want string }{
		{"window", "?access_token=Atza%7Ca&state=s", "", "?access_token=Atza%7Ca&state=s"},
		{"redirect", "", "#access_token=Atza%7Ca&state=s", "#access_token=Atza%7Ca&state=s"},
		{"redirect, with a query", "?from=amazon", "#state=s&access_token=Atza%7Ca", "#state=s&access_token=Atza%7Ca"},
		{"canceled, with the empty fragment of some browsers", "?error=access_denied&state=s", "#", "?error=access_denied&state=s"},
		{"window, with a fragment of another kind", "?access_token=a", "#top", "?access_token=a"},
		{"nothing", "", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			input, err := json.Marshal(map[string]string{"glue": glue, "search": test.search, "hash": test.hash})
			require.NoError(t, err)
			command := node(t, "-e", returnHarness)
			command.Stdin = bytes.NewReader(input)
			out, err := command.CombinedOutput()
			require.NoError(t, err, string(out))
			assert.Equal(t, "address /return\n/return "+test.want+"\n", string(out))
		})
	}
}
