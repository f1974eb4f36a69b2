package main

import (
	"context"
	"fmt"
	"iter"

	"github.com/amazonpay-go/amazonpay"
)

// movement is money that has moved, as the other side's books have it: to the
// shop, by a reference id of the shop's, or back, by a refund id of Amazon's.
type movement struct {
	reference amazonpay.ReferenceID
	refund    amazonpay.RefundID // empty for money that was taken
	amount    amazonpay.Price
}

// name is what both sides call it.
func (m movement) name() string {
	if m.refund != "" {
		return "refund " + string(m.refund)
	}
	return string(m.reference)
}

// compare holds the ledger's payments and what went back of them against books,
// id by id, and lists at most ten differences.
func (s *service) compare(ctx context.Context, books iter.Seq2[movement, error]) (differences []string, err error) {
	differ := func(format string, args ...any) {
		if len(differences) < 10 {
			differences = append(differences, fmt.Sprintf(format, args...))
		}
	}
	theirs := map[string]amazonpay.Price{}
	for m, err := range books {
		if err != nil {
			return nil, err
		}
		if _, twice := theirs[m.name()]; twice {
			differ("%s is in the books twice", m.name())
		}
		theirs[m.name()] = m.amount
	}
	err = s.movements(ctx, func(m movement) {
		switch real, ok := theirs[m.name()]; {
		case !ok:
			differ("%s: the ledger has %s, the books nothing", m.name(), m.amount)
		case real != m.amount:
			differ("%s: the ledger has %s, the books %s", m.name(), m.amount, real)
		}
		delete(theirs, m.name())
	})
	for id, amount := range theirs {
		differ("%s: the books have %s, the ledger nothing", id, amount)
	}
	return differences, err
}

// movements reads what the ledger knows of money that has moved, page by page.
func (s *service) movements(ctx context.Context, yield func(movement)) error {
	for _, query := range []string{
		"SELECT reference, reference, '', amount, currency FROM payments WHERE reference > $1 ORDER BY reference LIMIT $2",
		"SELECT refund_id, reference, refund_id, amount, currency FROM refunds WHERE refund_id > $1 AND state = 'Completed' ORDER BY refund_id LIMIT $2",
	} {
		for last, full := "", true; full; {
			n := 0
			err := s.db.within(ctx, func(t tx) error {
				return each(ctx, t, query, []any{last, page}, func(scan func(...any) error) (err error) {
					var m movement
					var minor int64
					var currency amazonpay.Currency
					if err := scan(&last, &m.reference, &m.refund, &minor, &currency); err != nil {
						return err
					}
					if m.amount, err = priceOf(minor, currency); err == nil {
						n++
						yield(m)
					}
					return err
				})
			})
			if err != nil {
				return err
			}
			full = n == page
		}
	}
	return nil
}
