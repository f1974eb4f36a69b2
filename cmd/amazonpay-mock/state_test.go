package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

func TestStateOutlivesTheProcess(t *testing.T) {
	state, dir := filepath.Join(t.TempDir(), "books.jsonl"), filepath.Join(t.TempDir(), "ca")
	p := begin(t, "-state", state, "-ca-dir", dir)
	id := p.agree(amazonpay.RegionUK)
	require.NoError(t, p.charge(p.client(amazonpay.RegionUK), amazonpay.RegionUK, id, "before"))
	roots := p.roots
	require.NoError(t, p.stop())
	for _, name := range []string{state + ".UK", filepath.Join(dir, authorityKeyFile)} {
		info, err := os.Stat(name)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), name)
	}

	p = begin(t, "-state", state, "-ca-dir", dir)
	assert.True(t, roots.Equal(p.roots), "who trusted it goes on trusting it")
	client := p.client(amazonpay.RegionUK)
	require.NoError(t, p.charge(client, amazonpay.RegionUK, id, "before"), "a repetition over the restart")
	require.NoError(t, p.charge(client, amazonpay.RegionUK, id, "after"))
	require.Len(t, get[[]movement](p, "/mock/ledger?region=uk"), 2)

	status, text := p.request("POST", "/mock/reset", `{}`)
	require.Equal(t, 200, status, text)
	require.NoError(t, p.stop())
	p = begin(t, "-state", state, "-ca-dir", dir)
	assert.Empty(t, get[[]movement](p, "/mock/ledger?region=uk"), "a reset forgets what was kept")
}

func TestStateOutlivesAKill(t *testing.T) {
	state := filepath.Join(t.TempDir(), "books.jsonl")
	p, cmd := program(t, "-state", state)
	id := p.agree(amazonpay.RegionNA)
	require.NoError(t, p.charge(p.client(amazonpay.RegionNA), amazonpay.RegionNA, id, "one"))
	require.NoError(t, cmd.Process.Kill())
	<-p.ended

	p, cmd = program(t, "-state", state)
	require.NoError(t, p.charge(p.client(amazonpay.RegionNA), amazonpay.RegionNA, id, "one"))
	require.Len(t, get[[]movement](p, "/mock/ledger"), 1, "the repetition is known")
	require.NoError(t, cmd.Process.Kill())
}

// A process that is killed in the midst of its work has lost no charge that a
// client was told of, and makes none twice.
func TestStateOutlivesAKillUnderLoad(t *testing.T) {
	state := filepath.Join(t.TempDir(), "books.jsonl")
	p, cmd := program(t, "-quiet", "-state", state, "-monthly-limit", "100000 USD")
	id, client := p.agree(amazonpay.RegionNA), p.client(amazonpay.RegionNA)
	var told sync.Map
	var answers atomic.Int64
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			for n := 0; ; n++ {
				reference := fmt.Sprintf("load-%d-%d", i, n)
				told.Store(reference, false)
				if p.charge(client, amazonpay.RegionNA, id, reference) != nil {
					return // the server is gone
				}
				told.Store(reference, true)
				answers.Add(1)
			}
		})
	}
	require.Eventually(t, func() bool { return answers.Load() >= 50 }, 10*time.Second, time.Millisecond)
	require.NoError(t, cmd.Process.Kill())
	group.Wait()

	p, cmd = program(t, "-quiet", "-state", state, "-monthly-limit", "100000 USD")
	moved := make(map[string]bool)
	for _, m := range get[[]movement](p, "/mock/ledger") {
		moved[string(m.ReferenceID)] = true
	}
	client, asked := p.client(amazonpay.RegionNA), 0
	told.Range(func(reference, success any) bool {
		asked++
		if success.(bool) {
			assert.True(t, moved[reference.(string)], "a charge that a client was told of is lost")
		}
		assert.NoError(t, p.charge(client, amazonpay.RegionNA, id, reference.(string)))
		return true
	})
	assert.Len(t, get[[]movement](p, "/mock/ledger"), asked)
	require.NoError(t, cmd.Process.Kill())
}

func TestStateIsOneProcess(t *testing.T) {
	state := filepath.Join(t.TempDir(), "books.jsonl")
	begin(t, "-state", state, "-agreement")
	err := run(context.Background(), []string{"-http", "127.0.0.1:0", "-https", "off", "-state", state}, nil, &output{}, &output{})
	require.ErrorContains(t, err, "in use by another process")
}

