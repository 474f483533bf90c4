package e2e_test

import (
	"flag"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "write what scripts compare with anew")

// TestScripts runs testdata/script, each script with a broker of its own.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                "testdata/script",
		Setup:              newStage,
		Cmds:               commands(),
		UpdateScripts:      *update,
		RequireUniqueNames: true,
	})
}
