package relay_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"github.com/jitney-mq/jitney/namespace"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/relay"
	"github.com/jitney-mq/jitney/relay/control"
	"github.com/jitney-mq/jitney/relay/duplex"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A point is a hub with one connection point, and what its listeners dial.
type point struct {
	*testing.T
	*relay.Hub
	name   namespace.Name
	server *httptest.Server
	before func(offer string) error // an upgrade; may be nil

	mu    sync.Mutex
	draws []int // what was asked of Draw
}

func newPoint(t *testing.T, draw func(int) int) *point {
	t.Helper()
	name, err := namespace.Parse("/wiki")
	if err != nil {
		t.Fatal(err)
	}
	p := &point{T: t, name: name}
	p.Hub = relay.New(relay.Options{
		Policy: func(n namespace.Name) (policy.ConnectionPoint, bool) {
			return policy.NewConnectionPoint(), n.Equal(name)
		},
		Logger: slog.New(slog.DiscardHandler),
		Draw: func(n int) int {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.draws = append(p.draws, n)
			return draw(n)
		},
	})
	p.server = httptest.NewServer(http.HandlerFunc(p.listen))
	t.Cleanup(func() {
		p.Close()
		p.server.Close()
	})
	return p
}

func (p *point) listen(w http.ResponseWriter, r *http.Request) {
	err := p.Listen(relay.Coming{At: p.name, Base: "ws://localhost/$hc", Upgrade: func(string) (*duplex.Socket, error) {
		if p.before != nil {
			if err := p.before(r.URL.Path); err != nil {
				return nil, err
			}
		}
		conn, err := new(websocket.Upgrader).Upgrade(w, r, nil)
		if err != nil {
			return nil, err
		}
		return duplex.Accepted(conn), nil
	}})
	if err != nil {
		w.WriteHeader(http.StatusTeapot)
	}
}

// listener answers each request with a status, until it is closed.
func (p *point) listener(status int) *websocket.Conn {
	p.Helper()
	return p.hear(func(conn *websocket.Conn, r *control.RequestMessage) error {
		return conn.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, `{"response":{"requestId":%q,"statusCode":%d}}`, r.ID, status))
	})
}

// hear adds a listener that answers by fn, if there is one, until fn fails.
func (p *point) hear(fn func(*websocket.Conn, *control.RequestMessage) error) *websocket.Conn {
	p.Helper()
	conn, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(p.server.URL, "http"), nil)
	if err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() { conn.Close() })
	go func() {
		for {
			var m control.Message
			if conn.ReadJSON(&m) != nil || fn != nil && fn(conn, m.Request) != nil {
				return
			}
		}
	}()
	return conn
}

// ask sends a request and returns the status of its response.
func (p *point) ask() (int, error) {
	response, err := p.At(p.name).RoundTrip(httptest.NewRequest("GET", "/wiki", nil))
	if err != nil {
		return 0, err
	}
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode, response.Body.Close()
}

// [L1] Each listener gets its share: a chi-squared test with four degrees of
// freedom, at a level of 0.001.
func TestDrawIsUniform(t *testing.T) {
	t.Parallel()
	p := newPoint(t, rand.New(rand.NewPCG(1, 2)).IntN)
	const listeners, requests = 5, 3000
	for i := range listeners {
		p.listener(200 + i)
	}
	got := map[int]float64{}
	for range requests {
		status, err := p.ask()
		if err != nil {
			t.Fatal(err)
		}
		got[status]++
	}
	sum, want := 0.0, float64(requests)/listeners
	for i := range listeners {
		sum += (got[200+i] - want) * (got[200+i] - want) / want
	}
	if sum > 18.47 {
		t.Errorf("chi-squared %.2f of %v", sum, got)
	}
	if last := p.draws[len(p.draws)-1]; len(p.draws) != requests || last != listeners {
		t.Errorf("%d draws, the last of %d", len(p.draws), last)
	}
}

// [L1] A listener that has seen its socket open is one, even if the hub has not got
// that far; one that is open is preferred.
func TestListenerThatIsComing(t *testing.T) {
	t.Parallel()
	p := newPoint(t, func(int) int { return 0 })
	type result struct {
		status int
		err    error
	}
	early := make(chan result, 10)
	p.before = func(string) error {
		drawn := p.drawn()
		go func() {
			status, err := p.ask()
			early <- result{status, err}
		}()
		p.wait("a draw", func() bool { return p.drawn() > drawn || len(early) > 0 })
		return nil
	}
	p.listener(201)
	if r := <-early; r.err != nil || r.status != 201 {
		t.Errorf("%+v", r)
	}
	p.listener(202)
	if r := <-early; r.err != nil || r.status != 201 {
		t.Errorf("%+v, want the one that is open", r)
	}
}

// [L1] One that fails to come is none.
func TestListenerThatFailsToCome(t *testing.T) {
	t.Parallel()
	p := newPoint(t, func(int) int { return 0 })
	early := make(chan error, 1)
	p.before = func(string) error {
		go func() {
			_, err := p.ask()
			early <- err
		}()
		p.wait("a draw", func() bool { return p.drawn() > 0 })
		return errors.New("no")
	}
	if _, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(p.server.URL, "http"), nil); err == nil {
		t.Error("it listens")
	}
	if err := <-early; !errors.Is(err, relay.ErrNoListener) {
		t.Error(err)
	}
	if totals := p.Totals(); totals.Listeners != 0 || totals.Meetings != 0 || totals.Listens != 0 || totals.Failed != 1 {
		t.Errorf("%+v", totals)
	}
}

// A name that is no connection point, and a hub that is closed.
func TestNobody(t *testing.T) {
	t.Parallel()
	p := newPoint(t, func(int) int { return 0 })
	other, _ := namespace.Parse("/other")
	request := httptest.NewRequest("GET", "/other", nil)
	if _, err := p.At(other).RoundTrip(request); !errors.Is(err, relay.ErrNoPoint) {
		t.Error(err)
	}
	if err := p.OneWay(other, request); !errors.Is(err, relay.ErrNoPoint) {
		t.Error(err)
	}
	if err := p.Connect(t.Context(), relay.Call{At: other}); !errors.Is(err, relay.ErrNoPoint) {
		t.Error(err)
	}
	if _, err := p.ask(); !errors.Is(err, relay.ErrNoListener) {
		t.Error(err)
	}
	p.listener(200)
	p.Close()
	p.Close()
	if _, err := p.ask(); !errors.Is(err, relay.ErrClosed) {
		t.Error(err)
	}
	if err := p.Listen(relay.Coming{At: p.name}); !errors.Is(err, relay.ErrClosed) {
		t.Error(err)
	}
}

func (p *point) drawn() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.draws)
}

func (p *point) wait(what string, is func() bool) {
	p.Helper()
	for until := time.Now().Add(10 * time.Second); !is(); runtime.Gosched() {
		if time.Now().After(until) {
			p.Errorf("no %s", what)
			return
		}
	}
}
