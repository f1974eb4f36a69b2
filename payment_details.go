package amazonpay

import (
	"context"
	"log/slog"

	"github.com/amazonpay-go/amazonpay/internal/fault"
)

// PaymentDetails is an order with everything that was paid on it.
type PaymentDetails struct {
	OrderReference *OrderReference        // the order
	Authorizations []AuthorizationDetails // in Amazon's order
}

// LogValue tells the order and how much was made on it, and nothing of the buyer.
func (d PaymentDetails) LogValue() slog.Value {
	return slog.GroupValue(slog.Any("orderReference", d.OrderReference), slog.Int("authorizations", len(d.Authorizations)))
}

// AuthorizationDetails is an authorization with its captures.
type AuthorizationDetails struct {
	Authorization *Authorization   // the authorization
	Captures      []CaptureDetails // at most one
}

// LogValue tells the authorization and how much was made on it, and nothing of
// the buyer.
func (d AuthorizationDetails) LogValue() slog.Value {
	return slog.GroupValue(slog.Any("authorization", d.Authorization), slog.Int("captures", len(d.Captures)))
}

// CaptureDetails is a capture with its refunds.
type CaptureDetails struct {
	Capture *Capture  // the capture
	Refunds []*Refund // at most ten
}

// PaymentDetails reads an order, its authorizations, their captures and their
// refunds: one request for each object, none twice, one after the other, so
// that an order with one captured charge takes three of the quotas' tokens. An
// error ends it; what was read before is lost, and a repeat is harmless.
func (c *Client) PaymentDetails(ctx context.Context, orderReferenceID OrderReferenceID) (*PaymentDetails, error) {
	if orderReferenceID == "" {
		return nil, invalid("PaymentDetails", fault.List{{Field: "orderReferenceID", Problem: "is required"}})
	}
	order, err := c.GetOrderReferenceDetails(ctx, GetOrderReferenceDetailsRequest{AmazonOrderReferenceID: orderReferenceID})
	if err != nil {
		return nil, err
	}
	details := &PaymentDetails{OrderReference: order}
	for _, id := range distinct(order.IDList) {
		authorization, err := c.authorizationDetails(ctx, id)
		if err != nil {
			return nil, err
		}
		details.Authorizations = append(details.Authorizations, authorization)
	}
	return details, nil
}

func (c *Client) authorizationDetails(ctx context.Context, id AuthorizationID) (details AuthorizationDetails, err error) {
	details.Authorization, err = c.GetAuthorizationDetails(ctx, GetAuthorizationDetailsRequest{id})
	if err != nil {
		return details, err
	}
	for _, id := range distinct(details.Authorization.IDList) {
		capture, err := c.captureDetails(ctx, id)
		if err != nil {
			return details, err
		}
		details.Captures = append(details.Captures, capture)
	}
	return details, nil
}

func (c *Client) captureDetails(ctx context.Context, id CaptureID) (details CaptureDetails, err error) {
	details.Capture, err = c.GetCaptureDetails(ctx, GetCaptureDetailsRequest{id})
	if err != nil {
		return details, err
	}
	for _, id := range distinct(details.Capture.IDList) {
		refund, err := c.GetRefundDetails(ctx, GetRefundDetailsRequest{id})
		if err != nil {
			return details, err
		}
		details.Refunds = append(details.Refunds, refund)
	}
	return details, nil
}

// distinct drops repeated ids.
func distinct[T comparable](ids []T) []T {
	seen := make(map[T]bool, len(ids))
	var once []T
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			once = append(once, id)
		}
	}
	return once
}
