package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
)

// run is the program: a run on the embedded fake, or a process of the service.
func run(ctx context.Context, o options, out io.Writer) error {
	err := o.run(ctx, out)
	if ctx.Err() == nil || err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	if o.live && !o.once { // a service goes on until it is stopped
		return nil
	}
	return errInterrupted
}

var errInterrupted = errors.New("interrupted: the ledger has not been compared with the books")

func (o options) run(ctx context.Context, out io.Writer) error {
	if o.database == "" {
		dir, err := os.MkdirTemp("", "billing")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		o.database = filepath.Join(dir, "billing.db")
	}
	if !isPostgres(o.database) {
		unlock, err := lockFile(o.database + ".lock")
		if err != nil {
			return err
		}
		defer unlock()
	}
	db, err := openDatabase(ctx, o.database, o.schema, o.workers, o.live)
	if err != nil {
		return err
	}
	defer db.close()
	if err := migrate(ctx, db); err != nil {
		return err
	}
	switch {
	case o.end != "":
		return endSubscription(ctx, db, o.end, out)
	case o.live:
		return serve(ctx, o, db, out)
	}
	return demonstrate(ctx, o, db, out)
}

// logger writes what somebody must see and, for real or if asked, what happens.
func (o *options) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: o.level()}))
}

func (o *options) level() slog.Level {
	switch {
	case o.verbose:
		return slog.LevelDebug // each call to Amazon, with its request id
	case o.live:
		return slog.LevelInfo
	}
	return slog.LevelError
}

// firstCalendar begins now, with days of the length asked for.
func (o *options) firstCalendar() calendar {
	now := time.Now().Truncate(time.Millisecond)
	c := calendar{business: now.UTC(), wall: now, speed: max(1, int64(24*time.Hour/o.day)), horizon: now.AddDate(100, 0, 0)}
	if !o.live {
		c.business = time.Date(2026, 1, 15, 9, 0, 0, 0, time.UTC) // mornings are good for charges
	}
	if !o.live || o.api.BaseURL != "" {
		c.horizon = c.business.AddDate(0, o.months-1, 1)
	}
	return c
}

var errDifferent = errors.New("the ledger and the books differ")

