package relay_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/jitney-mq/jitney/namespace"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/relay"
	"github.com/jitney-mq/jitney/relay/control"
	"github.com/jitney-mq/jitney/relay/duplex"
)

// askMany sends requests that nobody answers, and returns when all wait.
func (p *point) askMany(n int) (end func()) {
	p.Helper()
	ctx, cancel := context.WithCancel(p.Context())
	var asking sync.WaitGroup
	for range n {
		asking.Go(func() {
			request := httptest.NewRequest("GET", "/wiki", nil).WithContext(ctx)
			if _, err := p.At(p.name).RoundTrip(request); !errors.Is(err, context.Canceled) {
				p.Error(err)
			}
		})
	}
	p.wait(fmt.Sprintf("%d meetings", n), func() bool { return p.Totals().Meetings == n })
	return func() {
		cancel()
		asking.Wait()
		p.wait("end of meetings", func() bool { return p.Totals().Meetings == 0 })
	}
}

func (p *point) wantBusy() {
	p.Helper()
	if _, err := p.ask(); !errors.Is(err, relay.ErrBusy) {
		p.Errorf("%v, want %v", err, relay.ErrBusy)
	}
}

// [L1] One listener has so many requests at a time; with another there is room.
func TestRequestsOfAListenerAreBounded(t *testing.T) {
	t.Parallel()
	p := newPoint(t, func(int) int { return 0 })
	p.hear(nil)
	end := p.askMany(relay.MaxInFlight)
	p.wantBusy()
	p.listener(204)
	p.wait("the other listener", func() bool {
		status, err := p.ask()
		return err == nil && status == 204
	})
	end()
}

// [L1] All together have so many, though each has room.
func TestRequestsOfAHubAreBounded(t *testing.T) {
	t.Parallel()
	p := newPoint(t, func(int) int { return 0 })
	for range relay.MaxMeetings/relay.MaxInFlight + 1 {
		p.hear(nil)
	}
	end := p.askMany(relay.MaxMeetings)
	p.wantBusy()
	end()
	p.askMany(1)()
}

// [L1] Responses that nobody reads take so much memory; beyond it they are thrown away.
func TestBodiesOfAHubAreBounded(t *testing.T) {
	t.Parallel()
	p := newPoint(t, func(int) int { return 0 })
	body := make([]byte, control.MaxBody)
	p.hear(func(conn *websocket.Conn, r *control.RequestMessage) error {
		text := fmt.Appendf(nil, `{"response":{"requestId":%q,"statusCode":200,"body":true}}`, r.ID)
		return errors.Join(conn.WriteMessage(websocket.TextMessage, text), conn.WriteMessage(websocket.BinaryMessage, body))
	})
	var unread []*http.Response
	for {
		response, err := p.At(p.name).RoundTrip(httptest.NewRequest("GET", "/wiki", nil))
		if errors.Is(err, relay.ErrBusy) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if unread = append(unread, response); len(unread) > relay.MaxBodies/len(body) {
			t.Fatal("there is no bound")
		}
	}
	if len(unread) < relay.MaxBodies/len(body)/2 {
		t.Errorf("no more than %d responses", len(unread))
	}
	for _, response := range unread {
		if err := response.Body.Close(); err != nil {
			t.Error(err)
		}
	}
	if status, err := p.ask(); err != nil || status != 200 {
		t.Errorf("afterwards %d, %v", status, err)
	}
}

// [L1] So many listeners at all names, those included that are not there yet.
func TestListenersOfAHubAreBounded(t *testing.T) {
	t.Parallel()
	name, err := namespace.Parse("/wiki")
	if err != nil {
		t.Fatal(err)
	}
	h := relay.New(relay.Options{Policy: func(namespace.Name) (policy.ConnectionPoint, bool) {
		p := policy.NewConnectionPoint()
		p.MaxListeners = 2 * relay.MaxListeners
		return p, true
	}})
	defer h.Close()
	hold, no := make(chan struct{}), errors.New("no")
	here := make(chan struct{}, relay.MaxListeners)
	coming := relay.Coming{At: name, Upgrade: func(string) (*duplex.Socket, error) {
		here <- struct{}{}
		<-hold
		return nil, no
	}}
	var listening sync.WaitGroup
	for range relay.MaxListeners {
		listening.Go(func() {
			if err := h.Listen(coming); !errors.Is(err, no) {
				t.Error(err)
			}
		})
	}
	for range relay.MaxListeners {
		<-here
	}
	if err := h.Listen(coming); !errors.Is(err, relay.ErrBusy) {
		t.Errorf("one more: %v", err)
	}
	close(hold)
	listening.Wait()
}
