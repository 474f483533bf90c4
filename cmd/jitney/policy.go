package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/jitney-mq/jitney/policy"
)

func newPolicyCommand(e *env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "Give names their roles, look at them, take them away",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newPolicyPutCommand(e), newPolicyGetCommand(e), newPolicyDeleteCommand(e), newPolicyListCommand(e))
	return cmd
}

// newPoliciesTopic is the help on what a policy can say.
func newPoliciesTopic() *cobra.Command {
	var b strings.Builder
	b.WriteString("A policy makes its name a queue, or a reference to something elsewhere. These\nare the elements that jitney policy put --set takes.\n")
	for _, kind := range []policy.Kind{policy.QueueKind, policy.MetadataKind} {
		fmt.Fprintf(&b, "\nWith --kind %s:\n\n", kind)
		w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		for _, d := range policy.Describe(kind) {
			fmt.Fprintf(w, "  %s\t%s\n", d.Element, described(d))
		}
		_ = w.Flush() // into memory
	}
	return &cobra.Command{Use: "policies", Short: "What a policy can say", Long: strings.TrimRight(b.String(), "\n")}
}

func described(d policy.Description) string {
	text := d.Want
	if d.Available != "" {
		text = d.Available
	}
	if d.Default != "" && d.Available == "" {
		text += " (" + d.Default + ")"
	}
	if d.Required {
		text += ", required"
	}
	if d.Fixed {
		text += ", cannot be changed"
	}
	return text
}
