package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"iter"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/amazonpay-go/amazonpay"
)

// enrolled is what came of writing subscribers into the database.
type enrolled struct {
	added, changed int
	shared         []string // subscriptions on an agreement that has another one already: its buyer pays both
}

// enroll writes subscribers into the database, page by page. One that is there
// already gets the amount and the agreement for its future periods; its next
// date stays. One that has ended stays so, unless it comes with a new agreement:
// then it begins anew.
func enroll(ctx context.Context, db database, subscribers iter.Seq2[subscription, error]) (enrolled, error) {
	return enrollFrom(ctx, db, time.Time{}, subscribers)
}

// enrollFrom is enroll, for new subscribers whose first charge is not before
// the earliest time.
func enrollFrom(ctx context.Context, db database, earliest time.Time, subscribers iter.Seq2[subscription, error]) (all enrolled, err error) {
	next, stop := iter.Pull2(subscribers)
	defer stop()
	for {
		var batch []subscription
		for len(batch) < page {
			sub, err, ok := next()
			if err != nil {
				return all, err
			}
			if !ok {
				break
			}
			batch = append(batch, sub)
		}
		if len(batch) == 0 {
			return all, nil
		}
		var some enrolled
		if err := db.within(ctx, func(t tx) error {
			some = enrolled{}
			for _, sub := range batch {
				if err := some.write(ctx, t, sub, earliest); err != nil {
					return fmt.Errorf("subscription %s: %w", sub.name, err)
				}
			}
			return nil
		}); err != nil {
			return all, err
		}
		all = enrolled{all.added + some.added, all.changed + some.changed, append(all.shared, some.shared...)}
	}
}

// write writes one subscriber.
func (e *enrolled) write(ctx context.Context, t tx, sub subscription, earliest time.Time) error {
	amount, currency, agreement, due := sub.amount.Minor(), string(sub.amount.Currency()), string(sub.agreement), sub.due.UnixMilli()
	begins, err := t.exec(ctx, `INSERT INTO subscriptions (name, agreement, amount, currency, anchor, next_due, state)
		VALUES ($1, $2, $3, $4, $5, $6, 'active') ON CONFLICT DO NOTHING`, sub.name, agreement, amount, currency, sub.anchor, due)
	if err != nil {
		return err
	}
	if begins == 0 {
		if begins, err = t.exec(ctx, `UPDATE subscriptions SET agreement = $2, amount = $3, currency = $4, anchor = $5, next_due = $6, state = 'active', changed = 0
			WHERE name = $1 AND state = 'ended' AND agreement <> $2`, sub.name, agreement, amount, currency, sub.anchor, due); err != nil {
			return err
		}
	}
	if begins > 0 {
		e.added++
		if sub.due.Before(earliest) {
			return fmt.Errorf("its first charge, %s, has passed, and months would be charged at once: if that is wanted, use -backfill",
				sub.due.Format(time.DateOnly))
		}
		// In time-lapse, who comes after the last day is still billed once.
		if _, err := t.exec(ctx, "UPDATE calendar SET horizon = $1 WHERE horizon < $2", sub.due.AddDate(0, 0, 1).UnixMilli(), due); err != nil {
			return err
		}
		return e.share(ctx, t, sub)
	}
	// A new agreement begins active; what Amazon said of the old one is over.
	n, err := t.exec(ctx, `UPDATE subscriptions SET amount = $3, currency = $4,
			state = CASE WHEN agreement = $2 THEN state ELSE 'active' END, changed = CASE WHEN agreement = $2 THEN changed ELSE 0 END, agreement = $2
		WHERE name = $1 AND state <> 'ended' AND (agreement <> $2 OR amount <> $3 OR currency <> $4)`, sub.name, agreement, amount, currency)
	if err != nil || n == 0 {
		return err
	}
	e.changed++
	return e.share(ctx, t, sub)
}

// share notes a second subscription on an agreement.
func (e *enrolled) share(ctx context.Context, t tx, sub subscription) error {
	var other string
	found, err := one(ctx, t, "SELECT name FROM subscriptions WHERE agreement = $1 AND name <> $2 AND state <> 'ended' LIMIT 1",
		[]any{string(sub.agreement), sub.name}, &other)
	if found && len(e.shared) < page {
		e.shared = append(e.shared, fmt.Sprintf("%s and %s share the agreement %s: its buyer pays both", other, sub.name, sub.agreement))
	}
	return err
}

// importFile enrolls the subscribers of a file.
func importFile(ctx context.Context, name string, db database, c calendar, backfill bool, out io.Writer) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	now := c.now()
	earliest := now.Truncate(24 * time.Hour)
	if backfill {
		earliest = time.Time{}
	}
	done, err := enrollFrom(ctx, db, earliest, readSubscribers(file, now))
	fmt.Fprintf(out, "%d subscribers are new, %d have changed\n", done.added, done.changed)
	for _, text := range done.shared {
		fmt.Fprintln(out, "WARNING:", text)
	}
	return err
}

// endSubscription ends one by hand: nothing more is planned for it, and what
// has not been sent is given up. What was sent is followed to its end.
func endSubscription(ctx context.Context, db database, name string, out io.Writer) error {
	return db.within(ctx, func(t tx) error {
		n, err := t.exec(ctx, "UPDATE subscriptions SET state = 'ended' WHERE name = $1", name)
		if err == nil && n == 0 {
			err = fmt.Errorf("there is no subscription %q", name)
		}
		if err != nil {
			return err
		}
		if _, err := t.exec(ctx, `UPDATE obligations SET state = 'failed' WHERE state = 'waiting'
			AND subscription = (SELECT id FROM subscriptions WHERE name = $1)`, name); err != nil {
			return err
		}
		fmt.Fprintf(out, "%s has ended\n", name)
		return nil
	})
}

// agreementForm is what Amazon's ids of billing agreements look like.
var agreementForm = regexp.MustCompile(`^[BC][0-9]{2}-[0-9]{7}-[0-9]{7}$`)

// readSubscribers reads lines of subscription, billing agreement, amount,
// currency and, optionally, the date of the first charge:
//
//	subscription-42,C01-1234567-1234567,19.90,USD,2026-12-01
func readSubscribers(file io.Reader, now time.Time) iter.Seq2[subscription, error] {
	return func(yield func(subscription, error) bool) {
		text := bufio.NewReader(file)
		if mark, _ := text.Peek(3); string(mark) == "\ufeff" { // spreadsheets put it in front
			_, _ = text.Discard(3)
		}
		lines := csv.NewReader(text)
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
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	if len(fields) < 4 || len(fields) > 5 || fields[0] == "" || fields[1] == "" {
		return sub, fmt.Errorf("%d fields instead of subscription,agreement,amount,currency[,date]", len(fields))
	}
	sub = subscription{name: fields[0], agreement: amazonpay.BillingAgreementID(fields[1]), due: now}
	if !agreementForm.MatchString(fields[1]) {
		return sub, fmt.Errorf("%q is no billing agreement's id, such as B01-1234567-1234567", fields[1])
	}
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
