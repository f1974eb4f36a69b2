package amazonpaytest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

func TestHandles(t *testing.T) {
	s := newStage(t, amazonpaytest.Settings{})
	require.Nil(t, s.fake.Authorization("x"))
	require.Nil(t, s.fake.Capture("x"))
	require.Nil(t, s.fake.Refund("x"))
	require.Nil(t, s.fake.Dispute("x"))
	captured := amazonpay.CaptureID(s.captured("c1"))
	back := amazonpay.RefundID(s.refund(string(captured), "b1", "5").ok().get("AmazonRefundId"))
	auth := s.fake.Ledger()[0].AuthorizationID
	require.Equal(t, auth, s.fake.Authorization(auth).ID())
	require.Equal(t, captured, s.fake.Capture(captured).ID())
	require.Equal(t, back, s.fake.Refund(back).ID())
	state, reason := s.fake.Authorization(auth).State()
	require.Equal(t, amazonpay.StateClosed, state)
	require.Equal(t, amazonpay.ReasonMaxCapturesProcessed, reason)
}

// What Amazon decides early is decided once: the delay finds nothing to do.
func TestDecideAuthorization(t *testing.T) {
	for _, c := range []struct {
		name      string
		more      []string
		do        func(*amazonpaytest.Authorization)
		state     string
		reason    string
		soft      string
		agreement string
		captured  string
		balance   string
	}{
		{"approved", nil, func(a *amazonpaytest.Authorization) { a.Approve() }, "Open", "", "", "Open", "0.00", "950.00"},
		{"approved and captured", []string{"CaptureNow", "true"}, func(a *amazonpaytest.Authorization) { a.Approve() }, "Closed", "MaxCapturesProcessed", "", "Open", "50.00", "950.00"},
		{"rejected", nil, func(a *amazonpaytest.Authorization) { a.Decline(amazonpay.ReasonAmazonRejected) }, "Declined", "AmazonRejected", "", "Open", "0.00", "1000.00"},
		{"timed out", nil, func(a *amazonpaytest.Authorization) { a.Decline(amazonpay.ReasonTransactionTimedOut) }, "Declined", "TransactionTimedOut", "", "Open", "0.00", "1000.00"},
		{"failed", nil, func(a *amazonpaytest.Authorization) { a.Decline(amazonpay.ReasonProcessingFailure) }, "Declined", "ProcessingFailure", "", "Open", "0.00", "1000.00"},
		{"hard decline", nil, func(a *amazonpaytest.Authorization) { a.Decline(amazonpay.ReasonInvalidPaymentMethod) }, "Declined", "InvalidPaymentMethod", "false", "Suspended", "0.00", "1000.00"},
		{"soft decline", nil, func(a *amazonpaytest.Authorization) { a.SoftDecline() }, "Declined", "InvalidPaymentMethod", "true", "Suspended", "0.00", "1000.00"},
		{"closed by Amazon", nil, func(a *amazonpaytest.Authorization) { a.AmazonClose() }, "Closed", "AmazonClosed", "", "Open", "0.00", "1000.00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t, amazonpaytest.Settings{})
			told := s.listen()
			agreement, id := s.pending(c.more...)
			s.fake.Deliver()
			before := len(told.notes)
			c.do(s.fake.Authorization(amazonpay.AuthorizationID(id)))
			s.fake.Deliver()
			require.Greater(t, len(told.notes), before, "nobody was told")
			check := func() {
				got := s.do("GetAuthorizationDetails", "AmazonAuthorizationId", id).ok().has("AuthorizationStatus/State", c.state, "ReasonCode", c.reason, "SoftDecline", c.soft)
				require.Equal(t, amazonpay.MustPrice(c.captured, "USD"), amazonpay.MustPrice(got.get("CapturedAmount/Amount"), "USD"))
				s.do("GetBillingAgreementDetails", "AmazonBillingAgreementId", string(agreement.ID())).ok().
					has("BillingAgreementStatus/State", c.agreement, "CurrentRemainingBalance/Amount", c.balance)
			}
			check()
			books := books(t, s.fake)
			// None of these finds anything to decide any more, but that an
			// Open one may be closed.
			handle := s.fake.Authorization(amazonpay.AuthorizationID(id))
			handle.Approve().Decline(amazonpay.ReasonAmazonRejected).SoftDecline()
			if c.state != "Open" {
				handle.AmazonClose()
			}
			require.Equal(t, books, s.books())
			s.fake.Advance(25 * time.Hour)
			check()
			require.Equal(t, amazonpay.MustPrice(c.captured, "USD"), s.fake.TotalCaptured("USD"))
		})
	}
	t.Run("for no reason", func(t *testing.T) {
		s := newStage(t, amazonpaytest.Settings{})
		_, id := s.pending()
		require.PanicsWithValue(t, `amazonpaytest: DeclineAuthorization: reason is "MaxCapturesProcessed"; there are [InvalidPaymentMethod AmazonRejected ProcessingFailure TransactionTimedOut]`,
			func() {
				s.fake.Authorization(amazonpay.AuthorizationID(id)).Decline(amazonpay.ReasonMaxCapturesProcessed)
			})
	})
}

