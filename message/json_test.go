package message_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/message"
)

// [M1] The body's three forms, and the content type that goes with each.
func TestParseJSONBody(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ json, body, contentType string }{
		{`{}`, "", ""},
		{`{"body":"Grüße \u00fc\n"}`, "Grüße ü\n", "text/plain"},
		{`{"body":""}`, "", "text/plain"},
		{`{"body": {"a" : [1.0, "\u00fc"]} }`, `{"a" : [1.0, "\u00fc"]}`, "application/json"},
		{`{"body":[1,2]}`, "[1,2]", "application/json"},
		{`{"body":1e1}`, "1e1", "application/json"},
		{`{"body":true}`, "true", "application/json"},
		{`{"body":null}`, "null", "application/json"},
		{`{"bodyBase64":"AP8="}`, "\x00\xff", ""},
		{`{"bodyBase64":""}`, "", ""},
		{`{"bodyBase64":null,"body":"a"}`, "a", "text/plain"},
		{`{"contentType":"text/x","body":"a"}`, "a", "text/x"},
		{`{"body":{},"contentType":"text/x"}`, "{}", "text/x"},
		{`{"body":"a","contentType":""}`, "a", ""},
		{`{"body":"a","contentType":null}`, "a", "text/plain"},
		{`{"contentType":"text/x"}`, "", "text/x"},
	} {
		m, err := message.ParseJSON([]byte(tt.json))
		if err != nil || string(m.Body) != tt.body || m.ContentType != tt.contentType {
			t.Errorf("%s: %+v, %v", tt.json, m, err)
		}
	}
}

// [M1] All that a sender can say.
func TestParseJSON(t *testing.T) {
	t.Parallel()
	m, err := message.ParseJSON([]byte(` {"messageId":"1","sessionId":"","correlationId":"c","label":"l","to":"t","replyTo":"r",
		"replyToSessionId":"rs","partitionKey":"p","contentType":"text/x","contentEncoding":"br","contentLanguage":"de",
		"timeToLive":90.5,"scheduledEnqueueTimeUtc":"2026-01-31T12:30:15.123456789Z","properties":{"a":1,"A":{"$uuid":"` + guid.String() + `"}}} `))
	if err != nil {
		t.Fatal(err)
	}
	session := ""
	want := &message.Message{ID: "1", SessionID: &session, CorrelationID: "c", Label: "l", To: "t", ReplyTo: "r",
		ReplyToSessionID: "rs", PartitionKey: "p", ContentType: "text/x", ContentEncoding: "br", ContentLanguage: "de",
		TimeToLive: 90500 * time.Millisecond, ScheduledAt: instant}
	want.Properties.Set("a", message.Int64(1))
	want.Properties.Set("A", message.UUID(guid))
	if !same(m, want) {
		t.Errorf("got %+v", m)
	}
}

