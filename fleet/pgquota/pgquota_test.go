package pgquota_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/fleet/internal/sharetest"
	"github.com/amazonpay-go/amazonpay/fleet/pgquota"
)

const address = "postgres://postgres@127.0.0.1:5432/test?sslmode=disable&pool_max_conns=2"

// server is a machine's connection to PostgreSQL.
func server(t testing.TB) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), address)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	if err := pool.Ping(t.Context()); err != nil {
		t.Skip("no PostgreSQL at 127.0.0.1:5432: " + err.Error())
	}
	return pool
}

// schemaVariable names the schema that a process of the fleet is to use.
const schemaVariable = "FLEET_SCHEMA"

// schema makes one for the test, with the table.
func schema(t testing.TB) string {
	t.Helper()
	if name := os.Getenv(schemaVariable); name != "" {
		return name
	}
	db, name := server(t), fmt.Sprintf("fleet_%d_%d", os.Getpid(), time.Now().UnixNano())
	quoted := pgx.Identifier{name}.Sanitize()
	_, err := db.Exec(t.Context(), "CREATE SCHEMA "+quoted)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := db.Exec(context.Background(), "DROP SCHEMA "+quoted+" CASCADE")
		assert.NoError(t, err)
	})
	l, err := pgquota.New(pgquota.Config{DB: db, Schema: name})
	require.NoError(t, err)
	require.NoError(t, l.CreateTable(t.Context()))
	require.NoError(t, l.CreateTable(t.Context()), "once more does no harm")
	return name
}

func limiter(t testing.TB, schema string) amazonpay.Limiter {
	t.Helper()
	l, err := pgquota.New(pgquota.Config{DB: server(t), Schema: schema, Factor: sharetest.Factor})
	require.NoError(t, err)
	return l
}

func TestFleet(t *testing.T) {
	name := schema(t)
	sharetest.Fleet(t, 10, 4, func() amazonpay.Limiter { return limiter(t, name) })
}

func TestFleetAndEmptyBucket(t *testing.T) {
	name := schema(t)
	sharetest.Fleet(t, 0, 30, func() amazonpay.Limiter { return limiter(t, name) })
}

func TestProcesses(t *testing.T) {
	name := schema(t)
	t.Setenv(schemaVariable, name)
	sharetest.Processes(t, func() amazonpay.Limiter { return limiter(t, name) })
}

func TestCancel(t *testing.T) { sharetest.Cancel(t, limiter(t, schema(t))) }

func TestThrottled(t *testing.T) {
	name := schema(t)
	sharetest.Throttled(t, limiter(t, name), limiter(t, name))
}

// Without PostgreSQL calls fail, or go by the fallback.
func TestOutOfReach(t *testing.T) {
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = nobody.Close() }() // takes connections and says nothing
	pool, err := pgxpool.New(t.Context(), "postgres://postgres@"+nobody.Addr().String()+"/test?sslmode=disable")
	require.NoError(t, err)
	sharetest.OutOfReach(t, func(fallback amazonpay.Limiter) amazonpay.Limiter {
		l, err := pgquota.New(pgquota.Config{DB: pool, Timeout: 50 * time.Millisecond, Fallback: fallback})
		require.NoError(t, err)
		return l
	}, "pgquota: the shared quota is out of reach")
}

// A table that nobody made is told.
func TestNoTable(t *testing.T) {
	l, err := pgquota.New(pgquota.Config{DB: server(t), Schema: "fleet_nowhere"})
	require.NoError(t, err)
	err = l.Wait(t.Context(), sharetest.Bucket("A"), 1)
	assert.ErrorContains(t, err, `relation "fleet_nowhere.amazonpay_quota" does not exist`)
	assert.ErrorContains(t, l.CreateTable(t.Context()), "pgquota: the table cannot be made")
}

func TestConfig(t *testing.T) {
	pool, err := pgxpool.New(t.Context(), address)
	require.NoError(t, err)
	defer pool.Close()
	for _, test := range []struct {
		name   string
		config pgquota.Config
		want   string
	}{
		{"no database", pgquota.Config{}, "pgquota: DB is required"},
		{"factor", pgquota.Config{DB: pool, Factor: -1}, "pgquota: Factor is negative"},
		{"timeout", pgquota.Config{DB: pool, Timeout: -1}, "pgquota: Timeout is negative"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := pgquota.New(test.config)
			assert.EqualError(t, err, test.want)
		})
	}
	l, err := pgquota.New(pgquota.Config{DB: pool, Schema: `odd"name`, Factor: 10})
	require.NoError(t, err)
	assert.Equal(t, 999100*time.Millisecond, l.EstimateDuration(sharetest.Bucket("A"), 10_000))
	assert.Contains(t, l.TableSQL(), `"odd""name"."amazonpay_quota"`)
}

func BenchmarkWait(b *testing.B) {
	l, err := pgquota.New(pgquota.Config{DB: server(b), Schema: schema(b), Factor: 1e6})
	require.NoError(b, err)
	bucket := sharetest.Bucket(sharetest.Seller())
	for b.Loop() {
		require.NoError(b, l.Wait(context.Background(), bucket, 1))
	}
}
