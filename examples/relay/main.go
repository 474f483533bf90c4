// Command relay shows what is behind a relay: programs that listen at no port,
// and are reached by a name.
//
// The first is a web server with a page on which people chat over a WebSocket.
// The second is one of two workers of the jobs topology: jobs enter a router
// that sends each to an audit queue and to a second router, which gives it to
// one of the workers. On the way that worker goes away, and comes back; at the
// end it is checked that every job was done.
//
//	go run ./examples/relay [-serve] [-listen 127.0.0.1:5300] [-relay-listen 127.0.0.1:5301]
//
// Everything is in this process, the broker included. With -serve it stays, for
// two browser windows to chat; else it tells its own story and ends, with 1 if
// something is not as it should be.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/jitney-mq/jitney/examples/inprocess"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "relay:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	flags := flag.NewFlagSet("relay", flag.ContinueOnError)
	serve := flags.Bool("serve", false, "stay, for others to try")
	jobs := flags.Int("jobs", 300, "how many jobs the story has")
	listen := flags.String("listen", inprocess.FreePort, "the broker's `address`")
	relay := flags.String("relay-listen", inprocess.FreePort, "the `address` at which it relays and does nothing else")
	if err := flags.Parse(args); err != nil {
		return err
	}
	b, err := openBus(ctx, *listen, *relay)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	if *serve {
		return b.serve(ctx, out)
	}
	if err := (&chatStory{b, out}).tell(ctx); err != nil {
		return err
	}
	return (&jobStory{bus: b, out: out, jobs: *jobs}).tell(ctx)
}
