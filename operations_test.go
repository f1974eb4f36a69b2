package amazonpay_test

import (
	"context"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
)

var updateGoldens = flag.Bool("update", false, "write the request goldens anew")

// exchange stands for Amazon, in memory: it notes what is posted and answers.
type exchange struct {
	answer func(form url.Values) (status int, body string)

	mu   sync.Mutex
	sent []sentRequest
}

type sentRequest struct {
	form url.Values
	body string
	host string // as the Host header says
	path string // as on the request line
}

func (x *exchange) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	host := r.Host
	if host == "" {
		host = r.URL.Host
	}
	x.mu.Lock()
	x.sent = append(x.sent, sentRequest{form, string(body), host, r.URL.EscapedPath()})
	x.mu.Unlock()
	status, answer := x.answer(form)
	return &http.Response{
		StatusCode: status, Request: r, Header: http.Header{"Content-Type": {"text/xml"}},
		ProtoMajor: 1, ProtoMinor: 1,
		Body: io.NopCloser(strings.NewReader(answer)), ContentLength: int64(len(answer)),
	}, nil
}

// actions are those posted so far, in order.
func (x *exchange) actions() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	actions := []string{}
	for _, s := range x.sent {
		actions = append(actions, s.form.Get("Action"))
	}
	return actions
}

// client is one that talks to the exchange and never repeats.
func (x *exchange) client(t testing.TB, edit ...func(*amazonpay.Config)) *amazonpay.Client {
	t.Helper()
	config := amazonpay.Config{
		SellerID: "A2SELLEREXAMPLE", AccessKey: "AKIAIOSFODNN7EXAMPLE", SecretKey: amazonpay.NewSecretKey("secret"),
		Region: amazonpay.RegionEU, Environment: amazonpay.Sandbox,
		HTTPClient: &http.Client{Transport: x}, Backoff: amazonpay.Spacing(), Limiter: amazonpay.NoLimit,
	}
	for _, e := range edit {
		e(&config)
	}
	client, err := amazonpay.New(config)
	require.NoError(t, err)
	return client
}

// inRegion makes a client one of another region.
func inRegion(region amazonpay.Region) func(*amazonpay.Config) {
	return func(c *amazonpay.Config) { c.Region = region }
}

// goldenAnswers answers every action with its response golden.
func goldenAnswers(form url.Values) (int, string) {
	body, err := os.ReadFile(filepath.Join("testdata", form.Get("Action")+".response.xml"))
	if err != nil {
		return http.StatusNotFound, err.Error()
	}
	return http.StatusOK, string(body)
}

// invoke calls the method of the action's name. The result is nil for an error
// and for actions without one.
func invoke(ctx context.Context, c *amazonpay.Client, action string, request any) (result any, err error) {
	args := []reflect.Value{reflect.ValueOf(ctx)}
	if request != nil {
		args = append(args, reflect.ValueOf(request))
	}
	out := reflect.ValueOf(c).MethodByName(action).Call(args)
	if e := out[len(out)-1]; !e.IsNil() {
		err = e.Interface().(error)
	}
	if len(out) == 2 && !out[0].IsNil() {
		result = out[0].Interface()
	}
	return result, err
}

// faultsOf are the faults of an *InvalidError, each as one text.
func faultsOf(t testing.TB, err error) []string {
	t.Helper()
	invalid, ok := errors.AsType[*amazonpay.InvalidError](err)
	require.True(t, ok, "not an *InvalidError: %v", err)
	texts := make([]string, len(invalid.Faults))
	for i, f := range invalid.Faults {
		texts[i] = f.Field + " " + f.Problem
	}
	return texts
}

// assertAction checks which operation an *Error is of.
func assertAction(t testing.TB, action string, err error) {
	t.Helper()
	if e, ok := errors.AsType[*amazonpay.Error](err); assert.True(t, ok, "not an *Error: %v", err) {
		assert.Equal(t, action, e.Action)
	}
}

func utc(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return t.UTC()
}

// operationCase is one action: a request with every field set, and what its
// response golden says.
type operationCase struct {
	request any      // nil for actions without parameters
	unset   []string // the request's fields that cannot be set with the others
	result  any      // nil for actions without a result
	absent  []string // fields of the result that the action never answers
	joined  int      // values in the response golden that share an element with another
}

const (
	exampleToken = "Atza|IwEBIExampleToken+/=="
	exampleNote  = "Tee & Gebäck, 茶"
)

