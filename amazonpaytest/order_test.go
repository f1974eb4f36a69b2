package amazonpaytest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

func TestPurchase(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{})
	order := s.fake.NewOrderReference()
	id := []string{"AmazonOrderReferenceId", string(order.ID())}
	set := func(more ...string) []string {
		return append([]string{"AmazonOrderReferenceId", string(order.ID()), "OrderReferenceAttributes.OrderTotal.Amount", "94.50",
			"OrderReferenceAttributes.OrderTotal.CurrencyCode", "USD"}, more...)
	}
	got := s.do("GetOrderReferenceDetails", id...).ok().has("OrderReferenceStatus/State", "Draft", "ConstraintID", "AmountNotSet",
		"CreationTimestamp", "2026-01-15T12:00:00.000Z", "ExpirationTimestamp", "2026-07-14T12:00:00.000Z")
	require.Contains(t, got.raw, "<SellerOrderAttributes/>")
	require.Contains(t, got.raw, "<PaymentAuthenticationStatus/>")
	s.do("ConfirmOrderReference", id...).refused(400, "ConstraintsExist")
	s.authorize(order.ID(), "early", "5").refused(400, "InvalidOrderReferenceStatus")
	s.do("CancelOrderReference", id...).refused(400, "InvalidOrderReferenceStatus")
	s.do("CloseOrderReference", id...).refused(400, "InvalidCloseAttempt")
	s.do("SetOrderReferenceDetails", set("OrderReferenceAttributes.SellerNote", `{"SandboxSimulation":{"Constraint":"PaymentMethodNotAllowed"}}`)...).ok().
		has("ConstraintID", "PaymentMethodNotAllowed")
	s.do("ConfirmOrderReference", id...).refused(400, "ConstraintsExist")
	s.do("SetOrderReferenceDetails", set("OrderReferenceAttributes.SellerNote", "", "OrderReferenceAttributes.SellerOrderAttributes.SellerOrderId", "o1",
		"OrderReferenceAttributes.SellerOrderAttributes.OrderItemCategories.OrderItemCategory.1", "Antiques",
		"OrderReferenceAttributes.SellerOrderAttributes.OrderItemCategories.OrderItemCategory.2", "Apparel")...).ok().
		has("OrderTotal/Amount", "94.50", "SellerOrderId", "o1", "ConstraintID", "")
	confirmed := s.do("ConfirmOrderReference", append(id, "ExpectImmediateAuthorization", "true")...).ok()
	require.False(t, confirmed.paths["./ConfirmOrderReferenceResult"])
	s.do("SetOrderReferenceDetails", set()...).refused(405, "OrderReferenceNotModifiable")
	got = s.do("GetOrderReferenceDetails", id...).ok().has("OrderReferenceStatus/State", "Open", "PhysicalDestination/Name", "Susan Example")
	require.Equal(t, []string{"Antiques", "Apparel"}, got.texts["OrderItemCategory"])

	s.do("SetOrderAttributes", append(id, "OrderAttributes.SellerOrderAttributes.StoreName", "Shop")...).ok().has("StoreName", "Shop")
	s.do("SetOrderAttributes", append(id, "OrderAttributes.SellerOrderAttributes.StoreName", "Other")...).refused(405, "OrderReferenceNotModifiable")
	s.do("SetOrderAttributes", append(id, "OrderAttributes.OrderTotal.Amount", "1", "OrderAttributes.OrderTotal.CurrencyCode", "USD")...).refused(405, "OrderReferenceNotModifiable")

	auth := s.authorize(order.ID(), "a1", "94.50", "SellerAuthorizationNote", "Lorem").ok().has("AuthorizationStatus/State", "Open",
		"ExpirationTimestamp", "2026-02-14T12:00:00.000Z", "CaptureNow", "false").get("AmazonAuthorizationId")
	s.capture(auth, "c0", "94.51").refused(400, "TransactionAmountExceeded")
	captured := s.capture(auth, "c1", "50.00").ok().has("CaptureStatus/State", "Completed", "CaptureAmount/Amount", "50.00").get("AmazonCaptureId")
	s.capture(auth, "c2", "10").refused(405, "InvalidAuthorizationStatus")
	s.do("CancelOrderReference", id...).refused(400, "InvalidCancelAttempt")
	s.do("CloseOrderReference", append(id, "ClosureReason", "done")...).ok()
	s.do("CloseOrderReference", append(id, "ClosureReason", "done")...).ok()
	stateOf(t, order, "Closed", "SellerClosed")
	s.authorize(order.ID(), "a2", "1").refused(400, "InvalidOrderReferenceStatus")
	s.refund(auth, "b0", "1").refused(400, "InvalidTransactionId")
	s.refund(captured, "b1", "57.51").refused(400, "TransactionAmountExceeded")
	s.refund(captured, "b1", "57.50").ok()
	s.fake.Advance(time.Hour)
	s.do("GetCaptureDetails", "AmazonCaptureId", captured).ok().has("CaptureStatus/State", "Closed", "ReasonCode", "MaxAmountRefunded")
	s.refund(captured, "b2", "0.01").refused(405, "CaptureNotRefundable")
}

func TestCancelOrderReference(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{})
	order := s.purchase(amazonpaytest.Checkout{}, "20", "USD")
	id := []string{"AmazonOrderReferenceId", string(order.ID()), "CancelationReason", "no stock"}
	auth := s.authorize(order.ID(), "a", "10", "TransactionTimeout", "60").ok().get("AmazonAuthorizationId")
	require.True(t, s.do("CancelOrderReference", id...).ok().paths["./CancelOrderReferenceResult"])
	s.do("CancelOrderReference", id...).ok()
	s.do("GetOrderReferenceDetails", id[:2]...).ok().has("ReasonCode", "SellerCanceled", "ReasonDescription", "no stock")
	s.fake.Advance(time.Hour) // the decision finds nothing to decide
	s.do("GetAuthorizationDetails", "AmazonAuthorizationId", auth).ok().has("AuthorizationStatus/State", "Closed", "ReasonCode", "OrderReferenceCanceled")
}

