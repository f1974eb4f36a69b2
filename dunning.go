package amazonpay

import "time"

// Dunning is a schedule of new tries after declines: the waits, the first one
// after the first decline.
type Dunning []time.Duration

// DefaultDunning tries four times more: 1 day after the first decline, 3 days
// after the second, then 5, then 7.
func DefaultDunning() Dunning {
	return Dunning{1 * day, 3 * day, 5 * day, 7 * day}
}

// Next is when to charge again after the nth try (the first is 1), which ended
// at a point in time with that advice, and whether at all. If advice.Retry is
// RetryNewID, charge with the id of the next try:
//
//	NewReferenceID(shop, subscription, period, "try "+strconv.Itoa(n+1))
//
// If it is RetrySameID, that try goes on: repeat its request; such repeats do
// not count as tries.
//
// It is false if nobody should try: the advice says so, you or the buyer must
// act first (start anew when the state is Open again: the tries go on where
// they were), or the schedule is at its end. What was declined hard and may be
// tried again nevertheless is tried once.
func (d Dunning) Next(try int, advice Advice, ended time.Time) (at time.Time, again bool) {
	switch {
	case advice.Retry == RetryNot || advice.Seller || advice.Buyer || advice.Over:
		return time.Time{}, false
	case advice.NextMonth:
		// An hour off the edge on both sides: the clocks differ.
		last := ended.UTC().Add(-time.Hour)
		return time.Date(last.Year(), last.Month()+1, 1, 1, 0, 0, 0, time.UTC), true
	case advice.Retry == RetrySameID:
		return ended.Add(advice.After), true
	case max(try, 1) > len(d) || try > 1 && !advice.Soft:
		return time.Time{}, false
	}
	return ended.Add(max(d[max(try, 1)-1], advice.After)), true
}
