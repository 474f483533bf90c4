package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const twoClauses = `# Protocol
- **[N1]** Names are paths.
**[Q1]** A send is answered.
**[Q2]** *later* A bill is sent.
`

// tree writes files into a folder of its own.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestRun(t *testing.T) {
	t.Parallel()
	complete := map[string]string{
		"docs/protocol.md":        twoClauses,
		"namespace/name.go":       "package namespace\n\n// A name. [N1]\n",
		"namespace/name_test.go":  "package namespace\n\n/* proves\n[N1] */\n",
		"server/send.go":          "package server\n\nvar _ = 1 // [Q1]\n",
		"e2e/testdata/send.txtar": "# [Q1]\nexec jitney\n",
	}
	tests := map[string]struct {
		file, text string // in place of, or beside, the complete ones
		args       []string
		code       int
		stderr     string
	}{
		"Complete":        {},
		"NoTest":          {file: "e2e/testdata/send.txtar", text: "# nothing\n[Q1]\n", code: 1, stderr: "clause Q1: no test\n"},
		"OtherSection":    {file: "server/send.go", text: "package server\n", args: []string{"N"}},
		"NoSuchSection":   {args: []string{"X"}, code: 2, stderr: "spec: the document has no section \"X\"\n"},
		"ClientsKeepNone": {file: "server/send.go", text: "package server\n", code: 1, stderr: "clause Q1: no code\n"},
		"Stray":           {file: "store/tx.go", text: "package store\n\n// [Z9]\n", code: 1, stderr: "store/tx.go:3: the document has no clause Z9\n"},
		"StrayInCode":     {file: "store/tx.go", text: "package store\n\nvar s = \"[Z9]\"\n"},
		"LaterIsKnown":    {file: "store/tx.go", text: "package store\n\n// [Q2]\n"},
		"Twice":           {file: "docs/protocol.md", text: twoClauses + "**[N1]** again", code: 2, stderr: "spec: docs/protocol.md: clause N1 is there twice\n"},
		"NotInCodeBlock":  {file: "docs/protocol.md", text: twoClauses + "```\n**[N1]** again\n```\n"},
		"Nothing":         {file: "docs/protocol.md", text: "no clauses", code: 2, stderr: "spec: docs/protocol.md: no clauses\n"},
		"Unreadable":      {args: []string{"-doc", "none.md"}, code: 2, stderr: "none.md: no such file"},
		"BrokenGo":        {file: "store/tx.go", text: "pakage", code: 2, stderr: "expected 'package'"},
		"PartNeedsItsOwn": {file: "docs/protocol.md", text: twoClauses + "**[Q1a]** a part", code: 1, stderr: "clause Q1a: no code\nclause Q1a: no test\n"},
		"StrayPart":       {file: "store/tx.go", text: "package store\n\n// [N1a]\n", code: 1, stderr: "no clause N1a"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{"client/send.go": "package client\n\n// [Q1]\n"}
			for file, text := range complete {
				files[file] = text
			}
			if test.file != "" {
				files[test.file] = test.text
			}
			var stdout, stderr strings.Builder
			code := run(append([]string{"-root", tree(t, files)}, test.args...), &stdout, &stderr)
			if code != test.code || !strings.Contains(stderr.String(), test.stderr) || (test.stderr == "") != (stderr.Len() == 0) {
				t.Errorf("got %d, %q", code, stderr.String())
			}
		})
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	root := tree(t, map[string]string{
		"docs/protocol.md": "**[A1]** x\n**[A1a]** x\n**[B1]** *later* x\n",
		"a/a.go":           "package a\n\n// [A1] [A1a]\n\n// [A1]\n",
		"a/a_test.go":      "package a\n\n// [A1a]\n",
		"e2e/help.go":      "package e2e\n\n// [A1]\n",
	})
	var stdout, stderr strings.Builder
	if code := run([]string{"-root", root}, &stdout, &stderr); code != 0 {
		t.Errorf("got %d, %s", code, stderr.String())
	}
	want := `CLAUSE  CODE        TESTS
A1      a/a.go:3,5  a/a_test.go:3
                    e2e/help.go:3
A1a     a/a.go:3    a/a_test.go:3
B1      later
`
	if strings.TrimRight(stdout.String(), " \n")+"\n" != want {
		t.Errorf("got\n%s", stdout.String())
	}
}
