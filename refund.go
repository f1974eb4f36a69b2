package amazonpay

import (
	"context"
	"log/slog"
	"time"
)

// RefundID is Amazon's id of a refund.
type RefundID string

// RefundType says who started a refund. The type is open.
type RefundType string

// The types of refunds.
const (
	RefundTypeSellerInitiated   RefundType = "SellerInitiated"
	RefundTypeChargeback        RefundType = "Chargeback"
	RefundTypeAmazonAZRefund    RefundType = "AmazonA-ZRefund"
	RefundTypeAmazonAZGuarantee RefundType = "AmazonA-ZGuarantee"
	RefundTypeAmazonAZCancel    RefundType = "AmazonA-ZCancel"
	RefundTypeBuyerCanceled     RefundType = "BuyerCanceled" // weakly sourced
)

// Refund is money given back from a [Capture].
type Refund struct {
	AmazonRefundID                    RefundID                        `xml:"AmazonRefundId"`    // Amazon's id of it
	RefundReferenceID                 ReferenceID                     `xml:"RefundReferenceId"` // yours
	SellerRefundNote                  string                          // as you sent it
	RefundType                        RefundType                      // who started it
	RefundAmount                      Price                           `xml:"RefundAmount|RefundedAmount"` // a documentation sample says RefundedAmount
	FeeRefunded                       Price                           // the part of Amazon's fee that came back to you
	CreationTimestamp                 time.Time                       // when it was asked for
	RefundStatus                      Status                          // Pending, Completed or Declined, and why
	SoftDescriptor                    string                          // as the buyer's statement shows it
	ConvertedAmount                   Price                           // in the ledger currency, if that is another
	ConversionRate                    string                          // transaction amount divided by converted amount, as decimal text
	ProviderCreditReversalSummaryList []ProviderCreditReversalSummary `xml:"ProviderCreditReversalSummaryList>member|ProviderCreditReversalSummary"` // the reversals that it made
}

func (r *Refund) id() string { return string(r.AmazonRefundID) }

// LogValue tells ids, amount and status.
func (r Refund) LogValue() slog.Value {
	return logged(r.id(), r.RefundReferenceID, r.RefundAmount, r.RefundStatus)
}

// RefundRequest describes money to give back from a completed [Capture].
type RefundRequest struct {
	AmazonCaptureID            CaptureID                `xml:"AmazonCaptureId" pay:"required"`       // the completed capture
	RefundReferenceID          ReferenceID              `xml:"RefundReferenceId" pay:"required,ref"` // yours; a repeat returns the first result
	RefundAmount               Price                    `pay:"required"`                             // all refunds together: what was captured plus 15 %, at most 75 USD/GBP/EUR or 8,400 JPY
	SellerRefundNote           string                   `pay:"max=255"`                              // in the buyer's e-mail; carries sandbox simulations
	SoftDescriptor             string                   `pay:"max=16"`                               // on the buyer's statement behind "AMZ*"
	ProviderCreditReversalList []ProviderCreditReversal `xml:"ProviderCreditReversalList>member"`    // takes fees back from a solution provider
}

func (r *RefundRequest) reference() ReferenceID { return r.RefundReferenceID }

// Refund gives money back to the buyer, at most ten times per capture. The
// capture must be Completed. The answer is always Pending; a refund
// notification, or GetRefundDetails, tells the end. Repeating the same request
// is safe; an [*OutcomeUnknownError] wants just that.
//
// Action: Refund. Quota: 10, restored 1 per second (sandbox 2, 1 per 2 s).
func (c *Client) Refund(ctx context.Context, req RefundRequest) (*Refund, error) {
	return call[Refund](ctx, c, "Refund", &req, "RefundDetails")
}

// GetRefundDetailsRequest names a [Refund].
type GetRefundDetailsRequest struct {
	AmazonRefundID RefundID `xml:"AmazonRefundId" pay:"required"` // the refund to read
}

// GetRefundDetails reads a refund, in any state.
//
// Action: GetRefundDetails. Quota: 20, restored 2 per second (sandbox 5, 1 per second).
func (c *Client) GetRefundDetails(ctx context.Context, req GetRefundDetailsRequest) (*Refund, error) {
	return call[Refund](ctx, c, "GetRefundDetails", &req, "RefundDetails")
}
