package main

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// How a first charge that is not simply paid ends, and what the buyer can do.
func TestFirstChargeDeclined(t *testing.T) {
	tests := map[amazonpaytest.PaymentMethod]struct {
		thanks, account string
		button          string // that the account offers
		after           string // what it shows then
		captured        int64
	}{
		amazonpaytest.BadCard:         {"declined", "payment", "", "payment", 0},
		amazonpaytest.ShortOnce:       {"declined", "retry", "retry", "active", 1},
		amazonpaytest.AlwaysShort:     {"declined", "retry", "retry", "retry", 0},
		amazonpaytest.RejectedCard:    {"declined", "retry", "retry", "retry", 0},
		amazonpaytest.FailingCard:     {"declined", "retry", "retry", "retry", 0},
		amazonpaytest.CaptureRejected: {"declined", "retry", "retry", "retry", 0},
		amazonpaytest.SlowBank:        {"pending", "checking", "check", "checking", 0},
	}
	for method, test := range tests {
		t.Run(string(method), func(t *testing.T) {
			m := open(t, amazonpay.RegionUK)
			b := m.browser(nora)
			thanks, agreement := b.subscribe(method)
			assert.Equal(t, test.thanks, thanks.state("thanks"))
			account := b.get("/account")
			assert.Equal(t, test.account, account.state("subscription"))
			if test.button != "" {
				account = b.press(account, test.button)
			}
			assert.Equal(t, test.after, account.state("subscription"))
			assert.EqualValues(t, test.captured, m.captured())
			if test.after == "payment" || test.after == "retry" {
				account = b.change(agreement, amazonpaytest.GoodCard)
				assert.Equal(t, "active", account.state("subscription"))
				assert.EqualValues(t, 1, m.captured())
				assert.Equal(t, "paid", b.get(thanks.path).state("thanks"), "the page of the order knows")
			}
		})
	}
}

// A charge that Amazon will not take: what the buyer reads is what the advice
// says, and what it promises happens.
func TestFirstChargeRefused(t *testing.T) {
	tests := map[amazonpay.ErrorCode]struct {
		account, says string
		button        string // that helps when the cause is gone
	}{
		amazonpay.ErrBillingAgreementConstraintsExist: {"payment", "Amazon needs a payment method from you.", "change"},
		amazonpay.ErrInvalidBillingAgreementStatus:    {"checking", "You need not do anything", "check"}, // it is Open when it is read: the charge goes on
		amazonpay.ErrInvalidAccountStatus:             {"trouble", "something is wrong on our side", "check"},
		amazonpay.ErrInvalidParameterValue:            {"trouble", "something is wrong on our side", "check"},
		amazonpay.ErrDuplicateReferenceID:             {"stopped", "we have to find out what", ""},
		amazonpay.ErrOrderReferenceCountExceeded:      {"stopped", "we have to find out what", ""},
		amazonpay.ErrTransactionCountExceeded:         {"stopped", "we have to find out what", ""},
		amazonpay.ErrPeriodicAmountExceeded:           {"checking", "You need not do anything", "check"},
	}
	for code, test := range tests {
		t.Run(string(code), func(t *testing.T) {
			m := open(t, amazonpay.RegionNA)
			b := m.browser(nora)
			m.road.code.Store(code)
			thanks, agreement := b.subscribe(amazonpaytest.GoodCard)
			assert.Equal(t, test.account == "payment", thanks.has("declined"))
			assert.Equal(t, test.account == "trouble" || test.account == "stopped", thanks.has("trouble"))
			assert.Equal(t, test.account == "checking", thanks.has("checking"))
			account := b.get("/account")
			assert.Equal(t, test.account, account.state("subscription"))
			assert.Contains(t, account.body, test.says)
			if code == amazonpay.ErrDuplicateReferenceID {
				assert.NotContains(t, account.body+thanks.body, "Not charged", "it may have been paid")
				assert.NotContains(t, account.body+thanks.body, "No money was taken", "it may have been paid")
			}
			assert.Equal(t, test.account != "stopped", account.has("change-payment"))

			m.road.code.Store(amazonpay.ErrorCode(""))
			switch test.button {
			case "change":
				assert.Contains(t, b.get("/account/payment").body, "we charge what is open")
				account = b.change(agreement, amazonpaytest.RefundRejected) // another good one
			case "check":
				account = b.press(account, "check")
			default:
				assert.Equal(t, "/account", b.get("/account/payment").path, "it would not help")
				m.fake.Advance(70 * 24 * time.Hour)
				m.shop.keepUp(t.Context())
				account = b.signIn("/signin")
				assert.Equal(t, "stopped", account.state("subscription"), "as it says")
				assert.EqualValues(t, 0, m.captured())
				assert.Equal(t, "canceled", b.press(account, "cancel").state("subscription"))
				return
			}
			assert.Equal(t, "active", account.state("subscription"))
			assert.EqualValues(t, 1, m.captured())
		})
	}
}

