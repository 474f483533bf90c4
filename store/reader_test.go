package store_test

import (
	"bytes"
	"errors"
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
		noFatal(rt, s.Update(background, empty))
		rt.Repeat(map[string]func(*rapid.T){
			"commit": func(rt *rapid.T) {
				plan, fails := plans.Draw(rt, "plan"), rapid.IntRange(0, 9).Draw(rt, "fails") == 0
				var after model
				err := s.Update(background, func(tx *store.Tx) error {
					after = maps.Clone(m)
					if err := after.follow(plan, tx); err != nil {
						return err
					}
					if fails {
						return errRefused
					}
					return nil
				})
				if fails && errors.Is(err, errRefused) {
					return
				}
				noFatal(rt, err)
				m = after
			},
			"reopen": func(rt *rapid.T) {
				noFatal(rt, s.Close())
				s = open(t, dir)
			},
			"": func(rt *rapid.T) {
				noFatal(rt, s.View(func(r *store.Reader) error { return m.check(r, nil, nil) }))
			},
		})
	})
}

func noFatal(t *rapid.T, err error) {
	if err != nil {
		t.Fatal(err)
	}
}

// empty is an op that deletes all there is.
func empty(tx *store.Tx) error {
	for rec := range tx.Scan(tableA, nil, nil) {
		tx.Delete(tableA, bytes.Clone(rec.Key))
	}
	return nil
}

// A step of a plan is one call. What is drawn is drawn before the op runs.
type step struct {
	call       string
	key, value []byte
	from, to   []byte
	limit      int
}

var plans = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
	s := step{call: rapid.SampledFrom([]string{"put", "put", "insert", "delete", "get", "scan"}).Draw(t, "call")}
	if s.call != "scan" {
		s.key, s.value = keys.Draw(t, "key"), values.Draw(t, "value")
		return s
	}
	s.from, s.limit = bounds.Draw(t, "from"), rapid.IntRange(0, 4).Draw(t, "limit")
	if rapid.Bool().Draw(t, "ends") {
		s.to = bounds.Draw(t, "to")
	}
	return s
}), 0, 8)

// follow does the same to the model and to the commit, and compares.
func (m model) follow(plan []step, tx *store.Tx) error {
	for _, s := range plan {
		if err := m.do(s, tx); err != nil {
			return err
		}
	}
	return m.check(&tx.Reader, nil, nil)
}

func (m model) do(s step, tx *store.Tx) error {
	key, value := bytes.Clone(s.key), append([]byte{}, s.value...)
	_, there := m[string(key)]
	switch {
	case s.call == "get":
		return m.checkKey(&tx.Reader, key)
	case s.call == "scan":
		return errors.Join(m.check(&tx.Reader, s.from, s.to), m.checkFirst(s.limit, &tx.Reader, s.from, s.to))
	case s.call == "delete":
		tx.Delete(tableA, key)
		delete(m, string(key))
		return nil
	case s.call == "insert" && !there:
		tx.Insert(tableA, key, value)
	default:
		tx.Put(tableA, key, value)
	}
	m[string(s.key)] = string(s.value)
	return nil
}

func (m model) checkKey(r *store.Reader, key []byte) error {
	want, there := m[string(key)]
	got, err := r.Get(tableA, key)
	if err != nil || string(got) != want || (got != nil) != there {
		return fmt.Errorf("%q holds %.20q (%v), want %.20q (there: %t)", key, got, err, want, there)
	}
	return nil
}

func (m model) check(r *store.Reader, from, to []byte) error {
	return m.checkFirst(len(m)+1, r, from, to)
}

// checkFirst compares the first records of a scan, limit at the most.
func (m model) checkFirst(limit int, r *store.Reader, from, to []byte) error {
	want := m.between(from, to)
	want = want[:min(limit, len(want))]
	var got []string
	for rec := range r.Scan(tableA, from, to) {
		if len(got) == limit {
			break
		}
		if rec.Err != nil || string(rec.Value) != m[string(rec.Key)] {
			return fmt.Errorf("the scan gives %q = %.20q (%v), want %.20q", rec.Key, rec.Value, rec.Err, m[string(rec.Key)])
		}
		got = append(got, string(rec.Key))
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("the first %d from %q to %q are %q, want %q", limit, from, to, got, want)
	}
	return nil
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

func TestWhatAGetReturnsCanBeAppendedTo(t *testing.T) {
	bubble(t, func(t *testing.T, s *store.Store) {
		update(t, s, func(tx *store.Tx) {
			tx.Put(tableA, []byte("k"), make([]byte, 3, 100))
			v, err := tx.Get(tableA, []byte("k"))
			noError(t, err)
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