func TestStateOfOtherFlags(t *testing.T) {
	state := filepath.Join(t.TempDir(), "books.jsonl")
	p := begin(t, "-state", state, "-agreement")
	require.NoError(t, p.stop())
	err := run(context.Background(), []string{"-http", "127.0.0.1:0", "-https", "off", "-state", state, "-seller", "ANOTHER"}, nil, &output{}, &output{})
	require.ErrorContains(t, err, "-state: ")
}

// An authority that was kept is not stretched to names it was not made for.
func TestAuthorityOfOtherNames(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ca")
	first, err := newAuthority(dir, nil)
	require.NoError(t, err)
	again, err := newAuthority(dir, nil)
	require.NoError(t, err)
	assert.Equal(t, first.pem(), again.pem())
	_, err = newAuthority(dir, []string{"mock.test"})
	require.ErrorContains(t, err, `was not made for "mock.test"`)
	require.NoError(t, os.WriteFile(filepath.Join(dir, authorityFile), []byte("no certificate"), 0o600))
	_, err = newAuthority(dir, nil)
	require.Error(t, err)
}

// A notification that was on its way when the process ended comes again.
func TestNotificationsOutliveTheProcess(t *testing.T) {
	var deaf atomic.Bool
	deaf.Store(true)
	arrived, release := make(chan string, 10), make(chan struct{})
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		arrived <- r.Header.Get("X-Amz-Sns-Message-Id")
		if deaf.Load() {
			<-release
		}
	}))
	defer receiver.Close()
	state := filepath.Join(t.TempDir(), "books.jsonl")
	p := begin(t, "-state", state, "-notify", receiver.URL, "-shutdown-timeout", "20ms")
	p.agree(amazonpay.RegionNA)
	first := <-arrived
	require.NoError(t, p.stop())
	deaf.Store(false)
	close(release)
	begin(t, "-state", state, "-notify", receiver.URL)
	assert.Equal(t, first, <-arrived)
}

// What a fake has still to tell after it was reset is told to nobody.
func TestResetEndsNotifications(t *testing.T) {
	arrived := make(chan string, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		arrived <- r.Header.Get("X-Amz-Sns-Message-Id")
	}))
	defer receiver.Close()
	p := begin(t, "-notify", receiver.URL)
	p.act("", `{"do":"SetDelivery","duration":"200ms"}`)
	p.agree(amazonpay.RegionNA)
	status, text := p.request("POST", "/mock/reset", `{}`)
	require.Equal(t, 200, status, text)
	select {
	case <-arrived:
		require.FailNow(t, "a fake that is no more has told something")
	case <-time.After(400 * time.Millisecond):
	}
	p.agree(amazonpay.RegionNA)
	assert.NotEmpty(t, <-arrived, "the new one tells")
}

// A state that can no longer be kept is told to who asks for health, and at the
// end.
func TestLostState(t *testing.T) {
	c, err := readConfig([]string{"-http", "127.0.0.1:0", "-https", "off", "-state", filepath.Join(t.TempDir(), "books.jsonl")}, nil, io.Discard)
	require.NoError(t, err)
	s, err := newServer(c, io.Discard)
	require.NoError(t, err)
	defer s.closeListeners()
	health := func() int {
		w := httptest.NewRecorder()
		s.routes().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/healthz", nil))
		return w.Code
	}
	require.Equal(t, http.StatusOK, health())
	require.NoError(t, s.amazon.home.journal.Close())
	s.amazon.home.now().NewBillingAgreement()
	assert.Equal(t, http.StatusServiceUnavailable, health())
	require.ErrorIs(t, s.amazon.close(), errClosedJournal)
}

// The regions have one time after a restart, too, also those that nobody used.
func TestClocksOutliveTheProcess(t *testing.T) {
	for _, clock := range []string{"-manual-clock=false", "-manual-clock"} {
		t.Run(clock, func(t *testing.T) {
			state := filepath.Join(t.TempDir(), "books.jsonl")
			p := begin(t, clock, "-state", state, "-start", "2026-03-01T00:00:00Z")
			p.agree(amazonpay.RegionJP)
			status, text := p.request("POST", "/mock/clock", `{"to":"2026-05-01T00:00:00Z"}`)
			require.Equal(t, 200, status, text)
			require.NoError(t, p.stop())
			p = begin(t, clock, "-state", state, "-start", "2026-03-01T00:00:00Z")
			for _, region := range []string{"NA", "UK", "EU", "JP"} {
				now := get[amazonpaytest.Snapshot](p, "/mock/state?region="+region).Now
				assert.WithinDuration(t, time.Date(2026, 5, 1, 0, 0, 5, 0, time.UTC), now, 6*time.Second, region)
			}
		})
	}
}
