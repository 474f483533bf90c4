//go:build linux

package faultfs_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"

	"github.com/jitney-mq/jitney/e2e/faultfs"
)

var bucket = []byte("b")

// newDatabase makes a directory with a database that has an empty bucket.
func newDatabase(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	db := open(t, dir, nil)
	ok(t, db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket(bucket)
		return err
	}))
	ok(t, db.Close())
	return dir
}

func open(t testing.TB, dir string, o *bbolt.Options) *bbolt.DB {
	t.Helper()
	db, err := bbolt.Open(filepath.Join(dir, "db"), 0o600, o)
	ok(t, err)
	return db
}

// put stores n under n, with a value of a length that n determines.
func put(db *bbolt.DB, n int) error {
	return db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucket).Put(binary.BigEndian.AppendUint32(nil, uint32(n)), value(n))
	})
}

func value(n int) []byte { return bytes.Repeat([]byte{byte(n)}, n*7919%3000) }

// count returns how many values from 0 on db holds. It returns an error if one is wrong or any other key is there.
func count(db *bbolt.DB) (n int, err error) {
	err = db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucket).ForEach(func(k, v []byte) error {
			if binary.BigEndian.Uint32(k) != uint32(n) || !bytes.Equal(v, value(n)) {
				return fmt.Errorf("%d. entry has key %x and %d bytes", n, k, len(v))
			}
			n++
			return nil
		})
	})
	return n, err
}

// recoverDatabase opens the database in dir as after a crash. Errors, panics and faults of a broken one become an error. It is
// opened for reading only, since bbolt's walk through the file at a writable opening panics in a goroutine of its own.
func recoverDatabase(dir string) (n int, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	db, err := bbolt.Open(filepath.Join(dir, "db"), 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		return 0, err
	}
	defer db.Close()
	return count(db)
}

type attempted int // a mark: put n is about to be called

type acknowledged int // a mark: put n has returned nil

// record puts the values from 0 to n-1 into a new database and returns the history of it.
func record(t testing.TB, n int, o *bbolt.Options) *faultfs.History {
	t.Helper()
	fs := mount(t, newDatabase(t))
	db := open(t, fs.Path(), o)
	for i := range n {
		ok(t, fs.Mark(attempted(i)))
		ok(t, put(db, i))
		ok(t, fs.Mark(acknowledged(i)))
	}
	ok(t, db.Close())
	return history(t, fs)
}

// check compares what survived a crash after k operations with what had been acknowledged and attempted.
func check(h *faultfs.History, k, survived int) error {
	var tried, promised int
	for _, m := range h.Before(k) {
		switch v := m.Value.(type) {
		case attempted:
			tried = int(v) + 1
		case acknowledged:
			promised = int(v) + 1
		}
	}
	if survived < promised || survived > tried {
		return fmt.Errorf("crash after %d operations: %d survived, %d acknowledged, %d attempted", k, survived, promised, tried)
	}
	return nil
}

// imageDir is a directory in memory if there is one.
func imageDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "faultfs-test-")
	if err != nil {
		return filepath.Join(t.TempDir(), "image")
	}
	t.Cleanup(func() { ok(t, os.RemoveAll(dir)) })
	return filepath.Join(dir, "image")
}

func TestBboltWorks(t *testing.T) {
	t.Parallel()
	fs := mount(t, t.TempDir())
	db := open(t, fs.Path(), &bbolt.Options{Timeout: 10 * time.Millisecond})
	_, err := bbolt.Open(db.Path(), 0o600, &bbolt.Options{Timeout: 10 * time.Millisecond})
	if !errors.Is(err, bbolterrors.ErrTimeout) {
		t.Errorf("second opening: %v, want a timeout at the lock", err)
	}
	ok(t, db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket(bucket)
		return err
	}))
	const n = 100
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for got := 0; got < n; {
				var err error
				if got, err = count(db); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range n {
		if err := put(db, i); err != nil {
			t.Error(err)
		}
	}
	readers.Wait()
	ok(t, db.Close())

	db = open(t, fs.Path(), nil)
	ok(t, db.View(func(tx *bbolt.Tx) error {
		for err := range tx.Check() {
			t.Error(err)
		}
		return nil
	}))
	ok(t, db.Close())
}

func TestCommitWritesDataThenSyncsThenMeta(t *testing.T) {
	t.Parallel()
	const metaPages = 2 * 4096 // bytes at the front of the file
	h := record(t, 3, nil)
	for i := range 3 {
		var shape string
		for _, op := range h.Ops[h.Marks[2*i].At:h.Marks[2*i+1].At] {
			switch {
			case op.Kind == faultfs.Sync:
				shape += "s"
			case op.Kind == faultfs.Truncate:
				shape += "t"
			case op.Kind == faultfs.Write && op.Offset < metaPages:
				shape += "m"
			case op.Kind == faultfs.Write:
				shape += "d"
			}
		}
		if !regexp.MustCompile("^(ts)?d+sms$").MatchString(shape) {
			t.Errorf("commit %d is %q, want growth and sync perhaps, data, sync, meta, sync", i, shape)
		}
	}
}

