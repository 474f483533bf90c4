// Command fanout is the jobs topology, complete: jobs enter a router that sends
// each to all its subscribers. An audit queue keeps every raw job until the audit
// service has it on disk; a second router hands each job to one of the workers,
// of three kinds: some have it pushed over HTTP, one has opened a WebSocket, one
// receives from a queue of its own. On the way a worker is killed, and then the
// broker. At the end it is checked that nothing was lost, and that whatever was
// done twice has an explanation.
//
//	go run ./examples/fanout
//
// It starts a broker of its own on a folder that it removes at the end, and
// ends with 1 if the check fails.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "fanout:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	if len(args) > 0 && roles[args[0]] != nil {
		return runRole(ctx, args)
	}
	s := story{out: stdout}
	flags := flag.NewFlagSet("fanout", flag.ContinueOnError)
	flags.StringVar(&s.programs, "programs", "", "the `folder` of the programs jitney and fanout; they are built if there is none")
	flags.IntVar(&s.jobs, "jobs", 3000, "how many jobs there are")
	if err := flags.Parse(args); err != nil {
		return err
	}
	return s.tell(ctx)
}
