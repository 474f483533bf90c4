package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jitney-mq/jitney/e2e/build"
	"github.com/jitney-mq/jitney/examples/worker/record"
)

// shortFiles is how many files the example takes when tests are to be short.
const shortFiles = "600"

// TestWorker runs the example, compares what it tells with its README, and has
// it find the damage that is done to its result.
func TestWorker(t *testing.T) {
	t.Parallel()
	programs, dir := t.TempDir(), t.TempDir()
	if err := build.Programs(programs, build.Jitney, ".", "./tally"); err != nil {
		t.Fatal(err)
	}
	args := []string{"-programs", programs, "-dir", dir}
	if testing.Short() {
		t.Logf("short: only %s files of the standard library", shortFiles)
		args = append(args, "-files", shortFiles)
	}
	out, err := exec.Command(filepath.Join(programs, "worker"), args...).CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := headlines(string(out)), headlines(shownRun(t)); !slices.Equal(got, want) {
		t.Errorf("README.md shows\n%s\nbut the lines are\n%s", strings.Join(want, "\n"), strings.Join(got, "\n"))
	}

	check := append(args, "-check")
	if out, err := exec.Command(filepath.Join(programs, "worker"), check...).CombinedOutput(); err != nil {
		t.Fatalf("-check: %v\n%s", err, out)
	}
	findings := filepath.Join(dir, "findings-1.txt")
	text := read(t, findings)
	first, rest, _ := strings.Cut(text, "\n")
	wrong, err := record.ParseFinding(first)
	if err != nil {
		t.Fatal(err)
	}
	wrong.File.Size++
	rows := []struct {
		name   string
		damage string
		want   string
	}{
		{"a finding that is gone", rest, "was lost"},
		{"a finding that is there twice", text + first + "\n", "was counted 2 times"},
		{"a finding that is wrong", wrong.String() + "\n" + rest, "differ"},
	}
	for _, row := range rows {
		write(t, findings, row.damage)
		out, err := exec.Command(filepath.Join(programs, "worker"), check...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), row.want) {
			t.Errorf("%s: %v\n%s", row.name, err, out)
		}
	}
}

// shownRun returns the run that the README shows.
func shownRun(t *testing.T) string {
	t.Helper()
	_, block, _ := strings.Cut(read(t, "README.md"), "```console\n$ go run ./examples/worker\n")
	run, _, ok := strings.Cut(block, "```")
	if !ok {
		t.Fatal("README.md shows no run")
	}
	return run
}

// figures matches what is different in every run.
var figures = regexp.MustCompile(`[0-9][0-9.,:]*`)

// headlines returns the lines that every run has, without figures: those that
// are not indented.
func headlines(text string) (lines []string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, "\n"); line != "" && !strings.HasPrefix(line, " ") {
			lines = append(lines, figures.ReplaceAllString(line, "0"))
		}
	}
	return lines
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
