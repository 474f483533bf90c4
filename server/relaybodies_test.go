package server_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
)

// [L1] A body of known length up to 64 KiB is told with its request; any other is
// fetched.
func TestRelayRequestBodies(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.point("/wiki")
		l := b.listen("/wiki")
		for _, c := range []struct {
			size      int
			chunked   bool
			isFetched bool
		}{
			{0, false, false}, {1, false, false}, {64 << 10, false, false}, {64<<10 + 1, false, true}, {5 << 20, false, true},
			{1, true, true}, {100_000, true, true},
		} {
			body := pattern(c.size)
			var from io.Reader = strings.NewReader(body)
			if c.chunked {
				from = io.MultiReader(from)
			}
			done := b.later(func() reply { return b.do(b.request("PUT", "/wiki/x?y", from, "X-A", "1")) })
			r, got, at := l.request()
			if isFetched := at != l; got != body || isFetched != c.isFetched {
				b.Errorf("%+v: fetched %t, %d bytes", c, isFetched, len(got))
			}
			length, _ := r.Headers["Content-Length"].(string)
			if want := fmt.Sprint(c.size); !c.chunked && c.size > 0 && length != want || c.chunked && length != "" {
				b.Errorf("%+v: Content-Length %q", c, length)
			}
			if r.Method != "PUT" || r.Target != "/wiki/x?y" || r.Headers["X-A"] != "1" {
				b.Errorf("request %+v", r)
			}
			at.answer(r.ID, 201, "ok")
			done().want(201).wantBody("ok")
			if at != l {
				at.wantClose(1000)
			}
		}
		b.wantMetric("jitney_relay_waiting", "0")
	})
}

// [L1] A large response comes over the request's socket, whatever the request was.
func TestRelayResponseBodies(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.point("/wiki")
		l := b.listen("/wiki")
		for _, c := range []struct {
			size    int
			headers string
			pieces  int
		}{
			{70_000, "", 1}, {70_000, `"Content-Length":"70000"`, 1}, {5 << 20, "", 160}, {0, "", 1}, {10, "", 10},
		} {
			done := b.ask("GET", "/wiki", "")
			r, _, _ := l.request()
			at := b.open(r.Address)
			at.say(`{"response":{"requestId":%q,"statusCode":200,"responseHeaders":{%s},"body":true}}`, r.ID, c.headers)
			body := pattern(c.size)
			w, _ := at.conn.NextWriter(websocket.BinaryMessage)
			for i := range c.pieces {
				_, _ = io.WriteString(w, body[i*c.size/c.pieces:(i+1)*c.size/c.pieces])
			}
			_ = w.Close()
			got := done().want(200)
			if got.body != body || c.headers != "" && got.header.Get("Content-Length") != fmt.Sprint(c.size) {
				b.Errorf("%+v: %d bytes, length %q", c, len(got.body), got.header.Get("Content-Length"))
			}
			at.wantClose(1000)
		}
	})
}

// [L1] What passes does so at once, both ways: nothing waits for the rest of a body,
// and a response may begin before its request has ended.
func TestRelayStreams(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.point("/wiki")
		l := b.listen("/wiki")
		c := b.dial()
		defer c.Close()
		fmt.Fprint(c, "POST /wiki HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
		at := b.still(l.hear().Request.Address)
		_, text, err := at.conn.ReadMessage()
		if err != nil {
			b.Fatal(err)
		}
		var m told
		decode(b, string(text), &m)
		chunk(c, "one")
		_, body, _ := at.conn.NextReader()
		uploaded := pieces(body)
		at.say(`{"response":{"requestId":%q,"statusCode":200,"body":true}}`, m.Request.ID)
		w, _ := at.conn.NextWriter(websocket.BinaryMessage)
		flush := func(text string) { _, _ = io.WriteString(w, text+strings.Repeat(" ", 5000)) } // the writer keeps less
		downloaded := pieces(bodyOf(c))
		flush("0")
		if got := <-uploaded; got != "one" {
			b.Errorf("uploaded %q", got)
		}
		for i := range 50 { // for longer than any timeout
			time.Sleep(50 * time.Second)
			flush(fmt.Sprint(i))
			want := fmt.Sprint("piece ", i)
			chunk(c, want)
			if got := <-uploaded; got != want {
				b.Fatalf("uploaded %q, want %q", got, want)
			}
			<-downloaded
		}
		_ = w.Close()
		fmt.Fprint(c, "0\r\n\r\n")
		total := 0
		for p := range downloaded {
			total += len(p)
		}
		if _, ok := <-uploaded; ok || total == 0 {
			b.Errorf("the upload goes on: %t; %d bytes came at the end", ok, total)
		}
	})
}

