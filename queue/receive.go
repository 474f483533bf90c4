package queue

import (
	"container/list"
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/store"
)

// Mode says what a receive does to the message.
type Mode uint8

const (
	// PeekLock locks the message; it stays until it is settled or the lock ends.
	PeekLock Mode = iota
	// ReceiveAndDelete removes the message in the commit that gives it away:
	// from there on it is delivered at most once.
	ReceiveAndDelete
)

// Limits of a receive.
const (
	MaxCount      = 1000     // messages
	MaxReply      = 16 << 20 // bytes of bodies, if it is more than one message
	MaxWait       = 300 * time.Second
	MaxLockLength = 12 * time.Hour
)

// maxReceivers bounds those who wait at one queue.
const maxReceivers = 20_000

// ReceiveOptions says what is wanted. The zero value asks for one message
// under a lock, at once.
type ReceiveOptions struct {
	Sub     SubQueue
	Mode    Mode
	Count   int           // at most so many; default 1
	Wait    time.Duration // for the first one; 0: what is ready now
	LockFor time.Duration // default the policy's LockDuration

	// Volatile makes a lock that ends with the process, for one who does too.
	Volatile bool
}

// A receiver is a Receive on its way.
type receiver struct {
	ReceiveOptions
	place *list.Element // in the queue's receivers; guarded by Queue.mu
	done  chan struct{} // closed when it has been served
	taken []taken       // read after done
}

// taken is a message as the writer has given it away.
type taken struct {
	entry
	removed bool   // head is set, and stands nowhere else
	held    []byte // of a large body that was removed: the key of its trash
}

// Receive returns the next messages, waiting up to opts.Wait for the first
// one; none came if there are none. When it returns, their locks (or
// removals) are on disk.
//
// Errors: ErrGone, ErrDisabled, ErrOverloaded, those of the store, and that of
// ctx: then what was locked for this call in the meantime is as if it had
// never been delivered.
func (q *Queue) Receive(ctx context.Context, opts ReceiveOptions) ([]*Delivery, error) {
	r := &receiver{ReceiveOptions: opts, done: make(chan struct{})}
	r.Count = min(max(r.Count, 1), MaxCount)
	if r.LockFor <= 0 {
		r.LockFor = q.Policy().LockDuration
	}
	err := q.update(ctx, func(tx *store.Tx) error { return q.ask(tx, r) })
	if err != nil {
		q.withdrawReceiver(r)
		return nil, err
	}
	if err := q.await(ctx, r); err != nil {
		return nil, err
	}
	list, err := q.deliveries(ctx, r)
	if err == nil && len(list) == 0 && len(r.taken) > 0 {
		return q.Receive(ctx, opts) // all were damaged
	}
	return list, err
}

// ask puts r in the line; the match at the commit's end serves it.
func (q *Queue) ask(tx *store.Tx, r *receiver) error {
	if err := q.gives(); err != nil {
		return err
	}
	if err := q.lineUp(r); err != nil {
		return err
	}
	_, err := q.set.endLocks(tx)
	return err
}

func (q *Queue) lineUp(r *receiver) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if r.place != nil {
		return nil // the op runs again
	}
	if q.receivers[r.Sub].Len() >= maxReceivers {
		return ErrOverloaded
	}
	r.place = q.receivers[r.Sub].PushBack(r)
	return nil
}

// gives returns nil if the queue gives messages away at all.
func (q *Queue) gives() error {
	switch q.Policy().Status {
	case policy.Disabled, policy.ReceiveDisabled:
		return ErrDisabled
	}
	return nil
}

