package e2e_test

import (
	"flag"
	"path/filepath"
	"testing"

	"github.com/jitney-mq/jitney/e2e/build"
)

// programs is the folder that the program is in while tests run.
var programs string

// scriptsAtOnce is how many run at the same time: they wait more than they
// work.
const scriptsAtOnce = "8"

// TestMain builds the program once.
func TestMain(m *testing.M) {
	build.Main(m, func(dir string) error {
		programs = dir
		flag.Parse()
		return flag.Set("test.parallel", scriptsAtOnce)
	})
}

func program() string { return filepath.Join(programs, "jitney") }
