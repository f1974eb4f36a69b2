package amazonpay_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// constantsOf are the values of all constants of a type in a file, so that no
// table forgets one.
func constantsOf(t testing.TB, file, typ string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	require.NoError(t, err)
	var values []string
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if name, ok := spec.Type.(*ast.Ident); ok && name.Name == typ {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			require.NoError(t, err)
			values = append(values, value)
		}
		return false
	})
	require.NotEmpty(t, values)
	return values
}

// brief is an advice in a few words; "nothing" is none.
func brief(t testing.TB, a amazonpay.Advice) string {
	t.Helper()
	if a == (amazonpay.Advice{}) {
		return "nothing"
	}
	assert.NotEmpty(t, a.Text)
	assert.False(t, a.Soft && (a.Buyer || a.Seller || a.Over), "what passes by itself needs nobody: %+v", a)
	assert.False(t, a.Over && a.Retry != amazonpay.RetryNot, "what is over is not tried again: %+v", a)
	assert.True(t, a.Retry != amazonpay.RetryNot || a.Seller || a.Over, "somebody must do something: %+v", a)
	words := []string{}
	for _, w := range []struct {
		is   bool
		word string
	}{
		{a.Soft, "soft"}, {a.Retry == amazonpay.RetrySameID, "same id"}, {a.Retry == amazonpay.RetryNewID, "new id"},
		{a.After > 0, "after " + a.After.String()}, {a.NextMonth, "next month"}, {a.Confirm, "confirm"},
		{a.Buyer, "buyer"}, {a.Seller, "seller"}, {a.Over, "over"}, {a.State != "", string(a.State)},
	} {
		if w.is {
			words = append(words, w.word)
		}
	}
	return strings.Join(words, ", ")
}

const undecided = "same id, after 15m0s"

