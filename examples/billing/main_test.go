package main

import (
	"context"
	"io"
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
		"web":             {[]string{"-live", "-role", "web"}, nil, "needs -http"},
		"no environment":  {[]string{"-live"}, map[string]string{"AMAZONPAY_REGION": "EU"}, "AMAZONPAY_SECRET_KEY, AMAZONPAY_ENVIRONMENT"},
		"a share":         {[]string{"-declines", "2"}, nil, "-declines"},
		"no workers":      {[]string{"-workers", "0"}, nil, "too small"},
		"something else":  {[]string{"bill"}, nil, `what is "bill"?`},
		"no such flag":    {[]string{"-bill"}, nil, "not defined"},
		"everything fine": {nil, nil, ""},
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
	o, err := readOptions([]string{"-live", "-factor", "60"}, environment(map[string]string{
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
	for sub, err := range readSubscribers(strings.NewReader("a,C01-1,19.90,USD\nb,C01-2,500,JPY,2026-12-24\n"), now) {
		require.NoError(t, err)
		read = append(read, sub)
	}
	require.Len(t, read, 2)
	assert.Equal(t, 31, read[0].anchor)
	assert.Equal(t, "2026-12-24", read[1].due.Format(time.DateOnly))
	for name, line := range map[string]string{
		"a field is missing": "a,C01-1,19.90", "no name": ",C01-1,19.90,USD", "half a cent": "a,C01-1,19.905,USD", "nothing": "a,C01-1,0,USD", "a bad date": "a,C01-1,1,USD,tomorrow",
	} {
		t.Run(name, func(t *testing.T) {
			for _, err := range readSubscribers(strings.NewReader(line), now) {
				assert.ErrorContains(t, err, "line 1")
			}
		})
	}
}

func TestCalendar(t *testing.T) {
	for _, p := range []place{sqlitePlace(t)} {
		db := p.open(t)
		require.NoError(t, migrate(t.Context(), db))
		first, err := openCalendar(t.Context(), db, fastDays())
		require.NoError(t, err)
		other := fastDays()
		other.speed = 1
		again, err := openCalendar(context.Background(), db, other)
		require.NoError(t, err)
		assert.True(t, first.wall.Equal(again.wall) && first.business.Equal(again.business))
		assert.Equal(t, first.speed, again.speed, "all processes have the first one's")
		at := first.business.Add(36 * time.Hour)
		assert.True(t, first.at(first.wallAt(at)).Equal(at))
		db.close()
	}
}

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