func (s *stage) books() string { return books(s.t, s.fake) }

// Nothing can be captured of what Amazon has closed.
func TestAmazonClosesOpenAuthorization(t *testing.T) {
	s := newStage(t, amazonpaytest.Settings{})
	agreement, id := s.pending()
	s.fake.Authorization(amazonpay.AuthorizationID(id)).Approve().AmazonClose()
	s.capture(id, "c1", "50").refused(405, "InvalidAuthorizationStatus")
	s.do("GetAuthorizationDetails", "AmazonAuthorizationId", id).ok().has("AuthorizationStatus/State", "Closed", "ReasonCode", "AmazonClosed")
	s.do("GetBillingAgreementDetails", "AmazonBillingAgreementId", string(agreement.ID())).ok().has("CurrentRemainingBalance/Amount", "950.00")
}

func TestEndCapture(t *testing.T) {
	for _, c := range []struct {
		name, state, reason, total string
		do                         func(*amazonpaytest.Capture)
	}{
		{"completed", "Completed", "", "50.00", func(c *amazonpaytest.Capture) { c.Complete() }},
		{"rejected", "Declined", "AmazonRejected", "0.00", func(c *amazonpaytest.Capture) { c.Decline(amazonpay.ReasonAmazonRejected) }},
		{"failed", "Declined", "ProcessingFailure", "0.00", func(c *amazonpaytest.Capture) { c.Decline(amazonpay.ReasonProcessingFailure) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t, amazonpaytest.Settings{})
			handle := s.fake.Capture(amazonpay.CaptureID(s.pendingCapture("c1")))
			c.do(handle)
			state, reason := handle.State()
			require.Equal(t, c.state+c.reason, string(state)+string(reason))
			handle.Complete().Decline(amazonpay.ReasonAmazonRejected) // too late
			s.fake.Advance(2 * time.Hour)                             // its own time has come, too
			require.Equal(t, amazonpay.MustPrice(c.total, "USD"), s.fake.TotalCaptured("USD"))
			again, _ := handle.State()
			require.Equal(t, state, again)
		})
	}
	s := newStage(t, amazonpaytest.Settings{})
	handle := s.fake.Capture(amazonpay.CaptureID(s.pendingCapture("c1")))
	require.Panics(t, func() { handle.Decline(amazonpay.ReasonStale) })
}

func TestEndRefund(t *testing.T) {
	for _, c := range []struct {
		name, state, reason, total string
		do                         func(*amazonpaytest.Refund)
	}{
		{"completed", "Completed", "", "5.00", func(b *amazonpaytest.Refund) { b.Complete() }},
		{"rejected", "Declined", "AmazonRejected", "0.00", func(b *amazonpaytest.Refund) { b.Decline(amazonpay.ReasonAmazonRejected) }},
		{"failed", "Declined", "ProcessingFailure", "0.00", func(b *amazonpaytest.Refund) { b.Decline(amazonpay.ReasonProcessingFailure) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t, amazonpaytest.Settings{})
			told := s.listen()
			id := s.refund(s.captured("c1"), "b1", "5").ok().get("AmazonRefundId")
			handle := s.fake.Refund(amazonpay.RefundID(id))
			s.fake.Deliver()
			before := len(told.notes)
			c.do(handle)
			s.fake.Deliver()
			require.Len(t, told.notes, before+1)
			s.do("GetRefundDetails", "AmazonRefundId", id).ok().has("RefundStatus/State", c.state, "ReasonCode", c.reason)
			handle.Complete().Decline(amazonpay.ReasonAmazonRejected) // too late
			s.fake.Advance(2 * time.Hour)
			require.Equal(t, amazonpay.MustPrice(c.total, "USD"), s.fake.TotalRefunded("USD"))
			state, _ := handle.State()
			require.Equal(t, c.state, string(state))
		})
	}
	s := newStage(t, amazonpaytest.Settings{})
	handle := s.fake.Refund(amazonpay.RefundID(s.refund(s.captured("c1"), "b1", "5").ok().get("AmazonRefundId")))
	require.Panics(t, func() { handle.Decline(amazonpay.ReasonStale) })
}

