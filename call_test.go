package amazonpay_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
)

const (
	stageSeller = "A1STAGESELLER"
	stageKey    = "AKIASTAGEKEY"
	stageSecret = "Stage/Secret+Key=0123456789abcdefABCDEF"
)

// A scene is what one attempt meets: an answer, or none.
type scene func(r *http.Request, action string) (*http.Response, error)

// A stage is a transport that plays one scene for each attempt, the last one
// over and over, and keeps what was posted. It needs no socket, so it works
// inside synctest.
type stage struct {
	scenes []scene
	mu     sync.Mutex
	posts  []stagePost
}

type stagePost struct {
	at                 time.Time
	method, host, path string
	header             http.Header
	body               string
	form               url.Values
}

func (s *stage) RoundTrip(r *http.Request) (*http.Response, error) {
	p := readStagePost(r, r.URL.Host)
	s.mu.Lock()
	playStory := s.scenes[min(len(s.posts), len(s.scenes)-1)]
	s.posts = append(s.posts, p)
	s.mu.Unlock()
	response, err := playStory(r, p.form.Get("Action"))
	if response != nil {
		response.Request = r
	}
	return response, err
}

func (s *stage) all() []stagePost {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.posts)
}

// readStagePost takes a request as it was posted to host.
func readStagePost(r *http.Request, host string) stagePost {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			panic(err)
		}
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		panic(err)
	}
	if r.Host != "" {
		host = r.Host
	}
	return stagePost{time.Now(), r.Method, host, r.URL.EscapedPath(), r.Header.Clone(), string(body), form}
}

// signature is Signature Version 2 once more, by the book and from what was
// posted: every parameter but the signature, sorted by name in byte order, each
// byte that is not unreserved as %XX.
func (p stagePost) signature(secret string) string {
	escape := func(s string) string {
		var b strings.Builder
		for _, c := range []byte(s) {
			if strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~", c) >= 0 {
				b.WriteByte(c)
			} else {
				fmt.Fprintf(&b, "%%%02X", c)
			}
		}
		return b.String()
	}
	var pairs [][2]string
	for name, values := range p.form {
		if len(values) != 1 {
			return "repeated: " + name
		}
		if name != "Signature" {
			pairs = append(pairs, [2]string{name, values[0]})
		}
	}
	slices.SortFunc(pairs, func(a, b [2]string) int { return cmp.Compare(a[0], b[0]) })
	var query []string
	for _, pair := range pairs {
		query = append(query, escape(pair[0])+"="+escape(pair[1]))
	}
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "POST\n%s\n%s\n%s", strings.ToLower(p.host), p.path, strings.Join(query, "&"))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// stageClient is a client on the stage, changed by edit.
func stageClient(t testing.TB, transport http.RoundTripper, edit ...func(*amazonpay.Config)) *amazonpay.Client {
	t.Helper()
	config := stageConfig(transport)
	for _, e := range edit {
		e(&config)
	}
	client, err := amazonpay.New(config)
	require.NoError(t, err)
	return client
}

func stageConfig(transport http.RoundTripper) amazonpay.Config {
	config := amazonpay.Config{
		SellerID: stageSeller, AccessKey: stageKey, SecretKey: amazonpay.NewSecretKey(stageSecret),
		Region: amazonpay.RegionNA, Environment: amazonpay.Sandbox,
		Limiter: amazonpay.NoLimit,
	}
	if transport != nil {
		config.HTTPClient = &http.Client{Transport: transport}
	}
	return config
}

// answerScene is an answer; {Action} in the body becomes the action.
func answerScene(status int, body string, header ...string) scene {
	return func(_ *http.Request, action string) (*http.Response, error) {
		response := &http.Response{
			StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: -1,
			Header: http.Header{}, Body: io.NopCloser(strings.NewReader(strings.ReplaceAll(body, "{Action}", action))),
		}
		for i := 0; i < len(header); i += 2 {
			response.Header.Set(header[i], header[i+1])
		}
		return response, nil
	}
}

// refusalScene is an error document.
func refusalScene(status int, code string, header ...string) scene {
	return answerScene(status, `<ErrorResponse xmlns="http://mws.amazonservices.com/schema/OffAmazonPayments/2013-01-01"><Error><Type>Sender</Type><Code>`+
		code+`</Code><Message>The request was refused.</Message></Error><RequestId>refusal-1</RequestId></ErrorResponse>`, header...)
}

// failingScene is an attempt without an answer.
func failingScene(err error) scene {
	return func(*http.Request, string) (*http.Response, error) { return nil, err }
}

// brokenScene is an answer whose body ends in an error.
func brokenScene(status int, body string, err error) scene {
	return func(r *http.Request, action string) (*http.Response, error) {
		response, _ := answerScene(status, body)(r, action)
		response.Body = io.NopCloser(io.MultiReader(response.Body, errReader{err}))
		return response, nil
	}
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

// silentScene takes the request and says nothing until the attempt is given up.
func silentScene(r *http.Request, _ string) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// stalledScene begins a good answer and says no more.
func stalledScene(r *http.Request, action string) (*http.Response, error) {
	response, _ := answerScene(200, "<{Action}Response>")(r, action)
	response.Body = io.NopCloser(io.MultiReader(response.Body, waitReader{r.Context()}))
	return response, nil
}

type waitReader struct{ ctx context.Context }

func (r waitReader) Read([]byte) (int, error) {
	<-r.ctx.Done()
	return 0, r.ctx.Err()
}

var (
	errReset = &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	errDial  = &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	errDNS   = &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "mws.invalid", IsNotFound: true}}
	errCert  = &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}

	goodScene      = scene(func(r *http.Request, action string) (*http.Response, error) { return goodAnswer(action)(r, action) })
	resetScene     = failingScene(errReset)
	dialError      = failingScene(errDial)
	throttledScene = refusalScene(503, "RequestThrottled")
	internalScene  = refusalScene(500, "InternalServerError")
)

// goodAnswer is the answer to an action of the tables below.
func goodAnswer(action string) scene {
	for _, o := range stageOperations {
		if o.action == action {
			return answerScene(200, goodDocument(o))
		}
	}
	panic("no answer for " + action)
}

func goodDocument(o stageOperation) string {
	result := ""
	if o.result != "" {
		result = "<{Action}Result>" + o.result + "</{Action}Result>"
	}
	return `<{Action}Response xmlns="http://mws.amazonservices.com/schema/OffAmazonPayments/2013-01-01">` + result +
		`<ResponseMetadata><RequestId>success-1</RequestId></ResponseMetadata></{Action}Response>`
}

// An operation of the client, with a good request.
type stageOperation struct {
	action    string
	reference amazonpay.ReferenceID // of those that move money
	result    string                // in the Result element of a good answer; empty for actions without one
	call      func(context.Context, *amazonpay.Client) (any, error)
}

const stageReference = amazonpay.ReferenceID("invoice-2026-11-0042")

// orNil keeps a nil pointer from looking like a result.
func orNil[R any](result *R, err error) (any, error) {
	if result == nil {
		return nil, err
	}
	return result, err
}

