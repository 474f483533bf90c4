package queue_test

import (
	"slices"
	"time"

	"github.com/jitney-mq/jitney/queue"
)

// What becomes of a message in the model.

func (e *modelMessage) ages() bool {
	return !e.expiresAt.IsZero() && e.sub == queue.Main && e.state != locked
}

func (e *modelMessage) tooOld(now time.Time) bool {
	return !e.expiresAt.IsZero() && e.sub == queue.Main && !e.expiresAt.After(now)
}

func (q *modelQueue) add(e *modelMessage) {
	e.queue = q
	q.messages = append(q.messages, e)
}

func (q *modelQueue) remove(e *modelMessage) {
	q.messages = slices.DeleteFunc(q.messages, func(o *modelMessage) bool { return o == e })
	e.queue = nil
}

// give locks e: one more delivery has begun [R1].
func (m *model) give(q *modelQueue, e *modelMessage, lockFor time.Duration) sighting {
	m.countDelivery(e)
	e.deliveries++
	e.wasDeferred = e.wasDeferred || e.state == deferred
	e.keepsPosition = false
	e.state = locked
	e.lock = &modelLock{queue: q, message: e, sub: e.sub, position: e.position, until: m.now().Add(lockFor)}
	s := e.see()
	s.lock = e.lock
	return s
}

func (m *model) countDelivery(e *modelMessage) {
	m.totals.Received++
	if e.deliveries > 0 {
		m.totals.Redelivered++
	}
}

// giveBack ends a delivery that was not settled [R7] [R8].
func (m *model) giveBack(q *modelQueue, e *modelMessage, delay time.Duration) {
	switch {
	case e.sub == queue.Main && e.deliveries >= q.policy.MaxDeliveryCount:
		m.bury(q, e, "MaxDeliveryCountExceeded", "")
	case e.wasDeferred:
		m.deferAgain(q, e)
	case delay > 0:
		e.dueAt = m.now().Add(delay)
		e.keepsPosition = true
		e.state = scheduled
	default:
		m.activate(q, e, e.position)
	}
}

func (m *model) deferAgain(q *modelQueue, e *modelMessage) {
	if e.tooOld(m.now()) {
		m.expire(q, e)
		return
	}
	e.wasDeferred = false
	e.state = deferred
}

func (m *model) activate(q *modelQueue, e *modelMessage, position uint64) {
	if e.tooOld(m.now()) {
		m.expire(q, e)
		return
	}
	e.keepsPosition, e.wasDeferred = false, false
	e.state, e.position = active, position
}

func (m *model) expire(q *modelQueue, e *modelMessage) {
	m.totals.Expired++
	if q.policy.DeadLetterExpired {
		m.bury(q, e, "TTLExpiredException", "")
		return
	}
	q.expired++
	q.remove(e)
}

// bury dead-letters e [R8].
func (m *model) bury(q *modelQueue, e *modelMessage, reason, description string) {
	m.totals.DeadLettered++
	e.dead, e.reason, e.description, e.source = true, reason, description, q.name
	e.wasDeferred, e.keepsPosition = false, false
	if to := q.policy.DeadLetterTo; to != "" && e.sub == queue.Main && m.forward(q, e, to) {
		return
	}
	if e.sub == queue.Main {
		e.sub = queue.DeadLetter
	}
	e.state = active
}

// forward moves e to another queue's tail; false: that takes it not.
func (m *model) forward(q *modelQueue, e *modelMessage, to string) bool {
	target := m.queues[to]
	if e.hops >= 32 || m.accepts(target, e) != nil {
		return false
	}
	m.totals.Forwarded++
	e.hops++
	e.deliveries, e.lock, e.wasDeferred, e.keepsPosition = 0, nil, false, false
	own, limit := e.expiresAt, target.expiry(m.now(), 0)
	if e.dead || own.IsZero() || !limit.IsZero() && !own.Before(limit) {
		own = limit
	}
	e.expiresAt = own
	m.transfer(q, e, target)
	return true
}

