package amazonpay_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	block   = regexp.MustCompile("(?ms)^```.*?^```|`[^`\n]+`")
	unnamed = regexp.MustCompile("[^a-z0-9 _-]")
	proof   = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	named   = regexp.MustCompile("`((?:Test|Fuzz)\\w+…?)`")
)

// TestLinks follows the links between the pages, to files and to headings.
func TestLinks(t *testing.T) {
	pages, err := filepath.Glob("docs/*.md")
	require.NoError(t, err)
	require.NotEmpty(t, pages)
	for _, page := range append(pages, "README.md", "CONTRIBUTING.md") {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, found := range link.FindAllStringSubmatch(block.ReplaceAllString(string(text), ""), -1) {
			if strings.Contains(found[1], ":") {
				continue // the network
			}
			file, anchor, _ := strings.Cut(found[1], "#")
			target := page
			if file != "" {
				target = filepath.Join(filepath.Dir(page), filepath.FromSlash(file))
			}
			if _, err := os.Stat(target); !assert.NoError(t, err, "%s links to %s", page, found[1]) || anchor == "" {
				continue
			}
			assert.Contains(t, anchors(t, target), anchor, "%s links to %s", page, found[1])
		}
	}
}

// TestNamedProofs looks for the tests that the pages name as proof: all of them
// are somewhere in the repository. A name that ends in "…" begins some.
func TestNamedProofs(t *testing.T) {
	var tests []string
	require.NoError(t, filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != "." && strings.HasPrefix(entry.Name(), "."):
			return filepath.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		for _, found := range proof.FindAllStringSubmatch(string(text), -1) {
			tests = append(tests, found[1])
		}
		return err
	}))
	pages, err := filepath.Glob("docs/*.md")
	require.NoError(t, err)
	names := 0
	for _, page := range append(pages, "README.md", "SECURITY.md") {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, found := range named.FindAllStringSubmatch(string(text), -1) {
			names++
			name, prefix := strings.CutSuffix(found[1], "…")
			assert.True(t, slices.ContainsFunc(tests, func(test string) bool {
				return test == name || prefix && strings.HasPrefix(test, name)
			}), "%s names %s, which is no test", page, found[1])
		}
	}
	assert.Positive(t, names)
}

// anchors are the names that the forges give to a page's headings.
func anchors(t *testing.T, page string) (names []string) {
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	for _, found := range heading.FindAllStringSubmatch(string(text), -1) {
		names = append(names, strings.ReplaceAll(unnamed.ReplaceAllString(strings.ToLower(found[1]), ""), " ", "-"))
	}
	return names
}
