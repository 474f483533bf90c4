package server_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/jitney-mq/jitney/relay/control"
)

// early answers the next announced request before it has read its body.
func (w *worker) early(t *testing.T, status int, body string) {
	var m control.Message
	if err := w.conn.ReadJSON(&m); err != nil {
		t.Error(err)
		return
	}
	conn, _, err := w.dialer().Dial(m.Request.Address, nil)
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	if err := conn.ReadJSON(&m); err != nil {
		t.Error(err)
		return
	}
	_ = conn.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, `{"response":{"requestId":%q,"statusCode":%d,"body":true}}`, m.Request.ID, status))
	_ = conn.WriteMessage(websocket.BinaryMessage, []byte(body))
	_, _, _ = conn.ReadMessage()
}

// A reply that comes before the end of the request leaves nothing behind that could
// be taken for another request. [L1]
func TestRelayIsNoSmuggler(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.point("/home")
		smuggled := "GET /-/livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
		for _, framing := range []string{
			"Content-Length: 104857600\r\n\r\n" + strings.Repeat(smuggled, 4000),
			fmt.Sprintf("Content-Length: %d\r\n\r\n%s", 70_000+len(smuggled), strings.Repeat(" ", 70_000)),
			"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
		} {
			w := b.worker("/home")
			go w.early(t, 413, "too much")
			c := b.dial()
			var got strings.Builder
			var reading sync.WaitGroup
			reading.Go(func() { _, _ = io.Copy(&got, c) }) // it is broken off
			go fmt.Fprintf(c, "POST /home HTTP/1.1\r\nHost: localhost\r\n%s", framing)
			time.Sleep(20 * time.Second)
			go func() { _, _ = io.WriteString(c, smuggled) }() // to whom it may concern
			time.Sleep(20 * time.Second)
			c.Close()
			reading.Wait()
			response, err := http.ReadResponse(bufio.NewReader(strings.NewReader(got.String())), nil)
			if err != nil || response.StatusCode != 413 {
				t.Errorf("got %v, %q", err, got.String())
			}
			if n := strings.Count(got.String(), "HTTP/1.1 "); n != 1 || !strings.Contains(got.String(), "too much") {
				t.Errorf("%d replies: %s", n, got.String())
			}
			w.conn.Close()
			time.Sleep(time.Second)
		}
	})
}

// A sender that sends all of its body keeps its connection, whatever of it is read. [L1]
func TestRelayKeepsConnection(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.point("/home")
		w := b.worker("/home")
		go w.early(t, 200, "early")
		c := b.dial()
		r := bufio.NewReader(c)
		go fmt.Fprintf(c, "POST /home HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n%sGET /-/livez HTTP/1.1\r\nHost: localhost\r\n\r\n", strings.Repeat("x", 1_000_000))
		for _, want := range []string{"early", "ok"} {
			response, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			if body, err := io.ReadAll(response.Body); err != nil || !strings.HasPrefix(string(body), want) {
				t.Errorf("got %q, %v, want %s", body, err, want)
			}
		}
	})
}

// whole answers the next announced request with the length of its body, if it comes.
func (w *worker) whole() {
	var m control.Message
	if w.conn.ReadJSON(&m) != nil {
		return
	}
	conn, _, err := w.dialer().Dial(m.Request.Address, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	if conn.ReadJSON(&m) != nil {
		return
	}
	if _, body, err := conn.ReadMessage(); err == nil {
		_ = conn.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, `{"response":{"requestId":%q,"statusCode":200,"responseHeaders":{"X-Length":%d}}}`, m.Request.ID, len(body)))
		_, _, _ = conn.ReadMessage()
	}
}

// The time of a listener begins when it has the whole request: an upload may take as
// long as it takes. [L1]
func TestRelaySlowUpload(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.point("/home")
		go b.worker("/home").whole()
		c := b.dial()
		go func() {
			_, _ = io.WriteString(c, "POST /home HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n")
			for range 10 {
				time.Sleep(50 * time.Second)
				_, _ = io.WriteString(c, strings.Repeat("x", 10_000))
			}
		}()
		response, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || response.StatusCode != 200 || response.Header.Get("X-Length") != "100000" {
			t.Fatalf("%+v, %v", response, err)
		}
	})
}

// A request whose body is broken is the sender's fault, and no listener's. [L1]
func TestRelayBrokenUpload(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.point("/home")
		for _, chunk := range []string{"3\r\nabcXX", "zz\r\n"} {
			w := b.worker("/home")
			go w.whole()
			b.raw("POST /home HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"+chunk+strings.Repeat(" ", 5000)).
				wantProblem(400, "incomplete-body")
			w.conn.Close()
			time.Sleep(time.Second)
		}
	})
}