// A bank that takes its time: the notification tells.
func TestPending(t *testing.T) {
	m := open(t, amazonpay.RegionUK)
	b := m.browser(nora)
	thanks, _ := b.subscribe(amazonpaytest.SlowBank)
	assert.True(t, thanks.has("checking"))
	m.fake.Advance(time.Hour)
	assert.Equal(t, "active", b.get("/account").state("subscription"))
	assert.EqualValues(t, 1, m.captured())
}

// What is due is charged, what was declined softly is tried again, without
// anybody at a browser.
func TestKeepUp(t *testing.T) {
	m := open(t, amazonpay.RegionNA)
	b := m.browser(nora)
	_, agreement := b.subscribe(amazonpaytest.GoodCard)
	m.shop.keepUp(t.Context())
	assert.EqualValues(t, 1, m.captured(), "not due yet")
	m.fake.Advance(31 * 24 * time.Hour)
	for range 3 {
		m.shop.keepUp(t.Context())
	}
	assert.EqualValues(t, 2, m.captured())
	agreement.UpdatePaymentMethod(amazonpaytest.ShortOnce)
	m.fake.Advance(31 * 24 * time.Hour)
	m.shop.keepUp(t.Context())
	assert.EqualValues(t, 2, m.captured())
	m.fake.Advance(25 * time.Hour) // of the schedule
	m.shop.keepUp(t.Context())
	assert.EqualValues(t, 3, m.captured())
}

// Answers get lost; the money moves once.
func TestLostAnswers(t *testing.T) {
	for _, kind := range []amazonpaytest.FaultKind{
		amazonpaytest.AnswerLost, amazonpaytest.RequestLost, amazonpaytest.GatewayTimeout504, amazonpaytest.WorkDone500, amazonpaytest.EmptyAnswer,
	} {
		t.Run(string(kind), func(t *testing.T) {
			m := open(t, amazonpay.RegionUK)
			b := m.browser(nora)
			review, agreement := b.toReview(amazonpaytest.GoodCard)
			m.fake.Inject(amazonpaytest.Fault{Action: "AuthorizeOnBillingAgreement", Kind: kind, Times: -1})
			thanks := b.confirm(review, agreement, amazonpaytest.AuthenticationSuccess)
			assert.Equal(t, "open", thanks.state("thanks"))
			account := b.press(b.get("/account"), "check")
			assert.Equal(t, "checking", account.state("subscription"))
			m.fake.Heal()
			m.fake.Advance(time.Hour)
			m.shop.keepUp(t.Context())
			assert.Equal(t, "active", b.get("/account").state("subscription"))
			assert.EqualValues(t, 1, m.captured())
		})
	}
}

// The answer to the confirmation is lost: the buyer may try again.
func TestLostConfirmation(t *testing.T) {
	for _, region := range []amazonpay.Region{amazonpay.RegionNA, amazonpay.RegionUK} {
		t.Run(string(region), func(t *testing.T) {
			m := open(t, region)
			b := m.browser(nora)
			review, agreement := b.toReview(amazonpaytest.GoodCard)
			m.fake.Inject(amazonpaytest.Fault{Action: "ConfirmBillingAgreement", Kind: amazonpaytest.AnswerLost, Times: -1})
			assert.Equal(t, http.StatusBadGateway, b.tell(b.data(review), "confirm", agreement.ID()).status)
			m.fake.Heal()
			assert.EqualValues(t, 0, m.captured())
			thanks := b.confirm(b.get(review.path), agreement, amazonpaytest.AuthenticationSuccess)
			assert.Equal(t, "paid", thanks.state("thanks"))
			assert.EqualValues(t, 1, m.captured())
		})
	}
}

