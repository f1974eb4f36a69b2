package amazonpaytest_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// loginToken is the token of a buyer's login.
func loginToken(t *testing.T, f *amazonpaytest.Fake, buyer amazonpay.Buyer, scope string) string {
	t.Helper()
	q := url.Values{"client_id": {f.LoginClient().ID}, "scope": {scope}, "response_type": {"token"}, "redirect_uri": {"https://shop.example/landing"}}
	to, err := f.SignIn(buyer).Authorize("https://www.amazon.com/ap/oa?"+q.Encode(), true)
	require.NoError(t, err)
	answer, err := url.ParseQuery(to.EscapedFragment())
	require.NoError(t, err)
	return answer.Get("access_token")
}

// widgetOf is a widget of the fake's own seller.
func widgetOf(t *testing.T, f *amazonpaytest.Fake, kind amazonpaytest.WidgetKind) amazonpaytest.Widget {
	t.Helper()
	return amazonpaytest.Widget{Kind: kind, SellerID: "AFAKESELLER01", Environment: amazonpay.Sandbox,
		AccessToken: loginToken(t, f, amazonpay.Buyer{}, "profile payments:widget")}
}

func constraintsOf(t *testing.T, client *amazonpay.Client, id amazonpay.BillingAgreementID) (ids []string) {
	t.Helper()
	b, err := client.GetBillingAgreementDetails(context.Background(), amazonpay.GetBillingAgreementDetailsRequest{AmazonBillingAgreementID: id})
	require.NoError(t, err)
	for _, c := range b.Constraints {
		ids = append(ids, string(c.ConstraintID))
	}
	return ids
}

func TestWidgetsOfAnAgreement(t *testing.T) {
	f := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	client := f.Client()
	w := widgetOf(t, f, amazonpaytest.AddressBookWidget)
	w.Recurring = true
	view, err := f.OpenWidget(w)
	require.NoError(t, err)
	assert.True(t, view.Created)
	assert.Equal(t, amazonpay.StateDraft, view.State)
	assert.Zero(t, view.Address, "the first address is picked")
	id := view.BillingAgreementID
	assert.Equal(t, []string{"BuyerConsentNotSet", "PaymentPlanNotSet"}, constraintsOf(t, client, id))

	w.Kind, w.BillingAgreementID = amazonpaytest.WalletWidget, id
	view, err = f.OpenWidget(w)
	require.NoError(t, err)
	assert.Equal(t, amazonpaytest.GoodCard, view.Payment)
	assert.False(t, view.Created)
	assert.Equal(t, []string{"BuyerConsentNotSet"}, constraintsOf(t, client, id))
	view, err = f.UseWidget(w, amazonpaytest.WidgetChoice{Payment: amazonpaytest.RejectedCard})
	require.NoError(t, err)
	assert.Equal(t, amazonpaytest.RejectedCard, view.Payment)

	w.Kind = amazonpaytest.ConsentWidget
	for _, tick := range []bool{true, false, true} {
		view, err = f.UseWidget(w, amazonpaytest.WidgetChoice{Consent: &tick})
		require.NoError(t, err)
		assert.Equal(t, tick, view.Consent)
		assert.Equal(t, !tick, len(constraintsOf(t, client, id)) == 1)
	}
	require.NoError(t, client.ConfirmBillingAgreement(context.Background(), amazonpay.ConfirmBillingAgreementRequest{AmazonBillingAgreementID: id}))

	w.Kind = amazonpaytest.AddressBookWidget
	moved := f.AddressBook()[2]
	view, err = f.UseWidget(w, amazonpaytest.WidgetChoice{Address: &moved})
	require.NoError(t, err)
	assert.Equal(t, 2, view.Address)
	assert.Equal(t, amazonpay.StateOpen, view.State)
}