// bodyOf reads a response and then its body.
func bodyOf(c net.Conn) io.Reader {
	r, w := io.Pipe()
	go func() {
		response, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err == nil {
			_, err = io.Copy(w, response.Body)
		}
		_ = w.CloseWithError(err)
	}()
	return r
}

// pieces returns what is read of r, as it comes.
func pieces(r io.Reader) <-chan string {
	to := make(chan string, 10_000)
	go func() {
		defer close(to)
		p := make([]byte, 8<<10)
		for {
			n, err := r.Read(p)
			if n > 0 {
				to <- string(p[:n])
			}
			if err != nil {
				return
			}
		}
	}()
	return to
}

// [L1] A listener that says one length and sends another breaks the response off, or
// it is as if it had said nothing.
func TestRelayWrongLengths(t *testing.T) {
	inBubble(t, func(b *bus) {
		others := b.pair()
		b.point("/wiki")
		l := b.listen("/wiki")
		for _, length := range []int{1, 69_999, 70_001, 1 << 40} {
			done := make(chan error, 1)
			go func() {
				response, err := b.client.Do(b.request("GET", "/wiki", nil))
				if err == nil {
					_, err = io.ReadAll(response.Body)
					response.Body.Close()
				}
				done <- err
			}()
			r, _, _ := l.request()
			at := b.open(r.Address)
			at.say(`{"response":{"requestId":%q,"statusCode":200,"responseHeaders":{"Content-Length":"%d"},"body":true}}`, r.ID, length)
			_ = at.conn.WriteMessage(websocket.BinaryMessage, []byte(pattern(70_000))) // it may be broken off
			if err := <-done; err == nil {
				b.Errorf("length %d of 70000: the response looks whole", length)
			}
			<-at.ended
		}
		others.wantWorking()
	})
}

// [L1] A sender that goes away in the middle: the listener learns of it at once.
func TestRelaySenderLeaves(t *testing.T) {
	inBubble(t, func(b *bus) {
		others := b.pair()
		b.point("/wiki")
		l := b.listen("/wiki")
		for name, begin := range map[string]func(r *request) *peer{
			"before the response": func(r *request) *peer { return b.open(r.Address) },
			"in the middle": func(r *request) *peer {
				at := b.open(r.Address)
				at.say(`{"response":{"requestId":%q,"statusCode":200,"body":true}}`, r.ID)
				w, _ := at.conn.NextWriter(websocket.BinaryMessage)
				_, _ = w.Write(make([]byte, 5000))
				return at
			},
		} {
			c := b.dial()
			go fmt.Fprint(c, "GET /wiki HTTP/1.1\r\nHost: localhost\r\n\r\n")
			r, _, _ := l.request()
			go io.Copy(io.Discard, c)
			at := begin(r)
			synctest.Wait()
			start := time.Now()
			c.Close()
			at.wantClose(1001)
			if took := time.Since(start); took > time.Second {
				b.Errorf("%s: it learned after %v", name, took)
			}
		}
		// Half a request is none: its socket ends without the end of the message.
		c := b.dial()
		go fmt.Fprint(c, "POST /wiki HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nhello")
		at := b.open(l.hear().Request.Address)
		at.hear()
		c.Close()
		<-at.ended
		at.wantNoMessage()
		others.wantWorking()
	})
}
