package broker_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/broker"
	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/namespace"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/push"
	"github.com/jitney-mq/jitney/queue"
	"github.com/jitney-mq/jitney/router"
	"github.com/jitney-mq/jitney/store"
)

// patience is how long a test waits for what has to happen.
const patience = 30 * time.Second

// pushing is a broker that may push to this machine.
type pushing struct {
	*testing.T
	dir string
	b   *broker.Broker
}

func startPushing(t *testing.T) *pushing {
	t.Helper()
	p := &pushing{T: t, dir: t.TempDir()}
	p.open()
	t.Cleanup(func() {
		if err := p.b.Close(); err != nil {
			t.Error(err)
		}
		checked, err := broker.Check(context.Background(), p.dir, func(problem string) { t.Error(problem) })
		if err != nil || checked.Problems > 0 {
			t.Errorf("check: %+v, %v", checked, err)
		}
	})
	return p
}

func (p *pushing) open() {
	p.Helper()
	rule, err := push.ParseRule("127.0.0.1")
	p.noError(err)
	p.b, err = broker.Open(context.Background(), broker.Options{
		Dir: p.dir, Logger: slog.New(slog.DiscardHandler), MinFree: -1,
		Push: push.Options{Allow: []push.Rule{rule}, Origin: "jitney.test"},
	})
	p.noError(err)
}

func (p *pushing) noError(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

// router makes one with a retry after the first try, or as edit says.
func (p *pushing) router(name string, edit func(*policy.Router)) *router.Router {
	p.Helper()
	r := policy.NewRouter()
	if edit != nil {
		edit(&r)
	}
	e, _, err := p.b.Assign(p.Context(), namespace.MustParse(name), r)
	p.noError(err)
	made, err := p.b.Router(e)
	p.noError(err)
	return made
}

func (p *pushing) subscribe(at, id, url string, edit func(*policy.Subscription)) *namespace.Entry {
	p.Helper()
	s := policy.NewSubscription()
	s.PushTo = url
	if edit != nil {
		edit(&s)
	}
	e, _, err := p.b.Subscribe(p.Context(), namespace.MustParse(at), id, s)
	p.noError(err)
	return e
}

func (p *pushing) send(r *router.Router, ids ...string) {
	p.Helper()
	for _, id := range ids {
		_, err := r.Send(p.Context(), queue.Outgoing{Message: &message.Message{ID: id, Body: []byte("body of " + id)}})
		p.noError(err)
	}
}

// until waits for something.
func (p *pushing) until(what string, is func() bool) {
	p.Helper()
	for end := time.Now().Add(patience); !is(); {
		if time.Now().After(end) {
			p.Fatalf("not in time: %s", what)
		}
		<-time.After(5 * time.Millisecond)
	}
}

func (p *pushing) health(e *namespace.Entry) router.Health {
	p.Helper()
	s := p.b.Subscription(e)
	if s == nil {
		p.Fatal("the subscription is gone")
	}
	h, _ := s.Health()
	return h
}

// endpoint is a web server that notes what it gets.
type endpoint struct {
	*httptest.Server
	answer func(try int, id string) int // the status; nil: 200

	mu   sync.Mutex // guards got and byID
	got  []string   // id and delivery count of each push
	byID map[string]int
}

func newEndpoint(t *testing.T, answer func(try int, id string) int) *endpoint {
	e := &endpoint{answer: answer, byID: map[string]int{}}
	e.Server = httptest.NewServer(e)
	t.Cleanup(e.Close)
	return e
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var p struct {
		MessageID     string `json:"MessageId"`
		DeliveryCount int
	}
	_ = json.Unmarshal([]byte(r.Header.Get("BrokerProperties")), &p)
	e.mu.Lock()
	e.got = append(e.got, fmt.Sprintf("%s/%d", p.MessageID, p.DeliveryCount))
	e.byID[p.MessageID]++
	try := e.byID[p.MessageID]
	e.mu.Unlock()
	status := http.StatusOK
	if e.answer != nil {
		status = e.answer(try, p.MessageID)
	}
	if string(body) != "body of "+p.MessageID {
		status = http.StatusBadRequest
	}
	w.WriteHeader(status)
}

func (e *endpoint) all() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.got)
}

