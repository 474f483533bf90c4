package server_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/problem"
)

// stream sends lines in one request.
func (b *bus) stream(path, lines string) reply {
	b.Helper()
	return b.call("POST", path, lines, "Content-Type", linesType)
}

// last returns the last line of a stream's reply, and the one before it.
func (r reply) last() (last, before string) {
	lines := strings.Split(strings.TrimSuffix(r.body, "\n"), "\n")
	if len(lines) > 1 {
		before = lines[len(lines)-2]
	}
	return lines[len(lines)-1], before
}

// wantEnd checks that a stream ended early with a problem, behind so much progress.
func (r reply) wantEnd(progress string, status, line int, slug string) problem.Document {
	r.Helper()
	r.want(200)
	last, before := r.last()
	if before != progress {
		r.Errorf("progress %s, want %s", before, progress)
	}
	r.body = last
	var d problem.Document
	r.decode(&d)
	if d.Status != status || d.Line != line || d.Type != "urn:jitney:problem:"+slug {
		r.Errorf("the stream ended with %+v, want %d %s in line %d", d, status, slug, line)
	}
	return d
}

// [Q4] [M1]
func TestStream(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		r := b.stream("/orders", `{"messageId":"1","body":"text"}`+"\n"+
			`{"messageId":"2","body":{"a": 1},"properties":{"N":1,"s":"t"},"label":"l","sessionId":"s","timeToLive":60}`+"\r\n\n  \n"+
			`{"messageId":"3","bodyBase64":"/wA=","contentType":"application/octet-stream"}`).want(200)
		r.wantHeader("Content-Type", linesType)
		if last, _ := r.last(); last != `{"committed":3,"last":3}` {
			b.Errorf("the last line is %s", last)
		}
		lines := b.call("POST", "/orders/messages/head?count=9", "", "Accept", linesType).want(201).body
		var got []*message.Received
		for line := range strings.Lines(lines) {
			m, err := message.ParseReceived([]byte(line))
			if err != nil {
				b.Fatal(err)
			}
			got = append(got, m)
		}
		if len(got) != 3 || string(got[0].Body) != "text" || got[0].ContentType != "text/plain" || string(got[1].Body) != `{"a": 1}` ||
			got[1].Properties.Len() != 2 || got[1].Label != "l" || *got[1].SessionID != "s" || got[1].TimeToLive != time.Minute ||
			string(got[2].Body) != "\xff\x00" || got[2].ContentType != "application/octet-stream" {
			b.Errorf("received %s", lines)
		}
		b.stream("/orders", "").want(200).wantBody("")
		b.stream("/orders", "\n\n").want(200).wantBody("")
	})
}

// [Q4]: a broken line ends the stream and says which it is; what was before is safe.
func TestBrokenLine(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", `"MaxMessageSizeInKilobytes":1`)
		good := `{"body":"x"}` + "\n"
		for _, c := range []struct{ line, element, want, slug string }{
			{`{"body":`, "message", "JSON", "bad-value"},
			{`{"bdy":"x"}`, "bdy", "a member of a message", "bad-value"},
			{`{"body":"x","sequenceNumber":1}`, "sequenceNumber", "a member of a message", "bad-value"},
			{`[]`, "message", "an object", "bad-value"},
			{"{\"body\":\"\xff\"}", "message", "UTF-8", "bad-value"},
			{`{"timeToLive":-1}`, "timeToLive", "greater than 0", "bad-value"},
			{`{"body":"` + pattern(1025) + `"}`, "", "", "too-large"},
			{`{"body":"` + pattern(4<<20) + `"}`, "line", "at most 4194304 bytes", "bad-value"},
		} {
			status := map[string]int{"bad-value": 400, "too-large": 413}[c.slug]
			before, _ := b.browse("/orders/messages?count=1000")
			r := b.stream("/orders", good+"\n"+good+c.line+"\n"+good)
			d := r.wantEnd(fmt.Sprintf(`{"committed":2,"last":%d}`, len(before)+2), status, 4, c.slug)
			if d.Element != c.element || !strings.Contains(d.Want, c.want) {
				b.Errorf("%.40s: %+v", c.line, d)
			}
			// If it is the first one there is nothing to be told before.
			r = b.stream("/orders", c.line+"\n"+good)
			if d := r.wantProblem(status, c.slug); d.Line != 1 {
				b.Errorf("%.40s: line %d, want 1", c.line, d.Line)
			}
			after, _ := b.browse("/orders/messages?count=1000")
			if len(after) != len(before)+2 {
				b.Errorf("%.40s: %d messages more, want 2", c.line, len(after)-len(before))
			}
		}
	})
}

