package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/gorilla/websocket"
	"github.com/spf13/cobra"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/relay/duplex"
)

// relayConnect is jitney relay connect, as its flags say.
type relayConnect struct {
	*env
	credential
}

func newRelayConnectCommand(e *env) *cobra.Command {
	c := relayConnect{env: e}
	cmd := &cobra.Command{
		Use:   "connect NAME",
		Short: "Talk to a listener over standard input and output",
		Long: `Open a socket to a listener at a connection point. Standard input goes there as
binary messages, and what comes goes to standard output. The name may be
followed by a path and a query, which the listener gets too.

An empty message says that one side has no more bytes, and the other one goes
on; that is what jitney relay listen --to tcp://… makes the end of a TCP
connection's direction of, and it is sent at the end of standard input. The
command ends when both sides have no more bytes, or the socket is closed.`,
		Example: `  jitney relay connect /home/ssh
  ssh -o ProxyCommand='jitney relay connect /home/ssh' home`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := interruptible(cmd)
			defer stop()
			return c.run(ctx, args[0])
		},
	}
	c.add(cmd)
	return cmd
}

func (c *relayConnect) run(ctx context.Context, name string) error {
	broker, err := c.client()
	if err != nil {
		return err
	}
	defer broker.Close()
	header, err := c.header(broker.URL(), name)
	if err != nil {
		return err
	}
	conn, err := broker.DialRelay(ctx, name, header)
	if err != nil {
		return err
	}
	p := pipe{socket: duplex.Dialled(conn), from: c.stdin, to: c.stdout, endWrite: c.endOutput}
	err = p.closeError(p.run(ctx))
	if _, closed := errors.AsType[*websocket.CloseError](err); closed || errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("%w: %w", client.ErrNoAnswer, err) // the broker has gone without a word
	}
	return err
}

// endOutput tells whoever reads the output that it has ended, while the input
// goes on.
func (c *relayConnect) endOutput() error {
	if out, ok := c.stdout.(io.Closer); ok {
		return out.Close()
	}
	return nil
}
