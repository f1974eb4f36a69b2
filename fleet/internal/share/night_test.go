package share_test

import (
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/fleet/internal/sharetest"
)

// road leads to the model of Amazon: 300 ms there and back, varied by a third
// either way.
type road struct{ *sharetest.Amazon }

func (r road) RoundTrip(request *http.Request) (*http.Response, error) {
	time.Sleep(way())
	answer := httptest.NewRecorder()
	r.ServeHTTP(answer, request)
	time.Sleep(way())
	return answer.Result(), nil
}

func way() time.Duration { return 100*time.Millisecond + rand.N(100*time.Millisecond) }

// A whole night's charges by a fleet of twenty machines, of which each has its
// own Limiter on the shared quota and four workers, in virtual time.
func TestNight(t *testing.T) {
	for _, test := range []struct {
		name      string
		charges   int
		level     float64 // of Amazon's bucket at the start
		throttled int     // at most
	}{
		{"10,000 charges", 10_000, 10, 0},
		{"empty at the start", 2000, 0, 10},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const machines = 20
				amazon, start := sharetest.NewAmazon(test.level, time.Second), time.Now()
				m := newMemory()
				m.latency = time.Millisecond
				var wg sync.WaitGroup
				for i := range machines {
					config := sharetest.Config("ASELLER", string(rune('A'+i)), on(m))
					config.HTTPClient = &http.Client{Transport: road{amazon}}
					client, err := amazonpay.New(config)
					require.NoError(t, err)
					wg.Go(func() { sharetest.Charge(t, client, config.ApplicationName, test.charges/machines) })
				}
				wg.Wait()
				took, floor := time.Since(start), float64(test.charges)-test.level
				assert.Len(t, amazon.Taken, test.charges)
				assert.Equal(t, test.charges, amazon.Requests-amazon.Refused, "every charge once")
				assert.LessOrEqual(t, amazon.Refused, test.throttled)
				assert.LessOrEqual(t, float64(amazon.Requests)/float64(test.charges), 1.005)
				assert.LessOrEqual(t, took.Seconds(), 1.01*floor)
				assert.LessOrEqual(t, m.asked, amazon.Requests+machines, "a question for each slot")
				t.Logf("%d charges in %v, floor %v s: %d throttled, %d questions", test.charges, took, floor, amazon.Refused, m.asked)
			})
		})
	}
}
