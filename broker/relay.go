package broker

import (
	"net/http"

	"github.com/jitney-mq/jitney/namespace"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/relay"
	"github.com/jitney-mq/jitney/store"
)

// Relay is where senders and listeners of connection points meet.
func (b *Broker) Relay() *relay.Hub { return b.relay }

// connectionPoint returns the policy of a name that is one.
func (b *Broker) connectionPoint(n namespace.Name) (policy.ConnectionPoint, bool) {
	if e := b.names.Get(n); e != nil {
		p, is := e.Policy.(policy.ConnectionPoint)
		return p, is
	}
	return policy.ConnectionPoint{}, false
}

// relayTo is a transport to whoever listens at a connection point.
func (b *Broker) relayTo(name string) http.RoundTripper {
	n, err := namespace.Parse(name)
	if err != nil {
		n = namespace.Name{} // where nobody listens
	}
	return b.relay.At(n)
}

// listens reports whether somebody listens at a connection point.
func (b *Broker) listens(name string) bool {
	n, err := namespace.Parse(name)
	return err == nil && b.relay.Listens(n)
}

// pointOpened has those pushed to who wait for a listener.
func (b *Broker) pointOpened(n namespace.Name) {
	if e := b.names.Get(n); e != nil {
		b.routers.Reached(e.Name.String())
	}
}

// pushing returns the policy of a subscription as its router has to take it: to a
// connection point messages are pushed, and not moved on [L4].
func pushing(names namespace.Change, p policy.Subscription) (policy.Subscription, error) {
	if p.ForwardTo == "" {
		return p, nil
	}
	n, err := namespace.Parse(p.ForwardTo)
	if err != nil {
		return p, err
	}
	e, err := names.Get(n)
	if err != nil || e == nil {
		return p, err
	}
	return pushingTo(e, p), nil
}

// pushingTo is pushing for a subscription that names an entry.
func pushingTo(e *namespace.Entry, p policy.Subscription) policy.Subscription {
	if e.Policy.Kind() == policy.ConnectionPointKind {
		p.PushTo, p.ForwardTo = e.Name.String(), ""
	}
	return p
}

// changedPoint has the relay follow the policy of a connection point from this
// commit on.
func (b *Broker) changedPoint(tx *store.Tx, n namespace.Name) {
	tx.OnCommit(func() { b.relay.Changed(n) })
}
