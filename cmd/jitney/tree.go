package main

import (
	"context"
	"errors"
	"iter"
	"path"
	"strings"

	"github.com/spf13/cobra"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/policy"
)

// treeFormat is a way to draw the tree, as a flag.
type treeFormat string

const (
	textTree treeFormat = "text"
	dotTree  treeFormat = "dot"
	jsonTree treeFormat = "json"
)

func (f *treeFormat) String() string        { return string(*f) }
func (f *treeFormat) Type() string          { return "format" }
func (f *treeFormat) Set(text string) error { return oneOf(f, text, textTree, dotTree, jsonTree) }

// tree is jitney tree, as its flags say.
type tree struct {
	*env
	format treeFormat // empty: as output says
	client *client.Client
}

func newTreeCommand(e *env) *cobra.Command {
	t := tree{env: e}
	cmd := &cobra.Command{
		Use:   "tree [NAME]",
		Short: "Draw names, their roles and subscriptions, and what they hold",
		Long: `Draw a name, or the whole namespace, with all that is below: roles, subscriptions,
where messages move on to and how many there are. What is zero is left out.

As dot it is a graph for Graphviz of what moves messages where; as JSON one
document, or with -o jsonl one name a line.`,
		Example: `  jitney tree
  jitney tree /shop
  jitney tree --format dot | dot -Tsvg >topology.svg
  jitney tree -o jsonl | jq -r 'select(.counts.deadLetter > 0) | .name'`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if t.client, err = e.client(); err != nil {
				return err
			}
			name := "/"
			if len(args) > 0 {
				name = "/" + strings.Trim(args[0], "/")
			}
			return t.run(cmd.Context(), name)
		},
	}
	cmd.Flags().Var(&t.format, "format", "text, dot or json (default as -o says)")
	return cmd
}

// A drawing shows the nodes of a tree, from the root down: each node's own
// follow it before its next sibling.
type drawing interface {
	enter(n *node) error
	leave(n *node) error // behind all that is below n
	end() error
}

func (t *tree) run(ctx context.Context, name string) error {
	root, err := t.root(ctx, name)
	if err != nil {
		return err
	}
	d := t.drawing()
	if err := t.draw(ctx, d, root); err != nil {
		return err
	}
	return d.end()
}

func (t *tree) drawing() drawing {
	switch {
	case t.format == dotTree:
		return newDotDrawing(t.stdout)
	case t.format == "" && t.output == jsonlFormat:
		return newLineDrawing(t.stdout)
	case t.format == jsonTree, t.format == "" && t.output == jsonFormat:
		return newJSONDrawing(t.stdout)
	}
	return newTextDrawing(t.stdout)
}

// node is one name of a tree.
type node struct {
	Name  string   `json:"name"`
	Role  string   `json:"role"`
	Sends string   `json:"distribution,omitempty"` // of a router
	To    string   `json:"to,omitempty"`           // where its messages move on to, or what it refers to
	Dead  string   `json:"deadLettersTo,omitempty"`
	Rules []string `json:"rules,omitempty"` // of a subscription: their filters
	client.State

	policy policy.Policy // nil: it has no role
	parent *node
	first  bool // of its parent's
	last   bool
}

// root returns the node that a tree begins with. A name without a role is one
// if there is something below it.
func (t *tree) root(ctx context.Context, name string) (*node, error) {
	var p policy.Policy
	if name != "/" {
		assigned, err := t.client.Policy(ctx, name)
		if err != nil && !errors.Is(err, client.ErrNotFound) {
			return nil, err
		}
		if err == nil {
			p = assigned.Policy
		} else if empty, feedErr := t.isEmpty(ctx, name); empty || feedErr != nil {
			return nil, err
		}
	}
	return t.node(ctx, client.Listing{Name: name, Policy: p}, nil)
}

// isEmpty reports whether nothing is below a name.
func (t *tree) isEmpty(ctx context.Context, name string) (bool, error) {
	for _, err := range t.client.Feed(ctx, name) {
		return false, err
	}
	return true, nil
}

// draw shows a node and all that is below it. In memory are a page of names for
// each level.
func (t *tree) draw(ctx context.Context, d drawing, n *node) error {
	if err := d.enter(n); err != nil {
		return err
	}
	for child, err := range withEnds(t.below(ctx, n)) {
		if err != nil {
			return err
		}
		if err := t.draw(ctx, d, child); err != nil {
			return err
		}
	}
	return d.leave(n)
}

// below yields the subscriptions at a node, then the names below it.
func (t *tree) below(ctx context.Context, n *node) iter.Seq2[*node, error] {
	return func(yield func(*node, error) bool) {
		isRouter := n.policy != nil && n.policy.Kind() == policy.RouterKind
		if isRouter && !t.yield(ctx, n, t.client.Subscriptions(ctx, n.Name), yield) {
			return
		}
		if n.policy != nil && n.policy.Kind() == policy.SubscriptionKind {
			return // it has no names below it
		}
		below := client.Listing{Name: n.Name, Policy: n.policy}
		names := t.client.Feed(ctx, below.Below())
		if isRouter {
			names = without(names, "subscriptions")
		}
		t.yield(ctx, n, names, yield)
	}
}

// yield reports whether the caller wants more.
func (t *tree) yield(ctx context.Context, parent *node, list iter.Seq2[client.Listing, error], yield func(*node, error) bool) bool {
	for listing, err := range list {
		var child *node
		if err == nil {
			child, err = t.node(ctx, listing, parent)
		}
		if errors.Is(err, client.ErrNotFound) && child == nil {
			continue // it is gone by now
		}
		if !yield(child, err) || err != nil {
			return false
		}
	}
	return true
}

func (t *tree) node(ctx context.Context, listing client.Listing, parent *node) (*node, error) {
	n := &node{Name: listing.Name, Role: "none", policy: listing.Policy, parent: parent}
	if n.policy == nil {
		return n, nil
	}
	n.Role = n.policy.Kind().String()
	switch p := n.policy.(type) {
	case policy.Metadata:
		n.To = p.Address
		return n, nil
	case policy.ConnectionPoint:
		return n, nil // it holds nothing
	case policy.Router:
		n.Sends = distributions[p.Distribution]
	case policy.Queue:
		n.To, n.Dead = p.ForwardTo, p.DeadLetterTo
	case policy.Subscription:
		n.To, n.Dead, n.Rules = p.ForwardTo+p.PushTo, p.DeadLetterTo, rulesOf(&p)
	}
	var err error
	if n.State, err = t.client.State(ctx, n.Name); err != nil {
		return nil, err
	}
	return n, nil
}

// without is a list without the name that ends in a segment.
func without(list iter.Seq2[client.Listing, error], segment string) iter.Seq2[client.Listing, error] {
	return func(yield func(client.Listing, error) bool) {
		for listing, err := range list {
			if err == nil && listing.Policy == nil && strings.EqualFold(path.Base(listing.Name), segment) {
				continue
			}
			if !yield(listing, err) {
				return
			}
		}
	}
}

// withEnds is a list whose first and last node are marked, for which it stays
// one node behind.
func withEnds(list iter.Seq2[*node, error]) iter.Seq2[*node, error] {
	return func(yield func(*node, error) bool) {
		var held *node
		first := true
		for n, err := range list {
			if err != nil {
				yield(nil, err)
				return
			}
			n.first, first = first, false
			if held != nil && !yield(held, nil) {
				return
			}
			held = n
		}
		if held != nil {
			held.last = true
			yield(held, nil)
		}
	}
}