func (m *model) transfer(q *modelQueue, e *modelMessage, to *modelQueue) {
	q.remove(e)
	e.seq = to.tail()
	e.position, e.sub, e.state, e.sentAt = e.seq, queue.Main, active, m.now()
	to.add(e)
}

func (m *model) accepts(q *modelQueue, e *modelMessage) error {
	if err := m.join(q); err != nil {
		return err
	}
	switch {
	case q.takes() != nil:
		return q.takes()
	case e.size > q.policy.MaxMessageBytes():
		return queue.ErrTooLarge
	case !q.hasRoom(1, e.size):
		return queue.ErrFull
	}
	return nil
}

// forwardAll moves on what is ready [S5].
func (m *model) forwardAll(q *modelQueue) {
	for e := q.first(queue.Main); e != nil; e = q.first(queue.Main) {
		if e.tooOld(m.now()) {
			m.expire(q, e)
			continue
		}
		if !m.forward(q, e, q.policy.ForwardTo) {
			m.totals.DeadLettered++
			e.dead, e.reason, e.description, e.source = true, "TransferFailed", "", q.name
			e.sub = queue.Transfer
		}
	}
}

// sweep does what is due at this instant, in steps as the real one does;
// others take part in the first of them.
func (m *model) sweep(others ...*modelQueue) {
	const step = 64
	for more := true; more; others = nil {
		m.commit(func() error {
			for _, q := range others {
				m.join(q)
			}
			due := m.due(func(e *modelMessage) time.Time { return e.scheduleDue() })
			more = len(due) >= step
			for _, e := range due[:min(step, len(due))] {
				m.fallDue(e)
			}
			old := m.due(func(e *modelMessage) time.Time { return e.expiryDue() })
			more = more || len(old) >= step
			for _, e := range old[:min(step, len(old))] {
				m.join(e.queue)
				m.expire(e.queue, e)
			}
			ended := m.ended()
			more = more || len(ended) >= step
			for _, e := range ended[:min(step, len(ended))] {
				m.join(e.queue)
				e.lock.over = queue.Expired
				m.giveBack(e.queue, e, 0)
			}
			return nil
		})
	}
}

func (m *model) fallDue(e *modelMessage) {
	m.join(e.queue)
	if e.keepsPosition {
		m.activate(e.queue, e, e.position)
		return
	}
	e.sentAt = m.now()
	m.activate(e.queue, e, e.queue.tail())
}

func (e *modelMessage) scheduleDue() time.Time {
	if e.state == scheduled {
		return e.dueAt
	}
	return time.Time{}
}

func (e *modelMessage) expiryDue() time.Time {
	if e.ages() {
		return e.expiresAt
	}
	return time.Time{}
}

func (e *modelMessage) lockDue() time.Time {
	if e.state == locked {
		return e.lock.until
	}
	return time.Time{}
}

// due returns the messages to which something happens by now, in the order of
// the instants, the queues and the sequence numbers.
func (m *model) due(when func(*modelMessage) time.Time) (list []*modelMessage) {
	for _, q := range m.queues {
		for _, e := range q.messages {
			if at := when(e); !at.IsZero() && !at.After(m.now()) {
				list = append(list, e)
			}
		}
	}
	slices.SortFunc(list, func(a, b *modelMessage) int {
		return compare(
			when(a).Compare(when(b)), int(a.queue.id)-int(b.queue.id), int(a.sub)-int(b.sub), int(a.seq)-int(b.seq))
	})
	return list
}

// ended returns the messages whose lock has run out, in the order of the
// queues and the positions.
func (m *model) ended() []*modelMessage {
	list := m.due(func(e *modelMessage) time.Time { return e.lockDue() })
	slices.SortFunc(list, func(a, b *modelMessage) int {
		return compare(int(a.queue.id)-int(b.queue.id), int(a.sub)-int(b.sub), int(a.position)-int(b.position))
	})
	return list
}

func compare(signs ...int) int {
	for _, s := range signs {
		if s != 0 {
			return s
		}
	}
	return 0
}
