package push_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/problem"
	"github.com/jitney-mq/jitney/push"
)

// request is one as an endpoint got it.
type request struct {
	method, host, uri string
	header            http.Header
	body              string
}

// recorder is an endpoint that takes everything and keeps it.
type recorder struct {
	mu   sync.Mutex // guards list
	list []request
}

func (r *recorder) ServeHTTP(_ http.ResponseWriter, q *http.Request) {
	body, _ := io.ReadAll(q.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, request{q.Method, q.Host, q.RequestURI, q.Header, string(body)})
}

// record pushes a message and returns the request that came of it.
func record(t *testing.T, e push.Endpoint, m *message.Received, body io.WriterTo) request {
	t.Helper()
	r := &recorder{}
	s := serve(t, r.ServeHTTP)
	e.URL, e.Timeout = s.URL+e.URL, long
	c := newClient(t, push.Options{}, "127.0.0.1")
	if result := c.Push(context.Background(), e, "msg_1", m, body); result.Verdict != push.Delivered {
		t.Fatalf("push: %+v", result)
	}
	return r.list[0]
}

// TestMessage holds what an endpoint gets. [S7]
func TestMessage(t *testing.T) {
	t.Parallel()
	const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	m := order()
	m.LockToken, m.Lock, m.LockedUntil = "8f1e5a0c-secret", "http://broker/8f1e5a0c-secret", time.Now()
	m.DeliveryCount, m.SequenceNumber, m.ContentEncoding, m.ContentLanguage = 3, 7, "identity", "en"
	m.Properties.Set("order-id", message.Int64(12))
	m.Properties.Set("traceparent", message.String(traceparent))
	m.Properties.Set("Region", message.String("north"))
	e := push.Endpoint{URL: "/hook?a=b", Header: []push.Header{{"Authorization", "Bearer x"}, {"region", "south"}}}
	got := record(t, e, m, nil)
	if got.method != http.MethodPost || got.uri != "/hook?a=b" || got.body != "hello" {
		t.Errorf("%s %s with the body %q", got.method, got.uri, got.body)
	}
	for name, want := range map[string]string{
		"Content-Type": "text/plain", "Content-Encoding": "identity", "Content-Language": "en", "Content-Length": "5",
		"Order-Id": "12", "Traceparent": traceparent, "Region": "south", "Authorization": "Bearer x", "User-Agent": "Jitney",
		"Webhook-Id": "msg_1", "Webhook-Request-Origin": origin, "Jitney-Properties": `{"Region":"north","order-id":12,"traceparent":"` + traceparent + `"}`,
	} {
		if values := got.header[name]; len(values) != 1 || values[0] != want {
			t.Errorf("%s: %q, want %q", name, values, want)
		}
	}
	properties := got.header.Get("BrokerProperties")
	if !strings.Contains(properties, `"DeliveryCount":3`) || !strings.Contains(properties, `"SequenceNumber":7`) {
		t.Errorf("BrokerProperties: %s", properties)
	}
	for name, values := range got.header {
		if strings.Contains(strings.Join(values, ""), "8f1e5a0c") || strings.Contains(strings.Join(values, ""), "Lock") {
			t.Errorf("the lock is in %s: %q", name, values)
		}
	}
	for _, name := range []string{"Webhook-Signature", "Accept-Encoding", "Cookie", "Referer"} {
		if values, ok := got.header[name]; ok {
			t.Errorf("%s: %q", name, values)
		}
	}
	if m.LockToken == "" {
		t.Error("the caller's message has lost its lock")
	}
}

// TestBare holds that nothing is made up for a message that has nothing. [S7]
func TestBare(t *testing.T) {
	t.Parallel()
	got := record(t, push.Endpoint{}, &message.Received{Message: &message.Message{}}, nil)
	if got.uri != "/" || got.body != "" || got.header.Get("Content-Length") != "0" {
		t.Errorf("an empty message: %+v", got)
	}
	if values, ok := got.header["Content-Type"]; ok {
		t.Errorf("Content-Type: %q", values)
	}
}

