package filter

import "github.com/jitney-mq/jitney/message"

// op is what a node does with its operands. The order is that of symbols.
type op uint8

const (
	opConstant op = iota
	opProperty
	opBody
	opNamed // property(e)
	opNewID

	opPlus
	opMinus
	opAdd
	opSubtract
	opMultiply
	opDivide
	opRemainder

	opEqual // the first of the conditions
	opUnequal
	opLess
	opLessEqual
	opGreater
	opGreaterEqual
	opIsNull
	opExists
	opIn   // the first operand in the others
	opLike // a text, a pattern and perhaps an escape
	opNot
	opAnd
	opOr
)

// symbols are the operators as String writes them.
var symbols = [...]string{
	opPlus: "+", opMinus: "-", opAdd: "+", opSubtract: "-", opMultiply: "*", opDivide: "/", opRemainder: "%",
	opEqual: "=", opUnequal: "<>", opLess: "<", opLessEqual: "<=", opGreater: ">", opGreaterEqual: ">=",
	opAnd: "AND", opOr: "OR",
}

// isCondition reports whether the result is true, false or unknown.
func (o op) isCondition() bool { return o >= opEqual }

// node is a part of a filter or an expression. Nodes are of one type, and no
// interface, so that an evaluation stays on the stack.
type node struct {
	op        op
	column    int // of the operator in the text, for errors
	operands  []*node
	value     message.Value // of a constant
	parameter string        // that the constant came from, without the @
	property  Property      // of opProperty
	path      []step        // of opBody
}

func newConstant(v message.Value) *node { return &node{op: opConstant, value: v} }

// isBare reports whether a node that is no condition may be used as one.
func (n *node) isBare() bool {
	switch n.op {
	case opProperty, opBody, opNamed:
		return true
	case opConstant:
		return n.value.Kind() == message.KindBool || n.value.Kind() == message.KindNull
	}
	return false
}
