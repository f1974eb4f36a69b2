package main

import (
	"context"
	"flag"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// Every flag, as an argument and as a variable.
func TestFlags(t *testing.T) {
	cases := []struct {
		flag, value string
		get         func(*config) any
		want        any
	}{
		{"http", "127.0.0.1:1", func(c *config) any { return c.http }, []string{"127.0.0.1:1"}},
		{"https", "[::1]:2", func(c *config) any { return c.https }, []string{"[::1]:2"}},
		{"name", "mock.test", func(c *config) any { return c.names }, []string{"mock.test"}},
		{"ca-file", "a.pem", func(c *config) any { return c.caFile }, "a.pem"},
		{"ca-dir", "b", func(c *config) any { return c.caDir }, "b"},
		{"ready-file", "c", func(c *config) any { return c.readyFile }, "c"},
		{"state", "d", func(c *config) any { return c.state }, "d"},
		{"quiet", "true", func(c *config) any { return c.quiet }, true},
		{"log", "json", func(c *config) any { return c.logFormat }, "json"},
		{"agreement", "true", func(c *config) any { return c.agreement }, true},
		{"region", "de", func(c *config) any { return c.region }, amazonpay.RegionEU},
		{"environment", "live", func(c *config) any { return c.environment }, amazonpay.Production},
		{"seller", "A1", func(c *config) any { return c.seller("NA") + " " + c.seller("JP") }, "A1 A1JP"},
		{"seller", "jp=A2", func(c *config) any { return c.seller("NA") + " " + c.seller("JP") }, "AFAKESELLER01 A2"},
		{"access-key", "AK", func(c *config) any { return c.accessKey }, "AK"},
		{"secret-key", "SK", func(c *config) any { return c.secretKey }, "SK"},
		{"delegate", "A9=amzn.mws.1=2", func(c *config) any { return c.delegated }, map[string]string{"A9": "amzn.mws.1=2"}},
		{"provider", "A8", func(c *config) any { return c.providers }, []string{"A8"}},
		{"allow-listed", "true", func(c *config) any { return c.allowListed }, true},
		{"monthly-limit", "500.00 GBP", func(c *config) any { return c.limits["UK"] }, amazonpay.MustPrice("500", "GBP")},
		{"login-client", "uk=client", func(c *config) any { return c.loginClient("UK") }, "client"},
		{"login-secret", "LS", func(c *config) any { return c.loginSecret }, "LS"},
		{"redirect-url", "http://localhost:3000/back", func(c *config) any { return c.redirectURLs }, []string{"http://localhost:3000/back"}},
		{"manual-clock", "true", func(c *config) any { return c.manual }, true},
		{"start", "2026-01-31T13:00:00+01:00", func(c *config) any { return c.start }, time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)},
		{"quota", "2.5", func(c *config) any { return c.quota }, 2.5},
		{"seed", "7", func(c *config) any { return c.seed }, uint64(7)},
		{"keep-calls", "3", func(c *config) any { return c.keep }, 3},
		{"notify", "http://127.0.0.1:3000/ipn", func(c *config) any { return c.notify }, []string{"http://127.0.0.1:3000/ipn"}},
		{"read-timeout", "2s", func(c *config) any { return c.readTime }, 2 * time.Second},
		{"shutdown-timeout", "3s", func(c *config) any { return c.shutdownTime }, 3 * time.Second},
	}
	readme := readmeText(t)
	var help strings.Builder
	require.NoError(t, run(context.Background(), []string{"-h"}, nil, &help, io.Discard))
	tested := make(map[string]bool)
	for _, c := range cases {
		tested[c.flag] = true
		t.Run(c.flag+" "+c.value, func(t *testing.T) {
			byFlag, err := readConfig([]string{"-" + c.flag + "=" + c.value}, nil, io.Discard)
			require.NoError(t, err)
			assert.Equal(t, c.want, c.get(byFlag))
			byVariable, err := readConfig(nil, []string{envName(c.flag) + "=" + c.value, "PATH=/bin"}, io.Discard)
			require.NoError(t, err)
			assert.Equal(t, c.want, c.get(byVariable))
			plain, err := readConfig(nil, []string{envName(c.flag) + "="}, io.Discard)
			require.NoError(t, err)
			assert.NotEqual(t, c.want, c.get(plain), "the case would not notice a flag without effect")
			assert.Contains(t, help.String(), "\n  -"+c.flag+" ")
			assert.Contains(t, readme, "`-"+c.flag+"`")
		})
	}
	new(config).flags().VisitAll(func(f *flag.Flag) { assert.True(t, tested[f.Name], "-%s has no case", f.Name) })
}

