package widgets

import (
	"net/url"
	"strings"

	"github.com/amazonpay-go/amazonpay/internal/endpoint"
	"github.com/amazonpay-go/amazonpay/internal/fault"
)

// Region is the seller's region, the same type as amazonpay.Region. A [Config]
// also takes Amazon's other spellings, such as "us", "de" or "gb".
type Region = endpoint.Region

// The regions, and the host that their Widgets.js comes from.
const (
	RegionNA = endpoint.NA // United States: static-na.payments-amazon.com
	RegionUK = endpoint.UK // United Kingdom: static-eu.payments-amazon.com
	RegionEU = endpoint.EU // Germany and the euro countries: static-eu.payments-amazon.com
	RegionJP = endpoint.JP // Japan: static-fe.payments-amazon.com
)

// Environment tells real money from play money, the same type as
// amazonpay.Environment. There is no default.
type Environment = endpoint.Environment

// The environments. Each has a Widgets.js of its own.
const (
	Production = endpoint.Production
	Sandbox    = endpoint.Sandbox
)

// Config is what all pages of a shop have in common. All of it is public: the
// buyer's browser sees it. SellerID, ClientID, Region and Environment are
// required.
type Config struct {
	SellerID    string      // your merchant id, "A2…"
	ClientID    string      // "amzn1.application-oa2-client.…", at most 100 bytes
	Region      Region      // RegionNA, RegionUK, RegionEU or RegionJP; Amazon's other spellings work too
	Environment Environment // Production or Sandbox

	// BaseURL replaces the scheme and host that Widgets.js comes from, for a
	// fake: "http://127.0.0.1:8080". Plain http is taken in the sandbox or for
	// this machine only. Empty means Amazon.
	BaseURL string `json:",omitempty"`
}

// Shop renders the pages of one shop. It never changes, and may be used by many
// goroutines at once.
type Shop struct{ config Config }

// New checks a config. The error is an [*InvalidError] that names every fault.
func New(c Config) (*Shop, error) {
	var wrong fault.List
	wrong.Add("SellerID", fault.Word(c.SellerID, 100))
	wrong.Add("ClientID", fault.Word(c.ClientID, 100))
	var err error
	c.Region, err = endpoint.ParseRegion(string(c.Region))
	wrong.AddError("Region", err)
	c.Environment, err = endpoint.ParseEnvironment(string(c.Environment))
	wrong.AddError("Environment", err)
	if c.BaseURL != "" {
		wrong.Add("BaseURL", c.baseProblem())
		c.BaseURL = strings.TrimSuffix(c.BaseURL, "/")
	}
	if err := wrong.Of("widgets", "Config"); err != nil {
		return nil, err
	}
	return &Shop{c}, nil
}

// ScriptURL is the address of Amazon's Widgets.js for the shop. There is one
// per region and environment; no source knows of one per language.
func (s *Shop) ScriptURL() string {
	// The seller's id is in the address in some shops and missing in others: it
	// is not known who needs it, and it does no harm.
	return s.origin() + endpoint.WidgetsPath(s.config.Region, s.config.Environment) + "?sellerId=" + url.QueryEscape(s.config.SellerID)
}

// origin is where Amazon's script comes from.
func (s *Shop) origin() string {
	if s.config.BaseURL != "" {
		return s.config.BaseURL
	}
	return "https://" + endpoint.WidgetsHost(s.config.Region)
}

// baseProblem says what is wrong with BaseURL, which also goes into the policy.
func (c *Config) baseProblem() string {
	if problem := fault.BaseURL(c.BaseURL, c.Environment == Sandbox); problem != "" {
		return problem
	}
	if u, _ := url.Parse(c.BaseURL); u.Path != "" && u.Path != "/" {
		return "takes no path"
	}
	return ""
}

// pageProblem says what is wrong with the address of a page of the shop: a path,
// or a URL.
func (c *Config) pageProblem(s string) string {
	u, err := url.Parse(s)
	switch {
	case s == "":
		return "is required"
	case err != nil, strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == '\\' }):
		return "is not a URL"
	case strings.Contains(s, "#"):
		return "takes no fragment"
	case pathProblem(s) == "":
		return ""
	case u.Scheme == "", u.Host == "":
		return `wants the form "/path" or "https://host[:port]/path"`
	}
	return fault.URL(s, c.Environment == Sandbox)
}

// pathProblem says what is wrong with a path of the shop's own host. Browsers
// take "//host" and "/\host" for another host.
func pathProblem(s string) string {
	u, err := url.Parse(s)
	switch {
	case s == "":
		return "is required"
	case err != nil, u.Scheme != "", u.Host != "", !strings.HasPrefix(s, "/"), strings.HasPrefix(s, "//"),
		strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == '\\' || r == '#' }):
		return `wants the form "/path"`
	}
	return ""
}

// Fault is one thing wrong with a [Config] or a [Page]: its Field is the Go field
// ("Wallet.Design"), its Problem says what is wrong, never the value ("is
// required").
type Fault = fault.Fault

// InvalidError lists everything that is wrong with a [Config] or a [Page]. Its
// Subject is "Config" or "Page"; its Faults are at least one. It is the same type
// as amazonpay.InvalidError.
type InvalidError = fault.InvalidError
