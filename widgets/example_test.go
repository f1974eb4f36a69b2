package widgets_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/amazonpay-go/amazonpay/lwa"
	"github.com/amazonpay-go/amazonpay/widgets"
)

// addAmazonPay adds a subscription with Amazon Pay to a shop that has sessions
// and an error page already.
func (s *site) addAmazonPay(mux *http.ServeMux, returnURL string) error {
	shop, err := widgets.New(widgets.Config{
		SellerID: "A2SELLEREXAMPLE", ClientID: clientID,
		Region: widgets.RegionUK, Environment: widgets.Sandbox,
	})
	mux.Handle("GET /basket", s.page(func(w http.ResponseWriter, r *http.Request) error {
		state, err := lwa.IssueState(s.key, lwa.StateCookie(r, returnURL), time.Now())
		lwa.SetCookie(w, state, returnURL)
		return errors.Join(err, s.show(w, shop, widgets.Page{Pay: &widgets.Button{ReturnURL: returnURL, State: state.Value}}))
	}))
	mux.Handle("GET /return", shop.ReturnPage())
	mux.Handle("POST /return", s.page(func(w http.ResponseWriter, r *http.Request) error {
		delivered, err := widgets.ParseReturn(r)
		if err != nil {
			return err
		}
		token, err := s.signIn(r, delivered, returnURL)
		if err != nil {
			return err
		}
		http.SetCookie(w, widgets.TokenCookie(token, returnURL))
		http.Redirect(w, r, "/subscribe", http.StatusSeeOther)
		return nil
	}))
	mux.Handle("GET /subscribe", s.page(func(w http.ResponseWriter, r *http.Request) error {
		return s.show(w, shop, widgets.Page{
			EventsURL: "/events", CSRFToken: s.csrfToken(r), SignInURL: "/basket",
			AddressBook: &widgets.AddressBook{}, Wallet: &widgets.Wallet{}, Consent: &widgets.Consent{}, Confirm: &widgets.Confirm{},
		})
	}))
	mux.Handle("POST /events", s.page(func(w http.ResponseWriter, r *http.Request) error {
		event, err := widgets.ParseEvent(r, s.csrfToken(r))
		if err != nil {
			return err
		}
		return s.happened(r.Context(), event) // asks the API
	}))
	return err
}

var checkout = template.Must(template.New("").Parse(`<!doctype html><html lang="en"><head><title>Checkout</title>{{.Head}}</head>
<body>{{.Messages}}{{.Pay}}{{.AddressBook}}{{.Wallet}}{{.Consent}}{{.Confirm}}</body></html>`))

// show is the last thing that the shop needs: its template with the parts in it.
func (s *site) show(w http.ResponseWriter, shop *widgets.Shop, p widgets.Page) error {
	view, err := shop.Render(p)
	if err != nil {
		return err
	}
	view.Protect(w.Header())
	return checkout.Execute(w, view)
}

// site is the shop as it was before, with one session for all visitors.
type site struct {
	key   lwa.SecretKey
	login *lwa.Client
}

func (s *site) csrfToken(*http.Request) string { return "csrf-of-the-session" }

func (s *site) page(f func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := f(w, r)
		if refused, ok := errors.AsType[*widgets.RequestError](err); ok {
			http.Error(w, refused.Error(), refused.StatusCode)
		} else if errors.Is(err, lwa.ErrAccessDenied) {
			http.Redirect(w, r, "/basket", http.StatusSeeOther)
		} else if err != nil {
			http.Error(w, "sorry", http.StatusInternalServerError)
		}
	})
}

// signIn believes nothing but Amazon.
func (s *site) signIn(r *http.Request, delivered, returnURL string) (token string, err error) {
	grant, err := lwa.ParseGrant(delivered, time.Now())
	if err != nil {
		return "", err
	}
	if _, err := lwa.CheckState(s.key, grant.State, lwa.StateCookie(r, returnURL), time.Now()); err != nil {
		return "", err
	}
	buyer, err := s.login.Profile(r.Context(), grant.Token.AccessToken)
	if err != nil {
		return "", err
	}
	fmt.Println("signed in:", buyer.UserID)
	return grant.Token.AccessToken, nil
}

// happened would call GetBillingAgreementDetails, and ConfirmBillingAgreement
// for KindConfirm.
func (s *site) happened(_ context.Context, e *widgets.Event) error {
	fmt.Println(e.Kind, e.BillingAgreementID)
	return nil
}

const clientID = "amzn1.application-oa2-client.0123456789abcdef0123456789abcdef"

// A subscription, from the basket to the confirmation, with the requests that a
// browser sends.
func Example() {
	amazon := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, `{"aud":%q,"user_id":"amzn1.account.A1","iss":"https://www.amazon.com","exp":3000}`, clientID)
	}))
	defer amazon.Close()
	login, err := lwa.New(lwa.Config{ClientID: clientID, Region: lwa.RegionUK, Environment: lwa.Sandbox, BaseURL: amazon.URL})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	shop := httptest.NewServer(mux)
	defer shop.Close()
	s := &site{key: lwa.NewSecretKey("32 random bytes of your own, kept"), login: login}
	if err := s.addAmazonPay(mux, shop.URL+"/return"); err != nil {
		fmt.Println(err)
		return
	}

	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar}
	basket := text(browser.Get(shop.URL + "/basket"))
	state := regexp.MustCompile(`"state":"([^"]+)"`).FindStringSubmatch(basket)[1]
	_ = text(browser.Get(shop.URL + "/return?access_token=Atza%7Cgood&state=" + state)) // its script posts the rest
	subscribe := text(browser.PostForm(shop.URL+"/return", url.Values{"delivered": {"?access_token=Atza%7Cgood&state=" + state}}))
	fmt.Println("consent:", strings.Contains(subscribe, `<div id="amazonpay-consent">`))
	for _, event := range []string{"created", "address", "payment", "confirm"} {
		body := fmt.Sprintf(`{"kind":%q,"billingAgreementId":"C02-1234567-1234567"}`, event)
		request, _ := http.NewRequest(http.MethodPost, shop.URL+"/events", strings.NewReader(body))
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set(widgets.CSRFHeader, "csrf-of-the-session")
		_ = text(browser.Do(request))
	}
	// Output:
	// signed in: amzn1.account.A1
	// consent: true
	// created C02-1234567-1234567
	// address C02-1234567-1234567
	// payment C02-1234567-1234567
	// confirm C02-1234567-1234567
}

func text(response *http.Response, err error) string {
	if err != nil {
		return err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	var body bytes.Buffer
	_, _ = body.ReadFrom(response.Body)
	return body.String()
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
