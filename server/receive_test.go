package server_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/message"
)

// [R1]
func TestReceiveArguments(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		b.send("/orders", "x")
		before := b.state()
		for _, c := range []struct{ query, element, value, want string }{
			{"timeout=-1", "timeout", "-1", "a duration"},
			{"timeout=301", "timeout", "301", "0 to 300"},
			{"timeout=soon", "timeout", "soon", "a duration"},
			{"timeout=1&timeout=2", "timeout", "2", "once"},
			{"count=0", "count", "0", "1 to 1000"},
			{"count=1001", "count", "1001", "1 to 1000"},
			{"count=many", "count", "many", "1 to 1000"},
			{"lock-duration=0", "lock-duration", "0", "PT1S to PT12H"},
			{"lock-duration=PT0.9S", "lock-duration", "PT0.9S", "PT1S to PT12H"},
			{"lock-duration=PT12H1S", "lock-duration", "PT12H1S", "PT1S to PT12H"},
			{"lock-duration=-5s", "lock-duration", "-5s", "a duration"},
			{"lock-duration=P10675199DT2H48M5.4775807S", "lock-duration", "P10675199DT2H48M5.4775807S", "PT1S to PT12H"},
		} {
			for _, method := range []string{"POST", "DELETE"} {
				b.call(method, "/orders/messages/head?"+c.query, "").wantField(400, "bad-value", c.element, c.value, c.want)
			}
		}
		if after := b.state(); after != before {
			b.Errorf("the state is now %s, was %s", after, before)
		}
		for query, span := range map[string]time.Duration{"PT1S": time.Second, "30s": 30 * time.Second, "90": 90 * time.Second, "PT12H": 12 * time.Hour} {
			b.send("/orders", "x")
			until := b.call("POST", "/orders/messages/head?timeout=0&lock-duration="+query, "").want(201).properties().LockedUntilUtc
			if want := time.Now().Add(span).UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT"); until != want {
				b.Errorf("lock-duration=%s: locked until %s, want %s", query, until, want)
			}
		}
	})
}

// [R1]: a receiver waits as long as it said, and gets what comes at once.
func TestLongPoll(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		for query, wait := range map[string]time.Duration{"?timeout=0": 0, "": time.Minute, "?timeout=300": 5 * time.Minute, "?timeout=1.5": 1500 * time.Millisecond} {
			for _, method := range []string{"POST", "DELETE"} {
				start := time.Now()
				b.call(method, "/orders/messages/head"+query, "").want(204).wantBody("")
				if took := time.Since(start); took != wait {
					b.Errorf("%s %s: waited %v, want %v", method, query, took, wait)
				}
			}
		}
		b.call("POST", "/orders/messages/head", "a body that means nothing").want(204)
		start := time.Now()
		waiting := b.later(func() reply { return b.call("POST", "/orders/messages/head", "") })
		time.Sleep(10 * time.Second)
		b.send("/orders", "now")
		waiting().want(201).wantBody("now")
		if took := time.Since(start); took != 10*time.Second {
			b.Errorf("it came after %v, want 10 s", took)
		}
	})
}

