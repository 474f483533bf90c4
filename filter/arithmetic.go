package filter

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/jitney-mq/jitney/message"
)

// signed is +v or -v.
func (e *evaluation) signed(n *node, v message.Value) message.Value {
	switch {
	case v.Kind() == message.KindNull:
		return v
	case v.Kind() != message.KindInt64 && v.Kind() != message.KindDouble:
		return e.wrongType(n)
	case n.op == opPlus:
		return v
	case v.Kind() == message.KindDouble:
		return message.Double(-v.Double())
	case v.Int64() == math.MinInt64:
		e.fail(n, ErrOverflow)
		return message.Value{}
	}
	return message.Int64(-v.Int64())
}

// arithmetic is v and w with one of + - * / % between them.
func (e *evaluation) arithmetic(n *node, v, w message.Value) message.Value {
	switch {
	case v.Kind() == message.KindNull || w.Kind() == message.KindNull:
		return message.Value{}
	case v.Kind() == message.KindInt64 && w.Kind() == message.KindInt64:
		return e.integers(n, v.Int64(), w.Int64())
	case n.op == opAdd && v.Kind() == message.KindString && w.Kind() == message.KindString:
		return e.join(n, v.Text(), w.Text())
	}
	a, first := number(v)
	b, second := number(w)
	if !first || !second {
		return e.wrongType(n)
	}
	return message.Double(doubles(n.op, a, b))
}

func (e *evaluation) wrongType(n *node) message.Value {
	e.fail(n, fmt.Errorf("%w: an operand of %s", ErrType, symbols[n.op]))
	return message.Value{}
}

func (e *evaluation) join(n *node, a, b string) message.Value {
	length := len(a) + len(b)
	if length > MaxStringBytes {
		e.fail(n, fmt.Errorf("%w: a string of more than %d bytes", ErrTooMuch, MaxStringBytes))
		return message.Value{}
	}
	if !e.spend(n, length) {
		return message.Value{}
	}
	return message.String(a + b)
}

func (e *evaluation) integers(n *node, a, b int64) message.Value {
	var result int64
	ok := true
	switch n.op {
	case opAdd:
		result = a + b
		ok = (result > a) == (b > 0)
	case opSubtract:
		result = a - b
		ok = (result < a) == (b > 0)
	case opMultiply:
		result, ok = product(a, b)
	default:
		return e.divide(n, a, b)
	}
	if !ok {
		e.fail(n, ErrOverflow)
	}
	return message.Int64(result)
}

// product returns a·b and whether it has 64 bits.
func product(a, b int64) (result int64, ok bool) {
	high, low := bits.Mul64(magnitude(a), magnitude(b))
	if (a < 0) != (b < 0) {
		return -int64(low), high == 0 && low <= 1<<63
	}
	return int64(low), high == 0 && low < 1<<63
}

func magnitude(i int64) uint64 {
	if i < 0 {
		return -uint64(i)
	}
	return uint64(i)
}

// divide is a / b or a % b, towards 0 as in C#.
func (e *evaluation) divide(n *node, a, b int64) message.Value {
	switch {
	case b == 0:
		e.fail(n, ErrDivisionByZero)
		return message.Value{}
	case n.op == opRemainder:
		return message.Int64(a % b)
	case a == math.MinInt64 && b == -1:
		e.fail(n, ErrOverflow)
	}
	return message.Int64(a / b)
}

func doubles(o op, a, b float64) float64 {
	switch o {
	case opAdd:
		return a + b
	case opSubtract:
		return a - b
	case opMultiply:
		return a * b
	case opDivide:
		return a / b
	}
	return math.Mod(a, b)
}