// open begins a stream on a connection of its own.
func (b *bus) openStream(path string) (net.Conn, *bufio.Reader) {
	b.Helper()
	c := b.dial()
	fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n", path, linesType)
	return c, bufio.NewReader(c)
}

func chunk(c io.Writer, data string) {
	fmt.Fprintf(c, "%x\r\n%s\r\n", len(data), data)
}

// [Q4]: a client is told as soon as something is committed.
func TestStreamDuplex(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		c, r := b.openStream("/orders")
		defer c.Close()
		chunk(c, `{"body":"1"}`+"\n")
		response, err := http.ReadResponse(r, nil)
		if err != nil {
			b.Fatal(err)
		}
		progress := bufio.NewScanner(response.Body)
		for i := 1; i < 5; i++ {
			if !progress.Scan() || progress.Text() != fmt.Sprintf(`{"committed":%d,"last":%d}`, i, i) {
				b.Fatalf("progress %q after %d lines", progress.Text(), i)
			}
			time.Sleep(time.Minute)
			chunk(c, `{"body":"x"}`+"\n")
		}
		fmt.Fprint(c, "0\r\n\r\n")
		for progress.Scan() {
		}
		if err := progress.Err(); err != nil {
			b.Fatal(err)
		}
		// The connection is as good as new.
		go fmt.Fprint(c, "GET /orders/messages/5 HTTP/1.1\r\nHost: localhost\r\n\r\n")
		if response, err := http.ReadResponse(r, nil); err != nil || response.StatusCode != 200 {
			b.Errorf("%v, %v", response, err)
		}
	})
}

// [Q4]: a client that does not read before it has sent everything is not held
// up, and hears the sum. Lines gather into few commits.
func TestStreamUnread(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		c, r := b.openStream("/orders")
		defer c.Close()
		before := b.broker.Info().Store.Commits
		const count = 20_000
		for range count / 100 {
			chunk(c, strings.Repeat(`{"body":"x"}`+"\n", 100))
		}
		for range 10 { // longer than any other reply may take
			time.Sleep(time.Minute)
			chunk(c, "\n")
		}
		fmt.Fprint(c, "0\r\n\r\n")
		response, err := http.ReadResponse(r, nil)
		if err != nil {
			b.Fatal(err)
		}
		reply := b.read(response)
		if last, _ := reply.last(); last != fmt.Sprintf(`{"committed":%d,"last":%d}`, count, count) {
			b.Errorf("the last line is %s", last)
		}
		if lines := strings.Count(reply.body, "\n"); lines > 10 {
			b.Errorf("%d lines for a client that did not read", lines)
		}
		if commits := b.broker.Info().Store.Commits - before; commits > count/10 {
			b.Errorf("%d commits for %d messages", commits, count)
		}
	})
}

// [Q4]: a client that never reads is cut off, and holds nobody.
func TestStreamNeverRead(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		c, _ := b.openStream("/orders")
		defer c.Close()
		chunk(c, `{"body":"x"}`+"\n")
		fmt.Fprint(c, "0\r\n\r\n")
		time.Sleep(21 * time.Second)
		b.wantCounts("/orders", "Active 1")
		if err := wantClosed(c); err != nil {
			b.Error(err)
		}
	})
}

// wantClosed returns nil if the other side has closed the connection.
func wantClosed(c net.Conn) error {
	_ = c.SetReadDeadline(time.Now().Add(time.Millisecond))
	n, err := io.Copy(io.Discard, c)
	if err != nil {
		return fmt.Errorf("the connection is open: %d bytes, %w", n, err)
	}
	return nil
}

// [Q4]: half a line is no message, but those before it are.
func TestStreamCutOff(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		c, _ := b.openStream("/orders")
		chunk(c, `{"body":"whole"}`+"\n"+`{"body":"h"}`)
		go io.Copy(io.Discard, c)
		time.Sleep(time.Second)
		c.Close()
		time.Sleep(time.Second)
		b.receive("/orders").wantBody("whole")
		b.wantCounts("/orders", "Locked 1")
	})
}

