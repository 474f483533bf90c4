// Package build makes the programs that tests run in processes of their own, with
// the race detector if the tests have it.
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
func Programs(dir string, packages ...string) error {
	args := []string{"build", "-o", dir + string(filepath.Separator)}
	if Race {
		args = append(args, "-race")
	}
	cmd := exec.Command("go", append(args, packages...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return nil
}

// Main is for a TestMain: it builds Jitney into a folder, has the tests prepared and
// runs them, removes the folder and exits.
func Main(m *testing.M, prepare func(dir string) error) { os.Exit(run(m, prepare)) }

func run(m *testing.M, prepare func(dir string) error) int {
	dir, err := os.MkdirTemp("", "jitney-test-")
	if err == nil {
		defer os.RemoveAll(dir)
		err = Programs(dir, Jitney)
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
