package server_test

import (
	"maps"
	"reflect"
	"strings"
	"testing"
)

// [L1] What a listener is told, to the letter.
func TestRelayWire(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.point("/team/wiki")
		l := b.listen("/team/wiki")
		done := b.ask("POST", "/team/wiki/a%20b?c=d&e", "hello", "Content-Type", "text/plain", "Cookie", "a=b", "Cookie", "c=d",
			"X-List", "1", "X-List", "2", "User-Agent", "test")
		var m told
		var got map[string]any
		f := l.next()
		decode(b, f.data, &m)
		decode(b, f.data, &got)
		id := m.Request.ID
		want := map[string]any{"request": map[string]any{
			"address": "ws://localhost/$hc/team/wiki?sb-hc-action=request&sb-hc-id=" + id, "id": id,
			"requestTarget": "/team/wiki/a%20b?c=d&e", "method": "POST", "body": true,
			"requestHeaders": map[string]any{
				"Content-Type": "text/plain", "Content-Length": "5", "Cookie": "a=b; c=d", "X-List": "1, 2", "User-Agent": "test",
				"X-Forwarded-Host": "localhost", "X-Forwarded-Proto": "http", "X-Forwarded-Prefix": "/team/wiki", "Via": "1.1 localhost",
			},
		}}
		if !reflect.DeepEqual(got, want) || len(id) != 32 {
			b.Errorf("told %v,\n want %v", got, want)
		}
		l.want(binaryFrame("hello"))
		l.say(`{"response":{"requestId":%q,"statusCode":"207","statusDescription":"Many",
			"responseHeaders":{"X-A":"1","X-N":7,"Set-Cookie":["a=b","c=d"]},"body":true}}`, id)
		l.write(binaryFrame("world"))
		r := done().want(207).wantBody("world").wantHeader("X-A", "1").wantHeader("X-N", "7").
			wantHeader("Content-Length", "5").wantHeader("Via", "1.1 localhost")
		if cookies := r.header.Values("Set-Cookie"); len(cookies) != 2 {
			b.Errorf("cookies %q", cookies)
		}
		b.wantMetric("jitney_relay_requests_total", "1")
	})
}

// [L1] A response needs no more than its id and its status.
func TestRelayBareResponses(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.point("/wiki")
		l := b.listen("/wiki")
		for _, c := range []struct {
			members, body string
			status        int
		}{
			{`"statusCode":200`, "", 200},
			{`"statusCode":404,"responseHeaders":null`, "", 404},
			{`"statusCode":200,"body":true`, "x", 200},
			{`"statusCode":200,"responseHeaders":{},"body":true,"later":{"more":[1]}`, "x", 200},
		} {
			done := b.ask("GET", "/wiki", "")
			r, _, _ := l.request()
			l.say(`{"response":{"requestId":%q,%s},"other":1}`, r.ID, c.members)
			if c.body != "" {
				l.write(binaryFrame(c.body))
			}
			if got := done(); got.status != c.status || got.body != c.body {
				b.Errorf("%s: %d %.100q", c.members, got.status, got.body)
			}
		}
		l.say(`{"nothing":"of this"}`)
		l.say(`{}`)
		b.wantMetric("jitney_relay_listeners", "1")
	})
}

// [L1]
func TestRelayMethods(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.point("/wiki")
		b.echo("/wiki")
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "M-SEARCH"} {
			b.call(method, "/wiki/x", "").want(200).wantBody(method + " /wiki/x ")
			b.call(method, "/wiki", "b").want(200).wantBody(method + " /wiki b")
		}
		b.call("HEAD", "/wiki/x", "").want(200).wantBody("")
	})
}

// [L1] What the length of a response is, and what has no body.
func TestRelayLengths(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.point("/wiki")
		l := b.listen("/wiki")
		for name, c := range map[string]struct {
			method, headers string
			status          int
			body            string
			wantLength      string
			wantBody        string
		}{
			"HEAD tells the length of GET": {"HEAD", `"Content-Length":"1234"`, 200, "", "1234", ""},
			"HEAD with a body":             {"HEAD", `"Content-Length":"3"`, 200, "abc", "3", ""},
			"no body":                      {"GET", ``, 200, "", "0", ""},
			"no body, but a length":        {"GET", `"Content-Length":"5"`, 200, "", "0", ""},
			"no content":                   {"GET", `"Content-Length":"3"`, 204, "abc", "", ""},
			"not modified":                 {"GET", `"ETag":"x"`, 304, "", "", ""},
			"too short a length":           {"GET", `"Content-Length":"1"`, 200, "abc", "3", "abc"},
			"too long a length":            {"GET", `"Content-Length":"10"`, 200, "abc", "3", "abc"},
			"no number":                    {"GET", `"Content-Length":"-1"`, 200, "abc", "3", "abc"},
			"two lengths":                  {"GET", `"Content-Length":["3","4"]`, 200, "abc", "3", "abc"},
			"a length that overflows":      {"GET", `"Content-Length":"18446744073709551617"`, 200, "abc", "3", "abc"},
			"an error":                     {"GET", ``, 500, "oops", "4", "oops"},
			"an unusual status":            {"GET", ``, 799, "x", "1", "x"},
		} {
			done := b.ask(c.method, "/wiki", "")
			r, _, _ := l.request()
			l.answer(r.ID, c.status, c.body, `,"responseHeaders":{`+c.headers+`}`)
			got := done()
			if length := got.header.Get("Content-Length"); got.status != c.status || got.body != c.wantBody || length != c.wantLength {
				b.Errorf("%s: %d, %q, length %q", name, got.status, got.body, length)
			}
		}
	})
}

