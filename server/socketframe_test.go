package server_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
)

const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

// upgrade is the request for a socket; lines replace those that are usual.
func upgrade(path, lines string) string {
	usual := "Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: jitney.push.v1\r\n" + key
	var b strings.Builder
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\n", path)
	for line := range strings.SplitAfterSeq(usual, "\r\n") {
		if name, _, _ := strings.Cut(line, ":"); name == "" || !strings.Contains(lines, name+":") {
			b.WriteString(line)
		}
	}
	b.WriteString(lines + "\r\n")
	return b.String()
}

// [S9] [N7]
func TestSocketHandshake(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		b.router("/news", "")
		b.call("POST", "/elsewhere", `{"MetadataPolicy":{"Address":"http://example.com/"}}`, "Content-Type", policyType).want(201)
		for _, c := range []struct {
			name, request string
			status        int
			slug, element string
		}{
			{"a queue", upgrade("/orders", ""), 101, "", ""},
			{"a router", upgrade("/news", ""), 101, "", ""},
			{"dead letters", upgrade("/orders/$DeadLetterQueue", ""), 101, "", ""},
			{"dead letters of transfers", upgrade("/orders/$Transfer/$DeadLetterQueue", ""), 101, "", ""},
			{"a router's dead letters", upgrade("/news/$deadletterqueue", ""), 101, "", ""},
			{"no subprotocol", strings.Replace(upgrade("/orders", ""), "Sec-WebSocket-Protocol: jitney.push.v1\r\n", "", 1), 101, "", ""},
			{"several subprotocols", upgrade("/orders", "Sec-WebSocket-Protocol: mqtt, jitney.push.v1\r\n"), 101, "", ""},
			{"own origin", upgrade("/orders", "Origin: http://localhost\r\n"), 101, "", ""},
			{"compression", upgrade("/orders", "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"), 101, "", ""},
			{"another origin", upgrade("/orders", "Origin: http://evil.example\r\n"), 403, "foreign-origin", ""},
			{"null origin", upgrade("/orders", "Origin: null\r\n"), 403, "foreign-origin", ""},
			{"another host", upgrade("/orders", "Host: evil.example\r\n"), 421, "unknown-host", ""},
			{"version 12", upgrade("/orders", "Sec-WebSocket-Version: 12\r\n"), 426, "websocket-version", "Sec-WebSocket-Version"},
			{"no version", strings.Replace(upgrade("/orders", ""), "Sec-WebSocket-Version: 13\r\n", "", 1), 426, "websocket-version", "Sec-WebSocket-Version"},
			{"no key", strings.Replace(upgrade("/orders", ""), key, "", 1), 400, "bad-value", "Sec-WebSocket-Key"},
			{"a short key", upgrade("/orders", "Sec-WebSocket-Key: AAAA\r\n"), 400, "bad-value", "Sec-WebSocket-Key"},
			{"a key that is not base64", upgrade("/orders", "Sec-WebSocket-Key: ????????????????????????\r\n"), 400, "bad-value", "Sec-WebSocket-Key"},
			{"another subprotocol", upgrade("/orders", "Sec-WebSocket-Protocol: mqtt\r\n"), 400, "bad-value", "Sec-WebSocket-Protocol"},
			{"no Connection", upgrade("/orders", "Connection: keep-alive\r\n"), 400, "bad-value", "Connection"},
			{"a body", upgrade("/orders", "Content-Length: 4\r\n") + "body", 400, "bad-value", "body"},
			{"a chunked body", upgrade("/orders", "Transfer-Encoding: chunked\r\n") + "0\r\n\r\n", 400, "bad-value", "body"},
			{"POST", strings.Replace(upgrade("/orders", ""), "GET", "POST", 1), 400, "bad-value", "Upgrade"},
			{"no role", upgrade("/nobody", ""), 404, "no-role", ""},
			{"metadata", upgrade("/elsewhere", ""), 409, "wrong-role", ""},
			{"a part of a queue", upgrade("/orders/messages", ""), 400, "bad-value", "Upgrade"},
			{"a lock", upgrade("/orders/messages/1/2", ""), 400, "bad-value", "Upgrade"},
			{"no part of a queue", upgrade("/orders/messages/no/no/no", ""), 404, "no-resource", ""},
		} {
			conn := b.dial()
			go func() { _, _ = io.WriteString(conn, c.request) }()
			response, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: "GET"})
			if err != nil {
				b.Fatalf("%s: %v", c.name, err)
			}
			if response.StatusCode != c.status || response.Header.Get("Sec-WebSocket-Extensions") != "" {
				b.Errorf("%s: %s", c.name, response.Status)
			}
			if c.status == 426 && response.Header.Get("Sec-WebSocket-Version") != "13" {
				b.Errorf("%s: no Sec-WebSocket-Version", c.name)
			}
			if c.status != 101 {
				if d := b.read(response).wantProblem(c.status, c.slug); d.Element != c.element {
					b.Errorf("%s: element %q", c.name, d.Element)
				}
			}
			conn.Close()
		}
		synctest.Wait()
		b.wantMetric(`jitney_sockets{kind="live"}`, "0")
		b.wantMetric(`jitney_sockets{kind="durable"}`, "0")
	})
}

