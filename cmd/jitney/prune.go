package main

import (
	"context"
	"errors"
	"slices"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/namespace"
	"github.com/jitney-mq/jitney/policy"
)

// prune returns the steps that delete what is below a name and not in the
// topology: subscriptions, and names with a role. Those of a router that goes
// are not listed, for they go with it.
func (p *planner) prune(ctx context.Context, below namespace.Name) (subscriptions, names []*step, err error) {
	gone := map[string]bool{}
	err = p.each(ctx, below, func(n namespace.Name, of policy.Policy) error {
		isSubscription := of.Kind() == policy.SubscriptionKind
		if p.wanted[n.Key()] != nil || isSubscription && gone[routerOf(n).Key()] {
			return nil
		}
		s := &step{Action: toDelete, Name: n.String(), Role: of.Kind().String(), name: n}
		if s.about, err = p.loses(ctx, n, of); err != nil {
			return err
		}
		gone[n.Key()] = true
		if isSubscription {
			subscriptions = append(subscriptions, s)
		} else {
			names = append(names, s)
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	slices.Reverse(names) // what is below another name goes first
	return subscriptions, names, p.spares(gone)
}

// spares makes sure that nothing in the topology needs what goes.
func (p *planner) spares(gone map[string]bool) error {
	for _, w := range p.sorted {
		needed := targets(w.policy)
		if w.policy.Kind() == policy.SubscriptionKind {
			needed = append(needed, routerOf(w.name))
		}
		for _, n := range needed {
			if gone[n.Key()] {
				return conflictf("%s needs %s, which the topology does not have: --prune would delete it", w.name, n)
			}
		}
	}
	return nil
}

// each visits all that has a role below a name, itself included, a router
// before its subscriptions.
func (p *planner) each(ctx context.Context, at namespace.Name, visit func(namespace.Name, policy.Policy) error) error {
	if !at.IsRoot() {
		assigned, err := p.assigned(ctx, at)
		if err != nil {
			return err
		}
		if assigned != nil {
			if err := visit(at, assigned.Policy); err != nil {
				return err
			}
		}
	}
	below := client.Listing{Name: at.String()}
	if known := p.inForce[at.Key()]; known != nil {
		below.Policy = known.Policy
	}
	return p.eachBelow(ctx, below.Below(), visit)
}

func (p *planner) eachBelow(ctx context.Context, name string, visit func(namespace.Name, policy.Policy) error) error {
	for listing, err := range p.client.Feed(ctx, name) {
		if err != nil {
			return err
		}
		n, err := namespace.Parse(listing.Name)
		if err != nil {
			return err
		}
		if listing.Policy != nil {
			if err := visit(n, listing.Policy); err != nil {
				return err
			}
			if listing.Policy.Kind() == policy.SubscriptionKind {
				continue
			}
		}
		if err := p.eachBelow(ctx, listing.Below(), visit); err != nil {
			return err
		}
	}
	return nil
}

// loses says how many messages are lost with a name.
func (p *planner) loses(ctx context.Context, n namespace.Name, of policy.Policy) (string, error) {
	if of.Kind() == policy.ConnectionPointKind {
		return "", nil
	}
	state, err := p.client.State(ctx, n.String())
	if errors.Is(err, client.ErrNotFound) || err == nil && state.Counts == nil {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if state.Routed != nil {
		return "with " + counted(state.Routed.Subscriptions, "subscription", "subscriptions"), nil
	}
	return "with " + counted(total(state.Counts), "message", "messages"), nil
}

func total(c *client.Counts) int64 {
	return c.Active + c.Locked + c.Scheduled + c.Deferred + c.DeadLetter + c.Transfer + c.TransferDeadLetter
}
