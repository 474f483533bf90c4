package router

import (
	"context"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/semaphore"

	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/push"
	"github.com/jitney-mq/jitney/queue"
	"github.com/jitney-mq/jitney/store"
)

// Options is what a Set needs.
type Options struct {
	Store  *store.Store
	Queues *queue.Set
	Push   *push.Client
	Draw   func(n int) int // returns a random number below n; called by the writer

	// Relay returns a transport to whoever listens at a connection point.
	Relay func(name string) http.RoundTripper
	// Listens reports whether somebody listens at a connection point. When that
	// begins, Reached is to be called.
	Listens func(name string) bool
	// Find returns the router that a policy names, nil if it is none.
	Find func(name string) *Router
	// End ends a subscription whose endpoint wants no more messages.
	End func(name string)
}

// A Set is all routers of one store.
type Set struct {
	// Fixed after construction.
	store  *store.Store
	queues *queue.Set
	push   *push.Client
	draw   func(n int) int
	relay  func(name string) http.RoundTripper
	hears  func(name string) bool
	find   func(name string) *Router
	end    func(name string)
	slots  *semaphore.Weighted // one for each push

	notices *semaphore.Weighted // one for each notice

	tally  tally            // of all routers
	pushed [3]atomic.Uint64 // pushes, by their push.Verdict

	running context.Context // ends with Close
	stop    context.CancelFunc
	pumps   sync.WaitGroup

	mu      sync.RWMutex // guards routers and started
	routers map[queue.ID]*Router
	started bool
}

// New returns a Set without routers.
func New(opts Options) *Set {
	s := &Set{
		store: opts.Store, queues: opts.Queues, push: opts.Push, draw: opts.Draw, relay: opts.Relay, hears: opts.Listens, find: opts.Find, end: opts.End,
		slots: semaphore.NewWeighted(maxPushes), notices: semaphore.NewWeighted(maxNotices), routers: make(map[queue.ID]*Router),
	}
	s.running, s.stop = context.WithCancel(context.Background())
	return s
}

// Start begins to push, when all routers and subscriptions are known.
func (s *Set) Start() error {
	s.mu.Lock()
	s.started = true
	s.mu.Unlock()
	for _, r := range s.all() {
		for _, sub := range r.table.Load().subscriptions {
			if sub.endpoint == nil {
				continue
			}
			if err := s.store.View(sub.endpoint.load); err != nil {
				return err
			}
		}
		r.pump()
	}
	return nil
}

// Reached has those pushed to who wait for somebody to listen at a connection point.
func (s *Set) Reached(point string) {
	for _, r := range s.all() {
		r.reached(point)
	}
}

// Totals is what all routers have done since the set was made.
type Totals struct {
	Stats
	Pushed, Retried, Refused uint64 // pushes that were taken, that are tried again, and that ended a subscription
}

// Totals returns the figures of the moment.
func (s *Set) Totals() Totals {
	return Totals{s.tally.stats(), s.pushed[push.Delivered].Load(), s.pushed[push.Retry].Load(), s.pushed[push.Gone].Load()}
}

// Close ends all pushes. What they were about is pushed again after the next
// start.
func (s *Set) Close() {
	s.mu.Lock()
	s.started = false // from here on no pump begins
	s.mu.Unlock()
	s.stop()
	s.pumps.Wait()
	s.push.Close()
}

// spawn runs fn as part of the set; false: it is closing, and fn did not run.
func (s *Set) spawn(fn func()) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.started {
		s.pumps.Go(fn)
	}
	return s.started // what is locked meanwhile is void at the next start
}

func (s *Set) all() []*Router {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Collect(maps.Values(s.routers))
}

func (s *Set) isStarted() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.started
}

// pick returns a random number below n.
func (s *Set) pick(n int) int { return rand.IntN(n) }

// Create makes a new router with its queue in an op. It can be used by the ops
// behind it, and is gone if the commit fails.
func (s *Set) Create(tx *store.Tx, name string, p *policy.Router) *Router {
	buffer := p.Own()
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
	buffer := p.Own()
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
	tx.OnCommit(func() {
		s.drop(r)
		r.table.Store(newTable(nil))
		r.pump()
	})
	return nil
}

func (s *Set) drop(r *Router) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.routers, r.buffer.ID())
}
