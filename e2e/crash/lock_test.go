package crash_test

import (
	"github.com/jitney-mq/jitney/client"
)

// A cause is why a message was delivered again.
type cause uint8

const (
	asked          cause = iota // its receiver gave it back, or had it moved
	lockRanOut                  // before it was settled
	unacknowledged              // its settlement had no answer
	none
	causes
)

// cause explains why d came after the delivery before it.
func (w *world) cause(before, d *delivery) cause {
	if before.mode == deleting {
		return none
	}
	if s := w.settled(before); s != nil {
		if s.what == client.Complete {
			return none
		}
		return asked
	}
	maybe := w.maybeSettled(before)
	if least, _ := w.lockEnd(before, nil); least <= d.givenBy {
		if len(maybe) > 0 {
			return unacknowledged
		}
		return lockRanOut
	}
	for _, s := range maybe {
		if s.what != client.Complete && s.start <= d.givenBy+clockSlack {
			return unacknowledged
		}
	}
	return none
}

// checkLocks finds messages that are delivered after their end [R3] [R6] or while
// they are locked [R9], and settlements that had the wrong answer [R4].
func (w *world) checkLocks(s *story, f *findings) {
	for i, d := range s.deliveries {
		var next *delivery
		if i+1 < len(s.deliveries) {
			next = s.deliveries[i+1]
			w.checkNext(s, d, next, f)
		}
		w.checkSettlements(s, d, next, f)
	}
}

func (w *world) checkNext(s *story, d, next *delivery, f *findings) {
	if w.cause(d, next) != none {
		return
	}
	end := w.settled(d)
	if d.mode == deleting || end != nil && end.what == client.Complete {
		f.add(afterEnd, s.id, "received at %v, completed or deleted, and received again at %v", d.end, next.end)
		return
	}
	least, _ := w.lockEnd(d, nil)
	f.add(twoLocks, s.id, "locked at %v until %v by %s, and at %v by %s", d.givenBy, least, d.token, next.givenBy, next.token)
}

// checkSettlements looks at all that was tried with the lock of d; next is the
// delivery after it, if there is one.
func (w *world) checkSettlements(s *story, d, next *delivery, f *findings) {
	ended := false // by an acknowledged settlement
	for _, e := range w.byLock[d.token] {
		switch e.outcome {
		case done:
			w.checkAccepted(s, d, next, e, ended, f)
			ended = ended || e.what != renewal
		case refused:
			w.checkRefused(s, d, e, f)
		}
	}
}

func (w *world) checkAccepted(s *story, d, next *delivery, e *settlement, ended bool, f *findings) {
	switch _, latest := w.lockEnd(d, e); {
	case ended:
		f.add(deadLock, s.id, "%s was accepted at %v for a lock that was settled before", e.what, e.end)
	case latest < e.start-clockSlack:
		f.add(deadLock, s.id, "%s was accepted at %v for a lock that ended at %v", e.what, e.end, latest)
	case next != nil && next.end < e.start:
		f.add(deadLock, s.id, "%s was accepted at %v, but the message was delivered again at %v", e.what, e.end, next.end)
	}
}

// checkRefused finds locks that are lost although nobody settled them and
// their time has not run out.
func (w *world) checkRefused(s *story, d *delivery, e *settlement, f *findings) {
	for _, before := range w.byLock[d.token] {
		if before != e && before.what != renewal && before.maySucceed() && before.start <= e.end {
			return
		}
	}
	if least, _ := w.lockEnd(d, e); least > e.end+clockSlack {
		f.add(lockLost, s.id, "%s was refused at %v for a lock of %s until %v", e.what, e.end, d.from, least)
	}
}
