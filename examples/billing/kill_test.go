package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) {
	var err error
	if programDir, err = os.MkdirTemp("", "billing-programs"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(programDir)
	os.Exit(code)
}

var programDir string

// buildPrograms builds billing and amazonpay-mock once, with the race detector
// if the test has it.
var buildPrograms = sync.OnceValue(func() error {
	var args []string
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		args = append(args, "-race")
	}
	for _, where := range []struct{ dir, name, path string }{{".", "billing", "."}, {"../..", "amazonpay-mock", "./cmd/amazonpay-mock"}} {
		build := exec.Command("go", slices.Concat([]string{"build", "-C", where.dir}, args, []string{"-o", filepath.Join(programDir, where.name), where.path})...)
		if text, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", where.name, err, text)
		}
	}
	return nil
})

// TestKill kills the program's processes with SIGKILL in the middle of a run,
// again and again, and starts them anew: one on SQLite, three workers and a
// planner on PostgreSQL, against an amazonpay-mock in another process. Nothing
// is charged twice, and nothing is forgotten. A long run kills the mock, too.
//
// BILLING_KILLS and BILLING_SUBSCRIBERS make it longer.
func TestKill(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		kills, n := number(t, "BILLING_KILLS", 5), number(t, "BILLING_SUBSCRIBERS", 120)
		machines := []*process{{role: roleAll}}
		if p.schema != "" {
			machines = []*process{{role: rolePlanner}, {role: roleWorker}, {role: roleWorker}, {role: roleWorker}}
		}
		server := &process{name: "amazonpay-mock", args: []string{"-https", "off", "-quiet", "-quota", "40", "-seed", "1",
			"-state", filepath.Join(t.TempDir(), "mock.state"), "-http", fmt.Sprintf("127.0.0.1:%d", freePort(t))}}
		for _, m := range machines {
			m.http = fmt.Sprintf("127.0.0.1:%d", freePort(t))
			if m.role != rolePlanner {
				server.args = append(server.args, "-notify", "http://"+m.http+"/amazonpay")
			}
		}
		server.start(t)
		defer server.kill(t)
		amazon := mock{"http://" + server.args[slices.Index(server.args, "-http")+1]}
		amazon.awaited(t)
		amazon.badDay(t)
		file := subscribersFile(t, amazon.subscribers(t.Context(), n, 0.14, 1, time.Now()))

		db := p.open(t)
		require.NoError(t, migrate(t.Context(), db)) // before the processes: a SQLite file has one of them
		t.Cleanup(db.close)
		s := &service{db: db}
		for i, m := range machines {
			m.name = "billing"
			m.args = []string{"-base-url", amazon.base, "-database", p.where, "-role", m.role, "-factor", "40", "-day", "200ms", "-workers", "4", "-http", m.http}
			if p.schema != "" {
				m.args = append(m.args, "-schema", p.schema)
			}
			if i == 0 {
				m.args = append(m.args, "-import", file)
			}
			m.start(t)
			defer m.kill(t)
		}
		k := &killer{t: t, service: s, amazon: amazon, server: server, machines: machines, n: n, limit: time.Now().Add(time.Duration(180+n/4) * time.Second)}
		r, killed := k.untilDecided(kills)
		assert.Equal(t, kills, killed, "machines that were killed while they charged")
		differences, err := s.compare(t.Context(), amazon.books(t.Context()))
		require.NoError(t, err)
		assert.Empty(t, differences)
		assert.Equal(t, n, r.Obligations)
		assert.Greater(t, r.Paid, n*3/4, "most cards are good")
		assert.Less(t, r.Paid, n, "and some are bad")
		assert.Zero(t, r.Double+r.Conflicts)
		t.Logf("%d kills, and %d of the mock; %d obligations: %d paid, %d wait, given up %v; %d attempts, sent %d times",
			killed, k.mockKilled, r.Obligations, r.Paid, r.Waiting, r.Failed, r.Attempts, r.Requests)
	})
}

// killer kills machines by progress, in turn, and only while something is being
// sent.
type killer struct {
	t          *testing.T
	service    *service
	amazon     mock
	server     *process
	machines   []*process
	n          int
	limit      time.Time
	mockKilled int
}