// Amazon cannot be reached: every page says so, and nothing is lost.
func TestAmazonDown(t *testing.T) {
	m := open(t, amazonpay.RegionUK)
	b := m.browser(nora)
	page := b.signIn("/")
	agreement := b.choose(page, amazonpaytest.Checkout{})
	m.fake.Inject(amazonpaytest.Fault{Kind: amazonpaytest.ConnectionReset, Times: -1})
	for _, path := range []string{page.path, page.path + "/review"} {
		got := b.get(path)
		assert.Equal(t, http.StatusBadGateway, got.status, path)
		assert.NotEmpty(t, got.text("error-text"), path)
	}
	assert.Equal(t, http.StatusBadGateway, b.press(page, "to-review").status)
	assert.Equal(t, http.StatusBadGateway, b.tell(b.data(page), "confirm", agreement.ID()).status)
	other := m.browser("otto@example.com")
	next, delivered := other.atAmazon(other.get("/"), m.fake.LoginClient().ID, true)
	assert.Equal(t, http.StatusBadGateway, other.post(next, map[string][]string{"delivered": {delivered}}).status)
	m.fake.Heal()
	assert.Equal(t, "paid", b.confirm(b.press(page, "to-review"), agreement, amazonpaytest.AuthenticationSuccess).state("thanks"))
}

func TestCancelUnanswered(t *testing.T) {
	m := open(t, amazonpay.RegionUK)
	b := m.browser(nora)
	_, agreement := b.subscribe(amazonpaytest.GoodCard)
	account := b.get("/account")
	m.fake.Inject(amazonpaytest.Fault{Action: "CloseBillingAgreement", Kind: amazonpaytest.RequestLost, Times: -1})
	canceled := b.press(account, "cancel")
	assert.Equal(t, "canceled", canceled.state("subscription"))
	assert.Contains(t, canceled.body, "Amazon could not be told yet")
	m.fake.Advance(40 * 24 * time.Hour)
	m.shop.keepUp(t.Context())
	assert.Equal(t, "canceled", b.signIn("/signin").state("subscription"))
	assert.Equal(t, http.StatusForbidden, b.press(account, "renew").status, "a form of an older session")
	assert.EqualValues(t, 1, m.captured(), "canceled is canceled")
	m.fake.Heal()
	m.shop.keepUp(t.Context())
	state, _ := agreement.State()
	assert.Equal(t, amazonpay.StateClosed, state)
}

// A charge whose fate is not known when the buyer cancels.
func TestCancelInDoubt(t *testing.T) {
	for kind, captured := range map[amazonpaytest.FaultKind]int64{amazonpaytest.AnswerLost: 1, amazonpaytest.RequestLost: 0} {
		t.Run(string(kind), func(t *testing.T) {
			m := open(t, amazonpay.RegionUK)
			b := m.browser(nora)
			review, agreement := b.toReview(amazonpaytest.GoodCard)
			m.fake.Inject(amazonpaytest.Fault{Action: "AuthorizeOnBillingAgreement", Kind: kind, Times: -1})
			b.confirm(review, agreement, amazonpaytest.AuthenticationSuccess)
			m.fake.Heal()
			m.fake.Inject(amazonpaytest.Fault{Action: "CloseBillingAgreement", Kind: amazonpaytest.RequestLost, Times: -1})
			b.press(b.get("/account"), "cancel")
			m.fake.Advance(time.Hour)
			m.shop.keepUp(t.Context())
			m.fake.Heal()
			m.shop.keepUp(t.Context())
			m.shop.keepUp(t.Context())
			assert.EqualValues(t, captured, m.captured(), "what was charged is known, and nothing is charged afterwards")
			want := map[int64]string{0: "Not charged", 1: "Paid"}[captured]
			assert.Contains(t, b.signIn("/signin").body, want)
		})
	}
}

