package amazonpay_test

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
)

// refused sends a request that must be refused before it is sent, and returns
// the faults.
func refused(t *testing.T, c *amazonpay.Client, x *exchange, action string, request any) []string {
	t.Helper()
	before := len(x.actions())
	result, err := invoke(t.Context(), c, action, request)
	require.Error(t, err)
	assert.Nil(t, result)
	assert.Len(t, x.actions(), before, "nothing is sent")
	return faultsOf(t, err)
}

// maxima are the length limits of Amazon's reference, in characters.
var maxima = map[string]map[string]int{
	"SetOrderReferenceDetails":    {"OrderReferenceAttributes.SellerNote": 1024},
	"SetOrderAttributes":          {"OrderAttributes.SellerNote": 1024},
	"CancelOrderReference":        {"CancelationReason": 1024},
	"CloseOrderReference":         {"ClosureReason": 1024},
	"CreateOrderReferenceForId":   {"OrderReferenceAttributes.SellerNote": 1024},
	"Authorize":                   {"SellerAuthorizationNote": 255, "SoftDescriptor": 16},
	"CloseAuthorization":          {"ClosureReason": 255},
	"Capture":                     {"SellerCaptureNote": 255, "SoftDescriptor": 16},
	"Refund":                      {"SellerRefundNote": 255, "SoftDescriptor": 16},
	"SetBillingAgreementDetails":  {"BillingAgreementAttributes.SellerNote": 1024},
	"AuthorizeOnBillingAgreement": {"SellerAuthorizationNote": 255, "SoftDescriptor": 16, "SellerNote": 1024},
	"CloseBillingAgreement":       {"ClosureReason": 1024},
}

// references are the fields that hold a reference id of the caller's.
var references = map[string]string{
	"Authorize": "AuthorizationReferenceID", "AuthorizeOnBillingAgreement": "AuthorizationReferenceID",
	"Capture": "CaptureReferenceID", "Refund": "RefundReferenceID", "ReverseProviderCredit": "CreditReversalReferenceID",
}

// textFields are the paths of all text in a full request.
func textFields(request any) (paths []string) {
	walkLeaves(reflect.ValueOf(request), "", func(path string, v reflect.Value) {
		if v.Kind() == reflect.String {
			paths = append(paths, path)
		}
	})
	return paths
}

func TestTextLengths(t *testing.T) {
	x := &exchange{answer: goldenAnswers}
	c := x.client(t)
	for action, test := range operationCases() {
		if test.request == nil {
			continue
		}
		for _, field := range textFields(test.request) {
			if references[action] == field || slices.Contains(test.unset, field) {
				continue
			}
			t.Run(action+"/"+field, func(t *testing.T) {
				limit, limited := maxima[action][field]
				if !limited {
					limit = 10_000 // no source knows of one
				}
				_, err := invoke(t.Context(), c, action, changed(t, action, field, strings.Repeat("日", limit)))
				require.NoError(t, err, "the longest text, in characters of three bytes")
				if limited {
					assert.Equal(t, []string{fmt.Sprintf("%s is longer than %d characters (%d)", field, limit, limit+1)},
						refused(t, c, x, action, changed(t, action, field, strings.Repeat("日", limit)+"a")))
				}
			})
		}
	}
}

func TestReferenceIDs(t *testing.T) {
	x := &exchange{answer: goldenAnswers}
	c := x.client(t)
	for action, field := range references {
		for name, test := range map[string]struct {
			id   string
			want []string
		}{
			"all characters":      {"azAZ09-_", nil},
			"one character":       {"1", nil},
			"32 characters":       {strings.Repeat("a", 32), nil},
			"33 characters":       {strings.Repeat("a", 33), []string{" is longer than 32 characters (33)"}},
			"32 wide characters":  {strings.Repeat("é", 32), []string{" has a character outside A-Z a-z 0-9 - _"}},
			"both":                {strings.Repeat("é", 33), []string{" is longer than 32 characters (33)", " has a character outside A-Z a-z 0-9 - _"}},
			"space":               {"a b", []string{" has a character outside A-Z a-z 0-9 - _"}},
			"trailing newline":    {"a\n", []string{" has a character outside A-Z a-z 0-9 - _"}},
			"dot":                 {"a.b", []string{" has a character outside A-Z a-z 0-9 - _"}},
			"slash":               {"a/b", []string{" has a character outside A-Z a-z 0-9 - _"}},
			"tilde":               {"a~b", []string{" has a character outside A-Z a-z 0-9 - _"}},
			"digit of other kind": {"٣", []string{" has a character outside A-Z a-z 0-9 - _"}},
			"not UTF-8":           {"a\xff", []string{" is not valid UTF-8"}},
			"empty":               {"", []string{" is required"}},
		} {
			t.Run(action+"/"+name, func(t *testing.T) {
				request := changed(t, action, field, test.id)
				if test.want == nil {
					_, err := invoke(t.Context(), c, action, request)
					require.NoError(t, err)
					return
				}
				for i := range test.want {
					test.want[i] = field + test.want[i]
				}
				assert.Equal(t, test.want, refused(t, c, x, action, request))
			})
		}
	}
}