// [R1] [M1]: several at once, as an array or as lines.
func TestReceiveMany(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		for i := range 5 {
			b.send("/orders", fmt.Sprint("text ", i), "Content-Type", "text/plain", "BrokerProperties", fmt.Sprintf(`{"MessageId":"%d"}`, i))
		}
		b.send("/orders", "\xff\x00", "Content-Type", "application/octet-stream")
		b.send("/orders", `{"a":[1]}`, "Content-Type", "application/json")
		r := b.call("POST", "/orders/messages/head?count=2", "").want(201).wantHeader("Content-Type", "application/json")
		var array []json.RawMessage
		r.decode(&array)
		if len(array) != 2 {
			b.Fatalf("%d messages", len(array))
		}
		m, err := message.ParseReceived(array[1])
		if err != nil || string(m.Body) != "text 1" || m.SequenceNumber != 2 || m.DeliveryCount != 1 || m.ID != "1" {
			b.Errorf("%+v, %v", m, err)
		}
		b.call("DELETE", strings.TrimPrefix(m.Lock, "http://localhost"), "").want(200)

		r = b.call("POST", "/orders/messages/head?count=1000", "", "Accept", "application/x-ndjson").want(201).wantHeader("Content-Type", linesType)
		lines := strings.Split(strings.TrimSuffix(r.body, "\n"), "\n")
		if len(lines) != 5 {
			b.Fatalf("%d lines: %s", len(lines), r.body)
		}
		for i, body := range map[int]string{0: "text 2", 3: "\xff\x00", 4: `{"a":[1]}`} {
			if m, err := message.ParseReceived([]byte(lines[i])); err != nil || string(m.Body) != body {
				b.Errorf("line %d: %+v, %v", i, m, err)
			}
		}
		b.call("POST", "/orders/messages/head?count=5&timeout=0", "").want(204)
		b.send("/orders", "last")
		r = b.call("DELETE", "/orders/messages/head?count=5", "").want(200)
		r.decode(&array)
		if m, err := message.ParseReceived(array[0]); err != nil || string(m.Body) != "last" || m.Lock != "" {
			b.Errorf("%+v, %v", m, err)
		}
	})
}

// [R1]: a reply of several is at most 16 MiB of bodies, or one message.
func TestReceiveManyLarge(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/large", `"MaxMessageSizeInKilobytes":102400`)
		for _, size := range []int{1 << 20, 17 << 20} {
			b.send("/large", pattern(size), "Content-Type", "text/plain")
		}
		for _, want := range []int{1 << 20, 17 << 20} {
			var list []struct{ Body string }
			b.call("POST", "/large/messages/head?count=3", "").want(201).decode(&list)
			if len(list) != 1 || list[0].Body != pattern(want) {
				b.Fatalf("%d messages, the first of %d bytes, want one of %d", len(list), len(list[0].Body), want)
			}
		}
	})
}

// [R1]: by sequence number.
func TestLockByNumber(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		b.send("/orders", "a")
		b.send("/orders", "b")
		b.call("POST", "/orders?delay=1h", "c").want(201)
		r := b.call("POST", "/orders/messages/2?lock-duration=5s", "").want(201).wantBody("b")
		b.call("POST", "/orders/messages/2", "").wantProblem(409, "locked")
		b.call("POST", "/orders/messages/3", "").wantProblem(404, "no-message")
		b.call("POST", "/orders/messages/4", "").wantProblem(404, "no-message")
		b.call("POST", "/orders/messages/0", "").wantProblem(404, "no-message")
		b.call("POST", "/orders/messages/9223372036854775807", "").wantProblem(404, "no-message")
		b.call("POST", "/orders/messages/9223372036854775808", "").wantProblem(404, "no-resource")
		b.call("PUT", r.lock()+"?disposition=defer", "").want(200)
		b.receive("/orders").wantBody("a")
		b.call("POST", "/orders/messages/head?timeout=0", "").want(204)
		r = b.call("POST", "/orders/messages/2", "").want(201).wantBody("b")
		if p := r.properties(); p.State != "Deferred" || p.DeliveryCount != 2 {
			b.Errorf("properties %+v", p)
		}
	})
}

// [R2]: nothing is locked for a client that has gone.
func TestClientGone(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		conn := b.dial()
		fmt.Fprint(conn, "POST /orders/messages/head HTTP/1.1\r\nHost: localhost\r\n\r\n")
		time.Sleep(time.Second)
		conn.Close()
		time.Sleep(time.Second)
		b.send("/orders", "x")
		b.wantCounts("/orders", "Active 1")
		if p := b.receive("/orders").properties(); p.DeliveryCount != 1 {
			b.Errorf("delivery count %d, want 1", p.DeliveryCount)
		}
		// Also if it has sent a body that means nothing.
		conn = b.dial()
		fmt.Fprint(conn, "POST /orders/messages/head HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nxyz")
		time.Sleep(time.Second)
		conn.Close()
		time.Sleep(time.Second)
		b.send("/orders", "y")
		b.wantCounts("/orders", "Active 1, Locked 1")
	})
}

