// Package webapp_test carries what knows nothing of Jitney through its relay,
// with the program's own commands: Node-RED for a browser, OpenSSH for its
// client, and a gigabyte for a TCP server, while it looks at how much memory
// that takes.
//
// Node-RED comes from npm when the test runs. It is kept in the user's cache
// folder for the next run.
package webapp_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// program is the path of jitney while tests run.
var program string

// TestMain builds the program once, with the race detector if the tests have
// it.
func TestMain(m *testing.M) {
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "jitney-webapp-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "jitney")
	args := []string{"build", "-o", program}
	if raceEnabled {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, "../../cmd/jitney")...).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}
