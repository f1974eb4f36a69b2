// Package endpoint is the one table of where Amazon Pay lives: for every
// region and environment, the hosts, paths, currency and payment domain.
package endpoint

import (
	"errors"
	"strings"
)

// Region is one of the four places in which Amazon Pay keeps its books.
type Region string

// The regions.
const (
	NA Region = "NA" // United States, US dollar
	UK Region = "UK" // United Kingdom, pound sterling
	EU Region = "EU" // Germany and the euro countries, euro
	JP Region = "JP" // Japan, yen
)

// Environment tells real money from play money.
type Environment string

// The environments.
const (
	Production Environment = "production"
	Sandbox    Environment = "sandbox"
)

// Version is the service version, part of every path and of every request.
const Version = "2013-01-01"

// place is a row of the table.
type place struct {
	mws      string // host of the payment API, both environments
	api      string // marketplace domain of tokeninfo and profile, below api[.sandbox].
	token    string // host that exchanges and refreshes Login with Amazon tokens
	consent  string // host of Login with Amazon's consent page
	currency string // ledger currency
	domain   string // PaymentDomain of ListOrderReference
}

// consent is the one host that Login with Amazon documents for the consent
// page. Regional ones (eu.account.amazon.com, apac.account.amazon.com) are seen
// in third-party code only.
const consent = "www.amazon.com"

var places = map[Region]place{
	NA: {"mws.amazonservices.com", "amazon.com", "api.amazon.com", consent, "USD", "NA_USD"},
	UK: {"mws-eu.amazonservices.com", "amazon.co.uk", "api.amazon.co.uk", consent, "GBP", "EU_GBP"},
	EU: {"mws-eu.amazonservices.com", "amazon.de", "api.amazon.co.uk", consent, "EUR", "EU_EUR"},
	JP: {"mws.amazonservices.jp", "amazon.co.jp", "api.amazon.co.jp", consent, "JPY", "FE_JPY"},
}

// The spellings that the official SDKs accept for the regions.
var aliases = map[string]Region{
	"na": NA, "us": NA,
	"uk": UK, "gb": UK,
	"eu": EU, "de": EU, "fr": EU, "it": EU, "es": EU, "cy": EU,
	"jp": JP, "fe": JP,
}

// ParseRegion reads a region in any of Amazon's spellings (na us; uk gb;
// eu de fr it es cy; jp fe), in upper or lower case.
func ParseRegion(s string) (Region, error) {
	if r, ok := aliases[strings.ToLower(strings.TrimSpace(s))]; ok {
		return r, nil
	}
	if s == "" {
		return "", errors.New("region is required: NA, UK, EU or JP")
	}
	return "", errors.New("region is unknown: NA, UK, EU or JP") // the value is not told: it may be a secret in the wrong field
}

// ParseEnvironment reads "production" (or "live") and "sandbox", in upper or
// lower case.
func ParseEnvironment(s string) (Environment, error) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "production", "live":
		return Production, nil
	case "sandbox":
		return Sandbox, nil
	case "":
		return "", errors.New("environment is required: production or sandbox")
	}
	return "", errors.New("environment is unknown: production or sandbox")
}

// Valid reports whether r is one of the four constants.
func (r Region) Valid() bool { _, ok := places[r]; return ok }

// Valid reports whether e is one of the two constants.
func (e Environment) Valid() bool { return e == Production || e == Sandbox }

// MWS is the host of the payment API.
func (r Region) MWS() string { return places[r].mws }

// Path is the path of the payment API, without a trailing slash: the signed
// path must equal the posted one, and every official SDK posts it like this.
func (e Environment) Path() string {
	if e == Sandbox {
		return "/OffAmazonPayments_Sandbox/" + Version
	}
	return "/OffAmazonPayments/" + Version
}

// LedgerCurrency is the ISO 4217 code of the currency that the region's books
// are kept in.
func (r Region) LedgerCurrency() string { return places[r].currency }

// PaymentDomain is the value that ListOrderReference wants for the region.
func (r Region) PaymentDomain() string { return places[r].domain }

// MultiCurrency reports whether merchants of the region may charge in other
// currencies than the ledger's.
func (r Region) MultiCurrency() bool { return r == UK || r == EU }

// API is the host of Login with Amazon's tokeninfo and profile.
func (r Region) API(e Environment) string {
	if e == Sandbox {
		return "api.sandbox." + places[r].api
	}
	return "api." + places[r].api
}

// Token is the host of Login with Amazon's token endpoint. No source names one
// for the sandbox: it is the same.
func (r Region) Token() string { return places[r].token }

// Consent is the host of Login with Amazon's consent page, both environments.
func (r Region) Consent() string { return places[r].consent }
