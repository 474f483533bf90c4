package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/message"
)

func someMessages() []*message.Received {
	one := &message.Received{
		Message:        &message.Message{ID: "a", Label: "new", ContentType: "text/plain", Body: []byte("two coffees")},
		SequenceNumber: 1, EnqueuedAt: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC), DeliveryCount: 1, Status: "Pending",
	}
	two := &message.Received{
		Message:        &message.Message{ID: "\x1b[2J", ContentType: "application/json", Body: []byte(`{"text":"` + strings.Repeat("x", 80) + `"}`)},
		SequenceNumber: 12, EnqueuedAt: time.Date(2026, 1, 31, 12, 0, 1, 5, time.UTC), Status: "Pending",
	}
	return []*message.Received{one, two}
}

func listedAs(t *testing.T, f format, messages []*message.Received) string {
	t.Helper()
	var b bytes.Buffer
	l := newLister(&b, f, messageJSON, numberColumn, idColumn, labelColumn, statusColumn, enqueuedColumn, deliveriesColumn, bodyColumn)
	for _, m := range messages {
		if err := l.add(m); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.end(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestFormats(t *testing.T) {
	t.Parallel()
	x80 := strings.Repeat("x", 80)
	rows := []struct {
		format   format
		messages []*message.Received
		want     string
	}{
		{tableFormat, nil, ""},
		{jsonFormat, nil, "[]\n"},
		{jsonlFormat, nil, ""},
		{"", someMessages(), `
NUMBER  ID         LABEL  STATUS   ENQUEUED              DELIVERIES  BODY
1       a          new    Pending  2026-01-31T12:00:00Z  1           two coffees
12      "\x1b[2J"  -      Pending  2026-01-31T12:00:01Z  0           {"text":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
`},
		{jsonlFormat, someMessages(), `
{"sequenceNumber":1,"enqueuedTimeUtc":"2026-01-31T12:00:00Z","deliveryCount":1,"status":"Pending","messageId":"a","label":"new","contentType":"text/plain","body":"two coffees"}
{"sequenceNumber":12,"enqueuedTimeUtc":"2026-01-31T12:00:01.000000005Z","status":"Pending","messageId":"\u001b[2J","contentType":"application/json","body":{"text":"` + x80 + `"}}
`},
		{jsonFormat, someMessages()[:1], `
[
  {
    "sequenceNumber": 1,
    "enqueuedTimeUtc": "2026-01-31T12:00:00Z",
    "deliveryCount": 1,
    "status": "Pending",
    "messageId": "a",
    "label": "new",
    "contentType": "text/plain",
    "body": "two coffees"
  }
]
`},
	}
	for _, row := range rows {
		if got := listedAs(t, row.format, row.messages); got != strings.TrimPrefix(row.want, "\n") {
			t.Errorf("%q:\n%s\nwant\n%s", row.format, got, row.want)
		}
	}
}

func TestBodies(t *testing.T) {
	t.Parallel()
	rows := []struct {
		receive receive
		want    string
		locks   string
	}{
		{receive{count: 1, mode: peekLock, settling: completeShown}, "one\x00two\nthree", ""},
		{receive{count: 2, mode: peekLock, settling: completeShown}, "one\x00\ntwo\nthree\n\n", ""},
		{receive{count: 1, follow: true, mode: receiveAndDelete, settling: settleNothing}, "one\x00\ntwo\nthree\n\n", ""},
		{receive{count: 1, mode: peekLock, settling: settleNothing}, "one\x00two\nthree", "jitney: message 0 is locked until : \n"},
	}
	for _, row := range rows {
		e := program(nil)
		row.receive.env = e
		w := row.receive.newWriter()
		for _, body := range []string{"one\x00", "two\n", "three", ""} {
			if err := w.add(&message.Received{Message: &message.Message{Body: []byte(body)}}); err != nil {
				t.Error(err)
			}
		}
		if err := w.end(); err != nil {
			t.Error(err)
		}
		if got := e.stdout.(*bytes.Buffer).String(); got != row.want {
			t.Errorf("%q, want %q", got, row.want)
		}
		if got := e.stderr.(*bytes.Buffer).String(); strings.TrimRight(got, "\n") != strings.TrimRight(strings.Repeat(row.locks, 4), "\n") {
			t.Errorf("%q, want %q", got, row.locks)
		}
	}
}

func TestCells(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ü", maxCell)
	for text, want := range map[string]string{
		"": "-", "plain": "plain", "ü": "ü", "a\tb\n": `"a\tb\n"`, "\xff": `"\xff"`, long: long, long + "!": long + "…",
	} {
		if got := cell(text); got != want {
			t.Errorf("cell(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestCompactJSON(t *testing.T) {
	t.Parallel()
	rows := []struct{ text, want string }{
		{"a < b & c > d", `"a < b & c > d"`},
		{`\u003e`, `"\\u003e"`},
		{"\\<", `"\\<"`},
		{"\"\n\u2028", `"\"\n\u2028"`},
		{"", `""`},
	}
	for _, row := range rows {
		if got, err := compactJSON(row.text); err != nil || string(got) != row.want {
			t.Errorf("%q: %s, %v, want %s", row.text, got, err, row.want)
		}
	}
}
