package client

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// subprotocol is what is spoken over a Socket.
const subprotocol = "jitney.push.v1"

// socketDial is a WebSocket to be opened.
type socketDial struct {
	path         string      // and query, below the broker's URL
	header       http.Header // besides that of the handshake
	subprotocols []string
	bufferSize   int                  // bytes; 0: 4 KiB
	buffers      websocket.BufferPool // to write from; nil: the socket keeps its own
}

// dialSocket opens a WebSocket in the way in which the Client's transport makes
// connections.
func (c *Client) dialSocket(ctx context.Context, to socketDial) (*websocket.Conn, error) {
	d := websocket.Dialer{
		Proxy: http.ProxyFromEnvironment, HandshakeTimeout: 30 * time.Second, Subprotocols: to.subprotocols,
		WriteBufferSize: to.bufferSize, WriteBufferPool: to.buffers,
	}
	if to.buffers == nil {
		d.ReadBufferSize = to.bufferSize
	}
	if t, ok := c.http.Transport.(*http.Transport); ok {
		d.Proxy, d.NetDialContext, d.NetDialTLSContext = t.Proxy, t.DialContext, t.DialTLSContext
		d.TLSClientConfig = withoutProtocols(t.TLSClientConfig)
	}
	conn, response, err := d.DialContext(ctx, "ws"+strings.TrimPrefix(c.base, "http")+to.path, to.header)
	switch {
	case err == nil:
		return conn, nil
	case errors.Is(err, websocket.ErrBadHandshake) && response.StatusCode != http.StatusSwitchingProtocols:
		return nil, newError(response)
	}
	return nil, noAnswer(ctx, err)
}

// withoutProtocols returns a copy that does not ask for HTTP/2, which has
// another way of opening WebSockets.
func withoutProtocols(config *tls.Config) *tls.Config {
	if config == nil {
		return nil
	}
	own := config.Clone()
	own.NextProtos = nil
	return own
}
