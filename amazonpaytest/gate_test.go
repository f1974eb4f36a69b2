package amazonpaytest_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// The official vectors: the fake must accept these signatures as they stand.
func TestOfficialSignatures(t *testing.T) {
	common := map[string]string{
		"AWSAccessKeyId": "TEST_ACCESS_KEY", "AmazonOrderReferenceId": "AMAZON_ORDER_REFERENCE_ID", "SellerId": "TEST_MERCHANT_ID",
		"SignatureMethod": "HmacSHA256", "SignatureVersion": "2", "Timestamp": "2015-12-31T23:59:58Z", "Version": "2013-01-01",
	}
	tests := map[string]struct {
		url       string
		change    map[string]string
		signature string
		want      string // the code behind the gate
	}{
		"GetOrderReferenceDetails": {sandboxURL, map[string]string{"Action": "GetOrderReferenceDetails"},
			"cpkDC72d5lMIbo5ET2dvERTw4F2cGQJL3eQPzUe2pAE=", "InvalidOrderReferenceId"},
		"ConfirmOrderReference for another seller": {sandboxURL, map[string]string{"Action": "ConfirmOrderReference",
			"SellerId": "OVERRIDE_SELLER_ID", "MWSAuthToken": "TEST_MWS_AUTH_TOKEN", "AuthorizationAmount.Amount": "0.01",
			"AuthorizationAmount.CurrencyCode": "EUR", "SuccessUrl": "https://pay.amazon.com/success.html",
			"FailureUrl": "https://pay.amazon.com/failure.html"},
			"KeZbecFqPMxhR4g35iFWsdLmq1rAgwdn4B2WTIFMTHg=", "AccessDenied"},
		"awkward characters": {"https://mws-eu.amazonservices.com/OffAmazonPayments/2013-01-01", map[string]string{"Action": "CloseBillingAgreement",
			"AmazonOrderReferenceId": "-", "AmazonBillingAgreementId": "C01-1234567-1234567", "ClosureReason": "a b*c~d/e+f&g=h%i é €"},
			"qkgev/3N9q0EFY+923rwpaXqAeqI1viKJA9N168cBaA=", "InvalidBillingAgreementId"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				// The bubble's clock starts in the year 2000; the vectors are of 2015.
				time.Sleep(time.Until(time.Date(2015, 12, 31, 23, 59, 58, 0, time.UTC)))
				s := newShop(t, amazonpaytest.Settings{})
				form := map[string]string{}
				for _, from := range []map[string]string{common, tt.change} {
					for k, v := range from {
						if form[k] = v; v == "-" {
							delete(form, k)
						}
					}
				}
				form["Signature"] = tt.signature
				req, _ := http.NewRequest(http.MethodPost, tt.url, nil)
				got := s.read(s.post(req, query(form)))
				require.Equal(t, tt.want, got.code, got.raw)
				form["Signature"] = "A" + tt.signature[1:]
				if form["Signature"] == tt.signature {
					form["Signature"] = "B" + tt.signature[1:]
				}
				s.read(s.post(req, query(form))).refused(403, "SignatureDoesNotMatch")
			})
		})
	}
}

// The bare host of an address in brackets has them, too.
func TestIPv6Host(t *testing.T) {
	for signed, good := range map[string]bool{"[::1]:9620": true, "[::1]": true, "::1": false} {
		s := newShop(t, amazonpaytest.Settings{})
		req, err := http.NewRequest(http.MethodPost, s.url, nil)
		require.NoError(t, err)
		req.Host = "[::1]:9620"
		form := s.form("GetServiceStatus")
		form["Signature"] = sign(s.secret, signed, req.URL.Path, form)
		require.Equal(t, good, s.read(s.post(req, query(form))).status == 200, signed)
	}
}

