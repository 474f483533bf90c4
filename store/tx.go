package store

import (
	"fmt"
	"runtime/debug"
	"time"

	bolt "go.etcd.io/bbolt"
)

// A Tx is what an op works on: the records as the ops before it left them,
// and the commit in the making. It is used by the writer only.
type Tx struct {
	Reader
	Now    time.Time // the one instant of this commit; never earlier than that of a commit before
	Number uint64    // of this commit

	store   *Store
	ids     uint64
	nextDue int64 // the earliest instant that PutDue was given, in microseconds
	parts   []Participant
	hooks   []func()
}

// A Participant is memory that follows the store: a queue's window of ready
// messages, a cache. It may change while ops run, because the writer alone
// uses it. Its methods are called by the writer.
type Participant interface {
	// Flush is called when all ops of a commit have run: it puts what is
	// written once a commit and not once an op. A participant that is given
	// more to do afterwards, by another one's Flush, joins again.
	Flush(tx *Tx)
	// Committed is called when the commit is on disk, before its callers are
	// answered. It must not block nor call the store.
	Committed()
	// RolledBack says that nothing of what happened since Join is true.
	RolledBack()
}

// idBits is how many bits of an id count within a commit.
const idBits = 20

// maxIDs is how many ids a commit can give out.
const maxIDs = 1 << idBits

// NewID returns a number that is in no record of this store and was in none
// before; later ones are greater. No record is needed for it: it is made of
// the commit's number. One that was taken in a commit that wrote nothing can
// be given out again.
func (t *Tx) NewID() uint64 {
	if t.ids == maxIDs-1 {
		panic("store: too many ids for one commit")
	}
	t.ids++
	return t.Number<<idBits | t.ids
}

// Put stores value under key. It takes both slices over: the caller does not
// change them afterwards. A value with spare capacity is not copied. Put,
// Insert and Delete panic, which fails the op, if the table was not named in
// Options or the key does not have 1 to 32,768 bytes.
func (t *Tx) Put(table Table, key, value []byte) {
	t.write(Write{Table: table, Key: key, Value: seal(table, key, value)})
}

// Insert is Put for a key that the store does not have. If it is deleted in
// the same commit, neither reaches the disk.
func (t *Tx) Insert(table Table, key, value []byte) {
	t.write(Write{Table: table, Key: key, Value: seal(table, key, value), inserted: true})
}

// Delete removes key, if it is there. It takes key over.
func (t *Tx) Delete(table Table, key []byte) {
	t.write(Write{Table: table, Key: key})
}

// write adds w to the commit, unless bbolt would refuse it: then the op fails
// here, and not the commit with all that is in it.
func (t *Tx) write(w Write) {
	t.bucket(w.Table)
	if n := len(w.Key); n == 0 || n > bolt.MaxKeySize {
		panic(fmt.Sprintf("store: a key of %d bytes in table %s", n, w.Table))
	}
	t.own.add(w)
}

// Join makes p take part in this commit.
func (t *Tx) Join(p Participant) {
	t.parts = append(t.parts, p)
}

// OnCommit has fn called by the writer when the commit is on disk, before its
// callers are answered, in the order of the calls. fn must not block nor call
// the store. If the commit fails it is not called.
func (t *Tx) OnCommit(fn func()) {
	t.hooks = append(t.hooks, fn)
}

// Room returns ErrNoSpace if the disk is below its floor, so that an op that
// would add to the store can refuse while those that take from it go on.
func (t *Tx) Room() error {
	return t.store.disk.room()
}

// Full reports whether the commit has as many bytes as it should have: an op
// that works through many records stops there and goes on in another one.
func (t *Tx) Full() bool {
	return t.own.bytes >= maxBatchBytes
}

// Quarantine moves a damaged record, as it is, to the table Quarantined, so
// that it is never served and can be looked at. It does nothing if the record
// has been written anew or is gone.
func (t *Tx) Quarantine(e *CorruptError) {
	if _, err := t.Get(e.Table, e.Key); err == nil {
		return
	}
	raw := t.bucket(e.Table).get(e.Key)
	kept := append([]byte(nil), raw...)
	t.Put(Quarantined, append([]byte(string(e.Table)+"\x00"), e.Key...), kept)
	t.Delete(e.Table, e.Key)
	t.store.opts.Logger.Error("a damaged record was put aside",
		"table", string(e.Table), "key", fmt.Sprintf("%x", e.Key))
	t.store.stats.quarantined.Add(1)
}

// run calls fn and turns a panic into an error.
func (t *Tx) run(fn func(*Tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			t.store.opts.Logger.Error("an op panicked", "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("%w: %v", ErrPanic, p)
		}
	}()
	return fn(t)
}
