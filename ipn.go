package amazonpay

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/amazonpay-go/amazonpay/internal/endpoint"
	"github.com/amazonpay-go/amazonpay/internal/fault"
	"github.com/amazonpay-go/amazonpay/internal/sns"
)

// Amazon's accounts whose topics carry notifications. The second has been seen
// with chargebacks.
var amazonAccounts = []string{"291180941288", "598607868003"}

const (
	maxNotification = 1 << 20          // SNS carries 256 KiB, which escapes make longer
	handlerTime     = 10 * time.Second // SNS gives up after 15
)

// NotificationRetention is how long Amazon goes on repeating a notification
// that is not answered with 200: hourly, for 14 days.
const NotificationRetention = 14 * 24 * time.Hour

// VerifierConfig is what [NewVerifier] needs to know. SellerIDs and Environment
// are required.
type VerifierConfig struct {
	// SellerIDs are the sellers whose notifications are yours. Without them
	// those of any Amazon merchant would do. A solution provider names himself
	// and the merchants that he acts for.
	SellerIDs []string

	// Environment is the one whose notifications are yours: one about play money
	// must not pass for one about real money. Seller Central has a URL for each.
	Environment Environment

	// Accounts are the AWS accounts that own the topics. Nil means the two that
	// Amazon Pay is known to use.
	Accounts []string

	// TopicARNs are the topics to listen to. Nil means every topic of Accounts
	// whose name ends with one of SellerIDs, as Amazon Pay's do.
	TopicARNs []string

	// MaxAge refuses notifications that were published longer ago; zero refuses
	// none. What is below NotificationRetention loses late repeats. Ids in an
	// [Inbox] are to be kept as long: one that has been forgotten is new again.
	MaxAge time.Duration

	// SHA256Only refuses signature version 1, which is SHA-1. Amazon Pay is not
	// known to have changed its topics to version 2.
	SHA256Only bool

	// ConfirmSubscriptions lets the Handler accept the subscription to an
	// expected topic. Seller Central needs none, and without it they are refused.
	ConfirmSubscriptions bool

	// HTTPClient downloads certificates. Redirects are never followed, whatever
	// it says. Nil means a client of the package's own.
	HTTPClient *http.Client `json:"-"`

	// Certificates replaces the download: it returns the PEM text behind a URL,
	// which has passed the rule for SNS's certificates. For machines without a
	// way out, and for fakes; what it returns is trusted as a download over
	// verified TLS is.
	Certificates func(ctx context.Context, url string) (pem []byte, err error) `json:"-"`

	// Roots are the authorities that signing certificates must chain to, at once
	// or over an intermediate that is among Roots itself. Nil means that a
	// certificate is believed because it was downloaded over verified TLS from
	// SNS's own host: SNS serves it without its intermediate, so that there is
	// no chain to build.
	Roots *x509.CertPool `json:"-"`

	// Clock tells the time that MaxAge is measured at. Nil means time.Now.
	Clock func() time.Time `json:"-"`

	// Logger gets one record for each notification: what was accepted, and why
	// the rest was refused; never its contents. Nil means silence.
	Logger *slog.Logger `json:"-"`
}

// Verifier tells Amazon's notifications from everybody else's. Make one with
// [NewVerifier] or [Client.Notifications] and keep it: it holds the certificates.
// Any number of goroutines may use it. The zero Verifier refuses everything.
type Verifier struct {
	config       VerifierConfig
	certificates *sns.Certificates // nil in the zero Verifier
	fault        error             // why there are none
	logger       *slog.Logger
	unbounded    sync.Once // tells that a sender may be slow without end
}

// NewVerifier makes a verifier, or an [*InvalidError] that names every fault of
// the config.
func NewVerifier(config VerifierConfig) (*Verifier, error) {
	faults := config.setUp()
	if err := invalid("VerifierConfig", faults); err != nil {
		return nil, err
	}
	return &Verifier{
		config: config,
		logger: config.Logger,
		certificates: &sns.Certificates{
			Client: config.HTTPClient, Fetch: config.Certificates, Roots: config.Roots, SHA256Only: config.SHA256Only,
		},
	}, nil
}

