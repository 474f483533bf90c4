package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/jitney-mq/jitney/bench"
)

func newBenchCommand(e *env) *cobra.Command {
	var o bench.Options
	var list, part bool
	cmd := &cobra.Command{
		Use:   "bench [SCENARIO…]",
		Short: "Measure brokers on this machine's disk",
		Long: `Runs brokers of its own and measures them beside the bare limits of what they
stand on: the same disk, the same minute, both in turn, medians of three. So
what counts is the ratio; the figures themselves are this machine's. A target
that is missed is not an error.

Without a scenario it runs all of them, which takes about half an hour and
some gigabytes. Stop whatever else is busy on the machine before.`,
		Example: `  jitney bench --list
  jitney bench --dir /var/lib/jitney send http
  jitney bench --quick -o json`,
		ValidArgsFunction: completeScenarios,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case list:
				return e.listScenarios()
			case part:
				return e.benchPart(cmd, args)
			}
			return e.bench(cmd, o, args)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&list, "list", false, "say which scenarios there are")
	f.BoolVar(&o.Quick, "quick", false, "everything in small: shows that it works, not how fast")
	f.StringVar(&o.Dir, "dir", ".", "a `folder` on the disk that is to be measured, for temporary data")
	f.BoolVar(&part, "part", false, "be a part of a scenario, as the one that runs it says")
	_ = f.MarkHidden("part") // it is there
	markCommandLineOnly(cmd, "list", "quick", "dir", "part")
	return cmd
}

func completeScenarios(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var names []string
	for _, s := range bench.Scenarios() {
		names = append(names, s.Name+"\t"+s.What)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func (e *env) listScenarios() error {
	l := newLister(e.stdout, e.output, func(s bench.Scenario) ([]byte, error) {
		return json.Marshal(map[string]string{"name": s.Name, "what": s.What})
	},
		column[bench.Scenario]{"SCENARIO", func(s bench.Scenario) string { return s.Name }},
		column[bench.Scenario]{"MEASURES", func(s bench.Scenario) string { return s.What }})
	for _, s := range bench.Scenarios() {
		if err := l.add(s); err != nil {
			return err
		}
	}
	return l.end()
}

func (e *env) bench(cmd *cobra.Command, o bench.Options, names []string) error {
	scenarios, err := chooseScenarios(names)
	if err != nil {
		return err
	}
	if o.Broker, o.Part, err = thisProgram(); err != nil {
		return err
	}
	collectAsServe()
	ctx, stop := interruptible(cmd)
	defer stop()
	e.sayWhere(o)
	l := newLister(e.stdout, e.output, func(f figure) ([]byte, error) { return json.Marshal(f) }, figureColumns()...)
	for _, s := range scenarios {
		if err := e.runScenario(ctx, s, o, l); err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
	}
	return l.end()
}

// runScenario prints what a scenario has measured as soon as it has.
func (e *env) runScenario(ctx context.Context, s bench.Scenario, o bench.Options, l *lister[figure]) error {
	fmt.Fprintf(e.stderr, "%s: %s\n", s.Name, s.What)
	report, err := s.Run(ctx, o)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	for _, row := range report {
		if err := l.add(figure{s.Name, row}); err != nil {
			return err
		}
	}
	if err := l.flush(); err != nil {
		return err
	}
	return err
}

// chooseScenarios returns those of some names, all without a name.
func chooseScenarios(names []string) (chosen []bench.Scenario, err error) {
	all := bench.Scenarios()
	if len(names) == 0 {
		return all, nil
	}
	byName := map[string]bench.Scenario{}
	var known []string
	for _, s := range all {
		byName[s.Name] = s
		known = append(known, s.Name)
	}
	for _, name := range names {
		s, ok := byName[name]
		if !ok {
			return nil, usagef("%q is no scenario: want %s", name, strings.Join(known, ", "))
		}
		chosen = append(chosen, s)
	}
	return chosen, nil
}

// thisProgram returns what runs a broker as somebody would from a shell, and what
// runs a part of a scenario.
func thisProgram() (broker func(dir, address string) *exec.Cmd, part func(args ...string) *exec.Cmd, err error) {
	program, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	broker = func(dir, address string) *exec.Cmd {
		return exec.Command(program, "serve", "--insecure", "--dir", dir, "--listen", address, "--log-level", "error")
	}
	part = func(args ...string) *exec.Cmd {
		return exec.Command(program, append([]string{"bench", "--part", "--"}, args...)...)
	}
	return broker, part, nil
}

// benchPart runs a part of a scenario until the standard input ends.
func (e *env) benchPart(cmd *cobra.Command, args []string) error {
	collectAsServe()
	ctx, stop := interruptible(cmd)
	defer stop()
	return bench.RunPart(ctx, args, e.stdin, e.stdout)
}

// collectAsServe has the collector of this process do as that of a broker does.
func collectAsServe() {
	if _, set := os.LookupEnv("GOGC"); !set {
		debug.SetGCPercent(gcPercent)
	}
}

// sayWhere says what the figures hold for.
func (e *env) sayWhere(o bench.Options) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		dir = o.Dir
	}
	fmt.Fprintf(e.stderr, "%d processors, %s/%s, %s, in %s\n",
		runtime.GOMAXPROCS(0), runtime.GOOS, runtime.GOARCH, runtime.Version(), dir)
	if o.Quick {
		fmt.Fprintln(e.stderr, "everything in small: the figures say nothing about speed")
	}
}

// figure is a row of a scenario's report.
type figure struct {
	Scenario string `json:"scenario"`
	bench.Row
}

func figureColumns() []column[figure] {
	return []column[figure]{
		{"SCENARIO", func(f figure) string { return f.Scenario }},
		{"FIGURE", func(f figure) string { return f.Name }},
		{"VALUE", func(f figure) string { return readable(f.Value) + " " + f.Unit }},
		{"AGAINST", func(f figure) string {
			if f.Against == "" {
				return ""
			}
			return readable(f.Base) + " " + f.Against
		}},
		{"RATIO", func(f figure) string {
			if f.Against == "" {
				return ""
			}
			return strconv.FormatFloat(f.Ratio, 'f', 2, 64)
		}},
		{"TARGET", func(f figure) string {
			if f.Target == nil {
				return ""
			}
			return f.Target.String()
		}},
		{"", func(f figure) string {
			switch {
			case f.Met == nil:
				return ""
			case *f.Met:
				return "met"
			}
			return "missed"
		}},
	}
}

// readable returns a figure with three digits that count, or all before the point.
func readable(figure float64) string {
	switch {
	case figure == 0:
		return "0"
	case figure >= 100:
		return strconv.FormatFloat(figure, 'f', 0, 64)
	case figure >= 1:
		return strconv.FormatFloat(figure, 'f', 1, 64)
	}
	return strconv.FormatFloat(figure, 'g', 2, 64)
}
