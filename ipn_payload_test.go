package amazonpay_test

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/amazonpay-go/amazonpay"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const ipnNamespace = "https://mws.amazonservices.com/ipn/OffAmazonPayments/2013-01-01"

func at(day int, clock ...int) time.Time {
	c := append(clock, 0, 0, 0)
	return time.Date(2015, 11, day, c[0], c[1], c[2], 0, time.UTC)
}

// payloadCase is a NotificationData with every element that has been seen, and
// what it means.
type payloadCase struct {
	wire   string // NotificationType
	kind   amazonpay.NotificationType
	root   string
	child  string
	fields string
	want   amazonpay.NotificationObject
	id     string
	state  amazonpay.State
}

func (p payloadCase) xml(namespace string) string {
	return fmt.Sprintf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<%[1]s xmlns=\"%[2]s\">\n  <%[3]s>%[4]s</%[3]s>\n</%[1]s>", p.root, namespace, p.child, p.fields)
}

func usd(amount string) amazonpay.Price { return amazonpay.MustPrice(amount, amazonpay.CurrencyUSD) }

// money writes a price with its elements in the one order or the other.
func money(name, amount string) string {
	parts := []string{"<Amount>" + amount + "</Amount>", "<CurrencyCode>\n USD </CurrencyCode>"}
	if len(name)%2 == 0 {
		parts[0], parts[1] = parts[1], parts[0]
	}
	return "<" + name + ">" + parts[0] + parts[1] + "</" + name + ">"
}

func statusXML(name, state, reason string) string {
	return "<" + name + "><LastUpdateTimestamp>2015-11-22T01:02:03Z</LastUpdateTimestamp><ReasonDescription>why</ReasonDescription><State>" + state + "</State><ReasonCode>" + reason + "</ReasonCode></" + name + ">"
}

func status(state amazonpay.State, reason amazonpay.Reason) amazonpay.Status {
	return amazonpay.Status{State: state, LastUpdateTimestamp: at(22, 1, 2, 3), ReasonCode: reason, ReasonDescription: "why"}
}

