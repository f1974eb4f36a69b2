package amazonpay_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// The recipe of docs/cookbook.md about an inbox in a database.

type tableInbox struct{ db *sql.DB } // an amazonpay.Inbox

type transaction struct{} // the key of the *sql.Tx in the context that work gets

func (t tableInbox) Once(ctx context.Context, id string, work func(context.Context) error) error {
	tx, err := t.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after Commit
	result, err := tx.ExecContext(ctx, "INSERT INTO inbox (id) VALUES ($1) ON CONFLICT DO NOTHING", id)
	if err != nil {
		return err
	}
	if rows, err := result.RowsAffected(); err != nil || rows == 0 {
		return err // nil: it has been dealt with before
	}
	if err := work(context.WithValue(ctx, transaction{}, tx)); err != nil {
		return err
	}
	return tx.Commit()
}

func receiveInto(inbox tableInbox, verifier *amazonpay.Verifier) http.Handler {
	return verifier.Handler(func(ctx context.Context, n *amazonpay.Notification) error {
		return inbox.Once(ctx, n.ID, func(ctx context.Context) error {
			tx := ctx.Value(transaction{}).(*sql.Tx)
			_, err := tx.ExecContext(ctx, "INSERT INTO todo (object, state) VALUES ($1, $2)", n.ObjectID(), string(n.Status().State))
			return err
		})
	})
}

var _ amazonpay.Inbox = tableInbox{}

// Each notification comes twice, and at the first attempt the disk is full. The
// work (a row of two values) is done once, and nothing of what failed stays.
func Example_inboxInYourDatabase() {
	fake := amazonpaytest.New(amazonpaytest.Settings{Manual: true})
	fake.SetDelivery(amazonpaytest.Delivery{Duplicates: 1})
	database := &memory{inbox: map[string]bool{}, failures: 1}
	fake.Notify(receiveInto(tableInbox{sql.OpenDB(database)}, fake.Client().Notifications()))
	fake.OpenBillingAgreement()
	fake.Deliver()
	fmt.Println(len(database.inbox), "known,", len(database.todo), "to do")
	fake.Advance(2 * time.Hour) // what failed comes again
	fmt.Println(len(database.inbox), "known,", len(database.todo), "to do")
	fmt.Println(fake.Notifications()[0].Attempts, "attempts")
	// Output:
	// 0 known, 0 to do
	// 1 known, 2 to do
	// 3 attempts
}

// Two machines get the same notification at the same time: the second waits for
// the first, and does nothing if that succeeded.
func Example_inboxOnTwoMachines() {
	database := &memory{inbox: map[string]bool{}}
	inbox := tableInbox{sql.OpenDB(database)}
	for _, first := range []error{errors.New("the disk is full"), nil} {
		began, end := make(chan struct{}), make(chan error)
		done := make(chan error, 1)
		go func() {
			done <- inbox.Once(context.Background(), "7b2d7a1e", func(context.Context) error { close(began); return <-end })
		}()
		<-began
		second := make(chan error, 1)
		go func() {
			second <- inbox.Once(context.Background(), "7b2d7a1e", func(context.Context) error { return errors.New("the second did it, too") })
		}()
		end <- first
		fmt.Println(<-done, "/", <-second)
	}
	// Output:
	// the disk is full / the second did it, too
	// <nil> / <nil>
}

// memory is the least of a database: transactions one after the other, a table
// with a unique key and one without.
type memory struct {
	running  sync.Mutex // held by the transaction that runs
	inbox    map[string]bool
	todo     []driver.NamedValue
	failures int // that the table todo still has to come
}

// memoryTx is a connection, and its transaction.
type memoryTx struct {
	*memory
	id   string
	todo []driver.NamedValue
}

var errNotThere = errors.New("not in this database")

func (m *memory) Connect(context.Context) (driver.Conn, error) { return &memoryTx{memory: m}, nil }
func (m *memory) Driver() driver.Driver                        { return nil }

func (t *memoryTx) Prepare(string) (driver.Stmt, error) { return nil, errNotThere }
func (t *memoryTx) Close() error                        { return nil }

func (t *memoryTx) Begin() (driver.Tx, error) {
	t.running.Lock()
	t.id, t.todo = "", nil
	return t, nil
}

func (t *memoryTx) ExecContext(_ context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	switch {
	case strings.HasPrefix(query, "INSERT INTO inbox "):
		id := args[0].Value.(string)
		if t.inbox[id] {
			return driver.RowsAffected(0), nil
		}
		t.id = id
	case t.failures > 0:
		t.failures--
		return nil, errors.New("the disk is full")
	default:
		t.todo = append(t.todo, args...)
	}
	return driver.RowsAffected(1), nil
}

func (t *memoryTx) Commit() error {
	t.inbox[t.id] = true
	t.memory.todo = append(t.memory.todo, t.todo...)
	t.running.Unlock()
	return nil
}

func (t *memoryTx) Rollback() error {
	t.running.Unlock()
	return nil
}