var (
	stageAmount = amazonpay.MustPrice("24.90", amazonpay.CurrencyUSD)

	stageOperations = append(append([]stageOperation{createForIDOperation}, moneyMovers...), harmlessOperations...)

	// moneyMovers are the operations that move money.
	moneyMovers = []stageOperation{
		{"Authorize", stageReference, `<AuthorizationDetails><AmazonAuthorizationId>S01-1234567-1234567-A000001</AmazonAuthorizationId></AuthorizationDetails>`,
			func(ctx context.Context, c *amazonpay.Client) (any, error) {
				return orNil(c.Authorize(ctx, amazonpay.AuthorizeRequest{
					AmazonOrderReferenceID: "S01-1234567-1234567", AuthorizationReferenceID: stageReference, AuthorizationAmount: stageAmount,
					TransactionTimeout: new(0), CaptureNow: true,
				}))
			}},
		{"AuthorizeOnBillingAgreement", stageReference, `<AuthorizationDetails><AmazonAuthorizationId>S01-1234567-1234567-A000001</AmazonAuthorizationId></AuthorizationDetails><AmazonOrderReferenceId>S01-1234567-1234567</AmazonOrderReferenceId>`,
			func(ctx context.Context, c *amazonpay.Client) (any, error) {
				return orNil(c.AuthorizeOnBillingAgreement(ctx, amazonpay.AuthorizeOnBillingAgreementRequest{
					AmazonBillingAgreementID: "C01-1234567-1234567", AuthorizationReferenceID: stageReference, AuthorizationAmount: stageAmount,
					SellerAuthorizationNote: "a b*c~d/e+f&g=h%i é €", CaptureNow: true,
				}))
			}},
		{"Capture", stageReference, `<CaptureDetails><AmazonCaptureId>S01-1234567-1234567-C000001</AmazonCaptureId></CaptureDetails>`,
			func(ctx context.Context, c *amazonpay.Client) (any, error) {
				return orNil(c.Capture(ctx, stageCapture))
			}},
		{"Refund", stageReference, `<RefundDetails><AmazonRefundId>S01-1234567-1234567-R000001</AmazonRefundId></RefundDetails>`,
			func(ctx context.Context, c *amazonpay.Client) (any, error) {
				return orNil(c.Refund(ctx, amazonpay.RefundRequest{
					AmazonCaptureID: "S01-1234567-1234567-C000001", RefundReferenceID: stageReference, RefundAmount: stageAmount,
				}))
			}},
		{"ReverseProviderCredit", stageReference, `<ProviderCreditReversalDetails><AmazonProviderCreditReversalId>S01-1234567-1234567-V000001</AmazonProviderCreditReversalId></ProviderCreditReversalDetails>`,
			func(ctx context.Context, c *amazonpay.Client) (any, error) {
				return orNil(c.ReverseProviderCredit(ctx, amazonpay.ReverseProviderCreditRequest{
					AmazonProviderCreditID: "S01-1234567-1234567-P000001", CreditReversalReferenceID: stageReference, CreditReversalAmount: stageAmount,
				}))
			}},
	}

	createForIDOperation = stageOperation{"CreateOrderReferenceForId", "", `<OrderReferenceDetails><AmazonOrderReferenceId>S01-1234567-1234567</AmazonOrderReferenceId></OrderReferenceDetails>`,
		func(ctx context.Context, c *amazonpay.Client) (any, error) {
			return orNil(c.CreateOrderReferenceForId(ctx, amazonpay.CreateOrderReferenceForIdRequest{ID: "C01-1234567-1234567"}))
		}}

	stageCapture = amazonpay.CaptureRequest{
		AmazonAuthorizationID: "S01-1234567-1234567-A000001", CaptureReferenceID: stageReference, CaptureAmount: stageAmount,
	}
)

// harmlessOperations are the operations that may be repeated at will: reads, and those
// that do nothing twice.
var harmlessOperations = func() []stageOperation {
	const (
		order         = `<OrderReferenceDetails><AmazonOrderReferenceId>S01-1234567-1234567</AmazonOrderReferenceId></OrderReferenceDetails>`
		agreement     = `<BillingAgreementDetails><AmazonBillingAgreementId>C01-1234567-1234567</AmazonBillingAgreementId></BillingAgreementDetails>`
		authorization = `<AuthorizationDetails><AmazonAuthorizationId>S01-1234567-1234567-A000001</AmazonAuthorizationId></AuthorizationDetails>`
		capture       = `<CaptureDetails><AmazonCaptureId>S01-1234567-1234567-C000001</AmazonCaptureId></CaptureDetails>`
		refund        = `<RefundDetails><AmazonRefundId>S01-1234567-1234567-R000001</AmazonRefundId></RefundDetails>`
		credit        = `<ProviderCreditDetails><AmazonProviderCreditId>S01-1234567-1234567-P000001</AmazonProviderCreditId></ProviderCreditDetails>`
		reversal      = `<ProviderCreditReversalDetails><AmazonProviderCreditReversalId>S01-1234567-1234567-V000001</AmazonProviderCreditReversalId></ProviderCreditReversalDetails>`
		page          = `<OrderReferenceList><OrderReference><AmazonOrderReferenceId>S01-1234567-1234567</AmazonOrderReferenceId></OrderReference></OrderReferenceList>`
	)
	type ctx = context.Context
	type client = *amazonpay.Client
	return []stageOperation{
		{"SetOrderReferenceDetails", "", order, func(x ctx, c client) (any, error) {
			return orNil(c.SetOrderReferenceDetails(x, amazonpay.SetOrderReferenceDetailsRequest{
				AmazonOrderReferenceID: "S01-1234567-1234567", OrderReferenceAttributes: amazonpay.OrderReferenceAttributes{OrderTotal: stageAmount}}))
		}},
		{"SetOrderAttributes", "", order, func(x ctx, c client) (any, error) {
			return orNil(c.SetOrderAttributes(x, amazonpay.SetOrderAttributesRequest{
				AmazonOrderReferenceID: "S01-1234567-1234567", OrderAttributes: amazonpay.OrderReferenceAttributes{SellerNote: "note"}}))
		}},
		{"GetOrderReferenceDetails", "", order, func(x ctx, c client) (any, error) {
			return orNil(c.GetOrderReferenceDetails(x, amazonpay.GetOrderReferenceDetailsRequest{AmazonOrderReferenceID: "S01-1234567-1234567"}))
		}},
		{"ConfirmOrderReference", "", "", func(x ctx, c client) (any, error) {
			return nil, c.ConfirmOrderReference(x, amazonpay.ConfirmOrderReferenceRequest{AmazonOrderReferenceID: "S01-1234567-1234567"})
		}},
		{"CancelOrderReference", "", "", func(x ctx, c client) (any, error) {
			return nil, c.CancelOrderReference(x, amazonpay.CancelOrderReferenceRequest{AmazonOrderReferenceID: "S01-1234567-1234567"})
		}},
		{"CloseOrderReference", "", "", func(x ctx, c client) (any, error) {
			return nil, c.CloseOrderReference(x, amazonpay.CloseOrderReferenceRequest{AmazonOrderReferenceID: "S01-1234567-1234567"})
		}},
		{"ListOrderReference", "", page, func(x ctx, c client) (any, error) {
			return orNil(c.ListOrderReference(x, amazonpay.ListOrderReferenceRequest{QueryID: "order-42"}))
		}},
		{"ListOrderReferenceByNextToken", "", page, func(x ctx, c client) (any, error) {
			return orNil(c.ListOrderReferenceByNextToken(x, amazonpay.ListOrderReferenceByNextTokenRequest{NextPageToken: "next"}))
		}},
		{"GetBillingAgreementDetails", "", agreement, func(x ctx, c client) (any, error) {
			return orNil(c.GetBillingAgreementDetails(x, amazonpay.GetBillingAgreementDetailsRequest{AmazonBillingAgreementID: "C01-1234567-1234567"}))
		}},
		{"SetBillingAgreementDetails", "", agreement, func(x ctx, c client) (any, error) {
			return orNil(c.SetBillingAgreementDetails(x, amazonpay.SetBillingAgreementDetailsRequest{
				AmazonBillingAgreementID: "C01-1234567-1234567", BillingAgreementAttributes: amazonpay.BillingAgreementAttributes{SellerNote: "note"}}))
		}},
		{"ConfirmBillingAgreement", "", "", func(x ctx, c client) (any, error) {
			return nil, c.ConfirmBillingAgreement(x, amazonpay.ConfirmBillingAgreementRequest{AmazonBillingAgreementID: "C01-1234567-1234567"})
		}},
		{"ValidateBillingAgreement", "", `<ValidationResult>Success</ValidationResult>`, func(x ctx, c client) (any, error) {
			return orNil(c.ValidateBillingAgreement(x, amazonpay.ValidateBillingAgreementRequest{AmazonBillingAgreementID: "C01-1234567-1234567"}))
		}},
		{"CloseBillingAgreement", "", "", func(x ctx, c client) (any, error) {
			return nil, c.CloseBillingAgreement(x, amazonpay.CloseBillingAgreementRequest{AmazonBillingAgreementID: "C01-1234567-1234567"})
		}},
		{"GetAuthorizationDetails", "", authorization, func(x ctx, c client) (any, error) {
			return orNil(c.GetAuthorizationDetails(x, amazonpay.GetAuthorizationDetailsRequest{AmazonAuthorizationID: "S01-1234567-1234567-A000001"}))
		}},
		{"CloseAuthorization", "", "", func(x ctx, c client) (any, error) {
			return nil, c.CloseAuthorization(x, amazonpay.CloseAuthorizationRequest{AmazonAuthorizationID: "S01-1234567-1234567-A000001"})
		}},
		{"GetCaptureDetails", "", capture, func(x ctx, c client) (any, error) {
			return orNil(c.GetCaptureDetails(x, amazonpay.GetCaptureDetailsRequest{AmazonCaptureID: "S01-1234567-1234567-C000001"}))
		}},
		{"GetRefundDetails", "", refund, func(x ctx, c client) (any, error) {
			return orNil(c.GetRefundDetails(x, amazonpay.GetRefundDetailsRequest{AmazonRefundID: "S01-1234567-1234567-R000001"}))
		}},
		{"GetProviderCreditDetails", "", credit, func(x ctx, c client) (any, error) {
			return orNil(c.GetProviderCreditDetails(x, amazonpay.GetProviderCreditDetailsRequest{AmazonProviderCreditID: "S01-1234567-1234567-P000001"}))
		}},
		{"GetProviderCreditReversalDetails", "", reversal, func(x ctx, c client) (any, error) {
			return orNil(c.GetProviderCreditReversalDetails(x, amazonpay.GetProviderCreditReversalDetailsRequest{AmazonProviderCreditReversalID: "S01-1234567-1234567-V000001"}))
		}},
		{"GetServiceStatus", "", `<Status>GREEN</Status>`, func(x ctx, c client) (any, error) { return orNil(c.GetServiceStatus(x)) }},
		{"GetMerchantAccountStatus", "", `<AccountStatus>ACTIVE</AccountStatus>`, func(x ctx, c client) (any, error) { return orNil(c.GetMerchantAccountStatus(x)) }},
		{"GetMerchantNotificationConfiguration", "", `<NotificationConfigurationList/>`, func(x ctx, c client) (any, error) {
			return orNil(c.GetMerchantNotificationConfiguration(x))
		}},
		{"SetMerchantNotificationConfiguration", "", "", func(x ctx, c client) (any, error) {
			return nil, c.SetMerchantNotificationConfiguration(x, amazonpay.SetMerchantNotificationConfigurationRequest{
				NotificationConfigurationList: []amazonpay.NotificationConfiguration{{NotificationURL: "https://shop.example/ipn", EventTypes: []amazonpay.EventType{amazonpay.EventTypeAll}}}})
		}},
	}
}()

