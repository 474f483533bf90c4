package router

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/queue"
	"github.com/jitney-mq/jitney/store"
)

// A Router sends what it gets on to its subscriptions. Its methods may be
// called from any goroutine.
type Router struct {
	set    *Set
	name   string
	buffer *queue.Queue // what is to be pushed to one of several, and cannot be yet

	policy    atomic.Pointer[policy.Router]
	table     atomic.Pointer[table]
	listeners listeners
	tally     tally

	mu    sync.Mutex // guards pumps, and keeps them in step with the listeners
	pumps map[queue.ID]*pump
}

func (s *Set) newRouter(name string, buffer *queue.Queue, p *policy.Router) *Router {
	r := &Router{set: s, name: name, buffer: buffer, pumps: make(map[queue.ID]*pump)}
	r.policy.Store(p)
	r.table.Store(newTable(nil))
	return r
}

// Buffer returns the router's own queue: what waits to be pushed to one of the
// subscribers of a router that sends each message to one, and in its
// dead-letter sub-queues what could not be.
func (r *Router) Buffer() *queue.Queue { return r.buffer }

// Policy returns the policy in force. It is not to be changed.
func (r *Router) Policy() *policy.Router { return r.policy.Load() }

// Change gives the router another policy from this commit on.
func (r *Router) Change(tx *store.Tx, p *policy.Router) error {
	buffer := p.Own()
	if err := r.buffer.Change(tx, &buffer); err != nil {
		return err
	}
	tx.OnCommit(func() { r.policy.Store(p) })
	return nil
}

// Sent says what became of what was sent to a router.
type Sent struct {
	Deliveries int           // subscriptions that have a message on disk, summed over all messages
	Each       []int         // the same, message by message
	Unrouted   int           // messages that no subscription takes
	Outcome    queue.Outcome // of a buffer that was full
}

// Send sends messages to the subscriptions, all of them in one commit or none.
// When it returns they are on disk wherever they went.
//
// Errors: queue.ErrTooLarge, queue.ErrDisabled, queue.ErrGone; of a router that
// sends each message to one subscriber queue.ErrFull and queue.ErrOverloaded
// too; those of the store and of ctx.
func (r *Router) Send(ctx context.Context, messages ...queue.Outgoing) (Sent, error) {
	if r.buffers() {
		return r.bufferAll(ctx, messages)
	}
	counts, err := r.set.queues.Distribute(ctx, r.Policy().MaxMessageBytes(), r.Route, messages...)
	if err != nil {
		return Sent{}, err
	}
	s := Sent{Each: counts}
	for _, n := range counts {
		s.Deliveries += n
		if n == 0 {
			s.Unrouted++
		}
	}
	return s, nil
}

// buffers reports whether all messages go through the buffer: then a full one
// holds their senders.
func (r *Router) buffers() bool {
	t := r.table.Load()
	return r.Policy().Distribution == policy.ToOne && len(t.subscriptions)+r.hears() > 0 && t.durable == 0
}

func (r *Router) bufferAll(ctx context.Context, messages []queue.Outgoing) (Sent, error) {
	if err := r.takes(); err != nil {
		return Sent{}, err
	}
	_, outcome, err := r.buffer.Send(ctx, messages...)
	if err != nil || outcome != queue.Stored {
		return Sent{Outcome: outcome}, err
	}
	r.count(len(messages), len(messages), 0)
	return Sent{Deliveries: len(messages), Each: slices.Repeat([]int{1}, len(messages))}, nil
}

// takes returns nil if the router takes messages at all.
func (r *Router) takes() error {
	switch r.Policy().Status {
	case policy.Disabled, policy.SendDisabled:
		return queue.ErrDisabled
	}
	return nil
}

// Route says which queues get a message: it is the queue.Route of the router.
func (r *Router) Route(m *message.Message, size int64) queue.Choice {
	t := r.table.Load()
	c := t.choose(r.Policy().Distribution, m)
	return queue.Choice{AtMost: len(c.copies), Make: func(tx *store.Tx) ([]queue.Copy, error) {
		if err := r.takes(); err != nil {
			return nil, err
		}
		if err := r.buffer.Join(tx); err != nil {
			return nil, err
		}
		if now := r.table.Load(); now != t {
			t, c = now, now.choose(r.Policy().Distribution, m)
		}
		if r.Policy().Distribution == policy.ToOne {
			copies, err := r.drawOne(t, &c, size)
			if err == nil {
				tx.OnCommit(func() { r.count(1, len(copies), 0) })
			}
			return copies, err
		}
		tx.OnCommit(func() { r.count(1, len(c.copies), len(t.subscriptions)-len(c.copies)) })
		if r.hears() > 0 && isLive(tx, m, size) {
			live := newLive(m, tx.Now)
			tx.OnCommit(func() { r.tell(live) })
		}
		return c.copies, nil
	}}
}

// isLive reports whether listeners get a copy: not of what is for later, nor of a
// body that is not in memory.
func isLive(tx *store.Tx, m *message.Message, size int64) bool {
	return !m.ScheduledAt.After(tx.Now) && size == int64(len(m.Body))
}

// tally counts what has happened since a router, or the set, was made known.
type tally struct {
	messages, deliveries, unrouted, filtered atomic.Uint64
}

func (t *tally) add(messages, deliveries, filtered int) {
	t.messages.Add(uint64(messages))
	t.deliveries.Add(uint64(deliveries))
	t.filtered.Add(uint64(max(0, filtered))) // a rule with an action can make more copies than there are subscriptions
	if deliveries == 0 {
		t.unrouted.Add(uint64(messages))
	}
}

func (r *Router) count(messages, deliveries, filtered int) {
	r.tally.add(messages, deliveries, filtered)
	r.set.tally.add(messages, deliveries, filtered)
}

// Stats is what a router has done since the broker was started, or all of them.
type Stats struct {
	Messages      uint64 // that came in
	Deliveries    uint64 // copies that subscriptions got
	Unrouted      uint64 // messages that no subscription wanted
	Filtered      uint64 // copies that subscriptions did not want
	Subscriptions int    // now; of a router only
}

func (t *tally) stats() Stats {
	return Stats{Messages: t.messages.Load(), Deliveries: t.deliveries.Load(), Unrouted: t.unrouted.Load(), Filtered: t.filtered.Load()}
}

// Stats returns the figures of the moment.
func (r *Router) Stats() Stats {
	s := r.tally.stats()
	s.Subscriptions = len(r.table.Load().subscriptions)
	return s
}
