package main

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/widgets"
)

// accountPage is what the account shows, and which buttons it has.
type accountPage struct {
	Name    string
	State   string // "active", "checking", "payment", "retry", "trouble", "stopped", "canceled", "ended"; empty without a subscription
	Price   amazonpay.Price
	Since   time.Time
	Next    time.Time   // of the next charge
	Charges []chargeRow // the latest first
	Order   string      // one that was begun and not finished

	Renew   int    // the period that the button charges; 0 is no button
	Retry   string // the declined charge that the button tries again
	Check   bool   // whether to ask Amazon again
	Change  bool   // of the payment method
	Cancel  bool
	Closing bool // canceled, and Amazon does not know yet
	Unpaid  bool // the latest charge
	Refused bool // by the bank or Amazon: it was declined
	Again   time.Time
}

type chargeRow struct {
	Period, Try int
	Made        time.Time
	Amount      amazonpay.Price
	State       string
	Text        string
	ID          string
}

var chargeTexts = map[chargeState]string{
	chargeOpen: "Being checked", chargePending: "Being checked", chargePaid: "Paid", chargeDeclined: "Declined", chargeDropped: "Not charged",
}

func (s *shop) account(_ *http.Request, v visitor) (*reply, error) {
	c := v.customer
	d := accountPage{Name: c.name}
	for _, o := range c.orders {
		if (o.state == orderDraft || o.state == orderConfirming) && o.agreement != "" && s.now().Sub(o.made) < draftLife && c.running() == nil {
			d.Order = o.id
		}
	}
	if c.subscription != nil {
		s.fill(&d, c.subscription)
	}
	return &reply{template: "account", title: "Your account", data: d}, nil
}

func (s *shop) fill(d *accountPage, sub *subscription) {
	last := sub.last()
	paid := 0
	for _, ch := range sub.charges {
		if ch.state == chargePaid {
			paid = ch.period
		}
		text := chargeTexts[ch.state]
		if ch.advice.Seller && ch.state != chargePaid && ch.state != chargeDeclined { // what became of it is not sure
			text = "Being looked into"
		}
		d.Charges = append([]chargeRow{{ch.period, ch.try, ch.made, ch.request.Amount, string(ch.state), text, ch.request.SellerOrderID}}, d.Charges...)
	}
	d.Price, d.Since, d.Next, d.Again = sub.order.price, sub.started, sub.due(paid+1), last.again
	d.Unpaid, d.Refused = last.state != chargePaid, last.state == chargeDeclined
	d.Closing = !sub.canceled.IsZero() && sub.ended.IsZero()
	d.Check = last.state == chargeOpen || last.state == chargePending
	running := sub.canceled.IsZero() && sub.ended.IsZero()
	d.Cancel, d.Change = running, running
	switch {
	case !sub.canceled.IsZero():
		d.State = "canceled"
	case !sub.ended.IsZero():
		d.State = "ended"
	case last.state == chargeDropped: // nobody can say whether trying again would charge twice
		d.State, d.Change = "stopped", false
	case d.Unpaid && last.advice.Buyer, d.Refused && last.advice.Retry != amazonpay.RetryNewID,
		sub.suspended && !(d.Refused && last.advice.Soft):
		d.State, d.Check = "payment", false
	case d.Check && last.advice.Seller:
		d.State = "trouble"
	case d.Check:
		d.State = "checking"
	case d.Refused:
		d.State, d.Retry = "retry", string(last.request.ReferenceID)
	default:
		d.State = "active"
		if s.demo {
			d.Renew = last.period + 1
		}
	}
}

// renew charges the next period at once: for demonstrations. The form names the
// period, so that a second click finds it paid.
func (s *shop) renew(r *http.Request, v visitor) (*reply, error) {
	if !s.demo {
		return nil, errMissing
	}
	sub := v.customer.running()
	period, err := strconv.Atoi(r.PostForm.Get("period"))
	switch {
	case sub == nil:
		return to("/account"), nil
	case err != nil || period < 2 || period > sub.last().period+1:
		return nil, errForged
	case period == sub.last().period+1 && sub.last().state == chargePaid:
		s.collect(r.Context(), sub, s.writeCharge(v.customer, sub, period, 1))
	}
	return to("/account"), nil
}

// retry tries a declined charge again. The form names the charge, so that a
// second click finds that it is not the latest any more.
func (s *shop) retry(r *http.Request, v visitor) (*reply, error) {
	sub := v.customer.running()
	if sub == nil {
		return to("/account"), nil
	}
	var d accountPage
	s.fill(&d, sub)
	if d.Retry == "" || r.PostForm.Get("charge") != d.Retry {
		return to("/account"), nil
	}
	if sub.last().advice.Confirm {
		if err := s.pay.ConfirmBillingAgreement(r.Context(), amazonpay.ConfirmBillingAgreementRequest{AmazonBillingAgreementID: sub.agreement}); err != nil {
			return nil, err
		}
	}
	s.tryAgain(r.Context(), v.customer, sub)
	return to("/account"), nil
}