func TestTextCharacters(t *testing.T) {
	x := &exchange{answer: goldenAnswers}
	c := x.client(t)
	const control, utf8 = " has a control character", " is not valid UTF-8"
	for action, test := range operationCases() {
		if test.request == nil {
			continue
		}
		for _, field := range textFields(test.request) {
			if references[action] == field || slices.Contains(test.unset, field) {
				continue
			}
			t.Run(action+"/"+field, func(t *testing.T) {
				for bad, want := range map[string]string{
					"a\x00b": control, "\x1b[0m": control, "a\x7f": control, "a\u0085b": control, "a\vb": control,
					"a\xff": utf8, "\xed\xa0\x80": utf8, "\xc0\xaf": utf8, // a surrogate, and an overlong slash
				} {
					assert.Equal(t, []string{field + want}, refused(t, c, x, action, changed(t, action, field, bad)), "%q", bad)
				}
				_, err := invoke(t.Context(), c, action, changed(t, action, field, "a\t\r\nb ñ茶😀"))
				require.NoError(t, err)
			})
		}
	}
}

func TestTransactionTimeout(t *testing.T) {
	x := &exchange{answer: goldenAnswers}
	c := x.client(t)
	const fault = "TransactionTimeout is neither 0 nor a multiple of 5 from 5 to 1440 minutes"
	for minutes, want := range map[int]string{
		math.MinInt: fault, -5: fault, -1: fault, 1: fault, 3: fault, 4: fault, 7: fault, 1439: fault, 1441: fault, 1445: fault, math.MaxInt: fault,
		0: "", 5: "", 10: "", 720: "", 1435: "", 1440: "",
	} {
		for _, action := range []string{"Authorize", "AuthorizeOnBillingAgreement"} {
			t.Run(fmt.Sprint(action, " ", minutes), func(t *testing.T) {
				request := changed(t, action, "TransactionTimeout", &minutes)
				if want != "" {
					assert.Equal(t, []string{want}, refused(t, c, x, action, request))
					return
				}
				_, err := invoke(t.Context(), c, action, request)
				require.NoError(t, err)
				assert.Equal(t, fmt.Sprint(minutes), x.sent[len(x.sent)-1].form.Get("TransactionTimeout"))
			})
		}
	}
}

