package relay

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/jitney-mq/jitney/namespace"
	"github.com/jitney-mq/jitney/relay/control"
	"github.com/jitney-mq/jitney/relay/duplex"
)

// AcceptTimeout is how long a sender waits for a listener to open a socket.
const AcceptTimeout = 30 * time.Second

// A Call is a sender who wants a socket.
type Call struct {
	At      namespace.Name
	Suffix  string      // of the path, behind the name, as the sender wrote it
	Query   string      // without the relay's own arguments
	Header  http.Header // of the sender's handshake
	Offers  []string    // subprotocols
	Upgrade Upgrade
}

// Connect joins a sender to a listener's socket. It returns when the sender has a
// socket, or none will come.
//
// Errors: *Rejected, ErrNoListener, ErrTimeout and the others of this package, that
// of ctx, those of Upgrade.
func (h *Hub) Connect(ctx context.Context, c Call) error {
	listeners, err := h.connect(ctx, &c)
	if err != nil {
		return err
	}
	senders, err := c.Upgrade(listeners.Subprotocol())
	if err != nil {
		h.discard(outcome{socket: listeners})
		return err
	}
	h.join(c.At, senders, listeners)
	return nil
}

// connect returns the socket that a listener opened. One that goes away first is
// no reason not to ask another.
func (h *Hub) connect(ctx context.Context, c *Call) (*duplex.Socket, error) {
	for until := time.Now().Add(AcceptTimeout); ; {
		m, err := h.arrange(c.At, aSocket, time.Until(until))
		if err != nil {
			return nil, err
		}
		m.offers = c.Offers
		s, err := h.call(ctx, m, c)
		if !errors.Is(err, ErrListenerGone) {
			return s, err
		}
	}
}

// call tells a listener of the sender, and waits for its socket.
func (h *Hub) call(ctx context.Context, m *meeting, c *Call) (*duplex.Socket, error) {
	text, err := control.Message{Accept: &control.AcceptMessage{
		Address: m.address(control.Accept, c.At.Path()+c.Suffix, c.Query), ID: m.id, Headers: control.Handshake(c.Header),
	}}.Encode()
	if errors.Is(err, control.ErrLarge) {
		err = ErrHeader
	}
	if err == nil {
		err = m.listener.tell(ctx, text, nil)
	}
	if err != nil {
		h.cancel(m)
		return nil, err
	}
	select {
	case o := <-m.end:
		return o.socket, o.err
	case <-ctx.Done():
		h.leave(m)
		return nil, context.Cause(ctx)
	}
}

// address is where a listener comes to a meeting.
func (m *meeting) address(action, path, query string) string {
	if query != "" {
		query += "&"
	}
	return m.listener.base + path + "?" + query + control.Action + "=" + action + "&" + control.ID + "=" + m.id
}

// join lets two sockets speak to each other until they end.
func (h *Hub) join(at namespace.Name, sender, listener *duplex.Socket) {
	j := &joint{duplex.Join(sender, listener), at}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.spawn(func() { h.run(j) }) {
		sender.Close()
		listener.Close()
		return
	}
	h.joints[j] = struct{}{}
	h.totals.connects.Add(1)
	if h.draining {
		j.End(closeGoingAway, shuttingDown)
	}
}

func (h *Hub) run(j *joint) {
	j.Run()
	h.totals.bytes.Add(uint64(j.Bytes()))
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.joints, j)
}

// A Visit is a listener who comes to a meeting.
type Visit struct {
	ID      string
	Offers  []string // subprotocols: of an accept, the one that the listener has chosen
	Upgrade Upgrade
}

// Accept gives the socket of a listener to the sender that waits for it. To one that
// has gone meanwhile the listener comes in vain, and is told so over its socket.
//
// Errors: ErrNoMeeting, ErrProtocol, those of Upgrade.
func (h *Hub) Accept(v Visit) error {
	m := h.find(v.ID, func(m *meeting) bool { return m.awaits == aSocket })
	chosen := ""
	if len(v.Offers) > 0 {
		chosen = v.Offers[0]
	}
	if m != nil && chosen != "" && !slices.Contains(m.offers, chosen) {
		return ErrProtocol
	}
	return h.visit(m, v, chosen)
}

// Fetch gives the socket of a listener to the request that waits for it: as Accept.
func (h *Hub) Fetch(v Visit) error {
	return h.visit(h.find(v.ID, func(m *meeting) bool { return m.awaits != aSocket }), v, "")
}

func (h *Hub) visit(m *meeting, v Visit, subprotocol string) error {
	if m == nil && !h.isMissed(v.ID) {
		return ErrNoMeeting
	}
	s, err := v.Upgrade(subprotocol)
	if err != nil {
		return err
	}
	if m == nil {
		h.discard(outcome{socket: s})
		return nil
	}
	h.conclude(m, outcome{socket: s})
	return nil
}

func (h *Hub) isMissed(id string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.missed.take(id)
}

// Reject tells the sender that waits for a socket that it gets none: ErrNoMeeting.
func (h *Hub) Reject(id string, why *Rejected) error {
	m := h.find(id, func(m *meeting) bool { return m.awaits == aSocket })
	if m == nil || !h.conclude(m, outcome{err: why}) {
		return ErrNoMeeting
	}
	return nil
}
