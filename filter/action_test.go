package filter_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/filter"
	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/problem"
)

// change is what an action makes of a property; nil removes it.
type change map[string]any

// apply returns the order after an action.
func apply(t *testing.T, text string) (*message.Message, error) {
	t.Helper()
	a, err := filter.ParseAction(text, parameters())
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	m := order()
	return m, a.Apply(m)
}

// [S6] Actions set and remove application properties.
func TestApplyProperties(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]change{
		"SET new = 1":                                      {"new": message.Int64(1)},
		"set user.[a new] = 'x';":                          {"a new": message.String("x")},
		"SET color = 'blue'":                               {"color": message.String("blue")},
		"SET COLOR = 5":                                    {"color": message.Int64(5)},
		"SET Case = 3":                                     {"CASE": message.Int64(3)},
		"SET size = size * 2 + 0.5":                        {"Size": message.Double(20.5)},
		"SET a = 1; SET b = a + 1; SET a = b + 1":          {"a": message.Int64(3), "b": message.Int64(2)},
		"SET a = 1 SET b = 2 REMOVE a REMOVE color":        {"b": message.Int64(2), "color": nil},
		"REMOVE missing":                                   {},
		"REMOVE Color":                                     {"color": nil},
		"REMOVE [order-id];":                               {"order-id": nil},
		"REMOVE CASE; REMOVE case; REMOVE case":            {"CASE": nil, "case": nil},
		"SET a = NULL":                                     {"a": message.Null()},
		"SET a = missing":                                  {"a": message.Null()},
		"SET color = NULL":                                 {"color": message.Null()},
		"SET a = body.a.b[0].[odd name]":                   {"a": message.String("x")},
		"SET a = body.nope":                                {"a": message.Null()},
		"SET a = color + '!'":                              {"a": message.String("red!")},
		"SET a = @at; SET b = @id":                         {"a": message.Timestamp(instant), "b": message.UUID(guid)},
		"SET a = p(name)":                                  {"a": message.String("red")},
		"SET a = sys.Label; SET b = sys.TimeToLive":        {"a": message.String("Order"), "b": message.Double(90)},
		"SET a = TRUE":                                     {"a": message.Bool(true)},
		"SET a = amqp":                                     {"a": message.AMQP([]byte{0x45})},
		"SET p('new') = 1":                                 {"new": message.Int64(1)},
		"SET set = 1 SET remove = set REMOVE set":          {"remove": message.Int64(1)},
		"SET a = -5 SET b = (1)":                           {"a": message.Int64(-5), "b": message.Int64(1)},
		strings.Repeat("SET n = 1;", filter.MaxStatements): {"n": message.Int64(1)},
	} {
		got, err := apply(t, text)
		m := order()
		for name, v := range want {
			if v == nil {
				m.Properties.Delete(name)
			} else {
				m.Properties.Set(name, v.(message.Value))
			}
		}
		if err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("%s: %v, %v", text, err, got.Properties)
		}
	}
}

// [S6] Actions set and clear system properties.
func TestApplySystem(t *testing.T) {
	t.Parallel()
	session, empty := "s", ""
	for text, want := range map[string]func(*message.Message){
		"SET sys.Label = 'x'":                                      func(m *message.Message) { m.Label = "x" },
		"SET sys.Subject = 5 * 2":                                  func(m *message.Message) { m.Label = "10" },
		"REMOVE sys.label":                                         func(m *message.Message) { m.Label = "" },
		"SET sys.To = NULL":                                        func(m *message.Message) { m.To = "" },
		"SET sys.MessageId = sys.MessageId + '-1'":                 func(m *message.Message) { m.ID = "42-1" },
		"SET sys.MessageId = @id":                                  func(m *message.Message) { m.ID = guid.String() },
		"SET sys.SessionId = 's'":                                  func(m *message.Message) { m.SessionID = &session },
		"SET sys.SessionId = 's' SET sys.SessionId = ''":           func(m *message.Message) { m.SessionID = &empty },
		"REMOVE sys.SessionId":                                     func(m *message.Message) { m.SessionID = nil },
		"SET sys.ContentType = 'text/plain'":                       func(m *message.Message) { m.ContentType = "text/plain" },
		"SET sys.TimeToLive = 1.5":                                 func(m *message.Message) { m.TimeToLive = 1500 * time.Millisecond },
		"SET sys.TimeToLive = 60":                                  func(m *message.Message) { m.TimeToLive = time.Minute },
		"SET sys.TimeToLive = 1e-300":                              func(m *message.Message) { m.TimeToLive = 1 },
		"SET sys.TimeToLive = 922337203685.47754":                  func(m *message.Message) { m.TimeToLive = 0 },
		"SET sys.TimeToLive = NULL":                                func(m *message.Message) { m.TimeToLive = 0 },
		"REMOVE sys.TimeToLive":                                    func(m *message.Message) { m.TimeToLive = 0 },
		"SET sys.ScheduledEnqueueTimeUtc = @later":                 func(m *message.Message) { m.ScheduledAt = instant.Add(1) },
		"SET sys.ScheduledEnqueueTimeUtc = '2026-01-31T12:30:16Z'": func(m *message.Message) { m.ScheduledAt = instant.Add(time.Second) },
		"SET sys.ScheduledEnqueueTimeUtc = '1960-01-31T12:30:16Z'": func(m *message.Message) { m.ScheduledAt = time.Time{} },
		"REMOVE sys.ScheduledEnqueueTimeUtc":                       func(m *message.Message) { m.ScheduledAt = time.Time{} },
	} {
		got, err := apply(t, text)
		m := order()
		want(m)
		if err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("%s: %v, %+v", text, err, got)
		}
	}
}

