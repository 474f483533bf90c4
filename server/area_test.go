package server_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jitney-mq/jitney/broker"
	"github.com/jitney-mq/jitney/server"
)

// [A1]
func TestHealth(t *testing.T) {
	inBubble(t, func(b *bus) {
		for _, path := range []string{"/-/livez", "/-/readyz"} {
			b.call("GET", path, "").want(200).wantBody("ok\n").wantHeader("Content-Type", "text/plain; charset=utf-8")
			b.call("HEAD", path, "").want(200).wantBody("")
			b.call("GET", path+"?verbose", "").want(200)
		}
		b.call("GET", "/-/readyz?verbose", "").wantBody("[+] store\n[+] space\nok\n")
		for _, path := range []string{"/-/", "/-/ui/", "/-/livez/", "/-/livez/x", "/-/%6civez", "/-//livez"} {
			b.call("GET", path, "").wantProblem(404, "no-resource")
		}
	})
}

// [A1] [Q5]: without space messages are refused; the rest goes on.
func TestNoSpace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := openBus(t, server.Options{Logger: slog.New(slog.DiscardHandler)}, broker.Options{MinFree: 1 << 60})
		b.queue("/orders", "")
		b.call("POST", "/orders", "x").wantHeader("Retry-After", "30").wantProblem(507, "no-space")
		b.stream("/orders", `{"body":"x"}`).wantProblem(507, "no-space")
		if d := b.call("GET", "/-/readyz", "").wantProblem(503, "not-ready"); !strings.Contains(d.Detail, "space") {
			b.Errorf("detail %q", d.Detail)
		}
		b.call("GET", "/-/livez", "").want(200)
		b.call("POST", "/orders/messages/head?timeout=0", "").want(204)
		b.call("DELETE", "/orders/$policy", "").want(204)
	})
}

// [A1]: without a store nothing is acknowledged.
func TestClosedStore(t *testing.T) {
	inBubbleWith(t, server.Options{Logger: slog.New(slog.DiscardHandler)}, func(b *bus) {
		b.queue("/orders", "")
		if err := b.broker.Close(); err != nil {
			b.Fatal(err)
		}
		b.call("POST", "/orders", "x").wantHeader("Retry-After", "5").wantProblem(503, "shutting-down")
		b.call("POST", "/orders/messages/head", "").wantProblem(503, "shutting-down")
		b.call("POST", "/new", `{"QueuePolicy":{}}`, "Content-Type", policyType).wantProblem(503, "shutting-down")
		b.call("GET", "/-/readyz", "").wantHeader("Retry-After", "5").wantProblem(503, "not-ready")
		b.call("GET", "/orders/messages", "").wantProblem(503, "shutting-down")
	})
}

// [A1]
func TestInfo(t *testing.T) {
	inBubbleWith(t, server.Options{Version: "1.2.3", Configuration: "sha256:abc", MaxRequests: 77}, func(b *bus) {
		b.queue("/secret-name", "")
		r := b.call("GET", "/-/info", "").want(200).wantHeader("Content-Type", "application/json")
		var info struct {
			Version, Configuration string
			Started                time.Time
			Names                  int
			Limits                 map[string]int64
		}
		r.decode(&info)
		if info.Version != "1.2.3" || info.Configuration != "sha256:abc" || info.Names != 1 || !info.Started.Equal(time.Now()) ||
			info.Limits["requests"] != 77 || info.Limits["lineBytes"] != 4<<20 {
			b.Errorf("info %+v", info)
		}
		if strings.Contains(r.body, "secret") {
			b.Errorf("a name is shown: %s", r.body)
		}
	})
}