// [S7] A push that fails comes again, and is a delivery each time.
func TestPushIsRetried(t *testing.T) {
	t.Parallel()
	p := startPushing(t)
	e := newEndpoint(t, func(try int, _ string) int { return []int{0, 500, 301, 200}[min(try, 3)] })
	r := p.router("/r", nil)
	p.subscribe("/r", "a", e.URL, nil)
	p.send(r, "x")
	p.until("three tries", func() bool { return len(e.all()) == 3 })
	if want := []string{"x/1", "x/2", "x/3"}; !slices.Equal(e.all(), want) {
		t.Errorf("got %v, want %v", e.all(), want)
	}
}

// [S7] One at a time keeps the order, whatever fails on the way.
func TestPushKeepsOrder(t *testing.T) {
	t.Parallel()
	p := startPushing(t)
	e := newEndpoint(t, func(try int, id string) int {
		if id == "b" && try < 3 {
			return 503
		}
		return 200
	})
	r := p.router("/r", nil)
	p.subscribe("/r", "a", e.URL, nil)
	p.send(r, "a", "b", "c")
	p.until("the last one", func() bool { return slices.Contains(e.all(), "c/1") })
	if want := []string{"a/1", "b/1", "b/2", "b/3", "c/1"}; !slices.Equal(e.all(), want) {
		t.Errorf("got %v, want %v", e.all(), want)
	}
}

// [S7] Of what was not sent nothing was delivered: it is an attempt only.
func TestUnsentPushIsNoDelivery(t *testing.T) {
	t.Parallel()
	p := startPushing(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	p.noError(err)
	address := l.Addr().String()
	p.noError(l.Close())
	r := p.router("/r", nil)
	s := p.subscribe("/r", "a", "http://"+address+"/", nil)
	p.send(r, "x")
	p.until("two failures", func() bool { return p.health(s).Failures >= 2 })
	e := &endpoint{byID: map[string]int{}}
	l, err = net.Listen("tcp", address)
	p.noError(err)
	e.Server = &httptest.Server{Listener: l, Config: &http.Server{Handler: e}}
	e.Start()
	t.Cleanup(e.Close)
	p.until("the delivery", func() bool { return len(e.all()) > 0 })
	if got := e.all(); got[0] != "x/1" {
		t.Errorf("got %v, want x/1: nothing had been sent before", got)
	}
}

// [S7] Tries come to an end: then it is a dead letter that says why, and a
// redrive pushes it again.
func TestPushIsGivenUp(t *testing.T) {
	t.Parallel()
	p := startPushing(t)
	var mu sync.Mutex
	status := 500
	e := newEndpoint(t, func(int, string) int {
		mu.Lock()
		defer mu.Unlock()
		return status
	})
	r := p.router("/r", func(r *policy.Router) { r.PushRetries = 1 })
	s := p.subscribe("/r", "a", e.URL, nil)
	p.send(r, "x")
	q, err := p.b.Queue(s)
	p.noError(err)
	p.until("the dead letter", func() bool { c, _ := q.Counts(); return c.DeadLetter == 1 })
	page, err := q.Browse(queue.BrowseOptions{Sub: queue.DeadLetter})
	p.noError(err)
	d := page.Messages[0]
	if d.DeadLetterReason != "PushDeliveryFailed" || !strings.Contains(d.DeadLetterDescription, "500") || d.DeliveryCount != 2 {
		t.Errorf("got %s, %s, delivery %d", d.DeadLetterReason, d.DeadLetterDescription, d.DeliveryCount)
	}
	mu.Lock()
	status = 200
	mu.Unlock()
	_, err = q.Redrive(t.Context(), queue.DeadLetter, nil, 0)
	p.noError(err)
	p.until("the push after the redrive", func() bool { return len(e.all()) == 3 })
	p.until("an empty queue", func() bool { c, _ := q.Counts(); return c.Active+c.Locked+c.Scheduled+c.DeadLetter == 0 })
}

// [S7] [S1] 410 ends the subscription, and its EndTo is told.
func TestGoneEndsTheSubscription(t *testing.T) {
	t.Parallel()
	p := startPushing(t)
	e := newEndpoint(t, func(int, string) int { return http.StatusGone })
	notices := make(chan router.Notice, 8)
	end := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var n router.Notice
		if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
			t.Error(err)
		}
		notices <- n
	}))
	t.Cleanup(end.Close)
	r := p.router("/r", nil)
	s := p.subscribe("/r", "a", e.URL, func(s *policy.Subscription) { s.EndTo = end.URL })
	p.send(r, "x")
	p.until("the end", func() bool { _, err := p.b.Entry(s.Name); return err != nil })
	if n := <-notices; n.Subscription != "/r/subscriptions/a" || n.Reason != router.EndpointGone {
		t.Errorf("got %+v", n)
	}
	p.subscribe("/r", "b", e.URL, func(s *policy.Subscription) { s.EndTo = end.URL })
	p.noError(p.b.Unassign(t.Context(), namespace.MustParse("/r"), broker.AnyVersion))
	if n := <-notices; n.Subscription != "/r/subscriptions/b" || n.Reason != router.RouterGone {
		t.Errorf("got %+v", n)
	}
}

