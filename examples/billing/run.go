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
	if o.database == "" {
		dir, err := os.MkdirTemp("", "billing")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		o.database = filepath.Join(dir, "billing.db")
	}
	db, err := openDatabase(ctx, o.database, o.schema, o.workers, o.live)
	if err != nil {
		return err
	}
	defer db.close()
	if err := migrate(ctx, db); err != nil {
		return err
	}
	if o.live {
		return serve(ctx, o, db, out)
	}
	return demonstrate(ctx, o, db, out)
}

// logger tells what somebody must see and, for real or if asked, how it goes.
func (o *options) logger() *slog.Logger {
	level := slog.LevelError
	if o.verbose || o.live {
		level = slog.LevelInfo
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
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
	c, err := openCalendar(ctx, db, o.firstCalendar())
	if err != nil {
		return err
	}
	if used, err := hasSubscribers(ctx, db); err != nil || used {
		if err == nil {
			err = errors.New("this database has been used: an embedded fake forgets with its process, so take a new one")
		}
		return err
	}
	w := newWorld(c, o.factor, o.faults, o.seed)
	client, err := amazonpay.New(w.config(o.factor))
	if err != nil {
		return err
	}
	s, err := newService(db, client, c, o.settings, o.logger())
	if err != nil {
		return err
	}
	begun := time.Now()
	if _, err := enroll(ctx, db, w.subscribers(o.subscribers, o.declines, o.seed)); err != nil {
		return err
	}
	expected := o.subscribers * o.months
	fmt.Fprintf(out, "%d subscribers, %d obligations, %d workers, on an embedded fake Amazon Pay and %s.\n", o.subscribers, expected, o.workers, db.name())
	fmt.Fprintf(out, "Time-lapse: a day takes %v, and quotas are restored %g times as fast as Amazon's, on both sides.\n", o.day, o.factor)
	fmt.Fprintf(out, "At Amazon's pace, %d charges take %v at least.\n\n", expected, floorOf(client, expected, o.factor).Round(time.Second))

	verifier, err := w.verifier()
	if err != nil {
		return err
	}
	w.fake.Notify(verifier.Handler(s.receive))
	turning, stop := context.WithCancel(ctx)
	defer stop()
	go w.turn(turning)
	page, err := s.startWeb(ctx, o, verifier, out)
	if err != nil {
		return err
	}
	defer page()
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
	c, err := openCalendar(ctx, db, o.firstCalendar())
	if err != nil {
		return err
	}
	if o.imports != "" {
		if err := importFile(ctx, o.imports, db, c, out); err != nil {
			return err
		}
	}
	if err := enrollAtMock(ctx, o, db, c); err != nil {
		return err
	}
	transport := &wire{RoundTripper: http.DefaultTransport}
	o.api.HTTPClient = &http.Client{Transport: transport}
	if o.api.Limiter, err = db.limiter(ctx, o.factor); err != nil {
		return err
	}
	client, err := amazonpay.New(o.api)
	if err != nil {
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
		go mock{o.api.BaseURL}.turn(ctx, c)
	}
	fmt.Fprintf(out, "billing: %s on %s\n", o.role, db.name())
	if !o.once {
		<-ctx.Done()
		return nil
	}
	r, err := s.show(ctx, out, 0, func(r *report) bool {
		return r.Obligations > 0 && r.undecided() == 0 && (o.api.BaseURL == "" || c.now().After(c.horizon))
	})
	if err != nil {
		return err
	}
	r.table(out, traffic{transport.requests.Load(), transport.throttled.Load(), time.Since(begun), client.EstimateDuration("AuthorizeOnBillingAgreement", r.Attempts)})
	if o.api.BaseURL == "" {
		return nil
	}
	return s.audit(ctx, out, r, mock{o.api.BaseURL}.books(ctx))
}

// enrollAtMock lets buyers sign up at an amazonpay-mock, if there are none yet.
func enrollAtMock(ctx context.Context, o options, db database, c calendar) error {
	if o.api.BaseURL == "" || o.imports != "" || o.role == roleWorker || o.role == roleWeb {
		return nil
	}
	if has, err := hasSubscribers(ctx, db); has || err != nil {
		return err
	}
	_, err := enroll(ctx, db, mock{o.api.BaseURL}.subscribers(ctx, o.subscribers, o.declines, o.seed, c.business))
	return err
}

func importFile(ctx context.Context, name string, db database, c calendar, out io.Writer) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	n, err := enroll(ctx, db, readSubscribers(file, c.now()))
	if err == nil {
		fmt.Fprintf(out, "%d subscribers are new\n", n)
	}
	return err
}
