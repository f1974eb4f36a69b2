package amazonpay_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
)

// signingVector is a file of testdata/signing.
type signingVector struct {
	Source       string // official or derived, and where from
	BaseURL      string
	Region       amazonpay.Region
	Environment  amazonpay.Environment
	AccessKey    string
	SecretKey    string
	SellerID     string
	OnBehalfOf   string // another seller, with the token
	MWSAuthToken string
	Timestamp    time.Time
	Action       string
	Parameters   json.RawMessage // the request struct
	StringToSign []string        // its lines
	Signature    string
}

// The vectors go through the client: the clock of the bubble is moved to the
// moment that was signed.
func TestSigningVectors(t *testing.T) {
	names, err := filepath.Glob("testdata/signing/*-*.json")
	require.NoError(t, err)
	require.Len(t, names, 3)
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".json"), func(t *testing.T) {
			data, err := os.ReadFile(name)
			require.NoError(t, err)
			var v signingVector
			require.NoError(t, json.Unmarshal(data, &v))
			require.Regexp(t, `^(official|derived): `, v.Source)
			synctest.Test(t, func(t *testing.T) { testSigningVector(t, v) })
		})
	}
}

func testSigningVector(t *testing.T, v signingVector) {
	x := &exchange{answer: goldenAnswers}
	c := x.client(t, func(config *amazonpay.Config) {
		config.SellerID, config.AccessKey, config.SecretKey = v.SellerID, v.AccessKey, amazonpay.NewSecretKey(v.SecretKey)
		config.Region, config.Environment, config.BaseURL = v.Region, v.Environment, v.BaseURL
	})
	if v.OnBehalfOf != "" {
		var err error
		c, err = c.OnBehalfOf(v.OnBehalfOf, v.MWSAuthToken)
		require.NoError(t, err)
	}
	request := reflect.New(reflect.TypeOf(operationCases()[v.Action].request))
	require.NoError(t, json.Unmarshal(v.Parameters, request.Interface()))

	time.Sleep(time.Until(v.Timestamp))
	_, err := invoke(t.Context(), c, v.Action, request.Elem().Interface())
	require.NoError(t, err)
	require.Len(t, x.sent, 1)
	sent := x.sent[0]
	assert.Equal(t, v.Signature, sent.form.Get("Signature"))
	query, signature, ok := strings.Cut(sent.body, "&Signature=")
	require.True(t, ok)
	assert.Equal(t, v.StringToSign[3], query, "what is signed is what is posted")
	assert.Equal(t, strings.NewReplacer("+", "%2B", "/", "%2F", "=", "%3D").Replace(v.Signature), signature)
	assert.Equal(t, v.StringToSign[1], sent.host)
	assert.Equal(t, v.StringToSign[2], sent.path)

	text := strings.Join(v.StringToSign, "\n")
	assert.Equal(t, text, amazonpay.StringToSign(sent.host, sent.path, query))
	assert.Equal(t, text, canonicalise(sent))
	assert.Equal(t, []string{v.Signature}, amazonpay.Sign(v.SecretKey, text))
	assert.Equal(t, v.Signature, hmacSHA256(v.SecretKey, text))
}

func TestHMACVectors(t *testing.T) {
	data, err := os.ReadFile("testdata/signing/hmac.json")
	require.NoError(t, err)
	var vectors []struct{ Source, Key, Text, Signature string }
	require.NoError(t, json.Unmarshal(data, &vectors))
	require.Len(t, vectors, 2)
	for _, v := range vectors {
		// The hash is used again, and must have forgotten what was before.
		assert.Equal(t, []string{v.Signature, hmacSHA256(v.Key, ""), v.Signature}, amazonpay.Sign(v.Key, v.Text, "", v.Text), v.Source)
	}
}

// canonicalise is the string to sign as the reference describes it, made from
// what was posted.
func canonicalise(s stagePost) string {
	form, err := url.ParseQuery(s.body)
	if err != nil {
		return err.Error()
	}
	delete(form, "Signature")
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, value := range form[name] {
			pairs = append(pairs, percentEncode(name)+"="+percentEncode(value))
		}
	}
	return strings.Join([]string{"POST", strings.ToLower(s.host), s.path, strings.Join(pairs, "&")}, "\n")
}

