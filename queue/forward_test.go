package queue_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/queue"
	"github.com/jitney-mq/jitney/store"
)

// A message moves through as many as 32 names in the commit of its send; one
// more, and it is a transfer dead letter of the last name that had it [S5].
func TestDeepForward(t *testing.T) {
	for _, depth := range []int{1, 5, 32, 33} {
		t.Run(fmt.Sprint(depth), func(t *testing.T) {
			bubble(t, func(t *testing.T, h *harness) {
				name := func(i int) string { return fmt.Sprint("/", i) }
				for i := range depth {
					h.queue(name(i), func(p *policy.Queue) { p.ForwardTo = name(i + 1) })
				}
				last := h.queue(name(depth), nil)
				first, _ := h.resolve(name(0))
				before := h.store.Stats().Commits
				h.send(first, text("a"))
				if n := h.store.Stats().Commits - before; n != 1 {
					t.Errorf("%d commits, want 1", n)
				}
				if depth <= 32 {
					if got := h.one(last); string(got.Body) != "a" || got.SequenceNumber != 1 {
						t.Errorf("received %+v", got)
					}
					return
				}
				stuck, _ := h.resolve(name(32))
				d := h.receive(stuck, queue.ReceiveOptions{Sub: queue.Transfer})
				if len(d) != 1 || d[0].DeadLetterReason != "TransferFailed" || d[0].DeadLetterSource != name(32) ||
					!strings.Contains(d[0].DeadLetterDescription, "32") {
					t.Errorf("transfer dead letter: %+v", d)
				}
			})
		})
	}
}

// A circle ends at the limit of names as well, whatever its size.
func TestForwardInACircle(t *testing.T) {
	for _, size := range []int{1, 2, 3} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			bubble(t, func(t *testing.T, h *harness) {
				name := func(i int) string { return fmt.Sprint("/", i%size) }
				for i := range size {
					h.queue(name(i), func(p *policy.Queue) { p.ForwardTo = name(i + 1) })
				}
				first, _ := h.resolve("/0")
				h.send(first, text("a"), text("b"))
				stuck, _ := h.resolve(name(32))
				if got := bodies(h.browse(stuck, queue.Transfer)); got != "a,b" {
					t.Errorf("transfer dead letters %q, want a,b", got)
				}
			})
		})
	}
}

// What the target does not take stays: after a failed transfer as a transfer
// dead letter, after a poison drop in the own dead-letter queue.
func TestTargetTakesNothing(t *testing.T) {
	targets := map[string]func(h *harness){
		"gone":     func(h *harness) { h.queue("/target", nil); h.delete("/target") },
		"never":    func(*harness) {},
		"disabled": func(h *harness) { h.queue("/target", func(p *policy.Queue) { p.Status = policy.Disabled }) },
		"closed":   func(h *harness) { h.queue("/target", func(p *policy.Queue) { p.Status = policy.SendDisabled }) },
		"small":    func(h *harness) { h.queue("/target", func(p *policy.Queue) { p.MaxMessageKilobytes = 1 }) },
		"full": func(h *harness) {
			h.send(h.queue("/target", func(p *policy.Queue) { p.MaxLength = 1 }), text("x"))
		},
		"full of bytes": func(h *harness) {
			h.send(h.queue("/target", func(p *policy.Queue) { p.MaxMegabytes = 1 }), texts(1, 1<<20-100)...)
		},
	}
	for name, prepare := range targets {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *harness) {
				prepare(h)
				mover := h.queue("/mover", func(p *policy.Queue) { p.ForwardTo = "/target" })
				h.send(mover, texts(1, 2000)...)
				dropper := h.queue("/dropper", func(p *policy.Queue) { p.DeadLetterTo = "/target" })
				h.send(dropper, texts(1, 2000)...)
				h.settle(dropper, h.one(dropper), queue.DeadLetterIt)
				mover = h.crash(mover)
				dropper, _ = h.resolve("/dropper")
				if c := h.counts(mover); c != (queue.Counts{TransferDeadLetter: 1, Bytes: 2000}) {
					t.Errorf("after a failed transfer: %+v", c)
				}
				if c := h.counts(dropper); c != (queue.Counts{DeadLetter: 1, Bytes: 2000}) {
					t.Errorf("after a failed poison drop: %+v", c)
				}
			})
		})
	}
}