// operationCases makes them anew each time, so that tests may change them.
func operationCases() map[string]operationCase {
	order := amazonpay.OrderReferenceID("S02-1234567-1234567")
	agreement := amazonpay.BillingAgreementID("C02-1234567-1234567")
	price := func(amount string) amazonpay.Price { return amazonpay.MustPrice(amount, amazonpay.CurrencyEUR) }
	credits := []amazonpay.ProviderCredit{
		{ProviderID: "A3PROVIDERONE", CreditAmount: price("1.00")},
		{ProviderID: "A3PROVIDERTWO", CreditAmount: price("0.05")},
	}
	sellerOrder := amazonpay.SellerOrderAttributes{
		SellerOrderID: "order-2024-0042", StoreName: "Teeladen", CustomInformation: "cohort 7",
		OrderItemCategories: []string{"Antiques", "Apparel"}, SupplementaryData: `{"OrderMetaData":{"numberOfItems":3}}`,
	}
	attributes := amazonpay.OrderReferenceAttributes{
		OrderTotal: price("119.00"), PlatformID: "A3PLATFORMEXAMPLE", SellerNote: exampleNote,
		SellerOrderAttributes: sellerOrder, RequestPaymentAuthorization: true,
	}
	pspAttributes := attributes
	pspAttributes.PaymentServiceProviderAttributes = amazonpay.PaymentServiceProviderAttributes{
		PaymentServiceProviderID: "A3PSPEXAMPLE", PaymentServiceProviderOrderID: "psp-77",
	}
	noPSP := []string{
		"OrderReferenceAttributes.PaymentServiceProviderAttributes.PaymentServiceProviderID",
		"OrderReferenceAttributes.PaymentServiceProviderAttributes.PaymentServiceProviderOrderID",
	}
	pageToken := "eyJxIjoib3JkZXItMjAyNC0wMDQyIn0+/Zm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFy=="
	return map[string]operationCase{
		"GetServiceStatus": {result: &amazonpay.ServiceStatus{
			Status: "GREEN_I", Timestamp: utc("2024-11-03T06:12:43.167Z"), MessageID: "173964729I",
			Messages: []amazonpay.ServiceMessage{{Locale: "en_US", Text: "Delays & retries are possible."}, {Locale: "de_DE", Text: "Verzögerungen möglich."}},
		}},
		"GetMerchantAccountStatus": {result: &amazonpay.MerchantAccountStatus{AccountStatus: "ACTIVE"}},
		"GetMerchantNotificationConfiguration": {joined: 1, result: &amazonpay.MerchantNotificationConfiguration{
			NotificationConfigurationList: []amazonpay.NotificationConfiguration{
				{NotificationURL: "https://shop.example/ipn?a=1&b=2", EventTypes: []amazonpay.EventType{amazonpay.EventTypeOrderReference, amazonpay.EventTypePaymentAuthorize}},
				{NotificationURL: "https://shop.example/rest", EventTypes: []amazonpay.EventType{amazonpay.EventTypeBillingAgreement, amazonpay.EventTypeChargebackDetailed}},
			},
		}},
		"SetMerchantNotificationConfiguration": {request: amazonpay.SetMerchantNotificationConfigurationRequest{
			NotificationConfigurationList: []amazonpay.NotificationConfiguration{
				{NotificationURL: "https://shop.example/ipn?a=1&b=2", EventTypes: []amazonpay.EventType{amazonpay.EventTypeAll}},
				{NotificationURL: "https://shop.example/rest", EventTypes: []amazonpay.EventType{amazonpay.EventTypeBillingAgreement, amazonpay.EventTypeChargebackDetailed}},
			},
		}},

		"SetOrderReferenceDetails": {
			request: amazonpay.SetOrderReferenceDetailsRequest{AmazonOrderReferenceID: order, OrderReferenceAttributes: attributes}, unset: noPSP,
			result: goldenOrder(1, amazonpay.StateDraft, amazonpay.ReasonInvalidPaymentMethod, "seen in a draft"),
		},
		"SetOrderAttributes": {
			request: amazonpay.SetOrderAttributesRequest{AmazonOrderReferenceID: order, OrderAttributes: pspAttributes},
			result:  goldenOrder(2, amazonpay.StateOpen, amazonpay.ReasonExpired, "seen while open"),
		},
		"GetOrderReferenceDetails": {
			request: amazonpay.GetOrderReferenceDetailsRequest{AmazonOrderReferenceID: order, AccessToken: exampleToken},
			unset:   []string{"AddressConsentToken"}, // excludes AccessToken
			result:  goldenOrder(3, amazonpay.StateSuspended, amazonpay.ReasonInvalidPaymentMethod, "The card has expired."),
		},
		"ConfirmOrderReference": {request: amazonpay.ConfirmOrderReferenceRequest{
			AmazonOrderReferenceID: order, SuccessURL: "https://shop.example/success?order=42", FailureURL: "https://shop.example/failure?order=42",
			AuthorizationAmount: price("120.50"), ExpectImmediateAuthorization: true,
		}},
		"CancelOrderReference": {request: amazonpay.CancelOrderReferenceRequest{AmazonOrderReferenceID: order, CancelationReason: "out of stock"}},
		"CloseOrderReference":  {request: amazonpay.CloseOrderReferenceRequest{AmazonOrderReferenceID: order, ClosureReason: "shipped"}},
		"ListOrderReference": {
			request: amazonpay.ListOrderReferenceRequest{
				QueryID: "order-2024-0042", QueryIDType: "SellerOrderId", PaymentDomain: "EU_GBP",
				CreatedTimeRange: amazonpay.CreatedTimeRange{
					StartTime: utc("2024-11-01T00:00:00.9Z"),
					EndTime:   utc("2024-12-01T00:00:00Z").In(time.FixedZone("", 3600)).Add(-time.Hour),
				},
				SortOrder: "Descending", PageSize: 20,
				OrderReferenceStatusListFilter: []amazonpay.State{amazonpay.StateOpen, amazonpay.StateCanceled},
			},
			result: &amazonpay.OrderReferencePage{NextPageToken: pageToken, OrderReferences: []amazonpay.OrderReference{
				goldenListed("P02-1234567-0000001", amazonpay.StateClosed, amazonpay.ReasonSellerClosed, "shipped"),
				goldenListed("P02-1234567-0000002", amazonpay.StateCanceled, amazonpay.ReasonStale, "three hours"),
			}},
			absent: slices.Concat(notListed("OrderReferences[0]."), notListed("OrderReferences[1].")),
		},
		"ListOrderReferenceByNextToken": {
			request: amazonpay.ListOrderReferenceByNextTokenRequest{NextPageToken: "eyJxIjoib3JkZXIifQ+/=="},
			result: &amazonpay.OrderReferencePage{NextPageToken: reversed(pageToken), OrderReferences: []amazonpay.OrderReference{
				goldenListed("P02-1234567-0000003", amazonpay.StateClosed, amazonpay.ReasonExpired, "180 days"),
			}},
			absent: notListed("OrderReferences[0]."),
		},
		"CreateOrderReferenceForId": {
			request: amazonpay.CreateOrderReferenceForIdRequest{
				ID: agreement, IDType: "BillingAgreement", InheritShippingAddress: new(false), ConfirmNow: true, OrderReferenceAttributes: attributes,
			}, unset: noPSP,
			result: goldenOrder(4, amazonpay.StateClosed, amazonpay.ReasonSellerClosed, "done"),
		},

		"Authorize": {
			request: amazonpay.AuthorizeRequest{
				AmazonOrderReferenceID: order, AuthorizationReferenceID: "invoice-2024-11_1", AuthorizationAmount: price("24.90"),
				SellerAuthorizationNote: "November", TransactionTimeout: new(0), CaptureNow: true, SoftDescriptor: "Teeladen",
				ProviderCreditList: credits, OrderItemCategories: []string{"Antiques", "Apparel"},
			},
			result: goldenAuthorization(1, "invoice-2024-11", amazonpay.StateClosed, amazonpay.ReasonMaxCapturesProcessed, "captured"),
		},
		"GetAuthorizationDetails": {
			request: amazonpay.GetAuthorizationDetailsRequest{AmazonAuthorizationID: "S02-1234567-1234567-A000001"},
			result:  goldenAuthorization(2, "invoice-2024-12", amazonpay.StateDeclined, amazonpay.ReasonInvalidPaymentMethod, "declined by the bank"),
		},
		"CloseAuthorization": {request: amazonpay.CloseAuthorizationRequest{AmazonAuthorizationID: "S02-1234567-1234567-A000001", ClosureReason: "not needed"}},
		"Capture": {
			request: amazonpay.CaptureRequest{
				AmazonAuthorizationID: "S02-1234567-1234567-A000001", CaptureReferenceID: "capture-2024-11_1", CaptureAmount: price("24.90"),
				SellerCaptureNote: "November", SoftDescriptor: "Teeladen", ProviderCreditList: credits,
			},
			result: goldenCapture(1, "capture-2024-11", amazonpay.StatePending, amazonpay.ReasonStopShipmentAtypicalAuth, "unusual"),
		},
		"GetCaptureDetails": {
			request: amazonpay.GetCaptureDetailsRequest{AmazonCaptureID: "S02-1234567-1234567-C000001"},
			result:  goldenCapture(2, "capture-2024-12", amazonpay.StateClosed, amazonpay.ReasonMaxRefundsProcessed, "ten"),
		},
		"Refund": {
			request: amazonpay.RefundRequest{
				AmazonCaptureID: "S02-1234567-1234567-C000001", RefundReferenceID: "refund-2024-11_1", RefundAmount: price("4.90"),
				SellerRefundNote: "Sorry", SoftDescriptor: "Teeladen",
				ProviderCreditReversalList: []amazonpay.ProviderCreditReversal{{ProviderID: "A3PROVIDERONE", CreditReversalAmount: price("0.50")}},
			},
			result: goldenRefund(1, amazonpay.RefundTypeSellerInitiated, amazonpay.StatePending, amazonpay.ReasonProcessingFailure, "odd but possible"),
		},
		"GetRefundDetails": {
			request: amazonpay.GetRefundDetailsRequest{AmazonRefundID: "S02-1234567-1234567-R000001"},
			result:  goldenRefund(2, amazonpay.RefundTypeAmazonAZGuarantee, amazonpay.StateDeclined, amazonpay.ReasonAmazonRejected, "negative balance"),
		},

		"GetBillingAgreementDetails": {
			request: amazonpay.GetBillingAgreementDetailsRequest{AmazonBillingAgreementID: agreement, AddressConsentToken: exampleToken},
			unset:   []string{"AccessToken"}, // excludes AddressConsentToken
			result:  goldenAgreement(1, amazonpay.StateSuspended, amazonpay.ReasonInvalidPaymentMethod, "The card has expired."),
		},
		"SetBillingAgreementDetails": {
			request: amazonpay.SetBillingAgreementDetailsRequest{AmazonBillingAgreementID: agreement, BillingAgreementAttributes: amazonpay.BillingAgreementAttributes{
				PlatformID: "A3PLATFORMEXAMPLE", SellerNote: exampleNote,
				SellerBillingAgreementAttributes: amazonpay.SellerBillingAgreementAttributes{
					SellerBillingAgreementID: "subscription-42", StoreName: "Teeladen", CustomInformation: "cohort 7",
				},
				BillingAgreementType: amazonpay.MerchantInitiatedTransaction, SubscriptionAmount: price("24.90"),
			}},
			result: goldenAgreement(2, amazonpay.StateDraft, amazonpay.ReasonStale, "seen in a draft"),
		},
		"ConfirmBillingAgreement": {request: amazonpay.ConfirmBillingAgreementRequest{
			AmazonBillingAgreementID: agreement, SuccessURL: "https://shop.example/success?order=42", FailureURL: "https://shop.example/failure?order=42",
		}},
		"ValidateBillingAgreement": {
			request: amazonpay.ValidateBillingAgreementRequest{AmazonBillingAgreementID: agreement},
			result: &amazonpay.BillingAgreementValidation{
				ValidationResult: "Failure", FailureReasonCode: amazonpay.ReasonValidationTimedOut,
				BillingAgreementStatus: goldenStatus("2024-11-03T06:12:43.508Z", amazonpay.StateSuspended, amazonpay.ReasonInvalidPaymentMethod, "The card has expired."),
			},
		},
		"AuthorizeOnBillingAgreement": {
			request: amazonpay.AuthorizeOnBillingAgreementRequest{
				AmazonBillingAgreementID: agreement, AuthorizationReferenceID: "subscription-42-2024-11", AuthorizationAmount: price("24.90"),
				SellerAuthorizationNote: "November", TransactionTimeout: new(1440), CaptureNow: true, SoftDescriptor: "Teeladen",
				SellerNote: exampleNote, PlatformID: "A3PLATFORMEXAMPLE", SellerOrderAttributes: sellerOrder,
				InheritShippingAddress: new(false), ProviderCreditList: credits,
			},
			result: &amazonpay.BillingAgreementAuthorization{
				Authorization:          *goldenAuthorization(3, "subscription-42-2024-11", amazonpay.StatePending, amazonpay.ReasonStopShipmentAtypicalAuth, "unusual"),
				AmazonOrderReferenceID: order,
			},
		},
		"CloseBillingAgreement": {request: amazonpay.CloseBillingAgreementRequest{
			AmazonBillingAgreementID: agreement, ClosureReason: "moved abroad", ReasonCode: "SellerClosed",
		}},

		"GetProviderCreditDetails": {
			request: amazonpay.GetProviderCreditDetailsRequest{AmazonProviderCreditID: "S02-1234567-1234567-P000001"},
			result: &amazonpay.ProviderCreditDetails{
				AmazonProviderCreditID: "S02-1234567-1234567-P000001", SellerID: "A2SELLEREXAMPLE", ProviderID: "A3PROVIDERONE",
				CreditReferenceID: "credit-1", CreditAmount: price("1.00"), CreditReversalAmount: price("0.50"),
				CreditReversalIDList: []amazonpay.ProviderCreditReversalID{"S02-1234567-1234567-Q000001", "S02-1234567-1234567-Q000002"},
				CreationTimestamp:    utc("2024-11-03T06:12:43Z"),
				CreditStatus:         goldenStatus("2024-11-04T06:12:43Z", amazonpay.StateClosed, amazonpay.ReasonMaxAmountReversed, "All of it"),
			},
		},
		"GetProviderCreditReversalDetails": {
			request: amazonpay.GetProviderCreditReversalDetailsRequest{AmazonProviderCreditReversalID: "S02-1234567-1234567-Q000001"},
			result:  goldenReversal(amazonpay.StateCompleted),
		},
		"ReverseProviderCredit": {
			request: amazonpay.ReverseProviderCreditRequest{
				AmazonProviderCreditID: "S02-1234567-1234567-P000001", CreditReversalReferenceID: "reversal-2024-11_1",
				CreditReversalAmount: price("0.50"), CreditReversalNote: "fee taken back",
			},
			result: goldenReversal(amazonpay.StatePending),
		},
	}
}

