package main

import (
	"context"
	"fmt"
	"iter"

	"github.com/amazonpay-go/amazonpay"
)

// movement is money that was taken, as the other side's books have it.
type movement struct {
	reference amazonpay.ReferenceID
	amount    amazonpay.Price
}

// compare holds the ledger's payments against books, reference id by reference
// id, and lists at most ten differences.
func (s *service) compare(ctx context.Context, books iter.Seq2[movement, error]) (differences []string, err error) {
	differ := func(format string, args ...any) {
		if len(differences) < 10 {
			differences = append(differences, fmt.Sprintf(format, args...))
		}
	}
	theirs := map[amazonpay.ReferenceID]amazonpay.Price{}
	for m, err := range books {
		if err != nil {
			return nil, err
		}
		if _, twice := theirs[m.reference]; twice {
			differ("%s was taken twice", m.reference)
		}
		theirs[m.reference] = m.amount
	}
	err = s.payments(ctx, func(id amazonpay.ReferenceID, amount amazonpay.Price) {
		switch real, ok := theirs[id]; {
		case !ok:
			differ("%s: the ledger has %s, the books nothing", id, amount)
		case real != amount:
			differ("%s: the ledger has %s, the books %s", id, amount, real)
		}
		delete(theirs, id)
	})
	for id, amount := range theirs {
		differ("%s: the books have %s, the ledger nothing", id, amount)
	}
	return differences, err
}

// payments reads all payments, page by page.
func (s *service) payments(ctx context.Context, each1 func(amazonpay.ReferenceID, amazonpay.Price)) error {
	for last, full := int64(0), true; full; {
		n := 0
		err := s.db.within(ctx, func(t tx) error {
			return each(ctx, t, "SELECT attempt, reference, amount, currency FROM payments WHERE attempt > $1 ORDER BY attempt LIMIT $2",
				[]any{last, page}, func(scan func(...any) error) error {
					var id amazonpay.ReferenceID
					var minor int64
					var currency amazonpay.Currency
					if err := scan(&last, &id, &minor, &currency); err != nil {
						return err
					}
					amount, err := amazonpay.NewPrice(minor, currency)
					if n++; err == nil {
						each1(id, amount)
					}
					return err
				})
		})
		if err != nil {
			return err
		}
		full = n == page
	}
	return nil
}
