package amazonpay_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
)

// meter is a model of Amazon's quota: in front of a server that takes every
// charge stands one bucket, and requests to an empty bucket are throttled.
type meter struct {
	burst    float64
	interval time.Duration // in which one request is regained
	latency  time.Duration // there and back, varied by a third either way
	good     scene         // the answer to a charge that is taken

	mu       sync.Mutex
	dice     *rand.Rand
	level    float64
	last     time.Time
	requests int
	refused  int
	taken    map[string]int // by reference id
}

func newMeter(burst int, interval time.Duration) *meter {
	return &meter{
		burst: float64(burst), interval: interval, latency: 300 * time.Millisecond, good: goodScene,
		dice: rand.New(rand.NewPCG(1, 2)), level: float64(burst), last: time.Now(), taken: map[string]int{},
	}
}

// draw takes a request out of the bucket.
func (m *meter) draw() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	m.level = min(m.burst, m.level+float64(now.Sub(m.last))/float64(m.interval))
	if m.last = now; m.level < 1-1e-9 {
		return false
	}
	m.level--
	return true
}

// trip is one way.
func (m *meter) trip(ctx context.Context) error {
	m.mu.Lock()
	wait := m.latency/2 + time.Duration((m.dice.Float64()-0.5)/1.5*float64(m.latency/2))
	m.mu.Unlock()
	select {
	case <-time.After(wait):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (m *meter) RoundTrip(r *http.Request) (*http.Response, error) {
	p := readStagePost(r, r.URL.Host)
	if err := m.trip(r.Context()); err != nil {
		return nil, err
	}
	answer, ok := throttledScene, m.draw()
	m.mu.Lock()
	m.requests++
	if ok {
		answer = m.good
		m.taken[p.form.Get("AuthorizationReferenceId")]++
	} else {
		m.refused++
	}
	m.mu.Unlock()
	if err := m.trip(r.Context()); err != nil {
		return nil, err
	}
	response, err := answer(r, p.form.Get("Action"))
	response.Request = r
	return response, err
}

// drain is another program with the same keys, which asks for a request at
// about every interval and takes what it gets.
func (m *meter) drain(ctx context.Context, interval time.Duration) {
	dice := rand.New(rand.NewPCG(3, 4))
	for {
		select {
		case <-time.After(interval/2 + time.Duration(dice.Float64()*float64(interval))):
			m.draw()
		case <-ctx.Done():
			return
		}
	}
}

// night is how a run of charges went.
type night struct {
	took     time.Duration
	failed   []error
	waits    []time.Duration // of every charge, from the moment a worker took it up
	requests int
}

// perCharge is the number of requests for every charge that was taken.
func (n night) perCharge() float64 {
	return float64(n.requests) / float64(len(n.waits)-len(n.failed))
}

func (n night) worst() time.Duration { return slices.Max(n.waits) }

func (n night) mean() time.Duration {
	sum := time.Duration(0)
	for _, w := range n.waits {
		sum += w
	}
	return sum / time.Duration(len(n.waits))
}

// charge makes charges by workers, dealt out to the clients in turn.
func (m *meter) charge(ctx context.Context, charges, workers int, clients ...*amazonpay.Client) night {
	work, start := make(chan int), time.Now()
	var mu sync.Mutex
	var n night
	var wg sync.WaitGroup
	before := m.requests
	for w := range workers {
		wg.Go(func() {
			for i := range work {
				begun := time.Now()
				_, err := clients[w%len(clients)].AuthorizeOnBillingAgreement(ctx, nightCharge(i))
				mu.Lock()
				n.waits = append(n.waits, time.Since(begun))
				if err != nil {
					n.failed = append(n.failed, err)
				}
				mu.Unlock()
			}
		})
	}
	for i := range charges {
		work <- i
	}
	close(work)
	wg.Wait()
	n.took, n.requests = time.Since(start), m.requests-before
	return n
}

func nightCharge(i int) amazonpay.AuthorizeOnBillingAgreementRequest {
	return amazonpay.AuthorizeOnBillingAgreementRequest{
		AmazonBillingAgreementID: "C01-1234567-1234567",
		AuthorizationReferenceID: amazonpay.ReferenceID(fmt.Sprintf("sub-%d-2026-11", i)),
		AuthorizationAmount:      amazonpay.MustPrice("19.90", amazonpay.CurrencyUSD),
		TransactionTimeout:       new(0), CaptureNow: true,
	}
}

// meterClient is a client at the default quota of production.
func meterClient(t testing.TB, m *meter, edit ...func(*amazonpay.Config)) *amazonpay.Client {
	t.Helper()
	defaults := func(c *amazonpay.Config) { c.Limiter, c.Environment = nil, amazonpay.Production }
	return stageClient(t, m, append([]func(*amazonpay.Config){defaults}, edit...)...)
}

// assertAllTaken: every charge once, and none failed.
func (m *meter) assertAllTaken(t *testing.T, n night, charges int) {
	t.Helper()
	assert.Empty(t, n.failed)
	assert.Len(t, m.taken, charges)
	assert.Equal(t, charges, m.requests-m.refused, "every charge once")
	t.Logf("%d charges in %v: %d throttled, %.4f requests per charge, waits %v in the mean and %v at worst",
		charges, n.took, m.refused, n.perCharge(), n.mean(), n.worst())
}

func inSandbox(c *amazonpay.Config) { c.Environment = amazonpay.Sandbox }

func withLimiter(l amazonpay.Limiter) func(*amazonpay.Config) {
	return func(c *amazonpay.Config) { c.Limiter = l }
}

// A whole night's charges go through at the quota: none is throttled for long,
// none fails.
func TestNight(t *testing.T) {
	for _, test := range []struct {
		name             string
		charges, workers int
		burst            int
		interval         time.Duration
		level            float64 // of Amazon's bucket at the start
		slowdown         float64 // by what else draws on the quota; 0 = nothing
		perCharge        float64 // requests, at most
		unfair           float64 // the longest wait against the mean, at most
		edit             func(*amazonpay.Config)
	}{
		{"production", 10_000, 64, 10, time.Second, 10, 0, 1.0, 1.1, nil},
		{"one worker", 100, 1, 10, time.Second, 10, 0, 1.0, 2, nil},
		{"empty at the start", 10_000, 64, 10, time.Second, 0, 0, 1.005, 1.3, nil},
		{"sandbox", 500, 64, 2, 2 * time.Second, 2, 0, 1.0, 1.2, inSandbox},
		{"a hundred times as fast", 2000, 64, 10, 10 * time.Millisecond, 10, 0, 1.005, 1.5, withLimiter100},
		{"another program takes a third", 1000, 64, 10, time.Second, 10, 1.5, 1.7, 2, nil},
		{"another program takes half", 1000, 64, 10, time.Second, 10, 2, 2.2, 2, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMeter(test.burst, test.interval)
				m.level = test.level
				edits := []func(*amazonpay.Config){}
				if test.edit != nil {
					edits = append(edits, test.edit)
				}
				if test.name == "a hundred times as fast" {
					m.latency /= 100
				}
				if test.slowdown > 0 {
					every := time.Duration(float64(test.interval) / (1 - 1/test.slowdown))
					go m.drain(t.Context(), every)
				}
				n := m.charge(t.Context(), test.charges, test.workers, meterClient(t, m, edits...))
				m.assertAllTaken(t, n, test.charges)
				floor := time.Duration(float64(test.interval) * (float64(test.charges) - test.level))
				assert.LessOrEqual(t, n.took.Seconds(), 1.01*max(1, test.slowdown)*floor.Seconds()+m.latency.Seconds()+4*test.interval.Seconds())
				assert.LessOrEqual(t, n.perCharge(), test.perCharge)
				assert.LessOrEqual(t, float64(n.worst()), test.unfair*float64(n.mean()))
			})
		})
	}
}

