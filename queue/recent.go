package queue

const (
	// recentSlots is how many entries are kept in memory, over all queues of a
	// store; a power of two.
	recentSlots = 4096
	// maxRecentHead is the largest record 0 of a body that is kept with its entry.
	maxRecentHead = 4 << 10
)

// recent keeps entries of ready lines that the writer has put, and what is
// small of their bodies, so that a message that is received or settled soon
// afterwards need not be read and decoded again. An entry has one slot, which the next one with that slot
// takes over. It is owned by the writer and follows the commit in the making.
type recent struct{ slots [recentSlots]recentSlot }

type recentSlot struct {
	queue ID // 0: empty
	entry entry
}

// slot is where an entry is, if it is kept: neighbours in a queue have
// neighbouring slots, and do not get in each other's way.
func (c *recent) slot(id ID, sub SubQueue, position uint64) *recentSlot {
	start := (uint64(id)<<2 | uint64(sub)) * 0x9e3779b97f4a7c15 >> 32
	return &c.slots[(start+position)%recentSlots]
}

// get returns a copy of an entry, nil if it is not kept.
func (c *recent) get(id ID, sub SubQueue, position uint64) *entry {
	s := c.slot(id, sub, position)
	if s.queue != id || s.entry.sub != sub || s.entry.position != position {
		return nil
	}
	e := s.entry
	return &e
}

func (c *recent) put(id ID, e *entry) {
	if e.state.line() != readyLine {
		return
	}
	s := c.slot(id, e.sub, e.position)
	*s = recentSlot{id, *e}
	if len(e.head) > maxRecentHead {
		s.entry.head = nil
	}
}

func (c *recent) drop(id ID, e *entry) {
	if s := c.slot(id, e.sub, e.position); s.queue == id && s.entry.sub == e.sub && s.entry.position == e.position {
		*s = recentSlot{}
	}
}
