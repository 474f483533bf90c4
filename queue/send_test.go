package queue_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/queue"
	"github.com/jitney-mq/jitney/store"
)

// texts are n messages of size bytes each.
func texts(n, size int) []queue.Outgoing {
	list := make([]queue.Outgoing, n)
	for i := range list {
		list[i] = text(strings.Repeat("x", size))
	}
	return list
}

// Promise 1: what was acknowledged is there after a crash, in its order and with nothing else.
func TestSentIsOnDisk(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		q := h.queue("/orders", nil)
		h.send(q, text("a"))
		h.send(q, text("b"), text("c"))
		q = h.crash(q)
		if got := bodies(h.browse(q, queue.Main)); got != "a,b,c" {
			t.Errorf("after a crash there is %q, want a,b,c", got)
		}
	})
}

// [Q4]: of a batch all messages are there or none.
func TestBatchIsAllOrNone(t *testing.T) {
	big := text(strings.Repeat("x", 1025))
	tests := []struct {
		name  string
		batch []queue.Outgoing
		want  error
	}{
		{"the last one is too large", append(texts(3, 1), big), queue.ErrTooLarge},
		{"the first one is too large", append([]queue.Outgoing{big}, texts(3, 1)...), queue.ErrTooLarge},
		{"more than the queue ever holds", texts(11, 1), queue.ErrTooLarge},
		{"more than there is room for", texts(9, 1), queue.ErrFull},
		{"as many as there is room for", texts(8, 1024), nil},
		{"none", nil, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *harness) {
				q := h.queue("/orders", func(p *policy.Queue) { p.MaxLength, p.MaxMessageKilobytes = 10, 1 })
				h.send(q, texts(2, 1)...)
				want := h.counts(q)
				numbers, _, err := q.Send(t.Context(), test.batch...)
				if !errors.Is(err, test.want) {
					t.Fatalf("got %v, want %v", err, test.want)
				}
				if err == nil {
					want.Active += uint64(len(test.batch))
					want.Bytes += uint64(len(test.batch) * 1024)
				}
				if got := h.counts(h.crash(q)); got != want {
					t.Errorf("counts %+v, want %+v", got, want)
				}
				for i, n := range numbers {
					if n != uint64(3+i) {
						t.Errorf("sequence numbers %v, want them from 3 on without gaps", numbers)
					}
				}
			})
		})
	}
}

// Promise 2: bytes and properties come back as they were sent; a message without
// an id is given one, and the sender's own is not touched.
func TestPropertiesComeBack(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		q := h.queue("/orders", nil)
		session := ""
		m := &message.Message{SessionID: &session, CorrelationID: "c", Label: "l", To: "to", ReplyTo: "r", ContentType: "a/b",
			TimeToLive: time.Hour, Body: []byte{0, 255, 10}}
		m.Properties.Set("Price", message.Double(1.5))
		h.send(q, queue.Outgoing{Message: m})
		if m.ID != "" {
			t.Errorf("the sender's message was given the id %q", m.ID)
		}
		got := h.one(q)
		if len(got.ID) != 36 {
			t.Errorf("the id is %q, want a UUID", got.ID)
		}
		if price, _ := got.Properties.Get("Price"); price != message.Double(1.5) || got.SessionID == nil || *got.SessionID != "" ||
			got.CorrelationID != "c" || got.Label != "l" || got.To != "to" || got.ReplyTo != "r" || got.ContentType != "a/b" ||
			got.TimeToLive != time.Hour || string(got.Body) != "\x00\xff\n" {
			t.Errorf("received %+v of %+v", got.Received, got.Message)
		}
	})
}

