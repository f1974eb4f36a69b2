package main

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/widgets"
)

// errTwice is what the second of two checkouts gets.
var errTwice = &refusal{http.StatusConflict, "You have a subscription already",
	"One was made in another window. Nothing was charged twice; you find it in your account."}

var errOtherTab = &refusal{http.StatusConflict, "This order is open in another window",
	"Reload the page to go on with what you chose there."}

var errOver = &refusal{http.StatusConflict, "This order has come to its end",
	"Amazon keeps an order for three hours. Please start again; nothing was charged."}

func (s *shop) makeOrder(_ *http.Request, v visitor) (*reply, error) {
	if v.customer.running() != nil {
		return to("/account"), nil
	}
	return to(path("checkout", v.customer.openOrder(s.price, s.now()).id)), nil
}

// details asks Amazon about an agreement, as this buyer: it does not show the
// agreement of another one.
func (s *shop) details(ctx context.Context, v visitor, id amazonpay.BillingAgreementID) (*amazonpay.BillingAgreement, error) {
	token := v.token
	if v.left(s.now()) < 0 {
		token = ""
	}
	return s.pay.GetBillingAgreementDetails(ctx, amazonpay.GetBillingAgreementDetailsRequest{
		AmazonBillingAgreementID: id, AddressConsentToken: token,
	})
}

// errSignedOut is a sign-in to Amazon that ended before we thought so.
var errSignedOut = &refusal{http.StatusUnauthorized, "Your sign-in with Amazon has ended", "Sign in again to go on where you were."}

// own is details of an agreement that is known to be this buyer's: if the token
// does not fit, it is the token that is at its end.
func (s *shop) own(ctx context.Context, v visitor, o *order) (*amazonpay.BillingAgreement, error) {
	b, err := s.details(ctx, v, o.agreement)
	if errors.Is(err, amazonpay.ErrInvalidAddressConsentToken) {
		v.forgetToken()
		return nil, errSignedOut
	}
	return b, err
}

// missing is what stands between an agreement and its confirmation, in the words
// of the shop's pages.
func missing(b *amazonpay.BillingAgreement) []string {
	names := []string{}
	add := func(name string) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, c := range b.Constraints {
		switch c.ConstraintID {
		case amazonpay.ConstraintShippingAddressNotSet:
			add("address")
		case amazonpay.ConstraintBuyerConsentNotSet:
			add("consent")
		case amazonpay.ConstraintBuyerEqualsSeller:
			add("buyer")
		default: // all others, also those that are not known yet, are about the payment method
			add("payment")
		}
	}
	return names
}

var everything = []string{"address", "payment", "consent"}

type checkoutPage struct {
	Order   string
	Price   amazonpay.Price
	Missing []string // what to tell the buyer
	Consent bool     // the widget is shown
	Refused bool     // by the bank
}

// Lacks reports whether something is missing.
func (p checkoutPage) Lacks(name string) bool {
	return slices.Contains(p.Missing, name)
}

// begun finds the order of the address and asks Amazon how its agreement is. The
// agreement is nil as long as the widgets have made none. A reply is where to go
// instead.
func (s *shop) begun(r *http.Request, v visitor) (*order, *amazonpay.BillingAgreement, *reply, error) {
	o := v.customer.order(r.PathValue("order"))
	switch {
	case o == nil:
		return nil, nil, nil, errMissing
	case o.state == orderDone:
		return nil, nil, to(path("orders", o.id)), nil
	case v.customer.running() != nil:
		return nil, nil, to("/account"), nil
	case o.state == orderEnded:
		return nil, nil, nil, errOver
	case v.left(s.now()) < 0:
		return nil, nil, to("/?note=session"), nil
	case o.agreement == "":
		return o, nil, nil, nil
	}
	b, err := s.own(r.Context(), v, o)
	switch {
	case errors.Is(err, errSignedOut):
		return nil, nil, to("/?note=session"), nil
	case err != nil:
		return nil, nil, nil, err
	}
	if b.Advice().Over {
		o.state = orderEnded
		return nil, nil, nil, errOver
	}
	return o, b, nil, nil
}

