package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/jitney-mq/jitney/examples/worker/record"
)

// sourceFolder returns where the Go standard library is.
func sourceFolder() (string, error) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOROOT: %w", err)
	}
	return filepath.Join(strings.TrimSpace(string(root)), "src"), nil
}

var errEnough = errors.New("enough files")

// readFiles returns the first files below a folder, at most so many; 0: all.
func readFiles(source string, most int) (files []record.File, err error) {
	err = filepath.WalkDir(source, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		below, err := filepath.Rel(source, path)
		if err != nil {
			return err
		}
		f, err := record.Read(source, filepath.ToSlash(below))
		if err != nil {
			return err
		}
		if files = append(files, f); len(files) == most {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return files, err
}

// writeFiles writes the data set, one file a line.
func writeFiles(path string, files []record.File) error {
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(out)
	for _, f := range files {
		fmt.Fprintln(w, f)
	}
	return errors.Join(w.Flush(), out.Close())
}
