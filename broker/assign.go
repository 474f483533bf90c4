package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jitney-mq/jitney/namespace"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/problem"
	"github.com/jitney-mq/jitney/queue"
	"github.com/jitney-mq/jitney/router"
	"github.com/jitney-mq/jitney/store"
)

// Assign gives a name its role, and subscribes it at routers [S4]. The same
// policy for the same name again changes nothing, and created is false [P4].
//
// Errors: ErrHasRole with the entry in force, ErrInTheWay, ErrCycle,
// ErrNoTarget, ErrCrowded, a *problem.Field, those of the store.
func (b *Broker) Assign(ctx context.Context, n namespace.Name, p policy.Policy, at ...namespace.Name) (e *namespace.Entry, created bool, err error) {
	if n.IsRoot() {
		return nil, false, problem.NewField("name", "/", "a name below the root")
	}
	if p.Kind() == policy.SubscriptionKind {
		return nil, false, problem.NewField("SubscriptionPolicy", "", "the policy of a name; a subscription is made by a POST to the subscriptions of a router")
	}
	if p.Kind() == policy.MetadataKind && len(at) > 0 {
		return nil, false, problem.NewField("link", at[0].String(), "a queue or a router: a reference cannot subscribe")
	}
	err = b.store.Update(ctx, func(tx *store.Tx) error {
		e, created, err = b.assign(tx, n, p, at)
		return err
	})
	return e, created, err
}

func (b *Broker) assign(tx *store.Tx, n namespace.Name, p policy.Policy, at []namespace.Name) (*namespace.Entry, bool, error) {
	names := b.names.In(tx)
	old, err := names.Get(n)
	if err != nil {
		return nil, false, err
	}
	if old != nil {
		if policy.Equal(old.Policy, p) {
			return old, false, b.subscribeMissing(tx, names, old, at)
		}
		return old, false, ErrHasRole
	}
	w := &walk{names: names, homes: append([]namespace.Name{n}, at...)}
	if err := errors.Join(b.hides(names, n, p), expiresLater(tx.Now, p), w.check(p)); err != nil {
		return nil, false, err
	}
	routers, err := b.routersAt(names, p, at)
	if err != nil {
		return nil, false, err
	}
	e := &namespace.Entry{Name: n, Policy: p, CreatedAt: tx.Now, UpdatedAt: tx.Now}
	switch p := p.(type) {
	case policy.Queue:
		e.Number = uint64(b.queues.Create(tx, n.String(), &p).ID())
	case policy.Router:
		e.Number = uint64(b.routers.Create(tx, n.String(), &p).Buffer().ID())
	}
	if err := names.Put(e); err != nil {
		return nil, false, err
	}
	return e, true, b.subscribeAt(tx, n, routers)
}

// hides returns ErrInTheWay if the role would make a name unreachable, or is
// itself below a sub-resource of one.
func (b *Broker) hides(names namespace.Change, n namespace.Name, p policy.Policy) error {
	segments := n.Segments()
	for depth := 1; depth < len(segments); depth++ {
		above, err := names.Get(n.Prefix(depth))
		if err != nil {
			return err
		}
		if above != nil && hasParts(above.Policy) && isWord(segments[depth]) {
			return fmt.Errorf("%w: %s is a %s, and what begins with %s/%s is part of it",
				ErrInTheWay, above.Name, above.Policy.Kind(), above.Name, segments[depth])
		}
	}
	if !hasParts(p) {
		return nil
	}
	below, err := names.FirstBelow(n, words...)
	if err != nil || below == nil {
		return err
	}
	return fmt.Errorf("%w: %s has a role, and as a %s %s would hide it", ErrInTheWay, below.Name, p.Kind(), n)
}

// hasParts reports whether what a policy makes of a name has sub-resources.
func hasParts(p policy.Policy) bool {
	return p.Kind() != policy.MetadataKind && p.Kind() != policy.ConnectionPointKind
}

func isWord(segment string) bool {
	folded := namespace.FoldSegment(segment)
	for _, w := range words {
		if folded == w {
			return true
		}
	}
	return false
}

func expiresLater(now time.Time, p policy.Policy) error {
	at := p.Shared().ExpiresAt
	if at.IsZero() || at.After(now) {
		return nil
	}
	return problem.NewField("ExpirationInstant", at.Format(time.RFC3339), "an instant after now, %s", now.Format(time.RFC3339))
}

