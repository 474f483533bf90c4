package message_test

import (
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/message"
)

func header(pairs ...string) http.Header {
	h := make(http.Header)
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

// [Q3] Quoted is a string or a date, a bare number or boolean is typed, else
// it is a string.
func TestHeaderValues(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want message.Value
	}{
		{`"High"`, message.String("High")},
		{`High`, message.String("High")},
		{`12345,ABC`, message.String("12345,ABC")},
		{`"12345,ABC"`, message.String("12345,ABC")},
		{``, message.String("")},
		{`""`, message.String("")},
		{`"`, message.String(`"`)},
		{`"a"b"`, message.String(`"a"b"`)},
		{`"a\"b\\c"`, message.String(`a"b\c`)},
		{`"a\"`, message.String(`"a\"`)},
		{`"12"`, message.String("12")},
		{`"true"`, message.String("true")},
		{`12`, message.Int64(12)},
		{`-12`, message.Int64(-12)},
		{`9223372036854775807`, message.Int64(math.MaxInt64)},
		{`9223372036854775808`, message.String("9223372036854775808")},
		{`007`, message.String("007")},
		{`+1`, message.String("+1")},
		{`0x10`, message.String("0x10")},
		{`1.5`, message.Double(1.5)},
		{`1.0`, message.Double(1)},
		{`1e3`, message.Double(1000)},
		{`1e999`, message.String("1e999")},
		{`NaN`, message.String("NaN")},
		{`true`, message.Bool(true)},
		{`false`, message.Bool(false)},
		{`True`, message.String("True")},
		{`null`, message.String("null")},
		{`"Sat, 31 Jan 2026 12:30:15 GMT"`, message.Timestamp(instant.Truncate(time.Second))},
		{`"Thu, 01 Jan 1970 00:00:00 GMT+0000"`, message.Timestamp(time.Unix(0, 0))},
		{`Sat, 31 Jan 2026 12:30:15 GMT`, message.String("Sat, 31 Jan 2026 12:30:15 GMT")},
		{`"2026-01-31T12:30:15Z"`, message.String("2026-01-31T12:30:15Z")},
		{`Grüße`, message.String("Grüße")},
	} {
		var m message.Message
		if err := message.FromHeader(header("Customer", tt.text), &m); err != nil {
			t.Errorf("%s: %v", tt.text, err)
		}
		if v, _ := m.Properties.Get("Customer"); v != tt.want {
			t.Errorf("%s is %v of kind %d, want %v", tt.text, v, v.Kind(), tt.want)
		}
	}
}

// [Q3] The closed list: nothing of the way that a message took becomes part of
// it, nor does a credential.
func TestClosedHeaders(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"Accept", "accept", "ACCEPT-ENCODING", "Host", "User-Agent", "Content-Length", "Content-MD5", "Date", "ETag", "If-Match",
		"Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Expect",
		"X-Forwarded-For", "x-forwarded-proto", "X-Forwarded-Anything", "Forwarded", "Via", "X-Real-IP", "X-Request-Id",
		"Sec-WebSocket-Key", "Sec-Fetch-Mode", "sec-ch-ua", "Origin", "Referer", "DNT", "Access-Control-Request-Method",
		"Cookie", "Set-Cookie", "Authorization", "Proxy-Authorization", "ServiceBusAuthorization",
		"ServiceBusSupplementaryAuthorization", "X-Api-Key", "Api-Key", "X-Auth-Token", "Private-Token", "X-Amz-Security-Token",
		"X-Csrf-Token", "My-Secret", "Db-Password", "X-MS-Client-Principal", "Client-Cert", "DPoP",
		"BrokerProperties", "Jitney-Properties", "Jitney-Anything", "SLUG", "x-ms-retrypolicy",
		"", "a b", "a:b", "a\r\nb", "é",
	} {
		if message.IsPropertyHeader(name) {
			t.Errorf("%q can be a property", name)
		}
	}
	for _, name := range []string{"Priority", "Customer", "order-id", "X-Order", "traceparent", "Label", "Topic", "Secretary", "ce-id", "webhook-id"} {
		if !message.IsPropertyHeader(name) {
			t.Errorf("%q cannot be a property", name)
		}
	}
}

