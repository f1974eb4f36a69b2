package amazonpaytest_test

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

var updateGoldens = flag.Bool("update", false, "write the goldens of notifications anew")

// note is a notification that has been verified.
type note struct {
	outer map[string]string
	inner map[string]any
	data  result // NotificationData; nothing for other messages than notifications
}

func (n note) kind() string { return fmt.Sprint(n.inner["NotificationType"]) }

// summary says what was told: of what, and where it stands.
func (n note) summary() string {
	for path, texts := range n.data.texts {
		if strings.Count(path, "/") == 1 && strings.HasSuffix(path, "Status/State") {
			parent := strings.TrimSuffix(path, "State")
			event := ""
			if e, ok := n.inner["EventType"]; ok && e != "BillingAgreementStatusUpdated" {
				event = " " + e.(string)
			}
			return strings.TrimSpace(n.kind()+" "+texts[0]+" "+n.data.get(parent+"ReasonCode")) + event
		}
	}
	return n.kind()
}

var (
	pemShape = regexp.MustCompile(`\A-----BEGIN CERTIFICATE-----\n[A-Za-z\d+/\n]+={0,2}\n-----END CERTIFICATE-----\n\z`)
	urlShape = regexp.MustCompile(`\Ahttps://sns\.(us-east-1|eu-west-1|us-west-2)\.amazonaws\.com/SimpleNotificationService-[0-9a-f]{32}\.pem\z`)
)

