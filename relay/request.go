package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"time"

	"github.com/jitney-mq/jitney/namespace"
	"github.com/jitney-mq/jitney/relay/control"
)

// A sending is a request on its way to a listener.
type sending struct {
	hub     *Hub
	at      namespace.Name
	request *http.Request
	until   time.Time

	message control.RequestMessage // but for the address and the id
	body    []byte                 // of one that goes over the control channel
	fetched bool                   // the listener has to get it
}

// At returns a transport to the listeners of a connection point. Only the path and
// the query of a request's URL count; they reach the listener as they are.
//
// A request goes to one listener. It is repeated to another one only if the first
// has heard nothing of it. Its errors are those of this package and of the request's
// context.
func (h *Hub) At(n namespace.Name) http.RoundTripper { return transport{h, n} }

type transport struct {
	hub *Hub
	at  namespace.Name
}

// RoundTrip is part of http.RoundTripper.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	t.hub.totals.requests.Add(1)
	response, err := t.roundTrip(r)
	if err != nil {
		t.hub.totals.failed.Add(1)
	}
	return response, err
}

func (t transport) roundTrip(r *http.Request) (*http.Response, error) {
	s, err := t.hub.prepare(t.at, r)
	if err != nil {
		closeBody(r)
		return nil, err
	}
	ctx, cancel := context.WithDeadlineCause(r.Context(), s.until, ErrTimeout)
	defer cancel()
	for {
		o, err := s.try(ctx)
		switch {
		case errors.Is(err, ErrListenerGone) && ctx.Err() == nil && s.isUnheard(err):
			continue
		case err != nil:
			closeBody(r)
			return nil, err
		case o.socket != nil:
			return s.overSocket(o.socket)
		}
		closeBody(r)
		return s.whole(o)
	}
}

// errHeard is ErrListenerGone of a listener that had the request.
var errHeard = fmt.Errorf("%w while it had the request", ErrListenerGone)

func (s *sending) isUnheard(err error) bool { return s.fetched || !errors.Is(err, errHeard) }

// OneWay gives a request to a listener and does not wait for what comes of it:
// ErrTooLarge and errors as of At.
func (h *Hub) OneWay(n namespace.Name, r *http.Request) error {
	s, err := h.prepare(n, r)
	if err != nil {
		return err
	}
	if s.fetched {
		return fmt.Errorf("%w: want at most %d bytes, and Content-Length", ErrTooLarge, control.MaxBody)
	}
	ctx, cancel := context.WithDeadlineCause(r.Context(), s.until, ErrTimeout)
	defer cancel()
	for {
		m, err := s.send(ctx)
		if errors.Is(err, ErrListenerGone) && s.isUnheard(err) {
			continue
		}
		if err == nil {
			h.leave(m)
			h.totals.oneWay.Add(1)
		}
		return err
	}
}

// prepare makes the message of a request, and reads the body of one that is small
// enough to go with it.
func (h *Hub) prepare(n namespace.Name, r *http.Request) (*sending, error) {
	s := &sending{hub: h, at: n, request: r}
	defer func() { s.until = time.Now().Add(control.ResponseTimeout) }() // not of the sender's time
	s.message = control.RequestMessage{Target: r.URL.RequestURI(), Method: r.Method, Headers: control.EndToEnd(r.Header)}
	delete(s.message.Headers, "Expect") // whoever reads the body here has answered it
	hasBody := r.Body != nil && r.Body != http.NoBody && r.ContentLength != 0
	if r.ContentLength > 0 {
		http.Header(s.message.Headers)["Content-Length"] = []string{strconv.FormatInt(r.ContentLength, 10)}
	}
	s.message.Body = &hasBody
	s.fetched = hasBody && (r.ContentLength < 0 || r.ContentLength > control.MaxBody)
	if !hasBody || s.fetched {
		return s, nil
	}
	s.body = make([]byte, r.ContentLength)
	if _, err := io.ReadFull(r.Body, s.body); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBody, err)
	}
	return s, nil
}

// try asks one listener.
func (s *sending) try(ctx context.Context) (outcome, error) {
	m, err := s.send(ctx)
	if err != nil {
		return outcome{}, err
	}
	select {
	case o := <-m.end:
		if errors.Is(o.err, ErrListenerGone) && !s.fetched {
			return o, errHeard
		}
		return o, o.err
	case <-ctx.Done():
		s.hub.leave(m)
		return outcome{}, context.Cause(ctx)
	}
}

// send tells a listener of the request.
func (s *sending) send(ctx context.Context) (*meeting, error) {
	what := aResponse
	if s.fetched {
		what = aFetch
	}
	m, err := s.hub.arrange(s.at, what, time.Until(s.until))
	if err != nil {
		return nil, err
	}
	text, err := s.text(m)
	if err == nil {
		err = m.listener.tell(ctx, text, s.body)
	}
	if err != nil {
		s.hub.cancel(m)
		return nil, err
	}
	if t := httptrace.ContextClientTrace(s.request.Context()); t != nil && t.WroteHeaders != nil && !s.fetched {
		t.WroteHeaders()
	}
	return m, nil
}

// text is what the control channel carries: the request, or that there is one.
func (s *sending) text(m *meeting) ([]byte, error) {
	s.message.Address, s.message.ID = m.address(control.Request, s.at.Path(), ""), m.id
	if s.fetched {
		return encode(&control.RequestMessage{Address: s.message.Address, ID: m.id})
	}
	return encode(&s.message)
}

func encode(r *control.RequestMessage) ([]byte, error) {
	text, err := control.Message{Request: r}.Encode()
	if errors.Is(err, control.ErrLarge) {
		err = ErrHeader
	}
	return text, err
}

func closeBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close() // it was read, or is not wanted
	}
}
