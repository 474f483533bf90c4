package queue

import (
	"encoding/binary"
	"time"

	"github.com/jitney-mq/jitney/store"
)

// This file alone moves messages between states.
//
//	 send ──────────────► Active ◄──────── due ──────── Scheduled ◄── send, scheduled
//	                      │    ▲                            ▲
//	              receive │    │ abandon, release,          │ abandon with a delay,
//	                      ▼    │ the lock ends              │ reschedule
//	                     Locked ────────────────────────────┘
//	                      │  │ ▲
//	             complete │  │ │ receive by sequence number
//	                      ▼  │ │ (an abandon defers again)
//	                   gone  └─► Deferred
//
// From Active, Locked and Deferred a message can also be dead-lettered: to the
// dead-letter sub-queue, where the same states hold, or to the name that the
// policy gives. From Active it can be moved on to another name, and into the
// transfer dead-letter sub-queue if that fails.

// enter puts a new entry where e.place says.
func (q *Queue) enter(tx *store.Tx, e *entry) {
	tx.Insert(entriesTable, q.id.keyOf(e), e.encode())
	q.set.recent.put(q.id, e)
	q.arrived(tx, e)
}

// leave removes an entry from the queue, but not its body.
func (q *Queue) leave(tx *store.Tx, e *entry) {
	tx.Delete(entriesTable, q.id.keyOf(e))
	q.set.recent.drop(q.id, e)
	q.departed(tx, e)
}

// move puts e, in which other things may have changed too, to another place;
// from is what it was.
func (q *Queue) move(tx *store.Tx, from, e *entry, to place) {
	e.place = to
	if to.sub != from.sub || to.state.line() != from.state.line() || to.position != from.position {
		q.leave(tx, from)
		q.enter(tx, e)
		return
	}
	tx.Put(entriesTable, q.id.keyOf(e), e.encode())
	q.set.recent.put(q.id, e)
	q.departed(tx, from)
	q.arrived(tx, e)
}

// ready returns the entry at a position of the ready line, nil if there is none.
func (q *Queue) ready(tx *store.Tx, sub SubQueue, position uint64) (*entry, error) {
	if e := q.set.recent.get(q.id, sub, position); e != nil {
		return e, nil
	}
	return q.id.read(&tx.Reader, sub, readyLine, position)
}

// arrived does what follows from an entry's being where it is.
func (q *Queue) arrived(tx *store.Tx, e *entry) {
	q.counts.messages[e.sub][e.state]++
	q.counts.bytes[e.sub] += uint64(e.body.size)
	if e.position != e.seq {
		tx.Put(movedTable, q.id.movedKey(e.seq), movedValue(e.position))
	}
	switch e.state {
	case Active:
		q.lanes[e.sub].add(e.position)
	case Locked:
		q.locks = append(q.locks, lockChange{q.lockKey(e), e.lock.until})
	case Scheduled:
		tx.PutDue(q.scheduleDue(e))
	}
	if e.ages() {
		tx.PutDue(q.expiryDue(e))
	}
}

// departed undoes what arrived did.
func (q *Queue) departed(tx *store.Tx, e *entry) {
	q.counts.messages[e.sub][e.state]--
	q.counts.bytes[e.sub] -= uint64(e.body.size)
	if e.position != e.seq {
		tx.Delete(movedTable, q.id.movedKey(e.seq))
	}
	switch e.state {
	case Active:
		q.lanes[e.sub].remove(e.position)
	case Locked:
		q.locks = append(q.locks, lockChange{lockKey: q.lockKey(e)})
	case Scheduled:
		tx.DeleteDue(q.scheduleDue(e))
	}
	if e.ages() {
		tx.DeleteDue(q.expiryDue(e))
	}
}

// ages reports whether the entry can expire where it is: a locked one is its
// receiver's until the lock ends, and a dead letter has no age.
func (e *entry) ages() bool {
	return !e.expiresAt.IsZero() && e.sub == Main && e.state != Locked
}

func (e *entry) expired(now time.Time) bool {
	return !e.expiresAt.IsZero() && e.sub == Main && !e.expiresAt.After(now)
}

// tail returns a new position, behind all others of the queue [R7].
func (q *Queue) tail() uint64 {
	q.counts.next++
	return q.counts.next
}

func (q *Queue) lockKey(e *entry) lockKey { return lockKey{q.id, e.sub, e.position} }

// give locks e for a receiver: one more delivery has begun.
func (q *Queue) give(tx *store.Tx, e *entry, l lock, volatile flags) {
	from := *e
	e.lock = lock{l.random, l.until.Truncate(time.Microsecond)}
	e.deliveries++
	e.flags = e.flags&^(lockExpired|keepsPosition|isVolatile) | volatile
	if from.state == Deferred {
		e.flags |= wasDeferred
	}
	q.move(tx, &from, e, place{e.sub, Locked, e.position})
}

