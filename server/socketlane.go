package server

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/jitney-mq/jitney/queue"
)

// A lane is the frames of a socket that are to be carried out one after the
// other. Sends and settlements have one each, so that what is received can be
// settled while a full queue holds what is sent.
type lane struct {
	waiting []*frame // guarded by socket.mu
	running bool     // guarded by socket.mu
}

// run puts a frame behind the others of its lane.
func (s *socket) run(l *lane, f *frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.waiting = append(l.waiting, f)
	if l.running {
		return
	}
	l.running = true
	s.work.Go(func() {
		for list := s.next(l); len(list) > 0; list = s.next(l) {
			if l == &s.sends {
				s.sendAll(list)
			} else {
				s.settleAll(list)
			}
		}
	})
}

// next takes what has gathered.
func (s *socket) next(l *lane) []*frame {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := l.waiting
	l.waiting = nil
	l.running = len(list) > 0
	return list
}

// sendAll sends the messages of frames in as few commits as the destination's
// limits allow, each frame in one.
func (s *socket) sendAll(list []*frame) {
	for len(list) > 0 {
		count, messages := s.group(list)
		if !s.sendGroup(list[:count], messages) {
			for _, f := range list[:count] {
				s.sendGroup([]*frame{f}, f.messages)
			}
		}
		list = list[count:]
	}
}

// group returns how many frames are best sent together, and their messages.
func (s *socket) group(list []*frame) (count int, messages []queue.Outgoing) {
	messages = list[0].messages
	bytes := list[0].bytes
	limit := s.to.together(maxGroupLines)
	for count = 1; count < len(list); count++ {
		f := list[count]
		if bytes += f.bytes; bytes > maxGroupBytes || len(messages)+len(f.messages) > limit {
			break
		}
		messages = append(messages[:len(messages):len(messages)], f.messages...)
	}
	return count, messages
}

// sendGroup sends frames together and answers them; false: several cannot be
// sent together, and have not been. A full queue holds the first one that finds
// no room for as long as its policy says, and refuses those that have waited
// meanwhile with it.
func (s *socket) sendGroup(list []*frame, messages []queue.Outgoing) bool {
	if f := list[0]; len(list) == 1 && !f.at.After(s.fullSince) {
		s.sent(list, sent{}, queue.ErrFull)
		return true
	}
	began := time.Now()
	result, err := s.to.send(s.live, messages...)
	if err != nil && len(list) > 1 {
		return false
	}
	if errors.Is(err, queue.ErrFull) {
		s.fullSince = began
	}
	s.sent(list, result, err)
	return true
}

// sent answers frames that were sent together.
func (s *socket) sent(list []*frame, result sent, err error) {
	for _, f := range list {
		s.server.bodies.Release(f.weight)
		if err != nil {
			s.refuse(f, err)
			continue
		}
		b := append(make([]byte, 0, 32+32*len(f.messages)), `{"sent":[`...)
		for i := range f.messages {
			if i > 0 {
				b = append(b, ',')
			}
			b = result.appendFirst(b)
			result = result.rest()
		}
		s.answer(f, append(b, ']'))
	}
}

// appendFirst appends what became of the first message.
func (r *sent) appendFirst(b []byte) []byte {
	switch {
	case r.outcome == queue.Discarded:
		return append(b, `{"outcome":"discarded"}`...)
	case len(r.numbers) > 0:
		b = strconv.AppendUint(append(b, `{"sequenceNumber":`...), r.numbers[0], 10)
	case len(r.each) > 0 && r.each[0] > 0:
		b = strconv.AppendInt(append(b, `{"deliveries":`...), int64(r.each[0]), 10)
	default:
		return append(b, `{"outcome":"unrouted"}`...)
	}
	return append(b, '}')
}

// rest is r without its first message.
func (r sent) rest() sent {
	if len(r.numbers) > 0 {
		r.numbers = r.numbers[1:]
	}
	if len(r.each) > 0 {
		r.each = r.each[1:]
	}
	return r
}

