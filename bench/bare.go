// Package bench measures the broker beside the bare limits of what it stands
// on, in the same run, so that a figure is a ratio and not a property of the
// machine.
package bench

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	bolt "go.etcd.io/bbolt"
)

// Bare is the least that a durable queue on bbolt can do: one writer puts each
// value under the next key, as many in a transaction as are waiting, and
// answers after the sync.
type Bare struct {
	db   *bolt.DB
	puts chan barePut
	done sync.WaitGroup
}

type barePut struct {
	value []byte
	done  chan error
}

// NewBare opens a file in dir with the settings that the store uses too.
func NewBare(dir string) (*Bare, error) {
	db, err := bolt.Open(filepath.Join(dir, "bare.db"), 0o600, &bolt.Options{
		NoFreelistSync: true, FreelistType: bolt.FreelistMapType, InitialMmapSize: 64 << 30,
	})
	if err != nil {
		return nil, err
	}
	db.AllocSize = 64 << 20
	b := &Bare{db: db, puts: make(chan barePut, 1024)}
	err = db.Update(func(tx *bolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists([]byte("values"))
		return err
	})
	if err != nil {
		return nil, err
	}
	b.done.Go(b.write)
	return b, nil
}

var answers = sync.Pool{New: func() any { return make(chan error, 1) }}

// Put returns when value is on disk.
func (b *Bare) Put(value []byte) error {
	done := answers.Get().(chan error)
	b.puts <- barePut{value, done}
	err := <-done
	answers.Put(done)
	return err
}

func (b *Bare) write() {
	var next uint64
	batch := make([]barePut, 0, 1000)
	for first := range b.puts {
		batch = b.gather(append(batch[:0], first))
		err := b.db.Update(func(tx *bolt.Tx) error {
			values := tx.Bucket([]byte("values"))
			values.FillPercent = 0.95
			for _, p := range batch {
				next++
				if err := values.Put(binary.BigEndian.AppendUint64(nil, next), p.value); err != nil {
					return err
				}
			}
			return nil
		})
		for _, p := range batch {
			p.done <- err
		}
	}
}

func (b *Bare) gather(batch []barePut) []barePut {
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

// Close ends the writer and removes the file.
func (b *Bare) Close() error {
	close(b.puts)
	b.done.Wait()
	path := b.db.Path()
	if err := b.db.Close(); err != nil {
		return err
	}
	return os.Remove(path)
}
