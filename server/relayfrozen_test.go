package server_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
)

// deaf opens a socket on which nothing is said any more, not even that pings come:
// the far end of a connection that is half open.
func (b *bus) deaf(path string) *peer {
	b.Helper()
	p := b.still(path)
	p.conn.SetPingHandler(func(string) error { return nil })
	go p.read()
	return p
}

// [L1] A listener of which nothing comes any more is noticed within a minute. Its
// requests fail, later ones do not reach it, and nobody else is held up.
func TestRelayHalfOpen(t *testing.T) {
	inBubble(t, func(b *bus) {
		others := b.pair()
		b.point("/wiki")
		dead := b.deaf(listenPath("/wiki"))
		begun := time.Now()
		time.Sleep(20 * time.Second)
		done := b.ask("GET", "/wiki", "")
		socket := b.later(func() reply { return b.refused("/wiki") })
		others.wantWorking()
		socket().wantProblem(504, "listener-timeout") // its own time is shorter
		done().wantProblem(502, "listener-gone")
		if took := time.Since(begun); !about(took, time.Minute) {
			b.Errorf("it was noticed after %v", took)
		}
		dead.wantClose(1001)
		start := time.Now()
		b.call("GET", "/wiki", "").wantHeader("Retry-After", "1").wantProblem(502, "no-listener")
		b.refused("/wiki").wantProblem(502, "no-listener")
		b.echo("/wiki")
		b.call("GET", "/wiki", "").want(200)
		if took := time.Since(start); took > time.Second {
			b.Errorf("the others waited %v", took)
		}
		b.wantMetric("jitney_relay_listeners", "2")
	})
}

// [L1] So is one that reads nothing, though requests are stuck on their way to it.
// One of which it has heard nothing goes to another listener.
func TestRelayFrozen(t *testing.T) {
	inBubble(t, func(b *bus) {
		others := b.pair()
		b.point("/wiki")
		b.still(listenPath("/wiki"))
		begun := time.Now()
		time.Sleep(time.Second)
		half := b.ask("POST", "/wiki", "x")
		synctest.Wait()
		none := b.ask("POST", "/wiki", "y")
		announced := b.ask("POST", "/wiki", pattern(100_000))
		oneWay := b.ask("POST", "/wiki?sb-hc-action=oneway", "z")
		time.Sleep(20 * time.Second)
		others.wantWorking()
		b.echo("/wiki")
		half().wantProblem(502, "listener-gone")
		none().want(200).wantBody("POST /wiki y")
		announced().want(200).wantBody("POST /wiki " + pattern(100_000))
		oneWay().want(202)
		if took := time.Since(begun); took > 61*time.Second {
			b.Errorf("it was noticed after %v", took)
		}
		others.wantWorking()
		b.wantMetric("jitney_relay_listeners", "2")
	})
}

// [L1] A request goes to another listener until one has heard of it, and never after.
func TestRelayTriesAnother(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.point("/wiki")
		for name, c := range map[string]struct {
			body   string
			status int
			leaves func(*peer)
		}{
			"it has the request":                   {"x", 502, func(l *peer) { l.request() }},
			"it has heard that there is a request": {pattern(100_000), 200, func(l *peer) { l.hear() }},
			"it has opened the request's socket": {pattern(100_000), 502, func(l *peer) {
				at := l.open(l.hear().Request.Address)
				synctest.Wait()
				_ = at.conn.NetConn().Close()
			}},
			"it has fetched the request": {pattern(100_000), 502, func(l *peer) {
				_, _, at := l.request()
				_ = at.conn.NetConn().Close()
			}},
		} {
			first := b.listen("/wiki")
			done := b.ask("POST", "/wiki", c.body)
			synctest.Wait()
			second := b.echo("/wiki")
			c.leaves(first)
			_ = first.conn.NetConn().Close()
			if r := done(); r.status != c.status {
				b.Errorf("%s: %d %.200s", name, r.status, r.body)
			}
			second.close(1000, "")
			<-second.ended
		}
	})
}

