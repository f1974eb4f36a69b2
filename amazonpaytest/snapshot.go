package amazonpaytest

import (
	"cmp"
	"slices"
	"time"

	"github.com/amazonpay-go/amazonpay"
)

// View says what of the books a snapshot shows. The zero View is everything but
// the buyers.
type View struct {
	ID     string // only the object of this id and what belongs to the same agreement or order reference; empty is all
	Offset int    // of each kind leave so many of the latest out
	Limit  int    // of each kind show at most so many, the latest; 0 is all
	Buyers bool   // with names and addresses
}

// Snapshot is the books at one moment, each kind in the order of making.
type Snapshot struct {
	Now            time.Time            `json:"now"`            // of the business clock
	Agreements     []AgreementRecord    `json:"agreements"`     // billing agreements
	Orders         []OrderRecord        `json:"orders"`         // order references, also those of agreements
	Authorizations []TransactionRecord  `json:"authorizations"` // in any state
	Captures       []TransactionRecord  `json:"captures"`       // in any state
	Refunds        []TransactionRecord  `json:"refunds"`        // of any type: the seller's, chargebacks and claims
	Disputes       []DisputeRecord      `json:"disputes"`       // chargebacks, also undecided ones
	Due            []DueRecord          `json:"due"`            // what happens next, and when
	Notifications  []NotificationRecord `json:"notifications"`  // numbered as in Fake.Notifications
	Faults         []Fault              `json:"faults"`         // that wait to strike
	Totals         []Total              `json:"totals"`         // of the ledger, by currency; of the whole, whatever the View
	Counts         map[string]int       `json:"counts"`         // how many there are of each list, without Offset and Limit
}

// Record is what all objects have.
type Record struct {
	ID          string           `json:"id"`                    // Amazon's
	SellerID    string           `json:"seller"`                // whose it is
	State       amazonpay.State  `json:"state"`                 // now
	Reason      amazonpay.Reason `json:"reason,omitempty"`      // ReasonCode of the state; empty if it has none
	Description string           `json:"description,omitempty"` // ReasonDescription of the state; may be empty
	Created     time.Time        `json:"created"`               // on the business clock
	Updated     time.Time        `json:"updated,omitzero"`      // of the state
	Note        string           `json:"note,omitempty"`        // the seller's
}

// AgreementRecord is a billing agreement.
type AgreementRecord struct {
	Record
	Consent      bool               `json:"consent"`               // of the buyer, to recurring payments
	Payment      PaymentMethod      `json:"payment"`               // in force
	Constraints  []string           `json:"constraints,omitempty"` // ids
	Remaining    amazonpay.Price    `json:"remaining"`             // balance of the calendar month
	SellerOwnID  string             `json:"sellerOwnId,omitempty"` // SellerBillingAgreementId
	Store        string             `json:"store,omitempty"`       // StoreName
	Type         string             `json:"type,omitempty"`        // BillingAgreementType
	Subscription amazonpay.Price    `json:"subscription,omitzero"` // SubscriptionAmount; zero if none was set
	Awaits       bool               `json:"awaits,omitempty"`      // the buyer's authentication
	Orders       int                `json:"orders"`                // how many order references
	Buyer        *amazonpay.Buyer   `json:"buyer,omitempty"`       // nil without View.Buyers
	Address      *amazonpay.Address `json:"address,omitempty"`     // to ship to; nil without View.Buyers, and if none was picked
}

// OrderRecord is an order reference.
type OrderRecord struct {
	Record
	AgreementID    string             `json:"agreement,omitempty"`   // empty for a one-time order
	Total          amazonpay.Price    `json:"total,omitzero"`        // zero until it is set
	Payment        PaymentMethod      `json:"payment"`               // in force
	Constraints    []string           `json:"constraints,omitempty"` // ids
	SellerOwnID    string             `json:"sellerOwnId,omitempty"` // SellerOrderId
	Store          string             `json:"store,omitempty"`       // StoreName
	Awaits         bool               `json:"awaits,omitempty"`      // the buyer's authentication
	Authorizations int                `json:"authorizations"`        // how many
	Buyer          *amazonpay.Buyer   `json:"buyer,omitempty"`       // nil without View.Buyers
	Address        *amazonpay.Address `json:"address,omitempty"`     // to ship to; nil without View.Buyers, and if none was picked
}

