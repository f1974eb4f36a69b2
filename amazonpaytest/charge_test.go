package amazonpaytest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

func stateOf(t *testing.T, h interface {
	State() (amazonpay.State, amazonpay.Reason)
}, state, reason string) {
	t.Helper()
	s, r := h.State()
	require.Equal(t, state+" "+reason, string(s)+" "+string(r))
}

func TestSubscription(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{})
	agreement := s.fake.NewBillingAgreement()
	id := []string{"AmazonBillingAgreementId", string(agreement.ID())}
	require.Regexp(t, `^C01-\d{7}-\d{7}$`, agreement.ID())
	got := s.do("GetBillingAgreementDetails", id...).ok().has(
		"BillingAgreementStatus/State", "Draft", "Constraint/ConstraintID", "BuyerConsentNotSet", "BillingAgreementConsent", "false",
		"PhysicalDestination/City", "Chicago", "PhysicalDestination/Name", "", "Buyer/Name", "",
		"AmountLimitPerTimePeriod/Amount", "1000.00", "CurrentRemainingBalance/Amount", "1000.00", "BillingAgreementLimits/TimePeriodStartDate",
		"2026-01-01T00:00:00.000Z", "BillingAgreementLimits/TimePeriodEndDate", "2026-02-01T00:00:00.000Z", "ReleaseEnvironment", "Sandbox")
	require.False(t, got.paths["./GetBillingAgreementDetailsResult/BillingAgreementDetails/Buyer"])
	s.do("ConfirmBillingAgreement", id...).refused(400, "BillingAgreementConstraintsExist")
	agreement.Consent()
	s.do("SetBillingAgreementDetails", append(id, "BillingAgreementAttributes.SellerNote", `Tea & <cake> é 日本 "x"`,
		"BillingAgreementAttributes.SellerBillingAgreementAttributes.SellerBillingAgreementId", "sub-1")...).ok().
		has("SellerNote", `Tea & <cake> é 日本 "x"`, "SellerBillingAgreementId", "sub-1", "BillingAgreementConsent", "true")
	s.do("ConfirmBillingAgreement", id...).ok()
	s.do("ConfirmBillingAgreement", id...).ok() // again is no harm
	s.do("ValidateBillingAgreement", id...).ok().has("ValidationResult", "Success", "FailureReasonCode", "")
	s.do("SetBillingAgreementDetails", append(id, "BillingAgreementAttributes.SellerNote", "late")...).refused(405, "BillingAgreementNotModifiable")
	s.do("GetBillingAgreementDetails", id...).ok().has("PhysicalDestination/AddressLine1", "10 Ditka Ave", "Buyer/Name", "Susan Example")

	charge := s.charge(agreement, "sub-1_2026-01", "19.90", "CaptureNow", "true", "SoftDescriptor", "Tea",
		"SellerOrderAttributes.SellerOrderId", "order-1", "SellerAuthorizationNote", "January").ok()
	charge.has("AuthorizationStatus/State", "Closed", "ReasonCode", "MaxCapturesProcessed", "CapturedAmount/Amount", "0",
		"AuthorizationAmount/Amount", "19.90", "SoftDescriptor", "AMZ*Tea", "AuthorizationReferenceId", "sub-1_2026-01", "SellerAuthorizationNote", "January")
	auth, captured := charge.get("AmazonAuthorizationId"), charge.get("IdList/member")
	require.Equal(t, strings.Replace(auth, "-A", "-C", 1), captured)
	order := charge.get("AuthorizeOnBillingAgreementResult/AmazonOrderReferenceId")
	require.True(t, strings.HasPrefix(auth, order+"-A"))
	s.do("GetAuthorizationDetails", "AmazonAuthorizationId", auth).ok().has("CapturedAmount/Amount", "19.90", "ReasonCode", "MaxCapturesProcessed")
	s.do("GetCaptureDetails", "AmazonCaptureId", captured).ok().has("CaptureReferenceId", "sub-1_2026-01", "CaptureStatus/State", "Completed",
		"CaptureAmount/Amount", "19.90", "RefundedAmount/Amount", "0", "CaptureFee/Amount", "0.00")
	s.do("GetOrderReferenceDetails", "AmazonOrderReferenceId", order).ok().has("OrderReferenceStatus/State", "Closed", "ReasonCode", "SellerClosed",
		"OrderTotal/Amount", "19.90", "ParentDetails/Id", string(agreement.ID()), "IdList/member", auth)
	s.do("ListOrderReference", "QueryId", "order-1", "QueryIdType", "SellerOrderId", "PaymentDomain", "NA_USD").ok().
		has("OrderReference/AmazonOrderReferenceId", order, "SellerOrderAttributes/SellerOrderId", "order-1")
	s.do("GetBillingAgreementDetails", id...).ok().has("CurrentRemainingBalance/Amount", "980.10")

	back := s.refund(captured, "sub-1_refund", "9.90").ok().has("RefundStatus/State", "Pending", "RefundAmount/Amount", "9.90", "RefundType", "SellerInitiated")
	s.fake.Advance(time.Hour)
	s.do("GetRefundDetails", "AmazonRefundId", back.get("AmazonRefundId")).ok().has("RefundStatus/State", "Completed")
	s.do("GetCaptureDetails", "AmazonCaptureId", captured).ok().has("RefundedAmount/Amount", "9.90", "IdList/member", back.get("AmazonRefundId"))
	require.Equal(t, "19.90", s.fake.TotalCaptured("USD").Amount())
	require.Equal(t, "9.90", s.fake.TotalRefunded("USD").Amount())
	require.True(t, s.fake.TotalRefunded("???").IsZero())
	require.Equal(t, []amazonpaytest.Movement{
		{Time: start, Kind: amazonpaytest.Captured, SellerID: testSeller, Amount: amazonpay.MustPrice("19.90", "USD"),
			BillingAgreementID: agreement.ID(), OrderReferenceID: amazonpay.OrderReferenceID(order), AuthorizationID: amazonpay.AuthorizationID(auth),
			CaptureID: amazonpay.CaptureID(captured), ReferenceID: "sub-1_2026-01"},
		{Time: start.Add(time.Hour), Kind: amazonpaytest.Refunded, SellerID: testSeller, Amount: amazonpay.MustPrice("9.90", "USD"),
			BillingAgreementID: agreement.ID(), OrderReferenceID: amazonpay.OrderReferenceID(order), AuthorizationID: amazonpay.AuthorizationID(auth),
			CaptureID: amazonpay.CaptureID(captured), RefundID: amazonpay.RefundID(back.get("AmazonRefundId")), ReferenceID: "sub-1_refund"},
	}, s.fake.Ledger())

	open := s.charge(agreement, "open", "5").ok().has("AuthorizationStatus/State", "Open", "AuthorizationAmount/Amount", "5")
	require.Contains(t, open.raw, "<IdList/>")
	s.do("CloseBillingAgreement", append(id, "ClosureReason", "bye")...).ok()
	s.do("CloseBillingAgreement", append(id, "ClosureReason", "bye")...).ok()
	s.do("CloseBillingAgreement", append(id, "ClosureReason", "other")...).refused(400, "InvalidCloseAttempt")
	s.do("GetBillingAgreementDetails", id...).ok().has("ReasonCode", "SellerClosed", "ReasonDescription", "bye")
	s.charge(agreement, "after", "5").refused(400, "InvalidBillingAgreementStatus")
	s.capture(open.get("AmazonAuthorizationId"), "after-capture", "5.00").ok().has("CaptureStatus/State", "Completed")
}

