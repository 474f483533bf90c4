package main

import (
	"strings"

	"github.com/jitney-mq/jitney/namespace"
	"github.com/jitney-mq/jitney/policy"
)

// targets are the names that a policy moves messages to.
func targets(p policy.Policy) []namespace.Name {
	var texts []string
	switch p := p.(type) {
	case policy.Queue:
		texts = []string{p.ForwardTo, p.DeadLetterTo}
	case policy.Subscription:
		texts = []string{p.ForwardTo, p.DeadLetterTo}
	}
	var names []namespace.Name
	for _, text := range texts {
		if n, err := namespace.Parse(text); err == nil && !n.IsRoot() {
			names = append(names, n) // what is no name the broker will refuse
		}
	}
	return names
}

// routerOf returns the router of a subscription's name.
func routerOf(n namespace.Name) namespace.Name { return n.Prefix(n.Depth() - 2) }

// subscriptionsAt returns the subscriptions of each router, by its key.
func (t *topology) subscriptionsAt() map[string][]*assignment {
	at := map[string][]*assignment{}
	for _, w := range t.sorted {
		if w.policy.Kind() == policy.SubscriptionKind {
			key := routerOf(w.name).Key()
			at[key] = append(at[key], w)
		}
	}
	return at
}

// inOrder returns everything in an order in which it can be carried out: what
// messages are moved to comes before what moves them, so that no state on the
// way from one topology to another closes a circle. One that the topology
// itself closes is an error.
func (t *topology) inOrder() ([]*assignment, error) {
	o := ordering{topology: t, at: t.subscriptionsAt(), state: map[*assignment]visit{}}
	for _, w := range t.sorted {
		if err := o.flow(w, nil); err != nil {
			return nil, err
		}
	}
	clear(o.state)
	for _, w := range t.sorted {
		o.place(w)
	}
	return o.placed, nil
}

// ordering is what inOrder knows on its way.
type ordering struct {
	*topology
	at     map[string][]*assignment
	state  map[*assignment]visit
	placed []*assignment
}

// visit says how far a walk is with a node.
type visit uint8

const (
	underWay visit = iota + 1
	visited
)

// flow follows messages from w on; path is where they came through.
func (o *ordering) flow(w *assignment, path []string) error {
	path = append(path, w.name.String())
	switch o.state[w] {
	case visited:
		return nil
	case underWay:
		return conflictf("messages would move in a circle: %s", strings.Join(circle(path), " → "))
	}
	o.state[w] = underWay
	for _, next := range o.next(w) {
		if err := o.flow(next, path); err != nil {
			return err
		}
	}
	o.state[w] = visited
	return nil
}

// circle is the part of a path that ends where it begins.
func circle(path []string) []string {
	last := path[len(path)-1]
	for i, name := range path {
		if name == last {
			return path[i:]
		}
	}
	return path
}

// next is where messages go from w.
func (o *ordering) next(w *assignment) []*assignment {
	if w.policy.Kind() == policy.RouterKind {
		return o.at[w.name.Key()]
	}
	var all []*assignment
	for _, n := range targets(w.policy) {
		if next := o.wanted[n.Key()]; next != nil {
			all = append(all, next)
		}
	}
	return all
}

// place puts w in its place, behind all that has to be there before it.
func (o *ordering) place(w *assignment) {
	if o.state[w] != 0 {
		return
	}
	o.state[w] = visited
	if w.policy.Kind() != policy.RouterKind {
		for _, target := range o.next(w) {
			o.place(target)
			for _, s := range o.at[target.name.Key()] {
				o.place(s)
			}
		}
	}
	if w.policy.Kind() == policy.SubscriptionKind {
		if router := o.wanted[routerOf(w.name).Key()]; router != nil {
			o.place(router)
		}
	}
	o.placed = append(o.placed, w)
}
