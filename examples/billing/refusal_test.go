package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// gate refuses what passes it, while it is shut.
type gate struct {
	http.RoundTripper
	action string // which it refuses; empty is any
	status int    // 0 lets all pass
	body   string
	calls  atomic.Int32 // how many requests there were
	lists  atomic.Int32 // how often Amazon's books were searched
}

func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	g.calls.Add(1)
	if form.Get("Action") == "ListOrderReference" {
		g.lists.Add(1)
	}
	if g.status == 0 || g.action != "" && form.Get("Action") != g.action {
		return g.RoundTripper.RoundTrip(r)
	}
	return &http.Response{StatusCode: g.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(g.body)), Request: r}, nil
}

func refusalOf(code amazonpay.ErrorCode) string {
	return fmt.Sprintf("<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>no</Message></Error><RequestId>r1</RequestId></ErrorResponse>", code)
}

// gated is a service that does not run, with one obligation that is due, whose
// way to Amazon leads through a gate. What it logs at ERROR is in the buffer.
func gated(t *testing.T) (*service, *world, *gate, *bytes.Buffer, amazonpay.BillingAgreementID) {
	s, w := desk(t, sqlitePlace(t), quick())
	config := w.config(1)
	config.Limiter = amazonpay.NoLimit
	config.Backoff = amazonpay.Spacing()
	g := &gate{RoundTripper: w.fake}
	config.HTTPClient = &http.Client{Transport: g}
	var err error
	s.client, err = amazonpay.New(config)
	require.NoError(t, err)
	log := new(bytes.Buffer)
	s.log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelError}))
	agreement := w.fake.OpenBillingAgreement()
	_, err = enroll(t.Context(), s.db, subs(w.calendar.business, agreement.ID()))
	require.NoError(t, err)
	s.calendar.horizon = w.calendar.business
	_, err = s.plan(t.Context())
	require.NoError(t, err)
	return s, w, g, log, agreement.ID()
}

func entryOf(t *testing.T, s *service, id int) (e *entry) {
	require.NoError(t, s.db.within(t.Context(), func(x tx) (err error) {
		e, err = s.load(t.Context(), x, "id", id)
		return err
	}))
	require.NotNil(t, e)
	return e
}

func obligationOf(t *testing.T, s *service, id int64) (state obligationState) {
	require.NoError(t, s.db.within(t.Context(), func(x tx) (err error) {
		state, _, err = s.obligation(t.Context(), x, id)
		return err
	}))
	return state
}

// fate is what a refusal makes of an attempt and its obligation.
type fate struct {
	attempt    standing
	obligation obligationState
	conflict   bool
	held       bool
}

var (
	again    = fate{attempt: intent, obligation: obligationOpen}
	held     = fate{attempt: intent, obligation: obligationOpen, held: true}
	buyer    = fate{attempt: refused, obligation: obligationWaiting}
	givenUp  = fate{attempt: refused, obligation: obligationFailed}
	mystery  = fate{attempt: unknown, obligation: obligationOpen, conflict: true}
	noAnswer = fate{attempt: unknown, obligation: obligationOpen}
)

// fates is every error code with a 4xx, or with the status that is Amazon's.
var fates = map[amazonpay.ErrorCode]fate{
	amazonpay.ErrAccessDenied: held, amazonpay.ErrInvalidAccessKeyID: held, amazonpay.ErrInvalidClientTokenID: held,
	amazonpay.ErrMissingAuthenticationToken: held, amazonpay.ErrSignatureDoesNotMatch: held, amazonpay.ErrRequestExpired: held,
	amazonpay.ErrInvalidAccountStatus: held, amazonpay.ErrProviderNotAuthorized: held, amazonpay.ErrUnauthorizedAccess: held,
	amazonpay.ErrUnauthorizedSolutionProvider: held, amazonpay.ErrCurrencyUnsupported: held, amazonpay.ErrQuotaExceeded: held,
	amazonpay.ErrAmbiguousToken: held, amazonpay.ErrInvalidAddress: held, amazonpay.ErrInvalidAddressConsentToken: held,
	amazonpay.ErrInvalidBillingAgreementType: held, amazonpay.ErrInvalidParameterValue: held, amazonpay.ErrInvalidSandboxSimulationSpecified: held,
	amazonpay.ErrInvalidOrderReferenceID: held, amazonpay.ErrInvalidTransactionID: held, "SomethingNew": held,

	amazonpay.ErrInvalidBillingAgreementStatus: buyer, amazonpay.ErrBillingAgreementConstraintsExist: buyer, amazonpay.ErrConstraintsExist: buyer,
	amazonpay.ErrPaymentMethodNotUpdated: buyer, amazonpay.ErrInvalidOrderReferenceStatus: buyer,
	amazonpay.ErrPeriodicAmountExceeded: again,

	amazonpay.ErrInvalidBillingAgreementID: givenUp, amazonpay.ErrTransactionAmountExceeded: givenUp, amazonpay.ErrCurrencyMismatch: givenUp,
	amazonpay.ErrInvalidAuthorizationAmount: givenUp, amazonpay.ErrInvalidSubscriptionAmount: givenUp, amazonpay.ErrTransactionCountExceeded: givenUp,

	amazonpay.ErrDuplicateRequest: mystery, amazonpay.ErrDuplicateReferenceID: mystery, amazonpay.ErrCaptureNotRefundable: mystery,
	amazonpay.ErrInvalidAuthorizationStatus: mystery, amazonpay.ErrInvalidCancelAttempt: mystery, amazonpay.ErrInvalidCloseAttempt: mystery,
	amazonpay.ErrBillingAgreementNotModifiable: mystery, amazonpay.ErrOrderReferenceNotModifiable: mystery, amazonpay.ErrOrderReferenceCountExceeded: mystery,

	amazonpay.ErrRequestThrottled: again, amazonpay.ErrInputStreamDisconnected: again,
	amazonpay.ErrInternalError: noAnswer, amazonpay.ErrInternalServerError: noAnswer, amazonpay.ErrServiceUnavailable: noAnswer,
}

