package amazonpay_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
)

// TestMiddlewareOrder: the first is outermost, and attempts are inside all.
func TestMiddlewareOrder(t *testing.T) {
	var events []string
	named := func(name string) amazonpay.Middleware {
		return func(ctx context.Context, _ *amazonpay.Operation, next func(context.Context) error) error {
			events = append(events, "before "+name)
			err := next(ctx)
			events = append(events, "after "+name)
			return err
		}
	}
	attempt := func(s scene) scene {
		return func(r *http.Request, action string) (*http.Response, error) {
			events = append(events, "attempt")
			return s(r, action)
		}
	}
	chain := []amazonpay.Middleware{named("1"), named("2"), named("3")}
	client := stageClient(t, &stage{scenes: []scene{attempt(throttledScene), attempt(goodScene)}}, func(c *amazonpay.Config) {
		c.Middleware, c.Backoff = chain, amazonpay.Spacing(0)
	})
	chain[0] = nil // the caller may go on using its slice
	_, err := client.Capture(t.Context(), stageCapture)
	require.NoError(t, err)
	assert.Equal(t, []string{"before 1", "before 2", "before 3", "attempt", "attempt", "after 3", "after 2", "after 1"}, events)
}

// TestMiddlewareSees the operation before and after.
func TestMiddlewareSees(t *testing.T) {
	type view struct {
		before, after amazonpay.Operation
		err           error
	}
	watch := func(t *testing.T, o stageOperation, scenes ...scene) (seen view, result any, err error) {
		client := stageClient(t, &stage{scenes: scenes}, func(c *amazonpay.Config) {
			c.Backoff = func(n int) (time.Duration, bool) { return 0, n < 3 }
			c.Middleware = []amazonpay.Middleware{func(ctx context.Context, op *amazonpay.Operation, next func(context.Context) error) error {
				seen.before = *op
				seen.err = next(ctx)
				seen.after = *op
				return seen.err
			}}
		})
		client, err = client.OnBehalfOf("A2OTHERSELLER", "amzn.mws.00000000")
		require.NoError(t, err)
		result, err = o.call(t.Context(), client)
		return seen, result, err
	}
	capture := moneyMovers[2]
	t.Run("before", func(t *testing.T) {
		seen, _, _ := watch(t, capture, goodScene)
		request, ok := seen.before.Request.(*amazonpay.CaptureRequest)
		require.True(t, ok, "%T", seen.before.Request)
		assert.Equal(t, stageCapture, *request)
		seen.before.Request = nil
		assert.Equal(t, amazonpay.Operation{Action: "Capture", SellerID: "A2OTHERSELLER"}, seen.before)
	})
	t.Run("good", func(t *testing.T) {
		seen, result, err := watch(t, capture, throttledScene, goodScene)
		require.NoError(t, err)
		assert.NoError(t, seen.err)
		assert.Same(t, result, seen.after.Result)
		assert.Equal(t, "success-1", seen.after.RequestID)
		assert.Equal(t, 200, seen.after.StatusCode)
		assert.Equal(t, 2, seen.after.Attempts)
	})
	t.Run("good without a result", func(t *testing.T) {
		confirm := harmlessOperations[3]
		require.Equal(t, "ConfirmOrderReference", confirm.action)
		seen, _, err := watch(t, confirm, goodScene)
		require.NoError(t, err)
		assert.Nil(t, seen.after.Result)
		assert.Equal(t, "success-1", seen.after.RequestID)
	})
	t.Run("refused", func(t *testing.T) {
		seen, _, err := watch(t, capture, refusalScene(400, "DuplicateRequest"))
		assert.Equal(t, err, seen.err)
		assert.Nil(t, seen.after.Result)
		assert.Equal(t, "refusal-1", seen.after.RequestID)
		assert.Equal(t, 400, seen.after.StatusCode)
		assert.Equal(t, 1, seen.after.Attempts)
	})
	t.Run("unknown", func(t *testing.T) {
		seen, _, _ := watch(t, capture, resetScene)
		_, isUnknown := errors.AsType[*amazonpay.OutcomeUnknownError](seen.err)
		assert.True(t, isUnknown, "%v", seen.err)
		assert.Nil(t, seen.after.Result)
		assert.Zero(t, seen.after.StatusCode)
		assert.Equal(t, 3, seen.after.Attempts)
	})
	t.Run("an unreadable answer leaves no result", func(t *testing.T) {
		seen, _, _ := watch(t, capture, rewrittenScene(goodScene, "{Action}Response", "OtherResponse"))
		assert.Nil(t, seen.after.Result)
	})
}