func reversed(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}

func goldenStatus(since string, state amazonpay.State, reason amazonpay.Reason, description string) amazonpay.Status {
	return amazonpay.Status{State: state, LastUpdateTimestamp: utc(since), ReasonCode: reason, ReasonDescription: description}
}

func goldenAddress(name, street string) amazonpay.Address {
	return amazonpay.Address{
		Name: name, AddressLine1: street, AddressLine2: "Hinterhaus", AddressLine3: "3. Stock", City: "Berlin", County: "Mitte",
		District: "Wedding", StateOrRegion: "Land Berlin", PostalCode: "13347", CountryCode: "DE", Phone: "+49 30 5550100",
	}
}

var (
	goldenBuyer       = amazonpay.Buyer{Name: "Erika Beispiel", Email: "erika@shop.example", Phone: "+49 30 5550101"}
	goldenDestination = amazonpay.Destination{DestinationType: "Physical", PhysicalDestination: goldenAddress("Erika Beispiel", "Lieferweg 1")}
	goldenBilling     = amazonpay.BillingAddress{AddressType: "Physical", PhysicalAddress: goldenAddress("Erika B.", "Rechnungsweg 2")}
)

func goldenOrder(number int, state amazonpay.State, reason amazonpay.Reason, description string) *amazonpay.OrderReference {
	id := fmt.Sprintf("S02-1234567-%07d", number)
	authorizations := []amazonpay.AuthorizationID{amazonpay.AuthorizationID(id + "-A000001")}
	if number == 3 {
		authorizations = append(authorizations, amazonpay.AuthorizationID(id+"-A000002"))
	}
	return &amazonpay.OrderReference{
		AmazonOrderReferenceID: amazonpay.OrderReferenceID(id), Buyer: goldenBuyer,
		OrderTotal: amazonpay.MustPrice("119.00", amazonpay.CurrencyEUR), SellerNote: "Tee & Gebäck, <November>", PlatformID: "A3PLATFORMEXAMPLE",
		Destination: goldenDestination, BillingAddress: goldenBilling, ReleaseEnvironment: "Sandbox",
		SellerOrderAttributes: amazonpay.SellerOrderAttributes{
			SellerOrderID: "order-2024-0042", StoreName: "Teeladen", CustomInformation: "cohort 7",
			OrderItemCategories: []string{"Antiques", "Apparel"}, SupplementaryData: `{"OrderMetaData":{"numberOfItems":3}}`,
		},
		PaymentServiceProviderAttributes: amazonpay.PaymentServiceProviderAttributes{PaymentServiceProviderID: "A3PSPEXAMPLE", PaymentServiceProviderOrderID: "psp-77"},
		OrderReferenceStatus:             goldenStatus("2024-11-03T06:12:43.508Z", state, reason, description),
		Constraints: []amazonpay.Constraint{
			{ConstraintID: amazonpay.ConstraintPaymentPlanNotSet, Description: "No payment plan."},
			{ConstraintID: amazonpay.ConstraintShippingAddressNotSet, Description: "No address."},
		},
		CreationTimestamp: utc("2024-11-01T19:10:16Z"), ExpirationTimestamp: utc("2025-04-30T19:10:16Z"),
		ParentDetails: amazonpay.ParentDetails{Type: "BillingAgreement", ID: fmt.Sprintf("C02-1234567-%07d", number)},
		IDList:        authorizations, OrderLanguage: "de-DE", RequestPaymentAuthorization: true,
		PaymentDescriptor: amazonpay.PaymentDescriptor{
			FullDescriptor: "Amazon Pay (Visa **11)", Name: "Visa", AccountNumberTail: "11", UseAmazonBalanceFirst: true,
		},
		PaymentReference:            amazonpay.PaymentReference{StaticToken: "c3RhdGljLXRva2Vu"},
		PaymentAuthenticationStatus: amazonpay.PaymentAuthenticationStatus{State: "REQUIRED"},
	}
}

