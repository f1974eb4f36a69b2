package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/amazonpay-go/amazonpay"
)

// enroll writes subscribers into the database, page by page. One that is there
// already stays as it is.
func enroll(ctx context.Context, db database, subscribers iter.Seq2[subscription, error]) (enrolled int, err error) {
	next, stop := iter.Pull2(subscribers)
	defer stop()
	for {
		var batch []subscription
		for len(batch) < page {
			sub, err, ok := next()
			if err != nil {
				return enrolled, err
			}
			if !ok {
				break
			}
			batch = append(batch, sub)
		}
		if len(batch) == 0 {
			return enrolled, nil
		}
		err := db.within(ctx, func(t tx) error {
			for _, sub := range batch {
				n, err := t.exec(ctx, `INSERT INTO subscriptions (name, agreement, amount, currency, anchor, next_due, state)
					VALUES ($1, $2, $3, $4, $5, $6, 'active') ON CONFLICT DO NOTHING`,
					sub.name, string(sub.agreement), sub.amount.Minor(), string(sub.amount.Currency()), sub.anchor, sub.due.UnixMilli())
				if err != nil {
					return err
				}
				enrolled += int(n)
			}
			return nil
		})
		if err != nil {
			return enrolled, err
		}
	}
}

// readSubscribers reads lines of subscription, billing agreement, amount,
// currency and, optionally, the date of the first charge:
//
//	subscription-42,C01-1234567-1234567,19.90,USD,2026-12-01
func readSubscribers(file io.Reader, now time.Time) iter.Seq2[subscription, error] {
	return func(yield func(subscription, error) bool) {
		lines := csv.NewReader(file)
		lines.FieldsPerRecord = -1
		lines.ReuseRecord = true
		for {
			fields, err := lines.Read()
			if err == io.EOF {
				return
			}
			var sub subscription
			if err == nil {
				sub, err = readSubscriber(fields, now)
			}
			if err != nil {
				line, _ := lines.FieldPos(0)
				err = fmt.Errorf("line %d: %w", line, err)
			}
			if !yield(sub, err) || err != nil {
				return
			}
		}
	}
}

func readSubscriber(fields []string, now time.Time) (sub subscription, err error) {
	if len(fields) < 4 || len(fields) > 5 || fields[0] == "" || fields[1] == "" {
		return sub, fmt.Errorf("%d fields instead of subscription,agreement,amount,currency[,date]", len(fields))
	}
	sub = subscription{name: fields[0], agreement: amazonpay.BillingAgreementID(fields[1]), due: now}
	if sub.amount, err = amazonpay.ParsePrice(fields[2], amazonpay.Currency(fields[3])); err != nil {
		return sub, err
	}
	if sub.amount.Sign() <= 0 {
		return sub, fmt.Errorf("an amount of %s", sub.amount)
	}
	if len(fields) == 5 {
		if sub.due, err = time.Parse(time.DateOnly, fields[4]); err != nil {
			return sub, err
		}
	}
	sub.anchor = sub.due.Day()
	return sub, nil
}
