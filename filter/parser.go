package filter

import (
	"strconv"
	"unicode/utf8"

	"github.com/jitney-mq/jitney/message"
)

// parser reads by recursive descent, a method for each level of precedence
// from OR down to a single operand. After the first mistake, which it keeps in
// err, it stands at the end of the text, so that all methods return.
type parser struct {
	lexer      lexer
	token      token // the next
	parameters map[string]message.Value
	depth      int
	err        error
}

func newParser(text string, parameters map[string]message.Value) (*parser, error) {
	p := &parser{lexer: lexer{text: text}, parameters: parameters}
	column := 0
	for i, c := range text {
		column++
		if column > MaxTextCharacters {
			return nil, &Error{column, shorten(text[i:]), "at most " + strconv.Itoa(MaxTextCharacters) + " characters"}
		}
		if c == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(text[i:]); size == 1 {
				return nil, &Error{column, text[i : i+1], "UTF-8"}
			}
		}
	}
	p.advance()
	return p, p.err
}

func (p *parser) advance() {
	t, want := p.lexer.next()
	p.token = t
	if want != "" {
		p.fail(t, want)
	}
}

// fail keeps the first mistake.
func (p *parser) fail(t token, want string) {
	if p.err == nil {
		p.err = &Error{p.column(t), shorten(t.raw), want}
	}
	p.lexer.pos = len(p.lexer.text)
	p.token = token{pos: len(p.lexer.text)}
}

func (p *parser) column(t token) int { return utf8.RuneCountInString(p.lexer.text[:t.pos]) + 1 }

// accept reads a keyword or symbol if it comes next.
func (p *parser) accept(word string) bool {
	if !p.token.is(word) {
		return false
	}
	p.advance()
	return true
}

func (p *parser) expect(word string) {
	if !p.accept(word) {
		p.fail(p.token, word)
	}
}

// nested calls parse one level deeper; t is what opened the level.
func (p *parser) nested(t token, parse func() *node) *node {
	if p.depth == MaxDepth {
		p.fail(t, "at most "+strconv.Itoa(MaxDepth)+" levels")
	}
	p.depth++
	defer func() { p.depth-- }()
	return parse()
}

// node makes the node of an operator that stands at t.
func (p *parser) node(o op, t token, operands ...*node) *node {
	return &node{op: o, column: p.column(t), operands: operands}
}

// condition reads what is true or false as a whole.
func (p *parser) condition() *node {
	start := p.token
	return p.asCondition(start, p.or())
}

// asCondition refuses a node that is never true or false; start is where it
// began.
func (p *parser) asCondition(start token, n *node) *node {
	if !n.op.isCondition() && !n.isBare() {
		p.fail(start, "a condition such as a comparison")
	}
	return n
}

// asValue refuses a condition where a value has to be.
func (p *parser) asValue(start token, n *node) *node {
	if n.op.isCondition() {
		p.fail(start, "a value and no condition")
	}
	return n
}

func (p *parser) or() *node { return p.chain(opOr, p.and) }

func (p *parser) and() *node { return p.chain(opAnd, p.not) }

// chain reads operands with AND or OR between them into one node.
func (p *parser) chain(o op, operand func() *node) *node {
	start := p.token
	first := operand()
	if !p.token.is(symbols[o]) {
		return first
	}
	n := p.node(o, p.token, p.asCondition(start, first))
	for p.accept(symbols[o]) {
		start = p.token
		n.operands = append(n.operands, p.asCondition(start, operand()))
	}
	return n
}

func (p *parser) not() *node {
	t := p.token
	if !p.accept("NOT") {
		return p.comparison()
	}
	return p.nested(t, func() *node {
		start := p.token
		return p.node(opNot, t, p.asCondition(start, p.not()))
	})
}

var comparisons = [...]struct {
	symbol string
	op     op
}{
	{"=", opEqual}, {"<>", opUnequal}, {"!=", opUnequal},
	{"<", opLess}, {"<=", opLessEqual}, {">", opGreater}, {">=", opGreaterEqual},
}

// comparison reads a value and what is asked of it, if anything is.
func (p *parser) comparison() *node {
	start := p.token
	left := p.sum()
	t := p.token
	for _, c := range comparisons {
		if p.accept(c.symbol) {
			return p.node(c.op, t, p.asValue(start, left), p.operand(p.sum))
		}
	}
	if t.is("IS") || t.is("NOT") || t.is("IN") || t.is("LIKE") {
		return p.test(p.asValue(start, left))
	}
	return left
}

// operand reads with parse what has to be a value.
func (p *parser) operand(parse func() *node) *node {
	start := p.token
	return p.asValue(start, parse())
}

// test reads the tests that have words: IS NULL, IN and LIKE.
func (p *parser) test(left *node) *node {
	t := p.token
	if p.accept("IS") {
		negated := p.accept("NOT")
		p.expect("NULL")
		return p.negatedIf(negated, t, p.node(opIsNull, t, left))
	}
	negated := p.accept("NOT")
	switch {
	case p.accept("IN"):
		return p.negatedIf(negated, t, p.in(t, left))
	case p.accept("LIKE"):
		return p.negatedIf(negated, t, p.like(t, left))
	}
	p.fail(p.token, "IN or LIKE")
	return left
}

func (p *parser) negatedIf(negated bool, t token, n *node) *node {
	if negated {
		return p.node(opNot, t, n)
	}
	return n
}

func (p *parser) in(t token, left *node) *node {
	n := p.node(opIn, t, left)
	p.expect("(")
	for {
		start := p.token
		n.operands = append(n.operands, p.operand(p.sum))
		if len(n.operands)-1 > MaxInElements {
			p.fail(start, "at most "+strconv.Itoa(MaxInElements)+" elements of IN")
		}
		if !p.accept(",") {
			break
		}
	}
	p.expect(")")
	return n
}

func (p *parser) like(t token, left *node) *node {
	start := p.token
	pattern := p.operand(p.sum)
	n := p.node(opLike, t, left, pattern)
	if p.accept("ESCAPE") {
		n.operands = append(n.operands, p.operand(p.sum))
	}
	if want := checkPattern(n.operands[1:]); want != "" {
		p.fail(start, want)
	}
	return n
}
