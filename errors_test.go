package amazonpay_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
)

// once is a client on the stage that does not repeat.
func once(t testing.TB, s scene, edit ...func(*amazonpay.Config)) *amazonpay.Client {
	return stageClient(t, &stage{scenes: []scene{s}}, append(edit, func(c *amazonpay.Config) { c.Backoff = amazonpay.Spacing() })...)
}

// failedCapture is the *Error of a capture that meets s.
func failedCapture(t testing.TB, s scene) *amazonpay.Error {
	t.Helper()
	got, err := once(t, s).Capture(t.Context(), stageCapture)
	require.Error(t, err)
	assert.Nil(t, got)
	failure, ok := errors.AsType[*amazonpay.Error](err)
	require.True(t, ok, "%v", err)
	return failure
}

// TestErrorDocuments in all the forms that occur.
func TestErrorDocuments(t *testing.T) {
	const schema = `xmlns="http://mws.amazonservices.com/schema/OffAmazonPayments/2013-01-01"`
	full := &amazonpay.Error{Type: "Sender", Code: "OrderReferenceNotModifiable", Message: "Not in Draft.", RequestID: "6d4699b8-1"}
	for _, test := range []struct {
		name, body string
		header     []string
		want       *amazonpay.Error
	}{
		{"as documented", `<?xml version="1.0"?><ErrorResponse ` + schema + `><Error><Type>Sender</Type><Code>OrderReferenceNotModifiable</Code><Message>Not in Draft.</Message></Error><RequestId>6d4699b8-1</RequestId></ErrorResponse>`, nil, full},
		{"RequestID", `<ErrorResponse ` + schema + `><Error><Type>Sender</Type><Code>OrderReferenceNotModifiable</Code><Message>Not in Draft.</Message></Error><RequestID>6d4699b8-1</RequestID></ErrorResponse>`, nil, full},
		{"other namespace", `<ErrorResponse xmlns="http://mws.amazonservices.com/doc/2009-01-01/"><Error><Type>Sender</Type><Code>OrderReferenceNotModifiable</Code><Message>Not in Draft.</Message></Error><RequestID>6d4699b8-1</RequestID></ErrorResponse>`, nil, full},
		{"no namespace", `<ErrorResponse><Error><Type>Sender</Type><Code>OrderReferenceNotModifiable</Code><Message>Not in Draft.</Message></Error><RequestId>6d4699b8-1</RequestId></ErrorResponse>`, nil, full},
		{"namespace prefix", `<m:ErrorResponse xmlns:m="urn:m"><m:Error><m:Type>Sender</m:Type><m:Code>OrderReferenceNotModifiable</m:Code><m:Message>Not in Draft.</m:Message></m:Error><m:RequestId>6d4699b8-1</m:RequestId></m:ErrorResponse>`, nil, full},
		{"request id before the error", `<ErrorResponse><RequestId>6d4699b8-1</RequestId><Error><Type>Sender</Type><Code>OrderReferenceNotModifiable</Code><Message>Not in Draft.</Message></Error></ErrorResponse>`, nil, full},
		{"other order and white space", "\ufeff\n<ErrorResponse>\n <Error>\n  <Message>\n Not in Draft. </Message><Code> OrderReferenceNotModifiable\n</Code><Type>\tSender</Type>\n </Error>\n <RequestId> 6d4699b8-1 </RequestId></ErrorResponse>\n", nil, full},
		{"CDATA and entities", `<ErrorResponse><Error><Type>Sender</Type><Code>OrderReferenceNotModifiable</Code><Message><![CDATA[Not in ]]>Dra&#102;t.</Message></Error><RequestId>6d4699b8-1</RequestId></ErrorResponse>`, nil, full},
		{"request id in the header only", `<ErrorResponse><Error><Type>Sender</Type><Code>OrderReferenceNotModifiable</Code><Message>Not in Draft.</Message></Error></ErrorResponse>`, []string{"x-mws-request-id", "6d4699b8-1"}, full},
		{"request id in both", `<ErrorResponse><Error><Type>Sender</Type><Code>OrderReferenceNotModifiable</Code><Message>Not in Draft.</Message></Error><RequestId>6d4699b8-1</RequestId></ErrorResponse>`, []string{"x-mws-request-id", "other"}, full},
		{"detail of any kind", `<ErrorResponse><Error><Type>Sender</Type><Code>OrderReferenceNotModifiable</Code><Message>Not in Draft.</Message><Detail><Code>Inner</Code><Message>inner</Message><RequestId>inner</RequestId><Error><Code>Deep</Code></Error>text &amp; text<br/></Detail></Error><RequestId>6d4699b8-1</RequestId></ErrorResponse>`, nil, full},
		{"detail first", `<ErrorResponse><Error><Detail><Code>Inner</Code></Detail><Type>Sender</Type><Code>OrderReferenceNotModifiable</Code><Message>Not in Draft.</Message></Error><RequestId>6d4699b8-1</RequestId></ErrorResponse>`, nil, full},
		{"empty type", `<ErrorResponse><Error><Type/><Code>RequestThrottled</Code><Message>Rate exceeded</Message></Error><RequestID>t-1</RequestID></ErrorResponse>`, nil,
			&amazonpay.Error{Code: "RequestThrottled", Message: "Rate exceeded", RequestID: "t-1"}},
		{"no type", `<ErrorResponse><Error><Code>AccessDenied</Code><Message>Denied</Message></Error></ErrorResponse>`, nil,
			&amazonpay.Error{Code: "AccessDenied", Message: "Denied"}},
		{"code only", `<ErrorResponse><Error><Code>Novelty</Code></Error></ErrorResponse>`, nil, &amazonpay.Error{Code: "Novelty"}},
		{"nothing", `<ErrorResponse/>`, nil, &amazonpay.Error{}},
		{"text that is not UTF-8", "<ErrorResponse><Error><Code>Novelty</Code><Message>Stra\xdfe</Message></Error></ErrorResponse>", nil, &amazonpay.Error{Code: "Novelty", Message: "Stra\ufffde"}},
		{"HTML", `<html><head><title>403</title></head><body>Forbidden<br></body></html>`, nil, &amazonpay.Error{}},
		{"well-formed HTML with an error in it", `<html><Error><Code>RequestThrottled</Code></Error></html>`, nil, &amazonpay.Error{}},
		{"JSON", `{"reasonCode":"InvalidParameterValue"}`, nil, &amazonpay.Error{}},
		{"text with a header", "Forbidden", []string{"x-mws-request-id", "h-1"}, &amazonpay.Error{RequestID: "h-1"}},
		{"empty", "", nil, &amazonpay.Error{}},
		{"truncated", `<ErrorResponse><RequestId>6d4699b8-1</RequestId><Error><Code>Dupl`, nil, &amazonpay.Error{RequestID: "6d4699b8-1"}},
		{"bytes", "\x00\x01\x02\xff", nil, &amazonpay.Error{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := failedCapture(t, answerScene(400, test.body, test.header...))
			want := *test.want
			want.Action, want.StatusCode, want.Attempts, want.Hint = "Capture", 400, 1, got.Hint
			assert.Equal(t, &want, got)
			assert.Equal(t, want.Code != "", errors.Is(got, want.Code))
			assert.NotErrorIs(t, got, amazonpay.ErrorCode(""))
			assert.NotErrorIs(t, got, amazonpay.ErrorCode("Inner"))
		})
	}
}