func TestDeclines(t *testing.T) {
	tests := map[string]struct {
		method                amazonpaytest.PaymentMethod
		note                  string // a simulation instead
		state, reason, soft   string
		agreement, order      string // afterwards
		lateState, lateReason string // of the same charge, asynchronous
		confirm               string // the code of a confirmation right afterwards
	}{
		"good":     {amazonpaytest.GoodCard, "", "Open", "", "", "Open", "Open", "Open", "", ""},
		"hard":     {amazonpaytest.BadCard, "", "Declined", "InvalidPaymentMethod", "false", "Suspended", "Suspended", "Declined", "InvalidPaymentMethod", "PaymentMethodNotUpdated"},
		"soft":     {amazonpaytest.AlwaysShort, "", "Declined", "InvalidPaymentMethod", "true", "Suspended", "Suspended", "Declined", "InvalidPaymentMethod", ""},
		"rejected": {amazonpaytest.RejectedCard, "", "Declined", "AmazonRejected", "", "Open", "Closed", "Declined", "AmazonRejected", ""},
		"failing":  {amazonpaytest.FailingCard, "", "Declined", "ProcessingFailure", "", "Open", "Open", "Declined", "ProcessingFailure", ""},
		"slow":     {amazonpaytest.SlowBank, "", "Declined", "TransactionTimedOut", "", "Open", "Open", "Open", "", ""},
		"silent":   {amazonpaytest.SilentBank, "", "Declined", "TransactionTimedOut", "", "Open", "Open", "Declined", "TransactionTimedOut", ""},
		"simulated hard": {"", `{"SandboxSimulation": {"State":"Declined","ReasonCode":"InvalidPaymentMethod","PaymentMethodUpdateTimeInMins":2000}}`,
			"Declined", "InvalidPaymentMethod", "false", "Suspended", "Suspended", "Declined", "InvalidPaymentMethod", "PaymentMethodNotUpdated"},
		"simulated soft": {"", `{"SandboxSimulation": {"State":"Declined","ReasonCode":"InvalidPaymentMethod","PaymentMethodUpdateTimeInMins":2000,"SoftDecline":"true"}}`,
			"Declined", "InvalidPaymentMethod", "true", "Suspended", "Suspended", "Declined", "InvalidPaymentMethod", ""},
		"simulated rejection": {"", ` { "SandboxSimulation" : {"State":"Declined", "ReasonCode":"AmazonRejected"} } `,
			"Declined", "AmazonRejected", "", "Open", "Closed", "Declined", "AmazonRejected", ""},
		"simulated timeout": {"", `{"SandboxSimulation": {"State":"Declined","ReasonCode":"TransactionTimedOut"}}`,
			"Declined", "TransactionTimedOut", "", "Open", "Open", "Declined", "TransactionTimedOut", ""},
		"simulated closure": {"", `{"SandboxSimulation": {"State":"Closed","ReasonCode":"AmazonClosed"}}`,
			"Closed", "AmazonClosed", "", "Open", "Open", "Closed", "AmazonClosed", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, amazonpaytest.Settings{})
			checkout := amazonpaytest.Checkout{Payment: tt.method}
			agreement, order := s.subscription(checkout), s.purchase(checkout, "100", "USD")
			note := []string{"SellerAuthorizationNote", tt.note}
			s.charge(agreement, "sync", "10", append(note, "CaptureNow", "true")...).ok()
			got := s.do("GetAuthorizationDetails", "AmazonAuthorizationId", s.charge(agreement, "sync", "10", append(note, "CaptureNow", "true")...).get("AmazonAuthorizationId"))
			if tt.state == "Open" {
				got.has("AuthorizationStatus/State", "Closed", "ReasonCode", "MaxCapturesProcessed")
			} else {
				got.has("AuthorizationStatus/State", tt.state, "ReasonCode", tt.reason, "SoftDecline", tt.soft)
				require.Empty(t, s.fake.Ledger())
				require.Equal(t, "1000.00", s.do("GetBillingAgreementDetails", "AmazonBillingAgreementId", string(agreement.ID())).get("CurrentRemainingBalance/Amount"))
			}
			state, _ := agreement.State()
			require.Equal(t, tt.agreement, string(state))
			s.authorize(order.ID(), "order", "10", note...).ok().has("AuthorizationStatus/State", tt.state, "SoftDecline", tt.soft)
			state, _ = order.State()
			require.Equal(t, tt.order, string(state))
			if tt.agreement == "Suspended" {
				s.charge(agreement, "suspended", "10").refused(400, "InvalidBillingAgreementStatus")
				s.authorize(order.ID(), "suspended", "10").refused(400, "InvalidOrderReferenceStatus")
				s.do("ValidateBillingAgreement", "AmazonBillingAgreementId", string(agreement.ID())).ok().has("ValidationResult", "Failure", "FailureReasonCode", "InvalidPaymentMethod")
			}
			confirm := s.do("ConfirmBillingAgreement", "AmazonBillingAgreementId", string(agreement.ID()))
			require.Equal(t, tt.confirm, confirm.code)

			late := s.subscription(checkout)
			pending := s.charge(late, "late", "10", append(note, "TransactionTimeout", "1440")...).ok().has("AuthorizationStatus/State", "Pending")
			s.fake.Advance(1440 * time.Minute)
			s.do("GetAuthorizationDetails", "AmazonAuthorizationId", pending.get("AmazonAuthorizationId")).ok().
				has("AuthorizationStatus/State", tt.lateState, "ReasonCode", tt.lateReason)
		})
	}
}

