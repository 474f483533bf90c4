package store_test

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/jitney-mq/jitney/e2e/faultfs"
	"github.com/jitney-mq/jitney/store"
)

// mount mounts a folder that is empty until the test ends.
func mount(t testing.TB) *faultfs.FS {
	t.Helper()
	fs, err := faultfs.Mount(scratch(t))
	if errors.Is(err, faultfs.ErrUnavailable) {
		t.Skip("NOT TESTED:", err)
	}
	ok(t, err)
	t.Cleanup(func() { ok(t, fs.Unmount()) })
	return fs
}

// inspect reads the file of a folder that is not open as bbolt has it, and
// returns what the tables of the tests hold and the number of the last commit.
// A file that is not there is an empty one. It runs in this goroutine only, so
// that whatever a broken file does becomes an error: store.Open has bbolt walk
// the file in another one.
func inspect(dir string) (c content, last uint64, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	if _, err := os.Stat(dataFile(dir)); errors.Is(err, os.ErrNotExist) {
		return content{}, 0, nil
	}
	db, err := bolt.Open(dataFile(dir), 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		return nil, 0, err
	}
	defer db.Close()
	c = content{}
	err = db.View(func(tx *bolt.Tx) error {
		for _, table := range []store.Table{tableA, tableB} {
			if err := c.load(tx, table); err != nil {
				return err
			}
		}
		last, err = lastCommit(tx)
		return err
	})
	return c, last, err
}

// load adds what a table holds.
func (c content) load(tx *bolt.Tx, table store.Table) error {
	b := tx.Bucket([]byte(table))
	if b == nil {
		return nil // power was lost before the store was open for the first time
	}
	return b.ForEach(func(k, sealed []byte) error {
		v, err := store.Unseal(table, k, sealed)
		c[row(table, string(k))] = string(v)
		return err
	})
}

func lastCommit(tx *bolt.Tx) (uint64, error) {
	key := []byte(store.CommitKey)
	meta := tx.Bucket([]byte(store.MetaTable))
	if meta == nil {
		return 0, errors.New("there is no table of the store's own")
	}
	sealed := meta.Get(key)
	if sealed == nil {
		return 0, nil
	}
	v, err := store.Unseal(store.MetaTable, key, sealed)
	if err != nil {
		return 0, err
	}
	number, _, err := store.DecodeCommit(v)
	return number, err
}

// reopened opens the store as after a crash and returns what it reads, having
// made sure that it can write.
func reopened(dir string) (c content, last uint64, err error) {
	s, err := store.Open(dir, options())
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	last = s.Stats().LastCommit
	if c, err = read(s); err != nil {
		return nil, 0, err
	}
	if err = s.Update(background, put("written after the crash", "x")); err != nil {
		return nil, 0, err
	}
	if got := s.Stats().LastCommit; got != last+1 {
		return nil, 0, fmt.Errorf("commit %d was followed by %d", last, got)
	}
	return c, last, nil
}
