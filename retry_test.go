package amazonpay_test

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
)

// recommendedWaits are what Amazon recommends.
var recommendedWaits = []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 10 * time.Second}

func assertWithinAQuarter(t *testing.T, want, got time.Duration) {
	t.Helper()
	assert.GreaterOrEqual(t, got, want-want/4)
	assert.LessOrEqual(t, got, want+want/4+1)
}

func TestDefaultBackoff(t *testing.T) {
	for i, want := range recommendedWaits {
		seen := map[time.Duration]bool{}
		early, late := false, false
		for range 500 {
			wait, again := amazonpay.DefaultBackoff(i + 1)
			require.True(t, again)
			assertWithinAQuarter(t, want, wait)
			seen[wait] = true
			early, late = early || wait < want-want/8, late || wait > want+want/8
		}
		assert.Greater(t, len(seen), 100, "callers that failed together must not return together")
		assert.True(t, early && late, "the jitter uses its room on both sides")
	}
	for _, repetition := range []int{5, 6, 100, math.MaxInt, 0, -1, math.MinInt} {
		wait, again := amazonpay.DefaultBackoff(repetition)
		assert.False(t, again, "repetition %d", repetition)
		assert.Zero(t, wait)
	}
}

func TestSpacing(t *testing.T) {
	for _, test := range []struct {
		name  string
		waits []time.Duration
	}{
		{"none", nil},
		{"at once", []time.Duration{0}},
		{"a nanosecond", []time.Duration{1, 2, 3, 4, 5}},
		{"an hour", []time.Duration{time.Hour}},
		{"many", []time.Duration{1, time.Hour, 0, time.Second}},
	} {
		t.Run(test.name, func(t *testing.T) {
			backoff := amazonpay.Spacing(test.waits...)
			for range 50 {
				for i, want := range test.waits {
					wait, again := backoff(i + 1)
					assert.True(t, again)
					assertWithinAQuarter(t, want, wait)
				}
			}
			for _, repetition := range []int{len(test.waits) + 1, math.MaxInt, 0, -1, math.MinInt} {
				_, again := backoff(repetition)
				assert.False(t, again, "repetition %d", repetition)
			}
		})
	}
}

// TestSpacingKeepsItsWaits: the caller may go on using the slice.
func TestSpacingKeepsItsWaits(t *testing.T) {
	waits := []time.Duration{time.Second}
	backoff := amazonpay.Spacing(waits...)
	waits[0] = time.Hour
	wait, _ := backoff(1)
	assertWithinAQuarter(t, time.Second, wait)
}

// TestSpacingOfOddWaits: nonsense must not panic in the middle of a charge, nor
// turn into haste.
func TestSpacingOfOddWaits(t *testing.T) {
	for _, test := range []struct {
		name string
		wait time.Duration
		low  time.Duration
	}{
		{"negative", -10 * time.Second, math.MinInt64},
		{"a little negative", -2, math.MinInt64},
		{"most negative", math.MinInt64, math.MinInt64},
		{"longest", math.MaxInt64, time.Hour},
		{"almost longest", math.MaxInt64 - math.MaxInt64/8, time.Hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.NotPanics(t, func() {
				backoff := amazonpay.Spacing(test.wait)
				for range 100 {
					if wait, again := backoff(1); again {
						require.GreaterOrEqual(t, wait, test.low)
					}
				}
			})
		})
	}
}