// TransactionRecord is an authorization, a capture or a refund.
type TransactionRecord struct {
	Record
	ParentID    string          `json:"parent"`               // order reference, authorization or capture
	AgreementID string          `json:"agreement,omitempty"`  // at the root, if it is one
	ReferenceID string          `json:"reference"`            // the seller's
	Amount      amazonpay.Price `json:"amount"`               // that was asked for
	Used        amazonpay.Price `json:"used,omitzero"`        // captured of an authorization, refunded of a capture
	Type        string          `json:"type,omitempty"`       // RefundType
	Soft        bool            `json:"soft,omitempty"`       // SoftDecline
	Descriptor  string          `json:"descriptor,omitempty"` // SoftDescriptor, as on the buyer's statement
}

// DisputeRecord is a chargeback.
type DisputeRecord struct {
	ID        string          `json:"id"`      // of the dispute
	CaptureID string          `json:"capture"` // what is disputed
	Amount    amazonpay.Price `json:"amount"`  // that the buyer wants back
	Reason    string          `json:"reason"`  // the bank's
	State     string          `json:"state"`   // ChargebackReceived, ChargebackWon or ChargebackLost
	Created   time.Time       `json:"created"` // on the business clock
}

// DueRecord is something that will happen by itself.
type DueRecord struct {
	At   time.Time `json:"at"`   // on the business clock
	What string    `json:"what"` // such as "authorization is decided"
	ID   string    `json:"id"`   // whose
}

// NotificationRecord is a notification to one receiver.
type NotificationRecord struct {
	Number   int              `json:"number"`           // for the act Resend
	ID       string           `json:"id"`               // MessageId
	Type     string           `json:"type"`             // NotificationType
	Event    string           `json:"event,omitempty"`  // EventType, if it is more than a change of state
	ObjectID string           `json:"object,omitempty"` // what it is about; may be empty
	State    amazonpay.State  `json:"state,omitempty"`  // of the object when the notification was made
	Reason   amazonpay.Reason `json:"reason,omitempty"` // likewise
	Receiver string           `json:"receiver"`         // the URL
	Made     time.Time        `json:"made"`             // on the business clock
	Attempts int              `json:"attempts"`         // so far
	Status   int              `json:"status,omitempty"` // of the last attempt
	Error    string           `json:"error,omitempty"`  // why the last attempt got no answer
	Lost     bool             `json:"lost,omitempty"`   // by chance, on its way
	Due      time.Time        `json:"due,omitzero"`     // of the next attempt
}

// Total is the ledger in one currency.
type Total struct {
	Captured    amazonpay.Price `json:"captured"`    // taken from buyers
	Refunded    amazonpay.Price `json:"refunded"`    // given back by sellers
	ChargedBack amazonpay.Price `json:"chargedBack"` // taken back by banks
	Claimed     amazonpay.Price `json:"claimed"`     // given back by the A-to-z guarantee
}

// Snapshot is the books without names and addresses of buyers.
func (f *Fake) Snapshot() Snapshot { return f.SnapshotOf(View{}) }

// SnapshotOf is [Fake.Snapshot] of a part. An ID that nothing has shows nothing
// but what belongs to no object.
func (f *Fake) SnapshotOf(v View) Snapshot {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := newPicture(f, v)
	s := Snapshot{Now: f.now, Faults: append([]Fault{}, f.faults...), Totals: f.totals(), Counts: make(map[string]int)}
	s.Agreements = shownOf(p, "agreements", f.made.agreements, func(a *agreement) string { return a.id }, p.agreement)
	s.Orders = shownOf(p, "orders", f.made.orders, func(o *order) string { return o.id }, p.order)
	s.Authorizations = shownOf(p, "authorizations", f.made.authorizations, func(a *authorization) string { return a.id }, p.authorization)
	s.Captures = shownOf(p, "captures", f.made.captures, func(c *capture) string { return c.id }, p.capture)
	s.Refunds = shownOf(p, "refunds", f.made.refunds, func(b *refund) string { return b.id }, p.refund)
	s.Disputes = shownOf(p, "disputes", f.disputes, func(d *dispute) string { return d.id }, p.dispute)
	s.Notifications = shownOf(p, "notifications", f.sent, func(n *parcel) string { return n.ObjectID }, p.notification)
	s.Due = p.due()
	s.Counts = p.counts
	return s
}

