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
	if n := runDocument(t, "../README.md", "console"); n < 5 {
		t.Errorf("only %d commands", n)
	}
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
			t.Run(strings.TrimPrefix(file, "../"), func(t *testing.T) {
				t.Parallel()
				runDocument(t, file, "console run")
			})
		}
	}
}

// runDocument runs the blocks with the given words behind their fence, and
// returns the number of their commands.
func runDocument(t *testing.T, file, info string) int {
	t.Helper()
	document, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	steps, err := parseSteps(string(document), info)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if len(steps) == 0 {
		return 0
	}
	for _, tool := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("the commands of %s need %s: %v", file, tool, err)
		}
	}
	s := newShell(t)
	if !startsBroker(steps) {
		s.send("jitney serve --insecure --log-level warn &\n")
		s.send("until curl -sf \"$JITNEY_URL/-/readyz\" >/dev/null; do sleep 0.1; done\n")
	}
	for _, st := range steps {
		if err := s.run(st); err != nil {
			t.Fatalf("%s:%d: $ %s\n%v", file, st.line, st.command, err)
		}
	}
	return len(steps)
}

func startsBroker(steps []step) bool {
	for _, st := range steps {
		if st.isBackground() && strings.Contains(st.command, "serve") {
			return true
		}
	}
	return false
}
