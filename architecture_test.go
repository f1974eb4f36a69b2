package amazonpay_test

import (
	"cmp"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/amazonpay-go/amazonpay"

// mayImport is the diagram of docs/architecture.md as data: of the packages of this repository,
// whom each directory's programs may import, without their tests. A directory
// that is not here may import what the nearest one above it may.
var mayImport = map[string][]string{
	".":                  {"internal/endpoint", "internal/fault", "internal/secret", "internal/sns", "internal/wire", "lwa"},
	"lwa":                {"internal/endpoint", "internal/fault", "internal/secret"},
	"widgets":            {"internal/endpoint", "internal/fault"},
	"internal":           {}, // each stands alone
	"amazonpaytest":      {"."},
	"cmd/amazonpay-mock": {".", "amazonpaytest", "internal/endpoint"},
	"fleet":              {".", "fleet/internal/share"},
	"fleet/internal":     {"."},
	"docs/plots":         {},
	"examples":           {".", "amazonpaytest", "lwa", "widgets"},
	"examples/billing":   {".", "amazonpaytest", "fleet/pgquota"},
}

// thirdParty is what reaches a program besides the standard library.
var thirdParty = map[string][]string{
	".":             {"github.com/google/uuid", "golang.org/x/time/rate"},
	"lwa":           {"golang.org/x/oauth2"},
	"widgets":       {},
	"internal":      {},
	"amazonpaytest": {},
	"cmd":           {},

	"examples/first": {}, "examples/ipn": {}, "examples/subscription": {}, "examples/widgets": {},
}

// speakHTTP are the files of the root package that know net/http: the others are
// Amazon's nouns, which only say what is sent and what comes back.
var speakHTTP = []string{
	"advice.go", // names of statuses
	"call.go",   // sends requests, the only one
	"client.go", // the transport and its settings
	"hint.go",   // reads the Date header
	"ipn.go",    // receives notifications
}

// rule is that of dir, or of the nearest directory above it but the root, and
// which one that is.
func rule[V any](rules map[string]V, dir string) (of string, r V, ok bool) {
	for of = dir; ; of = path.Dir(of) {
		if r, ok = rules[of]; ok && (of != "." || dir == ".") {
			return of, r, true
		}
		if of == "." {
			return "", r, false
		}
	}
}

// imports are those of each program file of the repository, by its path.
func imports(t *testing.T) map[string][]string {
	files := map[string][]string{}
	for _, f := range sources(t, "") {
		for _, spec := range f.tree.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			require.NoError(t, err)
			files[f.name] = append(files[f.name], imported)
		}
	}
	require.Contains(t, files, "call.go")
	return files
}

// TestArchitecture holds the imports of every program file against the rules.
func TestArchitecture(t *testing.T) {
	var http []string
	unused := map[string]bool{}
	for dir, allowed := range mayImport {
		for _, other := range allowed {
			unused[dir+" imports "+other] = true
		}
	}
	for file, list := range imports(t) {
		dir := path.Dir(file)
		of, allowed, ok := rule(mayImport, dir)
		require.True(t, ok, "no rule for %s", dir)
		_, others, strict := rule(thirdParty, dir)
		for _, imported := range list {
			if dir == "." && imported == "net/http" {
				http = append(http, file)
			}
			inside, own := strings.CutPrefix(imported+"/", module+"/")
			if inside = strings.TrimSuffix(inside, "/"); inside == "" {
				inside = "."
			}
			delete(unused, of+" imports "+inside)
			switch {
			case own && !strings.HasPrefix(inside, dir+"/"): // what lies below is its own business
				assert.Contains(t, allowed, inside, "%s must not import %s", file, imported)
			case !own && strict && strings.Contains(strings.Split(imported, "/")[0], "."):
				assert.Contains(t, others, imported, "%s must not import %s", file, imported)
			}
			assert.NotEqual(t, "unsafe", imported, file)
		}
	}
	assert.Empty(t, unused, "arrows that are none")
	slices.Sort(http)
	assert.Equal(t, speakHTTP, http, "the files of the root package that import net/http")
}

// drawn are the arrows of a page's diagram, from directory to directories. A node
// without any has none.
func drawn(t *testing.T, page string) map[string][]string {
	_, rest, _ := strings.Cut(page, "```mermaid\nflowchart TD\n")
	diagram, _, ok := strings.Cut(rest, "```")
	require.True(t, ok, "the diagram")
	label := regexp.MustCompile(`(\w+)\(?\[(?:module )?([\w/ -]+)[^]]*]\)?`) // root[amazonpay]
	dirs := map[string]string{}
	for _, node := range label.FindAllStringSubmatch(diagram, -1) {
		dirs[node[1]] = node[2]
	}
	dirs["root"] = "."
	arrows := map[string][]string{}
	for line := range strings.Lines(label.ReplaceAllString(diagram, "$1")) {
		ends := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" &->\n", r) })
		require.NotEmpty(t, ends, "an empty line in the diagram")
		for i, node := range ends {
			ends[i] = cmp.Or(dirs[node], node)
		}
		arrows[ends[0]] = append(arrows[ends[0]], ends[1:]...)
	}
	return arrows
}

// TestArchitectureDiagram holds the arrows of docs/architecture.md against the
// rules, and its nodes against the packages.
func TestArchitectureDiagram(t *testing.T) {
	page, err := os.ReadFile("docs/architecture.md")
	require.NoError(t, err)
	arrows := drawn(t, string(page))
	for from, to := range arrows {
		if from == "your program" || from == "your tests" {
			assert.Subset(t, slices.Collect(maps.Keys(arrows)), to, "%s: nodes", from)
			continue
		}
		_, allowed, ok := rule(mayImport, from)
		require.True(t, ok, "no rule for %s", from)
		below := func(dir string) bool { return strings.HasPrefix(dir, from+"/") }
		assert.ElementsMatch(t, slices.DeleteFunc(slices.Clone(allowed), below), to, "the arrows of %s", from)
	}
	for file := range imports(t) {
		dir := path.Dir(file)
		switch top, _, _ := strings.Cut(dir, "/"); {
		case top == "examples", dir == "docs/plots": // left out, as the page says
		case top == "fleet":
			assert.Contains(t, arrows, top, "%s is not in the diagram", dir)
		default:
			assert.Contains(t, arrows, dir, "%s is not in the diagram", dir)
		}
	}
}

// TestArchitecturePage finds every package and every file with a part of its own
// in docs/architecture.md.
func TestArchitecturePage(t *testing.T) {
	page, err := os.ReadFile("docs/architecture.md")
	require.NoError(t, err)
	for dir := range mayImport {
		if dir != "." && dir != "internal" && dir != "examples" {
			assert.True(t, strings.Contains(string(page), dir), "%s is missing", dir)
		}
	}
	for _, file := range append([]string{"signing.go", "charge.go", "retry.go", "quota.go", "inbox.go", "sweep.go", "reference.go"}, speakHTTP...) {
		assert.True(t, strings.Contains(string(page), file), "%s is missing", file)
		assert.FileExists(t, file)
	}
}
