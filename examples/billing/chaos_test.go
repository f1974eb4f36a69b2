package main

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestChaos bills on a bad day, throttled, with workers that are killed in the
// middle of charges, from the first obligation to the last ones, which have had
// their dunning. Every obligation is decided in the
// end, charged at most once, and the ledger agrees with Amazon's books to the
// cent.
//
// BILLING_OBLIGATIONS and BILLING_SEED make it longer, and another one.
func TestChaos(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		n, seed := number(t, "BILLING_OBLIGATIONS", 150), uint64(number(t, "BILLING_SEED", 1))
		factor := float64(max(100, n/40))
		c := fastDays()
		db := p.open(t)
		require.NoError(t, migrate(t.Context(), db))
		c, err := openCalendar(t.Context(), db, testIdentity, c)
		require.NoError(t, err)
		w := newWorld(c, factor, 1, seed)
		_, err = enroll(t.Context(), db, w.subscribers(n, 0.14, seed))
		require.NoError(t, err)
		db.close()

		config := w.config(1.5 * factor) // faster than allowed: some are throttled
		config.HTTPClient.Transport = &slowWire{RoundTripper: config.HTTPClient.Transport, delay: 10 * time.Millisecond}
		client, err := amazonpay.New(config)
		require.NoError(t, err)
		verifier, err := w.verifier()
		require.NoError(t, err)
		fleet := &fleet{t: t, place: p, calendar: c, client: client}
		w.fake.Notify(verifier.Handler(func(ctx context.Context, n *amazonpay.Notification) error { return fleet.anyone().receive(ctx, n) }))
		machines := 1
		if p.schema != "" {
			machines = 3
		}
		for range machines {
			fleet.born()
		}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go w.turn(ctx)
		const least = 6
		kills := fleet.untilDecided(n, max(least+2, n/500))
		stop()
		assert.GreaterOrEqual(t, kills, least, "too few machines were killed while they charged")

		s := fleet.anyone().service
		r, err := s.report(t.Context())
		require.NoError(t, err)
		differences, err := s.compare(t.Context(), w.books(t.Context()))
		require.NoError(t, err)
		assert.Empty(t, differences)
		assert.Zero(t, r.Double, "obligations paid twice")
		assert.Zero(t, r.Conflicts, "attempts of which Amazon said two things")
		assert.Equal(t, n, r.Obligations)
		assertOnce(t, w.fake)
		t.Logf("%d obligations: %d paid (%d recovered), %d wait, given up %v; %d attempts, sent %d times; %d requests, %d throttled; %d kills",
			r.Obligations, r.Paid, r.Recovered, r.Waiting, r.Failed, r.Attempts, r.Requests, w.wire.requests.Load(), w.wire.throttled.Load(), kills)
		for _, g := range fleet.machines {
			g.stopped()
		}
	})
}

// assertOnce finds agreements, with one obligation each, that paid twice.
func assertOnce(t *testing.T, fake *amazonpaytest.Fake) {
	times := map[amazonpay.BillingAgreementID]int{}
	for _, m := range fake.Ledger() {
		times[m.BillingAgreementID]++
		if times[m.BillingAgreementID] > 1 {
			t.Errorf("%s was charged %d times", m.BillingAgreementID, times[m.BillingAgreementID])
		}
	}
}

// fleet is machines that are killed and started anew.
type fleet struct {
	t        *testing.T
	place    place
	calendar calendar
	client   *amazonpay.Client

	mu       sync.Mutex
	machines []*generation
}

func (f *fleet) born() {
	g := born(f.t, f.place, f.calendar, f.client, quick())
	f.mu.Lock()
	defer f.mu.Unlock()
	f.machines = append(f.machines, g)
}

// anyone is a machine that lives, and may not live for long.
func (f *fleet) anyone() *generation {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.machines[len(f.machines)-1]
}

// kill ends the machine that has lived longest.
func (f *fleet) kill() {
	f.mu.Lock()
	victim := f.machines[0]
	f.machines = f.machines[1:]
	if len(f.machines) == 0 { // the next one comes at once
		f.machines = []*generation{born(f.t, f.place, f.calendar, f.client, quick())}
		f.mu.Unlock()
		victim.killed()
		return
	}
	f.mu.Unlock()
	victim.killed()
	f.born()
}

