package client_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/problem"
)

// answering returns a client whose every request is answered by h.
func answering(t *testing.T, o client.Options, h http.HandlerFunc) *client.Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	o.URL = s.URL
	c, err := client.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestNewRefusesURLs(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"localhost:5300", "ftp://localhost", "http://", "http://localhost/?x=1", "http://localhost/#x", "http://%zz"} {
		if _, err := client.New(client.Options{URL: url}); err == nil {
			t.Errorf("New(%q) took it", url)
		}
	}
	c, err := client.New(client.Options{})
	if err != nil || c.URL() != client.DefaultURL {
		t.Errorf("New without a URL = %v, %v", c, err)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	rows := []struct {
		status int
		want   error
	}{
		{400, client.ErrInvalid}, {405, client.ErrInvalid}, {415, client.ErrInvalid},
		{401, client.ErrDenied}, {403, client.ErrDenied},
		{404, client.ErrNotFound}, {409, client.ErrConflict}, {410, client.ErrGone},
		{412, client.ErrStale}, {413, client.ErrTooLarge},
		{429, client.ErrBusy}, {502, client.ErrBusy}, {503, client.ErrBusy}, {504, client.ErrBusy}, {507, client.ErrBusy},
	}
	all := []error{
		client.ErrInvalid, client.ErrDenied, client.ErrNotFound, client.ErrConflict, client.ErrGone,
		client.ErrStale, client.ErrTooLarge, client.ErrBusy, client.ErrNoAnswer, client.ErrNoMessage,
	}
	for _, row := range rows {
		c := answering(t, client.Options{Retry: client.Retry{Tries: 1}}, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(row.status)
		})
		_, err := c.Policy(t.Context(), "/q")
		for _, sentinel := range all {
			if errors.Is(err, sentinel) != (sentinel == row.want) {
				t.Errorf("%d: errors.Is(%v, %v) = %v", row.status, err, sentinel, sentinel != row.want)
			}
		}
	}
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	rows := []struct{ kind, body, want string }{
		{problem.ContentType, `{"title":"bad","detail":"no","element":"LockDuration","value":"PT0S","want":"a duration"}`, `LockDuration "PT0S": want a duration [400]`},
		{problem.ContentType, `{"title":"bad","detail":"no room","line":7}`, `line 7: no room [400]`},
		{problem.ContentType, `{"title":"lost","reason":"expired"}`, `lost (expired) [400]`},
		{"text/plain; charset=utf-8", "one\ntwo", `one [400]`},
		{"text/html", "<p>one", `Bad Request [400]`},
		{problem.ContentType, `{broken`, `Bad Request [400]`},
	}
	for _, row := range rows {
		c := answering(t, client.Options{}, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", row.kind)
			w.WriteHeader(400)
			io.WriteString(w, row.body)
		})
		if err := c.DeletePolicy(t.Context(), "/q"); err == nil || err.Error() != row.want {
			t.Errorf("%s %q: %v, want %s", row.kind, row.body, err, row.want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"7": 7 * time.Second, "-7": 0, "soon": 0, "Sat, 31 Jan 2000 12:00:00 GMT": 0} {
		c := answering(t, client.Options{}, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", text)
			w.WriteHeader(503)
		})
		_, err := c.Send(t.Context(), "/q", &message.Message{})
		if e, ok := errors.AsType[*client.Error](err); !ok || e.RetryAfter != want {
			t.Errorf("Retry-After: %s gave %v", text, err)
		}
	}
}

func TestRetries(t *testing.T) {
	t.Parallel()
	get := func(ctx context.Context, c *client.Client) error { _, err := c.Policy(ctx, "/q"); return err }
	send := func(ctx context.Context, c *client.Client) error {
		_, err := c.Send(ctx, "/q", &message.Message{Body: []byte("x")})
		return err
	}
	stream := func(ctx context.Context, c *client.Client) error {
		_, err := c.SendBody(ctx, "/q", &message.Message{}, bytes.NewReader([]byte("x")))
		return err
	}
	const hangUp = 0 // in place of a status
	rows := []struct {
		name   string
		scope  client.RetryScope
		call   func(context.Context, *client.Client) error
		status int
		after  string
		want   int64
	}{
		{"a read that was refused", client.RetryReads, get, 503, "", 3},
		{"a read without an answer", client.RetryReads, get, hangUp, "", 3},
		{"a read with a final answer", client.RetryUnknown, get, 404, "", 1},
		{"a read that has to wait too long", client.RetryReads, get, 503, "60", 1},
		{"a send", client.RetryReads, send, 503, "", 1},
		{"a send that was refused", client.RetryRefused, send, 503, "", 3},
		{"a send without an answer", client.RetryRefused, send, hangUp, "", 1},
		{"a send without an answer, to be repeated", client.RetryUnknown, send, hangUp, "", 3},
		{"a stream", client.RetryUnknown, stream, 503, "", 1},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var tries atomic.Int64
			o := client.Options{Retry: client.Retry{Scope: row.scope, MaxDelay: time.Millisecond}}
			c := answering(t, o, func(w http.ResponseWriter, _ *http.Request) {
				tries.Add(1)
				if row.status == hangUp {
					panic(http.ErrAbortHandler)
				}
				w.Header().Set("Retry-After", row.after)
				w.WriteHeader(row.status)
			})
			if err := row.call(t.Context(), c); err == nil {
				t.Error("no error")
			}
			if got := tries.Load(); got != row.want {
				t.Errorf("%d tries, want %d", got, row.want)
			}
		})
	}
}

func TestConnectionIsUsedAgain(t *testing.T) {
	t.Parallel()
	var connections atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(map[string]int{"/a/messages": 201, "/b/messages": 409}[r.URL.Path])
		w.Write(make([]byte, 100_000))
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	c, err := client.New(client.Options{URL: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		for _, name := range []string{"a", "b"} {
			if _, err := c.Send(t.Context(), name, &message.Message{}); (err != nil) != (name == "b") {
				t.Fatal(err)
			}
		}
	}
	if got := connections.Load(); got != 1 {
		t.Errorf("%d connections", got)
	}
}

func TestRequestHeaders(t *testing.T) {
	t.Parallel()
	var got http.Header
	c := answering(t, client.Options{HTTPClient: http.DefaultClient}, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Clone()
		w.Header().Set("Location", "http://elsewhere.example/")
		w.WriteHeader(303)
	})
	_, err := c.Info(t.Context())
	if e, ok := errors.AsType[*client.Error](err); !ok || e.Status != 303 {
		t.Errorf("a redirection gave %v", err)
	}
	if got.Get("Accept-Encoding") != "identity" || got.Get("User-Agent") != "jitney-client" {
		t.Errorf("headers %v", got)
	}
}

func TestNoAnswer(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.NotFoundHandler())
	url := s.URL
	s.Close()
	c, err := client.New(client.Options{URL: url, Retry: client.Retry{Tries: 1}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Info(t.Context()); !errors.Is(err, client.ErrNoAnswer) {
		t.Errorf("a broker that is not there: %v", err)
	}
	cause := errors.New("cause")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if _, err := c.Info(ctx); !errors.Is(err, cause) || errors.Is(err, client.ErrNoAnswer) {
		t.Errorf("a cancelled call: %v", err)
	}
}

func TestCutAnswer(t *testing.T) {
	t.Parallel()
	c := answering(t, client.Options{}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, "half")
	})
	if _, err := c.ReceiveAndDelete(t.Context(), "/q", client.ReceiveOptions{}); !errors.Is(err, client.ErrNoAnswer) {
		t.Errorf("an answer that was cut short: %v", err)
	}
}
