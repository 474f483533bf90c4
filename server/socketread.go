package server

import (
	"errors"
	"io"
	"net"
	"os"
	"time"

	"github.com/gorilla/websocket"
)

// reading is the goroutine that reads frames until the client has closed the
// socket or has gone, a frame cannot be used, or the socket ends for another
// reason. Then it waits for the writer, and closes the connection.
func (s *socket) reading() {
	why := s.readAll()
	s.end(why)
	close(s.read)
	<-s.written
	s.linger()
	_ = s.conn.Close()
	s.kill()
	s.server.sockets.remove(s)
}

func (s *socket) readAll() closing {
	for {
		select {
		case s.frames <- struct{}{}: // who has many frames unanswered has to wait
		case <-s.ending:
			return closing{}
		}
		data, err := s.nextFrame()
		if err == nil {
			err = s.take(data)
		}
		if err != nil {
			return s.closingFor(err)
		}
	}
}

// nextFrame reads a message of the WebSocket protocol, called a frame here as
// on the wire most are one. gorilla/websocket has a limit too, but would close
// the socket before the frames that are under way are answered.
func (s *socket) nextFrame() ([]byte, error) {
	s.awaitFrame()
	s.within = false
	kind, r, err := s.conn.NextReader()
	if err != nil {
		return nil, err
	}
	s.within = true
	s.server.sockets.read.Inc()
	if kind != websocket.TextMessage {
		return nil, &closing{code: websocket.CloseUnsupportedData, reason: "want text"}
	}
	return s.readFrame(r)
}

// readFrame reads a frame into memory. A large one is charged while it comes.
func (s *socket) readFrame(r io.Reader) ([]byte, error) {
	buf := make([]byte, 0, smallFrame)
	var charged int64
	defer func() { s.server.bodies.Release(charged) }()
	for {
		if len(buf) == cap(buf) {
			if len(buf) > maxSocketFrame {
				return nil, &closing{code: websocket.CloseMessageTooBig, reason: "want at most 4 MiB; a larger message is sent by itself over HTTP"}
			}
			room := int64(min(2*cap(buf), maxSocketFrame+1))
			if !s.server.bodies.TryAcquire(room - charged) {
				return nil, &closing{code: websocket.CloseTryAgainLater, reason: "too many bytes of bodies are in memory"}
			}
			charged = room
			buf = append(make([]byte, 0, room), buf...)
			s.await(stepTimeout * time.Duration(1+room>>20))
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if errors.Is(err, io.EOF) {
			return buf, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// awaitFrame gives the client until pongTimeout for its next frame or pong [S9].
func (s *socket) awaitFrame() { s.await(pongTimeout) }

func (s *socket) await(d time.Duration) {
	_ = s.conn.SetReadDeadline(time.Now().Add(d))
	if s.isEnding() {
		_ = s.conn.SetReadDeadline(time.Unix(1, 0)) // else the one above undoes that of end
	}
}

// closingFor says how the socket ends after an error of the reader's.
func (s *socket) closingFor(err error) closing {
	if why, ok := errors.AsType[*closing](err); ok {
		return *why
	}
	if closed, ok := errors.AsType[*websocket.CloseError](err); ok && closed.Code != websocket.CloseAbnormalClosure {
		return closing{code: closed.Code, byClient: true}
	}
	if errors.Is(err, websocket.ErrReadLimit) { // a length beyond 63 bits
		return closing{code: websocket.CloseMessageTooBig, reason: "want at most 4 MiB"}
	}
	if _, ok := errors.AsType[net.Error](err); ok || errors.Is(err, io.EOF) || errors.Is(err, os.ErrDeadlineExceeded) {
		return closing{gone: true}
	}
	return closing{code: websocket.CloseProtocolError, gone: true} // the client has been told
}

// linger lets the client read the close frame: a connection that is closed
// while something of the client's is unread would take it back.
func (s *socket) linger() {
	if s.why.gone || s.why.byClient { // it changes no more
		return
	}
	_ = s.conn.SetReadDeadline(time.Now().Add(lingerTimeout))
	_, _ = io.Copy(io.Discard, s.conn.NetConn()) // either way the connection is closed
}

// controls counts pings and pongs.
type controls struct {
	since time.Time
	count int
}

// pinged answers a ping.
func (s *socket) pinged(data string) error {
	if err := s.controlled(); err != nil {
		return err
	}
	_ = s.conn.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(time.Second)) // the writer notices a client that does not read
	return nil
}

// ponged notes that the client is alive. In the middle of a frame that is no
// reason to wait longer for the rest of it.
func (s *socket) ponged(string) error {
	if !s.within {
		s.awaitFrame()
	}
	return s.controlled()
}

// controlled refuses a flood of control frames.
func (s *socket) controlled() error {
	c := &s.controls
	if now := time.Now(); now.Sub(c.since) >= time.Second {
		*c = controls{since: now}
	}
	if c.count++; c.count > maxControlFrames {
		return policyViolation("want at most %d pings and pongs a second", maxControlFrames)
	}
	return nil
}
