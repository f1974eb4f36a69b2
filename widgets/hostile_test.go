package widgets_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay/widgets"
)

// hostile is what somebody might get into a field of a page. Some have no
// blanks, so that they pass for words, paths or URLs.
var hostile = map[string]string{
	"script":               `<script>alert(1)</script>`,
	"end of script":        `</script><script>alert(1)</script>`,
	"end of script, large": `</SCRIPT ><img src=x onerror=alert(1)>`,
	"end of attribute":     `"onmouseover="alert(1)`,
	"end of attribute 2":   `'onmouseover='alert(1)`,
	"end of tag":           `"><svg/onload=alert(1)>`,
	"end of noscript":      `</p></noscript><img/src=x/onerror=alert(1)>`,
	"end of style":         `</style><script>alert(1)</script>`,
	"comment":              `<!--<script>`,
	"end of comment":       `--><script>alert(1)</script>`,
	"end of JSON":          `"}</script><b>`,
	"JSON":                 `","events":"//evil.example/`,
	"template":             `{{.Nonce}}${alert(1)}`,
	"template literal":     "`;alert(1)//",
	"javascript URL":       `javascript:alert(1)`,
	"javascript URL, odd":  "java\tscript:alert(1)",
	"data URL":             `data:text/html,<script>alert(1)</script>`,
	"path":                 `/"><script>alert(1)</script>`,
	"path elsewhere":       `//evil.example/`,
	"path elsewhere 2":     `/\evil.example/`,
	"URL":                  `https://shop.example/"onclick="alert(1)`,
	"user of a URL":        `https://shop.example@evil.example/`,
	"policy":               `'; script-src *; x '`,
	"nonce":                `aaaaaaaaaaaaaaaaaaaaaaaa'`,
	"line ends":            "a\r\nSet-Cookie: a=b\r\n\r\n<script>",
	"line separators":      "a\u2028b\u2029c",
	"NUL":                  "a\x00<b>",
	"invalid UTF-8":        "a\xff\xfe<script>",
	"entities":             `&lt;script&gt;&#34;&quot;`,
	"byte order mark":      "\ufeff<script>",
	"old charset":          `+ADw-script+AD4-`,
	"style":                `#a{background:url(//evil.example)}`,
}

// everything are pages that have all fields between them.
func everything() map[string]func() *widgets.Page {
	base := func() *widgets.Page {
		return &widgets.Page{
			Login: &widgets.Button{
				ReturnURL: "https://shop.example/return", State: "state", Scopes: []string{"profile"}, Type: widgets.ButtonLwA,
				Color: widgets.ColorGold, Size: widgets.SizeSmall, Language: widgets.LanguageEnglish,
			},
			Pay: &widgets.Button{
				ReturnURL: "/return", State: "state", Scopes: []string{"profile"}, Type: widgets.ButtonPwA,
				Color: widgets.ColorGold, Size: widgets.SizeSmall, Language: widgets.LanguageEnglish,
			},
			AddressBook: &widgets.AddressBook{DisplayMode: widgets.DisplayEdit, Design: widgets.Design{Mode: widgets.DesignResponsive}, Scopes: []string{"profile"}},
			Wallet:      &widgets.Wallet{DisplayMode: widgets.DisplayEdit, Design: widgets.Design{Mode: widgets.DesignResponsive}, Scopes: []string{"profile"}},
			Confirm:     &widgets.Confirm{SuccessURL: "/thanks", Label: "Buy"},
			Logout:      &widgets.Logout{Label: "Bye"},
			EventsURL:   "/events", CSRFToken: "csrf", SignInURL: "/basket", SignInLabel: "Again", Nonce: fixed,
			Messages: widgets.Messages{widgets.ErrUnknownError: "Sorry.", widgets.ErrNoScript: "Sorry."},
		}
	}
	return map[string]func() *widgets.Page{
		"agreement": func() *widgets.Page {
			p := base()
			p.AmazonBillingAgreementID, p.Consent = "C02-1", &widgets.Consent{Design: widgets.Design{Mode: widgets.DesignResponsive}}
			return p
		},
		"order": func() *widgets.Page {
			p := base()
			p.AmazonOrderReferenceID, p.Wallet.PresentmentCurrency = "S02-1", "USD"
			return p
		},
	}
}

