package main

import (
	"context"
	"log/slog"

	"github.com/amazonpay-go/amazonpay"
)

// report is how the ledger stands.
type report struct {
	Obligations int
	Paid        int
	Recovered   int            // of the paid: not by the first attempt
	Waiting     int            // for the buyer
	Failed      map[string]int // by the last reason
	Open        map[standing]int
	Held        map[string]int // of the open: not sent, or not answered, by the reason of the last refusal
	Declines    map[string]int // attempts, by reason
	Attempts    int
	Requests    int // times that attempts were sent
	Doubt       int // attempts that had an unknown outcome on their way, and have it now
	Conflicts   int // attempts of which Amazon said two things: somebody must look
	Double      int // obligations with more than one payment: somebody must look
	Taken       []amazonpay.Price
	Refunded    []amazonpay.Price // of it, by the shop
	TakenBack   []amazonpay.Price // of it, over the shop's head: lost chargebacks and claims
	Chargebacks int               // heard of, won or lost
}

// undecided is how many obligations will still change by themselves.
func (r *report) undecided() (n int) {
	for _, count := range r.Open {
		n += count
	}
	return n
}

// LogValue is the report in a log: numbers.
func (r *report) LogValue() slog.Value {
	return slog.GroupValue(slog.Int("obligations", r.Obligations), slog.Int("paid", r.Paid), slog.Int("recovered", r.Recovered),
		slog.Int("waiting", r.Waiting), slog.Int("undecided", r.undecided()), slog.Any("held", r.Held), slog.Int("unknown", r.Open[unknown]),
		slog.Int("conflicts", r.Conflicts), slog.Int("double", r.Double),
		slog.Any("taken", r.Taken), slog.Any("refunded", r.Refunded), slog.Any("takenBack", r.TakenBack), slog.Int("chargebacks", r.Chargebacks))
}

// report counts. The database does the work; it reads the whole ledger.
func (s *service) report(ctx context.Context) (*report, error) {
	r := &report{Failed: map[string]int{}, Open: map[standing]int{}, Held: map[string]int{}, Declines: map[string]int{}}
	err := s.db.within(ctx, func(t tx) error {
		err := each(ctx, t, `SELECT o.state, a.state, CASE WHEN o.state = 'failed' OR a.state IN ('intent', 'sending', 'unknown') THEN a.reason ELSE '' END, CASE WHEN o.step > 0 THEN 1 ELSE 0 END, COUNT(*)
			FROM obligations o JOIN attempts a ON a.obligation = o.id AND a.step = o.step GROUP BY 1, 2, 3, 4`, nil,
			func(scan func(...any) error) error {
				var reason string
				var state obligationState
				var last standing
				var retried, n int
				if err := scan(&state, &last, &reason, &retried, &n); err != nil {
					return err
				}
				r.count(state, last, reason, retried, n)
				return nil
			})
		if err != nil {
			return err
		}
		if err := each(ctx, t, `SELECT CASE WHEN state = 'declined' THEN reason ELSE '' END, COUNT(*), SUM(requests), SUM(conflict), SUM(doubt)
			FROM attempts GROUP BY 1`, nil, func(scan func(...any) error) error {
			var reason string
			var n, requests, conflicts, doubt int
			if err := scan(&reason, &n, &requests, &conflicts, &doubt); err != nil {
				return err
			}
			if r.Attempts, r.Requests, r.Conflicts, r.Doubt = r.Attempts+n, r.Requests+requests, r.Conflicts+conflicts, r.Doubt+doubt; reason != "" {
				r.Declines[reason] += n
			}
			return nil
		}); err != nil {
			return err
		}
		if _, err := one(ctx, t, "SELECT COUNT(*) FROM (SELECT obligation FROM payments GROUP BY obligation HAVING COUNT(*) > 1) twice", nil, &r.Double); err != nil {
			return err
		}
		if _, err := one(ctx, t, "SELECT COUNT(*) FROM chargebacks", nil, &r.Chargebacks); err != nil {
			return err
		}
		if r.Taken, err = sums(ctx, t, "payments"); err != nil {
			return err
		}
		if r.Refunded, err = sums(ctx, t, "refunds WHERE state = 'Completed' AND type IN ('SellerInitiated', '')"); err != nil {
			return err
		}
		r.TakenBack, err = sums(ctx, t, "refunds WHERE state = 'Completed' AND type NOT IN ('SellerInitiated', '')")
		return err
	})
	return r, err
}

func (r *report) count(state obligationState, last standing, reason string, retried, n int) {
	r.Obligations += n
	switch state {
	case obligationPaid:
		r.Paid += n
		r.Recovered += retried * n
	case obligationWaiting:
		r.Waiting += n
	case obligationFailed:
		r.Failed[reason] += n
	default:
		if r.Open[last] += n; reason != "" {
			r.Held[reason] += n
		}
	}
}

// sums adds the amounts of rows, by currency.
func sums(ctx context.Context, t tx, rows string) (list []amazonpay.Price, err error) {
	err = each(ctx, t, "SELECT currency, CAST(SUM(amount) AS BIGINT) FROM "+rows+" GROUP BY currency ORDER BY currency", nil,
		func(scan func(...any) error) error {
			var currency amazonpay.Currency
			var minor int64
			if err := scan(&currency, &minor); err != nil {
				return err
			}
			sum, err := priceOf(minor, currency)
			list = append(list, sum)
			return err
		})
	return list, err
}
