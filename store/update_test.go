package store_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jitney-mq/jitney/store"
)

var errRefused = errors.New("refused")

func TestUpdateRunsOpsInOrderAndTheySeeOneAnother(t *testing.T) {
	bubble(t, func(t *testing.T, s *store.Store) {
		var ops []func(*store.Tx) error
		var numbers []uint64
		var instants []time.Time
		for i := range 10 {
			ops = append(ops, func(tx *store.Tx) error {
				v, err := tx.Get(tableA, []byte("order"))
				numbers, instants = append(numbers, tx.Number), append(instants, tx.Now)
				tx.Put(tableA, []byte("order"), fmt.Appendf(slices.Clone(v), "%d", i))
				return err
			})
		}
		ok(t, errors.Join(together(s, ops...)...))
		wantContent(t, s, content{row(tableA, "order"): "0123456789"})
		if n := slices.Compact(numbers); len(n) != 1 || n[0] != 1 {
			t.Errorf("the ops of the first commit saw the numbers %v", n)
		}
		if at := slices.Compact(instants); len(at) != 1 {
			t.Errorf("the ops of one commit saw the instants %v", at)
		}
		if st := s.Stats(); st.Commits != 1 || st.Ops != 11 || st.LastCommit != 1 {
			t.Errorf("stats are %+v, want one commit of 11 ops", st)
		}
	})
}

func TestUpdateLosesNothingAmongManyCallers(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	const callers, each = 32, 20
	var done sync.WaitGroup
	for range callers {
		done.Go(func() {
			for range each {
				if err := s.Update(background, increment); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done.Wait()
	wantContent(t, s, content{row(tableA, "sum"): string(binary.BigEndian.AppendUint64(nil, callers*each))})
	st := s.Stats()
	if st.Ops != callers*each || st.Reruns != 0 || st.Commits > st.Ops || st.LastCommit != st.Commits {
		t.Errorf("stats are %+v", st)
	}
}

func increment(tx *store.Tx) error {
	v, err := tx.Get(tableA, []byte("sum"))
	if err != nil {
		return err
	}
	var sum uint64
	if v != nil {
		sum = binary.BigEndian.Uint64(v)
	}
	tx.Put(tableA, []byte("sum"), binary.BigEndian.AppendUint64(nil, sum+1))
	return nil
}

func TestUpdateIsAnsweredAfterTheCommit(t *testing.T) {
	bubble(t, func(t *testing.T, s *store.Store) {
		for i := range 20 {
			key := fmt.Sprint(i)
			ok(t, s.Update(t.Context(), put(key, "x")))
			c, err := read(s)
			ok(t, err)
			if _, there := c[row(tableA, key)]; !there {
				t.Fatalf("Update %d has returned and its record is not there", i)
			}
		}
	})
}

func TestOpThatFails(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		op     func(*store.Tx) error
		want   error
		reruns uint64
	}{
		{"before writing", func(*store.Tx) error { return errRefused }, errRefused, 0},
		{"by a panic before writing", func(*store.Tx) error { panic("on purpose") }, store.ErrPanic, 0},
		{"after a put", func(tx *store.Tx) error {
			tx.Put(tableA, []byte("bad"), []byte("x"))
			return errRefused
		}, errRefused, 1},
		{"after overwriting what the op before it wrote", func(tx *store.Tx) error {
			tx.Put(tableA, []byte("first"), []byte("bad"))
			return errRefused
		}, errRefused, 1},
		{"after an insert and its delete", func(tx *store.Tx) error {
			tx.Insert(tableA, []byte("bad"), []byte("x"))
			tx.Delete(tableA, []byte("bad"))
			return errRefused
		}, errRefused, 1},
		{"after a delete", func(tx *store.Tx) error {
			tx.Delete(tableA, []byte("old"))
			return errRefused
		}, errRefused, 1},
		{"after a due entry", func(tx *store.Tx) error {
			tx.PutDue(store.Due{Class: 'x', At: tx.Now})
			return errRefused
		}, errRefused, 1},
		{"by a panic after a put", func(tx *store.Tx) error {
			tx.Put(tableA, []byte("bad"), []byte("x"))
			panic("on purpose")
		}, store.ErrPanic, 1},
		{"by a put into a table that was not named", func(tx *store.Tx) error {
			tx.Put("gamma", []byte("bad"), []byte("x"))
			return nil
		}, store.ErrPanic, 0},
		{"by a put under an empty key", func(tx *store.Tx) error {
			tx.Put(tableA, nil, []byte("x"))
			return nil
		}, store.ErrPanic, 0},
		{"by a put under a key that is too long", func(tx *store.Tx) error {
			tx.Put(tableA, make([]byte, 1<<15+1), []byte("x"))
			return nil
		}, store.ErrPanic, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, s *store.Store) {
				ok(t, s.Update(t.Context(), put("old", "0")))
				var runs int
				first := func(tx *store.Tx) error {
					runs++
					return put("first", "1")(tx)
				}
				errs := together(s, first, tt.op, put("last", "2"))
				wantErr(t, errs[1], tt.want)
				ok(t, errors.Join(errs[0], errs[2]))
				wantContent(t, s, content{row(tableA, "old"): "0", row(tableA, "first"): "1", row(tableA, "last"): "2"})
				if got := s.Stats().Reruns; got != tt.reruns || runs != 1+int(tt.reruns) {
					t.Errorf("%d reruns, and the op before it ran %d times; want %d reruns", got, runs, tt.reruns)
				}
				if at, due := s.NextDue('x'); due {
					t.Errorf("a due entry at %v is left", at)
				}
				ok(t, s.Failed())
			})
		})
	}
}

