package client

import (
	"bufio"
	"context"
	"io"
	"net/http"

	"github.com/gorilla/websocket"

	"github.com/jitney-mq/jitney/relay/control"
	"github.com/jitney-mq/jitney/relay/duplex"
)

// A rendezvous is a socket that was opened for one request: to get it, to
// answer it, or both. A goroutine reads it until its end, which ends the
// request too.
type rendezvous struct {
	socket *duplex.Socket
	body   *relayBody    // that is to be received; nil: none
	ended  chan struct{} // closed when nothing more is read
}

// openRendezvous opens the socket at an address.
func (c *relayChannel) openRendezvous(ctx context.Context, address string) (*rendezvous, error) {
	path, err := c.client.relayAddress(address)
	if err != nil {
		return nil, err
	}
	conn, err := c.client.dialSocket(ctx, socketDial{path: path, header: c.client.relayHeader(nil), bufferSize: relayBuffer, buffers: &c.buffers})
	if err != nil {
		return nil, err
	}
	return &rendezvous{socket: duplex.Dialled(conn), ended: make(chan struct{})}, nil
}

// readRequest reads the request that was announced.
func (r *rendezvous) readRequest() (*control.RequestMessage, error) {
	kind, reader, err := r.socket.Next()
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(reader, control.MaxMessage+1))
	if err != nil {
		return nil, err
	}
	m, err := control.Parse(text)
	if err != nil {
		return nil, err
	}
	if kind != websocket.TextMessage || m.Request == nil || m.Request.IsAnnouncement() {
		return nil, control.ErrMessage
	}
	return m.Request, nil
}

// receiveBody gives a request the body that comes next. It comes as it is
// watched.
func (r *rendezvous) receiveBody(request *http.Request) {
	reader, writer := io.Pipe()
	r.body = &relayBody{into: writer, length: statedLength(request.Header)}
	request.Body, request.ContentLength = reader, r.body.length
}

// watch reads the socket until its end, and calls gone then.
func (r *rendezvous) watch(gone func()) {
	defer close(r.ended)
	defer gone()
	if r.body != nil {
		_ = r.body.into.CloseWithError(r.body.copyFrom(r.socket)) // it never fails
	}
	for {
		if _, _, err := r.socket.Next(); err != nil {
			return
		}
	}
}

// say writes a message, and its body if there is one.
func (r *rendezvous) say(m control.Message, body []byte) error {
	text, err := m.Encode()
	if err != nil {
		return err
	}
	_, err = r.socket.WriteTogether(context.Background(), nil, text, body)
	return err
}

// relayBody is a request's body on its way from a socket to a handler.
type relayBody struct {
	into   *io.PipeWriter
	length int64 // that it is to have; -1: not known
}

// copyFrom copies the next message to the handler, and returns what the handler
// is told of its end; nil: that it is complete.
func (b *relayBody) copyFrom(s *duplex.Socket) error {
	kind, message, err := s.Next()
	if err == nil && kind != websocket.BinaryMessage {
		err = errNoBody
	}
	if err != nil {
		return err
	}
	n, err := io.CopyBuffer(b.into, message, make([]byte, relayBuffer))
	if err == nil && b.length >= 0 && n != b.length {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// relayStream is a response's body on its way to a socket.
type relayStream struct {
	message *duplex.Message
	pieces  *bufio.Writer
}

func (r *rendezvous) stream() *relayStream {
	m := r.socket.Begin(websocket.BinaryMessage)
	return &relayStream{m, bufio.NewWriterSize(m, relayBuffer)}
}

// Write holds data back until there is a piece of it. A piece has a bound: each
// is copied once more.
func (s *relayStream) Write(data []byte) (int, error) {
	written := 0
	for written < len(data) {
		n, err := s.pieces.Write(data[written:min(written+relayBuffer, len(data))])
		if written += n; err != nil {
			return written, err
		}
	}
	return written, nil
}

// flush puts what is held back on the wire.
func (s *relayStream) flush() error { return s.pieces.Flush() }

// end ends the message.
func (s *relayStream) end() error {
	if err := s.pieces.Flush(); err != nil {
		return err
	}
	return s.message.Close()
}
