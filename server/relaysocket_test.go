package server_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
)

// [L1] A sender's socket becomes a listener's: what either says comes out at the
// other end as it was said.
func TestRelaySocket(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.point("/chat")
		l := b.listen("/chat")
		for _, path := range []string{"/$hc/chat?sb-hc-action=connect", "/chat", "/chat/room/1?a=b"} {
			pending := b.opening(path)
			at := b.open(l.address())
			sender := pending()
			for _, f := range []frame{textFrame("hello"), binaryFrame("\x00\xff"), textFrame(""), binaryFrame(""),
				binaryFrame(pattern(1 << 20)), textFrame(pattern(70_000))} {
				sender.write(f)
				at.want(f)
				at.write(f)
				sender.want(f)
			}
			sender.close(4321, "bye")
			at.wantClose(4321)
			sender.wantClose(4321)
		}
		b.wantMetric("jitney_relay_sockets_total", "3")
		b.wantMetric("jitney_relay_sockets", "0")
	})
}

// [L1] What a listener is told of a sender: the address has path and query, but not
// the relay's own arguments.
func TestRelayAddresses(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.point("/team/chat")
		l := b.open("ws://127.0.0.1:5300/$hc/team/chat?SB-HC-ACTION=listen&sb-hc-id=mine")
		for sent, want := range map[string]string{
			"/$hc/team/chat?sb-hc-action=connect":                               "/team/chat?",
			"/$hc/team/chat/a%2Fb//?x=%20&sb-hc-action=connect&sb-hc-id=7&y":    "/team/chat/a%2Fb//?x=%20&y&",
			"/team/chat/room?sb-hc-token=&z":                                    "/team/chat/room?z&",
			"/$hc/team/chat?sb-hc-action=connect&statusCode=404&sb-hc-status=1": "/team/chat?statusCode=404&",
			"/team/chat?x=sb-hc-id=1&statusCode=404":                            "/team/chat?x=sb-hc-id=1&statusCode=404&",
		} {
			pending := b.opening(sent, "Authorization", "Bearer x", "Cookie", "a=b", "Origin", "http://localhost", "X-A", "1", "Sec-WebSocket-Protocol", "v1, v2")
			m := l.hear()
			if a := m.Accept.Address; a != "ws://127.0.0.1:5300/$hc"+want+"sb-hc-action=accept&sb-hc-id="+m.Accept.ID {
				b.Errorf("%s: address %s", sent, a)
			}
			for name, value := range map[string]string{
				"Host": "localhost", "Authorization": "Bearer x", "Cookie": "a=b", "Origin": "http://localhost", "X-A": "1",
				"Sec-Websocket-Protocol": "v1, v2", "Sec-Websocket-Version": "13", "Via": "1.1 localhost",
			} {
				if got := m.Accept.ConnectHeaders[name]; got != value {
					b.Errorf("%s: %s %q, want %q", sent, name, got, value)
				}
			}
			at := b.open(strings.Replace(m.Accept.Address, "127.0.0.1:5300", "localhost", 1))
			sender := pending()
			sender.close(1000, "")
			at.wantClose(1000)
		}
	})
}

// [L1] The listener chooses the subprotocol, among those that the sender offers.
func TestRelaySubprotocols(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.point("/chat")
		l := b.listen("/chat")
		const protocol = "Sec-WebSocket-Protocol"
		for _, c := range []struct{ offers, chosen, refused string }{
			{"v1, v2", "v2", "v3"},
			{"v1", "v1", "V1"},
			{"v1", "", "v2"},
			{"", "", "v1"},
		} {
			var headers, choice []string
			if c.offers != "" {
				headers = []string{protocol, c.offers}
			}
			if c.chosen != "" {
				choice = []string{protocol, c.chosen}
			}
			pending := b.connecting("/chat", headers...)
			address := l.address()
			b.refused(address, protocol, c.refused).wantProblem(400, "bad-value")
			at := b.open(address, choice...) // it may come again with a better choice
			sender := pending()
			if got := sender.conn.Subprotocol(); got != c.chosen || at.conn.Subprotocol() != c.chosen {
				b.Errorf("%q and %q: %q", c.offers, c.chosen, got)
			}
			sender.close(1000, "")
		}
	})
}

// [L1] A listener rejects a sender with a status and a reason.
func TestRelayReject(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.point("/chat")
		l := b.listen("/chat")
		for _, c := range []struct {
			arguments string
			status    int
			detail    string
		}{
			{"&sb-hc-statusCode=403&sb-hc-statusDescription=not%20you", 403, "not you"},
			{"&statusCode=403&statusDescription=not+you", 403, "not you"},
			{"&sb-hc-statusCode=400", 400, ""},
			{"&sb-hc-statusCode=599", 599, ""},
			{"&sb-hc-statusCode=409&sb-hc-statusDescription=a%0d%0aSet-Cookie:%20x", 409, "Set-Cookie"},
			{"&sb-hc-statusCode=503&sb-hc-statusDescription=" + strings.Repeat("%C3%BC", 5000), 503, "ü"},
		} {
			pending := b.later(func() reply { return b.refused("/$hc/chat?sb-hc-action=connect") })
			address := l.address()
			b.refused(address+c.arguments).wantProblem(410, "rejected")
			r := pending()
			if r.status != c.status || !strings.Contains(r.body, "urn:jitney:problem:rejected") || r.header.Get("Set-Cookie") != "" {
				b.Errorf("%s: %d %s", c.arguments, r.status, r.body)
			}
			if len(r.body) < 1000 && !strings.Contains(r.wantProblem(c.status, "rejected").Detail, c.detail) {
				b.Errorf("%s: %s", c.arguments, r.body)
			}
			b.refused(address+c.arguments).wantProblem(404, "no-meeting")
		}
	})
}

