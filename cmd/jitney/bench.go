package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func newBenchCommand(*env) *cobra.Command {
	return &cobra.Command{
		Use:   "bench",
		Short: "Measure a broker",
		RunE:  func(*cobra.Command, []string) error { return errors.New("not available yet") },
	}
}
