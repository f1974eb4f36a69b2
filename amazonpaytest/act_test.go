package amazonpaytest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// stage is a fake that is told what to do in JSON, as a control API would.
type stage struct {
	*shop
}

func newStage(t testing.TB, settings amazonpaytest.Settings) *stage {
	return &stage{newShop(t, settings)}
}

func (s *stage) read(text string) amazonpaytest.Act {
	s.t.Helper()
	var a amazonpaytest.Act
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	require.NoError(s.t, d.Decode(&a), text)
	return a
}

// act does it; %s in the text is the first id, and so on.
func (s *stage) act(text string, ids ...any) amazonpaytest.Outcome {
	s.t.Helper()
	outcome, err := s.fake.Act(s.read(fmt.Sprintf(text, ids...)))
	require.NoError(s.t, err, text)
	require.Equal(s.t, s.fake.Now(), outcome.Now)
	return outcome
}

func (s *stage) refuses(want, text string, ids ...any) {
	s.t.Helper()
	before := books(s.t, s.fake)
	_, err := s.fake.Act(s.read(fmt.Sprintf(text, ids...)))
	require.ErrorContains(s.t, err, want)
	require.Equal(s.t, before, books(s.t, s.fake), "a refused act has changed something")
}

// captured is a capture of 50.00 dollars that has taken the money.
func (s *stage) captured(reference string) string {
	s.t.Helper()
	order := s.purchase(amazonpaytest.Checkout{}, "50", "USD")
	auth := s.authorize(order.ID(), reference+"a", "50").ok().get("AmazonAuthorizationId")
	return s.capture(auth, reference, "50").ok().get("AmazonCaptureId")
}

// pendingCapture is one that waits, because it came late.
func (s *stage) pendingCapture(reference string) string {
	s.t.Helper()
	order := s.purchase(amazonpaytest.Checkout{}, "50", "USD")
	auth := s.authorize(order.ID(), reference+"a", "50").ok().get("AmazonAuthorizationId")
	return s.capture(auth, reference, "50", "SellerCaptureNote", `{"SandboxSimulation": {"State":"Pending"}}`).ok().has("CaptureStatus/State", "Pending").get("AmazonCaptureId")
}

// pending is an authorization that waits for its decision, on an agreement.
func (s *stage) pending(more ...string) (agreement *amazonpaytest.BillingAgreement, id string) {
	s.t.Helper()
	agreement = s.subscription(amazonpaytest.Checkout{Payment: amazonpaytest.SilentBank})
	id = s.charge(agreement, fmt.Sprint("p", len(s.fake.Calls())), "50", append([]string{"TransactionTimeout", "1440"}, more...)...).ok().
		has("AuthorizationStatus/State", "Pending").get("AmazonAuthorizationId")
	return agreement, id
}

// The table says what each act needs and takes, and it is true: every field of
// Act belongs to an act, every act can be done, and lacks what it needs.
func TestActs(t *testing.T) {
	acts := amazonpaytest.Acts()
	names := map[string]bool{}
	fields := map[string]bool{}
	for _, info := range acts {
		require.False(t, names[info.Do], info.Do)
		names[info.Do] = true
		require.True(t, strings.HasSuffix(info.Doc, "."), info.Doc)
		for _, field := range slices.Concat(info.Needs, info.Takes) {
			fields[field] = true
		}
		s := newStage(t, amazonpaytest.Settings{})
		if len(info.Needs) > 0 {
			s.refuses(info.Do+": "+info.Needs[0]+" is missing", `{"do":%q}`, info.Do)
		}
		if !slices.Contains(info.Takes, "client") && !slices.Contains(info.Needs, "client") {
			full := map[string]any{"do": info.Do, "client": "x"}
			for _, field := range info.Needs {
				full[field] = anything[field]
			}
			text, err := json.Marshal(full)
			require.NoError(t, err)
			s.refuses(info.Do+": client does not belong to it", "%s", text)
		}
	}
	text, err := json.Marshal(fullAct)
	require.NoError(t, err)
	var all map[string]any
	require.NoError(t, json.Unmarshal(text, &all))
	delete(all, "do")
	for field := range all {
		require.True(t, fields[field], "no act takes %s", field)
	}
	require.Len(t, fields, len(all), "an act takes what Act has not")

	acts[0].Do, acts[0].Takes[0] = "changed", "changed"
	require.NotEqual(t, acts[0].Do, amazonpaytest.Acts()[0].Do)
	require.NotEqual(t, acts[0].Takes[0], amazonpaytest.Acts()[0].Takes[0])
}

