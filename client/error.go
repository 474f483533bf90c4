package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/jitney-mq/jitney/problem"
)

// Errors that errors.Is finds in an *Error.
var (
	ErrInvalid  = errors.New("not a valid request")                     // 400, 405, 415, 416, 422, 431
	ErrDenied   = errors.New("not allowed")                             // 401, 403
	ErrNotFound = errors.New("no such thing")                           // 404: the name has no role, or the message is not there
	ErrConflict = errors.New("in conflict with what is there")          // 409
	ErrGone     = errors.New("the lock is lost")                        // 410; Document.Reason says how
	ErrStale    = errors.New("changed by someone else in the meantime") // 412
	ErrTooLarge = errors.New("too large")                               // 413
	ErrBusy     = errors.New("full, overloaded or out of reach")        // 429, 502, 503, 504, 507; RetryAfter may say for how long
)

// ErrNoAnswer says that the broker was not reached or did not answer, or that
// the connection broke on the way.
var ErrNoAnswer = errors.New("no answer from the broker")

// ErrNoMessage says that no message came in the time that the caller allowed.
var ErrNoMessage = errors.New("no message")

// Error is an answer of the broker other than success.
type Error struct {
	Status     int              // the HTTP status code
	Document   problem.Document // what the broker says about it; only the status if it said nothing
	RetryAfter time.Duration    // how long to wait before the next try; 0: not said
}

// Error returns the problem in one line: the line of the stream and the field
// to blame, if there are, else the detail.
func (e *Error) Error() string {
	d := &e.Document
	var b strings.Builder
	if d.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", d.Line)
	}
	switch {
	case d.Element != "" && d.Want != "":
		b.WriteString((&problem.Field{Element: d.Element, Value: d.Value, Want: d.Want}).Error())
	case d.Detail != "":
		b.WriteString(d.Detail)
	default:
		b.WriteString(d.Title)
	}
	if d.Reason != "" && !strings.Contains(d.Detail, d.Reason) {
		b.WriteString(" (" + d.Reason + ")")
	}
	fmt.Fprintf(&b, " [%d]", e.Status)
	return b.String()
}

// Is reports whether target is the sentinel of e's status.
func (e *Error) Is(target error) bool { return target == sentinel(e.Status) }

func sentinel(status int) error {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return ErrDenied
	case http.StatusNotFound:
		return ErrNotFound
	case http.StatusConflict:
		return ErrConflict
	case http.StatusGone:
		return ErrGone
	case http.StatusPreconditionFailed:
		return ErrStale
	case http.StatusRequestEntityTooLarge:
		return ErrTooLarge
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable,
		http.StatusGatewayTimeout, http.StatusInsufficientStorage:
		return ErrBusy
	}
	if status >= 400 && status < 500 {
		return ErrInvalid
	}
	return nil
}

// maxProblem bounds the problem document that is read, in bytes.
const maxProblem = 64 << 10

// newError reads the answer's problem document, or what stands in its place.
func newError(r *http.Response) *Error {
	e := &Error{Status: r.StatusCode, RetryAfter: retryAfter(r.Header.Get("Retry-After"), time.Now())}
	body, _ := io.ReadAll(io.LimitReader(r.Body, maxProblem)) // a cut document still has its status
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == problem.ContentType {
		_ = json.Unmarshal(body, &e.Document) // what could be read of it is all there is
	} else if kind == "text/plain" {
		e.Document.Detail, _, _ = strings.Cut(strings.TrimSpace(string(body)), "\n")
	}
	return e.complete()
}

// complete fills in what the document leaves out.
func (e *Error) complete() *Error {
	if e.Document.Title == "" {
		e.Document.Title = http.StatusText(e.Status)
	}
	e.Document.Status = e.Status
	return e
}

// retryAfter reads a Retry-After header, seconds or a date.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}