// settleAll carries out settlements, those of frames that follow one another in
// one commit, and renewals.
func (s *socket) settleAll(list []*frame) {
	for len(list) > 0 {
		if len(list[0].renewals) > 0 {
			s.renew(list[0])
			list = list[1:]
			continue
		}
		var all []queue.Settlement
		count := 0
		for ; count < len(list) && len(list[count].renewals) == 0; count++ {
			if count > 0 && len(all)+len(list[count].settlements) > maxSettled {
				break
			}
			all = append(all, list[count].settlements...)
		}
		s.settle(list[:count], all)
		list = list[count:]
	}
}

// settle settles in one commit and answers. What the client has said it has
// said, also if it has gone.
func (s *socket) settle(list []*frame, all []queue.Settlement) {
	results, err := s.queue.Settle(context.Background(), all...)
	for _, f := range list {
		if err != nil {
			s.refuse(f, err)
			continue
		}
		answers := make([]lockAnswer, len(f.settlements))
		for i, one := range f.settlements {
			answers[i] = s.lockAnswer(f.locks[i], results[i])
			s.settled(one.Lock)
		}
		results = results[len(f.settlements):]
		s.answer(f, appendMember(nil, "settled", answers))
	}
	s.pull()
}

// renew makes locks last. Each is an op of its own; they share commits.
func (s *socket) renew(f *frame) {
	answers := make([]lockAnswer, len(f.renewals))
	var renewing sync.WaitGroup
	for i, r := range f.renewals {
		renewing.Go(func() {
			until, err := s.queue.Renew(context.Background(), r.token, r.lockFor)
			answers[i] = s.lockAnswer(f.locks[i], err)
			if err == nil {
				answers[i].LockedUntil = until.UTC().Format(time.RFC3339Nano)
				s.renewed(r.token, until)
			}
		})
	}
	renewing.Wait()
	s.answer(f, appendMember(nil, "renewed", answers))
}

// A lockAnswer is what became of a lock.
type lockAnswer struct {
	Lock        string `json:"lock"`
	Status      int    `json:"status"`
	Reason      string `json:"reason,omitempty"` // why a lock is lost [R4]
	LockedUntil string `json:"lockedUntilUtc,omitempty"`
}

func (s *socket) lockAnswer(lock string, err error) lockAnswer {
	if err == nil {
		return lockAnswer{Lock: lock, Status: 200}
	}
	a := lockAnswer{Lock: lock, Status: s.kindOf(err).status}
	if lost, ok := errors.AsType[*queue.LockError](err); ok {
		a.Reason = string(lost.Reason)
	}
	return a
}

// kindOf is kindOf, and notes what is internal.
func (s *socket) kindOf(err error) kind {
	k := kindOf(err)
	if k.status == 500 {
		s.server.log.Error("a frame failed", "request", s.id, "error", err)
	}
	return k
}

// refuse answers a frame with a problem.
func (s *socket) refuse(f *frame, err error) {
	s.answer(f, appendMember(nil, "error", documentOf(s.id, s.kindOf(err), err)))
}

// appendMember begins an object with a member; answer ends it.
func appendMember(b []byte, name string, value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		text = []byte("null") // strings and numbers only: it cannot happen
	}
	return append(append(append(append(b, `{"`...), name...), `":`...), text...)
}

// answer hands an object without its end to the writer.
func (s *socket) answer(f *frame, b []byte) {
	if len(f.ref) > 0 {
		b = append(append(b, `,"ref":`...), f.ref...)
	}
	s.mu.Lock()
	s.replies = append(s.replies, append(b, '}'))
	s.mu.Unlock()
	s.signal()
}

// answered gives back the place of a frame that needs no more.
func (s *socket) answered() { <-s.frames }

func (s *socket) signal() {
	select {
	case s.news <- struct{}{}:
	default:
	}
}