// TestMiddlewareChangesTheContext for everything inside.
func TestMiddlewareChangesTheContext(t *testing.T) {
	type key struct{}
	t.Run("value", func(t *testing.T) {
		var got any
		client := stageClient(t, &stage{scenes: []scene{func(r *http.Request, action string) (*http.Response, error) {
			got = r.Context().Value(key{})
			return goodScene(r, action)
		}}}, func(c *amazonpay.Config) {
			c.Middleware = []amazonpay.Middleware{func(ctx context.Context, _ *amazonpay.Operation, next func(context.Context) error) error {
				return next(context.WithValue(ctx, key{}, "span"))
			}}
		})
		_, err := client.Capture(t.Context(), stageCapture)
		require.NoError(t, err)
		assert.Equal(t, "span", got)
	})
	t.Run("cancelled", func(t *testing.T) {
		on := &stage{scenes: []scene{goodScene}}
		client := stageClient(t, on, func(c *amazonpay.Config) {
			c.Middleware = []amazonpay.Middleware{func(ctx context.Context, _ *amazonpay.Operation, next func(context.Context) error) error {
				ctx, cancel := context.WithCancel(ctx)
				cancel()
				return next(ctx)
			}}
		})
		_, err := client.Capture(t.Context(), stageCapture)
		assert.ErrorIs(t, err, context.Canceled)
		assert.Empty(t, on.all())
	})
	t.Run("deadline", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			client := stageClient(t, &stage{scenes: []scene{throttledScene}}, func(c *amazonpay.Config) {
				c.Backoff = func(int) (time.Duration, bool) { return time.Minute, true }
				c.Middleware = []amazonpay.Middleware{func(ctx context.Context, _ *amazonpay.Operation, next func(context.Context) error) error {
					ctx, cancel := context.WithTimeout(ctx, 90*time.Second)
					defer cancel()
					return next(ctx)
				}}
			})
			start := time.Now()
			_, err := client.Capture(t.Context(), stageCapture)
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			assert.Equal(t, 90*time.Second, time.Since(start))
		})
	})
}

// TestMiddlewareThatMisbehaves must not make a call look like what it was not.
func TestMiddlewareThatMisbehaves(t *testing.T) {
	own := errors.New("audit log is full")
	type next = func(context.Context) error
	for _, test := range []struct {
		name       string
		scenes     []scene
		middleware func(context.Context, next) error
		requests   int
		check      func(t *testing.T, got *amazonpay.Capture, err error)
	}{
		{"does not call next", []scene{goodScene}, func(context.Context, next) error { return nil }, 0,
			func(t *testing.T, _ *amazonpay.Capture, err error) {
				assert.ErrorContains(t, err, "without calling next")
				assert.ErrorContains(t, err, "amazonpay: Capture: ")
			}},
		{"refuses", []scene{goodScene}, func(context.Context, next) error { return own }, 0,
			func(t *testing.T, _ *amazonpay.Capture, err error) {
				assert.ErrorIs(t, err, own)
				_, isUnknown := errors.AsType[*amazonpay.OutcomeUnknownError](err)
				assert.False(t, isUnknown)
			}},
		{"wraps", []scene{resetScene}, func(ctx context.Context, next next) error { return fmt.Errorf("%w: %w", own, next(ctx)) }, 1,
			func(t *testing.T, _ *amazonpay.Capture, err error) {
				assert.ErrorIs(t, err, own)
				_, isUnknown := errors.AsType[*amazonpay.OutcomeUnknownError](err)
				assert.True(t, isUnknown)
			}},
		{"replaces an unknown outcome", []scene{resetScene}, func(ctx context.Context, next next) error { _ = next(ctx); return own }, 1,
			func(t *testing.T, _ *amazonpay.Capture, err error) {
				assert.ErrorIs(t, err, own)
				assert.ErrorIs(t, err, syscall.ECONNRESET)
				outcome, isUnknown := errors.AsType[*amazonpay.OutcomeUnknownError](err)
				require.True(t, isUnknown, "it may have been carried out: %v", err)
				assert.Equal(t, stageReference, outcome.ReferenceID)
			}},
		{"replaces a refusal", []scene{refusalScene(400, "DuplicateRequest")}, func(ctx context.Context, next next) error { _ = next(ctx); return own }, 1,
			func(t *testing.T, _ *amazonpay.Capture, err error) {
				assert.ErrorIs(t, err, own)
				_, isUnknown := errors.AsType[*amazonpay.OutcomeUnknownError](err)
				assert.False(t, isUnknown)
			}},
		{"swallows a refusal", []scene{refusalScene(400, "DuplicateRequest")}, func(ctx context.Context, next next) error { _ = next(ctx); return nil }, 1,
			func(t *testing.T, _ *amazonpay.Capture, err error) {
				assert.ErrorIs(t, err, amazonpay.ErrDuplicateRequest)
				assert.NotContains(t, err.Error(), "without calling next", "it did call next")
			}},
		{"swallows an unknown outcome", []scene{resetScene}, func(ctx context.Context, next next) error { _ = next(ctx); return nil }, 1,
			func(t *testing.T, _ *amazonpay.Capture, err error) {
				outcome, isUnknown := errors.AsType[*amazonpay.OutcomeUnknownError](err)
				require.True(t, isUnknown, "it may have been carried out: %v", err)
				assert.Equal(t, stageReference, outcome.ReferenceID)
			}},
		{"calls next again after an unknown outcome", []scene{resetScene, refusalScene(400, "InvalidParameterValue")}, func(ctx context.Context, next next) error {
			if err := next(ctx); err == nil {
				return nil
			}
			return next(ctx)
		}, 2, func(t *testing.T, _ *amazonpay.Capture, err error) {
			_, isUnknown := errors.AsType[*amazonpay.OutcomeUnknownError](err)
			assert.True(t, isUnknown, "the first may have been carried out: %v", err)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			on := &stage{scenes: test.scenes}
			client := stageClient(t, on, func(c *amazonpay.Config) {
				c.Backoff = amazonpay.Spacing()
				c.Middleware = []amazonpay.Middleware{func(ctx context.Context, _ *amazonpay.Operation, next func(context.Context) error) error {
					return test.middleware(ctx, next)
				}}
			})
			got, err := client.Capture(t.Context(), stageCapture)
			require.Error(t, err)
			assert.Nil(t, got)
			assert.Len(t, on.all(), test.requests)
			test.check(t, got, err)
		})
	}
}