func TestGate(t *testing.T) {
	get := []string{"AmazonBillingAgreementId", "C01-0000000-0000000"}
	tests := map[string]struct {
		params []string
		change func(s *shop, req *http.Request)
		status int
		code   string
	}{
		"passes":                    {get, nil, 400, "InvalidBillingAgreementId"},
		"unknown key":               {append(get, "AWSAccessKeyId", "OTHER"), nil, 403, "InvalidAccessKeyId"},
		"wrong secret":              {get, func(s *shop, _ *http.Request) { s.secret = "other" }, 403, "SignatureDoesNotMatch"},
		"no timestamp":              {append(get, "Timestamp", "-"), nil, 400, "InvalidParameterValue"},
		"timestamp is no time":      {append(get, "Timestamp", "yesterday"), nil, 400, "InvalidParameterValue"},
		"timestamp without zone":    {append(get, "Timestamp", time.Now().UTC().Format("2006-01-02T15:04:05")), nil, 400, "InvalidParameterValue"},
		"timestamp with decimals":   {append(get, "Timestamp", time.Now().UTC().Format("2006-01-02T15:04:05.000Z")), nil, 400, "InvalidBillingAgreementId"},
		"14 minutes late":           {get, func(s *shop, _ *http.Request) { s.now = ago(14 * time.Minute) }, 400, "InvalidBillingAgreementId"},
		"16 minutes late":           {get, func(s *shop, _ *http.Request) { s.now = ago(16 * time.Minute) }, 400, "InvalidParameterValue"},
		"16 minutes early":          {get, func(s *shop, _ *http.Request) { s.now = ago(-16 * time.Minute) }, 400, "InvalidParameterValue"},
		"signature method":          {append(get, "SignatureMethod", "hmacsha256"), nil, 400, "InvalidParameterValue"},
		"signature version":         {append(get, "SignatureVersion", "4"), nil, 400, "InvalidParameterValue"},
		"version":                   {append(get, "Version", "2014-01-01"), nil, 400, "InvalidAddress"},
		"unknown seller":            {append(get, "SellerId", "SOMEBODY"), nil, 401, "AccessDenied"},
		"no seller":                 {append(get, "SellerId", "-"), nil, 400, "InvalidParameterValue"},
		"a token for oneself":       {append(get, "MWSAuthToken", "amzn.mws.x"), nil, 401, "AccessDenied"},
		"delegated":                 {append(get, "SellerId", "DELEGATED", "MWSAuthToken", "amzn.mws.good"), nil, 400, "InvalidBillingAgreementId"},
		"delegated, wrong token":    {append(get, "SellerId", "DELEGATED", "MWSAuthToken", "amzn.mws.bad"), nil, 401, "AccessDenied"},
		"delegated, no token":       {append(get, "SellerId", "DELEGATED"), nil, 401, "AccessDenied"},
		"unknown action":            {append(get, "Action", "Steal"), nil, 400, "InvalidAddress"},
		"action in lower case":      {append(get, "Action", "getbillingagreementdetails"), nil, 400, "InvalidAddress"},
		"unknown parameter":         {append(get, "Colour", "red"), nil, 400, "InvalidParameterValue"},
		"template as a name":        {append(get, "ProviderCreditList.member.N.ProviderId", "X"), nil, 400, "InvalidParameterValue"},
		"missing parameter":         {nil, nil, 400, "InvalidParameterValue"},
		"empty required parameter":  {[]string{"AmazonBillingAgreementId", ""}, nil, 400, "InvalidParameterValue"},
		"an id of no shape":         {[]string{"AmazonBillingAgreementId", "x y"}, nil, 400, "InvalidBillingAgreementId"},
		"GET":                       {get, func(_ *shop, req *http.Request) { req.Method = http.MethodGet }, 404, "InvalidAddress"},
		"wrong path":                {get, func(_ *shop, req *http.Request) { req.URL.Path = "/" }, 404, "InvalidAddress"},
		"JSON":                      {get, func(_ *shop, req *http.Request) { req.Header.Set("Content-Type", "application/json") }, 400, "InvalidParameterValue"},
		"the samples' content type": {get, func(_ *shop, req *http.Request) { req.Header.Set("Content-Type", "x-www-form-urlencoded") }, 400, "InvalidBillingAgreementId"},
		"charset": {get, func(_ *shop, req *http.Request) {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		}, 400, "InvalidBillingAgreementId"},
		"parameters in the address": {get, func(_ *shop, req *http.Request) { req.URL.RawQuery = "a=b" }, 400, "InvalidParameterValue"},
		"another host than signed":  {get, func(_ *shop, req *http.Request) { req.Host = "mws-eu.amazonservices.com" }, 403, "SignatureDoesNotMatch"},
		"another path than signed":  {get, func(_ *shop, req *http.Request) { req.URL.Path += "/" }, 403, "SignatureDoesNotMatch"},
		"a port that is not signed": {get, func(_ *shop, req *http.Request) { req.Host = "mws.amazonservices.com:8443" }, 400, "InvalidBillingAgreementId"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, amazonpaytest.Settings{Delegated: map[string]string{"DELEGATED": "amzn.mws.good"}})
			req, err := http.NewRequest(http.MethodPost, s.url, nil)
			require.NoError(t, err)
			host, path := req.URL.Host, req.URL.Path
			if tt.change != nil {
				tt.change(s, req)
			}
			form := s.form("GetBillingAgreementDetails", tt.params...)
			form["Signature"] = sign(s.secret, host, path, form)
			got := s.read(s.post(req, query(form))).refused(tt.status, tt.code)
			calls := s.fake.Calls()
			require.Len(t, calls, 1)
			require.Equal(t, tt.code, calls[0].Code)
			require.Equal(t, tt.status, calls[0].Status)
			require.NotContains(t, got.raw, testSecret)
		})
	}
}

