package amazonpaytest

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// defaultStart is a plain day in the middle of a month.
var defaultStart = time.Date(2026, time.January, 15, 12, 0, 0, 0, time.UTC)

// books is the lock on all that the fake knows. Who takes it finds a running
// clock caught up, and everything done that fell due meanwhile; when it is given
// back, the timer is set for what falls due next.
type books struct {
	sync.Mutex
	fake *Fake
}

func (b *books) Lock() {
	b.Mutex.Lock()
	b.fake.catchUp()
}

func (b *books) Unlock() {
	b.fake.arm()
	b.Mutex.Unlock()
}

// clock is the business clock, and what waits for it.
type clock struct {
	now     time.Time
	wall    time.Time // of now, on the clock on the wall
	events  queue[event]
	outbox  queue[*parcel]
	timer   *time.Timer   // set to run once something falls due
	armed   time.Time     // when it does, on the wall; zero if it is not set
	handing int           // notifications that are being handed over
	idle    chan struct{} // closed when the timer's run is over; nil if there is none
}

// Now is the business clock, which dates all objects. It runs with the clock on
// the wall, unless Settings.Manual is set, and is ahead of it by what has been
// advanced. The timestamps of requests are checked against the clock on the
// wall.
func (f *Fake) Now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

// Advance moves the business clock on, and what runs by itself runs on from
// there. Everything that falls due on the way happens in order of time:
// authorizations are decided, captures and refunds complete, drafts go stale,
// objects expire, notifications are delivered. All Advances add up, those of
// other goroutines and of notified handlers among them. A negative d does
// nothing.
//
// With a running clock a notification may be on its way already. Advance lets
// it arrive first, for at most the 15 seconds that a receiver has: so a handler
// of notifications that calls it has to wait that long.
func (f *Fake) Advance(d time.Duration) {
	f.lockIdle()
	defer f.mu.Unlock()
	f.advance(f.now.Add(d), true)
	f.keep(entry{Clock: true})
}

// AdvanceTo is [Fake.Advance] up to a point in time; one that has passed does
// nothing.
func (f *Fake) AdvanceTo(t time.Time) {
	f.lockIdle()
	defer f.mu.Unlock()
	f.advance(t.UTC(), false)
	f.keep(entry{Clock: true})
}

// Deliver hands over the notifications that are due. [Fake.Advance] does so,
// too, at the times on its way, and so does a running clock by itself. When
// Deliver returns, those that were due when it was called have arrived; like
// Advance it waits for those that the running clock has on their way already, but
// not for those of another Deliver or Advance.
//
// A receiver has 15 seconds to answer 2xx. What it answers 4xx, and what does
// not reach it, is lost; after any other answer, and none in time, it comes
// again every hour for 14 days. So Amazon's own page has it; others say that
// what did not reach the receiver comes again as well.
func (f *Fake) Deliver() {
	f.lockIdle()
	defer f.mu.Unlock()
	f.advance(f.now, true)
	f.keep(entry{Clock: true})
}

// lockIdle takes the lock when the timer's run is over.
func (f *Fake) lockIdle() {
	f.mu.Lock()
	idle := f.idle
	if idle == nil {
		return
	}
	f.mu.Unlock()
	timer := time.NewTimer(answerTime)
	defer timer.Stop()
	select {
	case <-idle:
	case <-timer.C: // the caller may be the handler that is waited for
	}
	f.mu.Lock()
}

// advance moves the clock, and does what falls due on the way. The lock is
// given up while a notification is handed over; what others move the clock
// meanwhile comes on top, if the target is a relative one.
func (f *Fake) advance(target time.Time, relative bool) {
	for {
		eventAt, event := f.events.next()
		parcelAt, parcel := f.outbox.next()
		event, parcel = event && !eventAt.After(target), parcel && !f.replaying && !parcelAt.After(target)
		switch {
		case event && (!parcel || !eventAt.After(parcelAt)):
			f.happen()
		case parcel:
			f.reach(parcelAt)
			before := f.now
			f.attempt(f.outbox.pop())
			if relative {
				target = target.Add(f.now.Sub(before))
			}
		default:
			f.reach(target)
			return
		}
	}
}

