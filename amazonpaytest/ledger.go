package amazonpaytest

import (
	"slices"
	"time"

	"github.com/amazonpay-go/amazonpay"
)

// MovementKind is the direction of money.
type MovementKind string

// The directions. A chargeback moves money when it is lost, a claim when it is
// granted.
const (
	Captured    MovementKind = "Captured"    // from the buyer to the seller
	Refunded    MovementKind = "Refunded"    // from the seller to the buyer, by the seller
	ChargedBack MovementKind = "ChargedBack" // from the seller to the buyer, by the buyer's bank
	Claimed     MovementKind = "Claimed"     // from the seller to the buyer, by Amazon's A-to-z guarantee
)

// Movement is money that has changed hands: a capture or a refund, of any type, when it was
// Completed, each exactly once. The solution provider's credits are between
// sellers and not in here.
type Movement struct {
	Time               time.Time                    // on the business clock
	Kind               MovementKind                 // which way the money went
	SellerID           string                       // whose sale it is
	Amount             amazonpay.Price              // above zero for all kinds
	BillingAgreementID amazonpay.BillingAgreementID // empty for a one-time order
	OrderReferenceID   amazonpay.OrderReferenceID   // of the charge, also on an agreement
	AuthorizationID    amazonpay.AuthorizationID    // that the capture was made on
	CaptureID          amazonpay.CaptureID          // the capture, or the one that was refunded
	RefundID           amazonpay.RefundID           // empty for a capture; for a chargeback and a claim the refund by which it shows
	ReferenceID        amazonpay.ReferenceID        // the seller's: of the capture (with CaptureNow, of the authorization) or of the refund; empty for a chargeback and a claim
}

// record enters a movement into the ledger.
func (f *Fake) record(m Movement, a *authorization) {
	m.Time, m.SellerID = f.now, a.order.seller.id
	m.AuthorizationID, m.OrderReferenceID = amazonpay.AuthorizationID(a.id), amazonpay.OrderReferenceID(a.order.id)
	if a.order.parent != nil {
		m.BillingAgreementID = amazonpay.BillingAgreementID(a.order.parent.id)
	}
	f.ledger = append(f.ledger, m)
}

// Ledger is every movement of money so far, in order of time. It is what really
// happened, whatever the seller has been told.
func (f *Fake) Ledger() []Movement {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.ledger)
}

// TotalCaptured is the sum of all captures in a currency; 0 if there were
// none.
func (f *Fake) TotalCaptured(currency amazonpay.Currency) amazonpay.Price {
	return f.total(Captured, currency)
}

// TotalRefunded is the sum of all refunds of sellers in a currency; 0 if there
// were none.
func (f *Fake) TotalRefunded(currency amazonpay.Currency) amazonpay.Price {
	return f.total(Refunded, currency)
}

// TotalChargedBack is the sum of all lost chargebacks in a currency; 0 if there
// were none.
func (f *Fake) TotalChargedBack(currency amazonpay.Currency) amazonpay.Price {
	return f.total(ChargedBack, currency)
}

// TotalClaimed is the sum of all granted A-to-z claims in a currency; 0 if there
// were none.
func (f *Fake) TotalClaimed(currency amazonpay.Currency) amazonpay.Price {
	return f.total(Claimed, currency)
}

func (f *Fake) total(kind MovementKind, currency amazonpay.Currency) amazonpay.Price {
	f.mu.Lock()
	defer f.mu.Unlock()
	sum := money{currency: string(currency)}
	for _, m := range f.ledger {
		if m.Kind == kind && m.Amount.Currency() == currency {
			sum.minor += m.Amount.Minor()
		}
	}
	return sum.price()
}
