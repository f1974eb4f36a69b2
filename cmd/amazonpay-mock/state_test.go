package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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

// inside is a server that a test can look into.
func inside(t *testing.T, log io.Writer, args ...string) (*server, http.Handler) {
	c, err := readConfig(append([]string{"-http", "127.0.0.1:0", "-https", "off"}, args...), nil, io.Discard)
	require.NoError(t, err)
	s, err := newServer(c, log)
	require.NoError(t, err)
	t.Cleanup(s.closeListeners)
	return s, s.routes()
}

// ask sends a request with a body of JSON to a server inside.
func ask(handler http.Handler, method, path, body string) (int, string) {
	w, r := httptest.NewRecorder(), httptest.NewRequest(method, "http://localhost"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	handler.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// turn gives a journal another file, and is the one that it had.
func (j *journal) turn(f *os.File) *os.File {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.file, f = f, j.file
	return f
}

// A state that can no longer be kept, as on a full disk: what would change it is
// refused, and everybody is told.
func TestLostState(t *testing.T) {
	var log output
	state := filepath.Join(t.TempDir(), "books.jsonl")
	s, pages := inside(t, &log, "-state", state, "-log", "json", "-agreement")
	config := s.amazon.home.now().Config()
	config.HTTPClient, config.Backoff = &http.Client{Transport: overHandler{pages}}, amazonpay.Spacing()
	client, err := amazonpay.New(config)
	require.NoError(t, err)
	p := &process{t: t}
	id := amazonpay.BillingAgreementID(s.agreement)
	require.NoError(t, p.charge(client, amazonpay.RegionNA, id, "kept"))
	good := func(path string) string { _, text := ask(pages, "GET", path, ""); return text }
	require.NotContains(t, good("/"), "can no longer be kept")

	readOnly, err := os.Open(state)
	require.NoError(t, err)
	file := s.amazon.home.journal.turn(readOnly)
	for range 3 {
		var unknown *amazonpay.OutcomeUnknownError
		require.ErrorAs(t, p.charge(client, amazonpay.RegionNA, id, "lost"), &unknown)
	}
	for path, body := range map[string]string{
		"acts": `{"do":"OpenBillingAgreement"}`, "clock": `{"advance":"1h"}`, "faults": `{"kind":"Throttled"}`, "quota": `{"factor":3}`,
	} {
		status, text := ask(pages, "POST", "/mock/"+path, body)
		assert.Equal(t, http.StatusInternalServerError, status, path)
		assert.Contains(t, text, "the state can no longer be kept", path)
	}
	status, _ := ask(pages, "GET", "/healthz", "")
	assert.Equal(t, http.StatusServiceUnavailable, status)
	assert.Contains(t, good("/"), "can no longer be kept")
	assert.Contains(t, good("/inspector/list/calls?region=uk"), "can no longer be kept")
	assert.Equal(t, 1, strings.Count(log.String(), `"level":"ERROR"`), "it is logged once")
	assert.Contains(t, log.String(), state)
	_, err = client.GetBillingAgreementDetails(t.Context(), amazonpay.GetBillingAgreementDetailsRequest{AmazonBillingAgreementID: id})
	require.NoError(t, err, "queries are answered")

	// With room again a reset begins anew.
	s.amazon.home.journal.turn(file)
	require.NoError(t, readOnly.Close())
	status, text := ask(pages, "POST", "/mock/reset", "{}")
	require.Equal(t, http.StatusOK, status, text)
	status, text = ask(pages, "POST", "/mock/acts", `{"do":"OpenBillingAgreement"}`)
	require.Equal(t, http.StatusOK, status, text)
	require.NoError(t, s.amazon.close())
}

// What was not kept is told at the end, too.
func TestLostStateAtTheEnd(t *testing.T) {
	s, pages := inside(t, io.Discard, "-state", filepath.Join(t.TempDir(), "books.jsonl"))
	require.NoError(t, s.amazon.home.journal.Close())
	status, _ := ask(pages, "POST", "/mock/acts", `{"do":"OpenBillingAgreement"}`)
	assert.Equal(t, http.StatusInternalServerError, status)
	require.ErrorIs(t, s.amazon.close(), errClosedJournal)
}

// A client that is killed while the disk was full loses what it was not told of,
// and nothing else.
func TestFullDisk(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		missing(t, "no shell to set a limit with")
	}
	dir := t.TempDir()
	state := filepath.Join(dir, "books.jsonl")
	args := append([]string{"-c", `ulimit -f 8 && exec "$0" "$@"`, os.Args[0]}, append(onFreePorts(dir), "-quiet", "-state", state)...)
	cmd := exec.Command(sh, args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	p := &process{t: t, ended: make(chan error, 1)}
	cmd.Stderr = &p.stderr
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	go func() { p.ended <- cmd.Wait() }()
	p.await(filepath.Join(dir, "ready.json"), filepath.Join(dir, "ca.pem"))
	told := 0
	for range 200 {
		status, _ := p.request("POST", "/mock/acts", `{"do":"OpenBillingAgreement"}`)
		if status == http.StatusOK {
			told++
		}
	}
	require.Greater(t, told, 5)
	require.Less(t, told, 200, "the limit was reached")
	assert.Equal(t, 1, strings.Count(p.stderr.String(), "level=ERROR"))
	require.NoError(t, cmd.Process.Kill())
	<-p.ended

	p = begin(t, "-state", state)
	assert.Len(t, get[amazonpaytest.Snapshot](p, "/mock/state").Agreements, told)
}

// overHandler is a road to a handler.
type overHandler struct{ http.Handler }

// RoundTrip has the handler answer.
func (h overHandler) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), nil
}

