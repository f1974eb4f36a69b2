package amazonpay_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
)

func faultyFields(t *testing.T, err error) (fields []string) {
	t.Helper()
	invalid, ok := errors.AsType[*amazonpay.InvalidError](err)
	require.True(t, ok, "%v", err)
	for _, f := range invalid.Faults {
		fields = append(fields, f.Field)
		assert.NotEmpty(t, f.Problem)
		assert.Contains(t, err.Error(), f.Field+" "+f.Problem)
	}
	return fields
}

// TestFaultsOfAConfig are reported together, by the names of the Go fields.
func TestFaultsOfAConfig(t *testing.T) {
	middleware := func(ctx context.Context, _ *amazonpay.Operation, next func(context.Context) error) error {
		return next(ctx)
	}
	for _, test := range []struct {
		name string
		edit func(*amazonpay.Config)
		want []string
	}{
		{"nothing wrong", func(*amazonpay.Config) {}, nil},
		{"zero", func(c *amazonpay.Config) { *c = amazonpay.Config{} }, []string{"SellerID", "AccessKey", "SecretKey", "Region", "Environment"}},
		{"everything", func(c *amazonpay.Config) {
			*c = amazonpay.Config{
				SellerID: "A 1", AccessKey: "AKIA\n", SecretKey: amazonpay.NewSecretKey("key "), Region: "MARS", Environment: "test", LoginClientID: "a b",
				ApplicationName: "a(b", ApplicationVersion: "1;2", BaseURL: "ftp://x", Timeout: -1,
				Middleware: []amazonpay.Middleware{middleware, nil, middleware, nil},
			}
		}, []string{"SellerID", "AccessKey", "SecretKey", "Region", "Environment", "LoginClientID", "ApplicationName", "ApplicationVersion", "BaseURL", "Timeout", "Middleware[1]", "Middleware[3]"}},
		{"pasted with a line break", func(c *amazonpay.Config) { c.SecretKey = amazonpay.NewSecretKey(stageSecret + "\n") }, []string{"SecretKey"}},
		{"pasted with a byte order mark", func(c *amazonpay.Config) { c.AccessKey = "\ufeff" + stageKey }, []string{"AccessKey"}},
		{"not ASCII", func(c *amazonpay.Config) { c.SellerID = "A1É" }, []string{"SellerID"}},
		{"version without a name", func(c *amazonpay.Config) { c.ApplicationVersion = "1.0" }, []string{"ApplicationVersion"}},
		{"longest name", func(c *amazonpay.Config) {
			c.ApplicationName, c.ApplicationVersion = strings.Repeat("n", 64), strings.Repeat("v", 64)
		}, nil},
		{"name too long", func(c *amazonpay.Config) { c.ApplicationName = strings.Repeat("n", 65) }, []string{"ApplicationName"}},
		{"name with a line break", func(c *amazonpay.Config) { c.ApplicationName = "shop\r\nX-Evil: 1" }, []string{"ApplicationName"}},
		{"name with a slash", func(c *amazonpay.Config) { c.ApplicationName = "shop/1" }, []string{"ApplicationName"}},
		{"name not ASCII", func(c *amazonpay.Config) { c.ApplicationName = "Läden" }, []string{"ApplicationName"}},
		{"negative timeout", func(c *amazonpay.Config) { c.Timeout = -time.Second }, []string{"Timeout"}},
		{"client id too long", func(c *amazonpay.Config) { c.LoginClientID = strings.Repeat("a", 101) }, []string{"LoginClientID"}},
		{"longest client id", func(c *amazonpay.Config) { c.LoginClientID = strings.Repeat("a", 100) }, nil},
		{"nil middleware", func(c *amazonpay.Config) { c.Middleware = []amazonpay.Middleware{nil} }, []string{"Middleware[0]"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := stageConfig(nil)
			test.edit(&config)
			client, err := amazonpay.New(config)
			if test.want == nil {
				require.NoError(t, err)
				require.NotNil(t, client)
				return
			}
			assert.Nil(t, client)
			assert.Equal(t, test.want, faultyFields(t, err))
			assert.True(t, strings.HasPrefix(err.Error(), "amazonpay: Config: "), "%v", err)
		})
	}
}

