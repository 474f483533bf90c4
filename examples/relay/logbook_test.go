package main

import "testing"

// A check that cannot fail is none.
func TestLogbookCheck(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		lines   map[string][]done
		repeats int
		fails   bool
	}{
		"all":         {map[string][]done{"a": {{pulling, 1}}, "b": {{relayed, 1}}}, 0, false},
		"repeated":    {map[string][]done{"a": {{relayed, 1}, {relayed, 2}}, "b": {{relayed, 1}}}, 1, false},
		"lost":        {map[string][]done{"a": {{pulling, 1}}}, 0, true},
		"unexplained": {map[string][]done{"a": {{pulling, 1}, {relayed, 1}}, "b": {{relayed, 1}}}, 0, true},
		"unknown":     {map[string][]done{"a": {{pulling, 1}}, "b": {{relayed, 1}}, "c": {{relayed, 1}}}, 0, true},
	} {
		l := newLogbook()
		for job, list := range row.lines {
			for _, d := range list {
				l.write(job, d)
			}
		}
		if repeats, err := l.check([]string{"a", "b"}); repeats != row.repeats || (err != nil) != row.fails {
			t.Errorf("%s: %d, %v", name, repeats, err)
		}
	}
}
