package client

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/gorilla/websocket"

	"github.com/jitney-mq/jitney/relay/control"
)

// relayBuffer is the size of the buffers of sockets that carry streams, in
// bytes: larger ones did not make them faster.
const relayBuffer = 32 << 10

// relayArea is the path under which listeners and senders open sockets.
const relayArea = "/$hc"

// DialRelay opens a socket to a listener at a connection point. The name may be
// followed by a path, which is escaped like the name, and, behind a question
// mark, a query, which is taken as it is; the listener gets both, and the header,
// in which control.TokenHeader is for the broker. Conn.Subprotocol is what the
// listener has chosen. ctx bounds the opening only.
//
// A rejection is an *Error with the listener's status; ErrBusy also says that
// there is no listener.
func (c *Client) DialRelay(ctx context.Context, name string, header http.Header, subprotocols ...string) (*websocket.Conn, error) {
	return c.dialSocket(ctx, socketDial{
		path: relayPath(name, control.Connect), header: c.relayHeader(header), subprotocols: subprotocols, bufferSize: relayBuffer,
	})
}

// relayPath returns the path and query of an action at a name, behind which
// there may be a query.
func relayPath(name, action string) string {
	name, query, _ := strings.Cut(name, "?")
	path := relayArea + escape(name) + "?" + control.Action + "=" + action
	if query = control.WithoutOwn(query); query != "" {
		path += "&" + query
	}
	return path
}

// relayHeader returns the header of a handshake: what is given, without the
// fields that are the connection's.
func (c *Client) relayHeader(given http.Header) http.Header {
	own := headers("User-Agent", c.agent)
	maps.Copy(own, http.Header(control.EndToEnd(given)))
	for _, credential := range []string{control.TokenHeader, "Authorization"} {
		if value := given.Get(credential); value != "" {
			own.Set(credential, value)
		}
	}
	maps.DeleteFunc(own, func(name string, _ []string) bool { return strings.HasPrefix(name, "Sec-Websocket-") })
	return own
}

// relayAddress returns the path and query of an address that the broker gave.
// What it says about the host is left out, so that nothing is sent elsewhere,
// and that a broker behind a proxy is reached as it was before.
func (c *Client) relayAddress(address string) (string, error) {
	path, err := c.local(address)
	if err != nil {
		return "", err
	}
	if !strings.HasPrefix(path, relayArea+"/") && !strings.HasPrefix(path, "/%24hc/") {
		return "", errors.New("the broker's address " + address + ": want one below " + relayArea)
	}
	return path, nil
}

// relayTarget returns the sender's path and query in an address.
func relayTarget(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	_, path, _ := strings.Cut(strings.TrimPrefix(u.EscapedPath(), "/"), "/")
	path = "/" + path
	if query := control.WithoutOwn(u.RawQuery); query != "" {
		path += "?" + query
	}
	return url.ParseRequestURI(path)
}
