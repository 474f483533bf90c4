package router

import (
	"sync"

	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/queue"
	"github.com/jitney-mq/jitney/store"
)

// Options is what a Set needs.
type Options struct {
	Queues *queue.Set
	Draw   func(n int) int // returns a random number below n; called by the writer
}

// A Set is all routers of one store.
type Set struct {
	queues *queue.Set
	draw   func(n int) int

	mu      sync.RWMutex // guards routers
	routers map[queue.ID]*Router
}

// New returns a Set without routers.
func New(opts Options) *Set {
	return &Set{queues: opts.Queues, draw: opts.Draw, routers: make(map[queue.ID]*Router)}
}

// Create makes a new router with its queue in an op. It can be used by the ops
// behind it, and is gone if the commit fails.
func (s *Set) Create(tx *store.Tx, name string, p *policy.Router) *Router {
	buffer := p.Buffer(policy.NewQueue())
	r := s.newRouter(name, s.queues.Create(tx, name, &buffer), p)
	s.add(r)
	tx.Join(created{r})
	return r
}

// created is a router in the commit that makes it.
type created struct{ *Router }

// Flush is part of store.Participant.
func (created) Flush(*store.Tx) {}

// Committed is part of store.Participant.
func (created) Committed() {}

// RolledBack is part of store.Participant.
func (c created) RolledBack() { c.set.drop(c.Router) }

// Load makes a router known that Create has made in an earlier process.
func (s *Set) Load(id queue.ID, name string, p *policy.Router) *Router {
	buffer := p.Buffer(policy.NewQueue())
	r := s.newRouter(name, s.queues.Load(id, name, &buffer), p)
	s.add(r)
	return r
}

func (s *Set) add(r *Router) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.routers[r.buffer.ID()] = r
}

// Get returns a router by the number of its queue, nil if there is none.
func (s *Set) Get(id queue.ID) *Router {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.routers[id]
}

// Delete ends a router with its queue in this commit. Its subscriptions are to
// be deleted too.
func (s *Set) Delete(tx *store.Tx, r *Router) error {
	if err := r.buffer.Delete(tx); err != nil {
		return err
	}
	tx.OnCommit(func() { s.drop(r) })
	return nil
}

func (s *Set) drop(r *Router) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.routers, r.buffer.ID())
}