// anything has a value for each field that an act needs.
var anything = map[string]any{"id": "x", "address": map[string]any{}, "amount": "1.00 USD", "status": "GREEN", "reason": "AmazonRejected",
	"duration": "1h", "to": "2026-02-01T00:00:00Z", "kind": "Slow", "seller": "x", "message": map[string]any{}, "url": "/ap/oa", "client": "x"}

// fullAct has every field.
var fullAct = amazonpaytest.Act{Do: "x", ID: "x", SellerID: "x", Buyer: &amazonpay.Buyer{}, Address: &amazonpay.Address{}, Payment: "x", Currency: "x",
	Digital: true, AddressMissing: true, PaymentMissing: true, BuyerIsSeller: true, Amount: amazonpay.MustPrice("1", "USD"), Reason: "x", Soft: true,
	Status: "x", Text: "x", Active: true, Duration: "x", To: time.Unix(1, 0), Action: "x", Kind: "x", Times: 1, Duplicates: 1, Reversed: true,
	DuplicateRate: 1, ReorderRate: 1, LossRate: 1, Probability: 1, Quota: 1, Signature: "x", Message: &amazonpaytest.Message{}, Number: 1,
	Options: map[string]string{"x": "x"}, URL: "x", Allow: true, Client: "x"}

func TestActRefuses(t *testing.T) {
	s := newStage(t, amazonpaytest.Settings{})
	draft, closed := s.fake.NewBillingAgreement().ID(), s.fake.OpenBillingAgreement().AmazonClose().ID()
	order := s.fake.OpenOrderReference(amazonpay.MustPrice("20", "USD")).ID()
	captured := s.captured("c1")
	waiting := s.pendingCapture("c2")
	_, pending := s.pending()
	back := s.refund(captured, "b1", "5").ok().get("AmazonRefundId")
	for _, c := range []struct{ name, want, act string }{
		{"no name", `do: no act ""; there are NewBillingAgreement, `, `{}`},
		{"unknown name", `do: no act "Consents"; there are`, `{"do":"Consents"}`},
		{"unknown seller", `NewBillingAgreement: seller is "X"; there are ["` + testSeller + `"]`, `{"do":"NewBillingAgreement","seller":"X"}`},
		{"unknown payment", `NewOrderReference: payment is "Cash"; there are [GoodCard BadCard`, `{"do":"NewOrderReference","payment":"Cash"}`},
		{"unknown currency", `NewOrderReference: currency is "XXX"; there are ["AUD"`, `{"do":"NewOrderReference","currency":"XXX"}`},
		{"open without payment", "OpenBillingAgreement: do makes what cannot be confirmed: it has the constraints [PaymentPlanNotSet]", `{"do":"OpenBillingAgreement","paymentMissing":true}`},
		{"open for a bad seller", "seller is", `{"do":"OpenBillingAgreement","seller":"X"}`},
		{"open order for a bad seller", "seller is", `{"do":"OpenOrderReference","amount":"1.00 USD","seller":"X"}`},
		{"open order of yourself", "constraints [BuyerEqualsSeller]", `{"do":"OpenOrderReference","amount":"1.00 USD","buyerIsSeller":true}`},
		{"open order in another currency", "constraints [CurrencyMismatch]", `{"do":"OpenOrderReference","amount":"1.00 USD","currency":"EUR"}`},
		{"total of nothing", "OpenOrderReference: amount is 0.00 USD", `{"do":"OpenOrderReference","amount":"0.00 USD"}`},
		{"total too high", "OpenOrderReference: amount is 150000.01 USD", `{"do":"OpenOrderReference","amount":"150000.01 USD"}`},
		{"total in another currency", "OpenOrderReference: amount is 1.00 EUR", `{"do":"OpenOrderReference","amount":"1.00 EUR"}`},
		{"consent of nobody", `Consent: id is "C01"; there is no such billing agreement`, `{"do":"Consent","id":"C01"}`},
		{"consent of an order", "there is no such billing agreement", `{"do":"Consent","id":"` + string(order) + `"}`},
		{"consent too late", "Consent: id names what is Closed; the act needs one of [Draft Open Suspended]", `{"do":"Consent","id":"` + string(closed) + `"}`},
		{"choice of nobody", "there is no such billing agreement or order reference", `{"do":"ChoosePaymentMethod","id":"x"}`},
		{"choice of nothing known", `payment is "Cash"`, `{"do":"ChoosePaymentMethod","id":"` + string(draft) + `","payment":"Cash"}`},
		{"update of nothing known", `payment is "Cash"`, `{"do":"UpdatePaymentMethod","id":"` + string(order) + `","payment":"Cash"}`},
		{"address of nobody", `id is "x"`, `{"do":"ChangeAddress","id":"x","address":{}}`},
		{"closed twice", "names what is Closed", `{"do":"AmazonClose","id":"` + string(closed) + `"}`},
		{"cancel nobody", `id is "x"`, `{"do":"AmazonCancel","id":"x"}`},
		{"authenticate anyhow", `status is "OK"; there are [Success Failure Abandoned]`, `{"do":"Authenticate","id":"` + string(order) + `","status":"OK"}`},
		{"authenticate nobody", `id is "x"`, `{"do":"Authenticate","id":"x","status":"Success"}`},
		{"authenticate who is through", "names what awaits no buyer", `{"do":"Authenticate","id":"` + string(order) + `","status":"Success"}`},
		{"approve nothing", `there is no such authorization`, `{"do":"ApproveAuthorization","id":"x"}`},
		{"decline nothing", `there is no such authorization`, `{"do":"DeclineAuthorization","id":"x","reason":"AmazonRejected"}`},
		{"decline for fun", `reason is "Fun"; there are [InvalidPaymentMethod AmazonRejected`, `{"do":"DeclineAuthorization","id":"` + pending + `","reason":"Fun"}`},
		{"soft rejection", "soft goes with the reason InvalidPaymentMethod only", `{"do":"DeclineAuthorization","id":"` + pending + `","reason":"AmazonRejected","soft":true}`},
		{"complete no capture", "there is no such capture", `{"do":"CompleteCapture","id":"x"}`},
		{"complete a capture twice", "names what is Completed; the act needs one of [Pending]", `{"do":"CompleteCapture","id":"` + captured + `"}`},
		{"decline a capture for fun", `reason is "InvalidPaymentMethod"; there are [AmazonRejected ProcessingFailure]`, `{"do":"DeclineCapture","id":"` + waiting + `","reason":"InvalidPaymentMethod"}`},
		{"complete no refund", "there is no such refund", `{"do":"CompleteRefund","id":"x"}`},
		{"decline a refund for fun", `reason is "Fun"`, `{"do":"DeclineRefund","id":"` + back + `","reason":"Fun"}`},
		{"chargeback of nothing", "there is no such capture", `{"do":"Chargeback","id":"x"}`},
		{"chargeback of too much", "amount is 50.01 USD; it is above zero and at most the 50.00 USD of the capture", `{"do":"Chargeback","id":"` + captured + `","amount":"50.01 USD"}`},
		{"chargeback in another currency", "amount is 5.00 EUR", `{"do":"Chargeback","id":"` + captured + `","amount":"5.00 EUR"}`},
		{"chargeback too early", "names what is Pending; the act needs one of [Completed]", `{"do":"Chargeback","id":"` + waiting + `"}`},
		{"lose nothing", "there is no such chargeback", `{"do":"LoseChargeback","id":"CB1"}`},
		{"claim too early", "names what is Pending", `{"do":"GrantClaim","id":"` + waiting + `"}`},
		{"claim of nothing", "there is no such capture", `{"do":"GrantClaim","id":"x"}`},
		{"advance by a month", `Advance: duration is "P1M"; it is a text like "720h"`, `{"do":"Advance","duration":"P1M"}`},
		{"advance by nothing", `Advance: duration is "P"`, `{"do":"Advance","duration":"P"}`},
		{"advance by no time", `Advance: duration is "P1DT"`, `{"do":"Advance","duration":"P1DT"}`},
		{"advance too far", `Advance: duration is "P99999999D"`, `{"do":"Advance","duration":"P99999999D"}`},
		{"advance back", "duration is negative", `{"do":"Advance","duration":"-1h"}`},
		{"advance for two centuries", "duration is too far ahead: at most 20 years", `{"do":"Advance","duration":"2000000h"}`},
		{"advance to the end of time", "to is too far ahead: at most 20 years, and not beyond 2179", `{"do":"AdvanceTo","to":"9999-12-31T23:59:58Z"}`},
		{"inject nonsense", `kind is "Flood"; there are [RequestLost`, `{"do":"Inject","kind":"Flood"}`},
		{"inject into nothing", `action is "Pay"`, `{"do":"Inject","kind":"Slow","action":"Pay"}`},
		{"inject late", `duration is "soon"`, `{"do":"Inject","kind":"Slow","duration":"soon"}`},
		{"inject for days", "duration is 99999h0m0s; it is at most 1h0m0s", `{"do":"Inject","kind":"Slow","duration":"99999h"}`},
		{"inject no skew", "duration is zero", `{"do":"Inject","kind":"ClockSkew"}`},
		{"inject too likely", "probability is 1.5; it is between 0 and 1", `{"do":"Inject","kind":"Slow","probability":1.5}`},
		{"negative quota", "quota is -1", `{"do":"SetQuota","quota":-1}`},
		{"unknown color", `status is "BLUE"; there are [GREEN`, `{"do":"SetServiceStatus","status":"BLUE"}`},
		{"unknown account", `seller is "X"`, `{"do":"SetAccountActive","seller":"X"}`},
		{"negative delay", "duration is negative", `{"do":"SetDelivery","duration":"-1s"}`},
		{"no delay", `duration is "x"`, `{"do":"SetDelivery","duration":"x"}`},
		{"negative duplicates", "duplicates is negative", `{"do":"SetDelivery","duplicates":-1}`},
		{"unknown signature", `signature is "3"; there are "1" and "2"`, `{"do":"SetDelivery","signature":"3"}`},
		{"impossible loss", "lossRate is 1.5; it is between 0 and 1", `{"do":"SetDelivery","lossRate":1.5}`},
		{"no sample", `message has the NotificationType "X"`, `{"do":"Send","message":{"NotificationType":"X","Sample":true}}`},
		{"draft of nothing", "there is no such object to notify of", `{"do":"SendDraft","id":"x"}`},
		{"resend nothing", "number is 7; there is no such notification", `{"do":"Resend","number":7}`},
		{"consent page of nobody", "no buyer with that user_id has signed in", `{"do":"AuthorizeLogin","id":"x","url":"/ap/oa"}`},
		{"revoke nobody", "no buyer with that user_id", `{"do":"RevokeLogin","id":"x","client":"y"}`},
		{"token of nobody", "there is no such billing agreement or order reference", `{"do":"AccessToken","id":"x"}`},
	} {
		t.Run(c.name, func(t *testing.T) { s.refuses(c.want, "%s", c.act) })
	}
	t.Run("no buyer comes to be", func(t *testing.T) {
		s.refuses("PaymentPlanNotSet", `{"do":"OpenBillingAgreement","paymentMissing":true,"buyer":{"Name":"Nobody","Email":"once@example.com"}}`)
		require.NotEqual(t, "Nobody", s.fake.SignIn(amazonpay.Buyer{Email: "once@example.com"}).Buyer().Name)
	})
	t.Run("a number that JSON has no word for", func(t *testing.T) {
		_, err := s.fake.Act(amazonpaytest.Act{Do: "Heal", To: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)})
		require.ErrorContains(t, err, "cannot be written as JSON")
	})
}

func TestActDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{"720h": 720 * time.Hour, "1h30m": 90 * time.Minute, "P30D": 720 * time.Hour, "PT90M": 90 * time.Minute,
		"P1DT2H3M4S": 26*time.Hour + 3*time.Minute + 4*time.Second, "P2W": 14 * 24 * time.Hour, "PT0S": 0} {
		t.Run(text, func(t *testing.T) {
			s := newStage(t, amazonpaytest.Settings{})
			before := s.fake.Now()
			s.act(`{"do":"Advance","duration":%q}`, text)
			require.Equal(t, want, s.fake.Now().Sub(before))
		})
	}
}

// The whole life of an agreement by name.
func TestActsOfBuyer(t *testing.T) {
	s := newStage(t, amazonpaytest.Settings{})
	made := s.act(`{"do":"NewBillingAgreement","payment":"BadCard","address":{"City":"Chicago"},"buyer":{"Email":"a@example.com"}}`)
	require.Equal(t, amazonpay.StateDraft, made.State)
	id := made.ID
	s.act(`{"do":"Consent","id":%q}`, id)
	s.act(`{"do":"WithdrawConsent","id":%q}`, id)
	s.do("ConfirmBillingAgreement", "AmazonBillingAgreementId", id).refused(400, "BillingAgreementConstraintsExist")
	s.act(`{"do":"Consent","id":%q}`, id)
	s.act(`{"do":"DeletePaymentMethod","id":%q}`, id)
	s.do("GetBillingAgreementDetails", "AmazonBillingAgreementId", id).ok().has("ConstraintID", "PaymentPlanNotSet", "City", "Chicago")
	s.act(`{"do":"ChoosePaymentMethod","id":%q}`, id)
	s.act(`{"do":"ChangeAddress","id":%q,"address":{"City":"Boston"}}`, id)
	s.do("ConfirmBillingAgreement", "AmazonBillingAgreementId", id).ok()
	s.do("GetBillingAgreementDetails", "AmazonBillingAgreementId", id).ok().has("City", "Boston", "Email", "a@example.com")
	s.act(`{"do":"WithdrawConsent","id":%q}`, id) // the widget is gone
	require.Equal(t, amazonpay.StateSuspended, s.act(`{"do":"DeletePaymentMethod","id":%q}`, id).State)
	require.Equal(t, amazonpay.StateOpen, s.act(`{"do":"UpdatePaymentMethod","id":%q,"payment":"GoodCard"}`, id).State)
	require.Equal(t, amazonpay.ReasonBuyerClosed, s.act(`{"do":"Cancel","id":%q}`, id).Reason)

	opened := s.act(`{"do":"OpenBillingAgreement"}`)
	require.Equal(t, amazonpay.StateOpen, opened.State)
	require.Equal(t, amazonpay.StateCanceled, s.act(`{"do":"AmazonCancel","id":%q}`, opened.ID).State)

	order := s.act(`{"do":"NewOrderReference"}`).ID
	s.act(`{"do":"ChoosePaymentMethod","id":%q,"payment":"BadCard"}`, order)
	s.act(`{"do":"UpdatePaymentMethod","id":%q,"payment":"GoodCard"}`, order)
	s.act(`{"do":"ChangeAddress","id":%q,"address":{"City":"Boston"}}`, order)
	s.do("GetOrderReferenceDetails", "AmazonOrderReferenceId", order).ok().has("City", "Boston")
	_, err := s.fake.Act(amazonpaytest.Act{Do: "AmazonClose", ID: order})
	require.ErrorContains(t, err, "names what is Draft")
	confirmed := s.act(`{"do":"OpenOrderReference","amount":"20.00 USD"}`).ID
	require.Equal(t, amazonpay.ReasonAmazonClosed, s.act(`{"do":"AmazonClose","id":%q}`, confirmed).Reason)
	second := s.act(`{"do":"OpenOrderReference","amount":"20.00 USD"}`)
	require.Equal(t, amazonpay.StateOpen, second.State)
	auth := s.authorize(amazonpay.OrderReferenceID(second.ID), "a1", "20").ok().get("AmazonAuthorizationId")
	require.Equal(t, amazonpay.ReasonAmazonCanceled, s.act(`{"do":"AmazonCancel","id":%q}`, second.ID).Reason)
	s.do("GetAuthorizationDetails", "AmazonAuthorizationId", auth).ok().has("ReasonCode", "OrderReferenceCanceled")
}

