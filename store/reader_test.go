package store_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/jitney-mq/jitney/store"
)

// A model is what a store with one table should hold.
type model map[string]string

// between returns the keys that a scan should give.
func (m model) between(from, to []byte) []string {
	keys := slices.Sorted(maps.Keys(m))
	return slices.DeleteFunc(keys, func(k string) bool {
		return k < string(from) || to != nil && k >= string(to)
	})
}

// Keys are short and of few letters, so that they meet.
var (
	keys   = rapid.Map(rapid.StringOfN(rapid.SampledFrom([]rune("ab\x00")), 1, 3, -1), func(s string) []byte { return []byte(s) })
	bounds = rapid.Map(rapid.StringOfN(rapid.SampledFrom([]rune("ab\x00c")), 0, 4, -1), func(s string) []byte { return []byte(s) })
	values = rapid.Custom(func(t *rapid.T) []byte {
		length := rapid.SampledFrom([]int{0, 0, 1, 20, 3000}).Draw(t, "length")
		return bytes.Repeat([]byte{rapid.Byte().Draw(t, "byte")}, length)
	})
)

func TestStoreIsAMap(t *testing.T) {
	t.Parallel()
	dir := scratch(t)
	s := open(t, dir)
	rapid.Check(t, func(rt *rapid.T) {
		m := model{}
		empty(rt, s)
		rt.Repeat(map[string]func(*rapid.T){
			"commit": func(rt *rapid.T) {
				after := maps.Clone(m)
				err := s.Update(t.Context(), func(tx *store.Tx) error {
					clear(after)
					maps.Copy(after, m)
					return after.change(rt, tx)
				})
				if err == nil {
					m = after
				}
			},
			"reopen": func(rt *rapid.T) {
				if err := s.Close(); err != nil {
					rt.Fatal(err)
				}
				s = open(t, dir)
			},
			"": func(rt *rapid.T) {
				err := s.View(func(r *store.Reader) error {
					m.check(rt, r, nil, nil)
					return nil
				})
				if err != nil {
					rt.Fatal(err)
				}
			},
		})
	})
}

