package queue_test

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/queue"
	"github.com/jitney-mq/jitney/store"
)

// stored returns all records of a table, of messages in every state.
func stored(t tb, table store.Table) (keys, values [][]byte) {
	h := open(t)
	q := h.queue("/orders", func(p *policy.Queue) { p.TimeToLive = time.Hour })
	h.fillForFlips(q)
	h.settle(q, h.one(q), queue.Defer)
	err := h.store.View(func(r *store.Reader) error {
		for rec := range r.Scan(table, nil, nil) {
			keys, values = append(keys, bytes.Clone(rec.Key)), append(values, bytes.Clone(rec.Value))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys, values
}

// What the queue has written it reads as it was, to the byte.
func TestRecordsAreReadAsWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keys, values := stored(t, "entries")
		for i, v := range values {
			again, err := queue.RecodeEntry(keys[i], v)
			key, _ := queue.EntryKey(keys[i], v)
			if err != nil || !bytes.Equal(again, v) || !bytes.Equal(key, keys[i]) {
				t.Errorf("entry %x became %x, %v", v, again, err)
			}
		}
		_, values = stored(t, "counts")
		for _, v := range values {
			if again, err := queue.RecodeCounts(v); err != nil || !bytes.Equal(again, v) {
				t.Errorf("counts %x became %x, %v", v, again, err)
			}
		}
	})
}

// stable demands that what was decoded and encoded once stays as it is.
func stable(t *testing.T, value []byte, recode func([]byte) ([]byte, error)) {
	t.Helper()
	once, err := recode(value)
	if err != nil {
		return
	}
	twice, err := recode(once)
	if err != nil || !bytes.Equal(once, twice) {
		t.Errorf("%x is encoded as %x, and that as %x, %v", value, once, twice, err)
	}
}

// varints are numbers at the limits of what a record holds.
var varints = [][]byte{{0}, {1}, {0x7f}, {0x80, 1}, {0x80, 0}, {0x80}, {},
	bytes.Repeat([]byte{0xff}, 9), append(bytes.Repeat([]byte{0xff}, 9), 1), bytes.Repeat([]byte{0xff}, 11)}

// Any bytes are read as an entry or refused.
func FuzzEntry(f *testing.F) {
	keys, values := stored(f, "entries")
	for i := range keys {
		f.Add(keys[i], values[i])
		f.Add(keys[i][1:], values[i])
		f.Add(keys[i], values[i][:len(values[i])-1])
	}
	key := make([]byte, queue.KeySize)
	for _, v := range varints {
		f.Add(key, append([]byte{1, 8}, bytes.Repeat(v, 15)...))
	}
	f.Add(key, append([]byte{1, 8}, append(make([]byte, 12), bytes.Repeat([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, 3)...)...))
	f.Add(bytes.Repeat([]byte{0xff}, queue.KeySize), values[0])
	f.Fuzz(func(t *testing.T, key, value []byte) {
		stable(t, value, func(v []byte) ([]byte, error) { return queue.RecodeEntry(key, v) })
	})
}

// Any bytes are read as counts or refused.
func FuzzCounts(f *testing.F) {
	_, values := stored(f, "counts")
	for _, v := range values {
		f.Add(v)
		f.Add(v[:len(v)-1])
		f.Add(append(v, 0))
	}
	for _, v := range varints {
		f.Add(append([]byte{1}, bytes.Repeat(v, 18)...))
	}
	f.Fuzz(func(t *testing.T, value []byte) { stable(t, value, queue.RecodeCounts) })
}

// Any bytes are read as the first record of a body or refused.
func FuzzBodyHead(f *testing.F) {
	_, values := stored(f, "bodies")
	for _, v := range values {
		f.Add(v)
		f.Add(v[:min(len(v), 5)])
	}
	for _, v := range varints {
		f.Add(append([]byte{1, 0}, v...))
		f.Add(append(append([]byte{1, 0}, v...), values[0]...))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		var first *message.Message
		stable(t, value, func(v []byte) ([]byte, error) {
			again, m, err := queue.RecodeHead(v)
			if first == nil {
				first = m
			} else if m != nil && (m.ID != first.ID || m.TimeToLive != first.TimeToLive || m.Properties.Len() != first.Properties.Len()) {
				t.Errorf("%+v became %+v", first, m)
			}
			return again, err
		})
	})
}
