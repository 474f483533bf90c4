package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

func newDevCommand(e *env) *cobra.Command {
	o := serveOptions{maxSize: 64 << 30, minFree: 64 << 20, insecure: true, logLevel: "warn", logFormat: "text"}
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Run a broker to try things with, and throw its data away",
		Long: `Runs a broker on a data folder of its own, which is removed when the broker
ends, and prints its URL and a command line to paste.`,
		Example: `  jitney dev
  jitney dev --listen 127.0.0.1:0`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return e.dev(cmd, &o) },
	}
	cmd.Flags().StringVar(&o.listen, "listen", defaultListen, "the `address` to listen on; port 0 takes a free one")
	cmd.Flags().StringVar(&o.relay, "relay-listen", "", relayListenUsage)
	return cmd
}

func (e *env) dev(cmd *cobra.Command, o *serveOptions) error {
	dir, err := os.MkdirTemp("", "jitney-dev-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	o.dir = filepath.Join(dir, "data")
	log, err := o.logger(e.stderr)
	if err != nil {
		return err
	}
	ctx, stop := interruptible(cmd)
	defer stop()
	return runBroker(ctx, o, log, func(url string) {
		fmt.Fprintf(e.stdout, `%[1]s
A broker whose data is thrown away at its end. In another terminal:

  curl -d '{"QueuePolicy":{}}' -H 'Content-Type: application/vnd.jitney.policy+json' %[1]s/orders
  curl -d 'two coffees' %[1]s/orders
  curl -X POST '%[1]s/orders/messages/head?timeout=0'
`, url)
	})
}
