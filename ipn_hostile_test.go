package amazonpay_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/amazonpay-go/amazonpay"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// hostile is something that must not pass.
type hostile struct {
	name   string
	want   amazonpay.Refusal
	body   func() []byte
	header func(http.Header)                           // changes the headers
	host   func(*http.Request) (*http.Response, error) // answers for SNS; nil serves the good certificate
	config func(*amazonpay.VerifierConfig)
	quiet  bool // no download must be made
}

// altered is a genuine notification, changed after it was signed.
func altered(change func(*envelope)) func() []byte {
	return func() []byte {
		e := signed()
		change(e)
		return e.json()
	}
}

// resigned is a message changed before it was signed.
func resigned(change func(*envelope)) func() []byte {
	return func() []byte {
		e := notification(notice("PaymentCapture", ipnPayment))
		change(e)
		return e.sign("1", ipnKeys().leaf).json()
	}
}

// inside is a genuine message with something else in it.
func inside(message string) func() []byte {
	return resigned(func(e *envelope) { e.set("Message", message) })
}

// saying is a genuine notification with other fields.
func saying(kind, data string, change ...func(map[string]any)) func() []byte {
	return func() []byte { return inside(notice(kind, data, change...))() }
}

func text(s string) func() []byte { return func() []byte { return []byte(s) } }

func genuine() []byte { return signed().json() }

// serving has SNS serve a certificate that is changed before it is signed.
func serving(change func(*x509.Certificate)) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		cert := certify(signing(change), ipnRoot(), ipnKeys().leaf, ipnKeys().ca)
		return page(http.StatusOK, pemOf(cert))(r)
	}
}

func certURL(url string) func() []byte {
	return func() []byte { return signed().set("SigningCertURL", url).json() }
}

