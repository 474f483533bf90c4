package queue_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/queue"
	"github.com/jitney-mq/jitney/store"
)

// to is a route to queues, each of which gets a message as it is.
func to(queues ...*queue.Queue) queue.Route {
	return routed(func(*message.Message) ([]queue.Copy, error) {
		copies := make([]queue.Copy, len(queues))
		for i, q := range queues {
			copies[i].Queue = q
		}
		return copies, nil
	})
}

// routed is a route that fn decides.
func routed(fn func(*message.Message) ([]queue.Copy, error)) queue.Route {
	return func(m *message.Message, _ int64) queue.Choice {
		return queue.Choice{Make: func(*store.Tx) ([]queue.Copy, error) { return fn(m) }}
	}
}

// distribute sends messages by a route, and returns how many got each.
func (h *harness) distribute(route queue.Route, messages ...queue.Outgoing) []int {
	h.t.Helper()
	counts, err := h.set.Distribute(h.t.Context(), 64<<20, route, messages...)
	if err != nil {
		h.t.Fatal(err)
	}
	return counts
}

// several makes n queues.
func (h *harness) several(n int, edit func(*policy.Queue)) []*queue.Queue {
	h.t.Helper()
	list := make([]*queue.Queue, n)
	for i := range list {
		list[i] = h.queue(fmt.Sprint("/copy", i), edit)
	}
	return list
}

// roomy lets a queue have bodies of up to 64 MiB.
func roomy(p *policy.Queue) { p.MaxMessageKilobytes = 64 << 10 }

// outgoing is a message with a body of size bytes, staged if it is large.
func (h *harness) outgoing(id string, size int) (queue.Outgoing, []byte) {
	h.t.Helper()
	body := []byte(strings.Repeat(id+" ", size/len(id)+1)[:size])
	out := queue.Outgoing{Message: &message.Message{ID: id}}
	var err error
	if out.Body, out.Staged, err = h.set.ReadBody(h.t.Context(), bytes.NewReader(body), 64<<20); err != nil {
		h.t.Fatal(err)
	}
	return out, body
}

// bodyRecords is how many records of bodies there are, once it is quiet.
func (h *harness) bodyRecords() int {
	h.t.Helper()
	synctest.Wait()
	h.check()
	return h.records("bodies")
}

// bodySizes are: in one record, in chunks, in more chunks than an op deletes
// itself, staged.
var bodySizes = []int{0, 10, 2 << 10, 2<<10 + 1, 100 << 10, 300 << 10, 5 << 20}

// A body goes with the last of those who have it, however they give it up and
// in whatever order, and not before. [S2]
func TestSharedBody(t *testing.T) {
	ways := []string{"complete", "destroy", "expire", "delete", "cancel", "reopen and complete"}
	for _, size := range bodySizes {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			bubble(t, func(t *testing.T, h *harness) {
				random := rand.New(rand.NewPCG(uint64(size), 7))
				for round := range 4 {
					order := slices.Clone(ways)
					random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
					queues := make([]*queue.Queue, len(order))
					for i := range queues {
						queues[i] = h.queue(fmt.Sprintf("/%d-%d", round, i), roomy)
					}
					out, body := h.outgoing(fmt.Sprint("message", round), size)
					if n := h.distribute(to(queues...), out); n[0] != len(queues) {
						t.Fatalf("%d got it", n[0])
					}
					whole := h.bodyRecords()
					if whole == 0 {
						t.Fatal("no body")
					}
					for i, way := range order {
						if n := h.bodyRecords(); n != whole {
							t.Fatalf("%v: after %d of them %d records of the body are left, want %d", order, i, n, whole)
						}
						h.giveUp(fmt.Sprintf("/%d-%d", round, i), way, body)
					}
					if n := h.bodyRecords(); n != 0 {
						t.Fatalf("%v: %d records of the body are left", order, n)
					}
				}
				if n := h.records("shares"); n != 0 {
					t.Errorf("%d records of shares are left", n)
				}
			})
		})
	}
}

