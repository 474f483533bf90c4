package filter_test

import (
	"strings"
	"testing"

	"github.com/jitney-mq/jitney/filter"
	"github.com/jitney-mq/jitney/message"
)

// terms writes the terms of a filter.
func terms(f *filter.Filter) string {
	var texts []string
	for _, t := range f.Terms() {
		texts = append(texts, t.Property.String()+"="+t.Value.String())
	}
	return strings.Join(texts, " ")
}

// [S6] Terms are what every match fulfils, and nothing else.
func TestTerms(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"color = 'red'":                              "color=red",
		"'red' = color":                              "color=red",
		"color = 'red' AND sys.Subject = 'x'":        "color=red sys.Label=x",
		"color = 'red' AND (size = 10 AND (a = 1))":  "color=red size=10 a=1",
		"color = 'red' AND (size = 10 OR a = 1)":     "color=red",
		"color = 'red' AND color = 'red'":            "color=red",
		"color = 'red' AND Color = 'red'":            "color=red Color=red",
		"color = 'red' AND NOT size = 10":            "color=red",
		"color = 'red' OR size = 10":                 "",
		"color IN ('red')":                           "color=red",
		"color IN ('red', 'blue')":                   "",
		"color NOT IN ('red')":                       "",
		"color <> 'red' AND size > 5 AND a LIKE 'x'": "",
		"color = @color AND at = @at":                "color=red at=2026-01-31T12:30:15Z",
		"color = NULL AND a = @nan AND b = @amqp":    "",
		"color = size AND 1 = 1":                     "",
		"body.a = 1 AND p(a) = 1":                    "",
		"p('sys.to') = 'x' AND urgent = TRUE":        "sys.To=x urgent=true",
		"a = -0.0":                                   "a=0",
		"color = 'r' + 'ed'":                         "",
	} {
		f, err := filter.Parse(text, parameters())
		if err != nil {
			t.Fatal(err)
		}
		if got := terms(f); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// holds reports whether a term holds for a message.
func holds(t filter.Term, m *message.Message) bool {
	v, ok := t.Property.Of(m)
	return ok && v == t.Value
}

// [S6] A term holds in the same cases as the equality it came from.
func TestTermHolds(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"color = 'red'": true, "COLOR = 'red'": true, "color = 'blue'": false, "missing = 1": false, "nothing = 1": false,
		"size = 10.0": true, "size = 10": true, "price = 2.5": true, "zero = -0.0": true, "urgent = TRUE": true, "urgent = 1": false,
		"at = @at": true, "at = @later": false, "id = @id": true, "bytes = @bytes": true, "sys.SessionId = ''": true,
		"sys.ContentEncoding = 'x'": false, "sys.TimeToLive = 90": true, "NaN = 1": false, "amqp = 1": false,
		"max = 9223372036854775807": true, "case = 2": false, "Case = 2": true,
	} {
		f, err := filter.Parse(text, parameters())
		if err != nil {
			t.Fatal(err)
		}
		if got := holds(f.Terms()[0], order()); got != want {
			t.Errorf("%s: %v", text, got)
		}
		if ok, err := f.Match(order()); ok != want || err != nil {
			t.Errorf("%s matches: %v, %v", text, ok, err)
		}
	}
}

// [S6] A correlation filter asks for all its conditions.
func TestCorrelation(t *testing.T) {
	t.Parallel()
	empty, other := "", "other"
	properties := func(pairs ...any) (p message.Properties) {
		for i := 0; i < len(pairs); i += 2 {
			p.Set(pairs[i].(string), pairs[i+1].(message.Value))
		}
		return p
	}
	for _, tt := range []struct {
		conditions filter.Conditions
		want       bool
		text       string
	}{
		{filter.Conditions{}, true, "TRUE"},
		{filter.Conditions{MessageID: "42"}, true, "sys.MessageId = '42'"},
		{filter.Conditions{MessageID: "43"}, false, "sys.MessageId = '43'"},
		{filter.Conditions{CorrelationID: "c-1", Label: "Order", To: "/to", ReplyTo: "/reply", ContentType: "application/json"}, true,
			"sys.CorrelationId = 'c-1' AND sys.Label = 'Order' AND sys.To = '/to' AND sys.ReplyTo = '/reply' AND sys.ContentType = 'application/json'"},
		{filter.Conditions{Label: "order"}, false, "sys.Label = 'order'"},
		{filter.Conditions{ReplyToSessionID: "x"}, false, "sys.ReplyToSessionId = 'x'"},
		{filter.Conditions{SessionID: &empty}, true, "sys.SessionId = ''"},
		{filter.Conditions{SessionID: &other}, false, "sys.SessionId = 'other'"},
		{filter.Conditions{Properties: properties("Color", message.String("red"), "size", message.Int64(10))}, true, "Color = 'red' AND size = 10"},
		{filter.Conditions{Label: "Order", Properties: properties("color", message.String("blue"))}, false, "sys.Label = 'Order' AND color = 'blue'"},
		{filter.Conditions{Properties: properties("size", message.String("10"))}, false, "size = '10'"},
		{filter.Conditions{Properties: properties("nothing", message.Null())}, false, "nothing = NULL"},
		{filter.Conditions{Properties: properties("missing", message.Null())}, false, "missing = NULL"},
		{filter.Conditions{Properties: properties("at", message.Timestamp(instant), "id", message.UUID(guid))}, true, "at = @at AND id = @id"},
	} {
		f := filter.Correlation(tt.conditions)
		if ok, err := f.Match(order()); ok != tt.want || err != nil || f.String() != tt.text {
			t.Errorf("%s: %v, %v, want %v of %s", f, ok, err, tt.want, tt.text)
		}
		if ok, err := f.Match(&message.Message{}); ok != (tt.text == "TRUE") || err != nil {
			t.Errorf("%s matches the empty message: %v", f, err)
		}
	}
}
