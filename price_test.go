package amazonpay_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
)

var currencies = []amazonpay.Currency{
	amazonpay.CurrencyAUD, amazonpay.CurrencyCHF, amazonpay.CurrencyDKK, amazonpay.CurrencyEUR, amazonpay.CurrencyGBP, amazonpay.CurrencyHKD,
	amazonpay.CurrencyJPY, amazonpay.CurrencyNOK, amazonpay.CurrencyNZD, amazonpay.CurrencySEK, amazonpay.CurrencyUSD, amazonpay.CurrencyZAR,
}

func TestCurrencyDecimals(t *testing.T) {
	for _, c := range currencies {
		want := 2
		if c == "JPY" {
			want = 0
		}
		assert.Equal(t, want, c.Decimals(), string(c))
		assert.Len(t, string(c), 3)
	}
	for _, c := range []amazonpay.Currency{"", "usd", "USD ", "CAD", "BTC"} {
		assert.Equal(t, -1, c.Decimals(), "%q", c)
	}
}

func TestParsePrice(t *testing.T) {
	const syntax, precision, size = "the amount is not a plain decimal number", "the amount has more decimals than its currency", "the amount is too large"
	for _, test := range []struct {
		amount   string
		currency amazonpay.Currency
		minor    int64
		err      string
	}{
		{"19.90", "USD", 1990, ""}, {"19.9", "USD", 1990, ""}, {"19", "USD", 1900, ""}, {"0", "USD", 0, ""}, {"0.00", "USD", 0, ""},
		{"0.01", "USD", 1, ""}, {"-0.05", "USD", -5, ""}, {"-0", "USD", 0, ""}, {"-0.00", "USD", 0, ""}, {"007.50", "USD", 750, ""},
		{"1.0000000000000000000000000000", "USD", 100, ""}, {"00000000000000000000000000001", "USD", 100, ""},
		{"500", "JPY", 500, ""}, {"134.00", "JPY", 134, ""}, {"134.0", "JPY", 134, ""}, {"-134.00", "JPY", -134, ""},
		{"134.50", "JPY", 0, precision}, {"134.01", "JPY", 0, precision}, {"0.001", "USD", 0, precision}, {"1.999", "USD", 0, precision}, {"1.0001", "USD", 0, precision},

		{"92233720368547758.07", "USD", math.MaxInt64, ""}, {"92233720368547758.08", "USD", 0, size},
		{"-92233720368547758.08", "USD", math.MinInt64, ""}, {"-92233720368547758.09", "USD", 0, size},
		{"9223372036854775807", "JPY", math.MaxInt64, ""}, {"9223372036854775808", "JPY", 0, size},
		{"-9223372036854775808", "JPY", math.MinInt64, ""}, {"-9223372036854775809", "JPY", 0, size},
		{"9223372036854775807.00", "JPY", math.MaxInt64, ""},
		{"12345678901234567890", "USD", 0, size}, {"12345678901234567890", "JPY", 0, size}, {"-12345678901234567890", "USD", 0, size},
		{"92233720368547759", "USD", 0, size}, {"18446744073709551617", "JPY", 0, size}, {strings.Repeat("9", 1000), "USD", 0, size},

		{"", "USD", 0, syntax}, {"-", "USD", 0, syntax}, {".", "USD", 0, syntax}, {"-.", "USD", 0, syntax}, {".5", "USD", 0, syntax},
		{"-.5", "USD", 0, syntax}, {"1.", "USD", 0, syntax}, {"1.", "JPY", 0, syntax}, {"1..0", "USD", 0, syntax}, {"1.0.0", "USD", 0, syntax},
		{"+1", "USD", 0, syntax}, {"--1", "USD", 0, syntax}, {"-+1", "USD", 0, syntax}, {"1-", "USD", 0, syntax}, {"1.-5", "USD", 0, syntax},
		{" 1", "USD", 0, syntax}, {"1 ", "USD", 0, syntax}, {"1\n", "USD", 0, syntax}, {"\t1", "USD", 0, syntax}, {"1 000", "USD", 0, syntax}, {"1\u00a0000", "USD", 0, syntax},
		{"1,000.00", "USD", 0, syntax}, {"1,5", "EUR", 0, syntax}, {"1.000,00", "EUR", 0, syntax}, {"1'000", "CHF", 0, syntax}, {"1_000", "USD", 0, syntax},
		{"1e3", "USD", 0, syntax}, {"1E3", "USD", 0, syntax}, {"0x1", "USD", 0, syntax}, {"0b1", "USD", 0, syntax}, {"NaN", "USD", 0, syntax}, {"Inf", "USD", 0, syntax},
		{"$1", "USD", 0, syntax}, {"1 USD", "USD", 0, syntax}, {"1.00 USD", "USD", 0, syntax}, {"٣", "USD", 0, syntax}, {"1.٣", "USD", 0, syntax}, {"１", "JPY", 0, syntax},
		{"−1", "USD", 0, syntax}, {"1\x00", "USD", 0, syntax}, {"1.0x", "USD", 0, syntax}, {"1.00x", "USD", 0, syntax}, {"1.00 ", "JPY", 0, syntax},

		{"1", "", 0, `unknown currency ""`}, {"1", "usd", 0, `unknown currency "usd"`}, {"1", "XXX", 0, `unknown currency "XXX"`}, {"1", "USD ", 0, `unknown currency "USD "`},
	} {
		got, err := amazonpay.ParsePrice(test.amount, test.currency)
		if test.err != "" {
			assert.EqualError(t, err, "amazonpay: price: "+test.err, "%q %s", test.amount, test.currency)
			assert.Equal(t, amazonpay.Price{}, got)
			assert.PanicsWithError(t, err.Error(), func() { amazonpay.MustPrice(test.amount, test.currency) })
			continue
		}
		require.NoError(t, err, "%q %s", test.amount, test.currency)
		assert.Equal(t, test.minor, got.Minor(), "%q %s", test.amount, test.currency)
		assert.Equal(t, test.currency, got.Currency())
		assert.Equal(t, got, amazonpay.MustPrice(test.amount, test.currency))
		same, err := amazonpay.NewPrice(test.minor, test.currency)
		require.NoError(t, err)
		assert.True(t, got == same, "prices compare with ==")
	}
	for _, c := range currencies {
		got, err := amazonpay.ParsePrice("100.00", c)
		require.NoError(t, err)
		assert.Equal(t, int64(math.Pow10(2+c.Decimals())), got.Minor(), string(c))
	}
}