// TestSeveralErrors: the schema allows several Error elements. The first is
// told, and nothing of the others is mixed into it.
func TestSeveralErrors(t *testing.T) {
	for _, test := range []struct{ name, errors, want string }{
		{"both complete", `<Error><Type>Sender</Type><Code>A</Code><Message>first</Message></Error><Error><Type>Receiver</Type><Code>B</Code><Message>second</Message></Error>`, "Sender A first"},
		{"the second without message", `<Error><Type>Sender</Type><Code>A</Code><Message>first</Message></Error><Error><Type>Receiver</Type><Code>B</Code></Error>`, "Sender A first"},
		{"the first without message", `<Error><Type>Sender</Type><Code>A</Code></Error><Error><Type>Receiver</Type><Code>B</Code><Message>second</Message></Error>`, "Sender A "},
		{"apart", `<Error><Code>A</Code></Error><Other/><Error><Type>Receiver</Type></Error>`, " A "},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := failedCapture(t, answerScene(400, "<ErrorResponse>"+test.errors+"<RequestId>r</RequestId></ErrorResponse>"))
			assert.Equal(t, test.want, fmt.Sprintf("%s %s %s", got.Type, got.Code, got.Message))
			assert.Equal(t, "r", got.RequestID)
		})
	}
}

// TestErrorText has one form.
func TestErrorText(t *testing.T) {
	refusal := func(code, message, id string) string {
		return "<ErrorResponse><Error><Code>" + code + "</Code><Message>" + message + "</Message></Error><RequestId>" + id + "</RequestId></ErrorResponse>"
	}
	for _, test := range []struct {
		name  string
		scene scene
		want  string
	}{
		{"complete", answerScene(400, refusal("CaptureNotRefundable", "The capture is not Completed", "9547-1")), "amazonpay: Capture: The capture is not Completed (400 CaptureNotRefundable, request 9547-1)"},
		{"full stop", answerScene(400, refusal("CaptureNotRefundable", "The capture is not Completed.", "9547-1")), "amazonpay: Capture: The capture is not Completed (400 CaptureNotRefundable, request 9547-1)"},
		{"no message", answerScene(400, refusal("CaptureNotRefundable", "", "9547-1")), "amazonpay: Capture (400 CaptureNotRefundable, request 9547-1)"},
		{"no request id", answerScene(400, refusal("CaptureNotRefundable", "No", "")), "amazonpay: Capture: No (400 CaptureNotRefundable)"},
		{"no code", answerScene(403, "Forbidden"), "amazonpay: Capture: the outcome of invoice-2026-11-0042 is unknown: the answer is not Amazon's (status 403)"},
		{"redirect", answerScene(302, "", "Location", "/"), "amazonpay: Capture: the outcome of invoice-2026-11-0042 is unknown: the server answered with a redirect, which is never followed (status 302)"},
		{"dial error", failingScene(errDial), "amazonpay: Capture: dial tcp: connect: connection refused"},
		{"unknown, no answer", failingScene(errReset), "amazonpay: Capture: the outcome of invoice-2026-11-0042 is unknown: read tcp: read: connection reset by peer"},
		{"unknown, 500", answerScene(500, refusal("InternalServerError", "Try again.", "r")), "amazonpay: Capture: the outcome of invoice-2026-11-0042 is unknown: Try again (500 InternalServerError, request r)"},
		{"unknown, unreadable", answerScene(200, "hello"), "amazonpay: Capture: the outcome of invoice-2026-11-0042 is unknown: the answer cannot be read: not xml (status 200)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := once(t, test.scene).Capture(t.Context(), stageCapture)
			assert.EqualError(t, err, test.want)
		})
	}
	t.Run("unknown, without text", func(t *testing.T) {
		_, err := once(t, answerScene(502, "<html>")).Capture(t.Context(), stageCapture)
		require.Error(t, err)
		assert.Equal(t, 1, strings.Count(err.Error(), "amazonpay"), "%v", err)
		assert.Equal(t, 1, strings.Count(err.Error(), "Capture"), "%v", err)
		assert.Contains(t, err.Error(), "status 502")
	})
	t.Run("unknown, without a reference id", func(t *testing.T) {
		_, err := createForIDOperation.call(t.Context(), once(t, failingScene(errReset)))
		assert.EqualError(t, err, "amazonpay: CreateOrderReferenceForId: the outcome is unknown: read tcp: read: connection reset by peer")
	})
	t.Run("attempts", func(t *testing.T) {
		client := stageClient(t, &stage{scenes: []scene{throttledScene}}, func(c *amazonpay.Config) {
			c.Backoff = amazonpay.Spacing(0, 0)
		})
		_, err := client.Capture(t.Context(), stageCapture)
		assert.EqualError(t, err, "amazonpay: Capture: The request was refused (503 RequestThrottled, request refusal-1, 3 attempts)")
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := once(t, goodScene).Capture(ctx, stageCapture)
		assert.EqualError(t, err, "amazonpay: Capture: context canceled")
	})
}

