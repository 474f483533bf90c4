// Package webapp_test carries what knows nothing of Jitney through its relay,
// with the program's own commands: Node-RED for a browser, OpenSSH for its
// client, and a gigabyte for a TCP server, while it looks at how much memory
// that takes.
//
// Node-RED comes from npm when the test runs. It is kept in the user's cache
// folder for the next run.
package webapp_test

import (
	"path/filepath"
	"testing"

	"github.com/jitney-mq/jitney/e2e/build"
)

// program is the path of jitney while tests run.
var program string

// TestMain builds the program once, with the race detector if the tests have
// it.
func TestMain(m *testing.M) {
	build.Main(m, func(dir string) error {
		program = filepath.Join(dir, "jitney")
		return nil
	})
}
