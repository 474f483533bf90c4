// Package server is the broker's HTTP face: it takes a request apart, makes
// one call of the broker, and writes what came of it.
package server

import (
	"context"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gorilla/mux"
	"golang.org/x/sync/semaphore"

	"github.com/jitney-mq/jitney/broker"
)

// Options says how a broker is served. The zero value of a field is its default.
type Options struct {
	Hosts         []string     // what clients may call the broker by, besides loopback names and addresses
	Origins       []string     // the origins of web pages that may use the broker, such as https://shop.example
	MaxRequests   int          // requests under way at one time; default maxRequests
	MaxWaiting    int          // receivers that wait at one time; default maxWaiting
	MaxSockets    int          // WebSockets open at one time; default maxSockets
	Version       string       // as /-/info shows it
	Configuration string       // a digest of what the broker was started with, as /-/info shows it
	Logger        *slog.Logger // default slog.Default()
}

func (o Options) withDefaults() Options {
	if o.MaxRequests == 0 {
		o.MaxRequests = maxRequests
	}
	if o.MaxWaiting == 0 {
		o.MaxWaiting = maxWaiting
	}
	if o.MaxSockets == 0 {
		o.MaxSockets = maxSockets
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}

// A Server answers HTTP requests with what a broker says. Its methods may be
// called from any goroutine.
type Server struct {
	// Fixed after construction.
	broker     *broker.Broker
	opts       Options
	log        *slog.Logger
	startedAt  time.Time
	guard      guard
	routes     []route
	relayRoute *route // one of routes
	entrance   *mux.Router
	metrics    *metrics
	ids        ids
	sockets    *sockets
	refusals   refusals

	relay    atomic.Int64        // port of ServeRelay's listener; 0: there is none
	active   atomic.Int64        // requests under way
	waiting  atomic.Int64        // receivers that may wait
	bodies   *semaphore.Weighted // bytes of request bodies in memory
	replies  *semaphore.Weighted // bytes of messages that are written as JSON
	draining context.Context     // ends when the server shuts down
	drain    context.CancelFunc
	idle     chan struct{} // holds a signal that active was 0 while draining
}

// New makes a server of a broker that stays open for as long as the server is used.
func New(b *broker.Broker, opts Options) *Server {
	s := &Server{
		broker:    b,
		opts:      opts.withDefaults(),
		startedAt: b.Info().StartedAt,
		guard:     newGuard(opts.Hosts, opts.Origins),
		ids:       newIDs(),
		sockets:   newSockets(),
		bodies:    semaphore.NewWeighted(maxBodyMemory),
		replies:   semaphore.NewWeighted(maxReplyMemory),
		idle:      make(chan struct{}, 1),
	}
	s.log = s.opts.Logger
	s.draining, s.drain = context.WithCancel(context.Background())
	s.routes = routeTable()
	s.metrics = newMetrics(s)
	for i := range s.routes {
		t := &s.routes[i]
		t.meter = s.metrics.meter(t.label)
		if t.label == relayLabel {
			s.relayRoute = t
		}
	}
	s.entrance = s.newEntrance()
	return s
}

// newEntrance is where a request turns to the broker's own area or to the
// namespace. Names are split before they are decoded, so the router must
// neither decode nor clean the path [N1].
func (s *Server) newEntrance() *mux.Router {
	entrance := mux.NewRouter().UseEncodedPath().SkipClean(true)
	entrance.MatcherFunc(inNamespace).HandlerFunc(serve((*exchange).inNamespace))
	area := func(path string, h handler) { entrance.Path(path).HandlerFunc(serve(s.reading(path, h))) }
	area("/-/livez", (*exchange).livez)
	area("/-/readyz", (*exchange).readyz)
	area("/-/metrics", (*exchange).scrape)
	area("/-/info", (*exchange).info)
	area("/-/jitney.js", (*exchange).module)
	entrance.NotFoundHandler = serve(func(*exchange) error { return errNoResource })
	return entrance
}

func inNamespace(r *http.Request, _ *mux.RouteMatch) bool { return !inArea(r) }

// inArea reports whether a request is for the broker's own area.
func inArea(r *http.Request) bool {
	path := r.URL.RawPath
	if path == "" {
		path = r.URL.Path
	}
	return strings.HasPrefix(path, "/-/")
}

// A handler answers a request, or returns the error that is to be answered.
type handler func(*exchange) error

// serve makes an http.HandlerFunc of a handler. What it is given as a
// ResponseWriter is an exchange, for ServeHTTP is the only way here.
func serve(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		x := w.(*exchange)
		if err := h(x); err != nil {
			x.fail(err)
		}
	}
}

// reading makes a resource of the broker's own area of h, which changes nothing.
func (s *Server) reading(path string, h handler) handler {
	t := &compile([]route{{label: path, methods: methods{"GET": h}}})[0]
	t.meter = s.metrics.meter(path)
	return func(x *exchange) error {
		x.route = t
		if isUpgrade(x.r) {
			return errNoSocket
		}
		return x.dispatch()
	}
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.answer(s.newExchange(w, r))
}

// serveRelay answers one request that is relayed, or none.
func (s *Server) serveRelay(w http.ResponseWriter, r *http.Request) {
	x := s.newExchange(w, r)
	x.relayOnly = true
	s.answer(x)
}

func (s *Server) answer(x *exchange) {
	defer x.finish()
	defer x.recover()
	if err := s.admit(x); err != nil {
		x.fail(err)
		return
	}
	if x.relayOnly {
		serve((*exchange).inRelay)(x, x.r)
		return
	}
	var match mux.RouteMatch
	s.entrance.Match(x.r, &match) // there is a handler for whatever matches nothing
	match.Handler.ServeHTTP(x, x.r)
}

// admit decides whether a request is looked at at all.
func (s *Server) admit(x *exchange) error {
	limit := int64(s.opts.MaxRequests)
	if inArea(x.r) {
		limit += reservedRequests
	}
	switch {
	case s.draining.Err() != nil && !isVisit(x):
		return errDraining
	case s.active.Load() > limit:
		return errTooMany
	}
	return s.guard.check(x)
}

// recover answers a request whose handler panicked, unless the reply has begun or
// is to be broken off: then the connection ends.
func (x *exchange) recover() {
	err := recover()
	if err == nil {
		return
	}
	if err != http.ErrAbortHandler {
		x.server.log.Error("a handler panicked", "request", x.id, "panic", err, "stack", string(debug.Stack()))
	}
	if err == http.ErrAbortHandler || x.status != 0 {
		panic(http.ErrAbortHandler)
	}
	x.fail(errPanicked)
}