func TestCloseAuthorization(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{})
	order := s.purchase(amazonpaytest.Checkout{}, "20", "USD")
	auth := s.authorize(order.ID(), "a", "10").ok().get("AmazonAuthorizationId")
	id := []string{"AmazonAuthorizationId", auth, "ClosureReason", "not needed"}
	s.do("CloseAuthorization", id...).ok()
	s.do("CloseAuthorization", id...).ok()
	s.do("CloseAuthorization", id[:2]...).refused(405, "InvalidAuthorizationStatus")
	s.do("GetAuthorizationDetails", id[:2]...).ok().has("ReasonCode", "SellerClosed", "ReasonDescription", "not needed")
	s.authorize(order.ID(), "b", "23").ok() // what was closed is free again
	s.authorize(order.ID(), "c", "0.01").refused(400, "TransactionAmountExceeded")
}

func TestLimitsOfAnOrder(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{})
	t.Run("surplus of 15 percent", func(t *testing.T) {
		order := s.purchase(amazonpaytest.Checkout{}, "100", "USD")
		s.authorize(order.ID(), "p1", "115.01").refused(400, "TransactionAmountExceeded")
		s.authorize(order.ID(), "p1", "115", "CaptureNow", "true").ok()
		stateOf(t, order, "Closed", "MaxAmountCharged")
	})
	t.Run("surplus of 75", func(t *testing.T) {
		order := s.purchase(amazonpaytest.Checkout{}, "1000", "USD")
		s.authorize(order.ID(), "q1", "1075.01").refused(400, "TransactionAmountExceeded")
		s.authorize(order.ID(), "q1", "1075").ok()
	})
	t.Run("ten authorizations", func(t *testing.T) {
		order := s.purchase(amazonpaytest.Checkout{}, "100", "USD")
		for i := range 10 {
			stateOf(t, order, "Open", "")
			s.authorize(order.ID(), fmt.Sprint("t", i), "1", "CaptureNow", "true").ok()
		}
		stateOf(t, order, "Closed", "MaxAuthorizationsCaptured")
		order = s.purchase(amazonpaytest.Checkout{}, "100", "USD")
		for i := range 10 {
			s.authorize(order.ID(), fmt.Sprint("u", i), "1").ok()
		}
		s.authorize(order.ID(), "u10", "1").refused(400, "TransactionCountExceeded")
	})
	t.Run("ten refunds", func(t *testing.T) {
		order := s.purchase(amazonpaytest.Checkout{}, "100", "USD")
		captured := s.authorize(order.ID(), "v", "100", "CaptureNow", "true").ok().get("IdList/member")
		for i := range 10 {
			s.refund(captured, fmt.Sprint("v", i), "1").ok()
		}
		s.refund(captured, "v10", "1").refused(400, "TransactionCountExceeded")
		s.fake.Advance(time.Hour)
		s.do("GetCaptureDetails", "AmazonCaptureId", captured).ok().has("ReasonCode", "MaxRefundsProcessed")
	})
	t.Run("amount of a call", func(t *testing.T) {
		order := s.fake.NewOrderReference()
		s.do("SetOrderReferenceDetails", "AmazonOrderReferenceId", string(order.ID()), "OrderReferenceAttributes.OrderTotal.Amount", "150000.01",
			"OrderReferenceAttributes.OrderTotal.CurrencyCode", "USD").refused(400, "TransactionAmountExceeded")
		order = s.purchase(amazonpaytest.Checkout{}, "150000", "USD")
		s.authorize(order.ID(), "w", "150000.01").refused(400, "TransactionAmountExceeded")
	})
}

func TestValues(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{})
	order := s.purchase(amazonpaytest.Checkout{}, "100", "USD")
	long := func(n int) string { return fmt.Sprintf("%0*d", n, 1) }
	tests := map[string]struct {
		params []string
		code   string
	}{
		"fine":                    {nil, ""},
		"no amount":               {[]string{"AuthorizationAmount.Amount", "0"}, "InvalidParameterValue"},
		"0.00":                    {[]string{"AuthorizationAmount.Amount", "0.00"}, "InvalidParameterValue"},
		"negative":                {[]string{"AuthorizationAmount.Amount", "-1"}, "InvalidParameterValue"},
		"a thousands separator":   {[]string{"AuthorizationAmount.Amount", "1,000"}, "InvalidParameterValue"},
		"three decimals":          {[]string{"AuthorizationAmount.Amount", "1.001"}, "InvalidParameterValue"},
		"an exponent":             {[]string{"AuthorizationAmount.Amount", "1e2"}, "InvalidParameterValue"},
		"a point at the end":      {[]string{"AuthorizationAmount.Amount", "1."}, "InvalidParameterValue"},
		"a huge amount":           {[]string{"AuthorizationAmount.Amount", "9999999999999999999"}, "InvalidParameterValue"},
		"amount without currency": {[]string{"AuthorizationAmount.CurrencyCode", "-"}, "InvalidParameterValue"},
		"currency without amount": {[]string{"AuthorizationAmount.Amount", "-"}, "InvalidParameterValue"},
		"no such currency":        {[]string{"AuthorizationAmount.CurrencyCode", "usd"}, "InvalidParameterValue"},
		"not the seller's":        {[]string{"AuthorizationAmount.CurrencyCode", "EUR"}, "CurrencyUnsupported"},
		"33 characters":           {[]string{"AuthorizationReferenceId", long(33)}, "InvalidParameterValue"},
		"32 characters":           {[]string{"AuthorizationReferenceId", long(32)}, ""},
		"a blank":                 {[]string{"AuthorizationReferenceId", "a b"}, "InvalidParameterValue"},
		"no reference":            {[]string{"AuthorizationReferenceId", ""}, "InvalidParameterValue"},
		"timeout of 3":            {[]string{"TransactionTimeout", "3"}, "InvalidParameterValue"},
		"timeout of 1445":         {[]string{"TransactionTimeout", "1445"}, "InvalidParameterValue"},
		"timeout of 05":           {[]string{"TransactionTimeout", "05"}, "InvalidParameterValue"},
		"timeout of 1440":         {[]string{"TransactionTimeout", "1440"}, ""},
		"boolean True":            {[]string{"CaptureNow", "True"}, "InvalidParameterValue"},
		"boolean 1":               {[]string{"CaptureNow", "1"}, "InvalidParameterValue"},
		"note of 256":             {[]string{"SellerAuthorizationNote", long(256)}, "InvalidParameterValue"},
		"note of 255":             {[]string{"SellerAuthorizationNote", long(255)}, ""},
		"descriptor of 17":        {[]string{"SoftDescriptor", long(17)}, "InvalidParameterValue"},
		"list from 0":             {[]string{"OrderItemCategories.OrderItemCategory.0", "x"}, "InvalidParameterValue"},
		"list from 2":             {[]string{"OrderItemCategories.OrderItemCategory.2", "x"}, "InvalidParameterValue"},
		"list from 01":            {[]string{"OrderItemCategories.OrderItemCategory.01", "x"}, "InvalidParameterValue"},
		"list":                    {[]string{"OrderItemCategories.OrderItemCategory.1", "x", "OrderItemCategories.OrderItemCategory.2", "x"}, ""},
		"another's parameter":     {[]string{"AmazonBillingAgreementId", "C01-1"}, "InvalidParameterValue"},
		"a provider nobody knows": {[]string{"ProviderCreditList.member.1.ProviderId", "P", "ProviderCreditList.member.1.CreditAmount.Amount", "1",
			"ProviderCreditList.member.1.CreditAmount.CurrencyCode", "USD"}, "ProviderNotAuthorized"},
	}
	n := 0
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			n++
			params := append([]string{}, tt.params...)
			got := s.authorize(order.ID(), fmt.Sprint("r", n), "1", params...)
			if tt.code == "" {
				s.do("CloseAuthorization", "AmazonAuthorizationId", got.ok().get("AmazonAuthorizationId"))
				return
			}
			got.refused(400, tt.code)
		})
	}
}