func percentEncode(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.' || c == '~' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func hmacSHA256(key, text string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// checkSigned verifies what was posted as Amazon does.
func checkSigned(t *testing.T, s stagePost, key string) {
	t.Helper()
	for name, values := range s.form {
		require.Len(t, values, 1, "%s is sent once", name)
		require.NotEmpty(t, values[0], "%s is sent empty", name)
	}
	text := canonicalise(s)
	require.Equal(t, hmacSHA256(key, text), s.form.Get("Signature"), "%s", text)
	query, _, _ := strings.Cut(s.body, "&Signature=")
	require.Equal(t, text[strings.LastIndexByte(text, '\n')+1:], query, "the body is the canonical query")
	_, err := time.Parse("2006-01-02T15:04:05Z", s.form.Get("Timestamp"))
	require.NoError(t, err)
}

// Every operation's full request is signed as the reference wants it.
func TestEveryOperationIsSigned(t *testing.T) {
	x := &exchange{answer: goldenAnswers}
	c := x.client(t)
	for action, test := range operationCases() {
		_, err := invoke(t.Context(), c, action, test.request)
		require.NoError(t, err, action)
		checkSigned(t, x.sent[len(x.sent)-1], "secret")
	}
}

// Names sort by their bytes, not by the numbers in them.
func TestLongListsAreSigned(t *testing.T) {
	x := &exchange{answer: goldenAnswers}
	request := operationCases()["Authorize"].request.(amazonpay.AuthorizeRequest)
	request.OrderItemCategories, request.ProviderCreditList = nil, nil
	for i := range 101 {
		request.OrderItemCategories = append(request.OrderItemCategories, fmt.Sprint("category ", i+1))
		request.ProviderCreditList = append(request.ProviderCreditList, amazonpay.ProviderCredit{ProviderID: fmt.Sprint("A", i+1), CreditAmount: amazonpay.MustPrice("1", "EUR")})
	}
	_, err := x.client(t).Authorize(t.Context(), request)
	require.NoError(t, err)
	checkSigned(t, x.sent[0], "secret")
	for i := range 101 {
		assert.Equal(t, fmt.Sprint("category ", i+1), x.sent[0].form.Get(fmt.Sprint("OrderItemCategories.OrderItemCategory.", i+1)))
		assert.Equal(t, fmt.Sprint("A", i+1), x.sent[0].form.Get(fmt.Sprintf("ProviderCreditList.member.%d.ProviderId", i+1)))
	}
	assert.Less(t, strings.Index(x.sent[0].body, "member.10."), strings.Index(x.sent[0].body, "member.2."))
}

func TestSignedAddress(t *testing.T) {
	for _, test := range []struct{ base, host, path string }{
		{"", "mws-eu.amazonservices.com", "/OffAmazonPayments_Sandbox/2013-01-01"},
		{"https://mws.example.com", "mws.example.com", "/OffAmazonPayments_Sandbox/2013-01-01"},
		{"https://MWS.Example.COM", "mws.example.com", "/OffAmazonPayments_Sandbox/2013-01-01"},
		{"HTTPS://mws.example.com:443", "mws.example.com", "/OffAmazonPayments_Sandbox/2013-01-01"},
		{"https://mws.example.com:8443", "mws.example.com:8443", "/OffAmazonPayments_Sandbox/2013-01-01"},
		{"https://mws.example.com:80", "mws.example.com:80", "/OffAmazonPayments_Sandbox/2013-01-01"},
		{"https://mws.example.com:", "mws.example.com", "/OffAmazonPayments_Sandbox/2013-01-01"},
		{"http://localhost:80", "localhost", "/OffAmazonPayments_Sandbox/2013-01-01"},
		{"http://localhost:443", "localhost:443", "/OffAmazonPayments_Sandbox/2013-01-01"},
		{"http://127.0.0.1:8080/", "127.0.0.1:8080", "/OffAmazonPayments_Sandbox/2013-01-01"},
		{"http://[::1]:8080", "[::1]:8080", "/OffAmazonPayments_Sandbox/2013-01-01"},
		{"http://[::1]", "[::1]", "/OffAmazonPayments_Sandbox/2013-01-01"},
		{"https://mws.example.com/simulator", "mws.example.com", "/simulator/OffAmazonPayments_Sandbox/2013-01-01"},
		{"https://mws.example.com/a%20b/%7Ec/", "mws.example.com", "/a%20b/%7Ec/OffAmazonPayments_Sandbox/2013-01-01"},
		{"https://mws.example.com/é", "mws.example.com", "/%C3%A9/OffAmazonPayments_Sandbox/2013-01-01"},
	} {
		t.Run(test.base, func(t *testing.T) {
			x := &exchange{answer: goldenAnswers}
			c := x.client(t, func(c *amazonpay.Config) { c.BaseURL = test.base })
			_, err := c.GetServiceStatus(t.Context())
			require.NoError(t, err)
			assert.Equal(t, test.host, x.sent[0].host, "the host that is asked for")
			assert.Equal(t, test.path, x.sent[0].path, "the path that is asked for")
			checkSigned(t, x.sent[0], "secret")
			if test.base != "" {
				u, err := url.Parse(test.base)
				require.NoError(t, err)
				assert.Equal(t, test.host, amazonpay.SignedHost(u))
			}
		})
	}
}

// One client signs for many callers at a time.
func TestSigningConcurrently(t *testing.T) {
	x := &exchange{answer: goldenAnswers}
	c := x.client(t)
	other, err := c.OnBehalfOf("A2OTHERSELLER", "amzn.mws.4ea38b7b-f563-7709-4bae-87aeaEXAMPLE")
	require.NoError(t, err)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 20 {
				client := c
				if j%2 == 1 {
					client = other
				}
				err := client.CloseOrderReference(t.Context(), amazonpay.CloseOrderReferenceRequest{
					AmazonOrderReferenceID: "S", ClosureReason: fmt.Sprint(i, " ", strings.Repeat("*", j)),
				})
				assert.NoError(t, err)
			}
		})
	}
	wg.Wait()
	require.Len(t, x.sent, 160)
	for _, s := range x.sent {
		checkSigned(t, s, "secret")
		assert.Equal(t, s.form.Get("SellerId") == "A2OTHERSELLER", s.form.Has("MWSAuthToken"))
	}
}

