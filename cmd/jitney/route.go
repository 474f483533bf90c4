package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/message"
)

// route is jitney route, as its flags say.
type route struct {
	*env
	messageFlags
	file string // the body; -: standard input
}

func newRouteCommand(e *env) *cobra.Command {
	r := route{env: e}
	cmd := &cobra.Command{
		Use:   "route ROUTER [TEXT]",
		Short: "Show which subscriptions a message would go to",
		Long: `Show which of a router's subscriptions would get a message, and which of their
rules lets it pass. Nothing is sent. The flags are those of jitney send.

Where a subscriber is a router, its subscriptions follow, indented. A router
that sends each message to one shows the chance of each to be that one.`,
		Example: `  jitney route /jobs 'two coffees' --label job --property size=12
  jitney route /jobs --file job.json -o json`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if r.file != "" && len(args) > 1 {
				return usagef("want one body: a text or --file")
			}
			r.hasSession = cmd.Flags().Changed("session-id")
			return r.run(cmd.Context(), args)
		},
	}
	cmd.Flags().StringVar(&r.file, "file", "", "the body is in a `file`, - for standard input")
	markCommandLineOnly(cmd, "file")
	r.add(cmd)
	return cmd
}

// maxTried bounds the body that is tried, in bytes: what a router may take at most.
const maxTried = 100 << 20

func (r *route) run(ctx context.Context, args []string) error {
	m, err := r.read(args)
	if err != nil {
		return err
	}
	c, err := r.client()
	if err != nil {
		return err
	}
	trial, err := c.Try(ctx, args[0], m)
	if err != nil {
		return err
	}
	return r.show(trial)
}

// read returns the message with its body.
func (r *route) read(args []string) (*message.Message, error) {
	m := r.message(textType)
	if len(args) > 1 {
		m.Body = []byte(args[1])
	}
	if r.file == "" {
		return m, nil
	}
	input, err := r.open(r.file)
	if err != nil {
		return nil, err
	}
	defer input.Close()
	m = r.message(typeOfFile(r.file))
	m.Body, err = io.ReadAll(io.LimitReader(input, maxTried+1))
	if len(m.Body) > maxTried {
		return nil, fmt.Errorf("%w: %s has more than %d bytes", client.ErrTooLarge, r.file, maxTried)
	}
	return m, err
}

// show writes all subscriptions that were asked, as one document or as lines.
func (r *route) show(t *client.Trial) error {
	if r.output == jsonFormat {
		return object(r.stdout, r.output, t, "")
	}
	marshal := func(f found) ([]byte, error) { return compactJSON(f.TrialResult) }
	out := newLister(r.stdout, r.output, marshal, foundColumns()...)
	if err := addFound(out, t, 0); err != nil {
		return errors.Join(err, out.flush())
	}
	return out.end()
}

// found is a subscription that was asked, at a router so many subscriptions
// away.
type found struct {
	client.TrialResult
	depth int
}

// addFound adds the results of a trial, each followed by those that its own
// subscriber gives.
func addFound(out *lister[found], t *client.Trial, depth int) error {
	for _, s := range t.Subscriptions {
		next := s.Next
		s.Next = nil
		if err := out.add(found{s, depth}); err != nil {
			return err
		}
		if next == nil {
			continue
		}
		if err := addFound(out, next, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func foundColumns() []column[found] {
	return []column[found]{
		{"SUBSCRIPTION", func(f found) string { return strings.Repeat("  ", f.depth) + f.Name }},
		{"TO", func(f found) string { return f.To }},
		{"GETS IT", found.verdict},
		{"RULE", func(f found) string { return f.Rule }},
		{"REMARK", found.remark},
	}
}

func (f found) verdict() string {
	switch {
	case !f.Matches:
		return "no"
	case f.Chance > 0:
		return fmt.Sprintf("%.3g%%", 100*f.Chance)
	}
	return "yes"
}

// remark says what else becomes of the message.
func (f found) remark() string {
	switch {
	case f.Error != "":
		return "dead-lettered: " + f.Error
	case f.Status == "Disabled", f.Status == "SendDisabled":
		return f.Status
	}
	return ""
}
