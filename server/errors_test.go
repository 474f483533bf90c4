package server_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/jitney-mq/jitney/broker"
	"github.com/jitney-mq/jitney/server"
)

// [N6]: every error that a package below exports has a row in the table that
// says what a client is told.
func TestEveryErrorHasARow(t *testing.T) {
	t.Parallel()
	rows := rowsOf(t)
	for from, to := range renamed(t) {
		if rows[to] {
			rows[from] = true
		}
	}
	count := 0
	for _, pkg := range []string{"broker", "queue", "store", "policy", "message", "namespace"} {
		for _, name := range exportedErrors(t, pkg) {
			if count++; !rows[pkg+"."+name] {
				t.Errorf("%s.%s has no row in the table of errors", pkg, name)
			}
		}
	}
	if count < 20 {
		t.Errorf("only %d errors were found", count)
	}
}

// [N6]: an error without a row is told to the log, not to the client. Here a
// stream comes to a writer that cannot be read from at the same time.
func TestInternalError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l log
		opts := server.Options{Logger: slog.New(slog.NewTextHandler(&l, nil))}
		b := openBus(t, opts, broker.Options{MinFree: -1})
		b.queue("/orders", "")
		w := httptest.NewRecorder()
		server.New(b.broker, opts).ServeHTTP(w, b.request("POST", "/orders", strings.NewReader("{}"), "Content-Type", linesType))
		d := reply{t, w.Code, w.Header(), w.Body.String()}.wantProblem(500, "internal")
		if strings.Contains(w.Body.String(), "supported") || !strings.Contains(l.String(), "supported") || !strings.Contains(l.String(), d.Instance) {
			t.Errorf("the client is told %s, the log %s", w.Body, l.String())
		}
	})
}

// files parses the Go files of a package, without its tests.
func files(t *testing.T, pkg string) (list []*ast.File) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("..", pkg, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, f)
	}
	return list
}

// variables yields the names and values of a package's variables.
func variables(t *testing.T, pkg string) map[string]ast.Expr {
	t.Helper()
	all := make(map[string]ast.Expr)
	for _, f := range files(t, pkg) {
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			for _, s := range g.Specs {
				v := s.(*ast.ValueSpec)
				for i, name := range v.Names {
					all[name.Name] = nil
					if i < len(v.Values) {
						all[name.Name] = v.Values[i]
					}
				}
			}
		}
	}
	return all
}

func exportedErrors(t *testing.T, pkg string) (names []string) {
	for name := range variables(t, pkg) {
		if strings.HasPrefix(name, "Err") {
			names = append(names, name)
		}
	}
	return names
}

// renamed returns which errors of other packages the broker exports, as what.
func renamed(t *testing.T) map[string]string {
	all := make(map[string]string)
	for name, value := range variables(t, "broker") {
		if of := selector(value); of != "" {
			all[of] = "broker." + name
		}
	}
	return all
}

// rowsOf returns the errors of other packages that the table has.
func rowsOf(t *testing.T) map[string]bool {
	rows := make(map[string]bool)
	table, ok := variables(t, "server")["kinds"].(*ast.CompositeLit)
	if !ok {
		t.Fatal("the table of errors is not where this test looks")
	}
	for _, row := range table.Elts {
		rows[selector(row.(*ast.CompositeLit).Elts[0])] = true
	}
	return rows
}

// selector returns an expression of the form package.Name as text.
func selector(e ast.Expr) string {
	s, ok := e.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	x, ok := s.X.(*ast.Ident)
	if !ok {
		return ""
	}
	return x.Name + "." + s.Sel.Name
}
