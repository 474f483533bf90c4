package queue_test

import (
	"bytes"
	"errors"
	"slices"
	"testing/synctest"
	"time"

	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/queue"
	"pgregory.net/rapid"
)

// compare demands that everything that can be seen is as the model says.
func (m *machine) compare() {
	m.t.Helper()
	synctest.Wait()
	m.settleCalls()
	for _, p := range m.queues {
		if p.gone {
			continue
		}
		want := p.counts()
		if got := m.counts(p.real); got != want {
			m.t.Fatalf("%s has counts\n%+v, want\n%+v", p.name, got, want)
		}
		for sub := range queue.SubQueue(3) {
			m.compareAll("browse "+p.name, m.browse(p.real, sub), p.in(sub))
		}
	}
	want := m.model.totals
	got := m.set.Totals()
	got.Held, got.Locked = want.Held, want.Locked
	if got != want {
		m.t.Fatalf("totals %+v, want %+v", got, want)
	}
}

// settleCalls compares the calls that waited, and forgets those that have returned.
func (m *machine) settleCalls() {
	m.t.Helper()
	synctest.Wait()
	m.model.advance(m.model.clock) // an EnqueueTimeout of nothing is over at once
	m.calls = slices.DeleteFunc(m.calls, func(c *call) bool {
		m.compareCall(c)
		if c.done() {
			c.cancel()
		}
		return c.done()
	})
}

func (m *machine) compareCall(c *call) {
	m.t.Helper()
	want := answer{}
	if c.sender != nil {
		want = c.sender.answer
	} else {
		want = c.receiver.answer
	}
	if c.done() != want.done {
		m.t.Fatalf("%s: returned: %v, want %v (%v)", c.what, c.done(), want.done, want.err)
	}
	if !c.done() {
		return
	}
	if !errors.Is(c.err, want.err) || !c.at.Equal(want.at) {
		m.t.Fatalf("%s: returned at %v with %v, want at %v %v", c.what, c.at, c.err, want.at, want.err)
	}
	switch {
	case c.err != nil:
	case c.sender != nil:
		if c.outcome != c.sender.outcome || !slices.Equal(c.numbers, c.sender.numbers) {
			m.t.Fatalf("%s: %d %v, want %d %v", c.what, c.outcome, c.numbers, c.sender.outcome, c.sender.numbers)
		}
	default:
		m.compareTaken(c)
	}
}

func (m *machine) compareTaken(c *call) {
	m.t.Helper()
	if len(c.deliveries) != len(c.receiver.taken) {
		m.t.Fatalf("%s: %d messages, want %v", c.what, len(c.deliveries), c.receiver.taken)
	}
	for i, d := range c.deliveries {
		m.recognise(c.what, d, c.receiver.taken[i])
	}
}

// recognise compares a delivery and learns the lock's token.
func (m *machine) recognise(what string, d *queue.Delivery, want sighting) {
	m.t.Helper()
	m.same(what, d, want)
	if (d.LockToken != "") != (want.lock != nil) {
		m.t.Fatalf("%s: token %q, want one: %v", what, d.LockToken, want.lock != nil)
	}
	if want.lock != nil {
		want.lock.token = d.LockToken
		m.locks = append(m.locks, want.lock)
	}
}

func (m *machine) compareAll(what string, got []*queue.Delivery, want []*modelMessage) {
	m.t.Helper()
	if len(got) != len(want) {
		m.t.Fatalf("%s: %d messages, want %d", what, len(got), len(want))
	}
	for i, d := range got {
		if d.LockToken != "" {
			m.t.Fatalf("%s shows a lock token", what)
		}
		m.same(what, d, want[i].see())
	}
}

