package widgets

import "maps"

// ErrorCode is what went wrong in the buyer's browser. The type is open: a code
// that Amazon adds passes through unchanged.
type ErrorCode string

// The codes of Amazon's widgets.
const (
	ErrAddressNotModifiable          ErrorCode = "AddressNotModifiable"          // the state does not allow another address
	ErrBuyerNotAssociated            ErrorCode = "BuyerNotAssociated"            // the buyer must sign in first
	ErrBuyerSessionExpired           ErrorCode = "BuyerSessionExpired"           // the hour with Amazon is over: sign in again
	ErrInvalidAccountStatus          ErrorCode = "InvalidAccountStatus"          // your seller account is suspended or not yet complete
	ErrInvalidBillingAgreementStatus ErrorCode = "InvalidBillingAgreementStatus" // the state does not fit: often Consent on an agreement that is confirmed already
	ErrInvalidOrderReferenceID       ErrorCode = "InvalidOrderReferenceId"
	ErrInvalidParameterValue         ErrorCode = "InvalidParameterValue"
	ErrInvalidSellerID               ErrorCode = "InvalidSellerId"
	ErrMissingParameter              ErrorCode = "MissingParameter"
	ErrPaymentMethodNotModifiable    ErrorCode = "PaymentMethodNotModifiable" // the state does not allow another payment method
	ErrReleaseEnvironmentMismatch    ErrorCode = "ReleaseEnvironmentMismatch" // a sandbox object in production, or the other way round
	ErrStaleOrderReference           ErrorCode = "StaleOrderReference"        // not confirmed in time, and canceled
	ErrUnknownError                  ErrorCode = "UnknownError"               // a failure of Amazon's

	// Safari's tracking prevention. It needs no action: the buyer sees no
	// message and you get no event.
	ErrITP ErrorCode = "ITP"
)

// The codes of this package's own script. Amazon does not send them.
const (
	ErrNoScript       ErrorCode = "noScript"       // the browser runs no scripts
	ErrNotLoaded      ErrorCode = "notLoaded"      // Widgets.js could not be loaded, often because of a blocker, or did nothing for 30 seconds
	ErrNotSaved       ErrorCode = "notSaved"       // your EventsURL refused an event or could not be reached
	ErrNotConfirmed   ErrorCode = "notConfirmed"   // your EventsURL answered KindConfirm with a 4xx status
	ErrConfirmUnknown ErrorCode = "confirmUnknown" // your EventsURL did not answer KindConfirm within 30 seconds, or with a 5xx; or it did, and 30 seconds later the browser is still there: it may be confirmed
)

// Messages is what a buyer reads when something goes wrong, by code. A code that
// has none gets the text of [English], or else of [ErrUnknownError].
type Messages map[ErrorCode]string

// English returns the messages that a [Page] without Messages has.
func English() Messages { return maps.Clone(english) }

const trouble = "Something is wrong on our side. Please choose another way to pay, or come back later."

var english = Messages{
	ErrAddressNotModifiable:          "The address of this order can no longer be changed.",
	ErrBuyerNotAssociated:            "Please sign in with Amazon first.",
	ErrBuyerSessionExpired:           "Your session with Amazon has ended. Please sign in again.",
	ErrInvalidAccountStatus:          trouble,
	ErrInvalidBillingAgreementStatus: "This subscription can no longer be changed here. Please reload the page.",
	ErrInvalidOrderReferenceID:       trouble,
	ErrInvalidParameterValue:         trouble,
	ErrInvalidSellerID:               trouble,
	ErrMissingParameter:              trouble,
	ErrPaymentMethodNotModifiable:    "The payment method of this order can no longer be changed.",
	ErrReleaseEnvironmentMismatch:    trouble,
	ErrStaleOrderReference:           "This order has waited too long and was canceled. Please start again.",
	ErrUnknownError:                  "Amazon Pay is not available right now. Please try again, or choose another way to pay.",
	ErrNoScript:                      "Amazon Pay needs JavaScript. Please turn it on and reload the page.",
	ErrNotLoaded:                     "Amazon Pay could not be loaded. Please turn off content blockers for this page and reload it.",
	ErrNotSaved:                      "Your choice could not be saved. Please reload the page and try again.",
	ErrNotConfirmed:                  "The confirmation was not accepted. Please check your address, your payment method and your consent.",
	ErrConfirmUnknown:                "We do not know yet whether your confirmation got through. Please wait a minute and reload the page before you try again.",
}