func TestSimulationsOutOfPlace(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{})
	order := s.purchase(amazonpaytest.Checkout{}, "100", "USD")
	id := []string{"AmazonOrderReferenceId", string(order.ID())}
	const code = "InvalidSandboxSimulationSpecified"
	for name, note := range map[string]string{
		"unknown reason":       `{"SandboxSimulation": {"State":"Declined","ReasonCode":"ProcessingFailure"}}`,
		"soft as a boolean":    `{"SandboxSimulation": {"State":"Declined","ReasonCode":"InvalidPaymentMethod","PaymentMethodUpdateTimeInMins":5,"SoftDecline":true}}`,
		"no minutes":           `{"SandboxSimulation": {"State":"Declined","ReasonCode":"InvalidPaymentMethod"}}`,
		"minutes of 0":         `{"SandboxSimulation": {"State":"Declined","ReasonCode":"InvalidPaymentMethod","PaymentMethodUpdateTimeInMins":0}}`,
		"a capture's":          `{"SandboxSimulation": {"State":"Pending"}}`,
		"declined and expired": `{"SandboxSimulation": {"State":"Declined","ReasonCode":"ExpiredUnused","ExpirationTimeInMins":1}}`,
		"broken":               `{"SandboxSimulation": {"State":"Declined"`,
		"something more":       `{"SandboxSimulation": {"State":"Declined","ReasonCode":"AmazonRejected","X":1}}`,
	} {
		t.Run(name, func(t *testing.T) {
			s.authorize(order.ID(), "a", "1", "SellerAuthorizationNote", note).refused(400, code)
		})
	}
	rejected := `{"SandboxSimulation": {"State":"Declined","ReasonCode":"AmazonRejected"}}`
	s.do("CancelOrderReference", append(id, "CancelationReason", rejected)...).refused(400, code)
	s.authorize(order.ID(), "plain", "1", "SellerAuthorizationNote", "SandboxSimulation, they say").ok()
	s.do("CloseOrderReference", append(id, "ClosureReason", `{"SandboxSimulation": {"State":"Closed","ReasonCode":"AmazonClosed"}}`)...).ok()
	stateOf(t, order, "Closed", "AmazonClosed")

	real := newShop(t, amazonpaytest.Settings{Environment: amazonpay.Production})
	agreement := real.subscription(amazonpaytest.Checkout{})
	require.Regexp(t, "^B01-", agreement.ID())
	real.charge(agreement, "a", "10", "SellerAuthorizationNote", rejected).ok().has("AuthorizationStatus/State", "Open", "SellerAuthorizationNote", rejected)
	real.do("GetBillingAgreementDetails", "AmazonBillingAgreementId", string(agreement.ID())).ok().has("ReleaseEnvironment", "Live")
}

