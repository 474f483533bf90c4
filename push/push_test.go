package push_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/problem"
	"github.com/jitney-mq/jitney/push"
)

// TestMain finds goroutines that a call, whatever its endpoint did, left behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	origin = "broker.example"

	// short is the timeout of a call whose endpoint never ends it, and long the
	// one of a call that is expected to succeed.
	short = 300 * time.Millisecond
	long  = 20 * time.Second

	// slack is how much longer than its timeout a call may take on a machine
	// that has other things to do.
	slack = 10 * time.Second
)

// newClient returns a client that may reach what the rules say.
func newClient(t testing.TB, o push.Options, allow ...string) *push.Client {
	t.Helper()
	for _, text := range allow {
		rule, err := push.ParseRule(text)
		if err != nil {
			t.Fatal(err)
		}
		o.Allow = append(o.Allow, rule)
	}
	if o.Origin == "" {
		o.Origin = origin
	}
	c, err := push.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// order is a message with a body.
func order() *message.Received {
	return &message.Received{Message: &message.Message{ID: "1", ContentType: "text/plain", Body: []byte("hello")}}
}

// send pushes a message within the long timeout.
func send(c *push.Client, url string) push.Result {
	return c.Push(context.Background(), push.Endpoint{URL: url, Timeout: long}, "msg_1", order(), nil)
}

// serve answers with a handler on a socket.
func serve(t testing.TB, h http.HandlerFunc) *httptest.Server {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// listen runs a function for each connection to an address and returns the
// address that came of it. The test waits for the function to return; its
// connection is closed by then.
func listen(t testing.TB, address string, each func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	s := &sink{each: each, open: map[net.Conn]bool{}}
	s.Go(func() { s.accept(l) })
	t.Cleanup(func() {
		_ = l.Close()
		s.closeAll()
		s.Wait()
	})
	return l.Addr().String()
}

// sink is an endpoint without HTTP.
type sink struct {
	sync.WaitGroup
	each func(net.Conn)
	mu   sync.Mutex // guards what follows
	open map[net.Conn]bool
	over bool
}

func (s *sink) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		s.Go(func() {
			defer c.Close()
			if s.add(c) {
				s.each(c)
			}
		})
	}
}

func (s *sink) add(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[c] = true
	return !s.over
}

func (s *sink) closeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	for c := range s.open {
		_ = c.Close()
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	t.Run("EndsCalls", func(t *testing.T) {
		t.Parallel()
		arrived := make(chan struct{})
		s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // else the server does not notice that the client has gone
			close(arrived)
			<-r.Context().Done()
		})
		c := newClient(t, push.Options{}, "127.0.0.1")
		result := make(chan push.Result)
		go func() { result <- send(c, s.URL) }()
		<-arrived
		c.Close()
		if r := <-result; r.Verdict != push.Retry || !errors.Is(r.Err, push.ErrClosed) || !r.Sent {
			t.Errorf("the call that Close ended: %+v", r)
		}
	})
	t.Run("Later", func(t *testing.T) {
		t.Parallel()
		c := newClient(t, push.Options{}, "127.0.0.1")
		c.Close()
		c.Close()
		if r := send(c, "http://127.0.0.1:9/"); !errors.Is(r.Err, push.ErrClosed) || r.Sent {
			t.Errorf("a push after Close: %+v", r)
		}
		if err := c.Consent(context.Background(), push.Endpoint{URL: "http://127.0.0.1:9/"}); !errors.Is(err, push.ErrClosed) {
			t.Errorf("a consent after Close: %v", err)
		}
	})
}

func TestContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		cancel()
		<-r.Context().Done()
	})
	c := newClient(t, push.Options{}, "127.0.0.1")
	r := c.Push(ctx, push.Endpoint{URL: s.URL}, "msg_1", order(), nil)
	if r.Verdict != push.Retry || !errors.Is(r.Err, context.Canceled) || !r.Sent {
		t.Errorf("a push that was cancelled: %+v", r)
	}
}

// TestReuse holds that a connection serves again when the answer's body is
// small, and is closed when it is not.
func TestReuse(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ bytes, conns int }{
		"NoBody": {0, 1}, "Small": {64<<10 - 1, 1}, "Large": {64<<10 + 1, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var conns atomic.Int64
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write(make([]byte, test.bytes))
			}))
			s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
				if state == http.StateNew {
					conns.Add(1)
				}
			}
			s.Start()
			t.Cleanup(s.Close)
			c := newClient(t, push.Options{}, "127.0.0.1")
			for range 3 {
				if r := send(c, s.URL); r.Verdict != push.Delivered {
					t.Fatalf("push: %+v", r)
				}
			}
			if got := conns.Load(); got != int64(test.conns) {
				t.Errorf("3 pushes took %d connections, want %d", got, test.conns)
			}
		})
	}
}

// TestDrain holds that a body that does not end is not waited for as long as
// an answer is.
func TestDrain(t *testing.T) {
	t.Parallel()
	hang := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
	plain, secure := serve(t, hang), newTLSServer(t, hang)
	c := newClient(t, push.Options{RootCAs: rootsOf(secure)}, "127.0.0.1")
	for _, url := range []string{plain.URL, secure.URL} {
		startedAt := time.Now()
		check(t, send(c, url), push.Delivered, 200, yes)
		if took := time.Since(startedAt); took > long/2 {
			t.Errorf("the push took %v", took)
		}
	}
}

func TestOrigin(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a b", "a\r\nX: y", "http://a", "a:80", strings.Repeat("a", 300)} {
		_, err := push.New(push.Options{Origin: name})
		if wrong := (*problem.Field)(nil); !errors.As(err, &wrong) {
			t.Errorf("New with the origin %q: %v", name, err)
		}
	}
	c, err := push.New(push.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}
