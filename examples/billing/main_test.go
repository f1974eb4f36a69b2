package main

import (
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func environment(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func TestDemonstration(t *testing.T) {
	t.Parallel()
	o, err := readOptions([]string{"-subscribers", "40", "-day", "100ms", "-declines", "0.5", "-months", "2", "-http", "127.0.0.1:0"}, environment(nil), io.Discard)
	require.NoError(t, err)
	var out strings.Builder
	require.NoError(t, run(t.Context(), o, &out))
	text := out.String()
	assert.Regexp(t, `obligations +80 `, text)
	assert.Contains(t, text, "At Amazon's pace, 80 charges take 1m11s at least.")
	assert.Contains(t, text, "The ledger agrees with the books, reference id by reference id, to the cent")
}

func TestDifferentBooksAreNoticed(t *testing.T) {
	s, w := desk(t, sqlitePlace(t), quick())
	agreement := w.fake.OpenBillingAgreement()
	_, err := enroll(t.Context(), s.db, subs(w.calendar.business, agreement.ID()))
	require.NoError(t, err)
	_, err = s.plan(t.Context())
	require.NoError(t, err)
	decide(t, s, w, 1)
	r, err := s.report(t.Context())
	require.NoError(t, err)
	require.NoError(t, s.audit(t.Context(), io.Discard, r, w.books(t.Context())))
	for name, change := range map[string]string{
		"a cent": "UPDATE payments SET amount = amount + 1", "another id": "UPDATE payments SET reference = 'x'", "forgotten": "DELETE FROM payments",
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, s.db.within(t.Context(), func(x tx) error {
				_, err := x.exec(t.Context(), change)
				return err
			}))
			assert.ErrorIs(t, s.audit(t.Context(), io.Discard, r, w.books(t.Context())), errDifferent)
		})
	}
}

func TestOptions(t *testing.T) {
	for name, c := range map[string]struct {
		args  []string
		env   map[string]string
		fault string
	}{
		"a role":          {[]string{"-role", "boss"}, nil, "-role boss"},
		"a role here":     {[]string{"-role", "worker"}, nil, "needs -live"},
		"web":             {[]string{"-live", "-database", "postgres://x", "-role", "web"}, nil, "needs -http"},
		"no environment":  {[]string{"-live", "-database", "x.db"}, map[string]string{"AMAZONPAY_REGION": "EU"}, "AMAZONPAY_SECRET_KEY, AMAZONPAY_ENVIRONMENT"},
		"no database":     {[]string{"-live"}, nil, "must outlive the process"},
		"a role's file":   {[]string{"-base-url", "http://127.0.0.1:1", "-role", "worker", "-database", "x.db"}, nil, "needs PostgreSQL"},
		"a role's none":   {[]string{"-base-url", "http://127.0.0.1:1", "-role", "planner"}, nil, "needs PostgreSQL"},
		"real and fast":   {[]string{"-live", "-database", "x.db", "-factor", "60"}, nil, "-factor is for fakes"},
		"real and short":  {[]string{"-live", "-database", "x.db", "-day", "1s"}, nil, "-day is for fakes"},
		"a mock's faults": {[]string{"-base-url", "http://127.0.0.1:1", "-faults", "2"}, nil, "-faults"},
		"an import":       {[]string{"-import", "x.csv"}, nil, "-import needs -live"},
		"an import of a worker": {[]string{"-base-url", "http://127.0.0.1:1", "-database", "postgres://x", "-role", "worker", "-import", "x.csv"},
			nil, "-import is for the planner"},
		"imported and not": {[]string{"-base-url", "http://127.0.0.1:1", "-import", "x.csv", "-subscribers", "3"}, nil, "-subscribers would be ignored"},
		"no import":        {[]string{"-backfill"}, nil, "-backfill needs -import"},
		"once":             {[]string{"-once"}, nil, "-once needs -live"},
		"no schema":        {[]string{"-schema", "x"}, nil, "-schema is PostgreSQL's"},
		"without end":      {[]string{"-factor", "Inf"}, nil, "too large"},
		"no number":        {[]string{"-factor", "NaN"}, nil, "too small"},
		"only faults":      {[]string{"-faults", "Inf"}, nil, "too large"},
		"a long day":       {[]string{"-day", "48h"}, nil, "too large"},
		"the end of what":  {[]string{"-end", "42"}, nil, "-end needs -database"},
		"a bad address":    {[]string{"-http", "a:b:c"}, nil, "too many colons"},
		"an open page":     {[]string{"-http", "0.0.0.0:80"}, nil, "BILLING_PASSWORD"},
		"a production that is not Amazon's": {[]string{"-base-url", "https://mws.example"}, map[string]string{"AMAZONPAY_ENVIRONMENT": "production"},
			"must be on this machine"},
		"a production here": {[]string{"-base-url", "http://localhost:1"}, map[string]string{"AMAZONPAY_ENVIRONMENT": "production"}, ""},
		"a share":           {[]string{"-declines", "2"}, nil, "-declines"},
		"no workers":        {[]string{"-workers", "0"}, nil, "too small"},
		"something else":    {[]string{"bill"}, nil, `what is "bill"?`},
		"no such flag":      {[]string{"-bill"}, nil, "not defined"},
		"everything fine":   {nil, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := readOptions(c.args, environment(c.env), io.Discard)
			if c.fault == "" {
				require.NoError(t, err)
				return
			}
			assert.ErrorContains(t, err, c.fault)
		})
	}
	o, err := readOptions([]string{"-live"}, environment(map[string]string{
		"AMAZONPAY_SELLER_ID": "S", "AMAZONPAY_ACCESS_KEY": "A", "AMAZONPAY_SECRET_KEY": "K", "AMAZONPAY_REGION": "EU",
		"AMAZONPAY_ENVIRONMENT": "production", "DATABASE_URL": "billing.db",
	}), io.Discard)
	require.NoError(t, err)
	assert.Equal(t, amazonpay.Production, o.api.Environment)
	assert.EqualValues(t, 1, o.factor, "real quotas are as they are")
	assert.Equal(t, 24*time.Hour, o.day, "and so are real days")
	assert.Equal(t, "billing.db", o.database)
	assert.Greater(t, o.lease, o.call)
}

