package amazonpay

import (
	"context"
	"log/slog"
	"time"

	"github.com/amazonpay-go/amazonpay/internal/fault"
)

// AuthorizationID is Amazon's id of an authorization.
type AuthorizationID string

// Authorization is money that is reserved, or taken if CaptureNow was asked
// for. Ask Outcome what became of it.
type Authorization struct {
	AmazonAuthorizationID       AuthorizationID `xml:"AmazonAuthorizationId"`    // Amazon's id of it
	AuthorizationReferenceID    ReferenceID     `xml:"AuthorizationReferenceId"` // yours
	AuthorizationBillingAddress Address         // EU; complete once Open, or Closed with MaxCapturesProcessed
	SellerAuthorizationNote     string          // as you sent it
	AuthorizationAmount         Price           // what was asked for
	CapturedAmount              Price           // still 0 in the answer to CaptureNow
	AuthorizationFee            Price           // Amazon's fee
	IDList                      []CaptureID     `xml:"IdList>member|Id|Member"` // the captures, at most one
	CreationTimestamp           time.Time       // when it was asked for
	ExpirationTimestamp         time.Time       // 30 days after creation; in the sandbox capture within 2 days, whatever it says
	AuthorizationStatus         Status          // Pending, Open, Declined or Closed, and why; see Outcome
	SoftDecline                 bool            // with InvalidPaymentMethod: the same method may work later; the agreement or order is suspended all the same
	CaptureNow                  bool            // as you sent it
	SoftDescriptor              string          // as the buyer's statement shows it: "AMZ*" and yours
	AddressVerificationCode     string          // such as "AddressAndPostalCodeMatch"; allow-listed sellers
	OrderItemCategories         []string        `xml:"OrderItemCategories>OrderItemCategory"` // as you sent them
}

// Outcome is what became of an authorization, in one word.
type Outcome string

// The outcomes of an authorization.
const (
	OutcomePaid     Outcome = "Paid"     // captured: the money is taken or on its way
	OutcomeOpen     Outcome = "Open"     // reserved, waiting for your Capture. With CaptureNow its capture was declined, or is on its way and not listed yet
	OutcomePending  Outcome = "Pending"  // not decided yet: wait for the notification or read it again
	OutcomeDeclined Outcome = "Declined" // refused; ReasonCode and SoftDecline say how
	OutcomeClosed   Outcome = "Closed"   // ended without a capture: expired, canceled or closed; nothing was taken
)

// Outcome answers what a merchant asks. A captured authorization is Closed with
// MaxCapturesProcessed, in the answer to CaptureNow with a CapturedAmount of
// still 0; any other Closed has taken nothing, unless CapturedAmount says so. A state that this version does
// not know counts as pending: never as paid.
func (a *Authorization) Outcome() Outcome {
	switch a.AuthorizationStatus.State {
	case StateOpen:
		return OutcomeOpen
	case StateDeclined:
		return OutcomeDeclined
	case StateClosed:
		if a.AuthorizationStatus.ReasonCode == ReasonMaxCapturesProcessed || a.CapturedAmount.Sign() > 0 {
			return OutcomePaid
		}
		return OutcomeClosed
	}
	return OutcomePending
}

func (a *Authorization) id() string { return string(a.AmazonAuthorizationID) }

// LogValue tells ids, amount and status, and nothing of the buyer.
func (a Authorization) LogValue() slog.Value {
	return logged(a.id(), a.AuthorizationReferenceID, a.AuthorizationAmount, a.AuthorizationStatus)
}

