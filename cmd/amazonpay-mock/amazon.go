package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/amazonpaytest"
	"github.com/amazonpay-go/amazonpay/internal/endpoint"
)

// amazon is Amazon Pay of all regions and both environments: a fake for each
// pair, as each keeps books of its own, made when it is first needed. Home's
// clock is the clock: all others follow it.
type amazon struct {
	home   *books
	all    []*books // home first, then the rest of its environment
	config *config
	log    *slog.Logger

	resetting sync.Mutex
}

// books are the fake of a region in an environment. A reset puts a new one in
// its place.
type books struct {
	amazon      *amazon
	region      amazonpay.Region
	environment amazonpay.Environment
	seller      string

	mu      sync.RWMutex
	fake    *amazonpaytest.Fake // nil until it is needed
	journal *journal            // nil keeps nothing
	post    *post               // that takes the fake's notifications
}

// opened is the fake, if it has been needed; otherwise nil.
func (b *books) opened() *amazonpaytest.Fake {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.fake
}

// now is the fake of the moment.
func (b *books) now() *amazonpaytest.Fake {
	if fake := b.opened(); fake != nil {
		return fake
	}
	b.mu.Lock()
	if b.fake == nil {
		if err := b.amazon.open(b); err != nil { // cannot be: there is no past to be read
			b.mu.Unlock()
			panic("amazonpay-mock: " + err.Error())
		}
	}
	fake := b.fake
	b.mu.Unlock()
	b.amazon.follow(b) // the clock may have been moved meanwhile
	return fake
}

// kept is why the books are no longer kept; nil if they are, or need not be.
func (b *books) kept() error {
	if fake := b.opened(); fake != nil {
		return fake.JournalError()
	}
	return nil
}

// newAmazon opens the books of home, and those that have been kept. The log is
// told of notifications, and of a state that is lost.
func newAmazon(c *config, log *slog.Logger) (*amazon, error) {
	a := &amazon{config: c, log: log}
	for _, e := range first(c.environment, amazonpay.Sandbox, amazonpay.Production) {
		for _, r := range first(c.region, endpoint.Regions()...) {
			b := &books{amazon: a, region: r, environment: e, seller: c.seller(r)}
			if c.state != "" {
				b.journal = newJournal(c.stateFile(r, e), log)
			}
			a.all = append(a.all, b)
		}
	}
	a.home = a.all[0]
	if err := a.begin(); err != nil {
		return nil, errors.Join(err, a.close())
	}
	return a, nil
}

// first is the list with one of its members in front.
func first[T comparable](front T, list ...T) []T {
	return append([]T{front}, slices.DeleteFunc(slices.Clone(list), func(x T) bool { return x == front })...)
}

// begin opens home, whose file is the lock on all, and what has been kept.
func (a *amazon) begin() error {
	if err := a.open(a.home); err != nil {
		return err
	}
	if err := a.config.resume(a.home.fake.Settings()); err != nil {
		return err
	}
	for _, b := range a.all[1:] {
		if b.journal == nil || !b.journal.old {
			continue
		}
		if err := a.open(b); err != nil {
			return err
		}
		a.follow(b)
	}
	if a.config.given["quota"] {
		return a.setQuota(a.config.quota)
	}
	return nil
}

// follow brings books to home's time. Less than a second is what a start takes.
func (a *amazon) follow(b *books) {
	fake, now := b.opened(), a.home.opened().Now()
	if fake != nil && now.Sub(fake.Now()) > time.Second {
		fake.AdvanceTo(now)
	}
}

// open makes the fake, with the past that the journal remembers. Nobody else has
// the books, or b.mu is held.
func (a *amazon) open(b *books) (err error) {
	settings := a.settings(b)
	var fake *amazonpaytest.Fake
	if b.journal == nil {
		fake = amazonpaytest.New(settings)
	} else if fake, err = amazonpaytest.Restore(settings, b.journal); err != nil {
		return stateError(b.journal.name, err)
	}
	p := newPost(a.log)
	client := &http.Client{Transport: p}
	fake.NotifyEndpoints(client)
	for _, url := range a.config.notify {
		fake.NotifyURL(url, client)
	}
	if b.journal != nil {
		if err := b.journal.begin(b == a.home); err != nil {
			return fmt.Errorf("-state: %w", err)
		}
	}
	b.fake, b.post = fake, p
	return nil
}

// settings are those of a fake that is made now: its clock and its quota are
// home's.
func (a *amazon) settings(b *books) amazonpaytest.Settings {
	s := a.config.settings(b.region, b.environment)
	if b == a.home {
		return s
	}
	home := a.home.opened()
	s.Start, s.Manual, s.Quota = home.Now(), a.config.manual, home.Settings().Quota
	if b.journal != nil && b.journal.old {
		s.Start = time.Time{} // the journal's
	}
	return s
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

// renew forgets books. If their file cannot be emptied, all stays as it is.
func (a *amazon) renew(b *books) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fake == nil {
		return nil
	}
	if b.journal != nil {
		fresh, err := b.journal.renew()
		if err != nil {
			return err
		}
		b.journal = fresh
	}
	defer b.post.close()
	if b == a.home {
		return a.open(b)
	}
	b.fake = nil
	return nil
}

// act does an act in books.
func (a *amazon) act(b *books, act amazonpaytest.Act) (amazonpaytest.Outcome, error) {
	if act.Do == "Advance" || act.Do == "AdvanceTo" {
		return a.advance(act)
	}
	defer a.deliver(b)
	outcome, err := b.now().Act(act)
	if err != nil {
		return outcome, actProblem(err)
	}
	return outcome, nil
}

