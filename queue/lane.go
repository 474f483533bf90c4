package queue

import (
	"encoding/binary"
	"math"
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

	// ready holds, ascending, the position of every active message that stands
	// before next. What stands there or behind has not been looked at.
	ready []uint64
	next  uint64
}

// everything is a lane's next when there is nothing left to look at.
const everything = math.MaxUint64

// forget makes the lane look at the store again.
func (l *lane) forget() { l.ready, l.next = nil, 0 }

// first returns the position of the next active message.
func (l *lane) first(tx *store.Tx) (uint64, bool) {
	if len(l.ready) == 0 && l.next != everything {
		l.fill(tx)
	}
	if len(l.ready) == 0 {
		return 0, false
	}
	return l.ready[0], true
}

// fill reads on in the store.
func (l *lane) fill(tx *store.Tx) {
	l.ready = l.ready[:0]
	from, end := l.queue.between(l.sub, readyLine, l.next)
	for rec := range tx.Scan(entriesTable, from, end) {
		position := binary.BigEndian.Uint64(rec.Key[10:])
		if len(l.ready) == maxWindow {
			l.next = position
			return
		}
		if rec.Err != nil || flags(rec.Value[1])&isLocked == 0 {
			l.ready = append(l.ready, position) // a damaged one is put aside when it is taken
		}
	}
	l.next = everything
}

// add notes that the message at position has become active.
func (l *lane) add(position uint64) {
	if position >= l.next {
		return
	}
	if n := len(l.ready); n == 0 || l.ready[n-1] < position {
		l.ready = append(l.ready, position)
	} else if i, found := slices.BinarySearch(l.ready, position); !found {
		l.ready = slices.Insert(l.ready, i, position)
	}
	if len(l.ready) > maxWindow {
		l.next = l.ready[maxWindow]
		l.ready = l.ready[:maxWindow]
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