// made are objects in the order of making.
type made struct {
	agreements     []*agreement
	orders         []*order
	authorizations []*authorization
	captures       []*capture
	refunds        []*refund
}

// picture is a snapshot in the making.
type picture struct {
	fake   *Fake
	view   View
	family map[string]bool // ids that are shown; nil is all
	counts map[string]int
}

func newPicture(f *Fake, v View) *picture {
	p := &picture{fake: f, view: v, counts: make(map[string]int)}
	if v.ID != "" {
		p.family = f.family(v.ID)
	}
	return p
}

// family is the ids of all that hangs on the same agreement or order reference.
func (f *Fake) family(id string) map[string]bool {
	var root *order
	if d := f.findDispute(id); d != nil {
		id = d.capture.id
	}
	switch s := f.subject(id).(type) {
	case *order:
		root = s
	case *authorization:
		root = s.order
	case *capture:
		root = s.authorization.order
	case *refund:
		root = s.capture.authorization.order
	case *credit:
		root = s.capture.authorization.order
	case *reversal:
		root = s.credit.capture.authorization.order
	}
	ids := map[string]bool{id: true}
	orders := []*order{root}
	a := f.agreements[id]
	if root != nil && root.parent != nil {
		a = root.parent
	}
	switch {
	case a != nil:
		ids[a.id] = true
		orders = a.orders
	case root == nil:
		return ids
	}
	for _, o := range orders {
		ids[o.id] = true
		for _, x := range o.authorizations {
			ids[x.id] = true
			for _, c := range x.captures {
				c.mark(ids)
			}
		}
	}
	for _, d := range f.disputes {
		ids[d.id] = ids[d.id] || ids[d.capture.id]
	}
	return ids
}

func (c *capture) mark(ids map[string]bool) {
	ids[c.id] = true
	for _, b := range c.refunds {
		ids[b.id] = true
	}
	for _, credit := range c.credited {
		ids[credit.id] = true
		for _, back := range credit.reversals {
			ids[back.id] = true
		}
	}
}

// shownOf makes the records of one kind that the view shows. Only those are
// made: the books may be long.
func shownOf[T, R any](p *picture, kind string, all []T, id func(T) string, record func(T) R) []R {
	if p.family != nil {
		all = slices.DeleteFunc(slices.Clone(all), func(x T) bool { return !p.family[id(x)] })
	}
	p.counts[kind] = len(all)
	end := max(0, len(all)-max(0, p.view.Offset))
	start := 0
	if p.view.Limit > 0 {
		start = max(0, end-p.view.Limit)
	}
	records := make([]R, 0, end-start)
	for _, x := range all[start:end] {
		records = append(records, record(x))
	}
	return records
}

func recordOf(id, note string, s *seller, st status, created time.Time) Record {
	return Record{ID: id, SellerID: s.id, State: st.state, Reason: st.reason, Description: st.description,
		Created: created, Updated: st.at, Note: note}
}

func (p *picture) agreement(a *agreement) AgreementRecord {
	limit := moneyOf(p.fake.settings.MonthlyLimit)
	r := AgreementRecord{
		Record: recordOf(a.id, a.note, a.seller, a.status, a.created), Consent: a.consent, Payment: a.method, Constraints: a.constraints(),
		Remaining:   money{minor: limit.minor - a.spent[monthKey(p.fake.now)], currency: limit.currency}.price(),
		SellerOwnID: a.sellerID, Store: a.store, Type: a.kind, Subscription: a.subscription.price(),
		Awaits: a.flow != flow{}, Orders: len(a.orders),
	}
	r.Buyer, r.Address = p.buyer(&a.visit)
	return r
}

// buyer shows a buyer, if that is wanted.
func (p *picture) buyer(v *visit) (*amazonpay.Buyer, *amazonpay.Address) {
	if !p.view.Buyers {
		return nil, nil
	}
	buyer, address := v.buyer, v.address
	return &buyer, &address
}

