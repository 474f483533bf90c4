package client_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/relay/control"
)

// A point is a connection point, /wi ki, with a listener.
type point struct {
	*testing.T
	*hub
	client    *client.Client
	url       string // of the connection point, without a slash at its end
	senders   *http.Client
	listening atomic.Bool
}

const pointName = "/wi ki"

func newPoint(t *testing.T) *point {
	t.Helper()
	h, c := newHub(t)
	assign(t, c, pointName, policy.NewConnectionPoint())
	senders := &http.Client{Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 20}}
	t.Cleanup(senders.CloseIdleConnections)
	return &point{T: t, hub: h, client: c, url: c.URL() + "/wi%20ki", senders: senders}
}

// listen has a listener serve until the test's end, or until stop is called.
func (p *point) listen(o client.RelayOptions, h client.RelayHandler) (stop func()) {
	p.T.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	opened := make(chan struct{}, 1)
	open := o.Open
	o.Open = func() {
		if open != nil {
			open()
		}
		select {
		case opened <- struct{}{}:
		default:
		}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	ended := make(chan error, 1)
	go func() { ended <- p.client.ListenRelay(pointName, o).Serve(ctx, h) }()
	stop = sync.OnceFunc(func() {
		p.listening.Store(false)
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			p.T.Errorf("Serve ended with %v", err)
		}
	})
	p.T.Cleanup(stop)
	select {
	case <-opened:
		p.listening.Store(true)
	case err := <-ended:
		ended <- err
		p.T.Fatalf("Serve: %v", err)
	}
	return stop
}

func (p *point) handle(h http.HandlerFunc) {
	p.T.Helper()
	p.listen(client.RelayOptions{}, client.RelayHandler{HTTP: h})
}

func (p *point) do(method, path string, body io.Reader, header ...string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(p.T.Context(), method, p.url+path, body)
	if err != nil {
		return nil, err
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	for range 100 {
		response, err := p.senders.Do(r)
		if err != nil || response.StatusCode != http.StatusBadGateway || !p.listening.Load() {
			return response, err
		}
		_ = response.Body.Close() // a listener knows that it is one a little before the broker does
	}
	return p.senders.Do(r)
}

// dial is do for a socket.
func (p *point) dial(name string, header http.Header, subprotocols ...string) (*websocket.Conn, error) {
	for range 100 {
		conn, err := p.client.DialRelay(p.T.Context(), name, header, subprotocols...)
		if refused, ok := errors.AsType[*client.Error](err); !ok || refused.Status != http.StatusBadGateway {
			return conn, err
		}
	}
	return p.client.DialRelay(p.T.Context(), name, header, subprotocols...)
}

// fetch returns the status, the header and the whole body of a response.
func (p *point) fetch(method, path string, body io.Reader, header ...string) (int, http.Header, string) {
	p.T.Helper()
	response, err := p.do(method, path, body, header...)
	if err != nil {
		p.T.Fatal(err)
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		p.T.Fatalf("%s %s: %v", method, path, err)
	}
	return response.StatusCode, response.Header, string(got)
}

// [L1]
func TestRelayedRequest(t *testing.T) {
	t.Parallel()
	p := newPoint(t)
	p.handle(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		w.Header()["X-Twice"] = []string{"1", "2"}
		w.Header().Add("Set-Cookie", "a=1")
		w.Header().Add("Set-Cookie", "b=2; Path=/")
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, "%s %s host=%s from=%s proto=%s long=%d x=%s body=%s err=%v prefix=%s",
			r.Method, r.URL, r.Host, r.RemoteAddr[:strings.LastIndexByte(r.RemoteAddr, ':')], r.Proto,
			r.ContentLength, r.Header["X-Some"], body, err, r.Header.Get("X-Forwarded-Prefix"))
	})
	status, header, got := p.fetch("PATCH", "/a%2Fb/?q=%20&sb-hc-x=1", strings.NewReader("hello"), "X-Some", "a", "X-Some", "b", "Connection", "X-Hop", "X-Hop", "1")
	want := "PATCH /wi%20ki/a%2Fb/?q=%20 host=" + p.address + " from=127.0.0.1 proto=HTTP/1.1 long=5 x=[a, b] body=hello err=<nil> prefix=/wi%20ki"
	if status != http.StatusTeapot || got != want {
		t.Errorf("%d\n%s\n%s", status, got, want)
	}
	if len(header["Set-Cookie"]) != 2 || header.Get("X-Twice") != "1, 2" || header.Get("Content-Length") != strconv.Itoa(len(got)) {
		t.Errorf("header %v", header)
	}
	if status, _, got := p.fetch("GET", "", nil); status != http.StatusTeapot || !strings.HasPrefix(got, "GET /wi%20ki ") || !strings.Contains(got, "long=0") {
		t.Errorf("%d %s", status, got)
	}
	if status, _, got := p.fetch("PUT", "", struct{ io.Reader }{strings.NewReader("hello")}); status != http.StatusTeapot || !strings.Contains(got, "long=-1") || !strings.Contains(got, "body=hello err=<nil>") {
		t.Errorf("chunked: %d %s", status, got)
	}
}