// leaves finds all texts in a value, however deep, and what puts another text in
// their place.
func leaves(v reflect.Value, path string, into map[string]func(string)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			leaves(v.Elem(), path, into)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			leaves(v.Field(i), path+"."+v.Type().Field(i).Name, into)
		}
	case reflect.Slice:
		for i := range v.Len() {
			leaves(v.Index(i), fmt.Sprintf("%s[%d]", path, i), into)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			into[path+"["+key.String()+"]"] = func(s string) { v.SetMapIndex(key, reflect.ValueOf(s).Convert(v.Type().Elem())) }
			into[path+" key"] = func(s string) { v.SetMapIndex(reflect.ValueOf(s).Convert(v.Type().Key()), v.MapIndex(key)) }
		}
	case reflect.String:
		if v.CanSet() {
			into[path] = v.SetString
		}
	case reflect.Bool, reflect.Int, reflect.Int64: // nothing of these can be hostile
	default:
		panic("a field of a new kind: " + path)
	}
}

// texted are the paths of all texts in a type, as leaves has them.
func texted(t reflect.Type, path string) (paths []string) {
	switch t.Kind() {
	case reflect.Pointer:
		return texted(t.Elem(), path)
	case reflect.Slice:
		return texted(t.Elem(), path+"[0]")
	case reflect.Map:
		return []string{path + " key", path + "[UnknownError]"}
	case reflect.String:
		return []string{path}
	case reflect.Struct:
		for i := range t.NumField() {
			paths = append(paths, texted(t.Field(i).Type, path+"."+t.Field(i).Name)...)
		}
	}
	return paths
}

// shape is what of a view no value may change: elements, attributes, scripts,
// styles and the policy.
func shape(t testing.TB, v *widgets.View) []string {
	t.Helper()
	lines := []string{v.Policy.String()}
	for _, e := range tokenize(t, all(v)) {
		line := e.outline()
		if e.name == "script" && e.attributes["type"] != "application/json" || e.name == "style" {
			require.Equal(t, fixed, e.attributes["nonce"])
			line += " " + e.text
		}
		for name := range e.attributes {
			require.False(t, strings.HasPrefix(name, "on") || name == "style" || name == "srcdoc", name)
		}
		lines = append(lines, line)
	}
	return lines
}

// texts is everything that a browser reads out of a view: text, attributes, and
// the page's data.
func texts(t testing.TB, v *widgets.View) (found []string) {
	t.Helper()
	for _, e := range tokenize(t, all(v)) {
		found = append(found, e.text)
		found = slices.AppendSeq(found, maps.Values(e.attributes))
		if e.attributes["id"] == "amazonpay-data" {
			var data any
			require.NoError(t, json.Unmarshal([]byte(e.text), &data))
			var walk func(any)
			walk = func(v any) {
				switch v := v.(type) {
				case string:
					found = append(found, v)
				case []any:
					for _, e := range v {
						walk(e)
					}
				case map[string]any:
					for name, e := range v {
						found = append(found, name)
						walk(e)
					}
				}
			}
			walk(data)
		}
	}
	return found
}

// Each hostile value in each field of each widget: it is refused by name, or is
// nothing but text.
func TestHostilePages(t *testing.T) {
	t.Parallel()
	shop := newShop(t, config(widgets.RegionUK))
	fields := map[string]bool{}
	accepted := map[string]int{}
	for kind, fresh := range everything() {
		clean, err := shop.Render(*fresh())
		require.NoError(t, err)
		want := shape(t, clean)
		places := map[string]func(string){}
		leaves(reflect.ValueOf(fresh()), "", places)
		for field := range places {
			fields[field] = true
			for name, value := range hostile {
				page, set := fresh(), map[string]func(string){}
				leaves(reflect.ValueOf(page), "", set)
				set[field](value)
				view, err := shop.Render(*page)
				where := fmt.Sprintf("%s: %s in %s", kind, name, field)
				if invalid, ok := errors.AsType[*widgets.InvalidError](err); ok {
					require.True(t, slices.ContainsFunc(invalid.Faults, func(f widgets.Fault) bool { return "."+f.Field == field }), "%s: %v", where, err)
					require.NotContains(t, err.Error(), value, where)
					continue
				}
				require.NoError(t, err, where)
				accepted[field]++
				require.Equal(t, want, shape(t, view), where)
				if utf8.ValidString(value) && !strings.ContainsAny(value, "\x00\r") {
					found := slices.ContainsFunc(texts(t, view), func(s string) bool { return strings.Contains(s, value) })
					require.True(t, found || field == ".SignInURL", "%s is lost", where) // a browser reads an href by other rules
				}
			}
		}
	}
	// All texts of the type have been there, and those that are for people take
	// anything.
	assert.Subset(t, slices.Collect(maps.Keys(fields)), texted(reflect.TypeFor[widgets.Page](), ""))
	for _, field := range []string{".SignInLabel", ".Confirm.Label", ".Logout.Label", ".Messages[noScript]", ".Messages[UnknownError]", ".Messages key"} {
		assert.GreaterOrEqual(t, accepted[field], len(hostile), field)
	}
}

