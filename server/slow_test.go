package server_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/server"
)

// ended returns after how long the other side closes the connection, reading
// what it sends.
func ended(b *bus, c net.Conn) (after time.Duration, text string) {
	b.Helper()
	start := time.Now()
	var all bytes.Buffer
	_ = c.SetReadDeadline(start.Add(time.Hour))
	if _, err := io.Copy(&all, c); err != nil {
		b.Errorf("it is open after %v: %v", time.Since(start), err)
	}
	return time.Since(start), all.String()
}

func about(got, want time.Duration) bool { return got >= want && got <= want+2*time.Second }

// A header has five seconds.
func TestSlowHeader(t *testing.T) {
	inBubble(t, func(b *bus) {
		c := b.dial()
		defer c.Close()
		fmt.Fprint(c, "POST /orders HTTP/1.1\r\nHost: loc")
		if after, _ := ended(b, c); !about(after, 5*time.Second) {
			b.Errorf("it was closed after %v", after)
		}
	})
}

// A connection without a request has two minutes.
func TestIdleConnection(t *testing.T) {
	inBubble(t, func(b *bus) {
		c := b.dial()
		defer c.Close()
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
		if after, text := ended(b, c); !about(after, 2*time.Minute) || !strings.HasPrefix(text, "HTTP/1.1 200") {
			b.Errorf("it was closed after %v and %.20q", after, text)
		}
	})
}

// A header of more than 96 KiB is refused; 64 KiB of properties fit [Q3].
func TestLargeHeader(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		b.send("/orders", "x", "Jitney-Properties", `{"a":"`+strings.Repeat("x", 64<<10-9)+`"}`)
		b.call("POST", "/orders", "x", "Jitney-Properties", `{"a":"`+strings.Repeat("x", 64<<10)+`"}`).wantProblem(400, "bad-value")
		if r := b.raw("GET / HTTP/1.1\r\nHost: localhost\r\nA: " + strings.Repeat("x", 110<<10) + "\r\n\r\n"); r.status != 431 {
			b.Errorf("status %d, want 431", r.status)
		}
	})
}

// A body that stands still, or comes by drops, is cut off after 20 seconds.
func TestSlowBody(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		for name, drip := range map[string]func(net.Conn){
			"silence":  func(net.Conn) {},
			"expect":   func(net.Conn) {},
			"one byte": func(c net.Conn) { fmt.Fprint(c, "x") },
			"drops": func(c net.Conn) {
				for range 100 {
					if _, err := c.Write(make([]byte, 1<<10)); err != nil {
						return
					}
					time.Sleep(time.Second)
				}
			},
		} {
			for _, target := range []string{"POST /orders", "POST /orders/messages/head", "POST /orders/messages/settle", "DELETE /orders/messages/1/x"} {
				c := b.dial()
				expect := ""
				if name == "expect" {
					expect = "Expect: 100-continue\r\n"
				}
				fmt.Fprintf(c, "%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n%s\r\n", target, expect)
				var dripping sync.WaitGroup
				dripping.Go(func() { drip(c) })
				after, text := ended(b, c)
				if !about(after, 20*time.Second) || !strings.Contains(text, "HTTP/1.1 408 ") {
					b.Errorf("%s, %s: closed after %v: %.200s", target, name, after, text)
				}
				c.Close()
				dripping.Wait()
			}
		}
		b.wantCounts("/orders", "")
	})
}

// The rest of a body that nobody wants does not hold anybody either.
func TestUnwantedBody(t *testing.T) {
	inBubble(t, func(b *bus) {
		c := b.dial()
		defer c.Close()
		fmt.Fprint(c, "POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n")
		if after, text := ended(b, c); !about(after, 5*time.Second) || !strings.Contains(text, "HTTP/1.1 404 ") {
			b.Errorf("closed after %v: %.200s", after, text)
		}
	})
}

// A body at the floor, 64 KiB in 20 seconds, gets through.
func TestLeisurelyBody(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", `"MaxMessageSizeInKilobytes":2048`)
		c := b.dial()
		defer c.Close()
		fmt.Fprintf(c, "POST /orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n", 2<<20)
		go func() {
			for range 512 { // longer than any other request may take
				time.Sleep(time.Second)
				_, _ = c.Write(make([]byte, 4<<10)) // a failure shows in the reply
			}
		}()
		response, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || response.StatusCode != 201 {
			b.Fatalf("%v, %v", response, err)
		}
	})
}

