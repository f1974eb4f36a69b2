package amazonpay

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/amazonpay-go/amazonpay/internal/endpoint"
	"github.com/amazonpay-go/amazonpay/internal/fault"
	"github.com/amazonpay-go/amazonpay/internal/secret"
	"github.com/amazonpay-go/amazonpay/lwa"
)

// version of the library, for the User-Agent: the top one of CHANGELOG.md.
const version = "0.1.0"

// DefaultTimeout bounds one attempt of a call if [Config] names no Timeout. A
// synchronous decision about a payment takes Amazon about 8 seconds; the
// official SDKs wait 30.
const DefaultTimeout = 30 * time.Second

// Config is what [New] needs to know. The first five fields are required.
type Config struct {
	SellerID    string      // your merchant id, as Seller Central shows it ("merchant token")
	AccessKey   string      // MWS access key id
	SecretKey   SecretKey   // MWS secret access key, wrapped by NewSecretKey
	Region      Region      // RegionNA, RegionUK, RegionEU or RegionJP; Amazon's other spellings work too
	Environment Environment // Production or Sandbox; there is no default

	// LoginClientID is your Login with Amazon client id
	// ("amzn1.application-oa2-client.…"). GetUserProfile needs it, to refuse
	// tokens that were issued to others; nothing else does.
	LoginClientID string `json:",omitempty"`

	ApplicationName    string `json:",omitempty"` // yours, for the User-Agent; at most 64 printable ASCII characters without ( ) ; /
	ApplicationVersion string `json:",omitempty"` // likewise; only together with a name

	// BaseURL replaces the scheme and host of Amazon's server, for a fake or a
	// simulator: "http://127.0.0.1:8080". A path in it goes before Amazon's own.
	// Plain http is taken in the sandbox or for this machine only. Empty means
	// Amazon.
	BaseURL string `json:",omitempty"`

	// HTTPClient sends the requests; the seam for proxies, tracing and fakes.
	// Redirects are never followed, whatever it says. Nil means a client of the
	// package's own, which keeps enough idle connections for many callers.
	HTTPClient *http.Client `json:"-"`

	// Timeout bounds one attempt, from sending to the last byte of the answer;
	// the context bounds the whole call, with the waits before its attempts.
	// Zero means DefaultTimeout.
	Timeout time.Duration `json:",omitempty"`

	// Backoff decides whether and when a failed attempt is repeated. Nil means
	// DefaultBackoff. See there for what is repeated at all.
	Backoff Backoff `json:"-"`

	// Limiter paces the requests. Nil means a NewLimiter(1) of this client and
	// of those derived from it. Clients of one process with the same SellerID
	// and AccessKey draw on the same quota: give them the same Limiter. See
	// NewLimiter for what happens to a context's deadline meanwhile.
	Limiter Limiter `json:"-"`

	// Middleware wraps every operation, the first one outermost: the seam for
	// metrics, tracing and audit. Waits for the quota and retries happen inside.
	Middleware []Middleware `json:"-"`

	// Logger gets one record per attempt: action, attempt, status, code,
	// request id, duration; never a body. Nil means silence.
	Logger *slog.Logger `json:"-"`
}

// LogValue names the seller, region and environment, and no key.
func (c Config) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("sellerId", c.SellerID),
		slog.String("region", string(c.Region)),
		slog.String("environment", string(c.Environment)))
}

// Client calls Amazon Pay for one seller in one region and environment. Make
// it with [New], once; it does not change afterwards and any number of
// goroutines may use it.
type Client struct {
	config   Config
	token    SecretKey // MWSAuthToken of a delegated seller
	endpoint string    // URL that is posted to
	host     string    // as signed
	path     string    // as signed
	agent    string    // User-Agent
	http     *http.Client
	signer   *signer
	login    *lwa.Client // nil without a LoginClientID
	logger   *slog.Logger
}

// New makes a client, or an [*InvalidError] that names every fault of the
// Config. It sends nothing: a wrong key shows at the first call.
func New(config Config) (*Client, error) {
	config.Middleware = slices.Clone(config.Middleware) // the caller may go on using its slice
	if err := invalid("Config", config.check()); err != nil {
		return nil, err
	}
	c := connect(config)
	if err := c.connectLogin(); err != nil {
		return nil, err
	}
	return c, nil
}

// check reports what is wrong with a config, and brings region and environment
// into their usual spelling.
func (c *Config) check() (wrong fault.List) {
	wrong.Add("SellerID", fault.Word(c.SellerID, 0))
	wrong.Add("AccessKey", fault.Word(c.AccessKey, 0))
	wrong.Add("SecretKey", fault.Word(secret.Text(c.SecretKey), 0))
	var err error
	c.Region, err = endpoint.ParseRegion(string(c.Region))
	wrong.AddError("Region", err)
	c.Environment, err = endpoint.ParseEnvironment(string(c.Environment))
	wrong.AddError("Environment", err)
	wrong.Add("LoginClientID", fault.Optional(c.LoginClientID, 100))
	for _, f := range [...]struct{ field, value string }{
		{"ApplicationName", c.ApplicationName}, {"ApplicationVersion", c.ApplicationVersion},
	} {
		if len(f.value) > 64 || strings.ContainsFunc(f.value, func(r rune) bool {
			return r < ' ' || r > '~' || strings.ContainsRune("();/", r)
		}) {
			wrong.Add(f.field, "takes at most 64 printable ASCII characters without ( ) ; /")
		}
	}
	if c.ApplicationVersion != "" && c.ApplicationName == "" {
		wrong.Add("ApplicationVersion", "needs an ApplicationName")
	}
	if c.BaseURL != "" {
		wrong.Add("BaseURL", fault.BaseURL(c.BaseURL, c.Environment == Sandbox))
	}
	if c.Timeout < 0 {
		wrong.Add("Timeout", "is negative")
	}
	for i, m := range c.Middleware {
		if m == nil {
			wrong.Add(fmt.Sprintf("Middleware[%d]", i), "is nil")
		}
	}
	return wrong
}

