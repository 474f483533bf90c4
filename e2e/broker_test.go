package e2e_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// Bounds of what a broker does, on a busy machine.
const (
	startTimeout = 60 * time.Second
	stopTimeout  = 20 * time.Second // the broker itself cuts off after ten
)

// process is a broker in a process of its own. It can be started again, at
// the same address.
type process struct {
	// Fixed after construction.
	address string
	dir     string   // of the data
	env     []string // nil: that of the test
	log     *logbook

	cmd   *exec.Cmd // nil: it does not run
	ended chan error
}

func newProcess(dir string, env []string) (*process, error) {
	address, err := freeAddress()
	return &process{address: address, dir: dir, env: env, log: newLogbook()}, err
}

func (p *process) url() string { return "http://" + p.address }

// start returns when the broker serves.
func (p *process) start(flags ...string) error {
	if p.cmd != nil {
		return errors.New("the broker runs already")
	}
	cmd := exec.Command(program(), append([]string{"serve", "--insecure", "--dir", p.dir, "--listen", p.address}, flags...)...)
	cmd.Env = p.env
	cmd.Stderr = p.log
	serving := p.log.await("msg=serving ")
	if err := cmd.Start(); err != nil {
		return err
	}
	p.cmd, p.ended = cmd, make(chan error, 1)
	go func() { p.ended <- cmd.Wait() }()
	select {
	case <-serving:
		return nil
	case err := <-p.ended:
		p.cmd = nil
		return fmt.Errorf("the broker ended before it served: %w\n%s", err, p.log)
	case <-time.After(startTimeout):
		return errors.Join(fmt.Errorf("the broker does not serve after %s\n%s", startTimeout, p.log), p.kill())
	}
}

// kill ends the broker with SIGKILL, if it runs.
func (p *process) kill() error {
	if p.cmd == nil {
		return nil
	}
	err := p.cmd.Process.Kill()
	<-p.ended // with the error that it was killed
	p.cmd = nil
	return err
}

// stop asks the broker to end, if it runs. That it takes too long or does not
// end well is an error.
func (p *process) stop() error {
	if p.cmd == nil {
		return nil
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case err := <-p.ended:
		p.cmd = nil
		if err != nil {
			return fmt.Errorf("the broker did not end well: %w\n%s", err, p.log)
		}
		return nil
	case <-time.After(stopTimeout):
		return errors.Join(fmt.Errorf("the broker has not ended after %s\n%s", stopTimeout, p.log), p.kill())
	}
}

// close stops the broker and looks at what it leaves behind: errors in its log
// and a damaged data folder are errors.
func (p *process) close() error {
	return errors.Join(p.stop(), p.log.failures(), checkFolder(p.dir))
}

// checkFolder has jitney check read a data folder. One that is not there was
// never used.
func checkFolder(dir string) error {
	if _, err := os.Stat(dir); err != nil {
		return nil
	}
	cmd := exec.Command(program(), "check", dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return nil
}
