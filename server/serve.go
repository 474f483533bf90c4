package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
)

// Serve answers requests on the connections of l until ctx ends or l fails,
// and closes l. When ctx ends it takes no more connections, answers new
// requests on those it has 503, has everybody who waits answered, gives the
// rest ten seconds to come to an end, and then cuts it off. The broker stays
// open but nobody can wait at it any more.
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
	select {
	case err := <-failed:
		return errors.Join(err, s.shutdown(h))
	case <-ctx.Done():
		err := s.shutdown(h)
		<-failed
		return err
	}
}

// shutdown ends h as Serve says. That some requests had to be cut off is not
// an error, but worth a word.
func (s *Server) shutdown(h *http.Server) error {
	s.drain()
	s.broker.Drain()
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	err := h.Shutdown(ctx)
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	s.log.Warn("requests were cut off by the shutdown", "count", s.active.Load())
	return h.Close()
}
