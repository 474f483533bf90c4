package server

import (
	"time"

	"github.com/jitney-mq/jitney/queue"
)

// A window is how many messages a client may still be given, and which of those
// that it has been given are locked: they are abandoned when the socket ends.
type window struct {
	credit    int // granted, and not asked for yet
	asked     int // of the queue or the listener, and not come yet
	unsettled map[string]time.Time
}

// grant adds to the credit; false: it would be too much.
func (s *socket) grant(n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := &s.window
	if w.credit+w.asked+len(s.deliveries)+n > maxCredit {
		return false
	}
	w.credit += n
	return true
}

// ask takes up to limit of the credit, as far as locks may be held beside those
// of waiting messages.
func (w *window) ask(limit, waiting int, now time.Time) int {
	if len(w.unsettled)+waiting+w.asked >= maxUnsettled {
		for token, until := range w.unsettled {
			if !until.After(now) {
				delete(w.unsettled, token)
			}
		}
	}
	n := max(0, min(limit, w.credit, maxUnsettled-w.asked-waiting-len(w.unsettled)))
	w.credit, w.asked = w.credit-n, w.asked+n
	return n
}

// hold notes a message that is on its way to the client.
func (s *socket) hold(d *queue.Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener != nil {
		s.window.asked--
	}
	if s.window.unsettled == nil {
		s.window.unsettled = make(map[string]time.Time)
	}
	s.window.unsettled[d.LockToken] = d.LockedUntil
}

// settled notes that a lock is of no interest any more.
func (s *socket) settled(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.window.unsettled, canonical(token))
}

// renewed notes that a lock lasts longer.
func (s *socket) renewed(token string, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if token = canonical(token); s.window.unsettled[token] != (time.Time{}) {
		s.window.unsettled[token] = until
	}
}

// pull has messages come, as far as there is credit and room for them.
func (s *socket) pull() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taking.Err() != nil {
		return
	}
	if s.listener != nil {
		if n := s.window.ask(maxCredit, 0, time.Now()); n > 0 {
			s.listener.Credit(n)
		}
		return
	}
	if s.receiving || len(s.deliveries) > fewDeliveries {
		return
	}
	if n := s.window.ask(manyDeliveries, len(s.deliveries), time.Now()); n > 0 {
		s.receiving = true
		s.work.Go(func() { s.receive(n) })
	}
}

// receive receives up to n messages. Their locks end with the process, as the
// socket does.
func (s *socket) receive(n int) {
	list, err := s.queue.Receive(s.taking, queue.ReceiveOptions{Sub: s.sub, Count: n, Wait: queue.MaxWait, Volatile: true})
	s.mu.Lock()
	s.receiving = false
	s.window.asked -= n
	s.window.credit += n - len(list)
	s.deliveries = append(s.deliveries, list...)
	s.mu.Unlock()
	if err != nil {
		s.fail(err)
		return
	}
	s.signal()
	s.pull()
}

// tokenIn returns the token of a lock that is a token or a URI.
func tokenIn(lock string) string {
	o := settlement{Lock: lock, Disposition: "complete"}
	s, _ := o.read("") // that disposition has no errors
	return s.Lock
}
