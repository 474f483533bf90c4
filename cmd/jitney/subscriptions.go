package main

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/policy"
)

// subscription is one line of the list of a router's subscriptions.
type subscription struct {
	Name   string `json:"name"`
	To     string `json:"to,omitempty"`
	Rules  int    `json:"rules"`
	Status string `json:"status"`
	client.State
}

func newSubscriptionsCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "subscriptions ROUTER",
		Short: "List a router's subscriptions, with what they hold",
		Long: `List a router's subscriptions: where their messages move on to, how many rules
they have (none: they get every message), what they hold and how they fare.`,
		Example: `  jitney subscriptions /jobs
  jitney subscriptions /jobs -o jsonl | jq -r 'select(.push.open) | .name'`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := e.client()
			if err != nil {
				return err
			}
			return e.listSubscriptions(cmd.Context(), c, args[0])
		},
	}
}

func (e *env) listSubscriptions(ctx context.Context, c *client.Client, router string) error {
	marshal := func(s subscription) ([]byte, error) { return compactJSON(s) }
	out := newLister(e.stdout, e.output, marshal, subscriptionColumns()...)
	for listing, err := range c.Subscriptions(ctx, router) {
		if err != nil {
			return errors.Join(err, out.flush())
		}
		s, err := subscriptionAt(ctx, c, listing)
		if errors.Is(err, client.ErrNotFound) {
			continue // it has ended since it was listed
		}
		if err != nil {
			return errors.Join(err, out.flush())
		}
		if err := out.add(s); err != nil {
			return err
		}
	}
	return out.end()
}

func subscriptionAt(ctx context.Context, c *client.Client, listing client.Listing) (subscription, error) {
	s := subscription{Name: listing.Name}
	if p, is := listing.Policy.(policy.Subscription); is {
		s.To, s.Rules, s.Status = p.ForwardTo+p.PushTo, len(p.Rules), p.Status.String()
	}
	var err error
	s.State, err = c.State(ctx, listing.Name)
	return s, err
}

func subscriptionColumns() []column[subscription] {
	count := func(of func(*client.Counts) int64) func(subscription) string {
		return func(s subscription) string { return countText(s.Counts, of) }
	}
	return []column[subscription]{
		{"ID", func(s subscription) string { return path.Base(s.Name) }},
		{"TO", func(s subscription) string { return s.To }},
		{"RULES", func(s subscription) string { return strconv.Itoa(s.Rules) }},
		{"ACTIVE", count(func(c *client.Counts) int64 { return c.Active })},
		{"LOCKED", count(func(c *client.Counts) int64 { return c.Locked })},
		{"DEAD", count(func(c *client.Counts) int64 { return c.DeadLetter })},
		{"STATUS", subscription.fares},
	}
}

func countText(counts *client.Counts, of func(*client.Counts) int64) string {
	if counts == nil {
		return ""
	}
	return strconv.FormatInt(of(counts), 10)
}

// counted says how many of something there are.
func counted(count int64, one, many string) string {
	if count == 1 {
		many = one
	}
	return strconv.FormatInt(count, 10) + " " + many
}

// fares says in a few words how a subscription does.
func (s subscription) fares() string {
	text := s.Status
	if s.Counts != nil && s.Counts.TransferDeadLetter > 0 {
		text += fmt.Sprintf(", %d could not be moved on", s.Counts.TransferDeadLetter)
	}
	switch p := s.Push; {
	case p == nil:
	case p.Open:
		text += ", circuit open: " + p.LastError
	case p.Failures > 0:
		text += ", " + counted(p.Failures, "failure", "failures") + ": " + p.LastError
	case !p.Consented:
		text += ", not yet asked"
	}
	return text
}
