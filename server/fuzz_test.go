package server_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/jitney-mq/jitney/broker"
	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/server"
)

func openQuietBus(f *testing.F) *bus {
	b := openBus(f, server.Options{Logger: slog.New(slog.DiscardHandler)}, broker.Options{MinFree: -1})
	b.queue("/orders", "")
	return b
}

// [Q4]: whatever comes as a stream, the lines before the first that is no
// message are safe, and no others.
func FuzzStream(f *testing.F) {
	for _, seed := range []string{
		"", "\n", "{}", "{}\n{}\n", "{\"body\":\"a\"}\r\n\r\n{\"body\":{\"b\":1}}", "{\"body\":1}\n{\"bdy\":1}\n{}\n", "{\"body\":\"\xff\"}",
		"{\"bodyBase64\":\"/wA=\",\"timeToLive\":1.5}\n[]", "null\n", "{}{}\n", "\ufeff{}", "{\"body\":\"\x00\"}", strings.Repeat("{}\n", 2001),
	} {
		f.Add([]byte(seed))
	}
	b := openQuietBus(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		b := &bus{TB: t, broker: b.broker, listener: b.listener, client: b.client}
		want, broken := 0, 0
		for i, line := range strings.Split(string(body), "\n") {
			if line = strings.TrimSpace(line); line == "" {
				continue
			}
			if _, err := message.ParseJSON([]byte(line)); err != nil {
				broken = i + 1
				break
			}
			want++
		}
		before := b.broker.Info().Totals.Sent
		r := b.stream("/orders", string(body))
		if got := int(b.broker.Info().Totals.Sent - before); got != want {
			t.Errorf("%d messages came in, want %d", got, want)
		}
		last, progress := r.last()
		switch {
		case broken == 0 && want == 0:
			r.want(200).wantBody("")
		case broken == 0:
			progress = last
		case want == 0:
			if d := r.wantProblem(400, "bad-value"); d.Line != broken {
				t.Errorf("line %d, want %d", d.Line, broken)
			}
		default:
			r.wantEnd(progress, 400, broken, "bad-value")
		}
		if want > 0 && !strings.HasPrefix(progress, fmt.Sprintf(`{"committed":%d,`, want)) {
			t.Errorf("progress %s, want %d", progress, want)
		}
	})
}

// [N1]: no target of a request, whatever is in it, breaks anything.
func FuzzTarget(f *testing.F) {
	for _, seed := range []string{
		"/", "//", "/./", "/../", "/%2e%2e", "/a%2fb", "/%5c", "/%00", "/%0d%0a", "/%c0%af", "/%ff", "/%252f", "/;x=1", "/?", "/#", "/\u202e",
		"/\u200d", "/\ufeff", "/%ED%A0%80", "/e\u0301", "/．．", "/\u212a", "/\u0131", "/$deadletterqueue", "/a.", "/a%20", "/-/livez", "/-/%2e",
		"/orders/$policy", "/orders/messages/head?timeout=0", "/orders/messages/1/x", "/orders/$DeadLetterQueue/messages", "*", "http://localhost/a",
		"/orders/messages/head?timeout=0&count=9&lock-duration=P1D", "/orders?below=true&after=%00", "/orders/messages?from=1&count=0x1",
	} {
		f.Add(seed)
	}
	b := openQuietBus(f)
	f.Fuzz(func(t *testing.T, target string) {
		if target == "" || strings.ContainsFunc(target, func(c rune) bool { return c <= ' ' || c == 0x7f }) ||
			strings.Contains(target, "timeout") && !strings.Contains(target, "timeout=0") {
			return // no target at all, or it may wait
		}
		b := &bus{TB: t, broker: b.broker, listener: b.listener, client: b.client}
		for _, method := range []string{"GET", "DELETE", "OPTIONS"} {
			if method == "DELETE" && strings.Contains(strings.ToLower(target), "head") && !strings.Contains(target, "timeout=0") {
				continue
			}
			c := b.dial()
			go fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", method, target)
			r, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
			if err != nil || r.StatusCode >= 500 {
				t.Errorf("%s %q: %v, %v", method, target, r, err)
			} else if _, err := io.Copy(io.Discard, r.Body); err != nil {
				t.Error(err)
			}
			c.Close()
		}
		b.call("POST", "/orders", `{"QueuePolicy":{}}`, "Content-Type", policyType)
	})
}
