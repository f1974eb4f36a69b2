package share_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay/fleet/internal/share"
)

// A call whose turn is sure to come after its deadline hears so at once, also in
// the middle of the queue.
func TestDeadlines(t *testing.T) {
	const late = "its turn comes in %v, after the deadline: context deadline exceeded"
	t.Run("of one that comes", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l := on(newMemory())
			l.Throttled(bucket)
			crowd(t, l, 10)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			start := time.Now()
			assert.EqualError(t, l.Wait(ctx, bucket, 1), fmt.Sprintf(late, 11*time.Second))
			assert.Zero(t, time.Since(start))
			go func() { assert.NoError(t, l.Wait(ctx, bucket, 2), "a repeat goes first") }()
			synctest.Wait()
			short, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
			defer cancel()
			assert.EqualError(t, l.Wait(short, bucket, 2), fmt.Sprintf(late, 3*time.Second), "behind the head and that one")
			assert.NoError(t, l.Wait(short, bucket, 3))
			assert.Equal(t, 2*time.Second, time.Since(start))
			time.Sleep(time.Minute) // for the others
		})
	})
	t.Run("of those that wait already", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m, start := newMemory(), time.Now()
			m.latency = 10 * time.Millisecond
			l := on(m)
			require.NoError(t, m.Empty(t.Context(), bucket.String(), share.Quota{Burst: 9, Interval: time.Second}))
			ctx, cancel := context.WithTimeout(t.Context(), 5500*time.Millisecond)
			defer cancel()
			var mu sync.Mutex
			told := map[time.Duration]int{}
			for range 20 { // all while the first one asks
				go func() {
					if l.Wait(ctx, bucket, 1) != nil {
						mu.Lock()
						told[time.Since(start)]++
						mu.Unlock()
					}
				}()
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			assert.Equal(t, map[time.Duration]int{10 * time.Millisecond: 15}, told, "five have their turns")
		})
	})
	t.Run("at a full bucket", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := newMemory()
			m.latency = 10 * time.Millisecond
			l := on(m)
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			for range 9 {
				go func() { assert.NoError(t, l.Wait(ctx, bucket, 1)) }()
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			assert.Equal(t, 9, m.asked)
		})
	})
	t.Run("of the head", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := newMemory()
			m.latency = 10 * time.Millisecond
			l := on(m)
			require.NoError(t, m.Empty(t.Context(), bucket.String(), share.Quota{Burst: 9, Interval: time.Second}))
			short, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			go func() { assert.ErrorContains(t, l.Wait(short, bucket, 1), "its turn comes in 1s") }()
			time.Sleep(time.Millisecond)
			ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
			defer cancel()
			assert.NoError(t, l.Wait(ctx, bucket, 1), "has the slot that the head cannot use")
		})
	})
}

// crowd has some more wait.
func crowd(t *testing.T, l *share.Limiter, n int) {
	for range n {
		go func() { assert.NoError(t, l.Wait(t.Context(), bucket, 1)) }()
	}
	synctest.Wait()
}

// A slot that was reserved from a bucket that turns out to be empty is not used.
func TestThrottledBeforeItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		l := on(m)
		crowd(t, l, 9)
		time.Sleep(700 * time.Millisecond)
		start := time.Now()
		time.AfterFunc(50*time.Millisecond, func() { l.Throttled(bucket) })
		require.NoError(t, l.Wait(t.Context(), bucket, 1))
		assert.Equal(t, 1300*time.Millisecond, time.Since(start), "not after 300 ms: the bucket was empty at 50")
	})
	synctest.Test(t, func(t *testing.T) { // while the store is asked
		m := newMemory()
		m.latency = 10 * time.Millisecond
		l := on(m)
		start := time.Now()
		time.AfterFunc(5*time.Millisecond, func() { l.Throttled(bucket) })
		require.NoError(t, l.Wait(t.Context(), bucket, 1))
		assert.GreaterOrEqual(t, time.Since(start), time.Second)
		assert.Less(t, time.Since(start), 1100*time.Millisecond)
	})
}

// All that wait while a silent store is asked are told by one question.
func TestSilentQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := silent{newMemory()}
		var mu sync.Mutex
		told := 0
		l, start := with(m, share.Settings{OnError: func(error) { mu.Lock(); told++; mu.Unlock() }}), time.Now()
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				assert.EqualError(t, l.Wait(t.Context(), bucket, 1), "memory: the shared quota is out of reach: no answer within 1s")
			})
		}
		wg.Wait()
		assert.Equal(t, time.Second, time.Since(start))
		assert.Equal(t, 1, told)
		assert.Zero(t, l.Lines())
		time.Sleep(time.Hour)
	})
}

// A queue with an unused slot is kept while the slot is good, and not for ever.
func TestLinesAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, start := on(newMemory()), time.Now()
		giveUp := func(sellers int) {
			for i := range sellers {
				b := bucket
				b.SellerID = fmt.Sprint(start, time.Now(), i)
				l.Throttled(b)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
				assert.ErrorIs(t, l.Wait(ctx, b, 1), context.DeadlineExceeded)
				cancel()
			}
		}
		l.Throttled(bucket)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
		assert.ErrorIs(t, l.Wait(ctx, bucket, 1), context.DeadlineExceeded)
		cancel()
		giveUp(2000)
		assert.Equal(t, 2001, l.Lines())
		require.NoError(t, l.Wait(t.Context(), bucket, 1))
		assert.Equal(t, time.Second, time.Since(start), "by the slot that it kept")
		time.Sleep(time.Minute)
		giveUp(100)
		assert.LessOrEqual(t, l.Lines(), 100)
	})
}

// A time in the store that is too far ahead is not waited for.
func TestClockSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, start := newMemory(), time.Now()
		l := on(m)
		m.fullAt[bucket.String()] = start.Add(time.Hour)
		require.NoError(t, l.Wait(t.Context(), bucket, 1))
		assert.Equal(t, time.Second, time.Since(start))
	})
}

func TestNew(t *testing.T) {
	for _, test := range []struct {
		settings share.Settings
		want     string
	}{
		{share.Settings{Factor: -1}, "memory: Factor is negative"},
		{share.Settings{Timeout: -1}, "memory: Timeout is negative"},
	} {
		_, err := share.New("memory", newMemory(), test.settings)
		assert.Equal(t, errors.New(test.want), err)
	}
}
