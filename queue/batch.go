package queue

import (
	"context"
	"time"

	"github.com/jitney-mq/jitney/store"
)

// A large batch is staged before it is sent, as a large body is: its bodies
// are written in commits of a bounded size, and the one commit that makes them
// messages has only their entries.

// stageBatch writes the bodies of s.
func (s *Set) stageBatch(ctx context.Context, batch *sender) error {
	batch.written = make([]bodyRef, len(batch.messages))
	for from := 0; from < len(batch.messages); {
		var to int
		err := s.store.Update(ctx, func(tx *store.Tx) error {
			var err error
			to, err = batch.stage(tx, from)
			return err
		})
		if err != nil {
			s.discardBatch(batch)
			return err
		}
		from = to
	}
	return nil
}

// stage writes the bodies of messages from one on, as many as a step has, and
// returns the first that it has not written.
func (b *sender) stage(tx *store.Tx, from int) (int, error) {
	if err := tx.Room(); err != nil {
		return from, err
	}
	size := 0
	i := from
	for ; i < len(b.messages) && size < maxInMemory; i++ {
		m := &b.messages[i]
		if m.Staged != nil {
			b.written[i] = m.Staged.write0(tx, b.heads[i])
			continue
		}
		b.written[i] = putBody(tx, b.heads[i], m.Body)
		tx.Insert(trashTable, trashStaged.key(b.written[i].id), trashValue())
		size += len(b.heads[i]) + len(m.Body)
	}
	return i, nil
}

// discardBatch gives up the bodies of a batch that was not sent.
func (s *Set) discardBatch(batch *sender) {
	for left := batch.written; len(left) > 0; {
		step := left[:min(len(left), maxSweep)]
		left = left[len(step):]
		_ = s.store.Update(context.Background(), func(tx *store.Tx) error {
			for _, b := range step {
				if b.id != 0 {
					tx.Delete(trashTable, trashStaged.key(b.id))
					tx.Put(trashTable, trashBody.key(b.id), trashValue())
				}
			}
			tx.OnCommit(func() { s.wake(time.Time{}) })
			return nil
		}) // if the store takes nothing any more the next start does it
	}
	batch.written = nil
}
