package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/jitney-mq/jitney/broker"
	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/problem"
	"github.com/jitney-mq/jitney/server"
)

// A bus is a broker that is served on pipes, and its client.
type bus struct {
	testing.TB
	broker   *broker.Broker
	listener *pipes
	client   *http.Client
	shutDown func() error // what Serve returns; may be called again
}

// inBubble runs a test of a bus: in virtual time, and every goroutine has
// ended when it is over.
func inBubble(t *testing.T, test func(*bus)) { inBubbleWith(t, server.Options{}, test) }

func inBubbleWith(t *testing.T, opts server.Options, test func(*bus)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { test(openBus(t, opts, broker.Options{MinFree: -1})) })
}

func openBus(t testing.TB, opts server.Options, of broker.Options) *bus {
	t.Helper()
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	of.Dir, of.GrowBy, of.MaxSize, of.Logger = t.TempDir(), 1<<20, 1<<30, opts.Logger
	b, err := broker.Open(context.Background(), of)
	if err != nil {
		t.Fatal(err)
	}
	bus := &bus{TB: t, broker: b, listener: newPipes()}
	ctx, cancel := context.WithCancel(context.Background())
	var served error
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		served = server.New(b, opts).Serve(ctx, bus.listener)
	}()
	bus.shutDown = func() error {
		cancel()
		<-ended
		return served
	}
	transport := &http.Transport{
		DialContext:        func(context.Context, string, string) (net.Conn, error) { return bus.listener.dial() },
		DisableCompression: true,
	}
	bus.client = &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := bus.shutDown(); err != nil {
			t.Errorf("Serve: %v", err)
		}
		if err := b.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return bus
}

// pipes is a listener whose connections are in memory and have no buffer.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

func (p *pipes) dial() (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-p.closed:
		return nil, errors.New("nobody listens")
	}
}

// A reply is an answer, read to its end.
type reply struct {
	testing.TB
	status int
	header http.Header
	body   string
}

// call makes a request; headers are names and values in turn.
func (b *bus) call(method, path, body string, headers ...string) reply {
	b.Helper()
	return b.do(b.request(method, path, strings.NewReader(body), headers...))
}

func (b *bus) request(method, path string, body io.Reader, headers ...string) *http.Request {
	b.Helper()
	r, err := http.NewRequest(method, "http://localhost"+path, body)
	if err != nil {
		b.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
	}
	return r
}

func (b *bus) do(r *http.Request) reply {
	b.Helper()
	response, err := b.client.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	return b.read(response)
}

func (b *bus) read(response *http.Response) reply {
	b.Helper()
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		b.Fatalf("the reply %s ends early: %v", response.Status, err)
	}
	return reply{b, response.StatusCode, response.Header, string(body)}
}

// raw sends bytes on a connection of its own and reads one reply.
func (b *bus) raw(request string) reply {
	b.Helper()
	c := b.dial()
	defer c.Close()
	go func() { _, _ = io.WriteString(c, request) }() // it may be refused halfway
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		b.Fatal(err)
	}
	return b.read(response)
}

func (b *bus) dial() net.Conn {
	b.Helper()
	c, err := b.listener.dial()
	if err != nil {
		b.Fatal(err)
	}
	return c
}

// want checks the status.
func (r reply) want(status int) reply {
	r.Helper()
	if r.status != status {
		r.Fatalf("status %d, want %d; body %.300s", r.status, status, r.body)
	}
	return r
}

// wantHeader checks a header; "" wants it not to be there.
func (r reply) wantHeader(name, value string) reply {
	r.Helper()
	if got := strings.Join(r.header.Values(name), ", "); got != value {
		r.Errorf("%s: %q, want %q", name, got, value)
	}
	return r
}

func (r reply) wantBody(body string) reply {
	r.Helper()
	if r.body != body {
		r.Errorf("body %.300q, want %.300q", r.body, body)
	}
	return r
}

// wantProblem checks that the answer is a problem document of a kind.
func (r reply) wantProblem(status int, slug string) problem.Document {
	r.Helper()
	r.want(status)
	r.wantHeader("Content-Type", problem.ContentType)
	var d problem.Document
	r.decode(&d)
	if d.Type != "urn:jitney:problem:"+slug || d.Status != status || d.Title == "" || d.Instance != r.header.Get("X-Request-Id") {
		r.Errorf("problem %+v, want kind %s", d, slug)
	}
	return d
}