func TestNewPrice(t *testing.T) {
	p, err := amazonpay.NewPrice(1990, amazonpay.CurrencyUSD)
	require.NoError(t, err)
	assert.Equal(t, "19.90 USD", p.String())
	p, err = amazonpay.NewPrice(1990, amazonpay.CurrencyJPY)
	require.NoError(t, err)
	assert.Equal(t, "1990 JPY", p.String())
	for _, c := range []amazonpay.Currency{"", "CAD", "jpy"} {
		p, err = amazonpay.NewPrice(1, c)
		assert.EqualError(t, err, fmt.Sprintf("amazonpay: price: unknown currency %q", string(c)))
		assert.Equal(t, amazonpay.Price{}, p)
	}
}

func TestPriceText(t *testing.T) {
	for _, test := range []struct {
		minor    int64
		currency amazonpay.Currency
		amount   string
		sign     int
	}{
		{0, "USD", "0.00", 0}, {1, "USD", "0.01", 1}, {10, "USD", "0.10", 1}, {99, "USD", "0.99", 1}, {100, "USD", "1.00", 1}, {123456789, "EUR", "1234567.89", 1},
		{-1, "USD", "-0.01", -1}, {-5, "USD", "-0.05", -1}, {-50, "USD", "-0.50", -1}, {-100, "USD", "-1.00", -1}, {-12345, "USD", "-123.45", -1},
		{0, "JPY", "0", 0}, {1, "JPY", "1", 1}, {-1, "JPY", "-1", -1}, {134, "JPY", "134", 1},
		{math.MaxInt64, "USD", "92233720368547758.07", 1}, {math.MinInt64, "USD", "-92233720368547758.08", -1},
		{math.MaxInt64, "JPY", "9223372036854775807", 1}, {math.MinInt64, "JPY", "-9223372036854775808", -1},
	} {
		p, err := amazonpay.NewPrice(test.minor, test.currency)
		require.NoError(t, err)
		assert.Equal(t, test.amount, p.Amount())
		assert.Equal(t, test.amount+" "+string(test.currency), p.String())
		assert.Equal(t, p.String(), fmt.Sprint(p))
		assert.Equal(t, test.sign, p.Sign())
		assert.False(t, p.IsZero(), "an amount of nothing is a price")
	}
	var none amazonpay.Price
	assert.True(t, none.IsZero())
	assert.Empty(t, none.String())
	assert.Empty(t, none.Currency())
	assert.Zero(t, none.Minor())
	assert.Zero(t, none.Sign())
}

