package message_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/problem"
)

var instant = time.Date(2026, 1, 31, 12, 30, 15, 123456789, time.UTC)

var guid = uuid.MustParse("6ba7b810-9dad-11d1-80b4-00c04fd430c8")

// full is a message that has everything.
func full() *message.Message {
	session := ""
	m := &message.Message{
		ID: "42", SessionID: &session, CorrelationID: "c", Label: "Grüße \"\\\n\U0001F600", To: "/to",
		ReplyTo: "/reply", ReplyToSessionID: "r", PartitionKey: "p", ContentType: "application/octet-stream",
		ContentEncoding: "br", ContentLanguage: "de, en", TimeToLive: 90*time.Second + 1, ScheduledAt: instant,
		Body: []byte("\x00\xff"),
	}
	for name, v := range everyKind() {
		m.Properties.Set(name, v)
	}
	return m
}

// everyKind has values of every kind, the awkward ones too.
func everyKind() map[string]message.Value {
	return map[string]message.Value{
		"null":             message.Null(),
		"true":             message.Bool(true),
		"False":            message.Bool(false),
		"zero":             message.Int64(0),
		"min":              message.Int64(math.MinInt64),
		"max":              message.Int64(math.MaxInt64),
		"one":              message.Double(1),
		"negative zero":    message.Double(math.Copysign(0, -1)),
		"tenth":            message.Double(0.1),
		"tiny":             message.Double(5e-324),
		"huge":             message.Double(math.MaxFloat64),
		"e15":              message.Double(1e15),
		"NaN":              message.Double(math.NaN()),
		"Infinity":         message.Double(math.Inf(1)),
		"-Infinity":        message.Double(math.Inf(-1)),
		"text":             message.String("Grüße \u2028\r\n\"\\\x00\x7f\U0001F600"),
		"empty":            message.String(""),
		"date as text":     message.String("Thu, 01 Jan 1970 00:00:00 GMT"),
		"number as text":   message.String("12"),
		"at":               message.Timestamp(instant),
		"At":               message.Timestamp(instant.Truncate(time.Second)),
		"first":            message.Timestamp(time.Time{}.AddDate(-10, 0, 0)),
		"last":             message.Timestamp(instant.AddDate(99999, 0, 0)),
		"id":               message.UUID(guid),
		"bytes":            message.Binary([]byte("\x00\xff")),
		"no bytes":         message.Binary(nil),
		"described":        message.AMQP([]byte{0, 0xa3, 1, 'a', 0x41}),
		"Ünïcode \"name\"": message.Int64(1),
	}
}

// wantField fails the test unless err blames the element.
func wantField(t *testing.T, err error, element string) {
	t.Helper()
	var f *problem.Field
	if !errors.As(err, &f) || f.Element != element || f.Want == "" {
		t.Errorf("got %v, want a *problem.Field for %s", err, element)
	}
}

func same(a, b *message.Message) bool {
	if (a.SessionID == nil) != (b.SessionID == nil) || a.SessionID != nil && *a.SessionID != *b.SessionID {
		return false
	}
	return a.ID == b.ID && a.CorrelationID == b.CorrelationID && a.Label == b.Label && a.To == b.To &&
		a.ReplyTo == b.ReplyTo && a.ReplyToSessionID == b.ReplyToSessionID && a.PartitionKey == b.PartitionKey &&
		a.ContentType == b.ContentType && a.ContentEncoding == b.ContentEncoding &&
		a.ContentLanguage == b.ContentLanguage && a.TimeToLive == b.TimeToLive &&
		a.ScheduledAt.Equal(b.ScheduledAt) && a.Properties.Equal(b.Properties)
}

