package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/jitney-mq/jitney/problem"
)

// Disposition is what becomes of a message whose lock is settled.
type Disposition string

// The dispositions; the settling methods of Client say what each does.
const (
	Complete   Disposition = "complete"
	Abandon    Disposition = "abandon"
	Release    Disposition = "release"
	Defer      Disposition = "defer"
	DeadLetter Disposition = "dead-letter"
	Reschedule Disposition = "reschedule"
)

// Dispositions returns all of them.
func Dispositions() []Disposition {
	return []Disposition{Complete, Abandon, Release, Defer, DeadLetter, Reschedule}
}

// Settlement ends one lock.
type Settlement struct {
	Lock        string // its URI
	Disposition Disposition
	Delay       time.Duration // of Abandon and Reschedule
	Reason      string        // of DeadLetter, in a word
	Description string        // of DeadLetter, in a sentence
}

// maxSettled bounds the answer to Settle, in bytes.
const maxSettled = 16 << 20

// Settle ends many locks of one queue in one commit. It returns an error for
// each settlement, nil where it was carried out, in the order given; or one
// error if it cannot say, and then what each settling method says about an
// unknown outcome holds for all of them.
func (c *Client) Settle(ctx context.Context, queue string, settlements []Settlement) ([]error, error) {
	body, err := c.settleBody(settlements)
	if err != nil {
		return nil, err
	}
	answer, _, err := c.document(ctx, &request{
		method: http.MethodPost,
		path:   escape(queue) + "/messages/settle",
		header: headers("Content-Type", "application/json", "Accept", "application/json"),
		body:   body,
	}, maxSettled)
	if err != nil {
		return nil, err
	}
	return settleResults(answer, len(settlements))
}

// settlementJSON is one item of a settle request.
type settlementJSON struct {
	Lock        string      `json:"lock"`
	Disposition Disposition `json:"disposition"`
	Delay       string      `json:"delay,omitempty"`
	Reason      string      `json:"reason,omitempty"`
	Description string      `json:"description,omitempty"`
}

func (c *Client) settleBody(settlements []Settlement) ([]byte, error) {
	items := make([]settlementJSON, len(settlements))
	for i, s := range settlements {
		lock, err := c.lockPath(s.Lock)
		if err != nil {
			return nil, err
		}
		items[i] = settlementJSON{Lock: lock, Disposition: s.Disposition, Reason: s.Reason, Description: s.Description}
		if s.Delay > 0 {
			items[i].Delay = seconds(s.Delay)
		}
	}
	return json.Marshal(items)
}

func settleResults(answer []byte, want int) ([]error, error) {
	var results []problem.Document // of those carried out, only the status
	if err := json.Unmarshal(answer, &results); err != nil {
		return nil, fmt.Errorf("the broker's results cannot be read: %w", err)
	}
	return errorsOf(results, want)
}

// errorsOf returns the errors of results, nil for those that were carried out.
func errorsOf(results []problem.Document, want int) ([]error, error) {
	if len(results) != want {
		return nil, fmt.Errorf("the broker answered %d results for %d settlements", len(results), want)
	}
	errs := make([]error, want)
	for i, r := range results {
		if r.Status/100 != 2 {
			e := &Error{Status: r.Status, Document: r}
			errs[i] = e.complete()
		}
	}
	return errs, nil
}
