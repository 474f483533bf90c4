package queue

import (
	"slices"

	"github.com/jitney-mq/jitney/store"
)

// maxWindow bounds the positions a lane keeps in memory.
const maxWindow = 1024

// A lane knows which active messages of a sub-queue come next. It is owned by
// the writer.
type lane struct {
	queue ID
	sub   SubQueue

	// ready holds the positions of the first active messages, ascending.
	// complete says that there are no others; else the store may have more
	// behind the last one.
	ready    []uint64
	complete bool
}

// forget makes the lane look at the store again.
func (l *lane) forget() { l.ready, l.complete = nil, false }

// first returns the position of the next active message.
func (l *lane) first(tx *store.Tx) (uint64, bool) {
	if len(l.ready) == 0 && !l.complete {
		l.fill(tx)
	}
	if len(l.ready) == 0 {
		return 0, false
	}
	return l.ready[0], true
}

// fill reads the first positions from the store.
func (l *lane) fill(tx *store.Tx) {
	l.ready = l.ready[:0]
	l.complete = true
	from, end := l.queue.state(l.sub, Active, 0)
	for rec := range tx.Scan(entriesTable, from, end) {
		if len(l.ready) == maxWindow {
			l.complete = false
			return
		}
		_, at := decodePlace(rec.Key)
		l.ready = append(l.ready, at.position)
	}
}

// add notes that the message at position has become active.
func (l *lane) add(position uint64) {
	n := len(l.ready)
	if n == 0 || l.ready[n-1] < position {
		if l.complete && n < maxWindow {
			l.ready = append(l.ready, position)
		} else {
			l.complete = false
		}
		return
	}
	i, found := slices.BinarySearch(l.ready, position)
	if found {
		return
	}
	l.ready = slices.Insert(l.ready, i, position)
	if len(l.ready) > maxWindow {
		l.ready = l.ready[:maxWindow]
		l.complete = false
	}
}

// remove notes that the message at position is not active any more.
func (l *lane) remove(position uint64) {
	if len(l.ready) > 0 && l.ready[0] == position {
		l.ready = l.ready[1:]
		return
	}
	if i, found := slices.BinarySearch(l.ready, position); found {
		l.ready = slices.Delete(l.ready, i, i+1)
	}
}
