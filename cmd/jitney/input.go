package main

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// open opens a file to read; - is standard input. The error is one of usage.
func (e *env) open(path string) (io.ReadCloser, error) {
	if path == "-" {
		return io.NopCloser(e.stdin), nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, usage(err)
	}
	return f, nil
}

// isTerminal reports whether a stream is one that a person looks at.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// withProgress returns a reader of input that shows how far it is read, if
// there is a person to see it. The caller calls done.
func (e *env) withProgress(input io.Reader) (reader io.Reader, done func()) {
	if !isTerminal(e.stderr) || isTerminal(input) {
		return input, func() {}
	}
	size := sizeOf(input)
	bar := progressbar.NewOptions64(size,
		progressbar.OptionSetWriter(e.stderr),
		progressbar.OptionShowBytes(true),
		progressbar.OptionThrottle(100*time.Millisecond),
	)
	return shown{io.TeeReader(input, bar), size}, func() {
		_ = bar.Exit() // the bar is for the eye: what becomes of it is no error
		_ = bar.Clear()
	}
}

// shown is an input behind a progress bar, which still knows its length.
type shown struct {
	io.Reader
	size int64
}

func (s shown) Len() int { return int(s.size) }

// sizeOf returns the size of a file, -1 if it is not known.
func sizeOf(input io.Reader) int64 {
	f, ok := input.(*os.File)
	if !ok {
		return -1
	}
	stat, err := f.Stat()
	if err != nil || !stat.Mode().IsRegular() {
		return -1
	}
	return stat.Size()
}
