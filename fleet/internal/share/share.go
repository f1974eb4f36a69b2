// Package share is what the fleet's Limiters have in common: the queue of one
// process in front of a quota that all processes share.
package share

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/amazonpay-go/amazonpay"
)

// rest is how long a store that did not answer is left alone, if there is a
// Fallback.
const rest = time.Second

// Ahead is how many slots of a bucket can be reserved: one for each process that
// waits. More can only come of a store whose clock was set back.
const Ahead = 600

// Quota is what a bucket allows.
type Quota struct {
	Burst    int
	Interval time.Duration
}

// times is how long n requests take.
func (q Quota) times(n int) time.Duration {
	return time.Duration(min(float64(n)*float64(q.Interval), math.MaxInt64-1023))
}

// Full is the time in which an empty bucket becomes full.
func (q Quota) Full() time.Duration { return q.times(q.Burst) }

// Longest is the time in which a bucket becomes full that has as many slots
// reserved as can be.
func (q Quota) Longest() time.Duration { return q.times(q.Burst + Ahead) }

// Store keeps the quota where all processes see it, by a clock of its own. An
// implementation keeps one time for each bucket: when it will be full again. A
// time further ahead than [Quota.Longest] is wrong, and the bucket counts as
// empty instead.
type Store interface {
	// Reserve takes the next free slot and says how far ahead it is.
	Reserve(ctx context.Context, key string, q Quota) (time.Duration, error)
	// Empty makes the bucket hold nothing.
	Empty(ctx context.Context, key string, q Quota) error
}

// Settings are the fields that the packages' Configs have in common.
type Settings struct {
	Factor   float64
	Timeout  time.Duration
	Fallback amazonpay.Limiter
	OnError  func(error)
}

// Limiter is an [amazonpay.Limiter]. Every process has its own queue for a
// bucket, and only the head of it holds a slot of the shared quota. So a slot
// costs one question to the store, the slots go round the processes that have
// work, and a call that gives up leaves its slot to the next in its process.
type Limiter struct {
	name  string // of the package, for errors
	Store Store
	Settings

	mu      sync.Mutex
	lines   map[amazonpay.Bucket]*line
	sweepAt int // as many lines as this, and the idle ones are dropped
	away    *awayError
	until   time.Time // when the store is asked again, if it is away
}

// New checks the settings and completes them. name is the package's.
func New(name string, store Store, s Settings) (*Limiter, error) {
	switch {
	case !(s.Factor >= 0):
		return nil, errors.New(name + ": Factor is negative")
	case s.Factor == 0:
		s.Factor = 1
	}
	switch {
	case s.Timeout < 0:
		return nil, errors.New(name + ": Timeout is negative")
	case s.Timeout == 0:
		s.Timeout = time.Second
	}
	return &Limiter{name: name, Store: store, Settings: s, lines: make(map[amazonpay.Bucket]*line)}, nil
}

// awayError tells that the store is out of reach.
type awayError struct {
	name  string
	cause error
}

func (e *awayError) Error() string {
	return fmt.Sprintf("%s: the shared quota is out of reach: %v", e.name, e.cause)
}

func (e *awayError) Unwrap() error { return e.cause }

func (l *Limiter) quota(b amazonpay.Bucket) Quota {
	interval := float64(b.Interval()) / l.Factor
	return Quota{b.Burst(), time.Duration(min(max(interval, float64(time.Microsecond)), float64(1000*time.Hour)))}
}

// EstimateDuration is how long n requests take from a full bucket.
func (l *Limiter) EstimateDuration(b amazonpay.Bucket, n int) time.Duration {
	q := l.quota(b)
	return q.times(max(n-q.Burst, 0))
}

// Wait returns when a request may be made.
func (l *Limiter) Wait(ctx context.Context, b amazonpay.Bucket, attempt int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := l.wait(ctx, b, attempt)
	if _, away := errors.AsType[*awayError](err); away && l.Fallback != nil {
		return l.Fallback.Wait(ctx, b, attempt)
	}
	return err
}

// wait knows no Fallback: without the store its error is an awayError.
func (l *Limiter) wait(ctx context.Context, b amazonpay.Bucket, attempt int) error {
	if err := l.resting(); err != nil && l.Fallback != nil {
		return err
	}
	n, w, err := l.enter(ctx, b, attempt)
	if err != nil {
		return err
	}
	select {
	case <-w.turn:
		if w.err != nil {
			return w.err
		}
		err = l.serve(ctx, b, n)
	case <-ctx.Done():
		err = ctx.Err()
	}
	l.leave(b, n, w, err)
	return err
}

// serve gets the head of a line through.
func (l *Limiter) serve(ctx context.Context, b amazonpay.Bucket, n *line) error {
	q := l.quota(b)
	for {
		slot := l.held(n, q)
		if slot.IsZero() {
			var wait time.Duration
			if err := l.ask(ctx, func(ctx context.Context) (err error) {
				wait, err = l.Store.Reserve(ctx, b.String(), q)
				return err
			}); err != nil {
				return err
			}
			slot = time.Now().Add(wait)
			l.hold(n, q, slot)
		}
		deadline, _ := ctx.Deadline()
		if err := late(slot, deadline); err != nil {
			return err
		}
		select {
		case <-time.After(time.Until(slot)):
		case <-ctx.Done():
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if l.use(n) {
			return nil
		}
	}
}

// late is the error of a turn that comes after a deadline; zero means none.
func late(turn, deadline time.Time) error {
	if deadline.IsZero() || !turn.After(deadline) {
		return nil
	}
	return fmt.Errorf("its turn comes in %v, after the deadline: %w", time.Until(turn).Round(time.Millisecond), context.DeadlineExceeded)
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
	if err == nil {
		return nil
	}
	away := &awayError{l.name, err}
	l.mu.Lock()
	l.away, l.until = away, time.Now().Add(rest)
	l.mu.Unlock()
	if l.OnError != nil {
		l.OnError(away)
	}
	return away
}

// resting is an error while the store is left alone.
func (l *Limiter) resting() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Now().Before(l.until) {
		return l.away
	}
	return nil
}

// Throttled empties the bucket for all processes. If the store cannot be told,
// the next throttle answer will tell again.
func (l *Limiter) Throttled(b amazonpay.Bucket) {
	if l.Fallback != nil {
		l.Fallback.Throttled(b)
	}
	l.drain(b)
	if l.resting() != nil {
		return
	}
	_ = l.ask(context.Background(), func(ctx context.Context) error {
		return l.Store.Empty(ctx, b.String(), l.quota(b))
	})
}
