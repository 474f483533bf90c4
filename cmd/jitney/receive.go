package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/message"
)

// receiveMode says whether messages are locked.
type receiveMode string

const (
	peekLock         receiveMode = "peek-lock"
	receiveAndDelete receiveMode = "receive-and-delete"
)

func (m *receiveMode) String() string        { return string(*m) }
func (m *receiveMode) Type() string          { return "mode" }
func (m *receiveMode) Set(text string) error { return oneOf(m, text, peekLock, receiveAndDelete) }

// settling says what becomes of the locks of messages that were shown.
type settling string

const (
	completeShown settling = "complete"
	abandonShown  settling = "abandon"
	settleNothing settling = "none"
)

func (s *settling) String() string { return string(*s) }
func (s *settling) Type() string   { return "disposition" }

func (s *settling) Set(text string) error {
	return oneOf(s, text, completeShown, abandonShown, settleNothing)
}

// receive is jitney receive, as its flags say.
type receive struct {
	*env
	count        int
	timeout      duration
	lockDuration duration
	mode         receiveMode
	settling     settling
	follow       bool

	client *client.Client
	queue  string
	out    messageWriter
}

func newReceiveCommand(e *env) *cobra.Command {
	r := receive{env: e, timeout: duration(time.Minute), mode: peekLock, settling: completeShown}
	cmd := &cobra.Command{
		Use:   "receive NAME",
		Short: "Receive messages from a queue and show them",
		Long: `Receive messages, show them, and complete them once they are written out. If it
ends in between, they come again.

Without -o the bodies are shown: that of one message to the byte (on a
terminal with a line end), of several each with a line end. With --settle none
the locks stay, and a later jitney settle ends them.

It ends with the exit code 4 if no message came in time.`,
		Example: `  jitney receive /orders --timeout 5s
  jitney receive /orders --count 100 -o jsonl >orders.jsonl
  jitney receive /orders --follow
  jitney receive '/orders/$DeadLetterQueue' --settle none -o table`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if r.mode == receiveAndDelete && cmd.Flags().Changed("settle") {
				return usagef("--settle: there is no lock to settle with --mode %s", r.mode)
			}
			if r.client, err = e.client(); err != nil {
				return err
			}
			ctx, stop := interruptible(cmd)
			defer stop()
			r.queue = args[0]
			return r.run(ctx)
		},
	}
	flags := cmd.Flags()
	flags.IntVarP(&r.count, "count", "n", 1, "how many messages to receive at most")
	flags.Var(&r.timeout, "timeout", "how long to wait for the next message, up to 5m")
	flags.Var(&r.lockDuration, "lock-duration", "how long to lock each message; 0: as the queue's policy says")
	flags.Var(&r.mode, "mode", "peek-lock or receive-and-delete")
	flags.Var(&r.settling, "settle", "complete, abandon or none: what to do with messages that were shown")
	flags.BoolVarP(&r.follow, "follow", "f", false, "go on until interrupted, whatever --count says")
	return cmd
}

func (r *receive) run(ctx context.Context) error {
	if r.count < 1 {
		return usagef("--count %d: want at least 1", r.count)
	}
	r.out = r.newWriter()
	got, err := r.all(ctx)
	if err == nil {
		err = r.out.end()
	}
	switch {
	case r.follow && errors.Is(err, errInterrupted):
		return r.out.end()
	case err == nil && got == 0:
		return client.ErrNoMessage
	}
	return err
}

// all receives what was asked for, or as much of it as came in time.
func (r *receive) all(ctx context.Context) (got int, err error) {
	for r.follow || got < r.count {
		messages, err := r.next(ctx, r.count-got)
		if errors.Is(err, client.ErrNoMessage) {
			if r.follow {
				continue
			}
			return got, nil
		}
		if err != nil {
			return got, err
		}
		if err := r.show(messages); err != nil {
			return got, err
		}
		got += len(messages)
	}
	return got, nil
}

// maxAtOnce is how many messages one request asks for.
const maxAtOnce = 100

func (r *receive) next(ctx context.Context, count int) ([]*message.Received, error) {
	if r.follow {
		count = maxAtOnce
	}
	o := client.ReceiveOptions{
		Count:        min(count, maxAtOnce),
		Wait:         time.Duration(r.timeout),
		LockDuration: time.Duration(r.lockDuration),
	}
	if r.mode == receiveAndDelete {
		return r.client.ReceiveAndDelete(ctx, r.queue, o)
	}
	return r.client.Receive(ctx, r.queue, o)
}

// maxSettling is how long settling what was shown may take, also after an
// interrupt.
const maxSettling = 10 * time.Second

// show writes messages and settles them. What could not be written goes back
// to the queue.
func (r *receive) show(messages []*message.Received) error {
	ctx, cancel := context.WithTimeout(context.Background(), maxSettling)
	defer cancel()
	if err := r.write(messages); err != nil {
		return errors.Join(err, r.settle(ctx, messages, client.Release))
	}
	switch r.settling {
	case completeShown:
		return r.settle(ctx, messages, client.Complete)
	case abandonShown:
		return r.settle(ctx, messages, client.Abandon)
	}
	return nil
}

func (r *receive) write(messages []*message.Received) error {
	for _, m := range messages {
		if err := r.out.add(m); err != nil {
			return err
		}
	}
	return r.out.flush()
}

// settle ends the locks of messages in one commit. It returns the first error.
func (r *receive) settle(ctx context.Context, messages []*message.Received, d client.Disposition) error {
	if r.mode == receiveAndDelete {
		return nil
	}
	settlements := make([]client.Settlement, len(messages))
	for i, m := range messages {
		settlements[i] = client.Settlement{Lock: m.Lock, Disposition: d}
	}
	results, err := r.client.Settle(ctx, r.queue, settlements)
	if err != nil {
		return err
	}
	for i, err := range results {
		if err != nil {
			return messageError(messages[i], err)
		}
	}
	return nil
}