func goldenListed(id amazonpay.OrderReferenceID, state amazonpay.State, reason amazonpay.Reason, description string) amazonpay.OrderReference {
	return amazonpay.OrderReference{
		AmazonOrderReferenceID: id, OrderTotal: amazonpay.MustPrice("119.00", amazonpay.CurrencyEUR), ReleaseEnvironment: "Live",
		SellerOrderAttributes: amazonpay.SellerOrderAttributes{SellerOrderID: "order-2024-0042", StoreName: "Teeladen", CustomInformation: "cohort 7"},
		OrderReferenceStatus:  goldenStatus("2024-11-03T06:12:43.508Z", state, reason, description),
		CreationTimestamp:     utc("2024-11-01T19:10:16Z"),
	}
}

// notListed are the fields of an order reference that lists do not have.
func notListed(prefix string) (fields []string) {
	listed := goldenListed("id", "state", "reason", "description")
	for _, f := range zeroFields(reflect.ValueOf(listed), "") {
		fields = append(fields, prefix+f)
	}
	return fields
}

func goldenAuthorization(number int, reference amazonpay.ReferenceID, state amazonpay.State, reason amazonpay.Reason, description string) *amazonpay.Authorization {
	price := func(amount string) amazonpay.Price { return amazonpay.MustPrice(amount, amazonpay.CurrencyEUR) }
	return &amazonpay.Authorization{
		AmazonAuthorizationID:    amazonpay.AuthorizationID(fmt.Sprintf("S02-1234567-1234567-A%06d", number)),
		AuthorizationReferenceID: reference, AuthorizationBillingAddress: goldenAddress("Erika B.", "Rechnungsweg 2"),
		SellerAuthorizationNote: "November", AuthorizationAmount: price("24.90"), CapturedAmount: price("0"), AuthorizationFee: price("0.00"),
		IDList:            []amazonpay.CaptureID{amazonpay.CaptureID(fmt.Sprintf("S02-1234567-1234567-C%06d", number))},
		CreationTimestamp: utc("2024-11-03T06:12:40.1Z"), ExpirationTimestamp: utc("2024-12-03T06:12:40.123Z"),
		AuthorizationStatus: goldenStatus("2024-11-02T23:12:43-07:00", state, reason, description),
		SoftDecline:         true, CaptureNow: true, SoftDescriptor: "AMZ*Teeladen", AddressVerificationCode: "AddressAndPostalCodeMatch",
		OrderItemCategories: []string{"Antiques", "Apparel"},
	}
}

