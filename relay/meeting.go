package relay

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"github.com/jitney-mq/jitney/namespace"
	"github.com/jitney-mq/jitney/relay/control"
	"github.com/jitney-mq/jitney/relay/duplex"
)

// A meeting is of a sender, who waits, and of a listener, who has been told. Its id
// is all that a listener needs to come to it, so it cannot be guessed.
type meeting struct {
	id       string
	listener *listener
	awaits   awaited
	offers   []string     // subprotocols of a sender who wants a socket
	end      chan outcome // gets the one outcome
	timer    *time.Timer
}

// awaited is what a listener is to do.
type awaited uint8

const (
	aResponse awaited = iota // answer the request that it has, here or over a socket
	aFetch                   // open a socket to get the request
	aSocket                  // open a socket that is then the sender's, or reject it
)

// An outcome is what came of a meeting: a response, a socket or an error.
type outcome struct {
	response *control.ResponseMessage
	body     []byte
	socket   *duplex.Socket
	err      error
}

// arrange draws a listener of a connection point and has the sender wait for it,
// for at most that long.
func (h *Hub) arrange(n namespace.Name, what awaited, within time.Duration) (*meeting, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p, is := h.opts.Policy(n)
	switch {
	case h.draining:
		return nil, ErrClosed
	case !is:
		return nil, ErrNoPoint
	case !p.Relays():
		return nil, ErrDisabled
	case len(h.meetings) >= MaxMeetings, what == aSocket && len(h.joints) >= MaxSockets:
		return nil, ErrBusy
	case within <= 0:
		return nil, ErrTimeout
	}
	l, err := h.drawn(n)
	if err != nil {
		return nil, err
	}
	m := &meeting{id: newID(), listener: l, awaits: what, end: make(chan outcome, 1)}
	h.meetings[m.id] = m
	l.meetings[m] = struct{}{}
	m.timer = time.AfterFunc(within, func() { h.conclude(m, outcome{err: ErrTimeout}) })
	return m, nil
}

// newID returns 128 random bits.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	return hex.EncodeToString(b[:])
}

// drawn returns a random one of the listeners that have room. One that is still
// coming counts only if there is no other: it may know of its socket before the hub
// does, and have said that it listens.
func (h *Hub) drawn(n namespace.Name) (*listener, error) {
	at := h.points[n.Key()]
	if at == nil {
		return nil, ErrNoListener
	}
	can := (*listener).isFree
	if !slices.ContainsFunc(at.listeners, can) {
		can = (*listener).isComing
	}
	free := 0
	for _, l := range at.listeners {
		if can(l) {
			free++
		}
	}
	if free == 0 {
		if slices.ContainsFunc(at.listeners, (*listener).isThere) {
			return nil, ErrBusy
		}
		return nil, ErrNoListener
	}
	nth := h.opts.Draw(free)
	for _, l := range at.listeners {
		if !can(l) {
			continue
		}
		if nth--; nth < 0 {
			return l, nil
		}
	}
	panic("relay: a listener less than were counted")
}

// find returns the meeting of an id, nil if there is none or it is another kind.
func (h *Hub) find(id string, fits func(*meeting) bool) *meeting {
	h.mu.Lock()
	defer h.mu.Unlock()
	if m := h.meetings[id]; m != nil && fits(m) {
		return m
	}
	return nil
}

// conclude ends a meeting. Who comes too late has what it brought thrown away, and
// is told false.
func (h *Hub) conclude(m *meeting, o outcome) bool {
	h.mu.Lock()
	first := h.remove(m)
	if first {
		m.end <- o
	}
	if _, rejected := errors.AsType[*Rejected](o.err); o.err != nil && !rejected {
		h.missed.add(m.id)
	}
	h.mu.Unlock()
	if !first {
		h.discard(o)
	}
	return first
}

// remove takes a meeting away; false: it had ended. The caller holds mu.
func (h *Hub) remove(m *meeting) bool {
	if h.meetings[m.id] != m {
		return false
	}
	delete(h.meetings, m.id)
	delete(m.listener.meetings, m)
	m.timer.Stop()
	return true
}

// leave has the sender wait no more. The listener has been told of it, and may come.
func (h *Hub) leave(m *meeting) {
	h.mu.Lock()
	h.remove(m)
	h.missed.add(m.id)
	h.mu.Unlock()
	select {
	case o := <-m.end:
		h.discard(o)
	default:
	}
}

// cancel ends a meeting of which the listener has not been told.
func (h *Hub) cancel(m *meeting) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.remove(m)
}

// A missed is the ids of the last meetings to which a listener may still come, for
// one that is refused may take it for a failure of its own.
type missed struct {
	has  map[string]struct{}
	ring []string
	next int
}

// maxMissed bounds how many there are.
const maxMissed = 10_000

func (m *missed) add(id string) {
	if m.has == nil {
		m.has = map[string]struct{}{}
	}
	if len(m.ring) < maxMissed {
		m.ring = append(m.ring, id)
	} else {
		delete(m.has, m.ring[m.next])
		m.ring[m.next] = id
		m.next = (m.next + 1) % maxMissed
	}
	m.has[id] = struct{}{}
}

// take reports whether an id is one, and forgets it.
func (m *missed) take(id string) bool {
	_, is := m.has[id]
	delete(m.has, id)
	return is
}

func (h *Hub) discard(o outcome) {
	if o.socket != nil && !h.begin(func() { o.socket.CloseWith(closeGoingAway, senderGone) }) {
		o.socket.Close()
	}
	h.giveBack(o.body)
}

// giveBack frees what a body on a control channel took of bodies.
func (h *Hub) giveBack(body []byte) { h.bodies.Release(int64(cap(body))) }
