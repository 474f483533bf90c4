package store_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/jitney-mq/jitney/store"
)

func TestOpenAgainFindsAllThereWas(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "made", "on the way")
	want := content{}
	var last uint64
	for i := range 5 {
		s := open(t, dir)
		if got := s.Stats().LastCommit; got != last {
			t.Fatalf("opened with %d as the last commit, want %d", got, last)
		}
		wantContent(t, s, want)
		key := fmt.Sprint(i)
		ok(t, s.Update(t.Context(), put(key, "x")))
		want[row(tableA, key)] = "x"
		last++
		ok(t, s.Close())
	}
}

func TestOpenMakesTablesThatAreMissing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ok(t, open(t, dir).Close())
	opts := options()
	opts.Tables = append(opts.Tables, "gamma")
	s := openWith(t, dir, opts)
	update(t, s, func(tx *store.Tx) { tx.Put("gamma", []byte("k"), []byte("v")) })
}

func TestSecretStaysWithTheFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	secret := func(dir string) []byte {
		s := open(t, dir)
		v, err := s.Secret()
		ok(t, errors.Join(err, s.Close()))
		return v
	}
	first := secret(dir)
	if len(first) != 32 || bytes.Equal(first, make([]byte, 32)) {
		t.Errorf("the secret is %x", first)
	}
	if !bytes.Equal(secret(dir), first) {
		t.Error("the secret is another one after opening again")
	}
	if bytes.Equal(secret(t.TempDir()), first) {
		t.Error("two folders have the same secret")
	}
}

func TestOpenTwice(t *testing.T) {
	bubble(t, func(t *testing.T, s *store.Store) {
		start := time.Now()
		_, err := store.Open(s.Dir(), options())
		wantErr(t, err, store.ErrInUse)
		if waited := time.Since(start); waited < time.Second || waited > 10*time.Second {
			t.Errorf("the second Open gave up after %v", waited)
		}
		ok(t, s.Update(t.Context(), put("a", "1")))
	})
}

func TestOpenWhileAnotherProcessMakesTheFolder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		lock, err := os.Create(filepath.Join(dir, store.LockName))
		ok(t, err)
		defer func() { ok(t, lock.Close()) }()
		ok(t, syscall.Flock(int(lock.Fd()), syscall.LOCK_EX))
		_, err = store.Open(dir, options())
		wantErr(t, err, store.ErrInUse)
		if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
			t.Errorf("the folder has %v, %v", left, err)
		}
	})
}

func TestOpenWaitsForTheLastOwner(t *testing.T) {
	bubble(t, func(t *testing.T, s *store.Store) {
		time.AfterFunc(time.Second, func() { ok(t, s.Close()) })
		ok(t, open(t, s.Dir()).Update(t.Context(), put("a", "1")))
	})
}

// A file stays open in a child process between fork and exec.
func TestCloseGivesTheFolderBackWhateverHoldsItsFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	held, err := syscall.Dup(fileDescriptor(t, filepath.Join(dir, store.LockName)))
	ok(t, err)
	defer func() { ok(t, syscall.Close(held)) }()
	ok(t, s.Close())
	synctest.Test(t, func(t *testing.T) { ok(t, open(t, dir).Close()) })
}

// fileDescriptor is the one by which this process has a file open.
func fileDescriptor(t *testing.T, path string) int {
	t.Helper()
	const all = "/proc/self/fd"
	entries, err := os.ReadDir(all)
	ok(t, err)
	for _, e := range entries {
		if target, err := os.Readlink(filepath.Join(all, e.Name())); err == nil && target == path {
			fd, err := strconv.Atoi(e.Name())
			ok(t, err)
			return fd
		}
	}
	t.Fatalf("%s is not open", path)
	return 0
}

func TestOpenFormat(t *testing.T) {
	t.Parallel()
	record := func(value string) []byte { return store.Seal(store.MetaTable, []byte(store.FormatKey), []byte(value)) }
	tests := []struct {
		name string
		edit func(*bolt.Tx) error
		want error
	}{
		{"of a later version", func(tx *bolt.Tx) error {
			return tx.Bucket([]byte(store.MetaTable)).Put([]byte(store.FormatKey), record("jitney 2"))
		}, store.ErrFormat},
		{"not said", func(tx *bolt.Tx) error {
			return tx.Bucket([]byte(store.MetaTable)).Delete([]byte(store.FormatKey))
		}, store.ErrFormat},
		{"of another program", func(tx *bolt.Tx) error {
			return tx.DeleteBucket([]byte(store.MetaTable))
		}, store.ErrFormat},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			ok(t, open(t, dir).Close())
			edit(t, dir, tt.edit)
			before, err := os.ReadFile(dataFile(dir))
			ok(t, err)
			_, err = store.Open(dir, options())
			wantErr(t, err, tt.want)
			after, err := os.ReadFile(dataFile(dir))
			ok(t, err)
			if !bytes.Equal(before, after) {
				t.Error("the file was changed")
			}
		})
	}
}

