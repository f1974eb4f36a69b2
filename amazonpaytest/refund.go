package amazonpaytest

import (
	"cmp"
	"time"

	"github.com/amazonpay-go/amazonpay"
)

// refund is a refund in the books.
type refund struct {
	id         string
	capture    *capture
	status     status
	created    time.Time
	reference  string
	note       string
	amount     money
	descriptor string
	reversed   []*reversal
	kind       string // RefundType; empty is SellerInitiated
}

func (f *Fake) refund(r *request, c *capture) ([]node, *refusal) {
	if !c.status.is(amazonpay.StateCompleted) {
		return nil, refuse("CaptureNotRefundable", "The Capture %s is %s and cannot be refunded.", c.id, c.status.state)
	}
	amount := r.money("RefundAmount")
	if amount.currency != c.amount.currency {
		return nil, refuse("CurrencyMismatch", "The currency %s differs from that of the capture.", amount.currency)
	}
	sum, count := c.returning()
	if amount.minor > amount.most() || sum+amount.minor > c.refundable() {
		return nil, tooMuch(amount)
	}
	if count >= refundsOnMost {
		return nil, refuse("TransactionCountExceeded", "The Capture %s has %d refunds already.", c.id, refundsOnMost)
	}
	shares, refused := f.shares(r, "ProviderCreditReversalList.member", "CreditReversalAmount", amount)
	if refused != nil {
		return nil, refused
	}
	reversals, refused := f.checkReversals(c, shares)
	if refused != nil {
		return nil, refused
	}
	b := &refund{
		id: f.newPart(c.authorization.order.id, "R"), capture: c, created: f.now, amount: amount,
		reference: r.get("RefundReferenceId"), note: r.get("SellerRefundNote"), descriptor: r.get("SoftDescriptor"),
	}
	for _, back := range reversals {
		back.reference, back.note = b.reference, b.note
		f.enterReversal(back)
		b.reversed = append(b.reversed, back)
	}
	f.enterRefund(b)
	f.move(&b.status, amazonpay.StatePending, "")
	state, reason := c.authorization.order.refundEnd()
	if s, ok := r.simulated("SellerRefundNote"); ok {
		state, reason = amazonpay.State(s.State), amazonpay.Reason(s.ReasonCode)
	}
	f.after(f.settings.RefundDelay, "refund is completed or declined", b.id, func() bool { return b.status.is(amazonpay.StatePending) },
		func() { f.giveBack(b, state, reason) })
	return []node{el("RefundResult", f.refundNode(b))}, nil
}

// enterRefund enters a refund into the books.
func (f *Fake) enterRefund(b *refund) {
	b.status.of, f.refunds[b.id] = b, b
	f.made.refunds = append(f.made.refunds, b)
	b.capture.refunds = append(b.capture.refunds, b)
}

// returning is what goes back of a capture or has gone, and in how many
// refunds of the seller's. Declined ones count for nothing.
func (c *capture) returning() (sum int64, count int) {
	for _, b := range c.refunds {
		if !b.status.is(amazonpay.StateDeclined) {
			sum += b.amount.minor
			if b.kind == "" {
				count++
			}
		}
	}
	return sum, count
}

// giveBack ends a refund. What the buyer has got back by a chargeback or a claim
// meanwhile, the seller cannot give back a second time.
func (f *Fake) giveBack(b *refund, state amazonpay.State, reason amazonpay.Reason) {
	if b.kind == "" && state == amazonpay.StateCompleted && b.capture.refunded.minor+b.amount.minor > b.capture.refundable() {
		state, reason = amazonpay.StateDeclined, amazonpay.ReasonProcessingFailure
	}
	f.move(&b.status, state, reason)
	for _, back := range b.reversed {
		f.reverse(back, state, reason)
	}
	if state != amazonpay.StateCompleted {
		return
	}
	c := b.capture
	f.record(Movement{Kind: b.movement(), CaptureID: amazonpay.CaptureID(c.id), RefundID: amazonpay.RefundID(b.id),
		ReferenceID: b.sellersOwn(), Amount: b.amount.price()}, c.authorization)
	var sum int64
	count := 0
	for _, other := range c.refunds {
		if other.status.is(amazonpay.StateCompleted) {
			sum += other.amount.minor
			if other.kind == "" {
				count++
			}
		}
	}
	c.refunded = money{minor: sum, currency: c.amount.currency}
	if !c.status.is(amazonpay.StateCompleted) {
		return
	}
	switch {
	case sum >= c.refundable():
		f.move(&c.status, amazonpay.StateClosed, amazonpay.ReasonMaxAmountRefunded)
	case count >= refundsOnMost:
		f.move(&c.status, amazonpay.StateClosed, amazonpay.ReasonMaxRefundsProcessed)
	}
}

func (f *Fake) getRefundDetails(r *request) ([]node, *refusal) {
	b := f.refunds[r.get("AmazonRefundId")]
	if b == nil || b.capture.authorization.order.seller != r.seller {
		return nil, unknownTransaction(r.get("AmazonRefundId"))
	}
	if refused := f.foreign(r); refused != nil {
		return nil, refused
	}
	details := f.refundNode(b)
	details.kids = append(details.kids, f.conversion(b.amount, b.status.is(amazonpay.StateCompleted))...)
	return []node{el("GetRefundDetailsResult", details)}, nil
}

func (f *Fake) refundNode(b *refund) node {
	summary := el("ProviderCreditReversalSummaryList")
	for _, back := range b.reversed {
		summary.kids = append(summary.kids, el("member", tx("ProviderId", back.credit.provider), tx("ProviderCreditReversalId", back.id)))
	}
	return el("RefundDetails",
		tx("AmazonRefundId", b.id), tx("RefundReferenceId", b.reference), tx("SellerRefundNote", b.note),
		tx("RefundType", cmp.Or(b.kind, "SellerInitiated")), priced("RefundAmount", b.amount),
		priced("FeeRefunded", money{currency: b.amount.currency}),
		stamp("CreationTimestamp", b.created), b.status.node("RefundStatus"), f.descriptorNode(b.descriptor),
		when(len(summary.kids) > 0, summary))
}
