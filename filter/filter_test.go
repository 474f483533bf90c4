package filter_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jitney-mq/jitney/filter"
	"github.com/jitney-mq/jitney/message"
)

var (
	instant = time.Date(2026, 1, 31, 12, 30, 15, 0, time.UTC)
	guid    = uuid.MustParse("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
)

const jsonBody = ` { "a":{"b":[{"odd name":"x"},[1,2.5,-3]], "c":null}, "s":"Gr\u00fc\u00dfe \"q\"", "t":true,"f":false,
	"n":12, "d":12.0, "e":1e2, "big":9223372036854775808, "huge":1e999, "twice":1, "twice":2, "k\u0065y":"k", "":0, "x" : [ ] ,
	"p":{"}":"]","v":"\\\""} } `

// order is a message that has about everything.
func order() *message.Message {
	session := ""
	m := &message.Message{
		ID: "42", SessionID: &session, CorrelationID: "c-1", Label: "Order", To: "/to", ReplyTo: "/reply",
		PartitionKey: "p", ContentType: "application/json", TimeToLive: 90 * time.Second, ScheduledAt: instant,
		Body: []byte(jsonBody),
	}
	for name, v := range map[string]message.Value{
		"color": message.String("red"), "Size": message.Int64(10), "size2": message.Int64(2), "price": message.Double(2.5),
		"urgent": message.Bool(true), "old": message.Bool(false), "nothing": message.Null(),
		"at": message.Timestamp(instant), "id": message.UUID(guid), "bytes": message.Binary([]byte("b")), "amqp": message.AMQP([]byte{0x45}),
		"order-id": message.String("A-7"), "a]b": message.Int64(1), `a"b`: message.Int64(2), "a b": message.Int64(3),
		"max": message.Int64(math.MaxInt64), "min": message.Int64(math.MinInt64), "NaN": message.Double(math.NaN()),
		"percent": message.String("100%_\\"), "umlaut": message.String("Grüße"), "empty": message.String(""),
		"case": message.Int64(1), "CASE": message.Int64(2), "name": message.String("color"), "sysname": message.String("sys.label"),
		"pattern": message.String("r_d"), "AND": message.Int64(5), "p": message.Int64(6), "größe": message.Int64(7),
		"body": message.Int64(8), "sys": message.Int64(9), "zero": message.Int64(0), "x.y": message.Int64(11), "bad": message.String("sys.nope"),
	} {
		m.Properties.Set(name, v)
	}
	return m
}

// parameters are those of the tables.
func parameters() map[string]message.Value {
	return map[string]message.Value{
		"@color": message.String("red"), "ten": message.Int64(10), "at": message.Timestamp(instant), "later": message.Timestamp(instant.Add(1)),
		"id": message.UUID(guid), "bytes": message.Binary([]byte("b")), "null": message.Null(), "yes": message.Bool(true),
		"nan": message.Double(math.NaN()), "amqp": message.AMQP([]byte{0x45}), "label": message.String("sys.Label"),
	}
}

// outcome is what a filter says of a message.
func outcome(ok bool, err error) string {
	switch {
	case err != nil && ok:
		return "a match and an error"
	case err != nil:
		return "error"
	case ok:
		return "true"
	}
	return "false"
}

func match(t *testing.T, text string, m *message.Message) (bool, error) {
	t.Helper()
	f, err := filter.Parse(text, parameters())
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return f.Match(m)
}

// [S6] Filters and what they say of the order. Unknown is told from false by
// NOT: unknown (u) neither matches nor does its negative.
func TestMatch(t *testing.T) {
	t.Parallel()
	for want, filters := range matches {
		for _, text := range lines(filters) {
			t.Run(text, func(t *testing.T) {
				t.Parallel()
				got := outcome(match(t, text, order()))
				negative := outcome(match(t, "NOT ("+text+")", order()))
				if got == "false" && negative == "false" {
					got = "unknown"
				} else if (got == "error") != (negative == "error") || got != "error" && got == negative {
					t.Errorf("%s, and its negative %s", got, negative)
				}
				if got != want {
					t.Errorf("%s, want %s", got, want)
				}
			})
		}
	}
}

// [S6] The tables of AND, OR and NOT with three values.
func TestThreeValues(t *testing.T) {
	t.Parallel()
	const values = "TFU"
	texts := map[byte]string{'T': "1 = 1", 'F': "1 = 2", 'U': "missing = 1"}
	for operator, table := range map[string]string{"AND": "TFU FFF UFU", "OR": "TTT TFU TUU"} {
		for i, row := range strings.Fields(table) {
			for j := range row {
				text := texts[values[i]] + " " + operator + " " + texts[values[j]]
				got := outcome(match(t, text, order())) + outcome(match(t, "NOT ("+text+")", order()))
				want := map[byte]string{'T': "truefalse", 'F': "falsetrue", 'U': "falsefalse"}[row[j]]
				if got != want {
					t.Errorf("%s: %s, want %s", text, got, want)
				}
			}
		}
	}
}

// [S6] A run-time error says its kind and the column.
func TestMatchErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text   string
		want   error
		column string
	}{
		{"color - 1 = 2", filter.ErrType, "column 7:"},
		{"1 = 1 AND größe * max = 2", filter.ErrOverflow, "column 17:"},
		{"1 / zero = 1", filter.ErrDivisionByZero, "column 3:"},
		{"color LIKE size", filter.ErrPattern, "column 7:"},
		{"p(bad) = 1", filter.ErrUnknownProperty, "column 1:"},
		{"TRUE AND color", filter.ErrType, "column 10:"},
	} {
		_, err := match(t, tt.text, order())
		if !errors.Is(err, tt.want) || !strings.HasPrefix(err.Error(), tt.column) {
			t.Errorf("%s: %v, want %v at %s", tt.text, err, tt.want, tt.column)
		}
	}
}

// [S6] Bodies that are no JSON have no members.
func TestBodies(t *testing.T) {
	t.Parallel()
	large := `{"a":1,"b":"` + strings.Repeat("x", filter.MaxBodyBytes) + `"}`
	for body, want := range map[string]string{
		``: "", ` `: "", `x`: "", `1`: "", `"a"`: "", `{"a":1`: "", `{"a":1} x`: "", `{"a":1,}`: "", `[{"a":1}]`: "",
		"{\"a\":1}\xff": "", `{"a":01}`: "", large: "", `{'a':1}`: "", strings.Repeat("[", 100000): "",
		`{"a":1}`: "a", "\r\n\t {\t\"a\"\r\n:\n1 }\n": "a", `{"b":{"a":2},"a":1}`: "a", large[:len(large)-20] + `"}`: "a",
		`{"a":1,"c":"` + "\xff" + `"}`: "a", `[1]`: "[0]", ` [ 1 , {"a":1}]`: "[0]",
	} {
		m := &message.Message{Body: []byte(body)}
		got := ""
		for text, place := range map[string]string{"body.a = 1": "a", "body[0] = 1": "[0]"} {
			if ok, err := match(t, text, m); err != nil {
				t.Errorf("%.40s: %v", body, err)
			} else if ok {
				got += place
			}
		}
		if got != want {
			t.Errorf("%.40s has %q, want %q", body, got, want)
		}
	}
}

// [S6] The filters that need no text.
func TestAllAndNone(t *testing.T) {
	t.Parallel()
	for f, want := range map[*filter.Filter]string{filter.All(): "true", filter.None(): "false"} {
		if got := outcome(f.Match(order())); got != want || f.String() != strings.ToUpper(want) || len(f.Terms()) != 0 {
			t.Errorf("%s: %s", f, got)
		}
	}
}
