//go:build unix

package server_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/jitney-mq/jitney/broker"
	"github.com/jitney-mq/jitney/server"
)

// listenerAt makes the test binary a listener; its value is where.
const listenerAt = "JITNEY_TEST_LISTENER"

// TestRelayListenerProcess is no test: it is the process that others stop.
func TestRelayListenerProcess(t *testing.T) {
	at := os.Getenv(listenerAt)
	if at == "" {
		t.Skip("for TestRelayStoppedListener")
	}
	conn, _, err := websocket.DefaultDialer.Dial(at, nil)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("listening")
	for {
		var m told
		if conn.ReadJSON(&m) != nil {
			return
		}
		fmt.Println(m.Request.Target)
		_ = conn.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, `{"response":{"requestId":%q,"statusCode":200}}`, m.Request.ID))
	}
}

// stoppable starts a listener in a process of its own, and returns what it prints.
func stoppable(t *testing.T, at string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^TestRelayListenerProcess$")
	cmd.Env = append(os.Environ(), listenerAt+"="+at)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
	})
	printed := bufio.NewScanner(out)
	if !printed.Scan() || printed.Text() != "listening" {
		t.Fatalf("the listener says %q", printed.Text())
	}
	return cmd, printed
}

// stop returns when the process has stopped.
func stop(t *testing.T, p *os.Process) {
	t.Helper()
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(p.Pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		t.Fatalf("the process has not stopped: %v, %v", status, err)
	}
}

// overTCP serves a new broker on loopback.
func overTCP(t *testing.T) (address string) {
	t.Helper()
	logger := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	b, err := broker.Open(context.Background(), broker.Options{Dir: t.TempDir(), MinFree: -1, GrowBy: 1 << 20, MaxSize: 1 << 30, Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- server.New(b, server.Options{Logger: logger}).Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// [L1] A process that is stopped keeps its own senders waiting, and no one else's.
// They are answered when it goes on, or at once when it is killed.
func TestRelayStoppedListener(t *testing.T) {
	t.Parallel()
	address := overTCP(t)
	client := &http.Client{Transport: &http.Transport{}, Timeout: 20 * time.Second}
	defer client.CloseIdleConnections()
	ask := func(method, path, body string) (status int, reply string) {
		r, _ := http.NewRequest(method, "http://"+address+path, strings.NewReader(body))
		r.Header.Set("Content-Type", policyType)
		response, err := client.Do(r)
		if err != nil {
			return 0, err.Error()
		}
		defer response.Body.Close()
		text, _ := io.ReadAll(response.Body)
		return response.StatusCode, string(text)
	}
	for _, path := range []string{"/stopped", "/steady"} {
		if status, text := ask("POST", path, `{"ConnectionPointPolicy":{}}`); status != 201 {
			t.Fatal(status, text)
		}
	}
	at := func(path string) string { return "ws://" + address + listenPath(path) }
	_, _ = stoppable(t, at("/steady"))
	stopped, printed := stoppable(t, at("/stopped"))
	for _, end := range []struct {
		signal os.Signal
		status int
	}{{syscall.SIGCONT, 200}, {syscall.SIGKILL, 502}} {
		stop(t, stopped.Process)
		statuses := make(chan int, 10)
		for range cap(statuses) {
			go func() {
				status, _ := ask("GET", "/stopped", "")
				statuses <- status
			}()
		}
		for range 50 {
			if status, text := ask("GET", "/steady/x", ""); status != 200 {
				t.Fatal(status, text)
			}
		}
		waitForRelayed(t, ask, cap(statuses))
		if len(statuses) > 0 {
			t.Errorf("%d were answered by a listener that is stopped", len(statuses))
		}
		_ = stopped.Process.Signal(end.signal)
		for range cap(statuses) {
			if status := <-statuses; status != end.status {
				t.Errorf("status %d, want %d", status, end.status)
			}
		}
	}
	if !printed.Scan() || printed.Text() != "/stopped" {
		t.Errorf("the listener says %q", printed.Text())
	}
	if status, text := ask("GET", "/stopped", ""); status != 502 || !strings.Contains(text, "no-listener") {
		t.Errorf("%d %s", status, text)
	}
}

// waitForRelayed waits until so many requests wait for their listener.
func waitForRelayed(t *testing.T, ask func(method, path, body string) (int, string), count int) {
	t.Helper()
	for until := time.Now().Add(10 * time.Second); time.Now().Before(until); {
		_, text := ask("GET", "/-/metrics", "")
		if strings.Contains(text, fmt.Sprintf("\njitney_relay_waiting %d\n", count)) {
			return
		}
	}
	t.Fatalf("there never were %d requests that wait", count)
}

// [L1] Who the sender is, the broker says, and nobody else.
func TestRelayForwardedFor(t *testing.T) {
	t.Parallel()
	address := overTCP(t)
	client := &http.Client{Transport: &http.Transport{}, Timeout: 20 * time.Second}
	defer client.CloseIdleConnections()
	point := `{"ConnectionPointPolicy":{}}`
	made, err := client.Post("http://"+address+"/wiki", policyType, strings.NewReader(point))
	if err != nil || made.StatusCode != 201 {
		t.Fatal(made, err)
	}
	made.Body.Close()
	l, _, err := websocket.DefaultDialer.Dial("ws://"+address+listenPath("/wiki"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, path := range []string{"/wiki", "/wiki?sb-hc-action=oneway"} {
		r, _ := http.NewRequest("GET", "http://"+address+path, nil)
		r.Header.Set("X-Forwarded-For", "6.6.6.6")
		done := make(chan error, 1)
		go func() {
			response, err := client.Do(r)
			if err == nil {
				err = response.Body.Close()
			}
			done <- err
		}()
		var m told
		if err := l.ReadJSON(&m); err != nil {
			t.Fatal(err)
		}
		if got := m.Request.Headers["X-Forwarded-For"]; got != "127.0.0.1" || m.Request.Headers["X-Forwarded-Host"] != address {
			t.Errorf("%s: header %v", path, m.Request.Headers)
		}
		_ = l.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, `{"response":{"requestId":%q,"statusCode":200}}`, m.Request.ID))
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
