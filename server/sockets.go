package server

import (
	"context"
	"net/http"
	"sync"

	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"
)

// sockets are those of a server that are open.
type sockets struct {
	mu     sync.Mutex       // guards all
	open   map[*socket]bool // whether the connection is a socket's already
	live   int              // of them, those at routers
	closed bool             // there will be no more
	empty  chan struct{}    // closed when the last one has gone

	// Fixed after construction.
	upgrader websocket.Upgrader // of sockets for messages
	channels websocket.Upgrader // of control channels
	relayed  websocket.Upgrader // of sockets that are relayed
	kinds    []kindOfFrame
	frames   *prometheus.CounterVec
	read     prometheus.Counter // frames of clients
	written  prometheus.Counter // frames for clients
	closings *prometheus.CounterVec
}

// newSockets returns sockets with small buffers, for they are many and most are
// idle, and without compression: it would let a small frame grow beyond the
// limit when it is inflated.
func newSockets() *sockets {
	frames := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "jitney_socket_frames_total", Help: "Messages of the WebSocket protocol, from clients (in) and for them (out).",
	}, []string{"direction"})
	upgrader := websocket.Upgrader{
		ReadBufferSize:   socketReadBuffer,
		WriteBufferSize:  socketWriteBuffer,
		WriteBufferPool:  new(sync.Pool),
		HandshakeTimeout: socketWriteTimeout,
		CheckOrigin:      func(*http.Request) bool { return true }, // guard has done it
		Error:            func(http.ResponseWriter, *http.Request, int, error) {},
	}
	channels, relayed := upgrader, upgrader
	relayed.ReadBufferSize = relayReadBuffer
	upgrader.Subprotocols = []string{subprotocol}
	return &sockets{
		open:     make(map[*socket]bool),
		empty:    make(chan struct{}),
		kinds:    kindsOfFrame(),
		upgrader: upgrader,
		channels: channels,
		relayed:  relayed,
		frames:   frames,
		read:     frames.WithLabelValues("in"),
		written:  frames.WithLabelValues("out"),
		closings: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "jitney_sockets_closed_total", Help: "Sockets that have ended, by the code of the close frame that the broker sent; 0: none.",
		}, []string{"code"}),
	}
}

// Describe describes nothing: see brokerFigures.
func (s *sockets) Describe(chan<- *prometheus.Desc) {}

// Collect is part of prometheus.Collector.
func (s *sockets) Collect(to chan<- prometheus.Metric) {
	desc := prometheus.NewDesc("jitney_sockets", "WebSockets that are open.", []string{"kind"}, nil)
	live, durable := s.counts()
	to <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(live), "live")
	to <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(durable), "durable")
	s.frames.Collect(to)
	s.closings.Collect(to)
}

// add counts a socket that is about to open: errSockets, errDraining.
func (s *sockets) add(one *socket) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errDraining
	}
	if len(s.open) >= one.server.opts.MaxSockets {
		return errSockets
	}
	s.open[one] = false
	s.count(one, 1)
	return nil
}

// opened notes that the connection of a socket that was added is its own.
func (s *sockets) opened(one *socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[one] = true
}

func (s *sockets) remove(one *socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, one)
	s.count(one, -1)
	if s.closed && len(s.open) == 0 {
		close(s.empty)
	}
}

func (s *sockets) count(one *socket, n int) {
	if one.router != nil {
		s.live += n
	}
}

// counts returns how many sockets are live subscribers, and how many others there are.
func (s *sockets) counts() (live, durable int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live, len(s.open) - s.live
}

// shut returns when all sockets have ended, which they begin to when the server
// drains; those that have not when ctx ends are cut off.
func (s *sockets) shut(ctx context.Context) {
	s.mu.Lock()
	if !s.closed && len(s.open) == 0 {
		close(s.empty)
	}
	s.closed = true
	s.mu.Unlock()
	select {
	case <-s.empty:
		return
	case <-ctx.Done():
	}
	s.cutOff()
	<-s.empty
}

func (s *sockets) cutOff() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for one, opened := range s.open {
		if one.kill(); opened {
			_ = one.conn.Close()
		}
	}
}
