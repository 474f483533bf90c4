package bench

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
)

const httpConns = 64

func measureHTTP(ctx context.Context, s *stage) error {
	ours, bare, err := s.compare(ctx, httpConns, OpenHTTP, OpenBareHTTP)
	if err != nil {
		return err
	}
	s.report.add(ours.withRate(0.75, "64 connections", "bare net/http and bbolt", bare)...)
	return nil
}

// posts are connections each of which posts messages, the same way to both sides.
type posts struct {
	conns
	requests [][]byte // with a body at the end
}

func dialPosts(ctx context.Context, address string, callers int) (posts, error) {
	conns, err := dialAll(ctx, address, callers)
	p := posts{conns, make([][]byte, callers)}
	for i, body := range newBodies(callers) {
		p.requests[i] = append(requestHead("POST", "/bench/messages", "text/plain", bodySize), body...)
	}
	return p, err
}

// post sends the next message of a ledger.
func (p *posts) post(l *Ledger, caller int) error {
	request := p.requests[caller]
	l.Stamp(request[len(request)-bodySize:])
	status, err := p.conns[caller].exchange(request)
	if err != nil {
		return err
	}
	return want(http.StatusCreated, status)
}

// httpSubject has callers send over HTTP.
type httpSubject struct {
	*sendSubject
	posts posts
}

// OpenHTTP opens a broker whose callers send over a connection each.
func OpenHTTP(ctx context.Context, dir string, callers int) (Subject, error) {
	s, err := openSend(ctx, dir, callers)
	if err != nil {
		return nil, err
	}
	address, err := s.listen()
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	p, err := dialPosts(ctx, address, callers)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return &httpSubject{s, p}, nil
}

// Do sends a message.
func (h *httpSubject) Do(_ context.Context, caller int) error { return h.posts.post(&h.ledger, caller) }

// Close ends everything.
func (h *httpSubject) Close() error { return errors.Join(h.posts.Close(), h.sendSubject.Close()) }

// bareHTTP is the least that a durable queue behind net/http can do.
type bareHTTP struct {
	*Bare
	server  http.Server
	serving sync.WaitGroup
	posts   posts
	ledger  Ledger
}

// OpenBareHTTP opens the bare limit of what callers with a connection each can do.
func OpenBareHTTP(ctx context.Context, dir string, callers int) (Subject, error) {
	b, err := NewBare(dir)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	h := &bareHTTP{Bare: b}
	h.server.Handler = h
	h.serving.Go(func() { _ = h.server.Serve(l) }) // it ends with ErrServerClosed
	if h.posts, err = dialPosts(ctx, l.Addr().String(), callers); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

// ServeHTTP puts the body of a request.
func (h *bareHTTP) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := make([]byte, r.ContentLength)
	_, err := io.ReadFull(r.Body, body)
	if err == nil {
		err = h.Put(body)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusCreated)
}

// Do sends a message.
func (h *bareHTTP) Do(_ context.Context, caller int) error { return h.posts.post(&h.ledger, caller) }

// Check counts the values.
func (h *bareHTTP) Check(context.Context) error { return h.checkCount(h.ledger.sent.Load()) }

// Close ends everything.
func (h *bareHTTP) Close() error {
	err := errors.Join(h.posts.Close(), h.server.Close())
	h.serving.Wait()
	return errors.Join(err, h.Bare.Close())
}