func TestCaptureAndRefundEnds(t *testing.T) {
	tests := map[string]struct {
		method                                      amazonpaytest.PaymentMethod
		captureNote, refundNote                     string
		capture, captureReason, authorization, late string
		refund, refundReason                        string
	}{
		"good":              {"", "", "", "Completed", "", "Closed", "Completed", "Completed", ""},
		"rejected":          {amazonpaytest.CaptureRejected, "", "", "Declined", "AmazonRejected", "Open", "Declined", "", ""},
		"failing":           {amazonpaytest.CaptureFailing, "", "", "Declined", "ProcessingFailure", "Open", "Declined", "", ""},
		"pending":           {"", `{"SandboxSimulation": {"State":"Pending"}}`, "", "Pending", "", "Closed", "Completed", "Completed", ""},
		"simulated decline": {"", `{"SandboxSimulation": {"State":"Declined","ReasonCode":"AmazonRejected"}}`, "", "Declined", "AmazonRejected", "Open", "Declined", "", ""},
		"simulated closure": {"", `{"SandboxSimulation": {"State":"Closed","ReasonCode":"AmazonClosed"}}`, "", "Closed", "AmazonClosed", "Closed", "Closed", "", ""},
		"refund rejected":   {amazonpaytest.RefundRejected, "", "", "Completed", "", "Closed", "Completed", "Declined", "AmazonRejected"},
		"refund failing":    {amazonpaytest.RefundFailing, "", "", "Completed", "", "Closed", "Completed", "Declined", "ProcessingFailure"},
		"simulated refund":  {"", "", `{"SandboxSimulation": {"State":"Declined","ReasonCode":"AmazonRejected"}}`, "Completed", "", "Closed", "Completed", "Declined", "AmazonRejected"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, amazonpaytest.Settings{})
			order := s.purchase(amazonpaytest.Checkout{Payment: tt.method}, "100", "USD")
			auth := s.authorize(order.ID(), "a", "10").ok().get("AmazonAuthorizationId")
			captured := s.capture(auth, "c", "10", "SellerCaptureNote", tt.captureNote).ok().has("CaptureStatus/State", tt.capture, "ReasonCode", tt.captureReason).get("AmazonCaptureId")
			s.do("GetAuthorizationDetails", "AmazonAuthorizationId", auth).ok().has("AuthorizationStatus/State", tt.authorization)
			s.fake.Advance(time.Hour)
			s.do("GetCaptureDetails", "AmazonCaptureId", captured).ok().has("CaptureStatus/State", tt.late)
			if tt.refund == "" {
				s.refund(captured, "b", "10").refused(405, "CaptureNotRefundable")
				require.Empty(t, s.fake.Ledger())
				return
			}
			back := s.refund(captured, "b", "10", "SellerRefundNote", tt.refundNote).ok().has("RefundStatus/State", "Pending").get("AmazonRefundId")
			s.fake.Advance(time.Hour)
			s.do("GetRefundDetails", "AmazonRefundId", back).ok().has("RefundStatus/State", tt.refund, "ReasonCode", tt.refundReason)
			require.Equal(t, tt.refund == "Completed", len(s.fake.Ledger()) == 2)
		})
	}
}

func TestClock(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{})
	draft, draftOrder := s.fake.NewBillingAgreement(), s.fake.NewOrderReference()
	order := s.purchase(amazonpaytest.Checkout{}, "100", "USD")
	hurry := s.purchase(amazonpaytest.Checkout{}, "100", "USD")
	s.do("ConfirmOrderReference", "AmazonOrderReferenceId", string(hurry.ID()), "ExpectImmediateAuthorization", "true").ok()
	expiring := s.authorize(order.ID(), "soon", "1", "SellerAuthorizationNote", `{"SandboxSimulation": {"State":"Closed","ReasonCode":"ExpiredUnused","ExpirationTimeInMins":1}}`).
		ok().has("AuthorizationStatus/State", "Open").get("AmazonAuthorizationId")
	idle := s.authorize(order.ID(), "idle", "1").ok().get("AmazonAuthorizationId")
	late := s.authorize(order.ID(), "late", "1").ok().get("AmazonAuthorizationId")
	state := func(auth string) string {
		r := s.do("GetAuthorizationDetails", "AmazonAuthorizationId", auth).ok()
		return r.get("AuthorizationStatus/State") + " " + r.get("ReasonCode")
	}
	s.fake.Advance(-time.Hour)
	s.fake.AdvanceTo(time.Time{})
	require.Equal(t, start, s.fake.Now())
	s.fake.Advance(time.Minute)
	require.Equal(t, "Closed ExpiredUnused", state(expiring))
	s.fake.Advance(time.Hour)
	stateOf(t, hurry, "Closed", "Expired")
	s.fake.AdvanceTo(start.Add(3*time.Hour - 1))
	stateOf(t, draft, "Draft", "")
	s.fake.Advance(1)
	stateOf(t, draft, "Canceled", "Stale")
	stateOf(t, draftOrder, "Canceled", "Stale")
	s.fake.AdvanceTo(start.Add(7*24*time.Hour + 1))
	captured := s.capture(late, "c", "1").ok().has("CaptureStatus/State", "Pending").get("AmazonCaptureId")
	s.capture(late, "c2", "1").refused(405, "InvalidAuthorizationStatus")
	require.Empty(t, s.fake.Ledger())
	s.fake.Advance(time.Hour)
	s.do("GetCaptureDetails", "AmazonCaptureId", captured).ok().has("CaptureStatus/State", "Completed")
	s.fake.AdvanceTo(start.Add(30*24*time.Hour - 1))
	require.Equal(t, "Open ", state(idle))
	s.fake.Advance(1)
	require.Equal(t, "Closed ExpiredUnused", state(idle))
	s.fake.AdvanceTo(start.Add(180 * 24 * time.Hour))
	stateOf(t, order, "Closed", "Expired")

	short := newShop(t, amazonpaytest.Settings{AuthorizationLife: 48 * time.Hour, AuthorizationDelay: 10 * time.Minute})
	order = short.purchase(amazonpaytest.Checkout{}, "100", "USD")
	a := short.authorize(order.ID(), "a", "1", "TransactionTimeout", "5").ok().get("AmazonAuthorizationId")
	b := short.authorize(order.ID(), "b", "1", "TransactionTimeout", "10").ok().get("AmazonAuthorizationId")
	short.fake.Advance(48*time.Hour - 1)
	short.do("GetAuthorizationDetails", "AmazonAuthorizationId", a).ok().has("ReasonCode", "TransactionTimedOut")
	short.do("GetAuthorizationDetails", "AmazonAuthorizationId", b).ok().has("AuthorizationStatus/State", "Open", "ExpirationTimestamp", "2026-02-14T12:00:00.000Z")
	short.fake.Advance(1)
	short.do("GetAuthorizationDetails", "AmazonAuthorizationId", b).ok().has("ReasonCode", "ExpiredUnused")
}

