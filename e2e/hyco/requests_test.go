package hyco_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// about is what serve.js tells of a request.
type about struct {
	Name    string
	Method  string
	URL     string
	Headers map[string]string
	Length  int
	Hash    string
}

// startServer returns a broker at which serve.js answers what is below /web.
func startServer(t *testing.T) (*broker, *script) {
	t.Helper()
	b := startBroker(t)
	b.point("/web")
	listener := b.run("serve.js", "web", "first")
	listener.await("listening")
	return b, listener
}

// TestMethods has requests of all kinds answered, one behind the other: what one
// leaves behind on the control channel would be the next one's.
func TestMethods(t *testing.T) {
	t.Parallel()
	b, _ := startServer(t)
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "GET"} {
		response, body := b.do(method, "/web/a%20b/about?x=1&y=%2F", nil)
		if response.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", method, response.Status)
		}
		if method == "HEAD" {
			continue
		}
		if got := decode(t, body); got.Method != method || got.URL != "/web/a%20b/about?x=1&y=%2F" || got.Length != 0 {
			t.Errorf("%s: the listener got %+v", method, got)
		}
	}
}

// TestStatuses has them reach the sender, those too that have no body: for these
// hyco-https sends an empty one all the same, which it has not announced.
func TestStatuses(t *testing.T) {
	t.Parallel()
	b, _ := startServer(t)
	for _, code := range []int{200, 201, 204, 302, 304, 400, 404, 418, 500, 503} {
		for _, method := range []string{"GET", "HEAD"} {
			response, body := b.do(method, fmt.Sprintf("/web/status?code=%d&reason=quite+so", code), nil)
			if response.StatusCode != code || len(body) != 0 {
				t.Errorf("%s, status %d: %s and %q", method, code, response.Status, body)
			}
		}
	}
}

// TestHeaders has those reach the other end that are for it. hyco-https itself
// sends the first of several values only.
func TestHeaders(t *testing.T) {
	t.Parallel()
	b, _ := startServer(t)
	request := b.request("GET", "/web/about", nil)
	for name, value := range map[string]string{
		"X-Custom": "Hello, World", "Accept-Language": "de", "Cookie": "a=1; b=2", "User-Agent": "test",
		"Authorization": "Bearer own", "ServiceBusAuthorization": "SharedAccessSignature sr=a&sig=b&se=4000000000&skn=c",
		"Connection": "X-Hop", "X-Hop": "stays behind", "Te": "trailers",
	} {
		request.Header.Set(name, value)
	}
	_, body := b.send(request)
	got := decode(t, body).Headers
	for name, want := range map[string]string{
		"x-custom": "Hello, World", "accept-language": "de", "cookie": "a=1; b=2", "user-agent": "test", "authorization": "Bearer own",
		"servicebusauthorization": "", "x-hop": "", "te": "", "connection": "",
		"x-forwarded-host": b.address, "x-forwarded-proto": "http", "x-forwarded-for": "127.0.0.1", "x-forwarded-prefix": "/web",
	} {
		if got[name] != want {
			t.Errorf("the listener got %s: %q, want %q", name, got[name], want)
		}
	}
	if got["via"] == "" {
		t.Error("the listener got no Via")
	}
	response, _ := b.do("GET", "/web/headers", nil)
	for name, want := range map[string]string{"Set-Cookie": "a=1; Path=/", "Cache-Control": "no-store", "X-Hop": ""} {
		if got := strings.Join(response.Header[name], "|"); got != want {
			t.Errorf("the sender got %s: %q, want %q", name, got, want)
		}
	}
	if response.Header.Get("Via") == "" {
		t.Error("the sender got no Via")
	}
}

// bodySizes are on both sides of what fits the control channel.
var bodySizes = []int{0, 1, 60_000, 64 << 10, 64<<10 + 1, 70_000, 20_000_000}

// TestRequestBodies has them reach the listener, of known length and chunked.
func TestRequestBodies(t *testing.T) {
	t.Parallel()
	b, _ := startServer(t)
	for _, size := range bodySizes {
		data := random(size)
		for name, body := range map[string]io.Reader{
			"Known":   bytes.NewReader(data),
			"Chunked": io.MultiReader(bytes.NewReader(data)),
		} {
			t.Run(fmt.Sprint(size, name), func(t *testing.T) {
				_, text := b.within(t).do("PUT", "/web/about", body)
				if got := decode(t, text); got.Length != size || got.Hash != hash(data) {
					t.Errorf("the listener got %d bytes, hash %s, want %d, %s", got.Length, got.Hash, size, hash(data))
				}
			})
		}
	}
}

// TestResponseBodies has them reach the sender.
func TestResponseBodies(t *testing.T) {
	t.Parallel()
	b, _ := startServer(t)
	for _, size := range bodySizes {
		response, body := b.do("GET", "/web/random?bytes="+strconv.Itoa(size), nil)
		if want := response.Header.Get("X-Hash"); len(body) != size || hash(body) != want {
			t.Errorf("%d bytes: got %d, hash %s, want %s", size, len(body), hash(body), want)
		}
	}
	for _, size := range bodySizes {
		data := random(size)
		if _, body := b.do("POST", "/web/echo", bytes.NewReader(data)); !bytes.Equal(body, data) {
			t.Errorf("%d bytes there and back: got %d, hash %s, want %s", size, len(body), hash(body), hash(data))
		}
	}
}

