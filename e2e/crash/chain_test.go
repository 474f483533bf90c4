package crash_test

import (
	"time"

	"github.com/jitney-mq/jitney/client"
)

// clockSlack is by how much an instant that the broker told may differ from
// one that the test saw. A commit's instant is that of its beginning, and on a
// busy machine it takes in calls that were made a good while later.
const clockSlack = 300 * time.Millisecond

// check returns where the history breaks a promise. It looks at each call a
// constant number of times, but for sorting, and trusts what the broker told
// of the instants of locks.
func (w *world) check() []finding {
	f := &findings{}
	for _, s := range w.surprises {
		f.add(surprising, "-", "%s", s)
	}
	for _, s := range w.stories {
		if s.attempt == nil || !s.attempt.maySucceed() {
			w.checkUnsent(s, f)
			continue
		}
		w.checkContent(s, f)
		w.checkChain(s, f)
		w.checkLocks(s, f)
		w.checkTimes(s, f)
		w.checkEnd(s, f)
	}
	w.checkDeleted(f)
	w.checkUnits(f)
	w.checkNumbers(f)
	w.checkOrder(f)
	w.checkReturns(f)
	w.illustrate(f.list)
	return f.list
}

// illustrate adds to findings, as far as they are shown, all that was done to
// the message.
func (w *world) illustrate(list []finding) {
	for i := range list[:min(len(list), maxShown)] {
		if s := w.byID[list[i].id]; s != nil && s.attempt != nil {
			list[i].text += describe(w.acts(s))
		}
	}
}

// checkUnsent finds messages from nowhere, and such as were refused [Q5].
func (w *world) checkUnsent(s *story, f *findings) {
	for _, d := range s.deliveries {
		why := "it was never sent"
		if s.attempt != nil {
			why = "its send was refused"
		}
		f.add(unexpected, s.id, "received from %s at %v: %s", d.from, d.end, why)
	}
}

// checkContent finds messages that are not as they were sent [R1].
func (w *world) checkContent(s *story, f *findings) {
	for _, d := range s.deliveries {
		if d.damage != "" {
			f.add(damaged, s.id, "received from %s at %v: %s", d.from, d.end, d.damage)
		}
	}
}

// checkChain follows a message from delivery to delivery, and finds those that
// it cannot have come to, or not with that count [R8] [R9].
func (w *world) checkChain(s *story, f *findings) {
	lives := s.attempt.to.origins()
	from := s.attempt.start
	for i, d := range s.deliveries {
		if i > 0 {
			lives = w.after(s.deliveries[i-1], lives)
		}
		lives = w.window(s, from, d.end).reachable(lives)
		next := matching(lives, d)
		if len(next) == 0 {
			f.add(mismatch(lives, d), s.id, "delivery %d from %s at %v, reason %q, is none of %+v", d.count, d.from, d.end, d.reason, lives)
			next = []life{{at: d.from, count: d.count, reason: d.reason}}
		}
		lives, from = next, d.start
	}
}

// mismatch says what is wrong with a delivery that fits none of the lives.
func mismatch(lives []life, d *delivery) rule {
	for _, l := range lives {
		if l.at == d.from && l.reason == d.reason && l.count+1 != d.count {
			return miscounted
		}
	}
	return misplaced
}

// after returns what a message can be when its lock has ended.
func (w *world) after(d *delivery, lives []life) (ended []life) {
	var ends []client.Disposition
	if s := w.settled(d); s != nil {
		ends = append(ends, s.what)
	} else {
		ends = append(ends, client.Abandon) // it ends by itself likewise
		for _, s := range w.maybeSettled(d) {
			ends = append(ends, s.what)
		}
	}
	for _, l := range lives {
		for _, what := range ends {
			if next, goesOn := l.settled(what); goesOn {
				ended = append(ended, next)
			}
		}
	}
	return ended
}

// checkEnd finds messages that are nowhere and should be somewhere [Q1].
func (w *world) checkEnd(s *story, f *findings) {
	if w.drained == 0 {
		return
	}
	if n := len(s.deliveries); n > 0 {
		if last := s.deliveries[n-1]; !w.gone(last) {
			f.add(lost, s.id, "received from %s at %v, not completed, and never seen again", last.from, last.end)
		}
		return
	}
	if s.attempt.outcome == done && !s.attempt.to.route().deletes {
		f.add(lost, s.id, "sent to %s at %v, acknowledged, and never seen", s.attempt.to, s.attempt.end)
	}
}

// checkDeleted finds messages that are gone although there were not enough
// receives that can have deleted them unseen.
func (w *world) checkDeleted(f *findings) {
	missing := map[*place][]string{}
	for _, s := range w.stories {
		if a := s.attempt; w.drained > 0 && a != nil && a.outcome == done && len(s.deliveries) == 0 && a.to.route().deletes {
			missing[a.to] = append(missing[a.to], s.id)
		}
	}
	for p, ids := range missing {
		taken := 0
		for _, b := range w.blinds[p] {
			taken += b.most
		}
		if len(ids) > taken {
			f.add(lost, ids[0], "%d messages of %s were acknowledged and never seen, and receives without an answer took %d at most", len(ids), p, taken)
		}
	}
}
