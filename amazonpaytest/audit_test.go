package amazonpaytest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// An order reference is cancelled only while no capture is Pending, Completed
// or Closed; a declined one took nothing.
func TestCancelAfterACapture(t *testing.T) {
	for simulation, code := range map[string]string{"": "InvalidCancelAttempt", "pending": "InvalidCancelAttempt", "closed": "InvalidCancelAttempt", "rejected": ""} {
		t.Run("capture "+simulation, func(t *testing.T) {
			s := newShop(t, amazonpaytest.Settings{})
			order := s.purchase(amazonpaytest.Checkout{}, "100", "USD")
			auth := s.authorize(order.ID(), "a", "10").ok().get("AmazonAuthorizationId")
			s.capture(auth, "c", "10", "SellerCaptureNote", simulations[simulation].note).ok()
			got := s.do("CancelOrderReference", "AmazonOrderReferenceId", string(order.ID()))
			if code != "" {
				got.refused(400, code)
				return
			}
			got.ok()
			s.do("GetAuthorizationDetails", "AmazonAuthorizationId", auth).ok().has("ReasonCode", "OrderReferenceCanceled")
		})
	}
}

// After the confirmation, what is missing may be added, and nothing changed.
func TestOrderAttributesAreAddedOnce(t *testing.T) {
	for name, value := range map[string]string{
		"SellerNote": "note", "PlatformId": "PLATFORM", "SellerOrderAttributes.SellerOrderId": "order-1", "SellerOrderAttributes.StoreName": "store",
		"SellerOrderAttributes.CustomInformation":                        "custom",
		"PaymentServiceProviderAttributes.PaymentServiceProviderId":      "psp",
		"PaymentServiceProviderAttributes.PaymentServiceProviderOrderId": "psp-1",
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, amazonpaytest.Settings{})
			order := s.purchase(amazonpaytest.Checkout{}, "100", "USD")
			set := func(value string) result {
				return s.do("SetOrderAttributes", "AmazonOrderReferenceId", string(order.ID()), "OrderAttributes."+name, value)
			}
			set(value).ok()
			set("other").refused(405, "OrderReferenceNotModifiable")
			require.Contains(t, s.do("GetOrderReferenceDetails", "AmazonOrderReferenceId", string(order.ID())).ok().raw, ">"+value+"<")
		})
	}
}

// ExpectImmediateAuthorization closes the order after an hour without one.
func TestExpectImmediateAuthorization(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{})
	confirmed := func() *amazonpaytest.OrderReference {
		order := s.fake.NewOrderReference()
		id := []string{"AmazonOrderReferenceId", string(order.ID())}
		s.do("SetOrderReferenceDetails", append(id, "OrderReferenceAttributes.OrderTotal.Amount", "10", "OrderReferenceAttributes.OrderTotal.CurrencyCode", "USD")...).ok()
		s.do("ConfirmOrderReference", append(id, "ExpectImmediateAuthorization", "true")...).ok()
		return order
	}
	idle, busy := confirmed(), confirmed()
	s.fake.Advance(time.Hour - 1)
	stateOf(t, idle, "Open", "")
	s.authorize(busy.ID(), "a", "1").ok()
	s.fake.Advance(1)
	state, _ := idle.State()
	require.Equal(t, amazonpay.StateClosed, state)
	stateOf(t, busy, "Open", "")
}

// A provider's credit is made with the money: at once, with a later capture, or
// not at all.
func TestCreditsComeWithTheMoney(t *testing.T) {
	fee := []string{"ProviderCreditList.member.1.ProviderId", "PROVIDER", "ProviderCreditList.member.1.CreditAmount.Amount", "1",
		"ProviderCreditList.member.1.CreditAmount.CurrencyCode", "USD"}
	s := newShop(t, amazonpaytest.Settings{Providers: []string{"PROVIDER"}})
	credit := func(capture string) string {
		return s.do("GetCaptureDetails", "AmazonCaptureId", capture).ok().get("ProviderCreditId")
	}
	agreement := s.subscription(amazonpaytest.Checkout{})
	now := s.charge(agreement, "now", "10", append(fee, "CaptureNow", "true")...).ok()
	s.do("GetProviderCreditDetails", "AmazonProviderCreditId", credit(now.get("IdList/member"))).ok().
		has("CreditReferenceId", "now", "CreditAmount/Amount", "1", "ProviderId", "PROVIDER", "SellerId", testSeller)
	later := s.charge(agreement, "later", "10", append(fee, "CaptureNow", "true", "TransactionTimeout", "60")...).ok().get("AmazonAuthorizationId")
	s.fake.Advance(time.Hour)
	captured := s.do("GetAuthorizationDetails", "AmazonAuthorizationId", later).ok().get("IdList/member")
	require.NotEmpty(t, credit(captured))
	auth := s.charge(agreement, "declined", "10").ok().get("AmazonAuthorizationId")
	declined := s.capture(auth, "no", "10", append(fee, "SellerCaptureNote", simulations["rejected"].note)...).ok().get("AmazonCaptureId")
	require.Empty(t, credit(declined))
}

// What was found once stays found: scripts of the random test.
func TestScriptsOfThePast(t *testing.T) {
	scripts := map[string]*script{
		"drafts that Amazon closes": {amazonpay.RegionJP, amazonpay.Sandbox, []step{{Do: "NewAgreement"}, {Do: "AmazonClosesAgreement"}, {Do: "NewOrder"}, {Do: "AmazonClosesOrder"}}},
		"a capture is declined, another is made": {amazonpay.RegionUK, amazonpay.Sandbox, []step{{Do: "NewAgreement", Method: amazonpaytest.CaptureFailing, Now: true},
			{Do: "AuthorizeOnBillingAgreement", Amount: 6903, Sync: true, Now: true}, {Do: "Capture", Ref: 97}, {Do: "BuyerUpdatesMethod", Method: amazonpaytest.GoodCard}, {Do: "Capture", Ref: 98}}},
		"a late capture that Amazon closes": {amazonpay.RegionJP, amazonpay.Sandbox, []step{{Do: "NewAgreement", Method: amazonpaytest.GoodCard, Now: true},
			{Do: "AuthorizeOnBillingAgreement", Amount: 525}, {Do: "Advance", Minutes: 14953}, {Do: "Capture", Ref: 170, Note: "closed"}, {Do: "Advance", Minutes: 42018}}},
		"the parent's new method repairs the child": {amazonpay.RegionUK, amazonpay.Production, []step{{Do: "NewAgreement", Method: amazonpaytest.GoodCard, Now: true},
			{Do: "CreateOrderReferenceForId", Amount: 6050, Now: true}, {Do: "BuyerUpdatesOrder", Method: amazonpaytest.BadCard}, {Do: "Authorize", Amount: 1, Sync: true},
			{Do: "BuyerUpdatesMethod", Method: amazonpaytest.GoodCard}}},
	}
	for name, s := range scripts {
		t.Run(name, func(t *testing.T) {
			if v := run(s, documented(), lens{}); v != nil {
				t.Error(fmt.Sprint(v, "\n", s))
			}
		})
	}
}
