package push_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jitney-mq/jitney/message"
	"github.com/jitney-mq/jitney/push"
)

// readHead reads a request up to the empty line after its header.
func readHead(c net.Conn) {
	var head []byte
	b := make([]byte, 1)
	for !bytes.HasSuffix(head, []byte("\r\n\r\n")) {
		if _, err := c.Read(b); err != nil {
			return
		}
		head = append(head, b[0])
	}
}

// reply writes one text after the request's header and closes.
func reply(text string) func(net.Conn) {
	return func(c net.Conn) {
		readHead(c)
		_, _ = c.Write([]byte(text))
	}
}

// replyAndHold writes one text and waits until the other side has gone.
func replyAndHold(text string) func(net.Conn) {
	return func(c net.Conn) {
		readHead(c)
		_, _ = c.Write([]byte(text))
		hold(c)
	}
}

func hold(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

// repeat writes first and then again and again until the other side has gone.
func repeat(first, again string) func(net.Conn) {
	return func(c net.Conn) {
		readHead(c)
		_, err := c.Write([]byte(first))
		for err == nil {
			_, err = c.Write([]byte(again))
		}
	}
}

// drip writes first and then a byte now and then.
func drip(first, again string) func(net.Conn) {
	return func(c net.Conn) {
		readHead(c)
		_, err := c.Write([]byte(first))
		for err == nil {
			if !wait(c, short/10) {
				return
			}
			_, err = c.Write([]byte(again))
		}
	}
}

// wait returns after a while, false if the other side has gone.
func wait(c net.Conn, d time.Duration) bool {
	_ = c.SetReadDeadline(time.Now().Add(d))
	for b := make([]byte, 64); ; {
		if _, err := c.Read(b); err != nil {
			return errors.Is(err, context.DeadlineExceeded) || isTimeout(err)
		}
	}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

func reset(c net.Conn) {
	_ = c.(*net.TCPConn).SetLinger(0)
	_ = c.Close()
}

// Whether a byte was sent.
const (
	never  = "never"
	yes    = "always"
	either = "either" // whoever is first
)

var hugeHeader = "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\n"

// sinks are endpoints that do everything but what they should. [S7]
var sinks = map[string]struct {
	each    func(net.Conn)
	verdict push.Verdict
	status  int
	sent    string
	scheme  string // default http
}{
	"NeverAnswers":        {each: hold, sent: yes},
	"ClosesAtOnce":        {each: func(net.Conn) {}, sent: either},
	"ResetsAtOnce":        {each: reset, sent: either},
	"ClosesAfterHeader":   {each: readHead, sent: yes},
	"ResetsAfterHeader":   {each: func(c net.Conn) { readHead(c); reset(c) }, sent: yes},
	"ClosesInStatusLine":  {each: reply("HTTP/1.1 2"), sent: yes},
	"ClosesInHeader":      {each: reply("HTTP/1.1 200 OK\r\nContent-Le"), sent: yes},
	"ResetsInHeader":      {each: func(c net.Conn) { reply("HTTP/1.1 200 OK\r\nA: b\r\n")(c); reset(c) }, sent: yes},
	"HoldsInHeader":       {each: replyAndHold("HTTP/1.1 200 OK\r\nA: b\r\n"), sent: yes},
	"DripsHeader":         {each: drip("HTTP/1.1 200 OK\r\nA: ", "b"), sent: yes},
	"HeaderForEver":       {each: repeat("HTTP/1.1 200 OK\r\n", "A: b\r\n"), sent: yes},
	"HugeHeader":          {each: reply(hugeHeader), sent: yes},
	"HugeStatusLine":      {each: reply("HTTP/1.1 200 " + strings.Repeat("O", 10<<20)), sent: yes},
	"ContinueForEver":     {each: repeat("", "HTTP/1.1 100 Continue\r\n\r\n"), sent: yes},
	"ContinueSlowly":      {each: drip("", "HTTP/1.1 100 Continue\r\n\r\n"), sent: yes},
	"EarlyHintsForEver":   {each: repeat("", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"), sent: yes},
	"InterimForEver":      {each: repeat("", "HTTP/1.1 199 A\r\n\r\n"), sent: yes},
	"ContinueAndHold":     {each: replyAndHold("HTTP/1.1 100 Continue\r\n\r\n"), sent: yes},
	"InterimThenTaken":    {each: reply("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 E\r\n\r\nHTTP/1.1 202 OK\r\nContent-Length: 0\r\n\r\n"), verdict: push.Delivered, status: 202, sent: yes},
	"SwitchingProtocols":  {each: replyAndHold("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"), status: 101, sent: yes},
	"HTTP09":              {each: reply("<html>hello</html>\n"), sent: yes},
	"Binary":              {each: reply("\x00\x16\x03\x01\xff\r\n\r\n"), sent: yes},
	"OtherProtocol":       {each: reply("SSH-2.0-OpenSSH_9.6\r\n"), sent: yes},
	"HTTP2Frames":         {each: reply("\x00\x00\x12\x04\x00\x00\x00\x00\x00"), sent: yes},
	"NoStatus":            {each: reply("HTTP/1.1 \r\n\r\n"), sent: yes},
	"StatusIsAWord":       {each: reply("HTTP/1.1 OK 200\r\n\r\n"), sent: yes},
	"StatusIsHuge":        {each: reply("HTTP/1.1 " + strings.Repeat("2", 10_000) + " OK\r\n\r\n"), sent: yes},
	"StatusNegative":      {each: reply("HTTP/1.1 -20 OK\r\n\r\n"), sent: yes},
	"StatusFourDigits":    {each: reply("HTTP/1.1 2000 OK\r\n\r\n"), sent: yes},
	"Status000":           {each: reply("HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n"), sent: yes},
	"Status999":           {each: reply("HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n"), status: 999, sent: yes},
	"HTTP10":              {each: reply("HTTP/1.0 200 OK\r\n\r\nyes"), verdict: push.Delivered, status: 200, sent: yes},
	"NoReason":            {each: reply("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"), verdict: push.Delivered, status: 200, sent: yes},
	"TwoLengths":          {each: reply("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"), sent: yes},
	"LengthNegative":      {each: reply("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), sent: yes},
	"LengthIsAWord":       {each: reply("HTTP/1.1 200 OK\r\nContent-Length: one\r\n\r\n"), sent: yes},
	"LengthOverflow":      {each: reply("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n"), sent: yes},
	"UnknownEncoding":     {each: reply("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"), sent: yes},
	"NULInHeader":         {each: reply("HTTP/1.1 200 OK\r\nA: b\x00c\r\n\r\n"), sent: yes},
	"SpaceInName":         {each: reply("HTTP/1.1 200 OK\r\nA B: c\r\n\r\n"), verdict: push.Delivered, status: 200, sent: yes},
	"BodyCutOff":          {each: reply("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"), verdict: push.Delivered, status: 200, sent: yes},
	"BodyTooLong":         {each: replyAndHold("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef"), verdict: push.Delivered, status: 200, sent: yes},
	"BodyMissing":         {each: replyAndHold("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"), verdict: push.Delivered, status: 200, sent: yes},
	"BodyDrips":           {each: drip("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", "x"), verdict: push.Delivered, status: 200, sent: yes},
	"BodyForEver":         {each: repeat("HTTP/1.1 200 OK\r\n\r\n", strings.Repeat("x", 4096)), verdict: push.Delivered, status: 200, sent: yes},
	"HugeBody":            {each: reply("HTTP/1.1 200 OK\r\nContent-Length: 10485760\r\n\r\n" + strings.Repeat("x", 10<<20)), verdict: push.Delivered, status: 200, sent: yes},
	"HugeBodyOfError":     {each: reply("HTTP/1.1 500 No\r\nContent-Length: 10485760\r\n\r\n" + strings.Repeat("x", 10<<20)), status: 500, sent: yes},
	"BrokenChunks":        {each: reply("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc"), verdict: push.Delivered, status: 200, sent: yes},
	"HugeChunk":           {each: replyAndHold("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"), verdict: push.Delivered, status: 200, sent: yes},
	"ChunksForEver":       {each: repeat("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1;"+strings.Repeat("e", 100)+"\r\nx\r\n"), verdict: push.Delivered, status: 200, sent: yes},
	"TrailerForEver":      {each: repeat("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "A: b\r\n"), verdict: push.Delivered, status: 200, sent: yes},
	"Bomb":                {each: reply("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08"), verdict: push.Delivered, status: 200, sent: yes},
	"NoContentWithBody":   {each: reply("HTTP/1.1 204 No Content\r\n\r\nbody"), verdict: push.Delivered, status: 204, sent: yes},
	"TwoAnswers":          {each: reply("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), status: 500, sent: yes},
	"Gone":                {each: reply("HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"), verdict: push.Gone, status: 410, sent: yes},
	"GoneAndHold":         {each: replyAndHold("HTTP/1.1 410 Gone\r\n\r\n"), verdict: push.Gone, status: 410, sent: yes},
	"NotFound":            {each: reply("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), status: 404, sent: yes},
	"Unauthorized":        {each: reply("HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"), status: 401, sent: yes},
	"ProxyAuthentication": {each: reply("HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"), status: 407, sent: yes},
	"Cookies":             {each: reply("HTTP/1.1 200 OK\r\n" + strings.Repeat("Set-Cookie: a=b\r\n", 100) + "Content-Length: 0\r\n\r\n"), verdict: push.Delivered, status: 200, sent: yes},
	"HandshakeNeverEnds":  {each: hold, scheme: "https", sent: never},
	"HandshakeCloses":     {each: func(net.Conn) {}, scheme: "https", sent: never},
	"HandshakeGarbage":    {each: func(c net.Conn) { _, _ = c.Write([]byte("HTTP/1.1 200 OK\r\n\r\n")); hold(c) }, scheme: "https", sent: never},
	"HandshakeDrips":      {each: func(c net.Conn) { dripRecord(c) }, scheme: "https", sent: never},
}

// dripRecord sends a TLS record header that promises 16 KiB, and then little.
func dripRecord(c net.Conn) {
	_, err := c.Write([]byte{0x16, 3, 3, 0x40, 0})
	for err == nil && wait(c, short/10) {
		_, err = c.Write([]byte{2})
	}
}

func TestSinks(t *testing.T) {
	t.Parallel()
	for name, test := range sinks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := listen(t, "127.0.0.1:0", test.each)
			c := newClient(t, push.Options{}, "127.0.0.1")
			scheme := test.scheme
			if scheme == "" {
				scheme = "http"
			}
			r := pushShort(t, c, scheme+"://"+address, order(), nil)
			check(t, r, test.verdict, test.status, test.sent)
		})
	}
}

// pushShort holds that a push ends within its timeout.
func pushShort(t *testing.T, c *push.Client, url string, m *message.Received, body io.WriterTo) push.Result {
	t.Helper()
	startedAt := time.Now()
	r := c.Push(context.Background(), push.Endpoint{URL: url, Timeout: short}, "msg_1", m, body)
	if took := time.Since(startedAt); took > short+slack {
		t.Errorf("a push with a timeout of %v took %v", short, took)
	}
	return r
}

func check(t *testing.T, r push.Result, verdict push.Verdict, status int, sent string) {
	t.Helper()
	if r.Verdict != verdict || r.Status != status || (r.Err == nil) != (verdict == push.Delivered) {
		t.Errorf("%+v, want %v with status %d", r, verdict, status)
	}
	if sent != either && r.Sent != (sent == yes) {
		t.Errorf("sent %t, want %s: %v", r.Sent, sent, r.Err)
	}
	if errors.Is(r.Err, context.DeadlineExceeded) && !strings.HasPrefix(r.Err.Error(), "the endpoint did not answer within") {
		t.Errorf("a timeout is told as %v", r.Err)
	}
	if r.Err != nil && len(r.Err.Error()) > 400 {
		t.Errorf("an error of %d bytes", len(r.Err.Error()))
	}
}

// TestNobody pushes to a port where nobody listens.
func TestNobody(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	c := newClient(t, push.Options{}, "127.0.0.1")
	check(t, pushShort(t, c, "http://"+address, order(), nil), push.Retry, 0, never)
}

// TestTimeoutError holds that a timeout says so.
func TestTimeoutError(t *testing.T) {
	t.Parallel()
	c := newClient(t, push.Options{}, "127.0.0.1")
	for _, scheme := range []string{"http", "https"} {
		r := pushShort(t, c, scheme+"://"+listen(t, "127.0.0.1:0", hold), order(), nil)
		if !errors.Is(r.Err, context.DeadlineExceeded) || !strings.Contains(r.Err.Error(), short.String()) {
			t.Errorf("over %s: %v", scheme, r.Err)
		}
	}
}

// TestInterim holds that a handful of interim answers is read, and that more
// end a call long before its timeout does. [S7]
func TestInterim(t *testing.T) {
	t.Parallel()
	const final = "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
	hints := "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
	c := newClient(t, push.Options{}, "127.0.0.1")
	check(t, send(c, "http://"+listen(t, "127.0.0.1:0", reply(strings.Repeat(hints, 8)+final))), push.Delivered, 204, yes)
	for _, each := range []func(net.Conn){
		replyAndHold(strings.Repeat(hints, 9) + final), repeat("", hints), repeat("", "HTTP/1.1 100 Continue\r\n\r\n"),
	} {
		r := send(c, "http://"+listen(t, "127.0.0.1:0", each))
		check(t, r, push.Retry, 0, yes)
		if !strings.Contains(r.Err.Error(), "interim") {
			t.Errorf("too many interim answers: %v", r.Err)
		}
	}
}

// TestSlowReader sends a large body to who takes none of it. [S7]
func TestSlowReader(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	address := listen(t, "127.0.0.1:0", func(c net.Conn) {
		_ = c.(*net.TCPConn).SetReadBuffer(4096)
		readHead(c)
		<-gone
	})
	t.Cleanup(func() { close(gone) })
	c := newClient(t, push.Options{}, "127.0.0.1")
	m := order()
	m.Body = make([]byte, 16<<20)
	check(t, pushShort(t, c, "http://"+address, m, nil), push.Retry, 0, yes)
	m.Size = 16 << 20
	checkStops(t, c, "http://"+address, m, 0)
}

// TestEarlyAnswer sends a large body to who refuses it unread. [S7]
func TestEarlyAnswer(t *testing.T) {
	t.Parallel()
	over := make(chan struct{})
	address := listen(t, "127.0.0.1:0", func(c net.Conn) {
		reply("HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n")(c)
		<-over
	})
	t.Cleanup(func() { close(over) })
	m := order()
	m.Size = 16 << 20
	checkStops(t, newClient(t, push.Options{}, "127.0.0.1"), "http://"+address, m, 413)
}

// checkStops holds that nothing reads the body once Push has returned.
func checkStops(t *testing.T, c *push.Client, url string, m *message.Received, status int) {
	t.Helper()
	from := &watched{}
	check(t, pushShort(t, c, url, m, from), push.Retry, status, yes)
	if from.started.Load() != 1 || from.running.Load() {
		t.Errorf("the body was written %d times; is still: %t", from.started.Load(), from.running.Load())
	}
}

// watched is a body of 16 MiB that knows whether it is being written.
type watched struct {
	started atomic.Int64
	running atomic.Bool
}

func (b *watched) WriteTo(w io.Writer) (int64, error) {
	b.started.Add(1)
	b.running.Store(true)
	defer b.running.Store(false)
	n, err := again(strings.Repeat("x", 16<<20)).WriteTo(w)
	<-time.After(short) // a store may be slow to stop
	return n, err
}

// TestLetsGo holds that a connection is given up as its call ends, not as the
// client is closed.
func TestLetsGo(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"http", "https"} {
		gone := make(chan struct{}, 1)
		address := listen(t, "127.0.0.1:0", func(c net.Conn) {
			hold(c)
			gone <- struct{}{}
		})
		c := newClient(t, push.Options{}, "127.0.0.1")
		check(t, pushShort(t, c, scheme+"://"+address, order(), nil), push.Retry, 0, either)
		select {
		case <-gone:
		case <-time.After(slack):
			t.Errorf("the connection over %s is still open", scheme)
		}
	}
}

// TestRetryAfterAnswer sends Retry-After in all its forms. [S7]
func TestRetryAfterAnswer(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, "1": time.Second, "120": 2 * time.Minute, " 7 ": 7 * time.Second, "007": 7 * time.Second, "86401": day,
		"9223372036854775807": day, "99999999999999999999999": day, "-1": 0, "+5": 0, "1.5": 0, "1e3": 0, "0x10": 0, "soon": 0, "120, 60": 0,
		"1 2": 0, "Thu, 01 Jan 1970 00:00:00 GMT": 0, "Fri, 31 Dec 9999 23:59:59 GMT": day, "2099-01-01T00:00:00Z": 0, "١٢": 0,
	} {
		for _, status := range []int{429, 503} {
			r := answered(t, status, text)
			if r.Verdict != push.Retry || r.RetryAfter != want || r.Status != status || !r.Sent {
				t.Errorf("%d with Retry-After %q: %+v, want %v", status, text, r, want)
			}
		}
	}
	for _, status := range []int{200, 301, 404, 410, 500, 502} {
		if r := answered(t, status, "120"); r.RetryAfter != 0 {
			t.Errorf("%d with Retry-After: %+v", status, r)
		}
	}
}

func answered(t *testing.T, status int, retryAfter string) push.Result {
	text := fmt.Sprintf("HTTP/1.1 %d X\r\nRetry-After: %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status, retryAfter)
	return send(newClient(t, push.Options{}, "127.0.0.1"), "http://"+listen(t, "127.0.0.1:0", reply(text)))
}

// TestTLS holds that an endpoint must be vouched for.
func TestTLS(t *testing.T) {
	t.Parallel()
	s := newTLSServer(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.ProtoMajor != 2 {
			w.WriteHeader(http.StatusHTTPVersionNotSupported)
		}
	})
	t.Run("Unknown", func(t *testing.T) {
		t.Parallel()
		r := send(newClient(t, push.Options{}, "127.0.0.1"), s.URL)
		check(t, r, push.Retry, 0, never)
		if unknown := (*tls.CertificateVerificationError)(nil); !errors.As(r.Err, &unknown) {
			t.Errorf("push to an unknown certificate: %v", r.Err)
		}
	})
	t.Run("OtherName", func(t *testing.T) {
		t.Parallel()
		o := push.Options{Resolver: newResolver(t, zoneOfTraps), RootCAs: rootsOf(s)}
		r := send(newClient(t, o, "127.0.0.1"), strings.Replace(s.URL, "127.0.0.1", "loop.test", 1))
		check(t, r, push.Retry, 0, never)
	})
	t.Run("HTTP2", func(t *testing.T) {
		t.Parallel()
		c := newClient(t, push.Options{RootCAs: rootsOf(s)}, "127.0.0.1")
		for range 3 {
			check(t, send(c, s.URL), push.Delivered, 200, yes)
		}
	})
}

// TestHTTP2Sinks are hostile within the newer protocol.
func TestHTTP2Sinks(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		verdict push.Verdict
		status  int
	}{
		"NeverAnswers": {handler: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }},
		"Aborts":       {handler: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
		"HintsForEver": {handler: func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				w.WriteHeader(http.StatusEarlyHints)
			}
		}},
		"HugeHeader": {handler: func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 1<<20)) }},
		"HugeBody": {handler: func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(make([]byte, 10<<20))
		}, verdict: push.Delivered, status: 200},
		"BodyHangs": {handler: func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(200)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, verdict: push.Delivered, status: 200},
		"Gone": {handler: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(410) }, verdict: push.Gone, status: 410},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTLSServer(t, test.handler)
			c := newClient(t, push.Options{RootCAs: rootsOf(s)}, "127.0.0.1")
			check(t, pushShort(t, c, s.URL, order(), nil), test.verdict, test.status, yes)
		})
	}
}

