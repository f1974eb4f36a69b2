package amazonpaytest

import (
	"fmt"
	"time"

	"github.com/amazonpay-go/amazonpay"
)

// The states of a chargeback. Amazon has been seen to tell of the first only;
// the others are the fake's own words.
const (
	ChargebackReceived = "RECEIVED" // nothing is decided, no money has moved
	ChargebackLost     = "LOST"     // the buyer has the money back
	ChargebackWon      = "WON"      // the seller keeps it
)

// dispute is a chargeback in the books.
type dispute struct {
	id      string
	capture *capture
	amount  money
	reason  string
	state   string
	created time.Time
}

// Dispute is a chargeback: the buyer's bank asks the money of a capture back.
// Amazon tells of it once, when it was received; what comes of it shows on the
// capture only.
type Dispute struct {
	fake *Fake
	d    *dispute
}

// Dispute is a handle on a chargeback of the fake; nil if there is none of that
// id.
func (f *Fake) Dispute(chargebackID string) *Dispute {
	f.mu.Lock()
	defer f.mu.Unlock()
	if d := f.findDispute(chargebackID); d != nil {
		return &Dispute{f, d}
	}
	return nil
}

func (f *Fake) findDispute(id string) *dispute {
	for _, d := range f.disputes {
		if d.id == id {
			return d
		}
	}
	return nil
}

// Chargeback lets the buyer's bank ask the money of a capture back; a zero
// amount is all that is left. A notification says that the chargeback was
// received. Nothing is decided yet, no money moves. The reasons that have been
// seen are "Unauthorized Transaction Chargeback" and "Generic Service
// Chargeback", which an empty one means. It panics on an unknown capture, one
// that has not taken money, and an amount above what other chargebacks and claims
// leave of the capture's.
func (f *Fake) Chargeback(id amazonpay.CaptureID, amount amazonpay.Price, reason string) *Dispute {
	return f.Dispute(f.must(Act{Do: "Chargeback", ID: string(id), Amount: amount, Reason: reason}).ID)
}

// ID is the AmazonChargebackId.
func (d *Dispute) ID() string { return d.d.id }

// State is [ChargebackReceived], and [ChargebackLost] or [ChargebackWon] when it
// is decided.
func (d *Dispute) State() string {
	d.fake.mu.Lock()
	defer d.fake.mu.Unlock()
	return d.d.state
}

// Lose decides for the buyer: the money goes back as a refund of type
// Chargeback, of which a notification tells. A second decision does nothing.
func (d *Dispute) Lose() *Dispute {
	d.fake.try(Act{Do: "LoseChargeback", ID: d.d.id})
	return d
}

// Win decides for the seller: nothing moves, and nobody is told. A second
// decision does nothing.
func (d *Dispute) Win() *Dispute {
	d.fake.try(Act{Do: "WinChargeback", ID: d.d.id})
	return d
}

// GrantClaim is Amazon deciding an A-to-z claim for the buyer: the amount goes
// back as a refund of type AmazonA-ZGuarantee, of which a notification tells;
// zero is all that is left. It panics on an amount above what chargebacks and
// other claims leave of the capture's, and does nothing to a capture that has not
// taken money.
func (c *Capture) GrantClaim(amount amazonpay.Price) *Capture {
	c.fake.try(Act{Do: "GrantClaim", ID: c.c.id, Amount: amount})
	return c
}

// disputed finds the capture of an act and the part of it that is asked back.
func (f *Fake) disputed(a Act) (*capture, money, error) {
	c := f.captures[a.ID]
	if c == nil {
		return nil, money{}, a.wrong("id", "is %q; there is no such capture", a.ID)
	}
	left := money{minor: c.amount.minor - f.askedBack(c), currency: c.amount.currency}
	amount := moneyOf(a.Amount)
	if a.Amount.IsZero() {
		amount = left
	}
	if amount.currency != left.currency || amount.minor <= 0 || amount.minor > left.minor {
		return nil, money{}, a.wrong("amount", "is %s; it is above zero and at most the %s of the capture that no other chargeback or claim takes",
			amount.price(), left.price())
	}
	if !c.paid {
		return nil, money{}, a.untimely(c.status, amazonpay.StateCompleted)
	}
	return c, amount, nil
}

