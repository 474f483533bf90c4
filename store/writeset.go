package store

import (
	"bytes"
	"slices"
	"time"
)

// A Table is an ordered set of records with a name of its own.
type Table string

// A WriteSet is all that one commit changes, and nothing else is: applying the
// write-sets of a store in the order of their numbers to an empty one gives
// the same store.
type WriteSet struct {
	Number uint64    // of the commit, from 1, without gaps
	At     time.Time // the instant that the commit's ops saw
	Writes []Write   // at most one for each table and key
}

// A Write puts or deletes one record.
type Write struct {
	Table Table
	Key   []byte
	Value []byte // with its checksum; nil deletes

	inserted bool // the file does not have the key
}

// pending is a WriteSet in the making, with what a reader needs to see it.
type pending struct {
	writes []Write
	calls  int              // of add
	bytes  int              // of keys and values
	byKey  map[Table]keyMap // where in writes a key stands
}

type keyMap map[string]int

func newPending() *pending {
	return &pending{byKey: make(map[Table]keyMap, 8)}
}

// reset empties p and keeps its memory.
func (p *pending) reset() {
	clear(p.writes)
	p.writes = p.writes[:0]
	p.bytes, p.calls = 0, 0
	for _, keys := range p.byKey {
		clear(keys)
	}
}

// get returns the write that stands for key, if there is one.
func (p *pending) get(t Table, key []byte) (Write, bool) {
	i, ok := p.byKey[t][string(key)]
	if !ok {
		return Write{}, false
	}
	return p.writes[i], true
}

// add makes w the last word on its key.
func (p *pending) add(w Write) {
	p.calls++
	p.bytes += len(w.Key) + len(w.Value)
	keys := p.byKey[w.Table]
	if keys == nil {
		keys = make(keyMap)
		p.byKey[w.Table] = keys
	}
	if i, ok := keys[string(w.Key)]; ok {
		w.inserted = p.writes[i].inserted
		p.writes[i] = w
		return
	}
	keys[string(w.Key)] = len(p.writes)
	p.writes = append(p.writes, w)
}

// set returns what is to be applied: not what was put and deleted again in
// this same commit.
func (p *pending) set() []Write {
	return slices.DeleteFunc(p.writes, func(w Write) bool { return w.inserted && w.Value == nil })
}

// between returns the writes of table t with from <= key < to, in key order.
func (p *pending) between(t Table, from, to []byte) []Write {
	if len(p.byKey[t]) == 0 {
		return nil
	}
	var found []Write
	for _, w := range p.writes {
		if w.Table == t && bytes.Compare(w.Key, from) >= 0 && (to == nil || bytes.Compare(w.Key, to) < 0) {
			found = append(found, w)
		}
	}
	slices.SortFunc(found, func(a, b Write) int { return bytes.Compare(a.Key, b.Key) })
	return found
}
