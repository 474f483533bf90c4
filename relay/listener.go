package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/gorilla/websocket"

	"github.com/jitney-mq/jitney/namespace"
	"github.com/jitney-mq/jitney/relay/control"
	"github.com/jitney-mq/jitney/relay/duplex"
)

// An Upgrade makes a socket of the request that somebody comes with, and says which
// subprotocol was chosen, if any.
type Upgrade func(subprotocol string) (*duplex.Socket, error)

// A Coming is somebody who wants to listen.
type Coming struct {
	At      namespace.Name
	Base    string    // by which it reaches the broker: ws://host/$hc
	Until   time.Time // the end of its token; zero: none
	Upgrade Upgrade
}

// A listener is a control channel.
type listener struct {
	hub    *Hub
	at     namespace.Name
	base   string
	opened chan struct{} // closed when socket is there
	gone   chan struct{} // closed when it is dismissed
	token  *time.Timer   // nil: its token does not end; guarded by the hub's mu

	socket   *duplex.Socket        // nil until it is open; set while the hub's mu is held, then fixed
	leaving  bool                  // it is dismissed; guarded by the hub's mu
	meetings map[*meeting]struct{} // guarded by the hub's mu
}

func (l *listener) isThere() bool  { return !l.leaving }
func (l *listener) hasRoom() bool  { return len(l.meetings) < MaxInFlight }
func (l *listener) isFree() bool   { return l.socket != nil && l.hasRoom() }
func (l *listener) isComing() bool { return l.socket == nil && !l.leaving && l.hasRoom() }

// Listen makes a listener of who comes, until its socket ends.
//
// Errors: ErrNoPoint, ErrDisabled, ErrManyHere, ErrBusy, ErrClosed, those of
// Upgrade.
func (h *Hub) Listen(c Coming) error {
	l := &listener{hub: h, at: c.At, base: c.Base, opened: make(chan struct{}), gone: make(chan struct{}), meetings: map[*meeting]struct{}{}}
	if err := h.reserve(l); err != nil {
		return err
	}
	s, err := c.Upgrade("")
	if err != nil {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.retire(l)
		h.forget(l)
		return err
	}
	h.open(l, s, c.Until)
	return nil
}

// TurnAway keeps the socket of somebody who may not listen for a while, then closes
// it and calls done.
func (h *Hub) TurnAway(s *duplex.Socket, after time.Duration, code int, reason string, done func()) {
	begun := h.begin(func() {
		defer done()
		s.EndReading(after)
		for {
			if _, _, err := s.Next(); err != nil {
				break
			}
		}
		s.CloseWith(code, reason)
	})
	if !begun {
		s.Close()
		done()
	}
}

// reserve takes a place at the connection point [L2].
func (h *Hub) reserve(l *listener) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	p, is := h.opts.Policy(l.at)
	at := h.points[l.at.Key()]
	switch {
	case h.draining:
		return ErrClosed
	case !is:
		return ErrNoPoint
	case !p.Listens():
		return ErrDisabled
	case at != nil && len(at.listeners) >= p.MaxListeners:
		return fmt.Errorf("%w: %d", ErrManyHere, p.MaxListeners)
	case h.listeners >= MaxListeners:
		return ErrBusy
	}
	if at == nil {
		at = &point{}
		h.points[l.at.Key()] = at
	}
	at.listeners = append(at.listeners, l)
	h.listeners++
	return nil
}

// open begins the control channel, unless the listener has been dismissed while
// its socket was made.
func (h *Hub) open(l *listener, s *duplex.Socket, until time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if l.leaving || !h.spawn(func() { l.run(s) }) {
		h.forget(l)
		s.Close()
		return
	}
	if !h.listens(l.at) && h.opts.Opened != nil {
		h.spawn(func() { h.opts.Opened(l.at) })
	}
	l.socket = s
	close(l.opened)
	h.renew(l, until)
	h.totals.listens.Add(1)
}

// renew has the listener go when its token ends. The caller holds mu.
func (h *Hub) renew(l *listener, until time.Time) {
	if l.token != nil {
		l.token.Stop()
		l.token = nil
	}
	if !until.IsZero() {
		l.token = time.AfterFunc(time.Until(until), func() { l.dismiss(websocket.ClosePolicyViolation, "the token has expired") })
	}
}

// forget takes a listener from its point, if it is there. The caller holds mu.
func (h *Hub) forget(l *listener) {
	at := h.points[l.at.Key()]
	if at == nil {
		return
	}
	for i, one := range at.listeners {
		if one != l {
			continue
		}
		at.listeners = append(at.listeners[:i:i], at.listeners[i+1:]...)
		h.listeners--
		if len(at.listeners) == 0 {
			delete(h.points, l.at.Key())
		}
	}
}

func (l *listener) dismiss(code int, reason string) {
	l.hub.mu.Lock()
	defer l.hub.mu.Unlock()
	l.hub.dismiss(l, code, reason)
}

// dismiss has a listener go: it is told why, and asked for nothing more. What it
// answers until its socket ends, within duplex.CloseTimeout, still counts. The
// caller holds mu.
func (h *Hub) dismiss(l *listener, code int, reason string) {
	if !h.retire(l) || l.socket == nil {
		return // open will see it
	}
	h.spawn(func() { _ = l.socket.WriteClose(code, reason) }) // who has gone needs not be told
	l.socket.EndReading(duplex.CloseTimeout)
	time.AfterFunc(2*duplex.CloseTimeout, l.socket.Close)
}

