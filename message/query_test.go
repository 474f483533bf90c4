package message_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/message"
)

// [Q2] The arguments of a send.
func TestFromQuery(t *testing.T) {
	t.Parallel()
	session := "a"
	empty := ""
	for _, tt := range []struct {
		query string
		want  message.Message
	}{
		{"", message.Message{}},
		{"timeout=60&api-version=2016-07", message.Message{}},
		{"message-id=42&session-id=a&correlation-id=c&label=l&to=t&reply-to=r&reply-to-session-id=rs&partition-key=p",
			message.Message{ID: "42", SessionID: &session, CorrelationID: "c", Label: "l", To: "t", ReplyTo: "r", ReplyToSessionID: "rs", PartitionKey: "p"}},
		{"session-id=", message.Message{SessionID: &empty}},
		{"time-to-live=30", message.Message{TimeToLive: 30 * time.Second}},
		{"time-to-live=1.5", message.Message{TimeToLive: 1500 * time.Millisecond}},
		{"time-to-live=30s", message.Message{TimeToLive: 30 * time.Second}},
		{"time-to-live=1h30m", message.Message{TimeToLive: 90 * time.Minute}},
		{"time-to-live=PT30S", message.Message{TimeToLive: 30 * time.Second}},
		{"time-to-live=P1DT2H3M4.5S", message.Message{TimeToLive: 26*time.Hour + 3*time.Minute + 4500*time.Millisecond}},
		{"time-to-live=P10675199DT2H48M5.4775807S", message.Message{}},
		{"delay=5m", message.Message{ScheduledAt: instant.Add(5 * time.Minute)}},
		{"delay=0", message.Message{}},
		{"scheduled-enqueue-time=2026-01-31T12:30:15.123456789Z", message.Message{ScheduledAt: instant}},
		{"scheduled-enqueue-time=Sat,+31+Jan+2026+12:30:15+GMT", message.Message{ScheduledAt: instant.Truncate(time.Second)}},
	} {
		query, err := url.ParseQuery(tt.query)
		if err != nil {
			t.Fatal(err)
		}
		var m message.Message
		if err := message.FromQuery(query, instant, &m); err != nil || !same(&m, &tt.want) {
			t.Errorf("%s: %+v, %v", tt.query, m, err)
		}
	}
}

// [Q5] An argument that cannot be used is named.
func TestFromQueryRefuses(t *testing.T) {
	t.Parallel()
	for query, element := range map[string]string{
		"message-id=1&message-id=2": "message-id",
		"label=%ff":                 "label",
		"time-to-live=":             "time-to-live",
		"time-to-live=0":            "time-to-live",
		"time-to-live=-1":           "time-to-live",
		"time-to-live=-1s":          "time-to-live",
		"time-to-live=soon":         "time-to-live",
		"time-to-live=P1Y":          "time-to-live",
		"time-to-live=P1M":          "time-to-live",
		"time-to-live=PT":           "time-to-live",
		"time-to-live=P":            "time-to-live",
		"time-to-live=P1DT":         "time-to-live",
		"time-to-live=PT1S1M":       "time-to-live",
		"time-to-live=PT1.5H":       "time-to-live",
		"time-to-live=PTS":          "time-to-live",
		"time-to-live=-PT1S":        "time-to-live",
		"delay=P400DT99999999H":     "delay",
		"delay=x":                   "delay",
		"delay=1&delay=2":           "delay",
		"delay=1&scheduled-enqueue-time=2026-01-31T12:00:00Z":  "delay",
		"scheduled-enqueue-time=noon":                          "scheduled-enqueue-time",
		"scheduled-enqueue-time=9999-12-31T23:59:59Z":          "scheduled-enqueue-time",
		"scheduled-enqueue-time=2026-02-30T00:00:00Z":          "scheduled-enqueue-time",
		"scheduled-enqueue-time=Sat, 31 Jan 2026 12:00:00 CET": "scheduled-enqueue-time",
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		var m message.Message
		wantField(t, message.FromQuery(values, instant, &m), element)
	}
}

// [Q2] A query stands over BrokerProperties.
func TestFromQueryOver(t *testing.T) {
	t.Parallel()
	m := message.Message{ID: "1", Label: "l", TimeToLive: time.Hour, ScheduledAt: instant}
	query := url.Values{"message-id": {"2"}, "time-to-live": {"P99999999D"}, "delay": {"0"}}
	if err := message.FromQuery(query, instant, &m); err != nil {
		t.Fatal(err)
	}
	if !same(&m, &message.Message{ID: "2", Label: "l"}) {
		t.Errorf("got %+v", m)
	}
}