func payloads() []payloadCase {
	created := "<CreationTimestamp>2015-11-21T15:55:18.000Z</CreationTimestamp>"
	return []payloadCase{
		{
			"OrderReferenceNotification", amazonpay.NotificationOrderReference, "OrderReferenceNotification", "OrderReference",
			"<AmazonOrderReferenceId>S01-1234567-1234567</AmazonOrderReferenceId>" + money("OrderTotal", "500") +
				"<SellerOrderAttributes><SellerId>A2X</SellerId><SellerOrderId>order 1</SellerOrderId><OrderItemCategories><OrderItemCategory>Apparel</OrderItemCategory><OrderItemCategory>Toys</OrderItemCategory></OrderItemCategories></SellerOrderAttributes>" +
				"<SellerNote>a note</SellerNote>" + statusXML("OrderReferenceStatus", "CLOSED", "AmazonClosed") + created + "<ExpirationTimestamp>2015-11-30T00:00:00Z</ExpirationTimestamp>",
			&amazonpay.OrderReference{
				AmazonOrderReferenceID: "S01-1234567-1234567", OrderTotal: usd("500"), SellerNote: "a note",
				SellerOrderAttributes: amazonpay.SellerOrderAttributes{SellerOrderID: "order 1", OrderItemCategories: []string{"Apparel", "Toys"}},
				OrderReferenceStatus:  status(amazonpay.StateClosed, amazonpay.ReasonAmazonClosed),
				CreationTimestamp:     at(21, 15, 55, 18), ExpirationTimestamp: at(30),
			}, "S01-1234567-1234567", amazonpay.StateClosed,
		},
		{
			"BillingAgreementNotification", amazonpay.NotificationBillingAgreement, "BillingAgreementNotification", "BillingAgreement",
			"<AmazonBillingAgreementId>C01-1234567-1234567</AmazonBillingAgreementId>" +
				"<SellerBillingAgreementAttributes><SellerId>A2X</SellerId><SellerBillingAgreementId>agreement 1</SellerBillingAgreementId></SellerBillingAgreementAttributes>" +
				statusXML("BillingAgreementStatus", "Open", "") + created +
				"<BillingAgreementLimits>" + money("AmountLimitPerTimePeriod", "500.0") + "<TimePeriodStartDate>2015-11-01T00:00:00Z</TimePeriodStartDate><TimePeriodEndDate>2015-11-30T00:00:00Z</TimePeriodEndDate>" + money("CurrentRemainingBalance", "94.50") + "</BillingAgreementLimits><BillingAgreementConsent>true</BillingAgreementConsent>",
			&amazonpay.BillingAgreement{
				AmazonBillingAgreementID:         "C01-1234567-1234567",
				SellerBillingAgreementAttributes: amazonpay.SellerBillingAgreementAttributes{SellerBillingAgreementID: "agreement 1"},
				BillingAgreementStatus:           status(amazonpay.StateOpen, ""), CreationTimestamp: at(21, 15, 55, 18), BillingAgreementConsent: true,
				BillingAgreementLimits: amazonpay.BillingAgreementLimits{AmountLimitPerTimePeriod: usd("500"), CurrentRemainingBalance: usd("94.50"), TimePeriodStartDate: at(1), TimePeriodEndDate: at(30)},
			}, "C01-1234567-1234567", amazonpay.StateOpen,
		},
		{
			"PaymentAuthorize", amazonpay.NotificationAuthorize, "AuthorizationNotification", "AuthorizationDetails",
			"<AmazonAuthorizationId>S01-1-A1</AmazonAuthorizationId><AuthorizationReferenceId>auth1</AuthorizationReferenceId>" +
				"<AuthorizationBillingAddress><Name>n</Name><AddressLine1>l1</AddressLine1><City>c</City><CountryCode>DE</CountryCode></AuthorizationBillingAddress><SellerAuthorizationNote>note</SellerAuthorizationNote>" +
				money("AuthorizationAmount", "5.0") + money("CapturedAmount", "5.0") + money("AuthorizationFee", "0.0") + "<IdList><Id>S01-1-C1</Id></IdList>" + created +
				"<ExpirationTimestamp>2015-11-30T00:00:00Z</ExpirationTimestamp><AddressVerificationCode>AddressOnlyMatch</AddressVerificationCode>" + statusXML("AuthorizationStatus", "Declined", "InvalidPaymentMethod") +
				"<SoftDecline>true</SoftDecline><OrderItemCategories><OrderItemCategory>Apparel</OrderItemCategory></OrderItemCategories><CaptureNow>true</CaptureNow><SoftDescriptor>AMZ*x</SoftDescriptor>",
			&amazonpay.Authorization{
				AmazonAuthorizationID: "S01-1-A1", AuthorizationReferenceID: "auth1", SellerAuthorizationNote: "note",
				AuthorizationBillingAddress: amazonpay.Address{Name: "n", AddressLine1: "l1", City: "c", CountryCode: "DE"},
				AuthorizationAmount:         usd("5"), CapturedAmount: usd("5"), AuthorizationFee: usd("0"), IDList: []amazonpay.CaptureID{"S01-1-C1"},
				CreationTimestamp: at(21, 15, 55, 18), ExpirationTimestamp: at(30), AddressVerificationCode: "AddressOnlyMatch",
				AuthorizationStatus: status(amazonpay.StateDeclined, amazonpay.ReasonInvalidPaymentMethod), SoftDecline: true, CaptureNow: true,
				OrderItemCategories: []string{"Apparel"}, SoftDescriptor: "AMZ*x",
			}, "S01-1-A1", amazonpay.StateDeclined,
		},
		{
			"PaymentCapture", amazonpay.NotificationCapture, "CaptureNotification", "CaptureDetails",
			"<AmazonCaptureId>S01-1-C1</AmazonCaptureId><CaptureReferenceId>cap1</CaptureReferenceId><SellerCaptureNote>note</SellerCaptureNote>" +
				money("CaptureAmount", "5.0") + money("ConvertedAmount", "4.1") + "<ConversionRate>1.2195</ConversionRate>" + money("RefundedAmount", "1") + money("CaptureFee", "0.5") + "<IdList><Id>S01-1-R1</Id><Id>S01-1-R2</Id></IdList>" + created +
				statusXML("CaptureStatus", "Completed", "None") +
				"<ProviderCreditSummaryList><ProviderCreditSummary><ProviderSellerId>A2P</ProviderSellerId><ProviderCreditId>S01-1-P1</ProviderCreditId></ProviderCreditSummary><ProviderCreditSummary><ProviderSellerId>A2Q</ProviderSellerId><ProviderCreditId>S01-1-P2</ProviderCreditId></ProviderCreditSummary></ProviderCreditSummaryList><SoftDescriptor/>",
			&amazonpay.Capture{
				AmazonCaptureID: "S01-1-C1", CaptureReferenceID: "cap1", SellerCaptureNote: "note", CaptureAmount: usd("5"), ConvertedAmount: usd("4.1"), ConversionRate: "1.2195",
				RefundedAmount: usd("1"), CaptureFee: usd("0.5"), IDList: []amazonpay.RefundID{"S01-1-R1", "S01-1-R2"}, CreationTimestamp: at(21, 15, 55, 18),
				CaptureStatus:             status(amazonpay.StateCompleted, ""),
				ProviderCreditSummaryList: []amazonpay.ProviderCreditSummary{{ProviderID: "A2P", ProviderCreditID: "S01-1-P1"}, {ProviderID: "A2Q", ProviderCreditID: "S01-1-P2"}},
			}, "S01-1-C1", amazonpay.StateCompleted,
		},
		{
			"PaymentRefund", amazonpay.NotificationRefund, "RefundNotification", "RefundDetails",
			"<AmazonRefundId>S01-1-R1</AmazonRefundId><RefundReferenceId>ref1</RefundReferenceId><SellerRefundNote>note</SellerRefundNote><RefundType>AmazonA-ZGuarentee</RefundType>" +
				money("RefundAmount", "5.0") + money("ConvertedAmount", "4.1") + "<ConversionRate>1.2195</ConversionRate>" + money("FeeRefunded", "0.1") + created + statusXML("RefundStatus", "Declined", "AmazonRejected") +
				"<ProviderCreditReversalSummaryList><ProviderCreditReversalSummary><ProviderSellerId>A2P</ProviderSellerId><ProviderCreditReversalId>S01-1-Q1</ProviderCreditReversalId></ProviderCreditReversalSummary></ProviderCreditReversalSummaryList><SoftDescriptor>AMZ*x</SoftDescriptor>",
			&amazonpay.Refund{
				AmazonRefundID: "S01-1-R1", RefundReferenceID: "ref1", SellerRefundNote: "note", RefundType: "AmazonA-ZGuarentee", RefundAmount: usd("5"), ConvertedAmount: usd("4.1"), ConversionRate: "1.2195",
				FeeRefunded: usd("0.1"), CreationTimestamp: at(21, 15, 55, 18), RefundStatus: status(amazonpay.StateDeclined, amazonpay.ReasonAmazonRejected), SoftDescriptor: "AMZ*x",
				ProviderCreditReversalSummaryList: []amazonpay.ProviderCreditReversalSummary{{ProviderID: "A2P", ProviderCreditReversalID: "S01-1-Q1"}},
			}, "S01-1-R1", amazonpay.StateDeclined,
		},
		{
			"ProviderCredit", amazonpay.NotificationProviderCredit, "ProviderCreditNotification", "ProviderCreditDetails",
			"<AmazonProviderCreditId>S01-1-P1</AmazonProviderCreditId><SellerId>A2X</SellerId><ProviderSellerId>A2P</ProviderSellerId><CreditReferenceId>cr1</CreditReferenceId>" + money("CreditAmount", "5.0") + money("CreditReversalAmount", "5.0") +
				"<CreditReversalIdList><Id>S01-1-Q1</Id></CreditReversalIdList>" + created + statusXML("CreditStatus", "Closed", "MaxAmountReversed"),
			&amazonpay.ProviderCreditDetails{
				AmazonProviderCreditID: "S01-1-P1", SellerID: "A2X", ProviderID: "A2P", CreditReferenceID: "cr1", CreditAmount: usd("5"), CreditReversalAmount: usd("5"),
				CreditReversalIDList: []amazonpay.ProviderCreditReversalID{"S01-1-Q1"}, CreationTimestamp: at(21, 15, 55, 18), CreditStatus: status(amazonpay.StateClosed, amazonpay.ReasonMaxAmountReversed),
			}, "S01-1-P1", amazonpay.StateClosed,
		},
		{
			"ProviderCreditReversal", amazonpay.NotificationProviderCreditReversal, "ProviderCreditReversalNotification", "ProviderCreditReversalDetails",
			"<AmazonProviderCreditReversalId>S01-1-Q1</AmazonProviderCreditReversalId><SellerId>A2X</SellerId><ProviderSellerId>A2P</ProviderSellerId><CreditReversalReferenceId>crr1</CreditReversalReferenceId>" + money("CreditReversalAmount", "5.0") +
				created + statusXML("CreditReversalStatus", "Completed", "") + "<CreditReversalNote>note</CreditReversalNote>",
			&amazonpay.ProviderCreditReversalDetails{
				AmazonProviderCreditReversalID: "S01-1-Q1", SellerID: "A2X", ProviderID: "A2P", CreditReversalReferenceID: "crr1", CreditReversalAmount: usd("5"),
				CreationTimestamp: at(21, 15, 55, 18), CreditReversalStatus: status(amazonpay.StateCompleted, ""), CreditReversalNote: "note",
			}, "S01-1-Q1", amazonpay.StateCompleted,
		},
		{
			"Chargeback Detailed Notification", amazonpay.NotificationChargeback, "ChargebackNotification", "ChargebackDetails",
			"<AmazonChargebackId>cb1</AmazonChargebackId><AmazonOrderReferenceId>P01-1234567-1234567</AmazonOrderReferenceId><AmazonCaptureReferenceId>cap1</AmazonCaptureReferenceId>" + created + money("ChargebackAmount", "5.0") +
				"<ChargebackState>RECEIVED</ChargebackState><ChargebackReason>Unauthorized Transaction Chargeback</ChargebackReason>",
			&amazonpay.Chargeback{
				AmazonChargebackID: "cb1", AmazonOrderReferenceID: "P01-1234567-1234567", CaptureReferenceID: "cap1", CreationTimestamp: at(21, 15, 55, 18),
				ChargebackAmount: usd("5"), ChargebackState: "RECEIVED", ChargebackReason: "Unauthorized Transaction Chargeback",
			}, "cb1", "",
		},
		{
			"SolutionProviderEvent", amazonpay.NotificationSolutionProvider, "SolutionProviderMerchantNotification", "MerchantRegistrationDetails",
			"<SellerId>A2X</SellerId><Type>Register</Type><Options><SolutionProviderOption><name>hostingType</name><value>hosted</value></SolutionProviderOption><SolutionProviderOption><name>lwaClientId</name><value>amzn1.application-oa2-client.1</value></SolutionProviderOption></Options>",
			&amazonpay.MerchantRegistration{SellerID: "A2X", Type: "Register", Options: []amazonpay.MerchantRegistrationOption{{Name: "hostingType", Value: "hosted"}, {Name: "lwaClientId", Value: "amzn1.application-oa2-client.1"}}},
			"A2X", "",
		},
	}
}

