// Package sharetest lets a fleet charge against a model of Amazon's quota, in
// real time.
package sharetest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
)

// Factor is how many times faster than Amazon's the model's quota is.
const Factor = 50

// Interval is that of the model's bucket in production.
const Interval = time.Second / Factor

// Amazon is the model: a server that takes every charge, behind one bucket.
type Amazon struct {
	*httptest.Server

	mu       sync.Mutex
	level    float64
	last     time.Time
	Taken    map[string]int // by reference id
	Requests int
	Refused  int
}

// Serve starts the model with a bucket that holds level of its ten requests.
func Serve(t testing.TB, level float64) *Amazon {
	a := &Amazon{level: level, last: time.Now(), Taken: map[string]int{}}
	a.Server = httptest.NewServer(a)
	t.Cleanup(a.Close)
	return a
}

// ServeHTTP answers a charge.
func (a *Amazon) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm() // before the moment that counts
	a.mu.Lock()
	now := time.Now()
	a.level = min(10, a.level+float64(now.Sub(a.last))/float64(Interval))
	a.last = now
	a.Requests++
	ok := a.level >= 1
	if ok {
		a.level--
		a.Taken[r.PostFormValue("AuthorizationReferenceId")]++
	} else {
		a.Refused++
	}
	a.mu.Unlock()
	if !ok {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = fmt.Fprint(w, `<ErrorResponse><Error><Type/><Code>RequestThrottled</Code><Message>AuthorizeOnBillingAgreement is throttled</Message></Error><RequestID>r</RequestID></ErrorResponse>`)
		return
	}
	_, _ = fmt.Fprint(w, `<AuthorizeOnBillingAgreementResponse><AuthorizeOnBillingAgreementResult><AuthorizationDetails><AmazonAuthorizationId>S01-1234567-1234567-A000001</AmazonAuthorizationId></AuthorizationDetails></AuthorizeOnBillingAgreementResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></AuthorizeOnBillingAgreementResponse>`)
}

// client is one machine of the fleet. The seller is of this test run, so that
// its quota is.
func client(t testing.TB, address, seller, name string, limiter amazonpay.Limiter) *amazonpay.Client {
	c, err := amazonpay.New(amazonpay.Config{
		SellerID: seller, AccessKey: "AKIAEXAMPLE", SecretKey: amazonpay.NewSecretKey("secret"),
		Region: amazonpay.RegionEU, Environment: amazonpay.Production, ApplicationName: name,
		BaseURL: address, Limiter: limiter,
	})
	require.NoError(t, err)
	return c
}

// Bucket is the one that a seller's charges draw on.
func Bucket(seller string) amazonpay.Bucket {
	return amazonpay.Bucket{
		Region: amazonpay.RegionEU, Environment: amazonpay.Production,
		SellerID: seller, AccessKey: "AKIAEXAMPLE", Action: "AuthorizeOnBillingAgreement",
	}
}

// Seller is one that no other run uses.
func Seller() string { return fmt.Sprintf("A%dX%d", os.Getpid(), time.Now().UnixNano()) }

// charge has a client make charges by four workers.
func charge(t testing.TB, c *amazonpay.Client, name string, charges int) {
	var wg sync.WaitGroup
	work := make(chan int)
	for range 4 {
		wg.Go(func() {
			for i := range work {
				_, err := c.AuthorizeOnBillingAgreement(context.Background(), amazonpay.AuthorizeOnBillingAgreementRequest{
					AmazonBillingAgreementID: "C01-1234567-1234567",
					AuthorizationReferenceID: amazonpay.ReferenceID(fmt.Sprintf("%s-%d", name, i)),
					AuthorizationAmount:      amazonpay.MustPrice("19.90", amazonpay.CurrencyEUR),
					TransactionTimeout:       new(0), CaptureNow: true,
				})
				assert.NoError(t, err)
			}
		})
	}
	for i := range charges {
		work <- i
	}
	close(work)
	wg.Wait()
}

// Fleet has twenty machines in this process charge, each with a Limiter of its
// own on the shared quota.
func Fleet(t *testing.T, level float64, refused int, limiter func() amazonpay.Limiter) {
	const machines, each = 20, 10
	a, seller := Serve(t, level), Seller()
	start := time.Now()
	var wg sync.WaitGroup
	for i := range machines {
		name := fmt.Sprint("machine", i)
		c := client(t, a.URL, seller, name, limiter())
		wg.Go(func() { charge(t, c, name, each) })
	}
	wg.Wait()
	a.check(t, start, machines*each, level, refused)
}

// environment of a process that is a machine of the fleet: address, seller and
// name.
const environment = "FLEET_MACHINE"