// TestAdviceOnReasons says for every reason what is advised on the objects and
// states that it comes with; with others, nothing is ever tried again.
func TestAdviceOnReasons(t *testing.T) {
	type row struct {
		state          amazonpay.State // of the authorization
		agreement      string          // an authorization on an agreement
		order          string          // and on a one-time order
		capture        string          // Declined, or Closed with the others
		refund         string          // Declined
		ofAgreement    string          // the agreement itself
		ofOrder        string          // the order reference itself
		standing       amazonpay.State // of these two
		soft           bool
		captureIsState amazonpay.State // if not Declined
	}
	const (
		suspended, canceled, closed, declined = amazonpay.StateSuspended, amazonpay.StateCanceled, amazonpay.StateClosed, amazonpay.StateDeclined
		internal                              = "soft, new id"
		newMethod                             = "new id, buyer, Suspended"
		waiting                               = "same id, buyer, Suspended"
	)
	tests := map[string]row{
		"InvalidPaymentMethod": {state: declined, agreement: newMethod, order: newMethod, standing: suspended, ofAgreement: waiting, ofOrder: waiting},
		"InvalidPaymentMethod soft": {state: declined, soft: true, agreement: "soft, new id, confirm, Suspended", order: "soft, new id, confirm, Suspended",
			standing: suspended, ofAgreement: waiting, ofOrder: waiting},
		"AmazonRejected":           {state: declined, agreement: "new id, Open", order: "over, Closed", capture: "new id", refund: "new id, seller"},
		"ProcessingFailure":        {state: declined, agreement: "soft, new id, Open", order: "soft, new id, Open", capture: internal, refund: "soft, new id, after 2m0s"},
		"TransactionTimedOut":      {state: declined, agreement: "soft, new id, Open", order: "soft, new id, Open"},
		"ExpiredUnused":            {state: closed, agreement: internal, order: internal},
		"MaxCapturesProcessed":     {state: closed, agreement: "nothing", order: "nothing"},
		"AmazonClosed":             {state: closed, agreement: "seller", order: "seller", capture: "seller", captureIsState: closed, standing: closed, ofAgreement: "over, Closed", ofOrder: "over, Closed"},
		"OrderReferenceCanceled":   {state: closed, agreement: "seller", order: "seller, over, Canceled"},
		"SellerClosed":             {state: closed, agreement: "seller", order: "seller", standing: closed, ofAgreement: "over, Closed", ofOrder: "over, Closed"},
		"StopShipmentAtypicalAuth": {state: amazonpay.StateOpen, agreement: "seller", order: "seller", capture: "seller", captureIsState: amazonpay.StateCompleted},
		"MaxAmountRefunded":        {capture: "over", captureIsState: closed},
		"MaxRefundsProcessed":      {capture: "over", captureIsState: closed},

		"AmazonCanceled":               {standing: canceled, ofAgreement: "over, Canceled", ofOrder: "over, Canceled"},
		"SellerCanceled":               {standing: canceled, ofOrder: "over, Canceled"},
		"Stale":                        {standing: canceled, ofAgreement: "over, Canceled", ofOrder: "over, Canceled"},
		"BuyerClosed":                  {standing: closed, ofAgreement: "over, Closed"},
		"Expired":                      {standing: closed, ofOrder: "over, Closed"},
		"MaxAmountCharged":             {standing: closed, ofOrder: "over, Closed"},
		"MaxAuthorizationsCaptured":    {standing: closed, ofOrder: "over, Closed"},
		"MaxAuthorizationsProcessed":   {standing: closed, ofOrder: "over, Closed"},
		"PaymentAuthorizationRequired": {standing: suspended, ofOrder: waiting},

		// Of provider credits and validations only.
		"MaxAmountReversed":  {},
		"ValidationTimedOut": {},
		"ANewOne":            {standing: closed, ofAgreement: "over, Closed", ofOrder: "over, Closed"},
	}
	for _, reason := range constantsOf(t, "status.go", "Reason") {
		assert.Contains(t, tests, reason, "no advice is tested for it")
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			word, _, _ := strings.Cut(name, " ")
			reason := amazonpay.Reason(word)
			check := func(want string, state amazonpay.State, otherwise amazonpay.State, advice func(amazonpay.Status) amazonpay.Advice) {
				t.Helper()
				if want != "" {
					assert.Equal(t, want, brief(t, advice(amazonpay.Status{State: state, ReasonCode: reason})))
					return
				}
				got := advice(amazonpay.Status{State: otherwise, ReasonCode: reason})
				assert.NotEqual(t, "nothing", brief(t, got))
				assert.Equal(t, amazonpay.RetryNot, got.Retry, "with an object that it does not come with")
			}
			for _, on := range []bool{true, false} {
				want := tt.order
				if on {
					want = tt.agreement
				}
				check(want, tt.state, declined, func(s amazonpay.Status) amazonpay.Advice {
					return (&amazonpay.Authorization{AuthorizationStatus: s, SoftDecline: tt.soft}).Advice(on)
				})
			}
			state := tt.captureIsState
			if state == "" {
				state = declined
			}
			check(tt.capture, state, declined, func(s amazonpay.Status) amazonpay.Advice { return (&amazonpay.Capture{CaptureStatus: s}).Advice() })
			check(tt.refund, declined, declined, func(s amazonpay.Status) amazonpay.Advice { return (&amazonpay.Refund{RefundStatus: s}).Advice() })
			check(tt.ofAgreement, tt.standing, closed, func(s amazonpay.Status) amazonpay.Advice {
				return (&amazonpay.BillingAgreement{BillingAgreementStatus: s}).Advice()
			})
			check(tt.ofOrder, tt.standing, closed, func(s amazonpay.Status) amazonpay.Advice {
				return (&amazonpay.OrderReference{OrderReferenceStatus: s}).Advice()
			})
		})
	}
}

// TestAdviceOnStates is about objects without a reason.
func TestAdviceOnStates(t *testing.T) {
	tests := map[amazonpay.State]struct{ authorization, capture, refund, standing string }{
		amazonpay.StateDraft:     {undecided, undecided, undecided, "same id, after 1m0s, confirm, Draft"},
		amazonpay.StatePending:   {undecided, undecided, undecided, "seller, Pending"},
		amazonpay.StateOpen:      {"nothing", undecided, undecided, "nothing"},
		amazonpay.StateSuspended: {undecided, undecided, undecided, "same id, buyer, Suspended"},
		amazonpay.StateDeclined:  {"seller", "seller", "seller", "seller, Declined"},
		amazonpay.StateCompleted: {undecided, "nothing", "nothing", "seller, Completed"},
		amazonpay.StateCanceled:  {undecided, undecided, undecided, "over, Canceled"},
		amazonpay.StateClosed:    {"seller", "seller", undecided, "over, Closed"},
		"Pausing":                {undecided, undecided, undecided, "seller, Pausing"},
	}
	for _, state := range constantsOf(t, "status.go", "State") {
		assert.Contains(t, tests, amazonpay.State(state))
	}
	for state, tt := range tests {
		t.Run(string(state), func(t *testing.T) {
			s := amazonpay.Status{State: state}
			assert.Equal(t, tt.authorization, brief(t, (&amazonpay.Authorization{AuthorizationStatus: s}).Advice(true)))
			assert.Equal(t, tt.authorization, brief(t, (&amazonpay.Authorization{AuthorizationStatus: s}).Advice(false)))
			assert.Equal(t, tt.capture, brief(t, (&amazonpay.Capture{CaptureStatus: s}).Advice()))
			assert.Equal(t, tt.refund, brief(t, (&amazonpay.Refund{RefundStatus: s}).Advice()))
			assert.Equal(t, tt.standing, brief(t, (&amazonpay.BillingAgreement{BillingAgreementStatus: s}).Advice()))
			assert.Equal(t, tt.standing, brief(t, (&amazonpay.OrderReference{OrderReferenceStatus: s}).Advice()))
		})
	}
}