// TestMessageIsFitForALog: one line, of bounded length, whatever was answered.
func TestMessageIsFitForALog(t *testing.T) {
	for _, test := range []struct{ name, message string }{
		{"line breaks", "first\nsecond\r\nthird\u2028fourth"},
		{"escape sequences", "red &#x9;\u0085\u009b31m"},
		{"very long", strings.Repeat("日本語", 2_000)},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := failedCapture(t, answerScene(400, "<ErrorResponse><Error><Code>Novelty</Code><Message>"+test.message+"</Message></Error></ErrorResponse>"))
			assert.NotEmpty(t, got.Message)
			assert.LessOrEqual(t, utf8.RuneCountInString(got.Message), 1001)
			assert.True(t, utf8.ValidString(got.Message))
			assert.False(t, strings.ContainsFunc(got.Error(), func(r rune) bool { return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Cf) }), "%q", got.Error())
		})
	}
}

// TestErrorsHoldNothingPrivate: Amazon's messages quote requests, and error
// texts go to logs.
func TestErrorsHoldNothingPrivate(t *testing.T) {
	const (
		access  = "Atza|IwEBIA-Example_Token~+/="
		consent = "opaque/token+of=another|form"
		mws     = "amzn.mws.4ea38b7b-f563-7709-4bae-87aeaEXAMPLE"
		other   = "opaque+token=of-a-delegate"
		email   = "jane.roe+shop@mail.example.com"
	)
	escape := func(s string) string {
		return strings.NewReplacer("|", "%7C", "+", "%2B", "/", "%2F", "=", "%3D", " ", "%20", "@", "%40").Replace(s)
	}
	canonical := "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.\n\n" +
		"The Canonical String for this request should have been\n'POST\nmws.amazonservices.com\n/OffAmazonPayments_Sandbox/2013-01-01\n" +
		"AWSAccessKeyId=" + stageKey + "&amp;AccessToken=" + escape(access) + "&amp;SellerNote=" + escape("for "+email) + "'\n\nThe String-to-Sign should have been\n'AccessToken=" + escape(access) + "'"
	for _, test := range []struct{ name, message string }{
		{"canonical string", canonical},
		{"canonical string in other letters", strings.ToUpper("the canonical string for this request") + " IS " + escape(access) + " " + email + " " + stageKey},
		{"access token", "The AccessToken " + access + " is invalid"},
		{"access token in quotes", "The AccessToken '" + access + "' is invalid"},
		{"access token escaped", "The AccessToken " + escape(access) + " is invalid"},
		{"access token escaped in small letters", "The AccessToken " + strings.ToLower("Atza%7c") + "IwEBIA-Example is invalid"},
		{"refresh token", "The token Atzr|IwEBIA-Example is invalid"},
		{"authorization code token", "The token Atna|IwEBIA-Example is invalid"},
		{"consent token", "The AddressConsentToken " + consent + " is invalid"},
		{"consent token escaped", "The AddressConsentToken " + escape(consent) + " is invalid"},
		{"MWSAuthToken", "The token " + mws + " is not authorized"},
		{"MWSAuthToken in capitals", "The token " + strings.ToUpper(mws) + " is not authorized"},
		{"MWSAuthToken of another form", "The token " + other + " is not authorized"},
		{"MWSAuthToken of another form escaped", "The token " + escape(other) + " is not authorized"},
		{"e-mail address", "The buyer " + email + " is blocked"},
		{"e-mail address in brackets", "The buyer &lt;" + email + "&gt; (" + email + ") is blocked"},
		{"e-mail address in a parameter", "SellerNote=" + email + "&amp;x=1"},
		{"e-mail address escaped", "The buyer " + escape(email) + " is blocked"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := answerScene(403, "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>"+test.message+"</Message></Error></ErrorResponse>")
			for _, token := range []amazonpay.GetOrderReferenceDetailsRequest{
				{AmazonOrderReferenceID: "S01-1234567-1234567", AccessToken: access},
				{AmazonOrderReferenceID: "S01-1234567-1234567", AddressConsentToken: consent},
			} {
				logger, written := logLines()
				client := once(t, s, func(c *amazonpay.Config) { c.Logger = logger })
				client, err := client.OnBehalfOf("A2OTHERSELLER", mws)
				require.NoError(t, err)
				if strings.Contains(test.name, "another form") {
					client, err = client.OnBehalfOf("A2OTHERSELLER", other)
					require.NoError(t, err)
				}
				if strings.HasPrefix(test.name, "consent") && token.AddressConsentToken == "" {
					continue // no client can know a token that is not its own
				}
				_, err = client.GetOrderReferenceDetails(t.Context(), token)
				failure, ok := errors.AsType[*amazonpay.Error](err)
				require.True(t, ok)
				_, log := written(t)
				for _, text := range []string{err.Error(), failure.Message, failure.Hint, log, fmt.Sprintf("%+v", *failure)} {
					for _, private := range []string{"IwEBIA", "opaque", "4ea38b7b", "4EA38B7B", "EXAMPLE", "jane", "JANE", "roe", "mail.example", stageKey, stageSecret} {
						assert.NotContains(t, text, private)
					}
				}
			}
		})
	}
	t.Run("what may stay", func(t *testing.T) {
		got := failedCapture(t, answerScene(400, "<ErrorResponse><Error><Code>X</Code><Message>The TransactionId S01-1234567-1234567-A000001 is invalid: 24.90 USD.</Message></Error></ErrorResponse>"))
		assert.Equal(t, "The TransactionId S01-1234567-1234567-A000001 is invalid: 24.90 USD.", got.Message)
	})
}

