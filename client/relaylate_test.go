package client_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/relay/control"
)

// A fakeBroker is the broker's end of one control channel, over a pipe.
type fakeBroker struct {
	*testing.T
	*websocket.Conn
	handle http.HandlerFunc // the listener's
}

// atFakeBroker listens at a broker in a bubble, and runs a test at that end.
func atFakeBroker(t *testing.T, test func(*fakeBroker)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		listener := &onePipe{conn: ours, closed: make(chan struct{})}
		channels := make(chan *websocket.Conn, 1)
		broker := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if conn, err := new(websocket.Upgrader).Upgrade(w, r, nil); err == nil {
				channels <- conn
			}
		})}
		var serving sync.WaitGroup
		serving.Go(func() { _ = broker.Serve(listener) })
		c, err := client.New(client.Options{URL: "http://broker.example", HTTPClient: &http.Client{Transport: &http.Transport{
			DialContext: func(context.Context, string, string) (net.Conn, error) { return theirs, nil },
		}}})
		if err != nil {
			t.Fatal(err)
		}
		b := &fakeBroker{T: t}
		ctx, cancel := context.WithCancel(context.Background())
		serving.Go(func() {
			h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { b.handle(w, r) })
			_ = c.ListenRelay("/wiki", client.RelayOptions{Logger: slog.New(slog.DiscardHandler)}).Serve(ctx, client.RelayHandler{HTTP: h})
		})
		b.Conn = <-channels
		test(b)
		cancel()
		_ = b.Conn.Close()
		_ = broker.Close()
		serving.Wait()
	})
}

// onePipe is a net.Listener with one connection.
type onePipe struct {
	conn   net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *onePipe) Accept() (conn net.Conn, err error) {
	if conn, p.conn = p.conn, nil; conn != nil {
		return conn, nil
	}
	<-p.closed
	return nil, net.ErrClosed
}
func (p *onePipe) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *onePipe) Addr() net.Addr { return new(net.TCPAddr) }

func (b *fakeBroker) send(id string) {
	b.Helper()
	err := b.WriteJSON(control.Message{Request: &control.RequestMessage{ID: id, Method: "GET", Target: "/wiki/" + id, Address: "ws://broker.example/$hc/wiki?sb-hc-action=request&sb-hc-id=" + id}})
	if err != nil {
		b.Fatal(err)
	}
}

// A request that nothing has begun to answer is given up when the broker gives it up,
// which does not say so.
func TestRelayedRequestIsGivenUp(t *testing.T) {
	atFakeBroker(t, func(b *fakeBroker) {
		ended := make(chan time.Duration, 1)
		b.handle = func(_ http.ResponseWriter, r *http.Request) {
			begun := time.Now()
			<-r.Context().Done()
			ended <- time.Since(begun)
		}
		b.send("1")
		go func() { _, _, _ = b.ReadMessage() }() // pings
		if took := <-ended; took != control.ResponseTimeout {
			b.Errorf("it was given up after %v, want %v", took, control.ResponseTimeout)
		}
	})
}

// A response that is whole leaves at once and over the control channel, though its
// handler goes on.
func TestRelayedResponseThatIsWhole(t *testing.T) {
	atFakeBroker(t, func(b *fakeBroker) {
		over := make(chan error, 1)
		b.handle = func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "5")
			_, _ = io.WriteString(w, "whole")
			w.(http.Flusher).Flush()
			time.Sleep(2 * control.ResponseTimeout)
			over <- r.Context().Err()
		}
		b.send("1")
		var m control.Message
		if err := b.ReadJSON(&m); err != nil || m.Response == nil || m.Response.RequestID != "1" || !m.Response.Body {
			b.Fatalf("%+v, %v", m.Response, err)
		}
		if _, body, err := b.ReadMessage(); err != nil || string(body) != "whole" {
			b.Errorf("%q, %v", body, err)
		}
		go func() { _, _, _ = b.ReadMessage() }() // pings
		if err := <-over; err != nil {
			b.Errorf("meanwhile it was ended: %v", err)
		}
	})
}