// TestAdviceOnErrorCodes knows what to do about each. None is ever answered
// with a new reference id: nothing was declined.
func TestAdviceOnErrorCodes(t *testing.T) {
	const (
		again    = "soft, same id, after 1m0s"
		correct  = "same id, seller"
		look     = "seller"
		reopen   = "same id, buyer"
		complete = "same id, confirm, buyer"
	)
	tests := map[amazonpay.ErrorCode]string{
		amazonpay.ErrInternalError: again, amazonpay.ErrInternalServerError: again, amazonpay.ErrServiceUnavailable: again,
		amazonpay.ErrRequestThrottled: again, amazonpay.ErrInputStreamDisconnected: again, amazonpay.ErrQuotaExceeded: "soft, same id, after 1h0m0s",
		amazonpay.ErrRequestExpired:                correct,
		amazonpay.ErrPeriodicAmountExceeded:        "soft, same id, next month, Open",
		amazonpay.ErrInvalidBillingAgreementStatus: reopen, amazonpay.ErrInvalidOrderReferenceStatus: reopen,
		amazonpay.ErrPaymentMethodNotUpdated:          complete + ", Suspended",
		amazonpay.ErrBillingAgreementConstraintsExist: complete, amazonpay.ErrConstraintsExist: complete,
		amazonpay.ErrTransactionCountExceeded: "over",
		amazonpay.ErrDuplicateReferenceID:     look, amazonpay.ErrDuplicateRequest: look,
		amazonpay.ErrCaptureNotRefundable: look, amazonpay.ErrInvalidAuthorizationStatus: look, amazonpay.ErrInvalidCancelAttempt: look,
		amazonpay.ErrInvalidCloseAttempt: look, amazonpay.ErrBillingAgreementNotModifiable: look, amazonpay.ErrOrderReferenceNotModifiable: look,
		amazonpay.ErrOrderReferenceCountExceeded: look,
		amazonpay.ErrTransactionAmountExceeded:   correct, amazonpay.ErrInvalidAuthorizationAmount: correct, amazonpay.ErrInvalidSubscriptionAmount: correct,
		amazonpay.ErrCurrencyMismatch: correct, amazonpay.ErrCurrencyUnsupported: correct,
		amazonpay.ErrInvalidBillingAgreementID: correct, amazonpay.ErrInvalidOrderReferenceID: correct, amazonpay.ErrInvalidTransactionID: correct,
		amazonpay.ErrAmbiguousToken: correct, amazonpay.ErrInvalidAddress: correct, amazonpay.ErrInvalidAddressConsentToken: correct,
		amazonpay.ErrInvalidBillingAgreementType: correct, amazonpay.ErrInvalidParameterValue: correct, amazonpay.ErrInvalidSandboxSimulationSpecified: correct,
		amazonpay.ErrAccessDenied: correct, amazonpay.ErrInvalidAccessKeyID: correct, amazonpay.ErrInvalidClientTokenID: correct,
		amazonpay.ErrMissingAuthenticationToken: correct, amazonpay.ErrSignatureDoesNotMatch: correct, amazonpay.ErrInvalidAccountStatus: correct,
		amazonpay.ErrProviderNotAuthorized: correct, amazonpay.ErrUnauthorizedAccess: correct, amazonpay.ErrUnauthorizedSolutionProvider: correct,
	}
	unknown := amazonpay.AdviceFor(&amazonpay.Error{Code: "ANewOne", StatusCode: http.StatusBadRequest})
	assert.Equal(t, correct, brief(t, unknown))
	for _, code := range constantsOf(t, "errors.go", "ErrorCode") {
		assert.Contains(t, tests, amazonpay.ErrorCode(code), "no advice is tested for it")
	}
	for code, want := range tests {
		t.Run(string(code), func(t *testing.T) {
			for _, action := range []string{"AuthorizeOnBillingAgreement", "Authorize"} { // the codes name what they are about
				got := amazonpay.AdviceFor(fmt.Errorf("wrapped: %w", &amazonpay.Error{Action: action, Code: code, StatusCode: http.StatusBadRequest}))
				assert.Equal(t, want, brief(t, got))
				assert.NotEqual(t, unknown, got, "forgotten")
				assert.NotEqual(t, amazonpay.RetryNewID, got.Retry)
			}
			doubt := &amazonpay.OutcomeUnknownError{Err: &amazonpay.Error{Code: code, StatusCode: http.StatusBadRequest}}
			assert.Equal(t, again, brief(t, amazonpay.AdviceFor(doubt)), "while it is in doubt, it is repeated")
		})
	}
}