// setUp fills in what was left out and reports what is wrong.
func (c *VerifierConfig) setUp() (wrong fault.List) {
	list := func(field, problem, topic string, values []string) []string {
		for i, value := range values {
			if _, ok := sns.ParseTopic(fmt.Sprintf(topic, value)); !ok {
				wrong.Add(fmt.Sprintf("%s[%d]", field, i), problem)
			}
		}
		return slices.Clone(values) // the caller may go on using his
	}
	if len(c.SellerIDs) == 0 {
		wrong.Add("SellerIDs", "is required")
	}
	c.SellerIDs = list("SellerIDs", "is not a merchant id", "arn:aws:sns:us-east-1:000000000000:%s", c.SellerIDs)
	var err error
	c.Environment, err = endpoint.ParseEnvironment(string(c.Environment))
	wrong.AddError("Environment", err)
	c.Accounts = list("Accounts", "is not the 12 digits of an account", "arn:aws:sns:us-east-1:%s:name", c.Accounts)
	c.TopicARNs = list("TopicARNs", "is not the ARN of a topic", "%s", c.TopicARNs)
	if c.MaxAge < 0 {
		wrong.Add("MaxAge", "is negative")
	}
	if len(c.Accounts) == 0 {
		c.Accounts = amazonAccounts
	}
	if c.HTTPClient == nil {
		c.HTTPClient = &http.Client{Transport: newTransport()}
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	return wrong
}

// Notifications makes a verifier of the client's own notifications, with its
// HTTP client and logger. Call it once and keep the result. In the sandbox, with
// a BaseURL, certificates come from there. In production MaxAge is 28 days, twice
// NotificationRetention: keep the ids of an [Inbox] that long, and nothing can be
// replayed.
//
// If the client's SellerID cannot be part of a topic's name, all are refused as
// "unconfigured" (503), and the log says so at once. Solution providers, whose
// topics are not those of the sellers they act for, use [NewVerifier], and so does
// a fake of production whose clock is not the wall's.
func (c *Client) Notifications() *Verifier {
	config := VerifierConfig{
		SellerIDs:   []string{c.config.SellerID},
		Environment: c.config.Environment,
		HTTPClient:  c.http,
		Logger:      c.config.Logger,
	}
	if c.config.Environment == Production {
		config.MaxAge = 2 * NotificationRetention
	}
	// In the sandbox a stand-in for Amazon's server brings its own certificates;
	// about real money, only SNS's own host is believed.
	if base := strings.TrimSuffix(c.config.BaseURL, "/"); base != "" && c.config.Environment == Sandbox {
		config.Certificates = func(ctx context.Context, url string) ([]byte, error) {
			pem, _, err := sns.Download(ctx, c.http, base+url[strings.LastIndexByte(url, '/'):])
			return pem, err
		}
	}
	v, err := NewVerifier(config)
	if err != nil { // a seller id that New takes and no topic can be named after
		v = &Verifier{logger: c.logger, fault: err}
		v.log(context.Background(), slog.LevelError, "amazonpay: all notifications will be refused", slog.String("reason", err.Error()))
	}
	return v
}

// Refusal is why a notification was refused, in a word for logs and metrics. It
// is an error itself: errors.Is(err, amazonpay.Refusal("signature")). The type is
// open. StatusCode tells what to answer; by that, the refusals are
//
//   - proven forgeries or somebody else's (403, Amazon does not repeat them):
//     "type", "version", "topic", "age", "certificate URL", "certificate",
//     "signature", "seller", "environment", "subscribe URL";
//   - no notification at all: "envelope" and "header" (400), "method" (405),
//     "size" (413);
//   - trouble that may pass (503, Amazon repeats them): "unconfigured", "body",
//     "no certificate", "payload", "no confirmation".
type Refusal string

// Error is the refusal's text.
func (r Refusal) Error() string { return string(r) }

// The refusals, and what the [Verifier.Handler] answers.
const (
	refusedUnconfigured   = Refusal("unconfigured")        // 503: the zero Verifier, a SellerID that is none, or SHA-1 under GODEBUG=fips140=only
	refusedMethod         = Refusal("method")              // 405: not a POST
	refusedSize           = Refusal("size")                // 413: larger than anything SNS sends
	refusedBody           = Refusal("body")                // 503: it broke off
	refusedEnvelope       = Refusal(sns.BadEnvelope)       // 400: not an SNS message
	refusedHeader         = Refusal("header")              // 400: the headers say something else than the body
	refusedType           = Refusal(sns.BadType)           // 403: not a Notification
	refusedVersion        = Refusal(sns.BadVersion)        // 403: an unknown signature version, or 1 with SHA256Only
	refusedTopic          = Refusal(sns.BadTopic)          // 403: somebody else's topic
	refusedAge            = Refusal("age")                 // 403: older than MaxAge
	refusedCertificateURL = Refusal(sns.BadCertificateURL) // 403: not the address of an SNS certificate
	refusedDownload       = Refusal(sns.NoCertificate)     // 503: the certificate could not be had, for now
	refusedCertificate    = Refusal(sns.BadCertificate)    // 403: the certificate is not SNS's
	refusedSignature      = Refusal(sns.BadSignature)      // 403: not what the certificate's key signed
	refusedPayload        = Refusal("payload")             // 503: Amazon's, but it cannot be read
	refusedSeller         = Refusal("seller")              // 403: about somebody else
	refusedEnvironment    = Refusal("environment")         // 403: about the other environment
	refusedSubscribeURL   = Refusal(sns.BadSubscribeURL)   // 403: not the confirmation of the topic
	refusedConfirmation   = Refusal(sns.NoConfirmation)    // 503: the subscription could not be confirmed, for now
)

// StatusCode is what to answer the sender with, for those who do not use the
// [Verifier.Handler].
func (r Refusal) StatusCode() int {
	switch r {
	case refusedMethod:
		return http.StatusMethodNotAllowed
	case refusedSize:
		return http.StatusRequestEntityTooLarge
	case refusedEnvelope, refusedHeader:
		return http.StatusBadRequest
	case refusedUnconfigured, refusedBody, refusedDownload, refusedPayload, refusedConfirmation:
		return http.StatusServiceUnavailable
	}
	return http.StatusForbidden
}

// NotificationError says why a notification was refused. It is for the log: the
// sender of a forgery need not know.
type NotificationError struct {
	Refusal Refusal // the class
	Err     error   // more about it; never contents of the notification
}

// Error is the refusal, and more about it.
func (e *NotificationError) Error() string {
	return "amazonpay: notification refused: " + string(e.Refusal) + ": " + e.Err.Error()
}

// Is reports whether target is the error's refusal.
func (e *NotificationError) Is(target error) bool { return target == error(e.Refusal) }

// Unwrap is what lies beneath: a network error, the context's error, or others.
func (e *NotificationError) Unwrap() error { return e.Err }

func refuse(r Refusal, reason string) error { return &NotificationError{r, errors.New(reason)} }

// refusal makes a NotificationError of an error of package sns.
func refusal(err error) error {
	e, ok := errors.AsType[*sns.Error](err)
	switch {
	case !ok:
		return err
	case e.Reason == sns.NoHash:
		return &NotificationError{refusedUnconfigured, e}
	}
	return &NotificationError{Refusal(e.Reason), e}
}

// Parse verifies and reads a notification from the request that SNS makes.
// Errors are a [*NotificationError].
func (v *Verifier) Parse(r *http.Request) (*Notification, error) {
	body, err := read(nil, r)
	if err != nil {
		return nil, err
	}
	return v.ParseMessage(r.Context(), r.Header, body)
}

// ParseMessage is [Verifier.Parse] for a message that came another way, such as
// a queue behind the web server. The body must be what was received, byte for
// byte. The header may be nil: it is not signed, and can only speak against a
// notification.
func (v *Verifier) ParseMessage(ctx context.Context, header http.Header, body []byte) (*Notification, error) {
	m, err := v.verify(ctx, header, body)
	if err != nil {
		return nil, err
	}
	return v.notification(ctx, m)
}

// read takes the body off a request. SNS says that its JSON is text/plain, so
// the content type is no reason for anything.
func read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.Method != http.MethodPost {
		return nil, refuse(refusedMethod, "it is not a POST")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxNotification))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, &NotificationError{refusedSize, err}
	} else if err != nil {
		return nil, &NotificationError{refusedBody, err}
	}
	return body, nil
}

