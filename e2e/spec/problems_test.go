package main

import (
	"fmt"
	"go/ast"
	"go/constant"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// The table of problem types has a row for each kind of error that the server
// tells a client about, and no other. [N6]
func TestProblemTypes(t *testing.T) {
	t.Parallel()
	var got []string
	for _, row := range tableBelow(t, protocol(t), "### Problem types") {
		got = append(got, fmt.Sprintf("%s %s %s %s", strings.Trim(row[0], "`"), row[1], row[2], row[3]))
	}
	server := parseSource(t, "server")
	var want []string
	for _, e := range server.items(t, "server.kinds") {
		if kind := kindText(t, server, e); !slices.Contains(want, kind) {
			want = append(want, kind)
		}
	}
	compareSets(t, "problem types", got, want)
}

// kindText returns a row of the server's table as the document has it. The
// fields are: error, status, type, title, seconds to wait.
func kindText(t *testing.T, server source, row ast.Expr) string {
	t.Helper()
	fields := row.(*ast.CompositeLit).Elts
	text := func(i int) string { return constant.StringVal(server.value("server", fields[i])) }
	wait := server.value("server", fields[4]).String()
	if wait == "0" {
		wait = ""
	}
	return fmt.Sprintf("%s %d %s %s", text(2), status(t, fields[1]), wait, text(3))
}

// status returns the number behind an expression such as http.StatusNotFound.
func status(t *testing.T, e ast.Expr) int {
	t.Helper()
	name := strings.TrimPrefix(e.(*ast.SelectorExpr).Sel.Name, "Status")
	for code := 100; code < 600; code++ {
		words := strings.NewReplacer(" ", "", "-", "", "'", "").Replace(http.StatusText(code))
		if words != "" && words == name {
			return code
		}
	}
	t.Fatalf("no status %s", name)
	return 0
}
