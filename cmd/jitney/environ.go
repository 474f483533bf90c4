package main

import (
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jitney-mq/jitney/message"
)

// commandEnviron returns the environment of a command that works on a message:
// the program's own, and what is known of the message. What cannot stand in
// an environment, a value with a NUL, is left out.
func commandEnviron(url, queue string, m *message.Received) []string {
	env := os.Environ()
	add := func(name, value string) {
		if !strings.ContainsRune(value, 0) {
			env = append(env, "JITNEY_"+name+"="+value)
		}
	}
	session := ""
	if m.SessionID != nil {
		session = *m.SessionID
	}
	add("URL", url)
	add("NAME", queue)
	add("LOCK", m.Lock)
	add("MESSAGE_ID", m.ID)
	add("LABEL", m.Label)
	add("CONTENT_TYPE", m.ContentType)
	add("CORRELATION_ID", m.CorrelationID)
	add("SESSION_ID", session)
	add("TO", m.To)
	add("REPLY_TO", m.ReplyTo)
	add("SEQUENCE_NUMBER", strconv.FormatInt(m.SequenceNumber, 10))
	add("DELIVERY_COUNT", strconv.Itoa(m.DeliveryCount))
	add("ENQUEUED_AT", m.EnqueuedAt.UTC().Format(time.RFC3339Nano))
	add("PROPERTIES", string(message.AppendProperties(nil, m.Properties)))
	for name, value := range m.Properties.All() {
		add("PROPERTY_"+variableName(name), value.String())
	}
	return env
}

// variableName replaces what a shell does not take in a variable's name.
func variableName(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return '_'
	}, name)
}