// What a handler writes is what a sender gets, as from a server.
func TestRelayedResponse(t *testing.T) {
	t.Parallel()
	p := newPoint(t)
	const large = control.MaxBody + 1
	fill := func(n int) string { return strings.Repeat("x", n) }
	rows := map[string]struct {
		handle http.HandlerFunc
		method string
		status int
		length string // the header
		kind   string
		body   string
		broken bool
	}{
		"nothing":         {func(http.ResponseWriter, *http.Request) {}, "GET", 200, "0", "", "", false},
		"html":            {func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") }, "GET", 200, "6", "text/html; charset=utf-8", "<html>", false},
		"head":            {func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") }, "HEAD", 200, "6", "", "", false},
		"head of a large": {func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, fill(large)) }, "HEAD", 200, strconv.Itoa(large), "", "", false},
		"head, stated": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "77")
			w.(http.Flusher).Flush()
		}, "HEAD", 200, "77", "", "", false},
		"no content": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(204)
			if _, err := io.WriteString(w, "x"); !errors.Is(err, http.ErrBodyNotAllowed) {
				t.Errorf("a body with 204: %v", err)
			}
		}, "GET", 204, "", "", "", false},
		"not modified": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(304); w.(http.Flusher).Flush() }, "GET", 304, "", "", "", false},
		"the most":     {func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, fill(large-1)) }, "GET", 200, strconv.Itoa(large - 1), "text/plain; charset=utf-8", fill(large - 1), false},
		"one more":     {func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, fill(large)) }, "GET", 200, "", "", fill(large), false},
		"one more, stated": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(large))
			io.WriteString(w, fill(large))
		}, "GET", 200, strconv.Itoa(large), "", fill(large), false},
		"flushed": {func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "a")
			w.(http.Flusher).Flush()
			io.WriteString(w, "b")
		}, "GET", 200, "", "text/plain; charset=utf-8", "ab", false},
		"early hints": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(103)
			w.WriteHeader(201)
			w.WriteHeader(202)
		}, "GET", 201, "0", "", "", false},
		"too long": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "2")
			if _, err := io.WriteString(w, "abc"); !errors.Is(err, http.ErrContentLength) {
				t.Errorf("more than was stated: %v", err)
			}
			io.WriteString(w, "ab")
		}, "GET", 200, "2", "text/plain; charset=utf-8", "ab", false},
		"too short": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "2")
			io.WriteString(w, "a")
		}, "GET", 500, "29", "text/plain; charset=utf-8", "the response is not complete\n", false},
		"too short, flushed": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "2")
			io.WriteString(w, "a")
			w.(http.Flusher).Flush()
		}, "GET", 200, "2", "", "a", true},
		"panic": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-A", "1")
			io.WriteString(w, "a")
			panic("ouch")
		}, "GET", 500, "19", "text/plain; charset=utf-8", "the handler failed\n", false},
		"panic, flushed": {func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "a")
			w.(http.Flusher).Flush()
			panic("ouch")
		}, "GET", 200, "", "", "a", true},
		"abort, large": {func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, fill(2*large))
			panic(http.ErrAbortHandler)
		}, "GET", 200, "", "", "", true},
		"a header that isn't": {func(w http.ResponseWriter, _ *http.Request) {
			h := w.Header()
			h["X A"] = []string{"1"}
			h.Set("Content-Type", "a\r\nX-B: 1")
			h.Set("Trailer:X", "1")
		}, "GET", 200, "0", "a  X-B: 1", "", false},
	}
	p.handle(func(w http.ResponseWriter, r *http.Request) { rows[r.URL.Query().Get("row")].handle(w, r) })
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			response, err := p.do(row.method, "?row="+url.QueryEscape(name), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			length := response.Header.Get("Content-Length")
			if row.length == "0" && length == "" {
				length = "0" // the broker may say it by chunks of which there are none
			}
			if response.StatusCode != row.status || length != row.length || (err != nil) != row.broken {
				t.Errorf("status %d, length %q, %v; want %d, %q", response.StatusCode, length, err, row.status, row.length)
			}
			if kind := response.Header.Get("Content-Type"); row.kind != "" && kind != row.kind {
				t.Errorf("type %q, want %q", kind, row.kind)
			}
			if string(body) != row.body && !row.broken {
				t.Errorf("body of %d bytes %.40q, want %d %.40q", len(body), body, len(row.body), row.body)
			}
		})
	}
}