// [Q2] [Q3] A request as clients send it, all sources in one.
func TestFromHeader(t *testing.T) {
	t.Parallel()
	h := header(
		"Content-Type", "application/json", "Content-Encoding", "br", "Content-Language", "de", "Content-Language", "en",
		"BrokerProperties", `{"MessageId":"42","ContentType":"text/plain"}`,
		"Jitney-Properties", `{"order-id":{"$uuid":"`+guid.String()+`"},"n":1.0}`,
		"Order-Id", guid.String(), "N", "1", "Customer", `"ABC"`, "Priority", "High", "Tag", "a", "Tag", "b",
		"Authorization", "Bearer x", "X-Hop", "1", "Connection", "keep-alive, x-hop", "Accept", "*/*",
		"Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
	)
	want := message.Message{ID: "42", ContentType: "application/json", ContentEncoding: "br", ContentLanguage: "de, en"}
	for name, v := range map[string]message.Value{
		"order-id": message.UUID(guid), "n": message.Double(1), "Customer": message.String("ABC"),
		"Priority": message.String("High"), "Tag": message.String("a, b"),
		"Traceparent": message.String("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
	} {
		want.Properties.Set(name, v)
	}
	var m message.Message
	if err := message.FromHeader(h, &m); err != nil {
		t.Fatal(err)
	}
	if !same(&m, &want) {
		t.Errorf("got %+v", m)
	}
}

// [Q3] A browser's Priority is not Azure's.
func TestPriority(t *testing.T) {
	t.Parallel()
	for value, taken := range map[string]bool{"u=1": false, "u=1, i": false, "i": false, "i, u=2": false, "High": true, `"i"`: true, "1": true} {
		var m message.Message
		if err := message.FromHeader(header("Priority", value), &m); err != nil || (m.Properties.Len() == 1) != taken {
			t.Errorf("Priority: %s: %v, %v", value, m.Properties, err)
		}
	}
}

// [Q5] A header that cannot be used is named.
func TestFromHeaderRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		element string
		h       http.Header
	}{
		{"BrokerProperties", header("BrokerProperties", "{")},
		{"BrokerProperties", header("BrokerProperties", "{}", "BrokerProperties", "{}")},
		{"BrokerProperties.TimeToLive", header("BrokerProperties", `{"TimeToLive":0}`)},
		{"Jitney-Properties", header("Jitney-Properties", "[]")},
		{"Jitney-Properties", header("Jitney-Properties", "{}", "Jitney-Properties", "{}")},
		{"Jitney-Properties", header("Jitney-Properties", "{} x")},
		{"Jitney-Properties.a", header("Jitney-Properties", `{"a":1,"a":2}`)},
		{"Jitney-Properties.a", header("Jitney-Properties", `{"a":[1]}`)},
		{"Content-Type", header("Content-Type", "text/plain; x=é")},
		{"Content-Type", header("Content-Type", strings.Repeat("a", 1025))},
		{"Customer", header("Customer", "\xe9")},
		{"A" + strings.Repeat("a", 255), header(strings.Repeat("A", 256), "1")},
		{"Big", header("Big", strings.Repeat("a", message.MaxPropertiesBytes))},
	} {
		var m message.Message
		wantField(t, message.FromHeader(tt.h, &m), tt.element)
	}
}

// [R1] [Q3] A reply has every property exactly, and as a plain header what
// reads back as it was.
func TestToHeader(t *testing.T) {
	t.Parallel()
	m := &message.Message{ID: "1", ContentType: "text/plain", ContentLanguage: "de"}
	for name, v := range everyKind() {
		m.Properties.Set(strings.ReplaceAll(name, " ", "-"), v)
	}
	m.Properties.Set("Authorization", message.String("Bearer x"))
	m.Properties.Set("traceparent", message.String("00-0af-b7a-01"))
	m.Properties.Set("quoted", message.String(`a"b\c`))
	h := make(http.Header)
	message.ToHeader(h, &message.Received{Message: m, SequenceNumber: 7})
	plain := map[string]string{
		"Content-Type": "text/plain", "Content-Language": "de",
		"true": "true", "False": "false", "zero": "0", "min": "-9223372036854775808", "max": "9223372036854775807",
		"one": "1.0", "negative-zero": "-0.0", "tenth": "0.1", "tiny": "5e-324", "huge": "1.7976931348623157e+308", "e15": "1e+15",
		"empty": `""`, "number-as-text": `"12"`, "At": `"Sat, 31 Jan 2026 12:30:15 GMT"`, "quoted": `"a\"b\\c"`,
		"traceparent": "00-0af-b7a-01", "first": `"Sat, 01 Jan 0000 00:00:00 GMT"`,
	}
	for name, want := range plain {
		if got := h[name]; len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
		delete(h, name)
	}
	if broker := h["Brokerproperties"]; len(broker) != 1 || !strings.Contains(broker[0], `"SequenceNumber":7`) {
		t.Errorf("BrokerProperties: %q", broker)
	}
	if len(h) != 2 {
		t.Errorf("more headers than there should be: %v", h)
	}
	p, err := message.ParseProperties("Jitney-Properties", h.Get("Jitney-Properties"))
	if err != nil || !p.Equal(m.Properties) {
		t.Errorf("Jitney-Properties: %v, %v", p, err)
	}
}

