package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/jitney-mq/jitney/examples/worker/record"
)

// result is what all workers found.
type result struct {
	byMessage map[string][]found
	workers   [workerCount]int // findings of each
}

// found is a finding, and whose.
type found struct {
	record.Finding
	worker int
}

// check compares what the workers found with the files themselves. The error
// says what was lost or counted twice without a reason.
func (s *story) check() error {
	if s.files == nil {
		if err := s.readFiles(); err != nil {
			return err
		}
	}
	r, err := s.readResult()
	if err != nil {
		return err
	}
	s.tellWorkers(r)
	once, err := s.explain(r)
	if err != nil {
		return err
	}
	return s.compare(once)
}

func (s *story) readResult() (*result, error) {
	r := &result{byMessage: map[string][]found{}}
	for i := range workerCount {
		text, err := os.Open(s.findings(i))
		if err != nil {
			return nil, err
		}
		defer text.Close()
		lines := bufio.NewScanner(text)
		for lines.Scan() {
			f, err := record.ParseFinding(lines.Text())
			if err != nil {
				return nil, err
			}
			r.byMessage[f.ID] = append(r.byMessage[f.ID], found{f, i})
			r.workers[i]++
		}
		if err := lines.Err(); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (s *story) tellWorkers(r *result) {
	s.say("\nFindings:")
	for i, count := range r.workers {
		mark := ""
		if i == victim {
			mark = " (killed)"
		}
		s.say("  worker %d %7d%s", i+1, count, mark)
	}
}

// explain returns one finding for each message. More than one is right only if
// the first is by the worker that was killed: it had done the work and could
// not say so. Each message that was delivered again is told.
func (s *story) explain(r *result) (map[string]record.Finding, error) {
	s.say("\nDelivered again:")
	once := map[string]record.Finding{}
	var errs []error
	byNumber := func(a, b []found) int { return cmp.Compare(a[0].Number, b[0].Number) }
	for _, all := range slices.SortedFunc(maps.Values(r.byMessage), byNumber) {
		slices.SortFunc(all, func(a, b found) int { return cmp.Compare(a.Delivery, b.Delivery) })
		first, last := all[0], all[len(all)-1]
		once[first.ID] = first.Finding
		switch {
		case len(all) == 1 && first.Delivery == 1:
		case len(all) == 1:
			s.say("  message %d, %s: worker %d was killed before it had a finding; worker %d has it, at delivery %d.",
				first.Number, first.File.Path, victim+1, last.worker+1, last.Delivery)
		case len(all) == 2 && first.worker == victim && first.Delivery < last.Delivery && first.File == last.File:
			s.say("  message %d, %s: worker %d had found it and was killed before it could say so; worker %d found the same at delivery %d. Counted once.",
				first.Number, first.File.Path, victim+1, last.worker+1, last.Delivery)
		default:
			errs = append(errs, fmt.Errorf("message %d was counted %d times", first.Number, len(all)))
		}
	}
	return once, errors.Join(errs...)
}

// total is what a package weighs.
type total struct {
	files int
	bytes int64
}

func (t total) plus(f record.File) total { return total{t.files + 1, t.bytes + f.Size} }

// compare compares totals by package with those of the files.
func (s *story) compare(once map[string]record.Finding) error {
	got, want := map[string]total{}, map[string]total{}
	paths := map[string]bool{}
	var sum total
	for _, f := range once {
		got[f.File.Package()] = got[f.File.Package()].plus(f.File)
		paths[f.File.Path] = true
	}
	for _, f := range s.files {
		want[f.Package()] = want[f.Package()].plus(f)
		sum = sum.plus(f)
		if !paths[f.Path] {
			return fmt.Errorf("%s was lost", f.Path)
		}
	}
	s.tellLargest(got)
	if !maps.Equal(got, want) {
		return fmt.Errorf("the totals differ: %s", difference(got, want))
	}
	s.say("\nThe same as counted directly: %d files, %d bytes, %d packages. Nothing is lost, nothing is counted twice.",
		sum.files, sum.bytes, len(want))
	return nil
}

// shown is how many packages are told.
const shown = 5

func (s *story) tellLargest(totals map[string]total) {
	s.say("\nThe largest of %d packages:", len(totals))
	names := slices.SortedFunc(maps.Keys(totals), func(a, b string) int {
		return cmp.Compare(totals[b].bytes, totals[a].bytes)
	})
	for _, name := range names[:min(shown, len(names))] {
		s.say("  %12d bytes in %5d files  %s", totals[name].bytes, totals[name].files, name)
	}
}

func difference(got, want map[string]total) string {
	var all []string
	for name, t := range want {
		if got[name] != t {
			all = append(all, fmt.Sprintf("%s has %v, not %v", name, t, got[name]))
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			all = append(all, name+" is not there")
		}
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}
