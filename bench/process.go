package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"time"
)

// A process is a broker in a process of its own.
type process struct {
	cmd        *exec.Cmd
	address    string
	readyAfter time.Duration // from the start of the process on
	startedAt  time.Time
	said       bytes.Buffer // on stderr; read after exited
	exited     chan struct{}
}

const (
	readyTimeout = 2 * time.Minute
	readyEvery   = 2 * time.Millisecond
)

// startProcess runs a broker on a data folder. It returns when the broker says
// that it is ready.
func (s *stage) startProcess(ctx context.Context, dir string) (*process, error) {
	if s.opts.Broker == nil {
		return nil, ErrNoBroker
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	p := &process{cmd: s.opts.Broker(dir, address), address: address, exited: make(chan struct{})}
	p.cmd.Stderr = &p.said
	p.startedAt = time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.exited)
		_ = p.cmd.Wait() // it is killed
	}()
	if err := p.awaitReady(ctx); err != nil {
		p.kill()
		return nil, fmt.Errorf("%w: %s", err, bytes.TrimSpace(p.said.Bytes()))
	}
	p.readyAfter = time.Since(p.startedAt)
	return p, nil
}

// freeAddress returns an address that nobody listens at.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

var (
	errExited   = errors.New("the broker's process has ended")
	errNotReady = errors.New("the broker does not become ready")
)

func (p *process) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, readyTimeout, errNotReady)
	defer cancel()
	for !p.isReady(ctx) {
		select {
		case <-p.exited:
			return errExited
		default:
		}
		if sleep(ctx, readyEvery) != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}

func (p *process) isReady(ctx context.Context) bool {
	c, err := dial(ctx, p.address)
	if err != nil {
		return false
	}
	defer c.Close()
	_, _, err = c.call("GET", "/-/readyz", http.StatusOK)
	return err == nil
}

// kill ends the process as kill -9 does, and returns when it has ended.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it fails if the process has ended
	<-p.exited
}
