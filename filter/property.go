package filter

import (
	"strings"

	"github.com/jitney-mq/jitney/message"
)

// Property is a system or application property as a filter names it. Equal
// ones are the same with ==.
type Property struct {
	system uint8  // the place in systemProperties, from 1; 0 for an application's own
	name   string // of an application property
}

// systemText is a system property that is a text.
type systemText struct {
	name string
	of   func(*message.Message) *string // nil for what is no plain string
}

// systemProperties are the names behind sys. The places are those below, from
// 1.
var systemProperties = [...]systemText{
	{"MessageId", func(m *message.Message) *string { return &m.ID }},
	{"CorrelationId", func(m *message.Message) *string { return &m.CorrelationID }},
	{"Label", func(m *message.Message) *string { return &m.Label }},
	{"To", func(m *message.Message) *string { return &m.To }},
	{"ReplyTo", func(m *message.Message) *string { return &m.ReplyTo }},
	{"ReplyToSessionId", func(m *message.Message) *string { return &m.ReplyToSessionID }},
	{"PartitionKey", func(m *message.Message) *string { return &m.PartitionKey }},
	{"ContentType", func(m *message.Message) *string { return &m.ContentType }},
	{"ContentEncoding", func(m *message.Message) *string { return &m.ContentEncoding }},
	{"ContentLanguage", func(m *message.Message) *string { return &m.ContentLanguage }},
	{"SessionId", nil},
	{"TimeToLive", nil},
	{"ScheduledEnqueueTimeUtc", nil},
}

const (
	systemMessageID = iota + 1
	systemCorrelationID
	systemLabel
	systemTo
	systemReplyTo
	systemReplyToSessionID
	_
	systemContentType
	_
	_
	systemSessionID
	systemTimeToLive
	systemScheduled
)

const wantSystem = "a system property: MessageId, SessionId, CorrelationId, Label, Subject, To, ReplyTo, ReplyToSessionId, " +
	"PartitionKey, ContentType, ContentEncoding, ContentLanguage, TimeToLive or ScheduledEnqueueTimeUtc"

// systemProperty returns the property of a name in any case.
func systemProperty(name string) (p Property, ok bool) {
	if strings.EqualFold(name, "Subject") {
		return Property{system: systemLabel}, true
	}
	for i := range systemProperties {
		if strings.EqualFold(systemProperties[i].name, name) {
			return Property{system: uint8(i + 1)}, true
		}
	}
	return Property{}, false
}

// parseProperty returns the property that property(text) is: behind the scope
// sys. or user. the name as it is, and without a scope an application's own.
func parseProperty(text string) (p Property, ok bool) {
	if name, ok := cutFold(text, "sys."); ok {
		return systemProperty(name)
	}
	if name, ok := cutFold(text, "user."); ok {
		text = name
	}
	return Property{name: text}, true
}

func cutFold(s, prefix string) (rest string, ok bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return "", false
	}
	return s[len(prefix):], true
}

// String returns the property as it stands in SQL.
func (p Property) String() string {
	if p.system > 0 {
		return "sys." + systemProperties[p.system-1].name
	}
	return identifier(p.name)
}

// Of returns the value that m has for the property, as the Value of a Term is:
// if it is == to it then the term holds. It is not ok if there is none or it
// equals nothing. [S6]
func (p Property) Of(m *message.Message) (v message.Value, ok bool) {
	v, _ = p.get(m)
	return canonical(v)
}

// get returns the value of the property, NULL if m has none, and whether it
// has.
func (p Property) get(m *message.Message) (message.Value, bool) {
	if p.system > 0 {
		v := p.systemValue(m)
		return v, v.Kind() != message.KindNull
	}
	_, v, ok := p.find(m)
	return v, ok
}

// find returns an application property and the name that m has for it; if it
// has none, that of p.
func (p Property) find(m *message.Message) (name string, v message.Value, ok bool) {
	if v, ok := m.Properties.Get(p.name); ok {
		return p.name, v, true
	}
	for name, v := range m.Properties.All() {
		if strings.EqualFold(name, p.name) {
			return name, v, true
		}
	}
	return p.name, v, false
}

func (p Property) systemValue(m *message.Message) message.Value {
	switch p.system {
	case systemSessionID:
		if m.SessionID != nil {
			return message.String(*m.SessionID)
		}
	case systemTimeToLive:
		if m.TimeToLive > 0 {
			return message.Double(m.TimeToLive.Seconds())
		}
	case systemScheduled:
		if m.ScheduledAt.Unix() >= 0 {
			return message.Timestamp(m.ScheduledAt)
		}
	default:
		if text := *systemProperties[p.system-1].of(m); text != "" {
			return message.String(text)
		}
	}
	return message.Value{}
}
