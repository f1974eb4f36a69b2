package main

import (
	"context"
	"crypto/rand"
	"errors"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// place is a database of a test's own, which can be opened again and again.
type place struct{ where, schema string }

func (p place) open(t *testing.T) database {
	db, err := openDatabase(t.Context(), p.where, p.schema, 8, false)
	require.NoError(t, err)
	return db
}

// onBoth runs a test on SQLite and on PostgreSQL.
func onBoth(t *testing.T, test func(*testing.T, place)) {
	t.Parallel() // they wait more than they work
	t.Run("SQLite", func(t *testing.T) { t.Parallel(); test(t, sqlitePlace(t)) })
	t.Run("PostgreSQL", func(t *testing.T) { t.Parallel(); test(t, postgresPlace(t)) })
}

func sqlitePlace(t *testing.T) place {
	return place{where: filepath.Join(t.TempDir(), "billing.db")}
}

const testPostgres = "postgres://postgres@127.0.0.1:5432/test?sslmode=disable"

// postgresPlace makes a schema that goes with the test.
func postgresPlace(t *testing.T) place {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, testPostgres)
	if err != nil {
		t.Skip("there is no PostgreSQL at 127.0.0.1:5432 with a database test")
	}
	schema := "billing_" + strings.ToLower(rand.Text())
	_, err = conn.Exec(ctx, "CREATE SCHEMA "+schema)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := conn.Exec(context.Background(), "DROP SCHEMA "+schema+" CASCADE")
		require.NoError(t, err)
		_ = conn.Close(context.Background())
	})
	return place{testPostgres, schema}
}

// quick are settings for tests.
func quick() settings {
	o := options{settings: production()}
	o.hurry()
	o.workers = 8
	o.call, o.lease, o.retry, o.certain = 4*time.Second, 5*time.Second, 50*time.Millisecond, 3*time.Second
	return o.settings
}

// fastDays is a calendar whose days take a fifth of a second.
func fastDays() calendar {
	start := time.Date(2026, 1, 15, 9, 0, 0, 0, time.UTC)
	return calendar{business: start, wall: time.Now().Truncate(time.Millisecond), speed: 5 * 86400, horizon: start.AddDate(0, 0, 1)}
}

var testIdentity = identity{serviceFake, "S", "NA", "sandbox", "billing"}

var quiet = slog.New(slog.DiscardHandler)

// mortal is the database of a process that can be killed: from then on nothing
// is read or written, and what was not committed never is.
type mortal struct {
	database
	dead atomic.Bool
}

func (m *mortal) within(ctx context.Context, work func(tx) error) error {
	return m.database.within(ctx, func(t tx) error {
		err := work(t)
		if m.dead.Load() {
			return errDead
		}
		return err
	})
}

var errDead = errors.New("the process is dead")

// generation is one life of the service's process.
type generation struct {
	*service
	db     *mortal
	cancel context.CancelFunc
}

// born starts a process of the service on a place.
func born(t *testing.T, p place, c calendar, client *amazonpay.Client, set settings) *generation {
	db := &mortal{database: p.open(t)}
	s, err := newService(db, client, c, set, quiet)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	require.NoError(t, s.start(ctx))
	return &generation{s, db, cancel}
}

// killed ends it the hard way: its database is gone in the middle of whatever
// it does, and nobody waits. What it has sent may arrive.
func (g *generation) killed() {
	g.db.dead.Store(true)
	g.cancel()
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = g.queue.StopAndCancel(ctx)
		g.db.close()
	}()
}

// stopped ends it in order.
func (g *generation) stopped() {
	g.stop()
	g.cancel()
	g.db.close()
}

// progress is how many obligations are decided for now, and how many attempts
// are being sent by workers that have taken them since a moment: those of the
// dead do not count.
func (s *service) progress(t *testing.T, since time.Time, lease time.Duration) (decided, busy int) {
	return column(t, s, "SELECT COUNT(*) FROM obligations WHERE state <> 'open'"),
		column(t, s, "SELECT COUNT(*) FROM attempts WHERE state = 'sending' AND lease > $1", since.Add(lease).UnixMilli())
}

// number is a number from the environment, for long runs.
func number(t *testing.T, name string, otherwise int) int {
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err, name)
	return n
}

// subs are subscribers of agreements.
func subs(due time.Time, agreements ...amazonpay.BillingAgreementID) iter.Seq2[subscription, error] {
	return func(yield func(subscription, error) bool) {
		for i, id := range agreements {
			if !yield(subscription{name: "sub-" + strconv.Itoa(i), agreement: id, amount: amazonpay.MustPrice("9.99", "USD"), anchor: due.Day(), due: due}, nil) {
				return
			}
		}
	}
}

var errTest = errors.New("a failure of the test's")
