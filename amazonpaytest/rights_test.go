package amazonpaytest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// statusOf is the status code that goes with an error code, where a document
// knows it.
func statusOf(code string) int {
	if in(code, "BillingAgreementNotModifiable", "OrderReferenceNotModifiable", "InvalidAuthorizationStatus", "CaptureNotRefundable", "OrderReferenceCountExceeded") {
		return 405
	}
	return 400
}

// inState makes an object in a state: of an agreement, an order reference, an
// authorization or a capture, and returns its id.
var inState = map[string]func(s *shop) string{
	"agreement Draft": func(s *shop) string { return string(s.fake.NewBillingAgreement().Consent().ID()) },
	"agreement Open":  func(s *shop) string { return string(s.subscription(amazonpaytest.Checkout{}).ID()) },
	"agreement Suspended": func(s *shop) string {
		a := s.subscription(amazonpaytest.Checkout{Payment: amazonpaytest.BadCard})
		s.charge(a, "bad", "1").ok()
		return string(a.ID())
	},
	"agreement Canceled": func(s *shop) string { return string(s.subscription(amazonpaytest.Checkout{}).AmazonCancel().ID()) },
	"agreement Closed":   func(s *shop) string { return string(s.subscription(amazonpaytest.Checkout{}).Cancel().ID()) },
	"order Draft": func(s *shop) string {
		id := string(s.fake.NewOrderReference().ID())
		s.do("SetOrderReferenceDetails", "AmazonOrderReferenceId", id, "OrderReferenceAttributes.OrderTotal.Amount", "100", "OrderReferenceAttributes.OrderTotal.CurrencyCode", "USD").ok()
		return id
	},
	"order Open": func(s *shop) string { return string(s.purchase(amazonpaytest.Checkout{}, "100", "USD").ID()) },
	"order Suspended": func(s *shop) string {
		o := s.purchase(amazonpaytest.Checkout{Payment: amazonpaytest.BadCard}, "100", "USD")
		s.authorize(o.ID(), "bad", "1").ok()
		return string(o.ID())
	},
	"order Canceled": func(s *shop) string {
		return string(s.purchase(amazonpaytest.Checkout{}, "100", "USD").AmazonCancel().ID())
	},
	"order Closed": func(s *shop) string {
		return string(s.purchase(amazonpaytest.Checkout{}, "100", "USD").AmazonClose().ID())
	},
	"authorization Pending":  authorization1("TransactionTimeout", "60"),
	"authorization Open":     authorization1(),
	"authorization Declined": authorization1("SellerAuthorizationNote", simulations["timedout"].note),
	"authorization Closed":   authorization1("SellerAuthorizationNote", simulations["closed"].note),
	"capture Pending":        capture1("pending"),
	"capture Completed":      capture1(""),
	"capture Declined":       capture1("rejected"),
	"capture Closed":         capture1("closed"),
}

func authorization1(more ...string) func(s *shop) string {
	return func(s *shop) string {
		o := s.purchase(amazonpaytest.Checkout{}, "100", "USD")
		return s.authorize(o.ID(), "first", "10", more...).ok().get("AmazonAuthorizationId")
	}
}

func capture1(simulation string) func(s *shop) string {
	return func(s *shop) string {
		return s.capture(authorization1()(s), "taken", "10", "SellerCaptureNote", simulations[simulation].note).ok().get("AmazonCaptureId")
	}
}