func TestPricesToSend(t *testing.T) {
	region := func(r amazonpay.Region, ledger string) func(amazonpay.Currency) string {
		return func(c amazonpay.Currency) string {
			return fmt.Sprintf(" is in %s, and region %s takes %s only", c, r, ledger)
		}
	}
	prices := map[string][]string{} // the price fields of each action
	for action, test := range operationCases() {
		if test.request != nil {
			walkLeaves(reflect.ValueOf(test.request), "", func(path string, v reflect.Value) {
				if _, ok := v.Interface().(amazonpay.Price); ok {
					prices[action] = append(prices[action], path)
				}
			})
		}
	}
	require.Len(t, prices, 10)
	for _, test := range []struct {
		region amazonpay.Region
		takes  []amazonpay.Currency
		fault  func(amazonpay.Currency) string
	}{
		{amazonpay.RegionNA, []amazonpay.Currency{amazonpay.CurrencyUSD}, region(amazonpay.RegionNA, "USD")},
		{amazonpay.RegionJP, []amazonpay.Currency{amazonpay.CurrencyJPY}, region(amazonpay.RegionJP, "JPY")},
		{amazonpay.RegionEU, currencies, nil},
		{amazonpay.RegionUK, currencies, nil},
	} {
		x := &exchange{answer: goldenAnswers}
		c := x.client(t, inRegion(test.region))
		for action, fields := range prices {
			t.Run(string(test.region)+"/"+action, func(t *testing.T) {
				for _, currency := range currencies {
					one, err := amazonpay.NewPrice(1, currency)
					require.NoError(t, err)
					request := reflect.New(reflect.TypeOf(operationCases()[action].request)).Elem()
					request.Set(reflect.ValueOf(operationCases()[action].request))
					var want []string
					for _, field := range fields {
						setField(t, request, field, reflect.ValueOf(one))
						if !slices.Contains(test.takes, currency) {
							want = append(want, field+test.fault(currency))
						}
					}
					if want != nil {
						assert.Equal(t, want, refused(t, c, x, action, request.Interface()))
						continue
					}
					_, err = invoke(t.Context(), c, action, request.Interface())
					require.NoError(t, err)
				}
				currency := test.takes[0]
				for _, minor := range []int64{0, -1, math.MinInt64} {
					bad, err := amazonpay.NewPrice(minor, currency)
					require.NoError(t, err)
					request := reflect.New(reflect.TypeOf(operationCases()[action].request)).Elem()
					request.Set(reflect.ValueOf(operationCases()[action].request))
					var want []string
					for _, field := range fields {
						setField(t, request, field, reflect.ValueOf(bad))
						want = append(want, field+" is not above zero")
					}
					assert.Equal(t, want, refused(t, c, x, action, request.Interface()), "%d", minor)
				}
			})
		}
	}
}

