package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// request is one call, before it is tied to a context.
type request struct {
	method string
	path   string // below the broker's URL, percent-encoded; may end in a query
	query  url.Values
	header http.Header

	body   []byte    // sent again with each try
	stream io.Reader // in place of body: sent once
	length int64     // of stream; -1: not known
}

// reads reports whether the call changes nothing.
func (r *request) reads() bool { return r.method == http.MethodGet || r.method == http.MethodHead }

// call makes a request whose answer's body is of no interest.
func (c *Client) call(ctx context.Context, r *request) (http.Header, error) {
	response, err := c.do(ctx, r)
	if err != nil {
		return nil, err
	}
	drain(response.Body)
	return response.Header, nil
}

// do makes a request, again if the Client's Retry says so. The caller drains
// the body of the answer, whose status is a 2xx.
func (c *Client) do(ctx context.Context, r *request) (*http.Response, error) {
	for try := 1; ; try++ {
		response, err := c.once(ctx, r)
		if err == nil || try >= c.retry.Tries || r.stream != nil || !c.retry.allows(err, r.reads()) {
			return response, err
		}
		if pause(ctx, c.retry.delay(try, err)) != nil {
			return nil, err
		}
	}
}

func (c *Client) once(ctx context.Context, r *request) (*http.Response, error) {
	hr, err := c.newRequest(ctx, r)
	if err != nil {
		return nil, err
	}
	response, err := c.http.Do(hr)
	if err != nil {
		return nil, noAnswer(ctx, err)
	}
	if response.StatusCode/100 != 2 {
		defer drain(response.Body)
		return nil, newError(response)
	}
	response.Body = answerBody{ctx, response.Body}
	return response, nil
}

// answerBody is a body whose read errors say that the answer did not come.
type answerBody struct {
	ctx context.Context
	io.ReadCloser
}

func (b answerBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = noAnswer(b.ctx, err)
	}
	return n, err
}

func (c *Client) newRequest(ctx context.Context, r *request) (*http.Request, error) {
	target := c.base + r.path
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	var body io.Reader
	switch {
	case r.stream != nil && r.length == 0:
		body = http.NoBody
	case r.stream != nil:
		body = io.NopCloser(r.stream) // the caller's to close
	case r.body != nil:
		body = bytes.NewReader(r.body)
	}
	hr, err := http.NewRequestWithContext(ctx, r.method, target, body)
	if err != nil {
		return nil, err
	}
	if r.stream != nil {
		hr.ContentLength = r.length
	}
	for key, values := range r.header {
		hr.Header[key] = values
	}
	hr.Header.Set("User-Agent", c.agent)
	hr.Header.Set("Accept-Encoding", "identity") // also on a transport that would ask for gzip
	return hr, nil
}

// noAnswer returns the error of a call whose answer did not come, or not all
// of it: the cause of ctx if it ended, else one that wraps ErrNoAnswer, without
// the method and the URL, which the caller knows.
func noAnswer(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return fmt.Errorf("%w: %w", ErrNoAnswer, err)
}

// maxDrain is how many bytes of a body are read so that its connection can be
// used again; a longer one costs more than a new connection.
const maxDrain = 256 << 10

// drain reads what is left of a body and closes it.
func drain(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, maxDrain) // either way the body is closed
	_ = body.Close()
}

// headers returns a header of the given names and values, in turn.
func headers(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

// seconds writes a span as the broker reads it in a query: seconds, with as
// many decimals as it takes.
func seconds(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64)
}
