package main

import (
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// A buyer's life with the shop, in all regions.
func TestSubscription(t *testing.T) {
	for _, region := range []amazonpay.Region{amazonpay.RegionNA, amazonpay.RegionUK, amazonpay.RegionEU, amazonpay.RegionJP} {
		t.Run(string(region), func(t *testing.T) {
			m := open(t, region)
			b := m.browser(nora)
			thanks, agreement := b.subscribe(amazonpaytest.GoodCard)
			assert.Equal(t, "paid", thanks.state("thanks"))
			assert.Equal(t, money(m.shop.price), thanks.text("amount"))
			assert.EqualValues(t, 1, m.captured())

			account := b.get("/account")
			assert.Equal(t, "Active", account.text("subscription-state"))
			assert.Equal(t, "active", b.press(account, "renew").state("subscription"))
			assert.EqualValues(t, 2, m.captured())

			// Another payment method, which turns out to be bad.
			b.change(agreement, amazonpaytest.BadCard)
			account = b.press(b.get("/account"), "renew")
			assert.Equal(t, "payment", account.state("subscription"))
			assert.True(t, account.has("repair"))
			assert.EqualValues(t, 2, m.captured())

			// And a good one: what is open is charged at once.
			account = b.change(agreement, amazonpaytest.GoodCard)
			assert.Equal(t, "active", account.state("subscription"))
			assert.EqualValues(t, 3, m.captured())
			assert.Contains(t, account.body, "try 2")

			account = b.press(account, "cancel")
			assert.Equal(t, "canceled", account.state("subscription"))
			state, reason := agreement.State()
			assert.Equal(t, amazonpay.StateClosed, state)
			assert.Equal(t, amazonpay.ReasonSellerClosed, reason)
			m.fake.Advance(400 * 24 * time.Hour)
			m.shop.keepUp(t.Context())
			assert.EqualValues(t, 3, m.captured())
			rows := regexp.MustCompile(`<tr data-state=`)
			assert.Len(t, rows.FindAllString(account.body, -1), 4)
			assert.Len(t, rows.FindAllString(b.signIn("/signin").body, -1), 4, "nothing was even tried")

			// The ids are made of what is paid for: a shop that lost its memory
			// would make the same.
			subscription := "subscription " + strings.TrimPrefix(thanks.path, "/orders/")
			var ids []amazonpay.ReferenceID
			for _, moved := range m.fake.Ledger() {
				ids = append(ids, moved.ReferenceID)
			}
			assert.Equal(t, []amazonpay.ReferenceID{
				amazonpay.NewReferenceID(shopName, subscription, "period 1", "try 1"),
				amazonpay.NewReferenceID(shopName, subscription, "period 2", "try 1"),
				amazonpay.NewReferenceID(shopName, subscription, "period 3", "try 2"),
			}, ids)
		})
	}
}

// change is the page with the Wallet, and the bank.
func (b *browser) change(agreement *amazonpaytest.BillingAgreement, method amazonpaytest.PaymentMethod) seen {
	b.m.t.Helper()
	page := b.get("/account/payment")
	require.Equal(b.m.t, "/account/payment", page.path)
	agreement.ChoosePaymentMethod(method)
	d := b.data(page)
	require.Equal(b.m.t, string(agreement.ID()), d.BillingAgreementID)
	require.Nil(b.m.t, d.Consent, "consent was given once and for all")
	require.Equal(b.m.t, http.StatusOK, b.tell(d, "payment", agreement.ID()).status)
	return b.confirm(page, agreement, amazonpaytest.AuthenticationSuccess)
}

// all runs the same many times at once.
func all(n int, work func()) {
	var group sync.WaitGroup
	for range n {
		group.Go(work)
	}
	group.Wait()
}

func TestDoubleClick(t *testing.T) {
	m := open(t, amazonpay.RegionUK)
	b := m.browser(nora)
	review, agreement := b.toReview(amazonpaytest.GoodCard)
	d := b.data(review)
	all(8, func() { assert.Equal(t, http.StatusOK, b.tell(d, "confirm", agreement.ID()).status) })
	back := agreement.Authenticate(amazonpaytest.AuthenticationSuccess)
	all(8, func() { assert.Equal(t, "paid", b.get(back).state("thanks")) })
	assert.EqualValues(t, 1, m.captured())

	account := b.get("/account")
	all(8, func() { assert.Equal(t, "active", b.press(account, "renew").state("subscription")) })
	assert.EqualValues(t, 2, m.captured(), "the form names the period")

	agreement.UpdatePaymentMethod(amazonpaytest.RejectedCard)
	account = b.press(b.get("/account"), "renew")
	require.Equal(t, "retry", account.state("subscription"))
	all(8, func() { b.press(account, "retry") })
	account = b.get("/account")
	assert.Contains(t, account.body, `data-try="2"`)
	assert.NotContains(t, account.body, `data-try="3"`)
	agreement.UpdatePaymentMethod(amazonpaytest.GoodCard)
	all(8, func() { b.press(account, "retry") })
	assert.EqualValues(t, 3, m.captured(), "the form names the charge")
	account = b.get("/account")
	all(8, func() { b.press(account, "cancel") })
	assert.Equal(t, "canceled", b.get("/account").state("subscription"))
}

func TestReloadAndBack(t *testing.T) {
	m := open(t, amazonpay.RegionUK)
	b := m.browser(nora)
	page := b.signIn("/")
	agreement := b.choose(page, amazonpaytest.Checkout{})
	review := b.press(page, "to-review")
	again := b.get(review.path)
	assert.Equal(t, string(agreement.ID()), b.data(again).BillingAgreementID)
	assert.Equal(t, string(agreement.ID()), b.data(b.get(page.path)).BillingAgreementID, "back: the widgets show what was chosen")
	require.Equal(t, http.StatusOK, b.tell(b.data(review), "confirm", agreement.ID()).status)
	back := agreement.Authenticate(amazonpaytest.AuthenticationSuccess)
	thanks := b.get(back)
	for _, path := range []string{back, thanks.path, page.path, review.path, back} {
		got := b.get(path)
		assert.Equal(t, thanks.path, got.path, path)
		assert.Equal(t, "paid", got.state("thanks"), path)
	}
	assert.Equal(t, thanks.path, b.press(page, "to-review").path, "an old page's form")
	assert.Equal(t, http.StatusOK, b.tell(b.data(review), "confirm", agreement.ID()).status, "an old page's button")
	assert.Equal(t, http.StatusConflict, b.tell(b.data(page), "created", "C02-0000000-0000009").status)
	assert.EqualValues(t, 1, m.captured())
}

func TestTwoTabs(t *testing.T) {
	t.Run("of one order", func(t *testing.T) {
		m := open(t, amazonpay.RegionUK)
		b := m.browser(nora)
		one := b.signIn("/")
		two := b.get(one.path)
		agreement := b.choose(one, amazonpaytest.Checkout{})
		other := m.fake.NewBillingAgreementWith(amazonpaytest.Checkout{Buyer: b.login.Buyer()}).Consent()
		assert.Equal(t, http.StatusConflict, b.tell(b.data(two), "created", other.ID()).status)
		assert.Equal(t, http.StatusConflict, b.tell(b.data(two), "confirm", other.ID()).status)
		assert.Equal(t, string(agreement.ID()), b.data(b.get(two.path)).BillingAgreementID, "the reload goes on with the first")
	})
	t.Run("of two orders, the slower at the bank", func(t *testing.T) {
		m := open(t, amazonpay.RegionUK)
		b := m.browser(nora)
		review, slow := b.toReview(amazonpaytest.GoodCard)
		require.Equal(t, http.StatusOK, b.tell(b.data(review), "confirm", slow.ID()).status)
		m.shop.price = amazonpay.MustPrice("39.00", amazonpay.CurrencyGBP) // so that the other tab has an order of its own
		second := b.press(b.get("/"), "continue")
		require.NotEqual(t, strings.TrimSuffix(review.path, "/review"), second.path)
		fast := b.choose(second, amazonpaytest.Checkout{})
		b.confirm(b.press(second, "to-review"), fast, amazonpaytest.AuthenticationSuccess)
		assert.Equal(t, http.StatusConflict, b.tell(b.data(review), "confirm", slow.ID()).status)
		late := b.get(slow.Authenticate(amazonpaytest.AuthenticationSuccess))
		assert.Equal(t, http.StatusConflict, late.status)
		state, _ := slow.State()
		assert.Equal(t, amazonpay.StateClosed, state, "given back")
		assert.EqualValues(t, 1, m.captured(), "at the price of the second, which is on its page")
	})
	t.Run("two browsers", func(t *testing.T) {
		m := open(t, amazonpay.RegionNA)
		laptop, phone := m.browser(nora), m.browser(nora)
		review, agreement := laptop.toReview(amazonpaytest.GoodCard)
		page := phone.signIn("/")
		assert.Equal(t, strings.TrimSuffix(review.path, "/review"), page.path, "the same order")
		same := phone.press(page, "to-review")
		all(4, func() { laptop.confirm(review, agreement, "") })
		assert.Equal(t, "paid", phone.confirm(same, agreement, "").state("thanks"))
		assert.Equal(t, "/account", phone.signIn("/signin").path)
		assert.True(t, phone.get("/").has("to-account"))
		assert.EqualValues(t, 1, m.captured())
	})
	t.Run("of two buyers", func(t *testing.T) {
		m := open(t, amazonpay.RegionNA)
		b := m.browser(nora)
		review, agreement := b.toReview(amazonpaytest.GoodCard)
		otto := m.browser("otto@example.com")
		otto.http = b.http // at the same browser
		b.press(b.get("/account"), "sign-out")
		otto.signIn("/")
		assert.Equal(t, http.StatusForbidden, b.tell(b.data(review), "confirm", agreement.ID()).status)
		assert.Equal(t, http.StatusNotFound, b.get(review.path).status)
		assert.EqualValues(t, 0, m.captured())
	})
}

func TestConstraints(t *testing.T) {
	tests := map[string]struct {
		checkout amazonpaytest.Checkout
		consent  bool
		says     []string
	}{
		"address": {amazonpaytest.Checkout{AddressMissing: true}, true, []string{"missing-address"}},
		"payment": {amazonpaytest.Checkout{PaymentMissing: true}, true, []string{"missing-payment"}},
		"consent": {amazonpaytest.Checkout{}, false, []string{"missing-consent"}},
		"all":     {amazonpaytest.Checkout{AddressMissing: true, PaymentMissing: true}, false, []string{"missing-address", "missing-payment", "missing-consent"}},
		"allowed": {amazonpaytest.Checkout{Payment: amazonpaytest.NotAllowed}, true, []string{"missing-payment"}},
		"buyer":   {amazonpaytest.Checkout{BuyerIsSeller: true}, true, []string{"missing-buyer"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m := open(t, amazonpay.RegionUK)
			b := m.browser(nora)
			page := b.signIn("/")
			nothing := b.press(page, "to-review")
			assert.True(t, nothing.has("missing-address") && nothing.has("missing-payment") && nothing.has("missing-consent"), "no agreement yet")
			test.checkout.Buyer = b.login.Buyer()
			agreement := m.fake.NewBillingAgreementWith(test.checkout)
			if test.consent {
				agreement.Consent()
			}
			require.Equal(t, http.StatusOK, b.tell(b.data(page), "created", agreement.ID()).status)
			for range 2 { // also by its address
				got := b.press(page, "to-review")
				assert.Equal(t, page.path, got.path)
				assert.Contains(t, got.body, "<title>Missing: ", "read aloud first")
				assert.Contains(t, got.body, `id="missing" role="alert" tabindex="-1" autofocus`)
				for _, id := range []string{"missing-address", "missing-payment", "missing-consent", "missing-buyer"} {
					assert.Equal(t, strings.Contains(strings.Join(test.says, " "), id), got.has(id), id)
				}
			}
			assert.Equal(t, page.path, b.get(page.path+"/review").path)
			assert.Equal(t, http.StatusUnprocessableEntity, b.tell(b.data(page), "confirm", agreement.ID()).status)
			state, _ := agreement.State()
			assert.Equal(t, amazonpay.StateDraft, state)
		})
	}
}

func TestBank(t *testing.T) {
	tests := map[string]struct {
		end       amazonpaytest.AuthenticationStatus
		at, shows string
	}{
		"failure":   {amazonpaytest.AuthenticationFailure, "", "bank-refused"},
		"abandoned": {amazonpaytest.AuthenticationAbandoned, "/review", "bank-abandoned"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m := open(t, amazonpay.RegionEU)
			b := m.browser(nora)
			review, agreement := b.toReview(amazonpaytest.GoodCard)
			page := b.confirm(review, agreement, test.end)
			assert.Equal(t, strings.TrimSuffix(review.path, "/review")+test.at, page.path)
			assert.True(t, page.has(test.shows), page.body)
			assert.Nil(t, b.data(page).Consent)
			assert.EqualValues(t, 0, m.captured())
			m.shop.keepUp(t.Context())
			assert.EqualValues(t, 0, m.captured())

			thanks := b.confirm(b.get(review.path), agreement, amazonpaytest.AuthenticationSuccess)
			assert.Equal(t, "paid", thanks.state("thanks"))
			assert.EqualValues(t, 1, m.captured())
		})
	}
}