// carry has SNS carry a notification.
func carry(t *testing.T, kind, data string, change ...func(map[string]any)) *amazonpay.Notification {
	t.Helper()
	return accept(t, ipnVerifier(t), notification(notice(kind, data, change...)).sign("1", ipnKeys().leaf))
}

// Every payload, with every element that has been seen of it.
func TestPayloads(t *testing.T) {
	require.Len(t, payloads(), 9)
	for _, p := range payloads() {
		t.Run(p.wire, func(t *testing.T) {
			n := carry(t, p.wire, p.xml(ipnNamespace))
			assert.Equal(t, p.kind, n.Type)
			assert.Equal(t, p.want, n.Object)
			assert.Equal(t, p.id, n.ObjectID())
			assert.Equal(t, p.state, n.Status().State)
			assert.False(t, n.IsSample)
			assert.Equal(t, p.xml(ipnNamespace), n.Raw)
		})
	}
}

// What Amazon's own tests demand of a reader, and spellings that occurred.
func TestPayloadQuirks(t *testing.T) {
	for _, p := range payloads() {
		t.Run(p.wire, func(t *testing.T) {
			for _, namespace := range []string{
				"https://mws-eu.amazonservices.com/ipn/OffAmazonPayments/2013-01-01", "https://mws.amazonservices.com/ipn/OffAmazonPayments/2014-01-01",
				"http://payments.amazon.com/ipn/2012-12-25/", "",
			} {
				assert.Equal(t, p.want, carry(t, p.wire, p.xml(namespace)).Object, namespace)
			}
			prefixed := strings.NewReplacer("</", "</ns2:", "<?", "<?", "<", "<ns2:").Replace(p.xml(ipnNamespace)[39:])
			assert.Equal(t, p.want, carry(t, p.wire, prefixed).Object, "prefix")
			for _, spelling := range []string{strings.ToUpper(p.wire), strings.ReplaceAll(p.wire, " ", "")} {
				n := carry(t, spelling, p.xml(ipnNamespace))
				assert.Equal(t, p.want, n.Object, spelling)
				assert.Equal(t, p.kind, n.Type)
			}

			more := p
			more.fields = "<New><Deep>x</Deep></New>" + strings.ReplaceAll(p.fields, "<CreationTimestamp>", "<New attribute='x'/><CreationTimestamp>")
			assert.Equal(t, p.want, carry(t, p.wire, strings.Replace(more.xml(ipnNamespace), "</"+p.root, "<New/></"+p.root, 1)).Object, "additional elements")

			empty := carry(t, p.wire, "<"+p.root+"></"+p.root+">")
			require.NotNil(t, empty.Object)
			assert.IsType(t, p.want, empty.Object)
			assert.Empty(t, empty.ObjectID())
			assert.False(t, empty.IsSample)
		})
	}
}

