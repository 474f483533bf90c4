package queue_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
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

// [P1]: what was acknowledged is there after a crash, in its order and with nothing else.
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

// [P2]: bytes and properties come back as they were sent; a message without
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

// holding makes n senders wait at a full queue, in order, and returns what
// becomes of each.
func (h *harness) holding(ctx context.Context, q *queue.Queue, n int) []chan error {
	results := make([]chan error, n)
	for i := range results {
		results[i] = make(chan error, 1)
		go func() {
			_, _, err := q.Send(ctx, text(strconv.Itoa(i)))
			results[i] <- err
		}()
		synctest.Wait()
	}
	return results
}

// [P6]: held senders are let in in the order of arrival, one for each place.
func TestHeldSendersAreFirstInFirstOut(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		q := h.queue("/orders", func(p *policy.Queue) { p.MaxLength, p.EnqueueTimeout = 1, time.Minute })
		h.send(q, text("first"))
		results := h.holding(t.Context(), q, 5)
		h.settle(q, h.one(q), queue.Complete)
		for i, result := range results {
			if err := <-result; err != nil {
				t.Fatalf("sender %d: %v", i, err)
			}
			synctest.Wait()
			for j := i + 1; j < len(results); j++ {
				if len(results[j]) > 0 {
					t.Fatalf("sender %d was let in before %d", j, i+1)
				}
			}
			d := h.one(q)
			if got := string(d.Body); got != strconv.Itoa(i) {
				t.Errorf("received %s, want %d", got, i)
			}
			h.settle(q, d, queue.Complete)
		}
	})
}

// A later sender does not overtake one that is held, even if it would fit.
func TestNobodyOvertakesAHeldSender(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		q := h.queue("/orders", func(p *policy.Queue) { p.MaxLength, p.EnqueueTimeout = 3, 20*time.Second })
		h.send(q, text("a"), text("b"))
		batch := after(func() {
			if _, _, err := q.Send(t.Context(), texts(2, 1)...); !errors.Is(err, queue.ErrFull) {
				t.Errorf("the batch: %v, want ErrFull", err)
			}
		})
		time.Sleep(5 * time.Second)
		single := after(func() { h.send(q, text("c")) })
		if got := bodies(h.browse(q, queue.Main)); got != "a,b" {
			t.Errorf("the queue has %s while a batch is held, want a,b", got)
		}
		if took := batch(); took != 20*time.Second {
			t.Errorf("the batch was held for %v", took)
		}
		if took := single(); took != 15*time.Second {
			t.Errorf("who was behind the batch was held for %v, want 15s: then it had room", took)
		}
	})
}

// When a held sender's client goes, those behind are let in if there is room.
func TestHeldSenderIsGone(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		q := h.queue("/orders", func(p *policy.Queue) { p.MaxLength, p.EnqueueTimeout = 3, time.Minute })
		h.send(q, text("a"), text("b"))
		ctx, cancel := context.WithCancel(t.Context())
		batch := after(func() {
			if _, _, err := q.Send(ctx, texts(2, 1)...); !errors.Is(err, context.Canceled) {
				t.Errorf("the batch: %v, want it cancelled", err)
			}
		})
		single := after(func() { h.send(q, text("c")) })
		time.Sleep(time.Second)
		cancel()
		if took := batch(); took != time.Second {
			t.Errorf("the batch returned after %v", took)
		}
		if took := single(); took != time.Second {
			t.Errorf("the one behind was held for %v, want 1s", took)
		}
		if got := bodies(h.browse(q, queue.Main)); got != "a,b,c" {
			t.Errorf("the queue has %s", got)
		}
	})
}

// A held sender is let in at the instant at which a place is freed, however that happens.
func TestPlaceIsFreed(t *testing.T) {
	tests := map[string]func(h *harness, q *queue.Queue, d *queue.Delivery){
		"complete":    func(h *harness, q *queue.Queue, d *queue.Delivery) { h.settle(q, d, queue.Complete) },
		"dead-letter": func(h *harness, q *queue.Queue, d *queue.Delivery) { h.settle(q, d, queue.DeadLetterIt) },
		"a new policy": func(h *harness, q *queue.Queue, _ *queue.Delivery) {
			h.change(q, func(p *policy.Queue) { p.MaxLength = 2 })
		},
		"cancel": func(h *harness, q *queue.Queue, d *queue.Delivery) {
			h.settle(q, d, queue.Defer)
			if err := q.Cancel(h.t.Context(), queue.Main, 1); err != nil {
				h.t.Error(err)
			}
		},
		"receive and delete": func(h *harness, q *queue.Queue, d *queue.Delivery) {
			h.settle(q, d, queue.Abandon)
			h.receive(q, queue.ReceiveOptions{Mode: queue.ReceiveAndDelete})
		},
		"forward": func(h *harness, q *queue.Queue, d *queue.Delivery) {
			h.queue("/target", nil)
			h.change(q, func(p *policy.Queue) { p.ForwardTo = "/target" })
			h.settle(q, d, queue.Abandon)
		},
		"expiry": nil, // after 7 s
	}
	for name, free := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *harness) {
				q := h.queue("/orders", func(p *policy.Queue) { p.MaxLength = 1 })
				old := text("old")
				old.TimeToLive = 7 * time.Second
				h.send(q, old)
				took := after(func() { h.send(q, text("new")) })
				if free == nil {
					if d := took(); d != 7*time.Second {
						t.Errorf("held for %v, want 7s", d)
					}
					return
				}
				time.Sleep(3 * time.Second)
				free(h, q, h.one(q))
				if d := took(); d != 3*time.Second {
					t.Errorf("held for %v, want 3s", d)
				}
			})
		})
	}
}

