package main

import (
	"context"
	"fmt"
	"time"
)

// calendar tells the business time, at which charges fall due. It is the time
// on the wall, unless a demonstration lets days pass in seconds. It is kept in
// the database: all processes, and those that are started anew, have the same.
type calendar struct {
	business, wall time.Time // the moment that both clocks have in common
	speed          int64
	horizon        time.Time // nothing that falls due later is planned
}

func (c calendar) now() time.Time { return c.at(time.Now()) }

// at is the business time at a time on the wall.
func (c calendar) at(wall time.Time) time.Time {
	return c.business.Add(wall.Sub(c.wall) * time.Duration(c.speed)).UTC()
}

// wallAt is the time on the wall at a business time.
func (c calendar) wallAt(business time.Time) time.Time {
	return c.wall.Add(business.Sub(c.business) / time.Duration(c.speed))
}

// openCalendar reads the calendar of a database, or starts the one given. It
// refuses a database of another identity, and one with days of another length:
// after a trial in which months took seconds, months would be charged ahead.
func openCalendar(ctx context.Context, db database, who identity, first calendar) (c calendar, err error) {
	err = db.within(ctx, func(t tx) error {
		if err := who.claim(ctx, t); err != nil {
			return err
		}
		if _, err := t.exec(ctx, "INSERT INTO calendar (id, business, wall, speed, horizon) VALUES (1, $1, $2, $3, $4) ON CONFLICT DO NOTHING",
			first.business.UnixMilli(), first.wall.UnixMilli(), first.speed, first.horizon.UnixMilli()); err != nil {
			return err
		}
		var business, wall, horizon int64
		if _, err := one(ctx, t, "SELECT business, wall, speed, horizon FROM calendar", nil, &business, &wall, &c.speed, &horizon); err != nil {
			return err
		}
		if c.speed != first.speed {
			return fmt.Errorf("a day of this database takes %v (-day), not %v: take another database", c.day(), first.day())
		}
		c.business, c.wall, c.horizon = time.UnixMilli(business).UTC(), time.UnixMilli(wall), time.UnixMilli(horizon).UTC()
		return nil
	})
	return c, err
}

// day is how long a day takes.
func (c calendar) day() time.Duration { return 24 * time.Hour / time.Duration(c.speed) }

// nextMonth is a month after a due date, on the anchor day or the last day of
// a shorter month.
func nextMonth(due time.Time, anchor int) time.Time {
	year, month, _ := due.Date()
	first := time.Date(year, month+1, 1, due.Hour(), due.Minute(), due.Second(), 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(anchor, last)-1)
}

// periodOf names the month that a due date pays for.
func periodOf(due time.Time) string { return due.Format("2006-01") }
