package amazonpaytest_test

import (
	"context"
	"fmt"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// acts are all that a step can do. Each returns what it touched: an agreement,
// an order or, as a text, everything.
var acts map[string]func(*world, step) any

func init() {
	acts = map[string]func(*world, step) any{
		"NewAgreement": (*world).newAgreement, "NewOrder": (*world).newOrder, "Advance": (*world).advance, "Again": (*world).again,
		"BuyerConsents":  buyer(func(a *agreement, s step) { a.handle.Consent(); a.consent = a.consent || a.state == "Draft" }),
		"BuyerWithdraws": buyer(func(a *agreement, s step) { a.handle.WithdrawConsent(); a.consent = a.consent && a.state != "Draft" }),
		"BuyerChoosesMethod": buyer(func(a *agreement, s step) {
			a.handle.ChoosePaymentMethod(s.Method)
			a.methods[s.Method] = true
		}),
		"BuyerDeletesMethod": buyer(func(a *agreement, s step) {
			a.handle.DeletePaymentMethod()
			a.methods["deleted"], a.soft = true, false
		}),
		"BuyerUpdatesMethod":     (*world).buyerUpdates,
		"BuyerCancels":           buyer(func(a *agreement, s step) { a.handle.Cancel() }),
		"AmazonCancelsAgreement": buyer(func(a *agreement, s step) { a.handle.AmazonCancel() }),
		"AmazonClosesAgreement":  buyer(func(a *agreement, s step) { a.handle.AmazonClose() }),
		"BuyerUpdatesOrder":      shopper(func(o *order, s step) { o.methods[s.Method] = true; o.handle.UpdatePaymentMethod(s.Method) }),
		"BuyerChoosesForOrder":   shopper(func(o *order, s step) { o.methods[s.Method] = true; o.handle.ChoosePaymentMethod(s.Method) }),
		"AmazonCancelsOrder":     shopper(func(o *order, s step) { o.handle.AmazonCancel() }),
		"AmazonClosesOrder":      shopper(func(o *order, s step) { o.handle.AmazonClose() }),
		"AmazonTurnsAccount":     (*world).turn,

		"SetBillingAgreementDetails": (*world).setAgreement, "ConfirmBillingAgreement": (*world).confirmAgreement,
		"ValidateBillingAgreement": (*world).validate, "CloseBillingAgreement": (*world).closeAgreement,
		"AuthorizeOnBillingAgreement": (*world).charge, "CreateOrderReferenceForId": (*world).createOrder,
		"SetOrderReferenceDetails": (*world).setOrder, "ConfirmOrderReference": (*world).confirmOrder,
		"CancelOrderReference": (*world).cancelOrder, "CloseOrderReference": (*world).closeOrder,
		"SetOrderAttributes": (*world).addStore, "ListOrderReference": (*world).list, "GetMerchantAccountStatus": (*world).accountStatus, "WrongIDs": (*world).wrongIDs,
		"Authorize": (*world).authorize, "CloseAuthorization": (*world).closeAuthorization,
		"Capture": (*world).take, "Refund": (*world).giveBack, "ReverseProviderCredit": (*world).reverse,
		"Chargeback": (*world).askBack, "GrantClaim": (*world).askBack,
	}
}

func buyer(do func(*agreement, step)) func(*world, step) any {
	return func(w *world, s step) any {
		a, ok := pick(w.agreements, s.On)
		if !ok {
			return nil
		}
		do(a, s)
		return a
	}
}

func shopper(do func(*order, step)) func(*world, step) any {
	return func(w *world, s step) any {
		o, ok := w.pickOrder(s)
		if !ok {
			return nil
		}
		do(o, s)
		return o
	}
}

func (w *world) checkout(s step) (amazonpaytest.Checkout, int) {
	if s.Stranger {
		return amazonpaytest.Checkout{SellerID: otherSeller, Payment: s.Method}, 1
	}
	return amazonpaytest.Checkout{Payment: s.Method}, 0
}

// newAgreement is a buyer at the widgets; with Now, the agreement is confirmed.
func (w *world) newAgreement(s step) any {
	checkout, seller := w.checkout(s)
	h := w.fake.NewBillingAgreementWith(checkout)
	a := &agreement{object: object{"agreement", string(h.ID()), seller, "Draft", "", w.now()}, handle: h, methods: methods{s.Method: true}}
	w.agreements = append(w.agreements, a)
	w.byID[a.id] = a
	if s.Now {
		h.Consent()
		a.consent = true
		w.act = "ConfirmBillingAgreement"
		w.confirmAgreement(step{Do: w.act})
	}
	return a
}

func (w *world) newOrder(s step) any {
	checkout, seller := w.checkout(s)
	h := w.fake.NewOrderReferenceWith(checkout)
	o := &order{object: object{"order", string(h.ID()), seller, "Draft", "", w.now()}, handle: h, methods: methods{s.Method: true}}
	w.orders = append(w.orders, o)
	w.byID[o.id] = o
	if s.Now {
		w.act = "SetOrderReferenceDetails"
		w.setOrder(step{Do: w.act, Amount: s.Amount, Currency: s.Currency})
		w.act = "ConfirmOrderReference"
		w.confirmOrder(step{Do: w.act})
	}
	return o
}

func (w *world) advance(s step) any {
	w.fake.Advance(time.Duration(s.Minutes) * time.Minute)
	return "all"
}

// again sends an earlier payment request again.
func (w *world) again(s step) any {
	p, ok := pick(w.sent, s.On)
	if !ok {
		return nil
	}
	w.act, _ = describe(p.request)
	return w.pay(s, p.seller, p.request)
}

func (w *world) turn(s step) any {
	seller := s.On % 2
	w.active[seller] = s.Now
	w.fake.SetAccountActive([]string{testSeller, otherSeller}[seller], s.Now)
	return nil
}

func (w *world) buyerUpdates(s step) any {
	a, ok := pick(w.agreements, s.On)
	if !ok {
		return nil
	}
	a.handle.UpdatePaymentMethod(s.Method)
	a.methods[s.Method], a.soft = true, false
	if state, _ := a.handle.State(); state == "Suspended" && s.Method == amazonpaytest.GoodCard {
		w.fail("repair", "agreement %s is suspended though the buyer has a good card now", a.id)
	}
	return a
}

// simple is a call on an agreement or order reference that moves no money.
func (w *world) simple(s step, o *object, v verdict, unknown amazonpay.ErrorCode, do func(c *amazonpay.Client) (any, error)) (any, bool) {
	c, seller := w.client(s, o.seller)
	v.no(s.Stranger, "it is another seller's", unknown)
	v.maybe(!w.active[seller], amazonpay.ErrInvalidAccountStatus)
	return w.call(s, v, false, func() (any, error) { return do(c) })
}

func (w *world) setAgreement(s step) any {
	a, ok := pick(w.agreements, s.On)
	if !ok {
		return nil
	}
	var v verdict
	v.no(a.state != "Draft", "it is confirmed", amazonpay.ErrBillingAgreementNotModifiable)
	note := w.note(s.Note, s.Do, &v)
	if note == "" {
		note = "a magazine"
	}
	w.simple(s, &a.object, v, amazonpay.ErrInvalidBillingAgreementID, func(c *amazonpay.Client) (any, error) {
		return c.SetBillingAgreementDetails(context.Background(), amazonpay.SetBillingAgreementDetailsRequest{AmazonBillingAgreementID: a.handle.ID(),
			BillingAgreementAttributes: amazonpay.BillingAgreementAttributes{SellerNote: note}})
	})
	return a
}

func (w *world) confirmAgreement(s step) any {
	a, ok := pick(w.agreements, s.On)
	if !ok {
		return nil
	}
	var v verdict
	v.no(!in(a.state, "Draft", "Open", "Suspended"), "it has ended", amazonpay.ErrInvalidBillingAgreementStatus)
	v.no(a.state == "Draft" && !a.consent, "there is no consent", amazonpay.ErrBillingAgreementConstraintsExist)
	v.maybe(!a.methods.good(), amazonpay.ErrBillingAgreementConstraintsExist)
	v.maybe(a.state == "Suspended" && !a.soft, amazonpay.ErrPaymentMethodNotUpdated)
	w.simple(s, &a.object, v, amazonpay.ErrInvalidBillingAgreementID, func(c *amazonpay.Client) (any, error) {
		return nil, c.ConfirmBillingAgreement(context.Background(), amazonpay.ConfirmBillingAgreementRequest{AmazonBillingAgreementID: a.handle.ID()})
	})
	return a
}

func (w *world) validate(s step) any {
	a, ok := pick(w.agreements, s.On)
	if !ok {
		return nil
	}
	var v verdict
	v.no(!in(a.state, "Open", "Suspended"), "it is neither open nor suspended", amazonpay.ErrInvalidBillingAgreementStatus)
	v.maybe(a.state == "Suspended", amazonpay.ErrInvalidBillingAgreementStatus)
	suspended := a.state == "Suspended"
	answer, ok := w.simple(s, &a.object, v, amazonpay.ErrInvalidBillingAgreementID, func(c *amazonpay.Client) (any, error) {
		return c.ValidateBillingAgreement(context.Background(), amazonpay.ValidateBillingAgreementRequest{AmazonBillingAgreementID: a.handle.ID()})
	})
	if ok {
		d := answer.(*amazonpay.BillingAgreementValidation)
		good := d.ValidationResult == "Success" && d.FailureReasonCode == ""
		timedOut := d.ValidationResult == "Failure" && d.FailureReasonCode == "ValidationTimedOut"
		bad := d.ValidationResult == "Failure" && d.FailureReasonCode == "InvalidPaymentMethod"
		state, _ := a.handle.State()
		if !good && !bad && !timedOut || bad && state != "Suspended" || good && suspended || bad && !suspended && a.methods.good() || d.BillingAgreementStatus.State != state {
			w.fail("validation", "agreement %s, %s before, is %s now: %+v", a.id, a.state, state, d)
		}
	}
	return a
}

func (w *world) closeAgreement(s step) any {
	a, ok := pick(w.agreements, s.On)
	if !ok {
		return nil
	}
	var v verdict
	again := a.reason == "SellerClosed"
	v.no(!in(a.state, "Open", "Suspended") && !again, "it is not confirmed", amazonpay.ErrInvalidCloseAttempt, amazonpay.ErrInvalidBillingAgreementStatus)
	v.maybe(again, amazonpay.ErrInvalidCloseAttempt, amazonpay.ErrInvalidBillingAgreementStatus)
	note := w.note(s.Note, s.Do, &v)
	if _, ok := w.simple(s, &a.object, v, amazonpay.ErrInvalidBillingAgreementID, func(c *amazonpay.Client) (any, error) {
		return nil, c.CloseBillingAgreement(context.Background(), amazonpay.CloseBillingAgreementRequest{AmazonBillingAgreementID: a.handle.ID(), ClosureReason: note})
	}); ok {
		if state, _ := a.handle.State(); state != "Closed" {
			w.fail("close", "agreement %s is closed, but %s", a.id, state)
		}
	}
	return a
}

// createOrder is not repeated after a fault: it has no reference id.
func (w *world) createOrder(s step) any {
	a, ok := pick(w.agreements, s.On)
	if !ok {
		return nil
	}
	s.Fault = ""
	var v verdict
	v.no(!in(a.state, "Draft", "Open"), "the agreement is neither draft nor open", amazonpay.ErrInvalidBillingAgreementStatus)
	v.no(a.state == "Draft" && a.orders > 0, "a draft has one order", amazonpay.ErrOrderReferenceCountExceeded)
	v.no(a.state == "Draft" && s.Now, "a draft's order is confirmed after it", amazonpay.ErrInvalidBillingAgreementStatus)
	v.maybe(!a.methods.good(), amazonpay.ErrConstraintsExist)
	total := w.price(s, w.currency(s), 5000, true)
	w.foreign(s, &v)
	w.bigTotal(&v, total)
	draft := a.state == "Draft"
	answer, ok := w.simple(s, &a.object, v, amazonpay.ErrInvalidBillingAgreementID, func(c *amazonpay.Client) (any, error) {
		return c.CreateOrderReferenceForId(context.Background(), amazonpay.CreateOrderReferenceForIdRequest{ID: a.handle.ID(), ConfirmNow: s.Now,
			OrderReferenceAttributes: amazonpay.OrderReferenceAttributes{OrderTotal: total}})
	})
	if !ok {
		return a
	}
	d := answer.(*amazonpay.OrderReference)
	if draft {
		a.orders++
	}
	w.newChild(a, d.AmazonOrderReferenceID, total, false)
	if want := map[bool]amazonpay.State{true: "Open", false: "Draft"}[s.Now]; d.OrderReferenceStatus.State != want || d.ParentDetails.ID != a.id || d.OrderTotal != total {
		w.fail("answer", "CreateOrderReferenceForId: %+v", d)
	}
	return a
}

// foreign is a currency that the region's merchants cannot charge in.
func (w *world) foreign(s step, v *verdict) {
	v.no(s.Currency != "" && s.Currency != w.ledgerCurrency() && in(w.script.Region, amazonpay.RegionNA, amazonpay.RegionJP),
		"the currency is not the region's", amazonpay.ErrCurrencyUnsupported, amazonpay.ErrCurrencyMismatch)
}

// bigTotal is a total that no single authorization could reach: no document
// says whether it is refused at once.
func (w *world) bigTotal(v *verdict, total amazonpay.Price) {
	v.maybe(total.Minor() > w.rules.single[total.Currency()], amazonpay.ErrTransactionAmountExceeded, amazonpay.ErrInvalidParameterValue)
}

func (w *world) newChild(a *agreement, id amazonpay.OrderReferenceID, total amazonpay.Price, charge bool) *order {
	h := w.fake.OrderReference(id)
	if h == nil || w.byID[string(id)] != nil {
		w.fail("answer", "%q is no new order reference", id)
	}
	state, reason := h.State()
	o := &order{object: object{"order", string(id), a.seller, state, reason, w.now()}, handle: h, agreement: a, methods: clone(a.methods), total: total, charge: charge}
	if charge && o.label() != "Closed/SellerClosed" && o.label() != "Closed/AmazonClosed" {
		w.fail("child", "the order %s of a charge is %s", id, o.label())
	}
	w.orders = append(w.orders, o)
	w.byID[o.id] = o
	return o
}

func (w *world) account(v *verdict, seller int) {
	v.no(!w.active[seller], "the account is not active", amazonpay.ErrInvalidAccountStatus)
}

func reference(s step, prefix string) amazonpay.ReferenceID {
	return amazonpay.ReferenceID(fmt.Sprint(prefix, s.Ref))
}
