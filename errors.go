package amazonpay

import (
	"errors"
	"fmt"
	"strings"

	"github.com/amazonpay-go/amazonpay/internal/fault"
)

// ErrorCode is the code of an error answer. It is an error itself, so that
// errors.Is(err, amazonpay.ErrRequestThrottled) works. The type is open: a code
// that Amazon adds passes through unchanged.
type ErrorCode string

// Error is the code's text.
func (c ErrorCode) Error() string { return string(c) }

// The codes of the payment API, and the general ones of Amazon's gateway. A
// status behind a code is the usual one; Amazon documents only some of them.
const (
	ErrAccessDenied                      ErrorCode = "AccessDenied"                      // 401: the keys may not use this operation or environment
	ErrAmbiguousToken                    ErrorCode = "AmbiguousToken"                    // 400: both an access token and an address consent token were sent
	ErrBillingAgreementConstraintsExist  ErrorCode = "BillingAgreementConstraintsExist"  // 400: the agreement cannot be confirmed yet; read its Constraints
	ErrBillingAgreementNotModifiable     ErrorCode = "BillingAgreementNotModifiable"     // 405: the agreement is confirmed already
	ErrCaptureNotRefundable              ErrorCode = "CaptureNotRefundable"              // 405: the capture is not Completed
	ErrConstraintsExist                  ErrorCode = "ConstraintsExist"                  // 400, or 404 by another page: the order reference cannot be confirmed yet
	ErrCurrencyMismatch                  ErrorCode = "CurrencyMismatch"                  // 400: not the currency of the order total
	ErrCurrencyUnsupported               ErrorCode = "CurrencyUnsupported"               // 400: this merchant may not charge in that currency
	ErrDuplicateReferenceID              ErrorCode = "DuplicateReferenceId"              // 400: another authorization, capture or refund used the reference id
	ErrDuplicateRequest                  ErrorCode = "DuplicateRequest"                  // 400: the reference id was used with other parameters
	ErrInputStreamDisconnected           ErrorCode = "InputStreamDisconnected"           // 400: the request did not arrive whole
	ErrInternalError                     ErrorCode = "InternalError"                     // 500, from the gateway
	ErrInternalServerError               ErrorCode = "InternalServerError"               // 500; also a sandbox object sent to production, or the reverse
	ErrInvalidAccessKeyID                ErrorCode = "InvalidAccessKeyId"                // 403: no such access key
	ErrInvalidAccountStatus              ErrorCode = "InvalidAccountStatus"              // 403: your account is suspended or its registration incomplete
	ErrInvalidAddress                    ErrorCode = "InvalidAddress"                    // 400 or 404: wrong path, version or operation
	ErrInvalidAddressConsentToken        ErrorCode = "InvalidAddressConsentToken"        // 404: the token is invalid, expired or another buyer's
	ErrInvalidAuthorizationAmount        ErrorCode = "InvalidAuthorizationAmount"        // the amount is not acceptable
	ErrInvalidAuthorizationStatus        ErrorCode = "InvalidAuthorizationStatus"        // 405: the authorization's state forbids it
	ErrInvalidBillingAgreementID         ErrorCode = "InvalidBillingAgreementId"         // unknown agreement, or one of the other environment
	ErrInvalidBillingAgreementStatus     ErrorCode = "InvalidBillingAgreementStatus"     // the agreement's state forbids it
	ErrInvalidBillingAgreementType       ErrorCode = "InvalidBillingAgreementType"       // not one of the two types
	ErrInvalidCancelAttempt              ErrorCode = "InvalidCancelAttempt"              // the order reference cannot be canceled
	ErrInvalidClientTokenID              ErrorCode = "InvalidClientTokenId"              // 403: no such access key, in the gateway's words
	ErrInvalidCloseAttempt               ErrorCode = "InvalidCloseAttempt"               // the order reference or agreement cannot be closed
	ErrInvalidOrderReferenceID           ErrorCode = "InvalidOrderReferenceId"           // 404: unknown, of another kind or of the other environment
	ErrInvalidOrderReferenceStatus       ErrorCode = "InvalidOrderReferenceStatus"       // the order reference's state forbids it
	ErrInvalidParameterValue             ErrorCode = "InvalidParameterValue"             // 400: a parameter is missing or bad, or the request is too old
	ErrInvalidSandboxSimulationSpecified ErrorCode = "InvalidSandboxSimulationSpecified" // a simulation string in the wrong place
	ErrInvalidSubscriptionAmount         ErrorCode = "InvalidSubscriptionAmount"         // the subscription amount is not acceptable
	ErrInvalidTransactionID              ErrorCode = "InvalidTransactionId"              // unknown authorization, capture or refund, or an id of another kind
	ErrMissingAuthenticationToken        ErrorCode = "MissingAuthenticationToken"        // seen for a bad signature
	ErrOrderReferenceCountExceeded       ErrorCode = "OrderReferenceCountExceeded"       // a draft agreement has its one order reference already
	ErrOrderReferenceNotModifiable       ErrorCode = "OrderReferenceNotModifiable"       // 405: the order reference is not in Draft
	ErrPaymentMethodNotUpdated           ErrorCode = "PaymentMethodNotUpdated"           // the buyer of a suspended object has not changed the payment method
	ErrPeriodicAmountExceeded            ErrorCode = "PeriodicAmountExceeded"            // 400: the agreement's cap of this calendar month
	ErrProviderNotAuthorized             ErrorCode = "ProviderNotAuthorized"             // the provider is not linked to this seller
	ErrQuotaExceeded                     ErrorCode = "QuotaExceeded"                     // 503: the hourly quota
	ErrRequestExpired                    ErrorCode = "RequestExpired"                    // the timestamp is more than 15 minutes off
	ErrRequestThrottled                  ErrorCode = "RequestThrottled"                  // 503: the quota of the operation
	ErrServiceUnavailable                ErrorCode = "ServiceUnavailable"                // 503: try again
	ErrSignatureDoesNotMatch             ErrorCode = "SignatureDoesNotMatch"             // 403: wrong secret key, or something changed the request on its way
	ErrTransactionAmountExceeded         ErrorCode = "TransactionAmountExceeded"         // more than may be taken or given back
	ErrTransactionCountExceeded          ErrorCode = "TransactionCountExceeded"          // too many authorizations, captures or refunds
	ErrUnauthorizedAccess                ErrorCode = "UnauthorizedAccess"                // the account may not do this
	ErrUnauthorizedSolutionProvider      ErrorCode = "UnauthorizedSolutionProvider"      // the provider is not authorized for the merchant
)