// TestAttempts are spaced, bounded, dated and signed anew each, and otherwise
// the same.
func TestAttempts(t *testing.T) {
	for _, o := range moneyMovers {
		for _, test := range []struct {
			name  string
			scene scene
		}{
			{"throttled", throttledScene}, {"500", internalScene}, {"reset", resetScene}, {"unreadable", answerScene(200, "<html>")}, {"dial error", dialError},
		} {
			t.Run(o.action+"/"+test.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					on := &stage{scenes: []scene{test.scene}}
					start := time.Now()
					_, err := o.call(t.Context(), stageClient(t, on))
					require.Error(t, err)
					assert.LessOrEqual(t, time.Since(start), 17*time.Second*5/4)
					posts := on.all()
					require.Len(t, posts, 5)
					first := posts[0]
					assert.Equal(t, start, first.at, "the first attempt is made at once")
					timestamps, signatures := map[string]bool{}, map[string]bool{}
					for i, p := range posts {
						if i > 0 {
							assertWithinAQuarter(t, recommendedWaits[i-1], p.at.Sub(posts[i-1].at))
						}
						stamp, err := time.Parse("2006-01-02T15:04:05Z", p.form.Get("Timestamp"))
						require.NoError(t, err)
						assert.Equal(t, p.at.UTC().Truncate(time.Second), stamp, "dated when it is sent")
						assert.Equal(t, p.signature(stageSecret), p.form.Get("Signature"))
						timestamps[p.form.Get("Timestamp")] = true
						signatures[p.form.Get("Signature")] = true
						assert.Equal(t, "POST", p.method)
						assert.Equal(t, "mws.amazonservices.com", p.host)
						assert.Equal(t, "/OffAmazonPayments_Sandbox/2013-01-01", p.path)
						for name, values := range p.form {
							assert.Len(t, values, 1)
							if name != "Timestamp" && name != "Signature" {
								assert.Equal(t, first.form[name], values, name)
							}
						}
						assert.Len(t, p.form, len(first.form))
						assert.Equal(t, first.header, p.header)
						assert.NotContains(t, p.body, "+", "a space is posted as it is signed")
					}
					assert.Greater(t, len(timestamps), 3)
					assert.Len(t, signatures, len(timestamps))
				})
			})
		}
	}
}

// TestTimestampIsUTC whatever the machine's zone, and the wall clock's.
func TestTimestampIsUTC(t *testing.T) {
	before := time.Local
	time.Local = time.FixedZone("JST", 9*60*60)
	defer func() { time.Local = before }()
	on := &stage{scenes: []scene{goodScene}}
	_, err := stageClient(t, on).Capture(t.Context(), stageCapture)
	require.NoError(t, err)
	stamp, err := time.Parse(time.RFC3339, on.all()[0].form.Get("Timestamp"))
	require.NoError(t, err)
	assert.WithinDuration(t, time.Now(), stamp, 2*time.Second)
	assert.True(t, strings.HasSuffix(on.all()[0].form.Get("Timestamp"), "Z"))
}

// TestOwnBackoff is asked with the number of the repetition, and obeyed.
func TestOwnBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []int
		on := &stage{scenes: []scene{resetScene, throttledScene, internalScene, dialError, goodScene}}
		client := stageClient(t, on, func(c *amazonpay.Config) {
			c.Backoff = func(n int) (time.Duration, bool) {
				asked = append(asked, n)
				return []time.Duration{time.Minute, 0, -time.Hour, time.Hour}[n-1], true
			}
		})
		_, err := client.Capture(t.Context(), stageCapture)
		require.NoError(t, err)
		assert.Equal(t, []int{1, 2, 3, 4}, asked)
		posts := on.all()
		require.Len(t, posts, 5)
		for i, want := range []time.Duration{time.Minute, 0, 0, time.Hour} {
			assert.Equal(t, want, posts[i+1].at.Sub(posts[i].at))
		}
	})
}

// TestOwnBackoffIsNotAsked about what must not be repeated.
func TestOwnBackoffIsNotAsked(t *testing.T) {
	for _, test := range []struct {
		name  string
		scene scene
		op    stageOperation
	}{
		{"refused", refusalScene(400, "InvalidParameterValue"), moneyMovers[2]},
		{"certificate", failingScene(errCert), moneyMovers[2]},
		{"redirect", answerScene(307, "", "Location", "/"), moneyMovers[2]},
		{"good", goodScene, moneyMovers[2]},
		{"reset without a reference id", resetScene, createForIDOperation},
		{"throttled without a reference id", throttledScene, createForIDOperation},
	} {
		t.Run(test.name, func(t *testing.T) {
			on := &stage{scenes: []scene{test.scene}}
			client := stageClient(t, on, func(c *amazonpay.Config) {
				c.Backoff = func(int) (time.Duration, bool) { t.Error("asked"); return 0, false }
			})
			_, _ = test.op.call(t.Context(), client)
			assert.Len(t, on.all(), 1)
		})
	}
}

