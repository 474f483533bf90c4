package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestREADME runs the console blocks of README.md, one command after the
// other, and compares what they print.
func TestREADME(t *testing.T) {
	t.Parallel()
	steps := readSteps(t, "../README.md", "console")
	if len(steps) < 5 {
		t.Fatalf("only %d commands", len(steps))
	}
	runSteps(t, "README.md", steps)
}

// TestDocuments runs the blocks of other documents that are marked "console
// run". If none of them starts a broker there is one.
func TestDocuments(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{"../*.md", "../docs/*.md", "../examples/*.md", "../examples/*/*.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			steps := readSteps(t, file, "console run")
			if len(steps) == 0 {
				continue
			}
			name := strings.TrimPrefix(filepath.ToSlash(file), "../")
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				runSteps(t, name, steps)
			})
		}
	}
}

// readSteps returns the steps of a document's blocks that have the given words
// behind their fence.
func readSteps(t *testing.T, file, info string) []step {
	t.Helper()
	document, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	steps, err := parseSteps(string(document), info)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return steps
}

func runSteps(t *testing.T, name string, steps []step) {
	t.Helper()
	for _, tool := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("the commands of %s need %s: %v", name, tool, err)
		}
	}
	s := newShell(t)
	if !startsBroker(steps) {
		s.send("jitney serve --insecure --log-level warn &\n")
		s.send("until curl -sf \"$JITNEY_URL/-/readyz\" >/dev/null; do sleep 0.1; done\n")
	}
	for _, st := range steps {
		if err := s.run(st); err != nil {
			t.Fatalf("%s:%d: $ %s\n%v", name, st.line, st.command, err)
		}
	}
}

func startsBroker(steps []step) bool {
	for _, st := range steps {
		if st.isBackground() && strings.Contains(st.command, "serve") {
			return true
		}
	}
	return false
}
