package filter

import (
	"slices"
	"strconv"
	"strings"

	"github.com/jitney-mq/jitney/message"
)

// reserved are the words that are names only within delimiters.
var reserved = []string{"AND", "OR", "NOT", "IS", "NULL", "IN", "LIKE", "ESCAPE", "EXISTS", "TRUE", "FALSE"}

func isReserved(word string) bool {
	return slices.ContainsFunc(reserved, func(r string) bool { return strings.EqualFold(r, word) })
}

const wantOperand = "a property, a constant or ("

func (p *parser) sum() *node { return p.left(p.product, opAdd, opSubtract) }

func (p *parser) product() *node { return p.left(p.sign, opMultiply, opDivide, opRemainder) }

// left reads operands with one of the operators between them, which bind from
// the left.
func (p *parser) left(operand func() *node, operators ...op) *node {
	start := p.token
	n := operand()
	for {
		t := p.token
		i := slices.IndexFunc(operators, func(o op) bool { return p.accept(symbols[o]) })
		if i < 0 {
			return n
		}
		n = p.node(operators[i], t, p.asValue(start, n), p.operand(operand))
	}
}

func (p *parser) sign() *node {
	t := p.token
	switch {
	case p.accept("-"):
		if p.token.kind == tokenNumber {
			return p.number("-")
		}
		return p.nested(t, func() *node { return p.node(opMinus, t, p.operand(p.sign)) })
	case p.accept("+"):
		return p.nested(t, func() *node { return p.node(opPlus, t, p.operand(p.sign)) })
	}
	return p.primary()
}

func (p *parser) primary() *node {
	t := p.token
	switch t.kind {
	case tokenNumber:
		return p.number("")
	case tokenString:
		p.advance()
		return newConstant(message.String(t.text))
	case tokenParameter:
		return p.parameterValue()
	case tokenWord, tokenName:
		return p.word()
	}
	if p.accept("(") {
		return p.nested(t, func() *node {
			n := p.or()
			p.expect(")")
			return n
		})
	}
	p.fail(t, wantOperand)
	return newConstant(message.Null())
}

// number reads a number; sign is empty or a minus.
func (p *parser) number(sign string) *node {
	t := p.token
	p.advance()
	if strings.ContainsAny(t.raw, ".eE") {
		f, err := strconv.ParseFloat(sign+t.raw, 64)
		if err != nil {
			p.fail(t, "a number that a double can hold")
		}
		return newConstant(message.Double(f))
	}
	i, err := strconv.ParseInt(sign+t.raw, 10, 64)
	if err != nil {
		p.fail(t, "an integer of 64 bits")
	}
	return newConstant(message.Int64(i))
}

func (p *parser) parameterValue() *node {
	t := p.token
	p.advance()
	v, ok := p.parameters[t.raw]
	if !ok {
		v, ok = p.parameters[t.text]
	}
	if !ok {
		p.fail(t, "a parameter that is given")
	}
	n := newConstant(v)
	n.parameter = t.text
	return n
}

// word reads what begins with a name: a constant, a function or a property.
func (p *parser) word() *node {
	t := p.token
	switch {
	case p.accept("TRUE"):
		return newConstant(message.Bool(true))
	case p.accept("FALSE"):
		return newConstant(message.Bool(false))
	case p.accept("NULL"):
		return newConstant(message.Null())
	case p.accept("EXISTS"):
		return p.exists(t)
	}
	return p.reference()
}

// exists reads what follows EXISTS, which stands at t.
func (p *parser) exists(t token) *node {
	p.expect("(")
	start := p.token
	n := p.nested(t, p.reference)
	if n.op != opProperty && n.op != opBody && n.op != opNamed {
		p.fail(start, "a property")
	}
	p.expect(")")
	return p.node(opExists, t, n)
}

// reference reads a property or a function.
func (p *parser) reference() *node {
	t := p.token
	if t.kind != tokenName && (t.kind != tokenWord || isReserved(t.raw)) {
		p.fail(t, "a property")
		return newConstant(message.Null())
	}
	p.advance()
	n := p.behind(t)
	n.column = p.column(t)
	return n
}

// behind reads what follows the first name of a property or function, which
// stood at t.
func (p *parser) behind(t token) *node {
	switch {
	case t.kind == tokenName:
		return p.user(t.text)
	case p.token.is("("):
		return p.function(t)
	case p.token.is("."):
		return p.scoped(t)
	case strings.EqualFold(t.raw, "body") && p.atIndex():
		return p.body()
	}
	return p.user(t.raw)
}

func (p *parser) user(name string) *node {
	if p.token.is(".") {
		p.fail(p.token, "a name with a dot in brackets: [a.b]")
	}
	return &node{op: opProperty, property: Property{name: name}}
}

// function reads the arguments of the function whose name stood at t.
func (p *parser) function(t token) *node {
	p.advance()
	switch {
	case strings.EqualFold(t.raw, "newid"):
		p.expect(")")
		return &node{op: opNewID}
	case strings.EqualFold(t.raw, "property"), strings.EqualFold(t.raw, "p"):
		start := p.token
		name := p.nested(t, func() *node { return p.operand(p.sum) })
		p.expect(")")
		return p.named(start, name)
	}
	p.fail(t, "property(), p() or newid()")
	return newConstant(message.Null())
}

// named is property(e), resolved at once if e is a constant; start is where e
// began.
func (p *parser) named(start token, name *node) *node {
	if name.op != opConstant || name.parameter != "" {
		return &node{op: opNamed, operands: []*node{name}}
	}
	if name.value.Kind() != message.KindString || name.value.Text() == "" {
		p.fail(start, "the name of a property as a string")
	}
	property, ok := parseProperty(name.value.Text())
	if !ok {
		p.fail(start, wantSystem)
	}
	return &node{op: opProperty, property: property}
}

// scoped reads a name behind the scope at t and its dot.
func (p *parser) scoped(t token) *node {
	switch {
	case strings.EqualFold(t.raw, "body"):
		return p.body()
	case strings.EqualFold(t.raw, "sys"):
		p.advance()
		return p.system()
	case strings.EqualFold(t.raw, "user"):
		p.advance()
		return p.user(p.name())
	}
	p.fail(t, "sys, user or body before the dot; a name with a dot in brackets: [a.b]")
	return newConstant(message.Null())
}

func (p *parser) system() *node {
	t := p.token
	property, ok := systemProperty(p.name())
	if !ok {
		p.fail(t, wantSystem)
	}
	return &node{op: opProperty, property: property}
}

// name reads a name behind a dot, where no word is reserved.
func (p *parser) name() string {
	t := p.token
	switch t.kind {
	case tokenWord:
		p.advance()
		return t.raw
	case tokenName:
		p.advance()
		return t.text
	}
	p.fail(t, "a name")
	return ""
}

// atIndex reports whether a place in an array comes next; the lexer takes it
// for a name in brackets.
func (p *parser) atIndex() bool { return p.token.kind == tokenName && p.token.raw[0] == '[' }

// body reads the path behind the scope body.
func (p *parser) body() *node {
	n := &node{op: opBody}
	for {
		switch {
		case p.accept("."):
			n.path = append(n.path, step{name: p.name(), index: notIndex})
		case p.atIndex():
			n.path = append(n.path, step{index: p.index()})
		default:
			return n
		}
	}
}

func (p *parser) index() int {
	t := p.token
	p.advance()
	index, err := strconv.ParseUint(t.text, 10, 31)
	if err != nil {
		p.fail(t, "a place in an array such as [0]")
	}
	return int(index)
}
