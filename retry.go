package amazonpay

import (
	"context"
	"fmt"
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
//
// When a throttled call is repeated is the [Limiter]'s business: the call goes
// first as soon as the quota allows, without this wait, and that repetition is
// not counted here. So another process that draws on the same quota, or a
// quota that is used up, delays a charge and does not fail it; only the end of
// the context does, or 1,000 throttle answers to the same call. The Backoff is
// still asked whether to repeat it. With [NoLimit] it decides about throttled
// calls like about others.
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

// maxThrottled bounds the repeats of a call that Amazon only ever throttles: at
// one a second that is a quarter of an hour. A call that shares its quota with
// ninety-nine strangers still gets its turn before that.
const maxThrottled = 1000

// notOurs is after how many throttle answers a call no longer goes ahead of
// others: it may be throttled for a reason of its own, and would hold them up.
const notOurs = 10

// unpaced is the longest wait that counts as none.
const unpaced = time.Millisecond / 2

// turn is when and why the next attempt of a call is made.
type turn struct {
	bucket    Bucket
	attempt   int
	wait      time.Duration // as Backoff says
	backedOff int           // repeats that Backoff is counting
	throttled bool          // by the last answer
	throttles int           // by all answers
	ahead     int           // 1 if the call goes on with what has had its turn before
}

// hadTurn is the context key that inTurn sets.
type hadTurn struct{}

// inTurn is the context of a further request for the same purpose. It does not
// wait behind those that came after the first one.
func inTurn(ctx context.Context) context.Context { return context.WithValue(ctx, hadTurn{}, 1) }

// firstTurn is the turn of a call's first attempt.
func (c *Client) firstTurn(ctx context.Context, action string) turn {
	ahead, _ := ctx.Value(hadTurn{}).(int)
	return turn{bucket: c.bucket(action), attempt: 1, ahead: ahead}
}

// retries decides whether a failed attempt is repeated, and teaches the Limiter.
func (c *Client) retries(next *turn, f *failure) (again bool) {
	if next.throttled = f.err.Code == ErrRequestThrottled; next.throttled {
		c.config.Limiter.Throttled(next.bucket)
		next.throttles++
	}
	if !f.again || next.throttles >= maxThrottled {
		return false
	}
	next.attempt++
	next.wait, again = c.config.Backoff(next.backedOff + 1)
	return again
}

// waitTurn returns when the next attempt may be made, or with the reason why it is
// not: first the wait after a failure, then the turn in the quota.
func (c *Client) waitTurn(ctx context.Context, next *turn) error {
	if next.attempt > 1 && !next.throttled {
		next.backedOff++
		if err := sleep(ctx, next.wait); err != nil {
			return err
		}
	}
	if err := ended(ctx); err != nil {
		return err
	}
	start := time.Now()
	rank := next.attempt + next.ahead
	if next.throttles > notOurs {
		rank = 1
	}
	err := c.config.Limiter.Wait(ctx, next.bucket, rank)
	if err != nil && next.throttles > notOurs && ended(ctx) == nil { // not before the deadline: then it goes ahead after all
		err = c.config.Limiter.Wait(ctx, next.bucket, next.attempt+next.ahead)
	}
	if err != nil {
		return fmt.Errorf("not sent, while waiting for the quota: %w", err)
	}
	// A Limiter that makes a throttled call wait paces it. After one that does
	// not, the call must not run wild.
	if next.throttled && time.Since(start) < unpaced {
		next.backedOff++
		return sleep(ctx, next.wait)
	}
	return ended(ctx)
}
