package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/jitney-mq/jitney/client"
)

// newRootCommand assembles the program.
func newRootCommand(e *env) *cobra.Command {
	root := &cobra.Command{
		Use:   "jitney",
		Short: "A service bus in one program",
		Long: `Jitney is a service bus: a name becomes a queue by giving it a policy, and
keeps every message until its consumer is done with it. Another policy makes it
a router, which passes messages on to its subscriptions.`,
		Example: `  jitney serve --insecure &
  jitney policy put /orders
  jitney send /orders 'two coffees'
  jitney receive /orders

  jitney policy put /jobs --kind router
  jitney subscribe /jobs --to /orders`,
		Args:          knownCommand,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := e.fillFlags(cmd); err != nil {
				return err
			}
			e.began = true
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetContext(context.Background())
	root.SetIn(e.stdin)
	root.SetOut(e.stdout)
	root.SetErr(e.stderr)
	e.addGlobalFlags(root)
	root.AddCommand(
		newServeCommand(e), newDevCommand(e), newBenchCommand(e), newCheckCommand(e),
		newPolicyCommand(e), newSendCommand(e), newReceiveCommand(e), newListenCommand(e), newPeekCommand(e),
		newSettleCommand(e), newRedriveCommand(e), newWorkCommand(e), newVersionCommand(e),
		newSubscribeCommand(e), newUnsubscribeCommand(e), newSubscriptionsCommand(e), newRouteCommand(e), newTreeCommand(e), newApplyCommand(e),
		newRelayCommand(e),
		newExitCodesTopic(), newSettingsTopic(), newPoliciesTopic(),
	)
	return root
}

// knownCommand refuses what is no command, and says what may have been meant.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	cmd.SuggestionsMinimumDistance = 2 // letters that are different
	if meant := cmd.SuggestionsFor(args[0]); len(meant) > 0 {
		return usagef("there is no command %q; did you mean %s?", args[0], strings.Join(meant, " or "))
	}
	return usagef("there is no command %q", args[0])
}

func (e *env) addGlobalFlags(root *cobra.Command) {
	flags := root.PersistentFlags()
	flags.StringVar(&e.url, "url", client.DefaultURL, "the broker's `URL`")
	flags.VarP(&e.output, "output", "o", "table, json or jsonl")
	flags.StringVar(&e.configPath, "config", "", "a `file` with settings, see jitney help settings")
}
