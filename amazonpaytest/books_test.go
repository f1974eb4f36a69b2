package amazonpaytest_test

import (
	"context"
	"slices"
	"strings"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// balance reads what is new in the ledger: nothing that was there may change,
// and money may move only by what moves money, once for each reference id.
func (w *world) balance(ledger []amazonpaytest.Movement) {
	if len(ledger) < len(w.books) || !slices.Equal(ledger[:len(w.books)], w.books) {
		w.fail("ledger", "what was in the books has changed")
	}
	for _, m := range ledger[len(w.books):] {
		if m.Time.Before(w.until) || m.Time.After(w.now()) || m.Amount.Minor() <= 0 {
			w.fail("ledger", "%+v moved out of time", m)
		}
		w.until = m.Time
		key := strings.Join([]string{m.SellerID, string(m.Kind), string(m.ReferenceID)}, " ")
		if w.moved[key] && m.ReferenceID != "" {
			w.fail("ledger", "money moved twice for %s", m.ReferenceID)
		}
		w.moved[key] = true
		switch m.Kind {
		case amazonpaytest.Captured:
			if w.captured[m.CaptureID] != 0 || !in(w.act, "Capture", "Authorize", "AuthorizeOnBillingAgreement", "Again", "Advance") {
				w.fail("ledger", "%s took %v for %s", w.act, m.Amount, m.CaptureID)
			}
			w.captured[m.CaptureID] = m.Amount.Minor()
		case amazonpaytest.Refunded:
			w.refunded[m.CaptureID] += m.Amount.Minor()
			taken, _ := amazonpay.NewPrice(w.captured[m.CaptureID], m.Amount.Currency())
			if w.act != "Advance" || w.refunded[m.CaptureID]+w.bank[m.CaptureID] > w.rules.most(taken) {
				w.fail("ledger", "%s gave %v back of %s, %v in all", w.act, m.Amount, m.CaptureID, w.refunded[m.CaptureID])
			}
		case amazonpaytest.ChargedBack, amazonpaytest.Claimed:
			w.bank[m.CaptureID] += m.Amount.Minor()
			if want := map[string]amazonpaytest.MovementKind{"Chargeback": amazonpaytest.ChargedBack, "GrantClaim": amazonpaytest.Claimed}[w.act]; m.Kind != want ||
				m.ReferenceID != "" || w.bank[m.CaptureID] > w.captured[m.CaptureID] {
				w.fail("ledger", "%s: %+v, %d in all", w.act, m, w.bank[m.CaptureID])
			}
		default:
			w.fail("ledger", "%q is no way of money", m.Kind)
		}
	}
	w.books = slices.Clone(ledger)
}

func (w *world) seeCapture(c *capture) {
	d, err := w.clients[c.seller].GetCaptureDetails(context.Background(), amazonpay.GetCaptureDetailsRequest{AmazonCaptureID: amazonpay.CaptureID(c.id)})
	if err != nil {
		w.fail("answer", "GetCaptureDetails: %v", err)
	}
	w.saw(&c.object, d.CaptureStatus.State, d.CaptureStatus.ReasonCode)
	if d.CaptureAmount != c.amount || d.CaptureReferenceID != c.ref || len(d.IDList) != len(c.refunds)+c.banks {
		w.fail("answer", "capture %s has changed: %+v", c.id, d)
	}
	w.must(c.state != "Pending" || w.now().Sub(c.born) < w.rules.delay, &c.object, "a late capture takes an hour")
	w.must(c.reason != "AmazonClosed" || c.sim == "closed", &c.object, "closed without a cause")
	var back, waiting int64
	for _, r := range c.refunds {
		switch r.state {
		case "Completed":
			back += r.amount.Minor()
		case "Pending":
			waiting += r.amount.Minor()
		}
	}
	given := d.RefundedAmount.Minor() - c.bank
	w.must(w.bank[amazonpay.CaptureID(c.id)] == c.bank || in(w.act, "Chargeback", "GrantClaim"), &c.object, "chargebacks and claims are in the ledger")
	w.must(given >= back && given <= back+waiting, &c.object, "RefundedAmount is what was refunded")
	w.must(back == w.refunded[amazonpay.CaptureID(c.id)], &c.object, "refunds are in the ledger")
	w.must(back <= w.rules.most(c.amount), &c.object, "no more is refunded than the amount and its surplus")
	w.must(c.reason != "MaxAmountRefunded" || back+waiting+c.bank >= w.rules.most(c.amount), &c.object, "MaxAmountRefunded")
	w.must(c.reason != "MaxRefundsProcessed" || len(c.refunds) >= w.rules.refunds, &c.object, "MaxRefundsProcessed")
	want := int64(0)
	if c.paid() {
		want = c.amount.Minor()
	}
	got := w.captured[amazonpay.CaptureID(c.id)]
	w.must(got == want || c.reason == "AmazonClosed", &c.object, "captures are in the ledger")
	for _, s := range d.ProviderCreditSummaryList {
		w.newCredit(c.seller, s.ProviderCreditID)
	}
}

func (w *world) seeRefund(r *refund) {
	d, err := w.clients[r.seller].GetRefundDetails(context.Background(), amazonpay.GetRefundDetailsRequest{AmazonRefundID: amazonpay.RefundID(r.id)})
	if err != nil {
		w.fail("answer", "GetRefundDetails: %v", err)
	}
	w.saw(&r.object, d.RefundStatus.State, d.RefundStatus.ReasonCode)
	if d.RefundAmount != r.amount || d.RefundReferenceID != r.ref || d.RefundType != "SellerInitiated" {
		w.fail("answer", "refund %s has changed: %+v", r.id, d)
	}
	w.must(r.state != "Pending" || w.now().Sub(r.born) < w.rules.delay, &r.object, "a refund takes an hour")
	w.must(r.state == "Pending" || w.now().Sub(r.born) >= w.rules.delay, &r.object, "a refund takes an hour")
	m := r.capture.authorization.order.methods
	w.must(r.state != "Declined" || r.sim == "rejected" && r.reason == "AmazonRejected" || m[amazonpaytest.RefundRejected] && r.reason == "AmazonRejected" ||
		(m[amazonpaytest.RefundFailing] || r.capture.bank > 0) && r.reason == "ProcessingFailure", &r.object, "declined without a cause")
	w.must(r.state != "Completed" || r.sim != "rejected", &r.object, "declined as simulated")
}

// lookOrder looks at an order and all that hangs on it.
func (w *world) lookOrder(o *order) {
	if o.agreement != nil {
		w.lookAgreement(o.agreement)
		return
	}
	w.lookBelow(o)
}

func (w *world) lookBelow(o *order) {
	for _, a := range o.all {
		if in(a.state, "Pending", "Open") {
			w.seeAuthorization(a)
			continue
		}
		if c := a.capture; c != nil && in(c.state, "Pending", "Completed") {
			for _, r := range c.refunds {
				if r.state == "Pending" {
					w.seeRefund(r)
				}
			}
		}
	}
	w.seeOrder(o)
}

func (w *world) lookAgreement(a *agreement) {
	for _, o := range w.orders {
		if o.agreement == a {
			w.lookBelow(o)
		}
	}
	w.seeAgreement(a)
}

// lookAll is for time, which changes everything.
func (w *world) lookAll() {
	for _, r := range w.refunds {
		if r.state == "Pending" {
			w.seeRefund(r)
			defer w.seeCapture(r.capture)
		}
	}
	for _, c := range w.captures {
		if c.state == "Pending" {
			w.seeCapture(c)
		}
	}
	for _, o := range w.orders {
		w.lookBelow(o)
	}
	for _, a := range w.agreements {
		w.seeAgreement(a)
	}
}

// final looks at everything once more, what has come to its end included, and
// holds the ledger against it.
func (w *world) final() {
	w.act, w.at = "nothing", w.at+1
	taken, given := map[amazonpay.Currency]int64{}, map[amazonpay.Currency]int64{}
	captures, refunds := map[amazonpay.CaptureID]bool{}, map[amazonpay.RefundID]bool{}
	for _, m := range w.books {
		switch m.Kind {
		case amazonpaytest.Captured:
			c, _ := w.byID[string(m.CaptureID)].(*capture)
			if c == nil || c.amount != m.Amount || c.ref != m.ReferenceID || c.authorization.id != string(m.AuthorizationID) ||
				c.authorization.order.id != string(m.OrderReferenceID) || captures[m.CaptureID] {
				w.fail("ledger", "nobody asked for %+v", m)
			}
			captures[m.CaptureID] = true
			taken[m.Amount.Currency()] += m.Amount.Minor()
		case amazonpaytest.Refunded:
			r, _ := w.byID[string(m.RefundID)].(*refund)
			if r == nil || r.amount != m.Amount || r.ref != m.ReferenceID || r.capture.id != string(m.CaptureID) || refunds[m.RefundID] {
				w.fail("ledger", "nobody asked for %+v", m)
			}
			refunds[m.RefundID] = true
			given[m.Amount.Currency()] += m.Amount.Minor()
		}
	}
	for currency := range w.rules.single {
		if w.fake.TotalCaptured(currency).Minor() != taken[currency] || w.fake.TotalRefunded(currency).Minor() != given[currency] {
			w.fail("ledger", "%s: the totals are %v and %v, the sums %d and %d", currency, w.fake.TotalCaptured(currency), w.fake.TotalRefunded(currency), taken[currency], given[currency])
		}
	}
	for _, r := range w.refunds {
		w.seeRefund(r)
	}
	for _, a := range w.authorizations {
		w.seeAuthorization(a)
	}
	for _, c := range w.captures {
		w.seeCapture(c)
	}
	for _, o := range w.orders {
		w.seeOrder(o)
	}
	for _, a := range w.agreements {
		w.seeAgreement(a)
	}
	for _, c := range w.credits {
		w.seeCredit(c)
	}
}

func (w *world) seeCredit(c *credit) {
	d, err := w.clients[c.seller].GetProviderCreditDetails(context.Background(), amazonpay.GetProviderCreditDetailsRequest{AmazonProviderCreditID: c.id})
	if err != nil {
		w.fail("answer", "GetProviderCreditDetails: %v", err)
	}
	if d.CreditAmount != c.amount || d.CreditReversalAmount.Minor() > c.amount.Minor() || d.CreditReversalAmount.Minor() < c.reversed ||
		(d.CreditStatus.ReasonCode == "MaxAmountReversed") != (d.CreditReversalAmount == d.CreditAmount) {
		w.fail("credit", "credit %s: reversed are %d, it says %+v", c.id, c.reversed, d)
	}
}