func TestRepair(t *testing.T) {
	suspended := func(t *testing.T) (*shop, *amazonpaytest.BillingAgreement, []string) {
		s := newShop(t, amazonpaytest.Settings{})
		agreement := s.subscription(amazonpaytest.Checkout{Payment: amazonpaytest.BadCard})
		s.charge(agreement, "first", "10").ok()
		stateOf(t, agreement, "Suspended", "InvalidPaymentMethod")
		return s, agreement, []string{"AmazonBillingAgreementId", string(agreement.ID())}
	}
	t.Run("in the Wallet widget", func(t *testing.T) {
		s, agreement, id := suspended(t)
		s.do("ConfirmBillingAgreement", id...).refused(400, "PaymentMethodNotUpdated")
		agreement.ChoosePaymentMethod(amazonpaytest.GoodCard)
		stateOf(t, agreement, "Suspended", "InvalidPaymentMethod")
		s.do("ConfirmBillingAgreement", id...).ok()
		s.charge(agreement, "first", "10").ok().has("AuthorizationStatus/State", "Declined") // the old id: the old result
		s.charge(agreement, "second", "10").ok().has("AuthorizationStatus/State", "Open")
	})
	t.Run("on Amazon's site", func(t *testing.T) {
		s, agreement, _ := suspended(t)
		agreement.UpdatePaymentMethod(amazonpaytest.GoodCard)
		stateOf(t, agreement, "Open", "")
		s.charge(agreement, "second", "10").ok().has("AuthorizationStatus/State", "Open")
	})
	t.Run("simulated", func(t *testing.T) {
		s := newShop(t, amazonpaytest.Settings{})
		agreement := s.subscription(amazonpaytest.Checkout{})
		s.charge(agreement, "a", "10", "SellerAuthorizationNote", `{"SandboxSimulation": {"State":"Declined","ReasonCode":"InvalidPaymentMethod","PaymentMethodUpdateTimeInMins":5}}`)
		s.fake.Advance(5*time.Minute - 1)
		stateOf(t, agreement, "Suspended", "InvalidPaymentMethod")
		s.fake.Advance(1)
		stateOf(t, agreement, "Open", "")
	})
	t.Run("short once", func(t *testing.T) {
		s := newShop(t, amazonpaytest.Settings{})
		agreement := s.subscription(amazonpaytest.Checkout{Payment: amazonpaytest.ShortOnce})
		s.charge(agreement, "a", "10").ok().has("SoftDecline", "true")
		s.do("ConfirmBillingAgreement", "AmazonBillingAgreementId", string(agreement.ID())).ok()
		s.charge(agreement, "b", "10").ok().has("AuthorizationStatus/State", "Open")
	})
	t.Run("deleted", func(t *testing.T) {
		s := newShop(t, amazonpaytest.Settings{})
		agreement := s.subscription(amazonpaytest.Checkout{}).DeletePaymentMethod()
		id := []string{"AmazonBillingAgreementId", string(agreement.ID())}
		s.do("GetBillingAgreementDetails", id...).ok().has("ConstraintID", "PaymentMethodDeleted", "BillingAgreementStatus/State", "Suspended")
		s.do("ConfirmBillingAgreement", id...).refused(400, "BillingAgreementConstraintsExist")
		agreement.ChoosePaymentMethod("")
		s.do("ConfirmBillingAgreement", id...).ok()
		stateOf(t, agreement, "Open", "")
	})
	t.Run("a widget's choice waits for the confirmation", func(t *testing.T) {
		s := newShop(t, amazonpaytest.Settings{})
		agreement := s.subscription(amazonpaytest.Checkout{}).ChoosePaymentMethod(amazonpaytest.RejectedCard).
			ChangeAddress(amazonpay.Address{City: "Elsewhere", CountryCode: "US"})
		id := []string{"AmazonBillingAgreementId", string(agreement.ID())}
		s.charge(agreement, "a", "10").ok().has("AuthorizationStatus/State", "Open")
		s.do("GetBillingAgreementDetails", id...).ok().has("PhysicalDestination/City", "Chicago")
		s.do("ConfirmBillingAgreement", id...).ok()
		s.charge(agreement, "b", "10").ok().has("AuthorizationStatus/State", "Declined")
		s.do("GetBillingAgreementDetails", id...).ok().has("PhysicalDestination/City", "Elsewhere")
	})
	t.Run("an order reference", func(t *testing.T) {
		s := newShop(t, amazonpaytest.Settings{})
		order := s.purchase(amazonpaytest.Checkout{Payment: amazonpaytest.BadCard}, "50", "USD")
		id := []string{"AmazonOrderReferenceId", string(order.ID())}
		s.authorize(order.ID(), "a", "10").ok()
		s.do("GetOrderReferenceDetails", id...).ok().has("ConstraintID", "PaymentPlanNotSet")
		s.do("ConfirmOrderReference", id...).refused(400, "PaymentMethodNotUpdated")
		order.ChoosePaymentMethod(amazonpaytest.BadCard)
		s.do("ConfirmOrderReference", id...).ok()
		s.authorize(order.ID(), "b", "10").ok().has("AuthorizationStatus/State", "Declined")
		order.UpdatePaymentMethod(amazonpaytest.GoodCard)
		stateOf(t, order, "Open", "")
		s.authorize(order.ID(), "c", "10").ok().has("AuthorizationStatus/State", "Open")
	})
}

