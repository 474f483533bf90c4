package router

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/push"
	"github.com/jitney-mq/jitney/queue"
)

// An endpoint is where the messages of a subscription are pushed to, and how it
// has behaved.
type endpoint struct {
	set   *Set
	id    queue.ID // of the subscription
	to    push.Endpoint
	point string // the connection point that it is, empty: none
	limit int    // pushes at one time
	name  string // of the subscription

	mu       sync.Mutex // guards what follows
	inFlight int
	health   health
}

// newEndpoint returns the endpoint of a subscription, nil if it has none:
// *problem.Field. What is said of pushes has to be right in any case.
func newEndpoint(name string, p *policy.Subscription) (*endpoint, error) {
	e := &endpoint{name: name, limit: p.MaxInFlight}
	for _, h := range p.Headers {
		e.to.Header = append(e.to.Header, push.Header{Name: h.Name, Value: h.Value})
	}
	err := push.CheckHeaders(e.to.Header)
	if err == nil && p.Secret != "" {
		e.to.Secret, err = push.ParseSecret(p.Secret)
	}
	if err == nil && p.EndTo != "" {
		_, err = push.CheckURL(p.EndTo)
	}
	if err != nil || p.PushTo == "" {
		return nil, err
	}
	if strings.HasPrefix(p.PushTo, "/") {
		e.point, e.to.URL = p.PushTo, pointURL(p.PushTo)
		return e, nil
	}
	u, err := push.CheckURL(p.PushTo)
	if err != nil {
		return nil, err
	}
	e.to.URL = u.String()
	return e, nil
}

// pointURL is how a connection point is called as an endpoint. Only the path counts.
func pointURL(name string) string {
	return (&url.URL{Scheme: "http", Host: "connection-point", Path: name}).String()
}

// target is the endpoint as a push needs it: a connection point is reached through
// the relay [L4].
func (e *endpoint) target() push.Endpoint {
	to := e.to
	if e.point != "" {
		to.Through = e.set.relay(e.point)
	}
	return to
}

// ordered reports whether messages are pushed in their order: one at a time,
// and the next one only when this one is through.
func (e *endpoint) ordered() bool { return e.limit == 1 }

// ready reports whether a message can be pushed now; if not, at is when to ask
// again, zero if a push that ends will tell.
func (e *endpoint) ready(now time.Time) (ok bool, at time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.isReady(now)
}

func (e *endpoint) isReady(now time.Time) (ok bool, at time.Time) {
	if !e.hears() {
		return false, time.Time{} // reached will tell
	}
	if e.health.pausedUntil.After(now) {
		return false, e.health.pausedUntil
	}
	limit := e.limit
	if e.health.isOpen() || !e.health.consented {
		limit = 1 // it is tried with one
	}
	return e.inFlight < limit, time.Time{}
}

// current reports whether the endpoint counts in the draw of a router that
// sends each message to one [S3].
func (e *endpoint) current() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return !e.health.isOpen() && e.hears()
}

// hears reports whether a push would be heard: at a connection point somebody has to
// listen [L4].
func (e *endpoint) hears() bool { return e.point == "" || e.set.hears(e.point) }

// reached makes up for what went wrong while nobody listened.
func (e *endpoint) reached() {
	e.mu.Lock()
	failed := e.health.failures > 0
	e.mu.Unlock()
	if failed {
		e.change(func(h *health) { h.failures, h.pausedUntil = 0, time.Time{} })
	}
}

// reserve takes one of the places for a push; false: there is none.
func (e *endpoint) reserve(now time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	ok, _ := e.isReady(now)
	if ok {
		e.inFlight++
	}
	return ok
}

func (e *endpoint) free() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.inFlight--
}

// prepare asks the endpoint for its consent, if it has not given it yet [S8].
func (e *endpoint) prepare(p *pump) bool {
	e.mu.Lock()
	consented := e.health.consented
	e.mu.Unlock()
	if consented || !e.reserve(time.Now()) {
		return consented
	}
	p.set.spawn(func() {
		defer p.signal()
		defer e.free()
		e.askConsent(p.ctx, p.policy().PushTimeout)
	})
	return false
}

func (e *endpoint) askConsent(ctx context.Context, timeout time.Duration) {
	if e.point == "" && e.set.push.NeedsConsent(e.to.URL) {
		asked := e.to
		asked.Timeout = timeout
		if err := e.set.push.Consent(ctx, asked); err != nil {
			if ctx.Err() == nil {
				e.refused(err)
			}
			return
		}
	}
	e.change(func(h *health) { h.consented, h.failures, h.pausedUntil = true, 0, time.Time{} })
}

// push pushes a message and settles it.
func (e *endpoint) push(p *pump, d *queue.Delivery) {
	p.set.spawn(func() {
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
	})
}

// A push that is over: what the endpoint did, and what becomes of the message.
type settlement struct {
	queue.Settlement
	ends bool // the endpoint wants no more messages
}

// deliver pushes a message and says how it is to be settled [S7].
func (e *endpoint) deliver(ctx context.Context, p *policy.Router, q *queue.Queue, d *queue.Delivery) settlement {
	s := settlement{Settlement: queue.Settlement{Lock: d.LockToken}}
	to := e.target()
	to.Timeout = p.PushTimeout
	r := e.set.push.Push(ctx, to, pushID(q.ID(), d), &d.Received, d)
	e.set.pushed[r.Verdict].Add(1)
	switch {
	case r.Verdict == push.Delivered:
		e.succeeded()
		return s // Complete
	case r.Verdict == push.Gone:
		s.Disposition, s.ends = queue.Release, true
		return s
	case errors.Is(r.Err, context.Canceled), errors.Is(r.Err, push.ErrClosed):
		if s.Disposition = queue.Release; r.Sent {
			s.Disposition = queue.Abandon
		}
		return s
	}
	pause := e.failed(r)
	if d.Attempts >= p.PushRetries+1 {
		s.Disposition, s.Reason = queue.DeadLetterIt, reasonUndelivered
		s.Description = fmt.Sprintf("pushed %d times to %s; the last time: %v", d.Attempts, cmp.Or(e.point, e.to.URL), r.Err)
		return s
	}
	if s.Disposition = queue.Unsent; r.Sent {
		s.Disposition = queue.Abandon
	}
	if !e.ordered() {
		s.Delay = max(backoff(d.Attempts), r.RetryAfter)
	} else {
		e.pause(max(pause, r.RetryAfter))
	}
	return s
}

// reasonUndelivered is the reason of a dead letter that was pushed in vain.
const reasonUndelivered = "PushDeliveryFailed"

// pushID names a message to its endpoint, the same at every try.
func pushID(q queue.ID, d *queue.Delivery) string {
	return fmt.Sprintf("%x-%d", uint64(q), d.SequenceNumber)
}

// Bounds of the time until another try.
const (
	minBackoff = time.Second
	maxBackoff = 5 * time.Minute
)

// backoff is a random time up to a limit that doubles with each try: so those
// that failed together do not come again together.
func backoff(tries int) time.Duration {
	limit := minBackoff << min(max(tries-1, 0), 9)
	return rand.N(min(limit, maxBackoff)) + time.Millisecond
}
