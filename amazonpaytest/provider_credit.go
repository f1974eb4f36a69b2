package amazonpaytest

import (
	"slices"
	"strconv"
	"time"

	"github.com/amazonpay-go/amazonpay"
)

// share is what a request wants to give to a solution provider, or take back.
type share struct {
	provider string
	amount   money
}

// credit is a provider credit in the books.
type credit struct {
	id        string
	capture   *capture
	provider  string
	status    status
	created   time.Time
	amount    money
	reversals []*reversal
}

// reversal is a provider credit reversal in the books.
type reversal struct {
	id        string
	credit    *credit
	status    status
	created   time.Time
	reference string
	note      string
	amount    money
}

// shares reads a list of provider credits or reversals; they may not exceed
// the amount they are a part of.
func (f *Fake) shares(r *request, list, price string, of money) ([]share, *refusal) {
	var all []share
	var sum int64
	for i := 1; r.has(list+"."+strconv.Itoa(i)+".ProviderId") || r.has(list+"."+strconv.Itoa(i)+"."+price+".Amount"); i++ {
		item := list + "." + strconv.Itoa(i) + "."
		s := share{r.get(item + "ProviderId"), r.money(item + price)}
		switch {
		case s.provider == "":
			return nil, refuse("InvalidParameterValue", "Missing required parameter: %sProviderId.", item)
		case s.amount.minor == 0:
			return nil, refuse("InvalidParameterValue", "Missing required parameter: %s.Amount.", item+price)
		case !slices.Contains(f.settings.Providers, s.provider):
			return nil, refuse("ProviderNotAuthorized", "The provider %s is not linked to the seller.", s.provider)
		case s.amount.currency != of.currency:
			return nil, refuse("CurrencyMismatch", "The currency %s differs from that of the transaction.", s.amount.currency)
		}
		if sum += s.amount.minor; sum > of.minor {
			return nil, tooMuch(s.amount)
		}
		all = append(all, s)
	}
	return all, nil
}

// giveCredits makes the provider credits of a completed capture.
func (f *Fake) giveCredits(c *capture) {
	for _, s := range c.credits {
		credit := &credit{id: f.newPart(c.authorization.order.id, "P"), capture: c, provider: s.provider, created: f.now, amount: s.amount}
		credit.status.of = credit
		f.move(&credit.status, amazonpay.StateCompleted, "")
		f.credits[credit.id] = credit
		c.credited = append(c.credited, credit)
	}
}

// reversed is what was taken back of a credit, and reserved what is or may be:
// a reversal that goes with a refund waits for it.
func (c *credit) reversed() (reversed, reserved int64) {
	for _, back := range c.reversals {
		if back.status.is(amazonpay.StateCompleted) {
			reversed += back.amount.minor
		}
		if !back.status.is(amazonpay.StateDeclined) {
			reserved += back.amount.minor
		}
	}
	return reversed, reserved
}

// exceeds tells that a reversal of the amount is more than is left of the credit.
func (c *credit) exceeds(amount money) bool {
	_, reserved := c.reversed()
	return reserved+amount.minor > c.amount.minor
}

// checkReversals finds the credits of a capture that a refund takes back.
func (f *Fake) checkReversals(c *capture, shares []share) ([]*reversal, *refusal) {
	var all []*reversal
	for _, s := range shares {
		i := slices.IndexFunc(c.credited, func(credit *credit) bool {
			taken := slices.ContainsFunc(all, func(back *reversal) bool { return back.credit == credit })
			return credit.provider == s.provider && !taken
		})
		if i < 0 || c.credited[i].exceeds(s.amount) {
			return nil, tooMuch(s.amount)
		}
		all = append(all, &reversal{credit: c.credited[i], amount: s.amount})
	}
	return all, nil
}

