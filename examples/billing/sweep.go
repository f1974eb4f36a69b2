package main

import (
	"context"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/riverqueue/river"
)

// keepInbox is how long ids of notifications are kept: longer than Amazon
// repeats them.
const keepInbox = 2 * amazonpay.NotificationRetention

// sweep looks after everything that has not been heard of for long, whatever
// the reason: a worker was killed, a job was lost, an answer or a notification
// never came. It writes jobs; doing one too often is harmless.
func (s *service) sweep(ctx context.Context) error {
	// A killed worker's attempts go before the others. What has not been sent
	// yet has its job, which waits its turn, perhaps for hours; only if no job
	// waits, and it is still there, its job is lost. The same goes for readings:
	// more jobs do not make the quota larger.
	states := "'sending', 'unknown'"
	charging, err := s.queue.backlog(ctx, queueCharges)
	if err != nil {
		return err
	}
	if !charging {
		states += ", 'intent'"
	}
	now := time.Now() // one for all pages: what they have written is not due again
	pages := []func(context.Context, tx) (full bool, err error){
		func(ctx context.Context, t tx) (bool, error) { return s.sweepAttempts(ctx, t, states, now) },
		func(ctx context.Context, t tx) (bool, error) { return s.sweepNotifications(ctx, t, now) },
	}
	if reading, err := s.queue.backlog(ctx, queueReads); err != nil {
		return err
	} else if !reading {
		pages = append(pages,
			func(ctx context.Context, t tx) (bool, error) { return s.sweepAttempts(ctx, t, "'pending'", now) },
			func(ctx context.Context, t tx) (bool, error) { return s.sweepAgreements(ctx, t, now) })
	}
	for _, one := range pages {
		for full := true; full; {
			if err := s.db.within(ctx, func(t tx) (err error) {
				full, err = one(ctx, t)
				return err
			}); err != nil {
				return err
			}
		}
	}
	return s.db.within(ctx, func(t tx) error {
		before := time.Now().Add(-keepInbox).UnixMilli()
		if _, err := t.exec(ctx, "DELETE FROM inbox WHERE at < $1", before); err != nil {
			return err
		}
		_, err := t.exec(ctx, "DELETE FROM notifications WHERE at < $1 AND worked = 1", before)
		return err
	})
}

// sweepAttempts finds attempts whose worker or notification did not come.
func (s *service) sweepAttempts(ctx context.Context, t tx, states string, now time.Time) (full bool, err error) {
	var jobs []river.InsertManyParams
	var ids []int64
	err = each(ctx, t, `SELECT id, state FROM attempts WHERE state IN (`+states+`) AND look <= $1
		ORDER BY look LIMIT $2`+s.db.skipLocked(), []any{now.UnixMilli(), page}, func(scan func(...any) error) error {
		var id int64
		var state standing
		if err := scan(&id, &state); err != nil {
			return err
		}
		if ids = append(ids, id); state == pending {
			jobs = append(jobs, river.InsertManyParams{Args: lookArgs{id}})
		} else {
			jobs = append(jobs, river.InsertManyParams{Args: chargeArgs{id}, InsertOpts: &river.InsertOpts{Priority: 1}})
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	for _, id := range ids {
		if _, err := t.exec(ctx, "UPDATE attempts SET look = $1 WHERE id = $2", time.Now().Add(s.settings.patience).UnixMilli(), id); err != nil {
			return false, err
		}
	}
	return len(ids) == page, t.enqueue(ctx, jobs...)
}

// sweepAgreements has suspended agreements read.
func (s *service) sweepAgreements(ctx context.Context, t tx, now time.Time) (full bool, err error) {
	var jobs []river.InsertManyParams
	var ids []int64
	err = each(ctx, t, "SELECT id, agreement FROM subscriptions WHERE state = 'suspended' AND look <= $1 ORDER BY look LIMIT $2"+s.db.skipLocked(),
		[]any{now.UnixMilli(), page}, func(scan func(...any) error) error {
			var id int64
			var agreement amazonpay.BillingAgreementID
			err := scan(&id, &agreement)
			ids, jobs = append(ids, id), append(jobs, river.InsertManyParams{Args: agreementArgs{agreement}})
			return err
		})
	if err != nil {
		return false, err
	}
	for _, id := range ids {
		if _, err := t.exec(ctx, "UPDATE subscriptions SET look = $1 WHERE id = $2", time.Now().Add(24*s.settings.patience).UnixMilli(), id); err != nil {
			return false, err
		}
	}
	return len(ids) == page, t.enqueue(ctx, jobs...)
}

// sweepNotifications finds notifications whose job was lost.
func (s *service) sweepNotifications(ctx context.Context, t tx, now time.Time) (full bool, err error) {
	var jobs []river.InsertManyParams
	err = each(ctx, t, `SELECT n.id FROM notifications n JOIN inbox i ON i.id = n.id
		WHERE n.worked = 0 AND i.at BETWEEN $1 AND $2 ORDER BY i.at LIMIT $3`,
		[]any{now.Add(-10 * s.settings.patience).UnixMilli(), now.Add(-s.settings.patience).UnixMilli(), page},
		func(scan func(...any) error) error {
			var id string
			err := scan(&id)
			jobs = append(jobs, river.InsertManyParams{Args: noteArgs{id}})
			return err
		})
	if err != nil {
		return false, err
	}
	return false, t.enqueue(ctx, jobs...)
}
