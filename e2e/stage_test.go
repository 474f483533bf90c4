package e2e_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// stage is what a script has besides its files.
type stage struct {
	broker *process
	raw    string // the last output as it was, for let
}

type stageKey struct{}

func stageOf(ts *testscript.TestScript) *stage { return ts.Value(stageKey{}).(*stage) }

// newStage prepares a script's environment.
func newStage(e *testscript.Env) error {
	e.Setenv("PATH", programs+string(filepath.ListSeparator)+e.Getenv("PATH"))
	e.Setenv("GORACE", "halt_on_error=1")
	broker, err := newProcess(filepath.Join(e.WorkDir, "data"), e.Vars)
	if err != nil {
		return err
	}
	e.Setenv("JITNEY_URL", broker.url())
	e.Values[stageKey{}] = &stage{broker: broker}
	e.Defer(func() {
		if err := broker.close(); err != nil {
			e.T().(testing.TB).Errorf("%v", err)
		}
	})
	return nil
}

// commands are what scripts can do besides testscript's own; doc.go describes
// them.
func commands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"broker":  positive(runBroker),
		"jitney":  positive(runJitney),
		"exits":   positive(runExits),
		"http":    positive(runHTTP),
		"let":     positive(runLet),
		"instant": positive(runInstant),
		"await":   positive(runAwait),
	}
}

// positive refuses a ! before a command: it would hide how the command failed.
func positive(run func(*testscript.TestScript, []string)) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg {
			ts.Fatalf("unsupported: ! before a command; see exits")
		}
		run(ts, args)
	}
}

func want(ts *testscript.TestScript, ok bool, usage string) {
	if !ok {
		ts.Fatalf("usage: %s", usage)
	}
}

// show makes text the output of a command.
func show(ts *testscript.TestScript, text string) {
	stageOf(ts).raw = text
	_, _ = ts.Stdout().Write([]byte(mask(text, stageOf(ts).broker.url())))
}

func runBroker(ts *testscript.TestScript, args []string) {
	want(ts, len(args) > 0, "broker start|stop|kill|restart|log")
	broker := stageOf(ts).broker
	switch args[0] {
	case "start":
		ts.Check(broker.start(args[1:]...))
	case "stop":
		ts.Check(broker.stop())
	case "kill":
		ts.Check(broker.kill())
	case "restart":
		ts.Check(broker.kill())
		ts.Check(broker.start(args[1:]...))
	case "log":
		show(ts, broker.log.String())
	default:
		want(ts, false, "broker start|stop|kill|restart|log")
	}
}

func runJitney(ts *testscript.TestScript, args []string) {
	if code := execute(ts, append([]string{"jitney"}, args...)); code != 0 {
		ts.Fatalf("exit code %d", code)
	}
}

func runExits(ts *testscript.TestScript, args []string) {
	want(ts, len(args) > 1, "exits code command [argument…]")
	code, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := execute(ts, args[1:]); got != code {
		ts.Fatalf("exit code %d, want %d", got, code)
	}
}

// execute runs a program, shows its output and returns its exit code.
func execute(ts *testscript.TestScript, args []string) int {
	err := ts.Exec(args[0], args[1:]...)
	exit, ended := errors.AsType[*exec.ExitError](err)
	if err != nil && !ended {
		ts.Fatalf("%v", err)
	}
	maskOutput(ts)
	if ended {
		return exit.ExitCode()
	}
	return 0
}

// maskOutput masks what a program wrote. It leaves what there is nothing to
// mask in: the log shows everything that is written here a second time.
func maskOutput(ts *testscript.TestScript) {
	stdout, stderr := ts.ReadFile("stdout"), ts.ReadFile("stderr")
	s := stageOf(ts)
	s.raw = stdout
	maskedOut, maskedErr := mask(stdout, s.broker.url()), mask(stderr, s.broker.url())
	if maskedOut == stdout && maskedErr == stderr {
		return
	}
	_, _ = ts.Stdout().Write([]byte(maskedOut))
	_, _ = ts.Stderr().Write([]byte(maskedErr))
}

func runLet(ts *testscript.TestScript, args []string) {
	want(ts, len(args) == 2, "let NAME regexp")
	pattern, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	found := pattern.FindStringSubmatch(stageOf(ts).raw)
	if len(found) < 2 {
		ts.Fatalf("%s with a group is not in the last output:\n%s", args[1], stageOf(ts).raw)
	}
	ts.Setenv(args[0], found[1])
}

func runInstant(ts *testscript.TestScript, args []string) {
	want(ts, len(args) == 2, "instant NAME duration")
	after, err := time.ParseDuration(args[1])
	ts.Check(err)
	ts.Setenv(args[0], time.Now().Add(after).UTC().Format(time.RFC3339Nano))
}

// awaitTimeout bounds await.
const awaitTimeout = 60 * time.Second

func runAwait(ts *testscript.TestScript, args []string) {
	want(ts, len(args) == 2, "await FILE regexp")
	pattern, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	file := ts.MkAbs(args[0])
	deadline := time.After(awaitTimeout)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		text, err := os.ReadFile(file)
		if err == nil && pattern.Match(text) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("%s is not in %s after %s:\n%s", args[1], args[0], awaitTimeout, text)
		}
	}
}

// What is different in every run.
var (
	guidPattern    = regexp.MustCompile(`[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}`)
	tagPattern     = regexp.MustCompile(`(?m)^Etag: .*$`)
	instantPattern = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z|[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT`)
)

// mask replaces what is different in every run.
func mask(text, url string) string {
	text = strings.ReplaceAll(text, url, "URL")
	text = guidPattern.ReplaceAllString(text, "GUID")
	text = tagPattern.ReplaceAllString(text, "Etag: TAG")
	return instantPattern.ReplaceAllString(text, "TIME")
}
