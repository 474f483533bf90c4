package main

import (
	"os"
	"strings"
	"testing"
)

// module is where the module's folder is, seen from this one.
const module = "../.."

// protocol returns the document.
func protocol(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(module + "/docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// tableBelow returns the rows of the first table below a line, without its
// head: the text of each cell.
func tableBelow(t *testing.T, document, line string) [][]string {
	t.Helper()
	_, rest, ok := strings.Cut(document, "\n"+line+"\n")
	if !ok {
		t.Fatalf("no line %q", line)
	}
	var rows [][]string
	for row := range strings.SplitSeq(rest, "\n") {
		if inner, ok := strings.CutPrefix(row, "|"); ok {
			rows = append(rows, cellsOf(inner))
		} else if rows != nil {
			break
		}
	}
	if len(rows) < 3 {
		t.Fatalf("no table below %q", line)
	}
	return rows[2:]
}

func cellsOf(row string) []string {
	cells := strings.Split(strings.TrimSuffix(row, "|"), "|")
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	return cells
}

// blocks returns the code blocks of a language.
func blocks(document, language string) []string {
	var list []string
	for _, part := range strings.Split(document, "\n```"+language+"\n")[1:] {
		text, _, _ := strings.Cut(part, "\n```")
		list = append(list, text)
	}
	return list
}
