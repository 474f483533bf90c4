package webapp_test

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Bounds of what a process takes, on a busy machine.
const (
	startTimeout = 60 * time.Second
	stopTimeout  = 20 * time.Second
)

// process is a program that runs until the test ends.
type process struct {
	testing.TB
	cmd    *exec.Cmd
	output *output
	ended  chan error
}

// start runs a command and returns when it has written text, which it does
// when it is ready. With the test it is asked to end. What it writes to
// standard output is text too, unless it goes somewhere.
func start(t testing.TB, text string, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{TB: t, cmd: cmd, output: newOutput(text), ended: make(chan error, 1)}
	cmd.Stderr = p.output
	if cmd.Stdout == nil {
		cmd.Stdout = p.output
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.ended <- cmd.Wait() }()
	t.Cleanup(p.stop)
	select {
	case <-p.output.seen:
	case err := <-p.ended:
		p.ended <- err
		t.Fatalf("%s ended before it was ready: %v\n%s", cmd, err, p.output)
	case <-time.After(startTimeout):
		t.Fatalf("%s is not ready after %s\n%s", cmd, startTimeout, p.output)
	}
	return p
}

// stop has the process end, and shows what it wrote if the test has failed.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	select {
	case <-p.ended:
	case <-time.After(stopTimeout):
		p.Errorf("%s has not ended after %s", p.cmd, stopTimeout)
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
	wrote := p.output.String()
	for _, bad := range []string{"DATA RACE", "level=ERROR", " ERROR "} { // of the race detector, a broker, a listener
		if strings.Contains(wrote, bad) {
			p.Errorf("%s wrote %s", p.cmd, bad)
		}
	}
	if p.Failed() {
		p.Logf("%s wrote:\n%s", p.cmd, wrote)
	}
}