func ago(d time.Duration) func() time.Time {
	return func() time.Time { return time.Now().Add(-d) }
}

func TestBrokenForms(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{})
	form := s.form("GetServiceStatus")
	form["Signature"] = sign(s.secret, "mws.amazonservices.com", "/OffAmazonPayments_Sandbox/2013-01-01", form)
	good := query(form)
	for name, body := range map[string]string{
		"twice":             good + "&SellerId=TEST_MERCHANT_ID",
		"broken escape":     good + "&x=%G1",
		"cut escape":        good + "&x=%2",
		"not UTF-8":         good + "&x=%FF",
		"no name":           good + "&=x",
		"empty":             "",
		"a signed body cut": good[:len(good)-30],
	} {
		t.Run(name, func(t *testing.T) {
			req, _ := http.NewRequest(http.MethodPost, s.url, nil)
			got := s.read(s.post(req, body))
			require.Contains(t, []int{400, 403}, got.status)
			require.True(t, got.paths["./RequestID"], got.raw)
		})
	}
	req, _ := http.NewRequest(http.MethodPost, s.url, nil)
	s.read(s.post(req, strings.ReplaceAll(good, "%20", "+"))).ok()
}

func TestSignatureWithSHA1(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{})
	form := s.form("GetServiceStatus", "SignatureMethod", "HmacSHA1", "SellerId", "-")
	mac := hmac.New(sha1.New, []byte(testSecret))
	mac.Write([]byte("POST\nmws.amazonservices.com\n/OffAmazonPayments_Sandbox/2013-01-01\n" + query(form)))
	form["Signature"] = base64.StdEncoding.EncodeToString(mac.Sum(nil))
	req, _ := http.NewRequest(http.MethodPost, s.url, nil)
	s.read(s.post(req, query(form))).ok().has("Status", "GREEN")
}

func TestHandlerOnASocket(t *testing.T) {
	s := newShop(t, amazonpaytest.Settings{})
	server := httptest.NewServer(s.fake)
	defer server.Close()
	for _, host := range []string{strings.TrimPrefix(server.URL, "http://"), "127.0.0.1"} {
		form := s.form("GetServiceStatus")
		form["Signature"] = sign(s.secret, host, "/OffAmazonPayments_Sandbox/2013-01-01", form)
		resp, err := http.Post(server.URL+"/OffAmazonPayments_Sandbox/2013-01-01", "application/x-www-form-urlencoded", strings.NewReader(query(form)))
		s.read(resp, err).ok()
		require.NotEmpty(t, resp.Header.Get("Date"))
	}
	s.fake.Inject(amazonpaytest.Fault{Kind: amazonpaytest.AnswerLost})
	_, err := http.Post(server.URL+"/OffAmazonPayments_Sandbox/2013-01-01", "application/x-www-form-urlencoded", strings.NewReader(""))
	require.Error(t, err)
}

