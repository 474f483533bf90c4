package queue

import (
	"errors"
	"fmt"
	"time"

	"github.com/jitney-mq/jitney/store"
)

// maxHops bounds the names that a message moves through without a receiver.
const maxHops = 32

// Why a message could not be moved on; the description of its dead letter.
var (
	errHops     = errors.New("it has been moved on through 32 names")
	errUnrouted = errors.New("no subscription of the router takes it")
	errTarget   = fmt.Errorf("the target takes no messages: %w", ErrDisabled)
	errNoRoom   = fmt.Errorf("the target has no room: %w", ErrFull)
	errTooLarge = fmt.Errorf("the target takes no message of this size: %w", ErrTooLarge)
)

// forward moves e, which stands at from, to the tail of the queue that has a
// name, in this same commit. If the target does not take it nothing changes.
func (q *Queue) forward(tx *store.Tx, from, e *entry, to string) error {
	if e.hops >= maxHops {
		return errHops
	}
	target, err := q.set.resolve(to)
	if err != nil {
		return err
	}
	if target.Route != nil {
		err = q.forwardTo(tx, from, e, target.Route)
	} else {
		err = q.forwardInto(tx, from, e, target.Queue)
	}
	if err == nil {
		q.tally.forwarded++
	}
	return err
}

func (q *Queue) forwardInto(tx *store.Tx, from, e *entry, to *Queue) error {
	if err := to.accepts(tx, e); err != nil {
		return err
	}
	moved := e.moved(tx.Now)
	moved.expiresAt = to.expiryOf(tx, e)
	q.transfer(tx, from, &moved, to)
	return nil
}

// moved returns e as it begins in another queue.
func (e *entry) moved(now time.Time) entry {
	m := *e
	m.hops++
	m.deliveries, m.unsent, m.lock = 0, 0, lock{}
	m.flags &= isDead | isShared
	m.state, m.sentAt, m.dueAt = Active, now, time.Time{}
	return m
}

// transfer moves what stands at from to the tail of another queue, as e.
func (q *Queue) transfer(tx *store.Tx, from, e *entry, to *Queue) {
	q.leave(tx, from)
	e.seq = to.tail()
	e.place = place{Main, Active, e.seq}
	e.sentAt, e.dueAt = tx.Now, time.Time{}
	to.enter(tx, e)
}

// accepts reports why the queue does not take a message that is moved to it.
func (q *Queue) accepts(tx *store.Tx, e *entry) error {
	if err := q.join(tx); err != nil {
		return err
	}
	switch {
	case q.takes(tx) != nil:
		return errTarget
	case e.body.size > q.Policy().MaxMessageBytes():
		return errTooLarge
	case !q.hasRoom(1, e.body.size):
		return errNoRoom
	}
	return nil
}

// expiryOf is when a message that is moved here becomes too old. What was
// dead-lettered because of its age would be so again: its own age is over.
func (q *Queue) expiryOf(tx *store.Tx, e *entry) time.Time {
	if e.flags&isDead != 0 {
		return q.expiry(tx.Now, 0)
	}
	own := e.expiresAt
	limit := q.expiry(tx.Now, 0)
	if limit.IsZero() || !own.IsZero() && own.Before(limit) {
		return own
	}
	return limit
}

// forwardAll moves on what is ready; what the target does not take goes to the
// transfer dead-letter sub-queue [S5].
func (q *Queue) forwardAll(tx *store.Tx) {
	for {
		position, ready := q.lanes[Main].first(tx)
		if !ready {
			return
		}
		if tx.Full() {
			q.again = true
			return
		}
		e := q.take(tx, Main, position)
		if e == nil {
			continue
		}
		if e.expired(tx.Now) {
			q.expire(tx, e)
			continue
		}
		from := *e
		if err := q.forward(tx, &from, e, q.Policy().ForwardTo); err != nil {
			e.dead = dead{reason: "TransferFailed", description: err.Error(), source: q.name}
			e.flags |= isDead
			q.tally.deadLettered++
			q.move(tx, &from, e, place{Transfer, Active, e.position})
		}
	}
}
