package queue_test

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/queue"
	"github.com/jitney-mq/jitney/store"
)

// The calls of the model, each as its namesake in package queue.

func (s *modelSender) bytes() (n int64) {
	for _, e := range s.messages {
		n += e.size
	}
	return n
}

func (m *model) send(q *modelQueue, s *modelSender) {
	for _, e := range s.messages {
		if e.size > q.policy.MaxMessageBytes() {
			m.answer(&s.answer, queue.ErrTooLarge)
			return
		}
	}
	p := &q.policy
	if p.MaxLength > 0 && int64(len(s.messages)) > p.MaxLength || p.MaxBytes() > 0 && s.bytes() > p.MaxBytes() {
		m.answer(&s.answer, queue.ErrTooLarge)
		return
	}
	m.offer(q, s)
}

// wait is Wait, for a sender whose message is not here yet.
func (m *model) wait(q *modelQueue, s *modelSender) {
	if !q.full {
		m.answer(&s.answer, nil)
		return
	}
	m.offer(q, s)
}

func (m *model) offer(q *modelQueue, s *modelSender) {
	err := m.update(q, func() error {
		if err := q.takes(); err != nil {
			return err
		}
		if len(q.senders) == 0 && q.fits(s) {
			m.place(q, s)
		} else {
			q.senders = append(q.senders, s)
		}
		return nil
	})
	if err != nil {
		m.answer(&s.answer, err)
	}
	s.until = m.clock.Add(q.policy.EnqueueTimeout)
}

func (q *modelQueue) fits(s *modelSender) bool { return q.hasRoom(max(1, len(s.messages)), s.bytes()) }

// admit lets in who is held, in the order of arrival.
func (m *model) admit(q *modelQueue) {
	for len(q.senders) > 0 && q.fits(q.senders[0]) && q.takes() == nil {
		s := q.senders[0]
		q.senders = q.senders[1:]
		m.place(q, s)
	}
}

func (m *model) place(q *modelQueue, s *modelSender) {
	for _, e := range s.messages {
		e.seq = q.tail()
		e.position, e.sub, e.state, e.sentAt = e.seq, queue.Main, active, m.now()
		visibleAt := m.now()
		if e.visibleAt.After(m.now()) {
			visibleAt, e.state, e.dueAt = e.visibleAt, scheduled, e.visibleAt
		}
		e.expiresAt = q.expiry(visibleAt, e.timeToLive)
		s.numbers = append(s.numbers, e.seq)
		q.add(e)
	}
	m.totals.Sent += uint64(len(s.messages))
	m.answer(&s.answer, nil)
}

func (q *modelQueue) drop(s *modelSender) {
	q.senders = slices.DeleteFunc(q.senders, func(o *modelSender) bool { return o == s })
}

// overflow does what the policy says when EnqueueTimeout is over.
func (m *model) overflow(q *modelQueue, s *modelSender) {
	q.drop(s)
	switch q.policy.Overflow {
	case policy.DiscardIncoming:
		n := uint64(max(1, len(s.messages)))
		s.outcome = queue.Discarded
		err := m.update(q, func() error { q.discarded += n; m.totals.Discarded += n; return nil })
		m.answer(&s.answer, err)
	case policy.DiscardExisting:
		err := error(nil)
		if len(s.messages) > 0 {
			err = m.update(q, func() error { return m.displace(q, s) })
		}
		m.answer(&s.answer, err)
	default:
		m.answer(&s.answer, queue.ErrFull)
		m.sweep(q)
	}
}

// displace drops the oldest active messages that are in the way, all or none.
func (m *model) displace(q *modelQueue, s *modelSender) error {
	if err := q.takes(); err != nil {
		return err
	}
	before := slices.Clone(q.messages)
	n := uint64(0)
	for ; !q.fits(s); n++ {
		e := q.first(queue.Main)
		if e == nil {
			q.messages = before
			for _, e := range before {
				e.queue = q
			}
			return queue.ErrFull
		}
		q.remove(e)
	}
	q.discarded += n
	m.totals.Discarded += n
	m.place(q, s)
	return nil
}

