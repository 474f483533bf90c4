package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// A specification is a document together with everything that cites it.
type specification struct {
	clauses []clause
	code    map[string][]place // by tag
	tests   map[string][]place // by tag
	strays  []place            // whose tags are no clause
}

func newSpecification(clauses []clause, places []place) *specification {
	s := &specification{clauses: clauses, code: map[string][]place{}, tests: map[string][]place{}}
	known := map[string]bool{}
	for _, c := range clauses {
		known[c.tag] = true
	}
	for _, p := range places {
		if !known[p.tag] {
			s.strays = append(s.strays, p)
			continue
		}
		s.file(p.tag, p)
		if whole := strings.TrimRight(p.tag, "abcdefghijklmnopqrstuvwxyz"); whole != p.tag {
			s.file(whole, p)
		}
	}
	return s
}

// file notes a place under a tag: its own, or that of the clause which its own
// is a part of.
func (s *specification) file(tag string, p place) {
	switch {
	case p.isTest():
		s.tests[tag] = append(s.tests[tag], p)
	case p.isCode():
		s.code[tag] = append(s.code[tag], p)
	}
}

// report writes the table of the sections, all if there are none, and returns
// what is missing, a line each.
func (s *specification) report(w io.Writer, sections []string) (gaps []string, err error) {
	for _, section := range sections {
		if !slices.ContainsFunc(s.clauses, func(c clause) bool { return c.section() == section }) {
			return nil, fmt.Errorf("the document has no section %q", section)
		}
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "CLAUSE\tCODE\tTESTS")
	for _, c := range s.clauses {
		if len(sections) > 0 && !slices.Contains(sections, c.section()) {
			continue
		}
		s.row(table, c)
		gaps = append(gaps, s.missing(c)...)
	}
	for _, p := range s.strays {
		gaps = append(gaps, fmt.Sprintf("%s: the document has no clause %s", p, p.tag))
	}
	return gaps, table.Flush()
}

// row writes the places of a clause, as many lines as it takes.
func (s *specification) row(w io.Writer, c clause) {
	code, tests := byFile(s.code[c.tag]), byFile(s.tests[c.tag])
	if c.later && len(code) == 0 {
		code = []string{"later"}
	}
	name := c.tag
	for i := range max(1, len(code), len(tests)) {
		fmt.Fprintf(w, "%s\t%s\t%s\n", name, at(code, i), at(tests, i))
		name = ""
	}
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return ""
}

// byFile joins the lines of each file: server/feed.go:12,40.
func byFile(places []place) []string {
	var list []string
	var last place
	for _, p := range places {
		switch {
		case p.file != last.file:
			list = append(list, p.String())
		case p.line != last.line:
			list[len(list)-1] += fmt.Sprintf(",%d", p.line)
		}
		last = p
	}
	return list
}

// missing says what a clause lacks.
func (s *specification) missing(c clause) (gaps []string) {
	if c.later {
		return nil
	}
	if len(s.code[c.tag]) == 0 {
		gaps = append(gaps, fmt.Sprintf("clause %s: no code", c.tag))
	}
	if len(s.tests[c.tag]) == 0 {
		gaps = append(gaps, fmt.Sprintf("clause %s: no test", c.tag))
	}
	return gaps
}