// Every limit holds exactly.
func TestSendLimits(t *testing.T) {
	const megabyte = 1 << 20
	tests := []struct {
		name  string
		edit  func(*policy.Queue)
		first []queue.Outgoing
		then  []queue.Outgoing
		want  error
	}{
		{"MaxMessageSizeInKilobytes", func(p *policy.Queue) { p.MaxMessageKilobytes = 2 }, nil, texts(1, 2048), nil},
		{"MaxMessageSizeInKilobytes + 1", func(p *policy.Queue) { p.MaxMessageKilobytes = 2 }, nil, texts(1, 2049), queue.ErrTooLarge},
		{"MaxQueueLength", func(p *policy.Queue) { p.MaxLength = 3 }, texts(2, 1), texts(1, 1), nil},
		{"MaxQueueLength + 1", func(p *policy.Queue) { p.MaxLength = 3 }, texts(3, 1), texts(1, 1), queue.ErrFull},
		{"MaxQueueLength by a batch", func(p *policy.Queue) { p.MaxLength = 3 }, nil, texts(3, 1), nil},
		{"MaxQueueLength + 1 by a batch", func(p *policy.Queue) { p.MaxLength = 3 }, nil, texts(4, 1), queue.ErrTooLarge},
		{"MaxSizeInMegabytes", func(p *policy.Queue) { p.MaxMegabytes = 1 }, texts(1, megabyte-10), texts(1, 10), nil},
		{"MaxSizeInMegabytes + 1", func(p *policy.Queue) { p.MaxMegabytes = 1 }, texts(1, megabyte-10), texts(1, 11), queue.ErrFull},
		{"MaxSizeInMegabytes by a batch", func(p *policy.Queue) { p.MaxMegabytes = 1 }, nil, texts(4, megabyte/4), nil},
		{"MaxSizeInMegabytes + 1 by a batch", func(p *policy.Queue) { p.MaxMegabytes = 1 }, nil, append(texts(4, megabyte/4), text("x")), queue.ErrTooLarge},
		{"an empty body where there is no room for a byte", func(p *policy.Queue) { p.MaxMegabytes = 1 }, texts(1, megabyte), texts(1, 0), nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *harness) {
				q := h.queue("/orders", test.edit)
				h.send(q, test.first...)
				if _, _, err := q.Send(t.Context(), test.then...); !errors.Is(err, test.want) {
					t.Errorf("got %v, want %v", err, test.want)
				}
			})
		})
	}
}

// Locked, scheduled and deferred messages count against MaxQueueLength, dead letters do not.
func TestWhatCountsAgainstTheLimit(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		q := h.queue("/orders", func(p *policy.Queue) { p.MaxLength, p.EnqueueTimeout = 4, 0 })
		later := text("later")
		later.ScheduledAt = time.Now().Add(time.Hour)
		h.send(q, text("dead"), text("deferred"), text("locked"))
		h.settle(q, h.one(q), queue.DeadLetterIt)
		h.settle(q, h.one(q), queue.Defer)
		h.one(q)
		h.send(q, later, text("active"))
		if _, _, err := q.Send(t.Context(), text("too much")); !errors.Is(err, queue.ErrFull) {
			t.Errorf("got %v, want ErrFull", err)
		}
		want := queue.Counts{Active: 1, Locked: 1, Scheduled: 1, Deferred: 1, DeadLetter: 1}
		got := h.counts(q)
		got.Bytes, got.OldestAt = 0, time.Time{}
		if got != want {
			t.Errorf("counts %+v, want %+v", got, want)
		}
	})
}

// [Q5]: a full queue holds the sender for EnqueueTimeout, and then does what Overflow says.
func TestOverflow(t *testing.T) {
	tests := []struct {
		overflow policy.Overflow
		locked   bool // the message that is there
		want     string
		outcome  queue.Outcome
		err      error
	}{
		{policy.RejectIncoming, false, "old", 0, queue.ErrFull},
		{policy.DiscardIncoming, false, "old", queue.Discarded, nil},
		{policy.DiscardExisting, false, "new", queue.Stored, nil},
		{policy.RejectIncoming, true, "old", 0, queue.ErrFull},
		{policy.DiscardIncoming, true, "old", queue.Discarded, nil},
		{policy.DiscardExisting, true, "old", 0, queue.ErrFull},
	}
	for _, timeout := range []time.Duration{0, 10 * time.Second, time.Minute} {
		for _, test := range tests {
			t.Run(fmt.Sprintf("%d after %v, locked %t", test.overflow, timeout, test.locked), func(t *testing.T) {
				bubble(t, func(t *testing.T, h *harness) {
					q := h.queue("/orders", func(p *policy.Queue) {
						p.MaxLength, p.EnqueueTimeout, p.Overflow, p.LockDuration = 1, timeout, test.overflow, time.Hour
					})
					h.send(q, text("old"))
					if test.locked {
						h.one(q)
					}
					start := time.Now()
					numbers, outcome, err := q.Send(t.Context(), text("new"))
					if waited := time.Since(start); waited != timeout {
						t.Errorf("held for %v, want %v", waited, timeout)
					}
					if outcome != test.outcome || !errors.Is(err, test.err) || (len(numbers) == 1) != (test.want == "new") {
						t.Errorf("got %v, %v, %v, want %v, %v", numbers, outcome, err, test.outcome, test.err)
					}
					if got := bodies(h.browse(q, queue.Main)); got != test.want {
						t.Errorf("the queue has %q, want %q", got, test.want)
					}
					discarded := uint64(0)
					if test.outcome == queue.Discarded || test.want == "new" {
						discarded = 1
					}
					if got := h.counts(h.crash(q)).Discarded; got != discarded {
						t.Errorf("%d are counted as discarded, want %d", got, discarded)
					}
				})
			})
		}
	}
}

