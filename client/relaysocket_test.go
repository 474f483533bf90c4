package client_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/jitney-mq/jitney/client"
)

// echo accepts a socket and says what it hears, until it is closed.
func echo(s *client.RelayedSocket) {
	chosen := ""
	if offers := websocket.Subprotocols(s.Request); len(offers) > 0 {
		chosen = offers[len(offers)-1]
	}
	conn, err := s.Accept(chosen)
	if err != nil {
		return
	}
	for {
		kind, data, err := conn.ReadMessage()
		if err != nil {
			return
		}
		if string(data) == "end" {
			_ = conn.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(4321, "as you wish"))
			continue
		}
		if conn.WriteMessage(kind, data) != nil {
			return
		}
	}
}

// [L1]
func TestRelayedSocket(t *testing.T) {
	t.Parallel()
	p := newPoint(t)
	seen := make(chan *http.Request, 1)
	p.listen(client.RelayOptions{}, client.RelayHandler{Socket: func(s *client.RelayedSocket) {
		seen <- s.Request
		echo(s)
		if _, err := s.Accept(""); !errors.Is(err, client.ErrAnswered) {
			t.Errorf("accepted again: %v", err)
		}
	}})
	conn, err := p.dial(pointName+"/ro om?a=1&b=%20", http.Header{"X-Some": {"1"}, "Cookie": {"c=1"}}, "v1", "v2")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	r := <-seen
	if r.Method != "GET" || r.URL.String() != "/wi%20ki/ro%20om?a=1&b=%20" || r.Header.Get("X-Some") != "1" || r.Header.Get("Cookie") != "c=1" ||
		r.Host != p.address || !strings.HasPrefix(r.RemoteAddr, "127.0.0.1:") {
		t.Errorf("%s %s %s %s %v", r.Method, r.URL, r.Host, r.RemoteAddr, r.Header)
	}
	if conn.Subprotocol() != "v2" {
		t.Errorf("subprotocol %q", conn.Subprotocol())
	}
	for _, row := range []struct {
		kind int
		data string
	}{{websocket.TextMessage, "hé"}, {websocket.BinaryMessage, "\xff\x00"}, {websocket.BinaryMessage, ""}, {websocket.TextMessage, strings.Repeat("x", 1<<20)}} {
		if err := conn.WriteMessage(row.kind, []byte(row.data)); err != nil {
			t.Fatal(err)
		}
		if kind, data, err := conn.ReadMessage(); err != nil || kind != row.kind || string(data) != row.data {
			t.Errorf("sent %d %.10q, got %d %.10q, %v", row.kind, row.data, kind, data, err)
		}
	}
	if err := conn.WriteMessage(websocket.TextMessage, []byte("end")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := conn.ReadMessage(); !websocket.IsCloseError(err, 4321) || !strings.Contains(err.Error(), "as you wish") {
		t.Errorf("closed with %v", err)
	}
}

// [L1]
func TestRelayRejections(t *testing.T) {
	t.Parallel()
	rows := map[string]struct {
		handler client.RelayHandler
		status  int
		detail  string
	}{
		"rejected": {client.RelayHandler{Socket: func(s *client.RelayedSocket) {
			if err := s.Reject(403, "not you & yours"); err != nil {
				t.Errorf("rejecting: %v", err)
			}
			if err := s.Reject(404, ""); !errors.Is(err, client.ErrAnswered) {
				t.Errorf("rejected again: %v", err)
			}
		}}, 403, "not you & yours"},
		"neither":    {client.RelayHandler{Socket: func(*client.RelayedSocket) {}}, 500, ""},
		"panic":      {client.RelayHandler{Socket: func(*client.RelayedSocket) { panic("ouch") }}, 500, ""},
		"no handler": {client.RelayHandler{}, 501, "no sockets"},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPoint(t)
			p.listen(client.RelayOptions{}, row.handler)
			_, err := p.dial(pointName, nil)
			refused, ok := errors.AsType[*client.Error](err)
			if !ok || refused.Status != row.status || !strings.Contains(refused.Document.Detail, row.detail) {
				t.Errorf("%v", err)
			}
			if row.handler.Socket == nil {
				if status, _, body := p.fetch(http.MethodGet, "", nil); status != http.StatusNotImplemented {
					t.Errorf("a request: %d %s", status, body)
				}
			}
		})
	}
}

// The end of Serve ends its sockets; one that breaks is told to the other end.
func TestRelayedSocketsEnd(t *testing.T) {
	t.Parallel()
	p := newPoint(t)
	ended := make(chan error, 1)
	stop := p.listen(client.RelayOptions{}, client.RelayHandler{Socket: func(s *client.RelayedSocket) {
		conn, err := s.Accept("")
		if err != nil {
			t.Error(err)
			return
		}
		if s.Request.URL.RawQuery == "return" {
			return
		}
		_, _, err = conn.ReadMessage()
		ended <- err
	}})
	dial := func(query string) *websocket.Conn {
		conn, err := p.dial(pointName+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	_ = dial("").NetConn().Close()
	if err := <-ended; !websocket.IsCloseError(err, websocket.CloseInternalServerErr) {
		t.Errorf("a sender that went: %v", err)
	}
	conn := dial("?return")
	if _, _, err := conn.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseInternalServerErr) {
		t.Errorf("a handler that returned: %v", err)
	}
	conn = dial("")
	told := make(chan error, 1)
	go func() {
		_, _, err := conn.ReadMessage()
		told <- err
	}()
	stop()
	if err := <-ended; !websocket.IsCloseError(err, websocket.CloseGoingAway) {
		t.Errorf("a handler whose listener went: %v", err)
	}
	if err := <-told; !websocket.IsCloseError(err, websocket.CloseGoingAway) {
		t.Errorf("a listener that went: %v", err)
	}
}