func statusOf(code amazonpay.ErrorCode) int {
	switch code {
	case amazonpay.ErrInternalError, amazonpay.ErrInternalServerError:
		return 500
	case amazonpay.ErrServiceUnavailable, amazonpay.ErrRequestThrottled:
		return 503
	case amazonpay.ErrSignatureDoesNotMatch, amazonpay.ErrInvalidAccessKeyID:
		return 403
	}
	return 400
}

// TestRefusals has Amazon refuse a charge with every code there is.
func TestRefusals(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../../errors.go")
	require.NoError(t, err)
	for _, found := range regexp.MustCompile(`ErrorCode = "(\w+)"`).FindAllSubmatch(source, -1) {
		assert.Contains(t, fates, amazonpay.ErrorCode(found[1]), "the fate of a code that is new")
	}
	for code, want := range fates {
		t.Run(string(code), func(t *testing.T) {
			t.Parallel()
			s, w, g, log, _ := gated(t)
			g.action, g.status, g.body = "AuthorizeOnBillingAgreement", statusOf(code), refusalOf(code)
			assertFate(t, s, g, log, want)
			advice := amazonpay.AdviceFor(code)
			assert.Equal(t, want == buyer, advice.Buyer, "as the SDK advises")
			if searched(amazonpay.Reason(code)) {
				assert.EqualValues(t, 1, g.lists.Load(), "Charge has searched Amazon's books before it says so")
			}
			assert.Empty(t, w.fake.Ledger())
		})
	}
}

// TestProxies has something on the way answer in Amazon's place.
func TestProxies(t *testing.T) {
	t.Parallel()
	for _, status := range []int{307, 400, 401, 403, 404, 407, 408, 413, 429} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			s, _, g, log, _ := gated(t)
			g.status, g.body = status, "<html><body>no</body></html>"
			assertFate(t, s, g, log, fate{attempt: unknown, obligation: obligationOpen, held: true})
		})
	}
}

func assertFate(t *testing.T, s *service, g *gate, log *bytes.Buffer, want fate) {
	t.Helper()
	s.settings.retry = time.Minute // the pause is twice that
	later, err := s.charge(t.Context(), 1)
	require.NoError(t, err)
	e := entryOf(t, s, 1)
	assert.Equal(t, want.attempt, e.State)
	assert.Equal(t, want.obligation, obligationOf(t, s, 1))
	assert.Equal(t, want.conflict, e.Conflict)
	r, err := s.report(t.Context())
	require.NoError(t, err)
	if want.held {
		assert.Equal(t, s.settings.patience, later, "it is sent again")
		assert.Contains(t, log.String(), "charging pauses")
		calls := g.calls.Load()
		pause, err := s.charge(canceled(), 1)
		require.NoError(t, err)
		assert.Positive(t, pause)
		assert.Equal(t, calls, g.calls.Load(), "and nothing meanwhile")
		assert.Len(t, r.Held, 1, "which the report tells")
		g.status = 0 // the keys are right again
		s.hold.end()
		_, err = s.charge(t.Context(), 1)
		require.NoError(t, err)
		after := entryOf(t, s, 1)
		assert.Equal(t, pending, after.State, "nothing was given up")
		assert.Equal(t, e.Reference, after.Reference)
		return
	}
	assert.Zero(t, s.hold.wait(canceled()))
	assert.NotContains(t, log.String(), "charging pauses")
	assert.Equal(t, want.conflict, strings.Contains(log.String(), "somebody must look"))
}

// canceled is a context in which nothing waits.
func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// TestWrongKeys runs with keys that Amazon refuses: the run ends with an error,
// and with the right keys everybody is billed.
func TestWrongKeys(t *testing.T) {
	t.Parallel()
	s, w, g, log, _ := gated(t)
	var more []amazonpay.BillingAgreementID
	for range 20 {
		more = append(more, w.fake.OpenBillingAgreement().ID())
	}
	_, err := enroll(t.Context(), s.db, subs(w.calendar.business, more...))
	require.NoError(t, err)
	g.status, g.body = 403, refusalOf(amazonpay.ErrSignatureDoesNotMatch)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, s.start(ctx))
	defer s.stop()
	decided := func(r *report) bool { return r.Obligations > 0 && r.undecided() == 0 }
	r, err := s.show(ctx, io.Discard, 0, decided)
	require.ErrorIs(t, err, errHeld)
	require.ErrorIs(t, err, amazonpay.ErrSignatureDoesNotMatch, "it says why")
	assert.Empty(t, r.Failed)
	assert.LessOrEqual(t, strings.Count(log.String(), "charging pauses"), hopeless+1, "once for each pause")
}
