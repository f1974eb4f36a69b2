// Package sharetest holds a store of the quota against its contract, and lets a
// fleet charge against a model of Amazon's quota, in real time.
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
	"github.com/amazonpay-go/amazonpay/fleet/internal/share"
)

// Factor is how many times faster than Amazon's the model's quota is.
const Factor = 50

// Interval is that of the model's bucket in production.
const Interval = time.Second / Factor

// Amazon is the model: a server that takes every charge, behind one bucket of
// ten.
type Amazon struct {
	interval time.Duration

	mu       sync.Mutex
	level    float64
	last     time.Time
	Taken    map[string]int // by reference id
	Requests int
	Refused  int
	arrived  []time.Time
}

// NewAmazon makes the model, with a bucket that holds level of its ten requests.
func NewAmazon(level float64, interval time.Duration) *Amazon {
	return &Amazon{interval: interval, level: level, last: time.Now(), Taken: map[string]int{}}
}

// serve starts the model as a server, in real time.
func serve(t testing.TB, level float64) (a *Amazon, address string) {
	a = NewAmazon(level, Interval)
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	return a, server.URL
}

// ServeHTTP answers a charge.
func (a *Amazon) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm() // before the moment that counts
	a.mu.Lock()
	now := time.Now()
	a.level = min(10, a.level+float64(now.Sub(a.last))/float64(a.interval))
	a.last = now
	a.Requests++
	a.arrived = append(a.arrived, now)
	ok := a.level >= 1-1e-9
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

// Config is that of one machine of the fleet. The seller is of this test run, so
// that its quota is.
func Config(seller, name string, limiter amazonpay.Limiter) amazonpay.Config {
	return amazonpay.Config{
		SellerID: seller, AccessKey: "AKIAEXAMPLE", SecretKey: amazonpay.NewSecretKey("secret"),
		Region: amazonpay.RegionEU, Environment: amazonpay.Production, ApplicationName: name, Limiter: limiter,
	}
}