func TestEveryCrashKeepsTheCommittedPrefix(t *testing.T) {
	t.Parallel()
	h := record(t, 12, nil)
	disk, dir := h.Disk(faultfs.HonourSyncs), imageDir(t)
	for k := range len(h.Ops) + 1 {
		for seed := range uint64(5) {
			ok(t, disk.Image(dir, rand.New(rand.NewPCG(seed, uint64(k))), k))
			n, err := recoverDatabase(dir)
			ok(t, errors.Join(err, check(h, k, n)))
		}
	}
}

func TestWithoutSyncsSomeCrashBreaksTheDatabase(t *testing.T) {
	t.Parallel()
	controls := map[string]struct {
		options *bbolt.Options
		syncs   faultfs.Syncs
	}{
		"database does not sync": {&bbolt.Options{NoSync: true}, faultfs.HonourSyncs},
		"disk does not sync":     {nil, faultfs.IgnoreSyncs},
	}
	for name, tt := range controls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := record(t, 12, tt.options)
			disk, dir := h.Disk(tt.syncs), imageDir(t)
			for seed := range uint64(50) {
				ok(t, disk.Image(dir, rand.New(rand.NewPCG(seed, 0)), len(h.Ops)))
				if n, err := recoverDatabase(dir); err != nil || check(h, len(h.Ops), n) != nil {
					return
				}
			}
			t.Error("all of 50 crashes were survived")
		})
	}
}

func TestNthFaultReachesCommit(t *testing.T) {
	t.Parallel()
	for _, fault := range []faultfs.Fault{
		{Errno: syscall.EIO},
		{Errno: syscall.EIO, Lasting: true},
		{Errno: syscall.EIO, On: faultfs.Sync},
		{Errno: syscall.ENOSPC, On: faultfs.Write, Short: true},
		{Errno: syscall.ENOSPC, On: faultfs.Truncate | faultfs.Write},
	} {
		t.Run(fmt.Sprintf("%+v", fault), func(t *testing.T) {
			t.Parallel()
			fault.N = 1
			for putUnder(t, fault) > 0 {
				fault.N++
			}
			if fault.N == 1 {
				t.Error("no call was hit")
			}
		})
	}
}

// putUnder puts values into a new database with the fault armed and returns how often it hit. A hit has to become an
// error of the put under way, and what was acknowledged has to be there when the database is opened again.
func putUnder(t *testing.T, fault faultfs.Fault) (hits int) {
	t.Helper()
	fs := mount(t, newDatabase(t))
	db := open(t, fs.Path(), nil)
	ok(t, fs.Fail(fault))
	var acknowledgedCount int
	var err error
	for err == nil && acknowledgedCount < 3 {
		if err = put(db, acknowledgedCount); err == nil {
			acknowledgedCount++
		}
	}
	_, hits, countErr := fs.Counts()
	ok(t, errors.Join(countErr, fs.Fail(faultfs.Fault{}), db.Close()))
	if (hits > 0) != (err != nil) {
		t.Errorf("call %d: %d hits, error %v", fault.N, hits, err)
	}
	n, err := recoverDatabase(fs.Path())
	if err != nil || n < acknowledgedCount || n > acknowledgedCount+1 {
		t.Errorf("call %d: %d survived, %v, %d acknowledged", fault.N, n, err, acknowledgedCount)
	}
	return hits
}

// TestPowerLoss has the shape of a power-loss test of a store: record, then open one image after the other.
func TestPowerLoss(t *testing.T) {
	t.Parallel()
	imageCount := 5000
	if testing.Short() {
		imageCount = 500
	}
	h := record(t, 400, nil)
	disk, dir, rng := h.Disk(faultfs.HonourSyncs), imageDir(t), rand.New(rand.NewPCG(1, 1))
	start, buildDuration := time.Now(), time.Duration(0)
	for i := range imageCount {
		k, buildStart := i*len(h.Ops)/(imageCount-1), time.Now()
		ok(t, disk.Image(dir, rng, k))
		buildDuration += time.Since(buildStart)
		n, err := recoverDatabase(dir)
		if err := errors.Join(err, check(h, k, n)); err != nil {
			t.Fatalf("image %d: %v", i, err)
		}
	}
	info, err := os.Stat(filepath.Join(dir, "db"))
	ok(t, err)
	t.Logf("%d operations, %d KiB at last: %.0f images/s built, %.0f built and opened", len(h.Ops), info.Size()>>10,
		float64(imageCount)/buildDuration.Seconds(), float64(imageCount)/time.Since(start).Seconds())
}
