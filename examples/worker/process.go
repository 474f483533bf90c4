package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
)

// programs is the folder of the programs that take part.
type programs string

func (p programs) jitney() string { return filepath.Join(string(p), "jitney") }
func (p programs) tally() string  { return filepath.Join(string(p), "tally") }

// build builds them.
func (p programs) build(ctx context.Context) error {
	const module = "github.com/jitney-mq/jitney/"
	cmd := exec.CommandContext(ctx, "go", "build", "-o", string(p)+"/", module+"cmd/jitney", module+"examples/worker/tally")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return nil
}

// broker is a jitney serve process.
type broker struct {
	programs
	url   string
	cmd   *exec.Cmd
	ended chan error
}

// log is what a broker writes to stderr. It tells where the broker serves.
type log struct {
	text   bytes.Buffer
	once   sync.Once
	served chan string // is sent one URL, and has room for it
}

// servedLine matches the line that says so.
var servedLine = regexp.MustCompile(`msg=serving url=(\S+) `)

func (l *log) Write(text []byte) (int, error) {
	l.text.Write(text)
	if found := servedLine.FindSubmatch(l.text.Bytes()); found != nil {
		l.once.Do(func() { l.served <- string(found[1]) })
	}
	return len(text), nil
}

func startBroker(p programs, dir string) (*broker, error) {
	b := &broker{
		programs: p,
		cmd:      exec.Command(p.jitney(), "serve", "--insecure", "--listen", "127.0.0.1:0", "--dir", dir),
		ended:    make(chan error, 1),
	}
	log := &log{served: make(chan string, 1)}
	b.cmd.Stderr = log
	if err := b.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { b.ended <- b.cmd.Wait() }()
	select {
	case b.url = <-log.served:
		return b, nil
	case err := <-b.ended:
		return nil, fmt.Errorf("the broker does not serve: %w\n%s", err, log.text.String())
	}
}

// stop has the broker shut down. It returns when the process has ended.
func (b *broker) stop() error {
	return errors.Join(b.cmd.Process.Signal(syscall.SIGTERM), <-b.ended)
}

// run runs jitney and returns what it printed.
func (b *broker) run(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, b.jitney(), args...)
	cmd.Env = append(os.Environ(), "JITNEY_URL="+b.url)
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return strings.TrimSpace(string(out)), err
}

// worker is a jitney work process, which runs tally for each message.
type worker struct {
	findings string // the file that its commands write to
	killed   bool
	cmd      *exec.Cmd
	said     bytes.Buffer // to stderr
}

func (b *broker) startWorker(source, findings string) (*worker, error) {
	w := &worker{findings: findings}
	w.cmd = exec.Command(b.jitney(), "work", queueName,
		"--parallel", "2", "--lock-duration", lockDuration.String(), "--", b.tally(), source, findings)
	w.cmd.Env = append(os.Environ(), "JITNEY_URL="+b.url)
	w.cmd.Stderr = &w.said
	return w, w.cmd.Start()
}

// kill ends the process at once. Commands that it runs are not told.
func (w *worker) kill() error {
	w.killed = true
	if err := w.cmd.Process.Kill(); err != nil {
		return err
	}
	_ = w.cmd.Wait() // says that it was killed
	return nil
}

// stop lets the process end what it has begun.
func (w *worker) stop() error {
	if w.killed {
		return nil
	}
	if err := w.cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	if err := w.cmd.Wait(); err != nil {
		return fmt.Errorf("%w\n%s", err, w.said.String())
	}
	return nil
}