func hostiles() []hostile {
	const host, path = "https://sns.us-east-1.amazonaws.com", "/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
	good := string(genuine())
	inner := signed().get("Message")
	cases := []hostile{
		// Not a message.
		{name: "empty body", want: amazonpay.RefusedEnvelope, body: text("")},
		{name: "white space", want: amazonpay.RefusedEnvelope, body: text(" \r\n")},
		{name: "not JSON", want: amazonpay.RefusedEnvelope, body: text("Type=Notification&Message=paid")},
		{name: "XML", want: amazonpay.RefusedEnvelope, body: text(ipnPayment)},
		{name: "array", want: amazonpay.RefusedEnvelope, body: text("[" + good + "]")},
		{name: "truncated", want: amazonpay.RefusedEnvelope, body: text(good[:len(good)/2])},
		{name: "last byte missing", want: amazonpay.RefusedEnvelope, body: text(good[:len(good)-1])},
		{name: "two messages", want: amazonpay.RefusedEnvelope, body: text(good + good)},
		{name: "something after it", want: amazonpay.RefusedEnvelope, body: text(good + "\x00")},
		{name: "huge", want: amazonpay.RefusedSize, body: text(good + strings.Repeat(" ", 1<<20))},
		{name: "nested too deep", want: amazonpay.RefusedEnvelope, body: text(`{"MessageAttributes":` + strings.Repeat("[", 200_000) + strings.Repeat("]", 200_000) + "," + good[1:])},
		{name: "nested and never closed", want: amazonpay.RefusedEnvelope, body: text(`{"a":` + strings.Repeat(`{"a":`, 100_000))},
		{name: "unknown name three times", want: amazonpay.RefusedEnvelope, body: text("{" + strings.Repeat(`"x":"",`, 3) + good[1:])},
		{name: "too many names", want: amazonpay.RefusedEnvelope, body: text("{" + manyNames() + good[1:])},
		{name: "not UTF-8", want: amazonpay.RefusedEnvelope, body: text(strings.Replace(good, "AMZ*shop", "AMZ*sh\xf8p", 1))},
		{name: "half a surrogate pair", want: amazonpay.RefusedEnvelope, body: text(strings.Replace(good, "AMZ*shop", `AMZ*\ud83d`, 1))},
		{name: "unknown escape", want: amazonpay.RefusedEnvelope, body: text(strings.Replace(good, "AMZ*shop", `AMZ\x2ashop`, 1))},
		{name: "raw line break in a text", want: amazonpay.RefusedEnvelope, body: text(strings.Replace(good, "AMZ*shop", "AMZ\nshop", 1))},
		{name: "name twice", want: amazonpay.RefusedEnvelope, body: text(strings.Replace(good, "{", `{"Message":"paid",`, 1))},
		{name: "name twice in other case", want: amazonpay.RefusedEnvelope, body: text(strings.Replace(good, "{", `{"message":"paid",`, 1))},
		{name: "name twice by an escape", want: amazonpay.RefusedEnvelope, body: text(strings.Replace(good, "{", `{"M\u0065ssage":"paid",`, 1))},
		{name: "message is an object", want: amazonpay.RefusedEnvelope, body: text(strings.Replace(good, `"`+ipnTime+`"`, `{"a":1}`, 1))},
		{name: "null message id", want: amazonpay.RefusedEnvelope, body: text(strings.Replace(good, `"`+ipnID+`"`, "null", 1))},
		{name: "no message", want: amazonpay.RefusedEnvelope, body: altered(func(e *envelope) { e.remove("Message") })},
		{name: "no signature", want: amazonpay.RefusedEnvelope, body: altered(func(e *envelope) { e.remove("Signature") })},
		{name: "empty signature", want: amazonpay.RefusedEnvelope, body: altered(func(e *envelope) { e.set("Signature", "") })},
		{name: "no certificate URL", want: amazonpay.RefusedEnvelope, body: altered(func(e *envelope) { e.remove("SigningCertURL") })},
		{name: "Lambda's spelling of the certificate URL", want: amazonpay.RefusedEnvelope, body: altered(func(e *envelope) { e.remove("SigningCertURL").set("SigningCertUrl", ipnCertURL) })},
		{name: "line break in the message id", want: amazonpay.RefusedEnvelope, body: resigned(func(e *envelope) { e.set("MessageId", ipnID+"\nSubject\nx") })},
		{name: "long message id", want: amazonpay.RefusedEnvelope, body: resigned(func(e *envelope) { e.set("MessageId", strings.Repeat("a", 65)) })},
		{name: "impossible time", want: amazonpay.RefusedEnvelope, body: resigned(func(e *envelope) { e.set("Timestamp", "2019-02-30T11:22:33.456Z") })},
		{name: "time without a zone", want: amazonpay.RefusedEnvelope, body: resigned(func(e *envelope) { e.set("Timestamp", "2019-03-05T11:22:33") })},
		{name: "confirmation without a token", want: amazonpay.RefusedEnvelope, body: func() []byte { return confirmation().remove("Token").sign("1", ipnKeys().leaf).json() }},

		// Headers.
		{name: "header of another type", want: amazonpay.RefusedHeader, body: genuine, header: func(h http.Header) { h.Set("x-amz-sns-message-type", "SubscriptionConfirmation") }},
		{name: "header of another topic", want: amazonpay.RefusedHeader, body: genuine, header: func(h http.Header) { h.Set("x-amz-sns-topic-arn", ipnTopic+"X") }},
		{name: "header of another message", want: amazonpay.RefusedHeader, body: genuine, header: func(h http.Header) { h.Set("x-amz-sns-message-id", "x") }},
		{name: "second header that disagrees", want: amazonpay.RefusedHeader, body: genuine, header: func(h http.Header) { h.Add("x-amz-sns-topic-arn", "x") }},

		// Type and version.
		{name: "unknown type", want: amazonpay.RefusedType, body: resigned(func(e *envelope) { e.set("Type", "Notice") })},
		{name: "type in lower case", want: amazonpay.RefusedType, body: resigned(func(e *envelope) { e.set("Type", "notification") })},
		{name: "genuine confirmation", want: amazonpay.RefusedType, body: func() []byte { return confirmation().sign("1", ipnKeys().leaf).json() }},
		{name: "genuine end of a subscription", want: amazonpay.RefusedType, body: func() []byte {
			return confirmation().set("Type", "UnsubscribeConfirmation").sign("1", ipnKeys().leaf).json()
		}, config: func(c *amazonpay.VerifierConfig) { c.ConfirmSubscriptions = true }},
		{name: "confirmation dressed as notification", want: amazonpay.RefusedSignature, body: func() []byte {
			return confirmation().sign("1", ipnKeys().leaf).set("Type", "Notification").json()
		}},
		{name: "notification dressed as confirmation", want: amazonpay.RefusedSignature, body: altered(func(e *envelope) {
			e.set("Type", "SubscriptionConfirmation").set("Token", "1").set("SubscribeURL", host+"/")
		})},
		{name: "version 3", want: amazonpay.RefusedVersion, body: altered(func(e *envelope) { e.set("SignatureVersion", "3") })},
		{name: "version with a space", want: amazonpay.RefusedVersion, body: altered(func(e *envelope) { e.set("SignatureVersion", "1 ") })},
		{name: "version 1 where it is not wanted", want: amazonpay.RefusedVersion, quiet: true, body: genuine, config: func(c *amazonpay.VerifierConfig) { c.SHA256Only = true }},
		{name: "version 1 passed off as 2", want: amazonpay.RefusedSignature, body: altered(func(e *envelope) { e.set("SignatureVersion", "2") })},
		{name: "version 2 passed off as 1", want: amazonpay.RefusedSignature, body: func() []byte {
			return notification(inner).sign("2", ipnKeys().leaf).set("SignatureVersion", "1").json()
		}},

		// Whose topic.
		{name: "stranger's topic", want: amazonpay.RefusedTopic, quiet: true, body: resigned(func(e *envelope) { e.set("TopicArn", strings.Replace(ipnTopic, "291180941288", "123456789012", 1)) })},
		{name: "topic of another seller", want: amazonpay.RefusedTopic, quiet: true, body: resigned(func(e *envelope) { e.set("TopicArn", strings.Replace(ipnTopic, ipnSeller, "A2ANOTHERSELL", 1)) })},
		{name: "seller in the middle of the topic", want: amazonpay.RefusedTopic, quiet: true, body: resigned(func(e *envelope) { e.set("TopicArn", ipnTopic+"X") })},
		{name: "topic without a marketplace", want: amazonpay.RefusedTopic, quiet: true, body: resigned(func(e *envelope) { e.set("TopicArn", "arn:aws:sns:us-east-1:291180941288:"+ipnSeller) })},
		{name: "seller at the end of another's id", want: amazonpay.RefusedTopic, quiet: true, body: resigned(func(e *envelope) {
			e.set("TopicArn", "arn:aws:sns:us-east-1:291180941288:A3BXB0YN3XH17HA2ANO"+ipnSeller)
		})},
		{name: "line break in the topic", want: amazonpay.RefusedTopic, quiet: true, body: resigned(func(e *envelope) { e.set("TopicArn", ipnTopic+"\nType\nNotification") })},
		{name: "colon more in the topic", want: amazonpay.RefusedTopic, quiet: true, body: resigned(func(e *envelope) { e.set("TopicArn", ipnTopic+":1") })},
		{name: "China's partition", want: amazonpay.RefusedTopic, quiet: true, body: resigned(func(e *envelope) { e.set("TopicArn", strings.Replace(ipnTopic, "arn:aws:", "arn:aws-cn:", 1)) })},
		{name: "bucket as the topic's region", want: amazonpay.RefusedTopic, quiet: true, body: resigned(func(e *envelope) {
			e.set("TopicArn", strings.Replace(ipnTopic, "us-east-1", "s3-us-west-2", 1)).set("SigningCertURL", strings.Replace(ipnCertURL, "us-east-1", "s3-us-west-2", 1))
		})},
		{name: "not the configured topic", want: amazonpay.RefusedTopic, quiet: true, body: genuine, config: func(c *amazonpay.VerifierConfig) { c.TopicARNs = []string{ipnTopic + "X"} }},
		{name: "not the configured account", want: amazonpay.RefusedTopic, quiet: true, body: genuine, config: func(c *amazonpay.VerifierConfig) { c.Accounts = []string{"123456789012"} }},

		// Certificate URL.
		{name: "URL of another region than the topic's", want: amazonpay.RefusedCertificateURL, quiet: true, body: certURL("https://sns.eu-west-1.amazonaws.com" + path)},

		// Download.
		{name: "404", want: amazonpay.RefusedDownload, body: genuine, host: page(404, pemOf(ipnLeaf()))},
		{name: "500", want: amazonpay.RefusedDownload, body: genuine, host: page(500, "")},
		{name: "206", want: amazonpay.RefusedDownload, body: genuine, host: page(206, pemOf(ipnLeaf()))},
		{name: "redirect", want: amazonpay.RefusedDownload, body: genuine, host: func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "evil.example" {
				return page(200, pemOf(ipnLeaf()))(r)
			}
			return page(302, pemOf(ipnLeaf()), "Location", "https://evil.example/x.pem")(r)
		}},
		{name: "network down", want: amazonpay.RefusedDownload, body: genuine, host: func(*http.Request) (*http.Response, error) { return nil, errors.New("no route") }},
		{name: "panic in the HTTP client", want: amazonpay.RefusedDownload, body: genuine, host: func(*http.Request) (*http.Response, error) { panic("client") }},
		{name: "HTML", want: amazonpay.RefusedDownload, body: genuine, host: page(200, "<html><body>Sign in to the network</body></html>")},
		{name: "nothing", want: amazonpay.RefusedDownload, body: genuine, host: page(200, "")},
		{name: "large file", want: amazonpay.RefusedDownload, body: genuine, host: page(200, pemOf(ipnLeaf())+strings.Repeat("\n", 20_000))},
		{name: "certificate inside of XML", want: amazonpay.RefusedDownload, body: genuine, host: page(200, "<Error><Value>\n"+pemOf(ipnLeaf())+"</Value></Error>")},
		{name: "text before the certificate", want: amazonpay.RefusedDownload, body: genuine, host: page(200, "subject=sns\n"+pemOf(ipnLeaf()))},
		{name: "text after the certificate", want: amazonpay.RefusedDownload, body: genuine, host: page(200, pemOf(ipnLeaf())+"subject=sns\n")},
		{name: "two certificates", want: amazonpay.RefusedDownload, body: genuine, host: page(200, pemOf(ipnLeaf(), ipnRoot()))},
		{name: "PEM headers", want: amazonpay.RefusedDownload, body: genuine, host: page(200, strings.Replace(pemOf(ipnLeaf()), "-----\n", "-----\nProc-Type: 4\n\n", 1))},
		{name: "public key instead of a certificate", want: amazonpay.RefusedDownload, body: genuine, host: page(200, strings.ReplaceAll(pemOf(ipnLeaf()), "CERTIFICATE", "PUBLIC KEY"))},
		{name: "damaged certificate", want: amazonpay.RefusedDownload, body: genuine, host: page(200, strings.Replace(pemOf(ipnLeaf()), "MII", "AAA", 1))},
		{name: "no TLS and no roots", want: amazonpay.RefusedDownload, body: genuine, config: func(c *amazonpay.VerifierConfig) { c.Roots = nil }},
		{name: "certificate source fails", want: amazonpay.RefusedDownload, body: genuine, config: func(c *amazonpay.VerifierConfig) {
			c.Certificates = func(context.Context, string) ([]byte, error) { return nil, errors.New("no such file") }
		}},

		// Certificate.
		{name: "self-signed", want: amazonpay.RefusedCertificate, body: genuine, host: page(200, pemOf(certify(signing(nil), signing(nil), ipnKeys().leaf, ipnKeys().leaf)))},
		{name: "another authority of the same name", want: amazonpay.RefusedCertificate, body: genuine, host: page(200, pemOf(certify(signing(nil), authority("Test Root", ipnKeys().other), ipnKeys().leaf, ipnKeys().other)))},
		{name: "expired at the message's time", want: amazonpay.RefusedCertificate, body: genuine, host: serving(func(c *x509.Certificate) { c.NotAfter = time.Date(2019, 3, 5, 11, 22, 33, 0, time.UTC) })},
		{name: "not yet valid at the message's time", want: amazonpay.RefusedCertificate, body: genuine, host: serving(func(c *x509.Certificate) { c.NotBefore = time.Date(2019, 3, 5, 11, 22, 34, 0, time.UTC) })},
		{name: "message from before the certificate", want: amazonpay.RefusedCertificate, body: resigned(func(e *envelope) { e.set("Timestamp", "2017-03-05T11:22:33.456Z") })},
		{name: "wrong subject", want: amazonpay.RefusedCertificate, body: genuine, host: serving(func(c *x509.Certificate) { c.Subject.CommonName = "shop.example" })},
		{name: "two subjects", want: amazonpay.RefusedCertificate, body: genuine, host: serving(func(c *x509.Certificate) {
			c.Subject.ExtraNames = []pkix.AttributeTypeAndValue{
				{Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: "shop.example"}, {Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: "sns.amazonaws.com"},
			}
		})},
		{name: "wrong alternative name", want: amazonpay.RefusedCertificate, body: genuine, host: serving(func(c *x509.Certificate) { c.DNSNames = []string{"sns.us-east-1.amazonaws.com"} })},
		{name: "wildcard", want: amazonpay.RefusedCertificate, body: genuine, host: serving(func(c *x509.Certificate) { c.DNSNames = []string{"*.amazonaws.com"} })},
		{name: "no alternative name", want: amazonpay.RefusedCertificate, body: genuine, host: serving(func(c *x509.Certificate) { c.DNSNames = nil })},
		{name: "weak key", want: amazonpay.RefusedCertificate, body: genuine, host: page(200, pemOf(certify(signing(nil), ipnRoot(), ipnKeys().weak, ipnKeys().ca)))},
		{name: "huge key", want: amazonpay.RefusedCertificate, body: genuine, host: page(200, pemOf(certify(signing(nil), ipnRoot(), hugeKey{}, ipnKeys().ca)))},
		{name: "not an RSA key", want: amazonpay.RefusedCertificate, body: genuine, host: func(r *http.Request) (*http.Response, error) {
			key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			return page(200, pemOf(certify(signing(nil), ipnRoot(), key, ipnKeys().ca)))(r)
		}},
		{name: "an authority's own certificate", want: amazonpay.RefusedCertificate, body: genuine, host: serving(func(c *x509.Certificate) { c.IsCA = true })},
		{name: "key that may not sign", want: amazonpay.RefusedCertificate, body: genuine, host: serving(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment })},
		{name: "certificate of another purpose", want: amazonpay.RefusedCertificate, body: genuine, host: serving(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning} })},

		// Signature.
		{name: "not base64", want: amazonpay.RefusedSignature, quiet: true, body: altered(func(e *envelope) { e.set("Signature", "EXAMPLEw6JRN...") })},
		{name: "URL-safe base64", want: amazonpay.RefusedSignature, quiet: true, body: altered(func(e *envelope) {
			e.set("Signature", base64.URLEncoding.EncodeToString([]byte("\xff\xff\xff")))
		})},
		{name: "line break in the base64", want: amazonpay.RefusedSignature, quiet: true, body: altered(func(e *envelope) { s := e.get("Signature"); e.set("Signature", s[:76]+"\n"+s[76:]) })},
		{name: "bits behind the base64", want: amazonpay.RefusedSignature, quiet: true, body: altered(func(e *envelope) {
			s := []byte(e.get("Signature"))
			s[len(s)-3]++ // of "A==", where a lax reader sees the same bytes
			e.set("Signature", string(s))
		})},
		{name: "short signature", want: amazonpay.RefusedSignature, body: altered(func(e *envelope) { e.set("Signature", "AAAA") })},
		{name: "another key", want: amazonpay.RefusedSignature, body: func() []byte { return notification(inner).sign("1", ipnKeys().other).json() }},
		{name: "signature of another message", want: amazonpay.RefusedSignature, body: altered(func(e *envelope) {
			e.set("Signature", notification("x").sign("1", ipnKeys().leaf).get("Signature"))
		})},
		{name: "altered amount", want: amazonpay.RefusedSignature, body: text(strings.Replace(good, "94.50", "94.51", 1))},
		{name: "altered type of payment", want: amazonpay.RefusedSignature, body: text(strings.Replace(good, "PaymentCapture", "PaymentRefund", 1))},
		{name: "altered message id", want: amazonpay.RefusedSignature, body: altered(func(e *envelope) { e.set("MessageId", "8"+ipnID[1:]) })},
		{name: "altered time", want: amazonpay.RefusedSignature, body: altered(func(e *envelope) { e.set("Timestamp", "2019-03-05T11:22:33.457Z") })},
		{name: "time rewritten to the same moment", want: amazonpay.RefusedSignature, body: altered(func(e *envelope) { e.set("Timestamp", "2019-03-05T11:22:33.4560Z") })},
		{name: "altered topic, also expected", want: amazonpay.RefusedSignature, body: altered(func(e *envelope) { e.set("TopicArn", strings.Replace(ipnTopic, "A3BXB0YN3XH17H", "AGWSWK15IEJJ7", 1)) })},
		{name: "subject added", want: amazonpay.RefusedSignature, body: altered(func(e *envelope) { e.set("Subject", "paid") })},
		{name: "subject taken away", want: amazonpay.RefusedSignature, body: func() []byte {
			return notification(inner).set("Subject", "paid").sign("1", ipnKeys().leaf).remove("Subject").json()
		}},
		{name: "stranger's message split another way", want: amazonpay.RefusedSignature, body: func() []byte {
			// In the sender's own topic, the text of Message reads like a message
			// of ours followed by the rest.
			e := notification(inner + "\nMessageId\n" + ipnID + "\nTimestamp\n" + ipnTime + "\nTopicArn\n" + ipnTopic + "\nType\nNotification")
			e.set("TopicArn", "arn:aws:sns:us-east-1:123456789012:mine").sign("1", ipnKeys().leaf)
			return e.set("Message", inner).set("TopicArn", ipnTopic).json()
		}},

		// Old.
		{name: "replay after MaxAge", want: amazonpay.RefusedAge, quiet: true, body: genuine, config: func(c *amazonpay.VerifierConfig) {
			c.MaxAge, c.Clock = time.Hour, func() time.Time { return time.Date(2019, 3, 5, 12, 22, 34, 0, time.UTC) }
		}},

		// Amazon's, but not for us or not to be read.
		{name: "another seller", want: amazonpay.RefusedSeller, body: saying("PaymentCapture", ipnPayment, func(m map[string]any) { m["SellerId"] = "A2ANOTHERSELL" })},
		{name: "another seller's credit", want: amazonpay.RefusedSeller, body: saying("ProviderCredit", ipnPayment, func(m map[string]any) { m["SellerId"] = "A2ANOTHERSELL" })},
		{name: "the seller in lower case", want: amazonpay.RefusedSeller, body: saying("PaymentCapture", ipnPayment, func(m map[string]any) { m["SellerId"] = strings.ToLower(ipnSeller) })},
		{name: "the other environment", want: amazonpay.RefusedEnvironment, body: genuine, config: func(c *amazonpay.VerifierConfig) { c.Environment = amazonpay.Production }},
		{name: "an unknown environment", want: amazonpay.RefusedEnvironment, body: saying("PaymentCapture", ipnPayment, func(m map[string]any) { m["ReleaseEnvironment"] = "Beta" })},
		{name: "inside is not JSON", want: amazonpay.RefusedPayload, body: inside("Hello world!")},
		{name: "inside a name comes twice", want: amazonpay.RefusedPayload, body: inside(strings.Replace(inner, "{", `{"SellerId":"`+ipnSeller+`",`, 1))},
		{name: "inside is nested too deep", want: amazonpay.RefusedPayload, body: inside(`{"a":` + strings.Repeat("[", 20_000))},
		{name: "a notification of API version 2", want: amazonpay.RefusedPayload, body: inside(`{"MerchantID":"` + ipnSeller + `","ObjectType":"CHARGE","ObjectId":"S01-1","NotificationType":"STATE_CHANGE","NotificationId":"1","NotificationVersion":"V2"}`)},
		{name: "payload is not XML", want: amazonpay.RefusedPayload, body: saying("PaymentCapture", "test")},
		{name: "payload is cut off", want: amazonpay.RefusedPayload, body: saying("PaymentCapture", ipnPayment[:400])},
		{name: "payload of another type", want: amazonpay.RefusedPayload, body: saying("PaymentRefund", ipnPayment)},
		{name: "payload defines entities", want: amazonpay.RefusedPayload, body: saying("PaymentCapture", `<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>`+ipnPayment)},
		{name: "payload is nested too deep", want: amazonpay.RefusedPayload, body: saying("PaymentCapture", strings.Repeat("<a>", 10_000))},
	}
	for _, name := range []string{"NotificationReferenceId", "NotificationType", "SellerId", "ReleaseEnvironment", "NotificationData"} {
		cases = append(cases, hostile{name: "inside lacks " + name, want: amazonpay.RefusedPayload, body: saying("PaymentCapture", ipnPayment, func(m map[string]any) { delete(m, name) })})
	}
	for _, url := range []string{
		"http://sns.us-east-1.amazonaws.com" + path, "HTTPS://sns.us-east-1.amazonaws.com" + path, "https://SNS.us-east-1.amazonaws.com" + path,
		"https://sns.us-east-1.amazonaws.com:443" + path, "https://user:pass@sns.us-east-1.amazonaws.com" + path, "https://sns.us-east-1.amazonaws.com@evil.example" + path,
		"https://sns.us-east-1.amazonaws.com.evil.example" + path, "https://evil.example/sns.us-east-1.amazonaws.com" + path, `https://evil.example\@sns.us-east-1.amazonaws.com` + path,
		"https://sns.us-east-1.amazonaws.com.cn" + path, "https://sns.us-east-1.amazonaws.com." + path, "https://sns.s3-us-west-2.amazonaws.com" + path,
		"https://sns.s3.amazonaws.com" + path, "https://s3.amazonaws.com/sns" + path, "https://xsns.us-east-1.amazonaws.com" + path, "//sns.us-east-1.amazonaws.com" + path, path,
		host + path + "?x=.pem", host + path + "#x.pem", host + path + "?", host + path + "#", host + path + "\n", " " + host + path, host + "\t" + path,
		host + "/" + path, host + "/a/.." + path, host + "/SimpleNotificationService-0123/../x.pem", host + "/x.pem", host + "/SimpleNotificationService-.pem",
		host + "/SimpleNotificationService-0123%2e.pem", host + "/SimpleNotificationService-0123.PEM", host + "/SimpleNotificationService-0123", host + "/?Action=GetTopicAttributes&x=.pem",
		host + "/SimpleNotificationService-" + strings.Repeat("0", 65) + ".pem", "file:///SimpleNotificationService-0123.pem", "data:,x.pem", host + "\x00" + path,
	} {
		cases = append(cases, hostile{name: "URL " + strings.ToValidUTF8(url, "?"), want: amazonpay.RefusedCertificateURL, quiet: true, body: certURL(url)})
	}
	return cases
}