func (k *killer) untilDecided(kills int) (r *report, killed int) {
	var o options
	o.hurry() // for the lease of the programs
	for last := time.Now(); ; time.Sleep(40 * time.Millisecond) {
		decided, busy := k.service.progress(k.t, last, o.lease)
		if time.Now().After(k.limit) {
			k.t.Fatalf("not decided in time: %d of %d, %d kills; %s", decided, k.n, killed, k.machines[0].said)
		}
		for _, m := range k.machines {
			m.lives(k.t)
		}
		if killed < kills && decided >= killed*k.n/kills && busy > 0 {
			k.t.Logf("kill %d: %d decided, %d being sent", killed+1, decided, busy)
			victim := k.machines[killed%len(k.machines)]
			victim.kill(k.t)
			if kills > 5 && killed%4 == 2 {
				k.server.kill(k.t)
				k.server.start(k.t)
				k.amazon.awaited(k.t)
				k.mockKilled++
			}
			victim.start(k.t)
			killed, last = killed+1, time.Now()
			continue
		}
		if decided < k.n {
			continue
		}
		r, err := k.service.report(k.t.Context())
		require.NoError(k.t, err)
		if r.Obligations == k.n && r.undecided() == 0 {
			return r, killed
		}
	}
}

// awaited waits until a mock answers.
func (m mock) awaited(t *testing.T) {
	require.Eventually(t, func() bool {
		var answer any
		return m.ask(t.Context(), http.MethodGet, "/mock/clock", nil, &answer) == nil
	}, 60*time.Second, 20*time.Millisecond)
}

// badDay lets a mock lose requests and answers.
func (m mock) badDay(t *testing.T) {
	for _, kind := range slices.Sorted(maps.Keys(badFaults)) {
		var answer any
		require.NoError(t, m.ask(t.Context(), http.MethodPost, "/mock/faults", map[string]any{"kind": kind, "probability": badFaults[kind], "times": -1}, &answer))
	}
}

// subscribersFile writes the file to import.
func subscribersFile(t *testing.T, subscribers iter.Seq2[subscription, error]) string {
	name := filepath.Join(t.TempDir(), "subscribers.csv")
	file, err := os.Create(name)
	require.NoError(t, err)
	lines := csv.NewWriter(file)
	for sub, err := range subscribers {
		require.NoError(t, err)
		require.NoError(t, lines.Write([]string{sub.name, string(sub.agreement), "9.99", string(sub.amount.Currency())}))
	}
	lines.Flush()
	require.NoError(t, lines.Error())
	require.NoError(t, file.Close())
	return name
}

func freePort(t *testing.T) int {
	server := httptest.NewServer(nil)
	defer server.Close()
	var port int
	_, err := fmt.Sscanf(server.URL[strings.LastIndexByte(server.URL, ':'):], ":%d", &port)
	require.NoError(t, err)
	return port
}

// process is one of a program's.
type process struct {
	name, role, http string
	args             []string
	cmd              *exec.Cmd
	said             *lockedBuffer
	ended            context.Context
}

func (p *process) start(t *testing.T) {
	require.NoError(t, buildPrograms())
	p.said = &lockedBuffer{}
	p.cmd = exec.Command(filepath.Join(programDir, p.name), p.args...)
	p.cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "AMAZONPAY_") || strings.HasPrefix(v, "DATABASE_URL=")
	})
	p.cmd.Stdout, p.cmd.Stderr = p.said, p.said
	require.NoError(t, p.cmd.Start())
	ended, end := context.WithCancel(context.Background())
	p.ended = ended
	go func(cmd *exec.Cmd) {
		_ = cmd.Wait()
		end()
	}(p.cmd)
}

// lives fails the test if the process has ended by itself.
func (p *process) lives(t *testing.T) {
	if p.ended.Err() != nil {
		t.Fatalf("%s %s ended by itself: %v: %s", p.name, p.role, p.cmd.ProcessState, p.said)
	}
}

// kill ends it with SIGKILL. One that has ended by itself has failed.
func (p *process) kill(t *testing.T) {
	_ = p.cmd.Process.Signal(syscall.SIGKILL)
	<-p.ended.Done()
	if status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() {
		t.Errorf("%s %s ended by itself: %v: %s", p.name, p.role, p.cmd.ProcessState, p.said)
	}
	assert.NotContains(t, p.said.String(), "DATA RACE")
}
