package share_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/fleet/internal/share"
)

// memory is a Store by the book.
type memory struct {
	latency time.Duration // of an answer

	mu     sync.Mutex
	fullAt map[string]time.Time
	asked  int
	err    error
}

func (m *memory) Reserve(_ context.Context, key string, q share.Quota) (time.Duration, error) {
	defer time.Sleep(m.latency)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.asked++; m.err != nil {
		return 0, m.err
	}
	if time.Until(m.fullAt[key]) > q.Longest() {
		m.fullAt[key] = time.Now().Add(q.Full())
	}
	m.fullAt[key] = later(m.fullAt[key], time.Now()).Add(q.Interval)
	return time.Until(m.fullAt[key]) - q.Full(), nil
}

func (m *memory) Empty(_ context.Context, key string, q share.Quota) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fullAt[key] = later(m.fullAt[key], time.Now().Add(q.Full()))
	return m.err
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func newMemory() *memory { return &memory{fullAt: map[string]time.Time{}} }

func on(store share.Store) *share.Limiter { return with(store, share.Settings{}) }

func with(store share.Store, s share.Settings) *share.Limiter {
	l, err := share.New("memory", store, s)
	if err != nil {
		panic(err)
	}
	return l
}

var bucket = amazonpay.Bucket{Environment: amazonpay.Production, Action: "Capture"}

// TestMachinesTakeTurns: slots go round the machines, however long their queues.
func TestMachinesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, start := newMemory(), time.Now()
		var mu sync.Mutex
		count := make([]int, 20)
		var at []time.Duration
		ctx, cancel := context.WithTimeout(t.Context(), 1000*time.Second-1)
		defer cancel()
		for i := range count {
			machine := on(m)
			for range 1 + 10*(i%2) { // some have ten times the workers
				go func() {
					for machine.Wait(ctx, bucket, 1) == nil {
						mu.Lock()
						count[i]++
						at = append(at, time.Since(start))
						mu.Unlock()
					}
				}()
			}
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		assert.InDelta(t, 1009, len(at), 20)
		for i, at := range at {
			assert.GreaterOrEqual(t, at.Seconds(), float64(i-9), "never above the quota")
		}
		for _, n := range count {
			assert.InDelta(t, 50, n, 10) // one may have had the whole burst
		}
		assert.LessOrEqual(t, m.asked, 1009+20, "a question for each slot")
	})
}

// TestRepeatsGoFirst, behind the head.
func TestRepeatsGoFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := on(newMemory())
		l.Throttled(bucket)
		var mu sync.Mutex
		var order []string
		for _, w := range []struct {
			name    string
			attempt int
		}{{"a", 1}, {"g", 1}, {"d", 2}, {"h", 1}, {"b", 7}, {"e", 2}, {"c", 7}, {"f", 2}} {
			go func() {
				assert.NoError(t, l.Wait(t.Context(), bucket, w.attempt))
				mu.Lock()
				order = append(order, w.name)
				mu.Unlock()
			}()
			synctest.Wait()
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Equal(t, "abcdefgh", strings.Join(order, ""))
	})
}

// A slot that its owner gave up goes to the next, or is lost after a while.
func TestGivenUpSlot(t *testing.T) {
	for _, test := range []struct {
		name  string
		after time.Duration // after the giving up at half a second
		want  time.Duration
		asked int
	}{
		{"taken over at once", 0, 500 * time.Millisecond, 1},
		{"taken over when it is due", 800 * time.Millisecond, 0, 1},
		{"too old", time.Minute, 0, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMemory()
				l := on(m)
				l.Throttled(bucket)
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Second/2, cancel)
				require.ErrorIs(t, l.Wait(ctx, bucket, 1), context.Canceled)
				require.ErrorIs(t, l.Wait(ctx, bucket, 1), context.Canceled)
				time.Sleep(test.after)
				start := time.Now()
				require.NoError(t, l.Wait(t.Context(), bucket, 1))
				assert.Equal(t, test.want, time.Since(start).Round(time.Microsecond))
				assert.Equal(t, test.asked, m.asked)
			})
		})
	}
	t.Run("void after a throttle answer", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l := on(newMemory())
			l.Throttled(bucket)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
			defer cancel()
			require.ErrorIs(t, l.Wait(ctx, bucket, 1), context.DeadlineExceeded)
			time.Sleep(time.Second)
			l.Throttled(bucket)
			start := time.Now()
			require.NoError(t, l.Wait(t.Context(), bucket, 1))
			assert.GreaterOrEqual(t, time.Since(start), time.Second)
		})
	})
}

