package amazonpaytest_test

import (
	"context"
	"slices"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// The acts of the machine that are not about money.

// askBack is a chargeback that is lost or, in the half of cases, won; or a claim
// that is granted. The same money of a capture goes back that way only once.
func (w *world) askBack(s step) any {
	c, ok := w.pickCapture(s)
	if !ok || !c.paid() {
		return nil
	}
	left := c.amount.Minor() - c.bank
	amount := w.price(s, c.amount.Currency(), left, false)
	outcome, err := w.fake.Act(amazonpaytest.Act{Do: s.Do, ID: c.id, Amount: amount})
	if (err == nil) != (amount.Minor() <= left) {
		w.fail("chargeback", "%s of %v, of which %d are left, was answered with %v", s.Do, amount, left, err)
	}
	if err != nil {
		return nil
	}
	if s.Do == "Chargeback" {
		decision := map[bool]string{true: "LoseChargeback", false: "WinChargeback"}[s.Now]
		if _, err := w.fake.Act(amazonpaytest.Act{Do: decision, ID: outcome.ID}); err != nil {
			w.fail("chargeback", "%s: %v", decision, err)
		}
	}
	if s.Do == "GrantClaim" || s.Now {
		c.bank += amount.Minor()
		c.banks++
	}
	w.seeCapture(c)
	return c.authorization.order
}

// addStore names the store, which is the order's id, so that list finds it.
func (w *world) addStore(s step) any {
	o, ok := w.pickOrder(s)
	if !ok {
		return nil
	}
	var v verdict
	v.no(!in(o.state, "Draft", "Open", "Suspended"), "it has ended", amazonpay.ErrOrderReferenceNotModifiable, amazonpay.ErrInvalidOrderReferenceStatus)
	v.maybe(o.store && o.state != "Draft" || o.state == "Suspended", amazonpay.ErrOrderReferenceNotModifiable) // what is there may be said again, or not
	s.Fault = ""
	if _, ok := w.simple(s, &o.object, v, amazonpay.ErrInvalidOrderReferenceID, func(c *amazonpay.Client) (any, error) {
		return c.SetOrderAttributes(context.Background(), amazonpay.SetOrderAttributesRequest{AmazonOrderReferenceID: o.handle.ID(),
			OrderAttributes: amazonpay.OrderReferenceAttributes{SellerOrderAttributes: amazonpay.SellerOrderAttributes{SellerOrderID: o.id}}})
	}); ok {
		o.store = true
	}
	return o
}

// list finds an order by the seller's id, once it is confirmed; never another
// seller's.
func (w *world) list(s step) any {
	o, ok := w.pickOrder(s)
	if !ok || !o.store {
		return nil
	}
	c, seller := w.client(s, o.seller)
	var found []amazonpay.OrderReferenceID
	for d, err := range c.OrderReferences(context.Background(), amazonpay.ListOrderReferenceRequest{QueryID: o.id, PageSize: 1}) {
		if err != nil {
			w.fail("answer", "ListOrderReference: %v", err)
		}
		if d.OrderReferenceStatus.State != o.state || d.OrderTotal != o.total {
			w.fail("answer", "ListOrderReference: %s, %s, is listed as %+v", o.id, o.label(), d)
		}
		found = append(found, d.AmazonOrderReferenceID)
	}
	switch {
	case seller != o.seller && len(found) > 0:
		w.fail("answer", "another seller finds %v", found)
	case seller == o.seller && in(o.state, "Open", "Suspended") && !slices.Contains(found, o.handle.ID()):
		w.fail("answer", "%s, %s, is not found: %v", o.id, o.label(), found)
	}
	return nil
}

func (w *world) accountStatus(s step) any {
	seller := s.On % 2
	d, err := w.clients[seller].GetMerchantAccountStatus(context.Background())
	if want := map[bool]string{true: "ACTIVE", false: "INACTIVE"}[w.active[seller]]; err != nil || d.AccountStatus != want {
		w.fail("answer", "GetMerchantAccountStatus: %+v, %v, want %s", d, err, want)
	}
	return nil
}

// wrongIDs asks with ids of another kind or seller: nothing is told, nothing
// is done.
func (w *world) wrongIDs(s step) any {
	a, ok := pick(w.authorizations, s.On)
	if !ok {
		return nil
	}
	ctx, price := context.Background(), a.amount
	own, other := w.clients[a.seller], w.clients[1-a.seller]
	calls := map[string]func() error{
		"GetCaptureDetails": func() error {
			_, err := own.GetCaptureDetails(ctx, amazonpay.GetCaptureDetailsRequest{AmazonCaptureID: amazonpay.CaptureID(a.id)})
			return err
		},
		"Refund": func() error {
			_, err := own.Refund(ctx, amazonpay.RefundRequest{AmazonCaptureID: amazonpay.CaptureID(a.id), RefundReferenceID: reference(s, "w"), RefundAmount: price})
			return err
		},
		"another seller's GetAuthorizationDetails": func() error {
			_, err := other.GetAuthorizationDetails(ctx, amazonpay.GetAuthorizationDetailsRequest{AmazonAuthorizationID: amazonpay.AuthorizationID(a.id)})
			return err
		},
		"GetOrderReferenceDetails": func() error {
			_, err := own.GetOrderReferenceDetails(ctx, amazonpay.GetOrderReferenceDetailsRequest{AmazonOrderReferenceID: amazonpay.OrderReferenceID(a.id)})
			return err
		},
	}
	for name, call := range calls {
		var v verdict
		v.no(true, "the id is wrong", amazonpay.ErrInvalidTransactionID, amazonpay.ErrInvalidOrderReferenceID, amazonpay.ErrInvalidAccountStatus)
		w.call(step{Do: name}, v, false, func() (any, error) { return nil, call() })
	}
	return a.order
}
