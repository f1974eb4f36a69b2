package wire_test

import (
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay/internal/wire"
)

type (
	embedded struct {
		SellerID string `xml:"SellerId"`
		Inner    deepEmbedded
		deepEmbedded
	}
	deepEmbedded struct{ Deep string }
	credit       struct {
		ProviderID   string `xml:"ProviderId" pay:"required"`
		CreditAmount price  `pay:"required"`
	}
	everything struct {
		Zebra    string
		ID       authorizationID `xml:"Id|OldId"`
		Yes      bool
		Maybe    *bool
		Count    int
		Count8   int8
		Limit    *int
		At       time.Time
		AtP      *time.Time
		Total    price
		TotalP   *price
		Nested   address
		NestedP  *address
		Tags     []string         `xml:"TagList>member|Id"`
		Nums     []int            `xml:"NumList|Numbers>member"`
		Prices   []price          `xml:"PriceList>member"`
		Times    []time.Time      `xml:"Times>member"`
		Credits  []credit         `xml:"ProviderCreditList>member"`
		CreditPs []*credit        `xml:"Refs>member"`
		Error    []string         // repeated
		Range    string           `xml:"CreatedTimeRange>StartTime"`
		RangeEnd time.Time        `xml:"CreatedTimeRange>EndTime"`
		Far      address          `xml:"Outer|Outside>Middle>Far"`
		FarList  []string         `xml:"Outer>Middle>List>member"`
		Hidden   map[string]error `xml:"-"`
		embedded
		_ chan int // nothing unexported is on the wire
	}
)

func ptr[T any](v T) *T { return &v }

func TestAppendParams(t *testing.T) {
	noon := time.Date(2020, 2, 29, 12, 0, 0, 999, time.FixedZone("", -7*3600))
	for _, test := range []struct {
		name string
		req  any
		want string
	}{
		{"nil", nil, ""},
		{"zero", &everything{}, ""},
		{"zero pointers' values", &everything{AtP: new(time.Time), TotalP: new(price), NestedP: new(address)}, ""},
		{"text", &everything{Zebra: "z", ID: "i"}, "Id=i Zebra=z"},
		{"true", &everything{Yes: true, Maybe: ptr(true)}, "Maybe=true Yes=true"},
		{"pointers to zero are sent", &everything{Maybe: ptr(false), Limit: ptr(0)}, "Limit=0 Maybe=false"},
		{"integers", &everything{Count: -12, Count8: 127, Limit: ptr(1440)}, "Count=-12 Count8=127 Limit=1440"},
		{"time in UTC to the second", &everything{At: noon, AtP: &noon}, "At=2020-02-29T19:00:00Z AtP=2020-02-29T19:00:00Z"},
		{"codec", &everything{Total: price{"1.00", "USD"}, TotalP: &price{"2", "JPY"}},
			"Total.Amount=1.00 Total.CurrencyCode=USD TotalP.Amount=2 TotalP.CurrencyCode=JPY"},
		{"what a codec leaves empty", &everything{Total: price{CurrencyCode: "USD"}}, "Total.CurrencyCode=USD"},
		{"nested", &everything{Nested: address{City: "Ulm"}, NestedP: &address{Name: "n"}}, "Nested.City=Ulm NestedP.Name=n"},
		{"lists", &everything{Tags: []string{"b", "a"}, Nums: []int{7}, Times: []time.Time{noon}, Prices: []price{{"3", "EUR"}}},
			"NumList.member.1=7 PriceList.member.1.Amount=3 PriceList.member.1.CurrencyCode=EUR TagList.member.1=b TagList.member.2=a Times.member.1=2020-02-29T19:00:00Z"},
		{"empty elements do not count", &everything{Tags: []string{"", "a", "", "b"}, Credits: []credit{{}, {ProviderID: "p"}}},
			"ProviderCreditList.member.1.ProviderId=p TagList.member.1=a TagList.member.2=b"},
		{"lists of structs", &everything{Credits: []credit{{"p", price{"1", "USD"}}, {ProviderID: "q"}}, CreditPs: []*credit{nil, {ProviderID: "r"}}},
			"ProviderCreditList.member.1.CreditAmount.Amount=1 ProviderCreditList.member.1.CreditAmount.CurrencyCode=USD ProviderCreditList.member.1.ProviderId=p ProviderCreditList.member.2.ProviderId=q Refs.member.1.ProviderId=r"},
		{"repeated", &everything{Error: []string{"x", "y"}}, "Error.1=x Error.2=y"},
		{"wrapped", &everything{Range: "s", RangeEnd: noon, Far: address{City: "Ulm"}, FarList: []string{"f"}},
			"CreatedTimeRange.EndTime=2020-02-29T19:00:00Z CreatedTimeRange.StartTime=s Outer.Middle.Far.City=Ulm Outer.Middle.List.member.1=f"},
		{"embedded", &everything{embedded: embedded{SellerID: "s", deepEmbedded: deepEmbedded{"d"}, Inner: deepEmbedded{"i"}}},
			"Deep=d Inner.Deep=i SellerId=s"},
	} {
		t.Run(test.name, func(t *testing.T) {
			params := wire.AppendParams(nil, test.req)
			var got, names []string
			for _, p := range params {
				got, names = append(got, p.Name+"="+p.Value), append(names, p.Name)
			}
			assert.Equal(t, test.want, strings.Join(got, " "))
			assert.True(t, slices.IsSorted(names), "sorted")
		})
	}
}

func TestAppendParamsKeepsDst(t *testing.T) {
	got := wire.AppendParams([]wire.Param{{Name: "Action", Value: "Refund"}}, &deepEmbedded{"d"})
	assert.Equal(t, []wire.Param{{Name: "Action", Value: "Refund"}, {Name: "Deep", Value: "d"}}, got)
}

