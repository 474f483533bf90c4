package queue

import (
	"encoding/binary"

	"github.com/jitney-mq/jitney/store"
)

// A message that goes to several queues is one body with as many entries. How
// many there still are stands in sharesTable; the body of a message that only
// one queue ever got has no record there.
const sharesTable = store.Table("shares") // body id (8) → number of entries, as an unsigned varint

func shareKey(body uint64) []byte { return binary.BigEndian.AppendUint64(nil, body) }

func shareValue(n uint64) []byte { return binary.AppendUvarint(make([]byte, 0, 16), n) }

// shares returns how many entries have a body, 1 if there is no record.
func shares(r *store.Reader, body uint64) (uint64, error) {
	v, err := r.Get(sharesTable, shareKey(body))
	if v == nil || err != nil {
		return 1, err
	}
	n, size := binary.Uvarint(v)
	if size <= 0 || n == 0 {
		return 1, errRecord
	}
	return n, nil
}

// share makes the body of e that of n entries where it was that of one.
func (e *entry) share(tx *store.Tx, n int) error {
	if n < 2 {
		return nil
	}
	before := uint64(1)
	if e.flags&isShared != 0 {
		var err error
		if before, err = shares(&tx.Reader, e.body.id); err != nil {
			return err
		}
	}
	e.flags |= isShared
	tx.Put(sharesTable, shareKey(e.body.id), shareValue(before+uint64(n)-1))
	return nil
}

// unshare takes one entry off those that have a body, and reports whether it
// was the last. A body whose record cannot be read stays.
func unshare(tx *store.Tx, body uint64) (last bool) {
	n, err := shares(&tx.Reader, body)
	switch {
	case err != nil:
		return false
	case n > 1:
		tx.Put(sharesTable, shareKey(body), shareValue(n-1))
		return false
	}
	tx.Delete(sharesTable, shareKey(body))
	return true
}

// dropBody ends the hold that an entry has on its body.
func (e *entry) dropBody(tx *store.Tx) {
	if e.flags&isShared == 0 || unshare(tx, e.body.id) {
		deleteBody(tx, e.body)
	}
}