func (m *model) receive(q *modelQueue, r *modelReceiver) {
	if r.LockFor == 0 {
		r.LockFor = q.policy.LockDuration
	}
	r.Count = max(1, r.Count)
	err := m.update(q, func() error {
		if err := q.gives(); err != nil {
			return err
		}
		q.receivers[r.Sub] = append(q.receivers[r.Sub], r)
		return nil
	})
	r.until = m.clock.Add(r.Wait)
	switch {
	case err != nil:
		m.answer(&r.answer, err)
	case !r.done && r.Wait == 0:
		m.leave(q, r, nil)
	}
}

// leave takes r off the line.
func (m *model) leave(q *modelQueue, r *modelReceiver, err error) {
	q.receivers[r.Sub] = slices.DeleteFunc(q.receivers[r.Sub], func(o *modelReceiver) bool { return o == r })
	m.answer(&r.answer, err)
}

// match serves who waits, in the order of arrival.
func (m *model) match(q *modelQueue, sub queue.SubQueue) {
	if sub == queue.Main && q.policy.ForwardTo != "" {
		m.forwardAll(q)
		return
	}
	if q.gives() != nil {
		return
	}
	for len(q.receivers[sub]) > 0 && q.first(sub) != nil {
		r := q.receivers[sub][0]
		if m.serve(q, r); len(r.taken) == 0 {
			return
		}
		q.receivers[sub] = q.receivers[sub][1:]
		m.answer(&r.answer, nil)
	}
}

func (m *model) serve(q *modelQueue, r *modelReceiver) {
	for len(r.taken) < r.Count && q.mayLock(r) {
		e := q.first(r.Sub)
		switch {
		case e == nil:
			return
		case e.tooOld(m.now()):
			m.expire(q, e)
		case r.Mode == queue.ReceiveAndDelete:
			m.countDelivery(e)
			e.deliveries++
			r.taken = append(r.taken, e.see())
			q.remove(e)
		default:
			r.taken = append(r.taken, m.give(q, e, r.LockFor))
		}
	}
}

func (q *modelQueue) mayLock(r *modelReceiver) bool {
	limit := q.policy.MaxLocked
	return r.Mode == queue.ReceiveAndDelete || r.Sub != queue.Main || limit == 0 || len(q.in(queue.Main, locked)) < limit
}

// lockOne is Lock.
func (m *model) lockOne(q *modelQueue, sub queue.SubQueue, seq uint64, lockFor time.Duration) (s sighting, err error) {
	if lockFor == 0 {
		lockFor = q.policy.LockDuration
	}
	err = m.update(q, func() error {
		e := q.find(sub, seq)
		switch {
		case q.gives() != nil:
			return q.gives()
		case e == nil || e.state == scheduled || e.state != locked && e.tooOld(m.now()):
			return queue.ErrNoMessage
		case e.state == locked:
			return queue.ErrLocked
		}
		s = m.give(q, e, lockFor)
		return nil
	})
	return s, err
}

func (m *model) cancel(q *modelQueue, sub queue.SubQueue, seq uint64) error {
	return m.update(q, func() error {
		e := q.find(sub, seq)
		switch {
		case e == nil:
			return queue.ErrNoMessage
		case e.state == locked:
			return queue.ErrLocked
		}
		q.remove(e)
		return nil
	})
}

// inForce reports whether l locks a message of q at this instant [R4].
func (m *model) inForce(q *modelQueue, l *modelLock) bool {
	return l != nil && l.queue == q && l.over == "" && l.until.After(m.now())
}

// settle returns whether the lock held.
func (m *model) settle(q *modelQueue, l *modelLock, s queue.Settlement) bool {
	if !m.inForce(q, l) {
		return false
	}
	e := l.message
	l.over = queue.Settled
	switch s.Disposition {
	case queue.Complete:
		m.totals.Completed++
		q.remove(e)
	case queue.Abandon:
		m.totals.Abandoned++
		m.giveBack(q, e, s.Delay)
	case queue.Release:
		e.deliveries--
		if e.wasDeferred {
			m.deferAgain(q, e)
		} else {
			m.activate(q, e, e.position)
		}
	case queue.Defer:
		m.deferAgain(q, e)
	case queue.DeadLetterIt:
		m.bury(q, e, s.Reason, s.Description)
	case queue.Reschedule:
		m.reschedule(q, e, s)
	}
	return true
}

func (m *model) reschedule(q *modelQueue, e *modelMessage, s queue.Settlement) {
	at := s.At
	if at.IsZero() {
		at = m.now().Add(s.Delay)
	}
	e.deliveries = 0
	if !at.After(m.now()) {
		m.activate(q, e, q.tail())
		return
	}
	e.dueAt, e.state = at, scheduled
	e.wasDeferred, e.keepsPosition = false, false
}

