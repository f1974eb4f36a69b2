package main

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// slowWire answers after a while, as a distant server does. A call that is
// given up has been carried out if it was on its way back.
type slowWire struct {
	http.RoundTripper
	delay  time.Duration
	flying atomic.Int64
}

func (w *slowWire) RoundTrip(request *http.Request) (*http.Response, error) {
	w.flying.Add(1)
	defer w.flying.Add(-1)
	if err := pause(request.Context(), w.delay/2); err != nil {
		return nil, err
	}
	response, err := w.RoundTripper.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	if err := pause(request.Context(), w.delay/2); err != nil {
		_ = response.Body.Close()
		return nil, err
	}
	return response, nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// The end of a process lets calls that are out come back: a deploy must not
// leave charges of which nobody knows the outcome.
func TestOrderlyEnd(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		s, w := desk(t, p, quick())
		config := w.config(1)
		transport := &slowWire{RoundTripper: config.HTTPClient.Transport, delay: time.Second}
		config.HTTPClient, config.Limiter = &http.Client{Transport: transport}, amazonpay.NoLimit
		client, err := amazonpay.New(config)
		require.NoError(t, err)
		ids := make([]amazonpay.BillingAgreementID, 8)
		for i := range ids {
			ids[i] = w.fake.OpenBillingAgreement().ID()
		}
		_, err = enroll(t.Context(), s.db, subs(w.calendar.business, ids...))
		require.NoError(t, err)
		g := born(t, p, w.calendar, client, quick())
		defer g.stopped()
		limit := time.Now().Add(30 * time.Second)
		for transport.flying.Load() < 4 {
			require.True(t, time.Now().Before(limit), "nothing was sent")
			time.Sleep(5 * time.Millisecond)
		}
		g.cancel() // as by SIGTERM
		g.stop()
		assert.Zero(t, transport.flying.Load())
		assert.NotZero(t, column(t, s, "SELECT COUNT(*) FROM attempts WHERE state = 'pending'"))
		assert.Zero(t, column(t, s, "SELECT COUNT(*) FROM attempts WHERE doubt = 1 OR state IN ('sending', 'unknown')"))
	})
}

// Upkeep jobs that are there already are left out, without an error.
func TestTendTwice(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		set := quick()
		set.upkeep = time.Hour
		s, _ := desk(t, p, set)
		for range 3 {
			require.NoError(t, s.tend(t.Context()))
		}
		assert.Less(t, column(t, s, "SELECT COUNT(*) FROM river_job"), 5, "two, or four if an hour has just ended")
	})
}

// A log tells what became of each charge, and Amazon's request ids.
func TestLogOfACharge(t *testing.T) {
	db := sqlitePlace(t).open(t)
	t.Cleanup(db.close)
	require.NoError(t, migrate(t.Context(), db))
	c := fastDays()
	w := newWorld(c, 0, 0, 1)
	var said lockedBuffer
	o := options{verbose: true}
	config := w.config(1)
	config.Limiter = amazonpay.NoLimit
	config.Logger = slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: o.level()}))
	client, err := amazonpay.New(config)
	require.NoError(t, err)
	s, err := newService(db, client, c, quick(), config.Logger)
	require.NoError(t, err)
	_, err = enroll(t.Context(), db, subs(c.business, w.fake.OpenBillingAgreement().ID()))
	require.NoError(t, err)
	_, err = s.plan(t.Context())
	require.NoError(t, err)
	decide(t, s, w, 1)
	assert.Contains(t, said.String(), "requestId=")
	assert.Regexp(t, `msg=charge .*reference=\S+ .*state=paid`, said.String())
}

type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}
