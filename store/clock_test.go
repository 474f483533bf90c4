package store_test

import (
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jitney-mq/jitney/store"
)

// instant returns Now of a commit, which writes.
func instant(t testing.TB, s *store.Store) (now time.Time) {
	t.Helper()
	update(t, s, func(tx *store.Tx) {
		tx.Put(tableA, []byte("k"), []byte("v"))
		now = tx.Now
	})
	return now
}

func TestNowIsWholeMicrosecondsOfUTC(t *testing.T) {
	bubble(t, func(t *testing.T, s *store.Store) {
		time.Sleep(1500 * time.Nanosecond)
		want := time.Now().Truncate(time.Microsecond).UTC()
		if got := instant(t, s); got != got.Round(0) || !got.Equal(want) || got.Location() != time.UTC {
			t.Errorf("Now is %v, want %v", got, want)
		}
		if got := s.Now(); !got.Equal(want) {
			t.Errorf("the store's Now is %v, want %v", got, want)
		}
	})
}

// The clock of a bubble stands at the first of January of 2000, so a folder
// that was made outside comes from the future.
func TestNowGoesOnWhenTheClockWasSetBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	last := instant(t, s)
	ok(t, s.Close())

	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir)
		if s.Now().Before(last) {
			t.Errorf("the store's clock begins at %v, before its last commit at %v", s.Now(), last)
		}
		first := instant(t, s)
		if first.Before(last) || first.Sub(last) > time.Second {
			t.Errorf("the first commit is at %v, the one before was at %v", first, last)
		}
		for hour := range 3 {
			time.Sleep(time.Hour)
			if got, want := instant(t, s).Sub(first), time.Duration(hour+1)*time.Hour; got != want {
				t.Errorf("%v later it is only %v later", want, got)
			}
		}
		if got := s.Now().Sub(first); got != 3*time.Hour {
			t.Errorf("the store's clock has gone on by %v, want 3h", got)
		}
	})
}

func TestNowNeverGoesBackOverOpenings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var last time.Time
	check := func(t *testing.T) {
		s := open(t, dir)
		for range 3 {
			now := instant(t, s)
			if now.Before(last) {
				t.Errorf("%v comes after %v", now, last)
			}
			last = now
		}
		ok(t, s.Close())
	}
	for range 3 {
		check(t)
		synctest.Test(t, check) // the clock is set back
	}
}

func TestNowFollowsTheClockThatWasSetForward(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	synctest.Test(t, func(t *testing.T) { ok(t, open(t, dir).Update(t.Context(), put("a", "1"))) })
	s := open(t, dir)
	if behind := time.Since(instant(t, s)); behind > time.Minute {
		t.Errorf("the store's clock is %v behind", behind)
	}
}

func TestNewIDIsUniqueAndAscends(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var last uint64
	take := func(tx *store.Tx, n int) {
		for range n {
			id := tx.NewID()
			if id <= last {
				t.Errorf("id %d follows %d", id, last)
			}
			last = id
		}
	}
	for range 3 {
		s := open(t, dir)
		for n := range 20 {
			update(t, s, func(tx *store.Tx) {
				take(tx, n)
				tx.Put(tableA, []byte("k"), nil)
			})
		}
		ok(t, s.Close())
	}
}

func TestNewIDWithinACommit(t *testing.T) {
	bubble(t, func(t *testing.T, s *store.Store) {
		seen := map[uint64]bool{}
		take := func(tx *store.Tx) error {
			for range 100 {
				id := tx.NewID()
				if seen[id] {
					t.Errorf("id %d is given out twice", id)
				}
				seen[id] = true
			}
			tx.Put(tableA, []byte("k"), nil)
			return nil
		}
		ok(t, errors.Join(together(s, take, take, take)...))
		if len(seen) != 300 {
			t.Errorf("%d ids, want 300", len(seen))
		}
	})
}

func TestNewIDEnds(t *testing.T) {
	bubble(t, func(t *testing.T, s *store.Store) {
		wantErr(t, s.Update(t.Context(), func(tx *store.Tx) error {
			for range 1 << 20 {
				tx.NewID()
			}
			return nil
		}), store.ErrPanic)
		ok(t, s.Update(t.Context(), put("a", "1")))
	})
}