func TestFieldsThatBelongTogether(t *testing.T) {
	x := &exchange{answer: goldenAnswers}
	c := x.client(t)
	price := amazonpay.MustPrice("24.90", amazonpay.CurrencyEUR)
	noon := utc("2024-11-01T12:00:00Z")
	psp := amazonpay.OrderReferenceAttributes{
		OrderTotal:                       price,
		PaymentServiceProviderAttributes: amazonpay.PaymentServiceProviderAttributes{PaymentServiceProviderOrderID: "psp-77"},
	}
	list := func(start, end time.Time) amazonpay.ListOrderReferenceRequest {
		return amazonpay.ListOrderReferenceRequest{QueryID: "1", CreatedTimeRange: amazonpay.CreatedTimeRange{StartTime: start, EndTime: end}}
	}
	agreement := func(a amazonpay.BillingAgreementAttributes) amazonpay.SetBillingAgreementDetailsRequest {
		return amazonpay.SetBillingAgreementDetailsRequest{AmazonBillingAgreementID: "C", BillingAgreementAttributes: a}
	}
	for _, test := range []struct {
		name, action string
		request      any
		want         []string
	}{
		{"success URL alone", "ConfirmOrderReference", amazonpay.ConfirmOrderReferenceRequest{AmazonOrderReferenceID: "S", SuccessURL: "u"}, []string{"FailureURL is required with SuccessURL"}},
		{"failure URL alone", "ConfirmOrderReference", amazonpay.ConfirmOrderReferenceRequest{AmazonOrderReferenceID: "S", FailureURL: "u"}, []string{"SuccessURL is required with FailureURL"}},
		{"success URL alone, agreement", "ConfirmBillingAgreement", amazonpay.ConfirmBillingAgreementRequest{AmazonBillingAgreementID: "C", SuccessURL: "u"}, []string{"FailureURL is required with SuccessURL"}},
		{"failure URL alone, agreement", "ConfirmBillingAgreement", amazonpay.ConfirmBillingAgreementRequest{AmazonBillingAgreementID: "C", FailureURL: "u"}, []string{"SuccessURL is required with FailureURL"}},
		{"both tokens", "GetOrderReferenceDetails", amazonpay.GetOrderReferenceDetailsRequest{AmazonOrderReferenceID: "S", AccessToken: "a", AddressConsentToken: "a"}, []string{"AccessToken and AddressConsentToken exclude each other"}},
		{"both tokens, agreement", "GetBillingAgreementDetails", amazonpay.GetBillingAgreementDetailsRequest{AmazonBillingAgreementID: "C", AccessToken: "a", AddressConsentToken: "b"}, []string{"AccessToken and AddressConsentToken exclude each other"}},
		{"one token", "GetOrderReferenceDetails", amazonpay.GetOrderReferenceDetailsRequest{AmazonOrderReferenceID: "S", AddressConsentToken: "a"}, nil},
		{"one token, agreement", "GetBillingAgreementDetails", amazonpay.GetBillingAgreementDetailsRequest{AmazonBillingAgreementID: "C", AccessToken: "a"}, nil},
		{"start without end", "ListOrderReference", list(noon, time.Time{}), []string{"CreatedTimeRange.EndTime is required with StartTime"}},
		{"end without start", "ListOrderReference", list(time.Time{}, noon), []string{"CreatedTimeRange.StartTime is required with EndTime"}},
		{"end before start", "ListOrderReference", list(noon, noon.Add(-time.Second)), []string{"CreatedTimeRange.EndTime is before StartTime"}},
		{"a moment", "ListOrderReference", list(noon, noon), nil},
		{"negative page", "ListOrderReference", amazonpay.ListOrderReferenceRequest{QueryID: "1", PageSize: -1}, []string{"PageSize is negative"}},
		{"no attributes", "SetBillingAgreementDetails", agreement(amazonpay.BillingAgreementAttributes{}), []string{"BillingAgreementAttributes is required"}},
		{"subscription amount, no type", "SetBillingAgreementDetails", agreement(amazonpay.BillingAgreementAttributes{SubscriptionAmount: price}),
			[]string{"BillingAgreementAttributes.SubscriptionAmount goes with MerchantInitiatedTransaction only"}},
		{"subscription amount, other type", "SetBillingAgreementDetails",
			agreement(amazonpay.BillingAgreementAttributes{SubscriptionAmount: price, BillingAgreementType: amazonpay.CustomerInitiatedTransaction}),
			[]string{"BillingAgreementAttributes.SubscriptionAmount goes with MerchantInitiatedTransaction only"}},
		{"type alone", "SetBillingAgreementDetails", agreement(amazonpay.BillingAgreementAttributes{BillingAgreementType: amazonpay.MerchantInitiatedTransaction}), nil},
		{"total missing", "SetOrderReferenceDetails", amazonpay.SetOrderReferenceDetailsRequest{AmazonOrderReferenceID: "S", OrderReferenceAttributes: amazonpay.OrderReferenceAttributes{SellerNote: "n"}},
			[]string{"OrderReferenceAttributes.OrderTotal is required"}},
		{"no total needed", "SetOrderAttributes", amazonpay.SetOrderAttributesRequest{AmazonOrderReferenceID: "S", OrderAttributes: amazonpay.OrderReferenceAttributes{SellerNote: "n"}}, nil},
		{"no order attributes", "SetOrderAttributes", amazonpay.SetOrderAttributesRequest{AmazonOrderReferenceID: "S"}, []string{"OrderAttributes is required"}},
		{"an empty list of categories", "SetOrderAttributes", amazonpay.SetOrderAttributesRequest{AmazonOrderReferenceID: "S", OrderAttributes: amazonpay.OrderReferenceAttributes{
			SellerOrderAttributes: amazonpay.SellerOrderAttributes{OrderItemCategories: []string{}},
		}}, []string{"OrderAttributes is required"}},
		{"categories alone", "SetOrderAttributes", amazonpay.SetOrderAttributesRequest{AmazonOrderReferenceID: "S", OrderAttributes: amazonpay.OrderReferenceAttributes{
			SellerOrderAttributes: amazonpay.SellerOrderAttributes{OrderItemCategories: []string{"Apparel"}},
		}}, nil},
		{"service provider alone", "SetOrderAttributes", amazonpay.SetOrderAttributesRequest{AmazonOrderReferenceID: "S", OrderAttributes: amazonpay.OrderReferenceAttributes{
			PaymentServiceProviderAttributes: psp.PaymentServiceProviderAttributes,
		}}, nil},
		{"confirm without total", "CreateOrderReferenceForId", amazonpay.CreateOrderReferenceForIdRequest{ID: "C", ConfirmNow: true},
			[]string{"OrderReferenceAttributes.OrderTotal is required with ConfirmNow"}},
		{"draft without total", "CreateOrderReferenceForId", amazonpay.CreateOrderReferenceForIdRequest{ID: "C"}, nil},
		{"service provider, order", "SetOrderReferenceDetails", amazonpay.SetOrderReferenceDetailsRequest{AmazonOrderReferenceID: "S", OrderReferenceAttributes: psp},
			[]string{"OrderReferenceAttributes.PaymentServiceProviderAttributes goes with SetOrderAttributes only"}},
		{"service provider, agreement", "CreateOrderReferenceForId", amazonpay.CreateOrderReferenceForIdRequest{ID: "C", OrderReferenceAttributes: psp},
			[]string{"OrderReferenceAttributes.PaymentServiceProviderAttributes goes with SetOrderAttributes only"}},
		{"elements of lists", "Capture", amazonpay.CaptureRequest{AmazonAuthorizationID: "A", CaptureReferenceID: "c", CaptureAmount: price, ProviderCreditList: []amazonpay.ProviderCredit{
			{ProviderID: "P", CreditAmount: price}, {ProviderID: "P"}, {CreditAmount: price}, {},
		}}, []string{
			"ProviderCreditList[1].CreditAmount is required", "ProviderCreditList[2].ProviderID is required",
			"ProviderCreditList[3].ProviderID is required", "ProviderCreditList[3].CreditAmount is required",
		}},
		{"empty text in lists", "Authorize", amazonpay.AuthorizeRequest{AmazonOrderReferenceID: "S", AuthorizationReferenceID: "a", AuthorizationAmount: price, OrderItemCategories: []string{"Apparel", ""}},
			[]string{"OrderItemCategories[1] is empty"}},
		{"empty state", "ListOrderReference", amazonpay.ListOrderReferenceRequest{QueryID: "1", OrderReferenceStatusListFilter: []amazonpay.State{""}}, []string{"OrderReferenceStatusListFilter[0] is empty"}},
		{"no events", "SetMerchantNotificationConfiguration", amazonpay.SetMerchantNotificationConfigurationRequest{NotificationConfigurationList: []amazonpay.NotificationConfiguration{
			{NotificationURL: "https://shop.example"}, {EventTypes: []amazonpay.EventType{amazonpay.EventTypeAll}},
		}}, []string{"NotificationConfigurationList[0].EventTypes is required", "NotificationConfigurationList[1].NotificationURL is required"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.want != nil {
				assert.Equal(t, test.want, refused(t, c, x, test.action, test.request))
				return
			}
			_, err := invoke(t.Context(), c, test.action, test.request)
			require.NoError(t, err)
		})
	}
}

