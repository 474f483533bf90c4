package server_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// [Q1] [Q2] [Q3] [R1]: what was sent is what is received.
func TestSendAndReceive(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/Orders", "")
		r := b.send("/orders", "hello", "Content-Type", "text/x-note", "Content-Language", "de",
			"BrokerProperties", `{"MessageId":"42","Label":"new","Unknown":1}`,
			"Priority", `"High"`, "Count", "7", "Jitney-Properties", `{"order-Id":"a"}`, "X-Forwarded-For", "1.2.3.4", "Cookie", "a=b")
		r.wantHeader("Location", "/Orders/messages/1").wantBody("").wantHeader("Content-Length", "0")

		r = b.call("POST", "/orders/messages/head", "").want(201).wantBody("hello")
		r.wantHeader("Content-Type", "text/x-note").wantHeader("Content-Language", "de").wantHeader("Content-Length", "5")
		r.wantHeader("Priority", `"High"`).wantHeader("Count", "7").wantHeader("Order-Id", `"a"`)
		r.wantHeader("X-Forwarded-For", "").wantHeader("Cookie", "").wantHeader("Set-Cookie", "")
		r.wantHeader("Jitney-Properties", `{"Count":7,"Priority":"High","order-Id":"a"}`)
		p := r.properties()
		if p.MessageID != "42" || p.Label != "new" || p.SequenceNumber != 1 || p.DeliveryCount != 1 || p.State != "Active" {
			b.Errorf("properties %+v", p)
		}
		now := time.Now().UTC()
		if p.EnqueuedTimeUtc != now.Format(http.TimeFormat) || p.LockedUntilUtc != now.Add(time.Minute).Format(http.TimeFormat) {
			b.Errorf("at %v enqueued %s, locked until %s", now, p.EnqueuedTimeUtc, p.LockedUntilUtc)
		}
		if want := "/Orders/messages/1/" + p.LockToken; r.lock() != want {
			b.Errorf("the lock is %s, want %s", r.lock(), want)
		}

		// By arguments, over what BrokerProperties says; an id is made.
		b.call("POST", "/orders?message-id=43&label=b&delay=5s", "", "BrokerProperties", `{"MessageId":"1"}`).want(201)
		b.call("POST", "/orders", "").want(201)
		list, _ := b.browse("/orders/messages?from=2")
		if len(list) != 2 || list[0].ID != "43" || list[0].Label != "b" || list[0].Status != "Sleeping" || len(list[1].ID) != 36 {
			b.Errorf("messages %+v", list)
		}
	})
}

// [R1]: no header is made of a property's value.
func TestNoHeaderInjection(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		b.send("/orders", "x", "Jitney-Properties", `{"A":"1\r\nX-Evil: 1","B\r\nX-Evil":"1","Location":"evil","Content-Length":"9"}`,
			"BrokerProperties", `{"Label":"a\r\nX-Evil: 1"}`)
		r := b.receive("/orders").wantBody("x").wantHeader("X-Evil", "").wantHeader("A", "")
		r.lock()
		if p := r.properties(); p.Label != "a\r\nX-Evil: 1" {
			b.Errorf("label %q", p.Label)
		}
	})
}

// [Q5]: each is refused, and the message is not there.
func TestBadSends(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		for _, c := range []struct{ path, header, value, element, shown, want string }{
			{"/orders", "BrokerProperties", "{", "BrokerProperties", "", "JSON"},
			{"/orders", "BrokerProperties", "[]", "BrokerProperties", "[]", "an object"},
			{"/orders", "BrokerProperties", `{"MessageId":7}`, "BrokerProperties.MessageId", "7", "a string"},
			{"/orders", "BrokerProperties", `{"TimeToLive":0}`, "BrokerProperties.TimeToLive", "0", "greater than 0"},
			{"/orders", "BrokerProperties", `{"TimeToLive":-1}`, "BrokerProperties.TimeToLive", "-1", "greater than 0"},
			{"/orders", "BrokerProperties", `{"ScheduledEnqueueTimeUtc":"tomorrow"}`, "BrokerProperties.ScheduledEnqueueTimeUtc", "tomorrow", ""},
			{"/orders", "BrokerProperties", `{"MessageId":"` + strings.Repeat("x", 129) + `"}`, "BrokerProperties.MessageId", strings.Repeat("x", 129), "128"},
			{"/orders", "Jitney-Properties", `{"a":}`, "Jitney-Properties", "}", "JSON"},
			{"/orders?time-to-live=never", "", "", "time-to-live", "never", "a duration"},
			{"/orders?delay=1&delay=2", "", "", "delay", "2", "once"},
			{"/orders?delay=-1s", "", "", "delay", "-1s", "a duration"},
			{"/orders?scheduled-enqueue-time=noon", "", "", "scheduled-enqueue-time", "noon", ""},
			{"/orders?a=%zz", "", "", "query", "a=%zz", "percent-encoded"},
			{"/orders?a=1;b=2", "", "", "query", "a=1;b=2", "joined by &"},
		} {
			var headers []string
			if c.header != "" {
				headers = []string{c.header, c.value}
			}
			d := b.call("POST", c.path, "x", headers...).wantProblem(400, "bad-value")
			if d.Element != c.element || !strings.Contains(d.Value, c.shown) || !strings.Contains(d.Want, c.want) {
				b.Errorf("%s %s: element %q, value %q, want %q", c.path, c.value, d.Element, d.Value, d.Want)
			}
		}
		b.call("POST", "/nowhere/messages", "x").wantProblem(404, "no-role")
		b.queue("/closed", `"Status":"SendDisabled"`)
		b.call("POST", "/closed", "x").wantProblem(403, "disabled")
		b.wantCounts("/orders", "")
		b.wantCounts("/closed", "")
		// At the limits it is taken.
		b.send("/orders", "x", "BrokerProperties", `{"MessageId":"`+strings.Repeat("🙂", 128)+`","ScheduledEnqueueTimeUtc":"Fri, 31 Dec 1999 00:00:00 GMT"}`)
		b.send("/orders", "x", "BrokerProperties", `{"MessageId":"","TimeToLive":922337203685.47754}`)
		b.wantCounts("/orders", "Active 2")
	})
}

