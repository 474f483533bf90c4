package queue_test

import (
	"cmp"
	"slices"
	"time"

	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/queue"
)

// A model says what a set of queues does, without any regard to how: its
// messages are in slices, nothing is stored, and every question is answered by
// looking at everything. What it predicts is compared with the real set after
// each step.
//
// One thing it has in common with the real one, because it decides what
// happens in which order: work is done in commits, and at the end of each one
// the queues that took part let in who is held and serve who waits.
type model struct {
	clock  time.Time // the exact instant
	queues map[string]*modelQueue
	parts  []*modelQueue // of the commit in the making
	totals queue.Totals
}

type modelQueue struct {
	name      string
	id        queue.ID
	policy    policy.Queue
	gone      bool
	full      bool // as of its last commit
	joined    bool
	next      uint64
	messages  []*modelMessage
	expired   uint64
	discarded uint64
	senders   []*modelSender
	receivers [3][]*modelReceiver
}

// The states as Browse tells them.
const (
	active    = queue.Active
	locked    = queue.Locked
	scheduled = queue.Scheduled
	deferred  = queue.Deferred
)

type modelMessage struct {
	id            string
	size          int64
	timeToLive    time.Duration
	visibleAt     time.Time // as sent; zero: at once
	queue         *modelQueue
	sub           queue.SubQueue
	state         queue.State
	seq, position uint64
	sentAt        time.Time
	expiresAt     time.Time
	dueAt         time.Time
	deliveries    int
	hops          int
	lock          *modelLock // the last one
	keepsPosition bool
	wasDeferred   bool
	dead          bool
	reason        string
	description   string // "" is any
	source        string
}

// A modelLock is a lock that was given at some time.
type modelLock struct {
	queue    *modelQueue
	message  *modelMessage
	sub      queue.SubQueue
	position uint64
	token    string // as the real set gave it
	until    time.Time
	over     queue.Reason // how it ended; "" while it is in force
}

// An answer is when a call that waits returns, and with what error.
type answer struct {
	done bool
	at   time.Time
	err  error
}

type modelSender struct {
	answer
	messages []*modelMessage
	until    time.Time // while it is held
	outcome  queue.Outcome
	numbers  []uint64
}

type modelReceiver struct {
	answer
	queue.ReceiveOptions
	until time.Time // while it waits
	taken []sighting
}

// A sighting is what is to be seen of a message at some instant.
type sighting struct {
	modelMessage
	lock *modelLock // that the receiver is given
}

func (m *modelMessage) see() sighting { return sighting{modelMessage: *m} }

// now is the instant of a commit.
func (m *model) now() time.Time { return m.clock.Truncate(time.Microsecond).UTC() }

func (m *model) answer(a *answer, err error) { a.done, a.at, a.err = true, m.clock, err }

// commit runs fn as an op of its own.
func (m *model) commit(fn func() error) error {
	m.parts = nil
	err := fn()
	for i := 0; i < len(m.parts); i++ {
		m.flush(m.parts[i])
	}
	for _, q := range m.parts {
		q.full = !q.hasRoom(1, 0)
	}
	return err
}

func (m *model) join(q *modelQueue) error {
	if q == nil || q.gone {
		return queue.ErrGone
	}
	if !q.joined {
		q.joined = true
		m.parts = append(m.parts, q)
	}
	return nil
}

// update is commit for an op of q.
func (m *model) update(q *modelQueue, fn func() error) error {
	return m.commit(func() error {
		if err := m.join(q); err != nil {
			return err
		}
		return fn()
	})
}

func (m *model) flush(q *modelQueue) {
	q.joined = false
	if q.gone {
		return
	}
	m.admit(q)
	for sub := range queue.SubQueue(3) {
		m.match(q, sub)
	}
	m.admit(q)
}

func (m *model) create(name string, id queue.ID, p policy.Queue) *modelQueue {
	q := &modelQueue{name: name, id: id, policy: p}
	m.queues[name] = q
	return q
}

// change gives q another policy, and has it take part in a commit under it.
func (m *model) change(q *modelQueue, p policy.Queue) {
	m.update(q, func() error { return nil })
	q.policy = p
	m.sweep(q)
}

func (m *model) delete(q *modelQueue) {
	m.update(q, func() error { q.gone = true; return nil })
	delete(m.queues, q.name)
	for _, s := range q.senders {
		m.answer(&s.answer, queue.ErrGone)
	}
	for _, list := range q.receivers {
		for _, r := range list {
			m.answer(&r.answer, queue.ErrGone)
		}
	}
	q.senders, q.receivers, q.messages = nil, [3][]*modelReceiver{}, nil
}

// first returns the next active message of a sub-queue.
func (q *modelQueue) first(sub queue.SubQueue) (next *modelMessage) {
	for _, e := range q.messages {
		if e.sub == sub && e.state == active && (next == nil || e.position < next.position) {
			next = e
		}
	}
	return next
}

func (q *modelQueue) find(sub queue.SubQueue, seq uint64) *modelMessage {
	for _, e := range q.messages {
		if e.sub == sub && e.seq == seq {
			return e
		}
	}
	return nil
}

// in returns the messages of a sub-queue by sequence number.
func (q *modelQueue) in(sub queue.SubQueue, states ...queue.State) (list []*modelMessage) {
	for _, e := range q.messages {
		if e.sub == sub && (len(states) == 0 || slices.Contains(states, e.state)) {
			list = append(list, e)
		}
	}
	slices.SortFunc(list, func(a, b *modelMessage) int { return cmp.Compare(a.seq, b.seq) })
	return list
}

func (q *modelQueue) counts() (c queue.Counts) {
	var oldest uint64
	for _, e := range q.messages {
		c.Bytes += uint64(e.size)
		switch {
		case e.sub == queue.DeadLetter:
			c.DeadLetter++
		case e.sub == queue.Transfer:
			c.TransferDeadLetter++
		case e.state == active:
			c.Active++
			if oldest == 0 || e.position < oldest {
				oldest, c.OldestAt = e.position, e.sentAt
			}
		case e.state == locked:
			c.Locked++
		case e.state == scheduled:
			c.Scheduled++
		case e.state == deferred:
			c.Deferred++
		}
	}
	c.Expired, c.Discarded = q.expired, q.discarded
	return c
}

func (q *modelQueue) hasRoom(messages int, bytes int64) bool {
	c := q.counts()
	var held int64
	for _, e := range q.in(queue.Main) {
		held += e.size
	}
	total := int64(c.Active+c.Locked+c.Scheduled+c.Deferred) + int64(messages)
	return (q.policy.MaxLength == 0 || total <= q.policy.MaxLength) &&
		(q.policy.MaxBytes() == 0 || held+bytes <= q.policy.MaxBytes())
}

// takes returns why q takes nothing.
func (q *modelQueue) takes() error {
	if s := q.policy.Status; s == policy.Disabled || s == policy.SendDisabled {
		return queue.ErrDisabled
	}
	return nil
}

// gives returns why q gives nothing.
func (q *modelQueue) gives() error {
	if s := q.policy.Status; s == policy.Disabled || s == policy.ReceiveDisabled {
		return queue.ErrDisabled
	}
	return nil
}

func (q *modelQueue) expiry(from time.Time, own time.Duration) time.Time {
	limit := q.policy.TimeToLive
	if own > 0 && (limit == 0 || own < limit) {
		limit = own
	}
	if limit == 0 {
		return time.Time{}
	}
	return from.Add(limit)
}

func (q *modelQueue) tail() uint64 {
	q.next++
	return q.next
}