// [M1] [Q5] Unknown and repeated members, wrong types and broken JSON are
// named.
func TestParseJSONRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ json, element string }{
		{``, "message"},
		{`null`, "message"},
		{`[]`, "message"},
		{`"a"`, "message"},
		{`{"body":"a"`, "message"},
		{`{"body":"a"}{}`, "message"},
		{`{"body":{"a":01}}`, "message"},
		{`{"body":{"a":"` + "\xff" + `"}}`, "message"},
		{`{"body":` + strings.Repeat("[", 501) + strings.Repeat("]", 501) + `}`, "message"},
		{`{"body":"\ud83d"}`, "message"},
		{"{\"body\":\"a\nb\"}", "message"},
		{"\ufeff{}", "message"},
		{`{"MessageId":"1"}`, "MessageId"},
		{`{"messageid":"1"}`, "messageid"},
		{`{"ttl":1}`, "ttl"},
		{`{"":1}`, ""},
		{`{"sequenceNumber":1}`, "sequenceNumber"},
		{`{"lock":"x"}`, "lock"},
		{`{"messageId":1}`, "messageId"},
		{`{"messageId":"1","messageId":"1"}`, "messageId"},
		{`{"messageId":"` + strings.Repeat("a", 129) + `"}`, "messageId"},
		{`{"contentType":"a\r\nb"}`, "contentType"},
		{`{"body":1,"body":2}`, "body"},
		{`{"body":"a","bodyBase64":"AP8="}`, "bodyBase64"},
		{`{"bodyBase64":"AP8=","body":null}`, "body"},
		{`{"bodyBase64":"AP8"}`, "bodyBase64"},
		{`{"bodyBase64":"-_8="}`, "bodyBase64"},
		{`{"bodyBase64":[0]}`, "bodyBase64"},
		{`{"timeToLive":0}`, "timeToLive"},
		{`{"timeToLive":"PT1S"}`, "timeToLive"},
		{`{"scheduledEnqueueTimeUtc":"now"}`, "scheduledEnqueueTimeUtc"},
		{`{"properties":[]}`, "properties"},
		{`{"properties":{"a":1,"a":1}}`, "properties.a"},
		{`{"properties":{"a":{}}}`, "properties.a"},
		{`{"properties":{"a":{"$uuid":1}}}`, "properties.a"},
		{`{"properties":{"a":{"b":1,"c":2}}}`, "properties.a"},
		{`{"properties":{"a":{"$binary":"","$amqp":""}}}`, "properties.a"},
		{`{"properties":{"a":{"$uuid":"x"}}}`, "properties.a.$uuid"},
		{`{"properties":{"a":{"$double":"1"}}}`, "properties.a.$double"},
		{`{"properties":{"a":{"$timestamp":"2026"}}}`, "properties.a.$timestamp"},
		{`{"properties":{"a":{"$binary":"x"}}}`, "properties.a.$binary"},
		{`{"properties":{"a":9223372036854775808}}`, "properties.a"},
		{`{"properties":{"a":1e999}}`, "properties.a"},
		{`{"properties":{"a":[1]}}`, "properties.a"},
		{`{"` + strings.Repeat("é", 5000) + `":1}`, strings.Repeat("é", 510) + "…"},
		{`{"properties":{"` + strings.Repeat("é", 5000) + `":1}}`, "properties." + strings.Repeat("é", 510) + "…"},
		{`{"properties":{"":1}}`, "properties."},
		{`{"properties":{"` + strings.Repeat("é", 256) + `":1}}`, "properties." + strings.Repeat("é", 256)},
	} {
		m, err := message.ParseJSON([]byte(tt.json))
		if m != nil {
			t.Errorf("%.60s: %+v", tt.json, m)
		}
		wantField(t, err, tt.element)
	}
}

// A problem about syntax says where it is.
func TestParseJSONPlace(t *testing.T) {
	t.Parallel()
	_, err := message.ParseJSON([]byte(`{"body":"a",}`))
	if err == nil || !strings.Contains(err.Error(), "byte 13") || !strings.Contains(err.Error(), "a name in quotes") {
		t.Errorf("got %v", err)
	}
}

func TestParseJSONKeepsNothing(t *testing.T) {
	t.Parallel()
	data := []byte(`{"messageId":"1","body":"abc","properties":{"a":"b"}}`)
	m, err := message.ParseJSON(data)
	if err != nil {
		t.Fatal(err)
	}
	for i := range data {
		data[i] = 'x'
	}
	if v, _ := m.Properties.Get("a"); m.ID != "1" || string(m.Body) != "abc" || v.Text() != "b" {
		t.Errorf("got %+v", m)
	}
}

