package queue

import (
	"cmp"
	"context"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jitney-mq/jitney/store"
)

// Disposition is what a receiver decides about a message that it has locked.
type Disposition uint8

const (
	Complete     Disposition = iota // it has been processed: remove it
	Abandon                         // it is ready again at its position, after Delay
	Release                         // as Abandon, and as if it had never been delivered
	Defer                           // it is received by its sequence number only
	DeadLetterIt                    // it cannot be processed
	Reschedule                      // it goes to the tail after Delay or at At, as if it were new
	Unsent                          // as Abandon, but nothing was delivered: an attempt, and no delivery
)

// A Settlement is a disposition of the message that a lock holds.
type Settlement struct {
	Lock        string // the token, in any spelling of a GUID
	Disposition Disposition
	Delay       time.Duration // of Abandon, Unsent and Reschedule
	At          time.Time     // of Reschedule; takes precedence over Delay
	Reason      string        // of DeadLetterIt; at most 4,096 bytes are kept
	Description string        // of DeadLetterIt; at most 4,096 bytes are kept
}

// reasonUnstated is the reason of a dead letter whose receiver gave none [R8].
const reasonUnstated = "DeadLetteredByReceiver"

// maxDeadText bounds what is kept of a dead letter's reason and of its description, in bytes.
const maxDeadText = 4096

// Settle settles messages in one commit and returns a result for each: nil or
// a *LockError, after which nothing has changed about that one. The second
// result is an error of the whole, and then nothing is settled. When Settle
// has returned, what it says is on disk; if ctx ends before, nothing was
// settled.
func (q *Queue) Settle(ctx context.Context, settlements ...Settlement) ([]error, error) {
	results := make([]error, len(settlements))
	err := q.update(ctx, func(tx *store.Tx) error {
		for i := range settlements {
			results[i] = q.settle(tx, &settlements[i])
		}
		return nil
	})
	return results, err
}

func (q *Queue) settle(tx *store.Tx, s *Settlement) error {
	e, err := q.locked(tx, s.Lock)
	if err != nil {
		return err
	}
	switch s.Disposition {
	case Complete:
		q.tally.completed++
		q.remove(tx, e)
	case Abandon:
		q.tally.abandoned++
		q.giveBack(tx, e, s.Delay)
	case Release:
		q.release(tx, e)
	case Unsent:
		e.deliveries--
		e.unsent++
		q.giveBack(tx, e, s.Delay)
	case Defer:
		q.deferAgain(tx, e)
	case DeadLetterIt:
		q.bury(tx, e, dead{reason: cmp.Or(cut(s.Reason), reasonUnstated), description: cut(s.Description)})
	case Reschedule:
		at := s.At
		if at.IsZero() {
			at = tx.Now.Add(s.Delay)
		}
		q.reschedule(tx, e, at.Truncate(time.Microsecond))
	}
	return nil
}

// release ends a lock as if it had never been given.
func (q *Queue) release(tx *store.Tx, e *entry) {
	e.deliveries--
	if e.flags&wasDeferred != 0 {
		q.deferAgain(tx, e)
		return
	}
	q.activate(tx, e, e.position)
}

// reschedule sends e to the tail, now or later.
func (q *Queue) reschedule(tx *store.Tx, e *entry, at time.Time) {
	if at.After(tx.Now) {
		q.schedule(tx, e, at)
		return
	}
	e.deliveries, e.unsent = 0, 0
	q.activate(tx, e, q.tail())
}

// locked returns the entry that a token locks at this instant, or a *LockError [R4].
func (q *Queue) locked(tx *store.Tx, token string) (*entry, error) {
	id, err := uuid.Parse(token)
	if err != nil {
		return nil, &LockError{Unknown}
	}
	sub, position, random := q.set.tokens.open(id)
	if sub >= subQueues || position > q.counts.next {
		return nil, &LockError{Unknown}
	}
	e, err := q.ready(tx, sub, position)
	if err != nil {
		return nil, &LockError{Unknown} // it is damaged
	}
	if e == nil || e.state != Locked || e.lock.random != random {
		return nil, &LockError{q.whyLost(tx, sub, position, random)}
	}
	if !e.lock.until.After(tx.Now) {
		return nil, &LockError{Expired}
	}
	return e, nil
}

// whyLost says what became of a lock. A message that is not at its position
// any more has been settled, for a lock that ends by itself leaves it there.
func (q *Queue) whyLost(tx *store.Tx, sub SubQueue, position, random uint64) Reason {
	ranOut := func(sub SubQueue, l line) bool {
		e, err := q.id.read(&tx.Reader, sub, l, position)
		return err == nil && e != nil && (e.lock.random != random || e.flags&lockExpired != 0)
	}
	for _, l := range lines {
		if ranOut(sub, l) {
			return Expired
		}
	}
	if ranOut(DeadLetter, readyLine) { // after the last delivery
		return Expired
	}
	return Settled
}

// Renew makes a lock last for a time from now on, and returns until when.
// The error is a *LockError or as of Settle.
func (q *Queue) Renew(ctx context.Context, token string, lockFor time.Duration) (time.Time, error) {
	if lockFor <= 0 {
		lockFor = q.Policy().LockDuration
	}
	var until time.Time
	err := q.update(ctx, func(tx *store.Tx) error {
		e, err := q.locked(tx, token)
		if err != nil {
			return err
		}
		from := *e
		until = tx.Now.Add(lockFor).Truncate(time.Microsecond)
		e.lock.until = until
		q.move(tx, &from, e, e.place)
		return nil
	})
	return until, err
}

// Cancel removes the message with a sequence number: a scheduled one, or any
// that is not locked. ErrNoMessage, ErrLocked.
func (q *Queue) Cancel(ctx context.Context, sub SubQueue, seq uint64) error {
	return q.update(ctx, func(tx *store.Tx) error {
		e, err := q.id.find(&tx.Reader, sub, seq)
		switch {
		case err != nil:
			return err
		case e == nil:
			return ErrNoMessage
		case e.state == Locked && e.lock.until.After(tx.Now):
			return ErrLocked
		}
		q.remove(tx, e)
		return nil
	})
}

// cut shortens s to maxDeadText bytes without splitting a character.
func cut(s string) string {
	if len(s) <= maxDeadText {
		return s
	}
	end := maxDeadText
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}