func withLimiter100(c *amazonpay.Config) { c.Limiter = amazonpay.NewLimiter(100) }

// One quota, however many clients draw on it, if they share the Limiter.
func TestSharedLimiter(t *testing.T) {
	t.Run("a fleet of 20 clients", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m, limiter := newMeter(10, time.Second), amazonpay.NewLimiter(1)
			clients := make([]*amazonpay.Client, 20)
			for i := range clients {
				clients[i] = meterClient(t, m, withLimiter(limiter))
			}
			n := m.charge(t.Context(), 10_000, 160, clients...)
			m.assertAllTaken(t, n, 10_000)
			assert.Zero(t, m.refused)
			assert.LessOrEqual(t, n.took, 9992*time.Second)
		})
	})
	t.Run("20 that share nothing", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := newMeter(10, time.Second)
			clients := make([]*amazonpay.Client, 20)
			for i := range clients {
				clients[i] = meterClient(t, m)
			}
			n := m.charge(t.Context(), 500, 160, clients...)
			m.assertAllTaken(t, n, 500) // slow and wasteful, but none is lost
		})
	})
	t.Run("delegated sellers have their own", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m := newMeter(1000, time.Second)
			parent := meterClient(t, m)
			child, err := parent.OnBehalfOf("A3CHILDSELLER", "amzn.mws.token")
			require.NoError(t, err)
			twin, err := parent.OnBehalfOf(parent.SellerID(), "amzn.mws.token")
			require.NoError(t, err)
			n := m.charge(t.Context(), 18, 18, parent, child)
			assert.Less(t, n.took, time.Second, "each has nine at once")
			n = m.charge(t.Context(), 4, 4, parent, twin)
			assert.Greater(t, n.took, 3*time.Second, "the same seller has the same quota")
		})
	})
}

