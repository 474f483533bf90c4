package message

import (
	"strings"
	"unicode/utf8"

	"github.com/jitney-mq/jitney/problem"
)

// field is a text property that the broker knows by name, with its names in
// BrokerProperties, in a message's JSON object and in a query.
type field struct {
	azure, json, query string
	max                int                    // characters
	of                 func(*Message) *string // nil for the session id, which can be absent and empty
}

// fields are all of them. Their order is part of the envelope's format.
var fields = [...]field{
	{"MessageId", "messageId", "message-id", MaxIDCharacters, func(m *Message) *string { return &m.ID }},
	{"SessionId", "sessionId", "session-id", MaxIDCharacters, nil},
	{"CorrelationId", "correlationId", "correlation-id", MaxTextCharacters, func(m *Message) *string { return &m.CorrelationID }},
	{"Label", "label", "label", MaxTextCharacters, func(m *Message) *string { return &m.Label }},
	{"To", "to", "to", MaxTextCharacters, func(m *Message) *string { return &m.To }},
	{"ReplyTo", "replyTo", "reply-to", MaxTextCharacters, func(m *Message) *string { return &m.ReplyTo }},
	{"ReplyToSessionId", "replyToSessionId", "reply-to-session-id", MaxIDCharacters, func(m *Message) *string { return &m.ReplyToSessionID }},
	{"PartitionKey", "partitionKey", "partition-key", MaxIDCharacters, func(m *Message) *string { return &m.PartitionKey }},
	{"ContentType", "contentType", "", MaxTextCharacters, func(m *Message) *string { return &m.ContentType }},
	{"ContentEncoding", "contentEncoding", "", MaxTextCharacters, func(m *Message) *string { return &m.ContentEncoding }},
	{"ContentLanguage", "contentLanguage", "", MaxTextCharacters, func(m *Message) *string { return &m.ContentLanguage }},
}

// The places in fields that code asks for.
const (
	fieldContentType = 8 // the first of three that HTTP has headers for
	fieldCount       = len(fields)
)

// get returns the field's text and whether the message has it.
func (f *field) get(m *Message) (text string, ok bool) {
	if f.of != nil {
		text = *f.of(m)
		return text, text != ""
	}
	if m.SessionID == nil {
		return "", false
	}
	return *m.SessionID, true
}

// put stores text without a check.
func (f *field) put(m *Message, text string) {
	if f.of == nil {
		session := text // a variable of its own, so that the others stay off the heap
		m.SessionID = &session
		return
	}
	*f.of(m) = text
}

// set checks text, which the client gave as the element prefix + name, and
// stores it.
func (f *field) set(m *Message, prefix, name, text string) error {
	if err := f.check(prefix, name, text); err != nil {
		return err
	}
	f.put(m, text)
	return nil
}

func (f *field) check(prefix, name, text string) error {
	switch {
	case !utf8.ValidString(text):
		return problem.NewField(prefix+name, text, "UTF-8")
	case len(text) > f.max && utf8.RuneCountInString(text) > f.max:
		return problem.NewField(prefix+name, text, "at most %d characters", f.max)
	case f.isHeader() && !isPrintable(text):
		return problem.NewField(prefix+name, text, "printable ASCII characters")
	}
	return nil
}

// isHeader reports whether the field describes the body and so is a header of
// its own in HTTP.
func (f *field) isHeader() bool { return strings.HasPrefix(f.azure, "Content") }

// isPrintable reports whether s can stand in a header: ASCII, no control
// characters, no space at its ends.
func isPrintable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return s == "" || s[0] != ' ' && s[len(s)-1] != ' '
}
