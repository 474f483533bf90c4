package store

import (
	"bytes"
	"iter"

	bolt "go.etcd.io/bbolt"
)

// A Reader sees the records of one instant. It and all the slices it returns
// are valid until the function it was given to returns, and must not be
// written to.
type Reader struct {
	bolt    *bolt.Tx
	own     *pending // an op's view of the commit in the making; nil for View
	buckets []bucket // the tables used so far
}

// bucket is a table with a cursor that every look-up uses: bbolt's own would
// be allocated anew for each.
type bucket struct {
	table Table
	*bolt.Bucket
	cursor *bolt.Cursor
}

func (r *Reader) bucket(t Table) *bucket {
	for i := range r.buckets {
		if r.buckets[i].table == t {
			return &r.buckets[i]
		}
	}
	b := r.bolt.Bucket([]byte(t))
	if b == nil {
		panic("store: table " + string(t) + " was not named in Options")
	}
	r.buckets = append(r.buckets, bucket{t, b, b.Cursor()})
	return &r.buckets[len(r.buckets)-1]
}

// get is bolt.Bucket.Get.
func (b *bucket) get(key []byte) []byte {
	k, v := b.cursor.Seek(key)
	if !bytes.Equal(k, key) {
		return nil
	}
	if v == nil {
		return []byte{}
	}
	return v
}

// delete is bolt.Bucket.Delete.
func (b *bucket) delete(key []byte) error {
	if k, _ := b.cursor.Seek(key); !bytes.Equal(k, key) {
		return nil
	}
	return b.cursor.Delete()
}

// Get returns the value of key, nil if there is none, or a *CorruptError.
func (r *Reader) Get(t Table, key []byte) ([]byte, error) {
	if r.own != nil {
		if w, ok := r.own.get(t, key); ok {
			if w.Value == nil {
				return nil, nil
			}
			return w.content(), nil
		}
	}
	v := r.bucket(t).get(key)
	if v == nil {
		return nil, nil
	}
	return unseal(t, key, v)
}

// A Record is one row of a Scan.
type Record struct {
	Key   []byte
	Value []byte
	Err   error // a *CorruptError; Value is nil then
}

// Scan gives the records with from <= key < to in key order; a nil to has no
// end. What an op writes while it scans is not seen by that scan.
//
// A caller stops after 1,000 records or so and goes on in another
// transaction: one that stays open keeps bbolt from reusing pages.
func (r *Reader) Scan(t Table, from, to []byte) iter.Seq[Record] {
	return func(yield func(Record) bool) {
		var own []Write
		if r.own != nil {
			own = r.own.between(t, from, to)
		}
		c := r.bucket(t).Cursor()
		k, v := c.Seek(from)
		for {
			inFile := k != nil && (to == nil || bytes.Compare(k, to) < 0)
			if !inFile && len(own) == 0 {
				return
			}
			if len(own) > 0 && (!inFile || bytes.Compare(own[0].Key, k) <= 0) {
				w := own[0]
				own = own[1:]
				if inFile && bytes.Equal(w.Key, k) {
					k, v = c.Next()
				}
				if w.Value != nil && !yield(Record{Key: w.Key, Value: w.content()}) {
					return
				}
				continue
			}
			value, err := unseal(t, k, v)
			if !yield(Record{Key: k, Value: value, Err: err}) {
				return
			}
			k, v = c.Next()
		}
	}
}

// PrefixEnd returns the first key after all that begin with prefix, nil if
// there is none.
func PrefixEnd(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] < 0xff {
			end := bytes.Clone(prefix[:i+1])
			end[i]++
			return end
		}
	}
	return nil
}
