package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/queue"
)

// A lineError says which line of a stream, from 1, something is wrong with.
type lineError struct {
	line int
	err  error
}

func (e *lineError) Error() string { return "line " + strconv.Itoa(e.line) + ": " + e.err.Error() }
func (e *lineError) Unwrap() error { return e.err }

// A stream is a request whose body is messages, one a line, for as long as the
// client likes [Q4]:
//
//	body → read → lines → commit → progress → write → reply
//
// Three goroutines carry it. What is read while a commit is under way is the
// next commit: no timer, no waiting. What is committed while the client is
// told about the commit before, it is told in one line: a client that does not
// read what is written holds nobody up.
type stream struct {
	x        *exchange
	ctx      context.Context // ends when nothing more is to be read, with the reason
	stop     context.CancelCauseFunc
	lines    *lines
	progress *progress
}

// sendStream takes in a stream. If it ends early the last line of the reply is
// a problem document, or it is the whole reply if nothing has been committed.
func (x *exchange) sendStream() error {
	if err := checkPlain(x.r.Header); err != nil {
		return err
	}
	if err := x.control().EnableFullDuplex(); err != nil {
		return err
	}
	x.duplex = true
	ctx, stop := context.WithCancelCause(x.r.Context())
	defer stop(nil)
	s := &stream{x: x, ctx: ctx, stop: stop, lines: newLines(), progress: newProgress()}
	return s.finish(s.run())
}

// run returns when everything read has been committed and all that the client
// has to be told is written, but for why the stream has ended early.
func (s *stream) run() error {
	var committing, writing sync.WaitGroup
	var commitErr error
	_ = s.x.control().SetWriteDeadline(time.Time{}) // a client may read when it has sent everything
	writing.Go(s.write)
	committing.Go(func() {
		if commitErr = s.commit(); commitErr != nil {
			s.stop(commitErr)
		}
	})
	readErr := s.readAll()
	s.lines.end()
	committing.Wait()
	_ = s.x.control().SetWriteDeadline(time.Now().Add(stepTimeout))
	s.progress.end()
	writing.Wait()
	if commitErr != nil {
		return commitErr
	}
	return readErr
}

// readAll is read, which it wakes when there is a reason to stop.
func (s *stream) readAll() error {
	var watching sync.WaitGroup
	done := make(chan struct{})
	watching.Go(func() {
		select {
		case <-s.x.server.draining.Done():
			s.stop(errDraining)
		case <-s.ctx.Done():
		case <-done:
			return
		}
		_ = s.x.control().SetReadDeadline(time.Unix(1, 0))
	})
	defer watching.Wait()
	defer close(done)
	return s.read()
}

// read gathers lines until the body ends, a line cannot be used, or stop is called.
func (s *stream) read() error {
	r := lineReader{s: s}
	for number := 1; ; number++ {
		line, err := r.next()
		if errors.Is(err, io.EOF) {
			s.x.consumed = true
			return nil
		}
		if err == nil {
			err = s.take(number, line)
		}
		if err != nil {
			return &lineError{number, s.why(err)}
		}
	}
}