// A test message of Seller Central is told apart, by its flag or by its id.
func TestSamples(t *testing.T) {
	sample := func(m map[string]any) {
		m["IsSample"], m["NotificationReferenceId"], m["MarketplaceID"] = true, "1111111-1111-11111-1111-11111EXAMPLE", "A3BXB0YN3XH17H"
	}
	data := "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<RefundNotification xmlns=\"" + ipnNamespace + "\">\n    <RefundDetails>\n        <AmazonRefundId>P01-0000000-0000000-000000</AmazonRefundId>\n        <RefundAmount>\n            <Amount>0.0</Amount>\n            <CurrencyCode>USD</CurrencyCode>\n        </RefundAmount>\n        <RefundStatus>\n            <State>Completed</State>\n            <LastUpdateTimestamp>2013-01-01T01:01:01.001Z</LastUpdateTimestamp>\n            <ReasonCode>None</ReasonCode>\n        </RefundStatus>\n    </RefundDetails>\n</RefundNotification>"
	assert.True(t, carry(t, "PaymentRefund", data).IsSample, "by its id")
	n := carry(t, "PaymentRefund", strings.Replace(data, "0000000-000000<", "1234567-123456<", 1), sample)
	assert.True(t, n.IsSample, "by its flag")
	assert.Equal(t, "A3BXB0YN3XH17H", n.MarketplaceID)
	assert.Empty(t, n.Status().ReasonCode)
	for _, value := range []any{false, nil, "false", 0} {
		assert.False(t, carry(t, "PaymentCapture", ipnPayment, func(m map[string]any) { m["IsSample"] = value }).IsSample, value)
	}
	assert.True(t, carry(t, "PaymentCapture", ipnPayment, func(m map[string]any) { m["IsSample"] = "true" }).IsSample)
}

