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
		Use:        "policy",
		Short:      "Give names their roles, look at them, take them away",
		SuggestFor: []string{"queue", "router", "metadata"},
		Args:       cobra.NoArgs,
		RunE:       func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newPolicyPutCommand(e), newPolicyGetCommand(e), newPolicyDeleteCommand(e), newPolicyListCommand(e))
	return cmd
}

// newPoliciesTopic is the help on what a policy can say.
func newPoliciesTopic() *cobra.Command {
	var b strings.Builder
	b.WriteString("A policy makes its name a queue, a router, a connection point, a reference to\nsomething elsewhere, or a subscription at a router. These are the elements that --set takes.\n")
	for _, of := range []struct {
		kind policy.Kind
		by   string
	}{
		{policy.QueueKind, "jitney policy put --kind queue"},
		{policy.RouterKind, "jitney policy put --kind router"},
		{policy.ConnectionPointKind, "jitney policy put --kind connection-point"},
		{policy.MetadataKind, "jitney policy put --kind metadata"},
		{policy.SubscriptionKind, "jitney subscribe"},
	} {
		fmt.Fprintf(&b, "\nWith %s:\n\n", of.by)
		describe(&b, of.kind)
	}
	return &cobra.Command{Use: "policies", Short: "What a policy can say", Long: strings.TrimRight(b.String(), "\n")}
}

// describe writes the elements of a kind of policy. Of a subscription those
// that it has in common with a queue are left out: they stand there.
func describe(b *strings.Builder, kind policy.Kind) {
	stands := map[string]bool{}
	if kind == policy.SubscriptionKind {
		for _, d := range policy.Describe(policy.QueueKind) {
			stands[d.Element] = true
		}
	}
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, d := range policy.Describe(kind) {
		if !stands[d.Element] {
			fmt.Fprintf(w, "  %s\t%s\n", d.Element, described(d))
		}
	}
	_ = w.Flush() // into memory
	if len(stands) > 0 {
		b.WriteString(aboutRules)
	}
}

const aboutRules = `  and every element of a queue

A HttpHeader has a Name and a Value. A Rule has a Name, a SqlFilter or a
CorrelationFilter, and a SqlAction; a CorrelationFilter what a message must
equal: MessageId, SessionId, CorrelationId, Label, To, ReplyTo,
ReplyToSessionId, ContentType and Property elements with a Name, a Value and a
Type, which is string, long, double or boolean. They stand in a file:

  {"SubscriptionPolicy": {"Rule": [
    {"Name": "big", "SqlFilter": "size > 10"},
    {"Name": "new", "CorrelationFilter": {"Label": "new"}, "SqlAction": "SET seen = 1"}
  ]}}
`

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
