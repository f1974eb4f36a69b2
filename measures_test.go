package amazonpay_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The measures that keep the repository small enough to be read.
const (
	functionLines = 60  // of a function that is no test
	fileLines     = 700 // of a file
	examples      = 12
	fuzzTargets   = 6
	testLines     = 1.2 // for each other line
	names         = 282 // that the root exports, methods and fields not counted
)

// goFile is a file of the repository.
type goFile struct {
	name  string // from the root, with slashes
	tree  *ast.File
	set   *token.FileSet
	lines int
}

func (f goFile) dir() string { return path.Dir(f.name) }

// isTest reports whether the file is for tests only.
func (f goFile) isTest() bool {
	return strings.HasSuffix(f.name, "_test.go") || strings.HasPrefix(f.name, "e2e/") ||
		f.dir() == "internal/surface" || f.dir() == "fleet/internal/sharetest"
}

// length is that of a node in lines.
func (f goFile) length(node ast.Node) int {
	return f.set.Position(node.End()).Line - f.set.Position(node.Pos()).Line + 1
}

// repository are all Go files of all modules.
var repository = sync.OnceValues(func() (files []goFile, err error) {
	err = fs.WalkDir(os.DirFS("."), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata"):
			return fs.SkipDir
		case entry.IsDir(), !strings.HasSuffix(name, ".go"):
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		set := token.NewFileSet()
		tree, err := parser.ParseFile(set, name, text, parser.ParseComments|parser.SkipObjectResolution)
		files = append(files, goFile{name, tree, set, strings.Count(string(text), "\n")})
		return err
	})
	return files, err
})

// sources are the files of a directory, or of all for "", without those for
// tests.
func sources(t *testing.T, dir string) []goFile {
	files, err := repository()
	require.NoError(t, err)
	files = slices.DeleteFunc(slices.Clone(files), func(f goFile) bool {
		return f.isTest() || dir != "" && f.dir() != dir
	})
	require.NotEmpty(t, files, dir)
	return files
}

func TestSizes(t *testing.T) {
	files, err := repository()
	require.NoError(t, err)
	tests, others := 0, 0
	for _, f := range files {
		assert.LessOrEqual(t, f.lines, fileLines, f.name)
		if f.isTest() {
			tests += f.lines
			continue
		}
		others += f.lines
		for _, d := range f.tree.Decls {
			if function, ok := d.(*ast.FuncDecl); ok {
				assert.LessOrEqual(t, f.length(function), functionLines, "%s in %s", function.Name.Name, f.name)
			}
		}
	}
	assert.GreaterOrEqual(t, float64(tests), testLines*float64(others), "%d lines of tests, %d others", tests, others)
}

// Every operation has an Example, and every Example runs.
func TestExamplesAndFuzzTargets(t *testing.T) {
	files, err := repository()
	require.NoError(t, err)
	ran, targets := map[string]bool{}, 0
	for _, f := range files {
		for _, d := range f.tree.Decls {
			function, ok := d.(*ast.FuncDecl)
			switch {
			case !ok || !strings.HasSuffix(f.name, "_test.go"):
			case strings.HasPrefix(function.Name.Name, "Fuzz"):
				targets++
			case strings.HasPrefix(function.Name.Name, "Example"):
				assert.True(t, slices.ContainsFunc(f.tree.Comments, func(c *ast.CommentGroup) bool {
					return c.Pos() > function.Pos() && c.End() < function.End() && strings.Contains(strings.ToLower(c.Text()), "output:")
				}), "%s in %s is not run: it has no output", function.Name.Name, f.name)
				ran[f.dir()+" "+function.Name.Name] = true
			}
		}
	}
	for operation := range operationMethods(t) {
		assert.True(t, ran[". ExampleClient_"+operation], "an Example of %s", operation)
	}
	assert.GreaterOrEqual(t, len(ran), examples, "Examples")
	assert.GreaterOrEqual(t, targets, fuzzTargets, "fuzz targets")
}

// Whoever reads the documentation finds a word on everything: of the packages
// that are covered by docs/compatibility.md, and of those that they have their
// aliases from.
func TestEverythingIsDocumented(t *testing.T) {
	for _, dir := range []string{
		".", "lwa", "widgets", "amazonpaytest", "fleet/pgquota", "fleet/redisquota",
		"internal/endpoint", "internal/fault", "internal/secret",
	} {
		exported := 0
		for _, f := range sources(t, dir) {
			for _, d := range f.tree.Decls {
				names, missing := f.undocumented(d)
				exported += names
				assert.Empty(t, missing, "without a comment in %s", f.name)
			}
		}
		assert.Positive(t, exported, dir)
		if dir == "." {
			assert.LessOrEqual(t, exported, names, "exported names")
		}
	}
}

// undocumented counts the exported names of a declaration, without methods, and
// lists those without a comment, with methods and fields.
func (f goFile) undocumented(d ast.Decl) (names int, missing []string) {
	note := func(name *ast.Ident, method bool, comments ...*ast.CommentGroup) {
		if !name.IsExported() {
			return
		}
		if !method {
			names++
		}
		if !slices.ContainsFunc(comments, func(c *ast.CommentGroup) bool { return c.Text() != "" }) {
			missing = append(missing, name.Name)
		}
	}
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil || ast.IsExported(receiver(d)) {
			note(d.Name, d.Recv != nil, d.Doc)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				note(spec.Name, false, d.Doc, spec.Doc)
				if fields, ok := spec.Type.(*ast.StructType); ok && spec.Name.IsExported() {
					missing = append(missing, f.undocumentedFields(spec.Name.Name, fields)...)
				}
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					note(name, false, d.Doc, spec.Doc, spec.Comment)
				}
			}
		}
	}
	return names, missing
}

// undocumentedFields are the exported fields of a struct without a comment above
// or at the line's end. One above goes for all fields up to the next empty line.
func (f goFile) undocumentedFields(of string, fields *ast.StructType) (missing []string) {
	above, last := false, 0
	for _, field := range fields.Fields.List {
		above = field.Doc != nil || above && f.set.Position(field.Pos()).Line == last+1
		last = f.set.Position(field.End()).Line
		for _, name := range field.Names {
			if name.IsExported() && !above && field.Comment.Text() == "" {
				missing = append(missing, of+"."+name.Name)
			}
		}
	}
	return missing
}