// TestFaultsNeverQuoteAValue: a key in the wrong field must not get into a log.
func TestFaultsNeverQuoteAValue(t *testing.T) {
	for _, test := range []struct {
		field string
		edit  func(*amazonpay.Config)
	}{
		{"SellerID", func(c *amazonpay.Config) { c.SellerID = stageSecret + "\n" }},
		{"AccessKey", func(c *amazonpay.Config) { c.AccessKey = stageSecret + "\n" }},
		{"SecretKey", func(c *amazonpay.Config) { c.SecretKey = amazonpay.NewSecretKey(stageSecret + "\n") }},
		{"Region", func(c *amazonpay.Config) { c.Region = stageSecret }},
		{"Environment", func(c *amazonpay.Config) { c.Environment = stageSecret }},
		{"ApplicationName", func(c *amazonpay.Config) { c.ApplicationName = stageSecret + ";" }},
		{"ApplicationVersion", func(c *amazonpay.Config) { c.ApplicationName, c.ApplicationVersion = "shop", stageSecret+";" }},
		{"BaseURL", func(c *amazonpay.Config) { c.BaseURL = "https://user:" + stageSecret + "@host.example" }},
		{"BaseURL", func(c *amazonpay.Config) { c.BaseURL = "https://host.example?key=" + stageSecret }},
		{"BaseURL", func(c *amazonpay.Config) { c.BaseURL = stageSecret + "\x00" }},
	} {
		t.Run(test.field, func(t *testing.T) {
			config := stageConfig(nil)
			test.edit(&config)
			_, err := amazonpay.New(config)
			assert.Equal(t, []string{test.field}, faultyFields(t, err))
			assert.NotContains(t, err.Error(), stageSecret)
		})
	}
}

// TestRegions: Amazon's spellings, and where each leads.
func TestRegions(t *testing.T) {
	for _, test := range []struct {
		region    amazonpay.Region
		spellings []amazonpay.Region
		host      string
	}{
		{amazonpay.RegionNA, []amazonpay.Region{"NA", "na", "us", "US", " us "}, "mws.amazonservices.com"},
		{amazonpay.RegionUK, []amazonpay.Region{"UK", "uk", "gb", "GB"}, "mws-eu.amazonservices.com"},
		{amazonpay.RegionEU, []amazonpay.Region{"EU", "eu", "de", "DE", "fr", "it", "es", "cy"}, "mws-eu.amazonservices.com"},
		{amazonpay.RegionJP, []amazonpay.Region{"JP", "jp", "fe", "Fe"}, "mws.amazonservices.jp"},
	} {
		for environment, path := range map[amazonpay.Environment]string{
			"production": "/OffAmazonPayments/2013-01-01", "LIVE": "/OffAmazonPayments/2013-01-01",
			"sandbox": "/OffAmazonPayments_Sandbox/2013-01-01", "Sandbox": "/OffAmazonPayments_Sandbox/2013-01-01",
		} {
			for _, spelling := range test.spellings {
				t.Run(fmt.Sprintf("%s %s", spelling, environment), func(t *testing.T) {
					on := &stage{scenes: []scene{goodScene}}
					client := stageClient(t, on, func(c *amazonpay.Config) { c.Region, c.Environment = spelling, environment })
					assert.Equal(t, test.region, client.Region())
					assert.True(t, client.Environment().Valid())
					assert.Equal(t, strings.Contains(path, "Sandbox"), client.Environment() == amazonpay.Sandbox)
					_, err := client.GetServiceStatus(t.Context())
					require.NoError(t, err)
					p := on.all()[0]
					assert.Equal(t, test.host, p.host)
					assert.Equal(t, path, p.path)
					assert.Equal(t, p.signature(stageSecret), p.form.Get("Signature"))
				})
			}
		}
	}
}

// TestUnknownRegion: an error of this package, without the value.
func TestUnknownRegion(t *testing.T) {
	_, err := amazonpay.ParseRegion(stageSecret)
	assert.EqualError(t, err, "amazonpay: region is unknown: NA, UK, EU or JP")
	_, err = amazonpay.ParseRegion("")
	assert.EqualError(t, err, "amazonpay: region is required: NA, UK, EU or JP")
	_, err = amazonpay.ParseEnvironment(stageSecret)
	assert.EqualError(t, err, "amazonpay: environment is unknown: production or sandbox")
	_, err = amazonpay.ParseEnvironment("")
	assert.EqualError(t, err, "amazonpay: environment is required: production or sandbox")
}

