package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each bug has its place: who changes a line that one is seeded in changes it too.
func TestEachMutantApplies(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, m := range mutants {
		source, err := os.ReadFile(filepath.Join("..", "..", m.file))
		if err != nil {
			t.Error(err)
			continue
		}
		mutated, err := m.apply(string(source))
		if err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
		if names[m.name] || mutated == string(source) || m.promise == "" || !strings.HasPrefix(m.test, "./") && !strings.HasPrefix(m.test, "-race ./") {
			t.Errorf("%s: the row is not whole, or there is another of its name", m.name)
		}
		names[m.name] = true
	}
}

func TestApply(t *testing.T) {
	t.Parallel()
	m := mutant{file: "f.go", old: "a < b", new: "a <= b"}
	if got, err := m.apply("if a < b {"); err != nil || got != "if a <= b {" {
		t.Errorf("got %q, %v", got, err)
	}
	for _, source := range []string{"", "if a > b {", "a < b || a < b"} {
		if got, err := m.apply(source); err == nil {
			t.Errorf("%q became %q", source, got)
		}
	}
}

// What is printed of a failed run is what found the bug.
func TestKiller(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"--- FAIL: TestA (0.1s)\n    --- FAIL: TestA/b (0.1s)\n        x_test.go:1: bad\nFAIL\n": "TestA/b",
		"==================\nWARNING: DATA RACE\n--- FAIL: TestA (0.1s)\n":                       "the race detector",
		"panic: test timed out after 3m0s\n\ngoroutine 1":                                        "panic: test timed out after 3m0s",
		"something else\nFAIL\tpkg\t1s\n":                                                        "FAIL\tpkg\t1s",
	}
	for out, want := range tests {
		if got := killer([]byte(out)); got != want {
			t.Errorf("%q: %q, want %q", out, got, want)
		}
	}
}
