package queue_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/queue"
)

// A crowd is many senders and receivers at one queue. In a bubble no time
// passes while an op is on its way, so that each knows for sure what it may
// expect: a lock holds until its instant and not longer.
type crowd struct {
	*harness
	q         *queue.Queue
	cancels   bool // calls are cancelled at random, and messages released
	senders   int
	each      int // messages of each sender
	receivers int
	ended     context.CancelFunc // when all is completed

	mu        sync.Mutex // guards the rest
	messages  map[string]*tracked
	completed int
}

// tracked is what is known of a message.
type tracked struct {
	seq       int64 // 0: not known yet
	until     time.Time
	held      bool // somebody has it, and has not settled it
	spent     int  // deliveries that counted
	completed bool
}

// Promises 1 to 6 and 10, [R2]: nothing is lost, nothing comes
// twice without a reason, nobody has what somebody else has, everybody is
// answered.
func TestCrowd(t *testing.T) {
	rounds := 2
	if os.Getenv("JITNEY_EVIDENCE") != "" {
		rounds = 200
	}
	for round := range rounds {
		for _, cancels := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d, cancelling %t", round, cancels), func(t *testing.T) {
				bubble(t, func(t *testing.T, h *harness) {
					c := &crowd{harness: h, cancels: cancels, senders: 12, each: 60, receivers: 12, messages: map[string]*tracked{}}
					c.q = h.queue("/orders", func(p *policy.Queue) {
						p.MaxLength, p.MaxLocked, p.MaxDeliveryCount, p.EnqueueTimeout = 30, 20, 1000, 500*time.Millisecond
					})
					c.run(t)
				})
			})
		}
	}
}

func (c *crowd) run(t *testing.T) {
	var ctx context.Context
	ctx, c.ended = context.WithCancel(t.Context())
	var all sync.WaitGroup
	for i := range c.senders {
		all.Go(func() { c.send(i) })
	}
	for range c.receivers {
		all.Go(func() { c.receive(ctx) })
	}
	all.Go(func() { c.meddle(ctx) })
	all.Wait()
	synctest.Wait()
	if got := c.counts(c.q); got != (queue.Counts{}) {
		t.Errorf("counts at the end %+v", got)
	}
	total := c.set.Totals()
	if n := uint64(c.senders * c.each); total.Sent != n || total.Completed != n || total.Held != 0 || total.Locked != 0 {
		t.Errorf("totals at the end %+v, want %d sent and completed", total, n)
	}
	c.wantEmpty()
}

// context sometimes ends soon.
func (c *crowd) context() (context.Context, context.CancelFunc) {
	if !c.cancels || rand.IntN(3) > 0 {
		return context.WithCancel(context.Background())
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rand.IntN(300))*time.Millisecond)
	if rand.IntN(4) == 0 {
		go cancel() // at any moment of the call
	}
	return ctx, cancel
}

// send sends one message after the other, some of them in batches, each until
// it is acknowledged: an error means that it is not there.
func (c *crowd) send(sender int) {
	last := uint64(0)
	for i := 0; i < c.each; {
		var batch []queue.Outgoing
		for range min(1+rand.IntN(3), c.each-i) {
			id := fmt.Sprintf("%d/%d", sender, i)
			c.mu.Lock()
			c.messages[id] = &tracked{}
			c.mu.Unlock()
			batch = append(batch, queue.Outgoing{Message: &message.Message{ID: id, Body: []byte(id)}})
			i++
		}
		for _, n := range c.sendUntilTaken(batch) {
			if n <= last {
				c.t.Errorf("sender %d got number %d after %d", sender, n, last)
			}
			last = n
		}
	}
}

func (c *crowd) sendUntilTaken(batch []queue.Outgoing) []uint64 {
	for {
		ctx, cancel := c.context()
		numbers, _, err := c.q.Send(ctx, batch...)
		cancel()
		switch {
		case err == nil:
			return numbers
		case errors.Is(err, queue.ErrFull), c.cancels && ctx.Err() != nil && errors.Is(err, ctx.Err()):
		default:
			c.t.Errorf("send: %v", err)
			return nil
		}
	}
}