func TestSort(t *testing.T) {
	names := []string{"member.2", "AccessToken", "Action", "member.10", "member.1", "AWSAccessKeyId", "a", "Action", "Z"}
	var params []wire.Param
	for _, name := range names {
		params = append(params, wire.Param{Name: name})
	}
	wire.Sort(params)
	slices.Sort(names)
	for i, p := range params {
		assert.Equal(t, names[i], p.Name)
	}
	assert.Equal(t, "AWSAccessKeyId", names[0])
	assert.Less(t, slices.Index(names, "member.10"), slices.Index(names, "member.2"))
	wire.Sort(nil)
}

func TestAppendQuery(t *testing.T) {
	for _, test := range []struct{ name, value, want string }{
		{"unreserved", "AZaz09-_.~", "AZaz09-_.~"},
		{"space", "a b", "a%20b"},
		{"plus, star, slash", "+*/", "%2B%2A%2F"},
		{"separators", "a=1&b=2;?#%", "a%3D1%26b%3D2%3B%3F%23%25"},
		{"UTF-8", "ü日", "%C3%BC%E6%97%A5"},
		{"not UTF-8", "\xff\x00", "%FF%00"},
		{"empty", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := wire.AppendQuery([]byte("body:"), []wire.Param{{Name: "A.member.1", Value: test.value}, {Name: "B", Value: "2"}})
			assert.Equal(t, "body:A.member.1="+test.want+"&B=2", string(got))
		})
	}
	assert.Empty(t, wire.AppendQuery(nil, nil))
}

func TestEncodeAllocates(t *testing.T) {
	req := newAuthorizeRequest()
	params, query := make([]wire.Param, 0, 32), make([]byte, 0, 1024)
	got := testing.AllocsPerRun(100, func() {
		params = wire.AppendParams(append(params[:0], common...), req)
		wire.Sort(params)
		query = wire.AppendQuery(query[:0], params)
	})
	assert.LessOrEqual(t, got, 1.0)
	values, err := url.ParseQuery(string(query))
	require.NoError(t, err)
	assert.Len(t, values, 16)
	assert.Equal(t, "Tea & biscuits, November", values.Get("SellerAuthorizationNote"))
}

func TestPlansConcurrently(t *testing.T) {
	type fresh struct{ A, B string }
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			assert.Len(t, wire.AppendParams(nil, &fresh{"a", "b"}), 2)
		})
	}
	group.Wait()
}

type selfish struct{ Next *selfish }

func TestBadTypesPanic(t *testing.T) {
	for _, test := range []struct {
		name string
		req  any
		want string
	}{
		{"no pointer", deepEmbedded{}, "wire: wire_test.deepEmbedded is not a pointer to a struct"},
		{"nil pointer", (*deepEmbedded)(nil), "wire: *wire_test.deepEmbedded is not a pointer to a struct"},
		{"no struct", new(string), "wire: string is not a struct"},
		{"map", &struct{ M map[string]string }{}, "cannot carry a map[string]string"},
		{"interface", &struct{ E error }{}, "cannot carry a error"},
		{"float", &struct{ F *float64 }{}, "cannot carry a float64"},
		{"bytes", &struct{ B []byte }{}, "cannot carry a uint8"},
		{"pointer to a list", &struct{ L *[]string }{}, "cannot carry a []string"},
		{"list of lists", &struct{ L [][]string }{}, "list of lists"},
		{"recursion", &selfish{}, "wire_test.selfish contains itself"},
		{"name twice", &struct {
			A string
			B string `xml:"A"`
		}{}, ".B: the name A is taken"},
		{"alias twice", &struct {
			A string
			B string `xml:"C|A"`
		}{}, ".B: the name A is taken"},
		{"wrapper is a field", &struct {
			A string
			B string `xml:"A>B"`
		}{}, ".B: the name A is taken"},
		{"option of encoding/xml", &struct {
			A string `xml:"A,omitempty"`
		}{}, `not a name: "A,omitempty"`},
		{"no name", &struct {
			A string `xml:"A|"`
		}{}, `not a name: ""`},
		{"unknown rule", &struct {
			A string `pay:"requird"`
		}{}, `.A: unknown rule "requird"`},
		{"bad limit", &struct {
			A string `pay:"max=x"`
		}{}, `unknown rule "max=x"`},
		{"rule for text", &struct {
			A int `pay:"max=3"`
		}{}, "the rule max=3 is for text"},
	} {
		t.Run(test.name, func(t *testing.T) {
			defer func() { assert.Contains(t, recover(), test.want) }()
			wire.AppendParams(nil, test.req)
		})
	}
}

func TestRegisterTwice(t *testing.T) {
	assert.PanicsWithValue(t, "wire: two codecs for wire_test.price", func() {
		wire.Register(wire.Codec[price]{Names: []string{"A"}})
	})
	assert.PanicsWithValue(t, "wire: the names of a codec must be sorted", func() {
		wire.Register(wire.Codec[status]{Names: []string{"B", "A"}})
	})
}

// FuzzEscape compares with url.QueryEscape, which differs in the space alone.
func FuzzEscape(f *testing.F) {
	for _, seed := range []string{"", "a b", "~-_.", "a+b&c=d%20", "ü\xff\x00", "*'()!"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := string(wire.AppendEscape(nil, s))
		assert.Equal(t, strings.ReplaceAll(url.QueryEscape(s), "+", "%20"), got)
		back, err := url.PathUnescape(got)
		require.NoError(t, err)
		assert.Equal(t, s, back)
	})
}