// wantField checks that a problem names an element, the value that it had, and
// what is wanted.
func (r reply) wantField(status int, slug, element, value, want string) {
	r.Helper()
	d := r.wantProblem(status, slug)
	if d.Element != element || d.Value != value || !strings.Contains(d.Want, want) {
		r.Errorf("element %q, value %q, want %q; want %q, %q and %q in it", d.Element, d.Value, d.Want, element, value, want)
	}
}

func (r reply) decode(to any) {
	r.Helper()
	if err := json.Unmarshal([]byte(r.body), to); err != nil {
		r.Fatalf("%v in %.300q", err, r.body)
	}
}

// brokerProperties are the members of the header that tests look at.
type brokerProperties struct {
	MessageID                  string `json:"MessageId"`
	SequenceNumber             int64
	DeliveryCount              int
	LockToken                  string
	LockedUntilUtc             string
	EnqueuedTimeUtc            string
	State                      string
	Label                      string
	DeadLetterReason           string
	DeadLetterErrorDescription string
	DeadLetterSource           string
}

func (r reply) properties() (p brokerProperties) {
	r.Helper()
	if err := json.Unmarshal([]byte(r.header.Get("BrokerProperties")), &p); err != nil {
		r.Fatalf("BrokerProperties: %v", err)
	}
	return p
}

// lock is the path of the lock.
func (r reply) lock() string {
	r.Helper()
	path, ok := strings.CutPrefix(r.header.Get("Location"), "http://localhost")
	if !ok {
		r.Fatalf("Location %q is not on the host that was asked", r.header.Get("Location"))
	}
	return path
}

const (
	entryType  = "application/atom+xml;type=entry"
	policyType = "application/vnd.jitney.policy+json"
	linesType  = "application/x-ndjson"
	connectNS  = "http://schemas.microsoft.com/netservices/2009/05/servicebus/connect"
)

// queue makes a queue of the given elements, as JSON members.
func (b *bus) queue(path, elements string) {
	b.Helper()
	b.call("POST", path, `{"QueuePolicy":{`+elements+`}}`, "Content-Type", policyType).want(201)
}

// send sends a message.
func (b *bus) send(path, body string, headers ...string) reply {
	b.Helper()
	return b.call("POST", path+"/messages", body, headers...).want(201)
}

// receive locks the next message, which has to be there.
func (b *bus) receive(path string) reply {
	b.Helper()
	return b.call("POST", path+"/messages/head?timeout=0", "").want(201)
}

// counts returns the counts of a queue that are not 0.
func (b *bus) counts(path string) string {
	b.Helper()
	var entry struct{ CountDetails map[string]any }
	b.call("GET", path, "", "Accept", "application/json").want(200).decode(&entry)
	var list []string
	for _, name := range []string{"Active", "Locked", "Scheduled", "Deferred", "DeadLetter", "Transfer", "TransferDeadLetter"} {
		if n := entry.CountDetails[name+"MessageCount"]; n != 0.0 {
			list = append(list, fmt.Sprintf("%s %v", name, n))
		}
	}
	return strings.Join(list, ", ")
}

func (b *bus) wantCounts(path, want string) {
	b.Helper()
	if got := b.counts(path); got != want {
		b.Errorf("%s has %q, want %q", path, got, want)
	}
}

// page is what a browse answers.
func (b *bus) browse(path string) (list []*message.Received, next string) {
	b.Helper()
	var page struct {
		Messages []json.RawMessage
		Next     string
	}
	b.call("GET", path, "", "Accept", "application/json").want(200).decode(&page)
	for _, raw := range page.Messages {
		m, err := message.ParseReceived(raw)
		if err != nil {
			b.Fatal(err)
		}
		list = append(list, m)
	}
	return list, page.Next
}

// state is all that a test could have changed by mistake: the names, their
// policies, and the messages of /orders.
func (b *bus) state() string {
	b.Helper()
	feed := b.call("GET", "/", "", "Accept", "application/json").want(200)
	entry := b.call("GET", "/orders", "", "Accept", "application/json")
	messages := b.call("GET", "/orders/messages", "", "Accept", "application/json")
	return feed.body + entry.body + messages.body
}
