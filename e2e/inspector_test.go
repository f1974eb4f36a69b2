package e2e_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
	"github.com/amazonpay-go/amazonpay/e2e/browser"
)

func TestMain(m *testing.M) {
	code := browser.Run(m)
	if built != "" {
		_ = os.RemoveAll(filepath.Dir(built)) // in a folder for such things
	}
	os.Exit(code)
}

// mock is the server as a process of its own.
type mock struct {
	t      testing.TB
	base   string
	client *amazonpay.Client
}

// built is the server's binary, once it has been built.
var built string

func startMock(t testing.TB, args ...string) *mock {
	t.Helper()
	if browser.Path() == "" {
		browser.Open(t, browser.Screen{}) // skips, and says why
	}
	if built == "" {
		folder, err := os.MkdirTemp("", "e2e")
		require.NoError(t, err)
		path := filepath.Join(folder, "amazonpay-mock")
		out, err := exec.Command("go", "build", "-C", "..", "-o", path, "./cmd/amazonpay-mock").CombinedOutput()
		require.NoError(t, err, string(out))
		built = path
	}
	readyFile := filepath.Join(t.TempDir(), "ready.json")
	cmd := exec.Command(built, append([]string{"-http", "127.0.0.1:0", "-https", "off", "-quiet", "-ready-file", readyFile}, args...)...)
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		require.NoError(t, cmd.Wait())
	})
	var ready struct{ HTTP []string }
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(readyFile)
		return err == nil && json.Unmarshal(text, &ready) == nil
	}, browser.Patience, 10*time.Millisecond)
	client, err := amazonpay.New(amazonpaytest.New(amazonpaytest.Settings{}).ConfigAt(ready.HTTP[0]))
	require.NoError(t, err)
	return &mock{t: t, base: ready.HTTP[0], client: client}
}

// control posts to the control API. The answer to an act has an id.
func (m *mock) control(path, body string) (id string) {
	m.t.Helper()
	resp, err := http.Post(m.base+"/mock/"+path, "application/json", strings.NewReader(body))
	require.NoError(m.t, err)
	defer func() { _ = resp.Body.Close() }()
	require.Equal(m.t, http.StatusOK, resp.StatusCode, path+body)
	var answer struct{ ID string }
	require.NoError(m.t, json.NewDecoder(resp.Body).Decode(&answer))
	return answer.ID
}

func (m *mock) confirm(id amazonpay.BillingAgreementID) {
	m.t.Helper()
	err := m.client.ConfirmBillingAgreement(context.Background(), amazonpay.ConfirmBillingAgreementRequest{AmazonBillingAgreementID: id})
	require.NoError(m.t, err)
}

func (m *mock) ping() error {
	_, err := m.client.GetServiceStatus(context.Background())
	return err
}

func (m *mock) charge(id amazonpay.BillingAgreementID, reference, amount string, captureNow bool) (*amazonpay.BillingAgreementAuthorization, error) {
	m.t.Helper()
	return m.client.AuthorizeOnBillingAgreement(context.Background(), amazonpay.AuthorizeOnBillingAgreementRequest{
		AmazonBillingAgreementID: id, AuthorizationReferenceID: amazonpay.ReferenceID(reference),
		AuthorizationAmount: amazonpay.MustPrice(amount, "USD"), TransactionTimeout: new(0), CaptureNow: captureNow,
	})
}

// shop takes notifications; it refuses the first.
type shop struct {
	*httptest.Server
	seen atomic.Int32
}