// checkout is the page with the widgets.
func (s *shop) checkout(r *http.Request, v visitor) (*reply, error) {
	o, b, instead, err := s.begun(r, v)
	if err != nil || instead != nil {
		return instead, err
	}
	d := checkoutPage{Order: o.id, Price: o.price, Consent: true, Refused: o.returned && o.bank == widgets.AuthenticationFailure}
	p := s.widgetPage(v, path("checkout", o.id, "events"))
	p.AmazonBillingAgreementID = string(o.agreement)
	p.AddressBook, p.Wallet, p.Consent = &widgets.AddressBook{}, &widgets.Wallet{}, &widgets.Consent{}
	if b != nil && b.BillingAgreementStatus.State != amazonpay.StateDraft {
		p.Consent, d.Consent = nil, false // it was given, and cannot be shown again
	}
	if o.incomplete {
		d.Missing = everything
		if b != nil {
			d.Missing = missing(b)
		}
		o.incomplete = len(d.Missing) > 0
	}
	answer := &reply{template: "checkout", title: "Address and payment", data: d}
	if len(d.Missing) > 0 {
		answer.title = "Missing: " + strings.Join(d.Missing, ", ")
	}
	answer.view, err = s.widgets.Render(p)
	return answer, err
}

// widgetPage is what all pages with widgets have.
func (s *shop) widgetPage(v visitor, events string) widgets.Page {
	return widgets.Page{
		EventsURL: events, CSRFToken: v.csrf, SignInURL: "/?note=session", SessionLeft: v.left(s.now()),
		Messages: widgets.Messages{
			widgets.ErrNotConfirmed: "Amazon did not take the confirmation. Go one step back and look at your address, payment method and consent.",
		},
	}
}

// toReview is the button below the widgets: on, if nothing is missing.
func (s *shop) toReview(r *http.Request, v visitor) (*reply, error) {
	o, b, instead, err := s.begun(r, v)
	if err != nil || instead != nil {
		return instead, err
	}
	if b == nil || len(missing(b)) > 0 {
		o.incomplete = true
		return to(path("checkout", o.id)), nil
	}
	o.incomplete = false
	return to(path("checkout", o.id, "review")), nil
}

type reviewPage struct {
	Order     string
	Price     amazonpay.Price
	Next      time.Time
	Abandoned bool
}

// review shows what was chosen, and has the button that subscribes.
func (s *shop) review(r *http.Request, v visitor) (*reply, error) {
	o, b, instead, err := s.begun(r, v)
	if err != nil || instead != nil {
		return instead, err
	}
	if b == nil || len(missing(b)) > 0 {
		o.incomplete = true
		return to(path("checkout", o.id)), nil
	}
	p := s.widgetPage(v, path("checkout", o.id, "events"))
	p.AmazonBillingAgreementID = string(o.agreement)
	folded := widgets.Design{Mode: widgets.DesignSmartphoneCollapsible} // as high as what is chosen
	p.AddressBook = &widgets.AddressBook{DisplayMode: widgets.DisplayRead, Design: folded}
	p.Wallet = &widgets.Wallet{DisplayMode: widgets.DisplayRead, Design: folded}
	p.Confirm = &widgets.Confirm{Label: "Subscribe and pay " + money(o.price), SuccessURL: path("checkout", o.id, "confirmed")}
	answer := &reply{template: "review", title: "Review your order", data: reviewPage{
		Order: o.id, Price: o.price, Next: (&subscription{started: s.now()}).due(2), Abandoned: o.returned && o.bank != widgets.AuthenticationFailure,
	}}
	answer.view, err = s.widgets.Render(p)
	return answer, err
}

// checkoutEvent is what the widgets say has happened. It is the moment to ask
// Amazon, no more.
func (s *shop) checkoutEvent(ctx context.Context, r *http.Request, v visitor, e *widgets.Event) (*answer, error) {
	o := v.customer.order(r.PathValue("order"))
	if o == nil {
		return nil, errMissing
	}
	id := amazonpay.BillingAgreementID(e.BillingAgreementID)
	switch e.Kind {
	case widgets.KindSessionEnded, widgets.KindLogout:
		v.forgetToken()
		return &answer{}, nil
	case widgets.KindError:
		s.log.WarnContext(ctx, "widget failed", "widget", e.Widget, "code", string(e.ErrorCode))
		return &answer{}, nil
	case widgets.KindCreated:
		return s.created(ctx, v, o, id)
	}
	if id == "" || id != o.agreement {
		return nil, errOtherTab
	}
	if e.Kind == widgets.KindConfirm {
		return s.confirm(ctx, v, o)
	}
	b, err := s.own(ctx, v, o)
	if err != nil {
		return nil, err
	}
	return &answer{Missing: missing(b)}, nil
}

