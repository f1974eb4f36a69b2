package main

import (
	"context"
	"errors"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/fleet/pgquota"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// postgres is PostgreSQL, for any number of processes on any number of
// machines.
type postgres struct {
	pool  *pgxpool.Pool
	river *river.Client[pgx.Tx] // nil before open
}

func openPostgres(ctx context.Context, address, schema string, workers int) (*postgres, error) {
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, err
	}
	if schema != "" {
		config.ConnConfig.RuntimeParams["search_path"] = schema
	}
	if config.MaxConns < int32(workers)+6 { // a worker holds one at a time; River listens on another
		config.MaxConns = int32(workers) + 6
	}
	config.ConnConfig.RuntimeParams["application_name"] = "billing"
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return &postgres{pool: pool}, nil
}

func (p *postgres) name() string {
	c := p.pool.Config().ConnConfig
	return "PostgreSQL, " + c.Database + " on " + c.Host
}

func (p *postgres) forUpdate() string  { return " FOR UPDATE" }
func (p *postgres) skipLocked() string { return " FOR UPDATE SKIP LOCKED" }
func (p *postgres) identity() string   { return "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY" }
func (p *postgres) close()             { p.pool.Close() }

func (p *postgres) alone(ctx context.Context, work func() error) error {
	const key = 0x62696c6c // "bill"
	return p.pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error {
		if _, err := c.Exec(ctx, "SELECT pg_advisory_lock($1)", key); err != nil {
			return err
		}
		defer func() { _, _ = c.Exec(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", key) }()
		return work()
	})
}

// limiter has no fallback: while PostgreSQL is away there is no ledger, either.
func (p *postgres) limiter(ctx context.Context, factor float64) (amazonpay.Limiter, error) {
	shared, err := pgquota.New(pgquota.Config{DB: p.pool, Factor: factor})
	if err != nil {
		return nil, err
	}
	return shared, p.alone(ctx, func() error { return shared.CreateTable(ctx) })
}

func (p *postgres) migrateQueue(ctx context.Context) error {
	migrator, err := rivermigrate.New(riverpgxv5.New(p.pool), nil)
	if err != nil {
		return err
	}
	_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}

func (p *postgres) open(config *river.Config) (queue, error) {
	client, err := river.NewClient(riverpgxv5.New(p.pool), config)
	p.river = client
	return &riverQueue[pgx.Tx]{client}, err
}

// within repeats a transaction that PostgreSQL ended to untie a deadlock.
func (p *postgres) within(ctx context.Context, work func(tx) error) error {
	for try := 0; ; try++ {
		err := pgx.BeginFunc(ctx, p.pool, func(t pgx.Tx) error { return work(postgresTx{t, p.river}) })
		var refused *pgconn.PgError
		if try < 5 && errors.As(err, &refused) && (refused.Code == "40P01" || refused.Code == "40001") {
			continue
		}
		return err
	}
}

type postgresTx struct {
	pgx.Tx
	river *river.Client[pgx.Tx]
}

func (t postgresTx) exec(ctx context.Context, query string, args ...any) (int64, error) {
	tag, err := t.Exec(ctx, query, args...)
	return tag.RowsAffected(), err
}

func (t postgresTx) query(ctx context.Context, query string, args ...any) (cursor, error) {
	return t.Query(ctx, query, args...)
}

func (t postgresTx) enqueue(ctx context.Context, jobs ...river.InsertManyParams) error {
	if t.river == nil {
		return errNoQueue
	}
	if len(jobs) == 0 {
		return nil
	}
	_, err := t.river.InsertManyTx(ctx, t.Tx, jobs)
	return err
}