// TestClaims holds that a sender cannot speak as the broker or the subscriber. [S7]
func TestClaims(t *testing.T) {
	t.Parallel()
	m := order()
	for _, name := range []string{
		"webhook-id", "Webhook-Timestamp", "WEBHOOK-SIGNATURE", "webhook-request-origin", "webhook-anything", "Host", "User-Agent", "Content-Length",
		"content-type", "Transfer-Encoding", "connection", "Expect", "Jitney-Properties", "brokerproperties", "authorization", "X-TENANT", "cookie",
	} {
		m.Properties.Set(name, message.String("forged"))
	}
	got := record(t, push.Endpoint{Header: []push.Header{{"x-Tenant", "mine"}}}, m, nil)
	for name, values := range got.header {
		for _, value := range values {
			if strings.Contains(value, "forged") && name != "Jitney-Properties" {
				t.Errorf("%s: %q", name, values)
			}
		}
	}
	if strings.Contains(got.host, "forged") || got.header.Get("X-Tenant") != "mine" || len(got.header["X-Tenant"]) != 1 || got.body != "hello" {
		t.Errorf("%+v", got)
	}
}

// TestInjection puts ends of lines into everything that a sender chooses and
// reads the request byte by byte. [S7]
func TestInjection(t *testing.T) {
	t.Parallel()
	const bad = "a\r\nX-Injected: yes\r\n\r\nPOST /evil HTTP/1.1\r\n"
	session := bad
	m := &message.Received{Message: &message.Message{
		ID: bad, SessionID: &session, Label: bad, CorrelationID: bad, To: bad, ReplyTo: bad, PartitionKey: bad,
		ContentType: bad, ContentEncoding: bad, ContentLanguage: "a\nX-Injected: yes", Body: []byte("hello"),
	}}
	m.DeadLetterReason, m.DeadLetterDescription, m.State = bad, bad, bad
	for i, text := range []string{bad, "\r", "\n", "a\x00b", "a\x7fb", "a\u0085b", "a\u2028X-Injected: yes", "\u560a\u560dX-Injected: yes", " a", "a\tb"} {
		m.Properties.Set("value"+strconv.Itoa(i), message.String(text))
		m.Properties.Set("name"+text, message.String("yes"))
	}
	m.Properties.Set("X-Injected: yes", message.Int64(1))
	m.Properties.Set("X-Injected:", message.Int64(1))
	heads := make(chan string, 1)
	address := listen(t, "127.0.0.1:0", func(c net.Conn) {
		var all bytes.Buffer
		for !bytes.HasSuffix(all.Bytes(), []byte("\r\n\r\nhello")) {
			if _, err := io.CopyN(&all, c, 1); err != nil {
				break
			}
		}
		heads <- all.String()
		_, _ = c.Write([]byte("HTTP/1.1 204 OK\r\n\r\n"))
	})
	c := newClient(t, push.Options{}, "127.0.0.1")
	if r := sendMessage(c, "http://"+address, m); r.Verdict != push.Delivered {
		t.Fatalf("push: %+v", r)
	}
	head := strings.TrimSuffix(<-heads, "\r\n\r\nhello")
	for line := range strings.SplitSeq(head, "\r\n") {
		if strings.HasPrefix(strings.ToLower(line), "x-injected") || strings.HasPrefix(line, "POST /evil") || line == "" || strings.ContainsAny(line, "\r\n\x00\x7f") {
			t.Errorf("the line %q", line)
		}
	}
}

func sendMessage(c *push.Client, url string, m *message.Received) push.Result {
	return c.Push(context.Background(), push.Endpoint{URL: url, Timeout: long}, "msg_1", m, nil)
}

// TestID holds which ids there are; others would break the signature. [S7]
func TestID(t *testing.T) {
	t.Parallel()
	c := newClient(t, push.Options{}, "127.0.0.1")
	address := listen(t, "127.0.0.1:0", reply("HTTP/1.1 204 OK\r\nConnection: close\r\n\r\n"))
	for id, ok := range map[string]bool{
		"msg_1": true, "a-B-9": true, strings.Repeat("a", 256): true, strings.Repeat("a", 257): false,
		"": false, "a.b": false, "a b": false, "a\r\nb": false, "é": false, "a,b": false,
	} {
		r := c.Push(context.Background(), push.Endpoint{URL: "http://" + address, Timeout: long}, id, order(), nil)
		wrong := (*problem.Field)(nil)
		if (r.Verdict == push.Delivered) != ok || errors.As(r.Err, &wrong) == ok || r.Sent != ok {
			t.Errorf("id %q: %+v", id, r)
		}
	}
}