func TestFlagsWinOverVariables(t *testing.T) {
	c, err := readConfig([]string{"-http", "127.0.0.1:1"}, []string{"AMAZONPAY_MOCK_HTTP=127.0.0.1:2", "AMAZONPAY_MOCK_HTTPS=127.0.0.1:3, [::1]:3"}, io.Discard)
	require.NoError(t, err)
	assert.Equal(t, []string{"127.0.0.1:1"}, c.http)
	assert.Equal(t, []string{"127.0.0.1:3", "[::1]:3"}, c.https)
	c, err = readConfig([]string{"-http", "off"}, nil, io.Discard)
	require.NoError(t, err)
	assert.Empty(t, c.http)
	assert.Equal(t, []string{defaultHTTPS}, c.https)
}

// Whatever is wrong is named, and a value never told: it may be a secret.
func TestBadValues(t *testing.T) {
	const value = "s3cr3t value"
	cases := []struct {
		name    string
		args    []string
		environ []string
		want    string
	}{
		{"region", []string{"-region", value}, nil, "-region: is unknown: NA, UK, EU or JP"},
		{"environment", []string{"-environment", value}, nil, "-environment: is unknown"},
		{"address", []string{"-http", value}, nil, "-http: must be host:port"},
		{"nothing to listen on", []string{"-http", "off", "-https", "off"}, nil, "both off"},
		{"seller", []string{"-seller", value}, nil, "-seller: must be printable ASCII without spaces"},
		{"seller of no region", []string{"-seller", "XX=A1"}, nil, "-seller: region is unknown"},
		{"one seller in two regions", []string{"-seller", "A1", "-seller", "UK=A1"}, nil, "-seller: UK has the seller of NA"},
		{"delegated seller of our own", []string{"-delegate", "AFAKESELLER01=" + "token"}, nil, "-delegate: "},
		{"delegate without a token", []string{"-delegate", value}, nil, "-delegate: wants the form SELLER=TOKEN"},
		{"one login client in two regions", []string{"-login-client", "c", "-login-client", "JP=c"}, nil, "-login-client: JP has the client of NA"},
		{"long login client", []string{"-login-client", strings.Repeat("c", 101)}, nil, "-login-client: the id for NA is longer"},
		{"secret key", []string{"-secret-key", value}, nil, "-secret-key: must be printable"},
		{"price", []string{"-monthly-limit", value}, nil, "-monthly-limit: must be a price"},
		{"price of nothing", []string{"-monthly-limit", "0 USD"}, nil, "-monthly-limit: must be a price above zero"},
		{"price of no region", []string{"-monthly-limit", "1 CHF"}, nil, "-monthly-limit: no region keeps its books in CHF"},
		{"start", []string{"-start", value}, nil, "-start: must be a time"},
		{"start long ago", []string{"-start", "1066-10-14T09:00:00Z"}, nil, "-start: must be a time"},
		{"quota", []string{"-quota", "-1"}, nil, "-quota: must be a number"},
		{"no quota", []string{"-quota", "NaN"}, nil, "-quota: must be a number"},
		{"seed", []string{"-seed", "-1"}, nil, "-seed: must be a whole number"},
		{"keep-calls", []string{"-keep-calls", "1.5"}, nil, "-keep-calls: must be a whole number"},
		{"notify", []string{"-notify", "ftp://shop/" + value}, nil, "-notify: must be an http or https URL"},
		{"redirect-url", []string{"-redirect-url", "http://shop.example/"}, nil, "-redirect-url: must be an https URL"},
		{"name", []string{"-name", "a.test:80"}, nil, "-name: must be a name in lower case"},
		{"log", []string{"-log", value}, nil, "-log: must be one of text, json"},
		{"read-timeout", []string{"-read-timeout", "0"}, nil, "-read-timeout: must be a duration above zero"},
		{"shutdown-timeout", []string{"-shutdown-timeout", "soon"}, nil, "-shutdown-timeout: must be a duration"},
		{"unknown flag", []string{"-regoin", "NA"}, nil, "-regoin"},
		{"argument", []string{value}, nil, "arguments behind the flags"},
		{"variable", nil, []string{"AMAZONPAY_MOCK_REGION=" + value}, "AMAZONPAY_MOCK_REGION: is unknown"},
		{"on or off", nil, []string{"AMAZONPAY_MOCK_QUIET=" + value}, "AMAZONPAY_MOCK_QUIET: must be true or false"},
		{"unknown variable", nil, []string{"AMAZONPAY_MOCK_REGOIN=" + value}, "AMAZONPAY_MOCK_REGOIN is no variable"},
		{"all at once", []string{"-log", value, "-seed", "x"}, []string{"AMAZONPAY_MOCK_QUOTA=" + value}, "-log: must be one of text, json\n-seed: must be a whole number, zero or above\nAMAZONPAY_MOCK_QUOTA:"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := run(context.Background(), c.args, c.environ, io.Discard, io.Discard)
			require.ErrorContains(t, err, c.want)
			assert.NotContains(t, err.Error(), value)
			assert.Equal(t, 2, exitCode(err))
		})
	}
}

