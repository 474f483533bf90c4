package push

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"sync"
	"time"
)

// userAgent is how endpoints know the program.
const userAgent = "Jitney"

// answer is what came of a request: a status, or an error.
type answer struct {
	status int
	header http.Header
	sent   bool // a byte of the request reached a connection
	err    error
}

// do makes a request and reads the answer within the timeout. A redirect is an
// answer like any other; no cookie is kept. [S7] [S8]
func (c *Client) do(ctx context.Context, e Endpoint, r *http.Request) answer {
	ctx, end, err := c.begin(ctx, e.Timeout)
	if err != nil {
		return answer{err: err}
	}
	defer end()
	var t trace
	var to http.RoundTripper = c.transport
	if e.Through != nil {
		to = e.Through
	}
	resp, err := to.RoundTrip(r.WithContext(t.attach(ctx)))
	if err != nil {
		return answer{sent: t.sent(), err: explain(ctx, err)}
	}
	drain(resp)
	return answer{status: resp.StatusCode, header: resp.Header, sent: true}
}

// drain reads what little body there may be, so that its connection can be
// used again, and throws it away. The status has been said: whatever the body
// does changes nothing about it.
func drain(resp *http.Response) {
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return
	}
	timer := time.AfterFunc(drainTimeout, func() { _ = resp.Body.Close() })
	defer timer.Stop()
	_, _ = io.CopyN(io.Discard, resp.Body, maxAnswerBody)
}

// maxErrorBytes bounds the text of an error, of which an endpoint may have
// chosen a part.
const maxErrorBytes = 300

// explain returns why a request failed, in words that are fit for whoever
// chose the endpoint.
func explain(ctx context.Context, err error) error {
	var refused *refusedError
	switch {
	case errors.As(err, &refused):
		return refused
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case len(err.Error()) > maxErrorBytes:
		return &cutError{err}
	default:
		return err
	}
}

// cutError shows the beginning of an error.
type cutError struct{ error }

func (e *cutError) Error() string { return e.error.Error()[:maxErrorBytes] + "…" }
func (e *cutError) Unwrap() error { return e.error }

// trace sees which connections a request was given to.
type trace struct {
	mu    sync.Mutex // guards what follows
	given []given
	wrote bool // a header went out, over a connection that is none of the client's
}

// given is a connection and how much had been written to it before.
type given struct {
	to     *conn
	before int64
}

// attach returns a context with which net/http reports to t.
func (t *trace) attach(ctx context.Context) context.Context {
	interim := 0
	ctx = context.WithValue(ctx, callKey{}, ctx)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn:      func(info httptrace.GotConnInfo) { t.give(info.Conn) },
		WroteHeaders: t.writes,
		Got1xxResponse: func(int, textproto.MIMEHeader) error {
			if interim++; interim > maxInterim {
				return fmt.Errorf("the endpoint sent more than %d interim answers", maxInterim)
			}
			return nil
		},
	})
}

func (t *trace) writes() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wrote = t.wrote || len(t.given) == 0
}

func (t *trace) give(to net.Conn) {
	if secure, ok := to.(*tls.Conn); ok {
		to = secure.NetConn()
	}
	if to, ok := to.(*conn); ok {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.given = append(t.given, given{to, to.written.Load()})
	}
}

// sent reports whether anything was, or is being, written to a connection since the request
// was given to it. On one that HTTP/2 shares, it may have been another's.
func (t *trace) sent() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.wrote {
		return true
	}
	for _, g := range t.given {
		if g.to.written.Load() > g.before {
			return true
		}
	}
	return false
}
