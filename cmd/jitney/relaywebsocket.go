package main

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/relay/duplex"
)

// dialTimeout is how long a local server may take to open a socket: less than a
// sender waits for it.
const dialTimeout = 20 * time.Second

// socket has the server take or reject a sender's socket, and joins the two.
func (w *webServer) socket(s *client.RelayedSocket) {
	local, response, err := w.dial(s.Request)
	if err != nil {
		status, reason := w.rejection(response, err)
		_ = s.Reject(status, reason) // the sender may be gone
		return
	}
	sender, err := s.Accept(local.Subprotocol())
	if err != nil {
		_ = local.Close() // nobody is there to talk to
		return
	}
	duplex.Join(duplex.Dialled(sender), duplex.Dialled(local)).Run()
}

// dial opens a socket at the server, with what the sender asks for.
func (w *webServer) dial(in *http.Request) (*websocket.Conn, *http.Response, error) {
	d := websocket.Dialer{
		Subprotocols:     websocket.Subprotocols(in),
		HandshakeTimeout: dialTimeout,
		NetDialContext:   w.transport.DialContext,
		ReadBufferSize:   pipeBuffer,
	}
	to := w.target(in.URL)
	to.Scheme = "ws" + strings.TrimPrefix(to.Scheme, "http")
	return d.DialContext(in.Context(), to.String(), w.handshake(in))
}

// handshake returns the header of a handshake, without the fields that are the
// connection's own.
func (w *webServer) handshake(in *http.Request) http.Header {
	own := w.header(in)
	for name := range own {
		if name == "Connection" || name == "Upgrade" || strings.HasPrefix(name, "Sec-Websocket-") {
			delete(own, name)
		}
	}
	own.Set("Host", w.host(in))
	return own
}

// rejection is what a sender is told when the server opens no socket.
func (w *webServer) rejection(response *http.Response, err error) (status int, reason string) {
	if !errors.Is(err, websocket.ErrBadHandshake) {
		return http.StatusBadGateway, w.down(err)
	}
	if response.StatusCode < 400 || response.StatusCode > 599 {
		return http.StatusBadGateway, "the server behind the relay opens no socket: " + response.Status
	}
	return response.StatusCode, response.Status
}