// noise is n bytes of which no part looks like another, and their hash.
func noise(n int64) (io.Reader, hash.Hash) {
	sum := sha256.New()
	return io.TeeReader(io.LimitReader(&counter{}, n), sum), sum
}

// counter is a stream of numbers.
type counter struct{ at uint64 }

func (c *counter) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(c.at * 0x9E3779B97F4A7C15 >> 56)
		c.at++
	}
	return len(p), nil
}

// [L1]
func TestRelayedBodies(t *testing.T) {
	t.Parallel()
	p := newPoint(t)
	p.handle(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > 0 {
			w.Header().Set("Content-Length", strconv.FormatInt(r.ContentLength, 10))
		}
		_, _ = io.Copy(w, r.Body)
	})
	for _, size := range []int64{0, 1, control.MaxBody, control.MaxBody + 1, 70_000, 20 << 20} {
		for _, stated := range []bool{true, false} {
			body, want := noise(size)
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url, body)
			if err != nil {
				t.Fatal(err)
			}
			if r.ContentLength = -1; stated {
				r.ContentLength = size
			}
			response, err := p.senders.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			got := sha256.New()
			n, err := io.Copy(got, response.Body)
			_ = response.Body.Close()
			if err != nil || n != size || string(got.Sum(nil)) != string(want.Sum(nil)) {
				t.Errorf("%d of %d bytes came back, %v; stated %v, same %v", n, size, err, stated, string(got.Sum(nil)) == string(want.Sum(nil)))
			}
		}
	}
}

// A piece of a body is there before the next one is written, in both directions.
func TestRelayStreams(t *testing.T) {
	t.Parallel()
	p := newPoint(t)
	p.handle(func(w http.ResponseWriter, r *http.Request) {
		lines := bufio.NewScanner(r.Body)
		for lines.Scan() {
			fmt.Fprintf(w, "data: %s\n", lines.Text())
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
		}
	})
	body, writer := io.Pipe()
	defer writer.Close()
	go fmt.Fprintln(writer, "0")
	response, err := p.do(http.MethodPost, "", body)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	for i := range 5 {
		if !lines.Scan() || lines.Text() != fmt.Sprint("data: ", i) {
			t.Fatalf("line %d: %q, %v", i, lines.Text(), lines.Err())
		}
		fmt.Fprintln(writer, i+1)
	}
}

// A header is there before anything of the body is.
func TestRelayedHeaderAlone(t *testing.T) {
	t.Parallel()
	p := newPoint(t)
	seen := make(chan struct{})
	p.handle(func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		select {
		case <-seen:
		case <-time.After(10 * time.Second):
			t.Error("the sender did not see the header")
		}
		io.WriteString(w, "body")
	})
	response, err := p.do(http.MethodGet, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	close(seen)
	if body, err := io.ReadAll(response.Body); err != nil || string(body) != "body" {
		t.Errorf("%q, %v", body, err)
	}
}

// Ten requests, each of which waits for all the others.
func TestRelayedAtOnce(t *testing.T) {
	t.Parallel()
	p := newPoint(t)
	var here sync.WaitGroup
	here.Add(10)
	p.handle(func(w http.ResponseWriter, r *http.Request) {
		here.Done()
		here.Wait()
		io.WriteString(w, r.URL.RawQuery)
	})
	var senders sync.WaitGroup
	for i := range 10 {
		senders.Go(func() {
			response, err := p.do(http.MethodGet, fmt.Sprint("?", i), nil)
			if err != nil {
				t.Error(err)
				return
			}
			defer response.Body.Close()
			if body, err := io.ReadAll(response.Body); err != nil || string(body) != fmt.Sprint(i) {
				t.Errorf("%d got %q, %v", i, body, err)
			}
		})
	}
	senders.Wait()
}

