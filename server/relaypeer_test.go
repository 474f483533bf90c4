package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
)

// A peer is the far end of a socket with the broker: of a control channel, a
// rendezvous or a sender. What comes is read at once.
type peer struct {
	*bus
	conn  *websocket.Conn
	got   chan frame    // closed when nothing more comes
	ended chan struct{} // closed after got
	err   error         // why nothing more comes; read after ended
}

type frame struct {
	kind int
	data string
}

func textFrame(data string) frame   { return frame{websocket.TextMessage, data} }
func binaryFrame(data string) frame { return frame{websocket.BinaryMessage, data} }

// told is what a listener hears, with the names that the wire has.
type told struct {
	Accept *struct {
		Address        string            `json:"address"`
		ID             string            `json:"id"`
		ConnectHeaders map[string]string `json:"connectHeaders"`
	} `json:"accept"`
	Request *request `json:"request"`
}

type request struct {
	Address string         `json:"address"`
	ID      string         `json:"id"`
	Target  string         `json:"requestTarget"`
	Method  string         `json:"method"`
	Headers map[string]any `json:"requestHeaders"`
	Body    *bool          `json:"body"`
}

// dialPeer opens a socket; headers are names and values in turn.
func (b *bus) dialPeer(path string, headers ...string) (*websocket.Conn, *http.Response, error) {
	h := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		h.Add(headers[i], headers[i+1])
	}
	d := websocket.Dialer{NetDialContext: func(context.Context, string, string) (net.Conn, error) { return b.listener.dial() }}
	if !strings.HasPrefix(path, "ws:") {
		path = "ws://localhost" + path
	}
	return d.Dial(path, h)
}

// still opens a socket that nobody reads.
func (b *bus) still(path string, headers ...string) *peer {
	b.Helper()
	conn, _, err := b.dialPeer(path, headers...)
	if err != nil {
		b.Fatalf("%s: %v", path, err)
	}
	b.Cleanup(func() { conn.Close() })
	return &peer{bus: b, conn: conn, got: make(chan frame, 10_000), ended: make(chan struct{})}
}

func (b *bus) open(path string, headers ...string) *peer {
	b.Helper()
	p := b.still(path, headers...)
	go p.read()
	return p
}

// refused asks for a socket and gets an answer of HTTP instead.
func (b *bus) refused(path string, headers ...string) reply {
	b.Helper()
	conn, response, err := b.dialPeer(path, headers...)
	if !errors.Is(err, websocket.ErrBadHandshake) {
		if err == nil {
			conn.Close()
		}
		b.Fatalf("%s: %v, want a refusal", path, err)
	}
	return b.read(response)
}

func listenPath(path string) string { return "/$hc" + path + "?sb-hc-action=listen" }

func (b *bus) listen(path string, headers ...string) *peer {
	b.Helper()
	return b.open(listenPath(path), headers...)
}

func (p *peer) read() {
	defer close(p.ended)
	defer close(p.got)
	for {
		kind, data, err := p.conn.ReadMessage()
		if err != nil {
			p.err = err
			_ = p.conn.Close()
			return
		}
		p.got <- frame{kind, string(data)}
	}
}

// next returns the next message.
func (p *peer) next() frame {
	p.Helper()
	select {
	case f, ok := <-p.got:
		if !ok {
			p.Fatalf("the socket has ended: %v", p.err)
		}
		return f
	case <-time.After(2 * time.Minute):
		p.Fatal("nothing came")
		return frame{}
	}
}

func (p *peer) want(want frame) {
	p.Helper()
	if got := p.next(); got != want {
		p.Errorf("message %d %.200q, want %d %.200q", got.kind, got.data, want.kind, want.data)
	}
}

func (p *peer) wantNothing() {
	p.Helper()
	synctest.Wait()
	select {
	case f, ok := <-p.got:
		p.Errorf("message %.200q (socket open: %v, %v)", f.data, ok, p.err)
	default:
	}
}

// wantClose checks how the socket ends; 1006 is without a word.
func (p *peer) wantClose(code int) string {
	p.Helper()
	select {
	case <-p.ended:
	case <-time.After(5 * time.Minute):
		p.Fatal("the socket is open")
	}
	closed, ok := errors.AsType[*websocket.CloseError](p.err)
	switch {
	case ok && closed.Code == code:
		return closed.Text
	case !ok && code == websocket.CloseAbnormalClosure:
		return ""
	}
	p.Errorf("the socket ends with %v, want %d", p.err, code)
	return ""
}

func (p *peer) write(f frame) {
	p.Helper()
	if err := p.conn.WriteMessage(f.kind, []byte(f.data)); err != nil {
		p.Error(err)
	}
}

func (p *peer) say(format string, args ...any) {
	p.Helper()
	p.write(textFrame(fmt.Sprintf(format, args...)))
}

func (p *peer) close(code int, reason string) {
	_ = p.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason), time.Now().Add(time.Second))
}

// hear returns what the broker says next on a control channel.
func (p *peer) hear() (m told) {
	p.Helper()
	f := p.next()
	if f.kind != websocket.TextMessage {
		p.Fatalf("message %.200q, want a text", f.data)
	}
	decode(p, f.data, &m)
	return m
}

func decode(t testing.TB, data string, to any) {
	t.Helper()
	if err := json.Unmarshal([]byte(data), to); err != nil {
		t.Fatalf("%v in %.200q", err, data)
	}
}

// request returns the next request and its body. One that is only announced is
// fetched: it comes with the socket on which it is to be answered.
func (p *peer) request() (r *request, body string, at *peer) {
	p.Helper()
	m := p.hear()
	if m.Request == nil {
		p.Fatal("no request")
	}
	if at = p; m.Request.Method == "" {
		at = p.open(m.Request.Address)
		m = at.hear()
	}
	if m.Request.Body != nil && *m.Request.Body {
		body = at.next().data
	}
	return m.Request, body, at
}

// answer responds to a request; members are more of the JSON.
func (p *peer) answer(id string, status int, body string, members ...string) {
	p.Helper()
	p.say(`{"response":{"requestId":%q,"statusCode":%d,"body":%t%s}}`, id, status, body != "", strings.Join(members, ""))
	if body != "" {
		p.write(binaryFrame(body))
	}
}

// ask sends a request later; the result waits for the reply.
func (b *bus) ask(method, path, body string, headers ...string) func() reply {
	return b.later(func() reply { return b.call(method, path, body, headers...) })
}

// wantNoMessage checks that the socket ended without another message.
func (p *peer) wantNoMessage() {
	p.Helper()
	if f, ok := <-p.got; ok {
		p.Errorf("message %.200q", f.data)
	}
}
