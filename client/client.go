// Package client talks to a Jitney broker over HTTP: it assigns policies,
// sends, receives, settles and looks at messages.
//
// # Names
//
// A name is a path such as /orders/new, as people write it: not
// percent-encoded, the leading slash may be left out. A queue's dead-letter
// queue is the name below it, /orders/new/$DeadLetterQueue.
//
// # Locks
//
// A receiver gets each message under a lock, a URI that it later completes,
// abandons or renews. A lock works through any Client of the same broker, also
// after the broker or the receiver was started again, until it runs out.
//
// # Errors
//
// What the broker refused is an *[Error] that errors.Is tells apart:
// [ErrNotFound], [ErrGone], [ErrBusy] and so on. Any other error says that
// there was no answer, or one that cannot be read.
//
// # Cancelled calls
//
// A context bounds the wait for an answer, not the work. A call that fails
// without an answer (the context ended, the connection broke) may or may not
// have been carried out; each method says what follows from that.
package client

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// DefaultURL is where a broker listens unless it is told otherwise.
const DefaultURL = "http://127.0.0.1:5300"

// Options say which broker to talk to, and how.
type Options struct {
	URL        string       // of the broker, http or https; empty: DefaultURL
	HTTPClient *http.Client // nil: one of the Client's own; redirects are never followed
	UserAgent  string       // empty: jitney-client
	Retry      Retry        // zero: calls that change nothing are tried 3 times, all others once
}

// Client is a broker as its applications see it. All methods may be called at
// the same time.
type Client struct {
	base  string // scheme, host and path prefix, without a slash at the end
	http  *http.Client
	agent string
	retry Retry
}

// New returns a Client. It does not connect: the error is about the URL.
func New(o Options) (*Client, error) {
	if o.URL == "" {
		o.URL = DefaultURL
	}
	u, err := url.Parse(o.URL)
	if err != nil {
		return nil, fmt.Errorf("the broker's URL: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("the broker's URL %q: want http://host:port", o.URL)
	}
	if o.UserAgent == "" {
		o.UserAgent = "jitney-client"
	}
	return &Client{
		base:  u.Scheme + "://" + u.Host + strings.TrimRight(u.EscapedPath(), "/"),
		http:  httpClient(o.HTTPClient),
		agent: o.UserAgent,
		retry: o.Retry.withDefaults(),
	}, nil
}

// URL returns the broker's URL, without a slash at the end.
func (c *Client) URL() string { return c.base }

// Close closes the connections that are not in use. The Client stays usable.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// httpClient returns a copy of given, or a client for long polls and many
// connections to one host, that does not follow redirects: a metadata name
// answers with one, and where it leads is the caller's to decide.
func httpClient(given *http.Client) *http.Client {
	if given == nil {
		given = &http.Client{Transport: newTransport()}
	}
	own := *given
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}

func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		ForceAttemptHTTP2:     true,
		DisableCompression:    true, // bodies pass as they were sent
		MaxIdleConnsPerHost:   256,
		IdleConnTimeout:       30 * time.Second,    // below any broker's own, so that no request meets a closing one
		ResponseHeaderTimeout: maxWait + maxAnswer, // from the end of the request on
		ExpectContinueTimeout: 5 * time.Second,
	}
}

// Bounds of a call on the Client's own transport.
const (
	maxWait   = 300 * time.Second // that a broker waits for a message
	maxAnswer = 90 * time.Second  // that it takes beyond that to begin its answer; a full queue holds a sender for up to a minute
)
