package amazonpay_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/amazonpay-go/amazonpay"
)

// TestErrorsPage finds every code, reason and refusal of the source in
// docs/errors.md, and every code of the page with the advice of AdviceFor.
func TestErrorsPage(t *testing.T) {
	page, err := os.ReadFile("docs/errors.md")
	require.NoError(t, err)
	for _, c := range []struct{ file, kind string }{
		{"errors.go", "ErrorCode"}, {"status.go", "Reason"}, {"lwa/errors.go", "ErrorCode"},
		{"order_reference.go", "ConstraintID"},
	} {
		values := documented(t, c.file, c.kind)
		require.NotEmpty(t, values, c.file)
		for _, value := range values {
			assert.True(t, strings.Contains(string(page), "`"+value+"`"), "%s of %s is missing", value, c.file)
		}
	}
	for _, refusal := range refusals(t) {
		assert.True(t, strings.Contains(string(page), `"`+refusal+`"`), "the refusal %s is missing", refusal)
	}

	_, codes, _ := strings.Cut(string(page), "\n## Codes\n")
	codes, _, _ = strings.Cut(codes, "\n## ")
	rows := regexp.MustCompile("(?m)^\\| `(\\w+)` \\|(.*)\\|$").FindAllStringSubmatch(codes, -1)
	told := map[string]bool{}
	for _, row := range rows {
		cells := strings.Split(row[2], "|")
		require.Len(t, cells, 5, row[1])
		advice := amazonpay.AdviceFor(amazonpay.ErrorCode(row[1]))
		assert.Equal(t, again(advice), strings.TrimSpace(cells[2]), row[1])
		assert.Equal(t, actor(advice), strings.TrimSpace(cells[3]), row[1])
		assert.False(t, told[row[1]], "%s is there twice", row[1])
		told[row[1]] = true
	}
	for _, code := range documented(t, "errors.go", "ErrorCode") {
		assert.True(t, told[code], "%s has no row of its own", code)
	}
}

// documented are the values of a file's exported constants of a type.
func documented(t *testing.T, file, kind string) (values []string) {
	tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	require.NoError(t, err)
	for node := range ast.Preorder(tree) {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || !spec.Names[0].IsExported() {
			continue
		}
		if named, ok := spec.Type.(*ast.Ident); ok && named.Name == kind {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			require.NoError(t, err)
			values = append(values, value)
		}
	}
	return values
}

// refusals are those that the documentation of Refusal lists.
func refusals(t *testing.T) (values []string) {
	tree, err := parser.ParseFile(token.NewFileSet(), "ipn.go", nil, parser.ParseComments)
	require.NoError(t, err)
	for node := range ast.Preorder(tree) {
		decl, ok := node.(*ast.GenDecl)
		if !ok || decl.Tok != token.TYPE || decl.Specs[0].(*ast.TypeSpec).Name.Name != "Refusal" {
			continue
		}
		_, list, _ := strings.Cut(decl.Doc.Text(), "open.")
		for _, quoted := range regexp.MustCompile(`"([^"]+)"`).FindAllStringSubmatch(list, -1) {
			values = append(values, quoted[1])
		}
	}
	require.NotEmpty(t, values)
	return values
}

// again is the column of the page on repeats.
func again(a amazonpay.Advice) string {
	text := map[amazonpay.Retry]string{amazonpay.RetryNot: "no", amazonpay.RetrySameID: "same id", amazonpay.RetryNewID: "new id"}[a.Retry]
	if a.After > 0 {
		text += ", after " + strings.NewReplacer("1h0m0s", "1 h", "1m0s", "1 min").Replace(a.After.String())
	}
	if a.NextMonth {
		text += ", next month"
	}
	return text
}

// actor is the column of the page on who must act.
func actor(a amazonpay.Advice) string {
	switch {
	case a.Over:
		return "over"
	case a.Seller:
		return "you"
	case a.Buyer:
		return "buyer"
	}
	return "nobody"
}
