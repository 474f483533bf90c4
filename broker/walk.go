package broker

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jitney-mq/jitney/namespace"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/problem"
)

// maxChain bounds the names that messages can be moved through.
const maxChain = 32

// A walk follows messages through the names that they are moved to, and finds
// out whether they come back [S5].
type walk struct {
	names namespace.Change
	homes []namespace.Name // where they begin
	seen  map[string]bool  // keys of names that lead nowhere bad
}

// homesOf are the names through which messages come to an entry's.
func homesOf(e *namespace.Entry) []namespace.Name {
	homes := []namespace.Name{e.Name}
	if e.Policy.Kind() == policy.SubscriptionKind {
		homes = append(homes, routerName(e.Name))
	}
	return homes
}

// routerName is the name of the router that a subscription is at.
func routerName(n namespace.Name) namespace.Name { return n.Prefix(n.Depth() - 2) }

// targets are the names that a policy moves messages to, by the element that says so.
func targets(p policy.Policy) map[string]string {
	switch p := p.(type) {
	case policy.Queue:
		return map[string]string{"ForwardTo": p.ForwardTo, "PoisonMessageDrop": p.DeadLetterTo}
	case policy.Subscription:
		return map[string]string{"ForwardTo": p.ForwardTo, "PoisonMessageDrop": p.DeadLetterTo}
	}
	return nil
}

// check checks that the names that p moves messages to take some, and that
// none of them leads back.
func (w *walk) check(p policy.Policy) error {
	w.seen = map[string]bool{}
	for element, target := range targets(p) {
		if target == "" {
			continue
		}
		t, err := namespace.Parse(target)
		if err != nil {
			return problem.NewField(element, target, "the name of a queue, a router or, in a subscription, a connection point")
		}
		e, err := w.names.Get(t)
		if err != nil {
			return err
		}
		if isHome := slices.ContainsFunc(w.homes, t.Equal); !isHome && !takesAny(e) && !pushesTo(e, p, element) {
			return fmt.Errorf("%w: %s", ErrNoTarget, t)
		}
		if err := w.from(t, []string{w.homes[0].String()}); err != nil {
			return err
		}
	}
	return nil
}

// takesAny reports whether messages can be sent to a name: a subscription gets
// those of its router only.
func takesAny(e *namespace.Entry) bool {
	return e != nil && (e.Policy.Kind() == policy.QueueKind || e.Policy.Kind() == policy.RouterKind)
}

// pushesTo reports whether e is a connection point that a subscription may push to.
func pushesTo(e *namespace.Entry, p policy.Policy, element string) bool {
	return e != nil && e.Policy.Kind() == policy.ConnectionPointKind &&
		p.Kind() == policy.SubscriptionKind && element == "ForwardTo"
}

// from follows messages from a name on, and returns ErrCycle if they come home.
func (w *walk) from(at namespace.Name, path []string) error {
	path = append(path, at.String())
	if slices.ContainsFunc(w.homes, at.Equal) {
		return fmt.Errorf("%w: %s", ErrCycle, strings.Join(path, " → "))
	}
	if len(path) > maxChain {
		return fmt.Errorf("%w, or through more than %d names: %s", ErrCycle, maxChain, strings.Join(path, " → "))
	}
	if w.seen[at.Key()] {
		return nil
	}
	w.seen[at.Key()] = true
	e, err := w.names.Get(at)
	if e == nil || err != nil {
		return err // it was something once; messages go to the transfer dead-letter queue
	}
	path = slices.Clip(path)
	if e.Policy.Kind() == policy.RouterKind {
		return w.names.Each(at, subscriptions, func(s *namespace.Entry) error { return w.from(s.Name, path) })
	}
	for _, next := range targets(e.Policy) {
		if next == "" {
			continue
		}
		t, err := namespace.Parse(next)
		if err != nil {
			return err
		}
		if err := w.from(t, path); err != nil {
			return err
		}
	}
	return nil
}
