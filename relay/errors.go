package relay

import (
	"errors"
	"fmt"
)

// Why something was not relayed.
var (
	ErrNoPoint      = errors.New("the name is no connection point")
	ErrDisabled     = errors.New("the connection point is disabled")
	ErrManyHere     = errors.New("the connection point has as many listeners as it may have")
	ErrBusy         = errors.New("too much is being relayed")
	ErrClosed       = errors.New("the relay is shutting down")
	ErrNoListener   = errors.New("nobody listens at the connection point")
	ErrListenerGone = errors.New("the listener went away")
	ErrTimeout      = errors.New("the listener did not answer in time")
	ErrProtocol     = errors.New("the listener did not keep to the protocol")
	ErrNoMeeting    = errors.New("nobody waits under this id, or not any more")
	ErrHeader       = errors.New("the header is too large to be relayed")
	ErrBody         = errors.New("the body could not be read")
	ErrTooLarge     = errors.New("the body is too large to be sent one way")
)

// Rejected is a listener's answer to a sender who wanted a socket.
type Rejected struct {
	Status int // 400 to 599
	Reason string
}

// Error is part of error.
func (r *Rejected) Error() string {
	if r.Reason == "" {
		return fmt.Sprintf("the listener rejected the socket with %d", r.Status)
	}
	return r.Reason
}
