package filter

import "github.com/jitney-mq/jitney/message"

// Conditions are what a correlation filter asks of a message. The zero value
// asks nothing.
type Conditions struct {
	MessageID        string // this and the other strings: empty asks nothing
	CorrelationID    string
	Label            string
	To               string
	ReplyTo          string
	ReplyToSessionID string
	ContentType      string
	SessionID        *string            // nil asks nothing
	Properties       message.Properties // each one has to be there and equal
}

// Correlation returns the filter that is true if all conditions are. Values
// compare as with = in SQL. [S6]
func Correlation(c Conditions) *Filter {
	root := &node{op: opAnd}
	add := func(p Property, v message.Value) {
		root.operands = append(root.operands, equality(p, v))
	}
	for _, text := range [...]struct {
		system uint8
		value  string
	}{
		{systemMessageID, c.MessageID}, {systemCorrelationID, c.CorrelationID}, {systemLabel, c.Label}, {systemTo, c.To},
		{systemReplyTo, c.ReplyTo}, {systemReplyToSessionID, c.ReplyToSessionID}, {systemContentType, c.ContentType},
	} {
		if text.value != "" {
			add(Property{system: text.system}, message.String(text.value))
		}
	}
	if c.SessionID != nil {
		add(Property{system: systemSessionID}, message.String(*c.SessionID))
	}
	for name, v := range c.Properties.All() {
		add(Property{name: name}, v)
	}
	switch len(root.operands) {
	case 0:
		return All()
	case 1:
		return newFilter(root.operands[0])
	}
	return newFilter(root)
}

func equality(p Property, v message.Value) *node {
	constant := newConstant(v)
	if !isWritable(v) {
		constant.parameter = p.name
	}
	return &node{op: opEqual, operands: []*node{{op: opProperty, property: p}, constant}}
}
