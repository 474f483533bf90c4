package broker

import (
	"errors"

	"github.com/jitney-mq/jitney/namespace"
	"github.com/jitney-mq/jitney/queue"
)

// Returned by what gives names their roles.
var (
	ErrNoRole    = errors.New("the name has no role")
	ErrWrongRole = errors.New("the name has another role")
	ErrHasRole   = errors.New("the name has a role already")
	ErrStale     = errors.New("the policy has been changed since it was read")
	ErrInTheWay  = errors.New("the role would hide a name, or be hidden")
	ErrCycle     = errors.New("messages would move in a circle")
	ErrNoTarget  = errors.New("messages would be moved to a name that takes none")
	ErrCrowded   = errors.New("the router has as many subscriptions as it may have")
	ErrRules     = errors.New("a router that sends each message to one has rules for those only who keep messages themselves")
)

// words are the sub-resources of queues and routers; a name below one that
// begins with such a word cannot be reached [N5].
var words = []string{"messages", subscriptions, "sessions"}

// subscriptions is the word below which the subscriptions of a router stand.
const subscriptions = "subscriptions"

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