// hugeKey takes a second to verify with, and more.
type hugeKey struct{ crypto.Signer }

func (hugeKey) Public() crypto.PublicKey {
	return &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 8199, 1), E: 65537}
}

func manyNames() string {
	var b strings.Builder
	for i := range 40 {
		b.WriteString(`"x` + string(rune('A'+i)) + `":"",`)
	}
	return b.String()
}

// Every hostile input is refused with its class, by both entrances, and the
// handler tells the sender nothing but the status.
func TestHostileNotifications(t *testing.T) {
	cases := hostiles()
	require.GreaterOrEqual(t, len(cases), 60)
	ipnRoot()
	before := runtime.NumGoroutine()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			host := &snsHost{answer: c.host}
			if c.host == nil {
				host.answer = page(http.StatusOK, pemOf(ipnLeaf()))
			}
			v := ipnVerifier(t, func(config *amazonpay.VerifierConfig) {
				config.HTTPClient.Transport = host
				if c.config != nil {
					c.config(config)
				}
			})
			header := signed().header()
			header.Del("X-Amz-Sns-Message-Type")
			header.Del("X-Amz-Sns-Message-Id")
			header.Del("X-Amz-Sns-Topic-Arn")
			if c.header != nil {
				header = signed().header()
				c.header(header)
			}
			body := c.body()

			n, err := v.ParseMessage(context.Background(), header, body)
			assert.Nil(t, n)
			require.ErrorIs(t, err, c.want, "%v", err)
			var refused *amazonpay.NotificationError
			require.ErrorAs(t, err, &refused)
			assert.Equal(t, c.want, refused.Refusal, "%v", err)
			assert.NotContains(t, err.Error(), "94.5", "the error quotes the message")

			called := false
			handler := v.Handler(func(context.Context, *amazonpay.Notification) error { called = true; return nil })
			request := httptest.NewRequest(http.MethodPost, "/ipn", strings.NewReader(string(body)))
			request.Header = header
			answer := httptest.NewRecorder()
			handler.ServeHTTP(answer, request)
			assert.False(t, called, "the callback was called")
			assert.Equal(t, c.want.StatusCode(), answer.Code)
			assert.Empty(t, answer.Body.String())
			assert.LessOrEqual(t, host.requests.Load(), int64(1), "the same download was made twice")
			if c.quiet {
				assert.Zero(t, host.requests.Load(), "a download was made")
			}
		})
	}
	t.Logf("%d hostile inputs", len(cases))
	waitForGoroutines(t, before)
}