func TestWidgetsOfAnOrder(t *testing.T) {
	f := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	w := widgetOf(t, f, amazonpaytest.WalletWidget)
	w.Currency = amazonpay.CurrencyUSD
	view, err := f.OpenWidget(w)
	require.NoError(t, err)
	assert.Empty(t, view.BillingAgreementID)
	o, err := f.Client().GetOrderReferenceDetails(context.Background(), amazonpay.GetOrderReferenceDetailsRequest{AmazonOrderReferenceID: view.OrderReferenceID})
	require.NoError(t, err)
	require.Len(t, o.Constraints, 1, "a wallet alone is for digital goods")
	assert.Equal(t, amazonpay.ConstraintID("AmountNotSet"), o.Constraints[0].ConstraintID)
}

func TestConsentAtLogin(t *testing.T) {
	f := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	w := widgetOf(t, f, amazonpaytest.ButtonWidget)
	w.AccessToken = loginToken(t, f, amazonpay.Buyer{}, "payments:widget payments:autopay_consent")
	w.Recurring, w.Digital = true, true
	view, err := f.OpenWidget(w)
	require.NoError(t, err)
	assert.True(t, view.ByLogin)
	assert.Equal(t, []string{"PaymentPlanNotSet"}, constraintsOf(t, f.Client(), view.BillingAgreementID))
}

