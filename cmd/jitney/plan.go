package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/namespace"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/router"
)

// action is what becomes of a name.
type action string

const (
	toCreate action = "create"
	toChange action = "change"
	toKeep   action = "unchanged"
	toDelete action = "delete"
)

// step is what becomes of one name when a topology is applied.
type step struct {
	Action  action       `json:"action"`
	Name    string       `json:"name"`
	Role    string       `json:"role"`
	Changes []difference `json:"changes,omitempty"`

	name   namespace.Name
	policy policy.Policy // that is to be in force; nil: none
	etag   string        // of the one that is
	about  string        // what else a person wants to know
}

// difference is an element that a policy in force states otherwise.
type difference struct {
	Element string `json:"element"`
	From    string `json:"from,omitempty"` // empty: it states nothing
	To      string `json:"to,omitempty"`
}

// planner finds out what it takes to have a topology.
type planner struct {
	client *client.Client
	*topology
	inForce map[string]*client.Assigned // by key, of what was asked for; nil: none
}

// plan returns the steps for all that a topology has, in the order in which
// they can be taken. Whatever can be known to fail fails here.
func (p *planner) plan(ctx context.Context) ([]*step, error) {
	ordered, err := p.inOrder()
	if err != nil {
		return nil, err
	}
	var steps []*step
	for _, w := range ordered {
		s, err := p.step(ctx, w)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", w.name, err)
		}
		steps = append(steps, s)
	}
	return steps, nil
}

func (p *planner) step(ctx context.Context, w *assignment) (*step, error) {
	s := &step{Action: toCreate, Name: w.name.String(), Role: w.policy.Kind().String(), name: w.name, policy: w.policy}
	if err := p.check(ctx, w); err != nil {
		return nil, err
	}
	before, err := p.assigned(ctx, w.name)
	if err != nil {
		return nil, err
	}
	if before == nil {
		s.about = moves(w.policy)
		return s, nil
	}
	s.etag, s.Action = before.ETag, toKeep
	if s.Changes = differences(before.Policy, w.policy); len(s.Changes) > 0 || before.Policy.Kind() != w.policy.Kind() {
		s.Action = toChange
		if err := policy.Change(before.Policy, w.policy); err != nil {
			return nil, marked{err, client.ErrConflict}
		}
	}
	return s, nil
}

// takes reports whether messages can be moved to a name, by the policies of it and
// of where they come from: only a subscription pushes to a connection point.
func takes(to, from policy.Policy) bool {
	switch to.Kind() {
	case policy.MetadataKind:
		return false
	case policy.ConnectionPointKind:
		return from.Kind() == policy.SubscriptionKind
	}
	return true
}

// check makes sure that the rules of a subscription can be read, and that all
// names that w needs are there, or will be.
func (p *planner) check(ctx context.Context, w *assignment) error {
	for _, n := range targets(w.policy) {
		to, err := p.policyAt(ctx, n)
		if err != nil {
			return err
		}
		if !takes(to, w.policy) {
			return conflictf("%s is a %s: want a queue or a router", n, roles[to.Kind()])
		}
	}
	s, is := w.policy.(policy.Subscription)
	if !is {
		return nil
	}
	if _, err := router.NewSubscription(w.name.String(), nil, &s); err != nil {
		return err
	}
	n := routerOf(w.name)
	at, err := p.policyAt(ctx, n)
	if err != nil {
		return err
	}
	of, is := at.(policy.Router)
	switch {
	case !is:
		return conflictf("%s is a %s: want a router", n, roles[at.Kind()])
	case of.Distribution == policy.ToOne && s.PushTo != "" && len(s.Rules) > 0: // [S3]
		return conflictf("%s sends each message to one: want no rules where messages are pushed", n)
	}
	return nil
}

func conflictf(format string, args ...any) error {
	return marked{fmt.Errorf(format, args...), client.ErrConflict}
}

// policyAt returns the policy that a name will have; ErrNotFound if none.
func (p *planner) policyAt(ctx context.Context, n namespace.Name) (policy.Policy, error) {
	if w := p.wanted[n.Key()]; w != nil {
		return w.policy, nil
	}
	assigned, err := p.assigned(ctx, n)
	if err != nil {
		return nil, err
	}
	if assigned == nil {
		return nil, fmt.Errorf("%w: %s is neither in the topology nor at the broker", client.ErrNotFound, n)
	}
	return assigned.Policy, nil
}

// assigned returns the policy in force at a name, nil if there is none.
func (p *planner) assigned(ctx context.Context, n namespace.Name) (*client.Assigned, error) {
	if known, asked := p.inForce[n.Key()]; asked {
		return known, nil
	}
	assigned, err := p.client.Policy(ctx, n.String())
	if errors.Is(err, client.ErrNotFound) {
		assigned, err = nil, nil
	}
	if err == nil {
		p.inForce[n.Key()] = assigned
	}
	return assigned, err
}

// differences are the elements that two policies of one kind state differently.
// What is secret is not among them: it is not shown.
func differences(from, to policy.Policy) []difference {
	before, order := statementsOf(from)
	after, more := statementsOf(to)
	for _, element := range more {
		if _, both := before[element]; !both {
			order = append(order, element)
		}
	}
	var all []difference
	for _, element := range order {
		if before[element] != after[element] {
			all = append(all, difference{element, before[element], after[element]})
		}
	}
	return all
}

// statementsOf returns what a policy states, by element, and the elements in
// their order.
func statementsOf(p policy.Policy) (texts map[string]string, order []string) {
	texts = map[string]string{}
	for _, child := range policy.Element(p).Children {
		text := child.Text
		if len(child.Children) > 0 {
			b, err := compactJSON(child)
			if err != nil {
				panic(err) // it never fails
			}
			text = string(b)
		}
		name := child.Name.Local
		if before, again := texts[name]; again {
			texts[name] = before + ", " + text
			continue
		}
		texts[name] = text
		order = append(order, name)
	}
	return texts, order
}

// moves says where a policy has messages moved to.
func moves(p policy.Policy) string {
	var all []string
	for _, n := range targets(p) {
		all = append(all, n.String())
	}
	if s, is := p.(policy.Subscription); is && s.PushTo != "" {
		all = append(all, s.PushTo)
	}
	if len(all) == 0 {
		return ""
	}
	return "→ " + strings.Join(all, ", ")
}