// Subscribing again after the end: another agreement, other reference ids.
func TestSubscribeAgain(t *testing.T) {
	m := open(t, amazonpay.RegionNA)
	b := m.browser(nora)
	first, _ := b.subscribe(amazonpaytest.GoodCard)
	b.press(b.get("/account"), "cancel")
	page := b.press(b.get("/"), "continue")
	agreement := b.choose(page, amazonpaytest.Checkout{})
	second := b.confirm(b.press(page, "to-review"), agreement, "")
	assert.NotEqual(t, first.path, second.path)
	assert.Equal(t, "/account", b.get(first.path).path)
	assert.EqualValues(t, 2, m.captured())
	assert.Equal(t, "active", b.get("/account").state("subscription"))
}

// The monthly cap of the agreement.
func TestCap(t *testing.T) {
	m := open(t, amazonpay.RegionUK)
	b := m.browser(nora)
	b.subscribe(amazonpaytest.GoodCard)
	account := b.get("/account")
	for range 60 {
		if account.state("subscription") != "active" {
			break
		}
		account = b.press(account, "renew")
	}
	assert.Equal(t, "checking", account.state("subscription"))
	paid := m.captured()
	assert.Less(t, paid, int64(60))
	m.fake.Advance(32 * 24 * time.Hour)
	m.shop.keepUp(t.Context())
	assert.Equal(t, "active", b.signIn("/signin").state("subscription"), "the next month, by the same request")
	assert.Equal(t, paid+1, m.captured())
}

// What is promised is what is done: also on the last day of a long month, and
// after a cancellation.
func TestPromises(t *testing.T) {
	m := open(t, amazonpay.RegionNA)
	m.fake.Advance(time.Date(m.fake.Now().Year()+1, time.January, 31, 12, 0, 0, 0, time.UTC).Sub(m.fake.Now()))
	b := m.browser(nora)
	review, agreement := b.toReview(amazonpaytest.GoodCard)
	thanks := b.confirm(review, agreement, "")
	next := thanks.text("next-charge")
	assert.Contains(t, next, "February")
	assert.Equal(t, next, review.text("next-charge"))
	account := b.get("/account")
	assert.Equal(t, next, account.text("next-charge"))
	m.fake.Advance(28 * 24 * time.Hour)
	m.shop.keepUp(t.Context())
	assert.EqualValues(t, 2, m.captured())
	account = b.signIn("/signin")
	assert.Contains(t, account.text("next-charge"), "31 March")
	assert.Equal(t, "/account", b.get(thanks.path).path, "there is more to tell by now")
	b.press(account, "cancel")
	assert.Equal(t, "/account", b.get(thanks.path).path, "there is no next charge")
}

func TestDueDates(t *testing.T) {
	sub := &subscription{started: time.Date(2026, time.January, 31, 12, 0, 0, 0, time.UTC)}
	for period, want := range map[int]string{1: "31 January 2026", 2: "28 February 2026", 3: "31 March 2026", 4: "30 April 2026", 26: "29 February 2028"} {
		t.Run(strconv.Itoa(period), func(t *testing.T) { assert.Equal(t, want, day(sub.due(period))) })
	}
}