func TestWidgetErrors(t *testing.T) {
	open := func(f *amazonpaytest.Fake) amazonpay.BillingAgreementID { return f.OpenBillingAgreement().ID() }
	total := amazonpay.MustPrice("1", amazonpay.CurrencyUSD)
	cases := []struct {
		name, code string
		kind       amazonpaytest.WidgetKind
		change     func(*testing.T, *amazonpaytest.Fake, *amazonpaytest.Widget)
	}{
		{"no seller", "MissingParameter", "AddressBook", func(_ *testing.T, _ *amazonpaytest.Fake, w *amazonpaytest.Widget) { w.SellerID = "" }},
		{"no agreement", "MissingParameter", "Consent", func(*testing.T, *amazonpaytest.Fake, *amazonpaytest.Widget) {}},
		{"unknown widget", "InvalidParameterValue", "Map", func(*testing.T, *amazonpaytest.Fake, *amazonpaytest.Widget) {}},
		{"two ids", "InvalidParameterValue", "Wallet", func(_ *testing.T, _ *amazonpaytest.Fake, w *amazonpaytest.Widget) {
			w.BillingAgreementID, w.OrderReferenceID = "C01-0000001-0000001", "S01-0000001-0000001"
		}},
		{"unknown currency", "InvalidParameterValue", "Wallet", func(_ *testing.T, _ *amazonpaytest.Fake, w *amazonpaytest.Widget) { w.Currency = "XXX" }},
		{"unknown seller", "InvalidSellerId", "Wallet", func(_ *testing.T, _ *amazonpaytest.Fake, w *amazonpaytest.Widget) { w.SellerID = "A1NOBODY" }},
		{"suspended seller", "InvalidAccountStatus", "Wallet", func(_ *testing.T, f *amazonpaytest.Fake, w *amazonpaytest.Widget) {
			f.SetAccountActive(w.SellerID, false)
		}},
		{"live script", "ReleaseEnvironmentMismatch", "Wallet", func(_ *testing.T, _ *amazonpaytest.Fake, w *amazonpaytest.Widget) {
			w.Environment = amazonpay.Production
		}},
		{"live id", "ReleaseEnvironmentMismatch", "Wallet", func(_ *testing.T, _ *amazonpaytest.Fake, w *amazonpaytest.Widget) {
			w.OrderReferenceID = "P01-0000001-0000001"
		}},
		{"no token", "BuyerNotAssociated", "AddressBook", func(_ *testing.T, _ *amazonpaytest.Fake, w *amazonpaytest.Widget) { w.AccessToken = "" }},
		{"made-up token", "BuyerNotAssociated", "AddressBook", func(_ *testing.T, _ *amazonpaytest.Fake, w *amazonpaytest.Widget) { w.AccessToken = "Atza|no" }},
		{"token of little scope", "BuyerNotAssociated", "AddressBook", func(t *testing.T, f *amazonpaytest.Fake, w *amazonpaytest.Widget) {
			w.AccessToken = loginToken(t, f, amazonpay.Buyer{}, "profile")
		}},
		{"another buyer", "BuyerNotAssociated", "Wallet", func(t *testing.T, f *amazonpaytest.Fake, w *amazonpaytest.Widget) {
			w.BillingAgreementID = open(f)
			w.AccessToken = loginToken(t, f, amazonpay.Buyer{Email: "other@example.com"}, "payments:widget")
		}},
		{"55 minutes", "BuyerSessionExpired", "AddressBook", func(_ *testing.T, f *amazonpaytest.Fake, _ *amazonpaytest.Widget) { f.Advance(55 * time.Minute) }},
		{"client removed", "BuyerSessionExpired", "AddressBook", func(_ *testing.T, f *amazonpaytest.Fake, _ *amazonpaytest.Widget) {
			f.SignIn(amazonpay.Buyer{}).Revoke(f.LoginClient().ID)
		}},
		{"unknown order", "InvalidOrderReferenceId", "Wallet", func(_ *testing.T, _ *amazonpaytest.Fake, w *amazonpaytest.Widget) {
			w.OrderReferenceID = "S01-0000001-0000001"
		}},
		{"no order's id", "InvalidOrderReferenceId", "Wallet", func(_ *testing.T, _ *amazonpaytest.Fake, w *amazonpaytest.Widget) { w.OrderReferenceID = "'" }},
		{"order's id of an agreement", "InvalidParameterValue", "Wallet", func(_ *testing.T, f *amazonpaytest.Fake, w *amazonpaytest.Widget) {
			w.BillingAgreementID = amazonpay.BillingAgreementID(f.NewOrderReference().ID())
		}},
		{"draft of 3 hours", "StaleOrderReference", "Wallet", func(t *testing.T, f *amazonpaytest.Fake, w *amazonpaytest.Widget) {
			w.BillingAgreementID = f.NewBillingAgreement().ID()
			f.Advance(3 * time.Hour)
			w.AccessToken = loginToken(t, f, amazonpay.Buyer{}, "payments:widget")
		}},
		{"consent of an open agreement", "InvalidBillingAgreementStatus", "Consent", func(_ *testing.T, f *amazonpaytest.Fake, w *amazonpaytest.Widget) {
			w.BillingAgreementID = open(f)
		}},
		{"consent of an order", "InvalidBillingAgreementStatus", "Consent", func(_ *testing.T, f *amazonpaytest.Fake, w *amazonpaytest.Widget) {
			w.OrderReferenceID = f.NewOrderReference().ID()
		}},
		{"address of a closed agreement", "AddressNotModifiable", "AddressBook", func(_ *testing.T, f *amazonpaytest.Fake, w *amazonpaytest.Widget) {
			w.BillingAgreementID = f.OpenBillingAgreement().Cancel().ID()
		}},
		{"address of an open order", "AddressNotModifiable", "AddressBook", func(_ *testing.T, f *amazonpaytest.Fake, w *amazonpaytest.Widget) {
			w.OrderReferenceID = f.OpenOrderReference(total).ID()
		}},
		{"card of an open order", "PaymentMethodNotModifiable", "Wallet", func(_ *testing.T, f *amazonpaytest.Fake, w *amazonpaytest.Widget) {
			w.OrderReferenceID = f.OpenOrderReference(total).ID()
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
			w := widgetOf(t, f, c.kind)
			c.change(t, f, &w)
			_, err := f.OpenWidget(w)
			var problem *amazonpaytest.WidgetError
			require.ErrorAs(t, err, &problem)
			assert.Equal(t, c.code, problem.Code)
			assert.NotEmpty(t, problem.Message)
			_, err = f.UseWidget(w, amazonpaytest.WidgetChoice{Payment: amazonpaytest.GoodCard})
			require.Error(t, err)
			assert.NotContains(t, fmt.Sprintf("%v %+v %#v", w, w, w), "Atza", "the token is not printed")
		})
	}
}

