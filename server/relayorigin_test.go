package server_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/jitney-mq/jitney/server"
)

// beside serves a broker on two listeners: main, and one that only relays.
func beside(t *testing.T, opts server.Options, test func(main, only *bus)) {
	inBubbleWith(t, opts, func(main *bus) {
		ctx, cancel := context.WithCancel(context.Background())
		only := *main
		only.listener = newPipes()
		transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return only.listener.dial() }}
		only.client = &http.Client{Transport: transport, CheckRedirect: main.client.CheckRedirect}
		served := make(chan error, 1)
		go func() { served <- server.New(main.broker, opts).ServeRelay(ctx, only.listener) }()
		main.Cleanup(func() {
			transport.CloseIdleConnections()
			cancel()
			if err := <-served; err != nil {
				main.Errorf("ServeRelay: %v", err)
			}
		})
		test(main, &only)
	})
}

// [L5] On the main listener what is relayed is in a sandbox; on the one that only
// relays it has an origin of its own, and there is nothing else.
func TestRelayOnly(t *testing.T) {
	beside(t, server.Options{Hosts: []string{"bus.example"}}, func(main, only *bus) {
		main.queue("/orders", "")
		main.point("/wiki")
		main.point("/team/wiki")
		main.echo("/wiki")
		main.echo("/team/wiki")
		main.call("GET", "/wiki", "").want(200).wantHeader("Content-Security-Policy", "sandbox")
		for _, c := range []struct {
			method, host, path string
			status             int
			want               string
		}{
			{"GET", "localhost:8080", "/wiki/x?y", 200, "GET /wiki/x?y "},
			{"GET", "wiki.localhost:8080", "/x?y", 200, "GET /wiki/x?y "},
			{"GET", "WIKI.localhost", "/", 200, "GET /wiki/ "},
			{"GET", "wiki.bus.example", "//x/%2F/$policy", 200, "GET /wiki//x/%2F/$policy "},
			{"GET", "bus.example", "/wiki", 200, "GET /wiki "},
			{"GET", "wiki.team.localhost", "/wiki", 200, "GET /team/wiki/wiki "},
			{"POST", "wiki.localhost", "/-/info", 200, "POST /wiki/-/info "},
			{"DELETE", "localhost", "/wiki/$policy", 200, "DELETE /wiki/$policy "},
			{"OPTIONS", "localhost", "/wiki", 200, "OPTIONS /wiki "},
			{"GET", "localhost", "/-/info", 404, "no-role"},
			{"GET", "localhost", "/-/livez", 404, "no-role"},
			{"GET", "localhost", "/-/metrics", 404, "no-role"},
			{"GET", "localhost", "/", 404, "no-role"},
			{"GET", "localhost", "/orders", 409, "wrong-role"},
			{"POST", "localhost", "/orders/messages", 409, "wrong-role"},
			{"GET", "orders.localhost", "/messages", 409, "wrong-role"},
			{"GET", "x.wiki.localhost", "/", 404, "no-role"},
			{"GET", "team.localhost", "/wiki", 404, "no-role"},
			{"GET", "wiki.evil.example", "/", 421, "unknown-host"},
			{"GET", "xbus.example", "/", 421, "unknown-host"},
			{"GET", "a..localhost", "/wiki", 404, "no-role"},
		} {
			r := only.call(c.method, c.path, "", "Host", c.host)
			if r.status != c.status || !strings.HasSuffix(strings.Split(r.body, `","`)[0], c.want) {
				main.Errorf("%s %s%s: %d %.200s", c.method, c.host, c.path, r.status, r.body)
			}
			if c.status == 200 {
				r.wantHeader("Content-Security-Policy", "")
			}
		}
		for _, host := range []string{"localhost", "wiki.localhost", "new.localhost"} {
			r := only.call("POST", "/new", `{"QueuePolicy":{}}`, "Content-Type", policyType, "Host", host)
			if host == "wiki.localhost" != (r.status == 200) {
				main.Errorf("%s: a policy is answered %d", host, r.status)
			}
		}
		main.call("GET", "/new/$policy", "").want(404)
		main.call("GET", "/wiki", "", "Host", "wiki.bus.example").wantProblem(421, "unknown-host")
	})
}

// [L5] Prefix and host of what comes by a host of its own; sockets travel there too.
func TestRelayOnlyByHost(t *testing.T) {
	beside(t, server.Options{}, func(main, only *bus) {
		main.point("/team/wiki")
		l := only.listen("/team/wiki")
		done := only.ask("GET", "/x", "", "Host", "wiki.team.localhost:8080", "X-Forwarded-Prefix", "/evil")
		r, _, _ := l.request()
		if _, there := r.Headers["X-Forwarded-Prefix"]; there || r.Headers["X-Forwarded-Host"] != "wiki.team.localhost:8080" {
			main.Errorf("header %v", r.Headers)
		}
		l.answer(r.ID, 200, "", `,"responseHeaders":{"Content-Security-Policy":"default-src 'self'"}`)
		done().want(200).wantHeader("Content-Security-Policy", "default-src 'self'")
		pending := only.opening("ws://wiki.team.localhost/room//1?a=b", "Origin", "http://wiki.team.localhost")
		address := l.address()
		if !strings.HasPrefix(address, "ws://localhost/$hc/team/wiki/room//1?a=b&sb-hc-action=accept&sb-hc-id=") {
			main.Errorf("address %s", address)
		}
		at := only.open(address)
		sender := pending()
		sender.write(textFrame("x"))
		at.want(textFrame("x"))
		done = main.ask("GET", "/team/wiki", "")
		r, _, _ = l.request()
		l.answer(r.ID, 200, "", `,"responseHeaders":{"Content-Security-Policy":"default-src 'self'"}`)
		done().wantHeader("Content-Security-Policy", "default-src 'self', sandbox")
	})
}

