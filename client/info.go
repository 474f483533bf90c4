package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Info is what a broker says about itself.
type Info struct {
	Version   string          `json:"version"`
	StartedAt time.Time       `json:"started"`
	RelayPort int             `json:"relayPort"` // of the address at which it relays and does nothing else; 0: there is none
	Document  json.RawMessage `json:"-"`         // all of it
}

// Info asks the broker about itself.
func (c *Client) Info(ctx context.Context) (Info, error) {
	answer, _, err := c.document(ctx, &request{method: http.MethodGet, path: "/-/info"}, maxProblem)
	if err != nil {
		return Info{}, err
	}
	info := Info{Document: answer}
	if err := json.Unmarshal(answer, &info); err != nil {
		return Info{}, fmt.Errorf("the broker's answer cannot be read: %w", err)
	}
	return info, nil
}
