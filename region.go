package amazonpay

import (
	"fmt"

	"github.com/amazonpay-go/amazonpay/internal/endpoint"
)

// Region is one of the four places in which Amazon Pay keeps its books. It
// decides the host, the ledger currency and the sign-in servers. A [Config]
// also takes Amazon's other spellings, such as "us", "de" or "gb". It can tell
// whether it is Valid, its LedgerCurrency, and whether its banks may ask the buyer
// (ConfirmationFlow).
type Region = endpoint.Region

// The regions. Merchants in RegionUK and RegionEU may charge in other
// currencies than their own; those in RegionNA and RegionJP may not.
const (
	RegionNA = endpoint.NA // United States: US dollar, mws.amazonservices.com
	RegionUK = endpoint.UK // United Kingdom: pound sterling, mws-eu.amazonservices.com
	RegionEU = endpoint.EU // Germany and the euro countries: euro, mws-eu.amazonservices.com
	RegionJP = endpoint.JP // Japan: yen, mws.amazonservices.jp
)

// Environment tells real money from play money. There is no default: a
// forgotten field must neither charge anybody nor seem to.
type Environment = endpoint.Environment

// The environments.
const (
	Production = endpoint.Production
	Sandbox    = endpoint.Sandbox
)

// ParseRegion reads a region in any of Amazon's spellings (na, us; uk, gb; eu,
// de, fr, it, es, cy; jp, fe), in upper or lower case, for example from an
// environment variable.
func ParseRegion(s string) (Region, error) {
	r, err := endpoint.ParseRegion(s)
	if err != nil {
		return "", fmt.Errorf("amazonpay: region %w", err)
	}
	return r, nil
}

// ParseEnvironment reads "production" (or "live") and "sandbox", in upper or
// lower case.
func ParseEnvironment(s string) (Environment, error) {
	e, err := endpoint.ParseEnvironment(s)
	if err != nil {
		return "", fmt.Errorf("amazonpay: environment %w", err)
	}
	return e, nil
}
