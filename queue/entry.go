package queue

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/jitney-mq/jitney/store"
)

// An ID is what a queue's records stand under. It is never used again.
type ID uint64

// A SubQueue is one of the three places of a queue's messages.
type SubQueue uint8

const (
	Main       SubQueue = iota // what was sent
	DeadLetter                 // what could not be processed
	Transfer                   // what could not be moved on to another name
	subQueues
)

// A State is what is true of a message within its sub-queue.
type State uint8

const (
	Active    State = iota + 1 // ready for a receiver
	Locked                     // with a receiver
	Scheduled                  // waits for an instant
	Deferred                   // received by its sequence number only
	states
)

// place is where an entry is.
type place struct {
	sub      SubQueue
	state    State
	position uint64 // order within sub and line
}

// A line is a range of keys. Active and locked messages stand in one line, so
// that a lock changes an entry where it is.
type line uint8

const (
	readyLine     = line(Active)
	scheduledLine = line(Scheduled)
	deferredLine  = line(Deferred)
)

var lines = [...]line{readyLine, scheduledLine, deferredLine}

func (s State) line() line {
	if s == Locked {
		return readyLine
	}
	return line(s)
}

// keySize is queue id (8), sub-queue (1), line (1), position (8).
const keySize = 18

func (q ID) key(sub SubQueue, l line, position uint64) []byte {
	k := make([]byte, 0, keySize)
	k = binary.BigEndian.AppendUint64(k, uint64(q))
	k = append(k, byte(sub), byte(l))
	return binary.BigEndian.AppendUint64(k, position)
}

func (q ID) keyOf(e *entry) []byte { return q.key(e.sub, e.state.line(), e.position) }

// between is the range of keys of a line from a position on.
func (q ID) between(sub SubQueue, l line, from uint64) (first, end []byte) {
	end = binary.BigEndian.AppendUint64(nil, uint64(q))
	return q.key(sub, l, from), append(end, byte(sub), byte(l)+1)
}

// An entry is one message in one queue: all that changes about it, and where
// its body is.
type entry struct {
	place
	seq        uint64 // given once; the position may change
	body       bodyRef
	sentAt     time.Time
	expiresAt  time.Time     // zero: never
	dueAt      time.Time     // of a scheduled one: when it becomes active
	timeToLive time.Duration // the message's own; 0: none
	deliveries uint32
	unsent     uint32 // attempts of which nothing reached anybody
	lock       lock
	hops       uint8 // names that it was moved on through
	flags      flags
	dead       dead   // why it is in a dead-letter queue
	envelope   []byte // replaces the body's, if properties were changed for this queue
	head       []byte // record 0 of the body, while it is in memory; not stored
}

// lock is the random half of a lock token and the instant the lock ends by
// itself. It stays in the entry when the lock is over, so that a late
// settlement learns why.
type lock struct {
	random uint64
	until  time.Time
}

type dead struct{ reason, description, source string }

type flags uint8

const (
	keepsPosition flags = 1 << iota // scheduled by a delayed abandon: it goes back to its position
	wasDeferred                     // locked by its sequence number: an abandon defers it again
	lockExpired                     // its last lock ran out, and was not settled
	isDead                          // it has dead
	isLocked                        // it stands in the ready line and is locked
	isShared                        // its body has a record in sharesTable
	isChanged                       // it has an envelope of its own
	isVolatile                      // its lock ends with the process
)

// entryVersion begins every entry's value.
const entryVersion = 1

// maxEntrySize is about what an entry without dead takes.
const maxEntrySize = 92

