package main

import (
	"cmp"

	"github.com/amazonpay-go/amazonpay"
)

// standing is where an attempt to charge stands in the ledger.
type standing string

const (
	intent   standing = "intent"   // written down; nothing has been sent, or it is proven that nothing arrived
	sending  standing = "sending"  // being sent; if the process dies here, nobody knows
	unknown  standing = "unknown"  // sent, and no answer: to be repeated with the same reference id
	pending  standing = "pending"  // Amazon has it and has not decided
	paid     standing = "paid"     // final: the money is taken
	declined standing = "declined" // final: Amazon decided not to take it. Only now a new reference id may be used
	refused  standing = "refused"  // final: Amazon would not hear of it, and nothing of it had been sent before
)

// final reports whether there is nothing more to wait for.
func (s standing) final() bool { return s == paid || s == declined || s == refused }

// obligationState is where an obligation stands: what a subscriber owes for a
// period.
type obligationState string

const (
	obligationOpen    obligationState = "open"    // an attempt is on its way, or will be
	obligationWaiting obligationState = "waiting" // for the buyer
	obligationPaid    obligationState = "paid"    // final
	obligationFailed  obligationState = "failed"  // given up, unless Amazon says that it was paid after all
)

// subscriptionState is what is known of a subscription's agreement.
type subscriptionState string

const (
	subscriptionActive    subscriptionState = "active"
	subscriptionSuspended subscriptionState = "suspended" // by Amazon, or a charge was refused or declined so that the buyer must act
	subscriptionEnded     subscriptionState = "ended"     // final
)

// Reasons of ours why an attempt was not sent, beside Amazon's.
const (
	reasonAlreadyPaid    amazonpay.Reason = "AlreadyPaid"    // by a late surprise of another attempt
	reasonAgreementEnded amazonpay.Reason = "AgreementEnded" // before it was sent
	reasonLapsed         amazonpay.Reason = "Lapsed"         // the next period was due before it was sent
)

// attempt is one reference id's part of an obligation: what the ledger knows of
// it, and nothing of the buyer.
type attempt struct {
	State            standing
	Amount           amazonpay.Price // what it asks for
	Taken            amazonpay.Price // what Amazon says it took; zero unless it is paid
	Doubt            bool            // a request of it may have been carried out, and no answer said what came of it
	Conflict         bool            // Amazon said two things that cannot both be true: somebody must look
	Reason           amazonpay.Reason
	Soft             bool
	AuthorizationID  amazonpay.AuthorizationID
	OrderReferenceID amazonpay.OrderReferenceID
	CaptureID        amazonpay.CaptureID
}

// eventKind is what can happen to an attempt.
type eventKind int

const (
	evSend     eventKind = iota // a worker is about to send it
	evNews                      // Amazon said how it stands: an answer, a notification, or the reconciler's reading
	evLost                      // no answer came
	evUnsent                    // it is proven that nothing was carried out: throttled, not connected, turned away for a reason that is not its own
	evRejected                  // an error answer: Amazon did not take the request
	evRearm                     // a refused one may be sent again: the buyer has repaired the agreement, or next month
)

// event is something that happened to an attempt.
type event struct {
	Kind             eventKind
	News             standing        // of evNews: pending, paid or declined
	Amount           amazonpay.Price // of evNews: what Amazon says it is about, or took; zero if it does not say
	Certain          bool            // of evRejected: Amazon's books were searched for the earlier requests, long after they were sent
	Held             bool            // no other charge will go through, either: charging pauses
	Conflict         bool            // somebody must look
	Reason           amazonpay.Reason
	Soft             bool
	AuthorizationID  amazonpay.AuthorizationID
	OrderReferenceID amazonpay.OrderReferenceID
	CaptureID        amazonpay.CaptureID
}

