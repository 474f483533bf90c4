// Command worker is Jitney's main job on real input: it has the files of the
// Go standard library read by three competing jitney work processes, kills one
// of them on the way, and checks what they found against the files themselves.
//
//	go run ./examples/worker
//
// It starts a broker of its own on a folder that it removes at the end, and
// ends with 1 if a file was lost or counted twice.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	s := story{out: stdout}
	flags := flag.NewFlagSet("worker", flag.ContinueOnError)
	flags.StringVar(&s.programs, "programs", "", "the `folder` of the programs jitney and tally; they are built if there is none")
	flags.StringVar(&s.dir, "dir", "", "a `folder` for all that is made, which stays; a temporary one if there is none")
	flags.IntVar(&s.most, "files", 0, "how many files to take at most; 0: all")
	check := flags.Bool("check", false, "only check what an earlier run has left in -dir")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *check {
		return s.check()
	}
	return s.tell(ctx)
}
