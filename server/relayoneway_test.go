package server_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// [L3] A request that is sent one way is accepted when a listener has it.
func TestRelayOneWay(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.point("/team/wiki")
		l := b.listen("/team/wiki")
		for sent, want := range map[string]string{
			"/team/wiki?sb-hc-action=oneway":                "/team/wiki",
			"/team/wiki/a%2Fb?x=y&sb-hc-action=oneway&z":    "/team/wiki/a%2Fb?x=y&z",
			"/team/wiki?SB-HC-Action=oneway":                "/team/wiki",
			"/$hc/team/wiki?sb-hc-action=oneway":            "/team/wiki",
			"/$HC/Team/wiki/a//b?sb-hc-action=oneway&x=%20": "/Team/wiki/a//b?x=%20",
		} {
			for _, method := range []string{"POST", "GET", "DELETE"} {
				done := b.ask(method, sent, "hello", "X-A", "1", "Keep-Alive", "5")
				r, body, _ := l.request()
				if r.Target != want || r.Method != method || body != "hello" || r.Headers["X-A"] != "1" || r.Headers["Via"] != "1.1 localhost" ||
					r.Headers["Content-Length"] != "5" || r.Headers["Keep-Alive"] != nil {
					b.Errorf("%s: %+v, body %q", sent, r, body)
				}
				done().want(202).wantBody("")
				l.answer(r.ID, 500, "late") // nobody minds
			}
		}
		done := b.ask("POST", "/team/wiki?sb-hc-action=oneway", "")
		if r, _, _ := l.request(); r.Body == nil || *r.Body {
			b.Error("a body was announced")
		}
		done().want(202)
		b.wantMetric("jitney_relay_one_way_total", "16")
		b.wantMetric("jitney_relay_listeners", "1")
	})
}

// [L3] What cannot be sent one way.
func TestRelayOneWayRefused(t *testing.T) {
	inBubble(t, func(b *bus) {
		others := b.pair()
		b.point("/wiki")
		const path = "/wiki?sb-hc-action=oneway"
		b.call("POST", path, "x").wantHeader("Retry-After", "1").wantProblem(502, "no-listener")
		b.call("POST", "/nowhere?sb-hc-action=oneway", "x").want(404)
		b.call("POST", "/$hc/nowhere?sb-hc-action=oneway", "x").wantProblem(404, "no-role")
		l := b.listen("/wiki")
		b.call("POST", path, pattern(64<<10+1)).wantProblem(413, "too-large")
		b.do(b.request("POST", path, io.MultiReader(strings.NewReader("x")))).wantProblem(413, "too-large")
		b.call("POST", path+"&sb-hc-action=oneway", "").wantProblem(400, "bad-value")
		l.wantNothing()
		done := b.ask("POST", path, pattern(64<<10))
		if _, body, _ := l.request(); body != pattern(64<<10) {
			b.Errorf("%d bytes", len(body))
		}
		done().want(202)
		others.wantWorking()
	})
}

// [L3] A listener that takes nothing: no answer that it did.
func TestRelayOneWayStuck(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.point("/wiki")
		b.still(listenPath("/wiki"))
		begun := time.Now()
		one := b.ask("POST", "/wiki?sb-hc-action=oneway", "x")
		synctest.Wait()
		two := b.ask("POST", "/wiki?sb-hc-action=oneway", "y")
		for _, done := range []func() reply{one, two} {
			if r := done(); r.status < 500 {
				b.Errorf("status %d, though nobody took it", r.status)
			}
		}
		if took := time.Since(begun); took > 62*time.Second {
			b.Errorf("it took %v", took)
		}
	})
}

// [L3] Nor is a body waited for that does not come.
func TestRelayOneWayWithoutItsBody(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.point("/wiki")
		l := b.listen("/wiki")
		for _, action := range []string{"oneway", ""} {
			c := b.dial()
			fmt.Fprintf(c, "POST /wiki?sb-hc-action=%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhello", action)
			if after, text := ended(b, c); after > 66*time.Second || !strings.Contains(text, " 408 ") {
				b.Errorf("%q: closed after %v: %.200s", action, after, text)
			}
			c.Close()
		}
		l.wantNothing()
	})
}
