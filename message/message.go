// Package message is the unit of transfer: a body with the properties that its
// sender gave it, and the forms that it takes in storage, in HTTP headers and
// in JSON.
package message

import (
	"time"

	"github.com/jitney-mq/jitney/problem"
)

// Limits of a message.
const (
	MaxIDCharacters           = 128      // of ID, SessionID, ReplyToSessionID and PartitionKey
	MaxTextCharacters         = 1024     // of every other text that the broker knows by name
	MaxPropertyNameCharacters = 255      // of the name of an application property
	MaxPropertiesBytes        = 64 << 10 // of all application properties, as Properties.Size counts
)

// maxInstant bounds ScheduledAt: an instant before it has nanoseconds since
// 1970 that fit into 63 bits.
var maxInstant = time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC)

// Message is what a sender hands to the broker. Its strings are valid UTF-8.
type Message struct {
	ID               string        // chosen by the sender; the broker fills one in when empty
	SessionID        *string       // nil = none; "" is a session like any other
	CorrelationID    string        // the ID of the message that this one answers
	Label            string        // what it is about
	To               string        // the address that it is for
	ReplyTo          string        // the address that an answer goes to
	ReplyToSessionID string        // the session that an answer goes to
	PartitionKey     string        // what keeps related messages together
	ContentType      string        // the body's media type
	ContentEncoding  string        // the body's, as in HTTP
	ContentLanguage  string        // the body's, as in HTTP
	TimeToLive       time.Duration // from the moment it is enqueued; 0 = no limit
	ScheduledAt      time.Time     // when receivers may see it; zero = at once
	Properties       Properties    // the application's own
	Body             []byte        // immutable once sent
}

// Validate returns the first thing that breaks a limit, as a *problem.Field
// with Azure's name for it. What the package reads from a client keeps the
// limits already; a message that was put together otherwise is to be checked
// before it is stored.
func (m *Message) Validate() error {
	for i := range fields {
		f := &fields[i]
		if s, ok := f.get(m); ok {
			if err := f.check("", f.azure, s); err != nil {
				return err
			}
		}
	}
	if m.TimeToLive < 0 {
		return problem.NewField("TimeToLive", m.TimeToLive.String(), wantTimeToLive)
	}
	if err := checkSchedule("ScheduledEnqueueTimeUtc", m.ScheduledAt); err != nil {
		return err
	}
	return m.Properties.check("")
}

// schedule checks and sets ScheduledAt. An instant before 1970 is long past
// and means at once, as .NET's smallest date does.
func (m *Message) schedule(element string, at time.Time) error {
	if at.Unix() < 0 {
		at = time.Time{}
	}
	m.ScheduledAt = at.UTC().Round(0)
	return checkSchedule(element, at)
}

func checkSchedule(element string, at time.Time) error {
	if !at.Before(maxInstant) {
		return problem.NewField(element, at.Format(time.RFC3339), "an instant before the year 2262")
	}
	return nil
}

// isScheduled reports whether ScheduledAt says anything.
func (m *Message) isScheduled() bool { return m.ScheduledAt.Unix() >= 0 }
