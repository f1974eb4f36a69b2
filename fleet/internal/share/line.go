package share

import (
	"container/list"
	"context"
	"time"

	"github.com/amazonpay-go/amazonpay"
)

// line is the queue of a bucket. The limiter's lock covers it.
type line struct {
	waiting list.List // of *waiter, the head first
	slot    time.Time // reserved and not used yet; zero = none
	void    time.Time // slots before this are worth nothing
}

type waiter struct {
	attempt  int
	deadline time.Time     // zero = none
	turn     chan struct{} // closed when it is the head, or is told err
	err      error
	place    *list.Element
}

// enter takes a place: behind all, or with a repeat behind the head and the
// repeats with as many attempts. The error is that of a turn after the deadline.
func (l *Limiter) enter(ctx context.Context, b amazonpay.Bucket, attempt int) (*line, *waiter, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.line(b)
	w := &waiter{attempt: attempt, turn: make(chan struct{})}
	w.deadline, _ = ctx.Deadline()
	front := n.waiting.Front()
	if front == nil {
		close(w.turn)
		w.place = n.waiting.PushBack(w)
		return n, w, nil
	}
	ahead, behind := n.waiting.Len(), (*list.Element)(nil)
	if attempt > 1 {
		ahead = 1
		for behind = front.Next(); behind != nil && behind.Value.(*waiter).attempt >= attempt; behind = behind.Next() {
			ahead++
		}
	}
	if err := n.late(w, l.quota(b), ahead); err != nil {
		return nil, nil, err
	}
	if behind != nil {
		w.place = n.waiting.InsertBefore(w, behind)
	} else {
		w.place = n.waiting.PushBack(w)
	}
	return n, w, nil
}

// line finds or makes that of a bucket.
func (l *Limiter) line(b amazonpay.Bucket) *line {
	n := l.lines[b]
	if n == nil {
		if len(l.lines) >= l.sweepAt {
			l.sweep()
		}
		n = new(line)
		l.lines[b] = n
	}
	return n
}

// sweep drops the lines that nobody stands in and whose slot is past use.
func (l *Limiter) sweep() {
	for b, n := range l.lines {
		if n.waiting.Len() == 0 && time.Since(n.slot) > l.quota(b).Interval {
			delete(l.lines, b)
		}
	}
	l.sweepAt = max(1024, 2*len(l.lines))
}

// late is the error of a waiter with so many ahead of it whose turn is sure to
// come after its deadline: the slots after the head's are an interval apart or
// more. Nothing is sure while the head has none.
func (n *line) late(w *waiter, q Quota, ahead int) error {
	if n.slot.IsZero() {
		return nil
	}
	return late(n.slot.Add(q.times(ahead)), w.deadline)
}

// leave gives the place up, and what it holds to the next. If the store is away
// all in the line are told so: it need not be asked for each.
func (l *Limiter) leave(b amazonpay.Bucket, n *line, w *waiter, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	head := n.waiting.Front() == w.place
	n.waiting.Remove(w.place)
	if away, ok := err.(*awayError); ok {
		for front := n.waiting.Front(); front != nil; front = n.waiting.Front() {
			n.dismiss(front, away)
		}
	}
	if next := n.waiting.Front(); head && next != nil {
		close(next.Value.(*waiter).turn)
	}
	if n.waiting.Len() == 0 && n.slot.IsZero() && l.lines[b] == n {
		delete(l.lines, b)
	}
}

// dismiss ends the wait of one behind the head.
func (n *line) dismiss(place *list.Element, err error) {
	w := n.waiting.Remove(place).(*waiter)
	w.err = err
	close(w.turn)
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

// hold keeps a slot for the head, and dismisses those behind it whose turn will
// come too late.
func (l *Limiter) hold(n *line, q Quota, slot time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n.slot = slot
	head, ahead := n.waiting.Front(), 0
	for place := head; place != nil; {
		next := place.Next()
		err := n.late(place.Value.(*waiter), q, ahead)
		if err == nil {
			ahead++
		} else if place != head { // who sees for itself
			n.dismiss(place, err)
		}
		place = next
	}
}

// use takes the slot, and is false if a throttle answer has made it void.
func (l *Limiter) use(n *line) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	good := !n.slot.Before(n.void)
	n.slot = time.Time{}
	return good
}

// drain makes the slots void that were reserved from a bucket that was empty:
// those before it regains a request, less a hundredth, for stores that round.
func (l *Limiter) drain(b amazonpay.Bucket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := l.lines[b]; n != nil {
		q := l.quota(b)
		n.void = time.Now().Add(q.Interval - q.Interval/100)
	}
}
