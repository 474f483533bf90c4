// Package duplex is a WebSocket for passing on what comes: a message can be
// written piece by piece, each piece on the wire at once, two messages can be
// written with nothing in between, pings are answered and sent here and go no
// further, and two sockets can be joined.
//
// It reads by gorilla/websocket and writes its own frames (RFC 6455, 5.2), because
// that library's writer keeps a small piece until more comes.
package duplex

import (
	"errors"
	"io"
	"math"
	"net"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

// Timeouts of a socket.
const (
	PingInterval = 30 * time.Second // between two pings
	DeadAfter    = 60 * time.Second // from the last byte, or pong, to the end of the socket
	StallTimeout = 60 * time.Second // for the other end to take a piece
	CloseTimeout = 5 * time.Second  // for the other end to answer a close

	controlTimeout = time.Second // for a ping, a pong or a last word to get its turn
	deadlineStep   = time.Second // by which a deadline may be too early, for to set one costs as much as to pass on a small message
)

// ErrClosed is returned by writes after a close has been sent.
var ErrClosed = errors.New("the socket is closed")

// A Socket is one end of a WebSocket. One goroutine may read; any may write.
type Socket struct {
	conn  *websocket.Conn
	masks bool // a client's frames are masked

	turn     chan struct{} // holds a token while nobody writes
	err      error         // of an earlier write; owned by who has the turn
	stallsBy time.Time     // the deadline of writes; owned by who has the turn

	reader  io.Reader    // of the message that is read; owned by who reads
	boundAt time.Time    // when the time to read was bounded; owned by who reads
	endsBy  atomic.Int64 // when reading ends whatever comes, in Unix nanoseconds; 0: it does not
	ping    *time.Timer
}

// Accepted makes a Socket of the server's end of a connection.
func Accepted(conn *websocket.Conn) *Socket { return newSocket(conn, false) }

// Dialled makes a Socket of the client's end of a connection.
func Dialled(conn *websocket.Conn) *Socket { return newSocket(conn, true) }

func newSocket(conn *websocket.Conn, masks bool) *Socket {
	s := &Socket{conn: conn, masks: masks, turn: make(chan struct{}, 1)}
	conn.SetCloseHandler(func(int, string) error { return nil }) // whoever reads decides on the answer
	conn.SetPingHandler(s.pinged)
	conn.SetPongHandler(func(string) error { s.bound(); return nil })
	_ = conn.SetWriteDeadline(time.Time{})
	s.turn <- struct{}{} // from now on
	s.ping = time.AfterFunc(math.MaxInt64, s.sendPing)
	s.ping.Reset(PingInterval) // only now, for sendPing reads s.ping
	return s
}

// Subprotocol is what the two ends agreed on, if they did.
func (s *Socket) Subprotocol() string { return s.conn.Subprotocol() }

// SetReadLimit bounds the size of a message, in bytes.
func (s *Socket) SetReadLimit(limit int64) { s.conn.SetReadLimit(limit) }

// Next returns the type and the reader of the next message. What is left of the
// last one is skipped. Errors are those of gorilla/websocket: a *CloseError says
// that the other end closed, or went without a word; a timeout that nothing came for
// DeadAfter.
func (s *Socket) Next() (messageType int, r io.Reader, err error) {
	s.bound()
	messageType, s.reader, err = s.conn.NextReader()
	return messageType, (*message)(s), err
}

// message is a Socket as the reader of its message.
type message Socket

// Read is part of io.Reader. Time in which nobody reads does not count as
// silence of the other end.
func (m *message) Read(p []byte) (int, error) {
	(*Socket)(m).bound()
	return m.reader.Read(p)
}

// bound bounds the time until something comes.
func (s *Socket) bound() {
	now := time.Now()
	if now.Sub(s.boundAt) < deadlineStep && s.endsBy.Load() == 0 {
		return
	}
	s.boundAt = now
	s.setReadDeadline(now.Add(DeadAfter))
}

func (s *Socket) setReadDeadline(until time.Time) {
	at := s.endsBy.Load()
	if at != 0 && at < until.UnixNano() {
		until = time.Unix(0, at)
	}
	_ = s.conn.SetReadDeadline(until) // of a connection that is closed, and then a read says so
	if s.endsBy.Load() != at {
		s.setReadDeadline(until) // EndReading came in between
	}
}

// EndReading has whoever reads stop after that time, whatever comes.
func (s *Socket) EndReading(after time.Duration) {
	until := time.Now().Add(after)
	s.endsBy.Store(until.UnixNano())
	s.setReadDeadline(until)
}

// Close closes the connection without a word.
func (s *Socket) Close() {
	s.ping.Stop()
	_ = s.conn.Close() // nothing is left to be said
}

// CloseWith says why the socket is closed, gives the other end time to answer, and
// closes the connection. Nobody else may read.
func (s *Socket) CloseWith(code int, reason string) {
	defer s.Close()
	defer time.AfterFunc(2*CloseTimeout, s.Close).Stop()
	if s.WriteClose(code, reason) != nil {
		return
	}
	s.EndReading(CloseTimeout)
	for {
		if _, _, err := s.Next(); err != nil {
			return
		}
	}
}

// Leave says why the socket is closed, if that can be said at once, and closes it.
func (s *Socket) Leave(code int, reason string) {
	if s.tryTurn(controlTimeout) {
		_ = s.conn.NetConn().SetWriteDeadline(time.Now().Add(controlTimeout))                          // the last one
		_ = s.put([]frame{{websocket.CloseMessage, true, websocket.FormatCloseMessage(code, reason)}}) // or not
		s.err = ErrClosed
		s.endTurn()
	}
	s.Close()
}

// NetConn returns the connection below.
func (s *Socket) NetConn() net.Conn { return s.conn.NetConn() }

func (s *Socket) pinged(data string) error {
	s.bound()
	s.ping.Reset(PingInterval) // one of the two is enough
	if s.tryTurn(controlTimeout) {
		_ = s.writeFrames(frame{websocket.PongMessage, true, []byte(data)}) // a later write says so again
		s.endTurn()
	}
	return nil
}

// sendPing also keeps the timer going: an error ends it.
func (s *Socket) sendPing() {
	if !s.tryTurn(controlTimeout) {
		s.ping.Reset(PingInterval) // what is written now is as good as a ping
		return
	}
	defer s.endTurn()
	if s.writeFrames(frame{websocket.PingMessage, true, nil}) == nil {
		s.ping.Reset(PingInterval)
	}
}

func (s *Socket) tryTurn(within time.Duration) bool {
	select {
	case <-s.turn:
		return true
	default:
	}
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-s.turn:
		return true
	case <-timer.C:
		return false
	}
}

func (s *Socket) endTurn() { s.turn <- struct{}{} }
