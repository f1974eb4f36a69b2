package main

import (
	"context"
	"errors"

	"github.com/amazonpay-go/amazonpay"
)

// notified is work for a notification that Amazon has signed. It is a hint: what
// it is about is asked anew, so that late and repeated ones do no harm.
func (s *shop) notified(ctx context.Context, n *amazonpay.Notification) error {
	return s.inbox.Once(ctx, n.ID, func(ctx context.Context) error {
		s.log.InfoContext(ctx, "notification", "notification", n)
		switch object := n.Object.(type) {
		case *amazonpay.BillingAgreement:
			return s.agreementChanged(ctx, object.AmazonBillingAgreementID)
		case *amazonpay.Authorization:
			return s.chargeChanged(ctx, object.AuthorizationReferenceID)
		case *amazonpay.Capture:
			return s.chargeChanged(ctx, object.CaptureReferenceID)
		}
		return nil // refunds and chargebacks are for a shop's bookkeeping
	})
}

var errNotRead = errors.New("the agreement could not be read")

// agreementChanged is about an agreement that the buyer, Amazon or we have ended
// or suspended.
func (s *shop) agreementChanged(ctx context.Context, id amazonpay.BillingAgreementID) error {
	c := s.store.ownerOfAgreement(id)
	if c == nil {
		return nil // none of this shop's
	}
	if err := c.lock(ctx); err != nil {
		return err // it comes again
	}
	defer c.unlock()
	b, err := s.pay.GetBillingAgreementDetails(ctx, amazonpay.GetBillingAgreementDetailsRequest{AmazonBillingAgreementID: id})
	if err != nil {
		return errors.Join(errNotRead, err)
	}
	over := b.Advice().Over
	for _, o := range c.orders {
		if o.agreement == id && over && o.state != orderDone {
			o.state = orderEnded
		}
	}
	sub := c.subscription
	if sub == nil || sub.agreement != id {
		return nil
	}
	sub.suspended = b.BillingAgreementStatus.State == amazonpay.StateSuspended
	if over && sub.ended.IsZero() {
		sub.ended = s.now()
	}
	return nil
}

// chargeChanged is about a charge that Amazon has decided.
func (s *shop) chargeChanged(ctx context.Context, id amazonpay.ReferenceID) error {
	c := s.store.ownerOfCharge(id)
	if c == nil {
		return nil
	}
	if err := c.lock(ctx); err != nil {
		return err
	}
	defer c.unlock()
	for _, sub := range c.subscriptions() {
		s.collect(ctx, sub, sub.last()) // what is decided stays as it is
	}
	return nil
}
