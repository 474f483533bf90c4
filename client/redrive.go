package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// RedriveOptions say which dead letters go where. The zero value sends all of
// them back to the queue that they are the dead letters of.
type RedriveOptions struct {
	To    string // the name to send them to; empty: their own queue
	Count int    // at most; 0: all
}

// DeadLetterQueue is the last segment of the name of a queue's dead-letter queue.
const DeadLetterQueue = "$DeadLetterQueue"

// Redrive sends a queue's dead letters, the oldest first, to a queue's tail as
// if for the first time, and returns how many. It goes in steps: without an
// answer some of them may have moved, and a repeated call moves the rest.
func (c *Client) Redrive(ctx context.Context, queue string, o RedriveOptions) (int64, error) {
	query := url.Values{}
	if o.To != "" {
		query.Set("to", "/"+strings.TrimPrefix(o.To, "/"))
	}
	if o.Count > 0 {
		query.Set("count", strconv.Itoa(o.Count))
	}
	answer, _, err := c.document(ctx, &request{
		method: http.MethodPost,
		path:   escape(queue) + "/" + DeadLetterQueue + "/messages/redrive",
		query:  query,
		header: headers("Accept", "application/json"),
	}, maxProblem)
	if err != nil {
		return 0, err
	}
	var result struct{ Redriven int64 }
	if err := json.Unmarshal(answer, &result); err != nil {
		return 0, fmt.Errorf("the broker's answer cannot be read: %w", err)
	}
	return result.Redriven, nil
}
