package amazonpay_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
)

// details are the elements that hold an object, by action, and its id.
var details = map[string]struct{ element, id string }{
	"GetOrderReferenceDetails":         {"OrderReferenceDetails", "<AmazonOrderReferenceId>S</AmazonOrderReferenceId>"},
	"GetBillingAgreementDetails":       {"BillingAgreementDetails", "<AmazonBillingAgreementId>C</AmazonBillingAgreementId>"},
	"GetAuthorizationDetails":          {"AuthorizationDetails", "<AmazonAuthorizationId>A</AmazonAuthorizationId>"},
	"GetCaptureDetails":                {"CaptureDetails", "<AmazonCaptureId>C</AmazonCaptureId>"},
	"GetRefundDetails":                 {"RefundDetails", "<AmazonRefundId>R</AmazonRefundId>"},
	"GetProviderCreditDetails":         {"ProviderCreditDetails", "<AmazonProviderCreditId>P</AmazonProviderCreditId>"},
	"GetProviderCreditReversalDetails": {"ProviderCreditReversalDetails", "<AmazonProviderCreditReversalId>Q</AmazonProviderCreditReversalId>"},
}

// decode reads an object that consists of an id and a fragment.
func decode[R any](t *testing.T, action, fragment string) *R {
	t.Helper()
	d := details[action]
	return decodeDocument[R](t, action, fmt.Sprintf(
		`<%[1]sResponse xmlns="http://mws.amazonservices.com/schema/OffAmazonPayments/2013-01-01"><%[1]sResult><%[2]s>%[3]s</%[2]s></%[1]sResult></%[1]sResponse>`,
		action, d.element, d.id+fragment))
}

func decodeDocument[R any](t *testing.T, action, document string) *R {
	t.Helper()
	x := &exchange{answer: func(url.Values) (int, string) { return http.StatusOK, document }}
	result, err := invoke(t.Context(), x.client(t), action, operationCases()[action].request)
	require.NoError(t, err)
	return result.(*R)
}

func TestListsUnderAllTheirNames(t *testing.T) {
	for _, name := range []string{"member", "Member", "Id"} {
		t.Run(name, func(t *testing.T) {
			ids := fmt.Sprintf("<IdList><%[1]s>one</%[1]s>\n <%[1]s> two\n</%[1]s><%[1]s/></IdList>", name)
			assert.Equal(t, []amazonpay.AuthorizationID{"one", "two"}, decode[amazonpay.OrderReference](t, "GetOrderReferenceDetails", ids).IDList)
			assert.Equal(t, []amazonpay.CaptureID{"one", "two"}, decode[amazonpay.Authorization](t, "GetAuthorizationDetails", ids).IDList)
			assert.Equal(t, []amazonpay.RefundID{"one", "two"}, decode[amazonpay.Capture](t, "GetCaptureDetails", ids).IDList)
			ids = strings.ReplaceAll(ids, "IdList", "CreditReversalIdList")
			assert.Equal(t, []amazonpay.ProviderCreditReversalID{"one", "two"}, decode[amazonpay.ProviderCreditDetails](t, "GetProviderCreditDetails", ids).CreditReversalIDList)
		})
	}
	empty := decode[amazonpay.Authorization](t, "GetAuthorizationDetails", "<IdList/><OrderItemCategories></OrderItemCategories>")
	assert.Nil(t, empty.IDList)
	assert.Nil(t, empty.OrderItemCategories)
}

