package client

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/jitney-mq/jitney/message"
)

// ReceiveOptions say what to receive. The zero value asks for one message if
// one is there, under the queue's own lock duration.
type ReceiveOptions struct {
	Count        int           // at most; the broker gives what is there, up to 1,000 and 16 MiB; 0: 1
	Wait         time.Duration // for the first of them, up to 5 minutes; 0: not at all
	LockDuration time.Duration // 0: the queue's
}

func (o ReceiveOptions) query() url.Values {
	q := url.Values{"timeout": {seconds(min(max(o.Wait, 0), maxWait))}}
	if o.LockDuration > 0 {
		q.Set("lock-duration", seconds(o.LockDuration))
	}
	return q
}

// Receive peek-locks messages, at least one, or returns ErrNoMessage. If ctx
// ends first, nothing is locked, unless the answer was on its way already:
// such a lock ends by itself and counts as a delivery.
func (c *Client) Receive(ctx context.Context, queue string, o ReceiveOptions) ([]*message.Received, error) {
	return c.receive(ctx, http.MethodPost, queue, o)
}

// ReceiveAndDelete takes messages out of the queue, at least one, or returns
// ErrNoMessage. They are delivered at most once: if ctx ends or the connection
// breaks, they may be lost. LockDuration does not apply.
func (c *Client) ReceiveAndDelete(ctx context.Context, queue string, o ReceiveOptions) ([]*message.Received, error) {
	o.LockDuration = 0
	return c.receive(ctx, http.MethodDelete, queue, o)
}

func (c *Client) receive(ctx context.Context, method, queue string, o ReceiveOptions) ([]*message.Received, error) {
	r := &request{
		method: method,
		path:   escape(queue) + "/messages/head",
		query:  o.query(),
		header: headers("Accept", ndjsonType),
	}
	r.query.Set("count", strconv.Itoa(max(o.Count, 1)))
	response, err := c.received(ctx, r)
	if err != nil {
		return nil, err
	}
	defer drain(response.Body)
	return readMessages(response.Body)
}

// ReceiveBody peek-locks one message and leaves its body to be read: from the
// ReadCloser, which the caller closes, and within ctx. Body is nil, Size is
// the body's. The rest is as for Receive; Count does not apply.
func (c *Client) ReceiveBody(ctx context.Context, queue string, o ReceiveOptions) (*message.Received, io.ReadCloser, error) {
	return c.open(ctx, &request{
		method: http.MethodPost,
		path:   escape(queue) + "/messages/head",
		query:  o.query(),
	})
}

// Lock peek-locks the message with a sequence number, deferred or waiting. A
// lockDuration of 0 is the queue's own. ErrNotFound says that no such message
// is there, ErrConflict that it is locked already.
func (c *Client) Lock(ctx context.Context, queue string, sequenceNumber int64, lockDuration time.Duration) (*message.Received, error) {
	r := &request{method: http.MethodPost, path: messagePath(queue, sequenceNumber)}
	if lockDuration > 0 {
		r.query = url.Values{"lock-duration": {seconds(lockDuration)}}
	}
	m, body, err := c.open(ctx, r)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	if m.Body, err = io.ReadAll(body); err != nil {
		return nil, err
	}
	m.Size = int64(len(m.Body))
	return m, nil
}

// open makes a request that is answered with one message.
func (c *Client) open(ctx context.Context, r *request) (*message.Received, io.ReadCloser, error) {
	response, err := c.received(ctx, r)
	if err != nil {
		return nil, nil, err
	}
	m, err := fromHeader(response.Header)
	if err != nil {
		drain(response.Body)
		return nil, nil, fmt.Errorf("the broker's message cannot be read: %w", err)
	}
	m.Size = response.ContentLength
	return m, drained{response.Body}, nil
}

// received makes a request for messages; 204 is ErrNoMessage.
func (c *Client) received(ctx context.Context, r *request) (*http.Response, error) {
	response, err := c.do(ctx, r)
	if err != nil {
		return nil, err
	}
	if response.StatusCode == http.StatusNoContent {
		drain(response.Body)
		return nil, ErrNoMessage
	}
	return response, nil
}

// drained is a body whose connection can be used again once it is closed.
type drained struct{ io.ReadCloser }

func (d drained) Close() error {
	drain(d.ReadCloser)
	return nil
}

// readMessages reads message objects, one a line.
func readMessages(lines io.Reader) ([]*message.Received, error) {
	var messages []*message.Received
	for reader := bufio.NewReader(lines); ; {
		line, err := reader.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return messages, err
		}
		if len(bytes.TrimSpace(line)) > 0 {
			m, err := message.ParseReceived(line)
			if err != nil {
				return messages, fmt.Errorf("the broker's message cannot be read: %w", err)
			}
			messages = append(messages, m)
		}
		if err != nil {
			return messages, nil
		}
	}
}
