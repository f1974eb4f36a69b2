package amazonpay_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
)

// TestQueueOfThousands: every one of 10,000 goroutines gets its turn, in order.
func TestQueueOfThousands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter, start := amazonpay.NewLimiter(1), time.Now()
		b := amazonpay.Bucket{Environment: amazonpay.Production, Action: "Capture"}
		var mu sync.Mutex
		var order []int
		var at []time.Duration
		for i := range 10_000 {
			go func() {
				assert.NoError(t, limiter.Wait(t.Context(), b, 1))
				mu.Lock()
				order, at = append(order, i), append(at, time.Since(start))
				mu.Unlock()
			}()
			if i%500 < 2 {
				synctest.Wait() // so that their order is known
			}
		}
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		require.Len(t, order, 10_000)
		for i, at := range at {
			assert.InDelta(t, max(0, i-8), at.Seconds(), 1e-3)
		}
		for i := 501; i < 10_000; i += 500 {
			assert.Equal(t, i, order[i], "first come, first served")
		}
	})
}

// A caller that gives up leaves the queue at once and costs the others nothing.
func TestLeaveTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := amazonpay.NewLimiter(1)
		b := amazonpay.Bucket{Environment: amazonpay.Production, Action: "Capture"}
		impatient, cancel := context.WithCancel(t.Context())
		var mu sync.Mutex
		var served []string
		for i := range 9 + 2000 {
			ctx, name := t.Context(), fmt.Sprint("patient after ", (i-9)/2)
			if i >= 9 && i%2 == 1 {
				ctx, name = impatient, "impatient"
			}
			go func() {
				if err := limiter.Wait(ctx, b, 1); err != nil {
					assert.ErrorIs(t, err, context.Canceled)
					name = "gave up"
				}
				mu.Lock()
				served = append(served, name)
				mu.Unlock()
			}()
			synctest.Wait()
		}
		time.Sleep(9500 * time.Millisecond)
		cancel()
		synctest.Wait()
		assert.Len(t, served, 9+9+1000-5)
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Len(t, served, 9+2000)
		for i, want := 0, 18+1000-5; want < len(served); i, want = i+1, want+1 {
			assert.Equal(t, fmt.Sprint("patient after ", i+4), served[want])
		}
		assert.Error(t, limiter.Wait(impatient, b, 1))
	})
}

// tardy is a context past its deadline that has not noticed yet.
type tardy struct {
	context.Context
	deadline time.Time
}

func (c tardy) Deadline() (time.Time, bool) { return c.deadline, true }

// TestTurnAndEnd: a context that ends in the very moment of the turn passes the
// turn on, or gives it back.
func TestTurnAndEnd(t *testing.T) {
	for _, others := range []int{0, 1, 2} {
		t.Run(fmt.Sprint(others, " behind"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				limiter, start := amazonpay.NewLimiter(1), time.Now()
				b := amazonpay.Bucket{Environment: amazonpay.Production, Action: "Capture"}
				limiter.Throttled(b)
				ctx := tardy{t.Context(), start.Add(time.Second)}
				go func() { assert.ErrorIs(t, limiter.Wait(ctx, b, 1), context.DeadlineExceeded) }()
				synctest.Wait()
				var wg sync.WaitGroup
				for i := range others {
					wg.Go(func() {
						assert.NoError(t, limiter.Wait(t.Context(), b, 1))
						assert.InDelta(t, 1+i, time.Since(start).Seconds(), 1e-3)
					})
					synctest.Wait()
				}
				wg.Wait()
				time.Sleep(time.Second - time.Since(start))
				synctest.Wait()
				require.NoError(t, limiter.Wait(t.Context(), b, 1))
				assert.InDelta(t, 1+others, time.Since(start).Seconds(), 1e-3)
			})
		})
	}
}