// What the address of the way back claims is no proof.
func TestForgedReturn(t *testing.T) {
	m := open(t, amazonpay.RegionUK)
	b := m.browser(nora)
	review, agreement := b.toReview(amazonpaytest.GoodCard)
	order := strings.TrimSuffix(review.path, "/review")
	assert.Equal(t, order, b.get(order+"/confirmed?AuthenticationStatus=Success").path, "nothing was confirmed")

	require.Equal(t, http.StatusOK, b.tell(b.data(review), "confirm", agreement.ID()).status)
	for _, query := range []string{
		"", "?AuthenticationStatus=", "?AuthenticationStatus=success", "?AuthenticationStatus=Success&AuthenticationStatus=Success",
		"?AuthenticationStatus=%3Cscript%3E", "?authenticationstatus=Success",
	} {
		got := b.get(order + "/confirmed" + query)
		assert.Equal(t, order+"/review", got.path, query)
		assert.NotContains(t, got.body, "<script>", query)
	}
	agreement.Authenticate(amazonpaytest.AuthenticationFailure) // and never comes back that way
	got := b.get(order + "/confirmed?AuthenticationStatus=Success")
	assert.Equal(t, order+"/review", got.path, "Amazon says Suspended")
	assert.EqualValues(t, 0, m.captured())
	assert.Equal(t, http.StatusNotFound, m.signedIn("otto@example.com").get(order+"/confirmed?AuthenticationStatus=Success").status)
}

