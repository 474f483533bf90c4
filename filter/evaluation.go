package filter

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/jitney-mq/jitney/message"
)

// truth is the value of a condition: NOT is the negative, AND the smaller and
// OR the larger of two. [S6]
type truth int8

const (
	refuted truth = iota - 1
	unknown
	certain
)

func truthOf(b bool) truth {
	if b {
		return certain
	}
	return refuted
}

// evaluation is one run of a filter or an action over a message. The first
// error is kept in err and decides; what is computed after it is void.
type evaluation struct {
	message *message.Message
	steps   int // that are left
	body    bodyState
	err     error
}

func (e *evaluation) fail(n *node, err error) {
	if e.err == nil {
		e.err = fmt.Errorf("column %d: %w", n.column, err)
	}
}

// spend counts the work of n and reports whether it may be done.
func (e *evaluation) spend(n *node, steps int) bool {
	e.steps -= steps
	if e.steps < 0 {
		e.fail(n, ErrTooMuch)
	}
	return e.err == nil
}

// test evaluates a condition.
func (e *evaluation) test(n *node) truth {
	switch n.op {
	case opAnd:
		return e.and(n.operands)
	case opOr:
		return e.or(n.operands)
	case opNot:
		return -e.test(n.operands[0])
	case opIsNull:
		v := e.value(n.operands[0])
		return truthOf(v.Kind() == message.KindNull)
	case opExists:
		return truthOf(e.exists(n.operands[0]))
	case opIn:
		return e.in(n.operands)
	case opLike:
		return e.like(n)
	case opEqual, opUnequal, opLess, opLessEqual, opGreater, opGreaterEqual:
		left := e.value(n.operands[0])
		return compare(n.op, left, e.value(n.operands[1]))
	}
	return e.bare(n)
}

func (e *evaluation) and(operands []*node) truth {
	t := certain
	for _, n := range operands {
		if t = min(t, e.test(n)); t == refuted || e.err != nil {
			break
		}
	}
	return t
}

func (e *evaluation) or(operands []*node) truth {
	t := refuted
	for _, n := range operands {
		if t = max(t, e.test(n)); t == certain || e.err != nil {
			break
		}
	}
	return t
}

// bare is a value that stands as a condition.
func (e *evaluation) bare(n *node) truth {
	switch v := e.value(n); v.Kind() {
	case message.KindBool:
		return truthOf(v.Bool())
	case message.KindNull:
		return unknown
	}
	e.fail(n, fmt.Errorf("%w: a condition has to be a boolean", ErrType))
	return unknown
}

func (e *evaluation) exists(n *node) bool {
	_, ok := e.reference(n)
	return ok
}

// in compares the first operand with the others until one is equal.
func (e *evaluation) in(operands []*node) truth {
	left := e.value(operands[0])
	if left.Kind() == message.KindNull {
		return unknown
	}
	t := refuted
	for _, n := range operands[1:] {
		if t = max(t, compare(opEqual, left, e.value(n))); t == certain || e.err != nil {
			break
		}
	}
	return t
}

// value evaluates an expression.
func (e *evaluation) value(n *node) message.Value {
	switch n.op {
	case opConstant:
		return n.value
	case opProperty:
		v, _ := e.get(n, n.property)
		return v
	case opBody, opNamed:
		v, _ := e.reference(n)
		return v
	case opNewID:
		return message.UUID(uuid.New())
	case opPlus, opMinus:
		return e.signed(n, e.value(n.operands[0]))
	}
	left := e.value(n.operands[0])
	return e.arithmetic(n, left, e.value(n.operands[1]))
}

// reference returns the value of a property, NULL if there is none, and
// whether there is one.
func (e *evaluation) reference(n *node) (v message.Value, ok bool) {
	switch n.op {
	case opBody:
		return e.bodyMember(n)
	case opNamed:
		return e.named(n)
	}
	return e.get(n, n.property)
}

// get counts what looking for a name in another case costs.
func (e *evaluation) get(n *node, p Property) (v message.Value, ok bool) {
	v, ok = p.get(e.message)
	if !ok && p.system == 0 {
		e.spend(n, e.message.Properties.Len())
	}
	return v, ok
}

// named is property(e).
func (e *evaluation) named(n *node) (v message.Value, ok bool) {
	name := e.value(n.operands[0])
	switch name.Kind() {
	case message.KindNull:
		return v, false
	case message.KindString:
	default:
		e.fail(n, fmt.Errorf("%w: the name of a property has to be a string", ErrType))
		return v, false
	}
	p, ok := parseProperty(name.Text())
	if !ok {
		e.fail(n, fmt.Errorf("%w: %.100q", ErrUnknownProperty, name.Text()))
		return v, false
	}
	return e.get(n, p)
}
