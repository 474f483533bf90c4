package server

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/jitney-mq/jitney/queue"
)

// smallBody is the largest body, in bytes, that is read in one piece.
const smallBody = 256 << 10

// maxCharge bounds what one body takes of server.bodies: a larger one goes to
// the disk while it comes.
const maxCharge = 768 << 10

// readBody reads the body of a message of at most limit bytes. A large one is
// staged. Nothing is read of one that says that it is too large [Q5].
func (x *exchange) readBody(limit int64) ([]byte, *queue.Staged, error) {
	length := x.r.ContentLength
	switch {
	case length == 0:
		return nil, nil, nil
	case length > limit:
		return nil, nil, fmt.Errorf("%w: %d bytes are more than %d", queue.ErrTooLarge, length, limit)
	case 0 < length && length <= smallBody:
		b, err := x.readSmall(length)
		return b, nil, err
	}
	body := x.body(maxCharge)
	return x.server.broker.ReadBody(x.r.Context(), body, limit)
}

// readSmall reads a body whose length is known.
func (x *exchange) readSmall(length int64) ([]byte, error) {
	if err := x.charge(length); err != nil {
		return nil, err
	}
	b := make([]byte, length)
	var err error
	if length <= stepBytes {
		_ = x.control().SetReadDeadline(time.Now().Add(stepTimeout)) // a reader without deadlines needs none
		_, err = io.ReadFull(x.r.Body, b)
	} else {
		_, err = io.ReadFull(x.body(0), b)
	}
	if err != nil {
		return nil, badBody(err)
	}
	x.consumed = true
	return b, nil
}

// readDocument reads a body of at most limit bytes into memory.
func (x *exchange) readDocument(limit int64) ([]byte, error) {
	length := x.r.ContentLength
	tooLarge := fmt.Errorf("%w: more than %d bytes", errDocument, limit)
	switch {
	case length > limit:
		return nil, tooLarge
	case length >= 0:
		return x.readSmall(length)
	}
	body := x.body(limit)
	b, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err != nil {
		return nil, badBody(err)
	}
	if int64(len(b)) > limit {
		return nil, tooLarge
	}
	return b, nil
}

// skipBody reads a body that means nothing, so that the server notices when
// the client goes.
func (x *exchange) skipBody() error {
	if x.r.ContentLength == 0 {
		return nil
	}
	if x.r.ContentLength > maxIgnored {
		return fmt.Errorf("%w: want none", errDocument)
	}
	body := x.body(0)
	n, err := io.Copy(io.Discard, io.LimitReader(body, maxIgnored+1))
	switch {
	case err != nil:
		return badBody(err)
	case n > maxIgnored:
		return fmt.Errorf("%w: want none", errDocument)
	}
	return nil
}

// badBody says that a body ended early, unless err says more.
func badBody(err error) error {
	if errors.Is(err, errMemory) || errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	return fmt.Errorf("%w: %w", queue.ErrBadBody, err)
}

// charge takes bytes of server.bodies until the exchange is finished.
func (x *exchange) charge(bytes int64) error {
	if !x.server.bodies.TryAcquire(bytes) {
		return errMemory
	}
	x.charged += bytes
	return nil
}

func (x *exchange) release() {
	if x.charged > 0 {
		x.server.bodies.Release(x.charged)
		x.charged = 0
	}
}

// A body is a request's, read by nobody else. A client has stepTimeout for
// each stepBytes of it. At its end net/http takes the deadline back, and watches
// the connection for its client's going.
type body struct {
	x        *exchange
	control  *http.ResponseController
	left     int64 // of the step
	maxBytes int64 // that are charged while it is read
}

// body returns the body, which charges up to maxBytes for what is read.
func (x *exchange) body(maxBytes int64) *body {
	return &body{x: x, control: x.control(), maxBytes: maxBytes}
}

func (b *body) Read(p []byte) (int, error) {
	if b.left <= 0 {
		b.left = stepBytes
		_ = b.control.SetReadDeadline(time.Now().Add(stepTimeout)) // a reader without deadlines needs none
	}
	n, err := b.x.r.Body.Read(p)
	b.left -= int64(n)
	b.x.consumed = err == io.EOF
	if charge := min(int64(n), b.maxBytes-b.x.charged); charge > 0 {
		if err := b.x.charge(charge); err != nil {
			return 0, err
		}
	}
	return n, err
}

// A floored writes to a client that has stepTimeout for each stepBytes.
type floored struct {
	x       *exchange
	control *http.ResponseController
	left    int64 // of the step
}

func (x *exchange) floored() *floored { return &floored{x: x, control: x.control()} }

func (f *floored) Write(p []byte) (written int, err error) {
	for len(p) > 0 && err == nil {
		if f.left <= 0 {
			f.left = stepBytes
			_ = f.control.SetWriteDeadline(time.Now().Add(stepTimeout)) // a writer without deadlines needs none
		}
		piece := p[:min(int64(len(p)), f.left)]
		var n int
		n, err = f.x.Write(piece)
		f.left -= int64(n)
		written += n
		p = p[n:]
	}
	return written, err
}