// PoisonMessageDrop: a dead letter goes to a name in the commit that makes it
// one, with its reasons, and what ended its life there is over.
func TestPoisonMessageDrop(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		drop := h.queue("/drop", nil)
		q := h.queue("/orders", func(p *policy.Queue) {
			p.DeadLetterTo, p.MaxDeliveryCount, p.DeadLetterExpired = "/drop", 1, true
		})
		expired := text("expired")
		expired.TimeToLive = time.Second
		h.send(q, expired, text("delivered"), text("settled"))
		time.Sleep(time.Second)
		list := h.receive(q, queue.ReceiveOptions{Count: 2})
		h.settle(q, list[0], queue.Abandon)
		h.settle(q, list[1], queue.DeadLetterIt)
		time.Sleep(time.Hour)
		if c := h.counts(q); c != (queue.Counts{}) {
			t.Errorf("the queue has %+v", c)
		}
		var reasons []string
		for _, d := range h.receive(drop, queue.ReceiveOptions{Count: 9}) {
			reasons = append(reasons, string(d.Body)+" "+d.DeadLetterReason+" "+d.DeadLetterSource+" "+fmt.Sprint(d.DeliveryCount))
		}
		want := "expired TTLExpiredException /orders 1,delivered MaxDeliveryCountExceeded /orders 1,settled DeadLetteredByReceiver /orders 1"
		if got := strings.Join(reasons, ","); got != want {
			t.Errorf("the drop has %s, want %s", got, want)
		}
	})
}

// Dead letters that are made at one instant arrive in the order of their positions.
func TestPoisonMessageDropKeepsOrder(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		drop := h.queue("/drop", nil)
		q := h.queue("/orders", func(p *policy.Queue) { p.DeadLetterTo, p.MaxDeliveryCount = "/drop", 1 })
		var want []string
		for i := range 40 {
			want = append(want, fmt.Sprint(i))
			h.send(q, text(want[i]))
		}
		h.receive(q, queue.ReceiveOptions{Count: 40})
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := bodies(h.browse(drop, queue.Main)); got != strings.Join(want, ",") {
			t.Errorf("the drop has %s", got)
		}
	})
}

// A message takes its own age along, and the target's limit holds from its arrival.
func TestForwardAndTimeToLive(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		target := h.queue("/target", func(p *policy.Queue) { p.TimeToLive = 10 * time.Second })
		q := h.queue("/orders", func(p *policy.Queue) { p.ForwardTo = "/target" })
		short, long, delayed := text("short"), text("long"), text("delayed")
		short.TimeToLive, long.TimeToLive, delayed.TimeToLive = 4*time.Second, time.Minute, 4*time.Second
		delayed.ScheduledAt = time.Now().Add(12 * time.Second)
		h.send(q, short, long, delayed)
		var got []string
		for second := 0; second <= 17; second++ {
			got = append(got, bodies(h.browse(target, queue.Main)))
			time.Sleep(time.Second)
			synctest.Wait()
		}
		want := "short,long|short,long|short,long|short,long|long|long|long|long|long|long|||delayed|delayed|delayed|delayed||"
		if s := strings.Join(got, "|"); s != want {
			t.Errorf("second by second the target has\n%s, want\n%s", s, want)
		}
	})
}

// What a queue that moves everything on had left when the process ended is
// moved on by the next one.
func TestForwardGoesOnAfterACrash(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		target := h.queue("/target", nil)
		q := h.queue("/orders", nil)
		h.send(q, texts(3000, 1)...)
		h.stopSweeping() // the process ends before anything is moved
		h.change(q, func(p *policy.Queue) { p.ForwardTo = "/target" })
		target = h.crash(target)
		synctest.Wait()
		if c := h.counts(target); c.Active != 3000 {
			t.Errorf("the target has %+v, want 3000 active", c)
		}
	})
}

// More than a commit takes is moved on in several.
func TestForwardMany(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		target := h.queue("/target", nil)
		q := h.queue("/orders", nil)
		for range 18 {
			h.send(q, texts(1000, 1)...)
		}
		before := h.store.Stats().Commits
		h.change(q, func(p *policy.Queue) { p.ForwardTo = "/target" })
		synctest.Wait()
		if c := h.counts(target); c.Active != 18_000 {
			t.Errorf("the target has %+v", c)
		}
		if n := h.store.Stats().Commits - before; n < 2 {
			t.Errorf("all were moved in %d commit", n)
		}
	})
}

