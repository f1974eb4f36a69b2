package main

import (
	"testing"

	"github.com/amazonpay-go/amazonpay"
	"github.com/stretchr/testify/assert"
)

func news(s standing) event { return event{Kind: evNews, News: s, AuthorizationID: "A1"} }

func TestAfter(t *testing.T) {
	send, lost, unsent, rearm := event{Kind: evSend}, event{Kind: evLost}, event{Kind: evUnsent}, event{Kind: evRearm}
	rejected := event{Kind: evRejected, Reason: "InvalidBillingAgreementStatus"}
	certain := rejected
	certain.Certain = true
	for name, c := range map[string]struct {
		events []event
		want   attempt
	}{
		"sent":                                  {[]event{send}, attempt{State: sending}},
		"sent, the worker died, sent again":     {[]event{send, send}, attempt{State: sending, Doubt: true}},
		"no answer":                             {[]event{send, lost}, attempt{State: unknown, Doubt: true}},
		"throttled":                             {[]event{send, unsent}, attempt{State: intent}},
		"no answer, then throttled":             {[]event{send, lost, send, unsent}, attempt{State: unknown, Doubt: true}},
		"refused":                               {[]event{send, rejected}, attempt{State: refused, Reason: rejected.Reason}},
		"no answer, then refused":               {[]event{send, lost, send, rejected}, attempt{State: unknown, Doubt: true, Reason: rejected.Reason}},
		"no answer, later refused and searched": {[]event{send, lost, send, certain}, attempt{State: refused, Reason: rejected.Reason}},
		"refused, and the buyer has repaired":   {[]event{send, rejected, rearm}, attempt{State: intent}},
		"a decline cannot be sent again":        {[]event{send, news(declined), rearm, send}, attempt{State: declined, AuthorizationID: "A1"}},
		"no answer, then the first result":      {[]event{send, lost, send, news(paid)}, attempt{State: paid, AuthorizationID: "A1"}},
		"the notification is first":             {[]event{send, news(paid), news(pending)}, attempt{State: paid, AuthorizationID: "A1"}},
		"the notification, then no answer":      {[]event{send, news(paid), lost}, attempt{State: paid, AuthorizationID: "A1"}},
		"the notification, then a refusal":      {[]event{send, news(pending), rejected}, attempt{State: pending, AuthorizationID: "A1"}},
		"paid after declined":                   {[]event{send, news(declined), news(paid)}, attempt{State: paid, Conflict: true, AuthorizationID: "A1"}},
		"declined after paid":                   {[]event{send, news(paid), news(declined)}, attempt{State: paid, Conflict: true, AuthorizationID: "A1"}},
		"paid after refused":                    {[]event{send, rejected, news(paid)}, attempt{State: paid, Conflict: true, AuthorizationID: "A1"}},
	} {
		t.Run(name, func(t *testing.T) {
			a := attempt{State: intent}
			for _, e := range c.events {
				a = a.after(e)
			}
			assert.Equal(t, c.want, a)
		})
	}
}

// TestAfterInEveryOrder lets the same events come in every order, each once or
// twice: they end the same way.
func TestAfterInEveryOrder(t *testing.T) {
	for _, end := range []standing{paid, declined} {
		events := []event{{Kind: evSend}, {Kind: evLost}, {Kind: evUnsent}, {Kind: evSend}, news(pending), news(end), news(end)}
		orders := 0
		permute(events, 0, func(order []event) {
			orders++
			a := attempt{State: intent}
			for i, e := range order {
				before := a
				a = a.after(e)
				if before.State.final() {
					assert.Equal(t, before.State, a.State, "what is final stays: %v", order[:i+1])
				}
				if before.State == pending {
					assert.NotContains(t, []standing{intent, sending, unknown}, a.State, "what Amazon has is not sent again")
				}
			}
			assert.Equal(t, end, a.State, "%v", order)
			assert.False(t, a.Conflict)
			assert.EqualValues(t, "A1", a.AuthorizationID)
		})
		assert.Equal(t, 5040, orders)
	}
}

func permute(events []event, from int, each func([]event)) {
	if from == len(events) {
		each(events)
		return
	}
	for i := from; i < len(events); i++ {
		events[from], events[i] = events[i], events[from]
		permute(events, from+1, each)
		events[from], events[i] = events[i], events[from]
	}
}

func TestNews(t *testing.T) {
	authorization := func(state amazonpay.State, reason amazonpay.Reason) event {
		return newsOfAuthorization(&amazonpay.Authorization{AuthorizationStatus: amazonpay.Status{State: state, ReasonCode: reason}})
	}
	assert.Equal(t, pending, authorization("Pending", "").News)
	assert.Equal(t, pending, authorization("Open", "").News, "the money is reserved, not taken")
	assert.Equal(t, pending, authorization("SomethingNew", "").News, "never paid by mistake")
	assert.Equal(t, paid, authorization("Closed", "MaxCapturesProcessed").News)
	assert.Equal(t, declined, authorization("Closed", "ExpiredUnused").News)
	assert.Equal(t, declined, authorization("Declined", "AmazonRejected").News)
	capture := func(state amazonpay.State, reason amazonpay.Reason, a *amazonpay.Authorization) standing {
		return newsOfCapture(&amazonpay.Capture{CaptureStatus: amazonpay.Status{State: state, ReasonCode: reason}}, a).News
	}
	assert.Equal(t, pending, capture("Pending", "", nil))
	assert.Equal(t, paid, capture("Completed", "", nil))
	assert.Equal(t, paid, capture("Closed", amazonpay.ReasonMaxAmountRefunded, nil), "refunded in full: it had been completed")
	assert.Equal(t, paid, capture("Closed", amazonpay.ReasonMaxRefundsProcessed, nil))
	assert.Equal(t, pending, capture("Closed", amazonpay.ReasonAmazonClosed, nil), "before or after the money moved: to be read")
	assert.Equal(t, declined, capture("Closed", amazonpay.ReasonAmazonClosed, &amazonpay.Authorization{}))
	assert.Equal(t, paid, capture("Closed", amazonpay.ReasonAmazonClosed, &amazonpay.Authorization{CapturedAmount: amazonpay.MustPrice("1", "USD")}))
	assert.Equal(t, declined, capture("Declined", "", nil))
}
