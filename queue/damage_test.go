package queue_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/queue"
	"github.com/jitney-mq/jitney/store"
	bolt "go.etcd.io/bbolt"
)

// raw changes the closed file behind the store's back.
func (h *harness) raw(fn func(tx *bolt.Tx) error) {
	h.t.Helper()
	h.unchecked = true
	db, err := bolt.Open(filepath.Join(h.dir, store.FileName), 0o600, &bolt.Options{NoFreelistSync: true, Timeout: time.Second})
	if err != nil {
		h.t.Fatal(err)
	}
	if err := errors.Join(db.Update(fn), db.Close()); err != nil {
		h.t.Fatal(err)
	}
}

// damage closes the store, changes a bit of every record of a table that
// choose accepts, and opens the store again.
func (h *harness) damage(q *queue.Queue, table store.Table, choose func(key []byte) bool) *queue.Queue {
	h.t.Helper()
	h.close()
	h.raw(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(table))
		var keys [][]byte
		b.ForEach(func(k, _ []byte) error {
			if choose(k) {
				keys = append(keys, bytes.Clone(k))
			}
			return nil
		})
		if len(keys) == 0 {
			h.t.Errorf("no record of %s was chosen", table)
		}
		for _, k := range keys {
			if err := b.Put(k, flipped(b.Get(k), 1)); err != nil {
				return err
			}
		}
		return nil
	})
	return h.again(q)
}

// flipped is a copy of v in which one bit of a byte is another.
func flipped(v []byte, i int) []byte {
	v = bytes.Clone(v)
	v[i] ^= 0x10
	return v
}

// position accepts the entry at a position.
func position(n uint64) func([]byte) bool {
	return func(key []byte) bool { return binary.BigEndian.Uint64(key[10:]) == n }
}

// head accepts record 0 of the i-th body, piece a later one.
func head(i int) func([]byte) bool {
	return func(key []byte) bool {
		if binary.BigEndian.Uint32(key[8:]) != 0 {
			return false
		}
		i--
		return i == -1
	}
}

func piece(key []byte) bool { return binary.BigEndian.Uint32(key[8:]) == 2 }

// A damaged entry is never served; it is put aside when its turn comes, and
// the others are served, whatever it was.
func TestDamagedEntry(t *testing.T) {
	tests := map[string]struct {
		do   func(h *harness, q *queue.Queue, d *queue.Delivery) // with message 2 of 3
		wake time.Duration                                       // until the damage is noticed
		want string
	}{
		"active": {func(h *harness, q *queue.Queue, d *queue.Delivery) { h.settle(q, d, queue.Release) }, 0, "1,3"},
		"locked": {func(*harness, *queue.Queue, *queue.Delivery) {}, 0, "1,3"},
		"scheduled": {func(h *harness, q *queue.Queue, d *queue.Delivery) {
			h.trySettle(q, queue.Settlement{Lock: d.LockToken, Disposition: queue.Abandon, Delay: time.Minute})
		}, time.Minute, "1,3"},
		"active and expiring": {func(h *harness, q *queue.Queue, d *queue.Delivery) { h.settle(q, d, queue.Release) }, time.Hour, "1,3"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *harness) {
				q := h.queue("/orders", nil)
				h.send(q, text("1"))
				m := text("2")
				if name == "active and expiring" {
					m.TimeToLive = 30 * time.Minute
				}
				h.send(q, m, text("3"))
				list := h.receive(q, queue.ReceiveOptions{Count: 3})
				h.settle(q, list[0], queue.Release)
				h.settle(q, list[2], queue.Release)
				test.do(h, q, list[1])
				q = h.damage(q, "entries", position(2))
				if err := h.trySettle(q, queue.Settlement{Lock: list[1].LockToken}); !errors.Is(err, queue.ErrLockLost) {
					t.Errorf("settling the damaged one: %v", err)
				}
				if got := bodies(h.browse(q, queue.Main)); got != "1,3" {
					t.Errorf("browsing shows %s, want 1,3", got)
				}
				time.Sleep(test.wake)
				synctest.Wait()
				if got := bodies(h.receive(q, queue.ReceiveOptions{Count: 9})); got != test.want {
					t.Errorf("received %s, want %s", got, test.want)
				}
				c := h.counts(q)
				if c.Active != 0 || c.Locked != 2 || c.Scheduled != 0 || h.store.Stats().Quarantined != 1 {
					t.Errorf("counts %+v, %d put aside", c, h.store.Stats().Quarantined)
				}
				q = h.reopen(q)
				time.Sleep(time.Minute)
				if got := bodies(h.receive(q, queue.ReceiveOptions{Count: 9, Mode: queue.ReceiveAndDelete})); got != test.want {
					t.Errorf("received again %s, want %s", got, test.want)
				}
				if c := h.counts(q); c.Active != 0 || c.Locked != 0 {
					t.Errorf("counts at the end %+v", c)
				}
			})
		})
	}
}

