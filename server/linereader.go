package server

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"

	"github.com/jitney-mq/jitney/problem"
)

// lineBuffer is how many bytes of a stream are read at a time, unless a line
// is longer.
const lineBuffer = 32 << 10

// lineReader cuts the body of a stream into lines.
type lineReader struct {
	s     *stream
	buf   []byte // what is read; its room is charged
	start int    // of what is not yet used
	err   error  // behind what is read
}

// next returns the next line, without its end, valid until the next call.
func (r *lineReader) next() ([]byte, error) {
	searched := 0 // of what is not yet used
	for {
		rest := r.buf[r.start:]
		end := bytes.IndexByte(rest[searched:], '\n')
		if length := searched + max(end, 0); length > maxLineBytes {
			return nil, problem.NewField("line", "", "at most %d bytes; a larger message is sent by itself", maxLineBytes)
		} else if end >= 0 {
			r.start += length + 1
			return rest[:length], nil
		}
		searched = len(rest)
		if err := r.fill(); errors.Is(err, io.EOF) && len(rest) > 0 {
			r.start = len(r.buf)
			return r.buf, nil
		} else if err != nil {
			return nil, err
		}
	}
}

// fill moves what is not yet used to the front and reads more behind it.
func (r *lineReader) fill() error {
	r.buf = r.buf[:copy(r.buf, r.buf[r.start:])]
	r.start = 0
	if len(r.buf) == cap(r.buf) {
		if err := r.grow(); err != nil {
			return err
		}
	}
	if r.err == nil {
		var n int
		n, r.err = r.read(r.buf[len(r.buf):cap(r.buf)])
		if r.buf = r.buf[:len(r.buf)+n]; n > 0 {
			return nil
		}
	}
	return r.err
}

func (r *lineReader) grow() error {
	room := max(lineBuffer, 2*cap(r.buf))
	if err := r.s.x.charge(int64(room - cap(r.buf))); err != nil {
		return err
	}
	r.buf = append(make([]byte, 0, room), r.buf...)
	return nil
}

// read reads a piece of the body, for which the client has idleTimeout.
func (r *lineReader) read(p []byte) (int, error) {
	_ = r.s.x.control().SetReadDeadline(time.Now().Add(idleTimeout))
	if r.s.ctx.Err() != nil {
		return 0, context.Cause(r.s.ctx) // the deadline may be later than that which was to wake it
	}
	n, err := r.s.x.r.Body.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = badBody(err)
	}
	return n, err
}