func TestElementsUnderAllTheirNames(t *testing.T) {
	const price = "<Amount>1.5</Amount><CurrencyCode>EUR</CurrencyCode>"
	for _, name := range []string{"RefundAmount", "RefundedAmount"} {
		refund := decode[amazonpay.Refund](t, "GetRefundDetails", fmt.Sprintf("<%[1]s>%[2]s</%[1]s>", name, price))
		assert.Equal(t, "1.50 EUR", refund.RefundAmount.String(), name)
	}
	for _, name := range []string{"ProviderId", "ProviderSellerId"} {
		element := fmt.Sprintf("<%[1]s>A3PROVIDERONE</%[1]s>", name)
		assert.Equal(t, "A3PROVIDERONE", decode[amazonpay.ProviderCreditDetails](t, "GetProviderCreditDetails", element).ProviderID)
		assert.Equal(t, "A3PROVIDERONE", decode[amazonpay.ProviderCreditReversalDetails](t, "GetProviderCreditReversalDetails", element).ProviderID)
		assert.Equal(t, []amazonpay.ProviderCreditSummary{{ProviderID: "A3PROVIDERONE"}},
			decode[amazonpay.Capture](t, "GetCaptureDetails", "<ProviderCreditSummaryList><member>"+element+"</member></ProviderCreditSummaryList>").ProviderCreditSummaryList)
		assert.Equal(t, []amazonpay.ProviderCreditReversalSummary{{ProviderID: "A3PROVIDERONE"}},
			decode[amazonpay.Refund](t, "GetRefundDetails", "<ProviderCreditReversalSummaryList><member>"+element+"</member></ProviderCreditReversalSummaryList>").ProviderCreditReversalSummaryList)
	}
	want := utc("2024-11-03T06:12:43Z")
	for _, name := range []string{"LastUpdateTimestamp", "LastUpdatedTimestamp"} {
		status := func(element string) string {
			return fmt.Sprintf("<%[2]s><%[1]s>2024-11-03T06:12:43Z</%[1]s></%[2]s>", name, element)
		}
		assert.Equal(t, want, decode[amazonpay.BillingAgreement](t, "GetBillingAgreementDetails", status("BillingAgreementStatus")).BillingAgreementStatus.LastUpdateTimestamp)
		assert.Equal(t, want, decode[amazonpay.OrderReference](t, "GetOrderReferenceDetails", status("OrderReferenceStatus")).OrderReferenceStatus.LastUpdateTimestamp)
		assert.Equal(t, want, decode[amazonpay.Authorization](t, "GetAuthorizationDetails", status("AuthorizationStatus")).AuthorizationStatus.LastUpdateTimestamp)
		assert.Equal(t, want, decode[amazonpay.Capture](t, "GetCaptureDetails", status("CaptureStatus")).CaptureStatus.LastUpdateTimestamp)
		assert.Equal(t, want, decode[amazonpay.Refund](t, "GetRefundDetails", status("RefundStatus")).RefundStatus.LastUpdateTimestamp)
		assert.Equal(t, want, decode[amazonpay.ProviderCreditDetails](t, "GetProviderCreditDetails", status("CreditStatus")).CreditStatus.LastUpdateTimestamp)
		assert.Equal(t, want, decode[amazonpay.ProviderCreditReversalDetails](t, "GetProviderCreditReversalDetails", status("CreditReversalStatus")).CreditReversalStatus.LastUpdateTimestamp)
	}
}

func TestTimes(t *testing.T) {
	for text, want := range map[string]time.Time{
		"2015-10-30T21:02:38.508Z":        time.Date(2015, 10, 30, 21, 2, 38, 508_000_000, time.UTC),
		"2012-11-03T19:10:16Z":            time.Date(2012, 11, 3, 19, 10, 16, 0, time.UTC),
		"2018-10-31T22:36:46-07:00":       time.Date(2018, 11, 1, 5, 36, 46, 0, time.UTC),
		"2018-10-31T22:36:46+09:00":       time.Date(2018, 10, 31, 13, 36, 46, 0, time.UTC),
		"2018-10-31T22:36:46.123456789Z":  time.Date(2018, 10, 31, 22, 36, 46, 123456789, time.UTC),
		"2004-02-14T10:44:14":             time.Date(2004, 2, 14, 10, 44, 14, 0, time.UTC),
		"2004-02-29T00:00:00Z":            time.Date(2004, 2, 29, 0, 0, 0, 0, time.UTC),
		"\n   2012-11-03T19:10:16Z\n\t  ": time.Date(2012, 11, 3, 19, 10, 16, 0, time.UTC),
		"2003-02-29T00:00:00Z":            {}, "2012-13-01T00:00:00Z": {}, "2012-11-03T24:00:01Z": {}, "2012-11-03 19:10:16": {}, "yesterday": {}, "1351969816": {}, "": {},
	} {
		got := decode[amazonpay.Authorization](t, "GetAuthorizationDetails", "<CreationTimestamp>"+text+"</CreationTimestamp><CaptureNow>true</CaptureNow>")
		assert.Equal(t, want, got.CreationTimestamp, "%q", text)
		assert.True(t, got.CaptureNow)
	}
}

