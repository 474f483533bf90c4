package main

import (
	"io"
	"os"
	"sync"
)

// layout says how the output of commands is shown.
type layout uint8

const (
	direct   layout = iota // as it comes: there is one command at a time
	grouped                // each command's in one piece, when it has ended
	prefixed               // line by line, each with the message's number
)

func layoutOf(w *work) layout {
	switch {
	case w.prefix:
		return prefixed
	case w.parallel > 1:
		return grouped
	}
	return direct
}

// screen is the standard output and error that commands share.
type screen struct {
	stdout, stderr io.Writer
	layout         layout
	turn           sync.Mutex // held while something is shown, but by direct output
}

// output is where one command writes.
type output struct {
	stdout, stderr io.Writer
	close          func() // shows what is not shown yet, once the command has ended
}

// open returns the output of the command for a message. What cannot be shown
// later is dropped: it is no fault of the command.
func (s *screen) open(sequenceNumber int64) (output, error) {
	switch s.layout {
	case grouped:
		return s.openGrouped()
	case prefixed:
		return s.openPrefixed(sequenceNumber), nil
	}
	return output{s.stdout, s.stderr, func() {}}, nil
}

// openGrouped has the command write to temporary files: it never waits for
// other commands, however much it writes.
func (s *screen) openGrouped() (output, error) {
	out, err := os.CreateTemp("", "jitney-output-*")
	if err != nil {
		return output{}, err
	}
	errs, err := os.CreateTemp("", "jitney-output-*")
	if err != nil {
		remove(out)
		return output{}, err
	}
	return output{out, errs, func() {
		s.turn.Lock()
		defer s.turn.Unlock()
		show(s.stdout, out)
		show(s.stderr, errs)
	}}, nil
}

// show copies a temporary file to a stream and removes it.
func show(to io.Writer, f *os.File) {
	if _, err := f.Seek(0, io.SeekStart); err == nil {
		_, _ = io.Copy(to, f)
	}
	remove(f)
}

// remove closes and removes a temporary file. Nothing is lost if that fails.
func remove(f *os.File) {
	_ = f.Close()
	_ = os.Remove(f.Name())
}