// A damaged body is never served; the message is put aside when its turn
// comes, and the receiver gets what comes after it.
func TestDamagedBody(t *testing.T) {
	for _, mode := range []queue.Mode{queue.PeekLock, queue.ReceiveAndDelete} {
		for _, count := range []int{1, 9} {
			t.Run(fmt.Sprintf("mode %d, %d at once", mode, count), func(t *testing.T) {
				bubble(t, func(t *testing.T, h *harness) {
					q := h.queue("/orders", nil)
					for _, body := range []string{"1", "2", "3", "4"} {
						h.send(q, text(body))
					}
					q = h.damage(q, "bodies", head(0))
					q = h.damage(q, "bodies", head(2))
					if got := bodies(h.browse(q, queue.Main)); got != "2,4" {
						t.Errorf("browsing shows %s, want 2,4", got)
					}
					if _, err := q.Find(queue.Main, 1); !errors.Is(err, queue.ErrNoMessage) {
						t.Errorf("find: %v", err)
					}
					if count == 1 {
						if _, err := q.Lock(t.Context(), queue.Main, 3, 0); !errors.Is(err, queue.ErrNoMessage) {
							t.Errorf("lock: %v", err)
						}
					}
					var got []string
					for range 2 {
						got = append(got, bodies(h.receive(q, queue.ReceiveOptions{Mode: mode, Count: count})))
					}
					if s := strings.Trim(strings.Join(got, ","), ","); s != "2,4" {
						t.Errorf("received %s, want 2,4", s)
					}
					c := h.counts(q)
					if c.Active != 0 || (c.Locked != 0) != (mode == queue.PeekLock) || h.store.Stats().Quarantined != 2 {
						t.Errorf("counts %+v, %d put aside", c, h.store.Stats().Quarantined)
					}
				})
			})
		}
	}
}

// Of a large body a damaged piece is noticed when it is read; the message then
// goes the way of all that cannot be processed.
func TestDamagedPiece(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		q := h.queue("/orders", func(p *policy.Queue) { p.MaxDeliveryCount = 2 })
		h.send(q, queue.Outgoing{Message: &message.Message{Body: noise[:20_000]}})
		h.send(q, text("2"))
		q = h.damage(q, "bodies", piece)
		for range 2 {
			d := h.one(q)
			var corrupt *store.CorruptError
			if err := d.Load(); !errors.As(err, &corrupt) || d.Body != nil {
				t.Errorf("loading: %v, %d bytes", err, len(d.Body))
			}
			var got bytes.Buffer
			if n, err := d.WriteTo(&got); err == nil || !bytes.HasPrefix(noise, got.Bytes()) || n >= 20_000 {
				t.Errorf("wrote %d bytes, %v", n, err)
			}
			h.settle(q, d, queue.Abandon)
		}
		if c := h.counts(q); c.DeadLetter != 1 || c.Active != 1 {
			t.Errorf("counts %+v, want it dead-lettered", c)
		}
		if got := h.next(q, 0); got != "2" {
			t.Errorf("received %q", got)
		}
	})
}

// A queue whose counts are damaged says so, and the others go on.
func TestDamagedCounts(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		q, other := h.queue("/orders", nil), h.queue("/other", nil)
		h.send(q, text("a"))
		h.send(other, text("b"))
		h.damage(q, "counts", func(key []byte) bool { return queue.ID(binary.BigEndian.Uint64(key)) == q.ID() })
		q, _ = h.resolve("/orders")
		other, _ = h.resolve("/other")
		var corrupt *store.CorruptError
		if _, err := q.Receive(t.Context(), queue.ReceiveOptions{}); !errors.As(err, &corrupt) {
			t.Errorf("receive: %v", err)
		}
		if _, _, err := q.Send(t.Context(), text("c")); !errors.As(err, &corrupt) {
			t.Errorf("send: %v", err)
		}
		if got := h.next(other, 0); got != "b" {
			t.Errorf("the other queue has %q", got)
		}
	})
}

