package server_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/jitney-mq/jitney/namespace"
	"github.com/jitney-mq/jitney/server"
)

// Who does not read holds up nobody, and is told that it has missed something. [S9]
func TestSocketOverflow(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.router("/news", "")
		slow, fast := b.quiet("/news"), b.socket("/news")
		start := time.Now()
		body := func(i int) string { return fmt.Sprintf("%065536d", i) } // 64 of them fill the outbox
		for i := range 80 {
			b.call("POST", "/news", body(i)).want(202)
			if fast.delivery().Body != body(i) {
				b.Fatal("out of order")
			}
		}
		if took := time.Since(start); took > time.Second {
			b.Errorf("it took %v", took)
		}
		go slow.read()
		for i := range 65 { // one is with the writer
			if d := slow.delivery(); d.Body != body(i) {
				b.Fatalf("message %s, want %d", d.Body[65500:], i)
			}
		}
		slow.wantClose(1013)
		fast.leave()
		b.wantMetric(`jitney_sockets_closed_total{code="1013"}`, "1")
	})
}

// Who takes nothing of a frame for ten seconds is cut off.
func TestSocketWriteDeadline(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		s := b.quiet("/orders")
		s.write(`{"credit":1}`)
		b.send("/orders", "x")
		time.Sleep(11 * time.Second)
		b.wantCounts("/orders", "Active 1")
		if d := b.receive("/orders").properties(); d.DeliveryCount != 2 {
			b.Errorf("delivery count %d", d.DeliveryCount)
		}
		s.conn.Close()
	})
}

// A client whose frames are not answered yet has to wait. [S9]
func TestSocketBoundsFrames(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", `"MaxQueueLength":1`)
		b.send("/orders", "x")
		s := b.socket("/orders")
		written := make(chan struct{})
		go func() {
			defer close(written)
			for range 100 {
				s.write(`{"send":[{"body":"x"}]}`)
			}
		}()
		b.wantMetric(`jitney_socket_frames_total{direction="in"}`, "64")
		for range 100 {
			s.wantProblem(503, "queue-full", "")
		}
		<-written
		s.leave()
		b.wantCounts("/orders", "Active 1")
	})
}

// A client that does not answer pings is dead after a minute. [S9]
func TestSocketPings(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		alive, dead := b.socket("/orders"), b.quiet("/orders")
		pings := 0
		dead.conn.SetPingHandler(func(string) error { pings++; return nil })
		go dead.read()
		start := time.Now()
		<-dead.ended
		if took := time.Since(start); took < time.Minute || took > 61*time.Second || pings == 0 {
			b.Errorf("ended after %v and %d pings", took, pings)
		}
		time.Sleep(10 * time.Minute)
		alive.write(`{"send":[{"body":"x"}]}`)
		alive.want(`{"sent":[{"sequenceNumber":1}]}`)
		alive.leave()
	})
}

// A shutdown answers what is under way, and says that the broker goes. [S9]
func TestSocketShutdown(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		b.queue("/full", `"MaxQueueLength":1,"EnqueueTimeout":"PT1M"`)
		b.router("/news", "")
		b.send("/full", "x")
		full, idle, live := b.socket("/full"), b.socket("/orders"), b.socket("/news")
		idle.write(`{"credit":10}`)
		full.write(`{"send":[{"body":"y"}],"ref":1}`)
		synctest.Wait()
		end := b.shutting()
		full.wantProblem(503, "overloaded", "1")
		for _, s := range []*socket{full, idle, live} {
			s.wantClose(1001)
		}
		if took := end(); took > 2*time.Second {
			b.Errorf("the shutdown took %v", took)
		}
	})
}

// Who closes a socket gets the answers to what it asked for before. [S10]
func TestSocketAnswersBeforeItCloses(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", `"MaxQueueLength":1`)
		b.send("/orders", "x")
		s := b.socket("/orders")
		s.write(`{"send":[{"body":"y"}],"ref":1}`)
		_ = s.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1000, ""), time.Now().Add(time.Second))
		time.Sleep(3 * time.Second)
		b.call("DELETE", "/orders/messages/head", "").want(200)
		s.want(`{"sent":[{"sequenceNumber":2}],"ref":1}`)
		s.wantClose(1000)
	})
}

// A shutdown waits for sockets, but not for long. [S9]
func TestSocketShutdownCutsOff(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		b.send("/orders", "x")
		stuck := b.quiet("/orders")
		stuck.write(`{"credit":1}`)
		synctest.Wait()
		time.Sleep(5 * time.Second)
		end := b.shutting()
		if took := end(); took < 4*time.Second || took > 6*time.Second {
			b.Errorf("the shutdown took %v, want what is left of the time to write", took)
		}
		b.wantActive("/orders", 1)
	})
}

// wantActive counts messages of a queue whose server has ended.
func (b *bus) wantActive(path string, want uint64) {
	b.Helper()
	n, err := namespace.Parse(path)
	if err != nil {
		b.Fatal(err)
	}
	q, err := b.broker.QueueNamed(n)
	if err != nil {
		b.Fatal(err)
	}
	if c, err := q.Counts(); err != nil || c.Active != want {
		b.Errorf("%+v, %v, want %d active", c, err, want)
	}
}

// The module for web pages. [S9]
func TestModule(t *testing.T) {
	inBubble(t, func(b *bus) {
		r := b.call("GET", "/-/jitney.js", "").want(200).wantHeader("Content-Type", "text/javascript; charset=utf-8")
		if !strings.Contains(r.body, "export function connect(") {
			b.Errorf("%.100s", r.body)
		}
		b.call("GET", "/-/jitney.js", "", "If-None-Match", r.header.Get("ETag")).want(304).wantBody("")
		b.call("GET", "/-/jitney.js", "", "Origin", "http://evil.example").wantProblem(403, "foreign-origin")
	})
}

// Sockets end with the role, and a receiver with the right to receive. [S9] [P3]
func TestSocketRoleEnds(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		b.router("/news", "")
		idle, receiver, live := b.socket("/orders"), b.socket("/orders"), b.socket("/news")
		receiver.write(`{"credit":1}`)
		synctest.Wait()
		b.call("DELETE", "/orders/$policy", "").want(204)
		idle.wantClose(4404)
		receiver.wantClose(4404)
		b.call("DELETE", "/news/$policy", "").want(204)
		live.wantClose(4404)
		b.queue("/shut", `"Status":"ReceiveDisabled"`)
		s := b.socket("/shut")
		s.write(`{"send":[{"body":"x"}]}`)
		s.next()
		s.write(`{"credit":1}`)
		s.wantClose(4403)
	})
}

// There are only so many sockets. [S9]
func TestSocketLimit(t *testing.T) {
	inBubbleWith(t, server.Options{MaxSockets: 2}, func(b *bus) {
		b.queue("/orders", "")
		s := b.socket("/orders")
		b.socket("/orders")
		b.raw(upgrade("/orders", "")).wantHeader("Retry-After", "1").wantProblem(503, "overloaded")
		b.wantMetric(`jitney_sockets{kind="durable"}`, "2")
		s.leave()
		synctest.Wait()
		b.socket("/orders")
		b.wantMetric(`jitney_socket_frames_total{direction="in"}`, "0")
	})
}
