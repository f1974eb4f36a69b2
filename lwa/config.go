package lwa

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/amazonpay-go/amazonpay/internal/endpoint"
	"github.com/amazonpay-go/amazonpay/internal/fault"
	"github.com/amazonpay-go/amazonpay/internal/secret"
)

// DefaultTimeout bounds one request if [Config] names no Timeout.
const DefaultTimeout = 10 * time.Second

// Region is the seller's region, the same type as amazonpay.Region. A [Config]
// also takes Amazon's other spellings, such as "us", "de" or "gb".
type Region = endpoint.Region

// The regions, and the marketplace domain that their hosts belong to.
const (
	RegionNA = endpoint.NA // United States: amazon.com
	RegionUK = endpoint.UK // United Kingdom: amazon.co.uk
	RegionEU = endpoint.EU // Germany and the euro countries: amazon.de; tokens from amazon.co.uk
	RegionJP = endpoint.JP // Japan: amazon.co.jp
)

// Environment tells real buyers from test buyers, the same type as
// amazonpay.Environment. There is no default.
type Environment = endpoint.Environment

// The environments. They differ in the hosts of tokeninfo and profile; no
// source names a consent page or a token host of the sandbox's own.
const (
	Production = endpoint.Production // real buyers
	Sandbox    = endpoint.Sandbox    // test buyers
)

// SecretKey holds a secret so that no verb of fmt, no JSON and no log handler
// shows it; the same type as amazonpay.SecretKey. It is empty as it stands;
// [NewSecretKey] fills it.
type SecretKey = secret.Key

// NewSecretKey wraps a secret.
func NewSecretKey(text string) SecretKey { return secret.New(text) }

// Scope is something of the buyer's that the token gives access to. The type is
// open: a scope that Amazon adds passes through unchanged.
type Scope string

// The scopes.
const (
	ScopeProfile         Scope = "profile"                   // user id, name and e-mail; the buyer is asked at the first sign-in
	ScopeUserID          Scope = "profile:user_id"           // user id only; the buyer is not asked
	ScopePostalCode      Scope = "postal_code"               // postal code of the primary shipping address
	ScopeWidget          Scope = "payments:widget"           // needed by the AddressBook, Wallet and Consent widgets
	ScopeShippingAddress Scope = "payments:shipping_address" // the full shipping address, before confirmation too, when the token goes with the request for the details
	ScopeBillingAddress  Scope = "payments:billing_address"  // likewise the billing address; UK and EU, elsewhere for approved sellers
	ScopeAutopayConsent  Scope = "payments:autopay_consent"  // consent to recurring payments at sign-in instead of in the Consent widget; seen in shops, not described by Amazon
)

// Config is what [New] needs to know. ClientID, Region and Environment are
// always required; RedirectURL and Scopes are for a client that sends buyers to
// the consent page, and may be empty for one that only looks at tokens.
type Config struct {
	ClientID     string      // "amzn1.application-oa2-client.…", at most 100 bytes
	ClientSecret SecretKey   // for the code grant; without it the PKCE verifier alone proves who exchanges a code
	Region       Region      // RegionNA, RegionUK, RegionEU or RegionJP; Amazon's other spellings work too
	Environment  Environment // Production or Sandbox

	// RedirectURL is the page of yours that the buyer comes back to: one of the
	// client's Allowed Return URLs, to the letter. Amazon takes https, and plain
	// http for localhost; this package also takes plain http in the sandbox.
	RedirectURL string  `json:",omitempty"`
	Scopes      []Scope // what to ask the buyer for; required with RedirectURL

	// BaseURL replaces the scheme and host of all of Amazon's servers, for a
	// fake: "http://127.0.0.1:8080". A path in it goes before Amazon's own.
	// Plain http is taken in the sandbox or for this machine only. Empty means
	// Amazon.
	BaseURL string `json:",omitempty"`

	// Endpoints replaces single addresses, and wins over BaseURL.
	Endpoints Endpoints

	// HTTPClient sends the requests; the seam for proxies, tracing and fakes.
	// Redirects are never followed, whatever it says. Nil means a client of the
	// package's own.
	HTTPClient *http.Client `json:"-"`

	// Timeout bounds one request, from sending to the last byte of the answer.
	// Zero means DefaultTimeout.
	Timeout time.Duration `json:",omitempty"`
}

// Endpoints are full URLs; an empty one means Amazon's.
type Endpoints struct {
	Authorize string // the consent page, https://www.amazon.com/ap/oa; may have a query of its own, such as "sandbox=true"
	Token     string // exchanges and refreshes, https://api.<domain>/auth/o2/token
	TokenInfo string // https://api[.sandbox].<domain>/auth/o2/tokeninfo
	Profile   string // https://api[.sandbox].<domain>/user/profile
}

// LogValue names the client id, region and environment, and no key.
func (c Config) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("clientId", c.ClientID),
		slog.String("region", string(c.Region)),
		slog.String("environment", string(c.Environment)))
}

// resolve completes a config and reports everything that is wrong with it.
func (c *Config) resolve() error {
	var wrong fault.List
	wrong.Add("ClientID", fault.Word(c.ClientID, 100))
	if !c.ClientSecret.IsZero() {
		wrong.Add("ClientSecret", fault.Word(secret.Text(c.ClientSecret), maxToken))
	}
	var err error
	c.Region, err = endpoint.ParseRegion(string(c.Region))
	wrong.AddError("Region", err)
	c.Environment, err = endpoint.ParseEnvironment(string(c.Environment))
	wrong.AddError("Environment", err)
	sandbox := c.Environment == Sandbox // which takes plain http
	if c.RedirectURL == "" && len(c.Scopes) > 0 {
		wrong.Add("RedirectURL", "is required with Scopes")
	} else if c.RedirectURL != "" {
		wrong.Add("RedirectURL", fault.URL(c.RedirectURL, sandbox))
		if len(c.Scopes) == 0 {
			wrong.Add("Scopes", "is required with RedirectURL")
		}
	}
	c.Scopes = slices.Clone(c.Scopes) // the caller may go on using its slice
	for i, s := range c.Scopes {
		wrong.Add(fmt.Sprintf("Scopes[%d]", i), fault.Word(string(s), 100))
	}
	if c.BaseURL != "" {
		wrong.Add("BaseURL", fault.BaseURL(c.BaseURL, sandbox))
	}
	api := endpoint.API(c.Region, c.Environment)
	for _, e := range [...]struct {
		name       string
		field      *string
		host, path string
	}{
		{"Authorize", &c.Endpoints.Authorize, endpoint.Consent, "/ap/oa"},
		{"Token", &c.Endpoints.Token, endpoint.Token(c.Region), "/auth/o2/token"},
		{"TokenInfo", &c.Endpoints.TokenInfo, api, "/auth/o2/tokeninfo"},
		{"Profile", &c.Endpoints.Profile, api, "/user/profile"},
	} {
		switch {
		case *e.field != "" && e.name == "Authorize": // may have a query
			wrong.Add("Endpoints.Authorize", fault.URL(*e.field, sandbox))
		case *e.field != "":
			wrong.Add("Endpoints."+e.name, fault.BaseURL(*e.field, sandbox))
		case c.BaseURL != "":
			*e.field = strings.TrimSuffix(c.BaseURL, "/") + e.path
		default:
			*e.field = "https://" + e.host + e.path
		}
	}
	if c.Timeout < 0 {
		wrong.Add("Timeout", "is negative")
	} else if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	return wrong.Of("lwa", "Config")
}
