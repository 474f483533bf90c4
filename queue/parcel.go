package queue

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/store"
)

// An Outgoing is a message to send. If Staged is set it is the body.
type Outgoing struct {
	*message.Message
	Staged *Staged
}

func (o *Outgoing) size() int64 {
	if o.Staged != nil {
		return o.Staged.Size()
	}
	return int64(len(o.Body))
}

// A parcel is messages on their way in, with the records that their bodies
// begin with.
type parcel struct {
	messages []Outgoing
	heads    [][]byte  // record 0 of each body
	written  []bodyRef // of a large batch: the bodies, which are staged
	bytes    int64
}

// pack makes a parcel of messages with bodies of up to limit bytes:
// ErrTooLarge. A message without an ID is given one.
func pack(limit int64, messages []Outgoing) (parcel, error) {
	p := parcel{messages: messages, heads: make([][]byte, len(messages))}
	for i := range messages {
		if messages[i].size() > limit {
			return p, ErrTooLarge
		}
		p.name(i, messages)
		p.heads[i] = head(p.messages[i].Message)
		p.bytes += messages[i].size()
	}
	return p, nil
}

// name gives the i-th message an ID if it has none. What the caller has is left
// as it is.
func (p *parcel) name(i int, messages []Outgoing) {
	if messages[i].ID != "" {
		return
	}
	if &p.messages[0] == &messages[0] {
		p.messages = slices.Clone(messages)
	}
	named := *messages[i].Message
	named.ID = uuid.NewString()
	p.messages[i].Message = &named
}

// body makes the body of the i-th message part of the commit.
func (p *parcel) body(tx *store.Tx, i int) bodyRef {
	switch m := &p.messages[i]; {
	case p.written != nil:
		tx.Delete(trashTable, trashStaged.key(p.written[i].id))
		return p.written[i]
	case m.Staged != nil:
		return m.Staged.publish(tx, p.heads[i])
	default:
		return putBody(tx, p.heads[i], m.Body)
	}
}

// A large batch is staged before it is sent, as a large body is: its bodies
// are written in commits of a bounded size, and the one commit that makes them
// messages has only their entries.

// stage writes the bodies of p if it is a large batch.
func (s *Set) stageBatch(ctx context.Context, p *parcel) error {
	if len(p.messages) == 1 || p.bytes <= maxInMemory {
		return nil
	}
	p.written = make([]bodyRef, len(p.messages))
	for from := 0; from < len(p.messages); {
		var to int
		err := s.store.Update(ctx, func(tx *store.Tx) error {
			var err error
			to, err = p.stage(tx, from)
			return err
		})
		if err != nil {
			s.discardBatch(p)
			return err
		}
		from = to
	}
	return nil
}

// stage writes the bodies of messages from one on, as many as a step has, and
// returns the first that it has not written.
func (p *parcel) stage(tx *store.Tx, from int) (int, error) {
	if err := tx.Room(); err != nil {
		return from, err
	}
	size := 0
	i := from
	for ; i < len(p.messages) && size < maxInMemory; i++ {
		m := &p.messages[i]
		if m.Staged != nil {
			p.written[i] = m.Staged.write0(tx, p.heads[i])
			continue
		}
		p.written[i] = putBody(tx, p.heads[i], m.Body)
		tx.Insert(trashTable, trashStaged.key(p.written[i].id), trashValue())
		size += len(p.heads[i]) + len(m.Body)
	}
	return i, nil
}

// discardBatch gives up the bodies of a batch that was not sent.
func (s *Set) discardBatch(p *parcel) {
	for left := p.written; len(left) > 0; {
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
	p.written = nil
}
