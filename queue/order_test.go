package queue_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/queue"
)

// Promise 5, [R9]: the count of deliveries holds over a crash, and the end of the
// last one dead-letters in its own commit, however it ends.
func TestDeliveryCount(t *testing.T) {
	ends := map[string]func(h *harness, q *queue.Queue, d *queue.Delivery){
		"abandon":           func(h *harness, q *queue.Queue, d *queue.Delivery) { h.settle(q, d, queue.Abandon) },
		"the lock runs out": func(h *harness, _ *queue.Queue, _ *queue.Delivery) { time.Sleep(time.Minute); synctest.Wait() },
		"abandon with a delay": func(h *harness, q *queue.Queue, d *queue.Delivery) {
			if err := h.trySettle(q, queue.Settlement{Lock: d.LockToken, Disposition: queue.Abandon, Delay: time.Second}); err != nil {
				h.t.Error(err)
			}
			time.Sleep(time.Second)
			synctest.Wait()
		},
		"defer and abandon": func(h *harness, q *queue.Queue, d *queue.Delivery) {
			h.settle(q, d, queue.Abandon)
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *harness) {
				q := h.queue("/orders", func(p *policy.Queue) { p.MaxDeliveryCount = 4 })
				h.send(q, text("a"))
				for n := 1; n <= 4; n++ {
					d := h.one(q)
					if d.DeliveryCount != n {
						t.Fatalf("delivery %d has the count %d", n, d.DeliveryCount)
					}
					q = h.crash(q)
					end(h, q, d)
				}
				c := h.counts(q)
				if c.OldestAt = (time.Time{}); c != (queue.Counts{DeadLetter: 1, Bytes: 1}) {
					t.Fatalf("after the last delivery the counts are %+v", c)
				}
				d := h.receive(q, queue.ReceiveOptions{Sub: queue.DeadLetter})[0]
				if d.DeadLetterReason != "MaxDeliveryCountExceeded" || d.DeliveryCount != 5 {
					t.Errorf("dead letter: %q, delivery %d", d.DeadLetterReason, d.DeliveryCount)
				}
				for range 20 { // [R8]: there is no limit here
					h.settle(q, d, queue.Abandon)
					d = h.receive(q, queue.ReceiveOptions{Sub: queue.DeadLetter})[0]
				}
			})
		})
	}
}

// A queue's policy can be made stricter: what was delivered more often is
// dead-lettered when its delivery ends.
func TestMaxDeliveryCountIsLowered(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		q := h.queue("/orders", nil)
		h.send(q, text("a"))
		for range 3 {
			h.settle(q, h.one(q), queue.Abandon)
		}
		h.change(q, func(p *policy.Queue) { p.MaxDeliveryCount = 2 })
		h.settle(q, h.one(q), queue.Abandon)
		if c := h.counts(q); c.DeadLetter != 1 {
			t.Errorf("counts %+v, want a dead letter", c)
		}
	})
}

// [R4]: a lock past its end is lost although nobody swept.
func TestLockEndsWithoutSweep(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		q := h.queue("/orders", nil)
		h.send(q, text("a"))
		d := h.one(q)
		h.stopSweeping()
		time.Sleep(time.Minute - time.Microsecond)
		if _, err := q.Renew(t.Context(), d.LockToken, time.Second); err != nil {
			t.Errorf("a microsecond before its end: %v", err)
		}
		time.Sleep(time.Second)
		for _, what := range []queue.Disposition{queue.Complete, queue.Abandon, queue.Release, queue.Defer, queue.DeadLetterIt, queue.Reschedule} {
			wantLost(t, h.trySettle(q, queue.Settlement{Lock: d.LockToken, Disposition: what}), queue.Expired)
		}
		_, err := q.Renew(t.Context(), d.LockToken, time.Hour)
		wantLost(t, err, queue.Expired)
		if err := q.Cancel(t.Context(), queue.Main, 1); err != nil {
			t.Errorf("cancel: %v: nobody has it", err)
		}
	})
}

// A message that is too old is not delivered although nobody swept.
func TestExpiryWithoutSweep(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		q := h.queue("/orders", func(p *policy.Queue) { p.TimeToLive = 10 * time.Second })
		own := text("own")
		own.TimeToLive = time.Second
		longer := text("longer")
		longer.TimeToLive = time.Hour
		h.send(q, own, longer, text("none"))
		h.stopSweeping()
		time.Sleep(time.Second - time.Microsecond)
		d := h.one(q)
		if string(d.Body) != "own" {
			t.Fatalf("received %q", d.Body)
		}
		time.Sleep(time.Hour) // a locked one does not expire, but its lock is over
		if got := h.receive(q, queue.ReceiveOptions{Count: 9}); len(got) != 0 {
			t.Errorf("received %q, which are too old", bodies(got))
		}
		if c := h.counts(q); c.Expired != 3 {
			t.Errorf("counts %+v, want 3 expired: the receive has found the lock over", c)
		}
		if _, err := q.Lock(t.Context(), queue.Main, 2, 0); !errors.Is(err, queue.ErrNoMessage) {
			t.Errorf("lock: %v", err)
		}
	})
}