// TestEveryOperationIsClassified: whoever adds an operation has to say here
// whether it moves money.
func TestEveryOperationIsClassified(t *testing.T) {
	client := reflect.TypeFor[*amazonpay.Client]()
	known := map[string]bool{}
	for _, o := range stageOperations {
		known[o.action] = true
		_, ok := client.MethodByName(o.action)
		assert.True(t, ok, "%s is no method", o.action)
	}
	for m := range client.Methods() {
		if m.Type.NumIn() != 3 || m.Type.In(2).Kind() != reflect.Struct || m.Type.In(2).Name() != m.Name+"Request" ||
			m.Name == "Charge" { // which is made of operations, and has tests of its own
			continue
		}
		assert.True(t, known[m.Name], "%s is in none of the tables", m.Name)
	}
}

// fate is what has become of a call.
type fate string

const (
	fatePaid    fate = "paid"
	fateRefused fate = "refused"
	fateUnknown fate = "unknown"
)

// A story is a sequence of attempts and how it must end.
type stageStory struct {
	name     string
	scenes   []scene
	fate     fate
	requests int
	is       []error // in the chain
	status   int     // of the last answer

	cancelled   bool          // before the call
	cancelAfter time.Duration // after its start
	deadline    time.Duration // of the whole call
}

var stageStories = []stageStory{
	{name: "good", scenes: []scene{goodScene}, fate: fatePaid, requests: 1, status: 200},

	// No answer.
	{name: "reset after sending", scenes: []scene{resetScene}, fate: fateUnknown, requests: 5, is: []error{syscall.ECONNRESET}},
	{name: "connection closed after sending", scenes: []scene{failingScene(io.EOF)}, fate: fateUnknown, requests: 5, is: []error{io.EOF}},
	{name: "broken pipe while sending", scenes: []scene{failingScene(&net.OpError{Op: "write", Net: "tcp", Err: syscall.EPIPE})}, fate: fateUnknown, requests: 5, is: []error{syscall.EPIPE}},
	{name: "an error of the transport's own", scenes: []scene{failingScene(errors.New("odd"))}, fate: fateUnknown, requests: 5},
	{name: "silence in every attempt", scenes: []scene{silentScene}, fate: fateUnknown, requests: 5, is: []error{context.DeadlineExceeded}},
	{name: "silence then good", scenes: []scene{silentScene, goodScene}, fate: fatePaid, requests: 2, status: 200},
	{name: "reset then good", scenes: []scene{resetScene, goodScene}, fate: fatePaid, requests: 2, status: 200},
	{name: "good at the very last", scenes: []scene{resetScene, internalScene, silentScene, throttledScene, goodScene}, fate: fatePaid, requests: 5, status: 200},
	{name: "good one too late", scenes: []scene{resetScene, resetScene, resetScene, resetScene, resetScene, goodScene}, fate: fateUnknown, requests: 5},

	// An answer of a server or gateway in trouble.
	{name: "500", scenes: []scene{internalScene}, fate: fateUnknown, requests: 5, status: 500, is: []error{amazonpay.ErrInternalServerError}},
	{name: "500 of the gateway", scenes: []scene{refusalScene(500, "InternalError")}, fate: fateUnknown, requests: 5, status: 500, is: []error{amazonpay.ErrInternalError}},
	{name: "500 without a body", scenes: []scene{answerScene(500, "")}, fate: fateUnknown, requests: 5, status: 500},
	{name: "501", scenes: []scene{answerScene(501, "")}, fate: fateUnknown, requests: 1, status: 501},
	{name: "502 in HTML", scenes: []scene{answerScene(502, "<html><body><h1>Bad Gateway</h1><hr></body></html>")}, fate: fateUnknown, requests: 5, status: 502},
	{name: "503 ServiceUnavailable", scenes: []scene{refusalScene(503, "ServiceUnavailable")}, fate: fateUnknown, requests: 5, status: 503, is: []error{amazonpay.ErrServiceUnavailable}},
	{name: "503 QuotaExceeded", scenes: []scene{refusalScene(503, "QuotaExceeded")}, fate: fateUnknown, requests: 5, status: 503, is: []error{amazonpay.ErrQuotaExceeded}},
	{name: "503 in HTML that speaks of RequestThrottled", scenes: []scene{answerScene(503, "<html><Error><Code>RequestThrottled</Code></Error></html>")}, fate: fateUnknown, requests: 5, status: 503},
	{name: "503 that breaks off", scenes: []scene{brokenScene(503, "<ErrorResponse><Error><Code>RequestThr", errReset)}, fate: fateUnknown, requests: 5, status: 503},
	{name: "504", scenes: []scene{answerScene(504, "")}, fate: fateUnknown, requests: 5, status: 504},
	{name: "500 then good", scenes: []scene{internalScene, goodScene}, fate: fatePaid, requests: 2, status: 200},

	// Not carried out.
	{name: "throttled", scenes: []scene{throttledScene}, fate: fateRefused, requests: 5, status: 503, is: []error{amazonpay.ErrRequestThrottled}},
	{name: "throttled then good", scenes: []scene{throttledScene, goodScene}, fate: fatePaid, requests: 2, status: 200},
	{name: "throttled then refused", scenes: []scene{throttledScene, refusalScene(400, "InvalidParameterValue")}, fate: fateRefused, requests: 2, status: 400, is: []error{amazonpay.ErrInvalidParameterValue}},
	{name: "429 of a proxy", scenes: []scene{answerScene(429, "slow down")}, fate: fateRefused, requests: 5, status: 429},
	{name: "400", scenes: []scene{refusalScene(400, "DuplicateReferenceId")}, fate: fateRefused, requests: 1, status: 400, is: []error{amazonpay.ErrDuplicateReferenceID}},
	{name: "400 DuplicateRequest at first", scenes: []scene{refusalScene(400, "DuplicateRequest")}, fate: fateRefused, requests: 1, status: 400, is: []error{amazonpay.ErrDuplicateRequest}},
	{name: "403 in HTML", scenes: []scene{answerScene(403, "<html>Forbidden</html>")}, fate: fateRefused, requests: 1, status: 403},
	{name: "404 that breaks off", scenes: []scene{brokenScene(404, "<ErrorResponse><Err", errReset)}, fate: fateRefused, requests: 1, status: 404, is: []error{syscall.ECONNRESET}},
	{name: "405", scenes: []scene{refusalScene(405, "InvalidAuthorizationStatus")}, fate: fateRefused, requests: 1, status: 405, is: []error{amazonpay.ErrInvalidAuthorizationStatus}},
	{name: "301", scenes: []scene{answerScene(301, "", "Location", "https://elsewhere.example/")}, fate: fateRefused, requests: 1, status: 301},
	{name: "302", scenes: []scene{answerScene(302, "", "Location", "https://elsewhere.example/")}, fate: fateRefused, requests: 1, status: 302},
	{name: "303", scenes: []scene{answerScene(303, "", "Location", "https://elsewhere.example/")}, fate: fateRefused, requests: 1, status: 303},
	{name: "307", scenes: []scene{answerScene(307, "", "Location", "https://elsewhere.example/")}, fate: fateRefused, requests: 1, status: 307},
	{name: "308", scenes: []scene{answerScene(308, "", "Location", "/OffAmazonPayments/2013-01-01")}, fate: fateRefused, requests: 1, status: 308},
	{name: "307 to nowhere", scenes: []scene{answerScene(307, "")}, fate: fateRefused, requests: 1, status: 307},

	// Never sent.
	{name: "dial error", scenes: []scene{dialError}, fate: fateRefused, requests: 5, is: []error{syscall.ECONNREFUSED}},
	{name: "DNS error", scenes: []scene{failingScene(errDNS)}, fate: fateRefused, requests: 5},
	{name: "proxy not reached", scenes: []scene{failingScene(&net.OpError{Op: "proxyconnect", Net: "tcp", Err: errDial})}, fate: fateRefused, requests: 5, is: []error{syscall.ECONNREFUSED}},
	{name: "TLS certificate", scenes: []scene{failingScene(errCert)}, fate: fateRefused, requests: 1},
	{name: "dial error then good", scenes: []scene{dialError, goodScene}, fate: fatePaid, requests: 2, status: 200},
	{name: "dial error then refused", scenes: []scene{dialError, refusalScene(400, "InvalidParameterValue")}, fate: fateRefused, requests: 2, status: 400},

	// Once unknown, only a good answer settles it.
	{name: "reset then 400", scenes: []scene{resetScene, refusalScene(400, "InvalidParameterValue")}, fate: fateUnknown, requests: 2, status: 400, is: []error{amazonpay.ErrInvalidParameterValue}},
	{name: "reset then DuplicateRequest", scenes: []scene{resetScene, refusalScene(400, "DuplicateRequest")}, fate: fateUnknown, requests: 2, status: 400, is: []error{amazonpay.ErrDuplicateRequest}},
	{name: "500 then InvalidAuthorizationStatus", scenes: []scene{internalScene, refusalScene(405, "InvalidAuthorizationStatus")}, fate: fateUnknown, requests: 2, status: 405, is: []error{amazonpay.ErrInvalidAuthorizationStatus}},
	{name: "reset then throttled", scenes: []scene{resetScene, throttledScene}, fate: fateUnknown, requests: 5, status: 503, is: []error{amazonpay.ErrRequestThrottled}},
	{name: "reset then dial errors", scenes: []scene{resetScene, dialError}, fate: fateUnknown, requests: 5, is: []error{syscall.ECONNREFUSED}},
	{name: "dial error, reset, dial errors", scenes: []scene{dialError, resetScene, dialError}, fate: fateUnknown, requests: 5},
	{name: "reset then certificate", scenes: []scene{resetScene, failingScene(errCert)}, fate: fateUnknown, requests: 2},
	{name: "reset then redirect", scenes: []scene{resetScene, answerScene(302, "", "Location", "https://elsewhere.example/")}, fate: fateUnknown, requests: 2, status: 302},
	{name: "unreadable then 400", scenes: []scene{answerScene(200, "<html>"), refusalScene(400, "InvalidParameterValue")}, fate: fateUnknown, requests: 2, status: 400},

	// A 2xx that cannot be read.
	{name: "200 in HTML", scenes: []scene{answerScene(200, "<html><body>Welcome to the hotel's network</body></html>")}, fate: fateUnknown, requests: 5, status: 200},
	{name: "200 in plain text", scenes: []scene{answerScene(200, "OK")}, fate: fateUnknown, requests: 5, status: 200},
	{name: "200 without a body", scenes: []scene{answerScene(200, "")}, fate: fateUnknown, requests: 5, status: 200},
	{name: "204", scenes: []scene{answerScene(204, "")}, fate: fateUnknown, requests: 5, status: 204},
	{name: "200 truncated in a tag", scenes: []scene{answerScene(200, "<{Action}Response><{Action}Res")}, fate: fateUnknown, requests: 5, status: 200},
	{name: "200 of another action", scenes: []scene{rewrittenScene(goodScene, "{Action}Response", "Other{Action}Response")}, fate: fateUnknown, requests: 5, status: 200},
	{name: "200 with an error document", scenes: []scene{refusalScene(200, "InvalidParameterValue")}, fate: fateUnknown, requests: 5, status: 200},
	{name: "200 then the body breaks", scenes: []scene{brokenScene(200, "<{Action}Response>", errReset)}, fate: fateUnknown, requests: 5, status: 200, is: []error{syscall.ECONNRESET}},
	{name: "200 then the body stalls", scenes: []scene{stalledScene}, fate: fateUnknown, requests: 5, status: 200, is: []error{context.DeadlineExceeded}},
	{name: "unreadable then good", scenes: []scene{answerScene(200, "<html>"), goodScene}, fate: fatePaid, requests: 2, status: 200},

	// What the context says.
	{name: "cancelled before", scenes: []scene{goodScene}, cancelled: true, fate: fateRefused, requests: 0, is: []error{context.Canceled}},
	{name: "cancelled in the first attempt", scenes: []scene{silentScene}, cancelAfter: 5 * time.Second, fate: fateUnknown, requests: 1, is: []error{context.Canceled}},
	{name: "deadline in the first attempt", scenes: []scene{silentScene}, deadline: 5 * time.Second, fate: fateUnknown, requests: 1, is: []error{context.DeadlineExceeded}},
	{name: "cancelled while the answer comes", scenes: []scene{stalledScene}, cancelAfter: 5 * time.Second, fate: fateUnknown, requests: 1, status: 200, is: []error{context.Canceled}},
	{name: "cancelled in the second attempt", scenes: []scene{throttledScene, silentScene}, cancelAfter: 5 * time.Second, fate: fateUnknown, requests: 2, is: []error{context.Canceled}},
	{name: "cancelled in back-off after reset", scenes: []scene{resetScene, goodScene}, cancelAfter: 100 * time.Millisecond, fate: fateUnknown, requests: 1, is: []error{context.Canceled, syscall.ECONNRESET}},
	{name: "cancelled in back-off after 500", scenes: []scene{internalScene, goodScene}, cancelAfter: 100 * time.Millisecond, fate: fateUnknown, requests: 1, status: 500, is: []error{context.Canceled, amazonpay.ErrInternalServerError}},
	{name: "cancelled in back-off after throttling", scenes: []scene{throttledScene, goodScene}, cancelAfter: 100 * time.Millisecond, fate: fateRefused, requests: 1, status: 503, is: []error{context.Canceled, amazonpay.ErrRequestThrottled}},
	{name: "cancelled in back-off after a dial error", scenes: []scene{dialError, goodScene}, cancelAfter: 100 * time.Millisecond, fate: fateRefused, requests: 1, is: []error{context.Canceled, syscall.ECONNREFUSED}},
	{name: "cancelled in a later back-off", scenes: []scene{resetScene, throttledScene, throttledScene}, cancelAfter: 5 * time.Second, fate: fateUnknown, requests: 3, status: 503, is: []error{context.Canceled, amazonpay.ErrRequestThrottled}},
	{name: "deadline in back-off after throttling", scenes: []scene{throttledScene, goodScene}, deadline: 100 * time.Millisecond, fate: fateRefused, requests: 1, status: 503, is: []error{context.DeadlineExceeded, amazonpay.ErrRequestThrottled}},
}

