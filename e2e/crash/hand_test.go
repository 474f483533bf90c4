package crash_test

import (
	"context"
	"fmt"
	"path"
	"time"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/message"
)

// fraction is what the broker leaves out where it tells whole seconds.
const fraction = time.Second - time.Microsecond

// take receives from a place under locks of a length, and writes down what
// came, also if the answer broke off.
func (w *worker) take(p *place, o client.ReceiveOptions) (list []*delivery) {
	if p.asks && o.LockDuration == 0 {
		o.LockDuration = p.lock
	}
	var got []*message.Received
	c := w.call("receive from "+p.name, func(ctx context.Context) (err error) {
		got, err = w.client.Receive(ctx, p.name, o)
		return err
	})
	w.noteBlind(c, p, o.Count-len(got))
	for _, r := range got {
		d := w.newDelivery(c, p, fromHead, r)
		d.enqueued = w.told(r.EnqueuedAt)
		d.until = w.told(r.LockedUntil)
		d.untilBy = d.until
		d.given = d.until - p.lockLength(o.LockDuration)
		d.givenBy = d.given
		list = append(list, w.noteDelivery(d))
	}
	return list
}

// lockLength is how long a lock is for a receiver who asks for something, or
// for nothing.
func (p *place) lockLength(asked time.Duration) time.Duration {
	if asked > 0 {
		return asked
	}
	return p.lock
}

// takeOnly receives the message with a sequence number, nil if it did not come.
func (w *worker) takeOnly(p *place, number int64) (*delivery, call) {
	var got *message.Received
	c := w.call("lock", func(ctx context.Context) (err error) {
		got, err = w.client.Lock(ctx, p.name, number, 0)
		return err
	}, client.ErrNotFound, client.ErrConflict)
	w.noteBlind(c, p, 1)
	if c.outcome != done {
		return nil, c
	}
	d := w.newDelivery(c, p, byNumber, got)
	d.until = w.told(got.LockedUntil)
	d.untilBy = d.until + fraction
	d.given = max(d.given, d.until-p.lock)
	d.givenBy = min(d.givenBy, d.untilBy-p.lock)
	return w.noteDelivery(d), c
}

// takeAway receives and deletes, and returns how many messages came.
func (w *worker) takeAway(p *place, o client.ReceiveOptions) int {
	var got []*message.Received
	c := w.call("receive and delete", func(ctx context.Context) (err error) {
		got, err = w.client.ReceiveAndDelete(ctx, p.name, o)
		return err
	})
	w.noteBlind(c, p, o.Count-len(got))
	for _, r := range got {
		w.noteDelivery(w.newDelivery(c, p, deleting, r))
	}
	w.backlog.Add(-int64(len(got)))
	return len(got)
}

func (w *worker) newDelivery(c call, p *place, m mode, r *message.Received) *delivery {
	return &delivery{
		call: call{c.start, c.end, done}, // also if the answer broke off behind it
		id:   r.ID,
		from: p, mode: m, count: r.DeliveryCount, number: r.SequenceNumber,
		token: path.Base(r.Lock), given: c.start - clockSlack, givenBy: c.end,
		reason: r.DeadLetterReason, damage: damage(r.Message),
	}
}

func (w *worker) noteDelivery(d *delivery) *delivery {
	w.write(func(h *history) { h.deliveries = append(h.deliveries, *d) })
	return d
}

// noteBlind writes a receive down that had no answer, or only a part of one:
// it may have taken so many more messages.
func (w *worker) noteBlind(c call, p *place, most int) {
	if c.outcome == unknown {
		w.write(func(h *history) { h.blinds = append(h.blinds, blind{c, p, most}) })
	}
}

// lock is the URI of the lock of d.
func (d *delivery) lock() string { return fmt.Sprintf("%s/messages/%d/%s", d.from, d.number, d.token) }

// settle ends a lock.
func (w *worker) settle(d *delivery, what client.Disposition, delay time.Duration) outcome {
	s := settlement{token: d.token, what: what, delay: delay}
	s.call = w.call(string(what), func(ctx context.Context) error {
		switch what {
		case client.Complete:
			return w.client.Complete(ctx, d.lock())
		case client.Abandon:
			return w.client.Abandon(ctx, d.lock(), delay)
		case client.Release:
			return w.client.Release(ctx, d.lock())
		case client.Defer:
			return w.client.Defer(ctx, d.lock())
		case client.DeadLetter:
			return w.client.DeadLetter(ctx, d.lock(), byRequest, "as the test wants it")
		default:
			return w.client.Reschedule(ctx, d.lock(), delay)
		}
	}, client.ErrGone)
	w.noteSettlement(s)
	return s.outcome
}

// settleAll ends many locks of one place in one request.
func (w *worker) settleAll(list []*delivery, what client.Disposition) {
	request := make([]client.Settlement, len(list))
	for i, d := range list {
		request[i] = client.Settlement{Lock: d.lock(), Disposition: what}
	}
	var results []error
	c := w.call("settle many", func(ctx context.Context) (err error) {
		results, err = w.client.Settle(ctx, list[0].from.name, request)
		return err
	})
	for i, d := range list {
		s := settlement{call: c, token: d.token, what: what}
		if c.outcome == done {
			s.outcome = outcomeOf(results[i])
		}
		w.noteSettlement(s)
	}
}

// noteSettlement writes a settlement down, unless the broker was not reached.
func (w *worker) noteSettlement(s settlement) {
	if s.what == client.Complete && s.outcome == done {
		w.backlog.Add(-1)
	}
	if s.outcome != unreached {
		w.write(func(h *history) { h.settlements = append(h.settlements, s) })
	}
}

// renew makes a lock last for a time from now on.
func (w *worker) renew(d *delivery, length time.Duration) {
	s := settlement{token: d.token, what: renewal, length: length}
	var until time.Time
	s.call = w.call("renew", func(ctx context.Context) (err error) {
		until, err = w.client.Renew(ctx, d.lock(), length)
		return err
	}, client.ErrGone)
	s.until = w.told(until)
	s.untilBy = s.until + fraction
	w.noteSettlement(s)
}
