package crash_test

import (
	"slices"
	"time"

	"github.com/jitney-mq/jitney/client"
)

// What the broker says of why it dead-lettered a message, and what the
// receivers of this test say.
const (
	tooOften  = "MaxDeliveryCountExceeded"
	tooOld    = "TTLExpiredException"
	inVain    = "PushDeliveryFailed"
	byRequest = "Refused"
)

// A life is where a message is and what the broker counts about it, apart from
// its lock. It is the whole of what is to survive a crash.
type life struct {
	at       *place
	count    int  // of deliveries
	unsent   int  // tries to push it of which nothing was sent
	deferred bool // only its sequence number finds it
	reason   string
}

// fits reports whether d can be the next delivery.
func (l life) fits(d *delivery) bool {
	return l.at == d.from && l.count+1 == d.count && l.reason == d.reason && (d.mode == byNumber || !l.deferred)
}

// locked is the life once it has been delivered.
func (l life) locked() life {
	l.count++
	return l
}

// lapsed is what follows when a lock ends by itself or is abandoned.
func (l life) lapsed() life {
	if l.spent() {
		return l.buried(tooOften)
	}
	return l
}

// spent reports whether it has been delivered, or tried, as often as allowed.
func (l life) spent() bool { return l.at.max > 0 && l.count+l.unsent >= l.at.max }

// failed is what follows when a push has failed.
func (l life) failed() life {
	if l.spent() {
		return l.buried(inVain)
	}
	return l
}

// buried is what follows when the message is dead-lettered.
func (l life) buried(reason string) life {
	l.deferred, l.unsent, l.reason = false, 0, reason
	if l.at.dead == nil {
		return l
	}
	l.at = l.at.dead
	if !l.at.ofDead {
		l.count = 0
	}
	return l
}

// redriven is what follows when it is sent back.
func (l life) redriven() life { return life{at: l.at.queue()} }

// settled is what follows when its lock is settled; false: it has ended.
func (l life) settled(what client.Disposition) (life, bool) {
	switch what {
	case client.Complete:
		return life{}, false
	case client.Abandon:
		return l.lapsed(), true
	case failure:
		return l.failed(), true
	case client.Release:
		l.count--
	case client.Defer:
		l.deferred = true
	case client.DeadLetter:
		return l.buried(byRequest), true
	case client.Reschedule:
		l.count, l.deferred = 0, false
	}
	return l, true
}

// A window is the time between two things that are known of a message.
type window struct {
	world    *world
	from, to time.Duration
	expires  bool // the message may have become too old
}

func (w *world) window(s *story, from, to time.Duration) window {
	at, can := s.expires()
	return window{w, from, to, can && to >= at}
}

// maxSteps bounds what is thought to have happened unseen to one message.
const maxSteps = 64

// reachable returns lives with all that they can have become unseen: receives
// whose answers got lost and whose locks ran out, redrives, old age.
func (w window) reachable(lives []life) []life {
	type unseen struct {
		life
		receives int // of the place where it is
	}
	var all []unseen
	add := func(u unseen) {
		if !slices.Contains(all, u) {
			all = append(all, u)
		}
	}
	for _, l := range lives {
		add(unseen{life: l})
	}
	for i := 0; i < len(all) && i < maxSteps; i++ {
		u := all[i]
		if u.receives < w.world.blindAt(u.at, w.from, w.to) {
			for _, next := range u.unseen() {
				used := u.receives + 1
				if next.at != u.at {
					used = 0
				}
				add(unseen{next, used})
			}
		}
		if w.world.closedAt(u.at, w.from, w.to) {
			next := u.life
			next.unsent++
			add(unseen{next.failed(), u.receives})
		}
		if w.world.redrivenAt(u.at, w.from, w.to) {
			add(unseen{life: u.redriven()})
		}
		if w.expires && u.at.life > 0 && u.reason == "" {
			add(unseen{life: u.buried(tooOld)})
		}
	}
	lives = nil
	for _, u := range all {
		if !slices.Contains(lives, u.life) {
			lives = append(lives, u.life)
		}
	}
	return lives
}

// unseen are what can follow a delivery that nobody has seen.
func (l life) unseen() []life {
	if l.at.pushes {
		return []life{l.locked().lapsed(), l.locked().failed()}
	}
	return []life{l.locked().lapsed()}
}

// matching returns the lives that d can be a delivery of, as it leaves them.
func matching(lives []life, d *delivery) (list []life) {
	for _, l := range lives {
		if next := l.locked(); l.fits(d) {
			if d.mode != byNumber {
				next.deferred = false
			}
			if !slices.Contains(list, next) {
				list = append(list, next)
			}
		}
	}
	return list
}
