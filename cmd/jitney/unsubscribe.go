package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/policy"
)

func newUnsubscribeCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "unsubscribe NAME",
		Short: "End a subscription, with all its messages",
		Long: `End a subscription, with the messages that wait in it. Its name is the one that
jitney subscribe shows. Whatever else has a role is left alone.`,
		Example: "  jitney unsubscribe /jobs/subscriptions/audit",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := e.client()
			if err != nil {
				return err
			}
			return unsubscribe(cmd.Context(), c, args[0])
		},
	}
}

func unsubscribe(ctx context.Context, c *client.Client, name string) error {
	assigned, err := c.Policy(ctx, name)
	if err != nil {
		return err
	}
	if kind := assigned.Policy.Kind(); kind != policy.SubscriptionKind {
		return fmt.Errorf("%w: %s is a %s, no subscription", client.ErrConflict, name, kind)
	}
	return c.DeletePolicy(ctx, name)
}
