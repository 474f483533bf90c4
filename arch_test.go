package jitney_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/jitney-mq/jitney/"

// TestImports compares what each package imports of this module with the table
// of ARCHITECTURE.md.
func TestImports(t *testing.T) {
	t.Parallel()
	allowed := importTable(t)
	for folder, imports := range folders(t) {
		row, ok := allowed[folder]
		if !ok {
			t.Errorf("%s is not in the table of ARCHITECTURE.md", folder)
			continue
		}
		for _, imported := range imports {
			if !slices.Contains(row, imported) && !slices.Contains(row, "everything") {
				t.Errorf("%s imports %s, which ARCHITECTURE.md does not allow", folder, imported)
			}
		}
	}
	for folder := range allowed {
		if _, err := os.Stat(folder); err != nil {
			t.Errorf("ARCHITECTURE.md has a row for %s, which is not there", folder)
		}
	}
}

// importTable reads the rows `folder/` | … | imports of ARCHITECTURE.md.
func importTable(t *testing.T) map[string][]string {
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	table := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || !strings.HasPrefix(strings.TrimSpace(cells[1]), "`") {
			continue
		}
		folder := strings.Trim(cells[1], " `/")
		table[folder] = strings.FieldsFunc(cells[3], func(r rune) bool { return r == ' ' || r == ',' })
	}
	if len(table) < 10 {
		t.Fatalf("the table of ARCHITECTURE.md has %d rows", len(table))
	}
	return table
}

// folders returns what the packages of each top-level folder import of this
// module, tests not counted.
func folders(t *testing.T) map[string][]string {
	found := map[string][]string{}
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") || path.Dir(file) == "." {
			return err
		}
		folder, _, _ := strings.Cut(filepath.ToSlash(file), "/")
		found[folder] = append(found[folder], ownImports(t, file, folder)...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func ownImports(t *testing.T, file, folder string) (own []string) {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range parsed.Imports {
		imported, ours := strings.CutPrefix(strings.Trim(spec.Path.Value, `"`), module)
		imported, _, _ = strings.Cut(imported, "/")
		if ours && imported != folder {
			own = append(own, imported)
		}
	}
	return own
}

// TestPackageComments fails for a package that does not say what it is for.
func TestPackageComments(t *testing.T) {
	t.Parallel()
	said := map[string]bool{}
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		said[filepath.Dir(file)] = said[filepath.Dir(file)] || parsed.Doc != nil
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for dir, ok := range said {
		if !ok {
			t.Errorf("package %s has no comment", dir)
		}
	}
}
