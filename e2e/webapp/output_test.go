package webapp_test

import (
	"bytes"
	"strings"
	"sync"
)

// output keeps what a process writes, and tells when a text is in it.
type output struct {
	text string        // what is waited for; fixed after construction
	seen chan struct{} // closed when it is there

	mu      sync.Mutex // guards all below
	written bytes.Buffer
	isSeen  bool
}

func newOutput(text string) *output {
	o := &output{text: text, seen: make(chan struct{})}
	_, _ = o.Write(nil) // an empty text is there already
	return o
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.written.Write(p)
	if !o.isSeen && strings.Contains(o.written.String(), o.text) {
		o.isSeen = true
		close(o.seen)
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.written.String()
}
