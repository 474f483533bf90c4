package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A place is a line that carries a tag.
type place struct {
	tag  string
	file string // below the root, with slashes
	line int
}

func (p place) String() string { return p.file + ":" + strconv.Itoa(p.line) }

// isTest reports whether the place proves a clause and does not keep it.
func (p place) isTest() bool {
	return strings.HasSuffix(p.file, "_test.go") || strings.HasSuffix(p.file, ".txtar") || p.below("e2e")
}

// outside are the folders whose code is the protocol's other side: what they
// do keeps no promise of the broker.
var outside = []string{"bench", "bus", "client", "cmd", "examples", "outbox"}

// isCode reports whether the place can keep a clause.
func (p place) isCode() bool {
	return !p.isTest() && !slices.ContainsFunc(outside, p.below)
}

func (p place) below(folder string) bool { return strings.HasPrefix(p.file, folder+"/") }

// tagInText matches a tag as comments have it.
var tagInText = regexp.MustCompile(`\[(` + tagPattern + `)\]`)

// findPlaces returns the tags in the comments of all Go files and txtar
// scripts below root, in the order of files.
func findPlaces(root string) ([]place, error) {
	var places []place
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && strings.HasPrefix(d.Name(), ".") {
			return filepath.SkipDir
		}
		comments := commentsOf(d)
		if comments == nil {
			return nil
		}
		lines, err := comments(path)
		if err != nil {
			return err
		}
		file, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		places = appendTags(places, filepath.ToSlash(file), lines)
		return nil
	})
	return places, err
}

// comment is one line of a comment.
type comment struct {
	line int
	text string
}

// commentsOf returns the function that reads the comments of a file, nil for a
// file that has none of interest.
func commentsOf(d fs.DirEntry) func(path string) ([]comment, error) {
	switch {
	case !d.Type().IsRegular():
		return nil
	case strings.HasSuffix(d.Name(), ".go"):
		return goComments
	case strings.HasSuffix(d.Name(), ".txtar"):
		return scriptComments
	}
	return nil
}

func appendTags(places []place, file string, comments []comment) []place {
	for _, c := range comments {
		for _, m := range tagInText.FindAllStringSubmatch(c.text, -1) {
			places = append(places, place{tag: m[1], file: file, line: c.line})
		}
	}
	return places
}

func goComments(path string) ([]comment, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	var comments []comment
	for _, group := range file.Comments {
		for _, c := range group.List {
			first := files.Position(c.Pos()).Line
			for i, text := range strings.Split(c.Text, "\n") {
				comments = append(comments, comment{first + i, text})
			}
		}
	}
	return comments, nil
}

// scriptComments returns the lines that begin with #.
func scriptComments(path string) ([]comment, error) {
	script, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var comments []comment
	for i, text := range strings.Split(string(script), "\n") {
		if strings.HasPrefix(text, "#") {
			comments = append(comments, comment{i + 1, text})
		}
	}
	return comments, nil
}