// A chargeback moves money when it is lost, once, and never when it is won.
func TestChargebacks(t *testing.T) {
	s := newStage(t, amazonpaytest.Settings{})
	told := s.listen()
	id := amazonpay.CaptureID(s.captured("c1"))
	part := s.fake.Chargeback(id, amazonpay.MustPrice("20", "USD"), "Unauthorized Transaction Chargeback")
	rest := s.fake.Chargeback(id, amazonpay.MustPrice("30", "USD"), "")
	require.Equal(t, part.ID(), s.fake.Dispute(part.ID()).ID())
	require.NotEqual(t, part.ID(), rest.ID())
	require.Equal(t, amazonpaytest.ChargebackReceived, part.State())
	require.Len(t, s.fake.Ledger(), 1, "no money moves before the decision")
	s.fake.Deliver()
	before := len(told.notes)

	rest.Win().Lose()
	s.fake.Deliver()
	require.Equal(t, amazonpaytest.ChargebackWon, rest.State())
	require.Len(t, told.notes, before, "nobody is told of a won chargeback")
	part.Lose().Win().Lose()
	require.Equal(t, amazonpaytest.ChargebackLost, part.State())
	s.fake.Deliver()
	require.Len(t, told.notes, before+1)

	ledger := s.fake.Ledger()
	require.Len(t, ledger, 2)
	moved := ledger[1]
	require.Equal(t, amazonpaytest.ChargedBack, moved.Kind)
	require.Equal(t, amazonpay.MustPrice("20", "USD"), moved.Amount)
	require.Equal(t, id, moved.CaptureID)
	require.Empty(t, moved.ReferenceID)
	s.do("GetRefundDetails", "AmazonRefundId", string(moved.RefundID)).ok().has("RefundType", "Chargeback", "RefundStatus/State", "Completed", "RefundAmount/Amount", "20.00")
	s.do("GetCaptureDetails", "AmazonCaptureId", string(id)).ok().has("RefundedAmount/Amount", "20.00", "IdList/member", string(moved.RefundID), "CaptureStatus/State", "Completed")
	require.Equal(t, "20.00 USD", s.fake.TotalChargedBack("USD").String())
	require.True(t, s.fake.TotalRefunded("USD").Sign() == 0)
	require.True(t, s.fake.TotalClaimed("USD").Sign() == 0)

	// What is left and the surplus may still be refunded, and no more.
	s.refund(string(id), "b1", "37.51").refused(400, "TransactionAmountExceeded")
	s.refund(string(id), "b2", "37.50").ok()
	s.fake.Advance(time.Hour)
	s.do("GetCaptureDetails", "AmazonCaptureId", string(id)).ok().has("CaptureStatus/State", "Closed", "ReasonCode", "MaxAmountRefunded")
}

// The buyer has the money back already: the seller's refund on its way fails
// instead of giving it twice.
func TestRefundAfterChargeback(t *testing.T) {
	s := newStage(t, amazonpaytest.Settings{})
	id := s.captured("c1")
	back := s.refund(id, "b1", "50").ok().get("AmazonRefundId")
	s.fake.Chargeback(amazonpay.CaptureID(id), amazonpay.Price{}, "").Lose()
	s.fake.Advance(time.Hour)
	s.do("GetRefundDetails", "AmazonRefundId", back).ok().has("RefundStatus/State", "Declined", "ReasonCode", "ProcessingFailure")
	require.Equal(t, "50.00 USD", s.fake.TotalChargedBack("USD").String())
	require.True(t, s.fake.TotalRefunded("USD").Sign() == 0)
	s.fake.Refund(amazonpay.RefundID(back)).Complete()
	require.True(t, s.fake.TotalRefunded("USD").Sign() == 0)
}