// [S8] An endpoint that never answers delays no other one.
func TestSlowEndpointDelaysNobody(t *testing.T) {
	t.Parallel()
	p := startPushing(t)
	release := make(chan struct{})
	slow := newEndpoint(t, func(int, string) int { <-release; return 200 })
	fast := newEndpoint(t, nil)
	r := p.router("/r", nil)
	p.subscribe("/r", "slow", slow.URL, nil)
	p.subscribe("/r", "fast", fast.URL, nil)
	var ids []string
	for i := range 50 {
		ids = append(ids, fmt.Sprint(i))
	}
	p.send(r, ids...)
	p.until("all at the fast one", func() bool { return len(fast.all()) == len(ids) })
	if n := len(slow.all()); n > 1 {
		t.Errorf("%d pushes to the slow one", n)
	}
	close(release)
	p.until("all at the slow one", func() bool { return len(slow.all()) == len(ids) })
}

// [S8] Nothing is pushed before the endpoint has consented.
func TestConsentComesFirst(t *testing.T) {
	t.Parallel()
	p := &pushing{T: t, dir: t.TempDir()}
	var err error
	p.b, err = broker.Open(context.Background(), broker.Options{Dir: p.dir, Logger: slog.New(slog.DiscardHandler), MinFree: -1})
	p.noError(err)
	defer p.b.Close()
	e := newEndpoint(t, nil)
	r := p.router("/r", nil)
	s := p.subscribe("/r", "a", e.URL, nil)
	p.send(r, "x")
	p.until("a refusal", func() bool { return p.health(s).Failures > 0 })
	if h := p.health(s); h.Consented || !strings.Contains(h.LastError, "loopback") {
		t.Errorf("got %+v", h)
	}
	if got := e.all(); len(got) > 0 {
		t.Errorf("pushed: %v", got)
	}
	if c, _ := p.b.Subscription(s).Queue.Counts(); c.Active != 1 {
		t.Errorf("the message is not there any more: %+v", c)
	}
}