func TestTokensAndConstraints(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{})
	agreement := s.fake.NewBillingAgreement()
	order := s.fake.NewOrderReference()
	for action, params := range map[string][]string{
		"GetBillingAgreementDetails": {"AmazonBillingAgreementId", string(agreement.ID()), "AddressConsentToken", agreement.AccessToken()},
		"GetOrderReferenceDetails":   {"AmazonOrderReferenceId", string(order.ID()), "AccessToken", order.AccessToken()},
	} {
		s.do(action, params...).ok().has("PhysicalDestination/Name", "Susan Example", "Buyer/Email", "buyer@example.com", "BillingAddress/AddressType", "Physical")
		got := s.do(action, params[0], params[1], "AccessToken", "Atza|secret-of-another").refused(404, "InvalidAddressConsentToken")
		require.NotContains(t, got.raw, "secret-of-another")
		s.do(action, params[0], params[1], "AccessToken", "x", "AddressConsentToken", "x").refused(400, "AmbiguousToken")
	}
	for want, checkout := range map[string]amazonpaytest.Checkout{
		"ShippingAddressNotSet":   {AddressMissing: true},
		"PaymentPlanNotSet":       {PaymentMissing: true},
		"BuyerEqualsSeller":       {BuyerIsSeller: true},
		"PaymentMethodNotAllowed": {Payment: amazonpaytest.NotAllowed},
	} {
		b := s.fake.NewBillingAgreementWith(checkout).Consent()
		s.do("GetBillingAgreementDetails", "AmazonBillingAgreementId", string(b.ID())).ok().has("ConstraintID", want)
		s.do("ConfirmBillingAgreement", "AmazonBillingAgreementId", string(b.ID())).refused(400, "BillingAgreementConstraintsExist")
		b.ChoosePaymentMethod("").ChangeAddress(amazonpay.Address{City: "Boston"})
		if want != "BuyerEqualsSeller" {
			s.do("ConfirmBillingAgreement", "AmazonBillingAgreementId", string(b.ID())).ok()
		}
	}
	digital := s.subscription(amazonpaytest.Checkout{Digital: true})
	got := s.do("GetBillingAgreementDetails", "AmazonBillingAgreementId", string(digital.ID())).ok()
	require.NotContains(t, got.raw, "Destination")
	withdrawn := s.fake.NewBillingAgreement().Consent().WithdrawConsent()
	s.do("ConfirmBillingAgreement", "AmazonBillingAgreementId", string(withdrawn.ID())).refused(400, "BillingAgreementConstraintsExist")
	orderWithout := s.fake.NewOrderReferenceWith(amazonpaytest.Checkout{AddressMissing: true})
	s.do("GetOrderReferenceDetails", "AmazonOrderReferenceId", string(orderWithout.ID())).ok().has("ConstraintID", "ShippingAddressNotSet")
	orderWithout.ChangeAddress(amazonpay.Address{City: "Boston"})
	s.do("GetOrderReferenceDetails", "AmazonOrderReferenceId", string(orderWithout.ID())).ok().has("ConstraintID", "AmountNotSet", "City", "Boston")
}

func TestCreateOrderReferenceForID(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{MonthlyLimit: amazonpay.MustPrice("50", "USD")})
	draft := s.fake.NewBillingAgreement()
	create := func(id amazonpay.BillingAgreementID, more ...string) result {
		return s.do("CreateOrderReferenceForId", append([]string{"Id", string(id), "IdType", "BillingAgreement"}, more...)...)
	}
	create(draft.ID()).ok().has("OrderReferenceStatus/State", "Draft", "PhysicalDestination/City", "")
	create(draft.ID()).refused(405, "OrderReferenceCountExceeded")
	agreement := s.subscription(amazonpaytest.Checkout{})
	create(agreement.ID(), "ConfirmNow", "true").refused(400, "InvalidParameterValue")
	create(agreement.ID(), "IdType", "OrderReference").refused(400, "InvalidParameterValue")
	create("C01-0").refused(400, "InvalidBillingAgreementId")
	total := []string{"OrderReferenceAttributes.OrderTotal.Amount", "60", "OrderReferenceAttributes.OrderTotal.CurrencyCode", "USD"}
	got := create(agreement.ID(), append(total, "ConfirmNow", "true", "InheritShippingAddress", "true")...).ok().
		has("OrderReferenceStatus/State", "Open", "ParentDetails/Type", "BillingAgreement", "ParentDetails/Id", string(agreement.ID()), "PhysicalDestination/City", "Chicago", "Buyer/Name", "Susan Example")
	order := amazonpay.OrderReferenceID(got.get("AmazonOrderReferenceId"))
	create(agreement.ID()).ok()
	s.authorize(order, "a", "50.01").refused(400, "PeriodicAmountExceeded")
	s.authorize(order, "a", "50").ok()
	s.charge(agreement, "b", "1").refused(400, "PeriodicAmountExceeded")
	agreement.UpdatePaymentMethod(amazonpaytest.BadCard)
	agreement.Cancel()
	create(agreement.ID()).refused(400, "InvalidBillingAgreementStatus")
}

