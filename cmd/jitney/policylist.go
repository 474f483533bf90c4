package main

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/spf13/cobra"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/policy"
)

// policyList is jitney policy list, as its flags say.
type policyList struct {
	*env
	recursive bool
	client    *client.Client
	out       *lister[listed]
}

// listed is one line of the list.
type listed struct {
	Name   string         `json:"name"`
	Role   string         `json:"role"`
	Sends  string         `json:"distribution,omitempty"` // of a router: AllSubscribers or OneSubscriber
	Counts *client.Counts `json:"counts,omitempty"`       // nil: it holds no messages
}

// distributions are the words of a policy for whom a router sends to.
var distributions = map[policy.Distribution]string{
	policy.ToAll: "AllSubscribers",
	policy.ToOne: "OneSubscriber",
}

func newPolicyListCommand(e *env) *cobra.Command {
	l := policyList{env: e}
	cmd := &cobra.Command{
		Use:   "list [NAME]",
		Short: "List the names below a name, with their roles and counts",
		Long: `List the names directly below a name, or below / if there is none, that have a
role or lead to one. Of a router that sends each message to one subscriber the
counts are of those that wait to be pushed. See also jitney tree.`,
		Example: `  jitney policy list
  jitney policy list /jobs/subscriptions
  jitney policy list /shop --recursive -o jsonl`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			below := "/"
			if len(args) > 0 {
				below = args[0]
			}
			return l.run(cmd.Context(), below)
		},
	}
	cmd.Flags().BoolVarP(&l.recursive, "recursive", "r", false, "and all that is below those")
	return cmd
}

func (l *policyList) run(ctx context.Context, below string) (err error) {
	if l.client, err = l.env.client(); err != nil {
		return err
	}
	l.out = newLister(l.stdout, l.output, func(i listed) ([]byte, error) { return json.Marshal(i) }, listColumns()...)
	if err := l.list(ctx, below); err != nil {
		return errors.Join(err, l.out.flush())
	}
	return l.out.end()
}

func listColumns() []column[listed] {
	count := func(of func(*client.Counts) int64) func(listed) string {
		return func(l listed) string { return countText(l.Counts, of) }
	}
	return []column[listed]{
		{"NAME", func(l listed) string { return l.Name }},
		{"ROLE", listed.role},
		{"ACTIVE", count(func(c *client.Counts) int64 { return c.Active })},
		{"LOCKED", count(func(c *client.Counts) int64 { return c.Locked })},
		{"SCHEDULED", count(func(c *client.Counts) int64 { return c.Scheduled })},
		{"DEFERRED", count(func(c *client.Counts) int64 { return c.Deferred })},
		{"DEAD", count(func(c *client.Counts) int64 { return c.DeadLetter })},
	}
}

func (l *policyList) list(ctx context.Context, below string) error {
	for listing, err := range l.client.Feed(ctx, below) {
		if err != nil {
			return err
		}
		item, err := l.item(ctx, listing)
		if err != nil {
			return err
		}
		if err := l.out.add(item); err != nil {
			return err
		}
		if l.recursive {
			if err := l.list(ctx, listing.Below()); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *policyList) item(ctx context.Context, listing client.Listing) (listed, error) {
	item := listed{Name: listing.Name, Role: "none"}
	if listing.Policy == nil {
		return item, nil
	}
	item.Role = listing.Policy.Kind().String()
	switch p := listing.Policy.(type) {
	case policy.Metadata, policy.ConnectionPoint:
		return item, nil
	case policy.Router:
		item.Sends = distributions[p.Distribution]
		if p.Distribution == policy.ToAll {
			return item, nil // nothing waits there
		}
	}
	counts, shown := client.CountsOf(listing.Entry)
	if !shown {
		var err error
		if counts, err = l.client.Counts(ctx, listing.Name); err != nil && !errors.Is(err, client.ErrNotFound) {
			return item, err // a queue that is gone by now is listed without messages
		}
	}
	item.Counts = &counts
	return item, nil
}

// role is the role as a table shows it: of a router also whom it sends to.
func (l listed) role() string {
	switch l.Sends {
	case distributions[policy.ToAll]:
		return "router to all"
	case distributions[policy.ToOne]:
		return "router to one"
	}
	return l.Role
}
