// Package surface lists what packages export, for the tests that keep the API
// from changing unnoticed. No program imports it.
package surface

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// listed is a package as the go command tells it.
type listed struct {
	ImportPath string
	Dir        string
	Export     string   // file with what the compiler knows of it
	GoFiles    []string // without tests
	DepOnly    bool
}

// Of returns the lines of each package that a pattern names, by import path: one
// line for each exported constant, variable, function, type, field and method,
// sorted. dir is a directory of the module.
func Of(dir string, patterns ...string) (map[string]string, error) {
	command := exec.Command("go", append([]string{
		"list", "-export", "-deps", "-json=ImportPath,Dir,Export,GoFiles,DepOnly", "--"}, patterns...)...)
	command.Dir, command.Stderr = dir, os.Stderr
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var packages []listed
	exports := map[string]string{}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		exports[p.ImportPath] = p.Export
		if !p.DepOnly {
			packages = append(packages, p)
		}
	}
	lines := map[string]string{}
	for _, p := range packages {
		if lines[p.ImportPath], err = p.lines(exports); err != nil {
			return nil, err
		}
	}
	return lines, nil
}

// lines are those of one package, read from its source, so that parameters have
// their names and constants their values.
func (p listed) lines(exports map[string]string) (string, error) {
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range p.GoFiles {
		file, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return "", err
		}
		files = append(files, file)
	}
	lookup := func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) }
	config := types.Config{Importer: importer.ForCompiler(fset, "gc", lookup)}
	pkg, err := config.Check(p.ImportPath, fset, files, nil)
	if err != nil {
		return "", err
	}
	l := &list{home: pkg}
	for _, name := range pkg.Scope().Names() {
		if object := pkg.Scope().Lookup(name); object.Exported() {
			l.object(object)
		}
	}
	slices.Sort(l.lines)
	return strings.Join(slices.Compact(l.lines), "\n") + "\n", nil
}

// list collects the lines of a package.
type list struct {
	home  *types.Package
	lines []string
}

func (l *list) add(format string, args ...any) {
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

// text is a type as the package itself would write it, but with the paths of
// other packages.
func (l *list) text(t types.Type) string {
	return types.TypeString(t, func(p *types.Package) string {
		if p == l.home {
			return ""
		}
		return strings.TrimPrefix(p.Path(), "github.com/amazonpay-go/amazonpay/")
	})
}

func (l *list) object(object types.Object) {
	switch o := object.(type) {
	case *types.Const:
		l.add("const %s %s = %s", o.Name(), l.text(o.Type()), o.Val().ExactString())
	case *types.Var:
		l.add("var %s %s", o.Name(), l.text(o.Type()))
	case *types.Func:
		l.add("func %s%s", o.Name(), strings.TrimPrefix(l.text(o.Type()), "func"))
	case *types.TypeName:
		l.named(o)
	}
}

// named lists a type. What an alias stands for is part of the API, also if it
// is declared in an internal package.
func (l *list) named(o *types.TypeName) {
	name := o.Name()
	if o.IsAlias() {
		l.add("type %s = %s", name, l.text(types.Unalias(o.Type())))
	}
	named, ok := types.Unalias(o.Type()).(*types.Named)
	if !ok {
		return
	}
	switch u := named.Underlying().(type) {
	case *types.Struct:
		l.add("type %s struct", name)
		for i := range u.NumFields() {
			if f := u.Field(i); f.Embedded() && f.Exported() {
				l.add("type %s struct, embedded %s", name, l.text(f.Type()))
			} else if f.Exported() {
				l.add("type %s struct, %s %s", name, f.Name(), l.text(f.Type()))
			}
		}
	case *types.Interface:
		l.add("type %s interface", name)
		for m := range u.Methods() {
			if m.Exported() {
				l.add("type %s interface, %s%s", name, m.Name(), strings.TrimPrefix(l.text(m.Type()), "func"))
			} else {
				l.add("type %s interface, and unexported methods", name)
			}
		}
	default:
		l.add("type %s %s", name, l.text(u))
	}
	for m := range named.Methods() {
		if m.Exported() {
			signature := m.Signature()
			l.add("method (%s) %s%s", strings.Replace(l.text(signature.Recv().Type()), l.text(named), name, 1), m.Name(),
				strings.TrimPrefix(l.text(signature), "func"))
		}
	}
}

// Compare holds the lines of a package against its golden file, and returns what
// is new and what is gone. With update it writes the file instead.
func Compare(file, lines string, update bool) (added, gone []string, err error) {
	if update {
		return nil, nil, os.WriteFile(file, []byte(lines), 0o644)
	}
	golden, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, err
	}
	was, is := strings.Split(string(golden), "\n"), strings.Split(lines, "\n")
	for _, line := range is {
		if !slices.Contains(was, line) {
			added = append(added, line)
		}
	}
	for _, line := range was {
		if !slices.Contains(is, line) {
			gone = append(gone, line)
		}
	}
	return added, gone, nil
}