// TestRepeatsGoFirst, those with more attempts before those with fewer.
func TestRepeatsGoFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := amazonpay.NewLimiter(1)
		b := amazonpay.Bucket{Environment: amazonpay.Production, Action: "Capture"}
		limiter.Throttled(b)
		var mu sync.Mutex
		var order []string
		for _, w := range []struct {
			name    string
			attempt int
		}{{"g", 1}, {"d", 2}, {"h", 1}, {"a", 7}, {"e", 2}, {"c", 3}, {"b", 7}, {"f", 2}} {
			go func() {
				assert.NoError(t, limiter.Wait(t.Context(), b, w.attempt))
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

// TestThrottledEmptiesTheBucket from that moment.
func TestThrottledEmptiesTheBucket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := amazonpay.NewLimiter(1)
		b := amazonpay.Bucket{Environment: amazonpay.Production, Action: "Capture"}
		other := b
		other.Action = "Refund"
		wait := func(b amazonpay.Bucket) float64 {
			start := time.Now()
			require.NoError(t, limiter.Wait(t.Context(), b, 1))
			return time.Since(start).Seconds()
		}
		assert.Zero(t, wait(b))
		limiter.Throttled(b)
		limiter.Throttled(b)
		assert.Zero(t, wait(other), "every bucket by itself")
		assert.InDelta(t, 1, wait(b), 1e-6)
		time.Sleep(700 * time.Millisecond)
		limiter.Throttled(b)
		assert.InDelta(t, 1, wait(b), 1e-6, "also the part of a request that was regained")
		time.Sleep(time.Hour)
		for range 9 {
			assert.Zero(t, wait(b))
		}
		assert.InDelta(t, 1, wait(b), 1e-6)
	})
}

// TestWaitsAndContexts: what a call says that did not get its turn.
func TestWaitsAndContexts(t *testing.T) {
	empty := func(limiter amazonpay.Limiter, c *amazonpay.Client, action string) {
		limiter.Throttled(amazonpay.Bucket{
			Region: c.Region(), Environment: c.Environment(), SellerID: c.SellerID(), AccessKey: stageKey, Action: action,
		})
	}
	t.Run("deadline before the turn", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			on, limiter, start := &stage{scenes: []scene{goodScene}}, amazonpay.NewLimiter(1), time.Now()
			client := stageClient(t, on, withLimiter(limiter))
			empty(limiter, client, "Capture")
			ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
			defer cancel()
			_, err := client.Capture(ctx, stageCapture)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			assert.EqualError(t, err, "amazonpay: Capture: not sent, while waiting for the quota: its turn comes in 2s, after the deadline: context deadline exceeded")
			assert.Zero(t, time.Since(start), "at once")
			assert.Empty(t, on.all())
			var unknown *amazonpay.OutcomeUnknownError
			assert.False(t, errors.As(err, &unknown))
			failed, ok := errors.AsType[*amazonpay.Error](err)
			require.True(t, ok)
			assert.Zero(t, failed.Attempts)
			_, err = client.Capture(t.Context(), stageCapture)
			require.NoError(t, err)
			assert.Equal(t, 2*time.Second, time.Since(start).Round(time.Millisecond), "it had no place in the queue")
		})
	})
	t.Run("canceled in the queue", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			on, limiter, start := &stage{scenes: []scene{goodScene}}, amazonpay.NewLimiter(1), time.Now()
			client := stageClient(t, on, withLimiter(limiter))
			empty(limiter, client, "Capture")
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			_, err := client.Capture(ctx, stageCapture)
			require.ErrorIs(t, err, context.Canceled)
			assert.ErrorContains(t, err, "not sent, while waiting for the quota")
			assert.Equal(t, time.Second, time.Since(start))
			assert.Empty(t, on.all())
		})
	})
	t.Run("canceled before a repeat of what may have been done", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			on, limiter := &stage{scenes: []scene{resetScene, goodScene}}, amazonpay.NewLimiter(1)
			client := stageClient(t, on, withLimiter(limiter), func(c *amazonpay.Config) { c.Backoff = amazonpay.Spacing(0) })
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			_, err := client.Capture(ctx, stageCapture)
			unknown, ok := errors.AsType[*amazonpay.OutcomeUnknownError](err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, stageReference, unknown.ReferenceID)
			assert.ErrorIs(t, err, context.Canceled)
			assert.ErrorContains(t, err, "while waiting for the quota")
			assert.Len(t, on.all(), 1)
		})
	})
	t.Run("the attempt's time begins after the wait", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			on, limiter := &stage{scenes: []scene{goodScene}}, amazonpay.NewLimiter(1.0/100)
			client := stageClient(t, on, withLimiter(limiter), func(c *amazonpay.Config) { c.Timeout = time.Second })
			empty(limiter, client, "Capture")
			start := time.Now()
			_, err := client.Capture(t.Context(), stageCapture)
			require.NoError(t, err)
			p := on.all()[0]
			assert.InDelta(t, 200, p.at.Sub(start).Seconds(), 1e-3)
			stamp, err := time.Parse(time.RFC3339, p.form.Get("Timestamp"))
			require.NoError(t, err)
			assert.Equal(t, p.at.UTC().Truncate(time.Second), stamp, "dated when it is sent")
		})
	})
}