// TestNightOfCharges is the night by Charge itself: alone, and a fleet of 20 that
// shares its Limiter.
func TestNightOfCharges(t *testing.T) {
	const charges = 10_000
	for _, fleet := range []int{1, 20} {
		t.Run(fmt.Sprint(fleet), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, limiter := newMeter(10, time.Second), amazonpay.NewLimiter(1)
				_, paid := resultOf("AuthorizeOnBillingAgreement", authorizationXML("Closed", "MaxCapturesProcessed", atOnce+itsCapture))
				m.good = answerScene(http.StatusOK, paid)
				clients := make([]*amazonpay.Client, fleet)
				for i := range clients {
					clients[i] = meterClient(t, m, withLimiter(limiter))
				}
				work, start := make(chan int), time.Now()
				var wg sync.WaitGroup
				for w := range 64 {
					wg.Go(func() {
						for i := range work {
							charge, err := clients[w%fleet].Charge(t.Context(), amazonpay.ChargeRequest{
								AmazonBillingAgreementID: "C01-1234567-1234567", Amount: usd("19.90"),
								ReferenceID: amazonpay.NewReferenceID("tea.example", fmt.Sprint(i), "2026-11"),
							})
							if assert.NoError(t, err) {
								assert.Equal(t, amazonpay.OutcomePaid, charge.Outcome)
							}
						}
					})
				}
				for i := range charges {
					work <- i
				}
				close(work)
				wg.Wait()
				took := time.Since(start)
				assert.Len(t, m.taken, charges, "each once")
				assert.LessOrEqual(t, float64(m.requests), 1.005*charges)
				assert.LessOrEqual(t, took.Seconds(), 1.01*(charges-10))
				t.Logf("%d charges in %v: %d requests, %d throttled", charges, took, m.requests, m.refused)
			})
		})
	}
}

// official are the retry policies of other SDKs, as they are configured by
// default or recommended: the waits before the repeats of a throttled call.
var official = []struct {
	name    string
	backoff amazonpay.Backoff
}{
	{"no repeat (qor-go; Java as configured by default)", amazonpay.Spacing()},
	{"C# (0.4, 1.6, 6.4 s)", exactly(400, 1600, 6400)},
	{"PHP (1.0, 2.2, 7.0 s)", exactly(1000, 2200, 7000)},
	{"Java with repeats, Python, Ruby (1, 4, 10 s)", exactly(1000, 4000, 10_000)},
	{"full jitter without end (up to 20 s)", func(n int) (time.Duration, bool) {
		return rand.N(min(20*time.Second, time.Second<<min(n-1, 10))), true
	}},
	{"this one, NoLimit", amazonpay.DefaultBackoff},
}

// exactly waits so many milliseconds, without the jitter that they lack.
func exactly(ms ...int) amazonpay.Backoff {
	return func(n int) (time.Duration, bool) {
		if n > len(ms) {
			return 0, false
		}
		return time.Duration(ms[n-1]) * time.Millisecond, true
	}
}

var policyCharges = flag.Int("charges", 200, "of TestNightByPolicy")

// TestNightByPolicy prints the table of docs/performance.md, with -v and
// -charges 1000.
func TestNightByPolicy(t *testing.T) {
	charges := *policyCharges
	row := func(t *testing.T, name string, edit func(*amazonpay.Config)) (nights []night) {
		text := "| " + name
		for _, workers := range []int{1, 8, 64} {
			synctest.Test(t, func(t *testing.T) {
				m := newMeter(10, time.Second)
				n := m.charge(t.Context(), charges, workers, meterClient(t, m, edit))
				require.Len(t, m.taken, charges-len(n.failed))
				for _, err := range n.failed {
					require.ErrorIs(t, err, amazonpay.ErrRequestThrottled)
				}
				nights = append(nights, n)
				text += fmt.Sprintf(" | %.0f %%, %.2f, %.0f s", 100*float64(len(n.failed))/float64(charges), n.perCharge(), n.took.Seconds())
			})
		}
		t.Log(text + " |")
		return nights
	}
	for _, o := range official {
		nights := row(t, o.name, func(c *amazonpay.Config) { c.Limiter, c.Backoff = amazonpay.NoLimit, o.backoff })
		assert.Greater(t, nights[2].perCharge(), 3.0, "%s: retries alone waste requests", o.name)
	}
	for _, n := range row(t, "this one", func(*amazonpay.Config) {}) {
		assert.Empty(t, n.failed)
		assert.Equal(t, charges, n.requests)
		assert.LessOrEqual(t, n.took, time.Duration(charges-8)*time.Second)
	}
}