// A buyer who types the bank's yes while the bank waits is charged: the
// confirmation has made the agreement Open, and nothing at Amazon tells that the
// bank was not asked. See "What remains" of docs/security.md.
func TestNotAtTheBank(t *testing.T) {
	m := open(t, amazonpay.RegionUK)
	b := m.browser(nora)
	review, agreement := b.toReview(amazonpaytest.GoodCard)
	require.Equal(t, http.StatusOK, b.tell(b.data(review), "confirm", agreement.ID()).status)
	state, _ := agreement.State()
	assert.Equal(t, amazonpay.StateOpen, state)
	got := b.get(strings.TrimSuffix(review.path, "/review") + "/confirmed?AuthenticationStatus=Success")
	assert.Equal(t, "paid", got.state("thanks"))
	assert.EqualValues(t, 1, m.captured(), "the buyer's own money, once")
}

// signedIn is another buyer.
func (m *market) signedIn(email string) *browser {
	b := m.browser(email)
	b.signIn("/signin")
	return b
}

func TestStale(t *testing.T) {
	m := open(t, amazonpay.RegionUK)
	b := m.browser(nora)
	page := b.signIn("/")
	b.choose(page, amazonpaytest.Checkout{})
	m.fake.Advance(4 * time.Hour)
	fresh := b.signIn("/")
	assert.NotEqual(t, page.path, fresh.path, "a new order")
	assert.Equal(t, http.StatusConflict, b.get(page.path).status)
	agreement := b.choose(fresh, amazonpaytest.Checkout{})
	assert.Equal(t, "paid", b.confirm(b.press(fresh, "to-review"), agreement, amazonpaytest.AuthenticationSuccess).state("thanks"))
}

