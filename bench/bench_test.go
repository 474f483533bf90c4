package bench_test

import (
	"context"
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jitney-mq/jitney/bench"
)

func options(t testing.TB) bench.Options {
	return bench.Options{Dir: t.TempDir(), Quick: true, Broker: brokerCommand, Part: partCommand}
}

// TestScenarios runs each scenario in small, one after the other for they keep
// a processor busy each. That every message that was sent came once is checked
// by the scenarios themselves. Short, those are left out that fill queues or
// sockets: under the race detector they take longest.
func TestScenarios(t *testing.T) {
	for _, s := range bench.Scenarios() {
		t.Run(s.Name, func(t *testing.T) {
			if testing.Short() && slices.Contains([]string{"stream", "backlog", "expire"}, s.Name) {
				t.Skip("long")
			}
			o := options(t)
			report, err := s.Run(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			checkReport(t, report)
			checkWanted(t, s.Name, report)
			if left, err := os.ReadDir(o.Dir); err != nil || len(left) > 0 {
				t.Errorf("the scenario leaves %v, %v", left, err)
			}
		})
	}
}

// checkReport checks what holds for the rows of every scenario.
func checkReport(t *testing.T, report bench.Report) {
	seen := map[string]bool{}
	for _, r := range report {
		if seen[r.Name] {
			t.Errorf("%q is there twice", r.Name)
		}
		seen[r.Name] = true
		checkRow(t, r)
	}
}

func checkRow(t *testing.T, r bench.Row) {
	if r.Name == "" || r.Unit == "" || math.IsNaN(r.Value) || math.IsInf(r.Value, 0) {
		t.Errorf("incomplete: %+v", r)
	}
	mayBeZero := r.Unit == "syncs" || r.Unit == "B" || r.Unit == "MiB" || strings.HasPrefix(r.Name, "latency added")
	if r.Value <= 0 && !mayBeZero {
		t.Errorf("nothing was measured: %+v", r)
	}
	if (r.Against != "") != (r.Base > 0) || r.Against != "" && math.Abs(r.Ratio-r.Value/r.Base) > 1e-9 {
		t.Errorf("the ratio does not fit: %+v", r)
	}
	if (r.Target != nil) != (r.Met != nil) {
		t.Errorf("a target without an answer: %+v", r)
	}
}

// targets are the rows of each scenario that have a target.
var targets = map[string]int{
	"send": 3, "endtoend": 3, "http": 1, "idle": 3, "stream": 2,
	"backlog": 6, "names": 2, "delete": 1, "expire": 1, "large": 2,
	"fanout": 2, "filter": 2, "push": 1, "sockets": 5, "relay": 10,
}

// checkWanted checks that a scenario has the figures that it is for, and with
// each rate that is compared the latencies and what was written.
func checkWanted(t *testing.T, name string, report bench.Report) {
	units := map[string]int{}
	aimed := 0
	for _, r := range report {
		units[r.Unit]++
		if r.Target != nil {
			aimed++
		}
	}
	if aimed != targets[name] {
		t.Errorf("%d rows have a target, not %d", aimed, targets[name])
	}
	for i, r := range report {
		if r.Unit == "msg/s" && r.Against != "" && r.Against != "undisturbed" && name != "sockets" && name != "relay" {
			checkGroup(t, report[i:])
		}
	}
	if !slices.Contains([]string{"names", "filter", "sockets", "relay"}, name) && (units["ms"] < 2 || units["1/msg"] == 0 && name != "large" && name != "push") {
		t.Errorf("figures are missing: %v", units)
	}
}

func checkGroup(t *testing.T, report bench.Report) {
	name := report[0].Name
	for i, suffix := range []string{"", ", p50", ", p99", ", written", ", syncs"} {
		if i >= len(report) || report[i].Name != name+suffix || report[i].Base <= 0 {
			t.Fatalf("%q has no %q beside its base", name, suffix)
		}
	}
	if p50, p99 := report[1], report[2]; p50.Value > p99.Value || p50.Base > p99.Base {
		t.Errorf("half is slower than nearly all: %+v, %+v", p50, p99)
	}
}

func TestScenarioWithoutBroker(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.Broker = nil
	for _, s := range bench.Scenarios() {
		if s.Name != "backlog" {
			continue
		}
		if _, err := s.Run(t.Context(), o); !errors.Is(err, bench.ErrNoBroker) {
			t.Errorf("got %v, want ErrNoBroker", err)
		}
	}
}

func TestScenarioNamesAreWords(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range bench.Scenarios() {
		if s.Name == "" || s.What == "" || seen[s.Name] || strings.ToLower(s.Name) != s.Name || strings.Contains(s.Name, " ") {
			t.Errorf("%q: %q", s.Name, s.What)
		}
		seen[s.Name] = true
	}
}

// BenchmarkSubjects puts the loads of the scenarios on, for go test -bench.
func BenchmarkSubjects(b *testing.B) {
	for _, subject := range []struct {
		name    string
		callers int
		open    bench.Opener
	}{
		{"bare/callers=1", 1, bench.OpenBare},
		{"bare/callers=64", 64, bench.OpenBare},
		{"bare/callers=256", 256, bench.OpenBare},
		{"send/callers=1", 1, bench.OpenSend},
		{"send/callers=64", 64, bench.OpenSend},
		{"send/callers=256", 256, bench.OpenSend},
		{"endtoend/callers=1", 1, bench.OpenEndToEnd},
		{"endtoend/callers=64", 64, bench.OpenEndToEnd},
		{"endtoend/callers=256", 256, bench.OpenEndToEnd},
		{"http/callers=64", 64, bench.OpenHTTP},
		{"barehttp/callers=64", 64, bench.OpenBareHTTP},
	} {
		b.Run(subject.name, func(b *testing.B) { benchmark(b, subject.open, subject.callers) })
	}
}

func benchmark(b *testing.B, open bench.Opener, callers int) {
	ctx := context.Background()
	subject, err := open(ctx, b.TempDir(), callers)
	if err != nil {
		b.Fatal(err)
	}
	defer subject.Close()
	before := subject.Written()
	b.ReportAllocs()
	b.ResetTimer()
	sample, err := bench.Load{Callers: callers, Count: b.N, Do: subject.Do}.Run(ctx)
	b.StopTimer()
	if err != nil {
		b.Fatal(err)
	}
	written := subject.Written()
	sample.Written = bench.Written{Bytes: written.Bytes - before.Bytes, Syncs: written.Syncs - before.Syncs}
	b.ReportMetric(sample.Rate(), "msg/s")
	b.ReportMetric(sample.P99(), "p99-ms")
	b.ReportMetric(sample.BytesPerMessage(), "written-B/msg")
	b.ReportMetric(sample.SyncsPerMessage(), "syncs/msg")
	if err := subject.Check(ctx); err != nil {
		b.Fatal(err)
	}
}
