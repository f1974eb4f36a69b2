package amazonpay

import (
	"context"
	"time"
)

// ProviderCreditID is Amazon's id of a credit to a solution provider.
type ProviderCreditID string

// ProviderCreditReversalID is Amazon's id of the reversal of such a credit.
type ProviderCreditReversalID string

// ProviderCredit asks, in an authorization or capture, to credit a solution
// provider with part of the money.
type ProviderCredit struct {
	ProviderID   string `xml:"ProviderId" pay:"required"` // the provider's seller id
	CreditAmount Price  `pay:"required"`                  // the provider's part
}

// ProviderCreditReversal asks, in a refund, to take part of a credit back.
type ProviderCreditReversal struct {
	ProviderID           string `xml:"ProviderId" pay:"required"` // the provider's seller id
	CreditReversalAmount Price  `pay:"required"`                  // what comes back
}

// ProviderCreditSummary names a credit that a [Capture] made.
type ProviderCreditSummary struct {
	ProviderID       string           `xml:"ProviderId|ProviderSellerId"` // the provider's seller id
	ProviderCreditID ProviderCreditID `xml:"ProviderCreditId"`            // Amazon's id of the credit
}

// ProviderCreditReversalSummary names a reversal that a [Refund] made.
type ProviderCreditReversalSummary struct {
	ProviderID               string                   `xml:"ProviderId|ProviderSellerId"` // the provider's seller id
	ProviderCreditReversalID ProviderCreditReversalID `xml:"ProviderCreditReversalId"`    // Amazon's id of the reversal
}

// ProviderCreditDetails is a credit to a solution provider. Its states are not
// documented; Closed with MaxAmountReversed has been seen.
type ProviderCreditDetails struct {
	AmazonProviderCreditID ProviderCreditID           `xml:"AmazonProviderCreditId"`      // Amazon's id of it
	SellerID               string                     `xml:"SellerId"`                    // the merchant
	ProviderID             string                     `xml:"ProviderId|ProviderSellerId"` // the provider's seller id
	CreditReferenceID      ReferenceID                `xml:"CreditReferenceId"`           // of the authorization or capture that made it
	CreditAmount           Price                      // the provider's part
	CreditReversalAmount   Price                      // reversed so far
	CreditReversalIDList   []ProviderCreditReversalID `xml:"CreditReversalIdList>member|Id|Member"` // the reversals
	CreationTimestamp      time.Time                  // when it was made
	CreditStatus           Status                     // where it stands
}

// ProviderCreditReversalDetails is a credit taken back from a solution
// provider. Its states are not documented; Completed has been seen.
type ProviderCreditReversalDetails struct {
	AmazonProviderCreditReversalID ProviderCreditReversalID `xml:"AmazonProviderCreditReversalId"` // Amazon's id of it
	SellerID                       string                   `xml:"SellerId"`                       // the merchant
	ProviderID                     string                   `xml:"ProviderId|ProviderSellerId"`    // the provider's seller id
	CreditReversalReferenceID      ReferenceID              `xml:"CreditReversalReferenceId"`      // yours, or that of the refund that made it
	CreditReversalAmount           Price                    // what comes back
	CreationTimestamp              time.Time                // when it was made
	CreditReversalStatus           Status                   // where it stands
	CreditReversalNote             string                   // as you sent it
}

func (r *ProviderCreditReversalDetails) id() string { return string(r.AmazonProviderCreditReversalID) }

func (p *ProviderCreditDetails) id() string { return string(p.AmazonProviderCreditID) }

// GetProviderCreditDetailsRequest names a credit.
type GetProviderCreditDetailsRequest struct {
	AmazonProviderCreditID ProviderCreditID `xml:"AmazonProviderCreditId" pay:"required"` // the credit to read
}

// GetProviderCreditDetails reads a credit to a solution provider. The provider
// and the merchant may both ask.
//
// Action: GetProviderCreditDetails. Quota: not documented.
func (c *Client) GetProviderCreditDetails(ctx context.Context, req GetProviderCreditDetailsRequest) (*ProviderCreditDetails, error) {
	return call[ProviderCreditDetails](ctx, c, "GetProviderCreditDetails", &req, "ProviderCreditDetails")
}

// GetProviderCreditReversalDetailsRequest names a reversal.
type GetProviderCreditReversalDetailsRequest struct {
	AmazonProviderCreditReversalID ProviderCreditReversalID `xml:"AmazonProviderCreditReversalId" pay:"required"` // the reversal to read
}

// GetProviderCreditReversalDetails reads the reversal of a credit. The provider
// and the merchant may both ask.
//
// Action: GetProviderCreditReversalDetails. Quota: not documented.
func (c *Client) GetProviderCreditReversalDetails(ctx context.Context, req GetProviderCreditReversalDetailsRequest) (*ProviderCreditReversalDetails, error) {
	return call[ProviderCreditReversalDetails](ctx, c, "GetProviderCreditReversalDetails", &req, "ProviderCreditReversalDetails")
}

// ReverseProviderCreditRequest describes a credit to take back.
type ReverseProviderCreditRequest struct {
	AmazonProviderCreditID    ProviderCreditID `xml:"AmazonProviderCreditId" pay:"required"`        // the credit
	CreditReversalReferenceID ReferenceID      `xml:"CreditReversalReferenceId" pay:"required,ref"` // yours; a repeat returns the first result
	CreditReversalAmount      Price            `pay:"required"`                                     // at most what is left of the credit
	CreditReversalNote        string           // for the provider; its limit is not documented
}

func (r *ReverseProviderCreditRequest) reference() ReferenceID { return r.CreditReversalReferenceID }

// ReverseProviderCredit takes a credit, or part of it, back from a solution
// provider; a notification of the reversal follows. Repeating the same request
// is taken to be safe, as for a refund: no source says so of this operation.
//
// Action: ReverseProviderCredit. Quota: not documented.
func (c *Client) ReverseProviderCredit(ctx context.Context, req ReverseProviderCreditRequest) (*ProviderCreditReversalDetails, error) {
	return call[ProviderCreditReversalDetails](ctx, c, "ReverseProviderCredit", &req, "ProviderCreditReversalDetails")
}
