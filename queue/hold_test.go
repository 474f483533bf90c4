package queue_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/queue"
)

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

// Promise 6: held senders are let in in the order of arrival, one for each place.
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

// Promise 11: at most 1,000 senders are held in all, and above that nobody waits;
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

// Promise 11: at most 64 MiB of bodies are held in all.
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