func TestNoBackoff(t *testing.T) {
	on := &stage{scenes: []scene{throttledScene, goodScene}}
	_, err := stageClient(t, on, func(c *amazonpay.Config) { c.Backoff = amazonpay.Spacing() }).Capture(t.Context(), stageCapture)
	assert.ErrorIs(t, err, amazonpay.ErrRequestThrottled)
	assert.Len(t, on.all(), 1)
}

// TestEndlessBackoffEndsWithTheContext and with nothing else.
func TestEndlessBackoffEndsWithTheContext(t *testing.T) {
	for _, wait := range []time.Duration{0, time.Second} {
		t.Run(wait.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				on := &stage{}
				on.scenes = []scene{func(r *http.Request, action string) (*http.Response, error) {
					if len(on.posts) == 50 {
						cancel()
					}
					return throttledScene(r, action)
				}}
				client := stageClient(t, on, func(c *amazonpay.Config) {
					c.Backoff = func(int) (time.Duration, bool) { return wait, true }
				})
				_, err := client.Capture(ctx, stageCapture)
				assert.ErrorIs(t, err, context.Canceled)
				assert.ErrorIs(t, err, amazonpay.ErrRequestThrottled)
				assert.Len(t, on.all(), 50)
			})
		})
	}
}

// TestDeadlineAtTheEndOfABackoff: an attempt that the context no longer allows
// is not made, does not count, and leaves no doubt where there was none.
func TestDeadlineAtTheEndOfABackoff(t *testing.T) {
	for range 50 { // both ends are reached in the same instant: either may be seen first
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			on := &stage{scenes: []scene{throttledScene, silentScene}}
			client := stageClient(t, on, func(c *amazonpay.Config) {
				c.Backoff = func(int) (time.Duration, bool) { return time.Second, true }
			})
			_, err := client.Capture(ctx, stageCapture)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			_, isUnknown := errors.AsType[*amazonpay.OutcomeUnknownError](err)
			require.False(t, isUnknown, "%v", err)
			failure, ok := errors.AsType[*amazonpay.Error](err)
			require.True(t, ok)
			require.Equal(t, 1, failure.Attempts)
			require.Len(t, on.all(), 1)
		})
	}
}

// TestTimeoutOfAnAttempt: it bounds each attempt from sending to the last byte,
// and is told from the context's end.
func TestTimeoutOfAnAttempt(t *testing.T) {
	for _, test := range []struct {
		name    string
		timeout time.Duration
		want    time.Duration
	}{{"default", 0, 30 * time.Second}, {"own", 7 * time.Second, 7 * time.Second}} {
		for _, s := range []struct {
			name  string
			scene scene
		}{{"silence", silentScene}, {"stalled", stalledScene}} {
			t.Run(test.name+"/"+s.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					on := &stage{scenes: []scene{s.scene}}
					client := stageClient(t, on, func(c *amazonpay.Config) {
						c.Timeout = test.timeout
						c.Backoff = func(n int) (time.Duration, bool) { return time.Minute, n < 3 }
					})
					ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
					defer cancel()
					start := time.Now()
					_, err := client.Capture(ctx, stageCapture)
					assert.Equal(t, 3*test.want+2*time.Minute, time.Since(start))
					assert.Len(t, on.all(), 3)
					assert.NoError(t, ctx.Err())
					assert.ErrorIs(t, err, context.DeadlineExceeded)
					assert.ErrorContains(t, err, test.want.String(), "the timeout is named")
				})
			})
		}
	}
}

// TestBackoffIsShared by concurrent calls without harm.
func TestBackoffIsShared(t *testing.T) {
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for i := range 100 {
				amazonpay.DefaultBackoff(i % 6)
			}
		})
	}
	wg.Wait()
}