// TestThrottledCall waits for its turn, and for nothing else.
func TestThrottledCall(t *testing.T) {
	run := func(t *testing.T, scenes []scene, edit ...func(*amazonpay.Config)) ([]float64, error) {
		on, start := &stage{scenes: scenes}, time.Now()
		production := func(c *amazonpay.Config) { c.Limiter, c.Environment = nil, amazonpay.Production }
		_, err := stageClient(t, on, append([]func(*amazonpay.Config){production}, edit...)...).Capture(t.Context(), stageCapture)
		at := []float64{}
		for _, p := range on.all() {
			at = append(at, math.Round(p.at.Sub(start).Seconds()*100)/100)
		}
		return at, err
	}
	never := func(c *amazonpay.Config) { c.Backoff = amazonpay.Spacing() }
	minutes := func(c *amazonpay.Config) { c.Backoff = func(int) (time.Duration, bool) { return time.Minute, true } }
	once := func(c *amazonpay.Config) { c.Backoff = func(n int) (time.Duration, bool) { return time.Minute, n < 2 } }
	th, no, ok := throttledScene, internalScene, goodScene
	for _, test := range []struct {
		name   string
		scenes []scene
		edit   func(*amazonpay.Config)
		at     []float64
		code   error
	}{
		{"by the limiter, not the back-off", []scene{th, th, ok}, minutes, []float64{0, 1, 2}, nil},
		{"longer than the back-off's bound", []scene{th, th, th, th, th, th, th, ok}, nil, []float64{0, 1, 2, 3, 4, 5, 6, 7}, nil},
		{"other failures are counted by themselves", []scene{th, th, no, ok}, once, []float64{0, 1, 2, 62}, nil},
		{"a back-off that is used up", []scene{th, no, th, ok}, once, []float64{0, 1, 61}, amazonpay.ErrRequestThrottled},
		{"a back-off that never repeats", []scene{th, ok}, never, []float64{0}, amazonpay.ErrRequestThrottled},
		{"a limiter that does not wait", []scene{th, th, ok}, func(c *amazonpay.Config) { minutes(c); c.Limiter = amazonpay.NoLimit }, []float64{0, 60, 120}, nil},
		{"a limiter that does not wait, and a bound", []scene{th, th, ok}, func(c *amazonpay.Config) { once(c); c.Limiter = amazonpay.NoLimit }, []float64{0, 60}, amazonpay.ErrRequestThrottled},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				edit := test.edit
				if edit == nil {
					edit = func(*amazonpay.Config) {}
				}
				at, err := run(t, test.scenes, edit)
				if test.code == nil {
					require.NoError(t, err)
				} else {
					require.ErrorIs(t, err, test.code)
				}
				assert.Equal(t, test.at, at)
			})
		})
	}
	t.Run("for ever", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			at, err := run(t, []scene{th})
			require.ErrorIs(t, err, amazonpay.ErrRequestThrottled)
			assert.Len(t, at, 1000)
			assert.InDelta(t, 999, at[999], 1)
		})
	})
}

// limiterFunc is somebody's own Limiter.
type limiterFunc func(ctx context.Context, b amazonpay.Bucket, attempt int) error

func (f limiterFunc) Wait(ctx context.Context, b amazonpay.Bucket, attempt int) error {
	return f(ctx, b, attempt)
}
func (limiterFunc) Throttled(amazonpay.Bucket) {}

// TestOwnLimiter is asked before every attempt, and its refusal is obeyed.
func TestOwnLimiter(t *testing.T) {
	var asked []string
	own := limiterFunc(func(_ context.Context, b amazonpay.Bucket, attempt int) error {
		if asked = append(asked, fmt.Sprint(b, " ", attempt)); attempt == 3 {
			return errors.New("the registry is down")
		}
		return nil
	})
	on := &stage{scenes: []scene{dialError}}
	client := stageClient(t, on, withLimiter(own), func(c *amazonpay.Config) { c.Backoff = amazonpay.Spacing(0, 0, 0, 0) })
	_, err := client.Capture(t.Context(), stageCapture)
	assert.ErrorContains(t, err, "not sent, while waiting for the quota: the registry is down")
	key := "NA/sandbox/" + stageSeller + "/" + stageKey + "/Capture "
	assert.Equal(t, []string{key + "1", key + "2", key + "3"}, asked)
	assert.Len(t, on.all(), 2)
	assert.Equal(t, 2*999*time.Second, client.EstimateDuration("Capture", 1000), "Amazon's, if it does not say")
}

