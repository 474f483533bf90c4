package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/gorilla/websocket"

	"github.com/jitney-mq/jitney/relay/control"
	"github.com/jitney-mq/jitney/relay/duplex"
)

// A relayChannel is a listener's control channel. Its reader hands everything
// on at once, so that no handler can hold it up.
type relayChannel struct {
	*relayService
	serving context.Context // ends when Serve does
	live    context.Context // ends with the channel
	end     context.CancelFunc
	socket  *duplex.Socket
}

func newRelayChannel(ctx context.Context, s *relayService, conn *websocket.Conn) *relayChannel {
	c := &relayChannel{relayService: s, serving: ctx, socket: duplex.Dialled(conn)}
	c.live, c.end = context.WithCancel(ctx)
	c.socket.SetReadLimit(control.MaxMessage)
	return c
}

// run serves the channel and returns why it has ended.
func (c *relayChannel) run(token string) error {
	defer c.socket.Close()
	defer c.end()
	c.work.Go(func() { c.keep(token) })
	return fmt.Errorf("%w: %w", errRelayLost, closedError(c.readAll()))
}

// keep renews tokens, and says goodbye when Serve ends.
func (c *relayChannel) keep(token string) {
	renewal := newRelayRenewal(token)
	defer renewal.stop()
	for {
		select {
		case <-renewal.due():
			c.renew(renewal)
		case <-c.live.Done():
			c.socket.EndReading(duplex.CloseTimeout)
			_ = c.socket.WriteClose(websocket.CloseGoingAway, "") // a broker that does not hear it notices
			return
		}
	}
}

// renew sends another token, if there is one that lasts longer.
func (c *relayChannel) renew(r *relayRenewal) {
	if token := c.opts.token(); r.next(token) {
		_ = c.say(control.Message{RenewToken: &control.RenewToken{Token: token}}, nil) // the reader says why
	}
}

func (c *relayChannel) readAll() error {
	for {
		kind, text, err := c.read()
		if err != nil {
			return err
		}
		if kind != websocket.TextMessage {
			continue // the body of a message that could not be read
		}
		if err := c.got(text); err != nil {
			return err
		}
	}
}

func (c *relayChannel) read() (kind int, data []byte, err error) {
	kind, r, err := c.socket.Next()
	if err != nil {
		return 0, nil, err
	}
	data, err = io.ReadAll(r)
	return kind, data, err
}

// got has a message worked on. A message that cannot be read is left alone: the
// next one may be fine.
func (c *relayChannel) got(text []byte) error {
	m, err := control.Parse(text)
	if err != nil {
		c.opts.Logger.Warn("the relay's message cannot be read", "error", err)
		return nil
	}
	if accept := m.Accept; accept != nil {
		c.begin(c.sockets, func() { c.accept(accept) }, func() { c.refuseSocket(accept) })
	}
	if request := m.Request; request != nil {
		body, err := c.body(request)
		if err != nil {
			return err
		}
		c.begin(c.requests, func() { c.serve(request, body) }, func() { c.refuse(request.ID, http.StatusServiceUnavailable, tooMuch) })
	}
	return nil
}

// tooMuch is what senders are told beyond MaxRequests and MaxSockets.
const tooMuch = "the listener has too much under way"

// errNoBody says that the body that was announced did not come.
var errNoBody = errors.New("the relay's request came without its body")

// body reads what belongs to a message.
func (c *relayChannel) body(r *control.RequestMessage) ([]byte, error) {
	if r.IsAnnouncement() || !r.HasBody() {
		return nil, nil
	}
	kind, body, err := c.read()
	if err == nil && kind != websocket.BinaryMessage {
		err = errNoBody
	}
	return body, err
}

// say writes a message, and its body if there is one. If that fails the channel
// ends.
func (c *relayChannel) say(m control.Message, body []byte) error {
	text, err := m.Encode()
	if err != nil {
		return err
	}
	begun, err := c.socket.WriteTogether(c.live, nil, text, body)
	if begun && err != nil {
		c.socket.Close() // the reader says why
	}
	return err
}

// refuse answers a request that no handler gets, or whose handler's answer
// cannot leave.
func (c *relayChannel) refuse(id string, status int, reason string) {
	header := control.Header{"Content-Type": {"text/plain; charset=utf-8"}, "Retry-After": {"1"}}
	_ = c.say(control.Message{Response: &control.ResponseMessage{
		RequestID: id, StatusCode: control.Status(status), Headers: header, Body: true,
	}}, []byte(reason+"\n")) // the reader says why
}