// [L1] A sender's socket that was announced to a listener that goes is another's.
func TestRelayConnectTriesAnother(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.point("/chat")
		first := b.listen("/chat")
		pending := b.connecting("/chat")
		first.address()
		b.echo("/chat")
		first.close(1000, "")
		sender := pending()
		sender.write(textFrame("x"))
		sender.want(textFrame("x"))
	})
}

// [L1] A sender that reads nothing is cut off after a minute, and its listener told.
func TestRelaySenderThatDoesNotRead(t *testing.T) {
	inBubble(t, func(b *bus) {
		others := b.pair()
		b.point("/wiki")
		l := b.listen("/wiki")
		c := b.dial()
		defer c.Close()
		fmt.Fprint(c, "GET /wiki HTTP/1.1\r\nHost: localhost\r\n\r\n")
		r, _, _ := l.request()
		at := b.deaf(r.Address)
		at.say(`{"response":{"requestId":%q,"statusCode":200,"body":true}}`, r.ID)
		first, more := masked(0x02, make([]byte, 1000)), masked(0x00, make([]byte, 100))
		go func() { _, _ = at.conn.NetConn().Write(first) }()
		response, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(response.Body, make([]byte, 1000)); err != nil {
			b.Fatal(err)
		}
		synctest.Wait()
		_, _ = at.conn.NetConn().Write(more)
		synctest.Wait()
		start := time.Now()
		others.wantWorking()
		at.wantClose(1001)
		if took := time.Since(start); !about(took, time.Minute) {
			b.Errorf("it was cut off after %v", took)
		}
		_ = wantClosed(c)
		others.wantWorking()
	})
}

// [L1] Nor does a socket wait longer for one that does not read, at either end.
func TestRelaySocketThatIsNotRead(t *testing.T) {
	for _, isSender := range []bool{true, false} {
		inBubbleNamed(t, fmt.Sprint("sender ", isSender), func(b *bus) {
			others := b.pair()
			b.point("/chat")
			l := b.listen("/chat")
			var stuck, other *peer
			done := make(chan *peer, 1)
			if isSender {
				go func() { done <- b.still("/chat") }()
				other = b.open(l.address())
				stuck = <-done
			} else {
				go func() { done <- b.open("/chat") }()
				stuck = b.still(l.address())
				other = <-done
			}
			go func() { _ = other.conn.WriteMessage(websocket.TextMessage, make([]byte, 100_000)) }()
			start := time.Now()
			others.wantWorking()
			other.wantClose(1011)
			if took := time.Since(start); took > 70*time.Second {
				b.Errorf("it was told after %v", took)
			}
			others.wantWorking()
			time.Sleep(time.Second)
			b.wantMetric("jitney_relay_sockets", "1")
			_ = wantClosed(stuck.conn.NetConn())
		})
	}
}

// [L1] A listener that floods the broker with pings disturbs nobody.
func TestRelayFloods(t *testing.T) {
	inBubble(t, func(b *bus) {
		others := b.pair()
		b.point("/wiki")
		l := b.echo("/wiki")
		go func() {
			for range 20_000 {
				if _, err := l.conn.NetConn().Write(masked(0x89, []byte("flood"))); err != nil {
					return
				}
			}
		}()
		for range 20 {
			others.wantWorking()
		}
		l.close(1000, "")
		<-l.ended
		b.call("GET", "/wiki", "").want(502)
	})
}

// [L1] One that talks and never reads is given up, too.
func TestRelayMute(t *testing.T) {
	inBubble(t, func(b *bus) {
		others := b.pair()
		b.point("/wiki")
		mute := b.still(listenPath("/wiki"))
		go func() {
			for mute.conn.WriteMessage(websocket.TextMessage, []byte("{}")) == nil {
				time.Sleep(5 * time.Second)
			}
		}()
		time.Sleep(91 * time.Second) // a ping of the broker has just been given up
		b.call("GET", "/wiki", "").wantProblem(502, "no-listener")
		others.wantWorking()
		time.Sleep(10 * time.Second)
		b.wantMetric("jitney_relay_listeners", "1")
	})
}

func inBubbleNamed(t *testing.T, name string, test func(*bus)) {
	t.Run(name, func(t *testing.T) { inBubble(t, test) })
}