func TestBaseURLRefused(t *testing.T) {
	for _, test := range []struct {
		name, base  string
		environment amazonpay.Environment
	}{
		{"http in production", "http://mws.example", amazonpay.Production},
		{"http to a private network in production", "http://10.0.0.1:8080", amazonpay.Production},
		{"http to every interface in production", "http://0.0.0.0:8080", amazonpay.Production},
		{"name that begins like this machine", "http://127.0.0.1.example", amazonpay.Production},
		{"name that ends like this machine", "http://notlocalhost", amazonpay.Production},
		{"user", "https://user@mws.example", amazonpay.Sandbox},
		{"user and password", "https://user:password@mws.example", amazonpay.Sandbox},
		{"query", "https://mws.example?x=1", amazonpay.Sandbox},
		{"empty query", "https://mws.example/?", amazonpay.Sandbox},
		{"fragment", "https://mws.example/#x", amazonpay.Sandbox},
		{"empty fragment", "https://mws.example/#", amazonpay.Sandbox},
		{"no scheme", "mws.example", amazonpay.Sandbox},
		{"no scheme with a port", "127.0.0.1:8080", amazonpay.Sandbox},
		{"other scheme", "ftp://mws.example", amazonpay.Sandbox},
		{"no host", "https:///path", amazonpay.Sandbox},
		{"port without a host", "https://:8443", amazonpay.Sandbox},
		{"default port without a host", "https://:443", amazonpay.Sandbox},
		{"opaque", "https:mws.example", amazonpay.Sandbox},
		{"space", "https://mws example", amazonpay.Sandbox},
		{"line break", "https://mws.example\n", amazonpay.Sandbox},
		{"port of letters", "https://mws.example:http", amazonpay.Sandbox},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := stageConfig(nil)
			config.BaseURL, config.Environment, config.LoginClientID = test.base, test.environment, "amzn1.application-oa2-client.1"
			_, err := amazonpay.New(config)
			assert.Equal(t, []string{"BaseURL"}, faultyFields(t, err))
		})
	}
}

