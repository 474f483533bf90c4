package store

import (
	"errors"
	"fmt"
)

// Returned by Open.
var (
	// ErrInUse says that another process has the folder open.
	ErrInUse = errors.New("the data folder is in use by another process")
	// ErrFormat says that the folder was written by a version that this one cannot read.
	ErrFormat = errors.New("the data folder has a format that this version does not read")
)

// Returned by Update and View.
var (
	// ErrClosed says that the store was closed before the op ran: it has changed nothing.
	ErrClosed = errors.New("the store is closed")
	// ErrFailed says that an earlier commit could not be synced. What that
	// commit held is unknown until the folder is opened again; nothing is
	// written any more.
	ErrFailed = errors.New("the store has failed and accepts nothing more")
	// ErrNoSpace says that the disk or the file's quota is full. The op has changed nothing.
	ErrNoSpace = errors.New("no space is left for the store")
	// ErrPanic says that an op panicked. It has changed nothing.
	ErrPanic = errors.New("an op panicked")
)

// CorruptError says that a record does not match its checksum.
type CorruptError struct {
	Table Table
	Key   []byte
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("record %x of table %s is damaged: its checksum does not match", e.Key, e.Table)
}