func TestActsOfTheRoad(t *testing.T) {
	s := newStage(t, amazonpaytest.Settings{})
	s.act(`{"do":"Inject","kind":"Throttled","action":"GetServiceStatus","times":2}`)
	require.Equal(t, []amazonpaytest.Fault{{Action: "GetServiceStatus", Kind: amazonpaytest.Throttled, Times: 2}}, s.fake.Faults())
	s.do("GetServiceStatus").refused(503, "RequestThrottled")
	s.act(`{"do":"Heal"}`)
	s.do("GetServiceStatus").ok().has("Status", "GREEN")
	s.act(`{"do":"SetServiceStatus","status":"YELLOW","text":"slow"}`)
	s.do("GetServiceStatus").ok().has("Status", "YELLOW", "Text", "slow")
	s.act(`{"do":"SetAccountActive"}`)
	s.do("GetMerchantAccountStatus").ok().has("AccountStatus", "INACTIVE")
	s.act(`{"do":"SetAccountActive","seller":%q,"active":true}`, testSeller)
	s.do("GetMerchantAccountStatus").ok().has("AccountStatus", "ACTIVE")
	s.act(`{"do":"SetQuota","quota":1}`)
	for range 2 {
		s.do("GetMerchantAccountStatus").ok()
	}
	s.do("GetMerchantAccountStatus").refused(503, "RequestThrottled")
	s.act(`{"do":"SetQuota"}`)
	s.do("GetMerchantAccountStatus").ok()
	s.act(`{"do":"AdvanceTo","to":"2027-01-01T01:00:00+01:00"}`)
	require.Equal(t, time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), s.fake.Now())
}