// TestBaseURL: what New takes is posted to, and signed as it is posted. A real
// server sees what a proxy or simulator would see.
func TestBaseURL(t *testing.T) {
	var got stagePost
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = readStagePost(r, "")
		_, _ = w.Write([]byte("<GetServiceStatusResponse><GetServiceStatusResult><Status>GREEN</Status></GetServiceStatusResult></GetServiceStatusResponse>"))
	}))
	defer server.Close()
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) { // whatever the name, it is this server
		return new(net.Dialer).DialContext(ctx, "tcp", server.Listener.Addr().String())
	}
	transport := &http.Transport{DialContext: dial, DialTLSContext: dial, DisableKeepAlives: true}
	const sandbox, production = amazonpay.Sandbox, amazonpay.Production
	for _, test := range []struct {
		name, base  string
		environment amazonpay.Environment
		host, path  string // as posted; an empty host is any
	}{
		{"https", "https://mws.example", production, "mws.example", "/OffAmazonPayments/2013-01-01"},
		{"capitals", "HTTPS://MWS.Example", production, "mws.example", "/OffAmazonPayments/2013-01-01"},
		{"port", "https://mws.example:8443", production, "mws.example:8443", "/OffAmazonPayments/2013-01-01"},
		{"default port", "https://mws.example:443", production, "mws.example", "/OffAmazonPayments/2013-01-01"},
		{"port of the other scheme", "https://mws.example:80", production, "mws.example:80", "/OffAmazonPayments/2013-01-01"},
		{"empty port", "https://mws.example:", production, "mws.example", "/OffAmazonPayments/2013-01-01"},
		{"slash", "https://mws.example/", production, "mws.example", "/OffAmazonPayments/2013-01-01"},
		{"prefix", "https://mws.example/pay/sim", sandbox, "mws.example", "/pay/sim/OffAmazonPayments_Sandbox/2013-01-01"},
		{"prefix with a slash", "https://mws.example/pay/", sandbox, "mws.example", "/pay/OffAmazonPayments_Sandbox/2013-01-01"},
		{"prefix with an escape", "https://mws.example/a%2Fb/c%20d", sandbox, "mws.example", "/a%2Fb/c%20d/OffAmazonPayments_Sandbox/2013-01-01"},
		{"prefix not ASCII", "https://mws.example/zahlß{}", sandbox, "mws.example", "/zahl%C3%9F%7B%7D/OffAmazonPayments_Sandbox/2013-01-01"},
		{"http in the sandbox", "http://mws.example", sandbox, "mws.example", "/OffAmazonPayments_Sandbox/2013-01-01"},
		{"http with its port", "http://mws.example:80", sandbox, "mws.example", "/OffAmazonPayments_Sandbox/2013-01-01"},
		{"http with the other's port", "http://mws.example:443", sandbox, "mws.example:443", "/OffAmazonPayments_Sandbox/2013-01-01"},
		{"this machine in production", "http://127.0.0.1:8080", production, "127.0.0.1:8080", "/OffAmazonPayments/2013-01-01"},
		{"all of 127 in production", "http://127.8.9.10", production, "127.8.9.10", "/OffAmazonPayments/2013-01-01"},
		{"localhost in production", "http://localhost:8080", production, "localhost:8080", "/OffAmazonPayments/2013-01-01"},
		{"localhost in capitals in production", "http://LOCALHOST:8080", production, "localhost:8080", "/OffAmazonPayments/2013-01-01"},
		{"IPv6", "http://[::1]:8080", production, "[::1]:8080", "/OffAmazonPayments/2013-01-01"},
		{"IPv6 with its port", "http://[::1]:80", production, "[::1]", "/OffAmazonPayments/2013-01-01"},
		{"IPv6 in capitals", "https://[2001:DB8::A]:8443", production, "[2001:db8::a]:8443", "/OffAmazonPayments/2013-01-01"},
		{"name not ASCII", "https://zählung.example", sandbox, "", "/OffAmazonPayments_Sandbox/2013-01-01"},
		{"name not ASCII with a port", "https://ZÄHLUNG.example:8443", sandbox, "", "/OffAmazonPayments_Sandbox/2013-01-01"},
		{"IPv6 with a zone", "http://[fe80::1%25lo]:8080", sandbox, "", "/OffAmazonPayments_Sandbox/2013-01-01"},
		{"trailing dot", "https://mws.example.", sandbox, "mws.example.", "/OffAmazonPayments_Sandbox/2013-01-01"},
		{"port with a zero in front", "http://mws.example:080", sandbox, "", "/OffAmazonPayments_Sandbox/2013-01-01"},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := stageConfig(transport)
			config.BaseURL, config.Environment, config.Backoff = test.base, test.environment, amazonpay.Spacing()
			config.LoginClientID = "amzn1.application-oa2-client.1" // Login with Amazon takes what the payment API takes
			client, err := amazonpay.New(config)
			if err != nil && test.host == "" {
				return // refused as well it may be, as long as it is refused at once
			}
			require.NoError(t, err)
			_, err = client.GetServiceStatus(t.Context())
			require.NoError(t, err)
			if test.host != "" {
				assert.Equal(t, test.host, got.host)
			}
			assert.Equal(t, test.path, got.path)
			assert.Equal(t, got.signature(stageSecret), got.form.Get("Signature"), "signed as posted, to %s", got.host)
		})
	}
}

// TestRedirectsAreNotFollowed, and the caller's HTTP client stays as it was.
func TestRedirectsAreNotFollowed(t *testing.T) {
	var paths []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.URL.Path)
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	asked := false
	own := &http.Client{Transport: &http.Transport{}, Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error {
		asked = true
		return nil
	}}
	before := *own
	for _, client := range []*http.Client{own, {Transport: own.Transport}, nil} {
		paths = nil
		c := stageClient(t, nil, func(c *amazonpay.Config) { c.HTTPClient, c.BaseURL = client, server.URL })
		_, err := c.Capture(t.Context(), stageCapture)
		failure, ok := errors.AsType[*amazonpay.Error](err)
		require.True(t, ok)
		assert.Equal(t, 307, failure.StatusCode)
		assert.ErrorContains(t, err, "redirect")
		assert.Equal(t, []string{"/OffAmazonPayments_Sandbox/2013-01-01"}, paths)
	}
	assert.False(t, asked)
	assert.Equal(t, before.Transport, own.Transport)
	assert.Equal(t, before.Timeout, own.Timeout)
	require.NotNil(t, own.CheckRedirect)
	assert.NoError(t, own.CheckRedirect(nil, nil), "still the caller's own")
	assert.True(t, asked)
}

// TestHTTPClientIsTakenAtNew: a later change of the caller's is not seen.
func TestHTTPClientIsTakenAtNew(t *testing.T) {
	on := &stage{scenes: []scene{goodScene}}
	own := &http.Client{Transport: on}
	client := stageClient(t, nil, func(c *amazonpay.Config) { c.HTTPClient = own })
	own.Transport = nil
	_, err := client.Capture(t.Context(), stageCapture)
	require.NoError(t, err)
	assert.Len(t, on.all(), 1)
}