// unreadableResults are answers to operations with a result.
var unreadableResults = []stageStory{
	{name: "200 truncated behind the result", scenes: []scene{cutScene(goodScene, -len("</Response>"))}, fate: fateUnknown, requests: 5, status: 200},
	{name: "200 truncated in the middle", scenes: []scene{cutScene(goodScene, 150)}, fate: fateUnknown, requests: 5, status: 200},
	{name: "200 without a result", scenes: []scene{answerScene(200, "<{Action}Response><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{Action}Response>")}, fate: fateUnknown, requests: 5, status: 200},
	{name: "200 with the result of another action", scenes: []scene{rewrittenScene(goodScene, "{Action}Result", "Other{Action}Result")}, fate: fateUnknown, requests: 5, status: 200},
}

// emptyResults are answers to operations with an object as their result.
var emptyResults = []stageStory{
	{name: "200 with an empty result", scenes: []scene{answerScene(200, "<{Action}Response><{Action}Result/></{Action}Response>")}, fate: fateUnknown, requests: 5, status: 200},
	{name: "200 with an empty object", scenes: []scene{emptiedScene}, fate: fateUnknown, requests: 5, status: 200},
}

// rewrittenScene is the answer of s with the elements of one name renamed.
func rewrittenScene(s scene, from, to string) scene {
	return func(r *http.Request, action string) (*http.Response, error) {
		response, err := s(r, action)
		if err != nil {
			return nil, err
		}
		body, _ := io.ReadAll(response.Body)
		from, to := strings.ReplaceAll(from, "{Action}", action), strings.ReplaceAll(to, "{Action}", action)
		text := strings.NewReplacer("<"+from, "<"+to, "</"+from, "</"+to).Replace(string(body))
		return answerScene(response.StatusCode, text)(r, action)
	}
}

