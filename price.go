package amazonpay

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/amazonpay-go/amazonpay/internal/wire"
)

// Currency is an ISO 4217 code such as "USD".
type Currency string

// The currencies that Amazon Pay is known to take. The ledger currencies are
// USD, GBP, EUR and JPY; the others are presentment currencies of merchants in
// the UK and the EU.
const (
	CurrencyAUD Currency = "AUD"
	CurrencyCHF Currency = "CHF"
	CurrencyDKK Currency = "DKK"
	CurrencyEUR Currency = "EUR"
	CurrencyGBP Currency = "GBP"
	CurrencyHKD Currency = "HKD"
	CurrencyJPY Currency = "JPY"
	CurrencyNOK Currency = "NOK"
	CurrencyNZD Currency = "NZD"
	CurrencySEK Currency = "SEK"
	CurrencyUSD Currency = "USD"
	CurrencyZAR Currency = "ZAR"
)

// Decimals is the number of digits behind the decimal point (ISO 4217): 0 for
// the yen, 2 for the others, -1 for a currency that Amazon Pay does not know.
func (c Currency) Decimals() int {
	switch c {
	case CurrencyJPY:
		return 0
	case CurrencyAUD, CurrencyCHF, CurrencyDKK, CurrencyEUR, CurrencyGBP, CurrencyHKD,
		CurrencyNOK, CurrencyNZD, CurrencySEK, CurrencyUSD, CurrencyZAR:
		return 2
	}
	return -1
}

// Price is an exact amount of money: a whole number of minor units (cents,
// pence, yen) and a currency. Prices compare with ==. The zero Price is no
// price at all: it is not sent, and IsZero reports it; 0.00 USD is a price.
//
// A Price is written "19.90 USD" as text, in JSON and in a database column
// (NULL for the zero Price), and read back exactly.
type Price struct {
	minor    int64
	currency Currency
}

// NewPrice makes a price of minor units: 1990 and USD are 19.90 USD, 1990 and
// JPY are 1990 yen. The error names a currency that Amazon Pay does not know.
func NewPrice(minor int64, currency Currency) (Price, error) {
	if currency.Decimals() < 0 {
		return Price{}, fmt.Errorf("amazonpay: price: unknown currency %q", string(currency))
	}
	return Price{minor, currency}, nil
}

// ParsePrice reads a decimal amount such as "19.90", "5.0", "500" or, in yen,
// "134.00". It refuses what would lose or change money: more decimals than the
// currency has (unless they are zeros), separators, exponents, signs other
// than a leading minus, an unknown currency, and an amount that does not fit.
func ParsePrice(amount string, currency Currency) (Price, error) {
	decimals := currency.Decimals()
	if decimals < 0 {
		return Price{}, fmt.Errorf("amazonpay: price: unknown currency %q", string(currency))
	}
	minor, err := parseMinor(amount, decimals)
	if err != nil {
		return Price{}, fmt.Errorf("amazonpay: price: %w", err)
	}
	return Price{minor, currency}, nil
}

// MustPrice is [ParsePrice] for amounts written in the source code; it panics
// on an error.
func MustPrice(amount string, currency Currency) Price {
	p, err := ParsePrice(amount, currency)
	if err != nil {
		panic(err)
	}
	return p
}

var (
	errAmountSyntax    = errors.New("the amount is not a plain decimal number")
	errAmountPrecision = errors.New("the amount has more decimals than its currency")
	errAmountRange     = errors.New("the amount is too large")
	errPriceCurrency   = errors.New("the currencies differ")
)

// parseMinor reads [-]digits[.digits] as minor units. It accumulates below
// zero, because int64 reaches one further there.
func parseMinor(s string, decimals int) (int64, error) {
	negative := strings.HasPrefix(s, "-")
	digits := strings.TrimPrefix(s, "-")
	whole, fraction, point := strings.Cut(digits, ".")
	if whole == "" || point && fraction == "" {
		return 0, errAmountSyntax
	}
	var minor int64
	shift := func(c byte) error {
		if c < '0' || c > '9' {
			return errAmountSyntax
		}
		d := int64(c - '0')
		if minor < (math.MinInt64+d)/10 {
			return errAmountRange
		}
		minor = minor*10 - d
		return nil
	}
	for i := range len(whole) {
		if err := shift(whole[i]); err != nil {
			return 0, err
		}
	}
	for i := range max(decimals, len(fraction)) {
		c := byte('0')
		if i < len(fraction) {
			c = fraction[i]
		}
		if i < decimals {
			if err := shift(c); err != nil {
				return 0, err
			}
		} else if c < '0' || c > '9' {
			return 0, errAmountSyntax
		} else if c != '0' {
			return 0, errAmountPrecision
		}
	}
	if negative {
		return minor, nil
	}
	if minor == math.MinInt64 {
		return 0, errAmountRange
	}
	return -minor, nil
}

