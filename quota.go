package amazonpay

import (
	"container/list"
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Bucket names one of Amazon's quotas. Amazon counts the requests of each
// action by themselves, per seller and developer account: a bucket holds some
// requests that may be made at once and is refilled by one every Interval.
type Bucket struct {
	Region      Region      // of the client
	Environment Environment // likewise
	SellerID    string      // the seller acted for
	AccessKey   string      // stands for the developer account
	Action      string      // Amazon's name, such as "Capture"
}

// String joins the fields, for the key of a table.
func (b Bucket) String() string {
	return strings.Join([]string{string(b.Region), string(b.Environment), b.SellerID, b.AccessKey, b.Action}, "/")
}

// Burst is how many requests may be made at once from a full bucket: Amazon's
// number less one. That one stays in reserve, because requests made a second
// apart do not arrive a second apart, and one that comes early to an empty
// bucket is throttled. A bucket that takes minutes to refill has no such worry
// and no reserve.
func (b Bucket) Burst() int {
	burst, interval := b.documented()
	if interval < time.Minute {
		burst--
	}
	return burst
}

// Interval is the time in which the bucket regains one request.
func (b Bucket) Interval() time.Duration {
	_, interval := b.documented()
	return interval
}

// documented is Amazon's table. For some actions it states no quota: they are
// taken to have the one of most others, the lowest but GetServiceStatus's.
func (b Bucket) documented() (burst int, interval time.Duration) {
	sandbox := b.Environment == Sandbox
	switch b.Action {
	case "GetServiceStatus":
		return 2, 5 * time.Minute
	case "GetOrderReferenceDetails", "GetAuthorizationDetails", "GetCaptureDetails",
		"GetRefundDetails", "GetBillingAgreementDetails":
		if sandbox {
			return 5, time.Second
		}
		return 20, time.Second / 2
	}
	if sandbox {
		return 2, 2 * time.Second
	}
	return 10, time.Second
}

// Limiter paces requests so that Amazon need not throttle them. It must be safe
// for concurrent use. A fleet of machines with the same keys draws on the same
// quota: give them a Limiter that they share, such as those of the module
// github.com/amazonpay-go/amazonpay/fleet.
type Limiter interface {
	// Wait returns nil when a request may be made, and an error, usually the
	// context's, if it is not to be made. attempt is 1 for the first request of
	// a call; a repeat (2 and up) has waited its turn before and goes ahead of
	// those with lower numbers. A call that is only ever throttled comes as 1 again. The second authorization of a Charge is a repeat,
	// too.
	Wait(ctx context.Context, b Bucket, attempt int) error

	// Throttled tells that Amazon has just answered a request RequestThrottled:
	// the bucket is empty, whatever the Limiter thought, and no Wait should
	// return before it has regained one request.
	Throttled(b Bucket)
}

// NoLimit makes no call wait: for tests, and for programs that something else
// paces. Throttled calls are repeated as Config.Backoff says.
var NoLimit Limiter = noLimit{}

type noLimit struct{}

func (noLimit) Wait(context.Context, Bucket, int) error               { return nil }
func (noLimit) Throttled(Bucket)                                      {}
func (noLimit) EstimateDuration(_ Bucket, requests int) time.Duration { return 0 }

// NewLimiter makes a Limiter for this process, at Amazon's documented quota
// times factor: 1 is Amazon's; 100 goes with a fake whose quota is that much
// faster, for a demonstration; 0.5 takes half of a quota that another process
// draws on too. A factor that is not above zero is taken for 1.
//
// Every bucket has its own queue: first come, first served, except that
// repeats go first. A call whose context ends leaves the queue and takes
// nothing from the quota. One whose turn would come after its context's
// deadline fails at once, with an error that is [context.DeadlineExceeded]: it
// would only hold up its caller.
//
// One or two workers use up the quota of charges. Each further one only makes
// the queue longer, also for a buyer who waits for the first charge of a new
// subscription while last month's are renewed.
func NewLimiter(factor float64) Limiter {
	if !(factor > 0) {
		factor = 1
	}
	return &limiter{factor: factor, queues: make(map[Bucket]*queue)}
}

// limiter is the Limiter for one process. The arithmetic is that of package
// rate; the queue is its own, because rate's lets nobody go first and keeps the
// place of a caller that is gone.
type limiter struct {
	factor float64

	mu      sync.Mutex
	queues  map[Bucket]*queue
	sweepAt int // as many queues as this, and the idle ones are dropped
}

// queue is a bucket and those who wait for it. The limiter's lock covers it.
type queue struct {
	*rate.Limiter
	interval time.Duration
	waiting  list.List   // of *waiter, next first
	timer    *time.Timer // calls serve when the next request is regained; nil until needed
}

// waiter is a call in a queue.
type waiter struct {
	attempt int
	turn    chan struct{} // closed when it comes
	served  bool
}

// maxDuration is the last float64 that a [time.Duration] can hold.
const maxDuration = math.MaxInt64 - 1023

func (l *limiter) interval(b Bucket) time.Duration {
	return time.Duration(min(max(float64(b.Interval())/l.factor, 1), maxDuration))
}

func (l *limiter) EstimateDuration(b Bucket, requests int) time.Duration {
	return estimate(b.Burst(), l.interval(b), requests)
}

// estimate is when the last of some requests may be made, from a full bucket.
func estimate(burst int, interval time.Duration, requests int) time.Duration {
	wait := float64(max(requests-burst, 0)) * float64(interval)
	return time.Duration(min(wait, maxDuration))
}

// queue finds or makes that of a bucket.
func (l *limiter) queue(b Bucket, now time.Time) *queue {
	q := l.queues[b]
	if q == nil {
		if len(l.queues) >= l.sweepAt {
			l.sweep(now)
		}
		interval := l.interval(b)
		q = &queue{Limiter: rate.NewLimiter(rate.Every(interval), b.Burst()), interval: interval}
		l.queues[b] = q
	}
	return q
}

// sweep drops the full buckets without a queue, which are as good as new: a
// solution provider may act for any number of sellers.
func (l *limiter) sweep(now time.Time) {
	for b, q := range l.queues {
		if q.waiting.Len() == 0 && q.TokensAt(now) >= float64(q.Burst()) {
			delete(l.queues, b)
		}
	}
	l.sweepAt = max(1024, 2*len(l.queues))
}

func (l *limiter) Wait(ctx context.Context, b Bucket, attempt int) error {
	if err := ended(ctx); err != nil {
		return err
	}
	q, place, err := l.enter(ctx, b, attempt)
	if place == nil {
		return err
	}
	w := place.Value.(*waiter)
	select {
	case <-w.turn:
		if err := ended(ctx); err != nil {
			return l.leave(q, place, err)
		}
		return nil
	case <-ctx.Done():
		return l.leave(q, place, ctx.Err())
	}
}

// enter takes a place in the queue. It returns none if the call may go at once,
// or never.
func (l *limiter) enter(ctx context.Context, b Bucket, attempt int) (*queue, *list.Element, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now() // under the lock: package rate wants times in order
	q := l.queue(b, now)
	if q.waiting.Len() == 0 && q.AllowN(now, 1) {
		return q, nil, nil
	}
	ahead, behind := q.waiting.Len(), (*list.Element)(nil)
	if attempt > 1 {
		ahead = 0
		for behind = q.waiting.Front(); behind != nil && behind.Value.(*waiter).attempt >= attempt; behind = behind.Next() {
			ahead++
		}
	}
	turn := q.regains(now, ahead+1)
	if deadline, ok := ctx.Deadline(); ok && now.Add(turn).After(deadline) {
		return q, nil, fmt.Errorf("its turn comes in %v, after the deadline: %w", turn.Round(time.Millisecond), context.DeadlineExceeded)
	}
	w := &waiter{attempt: attempt, turn: make(chan struct{})}
	var place *list.Element
	if behind != nil {
		place = q.waiting.InsertBefore(w, behind)
	} else {
		place = q.waiting.PushBack(w)
	}
	if q.waiting.Len() == 1 {
		l.wake(q, q.regains(now, 1))
	}
	return q, place, nil
}

// regains is how long the bucket takes to hold n requests.
func (q *queue) regains(now time.Time, n int) time.Duration {
	wait := (float64(n) - q.TokensAt(now)) * float64(q.interval)
	return time.Duration(min(max(math.Ceil(wait), 1), maxDuration))
}

// wake has the queue served after a while.
func (l *limiter) wake(q *queue, wait time.Duration) {
	if q.timer != nil {
		q.timer.Reset(wait)
		return
	}
	q.timer = time.AfterFunc(wait, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.serve(q)
	})
}

