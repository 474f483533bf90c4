package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// Tables of the store's own.
const (
	metaTable = Table("meta")
	// Quarantined holds records that did not match their checksum, under
	// their table's name, a zero byte and their key.
	Quarantined = Table("quarantined")
)

// fillPercent leaves little room in a page that splits: keys mostly ascend.
const fillPercent = 0.95

// FileName is the bbolt file in the data folder, lockName the file whose lock says that the folder is in use.
const (
	FileName = "jitney.db"
	lockName = "lock"
)

// Options says how a folder is opened. The zero value of a field is its default.
type Options struct {
	Tables  []Table      // the tables that will be used; those that are missing are made
	MaxSize int64        // bytes the file may grow to; default 64 GiB
	MinFree int64        // bytes of the disk that are left free; default 256 MiB, negative for none
	GrowBy  int          // bytes the file grows by; default 64 MiB, at the most a 16th of MaxSize
	Logger  *slog.Logger // default slog.Default()

	// OnDue is called by the writer after a commit that put due entries, with
	// the earliest of their instants. It must not block.
	OnDue func(at time.Time)
}

func (o Options) withDefaults() Options {
	if o.MaxSize == 0 {
		o.MaxSize = 64 << 30
	}
	if o.MinFree == 0 {
		o.MinFree = 256 << 20
	}
	if o.GrowBy == 0 {
		o.GrowBy = 64 << 20
	}
	o.GrowBy = int(min(int64(o.GrowBy), o.MaxSize/16))
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}

// A Store is an open data folder. Its methods may be called from any goroutine.
type Store struct {
	// Fixed after construction.
	dir     string
	opts    Options
	bolt    *bolt.DB
	lock    *os.File
	clock   clock
	ops     chan *op
	pool    sync.Pool     // of ops
	stopped chan struct{} // closed by the writer when it has ended
	failure chan struct{} // closed when the store has failed

	gate   sync.RWMutex // held for reading while an op is put into ops; guards closed
	closed bool

	// Owned by the writer.
	number uint64    // of the last commit
	last   time.Time // the instant of the last commit
	own    *pending
	batch  []*op
	disk   *disk

	stats     counters
	failed    atomic.Pointer[error]
	failOnce  sync.Once
	closeOnce sync.Once
	closeErr  error
}

// Open opens the data folder dir, and makes it if it is not there. The error
// is ErrInUse, ErrFormat or one of the file system. Opening reads the whole
// tree of pages once but no records: about 0.4 s for 1,000,000 messages of 1 KiB.
func Open(dir string, opts Options) (*Store, error) {
	opts = opts.withDefaults()
	lock, err := lockFolder(dir)
	if err != nil {
		return nil, err
	}
	s := &Store{
		dir:     dir,
		opts:    opts,
		lock:    lock,
		ops:     make(chan *op, maxWaitingOps),
		pool:    sync.Pool{New: newOp},
		stopped: make(chan struct{}),
		failure: make(chan struct{}),
		own:     newPending(),
	}
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("open %s: %w", dir, errors.Join(err, unlockFolder(lock)))
	}
	go s.write()
	return s, nil
}

func (s *Store) open() error {
	path := filepath.Join(s.dir, FileName)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		if err := s.initialise(path); err != nil {
			return err
		}
	}
	db, err := openBolt(path, s.opts)
	if err != nil {
		return err
	}
	s.bolt = db
	s.disk = newDisk(s.dir, db, s.opts)
	if err := s.prepare(); err != nil {
		db.Close()
		return err
	}
	s.clock = newClock(s.last)
	return nil
}

// prepare checks the format, makes missing tables and reads the last commit.
func (s *Store) prepare() error {
	return s.bolt.Update(func(tx *bolt.Tx) error {
		for _, t := range append([]Table{Quarantined, dueTable}, s.opts.Tables...) {
			if _, err := tx.CreateBucketIfNotExists([]byte(t)); err != nil {
				return err
			}
		}
		r := Reader{bolt: tx}
		if err := checkFormat(&r); err != nil {
			return err
		}
		var err error
		s.number, s.last, err = r.lastCommit()
		return err
	})
}

