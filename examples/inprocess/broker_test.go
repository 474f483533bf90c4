package inprocess_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/examples/inprocess"
	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/problem"
)

var quiet = slog.New(slog.DiscardHandler)

// A broker serves at all its addresses until it is closed, whatever becomes of
// the context that it was opened in, and leaves nothing behind.
func TestBroker(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	opening, cancel := context.WithCancel(t.Context())
	b, err := inprocess.Open(opening, inprocess.Options{RelayListen: inprocess.FreePort, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	send(t, b.URL)
	for url, want := range map[string]int{b.URL + "/-/readyz": http.StatusOK, b.RelayURL + "/-/readyz": http.StatusNotFound} {
		if status, err := get(url); err != nil || status != want {
			t.Errorf("GET %s: %d, %v, want %d", url, status, err, want)
		}
	}
	for range 2 {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := get(b.URL + "/-/readyz"); err == nil {
		t.Error("it answers after it was closed")
	}
	wantEmpty(t, temporary)
}

// One that cannot be opened says why, and leaves nothing behind.
func TestBrokerRefuses(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	taken, err := inprocess.Open(t.Context(), inprocess.Options{Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	address := taken.URL[len("http://"):]
	for name, o := range map[string]inprocess.Options{
		"address": {Listen: address}, "relay's address": {RelayListen: address}, "target": {PushAllow: []string{"a b"}},
	} {
		o.Logger = quiet
		if b, err := inprocess.Open(t.Context(), o); err == nil {
			t.Errorf("%s: opened", name)
			_ = b.Close()
		} else if _, is := errors.AsType[*problem.Field](err); is != (name == "target") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := taken.Close(); err != nil {
		t.Error(err)
	}
	wantEmpty(t, temporary)
}

func send(t *testing.T, url string) {
	t.Helper()
	c, err := client.New(client.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.PutPolicy(t.Context(), "/q", policy.NewQueue(), ""); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Send(t.Context(), "/q", &message.Message{Body: []byte("x")}); err != nil {
		t.Fatal(err)
	}
}

func get(url string) (status int, err error) {
	response, err := http.Get(url)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}

func wantEmpty(t *testing.T, dir string) {
	t.Helper()
	if _, err := os.Stat(dir); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "jitney-*")); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}
