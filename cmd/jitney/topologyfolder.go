package main

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/jitney-mq/jitney/atom"
	"github.com/jitney-mq/jitney/namespace"
)

// readFolder reads a folder in which each file is an entry with a policy, and
// says by its path which name it is for: jobs/subscriptions/audit.json is for
// /jobs/subscriptions/audit. A file that is none of the kinds that are known is
// an error: it could be one whose name has a slip in it.
func (t *topology) readFolder(folder string) error {
	files := os.DirFS(folder)
	return fs.WalkDir(files, ".", func(file string, d fs.DirEntry, err error) error {
		hidden := strings.HasPrefix(d.Name(), ".") && file != "."
		switch {
		case err != nil:
			return err
		case hidden && d.IsDir():
			return fs.SkipDir
		case hidden || d.IsDir():
			return nil
		}
		if err := t.readEntryFile(files, file); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		return nil
	})
}

func (t *topology) readEntryFile(files fs.FS, file string) error {
	extension := path.Ext(file)
	name, err := namespace.FromSegments(strings.Split(strings.TrimSuffix(file, extension), "/"))
	if err != nil {
		return err
	}
	input, err := files.Open(file)
	if err != nil {
		return err
	}
	defer input.Close()
	text, err := readTopologyFile(input)
	if err != nil {
		return err
	}
	switch extension {
	case ".json", ".toml":
		document, err := objectOf(text)
		if err != nil {
			return err
		}
		return t.readName(name, document)
	case ".xml", ".atom":
		return t.readAtom(name, text)
	}
	return fmt.Errorf("want a file that ends in .json, .toml, .xml or .atom")
}

func (t *topology) readAtom(name namespace.Name, text []byte) error {
	entry, err := atom.ParseEntry(text)
	if err != nil {
		return err
	}
	s := &stated{entry: entry}
	if isSubscriptionName(name) && s.isSubscription() {
		return t.addSubscription(name, s)
	}
	return t.addEntry(name, entry)
}
