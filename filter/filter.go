package filter

import "github.com/jitney-mq/jitney/message"

// Limits of a text, the same for filters and actions.
const (
	MaxTextCharacters = 4096 // Azure allows 1,024
	MaxDepth          = 32   // of parentheses, NOT, signs and functions in one another
	MaxInElements     = 100  // of one IN
	MaxStatements     = 32   // of an action
)

// Limits of one evaluation of a filter or an action.
const (
	MaxBodyBytes   = 1 << 20                    // of a body that is read as JSON
	MaxSteps       = 1 << 20                    // 10 to 30 ms; each character that LIKE compares is one
	MaxStringBytes = message.MaxPropertiesBytes // of what + makes
)

// Filter is a compiled filter. It never changes, so any number of goroutines
// may use it. [S6]
type Filter struct {
	root  *node
	terms []Term
}

// Parse compiles an SQL filter. Parameters are the values of @name in text, by
// their names with or without the @. Errors are *Error.
func Parse(text string, parameters map[string]message.Value) (*Filter, error) {
	p, err := newParser(text, parameters)
	if err != nil {
		return nil, err
	}
	root := p.condition()
	if p.token.kind != tokenEnd {
		p.fail(p.token, "AND, OR or the end")
	}
	if p.err != nil {
		return nil, p.err
	}
	return newFilter(root), nil
}

// All returns the filter that every message matches.
func All() *Filter { return newFilter(newConstant(message.Bool(true))) }

// None returns the filter that no message matches.
func None() *Filter { return newFilter(newConstant(message.Bool(false))) }

func newFilter(root *node) *Filter { return &Filter{root, termsOf(nil, root)} }

// Match reports whether the filter is true for m; false and unknown are no
// match. On an error it could not be told: ErrType, ErrOverflow,
// ErrDivisionByZero, ErrPattern, ErrUnknownProperty or ErrTooMuch, with the
// column. [S6]
func (f *Filter) Match(m *message.Message) (bool, error) {
	e := evaluation{message: m, steps: MaxSteps}
	t := e.test(f.root)
	if e.err != nil {
		return false, e.err
	}
	return t == certain, nil
}

// String returns the filter as SQL in one spelling, which Parse takes with the
// same parameters unless it became longer than MaxTextCharacters. A value of a
// correlation filter that SQL cannot write stands there as a parameter.
func (f *Filter) String() string { return render(f.root) }
