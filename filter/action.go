package filter

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/jitney-mq/jitney/message"
)

// Action is a compiled SQL action: statements that set and remove properties.
// It never changes, so any number of goroutines may use it. [S6]
type Action struct{ statements []statement }

// statement is SET property = value, or REMOVE property if value is nil.
type statement struct {
	place    *node // for its column
	property Property
	value    *node
}

// ParseAction compiles an SQL action: SET property = expression and REMOVE
// property, one behind the other, with or without semicolons. Parameters and
// errors are as with Parse.
func ParseAction(text string, parameters map[string]message.Value) (*Action, error) {
	p, err := newParser(text, parameters)
	if err != nil {
		return nil, err
	}
	var a Action
	for first := true; first || p.token.kind != tokenEnd; first = false {
		if len(a.statements) == MaxStatements {
			p.fail(p.token, fmt.Sprintf("at most %d statements", MaxStatements))
		}
		a.statements = append(a.statements, p.statement())
	}
	if p.err != nil {
		return nil, p.err
	}
	return &a, nil
}

func (p *parser) statement() (s statement) {
	t := p.token
	switch {
	case p.accept("SET"):
		s.property = p.target()
		p.expect("=")
		s.value = p.operand(p.sum)
	case p.accept("REMOVE"):
		start := p.token
		if s.property = p.target(); s.property.system == systemMessageID {
			p.fail(start, "another property than MessageId, which every message has")
		}
	default:
		p.fail(t, "SET or REMOVE")
	}
	s.place = p.node(opConstant, t)
	if !p.accept(";") && p.token.kind != tokenEnd && !p.token.is("SET") && !p.token.is("REMOVE") {
		p.fail(p.token, "an operator, SET, REMOVE, ; or the end")
	}
	return s
}

// target reads the property that a statement changes.
func (p *parser) target() Property {
	start := p.token
	n := p.reference()
	if n.op != opProperty {
		p.fail(start, "a property of sys or user")
	}
	return n.property
}

// Apply changes m by the statements in their order, of which each sees what
// those before it did. On an error, one of Filter.Match or ErrProperty, nothing
// has changed. The content of m.Properties is replaced and not changed, so m
// may share it with another message. [S6]
//
// SET makes an application property or gives it another value and type; NULL
// makes it null. A system property is set to a text, and other values but
// bytes become one; TimeToLive to a number of seconds; ScheduledEnqueueTimeUtc
// to a timestamp or a text that is one. NULL clears it, as REMOVE does, but for
// MessageId.
func (a *Action) Apply(m *message.Message) error {
	draft := *m
	draft.Properties = m.Properties.Clone()
	e := evaluation{message: &draft, steps: MaxSteps}
	for _, s := range a.statements {
		if e.apply(s); e.err != nil {
			return e.err
		}
	}
	if err := draft.Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrProperty, err)
	}
	*m = draft
	return nil
}

func (e *evaluation) apply(s statement) {
	var v message.Value
	if s.value != nil {
		if v = e.value(s.value); e.err != nil {
			return
		}
	}
	if err := s.change(e.message, v); err != nil {
		e.fail(s.place, fmt.Errorf("%w: %s: %w", ErrProperty, s.property, err))
	}
}

// change sets the property of a statement to v or removes it.
func (s statement) change(m *message.Message, v message.Value) error {
	if s.property.system > 0 {
		return s.property.setSystem(m, v)
	}
	name, _, _ := s.property.find(m)
	switch {
	case s.value == nil:
		m.Properties.Delete(name)
	case v == message.AMQP(nil):
		return errors.New("an object or array of the body")
	default:
		m.Properties.Set(name, v)
	}
	return nil
}

// setSystem sets a system property; NULL clears it.
func (p Property) setSystem(m *message.Message, v message.Value) error {
	switch p.system {
	case systemTimeToLive:
		return setTimeToLive(m, v)
	case systemScheduled:
		return schedule(m, v)
	}
	if v.Kind() == message.KindBinary || v.Kind() == message.KindAMQP {
		return errors.New("want a text")
	}
	text := v.String()
	switch {
	case p.system == systemMessageID && text == "":
		return errors.New("want a text that is not empty")
	case p.system != systemSessionID:
		*systemProperties[p.system-1].of(m) = text
	case v.Kind() == message.KindNull:
		m.SessionID = nil
	default:
		m.SessionID = &text
	}
	return nil
}

// setTimeToLive takes seconds; more than a time.Duration can hold is no limit.
func setTimeToLive(m *message.Message, v message.Value) error {
	if v.Kind() == message.KindNull {
		m.TimeToLive = 0
		return nil
	}
	seconds, ok := number(v)
	nanos := math.Ceil(seconds * float64(time.Second))
	switch {
	case !ok || !(nanos > 0):
		return fmt.Errorf("want a number of seconds greater than 0, not %.100q", v.String())
	case nanos >= math.MaxInt64:
		nanos = 0
	}
	m.TimeToLive = time.Duration(nanos)
	return nil
}

// schedule takes a timestamp or what message.ParseInstant reads. An instant
// before 1970 is long past and means at once.
func schedule(m *message.Message, v message.Value) error {
	var at time.Time
	switch v.Kind() {
	case message.KindNull:
	case message.KindTimestamp:
		at = v.Time()
	default:
		var err error
		if at, err = message.ParseInstant("ScheduledEnqueueTimeUtc", v.Text()); err != nil {
			return err
		}
	}
	if at.Unix() < 0 {
		at = time.Time{}
	}
	m.ScheduledAt = at
	return nil
}

// String returns the action as SQL in one spelling, which ParseAction takes
// with the same parameters unless it became longer than MaxTextCharacters.
func (a *Action) String() string {
	texts := make([]string, len(a.statements))
	for i, s := range a.statements {
		if s.value == nil {
			texts[i] = "REMOVE " + s.property.String()
		} else {
			texts[i] = "SET " + s.property.String() + " = " + render(s.value)
		}
	}
	return strings.Join(texts, "; ")
}
