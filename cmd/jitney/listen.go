package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/message"
)

// listen is jitney listen, as its flags say.
type listen struct {
	*env
	count int
	out   messageWriter
}

func newListenCommand(e *env) *cobra.Command {
	l := listen{env: e}
	cmd := &cobra.Command{
		Use:   "listen NAME",
		Short: "Show messages live, as they come",
		Long: `Show messages as they come, over a WebSocket. Of a router that sends to all,
these are copies of what is sent from now on: nothing is taken away from
anybody. Of a queue, a subscription, or a router that sends to one, each message
is completed once it is written out; if that fails it goes to somebody else.

Without -o the bodies are shown, each with a line end. When the connection breaks
another one is opened; what a router sends meanwhile is missed. It goes on until
it is interrupted, or --count messages have come.`,
		Example: `  jitney listen /jobs
  jitney listen /jobs -o jsonl | jq .label
  jitney listen /jobs/subscriptions/audit --count 10`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := interruptible(cmd)
			defer stop()
			return l.run(ctx, args[0])
		},
	}
	cmd.Flags().IntVarP(&l.count, "count", "n", 0, "how many messages to show; 0: all that come")
	return cmd
}

func (l *listen) run(ctx context.Context, name string) error {
	if l.count < 0 {
		return usagef("--count %d: want 0 or more", l.count)
	}
	c, err := l.client()
	if err != nil {
		return err
	}
	defer c.Close()
	r := receive{env: l.env, follow: true} // bodies each with a line end
	l.out = r.newWriter()
	left := l.count
	listener := c.Listen(name, client.ListenOptions{Credit: 1, Lost: l.lost})
	for m, err := range listener.Messages(ctx) {
		if err != nil && ctx.Err() == nil {
			return err
		}
		if err != nil {
			break
		}
		if err := l.show(ctx, listener, m); err != nil {
			return err
		}
		if left--; left == 0 {
			break
		}
	}
	return l.out.end()
}

// lost says why nothing comes for a while.
func (l *listen) lost(why error, pause time.Duration) {
	fmt.Fprintf(l.stderr, "jitney: %v; another try in %.1fs\n", why, pause.Seconds())
}

// show writes a message out and then completes it, if it is locked.
func (l *listen) show(ctx context.Context, from *client.Listener, m *message.Received) error {
	if err := l.out.add(m); err != nil {
		return err
	}
	if err := l.out.flush(); err != nil || m.Lock == "" {
		return err
	}
	_, err := from.Settle(ctx, client.Settlement{Lock: m.Lock, Disposition: client.Complete})
	if errors.Is(err, client.ErrNoAnswer) {
		return nil // it comes again
	}
	return err
}