// after is the one place where an attempt changes: whoever brings an event, in
// whatever order and however often, the same set of events ends the same way.
//
// What Amazon says goes before what the network did; what is final stays,
// unless Amazon says that money has moved, which always counts. If it speaks of
// another amount than was asked for, somebody must look.
func (a attempt) after(e event) attempt {
	switch e.Kind {
	case evSend:
		a.Doubt = a.Doubt || a.State == sending || a.State == unknown
		if a.State == intent || a.State == unknown {
			a.State = sending
		}
	case evNews:
		return a.told(e)
	case evLost:
		if a.State == sending {
			a.State, a.Doubt, a.Reason = unknown, true, e.Reason
			a.Conflict = a.Conflict || e.Conflict
		}
	case evUnsent:
		if a.State == sending {
			a.State, a.Reason = intent, e.Reason
			if a.Doubt {
				a.State = unknown
			}
		}
	case evRejected:
		switch {
		case a.State != sending:
		case a.Doubt && !e.Certain: // it says nothing about the earlier request
			a.State, a.Reason = unknown, e.Reason
		default:
			a.State, a.Doubt, a.Reason = refused, false, e.Reason
		}
	case evRearm:
		if a.State == refused {
			a.State, a.Reason = intent, e.Reason
		}
	}
	return a
}

// told applies what Amazon said.
func (a attempt) told(e event) attempt {
	a.learn(e)
	a.Conflict = a.Conflict || !e.Amount.IsZero() && e.Amount != a.Amount
	if e.News == paid {
		a.Taken = cmp.Or(e.Amount, a.Taken, a.Amount)
	}
	switch {
	case a.State == e.News:
		return a
	case a.State == paid: // what came before payment comes late
		a.Conflict = a.Conflict || e.News == declined
		return a
	case a.State.final() && e.News == pending:
		a.Conflict = a.Conflict || a.State == refused
		return a
	case a.State.final(): // paid or declined after another end
		a.Conflict = true
		if a.State == declined && e.News != paid {
			return a
		}
	}
	a.State, a.Doubt = e.News, false
	a.Reason, a.Soft = e.Reason, e.Soft
	if e.News == paid {
		a.Reason, a.Soft = "", false
	}
	return a
}

// learn keeps Amazon's ids.
func (a *attempt) learn(e event) {
	if e.AuthorizationID != "" {
		a.AuthorizationID = e.AuthorizationID
	}
	if e.OrderReferenceID != "" {
		a.OrderReferenceID = e.OrderReferenceID
	}
	if e.CaptureID != "" {
		a.CaptureID = e.CaptureID
	}
}

// newsOfAuthorization is what an authorization with CaptureNow says. One that
// is Open has reserved the money and not taken it: its capture decides.
func newsOfAuthorization(a *amazonpay.Authorization) event {
	e := event{Kind: evNews, News: pending, AuthorizationID: a.AmazonAuthorizationID,
		Amount: a.AuthorizationAmount, Reason: a.AuthorizationStatus.ReasonCode, Soft: a.SoftDecline}
	if a.CapturedAmount.Sign() > 0 {
		e.Amount = a.CapturedAmount
	}
	if len(a.IDList) > 0 {
		e.CaptureID = a.IDList[0]
	}
	switch a.Outcome() {
	case amazonpay.OutcomePaid:
		e.News = paid
	case amazonpay.OutcomeDeclined, amazonpay.OutcomeClosed:
		e.News = declined
	}
	return e
}

// newsOfCapture is what the capture of a charge says, together with its
// authorization if that has been read. One that is Closed was Completed and
// refunded, or Amazon closed it: whether before any money moved, only the
// authorization tells.
func newsOfCapture(c *amazonpay.Capture, a *amazonpay.Authorization) event {
	e := event{Kind: evNews, News: pending, Amount: c.CaptureAmount, CaptureID: c.AmazonCaptureID, Reason: c.CaptureStatus.ReasonCode}
	closed := c.CaptureStatus.State == amazonpay.StateClosed
	switch {
	case c.CaptureStatus.State == amazonpay.StateCompleted,
		closed && c.Advice().Over, closed && a != nil && a.CapturedAmount.Sign() > 0:
		e.News = paid
	case c.CaptureStatus.State == amazonpay.StateDeclined, closed && a != nil:
		e.News = declined
	}
	return e
}