// [R6]
func TestReceiveAndDelete(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		b.send("/orders", "x", "Color", "red")
		r := b.call("DELETE", "/orders/messages/head", "").want(200).wantBody("x").wantHeader("Color", `"red"`).wantHeader("Location", "")
		if p := r.properties(); p.DeliveryCount != 1 || p.LockToken != "" || p.SequenceNumber != 1 {
			b.Errorf("properties %+v", p)
		}
		b.wantCounts("/orders", "")
	})
}

// [R7]: who comes back is first, who is put off is last.
func TestOrder(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		for _, body := range []string{"a", "b", "c"} {
			b.send("/orders", body)
		}
		b.call("PUT", b.receive("/orders").wantBody("a").lock(), "").want(200)
		b.call("PUT", b.receive("/orders").wantBody("a").lock()+"?disposition=reschedule", "").want(200)
		b.call("PUT", b.receive("/orders").wantBody("b").lock()+"?delay=10s", "").want(200)
		b.receive("/orders").wantBody("c")
		if p := b.receive("/orders").wantBody("a").properties(); p.DeliveryCount != 1 {
			b.Errorf("delivery count %d after a reschedule, want 1", p.DeliveryCount)
		}
		b.call("POST", "/orders/messages/head?timeout=9", "").want(204)
		if p := b.call("POST", "/orders/messages/head", "").want(201).wantBody("b").properties(); p.DeliveryCount != 2 || p.SequenceNumber != 2 {
			b.Errorf("properties %+v", p)
		}
	})
}

// [R8]: dead letters are received, browsed, settled and sent back.
func TestDeadLetters(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", `"MaxDeliveryCount":2`)
		for _, body := range []string{"poison", "refused", "good"} {
			b.send("/orders", body)
		}
		b.call("PUT", b.receive("/orders").lock(), "").want(200)
		b.call("PUT", b.receive("/orders").wantBody("poison").lock(), "").want(200)
		b.call("PUT", b.receive("/orders").wantBody("refused").lock()+"?disposition=dead-letter&reason=No%20wheel&description=r%C3%BCckw%C3%A4rts", "").want(200)
		b.wantCounts("/orders", "Active 1, DeadLetter 2")

		r := b.call("POST", "/orders/$DeadLetterQueue/messages/head?timeout=0", "").want(201).wantBody("poison")
		if want := "/orders/$DeadLetterQueue/messages/1/" + r.properties().LockToken; r.lock() != want {
			b.Errorf("the lock is %s, want %s", r.lock(), want)
		}
		if p := r.properties(); p.DeadLetterReason != "MaxDeliveryCountExceeded" || p.DeadLetterSource != "/orders" || p.DeliveryCount != 3 {
			b.Errorf("properties %+v", p)
		}
		b.call("DELETE", r.lock(), "").want(200)
		list, _ := b.browse("/orders/$deadletterqueue/messages")
		if len(list) != 1 || list[0].DeadLetterReason != "No wheel" || list[0].DeadLetterDescription != "rückwärts" || list[0].Status != "Error" {
			b.Errorf("dead letters %+v", list)
		}
		b.call("GET", "/orders/$DeadLetterQueue/messages/2", "").want(200)
		b.call("GET", "/orders/messages/2", "").wantProblem(404, "no-message")
		var entry struct{ CountDetails struct{ MessageCount int } }
		b.call("GET", "/orders/$DeadLetterQueue", "", "Accept", "application/json").decode(&entry)
		if entry.CountDetails.MessageCount != 1 {
			b.Errorf("entry %+v", entry)
		}

		b.call("POST", "/orders/$DeadLetterQueue/messages/redrive", "").want(200).wantBody(`{"redriven":1}`)
		b.receive("/orders").wantBody("good")
		if p := b.receive("/orders").wantBody("refused").properties(); p.SequenceNumber != 2 || p.DeliveryCount != 1 || p.DeadLetterReason != "" {
			b.Errorf("properties %+v", p)
		}
		b.call("POST", "/orders/$Transfer/$DeadLetterQueue/messages/head?timeout=0", "").want(204)
	})
}