func TestReadSubscribers(t *testing.T) {
	now := time.Date(2026, 5, 31, 9, 0, 0, 0, time.UTC)
	var read []subscription
	for sub, err := range readSubscribers(strings.NewReader("\ufeffa, C01-1234567-0000001 ,19.90,USD\nb,B02-1234567-0000002,500,JPY,2026-12-24\n"), now) {
		require.NoError(t, err)
		read = append(read, sub)
	}
	require.Len(t, read, 2)
	assert.Equal(t, "a", read[0].name, "without the mark that spreadsheets write")
	assert.EqualValues(t, "C01-1234567-0000001", read[0].agreement)
	assert.Equal(t, 31, read[0].anchor)
	assert.Equal(t, "2026-12-24", read[1].due.Format(time.DateOnly))
	const id = "C01-1234567-0000001"
	for name, line := range map[string]string{
		"a field is missing": "a," + id + ",19.90", "no name": " ," + id + ",19.90,USD", "half a cent": "a," + id + ",19.905,USD", "nothing": "a," + id + ",0,USD",
		"a bad date": "a," + id + ",1,USD,tomorrow", "an order's id": "a,S01-1234567-0000001,1,USD", "half an id": "a,C01-1,1,USD",
	} {
		t.Run(name, func(t *testing.T) {
			for _, err := range readSubscribers(strings.NewReader(line), now) {
				assert.ErrorContains(t, err, "line 1")
			}
		})
	}
}

