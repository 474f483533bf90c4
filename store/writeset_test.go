package store_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/jitney-mq/jitney/store"
)

func TestWriteSetHasOneWriteForAKey(t *testing.T) {
	bubble(t, func(t *testing.T, s *store.Store) {
		ok(t, s.Update(t.Context(), put("old", "0")))
		update(t, s, func(tx *store.Tx) {
			tx.Put(tableA, []byte("twice"), []byte("1"))
			tx.Put(tableB, []byte("twice"), []byte("2"))
			tx.Put(tableA, []byte("twice"), []byte("3"))
			tx.Put(tableA, []byte("old"), []byte("4"))
			tx.Delete(tableA, []byte("old"))
			tx.Insert(tableA, []byte("in and out"), []byte("5"))
			tx.Delete(tableA, []byte("in and out"))
			tx.Insert(tableA, []byte("in, out and in"), []byte("6"))
			tx.Delete(tableA, []byte("in, out and in"))
			tx.Insert(tableA, []byte("in, out and in"), []byte("7"))
			tx.Delete(tableA, []byte("out, in and out"))
			tx.Insert(tableA, []byte("out, in and out"), []byte("8"))
			tx.Delete(tableA, []byte("out, in and out"))
			var got []string
			for _, w := range store.WriteSetOf(tx) {
				value := "deleted"
				if w.Value != nil {
					v, err := store.Unseal(w.Table, w.Key, w.Value)
					noError(t, err)
					value = string(v)
				}
				got = append(got, fmt.Sprintf("%s/%s=%s", w.Table, w.Key, value))
			}
			want := "alpha/twice=3 beta/twice=2 alpha/old=deleted alpha/in, out and in=7 alpha/out, in and out=deleted"
			if strings.Join(got, " ") != want {
				t.Errorf("the write-set is\n%q, want\n%q", got, want)
			}
		})
		wantContent(t, s, content{row(tableA, "twice"): "3", row(tableB, "twice"): "2", row(tableA, "in, out and in"): "7"})
	})
}

func TestInsertAndDeleteOfOneCommitDoNotReachTheFile(t *testing.T) {
	bubble(t, func(t *testing.T, s *store.Store) {
		const secret = "never to be seen on a disk"
		insert := func(tx *store.Tx) error {
			tx.Insert(tableA, []byte("k"), []byte(secret))
			return nil
		}
		for _, err := range together(s, put("other", "x"), insert, remove("k")) {
			ok(t, err)
		}
		wantContent(t, s, content{row(tableA, "other"): "x"})
		ok(t, s.Close())
		if n := occurrences(t, s.Dir(), secret); n > 0 {
			t.Errorf("the file has the value %d times", n)
		}
	})
}

func TestManyWritesOfOneOp(t *testing.T) {
	bubble(t, func(t *testing.T, s *store.Store) {
		const count = 5_000
		key := func(i int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(i*i)) }
		want := content{}
		for range 2 { // the second time over what the first has left
			update(t, s, func(tx *store.Tx) {
				for i := range count {
					tx.Put(tableA, key(i), key(i))
				}
				for i := range count {
					if v, err := tx.Get(tableA, key(i)); err != nil || string(v) != string(key(i)) {
						t.Errorf("record %d holds %x, %v", i, v, err)
					}
					if i%3 == 0 {
						tx.Delete(tableA, key(i))
						delete(want, row(tableA, string(key(i))))
					} else {
						want[row(tableA, string(key(i)))] = string(key(i))
					}
				}
			})
			wantContent(t, s, want)
		}
	})
}
