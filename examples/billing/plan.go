package main

import (
	"context"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/riverqueue/river"
)

// subscription is what the planner needs of one.
type subscription struct {
	id        int64
	name      string
	agreement amazonpay.BillingAgreementID
	amount    amazonpay.Price
	anchor    int
	due       time.Time
}

// plan writes an obligation for every subscription that has come due, page by
// page, each with its first attempt and its job. Planning twice, or on two
// machines at once, plans once: the ledger has one row for each period.
func (s *service) plan(ctx context.Context) (planned int, err error) {
	for {
		n, full, err := s.planPage(ctx)
		if planned += n; err != nil || !full {
			return planned, err
		}
	}
}

func (s *service) planPage(ctx context.Context) (planned int, full bool, err error) {
	err = s.db.within(ctx, func(t tx) error {
		planned = 0
		now := s.calendar.now()
		if now.After(s.calendar.horizon) {
			now = s.calendar.horizon
		}
		subscriptions, err := s.due(ctx, t, now)
		if err != nil {
			return err
		}
		full = len(subscriptions) == page
		var jobs []river.InsertManyParams
		for _, sub := range subscriptions {
			job, isNew, err := s.oblige(ctx, t, sub)
			if err != nil {
				return err
			}
			if isNew {
				jobs = append(jobs, job)
			}
		}
		planned = len(jobs)
		return t.enqueue(ctx, jobs...)
	})
	return planned, full, err
}

func (s *service) due(ctx context.Context, t tx, now time.Time) (list []subscription, err error) {
	err = each(ctx, t, `SELECT id, name, agreement, amount, currency, anchor, next_due FROM subscriptions
		WHERE state <> 'ended' AND next_due <= $1 ORDER BY next_due, id LIMIT $2`+s.db.skipLocked(), []any{now.UnixMilli(), page},
		func(scan func(...any) error) error {
			var sub subscription
			var minor, due int64
			var currency amazonpay.Currency
			if err := scan(&sub.id, &sub.name, &sub.agreement, &minor, &currency, &sub.anchor, &due); err != nil {
				return err
			}
			sub.due = time.UnixMilli(due).UTC()
			sub.amount, err = amazonpay.NewPrice(minor, currency)
			list = append(list, sub)
			return err
		})
	return list, err
}

// lapsed tells whether a charge that was due then is too late to be sent: that
// of the next period is due by now, and more periods at once than the settings
// allow would surprise the buyer. It is given up, for somebody to look at. Where
// days pass in seconds, work is late by months, and nothing lapses.
func (s *service) lapsed(due time.Time, anchor int) bool {
	if s.calendar.speed != 1 {
		return false
	}
	for range s.settings.arrears {
		due = nextMonth(due, anchor)
	}
	return !due.After(s.calendar.now())
}

// oblige writes what a subscription owes for the period that has come due.
func (s *service) oblige(ctx context.Context, t tx, sub subscription) (job river.InsertManyParams, isNew bool, err error) {
	period := periodOf(sub.due)
	e := &entry{attempt: attempt{Amount: sub.amount}, Agreement: sub.agreement, Due: sub.due}
	isNew, err = one(ctx, t, `INSERT INTO obligations (subscription, period, amount, currency, due, state, step)
		VALUES ($1, $2, $3, $4, $5, 'open', 0) ON CONFLICT DO NOTHING RETURNING id`,
		[]any{sub.id, period, sub.amount.Minor(), string(sub.amount.Currency()), sub.due.UnixMilli()}, &e.Obligation)
	if err != nil {
		return job, false, err
	}
	if isNew {
		if job, err = s.writeAttempt(ctx, t, e, sub.name, period); err != nil {
			return job, false, err
		}
	}
	_, err = t.exec(ctx, "UPDATE subscriptions SET next_due = $1 WHERE id = $2", nextMonth(sub.due, sub.anchor).UnixMilli(), sub.id)
	return job, isNew, err
}
