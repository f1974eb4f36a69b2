package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/amazonpay-go/amazonpay"
)

// subscribe makes the subscription of a confirmed order, and writes the first
// charge down. The customer has no other one that runs.
func (s *shop) subscribe(c *customer, o *order) {
	o.state = orderDone
	if c.subscription != nil {
		c.past = append(c.past, c.subscription)
	}
	c.subscription = &subscription{order: o, agreement: o.agreement, started: s.now()}
	s.writeCharge(c, c.subscription, 1, 1)
}

// writeCharge decides what will be charged, once and for all: before the first
// call, so that whatever happens to that call, it can be repeated as it was.
func (s *shop) writeCharge(c *customer, sub *subscription, period, try int) *charge {
	id := amazonpay.NewReferenceID(shopName, "subscription "+sub.order.id, "period "+strconv.Itoa(period), "try "+strconv.Itoa(try))
	ch := &charge{period: period, try: try, made: s.now(), state: chargeOpen, again: s.now(), request: amazonpay.ChargeRequest{
		AmazonBillingAgreementID: sub.agreement,
		ReferenceID:              id,
		Amount:                   sub.order.price,
		SellerOrderID:            fmt.Sprintf("%s-%d-%d", sub.order.id, period, try),
		SellerNote:               fmt.Sprintf("Tin of tea no. %d", period),
		StoreName:                brand,
		SoftDescriptor:           "SECOND FLUSH",
	}}
	sub.charges = append(sub.charges, ch)
	s.store.enter(id, c)
	return ch
}

// collect makes a charge, or learns what has become of it. It may be called at
// any time, by anybody who holds the customer's lock: a charge that is decided
// stays as it is, and one that is not is the same request again.
func (s *shop) collect(ctx context.Context, sub *subscription, ch *charge) {
	if ch.state != chargeOpen && ch.state != chargePending {
		return
	}
	switch canceled := !sub.canceled.IsZero(); {
	case canceled && !ch.sent:
		ch.state = chargeDropped
		return
	case canceled && sub.ended.IsZero() && ch.state == chargeOpen:
		return // if it never arrived, it would be made now: Amazon must know of the end first
	}
	ch.sent = true
	result, err := s.pay.Charge(ctx, ch.request)
	if err != nil {
		s.unanswered(ctx, sub, ch, err)
		return
	}
	s.log.InfoContext(ctx, "charge", "charge", result)
	ch.advice, ch.again = result.Advice, time.Time{}
	switch result.Outcome {
	case amazonpay.OutcomePaid:
		ch.state, sub.suspended = chargePaid, false
	case amazonpay.OutcomeDeclined:
		ch.state = chargeDeclined
		ch.again, _ = s.dunning.Next(ch.try, ch.advice, s.now())
		s.refresh(ctx, sub)
	default:
		ch.state, ch.again = chargePending, s.now().Add(time.Minute) // or a notification before that
	}
}

// unanswered is a charge of which nothing is known, or that Amazon does not take
// as things stand. Either way it stays as it is written, and is repeated with
// its own reference id.
func (s *shop) unanswered(ctx context.Context, sub *subscription, ch *charge, err error) {
	s.log.ErrorContext(ctx, "charge without an answer", "referenceId", string(ch.request.ReferenceID), "error", err)
	ch.advice = amazonpay.AdviceFor(err)
	ch.again, _ = s.dunning.Next(ch.try, ch.advice, s.now())
	if _, unknown := errors.AsType[*amazonpay.OutcomeUnknownError](err); unknown {
		return
	}
	if ch.advice.Buyer || ch.advice.Over {
		s.refresh(ctx, sub)
	}
	if !sub.ended.IsZero() || ch.advice.Retry == amazonpay.RetryNot {
		ch.state = chargeDropped
	}
}