// TestHeaders of a request.
func TestHeaders(t *testing.T) {
	platform := regexp.QuoteMeta(fmt.Sprintf("Go/%s; %s/%s)", strings.TrimPrefix(runtime.Version(), "go"), runtime.GOOS, runtime.GOARCH))
	for _, test := range []struct{ name, app, version, want string }{
		{"no application", "", "", `^amazonpay-go/\d+\.\d+\.\d+ \(` + platform + "$"},
		{"name", "Journal Shop", "", `^amazonpay-go/\d+\.\d+\.\d+ \(Journal Shop; ` + platform + "$"},
		{"name and version", "Shop", "1.2-rc", `^amazonpay-go/\d+\.\d+\.\d+ \(Shop/1\.2-rc; ` + platform + "$"},
		{"longest", strings.Repeat("n", 64), strings.Repeat("v", 64), `^amazonpay-go/\S+ \(n{64}/v{64}; ` + platform + "$"},
	} {
		t.Run(test.name, func(t *testing.T) {
			on := &stage{scenes: []scene{goodScene}}
			client := stageClient(t, on, func(c *amazonpay.Config) { c.ApplicationName, c.ApplicationVersion = test.app, test.version })
			_, err := client.Capture(t.Context(), stageCapture)
			require.NoError(t, err)
			header := on.all()[0].header
			assert.Regexp(t, test.want, header.Get("User-Agent"))
			assert.Less(t, len(header.Get("User-Agent")), 500)
			assert.Equal(t, "application/x-www-form-urlencoded; charset=utf-8", header.Get("Content-Type"))
			assert.NotContains(t, header, "Expect")
			assert.NotContains(t, header, "Authorization")
		})
	}
}

// TestVersion: what the User-Agent says is what the changelog tells about.
func TestVersion(t *testing.T) {
	changelog, err := os.ReadFile("CHANGELOG.md")
	require.NoError(t, err)
	top := regexp.MustCompile(`(?m)^## (?:Unreleased: )?(.*)$`).FindSubmatch(changelog)
	require.NotNil(t, top)
	on := &stage{scenes: []scene{goodScene}}
	_, err = stageClient(t, on).GetServiceStatus(t.Context())
	require.NoError(t, err)
	version, _, _ := strings.Cut(strings.TrimPrefix(on.all()[0].header.Get("User-Agent"), "amazonpay-go/"), " ")
	number, _, _ := strings.Cut(string(top[1]), " ") // and then the date
	assert.Equal(t, number, version, "the number at the top of CHANGELOG.md")
}

