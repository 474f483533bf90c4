package crash_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// Bounds of what a broker does, on a machine that is busy with other things.
const (
	maxReady = 10 * time.Second // it aims at 2 s and 1 s for each million messages
	maxStop  = 20 * time.Second
	pollStep = 2 * time.Millisecond
)

// A broker is the program in a process of its own, always at one address and
// on one folder.
type broker struct {
	// Fixed after construction.
	program string
	dir     string
	address string
	probe   *http.Client
	log     *tail

	cmd   *exec.Cmd
	ended chan error
}

func newBroker(program, dir string) (*broker, error) {
	address, err := freeAddress()
	return &broker{
		program: program,
		dir:     dir,
		address: address,
		probe:   &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Second},
		log:     &tail{},
	}, err
}

func (b *broker) url() string { return "http://" + b.address }

// Addresses are chosen below the ports that systems give to connections: one
// of these could have the address while the broker is down.
const (
	firstPort = 20_000
	portCount = 10_000
)

func freeAddress() (string, error) {
	for range 100 {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(firstPort+rand.IntN(portCount)))
		if l, err := net.Listen("tcp", address); err == nil {
			return address, l.Close()
		}
	}
	return "", errors.New("no free port")
}

// start runs the broker and does not wait for it.
func (b *broker) start() error {
	b.cmd = exec.Command(b.program, "serve", "--insecure", "--dir", b.dir, "--listen", b.address, "--log-level", "warn", "--push-allow", "127.0.0.1")
	b.cmd.Stderr = b.log
	b.cmd.Env = append(os.Environ(), "GORACE=halt_on_error=1")
	b.cmd.SysProcAttr = endWithTest()
	if err := b.cmd.Start(); err != nil {
		return err
	}
	cmd, ended := b.cmd, make(chan error, 1)
	b.ended = ended
	go func() { ended <- cmd.Wait() }()
	return nil
}

// ready waits until the broker says that it is.
func (b *broker) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, maxReady)
	defer cancel()
	poll := time.NewTicker(pollStep)
	defer poll.Stop()
	for {
		if response, err := b.probe.Get(b.url() + "/-/readyz"); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case err := <-b.ended:
			b.ended <- err
			return fmt.Errorf("the broker has ended by itself: %v\n%s", err, b.log)
		case <-ctx.Done():
			return fmt.Errorf("the broker is not ready: %w\n%s", ctx.Err(), b.log)
		case <-poll.C:
		}
	}
}

// kill ends the broker with SIGKILL. That it has ended already is an error.
func (b *broker) kill() error {
	select {
	case err := <-b.ended:
		b.ended <- err
		return fmt.Errorf("the broker has ended by itself: %v\n%s", err, b.log)
	default:
	}
	err := b.cmd.Process.Kill()
	b.ended <- <-b.ended
	return err
}

// stop has the broker shut down, which it must do well.
func (b *broker) stop() error {
	if err := b.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case err := <-b.ended:
		b.ended <- err
		if err != nil {
			return fmt.Errorf("the broker did not shut down well: %w\n%s", err, b.log)
		}
		return nil
	case <-time.After(maxStop):
		return errors.Join(fmt.Errorf("the broker has not shut down after %v\n%s", maxStop, b.log), b.kill())
	}
}

// close ends the broker if it runs.
func (b *broker) close() {
	if b.ended != nil {
		_ = b.kill()
	}
}

// checked is what jitney check prints.
type checked struct{ Records, Messages, Names, Problems int }

// check has the program read the folder, which no broker has open.
func (b *broker) check() (c checked, err error) {
	var out, problems bytes.Buffer
	cmd := exec.Command(b.program, "check", "-o", "json", b.dir)
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		return c, fmt.Errorf("jitney check: %w\n%s%s", err, &out, &problems)
	}
	if err := json.Unmarshal(out.Bytes(), &c); err != nil {
		return c, fmt.Errorf("jitney check: %w\n%s", err, &out)
	}
	return c, nil
}

// tailSize is how much of a broker's log is kept, in bytes.
const tailSize = 16 << 10

// A tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex // guards text
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if len(t.text) > 2*tailSize {
		t.text = append([]byte(nil), t.text[len(t.text)-tailSize:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text[max(0, len(t.text)-tailSize):])
}
