package main

import (
	"strconv"
	"time"

	"github.com/jitney-mq/jitney/message"
)

// messageJSON returns a message as the object that a broker reads and writes.
func messageJSON(m *message.Received) ([]byte, error) { return message.AppendJSON(nil, m), nil }

func instant(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format("2006-01-02T15:04:05Z")
}

// The columns that a table of messages can have.
var (
	numberColumn     = column[*message.Received]{"NUMBER", func(m *message.Received) string { return strconv.FormatInt(m.SequenceNumber, 10) }}
	idColumn         = column[*message.Received]{"ID", func(m *message.Received) string { return m.ID }}
	labelColumn      = column[*message.Received]{"LABEL", func(m *message.Received) string { return m.Label }}
	statusColumn     = column[*message.Received]{"STATUS", func(m *message.Received) string { return m.Status }}
	enqueuedColumn   = column[*message.Received]{"ENQUEUED", func(m *message.Received) string { return instant(m.EnqueuedAt) }}
	deliveriesColumn = column[*message.Received]{"DELIVERIES", func(m *message.Received) string { return strconv.Itoa(m.DeliveryCount) }}
	lockColumn       = column[*message.Received]{"LOCK", func(m *message.Received) string { return m.Lock }}
	bodyColumn       = column[*message.Received]{"BODY", func(m *message.Received) string { return string(m.Body) }}
)