func goldenCapture(number int, reference amazonpay.ReferenceID, state amazonpay.State, reason amazonpay.Reason, description string) *amazonpay.Capture {
	price := func(amount string) amazonpay.Price { return amazonpay.MustPrice(amount, amazonpay.CurrencySEK) }
	refunds := []amazonpay.RefundID{"S02-1234567-1234567-R000001", "S02-1234567-1234567-R000002"}
	return &amazonpay.Capture{
		AmazonCaptureID:    amazonpay.CaptureID(fmt.Sprintf("S02-1234567-1234567-C%06d", number)),
		CaptureReferenceID: reference, SellerCaptureNote: "November",
		CaptureAmount: price("1129.79"), RefundedAmount: price("75"), CaptureFee: price("2.50"),
		IDList: refunds[:number], CreationTimestamp: utc("2024-11-03T06:12:43Z"),
		CaptureStatus:  goldenStatus("2024-11-03T06:12:44Z", state, reason, description),
		SoftDescriptor: "AMZ*Teeladen", ConvertedAmount: amazonpay.MustPrice("100", amazonpay.CurrencyEUR), ConversionRate: "11.2979085400",
		ProviderCreditSummaryList: []amazonpay.ProviderCreditSummary{
			{ProviderID: "A3PROVIDERONE", ProviderCreditID: "S02-1234567-1234567-P000001"},
			{ProviderID: "A3PROVIDERTWO", ProviderCreditID: "S02-1234567-1234567-P000002"},
		},
	}
}

