package amazonpaytest_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// shop talks to the fake as the wire does: with a signer and a reader of its
// own, so that these tests judge the fake and nothing else.
type shop struct {
	t         testing.TB
	fake      *amazonpaytest.Fake
	url       string
	seller    string
	token     string
	accessKey string
	secret    string
	now       func() time.Time
}

// start is where the business clock stands if the settings do not say.
var start = time.Date(2026, time.January, 15, 12, 0, 0, 0, time.UTC)

const (
	testKey    = "TEST_ACCESS_KEY"
	testSecret = "TEST_SECRET_KEY"
	testSeller = "TEST_MERCHANT_ID"

	sandboxURL    = "https://mws.amazonservices.com/OffAmazonPayments_Sandbox/2013-01-01"
	productionURL = "https://mws.amazonservices.com/OffAmazonPayments/2013-01-01"
)

// newShop has a clock that stands still.
func newShop(t testing.TB, settings amazonpaytest.Settings) *shop {
	settings.Manual = true
	return newRunningShop(t, settings)
}

func newRunningShop(t testing.TB, settings amazonpaytest.Settings) *shop {
	settings.SellerID, settings.AccessKey, settings.SecretKey = testSeller, testKey, testSecret
	url := sandboxURL
	if settings.Environment == amazonpay.Production {
		url = productionURL
	}
	return &shop{t: t, fake: amazonpaytest.New(settings), url: url, seller: testSeller, accessKey: testKey,
		secret: testSecret, now: time.Now}
}

func encode(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		switch {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_', c == '.', c == '~':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func query(form map[string]string) string {
	pairs := make([]string, 0, len(form))
	for _, name := range slices.Sorted(maps.Keys(form)) {
		pairs = append(pairs, encode(name)+"="+encode(form[name]))
	}
	return strings.Join(pairs, "&")
}

func sign(secret, host, path string, form map[string]string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("POST\n" + host + "\n" + path + "\n" + query(form)))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// form is a request with everything but the signature. Parameters come as name
// and value in turns; a value "-" takes a parameter out.
func (s *shop) form(action string, params ...string) map[string]string {
	form := map[string]string{
		"AWSAccessKeyId": s.accessKey, "Action": action, "SellerId": s.seller, "SignatureVersion": "2",
		"SignatureMethod": "HmacSHA256", "Timestamp": s.now().UTC().Format("2006-01-02T15:04:05Z"), "Version": "2013-01-01",
	}
	if s.token != "" {
		form["MWSAuthToken"] = s.token
	}
	for i := 0; i+1 < len(params); i += 2 {
		form[params[i]] = params[i+1]
		if params[i+1] == "-" {
			delete(form, params[i])
		}
	}
	return form
}

// send signs and sends.
func (s *shop) send(form map[string]string) (*http.Response, error) {
	req, err := http.NewRequest(http.MethodPost, s.url, nil)
	require.NoError(s.t, err)
	form["Signature"] = sign(s.secret, req.URL.Host, req.URL.Path, form)
	return s.post(req, query(form))
}

func (s *shop) post(req *http.Request, body string) (*http.Response, error) {
	req.Body = io.NopCloser(strings.NewReader(body))
	if req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return s.fake.RoundTrip(req)
}

// result is an answer, read.
type result struct {
	t      testing.TB
	status int
	code   string
	raw    string
	texts  map[string][]string // by path, the last two or more segments
	paths  map[string]bool     // all element paths, the root being "."
}

func (s *shop) do(action string, params ...string) result {
	s.t.Helper()
	return s.read(s.send(s.form(action, params...)))
}

func (s *shop) read(resp *http.Response, err error) result {
	s.t.Helper()
	require.NoError(s.t, err)
	raw, err := io.ReadAll(resp.Body)
	require.NoError(s.t, err)
	r := result{t: s.t, status: resp.StatusCode, raw: string(raw), texts: map[string][]string{}, paths: map[string]bool{}}
	require.NotEmpty(s.t, resp.Header.Get("x-mws-request-id"))
	d := xml.NewDecoder(bytes.NewReader(raw))
	var at []string
	var text strings.Builder
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		require.NoError(s.t, err, "%s", raw)
		switch token := token.(type) {
		case xml.StartElement:
			name := token.Name.Local
			if len(at) == 0 {
				name = "."
			}
			at = append(at, name)
			text.Reset()
			r.paths[strings.Join(at, "/")] = true
		case xml.CharData:
			text.Write(token)
		case xml.EndElement:
			for i := range at {
				path := strings.Join(at[i:], "/")
				r.texts[path] = append(r.texts[path], strings.TrimSpace(text.String()))
			}
			at = at[:len(at)-1]
			text.Reset()
		}
	}
	if r.status != http.StatusOK {
		r.code = r.get("Error/Code")
	}
	return r
}

