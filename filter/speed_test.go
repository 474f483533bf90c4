package filter_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/jitney-mq/jitney/filter"
	"github.com/jitney-mq/jitney/message"
)

const fiveTerms = "color = 'red' AND size > 5 AND price <= 2.5 AND sys.Label LIKE 'Ord%' AND urgent = TRUE"

// [S6] Evaluation over properties allocates nothing.
func TestAllocations(t *testing.T) {
	for _, text := range []string{
		fiveTerms,
		"COLOR IN ('blue', 'red') OR missing IS NULL AND NOT (size + 1 * 2 - 3 / 1 % 5 < -size)",
		"p('color') LIKE '%e!%' ESCAPE '!' OR EXISTS([order-id]) AND sys.SessionId = ''",
		"sys.TimeToLive > 5 AND sys.ScheduledEnqueueTimeUtc < @later AND at = @at AND id = @id AND p(name) = 'red' AND color LIKE pattern",
	} {
		f, err := filter.Parse(text, parameters())
		if err != nil {
			t.Fatal(err)
		}
		m := order()
		if n := testing.AllocsPerRun(100, func() { _, _ = f.Match(m) }); n != 0 {
			t.Errorf("%s: %v allocations", text, n)
		}
		if _, err := f.Match(m); err != nil {
			t.Error(err)
		}
	}
}

// [S6] What would take too long or too much is an error.
func TestEvaluationLimits(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", message.MaxPropertiesBytes)
	m := &message.Message{Body: []byte(`{"a":` + strings.Repeat(" ", filter.MaxBodyBytes-100) + `1}`)}
	m.Properties.Set("a", message.String(long))
	for i := range 2000 {
		m.Properties.Set("b"+strconv.Itoa(i), message.Null())
	}
	for text, want := range map[string]error{
		"c" + strings.Repeat(" OR c", 300):               nil,
		"c" + strings.Repeat(" OR c", 600):               filter.ErrTooMuch,
		"a LIKE '%" + strings.Repeat("a", 10) + "b'":     nil,
		"a LIKE '%" + strings.Repeat("a", 1000) + "b'":   filter.ErrTooMuch,
		"a LIKE '" + strings.Repeat("%a", 1000) + "%b'":  nil,
		"a LIKE '" + strings.Repeat("%a_", 1000) + "%a'": nil,
		"a + '' = a":  nil,
		"a + 'a' = a": filter.ErrTooMuch,
		"a = a" + strings.Repeat(" AND a + '' = a", 10):      nil,
		"a = a" + strings.Repeat(" AND a + '' = a", 100):     filter.ErrTooMuch,
		"body.a = 1" + strings.Repeat(" AND body.a = 1", 10): nil,
		"body.a = 1" + strings.Repeat(" AND body.a = 1", 99): filter.ErrTooMuch,
	} {
		f, err := filter.Parse(text, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Match(m); !errors.Is(err, want) {
			t.Errorf("%.40s: %v, want %v", text, err, want)
		}
	}
}

// small is a message with as many properties as most have.
func small() *message.Message {
	m := &message.Message{ID: "42", Label: "Order", Body: []byte(jsonBody)}
	for name, v := range order().Properties.All() {
		switch name {
		case "color", "Size", "price", "urgent", "order-id", "at", "id", "name":
			m.Properties.Set(name, v)
		}
	}
	return m
}

func BenchmarkMatch(b *testing.B) {
	for name, text := range map[string]string{
		"FiveTerms": fiveTerms,
		"OneTerm":   "color = 'red'",
		"Missing":   "nowhere = 'red'",
		"Body":      "body.a.b[1][1] = 2.5",
	} {
		b.Run(name, func(b *testing.B) {
			f, err := filter.Parse(text, nil)
			if err != nil {
				b.Fatal(err)
			}
			m := small()
			b.ReportAllocs()
			for b.Loop() {
				_, _ = f.Match(m)
			}
		})
	}
}

// The worst that a filter may do to the broker.
func BenchmarkMatchWorst(b *testing.B) {
	m := &message.Message{Body: []byte(`{"a":"` + strings.Repeat("x", filter.MaxBodyBytes-100) + `"}`)}
	m.Properties.Set("a", message.String(strings.Repeat("a", message.MaxPropertiesBytes)))
	for name, text := range map[string]string{
		"Like": "a LIKE '%" + strings.Repeat("a", 4000) + "b'",
		"Body": "body.a = 1" + strings.Repeat(" OR body.a = 1", 99),
	} {
		b.Run(name, func(b *testing.B) {
			f, err := filter.Parse(text, nil)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				_, _ = f.Match(m)
			}
		})
	}
}