// check asks Amazon what has become of a charge, by repeating it.
func (s *shop) check(r *http.Request, v visitor) (*reply, error) {
	if sub := v.customer.subscription; sub != nil {
		s.collect(r.Context(), sub, sub.last())
	}
	return to("/account"), nil
}

// cancel is written down first: from then on nothing new is charged, whether
// Amazon can be told now or later.
func (s *shop) cancel(r *http.Request, v visitor) (*reply, error) {
	sub := v.customer.running()
	if sub == nil {
		return to("/account"), nil
	}
	sub.canceled = s.now()
	if err := s.close(r.Context(), sub); err != nil {
		s.log.WarnContext(r.Context(), "agreement not closed yet", "error", err)
	}
	// What was sent and not answered has to be known. On a closed agreement it
	// finds what was made, and makes nothing.
	if !sub.ended.IsZero() {
		s.collect(r.Context(), sub, sub.last())
	}
	return to("/account"), nil
}

// payment lets the buyer of a running subscription choose another payment
// method: the Wallet of the same agreement.
func (s *shop) payment(_ *http.Request, v visitor) (*reply, error) {
	sub := v.customer.running()
	switch {
	case sub == nil, sub.last().state == chargeDropped: // where no other payment method helps
		return to("/account"), nil
	case v.left(s.now()) < 0:
		return to("/signin?note=session"), nil
	}
	p := s.widgetPage(v, "/account/payment/events")
	p.SignInURL = "/signin?note=session"
	p.AmazonBillingAgreementID = string(sub.agreement)
	p.Wallet = &widgets.Wallet{}
	p.Confirm = &widgets.Confirm{Label: "Use this payment method", SuccessURL: "/account/payment/confirmed"}
	view, err := s.widgets.Render(p)
	return &reply{template: "payment", title: "Payment method", view: view, data: sub.last().state != chargePaid}, err
}

func (s *shop) paymentEvent(ctx context.Context, _ *http.Request, v visitor, e *widgets.Event) (*answer, error) {
	switch e.Kind {
	case widgets.KindSessionEnded, widgets.KindLogout:
		v.forgetToken()
		return &answer{}, nil
	case widgets.KindError:
		s.log.WarnContext(ctx, "widget failed", "widget", e.Widget, "code", string(e.ErrorCode))
		return &answer{}, nil
	}
	sub := v.customer.running()
	if sub == nil || amazonpay.BillingAgreementID(e.BillingAgreementID) != sub.agreement {
		return nil, errMissing
	}
	if e.Kind != widgets.KindConfirm {
		return &answer{}, nil
	}
	sub.changing = true // before the call: the way back knows what the buyer wanted
	err := s.pay.ConfirmBillingAgreement(ctx, s.confirmation(sub.agreement, "/account/payment"))
	for _, code := range []amazonpay.ErrorCode{amazonpay.ErrPaymentMethodNotUpdated, amazonpay.ErrBillingAgreementConstraintsExist, amazonpay.ErrInvalidBillingAgreementStatus} {
		if errors.Is(err, code) {
			sub.changing = false
			return nil, &refusal{http.StatusUnprocessableEntity, "Please choose another payment method", ""}
		}
	}
	return &answer{}, err
}

// paymentConfirmed is the way back after that. If something is unpaid, it is
// charged now.
func (s *shop) paymentConfirmed(r *http.Request, v visitor) (*reply, error) {
	sub := v.customer.running()
	if sub == nil || !sub.changing {
		return to("/account"), nil
	}
	s.refresh(r.Context(), sub)
	claim := widgets.AuthenticationSuccess
	if s.banked() {
		claim = widgets.ClaimedAuthentication(r)
	}
	switch {
	case !sub.ended.IsZero():
		return to("/account"), nil
	case claim == widgets.AuthenticationFailure, sub.suspended && claim == widgets.AuthenticationSuccess:
		v.notice = "Your bank did not agree to the payment method. Please try again, or choose another one."
		return to("/account/payment"), nil
	case claim != widgets.AuthenticationSuccess:
		v.notice = "The check by your bank was not finished, so nothing is changed yet. Confirm once more, and stay until you are back here."
		return to("/account/payment"), nil
	}
	sub.changing = false
	v.notice = "Your payment method is changed."
	if sub.last().state != chargePaid {
		s.tryAgain(r.Context(), v.customer, sub)
	}
	return to("/account"), nil
}
