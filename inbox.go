package amazonpay

import (
	"context"
	"errors"
	"sync"
)

// Inbox remembers which notifications have been dealt with: Amazon delivers
// each at least once, and again if your answer is lost.
//
// An Inbox in your database does the work in the transaction that records the
// id, under a unique key, so that both happen or none does. [MemoryInbox] is
// for one process, and forgets when it ends.
type Inbox interface {
	// Once runs work unless work for the same id has succeeded before; then it
	// returns nil at once. The id is recorded only when work has returned nil:
	// recording it first would lose the event when work fails. While work runs,
	// another call with the same id neither runs it nor returns nil: it waits
	// for the outcome, or returns an error.
	Once(ctx context.Context, id string, work func(context.Context) error) error
}

// defaultInboxSize is how many ids a [MemoryInbox] remembers if not told.
const defaultInboxSize = 100_000

// MemoryInbox is an [Inbox] in memory. Its zero value is ready, and any number
// of goroutines may use it. It must not be copied.
type MemoryInbox struct {
	// Size is how many ids are remembered, the latest; zero means
	// 100,000. SNS may repeat a notification for two weeks. It must not
	// change once the inbox is in use.
	Size int

	mu    sync.Mutex
	works map[string]chan struct{} // closed when the work has ended; nil if it succeeded
	done  []string                 // ids whose work succeeded, a ring
	next  int                      // where the ring goes on
}

var errNoID = errors.New("amazonpay: inbox: a notification without an id")

// Once is that of [Inbox]. A call that comes while work for the same id runs
// waits for it, and runs its own if that fails or panics.
func (b *MemoryInbox) Once(ctx context.Context, id string, work func(context.Context) error) error {
	if id == "" {
		return errNoID
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		b.mu.Lock()
		running, known := b.works[id]
		if !known {
			break
		}
		b.mu.Unlock()
		if running == nil {
			return nil
		}
		select {
		case <-running:
		case <-ctx.Done():
		}
	}
	if b.works == nil {
		b.works = make(map[string]chan struct{})
	}
	running := make(chan struct{})
	b.works[id] = running
	b.mu.Unlock()

	succeeded := false
	defer func() { // also after a panic
		b.mu.Lock()
		defer b.mu.Unlock()
		if delete(b.works, id); succeeded {
			b.record(id)
		}
		close(running)
	}()
	err := work(ctx)
	succeeded = err == nil
	return err
}

// record remembers an id, in the place of the oldest if there is no more room.
func (b *MemoryInbox) record(id string) {
	size := b.Size
	if size <= 0 {
		size = defaultInboxSize
	}
	if len(b.done) < size {
		b.done = append(b.done, id)
	} else {
		delete(b.works, b.done[b.next])
		b.done[b.next] = id
		b.next = (b.next + 1) % size
	}
	b.works[id] = nil
}