func TestNotifications(t *testing.T) {
	t.Run("the buyer ends it at Amazon", func(t *testing.T) {
		m := open(t, amazonpay.RegionUK)
		b := m.browser(nora)
		_, agreement := b.subscribe(amazonpaytest.GoodCard)
		m.fake.SetDelivery(amazonpaytest.Delivery{Duplicates: 2, Reversed: true})
		agreement.Cancel()
		m.fake.Deliver()
		account := b.get("/account")
		assert.Equal(t, "ended", account.state("subscription"))
		_, renew := account.form("renew")
		assert.Nil(t, renew)
		m.fake.Advance(90 * 24 * time.Hour)
		m.shop.keepUp(t.Context())
		assert.EqualValues(t, 1, m.captured())
		for _, n := range m.fake.Notifications() {
			assert.Equal(t, http.StatusOK, n.Status, n.NotificationType)
		}
	})
	t.Run("forged", func(t *testing.T) {
		m := open(t, amazonpay.RegionUK)
		b := m.browser(nora)
		thanks, agreement := b.subscribe(amazonpaytest.SlowBank)
		stranger := amazonpaytest.New(amazonpaytest.Settings{SellerID: "A1SOMEBODYELSE", Region: amazonpay.RegionUK})
		header, body := stranger.Sign(stranger.Draft(string(stranger.OpenBillingAgreement().ID())))
		_, ours := m.fake.Sign(m.fake.Draft(string(agreement.ID())))
		for name, text := range map[string][]byte{"another seller's": body, "cut": ours[:len(ours)/2], "altered": append([]byte("x"), ours...)} {
			r := b.request(http.MethodPost, "/amazonpay/notifications", "", string(text))
			r.Header = header.Clone()
			assert.GreaterOrEqual(t, b.do(r).status, 400, name)
		}
		assert.Equal(t, "pending", b.get(thanks.path).state("thanks"))
		assert.Equal(t, http.StatusNotFound, b.get("/amazonpay/notifications").status)
	})
	t.Run("while Amazon cannot be asked", func(t *testing.T) {
		m := open(t, amazonpay.RegionUK)
		b := m.browser(nora)
		_, agreement := b.subscribe(amazonpaytest.GoodCard)
		m.fake.Deliver()
		m.fake.Inject(amazonpaytest.Fault{Action: "GetBillingAgreementDetails", Kind: amazonpaytest.Unavailable503, Times: -1})
		agreement.Cancel()
		m.fake.Deliver()
		assert.Equal(t, "active", b.get("/account").state("subscription"))
		m.fake.Heal()
		m.fake.Advance(2 * time.Hour) // it comes again
		assert.Equal(t, "ended", b.signIn("/signin").state("subscription"))
	})
}

// The bank and a changed payment method: as at the checkout, Amazon is asked.
func TestChangeAtTheBank(t *testing.T) {
	for _, end := range []amazonpaytest.AuthenticationStatus{amazonpaytest.AuthenticationFailure, amazonpaytest.AuthenticationAbandoned} {
		t.Run(string(end), func(t *testing.T) {
			m := open(t, amazonpay.RegionUK)
			b := m.browser(nora)
			_, agreement := b.subscribe(amazonpaytest.BadCard)
			page := b.get("/account/payment")
			assert.Equal(t, http.StatusNotFound, b.tell(b.data(page), "confirm", "C02-0000000-0000009").status, "another agreement")
			assert.Equal(t, http.StatusUnprocessableEntity, b.tell(b.data(page), "confirm", agreement.ID()).status, "nothing was chosen")
			assert.Equal(t, "/account", b.get("/account/payment/confirmed?AuthenticationStatus=Success").path)

			agreement.ChoosePaymentMethod(amazonpaytest.GoodCard)
			back := b.confirm(page, agreement, end)
			assert.Equal(t, "/account/payment", back.path)
			assert.Contains(t, back.text("notice"), map[amazonpaytest.AuthenticationStatus]string{
				amazonpaytest.AuthenticationFailure: "did not agree", amazonpaytest.AuthenticationAbandoned: "was not finished"}[end])
			forged := b.get("/account/payment/confirmed?AuthenticationStatus=Success")
			assert.Equal(t, "/account/payment", forged.path, "Amazon says Suspended")
			assert.Equal(t, "payment", b.get("/account").state("subscription"))
			assert.EqualValues(t, 0, m.captured())

			require.Equal(t, http.StatusOK, b.tell(b.data(page), "confirm", agreement.ID()).status)
			assert.Equal(t, "/account/payment", b.get("/account/payment/confirmed").path, "Open, and the bank has not answered")
			assert.EqualValues(t, 0, m.captured())
			done := b.confirm(page, agreement, amazonpaytest.AuthenticationSuccess)
			assert.Equal(t, "active", done.state("subscription"))
			all(4, func() { b.get("/account/payment/confirmed?AuthenticationStatus=Success") })
			assert.EqualValues(t, 1, m.captured())
		})
	}
}