// await returns when r was served, or has waited long enough, or must not wait.
func (q *Queue) await(ctx context.Context, r *receiver) error {
	select {
	case <-r.done:
		return nil
	default:
	}
	if r.Wait <= 0 {
		return q.giveUp(r, nil)
	}
	patience := time.NewTimer(r.Wait)
	defer patience.Stop()
	select {
	case <-r.done:
		return nil
	case <-patience.C:
		return q.giveUp(r, nil)
	case <-ctx.Done():
		return q.giveUp(r, ctx.Err())
	case <-q.gone:
		return ErrGone
	case <-q.set.closing:
		return q.giveUp(r, store.ErrClosed)
	case <-q.set.store.Failure():
		return q.set.store.Failed()
	}
}

// lookAgain is how often one who has given up, but was chosen already, looks
// whether a commit that failed has put it back into the line.
const lookAgain = 100 * time.Millisecond

// giveUp takes r off the line and returns err; if r has been chosen already it
// waits for what it gets.
func (q *Queue) giveUp(r *receiver, err error) error {
	for !q.withdrawReceiver(r) {
		select {
		case <-r.done:
			return nil
		case <-q.gone:
			return ErrGone
		case <-q.set.store.Failure():
			return q.set.store.Failed()
		case <-time.After(lookAgain):
		}
	}
	return err
}

// withdrawReceiver takes r off the line; false: it is not there any more.
func (q *Queue) withdrawReceiver(r *receiver) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if r.place == nil {
		return false
	}
	q.receivers[r.Sub].Remove(r.place)
	r.place = nil
	return true
}

// deliveries reads the bodies of what r was given. If the client has gone in
// the meantime everything is given back.
func (q *Queue) deliveries(ctx context.Context, r *receiver) ([]*Delivery, error) {
	list := make([]*Delivery, 0, len(r.taken))
	for i := range r.taken {
		d, err := q.deliver(&r.taken[i])
		switch {
		case errors.Is(err, errDamaged), errors.Is(err, ErrNoMessage):
			continue // it has been put aside, or its lock has ended and it is gone
		case err != nil:
			return nil, err
		}
		list = append(list, d)
	}
	if err := ctx.Err(); err != nil && r.Mode == PeekLock {
		q.undeliver(list)
		return nil, err
	}
	return list, nil
}