// cutScene is the answer of s up to a byte; a negative one counts from the end.
func cutScene(s scene, at int) scene {
	return func(r *http.Request, action string) (*http.Response, error) {
		response, err := s(r, action)
		if err != nil {
			return nil, err
		}
		body, _ := io.ReadAll(response.Body)
		if at < 0 {
			body = body[:len(body)+at]
		} else {
			body = body[:at]
		}
		return answerScene(response.StatusCode, string(body))(r, action)
	}
}

// emptiedScene is a good answer without the text.
func emptiedScene(r *http.Request, action string) (*http.Response, error) {
	for _, o := range stageOperations {
		if o.action == action {
			name, _, _ := strings.Cut(strings.TrimPrefix(o.result, "<"), ">")
			o.result = "<" + name + "></" + name + ">"
			return answerScene(200, goodDocument(o))(r, action)
		}
	}
	panic("no answer for " + action)
}

// playStory runs a story inside synctest.
func playStory(t *testing.T, s stageStory, o stageOperation, edit ...func(*amazonpay.Config)) (result any, posts []stagePost, err error) {
	on := &stage{scenes: s.scenes}
	client := stageClient(t, on, edit...)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if s.cancelled {
		cancel()
	}
	if s.cancelAfter > 0 {
		defer time.AfterFunc(s.cancelAfter, cancel).Stop()
	}
	if s.deadline > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, s.deadline)
		defer stop()
	}
	start := time.Now()
	result, err = o.call(ctx, client)
	if limit := max(s.cancelAfter, s.deadline); limit > 0 {
		assert.Equal(t, limit, time.Since(start), "the call ends when the context does")
	}
	return result, on.all(), err
}

// checkFailure checks everything about the error of a story.
func checkFailure(t *testing.T, s stageStory, o stageOperation, err error) {
	t.Helper()
	require.Error(t, err)
	wrapped := fmt.Errorf("invoice 42: %w", err)
	failure, ok := errors.AsType[*amazonpay.Error](wrapped)
	require.True(t, ok, "an *Error is in the chain of %v", err)
	assert.Equal(t, o.action, failure.Action)
	assert.Equal(t, s.status, failure.StatusCode)
	assert.Equal(t, s.requests, failure.Attempts)
	for _, target := range s.is {
		assert.ErrorIs(t, wrapped, target)
	}
	assert.Equal(t, 1, strings.Count(err.Error(), "amazonpay: "), "the package once, in %q", err)
	assert.True(t, strings.HasPrefix(err.Error(), "amazonpay: "+o.action), "the operation in front, in %q", err)
	assert.NotContains(t, err.Error(), "\n")
	for _, secret := range []string{stageSecret, stageKey, "Signature", "24.90"} {
		assert.NotContains(t, err.Error(), secret)
	}

	outcome, isUnknown := errors.AsType[*amazonpay.OutcomeUnknownError](wrapped)
	require.Equal(t, s.fate == fateUnknown, isUnknown, "%v", err)
	if isUnknown {
		assert.Same(t, outcome, err, "the outcome is the outermost error")
		assert.Equal(t, o.action, outcome.Action)
		assert.Equal(t, o.reference, outcome.ReferenceID)
		assert.ErrorIs(t, wrapped, outcome.Err)
		assert.Contains(t, err.Error(), string(o.reference))
		assert.Contains(t, err.Error(), "unknown")
	}
}

// TestUnknownOutcome: a call that moves money is paid, refused or unknown, and
// never refused where it may have been carried out.
func TestUnknownOutcome(t *testing.T) {
	for _, o := range moneyMovers {
		for _, s := range slices.Concat(stageStories, unreadableResults, emptyResults) {
			t.Run(o.action+"/"+s.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					result, posts, err := playStory(t, s, o)
					assert.Len(t, posts, s.requests)
					for _, p := range posts {
						assert.Contains(t, p.body, "ReferenceId="+string(o.reference))
					}
					if s.fate == fatePaid {
						require.NoError(t, err)
						require.NotNil(t, result)
						assert.Contains(t, fmt.Sprintf("%+v", reflect.ValueOf(result).Elem().Interface()), "S01-1234567-1234567-", "the result has been read")
						return
					}
					assert.Nil(t, result)
					checkFailure(t, s, o, err)
				})
			})
		}
	}
}

// TestHarmlessIsNeverUnknown: reads, and operations that do nothing twice, are
// repeated likewise, and fail plainly.
func TestHarmlessIsNeverUnknown(t *testing.T) {
	for i, o := range harmlessOperations {
		known := stageStories
		if o.result != "" {
			known = slices.Concat(known, unreadableResults)
			if strings.Contains(o.result, "Details>") {
				known = slices.Concat(known, emptyResults)
			}
		}
		t.Run(o.action, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := stageClient(t, &stage{scenes: []scene{internalScene, goodScene}})
				result, err := o.call(t.Context(), client)
				require.NoError(t, err)
				assert.Equal(t, o.result != "", result != nil)
			})
			for _, s := range known {
				if s.fate != fateUnknown || len(s.scenes) > 1 && i > 0 {
					continue // one of them goes through every doubtful story, the others through the simple ones
				}
				t.Run(s.name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						result, posts, err := playStory(t, s, o)
						assert.Len(t, posts, s.requests)
						assert.Nil(t, result)
						s.fate = fateRefused
						checkFailure(t, s, o, err)
					})
				})
			}
		})
	}
}

// TestCreateOrderReferenceForIdIsNotRepeated: without a reference id a repeat
// would make a second order, unless nothing was sent. Every story ends well for
// those who repeat.
func TestCreateOrderReferenceForIdIsNotRepeated(t *testing.T) {
	dns, proxy := failingScene(errDNS), failingScene(&net.OpError{Op: "proxyconnect", Net: "tcp", Err: errDial})
	for _, s := range []stageStory{
		{name: "good", scenes: []scene{goodScene}, fate: fatePaid, requests: 1},

		{name: "reset", scenes: []scene{resetScene, goodScene}, fate: fateUnknown, requests: 1, is: []error{syscall.ECONNRESET}},
		{name: "connection closed", scenes: []scene{failingScene(io.EOF), goodScene}, fate: fateUnknown, requests: 1, is: []error{io.EOF}},
		{name: "silence", scenes: []scene{silentScene, goodScene}, fate: fateUnknown, requests: 1, is: []error{context.DeadlineExceeded}},
		{name: "500", scenes: []scene{internalScene, goodScene}, fate: fateUnknown, requests: 1, status: 500, is: []error{amazonpay.ErrInternalServerError}},
		{name: "502", scenes: []scene{answerScene(502, "<html>"), goodScene}, fate: fateUnknown, requests: 1, status: 502},
		{name: "503 ServiceUnavailable", scenes: []scene{refusalScene(503, "ServiceUnavailable"), goodScene}, fate: fateUnknown, requests: 1, status: 503, is: []error{amazonpay.ErrServiceUnavailable}},
		{name: "504", scenes: []scene{answerScene(504, ""), goodScene}, fate: fateUnknown, requests: 1, status: 504},
		{name: "200 in HTML", scenes: []scene{answerScene(200, "<html>"), goodScene}, fate: fateUnknown, requests: 1, status: 200},
		{name: "200 without a body", scenes: []scene{answerScene(200, ""), goodScene}, fate: fateUnknown, requests: 1, status: 200},
		{name: "200 truncated", scenes: []scene{cutScene(goodScene, 150), goodScene}, fate: fateUnknown, requests: 1, status: 200},
		{name: "200 without a result", scenes: []scene{answerScene(200, "<{Action}Response/>"), goodScene}, fate: fateUnknown, requests: 1, status: 200},
		{name: "200 with an empty object", scenes: []scene{emptiedScene, goodScene}, fate: fateUnknown, requests: 1, status: 200},
		{name: "200 then the body breaks", scenes: []scene{brokenScene(200, "<{Action}Response>", errReset), goodScene}, fate: fateUnknown, requests: 1, status: 200},
		{name: "cancelled in the first attempt", scenes: []scene{silentScene}, cancelAfter: time.Second, fate: fateUnknown, requests: 1, is: []error{context.Canceled}},
		{name: "deadline in the first attempt", scenes: []scene{silentScene}, deadline: time.Second, fate: fateUnknown, requests: 1, is: []error{context.DeadlineExceeded}},

		{name: "throttled", scenes: []scene{throttledScene, goodScene}, fate: fateRefused, requests: 1, status: 503, is: []error{amazonpay.ErrRequestThrottled}},
		{name: "429 of a proxy", scenes: []scene{answerScene(429, ""), goodScene}, fate: fateRefused, requests: 1, status: 429},
		{name: "400", scenes: []scene{refusalScene(400, "InvalidParameterValue"), goodScene}, fate: fateRefused, requests: 1, status: 400, is: []error{amazonpay.ErrInvalidParameterValue}},
		{name: "redirect", scenes: []scene{answerScene(307, "", "Location", "https://elsewhere.example/"), goodScene}, fate: fateRefused, requests: 1, status: 307},
		{name: "certificate", scenes: []scene{failingScene(errCert), goodScene}, fate: fateRefused, requests: 1},
		{name: "cancelled before", scenes: []scene{goodScene}, cancelled: true, fate: fateRefused, requests: 0, is: []error{context.Canceled}},

		{name: "dial error then good", scenes: []scene{dialError, goodScene}, fate: fatePaid, requests: 2},
		{name: "DNS error then good", scenes: []scene{dns, goodScene}, fate: fatePaid, requests: 2},
		{name: "proxy not reached, then good", scenes: []scene{proxy, goodScene}, fate: fatePaid, requests: 2},
		{name: "dial errors", scenes: []scene{dialError}, fate: fateRefused, requests: 5, is: []error{syscall.ECONNREFUSED}},
		{name: "dial error then reset", scenes: []scene{dialError, resetScene, goodScene}, fate: fateUnknown, requests: 2, is: []error{syscall.ECONNRESET}},
		{name: "dial error then throttled", scenes: []scene{dialError, throttledScene, goodScene}, fate: fateRefused, requests: 2, status: 503, is: []error{amazonpay.ErrRequestThrottled}},
		{name: "cancelled in back-off after a dial error", scenes: []scene{dialError, goodScene}, cancelAfter: 100 * time.Millisecond, fate: fateRefused, requests: 1, is: []error{context.Canceled, syscall.ECONNREFUSED}},
	} {
		t.Run(s.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				result, posts, err := playStory(t, s, createForIDOperation)
				assert.Len(t, posts, s.requests)
				if s.fate == fatePaid {
					require.NoError(t, err)
					require.NotNil(t, result)
					return
				}
				assert.Nil(t, result)
				checkFailure(t, s, createForIDOperation, err)
			})
		})
	}
}

