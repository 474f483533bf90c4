package crash_test

import (
	"time"

	"github.com/jitney-mq/jitney/client"
)

// checkTimes finds deliveries before a message was to be seen, and after it
// was too old.
func (w *world) checkTimes(s *story, f *findings) {
	a := s.attempt
	for i, d := range s.deliveries {
		if a.visible > 0 && d.givenBy < a.visible {
			f.add(tooEarly, s.id, "scheduled for %v, received at %v", a.visible, d.givenBy)
		}
		if i > 0 {
			w.checkDelay(s, s.deliveries[i-1], d, f)
		}
		s.checkAge(d, f)
	}
}

// checkDelay finds a message that was to stay hidden for a time.
func (w *world) checkDelay(s *story, before, d *delivery, f *findings) {
	end := w.settled(before)
	if end == nil || end.delay == 0 || d.from != before.from || d.count == 1 && end.what == client.Abandon {
		return
	}
	if visible := end.start + end.delay - clockSlack; d.givenBy < visible {
		f.add(tooEarly, s.id, "%s at %v for %v, received again at %v", end.what, end.end, end.delay, d.givenBy)
	}
}

// checkAge compares a delivery with the message's time to live, by the
// broker's own clock.
func (s *story) checkAge(d *delivery, f *findings) {
	if d.reason == tooOld {
		if at, _ := s.expires(); d.end < at {
			f.add(tooEarly, s.id, "dead-lettered for its age at %v, which it reaches at %v", d.end, at)
		}
		return
	}
	life := d.from.life
	if own := s.attempt.life; own > 0 && (life == 0 || own < life) {
		life = own
	}
	if life == 0 || d.enqueued == 0 || d.given != d.givenBy || s.attempt.visible > 0 {
		return
	}
	if age := d.given - d.enqueued; age >= life+time.Microsecond {
		f.add(tooLate, s.id, "received from %s at %v, %v old, of a life of %v", d.from, d.given, age, life)
	}
}