// askedBack is what chargebacks that are not won and claims take of a capture:
// the same money is asked back once.
func (f *Fake) askedBack(c *capture) int64 {
	var sum int64
	for _, d := range f.disputes {
		if d.capture == c && d.state == ChargebackReceived {
			sum += d.amount.minor
		}
	}
	for _, b := range c.refunds {
		if b.kind != "" {
			sum += b.amount.minor
		}
	}
	return sum
}

func (f *Fake) receiveChargeback(a Act) (Outcome, error) {
	c, amount, err := f.disputed(a)
	if err != nil {
		return Outcome{}, err
	}
	reason := a.Reason
	fill(&reason, "Generic Service Chargeback")
	d := &dispute{id: fmt.Sprintf("CB%012d", len(f.disputes)+1), capture: c, amount: amount, reason: reason,
		state: ChargebackReceived, created: f.now}
	f.disputes = append(f.disputes, d)
	o := c.authorization.order
	n := notice{kind: chargebackKind, id: d.id, seller: o.seller, status: status{state: ChargebackReceived}}
	n.object = el("ChargebackDetails",
		tx("AmazonChargebackId", n.id), tx("AmazonOrderReferenceId", o.id),
		tx("AmazonCaptureReferenceId", c.reference), // the seller's own, whatever the name says
		stamp("CreationTimestamp", f.now), priced("ChargebackAmount", amount),
		tx("ChargebackState", ChargebackReceived), tx("ChargebackReason", reason))
	f.post(f.draft(n, ""))
	return Outcome{ID: d.id, State: ChargebackReceived}, nil
}

func (f *Fake) decideChargeback(a Act) (Outcome, error) {
	d := f.findDispute(a.ID)
	if d == nil {
		return Outcome{}, a.wrong("id", "is %q; there is no such chargeback", a.ID)
	}
	if d.state != ChargebackReceived {
		return Outcome{}, a.untimely(status{state: amazonpay.State(d.state)}, ChargebackReceived)
	}
	d.state = ChargebackWon
	if a.Do == "LoseChargeback" {
		d.state = ChargebackLost
		f.takeBack(d.capture, d.amount, "Chargeback", d.id)
	}
	return Outcome{ID: d.id, State: amazonpay.State(d.state)}, nil
}

func (f *Fake) grantClaim(a Act) (Outcome, error) {
	c, amount, err := f.disputed(a)
	if err != nil {
		return Outcome{}, err
	}
	return outcomeOf(f.takeBack(c, amount, "AmazonA-ZGuarantee", "")), nil
}

// takeBack gives money back over the seller's head. It shows as a refund that
// the seller has not asked for; its reference id is Amazon's.
func (f *Fake) takeBack(c *capture, amount money, kind, reference string) *refund {
	b := &refund{id: f.newPart(c.authorization.order.id, "R"), capture: c, created: f.now, amount: amount, kind: kind, reference: reference}
	fill(&b.reference, b.id)
	f.enterRefund(b)
	f.giveBack(b, amazonpay.StateCompleted, "")
	return b
}

// movement is what a refund is in the ledger.
func (b *refund) movement() MovementKind {
	switch b.kind {
	case "":
		return Refunded
	case "Chargeback":
		return ChargedBack
	}
	return Claimed
}

// sellersOwn is the reference id of a refund that the seller has asked for.
func (b *refund) sellersOwn() amazonpay.ReferenceID {
	if b.kind != "" {
		return ""
	}
	return amazonpay.ReferenceID(b.reference)
}