// giveUp ends the one message of a queue in some way, and reads it before.
func (h *harness) giveUp(name, way string, body []byte) {
	h.t.Helper()
	q := h.named[name]
	read := func(d *queue.Delivery) {
		h.t.Helper()
		var b bytes.Buffer
		if _, err := d.WriteTo(&b); err != nil || !bytes.Equal(b.Bytes(), body) {
			h.t.Fatalf("%s: read %d bytes, %v; want %d", way, b.Len(), err, len(body))
		}
	}
	switch way {
	case "reopen and complete":
		q = h.reopen(q)
		fallthrough
	case "complete":
		d := h.one(q)
		read(d)
		h.settle(q, d, queue.Complete)
	case "destroy":
		list := h.receive(q, queue.ReceiveOptions{Mode: queue.ReceiveAndDelete})
		read(list[0])
		list[0].Close()
	case "expire":
		h.change(q, func(p *policy.Queue) { p.TimeToLive = time.Second })
		d := h.one(q)
		if err := h.trySettle(q, queue.Settlement{Lock: d.LockToken, Disposition: queue.DeadLetterIt}); err != nil {
			h.t.Fatal(err)
		}
		if n, err := q.Redrive(h.t.Context(), queue.DeadLetter, nil, 0); n != 1 || err != nil {
			h.t.Fatal(n, err)
		}
		time.Sleep(2 * time.Second)
	case "delete":
		h.delete(name)
	case "cancel":
		list := h.browse(q, queue.Main)
		if err := q.Cancel(h.t.Context(), queue.Main, uint64(list[0].SequenceNumber)); err != nil {
			h.t.Fatal(err)
		}
	}
}

// One who has received and deleted it reads a shared body to the end, whatever
// the others do meanwhile; it goes when the last one is through.
func TestSharedBodyIsRead(t *testing.T) {
	for _, size := range []int{10, 100 << 10, 5 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			bubble(t, func(t *testing.T, h *harness) {
				queues := h.several(4, roomy)
				out, body := h.outgoing("shared", size)
				h.distribute(to(queues...), out)
				destroy := func(i int) *queue.Delivery {
					return h.receive(queues[i], queue.ReceiveOptions{Mode: queue.ReceiveAndDelete})[0]
				}
				first, second := destroy(0), destroy(1)
				h.settle(queues[2], h.one(queues[2]), queue.Complete)
				h.delete("/copy3")
				h.bodyRecords()
				for _, d := range []*queue.Delivery{second, first} {
					var b bytes.Buffer
					if _, err := d.WriteTo(&b); err != nil || !bytes.Equal(b.Bytes(), body) {
						t.Errorf("read %d bytes, %v; want %d", b.Len(), err, len(body))
					}
					d.Close()
					d.Close()
				}
				if n := h.bodyRecords(); n != 0 {
					t.Errorf("%d records of the body are left", n)
				}
				h.wantNoShares()
			})
		})
	}
}

func (h *harness) wantNoShares() {
	h.t.Helper()
	for _, table := range []store.Table{"shares", "trash"} {
		if n := h.records(table); n != 0 {
			h.t.Errorf("table %s has %d records, want none", table, n)
		}
	}
}

// What the readers of the last process held is given up by the next one; the
// others have it still. [R9]
func TestSharedBodyAfterRestart(t *testing.T) {
	for _, crashes := range []bool{false, true} {
		t.Run(fmt.Sprint("crash ", crashes), func(t *testing.T) {
			bubble(t, func(t *testing.T, h *harness) {
				queues := h.several(4, roomy)
				out, body := h.outgoing("shared", 5<<20)
				h.distribute(to(queues...), out)
				for i := range 2 { // nobody reads them to the end
					h.receive(queues[i], queue.ReceiveOptions{Mode: queue.ReceiveAndDelete})
				}
				h.bodyRecords()
				reopen := h.reopen
				if crashes {
					reopen = h.crash
				}
				last := reopen(queues[2])
				if n := h.bodyRecords(); n == 0 {
					t.Fatal("the body is gone")
				}
				d := h.one(last)
				if err := d.Load(); err != nil || !bytes.Equal(d.Body, body) {
					t.Errorf("received %d bytes, %v", len(d.Body), err)
				}
				h.settle(last, d, queue.Complete)
				if list := h.receive(h.named["/copy3"], queue.ReceiveOptions{Mode: queue.ReceiveAndDelete}); len(list) != 1 {
					t.Fatal("the last one has no message")
				}
				h.reopen(last)
				if n := h.bodyRecords(); n != 0 {
					t.Errorf("%d records of the body are left", n)
				}
				h.wantNoShares()
			})
		})
	}
}

// One queue can have a message several times, and others share its body. [S1]
func TestSharedBodyInOneQueue(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		queues := h.several(2, nil)
		out, _ := h.outgoing("shared", 300<<10)
		h.distribute(to(queues[0], queues[1], queues[0], queues[0]), out)
		if c := h.counts(queues[0]); c.Active != 3 || c.Bytes != 3*300<<10 {
			t.Errorf("%+v, want the same message three times", c)
		}
		for range 3 {
			h.settle(queues[0], h.one(queues[0]), queue.Complete)
			if h.bodyRecords() == 0 {
				t.Fatal("the body is gone")
			}
		}
		h.settle(queues[1], h.one(queues[1]), queue.Complete)
		h.wantEmpty()
	})
}
