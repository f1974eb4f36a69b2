package amazonpaytest

import "github.com/amazonpay-go/amazonpay"

// PaymentMethod is what the buyer pays with; it decides how charges end. In
// the sandbox a simulation string in the seller's note goes before it.
type PaymentMethod string

// The payment methods.
const (
	GoodCard        PaymentMethod = "GoodCard"        // everything works; the zero PaymentMethod means this one
	BadCard         PaymentMethod = "BadCard"         // authorizations: Declined, InvalidPaymentMethod, no SoftDecline; ValidateBillingAgreement fails
	ShortOnce       PaymentMethod = "ShortOnce"       // the first authorization: Declined, InvalidPaymentMethod with SoftDecline, which suspends (ConfirmBillingAgreement reopens); later ones work
	AlwaysShort     PaymentMethod = "AlwaysShort"     // every authorization: Declined, InvalidPaymentMethod with SoftDecline
	RejectedCard    PaymentMethod = "RejectedCard"    // authorizations: Declined, AmazonRejected
	FailingCard     PaymentMethod = "FailingCard"     // authorizations: Declined, ProcessingFailure
	SlowBank        PaymentMethod = "SlowBank"        // no synchronous decision (TransactionTimedOut), but asynchronous ones; ValidationTimedOut
	SilentBank      PaymentMethod = "SilentBank"      // no decision at all: TransactionTimedOut when the timeout is over
	NotAllowed      PaymentMethod = "NotAllowed"      // constraint PaymentMethodNotAllowed; once it is in force, what is Open is Suspended
	CaptureRejected PaymentMethod = "CaptureRejected" // authorizations work; captures: Declined, AmazonRejected
	CaptureFailing  PaymentMethod = "CaptureFailing"  // authorizations work; captures: Declined, ProcessingFailure
	RefundRejected  PaymentMethod = "RefundRejected"  // authorizations and captures work; refunds: Declined, AmazonRejected
	RefundFailing   PaymentMethod = "RefundFailing"   // likewise; refunds: Declined, ProcessingFailure
)

// wallet is the payment side of an agreement or an order reference. What the
// buyer picks in the seller's widget after confirmation counts from the next
// confirmation on.
type wallet struct {
	method  PaymentMethod // in force
	picked  PaymentMethod // in the widget
	missing bool          // none was ever picked
	deleted bool          // the buyer deleted it
	stale   bool          // a hard decline: it must be changed first
	fresh   bool          // picked since the last confirmation
	short   int           // soft declines since it came in force
}

// pick is a choice in the seller's Wallet widget.
func (w *wallet) pick(m PaymentMethod, draft bool) {
	fill(&m, GoodCard)
	w.picked, w.fresh, w.missing, w.deleted, w.stale = m, true, false, false, false
	if draft {
		w.confirm()
	}
}

// update is a change on Amazon's own site, which counts at once.
func (w *wallet) update(m PaymentMethod) {
	w.pick(m, true)
}

func (w *wallet) confirm() {
	if w.fresh {
		w.method, w.fresh, w.short = w.picked, false, 0
	}
}

// verdict is how an authorization ends.
type verdict struct {
	state  amazonpay.State
	reason amazonpay.Reason
	soft   bool
	repair int  // minutes until the payment method is good again; 0 is never
	expire int  // minutes until an Open authorization expires; 0 is the usual life
	never  bool // no decision before the timeout
}

// judge decides by the payment method.
func (w *wallet) judge(synchronous bool) verdict {
	declined := func(reason amazonpay.Reason) verdict {
		return verdict{state: amazonpay.StateDeclined, reason: reason}
	}
	switch w.method {
	case BadCard:
		return declined(amazonpay.ReasonInvalidPaymentMethod)
	case ShortOnce, AlwaysShort:
		if w.method == AlwaysShort || w.short == 0 {
			w.short++
			v := declined(amazonpay.ReasonInvalidPaymentMethod)
			v.soft = true
			return v
		}
	case RejectedCard:
		return declined(amazonpay.ReasonAmazonRejected)
	case FailingCard:
		return declined(amazonpay.ReasonProcessingFailure)
	case SlowBank:
		if synchronous {
			return declined(amazonpay.ReasonTransactionTimedOut)
		}
	case SilentBank:
		v := declined(amazonpay.ReasonTransactionTimedOut)
		v.never = true
		return v
	}
	return verdict{state: amazonpay.StateOpen}
}

// captureEnd is how a capture ends.
func (w *wallet) captureEnd() (amazonpay.State, amazonpay.Reason) {
	switch w.method {
	case CaptureRejected:
		return amazonpay.StateDeclined, amazonpay.ReasonAmazonRejected
	case CaptureFailing:
		return amazonpay.StateDeclined, amazonpay.ReasonProcessingFailure
	}
	return amazonpay.StateCompleted, ""
}

// refundEnd is how a refund ends.
func (w *wallet) refundEnd() (amazonpay.State, amazonpay.Reason) {
	switch w.method {
	case RefundRejected:
		return amazonpay.StateDeclined, amazonpay.ReasonAmazonRejected
	case RefundFailing:
		return amazonpay.StateDeclined, amazonpay.ReasonProcessingFailure
	}
	return amazonpay.StateCompleted, ""
}
