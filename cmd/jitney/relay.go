package main

import "github.com/spf13/cobra"

func newRelayCommand(e *env) *cobra.Command {
	cmd := &cobra.Command{
		Use:        "relay",
		Short:      "Reach, by a name, a server that cannot be reached itself",
		SuggestFor: []string{"tunnel", "proxy"},
		Example: `  jitney relay listen /wiki --to http://127.0.0.1:8080
  jitney relay connect /home/ssh`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newRelayListenCommand(e), newRelayConnectCommand(e))
	return cmd
}
