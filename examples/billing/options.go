package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/amazonpay-go/amazonpay"
)

// options are what the flags and the environment say.
type options struct {
	settings

	subscribers int
	declines    float64
	faults      float64
	seed        uint64
	months      int
	factor      float64
	day         time.Duration // how long a day takes

	database string // a file, or the URL of PostgreSQL; empty is a temporary file
	schema   string
	http     string
	password string
	imports  string // a file of subscribers
	backfill bool   // it may hold dates that have passed
	end      string // the subscription to end

	live    bool // no embedded fake: Amazon, or a server in its place
	once    bool // stop when everything is decided
	api     amazonpay.Config
	verbose bool
}

var errHelp = flag.ErrHelp

// readOptions reads the flags and the environment.
func readOptions(args []string, getenv func(string) string, out io.Writer) (o options, err error) {
	o.settings = production()
	flags := flag.NewFlagSet("billing", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.IntVar(&o.subscribers, "subscribers", 300, "how many there are on the embedded fake, or sign up at -base-url if there are none")
	flags.IntVar(&o.workers, "workers", 8, "charges at the same time, in this process")
	flags.Float64Var(&o.declines, "declines", 0.14, "the part of subscribers whose payment method does not work")
	flags.Float64Var(&o.faults, "faults", 1, "how bad the day is: 1 loses 2 % of the answers, and so on; 0 is a good day")
	flags.Uint64Var(&o.seed, "seed", 1, "of subscribers and faults")
	flags.IntVar(&o.months, "months", 1, "how many months are billed on the embedded fake or -base-url; for real, there is no end")
	flags.Float64Var(&o.factor, "factor", 60, "how many times as fast as documented the quota is restored, on the embedded fake or -base-url")
	flags.DurationVar(&o.day, "day", 500*time.Millisecond, "how long a day takes on the embedded fake or -base-url")
	flags.StringVar(&o.database, "database", "", "a SQLite file, or the URL of PostgreSQL; empty is DATABASE_URL. Without both, -live refuses, and anything else takes a temporary file")
	flags.StringVar(&o.schema, "schema", "", "PostgreSQL's schema, which must exist; empty is the URL's")
	flags.StringVar(&o.http, "http", "", "address of the web page, River's pages and the receiver of notifications; a port alone is on this machine only")
	flags.StringVar(&o.role, "role", roleAll, "all, planner, worker or web; other than all needs PostgreSQL")
	flags.StringVar(&o.shop, "shop", o.shop, "the shop's name, in every reference id: never change it")
	flags.IntVar(&o.arrears, "arrears", o.arrears, "how many periods a subscriber may be charged for at once, after an outage or when a card is repaired; older ones are given up")
	flags.StringVar(&o.imports, "import", "", "a CSV file of subscribers: subscription,agreement,amount,currency[,date of the first charge]; without a date the first charge is at once")
	flags.BoolVar(&o.backfill, "backfill", false, "with -import: allow dates that have passed; -arrears says how many of the months since then are charged")
	flags.StringVar(&o.end, "end", "", "end this subscription in the database, and do nothing else")
	flags.BoolVar(&o.live, "live", false, "charge with the keys in the environment (AMAZONPAY_SELLER_ID and so on)")
	flags.BoolVar(&o.once, "once", false, "with -live or -base-url: end when everything is decided, print the table and compare a mock's books")
	flags.StringVar(&o.api.BaseURL, "base-url", "", "an amazonpay-mock in Amazon's place, such as http://127.0.0.1:8620; implies -live in the sandbox")
	flags.BoolVar(&o.verbose, "v", false, "log each call with Amazon's request id, and on the embedded fake what becomes of each charge")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.database == "" {
		o.database = getenv("DATABASE_URL") // no default of the flag: the help shows those, and this has a password in it
	}
	o.password = getenv("BILLING_PASSWORD")
	if flags.NArg() > 0 {
		return o, fmt.Errorf("what is %q?", flags.Arg(0))
	}
	if err := o.check(); err != nil {
		return o, err
	}
	set := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { set[f.Name] = true })
	if err := o.ignored(set); err != nil {
		return o, err
	}
	if !o.live {
		o.hurry()
		return o, nil
	}
	return o, o.keys(getenv)
}

