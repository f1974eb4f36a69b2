package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
	"github.com/amazonpay-go/amazonpay/internal/endpoint"
)

// amazon is Amazon Pay of all regions: one fake for each, as each keeps books
// of its own. Their clocks are set together.
type amazon struct {
	home   *books
	all    []*books
	config *config
	log    *slog.Logger

	resetting sync.Mutex
}

// books are a region's fake. A reset puts a new one in its place.
type books struct {
	region amazonpay.Region
	seller string

	mu      sync.RWMutex
	fake    *amazonpaytest.Fake
	journal *journal // nil keeps nothing
	post    *post    // that takes the fake's notifications
}

// now is the fake of the moment.
func (b *books) now() *amazonpaytest.Fake {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.fake
}

// kept is why the books are no longer kept; nil if they are, or need not be.
func (b *books) kept() error {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if b.journal == nil {
		return nil
	}
	return b.fake.JournalError()
}

// newAmazon opens the books of all regions. The log is told of notifications.
func newAmazon(c *config, log *slog.Logger) (*amazon, error) {
	a := &amazon{config: c, log: log}
	for _, r := range endpoint.Regions() {
		b := &books{region: r, seller: c.seller(r)}
		a.all = append(a.all, b)
		if r == c.region {
			a.home = b
		}
	}
	for _, b := range a.served(nil) { // home first: its file is the lock on all
		if c.state != "" {
			b.journal = newJournal(c.stateFile(b.region))
		}
		if err := a.open(b); err != nil {
			return nil, errors.Join(err, a.close())
		}
	}
	a.setClocks()
	return a, nil
}

// setClocks brings the regions that nobody has used to the time of those that
// have been kept.
func (a *amazon) setClocks() {
	latest := a.home.now().Now()
	for _, b := range a.all {
		if now := b.now().Now(); now.After(latest) {
			latest = now
		}
	}
	for _, b := range a.all {
		if latest.Sub(b.now().Now()) > time.Second { // less is what the start takes
			b.now().AdvanceTo(latest)
		}
	}
}

// stateFile is where the books of a region are kept: the home region's in the
// file that was named, the others' beside it.
func (c *config) stateFile(r amazonpay.Region) string {
	if r == c.region {
		return c.state
	}
	return c.state + "." + string(r)
}

// open makes the fake of a region, with the past that the journal remembers.
// Nobody else has the books, or b.mu is held.
func (a *amazon) open(b *books) (err error) {
	settings := a.config.settings(b.region)
	var fake *amazonpaytest.Fake
	if b.journal == nil {
		fake = amazonpaytest.New(settings)
	} else if fake, err = amazonpaytest.Restore(settings, b.journal); err != nil {
		return fmt.Errorf("-state: %s: %w", b.region, err)
	}
	p := newPost(a.log)
	client := &http.Client{Transport: p}
	fake.NotifyEndpoints(client)
	for _, url := range a.config.notify {
		fake.NotifyURL(url, client)
	}
	b.fake, b.post = fake, p
	if b.journal != nil {
		if err := b.journal.begin(b == a.home); err != nil {
			return fmt.Errorf("-state: %w", err)
		}
	}
	return nil
}

// reset forgets everything, also what was kept.
func (a *amazon) reset() error {
	a.resetting.Lock()
	defer a.resetting.Unlock()
	for _, b := range a.all {
		if err := a.renew(b); err != nil {
			return err
		}
	}
	return nil
}

func (a *amazon) renew(b *books) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.post.close() // those on their way may be waiting for our answer
	if b.journal != nil {
		fresh, err := b.journal.renew()
		if err != nil {
			return err
		}
		b.journal = fresh
	}
	return a.open(b)
}

// deliver hands over what is due while the clock stands still. A running one
// does so by itself.
func (a *amazon) deliver(b *books) {
	if a.config.manual {
		go b.now().Deliver()
	}
}

// stop ends the notifications. Those on their way have until the context ends.
func (a *amazon) stop(ctx context.Context) {
	for _, b := range a.all {
		b.post.hold()
	}
	for _, b := range a.all {
		b.post.wait(ctx)
	}
}

// close ends the journals.
func (a *amazon) close() error {
	var problems []error
	for _, b := range a.all {
		if b.journal == nil {
			continue
		}
		if b.fake != nil {
			problems = append(problems, b.kept())
		}
		problems = append(problems, b.journal.Close())
	}
	return errors.Join(problems...)
}

// find is the books of a region in any spelling; empty is home.
func (a *amazon) find(region string) (*books, error) {
	if region == "" {
		return a.home, nil
	}
	r, err := endpoint.ParseRegion(region)
	if err != nil {
		return nil, fmt.Errorf("region %w", err)
	}
	return a.all[slices.IndexFunc(a.all, func(b *books) bool { return b.region == r })], nil
}

// settings are those of a region's fake.
func (c *config) settings(r amazonpay.Region) amazonpaytest.Settings {
	s := amazonpaytest.Settings{
		SellerID: c.seller(r), AccessKey: c.accessKey, SecretKey: c.secretKey,
		Region: r, Environment: c.environment,
		Providers: c.providers, AllowListed: c.allowListed, MonthlyLimit: c.limits[r],
		LoginClients: []amazonpaytest.LoginClient{{ID: c.loginClient(r), Secret: c.loginSecret, RedirectURLs: c.redirectURLs}},
		Start:        c.start, Manual: c.manual, Quota: c.quota, Seed: c.seed, KeepCalls: c.keep,
	}
	if r == c.region {
		s.Delegated = c.delegated
	}
	return s
}
