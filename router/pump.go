package router

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/queue"
	"github.com/jitney-mq/jitney/store"
)

// maxPushes bounds the pushes of all routers at one time.
const maxPushes = 1000

// A pump moves the messages of one queue on to endpoints: those of a
// subscription to its own, those of a router's buffer each to a random one of
// the endpoints that have time for it.
type pump struct {
	set    *Set
	queue  *queue.Queue
	policy func() *policy.Router

	mu        sync.Mutex // guards endpoints
	endpoints []*endpoint

	changed chan struct{} // holds one signal: an endpoint may be ready
	ctx     context.Context
	cancel  context.CancelFunc
}

// newPump returns a pump that runs until it is cancelled or its queue is gone.
func (r *Router) newPump(q *queue.Queue) *pump {
	p := &pump{set: r.set, queue: q, policy: r.Policy, changed: make(chan struct{}, 1)}
	p.ctx, p.cancel = context.WithCancel(p.set.running)
	p.set.spawn(func() {
		defer p.cancel()
		p.run()
	})
	return p
}

// use changes the endpoints.
func (p *pump) use(endpoints []*endpoint) {
	p.mu.Lock()
	p.endpoints = endpoints
	p.mu.Unlock()
	p.signal()
	p.consent(endpoints)
}

func (p *pump) signal() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// errPause is how long the pump waits after an error of the queue's.
const errPause = time.Second

func (p *pump) run() {
	for p.ctx.Err() == nil {
		err := p.step()
		switch {
		case errors.Is(err, queue.ErrGone), errors.Is(err, store.ErrClosed), errors.Is(err, store.ErrFailed):
			return
		case errors.Is(err, queue.ErrDisabled):
			p.sleep(time.Time{}) // its policy has to change first
		case err != nil:
			p.sleep(time.Now().Add(errPause))
		}
	}
}

// step waits for an endpoint and then for a message, and begins to push it.
func (p *pump) step() error {
	ready, at := p.ready()
	if p.consent(ready) == len(ready) {
		p.sleep(at)
		return nil
	}
	list, err := p.queue.Receive(p.ctx, queue.ReceiveOptions{
		Wait: queue.MaxWait, LockFor: p.policy().PushTimeout + pushMargin, Volatile: true,
	})
	if err != nil || len(list) == 0 {
		return err
	}
	p.begin(list[0])
	return nil
}

// pushMargin is how much longer a message is locked than a push may take.
const pushMargin = 30 * time.Second

// ready returns the endpoints that have time, or when one has.
func (p *pump) ready() (list []*endpoint, first time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for _, e := range p.endpoints {
		ok, at := e.ready(now)
		if ok {
			list = append(list, e)
		} else if !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return list, first
}

// consent asks those of the endpoints that were not asked before, and returns
// how many these are.
func (p *pump) consent(list []*endpoint) (count int) {
	for _, e := range list {
		if e.isConsented() {
			continue
		}
		if count++; e.reserve(time.Now()) {
			p.set.spawn(func() {
				defer p.signal()
				defer e.free()
				e.askConsent(p.ctx, p.policy().PushTimeout)
			})
		}
	}
	return count
}

// begin pushes a message to a random endpoint that has time. If none has by now
// the message is as if it had not been received.
func (p *pump) begin(d *queue.Delivery) {
	for {
		ready, _ := p.ready()
		ready = slices.DeleteFunc(ready, func(e *endpoint) bool { return !e.isConsented() })
		if len(ready) == 0 {
			p.settle(queue.Settlement{Lock: d.LockToken, Disposition: queue.Release})
			d.Close()
			return
		}
		if e := ready[p.set.pick(len(ready))]; e.reserve(time.Now()) {
			p.set.spawn(func() { p.push(e, d) })
			return
		}
	}
}

// push pushes a message and settles it.
func (p *pump) push(e *endpoint, d *queue.Delivery) {
	defer p.signal()
	defer e.free()
	defer d.Close()
	if err := p.set.slots.Acquire(p.ctx, 1); err != nil {
		p.settle(queue.Settlement{Lock: d.LockToken, Disposition: queue.Release})
		return
	}
	s := e.deliver(p.ctx, p.policy(), p.queue, d)
	p.set.slots.Release(1)
	p.settle(s.Settlement)
	if s.ends {
		p.set.end(e.name)
	}
}

// settle ends a lock. If it cannot, the lock ends by itself.
func (p *pump) settle(s queue.Settlement) {
	_, _ = p.queue.Settle(context.Background(), s)
}

// sleep returns at the instant at, if there is one, or when something changes.
func (p *pump) sleep(at time.Time) {
	var alarm <-chan time.Time
	if !at.IsZero() {
		timer := time.NewTimer(time.Until(at))
		defer timer.Stop()
		alarm = timer.C
	}
	select {
	case <-p.ctx.Done():
	case <-alarm:
	case <-p.changed:
	}
}