// TestMiddlewareAfterAPayment: what has been paid stays paid, once.
func TestMiddlewareAfterAPayment(t *testing.T) {
	own := errors.New("audit log is full")
	for _, test := range []struct {
		name       string
		middleware func(context.Context, func(context.Context) error) error
		logged     bool
	}{
		{"fails", func(ctx context.Context, next func(context.Context) error) error { _ = next(ctx); return own }, true},
		{"wraps nothing in an error", func(ctx context.Context, next func(context.Context) error) error {
			return fmt.Errorf("%w: %v", own, next(ctx))
		}, true},
		{"calls next again", func(ctx context.Context, next func(context.Context) error) error {
			return errors.Join(next(ctx), next(ctx))
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			logger, written := logLines()
			on := &stage{scenes: []scene{goodScene, refusalScene(400, "DuplicateRequest")}}
			client := stageClient(t, on, func(c *amazonpay.Config) {
				c.Logger = logger
				c.Middleware = []amazonpay.Middleware{func(ctx context.Context, _ *amazonpay.Operation, next func(context.Context) error) error {
					return test.middleware(ctx, next)
				}}
			})
			got, err := client.Capture(t.Context(), stageCapture)
			require.NoError(t, err)
			require.NotNil(t, got)
			assert.Equal(t, amazonpay.CaptureID("S01-1234567-1234567-C000001"), got.AmazonCaptureID)
			assert.Len(t, on.all(), 1)
			lines, text := written(t)
			if !test.logged {
				assert.Len(t, lines, 1)
				return
			}
			require.Len(t, lines, 2)
			assert.Equal(t, "ERROR", lines[1]["level"])
			assert.Equal(t, "Capture", lines[1]["action"])
			assert.Equal(t, "success-1", lines[1]["requestId"])
			assert.NotContains(t, text, "24.90")
		})
	}
}

// TestMiddlewareOfConcurrentCalls sees each call's own operation.
func TestMiddlewareOfConcurrentCalls(t *testing.T) {
	client := stageClient(t, &stage{scenes: []scene{goodScene}}, func(c *amazonpay.Config) {
		c.Logger = slog.New(slog.DiscardHandler)
		c.Middleware = []amazonpay.Middleware{func(ctx context.Context, op *amazonpay.Operation, next func(context.Context) error) error {
			want := op.Request.(*amazonpay.CaptureRequest).CaptureReferenceID
			err := next(ctx)
			if got := op.Request.(*amazonpay.CaptureRequest).CaptureReferenceID; got != want || op.Attempts != 1 {
				t.Errorf("%s became %s in %d attempts", want, got, op.Attempts)
			}
			return err
		}}
	})
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			req := stageCapture
			req.CaptureReferenceID = amazonpay.ReferenceID(fmt.Sprintf("ref-%d", i))
			if _, err := client.Capture(t.Context(), req); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
