package amazonpay

import (
	"errors"
	"net/http"
	"time"
)

// Retry says with which reference id a charge may be tried again.
type Retry string

// The ways to try again.
const (
	RetryNot    Retry = ""       // not by itself
	RetrySameID Retry = "SameID" // the same request, with the same reference id: nothing was decided yet, or nothing was made
	RetryNewID  Retry = "NewID"  // the same payment with a new reference id: the old one is declined for good
)

// Advice says what to do about a charge that was declined, refused or is not
// decided. The zero Advice is that of success: nothing to do.
type Advice struct {
	Soft      bool          // may pass by itself, so that the same charge works later
	Retry     Retry         // whether to try again, and with which reference id
	After     time.Duration // the least wait before that; 0 means that none is known
	NextMonth bool          // not before the next calendar month (UTC): the agreement's cap
	State     State         // where it leaves the agreement or the order reference; empty if it changes nothing or is not known: read it
	Confirm   bool          // it is suspended: ConfirmBillingAgreement, or ConfirmOrderReference, reopens it before the retry
	Buyer     bool          // nothing works before the buyer acts: ask for another payment method, then go on when the state is Open again
	Seller    bool          // nothing works before you act: the request, the account or the keys
	Over      bool          // the agreement, order reference or capture is at its end: another one is needed
	Text      string        // what to do, for people; may change between versions
}

// String is the Text.
func (a Advice) String() string { return a.Text }

// AdviceFor is the advice on an error of Charge, or of another operation. It is
// zero for nil. For an error that is not of this package, the advice is to
// repeat the same request, which is always safe.
func AdviceFor(err error) Advice {
	repeat := Advice{Soft: true, Retry: RetrySameID, After: time.Minute, Text: "repeat the same request, with the same reference id"}
	if err == nil {
		return Advice{}
	}
	if unknown, ok := errors.AsType[*OutcomeUnknownError](err); ok {
		if unknown.Action == createOrderReferenceForID {
			return Advice{Seller: true, Text: "look for the order by its SellerOrderID before you repeat the request: a repeat may make a second one"}
		}
		return repeat
	}
	if read, ok := errors.AsType[*standingError](err); ok {
		return read.advice
	}
	if _, wrong := errors.AsType[*InvalidError](err); wrong {
		return Advice{Retry: RetrySameID, Seller: true, Text: "correct what is wrong: nothing was sent"}
	}
	code, _ := errors.AsType[ErrorCode](err)
	if advice, known := refusals[code]; known {
		return advice
	}
	if e, ok := errors.AsType[*Error](err); ok && e.Code != "" && e.StatusCode/100 == 4 && e.StatusCode != http.StatusTooManyRequests {
		return unknownRefusal
	}
	return repeat
}

// unknownID tells that Amazon does not know the id of an object.
func unknownID(err error) bool {
	switch code, _ := errors.AsType[ErrorCode](err); code {
	case ErrInvalidBillingAgreementID, ErrInvalidOrderReferenceID, ErrInvalidTransactionID:
		return true
	}
	return false
}

// standingError is a refusal for the state of an agreement or order reference,
// with the advice on the state that was read afterwards.
type standingError struct {
	error
	advice Advice
}

func (e *standingError) Unwrap() error { return e.error }

var (
	unknownRefusal = Advice{Retry: RetrySameID, Seller: true, Text: "look at the error: Amazon would not take the request"}
	transient      = Advice{Soft: true, Retry: RetrySameID, After: time.Minute, Text: "repeat the same request: Amazon could not handle it"}
	wrongKeys      = Advice{Retry: RetrySameID, Seller: true, Text: "check the keys, the seller id, the region and the environment"}
	wrongAccount   = Advice{Retry: RetrySameID, Seller: true, Text: "ask Amazon what the account may do"}
	wrongRequest   = Advice{Retry: RetrySameID, Seller: true, Text: "correct the request: Amazon would not take it"}
	wrongAmount    = Advice{Retry: RetrySameID, Seller: true, Text: "correct the amount or its currency"}
	wrongID        = Advice{Retry: RetrySameID, Seller: true, Text: "check the id and the environment: Amazon does not know it"}
	wrongState     = Advice{Seller: true, Text: "read the object: its state does not allow this"}
	constrained    = Advice{Retry: RetrySameID, Buyer: true, Confirm: true, Text: "let the buyer complete what the Constraints name, then confirm and repeat the same request"}
	usedID         = Advice{Seller: true, Text: "find out what used the reference id before anything else: it may have been paid"}
)

