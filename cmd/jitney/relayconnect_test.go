package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/jitney-mq/jitney/client"
	"github.com/jitney-mq/jitney/policy"
	"github.com/jitney-mq/jitney/relay/control"
)

// tcpServer runs a server of which serve has each connection, and returns its
// URL.
func tcpServer(t *testing.T, serve func(*net.TCPConn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serve(conn.(*net.TCPConn))
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return "tcp://" + l.Addr().String()
}

// connect runs jitney relay connect, until there is a listener.
func connect(broker, name string, in io.Reader, out io.Writer) error {
	var err error
	for range 100 {
		c := relayConnect{env: &env{stdin: in, stdout: out, stderr: io.Discard, url: broker}}
		err = c.run(context.Background(), name)
		refused, ok := errors.AsType[*client.Error](err)
		if !ok || !strings.HasSuffix(refused.Document.Type, "no-listener") {
			break
		}
	}
	return err
}

// Each direction of a TCP connection ends by itself.
func TestRelayConnectEndsHalves(t *testing.T) {
	t.Parallel()
	broker := newRelayBroker(t)
	relayTo(t, broker, "/count", tcpServer(t, func(conn *net.TCPConn) {
		n, err := io.Copy(io.Discard, conn) // up to the end of the input
		fmt.Fprintf(conn, "%d bytes, %v", n, err)
	}), nil)
	relayTo(t, broker, "/greet", tcpServer(t, func(conn *net.TCPConn) {
		fmt.Fprint(conn, "hello")
		_ = conn.CloseWrite()
		_, _ = io.Copy(io.Discard, conn)
	}), nil)
	var out bytes.Buffer
	if err := connect(broker, "/count", strings.NewReader("123"), &out); err != nil || out.String() != "3 bytes, <nil>" {
		t.Errorf("%q, %v", &out, err)
	}
	in, writer := io.Pipe()
	said := newSaid()
	ended := make(chan error)
	go func() { ended <- connect(broker, "/greet", in, said) }()
	said.await(t, "hello")
	fmt.Fprint(writer, "still here")
	_ = writer.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// peak is the most that was live on the heap since it began, in bytes.
func peak() (stop func() uint64) {
	var most atomic.Uint64
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most.Store(max(most.Load(), m.HeapInuse))
			select {
			case <-tick.C:
			case <-quit:
				return
			}
		}
	}()
	return func() uint64 { close(quit); <-done; return most.Load() }
}

// What goes through does not stay in memory: that of both ends and the broker.
func TestRelayConnectIsFlat(t *testing.T) {
	broker := newRelayBroker(t)
	relayTo(t, broker, "/echo", tcpServer(t, func(conn *net.TCPConn) { _, _ = io.Copy(conn, conn) }), nil)
	size := int64(150 << 20)
	if testing.Short() {
		size = 10 << 20
	}
	sent, got := sha256.New(), sha256.New()
	in := io.TeeReader(io.LimitReader(rand.NewChaCha8([32]byte{1}), size), sent)
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	stop := peak()
	err := connect(broker, "/echo", in, got)
	if grown := int64(stop()) - int64(before.HeapInuse); grown > 64<<20 {
		t.Errorf("%d MiB of heap for %d MiB passed on", grown>>20, size>>20)
	}
	if err != nil || !bytes.Equal(sent.Sum(nil), got.Sum(nil)) {
		t.Errorf("%v, same: %v", err, bytes.Equal(sent.Sum(nil), got.Sum(nil)))
	}
}

// How a socket ends is how the command ends.
func TestRelayConnectEnds(t *testing.T) {
	t.Parallel()
	broker := newRelayBroker(t)
	c, err := client.New(client.Options{URL: broker})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.PutPolicy(t.Context(), "/p", policy.NewConnectionPoint(), ""); err != nil {
		t.Fatal(err)
	}
	opened := make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error)
	go func() {
		served <- c.ListenRelay("/p", client.RelayOptions{Open: func() { close(opened) }}).Serve(ctx, client.RelayHandler{Socket: endAsAsked})
	}()
	<-opened
	defer func() { cancel(); <-served }()
	for how, row := range map[string]struct {
		code int
		text string
	}{
		"1000":     {exitOK, ""},
		"1001":     {exitFailure, "closed with 1001"},
		"end+1001": {exitOK, ""},
		"4000+why": {exitFailure, "closed with 4000: why"},
		"text":     {exitFailure, "text message"},
		"vanish":   {exitFailure, "closed with 1011: "},
		"403":      {exitDenied, "not you"},
	} {
		in, writer := io.Pipe() // an input that does not end
		err := connect(broker, "/p?"+how, in, io.Discard)
		_ = writer.Close()
		code := exitOK
		if err != nil {
			code = exitCode(err)
		}
		if code != row.code || row.text != "" && !strings.Contains(err.Error(), row.text) {
			t.Errorf("%s: exit code %d, %v", how, code, err)
		}
	}
	if err := connect(broker, "/none", strings.NewReader(""), io.Discard); exitCode(err) != exitNotFound {
		t.Errorf("no such name: %v", err)
	}
}

// endAsAsked ends a socket in the way that its query says.
func endAsAsked(s *client.RelayedSocket) {
	how := s.Request.URL.RawQuery
	if how == "403" {
		_ = s.Reject(403, "not you")
		return
	}
	conn, err := s.Accept("")
	if err != nil {
		return
	}
	switch how {
	case "text":
		_ = conn.WriteMessage(websocket.TextMessage, []byte("x"))
	case "vanish":
		return
	case "end+1001":
		_ = conn.WriteMessage(websocket.BinaryMessage, nil)
		fallthrough
	default:
		var code int
		var reason string
		_, _ = fmt.Sscanf(strings.TrimPrefix(how, "end+"), "%d+%s", &code, &reason) // a reason may be missing
		_ = conn.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason))
	}
	_, _, _ = conn.ReadMessage()
}

// A key signs a token for the name, without the broker's port.
func TestRelayCredentials(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []credential{{keyName: "root", key: "secret"}, {keyName: "root", keyFile: file}} {
		token, err := c.tokens("http://Example.org:5300", "a b/c?q")
		if err != nil {
			t.Fatal(err)
		}
		got := token()
		until, err := control.ExpiresAt(got)
		if left := time.Until(until); err != nil || left < 59*time.Minute || left > time.Hour {
			t.Errorf("%v left, %v", left, err)
		}
		if want := control.Sign("http://Example.org/a%20b/c", "root", "secret", until); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	fixed := credential{fixed: "x"}
	if token, err := fixed.tokens("http://h", "/a"); err != nil || token() != "x" {
		t.Errorf("a fixed token: %v", err)
	}
	if token, err := (&credential{}).tokens("http://h", "/a"); err != nil || token != nil {
		t.Errorf("none: %v", err)
	}
}
