package bench

import (
	"errors"
	"fmt"
	"sync/atomic"
)

// A body is letters, of which the first ones are the message's number and, for
// those who want it, an instant, as hexadecimal digits.
const (
	bodySize  = 1 << 10
	digits    = 16
	instantAt = digits
)

func newBody() []byte {
	body := make([]byte, bodySize)
	for i := range body {
		body[i] = 'a' + byte(i%26)
	}
	return body
}

// newBodies returns a body for each caller.
func newBodies(callers int) [][]byte {
	bodies := make([][]byte, callers)
	for i := range bodies {
		bodies[i] = newBody()
	}
	return bodies
}

// putNumber writes n as the digits at the front of text.
func putNumber(text []byte, n uint64) {
	for i := digits - 1; i >= 0; i-- {
		text[i] = "0123456789abcdef"[n&15]
		n >>= 4
	}
}

// number reads what putNumber wrote; it is 0 for anything else.
func number(text []byte) (n uint64) {
	if len(text) < digits {
		return 0
	}
	for _, c := range text[:digits] {
		switch {
		case '0' <= c && c <= '9':
			n = n<<4 | uint64(c-'0')
		case 'a' <= c && c <= 'f':
			n = n<<4 | uint64(c-'a'+10)
		default:
			return 0
		}
	}
	return n
}

// ErrLost says that messages were lost, or came twice, or that others came
// than were sent.
var ErrLost = errors.New("messages sent and received do not agree")

// maxNumber bounds the messages that a Ledger knows apart; it takes a further
// one for a strange one.
const maxNumber = 1 << 24

// A Ledger gives messages their numbers and knows which came back. It may be
// used from any goroutine. The zero value is empty.
type Ledger struct {
	sent     atomic.Uint64 // the last number
	received atomic.Uint64
	wrong    atomic.Uint64 // of received: came twice, or was never sent
	seen     [maxNumber / 64]atomic.Uint64
}

// Stamp makes a body, of at least 16 bytes, that of the next message.
func (l *Ledger) Stamp(body []byte) { putNumber(body, l.sent.Add(1)) }

// See notes that a message was received for good.
func (l *Ledger) See(body []byte) {
	l.received.Add(1)
	n := number(body)
	if n == 0 || n >= maxNumber || n > l.sent.Load() {
		l.wrong.Add(1)
		return
	}
	if bit := uint64(1) << (n % 64); l.seen[n/64].Or(bit)&bit != 0 {
		l.wrong.Add(1)
	}
}

// Check returns ErrLost unless every message that was sent was received once.
func (l *Ledger) Check() error {
	sent, received, wrong := l.sent.Load(), l.received.Load(), l.wrong.Load()
	if sent == received && wrong == 0 {
		return nil
	}
	return fmt.Errorf("%w: %d sent, %d received, %d of them twice or strange", ErrLost, sent, received, wrong)
}
