package server_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// [L1] A listener that does not keep to the protocol is closed. Its request fails,
// the one beside it and all others go on.
func TestRelayBadListener(t *testing.T) {
	type row struct {
		code int
		does func(*peer, *request)
	}
	says := func(format string) func(*peer, *request) {
		return func(p *peer, r *request) { p.write(textFrame(strings.ReplaceAll(format, "ID", r.ID))) }
	}
	sends := func(b ...byte) func(*peer, *request) {
		return func(p *peer, _ *request) { _, _ = p.conn.NetConn().Write(b) }
	}
	const begin = `{"response":{"requestId":"ID","statusCode":`
	for name, c := range map[string]row{
		"no JSON":                 {1002, says(`{`)},
		"no object":               {1002, says(`[]`)},
		"a string":                {1002, says(`"response"`)},
		"text behind":             {1002, says(`{} {}`)},
		"deep JSON":               {1002, says(strings.Repeat("[", 20_000))},
		"an unasked binary":       {1002, func(p *peer, _ *request) { p.write(binaryFrame("x")) }},
		"a response in a binary":  {1002, func(p *peer, r *request) { p.write(binaryFrame(begin + "200}}")) }},
		"a line break in a value": {1002, says(begin + `200,"responseHeaders":{"X":"a\r\nSet-Cookie: b"}}}`)},
		"a line feed in a value":  {1002, says(begin + `200,"responseHeaders":{"X":["a","b\nc"]}}}`)},
		"NUL in a value":          {1002, says(begin + `200,"responseHeaders":{"X":"\u0000"}}}`)},
		"a line break in a name":  {1002, says(begin + `200,"responseHeaders":{"X\r\nY":"a"}}}`)},
		"a name with a colon":     {1002, says(begin + `200,"responseHeaders":{"X:":"a"}}}`)},
		"an empty name":           {1002, says(begin + `200,"responseHeaders":{"":"a"}}}`)},
		"a long name":             {1002, says(begin + `200,"responseHeaders":{"` + strings.Repeat("𝄞", 100) + `":"a"}}}`)},
		"a header that is none":   {1002, says(begin + `200,"responseHeaders":{"X":{"a":"b"}}}}`)},
		"an interim status":       {1002, says(begin + `100}}`)},
		"switching protocols":     {1002, says(begin + `101}}`)},
		"a status of four digits": {1002, says(begin + `1000}}`)},
		"a status in words":       {1002, says(begin + `"OK"}}`)},
		"half a status":           {1002, says(begin + `200.5}}`)},
		"an id that is none":      {1002, says(`{"response":{"requestId":7,"statusCode":200}}`)},
		"no bool":                 {1002, says(begin + `200,"body":"true"}}`)},
		"a long message":          {1002, says(`{"x":"` + strings.Repeat("x", 256<<10) + `"}`)},
		"text for a body":         {1002, func(p *peer, r *request) { says(begin+`200,"body":true}}`)(p, r); p.say(`{}`) }},
		"a large body": {1002, func(p *peer, r *request) {
			says(begin+`200,"body":true}}`)(p, r)
			p.write(binaryFrame(pattern(64<<10 + 1)))
		}},
		"no token":                {1008, says(`{"renewToken":{"token":"SharedAccessSignature x"}}`)},
		"not masked":              {1002, sends(0x81, 2, '{', '}')},
		"reserved bits":           {1002, sends(masked(0xc1, []byte("{}"))...)},
		"an unknown opcode":       {1002, sends(masked(0x83, []byte("{}"))...)},
		"a stray continuation":    {1002, sends(masked(0x80, []byte("{}"))...)},
		"a message in a message":  {1002, sends(append(masked(0x01, []byte("{")), masked(0x81, []byte("}"))...)...)},
		"a ping in pieces":        {1002, sends(masked(0x09, nil)...)},
		"a ping of 126":           {1002, sends(masked(0x89, make([]byte, 126))...)},
		"a close of one byte":     {1005, sends(masked(0x88, []byte{3})...)},
		"a close with 1005":       {1002, sends(masked(0x88, []byte{3, 237})...)},
		"a close in no UTF-8":     {1002, sends(masked(0x88, []byte{3, 232, 0xff})...)},
		"the longest frame":       {1002, sends(append(binary.BigEndian.AppendUint64([]byte{0x81, 0xff}, 1<<63-1), make([]byte, 256<<10+5)...)...)},
		"a frame longer than any": {1002, sends(append(binary.BigEndian.AppendUint64([]byte{0x82, 0xff}, 1<<63), 0, 0, 0, 0, 'x')...)},
		"it closes":               {4000, func(p *peer, _ *request) { p.close(4000, "bye") }},
		"it vanishes":             {1006, func(p *peer, _ *request) { _ = p.conn.NetConn().Close() }},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bus) {
				others := b.pair()
				b.point("/wiki")
				bad := b.listen("/wiki")
				done := b.ask("POST", "/wiki", "x")
				r, _, _ := bad.request()
				b.echo("/wiki")
				start := time.Now()
				c.does(bad, r)
				bad.wantClose(c.code)
				slug := "listener-gone"
				if c.code == 1002 {
					slug = "bad-listener"
				}
				done().wantProblem(502, slug)
				if took := time.Since(start); took > time.Second {
					b.Errorf("it took %v", took)
				}
				for range 10 {
					b.call("GET", "/wiki", "").want(200)
				}
				others.wantWorking()
				b.wantMetric("jitney_relay_listeners", "2")
				b.wantMetric("jitney_relay_waiting", "0")
			})
		})
	}
}