// What a frame says that cannot be done is answered, and the socket goes on. [S9] [S10]
func TestSocketRefusesFrames(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/orders", "")
		b.send("/orders", "x")
		before := b.state()
		s := b.socket("/orders")
		for _, c := range []struct{ frame, element string }{
			{`{"send":[],"ref":1}`, "send"},
			{`{"send":{},"ref":1}`, "send"},
			{`{"send":null,"ref":1}`, "send"},
			{`{"send":[{"body":"x"},7],"ref":1}`, "send[1].message"},
			{`{"send":[{"body":"x"},{"lock":"y"}],"ref":1}`, "send[1].lock"},
			{`{"send":[{"timeToLive":-1}],"ref":1}`, "send[0].timeToLive"},
			{`{"send":[` + strings.Repeat(`{},`, 1000) + `{}],"ref":1}`, "send"},
			{`{"settle":[],"ref":1}`, "settle"},
			{`{"settle":[7],"ref":1}`, "settle[0]"},
			{`{"settle":[{"disposition":"complete"}],"ref":1}`, "settle[0].lock"},
			{`{"settle":[{"lock":"x"}],"ref":1}`, "settle[0].disposition"},
			{`{"settle":[{"lock":"x","disposition":"eat"}],"ref":1}`, "settle[0].disposition"},
			{`{"settle":[{"lock":"x","disposition":"complete","delay":1}],"ref":1}`, "settle[0].delay"},
			{`{"renew":[],"ref":1}`, "renew"},
			{`{"renew":[{}],"ref":1}`, "renew[0].lock"},
			{`{"renew":[{"lock":"x","duration":"P1Y"}],"ref":1}`, "renew[0].duration"},
			{`{"renew":[{"lock":"x","duration":0}],"ref":1}`, "renew[0].duration"},
			{`{"renew":[` + strings.Repeat(`{"lock":"x"},`, 100) + `{"lock":"x"}],"ref":1}`, "renew"},
		} {
			s.write("%s", c.frame)
			f := s.next()
			if !strings.HasPrefix(f, `{"error":{"type":"urn:jitney:problem:bad-value"`) || !strings.HasSuffix(f, `,"ref":1}`) ||
				!strings.Contains(f, fmt.Sprintf(`"element":%q`, c.element)) {
				b.Errorf("%.60s: %s", c.frame, f)
			}
		}
		s.leave()
		if after := b.state(); after != before {
			b.Errorf("the state is %s, was %s", after, before)
		}
	})
}

