package client

import (
	"errors"
	"io"
	"sync"
)

// maxBacklog is how many bytes of encoded messages wait for the connection
// before their sender does.
const maxBacklog = 256 << 10

var errStopped = errors.New("the stream was ended from the other side")

// backlog joins a writer of small lines to a reader of large pieces without a
// timer: while one piece is on its way the next one gathers, and a lone line
// goes at once.
type backlog struct {
	mu      sync.Mutex // guards all below
	changed *sync.Cond
	bytes   []byte // written, not yet taken by the reader
	taken   []byte // by the reader, from at on not yet read
	at      int
	ended   bool // nothing more will be written
	stopped bool // nothing more will be read
}

func newBacklog() *backlog {
	b := &backlog{}
	b.changed = sync.NewCond(&b.mu)
	return b
}

// append adds a line, once there is room. A line longer than the backlog
// waits for an empty one.
func (b *backlog) append(line []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for !b.stopped && len(b.bytes) > 0 && len(b.bytes)+len(line) > maxBacklog {
		b.changed.Wait()
	}
	if b.stopped {
		return errStopped
	}
	b.bytes = append(b.bytes, line...)
	b.changed.Broadcast()
	return nil
}

// Read returns what has gathered, and waits only if that is nothing.
func (b *backlog) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.at == len(b.taken) {
		if err := b.take(); err != nil {
			return 0, err
		}
	}
	n := copy(p, b.taken[b.at:])
	b.at += n
	return n, nil
}

// take swaps what has gathered for what has been read.
func (b *backlog) take() error {
	for len(b.bytes) == 0 && !b.ended && !b.stopped {
		b.changed.Wait()
	}
	if b.stopped {
		return errStopped
	}
	if len(b.bytes) == 0 {
		return io.EOF
	}
	b.taken, b.bytes, b.at = b.bytes, b.taken[:0], 0
	b.changed.Broadcast()
	return nil
}

// end says that nothing more will be written.
func (b *backlog) end() { b.set(&b.ended) }

// stop says that nothing more will be read.
func (b *backlog) stop() { b.set(&b.stopped) }

func (b *backlog) set(flag *bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	*flag = true
	b.changed.Broadcast()
}