// [L5] What a browser takes for a whole host is the broker's to say at its own address.
func TestRelaySpeaksForItself(t *testing.T) {
	beside(t, server.Options{}, func(main, only *bus) {
		main.point("/wiki")
		l := main.listen("/wiki")
		fields := []string{
			"Strict-Transport-Security", "clear-site-data", "Alt-Svc", "NEL", "Report-To", "Reporting-Endpoints",
			"Accept-CH", "Critical-CH", "Origin-Agent-Cluster", "Service-Worker-Allowed",
		}
		headers := `"X-Own":"x"`
		for _, name := range fields {
			headers += `,"` + name + `":"x"`
		}
		for _, b := range []*bus{main, only} {
			done := b.ask("GET", "/wiki", "")
			r, _, _ := l.request()
			l.answer(r.ID, 200, "", `,"responseHeaders":{`+headers+`}`)
			reply, want := done().want(200).wantHeader("X-Own", "x"), ""
			if b == only {
				want = "x"
			}
			for _, name := range fields {
				reply.wantHeader(name, want)
			}
		}
	})
}

// [L5] A page of another origin reaches nothing, and no page listens, not even one
// of the same host: it may be one that was relayed.
func TestRelayOrigins(t *testing.T) {
	opts := server.Options{Origins: []string{"http://friend.example"}}
	beside(t, opts, func(main, only *bus) {
		main.point("/wiki")
		l := main.echo("/wiki")
		for _, b := range []*bus{main, only} {
			for _, origin := range []string{"http://evil.example", "null", "http://localhost:1", "https://localhost", "http://chat.localhost", ""} {
				for _, method := range []string{"GET", "POST", "OPTIONS", "HEAD"} {
					b.call(method, "/wiki", "", "Origin", origin).want(403)
				}
				for _, action := range []string{"listen", "connect", "accept&sb-hc-id=x", "request&sb-hc-id=x"} {
					b.refused("/$hc/wiki?sb-hc-action="+action, "Origin", origin).wantProblem(403, "foreign-origin")
				}
				b.refused("/wiki", "Origin", origin).wantProblem(403, "foreign-origin")
			}
			const own = "http://localhost"
			b.call("GET", "/wiki", "", "Origin", own).want(200)
			b.open("/wiki", "Origin", own).close(1000, "")
			b.refused(listenPath("/wiki"), "Origin", own).wantProblem(403, "foreign-origin")
			b.refused("/$hc/wiki?sb-hc-action=accept&sb-hc-id=x", "Origin", own).wantProblem(403, "foreign-origin")
			b.call("GET", "/wiki", "", "Origin", "http://friend.example").want(200)
			b.listen("/wiki", "Origin", "http://friend.example").close(1000, "")
		}
		l.close(1000, "")
	})
}

// [L1] A handshake has no body, and is one.
func TestRelayHandshakes(t *testing.T) {
	inBubble(t, func(b *bus) {
		others := b.pair()
		b.point("/wiki")
		l := b.listen("/wiki")
		pending := b.connecting("/wiki")
		accept := strings.TrimPrefix(l.address(), "ws://localhost")
		done := b.ask("GET", "/wiki", "")
		r, _, _ := l.request()
		for _, path := range []string{listenPath("/wiki"), "/$hc/wiki?sb-hc-action=connect", "/wiki", accept, strings.TrimPrefix(r.Address, "ws://localhost")} {
			for request, status := range map[string]int{
				upgrade(path, "Content-Length: 4\r\n") + "body":                                400,
				upgrade(path, "Transfer-Encoding: chunked\r\n") + "4\r\nbody\r\n0\r\n\r\n":     400,
				upgrade(path, "Sec-WebSocket-Version: 12\r\n"):                                 426,
				upgrade(path, "Sec-WebSocket-Key: AAAA\r\n"):                                   400,
				upgrade(path, "Connection: keep-alive\r\n"):                                    400,
				strings.Replace(upgrade(path, ""), "GET", "POST", 1):                           400,
				strings.Replace(upgrade(path, ""), "GET", "OPTIONS", 1):                        400,
				strings.Replace(upgrade(path, "Content-Length: 1\r\n"), "GET", "PUT", 1) + "x": 400,
			} {
				if r := b.raw(request); r.status != status {
					b.Errorf("%.300s: %d, want %d", request, r.status, status)
				}
			}
		}
		l.wantNothing()
		b.open(accept)
		pending().close(1000, "")
		l.answer(r.ID, 200, "")
		done().want(200)
		others.wantWorking()
	})
}