// Everything that is wrong comes in one error, in the order of the fields.
func TestAllFaultsAtOnce(t *testing.T) {
	x := &exchange{answer: goldenAnswers}
	c := x.client(t, inRegion(amazonpay.RegionNA))
	request := amazonpay.AuthorizeRequest{
		AuthorizationReferenceID: "a b",
		AuthorizationAmount:      amazonpay.MustPrice("1", amazonpay.CurrencyEUR),
		SellerAuthorizationNote:  strings.Repeat("n", 254) + "\x00\x00",
		TransactionTimeout:       new(7),
		SoftDescriptor:           "seventeen letters",
		ProviderCreditList:       []amazonpay.ProviderCredit{{CreditAmount: amazonpay.MustPrice("-1", amazonpay.CurrencyUSD)}},
	}
	_, err := c.Authorize(t.Context(), request)
	assert.ElementsMatch(t, []string{
		"AmazonOrderReferenceID is required",
		"AuthorizationReferenceID has a character outside A-Z a-z 0-9 - _",
		"AuthorizationAmount is in EUR, and region NA takes USD only",
		"SellerAuthorizationNote is longer than 255 characters (256)",
		"SellerAuthorizationNote has a control character",
		"TransactionTimeout is neither 0 nor a multiple of 5 from 5 to 1440 minutes",
		"SoftDescriptor is longer than 16 characters (17)",
		"ProviderCreditList[0].ProviderID is required",
		"ProviderCreditList[0].CreditAmount is not above zero",
	}, faultsOf(t, err))
	assert.Empty(t, x.sent)
	invalid := err.(*amazonpay.InvalidError)
	assert.Equal(t, "Authorize", invalid.Subject)
	for _, f := range invalid.Faults {
		assert.Contains(t, err.Error(), f.Field+" "+f.Problem)
	}
}

