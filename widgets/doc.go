// Package widgets is the buyer's side of a checkout with Amazon Pay: Amazon's
// buttons and widgets, rendered on the server as HTML that nobody can break out
// of, with a script that tells your server what the buyer does.
//
//	shop, err := widgets.New(widgets.Config{
//		SellerID:    "A2…",
//		ClientID:    "amzn1.application-oa2-client.…",
//		Region:      widgets.RegionUK,
//		Environment: widgets.Sandbox,
//	})
//
// # The pages
//
// A page with a button signs the buyer in, ReturnURL takes them back, and a page
// with the widgets lets them choose and confirm:
//
//	err = shop.Execute(w, template, widgets.Page{
//		EventsURL: "/amazonpay/events", CSRFToken: token, SignInURL: "/basket",
//		AddressBook: &widgets.AddressBook{},
//		Wallet:      &widgets.Wallet{},
//		Consent:     &widgets.Consent{},
//		Confirm:     &widgets.Confirm{},
//	})
//
// The template places the parts; it is an html/template, and they are not
// escaped again:
//
//	<head>… {{.Head}}</head>
//	<body>… {{.Messages}} {{.AddressBook}} {{.Wallet}} {{.Consent}} {{.Confirm}}
//
// A template with more in it than these goes with [Shop.Render].
//
// examples/widgets/amazonpay.go is all that a shop with sessions adds: forty
// lines, from the sign-in to the way back from the bank.
//
// {{.Head}} loads Amazon's script: load it nowhere else on the page. Functions of
// yours named onAmazonLoginReady and onAmazonPaymentsReady are called as well, if
// they are there before.
//
// # The order of things
//
// The AddressBook makes the agreement, the Wallet follows the first address, and
// the Consent follows the agreement. Each step posts an [Event] to EventsURL,
// where [ParseEvent] reads it. Confirm can be pressed once everything is chosen.
// In UK and EU it starts Amazon's confirmation flow, and the buyer's bank may
// ask for more; [ClaimedAuthentication] reads what comes back.
//
// # What is proof
//
// Nothing that comes from a browser: not an [Event], not what [ParseReturn]
// returns, not an [AuthenticationStatus]. They say when to ask and what about.
// The API is asked: lwa for the buyer behind a token,
// GetBillingAgreementDetails for state, address and constraints, and whether an
// agreement is this buyer's (AddressConsentToken). Only that the bank was asked,
// the API does not tell: see [AuthenticationStatus].
//
// # Security
//
// All of a [Page] goes through html/template, and what has a known form is
// checked before. The data of the page's script stands in a JSON block that runs
// nothing; the script itself is the same for all, and is inline with the nonce
// of this one answer, so that the policy of [View] needs neither unsafe-inline
// nor your own host as a source of scripts. There are no inline handlers and no
// style attributes. Whether Amazon's own script keeps to such a policy cannot be
// tried here: send it as Content-Security-Policy-Report-Only at first.
//
// # Time
//
// The widgets work for 55 minutes after the sign-in ([SessionLife]). Then the
// buyer reads so, with a link to sign in again. A Draft agreement that is not
// confirmed within 3 hours is canceled by Amazon.
package widgets
