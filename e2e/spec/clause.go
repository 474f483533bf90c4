package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// A clause is a numbered promise of the document.
type clause struct {
	tag   string // without its brackets: N1, or R3a for a part of R3
	later bool   // it is not built yet
}

func (c clause) section() string { return c.tag[:1] }

// tagPattern matches what a tag is made of: the letter of its section, its
// number, and a letter if it is a part of a clause.
const tagPattern = `[A-Z][0-9]+[a-z]?`

// clauseLine matches the line that a clause begins with.
var clauseLine = regexp.MustCompile(`^(?:[-*] )?\*\*\[(` + tagPattern + `)\]\*\*( \*later\*)?`)

// parseClauses returns the clauses of a document in its order. What stands in
// a code block is none.
func parseClauses(document string) ([]clause, error) {
	var clauses []clause
	seen := map[string]bool{}
	inCode := false
	for line := range strings.SplitSeq(document, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			inCode = !inCode
		}
		m := clauseLine.FindStringSubmatch(line)
		if m == nil || inCode {
			continue
		}
		if seen[m[1]] {
			return nil, fmt.Errorf("clause %s is there twice", m[1])
		}
		seen[m[1]] = true
		clauses = append(clauses, clause{tag: m[1], later: m[2] != ""})
	}
	if len(clauses) == 0 {
		return nil, errors.New("no clauses")
	}
	return clauses, nil
}