// InvalidError promises the faults in the order of the fields.
func TestFaultsInTheOrderOfTheFields(t *testing.T) {
	x := &exchange{answer: goldenAnswers}
	_, err := x.client(t).Authorize(t.Context(), amazonpay.AuthorizeRequest{
		AmazonOrderReferenceID: "S", AuthorizationReferenceID: "a", AuthorizationAmount: amazonpay.MustPrice("1", amazonpay.CurrencyEUR),
		TransactionTimeout: new(7), SoftDescriptor: "seventeen letters",
	})
	assert.Equal(t, []string{
		"TransactionTimeout is neither 0 nor a multiple of 5 from 5 to 1440 minutes",
		"SoftDescriptor is longer than 16 characters (17)",
	}, faultsOf(t, err))
}

// TestZeroFieldsAreNotSent sends requests with nothing but what is required:
// Amazon would take a zero for a wish.
func TestZeroFieldsAreNotSent(t *testing.T) {
	price := amazonpay.MustPrice("1000", amazonpay.CurrencyJPY)
	for action, test := range map[string]struct {
		request any
		want    map[string]string
	}{
		"GetServiceStatus":                     {},
		"GetMerchantAccountStatus":             {},
		"GetMerchantNotificationConfiguration": {},
		"SetMerchantNotificationConfiguration": {
			amazonpay.SetMerchantNotificationConfigurationRequest{NotificationConfigurationList: []amazonpay.NotificationConfiguration{{NotificationURL: "u", EventTypes: []amazonpay.EventType{amazonpay.EventTypeAll}}}},
			map[string]string{
				"NotificationConfigurationList.NotificationConfiguration.1.NotificationUrl":            "u",
				"NotificationConfigurationList.NotificationConfiguration.1.EventTypes.EventTypeList.1": "ALL",
			},
		},
		"SetOrderReferenceDetails": {
			amazonpay.SetOrderReferenceDetailsRequest{AmazonOrderReferenceID: "S", OrderReferenceAttributes: amazonpay.OrderReferenceAttributes{OrderTotal: price}},
			map[string]string{"AmazonOrderReferenceId": "S", "OrderReferenceAttributes.OrderTotal.Amount": "1000", "OrderReferenceAttributes.OrderTotal.CurrencyCode": "JPY"},
		},
		"SetOrderAttributes": {
			amazonpay.SetOrderAttributesRequest{AmazonOrderReferenceID: "S", OrderAttributes: amazonpay.OrderReferenceAttributes{SellerNote: "n"}},
			map[string]string{"AmazonOrderReferenceId": "S", "OrderAttributes.SellerNote": "n"},
		},
		"GetOrderReferenceDetails": {amazonpay.GetOrderReferenceDetailsRequest{AmazonOrderReferenceID: "S"}, map[string]string{"AmazonOrderReferenceId": "S"}},
		"ConfirmOrderReference":    {amazonpay.ConfirmOrderReferenceRequest{AmazonOrderReferenceID: "S"}, map[string]string{"AmazonOrderReferenceId": "S"}},
		"CancelOrderReference":     {amazonpay.CancelOrderReferenceRequest{AmazonOrderReferenceID: "S"}, map[string]string{"AmazonOrderReferenceId": "S"}},
		"CloseOrderReference":      {amazonpay.CloseOrderReferenceRequest{AmazonOrderReferenceID: "S"}, map[string]string{"AmazonOrderReferenceId": "S"}},
		"ListOrderReference": {amazonpay.ListOrderReferenceRequest{QueryID: "1"}, map[string]string{
			"QueryId": "1", "QueryIdType": "SellerOrderId", "PaymentDomain": "FE_JPY",
		}},
		"ListOrderReferenceByNextToken": {amazonpay.ListOrderReferenceByNextTokenRequest{NextPageToken: "t"}, map[string]string{"NextPageToken": "t"}},
		"CreateOrderReferenceForId": {amazonpay.CreateOrderReferenceForIdRequest{ID: "C"}, map[string]string{
			"Id": "C", "IdType": "BillingAgreement", "InheritShippingAddress": "true",
		}},
		"Authorize": {amazonpay.AuthorizeRequest{AmazonOrderReferenceID: "S", AuthorizationReferenceID: "a", AuthorizationAmount: price}, map[string]string{
			"AmazonOrderReferenceId": "S", "AuthorizationReferenceId": "a", "AuthorizationAmount.Amount": "1000", "AuthorizationAmount.CurrencyCode": "JPY",
		}},
		"GetAuthorizationDetails": {amazonpay.GetAuthorizationDetailsRequest{AmazonAuthorizationID: "A"}, map[string]string{"AmazonAuthorizationId": "A"}},
		"CloseAuthorization":      {amazonpay.CloseAuthorizationRequest{AmazonAuthorizationID: "A"}, map[string]string{"AmazonAuthorizationId": "A"}},
		"Capture": {amazonpay.CaptureRequest{AmazonAuthorizationID: "A", CaptureReferenceID: "c", CaptureAmount: price}, map[string]string{
			"AmazonAuthorizationId": "A", "CaptureReferenceId": "c", "CaptureAmount.Amount": "1000", "CaptureAmount.CurrencyCode": "JPY",
		}},
		"GetCaptureDetails": {amazonpay.GetCaptureDetailsRequest{AmazonCaptureID: "C"}, map[string]string{"AmazonCaptureId": "C"}},
		"Refund": {amazonpay.RefundRequest{AmazonCaptureID: "C", RefundReferenceID: "r", RefundAmount: price}, map[string]string{
			"AmazonCaptureId": "C", "RefundReferenceId": "r", "RefundAmount.Amount": "1000", "RefundAmount.CurrencyCode": "JPY",
		}},
		"GetRefundDetails":           {amazonpay.GetRefundDetailsRequest{AmazonRefundID: "R"}, map[string]string{"AmazonRefundId": "R"}},
		"GetBillingAgreementDetails": {amazonpay.GetBillingAgreementDetailsRequest{AmazonBillingAgreementID: "B"}, map[string]string{"AmazonBillingAgreementId": "B"}},
		"SetBillingAgreementDetails": {
			amazonpay.SetBillingAgreementDetailsRequest{AmazonBillingAgreementID: "B", BillingAgreementAttributes: amazonpay.BillingAgreementAttributes{SellerNote: "n"}},
			map[string]string{"AmazonBillingAgreementId": "B", "BillingAgreementAttributes.SellerNote": "n"},
		},
		"ConfirmBillingAgreement":  {amazonpay.ConfirmBillingAgreementRequest{AmazonBillingAgreementID: "B"}, map[string]string{"AmazonBillingAgreementId": "B"}},
		"ValidateBillingAgreement": {amazonpay.ValidateBillingAgreementRequest{AmazonBillingAgreementID: "B"}, map[string]string{"AmazonBillingAgreementId": "B"}},
		"AuthorizeOnBillingAgreement": {
			amazonpay.AuthorizeOnBillingAgreementRequest{AmazonBillingAgreementID: "B", AuthorizationReferenceID: "a", AuthorizationAmount: price},
			map[string]string{
				"AmazonBillingAgreementId": "B", "AuthorizationReferenceId": "a", "AuthorizationAmount.Amount": "1000", "AuthorizationAmount.CurrencyCode": "JPY",
				"InheritShippingAddress": "true",
			},
		},
		"CloseBillingAgreement":            {amazonpay.CloseBillingAgreementRequest{AmazonBillingAgreementID: "B"}, map[string]string{"AmazonBillingAgreementId": "B"}},
		"GetProviderCreditDetails":         {amazonpay.GetProviderCreditDetailsRequest{AmazonProviderCreditID: "P"}, map[string]string{"AmazonProviderCreditId": "P"}},
		"GetProviderCreditReversalDetails": {amazonpay.GetProviderCreditReversalDetailsRequest{AmazonProviderCreditReversalID: "Q"}, map[string]string{"AmazonProviderCreditReversalId": "Q"}},
		"ReverseProviderCredit": {amazonpay.ReverseProviderCreditRequest{AmazonProviderCreditID: "P", CreditReversalReferenceID: "r", CreditReversalAmount: price}, map[string]string{
			"AmazonProviderCreditId": "P", "CreditReversalReferenceId": "r", "CreditReversalAmount.Amount": "1000", "CreditReversalAmount.CurrencyCode": "JPY",
		}},
	} {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			x := &exchange{answer: goldenAnswers}
			_, err := invoke(t.Context(), x.client(t, inRegion(amazonpay.RegionJP)), action, test.request)
			require.NoError(t, err)
			require.Len(t, x.sent, 1)
			want := map[string]string{
				"AWSAccessKeyId": "AKIAIOSFODNN7EXAMPLE", "Action": action, "SellerId": "A2SELLEREXAMPLE",
				"SignatureMethod": "HmacSHA256", "SignatureVersion": "2", "Version": "2013-01-01",
			}
			maps.Copy(want, test.want)
			got := map[string]string{}
			for name, values := range x.sent[0].form {
				require.Len(t, values, 1, name)
				if name != "Timestamp" && name != "Signature" {
					got[name] = values[0]
				}
			}
			assert.Equal(t, want, got)
		})
	}
}