// View runs fn with a view of the last commit. It is called from any
// goroutine, beside the writer, and does nothing slow: while it lasts no page
// is reused that the view can see.
func (s *Store) View(fn func(*Reader) error) error {
	err := s.bolt.View(func(tx *bolt.Tx) error {
		return fn(&Reader{bolt: tx})
	})
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		return ErrClosed
	}
	return err
}

// Failed returns nil, or an error that wraps ErrFailed and says what went wrong.
func (s *Store) Failed() error {
	if p := s.failed.Load(); p != nil {
		return *p
	}
	return nil
}

// Failure is closed when the store fails. The process should end then: what
// the last commit did is known only after the folder is opened again.
func (s *Store) Failure() <-chan struct{} { return s.failure }

// fail makes err the store's last word.
func (s *Store) fail(err error) error {
	s.failOnce.Do(func() {
		wrapped := fmt.Errorf("%w: %w", ErrFailed, err)
		s.failed.Store(&wrapped)
		close(s.failure)
		s.opts.Logger.Error("the store has failed", "error", err)
	})
	return s.Failed()
}

// closedErr is why no op is taken any more.
func (s *Store) closedErr() error {
	if err := s.Failed(); err != nil {
		return err
	}
	return ErrClosed
}

// Close runs the ops that are waiting, ends the writer and closes the file.
// Views that are open are waited for.
func (s *Store) Close() error {
	s.closeOnce.Do(func() {
		s.gate.Lock()
		s.closed = true
		close(s.ops)
		s.gate.Unlock()
		<-s.stopped
		s.closeErr = errors.Join(s.bolt.Close(), unlockFolder(s.lock))
	})
	return s.closeErr
}

// Dir returns the data folder.
func (s *Store) Dir() string { return s.dir }

// Sync returns when all that was asked before it is on disk.
func (s *Store) Sync(ctx context.Context) error {
	return s.Update(ctx, func(*Tx) error { return nil })
}

// commitKey holds the number and the instant of the last commit.
const commitKey = "commit"

func encodeCommit(number uint64, at time.Time) []byte {
	v := make([]byte, 0, 16+sumSize)
	v = binary.BigEndian.AppendUint64(v, number)
	return binary.BigEndian.AppendUint64(v, uint64(at.UnixMicro()))
}

// lastCommit returns the number and instant of the last commit; zero if there is none.
func (r *Reader) lastCommit() (number uint64, at time.Time, err error) {
	v, err := r.Get(metaTable, []byte(commitKey))
	if err != nil || v == nil {
		return 0, time.Time{}, err
	}
	return decodeCommit(v)
}

func decodeCommit(v []byte) (number uint64, at time.Time, err error) {
	if len(v) != 16 {
		return 0, time.Time{}, fmt.Errorf("%w: the record of the last commit has %d bytes", ErrFormat, len(v))
	}
	return binary.BigEndian.Uint64(v), time.UnixMicro(int64(binary.BigEndian.Uint64(v[8:]))).UTC(), nil
}

// clock gives the instants of commits: the wall time of the start, or the last
// commit's if that is later, carried on by the monotonic clock, so that a clock
// that is set back makes no lock longer and no message younger.
type clock struct {
	start time.Time     // when the store was opened
	ahead time.Duration // of the wall time then
}

func newClock(last time.Time) clock {
	start := time.Now()
	return clock{start, max(0, last.Sub(start))}
}

// now is the present instant in whole microseconds, not earlier than last.
func (c clock) now(last time.Time) time.Time {
	now := c.start.Add(c.ahead + time.Since(c.start)).Truncate(time.Microsecond).UTC()
	if now.Before(last) {
		return last
	}
	return now
}

// Now is the present instant by the store's clock.
func (s *Store) Now() time.Time { return s.clock.now(time.Time{}) }
