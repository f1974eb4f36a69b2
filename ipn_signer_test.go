package amazonpay_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/amazonpay-go/amazonpay"

	"github.com/stretchr/testify/require"
)

// What these tests say is SNS's is made here, from Amazon's documents and with
// nothing of the code under test: an authority, certificates, messages.

const (
	ipnSeller   = "A2EXAMPLESELL"
	ipnTopic    = "arn:aws:sns:us-east-1:291180941288:A3BXB0YN3XH17H" + ipnSeller
	ipnCertURL  = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
	ipnTime     = "2019-03-05T11:22:33.456Z"
	ipnID       = "7b2d7a1e-4f0a-5c3e-9d1c-2f6a8f1d0e11"
	ipnPayment  = `<?xml version="1.0" encoding="UTF-8"?><CaptureNotification xmlns="https://mws.amazonservices.com/ipn/OffAmazonPayments/2013-01-01"><CaptureDetails><AmazonCaptureId>S01-1234567-1234567-C123456</AmazonCaptureId><CaptureReferenceId>capture-1</CaptureReferenceId><CaptureAmount><Amount>94.50</Amount><CurrencyCode>USD</CurrencyCode></CaptureAmount><RefundedAmount><Amount>0.0</Amount><CurrencyCode>USD</CurrencyCode></RefundedAmount><CaptureFee><Amount>0.0</Amount><CurrencyCode>USD</CurrencyCode></CaptureFee><IdList/><CreationTimestamp>2019-03-05T11:22:30.000Z</CreationTimestamp><CaptureStatus><LastUpdateTimestamp>2019-03-05T11:22:33.000Z</LastUpdateTimestamp><State>Completed</State></CaptureStatus><SoftDescriptor>AMZ*shop</SoftDescriptor></CaptureDetails></CaptureNotification>`
	ipnUnsigned = "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe"
)

var ipnKeys = sync.OnceValue(func() (keys struct{ ca, leaf, other, weak *rsa.PrivateKey }) {
	for _, k := range []struct {
		key  **rsa.PrivateKey
		bits int
	}{{&keys.ca, 2048}, {&keys.leaf, 2048}, {&keys.other, 2048}, {&keys.weak, 1024}} {
		key, err := rsa.GenerateKey(rand.Reader, k.bits)
		if err != nil {
			panic(err)
		}
		*k.key = key
	}
	return keys
})

var ipnSerial atomic.Int64

// template is a certificate in general.
func template(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber:          big.NewInt(ipnSerial.Add(1)),
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             time.Date(2019, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:              time.Date(2020, 2, 1, 0, 0, 0, 0, time.UTC),
		BasicConstraintsValid: true,
	}
}

// authority is one that anybody might trust.
func authority(name string, key *rsa.PrivateKey) *x509.Certificate {
	t := template(name)
	t.IsCA, t.KeyUsage = true, x509.KeyUsageCertSign
	t.NotBefore, t.NotAfter = time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	return certify(t, t, key, key)
}

// certify makes a certificate for key.
func certify(t, parent *x509.Certificate, key crypto.Signer, signer *rsa.PrivateKey) *x509.Certificate {
	der, err := x509.CreateCertificate(rand.Reader, t, parent, key.Public(), signer)
	if err != nil {
		panic(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return cert
}

// signing is a certificate such as SNS signs with.
func signing(change func(*x509.Certificate)) *x509.Certificate {
	t := template("sns.amazonaws.com")
	t.DNSNames = []string{"sns.amazonaws.com"}
	t.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	if change != nil {
		change(t)
	}
	return t
}

var ipnRoot = sync.OnceValue(func() *x509.Certificate { return authority("Test Root", ipnKeys().ca) })

var ipnLeaf = sync.OnceValue(func() *x509.Certificate {
	return certify(signing(nil), ipnRoot(), ipnKeys().leaf, ipnKeys().ca)
})

func ipnRoots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ipnRoot())
	return pool
}

func pemOf(certs ...*x509.Certificate) string {
	var b bytes.Buffer
	for _, cert := range certs {
		_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
	}
	return b.String()
}

// envelope is an SNS message: names and values in the order they are written.
type envelope [][2]string

func (e envelope) get(name string) string {
	for _, f := range e {
		if f[0] == name {
			return f[1]
		}
	}
	return ""
}

func (e *envelope) set(name, value string) *envelope {
	for i, f := range *e {
		if f[0] == name {
			(*e)[i][1] = value
			return e
		}
	}
	*e = append(*e, [2]string{name, value})
	return e
}

func (e *envelope) remove(name string) *envelope {
	for i, f := range *e {
		if f[0] == name {
			*e = append((*e)[:i:i], (*e)[i+1:]...)
			break
		}
	}
	return e
}

