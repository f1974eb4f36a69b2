package amazonpaytest_test

import (
	"context"
	"fmt"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

func (w *world) setOrder(s step) any {
	o, ok := w.pickOrder(s)
	if !ok {
		return nil
	}
	var v verdict
	v.no(o.state != "Draft", "it is confirmed", amazonpay.ErrOrderReferenceNotModifiable)
	w.foreign(s, &v)
	note := w.note(s.Note, s.Do, &v)
	total := w.price(s, w.currency(s), 5000, true)
	w.bigTotal(&v, total)
	if _, ok := w.simple(s, &o.object, v, amazonpay.ErrInvalidOrderReferenceID, func(c *amazonpay.Client) (any, error) {
		return c.SetOrderReferenceDetails(context.Background(), amazonpay.SetOrderReferenceDetailsRequest{AmazonOrderReferenceID: o.handle.ID(),
			OrderReferenceAttributes: amazonpay.OrderReferenceAttributes{OrderTotal: total, SellerNote: note}})
	}); ok {
		o.total, o.constraint = total, s.Note == "constraint" && w.sandbox()
	}
	return o
}

func (w *world) confirmOrder(s step) any {
	o, ok := w.pickOrder(s)
	if !ok {
		return nil
	}
	var v verdict
	v.no(!in(o.state, "Draft", "Open", "Suspended"), "it has ended", amazonpay.ErrInvalidOrderReferenceStatus)
	v.no(o.state == "Draft" && (o.total.IsZero() || o.constraint), "there are constraints", amazonpay.ErrConstraintsExist)
	v.maybe(!o.methods.good(), amazonpay.ErrConstraintsExist)
	v.maybe(o.state == "Suspended" && !o.soft, amazonpay.ErrPaymentMethodNotUpdated, amazonpay.ErrConstraintsExist)
	v.no(o.agreement != nil && o.agreement.state != "Open", "its agreement is not open", amazonpay.ErrInvalidOrderReferenceStatus, amazonpay.ErrInvalidBillingAgreementStatus)
	w.simple(s, &o.object, v, amazonpay.ErrInvalidOrderReferenceID, func(c *amazonpay.Client) (any, error) {
		return nil, c.ConfirmOrderReference(context.Background(), amazonpay.ConfirmOrderReferenceRequest{AmazonOrderReferenceID: o.handle.ID()})
	})
	return o
}

func (w *world) cancelOrder(s step) any {
	o, ok := w.pickOrder(s)
	if !ok {
		return nil
	}
	taken, _ := o.taken()
	var v verdict
	codes := []amazonpay.ErrorCode{amazonpay.ErrInvalidCancelAttempt, amazonpay.ErrInvalidOrderReferenceStatus}
	v.no(!in(o.state, "Open", "Suspended") && o.reason != "SellerCanceled", "it is not open", codes...)
	v.no(taken > 0, "money was taken", codes...)
	v.maybe(o.reason == "SellerCanceled" || o.amazonTook(), codes...)
	w.simple(s, &o.object, v, amazonpay.ErrInvalidOrderReferenceID, func(c *amazonpay.Client) (any, error) {
		return nil, c.CancelOrderReference(context.Background(), amazonpay.CancelOrderReferenceRequest{AmazonOrderReferenceID: o.handle.ID()})
	})
	return o
}

// amazonTook tells that a capture was closed by Amazon.
func (o *order) amazonTook() bool {
	for _, a := range o.all {
		if a.capture != nil && a.capture.reason == "AmazonClosed" {
			return true
		}
	}
	return false
}

func (w *world) closeOrder(s step) any {
	o, ok := w.pickOrder(s)
	if !ok {
		return nil
	}
	var v verdict
	codes := []amazonpay.ErrorCode{amazonpay.ErrInvalidCloseAttempt, amazonpay.ErrInvalidOrderReferenceStatus}
	again := o.reason == "SellerClosed"
	v.no(!in(o.state, "Open", "Suspended") && !again && (o.reason != "AmazonClosed" || s.Note == ""), "it is not open", codes...)
	v.maybe(again || o.reason == "AmazonClosed", codes...)
	note := w.note(s.Note, s.Do, &v)
	w.simple(s, &o.object, v, amazonpay.ErrInvalidOrderReferenceID, func(c *amazonpay.Client) (any, error) {
		return nil, c.CloseOrderReference(context.Background(), amazonpay.CloseOrderReferenceRequest{AmazonOrderReferenceID: o.handle.ID(), ClosureReason: note})
	})
	return o
}

func (w *world) closeAuthorization(s step) any {
	a, ok := w.pickAuthorization(s)
	if !ok {
		return nil
	}
	var v verdict
	again := a.reason == "SellerClosed"
	v.no(!in(a.state, "Pending", "Open") && !again, "it is not open", amazonpay.ErrInvalidAuthorizationStatus)
	v.maybe(again, amazonpay.ErrInvalidAuthorizationStatus)
	note := w.note(s.Note, s.Do, &v)
	w.simple(s, &a.object, v, amazonpay.ErrInvalidTransactionID, func(c *amazonpay.Client) (any, error) {
		return nil, c.CloseAuthorization(context.Background(), amazonpay.CloseAuthorizationRequest{AmazonAuthorizationID: amazonpay.AuthorizationID(a.id), ClosureReason: note})
	})
	return a.order
}

func (w *world) fee(s step, amount amazonpay.Price) []amazonpay.ProviderCredit {
	if !s.Fee || amount.Minor() < 10 {
		return nil
	}
	part, _ := amazonpay.NewPrice(amount.Minor()/10, amount.Currency())
	return []amazonpay.ProviderCredit{{ProviderID: provider, CreditAmount: part}}
}

func timeout(s step) *int {
	if s.Sync {
		return new(0)
	}
	if s.Minutes > 0 {
		return new(int(5 * (1 + s.Minutes%288)))
	}
	return nil
}

func (w *world) charge(s step) any {
	a, ok := pick(w.agreements, s.On)
	if !ok {
		return nil
	}
	_, seller := w.client(s, a.seller)
	amount := w.price(s, w.currency(s), w.left(a), true)
	return w.pay(s, seller, amazonpay.AuthorizeOnBillingAgreementRequest{AmazonBillingAgreementID: a.handle.ID(), AuthorizationReferenceID: reference(s, "r"),
		AuthorizationAmount: amount, SellerAuthorizationNote: simulations[s.Note].note, TransactionTimeout: timeout(s), CaptureNow: s.Now, ProviderCreditList: w.fee(s, amount)})
}

func (w *world) authorize(s step) any {
	o, ok := w.pickOrder(s)
	if !ok {
		return nil
	}
	_, seller := w.client(s, o.seller)
	currency, most := w.currency(s), int64(1)
	if !o.total.IsZero() {
		taken, held := o.taken()
		most = w.rules.most(o.total) - taken - held
		if s.Currency == "" {
			currency = o.total.Currency()
		}
	}
	amount := w.price(s, currency, most, false)
	if o.agreement != nil && currency != w.ledgerCurrency() { // an amount that is exact in the ledger's currency, too
		amount, _ = amazonpay.NewPrice(max(amount.Minor()/5*5, 5), currency)
	}
	return w.pay(s, seller, amazonpay.AuthorizeRequest{AmazonOrderReferenceID: o.handle.ID(), AuthorizationReferenceID: reference(s, "r"),
		AuthorizationAmount: amount, SellerAuthorizationNote: simulations[s.Note].note, TransactionTimeout: timeout(s), CaptureNow: s.Now, ProviderCreditList: w.fee(s, amount)})
}

func (w *world) take(s step) any {
	a, ok := w.pickAuthorization(s)
	if !ok {
		return nil
	}
	_, seller := w.client(s, a.seller)
	currency := a.amount.Currency()
	if s.Currency != "" {
		currency = s.Currency
	}
	amount := w.price(s, currency, a.amount.Minor(), false)
	return w.pay(s, seller, amazonpay.CaptureRequest{AmazonAuthorizationID: amazonpay.AuthorizationID(a.id), CaptureReferenceID: reference(s, "r"),
		CaptureAmount: amount, SellerCaptureNote: simulations[s.Note].note, ProviderCreditList: w.fee(s, amount)})
}

func (w *world) giveBack(s step) any {
	c, ok := w.pickCapture(s)
	if !ok {
		return nil
	}
	_, seller := w.client(s, c.seller)
	currency := c.amount.Currency()
	if s.Currency != "" {
		currency = s.Currency
	}
	return w.pay(s, seller, amazonpay.RefundRequest{AmazonCaptureID: amazonpay.CaptureID(c.id), RefundReferenceID: reference(s, "r"),
		RefundAmount: w.price(s, currency, w.rules.most(c.amount)-c.back(), false), SellerRefundNote: simulations[s.Note].note})
}

// back is what was or may be refunded, and what was taken back.
func (c *capture) back() (sum int64) {
	sum = c.bank
	for _, r := range c.refunds {
		if r.state != "Declined" {
			sum += r.amount.Minor()
		}
	}
	return sum
}

func (w *world) reverse(s step) any {
	c, ok := pick(w.credits, s.On)
	if !ok {
		return nil
	}
	_, seller := w.client(s, c.seller)
	return w.pay(s, seller, amazonpay.ReverseProviderCreditRequest{AmazonProviderCreditID: c.id, CreditReversalReferenceID: reference(s, "q"),
		CreditReversalAmount: w.price(s, c.amount.Currency(), c.amount.Minor()-c.reversed, false)})
}

// pay judges a payment request, sends it, and takes the answer in.
func (w *world) pay(s step, seller int, request any) any {
	var v verdict
	w.account(&v, seller)
	switch r := request.(type) {
	case amazonpay.AuthorizeOnBillingAgreementRequest:
		a := w.byID[string(r.AmazonBillingAgreementID)].(*agreement)
		w.judgeCharge(&v, a, seller, r.AuthorizationAmount)
		sim := w.simulated(&v, r.SellerAuthorizationNote, "AuthorizeOnBillingAgreement")
		if answer, ok := w.submit(s, seller, request, v); ok {
			d := answer.(*amazonpay.BillingAgreementAuthorization)
			o := w.newChild(a, d.AmazonOrderReferenceID, r.AuthorizationAmount, true)
			w.authorized(o, &d.Authorization, r.AuthorizationAmount, r.TransactionTimeout, r.CaptureNow, sim)
		}
		return a
	case amazonpay.AuthorizeRequest:
		o := w.byID[string(r.AmazonOrderReferenceID)].(*order)
		w.judgeAuthorize(&v, o, seller, r.AuthorizationAmount)
		sim := w.simulated(&v, r.SellerAuthorizationNote, "Authorize")
		if answer, ok := w.submit(s, seller, request, v); ok {
			w.authorized(o, answer.(*amazonpay.Authorization), r.AuthorizationAmount, r.TransactionTimeout, r.CaptureNow, sim)
		}
		return o
	case amazonpay.CaptureRequest:
		a := w.byID[string(r.AmazonAuthorizationID)].(*authorization)
		w.judgeCapture(&v, a, seller, r.CaptureAmount)
		sim := w.simulated(&v, r.SellerCaptureNote, "Capture")
		if answer, ok := w.submit(s, seller, request, v); ok {
			d := answer.(*amazonpay.Capture)
			if d.CaptureAmount != r.CaptureAmount || d.CaptureReferenceID != r.CaptureReferenceID || !d.CreationTimestamp.Equal(w.now()) {
				w.fail("answer", "Capture %+v: %+v", r, d)
			}
			w.newCapture(a, d, sim)
		}
		return a.order
	case amazonpay.RefundRequest:
		c := w.byID[string(r.AmazonCaptureID)].(*capture)
		w.judgeRefund(&v, c, seller, r.RefundAmount)
		sim := w.simulated(&v, r.SellerRefundNote, "Refund")
		if answer, ok := w.submit(s, seller, request, v); ok {
			w.refunding(c, answer.(*amazonpay.Refund), r, sim)
		}
		return c.authorization.order
	case amazonpay.ReverseProviderCreditRequest:
		c := w.byID[string(r.AmazonProviderCreditID)].(*credit)
		v.no(c.seller != seller, "it is another seller's", amazonpay.ErrInvalidTransactionID)
		v.no(r.CreditReversalAmount.Minor() > c.amount.Minor()-c.reversed, "more than is left", amazonpay.ErrTransactionAmountExceeded, amazonpay.ErrInvalidParameterValue)
		v.maybe(!w.active[seller], amazonpay.ErrInvalidAccountStatus)
		if _, ok := w.submit(s, seller, request, v); ok {
			c.reversed += r.CreditReversalAmount.Minor()
		}
	}
	return nil
}

// simulated is the name of the simulation in a note; in production it is text.
func (w *world) simulated(v *verdict, note, action string) string {
	for name, sim := range simulations {
		if note == sim.note && note != "" && w.sandbox() {
			w.note(name, action, v)
			return name
		}
	}
	return ""
}

func (w *world) tooMuch(v *verdict, p amazonpay.Price) {
	limit := w.rules.single[p.Currency()]
	codes := []amazonpay.ErrorCode{amazonpay.ErrTransactionAmountExceeded, amazonpay.ErrInvalidParameterValue, amazonpay.ErrInvalidAuthorizationAmount}
	if p.Currency() == "JPY" { // and the permitted surplus
		v.maybe(p.Minor() > limit, codes...)
		limit += w.rules.surplus["JPY"]
	}
	v.no(p.Minor() > limit, "more than a call may ask for", codes...)
}

func (w *world) judgeCharge(v *verdict, a *agreement, seller int, amount amazonpay.Price) {
	v.no(a.seller != seller, "it is another seller's", amazonpay.ErrInvalidBillingAgreementID)
	v.no(a.state != "Open", "the agreement is not open", amazonpay.ErrInvalidBillingAgreementStatus)
	v.no(w.convert(amount) > w.left(a), "more than is left of the month", amazonpay.ErrPeriodicAmountExceeded)
	w.tooMuch(v, amount)
	w.foreign(step{Currency: amount.Currency()}, v)
}

func (w *world) judgeAuthorize(v *verdict, o *order, seller int, amount amazonpay.Price) {
	v.no(o.seller != seller, "it is another seller's", amazonpay.ErrInvalidOrderReferenceID)
	v.no(o.state != "Open", "the order is not open", amazonpay.ErrInvalidOrderReferenceStatus)
	v.no(len(o.all) >= w.rules.authorizations, "ten authorizations", amazonpay.ErrTransactionCountExceeded)
	if !o.total.IsZero() {
		taken, held := o.taken()
		v.no(amount.Currency() != o.total.Currency(), "the total is in another currency", amazonpay.ErrCurrencyMismatch, amazonpay.ErrCurrencyUnsupported)
		v.no(amount.Minor() > w.rules.most(o.total)-taken-held, "more than total and surplus", amazonpay.ErrTransactionAmountExceeded)
		v.maybe(o.amazonTook(), amazonpay.ErrTransactionAmountExceeded)
	}
	if a := o.agreement; a != nil {
		v.no(w.convert(amount) > w.left(a), "more than is left of the month", amazonpay.ErrPeriodicAmountExceeded)
		v.no(a.state != "Open", "its agreement is not open", amazonpay.ErrInvalidBillingAgreementStatus, amazonpay.ErrInvalidOrderReferenceStatus)
	}
	w.tooMuch(v, amount)
}

func (w *world) judgeCapture(v *verdict, a *authorization, seller int, amount amazonpay.Price) {
	v.no(a.seller != seller, "it is another seller's", amazonpay.ErrInvalidTransactionID)
	v.no(a.state != "Open", "the authorization is not open", amazonpay.ErrInvalidAuthorizationStatus)
	v.no(amount.Currency() != a.amount.Currency(), "it is authorized in another currency", amazonpay.ErrCurrencyMismatch)
	v.no(amount.Currency() == a.amount.Currency() && amount.Minor() > a.amount.Minor(), "more than is authorized", amazonpay.ErrTransactionAmountExceeded)
	w.tooMuch(v, amount)
}

func (w *world) judgeRefund(v *verdict, c *capture, seller int, amount amazonpay.Price) {
	count := 0
	for _, r := range c.refunds {
		if r.state != "Declined" {
			count++
		}
	}
	v.no(c.seller != seller, "it is another seller's", amazonpay.ErrInvalidTransactionID)
	v.no(c.state != "Completed", "the capture is not completed", amazonpay.ErrCaptureNotRefundable)
	v.no(amount.Currency() != c.amount.Currency(), "it is captured in another currency", amazonpay.ErrCurrencyMismatch)
	v.no(amount.Currency() == c.amount.Currency() && amount.Minor() > w.rules.most(c.amount)-c.back(), "more than the amount and its surplus", amazonpay.ErrTransactionAmountExceeded)
	v.no(count >= w.rules.refunds, "ten refunds", amazonpay.ErrTransactionCountExceeded)
	v.maybe(len(c.refunds) >= w.rules.refunds, amazonpay.ErrTransactionCountExceeded)
	w.tooMuch(v, amount)
}

// authorized takes a new authorization in, and demands what must be so at once.
func (w *world) authorized(o *order, d *amazonpay.Authorization, amount amazonpay.Price, timeout *int, now bool, sim string) {
	a := &authorization{object: object{"authorization", string(d.AmazonAuthorizationID), o.seller, d.AuthorizationStatus.State, d.AuthorizationStatus.ReasonCode, w.now()},
		order: o, ref: d.AuthorizationReferenceID, amount: amount, now: now, sim: sim, timeout: 24 * time.Hour}
	if w.byID[a.id] != nil || d.AuthorizationAmount != amount || !d.CreationTimestamp.Equal(w.now()) {
		w.fail("answer", "authorization of %v: %+v", amount, d)
	}
	w.byID[a.id] = a
	w.authorizations, o.all = append(w.authorizations, a), append(o.all, a)
	if timeout == nil || *timeout > 0 {
		if timeout != nil {
			a.timeout = time.Duration(*timeout) * time.Minute
		}
		w.must(a.state == "Pending", &a.object, "an asynchronous authorization is pending first")
		return
	}
	label := a.label()
	success := label == "Open" || now && label == "Closed/MaxCapturesProcessed"
	end := simulations[sim].end
	switch {
	case now && sim == "expired":
	case sim != "":
		w.must(label == end, &a.object, "decided as simulated")
	case o.methods.good() && now:
		w.must(label == "Closed/MaxCapturesProcessed", &a.object, "a good card pays")
		w.must(d.CapturedAmount.Minor() == 0 && len(d.IDList) == 1, &a.object, "CaptureNow tells the capture's id and 0")
	case o.methods.good():
		w.must(success, &a.object, "a good card pays")
	default:
		w.must(success || o.methods.decline(label), &a.object, "decided by the payment method")
	}
	if len(d.IDList) == 1 {
		w.found(a, d.IDList[0])
	}
	a.opened = success
	w.consequences(a, label, d.SoftDecline)
}

// consequences of a synchronous decision for the order or the agreement.
func (w *world) consequences(a *authorization, label string, soft bool) {
	if a.state == "Declined" {
		w.declined(a, soft)
	}
	state, _ := a.order.handle.State()
	switch b := a.order.agreement; {
	case b != nil && a.order.charge:
		parent, _ := b.handle.State()
		if want := map[bool]amazonpay.State{true: "Suspended", false: "Open"}[label == "Declined/InvalidPaymentMethod"]; parent != want {
			w.fail("decline", "after %s the agreement %s is %s", label, b.id, parent)
		}
	case label == "Declined/InvalidPaymentMethod":
		w.must(state == "Suspended", &a.order.object, "InvalidPaymentMethod suspends")
	case label == "Declined/AmazonRejected":
		w.must(state == "Closed", &a.order.object, "AmazonRejected closes the order")
	case a.state == "Declined":
		w.must(state == "Open", &a.order.object, fmt.Sprint(label, " leaves the order open"))
	}
}

func (w *world) refunding(c *capture, d *amazonpay.Refund, req amazonpay.RefundRequest, sim string) {
	r := &refund{object: object{"refund", string(d.AmazonRefundID), c.seller, d.RefundStatus.State, d.RefundStatus.ReasonCode, w.now()},
		capture: c, ref: req.RefundReferenceID, amount: req.RefundAmount, sim: sim}
	w.must(r.label() == "Pending", &r.object, "a refund is pending first")
	if w.byID[r.id] != nil {
		w.fail("answer", "%s is no new id", r.id)
	}
	w.byID[r.id] = r
	w.refunds, c.refunds = append(w.refunds, r), append(c.refunds, r)
}

var methodsOf = []amazonpaytest.PaymentMethod{amazonpaytest.GoodCard, amazonpaytest.BadCard, amazonpaytest.ShortOnce, amazonpaytest.AlwaysShort,
	amazonpaytest.RejectedCard, amazonpaytest.FailingCard, amazonpaytest.SlowBank, amazonpaytest.SilentBank, amazonpaytest.CaptureRejected,
	amazonpaytest.CaptureFailing, amazonpaytest.RefundRejected, amazonpaytest.RefundFailing}
