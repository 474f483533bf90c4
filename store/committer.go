package store

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

const (
	// maxBatchOps bounds the ops of a commit, and with it how long the first one waits.
	maxBatchOps = 2000
	// maxBatchBytes bounds the write-set of a commit: no op is added once it is reached.
	maxBatchBytes = 1 << 20
	// maxWaitingOps bounds the ops that wait for the writer; further callers block in Update.
	maxWaitingOps = 1024
)

// An op on its way. Whoever moves it out of queued first decides its fate.
type op struct {
	fn    func(*Tx) error
	state atomic.Int32
	err   error         // written by the writer before it signals done
	done  chan struct{} // one signal for each use of the op
}

func newOp() any { return &op{done: make(chan struct{}, 1)} }

const (
	queued int32 = iota
	taken
	withdrawn
)

// Update runs fn in the writer and returns when what it wrote is on disk, or
// returns fn's error, and then nothing of it is. fn touches nothing but the
// transaction and memory that the writer owns, reads nothing from outside, and
// can run twice: if another op of the same commit fails after it began to
// write, the others run again.
//
// A ctx that ends before the writer has taken the op withdraws it; later it
// has no effect. Either way the outcome is known: a nil error is durable, any
// other error but ErrFailed has changed nothing.
func (s *Store) Update(ctx context.Context, fn func(*Tx) error) error {
	o := s.pool.Get().(*op)
	o.fn, o.err = fn, nil
	o.state.Store(queued)
	if err := s.enqueue(ctx, o); err != nil {
		return err
	}
	select {
	case <-o.done:
	case <-ctx.Done():
		if o.state.CompareAndSwap(queued, withdrawn) {
			return ctx.Err() // the op is the writer's: it will still meet it
		}
		<-o.done
	}
	err := o.err
	o.fn, o.err = nil, nil
	s.pool.Put(o)
	return err
}

