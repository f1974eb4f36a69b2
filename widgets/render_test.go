package widgets_test

import (
	"html"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay/widgets"
)

func config(region widgets.Region) widgets.Config {
	return widgets.Config{SellerID: "A2SELLEREXAMPLE", ClientID: clientID, Region: region, Environment: widgets.Sandbox}
}

func newShop(t testing.TB, c widgets.Config) *widgets.Shop {
	t.Helper()
	shop, err := widgets.New(c)
	require.NoError(t, err)
	return shop
}

func render(t testing.TB, region widgets.Region, p widgets.Page) *widgets.View {
	t.Helper()
	view, err := newShop(t, config(region)).Render(p)
	require.NoError(t, err)
	return view
}

func returnPage(t testing.TB, target string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	newShop(t, config(widgets.RegionUK)).ReturnPage().ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
	return w
}

// element is a tag, a doctype or a run of text as a browser reads it.
type element struct {
	name       string // "div", "/div", "!doctype", or "" for text
	attributes map[string]string
	text       string // of text, and of what is inside script and style
}

// outline is what of an element no value of a page may change.
func (e element) outline() string {
	names := []string{}
	for name := range e.attributes {
		names = append(names, name)
	}
	slices.Sort(names)
	return e.name + " " + strings.Join(names, ",")
}

// tokenize reads HTML by the rules of the HTML standard's tokenizer, as far as
// these pages go: tags, quoted and bare attributes, comments, raw text.
func tokenize(t testing.TB, s string) (elements []element) {
	t.Helper()
	for s != "" {
		at := strings.IndexByte(s, '<')
		if at != 0 {
			if at < 0 {
				at = len(s)
			}
			elements = append(elements, element{text: html.UnescapeString(s[:at])})
			s = s[at:]
			continue
		}
		if len(s) < 2 || !strings.ContainsRune("/!abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ?", rune(s[1])) {
			elements = append(elements, element{text: "<"})
			s = s[1:]
			continue
		}
		e := element{attributes: map[string]string{}}
		name, rest := until(s[2:], " \t\n\f\r/>")
		e.name = strings.ToLower(s[1:2] + name)
		s = rest
		s = attributes(t, s, e.attributes)
		if e.name == "script" || e.name == "style" {
			end := strings.Index(strings.ToLower(s), "</"+e.name)
			require.GreaterOrEqual(t, end, 0, "no end of %s", e.name)
			e.text, s = s[:end], s[end:]
		}
		elements = append(elements, e)
	}
	return elements
}

// attributes reads to the end of a tag.
func attributes(t testing.TB, s string, into map[string]string) string {
	t.Helper()
	const space = " \t\n\f\r/"
	for {
		s = strings.TrimLeft(s, space)
		require.NotEmpty(t, s, "a tag without an end")
		if s[0] == '>' {
			return s[1:]
		}
		first := s[:1]
		var name, value string
		name, s = until(s[1:], space+">=") // a name may begin with anything, even "="
		name = first + name
		if s = strings.TrimLeft(s, space); strings.HasPrefix(s, "=") {
			s = strings.TrimLeft(s[1:], space)
			if s != "" && (s[0] == '"' || s[0] == '\'') {
				quote := s[:1]
				var closed bool
				value, s, closed = strings.Cut(s[1:], quote)
				require.True(t, closed, "a quote without an end")
			} else {
				value, s = until(s, space+">")
			}
		}
		into[strings.ToLower(name)] = html.UnescapeString(value)
	}
}

// until splits a text before the first of some bytes.
func until(s, stops string) (string, string) {
	if i := strings.IndexAny(s, stops); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}