// A receiver that stops reading a large body is cut off; its lock stays.
func TestStuckReceiver(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/large", `"MaxMessageSizeInKilobytes":10240`)
		for _, read := range []int{0, 1, 100 << 10} {
			for _, query := range []string{"", "?count=1"} {
				b.send("/large", pattern(5<<20), "Content-Type", "text/plain")
				c := b.dial()
				fmt.Fprintf(c, "POST /large/messages/head%s HTTP/1.1\r\nHost: localhost\r\n\r\n", query)
				_, _ = io.CopyN(io.Discard, c, int64(read))
				time.Sleep(21 * time.Second)
				b.wantCounts("/large", "Locked 1")
				if after, _ := ended(b, c); after > 0 {
					b.Errorf("%d bytes read: it is closed %v too late", read, after)
				}
				c.Close()
				b.call("DELETE", "/large/$policy", "").want(204)
				b.queue("/large", `"MaxMessageSizeInKilobytes":10240`)
			}
		}
	})
}

// A receiver that takes its time gets all of it.
func TestLeisurelyReceiver(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/large", `"MaxMessageSizeInKilobytes":10240`)
		body := pattern(2 << 20)
		b.send("/large", body)
		c := b.dial()
		defer c.Close()
		fmt.Fprint(c, "POST /large/messages/head HTTP/1.1\r\nHost: localhost\r\n\r\n")
		response, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			b.Fatal(err)
		}
		var got bytes.Buffer
		for err == nil {
			time.Sleep(10 * time.Second)
			_, err = io.CopyN(&got, response.Body, 64<<10)
		}
		if got.String() != body {
			b.Errorf("got %d bytes of %d, %v", got.Len(), len(body), err)
		}
	})
}

// A small reply that nobody reads does not hold its request for ever.
func TestUnreadReply(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		c := b.dial()
		defer c.Close()
		fmt.Fprint(c, "POST /orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
		time.Sleep(8 * time.Minute)
		if err := wantClosed(c); err != nil {
			b.Error(err)
		}
	})
}

// More requests, receivers or bytes at one time than there may be: 503.
func TestLimits(t *testing.T) {
	inBubbleWith(t, server.Options{MaxRequests: 4, MaxWaiting: 2}, func(b *bus) {
		b.queue("/orders", "")
		one := b.later(func() reply { return b.call("POST", "/orders/messages/head?timeout=10", "") })
		two := b.later(func() reply { return b.call("POST", "/orders/messages/head?timeout=10", "") })
		time.Sleep(time.Second)
		r := b.call("POST", "/orders/messages/head", "").wantHeader("Retry-After", "1")
		r.wantProblem(503, "overloaded")
		b.call("POST", "/orders/messages/head?timeout=0", "").want(204)
		// Two more, and then no more but the broker's own area.
		three, four := b.dial(), b.dial()
		fmt.Fprint(three, "POST /orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n")
		fmt.Fprint(four, "POST /orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n")
		time.Sleep(time.Second)
		b.call("GET", "/orders", "").wantHeader("Retry-After", "1").wantProblem(503, "overloaded")
		b.call("GET", "/-/livez", "").want(200)
		three.Close()
		four.Close()
		one().want(204)
		two().want(204)
		b.call("POST", "/orders/messages/head?timeout=1", "").want(204)
		b.wantCounts("/orders", "")
	})
}

// Bodies in memory are at most 64 MiB in all.
func TestBodyMemory(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		c := b.dial()
		fmt.Fprintf(c, "POST /orders HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/vnd.microsoft.servicebus.json\r\nContent-Length: %d\r\n\r\n", 64<<20)
		time.Sleep(time.Second)
		b.call("POST", "/orders", "x").wantHeader("Retry-After", "1").wantProblem(503, "overloaded")
		b.do(b.request("POST", "/orders", io.MultiReader(strings.NewReader("x")))).wantProblem(503, "overloaded")
		b.stream("/orders", `{"body":"x"}`).wantProblem(503, "overloaded")
		b.call("POST", "/orders/messages/head?timeout=0", "").want(204)
		c.Close()
		time.Sleep(time.Second)
		b.send("/orders", "x")
		c = b.dial()
		defer c.Close()
		fmt.Fprintf(c, "POST /orders HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/vnd.microsoft.servicebus.json\r\nContent-Length: %d\r\n\r\n", 64<<20+1)
		if _, text := ended(b, c); !strings.Contains(text, "HTTP/1.1 413 ") {
			b.Errorf("%.300s", text)
		}
	})
}