func client(t testing.TB, address, seller, name string, limiter amazonpay.Limiter) *amazonpay.Client {
	config := Config(seller, name, limiter)
	config.BaseURL = address
	c, err := amazonpay.New(config)
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

// Charge has a client make charges by four workers.
func Charge(t testing.TB, c *amazonpay.Client, name string, charges int) {
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
func Fleet(t *testing.T, level float64, limiter func() amazonpay.Limiter) {
	const machines, each = 20, 10
	a, address := serve(t, level)
	seller := Seller()
	start := time.Now()
	var wg sync.WaitGroup
	for i := range machines {
		name := fmt.Sprint("machine", i)
		c := client(t, address, seller, name, limiter())
		wg.Go(func() { Charge(t, c, name, each) })
	}
	wg.Wait()
	a.check(t, start, machines*each, level)
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
		Charge(t, c, f[2], each)
		return
	}
	a, address := serve(t, 10)
	seller := Seller()
	begin := make(chan struct{})
	var ready, wg sync.WaitGroup
	ready.Add(machines)
	for i := range machines {
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.timeout=60s")
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %s process%d", environment, address, seller, i))
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
	a.check(t, start, machines*each, 10)
}

// check holds what happened against the quota, by bounds that a busy machine
// cannot break: what comes late is no fault, and a machine that stalls for 20 ms
// is like one that is a second late at Amazon's pace. What an idle one does is
// in the README.
func (a *Amazon) check(t *testing.T, start time.Time, charges int, level float64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	took := a.last.Sub(start) // not to the end of the processes: the race detector lingers
	floor := time.Duration((float64(charges) - level) * float64(Interval))
	t.Logf("%d charges in %v, floor %v: %d throttled of %d requests", charges, took.Round(time.Millisecond), floor, a.Refused, a.Requests)
	assert.Len(t, a.Taken, charges)
	for reference, n := range a.Taken {
		assert.Equal(t, 1, n, reference)
	}
	for i, at := range a.arrived {
		earliest := time.Duration(i-9) * Interval // there is one in reserve
		assert.GreaterOrEqual(t, at.Sub(start), earliest, "request %d is above the quota", i+1)
	}
	assert.LessOrEqual(t, a.Refused, charges/2+20, "throttled: machines that share nothing have ten times as many")
	assert.LessOrEqual(t, took.Seconds(), 3*floor.Seconds()+10)
}

// Contract holds a store, over two connections, against what [share.Store] says.
// The key must be new. The slots are an hour apart, so that it is nothing how
// long the machine takes.
func Contract(t *testing.T, one, other share.Store, key string) {
	q := share.Quota{Burst: 9, Interval: time.Hour}
	reserve := func(store share.Store, want time.Duration) {
		t.Helper()
		wait, err := store.Reserve(t.Context(), key, q)
		require.NoError(t, err)
		assert.InDelta(t, want.Minutes(), wait.Minutes(), 5)
	}
	empty := func(store share.Store, q share.Quota) {
		t.Helper()
		require.NoError(t, store.Empty(t.Context(), key, q))
	}
	for i := range 12 { // nine at once, three to wait for
		reserve([]share.Store{one, other}[i%2], time.Duration(i-8)*time.Hour)
	}
	empty(one, q)
	reserve(other, 4*time.Hour) // the slots that are taken stay so
	key += "/2"
	reserve(one, -8*time.Hour)
	empty(one, q)
	empty(one, q)
	for i := range share.Ahead / 2 {
		reserve(other, time.Duration(i+1)*time.Hour)
	}
	empty(other, share.Quota{Burst: 9, Interval: 1000 * time.Hour}) // as if the clock were that far behind
	reserve(one, time.Hour)
	reserve(other, 2*time.Hour)
	key += "/3"
	q.Interval = time.Millisecond
	empty(one, q)
	time.Sleep(10 * q.Interval)
	for range 9 { // time has refilled it
		wait, err := other.Reserve(t.Context(), key, q)
		require.NoError(t, err)
		assert.LessOrEqual(t, wait, time.Duration(0))
	}
}

// Cancel has callers give up in the queue: together they take one slot. The
// limiter's bucket regains a request in an hour.
func Cancel(t *testing.T, limiter amazonpay.Limiter, store share.Store) {
	b := Bucket(Seller())
	limiter.Throttled(b)
	canceled, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { assert.ErrorIs(t, limiter.Wait(canceled, b, 1), context.Canceled) })
	}
	time.AfterFunc(Interval, cancel)
	wg.Wait()
	soon, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	assert.ErrorContains(t, limiter.Wait(soon, b, 1), "after the deadline")
	assert.NoError(t, soon.Err(), "it need not be waited for")
	wait, err := store.Reserve(t.Context(), b.String(), share.Quota{Burst: b.Burst(), Interval: time.Hour})
	require.NoError(t, err)
	assert.InDelta(t, 2*60, wait.Minutes(), 5, "minutes to the second slot")
}

// OutOfReach has a store that never answers.
func OutOfReach(t *testing.T, limiter func(fallback amazonpay.Limiter) amazonpay.Limiter, want string) {
	a, address := serve(t, 10)
	seller := Seller()
	_, err := client(t, address, seller, "alone", limiter(nil)).AuthorizeOnBillingAgreement(t.Context(), amazonpay.AuthorizeOnBillingAgreementRequest{
		AmazonBillingAgreementID: "C01-1234567-1234567", AuthorizationReferenceID: "alone",
		AuthorizationAmount: amazonpay.MustPrice("19.90", amazonpay.CurrencyEUR),
	})
	assert.ErrorContains(t, err, "not sent, while waiting for the quota: "+want)
	_, unknown := errors.AsType[*amazonpay.OutcomeUnknownError](err)
	assert.False(t, unknown)
	assert.Zero(t, a.Requests)

	c := client(t, address, seller, "fallback", limiter(amazonpay.NewLimiter(Factor)))
	start := time.Now()
	Charge(t, c, "fallback", 30)
	a.check(t, start, 30, 10)
}
