package main

import "github.com/spf13/cobra"

func newPolicyDeleteCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:     "delete NAME",
		Short:   "Take the role away from a name, with all its messages",
		Example: "  jitney policy delete /orders",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := e.client()
			if err != nil {
				return err
			}
			return c.DeletePolicy(cmd.Context(), args[0])
		},
	}
}
