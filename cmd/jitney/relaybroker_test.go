package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/jitney-mq/jitney/broker"
	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/server"
)

// newRelayBroker starts a broker and returns its URL.
func newRelayBroker(t *testing.T) string {
	t.Helper()
	url, _ := newRelayBrokers(t, false)
	return url
}

// newRelayBrokers starts a broker that may have a relaying address too.
func newRelayBrokers(t *testing.T, relays bool) (url, relay string) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	b, err := broker.Open(context.Background(), broker.Options{Dir: t.TempDir(), MinFree: -1, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	s := server.New(b, server.Options{Logger: log})
	ctx, end := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serve := func(serve func(context.Context, net.Listener) error) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		serving.Go(func() {
			if err := serve(ctx, l); err != nil {
				t.Error(err)
			}
		})
		return "http://" + l.Addr().String()
	}
	t.Cleanup(func() {
		end()
		serving.Wait()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	if relays {
		relay = serve(s.ServeRelay)
	}
	return serve(s.Serve), relay
}

// said is what a command has written so far.
type said struct {
	mu   sync.Mutex
	text strings.Builder
	news chan struct{} // holds a signal
}

func newSaid() *said { return &said{news: make(chan struct{}, 1)} }

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.news <- struct{}{}:
	default:
	}
	return s.text.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// await waits until the command has written something.
func (s *said) await(t *testing.T, text string) {
	t.Helper()
	patience := time.After(10 * time.Second)
	for !strings.Contains(s.String(), text) {
		select {
		case <-s.news:
		case <-patience:
			t.Fatalf("got %q, and not %q", s, text)
		}
	}
}

// listen runs jitney relay listen until the test's end, and returns what it
// writes.
func relayTo(t *testing.T, broker, name, to string, also func(*relayListen)) (stdout, stderr *said) {
	t.Helper()
	stdout, stderr = newSaid(), newSaid()
	l := relayListen{env: &env{stdout: stdout, stderr: stderr, url: broker}, to: to}
	if also != nil {
		also(&l)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.run(ctx, name) }()
	t.Cleanup(func() {
		cancel(errInterrupted)
		if err := <-ended; err != nil {
			t.Errorf("relay listen: %v", err)
		}
	})
	stdout.await(t, "\n")
	return stdout, stderr
}

// dialRelay opens a sender's socket. A listener knows that it is one a little
// before the broker does.
func dialRelay(t *testing.T, broker, name string, header http.Header, subprotocols ...string) (conn *websocket.Conn, err error) {
	t.Helper()
	c, err := client.New(client.Options{URL: broker})
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		conn, err = c.DialRelay(t.Context(), name, header, subprotocols...)
		refused, ok := errors.AsType[*client.Error](err)
		if !ok || !strings.HasSuffix(refused.Document.Type, "no-listener") {
			break
		}
	}
	if err == nil {
		t.Cleanup(func() { _ = conn.Close() })
	}
	return conn, err
}