func TestPricesOfAnswers(t *testing.T) {
	for elements, want := range map[string]string{
		"<Amount>1.00</Amount><CurrencyCode>USD</CurrencyCode>":                             "1.00 USD",
		"<CurrencyCode>USD</CurrencyCode><Amount>1.0</Amount>":                              "1.00 USD",
		"<Amount>0</Amount><CurrencyCode>USD</CurrencyCode>":                                "0.00 USD",
		"<Amount>500</Amount><CurrencyCode>EUR</CurrencyCode>":                              "500.00 EUR",
		"<Amount>134.00</Amount><CurrencyCode>JPY</CurrencyCode>":                           "134 JPY",
		"<Amount>\n 24.90 \n</Amount><CurrencyCode> EUR </CurrencyCode>":                    "24.90 EUR",
		"<Amount>-24.90</Amount><CurrencyCode>EUR</CurrencyCode>":                           "-24.90 EUR",
		"<x:Amount xmlns:x='urn:x'>1.10</x:Amount><Other/><CurrencyCode>EUR</CurrencyCode>": "1.10 EUR",
		"": "", "<Amount/><CurrencyCode/>": "",
		"<Amount>24.90</Amount>":                                                            "",
		"<CurrencyCode>EUR</CurrencyCode>":                                                  "",
		"<Amount>24.90</Amount><CurrencyCode>XXX</CurrencyCode>":                            "",
		"<Amount>24,90</Amount><CurrencyCode>EUR</CurrencyCode>":                            "",
		"<Amount>1e3</Amount><CurrencyCode>EUR</CurrencyCode>":                              "",
		"<Amount>134.50</Amount><CurrencyCode>JPY</CurrencyCode>":                           "",
		"<Amount>much</Amount><CurrencyCode>EUR</CurrencyCode>":                             "",
		"<Amount>9" + strings.Repeat("0", 30) + "</Amount><CurrencyCode>EUR</CurrencyCode>": "",
	} {
		got := decode[amazonpay.Authorization](t, "GetAuthorizationDetails",
			"<AuthorizationAmount>"+elements+"</AuthorizationAmount><CapturedAmount><Amount>2</Amount><CurrencyCode>EUR</CurrencyCode></CapturedAmount>")
		assert.Equal(t, want, got.AuthorizationAmount.String(), elements)
		assert.Equal(t, "2.00 EUR", got.CapturedAmount.String(), "the next price is read all the same")
	}
}

