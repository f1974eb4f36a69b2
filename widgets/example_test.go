package widgets_test

import (
	"fmt"
	"html/template"
	"net/http"
	"net/http/httptest"

	"github.com/amazonpay-go/amazonpay/widgets"
)

const clientID = "amzn1.application-oa2-client.0123456789abcdef0123456789abcdef"

// A page with the Amazon Pay button. The state comes from lwa.IssueState.
func ExampleShop_Execute() {
	shop, err := widgets.New(widgets.Config{
		SellerID: "A2SELLEREXAMPLE", ClientID: clientID, Region: widgets.RegionUK, Environment: widgets.Sandbox,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	basket := template.Must(template.New("").Parse(`<!doctype html><html lang="en"><title>Basket</title>{{.Head}}
<h1>Your basket</h1>{{.Messages}}{{.Pay}}`))
	w := httptest.NewRecorder()
	err = shop.Execute(w, basket, widgets.Page{Pay: &widgets.Button{ReturnURL: "https://shop.example/return", State: "state"}})
	fmt.Println(err, w.Code, w.Header().Get("Cache-Control"))

	w = httptest.NewRecorder()
	err = shop.Execute(w, basket, widgets.Page{Pay: &widgets.Button{}}) // nothing is written
	fmt.Println(err, w.Body.Len())
	// Output:
	// <nil> 200 no-store
	// widgets: Page: Pay.ReturnURL is required; Pay.State is required 0
}

// The buyer's bank has sent the buyer back to the SuccessURL of
// ConfirmBillingAgreement. Which page to show is one thing; whether the
// agreement is Open, only GetBillingAgreementDetails tells.
func ExampleClaimedAuthentication() {
	for _, target := range []string{"/done?AuthenticationStatus=Success", "/failed?AuthenticationStatus=Abandoned", "/done"} {
		switch widgets.ClaimedAuthentication(httptest.NewRequest(http.MethodGet, target, nil)) {
		case widgets.AuthenticationSuccess:
			fmt.Println("ask the API, charge if Open")
		case widgets.AuthenticationFailure:
			fmt.Println("ask the API, back to the basket")
		default:
			fmt.Println("ask the API, let the buyer confirm again")
		}
	}
	// Output:
	// ask the API, charge if Open
	// ask the API, let the buyer confirm again
	// ask the API, let the buyer confirm again
}

// A page whose buyer reads German.
func ExampleShop_Render() {
	shop, err := widgets.New(widgets.Config{
		SellerID: "A2SELLEREXAMPLE", ClientID: clientID, Region: widgets.RegionEU, Environment: widgets.Production,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	view, err := shop.Render(widgets.Page{
		EventsURL: "/events", CSRFToken: "of-the-session", SignInURL: "/basket", SignInLabel: "Neu anmelden",
		AmazonBillingAgreementID: "B02-1234567-1234567", // a new payment method for an agreement that is Suspended
		Wallet:                   &widgets.Wallet{Design: widgets.Design{Width: 400, Height: 228}},
		Confirm:                  &widgets.Confirm{Label: "Bestätigen"},
		Messages:                 widgets.Messages{widgets.ErrBuyerSessionExpired: "Ihre Anmeldung bei Amazon ist abgelaufen."},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(shop.ScriptURL())
	fmt.Println(view.Wallet)
	fmt.Println(view.Confirm)
	fmt.Println(view.Policy["script-src"][1])
	// Output:
	// https://static-eu.payments-amazon.com/OffAmazonPayments/eur/lpa/js/Widgets.js?sellerId=A2SELLEREXAMPLE
	// <div id="amazonpay-wallet"></div>
	// <button type="button" id="amazonpay-confirm" disabled>Bestätigen</button>
	// https://static-eu.payments-amazon.com
}