// A database belongs to one ledger, and its days keep their length.
func TestIdentity(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		db := p.open(t)
		defer db.close()
		require.NoError(t, migrate(t.Context(), db))
		real := identity{serviceAmazon, "S", "EU", "production", "billing"}
		first, err := openCalendar(t.Context(), db, real, fastDays())
		require.NoError(t, err)
		later := fastDays()
		later.wall = later.wall.Add(time.Hour)
		again, err := openCalendar(t.Context(), db, real, later)
		require.NoError(t, err)
		assert.True(t, first.wall.Equal(again.wall) && first.business.Equal(again.business), "all processes have the first one's")
		at := first.business.Add(36 * time.Hour)
		assert.True(t, first.at(first.wallAt(at)).Equal(at))
		for field, other := range map[string]identity{
			"service": {serviceMock, "S", "EU", "production", "billing"}, "seller": {serviceAmazon, "T", "EU", "production", "billing"},
			"region": {serviceAmazon, "S", "UK", "production", "billing"}, "environment": {serviceAmazon, "S", "EU", "sandbox", "billing"},
			"shop": {serviceAmazon, "S", "EU", "production", "Billing"},
		} {
			_, err := openCalendar(t.Context(), db, other, fastDays())
			assert.ErrorContains(t, err, "the "+field+" of this database")
		}
		slow := fastDays()
		slow.speed = 1
		_, err = openCalendar(t.Context(), db, real, slow)
		assert.ErrorContains(t, err, "a day of this database takes 200ms (-day), not 24h")
	})
}

// A database that was tried in time-lapse is never used for real money: it
// would charge months ahead. A refused process leaves nothing behind.
func TestTrialIsNotForReal(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "billing.db")
	db, err := openSQLite(file, false)
	require.NoError(t, err)
	require.NoError(t, migrate(t.Context(), db))
	require.NoError(t, db.within(t.Context(), func(x tx) error { // by an older version, without an identity
		_, err := x.exec(t.Context(), "INSERT INTO calendar (id, business, wall, speed, horizon) VALUES (1, 0, 0, 172800, 0)")
		return err
	}))
	o, err := readOptions([]string{"-live", "-database", file}, environment(map[string]string{
		"AMAZONPAY_SELLER_ID": "S", "AMAZONPAY_ACCESS_KEY": "A", "AMAZONPAY_SECRET_KEY": "K", "AMAZONPAY_REGION": "EU", "AMAZONPAY_ENVIRONMENT": "sandbox",
	}), io.Discard)
	require.NoError(t, err)
	require.ErrorContains(t, run(t.Context(), o, io.Discard), "takes 500ms (-day), not 24h0m0s")
	assert.Zero(t, column(t, &service{db: db}, "SELECT COUNT(*) FROM identity"))
	db.close()
}

func TestOneProcessPerFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "billing.db.lock")
	release, err := lockFile(name)
	require.NoError(t, err)
	_, err = lockFile(name)
	require.ErrorContains(t, err, "another process has this database")
	release()
	release, err = lockFile(name)
	require.NoError(t, err)
	release()
}

// What was interrupted has not been compared, and must not look as if it had.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	o, err := readOptions([]string{"-subscribers", "40"}, environment(nil), io.Discard)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var out strings.Builder
	require.ErrorIs(t, run(ctx, o, writerFunc(func(p []byte) (int, error) {
		cancel() // with the first word
		return out.Write(p)
	})), errInterrupted)
	assert.NotContains(t, out.String(), "agrees")
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// The help shows defaults, and an address of a database has a password in it.
func TestHelpKeepsSecrets(t *testing.T) {
	environ := func(name string) string {
		return map[string]string{"DATABASE_URL": "postgres://billing:hunter2@db.example/billing", "BILLING_PASSWORD": "hunter3", "AMAZONPAY_SECRET_KEY": "hunter4"}[name]
	}
	for _, args := range [][]string{{"-h"}, {"-no-such-flag"}, {"-workers", "x"}, {"-workers", "0"}} {
		var out strings.Builder
		_, err := readOptions(args, environ, &out)
		require.Error(t, err)
		assert.NotContains(t, out.String()+err.Error(), "hunter")
	}
	o, err := readOptions(nil, environ, io.Discard)
	require.NoError(t, err)
	assert.Equal(t, environ("DATABASE_URL"), o.database)
	o, err = readOptions([]string{"-database", "here.db"}, environ, io.Discard)
	require.NoError(t, err)
	assert.Equal(t, "here.db", o.database)
}