// [Q4] [Q5]: what a full queue does, it does to each message.
func TestStreamFull(t *testing.T) {
	inBubble(t, func(b *bus) {
		lines := strings.Repeat(`{"body":"x"}`+"\n", 8)
		b.queue("/rejects", `"MaxQueueLength":5,"EnqueueTimeout":"PT1S"`)
		b.stream("/rejects", lines).wantEnd(`{"committed":5,"last":5}`, 503, 6, "queue-full")
		b.wantCounts("/rejects", "Active 5")
		b.stream("/rejects", "\n"+lines).wantProblem(503, "queue-full")
		b.queue("/drops", `"MaxQueueLength":5,"EnqueueTimeout":"PT0S","Overflow":"DiscardIncomingMessage"`)
		if last, _ := b.stream("/drops", lines).want(200).last(); last != `{"committed":5,"last":5,"discarded":3}` {
			b.Errorf("the last line is %s", last)
		}
		b.call("DELETE", "/drops/messages/head?count=2", "").want(200)
		if last, _ := b.stream("/drops", lines[:4*13]).want(200).last(); last != `{"committed":2,"last":7,"discarded":2}` {
			b.Errorf("the last line is %s", last)
		}
		b.queue("/shifts", `"MaxQueueLength":5,"EnqueueTimeout":"PT0S","Overflow":"DiscardExistingMessage"`)
		if last, _ := b.stream("/shifts", lines).want(200).last(); last != `{"committed":8,"last":8}` {
			b.Errorf("the last line is %s", last)
		}
		b.wantCounts("/shifts", "Active 5")
		b.queue("/closed", `"Status":"SendDisabled"`)
		b.stream("/closed", lines).wantProblem(403, "disabled")
		b.call("POST", "/shifts", lines, "Content-Type", linesType, "Content-Encoding", "gzip").wantProblem(415, "media-type")
	})
}

// [Q4] [P3]: the queue goes while a stream is open.
func TestStreamQueueGone(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		c, r := b.openStream("/orders")
		defer c.Close()
		chunk(c, `{"body":"x"}`+"\n")
		time.Sleep(time.Second)
		b.call("DELETE", "/orders/$policy", "").want(204)
		go chunk(c, `{"body":"x"}`+"\n")
		response, err := http.ReadResponse(r, nil)
		if err != nil {
			b.Fatal(err)
		}
		lines := bufio.NewScanner(response.Body) // its end never comes: more of the body could follow
		var last string
		for lines.Scan() {
			last = lines.Text()
		}
		reply{TB: b, status: 200, body: `{"committed":1,"last":1}` + "\n" + last}.wantEnd(`{"committed":1,"last":1}`, 404, 2, "no-role")
	})
}

// [Q4]: a stream that stands still is ended, and what came is kept.
func TestStreamIdle(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		c, r := b.openStream("/orders")
		defer c.Close()
		start := time.Now()
		chunk(c, `{"body":"x"}`+"\n"+`{"bo`)
		response, err := http.ReadResponse(r, nil)
		if err != nil {
			b.Fatal(err)
		}
		lines := bufio.NewScanner(response.Body)
		var got []string
		for lines.Scan() {
			got = append(got, lines.Text())
		}
		if took := time.Since(start); took < 2*time.Minute || took > 2*time.Minute+2*time.Second {
			b.Errorf("it was ended after %v, want two minutes", took)
		}
		reply{TB: b, status: 200, body: strings.Join(got, "\n")}.wantEnd(`{"committed":1,"last":1}`, 408, 2, "too-slow")
		b.wantCounts("/orders", "Active 1")
	})
}

// [Q4]: what comes behind a broken line is never taken for the next request.
func TestStreamIsNoSmuggler(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		smuggled := "GET /-/livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
		for _, first := range []string{"broken\n", `{"body":"x"}` + "\nbroken\n"} {
			for _, fill := range []int{0, 1 << 20, 5 << 20} {
				c := b.dial()
				fmt.Fprintf(c, "POST /orders HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", linesType, 100<<20)
				go func() {
					_, _ = io.WriteString(c, first+strings.Repeat(" ", fill)+strings.Repeat(smuggled, 100))
				}()
				r := bufio.NewReader(c)
				response, err := http.ReadResponse(r, nil)
				if err != nil {
					b.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, response.Body) // it may be broken off
				if more, err := io.ReadAll(r); len(more) > 0 {
					b.Errorf("behind the reply came %.100q, %v", more, err)
				}
				c.Close()
			}
		}
		// The rest of the body comes when nobody reads it any more.
		first := `{"body":"x"}` + "\nbroken\n"
		for _, framing := range []string{fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(first)+len(smuggled), first),
			fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(first), first)} {
			c := b.dial()
			go fmt.Fprintf(c, "POST /orders HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\n%s", linesType, framing)
			var got strings.Builder
			var reading sync.WaitGroup
			reading.Go(func() { _, _ = io.Copy(&got, c) }) // it may be broken off
			time.Sleep(3 * time.Second)
			_, _ = io.WriteString(c, smuggled) // to whom it may concern
			time.Sleep(3 * time.Second)
			c.Close()
			reading.Wait()
			if n := strings.Count(got.String(), "HTTP/1.1 "); n != 1 {
				b.Errorf("%d replies: %s", n, got.String())
			}
		}
	})
}
