package server

import (
	"sync"

	"github.com/jitney-mq/jitney/queue"
)

// A group is the messages of a stream that are sent in one commit, if the
// queue's limits allow it.
type group struct {
	messages []queue.Outgoing
	numbers  []int // of their lines
	bytes    int64
}

func (g *group) isFull() bool { return len(g.messages) >= maxGroupLines || g.bytes >= maxGroupBytes }

// empty makes a group that can be used again.
func (g *group) empty() *group {
	clear(g.messages)
	return &group{messages: g.messages[:0], numbers: g.numbers[:0]}
}

// lines are the group of a stream that gathers while another one is committed.
type lines struct {
	mu      sync.Mutex // guards all below
	changed *sync.Cond
	waiting *group
	ended   bool // nobody adds any more
	stopped bool // nobody takes any more
}

func newLines() *lines {
	l := &lines{waiting: new(group)}
	l.changed = sync.NewCond(&l.mu)
	return l
}

// add waits for room and adds a message; false: nobody will take it.
func (l *lines) add(m queue.Outgoing, number int, bytes int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for !l.stopped && l.waiting.isFull() {
		l.changed.Wait()
	}
	if l.stopped {
		return false
	}
	w := l.waiting
	w.messages, w.numbers, w.bytes = append(w.messages, m), append(w.numbers, number), w.bytes+bytes
	l.changed.Broadcast()
	return true
}

// take waits for messages and takes all of them. It gives the room of last to
// those that come next. An empty group says that there will be no more.
func (l *lines) take(last *group) *group {
	next := last.empty()
	l.mu.Lock()
	defer l.mu.Unlock()
	for !l.ended && len(l.waiting.messages) == 0 {
		l.changed.Wait()
	}
	taken := l.waiting
	l.waiting = next
	l.changed.Broadcast()
	return taken
}

func (l *lines) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	l.changed.Broadcast()
}

// stop gives up what waits, and returns its bytes. From here on add returns false.
func (l *lines) stop() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	bytes := l.waiting.bytes
	l.stopped, l.waiting = true, new(group)
	l.changed.Broadcast()
	return bytes
}