func TestFaults(t *testing.T) {
	tests := map[amazonpaytest.FaultKind]struct {
		charged bool
		status  int // 0: the connection breaks
	}{
		amazonpaytest.RequestLost:       {false, 0},
		amazonpaytest.AnswerLost:        {true, 0},
		amazonpaytest.ServerError500:    {false, 500},
		amazonpaytest.WorkDone500:       {true, 500},
		amazonpaytest.BadGateway502HTML: {false, 502},
		amazonpaytest.Unavailable503:    {false, 503},
		amazonpaytest.GatewayTimeout504: {true, 504},
		amazonpaytest.Throttled:         {false, 503},
		amazonpaytest.Truncated:         {true, 200},
		amazonpaytest.EmptyAnswer:       {true, 200},
		amazonpaytest.Redirected:        {false, 307},
		amazonpaytest.ConnectionReset:   {false, 0},
		amazonpaytest.WorkDoneReset:     {true, 0},
		amazonpaytest.Slow:              {true, 200},
	}
	for kind, tt := range tests {
		t.Run(string(kind), func(t *testing.T) {
			s := newShop(t, amazonpaytest.Settings{})
			agreement := s.subscription(amazonpaytest.Checkout{})
			before := len(s.fake.Calls())
			s.fake.Inject(
				amazonpaytest.Fault{Action: "Capture", Kind: amazonpaytest.Throttled},
				amazonpaytest.Fault{Action: "AuthorizeOnBillingAgreement", Kind: kind, Times: 2})
			form := func() map[string]string {
				return s.form("AuthorizeOnBillingAgreement", "AmazonBillingAgreementId", string(agreement.ID()),
					"AuthorizationReferenceId", "r1", "AuthorizationAmount.Amount", "10", "AuthorizationAmount.CurrencyCode", "USD",
					"TransactionTimeout", "0", "CaptureNow", "true")
			}
			for range 2 {
				resp, err := s.send(form())
				if tt.status == 0 {
					require.Error(t, err)
					continue
				}
				require.NoError(t, err)
				require.Equal(t, tt.status, resp.StatusCode)
				body, _ := io.ReadAll(resp.Body)
				if kind == amazonpaytest.Throttled {
					require.Contains(t, string(body), "<Type/>")
					require.Contains(t, string(body), "<RequestID>")
				}
			}
			require.Equal(t, tt.charged, len(s.fake.Ledger()) == 1)
			s.read(s.send(form())).ok().has("AuthorizationStatus/State", "Closed")
			require.Len(t, s.fake.Ledger(), 1, "money moves once, however often it is asked for")
			calls := s.fake.Calls()[before:]
			require.Len(t, calls, 3)
			require.Equal(t, kind, calls[0].Fault)
			require.Equal(t, tt.charged, calls[2].Replay)
			require.Empty(t, calls[2].Fault)
			require.Equal(t, "r1", calls[2].Params.Get("AuthorizationReferenceId"))
			s.fake.Heal()
		})
	}
}

func TestSlowFaultHonoursTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, amazonpaytest.Settings{})
		s.fake.Inject(amazonpaytest.Fault{Kind: amazonpaytest.Slow, Delay: time.Minute, Times: -1})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start := time.Now()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, nil)
		require.NoError(t, err)
		_, err = s.post(req, "")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 5*time.Second, time.Since(start))
	})
}

func TestSettingsThatMakeNoSense(t *testing.T) {
	for name, settings := range map[string]amazonpaytest.Settings{
		"region":              {Region: "XX"},
		"environment":         {Environment: "test"},
		"limit's currency":    {MonthlyLimit: amazonpay.MustPrice("5", amazonpay.CurrencyEUR)},
		"negative delay":      {RefundDelay: -1},
		"delegated to itself": {SellerID: "A", Delegated: map[string]string{"A": "t"}},
	} {
		t.Run(name, func(t *testing.T) { require.Panics(t, func() { amazonpaytest.New(settings) }) })
	}
	fake := amazonpaytest.New(amazonpaytest.Settings{})
	require.Panics(t, func() { fake.Inject(amazonpaytest.Fault{Kind: "Flood"}) })
	require.Panics(t, func() { fake.Inject(amazonpaytest.Fault{Kind: amazonpaytest.Slow, Action: "Steal"}) })
	require.Panics(t, func() { fake.NewOrderReferenceWith(amazonpaytest.Checkout{SellerID: "nobody"}) })
	require.Panics(t, func() { fake.SetAccountActive("nobody", false) })
	for _, region := range []amazonpay.Region{amazonpay.RegionNA, amazonpay.RegionUK, amazonpay.RegionEU, amazonpay.RegionJP} {
		for _, environment := range []amazonpay.Environment{amazonpay.Sandbox, amazonpay.Production} {
			require.NotNil(t, amazonpaytest.New(amazonpaytest.Settings{Region: region, Environment: environment}).Client())
		}
	}
}
