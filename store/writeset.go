package store

import "time"

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

// content returns the value without its checksum, which nobody can append over.
func (w Write) content() []byte {
	n := len(w.Value) - sumSize
	return w.Value[:n:n]
}