func TestSeveralOpsOfACommitFail(t *testing.T) {
	bubble(t, func(t *testing.T, s *store.Store) {
		// Once the first is gone, the second finds a state in which it fails too.
		fragile := func(tx *store.Tx) error {
			v, err := tx.Get(tableA, []byte("prop"))
			tx.Put(tableA, []byte("fragile"), []byte("x"))
			if v == nil {
				return errRefused
			}
			return err
		}
		bad := func(key string, err error) func(*store.Tx) error {
			return func(tx *store.Tx) error {
				tx.Put(tableA, []byte(key), []byte("bad"))
				return err
			}
		}
		other := errors.New("other")
		errs := together(s, put("a", "1"), bad("prop", errRefused), fragile, put("b", "2"), bad("b", other), put("c", "3"))
		for i, want := range []error{nil, errRefused, errRefused, nil, other, nil} {
			if !errors.Is(errs[i], want) {
				t.Errorf("op %d: %v, want %v", i, errs[i], want)
			}
		}
		wantContent(t, s, content{row(tableA, "a"): "1", row(tableA, "b"): "2", row(tableA, "c"): "3"})
		if got := s.Stats().Reruns; got != 3 {
			t.Errorf("%d reruns, want one for each op that failed", got)
		}
	})
}

func TestEmptyCommitIsNone(t *testing.T) {
	bubble(t, func(t *testing.T, s *store.Store) {
		ok(t, s.Update(t.Context(), put("a", "1")))
		before := s.Stats()
		var number uint64
		var told bool
		for range 10 {
			update(t, s, func(tx *store.Tx) {
				_, err := tx.Get(tableA, []byte("a"))
				noError(t, err)
				number = tx.Number
				tx.OnCommit(func() { told = true })
			})
		}
		ok(t, s.Sync(t.Context()))
		after := s.Stats()
		if after.Commits != before.Commits || after.PageBytes != before.PageBytes || after.LastCommit != before.LastCommit {
			t.Errorf("reading cost a commit: %+v, before it %+v", after, before)
		}
		if !told {
			t.Error("the hook of an op that wrote nothing was not called")
		}
		update(t, s, func(tx *store.Tx) {
			if tx.Number != number {
				t.Errorf("commit %d follows %d, which wrote nothing", tx.Number, number)
			}
		})
	})
}

func TestCommitIsBoundedInBytes(t *testing.T) {
	bubble(t, func(t *testing.T, s *store.Store) {
		var ops []func(*store.Tx) error
		perCommit := map[uint64]int{}
		for i := range 10 {
			ops = append(ops, func(tx *store.Tx) error {
				if tx.Full() {
					t.Error("an op was added to a full commit")
				}
				perCommit[tx.Number]++
				return put(fmt.Sprint(i), strings.Repeat("x", 300<<10))(tx)
			})
		}
		ok(t, errors.Join(together(s, ops...)...))
		for number, n := range perCommit {
			if n > 4 {
				t.Errorf("commit %d has %d ops of 300 KiB each", number, n)
			}
		}
	})
}

func TestUpdateWithdrawn(t *testing.T) {
	bubble(t, func(t *testing.T, s *store.Store) {
		release := hold(s)
		ctx, cancel := context.WithCancelCause(t.Context())
		var err error
		var done sync.WaitGroup
		done.Go(func() {
			err = s.Update(ctx, func(*store.Tx) error {
				t.Error("an op that was withdrawn has run")
				return nil
			})
		})
		synctest.Wait()
		cancel(nil)
		done.Wait() // it returns although the writer is busy
		wantErr(t, err, context.Canceled)
		release()
		ok(t, s.Update(t.Context(), put("a", "1"))) // the writer is past it now
	})
}

func TestUpdateIsNotWithdrawnOnceItRuns(t *testing.T) {
	bubble(t, func(t *testing.T, s *store.Store) {
		ctx, cancel := context.WithCancel(t.Context())
		ok(t, s.Update(ctx, func(tx *store.Tx) error {
			cancel()
			synctest.Wait()
			return put("a", "1")(tx)
		}))
		wantContent(t, s, content{row(tableA, "a"): "1"})
	})
}

func TestUpdateWaitsWhileTooManyWait(t *testing.T) {
	bubble(t, func(t *testing.T, s *store.Store) {
		release := hold(s)
		var done sync.WaitGroup
		for i := range store.MaxWaitingOps {
			done.Go(func() {
				if err := s.Update(background, put(fmt.Sprint(i), "x")); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		wantErr(t, s.Update(ctx, put("one too many", "x")), context.DeadlineExceeded)
		release()
		done.Wait()
		c, err := read(s)
		ok(t, err)
		if len(c) != store.MaxWaitingOps {
			t.Errorf("%d records, want %d", len(c), store.MaxWaitingOps)
		}
	})
}

func TestNoOpHasStaleWrites(t *testing.T) {
	bubble(t, func(t *testing.T, s *store.Store) {
		ok(t, s.Update(t.Context(), put("a", "1")))
		errs := together(s, put("a", "2"), func(tx *store.Tx) error {
			tx.Delete(tableA, []byte("a"))
			return errRefused
		})
		wantErr(t, errs[1], errRefused)
		update(t, s, func(tx *store.Tx) {
			v, err := tx.Get(tableA, []byte("a"))
			noError(t, err)
			if string(v) != "2" {
				t.Errorf("a holds %q", v)
			}
		})
	})
}
