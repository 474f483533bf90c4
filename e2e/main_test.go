package e2e_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// programs is the folder that the program is in while tests run.
var programs string

// scriptsAtOnce is how many run at the same time: they wait more than they
// work.
const scriptsAtOnce = "8"

// TestMain builds the program once.
func TestMain(m *testing.M) {
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "jitney-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := build(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	programs = dir
	flag.Parse()
	if err := flag.Set("test.parallel", scriptsAtOnce); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// build puts the program into a folder, with the race detector if the tests
// have it.
func build(dir string) error {
	args := []string{"build", "-o", filepath.Join(dir, "jitney")}
	if raceEnabled {
		args = append(args, "-race")
	}
	cmd := exec.Command("go", append(args, "../cmd/jitney")...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return nil
}

func program() string { return filepath.Join(programs, "jitney") }
