package e2e_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// commandTimeout bounds a command of a document: the first may have to build
// the program.
const commandTimeout = 3 * time.Minute

// shell is a bash that runs the commands of one document, as a person would
// in one terminal.
type shell struct {
	address string // of the broker that they are to meet
	stdin   io.Writer

	mu      sync.Mutex // guards all below
	text    strings.Builder
	changed *sync.Cond
}

// newShell starts a bash in the root of the repository. What its commands make
// goes to a temporary folder; a broker that they start listens at a free
// address in place of the usual one.
func newShell(t *testing.T) *shell {
	t.Helper()
	address, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	cmd := exec.Command("bash", "--norc", "--noprofile")
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(),
		"GOBIN="+filepath.Join(dir, "bin"),
		"PATH="+strings.Join([]string{filepath.Join(dir, "bin"), programs, os.Getenv("PATH")}, string(filepath.ListSeparator)),
		"XDG_CONFIG_HOME="+dir,
		"JITNEY_DIR="+data,
		"JITNEY_LISTEN="+address,
		"JITNEY_URL=http://"+address,
	)
	s := &shell{address: address}
	s.changed = sync.NewCond(&s.mu)
	if s.stdin, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = s, s
	cmd.WaitDelay = stopTimeout // for what still holds the output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.send("for job in $(jobs -p); do kill -TERM -- -$job; done; wait; exit\n")
		if err := cmd.Wait(); err != nil {
			t.Errorf("bash: %v", err)
		}
		if err := checkFolder(data); err != nil {
			t.Error(err)
		}
	})
	s.send("set -m\n") // each job has a number and a process group, as in a terminal
	return s
}

// Write takes what the commands print.
func (s *shell) Write(text []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Write(text)
	s.changed.Broadcast()
	return len(text), nil
}

func (s *shell) send(text string) { _, _ = io.WriteString(s.stdin, text) } // a bash that has gone answers nothing

// usualPort is what documents show in place of the port of this run.
const usualPort = ":5300"

// prompt is shown after each command, with its exit code.
const prompt = "jitney-e2e-prompt"

var promptPattern = regexp.MustCompile(prompt + ` (\d+)\n`)

// run runs a command and compares what it prints.
func (s *shell) run(st step) error {
	port := s.address[strings.LastIndexByte(s.address, ':'):]
	s.send(strings.ReplaceAll(st.command, usualPort, port) + "\necho " + prompt + " $?\n")
	want := st.pattern()
	var got string
	err := s.await(func(text string) (done bool, err error) {
		found := promptPattern.FindStringSubmatchIndex(text)
		if found == nil {
			return false, nil
		}
		code := text[found[2]:found[3]]
		text = text[:found[0]] + text[found[1]:]
		if code != "0" {
			return true, fmt.Errorf("exit code %s\n%s", code, text)
		}
		got = asShown(strings.ReplaceAll(text, port, usualPort))
		return want.MatchString(got) || !st.isBackground(), nil
	})
	switch {
	case err != nil:
		return err
	case !want.MatchString(got):
		return fmt.Errorf("printed\n%s\nwhere the document has\n%s", got, strings.Join(st.want, "\n"))
	}
	return nil
}

// jobs matches what bash says about jobs, which is different in a terminal.
var jobs = regexp.MustCompile(`(?m)^(.*bash: line \d+:.*Killed.*|\[\d+\].*)\n`)

// asShown returns output as a terminal shows it, with a line end behind all.
func asShown(text string) string {
	text = jobs.ReplaceAllString(strings.ReplaceAll(text, "\r", ""), "")
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return text
}

// await waits until done says so of all that was printed since the last
// command, and forgets that.
func (s *shell) await(done func(text string) (bool, error)) error {
	timedOut := false
	timer := time.AfterFunc(commandTimeout, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		timedOut = true
		s.changed.Broadcast()
	})
	defer timer.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.text.Reset()
	for {
		ok, err := done(s.text.String())
		if ok || err != nil {
			return err
		}
		if timedOut {
			return errors.New("nothing came of it in time:\n" + s.text.String())
		}
		s.changed.Wait()
	}
}

// TestShell makes sure that a document whose commands print something else, or
// fail, does not pass.
func TestShell(t *testing.T) {
	t.Parallel()
	const document = "```console\n" +
		"$ printf 'one\\ntwo'\none\ntwo\n" +
		"$ printf 'one\\ntwo'\none\n…\n" +
		"$ printf 'one\\n\\nthree\\n'\no…e\n\nthree\n" +
		"$ echo \\\n> one\none\n" +
		"$ x=1\n" +
		"$ echo $x http://127.0.0.1:5300/\n1 http://127.0.0.1:5300/\n" +
		"$ (echo begun; exec sleep 1000) &\nbegun\n" +
		"```\n```sh\n$ false\n```\n"
	s := newShell(t)
	steps, err := parseSteps(document, "console")
	if err != nil || len(steps) != 7 {
		t.Fatalf("%d steps, %v", len(steps), err)
	}
	for _, st := range steps {
		if err := s.run(st); err != nil {
			t.Errorf("$ %s\n%v", st.command, err)
		}
	}
	for _, row := range []struct {
		step step
		want string
	}{
		{step{command: "echo one", want: []string{"two"}}, "one"},
		{step{command: "echo one"}, "one"},
		{step{command: "true", want: []string{"one"}}, "one"},
		{step{command: "printf 'one\\ntwo\\n'", want: []string{"one…two"}}, "two"},
		{step{command: "(exit 3)"}, "exit code 3"},
	} {
		if err := s.run(row.step); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("$ %s\npassed for %q, with %v", row.step.command, row.step.want, err)
		}
	}
}
