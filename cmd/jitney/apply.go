package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/namespace"
	"github.com/jitney-mq/jitney/policy"
)

// apply is jitney apply, as its flags say.
type apply struct {
	*env
	file   string // or a folder; -: standard input
	dryRun bool
	prune  bool
	below  string // what prune is confined to
}

func newApplyCommand(e *env) *cobra.Command {
	a := apply{env: e}
	cmd := &cobra.Command{
		Use:   "apply -f FILE|FOLDER",
		Short: "Give names the roles and subscriptions that a file says",
		Long: `Compare a file with the broker, show what is different, and change that. If
nothing is, nothing is done: apply can be run as often as one likes.

The file is TOML or JSON. Each table is a name with its policy and, if it is a
router, its subscriptions, by their ids:

  ["/audit".QueuePolicy]

  ["/jobs".RouterPolicy]

  ["/jobs".subscriptions.audit]
  to = "/audit"

  ["/jobs".subscriptions.big]
  filter = "size > 10"
  SubscriptionPolicy.MaxDeliveryCount = 3

to and filter are short for what a SubscriptionPolicy states at greater length;
see jitney help policies. What a policy does not state takes its default.

In a folder each file is one entry, as jitney policy get -o json shows it, and
its path the name: jobs.json is for /jobs, jobs/subscriptions/audit.toml for the
subscription audit. An entry may also be Atom: .xml or .atom.

A name that moves messages on comes after the one that gets them. What the file
does not have is left alone, or with --prune deleted, messages and all. A secret
is never shown and so compared by the broker, when it is applied.`,
		Example: `  jitney apply -f topology.toml --dry-run
  jitney apply -f topology.toml
  jitney apply -f policies/ --prune --below /shop`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if a.file == "" {
				return usagef("want a topology: -f FILE or FOLDER")
			}
			if cmd.Flags().Changed("below") && !a.prune {
				return usagef("--below: says what --prune is confined to")
			}
			return a.run(cmd.Context())
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&a.file, "file", "f", "", "a `file` or folder with the topology, - for standard input")
	flags.BoolVar(&a.dryRun, "dry-run", false, "only show what would be done")
	flags.BoolVar(&a.prune, "prune", false, "delete the names and subscriptions that the topology does not have")
	flags.StringVar(&a.below, "below", "/", "with --prune: only this `name` and those below it")
	markCommandLineOnly(cmd, "file", "dry-run", "prune", "below")
	return cmd
}

func (a *apply) run(ctx context.Context) error {
	wanted, err := a.readTopology(a.file)
	if err != nil {
		return err
	}
	if a.prune && len(wanted.sorted) == 0 {
		return usagef("%s has no names: with --prune nothing would be left", a.file)
	}
	c, err := a.client()
	if err != nil {
		return err
	}
	p := &planner{client: c, topology: wanted, inForce: map[string]*client.Assigned{}}
	steps, err := a.plan(ctx, p)
	if err != nil {
		return err
	}
	return a.carryOut(ctx, c, steps)
}

// plan returns all steps in the order in which they can be taken. What is no
// longer wanted of a router ends before anything else is begun; a name goes
// when nothing needs it any more.
func (a *apply) plan(ctx context.Context, p *planner) ([]*step, error) {
	steps, err := p.plan(ctx)
	if err != nil || !a.prune {
		return steps, err
	}
	below, err := namespace.FromSegments(strings.FieldsFunc(a.below, func(r rune) bool { return r == '/' }))
	if err != nil {
		return nil, err
	}
	subscriptions, names, err := p.prune(ctx, below)
	return slices.Concat(subscriptions, steps, names), err
}

// carryOut takes the steps, and shows each that was taken.
func (a *apply) carryOut(ctx context.Context, c *client.Client, steps []*step) error {
	marshal := func(s *step) ([]byte, error) { return compactJSON(s) }
	out := newLister(a.stdout, a.output, marshal, stepColumns()...)
	counts := map[action]int{}
	for _, s := range steps {
		if !a.dryRun {
			if err := s.take(ctx, c); err != nil {
				return errors.Join(fmt.Errorf("%s: %w", s.Name, err), out.end())
			}
		}
		counts[s.Action]++
		if err := out.add(s); err != nil {
			return err
		}
	}
	if err := out.end(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(a.stderr, a.summary(counts))
	return err
}

// take does what a step says.
func (s *step) take(ctx context.Context, c *client.Client) error {
	subscription, isSubscription := s.policy.(policy.Subscription)
	switch {
	case s.Action == toDelete:
		err := c.DeletePolicy(ctx, s.Name)
		if errors.Is(err, client.ErrNotFound) {
			return nil // it went with another one
		}
		return err
	case s.Action == toCreate && isSubscription:
		_, err := c.Subscribe(ctx, routerOf(s.name).String(), s.name.Base(), subscription)
		return err
	case s.Action == toKeep && subscription.Secret == "":
		return nil
	}
	assigned, err := c.PutPolicy(ctx, s.Name, s.policy, s.etag)
	if err != nil {
		return err
	}
	if s.Action == toKeep && assigned.ETag != s.etag { // all that was not shown before
		s.Action, s.Changes = toChange, []difference{{Element: "Secret"}}
	}
	return nil
}

func (a *apply) summary(counts map[action]int) string {
	if counts[toCreate]+counts[toChange]+counts[toDelete] == 0 {
		return "nothing to do"
	}
	text := "created %d, changed %d, deleted %d; %d as they are to be"
	if a.dryRun {
		text = "would create %d, change %d, delete %d; %d as they are to be"
	}
	return fmt.Sprintf(text, counts[toCreate], counts[toChange], counts[toDelete], counts[toKeep])
}

func stepColumns() []column[*step] {
	return []column[*step]{
		{"ACTION", func(s *step) string { return string(s.Action) }},
		{"NAME", func(s *step) string { return s.Name }},
		{"ROLE", func(s *step) string { return s.Role }},
		{"DETAILS", (*step).details},
	}
}

// details says which elements change, or what else there is to know.
func (s *step) details() string {
	var all []string
	for _, d := range s.Changes {
		all = append(all, d.String())
	}
	if len(all) == 0 {
		return s.about
	}
	return strings.Join(all, ", ")
}

func (d difference) String() string {
	switch {
	case d.From == "" && d.To == "":
		return d.Element
	case d.From == "":
		return d.Element + " " + d.To
	case d.To == "":
		return "no " + d.Element
	}
	return d.Element + " " + d.From + " → " + d.To
}