func TestWrongChoices(t *testing.T) {
	f := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	w := widgetOf(t, f, amazonpaytest.WalletWidget)
	w.BillingAgreementID = f.NewBillingAgreement().ID()
	yes := true
	for name, choice := range map[string]amazonpaytest.WidgetChoice{
		"none": {}, "of another widget": {Consent: &yes}, "unknown card": {Payment: "Gold"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := f.UseWidget(w, choice)
			assert.ErrorContains(t, err, "InvalidParameterValue")
		})
	}
	w.ReadOnly = true
	_, err := f.UseWidget(w, amazonpaytest.WidgetChoice{Payment: amazonpaytest.BadCard})
	assert.ErrorContains(t, err, "InvalidParameterValue")
}

// TestReadOnlyWidget picks nothing for the buyer.
func TestReadOnlyWidget(t *testing.T) {
	f := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	w := widgetOf(t, f, amazonpaytest.AddressBookWidget)
	w.ReadOnly, w.Recurring = true, true
	view, err := f.OpenWidget(w)
	require.NoError(t, err)
	assert.Equal(t, -1, view.Address)
	assert.Empty(t, view.Payment)
}

// TestWidgetsOverRestarts restores what a buyer did in the widgets.
func TestWidgetsOverRestarts(t *testing.T) {
	var log bytes.Buffer
	settings := amazonpaytest.Settings{Manual: true}
	f, err := amazonpaytest.Restore(settings, &log)
	require.NoError(t, err)
	w := widgetOf(t, f, amazonpaytest.AddressBookWidget)
	w.Recurring = true
	view, err := f.OpenWidget(w)
	require.NoError(t, err)
	w.BillingAgreementID = view.BillingAgreementID
	moved := f.AddressBook()[1]
	_, err = f.UseWidget(w, amazonpaytest.WidgetChoice{Address: &moved})
	require.NoError(t, err)
	w.Kind = amazonpaytest.WalletWidget
	_, err = f.UseWidget(w, amazonpaytest.WidgetChoice{Payment: amazonpaytest.SlowBank})
	require.NoError(t, err)

	again, err := amazonpaytest.Restore(settings, bytes.NewBuffer(bytes.Clone(log.Bytes())))
	require.NoError(t, err)
	view, err = again.OpenWidget(w)
	require.NoError(t, err, "the token is good, too")
	assert.Equal(t, 1, view.Address)
	assert.Equal(t, amazonpaytest.SlowBank, view.Payment)
}

// TestPasswordsAreForgotten is about a form that looks like Amazon's.
func TestPasswordsAreForgotten(t *testing.T) {
	f := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	page := "/ap/oa?" + url.Values{"client_id": {f.LoginClient().ID}, "scope": {"profile"}, "response_type": {"token"}, "redirect_uri": {"https://shop.example/landing"}}.Encode()
	shown := httptest.NewRecorder()
	f.ServeHTTP(shown, httptest.NewRequest(http.MethodGet, page, nil))
	csrf := regexp.MustCompile(`name="csrf" value="([0-9a-f]+)"`).FindStringSubmatch(shown.Body.String())
	require.NotNil(t, csrf)
	form := url.Values{"csrf": {csrf[1]}, "ap_email": {"buyer@example.com"}, "password": {"mine"}, "decision": {"allow"}}
	r := httptest.NewRequest(http.MethodPost, page, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer := httptest.NewRecorder()
	f.ServeHTTP(answer, r)
	assert.Equal(t, http.StatusFound, answer.Code)
	calls := f.Calls()
	require.Len(t, calls, 2)
	assert.Equal(t, "buyer@example.com", calls[1].Params.Get("ap_email"))
	assert.NotContains(t, calls[1].Params, "password")
}
