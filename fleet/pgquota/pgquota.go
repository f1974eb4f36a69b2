// Package pgquota paces a fleet of machines that charge with the same Amazon
// Pay keys, by a quota that they share in PostgreSQL.
package pgquota

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/fleet/internal/share"
)

// DB is what the Limiter needs of a *pgxpool.Pool.
type DB interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) // makes the table, and empties a bucket
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row                // takes a place
}

// Config is what [New] needs to know. DB is required.
type Config struct {
	// DB is a *pgxpool.Pool. A single connection will not do, because buckets
	// are asked for at the same time.
	DB DB

	// Schema holds the table amazonpay_quota. Empty means the first one of the
	// connection's search_path. All machines must use the same.
	Schema string

	// Factor is how many times faster than Amazon's quota to go, as in
	// [amazonpay.NewLimiter]. Zero means 1. All machines must use the same.
	Factor float64

	// Timeout bounds one question to PostgreSQL. Zero means one second.
	Timeout time.Duration

	// Fallback paces this machine while PostgreSQL is out of reach: give each
	// of 20 machines an amazonpay.NewLimiter(1.0/20). Nil means that calls fail
	// meanwhile, with an error that says so; they are not sent.
	Fallback amazonpay.Limiter

	// OnError is told each time that a question to PostgreSQL fails: that it is out
	// of reach, or that the table is missing. With a Fallback nothing else
	// tells. It is called by the call that asked, also by several at once, and
	// should return soon. Nil means that nobody is told.
	OnError func(error)
}

// New makes a Limiter, to be used as the Limiter of an [amazonpay.Config]. It
// asks the database nothing yet; its table is made by [Limiter.CreateTable], or
// by your migrations from [Limiter.TableSQL].
//
// Slots go round the machines that have work, in the order in which they ask;
// within a machine a repeat goes first. A throttle answer to one machine empties
// the bucket for all. The clock is the server's. Each request of the API costs
// one statement on one row; the table has a row for each seller and action.
func New(config Config) (*Limiter, error) {
	if config.DB == nil {
		return nil, errors.New("pgquota: DB is required")
	}
	name := pgx.Identifier{"amazonpay_quota"}
	if config.Schema != "" {
		name = pgx.Identifier{config.Schema, "amazonpay_quota"}
	}
	table := name.Sanitize()
	shared, err := share.New("pgquota", newStore(config.DB, table), share.Settings{
		Factor: config.Factor, Timeout: config.Timeout, Fallback: config.Fallback, OnError: config.OnError,
	})
	if err != nil {
		return nil, err
	}
	return &Limiter{shared, config.DB, table}, nil
}

// Limiter is an [amazonpay.Limiter] on PostgreSQL. Make it with [New].
type Limiter struct {
	shared *share.Limiter
	db     DB
	table  string
}

// TableSQL makes the table, if there is none. It is unlogged: after a crash of
// the server it is empty, and each bucket counts as full.
func (l *Limiter) TableSQL() string {
	return `CREATE UNLOGGED TABLE IF NOT EXISTS ` + l.table + ` (
	bucket  text PRIMARY KEY,
	full_at timestamptz NOT NULL -- when the bucket is full again
) WITH (fillfactor = 50)`
}

// CreateTable runs [Limiter.TableSQL].
func (l *Limiter) CreateTable(ctx context.Context) error {
	if _, err := l.db.Exec(ctx, l.TableSQL()); err != nil {
		return fmt.Errorf("pgquota: the table cannot be made: %w", err)
	}
	return nil
}

// Wait returns nil when a request may be made. The error is the context's; or,
// as soon as that is certain, that the turn would come after the context's
// deadline; or that PostgreSQL is out of reach, unless there is a Fallback.
func (l *Limiter) Wait(ctx context.Context, b amazonpay.Bucket, attempt int) error {
	return l.shared.Wait(ctx, b, attempt)
}

// Throttled empties the bucket for all machines.
func (l *Limiter) Throttled(b amazonpay.Bucket) { l.shared.Throttled(b) }

// EstimateDuration is how long n requests take the whole fleet from a full
// bucket.
func (l *Limiter) EstimateDuration(b amazonpay.Bucket, n int) time.Duration {
	return l.shared.EstimateDuration(b, n)
}

// store holds the two statements. clock_timestamp, not now: the row's lock may
// have been waited for.
type store struct {
	db             DB
	reserve, empty string
}

func newStore(db DB, table string) store {
	return store{
		db: db,
		reserve: `INSERT INTO ` + table + ` AS q VALUES ($1, clock_timestamp() + $2::bigint * interval '1 microsecond')
			ON CONFLICT (bucket) DO UPDATE
			SET full_at = CASE
				WHEN q.full_at > clock_timestamp() + $4::bigint * interval '1 microsecond'
				THEN clock_timestamp() + $3::bigint * interval '1 microsecond'
				ELSE greatest(q.full_at, clock_timestamp())
			END + $2::bigint * interval '1 microsecond'
			RETURNING (extract(epoch FROM full_at - clock_timestamp()) * 1000000)::bigint`,
		empty: `INSERT INTO ` + table + ` AS q VALUES ($1, clock_timestamp() + $2::bigint * interval '1 microsecond')
			ON CONFLICT (bucket) DO UPDATE
			SET full_at = greatest(q.full_at, clock_timestamp() + $2::bigint * interval '1 microsecond')`,
	}
}

func (s store) Reserve(ctx context.Context, key string, q share.Quota) (time.Duration, error) {
	var full int64 // µs from now
	err := settle(func() error {
		return s.db.QueryRow(ctx, s.reserve, key, q.Interval.Microseconds(), q.Full().Microseconds(), q.Longest().Microseconds()).Scan(&full)
	})
	return time.Duration(full)*time.Microsecond - q.Full(), err
}

func (s store) Empty(ctx context.Context, key string, q share.Quota) error {
	return settle(func() error {
		_, err := s.db.Exec(ctx, s.empty, key, q.Full().Microseconds())
		return err
	})
}

// settle repeats a statement that PostgreSQL broke off because another one came
// first, as it does where default_transaction_isolation is not read committed.
// It ends with the statement's context.
func settle(statement func() error) error {
	for {
		err := statement()
		refused, ok := errors.AsType[*pgconn.PgError](err)
		if !ok || refused.Code != "40001" && refused.Code != "40P01" {
			return err
		}
	}
}