func TestUnfinished(t *testing.T) {
	m := open(t, amazonpay.RegionUK)
	b := m.browser(nora)
	page := b.signIn("/")
	b.choose(page, amazonpaytest.Checkout{})
	account := b.get("/account")
	assert.True(t, account.has("resume"))
	assert.Equal(t, "none", account.state("subscription"))
	assert.Equal(t, page.path, b.press(b.get("/"), "continue").path)
}

// Amazon ends the sign-in before the shop expects it.
func TestRevoked(t *testing.T) {
	m := open(t, amazonpay.RegionUK)
	b := m.browser(nora)
	review, agreement := b.toReview(amazonpaytest.GoodCard)
	again := b.get(review.path)
	b.login.Revoke(m.fake.LoginClient().ID)
	assert.Equal(t, http.StatusUnauthorized, b.tell(b.data(review), "confirm", agreement.ID()).status)
	got := b.get(again.path)
	assert.Equal(t, "/", got.path)
	assert.True(t, got.has("note"))
	page := b.signIn("/")
	assert.Equal(t, strings.TrimSuffix(review.path, "/review"), page.path)
	thanks := b.confirm(b.press(page, "to-review"), agreement, amazonpaytest.AuthenticationSuccess)
	assert.Equal(t, "paid", thanks.state("thanks"))
}

