package filter

import (
	"math"
	"strconv"
	"strings"

	"github.com/jitney-mq/jitney/message"
)

// The levels of precedence, from the loosest.
const (
	levelOr = iota
	levelAnd
	levelNot
	levelTest
	levelSum
	levelProduct
	levelSign
	levelOperand
)

// level returns the precedence of an operator.
func (o op) level() int {
	switch o {
	case opOr:
		return levelOr
	case opAnd:
		return levelAnd
	case opNot:
		return levelNot
	case opAdd, opSubtract:
		return levelSum
	case opMultiply, opDivide, opRemainder:
		return levelProduct
	case opPlus, opMinus:
		return levelSign
	case opConstant, opProperty, opBody, opNamed, opNewID, opExists:
		return levelOperand
	}
	return levelTest
}

// renderer writes a node as SQL with no more parentheses than it needs.
type renderer struct{ strings.Builder }

func render(n *node) string {
	var r renderer
	r.node(n, levelOr)
	return r.String()
}

// node writes n, in parentheses if it binds looser than level.
func (r *renderer) node(n *node, level int) {
	if n.op.level() < level {
		r.WriteByte('(')
		defer r.WriteByte(')')
	}
	switch n.op {
	case opConstant:
		r.constant(n)
	case opProperty:
		r.WriteString(n.property.String())
	case opBody:
		r.path(n.path)
	case opNewID:
		r.WriteString("newid()")
	case opNamed:
		r.call("property", n)
	case opExists:
		r.call("EXISTS", n)
	case opPlus, opMinus:
		r.signed(n)
	case opNot:
		r.not(n.operands[0])
	case opIsNull, opIn, opLike:
		r.test(n, "")
	default:
		r.infix(n)
	}
}

func (r *renderer) call(function string, n *node) {
	r.WriteString(function + "(")
	r.node(n.operands[0], levelSum)
	r.WriteByte(')')
}

// signed keeps the minus of -(5) from being one of the number.
func (r *renderer) signed(n *node) {
	operand := render(n.operands[0])
	if n.operands[0].op.level() < levelSign || n.op == opMinus && isDigit(rune(operand[0])) {
		operand = "(" + operand + ")"
	}
	r.WriteString(symbols[n.op] + operand)
}

// infix writes operands with the operator between them. All but the first bind
// tighter, except with AND and OR, whose order of evaluation is the same
// without parentheses.
func (r *renderer) infix(n *node) {
	first := n.op.level()
	others := first + 1
	switch {
	case n.op == opAnd || n.op == opOr:
		others = first
	case first == levelTest:
		first = levelSum
	}
	r.node(n.operands[0], first)
	for _, operand := range n.operands[1:] {
		r.WriteString(" " + symbols[n.op] + " ")
		r.node(operand, others)
	}
}

func (r *renderer) not(operand *node) {
	switch operand.op {
	case opIsNull, opIn, opLike:
		r.test(operand, "NOT ")
	default:
		r.WriteString("NOT ")
		r.node(operand, levelNot)
	}
}

// test writes the tests that have words; not is empty or NOT.
func (r *renderer) test(n *node, not string) {
	r.node(n.operands[0], levelSum)
	switch n.op {
	case opIsNull:
		r.WriteString(" IS " + not + "NULL")
	case opIn:
		r.WriteString(" " + not + "IN (")
		r.list(n.operands[1:], ", ")
		r.WriteByte(')')
	case opLike:
		r.WriteString(" " + not + "LIKE ")
		r.list(n.operands[1:], " ESCAPE ")
	}
}

func (r *renderer) list(operands []*node, separator string) {
	for i, n := range operands {
		if i > 0 {
			r.WriteString(separator)
		}
		r.node(n, levelSum)
	}
}

func (r *renderer) path(path []step) {
	r.WriteString("body")
	for _, s := range path {
		if s.index == notIndex {
			r.WriteString("." + identifier(s.name))
		} else {
			r.WriteString("[" + strconv.Itoa(s.index) + "]")
		}
	}
}

func (r *renderer) constant(n *node) {
	switch v := n.value; {
	case n.parameter != "":
		r.WriteString("@" + n.parameter)
	case v.Kind() == message.KindNull:
		r.WriteString("NULL")
	case v.Kind() == message.KindBool:
		r.WriteString(strings.ToUpper(v.String()))
	case v.Kind() == message.KindString:
		r.WriteString("'" + strings.ReplaceAll(v.Text(), "'", "''") + "'")
	case v.Kind() == message.KindDouble:
		r.WriteString(decimal(v.Double()))
	default:
		r.WriteString(v.String())
	}
}

// decimal writes a double so that it is read as one.
func decimal(f float64) string {
	text := strconv.FormatFloat(f, 'g', -1, 64)
	if !strings.ContainsAny(text, ".e") {
		text += ".0"
	}
	return text
}

// isWritable reports whether SQL has a constant for v.
func isWritable(v message.Value) bool {
	switch v.Kind() {
	case message.KindNull, message.KindBool, message.KindString, message.KindInt64:
		return true
	case message.KindDouble:
		return !math.IsNaN(v.Double()) && !math.IsInf(v.Double(), 0)
	}
	return false
}

// identifier writes a name, in brackets if it needs them.
func identifier(name string) string {
	if isRegular(name) && !isReserved(name) {
		return name
	}
	return "[" + strings.ReplaceAll(name, "]", "]]") + "]"
}
