package store_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/store"
)

// occurrences returns how often the file in dir has pattern.
func occurrences(t testing.TB, dir, pattern string) int {
	t.Helper()
	file, err := os.ReadFile(dataFile(dir))
	ok(t, err)
	return bytes.Count(file, []byte(pattern))
}

// flip changes one bit of each byte string in the file of dir that equals
// pattern, of a store that is closed.
func flip(t testing.TB, dir, pattern string, bit int) {
	t.Helper()
	file, err := os.ReadFile(dataFile(dir))
	ok(t, err)
	var count int
	for i := 0; ; count++ {
		found := bytes.Index(file[i:], []byte(pattern))
		if found < 0 {
			break
		}
		i += found
		file[i+bit/8] ^= 1 << (bit % 8)
		i += len(pattern)
	}
	if count == 0 {
		t.Fatalf("the file does not have %q", pattern)
	}
	ok(t, os.WriteFile(dataFile(dir), file, 0o600))
}

const pattern = "a value that is found in a file with ease"

// damaged returns a store with three records, of which the one under "b" is damaged.
func damaged(t testing.TB) *store.Store {
	t.Helper()
	s := open(t, t.TempDir())
	update(t, s, func(tx *store.Tx) {
		tx.Put(tableA, []byte("a"), []byte("fine"))
		tx.Put(tableA, []byte("b"), []byte(pattern))
		tx.Put(tableA, []byte("c"), []byte("fine"))
	})
	ok(t, s.Close())
	flip(t, s.Dir(), pattern, 100)
	return open(t, s.Dir())
}

// wantCorrupt returns the CorruptError for a record, which err should wrap.
func wantCorrupt(t testing.TB, err error, table store.Table, key string) *store.CorruptError {
	t.Helper()
	want := &store.CorruptError{Table: table, Key: []byte(key)}
	var got *store.CorruptError
	if !errors.As(err, &got) {
		t.Errorf("the error is %v, want %v", err, want)
	} else if got.Error() != want.Error() {
		t.Errorf("the error is %v, want %v", got, want)
	}
	return want
}

func TestEveryFlippedBitIsFound(t *testing.T) {
	t.Parallel()
	s := open(t, scratch(t))
	ok(t, s.Update(t.Context(), put("k", pattern)))
	ok(t, s.Close())
	sealed := string(store.Seal(tableA, []byte("k"), []byte(pattern)))
	for bit := range 8 * len(sealed) {
		flip(t, s.Dir(), sealed, bit)
		s := open(t, s.Dir())
		ok(t, s.View(func(r *store.Reader) error {
			v, err := r.Get(tableA, []byte("k"))
			if v != nil {
				t.Errorf("bit %d: the store serves %q", bit, v)
			}
			wantCorrupt(t, err, tableA, "k")
			return nil
		}))
		ok(t, s.Close())
		damaged := []byte(sealed)
		damaged[bit/8] ^= 1 << (bit % 8)
		flip(t, s.Dir(), string(damaged), bit)
	}
}

func TestDamagedRecordIsNotServed(t *testing.T) {
	t.Parallel()
	s := damaged(t)
	check := func(r *store.Reader) {
		v, err := r.Get(tableA, []byte("b"))
		wantCorrupt(t, err, tableA, "b")
		if v != nil {
			t.Errorf("Get gives %q", v)
		}
		var seen []string
		for rec := range r.Scan(tableA, nil, nil) {
			if rec.Err != nil {
				wantCorrupt(t, rec.Err, tableA, "b")
				if rec.Value != nil {
					t.Errorf("Scan gives %q", rec.Value)
				}
			}
			seen = append(seen, string(rec.Key)+"="+string(rec.Value))
		}
		if got := strings.Join(seen, " "); got != "a=fine b= c=fine" {
			t.Errorf("Scan gives %q", got)
		}
	}
	ok(t, s.View(func(r *store.Reader) error {
		check(r)
		return nil
	}))
	update(t, s, func(tx *store.Tx) { check(&tx.Reader) })
}

func TestQuarantine(t *testing.T) {
	t.Parallel()
	s := damaged(t)
	raw := store.Seal(tableA, []byte("b"), []byte(pattern))
	raw[100/8] ^= 1 << (100 % 8)
	update(t, s, func(tx *store.Tx) {
		_, err := tx.Get(tableA, []byte("b"))
		tx.Quarantine(wantCorrupt(t, err, tableA, "b"))
		v, err := tx.Get(tableA, []byte("b"))
		noError(t, err)
		if v != nil {
			t.Error("the op still sees the record")
		}
	})
	for range 2 {
		wantContent(t, s, content{row(tableA, "a"): "fine", row(tableA, "c"): "fine"})
		ok(t, s.View(func(r *store.Reader) error {
			v, err := r.Get(store.Quarantined, []byte(string(tableA)+"\x00b"))
			if !bytes.Equal(v, raw) {
				t.Errorf("put aside was %q, want %q", v, raw)
			}
			return err
		}))
		ok(t, s.Close())
		s = open(t, s.Dir())
	}
}

func TestQuarantineIsCounted(t *testing.T) {
	t.Parallel()
	s := damaged(t)
	for range 2 { // the second has nothing to do
		update(t, s, func(tx *store.Tx) { tx.Quarantine(&store.CorruptError{Table: tableA, Key: []byte("b")}) })
	}
	if n := s.Stats().Quarantined; n != 1 {
		t.Errorf("%d records were put aside, want 1", n)
	}
}

func TestQuarantineLeavesWhatWasWrittenSince(t *testing.T) {
	t.Parallel()
	s := damaged(t)
	var corrupt *store.CorruptError
	ok(t, s.View(func(r *store.Reader) error {
		_, err := r.Get(tableA, []byte("b"))
		corrupt = wantCorrupt(t, err, tableA, "b")
		return nil
	}))
	ok(t, s.Update(t.Context(), put("b", "new")))
	update(t, s, func(tx *store.Tx) { tx.Quarantine(corrupt) })
	wantContent(t, s, content{row(tableA, "a"): "fine", row(tableA, "b"): "new", row(tableA, "c"): "fine"})
}

func TestDamagedDueEntryIsPutAside(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	update(t, s, func(tx *store.Tx) {
		tx.PutDue(due('a', 0, pattern))
		tx.PutDue(due('a', time.Second, "fine"))
	})
	ok(t, s.Close())
	flip(t, s.Dir(), pattern, 0)
	s = open(t, s.Dir())
	update(t, s, func(tx *store.Tx) {
		if got := refs(tx.DueBy('a', epoch.Add(time.Hour), 9)); got != "a:1s:fine" {
			t.Errorf("due is %q", got)
		}
	})
	if at, found := s.NextDue('a'); !found || !at.Equal(epoch.Add(time.Second)) {
		t.Errorf("the next is due at %v, %t", at, found)
	}
	if n := s.Stats().Quarantined; n != 1 {
		t.Errorf("%d entries were put aside, want 1", n)
	}
}

func TestOpenNamesTheDamagedRecordOfTheLastCommit(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	ok(t, s.Update(t.Context(), put("a", "1")))
	var value string
	ok(t, s.View(func(r *store.Reader) error {
		v, err := r.Get(store.MetaTable, []byte(store.CommitKey))
		value = store.CommitKey + string(v)
		return err
	}))
	ok(t, s.Close())
	flip(t, s.Dir(), value, 8*len(value)-1)
	_, err := store.Open(s.Dir(), options())
	wantCorrupt(t, err, store.MetaTable, store.CommitKey)
}