// TestWhereTheBytesWent is the same question with real connections: what was
// never sent is told from what may have arrived.
func TestWhereTheBytesWent(t *testing.T) {
	quiet := log.New(io.Discard, "", 0)
	var arrived atomic.Int32
	serve := func(t *testing.T, start func(*httptest.Server), handler http.HandlerFunc) *httptest.Server {
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			arrived.Add(1)
			handler(w, r)
		}))
		server.Config.ErrorLog = quiet
		start(server)
		t.Cleanup(server.Close)
		return server
	}
	hangUp := func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	}
	closed := func(t *testing.T) string {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer func() { _ = listener.Close() }()
		return listener.Addr().String()
	}
	for _, test := range []struct {
		name     string
		edit     func(*testing.T, *amazonpay.Config)
		fate     fate
		attempts int
		arrived  int32
	}{
		{"nobody listens", func(t *testing.T, c *amazonpay.Config) { c.BaseURL = "http://" + closed(t) }, fateRefused, 2, 0},
		{"no such host", func(t *testing.T, c *amazonpay.Config) {
			resolver := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no name server") }}
			c.HTTPClient = &http.Client{Transport: &http.Transport{DialContext: (&net.Dialer{Resolver: resolver}).DialContext}}
			c.BaseURL = "http://mws.invalid"
		}, fateRefused, 2, 0},
		{"nobody listens at the proxy", func(t *testing.T, c *amazonpay.Config) {
			c.HTTPClient = &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: closed(t)})}}
			c.BaseURL = "https://mws.invalid"
		}, fateRefused, 2, 0},
		{"certificate of nobody", func(t *testing.T, c *amazonpay.Config) {
			c.BaseURL = serve(t, (*httptest.Server).StartTLS, func(http.ResponseWriter, *http.Request) {}).URL
		}, fateRefused, 1, 0},
		{"server hangs up", func(t *testing.T, c *amazonpay.Config) {
			c.BaseURL = serve(t, (*httptest.Server).Start, hangUp).URL
		}, fateUnknown, 2, 2},
		{"server hangs up inside the answer", func(t *testing.T, c *amazonpay.Config) {
			c.BaseURL = serve(t, (*httptest.Server).Start, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Length", "1000")
				_, _ = io.WriteString(w, "<CaptureResponse><CaptureResult><CaptureDetails>")
				_ = http.NewResponseController(w).Flush()
				hangUp(w, r)
			}).URL
		}, fateUnknown, 2, 2},
		{"answer shorter than it says", func(t *testing.T, c *amazonpay.Config) {
			c.BaseURL = serve(t, (*httptest.Server).Start, func(w http.ResponseWriter, r *http.Request) {
				conn, buffer, err := http.NewResponseController(w).Hijack()
				if err == nil {
					_, _ = buffer.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n<CaptureResponse>")
					_ = buffer.Flush()
					_ = conn.Close()
				}
			}).URL
		}, fateUnknown, 2, 2},
		{"answer that is not HTTP", func(t *testing.T, c *amazonpay.Config) {
			c.BaseURL = serve(t, (*httptest.Server).Start, func(w http.ResponseWriter, r *http.Request) {
				conn, buffer, err := http.NewResponseController(w).Hijack()
				if err == nil {
					_, _ = buffer.WriteString("220 mail.example ESMTP\r\n")
					_ = buffer.Flush()
					_ = conn.Close()
				}
			}).URL
		}, fateUnknown, 2, 2},
		{"no answer in time", func(t *testing.T, c *amazonpay.Config) {
			c.Timeout = 50 * time.Millisecond
			c.BaseURL = serve(t, (*httptest.Server).Start, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }).URL
		}, fateUnknown, 2, 2},
		{"the caller's HTTP client gives up", func(t *testing.T, c *amazonpay.Config) {
			c.HTTPClient = &http.Client{Timeout: 50 * time.Millisecond, Transport: &http.Transport{}}
			c.BaseURL = serve(t, (*httptest.Server).Start, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }).URL
		}, fateUnknown, 2, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			arrived.Store(0)
			client := stageClient(t, nil, func(c *amazonpay.Config) {
				c.Backoff = func(n int) (time.Duration, bool) { return time.Millisecond, n < 2 }
				test.edit(t, c)
			})
			result, err := client.Capture(t.Context(), stageCapture)
			require.Error(t, err)
			assert.Nil(t, result)
			_, isUnknown := errors.AsType[*amazonpay.OutcomeUnknownError](err)
			assert.Equal(t, test.fate == fateUnknown, isUnknown, "%v", err)
			failure, ok := errors.AsType[*amazonpay.Error](err)
			require.True(t, ok)
			assert.Equal(t, test.attempts, failure.Attempts)
			assert.Equal(t, test.arrived, arrived.Load(), "requests that arrived")
			assert.NotContains(t, err.Error(), "OffAmazonPayments", "the address is noise")
		})
	}
}

