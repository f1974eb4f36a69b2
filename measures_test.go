package amazonpay_test

import (
	"go/ast"
	"go/token"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Whoever reads the documentation finds a word on everything.
func TestEverythingIsDocumented(t *testing.T) {
	var missing []string
	names := 0
	files, set := sources(t)
	for _, f := range files {
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil && d.Name.IsExported() {
					names++
				}
				if d.Name.IsExported() && d.Doc.Text() == "" && (d.Recv == nil || ast.IsExported(receiver(d))) {
					missing = append(missing, d.Name.Name)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					switch spec := spec.(type) {
					case *ast.TypeSpec:
						if !spec.Name.IsExported() {
							continue
						}
						names++
						if d.Doc.Text() == "" && spec.Doc.Text() == "" {
							missing = append(missing, spec.Name.Name)
						}
						if fields, ok := spec.Type.(*ast.StructType); ok {
							missing = append(missing, undocumented(set, spec.Name.Name, fields)...)
						}
					case *ast.ValueSpec:
						for _, name := range spec.Names {
							if !name.IsExported() {
								continue
							}
							names++
							if d.Doc.Text() == "" && spec.Doc.Text() == "" && spec.Comment.Text() == "" {
								missing = append(missing, name.Name)
							}
						}
					}
				}
			}
		}
	}
	assert.Empty(t, missing, "%d exported names and fields without a comment", len(missing))
	t.Logf("%d exported names", names)
	assert.LessOrEqual(t, names, 282, "exported names, methods and fields not counted")
}

// undocumented are the exported fields of a struct without a comment above or
// at the line's end. One above goes for all fields up to the next empty line.
func undocumented(set *token.FileSet, name string, fields *ast.StructType) (missing []string) {
	above, last := false, 0
	for _, f := range fields.Fields.List {
		above = f.Doc != nil || above && set.Position(f.Pos()).Line == last+1
		last = set.Position(f.End()).Line
		for _, n := range f.Names {
			if n.IsExported() && !above && f.Comment.Text() == "" {
				missing = append(missing, name+"."+n.Name)
			}
		}
	}
	return missing
}
