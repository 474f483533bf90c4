package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"

	bolt "go.etcd.io/bbolt"
)

// bareBatch bounds the values in a transaction: a larger one takes longer for each.
const bareBatch = 1000

// Bare is the least that a durable queue on bbolt can do: one writer puts each
// value under the next key, as many in a transaction as are waiting, and
// answers after the sync. Its methods may be called from any goroutine.
type Bare struct {
	// Fixed after construction.
	db     *bolt.DB
	copies int // records that each value is written as
	puts   chan *barePut
	pool   sync.Pool // of *barePut
	ended  sync.WaitGroup

	commits   atomic.Uint64
	closeOnce sync.Once
	closeErr  error
}

type barePut struct {
	value []byte
	err   error         // written by the writer before it signals done
	done  chan struct{} // one signal for each use
}

// NewBare opens a file in dir with the settings that the store uses too.
func NewBare(dir string) (*Bare, error) { return newBare(dir, 1) }

// newBare is NewBare that writes each value more than once.
func newBare(dir string, copies int) (*Bare, error) {
	db, err := bolt.Open(filepath.Join(dir, "bare.db"), 0o600, &bolt.Options{
		NoFreelistSync: true, FreelistType: bolt.FreelistMapType, InitialMmapSize: 64 << 30,
	})
	if err != nil {
		return nil, err
	}
	db.AllocSize = 64 << 20
	err = db.Update(func(tx *bolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(bareBucket())
		return err
	})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	b := &Bare{
		db: db, copies: copies,
		puts: make(chan *barePut, 1024),
		pool: sync.Pool{New: func() any { return &barePut{done: make(chan struct{}, 1)} }},
	}
	b.ended.Go(b.write)
	return b, nil
}

func bareBucket() []byte { return []byte("values") }

// Put returns when value is on disk. The value is the caller's again then.
func (b *Bare) Put(value []byte) error {
	p := b.pool.Get().(*barePut)
	p.value = value
	b.puts <- p
	<-p.done
	err := p.err
	p.value, p.err = nil, nil
	b.pool.Put(p)
	return err
}

// write is the writer: it runs until Close.
func (b *Bare) write() {
	var last uint64
	batch := make([]*barePut, 0, bareBatch)
	for first := range b.puts {
		batch = b.gather(append(batch[:0], first))
		err := b.db.Update(func(tx *bolt.Tx) error { return b.putAll(tx, last, batch) })
		last += uint64(len(batch) * b.copies)
		b.commits.Add(1)
		for _, p := range batch {
			p.err = err
			p.done <- struct{}{}
		}
	}
}

func (b *Bare) putAll(tx *bolt.Tx, last uint64, batch []*barePut) error {
	values := tx.Bucket(bareBucket())
	values.FillPercent = 0.95
	for _, p := range batch {
		for range b.copies {
			last++
			if err := values.Put(binary.BigEndian.AppendUint64(nil, last), p.value); err != nil {
				return err
			}
		}
	}
	return nil
}

// gather takes in what is waiting, and lets other goroutines run once: with
// that, callers who have just been answered share a sync. To go on for as long
// as it brings more makes fewer syncs, and with a fast disk not more values.
func (b *Bare) gather(batch []*barePut) []*barePut {
	for yielded := false; len(batch) < cap(batch); {
		select {
		case p := <-b.puts:
			batch = append(batch, p)
		default:
			if yielded {
				return batch
			}
			yielded = true
			runtime.Gosched()
		}
	}
	return batch
}

// Written returns what went to disk, counted as the store counts: the pages
// and the meta page of each commit, and two syncs.
func (b *Bare) Written() Written {
	stats, commits := b.db.Stats(), b.commits.Load()
	return Written{
		Bytes: uint64(stats.TxStats.GetPageAlloc()) + uint64(b.db.Info().PageSize)*commits,
		Syncs: 2 * commits,
	}
}

// Count returns how many values there are, by reading them.
func (b *Bare) Count() (count int, err error) {
	err = b.db.View(func(tx *bolt.Tx) error {
		count = tx.Bucket(bareBucket()).Stats().KeyN
		return nil
	})
	return count, err
}

// Close ends the writer and removes the file. Nobody may be in Put.
func (b *Bare) Close() error {
	b.closeOnce.Do(func() {
		close(b.puts)
		b.ended.Wait()
		path := b.db.Path()
		b.closeErr = errors.Join(b.db.Close(), os.Remove(path))
	})
	return b.closeErr
}

// bareSubject has each caller put its own body.
type bareSubject struct {
	*Bare
	bodies [][]byte
	ledger Ledger
}

// OpenBare opens the bare limit of what callers in this process can do.
func OpenBare(_ context.Context, dir string, callers int) (Subject, error) {
	return openBareCopies(dir, callers, 1)
}

// openBareCopies opens one that writes each value more than once.
func openBareCopies(dir string, callers, copies int) (Subject, error) {
	b, err := newBare(dir, copies)
	if err != nil {
		return nil, err
	}
	return &bareSubject{Bare: b, bodies: newBodies(callers)}, nil
}

// Do puts one body.
func (b *bareSubject) Do(_ context.Context, caller int) error {
	body := b.bodies[caller]
	b.ledger.Stamp(body)
	return b.Put(body)
}

// Check counts the values.
func (b *bareSubject) Check(context.Context) error { return b.checkCount(b.ledger.sent.Load()) }

func (b *Bare) checkCount(sent uint64) error {
	count, err := b.Count()
	if err == nil && uint64(count) != sent*uint64(b.copies) {
		err = fmt.Errorf("%w: %d values put, %d there", ErrLost, sent, count)
	}
	return err
}
