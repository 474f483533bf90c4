package hyco_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestRestart has the broker killed and started again: the listeners come back
// by themselves.
func TestRestart(t *testing.T) {
	t.Parallel()
	b, server := startServer(t)
	b.point("/echo")
	listener := b.run("listen.js", "echo", "--name=first")
	listener.await("listening")
	for _, tt := range []struct {
		name string
		end  func()
		want string // how it is told
	}{
		{"Killed", b.kill, "dropped 1006 "},
		{"Stopped", b.stop, "dropped 1001 .*"},
	} {
		tt.end()
		listener.await(tt.want)
		b.start()
		listener.await("listening")
		server.await("listening")
		if got := b.who(); got != "first" {
			t.Errorf("%s: %q answers", tt.name, got)
		}
		if response, _ := b.do("GET", "/web/about", nil); response.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", tt.name, response.Status)
		}
	}
}

// TestRenew has a listener stay that renews its token, as hyco-ws does each hour,
// and another one be dropped that does not.
func TestRenew(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	b.point("/echo")
	b.point("/forgetful")
	listener := b.run("listen.js", "echo", "--name=first", "--hours", "--seconds=2")
	listener.await("listening")
	listener.say("an hour passes")
	forgetful := b.run("listen.js", "forgetful", "--seconds=4")
	forgetful.await("dropped 1008 .*")
	forgetful.await("listening")
	if got := b.who(); got != "first" {
		t.Errorf("%q answers", got)
	}
	if log := listener.log.String(); strings.Contains(log, "dropped") {
		t.Errorf("the listener was dropped although it renewed its token:\n%s", log)
	}
}

// TestRestartPersistent leaves the reconnecting to hyco-ws, which comes back as
// often as a point takes listeners.
func TestRestartPersistent(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	b.point("/echo")
	listener := b.run("listen.js", "echo", "--name=first", "--persistent")
	listener.await("listening")
	b.kill()
	listener.await("error .*")
	b.start()
	listener.await("listening")
	for range 10 {
		if got := b.who(); got != "first" {
			t.Errorf("%q answers", got)
		}
	}
}
