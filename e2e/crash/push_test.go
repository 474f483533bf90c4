package crash_test

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/jitney-mq/jitney/client"
)

// How the router pushes to one.
const (
	pushRetries = 2
	pushTimeout = 2 * time.Second
	pushMargin  = 30 * time.Second // by how much a lock is longer
)

// A push is what an endpoint has seen of one.
type push struct {
	call       // from its arrival to its answer, or to when the broker went away
	id         string
	sink       string
	slots      int // pushes that the sink may be given at one time
	generation int // which broker it came from: the kills before that one
	hook       string
	count      int // of deliveries, and the sequence number, as told
	number     int64
	status     int    // the answer; 0: none
	damage     string // in what it is not the message that was sent
}

func (p *push) delivered() bool { return p.status >= 200 && p.status <= 299 }

// A resolved push is one of which it is known when its broker lived, and
// whether that has noted that it was answered.
type resolved struct {
	*push
	token       string
	began       time.Duration // its broker
	died, ended time.Duration // was killed, and was gone; both never if it was not
	known       time.Duration // when what the answer says was on disk; 0: nobody knows
}

// far is when nothing ends any more by itself.
const far = 1000 * time.Hour

// pushesOf resolves the pushes of a history.
func pushesOf(h *history) []*resolved {
	list := make([]*resolved, len(h.pushes))
	for i := range h.pushes {
		p := &resolved{push: &h.pushes[i], token: fmt.Sprintf("push %d", i), died: far, ended: far}
		if g := p.generation; g > 0 {
			p.began = h.kills[g-1].end + 1
		}
		if g := p.generation; g < len(h.kills) {
			p.died, p.ended = h.kills[g].start, h.kills[g].end
		} else if h.drained > 0 {
			p.known = h.drained // it was not killed, and had nothing left to do
		}
		list[i] = p
	}
	prove(list)
	return list
}

// prove finds the pushes whose end was on disk before their broker was killed.
// It pushes no more at one time than the endpoint has slots, and a slot gets
// free when the end of the push is on disk: so when all are seen to be taken,
// all pushes are known that were answered before.
func prove(list []*resolved) {
	type line struct {
		sink       string
		generation int
	}
	lines := map[line][]*resolved{}
	for _, p := range list {
		l := line{p.sink, p.generation}
		lines[l] = append(lines[l], p)
	}
	for _, line := range lines {
		slices.SortFunc(line, func(a, b *resolved) int { return cmp.Compare(a.start, b.start) })
		var waiting []*resolved // answered, and perhaps not yet known
		var taken []*resolved
		for _, p := range line {
			taken = slices.DeleteFunc(taken, func(o *resolved) bool {
				if o.end < p.start {
					waiting = append(waiting, o)
				}
				return o.busyUntil() < p.start
			})
			if taken = append(taken, p); len(taken) < p.slots {
				continue
			}
			for _, o := range waiting {
				if o.known == 0 || p.start < o.known {
					o.known = p.start
				}
			}
			waiting = waiting[:0]
		}
	}
}

// busyUntil is until when a push is certain to have a slot: it has none if the
// broker has given it up.
func (p *resolved) busyUntil() time.Duration {
	return min(p.end, p.start+pushTimeout/2)
}

// delivery is the push as a receive: the broker has locked the message at some
// time before it was seen, until the broker ends [R9].
func (p *resolved) delivery() *delivery {
	seen := min(p.start, p.ended)
	d := &delivery{
		call: call{p.began, seen, done},
		id:   copyID(p.id, oneRouter), from: oneBuffer, mode: pushed,
		count: p.count, number: p.number, token: p.token,
		given: p.began, givenBy: seen, until: p.died, untilBy: p.ended,
		damage: p.damage,
	}
	if p.died == far {
		d.until, d.untilBy = seen+oneBuffer.lock-pushTimeout, seen+oneBuffer.lock
	}
	return d
}

// settlements are what the answer to the push says [S7].
func (p *resolved) settlements() []settlement {
	as := func(what client.Disposition, start time.Duration) settlement {
		s := settlement{call: call{start, p.ended, unknown}, token: p.token, what: what}
		if p.known > 0 {
			s.end = p.known
		}
		return s
	}
	switch {
	case p.status == 0:
		return []settlement{as(failure, max(p.start, p.end-clockSlack))}
	case !p.delivered():
		return []settlement{as(failure, p.end)}
	case p.end-p.start > pushTimeout/2: // perhaps nobody waited for it any more
		return []settlement{as(client.Complete, p.end), as(failure, p.start+pushTimeout/2)}
	}
	s := as(client.Complete, p.end)
	if p.known > 0 {
		s.outcome = done
	}
	return []settlement{s}
}

// checkHooks finds messages that are not pushed under one id of their own [S7].
func checkHooks(pushes []push, f *findings) {
	hooks, owners := map[string]string{}, map[string]string{}
	for i := range pushes {
		p := &pushes[i]
		if hook, known := hooks[p.id]; known && hook != p.hook {
			f.add(misnumbered, copyID(p.id, oneRouter), "it was pushed as %s before, and at %v as %s", hook, p.end, p.hook)
		}
		if owner, known := owners[p.hook]; known && owner != p.id {
			f.add(misnumbered, copyID(p.id, oneRouter), "it was pushed as %s at %v, as %s was", p.hook, p.end, owner)
		}
		hooks[p.id], owners[p.hook] = p.hook, p.id
	}
}
