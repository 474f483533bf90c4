package queue_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/queue"
)

// A queue that takes no copy has it among its dead letters, with the reason,
// and the others have theirs. [S2]
func TestDistribute(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		fine := h.queue("/fine", nil)
		full := h.queue("/full", func(p *policy.Queue) { p.MaxLength = 1 })
		heavy := h.queue("/heavy", func(p *policy.Queue) { p.MaxMegabytes = 1 })
		closed := h.queue("/closed", func(p *policy.Queue) { p.Status = policy.SendDisabled })
		small := h.queue("/small", func(p *policy.Queue) { p.MaxMessageKilobytes = 1 })
		all := to(fine, full, heavy, closed, small)
		large, _ := h.outgoing("large", 900<<10)
		second, _ := h.outgoing("second", 900<<10)
		if n := h.distribute(all, large); n[0] != 5 {
			t.Errorf("%d got it", n[0])
		}
		if n := h.distribute(all, second, text("third")); n[0] != 5 || n[1] != 5 {
			t.Errorf("%d got them", n)
		}
		for _, c := range []struct {
			queue        *queue.Queue
			active, dead uint64
		}{{fine, 3, 0}, {full, 1, 2}, {heavy, 2, 1}, {closed, 0, 3}, {small, 1, 2}} {
			counts := h.counts(c.queue)
			if counts.Active != c.active || counts.DeadLetter != c.dead {
				t.Errorf("%+v, want %d and %d dead letters", counts, c.active, c.dead)
			}
			for _, d := range h.browse(c.queue, queue.DeadLetter) {
				if d.DeadLetterReason != "SubscriptionRefused" || d.DeadLetterDescription == "" || d.DeadLetterSource == "" {
					t.Errorf("dead because %q, %q, in %q", d.DeadLetterReason, d.DeadLetterDescription, d.DeadLetterSource)
				}
			}
		}
		// Dead letters come back when there is room.
		h.settle(full, h.one(full), queue.Complete)
		if n, err := full.Redrive(t.Context(), queue.DeadLetter, nil, 0); n != 1 || !errors.Is(err, queue.ErrFull) {
			t.Errorf("%d redriven, %v", n, err)
		}
	})
}

// Each queue can have other properties; the body is the same. [S1]
func TestDistributeChanged(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		queues := h.several(3, nil)
		out, body := h.outgoing("message", 5000)
		out.Properties.Set("color", message.String("red"))
		failure := errors.New("it failed")
		h.distribute(routed(func(m *message.Message) ([]queue.Copy, error) {
			changed := *m
			changed.Properties = m.Properties.Clone()
			changed.Properties.Set("color", message.String("blue"))
			changed.Label = "changed"
			return []queue.Copy{{Queue: queues[0]}, {Queue: queues[1], Changed: &changed}, {Queue: queues[2], Err: failure}}, nil
		}), out)
		synctest.Wait()
		for _, again := range []bool{false, true} {
			if again {
				h.reopen(queues[0])
				for i := range queues {
					queues[i] = h.named[fmt.Sprint("/copy", i)]
				}
			}
			for i, want := range []string{"red", "blue"} {
				d := h.browse(queues[i], queue.Main)[0]
				if v, _ := d.Properties.Get("color"); v.String() != want || string(d.Body) != string(body) || d.ID != "message" {
					t.Errorf("copy %d has color %v, id %q and %d bytes", i, v, d.ID, len(d.Body))
				}
			}
			if d := h.browse(queues[2], queue.DeadLetter)[0]; d.DeadLetterReason != "FilterEvaluationException" || d.DeadLetterDescription != "it failed" {
				t.Errorf("dead because %q, %q", d.DeadLetterReason, d.DeadLetterDescription)
			}
		}
		if v, _ := out.Properties.Get("color"); v.String() != "red" {
			t.Errorf("the sender's message is %v", v)
		}
	})
}

// Nothing is written if the route refuses one of the messages, and nothing is
// left of what nobody wants. [S2] [Q4]
func TestDistributeNothing(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		q := h.queue("/a", nil)
		refusal := errors.New("no")
		batch := func() (list []queue.Outgoing) {
			for i := range 6 {
				out, _ := h.outgoing(fmt.Sprint("message", i), 100<<10) // staged as a batch
				list = append(list, out)
			}
			return list
		}
		h.reruns = 1 // the last message is refused when the others are written
		n := 0
		_, err := h.set.Distribute(t.Context(), 1<<20, routed(func(*message.Message) ([]queue.Copy, error) {
			if n++; n == 6 {
				return nil, refusal
			}
			return []queue.Copy{{Queue: q}}, nil
		}), batch()...)
		if !errors.Is(err, refusal) {
			t.Errorf("got %v", err)
		}
		time.Sleep(time.Second)
		h.wantEmpty()
		for _, d := range h.distribute(to(), batch()...) {
			if d != 0 {
				t.Errorf("%d got it", d)
			}
		}
		time.Sleep(time.Hour)
		h.wantEmpty()
		h.delete("/a")
		if got := h.distribute(to(q), text("late")); got[0] != 0 {
			t.Errorf("%d got it", got[0])
		}
		if _, err := h.set.Distribute(t.Context(), 5, to(), text("too long")); !errors.Is(err, queue.ErrTooLarge) {
			t.Errorf("got %v", err)
		}
		time.Sleep(time.Second)
		h.wantEmpty()
	})
}

// Scheduled in each queue, each for its own time to live. [Q2]
func TestDistributeScheduled(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		long := h.queue("/long", nil)
		short := h.queue("/short", func(p *policy.Queue) { p.TimeToLive = 10 * time.Second; p.DeadLetterExpired = true })
		full := h.queue("/full", func(p *policy.Queue) { p.MaxLength = 1 })
		h.send(full, text("first"))
		out := text("later")
		out.ScheduledAt, out.TimeToLive = time.Now().Add(time.Minute), time.Minute
		h.distribute(to(long, short, full), out)
		if c := h.counts(long); c.Scheduled != 1 {
			t.Errorf("%+v", c)
		}
		if c := h.counts(full); c.Scheduled != 0 || c.DeadLetter != 1 {
			t.Errorf("%+v", c)
		}
		if got := h.next(long, time.Hour); got != "later" {
			t.Errorf("received %q", got)
		}
		time.Sleep(11 * time.Second)
		if c := h.counts(short); c.DeadLetter != 1 {
			t.Errorf("%+v", c)
		}
	})
}

// A time to live that an action sets is the copy's. [S6]
func TestDistributeWithTimeToLive(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		plain, brief := h.queue("/plain", nil), h.queue("/brief", nil)
		h.distribute(routed(func(m *message.Message) ([]queue.Copy, error) {
			changed := *m
			changed.TimeToLive = time.Second
			return []queue.Copy{{Queue: plain}, {Queue: brief, Changed: &changed}}, nil
		}), text("hello"))
		time.Sleep(time.Minute)
		if c := h.counts(plain); c.Active != 1 {
			t.Errorf("%+v", c)
		}
		if c := h.counts(brief); c.Active != 0 {
			t.Errorf("a copy with a time to live of a second is there after a minute: %+v", c)
		}
	})
}
