package client_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/broker"
	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/server"
)

// A hub is a broker that can be started again, at the same address.
type hub struct {
	*testing.T
	dir     string
	address string
	stop    func()
}

func newHub(t *testing.T) (*hub, *client.Client) {
	t.Helper()
	h := &hub{T: t, dir: t.TempDir(), address: "127.0.0.1:0"}
	h.start()
	c, err := client.New(client.Options{URL: "http://" + h.address, Retry: client.Retry{Scope: client.RetryUnknown, Tries: 20}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	t.Cleanup(func() { h.stop() })
	return h, c
}

func (h *hub) start() {
	h.Helper()
	log := slog.New(slog.DiscardHandler)
	b, err := broker.Open(context.Background(), broker.Options{Dir: h.dir, MinFree: -1, Logger: log})
	if err != nil {
		h.Fatal(err)
	}
	l, err := net.Listen("tcp", h.address)
	if err != nil {
		h.Fatal(err)
	}
	h.address = l.Addr().String()
	ctx, end := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- server.New(b, server.Options{Logger: log}).Serve(ctx, l) }()
	h.stop = sync.OnceFunc(func() {
		end()
		if err := errors.Join(<-served, b.Close()); err != nil {
			h.Error(err)
		}
	})
}

func assign(t *testing.T, c *client.Client, name string, p policy.Policy) {
	t.Helper()
	if _, err := c.PutPolicy(t.Context(), name, p, ""); err != nil {
		t.Fatal(err)
	}
}

func text(body string) *message.Message {
	return &message.Message{ContentType: "text/plain", Body: []byte(body)}
}

// [S9] [S10]
func TestSocket(t *testing.T) {
	t.Parallel()
	_, c := newHub(t)
	assign(t, c, "/or ders", policy.NewQueue())
	s, err := c.Dial(t.Context(), "/or ders")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	sent, err := s.Send(t.Context(), text("a"), text("b"), text("c"))
	if err != nil || len(sent) != 3 || sent[2].SequenceNumber != 3 {
		t.Fatalf("sent %v, %v", sent, err)
	}
	if err := s.Credit(3); err != nil {
		t.Fatal(err)
	}
	var got []*message.Received
	for range 3 {
		m, err := s.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, m)
	}
	if string(got[2].Body) != "c" || got[2].DeliveryCount != 1 || got[2].Size != 1 {
		t.Errorf("%+v", got[2])
	}
	until, err := s.Renew(t.Context(), got[0].Lock, 10*time.Minute)
	if err != nil || time.Until(until) < 9*time.Minute {
		t.Errorf("renewed until %v, %v", until, err)
	}
	if err := c.Complete(t.Context(), got[1].Lock); err != nil {
		t.Errorf("a lock of a socket, completed over HTTP: %v", err)
	}
	results, err := s.Settle(t.Context(),
		client.Settlement{Lock: got[0].Lock, Disposition: client.Complete},
		client.Settlement{Lock: got[1].Lock, Disposition: client.Complete},
		client.Settlement{Lock: got[2].Lock, Disposition: client.DeadLetter, Reason: "no"})
	if err != nil || results[0] != nil || !errors.Is(results[1], client.ErrGone) || results[2] != nil {
		t.Errorf("settled %v, %v", results, err)
	}
	if _, err := s.Renew(t.Context(), got[0].Lock, 0); !errors.Is(err, client.ErrGone) {
		t.Errorf("a lock that was settled: %v", err)
	}
	if _, err := s.Send(t.Context(), text(strings.Repeat("x", 2<<20))); !errors.Is(err, client.ErrTooLarge) {
		t.Errorf("a large message: %v", err)
	}
	if _, err := s.Send(t.Context(), &message.Message{ID: strings.Repeat("x", 200)}); err == nil || s.Err() != nil {
		t.Errorf("a bad message: %v, and then %v", err, s.Err())
	}
}

func TestSocketEnds(t *testing.T) {
	t.Parallel()
	_, c := newHub(t)
	if _, err := c.Dial(t.Context(), "/none"); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("a name without a role: %v", err)
	}
	assign(t, c, "/orders", policy.NewQueue())
	for name, row := range map[string]struct {
		do   func(*client.Socket) error
		want error
	}{
		"credit": {func(s *client.Socket) error { return s.Credit(-1) }, client.ErrInvalid},
		"frame": {func(s *client.Socket) error {
			_, err := s.Send(t.Context(), text(strings.Repeat("x", 5<<20)))
			return err
		}, client.ErrTooLarge},
		"role": {func(*client.Socket) error { return c.DeletePolicy(t.Context(), "/gone") }, client.ErrNotFound},
	} {
		assign(t, c, "/gone", policy.NewQueue())
		s, err := c.Dial(t.Context(), "/gone")
		if err != nil {
			t.Fatal(err)
		}
		_ = row.do(s) // it is refused in its time
		if _, err := s.Next(t.Context()); !errors.Is(err, row.want) {
			t.Errorf("%s: %v, want %v", name, err, row.want)
		}
		if _, err := s.Send(t.Context(), text("x")); !errors.Is(err, row.want) {
			t.Errorf("%s: a send after the end: %v", name, err)
		}
		s.Close()
	}
}