// verify decides whether a message is SNS's, from an expected topic. The cheap
// checks come first, so that a forgery seldom makes a download.
func (v *Verifier) verify(ctx context.Context, header http.Header, body []byte) (*sns.Message, error) {
	switch {
	case v == nil || v.certificates == nil && v.fault == nil:
		return nil, refuse(refusedUnconfigured, "the verifier was not made by NewVerifier")
	case v.certificates == nil:
		return nil, &NotificationError{refusedUnconfigured, v.fault}
	}
	if len(body) > maxNotification {
		return nil, refuse(refusedSize, "it is too large")
	}
	m, err := sns.Parse(body)
	if err != nil {
		return nil, refusal(err)
	}
	for _, h := range [...][2]string{
		{"X-Amz-Sns-Message-Type", m.Type}, {"X-Amz-Sns-Message-Id", m.MessageID}, {"X-Amz-Sns-Topic-Arn", m.TopicARN},
	} {
		for _, value := range header[h[0]] {
			if value != h[1] {
				return nil, refuse(refusedHeader, h[0]+" is not what the body says")
			}
		}
	}
	if !v.expects(m) {
		return nil, refuse(refusedTopic, "the topic is not one of Amazon Pay's for the expected sellers")
	}
	if age := v.config.Clock().Sub(m.Time); v.config.MaxAge > 0 && age > v.config.MaxAge {
		return nil, refuse(refusedAge, "it was published longer than MaxAge ago")
	}
	if err := v.certificates.Verify(ctx, m); err != nil {
		return nil, refusal(err)
	}
	return m, nil
}

