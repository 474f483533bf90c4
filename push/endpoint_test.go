package push_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jitney-mq/jitney/problem"
	"github.com/jitney-mq/jitney/push"
)

func TestCheckHeaders(t *testing.T) {
	t.Parallel()
	many := make([]push.Header, 33)
	for i := range many {
		many[i] = push.Header{Name: fmt.Sprintf("X-%d", i), Value: "v"}
	}
	for name, list := range map[string][]push.Header{
		"None": nil, "Many": many[:32], "Authorization": {{"Authorization", "Bearer x y"}}, "Empty": {{"X-Empty", ""}},
		"Large": {{"X-Large", strings.Repeat("x", 8<<10-7)}}, "Cookie": {{"cookie", "a=b"}}, "Token": {{"!#$%&'*+-.^_`|~", "v"}},
	} {
		if err := push.CheckHeaders(list); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	bad := map[string][]push.Header{
		"TooMany": many, "TooLarge": {{"X-Large", strings.Repeat("x", 8<<10-6)}}, "Twice": {{"X-A", "1"}, {"x-a", "2"}},
	}
	for _, name := range []string{
		"", "a b", "a:", "a\r\nb", "é", "a\x00", "Host", "hoST", "Content-Length", "Connection", "Keep-Alive", "proxy-connection", "TE", "Trailer",
		"Transfer-Encoding", "Upgrade", "Expect", "HTTP2-Settings", "Proxy-Authorization", "Proxy-Authenticate", "Content-Type", "content-encoding",
		"Content-Language", "BrokerProperties", "Jitney-Properties", "jitney-x", "webhook-id", "Webhook-Signature", "WEBHOOK-TIMESTAMP",
		"WebHook-Request-Origin", "traceparent", "tracestate", "User-Agent", ":authority",
	} {
		bad["Name "+name] = []push.Header{{name, "v"}}
	}
	for _, value := range []string{"a\r\nX: y", "a\nb", "a\rb", "a\x00b", "a\x7fb", "é", " a", "a ", "\ta", "a\tb"} {
		bad["Value "+value] = []push.Header{{"X-A", value}}
	}
	c := newClient(t, push.Options{}, "127.0.0.1")
	trap := newCanary(t)
	for name, list := range bad {
		wrong := (*problem.Field)(nil)
		if err := push.CheckHeaders(list); !errors.As(err, &wrong) || wrong.Element != "HttpHeader" {
			t.Errorf("%s: %v", name, err)
		}
		r := c.Push(context.Background(), push.Endpoint{URL: "http://127.0.0.1:" + trap.port, Header: list, Timeout: long}, "msg_1", order(), nil)
		if r.Sent || !errors.As(r.Err, &wrong) {
			t.Errorf("push with %s: %+v", name, r)
		}
	}
	trap.check(t)
}

// TestHeaderSecrecy holds that a value is not repeated.
func TestHeaderSecrecy(t *testing.T) {
	t.Parallel()
	err := push.CheckHeaders([]push.Header{{"Authorization", "Bearer s3cret\n"}})
	if err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("the error: %v", err)
	}
}
