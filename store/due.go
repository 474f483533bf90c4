package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"time"
)

// dueTable is the one index of what happens at an instant. A key is the class
// (1 byte), the instant (8 bytes, microseconds since 1970) and a reference that
// the class gives a meaning to; there is no value.
const dueTable = Table("due")

// A Due says that something of a class is to happen to Ref at an instant.
type Due struct {
	Class byte
	At    time.Time
	Ref   []byte
}

func (d Due) key() []byte {
	k := make([]byte, 0, 9+len(d.Ref))
	k = append(k, d.Class)
	k = binary.BigEndian.AppendUint64(k, uint64(d.At.UnixMicro()))
	return append(k, d.Ref...)
}

// PutDue notes d. The same d twice is one.
func (t *Tx) PutDue(d Due) {
	t.Put(dueTable, d.key(), make([]byte, 0, sumSize))
	if at := d.At.UnixMicro(); at < t.nextDue {
		t.nextDue = at
	}
}

// DeleteDue takes d back.
func (t *Tx) DeleteDue(d Due) {
	t.Delete(dueTable, d.key())
}

// DueBy returns the earliest entries of a class that are due at the instant
// at, limit at the most. It puts damaged ones aside.
func (t *Tx) DueBy(class byte, at time.Time, limit int) []Due {
	to := Due{Class: class, At: at.Add(time.Microsecond)}.key()
	var found []Due
	for rec := range t.Scan(dueTable, []byte{class}, to) {
		d, damage := rec.due()
		if damage != nil {
			t.Quarantine(damage)
			continue
		}
		found = append(found, d)
		if len(found) == limit {
			break
		}
	}
	return found
}

// nextDueOf returns when the earliest entry of a class is due.
func (r *Reader) nextDueOf(class byte) (time.Time, bool) {
	for rec := range r.Scan(dueTable, []byte{class}, PrefixEnd([]byte{class})) {
		if d, damage := rec.due(); damage == nil {
			return d.At, true
		}
	}
	return time.Time{}, false
}

// due decodes a record of dueTable.
func (r Record) due() (d Due, damage *CorruptError) {
	if errors.As(r.Err, &damage) {
		return Due{}, damage
	}
	return decodeDue(r.Key)
}

func decodeDue(key []byte) (Due, *CorruptError) {
	if len(key) < 9 {
		return Due{}, &CorruptError{Table: dueTable, Key: bytes.Clone(key)}
	}
	return Due{
		Class: key[0],
		At:    time.UnixMicro(int64(binary.BigEndian.Uint64(key[1:]))).UTC(),
		Ref:   append([]byte(nil), key[9:]...),
	}, nil
}

// NextDue returns when the earliest entry of any of the classes is due, and
// whether there is one.
func (s *Store) NextDue(classes ...byte) (next time.Time, ok bool) {
	_ = s.View(func(r *Reader) error {
		for _, class := range classes {
			if at, found := r.nextDueOf(class); found && (!ok || at.Before(next)) {
				next, ok = at, true
			}
		}
		return nil
	})
	return next, ok
}
