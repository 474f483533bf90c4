package relay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"github.com/jitney-mq/jitney/relay/control"
	"github.com/jitney-mq/jitney/relay/duplex"
)

// whole is a response that came on the control channel.
func (s *sending) whole(o outcome) (*http.Response, error) {
	release := sync.OnceFunc(func() { s.hub.giveBack(o.body) })
	response := s.newResponse(o.response)
	if response.Body != nil {
		release()
		return response, nil
	}
	response.ContentLength = int64(len(o.body))
	response.Header["Content-Length"] = []string{strconv.Itoa(len(o.body))}
	response.Body = &wholeBody{Reader: bytes.NewReader(o.body), release: release}
	return response, nil
}

type wholeBody struct {
	*bytes.Reader
	release func()
}

// Close is part of io.Closer.
func (b *wholeBody) Close() error {
	b.release()
	return nil
}

// newResponse returns a response whose body is still missing, unless it cannot have
// one.
func (s *sending) newResponse(m *control.ResponseMessage) *http.Response {
	header := http.Header(control.EndToEnd(http.Header(m.Headers)))
	response := &http.Response{
		StatusCode: int(m.StatusCode), Status: strconv.Itoa(int(m.StatusCode)) + " " + m.Description,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, ContentLength: -1, Request: s.request,
	}
	if length, err := strconv.ParseInt(header.Get("Content-Length"), 10, 64); err == nil && length >= 0 && len(header["Content-Length"]) == 1 {
		response.ContentLength = length
	} else {
		header.Del("Content-Length")
	}
	if s.request.Method == http.MethodHead || m.StatusCode == http.StatusNoContent || m.StatusCode == http.StatusNotModified {
		response.Body = http.NoBody
	} else if !m.Body {
		response.ContentLength, response.Body = 0, http.NoBody
		header["Content-Length"] = []string{"0"}
	}
	return response
}

// An exchange is a request and its response over a socket of their own.
type exchange struct {
	*sending
	socket *duplex.Socket
	cutOff func() bool           // ends the watch over the sender's context; false: it has ended
	inTime *time.Timer           // ends the socket if no response begins
	late   atomic.Bool           // it has
	begun  atomic.Bool           // the response has
	failed atomic.Pointer[error] // why the request's body could not be read
	end    func()                // closes the socket, once
	body   io.Reader             // of the response; nil: none of it has been waited for
}

// overSocket sends the request over the socket that a listener opened for it,
// unless it has it, and reads the response.
func (s *sending) overSocket(to *duplex.Socket) (*http.Response, error) {
	x := &exchange{sending: s, socket: to}
	x.end = sync.OnceFunc(to.Close)
	gone := context.AfterFunc(s.request.Context(), func() { to.Leave(closeGoingAway, senderGone) })
	ended := context.AfterFunc(s.hub.ending, func() { to.Leave(closeGoingAway, shuttingDown) })
	x.cutOff = func() bool { ended(); return gone() }
	x.inTime = time.AfterFunc(time.Until(s.until), func() {
		x.late.Store(true)
		to.Close()
	})
	if s.fetched {
		if err := x.send(); err != nil {
			return nil, x.fail(err)
		}
	} else {
		closeBody(s.request)
	}
	response, err := x.receive()
	if err != nil {
		return nil, x.fail(err)
	}
	return response, nil
}

// send writes the request. Its body follows while the response may come already.
func (x *exchange) send() error {
	text, err := encode(&x.message)
	if err != nil {
		return err
	}
	if err := x.socket.WriteMessage(websocket.TextMessage, text); err != nil {
		return err
	}
	if t := httptrace.ContextClientTrace(x.request.Context()); t != nil && t.WroteHeaders != nil {
		t.WroteHeaders()
	}
	if !x.hub.begin(x.sendBody) {
		return ErrClosed
	}
	return nil
}