// refusals is what to do about every error code. Where nothing was made the
// same reference id serves again: if something was, after all, it tells.
var refusals = map[ErrorCode]Advice{
	ErrInternalError:           transient,
	ErrInternalServerError:     transient,
	ErrServiceUnavailable:      transient,
	ErrRequestThrottled:        transient,
	ErrInputStreamDisconnected: transient,
	ErrQuotaExceeded:           {Soft: true, Retry: RetrySameID, After: time.Hour, Text: "repeat the same request when the hourly quota is full again"},
	ErrRequestExpired:          {Retry: RetrySameID, Seller: true, Text: "set this machine's clock"},

	ErrPeriodicAmountExceeded: {Soft: true, Retry: RetrySameID, NextMonth: true, State: StateOpen,
		Text: "repeat the same request next month, or ask Amazon for a higher limit: the agreement's cap of this month is reached"},
	ErrInvalidBillingAgreementStatus: {Retry: RetrySameID, Buyer: true,
		Text: "read the agreement: if it is Suspended, repeat the same request when the buyer has made it Open again; if it is at its end, stop"},
	ErrInvalidOrderReferenceStatus: {Retry: RetrySameID, Buyer: true,
		Text: "read the order reference: if it is Suspended, repeat the same request when the buyer has made it Open again; if it is at its end, stop"},
	ErrPaymentMethodNotUpdated: {Retry: RetrySameID, Buyer: true, Confirm: true, State: StateSuspended,
		Text: "ask the buyer for another payment method, then repeat the same request"},
	ErrTransactionCountExceeded:         {Over: true, Text: "it takes no more authorizations, captures or refunds"},
	ErrCaptureNotRefundable:             wrongState,
	ErrInvalidAuthorizationStatus:       wrongState,
	ErrInvalidCancelAttempt:             wrongState,
	ErrInvalidCloseAttempt:              wrongState,
	ErrBillingAgreementNotModifiable:    wrongState,
	ErrOrderReferenceNotModifiable:      wrongState,
	ErrOrderReferenceCountExceeded:      wrongState,
	ErrBillingAgreementConstraintsExist: constrained,
	ErrConstraintsExist:                 constrained,
	ErrDuplicateReferenceID:             usedID,
	ErrDuplicateRequest:                 usedID,

	ErrTransactionAmountExceeded:  wrongAmount,
	ErrInvalidAuthorizationAmount: wrongAmount,
	ErrInvalidSubscriptionAmount:  wrongAmount,
	ErrCurrencyMismatch:           wrongAmount,
	ErrCurrencyUnsupported:        wrongAmount,

	ErrInvalidBillingAgreementID: wrongID,
	ErrInvalidOrderReferenceID:   wrongID,
	ErrInvalidTransactionID:      wrongID,

	ErrAmbiguousToken:                    wrongRequest,
	ErrInvalidAddress:                    wrongRequest,
	ErrInvalidAddressConsentToken:        wrongRequest,
	ErrInvalidBillingAgreementType:       wrongRequest,
	ErrInvalidParameterValue:             wrongRequest,
	ErrInvalidSandboxSimulationSpecified: wrongRequest,

	ErrAccessDenied:               wrongKeys,
	ErrInvalidAccessKeyID:         wrongKeys,
	ErrInvalidClientTokenID:       wrongKeys,
	ErrMissingAuthenticationToken: wrongKeys,
	ErrSignatureDoesNotMatch:      wrongKeys,

	ErrInvalidAccountStatus:         wrongAccount,
	ErrProviderNotAuthorized:        wrongAccount,
	ErrUnauthorizedAccess:           wrongAccount,
	ErrUnauthorizedSolutionProvider: wrongAccount,
}

