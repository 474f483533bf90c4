package crash_test

import (
	"cmp"
	"slices"
	"time"

	"github.com/jitney-mq/jitney/client"
)

// first returns the first delivery of a message from a place, if nothing can
// have happened to the message there before it.
func (s *story) first(p *place) *delivery {
	for _, d := range s.deliveries {
		if d.from == p {
			if d.count == 1 && d.mode != byNumber {
				return d
			}
			return nil
		}
	}
	return nil
}

// checkOrder finds first deliveries that are not in the order in which one
// sender sent the messages, or in that of their sequence numbers [R7].
func (w *world) checkOrder(f *findings) {
	type line struct {
		sender string
		to     *place
	}
	sent := map[line][]*story{}
	at := map[*place][]*story{}
	for _, s := range w.stories {
		if s.attempt == nil || s.attempt.visible > 0 {
			continue
		}
		l := line{s.attempt.sender, s.attempt.to}
		sent[l] = append(sent[l], s)
		for _, p := range s.visited() {
			at[p] = append(at[p], s)
		}
	}
	for l, list := range sent {
		slices.SortFunc(list, func(a, b *story) int { return cmp.Compare(a.attempt.turn, b.attempt.turn) })
		inOrder(list, l.to.route(), "of sender "+l.sender, f)
	}
	for p, list := range at {
		slices.SortFunc(list, func(a, b *story) int { return cmp.Compare(a.first(p).number, b.first(p).number) })
		inOrder(list, p, "by sequence number", f)
	}
}

// visited returns the places that a message came to in the order of sequence
// numbers: it is not put back there, nor moved.
func (s *story) visited() (list []*place) {
	for _, d := range s.deliveries {
		if p := d.from; !p.ofDead && !p.reorders && !p.deletes && !slices.Contains(list, p) && s.first(p) != nil {
			list = append(list, p)
		}
	}
	return list
}

// inOrder finds stories whose first delivery from p came before that of one
// that stands before them.
func inOrder(list []*story, p *place, what string, f *findings) {
	var latest time.Duration
	var of *story
	for _, s := range list {
		d := s.first(p)
		if d == nil {
			continue
		}
		if d.givenBy < latest {
			f.add(disordered, s.id, "first received from %s at %v, %s before it at %v, %s", p, d.givenBy, of.id, latest, what)
		}
		if d.given > latest {
			latest, of = d.given, s
		}
	}
}

// checkReturns finds messages that were given back and were not the next to be
// delivered: another one that stands behind was, to a receiver who asked after
// that [R7].
func (w *world) checkReturns(f *findings) {
	given := map[*place][]*delivery{}
	for i := range w.deliveries {
		if d := &w.deliveries[i]; d.mode == fromHead && d.given == d.givenBy {
			given[d.from] = append(given[d.from], d)
		}
	}
	for _, list := range given {
		slices.SortFunc(list, func(a, b *delivery) int { return cmp.Compare(a.given, b.given) })
	}
	for _, s := range w.stories {
		for i, d := range s.deliveries {
			if i+1 < len(s.deliveries) {
				w.checkReturn(s, d, s.deliveries[i+1], given[d.from], f)
			}
		}
	}
}

func (w *world) checkReturn(s *story, d, again *delivery, given []*delivery, f *findings) {
	back := w.settled(d)
	if back == nil || back.delay > 0 || back.what != client.Abandon && back.what != client.Release ||
		again.from != d.from || again.mode != fromHead || d.mode != fromHead || d.from.ofDead || d.from.reorders ||
		w.redriven(s) || w.blindAt(d.from, back.start, again.end) > 0 {
		return
	}
	from, _ := slices.BinarySearchFunc(given, d.given, func(g *delivery, at time.Duration) int { return cmp.Compare(g.given, at) })
	for _, other := range given[from:] {
		if other.given >= again.given {
			return
		}
		if other.start > back.end && other.number > d.number && !w.redriven(w.byID[other.id]) {
			f.add(disordered, s.id, "given back at %v and received again at %v, but %s, which stands behind it, at %v to a later receiver",
				back.end, again.given, other.id, other.given)
			return
		}
	}
}

// redriven reports whether a message can have been sent back from where its
// dead letters are: then it stands elsewhere in the line.
func (w *world) redriven(s *story) bool {
	highest := 0
	for _, d := range s.deliveries {
		if d.from.redriven {
			return true
		}
		if d.from.dead != nil && d.from.dead.redriven && (d.count < highest || w.mayDie(d)) {
			return true
		}
		highest = max(highest, d.count)
	}
	return false
}

// mayDie reports whether the message can be dead-lettered at the end of d.
func (w *world) mayDie(d *delivery) bool {
	return d.count >= d.from.max || slices.ContainsFunc(w.byLock[d.token], func(s *settlement) bool {
		return s.what == client.DeadLetter && s.outcome != refused
	})
}

// checkNumbers finds sequence numbers that change or are used twice [R7].
func (w *world) checkNumbers(f *findings) {
	type number struct {
		p *place
		n int64
	}
	owner := map[number]string{}
	for _, s := range w.stories {
		if s.attempt == nil {
			continue
		}
		known := map[*place]int64{}
		if a := s.attempt; a.number > 0 && a.to.route() == a.to {
			known[a.to] = a.number
		}
		for _, d := range s.deliveries {
			p := d.from.queue()
			if n, ok := known[p]; ok && n != d.number {
				f.add(misnumbered, s.id, "it had the number %d in %s, and at %v it has %d", n, p, d.end, d.number)
			}
			known[p] = d.number
		}
		for p, n := range known {
			if other, taken := owner[number{p, n}]; taken {
				f.add(misnumbered, s.id, "it has the number %d in %s, as %s has", n, p, other)
			}
			owner[number{p, n}] = s.id
		}
	}
}

// queue is the queue that a place is part of.
func (p *place) queue() *place {
	for _, q := range append(queues(), oneBuffer) {
		if p.ofDead && q.dead == p {
			return q
		}
	}
	return p
}
