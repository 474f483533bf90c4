package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"time"
)

// ErrNoPart says that a scenario needs Options.Part.
var ErrNoPart = errors.New("the scenario needs a command that runs its parts")

// A partProcess is the process of a part.
type partProcess struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *json.Decoder
	said    bytes.Buffer // on stderr; read after the process has ended
	address string
	letGo   func() bool // does not let the end of the context end the process
}

// startPart returns when the part can be reached. The end of ctx ends it.
func (s *stage) startPart(ctx context.Context, args ...string) (*partProcess, error) {
	if s.opts.Part == nil {
		return nil, ErrNoPart
	}
	p := &partProcess{cmd: s.opts.Part(args...)}
	p.cmd.Stderr = &p.said
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	p.out, p.letGo = json.NewDecoder(out), context.AfterFunc(ctx, func() { _ = p.cmd.Process.Kill() })
	var hello partHello
	if err := p.out.Decode(&hello); err != nil {
		_ = p.Close() // why is said below
		return nil, fmt.Errorf("the %s does not begin: %w: %s", args[0], err, bytes.TrimSpace(p.said.Bytes()))
	}
	p.address = hello.Address
	return p, nil
}

func (p *partProcess) pid() int { return p.cmd.Process.Pid }

// figures asks for them: "" or collectFirst.
func (p *partProcess) figures(how string) (f partFigures, err error) {
	if _, err := p.in.Write([]byte(how + "\n")); err != nil {
		return f, err
	}
	err = p.out.Decode(&f)
	return f, err
}

// partEnds is how long a part may take to end by itself.
const partEnds = 10 * time.Second

// Close has the process end and waits for it. A nil one has ended. Its error is that
// of a part that failed.
func (p *partProcess) Close() error {
	if p == nil {
		return nil
	}
	defer p.letGo()
	late := time.AfterFunc(partEnds, func() { _ = p.cmd.Process.Kill() })
	defer late.Stop()
	_ = p.in.Close() // it tells the part to end
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("a part has failed: %w: %s", err, bytes.TrimSpace(p.said.Bytes()))
	}
	return nil
}

// A residentWatch keeps the largest memory of a process that it sees.
type residentWatch struct {
	pid   int
	peak  uint64 // bytes
	stop  chan struct{}
	ended sync.WaitGroup
}

func watchResident(pid int) *residentWatch {
	w := &residentWatch{pid: pid, stop: make(chan struct{})}
	w.ended.Go(w.watch)
	return w
}

func (w *residentWatch) watch() {
	ticker := time.NewTicker(heapEvery)
	defer ticker.Stop()
	for {
		w.peak = max(w.peak, residentMemory(w.pid))
		select {
		case <-ticker.C:
		case <-w.stop:
			return
		}
	}
}

// end returns the peak. It is called once.
func (w *residentWatch) end() uint64 {
	close(w.stop)
	w.ended.Wait()
	return w.peak
}