// advance moves home's clock, and all others after it.
func (a *amazon) advance(act amazonpaytest.Act) (amazonpaytest.Outcome, error) {
	outcome, err := a.home.now().Act(act)
	for _, b := range a.all[1:] {
		if err == nil && b.opened() != nil {
			_, err = b.now().Act(amazonpaytest.Act{Do: "AdvanceTo", To: outcome.Now})
		}
	}
	if err != nil {
		return outcome, actProblem(err)
	}
	return outcome, nil
}

// setQuota applies a quota in all books.
func (a *amazon) setQuota(factor float64) error {
	for _, b := range a.all {
		if b.opened() == nil || b.now().Settings().Quota == factor {
			continue
		}
		if _, err := a.act(b, amazonpaytest.Act{Do: "SetQuota", Quota: factor}); err != nil {
			return err
		}
	}
	return nil
}

// deliver hands over what is due while the clock stands still. A running one
// does so by itself.
func (a *amazon) deliver(b *books) {
	if a.config.manual {
		go b.now().Deliver()
	}
}

// lost is why something is no longer kept; nil if all is, or need not be.
func (a *amazon) lost() error {
	for _, b := range a.all {
		if err := b.kept(); err != nil {
			return err
		}
	}
	return nil
}

// stop ends the notifications. Those on their way have until the context ends.
func (a *amazon) stop(ctx context.Context) {
	for _, b := range a.all {
		if b.opened() != nil {
			b.post.hold()
		}
	}
	for _, b := range a.all {
		if b.opened() != nil {
			b.post.wait(ctx)
		}
	}
}

// close ends the journals.
func (a *amazon) close() error {
	var problems []error
	for _, b := range a.all {
		if b.journal != nil {
			problems = append(problems, b.kept(), b.journal.Close())
		}
	}
	return errors.Join(problems...)
}

// choose is the books that fit best: of all, home first, each question leaves
// those that it fits, if it fits any.
func (a *amazon) choose(questions ...func(*books) bool) *books {
	left := slices.Clone(a.all)
	for _, fits := range questions {
		if slices.ContainsFunc(left, fits) {
			left = slices.DeleteFunc(left, func(b *books) bool { return !fits(b) })
		}
	}
	return left[0]
}

// in is a question for choose: whether books are those of an environment.
func in(e amazonpay.Environment) func(*books) bool {
	return func(b *books) bool { return b.environment == e }
}

// find is the books of a region and an environment in any spelling; empty is
// home's.
func (a *amazon) find(region, environment string) (*books, *problem) {
	r, e := a.home.region, a.home.environment
	var err error
	if region != "" {
		if r, err = endpoint.ParseRegion(region); err != nil {
			return nil, wrong("region", "%v", err)
		}
	}
	if environment != "" {
		if e, err = endpoint.ParseEnvironment(environment); err != nil {
			return nil, wrong("environment", "%v", err)
		}
	}
	return a.choose(in(e), func(b *books) bool { return b.region == r }), nil
}

// settings are those of the flags.
func (c *config) settings(r amazonpay.Region, e amazonpay.Environment) amazonpaytest.Settings {
	s := amazonpaytest.Settings{
		SellerID: c.seller(r), AccessKey: c.accessKey, SecretKey: c.secretKey,
		Region: r, Environment: e,
		Providers: c.providers, AllowListed: c.allowListed, MonthlyLimit: c.limits[r],
		LoginClients: []amazonpaytest.LoginClient{{ID: c.loginClient(r), Secret: c.loginSecret, RedirectURLs: c.redirectURLs}},
		Start:        c.start, Manual: c.manual, Quota: c.quota, Seed: c.seed, KeepCalls: c.keep,
	}
	if r == c.region {
		s.Delegated = c.delegated
	}
	return s
}

// stateFile is where books are kept: home's in the file that was named, the
// others' beside it.
func (c *config) stateFile(r amazonpay.Region, e amazonpay.Environment) string {
	name := c.state
	if r != c.region {
		name += "." + string(r)
	}
	if e != c.environment {
		name += "." + string(e)
	}
	return name
}

// resume goes on with what home's books were begun with. A flag that was given
// and says something else is a mistake: it would have no effect.
func (c *config) resume(kept amazonpaytest.Settings) error {
	for name, same := range map[string]bool{
		"manual-clock": c.manual == kept.Manual, "allow-listed": c.allowListed == kept.AllowListed, "seed": c.seed == kept.Seed,
	} {
		if c.given[name] && !same {
			return fmt.Errorf("-state: %s was begun with another -%s, which stays as it is", c.state, name)
		}
	}
	if c.manual = kept.Manual; c.manual {
		c.start = kept.Start
	}
	return nil
}

// settingFlags are the flags by what they set.
var settingFlags = map[string]string{
	"SellerID": "-seller", "Region": "-region", "Environment": "-environment", "Delegated": "-delegate", "Providers": "-provider",
	"AllowListed": "-allow-listed", "MonthlyLimit": "-monthly-limit", "LoginClients": "-login-client",
	"Start": "-start", "Manual": "-manual-clock", "Seed": "-seed",
}

// stateError names the file, and the flag if it is one that does not fit.
func stateError(file string, err error) error {
	setting, found := strings.CutPrefix(err.Error(), "amazonpaytest: journal: Settings.")
	name, text, _ := strings.Cut(setting, " ")
	_, kept, _ := strings.Cut(text, "was begun with ")
	if flag := settingFlags[name]; found && flag != "" {
		return fmt.Errorf("-state: %s was begun with %s %s, which stays as it is", file, flag, kept)
	}
	return fmt.Errorf("-state: %s: %w", file, err)
}