// TestTenThousand queue in one machine, half of them give up.
func TestTenThousand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, start := newMemory(), time.Now()
		l := on(m)
		impatient, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for i := range 10_000 {
			if i%2 == 0 {
				wg.Go(func() { assert.NoError(t, l.Wait(t.Context(), bucket, 1)) })
			} else {
				go func() { _ = l.Wait(impatient, bucket, 1) }()
			}
		}
		synctest.Wait()
		time.Sleep(500 * time.Millisecond)
		cancel()
		wg.Wait()
		assert.InDelta(t, 5000-9, time.Since(start).Seconds(), 10)
		assert.LessOrEqual(t, m.asked, 5010)
	})
}

// silent never answers, until its caller has long gone.
type silent struct{ *memory }

func (s silent) Reserve(context.Context, string, share.Quota) (time.Duration, error) {
	time.Sleep(time.Minute)
	return 0, errors.New("too late")
}

// A store that is away: calls fail and say why, or go by the fallback, and come
// back to the store when it is there again.
func TestStoreAway(t *testing.T) {
	t.Run("fails", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := newMemory()
			m.err = errors.New("connection refused")
			l := on(m)
			for i := range 3 {
				assert.EqualError(t, l.Wait(t.Context(), bucket, 1), "memory: the shared quota is out of reach: connection refused")
				assert.Equal(t, i+1, m.asked)
			}
			m.err = nil
			assert.NoError(t, l.Wait(t.Context(), bucket, 1), "back at once")
		})
	})
	t.Run("silent", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l, start := on(silent{newMemory()}), time.Now()
			assert.EqualError(t, l.Wait(t.Context(), bucket, 1), "memory: the shared quota is out of reach: no answer within 1s")
			assert.Equal(t, time.Second, time.Since(start))
			time.Sleep(time.Hour)
		})
	})
	t.Run("fallback", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := newMemory()
			var told []string
			l := with(m, share.Settings{
				Fallback: amazonpay.NewLimiter(0.1),
				OnError:  func(err error) { told = append(told, err.Error()) },
			})
			m.err = errors.New("connection refused")
			wait := func() string {
				start := time.Now()
				require.NoError(t, l.Wait(t.Context(), bucket, 1))
				return fmt.Sprint(time.Since(start).Round(time.Millisecond))
			}
			for range 9 {
				assert.Equal(t, "0s", wait())
			}
			assert.Equal(t, 1, m.asked, "the others did not try")
			l.Throttled(bucket)
			assert.Equal(t, "10s", wait(), "at the fallback's pace")
			assert.Equal(t, "10s", wait())
			assert.Equal(t, 2, m.asked, "tried again after a second's rest")
			assert.Equal(t, slices.Repeat([]string{"memory: the shared quota is out of reach: connection refused"}, 2), told, "each time")
			m.err = nil
			time.Sleep(time.Second)
			assert.Equal(t, "0s", wait())
			assert.Equal(t, 3, m.asked, "back")
			m.err = errors.New("read only")
			l.Throttled(bucket)
			assert.Len(t, told, 3, "a throttle answer that cannot be shared")
		})
	})
}

func TestEnded(t *testing.T) {
	m := newMemory()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.ErrorIs(t, on(m).Wait(ctx, bucket, 1), context.Canceled)
	assert.Zero(t, m.asked)
}

func TestEstimateDuration(t *testing.T) {
	for _, test := range []struct {
		factor float64
		n      int
		want   time.Duration
	}{{0, 10_000, 9991 * time.Second}, {1, 9, 0}, {1, -1, 0}, {10, 19, time.Second}, {1e300, 10, time.Microsecond}, {1e-300, 10, 1000 * time.Hour}} {
		l := with(nil, share.Settings{Factor: test.factor})
		assert.Equal(t, test.want, l.EstimateDuration(bucket, test.n), "factor %v, %d requests", test.factor, test.n)
	}
}

// Whatever the factor and the ids are, an estimate is a time that can be waited
// for, and a seller's ids lead to no other seller's bucket.
func TestHostileFactorsAndIDs(t *testing.T) {
	for _, factor := range []float64{0, 1e-300, math.SmallestNonzeroFloat64, 1e300, math.Inf(1)} {
		l := with(newMemory(), share.Settings{Factor: factor})
		last := time.Duration(0)
		for _, n := range []int{-1, 0, 1, 1000, math.MaxInt} {
			d := l.EstimateDuration(bucket, n)
			assert.GreaterOrEqual(t, d, last, "%g, %d", factor, n)
			last = d
		}
		assert.NoError(t, l.Wait(t.Context(), bucket, 1), "from a full bucket")
	}
	keys := make(map[string]bool)
	for _, id := range []string{"A", "A'; DROP TABLE amazonpay_quota; --", "{A}", "A:*", "A\r\nFLUSHALL\r\n", `A"`, "$1"} {
		m := newMemory()
		b := bucket
		b.SellerID = id
		require.NoError(t, on(m).Wait(t.Context(), b, 1))
		for key := range m.fullAt {
			assert.Contains(t, key, id, "as it is: the stores take it as a value, and not as a part of a command")
			keys[key] = true
		}
	}
	assert.Len(t, keys, 7)
}