// [R8]
func TestRedrive(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		b.queue("/other", `"MaxQueueLength":2`)
		for i := range 5 {
			b.send("/orders", fmt.Sprint(i))
			b.call("PUT", b.receive("/orders").lock()+"?disposition=dead-letter", "").want(200)
		}
		const redrive = "/orders/$DeadLetterQueue/messages/redrive"
		for _, c := range []struct{ query, element, value, want string }{
			{"count=0", "count", "0", "from 1"}, {"count=-1", "count", "-1", "from 1"}, {"count=x", "count", "x", "from 1"},
			{"to=/a//b", "to", "/a//b", "the name of a queue"},
		} {
			b.call("POST", redrive+"?"+c.query, "").wantField(400, "bad-value", c.element, c.value, c.want)
		}
		b.call("POST", redrive+"?to=/nowhere", "").wantProblem(409, "no-target")
		b.wantCounts("/orders", "DeadLetter 5")
		b.call("POST", redrive+"?count=1", "").want(200).wantBody(`{"redriven":1}`)
		d := b.call("POST", redrive+"?to=/Other", "").wantProblem(503, "queue-full")
		if !strings.Contains(d.Detail, "after 2 ") {
			b.Errorf("detail %q does not say how many were sent back", d.Detail)
		}
		b.wantCounts("/orders", "Active 1, DeadLetter 2")
		b.receive("/other").wantBody("1")
	})
}

// [R11]
func TestCancel(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		b.call("POST", "/orders?delay=1h", "later").want(201)
		b.send("/orders", "a")
		b.send("/orders", "b")
		b.receive("/orders")
		b.call("DELETE", "/orders/messages/2", "").wantProblem(409, "locked")
		b.call("DELETE", "/orders/messages/1", "").want(204).wantBody("")
		b.call("DELETE", "/orders/messages/3", "").want(204)
		b.call("DELETE", "/orders/messages/3", "").wantProblem(404, "no-message")
		b.call("DELETE", "/orders/messages/99", "").wantProblem(404, "no-message")
		b.wantCounts("/orders", "Locked 1")
	})
}

// [R12]: pages, in the order of sequence numbers.
func TestBrowse(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/Orders", "")
		for i := range 205 {
			b.send("/orders", fmt.Sprint(i))
		}
		b.receive("/orders")
		seen := 0
		for path := "/orders/messages"; path != ""; {
			list, next := b.browse(path)
			if len(list) > 100 {
				b.Fatalf("a page of %d", len(list))
			}
			for _, m := range list {
				if seen++; m.SequenceNumber != int64(seen) || m.Lock != "" || m.LockToken != "" {
					b.Fatalf("message %+v at place %d", m, seen)
				}
			}
			path = next
		}
		if seen != 205 {
			b.Errorf("saw %d of 205", seen)
		}
		r := b.call("GET", "/orders/messages?from=200&count=3", "", "Accept", linesType).want(200).wantHeader("Content-Type", linesType)
		r.wantHeader("Link", `</Orders/messages?from=203&count=3>; rel="next"`)
		if n := strings.Count(r.body, "\n"); n != 3 {
			b.Errorf("%d lines, want 3", n)
		}
		for _, c := range []struct{ query, element, value string }{
			{"count=0", "count", "0"}, {"count=1001", "count", "1001"}, {"from=x", "from", "x"}, {"from=-1", "from", "-1"},
		} {
			b.call("GET", "/orders/messages?"+c.query, "").wantField(400, "bad-value", c.element, c.value, "")
		}
		if m, err := message.ParseReceived([]byte(b.call("GET", "/orders/messages/7", "").want(200).body)); err != nil || string(m.Body) != "6" {
			b.Errorf("%+v, %v", m, err)
		}
		b.call("GET", "/orders/messages/999", "").wantProblem(404, "no-message")
		b.call("HEAD", "/orders/messages/7", "").want(200).wantBody("")
		b.wantCounts("/orders", "Active 204, Locked 1")
	})
}
