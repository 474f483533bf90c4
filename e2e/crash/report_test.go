package crash_test

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// A report is the sum of runs.
type report struct {
	seed                             uint64
	runs, kills, early, checks       int
	calls                            int
	attempted, acknowledged, refused int
	unknown, recovered               int // sends without an answer, and those of them that were there
	repeated                         int // jobs that were delivered in several messages
	deliveries, settled              int
	blinds                           int
	duplicates                       [causes]int
	undecided                        int
	readied                          []time.Duration
	took                             time.Duration
	routed                           routed
	found                            []finding
}

// add adds a run with what the checkers found in it.
func (p *report) add(r *run, w *world, found []finding, undecided int) {
	p.runs++
	p.kills += r.kills
	p.early += r.early
	p.checks += r.checks
	p.calls += r.calls
	p.readied = append(p.readied, r.readied...)
	p.found = append(append(p.found, r.findings.list...), found...)
	p.undecided += undecided
	p.deliveries += len(w.deliveries)
	p.blinds += len(w.history.blinds)
	for i := range w.settlements {
		if s := &w.settlements[i]; s.what != renewal && s.outcome == done {
			p.settled++
		}
	}
	p.addStories(w)
	p.routed.add(&r.history)
}

func (p *report) addStories(w *world) {
	jobs := map[string]int{}
	for _, s := range w.stories {
		if s.attempt == nil {
			continue
		}
		p.attempted++
		switch s.attempt.outcome {
		case done:
			p.acknowledged++
		case unknown:
			p.unknown++
			if len(s.deliveries) > 0 {
				p.recovered++
			}
		default:
			p.refused++
		}
		if len(s.deliveries) > 0 {
			if jobs[s.attempt.job]++; jobs[s.attempt.job] == 2 {
				p.repeated++
			}
		}
		for i := 1; i < len(s.deliveries); i++ {
			p.duplicates[w.cause(s.deliveries[i-1], s.deliveries[i])]++
		}
	}
}

// count returns how many findings break a rule.
func (p *report) count(rules ...rule) (n int) {
	for _, f := range p.found {
		if slices.Contains(rules, f.rule) {
			n++
		}
	}
	return n
}

// String is the closing table.
func (p *report) String() string {
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	row := func(what string, format string, args ...any) {
		fmt.Fprintf(t, "%s\t%s\n", what, fmt.Sprintf(format, args...))
	}
	row("kills", "%d in %d runs, %d of them while the broker was starting, in %v, seed %d", p.kills, p.runs, p.early, p.took.Round(time.Second), p.seed)
	row("calls", "%d, %d receives without an answer, %d surprises", p.calls, p.blinds, p.count(surprising))
	p.routed.describe(row)
	row("messages attempted", "%d", p.attempted)
	row("  acknowledged", "%d", p.acknowledged)
	row("  refused or not connected", "%d", p.refused)
	row("  without an answer", "%d, of which %d were there", p.unknown, p.recovered)
	row("deliveries", "%d, %d locks settled", p.deliveries, p.settled)
	row("lost", "%d", p.count(lost, torn))
	row("unexpected or not as sent", "%d", p.count(unexpected, damaged, misnumbered))
	row("again after completion", "%d", p.count(afterEnd))
	row("delivered again, explained", "%d asked for, %d settlements without an answer, %d locks ran out, %d sends without an answer",
		p.duplicates[asked], p.duplicates[unacknowledged], p.duplicates[lockRanOut], p.repeated)
	row("delivered again, not explained", "%d", p.duplicates[none])
	row("two locks, lost locks", "%d, %d", p.count(twoLocks), p.count(deadLock, lockLost))
	row("delivery counts, dead letters", "%d, %d wrong", p.count(miscounted), p.count(misplaced))
	row("out of order", "%d", p.count(disordered))
	row("too early, too late", "%d, %d", p.count(tooEarly), p.count(tooLate))
	row("not linearizable", "%d, %d not decided in time", p.count(notLinear), p.undecided)
	row("folders checked", "%d, %d with problems", p.checks, p.count(folderDamaged))
	row("ready after a kill", "%s", quantiles(p.readied))
	t.Flush()
	return b.String()
}

// quantiles says how long something took.
func quantiles(list []time.Duration) string {
	if len(list) == 0 {
		return "never"
	}
	list = slices.Sorted(slices.Values(list))
	at := func(percent int) time.Duration {
		return list[(len(list)-1)*percent/100].Round(time.Millisecond)
	}
	return fmt.Sprintf("median %v, 95 %% %v, at most %v", at(50), at(95), at(100))
}