func TestAdviceOnErrors(t *testing.T) {
	tests := map[string]struct {
		err  error
		want string
	}{
		"none":              {nil, "nothing"},
		"no answer":         {&amazonpay.Error{}, "soft, same id, after 1m0s"},
		"a page of HTML":    {&amazonpay.Error{StatusCode: 502}, "soft, same id, after 1m0s"},
		"too many requests": {&amazonpay.Error{StatusCode: 429}, "soft, same id, after 1m0s"},
		"a bare 403":        {&amazonpay.Error{StatusCode: 403}, "soft, same id, after 1m0s"},
		"invalid":           {&amazonpay.InvalidError{Subject: "Charge"}, "same id, seller"},
		"context":           {context.DeadlineExceeded, "soft, same id, after 1m0s"},
		"somebody's":        {errors.New("the database is away"), "soft, same id, after 1m0s"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { assert.Equal(t, tt.want, brief(t, amazonpay.AdviceFor(tt.err))) })
	}
}

func TestDunning(t *testing.T) {
	const d = 24 * time.Hour
	soft := amazonpay.Advice{Soft: true, Retry: amazonpay.RetryNewID}
	ended := utc("2026-01-31T22:59:00Z")
	tests := map[string]struct {
		dunning amazonpay.Dunning
		try     int
		advice  amazonpay.Advice
		ended   time.Time
		want    time.Duration // after ended; 0 is never
		at      time.Time     // or a time
	}{
		"first":             {try: 1, advice: soft, want: 1 * d},
		"second":            {try: 2, advice: soft, want: 3 * d},
		"third":             {try: 3, advice: soft, want: 5 * d},
		"fourth":            {try: 4, advice: soft, want: 7 * d},
		"fifth":             {try: 5, advice: soft},
		"not counted":       {try: 0, advice: soft, want: 1 * d},
		"no schedule":       {dunning: amazonpay.Dunning{}, try: 1, advice: soft},
		"own":               {dunning: amazonpay.Dunning{time.Hour}, try: 1, advice: soft, want: time.Hour},
		"not before":        {dunning: amazonpay.Dunning{time.Second}, try: 1, advice: amazonpay.Advice{Soft: true, Retry: amazonpay.RetryNewID, After: time.Minute}, want: time.Minute},
		"hard, once":        {try: 1, advice: amazonpay.Advice{Retry: amazonpay.RetryNewID}, want: 1 * d},
		"hard, again":       {try: 2, advice: amazonpay.Advice{Retry: amazonpay.RetryNewID}},
		"buyer":             {try: 1, advice: amazonpay.Advice{Retry: amazonpay.RetryNewID, Buyer: true}},
		"seller":            {try: 1, advice: amazonpay.Advice{Retry: amazonpay.RetrySameID, Seller: true}},
		"over":              {try: 1, advice: amazonpay.Advice{Over: true}},
		"paid":              {try: 1},
		"unknown outcome":   {try: 1, advice: amazonpay.Advice{Soft: true, Retry: amazonpay.RetrySameID, After: time.Minute}, want: time.Minute},
		"unknown, ninth":    {try: 9, advice: amazonpay.Advice{Soft: true, Retry: amazonpay.RetrySameID, After: time.Minute}, want: time.Minute},
		"next month":        {try: 9, advice: amazonpay.Advice{Soft: true, Retry: amazonpay.RetrySameID, NextMonth: true}, at: utc("2026-02-01T01:00:00Z")},
		"clock ahead":       {try: 1, ended: utc("2026-02-01T00:10:00Z"), advice: amazonpay.Advice{Retry: amazonpay.RetrySameID, NextMonth: true}, at: utc("2026-02-01T01:00:00Z")},
		"month has begun":   {try: 1, ended: utc("2026-02-01T01:00:00Z"), advice: amazonpay.Advice{Retry: amazonpay.RetrySameID, NextMonth: true}, at: utc("2026-03-01T01:00:00Z")},
		"end of the year":   {try: 1, ended: utc("2026-12-15T01:00:00Z"), advice: amazonpay.Advice{Retry: amazonpay.RetrySameID, NextMonth: true}, at: utc("2027-01-01T01:00:00Z")},
		"in another zone":   {try: 1, ended: utc("2026-01-31T20:00:00Z").In(time.FixedZone("", 9*3600)), advice: amazonpay.Advice{Retry: amazonpay.RetrySameID, NextMonth: true}, at: utc("2026-02-01T01:00:00Z")},
		"suspended, softly": {try: 1, advice: amazonpay.Advice{Soft: true, Retry: amazonpay.RetryNewID, State: amazonpay.StateSuspended, Confirm: true}, want: 1 * d},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if tt.dunning == nil {
				tt.dunning = amazonpay.DefaultDunning()
			}
			if tt.ended.IsZero() {
				tt.ended = ended
			}
			if tt.want > 0 {
				tt.at = tt.ended.Add(tt.want)
			}
			at, again := tt.dunning.Next(tt.try, tt.advice, tt.ended)
			assert.Equal(t, !tt.at.IsZero(), again)
			assert.Equal(t, tt.at, at)
		})
	}
}