// [Q5]: bodies at the limit and one byte above, with and without a length.
func TestBodyLimits(t *testing.T) {
	inBubble(t, func(b *bus) {
		for _, limit := range []int{1, 255, 256, 257, 1024} { // KiB; below and above what is staged
			path := fmt.Sprintf("/limit%d", limit)
			b.queue(path, fmt.Sprintf(`"MaxMessageSizeInKilobytes":%d`, limit))
			body := pattern(limit << 10)
			b.send(path, body)
			b.do(b.request("POST", path, io.MultiReader(strings.NewReader(body)))).want(201) // chunked
			b.call("POST", path, body+"x").wantProblem(413, "too-large")
			b.do(b.request("POST", path, io.MultiReader(strings.NewReader(body+"x")))).wantProblem(413, "too-large")
			b.do(b.request("POST", path, endless{})).wantProblem(413, "too-large")
			b.wantCounts(path, "Active 2")
			b.receive(path).wantBody(body)
			b.call("DELETE", path+"/messages/head", "").want(200).wantBody(body)
		}
	})
}

// pattern is a body that shows when a part of it is missing or moved.
func pattern(size int) string {
	b := make([]byte, 0, size+20)
	for i := int64(0); len(b) < size; i++ {
		b = append(strconv.AppendInt(b, i, 36), ',')
	}
	return string(b[:size])
}

// [Q1]: a body of many megabytes goes through in both directions.
func TestLargeBody(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/large", `"MaxMessageSizeInKilobytes":102400`)
		body := pattern(12<<20 + 7)
		b.send("/large", body, "Content-Type", "application/octet-stream")
		r := b.receive("/large").wantBody(body).wantHeader("Content-Length", fmt.Sprint(len(body)))
		b.call("DELETE", r.lock(), "").want(200)
		b.wantCounts("/large", "")
	})
}

// [Q5]: what says that it is too large, or has no place to go, is not read.
func TestBodyIsNotRead(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", `"MaxMessageSizeInKilobytes":1`)
		b.queue("/full", `"MaxQueueLength":1,"EnqueueTimeout":"PT5S"`)
		b.queue("/drops", `"MaxQueueLength":1,"EnqueueTimeout":"PT0S","Overflow":"DiscardIncomingMessage"`)
		b.send("/full", "x")
		b.send("/drops", "x")
		for _, c := range []struct {
			path, length string
			status       int
		}{
			{"/orders", "1025", 413}, {"/nowhere", "10", 404}, {"/full", "10", 503}, {"/drops", "10", 202}, {"/orders?delay=x", "10", 400},
			{"/orders/messages/5", "70000", 413},
		} {
			conn := b.dial()
			fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %s\r\nExpect: 100-continue\r\n\r\n", c.path, c.length)
			r, err := http.ReadResponse(bufio.NewReader(conn), nil) // it would read the 100 first
			if err != nil {
				b.Fatal(err)
			}
			if r.StatusCode != c.status {
				b.Errorf("%s: status %d, want %d", c.path, r.StatusCode, c.status)
			}
			conn.Close()
		}
		// One that is welcome is told so.
		conn := b.dial()
		defer conn.Close()
		fmt.Fprint(conn, "POST /orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n")
		reader := bufio.NewReader(conn)
		if r, err := http.ReadResponse(reader, nil); err != nil || r.StatusCode != http.StatusContinue {
			b.Fatalf("%v, %v, want 100", r, err)
		}
		fmt.Fprint(conn, "hi")
		if r, err := http.ReadResponse(reader, nil); err != nil || r.StatusCode != http.StatusCreated {
			b.Fatalf("%v, %v, want 201", r, err)
		}
	})
}