// TestLargestAnswer: 4 MiB are read, one byte more is not Amazon's.
func TestLargestAnswer(t *testing.T) {
	document := strings.ReplaceAll(goodDocument(moneyMovers[2]), "{Action}", "Capture")
	for _, test := range []struct {
		name string
		size int
		ok   bool
	}{{"4 MiB", 4 << 20, true}, {"one byte more", 4<<20 + 1, false}} {
		t.Run(test.name, func(t *testing.T) {
			body := document + strings.Repeat(" ", test.size-len(document))
			client := stageClient(t, &stage{scenes: []scene{answerScene(200, body)}}, func(c *amazonpay.Config) { c.Backoff = amazonpay.Spacing() })
			got, err := client.Capture(t.Context(), stageCapture)
			if !test.ok {
				assert.ErrorContains(t, err, "4 MiB")
				_, isUnknown := errors.AsType[*amazonpay.OutcomeUnknownError](err)
				assert.True(t, isUnknown, "%v", err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, amazonpay.CaptureID("S01-1234567-1234567-C000001"), got.AmazonCaptureID)
		})
	}
}

// A closeCounter is a body that counts how often it is closed.
type closeCounter struct {
	io.Reader
	closed *int
}

func (c closeCounter) Close() error { *c.closed++; return nil }

// TestBodiesAreClosed, whatever is in them: a body left open keeps its
// connection for ever.
func TestBodiesAreClosed(t *testing.T) {
	for name, s := range map[string]scene{
		"good": goodScene, "refused": refusalScene(400, "DuplicateRequest"), "throttled": throttledScene,
		"502": answerScene(502, "<html>"), "unreadable": answerScene(200, "<html>"), "204": answerScene(204, ""),
		"redirect": answerScene(307, "", "Location", "/"), "breaks off": brokenScene(200, "<CaptureResponse>", errReset),
		"refusal breaks off": brokenScene(400, "<ErrorResponse>", errReset), "too large": answerScene(200, strings.Repeat(" ", 4<<20+1)),
	} {
		t.Run(name, func(t *testing.T) {
			var opened, closed int
			client := stageClient(t, &stage{scenes: []scene{func(r *http.Request, action string) (*http.Response, error) {
				opened++
				response, err := s(r, action)
				response.Body = closeCounter{response.Body, &closed}
				return response, err
			}}}, func(c *amazonpay.Config) { c.Backoff = amazonpay.Spacing(0) })
			_, _ = client.Capture(t.Context(), stageCapture)
			assert.Positive(t, opened)
			assert.GreaterOrEqual(t, closed, opened)
		})
	}
}

// TestResultIsOfOneAnswer: what an answer that cannot be used has left behind
// does not get into the result of the next one.
func TestResultIsOfOneAnswer(t *testing.T) {
	client := stageClient(t, &stage{scenes: []scene{
		answerScene(200, "<CaptureResponse><CaptureResult><CaptureDetails><SellerCaptureNote>stale</SellerCaptureNote><IdList><member>R1</member></IdList>"),
		answerScene(200, "<OtherResponse><CaptureResult><CaptureDetails><AmazonCaptureId>stale</AmazonCaptureId></CaptureDetails></CaptureResult></OtherResponse>"),
		goodScene,
	}}, func(c *amazonpay.Config) { c.Backoff = func(n int) (time.Duration, bool) { return 0, n < 5 } })
	got, err := client.Capture(t.Context(), stageCapture)
	require.NoError(t, err)
	assert.Equal(t, &amazonpay.Capture{AmazonCaptureID: "S01-1234567-1234567-C000001"}, got)
}

// xmlServer answers over real connections, with the reference id that it was
// asked about, and counts connections. fault, unless nil, may answer instead.
func xmlServer(t *testing.T, fault func(w http.ResponseWriter, p stagePost) bool) (server *httptest.Server, connections *atomic.Int32) {
	connections = new(atomic.Int32)
	server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := readStagePost(r, "")
		w.Header().Set("Content-Type", "text/xml")
		if fault == nil || !fault(w, p) {
			_, _ = fmt.Fprintf(w, `<CaptureResponse><CaptureResult><CaptureDetails><AmazonCaptureId>S01-1234567-1234567-C000001</AmazonCaptureId>`+
				`<CaptureReferenceId>%s</CaptureReferenceId><SellerCaptureNote>%s</SellerCaptureNote></CaptureDetails></CaptureResult></CaptureResponse>`,
				p.form.Get("CaptureReferenceId"), p.form.Get("SellerId"))
		}
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	return server, connections
}

// TestConnectionsAreKept: one caller needs one connection, whatever is answered.
func TestConnectionsAreKept(t *testing.T) {
	padding := strings.Repeat(" ", 70<<10)
	for _, test := range []struct {
		name  string
		fault func(w http.ResponseWriter, p stagePost) bool
	}{
		{"good", nil},
		{"refused", func(w http.ResponseWriter, _ stagePost) bool {
			w.WriteHeader(400)
			_, _ = io.WriteString(w, "<ErrorResponse><Error><Code>DuplicateRequest</Code></Error></ErrorResponse>")
			return true
		}},
		{"failed at length", func(w http.ResponseWriter, _ stagePost) bool {
			w.WriteHeader(502)
			_, _ = io.WriteString(w, "<html>"+padding+"</html>")
			return true
		}},
		{"unreadable at length", func(w http.ResponseWriter, _ stagePost) bool {
			_, _ = io.WriteString(w, "<html>"+padding+"</html>")
			return true
		}},
		{"redirected at length", func(w http.ResponseWriter, _ stagePost) bool {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(302)
			_, _ = io.WriteString(w, padding)
			return true
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			server, connections := xmlServer(t, test.fault)
			client := stageClient(t, nil, func(c *amazonpay.Config) {
				c.BaseURL, c.Backoff = server.URL, amazonpay.Spacing(0)
			})
			derived, err := client.OnBehalfOf("A2OTHERSELLER", "amzn.mws.00000000")
			require.NoError(t, err)
			for range 3 {
				for _, c := range []*amazonpay.Client{client, derived} {
					_, err := c.Capture(t.Context(), stageCapture)
					assert.Equal(t, test.fault == nil, err == nil)
				}
			}
			assert.EqualValues(t, 1, connections.Load())
		})
	}
}

// TestConnectionsOfManyCallers: each of many callers keeps its connection. Their
// first calls are answered once all have arrived, so that nobody is handed
// another's connection while his own is still being made.
func TestConnectionsOfManyCallers(t *testing.T) {
	const callers, calls = 32, 6
	var arrived atomic.Int32
	all := make(chan struct{})
	server, connections := xmlServer(t, func(http.ResponseWriter, stagePost) bool {
		if arrived.Add(1) == callers {
			close(all)
		}
		<-all
		return false
	})
	client := stageClient(t, nil, func(c *amazonpay.Config) { c.BaseURL = server.URL })
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for range calls {
				if _, err := client.Capture(t.Context(), stageCapture); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	assert.EqualValues(t, callers, connections.Load())
}

// TestNoGoroutineStaysBehind after calls of every kind.
func TestNoGoroutineStaysBehind(t *testing.T) {
	release := make(chan struct{})
	server, _ := xmlServer(t, func(w http.ResponseWriter, p stagePost) bool {
		switch p.form.Get("CaptureReferenceId") {
		case "hang":
			<-release
		case "unreadable":
			_, _ = io.WriteString(w, "<html>"+strings.Repeat(" ", 5<<20))
		default:
			return false
		}
		return true
	})
	before := runtime.NumGoroutine()
	transport := &http.Transport{}
	client := stageClient(t, transport, func(c *amazonpay.Config) { c.BaseURL, c.Backoff = server.URL, amazonpay.Spacing(time.Hour) })
	for range 5 {
		for _, id := range []amazonpay.ReferenceID{"good", "hang", "unreadable"} {
			req := stageCapture
			req.CaptureReferenceID = id
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			if id == "good" {
				ctx = t.Context()
			}
			_, err := client.Capture(ctx, req)
			cancel()
			assert.Equal(t, id == "good", err == nil, "%v", err)
		}
	}
	close(release)
	transport.CloseIdleConnections()
	assert.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+1 }, 2*time.Second, 5*time.Millisecond)
}

// TestManyGoroutines share a client and clients derived from it: every caller
// gets its own answer, and every request is signed for its own seller.
func TestManyGoroutines(t *testing.T) {
	var faults atomic.Int32
	server, _ := xmlServer(t, func(w http.ResponseWriter, p stagePost) bool {
		seller, token := p.form.Get("SellerId"), p.form.Get("MWSAuthToken")
		if p.form.Get("Signature") != p.signature(stageSecret) || (seller == stageSeller) != (token == "") || token != "" && token != "amzn.mws."+seller {
			faults.Add(1)
		}
		if strings.HasSuffix(p.form.Get("CaptureReferenceId"), "7") && p.form.Get("SellerCaptureNote") == "" {
			w.WriteHeader(400)
			_, _ = fmt.Fprintf(w, `<ErrorResponse><Error><Code>DuplicateRequest</Code><Message>%s</Message></Error></ErrorResponse>`, p.form.Get("CaptureReferenceId"))
			return true
		}
		return false
	})
	var records atomic.Int32
	var seen sync.Map
	client := stageClient(t, nil, func(c *amazonpay.Config) {
		c.BaseURL = server.URL
		c.Logger = slog.New(countHandler{&records})
		c.Middleware = []amazonpay.Middleware{func(ctx context.Context, op *amazonpay.Operation, next func(context.Context) error) error {
			_, again := seen.LoadOrStore(op, true)
			assert.False(t, again, "every call has its own operation")
			return next(ctx)
		}}
	})
	const callers, calls = 64, 3
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			c, seller := client, stageSeller
			if i%2 == 1 {
				seller = fmt.Sprintf("A2SELLER%02d", i)
				var err error
				if c, err = client.OnBehalfOf(seller, "amzn.mws."+seller); err != nil {
					t.Error(err)
					return
				}
			}
			for j := range calls {
				req := stageCapture
				req.CaptureReferenceID = amazonpay.ReferenceID(fmt.Sprintf("ref-%d-%d", j, i))
				got, err := c.Capture(t.Context(), req)
				if i%10 == 7 {
					if !errors.Is(err, amazonpay.ErrDuplicateRequest) || !strings.Contains(err.Error(), string(req.CaptureReferenceID)) {
						t.Errorf("%v is not the error of %s", err, req.CaptureReferenceID)
					}
				} else if err != nil || got.CaptureReferenceID != req.CaptureReferenceID || got.SellerCaptureNote != seller {
					t.Errorf("%v, %v is not the answer of %s", got, err, req.CaptureReferenceID)
				}
			}
		})
	}
	wg.Wait()
	assert.Zero(t, faults.Load())
	assert.EqualValues(t, callers*calls, records.Load())
}