// The buyer has pressed Subscribe and never comes back.
func TestNeverReturned(t *testing.T) {
	for region, captured := range map[amazonpay.Region]int64{
		amazonpay.RegionNA: 1, // confirmed is confirmed
		amazonpay.RegionUK: 0, // the bank may not have agreed
	} {
		t.Run(string(region), func(t *testing.T) {
			m := open(t, region)
			b := m.browser(nora)
			review, agreement := b.toReview(amazonpaytest.GoodCard)
			require.Equal(t, http.StatusOK, b.tell(b.data(review), "confirm", agreement.ID()).status)
			m.fake.Deliver()
			m.shop.keepUp(t.Context())
			assert.Equal(t, captured, m.captured())
			assert.Equal(t, captured == 0, b.get("/account").has("resume"))
			if captured == 0 {
				page := b.get(strings.TrimSuffix(review.path, "/review"))
				b.confirm(b.press(page, "to-review"), agreement, amazonpaytest.AuthenticationSuccess)
			}
			assert.EqualValues(t, 1, m.captured())
			assert.Equal(t, "active", b.get("/account").state("subscription"))
		})
	}
}

// The buyer never comes back from the bank, which may have agreed: what nobody
// owns is closed, and not before the buyer has had the time.
func TestGivenBack(t *testing.T) {
	for _, end := range []amazonpaytest.AuthenticationStatus{amazonpaytest.AuthenticationSuccess, amazonpaytest.AuthenticationFailure, ""} {
		t.Run(string(end), func(t *testing.T) {
			m := open(t, amazonpay.RegionUK)
			b := m.browser(nora)
			review, agreement := b.toReview(amazonpaytest.GoodCard)
			m.fake.Advance(40 * time.Minute)
			require.Equal(t, http.StatusOK, b.tell(b.data(review), "confirm", agreement.ID()).status)
			back := ""
			if end != "" {
				back = agreement.Authenticate(end)
			}
			m.fake.Advance(draftLife - time.Minute)
			m.shop.keepUp(t.Context())
			state, _ := agreement.State()
			assert.NotEqual(t, amazonpay.StateClosed, state, "the buyer may be at the bank")
			m.fake.Advance(time.Minute)
			m.fake.Inject(amazonpaytest.Fault{Action: "CloseBillingAgreement", Kind: amazonpaytest.AnswerLost, Times: -1})
			m.shop.keepUp(t.Context())
			m.fake.Heal()
			m.shop.keepUp(t.Context())
			state, _ = agreement.State()
			assert.Equal(t, amazonpay.StateClosed, state)
			b.signIn("/signin")
			if back != "" {
				assert.Equal(t, http.StatusConflict, b.get(back).status, "too late")
			}
			assert.EqualValues(t, 0, m.captured())
			page := b.press(b.get("/"), "continue")
			agreement = b.choose(page, amazonpaytest.Checkout{})
			thanks := b.confirm(b.press(page, "to-review"), agreement, amazonpaytest.AuthenticationSuccess)
			assert.Equal(t, "paid", thanks.state("thanks"))
		})
	}
}