// TestDunningToTheEnd charges by the schedule until somebody must act.
func TestDunningToTheEnd(t *testing.T) {
	tests := map[amazonpaytest.PaymentMethod]struct {
		tries int
		days  int
		state string
	}{
		amazonpaytest.GoodCard:        {1, 0, "paid"},
		amazonpaytest.ShortOnce:       {2, 1, "paid"},
		amazonpaytest.AlwaysShort:     {5, 16, "look at it"},
		amazonpaytest.FailingCard:     {5, 16, "look at it"},
		amazonpaytest.RejectedCard:    {2, 1, "look at it"},
		amazonpaytest.BadCard:         {1, 0, "ask the buyer for another payment method"},
		amazonpaytest.CaptureRejected: {2, 1, "look at it"},
		amazonpaytest.CaptureFailing:  {5, 16, "look at it"},
	}
	for method, tt := range tests {
		t.Run(string(method), func(t *testing.T) {
			fake, request := chargeCase{method: method}.begin(t)
			row := &renewal{Subscription: "s", Period: "p", Agreement: request.AmazonBillingAgreementID, Price: usd("5.00"), Try: 1, Due: fake.Now()}
			start := fake.Now()
			for row.State == "" {
				fake.AdvanceTo(row.Due)
				require.NoError(t, row.renew(t.Context(), fake.Client(), fake.Now()))
			}
			state, _, _ := strings.Cut(row.State, ":")
			assert.Equal(t, tt.state, state)
			assert.Equal(t, tt.tries, row.Try)
			assert.Equal(t, tt.days, int(fake.Now().Sub(start)/(24*time.Hour)))
			assert.LessOrEqual(t, len(fake.Ledger()), 1)
		})
	}
}

// TestAdviceOnSuspendedKeepsTheID: an agreement that was suspended in the meantime does not
// make a new payment of one that is in doubt.
func TestAdviceOnSuspendedKeepsTheID(t *testing.T) {
	suspended := amazonpay.Status{State: amazonpay.StateSuspended}
	for _, advice := range []amazonpay.Advice{
		(&amazonpay.BillingAgreement{BillingAgreementStatus: suspended}).Advice(),
		(&amazonpay.OrderReference{OrderReferenceStatus: suspended}).Advice(),
	} {
		assert.Equal(t, amazonpay.RetrySameID, advice.Retry)
		assert.True(t, advice.Buyer)
	}
}

// TestDunningWithoutTries is at its end.
func TestDunningWithoutTries(t *testing.T) {
	for _, try := range []int{-1, 0, 1} {
		_, again := amazonpay.Dunning{}.Next(try, amazonpay.Advice{Soft: true, Retry: amazonpay.RetryNewID}, time.Now())
		assert.False(t, again)
	}
}