// Sums are checked against math/big, at the limits in particular.
func TestPriceArithmetic(t *testing.T) {
	limits := []int64{0, 1, -1, 5, -5, 1990, math.MaxInt64, math.MaxInt64 - 1, math.MinInt64, math.MinInt64 + 1, math.MaxInt64/2 + 1, math.MinInt64 / 2}
	for _, a := range limits {
		for _, b := range limits {
			p, err := amazonpay.NewPrice(a, amazonpay.CurrencyUSD)
			require.NoError(t, err)
			q, err := amazonpay.NewPrice(b, amazonpay.CurrencyUSD)
			require.NoError(t, err)
			x, y := big.NewInt(a), big.NewInt(b)
			sum, err := p.Add(q)
			checkSum(t, fmt.Sprintf("%d + %d", a, b), new(big.Int).Add(x, y), sum, err)
			difference, err := p.Sub(q)
			checkSum(t, fmt.Sprintf("%d - %d", a, b), new(big.Int).Sub(x, y), difference, err)
		}
	}
}

func checkSum(t *testing.T, what string, want *big.Int, got amazonpay.Price, err error) {
	t.Helper()
	if !want.IsInt64() {
		assert.EqualError(t, err, "amazonpay: price: the amount is too large", what)
		assert.Equal(t, amazonpay.Price{}, got, what)
		return
	}
	if assert.NoError(t, err, what) {
		assert.Equal(t, want.Int64(), got.Minor(), what)
		assert.Equal(t, amazonpay.CurrencyUSD, got.Currency(), what)
	}
}

func TestPriceArithmeticAcrossCurrencies(t *testing.T) {
	usd, eur, none := amazonpay.MustPrice("10", "USD"), amazonpay.MustPrice("3", "EUR"), amazonpay.Price{}
	for _, f := range []func(amazonpay.Price) (amazonpay.Price, error){usd.Add, usd.Sub} {
		got, err := f(eur)
		assert.EqualError(t, err, "amazonpay: price: the currencies differ: USD and EUR")
		assert.Equal(t, none, got)
		got, err = f(none)
		require.NoError(t, err)
		assert.Equal(t, usd, got)
	}
	got, err := none.Add(usd)
	require.NoError(t, err)
	assert.Equal(t, usd, got, "a total can start from nothing")
	got, err = none.Sub(usd)
	require.NoError(t, err)
	assert.Equal(t, amazonpay.MustPrice("-10", "USD"), got)
	got, err = none.Add(none)
	require.NoError(t, err)
	assert.Equal(t, none, got)
	zero, err := amazonpay.MustPrice("0", "EUR").Add(usd)
	assert.Error(t, err, "0.00 EUR is euros")
	assert.Equal(t, none, zero)
	assert.NotEqual(t, amazonpay.MustPrice("0", "EUR"), amazonpay.MustPrice("0", "USD"))
}