// ignored refuses flags that would have no effect.
func (o *options) ignored(set map[string]bool) error {
	refuse := func(why string, names ...string) error {
		for _, name := range names {
			if set[name] {
				return fmt.Errorf("-%s %s", name, why)
			}
		}
		return nil
	}
	real := o.live && o.api.BaseURL == ""
	switch {
	case real:
		if err := refuse("is for fakes", "subscribers", "declines", "faults", "seed", "months", "factor", "day"); err != nil {
			return err
		}
	case o.live:
		if err := refuse("is for the embedded fake: tell the mock", "faults"); err != nil {
			return err
		}
	default:
		if err := refuse("needs -live or -base-url", "import", "once"); err != nil {
			return err
		}
	}
	if o.imports == "" {
		if err := refuse("needs -import", "backfill"); err != nil {
			return err
		}
	} else if err := refuse("would be ignored: -import brings the subscribers", "subscribers", "declines", "seed"); err != nil {
		return err
	}
	if !isPostgres(o.database) {
		return refuse("is PostgreSQL's", "schema")
	}
	return nil
}

// check finds what single flags cannot see.
func (o *options) check() error {
	if o.api.BaseURL != "" {
		o.live = true
	}
	switch {
	case !slices.Contains([]string{roleAll, rolePlanner, roleWorker, roleWeb}, o.role):
		return fmt.Errorf("-role %s: not all, planner, worker or web", o.role)
	case o.workers < 1 || o.months < 1 || o.arrears < 1 || o.subscribers < 0 || o.day < time.Millisecond || !(o.factor > 0):
		return errors.New("-workers, -months, -arrears, -subscribers, -day or -factor is too small")
	case o.day > 24*time.Hour || math.IsInf(o.factor, 1) || math.IsInf(o.faults, 1):
		return errors.New("-day, -factor or -faults is too large")
	case !(o.declines >= 0 && o.declines <= 1) || !(o.faults >= 0):
		return errors.New("-declines is not between 0 and 1, or -faults is negative")
	case o.end != "" && o.database == "":
		return errors.New("-end needs -database or DATABASE_URL")
	case o.role != roleAll && !o.live:
		return errors.New("-role needs -live or -base-url: the embedded fake lives in one process")
	case o.live && o.api.BaseURL == "" && o.database == "": // a temporary file would be gone with what was charged
		return errors.New("-live needs -database or DATABASE_URL: the ledger must outlive the process")
	case o.role != roleAll && !isPostgres(o.database):
		return errors.New("-role needs PostgreSQL (-database or DATABASE_URL): a SQLite file is for one process")
	case o.role == roleWeb && o.http == "":
		return errors.New("-role web needs -http")
	case o.imports != "" && (o.role == roleWorker || o.role == roleWeb):
		return errors.New("-import is for the planner")
	}
	return checkAddress(o.http, o.password)
}

// hurry shortens what is waited for, as the days are short.
func (o *options) hurry() {
	o.call, o.lease, o.retry = 8*time.Second, 10*time.Second, 300*time.Millisecond
	o.patience, o.certain, o.upkeep, o.poll = 1500*time.Millisecond, 5*time.Second, time.Second, 30*time.Millisecond
}

// keys reads the environment. In a mock's sandbox, keys may be left out: those
// of the fake are no secret.
func (o *options) keys(getenv func(string) string) error {
	o.api.ApplicationName = "billing example"
	if o.api.BaseURL != "" {
		o.api.Region, o.api.Environment = amazonpay.RegionNA, amazonpay.Sandbox
		o.api.SellerID, o.api.AccessKey, o.api.SecretKey = mockKeys()
		o.hurry()
	} else {
		o.factor, o.day = 1, 24*time.Hour
	}
	secret := getenv("AMAZONPAY_SECRET_KEY")
	for name, field := range map[string]*string{
		"SELLER_ID": &o.api.SellerID, "ACCESS_KEY": &o.api.AccessKey,
		"REGION": (*string)(&o.api.Region), "ENVIRONMENT": (*string)(&o.api.Environment),
	} {
		if value := getenv("AMAZONPAY_" + name); value != "" {
			*field = value
		}
	}
	if secret != "" {
		o.api.SecretKey = amazonpay.NewSecretKey(secret)
	}
	if o.api.BaseURL == "" {
		var missing []string
		for _, name := range []string{"SELLER_ID", "ACCESS_KEY", "SECRET_KEY", "REGION", "ENVIRONMENT"} {
			if getenv("AMAZONPAY_"+name) == "" {
				missing = append(missing, "AMAZONPAY_"+name)
			}
		}
		if missing != nil { // a forgotten environment must neither charge anybody nor seem to
			return fmt.Errorf("-live needs %s", strings.Join(missing, ", "))
		}
	}
	if strings.EqualFold(string(o.api.Environment), string(amazonpay.Production)) && o.api.BaseURL != "" && !onThisMachine(o.api.BaseURL) {
		return errors.New("in production, -base-url must be on this machine: its days and quotas are not Amazon's")
	}
	return nil
}

// onThisMachine tells that an address cannot be Amazon's.
func onThisMachine(address string) bool {
	u, err := url.Parse(address)
	return err == nil && isLocal(u.Hostname())
}