// verify checks a message as strictly as any known implementation does, and a
// bit more. It has nothing in common with the fake's signer.
func (s *shop) verify(header http.Header, body []byte) note {
	s.t.Helper()
	require.Equal(s.t, "text/plain; charset=UTF-8", header.Get("Content-Type"))
	require.Equal(s.t, "Amazon Simple Notification Service Agent", header.Get("User-Agent"))
	require.True(s.t, bytes.HasPrefix(body, []byte("{\n  \"Type\" : \"")))
	n := note{}
	require.NoError(s.t, json.Unmarshal(body, &n.outer))
	require.Equal(s.t, n.outer["Type"], header.Get("x-amz-sns-message-type"))
	require.Equal(s.t, n.outer["MessageId"], header.Get("x-amz-sns-message-id"))
	require.Equal(s.t, n.outer["TopicArn"], header.Get("x-amz-sns-topic-arn"))
	require.Regexp(s.t, `^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`, n.outer["MessageId"])
	require.Regexp(s.t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`, n.outer["Timestamp"])
	require.NotContains(s.t, n.outer, "MessageAttributes")

	address := n.outer["SigningCertURL"]
	require.Regexp(s.t, urlShape, address)
	if arn := strings.Split(n.outer["TopicArn"], ":"); len(arn) == 6 {
		require.Contains(s.t, address, "https://sns."+arn[3]+".amazonaws.com/")
	}
	resp, err := (&http.Client{Transport: s.fake}).Get(address)
	require.NoError(s.t, err)
	require.Equal(s.t, http.StatusOK, resp.StatusCode)
	text, err := io.ReadAll(resp.Body)
	require.NoError(s.t, err)
	require.Regexp(s.t, pemShape, string(text))
	block, rest := pem.Decode(text)
	require.Empty(s.t, rest)
	certificate, err := x509.ParseCertificate(block.Bytes)
	require.NoError(s.t, err)
	require.Equal(s.t, "sns.amazonaws.com", certificate.Subject.CommonName)
	roots := x509.NewCertPool()
	require.True(s.t, roots.AppendCertsFromPEM(s.fake.CertificateAuthority()))
	for _, at := range []time.Time{time.Now(), s.fake.Now()} {
		_, err = certificate.Verify(x509.VerifyOptions{Roots: roots, DNSName: "sns.amazonaws.com", CurrentTime: at})
		require.NoError(s.t, err)
	}

	names := []string{"Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"}
	if n.outer["Type"] != "Notification" {
		names = []string{"Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"}
	}
	var signed strings.Builder
	for _, name := range names {
		if value, ok := n.outer[name]; ok {
			signed.WriteString(name + "\n" + value + "\n")
		}
	}
	signature, err := base64.StdEncoding.Strict().DecodeString(n.outer["Signature"])
	require.NoError(s.t, err)
	sum1, sum2 := sha1.Sum([]byte(signed.String())), sha256.Sum256([]byte(signed.String()))
	hash, digest := crypto.SHA256, sum2[:]
	if n.outer["SignatureVersion"] == "1" {
		hash, digest = crypto.SHA1, sum1[:]
	}
	require.NoError(s.t, rsa.VerifyPKCS1v15(certificate.PublicKey.(*rsa.PublicKey), hash, digest, signature))

	if n.outer["Type"] != "Notification" {
		return n
	}
	require.Regexp(s.t, "^"+regexp.QuoteMeta(n.outer["TopicArn"])+":[0-9a-f-]{36}$", header.Get("x-amz-sns-subscription-arn"))
	require.Contains(s.t, n.outer["UnsubscribeURL"], "/?Action=Unsubscribe&SubscriptionArn="+n.outer["TopicArn"])
	require.NotRegexp(s.t, `[^\\]/`, n.outer["Message"]) // as recorded
	if json.Unmarshal([]byte(n.outer["Message"]), &n.inner) == nil {
		require.Equal(s.t, "2013-01-01", n.inner["Version"])
		require.Equal(s.t, n.outer["Timestamp"], n.inner["Timestamp"])
		if data, _ := n.inner["NotificationData"].(string); strings.HasPrefix(data, "<?xml") {
			require.Contains(s.t, data, ` xmlns="https://mws.amazonservices.com/ipn/OffAmazonPayments/2013-01-01">`)
			n.data = s.read(&http.Response{StatusCode: 200, Header: http.Header{"X-Mws-Request-Id": {"-"}}, Body: io.NopCloser(strings.NewReader(data))}, nil)
		}
	}
	return n
}

// inbox is a merchant: a receiver that verifies what comes, and answers with
// the statuses in turn, the last for good.
type inbox struct {
	s        *shop
	mu       sync.Mutex
	statuses []int
	notes    []note
}

func (s *shop) listen(statuses ...int) *inbox {
	in := &inbox{s: s, statuses: statuses}
	s.fake.Notify(in)
	return in
}

func (in *inbox) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	require.NoError(in.s.t, err)
	require.Equal(in.s.t, http.MethodPost, req.Method)
	n := in.s.verify(req.Header, body)
	in.mu.Lock()
	defer in.mu.Unlock()
	in.notes = append(in.notes, n)
	if len(in.statuses) > 0 {
		w.WriteHeader(in.statuses[0])
		in.statuses = in.statuses[min(1, len(in.statuses)-1):]
	}
}

// told delivers, and says what has come since the last time.
func (in *inbox) told() []string {
	in.s.fake.Deliver()
	in.mu.Lock()
	defer in.mu.Unlock()
	var all []string
	for _, n := range in.notes {
		all = append(all, n.summary())
	}
	in.notes = nil
	return all
}

// Everything that happens in the life of a subscription, and what is told.
func TestNotificationsOfASubscription(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{})
	in := s.listen()
	agreement := s.fake.NewBillingAgreement().Consent()
	id := []string{"AmazonBillingAgreementId", string(agreement.ID())}
	charge := func(reference string, more ...string) result {
		return s.charge(agreement, reference, "10", append([]string{"CaptureNow", "true"}, more...)...).ok()
	}
	var captured string
	steps := []struct {
		name string
		do   func()
		want []string
	}{
		{"a draft", func() {}, nil},
		{"confirmed", func() { s.do("ConfirmBillingAgreement", id...).ok() }, []string{"BillingAgreementNotification Open"}},
		{"confirmed again", func() { s.do("ConfirmBillingAgreement", id...).ok() }, nil},
		{"charged", func() { captured = charge("m1").get("IdList/member") },
			[]string{"PaymentAuthorize Closed MaxCapturesProcessed", "PaymentCapture Completed", "OrderReferenceNotification Closed SellerClosed"}},
		{"the same again", func() { charge("m1") }, nil},
		{"refused", func() { s.charge(agreement, "m2", "5000").refused(400, "PeriodicAmountExceeded") }, nil},
		{"refunded", func() { s.refund(captured, "r1", "11.50").ok() }, nil},
		{"an hour later", func() { s.fake.Advance(time.Hour) }, []string{"PaymentRefund Completed", "PaymentCapture Closed MaxAmountRefunded"}},
		{"asynchronous", func() { charge("m3", "TransactionTimeout", "60") }, []string{"OrderReferenceNotification Closed SellerClosed"}},
		{"a minute later", func() { s.fake.Advance(time.Minute) },
			[]string{"PaymentAuthorize Closed MaxCapturesProcessed", "PaymentCapture Completed"}},
		{"another card in the widget", func() { agreement.ChoosePaymentMethod(amazonpaytest.BadCard) }, nil},
		{"and confirmed", func() { s.do("ConfirmBillingAgreement", id...).ok() }, []string{"BillingAgreementNotification Open PaymentMethodUpdated"}},
		{"another address", func() {
			agreement.ChangeAddress(amazonpay.Address{City: "Oslo"})
			s.do("ConfirmBillingAgreement", id...).ok()
		},
			[]string{"BillingAgreementNotification Open AddressUpdated"}},
		{"declined", func() { charge("m4") }, []string{"PaymentAuthorize Declined InvalidPaymentMethod",
			"BillingAgreementNotification Suspended InvalidPaymentMethod", "OrderReferenceNotification Closed SellerClosed"}},
		{"repaired in the widgets", func() {
			agreement.ChoosePaymentMethod(amazonpaytest.GoodCard).ChangeAddress(amazonpay.Address{City: "Bergen"})
			s.do("ConfirmBillingAgreement", id...).ok()
		}, []string{"BillingAgreementNotification Open AddressAndPaymentMethodUpdated"}},
		{"the card deleted", func() { agreement.DeletePaymentMethod() }, []string{"BillingAgreementNotification Suspended InvalidPaymentMethod"}},
		{"repaired at Amazon's", func() { agreement.UpdatePaymentMethod(amazonpaytest.GoodCard) }, []string{"BillingAgreementNotification Open PaymentMethodUpdated"}},
		{"validated", func() { s.do("ValidateBillingAgreement", id...).ok() }, nil},
		{"left open", func() { s.charge(agreement, "m5", "10").ok() },
			[]string{"PaymentAuthorize Open", "OrderReferenceNotification Closed SellerClosed"}},
		{"a month later", func() { s.fake.Advance(31 * 24 * time.Hour) }, []string{"PaymentAuthorize Closed ExpiredUnused"}},
		{"an order of it", func() {
			s.do("CreateOrderReferenceForId", "Id", string(agreement.ID()), "IdType", "BillingAgreement", "ConfirmNow", "true",
				"OrderReferenceAttributes.OrderTotal.Amount", "5", "OrderReferenceAttributes.OrderTotal.CurrencyCode", "USD").ok()
		}, []string{"OrderReferenceNotification Open"}},
		{"a decline that repairs itself", func() {
			charge("m6", "SellerAuthorizationNote", `{"SandboxSimulation": {"State":"Declined","ReasonCode":"InvalidPaymentMethod","PaymentMethodUpdateTimeInMins":5}}`)
			s.fake.Deliver()
			s.fake.Advance(5 * time.Minute)
		}, []string{"PaymentAuthorize Declined InvalidPaymentMethod", "BillingAgreementNotification Suspended InvalidPaymentMethod",
			"OrderReferenceNotification Closed SellerClosed", "BillingAgreementNotification Open PaymentMethodUpdated"}},
		{"canceled by Amazon", func() { agreement.AmazonCancel() },
			[]string{"BillingAgreementNotification Canceled AmazonCanceled", "OrderReferenceNotification Canceled AmazonCanceled"}},
		{"nothing is left to do", func() { agreement.Cancel(); agreement.UpdatePaymentMethod(amazonpaytest.BadCard) }, nil},
		{"another buyer leaves", func() { s.subscription(amazonpaytest.Checkout{}).Cancel() },
			[]string{"BillingAgreementNotification Open", "BillingAgreementNotification Closed BuyerClosed"}},
		{"one never came back", func() { s.fake.NewBillingAgreement(); s.fake.Advance(3 * time.Hour) }, []string{"BillingAgreementNotification Canceled Stale"}},
	}
	for _, step := range steps {
		step.do()
		require.Equal(t, step.want, in.told(), step.name)
	}
}

// And in the life of a one-time order.
func TestNotificationsOfAnOrder(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{Providers: []string{"PROVIDER"}})
	in := s.listen()
	order := s.purchase(amazonpaytest.Checkout{}, "100", "USD")
	require.Equal(t, []string{"OrderReferenceNotification Open"}, in.told())
	auth := s.authorize(order.ID(), "a1", "60").ok().get("AmazonAuthorizationId")
	require.Equal(t, []string{"PaymentAuthorize Open"}, in.told())
	captured := s.capture(auth, "c1", "60", "ProviderCreditList.member.1.ProviderId", "PROVIDER",
		"ProviderCreditList.member.1.CreditAmount.Amount", "2", "ProviderCreditList.member.1.CreditAmount.CurrencyCode", "USD").ok()
	require.Equal(t, []string{"PaymentAuthorize Closed MaxCapturesProcessed", "PaymentCapture Completed", "ProviderCredit Completed"}, in.told())
	s.do("ReverseProviderCredit", "AmazonProviderCreditId", captured.get("ProviderCreditId"), "CreditReversalReferenceId", "q1",
		"CreditReversalAmount.Amount", "2", "CreditReversalAmount.CurrencyCode", "USD").ok()
	require.Equal(t, []string{"ProviderCreditReversal Completed", "ProviderCredit Closed MaxAmountReversed"}, in.told())
	s.authorize(order.ID(), "a2", "55", "CaptureNow", "true").ok()
	require.Equal(t, []string{"PaymentAuthorize Closed MaxCapturesProcessed", "PaymentCapture Completed",
		"OrderReferenceNotification Closed MaxAmountCharged"}, in.told())

	late := s.purchase(amazonpaytest.Checkout{}, "10", "USD")
	auth = s.authorize(late.ID(), "a3", "5").ok().get("AmazonAuthorizationId")
	s.fake.Advance(8 * 24 * time.Hour)
	in.told()
	s.capture(auth, "c3", "5").ok().has("CaptureStatus/State", "Pending")
	require.Equal(t, []string{"PaymentAuthorize Closed MaxCapturesProcessed"}, in.told())
	s.fake.Advance(time.Hour)
	require.Equal(t, []string{"PaymentCapture Completed"}, in.told())
	s.authorize(late.ID(), "a4", "5").ok()
	in.told()
	late.AmazonCancel()
	require.Equal(t, []string{"OrderReferenceNotification Canceled AmazonCanceled", "PaymentAuthorize Closed OrderReferenceCanceled"}, in.told())
	rejected := s.purchase(amazonpaytest.Checkout{Payment: amazonpaytest.RejectedCard}, "10", "USD")
	in.told()
	s.authorize(rejected.ID(), "a5", "5").ok()
	require.Equal(t, []string{"PaymentAuthorize Declined AmazonRejected", "OrderReferenceNotification Closed AmazonClosed"}, in.told())
	bad := s.purchase(amazonpaytest.Checkout{Payment: amazonpaytest.BadCard}, "10", "USD")
	s.authorize(bad.ID(), "a6", "5").ok()
	in.told()
	bad.UpdatePaymentMethod(amazonpaytest.GoodCard)
	require.Equal(t, []string{"OrderReferenceNotification Open"}, in.told())
	bad.AmazonClose()
	require.Equal(t, []string{"OrderReferenceNotification Closed AmazonClosed"}, in.told())
}

// Every type of notification, as it looks.
func TestNotificationPayloads(t *testing.T) {
	const strange = `é 日本 & < "x" /`
	s := newShop(t, amazonpaytest.Settings{Region: amazonpay.RegionUK, Providers: []string{"PROVIDER"}, AllowListed: true})
	in := s.listen()
	agreement := s.fake.NewBillingAgreement().Consent()
	s.do("SetBillingAgreementDetails", "AmazonBillingAgreementId", string(agreement.ID()), "BillingAgreementAttributes.SellerNote", strange,
		"BillingAgreementAttributes.SellerBillingAgreementAttributes.SellerBillingAgreementId", strange).ok()
	s.do("ConfirmBillingAgreement", "AmazonBillingAgreementId", string(agreement.ID())).ok()
	order := s.fake.NewOrderReference()
	const prefix = "OrderReferenceAttributes."
	s.do("SetOrderReferenceDetails", "AmazonOrderReferenceId", string(order.ID()), prefix+"OrderTotal.Amount", "94.50", prefix+"OrderTotal.CurrencyCode", "USD",
		prefix+"SellerNote", strange, prefix+"SellerOrderAttributes.SellerOrderId", strange,
		prefix+"SellerOrderAttributes.OrderItemCategories.OrderItemCategory.1", "Antiques").ok()
	s.do("ConfirmOrderReference", "AmazonOrderReferenceId", string(order.ID())).ok()
	share := func(list, price string) []string {
		return []string{list + ".member.1.ProviderId", "PROVIDER", list + ".member.1." + price + ".Amount", "1.00", list + ".member.1." + price + ".CurrencyCode", "USD"}
	}
	auth := s.authorize(order.ID(), "a", "50", "SellerAuthorizationNote", strange, "OrderItemCategories.OrderItemCategory.1", "Antiques").ok().get("AmazonAuthorizationId")
	captured := s.capture(auth, "c", "50", append(share("ProviderCreditList", "CreditAmount"), "SellerCaptureNote", strange)...).ok().get("AmazonCaptureId")
	s.refund(captured, "r", "20", append(share("ProviderCreditReversalList", "CreditReversalAmount"), "SellerRefundNote", strange)...).ok()
	s.fake.Advance(time.Hour)
	s.fake.Chargeback(amazonpay.CaptureID(captured), amazonpay.MustPrice("50", "USD"), "Unauthorized Transaction Chargeback")
	s.fake.RegisterMerchant("ANOTHERSELLER", map[string]string{"lwaClientId": strange, "hostingType": "hosted"})
	s.fake.Deliver()

	wants := []struct {
		kind  string
		root  string
		has   []string
		paths []string
	}{
		{"OrderReferenceNotification", "OrderReferenceNotification", []string{"AmazonOrderReferenceId", string(order.ID()), "SellerNote", strange,
			"SellerOrderId", strange, "SellerOrderAttributes/SellerId", testSeller, "OrderItemCategory", "Antiques", "OrderTotal/Amount", "94.50"}, nil},
		{"BillingAgreementNotification", "BillingAgreementNotification", []string{"SellerBillingAgreementAttributes/SellerId", testSeller,
			"SellerBillingAgreementId", strange, "BillingAgreementConsent", "true", "BillingAgreementStatus/LastUpdateTimestamp", "2026-01-15T12:00:00.000Z"},
			[]string{"BillingAgreement/BillingAgreementLimits/CurrentRemainingBalance/Amount", "BillingAgreement/BillingAgreementLimits/TimePeriodEndDate"}},
		{"PaymentAuthorize", "AuthorizationNotification", []string{"SellerAuthorizationNote", strange, "CapturedAmount/Amount", "50", "IdList/Id", captured,
			"AddressVerificationCode", "AddressAndPostalCodeMatch", "OrderItemCategory", "Antiques", "CaptureNow", "false"},
			[]string{"AuthorizationDetails/AuthorizationBillingAddress/PostalCode"}},
		{"PaymentCapture", "CaptureNotification", []string{"SellerCaptureNote", strange, "ConvertedAmount/CurrencyCode", "GBP", "ConversionRate", "1.25",
			"ProviderCreditSummary/ProviderSellerId", "PROVIDER"}, []string{"CaptureDetails/ProviderCreditSummaryList/ProviderCreditSummary/ProviderCreditId", "CaptureDetails/IdList"}},
		{"PaymentRefund", "RefundNotification", []string{"SellerRefundNote", strange, "RefundType", "SellerInitiated", "ProviderCreditReversalSummary/ProviderSellerId", "PROVIDER"},
			[]string{"RefundDetails/FeeRefunded/Amount", "RefundDetails/ProviderCreditReversalSummaryList/ProviderCreditReversalSummary/ProviderCreditReversalId"}},
		{"ProviderCredit", "ProviderCreditNotification", []string{"SellerId", testSeller, "ProviderSellerId", "PROVIDER", "CreditReferenceId", "c"}, nil},
		{"ProviderCreditReversal", "ProviderCreditReversalNotification", []string{"CreditReversalReferenceId", "r", "ProviderSellerId", "PROVIDER"}, nil},
		{"Chargeback Detailed Notification", "ChargebackNotification", []string{"AmazonOrderReferenceId", string(order.ID()), "AmazonCaptureReferenceId", "c",
			"ChargebackState", "RECEIVED", "ChargebackReason", "Unauthorized Transaction Chargeback", "ChargebackAmount/Amount", "50.00"}, nil},
		{"SolutionProviderEvent", "SolutionProviderMerchantNotification", []string{"SellerId", "ANOTHERSELLER", "Type", "Register",
			"SolutionProviderOption/name", "hostingType", "SolutionProviderOption/value", "hosted"}, nil},
	}
	for _, want := range wants {
		// The last of its kind: of the authorization, the one after the capture.
		var n note
		for _, other := range in.notes {
			if other.kind() == want.kind {
				n = other
			}
		}
		require.NotNil(t, n.inner, want.kind)
		n.data.has(want.has...)
		require.Contains(t, n.data.raw, "<"+want.root+" xmlns=")
		require.NotContains(t, n.data.raw, "<member>")
		require.NotContains(t, n.data.raw, "ReleaseEnvironment")
		for _, path := range want.paths {
			require.True(t, n.data.paths["./"+path], path)
		}
		require.Equal(t, "Sandbox", n.inner["ReleaseEnvironment"])
		require.NotContains(t, n.inner, "IsSample")
		golden := filepath.Join("testdata", "notifications", want.root+".xml")
		if *updateGoldens {
			require.NoError(t, os.MkdirAll(filepath.Dir(golden), 0o755))
			require.NoError(t, os.WriteFile(golden, []byte(n.data.raw+"\n"), 0o644))
		}
		text, err := os.ReadFile(golden)
		require.NoError(t, err)
		require.Equal(t, string(text), n.data.raw+"\n")
	}
	for _, n := range s.fake.Notifications()[:len(in.notes)-2] { // but for the chargeback and the merchant
		require.Equal(t, n.NotificationType, s.fake.Draft(n.ObjectID).NotificationType)
	}
	require.Equal(t, "ANOTHERSELLER", in.notes[len(in.notes)-1].inner["SellerId"])
	require.Regexp(t, `^[0-9a-f-]{36}anotherseller$`, in.notes[len(in.notes)-1].inner["NotificationReferenceId"])
}

// What can be signed, in every region: versions, samples, confirmations.
func TestSign(t *testing.T) {
	for _, tt := range []struct {
		region      amazonpay.Region
		environment amazonpay.Environment
		topic       string
		marketplace string
	}{
		{amazonpay.RegionNA, amazonpay.Sandbox, "us-east-1:291180941288:A3BXB0YN3XH17H", "623690"},
		{amazonpay.RegionNA, amazonpay.Production, "us-east-1:291180941288:AGWSWK15IEJJ7", "623680"},
		{amazonpay.RegionUK, amazonpay.Sandbox, "eu-west-1:291180941288:A1G8446IYHA4MR", "136311"},
		{amazonpay.RegionEU, amazonpay.Production, "eu-west-1:291180941288:A1G8446IYHA4MR", "A1G8446IYHA4MR"},
		{amazonpay.RegionJP, amazonpay.Sandbox, "us-west-2:291180941288:A31YDYE76E6TCP", "A31YDYE76E6TCP"},
	} {
		s := newShop(t, amazonpaytest.Settings{Region: tt.region, Environment: tt.environment})
		require.Equal(t, []string{"arn:aws:sns:" + tt.topic + testSeller, "arn:aws:sns:us-east-1:598607868003:A35A4JO734ER04" + testSeller}, s.fake.TopicARNs())
		agreement := s.fake.OpenBillingAgreement()
		for _, version := range []string{"", "1", "2"} {
			draft := s.fake.Draft(string(agreement.ID()))
			draft.SignatureVersion = version
			n := s.verify(s.fake.Sign(draft))
			require.Equal(t, "BillingAgreementNotification Open", n.summary())
			require.Equal(t, max(version, "1"), n.outer["SignatureVersion"])
			require.Equal(t, "arn:aws:sns:"+tt.topic+testSeller, n.outer["TopicArn"])
			require.Equal(t, tt.marketplace, n.inner["MarketplaceID"])
			require.Equal(t, testSeller, n.inner["SellerId"])
			require.NotContains(t, n.outer, "Subject")
		}
		for _, kind := range []string{"SubscriptionConfirmation", "UnsubscribeConfirmation"} {
			header, body := s.fake.Sign(amazonpaytest.Message{Type: kind, SignatureVersion: "2"})
			n := s.verify(header, body)
			require.Equal(t, kind == "SubscriptionConfirmation", header.Get("x-amz-sns-subscription-arn") == "")
			require.NotEmpty(t, n.outer["Token"])
			require.NotContains(t, n.outer, "UnsubscribeURL")
		}
		for _, kind := range []string{"OrderReferenceNotification", "PaymentAuthorize", "PaymentCapture", "PaymentRefund"} {
			n := s.verify(s.fake.Sign(amazonpaytest.Message{NotificationType: kind, Sample: true}))
			require.Equal(t, true, n.inner["IsSample"])
			require.Equal(t, "1111111-1111-11111-1111-11111EXAMPLE", n.inner["NotificationReferenceId"])
			require.Contains(t, n.data.raw, "P01-0000000-0000000-000000")
			require.Contains(t, n.data.raw, "2013-01-01T01:01:01.001Z")
			require.Contains(t, tt.topic, n.inner["MarketplaceID"])
		}
	}
	s := newShop(t, amazonpaytest.Settings{})
	n := s.verify(s.fake.Sign(amazonpaytest.Message{NotificationType: "New<Type>", Data: "no XML & é 日本 \"\\", Subject: "Über", SellerID: "OTHER", EventType: "E",
		TopicARN: "arn:aws:sns:eu-west-1:1:x", MessageID: "12345678-1234-1234-1234-123456789012", Time: start.Add(time.Hour)}))
	require.Equal(t, []any{"New<Type>", "no XML & é 日本 \"\\", "OTHER", "E"}, []any{n.kind(), n.inner["NotificationData"], n.inner["SellerId"], n.inner["EventType"]})
	require.Equal(t, []string{"Über", "arn:aws:sns:eu-west-1:1:x", "2026-01-15T13:00:00.000Z"}, []string{n.outer["Subject"], n.outer["TopicArn"], n.outer["Timestamp"]})
	require.Equal(t, "free text", s.verify(s.fake.Sign(amazonpaytest.Message{Text: "free text"})).outer["Message"])

	require.Panics(t, func() { s.fake.Sign(amazonpaytest.Message{NotificationType: "ProviderCredit", Sample: true}) })
	require.Panics(t, func() { s.fake.Draft("unknown") })
	require.Panics(t, func() { s.fake.Chargeback("unknown", amazonpay.Price{}, "") })
	require.Panics(t, func() { s.fake.SetDelivery(amazonpaytest.Delivery{SignatureVersion: "3"}) })
	require.Panics(t, func() { s.fake.SetDelivery(amazonpaytest.Delivery{Delay: -1}) })
	s.fake.Now() // no lock was kept
}

// Nothing else than the certificate itself is served where certificates are.
func TestCertificateAddress(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{})
	var outer struct{ SigningCertURL string }
	_, body := s.fake.Sign(amazonpaytest.Message{Text: "x"})
	require.NoError(t, json.Unmarshal(body, &outer))
	for _, address := range []string{
		strings.Replace(outer.SigningCertURL, "https://", "http://", 1),
		strings.Replace(outer.SigningCertURL, "amazonaws.com", "amazonaws.com.example", 1),
		outer.SigningCertURL + "?x=1",
		strings.Replace(outer.SigningCertURL, ".pem", "0.pem", 1),
	} {
		resp, err := (&http.Client{Transport: s.fake}).Get(address)
		require.NoError(t, err)
		require.Equal(t, http.StatusNotFound, resp.StatusCode, address)
	}
}

func TestOpenOrderReference(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{})
	order := s.fake.OpenOrderReference(amazonpay.MustPrice("94.50", "USD"))
	s.authorize(order.ID(), "a", "94.50").ok().has("AuthorizationStatus/State", "Open")
	for _, total := range []amazonpay.Price{{}, amazonpay.MustPrice("1", "EUR"), amazonpay.MustPrice("150000.01", "USD")} {
		require.Panics(t, func() { s.fake.OpenOrderReference(total) })
	}
	stateOf(t, s.fake.OpenBillingAgreement(), "Open", "")
}

// Three lines for a merchant's test: register, let something happen, deliver.
func ExampleFake_Notify() {
	fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	agreement := fake.OpenBillingAgreement()

	fake.Notify(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) { // your handler
		var envelope, message map[string]any
		if err := json.NewDecoder(req.Body).Decode(&envelope); err != nil {
			log.Fatal(err)
		}
		if err := json.Unmarshal([]byte(envelope["Message"].(string)), &message); err != nil {
			log.Fatal(err)
		}
		fmt.Println(req.Header.Get("x-amz-sns-message-type"), message["NotificationType"], message["EventType"])
	}))
	agreement.Cancel()
	fake.Deliver()
	for _, n := range fake.Notifications() {
		fmt.Println(n.State, n.Reason, n.Attempts, n.Status)
	}
	// Output:
	// Notification BillingAgreementNotification BillingAgreementStatusUpdated
	// Closed BuyerClosed 1 200
}
