package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/internal/endpoint"
)

// flagSet is the table of flags. It collects what is wrong with all of them.
type flagSet struct {
	*flag.FlagSet
	repeatable map[string]bool
	variable   string // that is being read; empty for the arguments
	problems   []error
}

// envPrefix makes the name of a variable from a flag's: AMAZONPAY_MOCK_CA_FILE
// is -ca-file.
const envPrefix = "AMAZONPAY_MOCK_"

func envName(flagName string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flagName, "-", "_"))
}

// noting keeps what is wrong with a flag for later. The value is never told: it
// may be a secret, if only one that was meant for another flag.
func (fs *flagSet) noting(name string, set func(string) error) func(string) error {
	return func(s string) error {
		if err := set(s); err != nil {
			where := "-" + name
			if fs.variable != "" {
				where = fs.variable
			}
			fs.problems = append(fs.problems, fmt.Errorf("%s: %w", where, err))
		}
		return nil
	}
}

// one is a flag that is read by a function.
func (fs *flagSet) one(name, usage string, set func(string) error) {
	fs.Func(name, usage, fs.noting(name, set))
}

// many is a flag that may be repeated. In the environment its values are
// separated by commas.
func (fs *flagSet) many(name, usage string, add func(string) error) {
	fs.repeatable[name] = true
	fs.one(name, usage, add)
}

// onOff is a flag that needs no value.
func (fs *flagSet) onOff(field *bool, name, usage string) {
	fs.BoolFunc(name, usage, fs.noting(name, func(s string) (err error) {
		if *field, err = strconv.ParseBool(s); err != nil {
			return errors.New("must be true or false")
		}
		return nil
	}))
}

func (fs *flagSet) list(field *[]string, name, usage string, check func(string) error) {
	fs.many(name, usage, func(s string) error {
		*field = append(*field, s)
		return check(s)
	})
}

// perRegion is a flag whose value is the home region's, or with a region in
// front, as in UK=…, that region's. The home region stands under "".
func (fs *flagSet) perRegion(field map[amazonpay.Region]string, name, usage string) {
	fs.many(name, usage, func(s string) error {
		region, value := amazonpay.Region(""), s
		if before, after, ok := strings.Cut(s, "="); ok {
			r, err := endpoint.ParseRegion(before)
			if err != nil {
				return fmt.Errorf("region %w", err)
			}
			region, value = r, after
		}
		if err := plain(value); err != nil {
			return err
		}
		field[region] = value
		return nil
	})
}

// flags are all flags, with the fields that they fill.
func (c *config) flags() *flagSet {
	fs := &flagSet{FlagSet: flag.NewFlagSet("amazonpay-mock", flag.ContinueOnError), repeatable: make(map[string]bool)}
	fs.SetOutput(io.Discard) // run prints what is wrong, once
	c.serverFlags(fs)
	c.accountFlags(fs)
	c.behaviourFlags(fs)
	return fs
}

// serverFlags say how the process is reached.
func (c *config) serverFlags(fs *flagSet) {
	fs.list(&c.http, "http", "listen for HTTP on `ADDRESS`, or off; port 0 takes a free one (default "+defaultHTTP+")", address)
	fs.list(&c.https, "https", "listen for HTTPS on `ADDRESS`, or off (default "+defaultHTTPS+")", address)
	fs.list(&c.names, "name", "`NAME` of this machine, for the certificate and the control API, besides localhost", hostName)
	fs.StringVar(&c.caFile, "ca-file", "", "write the certificate authority to `FILE`, for clients to trust")
	fs.StringVar(&c.caDir, "ca-dir", "", "keep the certificate authority and its key in `DIR`, so that trust outlives the process")
	fs.StringVar(&c.readyFile, "ready-file", "", "write the addresses as JSON to `FILE` when everybody can be answered; removed at the end")
	fs.StringVar(&c.state, "state", "", "keep everything in `FILE`, over restarts; other regions and environments in files beside it")
	fs.onOff(&c.quiet, "quiet", "print nothing and log warnings only")
	c.logFormat = "text"
	fs.one("log", "`FORMAT` of the log on standard error: text or json (default text)", oneOf(&c.logFormat, "text", "json"))
	fs.onOff(&c.agreement, "agreement", "make a billing agreement that can be charged, at every start, and print its id")
}

