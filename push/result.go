package push

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Verdict is what an answer means for a message.
type Verdict int

// The verdicts. [S7]
const (
	Retry     Verdict = iota // try again later
	Delivered                // 2xx: the endpoint has it
	Gone                     // 410: the endpoint wants no more messages
)

func (v Verdict) String() string {
	switch v {
	case Delivered:
		return "delivered"
	case Gone:
		return "gone"
	default:
		return "retry"
	}
}

// Result is what came of a push.
type Result struct {
	Verdict    Verdict
	Status     int           // of the answer; 0: there was none
	RetryAfter time.Duration // how long the endpoint asks to be left alone, with 429 and 503; 0: it does not say
	Sent       bool          // a byte of the request reached a connection: the try counts as a delivery
	Err        error         // why the verdict is not Delivered; nil if it is
}

// newResult reads an answer at the time now. [S7]
func newResult(a answer, now time.Time) Result {
	r := Result{Status: a.status, Sent: a.sent, Err: a.err}
	switch {
	case a.err != nil:
		return r
	case a.status >= 200 && a.status <= 299:
		r.Verdict = Delivered
		return r
	case a.status == http.StatusGone:
		r.Verdict = Gone
	case a.status == http.StatusTooManyRequests, a.status == http.StatusServiceUnavailable:
		r.RetryAfter = ParseRetryAfter(a.header.Get("Retry-After"), now)
	}
	r.Err = fmt.Errorf("%w: it answered %s", ErrAnswer, statusText(a.status))
	return r
}

func statusText(status int) string {
	return strings.TrimSpace(strconv.Itoa(status) + " " + http.StatusText(status))
}

// MaxRetryAfter is the longest that an endpoint is left alone because it asks.
const MaxRetryAfter = 24 * time.Hour

// ParseRetryAfter reads the header of that name (RFC 9110, 10.2.3), seconds or
// an HTTP date: from 0, if it says nothing that can be read or nothing that is
// still to come, to MaxRetryAfter. [S7]
func ParseRetryAfter(text string, now time.Time) time.Duration {
	text = strings.Trim(text, " \t")
	if text != "" && strings.Trim(text, "0123456789") == "" {
		seconds, err := strconv.ParseInt(text, 10, 64)
		if err != nil || seconds > int64(MaxRetryAfter/time.Second) {
			return MaxRetryAfter
		}
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), MaxRetryAfter)
}