// happen lets the next event happen.
func (f *Fake) happen() {
	at, _ := f.events.next()
	f.reach(at)
	if e := f.events.pop(); e.when == nil || e.when() {
		e.do()
	}
	f.publish()
}

// catchUp brings a running clock to the present. Notifications are left to the
// timer: nobody's request waits for another's handler.
func (f *Fake) catchUp() {
	if f.settings.Manual {
		return
	}
	wall := time.Now()
	passed := wall.Sub(f.wall)
	if passed <= 0 {
		return
	}
	f.wall = wall
	target := f.now.Add(passed)
	for at, ok := f.events.next(); ok && !at.After(target); at, ok = f.events.next() {
		f.happen()
	}
	f.reach(target)
}

// arm sets the timer of a running clock, if there is somebody to be told of
// what it does.
func (f *Fake) arm() {
	if f.settings.Manual || f.handing > 0 || !f.listening() {
		return
	}
	eventAt, event := f.events.next()
	at, parcel := f.outbox.next()
	switch {
	case !event && !parcel:
		return
	case !parcel || event && eventAt.Before(at):
		at = eventAt
	}
	at = f.wall.Add(at.Sub(f.now))
	switch {
	case f.timer == nil:
		f.timer = time.AfterFunc(time.Until(at), f.fall)
	case !f.armed.Equal(at):
		f.timer.Reset(time.Until(at))
	}
	f.armed = at
}

// fall is the run of the timer. One after the other: it leaves the work to a
// Deliver that is at it.
func (f *Fake) fall() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed = time.Time{}
	if f.handing > 0 {
		return
	}
	idle := make(chan struct{})
	f.idle = idle
	defer func() {
		f.idle = nil
		close(idle)
	}()
	f.advance(f.now, true)
}

// reach moves the business clock; it never goes back.
func (f *Fake) reach(t time.Time) {
	if t.After(f.now) {
		f.now = t
	}
}

// event is something that happens by itself.
type event struct {
	what string      // for the list of what is due
	id   string      // whose
	when func() bool // whether it still matters; nil is always
	do   func()
}

// after lets something happen on the business clock, if it still matters then.
func (f *Fake) after(d time.Duration, what, id string, when func() bool, do func()) {
	f.events.push(f.now.Add(d), false, event{what, id, when, do})
}

// queue is a heap of what is due, in order of time; what is due at the same
// time keeps the order in which it came.
type queue[T any] struct {
	items []queued[T]
	count int64
}

type queued[T any] struct {
	at   time.Time
	rank int64
	what T
}

func (q *queue[T]) less(i, j int) bool {
	a, b := &q.items[i], &q.items[j]
	return a.at.Before(b.at) || a.at.Equal(b.at) && a.rank < b.rank
}

// push adds something behind all that is due at the same time, or before it.
func (q *queue[T]) push(at time.Time, before bool, what T) {
	q.count++
	rank := q.count
	if before {
		rank = -rank
	}
	q.items = append(q.items, queued[T]{at, rank, what})
	for i := len(q.items) - 1; i > 0; {
		up := (i - 1) / 2
		if !q.less(i, up) {
			break
		}
		q.items[i], q.items[up] = q.items[up], q.items[i]
		i = up
	}
}

// next is when the first is due; ok is false if nothing waits.
func (q *queue[T]) next() (at time.Time, ok bool) {
	if len(q.items) == 0 {
		return at, false
	}
	return q.items[0].at, true
}

// remove takes out what fits.
func (q *queue[T]) remove(fits func(T) bool) {
	kept := slices.DeleteFunc(q.items, func(item queued[T]) bool { return fits(item.what) })
	if len(kept) < len(q.items) {
		slices.SortFunc(kept, func(a, b queued[T]) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.rank, b.rank)) })
	}
	q.items = kept // a sorted list is a heap
}

// pop takes the first out. There must be one.
func (q *queue[T]) pop() T {
	first, last := q.items[0].what, len(q.items)-1
	q.items[0], q.items[last] = q.items[last], queued[T]{}
	q.items = q.items[:last]
	for i := 0; ; {
		down := 2*i + 1
		if down >= last {
			return first
		}
		if down+1 < last && q.less(down+1, down) {
			down++
		}
		if !q.less(down, i) {
			return first
		}
		q.items[i], q.items[down] = q.items[down], q.items[i]
		i = down
	}
}
