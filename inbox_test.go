package amazonpay_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/amazonpay-go/amazonpay"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var _ amazonpay.Inbox = (*amazonpay.MemoryInbox)(nil)

func TestInboxRunsOnce(t *testing.T) {
	var inbox amazonpay.MemoryInbox
	runs := 0
	work := func(context.Context) error { runs++; return nil }
	for range 3 {
		require.NoError(t, inbox.Once(t.Context(), "a", work))
	}
	assert.Equal(t, 1, runs)
	require.NoError(t, inbox.Once(t.Context(), "b", work))
	assert.Equal(t, 2, runs)
}

// An event whose work failed is not lost: the next delivery does it.
func TestInboxForgetsFailures(t *testing.T) {
	var inbox amazonpay.MemoryInbox
	broken := errors.New("database down")
	runs := 0
	require.ErrorIs(t, inbox.Once(t.Context(), "a", func(context.Context) error { runs++; return broken }), broken)
	assert.PanicsWithValue(t, "bug", func() {
		_ = inbox.Once(t.Context(), "a", func(context.Context) error { runs++; panic("bug") })
	})
	require.NoError(t, inbox.Once(t.Context(), "a", func(context.Context) error { runs++; return nil }))
	require.NoError(t, inbox.Once(t.Context(), "a", func(context.Context) error { runs++; return nil }))
	assert.Equal(t, 3, runs)
}

// A duplicate that comes while the first is being worked on is neither run nor
// acknowledged before the first has succeeded.
func TestInboxDuplicateWaits(t *testing.T) {
	for _, outcome := range []error{nil, errors.New("not now")} {
		t.Run(fmt.Sprint(outcome), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var inbox amazonpay.MemoryInbox
				release := make(chan struct{})
				var first, second, secondRuns = make(chan error, 1), make(chan error, 1), 0
				go func() {
					first <- inbox.Once(t.Context(), "a", func(context.Context) error { <-release; return outcome })
				}()
				synctest.Wait()
				go func() {
					second <- inbox.Once(t.Context(), "a", func(context.Context) error { secondRuns++; return nil })
				}()
				synctest.Wait()
				assert.Empty(t, second, "the duplicate was answered while the first was not done")
				require.NoError(t, inbox.Once(t.Context(), "b", func(context.Context) error { return nil }), "another id waited")
				close(release)
				assert.Equal(t, outcome, <-first)
				require.NoError(t, <-second)
				if outcome == nil {
					assert.Zero(t, secondRuns)
				} else {
					assert.Equal(t, 1, secondRuns, "the duplicate does what the first could not")
				}
			})
		})
	}
}

// A duplicate does not wait longer than its context.
func TestInboxDuplicateGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var inbox amazonpay.MemoryInbox
		release := make(chan struct{})
		go func() { _ = inbox.Once(t.Context(), "a", func(context.Context) error { <-release; return nil }) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := inbox.Once(ctx, "a", func(context.Context) error { t.Error("ran"); return nil })
		require.ErrorIs(t, err, context.DeadlineExceeded)
		close(release)
	})
}

func TestInboxRefusesAnEmptyID(t *testing.T) {
	var inbox amazonpay.MemoryInbox
	require.ErrorContains(t, inbox.Once(t.Context(), "", func(context.Context) error { t.Error("ran"); return nil }), "without an id")
}

// The inbox remembers the latest Size ids, and no more.
func TestInboxIsBounded(t *testing.T) {
	inbox := amazonpay.MemoryInbox{Size: 3}
	var ran []string
	once := func(id string) {
		require.NoError(t, inbox.Once(t.Context(), id, func(context.Context) error { ran = append(ran, id); return nil }))
	}
	for _, id := range []string{"a", "b", "c", "a", "b", "c", "d", "b", "c", "d", "a", "e", "d", "a", "e", "b"} {
		once(id)
	}
	assert.Equal(t, []string{"a", "b", "c", "d", "a", "e", "b"}, ran)

	var standard amazonpay.MemoryInbox
	for i := range amazonpay.DefaultInboxSize {
		require.NoError(t, standard.Once(t.Context(), fmt.Sprint(i), func(context.Context) error { return nil }))
	}
	require.NoError(t, standard.Once(t.Context(), "0", func(context.Context) error { t.Error("forgotten too early"); return nil }))
	require.NoError(t, standard.Once(t.Context(), "new", func(context.Context) error { return nil }))
	ranAgain := false
	require.NoError(t, standard.Once(t.Context(), "0", func(context.Context) error { ranAgain = true; return nil }))
	assert.True(t, ranAgain, "the default size is not kept")
}

// Work succeeds once per id, however many deliveries race, fail and panic.
func TestInboxUnderLoad(t *testing.T) {
	inbox := amazonpay.MemoryInbox{Size: 1000}
	var successes [50]atomic.Int64
	var running [50]atomic.Int64
	var callers sync.WaitGroup
	for caller := range 16 {
		callers.Go(func() {
			for i := range 200 {
				id := (i*7 + caller) % len(successes)
				func() {
					defer func() { _ = recover() }()
					_ = inbox.Once(t.Context(), fmt.Sprint(id), func(context.Context) error {
						defer running[id].Add(-1)
						if running[id].Add(1) > 1 {
							t.Error("two at once")
						}
						switch (i + caller) % 3 {
						case 0:
							return errors.New("not now")
						case 1:
							panic("bug")
						}
						successes[id].Add(1)
						return nil
					})
				}()
			}
		})
	}
	callers.Wait()
	for id := range successes {
		require.NoError(t, inbox.Once(t.Context(), fmt.Sprint(id), func(context.Context) error { successes[id].Add(1); return nil }))
		assert.EqualValues(t, 1, successes[id].Load(), id)
	}
}
