package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/jitney-mq/jitney/client"
)

// disposition is a client.Disposition, as a flag.
type disposition string

func (d *disposition) String() string { return string(*d) }
func (d *disposition) Type() string   { return "disposition" }

func (d *disposition) Set(text string) error {
	var all []disposition
	for _, known := range client.Dispositions() {
		all = append(all, disposition(known))
	}
	return oneOf(d, text, all...)
}

// settle is jitney settle, as its flags say.
type settle struct {
	*env
	disposition disposition
	delay       duration
	reason      string
	description string
}

func newSettleCommand(e *env) *cobra.Command {
	s := settle{env: e, disposition: disposition(client.Complete)}
	cmd := &cobra.Command{
		Use:   "settle LOCK...",
		Short: "End locks that jitney receive --settle none left",
		Long: `End locks, each given as the URI that jitney receive --settle none shows:

  complete     the message is done and leaves the queue
  abandon      it comes again, after the delay if there is one
  release      it comes again as if it had never been delivered
  defer        it is set aside
  dead-letter  it goes to the dead-letter queue, with reason and description
  reschedule   it comes again after the delay, at the queue's tail

A lock that is lost does not keep the others from being settled; the exit code
is 6 then.`,
		Example: `  lock=$(jitney receive /orders --settle none -o jsonl | jq -r .lock)
  jitney settle "$lock" --disposition abandon --delay 5m
  jitney settle "$lock" --disposition dead-letter --reason Malformed`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return s.run(cmd.Context(), args) },
	}
	flags := cmd.Flags()
	flags.Var(&s.disposition, "disposition", "what becomes of the messages")
	flags.Var(&s.delay, "delay", "of abandon and reschedule: how long until they come again")
	flags.StringVar(&s.reason, "reason", "", "of dead-letter, in a `word`")
	flags.StringVar(&s.description, "description", "", "of dead-letter, in a `sentence`")
	markCommandLineOnly(cmd, "disposition", "delay", "reason", "description")
	return cmd
}

// settled is what became of one lock.
type settled struct {
	Lock        string `json:"lock"`
	Disposition string `json:"disposition,omitempty"` // empty: none
	Problem     string `json:"problem,omitempty"`
}

func (s *settle) run(ctx context.Context, locks []string) error {
	if err := s.check(); err != nil {
		return err
	}
	c, err := s.client()
	if err != nil {
		return err
	}
	out := newLister(s.stdout, s.output, func(r settled) ([]byte, error) { return json.Marshal(r) },
		column[settled]{"LOCK", func(r settled) string { return r.Lock }},
		column[settled]{"DISPOSITION", func(r settled) string { return r.Disposition }},
		column[settled]{"PROBLEM", func(r settled) string { return r.Problem }})
	var errs []error
	for _, lock := range locks {
		err := s.one(ctx, c, lock)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", lock, err))
		}
		if s.output != "" {
			errs = append(errs, out.add(s.result(lock, err)))
		}
	}
	return errors.Join(append(errs, out.end())...)
}

func (s *settle) result(lock string, err error) settled {
	if err != nil {
		return settled{Lock: lock, Problem: err.Error()}
	}
	return settled{Lock: lock, Disposition: string(s.disposition)}
}

// check refuses flags that would have no effect.
func (s *settle) check() error {
	d := client.Disposition(s.disposition)
	if s.delay > 0 && d != client.Abandon && d != client.Reschedule {
		return usagef("--delay is for abandon and reschedule, not for %s", d)
	}
	if s.reason+s.description != "" && d != client.DeadLetter {
		return usagef("--reason and --description are for dead-letter, not for %s", d)
	}
	return nil
}

func (s *settle) one(ctx context.Context, c *client.Client, lock string) error {
	switch client.Disposition(s.disposition) {
	case client.Abandon:
		return c.Abandon(ctx, lock, time.Duration(s.delay))
	case client.Release:
		return c.Release(ctx, lock)
	case client.Defer:
		return c.Defer(ctx, lock)
	case client.DeadLetter:
		return c.DeadLetter(ctx, lock, s.reason, s.description)
	case client.Reschedule:
		return c.Reschedule(ctx, lock, time.Duration(s.delay))
	}
	return c.Complete(ctx, lock)
}
