package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/message"
)

// peek is jitney peek, as its flags say.
type peek struct {
	*env
	from   int64
	count  int
	status string
}

func newPeekCommand(e *env) *cobra.Command {
	p := peek{env: e}
	cmd := &cobra.Command{
		Use:   "peek NAME",
		Short: "Look at the messages of a queue without locking them",
		Example: `  jitney peek /orders
  jitney peek /orders --from 1000 --count 5 -o json
  jitney peek '/orders/$DeadLetterQueue' -o jsonl`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return p.run(cmd.Context(), args[0]) },
	}
	flags := cmd.Flags()
	flags.Int64Var(&p.from, "from", 0, "the lowest sequence `number` to show")
	flags.IntVarP(&p.count, "count", "n", 20, "how many messages to show at most; 0: all")
	flags.StringVar(&p.status, "status", "", "show only messages of this status")
	return cmd
}

// maxPageSize is how many messages peek fetches at a time.
const maxPageSize = 100

func (p *peek) run(ctx context.Context, queue string) error {
	if p.count < 0 || p.from < 0 {
		return usagef("--count %d --from %d: want no negative numbers", p.count, p.from)
	}
	c, err := p.client()
	if err != nil {
		return err
	}
	out := newLister(p.stdout, p.output, messageJSON,
		numberColumn, idColumn, labelColumn, statusColumn, enqueuedColumn, deliveriesColumn, bodyColumn)
	o := client.BrowseOptions{From: p.from, Status: p.status, PageSize: maxPageSize}
	if p.count > 0 {
		o.PageSize = min(p.count, maxPageSize)
	}
	for m, err := range c.Browse(ctx, queue, o) {
		if err != nil {
			return err
		}
		if err := p.show(out, m); err != nil {
			return err
		}
		if out.count == p.count {
			break
		}
	}
	return out.end()
}

// show writes a message, and now and then all that is held back.
func (p *peek) show(out *lister[*message.Received], m *message.Received) error {
	if err := out.add(m); err != nil || out.count%maxPageSize != 0 {
		return err
	}
	return out.flush()
}