// Who may do what in which state. The codes come in the order of the states;
// "" is a success.
func TestRights(t *testing.T) {
	type row struct {
		action string
		codes  []string
	}
	const agreementStatus, orderStatus, authorizationStatus = "InvalidBillingAgreementStatus", "InvalidOrderReferenceStatus", "InvalidAuthorizationStatus"
	const fixed, fixedOrder = "BillingAgreementNotModifiable", "OrderReferenceNotModifiable"
	tables := []struct {
		kind   string
		states []string
		rows   []row
	}{
		{"agreement", []string{"Draft", "Open", "Suspended", "Canceled", "Closed"}, []row{
			{"GetBillingAgreementDetails", []string{"", "", "", "", ""}},
			{"SetBillingAgreementDetails", []string{"", fixed, fixed, fixed, fixed}},
			{"ConfirmBillingAgreement", []string{"", "", "PaymentMethodNotUpdated", agreementStatus, agreementStatus}},
			{"ValidateBillingAgreement", []string{agreementStatus, "", "", agreementStatus, agreementStatus}},
			{"AuthorizeOnBillingAgreement", []string{agreementStatus, "", agreementStatus, agreementStatus, agreementStatus}},
			{"CreateOrderReferenceForId", []string{"", "", agreementStatus, agreementStatus, agreementStatus}},
			{"CloseBillingAgreement", []string{"InvalidCloseAttempt", "", "", "InvalidCloseAttempt", "InvalidCloseAttempt"}},
		}},
		{"order", []string{"Draft", "Open", "Suspended", "Canceled", "Closed"}, []row{
			{"GetOrderReferenceDetails", []string{"", "", "", "", ""}},
			{"SetOrderReferenceDetails", []string{"", fixedOrder, fixedOrder, fixedOrder, fixedOrder}},
			{"SetOrderAttributes", []string{"", "", "", fixedOrder, fixedOrder}},
			{"ConfirmOrderReference", []string{"", "", "PaymentMethodNotUpdated", orderStatus, orderStatus}},
			{"Authorize", []string{orderStatus, "", orderStatus, orderStatus, orderStatus}},
			{"CancelOrderReference", []string{orderStatus, "", "", orderStatus, orderStatus}},
			{"CloseOrderReference", []string{"InvalidCloseAttempt", "", "", "InvalidCloseAttempt", "InvalidCloseAttempt"}},
		}},
		{"authorization", []string{"Pending", "Open", "Declined", "Closed"}, []row{
			{"GetAuthorizationDetails", []string{"", "", "", ""}},
			{"Capture", []string{authorizationStatus, "", authorizationStatus, authorizationStatus}},
			{"CloseAuthorization", []string{"", "", authorizationStatus, authorizationStatus}},
		}},
		{"capture", []string{"Pending", "Completed", "Declined", "Closed"}, []row{
			{"GetCaptureDetails", []string{"", "", "", ""}},
			{"Refund", []string{"CaptureNotRefundable", "", "CaptureNotRefundable", "CaptureNotRefundable"}},
		}},
	}
	for _, table := range tables {
		for _, r := range table.rows {
			for i, state := range table.states {
				t.Run(fmt.Sprintf("%s of %s %s", r.action, state, table.kind), func(t *testing.T) {
					s := newShop(t, amazonpaytest.Settings{})
					id := inState[table.kind+" "+state](s)
					before := s.told(table.kind, id)
					require.Equal(t, state, before)
					got := s.do(r.action, subject(r.action, id)...)
					if r.codes[i] == "" {
						got.ok()
						return
					}
					got.refused(statusOf(r.codes[i]), r.codes[i])
					require.Equal(t, before, s.told(table.kind, id), "a refusal changes nothing")
					require.Empty(t, s.fake.Ledger())
				})
			}
		}
	}
}

// told is the state that the API tells.
func (s *shop) told(kind, id string) string {
	get := map[string][3]string{
		"agreement":     {"GetBillingAgreementDetails", "AmazonBillingAgreementId", "BillingAgreementStatus/State"},
		"order":         {"GetOrderReferenceDetails", "AmazonOrderReferenceId", "OrderReferenceStatus/State"},
		"authorization": {"GetAuthorizationDetails", "AmazonAuthorizationId", "AuthorizationStatus/State"},
		"capture":       {"GetCaptureDetails", "AmazonCaptureId", "CaptureStatus/State"},
	}[kind]
	return s.do(get[0], get[1], id).ok().get(get[2])
}

