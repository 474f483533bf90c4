package server_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// [L1] A shutdown tells everybody, and lets those end who are being answered.
func TestRelayShutdown(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.point("/wiki")
		l := b.listen("/wiki")
		sender, at := l.join("/wiki")
		answered := b.ask("GET", "/wiki", "")
		r, _, _ := l.request()
		unanswered := b.ask("GET", "/wiki", "")
		l.request()
		parked := b.later(func() reply { return b.refused("/wiki") })
		address := l.address()
		kept := b.dial()
		defer kept.Close()
		fmt.Fprint(kept, "GET /wiki HTTP/1.1\r\nHost: loc")
		synctest.Wait()
		end := b.shutting()
		parked().wantHeader("Retry-After", "5").wantProblem(503, "shutting-down")
		go fmt.Fprint(kept, "alhost\r\n\r\n")
		if _, text := ended(b, kept); !strings.Contains(text, " 503 ") {
			b.Errorf("a late request is answered %.100q", text)
		}
		time.Sleep(3 * time.Second)
		l.answer(r.ID, 200, "x")
		answered().want(200).wantBody("x")
		for _, p := range []*peer{l, sender, at} {
			p.wantClose(1001)
		}
		if r := unanswered(); r.status != 502 && r.status != 503 {
			b.Errorf("the other request is answered %d", r.status)
		}
		if took := end(); took > 12*time.Second {
			b.Errorf("the shutdown took %v", took)
		}
		if _, _, err := b.dialPeer(address); err == nil {
			b.Error("sockets are still opened")
		}
	})
}

// [L1] Nobody can hold a shutdown up for long.
func TestRelayShutdownIsBounded(t *testing.T) {
	for name, hold := range map[string]func(*bus){
		"a listener that reads nothing": func(b *bus) { b.still(listenPath("/wiki")) },
		"a request that is stuck": func(b *bus) {
			b.still(listenPath("/wiki"))
			b.ignore(b.dialled("POST /wiki HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx"))
		},
		"a pong that is stuck": func(b *bus) {
			_, _ = b.still(listenPath("/wiki")).conn.NetConn().Write(masked(0x89, []byte("x")))
		},
		"a sender that reads nothing": func(b *bus) {
			b.echo("/wiki")
			b.still("/wiki")
		},
		"a message that is stuck": func(b *bus) {
			l := b.listen("/wiki")
			go func() { b.still("/wiki") }()
			_ = b.open(l.address()).conn.WriteMessage(1, []byte("x"))
		},
		"a listener that reads nothing of a socket": func(b *bus) {
			l := b.listen("/wiki")
			go func() { b.open("/wiki") }()
			b.still(l.address())
		},
		"an upload that does not go on": func(b *bus) {
			l := b.listen("/wiki")
			b.ignore(b.dialled("POST /wiki HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nhello"))
			b.open(l.hear().Request.Address).hear()
		},
		"a small body that does not go on": func(b *bus) {
			b.listen("/wiki")
			b.ignore(b.dialled("POST /wiki HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nhello"))
		},
		"an upload that nobody reads": func(b *bus) {
			l := b.listen("/wiki")
			b.ignore(b.dialled("POST /wiki HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n" + pattern(50_000)))
			b.still(l.hear().Request.Address)
		},
		"a response without an end": func(b *bus) {
			l := b.listen("/wiki")
			b.ignore(b.dialled("GET /wiki HTTP/1.1\r\nHost: localhost\r\n\r\n"))
			r, _, _ := l.request()
			at := b.open(r.Address)
			at.say(`{"response":{"requestId":%q,"statusCode":200,"body":true}}`, r.ID)
			_, _ = at.conn.NetConn().Write(masked(0x02, []byte("x")))
		},
		"a listener that is refused": func(b *bus) {
			go func() { _, _, _ = b.dialPeer(listenPath("/nowhere")) }()
		},
	} {
		inBubbleNamed(t, name, func(b *bus) {
			b.point("/wiki")
			hold(b)
			synctest.Wait()
			if took := b.shutting()(); took > 25*time.Second {
				b.Errorf("the shutdown took %v", took)
			}
		})
	}
}

// dialled sends a request, and what it can of it, on a connection of its own.
func (b *bus) dialled(request string) io.Reader {
	c := b.dial()
	b.Cleanup(func() { c.Close() })
	go func() { _, _ = io.WriteString(c, request) }() // it may be cut off
	return c
}

// ignore reads what comes.
func (b *bus) ignore(r io.Reader) { go func() { _, _ = io.Copy(io.Discard, r) }() }
