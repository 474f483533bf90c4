package duplex

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/sync/semaphore"
)

// How much of a message is read before it is passed on: all of one that is not
// larger.
const (
	largePiece = 64 << 10
	smallPiece = 4 << 10
	maxLarge   = 1000 // large pieces in use at one time; beyond them pieces are small
)

// Pieces are a byte longer, to see the end of a message of that size.
var (
	largePieces = sync.Pool{New: func() any { return new([largePiece + 1]byte) }}
	smallPieces = sync.Pool{New: func() any { return new([smallPiece + 1]byte) }}
	large       = semaphore.NewWeighted(maxLarge)
)

// withPiece calls fn with a piece of memory.
func withPiece(fn func([]byte) error) error {
	if !large.TryAcquire(1) {
		piece := smallPieces.Get().(*[smallPiece + 1]byte)
		defer smallPieces.Put(piece)
		return fn(piece[:])
	}
	defer large.Release(1)
	piece := largePieces.Get().(*[largePiece + 1]byte)
	defer largePieces.Put(piece)
	return fn(piece[:])
}

// Vanished is the reason of the close by which one end learns that the other one
// went without a word; its code is 1011.
const Vanished = "the other end is gone"

// A Joint is two sockets of which each is told what the other one says: messages
// with their type, and the close with its code and reason. Pings stay where they are.
type Joint struct {
	a, b  *Socket
	bytes atomic.Int64
}

// Join joins two sockets that nobody else reads or writes.
func Join(a, b *Socket) *Joint { return &Joint{a: a, b: b} }

// Run passes messages on until both sockets have ended, and closes them.
func (j *Joint) Run() {
	var other sync.WaitGroup
	other.Go(func() { j.pump(j.b, j.a) })
	j.pump(j.a, j.b)
	other.Wait()
	j.a.Close()
	j.b.Close()
}

// End tells both ends that whoever joined them ends this. It does not wait; Run
// returns after at most twice CloseTimeout.
func (j *Joint) End(code int, reason string) {
	for _, s := range []*Socket{j.a, j.b} {
		s.EndReading(CloseTimeout)
		go func() { _ = s.WriteClose(code, reason) }() // who has gone needs not be told
		time.AfterFunc(2*CloseTimeout, s.Close)
	}
}

// Bytes is how much has been passed on, in both directions.
func (j *Joint) Bytes() int64 { return j.bytes.Load() }

// pump passes on what from says. When it has ended, to is given time to end too.
func (j *Joint) pump(from, to *Socket) {
	code, reason := closingOf(j.passOn(from, to))
	_ = to.WriteClose(code, reason) // who has gone, or closed first, needs not be told
	to.EndReading(CloseTimeout)
}

func (j *Joint) passOn(from, to *Socket) error {
	for {
		kind, r, err := from.Next()
		if err != nil {
			return err
		}
		err = withPiece(func(piece []byte) error { return j.message(kind, r, to, piece) })
		if err != nil {
			return err
		}
	}
}

// message passes one message on: in one frame, or in pieces if it is large.
func (j *Joint) message(kind int, r io.Reader, to *Socket, piece []byte) error {
	n, err := io.ReadFull(r, piece)
	j.bytes.Add(int64(n))
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return to.WriteMessage(kind, piece[:n])
	}
	if err != nil {
		return err
	}
	m := to.Begin(kind)
	for ; err == nil; j.bytes.Add(int64(n)) {
		if _, err := m.Write(piece[:n]); err != nil {
			return err
		}
		n, err = r.Read(piece)
	}
	if err != io.EOF {
		return err
	}
	return m.write(piece[:n], true)
}

// closingOf returns by which close the other end is told about the error that ended
// a socket.
func closingOf(err error) (code int, reason string) {
	closed, ok := errors.AsType[*websocket.CloseError](err)
	switch {
	case !ok, closed.Code == websocket.CloseAbnormalClosure, closed.Code == websocket.CloseTLSHandshake:
		return websocket.CloseInternalServerErr, Vanished
	}
	return closed.Code, closed.Text
}
