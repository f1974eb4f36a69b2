package amazonpay

import "time"

// State is where an object stands. The type is open: a value that Amazon adds
// passes through unchanged.
type State string

// The states. Which object knows which: billing agreements and order
// references are Draft, Open, Suspended, Canceled or Closed; authorizations are
// Pending, Open, Declined or Closed; captures and provider credits are Pending,
// Declined, Completed or Closed; refunds are Pending, Declined or Completed.
const (
	StateDraft     State = "Draft"
	StateOpen      State = "Open"
	StateSuspended State = "Suspended"
	StateCanceled  State = "Canceled"
	StateClosed    State = "Closed"
	StatePending   State = "Pending"
	StateDeclined  State = "Declined"
	StateCompleted State = "Completed"
)

// Terminal reports whether there is nothing more to wait for: Declined,
// Canceled, Closed and Completed. A Completed capture can still become Closed,
// by refunds; its money has arrived all the same. A state that this version
// does not know is not terminal.
func (s State) Terminal() bool {
	switch s {
	case StateDeclined, StateCanceled, StateClosed, StateCompleted:
		return true
	}
	return false
}

// Reason says why an object is in its state. The type is open: a value that
// Amazon adds passes through unchanged.
type Reason string

// The reasons. The comments name the objects and states they come with.
const (
	ReasonAmazonCanceled               Reason = "AmazonCanceled"               // agreement, order reference Canceled: by Amazon
	ReasonAmazonClosed                 Reason = "AmazonClosed"                 // any object Closed: a problem with an account
	ReasonAmazonRejected               Reason = "AmazonRejected"               // authorization, capture, refund Declined: Amazon refused it
	ReasonBuyerClosed                  Reason = "BuyerClosed"                  // agreement Closed: by the buyer, on Amazon's site (from one third-party source)
	ReasonExpired                      Reason = "Expired"                      // order reference Closed: 180 days have passed
	ReasonExpiredUnused                Reason = "ExpiredUnused"                // authorization Closed: not captured in time
	ReasonInvalidPaymentMethod         Reason = "InvalidPaymentMethod"         // authorization Declined; agreement, order reference Suspended
	ReasonMaxAmountCharged             Reason = "MaxAmountCharged"             // order reference Closed: the permitted surplus is used up
	ReasonMaxAmountRefunded            Reason = "MaxAmountRefunded"            // capture Closed: the permitted surplus is refunded
	ReasonMaxAmountReversed            Reason = "MaxAmountReversed"            // provider credit Closed: reversed in full
	ReasonMaxAuthorizationsCaptured    Reason = "MaxAuthorizationsCaptured"    // order reference Closed: all its authorizations are captured
	ReasonMaxAuthorizationsProcessed   Reason = "MaxAuthorizationsProcessed"   // the same, as a recorded notification spells it
	ReasonMaxCapturesProcessed         Reason = "MaxCapturesProcessed"         // authorization Closed: captured. The normal good end
	ReasonMaxRefundsProcessed          Reason = "MaxRefundsProcessed"          // capture Closed: ten refunds were made
	ReasonOrderReferenceCanceled       Reason = "OrderReferenceCanceled"       // authorization Closed: its order reference was canceled
	ReasonPaymentAuthorizationRequired Reason = "PaymentAuthorizationRequired" // order reference Suspended: the buyer abandoned the bank's challenge (weakly sourced)
	ReasonProcessingFailure            Reason = "ProcessingFailure"            // authorization, capture, refund Declined: an internal error
	ReasonSellerCanceled               Reason = "SellerCanceled"               // order reference Canceled: by you
	ReasonSellerClosed                 Reason = "SellerClosed"                 // agreement, order reference, authorization Closed: by you
	ReasonStale                        Reason = "Stale"                        // agreement, order reference Canceled: not confirmed within 3 hours
	ReasonStopShipmentAtypicalAuth     Reason = "StopShipmentAtypicalAuth"     // authorization, capture: an unusual pattern; stop the shipment if you can
	ReasonValidationTimedOut           Reason = "ValidationTimedOut"           // FailureReasonCode of a validation: it could not be checked within seconds
	ReasonTransactionTimedOut          Reason = "TransactionTimedOut"          // authorization Declined: no decision in time
)

// Status is where an object stands, since when and why. All objects share it.
type Status struct {
	State               State     // where it stands
	LastUpdateTimestamp time.Time `xml:"LastUpdateTimestamp|LastUpdatedTimestamp"` // zero if Amazon did not say
	ReasonCode          Reason    // empty in most good states
	ReasonDescription   string    // for people; for a closure of yours, the reason you gave
}
