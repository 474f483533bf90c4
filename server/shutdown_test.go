package server_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// shutting begins the shutdown; the result waits for its end and says how long
// it took.
func (b *bus) shutting() (end func() time.Duration) {
	start := time.Now()
	done := make(chan time.Duration, 1)
	go func() {
		if err := b.shutDown(); err != nil {
			b.Error(err)
		}
		done <- time.Since(start)
	}()
	time.Sleep(time.Millisecond)
	return func() time.Duration { return <-done }
}

// Who waits is answered at once, with when to come again.
func TestShutdownAnswersWaiters(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		b.queue("/full", `"MaxQueueLength":1,"EnqueueTimeout":"PT1M"`)
		b.send("/full", "x")
		waiting := b.later(func() reply { return b.call("POST", "/orders/messages/head", "") })
		held := b.later(func() reply { return b.call("POST", "/full", "x") })
		c, r := b.openStream("/orders")
		defer c.Close()
		chunk(c, `{"body":"x"}`+"\n"+`{"body":"y"}`+"\n")
		waiting().want(201)
		waiting = b.later(func() reply { return b.call("POST", "/full/$DeadLetterQueue/messages/head", "") })
		time.Sleep(time.Second)
		end := b.shutting()
		waiting().wantHeader("Retry-After", "5").wantProblem(503, "shutting-down")
		if r := held().want(503); r.header.Get("Retry-After") == "" {
			b.Errorf("no Retry-After: %s", r.body)
		}
		response, err := http.ReadResponse(r, nil)
		if err != nil {
			b.Fatal(err)
		}
		var lines []string
		for scanner := bufio.NewScanner(response.Body); scanner.Scan(); {
			lines = append(lines, scanner.Text())
		}
		reply{TB: b, status: 200, body: strings.Join(lines, "\n")}.wantEnd(`{"committed":2,"last":2}`, 503, 3, "shutting-down")
		if took := end(); took > 2*time.Second {
			b.Errorf("the shutdown took %v", took)
		}
	})
}

// A request that is under way comes to its end; one that is new is refused.
func TestShutdownLetsRequestsEnd(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		c := b.dial()
		defer c.Close()
		fmt.Fprint(c, "POST /orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n1")
		late := b.dial()
		defer late.Close()
		fmt.Fprint(late, "GET /orders HTTP/1.1\r\nHost: loc")
		time.Sleep(time.Second)
		end := b.shutting()
		go fmt.Fprint(late, "alhost\r\n\r\n")
		response, err := http.ReadResponse(bufio.NewReader(late), nil)
		if err != nil {
			b.Fatal(err)
		}
		if !response.Close {
			b.Error("the connection is kept")
		}
		r := b.read(response).wantHeader("Retry-After", "5")
		r.wantProblem(503, "shutting-down")
		time.Sleep(5 * time.Second)
		fmt.Fprint(c, "2")
		if response, err = http.ReadResponse(bufio.NewReader(c), nil); err != nil || response.StatusCode != 201 {
			b.Errorf("%v, %v, want 201", response, err)
		}
		if took := end(); took < 5*time.Second || took > 7*time.Second {
			b.Errorf("the shutdown took %v, want a little more than 5 s", took)
		}
		if _, err := b.listener.dial(); err == nil {
			b.Error("connections are still taken")
		}
	})
}

// What has not ended after ten seconds is cut off.
func TestShutdownCutsOff(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		c := b.dial()
		defer c.Close()
		fmt.Fprint(c, "POST /orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n1")
		time.Sleep(time.Second)
		end := b.shutting()
		if took := end(); !about(took, 10*time.Second) {
			b.Errorf("the shutdown took %v, want 10 s", took)
		}
		if rest, _ := io.ReadAll(c); len(rest) > 0 {
			b.Errorf("the reply %.100q", rest)
		}
	})
}