func TestEstimateDuration(t *testing.T) {
	for _, test := range []struct {
		name, action string
		n            int
		want         time.Duration
		edit         func(*amazonpay.Config)
	}{
		{"10,000 charges", "AuthorizeOnBillingAgreement", 10_000, 9991 * time.Second, nil},
		{"none", "Capture", 0, 0, nil},
		{"fewer than none", "Capture", -5, 0, nil},
		{"a burst", "Capture", 9, 0, nil},
		{"one more", "Capture", 10, time.Second, nil},
		{"reads", "GetCaptureDetails", 119, 50 * time.Second, nil},
		{"sandbox", "Capture", 11, 20 * time.Second, inSandbox},
		{"sandbox reads", "GetCaptureDetails", 14, 10 * time.Second, inSandbox},
		{"service status", "GetServiceStatus", 3, 5 * time.Minute, nil},
		{"an action without a documented quota", "ListOrderReference", 109, 100 * time.Second, nil},
		{"ten times as fast", "Capture", 109, 10 * time.Second, withLimiter(amazonpay.NewLimiter(10))},
		{"half", "Capture", 109, 200 * time.Second, withLimiter(amazonpay.NewLimiter(0.5))},
		{"factor 0", "Capture", 109, 100 * time.Second, withLimiter(amazonpay.NewLimiter(0))},
		{"factor NaN", "Capture", 109, 100 * time.Second, withLimiter(amazonpay.NewLimiter(math.NaN()))},
		{"factor infinite", "Capture", 109, 100, withLimiter(amazonpay.NewLimiter(math.Inf(1)))},
		{"far beyond", "Capture", math.MaxInt, math.MaxInt64 - 1023, nil},
		{"no limit", "Capture", 10_000, 0, withLimiter(amazonpay.NoLimit)},
	} {
		t.Run(test.name, func(t *testing.T) {
			edits := []func(*amazonpay.Config){}
			if test.edit != nil {
				edits = append(edits, test.edit)
			}
			assert.Equal(t, test.want, meterClient(t, newMeter(1, 1), edits...).EstimateDuration(test.action, test.n))
		})
	}
}

// TestManySellers: the buckets of sellers long served are dropped, and that
// changes nothing.
func TestManySellers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := amazonpay.NewLimiter(1)
		bucket := func(seller int) amazonpay.Bucket {
			return amazonpay.Bucket{Environment: amazonpay.Production, SellerID: fmt.Sprint(seller), Action: "Capture"}
		}
		for i := range 5000 {
			for range 9 {
				require.NoError(t, limiter.Wait(t.Context(), bucket(i), 1))
			}
		}
		start := time.Now()
		for i := range 5000 {
			go func() { assert.NoError(t, limiter.Wait(t.Context(), bucket(i), 1)) }()
		}
		synctest.Wait()
		for i := range 6000 {
			require.NoError(t, limiter.Wait(t.Context(), bucket(5000+i), 1))
		}
		for i := range 5000 {
			require.NoError(t, limiter.Wait(t.Context(), bucket(i), 1))
		}
		assert.InDelta(t, 2, time.Since(start).Seconds(), 1e-3, "each in its place behind the one that waited")

		time.Sleep(time.Hour) // all are full, and as good as new
		start = time.Now()
		for i := range 10_000 {
			require.NoError(t, limiter.Wait(t.Context(), bucket(20_000+i), 1))
		}
		for range 9 {
			require.NoError(t, limiter.Wait(t.Context(), bucket(1), 1))
		}
		assert.Zero(t, time.Since(start))
		require.NoError(t, limiter.Wait(t.Context(), bucket(1), 1))
		assert.InDelta(t, 1, time.Since(start).Seconds(), 1e-3)
	})
}

// The limiter's own cost for a call that need not wait.
func BenchmarkLimiter(b *testing.B) {
	bucket := amazonpay.Bucket{
		Region: amazonpay.RegionEU, Environment: amazonpay.Production,
		SellerID: stageSeller, AccessKey: stageKey, Action: "AuthorizeOnBillingAgreement",
	}
	b.Run("free", func(b *testing.B) {
		limiter := amazonpay.NewLimiter(1e12)
		b.ReportAllocs()
		for b.Loop() {
			_ = limiter.Wait(b.Context(), bucket, 1)
		}
	})
	b.Run("32 callers", func(b *testing.B) {
		limiter := amazonpay.NewLimiter(1e12)
		b.ReportAllocs()
		b.SetParallelism(16)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				_ = limiter.Wait(b.Context(), bucket, 1)
			}
		})
	})
}