// serve lets as many go as the bucket holds requests for.
func (l *limiter) serve(q *queue) {
	now := time.Now()
	for q.waiting.Len() > 0 {
		if !q.AllowN(now, 1) {
			l.wake(q, q.regains(now, 1))
			return
		}
		w := q.waiting.Remove(q.waiting.Front()).(*waiter)
		w.served = true
		close(w.turn)
	}
}

// leave gives up a place whose context has ended. If the turn came in the same
// moment the next one has it.
func (l *limiter) leave(q *queue, place *list.Element, err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w := place.Value.(*waiter); w.served {
		q.AllowN(time.Now(), -1)
		l.serve(q)
	} else {
		q.waiting.Remove(place)
	}
	return err
}

func (l *limiter) Throttled(b Bucket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	q := l.queue(b, now)
	burst := q.Burst()
	q.SetBurstAt(now, 0) // a bucket that holds nothing loses what it held
	q.SetBurstAt(now, burst)
}

// EstimateDuration is how long n calls of an action take at the quota, from a
// full bucket: 10,000 of AuthorizeOnBillingAgreement in production take
// 9,991 s. The last answers come that much later. It is 0 with [NoLimit]. A
// Limiter that paces otherwise than at Amazon's quota may say so by a method
// EstimateDuration(b Bucket, n int) time.Duration.
func (c *Client) EstimateDuration(action string, n int) time.Duration {
	b := c.bucket(action)
	if l, ok := c.config.Limiter.(interface {
		EstimateDuration(Bucket, int) time.Duration
	}); ok {
		return l.EstimateDuration(b, n)
	}
	return estimate(b.Burst(), b.Interval(), n)
}

// bucket is the one that an action of the client draws on.
func (c *Client) bucket(action string) Bucket {
	return Bucket{c.config.Region, c.config.Environment, c.config.SellerID, c.config.AccessKey, action}
}
