package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// maxTest bounds how long the tests of one mutant may take: one that hangs is
// killed by that.
const maxTest = 3 * time.Minute

// Why a mutant was not killed.
var (
	errSurvived = errors.New("the tests passed")
	errNoBuild  = errors.New("it does not build")
	errBaseline = errors.New("the tests fail without it")
)

// runner seeds mutants into the module that it is run in.
type runner struct {
	root   string // folder of the module
	output io.Writer
	passed map[string]bool // tests that pass without a mutant, by their arguments
}

func newRunner(ctx context.Context) (*runner, error) {
	mod, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return nil, fmt.Errorf("go env GOMOD: %w", err)
	}
	return &runner{
		root:   filepath.Dir(strings.TrimSpace(string(mod))),
		output: io.Discard,
		passed: map[string]bool{},
	}, nil
}

// kill returns the test that found m. The error says why there is none.
func (r *runner) kill(ctx context.Context, m mutant) (by string, err error) {
	dir, err := os.MkdirTemp("", "mutant")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	overlay, err := r.overlay(dir, m)
	if err != nil {
		return "", err
	}
	if out, err := r.run(ctx, "build", "-overlay", overlay, "./"+filepath.Dir(m.file)); err != nil {
		return "", fmt.Errorf("%w: %s", errNoBuild, lastLine(out))
	}
	if err := r.baseline(ctx, m); err != nil {
		return "", err
	}
	out, err := r.run(ctx, m.command("-overlay", overlay)...)
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err == nil:
		return "", errSurvived
	case bytes.Contains(out, []byte("[build failed]")), bytes.Contains(out, []byte("[setup failed]")):
		return "", fmt.Errorf("%w with its tests: %s", errNoBuild, lastLine(out))
	}
	return killer(out), nil
}

// overlay writes the mutated file and the description by which the go command
// takes it for the real one.
func (r *runner) overlay(dir string, m mutant) (string, error) {
	path := filepath.Join(r.root, m.file)
	source, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	mutated, err := m.apply(string(source))
	if err != nil {
		return "", err
	}
	copied := filepath.Join(dir, "mutated.go")
	if err := os.WriteFile(copied, []byte(mutated), 0o600); err != nil {
		return "", err
	}
	description, err := json.Marshal(map[string]map[string]string{"Replace": {path: copied}})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, description, 0o600)
}

// baseline runs the tests of m without it, once for all mutants that have the same.
func (r *runner) baseline(ctx context.Context, m mutant) error {
	if r.passed[m.test] {
		return nil
	}
	out, err := r.run(ctx, m.command()...)
	if err != nil {
		return fmt.Errorf("%w: %s", errBaseline, killer(out))
	}
	if bytes.Contains(out, []byte("no tests to run")) {
		return fmt.Errorf("%w: there are none: go test %s", errBaseline, m.test)
	}
	r.passed[m.test] = true
	return nil
}

// run calls the go command.
func (r *runner) run(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = r.root
	cmd.Env = append(os.Environ(), "RAPID_NOFAILFILE=true", "RAPID_SHRINKTIME=1ns", "JITNEY_EVIDENCE=")
	var out bytes.Buffer
	cmd.Stdout = io.MultiWriter(&out, r.output)
	cmd.Stderr = cmd.Stdout
	err := cmd.Run()
	return out.Bytes(), err
}

var (
	failedTest = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)
	raceLine   = regexp.MustCompile(`(?m)^WARNING: DATA RACE`)
	panicLine  = regexp.MustCompile(`(?m)^(panic|fatal error): .*`)
)

// killer returns what in the output of the tests has found the mutant.
func killer(out []byte) string {
	if raceLine.Match(out) {
		return "the race detector"
	}
	var deepest string
	for _, found := range failedTest.FindAllSubmatch(out, -1) {
		if name := string(found[1]); deepest == "" || strings.HasPrefix(name, deepest+"/") {
			deepest = name
		}
	}
	if deepest != "" {
		return deepest
	}
	if line := panicLine.Find(out); line != nil {
		return string(line)
	}
	return lastLine(out)
}

func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}