// A frame that makes no sense ends the socket, with a reason. [S9]
func TestSocketEndsAtBadFrames(t *testing.T) {
	text := func(s string) []byte { return masked(0x81, []byte(s)) }
	for _, c := range []struct {
		name   string
		wire   []byte
		code   int
		reason string
	}{
		{"not JSON", text(`{"credit":`), 1007, "want a JSON object"},
		{"not an object", text(`[]`), 1007, "want a JSON object"},
		{"null", text(`null`), 1007, "want a JSON object"},
		{"nothing", text(``), 1007, "want a JSON object"},
		{"not UTF-8", text("{\"send\":[{\"body\":\"\xff\"}]}"), 1007, "want UTF-8"},
		{"binary", masked(0x82, []byte(`{"credit":1}`)), 1003, "want text"},
		{"unknown kind", text(`{"explode":1}`), 1008, "want one of"},
		{"kind in capitals", text(`{"CREDIT":1}`), 1008, "want one of"},
		{"two kinds", text(`{"credit":1,"send":[{}]}`), 1008, "want one of"},
		{"only a ref", text(`{"ref":1}`), 1008, "want one of"},
		{"a long ref", text(`{"credit":1,"ref":"` + strings.Repeat("x", 127) + `"}`), 1008, "want a ref of"},
		{"negative credit", text(`{"credit":-1}`), 1008, "want a credit of"},
		{"no credit", text(`{"credit":0}`), 1008, "want a credit of"},
		{"half a credit", text(`{"credit":0.5}`), 1008, "want a credit of"},
		{"a credit of words", text(`{"credit":"1"}`), 1008, "want a credit of"},
		{"too much credit", text(`{"credit":1001}`), 1008, "want a credit of"},
		{"too much credit in all", append(text(`{"credit":1000}`), text(`{"credit":1}`)...), 1008, "want at most 1000"},
		{"a frame over the limit", text(strings.Repeat(" ", 4<<20) + "{}"), 1009, "want at most 4 MiB"},
		{"pieces over the limit", append(masked(0x01, make([]byte, 4<<20)), masked(0x80, []byte("xx"))...), 1009, "want at most 4 MiB"},
		{"the longest frame", append([]byte{0x81, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255, 1, 2, 3, 4}, make([]byte, 4<<20+1)...), 1009, "want at most 4 MiB"},
		{"a negative length", []byte{0x81, 0xff, 255, 255, 255, 255, 255, 255, 255, 255, 1, 2, 3, 4}, 1009, "want at most 4 MiB"},
		{"not masked", []byte("\x81\x02{}"), 1002, "bad MASK"},
		{"compressed", masked(0xc1, []byte("{}")), 1002, "RSV1"},
		{"reserved bits", masked(0xb1, []byte("{}")), 1002, "RSV2"},
		{"reserved opcode", masked(0x83, nil), 1002, "bad opcode"},
		{"a long ping", masked(0x89, make([]byte, 126)), 1002, "len > 125"},
		{"half a ping", masked(0x09, nil), 1002, "FIN"},
		{"continuation of nothing", masked(0x80, nil), 1002, "continuation"},
		{"text in text", append(masked(0x01, []byte("{")), text("{}")...), 1002, "data before FIN"},
		{"close 1005", masked(0x88, []byte{0x03, 0xed}), 1002, "bad close code"},
		{"close 1006", masked(0x88, []byte{0x03, 0xee}), 1002, "bad close code"},
		{"close 4999", masked(0x88, []byte{0x13, 0x87}), 4999, ""},
		{"close 1000", masked(0x88, []byte{0x03, 0xe8}), 1000, ""},
		{"close without a code", masked(0x88, nil), 1005, ""},
		{"close not UTF-8", masked(0x88, append([]byte{0x03, 0xe8}, strings.Repeat("\xff", 122)...)), 1002, "utf8"},
		{"pings", []byte(strings.Repeat(string(masked(0x89, nil)), 10_000)), 1008, "want at most 100 pings"},
		{"pongs", []byte(strings.Repeat(string(masked(0x8a, nil)), 10_000)), 1008, "want at most 100 pings"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(b *bus) {
				b.queue("/orders", "")
				before := b.state()
				conn, r := b.rawSocket("/orders")
				go func() { _, _ = conn.Write(c.wire) }() // it is refused halfway
				code, reason := readClose(b, r)
				if code != c.code || !strings.Contains(reason, c.reason) {
					b.Errorf("closed with %d %q, want %d %q", code, reason, c.code, c.reason)
				}
				time.Sleep(2 * time.Second)
				if _, err := r.ReadByte(); err == nil {
					b.Error("something follows the close frame")
				}
				if after := b.state(); after != before {
					b.Errorf("the state is %s, was %s", after, before)
				}
				b.wantMetric(`jitney_sockets{kind="durable"}`, "0")
			})
		})
	}
}

// Frames that never come to an end are not waited for. [S9]
func TestSocketEndsAtEndlessFrames(t *testing.T) {
	for name, piece := range map[string][]byte{
		"nothing":             nil,
		"empty pieces":        masked(0x00, nil),
		"pings and pongs":     append(masked(0x89, nil), masked(0x8a, nil)...),
		"a byte now and then": masked(0x00, []byte(" ")),
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bus) {
				b.queue("/orders", "")
				conn, r := b.rawSocket("/orders")
				start := time.Now()
				written := make(chan struct{})
				go func() {
					defer close(written)
					_, err := conn.Write(masked(0x01, []byte("{")))
					for err == nil && len(piece) > 0 {
						time.Sleep(time.Second)
						_, err = conn.Write(piece)
					}
				}()
				_, _ = io.Copy(io.Discard, r)
				if took := time.Since(start); took > 61*time.Second {
					b.Errorf("it took %v", took)
				}
				conn.Close()
				<-written
			})
		})
	}
}

// masked is a frame of a client.
func masked(head byte, payload []byte) []byte {
	b := []byte{head}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	return append(append(b, 0, 0, 0, 0), payload...)
}

// rawSocket opens a socket and leaves it to the test.
func (b *bus) rawSocket(path string) (net.Conn, *bufio.Reader) {
	b.Helper()
	conn := b.dial()
	b.Cleanup(func() { conn.Close() })
	go func() { _, _ = io.WriteString(conn, upgrade(path, "")) }()
	r := bufio.NewReader(conn)
	response, err := http.ReadResponse(r, &http.Request{Method: "GET"})
	if err != nil || response.StatusCode != 101 {
		b.Fatalf("%v, %v", response, err)
	}
	return conn, r
}

// readClose reads up to the close frame.
func readClose(b *bus, r *bufio.Reader) (code int, reason string) {
	b.Helper()
	for {
		var head [2]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			b.Fatal(err)
		}
		payload := make([]byte, head[1]) // what comes is short
		if _, err := io.ReadFull(r, payload); err != nil {
			b.Fatal(err)
		}
		if head[0] != 0x80|websocket.CloseMessage {
			continue
		}
		if len(payload) < 2 {
			return websocket.CloseNoStatusReceived, ""
		}
		return int(binary.BigEndian.Uint16(payload)), string(payload[2:])
	}
}
