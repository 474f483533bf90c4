// Command spec compares docs/protocol.md with the code: which line keeps each
// clause of the protocol, and which test proves it.
//
//	go run ./e2e/spec [-root folder] [-doc file] [section ...]
//
// It prints a table and ends with 1 if a clause of the sections, which are
// given by their letters, has no code or no test, or if anything carries the
// tag of a clause that the document does not have. Clauses marked later are
// not asked for. Without sections it looks at all of them.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// The exit codes.
const (
	exitComplete   = 0
	exitIncomplete = 1
	exitUsage      = 2
)

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("spec", flag.ContinueOnError)
	flags.SetOutput(stderr)
	root := flags.String("root", ".", "the `folder` of the module")
	doc := flags.String("doc", filepath.Join("docs", "protocol.md"), "the document, a `file` below root")
	if err := flags.Parse(args); err != nil {
		return exitUsage
	}
	spec, err := compare(*root, *doc)
	if err != nil {
		fmt.Fprintln(stderr, "spec:", err)
		return exitUsage
	}
	gaps, err := spec.report(stdout, flags.Args())
	switch {
	case err != nil:
		fmt.Fprintln(stderr, "spec:", err)
		return exitUsage
	case len(gaps) == 0:
		return exitComplete
	}
	for _, gap := range gaps {
		fmt.Fprintln(stderr, gap)
	}
	return exitIncomplete
}

// compare reads the document and the tree below root.
func compare(root, doc string) (*specification, error) {
	text, err := os.ReadFile(filepath.Join(root, doc))
	if err != nil {
		return nil, err
	}
	clauses, err := parseClauses(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doc, err)
	}
	places, err := findPlaces(root)
	if err != nil {
		return nil, err
	}
	return newSpecification(clauses, places), nil
}
