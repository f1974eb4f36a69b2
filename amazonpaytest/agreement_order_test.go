package amazonpaytest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// child is an order reference of the agreement, over 50 dollars.
func (s *shop) child(agreement *amazonpaytest.BillingAgreement, confirmNow string) result {
	s.t.Helper()
	return s.do("CreateOrderReferenceForId", "Id", string(agreement.ID()), "IdType", "BillingAgreement", "ConfirmNow", confirmNow,
		"InheritShippingAddress", "true", "OrderReferenceAttributes.OrderTotal.Amount", "50", "OrderReferenceAttributes.OrderTotal.CurrencyCode", "USD")
}

func (r result) order() amazonpay.OrderReferenceID {
	return amazonpay.OrderReferenceID(r.ok().get("AmazonOrderReferenceId"))
}

// Nothing new is confirmed or authorized on the order references of an
// agreement that may not be charged.
func TestOrdersOfAnAgreementThatIsNotOpen(t *testing.T) {
	for name, end := range map[string]func(*shop, *amazonpaytest.BillingAgreement){
		"suspended":        func(_ *shop, a *amazonpaytest.BillingAgreement) { a.DeletePaymentMethod() },
		"buyer closed":     func(_ *shop, a *amazonpaytest.BillingAgreement) { a.Cancel() },
		"Amazon closed":    func(_ *shop, a *amazonpaytest.BillingAgreement) { a.AmazonClose() },
		"Amazon cancelled": func(_ *shop, a *amazonpaytest.BillingAgreement) { a.AmazonCancel() },
		"seller closed": func(s *shop, a *amazonpaytest.BillingAgreement) {
			s.do("CloseBillingAgreement", "AmazonBillingAgreementId", string(a.ID())).ok()
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, amazonpaytest.Settings{})
			agreement := s.subscription(amazonpaytest.Checkout{})
			open, draft := s.child(agreement, "true").order(), s.child(agreement, "false").order()
			reserved := s.authorize(open, "before", "10").ok().get("AmazonAuthorizationId")
			end(s, agreement)
			s.authorize(open, "after", "10", "CaptureNow", "true").refused(400, "InvalidOrderReferenceStatus")
			s.do("ConfirmOrderReference", "AmazonOrderReferenceId", string(draft)).refused(400, "InvalidOrderReferenceStatus")
			require.Empty(t, s.fake.Ledger())
			if name != "Amazon cancelled" { // what is reserved may still be captured
				s.capture(reserved, "late", "10").ok()
			}
			if name == "suspended" {
				agreement.UpdatePaymentMethod(amazonpaytest.GoodCard)
				s.do("ConfirmOrderReference", "AmazonOrderReferenceId", string(draft)).ok()
				s.authorize(draft, "again", "10").ok()
			}
		})
	}
}

// The order reference of a draft is confirmed after the agreement, and goes
// stale with it.
func TestOrderOfADraftAgreement(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{})
	agreement := s.fake.NewBillingAgreement()
	s.child(agreement, "true").refused(400, "InvalidBillingAgreementStatus")
	s.fake.Advance(2 * time.Hour)
	order := s.child(agreement, "false").order()
	s.do("ConfirmOrderReference", "AmazonOrderReferenceId", string(order)).refused(400, "InvalidOrderReferenceStatus")
	agreement.Consent()
	s.do("ConfirmBillingAgreement", "AmazonBillingAgreementId", string(agreement.ID())).ok()
	s.do("ConfirmOrderReference", "AmazonOrderReferenceId", string(order)).ok()
	s.authorize(order, "first", "50").ok()

	left := s.fake.NewBillingAgreement()
	s.fake.Advance(2 * time.Hour)
	order = s.child(left, "false").order()
	s.fake.Advance(time.Hour)
	stateOf(t, left, "Canceled", "Stale")
	stateOf(t, s.fake.OrderReference(order), "Canceled", "Stale")
}

// The details of an agreement do not tell when its state changed; a validation
// and notifications do.
func TestTimeOfAnAgreementsState(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{})
	agreement := s.subscription(amazonpaytest.Checkout{})
	id := []string{"AmazonBillingAgreementId", string(agreement.ID())}
	require.NotContains(t, s.do("GetBillingAgreementDetails", id...).ok().raw, "LastUpdate")
	require.Contains(t, s.do("ValidateBillingAgreement", id...).ok().raw, "<LastUpdatedTimestamp>")
	s.fake.Notify(http.NotFoundHandler())
	agreement.Cancel()
	s.fake.Deliver()
	require.Contains(t, s.fake.Notifications()[0].Data, "<LastUpdateTimestamp>")
}
