package main

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMemory has the program bill few subscribers and many, and compares its
// peak memory: nothing in it may grow with their number. BILLING_MANY says how
// many are many; the charges are not waited for, only a part of them.
func TestMemory(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("there is no /proc to read the peak of memory from")
	}
	many := number(t, "BILLING_MANY", 4000)
	few, most := peakMemory(t, many/10), peakMemory(t, many)
	t.Logf("peak memory: %.1f MB for %d subscribers, %.1f MB for %d", few, many/10, most, many)
	assert.Less(t, most, few+25, "megabytes")
}

// peakMemory is the peak of a process, in megabytes, that imports and plans so
// many subscribers and charges some.
func peakMemory(t *testing.T, n int) float64 {
	fake := amazonpaytest.New(amazonpaytest.Settings{AuthorizationDelay: 50 * time.Millisecond, KeepCalls: 1000})
	server := httptest.NewServer(fake)
	defer server.Close()
	file := filepath.Join(t.TempDir(), "billing.db")
	db, err := openSQLite(file, false)
	require.NoError(t, err)
	defer db.close()
	require.NoError(t, migrate(t.Context(), db))
	subscribers := make([]amazonpay.BillingAgreementID, n)
	for i := range subscribers {
		subscribers[i] = fake.OpenBillingAgreement().ID()
	}
	p := &process{name: "billing", args: []string{"-base-url", server.URL, "-database", file, "-factor", "100000",
		"-import", subscribersFile(t, subs(time.Now(), subscribers...))}}
	p.start(t)
	defer p.kill(t)
	s := &service{db: db}
	limit := time.Now().Add(time.Duration(180+n/100) * time.Second)
	for planned, sent := 0, 0; planned < n || sent < 50; {
		require.True(t, time.Now().Before(limit), "%d of %d planned, %d sent: %s", planned, n, sent, p.said)
		time.Sleep(time.Second)
		planned, sent = column(t, s, "SELECT COUNT(*) FROM obligations"), column(t, s, "SELECT COUNT(*) FROM payments")
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	require.NoError(t, err)
	_, peak, found := strings.Cut(string(status), "VmHWM:")
	require.True(t, found)
	var kilobytes float64
	_, err = fmt.Sscan(peak, &kilobytes)
	require.NoError(t, err)
	return kilobytes / 1024
}