func (c *crowd) receive(ctx context.Context) {
	last := int64(0)
	for ctx.Err() == nil {
		call, cancel := c.context()
		opts := queue.ReceiveOptions{
			Count:   1 + rand.IntN(4),
			Wait:    time.Duration(rand.IntN(200)) * time.Millisecond,
			LockFor: time.Duration(50+rand.IntN(100)) * time.Millisecond,
		}
		list, err := c.q.Receive(call, opts)
		if err != nil && !(c.cancels && call.Err() != nil && errors.Is(err, call.Err())) {
			c.t.Errorf("receive: %v", err)
		}
		cancel()
		for _, d := range list {
			c.take(d)
			if d.DeliveryCount == 1 && !c.cancels {
				if d.SequenceNumber < last {
					c.t.Errorf("number %d was delivered for the first time after %d", d.SequenceNumber, last)
				}
				last = d.SequenceNumber
			}
		}
		for _, d := range list {
			c.process(d)
		}
	}
}

// take notes a delivery and whether it may be.
func (c *crowd) take(d *queue.Delivery) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.messages[d.ID]
	if m == nil || string(d.Body) != d.ID {
		c.t.Errorf("%q with %q was received and never sent", d.ID, d.Body)
		return
	}
	if m.held && m.until.After(time.Now()) {
		c.t.Errorf("%s was given to somebody while another had it for %v more", d.ID, time.Until(m.until))
	}
	if m.held {
		m.spent++ // the lock has run out
	}
	if m.completed || m.seq != 0 && m.seq != d.SequenceNumber {
		c.t.Errorf("%s came back: completed %t, number %d and now %d", d.ID, m.completed, m.seq, d.SequenceNumber)
	}
	if d.DeliveryCount != m.spent+1 {
		c.t.Errorf("%s: delivery %d, want %d", d.ID, d.DeliveryCount, m.spent+1)
	}
	m.held, m.until, m.seq = true, d.LockedUntil, d.SequenceNumber
}

// process works on a message for a while and then does something with it.
func (c *crowd) process(d *queue.Delivery) {
	switch what := rand.IntN(10); {
	case what < 5:
		c.end(d, queue.Complete)
	case what == 5:
		c.end(d, queue.Abandon)
	case what == 6 && c.cancels:
		c.end(d, queue.Release)
	case what == 7:
		time.Sleep(time.Duration(rand.IntN(200)) * time.Millisecond)
		c.end(d, queue.Complete)
	case what == 8:
		c.renew(d)
		c.end(d, queue.Complete)
	default: // it is forgotten
	}
}

// end settles: that works before the lock's end, and not from there on.
func (c *crowd) end(d *queue.Delivery, what queue.Disposition) {
	c.mu.Lock()
	m := c.messages[d.ID]
	holds := d.LockedUntil.After(time.Now())
	if holds {
		m.held = false
		m.completed = what == queue.Complete
		if what == queue.Abandon {
			m.spent++
		}
	}
	c.mu.Unlock()
	err := c.trySettle(c.q, queue.Settlement{Lock: d.LockToken, Disposition: what})
	if (err == nil) != holds || err != nil && !errors.Is(err, queue.ErrLockLost) {
		c.t.Errorf("settling %s, whose lock holds for %v: %v", d.ID, time.Until(d.LockedUntil), err)
	}
	if holds && what == queue.Complete {
		c.count()
	}
}

func (c *crowd) count() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.completed++; c.completed == c.senders*c.each {
		c.ended()
	}
}

func (c *crowd) renew(d *queue.Delivery) {
	c.mu.Lock()
	defer c.mu.Unlock() // nobody else is to see the lock as it was
	holds := d.LockedUntil.After(time.Now())
	until, err := c.q.Renew(context.Background(), d.LockToken, 70*time.Millisecond)
	if (err == nil) != holds {
		c.t.Errorf("renewing %s, whose lock holds for %v: %v", d.ID, time.Until(d.LockedUntil), err)
	}
	if err == nil {
		d.LockedUntil, c.messages[d.ID].until = until, until
	}
}

// meddle changes the policy, and tries to settle with tokens that are none.
func (c *crowd) meddle(ctx context.Context) {
	for ctx.Err() == nil {
		c.change(c.q, func(p *policy.Queue) {
			p.MaxLength, p.MaxLocked = int64(5+rand.IntN(50)), rand.IntN(30)
		})
		if err := c.trySettle(c.q, queue.Settlement{Lock: "6ba7b810-9dad-11d1-80b4-00c04fd430c8"}); !errors.Is(err, queue.ErrLockLost) {
			c.t.Errorf("settling with no lock: %v", err)
		}
		time.Sleep(time.Duration(rand.IntN(100)) * time.Millisecond)
	}
}
