package queue

import (
	"container/list"
	"context"
	"time"

	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/store"
)

// Limits of those who are held by full queues, over all queues of a store.
const (
	maxHeldSenders = 1000
	maxHeldBytes   = 64 << 20
)

// Outcome says what became of what was sent.
type Outcome uint8

const (
	Stored    Outcome = iota // it is on disk
	Discarded                // Overflow discarded it, and counted it
)

// A sender is a Send on its way; a full queue holds it.
type sender struct {
	parcel
	held    bool          // it counts among those that are held; set by the op
	place   *list.Element // in the queue's senders; guarded by Queue.mu
	done    chan struct{} // closed when the messages are placed
	numbers []uint64      // sequence numbers; read after done or the op
}

// Send puts messages at the queue's tail, all of them in one commit or none,
// and returns their sequence numbers. A message without an ID is given one. A
// full queue holds the sender for the policy's EnqueueTimeout, in the order of
// arrival, and then does what its Overflow says.
//
// Errors: ErrTooLarge, ErrFull, ErrOverloaded, ErrDisabled, ErrGone, those of
// the store, and that of ctx, which has taken nothing in.
func (q *Queue) Send(ctx context.Context, messages ...Outgoing) ([]uint64, Outcome, error) {
	s, err := q.newSender(messages)
	if err != nil {
		return nil, 0, err
	}
	if err := q.set.stageBatch(ctx, &s.parcel); err != nil {
		return nil, 0, err
	}
	numbers, outcome, err := q.run(ctx, s)
	if err != nil {
		q.set.discardBatch(&s.parcel)
	}
	return numbers, outcome, err
}

func (q *Queue) run(ctx context.Context, s *sender) ([]uint64, Outcome, error) {
	err := q.update(ctx, func(tx *store.Tx) error { return q.offer(tx, s) })
	if s.held {
		defer q.set.held.release(s.bytes)
	}
	if err != nil {
		q.withdrawSender(s)
		return nil, 0, err
	}
	if !s.held {
		return s.numbers, Stored, nil
	}
	return q.hold(ctx, s)
}

func (q *Queue) newSender(messages []Outgoing) (*sender, error) {
	p := q.Policy()
	packed, err := pack(p.MaxMessageBytes(), messages)
	if err != nil {
		return nil, err
	}
	s := &sender{parcel: packed, done: make(chan struct{})}
	if p.MaxLength > 0 && int64(len(messages)) > p.MaxLength || p.MaxBytes() > 0 && s.bytes > p.MaxBytes() {
		return nil, ErrTooLarge
	}
	return s, nil
}

// offer places the messages, or holds the sender if there is no room or
// others are held already.
func (q *Queue) offer(tx *store.Tx, s *sender) error {
	s.numbers = nil
	if err := q.takes(tx); err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.senders.Len() == 0 && q.fits(s) {
		q.placeAll(tx, s)
		return nil
	}
	if s.place != nil {
		return nil // the op runs again
	}
	if !q.set.held.admit(s.bytes) {
		return ErrOverloaded
	}
	s.held = true
	s.place = q.senders.PushBack(s)
	return nil
}

// takes returns nil if the queue takes messages at all.
func (q *Queue) takes(tx *store.Tx) error {
	switch q.Policy().Status {
	case policy.Disabled, policy.SendDisabled:
		return ErrDisabled
	}
	return tx.Room()
}

// fits reports whether the policy's limits leave room.
func (q *Queue) fits(s *sender) bool {
	return q.hasRoom(max(1, len(s.messages)), s.bytes)
}

func (q *Queue) hasRoom(messages int, bytes int64) bool {
	p := q.Policy()
	if p.MaxLength > 0 && int64(q.counts.total(Main))+int64(messages) > p.MaxLength {
		return false
	}
	return p.MaxBytes() == 0 || int64(q.counts.bytes[Main])+bytes <= p.MaxBytes()
}

// admit places those who were held, in their order, while there is room.
func (q *Queue) admit(tx *store.Tx) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for front := q.senders.Front(); front != nil; front = q.senders.Front() {
		s := front.Value.(*sender)
		if !q.fits(s) || q.takes(tx) != nil {
			return
		}
		if tx.Full() {
			q.again = true
			return
		}
		q.senders.Remove(front)
		s.place = nil
		q.placeAll(tx, s)
		q.placed = append(q.placed, s)
	}
}

func (q *Queue) placeAll(tx *store.Tx, s *sender) {
	s.numbers = make([]uint64, len(s.messages))
	for i := range s.messages {
		s.numbers[i] = q.put(tx, &s.messages[i], s.body(tx, i), s.heads[i])
	}
	q.tally.sent += uint64(len(s.messages))
}

// put makes an entry of a message.
func (q *Queue) put(tx *store.Tx, m *Outgoing, body bodyRef, head []byte) uint64 {
	e := &entry{seq: q.tail(), body: body, head: head, sentAt: tx.Now}
	q.begin(tx, e, m.Message)
	e.position = e.seq
	q.enter(tx, e)
	return e.seq
}

