package widgets

import (
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/amazonpay-go/amazonpay/internal/endpoint"
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
	var wrong faults
	wrong.add("SellerID", word(c.SellerID, 100))
	wrong.add("ClientID", word(c.ClientID, 100))
	var err error
	if c.Region, err = endpoint.ParseRegion(string(c.Region)); err != nil {
		wrong.add("Region", strings.TrimPrefix(err.Error(), "region "))
	}
	if c.Environment, err = endpoint.ParseEnvironment(string(c.Environment)); err != nil {
		wrong.add("Environment", strings.TrimPrefix(err.Error(), "environment "))
	}
	if c.BaseURL != "" {
		wrong.add("BaseURL", c.baseProblem())
		c.BaseURL = strings.TrimSuffix(c.BaseURL, "/")
	}
	if err := wrong.of("Config"); err != nil {
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

// baseProblem says what is wrong with BaseURL, which also goes into the policy,
// where a space or a semicolon would begin something new.
func (c *Config) baseProblem() string {
	u, err := url.Parse(c.BaseURL)
	switch {
	case err != nil:
		return "is not a URL"
	case u.Scheme != "https" && u.Scheme != "http", u.Host == "", strings.TrimSuffix(c.BaseURL, "/") != u.Scheme+"://"+u.Host,
		strings.ContainsFunc(u.Host, func(r rune) bool { return r > '~' || !strings.ContainsRune(hostBytes, r) }):
		return `wants the form "https://host[:port]"`
	case !c.secure(u):
		return "is plain http, which production takes for this machine only"
	}
	return ""
}

const hostBytes = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._:[]"

// secure reports whether nobody on the way can read what goes to the address.
func (c *Config) secure(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || c.Environment == Sandbox || u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
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
	case u.Scheme != "https" && u.Scheme != "http", u.Host == "", u.User != nil:
		return `wants the form "/path" or "https://host[:port]/path"`
	case !c.secure(u):
		return "is plain http, which production takes for this machine only"
	}
	return ""
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

// word says what is wrong with a value that travels as one word.
func word(s string, most int) string {
	switch {
	case s == "":
		return "is required"
	case len(s) > most:
		return fmt.Sprintf("is longer than %d bytes", most)
	case strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "has a space or a character outside printable ASCII"
	}
	return ""
}

// optional says what is wrong with a word that may be missing.
func optional(s string, most int) string {
	if s == "" {
		return ""
	}
	return word(s, most)
}

// Fault is one thing wrong with a [Config] or a [Page].
type Fault struct {
	Field   string // the Go field: "Wallet.Design"
	Problem string // what is wrong, never the value: "is required"
}

// InvalidError lists everything that is wrong with a [Config] or a [Page].
type InvalidError struct {
	Subject string  // "Config" or "Page"
	Faults  []Fault // at least one, never with a value
}

// Error lists the faults.
func (e *InvalidError) Error() string {
	texts := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		texts[i] = f.Field + " " + f.Problem
	}
	return "widgets: " + e.Subject + ": " + strings.Join(texts, "; ")
}

// faults collects what is wrong.
type faults []Fault

// add notes a problem, if there is one.
func (f *faults) add(field, problem string) {
	if problem != "" {
		*f = append(*f, Fault{field, problem})
	}
}

// of is an *InvalidError about the subject, or nil if nothing is wrong.
func (f faults) of(subject string) error {
	if len(f) == 0 {
		return nil
	}
	return &InvalidError{subject, f}
}
