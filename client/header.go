package client

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/jitney-mq/jitney/message"
)

// brokerFields are the members of a BrokerProperties header that the broker
// adds to a sender's own.
type brokerFields struct {
	SequenceNumber             int64
	EnqueuedSequenceNumber     int64
	EnqueuedTimeUtc            instant
	DeliveryCount              int
	LockToken                  string
	LockedUntilUtc             instant
	State                      string
	DeadLetterReason           string
	DeadLetterErrorDescription string
	DeadLetterSource           string
}

// instant is a time as BrokerProperties has it.
type instant struct{ time.Time }

func (i *instant) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	at, err := message.ParseInstant("BrokerProperties", text)
	i.Time = at
	return err
}

// messageHeaders are those of an answer that say all of a message. What else
// there is repeats them, or comes from a proxy.
var messageHeaders = []string{
	"Brokerproperties", "Jitney-Properties", "Content-Type", "Content-Encoding", "Content-Language",
}

// fromHeader reads a message's properties, the broker's own included, from the
// headers of an answer.
func fromHeader(answer http.Header) (*message.Received, error) {
	h := http.Header{}
	for _, name := range messageHeaders {
		if values := answer[name]; len(values) > 0 {
			h[name] = values
		}
	}
	m := &message.Message{}
	if err := message.FromHeader(h, m); err != nil {
		return nil, err
	}
	var f brokerFields
	if text := h.Get("BrokerProperties"); text != "" {
		if err := json.Unmarshal([]byte(text), &f); err != nil {
			return nil, err
		}
	}
	return &message.Received{
		Message:                m,
		SequenceNumber:         f.SequenceNumber,
		EnqueuedSequenceNumber: f.EnqueuedSequenceNumber,
		EnqueuedAt:             f.EnqueuedTimeUtc.Time,
		DeliveryCount:          f.DeliveryCount,
		LockToken:              f.LockToken,
		Lock:                   answer.Get("Location"),
		LockedUntil:            f.LockedUntilUtc.Time,
		State:                  f.State,
		DeadLetterReason:       f.DeadLetterReason,
		DeadLetterDescription:  f.DeadLetterErrorDescription,
		DeadLetterSource:       f.DeadLetterSource,
	}, nil
}
