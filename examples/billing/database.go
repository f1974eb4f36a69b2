package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"strings"

	"github.com/amazonpay-go/amazonpay"
	"github.com/riverqueue/river"
	"riverqueue.com/riverui/uiendpoints"
)

// database is where the ledger and River's jobs live, side by side, so that a
// job is written in the transaction that it follows from: a SQLite file for one
// process, PostgreSQL for many machines. All SQL is written for both, with
// integers for times and flags; what differs is in here.
type database interface {
	// within runs work in a transaction, and again if the database asks for it.
	within(ctx context.Context, work func(tx) error) error

	forUpdate() string  // behind a SELECT whose rows are going to change
	skipLocked() string // likewise; rows that another process holds are left to it
	identity() string   // the type of an id that the database counts up

	alone(ctx context.Context, work func() error) error // no other process in here meanwhile
	migrateQueue(ctx context.Context) error
	open(config *river.Config) (queue, error)
	// limiter paces everything that shares this database at Amazon's quota, times
	// a factor.
	limiter(ctx context.Context, factor float64) (amazonpay.Limiter, error)

	name() string // for people, without a password
	close()
}

// tx is a transaction. Parameters are $1, $2 …
type tx interface {
	exec(ctx context.Context, query string, args ...any) (rows int64, err error)
	query(ctx context.Context, query string, args ...any) (cursor, error)
	enqueue(ctx context.Context, jobs ...river.InsertManyParams) error
}

// cursor is the rows of a query.
type cursor interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
	Close()
}

// queue is River's client, whose type depends on the driver.
type queue interface {
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
	StopAndCancel(ctx context.Context) error
	backlog(ctx context.Context, queue string) (bool, error) // whether jobs that are due wait for a worker
	pages() uiendpoints.Bundle                               // of River's own user interface
}

// openDatabase opens a SQLite file, or PostgreSQL for a URL of one. The schema
// is PostgreSQL's; empty is the URL's own.
func openDatabase(ctx context.Context, where, schema string, workers int, durable bool) (database, error) {
	if isPostgres(where) {
		return openPostgres(ctx, where, schema, workers)
	}
	return openSQLite(where, durable)
}

func isPostgres(where string) bool {
	return strings.HasPrefix(where, "postgres://") || strings.HasPrefix(where, "postgresql://")
}

//go:embed schema/*.sql
var schemas embed.FS

// migrate brings the tables up to date: River's, then ours, each step once.
func migrate(ctx context.Context, db database) error {
	return db.alone(ctx, func() error {
		if err := db.migrateQueue(ctx); err != nil {
			return err
		}
		return migrateLedger(ctx, db)
	})
}

func migrateLedger(ctx context.Context, db database) error {
	files, err := schemas.ReadDir("schema")
	if err != nil {
		return err
	}
	return db.within(ctx, func(t tx) error {
		if _, err := t.exec(ctx, "CREATE TABLE IF NOT EXISTS billing_migrations (version TEXT PRIMARY KEY)"); err != nil {
			return err
		}
		for _, file := range files { // in the order of their names
			if n, err := t.exec(ctx, "INSERT INTO billing_migrations (version) VALUES ($1) ON CONFLICT DO NOTHING", file.Name()); err != nil || n == 0 {
				if err != nil {
					return err
				}
				continue
			}
			text, err := schemas.ReadFile("schema/" + file.Name())
			if err != nil {
				return err
			}
			for statement := range strings.SplitSeq(strings.ReplaceAll(string(text), "{identity}", db.identity()), ";\n") {
				if strings.TrimSpace(statement) == "" {
					continue
				}
				if _, err := t.exec(ctx, statement); err != nil {
					return fmt.Errorf("%s: %w", file.Name(), err)
				}
			}
		}
		return nil
	})
}

// one scans the first row of a query, if there is any.
func one(ctx context.Context, t tx, query string, args []any, dest ...any) (found bool, err error) {
	rows, err := t.query(ctx, query, args...)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	if rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return false, err
		}
		found = true
	}
	return found, rows.Err()
}

// each scans all rows of a query. Its callback must not use the transaction:
// the rows are still being read.
func each(ctx context.Context, t tx, query string, args []any, row func(scan func(...any) error) error) error {
	rows, err := t.query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

var errNoQueue = errors.New("jobs cannot be written before the queue is open")