// A reset that cannot empty its file changes nothing: the server goes on, with a
// memory and with notifications.
func TestResetThatFails(t *testing.T) {
	arrived := make(chan string, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { arrived <- r.URL.Path }))
	defer receiver.Close()
	s, pages := inside(t, io.Discard, "-state", filepath.Join(t.TempDir(), "books.jsonl"), "-notify", receiver.URL+"/ipn")
	reader, pipe, err := os.Pipe() // takes what is written, and cannot be emptied
	require.NoError(t, err)
	defer func() { _ = reader.Close() }()
	file := s.amazon.home.journal.turn(pipe)
	status, text := ask(pages, "POST", "/mock/reset", "{}")
	require.Equal(t, http.StatusInternalServerError, status)
	assert.Contains(t, text, "truncate")
	status, text = ask(pages, "POST", "/mock/acts", `{"do":"OpenBillingAgreement"}`)
	require.Equal(t, http.StatusOK, status, text)
	assert.Equal(t, "/ipn", <-arrived)
	status, _ = ask(pages, "GET", "/healthz", "")
	assert.Equal(t, http.StatusOK, status)
	s.amazon.home.journal.turn(file)
	require.NoError(t, s.amazon.close())
	require.NoError(t, pipe.Close())
}

// A reset keeps the file itself, which may be mounted, and the lock on it.
func TestResetKeepsTheFile(t *testing.T) {
	state := filepath.Join(t.TempDir(), "books.jsonl")
	p := begin(t, "-state", state, "-agreement")
	p.agree(amazonpay.RegionUK)
	before, err := os.Stat(state)
	require.NoError(t, err)
	status, text := p.request("POST", "/mock/reset", "{}")
	require.Equal(t, 200, status, text)
	after, err := os.Stat(state)
	require.NoError(t, err)
	assert.True(t, os.SameFile(before, after))
	err = run(context.Background(), []string{"-http", "127.0.0.1:0", "-https", "off", "-state", state}, nil, io.Discard, io.Discard)
	require.ErrorContains(t, err, "in use by another process")
	id := p.agree(amazonpay.RegionUK)
	require.NoError(t, p.stop())
	p = begin(t, "-state", state)
	assert.Equal(t, string(id), get[amazonpaytest.Snapshot](p, "/mock/state?region=uk").Agreements[0].ID)
	assert.Empty(t, get[amazonpaytest.Snapshot](p, "/mock/state").Agreements)
}