// [M1] The form of the body is the readable one that reads back the same.
func TestAppendJSONBody(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ contentType, body, json string }{
		{"", "", `{}`},
		{"text/plain", "", `{"contentType":"text/plain"}`},
		{"text/plain", "Grüße\n\"\\\x00", `{"contentType":"text/plain","body":"Grüße\n\"\\\u0000"}`},
		{"", "a", `{"contentType":"","body":"a"}`},
		{"", "\xff", `{"bodyBase64":"/w=="}`},
		{"text/plain", "\xff", `{"contentType":"text/plain","bodyBase64":"/w=="}`},
		{"application/json", `{"a": 1.0}`, `{"contentType":"application/json","body":{"a": 1.0}}`},
		{"Application/JSON; charset=utf-8", `[1]`, `{"contentType":"Application/JSON; charset=utf-8","body":[1]}`},
		{"application/cloudevents+json", `{}`, `{"contentType":"application/cloudevents+json","body":{}}`},
		{"application/json", `null`, `{"contentType":"application/json","body":null}`},
		{"application/json", `"a"`, `{"contentType":"application/json","body":"\"a\""}`},
		{"application/json", ` {}`, `{"contentType":"application/json","body":" {}"}`},
		{"application/json", "{}\n", `{"contentType":"application/json","body":"{}\n"}`},
		{"application/json", "{\n}", `{"contentType":"application/json","body":"{\n}"}`},
		{"application/json", `{} {}`, `{"contentType":"application/json","body":"{} {}"}`},
		{"application/json", `{`, `{"contentType":"application/json","body":"{"}`},
		{"application/json", `{"a":"\ud800"}`, `{"contentType":"application/json","body":"{\"a\":\"\\ud800\"}"}`},
		{"application/json", "{\"a\":\"\xff\"}", `{"contentType":"application/json","bodyBase64":"eyJhIjoi/yJ9"}`},
		{"text/plain", `{}`, `{"contentType":"text/plain","body":"{}"}`},
	} {
		m := &message.Message{ContentType: tt.contentType, Body: []byte(tt.body)}
		got := message.AppendJSON(nil, &message.Received{Message: m})
		if string(got) != tt.json {
			t.Errorf("%s %q\ngot  %s\nwant %s", tt.contentType, tt.body, got, tt.json)
		}
		back, err := message.ParseJSON(got)
		if err != nil || string(back.Body) != tt.body || back.ContentType != tt.contentType {
			t.Errorf("%s reads back as %+v, %v", got, back, err)
		}
	}
}

// [M1] What the broker adds, and that it is on one line.
func TestAppendJSON(t *testing.T) {
	t.Parallel()
	r := &message.Received{
		Message: full(), SequenceNumber: 1, EnqueuedSequenceNumber: 2, EnqueuedAt: instant, DeliveryCount: 3,
		Lock: "/q/messages/1/" + guid.String(), LockedUntil: instant.Add(time.Minute), Status: "Leased",
		DeadLetterReason: "r", DeadLetterDescription: "d\n\xff", DeadLetterSource: "/q",
	}
	data := message.AppendJSON([]byte("x"), r)[1:]
	if bytes.ContainsAny(data, "\r\n") {
		t.Errorf("more than a line: %s", data)
	}
	got, err := message.ParseReceived(data)
	if err != nil {
		t.Fatal(err)
	}
	if !same(got.Message, r.Message) || !bytes.Equal(got.Body, r.Body) {
		t.Errorf("the message reads back as %+v", got.Message)
	}
	r.DeadLetterDescription = "d\n\ufffd"
	got.Message, r.Message = nil, nil
	if *got != *r {
		t.Errorf("got  %+v\nwant %+v", *got, *r)
	}
}

func TestParseReceivedRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ json, element string }{
		{`{"sequenceNumber":1.5}`, "sequenceNumber"},
		{`{"sequenceNumber":"1"}`, "sequenceNumber"},
		{`{"deliveryCount":1,"deliveryCount":1}`, "deliveryCount"},
		{`{"enqueuedTimeUtc":"now"}`, "enqueuedTimeUtc"},
		{`{"lockedUntilUtc":1}`, "lockedUntilUtc"},
		{`{"x":1}`, "x"},
	} {
		_, err := message.ParseReceived([]byte(tt.json))
		wantField(t, err, tt.element)
	}
}

// [Q3] The JSON form of every kind of value.
func TestPropertiesJSON(t *testing.T) {
	t.Parallel()
	var p message.Properties
	for name, v := range everyKind() {
		p.Set(name, v)
	}
	data := string(message.AppendProperties(nil, p))
	wantPrintable(t, data)
	got, err := message.ParseProperties("x", data)
	if err != nil || !got.Equal(p) {
		t.Errorf("%s reads back as %v, %v", data, got, err)
	}
	for _, member := range []string{
		`"null":null`, `"True":true`, `"zero":0`, `"one":1.0`, `"negative zero":-0.0`, `"e15":1e+15`, `"NaN":{"$double":"NaN"}`,
		`"-Infinity":{"$double":"-Infinity"}`, `"at":{"$timestamp":"2026-01-31T12:30:15.123456789Z"}`,
		`"id":{"$uuid":"6ba7b810-9dad-11d1-80b4-00c04fd430c8"}`, `"bytes":{"$binary":"AP8="}`, `"no bytes":{"$binary":""}`,
		`"described":{"$amqp":"AKMBYUE="}`, `"text":"Gr\u00fc\u00dfe \u2028\r\n\"\\\u0000\u007f\ud83d\ude00"`, `"\u00dcn\u00efcode \"name\"":1`,
	} {
		if !strings.Contains(data, strings.Replace(member, "True", "true", 1)) {
			t.Errorf("no %s in %s", member, data)
		}
	}
}

