package store

import "slices"

// What the store decodes, for the fuzz target and for tests that write a
// folder of their own.
var (
	Seal         = seal
	Unseal       = unseal
	EncodeCommit = encodeCommit
	DecodeCommit = decodeCommit
	DecodeDue    = decodeDue
	DueKey       = Due.key
)

// Names in the data folder and in the table of the store's own.
const (
	LockName  = lockName
	MetaTable = metaTable
	FormatKey = formatKey
	CommitKey = commitKey
	DueTable  = dueTable
)

// MaxWaitingOps is how many ops wait for the writer before callers block.
const MaxWaitingOps = maxWaitingOps

// WriteSetOf returns the write-set of tx as it is now.
func WriteSetOf(tx *Tx) []Write {
	p := *tx.own
	p.writes = slices.Clone(p.writes)
	return p.set()
}
