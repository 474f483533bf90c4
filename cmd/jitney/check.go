package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/jitney-mq/jitney/broker"
)

// maxProblemsShown bounds the lines that check prints; all are counted.
const maxProblemsShown = 100

func newCheckCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "check DIR",
		Short: "Check a data folder",
		Long: `Reads a data folder that no broker has open: every page, every record's
checksum, and whether names, queues, messages, bodies, counts and indexes
agree. It changes nothing. Each problem is a line on stderr; with one or more
the exit code is 1.`,
		Example: `  jitney check jitney-data`,
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return e.check(cmd, args[0]) },
	}
}

func (e *env) check(cmd *cobra.Command, dir string) error {
	shown := 0
	found, err := broker.Check(cmd.Context(), dir, func(problem string) {
		if shown++; shown <= maxProblemsShown {
			fmt.Fprintln(e.stderr, problem)
		}
	})
	if err != nil {
		return err
	}
	if err := object(e.stdout, e.output, found, fmt.Sprintf("%d records, %d messages, %d names: %d problems",
		found.Records, found.Messages, found.Names, found.Problems)); err != nil {
		return err
	}
	if found.Problems > 0 {
		return errors.New("the data folder is damaged")
	}
	return nil
}
