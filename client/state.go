package client

import (
	"context"
	"strconv"
	"time"

	"github.com/jitney-mq/jitney/atom"
)

// State is what a name with a role holds and does at the moment. What does not
// apply to its role is nil.
type State struct {
	Counts *Counts     `json:"counts,omitempty"` // of a queue, of a subscription, of what waits at a router
	Routed *Routed     `json:"routed,omitempty"` // of a router
	Push   *PushHealth `json:"push,omitempty"`   // of a subscription whose messages are pushed
}

// Routed is what a router has done since the broker was started.
type Routed struct {
	Subscriptions int64 `json:"subscriptions"` // at the moment
	Deliveries    int64 `json:"deliveries"`    // to all of them
	Unrouted      int64 `json:"unrouted"`      // messages that no subscription took
}

// PushHealth is how the endpoint of a subscription behaves.
type PushHealth struct {
	Open       bool      `json:"open"`                 // its circuit is: it is tried now and then
	Consented  bool      `json:"consented"`            // it has agreed to be pushed to
	Failures   int64     `json:"failures"`             // one after the other, up to now
	RetryAt    time.Time `json:"retryAt,omitzero"`     // when it is tried again; zero: with the next message
	FailedAt   time.Time `json:"failedAt,omitzero"`    // the last failure; zero: there was none
	LastStatus int64     `json:"lastStatus,omitempty"` // of the last failure; 0: it did not answer
	LastError  string    `json:"lastError,omitempty"`  // of the last failure
}

// State returns the state of a name; ErrNotFound if it has no role.
func (c *Client) State(ctx context.Context, name string) (State, error) {
	entry, err := c.show(ctx, name)
	if err != nil {
		return State{}, err
	}
	return stateOf(entry), nil
}

func stateOf(entry *atom.Entry) (s State) {
	if counts, shown := CountsOf(entry); shown {
		s.Counts = &counts
	}
	if details := extension(entry, "RouterDetails"); details != nil {
		s.Routed = &Routed{
			Subscriptions: number(details, "SubscriptionCount"),
			Deliveries:    number(details, "DeliveryCount"),
			Unrouted:      number(details, "UnroutedMessageCount"),
		}
	}
	if details := extension(entry, "PushDetails"); details != nil {
		s.Push = &PushHealth{
			Open:       childText(details, "Circuit") == "Open",
			Consented:  childText(details, "Consented") == "true",
			Failures:   number(details, "FailureCount"),
			RetryAt:    instantIn(details, "RetryAt"),
			FailedAt:   instantIn(details, "LastFailureAt"),
			LastStatus: number(details, "LastStatus"),
			LastError:  childText(details, "LastError"),
		}
	}
	return s
}

// childText returns the text of the child that has a name, or "".
func childText(e *atom.Element, name string) string {
	for i := range e.Children {
		if e.Children[i].Name.Local == name {
			return e.Children[i].Text
		}
	}
	return ""
}

// number returns the number of a child; what is none is shown as 0.
func number(e *atom.Element, name string) int64 {
	n, _ := strconv.ParseInt(childText(e, name), 10, 64)
	return n
}

// instantIn returns the instant of a child; what is none is shown as zero.
func instantIn(e *atom.Element, name string) time.Time {
	at, _ := time.Parse(time.RFC3339Nano, childText(e, name))
	return at
}