func TestListOrderReference(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{})
	var ids []string
	for range 5 {
		order := s.fake.NewOrderReference()
		s.do("SetOrderReferenceDetails", "AmazonOrderReferenceId", string(order.ID()), "OrderReferenceAttributes.OrderTotal.Amount", "5",
			"OrderReferenceAttributes.OrderTotal.CurrencyCode", "USD", "OrderReferenceAttributes.SellerOrderAttributes.SellerOrderId", "o").ok()
		s.do("ConfirmOrderReference", "AmazonOrderReferenceId", string(order.ID())).ok()
		ids = append(ids, string(order.ID()))
		s.fake.Advance(24 * time.Hour)
	}
	s.fake.OrderReference(amazonpay.OrderReferenceID(ids[4])).AmazonClose()
	find := func(more ...string) result {
		return s.do("ListOrderReference", append([]string{"QueryId", "o", "QueryIdType", "SellerOrderId", "PaymentDomain", "NA_USD"}, more...)...)
	}
	const at = "OrderReference/AmazonOrderReferenceId"
	require.Equal(t, ids, find().ok().texts[at])

	// What counts is the id that it has, not those that it had.
	renamed := s.fake.NewOrderReference()
	for _, name := range []string{"a", "b", "a"} {
		s.do("SetOrderReferenceDetails", "AmazonOrderReferenceId", string(renamed.ID()), "OrderReferenceAttributes.OrderTotal.Amount", "5",
			"OrderReferenceAttributes.OrderTotal.CurrencyCode", "USD", "OrderReferenceAttributes.SellerOrderAttributes.SellerOrderId", name).ok()
	}
	require.Equal(t, []string{string(renamed.ID())}, find("QueryId", "a").ok().texts[at])
	require.Empty(t, find("QueryId", "b").ok().texts[at])

	require.Equal(t, ids[4], find("SortOrder", "Descending").ok().texts[at][0])
	require.Equal(t, ids[4:], find("OrderReferenceStatusListFilter.OrderReferenceStatus.1", "CLOSED").ok().texts[at])
	require.Equal(t, ids[1:2], find("CreatedTimeRange.StartTime", "2026-01-16T00:00:00Z", "CreatedTimeRange.EndTime", "2026-01-17T00:00:00Z").ok().texts[at])
	require.Empty(t, find("PaymentDomain", "EU_EUR").ok().texts[at])
	for _, bad := range [][]string{
		{"PaymentDomain", "-"}, {"PaymentDomain", "US"}, {"QueryIdType", "Id"}, {"PageSize", "0"}, {"SortOrder", "Down"},
		{"CreatedTimeRange.StartTime", "2026-01-16T00:00:00Z"}, {"OrderReferenceStatusListFilter.OrderReferenceStatus.1", "Cancelled"},
		{"CreatedTimeRange.StartTime", "2026-01-16T00:00:00Z", "CreatedTimeRange.EndTime", "2026-03-17T00:00:00Z"},
	} {
		find(bad...).refused(400, "InvalidParameterValue")
	}
	page := find("PageSize", "2").ok()
	got := page.texts[at]
	for page.get("NextPageToken") != "" {
		require.Greater(t, len(page.get("NextPageToken")), 1000)
		token := page.get("NextPageToken")
		page = s.do("ListOrderReferenceByNextToken", "NextPageToken", token).ok()
		require.Equal(t, page.texts[at], s.do("ListOrderReferenceByNextToken", "NextPageToken", token).ok().texts[at])
		got = append(got, page.texts[at]...)
	}
	require.Equal(t, ids, got)
	s.do("ListOrderReferenceByNextToken", "NextPageToken", "x").refused(400, "InvalidParameterValue")
}

func TestProviderCredits(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{Providers: []string{"PROVIDER"}})
	order := s.purchase(amazonpaytest.Checkout{}, "100", "USD")
	fee := func(amount string) []string {
		return []string{"ProviderCreditList.member.1.ProviderId", "PROVIDER", "ProviderCreditList.member.1.CreditAmount.Amount", amount,
			"ProviderCreditList.member.1.CreditAmount.CurrencyCode", "USD"}
	}
	auth := s.authorize(order.ID(), "a", "50").ok().get("AmazonAuthorizationId")
	s.capture(auth, "c", "50", fee("51")...).refused(400, "TransactionAmountExceeded")
	s.capture(auth, "c", "50", fee("5")[:2]...).refused(400, "InvalidParameterValue")
	captured := s.capture(auth, "c", "50", fee("5")...).ok().has("ProviderId", "PROVIDER")
	credit := captured.get("ProviderCreditId")
	s.do("GetProviderCreditDetails", "AmazonProviderCreditId", credit).ok().has("CreditAmount/Amount", "5", "CreditReferenceId", "c", "CreditStatus/State", "Completed", "SellerId", testSeller)
	back := func(amount string) []string {
		return []string{"ProviderCreditReversalList.member.1.ProviderId", "PROVIDER", "ProviderCreditReversalList.member.1.CreditReversalAmount.Amount", amount,
			"ProviderCreditReversalList.member.1.CreditReversalAmount.CurrencyCode", "USD"}
	}
	s.refund(captured.get("AmazonCaptureId"), "b", "10", back("6")...).refused(400, "TransactionAmountExceeded")
	refunded := s.refund(captured.get("AmazonCaptureId"), "b", "10", back("2")...).ok()
	s.do("GetProviderCreditReversalDetails", "AmazonProviderCreditReversalId", refunded.get("ProviderCreditReversalId")).ok().
		has("CreditReversalAmount/Amount", "2", "CreditReversalStatus/State", "Pending", "CreditReversalReferenceId", "b")
	reverse := []string{"AmazonProviderCreditId", credit, "CreditReversalReferenceId", "b", "CreditReversalAmount.Amount", "3", "CreditReversalAmount.CurrencyCode", "USD", "CreditReversalNote", "sorry"}
	first := s.do("ReverseProviderCredit", reverse...).ok().has("CreditReversalNote", "sorry")
	require.Equal(t, first.get("AmazonProviderCreditReversalId"), s.do("ReverseProviderCredit", reverse...).ok().get("AmazonProviderCreditReversalId"))
	s.fake.Advance(time.Hour) // the refund takes its part back when it is completed
	for range 2 {             // both spellings of the list
		got := s.do("GetProviderCreditDetails", "AmazonProviderCreditId", credit).ok().has("CreditStatus/State", "Closed", "ReasonCode", "MaxAmountReversed", "CreditReversalAmount/Amount", "5.00")
		require.Len(t, append(got.texts["CreditReversalIdList/Id"], got.texts["CreditReversalIdList/member"]...), 2)
	}
	s.do("ReverseProviderCredit", append(reverse, "CreditReversalReferenceId", "other")...).refused(400, "TransactionAmountExceeded")
	s.do("GetProviderCreditDetails", "AmazonProviderCreditId", "S01-P1").refused(400, "InvalidTransactionId")
	s.do("GetProviderCreditReversalDetails", "AmazonProviderCreditReversalId", "S01-Q1").refused(400, "InvalidTransactionId")
}