func (p *picture) order(o *order) OrderRecord {
	r := OrderRecord{
		Record: recordOf(o.id, o.note, o.seller, o.status, o.created), Total: o.total.price(), Payment: o.method,
		Constraints: o.constraints(), SellerOwnID: o.sellerOrderID, Store: o.store, Awaits: o.flow != flow{},
		Authorizations: len(o.authorizations), AgreementID: o.agreementID(),
	}
	if o.status.is(amazonpay.StateCanceled, amazonpay.StateClosed) {
		r.Constraints = nil
	}
	r.Buyer, r.Address = p.buyer(&o.visit)
	return r
}

func (o *order) agreementID() string {
	if o.parent == nil {
		return ""
	}
	return o.parent.id
}

func (p *picture) authorization(a *authorization) TransactionRecord {
	return TransactionRecord{Record: recordOf(a.id, a.note, a.order.seller, a.status, a.created), ParentID: a.order.id, AgreementID: a.order.agreementID(),
		ReferenceID: a.reference, Amount: a.amount.price(), Used: a.captured.price(), Soft: a.soft, Descriptor: a.descriptor}
}

func (p *picture) capture(c *capture) TransactionRecord {
	o := c.authorization.order
	return TransactionRecord{Record: recordOf(c.id, c.note, o.seller, c.status, c.created), ParentID: c.authorization.id, AgreementID: o.agreementID(),
		ReferenceID: c.reference, Amount: c.amount.price(), Used: c.refunded.price(), Descriptor: c.descriptor}
}

func (p *picture) refund(b *refund) TransactionRecord {
	o := b.capture.authorization.order
	return TransactionRecord{Record: recordOf(b.id, b.note, o.seller, b.status, b.created), ParentID: b.capture.id, AgreementID: o.agreementID(),
		ReferenceID: b.reference, Amount: b.amount.price(), Type: cmp.Or(b.kind, "SellerInitiated"), Descriptor: b.descriptor}
}

func (p *picture) dispute(d *dispute) DisputeRecord {
	return DisputeRecord{ID: d.id, CaptureID: d.capture.id, Amount: d.amount.price(), Reason: d.reason, State: d.state, Created: d.created}
}

func (p *picture) notification(n *parcel) NotificationRecord {
	r := NotificationRecord{Number: n.number, ID: n.MessageID, Type: n.NotificationType, Event: n.EventType, ObjectID: n.ObjectID,
		State: n.State, Reason: n.Reason, Receiver: n.Receiver, Made: n.Time, Attempts: n.Attempts, Status: n.Status, Lost: n.Lost, Due: n.Due}
	if n.Err != nil {
		r.Error = n.Err.Error()
	}
	return r
}

// due is what happens by itself, the first first.
func (p *picture) due() []DueRecord {
	due := make([]DueRecord, 0, 16)
	items := slices.Clone(p.fake.events.items)
	items = slices.DeleteFunc(items, func(e queued[event]) bool {
		return p.family != nil && !p.family[e.what.id] || e.what.when != nil && !e.what.when()
	})
	p.counts["due"] = len(items)
	slices.SortFunc(items, func(a, b queued[event]) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.rank, b.rank)) })
	end := len(items)
	if p.view.Limit > 0 {
		end = min(end, p.view.Limit)
	}
	for _, e := range items[:end] {
		due = append(due, DueRecord{At: e.at, What: e.what.what, ID: e.what.id})
	}
	return due
}

// totals sums the ledger up, in the order of the alphabet.
func (f *Fake) totals() []Total {
	sums := make(map[string]map[MovementKind]int64)
	for _, m := range f.ledger {
		currency := string(m.Amount.Currency())
		if sums[currency] == nil {
			sums[currency] = make(map[MovementKind]int64)
		}
		sums[currency][m.Kind] += m.Amount.Minor()
	}
	totals := make([]Total, 0, len(sums))
	for _, currency := range sortedNames(sums) {
		of := func(kind MovementKind) amazonpay.Price {
			return money{minor: sums[currency][kind], currency: currency}.price()
		}
		totals = append(totals, Total{of(Captured), of(Refunded), of(ChargedBack), of(Claimed)})
	}
	return totals
}