// untilDecided waits until everything is decided. It kills by progress, the
// same number of obligations apart, and only when something is being sent.
func (f *fleet) untilDecided(n, kills int) (killed int) {
	limit := time.Now().Add(5*time.Minute + time.Duration(n)*100*time.Millisecond)
	last := time.Now()
	for time.Now().Before(limit) {
		time.Sleep(time.Duration(20+n/100) * time.Millisecond)
		decided, busy := f.anyone().progress(f.t, last, quick().lease)
		if killed < kills && decided >= killed*n/kills && busy > 0 {
			f.t.Logf("kill %d: %d decided, %d being sent", killed+1, decided, busy)
			f.kill()
			killed, last = killed+1, time.Now()
			continue
		}
		if decided < n {
			continue
		}
		r, err := f.anyone().report(f.t.Context())
		require.NoError(f.t, err)
		if r.Obligations == n && r.undecided() == 0 && f.calendar.now().Sub(f.calendar.business) > 3*repairTime {
			return killed
		}
	}
	r, err := f.anyone().report(f.t.Context())
	require.NoError(f.t, err)
	require.Failf(f.t, "not decided in time", "open: %v", r.Open)
	return killed
}

// TestChaosOnTheBareClient is the same without the service: many goroutines
// repeat Client.Charge until it has an answer.
func TestChaosOnTheBareClient(t *testing.T) {
	t.Parallel()
	n, seed := number(t, "BILLING_OBLIGATIONS", 150), uint64(number(t, "BILLING_SEED", 1))
	c := fastDays()
	w := newWorld(c, float64(max(100, n/10)), 1, seed)
	config := w.config(1)
	config.Limiter = amazonpay.NewLimiter(1.5 * float64(max(100, n/10)))
	client, err := amazonpay.New(config)
	require.NoError(t, err)
	var subscribers []subscription
	for sub, err := range w.subscribers(n, 0.14, seed) {
		require.NoError(t, err)
		subscribers = append(subscribers, sub)
	}
	w.repairs = nil // one charge each
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go w.turn(ctx)

	work := make(chan subscription)
	var mu sync.Mutex
	ours := map[amazonpay.ReferenceID]amazonpay.Price{}
	outcomes := map[amazonpay.Outcome]int{}
	var wait sync.WaitGroup
	for range 16 {
		wait.Go(func() {
			for sub := range work {
				id := referenceID("bare", sub.name, "2026-01", 0)
				charge := untilAnswered(ctx, client, amazonpay.ChargeRequest{AmazonBillingAgreementID: sub.agreement, ReferenceID: id, Amount: sub.amount})
				if !assert.NotNil(t, charge) {
					continue
				}
				mu.Lock()
				if outcomes[charge.Outcome]++; charge.Outcome == amazonpay.OutcomePaid {
					ours[charge.ReferenceID] = charge.Amount
				}
				mu.Unlock()
			}
		})
	}
	for _, sub := range subscribers {
		work <- sub
	}
	close(work)
	wait.Wait()
	stop()
	assertOnce(t, w.fake)
	for _, m := range w.fake.Ledger() {
		assert.Equal(t, m.Amount, ours[m.ReferenceID], "%s", m.ReferenceID)
		delete(ours, m.ReferenceID)
	}
	assert.Empty(t, ours, "paid in ours and not in Amazon's books")
	assert.Equal(t, n, outcomes[amazonpay.OutcomePaid]+outcomes[amazonpay.OutcomeDeclined])
	t.Logf("%v, %d requests, %d throttled", outcomes, w.wire.requests.Load(), w.wire.throttled.Load())
}

// untilAnswered repeats a charge as the documentation says: the same request.
// Each call is given up after a moment, as by a process that ends.
func untilAnswered(ctx context.Context, client *amazonpay.Client, request amazonpay.ChargeRequest) *amazonpay.Charge {
	for patience := 20 * time.Millisecond; ctx.Err() == nil; patience = min(2*patience, 2*time.Second) {
		short, cancel := context.WithTimeout(ctx, patience)
		charge, err := client.Charge(short, request)
		cancel()
		if err == nil && charge.Outcome != amazonpay.OutcomePending {
			return charge
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}