// [Q1] [Q5]: what a full queue does, by its policy.
func TestFullQueues(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/rejects", `"MaxQueueLength":2,"EnqueueTimeout":"PT5S"`)
		b.queue("/drops", `"MaxQueueLength":2,"EnqueueTimeout":"PT5S","Overflow":"DiscardIncomingMessage"`)
		b.queue("/shifts", `"MaxQueueLength":2,"EnqueueTimeout":"PT5S","Overflow":"DiscardExistingMessage"`)
		for _, path := range []string{"/rejects", "/drops", "/shifts"} {
			b.send(path, "1")
			b.send(path, "2")
		}
		start := time.Now()
		r := b.call("POST", "/rejects", "3").wantHeader("Retry-After", "1")
		r.wantProblem(503, "queue-full")
		if held := time.Since(start); held != 5*time.Second {
			b.Errorf("the sender was held for %v, want 5 s", held)
		}
		b.call("POST", "/drops", "3").want(202).wantHeader("Jitney-Outcome", "discarded").wantHeader("Location", "")
		b.call("POST", "/drops?mandatory=true", "3").wantProblem(409, "discarded")
		b.call("POST", "/shifts", "3").want(201).wantHeader("Location", "/shifts/messages/3")
		b.receive("/shifts").wantBody("2")
		// A place that is freed goes to who is held.
		held := b.later(func() reply { return b.call("POST", "/rejects", "4") })
		time.Sleep(time.Second)
		b.call("DELETE", "/rejects/messages/head", "").want(200).wantBody("1")
		held().want(201)
		// The time that a body has does not run on while its sender is held.
		b.queue("/patient", `"MaxSizeInMegabytes":1,"EnqueueTimeout":"PT1M"`)
		b.send("/patient", pattern(700<<10))
		held = b.later(func() reply { return b.call("POST", "/patient", pattern(600<<10)) })
		time.Sleep(50 * time.Second)
		b.call("DELETE", "/patient/messages/head", "").want(200)
		held().want(201)
		// What can never fit is not held.
		b.queue("/tiny", `"MaxSizeInMegabytes":1,"MaxMessageSizeInKilobytes":2048`)
		b.call("POST", "/tiny", pattern(1<<20+1)).wantProblem(413, "too-large")
	})
}

// [Q4]: Azure's batch, all or none.
func TestBatch(t *testing.T) {
	inBubble(t, func(b *bus) {
		const batchType = "application/vnd.microsoft.servicebus.json"
		b.queue("/orders", "")
		b.call("POST", "/orders/messages", `[{"Body":"a","BrokerProperties":{"MessageId":"1"},"UserProperties":{"n":1}},{"Body":"b"}]`,
			"Content-Type", batchType).want(201).wantHeader("Location", "/orders/messages/1")
		r := b.receive("/orders").wantBody("a").wantHeader("N", "1").wantHeader("Jitney-Properties", `{"n":1}`)
		if p := r.properties(); p.MessageID != "1" {
			b.Errorf("properties %+v", p)
		}
		for _, bad := range []struct{ body, element string }{
			{`[]`, "batch"}, {`{}`, "batch"}, {``, "batch"}, {`[{"Body":"a"},{"Bdy":"b"}]`, "[1].Bdy"},
			{`[{"Body":"a"},{"Body":"b","BrokerProperties":{"TimeToLive":-1}}]`, "[1].TimeToLive"},
			{`[{"Body":"a"}]x`, "batch"}, {`[{"Body":"a"}`, "batch"},
		} {
			d := b.call("POST", "/orders", bad.body, "Content-Type", batchType).wantProblem(400, "bad-value")
			if !strings.Contains(d.Element, strings.TrimPrefix(bad.element, "[1].")) || d.Want == "" {
				b.Errorf("%s: %+v", bad.body, d)
			}
		}
		many := "[" + strings.Repeat(`{"Body":""},`, 10_000) + `{"Body":""}]`
		b.call("POST", "/orders", many, "Content-Type", batchType).wantProblem(400, "bad-value")
		b.wantCounts("/orders", "Active 1, Locked 1")
		b.call("POST", "/orders", strings.Replace(many, `{"Body":""},`, "", 1), "Content-Type", batchType).want(201)
		b.wantCounts("/orders", "Active 10001, Locked 1")
		// One that is too large refuses all.
		b.queue("/small", `"MaxMessageSizeInKilobytes":1`)
		large, _ := json.Marshal([]map[string]string{{"Body": "a"}, {"Body": pattern(1025)}})
		b.call("POST", "/small", string(large), "Content-Type", batchType).wantProblem(413, "too-large")
		b.wantCounts("/small", "")
		b.call("POST", "/small", "[]", "Content-Type", batchType, "Content-Encoding", "gzip").wantProblem(415, "media-type")
	})
}

// [Q5]: with Azure's api-version, Azure's codes.
func TestAzureCodes(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		b.call("POST", "/nowhere/messages?api-version=2013-08", "x").wantProblem(410, "no-role")
		b.call("POST", "/nowhere/messages/head?timeout=0&api-version=2013-08", "").wantProblem(410, "no-role")
		b.call("DELETE", "/orders/messages/1/00000000-0000-0000-0000-000000000000?api-version=2013-08", "").wantProblem(404, "lock-lost")
		b.call("DELETE", "/orders/messages/1/00000000-0000-0000-0000-000000000000", "").wantProblem(410, "lock-lost")
	})
}