// [S6] An action that fails changes nothing.
func TestApplyErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{
		"SET a = umlaut - 1":                                       filter.ErrType,
		"SET a = 1 / zero":                                         filter.ErrDivisionByZero,
		"SET a = max + 1":                                          filter.ErrOverflow,
		"SET a = p(bad)":                                           filter.ErrUnknownProperty,
		"SET a = body.a":                                           filter.ErrProperty,
		"SET sys.MessageId = NULL":                                 filter.ErrProperty,
		"SET sys.MessageId = ''":                                   filter.ErrProperty,
		"SET sys.Label = bytes":                                    filter.ErrProperty,
		"SET sys.Label = amqp":                                     filter.ErrProperty,
		"SET sys.TimeToLive = 0":                                   filter.ErrProperty,
		"SET sys.TimeToLive = -1.5":                                filter.ErrProperty,
		"SET sys.TimeToLive = NaN":                                 filter.ErrProperty,
		"SET sys.TimeToLive = '60'":                                filter.ErrProperty,
		"SET sys.ScheduledEnqueueTimeUtc = 'soon'":                 filter.ErrProperty,
		"SET sys.ScheduledEnqueueTimeUtc = 5":                      filter.ErrProperty,
		"SET sys.ScheduledEnqueueTimeUtc = '2999-01-31T12:30:16Z'": filter.ErrProperty,
		"SET sys.ContentType = 'ü'":                                filter.ErrProperty,
		"SET sys.MessageId = '" + strings.Repeat("x", 129) + "'":   filter.ErrProperty,
		"SET [" + strings.Repeat("x", 256) + "] = 1":               filter.ErrProperty,
		"SET a = '" + strings.Repeat("x", 2048) + "'" + strings.Repeat("SET a = a + a ", 5): filter.ErrProperty,
		"SET a = '" + strings.Repeat("x", 2048) + "'" + strings.Repeat("SET a = a + a ", 6): filter.ErrTooMuch,
	} {
		got, err := apply(t, "SET sys.To = 'elsewhere' REMOVE color SET Size = 5 "+text)
		if !errors.Is(err, want) || !reflect.DeepEqual(got, order()) {
			t.Errorf("%.60s: %v, %+v", text, err, got)
		}
	}
	var field *problem.Field
	if _, err := apply(t, "SET sys.ContentType = 'ü'"); !errors.As(err, &field) || field.Element != "ContentType" {
		t.Errorf("%v", err)
	}
}

// [S6] Apply leaves alone what the message shares with others.
func TestApplyShares(t *testing.T) {
	t.Parallel()
	a, err := filter.ParseAction("SET color = 'blue' REMOVE Size", nil)
	if err != nil {
		t.Fatal(err)
	}
	m := order()
	copied := *m
	if err := a.Apply(&copied); err != nil || !reflect.DeepEqual(m, order()) {
		t.Errorf("%v, %v", err, m.Properties)
	}
}

// [S6] A mistake in an action is found where it stands.
func TestActionErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text   string
		column int
		found  string
	}{
		{"", 1, ""},
		{"a = 1", 1, "a"},
		{"SET", 4, ""},
		{"SET a", 6, ""},
		{"SET a = ", 9, ""},
		{"SET a 1", 7, "1"},
		{"SET a = 1 b = 2", 11, "b"},
		{"SET a = 1, b = 2", 10, ","},
		{"SET a = 1;; SET b = 2", 11, ";"},
		{"SET a = b = 1", 11, "="},
		{"SET a = (b = 1)", 9, "("},
		{"SET a = NOT b", 9, "NOT"},
		{"SET body.a = 1", 5, "body"},
		{"SET 'a' = 1", 5, "'a'"},
		{"SET sys.Nope = 1", 9, "Nope"},
		{"SET p(a) = 1", 5, "p"},
		{"SET newid() = 1", 5, "newid"},
		{"SET @ten = 1", 5, "@ten"},
		{"SET a = @nope", 9, "@nope"},
		{"REMOVE", 7, ""},
		{"REMOVE body.a", 8, "body"},
		{"REMOVE a = 1", 10, "="},
		{"REMOVE sys.MessageId", 8, "sys"},
		{"REMOVE NULL", 8, "NULL"},
		{"DELETE a", 1, "DELETE"},
		{"SET a = '\xff'", 10, "\xff"},
		{strings.Repeat("REMOVE a;", filter.MaxStatements) + "REMOVE b", 9*filter.MaxStatements + 1, "REMOVE"},
	} {
		a, err := filter.ParseAction(tt.text, parameters())
		var got *filter.Error
		if !errors.As(err, &got) || a != nil {
			t.Errorf("%s: %v, %v", tt.text, a, err)
			continue
		}
		if got.Column != tt.column || got.Found != tt.found || got.Want == "" {
			t.Errorf("%s: %+v, want column %d, found %q", tt.text, *got, tt.column, tt.found)
		}
	}
}

func TestActionString(t *testing.T) {
	t.Parallel()
	const want = "SET [a b] = sys.Label + 'x'; REMOVE sys.To; SET SET = @ten"
	for _, text := range []string{"set [a b]=SYS.subject+'x' remove sys.to set user.SET=(@ten);", want} {
		if a, err := filter.ParseAction(text, parameters()); err != nil || a.String() != want {
			t.Errorf("%s: %v, %v", text, a, err)
		}
	}
}
