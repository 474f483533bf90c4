package main

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/jitney-mq/jitney/atom"
	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/policy"
)

// subscribe is jitney subscribe, as its flags say.
type subscribe struct {
	*env
	id   string // empty: the broker finds one
	file string // a subscription document; empty: none, -: standard input
	sets []string
	subscriptionFlags
}

func newSubscribeCommand(e *env) *cobra.Command {
	s := subscribe{env: e}
	cmd := &cobra.Command{
		Use:   "subscribe ROUTER",
		Short: "Have a router's messages kept, moved on or pushed",
		Long: `Make a subscription at a router: a queue that gets the router's messages. It
shows the subscription's name, from which messages are received as from any
queue.

With --to the messages do not stay there. A name, of a queue or of another
router, gets them at once, in the commit of the send; the endpoint at a URL is
pushed to by HTTP, each message signed if there is a --secret.

Without a filter every message is for the subscription. A filter is SQL, as in
Azure Service Bus, or what the message must equal: --label, --correlation-id
and --property. For several rules use --file, with an entry as
jitney policy get -o json shows it.

If there is a subscription of this --id its policy is replaced; it keeps its
messages and, if there is no new one, its secret.`,
		Example: `  jitney subscribe /jobs
  jitney subscribe /jobs --to /audit --id audit
  jitney subscribe /jobs --id big --filter "size > 10 AND sys.Label = 'job'"
  jitney subscribe /jobs --id urgent --property urgent=true --action 'SET seen = 1'
  jitney subscribe /jobs --to https://example.com/hook --secret whsec_… --max-in-flight 8
  jitney receive /jobs/subscriptions/big`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return s.run(cmd.Context(), args[0]) },
	}
	flags := cmd.Flags()
	flags.StringVar(&s.id, "id", "", "the last segment of the subscription's `name`")
	flags.StringVar(&s.file, "file", "", "an Atom entry or its JSON `file`, - for standard input")
	flags.StringArrayVar(&s.sets, "set", nil, "an `Element=Value` of its policy, as often as needed, see jitney help policies")
	markCommandLineOnly(cmd, "id", "file", "set")
	s.add(cmd)
	return cmd
}

func (s *subscribe) run(ctx context.Context, router string) error {
	p, err := s.policy()
	if err != nil {
		return err
	}
	c, err := s.client()
	if err != nil {
		return err
	}
	subscribed, err := s.subscribe(ctx, c, router, p)
	if err != nil {
		return err
	}
	shown := struct {
		Name   string        `json:"name"`
		Policy policy.Policy `json:"policy"`
	}{subscribed.Name, subscribed.Policy}
	return object(s.stdout, s.output, shown, subscribed.Name)
}

// subscribe makes the subscription, or replaces the policy of the one that has
// its id.
func (s *subscribe) subscribe(ctx context.Context, c *client.Client, router string, p policy.Subscription) (*client.Subscribed, error) {
	subscribed, err := c.Subscribe(ctx, router, s.id, p)
	if s.id == "" || !errors.Is(err, client.ErrConflict) {
		return subscribed, err
	}
	name := subscriptionName(router, s.id)
	inForce, getErr := c.Policy(ctx, name)
	if getErr != nil {
		return nil, err // the conflict is about something else
	}
	assigned, err := c.PutPolicy(ctx, name, p, inForce.ETag)
	if err != nil {
		return nil, err
	}
	return &client.Subscribed{Name: name, Assigned: *assigned}, nil
}

func subscriptionName(router, id string) string {
	return "/" + strings.Trim(router, "/") + "/subscriptions/" + id
}

// policy returns what the file and the flags say, the flags on top.
func (s *subscribe) policy() (policy.Subscription, error) {
	entry, err := s.entry()
	if err != nil {
		return policy.Subscription{}, err
	}
	if err := setElements(entry, s.sets); err != nil {
		return policy.Subscription{}, err
	}
	p, err := policy.SubscriptionFromEntry(entry, "")
	if err != nil {
		return p, err
	}
	return p, s.apply(&p)
}

// entry returns the entry in the file, with a policy if it has none.
func (s *subscribe) entry() (*atom.Entry, error) {
	entry := new(atom.Entry)
	if s.file != "" {
		document, err := s.readDocument(s.file)
		if err != nil {
			return nil, err
		}
		if entry, err = parseEntry(mediaTypeOf(document), document); err != nil {
			return nil, err
		}
	}
	if policyOf(entry) == nil {
		entry.Extensions = append(entry.Extensions, atom.Element{Name: policyName("SubscriptionPolicy"), Type: atom.Object})
	}
	return entry, nil
}

// readDocument reads a file with a policy, - is standard input.
func (e *env) readDocument(path string) ([]byte, error) {
	input, err := e.open(path)
	if err != nil {
		return nil, err
	}
	defer input.Close()
	return io.ReadAll(io.LimitReader(input, atom.MaxEntry+1)) // what is longer is refused
}