// FuzzSigning sends what is in notes and names, and checks the signature with
// a canonicaliser of its own.
func FuzzSigning(f *testing.F) {
	f.Add("a b*c~d/e+f&g=h%i é €", "order-42", "Tee & Co.", `{"a":"b"}`, "A-Z_09", "TEST_SECRET_KEY", uint16(0), "")
	f.Add("%20+%2B", "\t\r\n", "日本語😀", "&Signature=x", "a", "k", uint16(8443), "prefix")
	f.Add("", "~", "'()!*", "\u2028", "-", "Aa0+/=", uint16(443), "a b/é")
	f.Add("a\x00", "\xff", "", "", "not.good", "k", uint16(80), "")
	f.Fuzz(func(t *testing.T, note, order, store, custom, reference, key string, port uint16, prefix string) {
		if key == "" || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
			key = "TEST_SECRET_KEY"
		}
		base := "https://pay.example.com"
		if port != 0 {
			base += fmt.Sprintf(":%d", port)
		}
		base += (&url.URL{Path: "/" + prefix}).EscapedPath()
		x := &exchange{answer: goldenAnswers}
		c := x.client(t, func(c *amazonpay.Config) { c.BaseURL, c.SecretKey = base, amazonpay.NewSecretKey(key) })
		_, err := c.AuthorizeOnBillingAgreement(t.Context(), amazonpay.AuthorizeOnBillingAgreementRequest{
			AmazonBillingAgreementID: "C02-1234567-1234567", AuthorizationReferenceID: amazonpay.ReferenceID(reference),
			AuthorizationAmount: amazonpay.MustPrice("24.90", "EUR"), SellerAuthorizationNote: note, TransactionTimeout: new(0),
			SellerOrderAttributes: amazonpay.SellerOrderAttributes{
				SellerOrderID: order, StoreName: store, CustomInformation: custom, OrderItemCategories: []string{"-" + custom, "-" + order},
			},
		})
		sendable := reference != "" && len(reference) <= 32 && utf8.RuneCountInString(note) <= 255 &&
			!strings.ContainsFunc(reference, func(r rune) bool {
				return r > 'z' || r != '-' && r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
			})
		for _, s := range []string{note, order, store, custom} {
			sendable = sendable && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
				return unicode.IsControl(r) && !strings.ContainsRune("\t\r\n", r)
			})
		}
		if !sendable {
			require.NotEmpty(t, faultsOf(t, err))
			require.Empty(t, x.sent, "nothing is sent")
			return
		}
		require.NoError(t, err)
		require.Len(t, x.sent, 1)
		checkSigned(t, x.sent[0], key)
		want := url.Values{
			"AWSAccessKeyId": {"AKIAIOSFODNN7EXAMPLE"}, "Action": {"AuthorizeOnBillingAgreement"}, "SellerId": {"A2SELLEREXAMPLE"},
			"SignatureMethod": {"HmacSHA256"}, "SignatureVersion": {"2"}, "Version": {"2013-01-01"},
			"AmazonBillingAgreementId": {"C02-1234567-1234567"}, "AuthorizationReferenceId": {reference},
			"AuthorizationAmount.Amount": {"24.90"}, "AuthorizationAmount.CurrencyCode": {"EUR"},
			"TransactionTimeout": {"0"}, "InheritShippingAddress": {"true"},
			"SellerOrderAttributes.OrderItemCategories.OrderItemCategory.1": {"-" + custom},
			"SellerOrderAttributes.OrderItemCategories.OrderItemCategory.2": {"-" + order},
		}
		for name, value := range map[string]string{
			"SellerAuthorizationNote": note, "SellerOrderAttributes.SellerOrderId": order,
			"SellerOrderAttributes.StoreName": store, "SellerOrderAttributes.CustomInformation": custom,
		} {
			if value != "" {
				want.Set(name, value)
			}
		}
		got := maps.Clone(x.sent[0].form)
		got.Del("Timestamp")
		got.Del("Signature")
		require.Equal(t, want, got)
	})
}