// [S8] A circuit opens after five failures, stays open over a restart, and
// closes with the first success.
func TestCircuit(t *testing.T) {
	t.Parallel()
	p := startPushing(t)
	var mu sync.Mutex
	status := 500
	e := newEndpoint(t, func(int, string) int {
		mu.Lock()
		defer mu.Unlock()
		return status
	})
	r := p.router("/r", nil)
	s := p.subscribe("/r", "a", e.URL, func(s *policy.Subscription) { s.MaxInFlight = 10 })
	p.send(r, "a", "b", "c", "d", "e", "f")
	p.until("an open circuit", func() bool { return p.health(s).Open })
	p.noError(p.b.Close())
	p.open()
	if h := p.health(s); !h.Open || !h.Consented || h.LastStatus != 500 {
		t.Errorf("after a restart: %+v", h)
	}
	mu.Lock()
	status = 200
	mu.Unlock()
	p.until("a closed circuit", func() bool { return !p.health(s).Open })
	q, err := p.b.Queue(s)
	p.noError(err)
	p.until("an empty queue", func() bool { c, _ := q.Counts(); return c.Active+c.Locked+c.Scheduled == 0 })
}

// [R9] A lock that the broker had for a push ends with the process; the delivery
// it was for counts.
func TestPushIsRepeatedAfterARestart(t *testing.T) {
	t.Parallel()
	p := startPushing(t)
	release := make(chan struct{})
	defer close(release)
	e := newEndpoint(t, func(try int, _ string) int {
		if try == 1 {
			<-release
		}
		return 200
	})
	r := p.router("/r", func(r *policy.Router) { r.PushTimeout = 5 * time.Minute })
	p.subscribe("/r", "a", e.URL, nil)
	p.send(r, "x")
	p.until("the first push", func() bool { return len(e.all()) == 1 })
	crashed := &pushing{T: t, dir: t.TempDir()} // what a crash would have left
	data, err := os.ReadFile(filepath.Join(p.dir, store.FileName))
	p.noError(err)
	p.noError(os.WriteFile(filepath.Join(crashed.dir, store.FileName), data, 0o600))
	crashed.open()
	defer crashed.b.Close()
	p.until("the second push", func() bool { return len(e.all()) == 2 })
	if want := []string{"x/1", "x/2"}; !slices.Equal(e.all(), want) {
		t.Errorf("got %v, want %v", e.all(), want)
	}
}

// [S1] A status that does not give messages pauses the pushes.
func TestPushIsPaused(t *testing.T) {
	t.Parallel()
	p := startPushing(t)
	e := newEndpoint(t, nil)
	r := p.router("/r", nil)
	s := p.subscribe("/r", "a", e.URL, func(s *policy.Subscription) { s.Status = policy.ReceiveDisabled })
	p.send(r, "x")
	change := func(status policy.Status) {
		changed := s.Policy.(policy.Subscription)
		changed.Status = status
		_, err := p.b.Change(t.Context(), s.Name, changed, broker.AnyVersion)
		p.noError(err)
	}
	<-time.After(100 * time.Millisecond)
	if got := e.all(); len(got) > 0 {
		t.Errorf("pushed while paused: %v", got)
	}
	change(policy.Active)
	p.until("the push", func() bool { return len(e.all()) == 1 })
}

// [S3] What waits in the buffer goes to whoever has time, and to one only.
func TestBufferIsShared(t *testing.T) {
	t.Parallel()
	p := startPushing(t)
	release := make(chan struct{})
	slow := newEndpoint(t, func(int, string) int { <-release; return 200 })
	fast := newEndpoint(t, nil)
	r := p.router("/r", func(r *policy.Router) { r.Distribution = policy.ToOne })
	p.subscribe("/r", "slow", slow.URL, nil)
	p.subscribe("/r", "fast", fast.URL, nil)
	var ids []string
	for i := range 60 {
		ids = append(ids, fmt.Sprint(i))
	}
	p.send(r, ids...)
	p.until("all but one at the fast one", func() bool { return len(fast.all())+len(slow.all()) == len(ids) && len(slow.all()) <= 1 })
	close(release)
	p.until("an empty buffer", func() bool { c, _ := r.Buffer().Counts(); return c.Active+c.Locked == 0 })
	seen := map[string]bool{}
	for _, got := range append(fast.all(), slow.all()...) {
		if seen[got] {
			t.Errorf("%s came twice", got)
		}
		seen[got] = true
	}
	if len(seen) != len(ids) {
		t.Errorf("%d of %d came", len(seen), len(ids))
	}
}
