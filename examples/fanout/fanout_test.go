package main

import (
	"bytes"
	"testing"
)

// [S1] [S2] [S3] The whole story, with its own check.
func TestFanout(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	jobs := "1500"
	if testing.Short() {
		jobs = "300"
	}
	err := run(t.Context(), []string{"-jobs", jobs}, &out)
	t.Log(out.String())
	if err != nil {
		t.Fatal(err)
	}
}

// A check that cannot fail is none.
func TestCheckFails(t *testing.T) {
	t.Parallel()
	for name, logs := range map[string]map[string][]done{
		"lost":        {"pulled": {{0, 1, 1}, {2, 3, 1}}},
		"unexplained": {"pulled": {{0, 1, 1}, {1, 2, 1}, {2, 3, 1}}, "socket": {{1, 2, 1}}},
		"unknown":     {"pulled": {{0, 1, 1}, {1, 2, 1}, {2, 3, 1}, {3, 4, 1}}},
	} {
		s := story{jobs: 3, out: t.Output()}
		if s.checkWorkers(logs) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for name, lines := range map[string][]done{
		"lost":        {{0, 1, 1}, {2, 3, 1}},
		"order":       {{1, 1, 1}, {0, 2, 1}, {2, 3, 1}},
		"unexplained": {{0, 1, 1}, {0, 2, 1}, {1, 3, 1}, {2, 4, 1}},
		"twice":       {{0, 1, 1}, {0, 1, 1}, {1, 3, 1}, {2, 4, 1}},
	} {
		s := story{jobs: 3, out: t.Output()}
		if s.checkAudit(lines) == nil {
			t.Errorf("audit %s: accepted", name)
		}
	}
	s := story{jobs: 2, out: t.Output(), again: map[int]bool{1: true}}
	if err := s.checkAudit([]done{{0, 1, 1}, {1, 2, 1}, {1, 3, 1}, {1, 3, 2}}); err != nil {
		t.Error(err)
	}
}
