package queue

import (
	"context"
	"encoding/binary"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/store"
)

// Options is what a Set needs from those who know names.
type Options struct {
	// Resolve returns what has a name, for ForwardTo and PoisonMessageDrop. It
	// is called by the writer.
	Resolve func(name string) (Target, error)
	// Wake says that Sweep has something to do at an instant; the zero one is
	// now. It must not block.
	Wake   func(at time.Time)
	Logger *slog.Logger
}

// A Set is all queues of one store, and what they share.
type Set struct {
	// Fixed after construction.
	store   *store.Store
	tokens  tokens
	resolve func(name string) (Target, error)
	wake    func(at time.Time)
	log     *slog.Logger
	closing chan struct{} // closed by Close: nobody waits any more

	held    held
	totals  totals
	locks   lockIndex // owned by the writer
	recent  recent    // owned by the writer
	endedIn *store.Tx // that endLocks was last called in; owned by the writer

	mu      sync.RWMutex // guards queues and waiting
	queues  map[ID]*Queue
	waiting []*Queue // their match was cut short by the size of a commit

	closeOnce sync.Once
}

// Open prepares the queues of a store. Each queue is then made known by Load.
func Open(ctx context.Context, s *store.Store, opts Options) (*Set, error) {
	secret, err := s.Secret()
	if err != nil {
		return nil, err
	}
	tokens, err := newTokens(secret)
	if err != nil {
		return nil, err
	}
	set := &Set{
		store:   s,
		tokens:  tokens,
		resolve: opts.Resolve,
		wake:    opts.Wake,
		log:     opts.Logger,
		closing: make(chan struct{}),
		queues:  make(map[ID]*Queue),
		locks:   lockIndex{byKey: make(map[lockKey]*lockItem)},
	}
	if err := set.recover(ctx); err != nil {
		return nil, err
	}
	return set, nil
}

// recover finds the locks in force and gives up the bodies that were staged
// when the last process ended.
func (s *Set) recover(ctx context.Context) error {
	locks, err := s.findLocks()
	if err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		for _, key := range unfinished(tx) {
			giveUp(tx, key)
		}
		tx.OnCommit(func() { s.apply(locks) })
		return nil
	})
}

// findLocks reads the locked entries of all queues that have some.
func (s *Set) findLocks() (locks []lockChange, err error) {
	err = s.store.View(func(r *store.Reader) error {
		for rec := range r.Scan(countsTable, nil, nil) {
			counts, err := decodeCounts(rec.Value)
			if rec.Err != nil || err != nil {
				continue // the queue says so when it is used
			}
			for sub := range subQueues {
				locks = queueOf(rec.Key).appendLocks(locks, r, sub, counts.messages[sub][Locked])
			}
		}
		return nil
	})
	return locks, err
}

// appendLocks adds the count locked entries of a sub-queue. They mostly stand
// at the head of the line, so little of it is read.
func (q ID) appendLocks(locks []lockChange, r *store.Reader, sub SubQueue, count uint64) []lockChange {
	if count == 0 {
		return locks
	}
	from, end := q.between(sub, readyLine, 0)
	var damaged []lockChange
	for rec := range r.Scan(entriesTable, from, end) {
		e, err := decodeEntry(rec.Key, rec.Value)
		if rec.Err != nil || err != nil {
			position := binary.BigEndian.Uint64(rec.Key[10:])
			damaged = append(damaged, lockChange{lockKey{q, sub, position}, void})
			continue
		}
		if e.state != Locked {
			continue
		}
		until := e.lock.until
		if e.flags&isVolatile != 0 {
			until = void // [R9]
		}
		locks = append(locks, lockChange{lockKey{q, sub, e.position}, until})
		if count--; count == 0 {
			return locks
		}
	}
	// Those that are missing are among the damaged ones: the sweeper takes
	// their locks for ended, and puts them aside.
	return append(locks, damaged[:min(count, uint64(len(damaged)))]...)
}

// Create makes a new queue in an op. It can be used by the ops behind it, and
// is gone if the commit fails.
func (s *Set) Create(tx *store.Tx, name string, p *policy.Queue) *Queue {
	q := newQueue(s, ID(tx.NewID()), name, p)
	empty := counts{}
	tx.Insert(countsTable, q.id.bytes(), empty.encode())
	q.created = true
	s.add(q)
	q.joined = true
	tx.Join(q)
	return q
}