func TestPriceMarshalling(t *testing.T) {
	for _, p := range []amazonpay.Price{
		{}, amazonpay.MustPrice("19.90", "USD"), amazonpay.MustPrice("-0.05", "GBP"), amazonpay.MustPrice("0", "EUR"), amazonpay.MustPrice("134", "JPY"),
		amazonpay.MustPrice("92233720368547758.07", "USD"), amazonpay.MustPrice("-92233720368547758.08", "USD"),
	} {
		t.Run(p.String(), func(t *testing.T) {
			text, err := p.MarshalText()
			require.NoError(t, err)
			assert.Equal(t, p.String(), string(text))
			got := amazonpay.MustPrice("1", "CHF") // must not shine through
			require.NoError(t, got.UnmarshalText(text))
			assert.Equal(t, p, got)

			type invoice struct {
				Total    amazonpay.Price
				Pointer  *amazonpay.Price
				Optional amazonpay.Price         `json:",omitzero"`
				ByPrice  map[amazonpay.Price]int `json:",omitempty"`
				Missing  *amazonpay.Price
			}
			in := invoice{Total: p, Pointer: &p, Optional: p, ByPrice: map[amazonpay.Price]int{p: 1}}
			data, err := json.Marshal(in)
			require.NoError(t, err)
			assert.Equal(t, !p.IsZero(), strings.Contains(string(data), `"Optional"`), "%s", data)
			assert.Contains(t, string(data), fmt.Sprintf(`"Total":%q`, p.String()))
			assert.Contains(t, string(data), fmt.Sprintf(`"ByPrice":{%q:1}`, p.String()))
			var out invoice
			require.NoError(t, json.Unmarshal(data, &out))
			assert.Equal(t, in, out)

			value, err := p.Value()
			require.NoError(t, err)
			assert.True(t, driver.IsValue(value))
			got = amazonpay.MustPrice("1", "CHF")
			require.NoError(t, got.Scan(value))
			assert.Equal(t, p, got)
		})
	}
}

func TestPriceUnmarshalErrors(t *testing.T) {
	before := amazonpay.MustPrice("1", "CHF")
	for _, text := range []string{
		"19.90", "USD", "USD 19.90", "19.90USD", "19.90 usd", "19.90  USD", " 19.90 USD", "19.90 USD ", "19.90 USD\n", "19.90\tUSD", "19,90 USD", "19.999 USD", "1.5 JPY",
		"1e3 USD", " ", "- USD", "19.90 USD USD", "null",
	} {
		got := before
		assert.Error(t, got.UnmarshalText([]byte(text)), "%q", text)
		assert.Equal(t, before, got, "%q: the price stays as it was", text)
		assert.Error(t, got.Scan(text), "%q", text)
		assert.Error(t, got.Scan([]byte(text)), "%q", text)
		assert.Equal(t, before, got)
	}
	for _, data := range []string{`19.90`, `1990`, `true`, `{}`, `["19.90 USD"]`, `"19.90"`} {
		got := before
		assert.Error(t, json.Unmarshal([]byte(data), &got), data)
		assert.Equal(t, before, got)
	}
	for _, src := range []any{int64(1990), 19.90, true, []string{"19.90 USD"}} {
		got := before
		assert.EqualError(t, got.Scan(src), fmt.Sprintf("amazonpay: price: cannot be read from a %T", src))
		assert.Equal(t, before, got)
	}
}

// echoDriver is a database whose every query answers with one row: its arguments.
type (
	echoDriver struct{ asBytes bool }
	echoRows   struct {
		args []driver.NamedValue
		drv  echoDriver
		done bool
	}
)

func (d echoDriver) Connect(context.Context) (driver.Conn, error) { return d, nil }
func (d echoDriver) Driver() driver.Driver                        { return d }
func (d echoDriver) Open(string) (driver.Conn, error)             { return d, nil }
func (d echoDriver) Prepare(string) (driver.Stmt, error)          { return nil, driver.ErrSkip }
func (d echoDriver) Close() error                                 { return nil }
func (d echoDriver) Begin() (driver.Tx, error)                    { return nil, driver.ErrSkip }

func (d echoDriver) QueryContext(_ context.Context, _ string, args []driver.NamedValue) (driver.Rows, error) {
	return &echoRows{args: args, drv: d}, nil
}

func (r *echoRows) Columns() []string { return make([]string, len(r.args)) }
func (r *echoRows) Close() error      { return nil }

func (r *echoRows) Next(dest []driver.Value) error {
	if r.done {
		return io.EOF
	}
	r.done = true
	for i, a := range r.args {
		dest[i] = a.Value
		if s, ok := a.Value.(string); ok && r.drv.asBytes {
			dest[i] = []byte(s)
		}
	}
	return nil
}

