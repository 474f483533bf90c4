package crash_test

import (
	"fmt"
	"time"

	"github.com/jitney-mq/jitney/client"
)

// A scene is a history that is made by hand: each call takes a millisecond,
// and begins a millisecond after the one before it.
type scene struct {
	history
	at      time.Duration
	tokens  int
	turns   int
	numbers map[*place]int64
}

func newScene() *scene { return &scene{numbers: map[*place]int64{}} }

const instantly = time.Millisecond

// call is the next call.
func (s *scene) call(o outcome) call {
	s.at += 2 * instantly
	return call{s.at - instantly, s.at, o}
}

func (s *scene) wait(d time.Duration) { s.at += d }

// send sends a message in a request of its own.
func (s *scene) send(to *place) *attempt { return s.sendAs(to, done, single, 1)[0] }

// sendAs sends messages in one request.
func (s *scene) sendAs(to *place, o outcome, sh shape, count int) []*attempt {
	c := s.call(o)
	s.turns++
	unit := unit{s.turns, sh}
	from := len(s.attempts)
	for range count {
		s.turns++
		s.numbers[to.route()]++
		id := fmt.Sprintf("m%d", s.turns)
		s.attempts = append(s.attempts, attempt{call: c, id: id, job: id, to: to, sender: "sender", turn: s.turns, unit: unit, number: s.numbers[to.route()]})
	}
	list := make([]*attempt, count)
	for i := range list {
		a := s.attempts[from+i]
		list[i] = &a
	}
	return list
}

// change has fn change the last attempt.
func (s *scene) change(fn func(a *attempt)) { fn(&s.attempts[len(s.attempts)-1]) }

// receive receives a message from where it was sent.
func (s *scene) receive(a *attempt, count int) *delivery {
	return s.receiveFrom(a, a.to.route(), count, "")
}

func (s *scene) receiveFrom(a *attempt, p *place, count int, reason string) *delivery {
	c := s.call(done)
	s.tokens++
	d := delivery{
		call: c, id: a.id, from: p, count: count, number: a.number, reason: reason, token: fmt.Sprintf("lock %d", s.tokens),
		given: c.start, givenBy: c.start, until: c.start + p.lock, untilBy: c.start + p.lock, enqueued: a.start,
	}
	if p.queue() != a.to.route() {
		d.number += 1000 // it has moved to another queue
	}
	if p.deletes {
		d.mode = deleting
	}
	s.deliveries = append(s.deliveries, d)
	return &d
}

// amend has fn change the last delivery.
func (s *scene) amend(fn func(d *delivery)) *delivery {
	d := &s.deliveries[len(s.deliveries)-1]
	fn(d)
	copied := *d
	return &copied
}

func (s *scene) settle(d *delivery, what client.Disposition) { s.settleAs(d, what, done, 0) }

func (s *scene) settleAs(d *delivery, what client.Disposition, o outcome, delay time.Duration) {
	s.settlements = append(s.settlements, settlement{call: s.call(o), token: d.token, what: what, delay: delay})
}

func (s *scene) renew(d *delivery, o outcome) {
	c := s.call(o)
	until := c.start + d.from.lock
	s.settlements = append(s.settlements, settlement{call: c, token: d.token, what: renewal, length: d.from.lock, until: until, untilBy: until})
}

// consume receives and completes.
func (s *scene) consume(a *attempt) { s.settle(s.receive(a, 1), client.Complete) }

func (s *scene) blind(p *place) { s.blinds = append(s.blinds, blind{s.call(unknown), p, 1}) }

// end is when the broker is found empty.
func (s *scene) end() *world {
	s.drained = s.call(done).end
	return newWorld(&s.history)
}