func TestPointersTellZeroFromNothing(t *testing.T) {
	x := &exchange{answer: goldenAnswers}
	c := x.client(t)
	price := amazonpay.MustPrice("1", amazonpay.CurrencyEUR)
	last := func(err error) map[string][]string {
		require.NoError(t, err)
		return x.sent[len(x.sent)-1].form
	}
	for _, test := range []struct {
		name        string
		timeout     *int
		inherit     *bool
		wantTime    []string
		wantInherit []string
	}{
		{"nothing", nil, nil, nil, []string{"true"}},
		{"zero", new(0), new(false), []string{"0"}, []string{"false"}},
		{"set", new(5), new(true), []string{"5"}, []string{"true"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := c.Authorize(t.Context(), amazonpay.AuthorizeRequest{
				AmazonOrderReferenceID: "S", AuthorizationReferenceID: "a", AuthorizationAmount: price, TransactionTimeout: test.timeout,
			})
			assert.Equal(t, test.wantTime, last(err)["TransactionTimeout"])

			charge := amazonpay.AuthorizeOnBillingAgreementRequest{
				AmazonBillingAgreementID: "C", AuthorizationReferenceID: "a", AuthorizationAmount: price,
				TransactionTimeout: test.timeout, InheritShippingAddress: test.inherit,
			}
			_, err = c.AuthorizeOnBillingAgreement(t.Context(), charge)
			assert.Equal(t, test.wantTime, last(err)["TransactionTimeout"])
			assert.Equal(t, test.wantInherit, last(err)["InheritShippingAddress"])
			assert.Equal(t, test.inherit, charge.InheritShippingAddress, "the caller's request stays as it is")

			_, err = c.CreateOrderReferenceForId(t.Context(), amazonpay.CreateOrderReferenceForIdRequest{ID: "C", InheritShippingAddress: test.inherit})
			assert.Equal(t, test.wantInherit, last(err)["InheritShippingAddress"])
		})
	}
}

