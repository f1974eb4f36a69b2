// Package share is what the fleet's Limiters have in common: the queue of one
// process in front of a quota that all processes share.
package share

import (
	"container/list"
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/amazonpay-go/amazonpay"
)

// DefaultTimeout bounds one question to the store.
const DefaultTimeout = time.Second

// rest is how long a store that did not answer is left alone.
const rest = time.Second

// Quota is what a bucket allows.
type Quota struct {
	Burst    int
	Interval time.Duration
}

// Full is the time in which an empty bucket becomes full.
func (q Quota) Full() time.Duration { return time.Duration(q.Burst) * q.Interval }

// Store keeps the quota where all processes see it, by a clock of its own. In
// both cases it needs one moment for each bucket: when it would be full again.
type Store interface {
	// Reserve takes the next free slot and says how far ahead it is.
	Reserve(ctx context.Context, key string, q Quota) (time.Duration, error)
	// Empty makes the bucket hold nothing.
	Empty(ctx context.Context, key string, q Quota) error
}

// Limiter is an [amazonpay.Limiter]. Every process has its own queue for a
// bucket, and only the head of it holds a slot of the shared quota. So a slot
// costs one question to the store, the slots go round the processes that have
// work, and a call that gives up leaves its slot to the next in its process.
type Limiter struct {
	Name     string // of the package, for errors
	Store    Store
	Factor   float64
	Timeout  time.Duration
	Fallback amazonpay.Limiter // nil = none

	mu    sync.Mutex
	lines map[amazonpay.Bucket]*line
	down  time.Time // until when the store is left alone
}

// line is the queue of a bucket. The limiter's lock covers it.
type line struct {
	waiting list.List // of *waiter, next first
	slot    time.Time // reserved and not used yet; zero = none
}

type waiter struct {
	attempt int
	head    chan struct{} // closed when it is the head
}

func (l *Limiter) quota(b amazonpay.Bucket) Quota {
	interval := float64(b.Interval())
	if l.Factor > 0 {
		interval /= l.Factor
	}
	return Quota{b.Burst(), time.Duration(min(max(interval, float64(time.Microsecond)), float64(1000*time.Hour)))}
}

// EstimateDuration is how long n requests take from a full bucket.
func (l *Limiter) EstimateDuration(b amazonpay.Bucket, n int) time.Duration {
	q := l.quota(b)
	return time.Duration(min(float64(max(n-q.Burst, 0))*float64(q.Interval), math.MaxInt64-1023))
}

// Wait returns when a request may be made.
func (l *Limiter) Wait(ctx context.Context, b amazonpay.Bucket, attempt int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if l.Fallback != nil && l.resting() {
		return l.Fallback.Wait(ctx, b, attempt)
	}
	n, place := l.enter(b, attempt)
	select {
	case <-place.Value.(*waiter).head:
	case <-ctx.Done():
		l.leave(b, n, place)
		return ctx.Err()
	}
	err, lost := l.serve(ctx, b, n)
	l.leave(b, n, place)
	if lost && l.Fallback != nil {
		return l.Fallback.Wait(ctx, b, attempt)
	}
	return err
}

// serve gets the head of a line through. lost means that the store is.
func (l *Limiter) serve(ctx context.Context, b amazonpay.Bucket, n *line) (err error, lost bool) {
	q := l.quota(b)
	slot := l.held(n, q)
	if slot.IsZero() {
		if l.Fallback != nil && l.resting() {
			return nil, true
		}
		var wait time.Duration
		if err := l.ask(ctx, func(ctx context.Context) (err error) {
			wait, err = l.Store.Reserve(ctx, b.String(), q)
			return err
		}); err != nil {
			return fmt.Errorf("%s: the shared quota is out of reach: %w", l.Name, err), true
		}
		slot = time.Now().Add(wait)
		l.hold(n, slot)
	}
	wait := time.Until(slot)
	if deadline, ok := ctx.Deadline(); ok && slot.After(deadline) {
		return fmt.Errorf("its turn comes in %v, after the deadline: %w", wait.Round(time.Millisecond), context.DeadlineExceeded), false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	if err := ctx.Err(); err != nil {
		return err, false
	}
	l.hold(n, time.Time{})
	return nil, false
}

// held is the slot that a head gave up, if it is still good: one long past says
// nothing about what Amazon's bucket holds.
func (l *Limiter) held(n *line, q Quota) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(n.slot) > q.Interval {
		n.slot = time.Time{}
	}
	return n.slot
}

func (l *Limiter) hold(n *line, slot time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n.slot = slot
}

// ask puts a question to the store, and waits for the answer no longer than the
// timeout, whatever the store's client does. The caller's end does not break it
// off: the slot would be lost.
func (l *Limiter) ask(ctx context.Context, question func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.Timeout)
	defer cancel()
	answer := make(chan error, 1)
	go func() { answer <- question(ctx) }()
	var err error
	select {
	case err = <-answer:
	case <-ctx.Done():
		err = fmt.Errorf("no answer within %v", l.Timeout)
	}
	if err != nil {
		l.mu.Lock()
		l.down = time.Now().Add(rest)
		l.mu.Unlock()
	}
	return err
}

func (l *Limiter) resting() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Now().Before(l.down)
}

// enter takes a place: behind all, or with a repeat behind the head and the
// repeats with as many attempts.
func (l *Limiter) enter(b amazonpay.Bucket, attempt int) (*line, *list.Element) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.lines[b]
	if n == nil {
		if l.lines == nil {
			l.lines = make(map[amazonpay.Bucket]*line)
		}
		n = new(line)
		l.lines[b] = n
	}
	w := &waiter{attempt: attempt, head: make(chan struct{})}
	front := n.waiting.Front()
	if front == nil {
		close(w.head)
		return n, n.waiting.PushBack(w)
	}
	if attempt > 1 {
		for behind := front.Next(); behind != nil; behind = behind.Next() {
			if behind.Value.(*waiter).attempt < attempt {
				return n, n.waiting.InsertBefore(w, behind)
			}
		}
	}
	return n, n.waiting.PushBack(w)
}

// leave gives the place up, and what it holds to the next.
func (l *Limiter) leave(b amazonpay.Bucket, n *line, place *list.Element) {
	l.mu.Lock()
	defer l.mu.Unlock()
	head := n.waiting.Front() == place
	n.waiting.Remove(place)
	if next := n.waiting.Front(); head && next != nil {
		close(next.Value.(*waiter).head)
	}
	if n.waiting.Len() == 0 && n.slot.IsZero() {
		delete(l.lines, b)
	}
}

// Throttled empties the bucket for all processes. If the store cannot be told,
// the next throttle answer will tell again.
func (l *Limiter) Throttled(b amazonpay.Bucket) {
	if l.Fallback != nil {
		l.Fallback.Throttled(b)
	}
	if l.resting() {
		return
	}
	l.mu.Lock()
	if n := l.lines[b]; n != nil && n.waiting.Len() == 0 {
		n.slot = time.Time{} // nobody's, and what it stood for is gone
	}
	l.mu.Unlock()
	_ = l.ask(context.Background(), func(ctx context.Context) error {
		return l.Store.Empty(ctx, b.String(), l.quota(b))
	})
}