// TestInvalidRequestSendsNothing and names every fault, never a value.
func TestInvalidRequestSendsNothing(t *testing.T) {
	on := &stage{scenes: []scene{goodScene}}
	called := false
	client := stageClient(t, on, func(c *amazonpay.Config) {
		c.Middleware = []amazonpay.Middleware{func(ctx context.Context, _ *amazonpay.Operation, next func(context.Context) error) error {
			called = true
			return next(ctx)
		}}
	})
	req := amazonpay.CaptureRequest{CaptureReferenceID: "not a reference id", CaptureAmount: amazonpay.MustPrice("-1.00", amazonpay.CurrencyUSD), SoftDescriptor: "longer than sixteen"}
	got, err := client.Capture(t.Context(), req)
	assert.Nil(t, got)
	invalid, ok := errors.AsType[*amazonpay.InvalidError](fmt.Errorf("wrapped: %w", err))
	require.True(t, ok, "%v", err)
	assert.Equal(t, "Capture", invalid.Subject)
	var fields []string
	for _, f := range invalid.Faults {
		fields = append(fields, f.Field)
	}
	assert.Equal(t, []string{"AmazonAuthorizationID", "CaptureReferenceID", "CaptureAmount", "SoftDescriptor"}, fields)
	assert.True(t, strings.HasPrefix(err.Error(), "amazonpay: Capture: AmazonAuthorizationID is required; CaptureReferenceID "), "%v", err)
	assert.NotContains(t, err.Error(), "not a reference id")
	assert.NotContains(t, err.Error(), "sixteen")
	_, isUnknown := errors.AsType[*amazonpay.OutcomeUnknownError](err)
	assert.False(t, isUnknown)
	assert.Empty(t, on.all())
	assert.False(t, called)
}

