package router

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/queue"
)

// Limits of listeners.
const (
	maxListeners   = 20_000  // of a router
	maxOutbox      = 1000    // messages that wait for a listener of a router that sends to all
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
	news   chan struct{} // holds one signal
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
	old := r.listeners.Load()
	if old != nil && len(*old) >= maxListeners {
		return nil, ErrManyListeners
	}
	list := []*Listener{l}
	if old != nil {
		list = append(slices.Clone(*old), l)
	}
	r.listeners.Store(&list)
	r.pumpLocked()
	return l, nil
}

// Close ends the listener. What it was given and has not taken is given back.
func (l *Listener) Close() {
	r := l.router
	r.mu.Lock()
	if old := r.listeners.Load(); old != nil {
		list := slices.DeleteFunc(slices.Clone(*old), func(o *Listener) bool { return o == l })
		r.listeners.Store(&list)
		r.pumpLocked()
	}
	r.mu.Unlock()
	l.mu.Lock()
	left := l.outbox
	l.outbox, l.credit = nil, 0
	l.mu.Unlock()
	for _, h := range left {
		if h.Delivery != nil {
			_, _ = r.buffer.Settle(context.Background(), queue.Settlement{Lock: h.Delivery.LockToken, Disposition: queue.Release})
			h.Delivery.Close()
		}
	}
}

// Credit allows n more messages of a router that sends each to one.
func (l *Listener) Credit(n int) {
	l.mu.Lock()
	l.credit += n
	l.mu.Unlock()
	l.router.signal()
}

// Next returns the next message: queue.ErrGone when the router has gone,
// ErrSlow when messages were missed, and the error of ctx.
func (l *Listener) Next(ctx context.Context) (Heard, error) {
	for {
		if h, ok, err := l.take(); ok || err != nil {
			return h, err
		}
		select {
		case <-l.news:
		case <-l.gone:
			return Heard{}, queue.ErrGone
		case <-ctx.Done():
			return Heard{}, ctx.Err()
		}
	}
}

func (l *Listener) take() (h Heard, ok bool, err error) {
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
	for _, l := range *r.listeners.Load() {
		l.offer(m)
	}
}

// hears reports whether anybody listens.
func (r *Router) hears() int {
	if list := r.listeners.Load(); list != nil {
		return len(*list)
	}
	return 0
}

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
func (l *Listener) push(_ *pump, d *queue.Delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.outbox = append(l.outbox, Heard{Delivery: d})
	l.signal()
}

// sinks returns the listeners as sinks of a router's buffer.
func (r *Router) sinks() []sink {
	if r.Policy().Distribution != policy.ToOne || r.hears() == 0 {
		return nil
	}
	list := make([]sink, 0, r.hears())
	for _, l := range *r.listeners.Load() {
		list = append(list, l)
	}
	return list
}
