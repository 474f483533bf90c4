package push

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/problem"
)

// maxIDBytes bounds the id of a push.
const maxIDBytes = 256

// Push sends a message to an endpoint and reads the answer. The id tells the
// endpoint which tries are the same message's; it is the caller's own choice,
// letters, digits, - and _, never the sender's. If body is nil, m.Body is sent;
// else body is written, all of its m.Size bytes each time, perhaps more than
// once but never after Push has returned.
//
// The endpoint gets the body and its Content headers as they were sent, the
// properties as receivers get them, without the lock, then its own headers,
// and webhook-id, webhook-timestamp and, with a secret, webhook-signature. [S7]
//
// Where the verdict is Retry and Sent is true, the endpoint may have taken the
// message all the same.
func (c *Client) Push(ctx context.Context, e Endpoint, id string, m *message.Received, body io.WriterTo) Result {
	b := newBody(m, body)
	defer b.end()
	h, err := newHeader(e, id, m, b)
	if err != nil {
		return Result{Err: err}
	}
	r, err := c.newRequest(http.MethodPost, e, h)
	if err != nil {
		return Result{Err: err}
	}
	b.attach(r)
	return newResult(c.do(ctx, e, r), time.Now())
}

// newHeader returns the header of a push but for what the endpoint adds.
func newHeader(e Endpoint, id string, m *message.Received, b *body) (http.Header, error) {
	if !isID(id) {
		return nil, problem.NewField("webhook-id", id, "letters, digits, - and _, at most %d", maxIDBytes)
	}
	h := http.Header{}
	unlocked := *m
	unlocked.LockToken, unlocked.Lock, unlocked.LockedUntil = "", "", time.Time{}
	message.ToHeader(h, &unlocked)
	dropClaims(h)
	now := time.Now().Unix()
	h["Webhook-Id"] = []string{id}
	h["Webhook-Timestamp"] = []string{strconv.FormatInt(now, 10)}
	if len(e.Secret) == 0 {
		return h, nil
	}
	signature, err := sign(e.Secret, id, now, b)
	if err != nil {
		return nil, err
	}
	h["Webhook-Signature"] = []string{signature}
	return h, nil
}

// dropClaims removes properties by which a sender would speak as the broker:
// a message's webhook-signature is not one.
func dropClaims(h http.Header) {
	for name := range h {
		if strings.HasPrefix(http.CanonicalHeaderKey(name), "Webhook-") {
			delete(h, name)
		}
	}
}

// isID keeps the full stop out: it separates what is signed.
func isID(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9'
		if !letter && c != '-' && c != '_' {
			return false
		}
	}
	return s != "" && len(s) <= maxIDBytes
}
