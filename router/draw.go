package router

import (
	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/queue"
)

// drawOne gives a message to one of the subscribers that are current, each of
// them as likely as any other: a durable one by its own queue, those to whom the
// broker pushes by the buffer, which counts for as many as they are. If nobody is
// current the message waits in the buffer [S3].
func (r *Router) drawOne(t *table, m *message.Message, size int64) ([]queue.Copy, error) {
	var durable []*Subscription
	pushed, waits := r.hears(), false
	for _, s := range t.subscriptions {
		switch {
		case s.pushed() && s.takes() && s.endpoint.current():
			pushed++
		case s.pushed():
			waits = true
		case !matches(s, m):
		case s.takes():
			durable = append(durable, s)
		default:
			waits = true
		}
	}
	switch n := len(durable) + pushed; {
	case n > 0:
		if i := r.set.draw(n); i < len(durable) {
			return durable[i].appendCopies(nil, m), nil
		}
		return r.toBuffer(durable, m, size)
	case waits:
		return r.toBuffer(nil, m, size)
	}
	return nil, nil
}

func matches(s *Subscription, m *message.Message) bool {
	v := s.judge(m)
	return v.matches()
}

// toBuffer is for a message that is to be pushed. Where a full buffer has no
// room for it, one of the durable subscriptions gets it.
func (r *Router) toBuffer(durable []*Subscription, m *message.Message, size int64) ([]queue.Copy, error) {
	if r.buffer.HasRoom(size) {
		return []queue.Copy{{Queue: r.buffer}}, nil
	}
	if len(durable) == 0 {
		return nil, queue.ErrFull
	}
	return durable[r.set.draw(len(durable))].appendCopies(nil, m), nil
}
