package main

import (
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A source is the package-level constants and variables of some packages, by
// package and name, as they stand in the code: the document is compared with
// what no package exports, too.
type source map[string]ast.Expr

// parseSource reads the packages in these folders of the module.
func parseSource(t *testing.T, folders ...string) source {
	t.Helper()
	s := source{}
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(module, folder, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no Go files in %s: %v", folder, err)
		}
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") {
				s.add(t, filepath.Base(folder), file)
			}
		}
	}
	return s
}

func (s source) add(t *testing.T, pkg, path string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range file.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range g.Specs {
			if v, ok := spec.(*ast.ValueSpec); ok && len(v.Values) == len(v.Names) {
				for i, name := range v.Names {
					s[pkg+"."+name.Name] = v.Values[i]
				}
			}
		}
	}
}

// value returns the value of a constant expression of a package; unknown if it
// is more than numbers, texts and other constants.
func (s source) value(pkg string, e ast.Expr) constant.Value {
	switch e := e.(type) {
	case *ast.BasicLit:
		return constant.MakeFromLiteral(e.Value, e.Kind, 0)
	case *ast.ParenExpr:
		return s.value(pkg, e.X)
	case *ast.Ident:
		return s.named(pkg, e.Name)
	case *ast.SelectorExpr:
		if x, ok := e.X.(*ast.Ident); ok {
			return s.named(x.Name, e.Sel.Name)
		}
	case *ast.BinaryExpr:
		x, y := s.value(pkg, e.X), s.value(pkg, e.Y)
		if e.Op != token.SHL {
			return constant.BinaryOp(x, e.Op, y)
		}
		n, _ := constant.Uint64Val(y)
		return constant.Shift(x, e.Op, uint(n))
	}
	return constant.MakeUnknown()
}

var units = map[string]time.Duration{"time.Second": time.Second, "time.Minute": time.Minute, "time.Hour": time.Hour}

func (s source) named(pkg, name string) constant.Value {
	if unit, ok := units[pkg+"."+name]; ok {
		return constant.MakeInt64(int64(unit))
	}
	if e, ok := s[pkg+"."+name]; ok {
		return s.value(pkg, e)
	}
	return constant.MakeUnknown()
}

// text returns a constant that is a text.
func (s source) text(t *testing.T, name string) string {
	t.Helper()
	pkg, own, _ := strings.Cut(name, ".")
	v := s.named(pkg, own)
	if v.Kind() != constant.String {
		t.Fatalf("%s is no text", name)
	}
	return constant.StringVal(v)
}

// items returns the elements of a composite literal.
func (s source) items(t *testing.T, name string) []ast.Expr {
	t.Helper()
	list, ok := s[name].(*ast.CompositeLit)
	if !ok {
		t.Fatalf("%s is no list", name)
	}
	return list.Elts
}
