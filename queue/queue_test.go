package queue_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/queue"
)

// [Q1] [R1] [R3] [R7]
func TestSendReceiveSettle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t)
		q := h.queue("/orders", nil)
		h.send(q, text("a"), text("b"), text("c"))

		got := h.receive(q, queue.ReceiveOptions{Count: 2})
		if b := bodies(got); b != "a,b" {
			t.Fatalf("received %q, want a,b", b)
		}
		if got[0].DeliveryCount != 1 || got[0].SequenceNumber != 1 {
			t.Errorf("first delivery: count %d, sequence number %d, want 1 and 1", got[0].DeliveryCount, got[0].SequenceNumber)
		}
		h.settle(q, got[1], queue.Abandon)
		h.settle(q, got[0], queue.Complete)

		got = h.receive(q, queue.ReceiveOptions{Count: 9})
		if b := bodies(got); b != "b,c" {
			t.Fatalf("received %q after the abandon, want b,c: a redelivery keeps its position", b)
		}
		if got[0].DeliveryCount != 2 {
			t.Errorf("delivery count %d, want 2", got[0].DeliveryCount)
		}
	})
}

// [R4] [R9]
func TestLockHoldsOverReopen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t)
		q := h.queue("/orders", nil)
		h.send(q, text("a"))
		d := h.receive(q, queue.ReceiveOptions{})[0]

		q = h.reopen(q)
		if got := h.receive(q, queue.ReceiveOptions{}); len(got) != 0 {
			t.Fatalf("received %q while it is locked", bodies(got))
		}
		time.Sleep(59 * time.Second)
		h.settle(q, d, queue.Complete)
		if c := h.counts(q); c != (queue.Counts{}) {
			t.Errorf("counts %+v after the last message was completed", c)
		}
	})
}

// [R1] [R4]: a receiver that waits gets the message at the instant the lock ends.
func TestLockEndWakesReceiver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t)
		q := h.queue("/orders", nil)
		h.send(q, text("a"))
		first := h.receive(q, queue.ReceiveOptions{})[0]
		start := time.Now()
		second := h.receive(q, queue.ReceiveOptions{Wait: 5 * time.Minute})[0]
		if waited := time.Since(start); waited < 59*time.Second || waited > 61*time.Second {
			t.Errorf("the second receiver waited %v, want a minute", waited)
		}
		_, err := q.Settle(t.Context(), queue.Settlement{Lock: first.LockToken})
		if err != nil {
			t.Fatal(err)
		}
		results, _ := q.Settle(t.Context(), queue.Settlement{Lock: first.LockToken})
		var lost *queue.LockError
		if !errors.As(results[0], &lost) || lost.Reason != queue.Expired {
			t.Errorf("settling with the first lock: %v, want expired", results[0])
		}
		h.settle(q, second, queue.Complete)
		results, _ = q.Settle(t.Context(), queue.Settlement{Lock: second.LockToken})
		if !errors.As(results[0], &lost) || lost.Reason != queue.Settled {
			t.Errorf("settling twice: %v, want settled", results[0])
		}
	})
}

// [R8]: dead-lettered in the commit that ends the last delivery; redriven to the tail.
func TestDeadLetterAndRedrive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t)
		q := h.queue("/orders", func(p *policy.Queue) { p.MaxDeliveryCount = 2 })
		h.send(q, text("a"), text("b"))
		for range 2 {
			h.settle(q, h.receive(q, queue.ReceiveOptions{})[0], queue.Abandon)
		}
		if c := h.counts(q); c.Active != 1 || c.DeadLetter != 1 {
			t.Fatalf("counts %+v, want 1 active and 1 dead letter", c)
		}
		dead := h.receive(q, queue.ReceiveOptions{Sub: queue.DeadLetter})[0]
		if dead.DeadLetterReason != "MaxDeliveryCountExceeded" || dead.DeadLetterSource != "/orders" || dead.SequenceNumber != 1 {
			t.Errorf("dead letter %+v", dead.Received)
		}
		h.settle(q, dead, queue.Release)
		if n, err := q.Redrive(t.Context(), queue.DeadLetter, nil, 0); n != 1 || err != nil {
			t.Fatalf("redrove %d, %v, want 1", n, err)
		}
		got := h.receive(q, queue.ReceiveOptions{Count: 9})
		if bodies(got) != "b,a" || got[1].DeliveryCount != 1 || got[1].SequenceNumber != 1 || got[1].DeadLetterReason != "" {
			t.Errorf("after the redrive %q, %+v", bodies(got), got[1].Received)
		}
	})
}

// [P2] [Q5]: a full queue holds the sender and lets it in when a place is free.
func TestFullQueueHoldsSender(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t)
		q := h.queue("/orders", func(p *policy.Queue) { p.MaxLength = 1 })
		h.send(q, text("a"))
		if _, _, err := q.Send(t.Context(), text("b")); !errors.Is(err, queue.ErrFull) {
			t.Fatalf("after the enqueue timeout: %v, want ErrFull", err)
		}
		sent := make(chan error)
		go func() {
			_, _, err := q.Send(t.Context(), text("c"))
			sent <- err
		}()
		synctest.Wait()
		h.settle(q, h.receive(q, queue.ReceiveOptions{})[0], queue.Complete)
		if err := <-sent; err != nil {
			t.Fatal(err)
		}
		if got := h.receive(q, queue.ReceiveOptions{}); bodies(got) != "c" {
			t.Errorf("received %q, want c", bodies(got))
		}
	})
}

// [P2]: large bodies are staged, streamed and removed.
func TestLargeBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t)
		q := h.queue("/orders", func(p *policy.Queue) { p.MaxMessageKilobytes = 102400 })
		for _, size := range []int{0, 1, 2048, 2049, 4040, 256 << 10, 256<<10 + 1, 5 << 20} {
			body := strings.Repeat("0123456789abcdef", size/16+1)[:size]
			bytes, staged, err := h.set.ReadBody(t.Context(), strings.NewReader(body), 100<<20)
			if err != nil {
				t.Fatal(err)
			}
			h.send(q, queue.Outgoing{Message: &message.Message{Body: bytes}, Staged: staged})
			mode := queue.Mode(size % 2)
			d := h.receive(q, queue.ReceiveOptions{Mode: mode})[0]
			var got strings.Builder
			if _, err := d.WriteTo(&got); err != nil || got.String() != body {
				t.Fatalf("size %d came back as %d bytes, %v", size, got.Len(), err)
			}
			d.Close()
			if mode == queue.PeekLock {
				h.settle(q, d, queue.Complete)
			}
		}
	})
}

func TestCancelledReceive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := open(t)
		q := h.queue("/orders", nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := q.Receive(ctx, queue.ReceiveOptions{Wait: time.Minute}); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("a cancelled receive returned %v", err)
		}
		h.send(q, text("a")) // [R2] nothing is locked for the one who has gone
		if got := h.receive(q, queue.ReceiveOptions{}); bodies(got) != "a" || got[0].DeliveryCount != 1 {
			t.Errorf("received %q", bodies(got))
		}
	})
}