// TestCommonParameters are those of the protocol, each once.
func TestCommonParameters(t *testing.T) {
	on := &stage{scenes: []scene{goodScene}}
	_, err := stageClient(t, on).GetServiceStatus(t.Context())
	require.NoError(t, err)
	p := on.all()[0]
	assert.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`, p.form.Get("Timestamp"))
	p.form.Del("Timestamp")
	assert.Len(t, p.form["Signature"], 1)
	p.form.Del("Signature")
	assert.Equal(t, map[string][]string{
		"AWSAccessKeyId": {stageKey}, "Action": {"GetServiceStatus"}, "SellerId": {stageSeller},
		"SignatureMethod": {"HmacSHA256"}, "SignatureVersion": {"2"}, "Version": {"2013-01-01"},
	}, map[string][]string(p.form))
}

func TestOnBehalfOf(t *testing.T) {
	const token = "amzn.mws.4ea38b7b-f563-7709-4bae-87aea+/="
	on := &stage{scenes: []scene{goodScene}}
	parent := stageClient(t, on)
	derived, err := parent.OnBehalfOf("A2OTHERSELLER", token)
	require.NoError(t, err)
	second, err := derived.OnBehalfOf("A3THIRDSELLER", "amzn.mws.third")
	require.NoError(t, err)
	for _, c := range []*amazonpay.Client{parent, derived, second, parent} {
		_, err := c.Capture(t.Context(), stageCapture)
		require.NoError(t, err)
	}
	posts := on.all()
	require.Len(t, posts, 4)
	for i, want := range []struct {
		seller string
		tokens []string
	}{{stageSeller, nil}, {"A2OTHERSELLER", []string{token}}, {"A3THIRDSELLER", []string{"amzn.mws.third"}}, {stageSeller, nil}} {
		assert.Equal(t, []string{want.seller}, posts[i].form["SellerId"])
		assert.Equal(t, want.tokens, posts[i].form["MWSAuthToken"])
		assert.Equal(t, []string{stageKey}, posts[i].form["AWSAccessKeyId"], "the keys stay the provider's")
		assert.Equal(t, posts[i].signature(stageSecret), posts[i].form.Get("Signature"), "the token is signed too")
	}
	assert.Equal(t, stageSeller, parent.SellerID())
	assert.Equal(t, "A2OTHERSELLER", derived.SellerID())
	assert.Equal(t, "A3THIRDSELLER", second.SellerID())
	assert.Equal(t, parent.Region(), derived.Region())
	assert.Equal(t, parent.Environment(), derived.Environment())
	assert.Equal(t, "amazonpay.Client(A2OTHERSELLER, NA, sandbox)", derived.String())
}

func TestFaultsOfOnBehalfOf(t *testing.T) {
	client := stageClient(t, &stage{scenes: []scene{goodScene}})
	for _, test := range []struct {
		name, seller, token string
		want                []string
	}{
		{"both empty", "", "", []string{"SellerID", "MWSAuthToken"}},
		{"no seller", "", "amzn.mws.1", []string{"SellerID"}},
		{"no token", "A2OTHERSELLER", "", []string{"MWSAuthToken"}},
		{"seller pasted with a line break", "A2OTHERSELLER\n", "amzn.mws.1", []string{"SellerID"}},
		{"token pasted with a line break", "A2OTHERSELLER", "amzn.mws.1\n", []string{"MWSAuthToken"}},
		{"token pasted with a space", "A2OTHERSELLER", " amzn.mws.1", []string{"MWSAuthToken"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			derived, err := client.OnBehalfOf(test.seller, test.token)
			assert.Nil(t, derived)
			assert.Equal(t, test.want, faultyFields(t, err))
			assert.NotContains(t, err.Error(), "amzn.mws")
		})
	}
}

// TestConfigIsCopied: what the caller does to it later does not matter.
func TestConfigIsCopied(t *testing.T) {
	on := &stage{scenes: []scene{goodScene}}
	config := stageConfig(on)
	client, err := amazonpay.New(config)
	require.NoError(t, err)
	config.SellerID, config.SecretKey = "A9CHANGED", amazonpay.NewSecretKey("changed")
	_, err = client.Capture(t.Context(), stageCapture)
	require.NoError(t, err)
	p := on.all()[0]
	assert.Equal(t, stageSeller, p.form.Get("SellerId"))
	assert.Equal(t, p.signature(stageSecret), p.form.Get("Signature"))
	assert.Equal(t, "amazonpay.Client("+stageSeller+", NA, sandbox)", client.String())
}

// TestRequestIsNotChanged: a call leaves the caller's request as it was, and
// defaults that it sends are its own.
func TestRequestIsNotChanged(t *testing.T) {
	on := &stage{scenes: []scene{goodScene}}
	client := stageClient(t, on)
	create := amazonpay.CreateOrderReferenceForIdRequest{ID: "C01-1234567-1234567"}
	_, err := client.CreateOrderReferenceForId(t.Context(), create)
	require.NoError(t, err)
	assert.Equal(t, amazonpay.CreateOrderReferenceForIdRequest{ID: "C01-1234567-1234567"}, create)
	assert.Equal(t, "true", on.all()[0].form.Get("InheritShippingAddress"))
}

// TestEveryRequestIsSigned, of every operation.
func TestEveryRequestIsSigned(t *testing.T) {
	for _, o := range stageOperations {
		t.Run(o.action, func(t *testing.T) {
			on := &stage{scenes: []scene{goodScene}}
			_, err := o.call(t.Context(), stageClient(t, on))
			require.NoError(t, err)
			p := on.all()[0]
			assert.Equal(t, o.action, p.form.Get("Action"))
			assert.Equal(t, p.signature(stageSecret), p.form.Get("Signature"))
			names := make([]string, 0, len(p.form))
			for pair := range strings.SplitSeq(p.body, "&") {
				name, _, _ := strings.Cut(pair, "=")
				names = append(names, name)
			}
			unsigned := slices.DeleteFunc(names, func(name string) bool { return name == "Signature" })
			assert.True(t, slices.IsSorted(unsigned), "the canonical string itself is posted")
		})
	}
}