// [P11]: at most 1,000 senders are held in all, and above that nobody waits;
// those that are refused take no place.
func TestMostHeldSenders(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		edit := func(p *policy.Queue) { p.MaxLength, p.EnqueueTimeout = 1, time.Minute }
		a, b := h.queue("/a", edit), h.queue("/b", edit)
		h.send(a, text("full"))
		h.send(b, text("full"))
		for range 2 {
			results := append(h.holding(t.Context(), a, 600), h.holding(t.Context(), b, 400)...)
			if n := h.set.Totals().Held; n != 1000 {
				t.Fatalf("%d senders are held, want 1000", n)
			}
			for range 3 {
				start := time.Now()
				if _, _, err := b.Send(t.Context(), texts(1, 60<<10)...); !errors.Is(err, queue.ErrOverloaded) || time.Since(start) != 0 {
					t.Fatalf("number 1001: %v after %v, want ErrOverloaded at once", err, time.Since(start))
				}
			}
			for i, result := range results {
				if err := <-result; !errors.Is(err, queue.ErrFull) {
					t.Fatalf("sender %d: %v", i, err)
				}
			}
		}
		if n := h.set.Totals().Held; n != 0 {
			t.Errorf("%d senders are held at the end", n)
		}
		large := texts(1, 1<<20)
		for range 64 {
			go a.Send(t.Context(), large...)
		}
		synctest.Wait()
		if _, _, err := a.Send(t.Context(), text("x")); !errors.Is(err, queue.ErrOverloaded) {
			t.Errorf("a byte above 64 MiB: %v: those that were refused have made room", err)
		}
		time.Sleep(time.Hour)
	})
}

// [P11]: at most 64 MiB of bodies are held in all.
func TestMostHeldBytes(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		q := h.queue("/orders", func(p *policy.Queue) { p.MaxLength, p.EnqueueTimeout = 1, time.Minute })
		h.send(q, text("full"))
		large := texts(1, 1<<20)
		done := make(chan error, 64)
		for round := range 3 {
			for range 64 {
				go func() {
					_, _, err := q.Send(t.Context(), large...)
					done <- err
				}()
			}
			synctest.Wait()
			for range 100 {
				if _, _, err := q.Send(t.Context(), text("x")); !errors.Is(err, queue.ErrOverloaded) {
					t.Fatalf("round %d, a byte more: %v, want ErrOverloaded", round, err)
				}
			}
			empty := after(func() { q.Send(t.Context(), text("")) }) // has no bytes
			for range 64 {
				if err := <-done; !errors.Is(err, queue.ErrFull) {
					t.Fatal(err)
				}
			}
			if took := empty(); took != time.Minute {
				t.Errorf("an empty body was held for %v", took)
			}
		}
	})
}

// What is let in at one time can be more than a commit takes.
func TestManyHeldSendersAreLetIn(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		q := h.queue("/orders", func(p *policy.Queue) { p.MaxLength = 1 })
		h.send(q, text("full"))
		done := make(chan error, 50)
		for range 50 {
			go func() {
				_, _, err := q.Send(t.Context(), texts(1, 100<<10)...)
				done <- err
			}()
		}
		synctest.Wait()
		start := time.Now()
		h.change(q, func(p *policy.Queue) { p.MaxLength = 0 })
		for range 50 {
			if err := <-done; err != nil || time.Since(start) != 0 {
				t.Fatalf("%v after %v, want all let in at once", err, time.Since(start))
			}
		}
	})
}

// Wait holds a sender whose body is not here yet as Send does.
func TestWaitForRoom(t *testing.T) {
	tests := []struct {
		overflow policy.Overflow
		outcome  queue.Outcome
		err      error
	}{
		{policy.RejectIncoming, queue.Stored, queue.ErrFull},
		{policy.DiscardIncoming, queue.Discarded, nil},
		{policy.DiscardExisting, queue.Stored, nil},
	}
	for _, test := range tests {
		t.Run(fmt.Sprint(test.overflow), func(t *testing.T) {
			bubble(t, func(t *testing.T, h *harness) {
				q := h.queue("/orders", func(p *policy.Queue) { p.MaxLength, p.Overflow = 1, test.overflow })
				if outcome, err := q.Wait(t.Context()); outcome != queue.Stored || err != nil {
					t.Fatalf("at an empty queue: %v, %v", outcome, err)
				}
				h.send(q, text("a"))
				start := time.Now()
				outcome, err := q.Wait(t.Context())
				if outcome != test.outcome || !errors.Is(err, test.err) || time.Since(start) != 10*time.Second {
					t.Errorf("got %v, %v after %v", outcome, err, time.Since(start))
				}
				took := after(func() {
					if outcome, err := q.Wait(t.Context()); outcome != queue.Stored || err != nil {
						t.Errorf("got %v, %v", outcome, err)
					}
				})
				time.Sleep(2 * time.Second)
				h.settle(q, h.one(q), queue.Complete)
				if d := took(); d != 2*time.Second {
					t.Errorf("held for %v, want 2s", d)
				}
			})
		})
	}
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

// [P11]: on a full disk sends are refused at once, and whatever was
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