var (
	undecided     = Advice{Retry: RetrySameID, After: 15 * time.Minute, Text: "wait for the notification, or repeat the same request to learn more"}
	unknownReason = Advice{Seller: true, Text: "look at the reason: this version does not know it"}
	unknownState  = Advice{Retry: RetrySameID, After: 15 * time.Minute, Text: "look at the state, which this version does not know, or repeat the same request to learn more"}
	amazonClosed  = Advice{Seller: true, Text: "ask Amazon: it closed this for a problem with an account"}
	stopShipment  = Advice{Seller: true, Text: "stop the shipment if you can: Amazon sees an unusual pattern"}
	stopAndWait   = Advice{Retry: RetrySameID, After: 15 * time.Minute,
		Text: "stop the shipment if you can: Amazon sees an unusual pattern; wait for the notification, or repeat the same request to learn more"}
	failed = Advice{Soft: true, Retry: RetryNewID, Text: "try again later: Amazon had an internal error"}
)

// in is the advice with the state it leaves the agreement or order in.
func (a Advice) in(s State) Advice {
	a.State = s
	return a
}

// Advice is what to do about the authorization as it stands. The same reason
// has other consequences on an agreement than on a one-time order: onAgreement
// tells which it is.
func (a *Authorization) Advice(onAgreement bool) Advice {
	status := a.AuthorizationStatus
	switch outcome := a.Outcome(); {
	case status.ReasonCode == ReasonStopShipmentAtypicalAuth && outcome == OutcomePending:
		return stopAndWait
	case status.ReasonCode == ReasonStopShipmentAtypicalAuth:
		return stopShipment
	case outcome == OutcomePaid || outcome == OutcomeOpen:
		return Advice{}
	case status.State == StatePending:
		return undecided
	case outcome == OutcomePending:
		return unknownState
	}
	switch status.ReasonCode {
	case ReasonInvalidPaymentMethod:
		if a.SoftDecline {
			return Advice{Soft: true, Retry: RetryNewID, State: StateSuspended, Confirm: true,
				Text: "confirm again and try later: the payment method may work then"}
		}
		return Advice{Retry: RetryNewID, State: StateSuspended, Buyer: true, Text: "ask the buyer for another payment method, then try again"}
	case ReasonAmazonRejected:
		if onAgreement {
			return Advice{Retry: RetryNewID, State: StateOpen, Text: "try once more later, or ask for another form of payment: Amazon rejected it"}
		}
		return Advice{State: StateClosed, Over: true, Text: "ask for another form of payment: Amazon rejected it and closed the order"}
	case ReasonProcessingFailure:
		return failed.in(StateOpen)
	case ReasonTransactionTimedOut:
		return Advice{Soft: true, Retry: RetryNewID, State: StateOpen, Text: "try again, with more time: there was no decision in time"}
	case ReasonExpiredUnused:
		return Advice{Soft: true, Retry: RetryNewID, Text: "authorize anew if it is still wanted: it was not captured in time"}
	case ReasonAmazonClosed:
		return amazonClosed
	case ReasonSellerClosed:
		return Advice{Seller: true, Text: "nothing: you closed the authorization"}
	case ReasonOrderReferenceCanceled:
		if onAgreement { // the order of this one charge, or all of the agreement: that must be read
			return Advice{Seller: true, Text: "find out why the order was canceled, and read the agreement"}
		}
		return Advice{State: StateCanceled, Seller: true, Over: true, Text: "find out why the order was canceled"}
	}
	return unknownReason
}

