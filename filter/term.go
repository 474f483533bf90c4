package filter

import (
	"math"
	"slices"

	"github.com/jitney-mq/jitney/message"
)

// Term is an equality of a property and a constant. Terms are comparable, so a
// map can find the filters that may match a message: for each Property of its
// keys it holds those behind Term{property, value} with the value of
// Property.Of. [S6]
type Term struct {
	Property Property
	Value    message.Value // never NULL; an integer is the nearest double
}

// Terms returns equalities that hold for every message that the filter
// matches; what it compares in the body is not among them. Holding is as
// Property.Of has it, so of integers beyond 2⁵³ it is less than equality. The
// caller must not change the slice.
func (f *Filter) Terms() []Term { return f.terms }

func termsOf(terms []Term, n *node) []Term {
	switch n.op {
	case opAnd:
		for _, operand := range n.operands {
			terms = termsOf(terms, operand)
		}
	case opEqual, opIn:
		if len(n.operands) != 2 {
			return terms
		}
		t, ok := newTerm(n.operands[0], n.operands[1])
		if !ok {
			t, ok = newTerm(n.operands[1], n.operands[0])
		}
		if ok && !slices.Contains(terms, t) {
			terms = append(terms, t)
		}
	}
	return terms
}

func newTerm(property, constant *node) (t Term, ok bool) {
	if property.op != opProperty || constant.op != opConstant {
		return t, false
	}
	v, ok := canonical(constant.value)
	return Term{property.property, v}, ok
}

// canonical returns what is the same for all values that are equal to v. It is
// not ok if there are none.
func canonical(v message.Value) (message.Value, bool) {
	f, isNumber := number(v)
	switch {
	case isNumber && f == 0:
		return message.Double(0), true // also for -0
	case isNumber:
		return message.Double(f), !math.IsNaN(f)
	case v.Kind() == message.KindNull || v.Kind() == message.KindAMQP:
		return v, false
	}
	return v, true
}