// subject are the least parameters of an action on an object.
func subject(action, id string) []string {
	price := func(name string) []string { return []string{name + ".Amount", "1", name + ".CurrencyCode", "USD"} }
	key := "AmazonOrderReferenceId"
	switch {
	case strings.Contains(action, "BillingAgreement"):
		key = "AmazonBillingAgreementId"
	case action == "CreateOrderReferenceForId":
		return []string{"Id", id, "IdType", "BillingAgreement"}
	case in(action, "Capture", "CloseAuthorization", "GetAuthorizationDetails"):
		key = "AmazonAuthorizationId"
	case in(action, "Refund", "GetCaptureDetails"):
		key = "AmazonCaptureId"
	}
	params := []string{key, id}
	switch action {
	case "SetBillingAgreementDetails":
		params = append(params, "BillingAgreementAttributes.SellerNote", "note")
	case "SetOrderReferenceDetails":
		params = append(params, price("OrderReferenceAttributes.OrderTotal")...)
	case "SetOrderAttributes":
		params = append(params, "OrderAttributes.SellerOrderAttributes.StoreName", "store")
	case "Authorize", "AuthorizeOnBillingAgreement":
		params = append(append(params, price("AuthorizationAmount")...), "AuthorizationReferenceId", "mine", "TransactionTimeout", "0")
	case "Capture":
		params = append(append(params, price("CaptureAmount")...), "CaptureReferenceId", "mine")
	case "Refund":
		params = append(append(params, price("RefundAmount")...), "RefundReferenceId", "mine")
	}
	return params
}

// Every simulation in every note: it works where Amazon lists it and is refused
// elsewhere; in production it is text.
func TestSimulationsEverywhere(t *testing.T) {
	notes := []struct{ action, note, object string }{
		{"SetBillingAgreementDetails", "BillingAgreementAttributes.SellerNote", "agreement Draft"},
		{"CloseBillingAgreement", "ClosureReason", "agreement Open"},
		{"AuthorizeOnBillingAgreement", "SellerAuthorizationNote", "agreement Open"},
		{"SetOrderReferenceDetails", "OrderReferenceAttributes.SellerNote", "order Draft"},
		{"CancelOrderReference", "CancelationReason", "order Open"},
		{"CloseOrderReference", "ClosureReason", "order Open"},
		{"Authorize", "SellerAuthorizationNote", "order Open"},
		{"CloseAuthorization", "ClosureReason", "authorization Open"},
		{"Capture", "SellerCaptureNote", "authorization Open"},
		{"Refund", "SellerRefundNote", "capture Completed"},
	}
	for _, n := range notes {
		for name, simulation := range simulations {
			t.Run(n.action+" "+name, func(t *testing.T) {
				s := newShop(t, amazonpaytest.Settings{})
				id := inState[n.object](s)
				kind, before, _ := strings.Cut(n.object, " ")
				got := s.do(n.action, append(subject(n.action, id), n.note, simulation.note)...)
				if !listed(name, n.action) {
					got.refused(400, "InvalidSandboxSimulationSpecified")
					require.Equal(t, before, s.told(kind, id), "a refusal changes nothing")
					return
				}
				got.ok()
				state, reason, _ := strings.Cut(simulation.end, "/")
				switch {
				case name == "constraint":
					got.has("ConstraintID", "PaymentMethodNotAllowed")
				case name == "expired":
					s.fake.Advance(time.Minute)
					s.do("GetAuthorizationDetails", "AmazonAuthorizationId", got.get("AmazonAuthorizationId")).ok().has("AuthorizationStatus/State", "Closed", "ReasonCode", "ExpiredUnused")
				case n.action == "CloseOrderReference":
					s.do("GetOrderReferenceDetails", "AmazonOrderReferenceId", id).ok().has("OrderReferenceStatus/State", state, "ReasonCode", reason)
				case n.action == "Capture":
					got.has("CaptureStatus/State", state, "ReasonCode", reason)
				case n.action == "Refund":
					s.fake.Advance(time.Hour)
					s.do("GetRefundDetails", "AmazonRefundId", got.has("RefundStatus/State", "Pending").get("AmazonRefundId")).ok().has("RefundStatus/State", state, "ReasonCode", reason)
				default:
					got.has("AuthorizationStatus/State", state, "ReasonCode", reason)
				}
			})
			t.Run(n.action+" "+name+" in production", func(t *testing.T) {
				s := newShop(t, amazonpaytest.Settings{Environment: amazonpay.Production})
				id := inState[n.object](s)
				s.do(n.action, append(subject(n.action, id), n.note, simulation.note)...).ok()
				s.fake.Advance(2 * time.Hour)
				require.NotContains(t, []string{"Suspended", "Declined"}, s.told(kindOf(n.object), id))
			})
		}
	}
}

func kindOf(object string) string { kind, _, _ := strings.Cut(object, " "); return kind }