func TestWhoEndsIt(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{})
	stateOf(t, s.subscription(amazonpaytest.Checkout{}).Cancel(), "Closed", "BuyerClosed")
	stateOf(t, s.subscription(amazonpaytest.Checkout{}).AmazonClose(), "Closed", "AmazonClosed")
	stateOf(t, s.fake.NewBillingAgreement().Cancel(), "Draft", "")
	agreement := s.subscription(amazonpaytest.Checkout{})
	open := s.charge(agreement, "open", "10").ok().get("AmazonAuthorizationId")
	child := s.do("CreateOrderReferenceForId", "Id", string(agreement.ID()), "IdType", "BillingAgreement").ok().get("AmazonOrderReferenceId")
	agreement.AmazonCancel()
	stateOf(t, agreement.Consent().UpdatePaymentMethod(""), "Canceled", "AmazonCanceled")
	stateOf(t, s.fake.OrderReference(amazonpay.OrderReferenceID(child)), "Canceled", "AmazonCanceled")
	stateOf(t, s.fake.BillingAgreement(agreement.ID()), "Canceled", "AmazonCanceled")
	require.Nil(t, s.fake.OrderReference("S01"))
	require.Nil(t, s.fake.BillingAgreement("C01"))
	s.do("GetAuthorizationDetails", "AmazonAuthorizationId", open).ok().has("ReasonCode", "OrderReferenceCanceled")
	s.capture(open, "c", "10").refused(405, "InvalidAuthorizationStatus")
	s.do("ConfirmBillingAgreement", "AmazonBillingAgreementId", string(agreement.ID())).refused(400, "InvalidBillingAgreementStatus")

	order := s.purchase(amazonpaytest.Checkout{}, "20", "USD").AmazonClose()
	stateOf(t, order, "Closed", "AmazonClosed")
	s.do("ConfirmOrderReference", "AmazonOrderReferenceId", string(order.ID())).refused(400, "InvalidOrderReferenceStatus")
	stateOf(t, s.purchase(amazonpaytest.Checkout{}, "20", "USD").AmazonCancel(), "Canceled", "AmazonCanceled")
}