// [L1] Path and query reach the listener as they were written, but for the relay's
// own arguments. What is below a connection point need not be a name.
func TestRelayTargets(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.point("/Wiki")
		b.echo("/wiki")
		long := "/wiki/" + strings.Repeat("x", 60<<10)
		for sent, want := range map[string]string{
			"/wiki/$policies":             "",
			"/wiki":                       "",
			"/wiki/":                      "",
			"/wiki//":                     "",
			"/wiki//x":                    "",
			"/WIKI/X":                     "",
			"/w%69ki/x":                   "",
			"/wiki/a%2Fb%2f":              "",
			"/wiki/../x":                  "",
			"/wiki/%2e%2e/x":              "",
			"/wiki/./x":                   "",
			"/wiki/*":                     "",
			"/wiki/$x":                    "",
			"/wiki/x/$policy":             "",
			"/wiki/$policy/":              "",
			"/wiki/messages":              "",
			"/wiki/messages/head":         "",
			"/wiki/$DeadLetterQueue":      "",
			"/wiki/-/info":                "",
			"/wiki/a:b@c;d=e,f!(g)'":      "",
			"/wiki/%00%0d%0a%ff%c0%af":    "",
			"/wiki?":                      "/wiki",
			"/wiki/?a=b&&c=%20+d&a":       "",
			"/wiki?a/b?c":                 "",
			"/wiki?a;b=c":                 "",
			"/wiki?100%":                  "",
			"/wiki?a=%zz":                 "",
			"/wiki?sb-hc-id=1&a=b":        "/wiki?a=b",
			"/wiki?a=b&SB-HC-Token=x&c=d": "/wiki?a=b&c=d",
			"/wiki?sb%2Dhc-anything&a":    "/wiki?a",
			"/wiki?sb-hc-x":               "/wiki",
			"/wiki?statusCode=404":        "",
			"http://localhost/wiki/x?y":   "/wiki/x?y",
			long:                          "",
			"/wiki/?" + long:              "",
		} {
			if want == "" {
				want = sent
			}
			r := b.raw("GET " + sent + " HTTP/1.1\r\nHost: localhost\r\n\r\n")
			if r.status != 200 || r.body != "GET "+want+" " {
				b.Errorf("%.100s: %d %.200q", sent, r.status, r.body)
			}
		}
		b.raw("GET /wiki/" + strings.Repeat("x", 200<<10) + " HTTP/1.1\r\nHost: localhost\r\n\r\n").want(431)
		b.raw("GET /wikis HTTP/1.1\r\nHost: localhost\r\n\r\n").want(200) // an empty feed
		b.raw("GET //wiki HTTP/1.1\r\nHost: localhost\r\n\r\n").wantProblem(400, "bad-value")
		b.raw("GET /x/../wiki HTTP/1.1\r\nHost: localhost\r\n\r\n").wantProblem(400, "bad-value")
	})
}

// [L1] Which fields of a header go on, both ways.
func TestRelayHeaders(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.point("/wiki")
		l := b.listen("/wiki")
		done := b.later(func() reply {
			return b.raw("GET /wiki HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive, X-Mine , x-other\r\nKeep-Alive: 5\r\nTE: trailers\r\n" +
				"X-Mine: 1\r\nX-Other: 2\r\nTrailer: X-T\r\nUpgrade: h2c\r\nProxy-Authorization: x\r\nProxy-Connection: x\r\n" +
				"ServiceBusAuthorization: token\r\nAuthorization: Basic eDp5\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Host: evil\r\n" +
				"X-Forwarded-Proto: gopher\r\nX-Forwarded-Prefix: /evil\r\nForwarded: for=6.6.6.6\r\nVia: 1.0 proxy\r\nAccept: */*\r\nClose: 1\r\n\r\n")
		})
		r, _, _ := l.request()
		want := map[string]any{
			"Authorization": "Basic eDp5", "Accept": "*/*", "Via": "1.0 proxy, 1.1 localhost",
			"X-Forwarded-Host": "localhost", "X-Forwarded-Proto": "http", "X-Forwarded-Prefix": "/wiki",
		}
		if !maps.Equal(r.Headers, want) {
			b.Errorf("header %v,\n want %v", r.Headers, want)
		}
		l.answer(r.ID, 200, "x", `,"responseHeaders":{"connection":"X-Mine, close","X-Mine":"1","Keep-Alive":"5","Transfer-Encoding":"gzip","Trailer":"T",
			"Upgrade":"h2c","Proxy-Authenticate":"x","Via":["1.0 a","1.1 b"],"Server":"s","Vary":"*","X-Request-Id":"theirs","Te":"x"}`)
		got := done().want(200).wantBody("x").wantHeader("Via", "1.0 a, 1.1 b, 1.1 localhost").wantHeader("Server", "s").
			wantHeader("Vary", "*").wantHeader("X-Request-Id", "theirs").wantHeader("Content-Length", "1")
		for _, name := range []string{"Connection", "X-Mine", "Keep-Alive", "Transfer-Encoding", "Trailer", "Upgrade", "Proxy-Authenticate", "Te"} {
			got.wantHeader(name, "")
		}
	})
}
