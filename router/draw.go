package router

import (
	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/queue"
)

// A choice is what the rules of a table say of a message. It is made where it
// delays nobody else.
type choice struct {
	copies  []queue.Copy // of a router that sends to all
	durable []wanting    // of one that sends to one: those with a queue of their own
	failed  []queue.Copy // for the first whose rules failed, if nobody else gets the message
}

// wanting is a subscription that wants a message, and what it gets of it.
type wanting struct {
	*Subscription
	copies []queue.Copy
}

func (t *table) choose(d policy.Distribution, m *message.Message) (c choice) {
	if d == policy.ToAll {
		c.copies = t.all(m)
		return c
	}
	for _, s := range t.subscriptions {
		if s.pushed() {
			continue
		}
		copies := s.appendCopies(nil, m)
		switch {
		case len(copies) > 0 && copies[0].Err == nil:
			c.durable = append(c.durable, wanting{s, copies})
		case c.failed == nil:
			c.failed = copies
		}
	}
	return c
}

// drawOne gives a message to one of the subscribers that are current, each of
// them as likely as any other: a durable one by its own queue, those to whom the
// broker pushes by the buffer, which counts for as many as they are. If nobody is
// current, but there are endpoints, the message waits in the buffer [S3].
func (r *Router) drawOne(t *table, c *choice, size int64) ([]queue.Copy, error) {
	durable := make([]wanting, 0, len(c.durable))
	disabled := false
	for _, s := range c.durable {
		if !s.takes() {
			disabled = true
		} else if !s.Queue.IsDeleted() {
			durable = append(durable, s)
		}
	}
	pushed, waits := r.hears(), false
	for _, s := range t.subscriptions {
		if s.pushed() && s.takes() && s.endpoint.current() {
			pushed++
		} else if s.pushed() {
			waits = true
		}
	}
	switch n := len(durable) + pushed; {
	case n > 0:
		if i := r.set.draw(n); i < len(durable) {
			return durable[i].copies, nil
		}
		return r.toBuffer(durable, size)
	case waits:
		return r.toBuffer(nil, size)
	case disabled:
		return nil, queue.ErrDisabled
	}
	return c.failed, nil
}

// toBuffer is for a message that is to be pushed. Where a full buffer has no
// room for it, one of the durable subscriptions gets it.
func (r *Router) toBuffer(durable []wanting, size int64) ([]queue.Copy, error) {
	if r.buffer.HasRoom(size) {
		return []queue.Copy{{Queue: r.buffer}}, nil
	}
	if len(durable) == 0 {
		return nil, queue.ErrFull
	}
	return durable[r.set.draw(len(durable))].copies, nil
}
