package hyco_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/jitney-mq/jitney/e2e/build"
)

// installed is where the tests find what they run. It is empty under -short.
var installed folder

// A folder has the program jitney, the scripts and what they require.
type folder string

func (f folder) broker() string { return filepath.Join(string(f), "jitney") }

func (f folder) tests(name string) string {
	return filepath.Join(string(f), "node_modules", "hyco-https", "tests", name+".test.js")
}

// TestMain builds the program and installs the clients, once.
func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() {
		os.Exit(m.Run())
	}
	build.Main(m, func(dir string) error {
		installed = folder(dir)
		return installed.install()
	})
}

// install has npm fetch what package-lock.json names, no script of a package
// being run.
func (f folder) install() error {
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%w: the tests of Azure Relay's clients need Node and npm; go test -short leaves them out", err)
		}
	}
	for _, pattern := range []string{"*.js", "package*.json"} {
		if err := f.copy(pattern); err != nil {
			return err
		}
	}
	return run(string(f), "npm", "ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund")
}

func (f folder) copy(pattern string) error {
	names, err := filepath.Glob(pattern)
	if err != nil {
		return err
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(string(f), name), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func run(dir, program string, args ...string) error {
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return nil
}
