package main

import (
	"fmt"
	"strings"
)

// A mutant is a bug: one place in one file, and the tests that are to find it.
type mutant struct {
	name    string
	promise string // that it breaks: P1–P12 of the README, or a clause of docs/protocol.md
	file    string // within the module
	old     string // stands in the file exactly once
	new     string
	test    string // arguments of go test: a package and a regular expression
}

// apply returns source with the bug.
func (m mutant) apply(source string) (string, error) {
	if n := strings.Count(source, m.old); n != 1 {
		return "", fmt.Errorf("%s has its place %d times, want once: %q", m.file, n, m.old)
	}
	return strings.Replace(source, m.old, m.new, 1), nil
}

// command returns the arguments of the go command that run the tests.
func (m mutant) command(flags ...string) []string {
	args := append([]string{"test", "-count=1", "-failfast", "-timeout", maxTest.String()}, flags...)
	return append(args, strings.Fields(m.test)...)
}
