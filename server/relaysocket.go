package server

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gorilla/websocket"

	"github.com/jitney-mq/jitney/problem"
	"github.com/jitney-mq/jitney/relay"
	"github.com/jitney-mq/jitney/relay/control"
	"github.com/jitney-mq/jitney/relay/duplex"
)

// maxRejection bounds the reason of a listener that rejects a socket, in bytes.
const maxRejection = 1024

// upgrade makes a socket of the request that is relayed.
func (x *exchange) upgrade(subprotocol string) (*duplex.Socket, error) {
	return x.upgradeBy(&x.server.sockets.relayed, subprotocol)
}

// upgradeChannel makes a control channel of the request.
func (x *exchange) upgradeChannel(string) (*duplex.Socket, error) {
	return x.upgradeBy(&x.server.sockets.channels, "")
}

func (x *exchange) upgradeBy(u *websocket.Upgrader, subprotocol string) (*duplex.Socket, error) {
	h := x.Header().Clone()
	if subprotocol != "" {
		h.Set("Sec-WebSocket-Protocol", subprotocol)
	}
	conn, err := u.Upgrade(x.ResponseWriter, x.r, h)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnread, err) // everything else has been checked
	}
	x.status = http.StatusSwitchingProtocols
	return duplex.Accepted(conn), nil
}

// listenAt makes a listener of the request, if the path is a connection point's [L1].
func (x *exchange) listenAt(path string) error {
	if err := x.checkListener(); err != nil {
		return err
	}
	err := x.noPoint(path)
	if y := x.relayed(path); y != nil && strings.Trim(y.suffix, "/") == "" {
		err = y.listen()
	}
	if err == nil || x.status != 0 {
		return err
	}
	return x.refuseListener(err)
}

func (y *relayed) listen() error {
	until, err := y.tokenEnd()
	if err != nil {
		return err
	}
	return y.server.broker.Relay().Listen(relay.Coming{At: y.point.Name, Base: y.base(), Until: until, Upgrade: y.upgradeChannel})
}

// base is by which a listener has reached the broker, for it to come back.
func (x *exchange) base() string {
	scheme := "ws"
	if x.r.TLS != nil || strings.EqualFold(x.r.Header.Get("X-Forwarded-Proto"), "https") {
		scheme = "wss" // who lies about it misleads itself
	}
	return scheme + "://" + x.r.Host + hybridPath
}

// checkListener checks the handshake of a listener. Web pages do not listen unless
// their origin is allowed by name: those that were relayed are of the broker's own.
// [L5]
func (x *exchange) checkListener() error {
	if origin := x.r.Header.Get("Origin"); origin != "" && !x.server.guard.origins[strings.ToLower(origin)] {
		return errOrigin
	}
	return x.checkUpgrade()
}

// connect makes the sender's request a socket to a listener [L1].
func (y *relayed) connect() error {
	if err := y.checkUpgrade(); err != nil {
		return err
	}
	return y.server.broker.Relay().Connect(y.r.Context(), relay.Call{
		At: y.point.Name, Suffix: y.suffix, Query: y.query,
		Header: y.connectHeader(), Offers: websocket.Subprotocols(y.r), Upgrade: y.upgrade,
	})
}

// connectHeader is what a listener gets to know of a sender's handshake.
func (y *relayed) connectHeader() http.Header {
	h := y.outgoing().Header
	h.Set("Host", y.r.Host)
	return h
}

// visit lets a listener come to a meeting, or reject a socket [L1].
func (x *exchange) visit(meet func(relay.Visit) error) error {
	id, err := x.ownArgument(control.ID)
	if err != nil {
		return err
	}
	why, err := x.rejection()
	switch {
	case err != nil:
		return err
	case why != nil:
		if err := x.server.broker.Relay().Reject(id, why); err != nil {
			return err
		}
		return errRejected
	}
	if err := x.checkListener(); err != nil {
		return err
	}
	err = meet(relay.Visit{ID: id, Offers: websocket.Subprotocols(x.r), Upgrade: x.upgrade})
	if errors.Is(err, relay.ErrProtocol) {
		return problem.NewField("Sec-WebSocket-Protocol", strings.Join(websocket.Subprotocols(x.r), ", "), "one that the sender has offered")
	}
	return err
}

// rejection reads by which status and for which reason a listener rejects a socket;
// nil: it does not. It adds them to the address that it was given, so that what comes
// before the id is the sender's.
func (x *exchange) rejection() (*relay.Rejected, error) {
	_, added, _ := strings.Cut("&"+x.r.URL.RawQuery, "&"+control.ID+"=")
	_, added, _ = strings.Cut(added, "&")
	values, err := url.ParseQuery(added)
	if err != nil {
		return nil, problem.NewField("query", added, "arguments as name=value, joined by & and percent-encoded")
	}
	text := cmp.Or(values.Get(control.StatusCode), values.Get("statusCode"))
	if text == "" {
		return nil, nil
	}
	reason := cmp.Or(values.Get(control.StatusDescription), values.Get("statusDescription"))
	status, err := strconv.Atoi(text)
	if err != nil || status < 400 || status > 599 {
		return nil, problem.NewField(control.StatusCode, text, "400 to 599")
	}
	if len(reason) > maxRejection {
		reason = strings.ToValidUTF8(reason[:maxRejection], "")
	}
	return &relay.Rejected{Status: status, Reason: reason}, nil
}
