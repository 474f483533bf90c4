package main

import (
	"bufio"
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/jitney-mq/jitney/atom"
	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/policy"
)

func TestParseProperty(t *testing.T) {
	t.Parallel()
	const id = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
	rows := []struct {
		text, name string
		want       message.Value
	}{
		{"a=x", "a", message.String("x")},
		{"a=", "a", message.String("")},
		{"a=b=c", "a", message.String("b=c")},
		{"a=7", "a", message.Int64(7)},
		{"a=-7", "a", message.Int64(-7)},
		{"a=7.0", "a", message.Double(7)},
		{"a=007", "a", message.String("007")},
		{"a=9223372036854775808", "a", message.String("9223372036854775808")},
		{"a=true", "a", message.Bool(true)},
		{"a=True", "a", message.String("True")},
		{"a=null", "a", message.String("null")},
		{`a="7"`, "a", message.String("7")},
		{`a="`, "a", message.String(`"`)},
		{`a={"$uuid":"` + id + `"}`, "a", message.String(`{"$uuid":"` + id + `"}`)},
		{`a=1,"b":2`, "a", message.String(`1,"b":2`)},
		{"a:string=7", "a", message.String("7")},
		{"a:b:int=7", "a:b", message.Int64(7)},
		{"a:b=7", "a:b", message.Int64(7)},
		{":int=7", ":int", message.Int64(7)},
		{"a:double=7", "a", message.Double(7)},
		{"a:bool=1", "a", message.Bool(true)},
		{"a:uuid=" + id, "a", message.UUID(uuid.MustParse(id))},
		{"a:binary=AQI=", "a", message.Binary([]byte{1, 2})},
		{"a:timestamp=2026-01-31T12:00:00.5Z", "a", message.Timestamp(time.Date(2026, 1, 31, 12, 0, 0, 5e8, time.UTC))},
	}
	for _, row := range rows {
		name, v, err := parseProperty(row.text)
		if err != nil || name != row.name || v != row.want {
			t.Errorf("%s = %q %v %v, %v", row.text, name, v.Kind(), v, err)
		}
	}
	for _, text := range []string{"", "a", "=1", "a:int=1.5", "a:double=x", "a:bool=7", "a:uuid=7", "a:binary=?", "a:timestamp=now"} {
		if _, _, err := parseProperty(text); err == nil || !strings.HasPrefix(err.Error(), "want ") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestLinesBecomeMessages(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 200<<10)
	input := "one\r\n\n\xff\ntwo \r\r\n" + long + "\nlast"
	want := []string{"one", "", "\xff", "two \r", long, "last"}
	s := send{env: program(nil)}
	s.label = "l"
	i := 0
	for m, err := range s.messages(strings.NewReader(input)) {
		if err != nil || i == len(want) || string(m.Body) != want[i] || m.Label != "l" || m.ContentType != textType {
			t.Fatalf("line %d: %+v, %v", i, m, err)
		}
		i++
	}
	if i != len(want) {
		t.Errorf("%d lines", i)
	}
	endless := bufio.NewReader(bytes.NewReader(make([]byte, 1<<20)))
	if _, err := readLine(endless, 100<<10); err == nil || err.Error() != "want a line of at most 102400 bytes" {
		t.Errorf("a long line: %v", err)
	}
}

func TestPolicyDocuments(t *testing.T) {
	t.Parallel()
	const xmlFile = `<entry xmlns="http://www.w3.org/2005/Atom"><title>t</title><content type="application/xml">` +
		`<QueuePolicy xmlns="` + policy.Namespace + `"><LockDuration>PT5S</LockDuration><MaxDeliveryCount>3</MaxDeliveryCount></QueuePolicy></content></entry>`
	rows := []struct {
		file string
		kind kind
		sets []string
		want policy.Queue
	}{
		{"", queueKind, nil, policy.NewQueue()},
		{"", queueKind, []string{"LockDuration=PT30S"}, locksFor(30*time.Second, 10)},
		{xmlFile, queueKind, nil, locksFor(5*time.Second, 3)},
		{xmlFile, queueKind, []string{"LockDuration=PT30S"}, locksFor(30*time.Second, 3)},
		{` {"QueuePolicy":{"MaxDeliveryCount":3}}`, queueKind, nil, locksFor(time.Minute, 3)},
		{` {"QueuePolicy":{"MaxDeliveryCount":3}}`, queueKind, []string{"LockDuration=PT30S"}, locksFor(30*time.Second, 3)},
	}
	for _, row := range rows {
		e := program(nil)
		e.stdin = strings.NewReader(row.file)
		p := policyPut{env: e, kind: row.kind, sets: row.sets}
		if row.file != "" {
			p.file = "-"
		}
		mediaType, document, err := p.document()
		if err != nil {
			t.Errorf("%s %v: %v", row.file, row.sets, err)
			continue
		}
		entry, err := parseEntry(mediaType, document)
		if err != nil {
			t.Errorf("%s: %v", document, err)
			continue
		}
		if got, err := policy.FromEntry(entry); err != nil || !policy.Equal(got, row.want) {
			t.Errorf("%s %v: %+v, %v", row.file, row.sets, got, err)
		}
		if len(row.sets) == 0 && row.file != "" && string(document) != row.file {
			t.Errorf("the file was sent as %s", document)
		}
	}
}

func locksFor(d time.Duration, deliveries int) policy.Queue {
	q := policy.NewQueue()
	q.LockDuration, q.MaxDeliveryCount = d, deliveries
	return q
}

func TestPolicyDocumentsThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"<x", `<entry xmlns="` + atom.Namespace + `"/>`, "{", "{}"} {
		e := program(nil)
		e.stdin = strings.NewReader(file)
		p := policyPut{env: e, file: "-", sets: []string{"LockDuration=PT30S"}}
		if _, _, err := p.document(); err == nil || exitCode(err) != exitUsage {
			t.Errorf("%s: %v", file, err)
		}
	}
}
