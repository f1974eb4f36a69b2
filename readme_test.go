package amazonpay_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestREADME finds every Go block of the README and of the pages beside it, line
// for line, in the compiled and run examples.
func TestREADME(t *testing.T) {
	for _, c := range []struct {
		page     string
		examples []string
	}{
		{"README.md", []string{"example_test.go"}},
		{"docs/cookbook.md", []string{"cookbook_test.go", "cookbook_payment_test.go", "cookbook_inbox_test.go", "examples/first/main.go"}},
		{"docs/migration.md", []string{"migration_test.go"}},
	} {
		t.Run(c.page, func(t *testing.T) {
			var source strings.Builder
			for _, file := range c.examples {
				text := content(t, file)
				assert.Equal(t, strings.Count(text, "\nfunc Example"), strings.Count(text, "\t// Output:"), "examples of %s that run", file)
				source.WriteString(unindented(text))
			}
			blocks := strings.Split(content(t, c.page), "```go\n")[1:]
			require.NotEmpty(t, blocks)
			for _, block := range blocks {
				code, _, closed := strings.Cut(block, "```")
				require.True(t, closed)
				assert.True(t, strings.Contains(source.String(), unindented(code)), "not in the examples:\n%s", code)
				assert.LessOrEqual(t, strings.Count(code, "\n"), 25, "lines of\n%s", code)
			}
		})
	}
	assert.LessOrEqual(t, strings.Count(content(t, "README.md"), "\n"), 200, "lines of the README")
}

func content(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(text)
}

func unindented(code string) string {
	var b strings.Builder
	for line := range strings.Lines(code) {
		b.WriteString(strings.TrimLeft(line, "\t"))
	}
	return b.String()
}
