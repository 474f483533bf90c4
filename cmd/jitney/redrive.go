package main

import (
	"strconv"

	"github.com/spf13/cobra"

	"github.com/jitney-mq/jitney/client"
)

func newRedriveCommand(e *env) *cobra.Command {
	var o client.RedriveOptions
	cmd := &cobra.Command{
		Use:   "redrive NAME",
		Short: "Send a queue's dead letters back to be received again",
		Long: `Send the messages of a queue's dead-letter queue, the oldest first, to the tail
of the queue or of another one. It shows how many were sent.`,
		Example: `  jitney redrive /orders
  jitney redrive /orders --count 10 --to /orders/again`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.Count < 0 {
				return usagef("--count %d: want no negative number", o.Count)
			}
			c, err := e.client()
			if err != nil {
				return err
			}
			moved, err := c.Redrive(cmd.Context(), args[0], o)
			if err != nil {
				return err
			}
			return object(e.stdout, e.output, map[string]int64{"redriven": moved}, strconv.FormatInt(moved, 10))
		},
	}
	cmd.Flags().StringVar(&o.To, "to", "", "the `name` to send them to, in place of their own queue")
	cmd.Flags().IntVarP(&o.Count, "count", "n", 0, "how many to send at most; 0: all")
	markCommandLineOnly(cmd, "to")
	return cmd
}
