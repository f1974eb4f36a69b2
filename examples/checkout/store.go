package main

import (
	"context"
	"crypto/rand"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/widgets"
)

// store is the shop's database, in memory: it is gone when the shop ends. A real
// shop keeps all of it in tables; the comments say where a table would do more
// than a map.
type store struct {
	mu         sync.Mutex
	customers  map[string]*customer                       // by Amazon's user id
	sessions   map[string]*session                        // by the cookie's id
	agreements map[amazonpay.BillingAgreementID]*customer // whose it is: a unique key
	charges    map[amazonpay.ReferenceID]*customer        // likewise
}

func newStore() *store {
	return &store{
		customers: make(map[string]*customer), sessions: make(map[string]*session),
		agreements: make(map[amazonpay.BillingAgreementID]*customer), charges: make(map[amazonpay.ReferenceID]*customer),
	}
}

// customer is a buyer. Everything that a customer has is behind one lock, and
// whatever is done for a customer happens one after the other: the second of two
// clicks finds what the first has done. With a database it is the row that a
// transaction locks, and not while Amazon is asked: see the README.
type customer struct {
	id   string // Amazon's user id
	name string // never logged

	busy         chan struct{}
	orders       []*order
	subscription *subscription   // the one that runs, or the latest
	past         []*subscription // those before
}

// lock waits for its turn, or for the end of the context.
func (c *customer) lock(ctx context.Context) error {
	select {
	case c.busy <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *customer) unlock() { <-c.busy }

// order finds one of the customer's own orders; nil if it is none.
func (c *customer) order(id string) *order {
	for _, o := range c.orders {
		if o.id == id {
			return o
		}
	}
	return nil
}

// running is the subscription that is neither canceled nor ended, or nil: a
// customer has at most one.
func (c *customer) running() *subscription {
	if s := c.subscription; s != nil && s.canceled.IsZero() && s.ended.IsZero() {
		return s
	}
	return nil
}

// subscriptions are all of the customer's, those that have ended, too: a charge
// may still be undecided.
func (c *customer) subscriptions() []*subscription {
	if c.subscription == nil {
		return nil
	}
	return append(slices.Clone(c.past), c.subscription)
}

// orderState is where an order stands.
type orderState string

const (
	orderDraft      orderState = "draft"      // the buyer is choosing
	orderConfirming orderState = "confirming" // the buyer has pressed Subscribe
	orderDone       orderState = "done"       // there is a subscription
	orderEnded      orderState = "ended"      // Amazon has no use for the agreement any more
)

// order is what a buyer wants to have. Its price is that of the moment in which
// it was begun: what the buyer sees is what the buyer pays.
type order struct {
	id        string
	made      time.Time
	price     amazonpay.Price
	state     orderState
	agreement amazonpay.BillingAgreementID // the first that the widgets made for it

	confirmed  time.Time                    // when the buyer last pressed Subscribe
	incomplete bool                         // the buyer wanted to go on, and something is missing
	returned   bool                         // from the bank, without a yes
	bank       widgets.AuthenticationStatus // what the browser said then
}

// subscription is an order that was confirmed.
type subscription struct {
	order     *order
	agreement amazonpay.BillingAgreementID
	started   time.Time
	charges   []*charge

	suspended bool      // Amazon takes no charges until the buyer chooses another payment method
	changing  bool      // the buyer has confirmed another payment method, and is on the way back
	canceled  time.Time // the buyer wants no more; written before Amazon is told
	ended     time.Time // the agreement is at its end
}

// last is the latest charge; there is always one.
func (s *subscription) last() *charge { return s.charges[len(s.charges)-1] }

// due is when a period begins and is to be paid for; the first is 1. The 31st is
// the last day of shorter months.
func (s *subscription) due(period int) time.Time {
	t := s.started.AddDate(0, period-1, 0)
	if t.Day() != s.started.Day() {
		t = t.AddDate(0, 0, -t.Day())
	}
	return t
}

// chargeState is where a charge stands.
type chargeState string

const (
	chargeOpen     chargeState = "open"     // written; not known to be decided
	chargePending  chargeState = "pending"  // Amazon takes its time
	chargePaid     chargeState = "paid"     // the money is there
	chargeDeclined chargeState = "declined" // for good; the next try has another reference id
	chargeDropped  chargeState = "dropped"  // nothing was taken, and nothing will be
)

// charge is one try at one period. Its request is written before the first call
// and never changes, so that it can be repeated at any time.
type charge struct {
	period, try int
	made        time.Time
	request     amazonpay.ChargeRequest
	sent        bool // at least once: money may have moved
	state       chargeState
	advice      amazonpay.Advice
	again       time.Time // when the shop goes on by itself; zero is not
}

// customer finds the buyer, or enters a new one.
func (s *store) customer(id string) *customer {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.customers[id]
	if c == nil {
		c = &customer{id: id, busy: make(chan struct{}, 1)}
		s.customers[id] = c
	}
	return c
}

func (s *store) everybody() []*customer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.customers))
}

// claim enters whose an agreement is. It is false if it is somebody else's.
func (s *store) claim(id amazonpay.BillingAgreementID, c *customer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if owner := s.agreements[id]; owner != nil {
		return owner == c
	}
	s.agreements[id] = c
	return true
}

func (s *store) ownerOfAgreement(id amazonpay.BillingAgreementID) *customer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.agreements[id]
}

// enter notes whose charge it is, under all ids that Amazon may name it by.
func (s *store) enter(id amazonpay.ReferenceID, c *customer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	late := id.Derive("asynchronous") // Charge's second authorization, if the first is not decided in time
	for _, name := range []amazonpay.ReferenceID{id, id.Derive("capture"), late, late.Derive("capture")} {
		s.charges[name] = c
	}
}

func (s *store) ownerOfCharge(id amazonpay.ReferenceID) *customer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.charges[id]
}

// draftLife is how long Amazon keeps an agreement that is not confirmed.
const draftLife = 3 * time.Hour

// openOrder is the order that the customer has begun, or a new one: all tabs
// work on the same.
func (c *customer) openOrder(price amazonpay.Price, now time.Time) *order {
	for _, o := range slices.Backward(c.orders) {
		if (o.state == orderDraft || o.state == orderConfirming) && o.price == price && now.Sub(o.made) < draftLife {
			return o
		}
	}
	o := &order{id: "SF-" + rand.Text()[:10], made: now, price: price, state: orderDraft}
	c.orders = append(c.orders, o)
	return o
}
