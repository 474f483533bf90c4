package crash_test

import "slices"

// copiesOf makes of a history of messages that were sent to routers one of the
// copies of them: each is a message that goes its own way.
func copiesOf(h *history) *history {
	copies := &history{
		settlements: slices.Clone(h.settlements), blinds: slices.Clone(h.blinds), redrives: h.redrives, closures: h.closures,
		surprises: h.surprises, calls: h.calls, drained: h.drained, kills: h.kills,
	}
	for i := range h.attempts {
		copies.attempts = append(copies.attempts, h.attempts[i].copies()...)
	}
	for _, d := range h.deliveries {
		d.id = copyID(d.id, branch(d.from))
		if d.mode == heard && d.generation < len(h.kills) {
			d.die(h.kills[d.generation])
		}
		copies.deliveries = append(copies.deliveries, d)
	}
	for _, p := range pushesOf(h) {
		copies.deliveries = append(copies.deliveries, *p.delivery())
		copies.settlements = append(copies.settlements, p.settlements()...)
	}
	for _, k := range h.kills { // what was on its way to an endpoint nobody knows
		copies.blinds = append(copies.blinds, blind{k, oneBuffer, 1})
	}
	for _, c := range h.closures { // nor what was still in a socket
		copies.blinds = append(copies.blinds, blind{c.call, c.at, 1})
	}
	return copies
}

// die has the lock of d end with its broker [R9].
func (d *delivery) die(kill call) {
	d.until, d.untilBy = min(d.until, kill.start), min(d.untilBy, kill.end)
	d.end = min(d.end, kill.end)
}

func copyID(id string, to *place) string { return id + " in " + to.name }

// copies are what a message becomes [S2] [S6].
func (a *attempt) copies() (list []attempt) {
	for _, to := range branches(a.to) {
		if to == half && !a.marked {
			continue
		}
		one := *a
		one.id, one.job, one.to, one.number = copyID(a.id, to), copyID(a.job, to), to, 0
		list = append(list, one)
	}
	return list
}

// subscriptions is how many of the router itself get a message [Q1].
func (a *attempt) subscriptions() int {
	n := len(a.copies())
	if a.to == allRouter {
		n -= len((&attempt{to: innerRouter, marked: a.marked}).copies()) - 1
	}
	return n
}

// checkSpread finds messages of which some copies are there and some are not:
// all of them come in one commit [S2] [Q4].
func (w *world) checkSpread(h *history, f *findings) {
	if w.drained == 0 {
		return
	}
	for i := range h.attempts {
		a := &h.attempts[i]
		var there, missing *story
		for _, one := range a.copies() {
			if s := w.byID[one.id]; isMissing(s) {
				missing = s
			} else {
				there = s
			}
		}
		if there != nil && missing != nil {
			f.add(torn, there.id, "it is there, but %s is not", missing.id)
		}
	}
}