// Both names of the buyer's token go out as they are called.
func TestEitherToken(t *testing.T) {
	x := &exchange{answer: goldenAnswers}
	c := x.client(t)
	for _, action := range []string{"GetOrderReferenceDetails", "GetBillingAgreementDetails"} {
		for field, other := range map[string]string{"AccessToken": "AddressConsentToken", "AddressConsentToken": "AccessToken"} {
			request := reflect.New(reflect.TypeOf(operationCases()[action].request)).Elem()
			request.Field(0).SetString("S02-1234567-1234567")
			request.FieldByName(field).SetString(exampleToken)
			_, err := invoke(t.Context(), c, action, request.Interface())
			require.NoError(t, err)
			sent := x.sent[len(x.sent)-1].form
			assert.Equal(t, []string{exampleToken}, sent[field], action)
			assert.False(t, sent.Has(other), action)
		}
	}
}

func TestPaymentDomain(t *testing.T) {
	for region, want := range map[amazonpay.Region]string{
		amazonpay.RegionNA: "NA_USD", amazonpay.RegionUK: "EU_GBP", amazonpay.RegionEU: "EU_EUR", amazonpay.RegionJP: "FE_JPY",
	} {
		x := &exchange{answer: goldenAnswers}
		_, err := x.client(t, inRegion(region)).ListOrderReference(t.Context(), amazonpay.ListOrderReferenceRequest{QueryID: "1"})
		require.NoError(t, err)
		assert.Equal(t, want, x.sent[0].form.Get("PaymentDomain"))
	}
}
