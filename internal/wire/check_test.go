package wire_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/amazonpay-go/amazonpay/internal/wire"
)

type checked struct {
	ID        string   `pay:"required"`
	Reference string   `pay:"ref"`
	Note      string   `pay:"max=5"`
	Amount    price    `pay:"required"`
	Limit     *int     `pay:"required"`
	Names     []string `xml:"Names>member" pay:"required,max=3"`
	Credits   []credit `xml:"ProviderCreditList>member"`
	Optional  *checkedAttributes
	Value     checkedAttributes
	Wanted    *checkedAttributes `pay:"required"`
	Anything  address            `pay:"required"`
	Start     string             `xml:"Range>Start" pay:"required"`
	At        time.Time          `pay:"required"`
	checkedEmbedded
}

type checkedEmbedded struct {
	Embedded string `pay:"required"`
}

type checkedAttributes struct {
	Note  string
	Total price        `pay:"required"`
	Store checkedStore `pay:"required"`
	Free  *checkedStore
}

type checkedStore struct {
	Name string `pay:"required,max=2"`
}

func goodCheck() checked {
	wanted := checkedAttributes{Total: price{"1", "USD"}, Store: checkedStore{Name: "S"}}
	return checked{
		ID: "i", Amount: price{"1", "USD"}, Limit: ptr(0), Names: []string{"n"}, Wanted: &wanted,
		Anything: address{City: "Ulm"}, Start: "s", At: time.Unix(1, 0), checkedEmbedded: checkedEmbedded{"e"},
	}
}

func TestCheck(t *testing.T) {
	const required, control, utf8 = " is required", " has a control character", " is not valid UTF-8"
	for _, test := range []struct {
		name string
		edit func(*checked)
		want []string
	}{
		{"good", func(c *checked) {}, nil},
		{"zero", func(c *checked) { *c = checked{} }, []string{
			"ID" + required, "Amount" + required, "Limit" + required, "Names" + required, "Wanted.Total" + required,
			"Wanted.Store.Name" + required, "Anything" + required, "Start" + required, "At" + required, "Embedded" + required}},
		{"pointer to a zero struct is optional", func(c *checked) { c.Optional = &checkedAttributes{Free: &checkedStore{}} }, nil},
		{"pointer to a zero struct is required", func(c *checked) { c.Wanted = &checkedAttributes{} },
			[]string{"Wanted.Total" + required, "Wanted.Store.Name" + required}},
		{"optional struct in use", func(c *checked) { c.Value.Note, c.Optional = "n", &checkedAttributes{Free: &checkedStore{"n"}} }, []string{
			"Optional.Total" + required, "Optional.Store.Name" + required, "Value.Total" + required, "Value.Store.Name" + required}},
		{"longest", func(c *checked) { c.Note, c.Reference = "äöüßé", strings.Repeat("a", 32) }, nil},
		{"too long", func(c *checked) { c.Note, c.Reference = "äöüßéf", strings.Repeat("a", 40) },
			[]string{"Reference is longer than 32 characters (40)", "Note is longer than 5 characters (6)"}},
		{"reference characters", func(c *checked) { c.Reference = "aZ09-_" }, nil},
		{"other characters", func(c *checked) { c.Reference = "a.b" }, []string{"Reference has a character outside A-Z a-z 0-9 - _"}},
		{"both", func(c *checked) { c.Reference = strings.Repeat("ä", 33) },
			[]string{"Reference is longer than 32 characters (33)", "Reference has a character outside A-Z a-z 0-9 - _"}},
		{"text", func(c *checked) {
			c.Note, c.Value = "a\xff", checkedAttributes{Note: "\x00", Total: price{"1", ""}, Store: checkedStore{"\u0085"}}
		},
			[]string{"Note" + utf8, "Value.Note" + control, "Value.Store.Name" + control}},
		{"white space", func(c *checked) { c.Note = "\t\r\n 日" }, nil},
		{"lists", func(c *checked) {
			c.Names, c.Credits = []string{"abc", "", "abcd"}, []credit{{"p", price{"1", "USD"}}, {}, {ProviderID: "p"}}
		}, []string{
			"Names[1] is empty", "Names[2] is longer than 3 characters (4)", "Credits[1].ProviderID" + required,
			"Credits[1].CreditAmount" + required, "Credits[2].CreditAmount" + required}},
	} {
		t.Run(test.name, func(t *testing.T) {
			req := goodCheck()
			test.edit(&req)
			var got []string
			for _, f := range wire.Check(&req, nil) {
				got = append(got, f.Field+" "+f.Problem)
			}
			assert.Equal(t, test.want, got)
		})
	}
	assert.Empty(t, wire.Check(nil, nil))
}

func TestCheckEach(t *testing.T) {
	req := goodCheck()
	req.Wanted.Total = price{"2", "USD"}
	req.Credits = []credit{{"p", price{"3", "EUR"}}}
	seen := map[string]any{}
	faults := wire.Check(&req, func(field string, value any) string {
		seen[field] = value
		if value.(price).CurrencyCode != "USD" {
			return "is in the wrong currency"
		}
		return ""
	})
	assert.Equal(t, []wire.Fault{{Field: "Credits[0].CreditAmount", Problem: "is in the wrong currency"}}, faults)
	assert.Equal(t, map[string]any{"Amount": price{"1", "USD"}, "Wanted.Total": price{"2", "USD"}, "Credits[0].CreditAmount": price{"3", "EUR"}}, seen)
}
