package store_test

import (
	"bytes"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/store"
)

// FuzzRecord decodes what the store itself reads from a file: the checksum of
// a record, the number and instant of a commit, the key of a due entry.
func FuzzRecord(f *testing.F) {
	for _, seed := range [][]byte{
		nil,
		{0},
		[]byte("abc"),
		[]byte("\x00\x00\x00\x00"),
		bytes.Repeat([]byte{0xff}, 8),
		bytes.Repeat([]byte{0xff}, 9),
		bytes.Repeat([]byte{0xff}, 16),
		store.Seal(tableA, []byte("key"), []byte("value")),
		store.Seal(store.MetaTable, []byte(store.CommitKey), store.EncodeCommit(math.MaxUint64, epoch)),
		store.EncodeCommit(1, epoch),
		store.DueKey(due('a', 0, "ref")),
		store.DueKey(store.Due{Class: 255, At: time.UnixMicro(math.MaxInt64)}),
	} {
		f.Add([]byte("key"), seed, uint(1))
	}
	f.Fuzz(func(t *testing.T, key, data []byte, bit uint) {
		fuzzSeal(t, key, data, bit)
		fuzzUnseal(t, key, data)
		fuzzCommit(t, data)
		fuzzDue(t, data)
	})
}

// fuzzSeal: what was sealed is found as it was, and a changed bit is found out.
func fuzzSeal(t *testing.T, key, value []byte, bit uint) {
	sealed := store.Seal(tableA, key, bytes.Clone(value))
	got, err := store.Unseal(tableA, key, sealed)
	if err != nil || !bytes.Equal(got, value) {
		t.Fatalf("%q comes back as %q, %v", value, got, err)
	}
	bit %= uint(8 * len(sealed))
	sealed[bit/8] ^= 1 << (bit % 8)
	if got, err := store.Unseal(tableA, key, sealed); err == nil {
		t.Fatalf("%q with bit %d changed is taken for %q", value, bit, got)
	}
	sealed[bit/8] ^= 1 << (bit % 8)
	if _, err := store.Unseal(tableB, key, sealed); err == nil {
		t.Fatal("the record is taken for one of another table")
	}
	if len(key) == 0 {
		return
	}
	other := bytes.Clone(key)
	other[int(bit/8)%len(other)] ^= 1 << (bit % 8)
	if _, err := store.Unseal(tableA, other, sealed); err == nil {
		t.Fatalf("the record of %x is taken for that of %x", key, other)
	}
}

// fuzzUnseal: what passes for a record is one.
func fuzzUnseal(t *testing.T, key, data []byte) {
	before := bytes.Clone(data)
	value, err := store.Unseal(tableA, key, data)
	var corrupt *store.CorruptError
	if err != nil && (!errors.As(err, &corrupt) || value != nil || corrupt.Table != tableA || !bytes.Equal(corrupt.Key, key)) {
		t.Fatalf("the damaged record %q gives %q, %v", data, value, err)
	}
	if err == nil && !bytes.Equal(store.Seal(tableA, key, bytes.Clone(value)), data) {
		t.Fatalf("%q is taken for %q", data, value)
	}
	if !bytes.Equal(data, before) {
		t.Fatalf("%q was changed to %q", before, data)
	}
}

func fuzzCommit(t *testing.T, data []byte) {
	number, at, err := store.DecodeCommit(data)
	if err == nil && !bytes.Equal(store.EncodeCommit(number, at), data) {
		t.Fatalf("%x is taken for commit %d of %v", data, number, at)
	}
}

func fuzzDue(t *testing.T, data []byte) {
	d, damage := store.DecodeDue(data)
	if damage == nil && !bytes.Equal(store.DueKey(d), data) {
		t.Fatalf("%x is taken for %+v", data, d)
	}
}