// same compares everything that a delivery shows of a message: promise 2.
func (m *machine) same(what string, d *queue.Delivery, want sighting) {
	m.t.Helper()
	size, _ := d.Properties.Get("Size")
	state, status := want.words()
	var until, scheduledAt time.Time
	if want.state == locked {
		until = want.until()
	}
	if scheduledAt = want.visibleAt; want.state == scheduled {
		scheduledAt = want.dueAt
	}
	ok := d.ID == want.id && d.Label == "label of "+want.id && size == message.Int64(want.size) &&
		d.TimeToLive == want.timeToLive && d.Size == want.size &&
		d.SequenceNumber == int64(want.seq) && d.EnqueuedAt.Equal(want.sentAt) && d.DeliveryCount == want.deliveries &&
		d.State == state && d.Status == status && d.LockedUntil.Equal(until) && d.ScheduledAt.Equal(scheduledAt) &&
		d.DeadLetterReason == want.reason && d.DeadLetterSource == want.source &&
		(d.DeadLetterDescription == want.description || want.dead && want.description == "" && d.DeadLetterDescription != "")
	if !ok {
		m.t.Fatalf("%s shows\n%+v of\n%+v, want\n%v, %s %s, locked until %v, scheduled at %v",
			what, d.Received, d.Message, want, state, status, until, scheduledAt)
	}
	if !bytes.Equal(d.Body, body(want.id, want.size)) {
		m.t.Fatalf("%s: %s has another body of %d bytes", what, want.id, len(d.Body))
	}
}

func (s sighting) until() time.Time { return s.modelMessage.lock.until }

// words are the state as Azure says it and as we do.
func (s sighting) words() (azure, own string) {
	switch {
	case s.state == scheduled:
		return "Scheduled", "Sleeping"
	case s.state == deferred || s.wasDeferred:
		return "Deferred", "Deferred"
	case s.state == locked:
		return "Active", "Leased"
	case s.sub != queue.Main:
		return "Active", "Error"
	}
	return "Active", "Pending"
}

// drawBrowse goes through a sub-queue page by page.
func (m *machine) drawBrowse(t *rapid.T) {
	p := m.draw(t)
	opts := queue.BrowseOptions{
		Sub:   drawSub(t),
		From:  rapid.Uint64Range(0, p.next+1).Draw(t, "from"),
		Count: rapid.SampledFrom([]int{1, 2, 3, 7}).Draw(t, "count"),
		States: rapid.SampledFrom([][]queue.State{nil, {active}, {locked, deferred}, {scheduled, active},
			{active, locked, scheduled, deferred}}).Draw(t, "states"),
	}
	if p.gone {
		t.Skip("it is gone")
	}
	m.tick()
	synctest.Wait()
	var want []*modelMessage
	for _, e := range p.in(opts.Sub, opts.States...) {
		if e.seq >= opts.From {
			want = append(want, e)
		}
	}
	m.browsePages(t, p, opts, want)
}

func (m *machine) browsePages(t *rapid.T, p *pair, opts queue.BrowseOptions, want []*modelMessage) {
	for more := true; more; more = opts.From != 0 {
		page, err := p.real.Browse(opts)
		if err != nil {
			t.Fatal(err)
		}
		n := min(opts.Count, len(want))
		m.compareAll("a page of "+p.name, page.Messages, want[:n])
		if want = want[n:]; len(want) == 0 && page.Next != 0 || len(want) > 0 && page.Next != want[0].seq {
			t.Fatalf("the next page of %s begins with %d, want the first of %v", p.name, page.Next, want)
		}
		opts.From = page.Next
	}
	for _, e := range p.in(opts.Sub) {
		d, err := p.real.Find(opts.Sub, e.seq)
		if err != nil {
			t.Fatalf("find %d: %v", e.seq, err)
		}
		if err := d.Load(); err != nil {
			t.Fatal(err)
		}
		m.same("find", d, e.see())
	}
	if _, err := p.real.Find(opts.Sub, p.next+1); !errors.Is(err, queue.ErrNoMessage) {
		t.Fatalf("find of nothing: %v", err)
	}
}
