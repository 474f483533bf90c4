package server

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/jitney-mq/jitney/broker"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/problem"
	"github.com/jitney-mq/jitney/queue"
	"github.com/jitney-mq/jitney/router"
)

// subprotocol is what is spoken over sockets [S9].
const subprotocol = "jitney.push.v1"

// A socket is a WebSocket at a name: a live subscriber of a router, or a
// receiver of a queue for as long as it lasts, and a sender to both.
//
//	client → read → lane of sends       → outbox → write → client
//	              → lane of settlements ↗  ↑
//	              → credit → receive ──────┘  (of a live subscriber: its listener)
//
// Two goroutines carry it, read and write; a lane or a receive has one while it
// has work. What is read while a commit is under way is the next commit.
type socket struct {
	// Fixed after construction.
	server   *Server
	conn     *websocket.Conn
	id       string // as in X-Request-Id
	queue    *queue.Queue
	sub      queue.SubQueue
	router   *router.Router   // nil unless the socket is at a router itself
	listener *router.Listener // of the router
	to       destination      // nil for what takes no messages
	locks    string           // what the URIs of locks begin with

	live     context.Context // ends when the client has gone
	kill     context.CancelFunc
	taking   context.Context // ends when no more messages are to be delivered
	takeNone context.CancelFunc
	work     sync.WaitGroup // lanes and receives

	frames  chan struct{} // a place for each frame that is not yet answered
	news    chan struct{} // holds one signal: there is something to write
	ending  chan struct{} // closed by end
	read    chan struct{} // closed when nothing more is read
	written chan struct{} // closed when nothing more is written

	// Owned by the reader.
	controls controls
	within   bool // a frame has begun

	fullSince time.Time // owned by the lane of sends: when the last one began that found no room

	mu          sync.Mutex // guards what follows
	why         *closing   // nil until end
	replies     [][]byte
	deliveries  []*queue.Delivery // received, and not yet written
	receiving   bool              // a receive is under way
	window      window
	sends       lane
	settlements lane
}

// A closing is how a socket ends: what the close frame says.
type closing struct {
	code     int
	reason   string
	gone     bool // there is nobody to tell
	byClient bool // the client has closed the socket, with this code
}

// openSocket makes a socket of a request at a queue, a subscription, one of
// their dead-letter queues, or a router [S9].
func (x *exchange) openSocket() error {
	if err := x.checkSocket(); err != nil {
		return err
	}
	if err := x.checkHandshake(); err != nil {
		return err
	}
	s := x.newSocket()
	if err := x.server.sockets.add(s); err != nil {
		return err
	}
	if err := s.open(x); err != nil {
		s.kill()
		x.server.sockets.remove(s)
		return err
	}
	go s.reading()
	go s.writing()
	return nil
}

var errNoSocket = problem.NewField("Upgrade", "websocket",
	"no upgrade: sockets are at queues, subscriptions, their dead-letter queues, routers and connection points")

// checkSocket refuses what has no sockets.
func (x *exchange) checkSocket() error {
	switch {
	case x.r.Method != http.MethodGet:
		return problem.NewField("Upgrade", "websocket", "a GET")
	case x.entry == nil:
		return fmt.Errorf("%w: %s", broker.ErrNoRole, x.name)
	case x.queue == nil:
		return fmt.Errorf("%w: %s has no messages", broker.ErrWrongRole, x.name)
	case len(x.route.words) > 0:
		return errNoSocket
	}
	return nil
}

// checkHandshake checks the opening handshake of a socket for messages.
func (x *exchange) checkHandshake() error {
	if err := x.checkUpgrade(); err != nil {
		return err
	}
	if offered := websocket.Subprotocols(x.r); len(offered) > 0 && !slices.Contains(offered, subprotocol) {
		return problem.NewField("Sec-WebSocket-Protocol", strings.Join(offered, ", "), "%s among them", subprotocol)
	}
	return nil
}

// checkUpgrade checks an opening handshake (RFC 6455, 4.2.1). The origin has
// been looked at before [N7]; extensions are not accepted, whatever is offered.
func (x *exchange) checkUpgrade() error {
	h := x.r.Header
	if x.r.Method != http.MethodGet || !isUpgrade(x.r) {
		return problem.NewField("Upgrade", strings.Join(h["Upgrade"], ", "), "websocket, and a GET")
	}
	if !hasToken(h["Connection"], "upgrade") {
		return problem.NewField("Connection", strings.Join(h["Connection"], ", "), "Upgrade")
	}
	if v := h.Get("Sec-WebSocket-Version"); v != "13" {
		x.Header().Set("Sec-WebSocket-Version", "13")
		return fmt.Errorf("%w: %w", errVersion, problem.NewField("Sec-WebSocket-Version", v, "13"))
	}
	key := h.Get("Sec-WebSocket-Key")
	if b, err := base64.StdEncoding.DecodeString(key); err != nil || len(b) != 16 {
		return problem.NewField("Sec-WebSocket-Key", key, "16 bytes in base64")
	}
	if x.r.ContentLength != 0 {
		return problem.NewField("body", "", "none")
	}
	return nil
}

func hasToken(lists []string, token string) bool {
	for _, list := range lists {
		for part := range strings.SplitSeq(list, ",") {
			if strings.EqualFold(strings.TrimSpace(part), token) {
				return true
			}
		}
	}
	return false
}

func (x *exchange) newSocket() *socket {
	s := &socket{
		server: x.server, id: x.id, queue: x.queue, sub: x.sub, to: x.to,
		frames: make(chan struct{}, maxSocketFrames), news: make(chan struct{}, 1),
		ending: make(chan struct{}), read: make(chan struct{}), written: make(chan struct{}),
	}
	s.locks = schemeOf(x.r) + "://" + x.r.Host + x.queuePath() + "/messages/"
	s.live, s.kill = context.WithCancel(context.Background())
	s.taking, s.takeNone = context.WithCancel(s.live)
	if x.sub == queue.Main {
		s.router = x.router
	}
	return s
}

// open takes the connection over. A live subscriber gets what is sent from
// before the client is told that it is one.
func (s *socket) open(x *exchange) (err error) {
	if s.router != nil {
		if s.listener, err = s.router.Listen(); err != nil {
			return err
		}
	}
	if s.conn, err = s.server.sockets.upgrader.Upgrade(x.ResponseWriter, x.r, x.Header()); err != nil {
		if s.listener != nil {
			s.listener.Close()
		}
		return fmt.Errorf("%w: %w", errUnread, err) // everything else has been checked
	}
	x.status = http.StatusSwitchingProtocols
	s.server.sockets.opened(s)
	s.conn.SetCloseHandler(func(int, string) error { return nil }) // the writer answers it, when all else is answered
	s.conn.SetPingHandler(s.pinged)
	s.conn.SetPongHandler(s.ponged)
	return nil
}

// sendsToAll reports whether the socket is at a router that sends to all: such
// a subscriber needs no credit.
func (s *socket) sendsToAll() bool {
	return s.listener != nil && s.router.Policy().Distribution == policy.ToAll
}

// end has the socket come to its end, unless it does already.
func (s *socket) end(why closing) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.why != nil {
		return
	}
	s.why = &why
	close(s.ending)
	s.takeNone()
	if why.gone {
		s.kill()
		_ = s.conn.Close() // the writer may be at it
		return
	}
	_ = s.conn.SetReadDeadline(time.Unix(1, 0))
}

func (s *socket) isEnding() bool {
	select {
	case <-s.ending:
		return true
	default:
		return false
	}
}