func (x *exchange) sendBody() {
	defer closeBody(x.request)
	m := x.socket.Begin(websocket.BinaryMessage)
	_, err := io.CopyBuffer(struct{ io.Writer }{m}, (*requestBody)(x), make([]byte, pieceSize))
	if err == nil {
		err = m.Close()
	}
	if err != nil {
		x.end() // half a body must not look like a whole one
	}
}

// requestBody is the body of a request while it is sent. The listener has its whole
// time from the last piece on.
type requestBody exchange

// Read is part of io.Reader.
func (b *requestBody) Read(p []byte) (int, error) {
	n, err := b.request.Body.Read(p)
	if err != nil && err != io.EOF {
		b.failed.Store(&err)
	}
	if b.begun.Load() || !b.inTime.Reset(control.ResponseTimeout) || b.begun.Load() {
		b.inTime.Stop()
	}
	return n, err
}

// pieceSize is how much of a request's body is a frame, in bytes.
const pieceSize = 32 << 10

// receive reads a response up to its body.
func (x *exchange) receive() (*http.Response, error) {
	kind, text, err := readMessage(x.socket, control.MaxMessage)
	if err != nil {
		return nil, err
	}
	message, err := control.Parse(text)
	if err != nil || kind != websocket.TextMessage || message.Response == nil || message.Response.RequestID != x.message.ID {
		return nil, fmt.Errorf("%w: want the response to %s", ErrProtocol, x.message.ID)
	}
	x.begun.Store(true)
	if x.inTime.Stop(); x.late.Load() {
		return nil, ErrTimeout
	}
	response := x.newResponse(message.Response)
	if response.Body == nil {
		response.Body = (*socketBody)(x)
		return response, nil
	}
	x.over()
	return response, nil
}

// fail ends an exchange without a response, and says why.
func (x *exchange) fail(err error) error {
	failed := x.failed.Load() // before the body is closed
	x.begun.Store(true)
	x.inTime.Stop()
	x.end()
	closeBody(x.request)
	defer x.cutOff()
	switch ctx := x.request.Context(); {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case failed != nil:
		return fmt.Errorf("%w: %w", ErrBody, *failed)
	case x.late.Load():
		return ErrTimeout
	case errors.Is(err, ErrProtocol), errors.Is(err, ErrClosed), errors.Is(err, ErrHeader):
		return err
	}
	return errHeard
}

// over ends an exchange that is complete.
func (x *exchange) over() {
	if !x.cutOff() || !x.hub.begin(func() { x.socket.CloseWith(websocket.CloseNormalClosure, "") }) {
		x.end()
	}
}

// socketBody is the body of a response that comes over a socket.
type socketBody exchange

// Read is part of io.Reader.
func (b *socketBody) Read(p []byte) (int, error) {
	if b.body == nil {
		if err := b.begin(); err != nil {
			return 0, err
		}
	}
	n, err := b.body.Read(p)
	switch {
	case err == io.EOF:
		(*exchange)(b).over()
		b.body = eof{}
	case err != nil:
		err = fmt.Errorf("%w: %w", errHeard, err)
	}
	return n, err
}

// begin waits for the first of the body. A response whose listener takes its time
// with that has reached the sender by then.
func (b *socketBody) begin() error {
	kind, body, err := b.socket.Next()
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", errHeard, err)
	case kind != websocket.BinaryMessage:
		return fmt.Errorf("%w: a response announced a body, and a text message came", ErrProtocol)
	}
	b.body = body
	return nil
}

// Close is part of io.Closer. Before the body's end it tells the listener that
// nobody reads on.
func (b *socketBody) Close() error {
	if _, over := b.body.(eof); !over {
		b.cutOff()
		b.socket.Leave(closeGoingAway, senderGone)
	}
	return nil
}

// eof is the body of a response that has been read.
type eof struct{}

// Read is part of io.Reader.
func (eof) Read([]byte) (int, error) { return 0, io.EOF }
