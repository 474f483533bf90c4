package broker_test

import (
	"fmt"

	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/policy"
)

// A rule of the test, and what it does in the model.
type rule struct {
	policy.Rule
	match func(h *held) (matches, fails bool)
	apply func(h *held) (fails bool)
}

func is(name string, v message.Value) func(*held) (bool, bool) {
	return func(h *held) (bool, bool) { got, ok := h.properties[name]; return ok && got == v, false }
}

func number(h *held) (n int64, ok bool) {
	v, ok := h.properties["n"]
	return v.Int64(), ok && v.Kind() == message.KindInt64
}

func set(name string, v message.Value) func(*held) bool {
	return func(h *held) bool { h.properties[name] = v; return false }
}

var filters = []struct {
	policy.Rule
	match func(h *held) (bool, bool)
}{
	{policy.Rule{}, func(*held) (bool, bool) { return true, false }},
	{policy.Rule{SQL: "color = 'red'"}, is("color", message.String("red"))},
	{policy.Rule{SQL: "n > 1"}, func(h *held) (bool, bool) { n, ok := number(h); return ok && n > 1, false }},
	{policy.Rule{SQL: "color = 'blue' OR n = 0"}, func(h *held) (bool, bool) {
		n, ok := number(h)
		return h.properties["color"] == message.String("blue") || ok && n == 0, false
	}},
	{policy.Rule{SQL: "10 / n > 2"}, func(h *held) (bool, bool) { n, ok := number(h); return ok && n != 0 && 10/n > 2, ok && n == 0 }},
	{policy.Rule{Equal: []policy.Correlation{{Label: "a"}}}, func(h *held) (bool, bool) { return h.label == "a", false }},
	{policy.Rule{Equal: []policy.Correlation{{Properties: []policy.Property{{Name: "n", Value: "2", Type: policy.LongProperty}}}}}, is("n", message.Int64(2))},
	{policy.Rule{SQL: "n > 100"}, func(*held) (bool, bool) { return false, false }},
}

// mayFail is the filter that can fail.
const mayFail = 4

var actions = []struct {
	sql   string
	apply func(h *held) bool
}{
	{"", nil},
	{"SET tag = 'x'", set("tag", message.String("x"))},
	{"REMOVE color", func(h *held) bool { delete(h.properties, "color"); return false }},
	{"SET n = 7; SET tag = 'y'", func(h *held) bool {
		h.properties["n"], h.properties["tag"] = message.Int64(7), message.String("y")
		return false
	}},
	{"SET sys.Label = 'b'", func(h *held) bool { h.label = "b"; return false }},
	{"SET tag = 1 / n", func(h *held) bool {
		n, ok := number(h)
		switch {
		case !ok:
			h.properties["tag"] = message.Null()
		case n == 0:
			return true
		default:
			h.properties["tag"] = message.Int64(1 / n)
		}
		return false
	}},
}

// ruleOf returns the rule with an index: a filter with an action.
func ruleOf(i int) rule {
	f, a := filters[i%len(filters)], actions[i/len(filters)%len(actions)]
	r := rule{Rule: f.Rule, match: f.match, apply: a.apply}
	r.Name, r.Action = fmt.Sprint("rule", i), a.sql
	return r
}
