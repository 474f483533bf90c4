package store_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jitney-mq/jitney/store"
)

var background = context.Background()

const (
	tableA = store.Table("alpha")
	tableB = store.Table("beta")
)

// options are small ones: the file grows in steps that tests reach.
func options() store.Options {
	return store.Options{
		Tables:  []store.Table{tableA, tableB},
		MaxSize: 64 << 20,
		MinFree: -1,
		GrowBy:  64 << 10,
		Logger:  slog.New(slog.DiscardHandler),
	}
}

// open opens dir until the test ends.
func open(t testing.TB, dir string) *store.Store {
	t.Helper()
	return openWith(t, dir, options())
}

func openWith(t testing.TB, dir string, opts store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(dir, opts)
	ok(t, err)
	t.Cleanup(func() { ok(t, s.Close()) })
	return s
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantErr fails the test unless err wraps want.
func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("the error is %v, want %v", err, want)
	}
}

// bubble runs fn in virtual time with a store of its own.
func bubble(t *testing.T, fn func(t *testing.T, s *store.Store)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { fn(t, open(t, t.TempDir())) })
}

// hold keeps the writer busy with an op that writes nothing until release is
// called, so that all ops that arrive meanwhile share its commit. It is for
// bubbles.
func hold(s *store.Store) (release func()) {
	until := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		_ = s.Update(background, func(*store.Tx) error {
			<-until
			return nil
		})
	})
	synctest.Wait()
	return func() {
		close(until)
		done.Wait()
	}
}

// together runs ops in one commit, in their order, and returns what became of each.
func together(s *store.Store, ops ...func(*store.Tx) error) []error {
	errs := make([]error, len(ops))
	release := hold(s)
	var done sync.WaitGroup
	for i, op := range ops {
		done.Go(func() { errs[i] = s.Update(background, op) })
		synctest.Wait()
	}
	release()
	done.Wait()
	return errs
}

// update runs fn as an op. Neither fn nor any other op may end the test: it
// would end the writer.
func update(t testing.TB, s *store.Store, fn func(*store.Tx)) {
	t.Helper()
	ok(t, s.Update(t.Context(), func(tx *store.Tx) error {
		fn(tx)
		return nil
	}))
}

// noError is ok for ops.
func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// put returns an op that stores value under key in tableA.
func put(key, value string) func(*store.Tx) error {
	return func(tx *store.Tx) error {
		tx.Put(tableA, []byte(key), []byte(value))
		return nil
	}
}

func remove(key string) func(*store.Tx) error {
	return func(tx *store.Tx) error {
		tx.Delete(tableA, []byte(key))
		return nil
	}
}

// A content is what tables hold: values by table and key.
type content map[string]string

func row(t store.Table, key string) string { return string(t) + "/" + key }

func (c content) equal(d content) error {
	for _, k := range slices.Sorted(maps.Keys(c)) {
		if v, found := d[k]; !found || v != c[k] {
			return fmt.Errorf("%q holds %.40q (there: %t), want %.40q", k, v, found, c[k])
		}
	}
	for _, k := range slices.Sorted(maps.Keys(d)) {
		if _, found := c[k]; !found {
			return fmt.Errorf("%q is there and should not be", k)
		}
	}
	return nil
}

// read returns what the tables of the tests hold.
func read(s *store.Store) (content, error) {
	c := content{}
	err := s.View(func(r *store.Reader) error {
		for _, table := range []store.Table{tableA, tableB} {
			for rec := range r.Scan(table, nil, nil) {
				if rec.Err != nil {
					return rec.Err
				}
				c[row(table, string(rec.Key))] = string(rec.Value)
			}
		}
		return nil
	})
	return c, err
}

// wantContent fails the test unless s holds want and nothing else.
func wantContent(t testing.TB, s *store.Store, want content) {
	t.Helper()
	got, err := read(s)
	ok(t, err)
	if err := want.equal(got); err != nil {
		t.Fatal(err)
	}
}

// scratch returns a folder for files that come and go quickly: in memory, if
// the machine has such a place.
func scratch(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "store-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { ok(t, os.RemoveAll(dir)) })
	return dir
}

// evidence is how long a test is to go on that has a long form; 0: it has its
// short one.
func evidence(t testing.TB) time.Duration {
	t.Helper()
	text := os.Getenv("JITNEY_EVIDENCE")
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	ok(t, err)
	return d
}

func dataFile(dir string) string { return filepath.Join(dir, store.FileName) }
