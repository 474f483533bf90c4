package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/policy"
)

func newPolicyGetCommand(e *env) *cobra.Command {
	etag := false
	cmd := &cobra.Command{
		Use:   "get NAME",
		Short: "Show the policy in force at a name",
		Long: `Show the policy in force at a name, every default filled in. As JSON it is a
document that jitney policy put --file takes.`,
		Example: `  jitney policy get /orders
  jitney policy get /orders -o json >orders.json
  jitney policy put /orders --if-match "$(jitney policy get /orders --etag)"`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := e.client()
			if err != nil {
				return err
			}
			assigned, err := c.Policy(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if etag {
				_, err := fmt.Fprintln(e.stdout, assigned.ETag)
				return err
			}
			return object(e.stdout, e.output, assigned.Policy, policyTable(assigned))
		},
	}
	cmd.Flags().BoolVar(&etag, "etag", false, "show only its entity tag")
	markCommandLineOnly(cmd, "etag")
	return cmd
}

// policyTable returns the elements of a policy, one a line.
func policyTable(a *client.Assigned) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ELEMENT\tVALUE")
	root := policy.Element(a.Policy)
	for _, child := range root.Children {
		fmt.Fprintf(w, "%s\t%s\n", child.Name.Local, cell(child.Text))
	}
	_ = w.Flush() // into memory
	return strings.TrimRight(b.String(), "\n")
}