// accountFlags say who is registered with Amazon.
func (c *config) accountFlags(fs *flagSet) {
	c.sellers, c.loginClients = make(map[amazonpay.Region]string), make(map[amazonpay.Region]string)
	c.delegated, c.limits = make(map[string]string), make(map[amazonpay.Region]amazonpay.Price)
	c.accessKey, c.secretKey, c.loginSecret = defaultAccessKey, defaultSecretKey, defaultLoginSecret
	c.region, c.environment = amazonpay.RegionNA, amazonpay.Sandbox
	fs.one("region", "home `REGION`: NA, UK, EU or JP (default NA)", parsed(&c.region, endpoint.ParseRegion))
	fs.one("environment", "`ENVIRONMENT` where nothing else says it, as for the sign-in and the control API: sandbox or production (default sandbox)", parsed(&c.environment, endpoint.ParseEnvironment))
	fs.perRegion(c.sellers, "seller", "seller `ID` of the home region, or REGION=ID (default "+defaultSeller+", with the region behind it elsewhere)")
	fs.one("access-key", "MWS access key `ID` of all sellers (default a made-up one)", parsed(&c.accessKey, plainText))
	fs.one("secret-key", "MWS secret `KEY` of all sellers; never a real one (default a made-up one)", parsed(&c.secretKey, plainText))
	fs.many("delegate", "`SELLER=TOKEN` of the home region that the keys may also act for, with its MWSAuthToken", c.delegate)
	fs.list(&c.providers, "provider", "seller `ID` of a solution provider that may get credits", plain)
	fs.onOff(&c.allowListed, "allow-listed", "show the sellers billing address, payment descriptor and address verification")
	fs.many("monthly-limit", "what an agreement may be charged in a month: `PRICE` such as \"500.00 EUR\", of the region with that currency", c.limit)

	fs.perRegion(c.loginClients, "login-client", "Login with Amazon client `ID` of the home region, or REGION=ID (default a made-up one)")
	fs.one("login-secret", "client `SECRET` of all login clients; never a real one (default a made-up one)", parsed(&c.loginSecret, plainText))
	fs.list(&c.redirectURLs, "redirect-url", "Allowed Return `URL` of the login clients (default any on https or this machine)", returnURL)
}

// behaviourFlags say how Amazon behaves.
func (c *config) behaviourFlags(fs *flagSet) {
	fs.onOff(&c.manual, "manual-clock", "let the business clock stand still until it is told to move")
	fs.one("start", "business clock at the start, as `TIME` in RFC 3339 (default now; with -manual-clock 2026-01-15T12:00:00Z)", parsed(&c.start, parseStart))
	fs.one("quota", "apply Amazon's quotas, restored `FACTOR` times as fast as documented (default 0, none)", parsed(&c.quota, parseFactor))
	fs.one("seed", "`NUMBER` that decides how probabilities fall out (default 0)", parsed(&c.seed, parseSeed))
	c.keep = 10000
	fs.one("keep-calls", "remember the latest `NUMBER` calls and notifications; 0 is all (default 10000)", parsed(&c.keep, parseCount))

	fs.list(&c.notify, "notify", "deliver notifications to `URL`, besides those of SetMerchantNotificationConfiguration", notifyURL)
	c.readTime, c.shutdownTime = 15*time.Second, 10*time.Second
	fs.one("read-timeout", "how long a request may take to arrive, as `DURATION` (default 15s)", parsed(&c.readTime, parseDuration))
	fs.one("shutdown-timeout", "how long requests may go on after the first signal, as `DURATION` (default 10s)", parsed(&c.shutdownTime, parseDuration))
}

// readConfig reads the arguments and the environment, of which the arguments
// win. Everything that is wrong is named at once.
func readConfig(args, environ []string, out io.Writer) (*config, error) {
	c := new(config)
	fs := c.flags()
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			usage(fs, out)
		}
		return nil, errors.Join(append(fs.problems, err)...)
	}
	if fs.NArg() > 0 {
		fs.problems = append(fs.problems, errors.New("there are arguments behind the flags: "+
			"a flag that is not repeated takes one value, and on or off flags take it as -quiet=false"))
	}
	fs.fromEnvironment(environ)
	c.given = fs.given()
	if err := errors.Join(fs.problems...); err != nil {
		return nil, err
	}
	c.http, c.https = listening(c.http, defaultHTTP), listening(c.https, defaultHTTPS)
	return c, c.check()
}

// given are the flags that have been set.
func (fs *flagSet) given() map[string]bool {
	given := make(map[string]bool)
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	return given
}

// fromEnvironment sets the flags that were not given. A variable that is no
// flag is a mistake, too; an empty one is none.
func (fs *flagSet) fromEnvironment(environ []string) {
	given, names := fs.given(), make(map[string]string)
	fs.VisitAll(func(f *flag.Flag) { names[envName(f.Name)] = f.Name })
	for _, entry := range environ {
		variable, value, _ := strings.Cut(entry, "=")
		name, known := names[variable]
		switch {
		case !strings.HasPrefix(variable, envPrefix) || known && given[name] || value == "":
			continue
		case !known:
			fs.problems = append(fs.problems, fmt.Errorf("%s is no variable of this program", variable))
			continue
		}
		values := []string{value}
		if fs.repeatable[name] {
			values = strings.Split(value, ",")
		}
		fs.variable = variable
		for _, v := range values {
			_ = fs.Set(name, strings.TrimSpace(v)) // what is wrong is noted
		}
	}
}

func usage(fs *flagSet, out io.Writer) {
	fmt.Fprint(out, `amazonpay-mock is a fake Amazon Pay (MWS, 2013-01-01) as a server, for clients in
any language and for browsers.

usage: amazonpay-mock [flags]

Every flag is also a variable: -ca-file is `+envName("ca-file")+`. Flags win.
Flags marked * may be repeated; in a variable their values are separated by commas.

`)
	fs.VisitAll(func(f *flag.Flag) {
		value, text := flag.UnquoteUsage(f)
		star := ""
		if fs.repeatable[f.Name] {
			star = " *"
		}
		fmt.Fprintf(out, "  -%s %s%s\n    \t%s\n", f.Name, value, star, text)
	})
}