// [L1] What nobody waits for is thrown away and counted, body and all.
func TestRelayStrays(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.point("/wiki")
		one := b.listen("/wiki")
		done := b.ask("GET", "/wiki", "")
		r, _, _ := one.request()
		two := b.listen("/wiki")
		one.answer("unknown", 200, "x")
		one.answer("", 200, "x")
		two.answer(r.ID, 200, "of the other")
		one.answer(strings.ToUpper(r.ID)+" ", 200, "x")
		b.wantMetric("jitney_relay_stray_responses_total", "4")
		one.answer(r.ID, 200, "first")
		one.answer(r.ID, 500, "second")
		two.answer(r.ID, 500, "third")
		done().want(200).wantBody("first")
		b.wantMetric("jitney_relay_stray_responses_total", "6")
		b.wantMetric("jitney_relay_listeners", "2")
		done = b.ask("GET", "/wiki", "")
		for _, l := range []*peer{one, two} {
			go l.work()
		}
		done().want(200).wantBody("GET /wiki ")
	})
}

// [L1] A body that was announced and does not come holds up its own listener only.
func TestRelayBodyThatDoesNotCome(t *testing.T) {
	inBubble(t, func(b *bus) {
		others := b.pair()
		b.point("/wiki")
		l := b.listen("/wiki")
		done := b.ask("GET", "/wiki", "")
		r, _, _ := l.request()
		start := time.Now()
		l.say(`{"response":{"requestId":%q,"statusCode":200,"body":true}}`, r.ID)
		others.wantWorking()
		done().wantProblem(504, "listener-timeout")
		if took := time.Since(start); !about(took, time.Minute) {
			b.Errorf("it took %v", took)
		}
		l.write(binaryFrame("late"))
		done = b.ask("GET", "/wiki", "")
		r, _, _ = l.request()
		l.answer(r.ID, 200, "in time")
		done().want(200).wantBody("in time")
		b.wantMetric("jitney_relay_stray_responses_total", "1")
	})
}

// [L1] What goes wrong on a request's own socket is that request's affair.
func TestRelayBadRendezvous(t *testing.T) {
	inBubble(t, func(b *bus) {
		others := b.pair()
		b.point("/wiki")
		l := b.listen("/wiki")
		for name, c := range map[string]struct {
			status int
			slug   string
			does   func(*peer, string)
		}{
			"no JSON":          {502, "bad-listener", func(p *peer, _ string) { p.say("{") }},
			"no response":      {502, "bad-listener", func(p *peer, _ string) { p.say("{}") }},
			"another response": {502, "bad-listener", func(p *peer, _ string) { p.answer("other", 200, "") }},
			"a binary":         {502, "bad-listener", func(p *peer, _ string) { p.write(binaryFrame("{}")) }},
			"a line break":     {502, "bad-listener", func(p *peer, id string) { p.answer(id, 200, "", `,"responseHeaders":{"X":"\n"}`) }},
			"it closes":        {502, "listener-gone", func(p *peer, _ string) { p.close(1000, "") }},
			"it vanishes":      {502, "listener-gone", func(p *peer, _ string) { _ = p.conn.NetConn().Close() }},
			"not masked":       {502, "listener-gone", func(p *peer, _ string) { _, _ = p.conn.NetConn().Write([]byte{0x81, 0}) }},
			"nothing":          {504, "listener-timeout", func(*peer, string) {}},
		} {
			for _, body := range []string{"", pattern(70_000)} {
				done := b.ask("POST", "/wiki", body)
				m := l.hear().Request
				at := b.open(m.Address)
				id := m.ID
				if body != "" {
					at.hear()
					at.next()
				}
				c.does(at, id)
				r := done()
				if r.status != c.status || !strings.Contains(r.body, ":"+c.slug) {
					b.Errorf("%s, %d bytes: %d %s", name, len(body), r.status, r.body)
				}
				<-at.ended
			}
		}
		others.wantWorking()
		b.wantMetric("jitney_relay_listeners", "2")
	})
}

// [L1] A response that has begun and comes to no end is broken off.
func TestRelayBrokenOff(t *testing.T) {
	inBubble(t, func(b *bus) {
		others := b.pair()
		b.point("/wiki")
		l := b.listen("/wiki")
		for name, end := range map[string]func(*peer){
			"it vanishes": func(p *peer) { _ = p.conn.NetConn().Close() },
			"it closes":   func(p *peer) { p.close(1000, "") },
			"a bad frame": func(p *peer) { _, _ = p.conn.NetConn().Write([]byte{0x01, 0}) },
			"no body":     func(p *peer) { p.close(1000, "") },
			"text":        func(p *peer) { p.say("{}") },
		} {
			c := b.dial()
			go fmt.Fprint(c, "GET /wiki HTTP/1.1\r\nHost: localhost\r\n\r\n")
			got := make(chan string, 1)
			go func() {
				_, text := ended(b, c)
				got <- text
			}()
			r, _, _ := l.request()
			at := b.open(r.Address)
			at.say(`{"response":{"requestId":%q,"statusCode":200,"body":true}}`, r.ID)
			if name != "text" && name != "no body" {
				_, _ = at.conn.NetConn().Write(masked(0x02, make([]byte, 1000)))
			}
			synctest.Wait()
			end(at)
			if text := <-got; !strings.Contains(text, " 200 OK") || strings.HasSuffix(text, "0\r\n\r\n") {
				b.Errorf("%s: the response looks whole", name)
			}
			c.Close()
		}
		others.wantWorking()
	})
}
