package hyco_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Bounds of what happens, on a machine that is busy with other things.
const (
	patience = 30 * time.Second
	pollStep = 5 * time.Millisecond
)

// A broker is the program in a process of its own, always at one address and on
// one folder.
type broker struct {
	testing.TB
	address string
	dir     string
	log     *journal
	sender  *http.Client // it follows no redirection
	cmd     *exec.Cmd
}

// startBroker returns a broker that serves. When the test ends it is stopped,
// which it must do well, and its log has no error.
func startBroker(t testing.TB) *broker {
	t.Helper()
	if installed == "" {
		t.Skip("it installs packages with npm, which -short leaves out")
	}
	b := &broker{TB: t, address: freeAddress(t), dir: t.TempDir(), log: &journal{}, sender: newSender()}
	b.start()
	t.Cleanup(b.stop)
	return b
}

func newSender() *http.Client {
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &http.Client{Timeout: patience, Transport: &http.Transport{}, CheckRedirect: stay}
}

// within returns the broker for a part of the test.
func (b *broker) within(t testing.TB) *broker {
	part := *b
	part.TB = t
	return &part
}

func (b *broker) start() {
	b.Helper()
	b.cmd = exec.Command(installed.broker(), "serve", "--insecure", "--dir", b.dir, "--listen", b.address)
	b.cmd.Stderr = b.log
	if err := b.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.poll("the broker is ready", func() bool {
		response, err := b.sender.Get(b.url("/-/readyz"))
		if err == nil {
			response.Body.Close()
		}
		return err == nil && response.StatusCode == http.StatusOK
	})
}

// kill ends the broker with SIGKILL.
func (b *broker) kill() {
	b.Helper()
	if err := b.cmd.Process.Kill(); err != nil {
		b.Fatal(err)
	}
	_ = b.cmd.Wait() // with the error that it was killed
}

// stop has the broker shut down, which it must do well.
func (b *broker) stop() {
	b.sender.CloseIdleConnections()
	err := errors.Join(b.cmd.Process.Signal(syscall.SIGTERM), b.cmd.Wait())
	if log := b.log.String(); err != nil || strings.Contains(log, "level=ERROR") || b.Failed() {
		b.Errorf("the broker has ended: %v\n%s", err, log)
	}
}

func (b *broker) url(path string) string { return "http://" + b.address + path }

// point makes a connection point.
func (b *broker) point(path string) {
	b.Helper()
	response, err := b.sender.Post(b.url(path), "application/vnd.jitney.policy+json", strings.NewReader(`{"ConnectionPointPolicy":{}}`))
	if err != nil {
		b.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusCreated {
		b.Fatalf("a connection point at %s: %s", path, response.Status)
	}
}

// poll asks again and again, until it is so.
func (b *broker) poll(what string, ask func() bool) {
	b.Helper()
	deadline := time.After(patience)
	step := time.NewTicker(pollStep)
	defer step.Stop()
	for !ask() {
		select {
		case <-step.C:
		case <-deadline:
			b.Fatalf("not after %v: %s\n%s", patience, what, b.log)
		}
	}
}

// Addresses are chosen below the ports that systems give to connections, so that
// one is still free when a broker is started there again.
const (
	firstPort = 20_000
	portCount = 10_000
)

func freeAddress(t testing.TB) string {
	for range 100 {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(firstPort+rand.IntN(portCount)))
		if l, err := net.Listen("tcp", address); err == nil {
			l.Close()
			return address
		}
	}
	t.Fatal("no free port")
	return ""
}

// A journal keeps what a process writes.
type journal struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

// maxShown is how much of a journal a failure shows, in bytes of its end.
const maxShown = 8 << 10

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	text := j.text.String()
	if len(text) > maxShown {
		return fmt.Sprintf("… %s", text[len(text)-maxShown:])
	}
	return text
}
