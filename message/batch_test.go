package message_test

import (
	"strings"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/message"
)

// [Q4] Azure's batch.
func TestParseBatch(t *testing.T) {
	t.Parallel()
	batch, err := message.ParseBatch([]byte(`[
		{"Body":"This is the first message","BrokerProperties":{"Label":"M1","TimeToLiveTimeSpan":"0.00:00:40"}},
		{"Body":"Gr\u00fc\u00dfe","BrokerProperties":{"MessageId":"2","ContentType":"text/x"},"UserProperties":{"Priority":"Low","n":1,"d":1.0}},
		{"UserProperties":null,"BrokerProperties":null},
		{"body":"AP8=","IsBodyBase64":true},
		{}
	]`))
	if err != nil || len(batch) != 5 {
		t.Fatalf("%d messages, %v", len(batch), err)
	}
	want := []message.Message{
		{Label: "M1", TimeToLive: 40 * time.Second, ContentType: "text/plain"},
		{ID: "2", ContentType: "text/x"}, {}, {}, {},
	}
	want[1].Properties.Set("Priority", message.String("Low"))
	want[1].Properties.Set("n", message.Int64(1))
	want[1].Properties.Set("d", message.Double(1))
	for i, body := range []string{"This is the first message", "Grüße", "", "\x00\xff", ""} {
		if !same(batch[i], &want[i]) || string(batch[i].Body) != body {
			t.Errorf("message %d: %+v", i, batch[i])
		}
	}
}

// [Q4] [Q5] A batch that cannot be used says which message is to blame.
func TestParseBatchRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ json, element string }{
		{``, "batch"},
		{`{}`, "batch"},
		{`[`, "batch"},
		{`[{}`, "batch"},
		{`[{},]`, "batch"},
		{`[{}] x`, "batch"},
		{`[` + strings.Repeat(`{},`, message.MaxBatch) + `{}]`, "batch"},
		{`["a"]`, "[0]"},
		{`[{},[]]`, "[1]"},
		{`[{},{"Body":1}]`, "[1].Body"},
		{`[{"Body":"a","body":"b"}]`, "[0].Body"},
		{`[{"Body":"a","Bodies":"b"}]`, "[0].Bodies"},
		{`[{"Body":"x","IsBodyBase64":true}]`, "[0].Body"},
		{`[{"Body":"x","IsBodyBase64":"yes"}]`, "[0].IsBodyBase64"},
		{`[{"BrokerProperties":"{}"}]`, "[0].BrokerProperties"},
		{`[{},{},{"BrokerProperties":{"TimeToLive":0}}]`, "[2].BrokerProperties.TimeToLive"},
		{`[{"UserProperties":{"a":[]}}]`, "[0].UserProperties.a"},
		{`[{"UserProperties":[]}]`, "[0].UserProperties"},
	} {
		batch, err := message.ParseBatch([]byte(tt.json))
		if batch != nil {
			t.Errorf("%.60s: %d messages", tt.json, len(batch))
		}
		wantField(t, err, tt.element)
	}
}

func TestParseBatchLimits(t *testing.T) {
	t.Parallel()
	for json, want := range map[string]int{`[]`: 0, `[` + strings.Repeat(`{},`, message.MaxBatch-1) + `{}]`: message.MaxBatch} {
		if batch, err := message.ParseBatch([]byte(json)); err != nil || len(batch) != want {
			t.Errorf("%d messages, %v, want %d", len(batch), err, want)
		}
	}
}

// [Q4] Any bytes: messages that can be stored, or a problem.
func FuzzBatch(f *testing.F) {
	f.Add([]byte(`[{"Body":"a","BrokerProperties":{"Label":"M1","TimeToLiveTimeSpan":"0.00:00:40"},"UserProperties":{"Priority":"Low"}},{}]`))
	f.Add([]byte(`[{"Body":"AP8=","IsBodyBase64":true,"UserProperties":{"a":{"$timestamp":"2026-01-31T12:00:00Z"}}}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		batch, err := message.ParseBatch(data)
		if err != nil && batch != nil {
			t.Errorf("%d messages and %v", len(batch), err)
		}
		for _, m := range batch {
			if err := m.Validate(); err != nil {
				t.Errorf("read, and yet: %v", err)
			}
		}
	})
}
