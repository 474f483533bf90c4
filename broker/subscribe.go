package broker

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jitney-mq/jitney/namespace"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/problem"
	"github.com/jitney-mq/jitney/queue"
	"github.com/jitney-mq/jitney/router"
	"github.com/jitney-mq/jitney/store"
)

// followersTable: key of a name, 1, key of a subscription that moves messages
// on to it → nothing. Its keys are sorted by the name, so that the
// subscriptions of one that goes away are found.
const followersTable = store.Table("followers")

func followerKey(of, subscription namespace.Name) []byte {
	return append(followersOf(of), subscription.Key()...)
}

func followersOf(n namespace.Name) []byte { return append([]byte(n.Key()), 1) }

func follow(tx *store.Tx, s namespace.Name, p *policy.Subscription) error {
	if p.ForwardTo == "" {
		return nil
	}
	to, err := namespace.Parse(p.ForwardTo)
	if err != nil {
		return err
	}
	tx.Put(followersTable, followerKey(to, s), []byte{1})
	return nil
}

func unfollow(tx *store.Tx, s namespace.Name, p *policy.Subscription) {
	if to, err := namespace.Parse(p.ForwardTo); err == nil && p.ForwardTo != "" {
		tx.Delete(followersTable, followerKey(to, s))
	}
}

// MaxSubscriptionID bounds the id of a subscription, in characters.
const MaxSubscriptionID = 50

func newSubscriptionID() string { return uuid.NewString() }

// Subscribe makes a subscription at a router, with an id of at most
// MaxSubscriptionID characters or, if that is empty, a new one [S1]. The same
// policy under the same id again changes nothing, and created is false.
//
// Errors: ErrNoRole, ErrWrongRole, ErrHasRole with the entry in force,
// ErrCrowded, ErrCycle, ErrNoTarget, ErrRules, a *problem.Field, those of the
// store.
func (b *Broker) Subscribe(ctx context.Context, at namespace.Name, id string, p policy.Subscription) (e *namespace.Entry, created bool, err error) {
	if id == "" {
		id = newSubscriptionID()
	}
	if len([]rune(id)) > MaxSubscriptionID {
		return nil, false, problem.NewField("Slug", id, "at most %d characters", MaxSubscriptionID)
	}
	err = b.store.Update(ctx, func(tx *store.Tx) error {
		e, created, err = b.subscribeAs(tx, at, id, p)
		return err
	})
	return e, created, err
}

func (b *Broker) subscribeAs(tx *store.Tx, at namespace.Name, id string, p policy.Subscription) (*namespace.Entry, bool, error) {
	names := b.names.In(tx)
	n, err := subscriptionName(at, id)
	if err != nil {
		return nil, false, err
	}
	old, err := names.Get(n)
	if err != nil {
		return nil, false, err
	}
	if old != nil {
		if policy.Equal(old.Policy, p) {
			return old, false, nil
		}
		return old, false, ErrHasRole
	}
	w := &walk{names: names, homes: []namespace.Name{n, at}}
	if err := w.check(p); err != nil {
		return nil, false, err
	}
	if err := expiresLater(tx.Now, p); err != nil {
		return nil, false, err
	}
	routers, err := b.routersAt(names, p, []namespace.Name{at})
	if err != nil {
		return nil, false, err
	}
	e, err := b.subscribe(tx, routers[0], id, p)
	return e, err == nil, err
}

// subscribeAt has a name subscribed at routers, which were checked.
func (b *Broker) subscribeAt(tx *store.Tx, n namespace.Name, routers []*namespace.Entry) error {
	for _, r := range routers {
		s := policy.NewSubscription()
		s.ForwardTo = n.String()
		if _, err := b.subscribe(tx, r, newSubscriptionID(), s); err != nil {
			return err
		}
	}
	return nil
}