// refresh asks Amazon how the agreement is.
func (s *shop) refresh(ctx context.Context, sub *subscription) {
	b, err := s.pay.GetBillingAgreementDetails(ctx, amazonpay.GetBillingAgreementDetailsRequest{AmazonBillingAgreementID: sub.agreement})
	if err != nil {
		s.log.WarnContext(ctx, "agreement not read", "error", err)
		return
	}
	sub.suspended = b.BillingAgreementStatus.State == amazonpay.StateSuspended
	if b.Advice().Over && sub.ended.IsZero() {
		sub.ended = s.now()
	}
}

// tryAgain tries a declined period once more, with the reference id of the next try:
// the old one is declined for good.
func (s *shop) tryAgain(ctx context.Context, c *customer, sub *subscription) {
	last := sub.last()
	if last.state != chargeDeclined {
		s.collect(ctx, sub, last)
		return
	}
	s.collect(ctx, sub, s.writeCharge(c, sub, last.period, last.try+1))
}

// keepUp does what no buyer waits for: it repeats what is not decided, tries
// declined periods again, renews what is due, and ends what was canceled. A real
// shop has a queue of jobs for it.
func (s *shop) keepUp(ctx context.Context) {
	for _, c := range s.store.everybody() {
		if c.lock(ctx) != nil {
			return
		}
		// Bounded, as a buyer may wait for the lock; and not ended with the shop.
		patient, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		for _, sub := range c.subscriptions() {
			s.keepUpOne(patient, c, sub)
		}
		s.tidy(patient, c)
		cancel()
		c.unlock()
	}
}

func (s *shop) keepUpOne(ctx context.Context, c *customer, sub *subscription) {
	if !sub.canceled.IsZero() && sub.ended.IsZero() {
		if err := s.close(ctx, sub); err != nil {
			s.log.WarnContext(ctx, "agreement not closed yet", "error", err)
		}
	}
	last, now := sub.last(), s.now()
	due := !last.again.IsZero() && !now.Before(last.again)
	switch {
	case last.state == chargeOpen, last.state == chargePending:
		if due {
			s.collect(ctx, sub, last)
		}
	case c.running() != sub:
	case last.state == chargeDeclined && due:
		if last.advice.Confirm {
			if err := s.pay.ConfirmBillingAgreement(ctx, amazonpay.ConfirmBillingAgreementRequest{AmazonBillingAgreementID: sub.agreement}); err != nil {
				s.log.WarnContext(ctx, "agreement not reopened", "error", err)
				last.again = now.Add(time.Hour)
				return
			}
		}
		s.tryAgain(ctx, c, sub)
	case last.state == chargePaid && !now.Before(sub.due(last.period+1)):
		s.collect(ctx, sub, s.writeCharge(c, sub, last.period+1, 1))
	}
}

// tidy gives back agreements that were confirmed, and whose buyer has not come
// back from the bank in time: Amazon would keep them open for ever.
func (s *shop) tidy(ctx context.Context, c *customer) {
	for _, o := range c.orders {
		if o.state != orderConfirming || s.now().Sub(o.confirmed) < draftLife {
			continue
		}
		if err := s.release(ctx, o); err != nil {
			s.log.WarnContext(ctx, "agreement not released yet", "error", err)
		}
	}
}

// close tells Amazon that there will be no more charges.
func (s *shop) close(ctx context.Context, sub *subscription) error {
	err := s.closeAgreement(ctx, sub.agreement, "Canceled by the buyer")
	if err == nil && sub.ended.IsZero() {
		sub.ended = s.now()
	}
	return err
}

func (s *shop) closeAgreement(ctx context.Context, id amazonpay.BillingAgreementID, reason string) error {
	err := s.pay.CloseBillingAgreement(ctx, amazonpay.CloseBillingAgreementRequest{AmazonBillingAgreementID: id, ClosureReason: reason})
	if err == nil {
		return nil
	}
	b, unread := s.pay.GetBillingAgreementDetails(ctx, amazonpay.GetBillingAgreementDetailsRequest{AmazonBillingAgreementID: id})
	if unread == nil && b.Advice().Over { // closed already, by the buyer at Amazon; or never confirmed
		return nil
	}
	return err
}
