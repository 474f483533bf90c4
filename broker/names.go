package broker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jitney-mq/jitney/namespace"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/problem"
	"github.com/jitney-mq/jitney/queue"
	"github.com/jitney-mq/jitney/store"
)

// Returned by what gives names their roles.
var (
	ErrNoRole    = errors.New("the name has no role")
	ErrWrongRole = errors.New("the name has another role")
	ErrHasRole   = errors.New("the name has a role already")
	ErrStale     = errors.New("the policy has been changed since it was read")
	ErrInTheWay  = errors.New("the role would hide a name, or be hidden")
	ErrCycle     = errors.New("messages would move in a circle")
	ErrNoTarget  = errors.New("messages would be moved to a name that is not a queue")
)

// words are the sub-resources of a queue; a name below one that begins with
// such a word cannot be reached [N5].
var words = []string{"messages", "subscriptions", "sessions"}

// Resolve returns what a path leads to: the longest name with a role and what
// of the path is behind it, or nil [N5].
func (b *Broker) Resolve(p namespace.Path) (e *namespace.Entry, rest []string) {
	e, depth := b.names.Resolve(p)
	if e == nil {
		return nil, nil
	}
	return e, p.After(depth)
}

// Entry returns the entry of a name: ErrNoRole.
func (b *Broker) Entry(n namespace.Name) (*namespace.Entry, error) {
	if e := b.names.Get(n); e != nil {
		return e, nil
	}
	return nil, ErrNoRole
}

// Children returns names below another one; see namespace.Registry.
func (b *Broker) Children(n namespace.Name, after string, limit int) ([]namespace.Child, bool, error) {
	return b.names.Children(n, after, limit)
}

// Assign gives a name its role. The same policy for the same name again
// changes nothing, and created is false [P4].
//
// Errors: ErrHasRole with the entry in force, ErrInTheWay, ErrCycle,
// ErrNoTarget, a *problem.Field, those of the store.
func (b *Broker) Assign(ctx context.Context, n namespace.Name, p policy.Policy) (e *namespace.Entry, created bool, err error) {
	if n.IsRoot() {
		return nil, false, problem.NewField("name", "/", "a name below the root")
	}
	err = b.store.Update(ctx, func(tx *store.Tx) error {
		e, created, err = b.assign(tx, n, p)
		return err
	})
	return e, created, err
}

func (b *Broker) assign(tx *store.Tx, n namespace.Name, p policy.Policy) (*namespace.Entry, bool, error) {
	names := b.names.In(tx)
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
	if err := errors.Join(b.hides(names, n, p), expiresLater(tx.Now, p), b.checkTargets(names, n, p)); err != nil {
		return nil, false, err
	}
	e := &namespace.Entry{Name: n, Policy: p, CreatedAt: tx.Now, UpdatedAt: tx.Now}
	if q, ok := p.(policy.Queue); ok {
		e.Number = uint64(b.queues.Create(tx, n.String(), &q).ID())
	}
	return e, true, names.Put(e)
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
		if above != nil && above.Policy.Kind() == policy.QueueKind && isWord(segments[depth]) {
			return fmt.Errorf("%w: %s is a queue, and what begins with %s/%s is part of it",
				ErrInTheWay, above.Name, above.Name, segments[depth])
		}
	}
	if p.Kind() != policy.QueueKind {
		return nil
	}
	below, err := names.FirstBelow(n, words...)
	if err != nil || below == nil {
		return err
	}
	return fmt.Errorf("%w: %s has a role, and as a queue %s would hide it", ErrInTheWay, below.Name, n)
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

// targets are the names that a policy moves messages to, by the element that says so.
func targets(p policy.Policy) map[string]string {
	q, ok := p.(policy.Queue)
	if !ok {
		return nil
	}
	return map[string]string{"ForwardTo": q.ForwardTo, "PoisonMessageDrop": q.DeadLetterTo}
}

// checkTargets checks that the names that p moves messages to are queues, and
// that none of them leads back to n.
func (b *Broker) checkTargets(names namespace.Change, n namespace.Name, p policy.Policy) error {
	for element, target := range targets(p) {
		if target == "" {
			continue
		}
		t, err := namespace.Parse(target)
		if err != nil {
			return problem.NewField(element, target, "the name of a queue")
		}
		if err := b.walk(names, n, t, []string{n.String()}); err != nil {
			return err
		}
	}
	return nil
}

// maxChain bounds the names that messages can be moved through.
const maxChain = 32

// walk follows messages from at, and returns ErrCycle if they come to home.
func (b *Broker) walk(names namespace.Change, home, at namespace.Name, path []string) error {
	path = append(path, at.String())
	if at.Equal(home) || len(path) > maxChain {
		return fmt.Errorf("%w: %s", ErrCycle, strings.Join(path, " → "))
	}
	e, err := names.Get(at)
	if err != nil {
		return err
	}
	if e == nil || e.Policy.Kind() != policy.QueueKind {
		if len(path) > 2 {
			return nil // it was a queue once; messages go to the transfer dead-letter queue
		}
		return fmt.Errorf("%w: %s", ErrNoTarget, at)
	}
	for _, next := range targets(e.Policy) {
		if next == "" {
			continue
		}
		t, err := namespace.Parse(next)
		if err != nil {
			return err
		}
		if err := b.walk(names, home, t, path[:len(path):len(path)]); err != nil {
			return err
		}
	}
	return nil
}

// AnyVersion as a match accepts whatever is in force.
const AnyVersion = "*"

// Change replaces the policy of a name by another one of the same kind, if
// the one in force has the entity tag match. It returns the entry in force.
//
// Errors: ErrNoRole, ErrStale with the entry in force, policy.ErrFixed,
// ErrCycle, ErrNoTarget, a *problem.Field, those of the store.
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
	if policy.Equal(old.Policy, p) {
		return old, nil
	}
	if err := errors.Join(policy.Change(old.Policy, p), expiresLater(tx.Now, p), b.checkTargets(names, n, p)); err != nil {
		return old, err
	}
	e := *old
	e.Policy, e.UpdatedAt = p, tx.Now
	if q, ok := p.(policy.Queue); ok {
		if err := b.queues.Get(queue.ID(e.Number)).Change(tx, &q); err != nil {
			return old, err
		}
	}
	return &e, names.Put(&e)
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

// Unassign takes the role of a name away, with all its messages: ErrNoRole,
// ErrStale. When it returns, nobody can send or receive there any more; the
// disk is given back in steps.
func (b *Broker) Unassign(ctx context.Context, n namespace.Name, match string) error {
	return b.store.Update(ctx, func(tx *store.Tx) error {
		names := b.names.In(tx)
		e, err := b.matching(names, n, match)
		if err != nil {
			return err
		}
		return b.end(tx, names, e)
	})
}

func (b *Broker) end(tx *store.Tx, names namespace.Change, e *namespace.Entry) error {
	if q := b.queues.Get(queue.ID(e.Number)); q != nil && e.Number != 0 {
		if err := q.Delete(tx); err != nil {
			return err
		}
	}
	names.Delete(e)
	return nil
}

// EachQueue calls fn with the name and the counts of up to limit queues, in no
// order. A queue that goes away meanwhile is left out.
func (b *Broker) EachQueue(limit int, fn func(name string, c queue.Counts)) {
	for _, e := range b.names.All() {
		if limit == 0 {
			return
		}
		q, err := b.Queue(e)
		if err != nil {
			continue
		}
		if c, err := q.Counts(); err == nil {
			fn(e.Name.String(), c)
			limit--
		}
	}
}
