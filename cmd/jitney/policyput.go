package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/jitney-mq/jitney/atom"
	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/policy"
)

// policyPut is jitney policy put, as its flags say.
type policyPut struct {
	*env
	file    string   // a policy document; empty: none, -: standard input
	kind    kind     // of the policy, if there is no file
	sets    []string // Element=Value
	ifMatch string   // the ETag of the policy to replace
}

func newPolicyPutCommand(e *env) *cobra.Command {
	p := policyPut{env: e, kind: queueKind}
	cmd := &cobra.Command{
		Use:   "put NAME",
		Short: "Give a name a role, or change its policy",
		Long: `Give a name a role, or replace the policy that it has. What is not stated takes
its default, also if the policy in force says otherwise. See jitney help
policies for the elements.

A queue keeps messages until they are received. A router passes each on to its
subscriptions, see jitney subscribe: to all of them, or to one. Metadata is a
reference to something elsewhere.

With --if-match the policy is replaced only if it is still the one with this
entity tag, see jitney policy get --etag.`,
		Example: `  jitney policy put /orders
  jitney policy put /orders --set LockDuration=PT30S --set MaxDeliveryCount=5
  jitney policy put /orders --file orders.xml
  jitney policy put /jobs --kind router --set MessageDistribution=OneSubscriber
  jitney policy put /about --kind metadata --set Address=https://example.com/`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if p.file != "" && cmd.Flags().Changed("kind") {
				return usagef("--kind: the file says it itself")
			}
			return p.run(cmd.Context(), args[0])
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&p.file, "file", "", "an Atom entry or its JSON `file`, - for standard input")
	flags.Var(&p.kind, "kind", "queue, router, connection-point or metadata, without --file")
	flags.StringArrayVar(&p.sets, "set", nil, "an `Element=Value` of the policy, as often as needed")
	flags.StringVar(&p.ifMatch, "if-match", "", "the entity `tag` of the policy to replace")
	markCommandLineOnly(cmd, "file", "kind", "set", "if-match")
	return cmd
}

func (p *policyPut) run(ctx context.Context, name string) error {
	mediaType, document, err := p.document()
	if err != nil {
		return err
	}
	c, err := p.client()
	if err != nil {
		return err
	}
	assigned, err := put(ctx, c, name, mediaType, document, p.ifMatch)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("%s is a %s", name, roles[assigned.Policy.Kind()])
	return object(p.stdout, p.output, assigned.Policy, text)
}

// roles are what policies make of a name, in plain words.
var roles = map[policy.Kind]string{
	policy.QueueKind:           "queue",
	policy.RouterKind:          "router",
	policy.ConnectionPointKind: "connection point",
	policy.MetadataKind:        "reference",
	policy.SubscriptionKind:    "subscription",
}

// put assigns a policy, or replaces the one in force.
func put(ctx context.Context, c *client.Client, name, mediaType string, document []byte, ifMatch string) (*client.Assigned, error) {
	assigned, err := c.PutPolicyDocument(ctx, name, mediaType, document, ifMatch)
	if ifMatch != "" || !errors.Is(err, client.ErrConflict) {
		return assigned, err
	}
	inForce, getErr := c.Policy(ctx, name)
	if getErr != nil {
		return nil, err // the conflict is with another name's role
	}
	return c.PutPolicyDocument(ctx, name, mediaType, document, inForce.ETag)
}

// document returns the policy document that the flags describe, and its media
// type. A file to which nothing is added is sent as it is.
func (p *policyPut) document() (mediaType string, document []byte, err error) {
	var entry *atom.Entry
	if p.file == "" {
		entry = newPolicyEntry(p.kind)
	} else {
		document, err = p.readDocument(p.file)
		if err != nil {
			return "", nil, err
		}
		if mediaType = mediaTypeOf(document); len(p.sets) == 0 {
			return mediaType, document, nil
		}
		if entry, err = parseEntry(mediaType, document); err != nil {
			return "", nil, err
		}
	}
	if err := setElements(entry, p.sets); err != nil {
		return "", nil, err
	}
	return atom.EntryType, entry.AppendXML(nil), nil
}

func mediaTypeOf(document []byte) string {
	if bytes.HasPrefix(bytes.TrimSpace(document), []byte("{")) {
		return policy.MediaType
	}
	return atom.EntryType
}
