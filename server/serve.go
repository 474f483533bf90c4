package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
)

// Serve answers requests on the connections of l until ctx ends or l fails,
// and closes l. When ctx ends it takes no more connections, has everybody who
// waits answered, and gives the requests that are under way ten seconds to
// come to an end; meanwhile new ones on open connections are answered 503.
// Then it closes what is left. The broker stays open, but nobody can wait at
// it any more.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	h := s.newHTTPServer(s)
	err := serveUntil(ctx, h, l)
	return errors.Join(err, s.shutdown(h))
}

// ServeRelay is Serve for connections on which requests are relayed and nothing
// else: an origin of its own for pages of others [L5]. It ends with the requests
// that are under way, or cuts them off; the connection points stay.
func (s *Server) ServeRelay(ctx context.Context, l net.Listener) error {
	if at, ok := l.Addr().(*net.TCPAddr); ok {
		s.relay.Store(int64(at.Port))
	}
	h := s.newHTTPServer(http.HandlerFunc(s.serveRelay))
	err := serveUntil(ctx, h, l)
	ending, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	if end := h.Shutdown(ending); !errors.Is(end, context.DeadlineExceeded) {
		return errors.Join(err, end)
	}
	return errors.Join(err, h.Close())
}

func (s *Server) newHTTPServer(to http.Handler) *http.Server {
	return &http.Server{
		Handler:           to,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		WriteTimeout:      replyTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

// serveUntil serves until ctx ends, or until serving fails.
func serveUntil(ctx context.Context, h *http.Server, l net.Listener) error {
	failed := make(chan error, 1)
	go func() { failed <- h.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		_ = l.Close() // nothing depends on it
		<-failed
		return nil
	}
}

// shutdown ends h as Serve says. That requests had to be cut off is not an
// error, but worth a word.
func (s *Server) shutdown(h *http.Server) error {
	s.drain()
	s.broker.Drain()
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	s.sockets.shut(ctx)
	s.awaitIdle(ctx) // http.Server.Shutdown would leave new requests without an answer
	s.broker.Relay().Close()
	err := h.Shutdown(ctx)
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	s.log.Warn("requests were cut off by the shutdown", "count", s.active.Load())
	return h.Close()
}

// awaitIdle returns when no request is under way, or when ctx ends.
func (s *Server) awaitIdle(ctx context.Context) {
	for s.active.Load() > 0 && ctx.Err() == nil {
		select {
		case <-s.idle:
		case <-ctx.Done():
		}
	}
}
