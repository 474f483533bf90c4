package client

import (
	"context"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"time"

	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/problem"
)

// Sent is what became of a message.
type Sent struct {
	SequenceNumber int64   `json:"sequenceNumber,omitempty"` // in the queue; 0 if it was not stored in one
	Deliveries     int     `json:"deliveries,omitempty"`     // of a router: how many subscriptions hold it
	Outcome        Outcome `json:"outcome,omitempty"`
}

// Outcome says why an accepted message was not stored.
type Outcome string

// The values of Outcome.
const (
	Stored    Outcome = ""          // it was: on disk, wherever it goes
	Discarded Outcome = "discarded" // the queue is full and its policy is to drop
	Unrouted  Outcome = "unrouted"  // no subscription took it
)

// Send sends one message and returns once it is on disk. After an *Error the
// message is not there; without an answer that is unknown, and sending it
// again is harmless only if it has an ID and the queue detects duplicates.
func (c *Client) Send(ctx context.Context, name string, m *message.Message) (Sent, error) {
	if isEnvelope(m.ContentType) {
		return c.sendWrapped(ctx, name, m)
	}
	return c.send(ctx, name, m, &request{body: present(m.Body)})
}

// SendBody is Send for a body of any size, which is streamed. The message
// gives the properties; its Body is not used. A body that is a file, or an
// in-memory reader, is sent with its length, so that one that is too large is
// refused before it is sent. A read of body that is under way when SendBody
// returns early is not waited for. The call is never retried.
func (c *Client) SendBody(ctx context.Context, name string, m *message.Message, body io.Reader) (Sent, error) {
	if isEnvelope(m.ContentType) {
		return Sent{}, problem.NewField("ContentType", m.ContentType, "another type: the body of this one would be taken apart into messages")
	}
	r := &request{stream: body, length: lengthOf(body)}
	return c.send(ctx, name, m, r)
}

func (c *Client) send(ctx context.Context, name string, m *message.Message, r *request) (Sent, error) {
	if err := m.Validate(); err != nil {
		return Sent{}, err
	}
	r.method = http.MethodPost
	r.path = escape(name) + "/messages"
	r.header = propertyHeader(m)
	if !m.ScheduledAt.IsZero() { // with its fractions, for which the header has no place
		r.query = url.Values{"scheduled-enqueue-time": {m.ScheduledAt.UTC().Format(time.RFC3339Nano)}}
	}
	if r.stream != nil {
		r.header.Set("Expect", "100-continue")
	}
	answer, err := c.call(ctx, r)
	if err != nil {
		return Sent{}, err
	}
	return sentFrom(answer), nil
}

// sendWrapped sends a message whose own type would be taken for a batch's.
func (c *Client) sendWrapped(ctx context.Context, name string, m *message.Message) (Sent, error) {
	one := func(yield func(*message.Message, error) bool) { yield(m, nil) }
	done, err := c.SendStream(ctx, name, one, nil)
	if err != nil {
		return Sent{}, err
	}
	return Sent{SequenceNumber: done.Last}, nil
}

// Media types under which a broker reads several messages.
const (
	ndjsonType = "application/x-ndjson"
	batchType  = "application/vnd.microsoft.servicebus.json"
)

func isEnvelope(contentType string) bool {
	kind, _, _ := mime.ParseMediaType(contentType)
	return kind == ndjsonType || kind == batchType
}

// propertyHeader returns all properties of m as headers. Application
// properties travel in one header that keeps their types and their case.
func propertyHeader(m *message.Message) http.Header {
	h := http.Header{}
	for key, value := range map[string]string{
		"Content-Type":     m.ContentType,
		"Content-Encoding": m.ContentEncoding,
		"Content-Language": m.ContentLanguage,
		"BrokerProperties": string(message.AppendBrokerProperties(nil, &message.Received{Message: m})),
	} {
		if value != "" {
			h.Set(key, value)
		}
	}
	if m.Properties.Len() > 0 {
		h.Set("Jitney-Properties", string(message.AppendProperties(nil, m.Properties)))
	}
	return h
}

func sentFrom(answer http.Header) Sent {
	sent := Sent{Outcome: Outcome(answer.Get("Jitney-Outcome"))}
	sent.Deliveries, _ = strconv.Atoi(answer.Get("Jitney-Deliveries"))
	sent.SequenceNumber, _ = strconv.ParseInt(path.Base(answer.Get("Location")), 10, 64)
	return sent
}

// Cancel removes a message that is scheduled or waiting. ErrNotFound says that
// it is not there, or no longer; ErrConflict that it is locked.
func (c *Client) Cancel(ctx context.Context, queue string, sequenceNumber int64) error {
	_, err := c.call(ctx, &request{method: http.MethodDelete, path: messagePath(queue, sequenceNumber)})
	return err
}

// present makes an empty body one that is there, with a length of 0.
func present(body []byte) []byte {
	if body == nil {
		return []byte{}
	}
	return body
}