// [L1] A reason that is too long is cut between two characters.
func TestRelayRejectAtLength(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.point("/chat")
		l := b.listen("/chat")
		pending := b.later(func() reply {
			return b.call("GET", "/$hc/chat?sb-hc-action=connect", "", "Connection", "Upgrade", "Upgrade", "websocket",
				"Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
		})
		reason := "x" + strings.Repeat("%C3%BC", 5000)
		b.refused(l.address()+"&sb-hc-statusCode=503&sb-hc-statusDescription="+reason).wantProblem(410, "rejected")
		r := pending()
		if got, want := r.wantProblem(503, "rejected").Detail, "x"+strings.Repeat("ü", 511); got != want {
			b.Errorf("a reason of %d bytes that ends in %q", len(got), got[len(got)-4:])
		}
	})
}

// [L1] A rejection that cannot be understood is refused, and the sender waits on.
func TestRelayBadReject(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.point("/chat")
		l := b.listen("/chat")
		pending := b.connecting("/chat")
		address := l.address()
		for _, status := range []string{"399", "600", "101", "200", "0", "-403", "x", "4030", "99999999999999999999", "403x"} {
			b.refused(address+"&sb-hc-statusCode="+status).wantField(400, "bad-value", "sb-hc-statusCode", status, "400 to 599")
		}
		b.open(address)
		pending()
	})
}

// [L1] Who comes to a rendezvous that is none.
func TestRelayNoRendezvous(t *testing.T) {
	inBubble(t, func(b *bus) {
		others := b.pair()
		b.point("/chat")
		l := b.listen("/chat")
		for _, query := range []string{"accept", "request", "accept&sb-hc-id=", "accept&sb-hc-id=0123", "request&sb-hc-id=0123", "accept&sb-hc-id=" + strings.Repeat("x", 9000)} {
			b.refused("/$hc/chat?sb-hc-action="+query).wantProblem(404, "no-meeting")
		}
		pending := b.connecting("/chat")
		address := l.address()
		b.refused(strings.Replace(address, "=accept", "=request", 1)).wantProblem(404, "no-meeting")
		at := b.open(address)
		sender := pending()
		b.refused(address).wantProblem(404, "no-meeting")
		sender.write(textFrame("x"))
		at.want(textFrame("x"))
		done := b.ask("GET", "/chat", "")
		r, _, _ := l.request()
		b.refused(strings.Replace(r.Address, "=request", "=accept", 1)).wantProblem(404, "no-meeting")
		l.answer(r.ID, 200, "")
		done().want(200)
		b.refused(r.Address).wantProblem(404, "no-meeting")
		others.wantWorking()
	})
}

// [L1] A sender that has gone is none for the listener to trip over: the socket
// opens and closes.
func TestRelayParkedSenderGone(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.point("/chat")
		l := b.listen("/chat")
		for _, late := range []time.Duration{0, time.Second, 29 * time.Second} {
			c := b.dial()
			go func() { _, _ = c.Write([]byte(upgrade("/$hc/chat?sb-hc-action=connect", ""))) }()
			address := l.address()
			c.Close()
			time.Sleep(late)
			synctest.Wait()
			if reason := b.open(address).wantClose(1001); reason == "" {
				b.Error("no reason")
			}
			b.refused(address).wantProblem(404, "no-meeting")
		}
		done := b.later(func() reply { return b.refused("/$hc/chat?sb-hc-action=connect") })
		address := l.address()
		start := time.Now()
		done().wantProblem(504, "listener-timeout")
		if took := time.Since(start); !about(took, 30*time.Second) {
			b.Errorf("the sender waited %v", took)
		}
		b.open(address).wantClose(1001)
		b.refused(address).wantProblem(404, "no-meeting")
		b.wantMetric("jitney_relay_waiting", "0")
	})
}

// [L1] How a socket ends at one side is how it ends at the other.
func TestRelayCloses(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.point("/chat")
		l := b.listen("/chat")
		for _, c := range []struct {
			code   int
			reason string
			want   int
		}{
			{1000, "", 1000}, {1000, "done", 1000}, {1001, "", 1001}, {1003, "", 1003}, {1011, "x", 1011}, {3000, "", 3000},
			{4999, strings.Repeat("ü", 61), 4999}, {websocket.CloseNoStatusReceived, "", 1005}, {0, "", 1011},
		} {
			for _, isSender := range []bool{true, false} {
				ends, other := l.join("/chat")
				if !isSender {
					ends, other = other, ends
				}
				if c.code == 0 {
					_ = ends.conn.NetConn().Close()
				} else {
					ends.close(c.code, c.reason)
				}
				if reason := other.wantClose(c.want); c.code != 0 && reason != c.reason {
					b.Errorf("%d %q: reason %q", c.code, c.reason, reason)
				}
				<-ends.ended
			}
		}
		b.wantMetric("jitney_relay_listeners", "1")
	})
}