// empty deletes all there is.
func empty(t *rapid.T, s *store.Store) {
	err := s.Update(t.Context(), func(tx *store.Tx) error {
		for rec := range tx.Scan(tableA, nil, nil) {
			tx.Delete(tableA, bytes.Clone(rec.Key))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// change does the same to the model and to the commit, looks at both on the
// way, and may fail at the end.
func (m model) change(t *rapid.T, tx *store.Tx) error {
	for range rapid.IntRange(0, 8).Draw(t, "changes") {
		key := keys.Draw(t, "key")
		_, there := m[string(key)]
		switch op := rapid.SampledFrom([]string{"put", "put", "insert", "delete", "get", "scan"}).Draw(t, "op"); {
		case op == "delete":
			tx.Delete(tableA, bytes.Clone(key))
			delete(m, string(key))
		case op == "get":
			m.checkKey(t, &tx.Reader, key)
		case op == "scan":
			m.checkSome(t, &tx.Reader)
		case op == "insert" && !there:
			value := values.Draw(t, "value")
			m[string(key)] = string(value)
			tx.Insert(tableA, bytes.Clone(key), bytes.Clone(value))
		default:
			value := values.Draw(t, "value")
			m[string(key)] = string(value)
			tx.Put(tableA, bytes.Clone(key), bytes.Clone(value))
		}
	}
	m.check(t, &tx.Reader, nil, nil)
	if rapid.IntRange(0, 9).Draw(t, "fails") == 0 {
		return errRefused
	}
	return nil
}

func (m model) checkKey(t *rapid.T, r *store.Reader, key []byte) {
	want, there := m[string(key)]
	got, err := r.Get(tableA, key)
	if err != nil || string(got) != want || (got != nil) != there {
		t.Fatalf("%q holds %.20q (%v), want %.20q (there: %t)", key, got, err, want, there)
	}
}

func (m model) check(t *rapid.T, r *store.Reader, from, to []byte) {
	want := m.between(from, to)
	var got []string
	for rec := range r.Scan(tableA, from, to) {
		if rec.Err != nil || string(rec.Value) != m[string(rec.Key)] {
			t.Fatalf("the scan gives %q = %.20q (%v), want %.20q", rec.Key, rec.Value, rec.Err, m[string(rec.Key)])
		}
		got = append(got, string(rec.Key))
	}
	if !slices.Equal(got, want) {
		t.Fatalf("the scan from %q to %q gives %q, want %q", from, to, got, want)
	}
}

// checkSome scans a part, and perhaps not all of it.
func (m model) checkSome(t *rapid.T, r *store.Reader) {
	from, to := bounds.Draw(t, "from"), bounds.Draw(t, "to")
	if rapid.Bool().Draw(t, "endless") {
		to = nil
	}
	m.check(t, r, from, to)
	want := m.between(from, to)
	limit := rapid.IntRange(0, 4).Draw(t, "limit")
	var got []string
	for rec := range r.Scan(tableA, from, to) {
		if len(got) == limit {
			break
		}
		got = append(got, string(rec.Key))
	}
	if !slices.Equal(got, want[:min(limit, len(want))]) {
		t.Fatalf("the first %d of the scan are %q, want those of %q", limit, got, want)
	}
}

func TestScanDoesNotSeeWhatIsWrittenMeanwhile(t *testing.T) {
	bubble(t, func(t *testing.T, s *store.Store) {
		for _, key := range []string{"a", "c", "e"} {
			ok(t, s.Update(t.Context(), put(key, "old")))
		}
		update(t, s, func(tx *store.Tx) {
			tx.Put(tableA, []byte("b"), []byte("own"))
			var seen []string
			for rec := range tx.Scan(tableA, nil, nil) {
				seen = append(seen, fmt.Sprintf("%s=%s", rec.Key, rec.Value))
				tx.Delete(tableA, []byte("c"))
				tx.Put(tableA, []byte("d"), []byte("late"))
			}
			if want := "a=old b=own c=old e=old"; strings.Join(seen, " ") != want {
				t.Errorf("the scan gives %q, want %q", seen, want)
			}
		})
		wantContent(t, s, content{row(tableA, "a"): "old", row(tableA, "b"): "own", row(tableA, "d"): "late",
			row(tableA, "e"): "old"})
	})
}

func TestInsertAndDeleteOfOneCommitDoNotReachTheFile(t *testing.T) {
	bubble(t, func(t *testing.T, s *store.Store) {
		const pattern = "never to be seen on a disk"
		insert := func(tx *store.Tx) error {
			tx.Insert(tableA, []byte("k"), []byte(pattern))
			return nil
		}
		for _, err := range together(s, put("other", "x"), insert, remove("k")) {
			ok(t, err)
		}
		wantContent(t, s, content{row(tableA, "other"): "x"})
		ok(t, s.Close())
		if n := occurrences(t, s.Dir(), pattern); n > 0 {
			t.Errorf("the file has the value %d times", n)
		}
	})
}

func TestWhatAGetReturnsCanBeAppendedTo(t *testing.T) {
	bubble(t, func(t *testing.T, s *store.Store) {
		update(t, s, func(tx *store.Tx) {
			tx.Put(tableA, []byte("k"), make([]byte, 3, 100))
			v, err := tx.Get(tableA, []byte("k"))
			ok(t, err)
			_ = append(v, "scribble"...)
			for rec := range tx.Scan(tableA, nil, nil) {
				_ = append(rec.Value, "scribble"...)
			}
		})
		wantContent(t, s, content{row(tableA, "k"): "\x00\x00\x00"})
	})
}

func TestPrefixEnd(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ prefix, want []byte }{
		{nil, nil},
		{[]byte{0xff}, nil},
		{[]byte{0xff, 0xff}, nil},
		{[]byte{0}, []byte{1}},
		{[]byte("a"), []byte("b")},
		{[]byte("az\xff\xff"), []byte("a{")},
	} {
		before := bytes.Clone(tt.prefix)
		got := store.PrefixEnd(tt.prefix)
		if !bytes.Equal(got, tt.want) || (got == nil) != (tt.want == nil) {
			t.Errorf("PrefixEnd(%x) = %x, want %x", tt.prefix, got, tt.want)
		}
		if !bytes.Equal(tt.prefix, before) {
			t.Errorf("PrefixEnd changed its argument to %x", tt.prefix)
		}
	}
}
