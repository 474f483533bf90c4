package filter_test

import (
	"cmp"
	"errors"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strings"
)

// tree is a filter as the naive evaluator sees it. Its values are nil, bool,
// *big.Int, float64 and string; a condition is a bool, and nil if unknown.
type tree struct {
	op       string
	operands []*tree
	text     string // of a leaf, as SQL
	get      func(world) any
}

// world is a message as the naive evaluator sees it: the values of properties
// by their names as SQL, and of members by their paths.
type world map[string]any

var errNaive = errors.New("the filter fails")

// SQL writes the tree with all parentheses.
func (t *tree) SQL() string {
	if t.get != nil {
		return t.text
	}
	var texts []string
	for _, o := range t.operands {
		texts = append(texts, "("+o.SQL()+")")
	}
	switch t.op {
	case "NOT", "-", "+":
		if len(texts) == 1 {
			return t.op + " " + texts[0]
		}
	case "IS NULL", "IS NOT NULL":
		return texts[0] + " " + t.op
	case "EXISTS":
		return "exists(" + t.operands[0].SQL() + ")"
	case "IN", "NOT IN":
		return texts[0] + t.op + "(" + strings.Join(texts[1:], ",") + ")"
	case "LIKE", "NOT LIKE":
		return texts[0] + t.op + strings.Join(texts[1:], "ESCAPE")
	}
	return strings.Join(texts, "\n"+t.op+"\t")
}

// evaluate returns the value of the tree; it panics with errNaive.
func (t *tree) evaluate(w world) any {
	if t.get != nil {
		return t.get(w)
	}
	switch t.op {
	case "AND":
		return t.logic(w, false)
	case "OR":
		return t.logic(w, true)
	case "IN", "NOT IN":
		return inverted(t.op, t.in(w))
	case "EXISTS":
		_, ok := w[t.operands[0].text]
		return ok
	}
	var v []any
	for _, o := range t.operands {
		v = append(v, o.evaluate(w))
	}
	switch t.op {
	case "IS NULL":
		return v[0] == nil
	case "IS NOT NULL":
		return v[0] != nil
	case "NOT":
		return inverted(t.op, condition(v[0]))
	case "LIKE", "NOT LIKE":
		return inverted(t.op, like(v))
	case "=", "<>", "<", "<=", ">", ">=":
		return related(t.op, v[0], v[1])
	}
	if len(v) == 1 {
		return signed(t.op, v[0])
	}
	return calculate(t.op, v[0], v[1])
}

func signed(op string, v any) any {
	if f, ok := v.(float64); ok && op == "-" {
		return -f
	} else if ok {
		return f
	}
	return calculate(op, big.NewInt(0), v)
}

func condition(v any) any {
	switch v.(type) {
	case nil, bool:
		return v
	}
	panic(errNaive)
}

func inverted(op string, v any) any {
	if b, ok := v.(bool); ok && strings.HasPrefix(op, "NOT") {
		return !b
	}
	return v
}

// logic is AND or OR, which one operand with the value decides.
func (t *tree) logic(w world, decides bool) any {
	var result any = !decides
	for _, o := range t.operands {
		switch v := condition(o.evaluate(w)); v {
		case decides:
			return decides
		case nil:
			result = nil
		}
	}
	return result
}

func (t *tree) in(w world) any {
	left := t.operands[0].evaluate(w)
	if left == nil {
		return nil
	}
	var result any = false
	for _, o := range t.operands[1:] {
		switch related("=", left, o.evaluate(w)) {
		case true:
			return true
		case nil:
			result = nil
		}
	}
	return result
}

// like translates the pattern to a regular expression.
func like(v []any) any {
	if len(v) == 3 && v[2] == nil {
		return nil
	}
	text, ok := v[0].(string)
	if !ok || v[1] == nil {
		return nil
	}
	pattern, ok := v[1].(string)
	if !ok {
		panic(errNaive)
	}
	escape := ""
	if len(v) == 3 {
		if escape, ok = v[2].(string); !ok || len([]rune(escape)) != 1 {
			panic(errNaive)
		}
	}
	expression := ""
	escaped := false
	for _, c := range strings.Split(pattern, "") {
		switch {
		case escaped:
			expression += regexp.QuoteMeta(c)
			escaped = false
		case c == escape:
			escaped = true
		case c == "%":
			expression += "(?s:.*)"
		case c == "_":
			expression += "(?s:.)"
		default:
			expression += regexp.QuoteMeta(c)
		}
	}
	if escaped {
		panic(errNaive)
	}
	return regexp.MustCompile("^" + expression + "$").MatchString(text)
}

func related(op string, v, w any) any {
	var order int
	switch a := v.(type) {
	case bool:
		b, ok := w.(bool)
		if !ok || op != "=" && op != "<>" {
			return nil
		}
		return (a == b) == (op == "=")
	case string:
		b, ok := w.(string)
		if !ok {
			return nil
		}
		order = strings.Compare(a, b)
	case *big.Int, float64:
		x, isInt := v.(*big.Int)
		y, isInt2 := w.(*big.Int)
		if isInt && isInt2 {
			order = x.Cmp(y)
			break
		}
		f, g := toDouble(v), toDouble(w)
		if g == nil {
			return nil
		}
		if math.IsNaN(f.(float64)) || math.IsNaN(g.(float64)) {
			return op == "<>"
		}
		order = cmp.Compare(f.(float64), g.(float64))
	default:
		return nil
	}
	return slices.Contains(map[string][]int{"=": {0}, "<>": {-1, 1}, "<": {-1}, "<=": {-1, 0}, ">": {1}, ">=": {0, 1}}[op], order)
}

func toDouble(v any) any {
	switch v := v.(type) {
	case *big.Int:
		return float64(v.Int64())
	case float64:
		return v
	}
	return nil
}

func calculate(op string, v, w any) any {
	if v == nil || w == nil {
		return nil
	}
	x, isInt := v.(*big.Int)
	y, isInt2 := w.(*big.Int)
	a, isString := v.(string)
	b, isString2 := w.(string)
	f, g := toDouble(v), toDouble(w)
	switch {
	case isInt && isInt2:
		return calculateInt(op, x, y)
	case isString && isString2 && op == "+":
		return a + b
	case f == nil || g == nil:
		panic(errNaive)
	}
	p, q := f.(float64), g.(float64)
	return map[string]float64{"+": p + q, "-": p - q, "*": p * q, "/": p / q, "%": math.Mod(p, q)}[op]
}

func calculateInt(op string, x, y *big.Int) any {
	z := new(big.Int)
	switch {
	case op == "+":
		z.Add(x, y)
	case op == "-":
		z.Sub(x, y)
	case op == "*":
		z.Mul(x, y)
	case y.Sign() == 0:
		panic(errNaive)
	case op == "/":
		z.Quo(x, y)
	case op == "%":
		z.Rem(x, y)
	}
	if !z.IsInt64() {
		panic(errNaive)
	}
	return z
}

// outcomeOf is what the naive evaluator says.
func outcomeOf(t *tree, w world) (result string) {
	defer func() {
		if r := recover(); r == errNaive {
			result = "error"
		} else if r != nil {
			panic(r)
		}
	}()
	if condition(t.evaluate(w)) == true {
		return "true"
	}
	return "false"
}