// A paid charge must not become an error because of a date: what cannot be
// read stays zero and is logged, without its value.
func TestUnreadableFieldsAreLoggedByName(t *testing.T) {
	x := &exchange{answer: func(url.Values) (int, string) {
		return http.StatusOK, `<GetAuthorizationDetailsResponse><GetAuthorizationDetailsResult><AuthorizationDetails>
			<AmazonAuthorizationId>A</AmazonAuthorizationId><CreationTimestamp>my birthday</CreationTimestamp>
			<AuthorizationStatus><State>Open</State><LastUpdateTimestamp>my wedding</LastUpdateTimestamp></AuthorizationStatus>
			<AuthorizationAmount><Amount>my money</Amount><CurrencyCode>EUR</CurrencyCode></AuthorizationAmount>
			<CaptureNow>my pleasure</CaptureNow>
			</AuthorizationDetails></GetAuthorizationDetailsResult><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></GetAuthorizationDetailsResponse>`
	}}
	var log bytes.Buffer
	c := x.client(t, func(c *amazonpay.Config) { c.Logger = slog.New(slog.NewJSONHandler(&log, nil)) })
	got, err := c.GetAuthorizationDetails(t.Context(), amazonpay.GetAuthorizationDetailsRequest{AmazonAuthorizationID: "A"})
	require.NoError(t, err)
	assert.Equal(t, &amazonpay.Authorization{AmazonAuthorizationID: "A", AuthorizationStatus: amazonpay.Status{State: amazonpay.StateOpen}}, got)
	assert.NotContains(t, log.String(), "my ")
	fields := map[string]string{}
	for line := range strings.Lines(log.String()) {
		var record struct{ Field, Kind, RequestID string }
		require.NoError(t, json.Unmarshal([]byte(line), &record))
		if record.Field != "" {
			fields[record.Field] = record.Kind
			assert.Equal(t, "r-1", record.RequestID)
		}
	}
	assert.Equal(t, map[string]string{
		"AuthorizationDetails/CreationTimestamp": "time", "AuthorizationDetails/AuthorizationStatus/LastUpdateTimestamp": "time",
		"AuthorizationDetails/AuthorizationAmount": "price", "AuthorizationDetails/CaptureNow": "bool",
	}, fields)
}

