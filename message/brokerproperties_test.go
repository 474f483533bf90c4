package message_test

import (
	"strings"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/message"
)

// [Q2] Azure's names, in any case, are read; what is unknown is ignored.
func TestParseBrokerProperties(t *testing.T) {
	t.Parallel()
	var m message.Message
	err := message.ParseBrokerProperties(`{"MessageId":"1","SessionId":"","CorrelationId":"c","Label":"Gr\u00fc\u00dfe \ud83d\ude00",
		"To":"/to","ReplyTo":"/r","ReplyToSessionId":"rs","PartitionKey":"p","TimeToLive":90.5,
		"ScheduledEnqueueTimeUtc":"Sat, 31 Jan 2026 12:30:15 GMT",
		"ForcePersistence":true,"State":"Active","SequenceNumber":7,"ViaPartitionKey":null,"x":{"y":[1,{"z":[]}]},"x":2}`, &m)
	if err != nil {
		t.Fatal(err)
	}
	session := ""
	want := message.Message{ID: "1", SessionID: &session, CorrelationID: "c", Label: "Grüße \U0001F600", To: "/to",
		ReplyTo: "/r", ReplyToSessionID: "rs", PartitionKey: "p", TimeToLive: 90*time.Second + 500*time.Millisecond,
		ScheduledAt: instant.Truncate(time.Second)}
	if !same(&m, &want) {
		t.Errorf("got %+v", m)
	}
}

func TestParseBrokerPropertiesForms(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		header string
		want   message.Message
	}{
		{`{}`, message.Message{}},
		{" { } ", message.Message{}},
		{`{"MessageId":""}`, message.Message{}},
		{`{"MessageId":null,"TimeToLive":null,"SessionId":null}`, message.Message{}},
		{`{"messageid":"1"}`, message.Message{ID: "1"}},
		{`{"Message\u0049d":"1"}`, message.Message{ID: "1"}},
		{`{"TimeToLive":1}`, message.Message{TimeToLive: time.Second}},
		{`{"TimeToLive":0.000000001}`, message.Message{TimeToLive: 1}},
		{`{"TimeToLive":0.0000000001}`, message.Message{TimeToLive: 1}},
		{`{"TimeToLive":9223372036.9}`, message.Message{}},
		{`{"TimeToLive":1e-300}`, message.Message{TimeToLive: 1}},
		{`{"TimeToLive":1.5e3}`, message.Message{TimeToLive: 1500 * time.Second}},
		{`{"TimeToLive":9223372036.854775806}`, message.Message{TimeToLive: 1<<63 - 2}},
		{`{"TimeToLive":9223372036.854775807}`, message.Message{}}, // 2⁶³ ns and more: none
		{`{"TimeToLive":922337203685.47754}`, message.Message{}},
		{`{"TimeToLive":99999999999999999999999}`, message.Message{}},
		{`{"TimeToLive":1e400}`, message.Message{}},
		{`{"TimeToLiveTimeSpan":"0.00:00:40"}`, message.Message{TimeToLive: 40 * time.Second}},
		{`{"TimeToLiveTimeSpan":"1.02:03:04.5"}`, message.Message{TimeToLive: 26*time.Hour + 3*time.Minute + 4500*time.Millisecond}},
		{`{"TimeToLiveTimeSpan":"10675199.02:48:05.4775807"}`, message.Message{}},
		{`{"ScheduledEnqueueTimeUtc":""}`, message.Message{}},
		{`{"ScheduledEnqueueTimeUtc":"Mon, 01 Jan 0001 00:00:00 GMT"}`, message.Message{}},
		{`{"ScheduledEnqueueTimeUtc":"0001-01-01T00:00:00"}`, message.Message{}},
		{`{"ScheduledEnqueueTimeUtc":"1969-12-31T23:59:59Z"}`, message.Message{}},
		{`{"ScheduledEnqueueTimeUtc":"2026-01-31T13:30:15.123456789+01:00"}`, message.Message{ScheduledAt: instant}},
		{`{"ScheduledEnqueueTimeUtc":"Sat, 31 Jan 2026 12:30:15 GMT+0000"}`, message.Message{ScheduledAt: instant.Truncate(time.Second)}},
	} {
		var m message.Message
		if err := message.ParseBrokerProperties(tt.header, &m); err != nil || !same(&m, &tt.want) {
			t.Errorf("%s: %+v, %v", tt.header, m, err)
		}
	}
}