// TestSecret reads secrets as Standard Webhooks writes them. [S7]
func TestSecret(t *testing.T) {
	t.Parallel()
	encode := func(n int) string { return "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, n)) }
	for text, size := range map[string]int{
		"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw": 24, encode(24): 24, encode(25): 25, encode(32): 32, encode(64): 64,
		encode(23): 0, encode(65): 0, "": 0, "whsec_": 0, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw": 0, "WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw": 0,
		"whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw": 0, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS-": 0, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS": 0,
		"whsec_MfKQ9r8GKYqrTwjU\nPD8ILPZIo2LaLaSw": 0, " whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw": 0, strings.TrimRight(encode(25), "="): 0,
	} {
		secret, err := push.ParseSecret(text)
		wrong := (*problem.Field)(nil)
		if len(secret) != size || errors.As(err, &wrong) != (size == 0) {
			t.Errorf("secret %q has %d bytes, %v; want %d", text, len(secret), err, size)
		}
		if wrong != nil && len(text) > 6 && strings.Contains(err.Error(), text) {
			t.Errorf("the error repeats the secret: %v", err)
		}
	}
}

// TestSignVector signs what the project's libraries have in their tests. [S7]
func TestSignVector(t *testing.T) {
	t.Parallel()
	secret, err := push.ParseSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	got, err := push.Sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, strings.NewReader(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want || err != nil {
		t.Errorf("signature %s, %v; want %s", got, err, want)
	}
}

// TestSignature verifies what an endpoint got, twice, of a body in memory and
// of one that is not. [S7]
func TestSignature(t *testing.T) {
	t.Parallel()
	secret := []byte("0123456789abcdef0123456789abcdef")
	large := strings.Repeat("0123456789", 50_000)
	unloaded := order()
	unloaded.Body, unloaded.Size = nil, int64(len(large))
	for name, test := range map[string]struct {
		m    *message.Received
		from io.WriterTo
		want string
	}{
		"Loaded":   {order(), nil, "hello"},
		"Unloaded": {unloaded, again(large), large},
		"Empty":    {&message.Received{Message: &message.Message{}}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := time.Now().Unix()
			got := record(t, push.Endpoint{Secret: secret}, test.m, test.from)
			at := got.header.Get("Webhook-Timestamp")
			if n, err := strconv.ParseInt(at, 10, 64); err != nil || n < before || n > time.Now().Unix() {
				t.Errorf("webhook-timestamp %s", at)
			}
			mac := hmac.New(sha256.New, secret)
			mac.Write([]byte(got.header.Get("Webhook-Id") + "." + at + "." + got.body))
			want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
			if s := got.header.Get("Webhook-Signature"); s != want || got.body != test.want {
				t.Errorf("signature %s, want %s; %d bytes of body, want %d", s, want, len(got.body), len(test.want))
			}
		})
	}
}

// again is a body that can be written more than once, in small pieces.
type again string

func (a again) WriteTo(w io.Writer) (n int64, err error) {
	for rest := string(a); rest != "" && err == nil; {
		piece := rest[:min(len(rest), 1000)]
		rest = rest[len(piece):]
		var k int
		k, err = io.WriteString(w, piece)
		n += int64(k)
	}
	return n, err
}

// broken is a body that ends before it should.
type broken struct{ err error }

func (b broken) WriteTo(w io.Writer) (int64, error) {
	n, _ := w.Write([]byte("hel"))
	return int64(n), b.err
}

// TestBrokenBody holds that a body that cannot be read is not delivered.
func TestBrokenBody(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			w.WriteHeader(http.StatusBadRequest)
		}
	})
	damaged := errors.New("damaged")
	m := order()
	m.Size = 5
	c := newClient(t, push.Options{}, "127.0.0.1")
	for name, from := range map[string]io.WriterTo{"Damaged": broken{damaged}, "TooShort": broken{}, "TooLong": again("hello, you")} {
		r := c.Push(context.Background(), push.Endpoint{URL: s.URL, Timeout: long}, "msg_1", m, from)
		if r.Verdict == push.Delivered || r.Err == nil {
			t.Errorf("%s: %+v", name, r)
		}
	}
	e := push.Endpoint{URL: s.URL, Timeout: long, Secret: make([]byte, 24)}
	if r := c.Push(context.Background(), e, "msg_1", m, broken{damaged}); !errors.Is(r.Err, damaged) || r.Sent {
		t.Errorf("a damaged body with a signature: %+v", r)
	}
}