// The same for what all pages of a shop have.
func TestHostileConfigs(t *testing.T) {
	t.Parallel()
	base := config(widgets.RegionUK)
	base.BaseURL = "https://fake.example"
	page := *everything()["agreement"]()
	clean, err := newShop(t, base).Render(page)
	require.NoError(t, err)
	fields := map[string]func(string){}
	leaves(reflect.ValueOf(&base), "", fields)
	assert.Len(t, fields, 5)
	for field := range fields {
		for name, value := range hostile {
			c, set := base, map[string]func(string){}
			leaves(reflect.ValueOf(&c), "", set)
			set[field](value)
			where := name + " in " + field
			shop, err := widgets.New(c)
			if invalid, ok := errors.AsType[*widgets.InvalidError](err); ok {
				require.Len(t, invalid.Faults, 1, where)
				require.Equal(t, strings.TrimPrefix(field, "."), invalid.Faults[0].Field, where)
				require.NotContains(t, err.Error(), value, where)
				continue
			}
			require.NoError(t, err, where)
			require.Contains(t, []string{".SellerID", ".ClientID"}, field, where)
			view, err := shop.Render(page)
			require.NoError(t, err, where)
			require.Equal(t, shape(t, clean), shape(t, view), where)
		}
	}
}

// The tokenizer of these tests sees an attack where there is one.
func TestTokenize(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		html string
		want []string
	}{
		{`<p>a &lt;b></p>`, []string{"p ", " ", "/p "}},
		{`<a href="x" hidden>a</a>`, []string{"a hidden,href", " ", "/a "}},
		{`<a href=""onclick=alert(1) title='>'>`, []string{"a href,onclick,title"}},
		{`<svg/onload=alert(1)>`, []string{"svg onload"}},
		{`<SCRIPT>"</b>"</script >`, []string{"script ", "/script "}},
		{`<style>a</style><!--x-->`, []string{"style ", "/style ", "!--x-- "}},
		{`1 < 2`, []string{" ", " ", " "}},
		{`<b ="x">`, []string{`b ="x"`}},
	} {
		t.Run(test.html, func(t *testing.T) {
			t.Parallel()
			got := []string{}
			for _, e := range tokenize(t, test.html) {
				got = append(got, e.outline())
			}
			assert.Equal(t, test.want, got)
		})
	}
}

func FuzzRender(f *testing.F) {
	for _, value := range hostile {
		f.Add(value, value, value, value)
	}
	f.Add("Ja", "/basket", "csrf", "C02-1")
	shop := newShop(f, config(widgets.RegionUK))
	fresh := everything()["agreement"]
	view, err := shop.Render(*fresh())
	require.NoError(f, err)
	want := shape(f, view)
	f.Fuzz(func(t *testing.T, text, url, word, id string) {
		page := fresh()
		page.Confirm.Label, page.SignInLabel, page.Logout.Label = text+"x", text+"x", text+"x" // an empty one is another text
		page.Messages = widgets.Messages{widgets.ErrNoScript: text + "x", widgets.ErrorCode(word): text}
		tried := *page
		tried.SignInURL, tried.EventsURL, tried.Login.ReturnURL, tried.Confirm.SuccessURL = url, url, url, url
		tried.CSRFToken, tried.Pay.State, tried.Pay.Scopes, tried.Nonce = word, word, []string{word}, fixed
		tried.AmazonBillingAgreementID = id
		view, err := shop.Render(tried)
		if err != nil {
			_, ok := errors.AsType[*widgets.InvalidError](err)
			require.True(t, ok, err)
			return
		}
		require.Equal(t, want, shape(t, view))
	})
}
