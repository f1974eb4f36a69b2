package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/amazonpay-go/amazonpay"
	"github.com/amazonpay-go/amazonpay/internal/endpoint"
)

// config is what the flags and the environment say.
type config struct {
	http, https []string        // addresses
	given       map[string]bool // the flags that somebody set
	names       []string        // of this machine, besides localhost
	caFile      string
	caDir       string
	readyFile   string
	state       string
	quiet       bool
	logFormat   string
	agreement   bool

	region      amazonpay.Region
	environment amazonpay.Environment
	sellers     map[amazonpay.Region]string
	accessKey   string
	secretKey   string
	delegated   map[string]string
	providers   []string
	allowListed bool
	limits      map[amazonpay.Region]amazonpay.Price

	loginClients map[amazonpay.Region]string
	loginSecret  string
	redirectURLs []string

	manual bool
	start  time.Time
	quota  float64
	seed   uint64
	keep   int

	notify       []string
	readTime     time.Duration
	shutdownTime time.Duration
}

// The addresses without any flag.
const (
	defaultHTTP  = "127.0.0.1:8620"
	defaultHTTPS = "127.0.0.1:8643"
)

// listening are the addresses, or the one without a flag. The word off is none.
func listening(addresses []string, otherwise string) []string {
	if len(addresses) == 0 {
		return []string{otherwise}
	}
	return slices.DeleteFunc(addresses, func(s string) bool { return s == "off" })
}

// check finds what single flags cannot see.
func (c *config) check() error {
	if len(c.http)+len(c.https) == 0 {
		return errors.New("-http and -https are both off: there is nothing to listen on")
	}
	owner := make(map[string]amazonpay.Region)
	for _, r := range endpoint.Regions() {
		id := c.seller(r)
		if other, taken := owner[id]; taken {
			return fmt.Errorf("-seller: %s has the seller of %s: a seller belongs to one region", r, other)
		}
		owner[id] = r
	}
	for id := range c.delegated {
		if r, taken := owner[id]; taken {
			return fmt.Errorf("-delegate: the first is the seller of %s already", r)
		}
	}
	clients := make(map[string]amazonpay.Region)
	for _, r := range endpoint.Regions() {
		id := c.loginClient(r)
		if other, taken := clients[id]; taken {
			return fmt.Errorf("-login-client: %s has the client of %s: a client belongs to one region", r, other)
		}
		if len(id) > 100 {
			return fmt.Errorf("-login-client: the id for %s is longer than 100 characters", r)
		}
		clients[id] = r
	}
	return nil
}

// What a client is told without any flag. The keys open nothing but the fake.
const (
	defaultSeller      = "AFAKESELLER01"
	defaultAccessKey   = "AKIAFAKEACCESSKEY"
	defaultSecretKey   = "not-a-secret-key-of-anybody/0123456789+="
	defaultLoginSecret = "not-a-login-secret-of-anybody"
	defaultLoginClient = "amzn1.application-oa2-client.fa4e00000000000000000000000000a1"
)

// seller is the seller of a region: the one of the flag, or the home region's
// with the region behind it.
func (c *config) seller(r amazonpay.Region) string {
	return c.own(c.sellers, r, defaultSeller, string(r))
}

// loginClient is likewise the Login with Amazon client of a region.
func (c *config) loginClient(r amazonpay.Region) string {
	return c.own(c.loginClients, r, defaultLoginClient, "."+strings.ToLower(string(r)))
}

func (c *config) own(ids map[amazonpay.Region]string, r amazonpay.Region, otherwise, suffix string) string {
	home := cmp.Or(ids[c.region], ids[""], otherwise)
	if r == c.region {
		return home
	}
	return cmp.Or(ids[r], home+suffix)
}

func (c *config) delegate(s string) error {
	id, token, ok := strings.Cut(s, "=")
	if !ok || plain(id) != nil || plain(token) != nil {
		return errors.New("wants the form SELLER=TOKEN") // the value is not told: half of it is a secret
	}
	c.delegated[id] = token
	return nil
}

func (c *config) limit(s string) error {
	var p amazonpay.Price
	if err := p.UnmarshalText([]byte(s)); err != nil || p.Minor() <= 0 {
		return errors.New(`must be a price above zero, such as "500.00 EUR"`)
	}
	for _, r := range endpoint.Regions() {
		if r.LedgerCurrency() == string(p.Currency()) {
			c.limits[r] = p
			return nil
		}
	}
	return fmt.Errorf("no region keeps its books in %s", p.Currency())
}
