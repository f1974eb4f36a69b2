package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// importText imports a file of these lines.
func importText(t *testing.T, s *service, backfill bool, lines ...string) (said string, err error) {
	name := filepath.Join(t.TempDir(), "subscribers.csv")
	require.NoError(t, os.WriteFile(name, []byte(strings.Join(lines, "\n")), 0o600))
	var out strings.Builder
	err = importFile(t.Context(), name, s.db, s.calendar, backfill, &out)
	return out.String(), err
}

// The file is how the shop's subscriptions are; what is planned stays.
func TestImportAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		s, _ := desk(t, p, quick())
		said, err := importText(t, s, false, "a,C01-0000000-0000001,9.99,USD", "b,C01-0000000-0000002,9.99,USD")
		require.NoError(t, err)
		assert.Equal(t, "2 subscribers are new, 0 have changed\n", said)
		_, err = s.plan(t.Context())
		require.NoError(t, err)
		dates := column(t, s, "SELECT SUM(next_due) FROM subscriptions")
		said, err = importText(t, s, false, "a,C01-0000000-0000001,12.00,USD", "b,C01-0000000-0000003,9.99,USD")
		require.NoError(t, err)
		assert.Equal(t, "0 subscribers are new, 2 have changed\n", said)
		assert.Equal(t, dates, column(t, s, "SELECT SUM(next_due) FROM subscriptions"), "the next dates stay")
		assert.Equal(t, 2*999, column(t, s, "SELECT SUM(amount) FROM obligations"), "what is owed stays")
		assert.Equal(t, 1200+999, column(t, s, "SELECT SUM(amount) FROM subscriptions"))
		assert.Equal(t, 1, column(t, s, "SELECT COUNT(*) FROM subscriptions WHERE name = 'b' AND agreement = 'C01-0000000-0000003'"))
		said, err = importText(t, s, false, "a,C01-0000000-0000001,12.00,USD", "b,C01-0000000-0000003,9.99,USD")
		require.NoError(t, err)
		assert.Equal(t, "0 subscribers are new, 0 have changed\n", said)
	})
}

func TestEnd(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		s, _ := desk(t, p, quick())
		_, err := importText(t, s, false, "a,C01-0000000-0000001,9.99,USD", "b,C01-0000000-0000002,9.99,USD")
		require.NoError(t, err)
		_, err = s.plan(t.Context())
		require.NoError(t, err)
		require.NoError(t, s.db.within(t.Context(), func(x tx) error {
			_, err := x.exec(t.Context(), "UPDATE obligations SET state = 'waiting'")
			return err
		}))
		var out strings.Builder
		require.ErrorContains(t, endSubscription(t.Context(), s.db, "c", &out), `no subscription "c"`)
		require.NoError(t, endSubscription(t.Context(), s.db, "a", &out))
		assert.Equal(t, "a has ended\n", out.String())
		assert.Equal(t, 1, column(t, s, "SELECT COUNT(*) FROM obligations WHERE state = 'waiting'"))
		assert.Equal(t, 1, column(t, s, "SELECT COUNT(*) FROM obligations WHERE state = 'failed'"))

		// The same line again does not wake it, a new agreement does.
		said, err := importText(t, s, false, "a,C01-0000000-0000001,5.00,USD")
		require.NoError(t, err)
		assert.Equal(t, "0 subscribers are new, 0 have changed\n", said)
		assert.Equal(t, 1, column(t, s, "SELECT COUNT(*) FROM subscriptions WHERE state = 'ended'"))
		said, err = importText(t, s, false, "a,C01-0000000-0000009,5.00,USD")
		require.NoError(t, err)
		assert.Equal(t, "1 subscribers are new, 0 have changed\n", said)
		assert.Equal(t, 2, column(t, s, "SELECT COUNT(*) FROM subscriptions WHERE state = 'active'"))
	})
}

func TestImportOfThePast(t *testing.T) {
	s, _ := desk(t, sqlitePlace(t), quick())
	const line = "a,C01-0000000-0000001,9.99,USD,2025-01-31"
	_, err := importText(t, s, false, line)
	require.ErrorContains(t, err, "subscription a: its first charge, 2025-01-31, has passed")
	assert.Zero(t, column(t, s, "SELECT COUNT(*) FROM subscriptions"))
	_, err = importText(t, s, true, line)
	require.NoError(t, err)
	_, err = importText(t, s, false, line)
	assert.NoError(t, err, "who is there already is not charged by it")
	today := s.calendar.now().Format(time.DateOnly)
	_, err = importText(t, s, false, "b,C01-0000000-0000002,9.99,USD,"+today)
	assert.NoError(t, err)
}

func TestImportOfASharedAgreement(t *testing.T) {
	s, _ := desk(t, sqlitePlace(t), quick())
	said, err := importText(t, s, false, "a,C01-0000000-0000001,9.99,USD", "b,C01-0000000-0000001,9.99,USD")
	require.NoError(t, err)
	assert.Contains(t, said, "WARNING: a and b share the agreement C01-0000000-0000001")
}

// In time-lapse the calendar's last day may be over when the file comes.
func TestImportAfterTheLastDay(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		s, _ := desk(t, p, quick())
		first := fastDays()
		first.wall = first.wall.Add(-time.Minute)
		var err error
		s.calendar, err = openCalendar(t.Context(), s.db, testIdentity, first)
		require.NoError(t, err)
		require.True(t, s.calendar.now().After(s.calendar.horizon))
		_, err = importText(t, s, false, "a,C01-0000000-0000001,9.99,USD")
		require.NoError(t, err)
		s.calendar, err = openCalendar(t.Context(), s.db, testIdentity, first)
		require.NoError(t, err)
		planned, err := s.plan(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 1, planned)
	})
}
