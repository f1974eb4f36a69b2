package main

import (
	"context"
	"database/sql"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"
	_ "modernc.org/sqlite" // the driver, without cgo
	"riverqueue.com/riverui"
	"riverqueue.com/riverui/uiendpoints"
)

// sqlite is a database in a file, for one process.
type sqlite struct {
	pool  *sql.DB
	river *river.Client[*sql.Tx] // nil before open
	file  string
}

// openSQLite opens or makes the file. There is one connection: SQLite has one
// writer, and River's loops would otherwise meet SQLITE_BUSY. Whatever is not
// spelled _pragma in the address is ignored silently by the driver.
//
// A durable file survives a power failure to the last transaction, and costs a
// few milliseconds for each; any other survives the death of the process.
func openSQLite(file string, durable bool) (*sqlite, error) {
	synchronous := "synchronous(NORMAL)"
	if durable {
		synchronous = "synchronous(FULL)"
	}
	options := url.Values{
		"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", synchronous, "foreign_keys(1)"},
		"_txlock": {"immediate"},
	}
	pool, err := sql.Open("sqlite", "file:"+(&url.URL{Path: file}).EscapedPath()+"?"+options.Encode())
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(1)
	return &sqlite{pool: pool, file: file}, nil
}

func (s *sqlite) name() string       { return "SQLite, " + s.file }
func (s *sqlite) forUpdate() string  { return "" } // a transaction has the file to itself
func (s *sqlite) skipLocked() string { return "" }
func (s *sqlite) identity() string   { return "INTEGER PRIMARY KEY" }
func (s *sqlite) close()             { _ = s.pool.Close() }

func (s *sqlite) alone(_ context.Context, work func() error) error { return work() }

func (s *sqlite) limiter(_ context.Context, factor float64) (amazonpay.Limiter, error) {
	return amazonpay.NewLimiter(factor), nil
}

func (s *sqlite) migrateQueue(ctx context.Context) error {
	migrator, err := rivermigrate.New(riversqlite.New(s.pool), nil)
	if err != nil {
		return err
	}
	_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}

func (s *sqlite) open(config *river.Config) (queue, error) {
	client, err := river.NewClient(riversqlite.New(s.pool), config)
	s.river = client
	return &riverQueue[*sql.Tx]{client}, err
}

func (s *sqlite) within(ctx context.Context, work func(tx) error) error {
	t, err := s.pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = t.Rollback() }()
	if err := work(sqliteTx{t, s.river}); err != nil {
		return err
	}
	return t.Commit()
}

// riverQueue is River's client on any driver.
type riverQueue[T any] struct{ *river.Client[T] }

func (q *riverQueue[T]) pages() uiendpoints.Bundle { return riverui.NewEndpoints(q.Client, nil) }

func (q *riverQueue[T]) backlog(ctx context.Context, queue string) (bool, error) {
	waiting, err := q.JobList(ctx, river.NewJobListParams().Queues(queue).States(rivertype.JobStateAvailable).First(page))
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(waiting.Jobs, func(job *rivertype.JobRow) bool { return job.ScheduledAt.Before(time.Now()) }), nil
}

type sqliteTx struct {
	*sql.Tx
	river *river.Client[*sql.Tx]
}

// sqliteText numbers parameters in SQLite's way: a $1 would be a name there.
func sqliteText(query string) string { return strings.ReplaceAll(query, "$", "?") }

func (t sqliteTx) exec(ctx context.Context, query string, args ...any) (int64, error) {
	result, err := t.ExecContext(ctx, sqliteText(query), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (t sqliteTx) query(ctx context.Context, query string, args ...any) (cursor, error) {
	rows, err := t.QueryContext(ctx, sqliteText(query), args...)
	if err != nil {
		return nil, err
	}
	return sqliteRows{rows}, nil
}

func (t sqliteTx) enqueue(ctx context.Context, jobs ...river.InsertManyParams) error {
	if t.river == nil {
		return errNoQueue
	}
	if len(jobs) == 0 {
		return nil
	}
	_, err := t.river.InsertManyTx(ctx, t.Tx, jobs)
	return err
}

type sqliteRows struct{ *sql.Rows }

func (r sqliteRows) Close() { _ = r.Rows.Close() }
