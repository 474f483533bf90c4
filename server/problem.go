package server

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/jitney-mq/jitney/broker"
	"github.com/jitney-mq/jitney/problem"
	"github.com/jitney-mq/jitney/queue"
	"github.com/jitney-mq/jitney/relay"
)

// typePrefix begins the type of every problem.
const typePrefix = "urn:jitney:problem:"

// fail answers an error with its problem document. If the reply has begun the
// connection is broken off, so that the client does not take it for whole.
func (x *exchange) fail(err error) {
	switch {
	case isGone(err) && x.gone() || errors.Is(err, errUnread):
		x.abort()
	case x.status != 0:
		x.logFailure(err)
		x.abort()
	}
	k := x.kindOf(err)
	if k.status == http.StatusInternalServerError && k.slug == internal {
		x.logFailure(err)
	}
	if k.retry > 0 {
		x.Header()["Retry-After"] = []string{strconv.Itoa(k.retry)} // [Q5]
	}
	x.writeProblem(x.document(k, err))
}

// abort breaks the connection off.
func (x *exchange) abort() {
	if x.status == 0 {
		x.status = statusGone
	}
	panic(http.ErrAbortHandler)
}

// statusGone stands in logs and metrics for a client that did not wait.
const statusGone = 499

// kindOf is kindOf but for clients of Azure's API, who know a lost lock and a
// missing queue by other codes [R4].
func (x *exchange) kindOf(err error) kind {
	k := kindOf(err)
	if k.status != http.StatusGone && k.status != http.StatusNotFound || !strings.Contains(x.r.URL.RawQuery, "api-version=") {
		return k
	}
	switch {
	case errors.Is(err, queue.ErrLockLost):
		k.status = http.StatusNotFound
	case errors.Is(err, broker.ErrNoRole), errors.Is(err, queue.ErrGone):
		k.status = http.StatusGone
	}
	return k
}

// document says what went wrong with a request. What is internal stays inside.
func (x *exchange) document(k kind, err error) problem.Document { return documentOf(x.id, k, err) }

func documentOf(instance string, k kind, err error) problem.Document {
	d := problem.Document{Type: typePrefix + k.slug, Title: k.title, Status: k.status, Instance: instance}
	if _, rejected := errors.AsType[*relay.Rejected](err); k.status == http.StatusInternalServerError && !rejected {
		d.Detail = "The broker's log has more, under this instance."
		return d
	}
	d.Detail = strings.ReplaceAll(err.Error(), "\n", "; ")
	if f, ok := errors.AsType[*problem.Field](err); ok {
		d.Element, d.Value, d.Want = f.Element, f.Value, f.Want
	}
	if lost, ok := errors.AsType[*queue.LockError](err); ok {
		d.Reason = string(lost.Reason)
	}
	if at, ok := errors.AsType[*lineError](err); ok {
		d.Line = at.line
	}
	return d
}

func (x *exchange) writeProblem(d problem.Document) {
	body, err := json.Marshal(d)
	if err != nil {
		x.logFailure(err) // strings and numbers only: it cannot happen
	}
	h := x.Header()
	h["Content-Type"] = []string{problem.ContentType}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	h["X-Content-Type-Options"] = nosniff
	x.WriteHeader(d.Status)
	_, _ = x.Write(body) // a client that has gone needs no answer
}

// writeJSON answers with a document of the given media type.
func (x *exchange) writeJSON(status int, mediaType string, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return x.write(status, mediaType, body)
}

// write answers with a whole body.
func (x *exchange) write(status int, mediaType string, body []byte) error {
	h := x.Header()
	h["Content-Type"] = []string{mediaType}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	h["X-Content-Type-Options"] = nosniff
	x.WriteHeader(status)
	if x.r.Method == http.MethodHead {
		return nil
	}
	_, err := x.floored().Write(body)
	return err
}
