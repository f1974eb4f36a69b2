package amazonpay_test

import (
	"context"
	"encoding/json"
	"regexp"
	"testing"

	"github.com/amazonpay-go/amazonpay"
)

// Nothing that is not signed passes, whatever it looks like: the only bytes
// that do say what the genuine message says.
func FuzzEnvelope(f *testing.F) {
	good := signed()
	body := good.json()
	f.Add(body)
	for _, c := range hostiles() {
		if b := c.body(); len(b) < 8<<10 && c.config == nil && c.host == nil {
			f.Add(b)
		}
	}
	// The seeds are signed, some of them for what they say inside: verify them
	// with a certificate that signed only the one message.
	leaf := certify(signing(nil), ipnRoot(), ipnKeys().other, ipnKeys().ca)
	body = notification(good.get("Message")).sign("1", ipnKeys().other).json()
	f.Add(body)
	v := ipnVerifier(f, func(c *amazonpay.VerifierConfig) {
		c.Certificates = func(context.Context, string) ([]byte, error) { return []byte(pemOf(leaf)), nil }
	})
	f.Fuzz(func(t *testing.T, body []byte) {
		n, err := v.ParseMessage(t.Context(), nil, body)
		if (n == nil) == (err == nil) {
			t.Fatal("both or neither of a notification and an error")
		}
		if err != nil {
			return
		}
		var fields map[string]any
		if json.Unmarshal(body, &fields) != nil && body[0] != 0xef {
			t.Fatal("accepted what is not JSON")
		}
		if n.ID != ipnID || n.Raw != ipnPayment || n.TopicARN != ipnTopic {
			t.Fatalf("accepted something that was not signed: %s", body)
		}
	})
}

// No content of a genuine message makes the reader panic or contradict itself.
func FuzzPayload(f *testing.F) {
	for _, p := range payloads() {
		f.Add(p.wire, p.xml(ipnNamespace))
	}
	f.Add("PaymentCapture", ipnPayment)
	f.Add("New", "<New/>")
	v := ipnVerifier(f)
	f.Fuzz(func(t *testing.T, kind, data string) {
		e := notification(notice(kind, data)).sign("2", ipnKeys().leaf)
		n, err := v.ParseMessage(t.Context(), e.header(), e.json())
		if (n == nil) == (err == nil) {
			t.Fatal("both or neither of a notification and an error")
		}
		if err == nil {
			_, _, _ = n.String(), n.LogValue().Resolve(), n.ObjectID()
			if s := n.Status(); s.State != "" && s.LastUpdateTimestamp.IsZero() && n.NewerThan(s) {
				t.Fatal("newer than itself")
			}
		}
	})
}

// certificateURL is the rule once more, as an expression.
var certificateURL = regexp.MustCompile(`^https://sns\.[a-z]{2}(-[a-z]+)+-[0-9]+\.amazonaws\.com/SimpleNotificationService-[0-9A-Za-z]+\.pem$`)

// The address of a certificate is SNS's, of the topic's region, whatever the
// fuzzer writes there.
func FuzzCertificateURL(f *testing.F) {
	for _, c := range hostiles() {
		var fields map[string]any
		if json.Unmarshal(c.body(), &fields) == nil {
			if url, ok := fields["SigningCertURL"].(string); ok {
				f.Add(url, "us-east-1")
			}
		}
	}
	f.Add("https://sns.s3-us-west-2.amazonaws.com/SimpleNotificationService-0.pem", "s3-us-west-2")
	f.Add("https://sns.us-gov-west-1.amazonaws.com/SimpleNotificationService-0.pem", "us-gov-west-1")
	e := signed()
	f.Fuzz(func(t *testing.T, url, region string) {
		asked := ""
		v := ipnVerifier(t, func(c *amazonpay.VerifierConfig) {
			c.Certificates = func(_ context.Context, url string) ([]byte, error) {
				asked = url
				return nil, context.Canceled
			}
		})
		e.set("SigningCertURL", url).set("TopicArn", "arn:aws:sns:"+region+":291180941288:A3BXB0YN3XH17H"+ipnSeller)
		if _, err := v.ParseMessage(t.Context(), nil, e.json()); err == nil {
			t.Fatal("accepted")
		}
		if asked != "" && !certificateURL.MatchString(asked) {
			t.Fatalf("asked for %q", asked)
		}
	})
}