// retire has a listener be asked for nothing more; false: that was so before. The
// caller holds mu.
func (h *Hub) retire(l *listener) bool {
	if l.leaving {
		return false
	}
	l.leaving = true
	close(l.gone)
	h.renew(l, time.Time{})
	if l.socket != nil {
		h.forget(l)
	}
	return true
}

// run reads the control channel until it ends.
func (l *listener) run(s *duplex.Socket) {
	err := l.read(s)
	for _, m := range l.last() {
		l.hub.conclude(m, outcome{err: lastWord(err)})
	}
	s.CloseWith(farewell(err))
	l.hub.opts.Logger.Debug("a listener has gone", "name", l.at.String(), "because", err)
}

// lastWord is what senders learn of the error that ended a control channel.
func lastWord(err error) error {
	_, closed := errors.AsType[*websocket.CloseError](err)
	_, broken := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, ErrProtocol):
		return err
	case closed, broken, isTimeout(err), errors.Is(err, control.ErrToken), errors.Is(err, net.ErrClosed), errors.Is(err, io.ErrClosedPipe):
		return ErrListenerGone
	}
	return ErrProtocol // frames that are none
}

// last retires the listener, and returns the meetings that will not take place.
func (l *listener) last() []*meeting {
	l.hub.mu.Lock()
	defer l.hub.mu.Unlock()
	l.hub.retire(l)
	list := make([]*meeting, 0, len(l.meetings))
	for m := range l.meetings {
		list = append(list, m)
	}
	return list
}

// farewell is how a control channel is closed that ended with an error.
func farewell(err error) (code int, reason string) {
	closed, is := errors.AsType[*websocket.CloseError](err)
	switch {
	case is:
		return closed.Code, ""
	case errors.Is(err, control.ErrToken):
		return websocket.ClosePolicyViolation, err.Error()
	case isTimeout(err):
		return websocket.CloseGoingAway, "nothing came for too long"
	}
	return websocket.CloseProtocolError, err.Error()
}

// isTimeout reports whether nothing came in time, which gorilla/websocket says in no
// other way.
func isTimeout(err error) bool {
	e, is := errors.AsType[net.Error](err)
	return is && e.Timeout()
}

func (l *listener) read(s *duplex.Socket) error {
	for {
		kind, text, err := readMessage(s, control.MaxMessage)
		if err != nil {
			return err
		}
		if kind == websocket.BinaryMessage && len(text) == 0 {
			continue // hyco-https sends one behind a response without a body
		}
		if kind != websocket.TextMessage {
			return fmt.Errorf("%w: a binary message that no response announced", ErrProtocol)
		}
		m, err := control.Parse(text)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrProtocol, err)
		}
		switch {
		case m.Response != nil:
			err = l.respond(s, m.Response)
		case m.RenewToken != nil:
			err = l.renewToken(m.RenewToken.Token)
		}
		if err != nil {
			return err
		}
	}
}

func (l *listener) renewToken(token string) error {
	until, err := control.ExpiresAt(token)
	if err != nil {
		return err
	}
	l.hub.mu.Lock()
	defer l.hub.mu.Unlock()
	if !l.leaving {
		l.hub.renew(l, until)
	}
	return nil
}

// respond reads the body of a response, and gives both to whoever waits for them.
// A response to nothing, or to what has been answered, is thrown away.
func (l *listener) respond(s *duplex.Socket, r *control.ResponseMessage) error {
	o := outcome{response: r}
	if r.Body {
		kind, body, err := readMessage(s, control.MaxBody)
		if err != nil {
			return err
		}
		if kind != websocket.BinaryMessage {
			return fmt.Errorf("%w: a response announced a body, and a text message came", ErrProtocol)
		}
		if !l.hub.bodies.TryAcquire(int64(cap(body))) {
			o, body = outcome{err: ErrBusy}, nil
		}
		o.body = body
	}
	m := l.hub.find(r.RequestID, func(m *meeting) bool { return m.listener == l && m.awaits == aResponse })
	if m == nil {
		l.hub.giveBack(o.body)
		l.hub.totals.stray.Add(1)
		return nil
	}
	l.hub.conclude(m, o)
	return nil
}

// readMessage reads a message of at most limit bytes.
func readMessage(s *duplex.Socket, limit int) (kind int, b []byte, err error) {
	kind, r, err := s.Next()
	if err != nil {
		return 0, nil, err
	}
	if b, err = io.ReadAll(io.LimitReader(r, int64(limit)+1)); err != nil {
		return 0, nil, err
	}
	if len(b) > limit {
		return 0, nil, fmt.Errorf("%w: a message of more than %d bytes", ErrProtocol, limit)
	}
	return kind, b, nil
}

// tell says something to the listener: ErrListenerGone if it is going and nothing
// was said, errHeard if it may have heard a part. One that does not read is dismissed.
func (l *listener) tell(ctx context.Context, text, body []byte) error {
	select {
	case <-l.opened:
	case <-l.gone:
		return ErrListenerGone
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	begun, err := l.socket.WriteTogether(ctx, l.gone, text, body)
	switch {
	case !begun && ctx.Err() != nil:
		return context.Cause(ctx)
	case !begun:
		l.dismiss(websocket.CloseGoingAway, "it does not read")
		return ErrListenerGone
	case err != nil:
		l.socket.Close() // so that its meetings end
		return errHeard
	}
	return nil
}
