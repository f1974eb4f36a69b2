package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// hold stops charging for a while when a charge was refused for a reason that
// is no charge's own: the keys, the clock, the account, a proxy on the way. All
// the others would be refused, too, and none is given up for it.
type hold struct {
	mu     sync.Mutex
	until  time.Time
	streak int   // pauses since Amazon last listened to a charge
	cause  error // of the last one
}

const (
	breath   = 2 * time.Second // how long a worker waits in its place: it must be able to stop
	hopeless = 3               // after so many pauses in a row, somebody must look
)

var errHeld = errors.New("no charge goes through, and none was given up: correct this, and they are sent again with the same reference ids")

// begin starts a pause. It is false if there is one already.
func (h *hold) begin(pause time.Duration, cause error) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Now().Before(h.until) {
		return false
	}
	h.until, h.cause = time.Now().Add(pause), cause
	h.streak++
	return true
}

// end notes that Amazon took a charge, or refused one for its own sake.
func (h *hold) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.until, h.streak = time.Time{}, 0
}

// wait waits for the end of a pause, for a breath, and returns what is left of it.
func (h *hold) wait(ctx context.Context) (left time.Duration) {
	h.mu.Lock()
	until := h.until
	h.mu.Unlock()
	if time.Until(until) <= 0 {
		return 0
	}
	select {
	case <-time.After(min(breath, time.Until(until))):
	case <-ctx.Done():
	}
	return max(0, time.Until(until))
}

// err is why it is hopeless to go on, or nil.
func (h *hold) err() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.streak < hopeless {
		return nil
	}
	return fmt.Errorf("%w: %w", errHeld, h.cause)
}
