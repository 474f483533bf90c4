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

// dialSocket opens a WebSocket in the way in which the Client's transport makes
// connections.
func (c *Client) dialSocket(ctx context.Context, path string) (*websocket.Conn, error) {
	d := websocket.Dialer{Proxy: http.ProxyFromEnvironment, Subprotocols: []string{subprotocol}, HandshakeTimeout: 30 * time.Second}
	if t, ok := c.http.Transport.(*http.Transport); ok {
		d.Proxy, d.NetDialContext, d.NetDialTLSContext = t.Proxy, t.DialContext, t.DialTLSContext
		d.TLSClientConfig = withoutProtocols(t.TLSClientConfig)
	}
	target := "ws" + strings.TrimPrefix(c.base, "http") + path
	conn, response, err := d.DialContext(ctx, target, headers("User-Agent", c.agent))
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
