package main

import (
	"errors"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/jitney-mq/jitney/broker"
	"github.com/jitney-mq/jitney/server"
)

// TestMain lets scripts run the program: as jitney, the test is the program.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"jitney": main})
}

// TestScripts runs testdata/script, each script with a broker of its own.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:   "testdata/script",
		Setup: startBroker,
		Cmds:  map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
	})
}

// startBroker starts a broker for a script, which finds it by JITNEY_URL.
func startBroker(e *testscript.Env) error {
	b, err := broker.Open(e.T().(testing.TB).Context(), broker.Options{Dir: filepath.Join(e.WorkDir, ".data")})
	if err != nil {
		return err
	}
	s := httptest.NewServer(server.New(b, server.Options{}))
	e.Setenv("JITNEY_URL", s.URL)
	e.Setenv("GORACE", "atexit_sleep_ms=0") // the race detector's own pause at the end of each program
	e.Defer(func() {
		b.Drain()
		s.Close()
		if err := b.Close(); err != nil {
			e.T().Log(err)
		}
	})
	return nil
}

// exits runs a command that ends with the given exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code command [argument...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}
