package amazonpaytest_test

import (
	"slices"
	"strings"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// rules are what Amazon's documents say about states, limits and times, as
// data: the machine holds the fake against them, and tests of the machine hold
// a right fake against wrong ones.
type rules struct {
	transitions string // see transitions

	draft         time.Duration // until a draft is stale
	order         time.Duration // until an order reference expires
	authorization time.Duration // until an authorization expires
	window        time.Duration // in which a capture is decided at once
	delay         time.Duration // that a late capture or a refund takes, by the settings

	authorizations int // on an order reference, of any state
	refunds        int // on a capture

	percent  int64                        // that may be charged, or refunded, beyond the amount,
	surplus  map[amazonpay.Currency]int64 // but no more than this
	single   map[amazonpay.Currency]int64 // the most of one call
	monthly  int64                        // the limit of an agreement, in minor units of the ledger
	byMonth  func(time.Time) time.Time    // the start of the period
	replayed bool                         // a repetition gets the first answer
}

func documented() *rules {
	return &rules{
		transitions: transitions, draft: 3 * time.Hour, order: 180 * 24 * time.Hour, authorization: 30 * 24 * time.Hour,
		window: 7 * 24 * time.Hour, delay: time.Hour, authorizations: 10, refunds: 10, percent: 15,
		surplus: map[amazonpay.Currency]int64{"USD": 7500, "EUR": 7500, "GBP": 7500, "JPY": 8400},
		single:  map[amazonpay.Currency]int64{"USD": 15000000, "EUR": 15000000, "GBP": 15000000, "JPY": 10000000},
		monthly: 100000, replayed: true,
		byMonth: func(t time.Time) time.Time {
			return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
		},
	}
}

// transitions are the only ways from state to state: kind, from, to, and the
// acts that may be the cause. Advance is time passing.
const transitions = `
agreement Draft Open ConfirmBillingAgreement
agreement Draft Canceled/Stale Advance
agreement Draft Canceled/AmazonCanceled AmazonCancelsAgreement
agreement Open Suspended/InvalidPaymentMethod AuthorizeOnBillingAgreement Authorize ValidateBillingAgreement Advance BuyerDeletesMethod
agreement Open Closed/SellerClosed CloseBillingAgreement
agreement Open Closed/BuyerClosed BuyerCancels
agreement Open Closed/AmazonClosed AmazonClosesAgreement
agreement Open Canceled/AmazonCanceled AmazonCancelsAgreement
agreement Suspended Open ConfirmBillingAgreement BuyerUpdatesMethod Advance
agreement Suspended Closed/SellerClosed CloseBillingAgreement
agreement Suspended Closed/BuyerClosed BuyerCancels
agreement Suspended Closed/AmazonClosed AmazonClosesAgreement
agreement Suspended Canceled/AmazonCanceled AmazonCancelsAgreement
order Draft Open ConfirmOrderReference
order Draft Canceled/Stale Advance
order Draft Canceled/AmazonCanceled AmazonCancelsOrder AmazonCancelsAgreement
order Open Suspended/InvalidPaymentMethod Authorize Advance
order Open Closed/SellerClosed CloseOrderReference
order Open Closed/AmazonClosed CloseOrderReference AmazonClosesOrder Authorize Advance
order Open Closed/Expired Advance
order Open Closed/MaxAmountCharged Authorize Capture Advance
order Open Closed/MaxAuthorizationsCaptured Authorize Capture Advance
order Open Canceled/SellerCanceled CancelOrderReference
order Open Canceled/AmazonCanceled AmazonCancelsOrder AmazonCancelsAgreement
order Suspended Open ConfirmOrderReference BuyerUpdatesOrder BuyerUpdatesMethod Advance
order Suspended Closed/SellerClosed CloseOrderReference
order Suspended Closed/AmazonClosed CloseOrderReference AmazonClosesOrder Advance
order Suspended Closed/Expired Advance
order Suspended Closed/MaxAmountCharged Capture Advance
order Suspended Canceled/SellerCanceled CancelOrderReference
order Suspended Canceled/AmazonCanceled AmazonCancelsOrder AmazonCancelsAgreement
authorization Pending Open Advance
authorization Pending Declined/InvalidPaymentMethod Advance
authorization Pending Declined/AmazonRejected Advance
authorization Pending Declined/ProcessingFailure Advance
authorization Pending Declined/TransactionTimedOut Advance
authorization Pending Closed/AmazonClosed Advance
authorization Pending Closed/SellerClosed CloseAuthorization
authorization Pending Closed/OrderReferenceCanceled CancelOrderReference AmazonCancelsOrder AmazonCancelsAgreement
authorization Open Closed/MaxCapturesProcessed Capture Advance
authorization Open Closed/ExpiredUnused Advance
authorization Open Closed/AmazonClosed Capture
authorization Open Closed/SellerClosed CloseAuthorization
authorization Open Closed/OrderReferenceCanceled CancelOrderReference AmazonCancelsOrder AmazonCancelsAgreement
capture Pending Completed Advance
capture Pending Closed/AmazonClosed Advance
capture Pending Declined/AmazonRejected Advance
capture Pending Declined/ProcessingFailure Advance
capture Completed Closed/MaxAmountRefunded Refund Advance Chargeback GrantClaim
capture Completed Closed/MaxRefundsProcessed Refund Advance
refund Pending Completed Advance
refund Pending Declined/AmazonRejected Advance
refund Pending Declined/ProcessingFailure Advance
`

// ways tells whether the act may lead from one state to the other, in any
// number of steps: months may pass at once.
func (r *rules) ways() func(kind, from, to, act string) bool {
	edges := map[string][]string{}
	for line := range strings.Lines(r.transitions) {
		if f := strings.Fields(line); len(f) > 3 {
			for _, act := range f[3:] {
				edges[f[0]+" "+f[1]+" "+act] = append(edges[f[0]+" "+f[1]+" "+act], f[2])
			}
		}
	}
	known := map[string]bool{}
	return func(kind, from, to, act string) bool {
		key := kind + " " + from + " " + to + " " + act
		if yes, ok := known[key]; ok {
			return yes
		}
		seen, open := map[string]bool{from: true}, []string{from}
		for len(open) > 0 {
			state, _, _ := strings.Cut(open[0], "/")
			for _, next := range edges[kind+" "+state+" "+act] {
				if !seen[next] {
					seen[next] = true
					open = append(open, next)
				}
			}
			open = open[1:]
		}
		known[key] = seen[to]
		return seen[to]
	}
}

// most is what may be charged on, or refunded of, an amount.
func (r *rules) most(p amazonpay.Price) int64 {
	return p.Minor() + min(p.Minor()*r.percent/100, r.surplus[p.Currency()])
}

// The sandbox's simulation strings, by a name of ours and with the places where
// Amazon lists them.
var simulations = map[string]struct {
	note, places string
	end          string // of what is simulated
}{
	"constraint": {`{"SandboxSimulation":{"Constraint":"PaymentMethodNotAllowed"}}`, "SetOrderReferenceDetails", ""},
	"hard":       {`{"SandboxSimulation": {"State":"Declined","ReasonCode":"InvalidPaymentMethod","PaymentMethodUpdateTimeInMins":5}}`, "Authorize AuthorizeOnBillingAgreement", "Declined/InvalidPaymentMethod"},
	"soft":       {`{"SandboxSimulation": {"State":"Declined","ReasonCode":"InvalidPaymentMethod","PaymentMethodUpdateTimeInMins":5,"SoftDecline":"true"}}`, "Authorize AuthorizeOnBillingAgreement", "Declined/InvalidPaymentMethod"},
	"rejected":   {`{"SandboxSimulation": {"State":"Declined","ReasonCode":"AmazonRejected"}}`, "Authorize AuthorizeOnBillingAgreement Capture Refund", "Declined/AmazonRejected"},
	"timedout":   {`{"SandboxSimulation": {"State":"Declined","ReasonCode":"TransactionTimedOut"}}`, "Authorize AuthorizeOnBillingAgreement", "Declined/TransactionTimedOut"},
	"expired":    {`{"SandboxSimulation": {"State":"Closed","ReasonCode":"ExpiredUnused","ExpirationTimeInMins":1}}`, "Authorize AuthorizeOnBillingAgreement", "Open"},
	"closed":     {`{"SandboxSimulation": {"State":"Closed","ReasonCode":"AmazonClosed"}}`, "Authorize AuthorizeOnBillingAgreement Capture CloseOrderReference", "Closed/AmazonClosed"},
	"pending":    {`{"SandboxSimulation": {"State":"Pending"}}`, "Capture", "Pending"},
}

func listed(simulation, action string) bool {
	return slices.Contains(strings.Fields(simulations[simulation].places), action)
}

// declines are the bad ends that a payment method gives authorizations.
var declines = map[amazonpaytest.PaymentMethod]string{
	amazonpaytest.GoodCard:        "",
	amazonpaytest.BadCard:         "Declined/InvalidPaymentMethod",
	amazonpaytest.ShortOnce:       "Declined/InvalidPaymentMethod",
	amazonpaytest.AlwaysShort:     "Declined/InvalidPaymentMethod",
	amazonpaytest.RejectedCard:    "Declined/AmazonRejected",
	amazonpaytest.FailingCard:     "Declined/ProcessingFailure",
	amazonpaytest.SlowBank:        "Declined/TransactionTimedOut",
	amazonpaytest.SilentBank:      "Declined/TransactionTimedOut",
	amazonpaytest.CaptureRejected: "",
	amazonpaytest.CaptureFailing:  "",
	amazonpaytest.RefundRejected:  "",
	amazonpaytest.RefundFailing:   "",
}

// verdict is what may be answered: reasons to refuse, each with the codes that
// say so. Without any, the call must succeed.
type verdict struct {
	codes  []amazonpay.ErrorCode
	reason string // why it must be refused; empty if it may succeed
}

func (v *verdict) no(cond bool, reason string, codes ...amazonpay.ErrorCode) {
	if cond {
		v.codes = append(v.codes, codes...)
		v.reason = reason
	}
}

// maybe is a refusal that the documents leave open.
func (v *verdict) maybe(cond bool, codes ...amazonpay.ErrorCode) {
	if cond {
		v.codes = append(v.codes, codes...)
	}
}

func in[T comparable](x T, list ...T) bool { return slices.Contains(list, x) }
