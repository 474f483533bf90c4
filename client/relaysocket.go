package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/jitney-mq/jitney/relay/control"
	"github.com/jitney-mq/jitney/relay/duplex"
)

// ErrAnswered says that a socket was accepted or rejected before.
var ErrAnswered = errors.New("the socket was answered before")

// A RelayedSocket is one that a sender wants to open. Whoever handles it accepts
// or rejects it, once; the broker gives it up after 30 s. If neither is done
// when the handler returns it is rejected with 500. Its methods may be called
// from any goroutine.
type RelayedSocket struct {
	// Request is the sender's handshake: path, query and header, and who asks,
	// as at RelayHandler.HTTP. Its context ends when Serve does: a socket outlives
	// the connection over which it was asked for.
	Request *http.Request

	service *relayService
	address string // path and query

	mu       sync.Mutex // guards what follows
	answered bool
	conn     *websocket.Conn // once accepted
}

// Accept opens the socket. The subprotocol, unless it is empty, is one of those
// that the sender offers, see websocket.Subprotocols. The socket is closed when
// the handler returns; whoever wants to say why sends a close frame before. When
// Serve's context ends the sender is told 1001, and has 5 s to answer.
func (s *RelayedSocket) Accept(subprotocol string) (*websocket.Conn, error) {
	if err := s.answer(); err != nil {
		return nil, err
	}
	to := socketDial{path: s.address, header: s.service.client.relayHeader(nil), bufferSize: relayBuffer}
	if subprotocol != "" {
		to.subprotocols = []string{subprotocol}
	}
	conn, err := s.service.client.dialSocket(s.Request.Context(), to)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.conn = conn
	s.mu.Unlock()
	if s.Request.Context().Err() != nil { // leave may have been here before
		s.leave()
	}
	return conn, nil
}

// Reject has the sender's handshake fail with a status, 400 to 599, and a
// reason.
func (s *RelayedSocket) Reject(status int, reason string) error {
	if err := s.answer(); err != nil {
		return err
	}
	arguments := url.Values{control.StatusCode: {strconv.Itoa(status)}, control.StatusDescription: {reason}}
	conn, err := s.service.client.dialSocket(s.Request.Context(), socketDial{
		path: s.address + "&" + arguments.Encode(), header: s.service.client.relayHeader(nil),
	})
	if err == nil {
		_ = conn.Close()
		return errors.New("the broker has accepted a socket that was rejected")
	}
	if refused, ok := errors.AsType[*Error](err); ok && refused.Status == http.StatusGone {
		return nil // as it should be
	}
	return err
}

func (s *RelayedSocket) answer() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.answered {
		return ErrAnswered
	}
	s.answered = true
	return nil
}

// accept has the handler take a socket.
func (c *relayChannel) accept(m *control.AcceptMessage) {
	s, err := c.newRelayedSocket(c.serving, m)
	if err != nil {
		c.opts.Logger.Warn("a relayed socket cannot be opened", "error", err)
		return
	}
	stop := context.AfterFunc(c.serving, s.leave)
	defer stop()
	defer s.close()
	if c.handler.Socket == nil {
		_ = s.Reject(http.StatusNotImplemented, "this listener takes no sockets") // the broker gives up in its time
		return
	}
	c.call(s)
	_ = s.Reject(http.StatusInternalServerError, "the handler failed") // it was answered, as a rule
}

func (c *relayChannel) refuseSocket(m *control.AcceptMessage) {
	if s, err := c.newRelayedSocket(c.serving, m); err == nil {
		_ = s.Reject(http.StatusServiceUnavailable, tooMuch) // the broker gives up in its time
	}
}

func (c *relayChannel) call(s *RelayedSocket) {
	defer func() {
		if reason := recover(); reason != nil && reason != any(http.ErrAbortHandler) {
			c.opts.Logger.Error("a handler of relayed sockets panicked",
				"panic", fmt.Sprint(reason), "stack", string(debug.Stack()))
		}
	}()
	c.handler.Socket(s)
}

func (c *relayChannel) newRelayedSocket(ctx context.Context, m *control.AcceptMessage) (*RelayedSocket, error) {
	address, err := c.client.relayAddress(m.Address)
	if err != nil {
		return nil, err
	}
	target, err := relayTarget(m.Address)
	if err != nil {
		return nil, err
	}
	request, err := c.client.newRelayedRequest(ctx, &control.RequestMessage{
		Method: http.MethodGet, Target: target.RequestURI(), Headers: m.Headers,
	})
	return &RelayedSocket{Request: request, service: c.relayService, address: address}, err
}

// leave tells the sender that the listener goes, and gives it time to answer, which
// is what the handler reads then.
func (s *RelayedSocket) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		return
	}
	goingAway := websocket.FormatCloseMessage(websocket.CloseGoingAway, "")
	_ = s.conn.WriteControl(websocket.CloseMessage, goingAway, time.Now().Add(time.Second)) // or it is closed without a word
	time.AfterFunc(duplex.CloseTimeout, s.close)
}

func (s *RelayedSocket) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		_ = s.conn.Close()
	}
}