// subscribeMissing has a name subscribed at those of some routers where it is not.
func (b *Broker) subscribeMissing(tx *store.Tx, names namespace.Change, e *namespace.Entry, at []namespace.Name) error {
	var missing []namespace.Name
	for _, n := range at {
		below, _ := n.Below()
		prefix := append(followersOf(e.Name), below...)
		found := false
		for range tx.Scan(followersTable, prefix, store.PrefixEnd(prefix)) {
			found = true
			break
		}
		if !found {
			missing = append(missing, n)
		}
	}
	w := &walk{names: names, homes: append([]namespace.Name{e.Name}, missing...)}
	if err := w.check(e.Policy); err != nil {
		return err
	}
	routers, err := b.routersAt(names, e.Policy, missing)
	if err != nil {
		return err
	}
	return b.subscribeAt(tx, e.Name, routers)
}

func subscriptionName(at namespace.Name, id string) (namespace.Name, error) {
	n, err := at.Child(subscriptions)
	if err != nil {
		return n, err
	}
	return n.Child(id)
}

// routersAt returns the entries of routers that have room for one more
// subscription each, of the kind that p is.
func (b *Broker) routersAt(names namespace.Change, p policy.Policy, at []namespace.Name) ([]*namespace.Entry, error) {
	var list []*namespace.Entry
	for _, n := range at {
		e, err := names.Get(n)
		if err != nil {
			return nil, err
		}
		if e == nil {
			return nil, fmt.Errorf("%w: %s", ErrNoRole, n)
		}
		r, is := e.Policy.(policy.Router)
		if !is {
			return nil, fmt.Errorf("%w: %s is a %s, no router", ErrWrongRole, n, e.Policy.Kind())
		}
		if names.Count(n, subscriptions) >= r.MaxSubscribers {
			return nil, fmt.Errorf("%w: %s has %d", ErrCrowded, n, r.MaxSubscribers)
		}
		if err := ruled(names, &r, p); err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, nil
}

// ruled returns ErrRules if a router has no use for a subscription's rules [S3].
func ruled(names namespace.Change, r *policy.Router, p policy.Policy) error {
	s, is := p.(policy.Subscription)
	if !is || r.Distribution == policy.ToAll || len(s.Rules) == 0 {
		return nil
	}
	s, err := pushing(names, s)
	if err == nil && s.PushTo != "" {
		err = ErrRules
	}
	return err
}

// subscribe makes a subscription that was checked.
func (b *Broker) subscribe(tx *store.Tx, at *namespace.Entry, id string, p policy.Subscription) (*namespace.Entry, error) {
	n, err := subscriptionName(at.Name, id)
	if err != nil {
		return nil, err
	}
	names := b.names.In(tx)
	moved, err := pushing(names, p)
	if err != nil {
		return nil, err
	}
	if _, err := router.NewSubscription(n.String(), nil, &moved); err != nil {
		return nil, err
	}
	r, of := b.routers.Get(queue.ID(at.Number)), at.Policy.(policy.Router)
	kept := of.Keep(moved)
	q := b.queues.Create(tx, n.String(), &kept)
	s, err := router.NewSubscription(n.String(), q, &moved)
	if err != nil {
		return nil, err
	}
	r.Subscribe(tx, s)
	e := &namespace.Entry{Name: n, Policy: p, Number: uint64(q.ID()), CreatedAt: tx.Now, UpdatedAt: tx.Now}
	if err := follow(tx, n, &p); err != nil {
		return nil, err
	}
	return e, names.Put(e)
}

// changeSubscription has a subscription follow its policy.
func (b *Broker) changeSubscription(tx *store.Tx, names namespace.Change, from, to *namespace.Entry, p *policy.Subscription) error {
	at, err := names.Get(routerName(to.Name))
	if err != nil || at == nil {
		return err
	}
	of := at.Policy.(policy.Router)
	if err := ruled(names, &of, *p); err != nil {
		return err
	}
	moved, err := pushing(names, *p)
	if err != nil {
		return err
	}
	q := b.queues.Get(queue.ID(to.Number))
	s, err := router.NewSubscription(to.Name.String(), q, &moved)
	if err != nil {
		return err
	}
	kept := of.Keep(moved)
	if err := q.Change(tx, &kept); err != nil {
		return err
	}
	b.routers.Get(queue.ID(at.Number)).Subscribe(tx, s)
	before := from.Policy.(policy.Subscription)
	unfollow(tx, from.Name, &before)
	return follow(tx, to.Name, p)
}

// changeRouter has a router, and the queues of those to whom it pushes, follow
// its policy.
func (b *Broker) changeRouter(tx *store.Tx, names namespace.Change, e *namespace.Entry, p *policy.Router) error {
	if err := b.routers.Get(queue.ID(e.Number)).Change(tx, p); err != nil {
		return err
	}
	return names.Each(e.Name, subscriptions, func(s *namespace.Entry) error {
		moved, err := pushing(names, s.Policy.(policy.Subscription))
		if err != nil {
			return err
		}
		kept := p.Keep(moved)
		return b.queues.Get(queue.ID(s.Number)).Change(tx, &kept)
	})
}

// keepSecret returns a policy that is to replace another one, with the secret
// that is not shown to who changes it.
func keepSecret(old, p policy.Policy) policy.Policy {
	before, was := old.(policy.Subscription)
	s, is := p.(policy.Subscription)
	if was && is && s.Secret == "" {
		s.Secret = before.Secret
		return s
	}
	return p
}

// endRouter ends a router with its subscriptions.
func (b *Broker) endRouter(tx *store.Tx, names namespace.Change, e *namespace.Entry) error {
	var list []*namespace.Entry
	err := names.Each(e.Name, subscriptions, func(s *namespace.Entry) error {
		list = append(list, s)
		return nil
	})
	if err != nil {
		return err
	}
	for _, s := range list {
		if err := b.end(tx, names, s, router.RouterGone); err != nil {
			return err
		}
	}
	return b.routers.Delete(tx, b.routers.Get(queue.ID(e.Number)))
}

// endSubscription ends a subscription, whose router may be ending too.
func (b *Broker) endSubscription(tx *store.Tx, names namespace.Change, e *namespace.Entry, p *policy.Subscription, why router.Reason) error {
	unfollow(tx, e.Name, p)
	notice := router.Notice{Subscription: e.Name.String(), Reason: why, EndedAt: tx.Now}
	tx.OnCommit(func() { b.routers.Notify(p, notice) })
	at, err := names.Get(routerName(e.Name))
	if err != nil {
		return err
	}
	if at != nil {
		b.routers.Get(queue.ID(at.Number)).Unsubscribe(tx, queue.ID(e.Number))
	}
	return b.queues.Get(queue.ID(e.Number)).Delete(tx)
}

// endNamed ends a subscription whose endpoint wants no more messages. One that
// cannot be ended goes on.
func (b *Broker) endNamed(name string) {
	n, err := namespace.Parse(name)
	if err == nil {
		err = b.unassign(context.Background(), n, AnyVersion, router.EndpointGone)
	}
	if err != nil && !errors.Is(err, ErrNoRole) {
		b.log.Error("a subscription could not be ended", "name", name, "error", err)
	}
}

// endSubscriber ends the subscriptions that move messages on to a name.
func (b *Broker) endSubscriber(tx *store.Tx, names namespace.Change, n namespace.Name) error {
	prefix := followersOf(n)
	var keys []string
	for rec := range tx.Scan(followersTable, prefix, store.PrefixEnd(prefix)) {
		keys = append(keys, string(bytes.TrimPrefix(rec.Key, prefix)))
	}
	for _, key := range keys {
		s, err := names.GetKey(key)
		if err != nil {
			return err
		}
		if s == nil {
			continue
		}
		if err := b.end(tx, names, s, router.SubscriberGone); err != nil {
			return err
		}
	}
	return nil
}
