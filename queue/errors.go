package queue

import "errors"

// Returned when a message is sent.
var (
	// ErrFull says that the queue has no room and its policy rejects what does not fit.
	ErrFull = errors.New("the queue is full")
	// ErrTooLarge says that a message is larger than the queue ever takes.
	ErrTooLarge = errors.New("the message is larger than the queue takes")
	// ErrOverloaded says that too many senders or too many bytes are held already.
	ErrOverloaded = errors.New("too many senders are held")
	// ErrBadBody wraps the error of a reader that a body came from.
	ErrBadBody = errors.New("the body could not be read")
)

// Returned when a message is received, settled or looked for.
var (
	// ErrNoMessage says that there is no message with that sequence number in that state.
	ErrNoMessage = errors.New("there is no such message")
	// ErrLocked says that the message is locked by a receiver.
	ErrLocked = errors.New("the message is locked")
	// ErrLockLost says that a token is not the message's current lock; see LockError.
	ErrLockLost = errors.New("the lock is lost")
)

// Returned by anything.
var (
	// ErrGone says that the queue has been deleted.
	ErrGone = errors.New("the queue is gone")
	// ErrDisabled says that the queue's Status does not allow this.
	ErrDisabled = errors.New("the queue is disabled")
)

// A Reason says why a lock is lost.
type Reason string

const (
	Expired Reason = "expired" // its time ran out
	Settled Reason = "settled" // it was settled before
	Unknown Reason = "unknown" // it never was a lock of this queue
)

// LockError is ErrLockLost with the reason.
type LockError struct{ Reason Reason }

func (e *LockError) Error() string        { return ErrLockLost.Error() + ": " + string(e.Reason) }
func (e *LockError) Is(target error) bool { return target == ErrLockLost }
