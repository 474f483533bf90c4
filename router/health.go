package router

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"time"

	"github.com/jitney-mq/jitney/push"
	"github.com/jitney-mq/jitney/queue"
	"github.com/jitney-mq/jitney/store"
)

// endpointsTable: queue id (8) of a subscription → what is known of its
// endpoint, version and JSON. It is written when that begins or ends to fail, not
// with each message.
const endpointsTable = store.Table("endpoints")

// Tables are what a store of routers has to have.
var Tables = []store.Table{endpointsTable}

// maxFailures is how many pushes fail one after the other until an endpoint's
// circuit opens: then it is tried with one message at a time, after ever longer
// pauses, and does not count where a message is given to one of several.
const maxFailures = 5

// health is how an endpoint has behaved lately.
type health struct {
	consented   bool
	failures    int // one after the other
	pausedUntil time.Time
	status      int // of the last answer; 0: there was none
	err         string
	failedAt    time.Time
}

func (h *health) isOpen() bool { return h.failures >= maxFailures }

// Health is what a client is shown of an endpoint.
type Health struct {
	Consented  bool      // it has agreed to be pushed to
	Failures   int       // one after the other, up to now
	Open       bool      // its circuit is open: it is tried now and then
	RetryAt    time.Time // when it is tried again; zero: with the next message
	LastStatus int       // of the last failure; 0: it did not answer
	LastError  string    // of the last failure
	FailedAt   time.Time // the last failure; zero: there was none
}

// Health returns how the endpoint of a subscription behaves; false: it has none.
func (s *Subscription) Health() (Health, bool) {
	if s.endpoint == nil {
		return Health{}, false
	}
	s.endpoint.mu.Lock()
	defer s.endpoint.mu.Unlock()
	h := s.endpoint.health
	return Health{h.consented, h.failures, h.isOpen(), h.pausedUntil, h.status, h.err, h.failedAt}, true
}

// succeeded closes the circuit.
func (e *endpoint) succeeded() {
	e.mu.Lock()
	failing := e.health.failures > 0
	e.mu.Unlock()
	if failing {
		e.change(func(h *health) { h.failures, h.pausedUntil = 0, time.Time{} })
	}
}

// failed notes a push that failed, and returns how long the endpoint is best
// left alone.
func (e *endpoint) failed(r push.Result) time.Duration {
	var pause time.Duration
	e.change(func(h *health) {
		h.failures++
		h.status, h.err, h.failedAt = r.Status, r.Err.Error(), time.Now().UTC()
		pause = max(backoff(h.failures), r.RetryAfter)
		if h.isOpen() {
			h.pausedUntil = time.Now().Add(pause).UTC()
		}
	})
	return pause
}

// refused notes that the endpoint did not consent.
func (e *endpoint) refused(err error) {
	e.pause(e.failed(push.Result{Err: err}))
}

// pause leaves the endpoint alone for a time.
func (e *endpoint) pause(d time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if until := time.Now().Add(d).UTC(); until.After(e.health.pausedUntil) {
		e.health.pausedUntil = until
	}
}

// change changes what is known of the endpoint, and writes it down if that
// matters after a restart.
func (e *endpoint) change(fn func(*health)) {
	e.mu.Lock()
	before := e.health
	fn(&e.health)
	after := e.health
	e.mu.Unlock()
	if before.consented == after.consented && before.isOpen() == after.isOpen() {
		return
	}
	_ = e.set.store.Update(context.Background(), func(tx *store.Tx) error { // an endpoint that is forgotten is tried anew
		if e.set.queues.Get(e.id) == nil {
			return nil
		}
		v, err := after.encode(e.to.URL)
		if err != nil {
			return err
		}
		tx.Put(endpointsTable, endpointKey(e.id), v)
		return nil
	})
}

func endpointKey(id queue.ID) []byte { return binary.BigEndian.AppendUint64(nil, uint64(id)) }

// storedHealth is the JSON form of a health; it follows a version byte.
type storedHealth struct {
	URL       string    `json:"url"` // what it is about: another one begins anew
	Consented bool      `json:"consented"`
	Failures  int       `json:"failures,omitempty"`
	Status    int       `json:"status,omitempty"`
	Error     string    `json:"error,omitempty"`
	FailedAt  time.Time `json:"failedAt,omitzero"`
}

const healthVersion = 1

func (h *health) encode(url string) ([]byte, error) {
	v, err := json.Marshal(storedHealth{url, h.consented, h.failures, h.status, h.err, h.failedAt})
	return append([]byte{healthVersion}, v...), err
}

// load reads what an earlier process knew of the endpoint. What cannot be read
// is forgotten.
func (e *endpoint) load(r *store.Reader) error {
	v, err := r.Get(endpointsTable, endpointKey(e.id))
	var corrupt *store.CorruptError
	if errors.As(err, &corrupt) {
		return nil
	}
	if err != nil || len(v) == 0 || v[0] != healthVersion {
		return err
	}
	var s storedHealth
	if json.Unmarshal(v[1:], &s) != nil || s.URL != e.to.URL {
		return nil
	}
	e.health = health{consented: s.Consented, failures: s.Failures, status: s.Status, err: s.Error, failedAt: s.FailedAt}
	return nil
}
