package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/jitney-mq/jitney/message"
)

// Trial is what would become of a message that is sent to a router.
type Trial struct {
	Deliveries    int           `json:"deliveries"` // subscriptions that would get it
	Subscriptions []TrialResult `json:"subscriptions"`
}

// TrialResult is what one subscription of a router would make of a message.
type TrialResult struct {
	Name    string  `json:"name"`
	To      string  `json:"to,omitempty"` // its subscriber, a name or a URL; empty: receivers pull
	Matches bool    `json:"matches"`
	Rule    string  `json:"rule,omitempty"`   // the one that lets the message pass
	Error   string  `json:"error,omitempty"`  // of a rule that failed: the dead-letter queue gets the message
	Status  string  `json:"status"`           // of its policy, such as Active
	Chance  float64 `json:"chance,omitempty"` // to get the message, where only one of several does
	Next    *Trial  `json:"next,omitempty"`   // what becomes of it at a subscriber that is a router
}

// maxTrial bounds the answer to Try, in bytes.
const maxTrial = 64 << 20

// Try asks what would become of a message that is sent to a router. Nothing is
// sent. ErrInvalid says that the name is no router.
func (c *Client) Try(ctx context.Context, router string, m *message.Message) (*Trial, error) {
	if err := m.Validate(); err != nil {
		return nil, err
	}
	r := &request{
		method: http.MethodPost,
		path:   escape(router) + "/messages",
		query:  url.Values{"dry-run": {"true"}},
		header: propertyHeader(m),
		body:   present(m.Body),
	}
	if !m.ScheduledAt.IsZero() {
		r.query.Set("scheduled-enqueue-time", m.ScheduledAt.UTC().Format(time.RFC3339Nano))
	}
	answer, _, err := c.document(ctx, r, maxTrial)
	if err != nil {
		return nil, err
	}
	t := new(Trial)
	if err := json.Unmarshal(answer, t); err != nil {
		return nil, fmt.Errorf("the broker's answer cannot be read: %w", err)
	}
	return t, nil
}
