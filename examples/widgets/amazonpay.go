package main

import (
	"errors"
	"net/http"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/lwa"
	"github.com/amazonpay-go/amazonpay/widgets"
)

// This file is all that Amazon Pay adds to the shop in the other one: a button
// that signs the buyer in, the widgets, the confirmation, and the way back from
// the buyer's bank. What follows is a charge like that of every month.

var checkout = layout(`{{.Head}}`, `{{.Messages}}{{.Pay}}{{.AddressBook}}{{.Wallet}}{{.Consent}}{{.Confirm}}`)

func (s *site) addAmazonPay(mux *http.ServeMux) error {
	shop, err := widgets.New(widgets.Config{SellerID: s.sellerID, ClientID: s.clientID, Region: s.region, Environment: widgets.Sandbox, BaseURL: s.amazon})
	login, err2 := lwa.New(lwa.Config{ClientID: s.clientID, Region: s.region, Environment: lwa.Sandbox, BaseURL: s.amazon})
	mux.Handle("GET /basket", s.page(func(w http.ResponseWriter, r *http.Request) error {
		state, err := lwa.IssueState(s.key, lwa.StateCookie(r, s.url), time.Now())
		lwa.SetCookie(w, state, s.url)
		return errors.Join(err, shop.Execute(w, checkout, widgets.Page{Pay: &widgets.Button{ReturnURL: s.url + "/return", State: state.Value}}))
	}))
	mux.Handle("GET /return", shop.ReturnPage())
	mux.Handle("POST /return", s.page(func(w http.ResponseWriter, r *http.Request) error {
		delivered, err := widgets.ParseReturn(r)
		token, buyer, err2 := login.SignIn(r.Context(), s.key, delivered, lwa.StateCookie(r, s.url), time.Now())
		if err := errors.Join(err, err2); err != nil {
			return err
		}
		http.SetCookie(w, widgets.TokenCookie(token.AccessToken, s.url))
		return s.begin(w, r, map[string]string{"buyer": buyer.UserID, "token": token.AccessToken}, "/subscribe")
	}))
	mux.Handle("GET /subscribe", s.page(func(w http.ResponseWriter, r *http.Request) error {
		return shop.Execute(w, checkout, widgets.Page{EventsURL: "/events", CSRFToken: s.session(r).csrf(), SignInURL: "/basket",
			AddressBook: &widgets.AddressBook{}, Wallet: &widgets.Wallet{}, Consent: &widgets.Consent{}, Confirm: &widgets.Confirm{SuccessURL: "/done"}})
	}))
	mux.Handle("POST /events", s.page(func(_ http.ResponseWriter, r *http.Request) error {
		event, err := widgets.ParseEvent(r, s.session(r).csrf())
		if err != nil || event.Kind != widgets.KindConfirm {
			return err
		}
		// Nothing of an event is believed: Amazon refuses the agreement of another buyer.
		b, err := s.pay.GetBillingAgreementDetails(r.Context(), amazonpay.GetBillingAgreementDetailsRequest{
			AmazonBillingAgreementID: amazonpay.BillingAgreementID(event.BillingAgreementID), AddressConsentToken: s.session(r).get("token")})
		if err != nil {
			return err
		}
		s.session(r).set("agreement", string(b.AmazonBillingAgreementID))
		// Subscriptions in UK and EU call SetBillingAgreementDetails before, with
		// MerchantInitiatedTransaction: "First charge" in docs/cookbook.md.
		return s.pay.ConfirmBillingAgreement(r.Context(), amazonpay.ConfirmBillingAgreementRequest{
			AmazonBillingAgreementID: b.AmazonBillingAgreementID, SuccessURL: s.url + "/done", FailureURL: s.url + "/subscribe"})
	}))
	// From the bank: a yes to /done, anything else back to the widgets. Neither is
	// proof; the charge asks Amazon, which takes it from an Open agreement only.
	mux.Handle("GET /done", s.page(s.charge))
	return errors.Join(err, err2)
}
