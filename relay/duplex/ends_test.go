package duplex_test

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"github.com/jitney-mq/jitney/relay/duplex"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// inBubble runs a test in virtual time; all its goroutines have to end.
func inBubble(t *testing.T, test func(*testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, test)
}

// ends are those of a WebSocket over a pipe without a buffer.
func ends(t *testing.T) (server, client *websocket.Conn) {
	t.Helper()
	ours, theirs := net.Pipe()
	upgraded := make(chan *websocket.Conn, 1)
	go func() {
		defer close(upgraded)
		r := bufio.NewReader(ours)
		request, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		w := &hijacked{conn: ours, rw: bufio.NewReadWriter(r, bufio.NewWriter(ours))}
		if conn, err := new(websocket.Upgrader).Upgrade(w, request, nil); err == nil {
			upgraded <- conn
		}
	}()
	d := websocket.Dialer{NetDialContext: func(context.Context, string, string) (net.Conn, error) { return theirs, nil }}
	client, _, err := d.Dial("ws://localhost/", nil)
	server = <-upgraded
	if err != nil || server == nil {
		t.Fatalf("no socket: %v", err)
	}
	t.Cleanup(func() {
		_ = server.Close()
		_ = client.Close()
	})
	return server, client
}

// hijacked is an http.ResponseWriter that is a connection.
type hijacked struct {
	http.ResponseWriter
	conn net.Conn
	rw   *bufio.ReadWriter
}

func (h *hijacked) Header() http.Header                          { return http.Header{} }
func (h *hijacked) Hijack() (net.Conn, *bufio.ReadWriter, error) { return h.conn, h.rw, nil }
func accepted(t *testing.T) (s *duplex.Socket, far *websocket.Conn) {
	return socketOf(t, duplex.Accepted, false)
}
func dialled(t *testing.T) (s *duplex.Socket, far *websocket.Conn) {
	return socketOf(t, duplex.Dialled, true)
}

func socketOf(t *testing.T, make func(*websocket.Conn) *duplex.Socket, isClient bool) (*duplex.Socket, *websocket.Conn) {
	t.Helper()
	server, client := ends(t)
	if isClient {
		server, client = client, server
	}
	s := make(server)
	t.Cleanup(s.Close)
	return s, client
}

// A heard is what the far end of a socket gets.
type heard struct {
	kind int
	data string
}

// hearing reads a far end; closed is why it ended.
func hearing(far *websocket.Conn) (got chan heard, closed chan error) {
	got, closed = make(chan heard, 10_000), make(chan error, 1)
	go func() {
		for {
			kind, data, err := far.ReadMessage()
			if err != nil {
				closed <- err
				close(got)
				_ = far.Close()
				return
			}
			got <- heard{kind, string(data)}
		}
	}()
	return got, closed
}

func wantClose(t *testing.T, closed chan error, code int, reason string) {
	t.Helper()
	select {
	case err := <-closed:
		is, ok := errors.AsType[*websocket.CloseError](err)
		if code == 0 && !ok {
			return
		}
		if !ok || is.Code != code || is.Text != reason {
			t.Errorf("it ended with %v, want %d %q", err, code, reason)
		}
	case <-time.After(10 * time.Minute):
		t.Error("it has not ended")
	}
}

func sendClose(c *websocket.Conn, code int, reason string) {
	_ = c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason), time.Now().Add(time.Second))
}

func about(got, want time.Duration) bool { return got >= want && got <= want+time.Second }
