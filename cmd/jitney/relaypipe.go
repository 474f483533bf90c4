package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/gorilla/websocket"

	"github.com/jitney-mq/jitney/relay/duplex"
)

// pipeBuffer is how many bytes are on their way in one direction of a pipe.
const pipeBuffer = 32 << 10

// errText says that there was a text message where only bytes are.
var errText = errors.New("a text message came over a socket for bytes")

// A pipe carries bytes over a socket, in both directions, as binary messages.
// An empty one says that no more bytes come from its side, whose other direction
// stays open. A close frame ends both.
type pipe struct {
	socket   *duplex.Socket
	from     io.Reader
	to       io.Writer
	endWrite func() error // says to what is written that no more bytes come
	abort    func()       // has reads and writes return; nil: there is no way, and nobody waits for them

	complete bool       // all has come; owned by receive until it has said so
	ends     chan error // of the directions: nil once for each that is complete, else why it all ends
}

// run carries bytes until both directions are complete, the socket or one of
// them fails, or ctx ends, and closes the socket. The error is the first one;
// nil: all went both ways.
func (p *pipe) run(ctx context.Context) (err error) {
	p.ends = make(chan error, 3)
	var sending, receiving sync.WaitGroup
	sending.Go(func() { p.ends <- p.send() })
	receiving.Go(func() { p.ends <- p.receive() })
	for completed := 0; completed < 2 && err == nil; completed++ {
		select {
		case err = <-p.ends:
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
	}
	code, reason := closing(err)
	if ctx.Err() != nil {
		code, reason = websocket.CloseGoingAway, ""
	}
	if p.abort != nil {
		p.abort()
		defer sending.Wait()
	}
	p.socket.EndReading(duplex.CloseTimeout)
	_ = p.socket.WriteClose(code, reason) // the other side may have been first
	receiving.Wait()
	p.socket.Close()
	return err
}

// send passes on what is read, and says when it ends.
func (p *pipe) send() error {
	buffer := make([]byte, pipeBuffer)
	for {
		n, err := p.from.Read(buffer)
		if n > 0 {
			if err := p.socket.WriteMessage(websocket.BinaryMessage, buffer[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return p.socket.WriteMessage(websocket.BinaryMessage, nil)
		}
		if err != nil {
			return err
		}
	}
}

// receive passes on what comes. After the last byte it goes on reading, for the
// socket lives by it, and for how it ends.
func (p *pipe) receive() error {
	err := p.receiveAll()
	if err != nil {
		return err
	}
	p.complete = true
	p.ends <- nil
	for err == nil {
		_, _, err = p.socket.Next()
	}
	return err
}

func (p *pipe) receiveAll() error {
	buffer := make([]byte, pipeBuffer)
	for {
		kind, message, err := p.socket.Next()
		if err != nil {
			return err
		}
		if kind != websocket.BinaryMessage {
			return errText
		}
		n, err := io.CopyBuffer(struct{ io.Writer }{p.to}, message, buffer)
		if err != nil {
			return err
		}
		if n == 0 {
			return p.endWrite()
		}
	}
}

// closing returns by which close frame a pipe says how it has ended. A close by
// the other side is answered.
func closing(err error) (code int, reason string) {
	switch closed, ok := errors.AsType[*websocket.CloseError](err); {
	case err == nil:
		return websocket.CloseNormalClosure, ""
	case ok && closed.Code != websocket.CloseAbnormalClosure:
		return closed.Code, ""
	case errors.Is(err, errText):
		return websocket.CloseUnsupportedData, err.Error()
	}
	return websocket.CloseInternalServerErr, oneLine(err.Error())
}

// closeError is why a socket has ended, in words; nil: as it should, or with all
// that the other side had to say.
func (p *pipe) closeError(err error) error {
	closed, ok := errors.AsType[*websocket.CloseError](err)
	switch {
	case !ok, closed.Code == websocket.CloseAbnormalClosure:
		return err
	case closed.Code == websocket.CloseNormalClosure, closed.Code == websocket.CloseGoingAway && p.complete:
		return nil
	case closed.Text == "":
		return fmt.Errorf("the other side has closed with %d", closed.Code)
	}
	return fmt.Errorf("the other side has closed with %d: %s", closed.Code, closed.Text)
}
