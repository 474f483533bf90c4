package queue

import (
	"container/list"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/store"
)

// A Queue is a name's messages. Its methods may be called from any goroutine.
type Queue struct {
	// Fixed after construction.
	set  *Set
	id   ID
	name string        // as shown; the source of its dead letters
	gone chan struct{} // closed when the queue is deleted

	policy atomic.Pointer[policy.Queue]
	full   atomic.Bool // no room for one more message, as of the last commit

	// Owned by the writer. What stands here follows the commit in the making;
	// when that fails it is read from the store again.
	joined  bool // takes part in the commit in the making
	created bool // in the commit in the making
	deleted bool
	loaded  bool
	counts  counts
	saved   counts // as the store has them
	lanes   [subQueues]lane
	locks   []lockChange // of this commit
	served  []*receiver  // in this commit
	placed  []*sender    // of those that were held, in this commit
	tally   tally        // of this commit
	again   bool         // the commit was full before the match was done

	// Guarded by mu: who waits. The writer takes them from the front.
	mu        sync.Mutex
	receivers [subQueues]list.List // of *receiver
	senders   list.List            // of *sender
}

func newQueue(s *Set, id ID, name string, p *policy.Queue) *Queue {
	q := &Queue{set: s, id: id, name: name, gone: make(chan struct{})}
	for sub := range q.lanes {
		q.lanes[sub] = lane{queue: id, sub: SubQueue(sub)}
	}
	q.policy.Store(p)
	return q
}

// ID returns the queue's number, which no other queue of the store ever has.
func (q *Queue) ID() ID { return q.id }

// Policy returns the policy in force. It is not to be changed.
func (q *Queue) Policy() *policy.Queue { return q.policy.Load() }

// Gone is closed when the queue has been deleted.
func (q *Queue) Gone() <-chan struct{} { return q.gone }

// update runs fn as an op in which the queue takes part.
func (q *Queue) update(ctx context.Context, fn func(tx *store.Tx) error) error {
	return q.set.store.Update(ctx, func(tx *store.Tx) error {
		if err := q.join(tx); err != nil {
			return err
		}
		return fn(tx)
	})
}

// Join returns nil if the queue is there in the commit in the making: ErrGone,
// those of the store.
func (q *Queue) Join(tx *store.Tx) error { return q.join(tx) }

// IsDeleted reports whether the queue has been deleted, or is in the commit in
// the making. It is for the writer.
func (q *Queue) IsDeleted() bool { return q.deleted }

// HasRoom reports whether the policy's limits leave room for a message with a
// body of size bytes. It is for the writer, after Join.
func (q *Queue) HasRoom(size int64) bool { return q.hasRoom(1, size) }

// join makes the queue take part in the commit in the making.
func (q *Queue) join(tx *store.Tx) error {
	if q.deleted {
		return ErrGone
	}
	if !q.loaded {
		v, err := tx.Get(countsTable, q.id.bytes())
		if err != nil {
			return err
		}
		if v == nil {
			return ErrGone
		}
		if q.counts, err = decodeCounts(v); err != nil {
			return err
		}
		q.saved, q.loaded = q.counts, true
	}
	if !q.joined {
		q.joined = true
		tx.Join(q)
	}
	return nil
}

// Flush lets in who is held and serves who waits, as far as this commit
// allows, and puts the counts. It is part of store.Participant.
func (q *Queue) Flush(tx *store.Tx) {
	q.joined = false
	if q.deleted {
		return
	}
	q.admit(tx)
	for sub := range subQueues {
		q.match(tx, sub)
	}
	q.admit(tx) // receive-and-delete has made room
	if q.loaded && q.counts != q.saved {
		tx.Put(countsTable, q.id.bytes(), q.counts.encode())
		q.saved = q.counts
	}
}

// Committed tells everybody what has become true. It is part of store.Participant.
func (q *Queue) Committed() {
	q.set.apply(q.locks)
	q.set.totals.add(&q.tally)
	for _, r := range q.served {
		close(r.done)
	}
	for _, s := range q.placed {
		close(s.done)
	}
	q.full.Store(!q.hasRoom(1, 0))
	if q.again {
		q.set.matchAgain(q)
	}
	if q.deleted {
		q.end()
	}
	q.created = false
	q.clear()
}

// RolledBack forgets the commit in the making. It is part of store.Participant.
func (q *Queue) RolledBack() {
	q.mu.Lock()
	for i := len(q.served) - 1; i >= 0; i-- {
		r := q.served[i]
		r.taken = nil
		r.place = q.receivers[r.Sub].PushFront(r)
	}
	for i := len(q.placed) - 1; i >= 0; i-- {
		s := q.placed[i]
		s.numbers = nil
		s.place = q.senders.PushFront(s)
	}
	q.mu.Unlock()
	if q.created {
		q.set.drop(q)
	}
	q.clear()
	q.joined, q.created, q.deleted, q.loaded = false, false, false, false
	for sub := range q.lanes {
		q.lanes[sub].forget()
	}
	q.set.recent = recent{}
}

func (q *Queue) clear() {
	clear(q.served)
	clear(q.placed)
	q.locks, q.served, q.placed = q.locks[:0], q.served[:0], q.placed[:0]
	q.tally = tally{}
	q.again = false
}

// end answers everybody who waits: the queue is gone.
func (q *Queue) end() {
	close(q.gone)
	q.mu.Lock()
	defer q.mu.Unlock()
	for sub := range q.receivers {
		q.receivers[sub].Init()
	}
	q.senders.Init()
}

// Counts returns what the queue holds.
func (q *Queue) Counts() (Counts, error) {
	var c Counts
	err := q.set.store.View(func(r *store.Reader) error {
		v, err := r.Get(countsTable, q.id.bytes())
		if err != nil {
			return err
		}
		if v == nil {
			return ErrGone
		}
		counts, err := decodeCounts(v)
		if err != nil {
			return err
		}
		c = counts.public()
		c.OldestAt, err = q.oldest(r)
		return err
	})
	return c, err
}

// oldest returns when the first active message was enqueued, among the first
// maxScanned of the line.
func (q *Queue) oldest(r *store.Reader) (time.Time, error) {
	from, end := q.id.between(Main, readyLine, 0)
	scanned := 0
	for rec := range r.Scan(entriesTable, from, end) {
		if scanned++; scanned > maxScanned {
			break
		}
		e, err := decodeEntry(rec.Key, rec.Value)
		if rec.Err != nil || err != nil {
			continue // a receiver puts it aside
		}
		if e.state == Active {
			return e.sentAt, nil
		}
	}
	return time.Time{}, nil
}