// Advice is what to do about the capture as it stands. RetryNewID is about its
// authorization, too: capture that once more while it is Open, or close it and
// charge anew.
func (p *Capture) Advice() Advice {
	switch s := p.CaptureStatus; {
	case s.ReasonCode == ReasonStopShipmentAtypicalAuth && s.State == StatePending:
		return stopAndWait
	case s.ReasonCode == ReasonStopShipmentAtypicalAuth:
		return stopShipment
	case s.State == StatePending:
		return undecided
	case s.State == StateCompleted:
		return Advice{}
	case s.State != StateDeclined && s.State != StateClosed:
		return unknownState
	case s.ReasonCode == ReasonAmazonRejected:
		return Advice{Retry: RetryNewID, Text: "try once more while the authorization is Open: Amazon rejected it"}
	case s.ReasonCode == ReasonProcessingFailure:
		return failed
	case s.ReasonCode == ReasonMaxAmountRefunded, s.ReasonCode == ReasonMaxRefundsProcessed:
		return Advice{Over: true, Text: "nothing: it is paid, and takes no more refunds"}
	case s.ReasonCode == ReasonAmazonClosed:
		return amazonClosed
	}
	return unknownReason
}

// Advice is what to do about the refund as it stands. RetryNewID is about the
// RefundReferenceID.
func (r *Refund) Advice() Advice {
	switch s := r.RefundStatus; {
	case s.State == StatePending:
		return undecided
	case s.State == StateCompleted:
		return Advice{}
	case s.State != StateDeclined:
		return unknownState
	case s.ReasonCode == ReasonAmazonRejected:
		return Advice{Retry: RetryNewID, Seller: true, Text: "balance the account and try again, or refund outside Amazon: Amazon rejected it"}
	case s.ReasonCode == ReasonProcessingFailure:
		return Advice{Soft: true, Retry: RetryNewID, After: 2 * time.Minute,
			Text: "try again while the capture is Completed, unless the buyer has been refunded by a claim or chargeback"}
	}
	return unknownReason
}

// Advice is what to do about the agreement as it stands, before it is charged.
func (b *BillingAgreement) Advice() Advice { return standing(b.BillingAgreementStatus, "agreement") }

// Advice is what to do about the order reference as it stands, before money is
// authorized on it.
func (o *OrderReference) Advice() Advice { return standing(o.OrderReferenceStatus, "order reference") }

// standing is the advice on an agreement or order reference.
func standing(s Status, what string) Advice {
	over := func(text string) Advice { return Advice{State: s.State, Over: true, Text: text} }
	switch s.State {
	case StateOpen:
		return Advice{}
	case StateDraft:
		return Advice{State: s.State, Retry: RetrySameID, After: time.Minute, Confirm: true, Text: "confirm the " + what}
	case StateSuspended:
		if s.ReasonCode == ReasonPaymentAuthorizationRequired {
			return Advice{State: s.State, Retry: RetrySameID, Buyer: true, Text: "let the buyer confirm again, with the bank's challenge, then repeat the charge"}
		}
		// Whatever the reason, and whatever became of the last charge: only that knows of a new id
		return Advice{State: s.State, Retry: RetrySameID, Buyer: true,
			Text: "ask the buyer for another payment method, then repeat the charge, or try again if it was declined"}
	case StateCanceled, StateClosed:
	default:
		return Advice{Seller: true, State: s.State, Text: "look at the state: this version does not know it"}
	}
	switch s.ReasonCode {
	case ReasonStale:
		return over("let the buyer begin anew: the " + what + " was not confirmed in time")
	case ReasonBuyerClosed:
		return over("stop: the buyer closed the " + what)
	case ReasonSellerClosed, ReasonSellerCanceled:
		return over("stop: you ended the " + what)
	case ReasonAmazonClosed, ReasonAmazonCanceled:
		return over("stop, and ask Amazon or the buyer: Amazon ended the " + what)
	case ReasonExpired:
		return over("make a new order: this one is too old")
	case ReasonMaxAmountCharged, ReasonMaxAuthorizationsCaptured, ReasonMaxAuthorizationsProcessed:
		return over("make a new order: all that this one allows is captured")
	}
	return over("stop: the " + what + " is at its end, for a reason that this version does not know")
}
