package amazonpay_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

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
// posted.
func (p stagePost) signature(secret string) string {
	for name, values := range p.form {
		if len(values) != 1 {
			return "repeated: " + name
		}
	}
	return hmacSHA256(secret, canonicalise(p))
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

// slowScene is a scene that takes its time.
func slowScene(wait time.Duration, s scene) scene {
	return func(r *http.Request, action string) (*http.Response, error) {
		time.Sleep(wait)
		return s(r, action)
	}
}

// An exchange is a transport that answers each request by its parameters, and
// keeps what was posted.
type exchange struct {
	answer func(form url.Values) (status int, body string)

	mu   sync.Mutex
	sent []stagePost
}

func (x *exchange) RoundTrip(r *http.Request) (*http.Response, error) {
	p := readStagePost(r, r.URL.Host)
	x.mu.Lock()
	x.sent = append(x.sent, p)
	x.mu.Unlock()
	return answerScene(x.answer(p.form))(r, p.form.Get("Action"))
}

// actions are those posted so far, in order.
func (x *exchange) actions() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	actions := []string{}
	for _, s := range x.sent {
		actions = append(actions, s.form.Get("Action"))
	}
	return actions
}

// client is one that talks to the exchange and never repeats.
func (x *exchange) client(t testing.TB, edit ...func(*amazonpay.Config)) *amazonpay.Client {
	t.Helper()
	config := amazonpay.Config{
		SellerID: "A2SELLEREXAMPLE", AccessKey: "AKIAIOSFODNN7EXAMPLE", SecretKey: amazonpay.NewSecretKey("secret"),
		Region: amazonpay.RegionEU, Environment: amazonpay.Sandbox,
		HTTPClient: &http.Client{Transport: x}, Backoff: amazonpay.Spacing(), Limiter: amazonpay.NoLimit,
	}
	for _, e := range edit {
		e(&config)
	}
	client, err := amazonpay.New(config)
	require.NoError(t, err)
	return client
}

// inRegion makes a client one of another region.
func inRegion(region amazonpay.Region) func(*amazonpay.Config) {
	return func(c *amazonpay.Config) { c.Region = region }
}

// goldenAnswers answers every action with its response golden.
func goldenAnswers(form url.Values) (int, string) {
	body, err := os.ReadFile(filepath.Join("testdata", form.Get("Action")+".response.xml"))
	if err != nil {
		return http.StatusNotFound, err.Error()
	}
	return http.StatusOK, string(body)
}
