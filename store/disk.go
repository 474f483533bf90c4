package store

import (
	"sync/atomic"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
)

// disk knows how much room there is. Sends are refused while some is left, so
// that messages can still be received and settled: that takes room too.
type disk struct {
	dir      string
	db       *bolt.DB
	opts     Options
	pageSize int       // bytes
	atTime   time.Time // of the last measurement; owned by the writer
	free     atomic.Int64
	file     atomic.Int64 // bytes the file may still grow by or has free inside
}

// measureEvery is how old the figures may get.
const measureEvery = 200 * time.Millisecond

// minQuotaFree is what is kept of the file's quota, in bytes.
const minQuotaFree = 32 << 20

func newDisk(dir string, db *bolt.DB, opts Options) *disk {
	d := &disk{dir: dir, db: db, opts: opts, pageSize: db.Info().PageSize}
	d.measure()
	return d
}

func (d *disk) measure() {
	if time.Since(d.atTime) < measureEvery {
		return
	}
	d.atTime = time.Now()
	var fs syscall.Statfs_t
	if err := syscall.Statfs(d.dir, &fs); err == nil {
		d.free.Store(int64(fs.Bavail) * int64(fs.Bsize))
	}
	stats := d.db.Stats()
	inside := int64(stats.FreePageN+stats.PendingPageN) * int64(d.pageSize)
	size := d.db.View(func(tx *bolt.Tx) error {
		inside += d.opts.MaxSize - int64(d.opts.GrowBy) - tx.Size() // bbolt leaves the last step unused
		return nil
	})
	if size == nil {
		d.file.Store(inside)
	}
}

// room returns ErrNoSpace if the disk or the quota is below its floor.
func (d *disk) room() error {
	quota := min(minQuotaFree, d.opts.MaxSize/8)
	if d.free.Load() < d.opts.MinFree || d.file.Load() < quota {
		return ErrNoSpace
	}
	return nil
}