func TestUnusableFiles(t *testing.T) {
	nowhere := t.TempDir() + "/no/such/dir/file"
	for _, name := range []string{"-ca-file", "-ready-file", "-state"} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			err := run(ctx, []string{"-http", "127.0.0.1:0", "-https", "off", name, nowhere}, nil, io.Discard, io.Discard)
			require.ErrorContains(t, err, name+": ")
			assert.Equal(t, 1, exitCode(err))
		})
	}
}

// What the flags say reaches the fakes.
func TestSettings(t *testing.T) {
	c, err := readConfig([]string{
		"-region", "UK", "-environment", "production", "-seller", "A1", "-access-key", "AK", "-secret-key", "SK", "-delegate", "A2=T", "-provider", "A3",
		"-allow-listed", "-monthly-limit", "5 GBP", "-monthly-limit", "600 JPY", "-login-client", "L", "-login-secret", "LS", "-redirect-url", "https://shop.example/",
		"-manual-clock", "-start", "2026-01-01T00:00:00Z", "-quota", "3", "-seed", "4", "-keep-calls", "5",
	}, nil, io.Discard)
	require.NoError(t, err)
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	home := amazonpaytest.Settings{
		SellerID: "A1", AccessKey: "AK", SecretKey: "SK", Region: "UK", Environment: "production",
		Delegated: map[string]string{"A2": "T"}, Providers: []string{"A3"}, AllowListed: true, MonthlyLimit: amazonpay.MustPrice("5", "GBP"),
		LoginClients: []amazonpaytest.LoginClient{{ID: "L", Secret: "LS", RedirectURLs: []string{"https://shop.example/"}}},
		Start:        start, Manual: true, Quota: 3, Seed: 4, KeepCalls: 5,
	}
	assert.Equal(t, home, c.settings("UK", "production"))
	other := home
	other.SellerID, other.Region, other.Delegated, other.MonthlyLimit = "A1JP", "JP", nil, amazonpay.MustPrice("600", "JPY")
	other.LoginClients = []amazonpaytest.LoginClient{{ID: "L.jp", Secret: "LS", RedirectURLs: []string{"https://shop.example/"}}}
	assert.Equal(t, other, c.settings("JP", "production"))
	other.Environment = "sandbox"
	assert.Equal(t, other, c.settings("JP", "sandbox"))
}