// Error is a call that failed: Amazon refused it, answered something that is
// not an answer, or could not be reached. Branch on Code with errors.Is or a
// switch; send RequestID to Amazon's support. A declined payment is not an
// Error: it is an answer, with a State.
type Error struct {
	Action     string    // the operation, such as "Capture"
	StatusCode int       // HTTP status; 0 if there was no answer
	Type       string    // "Sender", "Receiver" or empty, as Amazon sent it
	Code       ErrorCode // empty if the answer carried none that can be read
	Message    string    // Amazon's text, with tokens and e-mail addresses removed
	RequestID  string    // Amazon's id of the call; empty if the answer carried none that can be read
	Attempts   int       // requests made, the last one included
	Hint       string    // what usually causes this, where that is known

	cause error
}

// Error says what failed and why:
// "amazonpay: Capture: … (400 DuplicateReferenceId, request 9547…)".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("amazonpay: ")
	b.WriteString(e.Action)
	if e.Message != "" {
		b.WriteString(": " + strings.TrimSuffix(e.Message, "."))
	}
	switch {
	case e.cause != nil:
		b.WriteString(": " + e.cause.Error())
	case e.StatusCode/100 == 4 && e.Code == "":
		b.WriteString(": the answer is not Amazon's")
	}
	if parts := e.labels(); len(parts) > 0 {
		b.WriteString(" (" + strings.Join(parts, ", ") + ")")
	}
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// labels are the parts of the bracket behind an error's text.
func (e *Error) labels() []string {
	var parts []string
	switch {
	case e.StatusCode != 0 && e.Code != "":
		parts = append(parts, fmt.Sprintf("%d %s", e.StatusCode, e.Code))
	case e.StatusCode != 0:
		parts = append(parts, fmt.Sprintf("status %d", e.StatusCode))
	}
	if e.RequestID != "" {
		parts = append(parts, "request "+e.RequestID)
	}
	if e.Attempts > 1 {
		parts = append(parts, fmt.Sprintf("%d attempts", e.Attempts))
	}
	return parts
}

// Is reports whether target is the error's code.
func (e *Error) Is(target error) bool {
	code, ok := target.(ErrorCode)
	return ok && code != "" && code == e.Code
}

// As hands out the code: errors.AsType[amazonpay.ErrorCode](err), for a metric.
func (e *Error) As(target any) bool {
	code, ok := target.(*ErrorCode)
	if ok = ok && e.Code != ""; ok {
		*code = e.Code
	}
	return ok
}

// Unwrap is what lies beneath, or nil: errors.Is and errors.As find the network's
// or the context's error in it. Its text is scrubbed too.
func (e *Error) Unwrap() error { return e.cause }

// OutcomeUnknownError says that a call may or may not have been carried out:
// it was sent, and no answer that could be read came back. It is not a
// failure. Repeat the same request, with the same reference id, until an
// answer comes: if the first one was carried out, Amazon answers with its
// result and nothing happens twice. Never answer it with a new reference id.
type OutcomeUnknownError struct {
	Action      string      // the operation, such as "AuthorizeOnBillingAgreement"
	ReferenceID ReferenceID // yours, to repeat with; empty for CreateOrderReferenceForId, which has none: look for its SellerOrderID before repeating it
	Err         error       // what happened last; usually an *Error
}

// Error names the action, the reference id and what happened last.
func (e *OutcomeUnknownError) Error() string {
	id := ""
	if e.ReferenceID != "" {
		id = " of " + string(e.ReferenceID)
	}
	last := strings.TrimLeft(strings.TrimPrefix(unprefixed(e.Err), e.Action), ": ")
	return fmt.Sprintf("amazonpay: %s: the outcome%s is unknown: %s", e.Action, id, last)
}

// unprefixed is an error's text without the package's name, which stands once in
// front of the whole.
func unprefixed(err error) string { return strings.TrimPrefix(err.Error(), "amazonpay: ") }

// Unwrap is what happened last.
func (e *OutcomeUnknownError) Unwrap() error { return e.Err }

// Fault is one thing wrong with a [Config] or a request: its Field is the Go
// field, with its path ("ProviderCreditList[1].ProviderID"), its Problem says what
// is wrong, never the value ("is required").
type Fault = fault.Fault

// InvalidError lists everything that is wrong with a [Config] or a request.
// Nothing was sent. Its Subject is "Config" or the operation; its Faults are at
// least one, in the order of the fields. Packages lwa and widgets have the same
// type.
type InvalidError = fault.InvalidError

// invalid is an *InvalidError, or nil if nothing is wrong.
func invalid(subject string, wrong fault.List) error { return wrong.Of("amazonpay", subject) }

// Causes that this package finds, not Amazon.
var (
	errRedirect = errors.New("the server answered with a redirect, which is never followed")
	errTooLarge = errors.New("the answer is larger than 4 MiB")
)
