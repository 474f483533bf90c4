package main

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/jitney-mq/jitney/broker"
	"github.com/jitney-mq/jitney/server"
)

// Every example of the document, from the first to the last, is what a broker
// answers. It carries no tags: an example is not yet a proof of its clause.
func TestExamples(t *testing.T) {
	t.Parallel()
	p := player{url: serve(t), known: substitutions{}}
	for _, block := range blocks(protocol(t), "http") {
		e, err := parseExample(block)
		if err != nil {
			t.Fatalf("%v:\n%s", err, block)
		}
		t.Run(e.method+" "+e.target, func(t *testing.T) { p.play(t, e) })
	}
}

// serve returns the URL of a broker of the test's own.
func serve(t *testing.T) string {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	b, err := broker.Open(t.Context(), broker.Options{Dir: t.TempDir(), Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(server.New(b, server.Options{Logger: log}))
	t.Cleanup(func() {
		s.Close()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return s.URL
}

// A player makes the requests of examples, one after the other.
type player struct {
	url   string
	known substitutions
}

// host is what the examples call the broker by.
const host = "127.0.0.1:5300"

func (p player) play(t *testing.T, e example) {
	request, err := http.NewRequestWithContext(t.Context(), e.method, p.url+p.known.apply(e.target),
		strings.NewReader(p.known.apply(e.request.body)))
	if err != nil {
		t.Fatal(err)
	}
	request.Host = host
	for name, values := range e.request.header {
		request.Header.Set(name, p.known.apply(values[0]))
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.Status != e.status {
		t.Fatalf("got %s %s", response.Status, body)
	}
	p.compareHeaders(t, e.reply.header, response.Header)
	if err := p.known.compareBodies(response.Header.Get("Content-Type"), e.reply.body, string(body)); err != nil {
		t.Errorf("%v in\n%s", err, body)
	}
}

// leftOut are the headers that no example shows.
var leftOut = map[string]bool{
	"Content-Length": true, "Content-Security-Policy": true, "Date": true, "Vary": true,
	"X-Content-Type-Options": true, "X-Request-Id": true,
}

func (p player) compareHeaders(t *testing.T, want, got http.Header) {
	t.Helper()
	for name := range got {
		if want[name] == nil && !leftOut[name] {
			t.Errorf("the example lacks %s: %s", name, got.Get(name))
		}
	}
	for name := range want {
		w, g := want.Get(name), got.Get(name)
		compare := p.known.compareTexts
		switch name {
		case "Brokerproperties", "Jitney-Properties":
			compare = p.known.compareJSON
		case "Etag":
			p.known.learn(w, g)
		}
		if err := compare(w, g); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