func TestPriceInADatabase(t *testing.T) {
	for _, asBytes := range []bool{false, true} {
		t.Run(fmt.Sprint("bytes=", asBytes), func(t *testing.T) {
			db := sql.OpenDB(echoDriver{asBytes})
			defer func() { require.NoError(t, db.Close()) }()
			price, none := amazonpay.MustPrice("-0.05", "USD"), amazonpay.Price{}
			var missing *amazonpay.Price
			var got, gotNone amazonpay.Price
			var text, null sql.NullString
			var nullable sql.Null[amazonpay.Price]
			var pointer *amazonpay.Price
			row := db.QueryRowContext(t.Context(), "", price, none, price, none, sql.Null[amazonpay.Price]{V: price, Valid: true}, missing)
			require.NoError(t, row.Scan(&got, &gotNone, &text, &null, &nullable, &pointer))
			assert.Equal(t, price, got)
			assert.Equal(t, none, gotNone)
			assert.Equal(t, sql.NullString{String: "-0.05 USD", Valid: true}, text)
			assert.False(t, null.Valid, "no price is NULL")
			assert.Equal(t, sql.Null[amazonpay.Price]{V: price, Valid: true}, nullable)
			assert.Nil(t, pointer)
		})
	}
	buffer := []byte("19.90 USD")
	var p amazonpay.Price
	require.NoError(t, p.Scan(buffer))
	copy(buffer, "88.88 EUR") // a driver may use its buffer again
	assert.Equal(t, amazonpay.MustPrice("19.90", "USD"), p)
}

var plainDecimal = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)

// FuzzPrice compares with math/big, and checks that what is written reads back.
func FuzzPrice(f *testing.F) {
	for _, amount := range []string{"19.90", "-0.05", "134.00", "92233720368547758.07", "-92233720368547758.08", "9223372036854775808", "1e3", "", "-", "1.", "٣", "0x1", "1,000.00", "00.000"} {
		f.Add(amount, "USD", int64(1990), int64(-1))
		f.Add(amount, "JPY", int64(math.MinInt64), int64(math.MaxInt64))
	}
	f.Fuzz(func(t *testing.T, amount, code string, a, b int64) {
		currency := amazonpay.Currency(code)
		p, err := amazonpay.ParsePrice(amount, currency)
		decimals := int64(2)
		if currency == amazonpay.CurrencyJPY {
			decimals = 0
		}
		var want *big.Rat // in minor units
		if currency.Decimals() >= 0 && plainDecimal.MatchString(amount) && len(amount) < 1000 {
			want, _ = new(big.Rat).SetString(amount)
			want.Mul(want, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(decimals), nil)))
			if !want.IsInt() || !want.Num().IsInt64() {
				want = nil
			}
		}
		if len(amount) < 1000 {
			require.Equal(t, want != nil, err == nil, "%q %q: %v", amount, code, err)
		}
		if err == nil {
			require.Equal(t, want.Num().Int64(), p.Minor())
			checkPriceText(t, p)
		} else {
			require.Equal(t, amazonpay.Price{}, p)
		}

		x, err := amazonpay.NewPrice(a, currency)
		if err != nil {
			require.Negative(t, currency.Decimals())
			return
		}
		y, err := amazonpay.NewPrice(b, currency)
		require.NoError(t, err)
		checkPriceText(t, x)
		sum, err := x.Add(y)
		exact := new(big.Int).Add(big.NewInt(a), big.NewInt(b))
		require.Equal(t, exact.IsInt64(), err == nil)
		if err == nil {
			require.Equal(t, exact.Int64(), sum.Minor())
			back, err := sum.Sub(y)
			require.NoError(t, err)
			require.Equal(t, x, back)
		}
		difference, err := x.Sub(y)
		exact = new(big.Int).Sub(big.NewInt(a), big.NewInt(b))
		require.Equal(t, exact.IsInt64(), err == nil)
		if err == nil {
			require.Equal(t, exact.Int64(), difference.Minor())
		}
	})
}

func checkPriceText(t *testing.T, p amazonpay.Price) {
	again, err := amazonpay.ParsePrice(p.Amount(), p.Currency())
	require.NoError(t, err)
	require.Equal(t, p, again)
	text, err := p.MarshalText()
	require.NoError(t, err)
	require.NoError(t, again.UnmarshalText(text))
	require.Equal(t, p, again)
	amount, ok := new(big.Rat).SetString(p.Amount())
	require.True(t, ok)
	require.Equal(t, amount.FloatString(p.Currency().Decimals()), p.Amount())
}