// A listener that has enough to do says so at once, of sockets too.
func TestRelayRefusesWhatIsTooMuch(t *testing.T) {
	t.Parallel()
	p := newPoint(t)
	busy := make(chan struct{})
	p.listen(client.RelayOptions{MaxRequests: 1, MaxSockets: 1}, client.RelayHandler{Socket: echo, HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "a")
		w.(http.Flusher).Flush()
		<-busy
	})})
	first, err := p.do(http.MethodGet, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Body.Close()
	status, header, _ := p.fetch(http.MethodGet, "", nil)
	if status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" {
		t.Errorf("%d, Retry-After %q", status, header.Get("Retry-After"))
	}
	open, err := p.dial(pointName, nil)
	if err != nil {
		t.Fatalf("a socket beside as many requests as there may be: %v", err)
	}
	defer open.Close()
	if _, err := p.dial(pointName, nil); !errors.Is(err, client.ErrBusy) {
		t.Errorf("a socket: %v", err)
	}
	_ = open.Close()
	close(busy)
	_, _ = io.Copy(io.Discard, first.Body)
	for status = 503; status == 503; { // until the first one is done with
		status, _, _ = p.fetch(http.MethodGet, "", nil)
	}
	if status != http.StatusOK {
		t.Errorf("afterwards: %d", status)
	}
}

// A request's context ends when its sender goes away.
func TestRelayedSenderGone(t *testing.T) {
	t.Parallel()
	p := newPoint(t)
	ended := make(chan error, 1)
	p.handle(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "a")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		_, err := io.Copy(w, &counter{})
		ended <- err
	})
	response, err := p.do(http.MethodGet, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if err := <-ended; err == nil {
		t.Error("writing to nobody went well")
	}
}

// A handler whose sender goes away within a body does not take it for all.
func TestRelayedUploadBreaksOff(t *testing.T) {
	t.Parallel()
	p := newPoint(t)
	read := make(chan error, 1)
	p.handle(func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		read <- err
	})
	broken := errors.New("broken")
	body := io.MultiReader(strings.NewReader(strings.Repeat("x", 100_000)), iotest.ErrReader(broken))
	if _, err := p.do(http.MethodPost, "", body); !errors.Is(err, broken) {
		t.Errorf("sending: %v", err)
	}
	if err := <-read; err == nil {
		t.Error("half a body passed for a whole one")
	}
}

// What a handler answers without reading the request arrives.
func TestRelayedBodyIsIgnored(t *testing.T) {
	t.Parallel()
	p := newPoint(t)
	p.handle(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1<<20)) })
	for range 10 {
		status, _, body := p.fetch(http.MethodPost, "", strings.NewReader(strings.Repeat("x", 100_000)))
		if status != http.StatusOK || len(body) != 1<<20 {
			t.Errorf("status %d with %d bytes", status, len(body))
		}
	}
}

// The end of Serve ends what it works on, and waits for it.
func TestRelayServeEnds(t *testing.T) {
	t.Parallel()
	const requests = 20
	p := newPoint(t)
	began, leave, ended := make(chan bool, requests), make(chan bool), make(chan bool)
	stop := p.listen(client.RelayOptions{}, client.RelayHandler{HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "a")
		w.(http.Flusher).Flush()
		began <- true
		if <-r.Context().Done(); r.URL.RawQuery == "stay" {
			<-leave
		}
	})})
	var broken sync.WaitGroup
	for i := range requests {
		query := "?"
		if i == 0 {
			query = "?stay"
		}
		response, err := p.do(http.MethodGet, query, nil)
		if err != nil {
			t.Fatal(err)
		}
		<-began
		broken.Go(func() {
			defer response.Body.Close()
			if _, err := io.ReadAll(response.Body); err == nil {
				t.Error("half a response passed for a whole one")
			}
		})
	}
	go func() { stop(); close(ended) }()
	broken.Wait()
	select {
	case <-ended:
		t.Error("Serve did not wait for a handler")
	case <-time.After(100 * time.Millisecond):
	}
	close(leave)
	<-ended
	if status, _, _ := p.fetch(http.MethodGet, "", nil); status != http.StatusBadGateway {
		t.Errorf("without a listener: %d", status)
	}
}

// A server behind a proxy that dies within its response is not taken for done.
func TestRelayedProxyBreaksOff(t *testing.T) {
	t.Parallel()
	p := newPoint(t)
	local := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "half")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}))
	t.Cleanup(local.Close)
	to, err := url.Parse(local.URL)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	p.handle((&httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(to) },
		Transport: transport, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0),
	}).ServeHTTP)
	response, err := p.do(http.MethodGet, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err == nil {
		t.Errorf("got %q as a whole", body)
	}
}