// [Q5] What cannot be used is named, with what is wanted instead.
func TestParseBrokerPropertiesRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ header, element string }{
		{``, "BrokerProperties"},
		{`[]`, "BrokerProperties"},
		{`{`, "BrokerProperties"},
		{`{"MessageId"}`, "BrokerProperties"},
		{`{"MessageId":"1",}`, "BrokerProperties"},
		{`{"MessageId":"1"} x`, "BrokerProperties"},
		{`{'MessageId':'1'}`, "BrokerProperties"},
		{`{"x":NaN}`, "BrokerProperties"},
		{`{"x":01}`, "BrokerProperties"},
		{`{"x":1.}`, "BrokerProperties"},
		{`{"x":-}`, "BrokerProperties"},
		{`{"x":1e}`, "BrokerProperties"},
		{`{"x":tru}`, "BrokerProperties"},
		{`{"x":"\x"}`, "BrokerProperties"},
		{`{"x":"\ud800"}`, "BrokerProperties"},
		{`{"x":"\udc00\ud800"}`, "BrokerProperties"},
		{"{\"x\":\"\xff\"}", "BrokerProperties"},
		{"{\"x\":\"\t\"}", "BrokerProperties"},
		{`{"x":` + strings.Repeat("[", 100_000), "BrokerProperties"},
		{`{"x":` + strings.Repeat(`{"a":`, 100_000), "BrokerProperties"},
		{`{"MessageId":42}`, "BrokerProperties.MessageId"},
		{`{"messageID":{"a":[]}}`, "BrokerProperties.MessageId"},
		{`{"MessageId":"` + strings.Repeat("a", 129) + `"}`, "BrokerProperties.MessageId"},
		{`{"SessionId":"` + strings.Repeat("é", 129) + `"}`, "BrokerProperties.SessionId"},
		{`{"MessageId":"1","messageid":"2"}`, "BrokerProperties.MessageId"},
		{`{"Label":true}`, "BrokerProperties.Label"},
		{`{"TimeToLive":0}`, "BrokerProperties.TimeToLive"},
		{`{"TimeToLive":0.0}`, "BrokerProperties.TimeToLive"},
		{`{"TimeToLive":0e5}`, "BrokerProperties.TimeToLive"},
		{`{"TimeToLive":-1}`, "BrokerProperties.TimeToLive"},
		{`{"TimeToLive":-1e400}`, "BrokerProperties.TimeToLive"},
		{`{"TimeToLive":"30"}`, "BrokerProperties.TimeToLive"},
		{`{"TimeToLiveTimeSpan":"40"}`, "BrokerProperties.TimeToLiveTimeSpan"},
		{`{"TimeToLiveTimeSpan":"0.00:00:00"}`, "BrokerProperties.TimeToLiveTimeSpan"},
		{`{"TimeToLiveTimeSpan":"-1.00:00:00"}`, "BrokerProperties.TimeToLiveTimeSpan"},
		{`{"ScheduledEnqueueTimeUtc":"tomorrow"}`, "BrokerProperties.ScheduledEnqueueTimeUtc"},
		{`{"ScheduledEnqueueTimeUtc":1767225600}`, "BrokerProperties.ScheduledEnqueueTimeUtc"},
		{`{"ScheduledEnqueueTimeUtc":"9999-12-31T23:59:59Z"}`, "BrokerProperties.ScheduledEnqueueTimeUtc"},
	} {
		var m message.Message
		wantField(t, message.ParseBrokerProperties(tt.header, &m), tt.element)
	}
}

// [R1] A receiver's header is Azure's, and ASCII.
func TestAppendBrokerProperties(t *testing.T) {
	t.Parallel()
	r := &message.Received{
		Message:        &message.Message{ID: "1", Label: "Grüße\r\n\x7f\U0001F600", TimeToLive: 90500 * time.Millisecond},
		SequenceNumber: 2, EnqueuedAt: instant, DeliveryCount: 1, LockToken: guid.String(), LockedUntil: instant.Add(time.Minute), State: "Active",
	}
	want := `{"DeliveryCount":1,"EnqueuedTimeUtc":"Sat, 31 Jan 2026 12:30:15 GMT","LockToken":"` + guid.String() +
		`","LockedUntilUtc":"Sat, 31 Jan 2026 12:31:15 GMT","SequenceNumber":2,"State":"Active","MessageId":"1",` +
		`"Label":"Gr\u00fc\u00dfe\r\n\u007f\ud83d\ude00","TimeToLive":90.5}`
	if got := string(message.AppendBrokerProperties(nil, r)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	r = &message.Received{Message: &message.Message{}}
	if got := string(message.AppendBrokerProperties([]byte("x"), r)); got != `x{"TimeToLive":922337203685.47754}` {
		t.Errorf("got %s", got)
	}
}

// [Q2] Whatever comes in: what goes out is ASCII and reads back the same.
func FuzzBrokerProperties(f *testing.F) {
	f.Add(`{"MessageId":"1","SessionId":"","TimeToLive":90.5,"ScheduledEnqueueTimeUtc":"Sat, 31 Jan 2026 12:30:15 GMT"}`)
	f.Add(`{"Label":"Gr\u00fc\u00dfe \ud83d\ude00\r\n","TimeToLive":922337203685.47754,"x":[{"y":null}]}`)
	f.Add(`{"TimeToLiveTimeSpan":"1.02:03:04.5","ReplyToSessionId":null,"PartitionKey":""}`)
	f.Fuzz(func(t *testing.T, header string) {
		var m message.Message
		if err := message.ParseBrokerProperties(header, &m); err != nil {
			return
		}
		if err := m.Validate(); err != nil {
			t.Errorf("read, and yet: %v", err)
		}
		out := string(message.AppendBrokerProperties(nil, &message.Received{Message: &m, SequenceNumber: 1, State: "Active"}))
		wantPrintable(t, out)
		again := message.Message{ContentType: m.ContentType, ContentEncoding: m.ContentEncoding, ContentLanguage: m.ContentLanguage}
		err := message.ParseBrokerProperties(out, &again)
		m.ScheduledAt = m.ScheduledAt.Truncate(time.Second)
		if err != nil || !same(&m, &again) {
			t.Errorf("%s reads back as %+v, %v", out, again, err)
		}
	})
}

// wantPrintable fails the test if s cannot be the value of a header.
func wantPrintable(t *testing.T, s string) {
	t.Helper()
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			t.Errorf("%q has the byte %#x", s, s[i])
			return
		}
	}
}
