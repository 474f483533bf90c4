package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// The settling calls end a lock. Each is ErrGone if the lock is lost: it ran
// out, was settled before, or never was. Without an answer it is unknown
// whether the message is settled; the call can be repeated until the lock's
// end, and ErrGone with the reason "settled" then says that an earlier one was
// carried out.

// Complete says that a message is done: it leaves the queue.
func (c *Client) Complete(ctx context.Context, lock string) error {
	path, err := c.lockPath(lock)
	if err != nil {
		return err
	}
	_, err = c.call(ctx, &request{method: http.MethodDelete, path: path})
	return err
}

// Abandon gives a message back, to be delivered again after the delay, before
// those that came after it. Once it has been delivered as often as the queue
// allows, it is dead-lettered.
func (c *Client) Abandon(ctx context.Context, lock string, delay time.Duration) error {
	query := url.Values{}
	if delay > 0 {
		query.Set("delay", seconds(delay))
	}
	return c.settle(ctx, lock, query)
}

// Release gives a message back as if it had never been delivered.
func (c *Client) Release(ctx context.Context, lock string) error {
	return c.settle(ctx, lock, url.Values{"disposition": {"release"}})
}

// Defer sets a message aside: from now on only Lock finds it.
func (c *Client) Defer(ctx context.Context, lock string) error {
	return c.settle(ctx, lock, url.Values{"disposition": {"defer"}})
}

// DeadLetter moves a message to the dead-letter queue, with a reason in a word
// and a description in a sentence, either of which may be empty.
func (c *Client) DeadLetter(ctx context.Context, lock, reason, description string) error {
	query := url.Values{"disposition": {"dead-letter"}}
	if reason != "" {
		query.Set("reason", reason)
	}
	if description != "" {
		query.Set("description", description)
	}
	return c.settle(ctx, lock, query)
}

// Reschedule has a message delivered again after the delay, at the queue's
// tail, as if for the first time.
func (c *Client) Reschedule(ctx context.Context, lock string, delay time.Duration) error {
	return c.settle(ctx, lock, url.Values{"disposition": {"reschedule"}, "delay": {seconds(delay)}})
}

// Renew starts a lock's time anew and returns when it ends now. A duration of
// 0 is the queue's own.
func (c *Client) Renew(ctx context.Context, lock string, duration time.Duration) (time.Time, error) {
	path, err := c.lockPath(lock)
	if err != nil {
		return time.Time{}, err
	}
	r := &request{method: http.MethodPost, path: path}
	if duration > 0 {
		r.query = url.Values{"lock-duration": {seconds(duration)}}
	}
	answer, _, err := c.document(ctx, r, maxProblem)
	if err != nil {
		return time.Time{}, err
	}
	var renewed struct{ LockedUntilUtc time.Time }
	if err := json.Unmarshal(answer, &renewed); err != nil {
		return time.Time{}, fmt.Errorf("the broker's answer cannot be read: %w", err)
	}
	return renewed.LockedUntilUtc, nil
}

func (c *Client) settle(ctx context.Context, lock string, query url.Values) error {
	path, err := c.lockPath(lock)
	if err != nil {
		return err
	}
	_, err = c.call(ctx, &request{method: http.MethodPut, path: path, query: query})
	return err
}