// AnyVersion as a match accepts whatever is in force.
const AnyVersion = "*"

// Change replaces the policy of a name by another one of the same kind, if
// the one in force has the entity tag match. It returns the entry in force. A
// subscription keeps its secret if none is given.
//
// Errors: ErrNoRole, ErrStale with the entry in force, policy.ErrFixed,
// ErrCycle, ErrNoTarget, ErrRules, a *problem.Field, those of the store.
func (b *Broker) Change(ctx context.Context, n namespace.Name, p policy.Policy, match string) (e *namespace.Entry, err error) {
	err = b.store.Update(ctx, func(tx *store.Tx) error {
		e, err = b.change(tx, n, p, match)
		return err
	})
	return e, err
}

func (b *Broker) change(tx *store.Tx, n namespace.Name, p policy.Policy, match string) (*namespace.Entry, error) {
	names := b.names.In(tx)
	old, err := b.matching(names, n, match)
	if err != nil {
		return old, err
	}
	p = keepSecret(old.Policy, p)
	if policy.Equal(old.Policy, p) {
		return old, nil
	}
	w := &walk{names: names, homes: homesOf(old)}
	if err := errors.Join(policy.Change(old.Policy, p), expiresLater(tx.Now, p), w.check(p)); err != nil {
		return old, err
	}
	e := *old
	e.Policy, e.UpdatedAt = p, tx.Now
	if err := b.changeRole(tx, names, old, &e); err != nil {
		return old, err
	}
	if err := names.Put(&e); err != nil {
		return old, err
	}
	if p.Kind() == policy.ConnectionPointKind {
		b.changedPoint(tx, n)
	}
	return &e, nil
}

// changeRole has the primitive of a name follow its policy.
func (b *Broker) changeRole(tx *store.Tx, names namespace.Change, from, to *namespace.Entry) error {
	switch p := to.Policy.(type) {
	case policy.Queue:
		return b.queues.Get(queue.ID(to.Number)).Change(tx, &p)
	case policy.Router:
		return b.changeRouter(tx, names, to, &p)
	case policy.Subscription:
		return b.changeSubscription(tx, names, from, to, &p)
	}
	return nil
}

// matching returns the entry of n if its tag is match, else with ErrStale.
func (b *Broker) matching(names namespace.Change, n namespace.Name, match string) (*namespace.Entry, error) {
	e, err := names.Get(n)
	switch {
	case err != nil:
		return nil, err
	case e == nil:
		return nil, ErrNoRole
	case match != AnyVersion && match != e.ETag():
		return e, ErrStale
	}
	return e, nil
}

// Unassign takes the role of a name away, with all its messages and
// subscriptions: ErrNoRole, ErrStale. When it returns, nobody can send or
// receive there any more; the disk is given back in steps.
func (b *Broker) Unassign(ctx context.Context, n namespace.Name, match string) error {
	return b.unassign(ctx, n, match, router.Deleted)
}

func (b *Broker) unassign(ctx context.Context, n namespace.Name, match string, why router.Reason) error {
	return b.store.Update(ctx, func(tx *store.Tx) error {
		names := b.names.In(tx)
		e, err := b.matching(names, n, match)
		if err != nil {
			return err
		}
		return b.end(tx, names, e, why)
	})
}

// end takes a role away, and ends the subscriptions at it and of it [P5]. The
// reason is for the subscription, if it is one.
func (b *Broker) end(tx *store.Tx, names namespace.Change, e *namespace.Entry, why router.Reason) error {
	names.Delete(e)
	var err error
	switch p := e.Policy.(type) {
	case policy.Queue:
		err = b.queues.Get(queue.ID(e.Number)).Delete(tx)
	case policy.Router:
		err = b.endRouter(tx, names, e)
	case policy.Subscription:
		err = b.endSubscription(tx, names, e, &p, why)
	case policy.ConnectionPoint:
		b.changedPoint(tx, e.Name)
	}
	if err != nil || e.Policy.Kind() == policy.MetadataKind {
		return err
	}
	return b.endSubscriber(tx, names, e.Name)
}

// routerOf returns the router of an entry.
func (b *Broker) routerOf(e *namespace.Entry) (*router.Router, error) {
	if e.Policy.Kind() != policy.RouterKind {
		return nil, ErrWrongRole
	}
	r := b.routers.Get(queue.ID(e.Number))
	if r == nil {
		return nil, queue.ErrGone
	}
	return r, nil
}