func goldenRefund(number int, kind amazonpay.RefundType, state amazonpay.State, reason amazonpay.Reason, description string) *amazonpay.Refund {
	price := func(amount string) amazonpay.Price { return amazonpay.MustPrice(amount, amazonpay.CurrencySEK) }
	return &amazonpay.Refund{
		AmazonRefundID:    amazonpay.RefundID(fmt.Sprintf("S02-1234567-1234567-R%06d", number)),
		RefundReferenceID: amazonpay.ReferenceID(fmt.Sprintf("refund-%d", number)), SellerRefundNote: "Sorry", RefundType: kind,
		RefundAmount: price("75.00"), FeeRefunded: price("0.10"), CreationTimestamp: utc("2024-11-05T10:00:00Z"),
		RefundStatus:   goldenStatus("2024-11-05T10:00:01Z", state, reason, description),
		SoftDescriptor: "AMZ*Teeladen", ConvertedAmount: amazonpay.MustPrice("6.64", amazonpay.CurrencyEUR), ConversionRate: "11.2979085400",
		ProviderCreditReversalSummaryList: []amazonpay.ProviderCreditReversalSummary{
			{ProviderID: "A3PROVIDERONE", ProviderCreditReversalID: "S02-1234567-1234567-Q000001"},
		},
	}
}

func goldenAgreement(number int, state amazonpay.State, reason amazonpay.Reason, description string) *amazonpay.BillingAgreement {
	price := func(amount string) amazonpay.Price { return amazonpay.MustPrice(amount, amazonpay.CurrencyEUR) }
	return &amazonpay.BillingAgreement{
		AmazonBillingAgreementID: amazonpay.BillingAgreementID(fmt.Sprintf("C02-1234567-%07d", number)),
		BillingAgreementLimits: amazonpay.BillingAgreementLimits{
			AmountLimitPerTimePeriod: price("1000"), CurrentRemainingBalance: price("975.10"),
			TimePeriodStartDate: utc("2024-11-01T00:00:00Z"), TimePeriodEndDate: utc("2024-12-01T00:00:00Z"),
		},
		Buyer: goldenBuyer, SellerNote: "Tee & Gebäck, monatlich", PlatformID: "A3PLATFORMEXAMPLE",
		Destination: goldenDestination, BillingAddress: goldenBilling, ReleaseEnvironment: "Sandbox",
		SellerBillingAgreementAttributes: amazonpay.SellerBillingAgreementAttributes{
			SellerBillingAgreementID: "subscription-42", StoreName: "Teeladen", CustomInformation: "cohort 7",
		},
		BillingAgreementStatus: goldenStatus("2024-11-03T06:12:43.508Z", state, reason, description),
		Constraints:            []amazonpay.Constraint{{ConstraintID: amazonpay.ConstraintBuyerConsentNotSet, Description: "No consent."}},
		CreationTimestamp:      utc("2024-11-01T19:10:16.001Z"), ExpirationTimestamp: utc("2034-11-01T19:10:16Z"),
		BillingAgreementConsent: true, OrderLanguage: "de-DE",
		BillingAgreementType: amazonpay.MerchantInitiatedTransaction, SubscriptionAmount: price("24.90"),
	}
}

func goldenReversal(state amazonpay.State) *amazonpay.ProviderCreditReversalDetails {
	return &amazonpay.ProviderCreditReversalDetails{
		AmazonProviderCreditReversalID: "S02-1234567-1234567-Q000001", SellerID: "A2SELLEREXAMPLE", ProviderID: "A3PROVIDERONE",
		CreditReversalReferenceID: "reversal-1", CreditReversalAmount: amazonpay.MustPrice("0.50", amazonpay.CurrencyEUR),
		CreationTimestamp:    utc("2024-11-06T10:00:00Z"),
		CreditReversalStatus: goldenStatus("2024-11-06T10:00:02Z", state, amazonpay.ReasonMaxAmountReversed, "All of it"),
		CreditReversalNote:   "fee taken back",
	}
}

// isLeaf reports whether a type is one value to the reader, though it may be a
// struct to Go.
func isLeaf(t reflect.Type) bool {
	return t == reflect.TypeFor[time.Time]() || t == reflect.TypeFor[amazonpay.Price]() || t.Kind() != reflect.Struct && t.Kind() != reflect.Slice
}

// walkLeaves visits every leaf below v with its Go path. Empty lists count as
// leaves; a nil pointer is one, too.
func walkLeaves(v reflect.Value, path string, visit func(path string, v reflect.Value)) {
	switch {
	case isLeaf(v.Type()), v.Kind() == reflect.Slice && v.Len() == 0:
		visit(path, v)
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			walkLeaves(v.Index(i), fmt.Sprintf("%s[%d]", path, i), visit)
		}
	default:
		for i := range v.NumField() {
			name := v.Type().Field(i).Name
			if path != "" {
				name = path + "." + name
			}
			walkLeaves(v.Field(i), name, visit)
		}
	}
}

func zeroFields(v reflect.Value, path string) (zero []string) {
	walkLeaves(v, path, func(path string, v reflect.Value) {
		if v.IsZero() {
			zero = append(zero, path)
		}
	})
	return zero
}

// values counts the elements that a result was read from: a price has two.
func values(v reflect.Value) (n int) {
	walkLeaves(v, "", func(_ string, v reflect.Value) {
		switch {
		case v.IsZero():
		case v.Type() == reflect.TypeFor[amazonpay.Price]():
			n += 2
		default:
			n++
		}
	})
	return n
}