// created ties the agreement to the order: the first one, and only if Amazon
// shows it to this buyer as a Draft.
func (s *shop) created(ctx context.Context, v visitor, o *order, id amazonpay.BillingAgreementID) (*answer, error) {
	switch {
	case o.state == orderEnded:
		return nil, errOver
	case o.state != orderDraft, o.agreement != "" && o.agreement != id:
		return nil, errOtherTab
	case v.left(s.now()) < 0:
		return nil, errForged // without a token Amazon cannot tell whose the agreement is
	}
	b, err := s.details(ctx, v, id)
	if err != nil {
		return nil, refused(err)
	}
	if o.agreement == "" && b.BillingAgreementStatus.State != amazonpay.StateDraft {
		return nil, errOver
	}
	if !s.store.claim(id, v.customer) || s.taken(v.customer, o, id) {
		return nil, errMissing
	}
	o.agreement = id
	return &answer{Missing: missing(b)}, nil
}

// taken reports whether the agreement is another order's of the same customer.
func (s *shop) taken(c *customer, o *order, id amazonpay.BillingAgreementID) bool {
	for _, other := range c.orders {
		if other != o && other.agreement == id {
			return true
		}
	}
	return false
}

// refused is Amazon's refusal of something that the browser named: a mistake of
// the browser's. Everything else is none.
func refused(err error) error {
	for _, code := range []amazonpay.ErrorCode{
		amazonpay.ErrInvalidBillingAgreementID, amazonpay.ErrInvalidAddressConsentToken, amazonpay.ErrInvalidParameterValue,
	} {
		if errors.Is(err, code) {
			return errMissing
		}
	}
	return err
}

// confirm is the button Subscribe. It may come twice, and from two tabs.
func (s *shop) confirm(ctx context.Context, v visitor, o *order) (*answer, error) {
	switch {
	case o.state == orderDone:
		return &answer{}, nil // the page goes on to where the subscription is
	case v.customer.running() != nil:
		return nil, errTwice
	case o.state == orderEnded:
		return nil, errOver
	}
	b, err := s.own(ctx, v, o)
	switch {
	case err != nil:
		return nil, err
	case b.Advice().Over:
		o.state = orderEnded
		return nil, errOver
	case len(missing(b)) > 0:
		o.incomplete = true
		return nil, &refusal{http.StatusUnprocessableEntity, "Something is missing", "Look at your address, payment method and consent."}
	}
	// Written before the call: if its answer is lost, the way back knows what the
	// buyer wanted.
	o.state, o.returned, o.confirmed = orderConfirming, false, s.now()
	if b.BillingAgreementStatus.State == amazonpay.StateDraft {
		if err := s.describe(ctx, o); err != nil {
			return nil, err
		}
	}
	err = s.pay.ConfirmBillingAgreement(ctx, s.confirmation(o.agreement, path("checkout", o.id)))
	if errors.Is(err, amazonpay.ErrBillingAgreementConstraintsExist) {
		o.incomplete = true
		return nil, &refusal{http.StatusUnprocessableEntity, "Something is missing", "Look at your address, payment method and consent."}
	}
	if err != nil {
		return nil, err
	}
	if !s.banked() {
		s.subscribe(v.customer, o) // the charge follows on the next page, or behind the scenes
	}
	return &answer{}, nil
}