// quiet drops what a server says of clients that do not trust it.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

// rootsOf vouches for a server.
func rootsOf(s *httptest.Server) *x509.CertPool {
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return roots
}

func newTLSServer(t *testing.T, h http.HandlerFunc) *httptest.Server {
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = true
	s.Config.ErrorLog = quiet()
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// TestBlockedHTTP2 holds that Close closes a connection that the other side
// does not read, though it has allowed for any amount of data.
func TestBlockedHTTP2(t *testing.T) {
	t.Parallel()
	s := newTLSServer(t, nil)
	config := s.TLS.Clone()
	over := make(chan struct{})
	address := listen(t, "127.0.0.1:0", func(c net.Conn) {
		secure := tls.Server(c, config)
		_, _ = secure.Write([]byte("" +
			"\x00\x00\x06\x04\x00\x00\x00\x00\x00" + "\x00\x04\x7f\xff\xff\xff" + // SETTINGS: a stream's window is 2 GiB
			"\x00\x00\x04\x08\x00\x00\x00\x00\x00" + "\x7f\x00\x00\x00")) // WINDOW_UPDATE: so is the connection's
		<-over
	})
	t.Cleanup(func() { close(over) })
	c := newClient(t, push.Options{RootCAs: rootsOf(s)}, "127.0.0.1")
	m := order()
	m.Body = make([]byte, 64<<20)
	check(t, pushShort(t, c, "https://"+address, m, nil), push.Retry, 0, yes)
	if n := push.OpenConns(c); n != 1 {
		t.Fatalf("%d connections are open after the push, want 1", n)
	}
	c.Close()
	if n := push.OpenConns(c); n != 0 {
		t.Errorf("%d connections are open after Close", n)
	}
}