// leafElements counts the elements of a document without children, apart from
// the request id.
func leafElements(t *testing.T, document string) (n int) {
	decoder := xml.NewDecoder(strings.NewReader(document))
	opened := ""
	for {
		tok, err := decoder.Token()
		if err == io.EOF {
			return n
		}
		require.NoError(t, err)
		switch tok := tok.(type) {
		case xml.StartElement:
			opened = tok.Name.Local
		case xml.EndElement:
			if opened == tok.Name.Local && opened != "RequestId" {
				n++
			}
			opened = ""
		}
	}
}

// goldenOf is the form of a request golden: sorted, and without what changes.
func goldenOf(form url.Values) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, value := range form[name] {
			if name != "Timestamp" && name != "Signature" {
				fmt.Fprintf(&b, "%s=%s\n", name, value)
			}
		}
	}
	return b.String()
}

func TestOperationGoldens(t *testing.T) {
	for action, test := range operationCases() {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			x := &exchange{answer: goldenAnswers}
			result, err := invoke(t.Context(), x.client(t), action, test.request)
			require.NoError(t, err)
			require.Len(t, x.sent, 1)

			golden := filepath.Join("testdata", action+".request.txt")
			if *updateGoldens {
				require.NoError(t, os.WriteFile(golden, []byte(goldenOf(x.sent[0].form)), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			assert.Equal(t, string(want), goldenOf(x.sent[0].form))
			if test.request != nil {
				assert.Equal(t, test.unset, zeroFields(reflect.ValueOf(test.request), ""), "fields of the request that the test leaves zero")
			}

			_, document := goldenAnswers(x.sent[0].form)
			elements := leafElements(t, document)
			if test.result == nil {
				require.Nil(t, result)
				assert.LessOrEqual(t, elements, 1, "elements that nothing reads")
				return
			}
			assert.Equal(t, test.result, result)
			got := reflect.ValueOf(result).Elem()
			assert.Equal(t, test.absent, zeroFields(got, ""), "fields of the result that stay zero")
			assert.Equal(t, elements+test.joined, values(got), "elements of the answer and values in the result")
		})
	}
}

// sourceMethod is a method of *Client as the source has it.
type sourceMethod struct {
	decl   *ast.FuncDecl
	action string
	quota  string
}

var (
	actionTrailer = regexp.MustCompile(`Action: (\w+)\.`)
	quotaTrailer  = regexp.MustCompile(`Quota: ([^.]+(?:\([^)]*\))?)\.`)
)

// sources parses the package without its tests.
func sources(t *testing.T) (files []*ast.File, set *token.FileSet) {
	names, err := filepath.Glob("*.go")
	require.NoError(t, err)
	set = token.NewFileSet()
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, name, nil, parser.ParseComments)
		require.NoError(t, err)
		files = append(files, f)
	}
	return files, set
}

// operationMethods are the methods of *Client whose comment names an action.
func operationMethods(t *testing.T) map[string]sourceMethod {
	methods := map[string]sourceMethod{}
	files, _ := sources(t)
	for _, f := range files {
		for _, d := range f.Decls {
			decl, ok := d.(*ast.FuncDecl)
			if !ok || decl.Recv == nil || receiver(decl) != "Client" {
				continue
			}
			doc := strings.Join(strings.Fields(decl.Doc.Text()), " ")
			if m := actionTrailer.FindStringSubmatch(doc); m != nil {
				method := sourceMethod{decl: decl, action: m[1]}
				if q := quotaTrailer.FindStringSubmatch(doc); q != nil {
					method.quota = q[1]
				}
				methods[decl.Name.Name] = method
			}
		}
	}
	return methods
}

func receiver(decl *ast.FuncDecl) string {
	t := decl.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	if name, ok := t.(*ast.Ident); ok {
		return name.Name
	}
	return ""
}

// requiredFields are the Go paths of the fields that a zero request lacks.
func requiredFields(t reflect.Type) (fields []string) {
	for f := range t.Fields() {
		if slices.Contains(strings.Split(f.Tag.Get("pay"), ","), "required") {
			fields = append(fields, f.Name+" is required")
		}
	}
	return fields
}

