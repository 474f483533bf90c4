package queue_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/queue"
	"github.com/jitney-mq/jitney/store"
)

// The deletion of a queue answers everybody who waits at it, at once.
func TestDeletionAnswersAll(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		q := h.queue("/orders", func(p *policy.Queue) { p.MaxLength, p.EnqueueTimeout = 1, time.Minute })
		h.send(q, text("full"))
		h.one(q)
		var waits []func() time.Duration
		expect := func(name string, fn func() error) {
			waits = append(waits, after(func() {
				if err := fn(); !errors.Is(err, queue.ErrGone) {
					t.Errorf("%s: %v, want ErrGone", name, err)
				}
			}))
		}
		for sub := range queue.SubQueue(3) {
			expect(fmt.Sprint("receive ", sub), func() error {
				_, err := q.Receive(t.Context(), queue.ReceiveOptions{Sub: sub, Wait: time.Minute})
				return err
			})
		}
		expect("send", func() error { _, _, err := q.Send(t.Context(), text("x")); return err })
		expect("wait", func() error { _, err := q.Wait(t.Context()); return err })
		time.Sleep(5 * time.Second)
		h.delete("/orders")
		for _, took := range waits {
			if d := took(); d != 5*time.Second {
				t.Errorf("answered after %v, want 5s", d)
			}
		}
		select {
		case <-q.Gone():
		default:
			t.Error("Gone is not closed")
		}
		expect("settle", func() error { _, err := q.Settle(t.Context(), queue.Settlement{}); return err })
		expect("renew", func() error { _, err := q.Renew(t.Context(), "", 0); return err })
		expect("cancel", func() error { return q.Cancel(t.Context(), queue.Main, 1) })
		expect("lock", func() error { _, err := q.Lock(t.Context(), queue.Main, 1, 0); return err })
		expect("redrive", func() error { _, err := q.Redrive(t.Context(), queue.DeadLetter, nil, 0); return err })
		expect("counts", func() error { _, err := q.Counts(); return err })
		expect("delete", func() error { return h.store.Update(t.Context(), q.Delete) })
		synctest.Wait()
		h.wantEmpty()
	})
}

// A queue of the same name is another one: nothing of the old one comes back.
func TestQueueIsMadeAgain(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		old := h.queue("/orders", nil)
		h.send(old, texts(300, 1)...)
		d := h.one(old)
		h.delete("/orders")
		q := h.queue("/orders", nil)
		if q.ID() == old.ID() {
			t.Errorf("the number %d is used again", q.ID())
		}
		h.send(q, text("new"))
		if got := bodies(h.browse(h.crash(q), queue.Main)); got != "new" {
			t.Errorf("the queue has %q", got)
		}
		q, _ = h.resolve("/orders")
		err := h.trySettle(q, queue.Settlement{Lock: d.LockToken})
		if !errors.Is(err, queue.ErrLockLost) {
			t.Errorf("a token of the old queue: %v", err)
		}
		if got := h.next(q, 0); got != "new" {
			t.Errorf("received %q", got)
		}
	})
}

// A set that is closed answers everybody who waits.
func TestCloseAnswersAll(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		q := h.queue("/orders", func(p *policy.Queue) { p.MaxLength = 1 })
		h.send(q, text("full"))
		h.one(q)
		receive := after(func() {
			if _, err := q.Receive(t.Context(), queue.ReceiveOptions{Wait: time.Minute}); !errors.Is(err, store.ErrClosed) {
				t.Errorf("receive: %v", err)
			}
		})
		send := after(func() {
			if _, _, err := q.Send(t.Context(), text("x")); !errors.Is(err, queue.ErrOverloaded) {
				t.Errorf("send: %v", err)
			}
		})
		h.set.Close()
		if receive()+send() != 0 {
			t.Error("they were not answered at once")
		}
	})
}

// The lock of a message whose queue is gone ends without a commit, and does
// not keep the next one from ending.
func TestLockOfADeletedQueueEnds(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		q, old := h.queue("/orders", nil), h.queue("/old", nil)
		h.send(q, text("a"))
		h.send(old, text("b"))
		h.receive(old, queue.ReceiveOptions{LockFor: 10 * time.Second})
		h.receive(q, queue.ReceiveOptions{LockFor: 20 * time.Second})
		h.delete("/old")
		took := after(func() {
			if got := h.next(q, time.Minute); got != "a" {
				t.Errorf("received %q", got)
			}
		})
		if d := took(); d != 20*time.Second {
			t.Errorf("served after %v, want 20s", d)
		}
		if n := h.set.Totals().Locked; n != 1 {
			t.Errorf("%d locks are in force, want 1", n)
		}
	})
}
