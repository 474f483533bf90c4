package server

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/problem"
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
// next commit: no timer, no waiting. What the client has not been told when
// more is committed it is told in one line with that: a client that does not
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
	if err := x.control().EnableFullDuplex(); err != nil && x.r.ProtoMajor == 1 {
		return err
	}
	ctx, stop := context.WithCancelCause(x.r.Context())
	defer stop(nil)
	s := &stream{x: x, ctx: ctx, stop: stop, lines: newLines(), progress: newProgress()}
	defer context.AfterFunc(x.server.draining, func() { stop(errDraining) })()
	defer context.AfterFunc(ctx, s.wakeReader)()
	return s.finish(s.run())
}

// wakeReader ends a read that is under way.
func (s *stream) wakeReader() { _ = s.x.control().SetReadDeadline(time.Unix(1, 0)) }

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
		s.lines.stop()
	})
	readErr := s.read()
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

// read gathers lines until the body ends, a line cannot be used, or stop is called.
func (s *stream) read() error {
	r := lineReader{s: s, buf: make([]byte, 0, stepBytes)}
	for number := 1; ; number++ {
		line, err := r.next()
		if errors.Is(err, io.EOF) {
			s.x.consumed = true
			return nil
		}
		if err == nil {
			err = s.take(line)
		}
		if err != nil {
			return &lineError{number, s.why(err)}
		}
	}
}

// why returns the reason that stop was called with, if that is what err comes from.
func (s *stream) why(err error) error {
	if s.ctx.Err() != nil {
		return context.Cause(s.ctx)
	}
	return err
}

// take parses a line and puts it with the others. A blank one means nothing.
func (s *stream) take(line []byte) error {
	if line = bytes.TrimSpace(line); len(line) == 0 {
		return nil
	}
	m, err := message.ParseJSON(line)
	if err != nil {
		return err
	}
	if int64(len(m.Body)) > s.x.queue.Policy().MaxMessageBytes() {
		return queue.ErrTooLarge
	}
	weight := int64(len(line))
	if err := s.x.server.bodies.Acquire(s.ctx, weight); err != nil {
		return err
	}
	if !s.lines.add(queue.Outgoing{Message: m}, weight) {
		s.x.server.bodies.Release(weight)
		<-s.ctx.Done() // the committer has ended, and says why
		return s.ctx.Err()
	}
	return nil
}

// finish answers how the stream has ended.
func (s *stream) finish(err error) error {
	x := s.x
	if err == nil {
		if x.status == 0 {
			s.begin() // not one line
		}
		return nil
	}
	if isGone(err) && x.gone() {
		return err
	}
	if x.status == 0 {
		x.Header().Set("Connection", "close")
		x.fail(err)
	} else {
		k := x.kindOf(err)
		if k.status == http.StatusInternalServerError {
			x.logFailure(err)
		}
		s.writeProblem(x.document(k, err))
	}
	return s.linger()
}

// linger reads on for a while, so that a client that is still sending gets to
// read why nobody listens any more: closing at once could destroy the reply
// on its way. A connection that has more of the body after that is of no use.
func (s *stream) linger() error {
	if s.x.consumed {
		return nil
	}
	if err := s.x.control().Flush(); err != nil {
		return err
	}
	_ = s.x.control().SetReadDeadline(time.Now().Add(lingerTimeout))
	n, err := io.CopyN(io.Discard, s.x.r.Body, maxLineBytes)
	if n == maxLineBytes || !errors.Is(err, io.EOF) {
		panic(http.ErrAbortHandler)
	}
	return nil
}

// lineReader cuts the body into lines.
type lineReader struct {
	s     *stream
	buf   []byte // what is read
	start int    // of what is not yet used
}

// next returns the next line, without its end, valid until the next call.
func (r *lineReader) next() ([]byte, error) {
	searched := r.start
	for {
		if i := bytes.IndexByte(r.buf[searched:], '\n'); i >= 0 {
			line := r.buf[r.start : searched+i]
			r.start = searched + i + 1
			return line, nil
		}
		if len(r.buf)-r.start > maxLineBytes {
			return nil, problem.NewField("line", "", "a line of at most %d bytes; a larger message is sent by itself", maxLineBytes)
		}
		searched = len(r.buf) - r.start
		if err := r.fill(); errors.Is(err, io.EOF) && len(r.buf) > r.start {
			line := r.buf[r.start:]
			r.start = len(r.buf)
			return line, nil
		} else if err != nil {
			return nil, err
		}
		searched += r.start
	}
}

// fill reads more behind what is not yet used, which it moves to the front.
func (r *lineReader) fill() error {
	if r.start > 0 {
		r.buf = r.buf[:copy(r.buf, r.buf[r.start:])]
		r.start = 0
	}
	if len(r.buf) == cap(r.buf) {
		grown := make([]byte, len(r.buf), 2*cap(r.buf))
		copy(grown, r.buf)
		r.buf = grown
	}
	n, err := r.s.readBody(r.buf[len(r.buf):cap(r.buf)])
	r.buf = r.buf[:len(r.buf)+n]
	if n > 0 {
		return nil // an error comes again
	}
	return err
}

// readBody reads a piece of the body, for which the client has idleTimeout.
func (s *stream) readBody(p []byte) (int, error) {
	_ = s.x.control().SetReadDeadline(time.Now().Add(idleTimeout))
	if s.ctx.Err() != nil {
		return 0, context.Cause(s.ctx) // the deadline may have come after wakeReader's
	}
	n, err := s.x.r.Body.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = badBody(err)
	}
	return n, err
}
