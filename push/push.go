// Package push speaks HTTP to the endpoints of subscribers: it asks them for
// their consent, sends them messages, signs these, reads what they answer, and
// connects to no address that it must not reach. It knows nothing of queues
// and routers: who calls it decides what an answer means for a message.
//
// An endpoint is a stranger. Whatever it does, a call ends within its timeout,
// holds a bounded amount of memory and leaves nothing behind.
package push

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/jitney-mq/jitney/problem"
)

// Limits of what a Client keeps and of what it reads.
const (
	DefaultTimeout = 30 * time.Second // of an Endpoint that states none

	defaultMaxIdle   = 128              // idle connections to all hosts together
	maxIdlePerHost   = 16               // idle connections to one host and port
	maxAnswerHeader  = 64 << 10         // bytes of an answer's header
	maxAnswerBody    = 64 << 10         // bytes of an answer's body that are read to keep its connection
	maxInterim       = 8                // answers 1xx before the final one
	drainTimeout     = time.Second      // for the body of an answer, within the timeout
	frameTimeout     = 10 * time.Second // HTTP/2: without a byte taken, or without an answer to a ping
	receiveWindow    = 64 << 10         // HTTP/2: bytes that a peer may send ahead
	sendPingInterval = 30 * time.Second // HTTP/2: silence after which a peer is pinged
)

// idleTimeout closes connections before common servers do (Node.js after 5 s),
// so that hardly any message is written to a connection that is just closing.
const idleTimeout = 3 * time.Second

// Errors of a Client. That a target cannot be spelled so is a *problem.Field.
var (
	ErrAddress = errors.New("the endpoint has an address that is not pushed to") // nothing was sent
	ErrConsent = errors.New("the endpoint did not consent")                      // it answered, but not so
	ErrAnswer  = errors.New("the endpoint did not take the message")             // it answered other than 2xx
	ErrClosed  = errors.New("the push client is closed")
)

// Options say how a Client behaves.
type Options struct {
	Allow    []Rule         // targets whose address is not checked and which are not asked for consent
	Origin   string         // by which endpoints know this broker, a host name; default: this machine's, or localhost
	MaxIdle  int            // idle connections that are kept; default 128
	Resolver *net.Resolver  // of host names; default: the system's
	RootCAs  *x509.CertPool // who vouches for endpoints; default: the system's
	Logger   *slog.Logger   // gets a line for each address refused; default: none
}

// A Client sends to endpoints. Its methods may be called at the same time. It
// opens a connection for each call that finds no idle one, so the caller
// bounds how many there are.
type Client struct {
	// Fixed after construction.
	allow     rules
	origin    string
	logger    *slog.Logger
	dialer    net.Dialer
	tls       *tls.Config
	transport *http.Transport
	closing   context.Context // done once Close is called
	close     context.CancelFunc

	calls  sync.WaitGroup // Add only while mu is held and closed is false
	mu     sync.Mutex     // guards what follows
	closed bool
	conns  map[*conn]struct{} // those open
}

// New returns a client. The error is a *problem.Field about Options.Origin.
func New(o Options) (*Client, error) {
	origin, err := checkOrigin(o.Origin)
	if err != nil {
		return nil, err
	}
	c := &Client{allow: slices.Clone(o.Allow), origin: origin, logger: o.Logger, conns: map[*conn]struct{}{}}
	if c.logger == nil {
		c.logger = slog.New(slog.DiscardHandler)
	}
	c.dialer.Resolver = o.Resolver
	c.tls = &tls.Config{RootCAs: o.RootCAs, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	c.transport = c.newTransport(o.MaxIdle)
	c.closing, c.close = context.WithCancel(context.Background())
	return c, nil
}

// newTransport has no proxy, follows nothing and unpacks nothing. [S8]
func (c *Client) newTransport(maxIdle int) *http.Transport {
	if maxIdle <= 0 {
		maxIdle = defaultMaxIdle
	}
	return &http.Transport{
		DialContext:            c.dial,
		DialTLSContext:         c.dialTLS,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true,
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    min(maxIdle, maxIdlePerHost),
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxAnswerHeader,
		HTTP2: &http.HTTP2Config{
			MaxReceiveBufferPerConnection: receiveWindow,
			MaxReceiveBufferPerStream:     receiveWindow,
			SendPingTimeout:               sendPingInterval,
			PingTimeout:                   frameTimeout,
			WriteByteTimeout:              frameTimeout,
		},
	}
}

// checkOrigin returns the name that endpoints are asked to consent to. A
// machine whose own name is none that HTTP has, a container's 123456789012
// say, is localhost.
func checkOrigin(name string) (string, error) {
	if name != "" {
		origin, ok := cleanHost(name)
		if !ok {
			return "", problem.NewField("Origin", name, "a host name")
		}
		return origin, nil
	}
	host, err := os.Hostname()
	if origin, ok := cleanHost(host); ok && err == nil {
		return origin, nil
	}
	return "localhost", nil
}

// Close ends the calls that are under way, waits for them and closes all
// connections. Calls that come later give ErrClosed.
func (c *Client) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.close()
	c.calls.Wait()
	c.transport.CloseIdleConnections()
	for _, conn := range c.open() {
		_ = conn.Close()
	}
}

// open returns the connections that are open.
func (c *Client) open() []*conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]*conn, 0, len(c.conns))
	for conn := range c.conns {
		list = append(list, conn)
	}
	return list
}

// begin starts a call: its context ends with the timeout, with ctx and with
// the client. The caller must call end.
func (c *Client) begin(ctx context.Context, timeout time.Duration) (_ context.Context, end func(), _ error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, nil, ErrClosed
	}
	c.calls.Add(1)
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	ctx, release := context.WithTimeoutCause(ctx, timeout, timeoutError(timeout))
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(c.closing, func() { cancel(ErrClosed) })
	return ctx, func() {
		stop()
		cancel(nil)
		release()
		c.calls.Done()
	}, nil
}

// timeoutError says how long an endpoint was waited for.
type timeoutError time.Duration

func (t timeoutError) Error() string {
	return "the endpoint did not answer within " + time.Duration(t).String()
}

func (t timeoutError) Unwrap() error { return context.DeadlineExceeded }
