package crash_test

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/jitney-mq/jitney/client"
)

// The second checker searches for an order of all that was done to a message,
// one thing at a time, that agrees with the instants at which callers asked
// and were answered. It does not use what the broker told of when it gave a
// lock. Calls without an answer may have had their effect at any time, or
// never.

// A phase is whether a message is there.
type phase uint8

const (
	unsent phase = iota
	present
	ended
)

// A condition is the state of the model: a message with its lock.
type condition struct {
	phase phase
	life  life
	token string        // of the last lock; empty: it has been settled
	least time.Duration // when that lock ends
	most  time.Duration
	since time.Duration // the start of the last call that is known to have changed it
}

// An act is a call of the history in the model.
type act struct {
	sent     *attempt
	received *delivery
	settled  *settlement
	empty    time.Duration // when the broker was found empty, else 0
}

// maxSearch bounds the search of one message's order.
const maxSearch = 10 * time.Second

// checkLinear returns the messages for which there is no order, and how many
// could not be decided.
func (w *world) checkLinear() (list []finding, undecided int) {
	f := &findings{}
	for _, s := range w.stories {
		if s.attempt == nil || !s.attempt.maySucceed() {
			continue // nothing to search in
		}
		acts := w.acts(s)
		switch porcupine.CheckOperationsTimeout(w.model(s), acts, maxSearch) {
		case porcupine.Illegal:
			f.add(notLinear, s.id, "%s", describe(acts))
		case porcupine.Unknown:
			undecided++
		}
	}
	return f.list, undecided
}

// never is when a call ends that was not answered.
const never = math.MaxInt64

func (w *world) acts(s *story) []porcupine.Operation {
	var list []porcupine.Operation
	add := func(a act, c call) {
		end := int64(c.end)
		if c.outcome == unknown {
			end = never
		}
		list = append(list, porcupine.Operation{Input: a, Call: int64(c.start), Return: end})
	}
	add(act{sent: s.attempt}, s.attempt.call)
	for _, d := range s.deliveries {
		add(act{received: d}, d.call)
		for _, e := range w.byLock[d.token] {
			add(act{settled: e}, e.call)
		}
	}
	if w.drained > 0 {
		add(act{empty: w.drained}, call{start: w.drained, end: w.drained})
	}
	return list
}

func (w *world) model(s *story) porcupine.Model {
	m := porcupine.NondeterministicModel{
		Init: func() []any { return []any{condition{}} },
		Step: func(state, input, _ any) (next []any) {
			for _, c := range w.step(s, state.(condition), input.(act)) {
				next = append(next, c)
			}
			return next
		},
	}
	return m.ToModel()
}

// step returns what a message can be after an act; nothing: the act is not possible.
func (w *world) step(s *story, c condition, a act) []condition {
	switch {
	case a.sent != nil:
		if c.phase != unsent {
			return nil
		}
		var list []condition
		for _, l := range a.sent.to.origins() {
			list = append(list, condition{phase: present, life: l, since: a.sent.start})
		}
		return list
	case a.received != nil:
		return w.receive(s, c, a.received)
	case a.settled != nil && a.settled.what == renewal:
		return c.renew(a.settled)
	case a.settled != nil:
		return c.settle(a.settled)
	case c.phase == present && (!c.life.at.deletes || w.blindAt(c.life.at, c.since, a.empty) == 0):
		return nil
	}
	return []condition{c}
}

func (w *world) receive(s *story, c condition, d *delivery) (list []condition) {
	if c.phase != present || c.token != "" && c.least > d.end {
		return nil
	}
	if c.token != "" {
		c.life = c.life.lapsed()
	}
	lives := w.window(s, c.since, d.end).reachable([]life{c.life})
	for _, l := range matching(lives, d) {
		next := condition{present, l, d.token, d.until, d.untilBy, d.start}
		if d.mode == deleting {
			next = condition{phase: ended}
		}
		list = append(list, next)
	}
	return list
}

// holds reports whether the lock that s is about can be in force when it is made.
func (c condition) holds(s *settlement) bool {
	return c.phase == present && c.token == s.token && c.most >= s.start-clockSlack
}

// lacks reports whether it can be lost when s is answered.
func (c condition) lacks(s *settlement) bool {
	return c.phase != present || c.token != s.token || c.least <= s.end+clockSlack
}

func (c condition) settle(s *settlement) []condition {
	if s.outcome == refused {
		if c.lacks(s) {
			return []condition{c}
		}
		return nil
	}
	if !c.holds(s) {
		if s.outcome == unknown {
			return []condition{c}
		}
		return nil
	}
	next, goesOn := c.life.settled(s.what)
	if !goesOn {
		return []condition{{phase: ended}}
	}
	return []condition{{phase: present, life: next, since: s.start}}
}

func (c condition) renew(s *settlement) []condition {
	switch {
	case s.outcome == refused && !c.lacks(s), s.outcome == done && !c.holds(s):
		return nil
	case s.outcome == done:
		c.least, c.most = s.until, s.untilBy
	case s.outcome == unknown && c.holds(s):
		c.least, c.most = min(c.least, s.start+s.length), max(c.most, s.end+s.length)
	}
	return []condition{c}
}

// describe lists acts for a person.
func describe(acts []porcupine.Operation) string {
	acts = slices.Clone(acts)
	slices.SortStableFunc(acts, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
	var b strings.Builder
	for _, o := range acts {
		fmt.Fprintf(&b, "\n\t%s", o.Input.(act))
	}
	return b.String()
}

func (a act) String() string {
	switch {
	case a.sent != nil:
		return fmt.Sprintf("%v sent to %s", a.sent.call, a.sent.to)
	case a.received != nil:
		d := a.received
		return fmt.Sprintf("%v received from %s, delivery %d, number %d, reason %q, locked %v until %v by %s", d.call, d.from, d.count, d.number, d.reason, d.givenBy, d.until, d.token)
	case a.settled != nil:
		s := a.settled
		text := fmt.Sprintf("%v %s %s", s.call, s.what, s.token)
		if s.what == client.Abandon && s.delay > 0 {
			text += fmt.Sprintf(" for %v", s.delay)
		}
		return text
	}
	return fmt.Sprintf("%v the broker is empty", a.empty)
}

func (c call) String() string { return fmt.Sprintf("%v – %v %s:", c.start, c.end, c.outcome) }