// A file that is none of ours stays as it is, mode and all.
func TestStateOfSomebody(t *testing.T) {
	for name, text := range map[string]string{"a line": "eggs, milk, bread", "lines": "one\ntwo\n", "a line of JSON": `{"eggs":6}`} {
		for _, suffix := range []string{"", ".UK", ".production"} {
			t.Run(name+suffix, func(t *testing.T) {
				state := filepath.Join(t.TempDir(), "note.txt")
				require.NoError(t, os.WriteFile(state+suffix, []byte(text), 0o644))
				err := run(context.Background(), []string{"-http", "127.0.0.1:0", "-https", "off", "-state", state}, nil, io.Discard, io.Discard)
				require.ErrorContains(t, err, "-state: "+state+suffix+": ")
				after, err := os.ReadFile(state + suffix)
				require.NoError(t, err)
				assert.Equal(t, text, string(after))
				info, err := os.Stat(state + suffix)
				require.NoError(t, err)
				assert.Equal(t, os.FileMode(0o644), info.Mode().Perm())
			})
		}
	}
}

// Which flags may change from one start to the next, and what is said of the
// others.
func TestStateAndFlags(t *testing.T) {
	state := filepath.Join(t.TempDir(), "books.jsonl")
	begun := []string{"-state", state, "-keep-calls", "5", "-quota", "60", "-manual-clock", "-allow-listed", "-seed", "7", "-monthly-limit", "50 USD"}
	p := begin(t, begun...)
	p.agree(amazonpay.RegionUK)
	require.NoError(t, p.stop())
	for _, c := range []struct {
		want  string // empty is a good start
		flags []string
	}{
		{"", nil},
		{"", []string{"-keep-calls", "0"}},
		{"", []string{"-redirect-url", "https://shop.example/"}},
		{"", []string{"-manual-clock", "-allow-listed", "-seed", "7"}},
		{"", []string{"-secret-key", "other"}},
		{"books.jsonl was begun with another -manual-clock", []string{"-manual-clock=false"}},
		{"books.jsonl was begun with another -allow-listed", []string{"-allow-listed=false"}},
		{"books.jsonl was begun with another -seed", []string{"-seed", "0"}},
		{"books.jsonl was begun with -seed 7", []string{"-seed", "8"}},
		{`books.jsonl was begun with -start "2026-01-15T12:00:00Z"`, []string{"-start", "2026-02-02T00:00:00Z"}},
		{`books.jsonl was begun with -monthly-limit "50.00 USD"`, []string{"-monthly-limit", "60 USD"}},
		{`books.jsonl was begun with -seller "AFAKESELLER01"`, []string{"-seller", "OTHER"}},
		{`books.jsonl.UK was begun with -seller "AFAKESELLER01UK"`, []string{"-seller", "UK=OTHER"}},
		{`books.jsonl was begun with -environment "sandbox"`, []string{"-environment", "production"}},
		{`books.jsonl was begun with -region "NA"`, []string{"-region", "UK", "-seller", "NA=AFAKESELLER01NA"}},
	} {
		t.Run(strings.Join(c.flags, " "), func(t *testing.T) {
			args := append([]string{"-http", "127.0.0.1:0", "-https", "off", "-quiet", "-state", state}, c.flags...)
			if c.want != "" {
				require.ErrorContains(t, run(context.Background(), args, nil, io.Discard, io.Discard), c.want)
				return
			}
			s, _ := inside(t, io.Discard, args...)
			in := s.amazon.home.now().Settings()
			assert.Equal(t, []any{60.0, uint64(7), true, true}, []any{in.Quota, in.Seed, in.Manual, in.AllowListed}, "the file's")
			assert.Equal(t, []any{s.config.keep, s.config.redirectURLs}, []any{in.KeepCalls, in.LoginClients[0].RedirectURLs}, "the flags'")
			require.NoError(t, s.amazon.close())
		})
	}
	s, _ := inside(t, io.Discard, "-state", state, "-quota", "0")
	for _, b := range s.amazon.all {
		if b.opened() != nil {
			assert.Zero(t, b.now().Settings().Quota, "what was given counts")
		}
	}
	require.NoError(t, s.amazon.close())
	s, _ = inside(t, io.Discard, "-state", state)
	assert.Zero(t, s.amazon.home.now().Settings().Quota, "and is kept")
	require.NoError(t, s.amazon.close())
}