// connect makes the client of a config that check has found nothing wrong with.
func connect(config Config) *Client {
	base := &url.URL{Scheme: "https", Host: endpoint.MWS(config.Region)}
	if config.BaseURL != "" {
		base, _ = url.Parse(config.BaseURL)
	}
	config.Timeout = cmp.Or(config.Timeout, DefaultTimeout)
	if config.Backoff == nil {
		config.Backoff = DefaultBackoff
	}
	if config.Limiter == nil {
		config.Limiter = NewLimiter(1)
	}
	c := &Client{
		config: config,
		path:   strings.TrimSuffix(base.EscapedPath(), "/") + endpoint.Path(config.Environment),
		host:   signedHost(base),
		agent:  userAgent(config.ApplicationName, config.ApplicationVersion),
		http:   &http.Client{Transport: newTransport()},
		signer: newSigner(config.SecretKey),
		logger: cmp.Or(config.Logger, slog.New(slog.DiscardHandler)),
	}
	c.endpoint = base.Scheme + "://" + c.host + c.path
	if config.HTTPClient != nil {
		own := *config.HTTPClient
		c.http = &own
	}
	// A redirect would post the signed request, and the buyer's data in it,
	// to wherever the answer says.
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c
}

// userAgent has the form of the official SDKs and stays far below the 500
// characters that Amazon's newer API allows.
func userAgent(name, app string) string {
	if name != "" {
		if app != "" {
			name += "/" + app
		}
		name += "; "
	}
	return fmt.Sprintf("amazonpay-go/%s (%sGo/%s; %s/%s)",
		version, name, strings.TrimPrefix(runtime.Version(), "go"), runtime.GOOS, runtime.GOARCH)
}

// newTransport keeps an idle connection for every caller of a busy process:
// the default is two per host, and each caller beyond them would open a new
// connection for every call.
func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          256,
		MaxIdleConnsPerHost:   256,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
}

// OnBehalfOf derives a client that acts for another seller, who gave you (a
// solution provider) the MWS authorization token. It shares connections with
// its parent, and its Limiter, in which every seller has a quota of its own. The
// error is an [*InvalidError].
func (c *Client) OnBehalfOf(sellerID, mwsAuthToken string) (*Client, error) {
	var wrong fault.List
	wrong.Add("SellerID", fault.Word(sellerID, 0))
	wrong.Add("MWSAuthToken", fault.Word(mwsAuthToken, 0))
	if err := invalid("OnBehalfOf", wrong); err != nil {
		return nil, err
	}
	derived := *c
	derived.config.SellerID = sellerID
	derived.token = NewSecretKey(mwsAuthToken)
	return &derived, nil
}

// SellerID is the seller that the client acts for.
func (c *Client) SellerID() string { return c.config.SellerID }

// Region is the seller's region.
func (c *Client) Region() Region { return c.config.Region }

// Environment tells whether the client moves real money.
func (c *Client) Environment() Environment { return c.config.Environment }

// String names the seller, region and environment, and no key.
func (c *Client) String() string {
	return fmt.Sprintf("amazonpay.Client(%s, %s, %s)", c.config.SellerID, c.config.Region, c.config.Environment)
}

// LogValue is that of the [Config].
func (c *Client) LogValue() slog.Value { return c.config.LogValue() }

// Operation is one call as [Middleware] sees it.
type Operation struct {
	Action   string // Amazon's name, such as "AuthorizeOnBillingAgreement": a good name for a span
	SellerID string // the seller acted for
	Request  any    // pointer to the request struct; not to be changed. It may hold a token: do not log it
	Result   any    // pointer to the result, once the call has succeeded; nil for actions without one

	RequestID  string // Amazon's id of the last answer, empty before it or without one
	StatusCode int    // HTTP status of the last answer; 0 before it or without one
	Attempts   int    // requests made so far
}

// LogValue tells which call it is and how it went, and nothing of the request and
// the result.
func (o Operation) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("action", o.Action), slog.String("sellerId", o.SellerID), slog.String("requestId", o.RequestID),
		slog.Int("status", o.StatusCode), slog.Int("attempts", o.Attempts))
}

// Middleware wraps one operation: it calls next once, looks at the operation
// before and after, and returns next's error or one that wraps it. Without
// calling next it can refuse the operation, by an error. It cannot change what
// happened: once the call has succeeded its own error is logged and the call
// still succeeds, a failure that it swallows is returned all the same, and a
// second call of next does not repeat what is done. It must not return before next
// has.
type Middleware func(ctx context.Context, op *Operation, next func(context.Context) error) error
