package crash_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jitney-mq/jitney/message"
)

// A mood is what a sink does with a push.
type mood uint8

const (
	good   mood = iota // it answers 2xx
	slow               // after a while
	flaky              // now and then 500, or 503 with Retry-After
	angry              // 500
	silent             // it does not answer
)

// Bounds of a sink's moods.
const (
	slowAtMost = 60 * time.Millisecond
	maxSilence = 2 * pushTimeout // the broker gives up before
)

// A sink is an endpoint that messages are pushed to. It lives as long as a run,
// while brokers come and go.
type sink struct {
	*recorder

	// Fixed after construction.
	name    string
	slots   int // pushes that it may be given at one time
	backlog *atomic.Int64
	address string

	generation atomic.Int64 // of brokers: how many were killed
	mood       atomic.Int32
	draws      atomic.Int64
	pushes     sync.WaitGroup

	mu     sync.Mutex // guards server, and is held while it changes
	server *http.Server
}

func (s *sink) url() string { return "http://" + s.address + "/push" }

// turnPath is asked for by the test itself.
const turnPath = "/turn"

// open has the sink listen, at the address that it had before, if any.
func (s *sink) open() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server != nil {
		return nil
	}
	if s.address == "" {
		address, err := freeAddress()
		if err != nil {
			return err
		}
		s.address = address
	}
	l, err := net.Listen("tcp", s.address)
	if err != nil {
		return err
	}
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: maxCall, ConnContext: s.connected}
	go func(server *http.Server) { _ = server.Serve(l) }(s.server) // it ends with Close
	return nil
}

// shut has nobody listen, and breaks off what is under way.
func (s *sink) shut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server != nil {
		_ = s.server.Close()
		s.server = nil
	}
}

func (s *sink) close() {
	s.shut()
	s.pushes.Wait()
}

// generationKey is that of a connection's generation.
type generationKey struct{}

func (s *sink) connected(ctx context.Context, _ net.Conn) context.Context {
	return context.WithValue(ctx, generationKey{}, int(s.generation.Load()))
}

// turn is called when a broker has gone: what it has connected before belongs to
// it, what connects from now on to the next one. Connections are accepted in
// their order, so one that is answered says that those before it were.
func (s *sink) turn() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server != nil {
		answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: maxCall}).Get("http://" + s.address + turnPath)
		if err != nil {
			return fmt.Errorf("the sink %s: %w", s.name, err)
		}
		answer.Body.Close()
	}
	s.generation.Add(1)
	return nil
}

// ServeHTTP takes a push and writes it down before it answers.
func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == turnPath {
		return
	}
	s.pushes.Add(1)
	defer s.pushes.Done()
	p := push{call: call{start: s.now(), outcome: done}, sink: s.name, slots: s.slots, hook: r.Header.Get("webhook-id")}
	p.generation, _ = r.Context().Value(generationKey{}).(int)
	body, err := io.ReadAll(r.Body)
	if problem := p.read(r.Header, body); err == nil && problem != nil {
		s.write(func(h *history) { h.surprises = append(h.surprises, fmt.Sprintf("a push to %s: %v", s.name, problem)) })
	}
	if err == nil {
		p.status = s.decide(r.Context())
	} else {
		p.damage = "" // its broker has gone
	}
	p.end = s.now()
	s.write(func(h *history) { h.pushes = append(h.pushes, p) })
	switch p.status {
	case 0:
		panic(http.ErrAbortHandler)
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "1")
	}
	if p.delivered() {
		s.backlog.Add(-1)
	}
	w.WriteHeader(p.status)
}

// read takes what a push says about its message.
func (p *push) read(h http.Header, body []byte) error {
	var told struct {
		MessageID      string `json:"MessageId"`
		SequenceNumber int64
		DeliveryCount  int
		LockToken      string
	}
	if err := json.Unmarshal([]byte(h.Get("BrokerProperties")), &told); err != nil {
		return err
	}
	p.id, p.number, p.count = told.MessageID, told.SequenceNumber, told.DeliveryCount
	said := http.Header{} // by the message: nothing of what HTTP adds is a property
	for _, name := range []string{"Brokerproperties", "Jitney-Properties", "Content-Type", "Content-Encoding", "Content-Language"} {
		if values := h[name]; len(values) > 0 {
			said[name] = values
		}
	}
	m := &message.Message{Body: body}
	if err := message.FromHeader(said, m); err != nil {
		return err
	}
	p.damage = damage(m)
	if p.hook == "" || told.LockToken != "" {
		return errors.New("it has no webhook-id, or a lock")
	}
	return nil
}

// decide returns the status of an answer, 0 for none.
func (s *sink) decide(ctx context.Context) int {
	n := s.draws.Add(1)
	switch m := mood(s.mood.Load()); {
	case m == silent:
		sleep(ctx, maxSilence)
		return 0
	case m == slow && !sleep(ctx, time.Duration(n*7919%int64(slowAtMost))):
		return 0
	case m == angry, m == flaky && n%3 == 0:
		return http.StatusInternalServerError
	case m == flaky && n%7 == 0:
		return http.StatusServiceUnavailable
	}
	return []int{http.StatusOK, http.StatusCreated, http.StatusNoContent}[n%3]
}

// sleep reports false if ctx has ended before.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// A tempter changes the mood of a sink, and closes it for a while. It leaves it
// in a good one.
type tempter struct {
	*worker
	sink *sink
}

func (t *tempter) work() {
	for t.ctx.Err() == nil {
		if t.chance(20) {
			t.close()
			continue
		}
		t.sink.mood.Store(int32([]mood{good, slow, flaky, flaky, angry, angry, silent}[t.random.IntN(7)]))
		t.pause(t.between(20*time.Millisecond, time.Second))
	}
	t.sink.mood.Store(int32(good))
}

// close closes the sink for a while.
func (t *tempter) close() {
	c := call{start: t.now(), outcome: done}
	t.sink.shut()
	t.pause(t.between(time.Millisecond, 700*time.Millisecond))
	err := t.sink.open()
	c.end = t.now()
	t.write(func(h *history) {
		h.closures = append(h.closures, closure{c, oneBuffer})
		if err != nil {
			h.surprises = append(h.surprises, fmt.Sprintf("the sink %s: %v", t.sink.name, err))
		}
	})
}