// A start without the flags of the clock goes on with the clock of the file, also
// where other regions have no file, and notifications go out.
func TestClockWithoutItsFlags(t *testing.T) {
	arrived := make(chan string, 100)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { arrived <- r.URL.Path }))
	defer receiver.Close()
	type clock struct {
		Now    time.Time
		Manual bool
	}
	state := filepath.Join(t.TempDir(), "manual.jsonl")
	p := begin(t, "-state", state, "-manual-clock")
	id := p.agree(amazonpay.RegionNA)
	start := time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)
	for _, region := range []string{"NA", "JP", "UK"} {
		require.NoError(t, p.stop())
		p = begin(t, "-state", state, "-notify", receiver.URL)
		assert.Equal(t, clock{start, true}, get[clock](p, "/mock/clock"))
		for _, other := range []string{"NA", "UK", "EU", "JP"} {
			assert.Equal(t, start, get[amazonpaytest.Snapshot](p, "/mock/state?region="+other).Now, other)
		}
		p.agree(amazonpay.Region(region))
		<-arrived
	}
	assert.Equal(t, amazonpay.StateOpen, get[amazonpaytest.Snapshot](p, "/mock/state?id="+string(id)).Agreements[0].State)
	status, text := p.request("POST", "/mock/reset", "{}")
	require.Equal(t, 200, status, text)
	assert.Equal(t, clock{start, true}, get[clock](p, "/mock/clock"), "a reset leaves it at that")

	state = filepath.Join(t.TempDir(), "running.jsonl")
	p = begin(t, "-state", state, "-start", "2020-01-01T00:00:00Z", "-agreement")
	require.NoError(t, p.stop())
	p = begin(t, "-state", state)
	for _, region := range []string{"NA", "EU"} {
		assert.Equal(t, 2020, get[amazonpaytest.Snapshot](p, "/mock/state?region="+region).Now.Year())
	}
	assert.False(t, get[clock](p, "/mock/clock").Manual)
}

// Books that nobody uses are not opened, and leave no file; those of the other
// environment come back, too.
func TestUnusedBooks(t *testing.T) {
	dir := t.TempDir()
	s, pages := inside(t, io.Discard, "-state", filepath.Join(dir, "books"))
	opened := func() (n int) {
		for _, b := range s.amazon.all {
			if b.opened() != nil {
				n++
			}
		}
		return n
	}
	names := func() (names []string) {
		files, err := os.ReadDir(dir)
		require.NoError(t, err)
		for _, f := range files {
			names = append(names, f.Name())
		}
		return names
	}
	require.Len(t, s.amazon.all, 8)
	for _, path := range []string{"/mock/regions", "/mock/regions?environment=production", "/", "/mock/clock", "/healthz", "/inspector/find?id=C01-1"} {
		ask(pages, "GET", path, "")
	}
	ask(pages, "POST", "/mock/clock", `{"advance":"48h"}`)
	assert.Equal(t, 1, opened())
	ask(pages, "GET", "/mock/state?region=uk&environment=production", "")
	assert.Equal(t, 2, opened())
	assert.Equal(t, []string{"books"}, names())
	type made struct{ ID string }
	var ids []string
	for _, query := range []string{"environment=production", "region=uk&environment=live", "region=jp"} {
		_, text := ask(pages, "POST", "/mock/acts?"+query, `{"do":"OpenBillingAgreement"}`)
		var m made
		require.NoError(t, json.Unmarshal([]byte(text), &m))
		ids = append(ids, m.ID[:4])
	}
	assert.Equal(t, []string{"B01-", "B02-", "C03-"}, ids)
	assert.Equal(t, []string{"books", "books.JP", "books.UK.production", "books.production"}, names())
	home := s.amazon.home.now().Now()
	for _, b := range s.amazon.all {
		assert.WithinDuration(t, home, b.now().Now(), 2*time.Second, "one clock")
	}
	require.NoError(t, s.amazon.close())
	assert.Len(t, names(), 4)

	s, _ = inside(t, io.Discard, "-state", filepath.Join(dir, "books"))
	assert.Equal(t, 4, opened())
	require.NoError(t, s.amazon.close())
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