// demonstrate bills on the embedded fake.
func demonstrate(ctx context.Context, o options, db database, out io.Writer) error {
	c := o.firstCalendar()
	w := newWorld(c, o.factor, o.faults, o.seed)
	config := w.config(o.factor)
	config.Logger = o.logger()
	client, err := amazonpay.New(config)
	if err != nil {
		return err
	}
	if _, err := openCalendar(ctx, db, identityOf(serviceFake, client, o.shop), c); err != nil {
		return err
	}
	if used, err := hasSubscribers(ctx, db); err != nil || used {
		if err == nil {
			err = errors.New("this database has been used: an embedded fake forgets with its process, so take a new one")
		}
		return err
	}
	s, err := newService(db, client, c, o.settings, o.logger())
	if err != nil {
		return err
	}
	verifier, err := w.verifier()
	if err != nil {
		return err
	}
	page, err := s.startWeb(ctx, o, verifier, out) // before anything is written: its address may be taken
	if err != nil {
		return err
	}
	defer page()
	begun := time.Now()
	if _, err := enroll(ctx, db, w.subscribers(o.subscribers, o.declines, o.seed)); err != nil {
		return err
	}
	expected := o.subscribers * o.months
	fmt.Fprintf(out, "%d subscribers, %d obligations, %d workers, on an embedded fake Amazon Pay and %s.\n", o.subscribers, expected, o.workers, db.name())
	fmt.Fprintf(out, "Time-lapse: a day takes %v, and quotas are restored %g times as fast as Amazon's, on both sides.\n", o.day, o.factor)
	fmt.Fprintf(out, "At Amazon's pace, %d charges take %v at least.\n\n", expected, floorOf(client, expected, o.factor).Round(time.Second))

	w.fake.Notify(verifier.Handler(s.receive))
	turning, stop := context.WithCancel(ctx)
	defer stop()
	go w.turn(turning)
	if err := s.start(ctx); err != nil {
		return err
	}
	defer s.stop()

	last := c.horizon.AddDate(0, 0, 4) // buyers have had their days
	r, err := s.show(ctx, out, expected, func(r *report) bool {
		return r.Obligations >= expected && r.undecided() == 0 && c.now().After(last)
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(out)
	r.table(out, traffic{w.wire.requests.Load(), w.wire.throttled.Load(), time.Since(begun), client.EstimateDuration("AuthorizeOnBillingAgreement", r.Attempts)})
	return s.audit(ctx, out, r, w.books(ctx))
}

func hasSubscribers(ctx context.Context, db database) (has bool, err error) {
	err = db.within(ctx, func(t tx) error {
		var id int64
		has, err = one(ctx, t, "SELECT id FROM subscriptions LIMIT 1", nil, &id)
		return err
	})
	return has, err
}

// floorOf is the least time that so many charges take at Amazon's quota.
func floorOf(client *amazonpay.Client, n int, factor float64) time.Duration {
	return time.Duration(float64(client.EstimateDuration("AuthorizeOnBillingAgreement", n)) * factor)
}

// audit compares the ledger with the books, and says so.
func (s *service) audit(ctx context.Context, out io.Writer, r *report, books iter.Seq2[movement, error]) error {
	differences, err := s.compare(ctx, books)
	if err != nil {
		return err
	}
	for _, d := range differences {
		fmt.Fprintln(out, "  DIFFERENT:", d)
	}
	if len(differences) > 0 || r.Double > 0 || r.Conflicts > 0 {
		return fmt.Errorf("%w: %d obligations paid twice, %d attempts contradictory", errDifferent, r.Double, r.Conflicts)
	}
	fmt.Fprintf(out, "\nThe ledger agrees with the books, reference id by reference id, to the cent: %d payments.\n", r.Paid)
	return nil
}

// mockKeys are those that fakes take if not told otherwise.
func mockKeys() (sellerID, accessKey string, secretKey amazonpay.SecretKey) {
	config := amazonpaytest.New(amazonpaytest.Settings{}).Config()
	return config.SellerID, config.AccessKey, config.SecretKey
}

// serve is a process of the service, for real money or against a mock.
func serve(ctx context.Context, o options, db database, out io.Writer) error {
	transport := &wire{RoundTripper: http.DefaultTransport}
	o.api.HTTPClient = &http.Client{Transport: transport}
	o.api.Logger = o.logger()
	limiter, err := db.limiter(ctx, o.factor)
	if err != nil {
		return err
	}
	o.api.Limiter = limiter
	client, err := amazonpay.New(o.api)
	if err != nil {
		return err
	}
	who := identityOf(serviceAmazon, client, o.shop)
	if o.api.BaseURL != "" {
		who.service = serviceMock
	}
	c, err := openCalendar(ctx, db, who, o.firstCalendar())
	if err != nil {
		return err
	}
	if err := o.enlist(ctx, db, c, out); err != nil {
		return err
	}
	if c, err = openCalendar(ctx, db, who, c); err != nil { // its horizon may have moved
		return err
	}
	s, err := newService(db, client, c, o.settings, o.logger())
	if err != nil {
		return err
	}
	page, err := s.startWeb(ctx, o, client.Notifications(), out)
	if err != nil {
		return err
	}
	defer page()
	begun := time.Now()
	if err := s.start(ctx); err != nil {
		return err
	}
	defer s.stop()
	if o.api.BaseURL != "" && (o.role == roleAll || o.role == rolePlanner) {
		go mock{o.api.BaseURL}.turn(ctx, c, s.log)
	}
	fmt.Fprintf(out, "billing: %s on %s\n", o.role, db.name())
	if !o.once {
		<-ctx.Done()
		return nil
	}
	return s.finish(ctx, o, transport, begun, out)
}

// finish shows the run until all is decided, and compares it with the mock's
// books.
func (s *service) finish(ctx context.Context, o options, transport *wire, begun time.Time, out io.Writer) error {
	r, err := s.show(ctx, out, 0, func(r *report) bool {
		return r.Obligations > 0 && r.undecided() == 0 && (o.api.BaseURL == "" || s.calendar.now().After(s.calendar.horizon))
	})
	if err != nil {
		return err
	}
	r.table(out, traffic{transport.requests.Load(), transport.throttled.Load(), time.Since(begun), s.client.EstimateDuration("AuthorizeOnBillingAgreement", r.Attempts)})
	if o.api.BaseURL == "" {
		return nil
	}
	return s.audit(ctx, out, r, mock{o.api.BaseURL}.books(ctx))
}

// enlist brings subscribers into the database: those of a file, or at an
// amazonpay-mock some that sign up, if there are none yet.
func (o *options) enlist(ctx context.Context, db database, c calendar, out io.Writer) error {
	if o.imports != "" {
		return importFile(ctx, o.imports, db, c, o.backfill, out)
	}
	has, err := hasSubscribers(ctx, db)
	if has || err != nil {
		return err
	}
	if o.api.BaseURL != "" && (o.role == roleAll || o.role == rolePlanner) {
		_, err := enroll(ctx, db, mock{o.api.BaseURL}.subscribers(ctx, o.subscribers, o.declines, o.seed, c.business))
		return err
	}
	if o.once && o.role == roleAll {
		return errors.New("-once has nothing to do: this database has no subscribers")
	}
	return nil
}