// Load makes a queue known that Create has made in an earlier process.
func (s *Set) Load(id ID, name string, p *policy.Queue) *Queue {
	q := newQueue(s, id, name, p)
	s.add(q)
	if p.ForwardTo != "" {
		s.matchAgain(q) // the last process may not have moved everything on
	}
	return q
}

func (s *Set) add(q *Queue) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queues[q.id] = q
}

func (s *Set) drop(q *Queue) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.queues, q.id)
}

// Get returns a queue by its number, nil if there is none.
func (s *Set) Get(id ID) *Queue {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.queues[id]
}

// Change gives the queue another policy from this commit on.
func (q *Queue) Change(tx *store.Tx, p *policy.Queue) error {
	if err := q.join(tx); err != nil {
		return err
	}
	tx.OnCommit(func() {
		q.policy.Store(p)
		q.set.matchAgain(q)
	})
	return nil
}

// Delete ends the queue in this commit. Everybody who waits at it is answered
// ErrGone; its messages are removed in steps.
func (q *Queue) Delete(tx *store.Tx) error {
	if err := q.join(tx); err != nil {
		return err
	}
	q.deleted = true
	tx.Delete(countsTable, q.id.bytes())
	tx.Put(trashTable, trashQueue.key(uint64(q.id)), trashValue())
	tx.OnCommit(func() {
		q.set.drop(q)
		q.set.wake(time.Time{})
	})
	return nil
}

// matchAgain has q take part in a commit soon.
func (s *Set) matchAgain(q *Queue) {
	s.mu.Lock()
	s.waiting = append(s.waiting, q)
	s.mu.Unlock()
	s.wake(time.Time{})
}

func (s *Set) takeWaiting() []*Queue {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.waiting
	s.waiting = nil
	return list
}

func (s *Set) putBackWaiting(list []*Queue) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = append(list, s.waiting...)
}

// Close answers everybody who waits. It does not wait for them.
func (s *Set) Close() { s.closeOnce.Do(func() { close(s.closing) }) }

// held counts the senders that full queues hold.
type held struct {
	senders atomic.Int64
	bytes   atomic.Int64
}

func (h *held) admit(bytes int64) bool {
	senders, all := h.senders.Add(1), h.bytes.Add(bytes)
	if senders > maxHeldSenders || all > maxHeldBytes && bytes > 0 {
		h.release(bytes)
		return false
	}
	return true
}

func (h *held) release(bytes int64) {
	h.senders.Add(-1)
	h.bytes.Add(-bytes)
}

// tally is what a commit of one queue adds to the totals.
type tally struct {
	sent, received, redelivered, completed, abandoned, deadLettered, expired, discarded, forwarded, redriven uint64
}

// totals sums what has happened since the set was opened.
type totals struct {
	mu  sync.Mutex // guards sum
	sum tally
}

func (t *totals) add(c *tally) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sum.sent += c.sent
	t.sum.received += c.received
	t.sum.redelivered += c.redelivered
	t.sum.completed += c.completed
	t.sum.abandoned += c.abandoned
	t.sum.deadLettered += c.deadLettered
	t.sum.expired += c.expired
	t.sum.discarded += c.discarded
	t.sum.forwarded += c.forwarded
	t.sum.redriven += c.redriven
}

// Totals is what has happened in all queues since the set was opened.
type Totals struct {
	Sent, Received, Redelivered, Completed, Abandoned, DeadLettered, Expired, Discarded, Forwarded, Redriven uint64
	Held                                                                                                     int64 // senders that are held now
	Locked                                                                                                   int   // locks in force now, as of the last commit
}

// Totals returns the figures of the moment.
func (s *Set) Totals() Totals {
	s.totals.mu.Lock()
	defer s.totals.mu.Unlock()
	t := s.totals.sum
	return Totals{
		Sent: t.sent, Received: t.received, Redelivered: t.redelivered, Completed: t.completed,
		Abandoned: t.abandoned, DeadLettered: t.deadLettered, Expired: t.expired, Discarded: t.discarded,
		Forwarded: t.forwarded, Redriven: t.redriven, Held: s.held.senders.Load(),
		Locked: int(s.locks.count.Load()),
	}
}

// apply changes the locks in force and has the sweeper come in time for the
// first one that ends.
func (s *Set) apply(changes []lockChange) {
	if len(changes) == 0 {
		return
	}
	s.locks.apply(changes)
	if at, ok := s.NextLock(); ok {
		s.wake(at)
	}
}

// NextLock returns when the first lock in force ends, and whether there is one.
func (s *Set) NextLock() (time.Time, bool) {
	us := s.locks.next.Load()
	return time.UnixMicro(us), us != 0
}
