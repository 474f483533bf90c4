// Package relay passes requests and sockets on to listeners that cannot be
// reached: each opens a control channel to the broker and is told there what
// senders want of its connection point. The wire is that of Azure Relay's Hybrid
// Connections (package control).
//
// Nothing is stored. What a sender sends is with the listener or it is nowhere.
package relay

import (
	"context"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"

	"golang.org/x/sync/semaphore"

	"github.com/jitney-mq/jitney/namespace"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/relay/duplex"
)

// Limits of what senders and listeners can make a hub do at one time. Beyond them
// it is ErrBusy.
const (
	MaxListeners = 10_000   // control channels
	MaxSockets   = 10_000   // senders' sockets that are joined to a listener's
	MaxMeetings  = 10_000   // requests and sockets that wait for their listener
	MaxInFlight  = 1_000    // of them, those of one listener
	MaxBodies    = 64 << 20 // bytes of responses that came on control channels and are not read yet
)

// Options say how a hub is made. The zero value of a field but Policy is its default.
type Options struct {
	// Policy returns the policy of a connection point, as it is in force; false: the
	// name is none. It is called while the hub is locked.
	Policy func(namespace.Name) (policy.ConnectionPoint, bool)
	// Opened is called, in a goroutine of its own, when somebody listens at a
	// connection point where nobody did; nil: nobody is interested.
	Opened func(namespace.Name)
	Draw   func(n int) int // a random number below n; default rand.IntN
	Logger *slog.Logger    // default slog.Default()
}

// A Hub is where senders and listeners meet. Its methods may be called from any
// goroutine.
type Hub struct {
	opts   Options
	bodies *semaphore.Weighted
	work   sync.WaitGroup // goroutines; Add only while mu is held and closed is false
	totals totals
	ending context.Context // ends when Close begins
	end    context.CancelFunc

	mu        sync.Mutex          // guards what follows
	points    map[string]*point   // by the key of their name; those that have listeners
	meetings  map[string]*meeting // by their id
	missed    missed              // of those that have ended
	joints    map[*joint]struct{} // senders' sockets
	listeners int                 // of all points
	draining  bool                // no sender and no listener is let in any more
	closed    bool                // nothing is begun any more
}

// A joint is a sender's socket at a connection point.
type joint struct {
	*duplex.Joint
	at namespace.Name
}

// A point is the listeners of one connection point.
type point struct {
	listeners []*listener
}

// New makes a hub.
func New(o Options) *Hub {
	if o.Draw == nil {
		o.Draw = rand.IntN
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	ending, end := context.WithCancel(context.Background())
	return &Hub{
		ending:   ending,
		end:      end,
		opts:     o,
		bodies:   semaphore.NewWeighted(MaxBodies),
		points:   map[string]*point{},
		meetings: map[string]*meeting{},
		joints:   map[*joint]struct{}{},
	}
}

// Listens reports whether somebody listens at a connection point.
func (h *Hub) Listens(n namespace.Name) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.listens(n)
}

// listens is Listens for who holds mu.
func (h *Hub) listens(n namespace.Name) bool {
	at := h.points[n.Key()]
	return at != nil && slices.ContainsFunc(at.listeners, func(l *listener) bool { return l.socket != nil })
}

// spawn runs fn in a goroutine that Close waits for, unless it has been called.
// The caller holds mu.
func (h *Hub) spawn(fn func()) bool {
	if h.closed {
		return false
	}
	h.work.Go(fn)
	return true
}

// begin is spawn for who does not hold mu.
func (h *Hub) begin(fn func()) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.spawn(fn)
}

// Changed has a connection point follow its policy, which has been changed or
// taken away: whoever may not be there any more is told to go.
func (h *Hub) Changed(n namespace.Name) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p, is := h.opts.Policy(n)
	may := 0
	if is && p.Listens() {
		may = p.MaxListeners
	}
	if at := h.points[n.Key()]; at != nil && len(at.listeners) > may {
		for _, l := range at.listeners[may:] {
			if !is {
				h.disappoint(ErrListenerGone, slices.Collect(maps.Keys(l.meetings))...)
			}
			h.dismiss(l, closeGoingAway, dismissal(is))
		}
	}
	if is && (p.Listens() || p.Relays()) {
		return
	}
	for j := range h.joints {
		if j.at.Equal(n) {
			j.End(closeGoingAway, dismissal(is))
		}
	}
}

// disappoint ends meetings with an error. The caller holds mu.
func (h *Hub) disappoint(err error, meetings ...*meeting) {
	for _, m := range meetings {
		if h.remove(m) {
			m.end <- outcome{err: err}
			h.missed.add(m.id)
		}
	}
}

func dismissal(is bool) string {
	if is {
		return "the connection point's policy has changed"
	}
	return "the connection point is gone"
}

// Drain lets nobody in any more, and has those who wait for a listener's socket
// told so. Requests that a listener has go on.
func (h *Hub) Drain() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.draining = true
	for _, m := range h.meetings {
		if m.awaits == aSocket {
			h.disappoint(ErrClosed, m)
		}
	}
}

// Close ends all control channels and sockets, and returns when nothing of the hub
// is left: after at most twice duplex.CloseTimeout for those who do not answer.
func (h *Hub) Close() {
	h.Drain()
	h.end()
	h.mu.Lock()
	for _, p := range h.points {
		for _, l := range p.listeners {
			h.dismiss(l, closeGoingAway, shuttingDown)
		}
	}
	for j := range h.joints {
		j.End(closeGoingAway, shuttingDown)
	}
	for _, m := range h.meetings {
		h.disappoint(ErrClosed, m)
	}
	h.closed = true
	h.mu.Unlock()
	h.work.Wait()
}

const (
	closeGoingAway = 1001 // RFC 6455, 7.4.1
	shuttingDown   = "the broker is shutting down"
	senderGone     = "the sender is gone"
)