func TestClaims(t *testing.T) {
	s := newStage(t, amazonpaytest.Settings{})
	id := amazonpay.CaptureID(s.captured("c1"))
	s.refund(string(id), "surplus", "7.50").ok()
	s.fake.Advance(time.Hour)
	capture := s.fake.Capture(id).GrantClaim(amazonpay.MustPrice("10", "USD")).GrantClaim(amazonpay.Price{})
	require.Equal(t, "50.00 USD", s.fake.TotalClaimed("USD").String())
	state, reason := capture.State()
	require.Equal(t, amazonpay.StateClosed, state)
	require.Equal(t, amazonpay.ReasonMaxAmountRefunded, reason)
	for _, m := range s.fake.Ledger()[2:] {
		require.Equal(t, amazonpaytest.Claimed, m.Kind)
		s.do("GetRefundDetails", "AmazonRefundId", string(m.RefundID)).ok().has("RefundType", "AmazonA-ZGuarantee")
	}
	require.Panics(t, func() { capture.GrantClaim(amazonpay.MustPrice("51", "USD")) })
	pending := s.fake.Capture(amazonpay.CaptureID(s.pendingCapture("c2")))
	pending.GrantClaim(amazonpay.Price{})
	require.Equal(t, "50.00 USD", s.fake.TotalClaimed("USD").String())
}

// Ten refunds are the seller's; what banks and Amazon take does not count.
func TestChargebackIsNoneOfTenRefunds(t *testing.T) {
	s := newStage(t, amazonpaytest.Settings{})
	id := s.captured("c1")
	s.fake.Chargeback(amazonpay.CaptureID(id), amazonpay.MustPrice("1", "USD"), "").Lose()
	for _, r := range "abcdefghij" {
		s.refund(id, "b"+string(r), "1").ok()
	}
	s.refund(id, "bk", "1").refused(400, "TransactionCountExceeded")
	s.fake.Advance(time.Hour)
	s.do("GetCaptureDetails", "AmazonCaptureId", id).ok().has("CaptureStatus/State", "Closed", "ReasonCode", "MaxRefundsProcessed")
}

// The confirmation page of UK and EU: an object is Open while it waits, and
// Suspended when the buyer does not pass; then it may be confirmed again.
func TestAuthenticate(t *testing.T) {
	urls := []string{"SuccessUrl", "https://shop.example/done?order=42", "FailureUrl", "https://shop.example/sorry"}
	for _, c := range []struct {
		status amazonpaytest.AuthenticationStatus
		url    string
		state  amazonpay.State
		reason amazonpay.Reason
	}{
		{amazonpaytest.AuthenticationSuccess, "https://shop.example/done?order=42&AuthenticationStatus=Success", amazonpay.StateOpen, ""},
		{amazonpaytest.AuthenticationFailure, "https://shop.example/sorry?AuthenticationStatus=Failure", amazonpay.StateSuspended, amazonpay.ReasonPaymentAuthorizationRequired},
		{amazonpaytest.AuthenticationAbandoned, "https://shop.example/sorry?AuthenticationStatus=Abandoned", amazonpay.StateSuspended, amazonpay.ReasonPaymentAuthorizationRequired},
	} {
		t.Run("agreement "+string(c.status), func(t *testing.T) {
			s := newStage(t, amazonpaytest.Settings{Region: amazonpay.RegionEU})
			agreement := s.fake.NewBillingAgreement().Consent()
			require.Empty(t, agreement.Authenticate(c.status), "it is not confirmed")
			confirm := append([]string{"AmazonBillingAgreementId", string(agreement.ID())}, urls...)
			s.do("ConfirmBillingAgreement", confirm...).ok()
			stateOf(t, agreement, "Open", "")
			require.True(t, s.fake.Snapshot().Agreements[0].Awaits)
			require.Equal(t, c.url, agreement.Authenticate(c.status))
			stateOf(t, agreement, string(c.state), string(c.reason))
			require.False(t, s.fake.Snapshot().Agreements[0].Awaits)
			require.Empty(t, agreement.Authenticate(c.status), "the page is gone")
			s.do("ConfirmBillingAgreement", confirm...).ok()
			stateOf(t, agreement, "Open", "")
			require.NotEmpty(t, agreement.Authenticate(amazonpaytest.AuthenticationSuccess))
			stateOf(t, agreement, "Open", "")
		})
		t.Run("order "+string(c.status), func(t *testing.T) {
			s := newStage(t, amazonpaytest.Settings{Region: amazonpay.RegionUK})
			order := s.purchase(amazonpaytest.Checkout{}, "20", "GBP")
			require.Empty(t, order.Authenticate(c.status), "no addresses were named")
			s.do("ConfirmOrderReference", append([]string{"AmazonOrderReferenceId", string(order.ID())}, urls...)...).ok()
			require.True(t, s.fake.Snapshot().Orders[0].Awaits)
			require.Equal(t, c.url, order.Authenticate(c.status))
			stateOf(t, order, string(c.state), string(c.reason))
			if c.state == amazonpay.StateSuspended { // as a shop does after a failure
				s.do("CancelOrderReference", "AmazonOrderReferenceId", string(order.ID())).ok()
			}
		})
	}
	t.Run("America has no such page", func(t *testing.T) {
		s := newStage(t, amazonpaytest.Settings{})
		agreement := s.fake.NewBillingAgreement().Consent()
		s.do("ConfirmBillingAgreement", append([]string{"AmazonBillingAgreementId", string(agreement.ID())}, urls...)...).ok()
		require.Empty(t, agreement.Authenticate(amazonpaytest.AuthenticationFailure))
		stateOf(t, agreement, "Open", "")
	})
	t.Run("no such end", func(t *testing.T) {
		s := newStage(t, amazonpaytest.Settings{Region: amazonpay.RegionEU})
		require.Panics(t, func() { s.fake.NewBillingAgreement().Authenticate("Maybe") })
	})
	t.Run("an address that is none", func(t *testing.T) {
		s := newStage(t, amazonpaytest.Settings{Region: amazonpay.RegionEU})
		agreement := s.fake.NewBillingAgreement().Consent()
		s.do("ConfirmBillingAgreement", "AmazonBillingAgreementId", string(agreement.ID()), "SuccessUrl", "https://x/%zz", "FailureUrl", "https://x/f").ok()
		require.Equal(t, "https://x/%zz", agreement.Authenticate(amazonpaytest.AuthenticationSuccess))
	})
}