// Processes has four processes charge, each of which runs this test again; they
// begin when all are there.
func Processes(t *testing.T, limiter func() amazonpay.Limiter) {
	const machines, each = 4, 50
	if machine := os.Getenv(environment); machine != "" {
		f := strings.Fields(machine)
		c := client(t, f[0], f[1], f[2], limiter())
		fmt.Println("ready")
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
		charge(t, c, f[2], each)
		return
	}
	a, seller := Serve(t, 10), Seller()
	begin := make(chan struct{})
	var ready, wg sync.WaitGroup
	ready.Add(machines)
	for i := range machines {
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.timeout=60s")
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %s process%d", environment, a.URL, seller, i))
		in, err := cmd.StdinPipe()
		require.NoError(t, err)
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		wg.Go(func() {
			lines := bufio.NewScanner(out)
			for lines.Scan() && lines.Text() != "ready" {
				t.Log(lines.Text())
			}
			ready.Done()
			<-begin
			_, _ = fmt.Fprintln(in)
			for lines.Scan() {
				if lines.Text() != "PASS" {
					t.Log(lines.Text())
				}
			}
			assert.NoError(t, cmd.Wait())
		})
	}
	ready.Wait()
	start := time.Now()
	close(begin)
	wg.Wait()
	a.check(t, start, machines*each, 10, 4)
}

// check holds what happened against the floor.
func (a *Amazon) check(t *testing.T, start time.Time, charges int, level float64, refused int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	took := a.last.Sub(start) // not to the end of the processes: the race detector lingers
	floor := time.Duration((float64(charges) - level) * float64(Interval))
	t.Logf("%d charges in %v, floor %v: %d throttled of %d requests", charges, took.Round(time.Millisecond), floor, a.Refused, a.Requests)
	assert.Len(t, a.Taken, charges)
	for reference, n := range a.Taken {
		assert.Equal(t, 1, n, reference)
	}
	// At fifty times Amazon's pace a machine that stalls for 20 ms counts as one
	// that is a second late: the bounds leave room for a busy one. What an idle
	// one does is in the README.
	assert.LessOrEqual(t, a.Refused, refused+charges/20, "throttled")
	assert.LessOrEqual(t, took.Seconds(), 1.5*floor.Seconds()+1)
	assert.GreaterOrEqual(t, took.Seconds(), floor.Seconds()-0.02, "the model's own quota")
}

// Cancel has callers give up in the queue: their slots are not lost.
func Cancel(t *testing.T, limiter amazonpay.Limiter) {
	b := Bucket(Seller())
	limiter.Throttled(b)
	start := time.Now()
	canceled, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { assert.ErrorIs(t, limiter.Wait(canceled, b, 1), context.Canceled) })
	}
	time.AfterFunc(Interval/2, cancel)
	wg.Wait()
	for range 10 {
		require.NoError(t, limiter.Wait(t.Context(), b, 1))
	}
	assert.GreaterOrEqual(t, time.Since(start), 10*Interval-time.Millisecond)
	assert.Less(t, time.Since(start), 14*Interval)

	short, cancel := context.WithTimeout(t.Context(), Interval/2)
	defer cancel()
	limiter.Throttled(b)
	start = time.Now()
	err := limiter.Wait(short, b, 1)
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Less(t, time.Since(start), Interval/2, "at once")
}

// Throttled has one machine learn for all.
func Throttled(t *testing.T, one, other amazonpay.Limiter) {
	b := Bucket(Seller())
	for range 5 {
		require.NoError(t, one.Wait(t.Context(), b, 1))
	}
	one.Throttled(b)
	one.Throttled(b)
	start := time.Now()
	for range 5 {
		require.NoError(t, other.Wait(t.Context(), b, 1))
	}
	assert.GreaterOrEqual(t, time.Since(start), 5*Interval-2*time.Millisecond)
	assert.Less(t, time.Since(start), 9*Interval)
	time.Sleep(10 * Interval) // the bucket fills again
	start = time.Now()
	for range 9 {
		require.NoError(t, one.Wait(t.Context(), b, 1))
	}
	assert.Less(t, time.Since(start), 5*Interval)
}

// OutOfReach has a store that never answers.
func OutOfReach(t *testing.T, limiter func(fallback amazonpay.Limiter) amazonpay.Limiter, want string) {
	a, seller := Serve(t, 10), Seller()
	start := time.Now()
	_, err := client(t, a.URL, seller, "alone", limiter(nil)).AuthorizeOnBillingAgreement(t.Context(), amazonpay.AuthorizeOnBillingAgreementRequest{
		AmazonBillingAgreementID: "C01-1234567-1234567", AuthorizationReferenceID: "alone",
		AuthorizationAmount: amazonpay.MustPrice("19.90", amazonpay.CurrencyEUR),
	})
	assert.ErrorContains(t, err, "not sent, while waiting for the quota: "+want)
	_, unknown := errors.AsType[*amazonpay.OutcomeUnknownError](err)
	assert.False(t, unknown)
	assert.Zero(t, a.Requests)
	assert.Less(t, time.Since(start), 2*time.Second)

	c := client(t, a.URL, seller, "fallback", limiter(amazonpay.NewLimiter(Factor)))
	start = time.Now()
	charge(t, c, "fallback", 30)
	a.check(t, start, 30, 10, 4)
}