func TestActsOfNotifications(t *testing.T) {
	s := newStage(t, amazonpaytest.Settings{})
	var bodies []string
	s.fake.Notify(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var b bytes.Buffer
		_, _ = b.ReadFrom(r.Body)
		bodies = append(bodies, b.String())
	}))
	s.act(`{"do":"SetDelivery","duration":"1h","duplicates":1,"signature":"2"}`)
	opened := s.act(`{"do":"OpenBillingAgreement"}`)
	s.act(`{"do":"Deliver"}`)
	require.Empty(t, bodies)
	s.refuses("number names a notification that is still on its way", `{"do":"Resend"}`)
	s.act(`{"do":"Advance","duration":"1h"}`)
	require.Len(t, bodies, 2)
	require.Contains(t, bodies[0], `"SignatureVersion" : "2"`)
	s.act(`{"do":"SetDelivery"}`)
	again := s.act(`{"do":"Resend","number":0}`)
	s.act(`{"do":"Deliver"}`)
	require.Equal(t, s.fake.Notifications()[0].MessageID, again.ID)
	require.Equal(t, bodies[0], bodies[2])
	require.Equal(t, opened.ID, s.act(`{"do":"SendDraft","id":%q}`, opened.ID).ID)
	s.act(`{"do":"Send","message":{"NotificationType":"PaymentCapture","Sample":true}}`)
	s.act(`{"do":"RegisterMerchant","seller":"NEW","options":{"hostingType":"hosted"}}`)
	s.act(`{"do":"Deliver"}`)
	require.Len(t, bodies, 6)
	require.Contains(t, bodies[3], opened.ID)
	require.Contains(t, bodies[4], "EXAMPLE")
	require.Contains(t, bodies[5], "NEW")

	s.act(`{"do":"SetDelivery","lossRate":1}`)
	s.act(`{"do":"Cancel","id":%q}`, opened.ID)
	s.act(`{"do":"Deliver"}`)
	require.Len(t, bodies, 6)
	lost := s.fake.Snapshot().Notifications[4]
	require.True(t, lost.Lost)
	s.act(`{"do":"Resend","number":%d}`, lost.Number) // somebody looks it up
	s.act(`{"do":"Deliver"}`)
	require.Len(t, bodies, 7)
	require.False(t, s.fake.Snapshot().Notifications[4].Lost)
}