// [A1]
func TestMetrics(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.queue("/Orders", "")
		for range 3 {
			b.send("/orders", "x")
		}
		b.call("PUT", b.receive("/orders").lock(), "").want(200)
		b.call("DELETE", b.receive("/orders").lock(), "").want(200)
		b.call("PUT", b.receive("/orders").lock()+"?disposition=dead-letter", "").want(200)
		b.receive("/orders")
		b.call("GET", "/a%2f", "").want(400)
		all := b.call("GET", "/-/metrics", "").want(200).body
		for _, line := range []string{
			"jitney_messages_sent_total 3", "jitney_messages_received_total 4", "jitney_messages_redelivered_total 1",
			"jitney_messages_completed_total 1", "jitney_messages_abandoned_total 1", "jitney_messages_dead_lettered_total 1",
			"jitney_names 1", "jitney_senders_held 0", "jitney_store_open_views 0", "jitney_store_reruns_total 0",
			"jitney_http_requests_active 1",
			`jitney_http_requests_total{class="2xx",route="/{queue}/messages"} 3`,
			`jitney_http_requests_total{class="2xx",route="/{queue}/messages/{message}/{lock}"} 3`,
			`jitney_http_requests_total{class="4xx",route="other"} 1`,
			`jitney_http_request_seconds_count{route="/{queue}/messages/head"} 4`,
		} {
			if !strings.Contains(all, "\n"+line+"\n") {
				b.Errorf("%s is not in the metrics", line)
			}
		}
		for _, name := range []string{"jitney_locks ", "jitney_store_commits_total ", "jitney_store_syncs_total ", "jitney_store_ops_total ",
			"jitney_store_written_bytes_total ", "jitney_store_file_bytes ", "jitney_store_disk_free_bytes ", "go_goroutines "} {
			if !strings.Contains(all, "\n"+name) {
				b.Errorf("%s is not in the metrics", name)
			}
		}
		if strings.Contains(strings.ToLower(all), "/orders") {
			b.Error("a name is in the metrics")
		}
		detail := b.call("GET", "/-/metrics?detail=queues", "").want(200).body
		for _, line := range []string{
			`jitney_queue_messages{queue="/Orders",state="active"} 0`, `jitney_queue_messages{queue="/Orders",state="locked"} 1`,
			`jitney_queue_messages{queue="/Orders",state="dead-letter"} 1`, "jitney_names 1",
		} {
			if !strings.Contains(detail, "\n"+line+"\n") {
				b.Errorf("%s is not in the metrics in detail", line)
			}
		}
	})
}

// log is a logger's output.
type log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// Logs say what was asked by whom, but hold no body, property, query or token.
func TestLogs(t *testing.T) {
	var l log
	logger := slog.New(slog.NewJSONHandler(&l, &slog.HandlerOptions{Level: slog.LevelDebug}))
	inBubbleWith(t, server.Options{Logger: logger}, func(b *bus) {
		b.queue("/orders", "")
		b.call("POST", "/orders/messages?label=secret-label", "secret-body", "Secretive", "secret-property", "X-Request-Id", "request-7")
		r := b.receive("/orders")
		token := r.properties().LockToken
		b.call("POST", r.lock()+"/x", "").want(404)
		b.call("POST", r.lock()[:len(r.lock())-36]+"%7b"+token+"%7D", "").want(200)
		b.call("PUT", r.lock()+"?disposition=dead-letter&reason=secret-reason", "").want(200)
		b.call("DELETE", r.lock(), "").want(410)
		b.stream("/orders", `{"secret-member":1}`).want(400)
		b.shutDown()
		text := l.String()
		for _, secret := range []string{"secret", token, strings.ReplaceAll(token, "-", "")} {
			if strings.Contains(text, secret) {
				b.Errorf("%s is in the log:\n%s", secret, text)
			}
		}
		var line struct {
			Level, Request, Method, Path string
			Status                       int
		}
		for each := range strings.Lines(text) {
			if err := json.Unmarshal([]byte(each), &line); err != nil {
				b.Fatal(err)
			}
			if line.Request == "request-7" && (line.Level != "DEBUG" || line.Method != "POST" || line.Path != "/orders/messages" || line.Status != 201) {
				b.Errorf("line %s", each)
			}
		}
		if !strings.Contains(text, `"path":"/orders/messages/1/*"`) || !strings.Contains(text, "request-7") {
			b.Errorf("log:\n%s", text)
		}
	})
}

// [S9] The broker's own area has no sockets.
func TestAreaHasNoSockets(t *testing.T) {
	inBubble(t, func(b *bus) {
		b.call("GET", "/-/info", "", "Connection", "Upgrade", "Upgrade", "websocket").
			wantField(400, "bad-value", "Upgrade", "websocket", "no upgrade")
	})
}
