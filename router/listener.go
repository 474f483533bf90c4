package router

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/queue"
)

// Limits of listeners.
const (
	maxListeners   = 20_000  // of a router
	maxOutbox      = 10_000  // messages that wait for a listener of a router that sends to all
	maxOutboxBytes = 4 << 20 // of their bodies
)

// Errors of a Listener.
var (
	ErrSlow          = errors.New("the listener does not keep up, and has missed messages")
	ErrManyListeners = errors.New("the router has as many listeners as it may have")
)

// A Listener gets a router's messages for as long as it listens. Of a router
// that sends to all it gets what is sent meanwhile, a copy that is nowhere on
// disk. Of one that sends to one it competes with the endpoints for what waits
// in the buffer, as far as it has credit, and settles what it gets.
type Listener struct {
	router *Router
	gone   <-chan struct{}

	mu     sync.Mutex // guards what follows
	credit int
	outbox []Heard
	bytes  int64
	slow   bool
	closed bool

	news chan struct{} // holds one signal
}

// Heard is a message for a listener. Exactly one of its parts is set.
type Heard struct {
	Live     *Live           // one that nobody settles
	Delivery *queue.Delivery // one that is locked
}

// A Live message is one for all listeners of a router: what one of them makes
// of it, the others can use.
type Live struct {
	message.Received
	once sync.Once
	form any
}

// Form returns what make returned for the first listener that asked.
func (l *Live) Form(make func(*message.Received) any) any {
	l.once.Do(func() { l.form = make(&l.Received) })
	return l.form
}

// Listen adds a listener: ErrManyListeners. Close ends it.
func (r *Router) Listen() (*Listener, error) {
	l := &Listener{router: r, gone: r.buffer.Gone(), news: make(chan struct{}, 1)}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.listeners.add(l) {
		r.pumpLocked()
		return l, nil
	}
	return nil, ErrManyListeners
}

// Close ends the listener. What it was given and has not taken is given back.
func (l *Listener) Close() {
	r := l.router
	r.mu.Lock()
	if r.listeners.remove(l) {
		r.pumpLocked()
	}
	r.mu.Unlock()
	l.mu.Lock()
	left := l.outbox
	l.outbox, l.credit, l.closed = nil, 0, true
	l.mu.Unlock()
	for _, h := range left {
		if h.Delivery != nil {
			l.giveBack(h.Delivery)
		}
	}
}

// giveBack ends a lock as if the message had never been delivered.
func (l *Listener) giveBack(d *queue.Delivery) {
	_, _ = l.router.buffer.Settle(context.Background(), queue.Settlement{Lock: d.LockToken, Disposition: queue.Release})
	d.Close()
}

// listeners are those of a router. Who gives a message to all of them reads a
// list that is made anew only after some have come or gone.
type listeners struct {
	mu    sync.Mutex // guards all
	all   map[*Listener]struct{}
	list  []*Listener // nil: to be made anew
	count atomic.Int64
}

func (s *listeners) add(l *Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) >= maxListeners {
		return false
	}
	if s.all == nil {
		s.all = make(map[*Listener]struct{})
	}
	s.all[l], s.list = struct{}{}, nil
	s.count.Store(int64(len(s.all)))
	return true
}

// remove reports whether l was there.
func (s *listeners) remove(l *Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.all)
	delete(s.all, l)
	s.list = nil
	s.count.Store(int64(len(s.all)))
	return len(s.all) < before
}

// now returns the listeners of the moment. The list is not to be changed.
func (s *listeners) now() []*Listener {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.list == nil && len(s.all) > 0 {
		s.list = slices.Collect(maps.Keys(s.all))
	}
	return s.list
}

// Credit allows n more messages of a router that sends each to one.
func (l *Listener) Credit(n int) {
	l.mu.Lock()
	l.credit += n
	l.mu.Unlock()
	l.router.signal()
}

// News holds a signal when Take may have something to say.
func (l *Listener) News() <-chan struct{} { return l.news }

// Gone is closed when the router has gone.
func (l *Listener) Gone() <-chan struct{} { return l.gone }

// Take returns the next message if there is one; ErrSlow when messages were
// missed behind those that it has returned. It does not block.
func (l *Listener) Take() (h Heard, ok bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.outbox) == 0 {
		if l.slow {
			err = ErrSlow
		}
		return h, false, err
	}
	h = l.outbox[0]
	l.outbox[0] = Heard{}
	if l.outbox = l.outbox[1:]; len(l.outbox) == 0 {
		l.outbox = nil // an idle listener keeps no memory
	}
	if h.Live != nil {
		l.bytes -= int64(len(h.Live.Body))
	}
	return h, true, nil
}

// offer gives the listener a copy; it does not block.
func (l *Listener) offer(m *Live) {
	l.mu.Lock()
	defer l.mu.Unlock()
	size := int64(len(m.Body))
	if l.closed {
		return
	}
	if l.slow || len(l.outbox) >= maxOutbox || l.bytes+size > maxOutboxBytes && len(l.outbox) > 0 {
		l.slow = true
	} else {
		l.outbox, l.bytes = append(l.outbox, Heard{Live: m}), l.bytes+size
	}
	l.signal()
}

func (l *Listener) signal() {
	select {
	case l.news <- struct{}{}:
	default:
	}
}

// tell gives a message to all listeners of a router that sends to all.
func (r *Router) tell(m *Live) {
	for _, l := range r.listeners.now() {
		l.offer(m)
	}
}

// hears returns how many listen.
func (r *Router) hears() int { return int(r.listeners.count.Load()) }

// newLive returns a copy of a message that outlives the transaction.
func newLive(m *message.Message, now time.Time) *Live {
	kept := *m
	kept.Body = slices.Clone(m.Body)
	kept.Properties = m.Properties.Clone()
	return &Live{Received: message.Received{Message: &kept, EnqueuedAt: now, Size: int64(len(kept.Body))}}
}

// A listener is also a sink of the pump of a buffer.

func (l *Listener) ready(time.Time) (bool, time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.credit > 0, time.Time{}
}

func (l *Listener) reserve(time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.credit == 0 {
		return false
	}
	l.credit--
	return true
}

func (l *Listener) prepare(*pump) bool { return true }

// push puts a message into the outbox: the listener settles it.
func (l *Listener) push(p *pump, d *queue.Delivery) {
	if !l.put(Heard{Delivery: d}) {
		p.set.spawn(func() { l.giveBack(d) }) // it was closed meanwhile
	}
}

func (l *Listener) put(h Heard) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.outbox = append(l.outbox, h)
	l.signal()
	return true
}

// sinks returns the listeners as sinks of a router's buffer.
func (r *Router) sinks() []sink {
	if r.Policy().Distribution != policy.ToOne || r.hears() == 0 {
		return nil
	}
	list := make([]sink, 0, r.hears())
	for _, l := range r.listeners.now() {
		list = append(list, l)
	}
	return list
}