// A payment method that is not allowed suspends what is Open, as soon as it is in
// force: no charge goes through.
func TestPaymentMethodNotAllowed(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{})
	agreement, order := s.subscription(amazonpaytest.Checkout{}), s.purchase(amazonpaytest.Checkout{}, "10", "USD")
	id := []string{"AmazonBillingAgreementId", string(agreement.ID())}
	stateOf(t, agreement.UpdatePaymentMethod(amazonpaytest.NotAllowed), "Suspended", "InvalidPaymentMethod")
	stateOf(t, order.UpdatePaymentMethod(amazonpaytest.NotAllowed), "Suspended", "InvalidPaymentMethod")
	s.do("GetBillingAgreementDetails", id...).ok().has("ConstraintID", "PaymentMethodNotAllowed")
	s.charge(agreement, "a", "10", "CaptureNow", "true").refused(400, "InvalidBillingAgreementStatus")
	s.authorize(order.ID(), "b", "10", "CaptureNow", "true").refused(400, "InvalidOrderReferenceStatus")
	s.do("ValidateBillingAgreement", id...).ok().has("ValidationResult", "Failure")
	s.do("ConfirmBillingAgreement", id...).refused(400, "BillingAgreementConstraintsExist")
	agreement.ChoosePaymentMethod(amazonpaytest.GoodCard)
	s.do("ConfirmBillingAgreement", id...).ok()
	s.charge(agreement, "c", "10", "CaptureNow", "true").ok()
	stateOf(t, order.UpdatePaymentMethod(amazonpaytest.GoodCard), "Open", "")
}

// The bank and Amazon give the money of a capture back once, all together.
func TestChargebacksOfTheSameMoney(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{})
	paid := amazonpay.CaptureID(s.charge(s.subscription(amazonpaytest.Checkout{}), "now", "100", "CaptureNow", "true").ok().get("IdList/member"))
	usd := func(text string) amazonpay.Price { return amazonpay.MustPrice(text, "USD") }
	first := s.fake.Chargeback(paid, usd("60"), "")
	require.Panics(t, func() { s.fake.Chargeback(paid, usd("40.01"), "") })
	first.Lose()
	require.Panics(t, func() { s.fake.Chargeback(paid, usd("40.01"), "") })
	s.fake.Chargeback(paid, usd("40"), "").Win() // which leaves the money free again
	s.fake.Capture(paid).GrantClaim(amazonpay.Price{})
	require.Equal(t, usd("40"), s.fake.TotalClaimed("USD"))
	require.Panics(t, func() { s.fake.Chargeback(paid, usd("0.01"), "") })
	require.Panics(t, func() { s.fake.Chargeback(paid, amazonpay.Price{}, "") })
	s.do("GetCaptureDetails", "AmazonCaptureId", string(paid)).ok().has("RefundedAmount/Amount", "100.00")
}
