package e2e_test

import (
	"bytes"
	"errors"
	"strings"
	"sync"
)

// logbook keeps what a process writes, and tells when it has written something.
type logbook struct {
	mu      sync.Mutex // guards all below
	text    bytes.Buffer
	wanted  []byte        // what await waits for; empty: nothing
	from    int           // where in text it may begin
	arrived chan struct{} // closed when it is there
}

func newLogbook() *logbook { return &logbook{} }

func (l *logbook) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(text)
	if len(l.wanted) > 0 && bytes.Contains(l.text.Bytes()[l.from:], l.wanted) {
		close(l.arrived)
		l.wanted = nil
	}
	return len(text), nil
}

// await returns a channel that is closed once text is written from now on. The
// channel of an earlier call is forgotten.
func (l *logbook) await(text string) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wanted, l.from, l.arrived = []byte(text), l.text.Len(), make(chan struct{})
	return l.arrived
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// failures returns an error if the process logged one, or its race detector
// found anything.
func (l *logbook) failures() error {
	text := l.String()
	if strings.Contains(text, "level=ERROR") || strings.Contains(text, "DATA RACE") {
		return errors.New(text)
	}
	return nil
}
