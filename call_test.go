package amazonpay_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
)

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
	{name: "429 of a proxy", scenes: []scene{answerScene(429, "slow down")}, fate: fateUnknown, requests: 5, status: 429},
	{name: "400", scenes: []scene{refusalScene(400, "DuplicateReferenceId")}, fate: fateRefused, requests: 1, status: 400, is: []error{amazonpay.ErrDuplicateReferenceID}},
	{name: "400 DuplicateRequest at first", scenes: []scene{refusalScene(400, "DuplicateRequest")}, fate: fateRefused, requests: 1, status: 400, is: []error{amazonpay.ErrDuplicateRequest}},
	{name: "403 in HTML", scenes: []scene{answerScene(403, "<html>Forbidden</html>")}, fate: fateUnknown, requests: 1, status: 403},
	{name: "404 that breaks off", scenes: []scene{brokenScene(404, "<ErrorResponse><Err", errReset)}, fate: fateUnknown, requests: 1, status: 404, is: []error{syscall.ECONNRESET}},
	{name: "405", scenes: []scene{refusalScene(405, "InvalidAuthorizationStatus")}, fate: fateRefused, requests: 1, status: 405, is: []error{amazonpay.ErrInvalidAuthorizationStatus}},
	{name: "301", scenes: []scene{answerScene(301, "", "Location", "https://elsewhere.example/")}, fate: fateUnknown, requests: 1, status: 301},
	{name: "302", scenes: []scene{answerScene(302, "", "Location", "https://elsewhere.example/")}, fate: fateUnknown, requests: 1, status: 302},
	{name: "303", scenes: []scene{answerScene(303, "", "Location", "https://elsewhere.example/")}, fate: fateUnknown, requests: 1, status: 303},
	{name: "307", scenes: []scene{answerScene(307, "", "Location", "https://elsewhere.example/")}, fate: fateUnknown, requests: 1, status: 307},
	{name: "308", scenes: []scene{answerScene(308, "", "Location", "/OffAmazonPayments/2013-01-01")}, fate: fateUnknown, requests: 1, status: 308},
	{name: "307 to nowhere", scenes: []scene{answerScene(307, "")}, fate: fateUnknown, requests: 1, status: 307},

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
		{name: "429 of a proxy", scenes: []scene{answerScene(429, ""), goodScene}, fate: fateUnknown, requests: 1, status: 429},
		{name: "400", scenes: []scene{refusalScene(400, "InvalidParameterValue"), goodScene}, fate: fateRefused, requests: 1, status: 400, is: []error{amazonpay.ErrInvalidParameterValue}},
		{name: "redirect", scenes: []scene{answerScene(307, "", "Location", "https://elsewhere.example/"), goodScene}, fate: fateUnknown, requests: 1, status: 307},
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
