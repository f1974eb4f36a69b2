package widgets_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay/widgets"
)

func TestScriptURL(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		region      widgets.Region
		environment widgets.Environment
		want        string
	}{
		{widgets.RegionNA, widgets.Production, "https://static-na.payments-amazon.com/OffAmazonPayments/us/js/Widgets.js"},
		{widgets.RegionNA, widgets.Sandbox, "https://static-na.payments-amazon.com/OffAmazonPayments/us/sandbox/js/Widgets.js"},
		{widgets.RegionUK, widgets.Production, "https://static-eu.payments-amazon.com/OffAmazonPayments/gbp/lpa/js/Widgets.js"},
		{widgets.RegionUK, widgets.Sandbox, "https://static-eu.payments-amazon.com/OffAmazonPayments/gbp/sandbox/lpa/js/Widgets.js"},
		{widgets.RegionEU, widgets.Production, "https://static-eu.payments-amazon.com/OffAmazonPayments/eur/lpa/js/Widgets.js"},
		{widgets.RegionEU, widgets.Sandbox, "https://static-eu.payments-amazon.com/OffAmazonPayments/eur/sandbox/lpa/js/Widgets.js"},
		{widgets.RegionJP, widgets.Production, "https://static-fe.payments-amazon.com/OffAmazonPayments/jp/lpa/js/Widgets.js"},
		{widgets.RegionJP, widgets.Sandbox, "https://static-fe.payments-amazon.com/OffAmazonPayments/jp/sandbox/lpa/js/Widgets.js"},
		{"de", widgets.Sandbox, "https://static-eu.payments-amazon.com/OffAmazonPayments/eur/sandbox/lpa/js/Widgets.js"},
		{"us", widgets.Sandbox, "https://static-na.payments-amazon.com/OffAmazonPayments/us/sandbox/js/Widgets.js"},
	} {
		t.Run(string(test.region)+" "+string(test.environment), func(t *testing.T) {
			t.Parallel()
			c := config(test.region)
			c.Environment = test.environment
			assert.Equal(t, test.want+"?sellerId=A2SELLEREXAMPLE", newShop(t, c).ScriptURL())
		})
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	const form, host = `BaseURL wants the form "https://host[:port]"`, "BaseURL wants a host of ASCII letters, digits, dots and hyphens"
	base := func(url string) func(*widgets.Config) { return func(c *widgets.Config) { c.BaseURL = url } }
	for _, test := range []struct {
		name   string
		change func(*widgets.Config)
		want   string // empty: it is taken
	}{
		{"nothing", func(c *widgets.Config) { *c = widgets.Config{} }, "SellerID is required; ClientID is required; Region "},
		{"an id in two words", func(c *widgets.Config) { c.SellerID = "A2 SELLER" }, "SellerID has a space or a character outside printable ASCII"},
		{"an endless client id", func(c *widgets.Config) { c.ClientID = strings.Repeat("a", 101) }, "ClientID is longer than 100 bytes"},
		{"an unknown region", func(c *widgets.Config) { c.Region = "atlantis" }, "Region "},
		{"an unknown environment", func(c *widgets.Config) { c.Environment = "staging" }, "Environment "},
		{"a fake", base("https://fake.example:8443/"), ""},
		{"a fake in the sandbox", base("http://fake.example"), ""},
		{"a fake on this machine", func(c *widgets.Config) { c.Environment, c.BaseURL = widgets.Production, "http://[::1]:8080" }, ""},
		{"a fake far away in production", func(c *widgets.Config) { c.Environment, c.BaseURL = widgets.Production, "http://fake.example" },
			"BaseURL is plain http, which production takes for this machine only"},
		{"a path", base("https://fake.example/js"), "BaseURL takes no path"},
		{"a query", base("https://fake.example?a"), "BaseURL takes no query"},
		{"a user", base("https://me@fake.example"), "BaseURL takes no user or fragment"},
		{"another scheme", base("ftp://fake.example"), form},
		{"no scheme", base("fake.example"), form},
		{"a semicolon", base("https://fake.example;script-src"), host},
		{"a comma", base("https://fake.example,b"), host},
		{"a star", base("https://*.example"), host},
		{"another alphabet", base("https://fäke.example"), host},
		{"no URL", base("https://fake.example:port"), "BaseURL is not a URL"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := config(widgets.RegionUK)
			test.change(&c)
			shop, err := widgets.New(c)
			if test.want == "" {
				require.NoError(t, err)
				assert.True(t, strings.HasPrefix(shop.ScriptURL(), strings.TrimSuffix(c.BaseURL, "/")+"/OffAmazonPayments/"))
				return
			}
			assert.Nil(t, shop)
			invalid := new(widgets.InvalidError)
			require.ErrorAs(t, err, &invalid)
			assert.Equal(t, "Config", invalid.Subject)
			assert.True(t, strings.HasPrefix(err.Error(), "widgets: Config: "+test.want), err.Error())
		})
	}
}

// A config goes through JSON.
func TestConfigJSON(t *testing.T) {
	t.Parallel()
	want := config(widgets.RegionJP)
	text, err := json.Marshal(want)
	require.NoError(t, err)
	assert.NotContains(t, string(text), "BaseURL")
	var got widgets.Config
	require.NoError(t, json.Unmarshal(text, &got))
	assert.Equal(t, want, got)
}