// notice is the inside of a notification.
func notice(kind, data string, change ...func(map[string]any)) string {
	fields := map[string]any{
		"NotificationReferenceId": "e4d39dbb-5a4f-4b5e-8d4d-c1d1f1d0aa11", "NotificationType": kind, "SellerId": ipnSeller,
		"MarketplaceID": "623690", "ReleaseEnvironment": "Sandbox", "Version": "2013-01-01",
		"NotificationData": data, "Timestamp": "2019-03-05T11:22:33.400Z",
	}
	for _, f := range change {
		f(fields)
	}
	return strings.ReplaceAll(plainJSON(fields), "/", `\/`)
}

func plainJSON(v any) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(err)
	}
	return strings.TrimSpace(b.String())
}

// notification is an unsigned message with the given inside.
func notification(message string) *envelope {
	return &envelope{
		{"Type", "Notification"}, {"MessageId", ipnID}, {"TopicArn", ipnTopic}, {"Message", message},
		{"Timestamp", ipnTime}, {"SignatureVersion", "1"}, {"Signature", ""}, {"SigningCertURL", ipnCertURL},
		{"UnsubscribeURL", ipnUnsigned},
	}
}

func confirmation() *envelope {
	return &envelope{
		{"Type", "SubscriptionConfirmation"}, {"MessageId", ipnID}, {"Token", "2336412f37fb687f5d51e6e2425dacbb"},
		{"TopicArn", ipnTopic}, {"Message", "You have chosen to subscribe to the topic."},
		{"SubscribeURL", "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=" + ipnTopic + "&Token=2336412f37fb687f5d51e6e2425dacbb"},
		{"Timestamp", ipnTime}, {"SignatureVersion", "1"}, {"Signature", ""}, {"SigningCertURL", ipnCertURL},
	}
}

// sign signs as SNS does, with the given version.
func (e *envelope) sign(version string, key *rsa.PrivateKey) *envelope {
	e.set("SignatureVersion", version)
	names := []string{"Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"}
	if e.get("Type") != "Notification" {
		names = []string{"Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"}
	}
	var text string
	for _, name := range names {
		for _, f := range *e {
			if f[0] == name {
				text += name + "\n" + f[1] + "\n"
			}
		}
	}
	hash, digest := crypto.SHA1, sha1.Sum([]byte(text))
	sum := digest[:]
	if version == "2" {
		digest := sha256.Sum256([]byte(text))
		hash, sum = crypto.SHA256, digest[:]
	}
	sig, err := rsa.SignPKCS1v15(nil, key, hash, sum)
	if err != nil {
		panic(err)
	}
	return e.set("Signature", base64.StdEncoding.EncodeToString(sig))
}

// json writes the message as SNS does.
func (e *envelope) json() []byte {
	var b bytes.Buffer
	b.WriteString("{\n")
	for i, f := range *e {
		if i > 0 {
			b.WriteString(",\n")
		}
		fmt.Fprintf(&b, "  %q : %s", f[0], plainJSON(f[1]))
	}
	b.WriteString("\n}")
	return b.Bytes()
}

func (e *envelope) header() http.Header {
	return http.Header{
		"Content-Type":           {"text/plain; charset=UTF-8"},
		"X-Amz-Sns-Message-Type": {e.get("Type")},
		"X-Amz-Sns-Message-Id":   {e.get("MessageId")},
		"X-Amz-Sns-Topic-Arn":    {e.get("TopicArn")},
		"User-Agent":             {"Amazon Simple Notification Service Agent"},
	}
}

// snsHost stands in for SNS's web server.
type snsHost struct {
	answer   func(*http.Request) (*http.Response, error)
	requests atomic.Int64
}

func (h *snsHost) RoundTrip(r *http.Request) (*http.Response, error) {
	h.requests.Add(1)
	return h.answer(r)
}

func page(status int, body string, header ...string) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		h := make(http.Header)
		for i := 0; i+1 < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	}
}

// ipnConfig is that of a merchant whose SNS is host.
func ipnConfig(host http.RoundTripper) amazonpay.VerifierConfig {
	return amazonpay.VerifierConfig{
		SellerIDs: []string{ipnSeller}, Environment: amazonpay.Sandbox,
		HTTPClient: &http.Client{Transport: host}, Roots: ipnRoots(),
	}
}

// ipnVerifier trusts the test authority and finds the certificate where SNS
// has it.
func ipnVerifier(t testing.TB, change ...func(*amazonpay.VerifierConfig)) *amazonpay.Verifier {
	t.Helper()
	config := ipnConfig(&snsHost{answer: page(http.StatusOK, pemOf(ipnLeaf()))})
	for _, f := range change {
		f(&config)
	}
	v, err := amazonpay.NewVerifier(config)
	require.NoError(t, err)
	return v
}

// signed is a genuine notification of a payment.
func signed() *envelope {
	return notification(notice("PaymentCapture", ipnPayment)).sign("1", ipnKeys().leaf)
}

// accept parses a message that has to be taken.
func accept(t testing.TB, v *amazonpay.Verifier, e *envelope) *amazonpay.Notification {
	t.Helper()
	n, err := v.ParseMessage(context.Background(), e.header(), e.json())
	require.NoError(t, err)
	require.NotNil(t, n)
	return n
}
