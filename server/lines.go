package server

import (
	"sync"

	"github.com/jitney-mq/jitney/queue"
)

// lines are the messages of a stream that wait for the commit after the one
// that is under way: at most maxGroupLines or maxGroupBytes, and one more.
type lines struct {
	mu      sync.Mutex // guards all below
	changed *sync.Cond
	waiting []queue.Outgoing
	bytes   int64
	ended   bool // nobody adds any more
	stopped bool // nobody takes any more
}

func newLines() *lines {
	l := new(lines)
	l.changed = sync.NewCond(&l.mu)
	return l
}

// add waits for room and adds a message; false: nobody will take it.
func (l *lines) add(m queue.Outgoing, bytes int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for !l.stopped && (len(l.waiting) >= maxGroupLines || l.bytes >= maxGroupBytes) {
		l.changed.Wait()
	}
	if l.stopped {
		return false
	}
	l.waiting = append(l.waiting, m)
	l.bytes += bytes
	l.changed.Broadcast()
	return true
}

// take waits for messages and takes all of them into the room of last, which
// it gives back empty; none: there will be no more.
func (l *lines) take(last []queue.Outgoing) (group []queue.Outgoing, bytes int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for !l.ended && len(l.waiting) == 0 {
		l.changed.Wait()
	}
	group, bytes = l.waiting, l.bytes
	clear(last)
	l.waiting, l.bytes = last[:0], 0
	l.changed.Broadcast()
	return group, bytes
}

func (l *lines) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	l.changed.Broadcast()
}

// stop has add return, and gives up what waits. It returns its bytes.
func (l *lines) stop() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	bytes := l.bytes
	l.stopped, l.waiting, l.bytes = true, nil, 0
	l.changed.Broadcast()
	return bytes
}
