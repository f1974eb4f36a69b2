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
	"time"

	"github.com/amazonpay-go/amazonpay/internal/endpoint"
	"github.com/amazonpay-go/amazonpay/internal/sns"
	"github.com/amazonpay-go/amazonpay/internal/wire"
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
	// none. What is below NotificationRetention loses late repeats.
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
	logger       *slog.Logger
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
func (c *VerifierConfig) setUp() (faults []Fault) {
	fault := func(field, problem string) { faults = append(faults, Fault{field, problem}) }
	list := func(field, problem, topic string, values []string) []string {
		for i, value := range values {
			if _, ok := sns.ParseTopic(fmt.Sprintf(topic, value)); !ok {
				fault(fmt.Sprintf("%s[%d]", field, i), problem)
			}
		}
		return slices.Clone(values) // the caller may go on using his
	}
	if len(c.SellerIDs) == 0 {
		fault("SellerIDs", "is required")
	}
	c.SellerIDs = list("SellerIDs", "is not a merchant id", "arn:aws:sns:us-east-1:000000000000:%s", c.SellerIDs)
	var err error
	if c.Environment, err = endpoint.ParseEnvironment(string(c.Environment)); err != nil {
		fault("Environment", strings.TrimPrefix(err.Error(), "environment "))
	}
	c.Accounts = list("Accounts", "is not the 12 digits of an account", "arn:aws:sns:us-east-1:%s:name", c.Accounts)
	c.TopicARNs = list("TopicARNs", "is not the ARN of a topic", "%s", c.TopicARNs)
	if c.MaxAge < 0 {
		fault("MaxAge", "is negative")
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
	return faults
}

// Notifications makes a verifier of the client's own notifications, with its
// HTTP client and logger. Call it once and keep the result. With a BaseURL,
// certificates come from there. Solution providers, whose topics are not those
// of the sellers they act for, use [NewVerifier].
func (c *Client) Notifications() *Verifier {
	config := VerifierConfig{
		SellerIDs:   []string{c.config.SellerID},
		Environment: c.config.Environment,
		HTTPClient:  c.http,
		Logger:      c.config.Logger,
	}
	if base := strings.TrimSuffix(c.config.BaseURL, "/"); base != "" {
		config.Certificates = func(ctx context.Context, url string) ([]byte, error) {
			pem, _, err := sns.Download(ctx, c.http, base+url[strings.LastIndexByte(url, '/'):])
			return pem, err
		}
	}
	v, err := NewVerifier(config)
	if err != nil { // a seller id that New takes and no topic can be named after
		return &Verifier{logger: c.logger}
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
	refusedUnconfigured   = Refusal("unconfigured")        // 503: the zero Verifier, or SHA-1 under GODEBUG=fips140=only
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
	if v == nil || v.certificates == nil {
		return nil, refuse(refusedUnconfigured, "the verifier was not made by NewVerifier")
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
// The answer is 200 only after work has returned nil. After an error, and if
// the certificate could not be downloaded, it is 503, so that the notification
// comes again; a forgery gets 403, a panic 500. [Refusal] lists the rest. The
// reason goes to the log and never to the sender.
func (v *Verifier) Handler(work func(context.Context, *Notification) error) http.Handler {
	if work == nil {
		panic("amazonpay: Handler: work is nil")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), handlerTime)
		defer cancel()
		status := http.StatusInternalServerError
		defer func() {
			if cause := recover(); cause != nil { // its value may be anything: the type has to do
				v.log(ctx, slog.LevelError, "amazonpay: notification: panic",
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
		return http.StatusInternalServerError
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
	// Where it cannot be set, the server's own has to do.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(handlerTime))
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

func (v *Verifier) log(ctx context.Context, level slog.Level, text string, attrs ...slog.Attr) {
	if v != nil && v.logger != nil {
		v.logger.LogAttrs(ctx, level, text, attrs...)
	}
}

// Notification is what Amazon said. A [Verifier] hands out none that it has not
// verified.
//
// It is a hint, not the books: notifications come late, twice and in any order.
// Before you act on one that matters, compare it with what you know
// ([Notification.NewerThan]) or read the object anew.
type Notification struct {
	ID            string                    // SNS's; the same when it is repeated: the id for an Inbox
	ReferenceID   string                    // Amazon Pay's id of the notification
	Type          NotificationType          // what it is about
	EventType     BillingAgreementEventType // of newer notifications about an agreement
	SellerID      string                    // whose object it is
	MarketplaceID string                    // as Amazon writes it: a number, or an id like A3BXB0YN3XH17H
	Environment   Environment               // Production or Sandbox: the one that the Verifier expects
	TopicARN      string                    // the SNS topic that it came by
	Timestamp     time.Time                 // when it was published, as SNS signed it; the same when it is repeated
	EventTime     time.Time                 // when Amazon Pay wrote it; zero if unreadable

	// IsSample tells a test message of Seller Central, about an object that does
	// not exist: answer it, and do nothing.
	IsSample bool

	// Object is what it is about, as far as a notification tells: no buyer, no
	// destination, no constraints. Nil for a type that this version does not
	// know, and for a chargeback that is not XML; Raw has it then.
	Object NotificationObject

	Raw string // NotificationData as Amazon sent it, usually XML. May hold personal data
}

// NotificationObject is what a [Notification] is about: an [*OrderReference],
// [*BillingAgreement], [*Authorization], [*Capture], [*Refund],
// [*ProviderCreditDetails], [*ProviderCreditReversalDetails], [*Chargeback] or
// [*MerchantRegistration].
type NotificationObject interface {
	// about is Amazon's id of the object, and its status if it has one.
	about() (string, *Status)
}

func (o *OrderReference) about() (string, *Status)   { return o.id(), &o.OrderReferenceStatus }
func (b *BillingAgreement) about() (string, *Status) { return b.id(), &b.BillingAgreementStatus }
func (a *Authorization) about() (string, *Status)    { return a.id(), &a.AuthorizationStatus }
func (p *Capture) about() (string, *Status)          { return p.id(), &p.CaptureStatus }
func (r *Refund) about() (string, *Status)           { return r.id(), &r.RefundStatus }
func (d *ProviderCreditDetails) about() (string, *Status) {
	return string(d.AmazonProviderCreditID), &d.CreditStatus
}
func (r *ProviderCreditReversalDetails) about() (string, *Status) {
	return r.id(), &r.CreditReversalStatus
}
func (c *Chargeback) about() (string, *Status)           { return string(c.AmazonChargebackID), nil }
func (m *MerchantRegistration) about() (string, *Status) { return m.SellerID, nil }

// NotificationType says what a notification is about. The type is open.
type NotificationType string

// The types of notifications.
const (
	NotificationOrderReference         NotificationType = "OrderReferenceNotification"
	NotificationBillingAgreement       NotificationType = "BillingAgreementNotification"
	NotificationAuthorize              NotificationType = "PaymentAuthorize"
	NotificationCapture                NotificationType = "PaymentCapture"
	NotificationRefund                 NotificationType = "PaymentRefund"
	NotificationProviderCredit         NotificationType = "ProviderCredit"
	NotificationProviderCreditReversal NotificationType = "ProviderCreditReversal"
	NotificationChargeback             NotificationType = "ChargebackDetailedNotification" // also comes with spaces between the words
	NotificationSolutionProvider       NotificationType = "SolutionProviderEvent"
)

// BillingAgreementEventType says what happened to an agreement: not always a
// change of its state. The type is open.
type BillingAgreementEventType string

// What happens to agreements. The notification has neither the address nor the
// payment method: GetBillingAgreementDetails does.
const (
	BillingAgreementStatusUpdated  BillingAgreementEventType = "BillingAgreementStatusUpdated"
	PaymentMethodUpdated           BillingAgreementEventType = "PaymentMethodUpdated"
	AddressUpdated                 BillingAgreementEventType = "AddressUpdated"
	AddressAndPaymentMethodUpdated BillingAgreementEventType = "AddressAndPaymentMethodUpdated"
)

// ChargebackID is Amazon's id of a chargeback.
type ChargebackID string

// Chargeback is a payment that the buyer's bank took back. Only a notification
// tells; several may share an id, with different reasons.
type Chargeback struct {
	AmazonChargebackID     ChargebackID     `xml:"AmazonChargebackId"`       // Amazon's id of it
	AmazonOrderReferenceID OrderReferenceID `xml:"AmazonOrderReferenceId"`   // the order
	CaptureReferenceID     ReferenceID      `xml:"AmazonCaptureReferenceId"` // yours, despite Amazon's name for it
	CreationTimestamp      time.Time        // when it was made
	ChargebackAmount       Price            // what the buyer wants back
	ChargebackState        State            // "RECEIVED" has been seen
	ChargebackReason       string           // such as "Unauthorized Transaction Chargeback"
}

// MerchantRegistration tells a solution provider of a merchant.
type MerchantRegistration struct {
	SellerID string                       `xml:"SellerId"` // the merchant
	Type     string                       // "Register" has been seen
	Options  []MerchantRegistrationOption `xml:"Options>SolutionProviderOption"` // details; may be empty
}

// MerchantRegistrationOption is a detail of a registration.
type MerchantRegistrationOption struct {
	Name  string `xml:"name"`  // such as "lwaClientId"
	Value string `xml:"value"` // free text
}

// payloads are the types of notifications: where the object is in the XML.
var payloads = []struct {
	kind       NotificationType
	root, path string
	object     func() NotificationObject
}{
	{NotificationOrderReference, "OrderReferenceNotification", "OrderReference", func() NotificationObject { return new(OrderReference) }},
	{NotificationBillingAgreement, "BillingAgreementNotification", "BillingAgreement", func() NotificationObject { return new(BillingAgreement) }},
	{NotificationAuthorize, "AuthorizationNotification", "AuthorizationDetails", func() NotificationObject { return new(Authorization) }},
	{NotificationCapture, "CaptureNotification", "CaptureDetails", func() NotificationObject { return new(Capture) }},
	{NotificationRefund, "RefundNotification", "RefundDetails", func() NotificationObject { return new(Refund) }},
	{NotificationProviderCredit, "ProviderCreditNotification", "ProviderCreditDetails", func() NotificationObject { return new(ProviderCreditDetails) }},
	{NotificationProviderCreditReversal, "ProviderCreditReversalNotification", "ProviderCreditReversalDetails", func() NotificationObject { return new(ProviderCreditReversalDetails) }},
	{NotificationChargeback, "ChargebackNotification", "ChargebackDetails", func() NotificationObject { return new(Chargeback) }},
	{NotificationSolutionProvider, "SolutionProviderMerchantNotification", "MerchantRegistrationDetails", func() NotificationObject { return new(MerchantRegistration) }},
}

// notification reads a message that has been verified.
func (v *Verifier) notification(ctx context.Context, m *sns.Message) (*Notification, error) {
	if m.Type != sns.TypeNotification {
		return nil, refuse(refusedType, "it is a "+m.Type)
	}
	var room [16]sns.Member
	members, err := sns.Members(room[:0], m.Message)
	if err != nil {
		return nil, &NotificationError{refusedPayload, fmt.Errorf("the Message is no notification: %w", err)}
	}
	n := &Notification{ID: strings.Clone(m.MessageID), TopicARN: m.TopicARN, Timestamp: m.Time}
	var environment, eventTime string
	required := [...]struct {
		name  string
		value *string
	}{
		{"NotificationReferenceId", &n.ReferenceID}, {"NotificationType", (*string)(&n.Type)},
		{"SellerId", &n.SellerID}, {"ReleaseEnvironment", &environment}, {"NotificationData", &n.Raw},
		{"MarketplaceID", &n.MarketplaceID}, {"EventType", (*string)(&n.EventType)}, {"Timestamp", &eventTime},
	}
	for _, member := range members {
		switch member.Name {
		case "IsSample":
			n.IsSample = member.Text == "true"
		case "NotificationVersion":
			return nil, refuse(refusedPayload, "it is a notification of Amazon Pay's API version 2")
		}
		for _, f := range required {
			if f.name == member.Name && member.String {
				*f.value = member.Text
			}
		}
	}
	for _, f := range required[:5] {
		if *f.value == "" {
			return nil, refuse(refusedPayload, f.name+" is missing")
		}
	}
	// Whose it is comes before what it says. A solution provider cannot know the
	// merchants that register; the topic is his own, which was checked.
	n.Environment, _ = endpoint.ParseEnvironment(environment)
	if registration := strings.EqualFold(string(n.Type), string(NotificationSolutionProvider)); !registration && !slices.Contains(v.config.SellerIDs, n.SellerID) {
		return nil, refuse(refusedSeller, "the SellerId is not an expected one")
	}
	if n.Environment != v.config.Environment {
		return nil, refuse(refusedEnvironment, "the ReleaseEnvironment is not the expected one")
	}
	n.EventTime = eventTimeOf(eventTime, n.Timestamp)
	if err := v.payload(ctx, n); err != nil {
		return nil, err
	}
	return n, nil
}

// eventTimeOf reads a time in the message. In old ones it has a 12-hour clock
// without saying which half of the day it means.
func eventTimeOf(text string, published time.Time) time.Time {
	t, ok := wire.ParseTime(text)
	if half := published.Sub(t).Round(time.Hour); ok && half.Abs() == 12*time.Hour {
		return t.Add(half)
	}
	return t
}

// payload reads what the notification is about.
func (v *Verifier) payload(ctx context.Context, n *Notification) error {
	kind := strings.ReplaceAll(string(n.Type), " ", "")
	for _, p := range payloads {
		if !strings.EqualFold(kind, string(p.kind)) {
			continue
		}
		n.Type = p.kind
		object := p.object()
		doc, err := wire.Decode([]byte(n.Raw), object, p.path)
		switch {
		case err == nil && doc.Root == p.root:
		case n.Type == NotificationChargeback: // reported not to be XML always
			return nil
		case err == nil:
			err = errors.New("the root is another type's")
			fallthrough
		default:
			return &NotificationError{refusedPayload, fmt.Errorf("the NotificationData is not what the type says: %w", err)}
		}
		for _, problem := range doc.Problems {
			v.log(ctx, slog.LevelWarn, "amazonpay: a field of the notification cannot be read and stays zero",
				slog.String("notification", n.ID), slog.String("field", problem.Path), slog.String("kind", problem.Kind))
		}
		id, status := object.about()
		n.Object, n.IsSample = object, n.IsSample || strings.HasPrefix(id, "P01-0000000-0000000")
		if status != nil {
			status.normalize()
		}
	}
	return nil
}

// normalize spells what old messages and samples spell differently, CLOSED and
// a reason None, as the constants do.
func (s *Status) normalize() {
	for _, state := range [...]State{StateDraft, StateOpen, StateSuspended, StateCanceled, StateClosed, StatePending, StateDeclined, StateCompleted} {
		if strings.EqualFold(string(s.State), string(state)) {
			s.State = state
		}
	}
	if s.ReasonCode == "None" {
		s.ReasonCode = ""
	}
}

// ObjectID is Amazon's id of the object, empty without one.
func (n *Notification) ObjectID() string {
	if n.Object == nil {
		return ""
	}
	id, _ := n.Object.about()
	return id
}

// Status is that of the object; zero for what has none.
func (n *Notification) Status() Status {
	if n.Object != nil {
		if _, status := n.Object.about(); status != nil {
			return *status
		}
	}
	return Status{}
}

// NewerThan reports whether the notification tells of a later status of the
// object than the one known, so that a late Pending never undoes a Completed.
// An object goes from Draft or Pending to Open or Suspended, to Completed, to
// Declined, Canceled or Closed, which are final; where the states do not decide,
// the LastUpdateTimestamp does. If nothing is known, everything is newer.
//
// It is about states only: an agreement's PaymentMethodUpdated need not change
// any.
func (n *Notification) NewerThan(known Status) bool {
	status := n.Status()
	was, is := stage(known.State), stage(status.State)
	switch {
	case known.State == "":
		return true
	case was != is && was != 0 && is != 0:
		return is > was
	case was == final && is == final && known.State != status.State:
		return false
	}
	return status.LastUpdateTimestamp.After(known.LastUpdateTimestamp)
}

const final = 4

// stage is how far an object in a state is in its life; 0 for a state that this
// version does not know.
func stage(s State) int {
	switch s {
	case StateDraft, StatePending:
		return 1
	case StateOpen, StateSuspended:
		return 2
	case StateCompleted:
		return 3
	case StateDeclined, StateCanceled, StateClosed:
		return final
	}
	return 0
}

// String names the notification without its contents.
func (n *Notification) String() string {
	return fmt.Sprintf("amazonpay.Notification(%s, %s, %s %s)", n.ID, n.Type, n.ObjectID(), n.Status().State)
}

// LogValue tells ids, types and the state, and nothing of the buyer.
func (n *Notification) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("id", n.ID), slog.String("type", string(n.Type)), slog.String("eventType", string(n.EventType)),
		slog.String("sellerId", n.SellerID), slog.String("environment", string(n.Environment)),
		slog.Bool("sample", n.IsSample), slog.String("objectId", n.ObjectID()), slog.String("state", string(n.Status().State)))
}
