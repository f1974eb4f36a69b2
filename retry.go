package amazonpay

import (
	"math"
	"math/rand/v2"
	"time"
)

// Backoff says how long to wait before repeating a call for the nth time (the
// first repetition is 1), and whether to repeat it at all. It must be safe for
// concurrent use.
//
// Repeated are calls that were throttled, that Amazon's servers could not
// handle (500, 502, 503, 504), that got no answer or one that cannot be read.
// That is safe, because a repetition carries the same reference id, or does
// nothing twice by its nature; CreateOrderReferenceForId, where neither holds,
// is repeated only if it was certainly never sent.
type Backoff func(repetition int) (wait time.Duration, again bool)

// DefaultBackoff repeats a call four times, after about 1, 2, 4 and 10 seconds,
// the spacing that Amazon recommends.
func DefaultBackoff(repetition int) (wait time.Duration, again bool) {
	return recommended(repetition)
}

var recommended = Spacing(1*time.Second, 2*time.Second, 4*time.Second, 10*time.Second)

// Spacing repeats a call once for every wait given. Each wait is varied by up
// to a quarter either way, so that callers that failed together do not return
// together. Spacing() never repeats.
func Spacing(waits ...time.Duration) Backoff {
	waits = append([]time.Duration(nil), waits...)
	return func(repetition int) (time.Duration, bool) {
		if repetition < 1 || repetition > len(waits) {
			return 0, false
		}
		wait := max(waits[repetition-1], 0)
		spread := time.Duration(rand.Int64N(int64(wait)/2+1)) - wait/4
		if spread > math.MaxInt64-wait {
			return math.MaxInt64, true
		}
		return wait + spread, true
	}
}