// What this version does not know passes, with what Amazon sent.
func TestUnknownNotifications(t *testing.T) {
	n := carry(t, "LedgerEvent", "<Ledger>1</Ledger>", func(m map[string]any) { m["New"] = map[string]any{"a": []int{1}} })
	assert.Equal(t, amazonpay.NotificationType("LedgerEvent"), n.Type)
	assert.Nil(t, n.Object)
	assert.Equal(t, "<Ledger>1</Ledger>", n.Raw)
	assert.Empty(t, n.ObjectID())
	assert.Equal(t, amazonpay.Status{}, n.Status())

	n = carry(t, "ChargebackDetailedNotification", "chargeback of 5.00 received")
	assert.Equal(t, amazonpay.NotificationChargeback, n.Type)
	assert.Nil(t, n.Object)
	assert.Equal(t, "chargeback of 5.00 received", n.Raw)

	agreement := payloads()[1]
	for _, event := range []amazonpay.BillingAgreementEventType{"", amazonpay.BillingAgreementStatusUpdated, amazonpay.PaymentMethodUpdated, amazonpay.AddressUpdated, amazonpay.AddressAndPaymentMethodUpdated, "SomethingNew"} {
		n := carry(t, agreement.wire, agreement.xml(ipnNamespace), func(m map[string]any) { m["EventType"] = string(event) })
		assert.Equal(t, event, n.EventType)
		assert.Equal(t, agreement.want, n.Object)
	}
}