// What real servers and Amazon's documentation wrap around the same content.
func TestDocumentsInAllTheirClothes(t *testing.T) {
	const body = "<GetAuthorizationDetailsResult><AuthorizationDetails><AmazonAuthorizationId>A</AmazonAuthorizationId>" +
		"<AuthorizationStatus><State>Open</State></AuthorizationStatus></AuthorizationDetails></GetAuthorizationDetailsResult>"
	const metadata = "<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>"
	const root = "GetAuthorizationDetailsResponse"
	want := &amazonpay.Authorization{AmazonAuthorizationID: "A", AuthorizationStatus: amazonpay.Status{State: amazonpay.StateOpen}}
	prefixed := strings.NewReplacer("</", "</ns2:", "<", "<ns2:").Replace
	for name, document := range map[string]string{
		"no namespace":       "<" + root + ">" + body + metadata + "</" + root + ">",
		"https":              "<" + root + ` xmlns="https://mws.amazonservices.com/schema/OffAmazonPayments/2013-01-01">` + body + metadata + "</" + root + ">",
		"sandbox":            "<" + root + ` xmlns="http://mws.amazonservices.com/schema/OffAmazonPayments_Sandbox/2013-01-01">` + body + "</" + root + ">",
		"broken by newline":  "<" + root + "\n xmlns=\"https://mws.amazonservices.com/\n   schema/OffAmazonPayments_Sandbox/2013-01-01\">" + body + "</" + root + ">",
		"prefix":             "<ns2:" + root + ` xmlns:ns2="urn:x">` + prefixed(body+metadata) + "</ns2:" + root + ">",
		"metadata first":     "<" + root + ">" + metadata + body + "</" + root + ">",
		"declaration":        `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\r\n<" + root + ">" + body + "</" + root + ">\r\n",
		"white space before": "\n   <?xml version=\"1.0\"?>\n<" + root + ">" + body + "</" + root + ">",
		"byte order mark":    "\ufeff<" + root + ">" + body + "</" + root + ">",
		"stray characters":   "<" + root + `>"` + body + `"` + metadata + "</" + root + ">\"",
		"comments":           "<!-- a --><" + root + "><!-- <State>Closed</State> -->" + strings.ReplaceAll(body, "Open", "Op<!-- -->en") + "</" + root + "><!-- z -->",
		"CDATA":              "<" + root + ">" + strings.ReplaceAll(body, "Open", "<![CDATA[Open]]>") + "</" + root + ">",
		"attributes":         "<" + root + ` a="1>2" b='</x>'>` + strings.ReplaceAll(body, "<State>", `<State lang="en">`) + "</" + root + ">",
		"white space":        "<" + root + ">" + strings.NewReplacer(">A<", ">\n      A\n   <", ">Open<", "> Open\t<").Replace(body) + "</" + root + ">",
		"unknown elements": "<" + root + "><New><AmazonAuthorizationId>X</AmazonAuthorizationId></New>" + strings.NewReplacer(
			"<AuthorizationStatus>", "<Extra><State>Closed</State><Deep><AuthorizationStatus><State>Closed</State></AuthorizationStatus></Deep></Extra><AuthorizationStatus><More><State>Closed</State></More>",
			"</AuthorizationDetails>", "<Empty/></AuthorizationDetails><Sibling><AuthorizationDetails><AmazonAuthorizationId>X</AmazonAuthorizationId></AuthorizationDetails></Sibling>",
		).Replace(body) + "</" + root + ">",
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, want, decodeDocument[amazonpay.Authorization](t, "GetAuthorizationDetails", document))
		})
	}
}

func TestTextOfAnswers(t *testing.T) {
	for text, want := range map[string]string{
		"Tee &amp; Geb&#228;ck &lt;b&gt; &quot;x&quot; &apos;y&apos; &#x8336;": `Tee & Gebäck <b> "x" 'y' 茶`,
		"<![CDATA[a < b & c]]>": "a < b & c", "a<![CDATA[ & ]]>b": "a & b",
		"  inner  space\n kept ": "inner  space\n kept", "😀 ñ": "😀 ñ", "": "", " \n ": "",
		"a\xffb": "a\ufffdb",
	} {
		got := decode[amazonpay.Authorization](t, "GetAuthorizationDetails", "<SellerAuthorizationNote>"+text+"</SellerAuthorizationNote>")
		assert.Equal(t, want, got.SellerAuthorizationNote, "%q", text)
	}
}

func TestBooleansOfAnswers(t *testing.T) {
	for text, want := range map[string]bool{"true": true, " true\n": true, "True": true, "TRUE": true, "1": true, "false": false, "0": false, "": false, "yes": false} {
		got := decode[amazonpay.BillingAgreement](t, "GetBillingAgreementDetails", "<BillingAgreementConsent>"+text+"</BillingAgreementConsent>")
		assert.Equal(t, want, got.BillingAgreementConsent, "%q", text)
	}
}

func TestEmptyElements(t *testing.T) {
	got := decode[amazonpay.OrderReference](t, "GetOrderReferenceDetails", "<Buyer/><OrderTotal/><SellerNote/><Destination><PhysicalDestination><AddressLine1/></PhysicalDestination></Destination>"+
		"<SellerOrderAttributes/><OrderReferenceStatus/><Constraints/><IdList/><CreationTimestamp/><ParentDetails></ParentDetails><PaymentAuthenticationStatus/>"+
		"<PaymentDescriptor>\n</PaymentDescriptor><RequestPaymentAuthorization/>")
	assert.Equal(t, &amazonpay.OrderReference{AmazonOrderReferenceID: "S"}, got)
}

func TestConstraints(t *testing.T) {
	want := []amazonpay.Constraint{
		{ConstraintID: amazonpay.ConstraintAmountNotSet, Description: "No amount."},
		{ConstraintID: "SomethingNew"},
	}
	const first, second = "<ConstraintID>AmountNotSet</ConstraintID><Description>No amount.</Description>", "<ConstraintID>SomethingNew</ConstraintID>"
	for name, constraints := range map[string]string{
		"as real answers have it":      "<Constraint>" + first + "</Constraint><Constraint>" + second + "</Constraint>",
		"as the documentation has it":  first + second,
		"with an empty one in between": "<Constraint>" + first + "</Constraint><Constraint/><Constraint>" + second + "</Constraint>",
	} {
		t.Run(name, func(t *testing.T) {
			constraints := "<Constraints>" + constraints + "</Constraints>"
			assert.Equal(t, want, decode[amazonpay.OrderReference](t, "GetOrderReferenceDetails", constraints).Constraints)
			assert.Equal(t, want, decode[amazonpay.BillingAgreement](t, "GetBillingAgreementDetails", constraints).Constraints)
		})
	}
}

// Values that Amazon may add pass through.
func TestUnknownValuesPassThrough(t *testing.T) {
	a := decode[amazonpay.Authorization](t, "GetAuthorizationDetails",
		"<AuthorizationStatus><State>Settled</State><ReasonCode>BecauseOfThis</ReasonCode></AuthorizationStatus><AddressVerificationCode>New</AddressVerificationCode>")
	assert.Equal(t, amazonpay.Status{State: "Settled", ReasonCode: "BecauseOfThis"}, a.AuthorizationStatus)
	assert.Equal(t, "New", a.AddressVerificationCode)
	assert.Equal(t, amazonpay.RefundType("BuyerCanceled2"), decode[amazonpay.Refund](t, "GetRefundDetails", "<RefundType>BuyerCanceled2</RefundType>").RefundType)
	assert.Equal(t, amazonpay.BillingAgreementType("New"), decode[amazonpay.BillingAgreement](t, "GetBillingAgreementDetails", "<BillingAgreementType>New</BillingAgreementType>").BillingAgreementType)
}

func TestEventTypes(t *testing.T) {
	const all, order = amazonpay.EventTypeAll, amazonpay.EventTypeOrderReference
	for elements, want := range map[string][]amazonpay.EventType{
		"<member>ALL</member>":                                     {all},
		"<member>ALL,ORDER_REFERENCE</member>":                     {all, order},
		"<member> ALL , ORDER_REFERENCE ,\n NEW_ONE </member>":     {all, order, "NEW_ONE"},
		"<member>ALL</member><member>ORDER_REFERENCE</member>":     {all, order},
		"<member>ALL,ORDER_REFERENCE</member><member>ALL</member>": {all, order, all},
		"<member>,ALL,,</member><member/><member>,</member>":       {all},
		"<EventTypeList>ALL,ORDER_REFERENCE</EventTypeList>":       {all, order},
		"": nil, "<member/>": nil,
	} {
		for _, name := range []string{"member", "NotificationConfiguration"} {
			got := decodeDocument[amazonpay.MerchantNotificationConfiguration](t, "GetMerchantNotificationConfiguration", fmt.Sprintf(
				"<%[1]sResponse><%[1]sResult><NotificationConfigurationList><%[2]s><NotificationUrl>u</NotificationUrl><EventTypes>%[3]s</EventTypes></%[2]s></NotificationConfigurationList></%[1]sResult></%[1]sResponse>",
				"GetMerchantNotificationConfiguration", name, elements))
			assert.Equal(t, []amazonpay.NotificationConfiguration{{NotificationURL: "u", EventTypes: want}}, got.NotificationConfigurationList, elements)
		}
	}
	got := decodeDocument[amazonpay.MerchantNotificationConfiguration](t, "GetMerchantNotificationConfiguration",
		"<GetMerchantNotificationConfigurationResponse><GetMerchantNotificationConfigurationResult><NotificationConfigurationList/></GetMerchantNotificationConfigurationResult></GetMerchantNotificationConfigurationResponse>")
	assert.Empty(t, got.NotificationConfigurationList)
}

// An object without its id is not an answer: whoever stores it would store
// nothing. That holds for every operation that answers with an object.
func TestAnswersWithoutAnID(t *testing.T) {
	for action, test := range operationCases() {
		if test.result == nil {
			continue
		}
		first := reflect.TypeOf(test.result).Elem().Field(0)
		if first.Type == reflect.TypeFor[amazonpay.Authorization]() {
			first = first.Type.Field(0) // the child order's authorization
		}
		if !strings.HasPrefix(first.Name, "Amazon") {
			continue
		}
		t.Run(action, func(t *testing.T) {
			_, golden := goldenAnswers(url.Values{"Action": {action}})
			tag, _, _ := strings.Cut(first.Tag.Get("xml"), "|")
			require.Contains(t, golden, tag+">")
			x := &exchange{answer: func(url.Values) (int, string) {
				return http.StatusOK, strings.ReplaceAll(golden, tag+">", "Other>")
			}}
			result, err := invoke(t.Context(), x.client(t), action, test.request)
			assert.Error(t, err)
			assert.Nil(t, result)
		})
	}
}
