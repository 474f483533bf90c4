// Package examples_test runs the examples that always print the same.
package examples_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jitney-mq/jitney/e2e/build"
)

// TestReadmes runs examples and compares what they print with their READMEs.
func TestReadmes(t *testing.T) {
	programs := t.TempDir()
	if err := build.Programs(programs, "./quickstart", "./webhooks"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"quickstart", "webhooks"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := exec.Command(filepath.Join(programs, name)).CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			readme, err := os.ReadFile(filepath.Join(name, "README.md"))
			if err != nil {
				t.Fatal(err)
			}
			shown := "```console\n$ go run ./examples/" + name + "\n" + string(out) + "```"
			if !strings.Contains(string(readme), shown) {
				t.Errorf("README.md does not show\n%s", shown)
			}
		})
	}
}
