package filter

import (
	"cmp"

	"github.com/jitney-mq/jitney/message"
)

// compare is v o w for one of the six comparisons. Values of different types
// and those without an order are unknown, but numbers compare with each other:
// two integers exactly, else as doubles. [S6]
func compare(o op, v, w message.Value) truth {
	switch v.Kind() {
	case message.KindInt64, message.KindDouble:
		return compareNumbers(o, v, w)
	case message.KindNull, message.KindAMQP:
		return unknown
	}
	if v.Kind() != w.Kind() {
		return unknown
	}
	switch v.Kind() {
	case message.KindString:
		return relate(o, v.Text(), w.Text())
	case message.KindTimestamp:
		return relate(o, v.Time().Compare(w.Time()), 0)
	}
	switch o {
	case opEqual:
		return truthOf(v == w)
	case opUnequal:
		return truthOf(v != w)
	}
	return unknown
}

func compareNumbers(o op, v, w message.Value) truth {
	if v.Kind() == message.KindInt64 && w.Kind() == message.KindInt64 {
		return relate(o, v.Int64(), w.Int64())
	}
	a, _ := number(v)
	b, ok := number(w)
	if !ok {
		return unknown
	}
	return relate(o, a, b)
}

// number returns an integer or a double as a double.
func number(v message.Value) (f float64, ok bool) {
	switch v.Kind() {
	case message.KindInt64:
		return float64(v.Int64()), true
	case message.KindDouble:
		return v.Double(), true
	}
	return 0, false
}

// relate has IEEE 754's answers where a or b is NaN.
func relate[T cmp.Ordered](o op, a, b T) truth {
	switch o {
	case opEqual:
		return truthOf(a == b)
	case opUnequal:
		return truthOf(a != b)
	case opLess:
		return truthOf(a < b)
	case opLessEqual:
		return truthOf(a <= b)
	case opGreater:
		return truthOf(a > b)
	}
	return truthOf(a >= b)
}
