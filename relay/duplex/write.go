package duplex

import (
	"context"
	"io"
	"strings"

	"github.com/gorilla/websocket"
)

// WriteMessage writes a message as one frame.
func (s *Socket) WriteMessage(messageType int, payload []byte) error {
	<-s.turn
	defer s.endTurn()
	return s.writeFrames(frame{messageType, true, payload})
}

// WriteTogether writes a text message and, unless it is nil, a binary one with
// nothing in between, if it can begin before ctx ends and before stop is closed;
// begun says whether it did.
func (s *Socket) WriteTogether(ctx context.Context, stop <-chan struct{}, text, binary []byte) (begun bool, err error) {
	select {
	case <-s.turn:
	case <-stop:
		return false, nil
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
	defer s.endTurn()
	if ctx.Err() != nil || isClosed(stop) {
		return false, context.Cause(ctx)
	}
	if s.err != nil {
		return false, s.err
	}
	frames := []frame{{websocket.TextMessage, true, text}, {websocket.BinaryMessage, true, binary}}
	if binary == nil {
		frames = frames[:1]
	}
	return true, s.writeFrames(frames...)
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// WriteClose says that nothing more will be written. The code 1005 stands for none.
func (s *Socket) WriteClose(code int, reason string) error {
	if len(reason) > maxReason {
		reason = strings.ToValidUTF8(reason[:maxReason], "")
	}
	<-s.turn
	defer s.endTurn()
	return s.writeFrames(frame{websocket.CloseMessage, true, websocket.FormatCloseMessage(code, reason)})
}

// maxReason bounds the reason of a close, in bytes (RFC 6455, 5.5).
const maxReason = 123

// A Message is one that is written piece by piece: each Write is a frame that is on
// the wire when it returns. Others may write control frames meanwhile, but no
// messages. Close ends it.
type Message struct {
	s    *Socket
	kind int // of the next frame
}

var _ io.WriteCloser = (*Message)(nil)

// Begin begins a message.
func (s *Socket) Begin(messageType int) *Message { return &Message{s, messageType} }

// Write is part of io.Writer.
func (m *Message) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if err := m.write(p, false); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close writes the last frame, which is empty.
func (m *Message) Close() error { return m.write(nil, true) }

func (m *Message) write(p []byte, final bool) error {
	<-m.s.turn
	defer m.s.endTurn()
	kind := m.kind
	m.kind = 0
	return m.s.writeFrames(frame{kind, final, p})
}
