package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// A receiver is a web server that takes pushes.
type receiver struct {
	out    io.Writer
	secret []byte

	mu     sync.Mutex // guards what follows
	closed bool
	taken  map[string]chan struct{} // closed when the message has come
}

// ServeHTTP consents to be pushed to, and takes what is signed.
func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	switch q.Method {
	case http.MethodOptions:
		w.Header().Set("WebHook-Allowed-Origin", q.Header.Get("WebHook-Request-Origin"))
	case http.MethodPost:
		r.take(w, q)
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

func (r *receiver) take(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, q.Body, 1<<20))
	if err != nil || !r.isSigned(q.Header, body) {
		http.Error(w, "not signed", http.StatusUnauthorized)
		return
	}
	var p struct {
		MessageID     string `json:"MessageId"`
		DeliveryCount int
	}
	if err := json.Unmarshal([]byte(q.Header.Get("BrokerProperties")), &p); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	// The first try of payment-3 comes at a bad time.
	if r.closed || p.MessageID == "payment-3" && p.DeliveryCount == 1 {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintf(r.out, "the shop has %s over %s, delivery %d\n", p.MessageID, body, p.DeliveryCount)
	close(r.of(p.MessageID))
}

// of returns what is closed when a message has come. r.mu is held.
func (r *receiver) of(id string) chan struct{} {
	if r.taken == nil {
		r.taken = map[string]chan struct{}{}
	}
	if r.taken[id] == nil {
		r.taken[id] = make(chan struct{})
	}
	return r.taken[id]
}

// wait returns when a message has come.
func (r *receiver) wait(id string) {
	r.mu.Lock()
	taken := r.of(id)
	r.mu.Unlock()
	<-taken
}

// isSigned checks the signature as Standard Webhooks has it: an HMAC of id, time
// and body.
func (r *receiver) isSigned(h http.Header, body []byte) bool {
	mac := hmac.New(sha256.New, r.secret)
	fmt.Fprintf(mac, "%s.%s.%s", h.Get("webhook-id"), h.Get("webhook-timestamp"), body)
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for given := range strings.FieldsSeq(h.Get("webhook-signature")) {
		if hmac.Equal([]byte(given), []byte(want)) {
			return true
		}
	}
	return false
}

func (r *receiver) setClosed(closed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = closed
}
