package router

import (
	"cmp"
	"slices"

	"github.com/jitney-mq/jitney/filter"
	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/queue"
	"github.com/jitney-mq/jitney/store"
)

// A table is the subscriptions of a router at one instant. It does not change:
// another one takes its place.
type table struct {
	subscriptions []*Subscription
	durable       int // of them, those from whose queue the broker does not push

	// Who may want a message is found by its properties: the cost of a message
	// grows with them and not with the subscriptions that do not want it.
	always []int // indexes of subscriptions that any message may be for
	by     map[filter.Property]map[message.Value][]int
}

func newTable(list []*Subscription) *table {
	t := &table{subscriptions: list, by: map[filter.Property]map[message.Value][]int{}}
	for i, s := range list {
		if !s.pushed() {
			t.durable++
		}
		t.index(i, s)
	}
	return t
}

// index enters a subscription under one equality of each of its rules, or for
// every message if one of them has none.
func (t *table) index(i int, s *Subscription) {
	for _, r := range s.rules {
		if len(r.filter.Terms()) == 0 {
			t.always = append(t.always, i)
			return
		}
	}
	for _, r := range s.rules {
		term := r.filter.Terms()[0]
		if t.by[term.Property] == nil {
			t.by[term.Property] = map[message.Value][]int{}
		}
		values := t.by[term.Property]
		if same := values[term.Value]; len(same) == 0 || same[len(same)-1] != i {
			values[term.Value] = append(same, i)
		}
	}
}

// candidates yields the subscriptions that may want a message, each once and in
// the order of the list.
func (t *table) candidates(m *message.Message) []int {
	if len(t.by) == 0 {
		return t.always
	}
	found := slices.Clone(t.always)
	for property, values := range t.by {
		if v, ok := property.Of(m); ok {
			found = append(found, values[v]...)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// all returns a copy for each subscription that takes the message [S2].
func (t *table) all(m *message.Message) []queue.Copy {
	candidates := t.candidates(m)
	copies := make([]queue.Copy, 0, len(candidates))
	for _, i := range candidates {
		copies = t.subscriptions[i].appendCopies(copies, m)
	}
	return copies
}

// Subscription returns the subscription of a queue, nil if it has none here.
func (r *Router) Subscription(id queue.ID) *Subscription {
	for _, s := range r.table.Load().subscriptions {
		if s.Queue.ID() == id {
			return s
		}
	}
	return nil
}

// without returns a copy of list that lacks the subscription of a queue.
func without(list []*Subscription, id queue.ID) []*Subscription {
	return slices.DeleteFunc(slices.Clone(list), func(s *Subscription) bool { return s.Queue.ID() == id })
}

// Subscribe adds a subscription, or puts it in the place of one with the same
// queue, from this commit on.
func (r *Router) Subscribe(tx *store.Tx, s *Subscription) {
	tx.OnCommit(func() { r.Add(s) })
}

// Add is Subscribe for those that were made in an earlier process.
func (r *Router) Add(list ...*Subscription) {
	old := r.table.Load().subscriptions
	rest := slices.Clone(old)
	for _, s := range list {
		rest = without(rest, s.Queue.ID())
		s.adopt(r.set, old)
	}
	all := append(rest, list...)
	slices.SortFunc(all, func(a, b *Subscription) int { return cmp.Compare(a.Queue.ID(), b.Queue.ID()) })
	r.table.Store(newTable(all))
	r.pump()
}

// adopt prepares the endpoint of a subscription that is new or has another
// policy: what is known of the same URL stays known.
func (s *Subscription) adopt(set *Set, old []*Subscription) {
	if s.endpoint == nil {
		return
	}
	s.endpoint.set, s.endpoint.id = set, s.Queue.ID()
	for _, o := range old {
		if o.Queue == s.Queue && o.endpoint != nil && o.endpoint.to.URL == s.endpoint.to.URL {
			o.endpoint.mu.Lock()
			s.endpoint.health = o.endpoint.health
			o.endpoint.mu.Unlock()
		}
	}
}

// Unsubscribe removes the subscription of a queue from this commit on.
func (r *Router) Unsubscribe(tx *store.Tx, id queue.ID) {
	tx.Delete(endpointsTable, endpointKey(id))
	tx.OnCommit(func() {
		r.table.Store(newTable(without(r.table.Load().subscriptions, id)))
		r.pump()
	})
}