// edit changes the file in dir behind the store's back.
func edit(t testing.TB, dir string, fn func(*bolt.Tx) error) {
	t.Helper()
	db, err := bolt.Open(dataFile(dir), 0o600, nil)
	ok(t, err)
	ok(t, errors.Join(db.Update(fn), db.Close()))
}

func TestOpenWhatIsNoDatabase(t *testing.T) {
	t.Parallel()
	for name, file := range map[string][]byte{
		"empty":   {},
		"short":   []byte("jitney"),
		"zeros":   make([]byte, 1<<15),
		"garbage": bytes.Repeat([]byte("jitney!!"), 1<<12),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			ok(t, os.WriteFile(dataFile(dir), file, 0o600))
			s, err := store.Open(dir, options())
			if err == nil {
				t.Error("it was opened:", s.Close())
			} else if !strings.Contains(err.Error(), dir) {
				t.Errorf("the error does not name the folder: %v", err)
			}
		})
	}
}

func TestViewSeesOneInstant(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	ok(t, s.Update(t.Context(), put("a", "1")))
	ok(t, s.View(func(r *store.Reader) error {
		ok(t, s.Update(t.Context(), put("a", "2")))
		ok(t, s.Update(t.Context(), put("b", "2")))
		a, errA := r.Get(tableA, []byte("a"))
		b, errB := r.Get(tableA, []byte("b"))
		if string(a) != "1" || b != nil {
			t.Errorf("a view from before sees a=%q b=%q", a, b)
		}
		return errors.Join(errA, errB)
	}))
	wantErr(t, s.View(func(*store.Reader) error { return errRefused }), errRefused)
	if n := s.Stats().OpenViews; n != 0 {
		t.Errorf("%d views are open, and there are none", n)
	}
}

func TestCloseRunsWhatWaits(t *testing.T) {
	bubble(t, func(t *testing.T, s *store.Store) {
		release := hold(s)
		want := content{}
		var done sync.WaitGroup
		for i := range store.MaxWaitingOps {
			key := fmt.Sprint(i)
			want[row(tableA, key)] = "x"
			done.Go(func() {
				if err := s.Update(background, put(key, "x")); err != nil {
					t.Errorf("op %d, which waited: %v", i, err)
				}
			})
		}
		synctest.Wait()
		done.Go(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		release()
		done.Wait()
		wantContent(t, open(t, s.Dir()), want)
	})
}

func TestCloseAmongCallers(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	var done sync.WaitGroup
	var sum atomic.Uint64
	for range 64 {
		done.Go(func() {
			for {
				switch err := s.Update(background, increment); {
				case err == nil:
					sum.Add(1)
				case errors.Is(err, store.ErrClosed):
					return
				default:
					t.Error(err)
					return
				}
			}
		})
	}
	for sum.Load() < 500 {
		runtime.Gosched()
	}
	ok(t, s.Close())
	done.Wait()
	want := string(binary.BigEndian.AppendUint64(nil, sum.Load()))
	wantContent(t, open(t, s.Dir()), content{row(tableA, "sum"): want})
}

func TestAfterClose(t *testing.T) {
	bubble(t, func(t *testing.T, s *store.Store) {
		ok(t, s.Close())
		ok(t, s.Close())
		wantErr(t, s.Update(t.Context(), func(*store.Tx) error {
			t.Error("an op ran")
			return nil
		}), store.ErrClosed)
		wantErr(t, s.Sync(t.Context()), store.ErrClosed)
		wantErr(t, s.View(func(*store.Reader) error {
			t.Error("a view was given")
			return nil
		}), store.ErrClosed)
		_, err := s.Secret()
		wantErr(t, err, store.ErrClosed)
		_ = s.Stats() // somebody may still be reading figures
		if _, due := s.NextDue('x'); due {
			t.Error("something is due")
		}
		ok(t, s.Failed())
		select {
		case <-s.Failure():
			t.Error("closing counts as a failure")
		default:
		}
	})
}

func TestCloseWaitsForViews(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	ok(t, s.Update(t.Context(), put("a", "1")))
	inside, closed := make(chan struct{}), make(chan error)
	go func() {
		<-inside
		closed <- s.Close()
	}()
	ok(t, s.View(func(r *store.Reader) error {
		close(inside)
		for s.Sync(t.Context()) == nil { // until Close has begun
			continue
		}
		v, err := r.Get(tableA, []byte("a"))
		if string(v) != "1" {
			t.Errorf("the view reads %q", v)
		}
		return err
	}))
	ok(t, <-closed)
}
