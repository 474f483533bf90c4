package push

import (
	"net/http"
	"strings"
	"time"

	"github.com/jitney-mq/jitney/problem"
)

// Limits of the headers that a subscriber adds.
const (
	MaxHeaders     = 32
	MaxHeaderBytes = 8 << 10 // of all names and values
)

// An Endpoint is where a subscriber takes messages, and how.
type Endpoint struct {
	URL     string            // as CheckURL accepts it
	Header  []Header          // sent with each request, as CheckHeaders accepts them
	Secret  []byte            // as ParseSecret returns it; empty: messages are not signed
	Through http.RoundTripper // takes the requests in place of the network; nil: the network
	Timeout time.Duration     // from the first look at the URL to the last byte of the answer; default 30 s
}

// A Header is one that a subscriber adds.
type Header struct{ Name, Value string }

// closedHeaders are HTTP's own, which hold for a connection or a body, and
// those that the broker or the message's sender answers for.
const closedHeaders = `
Connection Content-Length Expect Host HTTP2-Settings Keep-Alive
Proxy-Authenticate Proxy-Authorization Proxy-Connection TE Trailer
Transfer-Encoding Upgrade

BrokerProperties Content-Encoding Content-Language Content-Type Traceparent
Tracestate User-Agent
`

// closedPrefixes begin the headers of Jitney, of Standard Webhooks and of the
// CloudEvents web hook.
var closedPrefixes = []string{"Jitney-", "Webhook-"}

var isClosed = setOf(closedHeaders)

func setOf(text string) map[string]bool {
	set := make(map[string]bool)
	for name := range strings.FieldsSeq(text) {
		set[http.CanonicalHeaderKey(name)] = true
	}
	return set
}

// CheckHeaders returns the first thing wrong with the headers that a
// subscriber adds, as a *problem.Field: at most 32 of them and 8 KiB, each
// once, none of those that HTTP, the broker or the sender decides on, values
// in printable ASCII. Values are not repeated in errors: they may be secret. [S7]
func CheckHeaders(list []Header) error {
	if len(list) > MaxHeaders {
		return problem.NewField("HttpHeader", "", "at most %d headers", MaxHeaders)
	}
	size, seen := 0, make(map[string]bool, len(list))
	for _, h := range list {
		name := http.CanonicalHeaderKey(h.Name)
		size += len(h.Name) + len(h.Value)
		switch {
		case !isToken(h.Name):
			return problem.NewField("HttpHeader", h.Name, "a header's name: letters, digits and !#$%%&'*+-.^_`|~")
		case isClosed[name] || hasClosedPrefix(name):
			return problem.NewField("HttpHeader", h.Name, "a header that neither HTTP nor the broker sets")
		case seen[name]:
			return problem.NewField("HttpHeader", h.Name, "each header once")
		case !isHeaderValue(h.Value):
			return problem.NewField("HttpHeader", h.Name, "a value in printable ASCII, without a space at its ends")
		case size > MaxHeaderBytes:
			return problem.NewField("HttpHeader", h.Name, "at most %d bytes of headers", MaxHeaderBytes)
		}
		seen[name] = true
	}
	return nil
}

func hasClosedPrefix(name string) bool {
	for _, prefix := range closedPrefixes {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// isToken reports whether s can be the name of a header (RFC 9110, 5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9'
		if !letter && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}

func isHeaderValue(s string) bool {
	return isGraphic(strings.ReplaceAll(s, " ", "")) && strings.Trim(s, " ") == s
}

// add puts the subscriber's headers into h. They replace whatever a message
// brought by the same name, in any case.
func (e *Endpoint) add(h http.Header) {
	own := make(map[string]string, len(e.Header))
	for _, f := range e.Header {
		own[http.CanonicalHeaderKey(f.Name)] = f.Value
	}
	for name := range h {
		if _, ok := own[http.CanonicalHeaderKey(name)]; ok {
			delete(h, name)
		}
	}
	for name, value := range own {
		h[name] = []string{value}
	}
}
