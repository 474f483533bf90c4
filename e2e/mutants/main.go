// Mutants shows that the tests can fail: it seeds one bug after the other, and
// demands that the tests of the promise that the bug breaks find it.
//
//	go run ./e2e/mutants [-run regexp] [-v]
//
// The files of the project stay as they are: a bug is laid over them for one
// run of the go command. A bug that does not build, or whose place is not to
// be found exactly once, is no bug, and an error like one that survives.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"time"
)

func main() {
	only := flag.String("run", "", "seed only the bugs whose names match this `regexp`")
	verbose := flag.Bool("v", false, "show what the tests print")
	flag.Parse()
	names, err := regexp.Compile(*only)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	r, err := newRunner(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if *verbose {
		r.output = os.Stderr
	}
	if !r.all(ctx, mutants, names) {
		os.Exit(1)
	}
}

// all seeds one mutant after the other, prints a line for each, and reports
// whether all were killed.
func (r *runner) all(ctx context.Context, list []mutant, names *regexp.Regexp) bool {
	tried, failed := 0, 0
	for _, m := range list {
		if !names.MatchString(m.name) || ctx.Err() != nil {
			continue
		}
		start := time.Now()
		by, err := r.kill(ctx, m)
		tried++
		if err != nil {
			failed++
			by = "NOT KILLED: " + err.Error()
		}
		fmt.Printf("%-3s %-58s %5.1fs  %s\n", m.promise, m.name, time.Since(start).Seconds(), by)
	}
	fmt.Printf("%d mutants, %d killed\n", tried, tried-failed)
	return tried > 0 && failed == 0 && ctx.Err() == nil
}
