package main

import (
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// programEnv makes the test's own binary be the program.
const programEnv = "BILLING_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(programEnv) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestKill kills the program's processes with SIGKILL in the middle of a run,
// again and again, and starts them anew: one on SQLite, three workers and a
// planner on PostgreSQL, against Amazon Pay in another process. Nothing is
// charged twice, and nothing is forgotten.
//
// BILLING_KILLS and BILLING_SUBSCRIBERS make it longer.
func TestKill(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		kills, n := number(t, "BILLING_KILLS", 5), number(t, "BILLING_SUBSCRIBERS", 120)
		fake := amazonpaytest.New(amazonpaytest.Settings{Quota: 40, AuthorizationDelay: 50 * time.Millisecond, KeepCalls: 1000})
		badDay(fake, 1)
		fake.SetDelivery(amazonpaytest.Delivery{DuplicateRate: 0.05, LossRate: 0.02})
		server := httptest.NewServer(fake)
		defer server.Close()
		file := subscribersFile(t, fake, n)

		db := p.open(t)
		require.NoError(t, migrate(t.Context(), db)) // before the processes: a SQLite file has one of them
		t.Cleanup(db.close)
		s := &service{db: db}
		machines := []*process{{role: roleAll}}
		if p.schema != "" {
			machines = []*process{{role: rolePlanner}, {role: roleWorker}, {role: roleWorker}, {role: roleWorker}}
		}
		for i, m := range machines {
			m.http = fmt.Sprintf("127.0.0.1:%d", freePort(t))
			m.args = []string{"-base-url", server.URL, "-database", p.where, "-schema", p.schema, "-role", m.role, "-factor", "40", "-day", "200ms", "-workers", "4", "-http", m.http}
			if i == 0 {
				m.args = append(m.args, "-import", file)
			}
			m.start(t)
			defer m.kill(t)
			if m.role != rolePlanner {
				fake.NotifyURL("http://"+m.http+"/amazonpay", nil)
			}
		}
		dice := rand.New(rand.NewPCG(uint64(kills), uint64(n)))
		for i := range kills {
			time.Sleep(time.Duration(400+dice.IntN(1200)) * time.Millisecond)
			victim := machines[i%len(machines)]
			victim.kill(t)
			victim.start(t)
		}
		limit := time.Now().Add(time.Duration(180+n/10) * time.Second)
		r, err := s.report(t.Context())
		for ; err == nil && (r.Obligations < n || r.undecided() > 0); r, err = s.report(t.Context()) {
			require.True(t, time.Now().Before(limit), "not decided in time: %d of %d, open %v", r.Obligations, n, r.Open)
			time.Sleep(200 * time.Millisecond)
		}
		require.NoError(t, err)
		differences, err := s.compare(t.Context(), (&world{fake: fake}).books(t.Context()))
		require.NoError(t, err)
		assert.Empty(t, differences)
		assert.Equal(t, n, r.Obligations)
		assert.Equal(t, n, r.Paid, "all cards are good")
		assert.Zero(t, r.Double+r.Conflicts)
		assertOnce(t, fake)
		t.Logf("%d kills, %d obligations, %d paid; %d attempts, sent %d times", kills, r.Obligations, r.Paid, r.Attempts, r.Requests)
	})
}

// subscribersFile signs up subscribers and writes the file to import.
func subscribersFile(t *testing.T, fake *amazonpaytest.Fake, n int) string {
	name := filepath.Join(t.TempDir(), "subscribers.csv")
	file, err := os.Create(name)
	require.NoError(t, err)
	lines := csv.NewWriter(file)
	for i := range n {
		require.NoError(t, lines.Write([]string{fmt.Sprint("sub-", i), string(fake.OpenBillingAgreement().ID()), "9.99", string(amazonpay.CurrencyUSD)}))
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

// process is one of the program's.
type process struct {
	role, http string
	args       []string
	cmd        *exec.Cmd
	said       *strings.Builder
}

func (p *process) start(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	p.said = &strings.Builder{}
	p.cmd = exec.Command(self, p.args...)
	p.cmd.Env = append(os.Environ(), programEnv+"=1", "DATABASE_URL=")
	p.cmd.Stdout, p.cmd.Stderr = p.said, p.said
	require.NoError(t, p.cmd.Start())
}

// kill ends it with SIGKILL. One that has ended by itself has failed.
func (p *process) kill(t *testing.T) {
	assert.NoError(t, p.cmd.Process.Signal(syscall.SIGKILL), "it ended by itself")
	err := p.cmd.Wait()
	if status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() {
		assert.Failf(t, "the process ended by itself", "%v: %s", err, p.said)
	}
}