// get is the text of an element, named by the end of its path; "" if absent.
func (r result) get(path string) string {
	if len(r.texts[path]) == 0 {
		return ""
	}
	return r.texts[path][0]
}

func (r result) ok() result {
	r.t.Helper()
	require.Equal(r.t, http.StatusOK, r.status, "%s", r.raw)
	return r
}

func (r result) refused(status int, code string) result {
	r.t.Helper()
	require.Equal(r.t, fmt.Sprint(status, " ", code), fmt.Sprint(r.status, " ", r.code), "%s", r.raw)
	return r
}

func (r result) has(want ...string) result {
	r.t.Helper()
	for i := 0; i+1 < len(want); i += 2 {
		require.Equal(r.t, want[i+1], r.get(want[i]), "%s in %s", want[i], r.raw)
	}
	return r
}

// subscription is a confirmed agreement.
func (s *shop) subscription(checkout amazonpaytest.Checkout) *amazonpaytest.BillingAgreement {
	s.t.Helper()
	agreement := s.fake.NewBillingAgreementWith(checkout).Consent()
	s.do("ConfirmBillingAgreement", "AmazonBillingAgreementId", string(agreement.ID())).ok()
	return agreement
}

// purchase is a confirmed order reference.
func (s *shop) purchase(checkout amazonpaytest.Checkout, total, currency string) *amazonpaytest.OrderReference {
	s.t.Helper()
	order := s.fake.NewOrderReferenceWith(checkout)
	s.do("SetOrderReferenceDetails", "AmazonOrderReferenceId", string(order.ID()),
		"OrderReferenceAttributes.OrderTotal.Amount", total, "OrderReferenceAttributes.OrderTotal.CurrencyCode", currency).ok()
	s.do("ConfirmOrderReference", "AmazonOrderReferenceId", string(order.ID())).ok()
	return order
}

func (s *shop) charge(agreement *amazonpaytest.BillingAgreement, reference, amount string, more ...string) result {
	s.t.Helper()
	return s.do("AuthorizeOnBillingAgreement", append([]string{"AmazonBillingAgreementId", string(agreement.ID()),
		"AuthorizationReferenceId", reference, "AuthorizationAmount.Amount", amount, "AuthorizationAmount.CurrencyCode", "USD",
		"TransactionTimeout", "0"}, more...)...)
}

func (s *shop) authorize(order amazonpay.OrderReferenceID, reference, amount string, more ...string) result {
	s.t.Helper()
	return s.do("Authorize", append([]string{"AmazonOrderReferenceId", string(order),
		"AuthorizationReferenceId", reference, "AuthorizationAmount.Amount", amount, "AuthorizationAmount.CurrencyCode", "USD",
		"TransactionTimeout", "0"}, more...)...)
}

func (s *shop) capture(authorization, reference, amount string, more ...string) result {
	s.t.Helper()
	return s.do("Capture", append([]string{"AmazonAuthorizationId", authorization,
		"CaptureReferenceId", reference, "CaptureAmount.Amount", amount, "CaptureAmount.CurrencyCode", "USD"}, more...)...)
}

func (s *shop) refund(capture, reference, amount string, more ...string) result {
	s.t.Helper()
	return s.do("Refund", append([]string{"AmazonCaptureId", capture,
		"RefundReferenceId", reference, "RefundAmount.Amount", amount, "RefundAmount.CurrencyCode", "USD"}, more...)...)
}