// why returns the reason that stop was called with, if there is one. That the
// context of the request has ended is none: it does so with every read that
// fails, and err says more.
func (s *stream) why(err error) error {
	if cause := context.Cause(s.ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}

// take parses a line and puts it with the others. A blank one means nothing.
func (s *stream) take(number int, line []byte) error {
	if line = bytes.TrimSpace(line); len(line) == 0 {
		return nil
	}
	m, err := message.ParseJSON(line)
	if err != nil {
		return err
	}
	if limit := s.x.to.maxBytes(); int64(len(m.Body)) > limit {
		return fmt.Errorf("%w: %d bytes are more than %d", queue.ErrTooLarge, len(m.Body), limit)
	}
	weight := int64(len(line))
	if err := s.x.server.bodies.Acquire(s.ctx, weight); err != nil {
		return err
	}
	if !s.lines.add(queue.Outgoing{Message: m}, number, weight) {
		s.x.server.bodies.Release(weight)
		<-s.ctx.Done() // the committer has ended, and says why
		return s.ctx.Err()
	}
	return nil
}

// commit sends what is gathered until there will be no more.
func (s *stream) commit() error {
	defer func() { s.x.server.bodies.Release(s.lines.stop()) }()
	g := new(group)
	for {
		if g = s.lines.take(g); len(g.messages) == 0 {
			return nil
		}
		err := s.sendGroup(g)
		s.x.server.bodies.Release(g.bytes)
		if err != nil {
			return err
		}
	}
}

// sendGroup sends messages in as few commits as the queue's limits allow: what
// a full queue does is done to one message after the other, not to all of a
// group because there is no room for all of it.
func (s *stream) sendGroup(g *group) error {
	messages, limit := g.messages, s.x.to.together(len(g.messages))
	for len(messages) > 0 {
		count := min(limit, len(messages))
		err := s.send(messages[:count])
		if count > 1 && (errors.Is(err, queue.ErrFull) || errors.Is(err, queue.ErrTooLarge)) {
			limit = 1
			continue
		}
		if err != nil {
			return &lineError{g.numbers[len(g.messages)-len(messages)], err}
		}
		messages = messages[count:]
	}
	return nil
}

// send sends messages. They are whole: that what follows does not come, or that
// the client has gone, changes nothing.
func (s *stream) send(messages []queue.Outgoing) error {
	result, err := s.x.to.send(context.WithoutCancel(s.x.r.Context()), messages...)
	if err != nil {
		return err
	}
	c := counted{unrouted: int64(result.unrouted)}
	if result.outcome == queue.Discarded {
		c.discarded = int64(len(messages))
	} else {
		c.committed = int64(len(messages) - result.unrouted)
	}
	if n := len(result.numbers); n > 0 {
		c.last = result.numbers[n-1]
	}
	s.progress.add(c)
	return nil
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

// writeLine writes to a client that may have gone: the reader notices that.
func (s *stream) writeLine(line []byte) {
	if s.x.status == 0 {
		s.begin()
	}
	_, _ = s.x.Write(line)
	_ = s.x.control().Flush()
}

func (s *stream) begin() {
	h := s.x.Header()
	h["Content-Type"] = []string{linesType}
	h["X-Content-Type-Options"] = nosniff
	s.x.WriteHeader(http.StatusOK)
}

// finish answers how the stream has ended.
func (s *stream) finish(err error) error {
	switch x := s.x; {
	case err == nil && x.status == 0:
		s.begin() // not one line
		return nil
	case err == nil:
		return nil
	case isGone(err) && x.gone():
		return err
	case x.status == 0:
		x.Header().Set("Connection", "close")
		x.fail(err)
	default:
		s.writeProblem(err)
	}
	s.linger()
	return nil
}

// writeProblem ends a reply that has begun with why the stream has ended.
func (s *stream) writeProblem(err error) {
	k := s.x.kindOf(err)
	if k.status == http.StatusInternalServerError {
		s.x.logFailure(err)
	}
	line, err := json.Marshal(s.x.document(k, err))
	if err != nil {
		s.x.logFailure(err) // strings and numbers only: it cannot happen
	}
	s.writeLine(append(line, '\n'))
}

// linger reads on for a while, so that a client that is still sending gets to
// read why nobody listens any more: closing at once could destroy the reply on
// its way. A connection that has more of the body after that is broken off, as
// what comes would be taken for the next request.
func (s *stream) linger() {
	if s.x.consumed {
		return
	}
	err := s.x.control().Flush()
	_ = s.x.control().SetReadDeadline(time.Now().Add(lingerTimeout))
	if err == nil {
		_, err = io.CopyN(io.Discard, s.x.r.Body, maxLineBytes)
	}
	if !errors.Is(err, io.EOF) {
		s.x.abort()
	}
}
