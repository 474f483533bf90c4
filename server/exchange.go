package server

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jitney-mq/jitney/namespace"
	"github.com/jitney-mq/jitney/problem"
	"github.com/jitney-mq/jitney/queue"
	"github.com/jitney-mq/jitney/router"
)

// An exchange is a request and its reply. It is also the ResponseWriter that
// the reply is written to, to know what became of it.
type exchange struct {
	http.ResponseWriter
	server    *Server
	r         *http.Request
	id        string
	startedAt time.Time
	status    int   // of the reply; 0 until it begins
	consumed  bool  // the body has been read to its end
	duplex    bool  // the body is read while the reply is written
	relayOnly bool  // the request came to the listener that only relays
	charged   int64 // bytes of server.bodies that this exchange has

	route *route     // nil until one is found
	query url.Values // nil until it is asked for

	// What the path leads to.
	name   namespace.Name
	entry  *namespace.Entry // nil for a name without a role
	queue  *queue.Queue     // nil for roles without messages; of a router, its own
	router *router.Router   // nil for other roles
	to     destination      // nil for what takes no messages
	sub    queue.SubQueue
	number uint64 // the sequence number
	token  string // of the lock
}

func (s *Server) newExchange(w http.ResponseWriter, r *http.Request) *exchange {
	s.active.Add(1)
	x := &exchange{ResponseWriter: w, server: s, r: r, startedAt: time.Now(), id: s.ids.of(r)}
	w.Header()["X-Request-Id"] = []string{x.id}
	return x
}

// finish counts and logs the exchange.
func (x *exchange) finish() {
	x.release()
	x.server.leave()
	took := time.Since(x.startedAt)
	x.server.metrics.count(x, took)
	x.logAccess(took)
}

// leave counts a request less, and tells a shutdown that waits for that.
func (s *Server) leave() {
	if s.active.Add(-1) > 0 || s.draining.Err() == nil {
		return
	}
	select {
	case s.idle <- struct{}{}:
	default:
	}
}

// Unwrap is for http.ResponseController.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

func (x *exchange) control() *http.ResponseController {
	return http.NewResponseController(x.ResponseWriter)
}

// WriteHeader notes the status.
func (x *exchange) WriteHeader(status int) {
	if x.status == 0 {
		x.status = status
		x.bound()
		if x.server.draining.Err() != nil {
			x.Header()["Connection"] = []string{"close"}
		}
	}
	x.ResponseWriter.WriteHeader(status)
}

// bound bounds the time for what is left of the request. A reply that comes
// late has time of its own to reach the client; the rest of a body that nobody
// has read is read by net/http, and has little, or none if it has been waited
// for long enough.
func (x *exchange) bound() {
	if x.duplex {
		return
	}
	now := time.Now()
	if now.Sub(x.startedAt) > stepTimeout {
		_ = x.control().SetWriteDeadline(now.Add(stepTimeout)) // a writer without deadlines needs none
	}
	if x.r.ContentLength != 0 && !x.consumed && x.status != http.StatusRequestTimeout {
		_ = x.control().SetReadDeadline(now.Add(discardTimeout))
	}
}

func (x *exchange) Write(b []byte) (int, error) {
	if x.status == 0 {
		x.WriteHeader(http.StatusOK)
	}
	n, err := x.ResponseWriter.Write(b)
	if err != nil {
		return n, fmt.Errorf("%w: %w", errUnread, err)
	}
	return n, nil
}

// gone reports whether the client has gone.
func (x *exchange) gone() bool { return x.r.Context().Err() != nil }

// argument returns an argument of the query, which may be given once; empty if
// it is not there.
func (x *exchange) argument(name string) (string, error) {
	values, err := x.arguments()
	if err != nil {
		return "", err
	}
	switch list := values[name]; len(list) {
	case 0:
		return "", nil
	case 1:
		return list[0], nil
	default:
		return "", problem.NewField(name, list[1], "the argument once")
	}
}

// arguments returns the query.
func (x *exchange) arguments() (url.Values, error) {
	if x.query != nil || x.r.URL.RawQuery == "" {
		return x.query, nil
	}
	values, err := url.ParseQuery(x.r.URL.RawQuery)
	if err != nil {
		return nil, problem.NewField("query", x.r.URL.RawQuery, "arguments as name=value, joined by & and percent-encoded")
	}
	x.query = values
	return values, nil
}

// isAsked reports whether the query has an argument that says true.
func (x *exchange) isAsked(name string) (bool, error) {
	text, err := x.argument(name)
	if err != nil || text == "" {
		return false, err
	}
	asked, err := strconv.ParseBool(text)
	if err != nil {
		return false, problem.NewField(name, text, "true or false")
	}
	return asked, nil
}

// ids makes the ids of requests that bring none.
type ids struct {
	prefix string
	count  *atomic.Uint64
}

func newIDs() ids {
	var b [4]byte
	_, _ = rand.Read(b[:]) // it never fails
	return ids{prefix: hex.EncodeToString(b[:]) + "-", count: new(atomic.Uint64)}
}

// of returns the id of a request: the client's if it is one, or a new one.
func (i ids) of(r *http.Request) string {
	if given := r.Header["X-Request-Id"]; len(given) == 1 && isRequestID(given[0]) {
		return given[0]
	}
	b := make([]byte, 0, 24)
	return string(strconv.AppendUint(append(b, i.prefix...), i.count.Add(1), 36))
}

// isRequestID reports whether text can stand in logs and headers as it is.
func isRequestID(text string) bool {
	for i := range len(text) {
		c := text[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9'
		if !letter && c != '-' && c != '_' && c != '.' && c != ':' && c != '/' && c != '+' && c != '=' && c != '@' {
			return false
		}
	}
	return text != "" && len(text) <= maxRequestID
}