// [R8]: a redrive takes the oldest first, no more than was asked for, and
// begins with a message as if it were new.
func TestRedrive(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		q := h.queue("/orders", func(p *policy.Queue) { p.TimeToLive = time.Hour })
		for _, body := range []string{"a", "b", "c", "d"} {
			h.send(q, text(body))
			h.settle(q, h.one(q), queue.DeadLetterIt)
		}
		time.Sleep(2 * time.Hour) // [R8]: dead letters have no age
		other := h.queue("/other", nil)
		for _, to := range []*queue.Queue{nil, other} {
			if n, err := q.Redrive(t.Context(), queue.DeadLetter, to, 1); n != 1 || err != nil {
				t.Errorf("redrove %d, %v", n, err)
			}
		}
		if n, err := q.Redrive(t.Context(), queue.DeadLetter, nil, 0); n != 2 || err != nil {
			t.Errorf("redrove %d, %v", n, err)
		}
		list := h.receive(q, queue.ReceiveOptions{Count: 9})
		if bodies(list) != "a,c,d" || list[0].SequenceNumber != 1 || list[0].DeliveryCount != 1 || list[0].DeadLetterReason != "" || list[0].DeadLetterSource != "" {
			t.Errorf("received %q, %+v", bodies(list), list[0].Received)
		}
		if got := h.next(other, 0); got != "b" {
			t.Errorf("the other queue has %q", got)
		}
		for _, d := range list {
			h.settle(q, d, queue.Release)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if c := h.counts(q); c.Expired != 3 {
			t.Errorf("counts %+v, want them to age anew", c)
		}
	})
}

// A redrive says why it stops, in words that its caller can tell apart.
func TestRedriveStops(t *testing.T) {
	tests := []struct {
		name  string
		edit  func(*policy.Queue)
		moved int
		want  error
	}{
		{"full", func(p *policy.Queue) { p.MaxLength = 150 }, 150, queue.ErrFull},
		{"full from the beginning", func(p *policy.Queue) { p.MaxLength = 1 }, 1, queue.ErrFull},
		{"disabled", func(p *policy.Queue) { p.Status = policy.Disabled }, 0, queue.ErrDisabled},
		{"small", func(p *policy.Queue) { p.MaxMessageKilobytes = 1 }, 0, queue.ErrTooLarge},
		{"roomy", nil, 160, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *harness) {
				q := h.queue("/orders", nil)
				to := h.queue("/to", test.edit)
				h.send(q, texts(160, 1025)...)
				for _, d := range h.receive(q, queue.ReceiveOptions{Count: 160}) {
					h.settle(q, d, queue.DeadLetterIt)
				}
				n, err := q.Redrive(t.Context(), queue.DeadLetter, to, 0)
				if n != test.moved || !errors.Is(err, test.want) {
					t.Errorf("redrove %d, %v, want %d, %v", n, err, test.moved, test.want)
				}
				if c := h.counts(q); c.DeadLetter != uint64(160-n) {
					t.Errorf("counts %+v after %d have gone", c, n)
				}
			})
		})
	}
}

// A redrive of what fails again at once ends: what comes back is for the next time.
func TestRedriveEnds(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		q := h.queue("/orders", func(p *policy.Queue) { p.ForwardTo = "/nowhere" })
		h.send(q, texts(250, 1)...)
		for range 2 {
			if n, err := q.Redrive(t.Context(), queue.Transfer, nil, 0); n != 250 || err != nil {
				t.Errorf("redrove %d, %v, want 250", n, err)
			}
		}
		if c := h.counts(q); c.TransferDeadLetter != 250 {
			t.Errorf("counts %+v", c)
		}
	})
}

// A queue can be named in a policy before it is made, and deleted while it is.
func TestTargetComesAndGoes(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		q := h.queue("/orders", func(p *policy.Queue) { p.ForwardTo = "/target" })
		h.send(q, text("a"))
		target := h.queue("/target", nil)
		h.send(q, text("b"))
		release := h.hold()
		h.later(target.Delete)
		sent := after(func() { h.send(q, text("c")) })
		release()
		sent()
		if got := bodies(h.browse(q, queue.Transfer)); got != "a,c" {
			t.Errorf("transfer dead letters %q, want a,c", got)
		}
		var made *queue.Queue
		h.update(func(tx *store.Tx) error {
			p := policy.NewQueue()
			made = h.set.Create(tx, "/unfinished", &p)
			return nil
		})
		h.send(made, text("d"))
	})
}