// encode returns the value of e, with room for the store's checksum:
//
//	version flags seq body.id body.chunks body.size sentAt expiresAt dueAt
//	timeToLive deliveries unsent lock.random lock.until hops
//	[reason description source] [envelope]
//
// All numbers are unsigned varints, instants in microseconds since 1970, 0 for
// none; strings follow their length.
func (e *entry) encode() []byte {
	b := make([]byte, 0, maxEntrySize+len(e.dead.reason)+len(e.dead.description)+len(e.dead.source)+len(e.envelope))
	e.flags &^= isLocked | isChanged
	if e.state == Locked {
		e.flags |= isLocked
	}
	if e.envelope != nil {
		e.flags |= isChanged
	}
	b = append(b, entryVersion, byte(e.flags))
	for _, n := range [...]uint64{
		e.seq, e.body.id, uint64(e.body.chunks), uint64(e.body.size),
		micros(e.sentAt), micros(e.expiresAt), micros(e.dueAt), uint64(e.timeToLive / time.Microsecond),
		uint64(e.deliveries), uint64(e.unsent), e.lock.random, micros(e.lock.until), uint64(e.hops),
	} {
		b = binary.AppendUvarint(b, n)
	}
	if e.flags&isDead != 0 {
		for _, s := range [...]string{e.dead.reason, e.dead.description, e.dead.source} {
			b = binary.AppendUvarint(b, uint64(len(s)))
			b = append(b, s...)
		}
	}
	if e.envelope != nil {
		b = binary.AppendUvarint(b, uint64(len(e.envelope)))
		b = append(b, e.envelope...)
	}
	return b
}

// errRecord says that a record cannot be read although its checksum is right:
// another version wrote it, or this one is wrong.
var errRecord = errors.New("a record has a layout that this version does not read")

func decodeEntry(key, b []byte) (*entry, error) {
	if len(key) != keySize || len(b) < 2 || b[0] != entryVersion {
		return nil, errRecord
	}
	e := &entry{
		place: place{SubQueue(key[8]), State(key[9]), binary.BigEndian.Uint64(key[10:])},
		flags: flags(b[1]),
	}
	if e.flags&isLocked != 0 {
		e.state = Locked
	}
	r := record{b[2:], false}
	e.seq = r.number()
	e.body = bodyRef{id: r.number(), chunks: uint32(r.number()), size: int64(r.number())}
	e.sentAt, e.expiresAt, e.dueAt = r.instant(), r.instant(), r.instant()
	e.timeToLive = time.Duration(r.number()) * time.Microsecond
	e.deliveries, e.unsent = uint32(r.number()), uint32(r.number())
	e.lock = lock{r.number(), r.instant()}
	e.hops = uint8(r.number())
	if e.flags&isDead != 0 {
		e.dead = dead{r.text(), r.text(), r.text()}
	}
	if e.flags&isChanged != 0 {
		e.envelope = []byte(r.text())
	}
	if r.bad || len(r.rest) > 0 {
		return nil, errRecord
	}
	return e, nil
}

// record reads the parts of a value; bad is set at the first that is not there.
type record struct {
	rest []byte
	bad  bool
}

func (r *record) number() uint64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 {
		r.rest, r.bad = nil, true
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

func (r *record) instant() time.Time {
	if us := r.number(); us != 0 {
		return time.UnixMicro(int64(us)).UTC()
	}
	return time.Time{}
}

func (r *record) text() string {
	n := r.number()
	if n > uint64(len(r.rest)) {
		r.rest, r.bad = nil, true
		return ""
	}
	s := string(r.rest[:n])
	r.rest = r.rest[n:]
	return s
}

func micros(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	return uint64(t.UnixMicro())
}

// Tables of this package.
const (
	entriesTable = store.Table("entries") // queue id, sub-queue, line, position → entry
	bodiesTable  = store.Table("bodies")  // body id (8), chunk (4) → envelope and payload
	movedTable   = store.Table("moved")   // queue id (8), sequence number (8) → position, if they differ
	countsTable  = store.Table("counts")  // queue id (8) → counts
	trashTable   = store.Table("trash")   // what is to be emptied in steps
)

// Tables are what a store of queues has to have.
var Tables = []store.Table{entriesTable, bodiesTable, movedTable, countsTable, trashTable, sharesTable}

// read returns the entry at a position of a line, nil if there is none.
func (q ID) read(r *store.Reader, sub SubQueue, l line, position uint64) (*entry, error) {
	key := q.key(sub, l, position)
	v, err := r.Get(entriesTable, key)
	if v == nil || err != nil {
		return nil, err
	}
	return decodeEntry(key, v)
}

// queueOf returns the queue that a key of an entry belongs to.
func queueOf(key []byte) ID { return ID(binary.BigEndian.Uint64(key)) }
