package store_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/store"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func due(class byte, after time.Duration, ref string) store.Due {
	return store.Due{Class: class, At: epoch.Add(after), Ref: []byte(ref)}
}

// refs returns the references of a list, each with its time after epoch.
func refs(list []store.Due) string {
	var s []string
	for _, d := range list {
		s = append(s, fmt.Sprintf("%c:%v:%s", d.Class, d.At.Sub(epoch), d.Ref))
	}
	return strings.Join(s, " ")
}

func TestDueBy(t *testing.T) {
	bubble(t, func(t *testing.T, s *store.Store) {
		entries := []store.Due{
			due('b', 2*time.Second, "second"),
			due('b', time.Second, "first"),
			due('b', time.Second, "first again"),
			due('b', time.Second, ""),
			due('b', time.Second+time.Microsecond, "just after"),
			due('a', 0, "other class"),
			due('c', 0, "other class"),
			due(255, time.Second, "last class"),
		}
		check := func(class byte, after time.Duration, limit int, want string) {
			t.Helper()
			update(t, s, func(tx *store.Tx) {
				if got := refs(tx.DueBy(class, epoch.Add(after), limit)); got != want {
					t.Errorf("due of %c by %v: %q, want %q", class, after, got, want)
				}
			})
		}
		checkAll := func() {
			t.Helper()
			check('b', 999*time.Millisecond, 9, "")
			check('b', time.Second, 9, "b:1s: b:1s:first b:1s:first again")
			check('b', time.Second, 2, "b:1s: b:1s:first")
			check('b', time.Second+time.Microsecond, 9, "b:1s: b:1s:first b:1s:first again b:1.000001s:just after")
			check('b', time.Hour, 9, "b:1s: b:1s:first b:1s:first again b:1.000001s:just after b:2s:second")
			check(255, time.Hour, 9, "ÿ:1s:last class")
			check('x', time.Hour, 9, "")
		}
		update(t, s, func(tx *store.Tx) {
			for _, d := range entries {
				tx.PutDue(d)
				tx.PutDue(d)
			}
			if got := refs(tx.DueBy('b', epoch.Add(time.Second), 9)); got != "b:1s: b:1s:first b:1s:first again" {
				t.Errorf("an op sees of its own: %q", got)
			}
		})
		checkAll()
		update(t, s, func(tx *store.Tx) {
			tx.DeleteDue(due('b', time.Second, "first"))
			tx.DeleteDue(due('b', time.Second, "never there"))
			tx.PutDue(due('b', 0, "new"))
			if got := refs(tx.DueBy('b', epoch.Add(time.Second), 9)); got != "b:0s:new b:1s: b:1s:first again" {
				t.Errorf("an op sees %q", got)
			}
		})
		check('b', time.Second, 9, "b:0s:new b:1s: b:1s:first again")
	})
}

func TestNextDue(t *testing.T) {
	bubble(t, func(t *testing.T, s *store.Store) {
		check := func(want time.Duration, classes ...byte) {
			t.Helper()
			at, found := s.NextDue(classes...)
			if !found || !at.Equal(epoch.Add(want)) {
				t.Errorf("of %q the next is due %v after, %t; want %v", classes, at.Sub(epoch), found, want)
			}
		}
		if _, found := s.NextDue('a', 'b'); found {
			t.Error("something is due in an empty store")
		}
		update(t, s, func(tx *store.Tx) {
			tx.PutDue(due('a', 2*time.Second, ""))
			tx.PutDue(due('b', time.Second, ""))
			tx.PutDue(due('c', 0, ""))
			tx.PutDue(due(255, 3*time.Second, ""))
		})
		check(2*time.Second, 'a')
		check(time.Second, 'a', 'b')
		check(time.Second, 'b', 'a')
		check(0, 'c', 'x')
		check(3*time.Second, 255)
		if _, found := s.NextDue('x'); found {
			t.Error("something is due of a class that has nothing")
		}
		if _, found := s.NextDue(); found {
			t.Error("something is due of no class")
		}
	})
}

func TestOnDueTellsTheEarliestOfACommit(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var told []time.Duration
	opts := options()
	opts.OnDue = func(at time.Time) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, at.Sub(epoch))
	}
	s := openWith(t, t.TempDir(), opts)
	update(t, s, func(tx *store.Tx) {
		tx.PutDue(due('a', 2*time.Second, ""))
		tx.PutDue(due('b', time.Second, ""))
		tx.PutDue(due('a', 3*time.Second, ""))
	})
	update(t, s, func(tx *store.Tx) { tx.Put(tableA, []byte("k"), nil) })
	update(t, s, func(tx *store.Tx) { tx.DeleteDue(due('a', 2*time.Second, "")) })
	wantErr(t, s.Update(t.Context(), func(tx *store.Tx) error {
		tx.PutDue(due('a', 0, ""))
		return errRefused
	}), errRefused)
	update(t, s, func(tx *store.Tx) { tx.PutDue(due('a', 5*time.Second, "")) })
	mu.Lock()
	defer mu.Unlock()
	if want := []time.Duration{time.Second, 5 * time.Second}; !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
}
