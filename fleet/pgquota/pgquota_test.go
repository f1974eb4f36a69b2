package pgquota_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/fleet/internal/share"
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

func limiter(t testing.TB, schema string, factor float64) *pgquota.Limiter {
	t.Helper()
	l, err := pgquota.New(pgquota.Config{DB: server(t), Schema: schema, Factor: factor})
	require.NoError(t, err)
	return l
}

func TestFleet(t *testing.T) {
	name := schema(t)
	sharetest.Fleet(t, 10, func() amazonpay.Limiter { return limiter(t, name, sharetest.Factor) })
}

func TestFleetAndEmptyBucket(t *testing.T) {
	name := schema(t)
	sharetest.Fleet(t, 0, func() amazonpay.Limiter { return limiter(t, name, sharetest.Factor) })
}

func TestProcesses(t *testing.T) {
	name := schema(t)
	t.Setenv(schemaVariable, name)
	sharetest.Processes(t, func() amazonpay.Limiter { return limiter(t, name, sharetest.Factor) })
}

func TestCancel(t *testing.T) {
	l := limiter(t, schema(t), 1.0/3600)
	sharetest.Cancel(t, l, l.Store())
}

func TestStore(t *testing.T) {
	name := schema(t)
	sharetest.Contract(t, limiter(t, name, 1).Store(), limiter(t, name, 1).Store(), "key")
}

// Where transactions are isolated further than by default, machines get in each
// other's way, and none of them fails.
func TestIsolation(t *testing.T) {
	for _, level := range []string{"repeatable read", "serializable"} {
		t.Run(level, func(t *testing.T) {
			name := schema(t)
			q := share.Quota{Burst: 9, Interval: time.Hour}
			var wg sync.WaitGroup
			for range 10 {
				config, err := pgxpool.ParseConfig(address)
				require.NoError(t, err)
				config.ConnConfig.RuntimeParams["default_transaction_isolation"] = level
				pool, err := pgxpool.NewWithConfig(t.Context(), config)
				require.NoError(t, err)
				t.Cleanup(pool.Close)
				l, err := pgquota.New(pgquota.Config{DB: pool, Schema: name})
				require.NoError(t, err)
				wg.Go(func() {
					for range 10 {
						_, err := l.Store().Reserve(t.Context(), "key", q)
						assert.NoError(t, err)
						assert.NoError(t, l.Store().Empty(t.Context(), "key", share.Quota{Burst: 9, Interval: time.Second}))
					}
				})
			}
			wg.Wait()
			wait, err := limiter(t, name, 1).Store().Reserve(t.Context(), "key", q)
			require.NoError(t, err)
			assert.InDelta(t, 101-9, wait.Hours(), 0.1, "each slot was taken once")
		})
	}
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

	var told []error
	l, err = pgquota.New(pgquota.Config{
		DB: server(t), Schema: "fleet_nowhere", Fallback: amazonpay.NewLimiter(1),
		OnError: func(err error) { told = append(told, err) },
	})
	require.NoError(t, err)
	assert.NoError(t, l.Wait(t.Context(), sharetest.Bucket("A"), 1))
	require.NotEmpty(t, told, "the fallback hides it")
	assert.ErrorContains(t, told[0], "pgquota: the shared quota is out of reach: ERROR: relation")
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
