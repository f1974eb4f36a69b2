package amazonpaytest

import (
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
		f.reverse(back)
		b.reversed = append(b.reversed, back)
	}
	b.status.of, f.refunds[b.id] = b, b
	c.refunds = append(c.refunds, b)
	f.move(&b.status, amazonpay.StatePending, "")
	state, reason := c.authorization.order.refundEnd()
	if s, ok := r.simulated("SellerRefundNote"); ok {
		state, reason = amazonpay.State(s.State), amazonpay.Reason(s.ReasonCode)
	}
	f.after(f.settings.RefundDelay, func() { f.giveBack(b, state, reason) })
	return []node{el("RefundResult", f.refundNode(b))}, nil
}

// returning is what goes back of a capture or has gone, and in how many
// refunds. Declined ones count for nothing.
func (c *capture) returning() (sum int64, count int) {
	for _, b := range c.refunds {
		if !b.status.is(amazonpay.StateDeclined) {
			sum += b.amount.minor
			count++
		}
	}
	return sum, count
}

// giveBack ends a refund.
func (f *Fake) giveBack(b *refund, state amazonpay.State, reason amazonpay.Reason) {
	f.move(&b.status, state, reason)
	if state != amazonpay.StateCompleted {
		return
	}
	c := b.capture
	f.record(Movement{Kind: Refunded, CaptureID: amazonpay.CaptureID(c.id), RefundID: amazonpay.RefundID(b.id),
		ReferenceID: amazonpay.ReferenceID(b.reference), Amount: b.amount.price()}, c.authorization)
	var sum int64
	count := 0
	for _, other := range c.refunds {
		if other.status.is(amazonpay.StateCompleted) {
			sum += other.amount.minor
			count++
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
		tx("RefundType", "SellerInitiated"), priced("RefundAmount", b.amount),
		priced("FeeRefunded", money{currency: b.amount.currency}),
		stamp("CreationTimestamp", b.created), b.status.node("RefundStatus"), f.descriptorNode(b.descriptor),
		when(len(summary.kids) > 0, summary))
}
