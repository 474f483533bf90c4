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
	h := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		WriteTimeout:      replyTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- h.Serve(l) }()
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
		_ = l.Close() // nothing depends on it
		<-failed
	}
	return errors.Join(err, s.shutdown(h))
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