// expects reports whether a topic is an expected one. Anybody can have a topic,
// and SNS signs what it carries: only its owner's account and its name tell
// Amazon Pay's from others.
func (v *Verifier) expects(m *sns.Message) bool {
	if len(v.config.TopicARNs) > 0 {
		return slices.Contains(v.config.TopicARNs, m.TopicARN)
	}
	return slices.Contains(v.config.Accounts, m.Topic.Account) &&
		slices.ContainsFunc(v.config.SellerIDs, func(seller string) bool {
			marketplace, ok := strings.CutSuffix(m.Topic.Name, seller)
			return ok && len(marketplace) >= 10 && len(marketplace) <= 16 // A3BXB0YN3XH17H
		})
}

// Handler answers SNS. Each notification that is verified is given to work,
// more than once if it comes more than once (see [Inbox]); the context ends 10
// seconds after the request came.
//
// Reading takes no longer either, unless middleware wraps the ResponseWriter
// without an Unwrap method: then set the server's ReadTimeout.
//
// The answer is 200 only after work has returned nil. After an error, and if
// the certificate could not be downloaded, it is 503, so that the notification
// comes again, and so it is after a panic; a forgery gets 403. [Refusal] lists
// the rest. The reason goes to the log and never to the sender.
func (v *Verifier) Handler(work func(context.Context, *Notification) error) http.Handler {
	if work == nil {
		panic("amazonpay: Handler: work is nil")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), handlerTime)
		defer cancel()
		status := http.StatusServiceUnavailable // also after runtime.Goexit
		defer func() {
			if cause := recover(); cause != nil { // its value may be anything: the type has to do
				v.log(ctx, slog.LevelError, "amazonpay: notification: panic, it will come again",
					slog.String("type", fmt.Sprintf("%T", cause)), slog.String("stack", string(debug.Stack())))
			}
			if status == http.StatusMethodNotAllowed {
				w.Header().Set("Allow", http.MethodPost)
			}
			w.WriteHeader(status)
		}()
		status = v.answer(ctx, w, r, work)
	})
}

// answer does what a request asks for and says how that went.
func (v *Verifier) answer(ctx context.Context, w http.ResponseWriter, r *http.Request, work func(context.Context, *Notification) error) int {
	n, err := v.receive(ctx, w, r)
	switch refused, no := errors.AsType[*NotificationError](err); {
	case no:
		v.log(ctx, slog.LevelWarn, "amazonpay: notification refused",
			slog.String("refusal", string(refused.Refusal)), slog.String("reason", refused.Err.Error()))
		return refused.Refusal.StatusCode()
	case err != nil: // there are no others; but none must pass for a success
		return http.StatusServiceUnavailable
	case n == nil:
		v.log(ctx, slog.LevelInfo, "amazonpay: subscription confirmed")
		return http.StatusOK
	}
	if err := work(ctx, n); err != nil {
		v.log(ctx, slog.LevelError, "amazonpay: notification not dealt with, it will come again",
			slog.Any("notification", n), slog.Any("error", err))
		return http.StatusServiceUnavailable
	}
	v.log(ctx, slog.LevelDebug, "amazonpay: notification", slog.Any("notification", n))
	return http.StatusOK
}

// receive is Parse for a handler, which may confirm a subscription: then there
// is neither a notification nor an error.
func (v *Verifier) receive(ctx context.Context, w http.ResponseWriter, r *http.Request) (*Notification, error) {
	v.bound(ctx, w, r)
	body, err := read(w, r)
	if err != nil {
		return nil, err
	}
	m, err := v.verify(ctx, r.Header, body)
	if err != nil {
		return nil, err
	}
	if m.Type == sns.TypeSubscriptionConfirmation && v.config.ConfirmSubscriptions {
		return nil, refusal(v.certificates.Confirm(ctx, m))
	}
	return v.notification(ctx, m)
}

// bound ends the reading of a body that does not come. Behind a ResponseWriter of
// middleware's that has no Unwrap only the server can do that.
func (v *Verifier) bound(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(handlerTime))
	server, served := r.Context().Value(http.ServerContextKey).(*http.Server)
	if err == nil || !served || server.ReadTimeout > 0 || v == nil {
		return
	}
	v.unbounded.Do(func() {
		v.log(ctx, slog.LevelWarn, "amazonpay: a slow sender of notifications is not cut off",
			slog.String("reason", "the server has no ReadTimeout, and middleware's ResponseWriter no Unwrap method"))
	})
}

func (v *Verifier) log(ctx context.Context, level slog.Level, text string, attrs ...slog.Attr) {
	if v != nil && v.logger != nil {
		v.logger.LogAttrs(ctx, level, text, attrs...)
	}
}
