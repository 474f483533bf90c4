// Package build makes the programs that tests run in processes of their own.
package build

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Jitney is the main package of the broker.
const Jitney = "github.com/jitney-mq/jitney/cmd/jitney"

// Programs builds main packages into a folder, each as a file of the package's name.
// Flags of go build may come before them.
func Programs(dir string, packages ...string) error {
	cmd := exec.Command("go", append([]string{"build", "-o", dir + string(filepath.Separator)}, packages...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return nil
}

// Main is for a TestMain: it builds Jitney into a folder, with the race detector if
// the tests have it, has them prepared and runs them, removes the folder and exits.
func Main(m *testing.M, prepare func(dir string) error) { os.Exit(run(m, prepare)) }

func run(m *testing.M, prepare func(dir string) error) int {
	dir, err := os.MkdirTemp("", "jitney-test-")
	if err == nil {
		defer os.RemoveAll(dir)
		err = Programs(dir, jitney...)
	}
	if err == nil {
		err = prepare(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}