// giveBack ends e's lock without a settlement: e is ready again at its
// position, hidden for a time, deferred again, expired or, after its last
// delivery, dead-lettered.
func (q *Queue) giveBack(tx *store.Tx, e *entry, delay time.Duration) {
	switch {
	case e.sub == Main && int(e.deliveries+e.unsent) >= q.Policy().MaxDeliveryCount:
		q.bury(tx, e, dead{
			reason:      "MaxDeliveryCountExceeded",
			description: "the message was delivered as often as the queue's policy allows",
		})
	case e.flags&wasDeferred != 0:
		q.deferAgain(tx, e)
	case delay > 0:
		from := *e
		e.dueAt = tx.Now.Add(delay)
		e.flags |= keepsPosition
		q.move(tx, &from, e, place{e.sub, Scheduled, e.position})
	default:
		q.activate(tx, e, e.position) // [R7] a redelivery comes first
	}
}

// deferAgain makes e one that is received by its sequence number only.
func (q *Queue) deferAgain(tx *store.Tx, e *entry) {
	if e.expired(tx.Now) {
		q.expire(tx, e)
		return
	}
	from := *e
	e.flags &^= wasDeferred
	q.move(tx, &from, e, place{e.sub, Deferred, e.position})
}

// activate makes e ready at a position, unless it is too old by now.
func (q *Queue) activate(tx *store.Tx, e *entry, position uint64) {
	if e.expired(tx.Now) {
		q.expire(tx, e)
		return
	}
	from := *e
	e.dueAt = time.Time{}
	e.flags &^= keepsPosition | wasDeferred
	q.move(tx, &from, e, place{e.sub, Active, position})
}

// schedule hides e until an instant; then it goes to the tail, as if it had
// never been delivered.
func (q *Queue) schedule(tx *store.Tx, e *entry, at time.Time) {
	from := *e
	e.dueAt = at
	e.deliveries, e.unsent = 0, 0
	e.flags &^= wasDeferred | keepsPosition
	q.move(tx, &from, e, place{e.sub, Scheduled, e.position})
}

// remove ends a message: nothing of it is left.
func (q *Queue) remove(tx *store.Tx, e *entry) {
	q.leave(tx, e)
	e.dropBody(tx)
	if e.body.chunks > maxDeletes {
		tx.OnCommit(func() { q.set.wake(time.Time{}) })
	}
}

// expire ends a message that is too old, as the policy says.
func (q *Queue) expire(tx *store.Tx, e *entry) {
	q.tally.expired++
	if q.Policy().DeadLetterExpired {
		q.bury(tx, e, dead{reason: "TTLExpiredException", description: "the message was not received within its time to live"})
		return
	}
	q.counts.expired++
	q.remove(tx, e)
}

// bury dead-letters e: to the name that the policy gives, or to the
// dead-letter sub-queue, also if that name takes nothing. One that is dead
// already stays where it is.
func (q *Queue) bury(tx *store.Tx, e *entry, why dead) {
	from := *e
	q.tally.deadLettered++
	why.source = q.name
	e.dead = why
	e.flags = e.flags&^(wasDeferred|keepsPosition) | isDead
	if to := q.Policy().DeadLetterTo; to != "" && e.sub == Main {
		if q.forward(tx, &from, e, to) == nil {
			return
		}
	}
	sub := e.sub
	if sub == Main {
		sub = DeadLetter
	}
	q.move(tx, &from, e, place{sub, Active, e.position})
}

// moved: where a message is whose position differs from its sequence number.

func (q ID) movedKey(seq uint64) []byte {
	return binary.BigEndian.AppendUint64(q.bytes(), seq)
}

func movedValue(position uint64) []byte {
	return binary.BigEndian.AppendUint64(make([]byte, 0, 12), position)
}

// find returns the entry with a sequence number in a sub-queue, nil if there is none.
func (q ID) find(r *store.Reader, sub SubQueue, seq uint64) (*entry, error) {
	position := seq
	v, err := r.Get(movedTable, q.movedKey(seq))
	if err != nil {
		return nil, err
	}
	if len(v) == 8 {
		position = binary.BigEndian.Uint64(v)
	}
	for _, l := range lines {
		e, err := q.read(r, sub, l, position)
		if err != nil {
			return nil, err
		}
		if e != nil && e.seq == seq {
			return e, nil
		}
	}
	return nil, nil
}

// Classes of the store's due index, and what their references are: queue id
// (8), sub-queue (1), sequence number (8).
const (
	dueSchedule byte = 1 + iota // a scheduled message becomes active
	dueExpiry                   // a message becomes too old
)

func (q *Queue) scheduleDue(e *entry) store.Due {
	return store.Due{Class: dueSchedule, At: e.dueAt, Ref: q.id.dueRef(e)}
}

func (q *Queue) expiryDue(e *entry) store.Due {
	return store.Due{Class: dueExpiry, At: e.expiresAt, Ref: q.id.dueRef(e)}
}

func (q ID) dueRef(e *entry) []byte {
	ref := append(q.bytes(), byte(e.sub))
	return binary.BigEndian.AppendUint64(ref, e.seq)
}

func decodeDueRef(ref []byte) (ID, SubQueue, uint64) {
	return ID(binary.BigEndian.Uint64(ref)), SubQueue(ref[8]), binary.BigEndian.Uint64(ref[9:])
}
