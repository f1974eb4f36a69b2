package amazonpay

import (
	"context"
	"log/slog"
	"time"
)

// CaptureID is Amazon's id of a capture.
type CaptureID string

// Capture is money taken from an [Authorization].
type Capture struct {
	AmazonCaptureID           CaptureID               `xml:"AmazonCaptureId"`    // Amazon's id of it
	CaptureReferenceID        ReferenceID             `xml:"CaptureReferenceId"` // yours; that of the authorization if CaptureNow made it
	SellerCaptureNote         string                  // as you sent it
	CaptureAmount             Price                   // what was asked for
	RefundedAmount            Price                   // given back so far
	CaptureFee                Price                   // Amazon's fee; appears after completion
	IDList                    []RefundID              `xml:"IdList>member|Id|Member"` // the refunds, at most ten
	CreationTimestamp         time.Time               // when it was asked for
	CaptureStatus             Status                  // Pending, Completed, Declined or Closed, and why
	SoftDescriptor            string                  // as the buyer's statement shows it
	ConvertedAmount           Price                   // in the ledger currency, if that is another
	ConversionRate            string                  // transaction amount divided by converted amount, as decimal text
	ProviderCreditSummaryList []ProviderCreditSummary `xml:"ProviderCreditSummaryList>member|ProviderCreditSummary"` // the credits that it made, also if CaptureNow made the capture
}

func (p *Capture) id() string { return string(p.AmazonCaptureID) }

// LogValue tells ids, amount and status.
func (p Capture) LogValue() slog.Value {
	return logged(p.id(), p.CaptureReferenceID, p.CaptureAmount, p.CaptureStatus)
}

// CaptureRequest describes money to take from an open [Authorization].
type CaptureRequest struct {
	AmazonAuthorizationID AuthorizationID  `xml:"AmazonAuthorizationId" pay:"required"`  // the open authorization
	CaptureReferenceID    ReferenceID      `xml:"CaptureReferenceId" pay:"required,ref"` // yours; a repeat returns the first result
	CaptureAmount         Price            `pay:"required"`                              // at most the authorized amount
	SellerCaptureNote     string           `pay:"max=255"`                               // in the buyer's e-mail; carries sandbox simulations
	SoftDescriptor        string           `pay:"max=16"`                                // on the buyer's statement behind "AMZ*"
	ProviderCreditList    []ProviderCredit `xml:"ProviderCreditList>member"`             // fees of a solution provider
}

func (r *CaptureRequest) reference() ReferenceID { return r.CaptureReferenceID }

// Capture takes money from an open authorization, once: the authorization then
// closes, also after a partial capture. Within 7 days of the authorization the
// answer is Completed or Declined; later it is Pending, and a capture
// notification tells the end. Repeating the same request is safe; an
// [*OutcomeUnknownError] wants just that.
//
// Action: Capture. Quota: 10, restored 1 per second (sandbox 2, 1 per 2 s).
func (c *Client) Capture(ctx context.Context, req CaptureRequest) (*Capture, error) {
	return call[Capture](ctx, c, "Capture", &req, "CaptureDetails")
}

// GetCaptureDetailsRequest names a [Capture].
type GetCaptureDetailsRequest struct {
	AmazonCaptureID CaptureID `xml:"AmazonCaptureId" pay:"required"` // the capture to read
}

// GetCaptureDetails reads a capture, in any state.
//
// Action: GetCaptureDetails. Quota: 20, restored 2 per second (sandbox 5, 1 per second).
func (c *Client) GetCaptureDetails(ctx context.Context, req GetCaptureDetailsRequest) (*Capture, error) {
	return call[Capture](ctx, c, "GetCaptureDetails", &req, "CaptureDetails")
}