// A listener comes back when the broker does. [L1]
func TestRelayListenerOutlivesTheBroker(t *testing.T) {
	t.Parallel()
	p := newPoint(t)
	opened, lost := make(chan bool, 100), make(chan error, 1000)
	p.listen(client.RelayOptions{
		MaxDelay: 50 * time.Millisecond,
		Open:     func() { opened <- true },
		Lost:     func(why error, _ time.Duration) { lost <- why },
	}, client.RelayHandler{HTTP: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "here") })})
	for range 2 {
		<-opened
		if status, _, body := p.fetch(http.MethodGet, "", nil); status != 200 || body != "here" {
			t.Errorf("%d %q", status, body)
		}
		p.senders.CloseIdleConnections()
		p.stop()
		p.start()
		if err := <-lost; err == nil {
			t.Error("lost for no reason")
		}
	}
	<-opened
}

// What will not change ends Serve.
func TestRelayFinalErrors(t *testing.T) {
	t.Parallel()
	p := newPoint(t)
	assign(t, p.client, "/queue", policy.NewQueue())
	for name, want := range map[string]error{"/none": client.ErrNotFound, "/queue": client.ErrConflict} {
		if err := p.client.ListenRelay(name, client.RelayOptions{}).Serve(t.Context(), client.RelayHandler{}); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	old := control.Sign("http://127.0.0.1"+pointName, "root", "secret", time.Now().Add(-time.Minute))
	o := client.RelayOptions{Token: func() string { return old }}
	if err := p.client.ListenRelay(pointName, o).Serve(t.Context(), client.RelayHandler{}); !errors.Is(err, client.ErrDenied) {
		t.Errorf("an old token: %v", err)
	}
	if _, err := p.client.DialRelay(t.Context(), "/none", nil); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("a sender: %v", err)
	}
	if _, err := p.client.DialRelay(t.Context(), pointName, nil); !errors.Is(err, client.ErrBusy) {
		t.Errorf("a sender without a listener: %v", err)
	}
}

// The listener that is one too many waits for its place.
func TestRelayWaitsForItsPlace(t *testing.T) {
	t.Parallel()
	p := newPoint(t)
	one := policy.NewConnectionPoint()
	one.MaxListeners = 1
	if _, err := p.client.PutPolicy(t.Context(), pointName, one, "*"); err != nil {
		t.Fatal(err)
	}
	p.handle(func(http.ResponseWriter, *http.Request) {})
	lost := make(chan error, 100)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		o := client.RelayOptions{Lost: func(why error, _ time.Duration) { lost <- why }}
		ended <- p.client.ListenRelay(pointName, o).Serve(ctx, client.RelayHandler{})
	}()
	if err := <-lost; !errors.Is(err, client.ErrConflict) {
		t.Errorf("lost for %v", err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
}

// A token is replaced before it ends.
func TestRelayRenewsTokens(t *testing.T) {
	t.Parallel()
	p := newPoint(t)
	var opened atomic.Int64
	asked := make(chan bool, 100)
	p.listen(client.RelayOptions{
		Token: func() string {
			asked <- true
			return control.Sign("http://127.0.0.1"+pointName, "root", "secret", time.Now().Add(4*time.Second))
		},
		Open: func() { opened.Add(1) },
	}, client.RelayHandler{})
	for range 3 { // each two seconds or more after the one before
		<-asked
	}
	if status, _, _ := p.fetch(http.MethodGet, "", nil); status != http.StatusNotImplemented || opened.Load() != 1 {
		t.Errorf("status %d, after %d connections", status, opened.Load())
	}
}

// A listener without another token is shown the door, and comes back with what
// it is given then.
func TestRelayTokenEnds(t *testing.T) {
	t.Parallel()
	p := newPoint(t)
	lost, opened := make(chan error, 100), make(chan bool, 100)
	first := control.Sign("http://127.0.0.1"+pointName, "root", "secret", time.Now().Add(4*time.Second))
	var asked atomic.Int64
	p.listen(client.RelayOptions{
		MaxDelay: 10 * time.Millisecond,
		Token: func() string {
			if asked.Add(1) < 3 { // when connecting, and when it should be renewed
				return first
			}
			return ""
		},
		Open: func() { opened <- true },
		Lost: func(why error, _ time.Duration) { lost <- why },
	}, client.RelayHandler{})
	<-opened
	if err := <-lost; !strings.Contains(err.Error(), "token") {
		t.Errorf("lost for %v", err)
	}
	<-opened
	if n := asked.Load(); n != 3 {
		t.Errorf("asked %d times for a token", n)
	}
}