// [Q3] What a receiver sends on is the same message.
func TestHeaderRoundTrip(t *testing.T) {
	t.Parallel()
	h := make(http.Header)
	sent := full()
	sent.ScheduledAt = sent.ScheduledAt.Truncate(time.Second)
	message.ToHeader(h, &message.Received{Message: sent})
	var got message.Message
	if err := message.FromHeader(overWire(t, h), &got); err != nil || !same(&got, sent) {
		t.Errorf("got %+v, %v", got, err)
	}
}

// overWire returns the header as another program receives it.
func overWire(t *testing.T, h http.Header) http.Header {
	t.Helper()
	w := httptest.NewRecorder()
	for name, values := range h {
		w.Header()[name] = values
	}
	got := make(http.Header)
	for name, values := range w.Result().Header {
		for _, v := range values {
			got.Add(name, v)
		}
	}
	return got
}

// [Q3] Names that differ in case are two properties and one header.
func TestToHeaderCase(t *testing.T) {
	t.Parallel()
	var m message.Message
	m.Properties.Set("Order", message.Int64(1))
	m.Properties.Set("order", message.Int64(2))
	h := make(http.Header)
	message.ToHeader(h, &message.Received{Message: &m})
	if len(h["Order"]) != 1 || len(h) != 3 {
		t.Errorf("got %v", h)
	}
	var again message.Message
	if err := message.FromHeader(h, &again); err != nil || !same(&again, &m) {
		t.Errorf("got %+v, %v", again, err)
	}
}

// [Q3] No header, whatever was in it, makes one that breaks the reply, and
// what was read is what another reader gets.
func FuzzHeaderProperties(f *testing.F) {
	f.Add("Customer", `"ABC"`, `{"a":{"$double":"NaN"},"b":1.0,"c":null}`)
	f.Add("Priority", "High", `{"Priority":"x\r\nSet-Cookie: y"}`)
	f.Add("x", `"Sat, 31 Jan 2026 12:30:15 GMT"`, `{"a\r\nb":{"$binary":"AQI="},"":1}`)
	f.Add("traceparent", "00-0af-b7a-01", `{"t":{"$timestamp":"2026-01-31T12:00:00.5Z"},"u":{"$uuid":"6ba7b810-9dad-11d1-80b4-00c04fd430c8"}}`)
	f.Add("a", "\xff", `{"Date":"x","é":"Grüße","a":1,"A":2}`)
	f.Fuzz(func(t *testing.T, name, value, exact string) {
		var m message.Message
		if message.FromHeader(http.Header{http.CanonicalHeaderKey(name): {value}, "Jitney-Properties": {exact}}, &m) != nil {
			return
		}
		if err := m.Validate(); err != nil {
			t.Errorf("read, and yet: %v", err)
		}
		h := make(http.Header)
		message.ToHeader(h, &message.Received{Message: &m})
		for name, values := range h {
			wantPrintable(t, name)
			wantPrintable(t, values[0])
		}
		checkPlain(t, h, m.Properties)
		var again message.Message
		if err := message.FromHeader(h, &again); err != nil || !again.Properties.Equal(m.Properties) {
			t.Errorf("%v reads back as %v, %v", m.Properties, again.Properties, err)
		}
	})
}

// checkPlain reads the plain headers alone: each is the property of its name.
func checkPlain(t *testing.T, h http.Header, p message.Properties) {
	t.Helper()
	for name := range p.All() {
		values, ok := h[name]
		if !ok || !message.IsPropertyHeader(name) {
			continue
		}
		var m message.Message
		if err := message.FromHeader(http.Header{name: values}, &m); err != nil {
			t.Error(err)
		}
		got, _ := m.Properties.Get(name)
		if want, _ := p.Get(name); got != want {
			t.Errorf("%s: %q reads as %v, want %v", name, values, got, want)
		}
	}
}

func BenchmarkHeader(b *testing.B) {
	r := &message.Received{Message: typical(), SequenceNumber: 1, EnqueuedAt: instant, DeliveryCount: 1,
		LockToken: guid.String(), LockedUntil: instant, State: "Active"}
	b.Run("to", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			message.ToHeader(make(http.Header, 8), r)
		}
	})
	b.Run("from", func(b *testing.B) {
		h := header("Content-Type", "text/plain", "BrokerProperties", `{"MessageId":"42"}`, "Customer", `"ABC"`, "User-Agent", "x", "Accept", "*/*")
		b.ReportAllocs()
		for b.Loop() {
			var m message.Message
			if err := message.FromHeader(h, &m); err != nil {
				b.Fatal(err)
			}
		}
	})
}
