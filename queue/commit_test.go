package queue_test

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/queue"
)

// Promises 1, 3 and 5: whatever happens to a message is one commit: a crash finds
// it before or after, and nowhere in between.
func TestEachMoveIsOneCommit(t *testing.T) {
	settled := func(what queue.Settlement) func(*harness, *queue.Queue, string) {
		return func(h *harness, q *queue.Queue, token string) {
			what := what
			what.Lock = token
			if err := h.trySettle(q, what); err != nil {
				h.t.Error(err)
			}
		}
	}
	drop := func(p *policy.Queue) { p.DeadLetterTo = "/drop" }
	last := func(p *policy.Queue) { p.MaxDeliveryCount = 1 }
	moves := []struct {
		name string
		edit func(*policy.Queue)
		do   func(h *harness, q *queue.Queue, token string) // with the one message, which is locked
	}{
		{"complete", nil, settled(queue.Settlement{})},
		{"abandon", nil, settled(queue.Settlement{Disposition: queue.Abandon})},
		{"abandon with a delay", nil, settled(queue.Settlement{Disposition: queue.Abandon, Delay: time.Hour})},
		{"abandon for the last time", last, settled(queue.Settlement{Disposition: queue.Abandon})},
		{"release", nil, settled(queue.Settlement{Disposition: queue.Release})},
		{"defer", nil, settled(queue.Settlement{Disposition: queue.Defer})},
		{"dead-letter", nil, settled(queue.Settlement{Disposition: queue.DeadLetterIt})},
		{"dead-letter to a name", drop, settled(queue.Settlement{Disposition: queue.DeadLetterIt})},
		{"reschedule", nil, settled(queue.Settlement{Disposition: queue.Reschedule, Delay: time.Hour})},
		{"the lock runs out", nil, func(*harness, *queue.Queue, string) { time.Sleep(time.Minute) }},
		{"the lock runs out for the last time", last, func(*harness, *queue.Queue, string) { time.Sleep(time.Minute) }},
	}
	for _, move := range moves {
		t.Run(move.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *harness) {
				h.queue("/drop", nil)
				q := h.queue("/orders", move.edit)
				before := h.store.Stats().Commits
				h.send(q, text("a"))
				if n := h.store.Stats().Commits - before; n != 1 {
					t.Errorf("%d commits for a send, want 1", n)
				}
				token := h.one(q).LockToken
				if n := h.store.Stats().Commits - before; n != 2 {
					t.Errorf("%d commits for a delivery, want 1", n-1)
				}
				move.do(h, q, token)
				synctest.Wait()
				if n := h.store.Stats().Commits - before; n != 3 {
					t.Errorf("%d commits, want 1", n-2)
				}
			})
		})
	}
}

// A send that finds a receiver waiting is delivered in its own commit, and
// who waits in vain costs none.
func TestWaitingReceiverIsServedInTheCommitOfTheSend(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		q := h.queue("/orders", nil)
		before := h.store.Stats().Commits
		for range 3 {
			h.next(q, time.Minute)
		}
		if n := h.store.Stats().Commits - before; n != 0 {
			t.Errorf("%d commits for receivers that waited in vain", n)
		}
		took := after(func() { h.next(q, time.Minute) })
		h.send(q, text("a"))
		took()
		if n := h.store.Stats().Commits - before; n != 1 {
			t.Errorf("%d commits for a send and its delivery, want 1", n)
		}
	})
}

// A queue keeps the positions of its first messages in memory only. What is
// done to those before, in and behind that window makes no difference.
func TestMoreThanTheWindow(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		const n = 2600
		q := h.queue("/orders", nil)
		for from := 0; from < n; from += 100 {
			batch := make([]queue.Outgoing, 100)
			for i := range batch {
				batch[i] = text(strconv.Itoa(from + i))
			}
			h.send(q, batch...)
		}
		list := h.receive(q, queue.ReceiveOptions{Count: 1000})
		list = append(list, h.receive(q, queue.ReceiveOptions{Count: 500})...)
		gone := map[int]bool{}
		for i := len(list) - 1; i >= 0; i-- {
			if gone[i] = i%3 != 0; !gone[i] {
				h.settle(q, list[i], queue.Release)
			}
		}
		for _, i := range []int{1, 1023, 1024, 1025, 1600, 2047, 2048, 2599} {
			err := q.Cancel(t.Context(), queue.Main, uint64(i+1))
			if (err == nil) == gone[i] {
				t.Errorf("cancel %d, which is locked: %t: %v", i, gone[i], err)
			}
			gone[i] = true
		}
		want := ""
		for i := range n {
			if !gone[i] {
				want += strconv.Itoa(i) + ","
			}
		}
		got := ""
		for part := "x"; part != ""; {
			part = bodies(h.receive(q, queue.ReceiveOptions{Count: 700, Mode: queue.ReceiveAndDelete}))
			got += part + ","
		}
		if got != want+"," {
			t.Errorf("received %d bytes of numbers, want %d", len(got), len(want))
		}
	})
}