// TestErrorChain: what an error answers to, also far up in a merchant's code.
func TestErrorChain(t *testing.T) {
	_, err := once(t, refusalScene(400, "DuplicateRequest")).Capture(t.Context(), stageCapture)
	for _, err := range []error{err, fmt.Errorf("a: %w", fmt.Errorf("b: %w", err)), errors.Join(errors.New("other"), err)} {
		assert.ErrorIs(t, err, amazonpay.ErrDuplicateRequest)
		assert.ErrorIs(t, err, amazonpay.ErrorCode("DuplicateRequest"))
		assert.NotErrorIs(t, err, amazonpay.ErrDuplicateReferenceID)
		assert.NotErrorIs(t, err, amazonpay.ErrorCode(""))
		failure, ok := errors.AsType[*amazonpay.Error](err)
		require.True(t, ok)
		switch failure.Code {
		case amazonpay.ErrDuplicateRequest:
		default:
			t.Errorf("a switch does not find %q", failure.Code)
		}
		assert.NoError(t, failure.Unwrap(), "there is nothing beneath an answer")
		code, ok := errors.AsType[amazonpay.ErrorCode](err)
		assert.True(t, ok)
		assert.Equal(t, amazonpay.ErrDuplicateRequest, code)
	}
	assert.NotErrorIs(t, &amazonpay.Error{Action: "Capture"}, amazonpay.ErrorCode(""))
	_, ok := errors.AsType[amazonpay.ErrorCode](&amazonpay.Error{Action: "Capture"})
	assert.False(t, ok, "no code is no error")
}
