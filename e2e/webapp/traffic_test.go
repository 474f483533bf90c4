package webapp_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/jitney-mq/jitney/examples/chromium"
)

// traffic is what a browser was answered, by what it was for, and what frames
// its WebSockets carried.
type traffic struct {
	answers        map[string]int
	sent, received []string
}

// newTraffic looks at all that the browser did: every request went to the host
// and was answered well.
func newTraffic(t testing.TB, page *chromium.Tab, host string) traffic {
	t.Helper()
	seen := traffic{answers: map[string]int{}}
	for _, e := range page.Events {
		switch p := e.Params; e.Method {
		case "Network.requestWillBeSent":
			checkHost(t, p.Request.URL, host)
		case "Network.webSocketCreated":
			checkHost(t, p.URL, host)
		case "Network.responseReceived":
			seen.answers[p.Type]++
			if p.Response.Status >= 400 {
				t.Errorf("%s is answered %d", p.Response.URL, p.Response.Status)
			}
		case "Network.webSocketFrameSent":
			seen.sent = append(seen.sent, p.Response.PayloadData)
		case "Network.webSocketFrameReceived":
			seen.received = append(seen.received, p.Response.PayloadData)
		case "Network.webSocketFrameError", "Network.loadingFailed":
			if !p.Canceled {
				t.Errorf("%s: %s %s", e.Method, p.Type, p.ErrorText)
			}
		case "Runtime.exceptionThrown":
			t.Errorf("the page threw %s", p.ExceptionDetails)
		}
	}
	return seen
}

// check wants all kinds of traffic, and the message in a frame.
func (s traffic) check(t testing.TB) {
	t.Helper()
	t.Logf("answers %v, %d frames sent, %d received", s.answers, len(s.sent), len(s.received))
	for _, kind := range []string{"Document", "Script", "XHR", "Fetch"} {
		if s.answers[kind] == 0 {
			t.Errorf("nothing that was asked for as %s was answered", kind)
		}
	}
	if got := strings.Join(s.sent, ""); !strings.Contains(got, `{"subscribe":"debug"}`) {
		t.Errorf("over the WebSocket went %s", got)
	}
	if got := strings.Join(s.received, ""); !strings.Contains(got, message) {
		t.Errorf("over the WebSocket came %s", got)
	}
}

// checkHost reports a request that goes past the relay.
func checkHost(t testing.TB, address, host string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	if u.Scheme != "data" && u.Scheme != "blob" && u.Host != host {
		t.Errorf("the browser asked %s, want nobody but %s", address, host)
	}
}