// enterReversal enters a reversal into the books.
func (f *Fake) enterReversal(back *reversal) {
	c := back.credit
	back.id, back.created = f.newPart(c.capture.authorization.order.id, "Q"), f.now
	back.status.of = back
	f.reversals[back.id] = back
	c.reversals = append(c.reversals, back)
	f.move(&back.status, amazonpay.StatePending, "")
}

// reverse ends a reversal: like the refund it goes with, if there is one.
func (f *Fake) reverse(back *reversal, state amazonpay.State, reason amazonpay.Reason) {
	f.move(&back.status, state, reason)
	c := back.credit
	if reversed, _ := c.reversed(); reversed == c.amount.minor && c.status.is(amazonpay.StateCompleted) {
		f.move(&c.status, amazonpay.StateClosed, amazonpay.ReasonMaxAmountReversed)
	}
}

func (f *Fake) findCredit(r *request) (*credit, *refusal) {
	c := f.credits[r.get("AmazonProviderCreditId")]
	if c == nil || c.capture.authorization.order.seller != r.seller && c.provider != r.seller.id {
		return nil, unknownTransaction(r.get("AmazonProviderCreditId"))
	}
	return c, f.foreign(r)
}

func (f *Fake) getProviderCreditDetails(r *request, c *credit) ([]node, *refusal) {
	item := "member" // recordings have both spellings
	if f.requests%2 == 1 {
		item = "Id"
	}
	return []node{el("GetProviderCreditDetailsResult", c.node(item))}, nil
}

// node renders a credit, with the name for the items of its list.
func (c *credit) node(item string) node {
	ids := make([]string, len(c.reversals))
	for i, back := range c.reversals {
		ids[i] = back.id
	}
	back, _ := c.reversed()
	reversed := money{minor: back, currency: c.amount.currency}
	return el("ProviderCreditDetails",
		tx("AmazonProviderCreditId", c.id), tx("SellerId", c.capture.authorization.order.seller.id),
		tx("ProviderId", c.provider), tx("CreditReferenceId", c.capture.reference),
		priced("CreditAmount", c.amount), priced("CreditReversalAmount", reversed),
		list("CreditReversalIdList", item, ids), stamp("CreationTimestamp", c.created),
		c.status.node("CreditStatus"))
}

func (f *Fake) getProviderCreditReversalDetails(r *request) ([]node, *refusal) {
	back := f.reversals[r.get("AmazonProviderCreditReversalId")]
	if back == nil || back.credit.capture.authorization.order.seller != r.seller && back.credit.provider != r.seller.id {
		return nil, unknownTransaction(r.get("AmazonProviderCreditReversalId"))
	}
	if refused := f.foreign(r); refused != nil {
		return nil, refused
	}
	return []node{el("GetProviderCreditReversalDetailsResult", back.node())}, nil
}

func (f *Fake) reverseProviderCredit(r *request, c *credit) ([]node, *refusal) {
	amount := r.money("CreditReversalAmount")
	if amount.currency != c.amount.currency {
		return nil, refuse("CurrencyMismatch", "The currency %s differs from that of the credit.", amount.currency)
	}
	if c.exceeds(amount) {
		return nil, tooMuch(amount)
	}
	back := &reversal{credit: c, amount: amount, reference: r.get("CreditReversalReferenceId"), note: r.get("CreditReversalNote")}
	f.enterReversal(back)
	f.reverse(back, amazonpay.StateCompleted, "")
	return []node{el("ReverseProviderCreditResult", back.node())}, nil
}

func (back *reversal) node() node {
	return el("ProviderCreditReversalDetails",
		tx("AmazonProviderCreditReversalId", back.id), tx("SellerId", back.credit.capture.authorization.order.seller.id),
		tx("ProviderId", back.credit.provider), tx("CreditReversalReferenceId", back.reference),
		priced("CreditReversalAmount", back.amount), stamp("CreationTimestamp", back.created),
		back.status.node("CreditReversalStatus"), opt("CreditReversalNote", back.note))
}
