//go:build linux

package faultfs

import "sort"

// A Kind is what an operation does. Kinds can be or-ed where several are meant.
type Kind uint

// The kinds of operations.
const (
	Write Kind = 1 << iota
	Truncate
	Sync // fsync or fdatasync of a file
	Create
	Rename
	Remove
	SyncDir
)

// A History is the operations that succeeded on a mounted directory, in order.
type History struct {
	Start []File // what the directory held when it was mounted
	Ops   []Op
	Marks []Mark
}

// A File is a file of the directory as it was mounted.
type File struct {
	ID   int
	Name string
	Data []byte
}

// An Op is a change or a sync. A call that failed is none, and a sync that failed makes nothing durable.
type Op struct {
	Kind    Kind
	Name    string // of Create, Rename and Remove
	NewName string // of Rename
	File    int    // the file's number, which stays when its name changes and is never used again
	Offset  int64  // of Write, and the new length of Truncate
	Data    []byte // of Write
}

// A Mark is a value that the test dropped into the history when At operations were done.
type Mark struct {
	At    int
	Value any
}

// Before returns the marks that were surely dropped before a crash after k operations.
func (h *History) Before(k int) []Mark {
	return h.Marks[:sort.Search(len(h.Marks), func(i int) bool { return h.Marks[i].At > k })]
}

// end is the offset behind a write.
func (op Op) end() int64 { return op.Offset + int64(len(op.Data)) }

// covers tells whether the sync op makes the earlier operation durable.
func (op Op) covers(earlier Op) bool {
	if op.Kind == SyncDir {
		return earlier.Kind&(Create|Rename|Remove) != 0
	}
	return op.File == earlier.File && earlier.Kind&(Write|Truncate) != 0
}
