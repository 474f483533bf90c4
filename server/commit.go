package server

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"sync"

	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/problem"
	"github.com/jitney-mq/jitney/queue"
)

// commit sends what is gathered until there will be no more. Its error is
// about the line behind the last one that counts.
func (s *stream) commit() error {
	defer func() { s.x.server.bodies.Release(s.lines.stop()) }()
	var group []queue.Outgoing
	for {
		var bytes int64
		if group, bytes = s.lines.take(group); len(group) == 0 {
			return nil
		}
		err := s.sendGroup(group)
		s.x.server.bodies.Release(bytes)
		if err != nil {
			return err
		}
	}
}

// sendGroup sends messages in as few commits as the queue's limits allow: what
// a full queue does is done to one message after the other, not to all of a
// group because there is no room for all of it.
func (s *stream) sendGroup(group []queue.Outgoing) error {
	for len(group) > 0 {
		count := groupLimit(s.x.queue.Policy(), len(group))
		err := s.sendSome(group[:count])
		if count > 1 && (errors.Is(err, queue.ErrFull) || errors.Is(err, queue.ErrTooLarge)) {
			count = 1
			err = s.sendSome(group[:count])
		}
		if err != nil {
			return err
		}
		group = group[count:]
	}
	return nil
}

// groupLimit is how many of count messages go into one commit.
func groupLimit(p *policy.Queue, count int) int {
	switch {
	case p.MaxLength == 0 && p.MaxMegabytes == 0:
		return count
	case p.Overflow == policy.DiscardIncoming:
		return 1
	case p.MaxLength > 0:
		return int(min(int64(count), p.MaxLength))
	}
	return count
}

func (s *stream) sendSome(group []queue.Outgoing) error {
	numbers, outcome, err := s.x.queue.Send(s.x.r.Context(), group...)
	switch {
	case err != nil:
		return err
	case outcome == queue.Discarded:
		s.progress.add(0, 0, len(group))
	default:
		s.progress.add(len(numbers), numbers[len(numbers)-1], 0)
	}
	return nil
}

// progress is how far a stream has got.
type progress struct {
	mu      sync.Mutex // guards current and ended
	current counted
	ended   bool
	news    chan struct{} // holds one signal
}

// counted are the messages of a stream that are done with.
type counted struct {
	committed int64
	last      uint64 // the sequence number of the last one committed
	discarded int64
}

func newProgress() *progress { return &progress{news: make(chan struct{}, 1)} }

func (p *progress) add(committed int, last uint64, discarded int) {
	p.mu.Lock()
	p.current.committed += int64(committed)
	p.current.discarded += int64(discarded)
	if committed > 0 {
		p.current.last = last
	}
	p.mu.Unlock()
	p.tell()
}

func (p *progress) end() {
	p.mu.Lock()
	p.ended = true
	p.mu.Unlock()
	p.tell()
}

func (p *progress) tell() {
	select {
	case p.news <- struct{}{}:
	default: // whoever takes the signal that is there will see this too
	}
}

func (p *progress) now() (counted, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.current, p.ended
}

// write tells the client how far the stream has got, whenever that has changed
// and the line before is on its way.
func (s *stream) write() {
	var told counted
	var line []byte
	for range s.progress.news {
		current, ended := s.progress.now()
		if current != told {
			told = current
			line = current.append(line[:0])
			s.writeLine(line)
		}
		if ended {
			return
		}
	}
}

// append appends the line that tells about c.
func (c counted) append(b []byte) []byte {
	b = append(b, `{"committed":`...)
	b = strconv.AppendInt(b, c.committed, 10)
	if c.last > 0 {
		b = append(b, `,"last":`...)
		b = strconv.AppendUint(b, c.last, 10)
	}
	if c.discarded > 0 {
		b = append(b, `,"discarded":`...)
		b = strconv.AppendInt(b, c.discarded, 10)
	}
	return append(b, "}\n"...)
}

// writeLine writes to a client that may have gone: the reader notices that.
func (s *stream) writeLine(line []byte) {
	if s.x.status == 0 {
		s.begin()
	}
	_, _ = s.x.Write(line)
	_ = s.x.control().Flush()
}

// begin begins the reply.
func (s *stream) begin() {
	h := s.x.Header()
	h["Content-Type"] = []string{linesType}
	h["X-Content-Type-Options"] = nosniff
	s.x.WriteHeader(http.StatusOK)
}

// writeProblem ends the reply with why the stream has ended.
func (s *stream) writeProblem(d problem.Document) {
	line, err := json.Marshal(d)
	if err != nil {
		s.x.logFailure(err) // strings and numbers only: it cannot happen
	}
	s.writeLine(append(line, '\n'))
}