// Old messages wrote the time with a 12-hour clock.
func TestEventTime(t *testing.T) {
	for _, c := range []struct{ published, written, want string }{
		{"2015-11-21T15:55:19.625Z", "2015-11-21T03:55:19Z", "2015-11-21T15:55:19Z"},
		{"2015-11-21T00:47:27.455Z", "2015-11-21T12:47:27Z", "2015-11-21T00:47:27Z"},
		{"2015-11-21T19:21:13.910Z", "2015-11-21T07:21:13Z", "2015-11-21T19:21:13Z"},
		{"2019-03-05T11:22:33.456Z", "2019-03-05T11:22:33.400Z", "2019-03-05T11:22:33.4Z"},
		{"2019-03-05T11:22:33.456Z", "2019-03-05T09:22:33.400Z", "2019-03-05T09:22:33.4Z"},
		{"2019-03-05T11:22:33.456Z", "yesterday", "0001-01-01T00:00:00Z"},
		{"2019-03-05T11:22:33.456Z", "", "0001-01-01T00:00:00Z"},
	} {
		e := notification(notice("PaymentCapture", ipnPayment, func(m map[string]any) {
			if m["Timestamp"] = c.written; c.written == "" {
				delete(m, "Timestamp")
			}
		})).set("Timestamp", c.published).sign("1", ipnKeys().leaf)
		always := certify(signing(func(c *x509.Certificate) { c.NotBefore = ipnRoot().NotBefore }), ipnRoot(), ipnKeys().leaf, ipnKeys().ca)
		n := accept(t, ipnVerifier(t, func(config *amazonpay.VerifierConfig) {
			config.HTTPClient.Transport = &snsHost{answer: page(http.StatusOK, pemOf(always))}
		}), e)
		assert.Equal(t, c.want, n.EventTime.Format(time.RFC3339Nano))
		assert.Equal(t, c.published, n.Timestamp.Format("2006-01-02T15:04:05.000Z"))
	}
}

// A field that cannot be read does not lose a payment; the log names it.
func TestUnreadableFields(t *testing.T) {
	var log bytes.Buffer
	v := ipnVerifier(t, func(c *amazonpay.VerifierConfig) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	data := strings.Replace(strings.Replace(ipnPayment, "94.50", "9,450", 1), "2019-03-05T11:22:30.000Z", "noon", 1)
	n := accept(t, v, notification(notice("PaymentCapture", data)).sign("1", ipnKeys().leaf))
	capture := n.Object.(*amazonpay.Capture)
	assert.True(t, capture.CaptureAmount.IsZero())
	assert.True(t, capture.CreationTimestamp.IsZero())
	assert.Equal(t, amazonpay.StateCompleted, capture.CaptureStatus.State)
	assert.Contains(t, log.String(), "field=CaptureDetails/CaptureAmount")
	assert.Contains(t, log.String(), "field=CaptureDetails/CreationTimestamp")
	assert.NotContains(t, log.String(), "9,450")
}

// Neither fmt nor slog shows what a notification says.
func TestNotificationHidesItsContents(t *testing.T) {
	n := carry(t, "PaymentAuthorize", strings.NewReplacer("<Name>n<", "<Name>Hidden Person<", "<l1<", "<l1<").Replace(payloads()[2].xml(ipnNamespace)))
	require.Equal(t, "Hidden Person", n.Object.(*amazonpay.Authorization).AuthorizationBillingAddress.Name)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "n", n)
	for _, text := range []string{fmt.Sprint(n), fmt.Sprintf("%v %+v %s", n, n, n), log.String()} {
		assert.NotContains(t, text, "Hidden")
		assert.NotContains(t, text, "<AuthorizationDetails>")
		assert.Contains(t, text, "S01-1-A1")
	}
	assert.Equal(t, "amazonpay.Notification("+ipnID+", PaymentAuthorize, S01-1-A1 Declined)", n.String())
}

