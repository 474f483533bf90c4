package router

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/queue"
	"github.com/jitney-mq/jitney/store"
)

// maxPushes bounds the pushes of all routers at one time.
const maxPushes = 1000

// A sink is whom a pump gives messages to: an endpoint or a listener.
type sink interface {
	// ready reports whether it takes a message now; if not, at is when to ask
	// again, zero if it will signal the pump.
	ready(now time.Time) (ok bool, at time.Time)
	// prepare reports whether it may be given messages at all; if not, it does
	// what has to be done first and signals the pump.
	prepare(p *pump) bool
	// reserve takes a place for a message; false: there is none.
	reserve(now time.Time) bool
	// push is given a message for which a place was reserved. It does not block.
	push(p *pump, d *queue.Delivery)
}

// A pump moves the messages of one queue on to sinks: those of a subscription
// to its endpoint, those of a router's buffer each to a random one of the sinks
// that have time for it.
type pump struct {
	set    *Set
	queue  *queue.Queue
	policy func() *policy.Router

	mu    sync.Mutex // guards sinks
	sinks []sink

	changed chan struct{} // holds one signal: a sink may be ready
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

// use changes the sinks.
func (p *pump) use(sinks []sink) {
	p.mu.Lock()
	p.sinks = sinks
	p.mu.Unlock()
	for _, to := range sinks {
		to.prepare(p)
	}
	p.signal()
}

// reached tries the endpoints anew that are a connection point.
func (p *pump) reached(point string) {
	p.mu.Lock()
	sinks := p.sinks
	p.mu.Unlock()
	for _, to := range sinks {
		if e, is := to.(*endpoint); is && e.point == point {
			e.reached()
			p.signal()
		}
	}
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

// step waits for a sink and then for a message, and gives it away.
func (p *pump) step() error {
	ready, at := p.ready()
	if len(ready) == 0 {
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

// ready returns the sinks that take a message now, or when one does.
func (p *pump) ready() (list []sink, first time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for _, to := range p.sinks {
		ok, at := to.ready(now)
		if ok && to.prepare(p) {
			list = append(list, to)
		} else if !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return list, first
}

// begin gives a message to a random sink that takes it [S3]. If none does by now
// the message is as if it had not been received.
func (p *pump) begin(d *queue.Delivery) {
	for {
		ready, _ := p.ready()
		if len(ready) == 0 {
			p.settle(queue.Settlement{Lock: d.LockToken, Disposition: queue.Release})
			d.Close()
			return
		}
		if to := ready[p.set.pick(len(ready))]; to.reserve(time.Now()) {
			to.push(p, d)
			return
		}
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