// describe tells Amazon and the buyer what the agreement is about.
func (s *shop) describe(ctx context.Context, o *order) error {
	about := amazonpay.BillingAgreementAttributes{
		SellerNote: "One tin of tea every month, " + money(o.price) + " each. Cancel whenever you like.",
		SellerBillingAgreementAttributes: amazonpay.SellerBillingAgreementAttributes{
			SellerBillingAgreementID: o.id, StoreName: brand,
		},
	}
	if s.banked() { // the same sum every month, in the buyer's absence: one question by the bank, at the start
		about.BillingAgreementType, about.SubscriptionAmount = amazonpay.MerchantInitiatedTransaction, o.price
	}
	_, err := s.pay.SetBillingAgreementDetails(ctx, amazonpay.SetBillingAgreementDetailsRequest{
		AmazonBillingAgreementID: o.agreement, BillingAgreementAttributes: about,
	})
	return err
}

// confirmation has the ways back from the bank, in UK and EU.
func (s *shop) confirmation(id amazonpay.BillingAgreementID, at string) amazonpay.ConfirmBillingAgreementRequest {
	req := amazonpay.ConfirmBillingAgreementRequest{AmazonBillingAgreementID: id}
	if s.banked() {
		req.SuccessURL, req.FailureURL = s.url+at+"/confirmed", s.url+at+"/unconfirmed"
	}
	return req
}

// confirmed is where the buyer comes back to. What the address claims decides
// which page to show; whether anything is confirmed, Amazon says. Only that the
// bank was asked, nobody does: see widgets.AuthenticationStatus.
func (s *shop) confirmed(r *http.Request, v visitor) (*reply, error) {
	o := v.customer.order(r.PathValue("order"))
	switch {
	case o == nil:
		return nil, errMissing
	case o.state == orderDone:
		return s.firstCharge(r.Context(), v, o)
	case o.state != orderConfirming:
		return to(path("checkout", o.id)), nil
	case v.customer.running() != nil: // another window was faster
		if err := s.release(r.Context(), o); err != nil {
			return nil, err
		}
		return nil, errTwice
	}
	claim := widgets.AuthenticationSuccess
	if s.banked() {
		claim = widgets.ClaimedAuthentication(r)
	}
	b, err := s.pay.GetBillingAgreementDetails(r.Context(), amazonpay.GetBillingAgreementDetailsRequest{AmazonBillingAgreementID: o.agreement})
	if err != nil {
		return nil, err
	}
	switch {
	case b.Advice().Over:
		o.state = orderEnded
		return nil, errOver
	case b.BillingAgreementStatus.State == amazonpay.StateOpen && claim == widgets.AuthenticationSuccess:
		s.subscribe(v.customer, o)
		return s.firstCharge(r.Context(), v, o)
	case claim == widgets.AuthenticationFailure: // another payment method may do, on the same agreement
		o.returned, o.bank = true, claim
		return to(path("checkout", o.id)), nil
	default:
		o.returned, o.bank = true, widgets.AuthenticationAbandoned
		return to(path("checkout", o.id, "review")), nil
	}
}

// release gives back the agreement of an order that nobody will finish.
func (s *shop) release(ctx context.Context, o *order) error {
	if err := s.closeAgreement(ctx, o.agreement, "The order was not finished"); err != nil {
		return err
	}
	o.state = orderEnded
	return nil
}

func (s *shop) firstCharge(ctx context.Context, v visitor, o *order) (*reply, error) {
	if sub := v.customer.subscription; sub != nil && sub.order == o {
		s.collect(ctx, sub, sub.last())
	}
	return to(path("orders", o.id)), nil
}

type thanksPage struct {
	Name, Order, Number string
	State               string // of the charge
	Account             string // what the account says of it
	Amount              amazonpay.Price
	Next                time.Time
}

// thanks is the page after the checkout. It says how things are, also days later;
// when there is more to say, the account does.
func (s *shop) thanks(r *http.Request, v visitor) (*reply, error) {
	o := v.customer.order(r.PathValue("order"))
	switch {
	case o == nil:
		return nil, errMissing
	case o.state != orderDone:
		return to(path("checkout", o.id)), nil
	}
	sub := v.customer.running()
	if sub == nil || sub.order != o || sub.last().period > 1 {
		return to("/account"), nil
	}
	var now accountPage
	s.fill(&now, sub)
	first := sub.last()
	return &reply{template: "thanks", title: "Your subscription", data: thanksPage{
		Name: v.customer.name, Order: o.id, Number: first.request.SellerOrderID, State: string(first.state), Account: now.State,
		Amount: first.request.Amount, Next: now.Next,
	}}, nil
}
