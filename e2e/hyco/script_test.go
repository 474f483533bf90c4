package hyco_test

import (
	"bufio"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"testing"
	"time"
)

// A script is one of this folder, which runs in a process of its own.
type script struct {
	testing.TB
	name  string
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines chan string // that it has printed; closed with its standard output
	log   journal     // all it has written
}

// maxLines is how many a script prints while nobody waits for one.
const maxLines = 100_000

// run starts a script for a path at the broker. It is killed when the test ends.
func (b *broker) run(name, path string, args ...string) *script {
	b.Helper()
	cmd := exec.Command("node", append([]string{"--no-deprecation", name, b.address, path}, args...)...)
	cmd.Dir = string(installed)
	s := &script{TB: b.TB, name: name, cmd: cmd, lines: make(chan string, maxLines)}
	cmd.Stderr = &s.log
	out, err := cmd.StdoutPipe()
	if err == nil {
		s.stdin, err = cmd.StdinPipe()
	}
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	go s.read(out)
	b.Cleanup(s.kill)
	return s
}

func (s *script) read(out io.Reader) {
	defer close(s.lines)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		fmt.Fprintln(&s.log, lines.Text())
		s.lines <- lines.Text()
	}
}

// await passes over what the script prints until a whole line matches, and
// returns the groups of the match.
func (s *script) await(pattern string) []string {
	s.Helper()
	want := regexp.MustCompile("^" + pattern + "$")
	deadline := time.After(patience)
	for {
		select {
		case line, running := <-s.lines:
			if groups := want.FindStringSubmatch(line); groups != nil {
				return groups[1:]
			}
			if !running {
				s.Fatalf("%s has ended without %q; it wrote\n%s", s.name, pattern, &s.log)
			}
		case <-deadline:
			s.Fatalf("%s prints no %q; it wrote\n%s", s.name, pattern, &s.log)
		}
	}
}

// say writes a line to its standard input.
func (s *script) say(format string, args ...any) {
	s.Helper()
	if _, err := fmt.Fprintf(s.stdin, format+"\n", args...); err != nil {
		s.Fatalf("%s takes no line: %v; it wrote\n%s", s.name, err, &s.log)
	}
}

// ended waits until the script has ended by itself.
func (s *script) ended() {
	s.Helper()
	deadline := time.After(patience)
	for {
		select {
		case _, running := <-s.lines:
			if !running {
				return
			}
		case <-deadline:
			s.Fatalf("%s goes on; it wrote\n%s", s.name, &s.log)
		}
	}
}

// kill ends the script with SIGKILL, if it runs.
func (s *script) kill() {
	_ = s.cmd.Process.Kill() // it may have ended
	_ = s.cmd.Wait()
}