// DiscardExistingMessage drops the oldest active ones, as few as make room, and
// changes nothing if that is not possible.
func TestDiscardExisting(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		q := h.queue("/orders", func(p *policy.Queue) {
			p.MaxMegabytes, p.EnqueueTimeout, p.Overflow = 1, 0, policy.DiscardExisting
		})
		sized := func(name string, kilobytes int) queue.Outgoing {
			return queue.Outgoing{Message: &message.Message{Label: name, Body: make([]byte, kilobytes<<10)}}
		}
		labels := func() (list []string) {
			for _, d := range h.browse(q, queue.Main) {
				list = append(list, d.Label)
			}
			return list
		}
		h.send(q, sized("locked", 300), sized("b", 300), sized("c", 300), sized("d", 124))
		h.one(q)
		if _, _, err := q.Send(t.Context(), sized("e", 725)); !errors.Is(err, queue.ErrFull) {
			t.Errorf("no room even without all others: %v, want ErrFull", err)
		}
		if got := strings.Join(labels(), ","); got != "locked,b,c,d" {
			t.Fatalf("after a send that failed the queue has %s", got)
		}
		h.send(q, sized("f", 301))
		if got := strings.Join(labels(), ","); got != "locked,d,f" {
			t.Errorf("the queue has %s, want locked,d,f", got)
		}
		h.send(q, sized("g", 300))
		if got := strings.Join(labels(), ","); got != "locked,f,g" {
			t.Errorf("the queue has %s, want locked,f,g", got)
		}
	})
}

// A Status says which direction is open; what is settled is settled in all of them.
func TestStatus(t *testing.T) {
	tests := map[policy.Status][2]error{ // of send and receive
		policy.Active:          {nil, nil},
		policy.Disabled:        {queue.ErrDisabled, queue.ErrDisabled},
		policy.SendDisabled:    {queue.ErrDisabled, nil},
		policy.ReceiveDisabled: {nil, queue.ErrDisabled},
	}
	for status, want := range tests {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			bubble(t, func(t *testing.T, h *harness) {
				q := h.queue("/orders", nil)
				h.send(q, text("a"), text("b"))
				d := h.one(q)
				h.change(q, func(p *policy.Queue) { p.Status = status })
				if _, _, err := q.Send(t.Context(), text("c")); !errors.Is(err, want[0]) {
					t.Errorf("send: %v, want %v", err, want[0])
				}
				if _, err := q.Receive(t.Context(), queue.ReceiveOptions{}); !errors.Is(err, want[1]) {
					t.Errorf("receive: %v, want %v", err, want[1])
				}
				h.settle(q, d, queue.Abandon)
				if _, err := q.Lock(t.Context(), queue.Main, 1, 0); !errors.Is(err, want[1]) {
					t.Errorf("lock: %v, want %v", err, want[1])
				}
			})
		})
	}
}

// Who waits when a queue is closed to receivers gets nothing any more, until it is open again.
func TestReceiveDisabledMeanwhile(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		q := h.queue("/orders", nil)
		took := after(func() {
			if got := h.next(q, time.Minute); got != "a" {
				t.Errorf("received %q", got)
			}
		})
		h.change(q, func(p *policy.Queue) { p.Status = policy.ReceiveDisabled })
		h.send(q, text("a"))
		time.Sleep(20 * time.Second)
		if c := h.counts(q); c.Active != 1 {
			t.Errorf("counts %+v, want the message untouched", c)
		}
		h.change(q, func(p *policy.Queue) { p.Status = policy.Active })
		if d := took(); d != 20*time.Second {
			t.Errorf("served after %v, want 20s", d)
		}
	})
}

// Promise 11: on a full disk sends are refused at once, and whatever was
// acknowledged can be received and settled.
func TestDiskIsFull(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		q := h.queue("/orders", func(p *policy.Queue) { p.MaxDeliveryCount = 2 })
		h.send(q, text("a"), text("b"), text("c"))
		h.options.MinFree = 1 << 62
		q = h.reopen(q)
		if _, _, err := q.Send(t.Context(), text("d")); !errors.Is(err, store.ErrNoSpace) {
			t.Errorf("send: %v, want ErrNoSpace", err)
		}
		if _, _, err := h.set.ReadBody(t.Context(), strings.NewReader(strings.Repeat("x", 300<<10)), 1<<20); !errors.Is(err, store.ErrNoSpace) {
			t.Errorf("a large body: %v, want ErrNoSpace", err)
		}
		h.settle(q, h.one(q), queue.Complete)
		h.settle(q, h.one(q), queue.Abandon)
		h.settle(q, h.one(q), queue.Abandon)
		if got := bodies(h.browse(q, queue.DeadLetter)) + " " + h.next(q, 0); got != "b c" {
			t.Errorf("dead and received: %q", got)
		}
	})
}