func TestValidate(t *testing.T) {
	t.Parallel()
	if err := full().Validate(); err != nil {
		t.Errorf("a full message: %v", err)
	}
	long := strings.Repeat("é", 129)
	for element, breakIt := range map[string]func(*message.Message){
		"MessageId":               func(m *message.Message) { m.ID = long },
		"SessionId":               func(m *message.Message) { m.SessionID = &long },
		"PartitionKey":            func(m *message.Message) { m.PartitionKey = long },
		"Label":                   func(m *message.Message) { m.Label = "\xff" },
		"To":                      func(m *message.Message) { m.To = strings.Repeat("a", message.MaxTextCharacters+1) },
		"ContentType":             func(m *message.Message) { m.ContentType = "text/plain\r\nX: y" },
		"TimeToLive":              func(m *message.Message) { m.TimeToLive = -1 },
		"ScheduledEnqueueTimeUtc": func(m *message.Message) { m.ScheduledAt = instant.AddDate(300, 0, 0) },
		"":                        func(m *message.Message) { m.Properties.Set("", message.Null()) },
		"a\xff":                   func(m *message.Message) { m.Properties.Set("a\xff", message.Null()) },
		"aÿ":                      func(m *message.Message) { m.Properties.Set("aÿ", message.String("\xff")) },
		"big": func(m *message.Message) {
			m.Properties.Set("big", message.Binary(make([]byte, message.MaxPropertiesBytes)))
		},
	} {
		m := full()
		breakIt(m)
		wantField(t, m.Validate(), element)
	}
}

func TestValidateLimits(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("\U0001F600", message.MaxIDCharacters)
	m := &message.Message{ID: id, SessionID: &id, Label: strings.Repeat("é", message.MaxTextCharacters)}
	name := strings.Repeat("é", message.MaxPropertyNameCharacters)
	m.Properties.Set(name, message.Binary(make([]byte, message.MaxPropertiesBytes-len(name)-8)))
	if err := m.Validate(); err != nil || m.Properties.Size() != message.MaxPropertiesBytes {
		t.Errorf("at its limits: %v, %d bytes", err, m.Properties.Size())
	}
}

func TestProperties(t *testing.T) {
	t.Parallel()
	var p message.Properties
	for _, name := range []string{"b", "a", "B", "c"} {
		p.Set(name, message.String(name))
	}
	p.Set("a", message.Int64(1))
	q := p.Clone()
	p.Delete("b")
	p.Delete("missing")
	var names []string
	for name := range p.All() {
		names = append(names, name)
	}
	if strings.Join(names, "") != "Bac" || p.Len() != 3 || q.Len() != 4 || p.Equal(q) {
		t.Errorf("properties %q; the clone has %d", names, q.Len())
	}
	if v, ok := p.Get("a"); !ok || v.Int64() != 1 {
		t.Errorf("a = %v, %v", v, ok)
	}
	if _, ok := p.Get("b"); ok {
		t.Error("b is still there")
	}
}

// [Q3] A value has its kind and nothing else; == compares kind and value.
func TestValue(t *testing.T) {
	t.Parallel()
	if message.Int64(1) == message.Double(1) || message.String("a") == message.Binary([]byte("a")) {
		t.Error("values of different kinds are the same")
	}
	if message.Timestamp(instant) != message.Timestamp(instant.In(time.FixedZone("x", 3600))) {
		t.Error("one instant in two zones is two values")
	}
	for _, tt := range []struct {
		v    message.Value
		kind message.Kind
		text string
	}{
		{message.Value{}, message.KindNull, ""},
		{message.Bool(true), message.KindBool, "true"},
		{message.Int64(-7), message.KindInt64, "-7"},
		{message.Double(1.5), message.KindDouble, "1.5"},
		{message.String("a"), message.KindString, "a"},
		{message.Timestamp(instant), message.KindTimestamp, "2026-01-31T12:30:15.123456789Z"},
		{message.UUID(guid), message.KindUUID, guid.String()},
		{message.Binary([]byte{1, 2}), message.KindBinary, "AQI="},
		{message.AMQP([]byte{1, 2}), message.KindAMQP, "AQI="},
	} {
		if tt.v.Kind() != tt.kind || tt.v.String() != tt.text {
			t.Errorf("%v is of kind %d, %q", tt.v, tt.v.Kind(), tt.v.String())
		}
	}
}

func TestValueOfAnotherKind(t *testing.T) {
	t.Parallel()
	v := message.String("a")
	if v.Bool() || v.Int64() != 0 || v.Double() != 0 || !v.Time().IsZero() || v.UUID() != uuid.Nil || v.Bytes() != nil {
		t.Error("a string has other values")
	}
	if message.Int64(1).Text() != "" {
		t.Error("an integer has text")
	}
	w := message.Timestamp(instant)
	if !w.Time().Equal(instant) || message.UUID(guid).UUID() != guid || string(message.AMQP([]byte("x")).Bytes()) != "x" {
		t.Error("a value is not what it was made of")
	}
}
