package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/jitney-mq/jitney/message"
)

// messageFlags are the flags that describe a message.
type messageFlags struct {
	id            string
	label         string
	contentType   string
	sessionID     string
	hasSession    bool // "" is a session like any other
	correlationID string
	to            string
	replyTo       string
	timeToLive    duration
	delay         duration
	properties    properties
}

// messageFlagNames are the flags that add adds.
var messageFlagNames = []string{
	"id", "label", "content-type", "session-id", "correlation-id", "to", "reply-to", "ttl", "delay", "property",
}

// add adds the flags to cmd. No setting gives them a value: jitney work has
// variables of the same names for the commands that it runs, and what those
// send is not to look like what they got.
func (f *messageFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.id, "id", "", "the message's `id`")
	flags.StringVar(&f.label, "label", "", "what it is about, in a `word`")
	flags.StringVar(&f.contentType, "content-type", "", "the body's media `type`")
	flags.StringVar(&f.sessionID, "session-id", "", "the `session` that it belongs to")
	flags.StringVar(&f.correlationID, "correlation-id", "", "the `id` of the message that it answers")
	flags.StringVar(&f.to, "to", "", "the `address` that it is for")
	flags.StringVar(&f.replyTo, "reply-to", "", "the `address` that an answer goes to")
	flags.Var(&f.timeToLive, "ttl", "how long it is of use, such as 30s; 0: for ever")
	flags.Var(&f.delay, "delay", "how long until receivers see it, by this machine's clock")
	flags.Var(&f.properties, "property", "an application property, as often as needed: a number or a boolean is one, the rest is text; name:kind=value states string, int, double, bool, timestamp, uuid or binary")
	markCommandLineOnly(cmd, messageFlagNames...)
}

// message returns a message without a body. The content type is the given one
// unless a flag says otherwise.
func (f *messageFlags) message(contentType string) *message.Message {
	if f.contentType != "" {
		contentType = f.contentType
	}
	m := &message.Message{
		ID:            f.id,
		Label:         f.label,
		ContentType:   contentType,
		CorrelationID: f.correlationID,
		To:            f.to,
		ReplyTo:       f.replyTo,
		TimeToLive:    time.Duration(f.timeToLive),
		Properties:    f.properties.Properties,
	}
	if f.hasSession {
		m.SessionID = &f.sessionID
	}
	if f.delay > 0 {
		m.ScheduledAt = time.Now().Add(time.Duration(f.delay))
	}
	return m
}