// Minor is the amount in minor units: cents, pence, yen.
func (p Price) Minor() int64 { return p.minor }

// Currency is the ISO 4217 code; empty for the zero Price.
func (p Price) Currency() Currency { return p.currency }

// Amount is the decimal text that Amazon is sent, always with the currency's
// own number of decimals: "19.90", or "134" in yen.
func (p Price) Amount() string {
	var buf [24]byte
	return string(p.appendAmount(buf[:0]))
}

func (p Price) appendAmount(dst []byte) []byte {
	decimals := max(p.currency.Decimals(), 0)
	at := len(dst)
	dst = strconv.AppendInt(dst, p.minor, 10)
	if p.minor < 0 {
		at++
	}
	for len(dst)-at <= decimals {
		dst = append(dst[:at], append([]byte{'0'}, dst[at:]...)...)
	}
	if decimals > 0 {
		point := len(dst) - decimals
		dst = append(dst, 0)
		copy(dst[point+1:], dst[point:])
		dst[point] = '.'
	}
	return dst
}

// String is the amount and the currency, "19.90 USD"; "" for the zero Price.
func (p Price) String() string {
	if p.IsZero() {
		return ""
	}
	return p.Amount() + " " + string(p.currency)
}

// IsZero reports whether p is the zero Price, which stands for "no price". It
// is false for 0.00 USD.
func (p Price) IsZero() bool { return p == Price{} }

// Sign is -1, 0 or 1 for an amount below, of or above zero.
func (p Price) Sign() int {
	switch {
	case p.minor < 0:
		return -1
	case p.minor > 0:
		return 1
	}
	return 0
}

// Add is p + q. The zero Price takes on the other's currency, so that a total
// can start from it; other currencies that differ, or a sum that does not fit,
// are an error.
func (p Price) Add(q Price) (Price, error) {
	switch {
	case p.IsZero():
		return q, nil
	case q.IsZero():
		return p, nil
	case p.currency != q.currency:
		return Price{}, fmt.Errorf("amazonpay: price: %w: %s and %s", errPriceCurrency, p.currency, q.currency)
	}
	sum := p.minor + q.minor
	if (sum > p.minor) != (q.minor > 0) && q.minor != 0 {
		return Price{}, fmt.Errorf("amazonpay: price: %w", errAmountRange)
	}
	return Price{sum, p.currency}, nil
}

// Sub is p - q, with the errors of [Price.Add].
func (p Price) Sub(q Price) (Price, error) {
	switch {
	case q.IsZero():
		return p, nil
	case !p.IsZero() && p.currency != q.currency:
		return Price{}, fmt.Errorf("amazonpay: price: %w: %s and %s", errPriceCurrency, p.currency, q.currency)
	}
	difference := p.minor - q.minor
	if (difference < p.minor) != (q.minor > 0) && q.minor != 0 {
		return Price{}, fmt.Errorf("amazonpay: price: %w", errAmountRange)
	}
	return Price{difference, q.currency}, nil
}

// MarshalText writes "19.90 USD"; nothing for the zero Price.
func (p Price) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what MarshalText writes, with the errors of [ParsePrice].
func (p *Price) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*p = Price{}
		return nil
	}
	amount, currency, _ := strings.Cut(string(text), " ")
	q, err := ParsePrice(amount, Currency(currency))
	if err != nil {
		return err
	}
	*p = q
	return nil
}

// Value stores the text form, and NULL for the zero Price.
func (p Price) Value() (driver.Value, error) {
	if p.IsZero() {
		return nil, nil
	}
	return p.String(), nil
}

// Scan reads what Value stores, from text or bytes.
func (p *Price) Scan(src any) error {
	switch src := src.(type) {
	case nil:
		*p = Price{}
		return nil
	case string:
		return p.UnmarshalText([]byte(src))
	case []byte:
		return p.UnmarshalText(src)
	}
	return fmt.Errorf("amazonpay: price: cannot be read from a %T", src)
}

// On the wire a price is two elements, or two parameters.
func init() {
	wire.Register(wire.Codec[Price]{
		Names:  []string{"Amount", "CurrencyCode"},
		IsZero: func(p *Price) bool { return p.IsZero() },
		Encode: func(p *Price, values []string) { values[0], values[1] = p.Amount(), string(p.currency) },
		Decode: func(p *Price, values []string) (err error) {
			*p, err = ParsePrice(values[0], Currency(values[1]))
			return err
		},
	})
}