// What is settled stays settled over a restart; what is not comes again. [S9] [R9]
func TestListenerOutlivesTheBroker(t *testing.T) {
	t.Parallel()
	h, c := newHub(t)
	assign(t, c, "/orders", policy.NewQueue())
	for i := range 10 {
		if _, err := c.Send(t.Context(), "/orders", text(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	lost := make(chan error, 1000)
	l := c.Listen("/orders", client.ListenOptions{Credit: 4, MaxDelay: 50 * time.Millisecond, Lost: func(err error, _ time.Duration) { lost <- err }})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var bodies []string
	for m, err := range l.Messages(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if string(m.Body) == "5" && m.DeliveryCount == 1 {
			h.stop()
			h.start()
			continue
		}
		results, err := l.Settle(ctx, client.Settlement{Lock: m.Lock, Disposition: client.Complete})
		if err != nil || results[0] != nil {
			t.Fatalf("settling %s: %v, %v", m.Body, results, err)
		}
		if bodies = append(bodies, string(m.Body)); len(bodies) == 10 {
			break
		}
	}
	slices.Sort(bodies)
	if got := strings.Join(bodies, ""); got != "0123456789" {
		t.Errorf("settled %s", got)
	}
	if err := <-lost; !errors.Is(err, client.ErrBusy) {
		t.Errorf("lost for %v", err)
	}
	if counts, err := c.Counts(ctx, "/orders"); err != nil || counts.Active+counts.Locked > 0 {
		t.Errorf("left %+v, %v", counts, err)
	}
}

// The locks of sockets end with the broker, also when it dies: its data, copied
// at that moment, is what a crash would leave. The delivery counts. [S9] [R9]
func TestSocketLocksEndWithTheBroker(t *testing.T) {
	t.Parallel()
	h, c := newHub(t)
	assign(t, c, "/orders", policy.NewQueue())
	s, err := c.Dial(t.Context(), "/orders")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Send(t.Context(), text("a")); err != nil {
		t.Fatal(err)
	}
	if err := s.Credit(1); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	after := &hub{T: t, dir: t.TempDir(), address: "127.0.0.1:0"}
	if err := os.CopyFS(after.dir, os.DirFS(h.dir)); err != nil {
		t.Fatal(err)
	}
	after.start()
	defer after.stop()
	other, err := client.New(client.Options{URL: "http://" + after.address})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	list, err := other.Receive(t.Context(), "/orders", client.ReceiveOptions{})
	if err != nil || list[0].DeliveryCount != 2 {
		t.Errorf("%v, %v, want delivery 2", list, err)
	}
}

// A live listener gets what is sent while it listens, until the router goes. [S9]
func TestListenerOfRouter(t *testing.T) {
	t.Parallel()
	h, c := newHub(t)
	assign(t, c, "/news", policy.NewRouter())
	opened := make(chan bool, 10)
	l := c.Listen("/news", client.ListenOptions{MaxDelay: 50 * time.Millisecond, Open: func() { opened <- true }})
	send := func(body string) {
		if _, err := c.Send(t.Context(), "/news", text(body)); err != nil {
			t.Error(err)
		}
	}
	go func() { <-opened; send("a") }()
	var got []string
	for m, err := range l.Messages(t.Context()) {
		if err != nil {
			if !errors.Is(err, client.ErrNotFound) {
				t.Errorf("the end: %v", err)
			}
			break
		}
		switch got = append(got, string(m.Body)); len(got) {
		case 1:
			h.stop()
			h.start()
			go func() { <-opened; send("b") }()
		case 2:
			if err := c.DeletePolicy(t.Context(), "/news"); err != nil {
				t.Error(err)
			}
		}
	}
	if !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("messages %q", got)
	}
	for _, err := range c.Listen("/news", client.ListenOptions{}).Messages(t.Context()) {
		if !errors.Is(err, client.ErrNotFound) {
			t.Errorf("no router: %v", err)
		}
	}
}
