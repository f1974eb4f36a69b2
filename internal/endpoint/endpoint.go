// Package endpoint is the one table of where Amazon Pay lives: for every
// region and environment, the hosts, paths, currency and payment domain.
// What only this module needs is a function and no method, so that users of the
// public aliases of [Region] and [Environment] cannot call it.
package endpoint

import (
	"errors"
	"slices"
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

// Regions are all regions, in the order of the constants.
func Regions() []Region { return []Region{NA, UK, EU, JP} }

// Environment tells real money from play money.
type Environment string

// The environments.
const (
	Production Environment = "production"
	Sandbox    Environment = "sandbox"
)

// Version is the service version, part of every path and of every request.
const Version = "2013-01-01"

// SigningName is the name in the certificates of notifications, in all regions.
const SigningName = "sns.amazonaws.com"

// Consent is the one host that Login with Amazon documents for the consent
// page, in all regions and both environments. Regional ones
// (eu.account.amazon.com, apac.account.amazon.com) are seen in third-party code
// only.
const Consent = "www.amazon.com"

// place is a row of the table.
type place struct {
	mws      string // host of the payment API, both environments
	market   string // the marketplace's domain: its site, and tokeninfo and profile below api[.sandbox].
	token    string // host that exchanges and refreshes Login with Amazon tokens
	currency string // of the ledger
	payment  string // PaymentDomain of ListOrderReference
	static   string // host of Widgets.js
	script   string // the region's part of its path; older pages have uk and de for gbp and eur
	sns      string // AWS region of the topics
}

var places = map[Region]place{
	NA: {"mws.amazonservices.com", "amazon.com", "api.amazon.com", "USD", "NA_USD", "static-na.payments-amazon.com", "us", "us-east-1"},
	UK: {"mws-eu.amazonservices.com", "amazon.co.uk", "api.amazon.co.uk", "GBP", "EU_GBP", "static-eu.payments-amazon.com", "gbp", "eu-west-1"},
	EU: {"mws-eu.amazonservices.com", "amazon.de", "api.amazon.co.uk", "EUR", "EU_EUR", "static-eu.payments-amazon.com", "eur", "eu-west-1"},
	JP: {"mws.amazonservices.jp", "amazon.co.jp", "api.amazon.co.jp", "JPY", "FE_JPY", "static-fe.payments-amazon.com", "jp", "us-west-2"},
}

// The spellings that the official SDKs accept for the regions.
var aliases = map[string]Region{
	"na": NA, "us": NA,
	"uk": UK, "gb": UK,
	"eu": EU, "de": EU, "fr": EU, "it": EU, "es": EU, "cy": EU,
	"jp": JP, "fe": JP,
}

// ParseRegion reads a region in any of Amazon's spellings (na us; uk gb;
// eu de fr it es cy; jp fe), in upper or lower case. The error says what the
// value "is", for the caller to say of what.
func ParseRegion(s string) (Region, error) {
	if r, ok := aliases[strings.ToLower(strings.TrimSpace(s))]; ok {
		return r, nil
	}
	if s == "" {
		return "", errors.New("is required: NA, UK, EU or JP")
	}
	return "", errors.New("is unknown: NA, UK, EU or JP") // the value is not told: it may be a secret in the wrong field
}

// ParseEnvironment reads "production" (or "live") and "sandbox", in upper or
// lower case. Its errors are like those of [ParseRegion].
func ParseEnvironment(s string) (Environment, error) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "production", "live":
		return Production, nil
	case "sandbox":
		return Sandbox, nil
	case "":
		return "", errors.New("is required: production or sandbox")
	}
	return "", errors.New("is unknown: production or sandbox")
}

// Valid reports whether r is one of the four constants.
func (r Region) Valid() bool { _, ok := places[r]; return ok }

// Valid reports whether e is one of the two constants.
func (e Environment) Valid() bool { return e == Production || e == Sandbox }

// LedgerCurrency is the ISO 4217 code of the currency that the region's books
// are kept in.
func (r Region) LedgerCurrency() string { return places[r].currency }

// ConfirmationFlow reports whether banks of the region ask buyers for strong
// customer authentication: UK and EU. There a confirmation goes by Amazon's own
// page, and names the pages that the buyer comes back to.
func (r Region) ConfirmationFlow() bool { return r == UK || r == EU }

// MultiCurrency reports whether merchants of the region may charge in other
// currencies than the ledger's.
func MultiCurrency(r Region) bool { return r == UK || r == EU }

// PaymentDomain is the value that ListOrderReference wants for the region.
func PaymentDomain(r Region) string { return places[r].payment }

// MWS is the host of the payment API, both environments.
func MWS(r Region) string { return places[r].mws }

// Path is the path of the payment API, without a trailing slash: the signed
// path must equal the posted one, and every official SDK posts it like this.
func Path(e Environment) string {
	if e == Sandbox {
		return "/OffAmazonPayments_Sandbox/" + Version
	}
	return "/OffAmazonPayments/" + Version
}

// API is the host of Login with Amazon's tokeninfo and profile.
func API(r Region, e Environment) string {
	if e == Sandbox {
		return "api.sandbox." + places[r].market
	}
	return "api." + places[r].market
}

// Token is the host of Login with Amazon's token endpoint. No source names one
// for the sandbox: it is the same.
func Token(r Region) string { return places[r].token }

// Market is the marketplace's domain, which the region's pages belong to.
func Market(r Region) string { return places[r].market }

// WidgetsHost is the host of the region's Widgets.js, both environments.
func WidgetsHost(r Region) string { return places[r].static }

// WidgetsPath is the path of the region's Widgets.js.
func WidgetsPath(r Region, e Environment) string {
	path := "/OffAmazonPayments/" + places[r].script + "/"
	if e == Sandbox {
		path += "sandbox/"
	}
	if r != NA {
		path += "lpa/"
	}
	return path + "js/Widgets.js"
}

// SNS is the host that serves the certificates of notifications.
func SNS(r Region) string { return "sns." + places[r].sns + ".amazonaws.com" }

// Hosts are the names of everything that a client, a browser or a verifier of
// notifications reaches in the region, both environments. Of the last four, two
// have the script of Login with Amazon alone, and two are consent pages that are
// seen in third-party code only.
func Hosts(r Region) []string {
	hosts := []string{
		MWS(r), API(r, Production), API(r, Sandbox), Token(r), Consent,
		"www." + Market(r), WidgetsHost(r), SNS(r), SNS(NA), // whence chargebacks come everywhere
		"assets.loginwithamazon.com", "api-cdn.amazon.com",
		"eu.account.amazon.com", "apac.account.amazon.com",
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}