// begin fills in what follows from when a message is to be visible and for how long.
func (q *Queue) begin(tx *store.Tx, e *entry, m *message.Message) {
	e.sub, e.state, e.dueAt = Main, Active, time.Time{}
	visibleAt := tx.Now
	if m.ScheduledAt.After(tx.Now) {
		visibleAt = m.ScheduledAt
		e.state, e.dueAt = Scheduled, m.ScheduledAt.Truncate(time.Microsecond)
	}
	e.timeToLive = m.TimeToLive
	e.expiresAt = q.expiry(visibleAt, m.TimeToLive)
}

// expiry returns when a message that is visible from an instant on becomes
// too old: the shorter of its own time to live and the queue's decides.
func (q *Queue) expiry(visibleAt time.Time, own time.Duration) time.Time {
	limit := q.Policy().TimeToLive
	if own > 0 && (limit == 0 || own < limit) {
		limit = own
	}
	if limit == 0 {
		return time.Time{}
	}
	return visibleAt.Add(limit).Truncate(time.Microsecond)
}

// hold waits until the sender's turn has come, and lets Overflow decide when
// it does not.
func (q *Queue) hold(ctx context.Context, s *sender) ([]uint64, Outcome, error) {
	patience := time.NewTimer(q.Policy().EnqueueTimeout)
	defer patience.Stop()
	select {
	case <-s.done:
		return s.numbers, Stored, nil
	case <-q.gone:
		return nil, 0, ErrGone
	case <-q.set.closing:
		return q.leaveHeld(s, ErrOverloaded)
	case <-ctx.Done():
		defer q.set.matchAgain(q) // there can be room for those behind
		return q.leaveHeld(s, ctx.Err())
	case <-q.set.store.Failure():
		return q.leaveHeld(s, q.set.store.Failed())
	case <-patience.C:
	}
	if numbers, outcome, err := q.leaveHeld(s, ErrFull); err == nil {
		return numbers, outcome, nil
	}
	return q.overflow(ctx, s)
}

// leaveHeld gives up waiting with err, unless the messages are placed already.
func (q *Queue) leaveHeld(s *sender, err error) ([]uint64, Outcome, error) {
	for !q.withdrawSender(s) {
		select {
		case <-s.done:
			return s.numbers, Stored, nil
		case <-q.gone:
			return nil, 0, ErrGone
		case <-q.set.store.Failure():
			return nil, 0, q.set.store.Failed()
		case <-time.After(lookAgain):
		}
	}
	return nil, 0, err
}

// withdrawSender takes s off the list; false: it is not there any more.
func (q *Queue) withdrawSender(s *sender) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if s.place == nil {
		return false
	}
	q.senders.Remove(s.place)
	s.place = nil
	return true
}

// overflow does what the policy says about a sender for whom there was no room in time.
func (q *Queue) overflow(ctx context.Context, s *sender) ([]uint64, Outcome, error) {
	switch q.Policy().Overflow {
	case policy.DiscardIncoming:
		err := q.update(ctx, func(*store.Tx) error {
			q.counts.discard += uint64(max(1, len(s.messages)))
			q.tally.discarded += uint64(max(1, len(s.messages)))
			return nil
		})
		s.discard()
		q.set.discardBatch(&s.parcel)
		return nil, Discarded, err
	case policy.DiscardExisting:
		if len(s.messages) == 0 {
			return nil, Stored, nil
		}
		err := q.update(ctx, func(tx *store.Tx) error { return q.displace(tx, s) })
		return s.numbers, Stored, err
	default:
		q.set.matchAgain(q) // there can be room for those behind
		return nil, 0, ErrFull
	}
}

// discard removes the bodies that were staged.
func (s *sender) discard() {
	for _, m := range s.messages {
		if m.Staged != nil {
			m.Staged.Discard()
		}
	}
}

// displace removes the oldest active messages that are in the way of s.
func (q *Queue) displace(tx *store.Tx, s *sender) error {
	s.numbers = nil
	if err := q.takes(tx); err != nil {
		return err
	}
	oldest, err := q.inTheWay(tx, s)
	if err != nil {
		return err
	}
	for _, e := range oldest {
		q.remove(tx, e)
		q.counts.discard++
		q.tally.discarded++
	}
	q.placeAll(tx, s)
	return nil
}

// inTheWay returns the oldest active messages without which s fits: ErrFull if
// it does not without any.
func (q *Queue) inTheWay(tx *store.Tx, s *sender) (oldest []*entry, err error) {
	first, _ := q.lanes[Main].first(tx)
	from, end := q.id.between(Main, readyLine, first)
	var bytes int64
	fits := func() bool { return q.hasRoom(len(s.messages)-len(oldest), s.bytes-bytes) }
	for rec := range tx.Scan(entriesTable, from, end) {
		if fits() {
			break
		}
		e, err := decodeEntry(rec.Key, rec.Value)
		if rec.Err == nil && err == nil && e.state == Active {
			oldest, bytes = append(oldest, e), bytes+e.body.size
		}
	}
	if !fits() {
		return nil, ErrFull
	}
	return oldest, nil
}

// Wait holds a sender whose messages are not here yet until the queue has
// room for one, as Send does, so that a body is not read in vain: after
// Discarded or an error it need not be. It reserves nothing.
func (q *Queue) Wait(ctx context.Context) (Outcome, error) {
	if !q.full.Load() {
		return Stored, nil
	}
	_, outcome, err := q.run(ctx, &sender{done: make(chan struct{})})
	return outcome, err
}