// waitForGoroutines fails if there are more goroutines than before, after a
// while.
func waitForGoroutines(t *testing.T, before int) {
	t.Helper()
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	buf := make([]byte, 1<<16)
	t.Errorf("%d goroutines were left behind:\n%s", runtime.NumGoroutine()-before, buf[:runtime.Stack(buf, true)])
}

// The zero Verifier refuses even what is genuine.
func TestZeroVerifierRefusesEverything(t *testing.T) {
	for _, v := range []*amazonpay.Verifier{nil, {}} {
		n, err := v.ParseMessage(context.Background(), nil, genuine())
		assert.Nil(t, n)
		require.ErrorIs(t, err, amazonpay.RefusedUnconfigured)
		handler := v.Handler(func(context.Context, *amazonpay.Notification) error { t.Error("called"); return nil })
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/ipn", strings.NewReader(string(genuine()))))
		assert.Equal(t, http.StatusServiceUnavailable, answer.Code)
	}
}

// What SNS never does is refused before the body is looked at.
func TestParseRefusesOtherRequests(t *testing.T) {
	v := ipnVerifier(t)
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		_, err := v.Parse(httptest.NewRequest(method, "/ipn", strings.NewReader(string(genuine()))))
		require.ErrorIs(t, err, amazonpay.RefusedMethod, method)
	}
	_, err := v.Parse(httptest.NewRequest(http.MethodPost, "/ipn", io.MultiReader(strings.NewReader("{"), failingReader{})))
	require.ErrorIs(t, err, amazonpay.RefusedBody)
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
	_, err = v.Parse(httptest.NewRequest(http.MethodPost, "/ipn", endless{}))
	require.ErrorIs(t, err, amazonpay.RefusedSize)
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}
