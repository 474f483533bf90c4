package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/jitney-mq/jitney/client"
)

// env is what the program was started with, and what its global flags say.
type env struct {
	stdin  io.Reader
	stdout io.Writer // data only
	stderr io.Writer // everything else
	lookup func(variable string) (string, bool)

	url        string // of the broker
	output     format
	configPath string // empty: the default one, if it is there

	began bool // whether the command line was understood and its command runs
}

// run is the whole program: it returns the exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	e := &env{stdin: stdin, stdout: stdout, stderr: stderr, lookup: os.LookupEnv}
	return e.run(args)
}

func (e *env) run(args []string) int {
	root := newRootCommand(e)
	root.SetArgs(args)
	cmd, err := root.ExecuteC()
	if err == nil {
		return exitOK
	}
	if !e.began { // so it is cobra's, about the command line
		err = usage(err)
	}
	for line := range strings.Lines(err.Error()) { // one for each error that was joined
		fmt.Fprintf(e.stderr, "jitney: %s\n", oneLine(line))
	}
	if errors.Is(err, errUsage) {
		fmt.Fprintf(e.stderr, "see %s --help\n", cmd.CommandPath())
	}
	return exitCode(err)
}

// client returns a client of the broker that the flags name.
func (e *env) client() (*client.Client, error) {
	c, err := client.New(client.Options{URL: e.url, UserAgent: "jitney/" + version().Version})
	if err != nil {
		return nil, usage(err)
	}
	return c, nil
}

// errInterrupted is the cause of a context that a signal ended.
var errInterrupted = errors.New("interrupted")

// interruptible returns a context of cmd that SIGINT and SIGTERM end with
// errInterrupted. The caller calls stop.
func interruptible(cmd *cobra.Command) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(cmd.Context())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-signals:
			signal.Stop(signals) // a second one does not wait
			cancel(errInterrupted)
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel(nil)
		<-done
	}
}