// The names around the answers: the namespace of the API's schema, and that of
// the gateway for its own errors, where also the request id is spelled another
// way.
func TestNamespaces(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{})
	const schema, gateway = `xmlns="http://mws.amazonservices.com/schema/OffAmazonPayments/2013-01-01"`, `xmlns="http://mws.amazonservices.com/doc/2009-01-01/"`
	for name, tt := range map[string]struct {
		result    result
		namespace string
		id        string
	}{
		"an answer":           {s.do("GetServiceStatus"), schema, "./ResponseMetadata/RequestId"},
		"a refusal":           {s.do("GetOrderReferenceDetails", "AmazonOrderReferenceId", "S01-0"), schema, "./RequestId"},
		"a gateway's refusal": {s.do("GetServiceStatus", "SellerId", "NOBODY"), gateway, "./RequestID"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, tt.result.raw, tt.namespace)
			require.True(t, tt.result.paths[tt.id], tt.result.raw)
		})
	}
}

// Amazon does not close what was never confirmed: a draft is canceled, or goes
// stale.
func TestAmazonDoesNotCloseDrafts(t *testing.T) {
	fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	agreement, order := fake.NewBillingAgreement().AmazonClose(), fake.NewOrderReference().AmazonClose()
	stateOf(t, agreement, "Draft", "")
	stateOf(t, order, "Draft", "")
	stateOf(t, agreement.AmazonCancel(), "Canceled", "AmazonCanceled")
	stateOf(t, order.AmazonCancel(), "Canceled", "AmazonCanceled")
}

// A simulation that is not spelled as Amazon prints it is none: it would do
// nothing there, or be refused.
func TestSimulationsMisspelled(t *testing.T) {
	for _, note := range []string{
		`{"SandboxSimulation": {"state":"Declined","reasoncode":"AmazonRejected"}}`,
		`{"SandboxSimulation": {"State":"Declined","ReasonCode":"AmazonRejected"}}}`,
		`{"SandboxSimulation": {"State":"Declined","ReasonCode":"AmazonRejected"}}]]]]`,
		`{"SandboxSimulation": {"State":"Declined","ReasonCode":"AmazonRejected"}} or so`,
		`{"SandboxSimulation": {"State":"Open","State":"Declined","ReasonCode":"AmazonRejected"}}`,
		`{"SandboxSimulation": {"State":"Declined","ReasonCode":"AmazonRejected","Constraint":""}}`,
		`{"SandboxSimulation": {"State":["Declined"],"ReasonCode":"AmazonRejected"}}`,
		`{"SandboxSimulation": {"State":"Declined","ReasonCode":"AmazonRejected"}, "State":"Declined"}`,
		`{"SandboxSimulation": {"State":"Declined","ReasonCode":"InvalidPaymentMethod","PaymentMethodUpdateTimeInMins":"5"}}`,
		`{"SandboxSimulation": null}`,
		`{"State":{"SandboxSimulation":"Declined"}}`,
		`"SandboxSimulation"`,
	} {
		t.Run(note, func(t *testing.T) {
			s := newShop(t, amazonpaytest.Settings{})
			s.charge(s.subscription(amazonpaytest.Checkout{}), "x", "10", "SellerAuthorizationNote", note).refused(400, "InvalidSandboxSimulationSpecified")
		})
	}
}

// A signature is one text, not all that decode to it.
func TestSignatureSpelledAnotherWay(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{})
	for name, change := range map[string]func(string) string{
		"a line break inside":    func(right string) string { return right[:10] + "\n" + right[10:] },
		"a line break after":     func(right string) string { return right + "\r\n" },
		"no padding":             func(right string) string { return strings.TrimRight(right, "=") },
		"bits that are not read": func(right string) string { return right[:len(right)-2] + string(right[len(right)-2]+1) + "=" },
	} {
		t.Run(name, func(t *testing.T) {
			form := s.form("GetMerchantAccountStatus")
			req, err := http.NewRequest(http.MethodPost, s.url, nil)
			require.NoError(t, err)
			right := sign(s.secret, req.URL.Host, req.URL.Path, form)
			form["Signature"] = change(right)
			s.read(s.post(req, query(form))).refused(403, "SignatureDoesNotMatch")
		})
	}
}