// TestParallel has ten requests under way at once, small and large, each of which
// gets its own answer.
func TestParallel(t *testing.T) {
	t.Parallel()
	b, _ := startServer(t)
	var senders sync.WaitGroup
	for i := range 10 {
		senders.Go(func() {
			for round := range 5 {
				data := random((i*7919 + round*30_011) % 150_000)
				if _, body := b.do("POST", fmt.Sprintf("/web/echo?n=%d", i), bytes.NewReader(data)); !bytes.Equal(body, data) {
					t.Errorf("sender %d, round %d: sent %d bytes, got %d others", i, round, len(data), len(body))
				}
			}
		})
	}
	senders.Wait()
}

// TestListenerKilled has the listener vanish in the middle of a response, which
// must not look whole, and before one.
func TestListenerKilled(t *testing.T) {
	t.Parallel()
	b, listener := startServer(t)
	response, err := b.sender.Get(b.url("/web/endless"))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	listener.await("begun")
	unanswered := make(chan int, 1)
	go func() {
		response, _ := b.do("GET", "/web/wait?bytes=1", nil)
		unanswered <- response.StatusCode
	}()
	listener.await("waiting")
	listener.kill()
	body, err := io.ReadAll(response.Body)
	if err == nil {
		t.Errorf("a response that was broken off looks whole, with %d bytes", len(body))
	}
	if got := <-unanswered; got != http.StatusBadGateway {
		t.Errorf("a request that was not answered: %d, want 502", got)
	}
	if response, _ := b.do("GET", "/web/about", nil); response.StatusCode != http.StatusBadGateway {
		t.Errorf("nobody listens: %s, want 502", response.Status)
	}
}

// TestSenderGone has senders vanish that a listener is about to answer. It must
// not be refused the socket for a large response: hyco-https would die of that.
func TestSenderGone(t *testing.T) {
	t.Parallel()
	b, listener := startServer(t)
	for _, size := range []int{10, 70_000, 5_000_000} {
		for range 5 {
			ctx, cancel := context.WithCancel(t.Context())
			gone := make(chan error, 1)
			go func() {
				_, err := b.sender.Do(b.request("GET", fmt.Sprintf("/web/wait?bytes=%d", size), nil).WithContext(ctx))
				gone <- err
			}()
			listener.await("waiting")
			cancel()
			if err := <-gone; err == nil {
				t.Fatal("a request is answered that nobody answers")
			}
			b.do("GET", "/web/about", nil) // the broker sees meanwhile that the sender has gone
			b.do("GET", "/web/release", nil)
		}
	}
	if response, body := b.do("GET", "/web/random?bytes=100000", nil); response.StatusCode != http.StatusOK || len(body) != 100_000 {
		t.Errorf("afterwards: %s and %d bytes", response.Status, len(body))
	}
}

// TestSenderGoneAmid has senders vanish in the middle of a body, theirs and the
// listener's.
func TestSenderGoneAmid(t *testing.T) {
	t.Parallel()
	b, _ := startServer(t)
	for range 5 {
		response, err := b.sender.Get(b.url("/web/random?bytes=20000000"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(io.Discard, response.Body, 100_000); err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		begun := io.MultiReader(bytes.NewReader(random(200_000)), broken{})
		if _, err := b.sender.Do(b.request("POST", "/web/about", begun)); err == nil {
			t.Error("half a request is answered")
		}
	}
	if response, body := b.do("GET", "/web/random?bytes=100000", nil); response.StatusCode != http.StatusOK || len(body) != 100_000 {
		t.Errorf("afterwards: %s and %d bytes", response.Status, len(body))
	}
}

// broken is a reader that fails.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }

func (b *broker) request(method, path string, body io.Reader) *http.Request {
	b.Helper()
	request, err := http.NewRequest(method, b.url(path), body)
	if err != nil {
		b.Fatal(err)
	}
	return request
}

// do makes a request and returns the response with its whole body.
func (b *broker) do(method, path string, body io.Reader) (*http.Response, []byte) {
	b.Helper()
	return b.send(b.request(method, path, body))
}

// send is do for a request that was made before. An error is one of the test, and
// an empty response is returned then.
func (b *broker) send(request *http.Request) (*http.Response, []byte) {
	b.Helper()
	response, err := b.sender.Do(request)
	if err != nil {
		b.Errorf("%s %s: %v", request.Method, request.URL, err)
		return &http.Response{}, nil
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		b.Errorf("%s %s: %v", request.Method, request.URL, err)
	}
	return response, text
}

func decode(t testing.TB, text []byte) (a about) {
	t.Helper()
	if err := json.Unmarshal(text, &a); err != nil {
		t.Errorf("%q: %v", text, err)
	}
	return a
}

func random(size int) []byte {
	data := make([]byte, size)
	_, _ = rand.Read(data) // it never fails
	return data
}

func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