func openShop(t testing.TB) *shop {
	s := &shop{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if s.seen.Add(1) == 1 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// fill makes something of everything; it returns the agreement with most of it,
// and one of its order references.
func (m *mock) fill() (agreement amazonpay.BillingAgreementID, order amazonpay.OrderReferenceID) {
	t := m.t
	agreement = amazonpay.BillingAgreementID(m.control("acts", `{"do":"OpenBillingAgreement"}`))
	m.control("acts", `{"do":"NewBillingAgreement"}`)
	short := m.control("acts", `{"do":"OpenBillingAgreement","payment":"ShortOnce"}`)
	gone := m.control("acts", `{"do":"OpenBillingAgreement"}`)
	m.control("acts", `{"do":"Cancel","id":"`+gone+`"}`)
	paid, err := m.charge(agreement, "2026-01", "19.90", true)
	require.NoError(t, err)
	_, err = m.charge(agreement, "2026-02", "19.90", false)
	require.NoError(t, err)
	_, err = m.client.Refund(t.Context(), amazonpay.RefundRequest{AmazonCaptureID: paid.IDList[0], RefundReferenceID: "goodwill-1", RefundAmount: amazonpay.MustPrice("4.90", "USD")})
	require.NoError(t, err)
	m.control("acts", `{"do":"Chargeback","id":"`+string(paid.IDList[0])+`","reason":"Product not as described"}`)
	m.control("acts", `{"do":"OpenOrderReference","amount":"120.00 USD"}`)
	declined, err := m.charge(amazonpay.BillingAgreementID(short), "2026-01-of-another", "5.00", true)
	require.NoError(t, err)
	require.Equal(t, amazonpay.StateDeclined, declined.AuthorizationStatus.State)
	m.control("faults", `{"action":"GetAuthorizationDetails","kind":"Throttled","times":1}`)
	_, err = m.client.GetAuthorizationDetails(t.Context(), amazonpay.GetAuthorizationDetailsRequest{AmazonAuthorizationID: paid.AmazonAuthorizationID})
	require.NoError(t, err, "it is tried again")
	m.control("faults", `{"action":"Capture","kind":"AnswerLost","times":2}`)
	m.control("faults", `{"kind":"Slow","delay":"1ms","probability":0.2,"times":-1}`)
	return agreement, paid.AmazonOrderReferenceID
}

// No page has to be scrolled sideways, on no screen; pictures show the rest.
func TestShapes(t *testing.T) {
	m := startMock(t, "-notify", openShop(t).URL+"/ipn")
	agreement, order := m.fill()
	screens := map[string]browser.Screen{"1280-light": {Width: 1280, Height: 900}, "800-dark": {Width: 800, Height: 700, Dark: true},
		"390-light": {Width: 390, Height: 844}, "320-light": {Width: 320, Height: 700}}
	if os.Getenv(browser.Screenshots) != "" { // darkness changes no width
		screens["1280-dark"] = browser.Screen{Width: 1280, Height: 900, Dark: true}
		screens["390-dark"] = browser.Screen{Width: 390, Height: 844, Dark: true}
	}
	for name, screen := range screens {
		t.Run(name, func(t *testing.T) {
			tab := browser.Open(t, screen)
			for page, path := range map[string]string{
				"overview": "/", "empty": "/?region=JP",
				"agreement": "/inspector/objects/" + string(agreement), "order": "/inspector/objects/" + string(order),
				"payments": "/inspector/list/payments", "notifications": "/inspector/list/notifications",
			} {
				tab.Visit(m.base + path)
				tab.FitsWidth()
				assert.True(t, browser.Eval[bool](tab, sound), "controls have names, nothing sticks out, each id is one element's: %s", page)
				tab.Screenshot("inspector-" + page + "-" + name)
				browser.Eval[bool](tab, "document.querySelectorAll('details').forEach(d => d.open = true), true")
				tab.FitsWidth()
			}
		})
	}
}

// sound is true where every control has a name, every table headers, everything
// is within its section, and no id is there twice.
const sound = `[...document.querySelectorAll("input:not([type=hidden]), select")].every(e => e.labels.length > 0) &&
	[...document.querySelectorAll("button, a, summary")].every(e => e.textContent.trim()) &&
	[...document.querySelectorAll("table")].every(t => t.caption && t.querySelectorAll("th[scope]").length > 0) &&
	[...document.querySelectorAll("section *")].every(e => e.closest(".unseen, thead") || e.getBoundingClientRect().right <= e.closest("section").getBoundingClientRect().right + 1) &&
	new Set([...document.querySelectorAll("[id]")].map(e => e.id)).size === document.querySelectorAll("[id]").length`

// idOfPage is the object whose page is open.
const idOfPage = `document.querySelector("h1 .id").textContent`

// A subscription from its beginning to a lost and a new card. The page follows
// what the client does without being loaded again.
func TestSubscription(t *testing.T) {
	shop := openShop(t)
	m := startMock(t, "-notify", shop.URL, "-manual-clock", "-start", "2026-01-15T12:00:00Z")
	tab := browser.Open(t, browser.Screen{})
	tab.Visit(m.base)
	tab.Click("#new-agreement-draft")
	tab.Eventually(`location.pathname.startsWith("/inspector/objects/C01-")`)
	tab.Eventually(`document.readyState === "complete"`)
	id := browser.Eval[string](tab, idOfPage)
	browser.Eval[bool](tab, "window.sameDocument = true") // gone if the page is loaded again
	tab.Sees("#head .state", "Draft")
	tab.Sees("#constraints", "BuyerConsentNotSet")
	tab.Click("#f-Consent-" + id + "-do")
	tab.Sees("#told", "Consent: "+id+" is Draft.")
	tab.Sees("#facts", "given")
	tab.Eventually(`document.querySelector("#f-WithdrawConsent-` + id + `")`)
	tab.Sees("#acts", "Withdraw consent")

	m.confirm(amazonpay.BillingAgreementID(id))
	tab.Sees("#head .state", "Open")
	paid, err := m.charge(amazonpay.BillingAgreementID(id), "2026-01", "19.90", true)
	require.NoError(t, err)
	tab.Sees("#payments .payment", string(paid.IDList[0]))
	tab.Sees("#limits", "980.10 USD")
	tab.Sees("#news", "is Completed")
	tab.Sees("#history", "AuthorizeOnBillingAgreement")

	tab.Click("#f-DeletePaymentMethod-" + id + "-do")
	tab.Sees("#head .state", "Suspended")
	tab.Fill("#f-UpdatePaymentMethod-"+id+"-payment", "SlowBank")
	tab.Click("#f-UpdatePaymentMethod-" + id + "-do")
	tab.Sees("#head .state", "Open")
	tab.Sees("#facts", "SlowBank")

	before := shop.seen.Load()
	tab.Click("#history li.notification form.act button")
	tab.Sees("#told", "Resend: done.")
	require.Eventually(t, func() bool { return shop.seen.Load() > before }, browser.Patience, 10*time.Millisecond)
	assert.True(t, browser.Eval[bool](tab, "window.sameDocument"), "the page was never loaded again")
	tab.Screenshot("inspector-subscription")
}

// The overview: clock, faults, refused forms, what the client does meanwhile.
func TestOverview(t *testing.T) {
	m := startMock(t, "-manual-clock", "-start", "2026-01-31T12:00:00Z", "-agreement")
	tab := browser.Open(t, browser.Screen{})
	tab.Visit(m.base)
	browser.Eval[bool](tab, "window.sameDocument = true")
	for _, step := range [][2]string{
		{"#clock-hour", "31 Jan 2026 13:00:00"}, {"#clock-day", "1 Feb 2026 13:00:00"}, {"#clock-month", "1 Mar 2026 13:00:00"},
	} {
		tab.Click(step[0])
		tab.Sees("#clock .big", step[1])
		tab.Sees("#now", step[1])
	}
	tab.Fill("#clock-by-duration", "36h")
	tab.Click("#clock-by-do")
	tab.Sees("#clock .big", "3 Mar 2026 01:00:00")

	tab.Expect("422") // the browser tells of every refused form
	tab.Fill("#clock-by-duration", "tomorrow")
	tab.Click("#clock-by-do")
	tab.Sees("#clock-by-duration-error", "duration is \"tomorrow\"; it is a text like")
	assert.Equal(t, "clock-by-duration", browser.Eval[string](tab, "document.activeElement.id"), "one can go on typing")
	assert.Equal(t, "tomorrow", browser.Eval[string](tab, "document.activeElement.value"))

	require.NoError(t, m.ping())
	tab.Sees("#calls", "GetServiceStatus")
	tab.Sees("#clock-by-duration-error", "duration") // news do not take the refusal away

	tab.Fill("#inject-action", "GetBillingAgreementDetails")
	tab.Fill("#inject-kind", "ServerError500")
	tab.Fill("#inject-times", "2")
	tab.Click("#inject-do")
	tab.Sees("#faults", "2 ×")
	tab.Fill("#new-order-amount", "12.34 USD")
	id := browser.Eval[string](tab, `document.querySelector("#agreements th .id").textContent`)
	_, err := m.client.GetBillingAgreementDetails(t.Context(), amazonpay.GetBillingAgreementDetailsRequest{AmazonBillingAgreementID: amazonpay.BillingAgreementID(id)})
	require.NoError(t, err, "it is tried again")
	tab.Sees("#calls .state", "ServerError500")
	tab.Sees("#faults", "Requests go through.")
	assert.Equal(t, "12.34 USD", browser.Eval[string](tab, `document.querySelector("#new-order-amount").value`), "what is being typed stays")
	assert.True(t, browser.Eval[bool](tab, "window.sameDocument"))

	tab.Click("#new-order-draft")
	tab.Sees("h1", "Order reference")
	tab.Click("#now") // nothing
	tab.Visit(m.base)
	tab.Click("#clock-next")
	tab.Sees("#orders .state", "Canceled")
}

// Focus, selection and scroll stay while the page changes.
func TestNothingIsTornAway(t *testing.T) {
	m := startMock(t, "-agreement")
	tab := browser.Open(t, browser.Screen{Width: 390, Height: 700})
	tab.Visit(m.base)
	id := browser.Eval[string](tab, `document.querySelector("#agreements th .id").textContent`)
	browser.Eval[bool](tab, `(() => {
		document.querySelector("#reset-more").open = true;
		const field = document.querySelector("#inject-delay");
		field.focus(); field.value = "250ms"; field.setSelectionRange(1, 3);
		scrollTo(0, 700);
		return true;
	})()`)
	scroll := browser.Eval[float64](tab, "scrollY")
	_, err := m.charge(amazonpay.BillingAgreementID(id), "one", "1.00", true)
	require.NoError(t, err)
	tab.Sees("#books", "1.00 USD")
	assert.Equal(t, "inject-delay 250ms 1 3", browser.Eval[string](tab, `(e => [e.id, e.value, e.selectionStart, e.selectionEnd].join(" "))(document.activeElement)`))
	assert.True(t, browser.Eval[bool](tab, `document.querySelector("#reset-more").open`), "what was unfolded stays so")
	assert.GreaterOrEqual(t, browser.Eval[float64](tab, "scrollY"), scroll, "nobody is sent to the top: what comes above pushes the rest down")

	browser.Eval[bool](tab, `(() => {
		const range = document.createRange();
		range.selectNodeContents(document.querySelector("#agreements th .id"));
		getSelection().removeAllRanges(); getSelection().addRange(range);
		return true;
	})()`)
	_, err = m.charge(amazonpay.BillingAgreementID(id), "two", "2.00", true)
	require.NoError(t, err)
	tab.Sees("#books", "3.00 USD")
	assert.Equal(t, id, browser.Eval[string](tab, "getSelection().toString()"))

	tab.Click("#live")
	tab.Sees("#live", "Paused")
}

// Everything can be done with the keys alone, and one sees where one is.
func TestKeyboard(t *testing.T) {
	m := startMock(t)
	tab := browser.Open(t, browser.Screen{})
	tab.Visit(m.base)
	tab.Press(kb.Tab)
	assert.Equal(t, "Skip to the content", browser.Eval[string](tab, "document.activeElement.textContent"))
	assert.GreaterOrEqual(t, browser.Eval[float64](tab, "document.activeElement.getBoundingClientRect().top"), 0.0, "it is seen while it has the focus")
	tab.Press(kb.Enter)
	tab.Eventually(`location.hash === "#main"`)

	reach := func(id string) {
		t.Helper()
		for range 80 {
			tab.Press(kb.Tab)
			if browser.Eval[string](tab, "document.activeElement.id") == id {
				assert.NotEqual(t, "none", browser.Eval[string](tab, "getComputedStyle(document.activeElement).outlineStyle"), "the focus is seen")
				return
			}
		}
		require.FailNow(t, "the keys do not lead there", id)
	}
	reach("new-agreement-draft")
	tab.Press(kb.Enter)
	tab.Eventually(`location.pathname.startsWith("/inspector/objects/") && document.readyState === "complete"`)
	id := browser.Eval[string](tab, idOfPage)
	reach("f-Consent-" + id + "-do")
	tab.Press(" ")
	tab.Sees("#facts", "given")
	tab.Eventually(`document.querySelector("#f-WithdrawConsent-` + id + `")`)
	assert.NotEqual(t, "BODY", browser.Eval[string](tab, "document.activeElement.nodeName"), "the focus is not lost with the button")
	m.confirm(amazonpay.BillingAgreementID(id))
	tab.Eventually(`document.querySelector("#f-Cancel-` + id + `-do")`)
	reach("f-Cancel-" + id + "-do")
	tab.PressBack()
	assert.NotEqual(t, "f-Cancel-"+id+"-do", browser.Eval[string](tab, "document.activeElement.id"))
	tab.Press(kb.Tab, kb.Enter)
	tab.Sees("#head .state", "Closed")
}

// Without a script the page works with forms and a reload.
func TestWithoutScript(t *testing.T) {
	m := startMock(t)
	tab := browser.Open(t, browser.Screen{NoScript: true})
	tab.Visit(m.base)
	tab.Click("#new-agreement-open")
	tab.Sees("#head .state", "Open")
	id := browser.Eval[string](tab, idOfPage)
	tab.Click("#f-Cancel-" + id + "-do")
	tab.Sees("#head .state", "Closed")
	tab.Sees("#told", "is Closed")
	tab.Expect("422")
	tab.Visit(m.base)
	tab.Fill("#new-order-amount", "a lot")
	tab.Click("#new-order-open")
	tab.Sees("#new-order-amount-error", "is no price")
	assert.Equal(t, "a lot", browser.Eval[string](tab, `document.querySelector("#new-order-amount").value`))
}

// What is hostile in an object is text on the page.
func TestHostileText(t *testing.T) {
	m := startMock(t)
	id := m.control("acts", `{"do":"NewBillingAgreement","buyer":{"Name":"<img src=x onerror=alert(1)>"}}`)
	hostile := `"><script>alert(2)</script><img src=x onerror=alert(3)>`
	_, err := m.client.SetBillingAgreementDetails(t.Context(), amazonpay.SetBillingAgreementDetailsRequest{
		AmazonBillingAgreementID:   amazonpay.BillingAgreementID(id),
		BillingAgreementAttributes: amazonpay.BillingAgreementAttributes{SellerNote: hostile}})
	require.NoError(t, err)
	tab := browser.Open(t, browser.Screen{})
	tab.Visit(m.base + "/inspector/objects/" + id)
	tab.Sees("#facts", hostile)
	tab.Sees("#buyer", "<img src=x onerror=alert(1)>")
	tab.Click("#f-Consent-" + id + "-do") // the script changes the page, too
	tab.Sees("#told", "Consent")
	tab.Visit(m.base + "/inspector/find?id=%3Cscript%3Ealert(4)%3C/script%3E")
	tab.Expect("404")
	assert.Zero(t, browser.Eval[int](tab, `document.querySelectorAll("img").length + document.querySelectorAll("script").length - 1`))
}
