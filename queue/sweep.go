package queue

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"

	"github.com/jitney-mq/jitney/store"
)

// maxSweep bounds what one commit does of each kind, so that those who send
// and receive in the meantime hardly notice.
const maxSweep = 64

// DueClasses are the classes of the store's due index that Sweep looks after.
var DueClasses = []byte{dueSchedule, dueExpiry}

// Sweep does what is due at this instant: scheduled messages become active,
// old ones expire, locks end, what was deleted is emptied. It returns whether
// there is more to do at once. No promise depends on its being called in time
// but those about waking somebody who waits.
func (s *Set) Sweep(ctx context.Context) (more bool, err error) {
	waiting := s.takeWaiting()
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		more = false
		for _, q := range waiting {
			_ = q.join(tx) // it matches when the commit ends; a deleted one needs nothing
		}
		for _, class := range DueClasses {
			due := tx.DueBy(class, tx.Now, maxSweep)
			more = more || len(due) == maxSweep
			for _, d := range due {
				if err := s.happen(tx, d); err != nil {
					return err
				}
			}
		}
		ended, err := s.endLocks(tx)
		if err != nil {
			return err
		}
		more = more || ended
		emptied, err := s.emptyTrash(tx)
		more = more || emptied
		return err
	})
	if err != nil {
		s.putBackWaiting(waiting)
	}
	return more, err
}

// happen does what a due entry says.
func (s *Set) happen(tx *store.Tx, d store.Due) error {
	id, sub, seq := decodeDueRef(d.Ref)
	q := s.Get(id)
	if q == nil || q.join(tx) != nil {
		tx.DeleteDue(d) // the queue is gone, and its trash does not know the instant
		return nil
	}
	e, err := q.id.find(&tx.Reader, sub, seq)
	var corrupt *store.CorruptError
	if errors.As(err, &corrupt) && corrupt.Table == entriesTable {
		q.putAside(tx, sub, line(corrupt.Key[9]), binary.BigEndian.Uint64(corrupt.Key[10:]))
	}
	if err != nil || e == nil {
		s.log.Error("a due entry has no message", "queue", q.name, "sequence number", seq, "error", err)
		tx.DeleteDue(d)
		return nil
	}
	switch {
	case d.Class == dueExpiry:
		q.expire(tx, e)
	case e.flags&keepsPosition != 0:
		q.activate(tx, e, e.position)
	default:
		e.sentAt = tx.Now
		q.activate(tx, e, q.tail())
	}
	return nil
}

// endLocks ends locks whose time has run out, once a commit, and returns
// whether there are more. The sweeper calls it in time; who receives calls it
// too, so that a message is not missed for the moment that the sweeper takes.
func (s *Set) endLocks(tx *store.Tx) (more bool, err error) {
	if next, ok := s.NextLock(); !ok || next.After(tx.Now) || s.endedIn == tx {
		return false, nil
	}
	s.endedIn = tx
	ended := s.locks.ended(tx.Now, maxSweep)
	for _, k := range ended {
		if err := s.endLock(tx, k); err != nil {
			return false, err
		}
	}
	return len(ended) == maxSweep, nil
}

// endLock ends a lock whose time has run out.
func (s *Set) endLock(tx *store.Tx, k lockKey) error {
	forget := []lockChange{{lockKey: k}}
	q := s.Get(k.queue)
	if q == nil || q.join(tx) != nil {
		tx.OnCommit(func() { s.locks.apply(forget) })
		return nil
	}
	e := q.take(tx, k.sub, k.position)
	if e == nil || e.state != Locked {
		tx.OnCommit(func() { s.locks.apply(forget) })
		return nil
	}
	if e.lock.until.After(tx.Now) && !s.locks.isVoid(k) {
		return nil // it was renewed in this commit
	}
	e.flags |= lockExpired
	q.giveBack(tx, e, 0)
	return nil
}

// A trash key is what it names (1 byte) and an id (8 bytes). Those that a start
// finds unfinished come last.
type trash byte

const (
	trashBody   trash = 'b' // a body whose records are to be deleted
	trashQueue  trash = 'q' // a queue whose entries and bodies are to be deleted
	trashHeld   trash = 'r' // a shared body, and a number: it has left one of its queues and is being read
	trashStaged trash = 's' // a body that is in no queue yet, or has left the last one while it is being read
)

const trashVersion = 1

func (t trash) key(id uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{byte(t)}, id)
}

func trashValue() []byte { return append(make([]byte, 0, 8), trashVersion) }

// unfinished returns the keys of all bodies that are staged or held.
func unfinished(tx *store.Tx) (keys [][]byte) {
	for rec := range tx.Scan(trashTable, []byte{byte(trashHeld)}, []byte{byte(trashStaged) + 1}) {
		keys = append(keys, bytes.Clone(rec.Key))
	}
	return keys
}

// emptyTrash does one step and returns whether there is more.
func (s *Set) emptyTrash(tx *store.Tx) (more bool, err error) {
	for rec := range tx.Scan(trashTable, nil, []byte{byte(trashHeld)}) {
		key := append([]byte(nil), rec.Key...)
		id := binary.BigEndian.Uint64(key[1:])
		var left bool
		if trash(key[0]) == trashBody {
			left = emptyBody(tx, id)
		} else {
			left = s.emptyQueue(tx, ID(id))
		}
		if !left {
			tx.Delete(trashTable, key)
		}
		return true, nil
	}
	return false, nil
}

// emptyBody deletes some records of a body.
func emptyBody(tx *store.Tx, id uint64) (left bool) {
	prefix := binary.BigEndian.AppendUint64(nil, id)
	return deleteRange(tx, bodiesTable, prefix)
}

// deleteRange deletes up to maxSweep records that begin with prefix.
func deleteRange(tx *store.Tx, t store.Table, prefix []byte) (left bool) {
	var keys [][]byte
	for rec := range tx.Scan(t, prefix, store.PrefixEnd(prefix)) {
		if len(keys) == maxSweep {
			left = true
			break
		}
		keys = append(keys, append([]byte(nil), rec.Key...))
	}
	for _, k := range keys {
		tx.Delete(t, k)
	}
	return left
}

// emptyQueue deletes some entries of a queue with what belongs to them.
func (s *Set) emptyQueue(tx *store.Tx, id ID) (left bool) {
	prefix := id.bytes()
	var entries []*entry
	var damaged [][]byte
	for rec := range tx.Scan(entriesTable, prefix, store.PrefixEnd(prefix)) {
		if len(entries)+len(damaged) == maxSweep {
			left = true
			break
		}
		e, err := decodeEntry(rec.Key, rec.Value)
		if rec.Err != nil || err != nil {
			damaged = append(damaged, bytes.Clone(rec.Key))
			continue
		}
		entries = append(entries, e)
	}
	q := &Queue{id: id, set: s}
	for _, e := range entries {
		q.leave(tx, e)
		e.dropBody(tx)
	}
	for _, key := range damaged {
		tx.Delete(entriesTable, key)
	}
	return left || deleteRange(tx, movedTable, prefix)
}
