package store

import (
	"bytes"
	"hash/maphash"
	"slices"
)

// pending is a WriteSet in the making, and what a reader needs to see it: the
// writes in the order of their first appearance, and a hash table of them. A
// built-in map would make a string of every key.
type pending struct {
	writes []Write
	slots  []int32 // 1 + index in writes; 0 is empty; linear probing
	seed   maphash.Seed
	calls  int // of add
	bytes  int // of keys and values
}

// minSlots is how large the table is at least; a power of two.
const minSlots = 1024

func newPending() *pending {
	return &pending{slots: make([]int32, minSlots), seed: maphash.MakeSeed()}
}

// reset empties p and keeps its memory.
func (p *pending) reset() {
	clear(p.writes)
	p.writes = p.writes[:0]
	clear(p.slots)
	p.bytes, p.calls = 0, 0
}

// slot returns where key stands in the table, or where it would.
func (p *pending) slot(t Table, key []byte) *int32 {
	mask := uint64(len(p.slots) - 1)
	for i := maphash.Bytes(p.seed, key) & mask; ; i = (i + 1) & mask {
		s := &p.slots[i]
		if *s == 0 {
			return s
		}
		if w := &p.writes[*s-1]; w.Table == t && bytes.Equal(w.Key, key) {
			return s
		}
	}
}

// get returns the write that stands for key, if there is one.
func (p *pending) get(t Table, key []byte) (Write, bool) {
	if s := *p.slot(t, key); s != 0 {
		return p.writes[s-1], true
	}
	return Write{}, false
}

// add makes w the last word on its key.
func (p *pending) add(w Write) {
	p.calls++
	p.bytes += len(w.Key) + len(w.Value)
	s := p.slot(w.Table, w.Key)
	if *s != 0 {
		old := &p.writes[*s-1]
		w.inserted = old.inserted
		*old = w
		return
	}
	p.writes = append(p.writes, w)
	*s = int32(len(p.writes))
	if 2*len(p.writes) > len(p.slots) {
		p.grow()
	}
}

// grow doubles the table.
func (p *pending) grow() {
	p.slots = make([]int32, 2*len(p.slots))
	for i := range p.writes {
		*p.slot(p.writes[i].Table, p.writes[i].Key) = int32(i + 1)
	}
}

// set returns what is to be applied: not what was put and deleted again in
// this same commit.
func (p *pending) set() []Write {
	return slices.DeleteFunc(p.writes, func(w Write) bool { return w.inserted && w.Value == nil })
}

// between returns the writes of table t with from <= key < to, in key order.
func (p *pending) between(t Table, from, to []byte) []Write {
	var found []Write
	for _, w := range p.writes {
		if w.Table == t && bytes.Compare(w.Key, from) >= 0 && (to == nil || bytes.Compare(w.Key, to) < 0) {
			found = append(found, w)
		}
	}
	slices.SortFunc(found, func(a, b Write) int { return bytes.Compare(a.Key, b.Key) })
	return found
}