type countHandler struct{ n *atomic.Int32 }

func (countHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h countHandler) Handle(context.Context, slog.Record) error { h.n.Add(1); return nil }

func (h countHandler) WithAttrs([]slog.Attr) slog.Handler { return h }

func (h countHandler) WithGroup(string) slog.Handler { return h }

// logLines makes a logger for every level and returns what it has written.
func logLines() (*slog.Logger, func(t *testing.T) (lines []map[string]any, text string)) {
	var buffer bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&buffer, &slog.HandlerOptions{Level: slog.Level(-100), AddSource: false}))
	return logger, func(t *testing.T) (lines []map[string]any, text string) {
		text = buffer.String()
		for line := range strings.Lines(text) {
			var record map[string]any
			require.NoError(t, json.Unmarshal([]byte(line), &record))
			lines = append(lines, record)
		}
		return lines, text
	}
}

// slowScene is a scene that takes its time.
func slowScene(wait time.Duration, s scene) scene {
	return func(r *http.Request, action string) (*http.Response, error) {
		time.Sleep(wait)
		return s(r, action)
	}
}

// TestOneRecordPerAttempt with all that support will ask for.
func TestOneRecordPerAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logger, written := logLines()
		client := stageClient(t, &stage{scenes: []scene{
			slowScene(time.Second, resetScene),
			slowScene(2*time.Second, throttledScene),
			slowScene(3*time.Second, answerScene(502, "<html>", "x-mws-request-id", "header-1")),
			slowScene(4*time.Second, answerScene(200, "<html>")),
			slowScene(5*time.Second, goodScene),
		}}, func(c *amazonpay.Config) { c.Logger = logger })
		_, err := client.Capture(t.Context(), stageCapture)
		require.NoError(t, err)
		lines, _ := written(t)
		require.Len(t, lines, 5)
		for i, want := range []map[string]any{
			{"status": 0.0, "code": "", "requestId": "", "level": "WARN"},
			{"status": 503.0, "code": "RequestThrottled", "requestId": "refusal-1", "level": "WARN"},
			{"status": 502.0, "code": "", "requestId": "header-1", "level": "WARN"},
			{"status": 200.0, "code": "", "requestId": "", "level": "WARN"},
			{"status": 200.0, "code": "", "requestId": "success-1", "level": "DEBUG"},
		} {
			want["action"], want["attempt"] = "Capture", float64(i+1)
			want["duration"] = float64(time.Duration(i+1) * time.Second)
			for key, value := range want {
				assert.Equal(t, value, lines[i][key], "%s of attempt %d", key, i+1)
			}
		}
	})
}

// TestLogHoldsNothingOfTheBody at any level, whether the call succeeds or not.
func TestLogHoldsNothingOfTheBody(t *testing.T) {
	const token = "Atza|IwEBIExampleToken"
	buyer := `<Buyer><Name>Jane Roe</Name><Email>jane.roe@example.com</Email><Phone>555-0100</Phone></Buyer>` +
		`<Destination><PhysicalDestination><AddressLine1>1 Main Street</AddressLine1><City>Springfield</City><PostalCode>99999</PostalCode></PhysicalDestination></Destination>`
	private := []string{token, "IwEBI", "Jane", "Roe", "jane.roe", "555-0100", "Main Street", "Springfield", "99999", "secret note",
		stageSecret, stageKey, "amzn.mws", "Signature", "AmazonOrderReferenceId="}
	for _, test := range []struct {
		name  string
		scene scene
	}{
		{"good", answerScene(200, "<{Action}Response><{Action}Result><OrderReferenceDetails><AmazonOrderReferenceId>S01-1234567-1234567</AmazonOrderReferenceId>"+
			buyer+"<CreationTimestamp>Jane Roe</CreationTimestamp><OrderTotal><Amount>jane.roe@example.com</Amount><CurrencyCode>USD</CurrencyCode></OrderTotal></OrderReferenceDetails></{Action}Result></{Action}Response>")},
		{"unreadable", answerScene(200, "<{Action}Response>"+buyer)},
		{"refused", answerScene(400, "<ErrorResponse><Error><Code>InvalidParameterValue</Code><Message>The token "+token+" of jane.roe@example.com, Jane Roe, 555-0100, is invalid.</Message></Error></ErrorResponse>")},
		{"HTML", answerScene(500, "<html>"+buyer+token+"</html>")},
		{"no answer", resetScene},
	} {
		t.Run(test.name, func(t *testing.T) {
			logger, written := logLines()
			client := stageClient(t, &stage{scenes: []scene{test.scene}}, func(c *amazonpay.Config) {
				c.Logger, c.Backoff = logger, amazonpay.Spacing()
			})
			client, err := client.OnBehalfOf("A2OTHERSELLER", "amzn.mws.0123-4567")
			require.NoError(t, err)
			_, _ = client.GetOrderReferenceDetails(t.Context(), amazonpay.GetOrderReferenceDetailsRequest{AmazonOrderReferenceID: "S01-1234567-1234567", AccessToken: token})
			_, _ = client.SetOrderReferenceDetails(t.Context(), amazonpay.SetOrderReferenceDetailsRequest{AmazonOrderReferenceID: "S01-1234567-1234567",
				OrderReferenceAttributes: amazonpay.OrderReferenceAttributes{OrderTotal: stageAmount, SellerNote: "secret note for Jane Roe"}})
			lines, text := written(t)
			assert.GreaterOrEqual(t, len(lines), 2)
			for _, p := range private {
				assert.NotContains(t, text, p)
			}
		})
	}
}

// TestUnreadableFieldsDoNotFailACall: money has moved; a date must not turn
// that into an error. The log names the fields.
func TestUnreadableFieldsDoNotFailACall(t *testing.T) {
	logger, written := logLines()
	client := stageClient(t, &stage{scenes: []scene{answerScene(200, `<CaptureResponse><CaptureResult><CaptureDetails>
		<AmazonCaptureId>S01-1234567-1234567-C000001</AmazonCaptureId>
		<CaptureAmount><Amount>twenty</Amount><CurrencyCode>USD</CurrencyCode></CaptureAmount>
		<CaptureFee><Amount>0.50</Amount><CurrencyCode>XXX</CurrencyCode></CaptureFee>
		<CreationTimestamp>yesterday</CreationTimestamp>
		<CaptureStatus><State>Completed</State><LastUpdateTimestamp>soon</LastUpdateTimestamp></CaptureStatus>
		</CaptureDetails></CaptureResult><ResponseMetadata><RequestId>success-1</RequestId></ResponseMetadata></CaptureResponse>`)}},
		func(c *amazonpay.Config) { c.Logger = logger })
	got, err := client.Capture(t.Context(), stageCapture)
	require.NoError(t, err)
	assert.Equal(t, &amazonpay.Capture{AmazonCaptureID: "S01-1234567-1234567-C000001", CaptureStatus: amazonpay.Status{State: amazonpay.StateCompleted}}, got)
	lines, text := written(t)
	require.Len(t, lines, 5)
	for i, want := range [][2]string{
		{"CaptureAmount", "price"}, {"CaptureFee", "price"}, {"CreationTimestamp", "time"}, {"LastUpdateTimestamp", "time"},
	} {
		line := lines[i+1]
		assert.Equal(t, "WARN", line["level"])
		assert.Equal(t, "Capture", line["action"])
		assert.Equal(t, "success-1", line["requestId"])
		assert.Equal(t, want[1], line["kind"])
		assert.True(t, strings.HasSuffix(fmt.Sprint(line["field"]), want[0]), "%v is not %s", line["field"], want[0])
	}
	for _, value := range []string{"twenty", "XXX", "yesterday", "soon"} {
		assert.NotContains(t, text, value)
	}
}

// TestLoggerMayBeAbsent: silence is the default.
func TestLoggerMayBeAbsent(t *testing.T) {
	var buffer bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&buffer, &slog.HandlerOptions{Level: slog.Level(-100)})))
	defer slog.SetDefault(before)
	client := stageClient(t, &stage{scenes: []scene{internalScene}}, func(c *amazonpay.Config) { c.Backoff = amazonpay.Spacing() })
	_, err := client.Capture(t.Context(), stageCapture)
	require.Error(t, err)
	assert.Empty(t, buffer.String())
}