func TestAccount(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{Delegated: map[string]string{"OTHER": "amzn.mws.good"}})
	s.do("GetServiceStatus").ok().has("Status", "GREEN", "Timestamp", "2026-01-15T12:00:00.000Z")
	s.fake.SetServiceStatus("GREEN_I", "works & hums")
	s.do("GetServiceStatus").ok().has("Status", "GREEN_I", "Messages/Message/Text", "works & hums")
	s.do("GetMerchantAccountStatus").ok().has("AccountStatus", "ACTIVE")
	s.do("GetMerchantAccountStatus", "SellerId", "OTHER").refused(400, "UnauthorizedSolutionProvider")
	s.fake.SetAccountActive(testSeller, false)
	s.do("GetMerchantAccountStatus").ok().has("AccountStatus", "INACTIVE")
	s.do("GetMerchantAccountStatus", "SellerId", "OTHER", "MWSAuthToken", "amzn.mws.good").ok().has("AccountStatus", "ACTIVE")
	s.do("ConfirmBillingAgreement", "AmazonBillingAgreementId", "C01-1").refused(403, "InvalidAccountStatus")
	s.fake.SetAccountActive(testSeller, true)

	// A delegated seller's objects are its own.
	agreement := s.fake.NewBillingAgreementWith(amazonpaytest.Checkout{SellerID: "OTHER"})
	s.do("GetBillingAgreementDetails", "AmazonBillingAgreementId", string(agreement.ID())).refused(400, "InvalidBillingAgreementId")
	s.seller, s.token = "OTHER", "amzn.mws.good"
	s.do("GetBillingAgreementDetails", "AmazonBillingAgreementId", string(agreement.ID())).ok()

	const list = "NotificationConfigurationList.NotificationConfiguration."
	s.do("GetMerchantNotificationConfiguration").ok().has("NotificationUrl", "")
	s.do("SetMerchantNotificationConfiguration", list+"1.NotificationUrl", "https://example.com/ipn", list+"1.EventTypes.EventTypeList.1", "ORDER_REFERENCE",
		list+"1.EventTypes.EventTypeList.2", "PAYMENT_AUTHORIZE", list+"2.NotificationUrl", "https://example.com/2", list+"2.EventTypes.EventTypeList.1", "ALL").ok()
	s.do("GetMerchantNotificationConfiguration").ok().has("EventTypes/member", "ORDER_REFERENCE,PAYMENT_AUTHORIZE", "NotificationUrl", "https://example.com/ipn")
	s.do("SetMerchantNotificationConfiguration", list+"1.NotificationUrl", "https://example.com/ipn").refused(400, "InvalidParameterValue")
	s.do("SetMerchantNotificationConfiguration", list+"1.NotificationUrl", "ftp://x", list+"1.EventTypes.EventTypeList.1", "ALL").refused(400, "InvalidParameterValue")
	s.do("SetMerchantNotificationConfiguration", list+"1.NotificationUrl", "https://x", list+"1.EventTypes.EventTypeList.1", "all").refused(400, "InvalidParameterValue")
}

func TestForeignEnvironment(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{})
	agreement := s.subscription(amazonpaytest.Checkout{})
	order := s.purchase(amazonpaytest.Checkout{}, "10", "USD")
	s.url = productionURL
	s.do("GetBillingAgreementDetails", "AmazonBillingAgreementId", string(agreement.ID())).refused(500, "InternalServerError")
	s.do("GetOrderReferenceDetails", "AmazonOrderReferenceId", string(order.ID())).refused(500, "InternalServerError")
	s.do("GetBillingAgreementDetails", "AmazonBillingAgreementId", "B01-1-1").refused(400, "InvalidBillingAgreementId")
	s.do("GetOrderReferenceDetails", "AmazonOrderReferenceId", string(agreement.ID())).refused(404, "InvalidOrderReferenceId")
	s.do("GetServiceStatus").ok()
}

