package amazonpaytest

import (
	"errors"
	"strconv"
	"strings"

	"github.com/amazonpay-go/amazonpay"
)

// money is an amount as the books keep it. The text is what the seller sent:
// Amazon echoes amounts with the scale they came in.
type money struct {
	minor    int64
	currency string
	text     string
}

// The currencies that Amazon Pay takes, with the digits behind the point.
var currencyDigits = map[string]int{
	"USD": 2, "EUR": 2, "GBP": 2, "JPY": 0,
	"AUD": 2, "ZAR": 2, "CHF": 2, "NOK": 2, "DKK": 2, "SEK": 2, "NZD": 2, "HKD": 2,
}

var errNotAnAmount = errors.New("not a decimal amount")

// parseMoney reads digits[.digits]. Digits beyond the currency's own must be
// zeros: 134.00 yen has been recorded, 134.50 yen does not exist.
func parseMoney(amount, currency string) (money, error) {
	digits, known := currencyDigits[currency]
	if !known {
		return money{}, errors.New("unknown currency")
	}
	whole, fraction, point := strings.Cut(amount, ".")
	// Twelve digits are far above any limit and far below an overflow.
	if whole == "" || len(whole) > 12 || point && fraction == "" || len(fraction) > 12 {
		return money{}, errNotAnAmount
	}
	for len(fraction) < digits {
		fraction += "0"
	}
	if strings.Trim(fraction[digits:], "0") != "" {
		return money{}, errNotAnAmount
	}
	text := whole + fraction[:digits]
	if strings.Trim(text, "0123456789") != "" {
		return money{}, errNotAnAmount
	}
	minor, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return money{}, errNotAnAmount
	}
	return money{minor, currency, amount}, nil
}

// amount is the decimal text of the wire.
func (m money) amount() string {
	if m.text != "" {
		return m.text
	}
	digits := currencyDigits[m.currency]
	text := strconv.FormatInt(m.minor, 10)
	if digits == 0 {
		return text
	}
	if len(text) <= digits {
		text = strings.Repeat("0", digits+1-len(text)) + text
	}
	return text[:len(text)-digits] + "." + text[len(text)-digits:]
}

// price is the amount in the vocabulary of the package's users.
func (m money) price() amazonpay.Price {
	p, err := amazonpay.NewPrice(m.minor, amazonpay.Currency(m.currency))
	if err != nil {
		return amazonpay.Price{} // no currency: no price
	}
	return p
}

func moneyOf(p amazonpay.Price) money {
	return money{minor: p.Minor(), currency: string(p.Currency())}
}

// surplus is what may be captured beyond an order total, and refunded beyond a
// capture: 15 %, at most 75 units of the currency (8,400 yen).
func (m money) surplus() int64 {
	most := int64(75_00)
	if m.currency == "JPY" {
		most = 8_400
	}
	return min(m.minor*15/100, most)
}

// most is the limit of a single call.
func (m money) most() int64 {
	if m.currency == "JPY" {
		return 10_000_000
	}
	return 150_000_00
}

// conversionRate of every presentment currency that is not the ledger's: units
// of it for one of the ledger's. A fake has no use for a market.
func conversionRate(currency string) string {
	if currency == "JPY" {
		return "125"
	}
	return "1.25"
}

// converted is the amount in the ledger's currency. At 1.25 units (125 yen,
// which has no minor unit) for one of the ledger's, four fifths of the minor
// units are right for all of them.
func (m money) converted(ledger string) money {
	if m.currency == ledger {
		return money{minor: m.minor, currency: ledger}
	}
	return money{minor: (m.minor*4 + 2) / 5, currency: ledger}
}
