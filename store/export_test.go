package store

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
	MetaTable = metaTable
	FormatKey = formatKey
	CommitKey = commitKey
	DueTable  = dueTable
)

// MaxWaitingOps is how many ops wait for the writer before callers block.
const MaxWaitingOps = maxWaitingOps
