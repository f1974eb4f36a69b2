package amazonpay_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestOperationsPage finds every record and field that the client and the
// verifier log in docs/operations.md.
func TestOperationsPage(t *testing.T) {
	page, err := os.ReadFile("docs/operations.md")
	require.NoError(t, err)
	count := 0
	for _, file := range []string{"call.go", "ipn.go", "notification.go"} {
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for node := range ast.Preorder(tree) {
			called, ok := node.(*ast.CallExpr)
			if !ok {
				continue
			}
			for _, text := range logText(called) {
				count++
				assert.True(t, strings.Contains(string(page), "`"+text+"`"), "%s logs %q", file, text)
			}
		}
	}
	assert.GreaterOrEqual(t, count, 30, "the test does not see what is logged")
}

// logText is the text of a record, with the names of its fields.
func logText(called *ast.CallExpr) (texts []string) {
	name, ok := called.Fun.(*ast.SelectorExpr)
	if !ok || name.Sel.Name != "LogAttrs" && name.Sel.Name != "log" {
		return nil
	}
	for _, arg := range called.Args {
		if field, ok := arg.(*ast.CallExpr); ok && len(field.Args) == 2 {
			arg = field.Args[0]
		}
		if lit, ok := arg.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if text, err := strconv.Unquote(lit.Value); err == nil {
				texts = append(texts, text)
			}
		}
	}
	return texts
}
