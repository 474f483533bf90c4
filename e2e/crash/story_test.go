package crash_test

import (
	"cmp"
	"slices"
	"time"

	"github.com/jitney-mq/jitney/client"
)

// A story is what happened to one message.
type story struct {
	id         string
	attempt    *attempt    // nil: nobody sent it
	deliveries []*delivery // in the order in which the broker gave them
}

// A world is a history by message, by lock and by place.
type world struct {
	*history
	stories  []*story
	byID     map[string]*story
	byLock   map[string][]*settlement // in the order of their ends
	blinds   map[*place][]*blind
	redrives map[*place][]*redrive
	closures map[*place][]*closure
}

func newWorld(h *history) *world {
	w := &world{
		history:  h,
		byID:     map[string]*story{},
		byLock:   map[string][]*settlement{},
		blinds:   map[*place][]*blind{},
		redrives: map[*place][]*redrive{},
		closures: map[*place][]*closure{},
	}
	for i := range h.attempts {
		w.story(h.attempts[i].id).attempt = &h.attempts[i]
	}
	for i := range h.deliveries {
		s := w.story(h.deliveries[i].id)
		s.deliveries = append(s.deliveries, &h.deliveries[i])
	}
	for i := range h.settlements {
		s := &h.settlements[i]
		w.byLock[s.token] = append(w.byLock[s.token], s)
	}
	for i := range h.blinds {
		w.blinds[h.blinds[i].at] = append(w.blinds[h.blinds[i].at], &h.blinds[i])
	}
	for i := range h.redrives {
		w.redrives[h.redrives[i].at] = append(w.redrives[h.redrives[i].at], &h.redrives[i])
	}
	for i := range h.closures {
		w.closures[h.closures[i].at] = append(w.closures[h.closures[i].at], &h.closures[i])
	}
	w.sort()
	return w
}

func (w *world) story(id string) *story {
	s := w.byID[id]
	if s == nil {
		s = &story{id: id}
		w.byID[id] = s
		w.stories = append(w.stories, s)
	}
	return s
}

func (w *world) sort() {
	for _, list := range w.byLock {
		slices.SortStableFunc(list, func(a, b *settlement) int { return cmp.Compare(a.end, b.end) })
	}
	for _, s := range w.stories {
		slices.SortStableFunc(s.deliveries, func(a, b *delivery) int { return cmp.Compare(a.givenBy, b.givenBy) })
		w.sortVague(s.deliveries)
	}
}

// sortVague puts deliveries in order of which the broker did not tell the
// exact instant: one cannot come before another if its lock was not over then.
func (w *world) sortVague(list []*delivery) {
	for i := len(list) - 2; i >= 0; i-- {
		a, b := list[i], list[i+1]
		if b.given < a.given && !w.isOver(a, b.givenBy) && w.isOver(b, a.givenBy+clockSlack) {
			list[i], list[i+1] = b, a
		}
	}
}

// isOver reports whether the lock of d can have ended at an instant.
func (w *world) isOver(d *delivery, at time.Duration) bool {
	if least, _ := w.lockEnd(d, nil); least <= at {
		return true
	}
	return slices.ContainsFunc(w.byLock[d.token], func(s *settlement) bool {
		return s.what != renewal && s.maySucceed() && s.start <= at
	})
}

// blindAt returns how many receives without an answer may have taken a message
// from a place in the meantime.
func (w *world) blindAt(p *place, from, to time.Duration) int {
	n := 0
	for _, b := range w.blinds[p] {
		if b.start <= to && b.end >= from {
			n++
		}
	}
	return n
}

func (w *world) redrivenAt(p *place, from, to time.Duration) bool {
	return p.redriven && slices.ContainsFunc(w.redrives[p], func(r *redrive) bool {
		return r.start <= to && r.end >= from
	})
}

func (w *world) closedAt(p *place, from, to time.Duration) bool {
	return slices.ContainsFunc(w.closures[p], func(c *closure) bool { return c.start <= to && c.end >= from })
}

// lockEnd is when the lock of d ends, by what was known when e was asked for,
// nil for the end of the history: not before the first and not after the
// second. A renewal can also make it end earlier.
func (w *world) lockEnd(d *delivery, e *settlement) (least, most time.Duration) {
	least, most = d.until, d.untilBy
	for _, s := range w.byLock[d.token] {
		switch {
		case s == e:
			return least, most
		case s.what == renewal && s.outcome == done:
			least, most = s.until, s.untilBy
		case s.what == renewal && s.outcome == unknown:
			least, most = min(least, s.start+s.length), max(most, s.end+s.length)
		}
	}
	return least, most
}

// settled returns the settlement that ended the lock of d, nil if none is known.
func (w *world) settled(d *delivery) *settlement {
	for _, s := range w.byLock[d.token] {
		if s.what != renewal && s.outcome == done {
			return s
		}
	}
	return nil
}

// maybeSettled returns those that may have ended the lock of d.
func (w *world) maybeSettled(d *delivery) (list []*settlement) {
	for _, s := range w.byLock[d.token] {
		if s.what != renewal && s.outcome == unknown {
			list = append(list, s)
		}
	}
	return list
}

// gone reports whether the message can have ended with the delivery d.
func (w *world) gone(d *delivery) bool {
	if d.mode == deleting {
		return true
	}
	if s := w.settled(d); s != nil {
		return s.what == client.Complete
	}
	return slices.ContainsFunc(w.maybeSettled(d), func(s *settlement) bool { return s.what == client.Complete })
}

// expires is the earliest instant at which the message is too old to be
// received, by the clock of the test; false: it never is.
func (s *story) expires() (time.Duration, bool) {
	life := s.attempt.to.route().life
	if own := s.attempt.life; own > 0 && (life == 0 || own < life) {
		life = own
	}
	return max(s.attempt.start, s.attempt.visible) + life - clockSlack, life > 0
}