func TestRegions(t *testing.T) {
	eu := newShop(t, amazonpaytest.Settings{Region: amazonpay.RegionEU, AllowListed: true})
	order := eu.purchase(amazonpaytest.Checkout{}, "125.00", "CHF")
	got := eu.do("Authorize", "AmazonOrderReferenceId", string(order.ID()), "AuthorizationReferenceId", "a", "AuthorizationAmount.Amount", "125.00",
		"AuthorizationAmount.CurrencyCode", "CHF", "TransactionTimeout", "0", "CaptureNow", "true").ok().
		has("AuthorizationBillingAddress/City", "München", "AuthorizationBillingAddress/AddressLine1", "", "AddressVerificationCode", "AddressAndPostalCodeMatch")
	require.Contains(t, got.raw, "<AddressLine1/>")
	eu.do("GetCaptureDetails", "AmazonCaptureId", got.get("IdList/member")).ok().has("ConvertedAmount/Amount", "100.00", "ConvertedAmount/CurrencyCode", "EUR", "ConversionRate", "1.25")
	eu.do("GetOrderReferenceDetails", "AmazonOrderReferenceId", string(order.ID())).ok().has("FullDescriptor", "Amazon Pay (Visa **11)", "OrderLanguage", "de-DE", "StaticToken", "fake-token-"+string(order.ID()))
	eu.do("Authorize", "AmazonOrderReferenceId", string(order.ID()), "AuthorizationReferenceId", "b", "AuthorizationAmount.Amount", "1",
		"AuthorizationAmount.CurrencyCode", "EUR").refused(400, "CurrencyMismatch")
	require.True(t, eu.do("GetRefundDetails", "AmazonRefundId", "x").refused(400, "InvalidTransactionId").paths["./RequestID"])
	wrong := eu.fake.NewOrderReferenceWith(amazonpaytest.Checkout{Currency: "EUR"})
	eu.do("SetOrderReferenceDetails", "AmazonOrderReferenceId", string(wrong.ID()), "OrderReferenceAttributes.OrderTotal.Amount", "5",
		"OrderReferenceAttributes.OrderTotal.CurrencyCode", "GBP", "OrderReferenceAttributes.RequestPaymentAuthorization", "true").ok().has("ConstraintID", "CurrencyMismatch")
	eu.do("GetOrderReferenceDetails", "AmazonOrderReferenceId", string(wrong.ID())).ok().has("PaymentAuthenticationStatus/State", "REQUIRED")

	agreement := eu.fake.NewBillingAgreement().Consent()
	kind := func(kind string, more ...string) result {
		return eu.do("SetBillingAgreementDetails", append([]string{"AmazonBillingAgreementId", string(agreement.ID()), "BillingAgreementAttributes.BillingAgreementType", kind}, more...)...)
	}
	amount := []string{"BillingAgreementAttributes.SubscriptionAmount.Amount", "9.99", "BillingAgreementAttributes.SubscriptionAmount.CurrencyCode", "EUR"}
	kind("Other").refused(400, "InvalidBillingAgreementType")
	kind("CustomerInitiatedTransaction", amount...).refused(400, "InvalidSubscriptionAmount")
	kind("MerchantInitiatedTransaction", amount...).ok().has("BillingAgreementType", "MerchantInitiatedTransaction", "SubscriptionAmount/Amount", "9.99")
	eu.do("ConfirmBillingAgreement", "AmazonBillingAgreementId", string(agreement.ID()), "SuccessUrl", "https://x/s", "FailureUrl", "https://x/f").ok()
	kind("MerchantInitiatedTransaction").ok() // the upgrade of old agreements
	kind("MerchantInitiatedTransaction", "BillingAgreementAttributes.SellerNote", "x").refused(405, "BillingAgreementNotModifiable")
	eu.do("SetBillingAgreementDetails", "AmazonBillingAgreementId", string(agreement.ID())).refused(400, "InvalidParameterValue")

	jp := newShop(t, amazonpaytest.Settings{Region: amazonpay.RegionJP})
	order = jp.purchase(amazonpaytest.Checkout{}, "10000000", "JPY")
	yen := func(reference, amount string) result {
		return jp.do("Authorize", "AmazonOrderReferenceId", string(order.ID()), "AuthorizationReferenceId", reference, "AuthorizationAmount.Amount", amount,
			"AuthorizationAmount.CurrencyCode", "JPY", "TransactionTimeout", "0")
	}
	yen("a", "10008401").refused(400, "TransactionAmountExceeded")
	yen("a", "0.5").refused(400, "InvalidParameterValue")
	yen("b", "134.00").ok().has("AuthorizationAmount/Amount", "134.00", "AuthorizationFee/Amount", "0")
	big := yen("a", "10008266").ok()
	jp.do("Capture", "AmazonAuthorizationId", big.get("AmazonAuthorizationId"), "CaptureReferenceId", "c", "CaptureAmount.Amount", "10008266", "CaptureAmount.CurrencyCode", "JPY").ok()
	jp.do("GetOrderReferenceDetails", "AmazonOrderReferenceId", string(order.ID())).ok().has("PhysicalDestination/Name", "山田 太郎")
	na := newShop(t, amazonpaytest.Settings{})
	na.do("SetBillingAgreementDetails", "AmazonBillingAgreementId", string(na.fake.NewBillingAgreement().ID()), "BillingAgreementAttributes.BillingAgreementType", "MerchantInitiatedTransaction").refused(400, "InvalidParameterValue")
	few := newShop(t, amazonpaytest.Settings{Region: amazonpay.RegionUK, Currencies: []amazonpay.Currency{"EUR"}})
	few.purchase(amazonpaytest.Checkout{}, "5", "EUR")
	few.do("SetOrderReferenceDetails", "AmazonOrderReferenceId", string(few.fake.NewOrderReference().ID()), "OrderReferenceAttributes.OrderTotal.Amount", "5",
		"OrderReferenceAttributes.OrderTotal.CurrencyCode", "USD").refused(400, "CurrencyUnsupported")
}

// A refund that is declined takes nothing back from the provider, and may be
// repeated.
func TestReversalsEndWithTheRefund(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{Providers: []string{"PROVIDER"}})
	share := func(list, price, amount string) []string {
		return []string{list + ".member.1.ProviderId", "PROVIDER", list + ".member.1." + price + ".Amount", amount, list + ".member.1." + price + ".CurrencyCode", "USD"}
	}
	agreement := s.subscription(amazonpaytest.Checkout{})
	paid := s.charge(agreement, "now", "100", append(share("ProviderCreditList", "CreditAmount", "10"), "CaptureNow", "true")...).ok().get("IdList/member")
	credit := s.do("GetCaptureDetails", "AmazonCaptureId", paid).ok().get("ProviderCreditId")
	told := func(state, reason, reversed string) {
		t.Helper()
		s.do("GetProviderCreditDetails", "AmazonProviderCreditId", credit).ok().
			has("CreditStatus/State", state, "CreditStatus/ReasonCode", reason, "CreditReversalAmount/Amount", reversed)
	}
	back := share("ProviderCreditReversalList", "CreditReversalAmount", "10")
	first := s.refund(paid, "r1", "50", append(back, "SellerRefundNote", simulations["rejected"].note)...).ok()
	told("Completed", "", "0.00")
	s.refund(paid, "r2", "50", back...).refused(400, "TransactionAmountExceeded")
	s.fake.Advance(time.Hour)
	reversal := []string{"AmazonProviderCreditReversalId", first.get("ProviderCreditReversalId")}
	s.do("GetProviderCreditReversalDetails", reversal...).ok().has("CreditReversalStatus/State", "Declined", "ReasonCode", "AmazonRejected")
	told("Completed", "", "0.00")
	s.refund(paid, "r3", "50", back...).ok()
	s.fake.Advance(time.Hour)
	told("Closed", "MaxAmountReversed", "10.00")
	s.do("ReverseProviderCredit", "AmazonProviderCreditId", credit, "CreditReversalReferenceId", "q", "CreditReversalAmount.Amount", "0.01",
		"CreditReversalAmount.CurrencyCode", "USD").refused(400, "TransactionAmountExceeded")
}

// Two official SDKs spell the supplementary data of a new order reference
// another way.
func TestSupplementaryDataOfAChild(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{})
	for _, name := range []string{"SellerOrderAttributes.SupplementaryData", "SupplementaryData"} {
		s.do("CreateOrderReferenceForId", "Id", string(s.subscription(amazonpaytest.Checkout{}).ID()), "IdType", "BillingAgreement",
			"OrderReferenceAttributes."+name, `{"a":1}`).ok().has("SellerOrderAttributes/SupplementaryData", `{"a":1}`)
	}
}