// enqueue hands o to the writer, which answers whatever it is handed.
func (s *Store) enqueue(ctx context.Context, o *op) error {
	s.gate.RLock()
	defer s.gate.RUnlock()
	if s.closed {
		return s.closedErr()
	}
	select {
	case s.ops <- o:
		return nil
	default:
	}
	select {
	case s.ops <- o:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// write is the writer: it runs until the store is closed and what was waiting then is done.
func (s *Store) write() {
	for o := range s.ops {
		s.commit(o)
	}
	close(s.stopped)
}

// commit runs first and whatever else is waiting in one transaction. There is
// no timer: while a commit is synced the next ones gather.
func (s *Store) commit(first *op) {
	s.batch = s.batch[:0]
	err := s.attempt(first) // [Q1] [R9] nobody is answered before it is on disk
	for errors.Is(err, errRerun) {
		s.stats.reruns.Add(1)
		err = s.attempt(nil)
	}
	for _, o := range s.batch {
		if o.err == nil {
			o.err = err
		}
		o.done <- struct{}{}
	}
	clear(s.batch)
}

// errRerun says that an op failed after it began to write.
var errRerun = errors.New("run the others again")

// attempt runs the ops of the batch that have not failed, takes in more, and
// commits. With first == nil the batch stays as it is.
func (s *Store) attempt(first *op) error {
	if err := s.Failed(); err != nil {
		s.take(first)
		return err
	}
	b, err := s.bolt.Begin(true)
	if err != nil {
		s.take(first)
		return s.fail(err)
	}
	defer b.Rollback() // does nothing after a commit
	tx := s.begin(b)
	if err := s.gather(tx, first); err != nil {
		return tx.drop(err)
	}
	return s.finish(tx)
}

// take moves o into the batch unless its caller has withdrawn it.
func (s *Store) take(o *op) bool {
	if o == nil || !o.state.CompareAndSwap(queued, taken) {
		return false
	}
	s.batch = append(s.batch, o)
	return true
}

// gather runs the batch, and if first is given takes and runs what is waiting too.
func (s *Store) gather(tx *Tx, first *op) error {
	for _, o := range s.batch {
		if o.err == nil {
			if err := s.step(tx, o); err != nil {
				return err
			}
		}
	}
	for o := first; o != nil; o = s.more(tx) {
		if s.take(o) {
			if err := s.step(tx, o); err != nil {
				return err
			}
		}
	}
	return nil
}

// more returns an op that waits, nil if there is none or the commit is full.
// Before it gives up it lets other goroutines run, for as long as that brings
// ops: callers that the last commit has just answered get to send their next
// one, and share a sync.
func (s *Store) more(tx *Tx) *op {
	for yielded := false; len(s.batch) < maxBatchOps && !tx.Full(); yielded = true {
		select {
		case o, open := <-s.ops:
			if open {
				return o
			}
			return nil
		default:
		}
		if yielded {
			return nil
		}
		runtime.Gosched()
	}
	return nil
}

// step runs one op. It returns errRerun if the op failed and had begun to write.
func (s *Store) step(tx *Tx, o *op) error {
	calls, hooks := tx.own.calls, len(tx.hooks)
	o.err = tx.run(o.fn)
	if o.err == nil {
		return nil
	}
	if tx.own.calls > calls {
		return errRerun
	}
	tx.hooks = tx.hooks[:hooks]
	return nil
}

// drop forgets the transaction and returns err.
func (t *Tx) drop(err error) error {
	for _, p := range t.parts {
		p.RolledBack()
	}
	return err
}

// finish commits what the ops have written. A commit that has nothing to
// write is none: waiting receivers cost no sync.
func (s *Store) finish(tx *Tx) error {
	for i := 0; i < len(tx.parts); i++ {
		tx.parts[i].Flush(tx)
	}
	s.stats.ops.Add(uint64(len(s.batch)))
	if len(tx.own.writes) > 0 {
		if err := s.apply(tx); err != nil {
			return tx.drop(err)
		}
	}
	for _, p := range tx.parts {
		p.Committed()
	}
	for _, hook := range tx.hooks {
		hook()
	}
	return nil
}

// apply writes the write-set to bbolt and syncs it.
func (s *Store) apply(tx *Tx) error {
	tx.Put(metaTable, []byte(commitKey), encodeCommit(tx.Number, tx.Now))
	set := WriteSet{Number: tx.Number, At: tx.Now, Writes: tx.own.set()}
	if err := s.put(tx, set); err != nil {
		return err
	}
	s.number, s.last = tx.Number, tx.Now
	s.stats.commits.Add(1)
	if s.opts.OnDue != nil && tx.nextDue != math.MaxInt64 {
		s.opts.OnDue(time.UnixMicro(tx.nextDue))
	}
	return nil
}

// put hands set to bbolt and commits.
func (s *Store) put(tx *Tx, set WriteSet) error {
	for _, w := range set.Writes {
		b := tx.bucket(w.Table)
		b.FillPercent = fillPercent
		var err error
		if w.Value == nil {
			err = b.delete(w.Key)
		} else {
			err = b.Put(w.Key, w.Value)
		}
		if err != nil {
			return s.fail(err)
		}
	}
	err := tx.bolt.Commit()
	switch {
	case err == nil:
		return nil
	case isFull(err) && s.unchanged():
		return ErrNoSpace
	default:
		return s.fail(err)
	}
}

// unchanged reports whether the file still ends with the commit before. A
// write that failed in bbolt's meta page can have put down enough of it to
// make the new one valid.
func (s *Store) unchanged() bool {
	var number uint64
	err := s.View(func(r *Reader) (err error) {
		number, _, err = r.lastCommit()
		return err
	})
	return err == nil && number == s.number
}

// isFull reports whether err says that there was no space for a write: bbolt
// has rolled back then. An ENOSPC from a sync comes as a bare error number and
// is not one of these.
func isFull(err error) bool {
	if errors.Is(err, bolterrors.ErrMaxSizeReached) {
		return true
	}
	var p *fs.PathError
	return errors.As(err, &p) && errors.Is(p.Err, syscall.ENOSPC)
}

// begin makes the transaction of the next commit.
func (s *Store) begin(b *bolt.Tx) *Tx {
	s.own.reset()
	s.disk.measure()
	return &Tx{
		Reader:  Reader{bolt: b, own: s.own},
		Now:     s.clock.now(s.last),
		Number:  s.number + 1,
		store:   s,
		nextDue: math.MaxInt64,
	}
}
