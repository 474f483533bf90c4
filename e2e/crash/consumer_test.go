package crash_test

import (
	"slices"
	"time"

	"github.com/jitney-mq/jitney/client"
)

// A habit is how often a consumer does what with a message, in percent; it
// completes the rest.
type habit struct {
	abandon    int // at once
	hide       int // abandon with a delay
	release    int
	putAside   int // defer, and receive by number later on
	refuse     int // dead-letter
	reschedule int
	keep       int // until the lock has run out
	renew      int // before it decides
	count      int // received at a time, at most
	slow       time.Duration
}

// Bounds of what consumers do.
const (
	waitAtMost  = time.Second // for a message
	hideAtMost  = 1500 * time.Millisecond
	maxDeferred = 50 // messages that one consumer has put aside
)

// An order is a settlement that may or may not have been carried out.
type order struct {
	d     *delivery
	what  client.Disposition
	delay time.Duration
}

// A consumer receives from one place under locks, and does all that can be
// done to a lock.
type consumer struct {
	*worker
	habit
	at       *place
	unsure   []order
	kept     []*delivery // until their locks run out, unless they were renewed
	deferred []int64     // sequence numbers
}

func (c *consumer) work() {
	for c.next() {
		c.repeatUnsure()
		c.settleLate()
		if c.chance(50) {
			c.fetchDeferred()
		}
		list := c.receive()
		if c.slow > 0 {
			c.pause(c.between(0, c.slow))
		}
		if len(list) > 1 && c.chance(30) {
			c.settleAll(list, client.Complete)
			continue
		}
		for _, d := range list {
			c.treat(d)
		}
	}
}

func (c *consumer) receive() []*delivery {
	o := client.ReceiveOptions{Count: 1 + c.random.IntN(max(c.count, 1)), Wait: waitAtMost}
	switch c.random.IntN(4) {
	case 0:
		o.LockDuration = time.Second
	case 1:
		o.LockDuration = 3 * time.Second
	}
	return c.take(c.at, o)
}

// treat decides about a message.
func (c *consumer) treat(d *delivery) {
	if c.chance(c.habit.renew) {
		c.worker.renew(d, c.between(time.Second, 3*time.Second))
		if c.chance(40) {
			c.kept = append(c.kept, d)
			return
		}
	}
	drawn := c.random.IntN(100)
	hidden := c.between(time.Millisecond, hideAtMost)
	for _, o := range []struct {
		percent int
		order
	}{
		{c.abandon, order{d, client.Abandon, 0}},
		{c.hide, order{d, client.Abandon, hidden}},
		{c.release, order{d, client.Release, 0}},
		{c.putAside, order{d, client.Defer, 0}},
		{c.refuse, order{d, client.DeadLetter, 0}},
		{c.reschedule, order{d, client.Reschedule, hidden}},
	} {
		if drawn -= o.percent; drawn < 0 {
			c.carryOut(o.order)
			return
		}
	}
	if drawn < c.keep {
		c.kept = append(c.kept, d)
		return
	}
	c.carryOut(order{d, client.Complete, 0})
	if c.chance(3) {
		c.settle(d, client.Complete, 0) // it has to be refused
	}
}

// carryOut settles, and remembers what had no answer.
func (c *consumer) carryOut(o order) {
	ended := c.settle(o.d, o.what, o.delay)
	if ended == unknown || ended == unreached {
		c.unsure = append(c.unsure, o)
	}
	if o.what == client.Defer && (ended == done || ended == unknown) && len(c.deferred) < maxDeferred {
		c.deferred = append(c.deferred, o.d.number)
	}
}

// repeatUnsure settles again what had no answer, mostly in the same way.
func (c *consumer) repeatUnsure() {
	for _, o := range c.unsure {
		switch drawn := c.random.IntN(10); {
		case drawn < 5:
			c.settle(o.d, o.what, o.delay)
		case drawn < 7:
			c.settle(o.d, client.Complete, 0)
		}
	}
	c.unsure = c.unsure[:0]
}

// settleLate tries the locks that have run out: nothing may come of it, but
// for those that were renewed.
func (c *consumer) settleLate() {
	now := c.now()
	c.kept = slices.DeleteFunc(c.kept, func(d *delivery) bool {
		if now < d.untilBy {
			return false
		}
		if c.chance(70) {
			c.settle(d, client.Complete, 0)
		}
		return true
	})
}

// fetchDeferred receives one of the messages that were put aside.
func (c *consumer) fetchDeferred() {
	if len(c.deferred) == 0 {
		return
	}
	number := c.deferred[0]
	c.deferred = c.deferred[1:]
	d, got := c.takeOnly(c.at, number)
	switch {
	case d == nil && got.outcome == unknown:
		c.deferred = append(c.deferred, number)
	case d == nil:
		// it is locked, or gone: the end of the run finds it if it is there
	case c.chance(30):
		c.settle(d, client.Abandon, 0) // it is deferred again
		c.deferred = append(c.deferred, number)
	default:
		c.carryOut(order{d, client.Complete, 0})
	}
}

// A deleter receives and deletes.
type deleter struct {
	*worker
	at *place
}

func (d *deleter) work() {
	for d.next() {
		d.takeAway(d.at, client.ReceiveOptions{Count: 1 + d.random.IntN(3), Wait: waitAtMost})
	}
}