func TestNewerThan(t *testing.T) {
	early, late := at(1), at(2)
	type s = amazonpay.Status
	for _, c := range []struct {
		name       string
		known, now s
		want       bool
	}{
		{"nothing known", s{}, s{State: "Pending"}, true},
		{"later", s{State: "Pending", LastUpdateTimestamp: early}, s{State: "Completed", LastUpdateTimestamp: late}, true},
		{"late Pending", s{State: "Completed", LastUpdateTimestamp: early}, s{State: "Pending", LastUpdateTimestamp: early}, false},
		{"late Pending with a later time", s{State: "Completed", LastUpdateTimestamp: early}, s{State: "Pending", LastUpdateTimestamp: late}, false},
		{"same second, further", s{State: "Pending", LastUpdateTimestamp: early}, s{State: "Completed", LastUpdateTimestamp: early}, true},
		{"no times, further", s{State: "Pending"}, s{State: "Declined"}, true},
		{"no times, back", s{State: "Open"}, s{State: "Pending"}, false},
		{"repeated", s{State: "Open", LastUpdateTimestamp: early}, s{State: "Open", LastUpdateTimestamp: early}, false},
		{"same state again", s{State: "Open", LastUpdateTimestamp: early}, s{State: "Open", LastUpdateTimestamp: late}, true},
		{"suspended", s{State: "Open", LastUpdateTimestamp: early}, s{State: "Suspended", LastUpdateTimestamp: late}, true},
		{"reopened", s{State: "Suspended", LastUpdateTimestamp: early}, s{State: "Open", LastUpdateTimestamp: late}, true},
		{"late suspension", s{State: "Open", LastUpdateTimestamp: late}, s{State: "Suspended", LastUpdateTimestamp: early}, false},
		{"suspended, time not kept", s{State: "Open"}, s{State: "Suspended", LastUpdateTimestamp: late}, true},
		{"refunded", s{State: "Completed", LastUpdateTimestamp: early}, s{State: "Closed", LastUpdateTimestamp: late}, true},
		{"late Completed", s{State: "Closed", LastUpdateTimestamp: early}, s{State: "Completed", LastUpdateTimestamp: late}, false},
		{"out of a final state", s{State: "Closed", LastUpdateTimestamp: early}, s{State: "Open", LastUpdateTimestamp: late}, false},
		{"between final states", s{State: "Canceled", LastUpdateTimestamp: early}, s{State: "Closed", LastUpdateTimestamp: late}, false},
		{"final state again", s{State: "Closed", LastUpdateTimestamp: early}, s{State: "Closed", LastUpdateTimestamp: late}, true},
		{"unknown state", s{State: "Completed", LastUpdateTimestamp: early}, s{State: "Disputed", LastUpdateTimestamp: late}, true},
		{"late unknown state", s{State: "Completed", LastUpdateTimestamp: late}, s{State: "Disputed", LastUpdateTimestamp: early}, false},
		{"from an unknown state", s{State: "Disputed", LastUpdateTimestamp: early}, s{State: "Pending", LastUpdateTimestamp: late}, true},
		{"draft", s{State: "Draft", LastUpdateTimestamp: early}, s{State: "Open", LastUpdateTimestamp: early}, true},
	} {
		n := &amazonpay.Notification{Object: &amazonpay.Capture{CaptureStatus: c.now}}
		assert.Equal(t, c.want, n.NewerThan(c.known), c.name)
	}
	assert.True(t, (&amazonpay.Notification{Object: &amazonpay.Chargeback{}}).NewerThan(s{}))
}

// Old messages write states in capitals.
func TestStatesInCapitals(t *testing.T) {
	for _, state := range []amazonpay.State{
		amazonpay.StateDraft, amazonpay.StateOpen, amazonpay.StateSuspended, amazonpay.StateCanceled,
		amazonpay.StateClosed, amazonpay.StatePending, amazonpay.StateDeclined, amazonpay.StateCompleted,
	} {
		data := strings.Replace(ipnPayment, ">Completed<", ">"+strings.ToUpper(string(state))+"<", 1)
		assert.Equal(t, state, carry(t, "PaymentCapture", data).Status().State)
	}
	data := strings.Replace(ipnPayment, ">Completed<", ">Disputed<", 1)
	assert.Equal(t, amazonpay.State("Disputed"), carry(t, "PaymentCapture", data).Status().State)
}