// The method set of *Client is the table of operations: everything that holds
// for all of them is checked here.
func TestEveryOperation(t *testing.T) {
	// What a zero request lacks besides the fields that are tagged.
	alsoRequired := map[string]string{
		"SetOrderReferenceDetails":   "OrderReferenceAttributes.OrderTotal is required",
		"SetOrderAttributes":         "OrderAttributes is required",
		"SetBillingAgreementDetails": "BillingAgreementAttributes is required",
	}
	const (
		read, write = "20, restored 2 per second (sandbox 5, 1 per second)", "10, restored 1 per second (sandbox 2, 1 per 2 s)"
		unknown     = "not documented"
	)
	quotas := map[string]string{
		"GetServiceStatus":         "2, restored 1 per 5 minutes",
		"GetOrderReferenceDetails": read, "GetAuthorizationDetails": read, "GetCaptureDetails": read, "GetRefundDetails": read, "GetBillingAgreementDetails": read,
		"Authorize": write, "AuthorizeOnBillingAgreement": write, "Capture": write, "Refund": write, "CloseAuthorization": write,
		"SetOrderReferenceDetails": write, "ConfirmOrderReference": write, "CancelOrderReference": write, "CloseOrderReference": write,
		"CreateOrderReferenceForId": write, "SetBillingAgreementDetails": write, "ConfirmBillingAgreement": write,
		"ValidateBillingAgreement": write, "CloseBillingAgreement": write,
		"SetOrderAttributes": unknown, "ListOrderReference": unknown, "ListOrderReferenceByNextToken": unknown, "GetMerchantAccountStatus": unknown,
		"GetProviderCreditDetails": unknown, "GetProviderCreditReversalDetails": unknown, "ReverseProviderCredit": unknown,
		"GetMerchantNotificationConfiguration": unknown, "SetMerchantNotificationConfiguration": unknown,
	}
	methods, cases := operationMethods(t), operationCases()
	assert.ElementsMatch(t, slices.Collect(maps.Keys(quotas)), slices.Collect(maps.Keys(methods)), "the operations of the API and those of the client")

	for m := range reflect.TypeFor[*amazonpay.Client]().Methods() {
		source, ok := methods[m.Name]
		if !ok {
			continue
		}
		t.Run(m.Name, func(t *testing.T) {
			assert.Equal(t, m.Name, source.action, "the method has its action's name")
			assert.Equal(t, quotas[m.Name], source.quota)
			assert.LessOrEqual(t, statements(source.decl.Body), 3, "statements in the body")
			assert.Contains(t, cases, m.Name, "a case in operationCases")
			for _, kind := range []string{"request.txt", "response.xml"} {
				assert.FileExists(t, filepath.Join("testdata", m.Name+"."+kind))
			}

			x := &exchange{answer: goldenAnswers}
			client := x.client(t)
			if m.Type.NumIn() == 2 {
				_, err := invoke(t.Context(), client, m.Name, nil)
				require.NoError(t, err)
				assert.Equal(t, []string{source.action}, x.actions())
				return
			}
			request := reflect.Zero(m.Type.In(2))
			assert.Equal(t, m.Name+"Request", request.Type().Name())
			want := requiredFields(request.Type())
			if also := alsoRequired[m.Name]; also != "" {
				want = append(want, also)
			}
			result, err := invoke(t.Context(), client, m.Name, request.Interface())
			assert.Nil(t, result)
			assert.NotEmpty(t, want)
			assert.Equal(t, want, faultsOf(t, err), "every required field at once")
			assert.ErrorContains(t, err, "amazonpay: "+m.Name+": ")
			assert.Empty(t, x.sent, "nothing is sent")
		})
	}
}

// statements counts those in a body, at any depth.
func statements(body *ast.BlockStmt) (n int) {
	ast.Inspect(body, func(node ast.Node) bool {
		if _, block := node.(*ast.BlockStmt); !block {
			if _, ok := node.(ast.Stmt); ok {
				n++
			}
		}
		return true
	})
	return n
}

// Whoever reads the documentation finds a word on everything.
func TestEverythingIsDocumented(t *testing.T) {
	var missing []string
	names := 0
	files, set := sources(t)
	for _, f := range files {
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil && d.Name.IsExported() {
					names++
				}
				if d.Name.IsExported() && d.Doc.Text() == "" && (d.Recv == nil || ast.IsExported(receiver(d))) {
					missing = append(missing, d.Name.Name)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					switch spec := spec.(type) {
					case *ast.TypeSpec:
						if !spec.Name.IsExported() {
							continue
						}
						names++
						if d.Doc.Text() == "" && spec.Doc.Text() == "" {
							missing = append(missing, spec.Name.Name)
						}
						if fields, ok := spec.Type.(*ast.StructType); ok {
							missing = append(missing, undocumented(set, spec.Name.Name, fields)...)
						}
					case *ast.ValueSpec:
						for _, name := range spec.Names {
							if !name.IsExported() {
								continue
							}
							names++
							if d.Doc.Text() == "" && spec.Doc.Text() == "" && spec.Comment.Text() == "" {
								missing = append(missing, name.Name)
							}
						}
					}
				}
			}
		}
	}
	assert.Empty(t, missing, "%d exported names and fields without a comment", len(missing))
	t.Logf("%d exported names", names)
	assert.LessOrEqual(t, names, 282, "exported names, methods and fields not counted")
}

// undocumented are the exported fields of a struct without a comment above or
// at the line's end. One above goes for all fields up to the next empty line.
func undocumented(set *token.FileSet, name string, fields *ast.StructType) (missing []string) {
	above, last := false, 0
	for _, f := range fields.Fields.List {
		above = f.Doc != nil || above && set.Position(f.Pos()).Line == last+1
		last = set.Position(f.End()).Line
		for _, n := range f.Names {
			if n.IsExported() && !above && f.Comment.Text() == "" {
				missing = append(missing, name+"."+n.Name)
			}
		}
	}
	return missing
}

// setField sets the field at a Go path such as "ProviderCreditList[0].ProviderID".
func setField(t *testing.T, root reflect.Value, path string, value reflect.Value) {
	t.Helper()
	v := root
	for step := range strings.SplitSeq(path, ".") {
		name, index, indexed := strings.Cut(step, "[")
		if name != "" {
			v = v.FieldByName(name)
		}
		if indexed {
			i, err := strconv.Atoi(strings.TrimSuffix(index, "]"))
			require.NoError(t, err)
			v = v.Index(i)
		}
		require.True(t, v.IsValid(), path)
	}
	v.Set(value.Convert(v.Type()))
}

// changed is the full request of an action with one field set to value.
func changed(t *testing.T, action, path string, value any) any {
	t.Helper()
	request := reflect.New(reflect.TypeOf(operationCases()[action].request)).Elem()
	request.Set(reflect.ValueOf(operationCases()[action].request))
	setField(t, request, path, reflect.ValueOf(value))
	if path == "BillingAgreementAttributes.BillingAgreementType" {
		setField(t, request, "BillingAgreementAttributes.SubscriptionAmount", reflect.ValueOf(amazonpay.Price{})) // goes with one type only
	}
	return request.Interface()
}
