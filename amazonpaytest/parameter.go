package amazonpaytest

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// parameter is what an operation demands of one name. Segments that are
// numbers in a request are N here.
type parameter struct {
	need  bool
	kind  string   // how the value is checked
	limit int      // most characters of a text; 0 is unlimited
	of    []string // the values of an enumeration
}

// The parameters that every request takes.
var commonParameters = parameters(`
	AWSAccessKeyId! text
	Action! text
	SellerId text
	MWSAuthToken text
	SignatureVersion! text
	SignatureMethod! text
	Timestamp! text
	Version! text
	Signature! text`)

// parameters reads a table: one name in a line, "!" if it must be there, a
// kind and its limit or values.
func parameters(table string) map[string]parameter {
	all := make(map[string]parameter)
	for line := range strings.Lines(table) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		name, need := strings.CutSuffix(words[0], "!")
		p := parameter{need: need, kind: words[1]}
		switch p.kind {
		case "text":
			if len(words) > 2 {
				p.limit, _ = strconv.Atoi(words[2])
			}
		case "one":
			p.of = words[2:]
		case "price":
			all[name+".Amount"] = parameter{need: need, kind: "amount"}
			all[name+".CurrencyCode"] = parameter{need: need, kind: "currency"}
			continue
		}
		all[name] = p
	}
	return all
}

// template replaces the numbers in a name by N; ok is false for an index that
// does not start at 1 or is not written plainly.
func template(name string) (pattern string, ok bool) {
	segments := strings.Split(name, ".")
	for i, s := range segments {
		if s == "" || strings.Trim(s, "0123456789") != "" {
			continue
		}
		if s[0] == '0' {
			return name, false
		}
		segments[i] = "N"
	}
	return strings.Join(segments, "."), true
}

// checkParameters compares a request with its operation's table. The names are
// gone through in order, so that the same mistake gets the same answer.
func checkParameters(form map[string]string, takes map[string]parameter, multiCurrency bool, ledger string) *refusal {
	names := sortedNames(form)
	for _, name := range names {
		if _, common := commonParameters[name]; common {
			continue
		}
		pattern, ok := template(name)
		p, known := takes[pattern]
		if !ok || !known || pattern == name && strings.Contains(name, ".N") {
			return refuse("InvalidParameterValue", "Parameter %s is not known to the operation %s.", name, form["Action"])
		}
		if r := p.check(name, form[name]); r != nil {
			return r
		}
		if r := checkPair(form, name, p.kind, multiCurrency, ledger); r != nil {
			return r
		}
		if r := checkIndex(form, name, names); r != nil {
			return r
		}
	}
	for _, name := range sortedNames(takes) {
		if takes[name].need && !strings.Contains(name, ".N") && form[name] == "" {
			return refuse("InvalidParameterValue", "Missing required parameter: %s.", name)
		}
	}
	return nil
}

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// checkPair demands both halves of a price, and a currency that the region
// takes.
func checkPair(form map[string]string, name, kind string, multiCurrency bool, ledger string) *refusal {
	switch kind {
	case "amount":
		other := strings.TrimSuffix(name, ".Amount") + ".CurrencyCode"
		if form[other] == "" {
			return refuse("InvalidParameterValue", "Missing required parameter: %s.", other)
		}
		if _, known := currencyDigits[form[other]]; !known {
			return badValue(other, form[other])
		}
		m, err := parseMoney(form[name], form[other])
		if err != nil || m.minor == 0 {
			// An amount of nothing is refused by this code, too.
			return badValue(name, form[name])
		}
	case "currency":
		other := strings.TrimSuffix(name, ".CurrencyCode") + ".Amount"
		if form[other] == "" {
			return refuse("InvalidParameterValue", "Missing required parameter: %s.", other)
		}
		if form[name] != ledger && !multiCurrency {
			return refuse("CurrencyUnsupported", "The currency %s is not supported for this seller.", form[name])
		}
	}
	return nil
}

// checkIndex demands that lists have no gaps: member 2 needs a member 1.
func checkIndex(form map[string]string, name string, names []string) *refusal {
	segments := strings.Split(name, ".")
	for i, s := range segments {
		n, err := strconv.Atoi(s)
		if err != nil || n <= 1 {
			continue
		}
		before := strings.Join(append(slices.Clone(segments[:i]), strconv.Itoa(n-1)), ".")
		found := slices.ContainsFunc(names, func(other string) bool {
			return other == before || strings.HasPrefix(other, before+".")
		})
		if !found {
			return refuse("InvalidParameterValue", "Parameter %s has no predecessor %s.", name, before)
		}
	}
	return nil
}

func (p parameter) check(name, value string) *refusal {
	bad := false
	switch p.kind {
	case "text":
		bad = p.limit > 0 && utf8.RuneCountInString(value) > p.limit
	case "id":
		bad = value == "" // any other is looked up, and not found
	case "reference":
		// The newer page allows only these characters, the older one
		// recommends them: a fake that is stricter finds more.
		bad = value == "" || len(value) > 32 || strings.ContainsFunc(value, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
		})
	case "boolean":
		bad = value != "true" && value != "false"
	case "timeout":
		n, err := strconv.Atoi(value)
		bad = err != nil || n < 0 || n > 1440 || n%5 != 0 || strconv.Itoa(n) != value
	case "count":
		n, err := strconv.Atoi(value)
		bad = err != nil || n < 1
	case "time":
		_, err := parseTime(value)
		bad = err != nil
	case "url":
		bad = !strings.HasPrefix(value, "https://") && !strings.HasPrefix(value, "http://")
	case "one":
		bad = !slices.Contains(p.of, value)
	case "fold":
		bad = !slices.ContainsFunc([]string{"Open", "Closed", "Canceled", "Suspended"},
			func(s string) bool { return strings.EqualFold(s, value) })
	}
	if bad {
		return badValue(name, value)
	}
	return nil
}

// parseTime reads ISO 8601 with any number of decimals. Without a zone it is
// not a point in time.
func parseTime(s string) (time.Time, error) { return time.Parse(time.RFC3339Nano, s) }

// prefixed is the table of an order's description under a prefix.
func prefixed(prefix string) string { return strings.ReplaceAll(sellerOrderAttributes, "?", prefix) }
