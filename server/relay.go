package server

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/jitney-mq/jitney/broker"
	"github.com/jitney-mq/jitney/namespace"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/problem"
	"github.com/jitney-mq/jitney/relay/control"
)

// hybridPath is what all paths begin with by which listeners, and senders who want
// a socket, say what they want of a connection point [L1].
const hybridPath = "/$hc"

// hybridRest returns the rest of a path that begins so.
func hybridRest(path string) (rest string, is bool) {
	for _, begin := range []string{hybridPath, "/%24hc"} {
		if len(path) >= len(begin) && strings.EqualFold(path[:len(begin)], begin) {
			rest = path[len(begin):]
			return rest, rest == "" || rest[0] == '/'
		}
	}
	return "", false
}

// isVisit reports whether a listener comes to a meeting: what was begun before the
// server drains may be ended.
func isVisit(x *exchange) bool {
	if _, is := hybridRest(x.r.URL.EscapedPath()); !is {
		return false
	}
	action, err := x.ownArgument(control.Action)
	return err == nil && (action == control.Request || action == control.Accept)
}

// A relayed is a request at a connection point or below it.
type relayed struct {
	*exchange
	point  *namespace.Entry
	suffix string // of the path behind the point's name, as the sender wrote it
	prefix string // of the path that stands for the point; empty: the host does
	query  string // without the relay's own arguments
}

// relayed returns the request that x is, if a path leads to a connection point.
func (x *exchange) relayed(path string) *relayed {
	lead := namespace.Lead(path)
	e, _ := x.server.broker.Resolve(lead)
	if e == nil || e.Policy.Kind() != policy.ConnectionPointKind {
		return nil
	}
	y := &relayed{exchange: x, point: e, query: control.WithoutOwn(x.r.URL.RawQuery)}
	y.prefix, y.suffix = cutSegments(path, e.Name.Depth())
	x.entry, x.name, x.route = e, e.Name, x.server.relayRoute
	return y
}

// cutSegments cuts a path behind that many segments.
func cutSegments(path string, count int) (before, after string) {
	at := 0
	for range count {
		next := strings.IndexByte(path[at+1:], '/')
		if next < 0 {
			return path, ""
		}
		at += 1 + next
	}
	return path[:at], path[at:]
}

// ownArgument returns an argument of the relay's, whose name is compared without
// regard to case. The others need not be what the broker can read.
func (x *exchange) ownArgument(name string) (string, error) {
	value, found := "", false
	for argument := range strings.SplitSeq(x.r.URL.RawQuery, "&") {
		given, text, _ := strings.Cut(argument, "=")
		if plain, err := url.QueryUnescape(given); err != nil || !strings.EqualFold(plain, name) {
			continue
		}
		plain, err := url.QueryUnescape(text)
		if err != nil || found {
			return "", problem.NewField(name, text, "the argument once, percent-encoded")
		}
		value, found = plain, true
	}
	return value, nil
}

// pass relays a request, or makes a socket of one that asks for it [L1].
func (y *relayed) pass() error {
	if err := y.checkToken(); err != nil {
		return err
	}
	action, err := y.ownArgument(control.Action)
	switch {
	case err != nil:
		return err
	case action == control.OneWay:
		return y.oneWay()
	case isUpgrade(y.r):
		return y.connect()
	}
	return y.request()
}

// hybrid does what the argument sb-hc-action says at a connection point [L1].
func (x *exchange) hybrid(path string) error {
	action, err := x.ownArgument(control.Action)
	if err != nil {
		return err
	}
	x.route = x.server.relayRoute
	switch action {
	case control.Accept:
		return x.visit(x.server.broker.Relay().Accept)
	case control.Request:
		return x.visit(x.server.broker.Relay().Fetch)
	case control.Listen, control.Connect, control.OneWay:
	default:
		return problem.NewField(control.Action, action, "listen, connect, accept, request or oneway")
	}
	if action == control.Listen {
		return x.listenAt(path)
	}
	y := x.relayed(path)
	if y == nil {
		return x.noPoint(path)
	}
	if err := y.checkToken(); err != nil {
		return err
	}
	if action == control.Connect {
		return y.connect()
	}
	return y.oneWay()
}

// inRelay answers a request that came to the listener that only relays. There, a
// host below one that the broker is known by is a connection point of its own: the
// labels are the segments of its name, the last one first [L5].
func (x *exchange) inRelay() error {
	text := x.r.URL.EscapedPath()
	if rest, is := hybridRest(text); is {
		return x.hybrid(rest)
	}
	if name := x.server.guard.below(x.r.Host); name != "" {
		if y := x.relayed(name); y != nil && y.suffix == "" {
			y.prefix, y.suffix = "", text
			return y.pass()
		}
		return x.noPoint(name)
	}
	if y := x.relayed(text); y != nil {
		return y.pass()
	}
	return x.noPoint(text)
}

// noPoint says what a path leads to instead of a connection point.
func (x *exchange) noPoint(path string) error {
	lead := namespace.Lead(path)
	if e, _ := x.server.broker.Resolve(lead); e != nil && e.Policy.Kind() != policy.ConnectionPointKind {
		return fmt.Errorf("%w: %s is a %s, and no connection point", broker.ErrWrongRole, e.Name, e.Policy.Kind())
	}
	return fmt.Errorf("%w: %s is no connection point; a policy makes it one", broker.ErrNoRole, lead.Longest())
}

// relayToken returns the relay's credential of a request. It is not yet checked who
// signed it.
func (x *exchange) relayToken() (string, error) {
	token, err := x.ownArgument(control.Token)
	if err != nil || token != "" {
		return token, err
	}
	if token = x.r.Header.Get(control.TokenHeader); token != "" {
		return token, nil
	}
	if token = x.r.Header.Get("Authorization"); control.IsToken(token) {
		return token, nil
	}
	return "", nil
}

// checkToken refuses a token that has ended or cannot be read.
func (x *exchange) checkToken() error {
	_, err := x.tokenEnd()
	return err
}

// tokenEnd returns when the token of a request ends, zero if it does not.
func (x *exchange) tokenEnd() (time.Time, error) {
	token, err := x.relayToken()
	if err != nil {
		return time.Time{}, err
	}
	until, err := control.ExpiresAt(token)
	if err != nil || until.IsZero() || time.Now().Before(until) {
		return until, err
	}
	return until, fmt.Errorf("%w: its end was %s", errTokenEnded, until.UTC().Format(time.RFC3339))
}

// oneWay gives the request to a listener and answers when its socket has taken it
// [L3].
func (y *relayed) oneWay() error {
	if err := y.chargeSmall(); err != nil {
		return err
	}
	if err := y.server.broker.Relay().OneWay(y.point.Name, y.outgoing()); err != nil {
		return err
	}
	y.WriteHeader(http.StatusAccepted)
	return nil
}

// chargeSmall counts a body that will be in memory until a listener has it.
func (y *relayed) chargeSmall() error {
	if y.r.ContentLength <= 0 || y.r.ContentLength > control.MaxBody {
		return nil
	}
	return y.charge(y.r.ContentLength)
}