func TestActsOfLogin(t *testing.T) {
	s := newStage(t, amazonpaytest.Settings{})
	client := s.fake.LoginClient()
	user := s.act(`{"do":"SignIn","buyer":{"Name":"Susan","Email":"susan@example.com"}}`).ID
	require.Equal(t, s.fake.SignIn(amazonpay.Buyer{Email: "susan@example.com"}).UserID(), user)
	query := url.Values{"client_id": {client.ID}, "redirect_uri": {"https://shop.example/back"}, "response_type": {"token"}, "scope": {"profile"}, "popup": {"true"}}
	address := "/ap/oa?" + query.Encode()
	denied, err := url.Parse(s.act(`{"do":"AuthorizeLogin","id":%q,"url":%q}`, user, address).URL)
	require.NoError(t, err)
	require.Equal(t, "access_denied", denied.Query().Get("error"))
	allowed, err := url.Parse(s.act(`{"do":"AuthorizeLogin","id":%q,"url":%q,"allow":true}`, user, address).URL)
	require.NoError(t, err)
	token := allowed.Query().Get("access_token")
	require.Equal(t, 200, profileStatus(t, s.fake, token))
	s.refuses("the address is not one of the consent page", `{"do":"AuthorizeLogin","id":%q,"url":"/other"}`, user)
	s.refuses("Amazon shows an error page", `{"do":"AuthorizeLogin","id":%q,"url":"/ap/oa"}`, user)
	s.act(`{"do":"RevokeLogin","id":%q,"client":%q}`, user, client.ID)
	require.Equal(t, 400, profileStatus(t, s.fake, token))

	agreement := s.act(`{"do":"NewBillingAgreement"}`).ID
	widgets := s.act(`{"do":"AccessToken","id":%q}`, agreement).Token
	require.Equal(t, s.fake.BillingAgreement(amazonpay.BillingAgreementID(agreement)).AccessToken(), widgets)
	s.do("GetBillingAgreementDetails", "AmazonBillingAgreementId", agreement, "AccessToken", widgets).ok().has("PhysicalDestination/Name", "Susan Example")
	order := s.act(`{"do":"NewOrderReference"}`).ID
	require.NotEmpty(t, s.act(`{"do":"AccessToken","id":%q}`, order).Token)
}

func profileStatus(t *testing.T, fake *amazonpaytest.Fake, token string) int {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, "https://api.amazon.com/user/profile", nil)
	require.NoError(t, err)
	req.Header.Set("X-Amz-Access-Token", token)
	resp, err := fake.RoundTrip(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode
}

// What a control API gets may be anything.
func FuzzAct(f *testing.F) {
	for _, info := range amazonpaytest.Acts() {
		full := map[string]any{"do": info.Do}
		for _, field := range info.Needs {
			full[field] = anything[field]
		}
		text, err := json.Marshal(full)
		require.NoError(f, err)
		f.Add(string(text))
	}
	f.Add(`{"do":"Chargeback","id":"S01-2345667-0000002-C000003","amount":"1.00 USD"}`)
	f.Fuzz(func(t *testing.T, text string) {
		var a amazonpaytest.Act
		if json.Unmarshal([]byte(text), &a) != nil {
			return
		}
		fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
		fake.Notify(http.NotFoundHandler())
		fake.OpenBillingAgreement()
		_, err := fake.Act(a)
		if err == nil {
			return
		}
		require.True(t, strings.HasPrefix(err.Error(), "amazonpaytest: "), err)
		require.Len(t, fake.Snapshot().Agreements, 1)
	})
}