// AuthorizeRequest describes money to reserve on an open [OrderReference].
type AuthorizeRequest struct {
	AmazonOrderReferenceID   OrderReferenceID `xml:"AmazonOrderReferenceId" pay:"required"`       // the open order
	AuthorizationReferenceID ReferenceID      `xml:"AuthorizationReferenceId" pay:"required,ref"` // yours; a repeat returns the first result
	AuthorizationAmount      Price            `pay:"required"`                                    // in the currency of the order total
	SellerAuthorizationNote  string           `pay:"max=255"`                                     // in the buyer's e-mail with CaptureNow; carries sandbox simulations

	// TransactionTimeout is the time Amazon may take to decide, in minutes: 0
	// asks for a decision in the answer (about 8 seconds), a multiple of 5 from
	// 5 to 1440 for one later. Nil means Amazon's default, 1440.
	TransactionTimeout *int

	CaptureNow          bool             // take the money as soon as it is authorized; if that is declined, the authorization stays Open
	SoftDescriptor      string           `pay:"max=16"`                                // on the buyer's statement behind "AMZ*"; used with CaptureNow
	ProviderCreditList  []ProviderCredit `xml:"ProviderCreditList>member"`             // fees of a solution provider, with CaptureNow
	OrderItemCategories []string         `xml:"OrderItemCategories>OrderItemCategory"` // such as "Apparel"
}

func (r *AuthorizeRequest) reference() ReferenceID { return r.AuthorizationReferenceID }

func (r *AuthorizeRequest) faults() fault.List { return timeoutFaults(r.TransactionTimeout) }

// timeoutFaults checks a TransactionTimeout.
func timeoutFaults(minutes *int) (wrong fault.List) {
	if minutes != nil && *minutes != 0 && (*minutes < 5 || *minutes > 1440 || *minutes%5 != 0) {
		wrong.Add("TransactionTimeout", "is neither 0 nor a multiple of 5 from 5 to 1440 minutes")
	}
	return wrong
}

// Authorize reserves money on an order reference, and takes it with CaptureNow.
// The order reference must be Open. With a TransactionTimeout of 0 the answer
// is the decision; otherwise it is Pending and the decision comes by an
// authorization notification, or by GetAuthorizationDetails. A decline is an
// answer, not an error. Repeating the same request is safe; an
// [*OutcomeUnknownError] wants just that.
//
// Action: Authorize. Quota: 10, restored 1 per second (sandbox 2, 1 per 2 s).
func (c *Client) Authorize(ctx context.Context, req AuthorizeRequest) (*Authorization, error) {
	return call[Authorization](ctx, c, "Authorize", &req, "AuthorizationDetails")
}

// GetAuthorizationDetailsRequest names an [Authorization].
type GetAuthorizationDetailsRequest struct {
	AmazonAuthorizationID AuthorizationID `xml:"AmazonAuthorizationId" pay:"required"` // the authorization to read
}

// GetAuthorizationDetails reads an authorization, in any state.
//
// Action: GetAuthorizationDetails. Quota: 20, restored 2 per second (sandbox 5, 1 per second).
func (c *Client) GetAuthorizationDetails(ctx context.Context, req GetAuthorizationDetailsRequest) (*Authorization, error) {
	return call[Authorization](ctx, c, "GetAuthorizationDetails", &req, "AuthorizationDetails")
}

// CloseAuthorizationRequest names an [Authorization] that is not needed.
type CloseAuthorizationRequest struct {
	AmazonAuthorizationID AuthorizationID `xml:"AmazonAuthorizationId" pay:"required"` // the authorization to close
	ClosureReason         string          `pay:"max=255"`                              // sent to the buyer by e-mail
}

// CloseAuthorization releases money that will not be captured. The
// authorization must be Pending or Open and becomes Closed with SellerClosed;
// a captured one closes by itself. An authorization notification follows.
// Repeating the call is harmless: at worst it answers
// [ErrInvalidAuthorizationStatus].
//
// Action: CloseAuthorization. Quota: 10, restored 1 per second (sandbox 2, 1 per 2 s).
func (c *Client) CloseAuthorization(ctx context.Context, req CloseAuthorizationRequest) error {
	return exec(ctx, c, "CloseAuthorization", &req)
}