// match serves the receivers of a sub-queue, in the order in which they came,
// with what is ready in it.
func (q *Queue) match(tx *store.Tx, sub SubQueue) {
	if sub == Main && q.Policy().ForwardTo != "" {
		q.forwardAll(tx)
		return
	}
	if q.gives() != nil {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for front := q.receivers[sub].Front(); front != nil; front = q.receivers[sub].Front() {
		if _, ready := q.lanes[sub].first(tx); !ready {
			return
		}
		if tx.Full() {
			q.again = true
			return
		}
		r := front.Value.(*receiver)
		if q.serve(tx, r); len(r.taken) == 0 {
			return // the limit of locks
		}
		q.receivers[sub].Remove(front)
		r.place = nil
		q.served = append(q.served, r)
	}
}

// serve gives r as many messages as it wants, there are, and limits allow.
func (q *Queue) serve(tx *store.Tx, r *receiver) {
	var bytes int64
	for len(r.taken) < r.Count && q.mayLock(r) && !tx.Full() {
		position, ready := q.lanes[r.Sub].first(tx)
		if !ready {
			return
		}
		e := q.take(tx, r.Sub, position)
		if e == nil {
			continue
		}
		if e.expired(tx.Now) {
			q.expire(tx, e)
			continue
		}
		if bytes += e.body.size; bytes > MaxReply && len(r.taken) > 0 {
			return
		}
		if t, ok := q.handOver(tx, e, r); ok {
			r.taken = append(r.taken, t)
		}
	}
	if tx.Full() {
		q.again = true
	}
}

// mayLock reports whether one more message may be locked for r.
func (q *Queue) mayLock(r *receiver) bool {
	if r.Mode == ReceiveAndDelete {
		return true
	}
	limit := q.Policy().MaxLocked
	if r.Sub == Main && limit > 0 && q.counts.messages[Main][Locked] >= uint64(limit) {
		return false
	}
	return len(q.set.locks.heap)+len(q.locks) < maxLocked
}

// handOver locks or removes e for r; false: it is damaged and was put aside.
func (q *Queue) handOver(tx *store.Tx, e *entry, r *receiver) (taken, bool) {
	if r.Mode == ReceiveAndDelete {
		return q.handOut(tx, e)
	}
	q.countDelivery(e)
	q.give(tx, e, lock{rand.Uint64(), tx.Now.Add(r.LockFor)}, r.volatile())
	return taken{entry: *e}, true
}

// volatile is the flag of what is locked for r.
func (r *receiver) volatile() flags {
	if r.Volatile {
		return isVolatile
	}
	return 0
}

// handOut removes e. Of a body in chunks only the first record is read here;
// the rest stays until the delivery is closed or the broker starts again.
func (q *Queue) handOut(tx *store.Tx, e *entry) (taken, bool) {
	if e.head == nil {
		first, err := tx.Get(bodiesTable, e.body.key(0))
		if err != nil {
			q.leave(tx, e)
			tx.Quarantine(&store.CorruptError{Table: bodiesTable, Key: e.body.key(0)})
			return taken{}, false
		}
		e.head = append([]byte(nil), first...)
	}
	q.leave(tx, e)
	q.countDelivery(e)
	e.deliveries++
	t := taken{entry: *e, removed: true}
	if e.body.chunks == 0 {
		e.dropBody(tx)
	} else {
		t.held = e.holdBody(tx)
	}
	return t, true
}

func (q *Queue) countDelivery(e *entry) {
	q.tally.received++
	if e.deliveries > 0 {
		q.tally.redelivered++
	}
}

// take reads the entry at a position of the ready line. One that cannot be
// read is put aside, and nil returned.
func (q *Queue) take(tx *store.Tx, sub SubQueue, position uint64) *entry {
	e, err := q.ready(tx, sub, position)
	if err == nil && e != nil {
		return e
	}
	if err != nil {
		q.putAside(tx, sub, readyLine, position)
	} else {
		q.lanes[sub].remove(position)
	}
	return nil
}

// putAside takes away an entry that cannot be read. Of one in the ready line
// only the index still knows whether it was locked.
func (q *Queue) putAside(tx *store.Tx, sub SubQueue, l line, position uint64) {
	tx.Quarantine(&store.CorruptError{Table: entriesTable, Key: q.id.key(sub, l, position)})
	state := State(l)
	if l == readyLine && q.set.locks.byKey[lockKey{q.id, sub, position}] != nil {
		state = Locked
	}
	q.counts.messages[sub][state]--
	q.lanes[sub].remove(position)
}

// Lock locks the one message with a sequence number, if it is active or
// deferred: ErrNoMessage, ErrLocked.
func (q *Queue) Lock(ctx context.Context, sub SubQueue, seq uint64, lockFor time.Duration) (*Delivery, error) {
	if lockFor <= 0 {
		lockFor = q.Policy().LockDuration
	}
	var t taken
	err := q.update(ctx, func(tx *store.Tx) error {
		if err := q.gives(); err != nil {
			return err
		}
		e, err := q.id.find(&tx.Reader, sub, seq)
		switch {
		case err != nil:
			return err
		case e == nil || e.state == Scheduled:
			return ErrNoMessage
		case e.state == Locked:
			return ErrLocked
		case e.expired(tx.Now):
			return ErrNoMessage
		}
		q.countDelivery(e)
		q.give(tx, e, lock{rand.Uint64(), tx.Now.Add(lockFor)}, 0)
		t = taken{entry: *e}
		return nil
	})
	if err != nil {
		return nil, err
	}
	d, err := q.deliver(&t)
	if errors.Is(err, errDamaged) {
		return nil, ErrNoMessage
	}
	if err == nil && ctx.Err() != nil {
		q.undeliver([]*Delivery{d})
		return nil, ctx.Err()
	}
	return d, err
}