func TestMonthlyLimit(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{MonthlyLimit: amazonpay.MustPrice("50", "USD"), Start: time.Date(2026, 1, 31, 23, 0, 0, 0, time.UTC)})
	agreement := s.subscription(amazonpaytest.Checkout{})
	id := []string{"AmazonBillingAgreementId", string(agreement.ID())}
	s.charge(agreement, "a", "30").ok()
	refused := s.charge(agreement, "b", "20.01").refused(400, "PeriodicAmountExceeded")
	require.Contains(t, refused.get("Error/Message"), "cannot exceed 50.00")
	s.charge(agreement, "b", "20").ok() // a refused request does not use its id up
	s.do("GetBillingAgreementDetails", id...).ok().has("CurrentRemainingBalance/Amount", "0.00")
	s.charge(agreement, "c", "0.01").refused(400, "PeriodicAmountExceeded")
	s.fake.AdvanceTo(time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC))
	s.do("GetBillingAgreementDetails", id...).ok().has("CurrentRemainingBalance/Amount", "50.00", "TimePeriodStartDate", "2026-02-01T00:00:00.000Z")
	s.charge(agreement, "c", "50").ok()
	s.charge(agreement, "d", "50.01").refused(400, "PeriodicAmountExceeded")
}

func TestIdempotency(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{})
	agreement := s.subscription(amazonpaytest.Checkout{})
	order := s.purchase(amazonpaytest.Checkout{}, "100", "USD")
	first := s.charge(agreement, "r1", "10", "TransactionTimeout", "5").ok()
	s.fake.Advance(5 * time.Minute)
	again := s.charge(agreement, "r1", "10", "TransactionTimeout", "5").ok().has("AuthorizationStatus/State", "Pending")
	require.Equal(t, first.get("AmazonAuthorizationId"), again.get("AmazonAuthorizationId"))
	require.NotEqual(t, first.get("RequestId"), again.get("RequestId"))
	auth := first.get("AmazonAuthorizationId")
	s.do("GetAuthorizationDetails", "AmazonAuthorizationId", auth).ok().has("AuthorizationStatus/State", "Open")
	for name, r := range map[string]result{
		"another amount": s.charge(agreement, "r1", "11", "TransactionTimeout", "5"),
		"another note":   s.charge(agreement, "r1", "10", "TransactionTimeout", "5", "SellerNote", "x"),
		"no timeout":     s.charge(agreement, "r1", "10"),
	} {
		t.Run(name, func(t *testing.T) { r.refused(400, "DuplicateRequest") })
	}
	s.authorize(order.ID(), "r1", "10").refused(400, "DuplicateReferenceId")
	s.capture(auth, "r1", "10").refused(400, "DuplicateReferenceId")
	captured := s.capture(auth, "c1", "10").ok().get("AmazonCaptureId")
	require.Equal(t, captured, s.capture(auth, "c1", "10").ok().get("AmazonCaptureId"))
	s.capture(auth, "c1", "9").refused(400, "DuplicateRequest")
	s.refund(captured, "c1", "10").refused(400, "DuplicateReferenceId")
	back := s.refund(captured, "b1", "10").ok().get("AmazonRefundId")
	s.fake.Advance(24 * time.Hour)
	require.Equal(t, back, s.refund(captured, "b1", "10").ok().has("RefundStatus/State", "Pending").get("AmazonRefundId"))
	s.authorize(order.ID(), "b1", "10").refused(400, "DuplicateReferenceId")
	require.Len(t, s.fake.Ledger(), 2)
	calls := s.fake.Calls()
	last := calls[len(calls)-2]
	require.True(t, last.Replay)
	require.Equal(t, "Refund", last.Action)
	calls[0].Params.Set("Action", "changed")
	require.NotEqual(t, "changed", s.fake.Calls()[0].Params.Get("Action"))

	// With CaptureNow the capture has the authorization's id, which is taken.
	now := s.charge(agreement, "now", "10", "CaptureNow", "true").ok()
	s.refund(now.get("IdList/member"), "now", "1").refused(400, "DuplicateReferenceId")
}