// DefaultMessageTimeToLive and TimeToLive: the shorter decides, to the instant,
// from when the message can be seen; DeadLetteringOnMessageExpiration says where it goes.
func TestExpiry(t *testing.T) {
	tests := []struct {
		queue, own, delay, want time.Duration // want 0: never
	}{
		{0, 0, 0, 0},
		{5 * time.Second, 0, 0, 5 * time.Second},
		{0, 6 * time.Second, 0, 6 * time.Second},
		{5 * time.Second, 6 * time.Second, 0, 5 * time.Second},
		{6 * time.Second, 5 * time.Second, 0, 5 * time.Second},
		{6 * time.Second, 0, time.Minute, 66 * time.Second},
		{0, 6 * time.Second, time.Minute, 66 * time.Second},
	}
	for _, test := range tests {
		for _, kept := range []bool{false, true} {
			t.Run(fmt.Sprintf("%+v, dead-lettered %t", test, kept), func(t *testing.T) {
				bubble(t, func(t *testing.T, h *harness) {
					q := h.queue("/orders", func(p *policy.Queue) { p.TimeToLive, p.DeadLetterExpired = test.queue, kept })
					m := text("a")
					m.TimeToLive = test.own
					if test.delay > 0 {
						m.ScheduledAt = time.Now().Add(test.delay)
					}
					h.send(q, m)
					there := func(after time.Duration) bool {
						time.Sleep(after)
						synctest.Wait()
						c := h.counts(q)
						return c.Active+c.Scheduled == 1
					}
					if test.want == 0 {
						if !there(1000 * time.Hour) {
							t.Error("it is gone")
						}
						return
					}
					if !there(test.want - time.Microsecond) {
						t.Error("it is gone a microsecond before its time")
					}
					if there(time.Microsecond) {
						t.Error("it is there when its time is over")
					}
					c := h.counts(q)
					if c.Expired != 0 == kept || (c.DeadLetter == 1) != kept {
						t.Errorf("counts %+v", c)
					}
				})
			})
		}
	}
}

// [R7]: what keeps its position comes first, what takes a new one comes last.
func TestPositions(t *testing.T) {
	settle := func(s queue.Settlement) func(*harness, *queue.Queue, *queue.Delivery) {
		return func(h *harness, q *queue.Queue, d *queue.Delivery) {
			s := s
			s.Lock = d.LockToken
			if err := h.trySettle(q, s); err != nil {
				h.t.Error(err)
			}
			time.Sleep(2 * time.Second)
		}
	}
	tests := []struct {
		name string
		do   func(*harness, *queue.Queue, *queue.Delivery) // with the second message
		want string
	}{
		{"abandon", settle(queue.Settlement{Disposition: queue.Abandon}), "a2,b1,c2,d1"},
		{"abandon with a delay", settle(queue.Settlement{Disposition: queue.Abandon, Delay: time.Second}), "a2,b1,c2,d1"},
		{"release", settle(queue.Settlement{Disposition: queue.Release}), "a1,b1,c1,d1"},
		{"the lock runs out", func(_ *harness, _ *queue.Queue, _ *queue.Delivery) { time.Sleep(time.Minute) }, "a2,b1,c2,d1"},
		{"reschedule", settle(queue.Settlement{Disposition: queue.Reschedule, Delay: time.Second}), "b1,d1,a1,c1"},
		{"reschedule for now", settle(queue.Settlement{Disposition: queue.Reschedule}), "b1,d1,a1,c1"},
		{"redrive", func(h *harness, q *queue.Queue, d *queue.Delivery) {
			h.settle(q, d, queue.DeadLetterIt)
			q.Redrive(h.t.Context(), queue.DeadLetter, nil, 0)
		}, "b1,d1,a1,c1"},
		{"defer and receive again", func(h *harness, q *queue.Queue, d *queue.Delivery) {
			h.settle(q, d, queue.Defer)
			again, err := q.Lock(h.t.Context(), queue.Main, uint64(d.SequenceNumber), 0)
			if err != nil {
				h.t.Fatal(err)
			}
			h.settle(q, again, queue.Abandon) // it is deferred again
		}, "b1,d1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *harness) {
				q := h.queue("/orders", nil)
				h.send(q, text("a"), text("b"), text("c"), text("d"))
				list := h.receive(q, queue.ReceiveOptions{Count: 4})
				h.settle(q, list[3], queue.Release)
				h.settle(q, list[1], queue.Release)
				done := make(chan struct{}, 2)
				for _, d := range []*queue.Delivery{list[0], list[2]} {
					go func() {
						test.do(h, q, d)
						done <- struct{}{}
					}()
					synctest.Wait()
				}
				<-done
				<-done
				synctest.Wait()
				q = h.crash(q)
				var got []string
				for _, d := range h.receive(q, queue.ReceiveOptions{Count: 9}) {
					got = append(got, string(d.Body)+strconv.Itoa(d.DeliveryCount))
				}
				if s := strings.Join(got, ","); s != test.want {
					t.Errorf("received %s, want %s", s, test.want)
				}
			})
		})
	}
}
