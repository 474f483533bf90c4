package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// programs is the folder of the programs that take part.
type programs string

// build builds them.
func (p programs) build(ctx context.Context) error {
	const module = "github.com/jitney-mq/jitney/"
	cmd := exec.CommandContext(ctx, "go", "build", "-o", string(p)+"/", module+"cmd/jitney", module+"examples/fanout")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return nil
}

// A process is a broker or a service.
type process struct {
	name string
	cmd  *exec.Cmd
	said bytes.Buffer // to stderr
	dead bool
}

func (p programs) start(name, program string, args ...string) (*process, error) {
	x := &process{name: name, cmd: exec.Command(filepath.Join(string(p), program), args...)}
	x.cmd.Stderr = &x.said
	return x, x.cmd.Start()
}

// kill ends the process at once.
func (x *process) kill() error {
	x.dead = true
	if err := x.cmd.Process.Kill(); err != nil {
		return err
	}
	_ = x.cmd.Wait() // says that it was killed
	return nil
}

// stop lets the process end what it has begun.
func (x *process) stop() error {
	if x.dead {
		return nil
	}
	x.dead = true
	if err := x.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	if err := x.cmd.Wait(); err != nil {
		return fmt.Errorf("%s: %w\n%s", x.name, err, x.said.String())
	}
	return nil
}

// freeAddress returns an address of this machine that nobody listens at.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// untilReady waits until a broker can be used.
func untilReady(ctx context.Context, url string, x *process) error {
	for range 600 {
		reply, err := http.Get(url + "/-/readyz")
		if err == nil {
			reply.Body.Close()
			if reply.StatusCode == http.StatusOK {
				return nil
			}
		}
		if pause(ctx, 50*time.Millisecond); ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return errors.Join(errors.New("the broker does not get ready"), errors.New(x.said.String()))
}

// folder is a new one, which remove removes.
func folder() (dir string, remove func(), err error) {
	dir, err = os.MkdirTemp("", "jitney-fanout-")
	return dir, func() { os.RemoveAll(dir) }, err
}
