package store

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// format is the version of the layout of records; docs/storage.md describes it.
const (
	formatKey = "format"
	format    = "jitney 1"
	secretKey = "secret"
)

// lockTimeout is how long Open waits for a file that another process still holds.
const lockTimeout = 3 * time.Second

// lockFolder makes dir if need be and takes its lock, which the kernel gives
// back when the process ends, however it ends.
func lockFolder(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(lockTimeout); ; time.Sleep(50 * time.Millisecond) {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) || time.Now().After(deadline) {
			break
		}
	}
	f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("%w: %s", ErrInUse, dir)
	}
	return nil, fmt.Errorf("lock %s: %w", dir, err)
}

// unlockFolder gives the lock back by name: to close the file would not do while
// anything else in the system, a child process that is just being started say,
// has it open too.
func unlockFolder(lock *os.File) error {
	return errors.Join(syscall.Flock(int(lock.Fd()), syscall.LOCK_UN), lock.Close())
}

// openBolt opens the file with the settings that the store relies on: the
// list of free pages is not written, because that would cost each commit after
// a large queue was emptied; the map is made large once, because the writer
// would wait for readers to make it larger.
func openBolt(path string, opts Options) (db *bolt.DB, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s is damaged: %v", path, p)
		}
	}()
	db, err = bolt.Open(path, 0o600, &bolt.Options{
		Timeout:         lockTimeout,
		NoFreelistSync:  true,
		FreelistType:    bolt.FreelistMapType,
		InitialMmapSize: int(opts.MaxSize),
		MaxSize:         int(opts.MaxSize),
	})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, ErrInUse
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	db.AllocSize = opts.GrowBy
	return db, nil
}

// initialise makes the file under another name and renames it when it is
// whole: a crash leaves either nothing or a file that opens.
func (s *Store) initialise(path string) error {
	temp := path + ".new"
	if err := os.Remove(temp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	db, err := openBolt(temp, s.opts)
	if err != nil {
		return err
	}
	if err := errors.Join(db.Update(writeFormat), db.Sync(), db.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	return syncFolder(s.dir)
}

func writeFormat(tx *bolt.Tx) error {
	b, err := tx.CreateBucket([]byte(metaTable))
	if err != nil {
		return err
	}
	for key, value := range map[string][]byte{formatKey: []byte(format), secretKey: newSecret()} {
		k := []byte(key)
		if err := b.Put(k, seal(metaTable, k, value)); err != nil {
			return err
		}
	}
	return nil
}

func newSecret() []byte {
	secret := make([]byte, 32)
	rand.Read(secret) // never fails
	return secret
}

func checkFormat(r *Reader) error {
	if r.bolt.Bucket([]byte(metaTable)) == nil {
		return fmt.Errorf("%w: another program wrote it", ErrFormat)
	}
	v, err := r.Get(metaTable, []byte(formatKey))
	if err != nil {
		return err
	}
	if string(v) != format {
		return fmt.Errorf("%w: it says %q, this version reads %q", ErrFormat, v, format)
	}
	return nil
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Secret returns 32 random bytes that were drawn when the folder was made and
// stay with it.
func (s *Store) Secret() ([]byte, error) {
	var secret []byte
	err := s.View(func(r *Reader) error {
		v, err := r.Get(metaTable, []byte(secretKey))
		secret = append(secret, v...)
		return err
	})
	return secret, err
}