func TestParsePropertiesElement(t *testing.T) {
	t.Parallel()
	for element, want := range map[string]string{"": "a", "x": "x.a"} {
		_, err := message.ParseProperties(element, `{"a":[]}`)
		wantField(t, err, want)
	}
}

// [M1] Whatever a sender writes: what goes out is one line that reads back to
// the same message, byte for byte.
func FuzzMessageJSON(f *testing.F) {
	for _, s := range []string{
		`{"messageId":"1","sessionId":"","body":"Grüße \u00fc\n","timeToLive":90.5}`,
		`{"body": {"a" : [1.0, "\u00fc"]} , "contentType":"application/json"}`,
		`{"bodyBase64":"AP8=","properties":{"a":{"$double":"NaN"},"b":1.0,"A":null}}`,
		`{"body":null,"scheduledEnqueueTimeUtc":"Sat, 31 Jan 2026 12:30:15 GMT","contentType":""}`,
		"{\"body\":[1,\n2],\"label\":\"\\ud83d\\ude00\"}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := message.ParseJSON(data)
		if err != nil {
			return
		}
		if err := m.Validate(); err != nil {
			t.Errorf("read, and yet: %v", err)
		}
		out := message.AppendJSON(nil, &message.Received{Message: m})
		if bytes.ContainsAny(out, "\r\n") {
			t.Errorf("more than a line: %q", out)
		}
		again, err := message.ParseJSON(out)
		if err != nil || !same(m, again) || !bytes.Equal(m.Body, again.Body) {
			t.Errorf("%s reads back as %+v, %v", out, again, err)
		}
	})
}

// FuzzBodyJSON writes any body under any content type.
func FuzzBodyJSON(f *testing.F) {
	f.Add("application/json", []byte(`{"a":1}`))
	f.Add("application/json", []byte(`"a"`))
	f.Add("", []byte("a\xffb"))
	f.Add("text/plain", []byte("\ufeff\u2028"))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		m := &message.Message{ContentType: contentType, Body: body}
		if m.Validate() != nil {
			return
		}
		out := message.AppendJSON(nil, &message.Received{Message: m})
		again, err := message.ParseJSON(out)
		if err != nil || !bytes.Equal(again.Body, body) || again.ContentType != contentType {
			t.Errorf("%s reads back as %+v, %v", out, again, err)
		}
	})
}

func BenchmarkAppendJSON(b *testing.B) {
	for name, m := range bodies() {
		b.Run(name, func(b *testing.B) {
			r := &message.Received{Message: m, SequenceNumber: 1, EnqueuedAt: instant, DeliveryCount: 1}
			b.ReportAllocs()
			b.SetBytes(int64(len(m.Body)))
			var dst []byte
			for b.Loop() {
				dst = message.AppendJSON(dst[:0], r)
			}
		})
	}
}

func BenchmarkParseJSON(b *testing.B) {
	for name, m := range bodies() {
		b.Run(name, func(b *testing.B) {
			data := message.AppendJSON(nil, &message.Received{Message: m})
			b.ReportAllocs()
			b.SetBytes(int64(len(m.Body)))
			for b.Loop() {
				if _, err := message.ParseJSON(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// bodies are 1 KiB in each of the body's forms.
func bodies() map[string]*message.Message {
	text, raw, binary := typical(), typical(), typical()
	raw.ContentType = "application/json"
	raw.Body = []byte("[" + strings.TrimSuffix(strings.Repeat(`{"sku":"123","count":1},`, 42), ",") + "]")
	binary.Body = bytes.Repeat([]byte{0xff}, 1024)
	return map[string]*message.Message{"text": text, "json": raw, "binary": binary}
}
