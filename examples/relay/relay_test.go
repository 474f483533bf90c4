package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/examples/chromium"
)

// [L1] [L4] TestStory tells the story, with its own checks, and compares it with
// the README.
func TestStory(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-jobs", "120"}, &out); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := "```console\n$ go run ./examples/relay\n" + out.String() + "```"
	if !strings.Contains(withoutFigures(string(readme)), withoutFigures(shown)) {
		t.Errorf("README.md does not show\n%s", shown)
	}
}

// withoutFigures replaces what is different in every run.
func withoutFigures(text string) string {
	return regexp.MustCompile(`[0-9]+`).ReplaceAllString(text, "0")
}

// [L1] [L5] The chat answers requests at the broker, and has a host of its own.
func TestServe(t *testing.T) {
	t.Parallel()
	s := serving(t)
	for _, row := range []struct {
		method, url, body string
		status            int
		want              string
	}{
		{"GET", s.chat + "/", "", 200, "<!doctype html>"},
		{"GET", s.relay + "/chat/", "", 200, "<!doctype html>"},
		{"GET", s.broker + "/chat", "", 200, "<!doctype html>"},
		{"GET", s.broker + "/chat/people", "", 200, "[]\n"},
		{"POST", s.broker + "/chat/say", "hello", 204, ""},
		{"POST", s.broker + "/chat/say", strings.Repeat("x", maxLine+1), 413, "too large"},
		{"GET", s.broker + "/chat/nothing", "", 404, "not found"},
		{"GET", s.broker + "/worker", "", 200, "the worker behind the relay has done 0 jobs\n"},
	} {
		if status, body := s.fetch(row.method, row.url, row.body); status != row.status || !strings.Contains(body, row.want) {
			t.Errorf("%s %s: %d %.200s", row.method, row.url, status, body)
		}
	}
}

// [L1] [L5] TestPage has two people chat, each with a page of their own.
func TestPage(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a browser")
	}
	t.Parallel()
	s := serving(t)
	browser := chromium.Start(t)
	ada, bo := s.visit(browser, s.chat+"/"), s.visit(browser, s.relay+"/chat/")

	ada.enter("Ada")
	ada.Await(`document.getElementById("here").textContent === "Ada"`)
	bo.enter("Ada")
	bo.Await(`document.getElementById("error").textContent.startsWith("You were not let in")`)
	bo.enter("Bo")
	for _, p := range []*visitor{ada, bo} {
		p.Await(`document.getElementById("here").textContent === "Ada, Bo"`)
	}
	ada.say("Is anybody here?")
	both(ada, bo, "AdaIs anybody here?")
	bo.say("<b>not markup</b>")
	both(ada, bo, "Bo<b>not markup</b>")
	if status, body := s.fetch("POST", s.broker+"/chat/say", "by curl"); status != http.StatusNoContent {
		t.Errorf("POST: %d %s", status, body)
	}
	both(ada, bo, "a passer-byby curl")
	if _, body := s.fetch("GET", s.broker+"/chat/people", ""); body != "[\"Ada\",\"Bo\"]\n" {
		t.Errorf("people: %s", body)
	}
	bo.Evaluate(`location.href = "about:blank"; true`)
	ada.Await(`document.getElementById("here").textContent === "Ada"`)

	s.stop()
	ada.Await(`document.getElementById("error").textContent === "The chat has gone."`)
}

// A visitor is a person with the page.
type visitor struct{ *chromium.Tab }

// visit returns when the page can be used.
func (s *service) visit(b *chromium.Browser, url string) *visitor {
	s.Helper()
	p := &visitor{b.Open(s.T, url)}
	p.Await(`document.getElementById("door")?.onsubmit`)
	return p
}

func (p *visitor) enter(name string) {
	p.Helper()
	p.Evaluate(fmt.Sprintf(`document.getElementById("name").value = %q; document.querySelector("#door button").click(); true`, name))
}

func (p *visitor) say(text string) {
	p.Helper()
	p.Evaluate(fmt.Sprintf(`document.getElementById("text").value = %q; document.querySelector("#mouth button").click(); true`, text))
}

// both waits until two pages show a line.
func both(a, b *visitor, line string) {
	a.Helper()
	for _, p := range []*visitor{a, b} {
		p.Await(fmt.Sprintf(`document.querySelector("li")?.textContent === %q`, line))
	}
}

// A service is the example while it serves.
type service struct {
	*testing.T
	broker, relay, chat string // URLs
	stop                func()
}

var announcement = regexp.MustCompile(`^open (http://chat\.localhost(:\d+))/ in two windows\nor send a job: curl -d 'paint it' (http://127\.0\.0\.1:\d+)/jobs\n$`)

// serving returns when the example serves.
func serving(t *testing.T) *service {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	r, w := io.Pipe()
	go func() {
		err := run(ctx, []string{"-serve"}, w)
		w.CloseWithError(err)
		served <- err
	}()
	s := &service{T: t}
	s.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(s.stop)
	found := announcement.FindStringSubmatch(s.twoLines(r))
	if found == nil {
		t.Fatal("it does not say where it serves")
	}
	s.chat, s.relay, s.broker = found[1], "http://127.0.0.1"+found[2], found[3]
	return s
}

func (s *service) twoLines(r io.Reader) string {
	s.Helper()
	lines := bufio.NewReader(r)
	first, err := lines.ReadString('\n')
	if err != nil {
		s.Fatal(err)
	}
	second, err := lines.ReadString('\n')
	if err != nil {
		s.Fatal(err)
	}
	s.Log(first + second)
	return first + second
}

// fetch returns the status and the body of an answer. Hosts below localhost are
// this machine, whatever the system says.
func (s *service) fetch(method, url, body string) (int, string) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), 20*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	r.Host, r.URL.Host = r.URL.Host, strings.Replace(r.URL.Host, "chat.localhost", "127.0.0.1", 1)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		s.Fatal(err)
	}
	return response.StatusCode, string(got)
}
