package main

import (
	"context"
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

// openCalendar reads the calendar, or starts the one given.
func openCalendar(ctx context.Context, db database, first calendar) (c calendar, err error) {
	err = db.within(ctx, func(t tx) error {
		if _, err := t.exec(ctx, "INSERT INTO calendar (id, business, wall, speed, horizon) VALUES (1, $1, $2, $3, $4) ON CONFLICT DO NOTHING",
			first.business.UnixMilli(), first.wall.UnixMilli(), first.speed, first.horizon.UnixMilli()); err != nil {
			return err
		}
		var business, wall, horizon int64
		if _, err := one(ctx, t, "SELECT business, wall, speed, horizon FROM calendar", nil, &business, &wall, &c.speed, &horizon); err != nil {
			return err
		}
		c.business, c.wall, c.horizon = time.UnixMilli(business).UTC(), time.UnixMilli(wall), time.UnixMilli(horizon).UTC()
		return nil
	})
	return c, err
}

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