// reasons returns what may be said of a lock that is lost. What is known of it
// goes with the message: once that has moved on or was delivered again, the
// queue cannot tell a lock that ended by itself from one that was settled.
func (m *model) reasons(q *modelQueue, l *modelLock) []queue.Reason {
	e := l.message
	if l.queue != q {
		return []queue.Reason{queue.Unknown, queue.Expired, queue.Settled}
	}
	stayed := e.queue == q && e.lock == l && e.position == l.position &&
		(e.sub == l.sub || e.sub == queue.DeadLetter && e.state == active)
	if stayed {
		return []queue.Reason{l.over}
	}
	return []queue.Reason{queue.Expired, queue.Settled}
}

func (m *model) redrive(q *modelQueue, sub queue.SubQueue, to *modelQueue, count int) (moved int, err error) {
	last := q.next
	for count == 0 || moved < count {
		n, step := 0, 100
		if count > 0 {
			step = min(step, count-moved)
		}
		err := m.update(q, func() error {
			if err := m.join(to); err != nil {
				return err
			}
			for ; n < step; n++ {
				e := q.first(sub)
				if e == nil || e.position > last {
					return nil
				}
				if err := m.accepts(to, e); err != nil {
					if n > 0 {
						return nil
					}
					return err
				}
				m.revive(q, e, to)
			}
			return nil
		})
		moved += n
		if err != nil || n == 0 {
			return moved, err
		}
	}
	return moved, nil
}

func (m *model) revive(q *modelQueue, e *modelMessage, to *modelQueue) {
	m.totals.Redriven++
	e.deliveries, e.lock, e.hops = 0, nil, 0
	e.dead, e.reason, e.description, e.source = false, "", "", ""
	e.expiresAt = to.expiry(m.now(), e.timeToLive)
	if to != q {
		m.transfer(q, e, to)
		return
	}
	e.position, e.sub, e.state = q.tail(), queue.Main, active
}

// stop answers everybody who waits, as a set that is closed.
func (m *model) stop() {
	for _, q := range m.queues {
		for _, s := range q.senders {
			m.answer(&s.answer, queue.ErrOverloaded)
		}
		for _, list := range q.receivers {
			for _, r := range list {
				m.answer(&r.answer, store.ErrClosed)
			}
		}
		q.senders, q.receivers, q.full = nil, [3][]*modelReceiver{}, false
	}
	m.totals = queue.Totals{}
}

// start is what a set does that is opened: queues that move everything on look
// whether there is something left to move.
func (m *model) start() {
	var movers []*modelQueue
	for _, q := range m.queues {
		if q.policy.ForwardTo != "" {
			movers = append(movers, q)
		}
	}
	slices.SortFunc(movers, func(a, b *modelQueue) int { return cmp.Compare(a.id, b.id) })
	m.sweep(movers...)
}

// abandonSender and abandonReceiver are what a context does that ends.
func (m *model) abandonSender(q *modelQueue, s *modelSender) {
	q.drop(s)
	m.answer(&s.answer, context.Canceled)
	m.sweep(q)
}

func (m *model) abandonReceiver(q *modelQueue, r *modelReceiver) { m.leave(q, r, context.Canceled) }

// advance has everything happen up to an instant.
func (m *model) advance(to time.Time) {
	for {
		at, then := m.nextEvent()
		if then == nil || at.After(to) {
			break
		}
		m.clock = later(m.clock, at)
		then()
	}
	m.clock = to
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// nextEvent returns what happens next by itself, and when.
func (m *model) nextEvent() (next time.Time, then func()) {
	note := func(at time.Time, fn func()) {
		if !at.IsZero() && (then == nil || at.Before(next)) {
			next, then = at, fn
		}
	}
	for _, q := range m.queues {
		for _, e := range q.messages {
			note(e.scheduleDue(), func() { m.sweep() })
			note(e.expiryDue(), func() { m.sweep() })
			note(e.lockDue(), func() { m.sweep() })
		}
		for _, s := range q.senders {
			note(s.until, func() { m.overflow(q, s) })
		}
		for _, list := range q.receivers {
			for _, r := range list {
				note(r.until, func() { m.leave(q, r, nil) })
			}
		}
	}
	return next, then
}