// Whichever bit of whichever record is another one: nothing is served that
// was not sent, at most one message is missing, and nothing panics.
func TestBitFlips(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		q := h.queue("/orders", func(p *policy.Queue) { p.LockDuration = time.Second })
		h.fillForFlips(q)
		h.close()
		saved := h.save()
		flips := 0
		for _, table := range []store.Table{"entries", "bodies", "moved", "due", "trash"} {
			for record := 0; ; record++ {
				size := 0
				for i := 0; i == 0 || i < size; i += max(1, size/3) {
					h.restore(saved)
					if size = h.flip(table, record, i); size == 0 {
						break
					}
					flips++
					name := fmt.Sprintf("%s, record %d, byte %d of %d", table, record, i, size)
					q = h.again(q)
					h.wantIntact(name, q)
					h.close()
				}
				if size == 0 {
					break
				}
			}
		}
		h.restore(saved)
		h.again(q)
		if flips < 100 {
			t.Errorf("only %d bits were tried", flips)
		}
	})
}

// fillForFlips makes eight messages that stand in all tables, each with its
// label for a body.
func (h *harness) fillForFlips(q *queue.Queue) {
	for i := range 8 {
		m := queue.Outgoing{Message: &message.Message{Label: strconv.Itoa(i), Body: body(strconv.Itoa(i), int64(10+i%3*3000))}}
		if i == 1 {
			m.TimeToLive = 1000 * time.Hour
		}
		if i == 2 {
			m.ScheduledAt = time.Now().Add(time.Second)
		}
		h.send(q, m)
	}
	list := h.receive(q, queue.ReceiveOptions{Count: 4})
	h.settle(q, list[1], queue.DeadLetterIt)
	if err := h.trySettle(q, queue.Settlement{Lock: list[2].LockToken, Disposition: queue.Reschedule}); err != nil {
		h.t.Error(err)
	}
	if _, _, err := h.set.ReadBody(h.t.Context(), bytes.NewReader(noise[:300_000]), 1<<20); err != nil {
		h.t.Error(err)
	}
}

// flip changes a bit of the record-th record of a table and returns its size, 0 if there is none.
func (h *harness) flip(table store.Table, record, i int) (size int) {
	h.raw(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(table))
		c := b.Cursor()
		k, v := c.First()
		for ; k != nil && record > 0; record-- {
			k, v = c.Next()
		}
		if k == nil {
			return nil
		}
		size = len(v)
		return b.Put(bytes.Clone(k), flipped(v, min(i, size-1)))
	})
	return size
}

// wantIntact receives everything and demands that it is as it was sent.
func (h *harness) wantIntact(name string, q *queue.Queue) {
	h.t.Helper()
	time.Sleep(2 * time.Second)
	synctest.Wait()
	var labels []string
	for _, sub := range []queue.SubQueue{queue.Main, queue.DeadLetter} {
		if _, err := q.Browse(queue.BrowseOptions{Sub: sub}); err != nil && !errors.As(err, new(*store.CorruptError)) {
			h.t.Errorf("%s: browse: %v", name, err)
		}
		list, err := q.Receive(h.t.Context(), queue.ReceiveOptions{Sub: sub, Count: 100})
		if err != nil {
			h.t.Errorf("%s: receive: %v", name, err)
		}
		for _, d := range list {
			if err := d.Load(); err != nil {
				continue // it is damaged, and known to be
			}
			if !bytes.Equal(d.Body, body(d.Label, d.Size)) || slices.Contains(labels, d.Label) {
				h.t.Errorf("%s: received %q with %d bytes, after %v", name, d.Label, len(d.Body), labels)
			}
			labels = append(labels, d.Label)
			if err := h.trySettle(q, queue.Settlement{Lock: d.LockToken}); err != nil {
				h.t.Errorf("%s: settle %q: %v", name, d.Label, err)
			}
		}
	}
	if len(labels) < 7 {
		h.t.Errorf("%s: only %v were received", name, labels)
	}
	if c := h.counts(q); c.Active > 1 || c.Locked > 1 || c.Scheduled > 1 || c.DeadLetter > 1 {
		h.t.Errorf("%s: counts %+v at the end", name, c)
	}
}
